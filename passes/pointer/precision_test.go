package pointer_test

import (
	"fmt"
	"os"
	"runtime/pprof"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"saz/passes/pointer"
	"saz/passes/run"
)

func cpu() float64 {
	var ru syscall.Rusage
	syscall.Getrusage(syscall.RUSAGE_SELF, &ru)
	sec := func(t syscall.Timeval) float64 { return float64(t.Sec) + float64(t.Usec)/1e6 }
	return sec(ru.Utime) + sec(ru.Stime)
}

// TestTargets prints figures for programs outside the tree: SAZ_TARGETS names
// binaries that saz-cc built (or what else saz takes for a target). SAZ_EXPLAIN
// is how many of the worst places to list (and calls that would call nothing), SAZ_PROFILE a file for the
// solver's CPU profile.
func TestTargets(t *testing.T) {
	targets := strings.Fields(os.Getenv("SAZ_TARGETS"))
	if len(targets) == 0 {
		t.Skip("SAZ_TARGETS is not set")
	}
	for _, target := range targets {
		a, err := run.Load(run.Options{Target: []string{target}})
		if err != nil {
			t.Fatal(err)
		}
		if f := os.Getenv("SAZ_PROFILE"); f != "" {
			out, err := os.Create(f)
			if err != nil {
				t.Fatal(err)
			}
			if err := pprof.StartCPUProfile(out); err != nil {
				t.Fatal(err)
			}
		}
		c, w := cpu(), time.Now()
		r := pointer.Analyze(a.Context.Prog, a.Context.Models)
		fmt.Printf("%s: load %.1f s CPU; pointer %.2f s CPU, %.2f s; peak %d MB\n", target, c, cpu()-c, time.Since(w).Seconds(), a.Cost().RSS>>20)
		pprof.StopCPUProfile()
		fmt.Printf("%+v\n%s\n", r.Stats, r.Precision())
		if n, _ := strconv.Atoi(os.Getenv("SAZ_EXPLAIN")); n > 0 {
			r.Explain(os.Stdout, n)
			for _, u := range r.Unmodelled() {
				fmt.Println("no model:", u.Name, len(u.Calls))
			}
			for _, c := range r.IndirectCalls() {
				if len(r.Callees(c)) == 0 {
					fmt.Println("calls nothing:", a.Context.Text(c))
				}
			}
		}
	}
}
