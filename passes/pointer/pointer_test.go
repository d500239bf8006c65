package pointer_test

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"saz/ir"
	"saz/ir/models"
	"saz/passes/pointer"
	"saz/passes/pointer/ctest"
)

// Expectations stand in the C text, at the end of a line:
//
//	probe(p); // pts: x y        p points at exactly these places, by LocName
//	probe(p); // pts!: x         at least at these (a soundness fact; more is imprecision)
//	(*f)(a); // calls: g h       the calls on this line reach exactly these functions
//	lib(f); // callbacks: g      the library calls back exactly these
//
// @3 in an expectation is "the line 3 above": malloc@3 is the malloc there.
var (
	wantRE = regexp.MustCompile(`// (pts!?|calls|callbacks):(.*)$`)
	backRE = regexp.MustCompile(`@-(\d+)`)
)

func TestCases(t *testing.T) {
	files, err := filepath.Glob("testdata/*.c")
	if err != nil || len(files) == 0 {
		t.Fatal("no cases", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".c"), func(t *testing.T) {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			check(t, string(text))
		})
	}
}

func testModels(t testing.TB) *models.Set {
	ms := models.Default()
	if err := ms.Add("test", []byte("- name: probe\n")); err != nil {
		t.Fatal(err)
	}
	return ms
}

func check(t *testing.T, text string) {
	t.Helper()
	p := ctest.Text(t, text)
	if err := ir.Verify(p); err != nil {
		t.Error(err)
	}
	r := pointer.Analyze(p, testModels(t))
	probes := map[int][]string{}
	calls := map[int][]string{}
	backs := map[int][]string{}
	for _, f := range p.Funcs {
		for i := range f.Instrs {
			in := &f.Instrs[i]
			if in.Op != ir.Call {
				continue
			}
			ref := ir.Ref{Func: f.ID, I: int32(i)}
			u := p.Units[in.Pos.Unit].AST
			line := p.Files.Place(u.Tokens()[in.Pos.Tok].Exp).Line
			if in.A.Kind == ir.VFunc && p.Funcs[in.A.ID].Name == "probe" {
				for _, l := range r.PointsTo(f.ID, in.Args[0]) {
					probes[line] = append(probes[line], r.LocName(l))
				}
				continue
			}
			for _, g := range r.Callees(ref) {
				calls[line] = append(calls[line], p.Funcs[g].Name)
			}
			for _, cb := range r.Callbacks(ref) {
				backs[line] = append(backs[line], p.Funcs[cb.Func].Name)
			}
		}
	}
	for n, s := range strings.Split(text, "\n") {
		m := wantRE.FindStringSubmatch(s)
		if m == nil {
			continue
		}
		line := n + 1
		want := strings.Fields(m[2])
		for i, w := range want {
			want[i] = backRE.ReplaceAllStringFunc(w, func(b string) string {
				k := 0
				for _, c := range b[2:] {
					k = k*10 + int(c-'0')
				}
				return "@test.c:" + itoa(line-k)
			})
		}
		got := map[string]map[int][]string{"pts": probes, "pts!": probes, "calls": calls, "callbacks": backs}[m[1]][line]
		slices.Sort(got)
		got = slices.Compact(got)
		slices.Sort(want)
		if m[1] == "pts!" {
			for _, w := range want {
				if !slices.Contains(got, w) {
					t.Errorf("line %d: %s\n\tgot %v, which lacks %s", line, strings.TrimSpace(s), got, w)
				}
			}
		} else if !slices.Equal(got, want) {
			t.Errorf("line %d: %s\n\tgot %v", line, strings.TrimSpace(s), got)
		}
	}
}

func itoa(n int) string {
	if n < 10 {
		return string(rune('0' + n))
	}
	return itoa(n/10) + itoa(n%10)
}

// Two runs give the same result, numbers of objects included.
func TestDeterminism(t *testing.T) {
	text, err := os.ReadFile("testdata/funcs.c")
	if err != nil {
		t.Fatal(err)
	}
	dump := func() string {
		p := ctest.Text(t, string(text))
		r := pointer.Analyze(p, testModels(t))
		var b strings.Builder
		for o := range r.Objects {
			fmt.Fprintln(&b, o, r.Name(pointer.ObjID(o)), r.Contents(pointer.ObjID(o), pointer.Any))
		}
		for _, f := range p.Funcs {
			for i := range f.Regs {
				fmt.Fprintln(&b, f.Name, i, r.PointsTo(f.ID, ir.RegVal(ir.Reg(i))))
			}
		}
		return b.String()
	}
	if a, b := dump(), dump(); a != b {
		t.Error("two runs differ")
	}
}

