package check

import (
	"bufio"
	"fmt"
	"io"
	"math/big"
	"strconv"
	"strings"

	"saz/frontend/ctype"
)

var opNames = [...]string{
	BadExpr: "bad", IntLit: "int", FloatLit: "float", StrLit: "string", Ref: "ref", FuncAddr: "&", Deref: "*", Addr: "&",
	Decay: "decay", Load: "load", Member: ".", Index: "[]", Neg: "-", BitNot: "~", LogNot: "!", Plus: "+",
	Add: "+", Sub: "-", Mul: "*", Div: "/", Rem: "%", And: "&", Or: "|", Xor: "^", Shl: "<<", Shr: ">>",
	PtrAdd: "+", PtrSub: "-", PtrDiff: "-", Eq: "==", Ne: "!=", Lt: "<", Gt: ">", Le: "<=", Ge: ">=",
	LogAnd: "&&", LogOr: "||", Cond: "?:", Comma: ",", Assign: "=", OpAssign: "op=", PreInc: "++", PreDec: "--",
	PostInc: "++", PostDec: "--", Conv: "cast", Call: "call", CompoundLit: "literal", StmtExpr: "({})", VaArg: "va_arg",
	BuiltinCall: "builtin", LabelAddr: "&&", SizeofVLA: "sizeof", VLASize: "vla", InitList: "{}", VecOp: "vector",
	RealPart: "__real__", ImagPart: "__imag__",
}

func (op Op) String() string { return opNames[op] }

// Print writes the typed AST as text that looks like C. Implicit conversions
// are shown: load(x), decay(x), and (T:) for a conversion that the source does
// not have. It is for people and golden tests, not for a compiler.
func (u *Unit) Print(w io.Writer) {
	b := bufio.NewWriter(w)
	defer b.Flush()
	p := printer{w: b}
	for _, r := range u.Records {
		p.record(r)
	}
	for _, o := range u.Objects {
		if o.Type.Kind != ctype.Func && (o.Storage == Extern || o.Storage == Static) {
			p.object(o)
		}
	}
	for _, f := range u.Funcs {
		p.function(f)
	}
	for _, d := range u.Bad {
		p.line("unknown code %s", d.Name)
	}
}

// String prints an expression.
func (e *Expr) String() string {
	var sb strings.Builder
	b := bufio.NewWriter(&sb)
	p := printer{w: b}
	p.expr(e)
	b.Flush()
	return sb.String()
}

type printer struct {
	w      *bufio.Writer
	indent int
}

func (p *printer) start() {
	for range p.indent {
		p.w.WriteByte('\t')
	}
}

func (p *printer) line(format string, args ...any) {
	p.start()
	fmt.Fprintf(p.w, format, args...)
	p.w.WriteByte('\n')
}

func (p *printer) record(r *ctype.Record) {
	kind, name := "struct", r.Tag
	if r.Union {
		kind = "union"
	}
	if name == "" {
		name = fmt.Sprintf("<%s%d>", r.Typedef, r.ID)
	}
	if !r.Complete {
		p.line("%s %s;", kind, name)
		return
	}
	p.line("%s %s { // size %d align %d", kind, name, r.Size, r.Align)
	p.indent++
	for i := range r.Fields {
		f := &r.Fields[i]
		if f.BitField {
			p.line("%s : %d; // bit %d", f.Type.Decl(f.Name, nil), f.BitWidth, f.BitOff)
		} else {
			p.line("%s; // at %d", f.Type.Decl(f.Name, nil), f.Off)
		}
	}
	p.indent--
	p.line("};")
}

var storageNames = [...]string{Extern: "", Static: "static ", FuncStatic: "static ", Auto: "", Param: "", ThreadLocal: ""}

func (p *printer) object(o *Object) {
	p.start()
	if !o.Defined {
		p.w.WriteString("extern ")
	}
	p.w.WriteString(storageNames[o.Storage])
	if o.Thread {
		p.w.WriteString("_Thread_local ")
	}
	p.w.WriteString(o.Type.Decl(o.Name, nil))
	if o.Init != nil {
		p.w.WriteString(" = ")
		p.init(o.Init)
	}
	p.w.WriteString(";\n")
}

