package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sort"
	"strings"

	"github.com/google/renameio/v2"
	"github.com/urfave/cli/v2"

	"saz/passes/report"
)

func analyzeCommand() *cli.Command {
	return &cli.Command{
		Name:      "analyze",
		Usage:     "which variables are state, keyed by what, updated by packets",
		ArgsUsage: targetHelp,
		Flags: commonFlags(
			&cli.StringFlag{Name: "format", Aliases: []string{"f"}, Value: "text", Usage: "text or json"},
			&cli.StringFlag{Name: "output", Aliases: []string{"o"}, Usage: "write to `FILE` instead of standard output"},
			&cli.StringFlag{Name: "only", Value: "updateable", Usage: "text: persistent, top-level, updateable, scratch, tracked or all"},
			&cli.StringFlag{Name: "sort", Value: "file", Usage: "text: file, name, size or scope"},
		),
		Action: func(c *cli.Context) error {
			if f := c.String("format"); f != "text" && f != "json" {
				return usage("--format %q: known are text and json", f)
			}
			if !keeps(c.String("only"), nil) {
				return usage("--only %q: known are persistent, top-level, updateable, scratch, tracked, all", c.String("only"))
			}
			a, err := load(c)
			if err != nil {
				return err
			}
			r, err := a.Report(version)
			if err != nil {
				return cli.Exit(err.Error(), exitInternal)
			}
			code := complain(c, a)
			if err := emit(c, func(w io.Writer) error {
				if c.String("format") == "json" {
					e := json.NewEncoder(w)
					e.SetEscapeHTML(false)
					e.SetIndent("", "  ")
					return e.Encode(r)
				}
				return table(w, r, c.String("only"), c.String("sort"), c.String("output") == "" && colour(c, os.Stdout))
			}); err != nil {
				return cli.Exit(err.Error(), exitInternal)
			}
			return exit(code)
		},
	}
}

