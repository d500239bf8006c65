package modref_test

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"saz/frontend/source"
	"saz/ir"
	"saz/passes"
	"saz/passes/callgraph"
	"saz/passes/modref"
	"saz/passes/pointer"
	"saz/passes/pointer/ctest"
)

// Expectations stand at the end of a line: `writes:` and `reads:` list the places
// that its instructions may write and read, `must:` those that they certainly
// overwrite, `frees:` what they release; `mod f:` and `ref f:` what a call of f may.
var wantRE = regexp.MustCompile(`(writes|reads|must|frees|mod \w+|ref \w+):([^;]*)`)

var lineRE = regexp.MustCompile(`test\.c:\d+`)

func TestCases(t *testing.T) { cases(t, false) }

// Where objects of one type that any set has together are one (package pointer, classes.go), there is more, and nothing less.
func TestCasesInCrowds(t *testing.T) {
	defer pointer.Crowd(1, 0, 16)()
	cases(t, true)
}

func cases(t *testing.T, more bool) {
	text, err := os.ReadFile("testdata/cases.c")
	if err != nil {
		t.Fatal(err)
	}
	p := ctest.Text(t, string(text))
	c := &passes.Context{Prog: p, Sink: &source.Sink{}, Jobs: 1}
	if err := c.Need(modref.Pass); err != nil {
		t.Fatal(err)
	}
	pt, mr := pointer.Of(c), modref.Of(c)
	type key struct {
		line int
		what string
	}
	got := map[key][]string{}
	add := func(line int, what string, locs ...pointer.Loc) {
		for _, l := range locs {
			got[key{line, what}] = append(got[key{line, what}], lineRE.ReplaceAllString(pt.LocName(l), "cases.c"))
		}
	}
	for _, f := range p.Funcs {
		for i := range f.Instrs {
			ref := ir.Ref{Func: f.ID, I: int32(i)}
			line := p.Files.Place(c.Pos(ref)).Line
			add(line, "writes", mr.Writes(ref)...)
			add(line, "reads", mr.Reads(ref)...)
			if l, _, ok := mr.MustWrite(ref); ok {
				add(line, "must", l)
			}
			for _, o := range mr.Frees(ref) {
				got[key{line, "frees"}] = append(got[key{line, "frees"}], lineRE.ReplaceAllString(pt.Name(o), "cases.c"))
			}
		}
	}
	for i, s := range strings.Split(string(text), "\n") {
		_, comment, ok := strings.Cut(s, "// ")
		if !ok {
			continue
		}
		for _, m := range wantRE.FindAllStringSubmatch(comment, -1) {
			have := got[key{i + 1, m[1]}]
			if what, name, ok := strings.Cut(m[1], " "); ok {
				have = nil
				for _, f := range p.Funcs {
					if f.Name == name {
						locs := mr.Mod(f.ID)
						if what == "ref" {
							locs = mr.Ref(f.ID)
						}
						for _, l := range locs {
							have = append(have, pt.LocName(l))
						}
					}
				}
			}
			slices.Sort(have)
			have = slices.Compact(have)
			want := strings.Fields(m[2])
			slices.Sort(want)
			if more {
				if m[1] == "must" {
					continue
				}
				have = slices.DeleteFunc(have, func(x string) bool { return !slices.Contains(want, x) })
			}
			if !slices.Equal(have, want) {
				t.Errorf("line %d: %s\n\tgot %s: %v", i+1, strings.TrimSpace(s), m[1], have)
			}
		}
	}
}

func TestCallGraph(t *testing.T) {
	p := ctest.Text(t, `
#include <pthread.h>
#include <stdlib.h>
static void leaf(void) {}
static int even(int n); 
static int odd(int n) { return n ? even(n - 1) : 0; }
static int even(int n) { return n ? odd(n - 1) : 1; }
static void *thread(void *a) { leaf(); return a; }
static int cmp(const void *a, const void *b) { (void)a; (void)b; return 0; }
static void dead(void) { leaf(); }
void (*ptr)(void) = dead;
int main(int c, char **v)
{
	pthread_t t;
	pthread_create(&t, 0, thread, 0);
	qsort(v, c, sizeof *v, cmp);
	return even(c);
}`)
	c := &passes.Context{Prog: p, Sink: &source.Sink{}, Jobs: 1}
	if err := c.Need(callgraph.Pass); err != nil {
		t.Fatal(err)
	}
	g := callgraph.Of(c)
	id := func(n string) ir.FuncID {
		for _, f := range p.Funcs {
			if f.Name == n {
				return f.ID
			}
		}
		t.Fatal(n)
		return -1
	}
	names := func(l []ir.FuncID) string {
		var out []string
		for _, f := range l {
			if p.Funcs[f].Defined() {
				out = append(out, p.Funcs[f].Name)
			}
		}
		slices.Sort(out)
		return strings.Join(out, " ")
	}
	for _, c := range []struct{ what, got, want string }{
		{"reachable", names(g.Reachable(id("main"))), "cmp even leaf main odd thread"},
		{"reachable, same thread", names(g.ReachableSync(id("main"))), "cmp even main odd"},
		{"reaching leaf", names(g.Reaching(id("leaf"))), "dead leaf main thread"},
		{"on the stack of leaf", names(g.ReachingSync(id("leaf"))), "dead leaf thread"},
		{"callees", names(g.Callees(id("main"))), "cmp even thread"},
		{"callers", names(g.Callers(id("even"))), "main odd"},
	} {
		if c.got != c.want {
			t.Errorf("%s: %s, want %s", c.what, c.got, c.want)
		}
	}
	if !g.Recursive(id("odd")) || g.Recursive(id("main")) || g.SCC(id("odd")) != g.SCC(id("even")) {
		t.Error("recursion")
	}
	pos := map[ir.FuncID]int{}
	for i, f := range g.BottomUp() {
		pos[f] = i
	}
	if pos[id("leaf")] > pos[id("thread")] || pos[id("even")] > pos[id("main")] {
		t.Error("not bottom up")
	}
}
