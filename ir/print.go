package ir

import (
	"fmt"
	"io"
	"strconv"
	"strings"

	"saz/frontend/check"
)

// OpNames are the words of the text form.
var OpNames = [...]string{
	BadOp: "bad", Load: "load", Store: "store", LoadBits: "loadbits", StoreBits: "storebits", Copy: "copy", Zero: "zero",
	FieldAddr: "field", IndexAddr: "index", Bin: "bin", Cmp: "cmp", Un: "un", Conv: "conv", PtrDiff: "ptrdiff",
	Move: "move", Phi: "phi", Alloca: "alloca", Call: "call", Builtin: "builtin", Asm: "asm", LifeStart: "lifestart",
	Jump: "jump", Branch: "branch", Switch: "switch", IndirectJump: "goto", Ret: "ret", Unreachable: "unreachable",
}

func (op Op) String() string { return OpNames[op] }

// SubName is the word for an operator in the text form.
func SubName(op check.Op) string {
	switch op {
	case check.Neg:
		return "neg"
	case check.BitNot:
		return "bitnot"
	case check.LogNot:
		return "lognot"
	case check.Add:
		return "add"
	case check.Sub:
		return "sub"
	case check.Mul:
		return "mul"
	case check.Div:
		return "div"
	case check.Rem:
		return "rem"
	case check.And:
		return "and"
	case check.Or:
		return "or"
	case check.Xor:
		return "xor"
	case check.Shl:
		return "shl"
	case check.Shr:
		return "shr"
	case check.Eq:
		return "eq"
	case check.Ne:
		return "ne"
	case check.Lt:
		return "lt"
	case check.Gt:
		return "gt"
	case check.Le:
		return "le"
	case check.Ge:
		return "ge"
	case check.Load:
		return "elem"
	case check.Cond:
		return "cond"
	}
	return "op" + strconv.Itoa(int(op))
}

// Print writes the text form of p. If only is not empty, just the functions of
// that name are written.
func Print(w io.Writer, p *Program, only string) {
	pr := &printer{w: w, p: p}
	if only == "" {
		for _, g := range p.Globals {
			pr.global(g)
		}
	}
	for _, f := range p.Funcs {
		if only == "" || f.Name == only {
			PrintFunc(w, p, f)
		}
	}
}

// PrintFunc writes the text form of one function.
func PrintFunc(w io.Writer, p *Program, f *Func) {
	pr := &printer{w: w, p: p, f: f}
	pr.function()
}

// FormatInstr returns the text form of one instruction of f.
func FormatInstr(p *Program, f *Func, in *Instr) string {
	pr := &printer{p: p, f: f}
	return pr.instr(in)
}

// FormatValue returns the text form of an operand in f.
func FormatValue(p *Program, f *Func, v Value) string {
	pr := &printer{p: p, f: f}
	return pr.value(v)
}

type printer struct {
	w io.Writer
	p *Program
	f *Func
}

func (l Linkage) String() string { return [...]string{"external", "internal", "undefined"}[l] }

func (pr *printer) global(g *Global) {
	if g.String {
		fmt.Fprintf(pr.w, "string @%d %s = %s\n", g.ID, g.Type, strconv.Quote(g.Data))
		return
	}
	fmt.Fprintf(pr.w, "global %s %s %s size %d", pr.globalName(g.ID), g.Linkage, g.Type, g.Size)
	if g.Proc >= 0 {
		fmt.Fprintf(pr.w, " in %s", pr.p.Funcs[g.Proc].Name)
	}
	if g.Thread {
		fmt.Fprint(pr.w, " thread")
	}
	if g.Weak {
		fmt.Fprint(pr.w, " weak")
	}
	fmt.Fprintln(pr.w)
	for i := range g.Init {
		it := &g.Init[i]
		fmt.Fprintf(pr.w, "\t+%d %s", it.Off, it.Type)
		if it.Field != nil && it.Field.BitField {
			fmt.Fprintf(pr.w, " .%s:%d", it.Field.Name, it.Field.BitWidth)
		}
		if it.Data != "" {
			fmt.Fprintf(pr.w, " = %s\n", strconv.Quote(it.Data))
			continue
		}
		fmt.Fprintf(pr.w, " = %s\n", pr.value(it.Value))
	}
}

