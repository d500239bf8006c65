package passes_test

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"saz/ir"
	"saz/ir/models"
	"saz/passes"
	"saz/passes/container"
	"saz/passes/flowspace"
	"saz/passes/persist"
	"saz/passes/plan"
	"saz/passes/pointer/ctest"
	"saz/passes/scratch"
	"saz/passes/update"
)

func analyse(t testing.TB, p *ir.Program) *passes.Context {
	t.Helper()
	c := &passes.Context{Prog: p, Models: models.Default(), Jobs: 2}
	for _, x := range []*passes.Pass{update.Pass, scratch.Pass, container.Pass, flowspace.Pass, plan.Pass} {
		if err := c.Need(x); err != nil {
			t.Fatal(err)
		}
	}
	return c
}

// describe prints the verdicts of the four passes, one updateable variable a line.
func describe(c *passes.Context) string {
	var b strings.Builder
	up, sc, ct, fs, pl := update.Of(c), scratch.Of(c), container.Of(c), flowspace.Of(c), plan.Of(c)
	for i := range persist.Of(c).Vars {
		v := &persist.Of(c).Vars[i]
		if up.Updateable[v.ID] == nil {
			continue
		}
		fmt.Fprintf(&b, "%s:", v.Name)
		if sc.Scratch[v.ID] != nil {
			b.WriteString(" scratch")
		}
		if k := ct.Containers[v.ID]; k != nil {
			fmt.Fprintf(&b, " %s of %s", k.Shape, k.Entry.Tag+k.Entry.Typedef)
			if k.Buckets > 1 {
				fmt.Fprintf(&b, "[%d]", k.Buckets)
			}
			if k.Next != "" {
				fmt.Fprintf(&b, " next %s+%d", k.Next, k.NextOff)
			}
			if k.Prev != "" {
				fmt.Fprintf(&b, " prev %s+%d", k.Prev, k.PrevOff)
			}
			if k.Tail != "" {
				fmt.Fprintf(&b, " tail %s", k.Tail)
			}
			fmt.Fprintf(&b, " (%s,%s,%s)", k.Insert, k.Remove, k.Lookup)
			for _, n := range k.Nested {
				fmt.Fprintf(&b, " nested %s", n.Field)
			}
		}
		if s := fs.Spaces[v.ID]; s != nil && s.Scope != "none" {
			fmt.Fprintf(&b, " %s", s.Scope)
			for _, k := range s.All() {
				order := ""
				if !k.Net {
					order = "!"
				}
				fmt.Fprintf(&b, " %s=%s%s", k.Header, order, k.Field)
			}
			if s.BothWays {
				b.WriteString(" bothways")
			}
		}
		b.WriteByte('\n')
	}
	for _, s := range pl.Sites {
		e := "?"
		if s.Elem != nil {
			e = s.Elem.String()
		}
		fmt.Fprintf(&b, "site %d %s of %s%s\n", s.ID, s.Func, e, map[bool]string{true: " manual"}[s.Manual])
	}
	if len(pl.Frees) > 0 {
		fmt.Fprintf(&b, "frees %d\n", len(pl.Frees))
	}
	for _, d := range pl.Manual {
		fmt.Fprintf(&b, "decide %s\n", d.What)
	}
	return b.String()
}

// prologue begins every case: the receive loop hands packets to packet().
const prologue = `
#include <arpa/inet.h>
#include <net/ethernet.h>
#include <netinet/ip.h>
#include <netinet/tcp.h>
#include <netinet/udp.h>
#include <pcap/pcap.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
static void packet(const unsigned char *p, const struct pcap_pkthdr *h);
static void done(void);
int main(void) {
	pcap_t *in = pcap_open_offline("x", NULL);
	const unsigned char *bytes;
	struct pcap_pkthdr head;
	while ((bytes = pcap_next(in, &head)) != NULL)
		packet(bytes, &head);
	done();
	return 0;
}
#define IP(p) ((const struct iphdr *)((p) + 14))
#define TCP(p) ((const struct tcphdr *)((p) + 34))
`

