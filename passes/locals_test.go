package passes_test

import (
	"strings"
	"testing"

	"saz/passes"
	"saz/passes/persist"
	"saz/passes/pointer/ctest"
	"saz/passes/scratch"
	"saz/passes/update"
)

// State that only a local of the packets' loop leads to: n2n's edge, and most programs without globals, keep
// all of it there. A pointer that is in a register has no memory of its own that packets could write, and its
// state was called configuration.
func TestStateBehindLocals(t *testing.T) {
	const text = `
#include <stdlib.h>
#include <sys/socket.h>
struct peer { struct peer *next; int seen; };
struct conf { int port, limit; };
struct edge { struct peer *peers; long packets; struct conf *conf; };
static void packet(struct edge *e, const char *buf, int n, const struct conf *only) {
	struct peer *p = e->peers;
	if (n < only->limit || n < e->conf->limit) return;
	if (!p) { p = calloc(1, sizeof *p); p->next = e->peers; e->peers = p; }
	p->seen += buf[0];
	e->packets++;
}
static int run(struct edge *given, struct conf *only) {
	char buf[1500];
	for (;;) {
		int n = recv(3, buf, sizeof buf, 0);
		struct peer *first = given->peers;
		if (first) first->seen = n;
		packet(given, buf, n, only);
		send(3, &given->packets, sizeof given->packets, 0);
	}
}
int main(void) {
	struct edge *made = calloc(1, sizeof *made);
	struct conf *only = calloc(1, sizeof *only), *rest = calloc(1, sizeof *rest);
	only->limit = rest->limit = 3;
	made->conf = rest;
	return run(made, only);
}`
	c := analyse(t, ctest.Text(t, text))
	got := parts(c)
	for name, want := range map[string]string{"run.given": "state", "run.only": "fixed", "run.first": "scratch"} {
		if got[name] != want {
			t.Errorf("%s: %q, not %s", name, got[name], want)
		}
	}
	up := update.Of(c)
	marked := map[string]bool{} // procedures with an update of run.given
	for _, u := range up.Updates {
		if v := &persist.Of(c).Vars[u.Var]; v.Name == "given" {
			if why := up.Updateable[v.ID]; len(why) < 2 || !strings.Contains(why[len(why)-2].Text, "it leads to calloc") {
				t.Fatalf("not said what it leads to: %v", why)
			}
			marked[c.Prog.Funcs[u.Ref.Func].Name] = true
			if u.Direct {
				t.Error("given itself is never written")
			}
		}
	}
	if !marked["packet"] || !marked["run"] {
		t.Errorf("updates of given are known in %v", marked)
	}

	// What a static variable leads to as well is its state, and a pointer in a register has a view of it.
	seen := strings.NewReplacer("static void packet(", "static struct edge *known;\nstatic void packet(", "if (n < only->limit", "if (!known || n < only->limit",
		"made->conf =", "known = made; made->conf =").Replace(text)
	got = parts(analyse(t, ctest.Text(t, seen)))
	if got["known"] != "state" || got["run.given"] != "fixed" {
		t.Errorf("known is %q, run.given %q", got["known"], got["run.given"])
	}

	// What but for such a pointer only a scratch variable leads to is not lost between the two.
	lent := strings.NewReplacer("static void packet(", "struct round { struct edge *e; int n; };\nstatic void note(struct round *r) { r->e->packets += r->n; }\nstatic void packet(",
		"packet(given, buf, n, only);", "struct round r = {given, n}; note(&r); packet(given, buf, n, only);").Replace(text)
	got = parts(analyse(t, ctest.Text(t, lent)))
	if got["run.r"] != "state" && got["run.given"] != "state" {
		t.Errorf("the edge is nobody's state: run.r is %q, run.given %q", got["run.r"], got["run.given"])
	}
}

// parts says what becomes of each persistent variable.
func parts(c *passes.Context) map[string]string {
	up, sc := update.Of(c), scratch.Of(c)
	got := map[string]string{}
	for i := range persist.Of(c).Vars {
		v := &persist.Of(c).Vars[i]
		name := v.Name
		if v.Proc >= 0 {
			name = c.Prog.Funcs[v.Proc].Name + "." + name
		}
		switch {
		case up.Updateable[v.ID] == nil:
			got[name] = "fixed"
		case sc.Scratch[v.ID] != nil:
			got[name] = "scratch"
		default:
			got[name] = "state"
		}
	}
	return got
}
