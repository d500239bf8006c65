package passes_test

import (
	"fmt"
	"strings"
	"testing"

	"saz/passes/pointer/ctest"
)

// generic is a hash table that knows nothing of what it holds: entries keep their key behind a void *, in the
// tail of their own block, hashed and compared by functions that whoever made the table names.
const generic = `
typedef struct node { struct node *gnext, *gprev, *next, *prev; int row; void *key, *data; } NODE;
typedef struct hashfn {
	unsigned seed;
	unsigned (*hash)(struct hashfn *, const unsigned char *, int);
	int (*cmp)(const void *, const void *, size_t);
} HASHFN;
typedef struct table { HASHFN *fn; int keysize, datasize; NODE **rows; unsigned nrows, count; long used; NODE *ghead, *gtail, *fhead; } TABLE;
static void *get_memory(TABLE *t, size_t n) {
	long *p = calloc(1, n + sizeof(long));
	if (!p) abort();
	*p++ = n;
	t->used += n;
	return p;
}
static unsigned any_hash(HASHFN *h, const unsigned char *d, int n) {
	unsigned x = h->seed;
	while (n--) x = x * 31 + *d++;
	return x;
}
static HASHFN *hashfn_new(int rows) {
	HASHFN *h = calloc(1, sizeof *h);
	if (!h) return NULL;
	h->seed = rand() % rows;
	h->hash = any_hash;
	h->cmp = memcmp;
	return h;
}
static TABLE *table_new(int rows, int keysize, int datasize) {
	TABLE *t = calloc(1, sizeof *t);
	if (!t) return NULL;
	t->fn = hashfn_new(rows);
	if (!t->fn) { free(t); return NULL; }
	t->rows = get_memory(t, sizeof(NODE *) * rows);
	t->nrows = rows;
	t->keysize = keysize;
	t->datasize = datasize;
	return t;
}
static int hashfn_ops(HASHFN *h, unsigned (*hash)(HASHFN *, const unsigned char *, int), int (*cmp)(const void *, const void *, size_t)) {
	if (!h || !hash || !cmp) return -1;
	h->hash = hash;
	h->cmp = cmp;
	return 0;
}
static int table_ops(TABLE *t, unsigned (*hash)(HASHFN *, const unsigned char *, int), int (*cmp)(const void *, const void *, size_t)) {
	return t ? hashfn_ops(t->fn, hash, cmp) : -1;
}
static void link_node(TABLE *t, NODE *n) {
	n->prev = NULL;
	n->next = t->rows[n->row];
	if (n->next) n->next->prev = n;
	t->rows[n->row] = n;
	n->gprev = NULL;
	n->gnext = t->ghead;
	if (t->ghead) t->ghead->gprev = n; else t->gtail = n;
	t->ghead = n;
}
static void unlink_node(TABLE *t, NODE *n) {
	if (n->prev) {
		n->prev->next = n->next;
		if (n->next) n->next->prev = n->prev;
	} else {
		t->rows[n->row] = t->rows[n->row]->next;
		if (t->rows[n->row]) t->rows[n->row]->prev = NULL;
	}
	if (t->ghead == n) t->ghead = n->gnext;
	if (n->gprev) n->gprev->gnext = n->gnext;
	if (n->gnext) n->gnext->gprev = n->gprev;
	if (t->gtail == n) t->gtail = n->gprev;
}
static NODE *find_row(TABLE *t, const void *key, int *row) {
	NODE *n;
	*row = t->fn->hash(t->fn, key, t->keysize) & (t->nrows - 1);
	for (n = t->rows[*row]; n; n = n->next)
		if (!t->fn->cmp(n->key, key, t->keysize)) return n;
	return NULL;
}
static NODE *table_get(TABLE *t, const void *key) {
	int row;
	NODE *n = find_row(t, key, &row);
	if (n) return n;
	n = t->fhead;
	if (n) t->fhead = n->gnext;
	else n = get_memory(t, sizeof *n + t->keysize + t->datasize);
	n->key = (char *)n + sizeof(NODE);
	memcpy(n->key, key, t->keysize);
	n->row = row;
	n->data = (char *)n + sizeof(NODE) + t->keysize;
	link_node(t, n);
	t->count++;
	return n;
}
static NODE *table_find(TABLE *t, const void *key) { int row; return find_row(t, key, &row); }
static void table_drop(TABLE *t, NODE *n) {
	unlink_node(t, n);
	n->gnext = t->fhead;
	t->fhead = n;
	t->count--;
}
`