// callback replaces the loop of prologue for cases that define CALLBACK.
const callback = `
#define CALLBACK
#define main unused_main
static int depth_of_main;
`

const callbackMain = `
#undef main
static void handle(u_char *user, const struct pcap_pkthdr *h, const u_char *p) { packet(p, h); }
int main(void) {
	pcap_t *in = pcap_open_offline("x", NULL);
	pcap_loop(in, -1, handle, NULL);
	done();
	return 0;
}
`

var stageCases = []struct {
	name, text string
	want       []string // lines of describe
	not        []string // text that is in none
}{
	{"parameters: what only the beginning handed to a helper", `
struct watch { int fd; unsigned ready; struct watch *also; };
static struct watch listener, first, late, conns[8];
static void watch_set(struct watch *w, int fd) { w->fd = fd; if (w->also) w->also->ready = 0; }
static void both(struct watch *w, int fd) { for (struct watch *x = w; x; x = x->also) x->fd = fd; }
static void hand(struct watch *w) { watch_set(w, 1); }
static void handler(int n) { hand(&late); }
static void setup(void) __attribute__((constructor));
static void setup(void) { watch_set(&listener, 3); both(&listener, 3); hand(&first); signal(SIGHUP, handler); }
static void packet(const unsigned char *p, const struct pcap_pkthdr *h) {
	watch_set(&conns[p[0] & 7], p[1]);
	printf("%d %d %d", listener.fd, conns[p[2] & 7].fd, first.fd);
}
static void done(void) { printf("%d", late.fd); }`,
		[]string{"late: all-flows"}, []string{"listener:", "first:"}},
	{"keys: of an address of either kind at least four bytes are compared", `
struct peer { struct peer *next; unsigned char ver, addr[16]; unsigned seen; };
static struct peer *peers[64];
static struct peer *lookup(const unsigned char *addr, int ver) {
	for (struct peer *x = peers[addr[3] & 63]; x; x = x->next)
		if (x->ver == ver && !memcmp(addr, x->addr, x->ver == 4 ? 4 : 16)) return x;
	return NULL;
}
static void packet(const unsigned char *p, const struct pcap_pkthdr *h) {
	const unsigned char *from = (const unsigned char *)&IP(p)->saddr;
	struct peer *x = lookup(from, 4);
	if (!x) {
		x = calloc(1, sizeof *x);
		x->ver = 4;
		memcpy(x->addr, from, 4);
		x->next = peers[from[3] & 63];
		peers[from[3] & 63] = x;
	}
	x->seen++;
}
static void done(void) {}`,
		[]string{"peers: hash-list of peer[64] next next+0 (packet,,lookup) multi-flow nw_src=addr"}, nil},
	{"methods: a record's function gets the record that has it", `
struct plug { int (*init)(struct plug *, const char *); void (*see)(struct plug *, int); void (*turn)(struct plug *); void *data; };
struct file { const char *name; int lines; };
static int file_open(struct plug *p, const char *name) { struct file *d = calloc(1, sizeof *d); d->name = name; p->data = d; return 0; }
static void file_see(struct plug *p, int n) { struct file *d = p->data; d->lines += n; }
static void file_turn(struct plug *p) { struct file *d = p->data; const char *name = d->name; free(d); p->data = NULL; file_open(p, name); }
static int screen_open(struct plug *p, const char *name) { if (name) p->see = NULL; return 0; }
static void screen_see(struct plug *p, int n) { printf("%d", n); }
static struct plug to_file = { file_open, file_see, file_turn }, to_screen = { screen_open, screen_see };
static struct plug *plugs[4];
static int nplugs;
static void add(struct plug *p) { plugs[nplugs++] = p; if (p->init) p->init(p, "x"); }
static void setup(void) __attribute__((constructor));
static void setup(void) { add(&to_file); add(&to_screen); }
static void packet(const unsigned char *p, const struct pcap_pkthdr *h) {
	for (int i = 0; i < nplugs; i++) {
		struct plug *q = plugs[i];
		if (q->see) q->see(q, p[0]);
		if (p[1] && q->turn) q->turn(q);
	}
}
static void done(void) {}`,
		[]string{"to_file: all-flows"}, []string{"to_screen:"}},
	{"scratch: memset first, kept counter, exit code, never read", `
struct info { int a, b; char name[8]; };
static struct info info;
static int count, last, dead, printed;
static void use(struct info *i) { if (i->a) i->b++; }
static void packet(const unsigned char *p, const struct pcap_pkthdr *h) {
	memset(&info, 0, sizeof info);
	info.a = p[0];
	use(&info);
	count++;
	last = h->caplen;
	if (last > 9) count++;
	dead = 1;
	printed = 2;
}
static void done(void) { printf("%d %d", printed, count); }`,
		[]string{"info: scratch", "count: all-flows", "last: scratch", "dead: scratch", "printed: all-flows", "bytes: scratch"}, nil},
	{"scratch: written on one path only, by a callee, field by field", `
struct pair { int a, b; };
static struct pair whole, half;
static int some, set;
static int put(int *p, int v) { *p = v; return v; }
static int get(int x) { if (x) return set; return 0; }
static void packet(const unsigned char *p, const struct pcap_pkthdr *h) {
	if (p[0]) some = 1;
	printf("%d", some);
	put(&set, p[1]);
	printf("%d", get(p[2]));
	whole.a = p[0]; whole.b = p[1];
	half.a = p[0];
	printf("%d %d %d", whole.a, whole.b, half.b);
	half.b = p[1];
}
static void done(void) {}`,
		[]string{"some: all-flows", "set: scratch", "whole: scratch", "half: all-flows"}, nil},
	{"scratch: strings", `
static char good[64], unchecked[64], kept[64], viafn[64], bytewise[4];
static const char *text(char *to, size_t n, const void *a) {
	if (inet_ntop(AF_INET, a, to, n) == NULL) snprintf(to, n, "?");
	return to;
}
static void packet(const unsigned char *p, const struct pcap_pkthdr *h) {
	puts(text(good, sizeof good, p + 26));
	inet_ntop(p[0], p + 26, unchecked, sizeof unchecked);
	puts(unchecked);
	puts(kept);
	snprintf(kept, sizeof kept, "%d", p[0]);
	text(viafn, sizeof viafn, p + 30);
	printf("%s", viafn);
	bytewise[p[0] & 3] = 1;
	if (bytewise[p[1] & 3]) puts("x");
}
static void done(void) {}`,
		[]string{"good: scratch", "unchecked: all-flows", "kept: all-flows", "viafn: scratch", "bytewise: multi-flow dl_dst="}, nil},
	{"scratch: a handler reads it, recursion, locals of the loop", `
static int shared, depth;
static void handler(int n) { if (shared) exit(1); }
static int down(int n) { depth = n; if (n > 0) down(n - 1); return depth; }
static void packet(const unsigned char *p, const struct pcap_pkthdr *h) {
	shared = p[0];
	if (shared) printf("%d", down(p[1]));
}
static void done(void) { signal(SIGINT, handler); }`,
		[]string{"shared: all-flows", "depth: scratch", "bytes: scratch", "head: scratch"}, nil},
	{"scratch: called back", `/* callback */
struct st { int a; struct { int x, y; } in; };
static struct st st;
static int atexit_, alias, inner, ret, jump;
static int *where(int n) { return n ? &alias : &ret; }
static struct st make(int n) { struct st s = { n, { n, n } }; return s; }
static void loop(int n) { while (n-- > 0) { inner = n; if (inner > 3) break; } printf("%d", inner); }
static void packet(const unsigned char *p, const struct pcap_pkthdr *h) {
	st = make(p[0]);
	printf("%d", st.in.y);
	atexit_ = p[1];
	printf("%d", atexit_);
	*where(p[2]) = 1;
	printf("%d%d", alias, ret);
	loop(p[3]);
	if (p[4]) goto out;
	jump = 1;
out:
	printf("%d", jump);
}
static void done(void) { printf("%d", atexit_); }`,
		[]string{"st: scratch", "atexit_: all-flows", "alias: all-flows", "ret: all-flows", "inner: all-flows", "jump: all-flows"}, nil},
	{"looked up by either end, through a structure that the packet's fields are gathered in", `/* callback */
struct info { int af; uint32_t src, dst; uint16_t sport, dport; };
struct e { struct e *next; uint32_t who; uint16_t port; };
static struct e *list[8];
static void get(const unsigned char *p, struct info *i) {
	struct iphdr ip;
	memcpy(&ip, p + 14, sizeof ip);
	i->af = AF_INET;
	i->src = ip.saddr; i->dst = ip.daddr;
	i->sport = ntohs(TCP(p)->th_sport); i->dport = ntohs(TCP(p)->th_dport);
}
static struct e *find(struct e *head, uint32_t who, const uint16_t *port) {
	for (struct e *x = head; x; x = x->next) if (x->who == who && x->port == *port) return x;
	return NULL;
}
static void packet(const unsigned char *p, const struct pcap_pkthdr *h) {
	struct info i;
	get(p, &i);
	struct e **b = &list[i.dst & 7];
	if (find(*b, i.dst, &i.dport)) return;
	struct e *x = malloc(sizeof *x);
	x->who = i.dst; x->port = i.dport; x->next = *b; *b = x;
}
static void done(void) {}`,
		[]string{"list: hash-list of e[8] next next+0 (packet,,find) multi-flow nw_dst=who tp_dst=!port"}, nil},
	{"a list keyed by address, pushed in front", `
struct host { uint32_t ip; int n; struct host *next; };
static struct host *hosts;
static struct host *find(uint32_t ip) {
	for (struct host *h = hosts; h; h = h->next)
		if (h->ip == ip) return h;
	return NULL;
}
static void drop(struct host *h) {
	if (hosts == h) hosts = h->next;
	free(h);
}
static void packet(const unsigned char *p, const struct pcap_pkthdr *hd) {
	struct host *h = find(IP(p)->saddr);
	if (!h) {
		h = malloc(sizeof *h);
		h->ip = IP(p)->saddr;
		h->n = 0;
		h->next = hosts;
		hosts = h;
	}
	if (++h->n > 100) drop(h);
}
static void done(void) {}`,
		[]string{"hosts: list of host next next+8 (packet,drop,find) multi-flow nw_src=ip", "site 1 malloc of struct host", "frees 1"}, []string{"decide"}},
	{"a table of doubly linked lists, looked up both ways, in host order", `
struct key { uint32_t s, d; uint16_t sp, dp; };
struct conn { struct conn *n, *p; struct key k; long bytes; };
static struct conn **table;
static unsigned hash(uint32_t a, uint32_t b, unsigned c) { return (a + b + c) % 256; }
static void packet(const unsigned char *p, const struct pcap_pkthdr *hd) {
	struct key k = { ntohl(IP(p)->saddr), ntohl(IP(p)->daddr), ntohs(TCP(p)->source), ntohs(TCP(p)->dest) };
	unsigned i = hash(k.s, k.d, k.sp + k.dp);
	struct conn *c;
	if (!table) table = calloc(256, sizeof *table);
	for (c = table[i]; c; c = c->n) {
		if (c->k.s == k.s && c->k.d == k.d && c->k.sp == k.sp && c->k.dp == k.dp) break;
		if (c->k.s == k.d && c->k.d == k.s && c->k.sp == k.dp && c->k.dp == k.sp) break;
	}
	if (!c) {
		c = calloc(1, sizeof *c);
		c->k = k;
		c->n = table[i];
		if (c->n) c->n->p = c;
		table[i] = c;
	}
	c->bytes += hd->len;
	if (TCP(p)->rst) {
		if (c->n) c->n->p = c->p;
		if (c->p) c->p->n = c->n; else table[i] = c->n;
		free(c);
	}
}
static void done(void) {}`,
		[]string{"table: hash-list of conn[256] next n+0 prev p+8 (packet,,packet) per-flow nw_src=!k.s nw_dst=!k.d tp_src=!k.sp tp_dst=!k.dp bothways"}, []string{"decide"}},
	{"constant offsets and bytes put together", `
struct e { struct e *next; uint32_t dst; uint16_t port; };
static struct e *list;
static void packet(const unsigned char *p, const struct pcap_pkthdr *hd) {
	uint32_t d = p[30] << 24 | p[31] << 16 | p[32] << 8 | p[33];
	uint16_t port;
	memcpy(&port, p + 36, 2);
	for (struct e *x = list; x; x = x->next)
		if (x->dst == d && x->port == port) return;
	struct e *x = malloc(sizeof *x);
	x->dst = d; x->port = port; x->next = list; list = x;
}
static void done(void) {}`,
		[]string{"list: list of e next next+0 (packet,,packet) multi-flow nw_dst=!dst tp_dst=port"}, nil},
	{"what does not select: a masked address, a field that is brought up to date, the time", `
struct e { struct e *next; uint32_t net, mask; uint32_t src; uint8_t ttl; uint8_t mac[6]; long t; };
static struct e *list;
static void packet(const unsigned char *p, const struct pcap_pkthdr *hd) {
	struct e *x;
	for (x = list; x; x = x->next)
		if (x->net == (IP(p)->daddr & x->mask) && x->src == IP(p)->saddr && x->t != hd->ts.tv_sec) break;
	if (!x) {
		x = calloc(1, sizeof *x);
		x->net = IP(p)->daddr; x->src = IP(p)->saddr; x->next = list; list = x;
	}
	if (memcmp(x->mac, p + 6, 6) != 0) memcpy(x->mac, p + 6, 6);
	if (x->ttl != IP(p)->protocol) x->ttl = IP(p)->protocol;
}
static void done(void) {}`,
		[]string{"list: list of e next next+0 (packet,,packet) multi-flow nw_src=src"}, nil},
	{"a program's own headers, a key compared as a block, a helper that compares", `
struct my_ip { uint8_t vhl, tos; uint16_t len, id, frag; uint8_t ttl, p; uint16_t sum; uint32_t src, dst; };
struct my_udp { uint16_t sport, dport, len, sum; };
struct tuple { uint32_t a, b; uint16_t c, d; };
struct flow { struct tuple t; struct flow *chain; };
static struct flow *tab[64];
static int same(const struct tuple *x, const struct tuple *y) { return memcmp(x, y, sizeof *x) == 0; }
static void packet(const unsigned char *p, const struct pcap_pkthdr *hd) {
	const struct my_ip *ip = (const void *)(p + 14);
	const struct my_udp *udp = (const void *)(p + 14 + (ip->vhl & 15) * 4);
	struct tuple t;
	memset(&t, 0, sizeof t);
	t.a = ip->src; t.b = ip->dst; t.c = udp->sport; t.d = udp->dport;
	struct flow **b = &tab[(t.a ^ t.b) & 63], *f;
	for (f = *b; f; f = f->chain) if (same(&f->t, &t)) return;
	f = malloc(sizeof *f);
	f->t = t; f->chain = *b; *b = f;
}
static void done(void) {}`,
		[]string{"tab: hash-list of flow[64] next chain+16 (packet,,packet) per-flow nw_src=t.a nw_dst=t.b tp_src=t.c tp_dst=t.d"}, nil},
	{"appended at a tail, BSD list, LRU through the same entries, tree", `
struct a { struct a *next; int v; };
static struct a *first, *lasta;
static void append(int v) {
	struct a *x = calloc(1, sizeof *x);
	x->v = v;
	if (lasta) lasta->next = x; else first = x;
	lasta = x;
}
struct b { int v; LIST_ENTRY(b) link; };
static LIST_HEAD(, b) blist;
struct c { struct c *next, *older, *newer; uint32_t ip; };
static struct c *ctab[16], *lru;
struct t { struct t *l, *r; uint32_t ip; };
static struct t *root;
static void packet(const unsigned char *p, const struct pcap_pkthdr *hd) {
	append(p[0]);
	for (struct a *x = first; x; x = x->next) if (x->v == 7) return;
	struct b *b = malloc(sizeof *b), *q;
	LIST_FOREACH(q, &blist, link) if (q->v == p[3]) break;
	LIST_INSERT_HEAD(&blist, b, link);
	struct c *c;
	for (c = ctab[p[0] & 15]; c; c = c->next) if (c->ip == IP(p)->saddr) break;
	if (!c) {
		c = calloc(1, sizeof *c);
		c->ip = IP(p)->saddr;
		c->next = ctab[p[0] & 15]; ctab[p[0] & 15] = c;
		c->older = lru; if (lru) lru->newer = c; lru = c;
	}
	struct t **pp = &root;
	while (*pp && (*pp)->ip != IP(p)->daddr) pp = (*pp)->ip < IP(p)->daddr ? &(*pp)->l : &(*pp)->r;
	if (!*pp) { *pp = calloc(1, sizeof **pp); (*pp)->ip = IP(p)->daddr; }
}
static void done(void) {}`,
		[]string{"first: list of a next next+0 tail lasta (append,,packet) all-flows",
			"blist: list of b next link.le_next+8 prev link.le_prev+16 (packet,,packet) all-flows",
			"lasta: all-flows",
			"ctab: unknown of c[16] next next+0 (packet,,packet) multi-flow nw_src=ip",
			"root: tree of t next l+0 prev r+8 (packet,,packet) multi-flow nw_dst=ip",
			"decide ctab holds state of flows in a collection of unknown shape: entries hold another pointer to an entry, older, which is neither the next nor the previous one"}, nil},
	{"what is const is not written and leads where it was made to lead, whatever a pointer is said to point at", `
struct s { int n; int *at; };
static int counted, other, named;
static const struct s fixed = { 1, &other };
static const char text[16] = "text";
static const char *words[2] = { "a", "b" };
static const struct s steady = { 2, &counted };
static struct s loose = { 3, &named };
static void packet(const unsigned char *p, const struct pcap_pkthdr *hd) {
	static char buf[16];
	char *q = p[0] == 1 ? (char *)text : p[0] == 2 ? (char *)words[p[3] & 1] : buf;
	const struct s *s = p[1] == 1 ? &fixed : p[1] == 2 ? &steady : &loose;
	if (s == &loose) ((struct s *)s)->n++;
	loose.at = &other;
	q[0] = p[4];
	(*steady.at)++;
	printf("%s%d%d", q, s->n, *s->at);
}
static void done(void) {}`,
		[]string{"counted: all-flows", "steady: all-flows", "loose: all-flows", "buf: all-flows"}, []string{"fixed:", "text:", "words:", "other:"}},
	{"an array by hash, an array searched, a counter by protocol", `
struct s { uint32_t ip; int n; };
static struct s byhash[128], searched[32];
static unsigned long protos[256];
static int used;
static void packet(const unsigned char *p, const struct pcap_pkthdr *hd) {
	struct s *e = &byhash[(IP(p)->saddr * 31 + IP(p)->daddr) % 128];
	e->n++;
	protos[IP(p)->protocol]++;
	int i;
	for (i = 0; i < used; i++) if (searched[i].ip == IP(p)->daddr) break;
	if (i == used && used < 32) searched[used++].ip = IP(p)->daddr;
	searched[i].n++;
}
static void done(void) {}`,
		[]string{"byhash: array of s[128] (,,) multi-flow nw_src= nw_dst=", "searched: array of s[32] (,,) multi-flow nw_dst=ip", "protos: multi-flow nw_proto=", "used: all-flows"}, nil},
	{"plan: void pointers, unions, wrappers, library handles, function pointers", `
struct x { struct x *next; void *data; union { int i; char *s; } u; void (*fn)(void); FILE *log; };
struct y { int *p; };
static struct x *xs;
static struct y *ys;
static void *get(size_t n) { void *p = malloc(n); if (!p) exit(1); return p; }
static void f(void) {}
static void packet(const unsigned char *p, const struct pcap_pkthdr *hd) {
	struct x *x = get(sizeof *x);
	x->next = xs; xs = x;
	if (p[0]) x->data = get(sizeof(struct y)); else x->data = strdup("a");
	x->u.s = NULL;
	x->fn = f;
	x->log = fopen("a", "r");
	ys = realloc(ys, 8 * sizeof *ys);
	free(x->data);
}
static void done(void) {}`,
		[]string{"site 4  of struct x", "site 5  of struct y"}, nil},
}

