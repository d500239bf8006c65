/* A forwarder on DPDK: packets come in bursts, wait in rings, tables and buffers, are copied, and go out. */
#include <stdint.h>
#include <stdlib.h>

extern void probe(const void *);
void probe(const void *p) { (void)p; }

struct rte_mempool;
struct rte_ring;
struct rte_hash;
struct rte_mbuf {
	void *buf_addr;
	uint64_t buf_iova;
	uint16_t data_off, refcnt, nb_segs, port;
	uint64_t ol_flags;
	uint32_t pkt_len;
	uint16_t data_len;
	struct rte_mempool *pool;
	struct rte_mbuf *next;
};
struct rte_ether_hdr { uint8_t dst[6], src[6]; uint16_t type; };
struct rte_ipv4_hdr { uint8_t vhl, tos; uint16_t len, id, off; uint8_t ttl, proto; uint16_t sum; uint32_t src_addr, dst_addr; };
struct rte_eth_dev_tx_buffer {
	void (*error_callback)(struct rte_mbuf **, uint16_t, void *);
	void *error_userdata;
	uint16_t size, length;
	struct rte_mbuf *pkts[];
};
struct rte_timer { struct { void *prev, *next; } list; void (*f)(struct rte_timer *, void *); void *arg; };
struct rte_hash_parameters { const char *name; uint32_t entries, reserved, key_len; uint32_t (*hash_func)(const void *, uint32_t, uint32_t); uint32_t init; int socket; };
struct rte_memzone { char name[32]; uint64_t iova; void *addr; };
struct rte_mbuf_ext_shared_info { void (*free_cb)(void *, void *); void *fcb_opaque; uint16_t refcnt; };

int rte_eal_init(int, char **);
int rte_eal_remote_launch(int (*)(void *), void *, unsigned);
struct rte_mempool *rte_pktmbuf_pool_create(const char *, unsigned, unsigned, uint16_t, uint16_t, int);
struct rte_mbuf *rte_pktmbuf_alloc(struct rte_mempool *);
struct rte_mbuf *rte_pktmbuf_clone(struct rte_mbuf *, struct rte_mempool *);
void rte_pktmbuf_free(struct rte_mbuf *);
void rte_pktmbuf_attach_extbuf(struct rte_mbuf *, void *, uint64_t, uint16_t, struct rte_mbuf_ext_shared_info *);
uint16_t rte_eth_rx_burst(uint16_t, uint16_t, struct rte_mbuf **, uint16_t);
uint16_t rte_eth_tx_burst(uint16_t, uint16_t, struct rte_mbuf **, uint16_t);
uint16_t rte_eth_tx_buffer(uint16_t, uint16_t, struct rte_eth_dev_tx_buffer *, struct rte_mbuf *);
int rte_eth_tx_buffer_set_err_callback(struct rte_eth_dev_tx_buffer *, void (*)(struct rte_mbuf **, uint16_t, void *), void *);
const void *rte_eth_add_rx_callback(uint16_t, uint16_t, uint16_t (*)(uint16_t, uint16_t, struct rte_mbuf **, uint16_t, uint16_t, void *), void *);
void *rte_zmalloc_socket(const char *, size_t, unsigned, int);
struct rte_ring *rte_ring_create(const char *, unsigned, int, unsigned);
int rte_ring_enqueue(struct rte_ring *, void *);
unsigned rte_ring_dequeue_burst(struct rte_ring *, void **, unsigned, unsigned *);
int rte_timer_reset(struct rte_timer *, uint64_t, int, unsigned, void (*)(struct rte_timer *, void *), void *);
int rte_timer_manage(void);
struct rte_hash *rte_hash_create(const struct rte_hash_parameters *);
int rte_hash_add_key_data(const struct rte_hash *, const void *, void *);
int rte_hash_lookup_data(const struct rte_hash *, const void *, void **);
int rte_hash_lookup_bulk(const struct rte_hash *, const void **, uint32_t, int32_t *);
struct rte_mempool *rte_mempool_create(const char *, unsigned, unsigned, unsigned, unsigned, void (*)(struct rte_mempool *, void *), void *,
	void (*)(struct rte_mempool *, void *, void *, unsigned), void *, int, unsigned);
int rte_mempool_get(struct rte_mempool *, void **);
void rte_mempool_put(struct rte_mempool *, void *);
const struct rte_memzone *rte_memzone_reserve(const char *, size_t, int, unsigned);
const struct rte_memzone *rte_memzone_lookup(const char *);

static struct rte_mempool *pool, *jobs;
static struct rte_ring *ring;
static struct rte_hash *flows;
static struct rte_eth_dev_tx_buffer *out;
static struct rte_timer tick;
static uint64_t dropped, ticks;
static char external[2048];
static struct rte_mbuf_ext_shared_info shared;
struct flow { uint64_t packets; };
struct job { struct flow *flow; };
static struct flow web;

static void unsent(struct rte_mbuf **m, uint16_t n, void *arg) // callers: tell forward
{
	probe(m[0]); // pts>: RX MADE
	probe(arg); // pts: dropped unsent()
	++*(uint64_t *)arg;
}

