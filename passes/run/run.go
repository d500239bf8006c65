// Package run takes a target, as the user named it, through the frontend and
// the linker to a program on which passes can run.
package run

import (
	"maps"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"saz/frontend"
	"saz/frontend/build"
	"saz/frontend/check"
	"saz/frontend/source"
	"saz/frontend/store"
	"saz/ir"
	"saz/ir/link"
	"saz/ir/models"
	"saz/passes"
	"saz/passes/config"
	"saz/passes/report"
)

// Options of a run.
type Options struct {
	Target   []string     // what to analyse: see build.Load
	Flags    []string     // compiler flags for plain C files
	Jobs     int          // 0: one a processor
	TrackAll bool         // see passes.Context
	NoStore  bool         // neither look for units in the user's cache directory nor keep any there
	Whole    bool         // keep declarations and functions that nothing leads to
	Code     bool         // keep the bodies of inline functions that a model stands for: the program is to be compiled again
	Step     func(string) // told what is being done, for progress; may be nil

	// Config gives the project's settings, which may stand beside its sources; nil: none.
	Config func(targets, sources []string) (*config.Config, error)
}

// An Analysis is a loaded program and the passes' context on it.
type Analysis struct {
	Build    *build.Program
	Frontend *frontend.Program
	Context  *passes.Context
	Sink     *source.Sink

	start  time.Time
	phases []passes.Phase
	step   func(string)
}

// Load reads, types, lowers and links the target.
func Load(o Options) (*Analysis, error) {
	// Reading leaves little of what it makes, and what comes later is a batch run that
	// needs more: let the heap grow before collecting, within reason.
	Collect(300, 1800<<20)
	a := &Analysis{Sink: &source.Sink{}, start: time.Now(), step: o.Step}
	if a.step == nil {
		a.step = func(string) {}
	}
	var err error
	a.step("reading")
	t := time.Now()
	if a.Build, err = build.Load(o.Target, o.Flags); err != nil {
		return nil, err
	}
	var cfg *config.Config
	if o.Config != nil {
		var sources []string
		for i := range a.Build.Commands {
			sources = append(sources, a.Build.Commands[i].Path())
		}
		if cfg, err = o.Config(o.Target, sources); err != nil {
			return nil, err
		}
		if n, err := strconv.Atoi(cfg.Jobs.Text); err == nil && o.Jobs <= 0 {
			o.Jobs = n
		}
	}
	if o.Jobs <= 0 {
		o.Jobs = runtime.GOMAXPROCS(0)
	}
	fo := frontend.Options{Jobs: o.Jobs, Whole: o.Whole, Later: true}
	if !o.NoStore {
		fo.Store = store.Open()
	}
	if a.Frontend, err = frontend.LoadWith(a.Build, a.Sink, fo); err != nil {
		return nil, err
	}
	Collect(400, 1800<<20)
	a.phase("frontend", t)
	set := models.Default()
	if err := cfg.Apply(set); err != nil {
		return nil, err
	}
	a.step("lowering")
	t = time.Now()
	units := slices.DeleteFunc(slices.Clone(a.Frontend.Units), func(u *check.Unit) bool { return u == nil }) // it was said why they can't be read
	modelled := inlined(set, units, a.Frontend.Files)
	if o.Code {
		modelled = nil
	}
	prog := link.LinkWith(a.Build.Name, units, a.Frontend.Files, a.Sink, o.Jobs, modelled)
	if len(o.Target) > 1 && prog.Entry >= 0 { // several C files: the program is called after the one with main, not the first
		name := filepath.Base(prog.Units[prog.Funcs[prog.Entry].Unit].Name)
		prog.Name = strings.TrimSuffix(name, filepath.Ext(name))
	}
	ir.LiftAll(prog, o.Jobs)
	a.phase("lower", t)
	configured(cfg, prog, a.Sink)
	a.Context = &passes.Context{Prog: prog, Models: set, Sink: a.Sink, Jobs: o.Jobs, TrackAll: o.TrackAll, Config: cfg, Step: o.Step}
	return a, nil
}

