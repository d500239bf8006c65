// Command saz makes C middleboxes ready for state-management frameworks: it
// finds the state that must follow the traffic, tracks its updates, and moves it.
package main

import (
	"errors"
	"fmt"
	"os"
	"runtime/debug"
	"runtime/pprof"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/mattn/go-isatty"
	"github.com/urfave/cli/v2"

	"saz/frontend/source"
	"saz/passes/report"
	"saz/passes/report/text"
	"saz/passes/run"
)

// Version of saz; the Makefile sets it.
var version = "0.1.0-dev"

// Exit codes; docs/exit-codes.md explains them.
const (
	exitDone     = 0
	exitFindings = 1
	exitUsage    = 2
	exitPartial  = 3
	exitInternal = 4
)

func main() {
	defer func() {
		if r := recover(); r != nil {
			fmt.Fprintf(os.Stderr, "saz: internal error: %v\n%s\nThis is a bug in saz. Please report it with the command and the compiler's version.\n", r, debug.Stack())
			os.Exit(exitInternal)
		}
	}()
	os.Exit(realMain(os.Args))
}

func realMain(args []string) int {
	app := &cli.App{
		Name:                 "saz",
		Usage:                "make C middleboxes framework-ready: find their state, track it, move it",
		Version:              version,
		EnableBashCompletion: true,
		HideHelpCommand:      true,
		Commands: []*cli.Command{
			analyzeCommand(), explainCommand(), initCommand(), configCommand(), instrumentCommand(), restoreCommand(), buildCommand(), ctlCommand(),
			parseCommand(), dumpCommand(), pointsToCommand(), sliceCommand(), chopCommand(), calleesCommand(), callersCommand(),
			statusCommand(), doctorCommand(), cacheCommand(),
			versionCommand(), completionCommand(), manCommand(),
		},
		ExitErrHandler: func(*cli.Context, error) {},
		OnUsageError: func(_ *cli.Context, err error, _ bool) error {
			return usage("%v", err)
		},
		CommandNotFound: func(_ *cli.Context, name string) {
			fmt.Fprintf(os.Stderr, "saz: there is no command %q; see saz --help\n", name)
			os.Exit(exitUsage)
		},
		Action: func(c *cli.Context) error {
			if c.NArg() > 0 {
				return usage("there is no command %q; see saz --help", c.Args().First())
			}
			return cli.ShowAppHelp(c)
		},
	}
	err := app.Run(arrange(app, args))
	for _, f := range atExit {
		f()
	}
	if err == nil {
		return exitDone
	}
	code := exitUsage // a target that can't be used is the user's to mend
	var coded cli.ExitCoder
	if errors.As(err, &coded) {
		code = coded.ExitCode()
	}
	if msg := err.Error(); msg != "" {
		fmt.Fprintf(os.Stderr, "saz: %s\n", strings.TrimPrefix(msg, "saz: "))
	}
	return code
}

func usage(format string, args ...any) error {
	return cli.Exit(fmt.Sprintf(format, args...), exitUsage)
}

// target splits a command's arguments into TARGET and, after --, flags.
func target(c *cli.Context) (targets, flags []string, err error) {
	args := c.Args().Slice()
	for i, a := range os.Args {
		if a == "--" && len(os.Args)-i-1 <= len(args) {
			n := len(args) - (len(os.Args) - i - 1)
			targets, flags = args[:n], args[n:]
			if n > 0 && targets[n-1] == "--" {
				targets = targets[:n-1]
			}
			break
		}
	}
	if flags == nil {
		targets = args
	}
	if len(targets) == 0 {
		return nil, nil, usage("%s needs a TARGET: a binary built with saz-cc, an object, a compile_commands.json, or FILE.c... -- FLAGS", c.Command.Name)
	}
	return targets, flags, nil
}

// targetHelp is the usage line of all commands that read a program.
const targetHelp = "TARGET | FILE.c... -- FLAGS"

// commonFlags are those of all commands that read a program.
func commonFlags(more ...cli.Flag) []cli.Flag {
	return append(append([]cli.Flag{
		&cli.IntFlag{Name: "jobs", Aliases: []string{"j"}, Usage: "how many units at a time (default: one a processor); the result does not depend on it"},
		&cli.StringFlag{Name: "memory", Usage: "give up when more than `SIZE` of memory is used: 3G, 500M (default: nine tenths of what there is)"},
		&cli.BoolFlag{Name: "quiet", Aliases: []string{"q"}, Usage: "no progress, no warnings"},
		&cli.BoolFlag{Name: "no-cache", Usage: "read everything anew (SAZ_CACHE=off does the same)"},
		&cli.StringFlag{Name: "cpuprofile", Usage: "write a CPU profile to `FILE`, for go tool pprof", Hidden: true},
		&cli.StringFlag{Name: "memprofile", Usage: "write a heap profile to `FILE`", Hidden: true},
		&cli.StringFlag{Name: "color", Value: "auto", Usage: "auto, always or never; NO_COLOR is honoured"},
	}, configFlags()...), more...)
}

// load reads the program that the command names.
func load(c *cli.Context) (*run.Analysis, error) {
	targets, flags, err := target(c)
	if err != nil {
		return nil, err
	}
	return loadTarget(c, targets, flags)
}

// atExit ends what a command started: profiles.
var atExit []func()

