package hook_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"saz/frontend/source"
	"saz/passes/run"
	"saz/rewrite"
)

// Allocations that stand in macros. Each program keeps a list of two boxes with a name each, which are four blocks: the
// runtime must know of exactly those when the program ends. text has what the patched source must have, and not only
// something that happens to work.
var macros = []struct{ story, head, alloc, text string }{
	{"1: a macro that is the function's name", "#define MALLOC malloc\n#define STRDUP strdup", `b = MALLOC(sizeof *b); b->name = STRDUP(s);`, `b = saz_malloc(1, sizeof *b); saz_updated[0] = 1; b->name = saz_strdup(2, s);`},
	{"2: and one that comes to it by way of another", "#define ALLOC2 ALLOC1\n#define ALLOC1 calloc\n#define COPY() strdup", `b = ALLOC2(1, sizeof *b); b->name = COPY()(s);`, `saz_calloc(1, 1, sizeof *b); saz_updated[0] = 1; b->name = saz_strdup(2, s);`},
	{"3: a macro that is the call with its own arguments", "#define make(n) malloc(n)\n#define copy( s )   strdup( s )", `struct box *c; b = make( sizeof *b ); b->name = copy(s); (void)(c = make(1)), (void)copy("");`, `saz_malloc(1,  sizeof *b ); saz_updated[0] = 1; b->name = saz_strdup(2, s);`},
	{"4: with others, in several places", "#define make(n) calloc(1, n)\n#define copy(s) strdup(s)", `struct box *c; b = make(sizeof *b); b->name = copy(s); (void)(c = make(1));`, `saz_adopt(1, make(sizeof *b));`},
	{"5: in the midst of a statement, in one place", "#define NEW(p, s) do { (p) = malloc(sizeof *(p)); (p)->name = strdup(s); } while (0)", `NEW(b, s);`, `(p) = saz_malloc(1, sizeof *(p)); (p)->name = saz_strdup(2, s);`},
	{"6: in several places, for blocks of one type", "#define NEW(p, s) do { (p) = malloc(sizeof *(p)); (p)->name = strdup(s); } while (0)", `if (s[0] == 'a') NEW(b, s); else NEW(b, s);`, `(p) = saz_malloc(1, sizeof *(p)); (p)->name = saz_strdup(2, s);`},
	{"8: in several places, for blocks of several types: by line", "struct other { struct other *up; long n; } *others;\n#define NEW(p) do { (p) = malloc(sizeof *(p)); if (!(p)) abort(); } while (0)", "struct other *o;\n\tNEW(o);\n\to->up = others; o->n = s[0]; others = o;\n\tNEW(\n\t\tb);\n\tb->name = others->n ? \"b\" + (s[0] == 'a') : \"\"; if (s[0] == 'a') b->name = \"a\";", `do { (p) = saz_malloc(SAZ_SITE, sizeof *(p)); if`},
	{"9: a wrapper of the allocator in a macro, and parentheses around a call", "struct other { struct other *up; long n; } *others;\nstatic void *get(size_t n) { void *p = calloc(1, n); if (!p) abort(); return p; }\n#define NEW(p) do { (p) = get(sizeof *(p)); } while (0)\n#define show(x) (x)", "struct other *o;\n\tNEW(o);\n\to->up = others; o->n = s[0]; others = o;\n\tb = show(get(sizeof *b));\n\tb->name = s[0] == 'a' ? \"a\" : \"b\";", `(p) = saz_retype(SAZ_SITE, get(sizeof *(p)));`},
	{"10: members that are called free, as are what they hold", "struct ops { struct ops *up; void (*free)(void *); void (*close)(void *); } *ops;\nstatic int shut(void *f) { return fclose(f); }", `struct ops *o = malloc(sizeof *o); if (!o) abort(); o->up = ops; o->free = free; o->close = (void (*)(void *))fclose; o->free = (void (*)(void *))shut; (*o).free = free; ops = o; b = calloc(1, sizeof *b); b->name = s[0] == 'a' ? "a" : "b"; o->free(malloc(1));`, `o->free = saz_free; o->close`},
	{"7: arguments in another order are not the macro's own", "#define make(n, k) calloc(k, n)\n#define copy(s) strdup(s)", `struct box *c; b = make(sizeof *b, 1); b->name = copy(s); (void)(c = make(1, 1));`, `saz_adopt(1, make(sizeof *b, 1));`},
}

const boxes = `
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <sys/socket.h>
%HEAD%
struct box { struct box *next; char *name; };
struct box *list;
int seen;
void saz_heap_stats(size_t *blocks, size_t *bytes) __attribute__((weak));
int take(char *p) { static int n; p[0] = "ab"[n]; p[1] = 0; return n++ < 2; }
static void add(const char *s)
{
	struct box *b;
	%ALLOC%
	b->next = list;
	list = b;
	seen++;
}
int main(void)
{
	char b[4];
	while (recv(0, b, sizeof b, 0) > 0)
		add(b);
	for (struct box *p = list; p; p = p->next)
		printf("%s\n", p->name);
	if (saz_heap_stats) {
		size_t blocks, bytes;
		saz_heap_stats(&blocks, &bytes);
		printf("%d blocks\n", (int)blocks);
	}
	return seen != 2;
}
`