// inlined reports of functions of units whether they are inline ones of a library's header that a model stands for. A header that is
// beside one of the sources is the program's own, or the sources are the library's: then the code is analysed.
func inlined(set *models.Set, units []*check.Unit, files *source.Set) func(*check.Unit, *check.Object) bool {
	own := map[string]bool{}
	for _, u := range units {
		own[filepath.Dir(u.Cpp.Main.Path)] = true
	}
	return func(u *check.Unit, o *check.Object) bool {
		if m := set.ByName[o.Name]; m == nil || !m.Inline || !o.Inline {
			return false
		}
		f := files.File(o.Pos.File)
		return f != nil && !own[filepath.Dir(f.Path)]
	}
}

// configured warns of functions and types that the project's settings name and the program does not have.
func configured(cfg *config.Config, p *ir.Program, sink *source.Sink) {
	if cfg == nil {
		return
	}
	funcs := make([]string, 0, len(p.Funcs))
	for _, f := range p.Funcs {
		funcs = append(funcs, f.Name)
	}
	cfg.Warn(p.Files, sink, cfg.Functions(), "function", funcs)
	defined, inline := map[string]bool{}, map[string]bool{}
	for _, f := range p.Funcs {
		if f.Def != nil {
			defined[f.Name] = true
			inline[f.Name] = f.Linkage == ir.Internal && f.Def.Obj != nil && f.Def.Obj.Inline
		}
	}
	for _, w := range cfg.Modelled() {
		if inline[w.Text] {
			cfg.Idle(p.Files, sink, w, "%s is an inline function: its code is analysed, and not this model, which has no inline: true, or the header is beside the sources", w.Text)
		} else if defined[w.Text] {
			cfg.Idle(p.Files, sink, w, "the program defines %s itself: its code is analysed, and not this model", w.Text)
		}
	}
	seen := map[string]bool{}
	for r := range p.Records {
		seen[r.Tag], seen[r.Typedef] = true, true
	}
	delete(seen, "")
	types := slices.Sorted(maps.Keys(seen))
	if names := cfg.Types(); len(names) > 0 {
		cfg.Warn(p.Files, sink, names, "record type", types)
	}
}

func (a *Analysis) phase(name string, since time.Time) {
	a.phases = append(a.phases, passes.Phase{Name: name, Wall: time.Since(since)})
}

// Need runs a pass.
func (a *Analysis) Need(p *passes.Pass) error {
	return a.Context.Need(p)
}

// Report runs all stages and fills in what only the run knows.
func (a *Analysis) Report(version string) (*report.Report, error) {
	if err := a.Context.Need(report.Pass); err != nil {
		return nil, err
	}
	r := report.Of(a.Context)
	r.Version = version
	dir, _ := os.Getwd()
	r.Diagnostics = report.Diagnostics(a.Frontend.Files, a.Sink.Sorted(a.Frontend.Files), dir)
	r.Counts.ParseErrors = 0
	for i := range r.Diagnostics {
		if r.Diagnostics[i].Severity == "error" {
			r.Counts.ParseErrors++ // a header's once, however many units it is in
		}
	}
	r.Cost = a.Cost()
	return r, nil
}

// Failed reports whether some TU could not be analysed in full.
func (a *Analysis) Failed() bool { return a.Sink.Errors() > 0 }

// Cost is what the run has used so far.
func (a *Analysis) Cost() report.Cost {
	c := Spent(a.start)
	for _, p := range append(append([]passes.Phase(nil), a.phases...), a.Context.Phases...) {
		c.Phases = append(c.Phases, report.Phase{Name: p.Name, Wall: p.Wall.Seconds()})
	}
	return c
}

// Spent is what the process has used so far, with the time since start.
func Spent(start time.Time) report.Cost {
	var ru syscall.Rusage
	syscall.Getrusage(syscall.RUSAGE_SELF, &ru)
	sec := func(t syscall.Timeval) float64 { return float64(t.Sec) + float64(t.Usec)/1e6 }
	return report.Cost{
		Wall: time.Since(start).Seconds(),
		CPU:  sec(ru.Utime) + sec(ru.Stime),
		RSS:  ru.Maxrss * 1024,
	}
}
