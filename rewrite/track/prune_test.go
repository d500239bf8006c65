package track_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"saz/frontend/source"
	"saz/passes/run"
	"saz/rewrite"
)

// Each case is a program, with every mark that should be left written where it should be: M(name).
// The text that is instrumented has none of them.
var cases = []struct{ story, text string }{
	{"1: the same bit in a block, once", `
int g;
int main(void) { char b[4];
	while (recv(0, b, 4, 0) > 0) {
		M(g) g = 1;
		g = 2; }
	return 0; }`},
	{"2: a branch and what comes behind it, both ways", `
int g;
int main(void) { char b[4];
	while (recv(0, b, 4, 0) > 0) {
		M(g) if (b[0])
			g = 1;
		g = 2; }
	return 0; }`},
	{"18: one branch is not enough", `
int g;
int main(void) { char b[4];
	while (recv(0, b, 4, 0) > 0) {
		if (b[0])
			M(g) g = 1;
		if (b[1])
			M(g) g = 2; }
	return 0; }`},
	{"3: both branches are; the mark goes before them", `
int g;
int main(void) { char b[4];
	while (recv(0, b, 4, 0) > 0) {
		M(g) if (b[0])
			g = 1;
		else
			g = 3;
		g = 2; }
	return 0; }`},
	{"4: a callee's need is met by all its callers", `
int g, h;
static void add(int n) { 
	g += n; }
int main(void) { char b[4];
	while (recv(0, b, 4, 0) > 0) {
		M(g) g = 1;
		add(1);
		if (b[1])
			add(2); }
	return 0; }`},
	{"5: but not if one of them does not", `
int g, h;
static void add(int n) {
	M(g) g += n; }
int main(void) { char b[4];
	while (recv(0, b, 4, 0) > 0) {
		if (b[1])
			add(2);
		g = b[2]; M(g)
		add(1); }
	return 0; }`},
	{"6: what a callee certainly sets needs no mark behind the call", `
int g;
static void add(int n) {
	M(g) g += n; }
int main(void) { char b[4];
	while (recv(0, b, 4, 0) > 0) {
		add(2);
		g = 1; }
	return 0; }`},
	{"7: a callee that receives clears the bits", `
int g;
static int more(char *b) { return recv(0, b, 4, 0) > 0; }
int main(void) { char b[4];
	while (more(b)) {
		M(g) g = 1;
		more(b);
		M(g) g = 2; }
	return 0; }`},
	{"8: a procedure whose address is taken may be called by anybody", `
int g;
static void add(int n) {
	M(g) g += n; }
void (*hook)(int) = add;
int main(void) { char b[4];
	while (recv(0, b, 4, 0) > 0) {
		M(g) g = 1;
		add(2);
		hook(1); }
	return 0; }`},
	{"9: recursion", `
int g;
static void down(int n) {
	g += n;
	if (n)
		down(n - 1); }
int main(void) { char b[4];
	while (recv(0, b, 4, 0) > 0) {
		M(g) g = 1;
		down(3); }
	return 0; }`},
	{"10: out of a loop that sets it in each round", `
int g;
int main(void) { char b[4]; int i;
	while (recv(0, b, 4, 0) > 0) {
		M(g) for (i = 0; i < 4; i++)
			g += b[i]; }
	return 0; }`},
	{"11: not one that sets it in some rounds", `
int g;
int main(void) { char b[4]; int i;
	while (recv(0, b, 4, 0) > 0) {
		for (i = 0; i < 4; i++)
			if (b[i])
				M(g) g += b[i]; }
	return 0; }`},
	{"12: nor one that control comes into from elsewhere", `
int g;
int main(void) { char b[4]; int i;
	while (recv(0, b, 4, 0) > 0) {
		i = 0;
		if (b[0])
			goto in;
		while (i < 4) {
in:			M(g) g += b[i++]; } }
	return 0; }`},
	{"13: switch, with a default", `
int g, h;
int main(void) { char b[4];
	while (recv(0, b, 4, 0) > 0) {
		M(g) switch (b[0]) {
		case 1:
			g = 1; break;
		case 2:
			g = 2; break;
		default:
			g = 3; } }
	return 0; }`},
	{"14: switch without one", `
int g, h;
int main(void) { char b[4];
	while (recv(0, b, 4, 0) > 0) {
		switch (b[0]) {
		case 1:
			M(g) g = 1; break;
		case 2:
			M(g) g = 2; break; } }
	return 0; }`},
	{"15: a branch that receives in between", `
int g;
int main(void) { char b[4];
	while (recv(0, b, 4, 0) > 0) {
		if (b[0]) {
			recv(0, b, 4, 0);
			M(g) g = 1;
		} else
			M(g) g = 3; }
	return 0; }`},
	{"16: setjmp returns a second time, perhaps in another packet", `
int g, jb[64];
int setjmp(int *);
int main(void) { char b[4];
	while (recv(0, b, 4, 0) > 0) {
		M(g) g = 1;
		setjmp(jb);
		M(g) g = 2; }
	return 0; }`},
	{"17: a callee that may not return does not count as one that sets", `
int g;
void exit(int);
static void may(int n) {
	if (n)
		return;
	M(g) g = 1; }
int main(void) { char b[4];
	while (recv(0, b, 4, 0) > 0) {
		may(b[0]);
		M(g) g = 2; }
	return 0; }`},
	{"19: a callee that receives only where it does not return clears nothing", `
int g;
_Noreturn void exit(int);
static void last(char *b) {
	if (b[0]) {
		recv(0, b, 4, 0);
		exit(1); } }
int main(void) { char b[4];
	while (recv(0, b, 4, 0) > 0) {
		M(g) g = 1;
		last(b);
		g = 2; }
	return 0; }`},
	{"20: a callee that receives and then sets again needs no mark behind it", `
int g;
static void more(char *b) {
	if (b[0]) {
		recv(0, b, 4, 0);
		M(g) g = 3; } }
int main(void) { char b[4];
	while (recv(0, b, 4, 0) > 0) {
		M(g) g = 1;
		more(b);
		g = 2; }
	return 0; }`},
	{"21: before it receives, a callee has the bits of its callers", `
int g;
static void more(char *b) {
	g++;
	if (b[0])
		recv(0, b, 4, 0); }
int main(void) { char b[4];
	while (recv(0, b, 4, 0) > 0) {
		M(g) g = 1;
		more(b); }
	return 0; }`},
	{"22: not where another call of the statement receives: it may come first", `
int g;
static int more(char *b) { return recv(0, b, 4, 0); }
static int add(int n) {
	M(g) g += n;
	return n; }
int main(void) { char b[4];
	while (recv(0, b, 4, 0) > 0) {
		M(g) g = 1;
		if (more(b) + add(1) > 3)
			M(g) g = 2; }
	return 0; }`},
	{"23: the value of what receives is returned: behind a return comes nothing", `
int g;
static int more(char *b) {
	return g = recv(0, b, 4, 0); M(g) }
int main(void) { char b[4];
	while (more(b) > 0)
		g++;
	return 0; }`},
	{"24: a packet may begin before or behind what the statement updates", `
int g;
static int more(char *b) { return recv(0, b, 4, 0); }
int main(void) { char b[4]; int n;
	do {
		n = more(b) + (M(g) g++);
	} while (n > 0);
	return 0; }`},
	{"27: between two calls by which packets may begin", `
int g;
static int more(char *b) { return recv(0, b, 4, 0); }
static int both(char *b, int x, int y) { return more(b) + x + y; }
int main(void) { char b[4]; int n;
	do {
		n = both(b, (M(g) g = more(b) + 1), 3);
	} while (n > 0);
	return 0; }`},
	{"30: a packet that begins behind the mark in an expression, for all that is known, clears it", `
int g;
static int more(char *b) { return recv(0, b, 4, 0); }
int main(void) { char b[4]; int n;
	do {
		n = more(b) <= (M(g) g = 1);
		M(g) g = 2;
		if (more(b) + more(b) <= (M(g) g = 3))
			M(g) g = 4;
	} while (n > 0);
	return 0; }`},
	{"31: a loop in a macro that receives in its body, as lists' are", `
struct e { struct e *next; int fd; } first, *g;
static int more(char *b) { return recv(0, b, 4, 0); }
#define EACH(x) for ((x) = first.next; (x); (x) = (x)->next)
int main(void) { char b[4]; int n = 0;
	do {
		M(g) EACH(g) { M(g)
			if (b[0])
				continue;
			n = more(b);
		} M(g)
		M(g) EACH(g)
			{ M(g) n = more(b); } M(g)
	} while (n > 0);
	return 0; }`},
	{"29: a statement expression of a macro that updates, next to one that receives", `
int g;
static int more(char *b) { return recv(0, b, 4, 0); }
#define ADD(x, y) (__extension__({ int one = (x), two = (y); one + two; }))
int main(void) { char b[4]; int n;
	do {
		M(g) n = ADD(ADD(g = 3, 1), more(b));
		n = ADD(more(b), 1) + (g = 4); M(g)
	} while (n > 0);
	return 0; }`},
	{"28: a stream that a variable leads to, besides what is updated in it", `
#include <stdio.h>
struct { FILE *f; int n; } g;
int main(void) { char b[4];
	M(g) g.f = fopen("log", "w");
	while (recv(0, b, 4, 0) > 0) {
		if (b[0])
			M(g) fputs("x", g.f);
		else if (b[1])
			M(g) g.n++; }
	return 0; }`},
	{"25: a macro that updates, receives, and updates", `
int g;
static int more(char *b) { return recv(0, b, 4, 0); }
#define TWICE do { g++; n = more(b); g++; } while (0)
int main(void) { char b[4]; int n;
	do {
		M(g) TWICE; M(g)
	} while (n > 0);
	return 0; }`},
	{"26: a statement expression of a macro", `
int g;
static int more(char *b) { return recv(0, b, 4, 0); }
#define NEXT(x) (__extension__({ int old = (x); (x) = old + 1; old; }))
int main(void) { char b[4]; int n = 0;
	while (more(b) > 0) {
		M(g) n = NEXT(g); }
	return n; }`},
}

