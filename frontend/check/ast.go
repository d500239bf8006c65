package check

import (
	"math/big"
	"sync"
	"sync/atomic"

	"saz/frontend/cpp"
	"saz/frontend/ctype"
	"saz/frontend/source"
)

// A Unit is the typed AST of one translation unit.
type Unit struct {
	Name     string // the source's path as the command named it
	Cpp      *cpp.Unit
	Files    *source.Set
	Objects  []*Object       // every object and function with linkage or static storage, in order of declaration, each once
	Funcs    []*FuncDef      // definitions, in order
	Records  []*ctype.Record // all records met, in order
	Enums    []*ctype.EnumDef
	Typedefs []Typedef
	Asms     []*Asm    // file-scope asm
	SetJump  *Object   // the library's _setjmp and longjmp, by which jumps out of nested
	LongJump *Object   // functions are lowered; nil if there are none
	Bad      []BadDecl // external declarations that could not be parsed or typed: unknown code
	Stats    Stats

	tags []*ctype.Type // records and enumerations with a tag of file scope, in order

	image   *unimager    // where DecodeUnit had it from; nil if Check made it
	state   atomic.Int32 // awake, resting or halfAwake: see Rest
	reading sync.Mutex   // the tokens, by Tokens
}

// Typedef is a file-scope typedef, kept for generators that must name types.
type Typedef struct {
	Name string
	Type *ctype.Type
	Pos  source.Pos
}

// BadDecl is unknown code: analyses must assume that it may do anything to
// all that it could name.
type BadDecl struct {
	Name   string
	Pos    source.Pos
	Lo, Hi int32 // Cpp.Tokens
}

// Stats are counted for `saz parse`.
type Stats struct {
	Decls, Functions, Errors int
	Tokens                   int // of the preprocessed unit
}

// Storage says where an Object lives.
type Storage uint8

// Storages.
const (
	Extern     Storage = iota // external linkage (defined here if Defined)
	Static                    // file scope, internal linkage
	FuncStatic                // function scope, static storage
	Auto
	Param
	ThreadLocal // flag Object.Thread says this too; storage stays Extern/Static/FuncStatic
)

// An Object is a variable, parameter or function.
type Object struct {
	Name                    string
	Link                    string // assembler name where an asm label or alias changed it, otherwise Name
	Type                    *ctype.Type
	Storage                 Storage
	Thread                  bool
	Defined                 bool // has a definition (or tentative definition) in this unit
	Tentative               bool
	Weak                    bool
	Common                  bool
	InlineOnly              bool   // the definition serves inlining only (gnu_inline extern, C99 inline): the function itself is defined elsewhere
	Alias                   string // __attribute__((alias("x")))
	Section                 string
	Align                   int64 // __attribute__((aligned)) or _Alignas, 0 for the type's own
	Constructor, Destructor bool
	Cleanup                 *Object // __attribute__((cleanup(f)))
	Inline, NoReturn        bool
	Init                    *Init
	Func                    *FuncDef // the enclosing function of FuncStatic, Auto, Param; the definition of a defined function
	Tok                     int32    // token of the declarator's name, index into Cpp.Tokens
	Pos                     source.Pos
	ID                      int32 // dense in the unit
	AddrTaken               bool

	// Live: something visible outside of the unit leads to it (an external
	// definition, a constructor, an initialiser, unknown code). A static or
	// inline-only function that is not Live never runs: headers have thousands.
	Live bool

	Scope *Stmt // Auto: the compound statement (or for statement) in which it is declared

	order      int64    // see checker.order
	pending    *pending // its body was left for later
	lastRef    *FuncDef // whose refs has it already
	used       bool     // __attribute__((used))
	nested     bool     // a GNU nested function
	implicit   bool     // declared by its first call
	gnuInline  bool     // __attribute__((gnu_inline))
	fileScope  bool     // at the end of the unit its name is visible, with this type
	externDecl bool     // some declaration makes an inline definition external
}

// Init is an initialiser flattened to leaves, in order of offset; what is not
// listed is zero. A later leaf overrides an earlier one on the same bytes.
type Init struct {
	Items    []InitItem
	Tok, End int32
	Size     int64 // of the object, known from the initialiser for T a[] = ...
}

// An InitItem initialises one scalar, or one whole struct by an expression of
// struct type, or a char array by a string (X is then the StrLit).
type InitItem struct {
	Off   int64
	Field *ctype.Field // of a bit-field leaf, otherwise may be nil
	Type  *ctype.Type
	X     *Expr
}

// A FuncDef is a function definition.
type FuncDef struct {
	Obj      *Object
	Params   []*Object
	Locals   []*Object // all Auto and FuncStatic objects of all blocks, in order; with compound literals (Name "")
	Body     *Stmt
	Labels   []*Label
	Nested   []*FuncDef // GNU nested functions
	Tok, End int32      // whole definition, Cpp.Tokens

	// VLASizes are the element counts (of type size_t) of the function's
	// variable length arrays: ctype.Type.VLA indexes them. Each is evaluated
	// where a VLASize expression says so; those of parameters by statements at
	// the head of Body.
	VLASizes []*Expr

	refs []*Object // functions and variables with linkage that it mentions
}

// Label of a function.
type Label struct {
	Name      string
	Stmt      *Stmt // the labelled statement; nil if never defined
	AddrTaken bool
	Nonlocal  bool     // functions nested in Func jump to it
	Lent      bool     // functions nested in Func take its address
	Func      *FuncDef // the function that it is in
	ID        int32
}

// Op is the operation of an Expr.
type Op uint8