// emit writes to --output, whole or not at all, or to standard output.
func emit(c *cli.Context, write func(io.Writer) error) error {
	if path := c.String("output"); path != "" {
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

// keeps reports whether the table shows v under --only; with v nil, whether there is such an --only.
func keeps(only string, v *report.Variable) bool {
	known := map[string]func(*report.Variable) bool{
		"all":        func(*report.Variable) bool { return true },
		"persistent": func(v *report.Variable) bool { return v.Persistent },
		"top-level":  func(v *report.Variable) bool { return v.TopLevel },
		"updateable": func(v *report.Variable) bool { return v.Updateable },
		"scratch":    func(v *report.Variable) bool { return v.Scratch },
		"tracked":    func(v *report.Variable) bool { return v.Tracked },
	}
	f := known[only]
	return f != nil && (v == nil || f(v))
}

// table prints the report for people, within 100 columns.
func table(w io.Writer, r *report.Report, only, order string, color bool) error {
	bold, dim, off := "", "", ""
	if color {
		bold, dim, off = "\x1b[1m", "\x1b[2m", "\x1b[0m"
	}
	n := r.Counts
	fmt.Fprintf(w, "%s%s%s: %s, %s, %s, %s, %s\n", bold, r.Program, off, count(n.TUs, "unit"), count(n.Files, "file"), count(n.Lines, "line"),
		count(n.Procedures, "procedure"), count(n.Variables, "variable"))
	fmt.Fprintf(w, "packets come in at %s and are processed by %s\n", sites(r.ReceiveSites), count(n.PacketProcedures, "procedure"))
	fmt.Fprintf(w, "variables %d → persistent %d → top-level %d → updateable %d (%d of them per-packet scratch)\n", n.Variables, n.Persistent, n.TopLevel, n.Updateable, n.Scratch)
	fmt.Fprintf(w, "affecting packets %d, logs %d; types to serialise %d\n\n", n.PacketOutput, n.LogOutput, n.Serialize)

	vars := make([]*report.Variable, 0, len(r.Variables))
	for i := range r.Variables {
		if v := &r.Variables[i]; keeps(only, v) {
			vars = append(vars, v)
		}
	}
	switch order {
	case "name":
		sort.SliceStable(vars, func(i, j int) bool { return vars[i].Name < vars[j].Name })
	case "size":
		sort.SliceStable(vars, func(i, j int) bool { return vars[i].Size > vars[j].Size })
	case "scope":
		sort.SliceStable(vars, func(i, j int) bool { return vars[i].Scope < vars[j].Scope })
	}
	fmt.Fprintf(w, "%s%-30s %-20s %-10s %-9s %s%s\n", bold, "VARIABLE", "WHERE", "VERDICT", "IMPACTS", "KEYED BY / UPDATED PART", off)
	for _, v := range vars {
		name := v.Name
		if v.Procedure != "" {
			name = v.Procedure + "." + name
		}
		verdict := "read-only"
		switch {
		case v.Scratch:
			verdict = "scratch"
		case v.Updateable && v.Scope != "none":
			verdict = v.Scope
		case v.Updateable:
			verdict = "updated"
		case !v.TopLevel:
			verdict = "unused"
		}
		fmt.Fprintf(w, "%-30s %-20s %-10s %-9s %s\n", cut(name, 30), cut(fmt.Sprintf("%s:%d", filepath.Base(v.File), v.Line), 20), verdict, strings.Join(v.Impacts, ","), cut(part(v), 44))
	}
	if len(vars) == 0 {
		fmt.Fprintf(w, "(none)\n")
	}
	if len(r.Unmodelled) > 0 {
		var names []string
		for _, u := range r.Unmodelled {
			names = append(names, fmt.Sprintf("%s (%d)", u.Function, u.Calls))
		}
		fmt.Fprintf(w, "\nwithout a model, and taken to write all that their arguments reach: %s (calls)\n%s\n", count(len(names), "library function"), fill(names, 98))
	}
	if len(r.Decisions) > 0 {
		fmt.Fprintf(w, "\nleft to you before state can be moved: %s\n", count(len(r.Decisions), "decision"))
		for _, d := range r.Decisions {
			fmt.Fprintf(w, "  %s:%d: %s\n", d.File, d.Line, d.Message)
		}
	}
	if n.UnresolvedIndirectCalls > 0 {
		fmt.Fprintf(w, "\n%d of %d indirect calls have no target in the program\n", n.UnresolvedIndirectCalls, n.IndirectCalls)
	}
	fmt.Fprintf(w, "\n%s%.2f s, %.2f s of CPU, %d MB; saz explain %s VARIABLE says why%s\n", dim, r.Cost.Wall, r.Cost.CPU, r.Cost.RSS>>20, r.Program, off)
	return nil
}

// sites names the receive sites in a few words.
func sites(list []report.Site) string {
	if len(list) == 0 {
		return "no known place (name the receive function in a model file: saz analyze --models)"
	}
	var out []string
	for i, s := range list {
		if i == 3 {
			out = append(out, fmt.Sprintf("and %d more", len(list)-3))
			break
		}
		out = append(out, fmt.Sprintf("%s (%s:%d)", s.Function, filepath.Base(s.File), s.Line))
	}
	return strings.Join(out, ", ")
}

// part says what a variable is keyed by, or which part of it is updated.
func part(v *report.Variable) string {
	var s []string
	if v.Container != nil {
		s = append(s, v.Container.Shape)
	}
	if len(v.Flowspace) > 0 {
		s = append(s, strings.Join(v.Flowspace, "+"))
	}
	if len(s) == 0 && len(v.UpdatedFields) > 0 {
		s = append(s, fmt.Sprintf("%d of %d bytes: %s", v.UpdatedBytes, v.Size, strings.Join(v.UpdatedFields, " ")))
	}
	return strings.Join(s, " by ")
}

// count writes "1 file", "2 files".
func count(n int, what string) string {
	if n != 1 {
		what += "s"
	}
	return fmt.Sprintf("%d %s", n, what)
}

// fill sets words in lines of at most width columns, indented by two.
func fill(words []string, width int) string {
	var b strings.Builder
	col := width
	for i, w := range words {
		if i < len(words)-1 {
			w += ","
		}
		if col+1+len(w) > width {
			if i > 0 {
				b.WriteByte('\n')
			}
			b.WriteByte(' ')
			col = 1
		}
		b.WriteString(" " + w)
		col += 1 + len(w)
	}
	return b.String()
}

func cut(s string, n int) string {
	if len([]rune(s)) <= n {
		return s
	}
	return string([]rune(s)[:n-1]) + "…"
}