const head = "typedef long ssize_t; ssize_t recv(int, void *, unsigned long, int);"

func TestPruning(t *testing.T) {
	mark := regexp.MustCompile(`M\((\w+)\) ?`)
	for _, c := range cases {
		t.Run(strings.ReplaceAll(strings.SplitN(c.story, ":", 2)[0], " ", "_"), func(t *testing.T) {
			dir := t.TempDir()
			file := filepath.Join(dir, "p.c")
			text := head + c.text + "\n"
			if err := os.WriteFile(file, []byte(mark.ReplaceAllString(text, "")), 0o666); err != nil {
				t.Fatal(err)
			}
			a, err := run.Load(run.Options{Target: []string{file}, Jobs: 1, TrackAll: true})
			if err != nil {
				t.Fatal(err)
			}
			r, err := rewrite.Instrument(a, rewrite.Options{Exact: true})
			if err != nil {
				t.Fatal(err)
			}
			numbers := map[string]string{}
			for _, line := range strings.Split(string(r.Files["saz_glue.c"]), "\n") {
				if m := regexp.MustCompile(`^\t\{ "([\w.]+)", 0, \d+ \},$`).FindStringSubmatch(line); m != nil {
					numbers[fmt.Sprint(len(numbers))] = m[1]
				}
			}
			patched := string(r.Files[r.Patched[0]])
			if diff := cmp.Diff(wanted(text), placed(patched, numbers)); diff != "" {
				t.Errorf("%s: marks by line (-want +got)\n%s\n%s", c.story, diff, patched)
			}
		})
	}
}

