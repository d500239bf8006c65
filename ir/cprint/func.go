package cprint

import (
	"bytes"
	"fmt"
	"math/big"
	"strconv"
	"strings"

	"saz/frontend/check"
	"saz/frontend/ctype"
	"saz/ir"
)

// signature prints the head of a function; with names for a definition.
func (pr *printer) signature(f *ir.Func, def bool) string {
	name := pr.funcName(f.ID)
	ret := pr.typ(f.Type.Elem)
	if !def || !f.Defined() {
		return ret + " " + name + pr.params(f.Type.Func)
	}
	var b strings.Builder
	b.WriteString(ret + " " + name + "(")
	old := f.Type.Func.OldStyle
	for i, l := range f.Params {
		if i > 0 {
			b.WriteString(", ")
		}
		if !old {
			b.WriteString(pr.typ(f.Locals[l].Type) + " ")
		}
		b.WriteString("p" + itoa(l))
	}
	switch {
	case f.Type.Func.Variadic && len(f.Params) > 0:
		b.WriteString(", ...")
	case len(f.Params) == 0 && !old:
		b.WriteString("void")
	}
	b.WriteString(")")
	if old {
		for _, l := range f.Params {
			b.WriteString(" " + pr.typ(f.Locals[l].Type) + " p" + itoa(l) + ";")
		}
	}
	return b.String()
}

// returnsTwice are library functions whose callers the compiler must treat
// with care; it knows them by name, which asm labels hide.
var returnsTwice = map[string]bool{
	"setjmp": true, "_setjmp": true, "sigsetjmp": true, "__sigsetjmp": true, "__sigsetjmp_cancel": true, "savectx": true,
	"vfork": true, "getcontext": true,
}

func (pr *printer) declare(w *bytes.Buffer, f *ir.Func) {
	fmt.Fprintf(w, "%s%s", static(f.Linkage), pr.signature(f, false))
	if f.Linkage != ir.Internal && f.ID != pr.p.Entry {
		fmt.Fprintf(w, " __asm__(%s)", quote(f.Link))
	}
	if f.Weak {
		fmt.Fprint(w, " __attribute__((weak))")
	}
	if f.Ctor {
		fmt.Fprint(w, " __attribute__((constructor))")
	}
	if f.Dtor {
		fmt.Fprint(w, " __attribute__((destructor))")
	}
	if f.Linkage == ir.Undefined && returnsTwice[f.Link] {
		fmt.Fprint(w, " __attribute__((returns_twice))")
	}
	fmt.Fprint(w, ";\n")
}

