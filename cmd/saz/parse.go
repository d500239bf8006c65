package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"runtime"
	"sort"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"saz/frontend"
	"saz/frontend/build"
	"saz/frontend/cpp"
	"saz/frontend/ctype"
	"saz/frontend/source"
	"saz/frontend/store"
	"saz/ir"
	"saz/ir/cprint"
	"saz/passes"
	"saz/passes/report"
	"saz/passes/run"
)

func parseCommand() *cli.Command {
	return &cli.Command{
		Name:      "parse",
		Usage:     "read a program and say how much of it there is and what can't be read",
		ArgsUsage: targetHelp,
		Flags:     commonFlags(&cli.StringFlag{Name: "format", Value: "text", Usage: "text or json"}),
		Action: func(c *cli.Context) error {
			if f := c.String("format"); f != "text" && f != "json" {
				return usage("--format %q: known are text and json", f)
			}
			targets, flags, err := target(c)
			if err != nil {
				return err
			}
			if err := profile(c); err != nil {
				return err
			}
			start := time.Now()
			run.Collect(150, 0)
			p, err := build.Load(targets, flags)
			if err != nil {
				return cli.Exit(err.Error(), exitUsage)
			}
			opt := frontend.Options{Jobs: c.Int("jobs"), All: true}
			if opt.Jobs <= 0 {
				opt.Jobs = runtime.GOMAXPROCS(0)
			}
			if !c.Bool("no-cache") {
				opt.Store = store.Open()
			}
			sink := &source.Sink{}
			prog, err := frontend.LoadWith(p, sink, opt)
			if err != nil {
				return cli.Exit(err.Error(), exitUsage)
			}
			a := &run.Analysis{Build: p, Frontend: prog, Sink: sink}
			t := newTable(prog)
			code := exitDone
			if c.String("format") == "json" {
				if sink.Errors() > 0 {
					code = exitPartial
				}
				if err := t.json(os.Stdout, a); err != nil {
					return err
				}
			} else {
				code = complain(c, a)
				t.text(os.Stdout)
				cost := run.Spent(start)
				fmt.Printf("%.2f s, %.2f s of CPU, %d MB; %d units from the cache, %d different declarations parsed\n",
					cost.Wall, cost.CPU, cost.RSS>>20, prog.Stored, prog.Shapes)
			}
			return exit(code)
		},
	}
}

// A row says how much a unit is.
type row struct {
	Unit      string `json:"unit"`
	Files     int    `json:"files"`
	Lines     int    `json:"lines"`
	Tokens    int    `json:"tokens"`
	Decls     int    `json:"declarations"`
	Functions int    `json:"functions"`
	Errors    int    `json:"errors"`
	Unread    bool   `json:"unread,omitempty"`
}

// A table is what saz parse says of a program. Total counts each file once.
type table struct {
	Units []row `json:"units"`
	Total row   `json:"total"`
}

func newTable(p *frontend.Program) *table {
	t := &table{Units: []row{}}
	lines := map[source.FileID]int{}
	for i, u := range p.Units {
		r := row{Unit: p.Build.Commands[i].File, Unread: u == nil}
		if u != nil {
			r.Files, r.Tokens = len(u.Cpp.Includes), u.Stats.Tokens
			r.Decls, r.Functions, r.Errors = u.Stats.Decls, u.Stats.Functions, u.Stats.Errors
			for _, f := range u.Cpp.Includes {
				n, ok := lines[f.ID]
				if !ok {
					n = bytes.Count(f.Data, []byte("\n"))
					lines[f.ID] = n
				}
				r.Lines += n
			}
		} else {
			r.Errors = 1
		}
		t.Units = append(t.Units, r)
		t.Total.Tokens += r.Tokens
		t.Total.Decls += r.Decls
		t.Total.Functions += r.Functions
		t.Total.Errors += r.Errors
	}
	t.Total.Unit = count(len(p.Units), "unit")
	t.Total.Files = len(lines)
	for _, n := range lines {
		t.Total.Lines += n
	}
	return t
}

func (t *table) text(w io.Writer) {
	fmt.Fprintf(w, "%-36s %6s %8s %9s %7s %9s %6s\n", "UNIT", "FILES", "LINES", "TOKENS", "DECLS", "FUNCTIONS", "ERRORS")
	for _, r := range append(t.Units, t.Total) {
		if r.Unread {
			fmt.Fprintf(w, "%-36s could not be read\n", cut(r.Unit, 36))
			continue
		}
		fmt.Fprintf(w, "%-36s %6d %8d %9d %7d %9d %6d\n", cut(r.Unit, 36), r.Files, r.Lines, r.Tokens, r.Decls, r.Functions, r.Errors)
	}
}

