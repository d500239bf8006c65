package check

import (
	"bytes"
	"fmt"
	"strings"

	"saz/frontend/cpp"
	"saz/frontend/ctype"
)

// Asserts returns the unit's text again, as it was preprocessed, with
// _Static_asserts between its tokens that say what this package thinks, and
// their number: the size and alignment of every complete record, the place and
// alignment of every member, every enumerator, the size of every object of file
// scope, and the type of every expression whose turn it is (of each every'th).
// The compiler that takes the text agrees with all of them. This is the oracle
// of the tests and of the command frontend/oracle.
func Asserts(u *Unit, every int) (text []byte, n int) {
	a := &asserts{u: u, at: map[int32][]string{}, every: max(every, 1)}
	a.records()
	a.tags()
	for _, f := range u.Funcs {
		a.function(f)
	}
	return a.print(), a.n
}

type asserts struct {
	u     *Unit
	at    map[int32][]string // before token
	n     int
	every int
	turn  int // expressions seen
}

func (a *asserts) add(tok int32, format string, args ...any) {
	a.at[tok] = append(a.at[tok], fmt.Sprintf(format, args...))
	a.n++
}

// print writes the unit's tokens and the asserts.
func (a *asserts) print() []byte {
	var b bytes.Buffer
	pragmas := a.u.Cpp.Pragmas
	for i := 0; i <= len(a.u.Cpp.Tokens); i++ {
		for len(pragmas) > 0 && int(pragmas[0].Tok) <= i {
			if strings.HasPrefix(strings.TrimSpace(pragmas[0].Text), "#") {
				fmt.Fprintf(&b, "\n%s\n", pragmas[0].Text)
			} else {
				fmt.Fprintf(&b, "\n#pragma %s\n", pragmas[0].Text)
			}
			pragmas = pragmas[1:]
		}
		for _, s := range a.at[int32(i)] {
			b.WriteString("\n" + s + "\n")
		}
		if i < len(a.u.Cpp.Tokens) {
			t := &a.u.Cpp.Tokens[i]
			if t.Line {
				b.WriteByte('\n')
			} else {
				b.WriteByte(' ')
			}
			b.WriteString(t.Text)
		}
	}
	b.WriteByte('\n')
	return b.Bytes()
}

// nameable reports whether a type can be written: no anonymous record without
// a typedef.
func nameable(t *ctype.Type) bool {
	switch t.Kind {
	case ctype.Struct, ctype.Union:
		return t.Rec.Tag != "" || t.Rec.Typedef != ""
	case ctype.Enum:
		return t.Enum.Tag != ""
	case ctype.Pointer, ctype.Array, ctype.Vector, ctype.Complex:
		if t.Len == -2 || t.Len == 0 { // gcc: int a[] = {} is not an int [0]
			return false
		}
		return nameable(t.Elem)
	case ctype.Func:
		if t.Func.NoReturn {
			return false // another type to gcc, but not one that can be written
		}
		for _, p := range t.Func.Params {
			if !nameable(p.Type) {
				return false
			}
		}
		return nameable(t.Elem)
	case ctype.Invalid, ctype.Auto:
		return false
	}
	return true
}

// spell writes a type for the compiler, without typedef names: those may be
// hidden where the assert stands. A pointer to a va_list is what the compiler
// makes of a parameter of that type.
func spell(t *ctype.Type) (s string, ok bool) {
	ok = nameable(t)
	s = t.Decl("", func(t *ctype.Type) string {
		if t.Kind == ctype.Pointer && t.Elem.Kind == ctype.VaList {
			ok = false
		}
		return ""
	})
	return s, ok
}

