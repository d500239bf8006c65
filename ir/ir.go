package ir

import (
	"runtime"

	"golang.org/x/sync/errgroup"

	"saz/frontend/check"
	"saz/frontend/ctype"
	"saz/frontend/source"
)

// Dense ids. Everything in a Program is found by index.
type (
	FuncID   int32 // Program.Funcs
	GlobalID int32 // Program.Globals
	UnitID   int32 // Program.Units
	LocalID  int32 // Func.Locals
	Reg      int32 // Func.Regs; each is assigned by exactly one instruction
	BlockID  int32 // Func.Blocks
)

// A Ref names one instruction of a program.
type Ref struct {
	Func FuncID
	I    int32 // index into Func.Instrs
}

// A Pos is where an instruction comes from: a token range of its unit.
type Pos struct {
	Unit     UnitID
	Tok, End int32 // Unit.AST.Tokens, half-open
}

// A Program is the translation units that are linked into one executable.
type Program struct {
	Name    string
	Files   *source.Set
	Units   []*Unit
	Funcs   []*Func
	Globals []*Global
	Entry   FuncID // main, -1 if there is none

	// Records maps each record of each unit to the one that stands for all
	// units' copies of it (same tag or typedef name, same layout, same fields).
	Records map[*ctype.Record]*ctype.Record
}

// A Unit is one translation unit.
type Unit struct {
	ID   UnitID
	Name string
	AST  *check.Unit // it rests after linking: see Wake
}

// Linkage of a global or function, as the linker sees it.
type Linkage uint8

// Linkages.
const (
	External  Linkage = iota // defined in the program, visible everywhere
	Internal                 // static
	Undefined                // defined by a library: its contents are unknown code or unknown data
)

// A Global is an object of static storage: a variable, a function-scope
// static, a string literal, a file-scope compound literal.
type Global struct {
	ID      GlobalID
	Name    string // source name; "" for literals
	Link    string // linker name
	Linkage Linkage
	Type    *ctype.Type
	Size    int64
	String  bool   // a string literal
	Data    string // its bytes
	Thread  bool
	Weak    bool
	Proc    FuncID // the enclosing function of a function-scope static, else -1
	Unit    UnitID // of its definition (or of a declaration if Undefined)
	Pos     source.Pos
	Obj     *check.Object // the defining object; nil for literals
	Init    []InitItem    // by offset; the rest is zero
}

// An InitItem is one initialised scalar of a Global. Value is a constant or an
// address (VGlobal, VFunc, VLabel, VInt, VFloat).
type InitItem struct {
	Off   int64
	Field *ctype.Field // bit-field leaf, else nil
	Type  *ctype.Type
	Value Value
	Label FuncID // VLabel: the function that Value's block belongs to
	Data  string // bytes of a string initialiser: then Value is NoVal and Type the array
}

// A Local is a variable or parameter of a function. Before lifting all locals
// live in memory; lifting turns those whose address is not taken and whose type is
// scalar into registers and marks them Lifted.
type Local struct {
	ID        LocalID
	Name      string // "" for temporaries that lowering made
	Type      *ctype.Type
	Param     bool
	AddrTaken bool
	Lifted    bool
	Obj       *check.Object // nil for temporaries
	Pos       source.Pos
}

// A RegInfo describes a register.
type RegInfo struct {
	Type  *ctype.Type
	Local LocalID // the local it is a version of, -1 for a temporary
	Def   int32   // index of the defining instruction; -1: parameter value on entry or undefined
}

// A Func is a procedure. External ones have no Blocks.
type Func struct {
	ID      FuncID
	Name    string
	Link    string
	Linkage Linkage
	Weak    bool
	Type    *ctype.Type
	Unit    UnitID
	Def     *check.FuncDef // nil if not defined in the program
	Unknown bool           // its source could not be read: unknown code
	Ctor    bool
	Dtor    bool
	SetJmp  bool // calls setjmp or vfork: its locals stay in memory
	Lifted  bool // Lift has run
	Pos     source.Pos

	Params []LocalID // in order
	Locals []Local
	Regs   []RegInfo
	Instrs []Instr
	Blocks []Block       // Blocks[0] is the entry, which has no predecessors; in source order
	Stmts  []*check.Stmt // what Instr.Stmt indexes
}

