package passes_test

import (
	"strings"
	"testing"

	"saz/ir"
	"saz/passes"
	"saz/passes/persist"
	"saz/passes/pointer"
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

// whyOf returns the path to the update of a variable, in a line.
func whyOf(t *testing.T, c *passes.Context, name string) string {
	t.Helper()
	for i := range persist.Of(c).Vars {
		v := &persist.Of(c).Vars[i]
		if v.Name != name {
			continue
		}
		var texts []string
		for _, w := range update.Of(c).Updateable[v.ID] {
			texts = append(texts, w.Text)
		}
		return strings.Join(texts, " / ")
	}
	t.Fatalf("no variable %s", name)
	return ""
}

// A path does not go through a call with a constant on to what runs for another one: the timer has ended connections logged, a packet busy ones
// (PRADS: stdout_excessive). The constant may have been chosen by an if, be handed on, and go through a table of functions.
func TestWayWithConstant(t *testing.T) {
	c := analyse(t, ctest.Text(t, source(`/* callback */
enum { NONE, NEW, ENDED, EXPIRED, EXCESSIVE };
static unsigned long busy, ended;
static int last;
static void excessive(void) { busy++; }
static void gone(void) { ended++; }
static void one(int mode) { if (mode == EXCESSIVE) excessive(); else if (mode != NEW) gone(); else printf("new"); }
static void two(int mode) { printf("%d", mode); }
static struct { void (*log)(int); } plugin;
static void log_connection(int mode) { plugin.log(mode); }
static void stopped(int sig) {
	int mode = NONE;
	if (last > 10) mode = EXPIRED;
	if (last == 10) mode = ENDED;
	if (mode) log_connection(mode);
}
static void deep3(const unsigned char *p) { if (p[1] > 9) log_connection(EXCESSIVE); log_connection(NEW); }
static void deep2(const unsigned char *p) { if (p[2]) deep3(p); }
static void deep(const unsigned char *p) { if (p[3]) deep2(p); }
static void packet(const unsigned char *p, const struct pcap_pkthdr *h) { last = p[0]; deep(p); }
static void done(void) {}
static void __attribute__((constructor)) begin(void) { plugin.log = getenv("TWO") ? two : one; signal(SIGALRM, stopped); }
`)))
	if got := whyOf(t, c, "busy"); !strings.Contains(got, "calls deep3 / calls log_connection / calls one, one of 2 procedures") {
		t.Errorf("busy: %s", got)
	}
	if got := whyOf(t, c, "ended"); !strings.Contains(got, "stopped is a signal handler") {
		t.Errorf("ended: %s", got)
	}
}

// A path does not go through a call to a procedure of another type than it is called as, if there is one by name, be it much longer: what a table of any
// functions holds is called as a handler of packets, and one that sets up is among them (Snort: a preprocessor's configuration).
func TestWayByType(t *testing.T) {
	c := analyse(t, ctest.Text(t, source(`/* callback */
struct conf { int depth; struct conf *next; };
struct pkt { const unsigned char *at; int len; };
typedef void (*any)(void);
static unsigned long changed, handled;
static struct conf now;
static void configure(struct conf *c) { changed++; c->depth = 3; }
static void one(struct pkt *p) { handled += p->len; }
static void two(struct pkt *p) { handled += p->at[0]; }
static any handlers[3];
static void deep5(const unsigned char *p) { if (p[5]) configure(&now); }
static void deep4(const unsigned char *p) { if (p[4]) deep5(p); }
static void deep3(const unsigned char *p) { if (p[3]) deep4(p); }
static void deep2(const unsigned char *p) { if (p[2]) deep3(p); }
static void deep(const unsigned char *p) { if (p[1]) deep2(p); }
static void packet(const unsigned char *p, const struct pcap_pkthdr *h) {
	struct pkt k = { p, h->caplen };
	((void (*)(struct pkt *))handlers[p[0] & 1])(&k);
	deep(p);
	printf("%lu %lu", changed, handled);
}
static void done(void) {}
static void __attribute__((constructor)) begin(void) { handlers[0] = (any)one; handlers[1] = (any)two; handlers[2] = (any)configure; }
`)))
	reached := false
	pt := pointer.Of(c)
	for _, f := range c.Prog.Funcs {
		if f.Name != "packet" {
			continue
		}
		for i := range f.Instrs {
			if f.Instrs[i].Op == ir.Call && f.Instrs[i].A.Kind != ir.VFunc {
				for _, to := range pt.Callees(ir.Ref{Func: f.ID, I: int32(i)}) {
					reached = reached || c.Prog.Funcs[to].Name == "configure"
				}
			}
		}
	}
	if !reached {
		t.Error("the call through the table reaches no configure: the case shows nothing")
	}
	if got := whyOf(t, c, "changed"); !strings.Contains(got, "calls deep4 / calls deep5 / calls configure / ") {
		t.Errorf("changed: %s", got)
	}
	if got := whyOf(t, c, "handled"); !strings.Contains(got, "calls one, one of 3 procedures") {
		t.Errorf("handled: %s", got)
	}
}

// A buffer whose address is handed to what fills it is filled by that call, though each of many buffers may be filled there, and a store elsewhere may, by
// the sets, be to fewer (Snort: the buffers of hi_norm_uri).
func TestBufferHandedOn(t *testing.T) {
	c := analyse(t, ctest.Text(t, "#include <zlib.h>\n"+source(`/* callback */
static unsigned char cookie[64], one[64], two[64], three[64];
static unsigned char *any[4] = { cookie, one, two, three };
static unsigned n;
static void fill(unsigned char *to, const unsigned char *from, int n) { while (n-- > 0) if (*from++ != '%') *to++ = *from; }
static void inflated(void *to, const unsigned char *from) {
	z_stream z = { 0 };
	z.next_in = (unsigned char *)from; z.avail_in = 8; z.next_out = to; z.avail_out = 64;
	if (inflateInit(&z) == Z_OK && inflate(&z, 0) >= 0) inflateEnd(&z);
}
static void copy(void *to, const void *from) { memcpy(to, from, 9); }
static void packet(const unsigned char *p, const struct pcap_pkthdr *h) {
	any[p[1] & 3][0] = 0;
	if (p[2]) fill(cookie, p, p[3] & 63);
	fill(any[p[4] & 3], p, 2);
	if (p[5]) copy(two, p);
	copy(any[p[6] & 3], p);
	inflated(any[p[7] & 3], p);
	inflated(three, p);
	printf("%s%s%s%s%u", cookie, one, two, three, n);
}
static void done(void) {}
`)))
	if got := whyOf(t, c, "cookie"); !strings.Contains(got, "calls fill with it: fill(cookie, p, p[3] & 63) / assignment through its pointer in fill") {
		t.Errorf("cookie: %s", got)
	}
	if got := whyOf(t, c, "two"); !strings.Contains(got, "calls copy with it: copy(two, p) / library call memcpy through its pointer in copy") {
		t.Errorf("two: %s", got)
	}
	if got := whyOf(t, c, "three"); !strings.Contains(got, "calls inflated with it: inflated(three, p) / library call inflate through its pointer in inflated") {
		t.Errorf("three: %s", got)
	}
}

// deflate() calls no allocator, deflateInit() does (ir/models/zlib.yaml).
func TestWhoAllocatesInZlib(t *testing.T) {
	c := analyse(t, ctest.Text(t, `#include <zlib.h>
`+source(`/* callback */
static unsigned taken, given;
static z_stream stream;
static void *take(void *opaque, unsigned n, unsigned size) { taken++; return calloc(n, size); }
static void give(void *opaque, void *p) { given++; free(p); }
static void packet(const unsigned char *p, const struct pcap_pkthdr *h) {
	static unsigned char out[256];
	stream.next_in = (unsigned char *)p; stream.avail_in = 8; stream.next_out = out; stream.avail_out = sizeof out;
	deflate(&stream, Z_FINISH);
	if (p[0]) deflateEnd(&stream);
	printf("%s%u%u", out, taken, given);
}
static void done(void) {}
static void __attribute__((constructor)) begin(void) { stream.zalloc = take; stream.zfree = give; deflateInit(&stream, 6); }
`)))
	if got := whyOf(t, c, "taken"); got != "" {
		t.Errorf("taken: %s", got)
	}
	if got := whyOf(t, c, "given"); !strings.Contains(got, "the library calls give back") {
		t.Errorf("given: %s", got)
	}
}
