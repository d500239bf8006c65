package rewrite_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"saz/passes/run"
	"saz/rewrite"
)

// A project that has its compiler complain of declarations behind statements, of const that gets lost, of NULL that
// is not looked at, is complained of for nothing that saz put there; the marks stand before what they announce all the same.
func TestStrictProjects(t *testing.T) {
	const text = `#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <sys/socket.h>
#include <stdio.h>
struct node { struct node *next; char text[150]; const char *name; };
static struct node *list;
static long total, count;
static char model[150];
static long more(long n) { return total += n; }
static const char *own(const char *s) { char *p = malloc(strlen(s) + 1); if (p) strcpy(p, s); return p; }
static void keep(const char *b, long n)
{
	long before = count++;
	long sum = more(n), twice = more(before);
	struct node *x;
	(void)sum; (void)twice; (void)b;
	if (before > 2)
		return;
	x = malloc(sizeof *x);
	memcpy(x->text, model, sizeof model);
	x->name = own("x");
	x->next = list;
	list = x;
}
int main(void)
{
	char b[4];
	long n;
	while ((n = recv(0, b, sizeof b, 0)) > 0) {
		long was = total++;
		int c;
		c = (int)was;
		keep(b, c);
	}
	printf("%ld %ld\n", total, count);
	return 0;
}
`
	for _, flags := range [][]string{{"-std=gnu89", "-Wall", "-Wextra", "-Wpedantic", "-O2"}, {"-Wall", "-Wextra", "-O2", "-Wdeclaration-after-statement"}, {"-Wall", "-O2"}} {
		dir := t.TempDir()
		os.WriteFile(filepath.Join(dir, "p.c"), []byte(text), 0o666)
		a, err := run.Load(run.Options{Target: []string{filepath.Join(dir, "p.c")}, Flags: flags})
		if err != nil {
			t.Fatal(err)
		}
		r, err := rewrite.Instrument(a, rewrite.Options{Version: "test", Exact: true})
		if err != nil {
			t.Fatal(err)
		}
		for name, text := range r.Files {
			os.MkdirAll(filepath.Dir(filepath.Join(dir, name)), 0o777)
			os.WriteFile(filepath.Join(dir, name), text, 0o666)
		}
		patched := string(r.Files[r.Patched[0]])
		if got := strings.Count(patched, "SAZ_MARKS("); got < 2 && len(flags) > 2 || got != 0 && len(flags) == 2 {
			t.Errorf("%v: %d declarations with marks in\n%s", flags, got, patched)
		}
		cmd := exec.Command("gcc", append(flags, "-Werror", "-Isaz_rt", "-c", r.Patched[0])...)
		cmd.Dir = dir
		if msg, err := cmd.CombinedOutput(); err != nil {
			t.Errorf("%v: %v\n%s\n%s", flags, err, msg, patched)
		}
	}
}
