package sdg_test

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"saz/frontend/source"
	"saz/ir"
	"saz/passes"
	"saz/passes/pointer/ctest"
	"saz/passes/sdg"
)

// Lines of the case are named by `// NAME` comments and the expectations are
// lines of the form `//@ A -> B C !D`: instructions of lines B and C may run
// after one of line A, none of D may; `//@ A ctl B` says that the branches
// that control A are those of line B.
func TestFlow(t *testing.T) {
	text, err := os.ReadFile("testdata/flow.c")
	if err != nil {
		t.Fatal(err)
	}
	p := ctest.Text(t, string(text))
	c := &passes.Context{Prog: p, Sink: &source.Sink{}, Jobs: 1}
	if err := c.Need(sdg.Pass); err != nil {
		t.Fatal(err)
	}
	g := sdg.Of(c)
	lines := map[string]int{}
	nameRE := regexp.MustCompile(`// (\w+)$`)
	for i, s := range strings.Split(string(text), "\n") {
		if m := nameRE.FindStringSubmatch(s); m != nil {
			lines[m[1]] = i + 1
		}
	}
	at := map[int][]ir.Ref{}
	for _, f := range p.Funcs {
		for i := range f.Instrs {
			ref := ir.Ref{Func: f.ID, I: int32(i)}
			if l := p.Files.Place(c.Pos(ref)).Line; !f.Instrs[i].Op.IsTerminator() || f.Instrs[i].Op == ir.Branch {
				at[l] = append(at[l], ref)
			}
		}
	}
	for i, s := range strings.Split(string(text), "\n") {
		_, want, ok := strings.Cut(s, "//@ ")
		if !ok {
			continue
		}
		w := strings.Fields(want)
		from := at[lines[w[0]]]
		if len(from) == 0 {
			t.Fatalf("line %d: nothing at %s", i+1, w[0])
		}
		if w[1] == "ctl" {
			var got, want []string
			for _, r := range g.Controls(from[0]) {
				for n, l := range lines {
					if l == p.Files.Place(c.Pos(r)).Line {
						got = append(got, n)
					}
				}
			}
			want = append(want, w[2:]...)
			slices.Sort(got)
			slices.Sort(want)
			if !slices.Equal(slices.Compact(got), want) {
				t.Errorf("line %d: %s: controlled by %v", i+1, s, got)
			}
			continue
		}
		for _, n := range w[2:] {
			no := strings.HasPrefix(n, "!")
			to := at[lines[strings.TrimPrefix(n, "!")]]
			if len(to) == 0 {
				t.Fatalf("line %d: nothing at %s", i+1, n)
			}
			may := false
			for _, a := range from {
				for _, b := range to {
					may = may || g.MayFollow(a, b)
				}
			}
			if may == no {
				t.Errorf("line %d: %s: %s may follow %s: %v", i+1, s, strings.TrimPrefix(n, "!"), w[0], may)
			}
		}
	}
}

// Succs and Preds must be inverse to each other.
func TestInverse(t *testing.T) {
	files, _ := filepath.Glob("../slice/testdata/*.c")
	for _, file := range append(files, "testdata/flow.c", "../slice/testdata/run/ways.c") {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		p := ctest.Text(t, string(text))
		c := &passes.Context{Prog: p, Sink: &source.Sink{}, Jobs: 1}
		if err := c.Need(sdg.Pass); err != nil {
			t.Fatal(err)
		}
		g := sdg.Of(c)
		type edge struct{ a, b sdg.Node }
		out, in := map[edge]bool{}, map[edge]bool{}
		for n := sdg.Node(0); int(n) < g.Nodes(); n++ {
			if role, ref := g.What(n); role != sdg.Entry && role != sdg.Param && role != sdg.Instr && p.Funcs[ref.Func].Instrs[ref.I].Op != ir.Call {
				continue
			}
			g.Succs(n, func(to sdg.Node, _ sdg.Kind, _ sdg.Way) { out[edge{n, to}] = true })
			g.Preds(n, func(from sdg.Node, _ sdg.Kind, _ sdg.Way) { in[edge{from, n}] = true })
		}
		for e := range out {
			if role, _ := g.What(e.b); role != sdg.Arg && !in[e] {
				t.Errorf("%s: %s -> %s only forward", file, g.String(e.a), g.String(e.b))
			}
		}
		for e := range in {
			if !out[e] {
				t.Errorf("%s: %s -> %s only backward", file, g.String(e.a), g.String(e.b))
			}
		}
	}
}

