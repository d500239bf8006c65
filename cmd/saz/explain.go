package main

import (
	"fmt"
	"io"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"

	"github.com/urfave/cli/v2"

	"saz/passes/config"
	"saz/passes/report"
	"saz/passes/report/text"
)

func explainCommand() *cli.Command {
	return &cli.Command{
		Name:      "explain",
		Usage:     "why a variable got its verdicts, or what a line does: a path of file:line steps",
		ArgsUsage: "TARGET VARIABLE|FILE:LINE | FILE.c... VARIABLE|FILE:LINE -- FLAGS",
		Description: "VARIABLE is a name, or PROCEDURE.NAME for one of several of that name. FILE:LINE is a line of the\n" +
			"sources: what it updates, and why its procedure runs while a packet is processed.",
		Flags: commonFlags(
			&cli.StringFlag{Name: "format", Aliases: []string{"f"}, Value: "text", Usage: "text or json"},
			&cli.StringFlag{Name: "output", Aliases: []string{"o"}, Usage: "write to `FILE` instead of standard output"},
		),
		Action: func(c *cli.Context) error {
			if f := c.String("format"); f != "text" && f != "json" {
				return usage("--format %q: known are text, json", f)
			}
			targets, flags, err := target(c)
			if err != nil {
				return err
			}
			if len(targets) < 2 {
				return usage("explain needs a TARGET and a VARIABLE or FILE:LINE")
			}
			what := targets[len(targets)-1]
			a, err := loadTarget(c, targets[:len(targets)-1], flags)
			if err != nil {
				return err
			}
			r, err := reportOf(c, a)
			if err != nil {
				return err
			}
			code := complain(c, a)
			file, line, isPlace, err := placeOf(r, what)
			if err != nil {
				return err
			}
			var vars []*report.Variable
			if !isPlace {
				if vars = variables(r, what); len(vars) == 0 {
					return usage("%s has no persistent variable %q%s", r.Program, what, nearest(what, r))
				}
			}
			err = emit(c, func(w io.Writer) error {
				if c.String("format") == "json" {
					if isPlace {
						return writeJSON(w, explanationOfLine(r, file, line))
					}
					return writeJSON(w, explanation(r, vars))
				}
				st := style(c)
				if isPlace {
					if !text.Line(w, r, file, line, st) {
						fmt.Fprintf(w, "%s:%d is in no procedure and declares no persistent variable\n", r.Sources.Name(file), line)
					}
					return nil
				}
				for i, v := range vars {
					if i > 0 {
						fmt.Fprintln(w)
					}
					text.Explain(w, r, v, st)
				}
				return nil
			})
			if err != nil {
				return cli.Exit(err.Error(), exitInternal)
			}
			return exit(code)
		},
	}
}

// variables are those that a name of the command line means.
func variables(r *report.Report, name string) []*report.Variable {
	var out []*report.Variable
	for i := range r.Variables {
		if v := &r.Variables[i]; v.Name == name || v.FullName() == name {
			out = append(out, v)
		}
	}
	return out
}

var place = regexp.MustCompile(`^(.+):(\d+)(:\d+)?$`)

// placeOf reads FILE:LINE; FILE may be the end of a path.
func placeOf(r *report.Report, s string) (file string, line int, ok bool, err error) {
	m := place.FindStringSubmatch(s)
	if m == nil {
		return "", 0, false, nil
	}
	line, err = strconv.Atoi(m[2])
	if err != nil || line < 1 {
		return "", 0, true, usage("%s: lines count from 1", s)
	}
	want := m[1]
	abs, _ := filepath.Abs(want)
	files := r.Sources.Files()
	var found []string
	for _, f := range files {
		full, _ := filepath.Abs(f)
		if full == abs {
			found = []string{f}
			break
		}
		if strings.HasSuffix(full, "/"+strings.TrimPrefix(want, "./")) {
			found = append(found, f)
		}
	}
	switch {
	case len(found) > 1:
		return "", 0, true, usage("%s may be %s", want, strings.Join(found, " or "))
	case len(found) == 0:
		var names []string
		for _, f := range files {
			names = append(names, filepath.Base(f))
		}
		hint := ""
		if n := config.Nearest(filepath.Base(want), names); n != "" {
			hint = fmt.Sprintf("; did you mean %s?", n)
		}
		return "", 0, true, usage("%s is none of the program's files%s", want, hint)
	}
	if n := strings.Count(string(r.Sources.Text(found[0])), "\n"); line > n+1 {
		return "", 0, true, usage("%s has %d lines", found[0], n)
	}
	return found[0], line, true, nil
}

