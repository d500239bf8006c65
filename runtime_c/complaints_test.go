package runtime_c

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strconv"
	"testing"
)

// What is in line in a program's code must not make the compiler complain of the program. Each case has done so.
func TestNoNewComplaints(t *testing.T) {
	const head = "#include \"saz_rt.h\"\n#include <stdio.h>\n#include <stdlib.h>\nvoid oom(void); void use(const char *);\n"
	for _, c := range []struct{ story, text, flags string }{
		{"1: a test for NULL in saz_free makes a way on which snprintf writes to NULL, where a function that does not say so never returns", `
#include <string.h>
const char *next(int i);
static __inline__ void check(void *p) { if (!p) oom(); }
void f(int depth);
void f(int depth)
{
	int i;
	for (i = 0; i < 20; i++) {
		const char *s = next(i);
		size_t n;
		char *p;
		if (!s)
			continue;
		n = 64 + strlen(s);
		p = saz_malloc(330, n);
		check(p);
		snprintf(p, n, "X509_%d_%s", depth, s);
		use(p);
		saz_free(p);
	}
}`, ""},
		{"2: an expectation is a long", "int g(char *b); int recv(char *);\nint g(char *b) { int n = SAZ_RECEIVE(recv(b)); saz_updated[0] = 1; return n; }", "-Wconversion"},
		{"3: many marks, several threads, groups", "int g(char *b); int recv(char *);\nint g(char *b) { int n = SAZ_RECEIVE(recv(b)); saz_updated[70] = 1; return n; }",
			"-Wconversion -DSAZ_MARK_WORDS=40 -DSAZ_ALWAYS=3 -DSAZ_MARKED=296 -DSAZ_THREADS=1 -DSAZ_GROUPS=2"},
	} {
		file := filepath.Join(t.TempDir(), "c.c")
		if err := os.WriteFile(file, []byte(head+c.text+"\n"), 0o666); err != nil {
			t.Fatal(err)
		}
		for _, std := range []string{"c99", "c11", "gnu17"} {
			for _, o := range []string{"-O1", "-O2", "-O3"} {
				cmd := exec.Command("sh", "-c", "gcc -std="+std+" -DSAZ_MARK_WORDS=1 "+o+" -Wall -Wextra -Wpedantic -Werror "+c.flags+" -Isaz_rt -c -o /dev/null "+file)
				if c.flags != "" && c.flags != "-Wconversion" {
					cmd = exec.Command("sh", "-c", "gcc -std="+std+" "+o+" -Wall -Wextra -Wpedantic -Werror "+c.flags+" -Isaz_rt -c -o /dev/null "+file)
				}
				if msg, err := cmd.CombinedOutput(); err != nil {
					t.Errorf("%s: %s %s: %v\n%s", c.story, std, o, err, msg)
				}
			}
		}
	}
}

// What is written down of an allocation weighs little when gcc decides what to inline, and in which order: a wrapper of calloc that
// weighed 17 more was inlined after its caller was, and gcc warned of a copy to NULL where the wrapper had failed (-Warray-bounds).
func TestInlinedAsBefore(t *testing.T) {
	t.Parallel()
	if runtime.GOARCH != "amd64" {
		t.Skip("it is in assembly on x86-64 only")
	}
	const text = `#include "saz_rt.h"
#include <stdlib.h>
void fatal(unsigned long);
static __inline__ void *get(unsigned long size)
{
	void *p = CALLOC(size, 1);
	if (p)
		return p;
	fatal(size);
	return NULL;
}
void *other(unsigned long n);
void *other(unsigned long n) { return get(n); }
`
	file := filepath.Join(t.TempDir(), "c.c")
	if err := os.WriteFile(file, []byte(text), 0o666); err != nil {
		t.Fatal(err)
	}
	size := func(calloc string) int {
		out, err := exec.Command("gcc", "-O2", "-Isaz_rt", "-DSAZ_MARK_WORDS=1", "-DCALLOC(n,size)="+calloc, "-fopt-info-inline", "-c", "-o", os.DevNull, file).CombinedOutput()
		m := regexp.MustCompile(`Inlined get.* and size (\d+),`).FindSubmatch(out)
		if err != nil || m == nil {
			t.Skipf("gcc does not say what it inlines: %v\n%s", err, out)
		}
		n, _ := strconv.Atoi(string(m[1]))
		return n
	}
	if plain, ours := size("calloc(n,size)"), size("saz_calloc(1,n,size)"); ours > plain+10 {
		t.Errorf("the wrapper's caller has size %d, %d as it was", ours, plain)
	}
}
