package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// saz parse says the same at every -j, warm or cold, as text and as JSON; an
// error has its line, a caret, and the way through the macros.
func TestParse(t *testing.T) {
	dir := t.TempDir()
	var sources []string
	for i := range 12 {
		name := fmt.Sprintf("u%d.c", i)
		text := fmt.Sprintf("#include <string.h>\n#include \"m.h\"\nint f%d(char *s) { return CALL(strlen, s) + %d; }\nstatic inline int dead%d(void) { return WRONG; }\n", i, i, i)
		if i == 5 {
			text += "int bad(int x) { return TWICE(x +); }\n"
		}
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
		sources = append(sources, name)
	}
	os.WriteFile(filepath.Join(dir, "m.h"), []byte("#define CALL(f, x) f(x)\n#define INNER(x) ((x) * 2)\n#define TWICE(x) INNER(x)\nenum { WRONG };\n"), 0o666)
	parse := func(args ...string) ran {
		r := runIn(t, dir, filepath.Join(bin, "saz"), append(append([]string{"parse"}, args...), sources...)...)
		if r.code != exitPartial {
			t.Fatalf("exit status %d\n%s%s", r.code, r.out, r.err)
		}
		lines := strings.Split(strings.TrimSuffix(r.out, "\n"), "\n")
		if !strings.HasPrefix(r.out, "{") {
			r.out = strings.Join(lines[:len(lines)-1], "\n") // the last is what it took
		}
		return r
	}
	want := parse("-j1", "--no-cache")
	for _, l := range []string{"u5.c:5:25: error: expected an expression, at `)` [parse-error]", "|                         ^", "in the expansion of macro `INNER`", "m.h:3:9: note: in the expansion of macro `TWICE`", "m.h:2:9:"} {
		if !strings.Contains(want.err, l) {
			t.Errorf("the diagnostic has no %q:\n%s", l, want.err)
		}
	}
	if !strings.Contains(want.out, "12 units") {
		t.Errorf("no total:\n%s", want.out)
	}
	wantJSON := parse("-j1", "--no-cache", "--format", "json")
	for _, args := range [][]string{{"-j1"}, {"-j2"}, {"-j5", "--no-cache"}, {"-j16"}} {
		if got := parse(args...); got != want {
			t.Errorf("%v differs:\n%s%s\nwant\n%s%s", args, got.out, got.err, want.out, want.err)
		}
		if got := parse(append(args, "--format", "json")...); got != wantJSON {
			t.Errorf("%v, as JSON, differs:\n%s", args, got.out)
		}
	}
	var doc struct {
		Schema string
		Units  []struct {
			Unit                               string
			Files, Lines, Declarations, Errors int
		}
		Total       struct{ Files, Lines, Errors int }
		Diagnostics []struct {
			ID, File  string
			Line, Col int
			Notes     []struct{ Message string }
		}
	}
	if err := json.Unmarshal([]byte(wantJSON.out), &doc); err != nil {
		t.Fatal(err)
	}
	if doc.Schema != "saz.parse/1" || len(doc.Units) != 12 || doc.Units[5].Errors != 1 || doc.Total.Errors != 1 || doc.Units[0].Lines <= doc.Units[0].Files {
		t.Errorf("%+v", doc)
	}
	if d := doc.Diagnostics; len(d) != 1 || d[0].ID != "parse-error" || d[0].File != "u5.c" || d[0].Line != 5 || len(d[0].Notes) != 2 {
		t.Errorf("diagnostics %+v", d)
	}
}
