package rewrite_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"saz/passes/run"
	"saz/rewrite"
)

const announceHead = `
#include <stdio.h>
#include <sys/types.h>
#include <sys/socket.h>
#include <netinet/in.h>
struct flow { struct flow *next; unsigned addr; unsigned long bytes; };
`

// What goes without marks is what the text says most packets update, and only as much as it takes; the witness looks at all marks where an
// outside one would, as the call that receives begins.
func TestAnnounced(t *testing.T) {
	for _, c := range []struct {
		story, text string
		always      string            // without marks, by name
		marks       map[byte][]string // of the others, after a packet of this kind
	}{
		{"1: few marks: all are exact", `
static long a, b;
static void handle(const unsigned char *p) { if (p[0] == 'a') a++; else b++; }`, "", map[byte][]string{'a': {"a"}, 'b': {"b"}, 'c': {"b"}}},
		{"2: those that each packet updates go first, as many as it takes", `
static long a, b, all, bytes, sum;
static void handle(const unsigned char *p) { all++; bytes += p[1]; sum ^= p[1]; if (p[0] == 'a') a++; else b++; }`,
			"all bytes", map[byte][]string{'a': {"a", "sum"}, 'b': {"b", "sum"}}},
		{"3: neither what never returns nor what is done before the packets counts", `
#include <stdlib.h>
static long a, b, all, bytes, bad;
static void quit(void) { bad++; bad += all; printf("%ld\n", bad); exit(1); }
static void handle(const unsigned char *p) { if (p[0] == 'q') { bad += 3; quit(); } all++; bytes += p[1]; if (p[0] == 'a') a++; else b++; }`,
			"all", map[byte][]string{'a': {"a", "bytes"}, 'b': {"b", "bytes"}}},
		{"4: the parts of a condition are one", `
static long a, b, odd, good, more, sum;
static void handle(const unsigned char *p) {
	if (p[0] == 'x' || p[1] == 1 || p[0] == 'y' || p[0] == 'z') { odd++; return; }
	good++;
	more += p[1];
	sum ^= p[1];
	if (p[0] == 'a') a++; else b++; }`,
			"good more", map[byte][]string{'a': {"a", "sum"}, 'b': {"b", "sum"}, 'x': {"odd"}}},
	} {
		name := strings.SplitN(c.story, ":", 2)[0]
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			text := announceHead + c.text + `
int main(void)
{
	unsigned char b[4];
	int fd[2], i;
	socketpair(AF_UNIX, SOCK_DGRAM, 0, fd);
	for (i = 0; i < 60; i++) {
		b[0] = (unsigned char)"` + kinds(c.marks) + `"[i % ` + fmt.Sprint(len(c.marks)) + `]; b[1] = 3;
		send(fd[1], b, 2, 0);
	}
	while (recv(fd[0], b, 2, MSG_DONTWAIT) == 2)
		handle(b);
	return 0;
}
`
			numbers := ""
			for _, exact := range []bool{false, true} {
				dir := t.TempDir()
				os.WriteFile(filepath.Join(dir, "p.c"), []byte(text), 0o666)
				a, err := run.Load(run.Options{Target: []string{filepath.Join(dir, "p.c")}})
				if err != nil {
					t.Fatal(err)
				}
				r, err := rewrite.Instrument(a, rewrite.Options{Exact: exact})
				if err != nil {
					t.Fatal(err)
				}
				glue := string(r.Files["saz_glue.c"])
				var names []string
				for _, m := range regexp.MustCompile(`(?m)^\t\{ "([\w.]+)", 0, \d+ \},$`).FindAllStringSubmatch(glue, -1) {
					names = append(names, m[1])
				}
				// The numbers are the same, and so is what images are known by.
				if id := strings.Join(names, " ") + regexp.MustCompile(`FINGERPRINT \S+`).FindString(glue); exact && id != numbers {
					t.Errorf("exact: %s, else %s", id, numbers)
				} else {
					numbers = id
				}
				if want := strings.Fields(c.always); exact {
					if r.Marks.Always != 0 {
						t.Errorf("exact: %d are announced", r.Marks.Always)
					}
				} else if got := names[:r.Marks.Always]; fmt.Sprint(got) != fmt.Sprint(want) {
					t.Fatalf("announced are %v, want %v\n%s", got, want, r.Files[r.Patched[0]])
				}
				var w strings.Builder
				w.WriteString("#define _GNU_SOURCE\n#include <dlfcn.h>\n#include <stdio.h>\n#include <stdlib.h>\n#include <sys/socket.h>\n#include <string.h>\n" +
					"extern unsigned char saz_updated[];\nextern const struct { const char *name; void *address; size_t size; } saz_vars_view[];\n" +
					"static int want(int kind, const char *name) {\n")
				for kind, list := range c.marks {
					if !exact {
						list = append(strings.Fields(c.always), list...)
					}
					for _, n := range list {
						fmt.Fprintf(&w, "\tif (kind == '%c' && !strcmp(name, \"%s\")) return 1;\n", kind, n)
					}
				}
				if exact {
					for _, n := range strings.Fields(c.always) {
						fmt.Fprintf(&w, "\tif (!strcmp(name, \"%s\")) return -1;\n", n)
					}
				}
				fmt.Fprintf(&w, "\treturn 0;\n}\nextern const unsigned saz_nvars;\nssize_t recv(int fd, void *b, size_t n, int flags) {\n\tstatic int kind; unsigned i; ssize_t r;\n"+
					"\tfor (i = 0; kind && i < saz_nvars; i++) if (!strchr(saz_vars_view[i].name, '.') && want(kind, saz_vars_view[i].name) == !saz_updated[i]) { fprintf(stderr, \"%%s is %%d after %%c\\n\", saz_vars_view[i].name, saz_updated[i], kind); abort(); }\n"+
					"\tr = recvfrom(fd, b, n, flags, NULL, NULL); kind = *(unsigned char *)b; return r; }\n")
				for name, data := range r.Files {
					os.MkdirAll(filepath.Dir(filepath.Join(dir, name)), 0o777)
					os.WriteFile(filepath.Join(dir, name), data, 0o666)
				}
				os.WriteFile(filepath.Join(dir, "witness.c"), []byte(w.String()), 0o666)
				cmd := exec.Command("sh", "-c", "gcc -w -O1 -Isaz_rt -o i "+r.Patched[0]+" witness.c saz_glue.c saz_rt/*.c -pthread && SAZ_SERVICE=off ./i")
				cmd.Dir = dir
				if out, err := cmd.CombinedOutput(); err != nil {
					t.Errorf("%s, exact %v: %v\n%s%s", c.story, exact, err, out, r.Files[r.Patched[0]])
				}
			}
		})
	}
}

func kinds(m map[byte][]string) string {
	out := ""
	for b := byte('a'); b <= 'z'; b++ {
		if _, ok := m[b]; ok {
			out += string(b)
		}
	}
	return out
}
