package passes_test

import (
	"slices"
	"strings"
	"testing"

	"saz/ir/models"
	"saz/passes"
	"saz/passes/output"
	"saz/passes/persist"
	"saz/passes/pointer"
	"saz/passes/pointer/ctest"
	"saz/passes/receive"
	"saz/passes/scratch"
	"saz/passes/update"
)

// Programs on libraries for packets, with prototypes of their own: where packets come in, loop and go out, and which state that is; * says that it has to
// do with what goes out.
var libraryCases = []struct{ name, src, want string }{
	{"dpdk: bursts in threads, a buffer for what goes out, a table that is asked, a timer", `
#include <stdint.h>
#include <stddef.h>
struct rte_mempool;
struct rte_hash;
struct rte_mbuf { void *buf_addr; uint64_t iova; uint16_t data_off; uint32_t pkt_len; struct rte_mempool *pool; struct rte_mbuf *next; };
struct rte_eth_dev_tx_buffer { void (*cb)(struct rte_mbuf **, uint16_t, void *); void *arg; uint16_t size, length; struct rte_mbuf *pkts[]; };
struct rte_timer { void *next; void (*f)(struct rte_timer *, void *); void *arg; };
int rte_eal_init(int, char **);
int rte_eal_mp_remote_launch(int (*)(void *), void *, int);
uint16_t rte_eth_rx_burst(uint16_t, uint16_t, struct rte_mbuf **, uint16_t);
uint16_t rte_eth_tx_buffer(uint16_t, uint16_t, struct rte_eth_dev_tx_buffer *, struct rte_mbuf *);
uint16_t rte_eth_tx_buffer_flush(uint16_t, uint16_t, struct rte_eth_dev_tx_buffer *);
int rte_eth_stats_get(uint16_t, void *);
void *rte_zmalloc_socket(const char *, size_t, unsigned, int);
struct rte_hash *rte_hash_create(const void *);
int rte_hash_lookup_data(const struct rte_hash *, const void *, void **);
int rte_hash_add_key_data(const struct rte_hash *, const void *, void *);
void *rte_zmalloc(const char *, size_t, unsigned);
int rte_timer_reset(struct rte_timer *, uint64_t, int, unsigned, void (*)(struct rte_timer *, void *), void *);
int rte_timer_manage(void);
uint64_t rte_rdtsc(void);
struct nat { uint32_t to; uint64_t hits; };
static struct rte_hash *table;
static struct rte_eth_dev_tx_buffer *out;
static struct rte_timer timer;
static uint64_t received, ticks;
static uint32_t next_to;
static void tick(struct rte_timer *t, void *arg) { ++*(uint64_t *)arg; }
static int loop(void *arg)
{
	struct rte_mbuf *burst[32];
	for (;;) {
		uint16_t n = rte_eth_rx_burst(0, 0, burst, 32);
		for (uint16_t i = 0; i < n; i++) {
			uint8_t *p = (uint8_t *)burst[i]->buf_addr + burst[i]->data_off;
			struct nat *e;
			received++;
			if (rte_hash_lookup_data(table, p + 26, (void **)&e) < 0) {
				e = rte_zmalloc("nat", sizeof *e, 0);
				e->to = ++next_to;
				rte_hash_add_key_data(table, p + 26, e);
			}
			e->hits++;
			*(uint32_t *)(p + 30) = e->to;
			rte_eth_tx_buffer(1, 0, out, burst[i]);
		}
		rte_eth_tx_buffer_flush(1, 0, out);
		rte_timer_manage();
	}
	return 0;
}
int main(int argc, char **argv)
{
	rte_eal_init(argc, argv);
	table = rte_hash_create(0);
	out = rte_zmalloc_socket("out", sizeof *out + 256, 0, 0);
	rte_timer_reset(&timer, rte_rdtsc() + 1000, 1, 0, tick, &ticks);
	rte_eal_mp_remote_launch(loop, 0, 1);
}`, "rte_eth_rx_burst in loop; loops: loop; rte_eth_tx_buffer rte_eth_tx_buffer_flush; next_to* out* received table* ticks"},
	{"libnet: what is sniffed is answered with what was built before", `
#include <stdint.h>
#include <sys/types.h>
typedef struct libnet_context libnet_t;
typedef struct pcap pcap_t;
struct pcap_pkthdr { long sec, usec; unsigned caplen, len; };
pcap_t *pcap_open_live(const char *, int, int, int, char *);
int pcap_loop(pcap_t *, int, void (*)(unsigned char *, const struct pcap_pkthdr *, const unsigned char *), unsigned char *);
libnet_t *libnet_init(int, const char *, char *);
int32_t libnet_build_tcp(uint16_t, uint16_t, uint32_t, uint32_t, uint8_t, uint16_t, uint16_t, uint16_t, uint16_t, const uint8_t *, uint32_t, libnet_t *, int32_t);
int libnet_write(libnet_t *);
void libnet_clear_packet(libnet_t *);
static libnet_t *net;
static uint32_t seq;
static uint8_t payload[16];
static unsigned long seen;
static void packet(unsigned char *arg, const struct pcap_pkthdr *h, const unsigned char *p)
{
	seen++;
	payload[0] += p[54];
	libnet_build_tcp(80, p[34], seq++, 0, 2, 1000, 0, 0, 36, payload, sizeof payload, net, 0);
	libnet_write(net);
	libnet_clear_packet(net);
}
int main(void)
{
	char err[256];
	net = libnet_init(1, "eth0", err);
	pcap_loop(pcap_open_live("eth0", 65535, 1, 0, err), -1, packet, 0);
}`, "pcap_loop in main; loops: main; libnet_write; payload* seen seq*"},
	{"libmnl: a verdict about each packet that the kernel asks about", `
#include <stdint.h>
#include <stddef.h>
#include <sys/types.h>
struct nlmsghdr { uint32_t len; uint16_t type, flags; uint32_t seq, pid; };
struct nlattr { uint16_t len, type; };
struct mnl_socket *mnl_socket_open(int);
ssize_t mnl_socket_recvfrom(const struct mnl_socket *, void *, size_t);
ssize_t mnl_socket_sendto(const struct mnl_socket *, const void *, size_t);
int mnl_cb_run(const void *, size_t, unsigned, unsigned, int (*)(const struct nlmsghdr *, void *), void *);
void *mnl_attr_get_payload(const struct nlattr *);
struct nlmsghdr *nfq_nlmsg_put(char *, int, uint32_t);
void nfq_nlmsg_verdict_put(struct nlmsghdr *, int, int);
int nfq_nlmsg_parse(const struct nlmsghdr *, struct nlattr **);
static struct mnl_socket *nl;
static char in[8192], out[4096];
static unsigned long rounds, seen[256];
static int queue(const struct nlmsghdr *h, void *arg)
{
	struct nlattr *attr[16];
	const uint8_t *p;
	struct nlmsghdr *m;
	nfq_nlmsg_parse(h, attr);
	p = mnl_attr_get_payload(attr[10]);
	m = nfq_nlmsg_put(out, 1, 0);
	nfq_nlmsg_verdict_put(m, 1, ++seen[p[9]] > 100);
	mnl_socket_sendto(nl, m, m->len);
	return 1;
}
int main(void)
{
	nl = mnl_socket_open(12);
	for (;;) {
		ssize_t n = mnl_socket_recvfrom(nl, in, sizeof in);
		rounds++;
		mnl_cb_run(in, n, 0, 0, queue, 0);
	}
}`, "mnl_socket_recvfrom in main; loops: main; nfq_nlmsg_verdict_put mnl_socket_sendto; out* rounds seen*"},
}

