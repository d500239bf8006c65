package slice_test

import (
	"fmt"
	"os"
	"runtime"
	"runtime/pprof"
	"strings"
	"syscall"
	"testing"
	"time"

	"saz/ir"
	"saz/passes"
	"saz/passes/modref"
	"saz/passes/pointer"
	"saz/passes/run"
	"saz/passes/sdg"
	"saz/passes/slice"
)

// TestCost takes the programs that SAZ_TARGETS names (binaries built with
// saz-cc) to a ready dependence graph and slices them: what each phase costs,
// how large things are, how long slices take and what share of the program they
// are. SAZ_CPUPROFILE is a file for a profile; SAZ_CALLS names a procedure
// whose calls are a criterion too.
func TestCost(t *testing.T) {
	targets := strings.Fields(os.Getenv("SAZ_TARGETS"))
	if len(targets) == 0 {
		t.Skip("SAZ_TARGETS is not set")
	}
	if name := os.Getenv("SAZ_CPUPROFILE"); name != "" {
		f, err := os.Create(name)
		if err != nil {
			t.Fatal(err)
		}
		if err := pprof.StartCPUProfile(f); err != nil {
			t.Fatal(err)
		}
		defer pprof.StopCPUProfile()
	}
	for _, target := range targets {
		cost(t, target)
	}
}

func cpu() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

func cost(t *testing.T, target string) {
	start := cpu()
	a, err := run.Load(run.Options{Target: []string{target}})
	if err != nil {
		t.Fatal(err)
	}
	last := cpu()
	fmt.Printf("%s\n  read and lowered %.2f s of CPU\n", target, (last - start).Seconds())
	for _, p := range []*passes.Pass{pointer.Pass, modref.Pass, sdg.Pass, slice.Pass} {
		if err := a.Need(p); err != nil {
			t.Fatal(err)
		}
		fmt.Printf("  %s %.2f s\n", p.Name, (cpu() - last).Seconds())
		last = cpu()
	}
	c := a.Context
	mr, pt, sl := modref.Of(c), pointer.Of(c), slice.Of(c)
	n := sdg.Of(c).Instrs()
	var ru syscall.Rusage
	syscall.Getrusage(syscall.RUSAGE_SELF, &ru)
	var ms runtime.MemStats
	runtime.ReadMemStats(&ms)
	fmt.Printf("  ready graph %.2f s of CPU, peak %d MB; %d instructions, %d nodes, %d objects, %d effects, %d parts, %d regions\n",
		(last - start).Seconds(), ru.Maxrss>>10, n, sdg.Of(c).Nodes(), len(pt.Objects), mr.Effects(), mr.Parts(), mr.Regions().N())
	var from, to []ir.Ref
	for _, f := range c.Prog.Funcs {
		for i := range f.Instrs {
			ref := ir.Ref{Func: f.ID, I: int32(i)}
			for _, g := range pt.Callees(ref) {
				if m := pt.Model(g); m != nil && m.Receive != nil {
					from = append(from, ref)
				} else if m != nil && m.Output != "" {
					to = append(to, ref)
				}
			}
		}
	}
	show := func(what string, s *slice.Set) {
		fmt.Printf("  %s: %d of %d instructions (%.1f %%), %d procedures, %.3f s of CPU\n", what, s.Len(), n, 100*float64(s.Len())/float64(n), len(s.Procs()), (cpu() - last).Seconds())
		last = cpu()
	}
	last = cpu()
	f := sl.Forward(from)
	show(fmt.Sprintf("forward from %d receive sites", len(from)), f)
	b := sl.Backward(to)
	show(fmt.Sprintf("backward from %d outputs", len(to)), b)
	show("chop", sl.Chop(f, b))
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
		last = cpu()
	}
	// Single instructions, evenly spread.
	share, slowest, count := [2]float64{}, time.Duration(0), 0
	step := max(n/50, 1)
	k := 0
	for _, fn := range c.Prog.Funcs {
		for i := range fn.Instrs {
			if k++; k%step != 0 {
				continue
			}
			ref := []ir.Ref{{Func: fn.ID, I: int32(i)}}
			for d, one := range []func([]ir.Ref) *slice.Set{sl.Forward, sl.Backward} {
				s := one(ref)
				share[d] += float64(s.Len()) / float64(n)
				now := cpu()
				slowest = max(slowest, now-last)
				last = now
			}
			count++
		}
	}
	fmt.Printf("  %d single instructions: forward %.1f %%, backward %.1f %% of the program on average; slowest %.3f s of CPU\n", count, 100*share[0]/float64(count), 100*share[1]/float64(count), slowest.Seconds())
	fmt.Printf("  peak %d MB\n", ru.Maxrss>>10)
}
