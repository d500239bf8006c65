package passes_test

import (
	"testing"

	"saz/passes/pointer/ctest"
)

// members are lists that run through members of what they list, as Linux and HAProxy have them.
const members = `
#include <stddef.h>
#define container_of(p, t, m) ((t *)((char *)(p) - offsetof(t, m)))
struct node { struct node *n, *p; };
static inline void node_init(struct node *l) { l->n = l->p = l; }
static inline void node_add(struct node *l, struct node *x) { x->n = l->n; x->p = l; l->n->p = x; l->n = x; }
static inline void node_del(struct node *x) { x->p->n = x->n; x->n->p = x->p; }
`

var containerCases = []struct {
	name, text string
	want       []string
	not        []string
}{
	{"1: one list through members", members + `
struct e { uint32_t ip; int hits; struct node l; };
static struct node all = { &all, &all };
static struct e *find(uint32_t ip) {
	for (struct node *x = all.n; x != &all; x = x->n) {
		struct e *e = container_of(x, struct e, l);
		if (e->ip == ip) return e;
	}
	return NULL;
}
static void drop(struct e *e) { node_del(&e->l); free(e); }
static void packet(const unsigned char *p, const struct pcap_pkthdr *h) {
	struct e *e = find(IP(p)->saddr);
	if (!e) { e = malloc(sizeof *e); e->ip = IP(p)->saddr; e->hits = 0; node_add(&all, &e->l); }
	if (++e->hits > 9) drop(e);
}
static void done(void) {}`,
		[]string{"all: list of e next l.n+8 prev l.p+16 (packet,drop,find) multi-flow nw_src=ip"}, nil},
	{"2: two lists through members, of different things, in a table and not", members + `
struct src { struct node l; uint32_t ip; };
struct dst { int n; struct node chain; uint16_t port; };
static struct node srcs = { &srcs, &srcs };
static struct node dsts[16];
static void see_src(uint32_t ip) {
	struct node *x;
	for (x = srcs.n; x != &srcs; x = x->n)
		if (container_of(x, struct src, l)->ip == ip) return;
	struct src *s = malloc(sizeof *s);
	s->ip = ip;
	node_add(&srcs, &s->l);
}
static void see_dst(uint16_t port) {
	struct node *head = &dsts[port % 16], *x;
	for (x = head->n; x != head; x = x->n) {
		struct dst *d = container_of(x, struct dst, chain);
		if (d->port == port) { d->n++; return; }
	}
	struct dst *d = malloc(sizeof *d);
	d->port = port;
	d->n = 1;
	node_add(head, &d->chain);
}
static void packet(const unsigned char *p, const struct pcap_pkthdr *h) {
	if (!dsts[0].n) for (int i = 0; i < 16; i++) node_init(&dsts[i]);
	see_src(IP(p)->saddr);
	see_dst(TCP(p)->dest);
}
static void done(void) {}`,
		[]string{"srcs: list of src next l.n+0 prev l.p+8 (see_src,,see_src) multi-flow nw_src=ip",
			"dsts: hash-list of dst[16] next chain.n+8 prev chain.p+16 (see_dst,,see_dst) multi-flow tp_dst=port"}, nil},
	{"3: Linux' hlist", `
#include <stddef.h>
struct hlist_node { struct hlist_node *next, **pprev; };
struct hlist_head { struct hlist_node *first; };
struct flow { struct hlist_node node; uint32_t ip; uint16_t port; };
static struct hlist_head table[64];
static void hlist_add(struct hlist_node *n, struct hlist_head *h) {
	n->next = h->first;
	if (h->first) h->first->pprev = &n->next;
	h->first = n;
	n->pprev = &h->first;
}
static void packet(const unsigned char *p, const struct pcap_pkthdr *h) {
	struct hlist_head *head = &table[(IP(p)->saddr ^ TCP(p)->source) & 63];
	struct hlist_node *x;
	for (x = head->first; x; x = x->next) {
		struct flow *f = (struct flow *)((char *)x - offsetof(struct flow, node));
		if (f->ip == IP(p)->saddr && f->port == TCP(p)->source) return;
	}
	struct flow *f = malloc(sizeof *f);
	f->ip = IP(p)->saddr;
	f->port = TCP(p)->source;
	hlist_add(&f->node, head);
}
static void done(void) {}`,
		[]string{"table: hash-list of flow[64] next node.next+0 prev node.pprev+8 (packet,,packet) multi-flow nw_src=ip tp_src=port"}, nil},
	{"4: BSD's heads: SLIST, STAILQ, TAILQ, a table of LISTs", `
struct a { SLIST_ENTRY(a) l; uint32_t ip; };
struct b { uint32_t ip; STAILQ_ENTRY(b) l; };
struct c { uint32_t ip; TAILQ_ENTRY(c) l; };
struct d { LIST_ENTRY(d) l; uint32_t ip; };
static SLIST_HEAD(, a) as;
static STAILQ_HEAD(, b) bs = STAILQ_HEAD_INITIALIZER(bs);
static TAILQ_HEAD(, c) cs = TAILQ_HEAD_INITIALIZER(cs);
static LIST_HEAD(, d) ds[32];
static void packet(const unsigned char *p, const struct pcap_pkthdr *h) {
	uint32_t ip = IP(p)->saddr;
	struct a *a; struct b *b; struct c *c; struct d *d;
	SLIST_FOREACH(a, &as, l) if (a->ip == ip) break;
	if (!a) { a = malloc(sizeof *a); a->ip = ip; SLIST_INSERT_HEAD(&as, a, l); }
	STAILQ_FOREACH(b, &bs, l) if (b->ip == ip) break;
	if (!b) { b = malloc(sizeof *b); b->ip = ip; STAILQ_INSERT_TAIL(&bs, b, l); }
	TAILQ_FOREACH(c, &cs, l) if (c->ip == ip) break;
	if (!c) { c = malloc(sizeof *c); c->ip = ip; TAILQ_INSERT_TAIL(&cs, c, l); }
	else { TAILQ_REMOVE(&cs, c, l); free(c); }
	LIST_FOREACH(d, &ds[ip % 32], l) if (d->ip == ip) break;
	if (!d) { d = malloc(sizeof *d); d->ip = ip; LIST_INSERT_HEAD(&ds[ip % 32], d, l); }
	else { LIST_REMOVE(d, l); free(d); }
}
static void done(void) {}`,
		[]string{"as: list of a next l.sle_next+0 (packet,,packet) multi-flow nw_src=ip",
			"bs: list of b next l.stqe_next+8 (packet,,packet) multi-flow nw_src=ip",
			"cs: list of c next l.tqe_next+8 prev l.tqe_prev+16 (packet,,packet) multi-flow nw_src=ip",
			"ds: hash-list of d[32] next l.le_next+0 prev l.le_prev+8 (packet,,packet) multi-flow nw_src=ip"}, nil},
	{"5: a red-black tree, with parents and colours", `
struct n { struct n *left, *right, *parent; int red; uint32_t ip; uint64_t seen; };
static struct n *root;
static void rotate(struct n *x) {
	struct n *y = x->right;
	x->right = y->left;
	if (y->left) y->left->parent = x;
	y->parent = x->parent;
	if (!x->parent) root = y;
	else if (x == x->parent->left) x->parent->left = y;
	else x->parent->right = y;
	y->left = x;
	x->parent = y;
}
static struct n *find(uint32_t ip) {
	struct n *x = root;
	while (x) {
		if (ip == x->ip) return x;
		x = ip < x->ip ? x->left : x->right;
	}
	return NULL;
}
static struct n *insert(uint32_t ip) {
	struct n **at = &root, *parent = NULL, *x = calloc(1, sizeof *x);
	while (*at) { parent = *at; at = ip < parent->ip ? &parent->left : &parent->right; }
	x->ip = ip;
	x->parent = parent;
	x->red = 1;
	*at = x;
	while (x->parent && x->parent->red) { x->parent->red = 0; if (x->parent->right == x) rotate(x->parent); else x = x->parent; }
	return x;
}
static void packet(const unsigned char *p, const struct pcap_pkthdr *h) {
	struct n *x = find(IP(p)->saddr);
	if (!x) x = insert(IP(p)->saddr);
	x->seen++;
}
static void done(void) {}`,
		[]string{"root: tree of n next left+0 prev right+8 (insert,,find) multi-flow nw_src=ip"}, nil},
	{"6: a trie, a level a bit", `
struct t { struct t *child[2]; uint64_t bytes; };
static struct t *trie;
static void packet(const unsigned char *p, const struct pcap_pkthdr *h) {
	uint32_t ip = ntohl(IP(p)->saddr);
	struct t **at = &trie;
	for (int i = 31; i >= 8; i--) {
		if (!*at) *at = calloc(1, sizeof **at);
		at = &(*at)->child[ip >> i & 1];
	}
	if (*at) (*at)->bytes += h->len;
}
static void done(void) {}`,
		[]string{"trie: tree of t next child[]+0 prev child[]+0 (packet,,packet) multi-flow nw_src="}, nil},
	{"7: open addressing, a hash and a key that is compared as a block", `
struct key { uint32_t src, dst; uint16_t sport, dport; uint32_t proto; };
struct slot { struct key k; uint32_t hash; int used; uint64_t bytes; };
static struct slot slots[1024];
static void packet(const unsigned char *p, const struct pcap_pkthdr *h) {
	struct key k;
	memset(&k, 0, sizeof k);
	k.src = IP(p)->saddr; k.dst = IP(p)->daddr;
	k.sport = TCP(p)->source; k.dport = TCP(p)->dest;
	k.proto = IP(p)->protocol;
	uint32_t hash = 5381;
	for (unsigned i = 0; i < sizeof k; i++) hash = hash * 33 + ((unsigned char *)&k)[i];
	for (unsigned i = hash & 1023; ; i = (i + 1) & 1023) {
		struct slot *s = &slots[i];
		if (!s->used) { s->used = 1; s->hash = hash; s->k = k; }
		if (s->hash == hash && !memcmp(&s->k, &k, sizeof k)) { s->bytes += h->len; break; }
	}
}
static void done(void) {}`,
		[]string{"slots: array of slot[1024] (,,) per-flow nw_src=k.src nw_dst=k.dst tp_src=k.sport tp_dst=k.dport nw_proto=k.proto"}, nil},
	{"7a: a table inside each entry of an array, that is handed on", `
struct flow { uint32_t ip; uint16_t port; };
struct slot { struct flow k; uint64_t bytes; int state; };
struct worker { int id; struct slot slots[64]; uint64_t n; };
static struct worker workers[4];
static struct slot *find(struct slot *all, const struct flow *k) {
	for (unsigned i = k->ip & 63; ; i = (i + 1) & 63) {
		struct slot *s = &all[i];
		if (!s->state) { s->state = 1; s->k = *k; }
		if (!memcmp(&s->k, k, sizeof *k)) return s;
	}
}
static void packet(const unsigned char *p, const struct pcap_pkthdr *h) {
	struct worker *w = &workers[IP(p)->saddr & 3];
	struct flow k = { IP(p)->saddr, TCP(p)->source };
	w->n++;
	find(w->slots, &k)->bytes += h->len;
}
static void done(void) {}`,
		[]string{"workers: array of worker[4] (,,) multi-flow nw_src=slots.k.ip tp_src=slots.k.port"}, nil},
	{"7b: the same, but what is in the inner table is a number that the program gives out", `
struct slot { uint32_t id; uint64_t bytes; };
struct worker { int id; struct slot slots[64]; uint64_t n; };
static struct worker workers[4];
static uint32_t next;
static struct slot *find(struct slot *all, uint32_t id) {
	for (unsigned i = id & 63; ; i = (i + 1) & 63)
		if (all[i].id == id) return &all[i];
}
static void packet(const unsigned char *p, const struct pcap_pkthdr *h) {
	struct worker *w = &workers[IP(p)->saddr & 3];
	w->slots[next & 63].id = next;
	find(w->slots, next++)->bytes += h->len;
}
static void done(void) {}`,
		[]string{"workers: array of worker[4] (,,) multi-flow nw_src="}, nil},
	{"7c: who sent a datagram, by way of a message's header, is kept behind a pointer and compared on the spot", `
#include <sys/socket.h>
#include <netinet/in.h>
struct talk { struct talk *next; struct sockaddr_in *remote; uint64_t n; };
static struct talk *all;
static int fd;
static void packet(const unsigned char *p, const struct pcap_pkthdr *h) {
	struct sockaddr_in sin;
	char text[2000];
	struct iovec v = { text, sizeof text };
	struct msghdr m = { .msg_name = &sin, .msg_namelen = sizeof sin, .msg_iov = &v, .msg_iovlen = 1 };
	struct talk *t;
	if (recvmsg(fd, &m, 0) < 0) return;
	for (t = all; t; t = t->next)
		if (t->remote->sin_addr.s_addr == sin.sin_addr.s_addr && t->remote->sin_port == sin.sin_port) break;
	if (!t) {
		t = malloc(sizeof *t);
		t->remote = malloc(sizeof sin);
		memcpy(t->remote, &sin, sizeof sin);
		t->n = 0;
		t->next = all;
		all = t;
	}
	t->n++;
}
static void done(void) {}`,
		[]string{"all: list of talk next next+0 (packet,,packet) multi-flow nw_src=remote->sin_addr tp_src=remote->sin_port"}, nil},
	{"8: a pool of ports: a table of pointers, by place", `
struct map { uint32_t in_ip; uint16_t in_port; uint16_t out; };
static struct map *by_port[65536];
static uint16_t next_port = 1024;
static struct map *make(uint32_t ip, uint16_t port) {
	struct map *m = malloc(sizeof *m);
	m->in_ip = ip; m->in_port = port; m->out = next_port++;
	by_port[m->out] = m;
	return m;
}
static void packet(const unsigned char *p, const struct pcap_pkthdr *h) {
	struct map *m = by_port[ntohs(TCP(p)->dest)];
	if (!m) m = make(IP(p)->saddr, TCP(p)->source);
	printf("%u", m->in_ip);
}
static void done(void) {}`,
		[]string{"by_port: array of map[65536] (make,,packet) multi-flow tp_dst=", "next_port: all-flows"}, nil},
	{"9: HAProxy's kind of tree: tagged pointers between nodes that are members", `
#include <stddef.h>
typedef void troot;
struct eb_root { troot *b[2]; };
struct eb_node { struct eb_root branches; troot *node_p, *leaf_p; short bit; };
struct eb32 { struct eb_node node; uint32_t key; };
struct who { int hits; struct eb32 tree; };
static struct eb_root people = { { NULL, (troot *)1 } };
#define TAG(p, t) ((troot *)((char *)(p) + (t)))
#define UNTAG(p, t) ((struct eb_root *)((char *)(p) - (t)))
static struct eb32 *lookup(struct eb_root *root, uint32_t x) {
	troot *at = root->b[0];
	while (at) {
		if (((uintptr_t)at & 1) == 0) {
			struct eb32 *leaf = (struct eb32 *)UNTAG(at, 0);
			return leaf->key == x ? leaf : NULL;
		}
		struct eb32 *n = (struct eb32 *)UNTAG(at, 1);
		if (n->key == x) return n;
		at = n->node.branches.b[(x >> n->node.bit) & 1];
	}
	return NULL;
}
static struct eb32 *add(struct eb_root *root, struct eb32 *new) {
	new->node.branches.b[0] = TAG(new, 0);
	new->node.branches.b[1] = root->b[0];
	new->node.bit = 0;
	new->node.leaf_p = TAG(root, 0);
	root->b[0] = TAG(new, 1);
	return new;
}
static void packet(const unsigned char *p, const struct pcap_pkthdr *h) {
	struct eb32 *n = lookup(&people, IP(p)->saddr);
	struct who *w;
	if (n) w = (struct who *)((char *)n - offsetof(struct who, tree));
	else { w = calloc(1, sizeof *w); w->tree.key = IP(p)->saddr; add(&people, &w->tree); }
	w->hits++;
}
static void done(void) {}`,
		[]string{"people: tree of who next tree.node.branches.b[]+8 prev tree.node.branches.b[]+8 (add,,) all-flows"}, nil},
	{"10: headers by their own structs: VLAN, ARP, GRE, ICMP, DNS, and bytes counted from the frame's start", `
struct vlan { unsigned char dst[6], src[6]; uint16_t tpid, tci, type; };
struct arp { uint16_t hw, pro; uint8_t hl, pl; uint16_t op; uint8_t sha[6], spa[4], tha[6], tpa[4]; };
struct gre { uint16_t flags, proto; uint32_t key; };
struct icmp { uint8_t type, code; uint16_t sum, id, seq; };
struct dns { uint16_t id, flags, qdcount, ancount, nscount, arcount; };
struct e { struct e *next; uint64_t k; unsigned char mac[6]; };
static struct e *vlans, *arps, *gres, *pings, *queries, *raws, *macs;
#define SEE(list, v) do { struct e *x; uint64_t k = (v); for (x = list; x; x = x->next) if (x->k == k) break; \
	if (!x) { x = calloc(1, sizeof *x); x->k = k; x->next = list; list = x; } } while (0)
static void packet(const unsigned char *p, const struct pcap_pkthdr *h) {
	SEE(vlans, ntohs(((const struct vlan *)p)->tci) & 0xfff);
	uint32_t spa;
	memcpy(&spa, ((const struct arp *)(p + 14))->spa, 4);
	SEE(arps, spa);
	SEE(gres, ((const struct gre *)(p + 34))->key);
	SEE(pings, ((const struct icmp *)(p + 34))->id);
	SEE(queries, ((const struct dns *)(p + 42))->id);
	SEE(raws, (uint32_t)(p[26] << 24 | p[27] << 16 | p[28] << 8 | p[29]));
	struct e *x;
	for (x = macs; x; x = x->next) if (!memcmp(x->mac, p + 6, 6)) break;
	if (!x) { x = calloc(1, sizeof *x); memcpy(x->mac, p + 6, 6); x->next = macs; macs = x; }
}
static void done(void) {}`,
		[]string{"vlans: list of e next next+0 (packet,,packet) multi-flow dl_vlan=!k",
			"arps: list of e next next+0 (packet,,packet) multi-flow nw_src=k",
			"gres: list of e next next+0 (packet,,packet) multi-flow gre_key=k",
			"pings: list of e next next+0 (packet,,packet) multi-flow icmp_id=k",
			"queries: list of e next next+0 (packet,,packet) multi-flow dns_id=k",
			"raws: list of e next next+0 (packet,,packet) multi-flow nw_src=!k",
			"macs: list of e next next+0 (packet,,packet) multi-flow dl_src=mac"}, nil},
	{"11: what is no key: a hash alone, a network by a mask of other bits, one end or the other, a rule for all", `
struct e { struct e *next; uint32_t k; int n; };
struct rule { struct rule *next; uint8_t proto; uint64_t hits; };
static struct e *hashes, *lows, *nets, *ends;
static struct rule *rules;
#define SEE(list, v) do { struct e *x; uint32_t k = (v); for (x = list; x; x = x->next) if (x->k == k) break; \
	if (!x) { x = calloc(1, sizeof *x); x->k = k; x->next = list; list = x; } } while (0)
static void packet(const unsigned char *p, const struct pcap_pkthdr *h) {
	SEE(hashes, IP(p)->saddr * 2654435761u);
	SEE(lows, ntohl(IP(p)->saddr) & 0xff00ff);
	SEE(nets, ntohl(IP(p)->saddr) & 0xffffff00);
	SEE(ends, p[0] ? IP(p)->saddr : IP(p)->daddr);
	for (struct rule *r = rules; r; r = r->next)
		if (r->proto == 0 || r->proto == IP(p)->protocol) r->hits++;
}
static void done(void) { if (!rules) rules = calloc(1, sizeof *rules); }`,
		[]string{"hashes: list of e next next+0 (packet,,packet) all-flows",
			"lows: list of e next next+0 (packet,,packet) all-flows",
			"nets: list of e next next+0 (packet,,packet) multi-flow nw_src=!k"},
		[]string{"nw_proto"}},
	{"12: a list in order: an entry is put behind the one at which a walk from the head stops, and other lists have such links, too", members + `
struct timer { struct node l; long at; };
struct flow { struct node all; struct timer idle; uint32_t ip; };
static struct node timers = { &timers, &timers }, flows = { &flows, &flows };
static void set(struct timer *t, long at) {
	struct node *x;
	node_del(&t->l);
	t->at = at;
	for (x = timers.p; x != &timers; x = x->p)
		if (container_of(x, struct timer, l)->at <= at) break;
	node_add(x, &t->l);
}
static void first(struct timer *t) { node_add(&timers, &t->l); }
static void packet(const unsigned char *p, const struct pcap_pkthdr *h) {
	struct node *x;
	struct flow *f = NULL;
	for (x = flows.n; x != &flows; x = x->n)
		if (container_of(x, struct flow, all)->ip == IP(p)->saddr) { f = container_of(x, struct flow, all); break; }
	if (!f) { f = calloc(1, sizeof *f); f->ip = IP(p)->saddr; node_init(&f->idle.l); node_add(&flows, &f->all); }
	set(&f->idle, h->ts.tv_sec);
	if (h->caplen == 60) first(&f->idle);
	for (x = timers.n; x != &timers && container_of(x, struct timer, l)->at < h->ts.tv_sec - 9; x = timers.n) node_del(x);
}
static void done(void) {}`,
		[]string{"timers: list of timer next l.n+0 prev l.p+8 (set,,packet) all-flows"}, nil},
	{"13: an array on the heap, as long as a setting says, is searched from its beginning", members + `
struct client { long last; int connects; uint32_t ip; };
static struct client *clients;
static int clients_max;
static void *more(void *p, size_t n) { void *q = realloc(p, n); if (!q) exit(1); return q; }
static void expand(int size) {
	if (size <= clients_max) return;
	clients = more(clients, size * sizeof *clients);
	memset(&clients[clients_max], 0, (size - clients_max) * sizeof clients[0]);
	clients_max = size;
}
static void packet(const unsigned char *p, const struct pcap_pkthdr *h) {
	int i, empty = -1;
	if (!clients) expand(h->len);
	for (i = 0; i < clients_max; i++) {
		if (clients[i].ip == IP(p)->saddr) break;
		if (clients[i].last == 0) empty = i;
	}
	if (i == clients_max) {
		if (empty < 0) return;
		i = empty;
		clients[i].connects = 0;
	}
	clients[i].last = h->ts.tv_sec;
	clients[i].ip = IP(p)->saddr;
	clients[i].connects++;
}
static void done(void) {}`,
		[]string{"clients: array of client (expand,,) multi-flow nw_src=ip"}, nil},
}

func TestContainers(t *testing.T) {
	for _, x := range containerCases {
		t.Run(x.name, func(t *testing.T) {
			got := describe(analyse(t, ctest.Text(t, source(x.text))))
			holds(t, got, x.want, x.not)
		})
	}
}