// Ops of Expr. X, Y, Z are operands in order; every implicit conversion is a
// Conv node, so operand types are exactly what the operation works on.
const (
	BadExpr  Op = iota
	IntLit      // Int (also character constants, enumerators (Obj nil), sizeof, offsetof folded)
	FloatLit    // Float as spelled in Str; with a Complex type an imaginary constant (also of integers: 3i)
	StrLit      // Str bytes with the final NUL(s); Type is array of char/wchar_t
	Ref         // Obj: variable (an lvalue) or function (a function designator)
	FuncAddr    // implicit or explicit address of function designator X
	Deref       // *X, lvalue (of function type: designator)
	Addr        // &X
	Decay       // array lvalue X → pointer to first element
	Load        // lvalue-to-rvalue conversion of X
	Member      // X.Field, X an lvalue or rvalue record; X->f is Member(Deref X)
	Index       // never: a[i] is Deref(PtrAdd(a,i))
	Neg
	BitNot
	LogNot // -X ~X !X; LogNot gives int
	Plus
	Add
	Sub
	Mul
	Div
	Rem
	And
	Or
	Xor
	Shl
	Shr     // arithmetic, operands converted
	PtrAdd  // X pointer, Y integer (in elements); PtrSub is PtrAdd with Neg... see PtrSub
	PtrSub  // X pointer, Y integer
	PtrDiff // X, Y pointers; result ptrdiff_t in elements
	Eq
	Ne
	Lt
	Gt
	Le
	Ge // int result
	LogAnd
	LogOr
	Cond     // X ? Y : Z; GNU X ?: Z has Y nil (value of X converted to Type)
	Comma    // X, Y
	Assign   // X lvalue = Y; value is X's new value
	OpAssign // X lvalue Sub2= Y: Sub is the binary Op, Conv1 the type in which it is computed (X is loaded, converted to Calc, computed, converted back)
	PreInc
	PreDec
	PostInc
	PostDec     // X lvalue; pointers step by elements
	Conv        // implicit or (Explicit) cast of X to Type; to void too
	Call        // X is a FuncAddr or a pointer-to-function rvalue; Args
	CompoundLit // Obj is the unnamed object; Init its initialiser; lvalue
	StmtExpr    // Body
	VaArg       // X: the va_list lvalue; Type
	BuiltinCall // Str names a __builtin_ that is not an ordinary function (__builtin_va_start, va_end, va_copy, __builtin_constant_p (folded where possible), __builtin_choose_expr resolved already, __builtin_offsetof non-constant, __builtin_expect, __sync_*, __atomic_*, vector builtins); Args
	LabelAddr   // Label
	SizeofVLA   // run-time size of the type Calc; X, if not nil, is an operand to be evaluated for its effects
	VLASize     // evaluates VLASizes[Val] of the function and remembers it; void. Its statement has an empty token range
	InitList    // a braced initialiser of a scalar or of an rvalue; only inside Init handling
	VecOp       // element-wise operation on vectors: Sub
	RealPart    // __real__ X: an lvalue if X is one
	ImagPart    // __imag__ X
)

// An Expr is a typed expression.
type Expr struct {
	Op       Op
	Sub      Op
	Explicit bool // Conv: written by the user
	Paren    bool
	prec     uint8 // see checker.promote
	Type     *ctype.Type
	Calc     *ctype.Type // OpAssign: the type of the computation
	X, Y, Z  *Expr
	Args     []*Expr
	Obj      *Object
	Field    *ctype.Field // Member; for members of anonymous members, the path is several nested Member nodes
	Int      *big.Int     // IntLit beyond int64 only; otherwise Val
	Val      int64        // IntLit: the low 64 bits
	Str      string
	Init     *Init
	Body     *Stmt
	Label    *Label
	Tok, End int32 // Cpp.Tokens, half-open, of the whole expression without its parentheses (a StmtExpr with them)
}

// StmtKind is the kind of a Stmt.
type StmtKind uint8

// Kinds of Stmt.
const (
	BadStmt  StmtKind = iota
	Compound          // List
	ExprStmt          // X (nil: empty statement)
	DeclStmt          // Decls: objects in order (their initialisers run here); typedefs and tags leave no trace
	If                // X, Then, Else
	While             // X, Then
	DoWhile           // Then, X
	For               // Init (ExprStmt or DeclStmt or nil), X, Post, Then
	Switch            // X, Then
	Case              // Lo, Hi (nil unless a range), Then
	Default           // Then
	Labeled           // Label, Then
	Goto              // Label
	GotoPtr           // X
	Break
	Continue
	Return  // X or nil
	AsmStmt // Asm
)

// A Stmt is a statement.
type Stmt struct {
	Kind             StmtKind
	List             []*Stmt
	X, Post          *Expr
	Init, Then, Else *Stmt
	LoVal, HiVal     int64 // Case, folded
	Lo, Hi           *Expr
	Decls            []*Object
	Label            *Label
	Asm              *Asm
	Up               *Stmt // the statement that contains it; nil for a function body (and for the body of a StmtExpr, see UpExpr)
	UpExpr           *Stmt // of the body of a StmtExpr: the statement in whose expression it stands; nil in a file-scope initialiser
	Target           *Stmt // Break, Continue: the loop or switch; Case, Default: the switch
	Tok, End         int32 // Cpp.Tokens, half-open, with its ';' or braces
}

// An Asm is an asm statement or declaration. Without operands in the tables
// below it is still conservative: it may clobber memory if it says so.
type Asm struct {
	Volatile, Goto bool
	Template       string
	Out, In        []AsmOperand
	Clobbers       []string
	Labels         []*Label
	Tok, End       int32
}

// AsmOperand of an Asm; Out operands are lvalues, and so are In operands whose
// constraint allows memory only.
type AsmOperand struct {
	Constraint string
	Name       string
	X          *Expr
}
