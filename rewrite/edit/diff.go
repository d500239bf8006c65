package edit

import (
	"bytes"
	"fmt"
	"io"
	"strings"
)

// context is the number of unchanged lines around a hunk.
const context = 3

// region is a run of whole lines that changes.
type region struct {
	line     int // number of old lines before it
	del, add [][]byte
}

// Diff writes the file's edits as a unified diff that `patch -p1` takes, name
// being the file's name relative to the tree. Without a change it writes
// nothing.
//
// What changed is known exactly, so nothing has to be searched for: the time is
// linear in the file and the edits, where a general diff of a source of 9 MB
// with a mark on every third line is not.
func (f *File) Diff(w io.Writer, name string) error {
	edits, err := f.Edits()
	if err != nil {
		return err
	}
	return writeDiff(w, "a/"+name, "b/"+name, f.Orig, regions(f.Orig, edits))
}

// DiffNew writes a diff that creates a file.
func DiffNew(w io.Writer, name string, content []byte) error {
	if len(content) == 0 {
		return nil
	}
	return writeDiff(w, "/dev/null", "b/"+name, nil, []region{{add: lines(content)}})
}

// lines splits into lines, each with its newline if it has one.
func lines(b []byte) [][]byte {
	if len(b) == 0 {
		return nil
	}
	out := make([][]byte, 0, bytes.Count(b, []byte("\n"))+1)
	for len(b) > 0 {
		n := bytes.IndexByte(b, '\n') + 1
		if n == 0 {
			n = len(b)
		}
		out = append(out, b[:n])
		b = b[n:]
	}
	return out
}

// regions turns edits, in order, into changed lines.
func regions(orig []byte, edits []Edit) []region {
	var out []region
	line, at := 0, 0 // lines before byte at
	for i := 0; i < len(edits); {
		from := bytes.LastIndexByte(orig[:edits[i].Off], '\n') + 1
		to := from
		j := i
		for ; j < len(edits) && (j == i || int(edits[j].Off) < to || to == len(orig)); j++ {
			end := int(edits[j].End)
			if n := bytes.IndexByte(orig[end:], '\n'); n >= 0 {
				end += n + 1
			} else {
				end = len(orig)
			}
			to = max(to, end)
		}
		line += bytes.Count(orig[at:from], []byte("\n"))
		at = from
		r := region{line: line, del: lines(orig[from:to]), add: lines(apply(orig, from, to, edits[i:j]))}
		for len(r.del) > 0 && len(r.add) > 0 && bytes.Equal(r.del[0], r.add[0]) {
			r.del, r.add = r.del[1:], r.add[1:]
			r.line++
		}
		for len(r.del) > 0 && len(r.add) > 0 && bytes.Equal(r.del[len(r.del)-1], r.add[len(r.add)-1]) {
			r.del, r.add = r.del[:len(r.del)-1], r.add[:len(r.add)-1]
		}
		if len(r.del)+len(r.add) > 0 {
			out = append(out, r)
		}
		i = j
	}
	return out
}

func writeDiff(w io.Writer, from, to string, orig []byte, regs []region) error {
	if len(regs) == 0 {
		return nil
	}
	var b bytes.Buffer
	fmt.Fprintf(&b, "--- %s\n+++ %s\n", diffName(from), diffName(to))
	old := lines(orig)
	put := func(sign byte, line []byte) {
		b.WriteByte(sign)
		b.Write(line)
		if len(line) == 0 || line[len(line)-1] != '\n' {
			b.WriteString("\n\\ No newline at end of file\n")
		}
	}
	shift := 0 // new line number minus old one
	for i := 0; i < len(regs); {
		j := i + 1
		end := regs[i].line + len(regs[i].del)
		for j < len(regs) && regs[j].line <= end+2*context {
			end = regs[j].line + len(regs[j].del)
			j++
		}
		first, last := max(0, regs[i].line-context), min(len(old), end+context)
		added := 0
		for _, r := range regs[i:j] {
			added += len(r.add) - len(r.del)
		}
		fmt.Fprintf(&b, "@@ -%s +%s @@\n", span(first, last-first), span(first+shift, last-first+added))
		shift += added
		at := first
		for _, r := range regs[i:j] {
			for ; at < r.line; at++ {
				put(' ', old[at])
			}
			for _, l := range r.del {
				put('-', l)
			}
			for _, l := range r.add {
				put('+', l)
			}
			at += len(r.del)
		}
		for ; at < last; at++ {
			put(' ', old[at])
		}
		i = j
		if b.Len() > 1<<16 {
			if _, err := w.Write(b.Bytes()); err != nil {
				return err
			}
			b.Reset()
		}
	}
	_, err := w.Write(b.Bytes())
	return err
}

// span prints a range of lines, of which before come ahead.
func span(before, n int) string {
	switch n {
	case 0:
		return fmt.Sprintf("%d,0", before)
	case 1:
		return fmt.Sprint(before + 1)
	}
	return fmt.Sprintf("%d,%d", before+1, n)
}

// diffName spells a file name as patch reads it: a tab ends a name with spaces,
// and one with stranger bytes is quoted as in C.
func diffName(name string) string {
	for i := 0; i < len(name); i++ {
		if c := name[i]; c < ' ' || c == '"' || c == '\\' || c == 0x7f {
			return quote(name)
		}
	}
	if strings.ContainsRune(name, ' ') {
		return name + "\t"
	}
	return name
}

func quote(s string) string {
	var b strings.Builder
	b.WriteByte('"')
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c == '"' || c == '\\':
			b.WriteByte('\\')
			b.WriteByte(c)
		case c == '\n':
			b.WriteString(`\n`)
		case c == '\t':
			b.WriteString(`\t`)
		case c < ' ' || c >= 0x7f:
			fmt.Fprintf(&b, `\%03o`, c)
		default:
			b.WriteByte(c)
		}
	}
	b.WriteByte('"')
	return b.String()
}