// function prints a definition.
func (pr *printer) function(w *bytes.Buffer, f *ir.Func) {
	pr.f = f
	pr.usesVLA = false
	for i := range f.Instrs {
		if in := &f.Instrs[i]; in.Op == ir.Alloca && in.Off == 0 {
			pr.usesVLA = true
		}
	}
	fmt.Fprintf(w, "%s%s\n{\n", static(f.Linkage), pr.signature(f, true))
	for i := range f.Locals {
		l := &f.Locals[i]
		if l.Lifted {
			continue
		}
		fmt.Fprintf(w, "\tunsigned char l%d[%d] __attribute__((aligned(%d))); /* %s */\n", i, max(ctype.SizeOf(l.Type), 1), alignOf(l.Type, l.Obj), word(l.Name))
	}
	for r := range f.Regs {
		fmt.Fprintf(w, "\t%s r%d;\n", pr.typ(f.Regs[r].Type), r)
	}
	for i := range f.Instrs {
		if in := &f.Instrs[i]; in.Op == ir.Phi {
			fmt.Fprintf(w, "\t%s h%d;\n", pr.typ(in.Type), in.Dst)
		}
	}
	if pr.usesVLA {
		fmt.Fprint(w, "\tstruct saz_vla *vla = 0;\n")
	}
	for _, g := range pr.p.Globals {
		if pr.inner[g.ID] && g.Proc == f.ID {
			var d, v bytes.Buffer
			pr.global(&d, &v, g)
			fmt.Fprintf(w, "\t%s\t%s", d.Bytes(), v.Bytes())
		}
	}
	for _, p := range f.Params {
		if l := &f.Locals[p]; !l.Lifted {
			if l.Type.IsRecord() {
				if ctype.SizeOf(l.Type) > 0 {
					fmt.Fprintf(w, "\t__builtin_memcpy(l%d, &p%d, %d);\n", p, p, ctype.SizeOf(l.Type))
				}
			} else {
				fmt.Fprintf(w, "\t%s = p%d;\n", pr.at(l.Type, "l"+itoa(p), false), p)
			}
		}
	}
	for r := range f.Regs {
		if f.Regs[r].Def < 0 && f.Regs[r].Local >= 0 {
			fmt.Fprintf(w, "\tr%d = p%d;\n", r, f.Regs[r].Local)
		}
	}
	if pr.hooks.Entry != nil {
		w.WriteString(pr.hooks.Entry(&pr.names, f))
	}
	for b := range f.Blocks {
		fmt.Fprintf(w, "B%d:;\n", b)
		blk := &f.Blocks[b]
		for i := blk.Lo; i < blk.Hi; i++ {
			in := &f.Instrs[i]
			if in.Op.IsTerminator() {
				pr.phiCopies(w, ir.BlockID(b))
			}
			if pr.hooks.Before != nil {
				w.WriteString(pr.hooks.Before(&pr.names, f, i, pr.value))
			}
			if s := pr.instr(in); s != "" {
				w.WriteString("\t" + s + "\n")
			}
			if pr.hooks.After != nil && !in.Op.IsTerminator() {
				w.WriteString(pr.hooks.After(&pr.names, f, i, pr.value))
			}
		}
	}
	fmt.Fprint(w, "}\n\n")
	pr.f = nil
}

// phiCopies sets, at the end of block b, what the phis of its successors will
// read. Phis read variables of their own, so the copies are parallel.
func (pr *printer) phiCopies(w *bytes.Buffer, b ir.BlockID) {
	f := pr.f
	for k, s := range f.Blocks[b].Succs {
		dup := false
		for _, t := range f.Blocks[b].Succs[:k] {
			dup = dup || t == s
		}
		if dup {
			continue
		}
		blk := &f.Blocks[s]
		for i := blk.Lo; i < blk.Hi && f.Instrs[i].Op == ir.Phi; i++ {
			in := &f.Instrs[i]
			for pi, p := range blk.Preds {
				if p == b && in.Args[pi].Kind != ir.VUndef {
					fmt.Fprintf(w, "\th%d = %s;\n", in.Dst, pr.value(in.Args[pi], in.Type))
				}
			}
		}
	}
}

// value prints an operand as an expression of type t.
func (pr *printer) value(v ir.Value, t *ctype.Type) string {
	c := pr.typ(t)
	plus := ""
	if v.Off != 0 {
		plus = fmt.Sprintf("%+d", v.Off)
	}
	addr := ""
	switch v.Kind {
	case ir.VReg:
		r := "r" + strconv.Itoa(int(v.ID))
		if have := pr.f.Regs[v.ID].Type; pr.typ(have) != c {
			if have.Kind == ctype.Pointer && t.IsInteger() {
				return "((" + c + ")(long)" + r + ")"
			}
			return "((" + c + ")" + r + ")"
		}
		return r
	case ir.VInt:
		return pr.integer(v, t, c)
	case ir.VFloat:
		return "((" + c + ")(" + v.Str + "))"
	case ir.VUndef, ir.NoVal:
		return pr.integer(ir.Int(0), t, c)
	case ir.VLocal:
		addr = "((char *)l" + strconv.Itoa(int(v.ID)) + plus + ")"
	case ir.VGlobal:
		addr = "((char *)&" + pr.globalName(ir.GlobalID(v.ID)) + plus + ")"
	case ir.VFunc:
		addr = pr.funcName(ir.FuncID(v.ID))
		if plus != "" {
			addr = "((char *)" + addr + plus + ")"
		}
	case ir.VLabel:
		addr = "&&B" + strconv.Itoa(int(v.ID))
	}
	return "((" + c + ")" + addr + ")"
}

