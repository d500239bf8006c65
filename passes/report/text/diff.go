package text

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"saz/passes/report"
	"saz/passes/report/baseline"
)

// Diff prints what changed since a baseline.
func Diff(w io.Writer, d *baseline.Diff, r *report.Report, st Style) {
	width := st.width()
	fmt.Fprintf(w, "%s since %s: %d new, %d gone, %d changed, %d the same\n", st.bold(d.Program), d.Baseline,
		d.Count(baseline.New), d.Count(baseline.Gone), d.Count(baseline.Changed), d.Same)
	for _, n := range d.Notes {
		fmt.Fprintf(w, "%s\n", wrap("note: "+n, "  ", 0, width))
	}
	for i := range d.Changes {
		c := &d.Changes[i]
		sign, code := "~", "33"
		switch c.Kind {
		case baseline.New:
			sign, code = "+", "32"
		case baseline.Gone:
			sign, code = "-", "31"
		}
		what := c.Was
		switch {
		case c.Was == "":
			what = c.Is
		case c.Is != "" && c.Is != c.Was:
			what = c.Was + " → " + c.Is
		}
		fmt.Fprintf(w, "\n%s %s  %s:%d  %s\n", st.sgr(code, sign), st.bold(c.Name), r.Sources.Name(c.File), c.Line, what)
		for _, f := range c.Diff {
			fmt.Fprintf(w, "    %s\n", wrap(f.Name+": "+between(f.Was, f.Is), "      ", 4, width))
		}
		if n := len(c.Steps); n > 0 && (c.Kind == baseline.New || c.Is != c.Was) {
			s := c.Steps[n-1]
			fmt.Fprintf(w, "    %s\n", wrap(fmt.Sprintf("because %s:%d: %s", r.Sources.Name(s.File), s.Line, s.Text), "      ", 4, width))
		}
	}
	if len(d.Changes) > 0 {
		fmt.Fprintf(w, "\n%s\n", st.dim("saz explain "+d.Program+" VARIABLE says why"))
	}
}

// between says how one list of words becomes another: short ones in full, of long ones what comes and goes.
func between(was, is string) string {
	a, b := strings.Fields(was), strings.Fields(is)
	if len(a)+len(b) <= 10 {
		return was + " → " + is
	}
	var out []string
	for _, w := range b {
		if !slices.Contains(a, w) {
			out = append(out, "+"+w)
		}
	}
	for _, w := range a {
		if !slices.Contains(b, w) {
			out = append(out, "-"+w)
		}
	}
	return strings.Join(out, " ")
}