func instrument(t *testing.T, text string, opt rewrite.Options) (*rewrite.Result, string, []string) {
	t.Helper()
	dir := t.TempDir()
	file := filepath.Join(dir, "p.c")
	if err := os.WriteFile(file, []byte(text), 0o666); err != nil {
		t.Fatal(err)
	}
	a, err := run.Load(run.Options{Target: []string{file}, Jobs: 1})
	if err != nil {
		t.Fatal(err)
	}
	r, err := rewrite.Instrument(a, opt)
	if err != nil {
		t.Fatal(err)
	}
	var said []string
	for _, d := range a.Sink.Sorted(a.Frontend.Files) {
		if d.Severity == source.Error {
			said = append(said, d.ID+": "+d.Msg)
		}
	}
	tree := filepath.Join(dir, "tree")
	for name, data := range r.Files {
		to := filepath.Join(tree, name)
		if err := os.MkdirAll(filepath.Dir(to), 0o777); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(to, data, 0o666); err != nil {
			t.Fatal(err)
		}
	}
	return r, tree, said
}

func TestMacros(t *testing.T) {
	for _, c := range macros {
		t.Run(strings.SplitN(c.story, ":", 2)[0], func(t *testing.T) {
			t.Parallel()
			text := strings.NewReplacer("%HEAD%", c.head, "%ALLOC%", c.alloc).Replace(boxes)
			r, tree, said := instrument(t, text, rewrite.Options{})
			if len(r.Patched) != 1 {
				t.Fatal(r.Patched, said)
			}
			patched := string(r.Files[r.Patched[0]])
			if len(said) != 0 || !strings.Contains(patched, c.text) {
				t.Fatalf("%s: want %s\n%v\n%s", c.story, c.text, said, patched)
			}
			// recv is a library's: the program's own would be its code.
			lib := "#include <sys/types.h>\nint take(char *);\nssize_t recv(int fd, void *p, size_t n, int flags) { (void)fd; (void)n; (void)flags; return take(p); }\n"
			if err := os.WriteFile(filepath.Join(tree, "lib.c"), []byte(lib), 0o666); err != nil {
				t.Fatal(err)
			}
			cmd := exec.Command("sh", "-c", "gcc -Wall -Wno-unused-result -Isaz_rt -o p \"$0\" lib.c saz_glue.c saz_rt/*.c -pthread && SAZ_SERVICE=off ./p", r.Patched[0])
			cmd.Dir = tree
			out, err := cmd.CombinedOutput()
			if err != nil || string(out) != "b\na\n4 blocks\n" {
				t.Errorf("%s: %v\n%s\n%s", c.story, err, out, patched)
			}
		})
	}
}

// What can't be told apart is refused, with what to do.
func TestMacroRefused(t *testing.T) {
	text := strings.NewReplacer("%HEAD%", "struct other { struct other *up; long n; } *others;\n#define NEW(p) do { (p) = malloc(sizeof *(p)); if (!(p)) abort(); } while (0)",
		"%ALLOC%", `struct other *o; NEW(o); o->up = others; o->n = s[0]; others = o; NEW(b); b->name = "";`).Replace(boxes)
	r, _, said := instrument(t, text, rewrite.Options{})
	if len(said) != 1 || !strings.HasPrefix(said[0], "allocation-in-macro: malloc is called by a macro that is used twice in line") {
		t.Errorf("%q\n%s", said, r.Files[r.Patched[0]])
	}
}

const worker = `
#include <pthread.h>
#include <stdio.h>
#include <unistd.h>
#include <sys/types.h>
#include <sys/socket.h>
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t more = PTHREAD_COND_INITIALIZER;
static int waiting, closed;
static long counts[4], rounds;
static int get(void)
{
	int got;
	pthread_mutex_lock(&lock);
	while (waiting == 0 && !closed)
		pthread_cond_wait(&more, &lock);
	got = waiting != 0;
	waiting -= got;
	pthread_mutex_unlock(&lock);
	return got;
}
static void *work(void *arg)
{
	%LOOP%
	return arg;
}
static void put(int n, int end)
{
	pthread_mutex_lock(&lock);
	waiting += n;
	closed = end;
	pthread_cond_signal(&more);
	pthread_mutex_unlock(&lock);
}
int main(void)
{
	char b[4];
	pthread_t t;
	pthread_create(&t, NULL, work, NULL);
	while (recv(0, b, sizeof b, 0) > 0)
		put(1, 0);
	put(0, 1);
	pthread_join(t, NULL);
	printf("%ld %ld %ld\n", counts[0], counts[1], rounds);
	return 0;
}
`