func (pr *printer) integer(v ir.Value, t *ctype.Type, c string) string {
	switch {
	case t.Kind == ctype.Vector:
		return "((" + c + "){})"
	case v.Str != "":
		n, ok := new(big.Int).SetString(v.Str, 0)
		if !ok {
			return "((" + c + ")" + v.Str + ")"
		}
		lo := new(big.Int).And(n, new(big.Int).SetUint64(^uint64(0)))
		hi := new(big.Int).Rsh(n, 64)
		hi.And(hi, new(big.Int).SetUint64(^uint64(0)))
		return fmt.Sprintf("((%s)((unsigned __int128)%sUL << 64 | %sUL))", c, hi, lo)
	case t.IsInteger() && !t.IsSigned() && ctype.SizeOf(t) == 8:
		return "((" + c + ")" + strconv.FormatUint(uint64(v.Off), 10) + "UL)"
	case v.Off == -1<<63:
		return "((" + c + ")(-9223372036854775807L-1))"
	case v.Off >= -1<<31+1 && v.Off < 1<<31:
		return "((" + c + ")" + strconv.FormatInt(v.Off, 10) + ")"
	}
	return "((" + c + ")" + strconv.FormatInt(v.Off, 10) + "L)"
}

var ptr = &ctype.Type{Kind: ctype.Pointer, Size: 8, Align: 8, Elem: ctype.TVoid}

func (pr *printer) addr(v ir.Value) string { return pr.value(v, ptr) }

var operators = map[check.Op]string{
	check.Add: "+", check.Sub: "-", check.Mul: "*", check.Div: "/", check.Rem: "%",
	check.And: "&", check.Or: "|", check.Xor: "^", check.Shl: "<<", check.Shr: ">>",
	check.Eq: "==", check.Ne: "!=", check.Lt: "<", check.Gt: ">", check.Le: "<=", check.Ge: ">=",
	check.Neg: "-", check.BitNot: "~", check.LogNot: "!", check.LogAnd: "&&", check.LogOr: "||",
}