func (p *printer) init(in *Init) {
	p.w.WriteByte('{')
	for i := range in.Items {
		it := &in.Items[i]
		if i > 0 {
			p.w.WriteString(", ")
		}
		if it.Field != nil {
			fmt.Fprintf(p.w, "[%d.%s] ", it.Off, it.Field.Name)
		} else {
			fmt.Fprintf(p.w, "[%d] ", it.Off)
		}
		p.expr(it.X)
	}
	p.w.WriteByte('}')
}

func (p *printer) function(f *FuncDef) {
	for _, n := range f.Nested {
		p.function(n)
	}
	p.start()
	p.w.WriteString(storageNames[f.Obj.Storage])
	var params []string
	for _, o := range f.Params {
		params = append(params, o.Type.Decl(o.Name, nil))
	}
	if f.Obj.Type.Func.Variadic {
		params = append(params, "...")
	}
	p.w.WriteString(f.Obj.Type.Elem.Decl(f.Obj.Name+"("+strings.Join(params, ", ")+")", nil))
	p.w.WriteByte('\n')
	p.stmt(f.Body)
}

func (p *printer) block(s *Stmt) {
	if s.Kind == Compound {
		p.stmt(s)
		return
	}
	p.indent++
	p.stmt(s)
	p.indent--
}

func (p *printer) head(word string, x *Expr) {
	p.start()
	p.w.WriteString(word)
	if x != nil {
		p.w.WriteByte(' ')
		p.expr(x)
	}
}

func (p *printer) stmt(s *Stmt) {
	switch s.Kind {
	case Compound:
		p.line("{")
		p.indent++
		for _, t := range s.List {
			p.stmt(t)
		}
		p.indent--
		p.line("}")
	case ExprStmt:
		p.start()
		if s.X != nil {
			p.expr(s.X)
		}
		p.w.WriteString(";\n")
	case DeclStmt:
		for _, o := range s.Decls {
			p.object(o)
		}
	case If:
		p.head("if", s.X)
		p.w.WriteByte('\n')
		p.block(s.Then)
		if s.Else != nil {
			p.line("else")
			p.block(s.Else)
		}
	case While:
		p.head("while", s.X)
		p.w.WriteByte('\n')
		p.block(s.Then)
	case DoWhile:
		p.line("do")
		p.block(s.Then)
		p.head("while", s.X)
		p.w.WriteByte('\n')
	case For:
		p.line("for (")
		p.indent++
		if s.Init != nil {
			p.stmt(s.Init)
		}
		p.indent--
		p.head(";", s.X)
		p.w.WriteString("; ")
		if s.Post != nil {
			p.expr(s.Post)
		}
		p.w.WriteString(")\n")
		p.block(s.Then)
	case Switch:
		p.head("switch", s.X)
		p.w.WriteByte('\n')
		p.block(s.Then)
	case Case:
		if s.Hi != nil {
			p.line("case %d ... %d:", s.LoVal, s.HiVal)
		} else {
			p.line("case %d:", s.LoVal)
		}
		p.block(s.Then)
	case Default:
		p.line("default:")
		p.block(s.Then)
	case Labeled:
		p.line("%s:", s.Label.Name)
		p.stmt(s.Then)
	case Goto:
		p.line("goto %s;", s.Label.Name)
	case GotoPtr:
		p.head("goto *", s.X)
		p.w.WriteString(";\n")
	case Break:
		p.line("break;")
	case Continue:
		p.line("continue;")
	case Return:
		p.head("return", s.X)
		p.w.WriteString(";\n")
	case AsmStmt:
		p.start()
		fmt.Fprintf(p.w, "asm(%q", s.Asm.Template)
		for i, ops := range [2][]AsmOperand{s.Asm.Out, s.Asm.In} {
			for _, o := range ops {
				fmt.Fprintf(p.w, ", %s%q(", [2]string{"out ", "in "}[i], o.Constraint)
				p.expr(o.X)
				p.w.WriteByte(')')
			}
		}
		p.w.WriteString(");\n")
	default:
		p.line("<bad statement>")
	}
}

func (p *printer) list(args []*Expr) {
	p.w.WriteByte('(')
	for i, a := range args {
		if i > 0 {
			p.w.WriteString(", ")
		}
		p.expr(a)
	}
	p.w.WriteByte(')')
}

func (p *printer) wrap(name string, x *Expr) {
	p.w.WriteString(name)
	p.w.WriteByte('(')
	p.expr(x)
	p.w.WriteByte(')')
}