func wanted(text string) map[int]string {
	out := map[int]string{}
	for i, l := range strings.Split(text, "\n") {
		for _, m := range regexp.MustCompile(`M\((\w+)\)`).FindAllStringSubmatch(l, -1) {
			out[i] += m[1] + " "
		}
	}
	return out
}

func placed(text string, numbers map[string]string) map[int]string {
	out := map[int]string{}
	line := 0
	for _, l := range strings.Split(text, "\n") {
		if strings.HasPrefix(l, "#include \"saz_rt.h\"") {
			continue
		}
		if strings.HasPrefix(l, "#line") {
			line = 0
			continue
		}
		for _, m := range regexp.MustCompile(`saz_updated\[(\d+)\] = 1`).FindAllStringSubmatch(l, -1) {
			if n := numbers[m[1]]; n == "g" {
				out[line] += n + " "
			}
		}
		line++
	}
	return out
}

// Updates within statements whose calls may begin packets, in a macro, so that no mark can stand beside them. C says little about what comes
// first. What no mark can announce is refused, each once; the others, and whether all is announced, are watched in one run.
func TestBesideReceives(t *testing.T) {
	const text = head + `
int g;
static int more(char *b) { return recv(0, b, 4, 0); }
static int both(char *b, int x, int y) { return more(b) + x + y; }
static int plain(char *b, int x, int y) { return b[0] + x + y; }
#define VALUE(x) (__extension__({ int one = (x); one; }))
#define EACH(x, n) for ((x) = 0; (x) < (n); (x)++)
#define DRAIN(x) for ((x) = 0; more(b) > 0; (x)++)
int main(void) { char b[4]; int n;
	do {
%s	} while (n > 0);
	return 0; }
`
	cases := []struct {
		story, text string
		refused     bool
	}{
		{"1: the call whose name stands before the update comes behind it, the other before it or behind it", "n = both(b, more(b), VALUE(g += 3))", true},
		{"2: the same, the other way around", "n = both(b, VALUE(g += 3), more(b))", true},
		{"3: two calls, one of them before it", "n = plain(b, more(b), 1) + VALUE(g += 3) + more(b)", true},
		{"4: the same, in order", "n = plain(b, more(b), 1), VALUE(g += 3), more(b)", true},
		{"5: one call before it", "n = plain(b, more(b), VALUE(g += 3))", false},
		{"6: or behind it in the text, not when it runs", "n = plain(b, VALUE(g += 3), more(b))", false},
		{"7: one call that needs its value", "n = more(b + VALUE((g += 3) & 1))", false},
		{"8: one behind it", "(void)VALUE(g += 3), n = more(b)", false},
		{"10: a loop's own expressions in a macro, a packet in its body", "EACH(g, 3) n = more(b)", false},
		{"11: and a body with braces", "EACH(g, 5) { if (g == 3) continue; n = more(b); if (g == 4) break; }", false},
		{"12: a packet in these expressions", "DRAIN(g) b[1] = 0; n = 0", true},
		{"9: two, both around it", "n = both(b, more(b + VALUE((g += 3) & 1)), 0)", false},
	}
	load := func(dir, statements string) (*rewrite.Result, []string) {
		file := filepath.Join(dir, "p.c")
		if err := os.WriteFile(file, []byte(fmt.Sprintf(text, statements)), 0o666); err != nil {
			t.Fatal(err)
		}
		a, err := run.Load(run.Options{Target: []string{file}, Jobs: 1, TrackAll: true})
		if err != nil {
			t.Fatal(err)
		}
		r, err := rewrite.Instrument(a, rewrite.Options{Verify: true})
		if err != nil {
			t.Fatal(err)
		}
		var said []string
		for _, d := range a.Sink.Sorted(a.Frontend.Files) {
			if d.Severity == source.Error {
				said = append(said, fmt.Sprintf("%d %s", a.Frontend.Files.Place(d.Pos).Line, d.ID))
			}
		}
		return r, said
	}
	kept := ""
	for _, c := range cases {
		if !c.refused {
			kept += "\t\t" + c.text + ";\n"
			continue
		}
		r, said := load(t.TempDir(), "\t\t"+c.text+";\n")
		if !cmp.Equal(said, []string{"11 mark-impossible"}) {
			t.Errorf("%s: said %q\n%s", c.story, said, r.Files[r.Patched[0]])
		}
	}
	dir := t.TempDir()
	r, said := load(dir, kept)
	for name, data := range r.Files {
		to := filepath.Join(dir, "tree", name)
		if err := os.MkdirAll(filepath.Dir(to), 0o777); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(to, data, 0o666); err != nil {
			t.Fatal(err)
		}
	}
	lib := "long recv(int f, void *p, unsigned long n, int o) { static int left = 40; (void)f; (void)n; (void)o; *(char *)p = 1; return left-- > 0; }\n"
	if err := os.WriteFile(filepath.Join(dir, "lib.c"), []byte(lib), 0o666); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("sh", "-c", "gcc -w -Isaz_rt -o p \"$0\" ../lib.c saz_glue.c saz_rt/*.c -pthread && SAZ_SERVICE=off timeout 20 ./p", r.Patched[0])
	cmd.Dir = filepath.Join(dir, "tree")
	if out, err := cmd.CombinedOutput(); err != nil || len(said) > 0 {
		t.Errorf("said %q, %v\n%s\n%s", said, err, out, r.Files[r.Patched[0]])
	}
}
