package syntax

import (
	"bytes"
	"os"
	"os/exec"
	"strings"
	"testing"

	"saz/frontend/cpp"
	"saz/frontend/source"
)

// unitOf makes a unit of preprocessed text, as gcc -E -P prints it. The tests
// of this package thus depend on no preprocessor but the compiler's.
func unitOf(t testing.TB, name string, b []byte) (*cpp.Unit, *source.Set) {
	t.Helper()
	set := source.NewSet()
	f := set.Add(name, b)
	u := &cpp.Unit{Main: f, Chains: make([]cpp.Chain, 1)}
	idStart := func(c byte) bool {
		return c == '_' || c == '$' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= 0x80
	}
	digit := func(c byte) bool { return c >= '0' && c <= '9' }
	intern := map[string]string{}
	line, space := true, false
	for i, n := 0, len(b); i < n; {
		c := b[i]
		switch {
		case c == '\n':
			line = true
			i++
			continue
		case c == ' ' || c == '\t' || c == '\r' || c == '\f' || c == '\v':
			space = true
			i++
			continue
		case c == '#' && line: // a pragma or line marker
			j := bytes.IndexByte(b[i:], '\n')
			if j < 0 {
				j = n - i
			}
			u.Pragmas = append(u.Pragmas, cpp.Pragma{Tok: int32(len(u.Tokens)), Text: string(b[i : i+j])})
			i += j
			continue
		case bytes.HasPrefix(b[i:], []byte("/*")):
			i += 4 + bytes.Index(b[i+2:], []byte("*/"))
			space = true
			continue
		case bytes.HasPrefix(b[i:], []byte("//")):
			for i < n && b[i] != '\n' {
				i++
			}
			continue
		}
		s, kind := i, cpp.Punct
		switch {
		case idStart(c):
			for i < n && (idStart(b[i]) || digit(b[i])) {
				i++
			}
			kind = cpp.Ident
			if i < n && (b[i] == '"' || b[i] == '\'') && strings.Contains(" L u U u8 ", " "+string(b[s:i])+" ") {
				kind = cpp.String
			}
		case digit(c) || c == '.' && i+1 < n && digit(b[i+1]):
			for i < n && (idStart(b[i]) || digit(b[i]) || b[i] == '.' || (b[i] == '+' || b[i] == '-') && strings.ContainsRune("eEpP", rune(b[i-1]))) {
				i++
			}
			kind = cpp.Number
		case c == '"' || c == '\'':
			kind = cpp.String
		default:
			i++
			for l := 3; l > 1; l-- {
				if s+l <= n && strings.Contains(" ... <<= >>= <: :> <% %> -> ++ -- << >> <= >= == != && || += -= *= /= %= &= ^= |= ", " "+string(b[s:s+l])+" ") {
					i = s + l
					break
				}
			}
		}
		if kind == cpp.String {
			q := b[i]
			if q == '\'' {
				kind = cpp.Char
			}
			for i++; i < n && b[i] != q; i++ {
				if b[i] == '\\' {
					i++
				}
			}
			i = min(i+1, n)
		}
		text, ok := intern[string(b[s:i])]
		if !ok {
			text = string(b[s:i])
			intern[text] = text
		}
		pos := source.Pos{File: f.ID, Off: int32(s)}
		u.Tokens = append(u.Tokens, cpp.Token{Text: text, Kind: kind, Spell: pos, Exp: pos, ExpEnd: int32(i), Space: space, Line: line})
		line, space = false, false
	}
	return u, set
}

// preprocess runs gcc -E -P.
func preprocess(t testing.TB, dir, file string, flags ...string) []byte {
	t.Helper()
	cmd := exec.Command("gcc", append(append([]string{"-E", "-P"}, flags...), file)...)
	cmd.Dir, cmd.Stderr = dir, os.Stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("gcc -E %s: %v", file, err)
	}
	return out
}

func diagnostics(sink *source.Sink, set *source.Set) string {
	var b strings.Builder
	for _, d := range sink.Sorted(set) {
		source.Render(&b, set, d, false)
	}
	return b.String()
}

func newSink() *source.Sink { return new(source.Sink) }