func (a *asserts) records() {
	end := int32(len(a.u.Cpp.Tokens))
	// Only records of file scope can be named at the end.
	for i := len(a.u.Typedefs) - 1; i >= 0; i-- {
		td := &a.u.Typedefs[i]
		if ctype.IsComplete(td.Type) && ctype.SizeOf(td.Type) >= 0 {
			a.add(end, "_Static_assert(sizeof(%s) == %d && __alignof__(%s) == %d, \"%s\");", td.Name, ctype.SizeOf(td.Type), td.Name, ctype.AlignOf(td.Type), td.Name)
		}
		if td.Type.IsRecord() && td.Type.Rec.Tag == "" {
			a.members(end, td.Name, "", 0, td.Type.Rec)
		}
	}
	for _, o := range a.u.Objects {
		if !o.fileScope {
			continue // declared in a block
		}
		if o.Tentative && o.Type.Kind == ctype.Array {
			continue // gcc gives it its length at the very end
		}
		if o.Name != "" && (o.Storage == Extern || o.Storage == Static) && ctype.IsComplete(o.Type) && ctype.SizeOf(o.Type) >= 0 {
			a.add(end, "_Static_assert(sizeof(%s) == %d, \"%s\");", o.Name, ctype.SizeOf(o.Type), o.Name)
		}
	}
}

// tags asserts the records and enumerations with a tag that is visible at the
// end of the unit.
func (a *asserts) tags() {
	end := int32(len(a.u.Cpp.Tokens))
	seen := map[string]bool{}
	for _, t := range a.u.tags {
		switch {
		case t.IsRecord() && t.Rec.Complete:
			a.record(end, kindWord(t.Kind)+" "+t.Rec.Tag, t.Rec, seen)
		case t.Kind == ctype.Enum && t.Enum.Complete:
			a.add(end, "_Static_assert(sizeof(enum %s) == %d && (enum %s)-1 < 0 == %v, \"\");", t.Enum.Tag, ctype.SizeOf(t), t.Enum.Tag, b2i(t.IsSigned()))
			for i := range t.Enum.Consts {
				k := &t.Enum.Consts[i]
				// The least int64 has no literal.
				a.add(end, "_Static_assert((unsigned long)%s == %#xUL && %s < 0 == %v, \"%s\");", k.Name, uint64(k.Value), k.Name, b2i(k.Value < 0 && !k.Unsigned), k.Name)
			}
		}
	}
}

func b2i(b bool) int {
	if b {
		return 1
	}
	return 0
}

func (a *asserts) record(tok int32, name string, r *ctype.Record, seen map[string]bool) {
	if seen[name] || !r.Complete {
		return
	}
	seen[name] = true
	a.add(tok, "_Static_assert(sizeof(%s) == %d && __alignof__(%s) == %d, \"%s\");", name, r.Size, name, r.Align, name)
	a.members(tok, name, "", 0, r)
}

func (a *asserts) members(tok int32, name, path string, off int64, r *ctype.Record) {
	for i := range r.Fields {
		f := &r.Fields[i]
		switch {
		case f.Name == "" && !f.BitField && f.Type.IsRecord():
			a.members(tok, name, path, off+f.Off, f.Type.Rec)
		case f.BitField || f.Name == "":
		default:
			a.add(tok, "_Static_assert(__builtin_offsetof(%s, %s%s) == %d && __alignof__(((%s *)0)->%s%s) == %d, \"%s.%s\");",
				name, path, f.Name, off+f.Off, name, path, f.Name, f.Align, name, f.Name)
			if f.Type.IsRecord() && f.Type.Rec.Tag == "" {
				a.members(tok, name, path+f.Name+".", off+f.Off, f.Type.Rec)
			}
		}
	}
}

// function asserts the types of a function's expressions, each before the
// statement of a block that it stands in.
func (a *asserts) function(f *FuncDef) {
	a.block(f.Body)
	for _, n := range f.Nested {
		a.function(n)
	}
}

func (a *asserts) block(s *Stmt) {
	for _, t := range s.List {
		// A declaration's own names are known after it only.
		at := t.Tok
		if t.Kind == DeclStmt {
			at = t.End
		}
		for t.Kind == Case || t.Kind == Default || t.Kind == Labeled {
			t = t.Then
			at = -1
		}
		a.stmt(t, at)
	}
}

