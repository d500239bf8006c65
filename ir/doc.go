// Package ir is the dataflow IR of a program: procedures as control flow
// graphs of typed three-address instructions, with explicit address
// arithmetic. It stands between the typed AST and the analyses, is close to
// the source (every instruction has its token range and its statement), and is
// executable: package cprint writes it back as C.
//
// # Building
//
// Package lower turns one translation unit into functions whose locals all
// live in memory; package link resolves symbols among units; Lift then turns
// scalar locals whose address is not taken into registers (SSA). Verify checks
// what both promise.
//
// # Instructions
//
// T is Instr.Type, O is Instr.Opnd. r1 is a register, r1.x one that is a
// version of local x, &x the address of local x, @g a global or function.
//
//	Op            printed form                      meaning
//	Load          r1 = load T a                     *a; volatile accesses print "load volatile"
//	Store         store T a, v                      *a = v
//	LoadBits      r1 = loadbits T a .f              bit-field f of the record at a
//	StoreBits     storebits T a .f, v
//	Copy          copy T a, b                       *a = *b, a whole record or array
//	Zero          zero T a                          all bytes of *a = 0
//	FieldAddr     r1 = field a .f +8                address of member f of the record at a
//	IndexAddr     r1 = index a, v * 8               address of element v
//	Bin           r1 = add T a, b                   add sub mul div rem and or xor shl shr
//	Cmp           r1 = lt O a, b                    eq ne lt gt le ge; the result is an int
//	Un            r1 = neg T a                      neg bitnot
//	Conv          r1 = conv T a from O
//	PtrDiff       r1 = ptrdiff a, b / 8
//	Move          r1 = move T a                     names a value: an assignment to a lifted local
//	Phi           r1 = phi T [b1: a, b2: b]
//	Alloca        r1 = alloca a                     "alloca until return" for alloca()
//	Call          r1 = call f(a, b)                 "call f(a, b) to c": a record result goes to *c
//	Builtin       r1 = builtin T name(a, b)         vec.add and the like: element by element
//	Asm           asm "template" (a, b)
//	LifeStart     lifestart &x                      x's old value is gone
//	Jump          jump b1
//	Branch        branch O v, b1, b2                v != 0 ? b1 : b2
//	Switch        switch O v, [1: b1, 2..5: b2], b3 last is the default
//	IndirectJump  goto v, [b1, b2]
//	Ret           ret a
//	Unreachable   unreachable
//
// # Conventions
//
// Records, arrays and va_lists are never in registers: a value of such a type
// is the address of memory that holds it. Scalars, complex numbers and vectors
// are. A parameter of record type is a local in memory that holds the caller's
// bytes on entry. A VLA is a local of pointer type that holds the address of an
// Alloca; its element counts are unnamed locals.
//
// A register has one definition, which dominates its uses. RegInfo.Def -1 is
// the value of the parameter RegInfo.Local on entry.
//
// Operands and arguments are evaluated in the order that gcc chooses on
// x86-64: arguments from the last to the first; the right side of an assignment
// before the left, but for its outermost load or call.
//
// Besides the compiler's own names (__atomic_fetch_add, ...) these Builtins
// exist: va_start, va_end, va_copy, va_arg (all take the address of the
// va_list; va_arg's Type is the argument's), vec (BuiltinVec: Instr.Sub is the
// operation, check.Load the subscript of a vector value), real and imag (parts
// of a complex value), stack_save and stack_restore (around the life of VLAs).
//
// An Asm takes places by address. One with labels is followed by a Switch on
// undef that leads to each of them or on.
//
// Instructions that no expression stands behind (phis made by lifting) have
// Pos.Tok -1 and no statement. Those of a for header belong to the for
// statement; a Ret at the end of a function stands at the closing brace.
package ir
