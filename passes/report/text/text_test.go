package text

import (
	"strings"
	"testing"

	"saz/passes/report"
)

func TestCarets(t *testing.T) {
	long := "\tvalue = first_function(argument_one, argument_two) + second_function(argument_three) + third(x);"
	for _, x := range []struct {
		line         string
		cols         []int
		width        int
		text, carets string
	}{
		{"\t\tcount++;", []int{3}, 80, "count++;", "^"},
		{"  a = b;", []int{3, 7}, 80, "a = b;", "^   ^"},
		{"\tx\ty;", []int{4}, 80, "x y;", "  ^"},
		{"s = \"ä€\", n = 1;", []int{len("s = \"ä€\", ") + 1}, 80, "s = \"ä€\", n = 1;", "          ^"},
		{"a;  \r", []int{0}, 80, "a;", ""},
		{"a;", []int{99}, 80, "a;", ""},
		{"", nil, 80, "", ""},
	} {
		text, carets := Carets(x.line, x.cols, x.width)
		if text != x.text || carets != x.carets {
			t.Errorf("%q %v: %q %q, want %q %q", x.line, x.cols, text, carets, x.text, x.carets)
		}
	}
	// Of a long line the part around the caret is shown, and the caret is under its word.
	for _, word := range []string{"value", "second", "third", "x);"} {
		at := strings.Index(long, word)
		text, carets := Carets(long, []int{at + 1}, 40)
		r := []rune(text)
		k := len([]rune(carets)) - 1
		if len(r) > 40 || k < 0 || !strings.HasPrefix(string(r[k:]), word[:1]) {
			t.Errorf("%s: %q\n    %q", word, text, carets)
		}
	}
}

func TestOnly(t *testing.T) {
	flow := &report.Variable{Persistent: true, TopLevel: true, Updateable: true, Scope: "per-flow", Impacts: []string{"log"}}
	shared := &report.Variable{Persistent: true, TopLevel: true, Updateable: true, Scope: "all-flows", Impacts: []string{"packet"}}
	conf := &report.Variable{Persistent: true, TopLevel: true, Scope: "none"}
	for words, want := range map[string]string{
		"all": "flow shared conf", "updateable": "flow shared", "per-flow": "flow", "per-flow,all-flows": "flow shared",
		"updateable,packet": "shared", "read-only": "conf", "read-only,updateable": "flow shared conf", "per-flow,packet": "", "": "flow shared conf",
	} {
		keep, bad := Only(strings.FieldsFunc(words, func(r rune) bool { return r == ',' }))
		if bad != "" {
			t.Fatal(bad)
		}
		var got []string
		for _, x := range []struct {
			n string
			v *report.Variable
		}{{"flow", flow}, {"shared", shared}, {"conf", conf}} {
			if keep(x.v) {
				got = append(got, x.n)
			}
		}
		if s := strings.Join(got, " "); s != want {
			t.Errorf("--only %s: %s, want %s", words, s, want)
		}
	}
	if _, bad := Only([]string{"updateable", "nonsense"}); bad != "nonsense" {
		t.Errorf("unknown word %q", bad)
	}
}

func TestWords(t *testing.T) {
	for n, want := range map[int]string{0: "0 entries", 1: "1 entry", 2: "2 entries"} {
		if got := Plural(n, "entry"); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
	if s := Cut("abcdef", 4); s != "abc…" {
		t.Errorf("Cut: %q", s)
	}
	if s := cutFront("dir/file.c:12", 8); s != "…le.c:12" {
		t.Errorf("cutFront: %q", s)
	}
	if n := columns("\x1b[1mbold\x1b[0m"); n != 4 {
		t.Errorf("columns: %d", n)
	}
	for _, l := range strings.Split(Wrap("some words that are broken at a width of twenty columns", 20), "\n") {
		if len(l) > 20 {
			t.Errorf("wrapped to %d columns: %q", len(l), l)
		}
	}
	if got := between("a b c d e f", "a b c d x f"); got != "+x -e" {
		t.Errorf("between: %q", got)
	}
}

// A table says that a program was too large for its sets, and nothing of it else.
func TestMergedPlaces(t *testing.T) {
	for _, n := range []int{0, 1, 1200} {
		r := &report.Report{Program: "big", Counts: report.Counts{MergedPlaces: n}}
		var out strings.Builder
		Table(&out, r, func(*report.Variable) bool { return true }, "", Style{})
		if said := strings.Contains(out.String(), "not told apart"); said != (n > 0) {
			t.Errorf("%d: %s", n, &out)
		}
		if n > 0 {
			t.Log(out.String())
		}
	}
}