// sessions use such a table for each protocol, behind a block of their own; the lower address comes first, so that
// both directions of a connection have one key.
const sessions = `
typedef struct skey { uint32_t lo, hi; uint16_t port_lo, port_hi, vlan; uint8_t proto, pad; } SKEY;
typedef struct session { SKEY *key; unsigned packets; int state; } SESSION;
typedef struct cache { TABLE *table; NODE *again; unsigned prunes; } CACHE;
static CACHE *caches[3];
static void set_key(uint32_t src, uint16_t sport, uint32_t dst, uint16_t dport, uint8_t proto, SKEY *k) {
	if (proto == 1) { sport = 8; dport = 0; }
	if (src < dst) { k->lo = src; k->hi = dst; k->port_lo = sport; k->port_hi = dport; }
	else if (src == dst) {
		k->lo = src; k->hi = dst;
		if (sport < dport) { k->port_lo = sport; k->port_hi = dport; }
		else { k->port_lo = dport; k->port_hi = sport; }
	} else { k->lo = dst; k->port_lo = dport; k->hi = src; k->port_hi = sport; }
	k->proto = proto;
	k->vlan = 0;
	k->pad = 0;
}
static SESSION *session_of(void *cache, const SKEY *key) {
	CACHE *c = cache;
	NODE *n = table_find(c->table, key);
	return n ? n->data : NULL;
}
static SESSION *session_new(void *cache, const SKEY *key) {
	CACHE *c = cache;
	NODE *n = table_get(c->table, key);
	SESSION *s = n->data;
	memset(s, 0, sizeof *s);
	s->key = n->key;
	return s;
}
static void session_end(CACHE *c, SESSION *s) {
	NODE *n = table_find(c->table, s->key);
	if (c->again == n) c->again = NULL;
	table_drop(c->table, n);
	c->prunes++;
}
static int skey_cmp(const void *x, const void *y, size_t n) {
	const uint64_t *a = x, *b = y;
	if (*a - *b) return 1;
	a++; b++;
	if (*a - *b) return 1;
	return 0;
}
static unsigned skey_hash(HASHFN *h, const unsigned char *d, int n) { return *(uint32_t *)d ^ *(uint32_t *)(d + 4) ^ *(uint32_t *)(d + 8) ^ h->seed; }
static void cache_new(int which) {
	CACHE *c = calloc(1, sizeof *c);
	c->table = table_new(256, sizeof(SKEY), sizeof(SESSION));
	table_ops(c->table, skey_hash, skey_cmp);
	caches[which] = c;
}
static void see(const unsigned char *p) {
	SKEY key;
	int which = IP(p)->protocol == 6 ? 0 : 1;
	set_key(IP(p)->saddr, ntohs(TCP(p)->source), IP(p)->daddr, ntohs(TCP(p)->dest), IP(p)->protocol, &key);
	SESSION *s = session_of(caches[which], &key);
	if (!s) s = session_new(caches[which], &key);
	if (++s->packets > 99) session_end(caches[which], s);
}
`

// fragments use such a table too, with another key and another function.
const fragments = `
typedef struct fkey { uint32_t from, to; uint32_t id; uint8_t proto, pad[3]; } FKEY;
static TABLE *frags;
static int fkey_cmp(const void *x, const void *y, size_t n) {
	const FKEY *a = x, *b = y;
	return a->from != b->from || a->to != b->to || a->id != b->id || a->proto != b->proto;
}
static void frags_new(void) {
	frags = table_new(64, sizeof(FKEY), 16);
	table_ops(frags, any_hash, fkey_cmp);
}
static void frag(const unsigned char *p) {
	FKEY k;
	memset(&k, 0, sizeof k);
	k.from = IP(p)->saddr; k.to = IP(p)->daddr; k.id = IP(p)->id; k.proto = IP(p)->protocol;
	NODE *n = table_find(frags, &k);
	if (!n) n = table_get(frags, &k);
	*(int *)n->data += 1;
}
`