func (pr *printer) function() {
	f := pr.f
	fmt.Fprintf(pr.w, "func %s %s %s", f.Name, f.Linkage, f.Type)
	if f.Weak {
		fmt.Fprint(pr.w, " weak")
	}
	if f.Unknown {
		fmt.Fprint(pr.w, " unknown")
	}
	if f.SetJmp {
		fmt.Fprint(pr.w, " setjmp")
	}
	fmt.Fprintln(pr.w)
	if !f.Defined() {
		return
	}
	for i := range f.Locals {
		l := &f.Locals[i]
		kind := "local"
		if l.Param {
			kind = "param"
		}
		state := ""
		if l.Lifted {
			state = " lifted"
		}
		if l.AddrTaken {
			state += " addrtaken"
		}
		fmt.Fprintf(pr.w, "\t%s %s %s%s\n", kind, pr.localName(l.ID), l.Type, state)
	}
	for r := range f.Regs {
		if f.Regs[r].Def < 0 {
			fmt.Fprintf(pr.w, "\t%s = param\n", pr.reg(Reg(r)))
		}
	}
	for b := range f.Blocks {
		blk := &f.Blocks[b]
		fmt.Fprintf(pr.w, "b%d:", b)
		if len(blk.Preds) > 0 {
			fmt.Fprint(pr.w, " <-")
			for _, p := range blk.Preds {
				fmt.Fprintf(pr.w, " b%d", p)
			}
		}
		fmt.Fprintln(pr.w)
		line := ""
		for i := blk.Lo; i < blk.Hi; i++ {
			in := &f.Instrs[i]
			text := pr.instr(in)
			at := pr.place(in.Pos)
			if at == line {
				fmt.Fprintf(pr.w, "\t%s\n", text)
				continue
			}
			line = at
			fmt.Fprintf(pr.w, "\t%-50s ; %s\n", text, at)
		}
	}
}

func (pr *printer) place(p Pos) string {
	pos := pr.p.SourcePos(p)
	if !pos.IsValid() || pr.p.Files == nil {
		return ""
	}
	pl := pr.p.Files.Place(pos)
	name := pl.Path
	if i := strings.LastIndexByte(name, '/'); i >= 0 {
		name = name[i+1:]
	}
	return name + ":" + strconv.Itoa(pl.Line)
}

func (pr *printer) localName(id LocalID) string {
	l := &pr.f.Locals[id]
	name := l.Name
	if name == "" {
		return "tmp~" + strconv.Itoa(int(id))
	}
	for i := range pr.f.Locals {
		if i != int(id) && pr.f.Locals[i].Name == name {
			return name + "~" + strconv.Itoa(int(id))
		}
	}
	return name
}

func (pr *printer) globalName(id GlobalID) string {
	if id < 0 || int(id) >= len(pr.p.Globals) {
		return "@?" + strconv.Itoa(int(id))
	}
	g := pr.p.Globals[id]
	if g.String || g.Name == "" || g.Linkage == Internal {
		return "@" + g.Name + "~" + strconv.Itoa(int(id))
	}
	return "@" + g.Name
}

func (pr *printer) reg(r Reg) string {
	s := "r" + strconv.Itoa(int(r))
	if r >= 0 && int(r) < len(pr.f.Regs) {
		if l := pr.f.Regs[r].Local; l >= 0 && int(l) < len(pr.f.Locals) && pr.f.Locals[l].Name != "" {
			s += "." + pr.f.Locals[l].Name
		}
	}
	return s
}

func (pr *printer) value(v Value) string {
	plus := ""
	if v.Off != 0 {
		plus = fmt.Sprintf("%+d", v.Off)
	}
	switch v.Kind {
	case NoVal:
		return "-"
	case VReg:
		return pr.reg(Reg(v.ID))
	case VInt:
		if v.Str != "" {
			return v.Str
		}
		return strconv.FormatInt(v.Off, 10)
	case VFloat:
		return v.Str
	case VLocal:
		if pr.f == nil || int(v.ID) >= len(pr.f.Locals) || v.ID < 0 {
			return "&?" + strconv.Itoa(int(v.ID)) + plus
		}
		return "&" + pr.localName(LocalID(v.ID)) + plus
	case VGlobal:
		return pr.globalName(GlobalID(v.ID)) + plus
	case VFunc:
		if v.ID < 0 || int(v.ID) >= len(pr.p.Funcs) {
			return "@?" + strconv.Itoa(int(v.ID))
		}
		return "@" + pr.p.Funcs[v.ID].Name
	case VLabel:
		return "^b" + strconv.Itoa(int(v.ID))
	case VUndef:
		return "undef"
	}
	return "?"
}

func (pr *printer) args(vs []Value) string {
	var b strings.Builder
	for i, v := range vs {
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteString(pr.value(v))
	}
	return b.String()
}

