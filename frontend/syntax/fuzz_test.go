package syntax

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"saz/frontend/cpp"
	"saz/frontend/source"
)

// FuzzParse: any text is read in bounded time and memory, without a fault; what
// is read has sound trees, and bodies that were left for later are read as they
// are at once.
func FuzzParse(f *testing.F) {
	paths, _ := filepath.Glob(filepath.Join(os.Getenv("SAZ_GCC_TORTURE"), "*", "*.c"))
	for i, p := range paths {
		if b, err := os.ReadFile(p); err == nil && len(b) < 8<<10 && i%4 == 0 {
			f.Add(b)
		}
	}
	for _, c := range constructs {
		f.Add([]byte(c.text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		set := source.NewSet()
		set.Add("/fuzz.c", text)
		u, err := cpp.Preprocess(&cpp.Config{Limit: 1 << 17}, set, "/fuzz.c", nil)
		if err != nil {
			t.Fatal(err)
		}
		var cache Cache
		tree := cache.Parse(u, newSink())
		at := int32(0)
		for _, d := range tree.Decls {
			if d.Lo < at || d.Hi <= d.Lo || int(d.Hi) > len(u.Tokens) {
				t.Fatalf("a declaration has the tokens [%d,%d) behind %d of %d", d.Lo, d.Hi, at, len(u.Tokens))
			}
			at = d.Hi
			sound(t, d)
		}
		late := cache.ParseHeads(u, newSink())
		defer late.Close()
		if len(late.Decls) != len(tree.Decls) {
			t.Fatalf("%d declarations, %d if bodies wait", len(tree.Decls), len(late.Decls))
		}
		// In a program that redeclares its typedefs, what a body means depends
		// on where it stands.
		strict := tree.Stats.Bad == 0
		for i, d := range late.Decls {
			if d.Body > 0 {
				d = late.Complete(d)
				for k := d.Hi; int(k) < len(u.Tokens); k++ {
					strict = strict && u.Tokens[k].Text != "typedef"
				}
			}
			if e := tree.Decls[i]; strict && (d.Bad != e.Bad || len(d.Nodes) != len(e.Nodes) || len(d.Toks) != len(e.Toks) || d.Lo != e.Lo || d.Hi != e.Hi) {
				var a, b strings.Builder
				e.Print(&a)
				d.Print(&b)
				t.Fatalf("read at once:\n%s\nread later:\n%s", a.String(), b.String())
			}
		}
	})
}

// sound checks that a declaration's tree is one, over its tokens.
func sound(t *testing.T, d *Decl) {
	t.Helper()
	for i := range d.Nodes {
		n := &d.Nodes[i]
		if n.Next <= int32(i) || int(n.Next) > len(d.Nodes) || n.Up >= int32(i) || n.Tok > n.End || int(n.End) > len(d.Toks) {
			t.Fatalf("node %d is %+v of %d nodes, %d tokens", i, *n, len(d.Nodes), len(d.Toks))
		}
	}
	for i := range d.Toks {
		if s := d.Toks[i].Src; d.Toks[i].Mark != Synthetic && (s < d.Lo || s >= d.Hi) {
			t.Fatalf("token %d stands for %d, outside of [%d,%d)", i, s, d.Lo, d.Hi)
		}
	}
	for _, s := range d.Typeofs {
		sound(t, s)
	}
	for _, l := range d.KR {
		for _, s := range l {
			sound(t, s)
		}
	}
}
