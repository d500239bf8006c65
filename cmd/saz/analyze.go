package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/google/renameio/v2"
	"github.com/urfave/cli/v2"
	"golang.org/x/sys/unix"

	"saz/passes/report"
	"saz/passes/report/baseline"
	"saz/passes/report/html"
	"saz/passes/report/sarif"
	"saz/passes/report/text"
	"saz/passes/run"
	"saz/rewrite"
	"saz/rewrite/track"
)

// formats of a report.
var formats = []string{"text", "json", "sarif", "html"}

// What --fail-on turns into exit status 1: changes since a baseline, and things left to people.
var failures = append(slices.Clone(baseline.Kinds), "changes", "decisions", "unmodelled")

func analyzeCommand() *cli.Command {
	return &cli.Command{
		Name:      "analyze",
		Usage:     "which variables are state, keyed by what, updated by packets",
		ArgsUsage: targetHelp,
		Flags: commonFlags(
			&cli.StringFlag{Name: "format", Aliases: []string{"f"}, Value: "text", Usage: strings.Join(formats, ", ")},
			&cli.StringFlag{Name: "output", Aliases: []string{"o"}, Usage: "write to `FILE` instead of standard output"},
			&cli.StringFlag{Name: "only", DefaultText: "updateable", Usage: "text: `WORDS` of " + strings.Join(text.Filters(), ", ") + "; with commas: per-flow,multi-flow is either, updateable,log both"},
			&cli.StringFlag{Name: "sort", DefaultText: "file", Usage: "text: by " + strings.Join(text.Orders(), ", ") + "; -WORD turns the order round"},
			&cli.StringFlag{Name: "baseline", Usage: "say what changed since the report in `FILE` (saz analyze --format json)"},
			&cli.StringFlag{Name: "fail-on", Usage: "exit with status 1 if there are any `WORDS` of " + strings.Join(failures, ", ")},
		),
		Action: func(c *cli.Context) error {
			if f := c.String("format"); !slices.Contains(formats, f) {
				return usage("--format %q: known are %s", f, strings.Join(formats, ", "))
			}
			var old *report.Report
			if path := c.String("baseline"); path != "" {
				if f := c.String("format"); f != "text" && f != "json" {
					return usage("--baseline prints text or json, not %s", f)
				}
				var err error
				if old, err = baseline.Load(path); err != nil {
					return usage("%v", err)
				}
			}
			for _, w := range words(c.String("fail-on")) {
				if old == nil && (slices.Contains(baseline.Kinds, w) || w == "changes") {
					return usage("--fail-on %s needs --baseline FILE", w)
				}
			}
			a, err := load(c)
			if err != nil {
				return err
			}
			r, err := reportOf(c, a)
			if err != nil {
				return err
			}
			code := complain(c, a)
			cfg := a.Context.Config
			keep, _ := text.Only(words(or(cfg.Only.Text, "updateable")))
			order := or(cfg.Sort.Text, "file")
			fail := words(cfg.FailOn.Text)
			if slices.Contains(fail, "changes") {
				fail = append(fail, baseline.Kinds...)
			}
			failed := slices.Contains(fail, "decisions") && len(r.Decisions) > 0 || slices.Contains(fail, "unmodelled") && len(r.Unmodelled) > 0
			st := style(c)
			write := func(w io.Writer) error { return render(w, c.String("format"), a, r, keep, order, st) }
			if old != nil {
				d, err := baseline.Compare(c.String("baseline"), old, r)
				if err != nil {
					return usage("%v", err)
				}
				failed = failed || d.Fails(fail)
				write = func(w io.Writer) error {
					if c.String("format") == "json" {
						return d.JSON(w)
					}
					text.Diff(w, d, r, st)
					return nil
				}
			}
			if err := emit(c, write); err != nil {
				return cli.Exit(err.Error(), exitInternal)
			}
			if code == exitDone && failed {
				code = exitFindings
			}
			return exit(code)
		},
	}
}

// render writes a report in a format.
func render(w io.Writer, format string, a *run.Analysis, r *report.Report, keep func(*report.Variable) bool, order string, st text.Style) error {
	switch format {
	case "text":
		text.Table(w, r, keep, order, st)
		return nil
	case "json":
		return writeJSON(w, r)
	case "sarif":
		return sarif.Write(w, r)
	case "html":
		return html.Write(w, r, marks(a))
	}
	return fmt.Errorf("unknown format %q", format)
}

// marks asks the rewriter where it would announce updates.
func marks(a *run.Analysis) html.Options {
	res, err := rewrite.Instrument(a, rewrite.Options{Version: version})
	if err != nil {
		return html.Options{NoMarks: err.Error()}
	}
	var opt html.Options
	add := func(list []track.Mark, pruned bool) {
		for _, m := range list {
			at := a.Frontend.Files.Place(m.Pos)
			opt.Marks = append(opt.Marks, html.Mark{File: at.Path, Line: at.Line, Var: int(res.Plan.Vars[m.Var].Var), Pruned: pruned})
		}
	}
	add(res.Marks.Marks, false)
	add(res.Marks.Pruned, true)
	return opt
}

// What other verbs print with.
var count, cut = text.Plural, text.Cut

func or(s, otherwise string) string {
	if s == "" {
		return otherwise
	}
	return s
}

// words splits a list that a flag holds.
func words(s string) []string {
	return strings.FieldsFunc(s, func(r rune) bool { return r == ',' || r == ' ' })
}

// style is what standard output can show.
func style(c *cli.Context) text.Style {
	st := text.Style{Color: colour(c, os.Stdout) && c.String("output") == ""}
	if n, err := strconv.Atoi(os.Getenv("COLUMNS")); err == nil && n > 0 {
		st.Width = n
	} else if ws, err := unix.IoctlGetWinsize(int(os.Stdout.Fd()), unix.TIOCGWINSZ); err == nil && ws.Col > 0 {
		st.Width = int(ws.Col)
	}
	return st
}

// emit writes to --output, whole or not at all, or to standard output. A device or a pipe is written to; a file would take its place.
func emit(c *cli.Context, write func(io.Writer) error) error {
	if path := c.String("output"); path != "" {
		if fi, err := os.Stat(path); err == nil && !fi.Mode().IsRegular() && !fi.IsDir() {
			f, err := os.OpenFile(path, os.O_WRONLY, 0)
			if err != nil {
				return err
			}
			w := bufio.NewWriter(f)
			return errors.Join(write(w), w.Flush(), f.Close())
		}
		f, err := renameio.NewPendingFile(path, renameio.WithPermissions(0o644))
		if err != nil {
			return err
		}
		defer f.Cleanup()
		w := bufio.NewWriter(f)
		if err := write(w); err != nil {
			return err
		}
		if err := w.Flush(); err != nil {
			return err
		}
		return f.CloseAtomicallyReplace()
	}
	w := bufio.NewWriter(os.Stdout)
	if err := write(w); err != nil {
		return err
	}
	return w.Flush()
}
