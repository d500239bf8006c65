// Package check gives C its meaning: it turns the syntax of a translation unit
// into a typed AST (ast.go) in which every name is resolved, every expression
// has its type, and every implicit conversion is a node.
//
// # Phases
//
// There is one pass over the external declarations in order, because C needs
// no more: what a name means depends only on what came before it.
//
//	scope.go       names, tags, scopes; objects with linkage
//	decl.go        external declarations, specifiers, records, enumerations
//	declarator.go  declarators and parameters, inside out
//	attr.go        GNU attributes, and the constant expressions in them
//	expr.go        expressions and conversions
//	builtin.go     __builtin_ functions; data in builtins.txt, builtins_x86.txt
//	init.go        initialisers, flattened to leaves
//	stmt.go        statements, labels, asm
//	const.go       constant expressions
//	literal.go     numbers, characters, strings
//	live.go        which functions can run at all
//	print.go       the typed AST as C-like text
//	asserts.go     what is thought of the unit, for the compiler to check
//	image.go       the unit as bytes, with what something leads to, and back
//
// Bodies of static and inline functions may wait (syntax.Cache.ParseHeads):
// their heads are declared in order, and those that something leads to are
// completed at the end of the unit (decl.go, live.go). C lets a name of file
// scope have one meaning only, so that what a body says is the same there.
//
// # Conventions of the typed AST
//
// An expression is an lvalue, a function designator or a value. Load, Decay
// and FuncAddr lead from the former two to the latter; only Addr, Member,
// Assign and their like, sizeof, typeof and __builtin_ operators see an lvalue
// unconverted. The type of a value is never qualified. An implicit conversion
// of an integer literal to another integer type is folded into the literal;
// every other one is a Conv, also between pointer types that differ only below
// the pointer. A Conv to a transparent union makes a union of its operand.
//
// A va_list (ctype.VaList) decays as the array that it is in the ABI:
// va_start, va_end and va_copy take pointers to it; VaArg takes the lvalue.
//
// Arithmetic on a vector is VecOp; a Conv from a scalar to a vector type
// repeats the scalar, one between vector types keeps the bits. v[i] is
// *((elem *)&v + i).
//
// Token ranges index Cpp.Tokens. Where syntax is made of several statements in
// one node (a case label and what follows it), ranges follow the AST: a Case
// ends with the one statement that it labels.
//
// A bit-field wider than int has, to gcc, a type of its own width; arithmetic
// that could exceed it is followed by the masks or shifts that cut it back.
//
// # Not supported
//
// These are errors: members of variable size, decimal floating point, _BitInt, __builtin_tgmath, the attributes ms_struct
// and scalar_storage_order. Complex numbers are typed; it is for the reader to
// refuse them. _Float32, _Float64, _Float32x and _Float64x are taken to be
// float, double, double and long double, which they equal in all but identity.
// aligned without an argument means 16, as without -mavx.
//
// # Errors
//
// Nothing is guessed. What cannot be typed is a diagnostic ("type-error") and
// the whole external declaration becomes a BadDecl: unknown code. A fault in
// this package itself is caught a declaration ("internal-check").
package check