// An object of unknown layout that pointers are stepped through must not be
// taken apart byte by byte.
func TestCrawl(t *testing.T) {
	p := ctest.Text(t, `
#include <stdlib.h>
void probe(const void *, ...);
struct big { int a; char *names[3]; struct { char *p; long n; } slots[2]; char tail[200000]; } g;
static char *cursor;
int main(int n, char **v)
{
	cursor = (char *)&g;
	while (n--)
		cursor++;
	probe(cursor);
	void *m = malloc(n * n);
	for (int i = 0; i < n; i++)
		m = (char *)m + 24;
	*(void **)m = &g;
	probe(*(void **)m);
	return 0;
}`)
	r := pointer.Analyze(p, testModels(t))
	if r.Stats.Locs > 100 || r.Stats.Rounds > 20 {
		t.Errorf("%+v", r.Stats)
	}
}

// 001: a wrapper with more callers than are told apart gave them no object at
// all, and so whatever went through one of its blocks was lost.
func TestManyCallers(t *testing.T) {
	p := ctest.Text(t, `
#include <stdlib.h>
void probe(const void *, ...);
static int x;
int **sink;
static void *xm(size_t n) { void *p = malloc(n); if (!p) exit(1); return p; }
int main(void)
{
`+strings.Repeat("\tsink = xm(sizeof *sink);\n", 2100)+`
	*sink = &x;
	probe(*sink);
	return 0;
}`)
	r := pointer.Analyze(p, testModels(t))
	for _, f := range p.Funcs {
		for i := range f.Instrs {
			if in := &f.Instrs[i]; in.Op == ir.Call && in.A.Kind == ir.VFunc && p.Funcs[in.A.ID].Name == "probe" {
				if got := r.PointsTo(f.ID, in.Args[0]); len(got) != 1 || r.LocName(got[0]) != "x" {
					t.Errorf("*sink points at %v, want x", got)
				}
			}
		}
	}
}

// 002: the first type by which a program's loads are filtered had the number that stands
// for bytes: if it was a pointer to pointers, they were lost.
func TestFirstFilter(t *testing.T) {
	p := ctest.Text(t, `
void probe(const void *, ...);
struct thing;
static struct { long id; struct thing *first; } owner;
static struct thing **where;
static void look(void)
{
	probe(where);
}
int main(void)
{
	where = &owner.first;
	look();
	return 0;
}`)
	r := pointer.Analyze(p, testModels(t))
	for _, f := range p.Funcs {
		for i := range f.Instrs {
			if in := &f.Instrs[i]; in.Op == ir.Call && in.A.Kind == ir.VFunc && p.Funcs[in.A.ID].Name == "probe" {
				if got := r.PointsTo(f.ID, in.Args[0]); len(got) != 1 || r.LocName(got[0]) != "owner.first" {
					t.Errorf("where points at %v, want owner.first", got)
				}
			}
		}
	}
}

// 003: a library's function that is among those that it calls itself was called back by
// its own callback, and so on without end.
func TestCallsItself(t *testing.T) {
	p := ctest.Text(t, `
struct z_stream_s { const void *next_in; void *next_out, *state; void *(*zalloc)(void *, unsigned, unsigned); void (*zfree)(void *, void *); void *opaque; };
int deflateInit_(struct z_stream_s *, int, const char *, int);
int deflateEnd(struct z_stream_s *);
int main(void)
{
	static struct z_stream_s z;
	z.zfree = (void (*)(void *, void *))deflateEnd;
	deflateInit_(&z, 6, "1.2", sizeof z);
	deflateEnd(&z);
	return 0;
}`)
	r := pointer.Analyze(p, testModels(t))
	for _, f := range p.Funcs {
		if f.Name == "deflateEnd" {
			if n := len(r.Callers(f.ID)); n != 2 {
				t.Errorf("deflateEnd has %d callers, want main's two calls", n)
			}
		}
	}
}