static void on_tick(struct rte_timer *t, void *arg) // callers: main
{
	probe(t); // pts>: tick
	probe(arg); // pts>: ticks
}

static uint16_t received(uint16_t port, uint16_t queue, struct rte_mbuf **m, uint16_t n, uint16_t most, void *arg) // callers: forward
{
	probe(m[n - 1]); // pts: RX
	probe(arg); // pts>: web
	return n;
}

static uint32_t hash(const void *key, uint32_t len, uint32_t init) // callers: account
{
	probe(key); // pts: account.key
	return init;
}

static void new_job(struct rte_mempool *p, void *arg, void *obj, unsigned i) // callers: main
{
	struct job *j = obj;
	probe(j); // pts: JOB
	j->flow = arg;
}

static void gone(void *addr, void *arg) // callers: forward worker tell
{
	probe(addr); // pts>: external
	probe(arg); // pts>: shared.refcnt !web
}

static void account(uint32_t src)
{
	uint32_t key = src;
	const void *keys[1] = { &key };
	int32_t at[1];
	struct flow *f, *g = malloc(sizeof *g); // obj FLOW
	rte_hash_add_key_data(flows, &key, g); // calls: rte_hash_add_key_data hash
	rte_hash_lookup_data(flows, &key, (void **)&f);
	probe(f); // pts: FLOW
	rte_hash_lookup_bulk(flows, keys, 1, at); // calls: rte_hash_lookup_bulk hash
}

static void tell(void)
{
	struct rte_mbuf *m = rte_pktmbuf_alloc(pool); // obj MADE
	probe(m); // pts: MADE
	probe((char *)m->buf_addr + m->data_off); // pts>: MADE external !web
	rte_pktmbuf_attach_extbuf(m, external, 0, sizeof external, &shared);
	probe(m->buf_addr); // pts>: external MADE
	rte_eth_tx_buffer(0, 0, out, m);
}

static int worker(void *arg) // callers: main
{
	struct rte_mbuf *burst[32];
	void *j;
	unsigned n = rte_ring_dequeue_burst(ring, (void **)burst, 32, 0);
	probe(arg); // pts: web
	probe(burst[n - 1]); // pts: RX
	probe(burst[0]->next); // pts: RX
	rte_pktmbuf_free(burst[0]);
	rte_mempool_get(jobs, &j); // obj JOB
	probe(((struct job *)j)->flow); // pts: web
	rte_mempool_put(jobs, j);
	return 0;
}

static void forward(void)
{
	struct rte_mbuf *burst[32];
	uint16_t n = rte_eth_rx_burst(0, 0, burst, 32); // obj RX
	for (uint16_t i = 0; i < n; i++) {
		struct rte_mbuf *m = burst[i], *c;
		struct rte_ether_hdr *eth = (struct rte_ether_hdr *)((char *)m->buf_addr + m->data_off);
		struct rte_ipv4_hdr *ip = (struct rte_ipv4_hdr *)(eth + 1);
		probe(m); // pts: RX
		probe(eth); // pts>: RX !web
		probe(ip); // pts>: RX !web
		account(ip->src_addr);
		c = rte_pktmbuf_clone(m, pool); // obj CLONE
		probe(c); // pts: CLONE
		probe(c->buf_addr); // pts>: RX !web
		if (ip->proto == 6)
			rte_ring_enqueue(ring, m);
		else
			rte_eth_tx_buffer(1, 0, out, m);
	}
	rte_eth_tx_burst(1, 0, burst, n);
}

int main(int argc, char **argv)
{
	static const struct rte_hash_parameters params = { .name = "flows", .entries = 64, .key_len = 4, .hash_func = hash };
	const struct rte_memzone *zone;
	rte_eal_init(argc, argv);
	pool = rte_pktmbuf_pool_create("packets", 8192, 256, 0, 2048, 0);
	jobs = rte_mempool_create("jobs", 64, sizeof(struct job), 0, 0, 0, 0, new_job, &web, 0, 0);
	ring = rte_ring_create("ring", 64, 0, 0);
	flows = rte_hash_create(&params);
	out = rte_zmalloc_socket("out", sizeof *out + 32 * sizeof(void *), 0, 0); // obj OUT
	rte_eth_tx_buffer_set_err_callback(out, unsent, &dropped);
	rte_eth_add_rx_callback(0, 0, received, &web);
	shared.free_cb = gone;
	shared.fcb_opaque = &shared.refcnt;
	zone = rte_memzone_reserve("stats", sizeof(struct flow), 0, 0); // obj ZONE
	probe(zone->addr); // pts: ZONE
	probe(rte_memzone_lookup("stats")->addr); // pts: ZONE
	rte_eal_remote_launch(worker, &web, 1);
	rte_timer_reset(&tick, 1000, 1, 0, on_tick, &ticks);
	for (;;) {
		forward();
		tell();
		rte_timer_manage(); // calls: rte_timer_manage on_tick
	}
}
