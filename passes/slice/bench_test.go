package slice_test

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"saz/ir"
	"saz/passes"
	"saz/passes/callgraph"
	"saz/passes/modref"
	"saz/passes/pointer"
	"saz/passes/run"
	"saz/passes/sdg"
	"saz/passes/slice"
)

// BenchmarkGraph takes the programs that SAZ_TARGETS names (binaries built with
// saz-cc; the monitor of the examples if there are none) to a ready dependence
// graph and slices them: what each phase costs, how large things are, how long
// slices take and what share of the program they are. SAZ_CALLS names a
// procedure whose calls are a criterion too; SAZ_HEAP asks for the heap after each phase.
func BenchmarkGraph(b *testing.B) {
	targets := strings.Fields(os.Getenv("SAZ_TARGETS"))
	if len(targets) == 0 {
		l, err := filepath.Glob("../../examples/monitor/*.c")
		if err != nil || len(l) == 0 {
			b.Fatal(err, "no example")
		}
		b.Run("monitor", func(b *testing.B) { cost(b, l) })
	}
	for _, target := range targets {
		b.Run(filepath.Base(target), func(b *testing.B) { cost(b, []string{target}) })
	}
}

func cpu() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

func cost(b *testing.B, target []string) {
	var a *run.Analysis
	var start, last time.Duration
	var ready float64
	for b.Loop() {
		start = cpu()
		last = start
		var err error
		if a, err = run.Load(run.Options{Target: target}); err != nil {
			b.Fatal(err)
		}
		phase := func(name string) {
			now := cpu()
			b.ReportMetric(float64((now-last).Microseconds())/1000, "ms-"+name)
			if os.Getenv("SAZ_HEAP") != "" { // what is kept, not what the collector left lying
				runtime.GC()
				var m runtime.MemStats
				runtime.ReadMemStats(&m)
				b.Logf("%d MB in use after %s", m.HeapAlloc>>20, name)
			}
			last = cpu()
		}
		phase("read")
		for _, p := range []*passes.Pass{pointer.Pass, callgraph.Pass, modref.Pass, sdg.Pass} {
			if err := a.Need(p); err != nil {
				b.Fatal(err)
			}
			phase(p.Name)
		}
		ready = (cpu() - start).Seconds()
	}
	if err := a.Need(slice.Pass); err != nil {
		b.Fatal(err)
	}
	c := a.Context
	mr, pt, sl := modref.Of(c), pointer.Of(c), slice.Of(c)
	n := sdg.Of(c).Instrs()
	b.Logf("ready graph %.2f s of CPU, peak %d MB; %d instructions, %d nodes, %d objects, %d effects, %d parts, %d regions",
		ready, peak(), n, sdg.Of(c).Nodes(), len(pt.Objects), mr.Effects(), mr.Parts(), mr.Regions().N())
	var from, to []ir.Ref
	for _, f := range c.Prog.Funcs {
		for i := range f.Instrs {
			ref := ir.Ref{Func: f.ID, I: int32(i)}
			for _, g := range pt.Callees(ref) {
				if m := pt.Model(g); m != nil && m.Receive != nil && !m.Receive.Weak {
					from = append(from, ref)
				} else if m != nil && m.Output != "" {
					to = append(to, ref)
				}
			}
		}
	}
	last = cpu()
	show := func(what string, s *slice.Set) {
		now := cpu()
		b.Logf("%s: %d of %d instructions (%.1f %%), %d procedures, %.3f s of CPU", what, s.Len(), n, 100*float64(s.Len())/float64(n), len(s.Procs()), (now - last).Seconds())
		last = cpu()
	}
	f := sl.Forward(from)
	show(fmt.Sprintf("forward from %d receive sites", len(from)), f)
	back := sl.Backward(to)
	show(fmt.Sprintf("backward from %d outputs", len(to)), back)
	show("chop", sl.Chop(f, back))
	if name := os.Getenv("SAZ_CALLS"); name != "" {
		var at []ir.Ref
		for _, f := range c.Prog.Funcs {
			for i := range f.Instrs {
				if in := &f.Instrs[i]; in.Op == ir.Call && in.A.Kind == ir.VFunc && c.Prog.Funcs[in.A.ID].Name == name {
					at = append(at, ir.Ref{Func: f.ID, I: int32(i)})
				}
			}
		}
		show(fmt.Sprintf("backward from %d calls of %s", len(at), name), sl.Backward(at))
	}
	// Single instructions, evenly spread.
	var share [2]float64
	slowest, count, k := time.Duration(0), 0, 0
	step := max(n/50, 1)
	for _, fn := range c.Prog.Funcs {
		for i := range fn.Instrs {
			if k++; k%step != 0 {
				continue
			}
			ref := []ir.Ref{{Func: fn.ID, I: int32(i)}}
			for d, one := range []func([]ir.Ref) *slice.Set{sl.Forward, sl.Backward} {
				last = cpu()
				s := one(ref)
				slowest = max(slowest, cpu()-last)
				share[d] += float64(s.Len()) / float64(n)
			}
			count++
		}
	}
	b.Logf("%d single instructions: forward %.1f %%, backward %.1f %% of the program on average; slowest %.3f s of CPU; peak %d MB",
		count, 100*share[0]/float64(count), 100*share[1]/float64(count), slowest.Seconds(), peak())
	b.ReportMetric(100*share[0]/float64(count), "%-forward")
	b.ReportMetric(100*share[1]/float64(count), "%-backward")
	b.ReportMetric(slowest.Seconds()*1000, "ms-slowest-slice")
	b.ReportMetric(float64(peak()), "MB-peak")
}

// peak is the most memory that the process has had, in MB.
func peak() int64 {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return u.Maxrss >> 10
}
