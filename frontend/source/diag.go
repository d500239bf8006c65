package source

import (
	"fmt"
	"io"
	"sort"
	"strings"
	"sync"
)

// Severity of a Diagnostic.
type Severity uint8

// An Error means that something could not be analysed (exit code 3); a
// Warning, that it was analysed with a stated assumption.
const (
	Error Severity = iota
	Warning
)

func (s Severity) String() string { return [...]string{"error", "warning"}[s] }

// A Note adds a second place to a Diagnostic: "in expansion of macro X".
type Note struct {
	Pos Pos
	Msg string
}

// A Diagnostic is one finding about the user's own input.
type Diagnostic struct {
	ID       string // stable, kebab-case: "parse-error", "include-not-found"
	Severity Severity
	Pos      Pos
	Msg      string
	Hint     string // what to do about it
	Notes    []Note
}

// A Sink collects diagnostics from several goroutines.
type Sink struct {
	mu   sync.Mutex
	list []Diagnostic
}

// Add records d.
func (s *Sink) Add(d Diagnostic) {
	s.mu.Lock()
	s.list = append(s.list, d)
	s.mu.Unlock()
}

// Errorf records an error at pos.
func (s *Sink) Errorf(id string, pos Pos, format string, args ...any) {
	s.Add(Diagnostic{ID: id, Severity: Error, Pos: pos, Msg: fmt.Sprintf(format, args...)})
}

// Warnf records a warning at pos.
func (s *Sink) Warnf(id string, pos Pos, format string, args ...any) {
	s.Add(Diagnostic{ID: id, Severity: Warning, Pos: pos, Msg: fmt.Sprintf(format, args...)})
}

// Sorted returns what was collected, each finding once, by path, offset and
// id: the same order at every -j. A header's finding arrives once a TU.
func (s *Sink) Sorted(set *Set) []Diagnostic {
	s.mu.Lock()
	out := append([]Diagnostic(nil), s.list...)
	s.mu.Unlock()
	pathOf := func(p Pos) string {
		if f := set.File(p.File); f != nil {
			return f.Path
		}
		return ""
	}
	path := func(d *Diagnostic) string { return pathOf(d.Pos) }
	sort.SliceStable(out, func(i, j int) bool {
		a, b := &out[i], &out[j]
		if pa, pb := path(a), path(b); pa != pb {
			return pa < pb
		}
		if a.Pos.Off != b.Pos.Off {
			return a.Pos.Off < b.Pos.Off
		}
		if a.ID != b.ID {
			return a.ID < b.ID
		}
		if a.Msg != b.Msg {
			return a.Msg < b.Msg
		}
		// Of the units that a header's finding is from the first stands for all.
		for k := 0; k < min(len(a.Notes), len(b.Notes)); k++ {
			x, y := a.Notes[k].Pos, b.Notes[k].Pos
			if px, py := pathOf(x), pathOf(y); px != py {
				return px < py
			}
			if x.Off != y.Off {
				return x.Off < y.Off
			}
		}
		return len(a.Notes) < len(b.Notes)
	})
	n := 0
	for i := range out {
		if i > 0 && out[i].Pos == out[n-1].Pos && out[i].ID == out[n-1].ID && out[i].Msg == out[n-1].Msg {
			continue
		}
		out[n] = out[i]
		n++
	}
	return out[:n]
}

// Errors counts the errors collected so far.
func (s *Sink) Errors() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := 0
	for i := range s.list {
		if s.list[i].Severity == Error {
			n++
		}
	}
	return n
}

// Render writes d as compilers do: file:line:col, the message, the source line
// and a caret, then hint and notes. Colour is ANSI where color is set.
func Render(w io.Writer, set *Set, d Diagnostic, color bool) {
	bold, red, reset := "", "", ""
	if color {
		bold, red, reset = "\x1b[1m", "\x1b[1;31m", "\x1b[0m"
		if d.Severity == Warning {
			red = "\x1b[1;35m"
		}
	}
	if d.Pos.IsValid() {
		fmt.Fprintf(w, "%s%s:%s ", bold, set.Place(d.Pos), reset)
	} else {
		fmt.Fprintf(w, "%ssaz:%s ", bold, reset)
	}
	fmt.Fprintf(w, "%s%s:%s %s [%s]\n", red, d.Severity, reset, d.Msg, d.ID)
	caret(w, set, d.Pos, red, reset)
	if d.Hint != "" {
		fmt.Fprintf(w, "  hint: %s\n", d.Hint)
	}
	for _, n := range d.Notes {
		fmt.Fprintf(w, "%s%s:%s note: %s\n", bold, set.Place(n.Pos), reset, n.Msg)
		caret(w, set, n.Pos, red, reset)
	}
}

func caret(w io.Writer, set *Set, p Pos, on, off string) {
	f := set.File(p.File)
	if f == nil {
		return
	}
	line, col := f.LineCol(p.Off)
	text := string(f.Line(line))
	if len(text) > 300 { // a generated line helps nobody
		return
	}
	if col > len(text)+1 {
		col = len(text) + 1
	}
	pad := strings.Map(func(r rune) rune {
		if r == '\t' {
			return '\t'
		}
		return ' '
	}, text[:col-1])
	fmt.Fprintf(w, " %5d | %s\n       | %s%s^%s\n", line, text, pad, on, off)
}