// nearest suggests a name.
func nearest(name string, r *report.Report) string {
	var known []string
	for i := range r.Variables {
		known = append(known, r.Variables[i].Name)
		if v := &r.Variables[i]; v.Procedure != "" {
			known = append(known, v.FullName())
		}
	}
	if n := config.Nearest(name, known); n != "" {
		return fmt.Sprintf("; did you mean %q?", n)
	}
	return "; saz analyze --only persistent lists them"
}

// The documents of explain --format json.
type (
	explained struct {
		Schema    string              `json:"schema"`
		Program   string              `json:"program"`
		Variables []explainedVariable `json:"variables"`
	}
	explainedVariable struct {
		*report.Variable
		Verdict string          `json:"verdict"`
		Meaning string          `json:"meaning"`
		Reasons []report.Reason `json:"reasons"`
	}
	explainedLine struct {
		Schema    string        `json:"schema"`
		Program   string        `json:"program"`
		File      string        `json:"file"`
		Line      int           `json:"line"`
		Procedure string        `json:"procedure,omitempty"`
		Packet    bool          `json:"packet_procedure"`
		Why       []report.Step `json:"why"` // the procedure runs while a packet is processed
		Declares  []string      `json:"declares"`
		Updates   []lineUpdate  `json:"updates"`
		Receives  []report.Site `json:"receives"`
		Emits     []report.Site `json:"emits"`
	}
	lineUpdate struct {
		Col       int      `json:"col"`
		How       string   `json:"how"`
		Text      string   `json:"text"`
		Variables []string `json:"variables"`
	}
)

func explanation(r *report.Report, vars []*report.Variable) *explained {
	out := &explained{Schema: "saz.explain/1", Program: r.Program}
	for _, v := range vars {
		out.Variables = append(out.Variables, explainedVariable{v, v.Verdict(), text.Meaning(v), v.Explained()})
	}
	return out
}

func explanationOfLine(r *report.Report, file string, line int) *explainedLine {
	out := &explainedLine{Schema: "saz.explain/1", Program: r.Program, File: file, Line: line,
		Why: []report.Step{}, Declares: []string{}, Updates: []lineUpdate{}, Receives: []report.Site{}, Emits: []report.Site{}}
	if s := r.SpanAt(file, line); s != nil {
		out.Procedure = s.Name
		if s.Packet >= 0 {
			out.Packet, out.Why = true, r.PacketProcedures[s.Packet].Why
		}
	}
	for i := range r.Variables {
		if v := &r.Variables[i]; v.File == file && v.Line == line {
			out.Declares = append(out.Declares, v.FullName())
		}
	}
	for _, u := range r.Updates {
		if u.File == file && u.Line == line {
			x := lineUpdate{Col: u.Col, How: u.How, Text: u.Text}
			for _, k := range u.Vars {
				x.Variables = append(x.Variables, r.Variables[k].FullName())
			}
			out.Updates = append(out.Updates, x)
		}
	}
	for _, s := range r.ReceiveSites {
		if s.File == file && s.Line == line {
			out.Receives = append(out.Receives, s)
		}
	}
	for _, s := range r.OutputSites {
		if s.File == file && s.Line == line {
			out.Emits = append(out.Emits, s)
		}
	}
	return out
}