func (pr *printer) instr(in *Instr) string {
	f := pr.f
	s := ""
	if in.Dst >= 0 {
		s = pr.reg(in.Dst) + " = "
	}
	op := OpNames[in.Op]
	if in.Volatile {
		op += " volatile"
	}
	a, b := pr.value(in.A), pr.value(in.B)
	field := ""
	if in.Field != nil {
		field = " ." + in.Field.Name
	}
	succ := func(i int) string {
		if int(in.Block) < len(f.Blocks) && i < len(f.Blocks[in.Block].Succs) {
			return "b" + strconv.Itoa(int(f.Blocks[in.Block].Succs[i]))
		}
		return "b?"
	}
	size := strconv.FormatInt(in.Off, 10)
	if in.Off < 0 && len(in.Args) > 0 {
		size = pr.value(in.Args[0])
	}
	switch in.Op {
	case Load:
		return fmt.Sprintf("%s%s %s %s", s, op, in.Type, a)
	case Store, Copy:
		return fmt.Sprintf("%s %s %s, %s", op, in.Type, a, b)
	case LoadBits:
		return fmt.Sprintf("%s%s %s %s%s", s, op, in.Type, a, field)
	case StoreBits:
		return fmt.Sprintf("%s %s %s%s, %s", op, in.Type, a, field, b)
	case Zero:
		return fmt.Sprintf("%s %s %s", op, in.Type, a)
	case FieldAddr:
		return fmt.Sprintf("%s%s %s%s +%d", s, op, a, field, in.Off)
	case IndexAddr:
		return fmt.Sprintf("%s%s %s, %s * %s", s, op, a, b, size)
	case Bin:
		return fmt.Sprintf("%s%s %s %s, %s", s, SubName(in.Sub), in.Type, a, b)
	case Cmp:
		return fmt.Sprintf("%s%s %s %s, %s", s, SubName(in.Sub), in.Opnd, a, b)
	case Un:
		return fmt.Sprintf("%s%s %s %s", s, SubName(in.Sub), in.Type, a)
	case Conv:
		return fmt.Sprintf("%s%s %s %s from %s", s, op, in.Type, a, in.Opnd)
	case PtrDiff:
		return fmt.Sprintf("%s%s %s, %s / %s", s, op, a, b, size)
	case Move:
		return fmt.Sprintf("%s%s %s %s", s, op, in.Type, a)
	case Phi:
		var l []string
		preds := f.Blocks[in.Block].Preds
		for i, v := range in.Args {
			from := "b?"
			if i < len(preds) {
				from = "b" + strconv.Itoa(int(preds[i]))
			}
			l = append(l, from+": "+pr.value(v))
		}
		return fmt.Sprintf("%s%s %s [%s]", s, op, in.Type, strings.Join(l, ", "))
	case Alloca:
		if in.Off == 1 {
			return fmt.Sprintf("%s%s %s until return", s, op, a)
		}
		return fmt.Sprintf("%s%s %s", s, op, a)
	case Call:
		t := fmt.Sprintf("%s%s %s(%s)", s, op, a, pr.args(in.Args))
		if in.B.Kind != NoVal {
			t += " to " + b
		}
		return t
	case Builtin:
		name := in.Name
		if name == BuiltinVec {
			name += "." + SubName(in.Sub)
		}
		t := fmt.Sprintf("%s%s %s %s(%s)", s, op, in.Type, name, pr.args(in.Args))
		if in.B.Kind != NoVal {
			t += " to " + b
		}
		return t
	case Asm:
		return fmt.Sprintf("%s %s (%s)", op, strconv.Quote(in.Asm.Template), pr.args(in.Args))
	case LifeStart:
		return op + " " + a
	case Jump:
		return op + " " + succ(0)
	case Branch:
		return fmt.Sprintf("%s %s %s, %s, %s", op, in.Opnd, a, succ(0), succ(1))
	case Switch:
		var l []string
		for i, c := range in.Cases {
			k := strconv.FormatInt(c.Lo, 10)
			if c.Hi != c.Lo {
				k += ".." + strconv.FormatInt(c.Hi, 10)
			}
			l = append(l, k+": "+succ(i))
		}
		l = append(l, succ(len(in.Cases)))
		return fmt.Sprintf("%s %s %s, [%s]", op, in.Opnd, a, strings.Join(l, ", "))
	case IndirectJump:
		var l []string
		for i := range f.Blocks[in.Block].Succs {
			l = append(l, succ(i))
		}
		return fmt.Sprintf("%s %s, [%s]", op, a, strings.Join(l, ", "))
	case Ret:
		if in.A.Kind == NoVal {
			return op
		}
		return op + " " + a
	}
	return op
}
