package runtime_c

import (
	"os"
	"os/exec"
	"path/filepath"
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