// expected are connections that another connection announces: of one end only the address is known (Snort's channelHash).
const expected = `
typedef struct ekey { uint32_t one, other; uint16_t port1, port2; uint32_t proto; } EKEY;
static TABLE *awaited;
static void expect_new(void) { awaited = table_new(64, sizeof(EKEY), 16); }
static void expect(const unsigned char *p, int port) {
	EKEY k;
	if (IP(p)->saddr < IP(p)->daddr) { k.one = IP(p)->saddr; k.port1 = 0; k.other = IP(p)->daddr; k.port2 = port; }
	else { k.one = IP(p)->daddr; k.port1 = port; k.other = IP(p)->saddr; k.port2 = 0; }
	k.proto = 6;
	*(int *)table_get(awaited, &k)->data = 1;
}
static void expected(const unsigned char *p) {
	EKEY k;
	uint16_t port1, port2;
	if (IP(p)->saddr < IP(p)->daddr) {
		k.one = IP(p)->saddr; k.other = IP(p)->daddr;
		k.port1 = 0; k.port2 = ntohs(TCP(p)->dest);
		port1 = ntohs(TCP(p)->source); port2 = 0;
	} else {
		k.one = IP(p)->daddr; k.other = IP(p)->saddr;
		k.port1 = ntohs(TCP(p)->dest); k.port2 = 0;
		port1 = 0; port2 = ntohs(TCP(p)->source);
	}
	k.proto = IP(p)->protocol;
	NODE *n = table_find(awaited, &k);
	if (!n) {
		k.port1 = port1; k.port2 = port2;
		n = table_find(awaited, &k);
	}
	if (n) table_drop(awaited, n);
}
`

// scans are counted for who scans, whomever, and for who is scanned, by whomever (Snort's portscan_hash).
const scans = `
typedef struct pkey { int kind; uint32_t scanner, scanned; } PKEY;
static TABLE *scanners;
static unsigned looked_for = 3;
static void scans_new(void) { scanners = table_new(64, sizeof(PKEY), 16); }
static void count(PKEY *k) { NODE *n = table_find(scanners, k); if (!n) n = table_get(scanners, k); ++*(int *)n->data; }
static void scan(const unsigned char *p) {
	PKEY k;
	memset(&k, 0, sizeof k);
	k.kind = looked_for;
	if (looked_for & 1) { k.scanner = 0; k.scanned = IP(p)->daddr; count(&k); }
	if (looked_for & 2) { memset(&k.scanned, 0, 4); k.scanner = IP(p)->saddr; count(&k); }
}
`