// source is the whole text of a case.
func source(text string) string {
	if strings.HasPrefix(text, "/* callback */") {
		return strings.Replace(prologue, "int main", callback+"static inline int main", 1) + text + callbackMain
	}
	return prologue + text
}

// holds wants each line of want in what describe says, and nothing of not anywhere.
func holds(t *testing.T, got string, want, not []string) {
	t.Helper()
	lines := map[string]bool{}
	for _, l := range strings.Split(got, "\n") {
		lines[l] = true
	}
	for _, w := range want {
		if !lines[w] {
			t.Errorf("no line %q", w)
		}
	}
	for _, n := range not {
		if strings.Contains(got, n) {
			t.Errorf("%q found", n)
		}
	}
	if t.Failed() {
		t.Logf("got\n%s", got)
	}
}

func TestStages(t *testing.T) {
	for _, x := range stageCases {
		t.Run(x.name, func(t *testing.T) {
			got := describe(analyse(t, ctest.Text(t, source(x.text))))
			holds(t, got, x.want, x.not)
		})
	}
}

// TestExamples pins the verdicts on the example middleboxes.
func TestExamples(t *testing.T) {
	for dir, want := range map[string][]string{
		"figure3": {"queue: all-flows", "head: all-flows", "tail: all-flows",
			"hosts: list of host next next+8 (processPacket,,lookup) multi-flow nw_src=ip",
			"pcapHdr: scratch", "entry: scratch", "site 1 malloc of struct host", "site 2 calloc of char", "frees 2"},
		"figure9": {"tbl: array of conn[1000] (,,) per-flow nw_src= nw_dst= tp_src= tp_dst=", "count: all-flows", "tcpcnt: all-flows",
			"buf: scratch", "n: scratch", "pkt: scratch", "i: scratch"},
		"monitor": {"config: all-flows", "since_sweep: all-flows", "last: all-flows", "host_count: all-flows",
			"pkt: scratch", "src_text: scratch", "dst_text: scratch",
			"buckets: hash-list of conn[4096] next next+0 prev prev+8 (conn_new,conn_end,conn_find)" +
				" per-flow nw_src=src nw_dst=dst tp_src=!sport tp_dst=!dport nw_proto=proto dl_type=!af bothways",
			"host_tab: hash-list of host[1024] next next+0 (host_seen,,host_seen) nested services multi-flow nw_src=addr dl_type=!af",
			"site 1 calloc of struct conn", "frees 3"},
	} {
		t.Run(dir, func(t *testing.T) {
			full, err := filepath.Abs("../examples/" + dir)
			if err != nil {
				t.Fatal(err)
			}
			files, _ := filepath.Glob(full + "/*.c")
			got := describe(analyse(t, ctest.Files(t, full, nil, files...)))
			holds(t, got, want, nil)
		})
	}
}

// TestSameTwice checks that verdicts do not depend on the order of maps.
func TestSameTwice(t *testing.T) {
	x := stageCases[len(stageCases)-1]
	for _, c := range stageCases {
		if strings.Contains(c.text, "LIST_ENTRY") {
			x = c
		}
	}
	p := ctest.Text(t, source(x.text))
	first := describe(analyse(t, p))
	for range 5 {
		if got := describe(analyse(t, p)); got != first {
			t.Fatalf("first\n%s\nthen\n%s", first, got)
		}
	}
}
