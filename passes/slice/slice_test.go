package slice_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"saz/frontend/source"
	"saz/ir"
	"saz/ir/models"
	"saz/passes"
	"saz/passes/pointer/ctest"
	"saz/passes/slice"
)

// Expectations stand at the end of a line: +f (-f) says that an instruction of
// the line is (none is) in the forward slice from the calls of source; +b (-b)
// the same of the backward slice from the calls of sink. A plus is soundness: there
// is a run in which it depends. A minus is precision that must stay. ~f marks a
// line that is in the slice because of what the analysis does not distinguish and
// need not (elements of an array), ?f one that is in it and should not: when it
// drops out, it becomes a minus.
func TestCases(t *testing.T) {
	files, _ := filepath.Glob("testdata/*.c")
	if len(files) == 0 {
		t.Fatal("no cases")
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".c"), func(t *testing.T) {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			cases(t, string(text))
		})
	}
}

func slicer(t testing.TB, p *ir.Program) *passes.Context {
	ms := models.Default()
	if err := ms.Add("test", []byte("- name: source\n  nondet: true\n- name: sink\n  reads: [0]\n- {name: cond, nondet: true}\n")); err != nil {
		t.Fatal(err)
	}
	c := &passes.Context{Prog: p, Models: ms, Sink: &source.Sink{}, Jobs: 1}
	if err := c.Need(slice.Pass); err != nil {
		t.Fatal(err)
	}
	return c
}

func cases(t *testing.T, text string) {
	p := ctest.Text(t, text)
	c := slicer(t, p)
	r := slice.Of(c)
	var from, to []ir.Ref
	line := func(ref ir.Ref) int {
		return p.Files.Place(c.Pos(ref)).Line
	}
	for _, f := range p.Funcs {
		for i := range f.Instrs {
			if in := &f.Instrs[i]; in.Op == ir.Call && in.A.Kind == ir.VFunc {
				switch ref := (ir.Ref{Func: f.ID, I: int32(i)}); p.Funcs[in.A.ID].Name {
				case "source":
					from = append(from, ref)
				case "sink":
					to = append(to, ref)
				}
			}
		}
	}
	sets := map[byte]*slice.Set{'f': r.Forward(from), 'b': r.Backward(to)}
	got := map[byte]map[int]bool{'f': {}, 'b': {}}
	for k, s := range sets {
		n := 0
		s.Each(func(ref ir.Ref) {
			n++
			got[k][line(ref)] = true
			path := s.Path(ref)
			if len(path) == 0 && p.Funcs[ref.Func].Instrs[ref.I].Op != ir.Jump {
				t.Errorf("line %d: no path", line(ref))
			}
		})
		if n != s.Len() {
			t.Errorf("%c: Len is %d, Each has %d", k, s.Len(), n)
		}
	}
	for i, s := range strings.Split(text, "\n") {
		_, c, ok := strings.Cut(s, "// ")
		if !ok {
			continue
		}
		for _, w := range strings.Fields(c) {
			if len(w) != 2 || strings.IndexByte("+-~?", w[0]) < 0 || strings.IndexByte("fb", w[1]) < 0 {
				continue
			}
			if want := w[0] != '-'; got[w[1]][i+1] != want {
				t.Errorf("line %d: %s: in the slice: %v", i+1, strings.TrimSpace(s), !want)
			}
		}
	}
}

// A slice, and the search for how it came to its nodes, go through the graph in different orders.
func TestTraced(t *testing.T) {
	files, _ := filepath.Glob("testdata/run/*.c")
	reached := 0
	for _, file := range files {
		if filepath.Base(file) == "trace.c" {
			continue
		}
		p := ctest.Files(t, ".", []string{"-w"}, file)
		main := ir.FuncID(p.Entry)
		sl := slice.Of(slicer(t, p))
		for i := range p.Funcs[main].Instrs {
			from := []ir.Ref{{Func: main, I: int32(i)}}
			for _, s := range []*slice.Set{sl.Forward(from), sl.Backward(from)} {
				n, ok := slice.Traced(s)
				if !ok {
					t.Errorf("%s:%d: a node without a way, or the reverse", file, i)
				}
				reached += n
			}
		}
	}
	if reached < 10_000 {
		t.Errorf("%d nodes: too few", reached)
	}
}