// decoded are the same sessions where packets come as a record of the program's own, whose headers are reached through a table of
// functions, by way of modules that get everything as void *; crowd is so much else that such a pointer may point at that
// nothing can be said of it.
var decoded = strings.Replace(sessions[:strings.Index(sessions, "static void see(")], "static void set_key(", `
typedef struct addr { int16_t family, bits; uint32_t ip32[4]; } ADDR;
typedef struct ip4h { uint8_t verhl, tos; uint16_t len, id, off; uint8_t ttl, proto; uint16_t sum; ADDR src, dst; } IP4H;
typedef struct raw6 { uint32_t vcl; uint16_t len; uint8_t next, hops; uint8_t src[16], dst[16]; } RAW6;
typedef struct ip6h { uint32_t vcl; uint16_t len; uint8_t next, hops; ADDR src, dst; } IP6H;
typedef struct pkt PKT;
typedef struct api { ADDR *(*src)(const PKT *); ADDR *(*dst)(const PKT *); uint8_t (*proto)(const PKT *); int ver; } API;
struct pkt {
	const struct pcap_pkthdr *h; const unsigned char *bytes;
	const struct iphdr *iph; const struct tcphdr *tcph; const struct udphdr *udph;
	IP4H *ip4h; IP6H *ip6h; API *api; int family;
	uint16_t sp, dp; IP4H inner4, outer4; IP6H inner6; void *session;
};
static ADDR *src4(const PKT *p) { return &p->ip4h->src; }
static ADDR *dst4(const PKT *p) { return &p->ip4h->dst; }
static uint8_t proto4(const PKT *p) { return p->ip4h->proto; }
static ADDR *src6(const PKT *p) { return &p->ip6h->src; }
static ADDR *dst6(const PKT *p) { return &p->ip6h->dst; }
static uint8_t proto6(const PKT *p) { return p->ip6h->next; }
static API api4 = { src4, dst4, proto4, 4 }, api6 = { src6, dst6, proto6, 6 };
static void addr_raw(ADDR *a, void *from, int family) {
	a->family = family;
	if (family == 2) {
		a->ip32[0] = *(uint32_t *)from;
		memset(&a->ip32[1], 0, 12);
		a->bits = 32;
	} else if (family == 10) {
		memcpy(a->ip32, from, 16);
		a->bits = 128;
	}
}
static void build(PKT *p, const void *hdr, int family) {
	if (p->family) memcpy(&p->outer4, &p->inner4, sizeof(IP4H));
	p->family = family;
	if (family == 2) {
		struct iphdr *h = (struct iphdr *)hdr;
		p->api = &api4;
		memcpy(&p->inner4, h, sizeof *h - 8);
		addr_raw(&p->inner4.src, &h->saddr, family);
		addr_raw(&p->inner4.dst, &h->daddr, family);
		p->ip4h = &p->inner4;
	} else {
		RAW6 *h = (RAW6 *)hdr;
		p->api = &api6;
		memcpy(&p->inner6, h, 8);
		addr_raw(&p->inner6.src, &h->src, family);
		addr_raw(&p->inner6.dst, &h->dst, family);
		p->ip6h = &p->inner6;
	}
}
static void decode(PKT *p, const unsigned char *bytes) {
	memset(p, 0, sizeof *p);
	p->bytes = bytes;
	p->iph = IP(bytes);
	build(p, p->iph, 2);
	if (p->api->proto(p) == 6) {
		p->tcph = (struct tcphdr *)TCP(bytes);
		p->sp = ntohs(p->tcph->source);
		p->dp = ntohs(p->tcph->dest);
	} else if (p->api->proto(p) == 17) {
		p->udph = (struct udphdr *)TCP(bytes);
		p->sp = ntohs(p->udph->source);
		p->dp = ntohs(p->udph->dest);
	}
}
static void set_key(`, 1) + `
static int key_of(PKT *p, SKEY *k) {
	uint8_t proto = p->family == 10 ? p->ip6h->next : p->api->proto(p);
	set_key(p->api->src(p)->ip32[0], p->sp, p->api->dst(p)->ip32[0], p->dp, proto, k);
	return 1;
}
static SESSION *session_for(void *cache, PKT *p, SKEY *k) { return key_of(p, k) ? session_of(cache, k) : NULL; }
static void session_module(void *packet, void *context) {
	PKT *p = packet;
	SKEY key;
	int which = p->api->proto(p) == 6 ? 0 : 1;
	SESSION *s = session_for(caches[which], p, &key);
	if (!s) s = session_new(caches[which], &key);
	p->session = s;
	if (++s->packets > 99) session_end(caches[which], s);
}
struct module { struct module *next; void (*func)(void *, void *); void *context; };
static struct module *modules;
static void *pot[1000];
static void stir_module(void *packet, void *context) {
	for (int i = 0; i < 999; i++) if (!pot[i]) pot[i] = packet;
	*(char *)pot[rand() % 1000] = 1;
	SKEY *k = pot[rand() % 1000];
	if (k) key_of(pot[rand() % 1000], k);
}
static void module_add(void (*func)(void *, void *)) {
	struct module *m = calloc(1, sizeof *m);
	if (!m) abort();
	m->func = func;
	m->next = modules;
	modules = m;
}
static PKT the_packet;
static void packet(const unsigned char *bytes, const struct pcap_pkthdr *h) {
	decode(&the_packet, bytes);
	for (struct module *m = modules; m; m = m->next) m->func(pot[rand() % 1000] ? pot[rand() % 1000] : &the_packet, m->context);
}
static void done(void) {}
static void crowd(void);
static void setup(void) __attribute__((constructor));
static void setup(void) { cache_new(0); cache_new(1); module_add(session_module); module_add(stir_module); crowd(); }
`