func (pr *printer) instr(in *ir.Instr) string {
	f := pr.f
	set := ""
	if in.Dst >= 0 {
		set = fmt.Sprintf("r%d = ", in.Dst)
	}
	blk := func(i int) string { return "B" + itoa(f.Blocks[in.Block].Succs[i]) }
	switch in.Op {
	case ir.Load:
		if in.Type.Qual&ctype.Atomic != 0 {
			return fmt.Sprintf("__atomic_load((%s *)%s, &r%d, 5);", pr.typ(in.Type), pr.addr(in.A), in.Dst)
		}
		return set + pr.at(in.Type, pr.addr(in.A), in.Volatile) + ";"
	case ir.Store:
		if in.Type.Qual&ctype.Atomic != 0 {
			c := pr.typ(in.Type)
			return fmt.Sprintf("{ %s t = %s; __atomic_store((%s *)%s, &t, 5); }", c, pr.value(in.B, in.Type), c, pr.addr(in.A))
		}
		return pr.at(in.Type, pr.addr(in.A), in.Volatile) + " = " + pr.value(in.B, in.Type) + ";"
	case ir.LoadBits:
		if in.Field.BitWidth > 64 {
			sign := 0
			if in.Field.Type.IsSigned() {
				sign = 1
			}
			return fmt.Sprintf("%ssaz_ldwide((unsigned char *)%s+%d, %d, %d, %d);", set, pr.addr(in.A), in.Field.BitOff/8, in.Field.BitOff%8, in.Field.BitWidth, sign)
		}
		name := "saz_ldbits"
		if in.Field.Type.IsSigned() {
			name = "saz_ldsbits"
		}
		return fmt.Sprintf("%s%s((unsigned char *)%s+%d, %d, %d);", set, name, pr.addr(in.A), in.Field.BitOff/8, in.Field.BitOff%8, in.Field.BitWidth)
	case ir.StoreBits:
		name := "saz_stbits"
		if in.Field.BitWidth > 64 {
			name = "saz_stwide"
		}
		return fmt.Sprintf(name+"((unsigned char *)%s+%d, %d, %d, %s);", pr.addr(in.A), in.Field.BitOff/8, in.Field.BitOff%8, in.Field.BitWidth, pr.value(in.B, in.Type))
	case ir.Copy:
		if n := ctype.SizeOf(in.Type); n > 0 {
			return fmt.Sprintf("__builtin_memmove(%s, %s, %d);", pr.addr(in.A), pr.addr(in.B), n)
		}
		return ""
	case ir.Zero:
		if n := ctype.SizeOf(in.Type); n > 0 {
			return fmt.Sprintf("__builtin_memset(%s, 0, %d);", pr.addr(in.A), n)
		}
		return ""
	case ir.FieldAddr:
		return fmt.Sprintf("%s(char *)%s + %d;", set, pr.addr(in.A), in.Off)
	case ir.IndexAddr:
		return fmt.Sprintf("%s(char *)%s + (long)%s * %s;", set, pr.addr(in.A), pr.value(in.B, in.Opnd), pr.elemSize(in))
	case ir.PtrDiff:
		return fmt.Sprintf("%s((char *)%s - (char *)%s) / %s;", set, pr.addr(in.A), pr.addr(in.B), pr.elemSize(in))
	case ir.Bin:
		yt := in.Type
		if in.Opnd != nil {
			yt = in.Opnd
		}
		return fmt.Sprintf("%s%s %s %s;", set, pr.value(in.A, in.Type), operators[in.Sub], pr.value(in.B, yt))
	case ir.Cmp:
		return fmt.Sprintf("%s%s %s %s;", set, pr.value(in.A, in.Opnd), operators[in.Sub], pr.value(in.B, in.Opnd))
	case ir.Un:
		return fmt.Sprintf("%s%s%s;", set, operators[in.Sub], pr.value(in.A, in.Type))
	case ir.Conv:
		return set + pr.conv(in) + ";"
	case ir.Move:
		return set + pr.value(in.A, in.Type) + ";"
	case ir.Phi:
		return fmt.Sprintf("%sh%d;", set, in.Dst)
	case ir.Alloca:
		if in.Off == 0 {
			return fmt.Sprintf("%ssaz_vla_new(&vla, %s);", set, pr.value(in.A, ctype.TULong))
		}
		return fmt.Sprintf("%s__builtin_alloca(%s);", set, pr.value(in.A, ctype.TULong))
	case ir.Call:
		return pr.call(in, set)
	case ir.Builtin:
		return pr.builtin(in, set)
	case ir.Asm:
		return pr.asm(in)
	case ir.LifeStart:
		return ""
	case ir.Jump:
		return "goto " + blk(0) + ";"
	case ir.Branch:
		return fmt.Sprintf("if (%s) goto %s; else goto %s;", pr.value(in.A, in.Opnd), blk(0), blk(1))
	case ir.Switch:
		if in.A.Kind == ir.VUndef { // after an asm goto, which has jumped already
			return "goto " + blk(len(in.Cases)) + ";"
		}
		var b strings.Builder
		fmt.Fprintf(&b, "switch (%s) {", pr.value(in.A, in.Opnd))
		for i, c := range in.Cases {
			b.WriteString(" case " + pr.integer(ir.Int(c.Lo), in.Opnd, pr.typ(in.Opnd)))
			if c.Hi != c.Lo {
				b.WriteString(" ... " + pr.integer(ir.Int(c.Hi), in.Opnd, pr.typ(in.Opnd)))
			}
			b.WriteString(": goto " + blk(i) + ";")
		}
		b.WriteString(" default: goto " + blk(len(in.Cases)) + "; }")
		return b.String()
	case ir.IndirectJump:
		return "goto *" + pr.addr(in.A) + ";"
	case ir.Ret:
		free := ""
		if pr.usesVLA {
			free = "saz_vla_free(&vla, 0); "
		}
		t := f.Type.Elem
		switch {
		case t.Kind == ctype.Void:
			return free + "return;"
		case t.IsRecord():
			if in.A.Kind == ir.VUndef || in.A.Kind == ir.NoVal {
				return fmt.Sprintf("{ %s u; %sreturn u; }", pr.typ(t), free)
			}
			if free != "" {
				return fmt.Sprintf("{ %s u = %s; %sreturn u; }", pr.typ(t), pr.at(t, pr.addr(in.A), false), free)
			}
			return "return " + pr.at(t, pr.addr(in.A), false) + ";"
		}
		return free + "return " + pr.value(in.A, t) + ";"
	case ir.Unreachable:
		return "__builtin_unreachable();"
	}
	return "#error " + in.Op.String()
}

