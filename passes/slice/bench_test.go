package slice_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"saz/frontend/source"
	"saz/ir"
	"saz/passes"
	"saz/passes/pointer"
	"saz/passes/pointer/ctest"
	"saz/passes/slice"
)

// BenchmarkProgram measures all of the general analyses and two slices on a
// program: SAZ_PROGRAM is its directory, SAZ_SOURCES and SAZ_FLAGS what they say.
func BenchmarkProgram(b *testing.B) {
	dir := os.Getenv("SAZ_PROGRAM")
	if dir == "" {
		b.Skip("SAZ_PROGRAM is not set")
	}
	var files []string
	for _, f := range strings.Fields(os.Getenv("SAZ_SOURCES")) {
		l, err := filepath.Glob(filepath.Join(dir, f))
		if err != nil || len(l) == 0 {
			b.Fatal(f, err)
		}
		files = append(files, l...)
	}
	p := ctest.Files(b, dir, strings.Fields(os.Getenv("SAZ_FLAGS")), files...)
	var c *passes.Context
	all := func() {
		c = &passes.Context{Prog: p, Sink: &source.Sink{}, Jobs: 1}
		if err := c.Need(slice.Pass); err != nil {
			b.Fatal(err)
		}
	}
	b.Run("analyses", func(b *testing.B) {
		for b.Loop() {
			all()
		}
		for _, ph := range c.Phases {
			b.ReportMetric(float64(ph.Wall.Microseconds())/1000, "ms-"+ph.Name)
		}
	})
	if c == nil {
		all()
	}
	pt := pointer.Of(c)
	var in, out []ir.Ref
	for _, f := range p.Funcs {
		for i := range f.Instrs {
			ref := ir.Ref{Func: f.ID, I: int32(i)}
			for _, g := range pt.Callees(ref) {
				if m := pt.Model(g); m != nil && m.Receive != nil && !m.Receive.Weak {
					in = append(in, ref)
				} else if m != nil && m.Output != "" {
					out = append(out, ref)
				}
			}
		}
	}
	r := slice.Of(c)
	b.Run("forward", func(b *testing.B) {
		for b.Loop() {
			s := r.Forward(in)
			b.ReportMetric(float64(s.Len()), "instrs")
			b.ReportMetric(float64(len(s.Procs())), "procs")
		}
	})
	b.Run("backward", func(b *testing.B) {
		for b.Loop() {
			s := r.Backward(out)
			b.ReportMetric(float64(s.Len()), "instrs")
			b.ReportMetric(float64(len(s.Procs())), "procs")
		}
	})
}