func TestLibraries(t *testing.T) {
	for _, tc := range libraryCases {
		name, _, _ := strings.Cut(tc.name, ":")
		t.Run(name, func(t *testing.T) {
			c := &passes.Context{Prog: ctest.Text(t, tc.src), Models: models.Default(), Jobs: 2}
			for _, p := range []*passes.Pass{receive.Pass, output.Pass, scratch.Pass} {
				if err := c.Need(p); err != nil {
					t.Fatal(err)
				}
			}
			if u := pointer.Of(c).Unmodelled(); len(u) > 0 {
				t.Errorf("%s has no model", u[0].Name)
			}
			var sites, loops, sent, state []string
			for _, s := range receive.Of(c).Sites {
				sites = append(sites, s.Function+" in "+c.Prog.Funcs[s.Ref.Func].Name)
			}
			for _, f := range receive.Of(c).LoopProcs {
				loops = append(loops, c.Prog.Funcs[f].Name)
			}
			for _, s := range output.Of(c).Sites {
				sent = append(sent, s.Function)
			}
			for i := range persist.Of(c).Vars {
				v := &persist.Of(c).Vars[i]
				if v.Proc >= 0 || update.Of(c).Updateable[v.ID] == nil || scratch.Of(c).Scratch[v.ID] != nil {
					continue
				}
				name := v.Name
				if output.Of(c).Impacts[v.ID]["packet"] != nil {
					name += "*"
				}
				state = append(state, name)
			}
			slices.Sort(state)
			got := strings.Join(sites, " ") + "; loops: " + strings.Join(loops, " ") + "; " + strings.Join(sent, " ") + "; " + strings.Join(state, " ")
			if got != tc.want {
				t.Errorf("%s:\ngot  %s\nwant %s", tc.name, got, tc.want)
			}
		})
	}
}
