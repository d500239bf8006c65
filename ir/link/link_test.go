package link_test

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"saz/frontend"
	"saz/frontend/build"
	"saz/frontend/source"
	"saz/ir"
	"saz/ir/link"
)

const header = `
struct conn { struct conn *next; int bytes; };
typedef struct { short a, b; } pair;
struct opaque;
extern int counter;
int publish(struct conn *);
static inline int shared_inline(int x) { return x + 1; }
static inline int never_used(int x) { return x; }
`

var units = map[string]string{
	"a.c": header + `
int counter;
static int hits = 1;
static pair p;
extern struct opaque *o;
int main(void) { counter += publish(0) + hits + shared_inline(1) + p.a; return alias_target_missing(o); }
__attribute__((weak)) int fallback(void) { return 1; }
`,
	"b.c": header + `
int counter;
static int hits = 2;
static pair p;
struct opaque { int x; } mine, *o = &mine;
static int impl(struct conn *c) { return c ? c->bytes : hits + p.b; }
int publish(struct conn *) __attribute__((alias("impl")));
int fallback(void) { return 2; }
extern char **environ;
void *table[] = { &impl, &environ, "text" };
`,
	"c.c": header + `
int broken(int x) { return x + undeclared_name; }
int user(void) { return broken(1) + shared_inline(2); }
struct conn { int clash; };
`,
}

func load(t *testing.T, jobs int, text map[string]string) (*ir.Program, *source.Sink) {
	t.Helper()
	dir := t.TempDir()
	var paths []string
	for _, name := range []string{"a.c", "b.c", "c.c"} {
		if text[name] == "" {
			continue
		}
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text[name]), 0o666); err != nil {
			t.Fatal(err)
		}
		paths = append(paths, path)
	}
	sink := new(source.Sink)
	p, err := build.Load(paths, nil)
	if err != nil {
		t.Skip(err)
	}
	f, err := frontend.Load(p, sink, jobs)
	if err != nil {
		t.Fatal(err)
	}
	prog := link.Link("test", f.Units, f.Files, sink, jobs)
	if err := ir.Verify(prog); err != nil {
		t.Error(err)
	}
	return prog, sink
}

func funcs(p *ir.Program, name string) (out []*ir.Func) {
	for _, f := range p.Funcs {
		if f.Name == name {
			out = append(out, f)
		}
	}
	return out
}

func globals(p *ir.Program, name string) (out []*ir.Global) {
	for _, g := range p.Globals {
		if g.Name == name {
			out = append(out, g)
		}
	}
	return out
}

func TestSymbols(t *testing.T) {
	p, _ := load(t, 2, map[string]string{"a.c": units["a.c"], "b.c": units["b.c"]})
	if p.Entry < 0 || p.Funcs[p.Entry].Name != "main" {
		t.Error("no entry")
	}
	for _, c := range []struct {
		name  string
		funcs int
		link  ir.Linkage
	}{
		{"publish", 0, 0}, // an alias is its target
		{"impl", 1, ir.Internal},
		{"fallback", 1, ir.External},
		{"shared_inline", 1, ir.Internal}, // b.c does not call its copy
		{"never_used", 0, 0},
		{"alias_target_missing", 1, ir.Undefined},
	} {
		l := funcs(p, c.name)
		if len(l) != c.funcs || len(l) > 0 && l[0].Linkage != c.link {
			t.Errorf("%s: %d functions: %+v", c.name, len(l), l)
		}
	}
	if l := funcs(p, "fallback"); len(l) == 1 && l[0].Weak {
		t.Error("the weak fallback won")
	}
	if l := globals(p, "counter"); len(l) != 1 || l[0].Linkage != ir.External {
		t.Errorf("counter: %v", l)
	}
	if l := globals(p, "hits"); len(l) != 2 || l[0].Linkage != ir.Internal || l[0].Unit == l[1].Unit {
		t.Errorf("hits: %v", l)
	}
	if l := globals(p, "o"); len(l) != 1 || l[0].Unit != 1 {
		t.Errorf("o: %v", l)
	}
	if l := globals(p, "table"); len(l) != 1 || len(l[0].Init) != 3 {
		t.Errorf("table: %v", l)
	} else {
		var kinds []string
		for _, it := range l[0].Init {
			kinds = append(kinds, fmt.Sprint(it.Off, it.Value.Kind))
		}
		if got, want := strings.Join(kinds, " "), fmt.Sprint(0, ir.VFunc, " ", 8, ir.VGlobal, " ", 16, ir.VGlobal); got != strings.ReplaceAll(want, "  ", " ") {
			t.Errorf("table holds %q, want %q", got, want)
		}
	}
}

func TestRecords(t *testing.T) {
	p, _ := load(t, 1, map[string]string{"a.c": units["a.c"], "b.c": units["b.c"], "c.c": "struct conn { int clash; } x;"})
	stands := map[string]map[any]bool{}
	for _, u := range p.Units {
		for _, r := range u.AST.Records {
			name := r.Tag
			if name == "" {
				name = r.Typedef
			}
			if stands[name] == nil {
				stands[name] = map[any]bool{}
			}
			stands[name][p.Record(r)] = true
		}
	}
	for name, want := range map[string]int{"conn": 2, "pair": 1, "opaque": 1} {
		if len(stands[name]) != want {
			t.Errorf("%s: %d records, want %d", name, len(stands[name]), want)
		}
	}
}

// TestUnknown: what can't be typed is unknown code, and the rest goes on.
func TestUnknown(t *testing.T) {
	p, sink := load(t, 1, map[string]string{"c.c": units["c.c"]})
	if sink.Errors() == 0 {
		t.Error("no diagnostic")
	}
	l := funcs(p, "broken")
	if len(l) != 1 || !l[0].Unknown || l[0].Defined() {
		t.Errorf("broken: %+v", l)
	}
	if l := funcs(p, "user"); len(l) != 1 || !l[0].Defined() {
		t.Errorf("user: %+v", l)
	}
}

// TestJobs: the result does not depend on the number of jobs.
func TestJobs(t *testing.T) {
	var first string
	for _, jobs := range []int{1, 2, 8} {
		p, _ := load(t, jobs, units)
		ir.LiftAll(p, jobs)
		var b bytes.Buffer
		ir.Print(&b, p, "")
		if first == "" {
			first = b.String()
		} else if first != b.String() {
			t.Fatalf("-j%d gives another result", jobs)
		}
	}
}