func (a *asserts) stmt(s *Stmt, at int32) {
	if s == nil {
		return
	}
	if s.Kind == Compound {
		a.block(s)
		return
	}
	if s.Kind == For && s.Init != nil && s.Init.Kind == DeclStmt {
		at = -1
	}
	a.expr(s.X, at)
	a.expr(s.Post, at)
	for _, o := range s.Decls {
		if o.Init != nil {
			for _, it := range o.Init.Items {
				a.expr(it.X, at)
			}
		}
	}
	a.stmt(s.Init, at)
	a.stmt(s.Then, at)
	a.stmt(s.Else, at)
}

// children calls f for the operands of e.
func children(e *Expr, f func(*Expr)) {
	for _, x := range [3]*Expr{e.X, e.Y, e.Z} {
		if x != nil {
			f(x)
		}
	}
	for _, x := range e.Args {
		f(x)
	}
}

func (a *asserts) expr(e *Expr, at int32) {
	if e == nil {
		return
	}
	if e.Op == Conv && e.Tok >= 0 && a.u.Cpp.Tokens[e.Tok].Text == "__builtin_offsetof" {
		return // what stands in it is no expression
	}
	if e.Op == StmtExpr {
		a.block(e.Body)
		at = -1 // what stands in its block is not visible outside
	}
	children(e, func(x *Expr) {
		if e.Op == Member && x.Op == Deref && e.End-2 > x.Tok && a.u.Cpp.Tokens[e.End-2].Text == "->" {
			x = x.X // the Deref of p->f has the tokens of p
		}
		if e.Op == Deref && x.Op == PtrAdd && x.Tok == e.Tok && x.End == e.End {
			a.expr(x.X, at) // a[i]
			x = x.Y
		}
		a.expr(x, at)
	})
	if e.prec != 0 || at < 0 || e.Type == nil || e.Tok >= e.End {
		return
	}
	if a.turn++; a.turn%a.every != 0 {
		return
	}
	switch e.Op {
	case Load, Decay, FuncAddr, VLASize, InitList, BadExpr:
		return // another expression has the same tokens
	case Conv:
		if !e.Explicit {
			return
		}
	case Addr:
		if a.u.Cpp.Tokens[e.Tok].Text != "&" {
			return // of a vector's element
		}
	case Deref:
		if e.Type.Kind == ctype.VaList && a.u.Cpp.Tokens[e.Tok].Text != "*" {
			return // of a parameter
		}
	case Ref:
		if e.Obj.implicit || strings.HasPrefix(a.u.Cpp.Tokens[e.Tok].Text, "__builtin_") {
			return // declared by its use
		}
	case Member:
		if e.Field.BitField || e.Field.Name == "" {
			return
		}
	case Assign, OpAssign, PreInc, PreDec, PostInc, PostDec:
		if e.X.Op == Member && e.X.Field.BitField {
			return
		}
	case Comma:
		if bitWidth(e) > 0 {
			return
		}
	case IntLit:
		tok := &a.u.Cpp.Tokens[e.Tok]
		if t, _, ok := parseInt(tok.Text); ok && t != e.Type ||
			tok.Kind == cpp.Char && e.Type.Kind != ctype.Int || (tok.Text == "sizeof" || strings.Contains(tok.Text, "lignof") || tok.Text == "__builtin_offsetof") && e.Type.Kind != ctype.ULong {
			return // converted already
		}
		if a.u.Cpp.Tokens[e.Tok].Kind == cpp.Ident && e.End == e.Tok+1 && e.Type.Kind != ctype.Int {
			return // inside its enumeration a constant has another type
		}
	}
	s, ok := spell(e.Type)
	if !ok {
		return
	}
	var b strings.Builder
	for i := e.Tok; i < e.End; i++ {
		text := a.u.Cpp.Tokens[i].Text
		if text == "goto" || text == "return" || text == "__label__" || text == "case" || text == "asm" || text == "__asm__" {
			return
		}
		b.WriteString(text + " ")
	}
	a.add(at, "_Static_assert(__builtin_types_compatible_p(__typeof__(%s), %s), \"%s\");", b.String(), s, s)
}
