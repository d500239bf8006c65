package text

import (
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"saz/passes/report"
)

// Explain prints the path behind each verdict of v.
func Explain(w io.Writer, r *report.Report, v *report.Variable, st Style) {
	fmt.Fprintf(w, "%s  %s, %s of %s, %s:%d\n", st.bold(v.FullName()), v.Type, v.Kind, Plural(int(v.Size), "byte"), r.Sources.Name(v.File), v.Line)
	e := explainer{w: w, r: r, st: st}
	e.excerpt(v.File, v.Line, []int{v.Col})
	fmt.Fprintf(w, "\n%s: %s\n", st.verdict(v.Verdict(), st.bold(v.Verdict())), wrap(Meaning(v), "  ", columns(v.Verdict())+2, st.width()))
	if v.Vague() {
		fmt.Fprintf(w, "%s\n", wrap(fmt.Sprintf("a guess: a step of the path to its update is one of %d that the call or the pointer may reach", v.Guess), "  ", 0, st.width()))
	}
	switch {
	case v.Skipped != "":
		fmt.Fprintf(w, "%s\n", wrap("not tracked: "+v.Skipped+" says that it need not be moved", "  ", 0, st.width()))
	case v.Updateable && !v.Tracked && !v.Scratch:
		fmt.Fprintf(w, "%s\n", wrap("not tracked: only memory that has a variable of its own is updated through it, and that variable is tracked", "  ", 0, st.width()))
	}
	all := v.Explained()
	for i := range all {
		x := &all[i]
		fmt.Fprintf(w, "\n%s\n", wrap(st.bold(x.Verdict)+headline(v, x.Verdict)+", because", "  ", 0, st.width()))
		e.path(x.Steps)
	}
	if !v.TopLevel {
		fmt.Fprintf(w, "\nnot top-level: no code that may run while a packet is processed uses it\n")
	} else if !v.Updateable && (v.Kind == "local" || v.Kind == "param") && strings.HasSuffix(v.Type, "*") {
		fmt.Fprintf(w, "\n%s\n", wrap("not updateable: packets leave it as it is, and what they write behind it, if anything, is state of other variables", "  ", 0, st.width()))
	} else if !v.Updateable {
		fmt.Fprintf(w, "\nnot updateable: nothing that may run while a packet is processed writes it or what it reaches\n")
	}
	if len(v.Merge) > 0 {
		fmt.Fprintf(w, "\n%s\n", st.bold("merge"))
		for _, m := range v.Merge {
			name := m.Field
			if name == "" {
				name = "(all of it)"
			}
			fmt.Fprintf(w, "  %s: %s\n", name, m.Op)
		}
	}
}

// Meaning says in a sentence what a verdict asks of whoever moves state.
func Meaning(v *report.Variable) string {
	switch v.Verdict() {
	case report.PerFlow:
		return "each entry belongs to one flow and must follow it"
	case report.MultiFlow:
		return "each entry belongs to several flows, those of one host or service, and must be where any of them is"
	case report.AllFlows:
		return "one value for all traffic: each instance has its own, to be copied or merged"
	case report.Updated:
		return "packets may change it"
	case report.Scratch:
		return "always written before it is read while one packet is processed: it carries nothing from packet to packet and need not move"
	case report.ReadOnly:
		return "used while packets are processed and never changed then: configuration"
	}
	return "it outlives a packet, and no code that processes packets uses it"
}

// headline adds to a verdict's name what it says.
func headline(v *report.Variable, verdict string) string {
	switch verdict {
	case "updateable":
		switch {
		case len(v.UpdatedFields) > 0:
			f := v.UpdatedFields
			more := ""
			if len(f) > 12 {
				f, more = f[:12], fmt.Sprintf(" and %d more", len(v.UpdatedFields)-12)
			}
			return fmt.Sprintf(": %d of its %d bytes, in %s%s", v.UpdatedBytes, v.Size, strings.Join(f, ", "), more)
		case v.UpdatedBytes == 0:
			return ": memory that it leads to"
		}
	case "kept":
		return " from packet to packet"
	case "flowspace":
		s := ": " + v.Scope
		if len(v.Flowspace) > 0 {
			s += ", " + strings.Join(v.Flowspace, " ")
		}
		if v.Container != nil {
			for _, k := range v.Container.Keys {
				s += fmt.Sprintf("; %s = %s", k.Field, k.Header)
			}
		}
		return s
	case "container":
		s := ": " + v.Container.Shape + " of " + v.Container.EntryType
		if v.Container.Insert != "" {
			s += ", filled by " + v.Container.Insert
		}
		if v.Link != nil && v.Link.Together != "" {
			s += ", moved as a whole (" + v.Link.Together + ")"
		}
		return s
	}
	return ""
}