// The graph is the same, edges in the same order, for every number of jobs.
func TestJobs(t *testing.T) {
	text, err := os.ReadFile("../slice/testdata/run/ways.c")
	if err != nil {
		t.Fatal(err)
	}
	p := ctest.Text(t, string(text))
	dump := func(jobs int) string {
		c := &passes.Context{Prog: p, Sink: &source.Sink{}, Jobs: jobs}
		if err := c.Need(sdg.Pass); err != nil {
			t.Fatal(err)
		}
		g := sdg.Of(c)
		var b strings.Builder
		for n := sdg.Node(0); int(n) < g.Nodes(); n++ {
			fmt.Fprintf(&b, "%s:", g.String(n))
			g.Preds(n, func(m sdg.Node, k sdg.Kind, w sdg.Way) { fmt.Fprintf(&b, " %d/%v/%d", m, k, w) })
			g.Succs(n, func(m sdg.Node, k sdg.Kind, w sdg.Way) { fmt.Fprintf(&b, " >%d/%v/%d", m, k, w) })
			b.WriteByte('\n')
		}
		return b.String()
	}
	want := dump(1)
	for _, jobs := range []int{1, 2, 7} {
		if dump(jobs) != want {
			t.Errorf("another graph with %d jobs", jobs)
		}
	}
}

// A walk that leaves out what it has seen reaches what one without memory does.
func TestWalk(t *testing.T) {
	files, _ := filepath.Glob("../slice/testdata/*.c")
	files = append(files, "testdata/flow.c", "../slice/testdata/run/ways.c")
	progs := []*ir.Program{}
	for _, f := range files {
		text, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		progs = append(progs, ctest.Text(t, string(text)))
	}
	monitor, _ := filepath.Glob("../../examples/monitor/*.c")
	progs = append(progs, ctest.Files(t, "../../examples/monitor", []string{"-std=gnu11"}, monitor...))
	for i, p := range progs {
		c := &passes.Context{Prog: p, Sink: &source.Sink{}, Jobs: 1}
		if err := c.Need(sdg.Pass); err != nil {
			t.Fatal(err)
		}
		g := sdg.Of(c)
		n := g.Nodes()
		reach := func(start sdg.Node, next func(sdg.Node, sdg.Emit)) []bool {
			seen := make([]bool, n)
			seen[start] = true
			for work := []sdg.Node{start}; len(work) > 0; {
				x := work[len(work)-1]
				work = work[:len(work)-1]
				next(x, func(to sdg.Node, _ sdg.Kind, _ sdg.Way) {
					if !seen[to] {
						seen[to] = true
						work = append(work, to)
					}
				})
			}
			return seen
		}
		for start := 0; start < n; start += max(n/60, 1) {
			s := sdg.Node(start)
			if !slices.Equal(reach(s, g.Succs), reach(s, g.Walk().Succs)) {
				t.Errorf("program %d: forward from %s: another slice", i, g.String(s))
			}
			wk := g.Walk()
			preds := func(n sdg.Node, emit sdg.Emit) { wk.Preds(n, false, emit) }
			if !slices.Equal(reach(s, g.Preds), reach(s, preds)) {
				t.Errorf("program %d: backward from %s: another slice", i, g.String(s))
			}
		}
	}
}
