package text

import (
	"fmt"
	"io"
	"path"
	"sort"
	"strings"

	"saz/passes/report"
)

// The filters of Only, by what they ask about. Words of one row are alternatives;
// a variable must pass each row of which a word is given.
var filters = []map[string]func(*report.Variable) bool{
	{
		"all":        func(*report.Variable) bool { return true },
		"persistent": func(v *report.Variable) bool { return v.Persistent },
		"top-level":  func(v *report.Variable) bool { return v.TopLevel },
		"updateable": func(v *report.Variable) bool { return v.Updateable },
		"tracked":    func(v *report.Variable) bool { return v.Tracked },
		"scratch":    func(v *report.Variable) bool { return v.Scratch },
		"read-only":  func(v *report.Variable) bool { return v.TopLevel && !v.Updateable },
		"unused":     func(v *report.Variable) bool { return !v.TopLevel },
	},
	{
		"per-flow":   func(v *report.Variable) bool { return v.Scope == report.PerFlow },
		"multi-flow": func(v *report.Variable) bool { return v.Scope == report.MultiFlow },
		"all-flows":  func(v *report.Variable) bool { return v.Scope == report.AllFlows },
	},
	{
		"packet": func(v *report.Variable) bool { return impacts(v, "packet") },
		"log":    func(v *report.Variable) bool { return impacts(v, "log") },
	},
}

func impacts(v *report.Variable, kind string) bool {
	for _, k := range v.Impacts {
		if k == kind {
			return true
		}
	}
	return false
}

// Filters are the words that Only understands, sorted.
func Filters() []string {
	var out []string
	for _, row := range filters {
		for w := range row {
			out = append(out, w)
		}
	}
	sort.Strings(out)
	return out
}

// Only returns a filter for words, or the word that is not known.
func Only(words []string) (keep func(*report.Variable) bool, unknown string) {
	rows := make([][]func(*report.Variable) bool, len(filters))
	for _, w := range words {
		known := false
		for i, row := range filters {
			if f := row[w]; f != nil {
				rows[i] = append(rows[i], f)
				known = true
			}
		}
		if !known {
			return nil, w
		}
	}
	return func(v *report.Variable) bool {
		for _, row := range rows {
			ok := len(row) == 0
			for _, f := range row {
				ok = ok || f(v)
			}
			if !ok {
				return false
			}
		}
		return true
	}, ""
}

// Orders are the words that Sort understands.
func Orders() []string {
	return []string{"bytes", "file", "guess", "impacts", "name", "size", "verdict"}
}

var rank = map[string]int{report.PerFlow: 0, report.MultiFlow: 1, report.AllFlows: 2, report.Updated: 3, report.Scratch: 4, report.ReadOnly: 5, report.Unused: 6}

// Sort orders variables; a - before the word turns the order round. It
// reports whether the word is known.
func Sort(vars []*report.Variable, order string) bool {
	word, back := strings.CutPrefix(order, "-")
	var less func(a, b *report.Variable) bool
	switch word {
	case "file":
		less = func(a, b *report.Variable) bool { return a.File < b.File || a.File == b.File && a.Line < b.Line }
	case "name":
		less = func(a, b *report.Variable) bool { return a.FullName() < b.FullName() }
	case "size": // what is large comes first: that is what one asks for
		less = func(a, b *report.Variable) bool { return a.Size > b.Size }
	case "bytes":
		less = func(a, b *report.Variable) bool { return a.UpdatedBytes > b.UpdatedBytes }
	case "guess": // what is surest comes first
		less = func(a, b *report.Variable) bool { return a.Guess < b.Guess }
	case "verdict", "scope":
		less = func(a, b *report.Variable) bool { return rank[a.Verdict()] < rank[b.Verdict()] }
	case "impacts":
		less = func(a, b *report.Variable) bool { return strings.Join(a.Impacts, "") > strings.Join(b.Impacts, "") }
	default:
		return false
	}
	sort.SliceStable(vars, func(i, j int) bool {
		if back {
			i, j = j, i
		}
		return less(vars[i], vars[j])
	})
	return true
}

