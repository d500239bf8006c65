package pointer_test

import (
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"saz/passes/pointer"
	"saz/passes/pointer/ctest"
)

// The check that run_test.go makes must be able to fail: each program is watched with
// one kind of the solver's constraints left out, and the accesses for which that
// kind is needed must be reported; watched as it is, none.
func TestBrokenSolver(t *testing.T) {
	if _, err := exec.LookPath("cc"); err != nil {
		t.Skip("no compiler")
	}
	lib := filepath.Join(t.TempDir(), "lib.o")
	cc := exec.Command("cc", "-x", "c", "-c", "-o", lib, "-")
	cc.Stdin = strings.NewReader("int *inside(int **p) { return *p; }")
	if msg, err := cc.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, msg)
	}
	for _, c := range []struct {
		kind string // left out
		want string // in the report
		text string
	}{
		{"store", "byte 0 of x", `
int x, *cell;
static void set(int **where, int *what) { *where = what; }
int main(void) { set(&cell, &x); *cell = 1; return 0; }`},
		{"load", "byte 4 of pair", `
static struct { int a, b; } pair;
static int *cells[2] = { &pair.a, &pair.b };
static int **at(int i) { return &cells[i]; }
int main(void) { int *p = *at(1); *p = 1; return 0; }`},
		{"copy", "byte 0 of x", `
struct request { char name[300]; int *count; };
int x;
static void take(struct request *to, const struct request *from) { *to = *from; }
int main(void) { struct request a = { "a", &x }, b; take(&b, &a); ++*b.count; return 0; }`},
		{"copy", "byte 0 of x", `
#include <string.h>
struct request { int id; int *count; };
int x;
static void take(void *to, const void *from, unsigned long n) { memcpy(to, from, n); }
int main(int argc, char **argv) { struct request a = { 1, &x }, b; take(&b, &a, sizeof a + argc - 1); ++*b.count; return 0; }`},
		{"callback", "of main.table", `
#include <stdlib.h>
static int by_value(const void *a, const void *b) { return *(const int *)a - *(const int *)b; }
int main(void) { int table[4] = { 3, 1, 2, 0 }; qsort(table, 4, sizeof *table, by_value); return table[0]; }`},
		{"callback", "of job", `
#include <pthread.h>
struct job { int done; } job;
static void *work(void *context) { ((struct job *)context)->done = 1; return 0; }
int main(void) { pthread_t t; if (!pthread_create(&t, 0, work, &job)) pthread_join(t, 0); return 0; }`},
		{"shift", "of entry", `
#include <stddef.h>
struct link { struct link *next; };
struct entry { long key; struct link link; } entry;
struct link *head = &entry.link;
int main(void)
{
	for (struct link *l = head; l; l = l->next)
		((struct entry *)((char *)l - offsetof(struct entry, link)))->key = 1;
	return 0;
}`},
		{"index", "of slots", `
struct slot { int used; char name[12]; } slots[8];
static struct slot *nth(struct slot *s, int n) { return s + n; }
int main(int argc, char **argv) { nth(slots, argc)->used = 1; return 0; }`},
		{"call", "calls second", `
static int hits;
static void first(void) { hits++; }
static void second(void) { hits += 2; }
static struct { const char *name; void (*run)(void); } table[] = { { "first", first }, { "second", second } };
int main(void) { for (int i = 0; i < 2; i++) table[i].run(); return 0; }`},
		{"mask", "byte 0 of x", `
long x;
static long tagged(long *p) { return (long)p | 1; }
static long *bare(long p) { return (long *)(p & ~3L); }
int main(void) { *bare(tagged(&x)) = 1; return 0; }`},
		{"receiver", "of a", `
struct plug { void (*run)(struct plug *); int n; };
static void first(struct plug *p) { p->n = 1; }
static void second(struct plug *p) { p->n = 2; }
struct plug a = { first }, b = { second }, *all[] = { &a, &b };
int main(void) { for (int i = 0; i < 2; i++) { struct plug *p = all[i]; p->run(p); } return 0; }`},
		{"receiver", "byte 0 of x", `
struct row { void (*run)(int *); int *on; };
int x, y;
static void first(int *p) { *p = 1; }
static void second(int *p) { *p = 2; }
struct row a = { first, &x }, b = { second, &y }, *all[] = { &a, &b };
int main(void) { for (int i = 0; i < 2; i++) all[i]->run(all[i]->on); return 0; }`},
		{"gate", "of a", `
struct plug;
struct ops { int id; void (*run)(struct plug *); };
struct plug { int n; const struct ops *ops; };
static void first(struct plug *p) { p->n = 1; }
static void second(struct plug *p) { p->n = 2; }
static const struct ops one = { 1, first }, two = { 2, second };
struct plug a = { 0, &one }, b = { 0, &two }, *all[] = { &a, &b };
int main(void) { for (int i = 0; i < 2; i++) { struct plug *p = all[i]; p->ops->run(p); } return 0; }`},
		{"typed", "of job", `
struct job { int done; } job;
void *context = &job;
int main(void) { struct job *j = context; j->done = 1; return 0; }`},
		{"escape", "byte 0 of x", `
int *inside(int **); // of a library that nobody has described
int x, *slot = &x;
int main(void) { *inside(&slot) = 1; return 0; }`},
	} {
		t.Run(strings.ReplaceAll(c.kind, " ", "-"), func(t *testing.T) {
			run := func() (int, []string) {
				facts, bad, err := watch(t, ctest.Text(t, c.text), testModels(t), ".", []string{lib, "-lpthread"})
				if err != nil {
					t.Fatal(err)
				}
				return facts, bad
			}
			if facts, bad := run(); facts == 0 || len(bad) > 0 {
				t.Fatalf("as it is: %d facts, outside the sets: %v", facts, bad)
			}
			defer pointer.LeaveOut(c.kind)()
			_, bad := run()
			for _, b := range bad {
				if strings.Contains(b, c.want) {
					return
				}
			}
			t.Errorf("without its %s constraints nothing says %q, only %q", c.kind, c.want, bad)
		})
	}
}
