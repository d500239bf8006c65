package config

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"saz/ir/models"
)

const full = `# every setting once
receive:
  - {function: ring_next, result: true}
  - function: ring_read
    buffers: [1]
output:
  packet: [ring_send]
  log:
    - {function: audit, data: [0, 1]}
allocation:
  - {function: pool_get, size: [0], zero: true}
  - {function: pool_put, frees: 0}
models:
  - name: mystery
    reads: [0]
  - names: [a, b]
    opaque: [0]
model_files: [more.yaml]
opaque: [struct ssl_st, regex_t]
skip: [debug, "util.c:level", usage.buf]
containers:
  - variable: flows
    insert: flow_add
    remove: flow_del
    lookup: flow_find
  - {variable: table, shape: none}
  - {variable: pairs, shape: hash-list, next: l.next, keys: [{field: a.src, header: nw_src}, {field: port, header: tp_src, host: true}], both_ways: true}
packet_loops: [serve]
merge:
  - {variable: stats, field: len.longest, op: max}
  - {variable: stats, op: add}
only: [updateable, log]
sort: size
fail_on: changes
jobs: 3
marks: exact
`

func TestFull(t *testing.T) {
	c, err := Parse("dir/saz.yaml", []byte(full))
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, s := range c.Settings() {
		got = append(got, s.Key+" "+s.Value+" @"+strings.TrimPrefix(s.From, "saz.yaml:"))
	}
	if diff := cmp.Diff([]string{
		"receive ring_next (result) @3",
		"receive ring_read (buffers 1) @4",
		"packet_loops serve @28",
		"output ring_send (packet) @7",
		"output audit (log, data 0 1) @9",
		"allocation pool_get (allocates, size 0, zeroed) @11",
		"allocation pool_put (frees 0) @12",
		"models mystery @14", "models a @16", "models b @16",
		"model_files more.yaml @18",
		"opaque struct ssl_st @19", "opaque regex_t @19",
		"skip debug @20", "skip util.c:level @20", "skip usage.buf @20",
		"containers flows insert=flow_add remove=flow_del lookup=flow_find @22",
		"containers table shape=none @26",
		"containers pairs shape=hash-list next=l.next a.src:nw_src port:tp_src both ways @27",
		"merge stats.len.longest: max @30", "merge stats: add @31",
		"only updateable,log @32", "sort size @33", "fail_on changes @34", "jobs 3 @35", "marks exact @36",
	}, got); diff != "" {
		t.Error(diff)
	}
	for _, x := range []struct {
		what string
		ok   bool
	}{
		{"tag", c.IsOpaque("ssl_st", "")}, {"typedef", c.IsOpaque("", "regex_t")}, {"not one", !c.IsOpaque("ssl", "regex")},
		{"skip", c.Skips(Var{Name: "debug"})}, {"skip by file", c.Skips(Var{Name: "level", File: "/src/util.c"})},
		{"another file's", !c.Skips(Var{Name: "level", File: "/src/xutil.c"})}, {"skip by procedure", c.Skips(Var{Name: "buf", Procedure: "usage"})},
		{"another procedure's", !c.Skips(Var{Name: "buf", Procedure: "main"})},
		{"field", c.MergeOf(Var{Name: "stats"}, "len.longest") == "max"}, {"another field", c.MergeOf(Var{Name: "stats"}, "len.sum") == "add"},
		{"another variable", c.MergeOf(Var{Name: "stat"}, "x") == ""}, {"container", c.ContainerOf(Var{Name: "flows"}).Insert.Text == "flow_add"},
		{"none", c.ContainerOf(Var{Name: "table"}).None},
	} {
		if !x.ok {
			t.Errorf("%s is wrong", x.what)
		}
	}
	var none *Config
	if none.Skips(Var{Name: "x"}) || none.IsOpaque("x") || none.MergeOf(Var{}, "") != "" || none.ContainerOf(Var{}) != nil || none.Receives("x") != nil || none.Apply(models.Default()) != nil {
		t.Error("a nil Config says something")
	}
}