// Table prints the summary, the variables that keep, in order, and what is left to
// the reader.
func Table(w io.Writer, r *report.Report, keep func(*report.Variable) bool, order string, st Style) {
	width := st.width()
	n := &r.Counts
	head := fmt.Sprintf("%s, %s, %s, %s", Plural(n.TUs, "unit"), Plural(n.Files, "file"), Plural(n.Lines, "line"), Plural(n.Procedures, "procedure"))
	fmt.Fprintf(w, "%s\n", wrap(st.bold(r.Program)+": "+head, "  ", 0, width))
	fmt.Fprintf(w, "%s\n\n", wrap(arrival(r), "  ", 0, width))
	summary(w, r, st)

	vars := make([]*report.Variable, 0, len(r.Variables))
	for i := range r.Variables {
		if v := &r.Variables[i]; keep(v) {
			vars = append(vars, v)
		}
	}
	Sort(vars, order)
	fmt.Fprintln(w)
	rows(w, vars, st)
	rest(w, r, st)
}

// arrival says where packets come in.
func arrival(r *report.Report) string {
	if len(r.ReceiveSites) == 0 {
		if r.Counts.ParseErrors > 0 {
			return "packets come in at no known place: where, may be in what could not be read (" + Plural(r.Counts.ParseErrors, "error") + "); else name the receive function in saz.yaml (saz init writes one)"
		}
		return "packets come in at no known place: name the receive function in saz.yaml (saz init writes one)"
	}
	var out []string
	for i, s := range r.ReceiveSites {
		if i == 3 {
			out = append(out, fmt.Sprintf("%d more", len(r.ReceiveSites)-3))
			break
		}
		out = append(out, fmt.Sprintf("%s (%s:%d)", s.Function, path.Base(s.File), s.Line))
	}
	processes := " process them"
	if r.Counts.PacketProcedures == 1 {
		processes = " processes them"
	}
	return "packets come in at " + strings.Join(out, ", ") + "; " + Plural(r.Counts.PacketProcedures, "procedure") + processes
}

// summary is the paper's Table 3, for this program.
func summary(w io.Writer, r *report.Report, st Style) {
	n := &r.Counts
	cols := []struct {
		name string
		n    int
	}{{"all", n.Variables}, {"persistent", n.Persistent}, {"top-level", n.TopLevel}, {"updateable", n.Updateable}, {"scratch", n.Scratch},
		{"packet", n.PacketOutput}, {"log", n.LogOutput}, {"types", n.Serialize}}
	top, low := "variables:", "          "
	for _, c := range cols {
		k := max(len(c.name), 4)
		top += fmt.Sprintf("  %*s", k, c.name)
		low += fmt.Sprintf("  %*d", k, c.n)
	}
	if width := st.width(); columns(top) > width { // too narrow for a row
		for _, c := range cols {
			fmt.Fprintf(w, "%12s %6d\n", c.name, c.n)
		}
		return
	}
	fmt.Fprintf(w, "%s\n%s\n", st.dim(top), low)
}

// rows prints the table within the width: the least telling column goes first.
func rows(w io.Writer, vars []*report.Variable, st Style) {
	width := st.width()
	type row struct{ name, where, verdict, impacts, part string }
	list := make([]row, 0, len(vars)+1)
	list = append(list, row{"VARIABLE", "WHERE", "VERDICT", "IMPACTS", "KEYED BY / UPDATED PART"})
	nameW, whereW, verdictW, impactsW, partW := 8, 5, 10, 7, 10
	for _, v := range vars {
		x := row{v.FullName(), fmt.Sprintf("%s:%d", path.Base(v.File), v.Line), v.Verdict(), strings.Join(v.Impacts, ","), part(v)}
		if v.Vague() {
			x.verdict += "?"
		}
		list = append(list, x)
		nameW, whereW, partW = max(nameW, columns(x.name)), max(whereW, columns(x.where)), max(partW, columns(x.part))
		verdictW, impactsW = max(verdictW, columns(x.verdict)), max(impactsW, columns(x.impacts))
	}
	const gaps = 4 * 2
	impacted, located := true, true
	room := func() int {
		left := width - verdictW - gaps
		if impacted {
			left -= impactsW
		} else {
			left += 2
		}
		if !located {
			left += 2
		}
		return left
	}
	if width < 72 {
		impacted = false
	}
	if width < 60 {
		located, whereW = false, 0
	}
	// The three that vary share what is left: first each gets a floor, then names, places, parts.
	nameMin, whereMin, partMin := min(nameW, 16), min(whereW, 14), min(partW, 14)
	left := room() - nameMin - whereMin - partMin
	grow := func(now, want int) int {
		k := max(0, min(want-now, left))
		left -= k
		return now + k
	}
	nw := grow(nameMin, min(nameW, 30))
	ww := grow(whereMin, min(whereW, 20))
	pw := grow(partMin, partW)
	nw = grow(nw, nameW)
	for i, x := range list {
		paint := func(s string) string { return s }
		if i == 0 {
			paint = st.bold
		}
		name := pad(Cut(x.name, nw), nw)
		verdict := pad(x.verdict, verdictW)
		if i > 0 {
			verdict = st.verdict(strings.TrimSuffix(x.verdict, "?"), verdict)
		}
		line := paint(name) + "  "
		if located {
			line += paint(pad(cutFront(x.where, ww), ww)) + "  "
		}
		line += paint(verdict)
		if impacted {
			line += "  " + paint(pad(x.impacts, impactsW))
		}
		line += "  " + paint(Cut(x.part, pw))
		fmt.Fprintln(w, strings.TrimRight(line, " "))
	}
	if len(vars) == 0 {
		fmt.Fprintln(w, "(none)")
	}
}