// A Block is a basic block: Instrs[Lo:Hi], the last of which is its terminator.
type Block struct {
	Lo, Hi int32
	Succs  []BlockID // order as the terminator says
	Preds  []BlockID // each once; phi operands are in this order
}

// ValKind is the kind of a Value.
type ValKind uint8

// Kinds of Value.
const (
	NoVal   ValKind = iota
	VReg            // register ID
	VInt            // the integer (or null pointer) Off
	VFloat          // the constant spelled in Func.. see Value.Str
	VLocal          // address of local ID plus Off bytes
	VGlobal         // address of global ID plus Off bytes
	VFunc           // address of function ID
	VLabel          // address of block ID (computed goto)
	VUndef          // undefined
)

// A Value is an operand. Values have no type of their own: the instruction
// says which type it reads them as.
type Value struct {
	Kind ValKind
	ID   int32
	Off  int64
	Str  string // VFloat: the spelling; integers beyond 64 bits too
}

// Op is an instruction's operation.
type Op uint8

// Instructions. Type is the type of the result, or of what is stored.
// Records are never in registers: a record rvalue is the address of the memory
// that holds it.
const (
	BadOp     Op = iota
	Load         // Dst = *A
	Store        // *A = B
	LoadBits     // Dst = bit-field Field of *A        (A points at the record)
	StoreBits    // bit-field Field of *A = B
	Copy         // *A = *B, Type bytes (record, array)
	Zero         // *A = 0, Type bytes (start of an automatic object's initialiser)
	FieldAddr    // Dst = A + Off; Field of Rec (a union's member has Off 0)
	IndexAddr    // Dst = A + B * Off     (B has integer type Opnd; Off: element size, or -1 with Args[0] the size for VLAs)
	Bin          // Dst = A Sub B        in Type (Shl, Shr: B has type Opnd)
	Cmp          // Dst = A Sub B        compared as Opnd, Dst is int
	Un           // Dst = Sub A          Neg, BitNot
	Conv         // Dst = (Type) A       from Opnd
	PtrDiff      // Dst = (A - B) / Off   (Off -1: Args[0] is the size)
	Move         // Dst = A              (merging of values of ?: && || goes through temporaries and Phi; Move names a constant)
	Phi          // Dst = Args[i] on entry from Preds[i]
	Alloca       // Dst = stack block of A bytes   (VLA, __builtin_alloca), Off: 1 for alloca (lives until return)
	Call         // Dst = A(Args...); a record result is written to *B; a record argument is the address of the caller's copy; Opnd: the function type it is called as
	Builtin      // Dst = Name(Args...)  va_start, va_arg(Type), va_end, va_copy, __sync_*, __atomic_*, vector builtins, ...
	Asm          // Asm; Args: addresses of outputs, then inputs: values, or addresses where the operand is an lvalue
	LifeStart    // local A's storage begins a new life (its scope is entered): its old value is gone

	// terminators
	Jump         // Succs[0]
	Branch       // A != 0 ? Succs[0] : Succs[1]      A read as Opnd
	Switch       // A: Cases[i] → Succs[i]; default is the last Succ
	IndirectJump // goto *A; Succs: all labels whose address is taken
	Ret          // return A (or the record at *A)
	Unreachable
)

// A CaseRange of a Switch, inclusive.
type CaseRange struct{ Lo, Hi int64 }