// crowd puts hundreds of things where anything may be.
func crowd() string {
	var b, in strings.Builder
	for i := range 450 {
		fmt.Fprintf(&b, "static struct { int a; char b[12]; } x%d;\n", i)
		fmt.Fprintf(&in, "\tpot[%d] = &x%d;\n", i, i)
	}
	return b.String() + "static void crowd(void) {\n" + in.String() + "}\n"
}

var genericCases = []struct {
	name, text string
	want       []string
	not        []string
}{
	{"1: sessions behind a control block, compared by a function that is set", generic + sessions + `
static void setup(void) __attribute__((constructor));
static void setup(void) { cache_new(0); cache_new(1); }
static void packet(const unsigned char *p, const struct pcap_pkthdr *h) { see(p); }
static void done(void) {}`,
		[]string{"caches: hash-list of node next next+16 prev prev+24 (link_node,unlink_node,find_row)" +
			" per-flow nw_src=key->lo nw_dst=key->hi tp_src=!key->port_lo tp_dst=!key->port_hi nw_proto=key->proto bothways"}, nil},
	{"2: two tables of one kind, each with its own key and function", generic + sessions + fragments + `
static void setup(void) __attribute__((constructor));
static void setup(void) { cache_new(0); cache_new(1); frags_new(); }
static void packet(const unsigned char *p, const struct pcap_pkthdr *h) { if (IP(p)->frag_off) frag(p); else see(p); }
static void done(void) {}`,
		[]string{"caches: hash-list of node next next+16 prev prev+24 (link_node,unlink_node,find_row)" +
			" per-flow nw_src=key->lo nw_dst=key->hi tp_src=!key->port_lo tp_dst=!key->port_hi nw_proto=key->proto bothways",
			"frags: hash-list of node next next+16 prev prev+24 (link_node,unlink_node,find_row) multi-flow nw_src=key->from nw_dst=key->to nw_proto=key->proto"}, nil},
	{"3: the function leaves the ports out, so they select nothing", generic + strings.Replace(sessions, "a++; b++;\n\tif (*a - *b) return 1;", "", 1) + `
static void setup(void) __attribute__((constructor));
static void setup(void) { cache_new(0); cache_new(1); }
static void packet(const unsigned char *p, const struct pcap_pkthdr *h) { see(p); }
static void done(void) {}`,
		[]string{"caches: hash-list of node next next+16 prev prev+24 (link_node,unlink_node,find_row) multi-flow nw_src=key->lo nw_dst=key->hi bothways"}, nil},
	{"4: a variable with the table in it, a key in a block of its own, compared on the spot", `
struct ent { struct ent *next; void *key; void *val; };
struct tab { struct ent *rows[64]; size_t size; unsigned n; };
static struct tab tab;
struct host { uint32_t addr; };
static void **put(struct tab *t, const void *key, unsigned hash) {
	struct ent *e;
	for (e = t->rows[hash % 64]; e; e = e->next)
		if (memcmp(e->key, key, t->size) == 0) return &e->val;
	e = malloc(sizeof *e);
	e->key = malloc(t->size);
	memcpy(e->key, key, t->size);
	e->val = NULL;
	e->next = t->rows[hash % 64];
	t->rows[hash % 64] = e;
	t->n++;
	return &e->val;
}
static void packet(const unsigned char *p, const struct pcap_pkthdr *h) {
	struct host k = { IP(p)->saddr };
	void **v = put(&tab, &k, k.addr);
	if (!*v) *v = calloc(1, 4);
	++*(int *)*v;
}
static void done(void) { tab.size = sizeof(struct host); }`,
		[]string{"tab: hash-list of ent[64] next next+0 (put,,put) multi-flow nw_src=key->addr"}, nil},
	{"6: the function is in the control block itself, which is typed after its keys", strings.NewReplacer("HASHFN *fn; int keysize", "HASHFN *fn; int (*cmp)(const void *, const void *, size_t); int keysize",
		"!t->fn->cmp(", "!t->cmp(", "return t ? hashfn_ops(t->fn, hash, cmp) : -1;", "t->cmp = cmp; return 0;").Replace(generic+sessions+fragments) + `
static void setup(void) __attribute__((constructor));
static void setup(void) { cache_new(0); cache_new(1); frags_new(); }
static void packet(const unsigned char *p, const struct pcap_pkthdr *h) { if (IP(p)->frag_off) frag(p); else see(p); }
static void done(void) {}`,
		[]string{"caches: hash-list of node next next+16 prev prev+24 (link_node,unlink_node,find_row)" +
			" per-flow nw_src=key->lo nw_dst=key->hi tp_src=!key->port_lo tp_dst=!key->port_hi nw_proto=key->proto bothways",
			"frags: hash-list of node next next+16 prev prev+24 (link_node,unlink_node,find_row) multi-flow nw_src=key->from nw_dst=key->to nw_proto=key->proto"}, nil},
	{"7: the packet is a record of the program's own, behind pointers that may point anywhere", generic + decoded + crowd(),
		[]string{"caches: hash-list of node next next+16 prev prev+24 (link_node,unlink_node,find_row)" +
			" per-flow nw_src=key->lo nw_dst=key->hi tp_src=!key->port_lo tp_dst=!key->port_hi nw_proto=key->proto bothways"}, nil},
	{"8: connections that are expected from any port: one port is 0 in each lookup", generic + expected + `
static void setup(void) __attribute__((constructor));
static void setup(void) { expect_new(); }
static void packet(const unsigned char *p, const struct pcap_pkthdr *h) { if (p[60] == 'P') expect(p, p[61]); else expected(p); }
static void done(void) {}`,
		[]string{"awaited: hash-list of node next next+16 prev prev+24 (link_node,unlink_node,find_row) multi-flow nw_src=key->one nw_dst=key->other nw_proto=key->proto bothways"}, nil},
	{"9: hosts that scan and hosts that are scanned: either address is 0", generic + scans + `
static void setup(void) __attribute__((constructor));
static void setup(void) { scans_new(); }
static void packet(const unsigned char *p, const struct pcap_pkthdr *h) { scan(p); }
static void done(void) {}`,
		[]string{"scanners: hash-list of node next next+16 prev prev+24 (link_node,,find_row) all-flows"}, nil},
	{"10: what is looked for has more than the key", generic + fragments + `
typedef struct tag { uint32_t host, peer; uint16_t port; int packets; } TAG;
static TABLE *tags;
static void setup(void) __attribute__((constructor));
static void setup(void) { frags_new(); tags = table_new(64, sizeof(uint32_t), sizeof(TAG)); }
static void packet(const unsigned char *p, const struct pcap_pkthdr *h) {
	TAG k;
	if (IP(p)->frag_off) { frag(p); return; }
	k.host = IP(p)->saddr; k.peer = IP(p)->daddr; k.port = TCP(p)->source; k.packets = 0;
	NODE *n = table_find(tags, &k);
	if (!n) n = table_get(tags, &k);
	++((TAG *)n->data)->packets;
}
static void done(void) {}`,
		[]string{"tags: hash-list of node next next+16 prev prev+24 (link_node,,find_row) multi-flow nw_src=key->host",
			"frags: hash-list of node next next+16 prev prev+24 (link_node,,find_row) multi-flow nw_src=key->from nw_dst=key->to nw_proto=key->proto"}, nil},
	{"5: one table for keys of two kinds has none", generic + strings.ReplaceAll(sessions+fragments, "table_new", "shared_table") + `
static void packet(const unsigned char *p, const struct pcap_pkthdr *h) { if (IP(p)->frag_off) frag(p); else see(p); }
static void done(void) {}`,
		nil, []string{"per-flow"}},
}

func TestGeneric(t *testing.T) {
	for _, x := range genericCases {
		t.Run(x.name, func(t *testing.T) {
			text := x.text
			if strings.Contains(text, "shared_table") {
				text = strings.Replace(text, "static void link_node", `static TABLE *the_one;
static TABLE *shared_table(int rows, int keysize, int datasize) {
	if (!the_one) the_one = table_new(rows, keysize, datasize);
	return the_one;
}
static void cache_new(int);
static void frags_new(void);
static void setup(void) __attribute__((constructor));
static void setup(void) { cache_new(0); cache_new(1); frags_new(); }
static void link_node`, 1)
			}
			got := describe(analyse(t, ctest.Text(t, source(text))))
			holds(t, got, x.want, x.not)
		})
	}
}
