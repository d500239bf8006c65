package syntax

import (
	"fmt"
	"strings"
	"sync"
	"testing"
)

func parseText(t testing.TB, c *Cache, text string) (*Tree, string) {
	t.Helper()
	u, set := unitOf(t, "/test.c", []byte(text))
	sink := newSink()
	tree := c.Parse(u, sink)
	return tree, diagnostics(sink, set)
}

func printed(tree *Tree) string {
	var b strings.Builder
	for _, d := range tree.Decls {
		d.Print(&b)
	}
	return b.String()
}

// What cannot be read is diagnosed where it stands, and costs nothing around it.
func TestBad(t *testing.T) {
	for _, c := range []struct {
		text string
		name string // of the bad declaration
		want string // in the diagnostic
	}{
		{"int a; int f(int x) { return x +; } int b;", "f", "/test.c:1:33: error: expected an expression, at `;`"},
		{"int a; foo x; int b;", "x", "unknown type name, at `foo`"},
		{"int a; foo *x(void); int b;", "x", "unknown type name, at `foo`"},
		{"int a; static foo x[3]; int b;", "x", "expected ;, at `x`"},
		{"int a; int f(void) { g(; } int b;", "f", "this bracket is not closed, at `(`"},
		{"int a; int f(void) { if (a) } int b;", "f", "expected an expression, at `}`"},
		{"int a; struct s { int x: ; }; int b;", "", "expected an expression"},
		{"int a; int (*fp)(foo) = 3 3; int b;", "fp", "expected ;"},
		{"int a; int f(foo *x) { } int b;", "f", "unknown type name, at `foo`"},
		{"int a; typedef int T; int f(void) { return T; } int b;", "f", "a type name where an expression is expected, at `T`"},
		{"int a; int f(void) { int T; ] } int b;", "f", "expected an expression, at `]`"},
		{"int a; int f(void) { @ } int b;", "f", "expected an expression, at `@`"},
		{"int a; int f(void) { switch (a) { case 1: ; int g(void) { return 1; } } } int b;", "f", "cannot be parsed"},
	} {
		var cache Cache
		tree, diags := parseText(t, &cache, c.text)
		if !strings.Contains(diags, c.want) {
			t.Errorf("%s\ngives %s", c.text, diags)
		}
		bad := 0
		for _, d := range tree.Decls {
			if d.Bad {
				bad++
				if d.Name != c.name || d.Nodes != nil {
					t.Errorf("%s: bad declaration %q, want %q", c.text, d.Name, c.name)
				}
			}
		}
		if n := len(tree.Decls); bad != 1 || tree.Stats.Bad != 1 || tree.Decls[0].Bad || tree.Decls[n-1].Bad {
			t.Errorf("%s: %d bad declarations", c.text, bad)
		}
	}
}

// A program that ends too early must not run into the void.
func TestTruncated(t *testing.T) {
	var cache Cache
	for _, c := range constructs {
		u, _ := unitOf(t, "/test.c", []byte(c.text))
		for n := range u.Tokens {
			cut := *u
			cut.Tokens = u.Tokens[:n]
			cache.Parse(&cut, newSink())
			cut.Tokens = u.Tokens[n:]
			cache.Parse(&cut, newSink())
		}
	}
}

// The scope that a bad declaration was in when it failed is left.
func TestBadScope(t *testing.T) {
	var cache Cache
	tree, _ := parseText(t, &cache, "typedef int T; void f(int T) { { int x = ; } } T x; T *g(T y) { return (T *)&y; }")
	for i, d := range tree.Decls {
		if d.Bad != (i == 1) {
			t.Errorf("declaration %d: bad is %v", i, d.Bad)
		}
	}
}

// Declarations of one shape share a tree, whatever their names and values.
func TestShapes(t *testing.T) {
	var cache Cache
	tree, diags := parseText(t, &cache, `typedef int T; typedef long *U; int f(T a) { return g("x", 1) + 'c'; }
		int gg(U bb) { return h("yy", 0x20) + '\n'; } int while_(_Bool b) { return g(L"", 1.5) + L'x'; }`)
	if diags != "" {
		t.Fatal(diags)
	}
	d := tree.Decls
	if &d[2].Nodes[0] != &d[3].Nodes[0] || &d[2].Nodes[0] != &d[4].Nodes[0] {
		t.Error("functions of one shape have different trees")
	}
	if got := cache.Len(); got != 3 || tree.Stats.Parsed != 3 || tree.Stats.Decls != 5 {
		t.Errorf("%d shapes, %+v", got, tree.Stats)
	}
}

