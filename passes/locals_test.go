package passes_test

import (
	"strings"
	"testing"

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
	up, sc := update.Of(c), scratch.Of(c)
	got := map[string]string{}
	for i := range persist.Of(c).Vars {
		v := &persist.Of(c).Vars[i]
		name := v.Name
		if v.Proc >= 0 {
			name = c.Prog.Funcs[v.Proc].Name + "." + name
		}
		switch why := up.Updateable[v.ID]; {
		case why == nil:
			got[name] = "fixed"
		case sc.Scratch[v.ID] != nil:
			got[name] = "scratch"
		default:
			got[name] = "state"
			if n := len(why); strings.HasSuffix(name, ".given") && (n < 2 || !strings.Contains(why[n-2].Text, "it leads to calloc")) {
				t.Errorf("%s: not said what it leads to: %v", name, why)
			}
		}
	}
	for name, want := range map[string]string{"run.given": "state", "run.only": "fixed", "run.first": "scratch"} {
		if got[name] != want {
			t.Errorf("%s: %q, not %s", name, got[name], want)
		}
	}
	marked := map[string]bool{} // procedures with an update of run.given
	for _, u := range up.Updates {
		if v := &persist.Of(c).Vars[u.Var]; v.Name == "given" {
			marked[c.Prog.Funcs[u.Ref.Func].Name] = true
			if u.Direct {
				t.Error("given itself is never written")
			}
		}
	}
	if !marked["packet"] || !marked["run"] {
		t.Errorf("updates of given are known in %v", marked)
	}
}