// The example in the documentation is a file that is read, and has every setting.
func TestDocumentation(t *testing.T) {
	doc, err := os.ReadFile("../../docs/configuration.md")
	if err != nil {
		t.Fatal(err)
	}
	_, text, _ := strings.Cut(string(doc), "```yaml\n")
	text, _, ok := strings.Cut(text, "```")
	if !ok {
		t.Fatal("no example")
	}
	c, err := Parse("saz.yaml", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	keys := map[string]bool{}
	for _, s := range c.Settings() {
		keys[s.Key] = true
	}
	for _, k := range []string{"receive", "output", "allocation", "models", "model_files", "opaque", "containers", "merge", "skip", "only", "sort", "fail_on", "jobs", "marks"} {
		if !keys[k] {
			t.Errorf("the example lacks %s", k)
		}
	}
}

// Each mistake is shown with its line and a caret, and what may have been meant.
func TestMistakes(t *testing.T) {
	for _, x := range []struct{ text, at, want string }{
		{"recieve: []\n", "1:1", `did you mean "receive"?`},
		{"opaque: SSL\n", "1:9", "a list is wanted here"},
		{"\n\nskip:\n  - a\n  - {b: c}\n", "5:5", "a word is wanted"},
		{"merge:\n  - {variable: x, op: ad}\n", "2:23", `did you mean "add"?`},
		{"merge:\n  - {variable: x, feild: y, op: add}\n", "2:19", `did you mean "field"?`},
		{"merge:\n  - {field: y, op: add}\n", "2:5", "names a variable"},
		{"receive:\n  - {function: f}\n", "2:5", "where does f put the packet?"},
		{"receive:\n  - {function: f, buffers: [99]}\n", "2:29", "0 to 15"},
		{"receive:\n  - f\n", "2:5", "KEY: VALUE is wanted"},
		{"output:\n  pakcet: [f]\n", "2:3", `did you mean "packet"?`},
		{"allocation:\n  - {function: f}\n", "2:5", "does f allocate or release?"},
		{"models:\n  - {name: f, raeds: [0]}\n", "2:15", `did you mean "reads"?`},
		{"models:\n  - {name: f, output: pack}\n", "2:5", "want packet, log or descriptor"},
		{"models:\n  - {reads: [0]}\n", "2:5", "neither name nor names"},
		{"models:\n  - {name: f, reads: x}\n", "2:22", "a list is wanted here"},
		{"jobs: many\n", "1:7", "a number is wanted"},
		{"skip: [a]\nopaque: [b]\nskip: [c]\n", "3:1", "already defined"},
		{"skip: [a\n", "1:", ""},
		{"ä: [a]\nskip: {}\n", "2:7", "a list is wanted"},
		{"- a\n", "1:1", "KEY: VALUE is wanted"},
		{"skip: *x\n", "1:", ""},
		{"containers:\n  - {variable: x, shape: tre}\n", "2:26", `did you mean "tree"?`},
		{"containers:\n  - {variable: x, keys: [{field: a, header: nw_scr}]}\n", "2:45", `did you mean "nw_src"?`},
		{"containers:\n  - {variable: x, keys: [{field: a}]}\n", "2:26", "names a field of the entry and a header field"},
		{"containers:\n  - {variable: x, keys: a}\n", "2:25", "a list is wanted"},
		{"packet_loop: [f]\n", "1:1", `did you mean "packet_loops"?`},
		{"packet_loops: f\n", "1:15", "a list is wanted"},
	} {
		_, err := Parse("saz.yaml", []byte(x.text))
		if err == nil {
			t.Errorf("%q passes", x.text)
			continue
		}
		s := err.Error()
		if !strings.Contains(s, "saz.yaml:"+x.at) || !strings.Contains(s, x.want) || !strings.Contains(s, "^") {
			t.Errorf("%q: want %s and %q in\n%s", x.text, x.at, x.want, s)
		}
	}
	for _, ok := range []string{"", "# nothing\n", "skip:\n", "receive: []\n"} {
		if _, err := Parse("saz.yaml", []byte(ok)); err != nil {
			t.Errorf("%q: %v", ok, err)
		}
	}
}

// Models of the file are added to the built-in ones; a receive function that has a model keeps the rest of it; files that a
// flag names go before the file.
func TestApply(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) string {
		p := filepath.Join(dir, name)
		if err := os.WriteFile(p, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		return p
	}
	write("lib.yaml", "- {name: one, reads: [0]}\n- {name: two, reads: [0]}\n")
	flag := write("flag.yaml", "- {name: two, reads: [3]}\n")
	c, err := Load(write("saz.yaml", "model_files: [lib.yaml]\nmodels:\n  - {name: two, reads: [2]}\nreceive:\n  - {function: fread, buffers: [0]}\noutput: {packet: [newsend]}\n"))
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Add("models", "--models", flag); err != nil {
		t.Fatal(err)
	}
	set := models.Default()
	before := *set.Lookup("fread")
	if err := c.Apply(set); err != nil {
		t.Fatal(err)
	}
	if m := set.Lookup("one"); m == nil || !cmp.Equal(m.Reads, []int{0}) {
		t.Errorf("one: %+v", m)
	}
	if m := set.Lookup("two"); m == nil || !cmp.Equal(m.Reads, []int{3}) {
		t.Errorf("two: %+v, want the flag's", m)
	}
	if m := set.Lookup("fread"); m.Receive == nil || !cmp.Equal(m.Receive.Buffers, []int{0}) || !cmp.Equal(m.Opaque, before.Opaque) || !cmp.Equal(m.Writes, before.Writes) {
		t.Errorf("fread: %+v", m)
	}
	if m := set.Lookup("newsend"); m == nil || m.Output != "packet" {
		t.Errorf("newsend: %+v", m)
	}
	if models.Default().Lookup("fread").Receive != nil {
		t.Error("the built-in model has changed")
	}
}

func TestFind(t *testing.T) {
	dir := t.TempDir()
	t.Chdir(dir)
	for _, p := range []string{"src/a/x.c", "src/b/y.c", "out/prog"} {
		os.MkdirAll(filepath.Dir(p), 0o755)
		os.WriteFile(p, nil, 0o644)
	}
	target, sources := []string{"out/prog"}, []string{filepath.Join(dir, "src/a/x.c"), filepath.Join(dir, "src/b/y.c")}
	if p := Find(target, sources); p != "" {
		t.Errorf("found %q", p)
	}
	for _, want := range []string{"src/saz.yaml", "out/saz.yaml", "saz.yaml"} { // each goes before the last
		os.WriteFile(want, nil, 0o644)
		got := Find(target, sources)
		if rel, err := filepath.Rel(dir, got); err == nil && filepath.IsAbs(got) {
			got = rel
		}
		if got != want {
			t.Errorf("found %q, want %q", got, want)
		}
	}
}

func TestNearest(t *testing.T) {
	for _, x := range []struct{ word, want string }{{"totl", "total"}, {"bukcet", "bucket"}, {"xyzzy", ""}, {"a", ""}} {
		if got := Nearest(x.word, []string{"bucket", "total", "bc"}); got != x.want {
			t.Errorf("Nearest(%q) is %q, want %q", x.word, got, x.want)
		}
	}
}

// Whatever the text is, it is read or refused, with errors that lie in it.
func FuzzParse(f *testing.F) {
	f.Add([]byte(full))
	f.Add([]byte("a: &x [b]\nc: *x\n"))
	f.Add([]byte("skip: !!binary |\n  aaaa\n"))
	f.Add([]byte("models:\n  - {name: \"\\x00\", reads: [[0]]}\n"))
	f.Add([]byte("? [a]\n: b\n<<: c\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		c, err := Parse("saz.yaml", data)
		if err != nil {
			if err.Error() == "" {
				t.Error("an error without words")
			}
			return
		}
		c.Settings()
		if err := c.Apply(models.Default()); err != nil && len(c.ModelFiles) == 0 {
			t.Error(err)
		}
	})
}
