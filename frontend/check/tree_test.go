package check

import (
	"os"
	"path/filepath"
	"testing"
)

// A treeChecker verifies what readers of the AST rely on: links between
// statements, and token ranges.
type treeChecker struct {
	t *testing.T
	u *Unit
}

func (k *treeChecker) bad(tok int32, format string, args ...any) {
	k.t.Helper()
	pos := k.u.Files.Place(k.u.Cpp.Tokens[min(int(tok), len(k.u.Cpp.Tokens)-1)].Exp)
	k.t.Errorf("%s: "+format, append([]any{pos}, args...)...)
}

func (k *treeChecker) function(f *FuncDef) {
	if f.Body.Up != nil || f.Obj.Func != f {
		k.bad(f.Tok, "%s: wrong links", f.Obj.Name)
	}
	k.stmt(f.Body, nil, f.Tok, f.End)
	for _, o := range f.Locals {
		if o.Func != f {
			k.bad(f.Tok, "local %s belongs to another function", o.Name)
		}
		if o.Init != nil && o.Name == "" {
			k.init(o.Init, nil)
		}
	}
	for _, n := range f.Nested {
		k.function(n)
	}
}

func (k *treeChecker) stmt(s, up *Stmt, lo, hi int32) {
	if s == nil {
		return
	}
	text := func(i int32) string { return k.u.Cpp.Tokens[i].Text }
	if s.Up != up {
		k.bad(s.Tok, "a statement of kind %d with a wrong Up", s.Kind)
	}
	if s.Tok < lo || s.End > hi || s.Tok > s.End {
		k.bad(s.Tok, "a statement of kind %d at [%d,%d) outside of [%d,%d)", s.Kind, s.Tok, s.End, lo, hi)
		return
	}
	if s.Tok < s.End {
		if e := text(s.End - 1); e != ";" && e != "}" {
			k.bad(s.Tok, "a statement of kind %d ends with %s", s.Kind, e)
		}
		first := map[StmtKind]string{Compound: "{", If: "if", While: "while", DoWhile: "do", For: "for", Switch: "switch", Case: "case", Default: "default", Break: "break", Continue: "continue", Return: "return"}[s.Kind]
		if first != "" && first != text(s.Tok) {
			k.bad(s.Tok, "a statement of kind %d starts with %s", s.Kind, text(s.Tok))
		}
	}
	for _, t := range s.List {
		k.stmt(t, s, s.Tok, s.End)
	}
	k.stmt(s.Init, s, s.Tok, s.End)
	k.stmt(s.Then, s, s.Tok, s.End)
	k.stmt(s.Else, s, s.Tok, s.End)
	switch s.Kind {
	case Break, Continue, Case, Default:
		if s.Target == nil {
			k.bad(s.Tok, "a statement without its target")
		}
	case Labeled:
		if s.Label.Stmt != s {
			k.bad(s.Tok, "label %s with a wrong link", s.Label.Name)
		}
	case If, While, DoWhile, For, Switch:
		if s.Then == nil {
			k.bad(s.Tok, "a statement without its body")
		}
	}
	k.expr(s.X, s, s.Tok, s.End)
	k.expr(s.Post, s, s.Tok, s.End)
	for _, o := range s.Decls {
		if o.Tok < s.Tok || o.Tok >= s.End || text(o.Tok) != o.Name {
			k.bad(s.Tok, "declaration of %s at token %d", o.Name, o.Tok)
		}
		if o.Init != nil {
			k.init(o.Init, s)
		}
	}
	if s.Asm != nil {
		for _, ops := range [2][]AsmOperand{s.Asm.Out, s.Asm.In} {
			for _, o := range ops {
				k.expr(o.X, s, s.Tok, s.End)
			}
		}
	}
}

func (k *treeChecker) init(in *Init, s *Stmt) {
	last := int64(-1)
	for i := range in.Items {
		lo, _ := in.Items[i].bits()
		if lo < last {
			k.bad(in.Tok, "an initialiser out of order")
		}
		last = lo
		k.expr(in.Items[i].X, s, in.Tok, in.End)
	}
}

// expr checks e and its operands, which must lie within [lo,hi).
func (k *treeChecker) expr(e *Expr, s *Stmt, lo, hi int32) {
	if e == nil || e.Op == VLASize {
		return
	}
	if e.Type == nil {
		k.bad(e.Tok, "%s without a type", e.Op)
		return
	}
	if e.Tok < lo || e.End > hi || e.Tok >= e.End {
		k.bad(e.Tok, "%s at [%d,%d) outside of [%d,%d)", e, e.Tok, e.End, lo, hi)
	}
	if !isLvalue(e) && e.Op != BuiltinCall && e.Type.Qual != 0 {
		k.bad(e.Tok, "%s is a value of the qualified type %s", e, e.Type)
	}
	switch e.Op {
	case StmtExpr:
		if s != nil && e.Body.UpExpr != s {
			k.bad(e.Tok, "a statement expression with a wrong UpExpr")
		}
		k.stmt(e.Body, nil, e.Tok, e.End)
	case Ref:
		if e.Obj == nil {
			k.bad(e.Tok, "a reference to nothing")
		}
	case BadExpr, Index, InitList:
		k.bad(e.Tok, "%s in a finished AST", e.Op)
	case CompoundLit:
		k.init(e.Init, s)
	}
	children(e, func(x *Expr) { k.expr(x, s, e.Tok, e.End) })
}

// TestTree checks links and token ranges in all test programs.
func TestTree(t *testing.T) {
	paths, _ := filepath.Glob("testdata/*.c")
	for _, p := range paths {
		text, err := os.ReadFile(p)
		if err != nil {
			t.Fatal(err)
		}
		u := checkText(t, filepath.Base(p), string(text)).unit
		verify(t, u)
	}
}

func verify(t *testing.T, u *Unit) {
	k := &treeChecker{t, u}
	for _, f := range u.Funcs {
		k.function(f)
	}
	ids := map[int32]bool{}
	for _, o := range u.Objects {
		if ids[o.ID] {
			t.Errorf("two objects have the id %d", o.ID)
		}
		ids[o.ID] = true
		if o.Init != nil && (o.Storage == Extern || o.Storage == Static) {
			k.init(o.Init, nil)
		}
	}
}