func (pr *printer) elemSize(in *ir.Instr) string {
	if in.Off < 0 && len(in.Args) > 0 {
		return "(long)" + pr.value(in.Args[0], ctype.TLong)
	}
	if in.Off == 0 && in.Op == ir.PtrDiff {
		return "1L"
	}
	return strconv.FormatInt(in.Off, 10) + "L"
}

func (pr *printer) conv(in *ir.Instr) string {
	c, a := pr.typ(in.Type), pr.value(in.A, in.Opnd)
	if in.Opnd.IsFloat() && in.Type.IsInteger() && in.A.Kind == ir.VReg {
		// gcc computes a constant at -O0, too, and where the type can't hold a number its
		// result is not the processor's: what is one constant stays one
		if d := pr.f.Regs[in.A.ID].Def; d >= 0 {
			if def := &pr.f.Instrs[d]; def.Op == ir.Conv && (def.A.Kind == ir.VInt || def.A.Kind == ir.VFloat) {
				a = "(" + pr.conv(def) + ")"
			}
		}
	}
	switch {
	case in.Type.Kind == ctype.Vector && in.Opnd.Kind != ctype.Vector && ctype.SizeOf(in.Opnd) != in.Type.Size:
		e := pr.typ(in.Type.Elem)
		return fmt.Sprintf("({ %s e = (%s)%s; (%s){ e%s }; })", e, e, a, c, strings.Repeat(", e", int(in.Type.Len)-1))
	case in.Opnd.Kind == ctype.Pointer && in.Type.IsInteger() && in.Type.Kind != ctype.Bool:
		return "(" + c + ")(long)" + a
	case in.Type.Kind == ctype.Pointer && in.Opnd.IsInteger():
		return "(" + c + ")(long)" + a
	}
	return "(" + c + ")" + a
}

// arg prints an argument: a record by value, from its address.
func (pr *printer) arg(v ir.Value, t *ctype.Type) string {
	if t.IsRecord() {
		if v.Kind == ir.VUndef {
			return "({ " + pr.typ(t) + " u; u; })"
		}
		return pr.at(t, pr.addr(v), false)
	}
	return pr.value(v, t)
}

func (pr *printer) call(in *ir.Instr, set string) string {
	ft := in.Opnd
	var fn string
	sig := pr.typ(ft.Elem) + " (*)" + pr.params(ft.Func)
	if in.A.Kind == ir.VFunc && in.A.Off == 0 {
		to := pr.p.Funcs[in.A.ID]
		fn = pr.funcName(to.ID)
		if have := pr.typ(to.Type.Elem) + " (*)" + pr.params(to.Type.Func); have != sig && !builtinOnly(to) {
			// gcc would trap at a call through a type that does not fit.
			fn = "((" + sig + ")saz_hide(" + fn + "))"
		}
	} else {
		fn = "((" + sig + ")" + pr.addr(in.A) + ")"
	}
	var b strings.Builder
	b.WriteString(fn + "(")
	for i := range in.Args {
		if i > 0 {
			b.WriteString(", ")
		}
		t := in.ArgTypes[i]
		if !ft.Func.OldStyle && i < len(ft.Func.Params) {
			switch pt := ft.Func.Params[i].Type; {
			case pt.IsRecord() && !t.IsRecord(): // a transparent union, which is passed as its member is
				fmt.Fprintf(&b, "({ %s u; *(void **)&u = %s; u; })", pr.typ(pt), pr.arg(in.Args[i], t))
				continue
			case !pt.IsRecord() && !t.IsRecord():
				t = pt
			}
		}
		b.WriteString(pr.arg(in.Args[i], t))
	}
	b.WriteString(")")
	if in.B.Kind != ir.NoVal {
		if ctype.SizeOf(in.Type) == 0 {
			return b.String() + ";"
		}
		return fmt.Sprintf("{ %s t = %s; __builtin_memcpy(%s, &t, sizeof t); }", pr.typ(in.Type), b.String(), pr.addr(in.B))
	}
	return set + b.String() + ";"
}

