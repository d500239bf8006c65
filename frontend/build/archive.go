package build

import (
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
)

// ReplaceMembers copies an archive with the contents of some members replaced:
// those whose bytes begin at a given offset (Object.Offset), by those of a file. The
// symbol index is left out: it is for ar to make.
func ReplaceMembers(from, to string, members map[int64]string) (err error) {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := os.Create(to)
	if err != nil {
		return err
	}
	defer func() {
		if cerr := out.Close(); err == nil {
			err = cerr
		}
		if err != nil {
			os.Remove(to)
		}
	}()
	if _, err := out.WriteString("!<arch>\n"); err != nil {
		return err
	}
	replaced := 0
	for off := int64(8); ; {
		var h [60]byte
		if _, err := in.ReadAt(h[:], off); err == io.EOF {
			break
		} else if err != nil {
			return err
		}
		n, err := strconv.ParseInt(strings.TrimRight(string(h[48:58]), " "), 10, 64)
		if err != nil || n < 0 || string(h[58:]) != "`\n" {
			return fmt.Errorf("%s: damaged archive: bad member header at byte %d", from, off)
		}
		off += 60
		name := strings.TrimRight(string(h[:16]), " ")
		next := off + n + n&1
		if name == "/" || name == "/SYM64/" || strings.HasPrefix(name, "__.SYMDEF") {
			off = next
			continue
		}
		// A BSD name stands in front of the contents.
		skip := int64(0)
		if at, ok := strings.CutPrefix(name, "#1/"); ok {
			if skip, err = strconv.ParseInt(at, 10, 64); err != nil || skip < 0 || skip > n {
				return fmt.Errorf("%s: damaged archive: bad member name %q", from, name)
			}
		}
		var body io.Reader = io.NewSectionReader(in, off, n)
		size := n
		if path, ok := members[off+skip]; ok {
			f, err := os.Open(path)
			if err != nil {
				return err
			}
			defer f.Close()
			st, err := f.Stat()
			if err != nil {
				return err
			}
			size = skip + st.Size()
			body = io.MultiReader(io.NewSectionReader(in, off, skip), f)
			replaced++
		}
		copy(h[48:58], fmt.Sprintf("%-10d", size))
		if _, err := out.Write(h[:]); err != nil {
			return err
		}
		if m, err := io.Copy(out, body); err != nil {
			return err
		} else if m != size {
			return fmt.Errorf("%s: damaged archive: a member is cut off", from)
		}
		if size&1 != 0 {
			if _, err := out.WriteString("\n"); err != nil {
				return err
			}
		}
		off = next
	}
	if replaced != len(members) {
		return fmt.Errorf("%s: %d of %d members found", from, replaced, len(members))
	}
	return nil
}

// RuleSources returns the files on the right of a make rule that a compiler
// wrote (-MD).
func RuleSources(rule string) []string {
	_, rest, ok := strings.Cut(rule, ":")
	if !ok {
		return nil
	}
	var out []string
	var cur strings.Builder
	flush := func() {
		if cur.Len() > 0 {
			out = append(out, cur.String())
			cur.Reset()
		}
	}
	for i := 0; i < len(rest); i++ {
		switch c := rest[i]; {
		case c == '\\' && i+1 < len(rest) && rest[i+1] == '\n':
			flush()
			i++
		case c == '\\' && i+1 < len(rest) && (rest[i+1] == ' ' || rest[i+1] == '#'):
			i++
			cur.WriteByte(rest[i])
		case c == '$' && i+1 < len(rest) && rest[i+1] == '$':
			i++
			cur.WriteByte('$')
		case c == '\n':
			flush()
			return out
		case c == ' ' || c == '\t':
			flush()
		default:
			cur.WriteByte(c)
		}
	}
	flush()
	return out
}