// profile starts the profiles that the flags ask for.
func profile(c *cli.Context) error {
	if name := c.String("cpuprofile"); name != "" {
		f, err := os.Create(name)
		if err != nil {
			return usage("%v", err)
		}
		if err := pprof.StartCPUProfile(f); err != nil {
			return usage("%v", err)
		}
		atExit = append(atExit, func() { pprof.StopCPUProfile(); f.Close() })
	}
	if name := c.String("memprofile"); name != "" {
		f, err := os.Create(name)
		if err != nil {
			return usage("%v", err)
		}
		atExit = append(atExit, func() { pprof.WriteHeapProfile(f); f.Close() })
	}
	return nil
}

func loadTarget(c *cli.Context, targets, flags []string) (*run.Analysis, error) {
	if err := profile(c); err != nil {
		return nil, err
	}
	p := newProgress(c)
	defer p.done()
	if err := guard(c); err != nil {
		return nil, err
	}
	a, err := run.Load(run.Options{Target: targets, Flags: flags, Jobs: c.Int("jobs"), TrackAll: c.String("track") == "all", NoStore: c.Bool("no-cache"), Whole: c.Bool("layout"), Code: c.Command.Name == "dump" && c.Bool("c"), Step: p.step, Config: effective(c)})
	if err != nil {
		return nil, cli.Exit(err.Error(), exitUsage)
	}
	return a, nil
}

// guard ends the process when it uses more memory than there is for it.
func guard(c *cli.Context) error {
	there := run.Memory()
	limit := there / 10 * 9
	if s := c.String("memory"); s != "" {
		n, err := run.ParseSize(s)
		if err != nil {
			return usage("--memory: %v", err)
		}
		limit = n
	}
	run.Guard(limit, func() {
		clear := ""
		if isatty.IsTerminal(os.Stderr.Fd()) {
			clear = "\r\x1b[K"
		}
		fmt.Fprintf(os.Stderr, "%ssaz: this program needs more than %s of memory, of %s that there are; given up, and nothing was written\n"+
			"  --memory SIZE allows more. Least is needed where the analysis knows the library functions and allocators that the\n"+
			"  program uses: models of them can be added (--models, docs/configuration.md)\n", clear, run.FormatSize(limit), run.FormatSize(there))
		os.Exit(exitUsage)
	})
	return nil
}

// reportOf runs all stages.
func reportOf(c *cli.Context, a *run.Analysis) (*report.Report, error) {
	p := newProgress(c)
	defer p.done()
	a.Context.Step = p.step
	r, err := a.Report(version)
	if err != nil {
		return nil, cli.Exit(err.Error(), exitInternal)
	}
	return r, nil
}

// complain prints what the run found wrong with the input and returns the
// exit status that it deserves.
func complain(c *cli.Context, a *run.Analysis) int {
	return complainOf(c, a, "what they name is treated as unknown code")
}

// complainOf says so in words of the command's own.
func complainOf(c *cli.Context, a *run.Analysis, so string) int {
	list := a.Sink.Sorted(a.Frontend.Files)
	// Headers that are missing come first: most other errors come of them.
	slices.SortStableFunc(list, func(a, b source.Diagnostic) int {
		return btoi(b.ID == "include-not-found") - btoi(a.ID == "include-not-found")
	})
	errs := 0
	for _, d := range list {
		if d.Severity == source.Error {
			errs++
		}
		if d.Severity == source.Error || !c.Bool("quiet") {
			source.Render(os.Stderr, a.Frontend.Files, d, colour(c, os.Stderr))
		}
	}
	if errs > 0 {
		fmt.Fprintf(os.Stderr, "saz: %s: %s\n", text.Plural(errs, "error"), so)
		return exitPartial
	}
	return exitDone
}

func btoi(b bool) int {
	if b {
		return 1
	}
	return 0
}

// colour says whether f gets colours.
func colour(c *cli.Context, f *os.File) bool {
	switch c.String("color") {
	case "always":
		return true
	case "never":
		return false
	}
	_, no := os.LookupEnv("NO_COLOR")
	return !no && isatty.IsTerminal(f.Fd())
}

// progress is one line on a terminal that says what is being done, and since when if that is long.
type progress struct {
	on   bool
	mu   sync.Mutex
	what string
	at   time.Time
	stop chan struct{}
}

func newProgress(c *cli.Context) *progress {
	p := &progress{on: !c.Bool("quiet") && isatty.IsTerminal(os.Stderr.Fd()), stop: make(chan struct{})}
	if p.on {
		go func() {
			tick := time.NewTicker(500 * time.Millisecond)
			defer tick.Stop()
			for {
				select {
				case <-p.stop:
					return
				case <-tick.C:
					p.mu.Lock()
					p.print()
					p.mu.Unlock()
				}
			}
		}()
	}
	return p
}

func (p *progress) step(what string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.what, p.at = what, time.Now()
	p.print()
}

func (p *progress) print() {
	if !p.on || p.what == "" {
		return
	}
	s := ""
	if d := time.Since(p.at); d > time.Second {
		s = fmt.Sprintf(" %.0f s", d.Seconds())
	}
	fmt.Fprintf(os.Stderr, "\r\x1b[Ksaz: %s ...%s", p.what, s)
}

// done takes the line away.
func (p *progress) done() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.on {
		p.on = false
		close(p.stop)
		fmt.Fprint(os.Stderr, "\r\x1b[K")
	}
}

func exit(code int) error {
	if code == exitDone {
		return nil
	}
	return cli.Exit("", code)
}