// pointer prints a pointer type with what it points at: type-generic builtins
// look at that.
func (pr *printer) pointer(t *ctype.Type) string {
	switch e := t.Elem; {
	case e.Kind == ctype.Void || e.Kind == ctype.Func || e.Kind == ctype.Array || e.IsRecord() && !e.Rec.Complete:
		return "void *"
	case e.Kind == ctype.VaList:
		return "__builtin_va_list *"
	default:
		return pr.typ(e) + " *"
	}
}

func (pr *printer) builtin(in *ir.Instr, set string) string {
	val := func(i int) string { return pr.value(in.Args[i], in.ArgTypes[i]) }
	valist := func(i int) string { return "*(__builtin_va_list *)" + pr.addr(in.Args[i]) }
	switch in.Name {
	case "va_start":
		last := "0"
		if n := len(pr.f.Params); n > 0 {
			last = "p" + itoa(pr.f.Params[n-1])
		}
		return fmt.Sprintf("__builtin_va_start(%s, %s);", valist(0), last)
	case "va_end":
		return fmt.Sprintf("__builtin_va_end(%s);", valist(0))
	case "va_copy":
		return fmt.Sprintf("__builtin_va_copy(%s, %s);", valist(0), valist(1))
	case "va_arg":
		x := fmt.Sprintf("__builtin_va_arg(%s, %s)", valist(0), pr.typ(in.Type))
		if in.B.Kind != ir.NoVal {
			return fmt.Sprintf("{ %s t = %s; __builtin_memcpy(%s, &t, sizeof t); }", pr.typ(in.Type), x, pr.addr(in.B))
		}
		return set + x + ";"
	case "real", "imag":
		return fmt.Sprintf("%s__%s__ %s;", set, in.Name, val(0))
	case "stack_save":
		return set + "vla;"
	case "stack_restore":
		return fmt.Sprintf("saz_vla_free(&vla, %s);", pr.addr(in.Args[0]))
	case ir.BuiltinVec:
		c := pr.typ(in.Type)
		switch len(in.Args) {
		case 1:
			return fmt.Sprintf("%s(%s)(%s%s);", set, c, operators[in.Sub], val(0))
		case 2:
			if in.Sub == check.Load { // subscript of a vector value
				return fmt.Sprintf("%s(%s)[%s];", set, val(0), val(1))
			}
			return fmt.Sprintf("%s(%s)(%s %s %s);", set, c, val(0), operators[in.Sub], val(1))
		}
		// C has no ?: on vectors: each element of the condition is all ones or zero.
		m := pr.typ(in.ArgTypes[0])
		return fmt.Sprintf("%s(%s)((%s)%s & %s | (%s)%s & ~%s);", set, c, m, val(1), "("+val(0)+" != 0)", m, val(2), "("+val(0)+" != 0)")
	case "__builtin_convertvector":
		return fmt.Sprintf("%s__builtin_convertvector(%s, %s);", set, val(0), pr.typ(in.Type))
	}
	var b strings.Builder
	b.WriteString(in.Name + "(")
	for i := range in.Args {
		if i > 0 {
			b.WriteString(", ")
		}
		t := in.ArgTypes[i]
		switch {
		case t.Kind == ctype.Pointer:
			fmt.Fprintf(&b, "(%s)%s", pr.pointer(t), pr.addr(in.Args[i]))
		case t.Kind == ctype.VaList:
			b.WriteString(valist(i))
		default:
			b.WriteString(pr.arg(in.Args[i], t))
		}
	}
	b.WriteString(")")
	if in.B.Kind != ir.NoVal {
		return fmt.Sprintf("{ %s t = %s; __builtin_memcpy(%s, &t, sizeof t); }", pr.typ(in.Type), b.String(), pr.addr(in.B))
	}
	if in.Dst >= 0 {
		return fmt.Sprintf("%s(%s)%s;", set, pr.typ(in.Type), b.String())
	}
	return b.String() + ";"
}

