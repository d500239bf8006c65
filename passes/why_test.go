package passes_test

import (
	"strings"
	"testing"

	"saz/passes/persist"
	"saz/passes/pointer/ctest"
	"saz/passes/update"
)

// The path to an update is one on which nothing is guessed, if there is one: a pool is handed to what takes a block from it, though
// by the sets that writes any of them.
func TestHandedOn(t *testing.T) {
	c := analyse(t, ctest.Text(t, source(`/* callback */
struct pool { void *free; int used; struct pool *next; };
static struct pool *pools, *small, *large, *idle;
static struct pool *create(void) { struct pool *p = calloc(1, sizeof *p); p->next = pools; pools = p; return p; }
static struct pool *any(int n) { struct pool *p = pools; while (n--) p = p->next; return p; }
static void *first(struct pool *pool) { void *x = pool->free; if (x) { pool->free = *(void **)x; pool->used++; } return x; }
static void *take(struct pool *pool) { void *x = first(pool); return x ? x : malloc(64); }
static void packet(const unsigned char *p, const struct pcap_pkthdr *h) {
	take(p[0] ? small : any(p[1]));
	take(large);
	printf("%d", idle->used);
}
static void done(void) {}
static void __attribute__((constructor)) begin(void) { small = any(0) ? create() : any(1); large = create(); if (small) large = any(2); idle = any(3); }
`)))
	for i := range persist.Of(c).Vars {
		v := &persist.Of(c).Vars[i]
		why := update.Of(c).Updateable[v.ID]
		if v.Name != "large" {
			continue
		}
		var texts []string
		for _, w := range why {
			texts = append(texts, w.Text)
			if w.Of > 1 {
				t.Errorf("a guess: one of %d", w.Of)
			}
		}
		if got := strings.Join(texts, " / "); !strings.Contains(got, "calls take with it: take(large) / calls first with it") {
			t.Errorf("large: %s", got)
		}
		return
	}
	t.Error("no variable large")
}
