package check

import "testing"

func TestLive(t *testing.T) {
	u := checkText(t, "a.c", `
static int leaf(void) { return 1; }
static int used_by_dead(void) { return leaf(); }
static inline int dead(void) { return used_by_dead(); }
static int a(void), b(void);
static int a(void) { return b(); }
static int b(void) { return a(); }
static void handler(int x) { leaf(); }
static void (*table[])(int) = { handler };
extern inline __attribute__((gnu_inline)) int inline_dead(void) { return 1; }
extern inline __attribute__((gnu_inline)) int inline_live(void) { return 1; }
static __attribute__((constructor)) void start(void) { }
static __attribute__((used)) void kept(void) { }
static int target(void) { return 1; }
extern int other(void) __attribute__((alias("target")));
static int from_asm(void) { return 1; }
__asm__(".globl there\nthere: jmp from_asm");
static void closer(int *p) { }
int entry(void) { int x __attribute__((cleanup(closer))) = sizeof(dead()); int in(void) { return inline_live(); } return in(); }
`).unit
	want := map[string]bool{
		"leaf": true, "used_by_dead": false, "dead": false, "a": false, "b": false, "handler": true, "table": false,
		"inline_dead": false, "inline_live": true, "start": true, "kept": true, "target": true, "other": true,
		"closer": true, "from_asm": true, "entry": true, "in": true,
	}
	for _, o := range u.Objects {
		if live, ok := want[o.Name]; !ok {
			t.Errorf("unexpected object %s", o.Name)
		} else if o.Live != live {
			t.Errorf("%s: Live = %v", o.Name, o.Live)
		}
	}
}
