package passes_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	diag "saz/frontend/source"
	"saz/ir"
	"saz/passes"
	"saz/passes/callgraph"
	"saz/passes/pointer"
	"saz/passes/report"
	"saz/passes/run"
	"saz/passes/sdg"
	"saz/passes/slice"
)

// TestIdentity: what comes out is the same, to the byte, at every number of jobs and in
// every run: the IR, points-to sets and calls, slices with their paths, and the report.
// Each run is a process of its own. SAZ_TARGETS names programs that saz-cc
// built, instead of the monitor and the proxy of the examples.
func TestIdentity(t *testing.T) {
	if dir := os.Getenv("SAZ_IDENTITY"); dir != "" {
		jobs, _ := strconv.Atoi(os.Getenv("SAZ_JOBS"))
		if err := writeAll(dir, strings.Fields(os.Getenv("SAZ_TARGET")), jobs); err != nil {
			t.Fatal(err)
		}
		return
	}
	var targets []string
	for _, dir := range []string{"monitor", "proxy"} {
		files, _ := filepath.Glob("../examples/" + dir + "/*.c")
		targets = append(targets, strings.Join(files, " "))
	}
	if s := strings.Fields(os.Getenv("SAZ_TARGETS")); len(s) > 0 {
		targets = s
	}
	for _, target := range targets {
		t.Run(filepath.Base(filepath.Dir(target)), func(t *testing.T) {
			var first string
			for i, jobs := range []int{1, 2, 8, 8} {
				dir := t.TempDir()
				self := exec.Command(os.Args[0], "-test.run=^TestIdentity$", "-test.timeout=2h")
				self.Env = append(os.Environ(), "SAZ_IDENTITY="+dir, "SAZ_JOBS="+fmt.Sprint(jobs), "SAZ_TARGET="+target)
				if msg, err := self.CombinedOutput(); err != nil {
					t.Fatalf("%v\n%s", err, msg)
				}
				if i == 0 {
					first = dir
					continue
				}
				for _, part := range identical {
					n, err := sameBytes(filepath.Join(first, part), filepath.Join(dir, part))
					if err != nil {
						t.Errorf("%s, -j1 and -j%d (run %d): %v", part, jobs, i+1, err)
					} else if i == 3 {
						t.Logf("%s: %d bytes, the same four times", part, n)
					}
				}
			}
		})
	}
}

var identical = []string{"ir", "points-to", "slices", "report"}

func writeAll(dir string, target []string, jobs int) error {
	a, err := run.Load(run.Options{Target: target, Jobs: jobs, NoStore: true})
	if err != nil {
		return err
	}
	for _, p := range []*passes.Pass{callgraph.Pass, sdg.Pass, slice.Pass} {
		if err := a.Need(p); err != nil {
			return err
		}
	}
	for _, part := range identical {
		f, err := os.Create(filepath.Join(dir, part))
		if err != nil {
			return err
		}
		w := bufio.NewWriterSize(f, 1<<20)
		switch part {
		case "ir":
			for _, g := range a.Context.Prog.Globals {
				fmt.Fprintln(w, g.Name, g.Linkage, g.Size, len(g.Init))
			}
			for _, f := range a.Context.Prog.Funcs {
				for i := range f.Instrs {
					fmt.Fprintln(w, f.Name, i, ir.FormatInstr(a.Context.Prog, f, &f.Instrs[i]))
				}
			}
		case "points-to":
			writePointsTo(w, a.Context)
		case "slices":
			writeSlices(w, a.Context)
		case "report":
			r, err := a.Report("test")
			if err != nil {
				return err
			}
			r.Cost = report.Cost{}
			enc := json.NewEncoder(w)
			enc.SetIndent("", " ")
			if err := enc.Encode(r); err != nil {
				return err
			}
			var b strings.Builder
			for _, d := range a.Sink.Sorted(a.Frontend.Files) {
				diag.Render(&b, a.Frontend.Files, d, false)
			}
			fmt.Fprintln(w, b.String())
		}
		if err := w.Flush(); err != nil {
			return err
		}
		if err := f.Close(); err != nil {
			return err
		}
	}
	return nil
}

// sum is a set in short (FNV-1a).
func sum(l []pointer.Loc) uint64 {
	h := uint64(14695981039346656037)
	for _, x := range l {
		for _, v := range [2]int32{int32(x.Obj), x.Off} {
			h = (h ^ uint64(uint32(v))) * 1099511628211
		}
	}
	return h
}

func writePointsTo(w io.Writer, c *passes.Context) {
	pt := pointer.Of(c)
	for o := range pt.Objects {
		id := pointer.ObjID(o)
		fmt.Fprintf(w, "%d %s", o, pt.Name(id))
		for _, l := range pt.ContentSets(id) {
			fmt.Fprintf(w, " %d:%x", len(l), sum(l))
		}
		fmt.Fprintln(w)
	}
	for _, f := range c.Prog.Funcs {
		for i := range f.Regs {
			if l := pt.PointsTo(f.ID, ir.RegVal(ir.Reg(i))); len(l) > 0 {
				fmt.Fprintf(w, "%s r%d %d:%x\n", f.Name, i, len(l), sum(l))
			}
		}
		for i := range f.Instrs {
			ref := ir.Ref{Func: f.ID, I: int32(i)}
			if l := pt.Callees(ref); len(l) > 0 {
				fmt.Fprintln(w, f.Name, i, "calls", l)
			}
			for _, cb := range pt.Callbacks(ref) {
				fmt.Fprintln(w, f.Name, i, "calls back", cb.Func)
			}
		}
		for _, e := range callgraph.Of(c).In(f.ID) {
			fmt.Fprintln(w, f.Name, "called at", e.Site, e.Callback)
		}
	}
}

func writeSlices(w io.Writer, c *passes.Context) {
	sl, n := slice.Of(c), sdg.Of(c).Instrs()
	show := func(what string, at ir.Ref, s *slice.Set) {
		fmt.Fprintln(w, what, at, s.Len(), s.Procs())
		k := 0
		s.Each(func(ref ir.Ref) {
			fmt.Fprintln(w, ref)
			if k++; k%500 == 0 {
				for _, step := range s.Path(ref) {
					fmt.Fprintln(w, c.Prog.Files.Place(step.Pos), step.Text)
				}
			}
		})
	}
	k := 0
	for _, f := range c.Prog.Funcs {
		for i := range f.Instrs {
			if k++; k%max(n/10, 1) == 0 {
				ref := ir.Ref{Func: f.ID, I: int32(i)}
				x, y := sl.Forward([]ir.Ref{ref}), sl.Backward([]ir.Ref{ref})
				show("forward", ref, x)
				show("backward", ref, y)
				show("chop", ref, sl.Chop(x, y))
			}
		}
	}
}

// sameBytes returns how many bytes two files have, or where they first differ.
func sameBytes(a, b string) (int, error) {
	x, err := os.ReadFile(a)
	if err != nil {
		return 0, err
	}
	y, err := os.ReadFile(b)
	if err != nil {
		return 0, err
	}
	if bytes.Equal(x, y) {
		if len(x) == 0 {
			return 0, fmt.Errorf("nothing was written")
		}
		return len(x), nil
	}
	p, q := bytes.Split(x, []byte("\n")), bytes.Split(y, []byte("\n"))
	for i := range min(len(p), len(q)) {
		if !bytes.Equal(p[i], q[i]) {
			return 0, fmt.Errorf("line %d: %.300s\nand %.300s", i+1, p[i], q[i])
		}
	}
	return 0, fmt.Errorf("%d and %d lines", len(p), len(q))
}