// Line prints what is known of one line of the sources. It reports whether there is anything.
func Line(w io.Writer, r *report.Report, file string, line int, st Style) bool {
	e := explainer{w: w, r: r, st: st}
	var cols []int
	var say []string
	note := func(col int, format string, args ...any) {
		cols = append(cols, col)
		say = append(say, fmt.Sprintf(format, args...))
	}
	var declared []*report.Variable
	for i := range r.Variables {
		if v := &r.Variables[i]; v.File == file && v.Line == line {
			declared = append(declared, v)
			note(v.Col, "declares %s: %s", v.FullName(), v.Verdict())
		}
	}
	for i := range r.ReceiveSites {
		if s := &r.ReceiveSites[i]; s.File == file && s.Line == line {
			note(s.Col, "receives a packet: %s", s.Function)
		}
	}
	for i := range r.OutputSites {
		if s := &r.OutputSites[i]; s.File == file && s.Line == line {
			note(s.Col, "%s output: %s", s.Kind, s.Function)
		}
	}
	for i := range r.Updates {
		u := &r.Updates[i]
		if u.File != file || u.Line != line {
			continue
		}
		var vars []string
		for _, k := range u.Vars {
			vars = append(vars, r.Variables[k].FullName()+" ("+r.Variables[k].Verdict()+")")
		}
		note(u.Col, "updates %s, by %s", strings.Join(vars, ", "), u.How)
	}
	span := r.SpanAt(file, line)
	if span == nil && say == nil {
		return false
	}
	where := "outside all procedures"
	if span != nil {
		where = "in " + span.Name
		if span.Packet >= 0 {
			where += ", which may run while a packet is processed"
		} else {
			where += ", which does not run while a packet is processed: what it writes is no update"
		}
	}
	fmt.Fprintf(w, "%s  %s\n", st.bold(fmt.Sprintf("%s:%d", r.Sources.Name(file), line)), where)
	e.excerpt(file, line, cols)
	for _, s := range say {
		fmt.Fprintf(w, "  %s\n", wrap(s, "    ", 2, st.width()))
	}
	if say == nil {
		fmt.Fprintf(w, "  nothing here updates state, receives or emits\n")
	}
	if span != nil && span.Packet >= 0 {
		fmt.Fprintf(w, "\n%s runs while a packet is processed, because\n", st.bold(span.Name))
		e.path(r.PacketProcedures[span.Packet].Why)
	}
	for _, v := range declared {
		fmt.Fprintln(w)
		Explain(w, r, v, st)
	}
	return true
}

type explainer struct {
	w  io.Writer
	r  *report.Report
	st Style
}

// path prints steps; those on one line share its excerpt.
func (e *explainer) path(steps []report.Step) {
	for i := 0; i < len(steps); {
		j := i
		var cols []int
		for ; j < len(steps) && steps[j].File == steps[i].File && steps[j].Line == steps[i].Line; j++ {
			if j == i || steps[j].Text != steps[j-1].Text {
				at := ""
				if j == i {
					at = e.st.bold(fmt.Sprintf("%s:%d", e.r.Sources.Name(steps[j].File), steps[j].Line)) + "  "
				}
				fmt.Fprintf(e.w, "  %s%s\n", at, wrap(steps[j].Text, "      ", 2+columns(at), e.st.width()))
			}
			cols = append(cols, steps[j].Col)
		}
		e.excerpt(steps[i].File, steps[i].Line, cols)
		i = j
	}
}

// excerpt prints a source line, with carets under columns.
func (e *explainer) excerpt(file string, line int, cols []int) {
	raw := e.r.Sources.Line(file, line)
	if raw == nil {
		return
	}
	text, carets := Carets(string(raw), cols, e.st.width()-10)
	if text == "" {
		return
	}
	fmt.Fprintf(e.w, " %6d | %s\n", line, text)
	if carets != "" {
		fmt.Fprintf(e.w, "        | %s\n", e.st.sgr("1;31", carets))
	}
}

// Carets sets a line without its indentation in at most width columns, around the first of
// the columns (from 1, in bytes) that it marks with carets in the second string.
func Carets(line string, cols []int, width int) (text, carets string) {
	body := strings.TrimLeft(line, " \t")
	cut := len(line) - len(body)
	body = strings.TrimRight(body, " \t\r")
	r := []rune(strings.ReplaceAll(body, "\t", " "))
	marks := make([]rune, len(r)+1)
	first := -1
	for i := range marks {
		marks[i] = ' '
	}
	for _, c := range cols {
		b := c - 1 - cut
		if c <= 0 || b < 0 || b > len(body) {
			continue
		}
		at := utf8.RuneCountInString(body[:b])
		marks[at] = '^'
		if first < 0 || at < first {
			first = at
		}
	}
	if len(r) > width {
		from := 0
		if first > width-12 {
			from = first - width/3
		}
		to := min(from+width-1, len(r))
		r, marks = append([]rune(nil), r[from:to]...), marks[from:to]
		if to < from+len(r) || to-from == width-1 {
			r = append(r, '…')
		}
		if from > 0 {
			r[0] = '…'
		}
	}
	return string(r), strings.TrimRight(string(marks), " ")
}