// A thread that other threads hand packets to: where its rounds begin, and where it waits for one. A mark in a round
// is needed in each round, and the watched program has nothing to tell.
func TestThreads(t *testing.T) {
	for _, c := range []struct{ story, loop, want string }{
		{"1: a condition that gets the packet", "while (get()) { counts[0]++; if (counts[0] & 1) counts[1]++; rounds++; }", "while ((saz_round(), get())) { "},
		{"2: no condition", "for (;;) { if (!get()) break; counts[0]++; if (counts[0] & 1) counts[1]++; rounds++; }", "for (;;) { SAZ_ROUND; if (!get()) break; "},
		{"3: at the end of a round", "if (get()) do { counts[0]++; if (counts[0] & 1) counts[1]++; rounds++; } while (get());", "do { SAZ_ROUND; "},
		{"4: a sleep at the end of a round", "while (get()) { counts[0]++; if (counts[0] & 1) counts[1]++; rounds++; usleep(1); }", "rounds++; SAZ_BLOCKED(usleep(1)); }"},
	} {
		t.Run(strings.SplitN(c.story, ":", 2)[0], func(t *testing.T) {
			t.Parallel()
			r, tree, said := instrument(t, strings.Replace(worker, "%LOOP%", c.loop, 1), rewrite.Options{})
			if len(r.Patched) != 1 || len(said) != 0 {
				t.Fatal(r.Patched, said)
			}
			patched := string(r.Files[r.Patched[0]])
			waits := strings.Count(patched, "SAZ_BLOCKED(pthread_cond_wait(&more, &lock))")
			if !strings.Contains(patched, c.want) || waits != 1 && !strings.HasPrefix(c.story, "3") {
				t.Fatalf("%s: want %s and 1 wait, not %d\n%s", c.story, c.want, waits, patched)
			}
			lib := "#include <sys/types.h>\nssize_t recv(int fd, void *p, size_t n, int flags) { static int k; (void)fd; (void)n; (void)flags; *(char *)p = 0; return k++ < 2000; }\n"
			_, watched, _ := instrument(t, strings.Replace(worker, "%LOOP%", c.loop, 1), rewrite.Options{Verify: true})
			for _, how := range [][2]string{{tree, ""}, {tree, "-fsanitize=thread"}, {watched, ""}} {
				if err := os.WriteFile(filepath.Join(how[0], "lib.c"), []byte(lib), 0o666); err != nil {
					t.Fatal(err)
				}
				cmd := exec.Command("sh", "-c", "gcc -w -g -O1 $1 -Isaz_rt -o p \"$(find . -name p.c)\" lib.c saz_glue.c saz_rt/*.c -pthread && SAZ_SERVICE=off ./p", "sh", how[1])
				cmd.Dir = how[0]
				out, err := cmd.CombinedOutput()
				if err != nil || string(out) != "2000 1000 2000\n" {
					t.Errorf("%s %s: %v\n%s\n%s", c.story, how[1], err, out, patched)
				}
			}
		})
	}
}

// Memory that is not malloc's stays what it is, and is named; what is, but comes from another function, is adopted.
func TestForeignMemory(t *testing.T) {
	text := strings.NewReplacer("%HEAD%", "#include <sys/mman.h>\n#include <unistd.h>", "%ALLOC%",
		`b = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0); b->name = getcwd(NULL, 0); strcpy(b->name, s);`).Replace(boxes)
	r, tree, said := instrument(t, text, rewrite.Options{})
	patched := string(r.Files[r.Patched[0]])
	if len(said) != 0 || !strings.Contains(patched, "b = mmap(NULL") || !strings.Contains(patched, "saz_adopt(2, getcwd(NULL, 0))") {
		t.Fatalf("%v\n%s", said, patched)
	}
	cmd := exec.Command("gcc", "-w", "-Isaz_rt", "-c", "-o", os.DevNull, r.Patched[0])
	cmd.Dir = tree
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}

// A buffer that is lent to a stream is the C library's: it fills it when a packet logs something, and nothing is claimed of it.
func TestLentBuffer(t *testing.T) {
	_, tree, said := instrument(t, `
#include <stdio.h>
#include <sys/types.h>
#include <sys/socket.h>
static char buf[512];
static FILE *out;
int main(void)
{
	char b[4];
	out = fopen("/dev/null", "w");
	setvbuf(out, buf, _IOFBF, sizeof buf);
	while (recv(0, b, sizeof b, 0) > 0)
		fwrite("abcdefgh", 1, 4, out);
	return 0;
}
`, rewrite.Options{Verify: true})
	if len(said) != 0 {
		t.Fatal(said)
	}
	lib := "#include <sys/types.h>\nssize_t recv(int fd, void *p, size_t n, int flags) { static int k; (void)fd; (void)n; (void)flags; *(char *)p = 0; return k++ < 20; }\n"
	if err := os.WriteFile(filepath.Join(tree, "lib.c"), []byte(lib), 0o666); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("sh", "-c", "gcc -w -Isaz_rt -o p \"$(find . -name p.c)\" lib.c saz_glue.c saz_rt/*.c -pthread && SAZ_SERVICE=off ./p")
	cmd.Dir = tree
	if out, err := cmd.CombinedOutput(); err != nil || len(out) > 0 {
		t.Errorf("%v\n%s", err, out)
	}
}
