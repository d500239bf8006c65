package build

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// expandLimit is libiberty's: that many files mean that one names itself.
const expandLimit = 2000

// expand replaces each @FILE by the arguments in FILE, as the compiler driver
// does before it looks at anything else. What FILE holds is expanded again. An
// @FILE that cannot be read stays as it is: the driver takes it for the name
// of an input.
//
// It has to happen at compile time: build systems delete response files as
// soon as the compiler is done.
func expand(argv []string, dir string) ([]string, error) {
	found := false
	for _, a := range argv {
		found = found || len(a) > 1 && a[0] == '@'
	}
	if !found {
		return argv, nil
	}
	rest := append([]string(nil), argv...)
	var out []string
	for n := 0; len(rest) > 0; {
		a := rest[0]
		rest = rest[1:]
		if len(a) < 2 || a[0] != '@' {
			out = append(out, a)
			continue
		}
		name := a[1:]
		if !filepath.IsAbs(name) {
			name = filepath.Join(dir, name)
		}
		data, err := os.ReadFile(name)
		if err != nil {
			out = append(out, a)
			continue
		}
		if n++; n > expandLimit {
			return nil, &ArgsError{fmt.Sprintf("%s: too many response files: does one name itself?", a)}
		}
		rest = append(splitResponse(string(data)), rest...)
	}
	return out, nil
}

// splitResponse splits as libiberty's buildargv does: a backslash quotes the
// next byte everywhere, even between single quotes.
func splitResponse(s string) []string {
	if i := strings.IndexByte(s, 0); i >= 0 {
		s = s[:i]
	}
	return split(s, true)
}

// splitCommand splits the "command" of a compilation database. The format is
// said to be shell-escaped, but it is never run by a shell: no variable, glob
// or operator has a meaning in it, only quotes and backslashes, and a command
// that a shell would reject (-DF(x)=1) is still one.
func splitCommand(s string) []string { return split(s, false) }

func split(s string, response bool) []string {
	var out []string
	var cur strings.Builder
	in := false
	quote := byte(0)
	for i := 0; i < len(s); i++ {
		c := s[i]
		switch {
		case c == '\\' && (response || quote != '\'') && i+1 < len(s):
			// Between double quotes a shell removes the backslash only
			// before these.
			if !response && quote == '"' && !strings.ContainsRune("\"\\$`\n", rune(s[i+1])) {
				cur.WriteByte(c)
			} else {
				i++
				cur.WriteByte(s[i])
			}
			in = true
		case c == '\\' && response: // the last byte: dropped
			in = true
		case quote != 0:
			if c == quote {
				quote = 0
			} else {
				cur.WriteByte(c)
			}
		case c == '\'' || c == '"':
			quote, in = c, true
		case c == ' ' || c >= '\t' && c <= '\r':
			if in {
				out = append(out, cur.String())
				cur.Reset()
				in = false
			}
		default:
			cur.WriteByte(c)
			in = true
		}
	}
	if in {
		out = append(out, cur.String())
	}
	return out
}
