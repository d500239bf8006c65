// Package text prints reports for people at a terminal: the table of variables, the path
// behind a verdict with its source lines, what changed since an earlier report.
package text

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"saz/passes/report"
)

// A Style is what the reader's terminal can show.
type Style struct {
	Color bool
	Width int // columns; 0: MaxWidth
}

// MaxWidth is how wide any line gets of those that can be cut.
const MaxWidth = 100

func (s Style) width() int {
	if s.Width <= 0 || s.Width > MaxWidth {
		return MaxWidth
	}
	return max(s.Width, 40)
}

func (s Style) sgr(code, text string) string {
	if !s.Color || text == "" {
		return text
	}
	return "\x1b[" + code + "m" + text + "\x1b[0m"
}

func (s Style) bold(t string) string { return s.sgr("1", t) }
func (s Style) dim(t string) string  { return s.sgr("2", t) }

// verdict colours the word by what it asks of the reader.
func (s Style) verdict(word, text string) string {
	switch word {
	case report.PerFlow:
		return s.sgr("32", text)
	case report.MultiFlow:
		return s.sgr("36", text)
	case report.AllFlows, report.Updated:
		return s.sgr("33", text)
	}
	return s.dim(text)
}

// Plural writes "1 file", "2 files", "2 entries".
func Plural(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	if strings.HasSuffix(what, "y") {
		return fmt.Sprintf("%d %sies", n, strings.TrimSuffix(what, "y"))
	}
	return fmt.Sprintf("%d %ss", n, what)
}

// columns counts what is seen of s: colours take no room.
func columns(s string) int {
	n, in := utf8.RuneCountInString(s), false
	for _, c := range s {
		if in || c == '\x1b' {
			n--
			in = c != 'm'
		}
	}
	return n
}

// Cut shortens s to n columns.
func Cut(s string, n int) string {
	if columns(s) <= n {
		return s
	}
	if n < 1 {
		return ""
	}
	return string([]rune(s)[:n-1]) + "…"
}

// cutFront shortens s to n columns from the left: the end of a path says more.
func cutFront(s string, n int) string {
	if columns(s) <= n {
		return s
	}
	r := []rune(s)
	return "…" + string(r[len(r)-n+1:])
}

func pad(s string, n int) string {
	if k := n - columns(s); k > 0 {
		return s + strings.Repeat(" ", k)
	}
	return s
}

// fill sets words in lines of at most width columns, indented.
func fill(words []string, indent string, width int) string {
	var b strings.Builder
	col := 0
	for i, w := range words {
		if i < len(words)-1 {
			w += ","
		}
		n := columns(w)
		switch {
		case col == 0:
			b.WriteString(indent)
			col = len(indent)
		case col+1+n > width:
			b.WriteString("\n" + indent)
			col = len(indent)
		default:
			b.WriteByte(' ')
			col++
		}
		b.WriteString(w)
		col += n
	}
	return b.String()
}

// Wrap breaks prose into lines of at most width columns.
func Wrap(s string, width int) string { return wrap(s, "", 0, width) }

// wrap breaks prose at spaces; lines after the first are indented.
func wrap(s, indent string, first, width int) string {
	var b strings.Builder
	col := first
	for i, w := range strings.Fields(s) {
		n := columns(w)
		if i > 0 {
			if col+1+n > width {
				b.WriteString("\n" + indent)
				col = len(indent)
			} else {
				b.WriteByte(' ')
				col++
			}
		}
		b.WriteString(w)
		col += n
	}
	return b.String()
}