func (p *printer) expr(e *Expr) {
	w := p.w
	switch e.Op {
	case IntLit:
		v := e.Int
		if v == nil {
			v = big.NewInt(e.Val)
		}
		w.WriteString(v.String())
		switch e.Type.Kind {
		case ctype.Int:
		case ctype.UInt:
			w.WriteByte('U')
		case ctype.Long:
			w.WriteByte('L')
		case ctype.ULong:
			w.WriteString("UL")
		case ctype.LongLong:
			w.WriteString("LL")
		case ctype.ULongLong:
			w.WriteString("ULL")
		default:
			fmt.Fprintf(w, ":%s", e.Type)
		}
	case FloatLit:
		w.WriteString(e.Str)
	case StrLit:
		w.WriteString(strconv.Quote(strings.TrimSuffix(e.Str, "\x00")))
	case Ref:
		w.WriteString(e.Obj.Name)
	case FuncAddr:
		w.WriteByte('&')
		p.expr(e.X)
	case Decay, Load:
		p.wrap(e.Op.String(), e.X)
	case Deref, Addr, Neg, BitNot, LogNot, Plus, PreInc, PreDec, RealPart, ImagPart:
		p.wrap(e.Op.String(), e.X)
	case PostInc, PostDec:
		p.w.WriteByte('(')
		p.expr(e.X)
		p.w.WriteByte(')')
		w.WriteString(e.Op.String())
	case Member:
		p.expr(e.X)
		w.WriteByte('.')
		if e.Field.Name == "" {
			w.WriteString("<anonymous>")
		} else {
			w.WriteString(e.Field.Name)
		}
	case Cond:
		w.WriteByte('(')
		p.expr(e.X)
		w.WriteString(" ? ")
		if e.Y != nil {
			p.expr(e.Y)
		}
		w.WriteString(" : ")
		p.expr(e.Z)
		w.WriteByte(')')
	case Comma, Assign, Add, Sub, Mul, Div, Rem, And, Or, Xor, Shl, Shr, PtrAdd, PtrSub, PtrDiff,
		Eq, Ne, Lt, Gt, Le, Ge, LogAnd, LogOr:
		w.WriteByte('(')
		p.expr(e.X)
		fmt.Fprintf(w, " %s ", e.Op)
		p.expr(e.Y)
		w.WriteByte(')')
	case OpAssign:
		w.WriteByte('(')
		p.expr(e.X)
		fmt.Fprintf(w, " %s=", e.Sub)
		if e.Calc != e.Type {
			fmt.Fprintf(w, "(%s)", e.Calc)
		}
		w.WriteByte(' ')
		p.expr(e.Y)
		w.WriteByte(')')
	case Conv:
		if e.Explicit {
			fmt.Fprintf(w, "(%s)", e.Type)
		} else {
			fmt.Fprintf(w, "(%s:)", e.Type)
		}
		p.expr(e.X)
	case Call:
		if e.X.Op == FuncAddr {
			p.expr(e.X.X)
		} else {
			p.wrap("", e.X)
		}
		p.list(e.Args)
	case BuiltinCall:
		w.WriteString(e.Str)
		p.list(e.Args)
	case CompoundLit:
		fmt.Fprintf(w, "(%s)", e.Type)
		p.init(e.Init)
	case StmtExpr:
		w.WriteString("({\n")
		p.indent++
		for _, s := range e.Body.List {
			p.stmt(s)
		}
		p.indent--
		p.start()
		w.WriteString("})")
	case VaArg:
		p.wrap("va_arg", e.X)
		fmt.Fprintf(w, ":%s", e.Type)
	case LabelAddr:
		w.WriteString("&&" + e.Label.Name)
	case SizeofVLA:
		fmt.Fprintf(w, "sizeof(%s)", e.Calc)
	case VLASize:
		fmt.Fprintf(w, "vla%d", e.Val)
	case VecOp:
		fmt.Fprintf(w, "vector%s(", e.Sub)
		for i, x := range [3]*Expr{e.X, e.Y, e.Z} {
			if x != nil {
				if i > 0 {
					w.WriteString(", ")
				}
				p.expr(x)
			}
		}
		w.WriteByte(')')
	default:
		w.WriteString("<bad>")
	}
}
