package rewrite

import (
	"bytes"
	"testing"
)

// @ is where the header goes; without one it needs a line of its own.
func TestBlankLine(t *testing.T) {
	for _, c := range []string{
		"/* licence\n\n * text */\n@\n#include <a.h>\n",
		"/* licence */\r\n@\r\n#include <a.h>\r\n",
		"// one\n// two\n  @\n",
		"#include <a.h>\n\nint x;\n",
		"int x;\n\nint y;\n",
		"#define A 1\n#ifdef B\n\n#define C\n#endif\n@\nint x;\n",
		"#define A 1 /* goes\n\n on */\n@\nint x;\n",
		"#define A \"/*\"\n@\nint x;\n",
		"#define A \\\n\nint x;\n",
		"// goes on \\\n\nint x;\n",
		"#ifndef X\n\n#include \"a.h\"\n",
		"@\nint x;\n",
		"int x;",
		"",
		"/* a */ int x;\n\n",
		"/* a */ /* b\n\n*/ int x;\n\n",
	} {
		text := []byte(c)
		want := bytes.IndexByte(text, '@')
		at, ok := blankLine(bytes.ReplaceAll(text, []byte("@"), nil))
		if !ok {
			at = -1
		} else if want > 0 && c[want-1] == ' ' {
			at += 2 // at the start of a line of blanks
		}
		if at != want {
			t.Errorf("%q: at %d, want %d", c, at, want)
		}
	}
}