// An Instr is one instruction.
type Instr struct {
	Op       Op
	Sub      check.Op // Bin, Cmp, Un: the operator
	Volatile bool
	Dst      Reg // -1: none
	A, B     Value
	Type     *ctype.Type
	Opnd     *ctype.Type // Cmp, Conv, Branch, shifts: operand type
	Off      int64
	Field    *ctype.Field
	Rec      *ctype.Record // FieldAddr, LoadBits, StoreBits
	Args     []Value
	ArgTypes []*ctype.Type // Call, Builtin: the types of Args
	Name     string        // Builtin; BuiltinVec for element-wise operations on vectors (Sub)
	Cases    []CaseRange
	Asm      *check.Asm
	Pos      Pos
	Stmt     int32 // Func.Stmts: the innermost statement that it is part of (control headers belong to the control statement); -1 none
	Block    BlockID
}

// IsTerminator reports whether op ends a block.
func (op Op) IsTerminator() bool { return op >= Jump }

// BuiltinVec is the Name of a Builtin that stands for the element-wise vector
// operation Instr.Sub.
const BuiltinVec = "vec"

// NoReg is Instr.Dst of an instruction that has no result.
const NoReg Reg = -1

// Int returns the integer constant v.
func Int(v int64) Value { return Value{Kind: VInt, Off: v} }

// RegVal returns the value of register r.
func RegVal(r Reg) Value { return Value{Kind: VReg, ID: int32(r)} }

// Undef is the undefined value.
var Undef = Value{Kind: VUndef}

// Operands calls f for each operand of in that is present; f may change it.
func (in *Instr) Operands(f func(v *Value)) {
	if in.A.Kind != NoVal {
		f(&in.A)
	}
	if in.B.Kind != NoVal {
		f(&in.B)
	}
	for i := range in.Args {
		f(&in.Args[i])
	}
}

// Term returns the terminator of block b.
func (f *Func) Term(b BlockID) *Instr { return &f.Instrs[f.Blocks[b].Hi-1] }

// Body returns the instructions of block b.
func (f *Func) Body(b BlockID) []Instr { return f.Instrs[f.Blocks[b].Lo:f.Blocks[b].Hi] }

// Defined reports whether f has a body in the program.
func (f *Func) Defined() bool { return len(f.Blocks) > 0 }

// StmtAt returns the statement of an instruction, nil if it has none.
func (f *Func) StmtAt(in *Instr) *check.Stmt {
	if in.Stmt < 0 {
		return nil
	}
	return f.Stmts[in.Stmt]
}

// SourcePos says where in a file p starts, for reports: inside a macro, the
// place of its use. The zero Pos if p is nowhere.
func (p *Program) SourcePos(at Pos) source.Pos {
	if at.Unit < 0 || int(at.Unit) >= len(p.Units) {
		return source.Pos{}
	}
	toks := p.Units[at.Unit].AST.Tokens()
	if at.Tok < 0 || int(at.Tok) >= len(toks) {
		return source.Pos{}
	}
	t := &toks[at.Tok]
	if t.Exp.IsValid() {
		return t.Exp
	}
	return t.Spell
}

// Wake makes the units' expressions available again: after lowering they rest
// (check.Unit.Rest).
func (p *Program) Wake() {
	var g errgroup.Group
	g.SetLimit(runtime.GOMAXPROCS(0))
	for _, u := range p.Units {
		g.Go(func() error {
			u.AST.Wake()
			return nil
		})
	}
	_ = g.Wait() // waking has no way to fail
}

// Record returns the record that stands for r in the whole program.
func (p *Program) Record(r *ctype.Record) *ctype.Record {
	if c := p.Records[r]; c != nil {
		return c
	}
	return r
}

// IsLvalue reports whether x, an operand of an asm, is a place: then its
// address is the argument of the Asm instruction.
func IsLvalue(x *check.Expr) bool {
	switch x.Op {
	case check.Ref, check.Deref, check.Member, check.StrLit, check.CompoundLit, check.RealPart, check.ImagPart:
		return true
	}
	return false
}