// part says what a variable is keyed by, or which part of it is updated.
func part(v *report.Variable) string {
	var s []string
	if v.Container != nil && v.Container.Shape != "unknown" {
		s = append(s, v.Container.Shape)
	}
	if len(v.Flowspace) > 0 {
		s = append(s, "by "+strings.Join(v.Flowspace, "+"))
	}
	if len(s) == 0 && len(v.UpdatedFields) > 0 {
		count := ""
		if v.UpdatedBytes != v.Size {
			count = fmt.Sprintf("%d of %d bytes: ", v.UpdatedBytes, v.Size)
		}
		s = append(s, count+strings.Join(v.UpdatedFields, " "))
	}
	return strings.Join(s, " ")
}

// rest is what the reader should know or do.
func rest(w io.Writer, r *report.Report, st Style) {
	width := st.width()
	if len(r.Unmodelled) > 0 {
		var names []string
		for _, u := range r.Unmodelled {
			names = append(names, fmt.Sprintf("%s (%d)", u.Function, u.Calls))
		}
		fmt.Fprintf(w, "\n%s\n%s\n", wrap(fmt.Sprintf("%s without a model, taken to write all that their arguments reach (and how many calls):",
			Plural(len(names), "library function")), "  ", 0, width), fill(names, "  ", width))
	}
	if len(r.Decisions) > 0 {
		fmt.Fprintf(w, "\nleft to you before state can be moved: %s\n", Plural(len(r.Decisions), "decision"))
		for _, d := range r.Decisions {
			fmt.Fprintf(w, "  %s\n    %s\n", st.bold(fmt.Sprintf("%s:%d", r.Sources.Name(d.File), d.Line)), wrap(d.Message, "    ", 4, width))
		}
	}
	var skipped []string
	for i := range r.Variables {
		if v := &r.Variables[i]; v.Skipped != "" && !v.Scratch {
			skipped = append(skipped, v.FullName())
		}
	}
	if skipped != nil {
		fmt.Fprintf(w, "\nleft out by the project's word, and not moved: %s\n%s\n", Plural(len(skipped), "variable"), fill(skipped, "  ", width))
	}
	vague := 0
	for i := range r.Variables {
		if r.Variables[i].Vague() {
			vague++
		}
	}
	if vague > 0 {
		fmt.Fprintf(w, "\n%s\n", wrap(fmt.Sprintf("? %s may never be updated: that packets do so is a guess, a step that is one of more than %d; saz explain shows it, --sort guess puts the surest first", Plural(vague, "variable"), report.Sure), "  ", 0, width))
	}
	if n := r.Counts; n.UnresolvedIndirectCalls > 0 {
		fmt.Fprintf(w, "\n%d of %s have no target in the program\n", n.UnresolvedIndirectCalls, Plural(n.IndirectCalls, "indirect call"))
	}
	if k := r.Counts.MergedPlaces; k > 0 {
		fmt.Fprintf(w, "\n%s\n", wrap(fmt.Sprintf("what is at %s of pointers is not told apart from what is at others of their kind: the program is very large, and verdicts are less precise than they could be", Plural(k, "place")), "  ", 0, width))
	}
	if k := r.Counts.ParseErrors; k > 0 {
		fmt.Fprintf(w, "\n%s: what they name is treated as unknown code\n", Plural(k, "error"))
	}
	fmt.Fprintf(w, "\n%s\n", st.dim(wrap(fmt.Sprintf("%.2f s, %.2f s of CPU, %d MB; saz explain %s VARIABLE says why", r.Cost.Wall, r.Cost.CPU, r.Cost.RSS>>20, r.Program), "", 0, width)))
}