// Several goroutines may share a Cache, and find the same.
func TestConcurrent(t *testing.T) {
	var all strings.Builder
	for i, c := range constructs {
		if c.flags == "" && !strings.Contains(c.text, "typedef") && !strings.Contains(c.text, "#") {
			fmt.Fprintf(&all, "struct only%d;\n%s\n", i, c.text)
		}
	}
	var one Cache
	tree, diags := parseText(t, &one, all.String())
	if diags != "" {
		t.Fatal(diags)
	}
	want := printed(tree)
	var cache Cache
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			if tree, _ := parseText(t, &cache, all.String()); printed(tree) != want {
				t.Error("another tree")
			}
		})
	}
	wg.Wait()
	if cache.Len() != one.Len() {
		t.Errorf("%d shapes, %d by one goroutine", cache.Len(), one.Len())
	}
}

// Range gives the program's own tokens.
func TestRange(t *testing.T) {
	var cache Cache
	tree, diags := parseText(t, &cache, `typedef int T; int a = -a++ - sizeof(T) - 1 + (a) - a; T f(typeof(a) x) { typeof (a) __attribute__((unused)) y; switch (a) case 1: y++; }`)
	if diags != "" {
		t.Fatal(diags)
	}
	var got []string
	for _, d := range tree.Decls {
		for i := range d.Nodes {
			switch d.Nodes[i].Sym {
			case SymUnaryExpression, SymSizeofExpression, SymParenthesizedExpression, SymUpdateExpression, SymParameterDeclaration, SymDeclaration, SymCompoundStatement:
				var b strings.Builder
				r := d.Range(int32(i))
				for _, k := range tree.Unit.Tokens[r.Lo:r.Hi] {
					b.WriteString(k.Text)
				}
				got = append(got, b.String())
			}
		}
	}
	want := "inta=-a++-sizeof(T)-1+(a)-a;|-a++|a++|a++|sizeof(T)|sizeof(T)|(a)|(a)|typeof(a)x|{typeof(a)__attribute__((unused))y;switch(a)case1:y++;}|typeof(a)__attribute__((unused))y;|(a)|case1:y++;|y++"
	if s := strings.Join(got, "|"); s != want {
		t.Errorf("got  %s\nwant %s", s, want)
	}
}

// Every node's tokens are in order and inside its parent's, every token of the
// text is in the tree, and what stands for a token of the program names one.
func TestTree(t *testing.T) {
	var cache Cache
	var check func(name string, d *Decl, n int)
	check = func(name string, d *Decl, n int) {
		for i := range d.Nodes {
			x := &d.Nodes[i]
			if x.Tok > x.End || int(x.End) > len(d.Toks) || int(x.Next) <= i || int(x.Next) > len(d.Nodes) {
				t.Fatalf("%s: node %d is %+v", name, i, *x)
			}
			if i > 0 {
				up := &d.Nodes[x.Up]
				if int(x.Up) >= i || x.Tok < up.Tok || x.End > up.End || x.Next > up.Next {
					t.Fatalf("%s: node %d is %+v, its parent %+v", name, i, *x, *up)
				}
			}
			at := x.Tok
			for c := int32(i) + 1; c < x.Next; c = d.Nodes[c].Next {
				if d.Nodes[c].Tok != at {
					t.Fatalf("%s: token %d of node %d (%s) is in no child", name, at, i, x.Sym)
				}
				at = d.Nodes[c].End
			}
			if x.Next > int32(i)+1 && at != x.End {
				t.Fatalf("%s: token %d of node %d (%s) is in no child", name, at, i, x.Sym)
			}
		}
		for _, k := range d.Toks {
			if k.Mark != Synthetic && (k.Src < d.Lo || k.Src >= d.Hi) || int(k.Src) > n {
				t.Fatalf("%s: token %q stands for %d, outside of %d..%d", name, k.Text, k.Src, d.Lo, d.Hi)
			}
		}
		for i, a := range d.Attrs {
			if a.At < 0 || int(a.At) > len(d.Toks) || i > 0 && a.At < d.Attrs[i-1].At {
				t.Fatalf("%s: attribute %s at %d", name, a.Name, a.At)
			}
		}
		for k, s := range d.Typeofs {
			if d.Toks[k].Mark != Typeof {
				t.Fatalf("%s: an operand for token %q", name, d.Toks[k].Text)
			}
			check(name, s, n)
		}
		for k, ss := range d.KR {
			if d.Toks[k].Text != "{" {
				t.Fatalf("%s: parameters for token %q", name, d.Toks[k].Text)
			}
			for _, s := range ss {
				check(name, s, n)
			}
		}
		for i, k := range d.Toks {
			if k.Mark == Typeof && d.Typeofs[int32(i)] == nil {
				t.Fatalf("%s: no operand for token %d", name, i)
			}
		}
	}
	for _, c := range constructs {
		u, _ := unitOf(t, "/test.c", []byte(c.text))
		for _, d := range cache.Parse(u, newSink()).Decls {
			check(c.name, d, len(u.Tokens))
		}
	}
}