// register returns the machine register in which an operand of an asm must be:
// the one that the declaration of the variable it names asks for.
func (pr *printer) register(x *check.Expr) string {
	for x.Op == check.Load || x.Op == check.Conv {
		x = x.X
	}
	if x.Op != check.Ref || x.Obj.Storage != check.Auto {
		return ""
	}
	// `long rdi asm("rdi")` has the same name twice: only its tokens tell.
	toks := pr.p.Units[pr.f.Unit].AST.Tokens()
	if i := int(x.Obj.Tok) + 1; x.Obj.Tok >= 0 && i < len(toks) && strings.Trim(toks[i].Text, "_") == "asm" {
		return x.Obj.Link
	}
	return ""
}

func (pr *printer) asm(in *ir.Instr) string {
	a := in.Asm
	tmpl := a.Template
	var b, temps, before, after strings.Builder
	b.WriteString("__asm__ ")
	if a.Volatile && !a.Goto {
		b.WriteString("volatile ")
	}
	if a.Goto {
		b.WriteString("goto ")
		for i, l := range a.Labels {
			tmpl = strings.ReplaceAll(tmpl, "%l["+l.Name+"]", "%l[B"+itoa(pr.gotoSucc(in, i))+"]")
		}
	}
	operand := func(k int, o *check.AsmOperand, out bool) {
		if o.Name != "" {
			b.WriteString("[" + o.Name + "] ")
		}
		t, v := in.ArgTypes[k], ""
		if out || ir.IsLvalue(o.X) {
			t = t.Elem
			v = pr.place(t, in.Args[k])
		} else {
			v = pr.value(in.Args[k], t)
		}
		if reg := pr.register(o.X); reg != "" {
			q := "q" + strconv.Itoa(k)
			fmt.Fprintf(&before, "register %s %s __asm__(%s)", pr.typ(t), q, quote(reg))
			if !out || strings.HasPrefix(o.Constraint, "+") {
				// Computing one value must not disturb a register that is set already.
				fmt.Fprintf(&temps, "%s t%d = %s; ", pr.typ(t), k, v)
				fmt.Fprintf(&before, " = t%d", k)
			}
			before.WriteString("; ")
			if out {
				fmt.Fprintf(&after, " %s = %s;", v, q)
			}
			v = q
		}
		fmt.Fprintf(&b, "%s(%s)", quote(o.Constraint), v)
	}
	b.WriteString("(" + quote(tmpl))
	if len(a.Out)+len(a.In)+len(a.Clobbers)+len(a.Labels) > 0 || a.Volatile || strings.Contains(tmpl, "%") {
		b.WriteString(" : ")
		for i := range a.Out {
			if i > 0 {
				b.WriteString(", ")
			}
			operand(i, &a.Out[i], true)
		}
		b.WriteString(" : ")
		for i := range a.In {
			if i > 0 {
				b.WriteString(", ")
			}
			operand(len(a.Out)+i, &a.In[i], false)
		}
		if len(a.Clobbers) > 0 || len(a.Labels) > 0 {
			b.WriteString(" : ")
			for i, c := range a.Clobbers {
				if i > 0 {
					b.WriteString(", ")
				}
				b.WriteString(quote(c))
			}
		}
		if len(a.Labels) > 0 {
			b.WriteString(" : ")
			for i := range a.Labels {
				if i > 0 {
					b.WriteString(", ")
				}
				b.WriteString("B" + itoa(pr.gotoSucc(in, i)))
			}
		}
	}
	b.WriteString(");")
	if before.Len() > 0 {
		return "{ " + temps.String() + before.String() + b.String() + after.String() + " }"
	}
	return b.String()
}

// gotoSucc is the block of label i of an asm goto: its block ends with a
// switch that lists them.
func (pr *printer) gotoSucc(in *ir.Instr, i int) ir.BlockID {
	s := pr.f.Blocks[in.Block].Succs
	if i < len(s) {
		return s[i]
	}
	return in.Block
}

// place prints memory as an operand of an asm.
func (pr *printer) place(t *ctype.Type, a ir.Value) string {
	if t.Kind == ctype.Array || t.Kind == ctype.VaList {
		return fmt.Sprintf("*(unsigned char (*)[%d])%s", max(ctype.SizeOf(t), 1), pr.addr(a))
	}
	return pr.at(t, pr.addr(a), false)
}