func (t *table) json(w io.Writer, a *run.Analysis) error {
	dir, _ := os.Getwd()
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	return enc.Encode(struct {
		Schema  string `json:"schema"`
		Program string `json:"program"`
		*table
		Diagnostics []diagnostic `json:"diagnostics"`
	}{"saz.parse/1", a.Build.Name, t, diagnostics(a, dir)})
}

// A diagnostic is a finding with its way through macros and includes.
type diagnostic struct {
	report.Diagnostic
	Notes []note `json:"notes,omitempty"`
}

type note struct {
	File    string `json:"file"`
	Line    int    `json:"line"`
	Col     int    `json:"col"`
	Message string `json:"message"`
}

func diagnostics(a *run.Analysis, dir string) []diagnostic {
	list := a.Sink.Sorted(a.Frontend.Files)
	out := make([]diagnostic, len(list))
	for i, d := range report.Diagnostics(a.Frontend.Files, list, dir) {
		out[i].Diagnostic = d
		for _, n := range list[i].Notes {
			at := a.Frontend.Files.Place(n.Pos)
			out[i].Notes = append(out[i].Notes, note{passes.Short(dir, at.Path), at.Line, at.Col, n.Msg})
		}
	}
	return out
}

func dumpCommand() *cli.Command {
	return &cli.Command{
		Name:      "dump",
		Usage:     "print what a phase made of the program, for tests and for the curious",
		ArgsUsage: targetHelp,
		Flags: commonFlags(
			&cli.BoolFlag{Name: "tokens", Usage: "preprocessed tokens, one spelling a line"},
			&cli.BoolFlag{Name: "layout", Usage: "type, member, offset in bits, size in bits of each complete struct and union"},
			&cli.BoolFlag{Name: "ir", Usage: "the IR"},
			&cli.BoolFlag{Name: "c", Usage: "the IR as one C file that compiles"},
			&cli.StringFlag{Name: "func", Usage: "--ir: only function `NAME`"},
		),
		Action: func(c *cli.Context) error {
			n := 0
			for _, f := range []string{"tokens", "layout", "ir", "c"} {
				if c.Bool(f) {
					n++
				}
			}
			if n != 1 {
				return usage("dump needs one of --tokens, --layout, --ir, --c")
			}
			w := bufio.NewWriter(os.Stdout)
			defer w.Flush()
			if c.Bool("tokens") {
				return dumpTokens(c, w)
			}
			a, err := load(c)
			if err != nil {
				return err
			}
			code := complain(c, a)
			switch {
			case c.Bool("layout"):
				dumpLayout(w, a)
			case c.Bool("ir"):
				ir.Print(w, a.Context.Prog, c.String("func"))
			default:
				if err := cprint.Program(w, a.Context.Prog, nil); err != nil {
					return cli.Exit(err.Error(), exitInternal)
				}
			}
			return exit(code)
		},
	}
}

// dumpTokens needs no more than the preprocessor.
func dumpTokens(c *cli.Context, w *bufio.Writer) error {
	targets, flags, err := target(c)
	if err != nil {
		return err
	}
	p, err := build.Load(targets, flags)
	if err != nil {
		return cli.Exit(err.Error(), exitUsage)
	}
	files, cache, sink := source.NewSet(), cpp.NewCache(), &source.Sink{}
	for i := range p.Commands {
		u, err := frontend.Cpp(&p.Commands[i], files, cache, sink)
		if err != nil {
			return cli.Exit(err.Error(), exitUsage)
		}
		for k := range u.Tokens {
			w.WriteString(u.Tokens[k].Text)
			w.WriteByte('\n')
		}
	}
	w.Flush()
	for _, d := range sink.Sorted(files) {
		source.Render(os.Stderr, files, d, colour(c, os.Stderr))
	}
	if sink.Errors() > 0 {
		return exit(exitPartial)
	}
	return nil
}

func dumpLayout(w *bufio.Writer, a *run.Analysis) {
	var lines []string
	for _, u := range a.Frontend.Units {
		if u == nil {
			continue
		}
		for _, r := range u.Records {
			if !r.Complete || r.Tag == "" && r.Typedef == "" {
				continue
			}
			name := r.Typedef
			if r.Tag != "" {
				name = map[bool]string{false: "struct ", true: "union "}[r.Union] + r.Tag
			}
			var b strings.Builder
			fmt.Fprintf(&b, "%s\t\t0\t%d\n", name, r.Size*8)
			for i := range r.Fields {
				f := &r.Fields[i]
				if f.BitField {
					fmt.Fprintf(&b, "%s\t%s\t%d\t%d\n", name, f.Name, f.BitOff, f.BitWidth)
				} else {
					fmt.Fprintf(&b, "%s\t%s\t%d\t%d\n", name, f.Name, f.Off*8, max(ctype.SizeOf(f.Type), 0)*8)
				}
			}
			lines = append(lines, b.String())
		}
	}
	sort.Strings(lines)
	for i, l := range lines {
		if i == 0 || l != lines[i-1] {
			w.WriteString(l)
		}
	}
}
