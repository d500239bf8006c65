/* A program that decides about packets by libmnl: messages and attributes are places in its own buffers. */
#include <stdint.h>
#include <stddef.h>
#include <sys/types.h>

extern void probe(const void *);
void probe(const void *p) { (void)p; }

struct nlmsghdr { uint32_t nlmsg_len; uint16_t nlmsg_type, nlmsg_flags; uint32_t nlmsg_seq, nlmsg_pid; };
struct nlattr { uint16_t nla_len, nla_type; };
struct iphdr { uint8_t vhl, tos; uint16_t len, id, off; uint8_t ttl, protocol; uint16_t check; uint32_t saddr, daddr; };
struct tcphdr { uint16_t source, dest; uint32_t seq; };
struct mnl_socket;
struct pkt_buff;
typedef int (*mnl_cb_t)(const struct nlmsghdr *, void *);
typedef int (*mnl_attr_cb_t)(const struct nlattr *, void *);

struct mnl_socket *mnl_socket_open(int);
ssize_t mnl_socket_recvfrom(const struct mnl_socket *, void *, size_t);
ssize_t mnl_socket_sendto(const struct mnl_socket *, const void *, size_t);
int mnl_cb_run(const void *, size_t, unsigned, unsigned, mnl_cb_t, void *);
int mnl_cb_run2(const void *, size_t, unsigned, unsigned, mnl_cb_t, void *, mnl_cb_t *, unsigned);
int mnl_attr_parse(const struct nlmsghdr *, unsigned, mnl_attr_cb_t, void *);
void *mnl_attr_get_payload(const struct nlattr *);
struct nlmsghdr *nfq_nlmsg_put(char *, int, uint32_t);
void nfq_nlmsg_verdict_put(struct nlmsghdr *, int, int);
int nfq_nlmsg_parse(const struct nlmsghdr *, struct nlattr **);
struct pkt_buff *pktb_alloc(int, void *, size_t, size_t);
uint8_t *pktb_data(struct pkt_buff *);
struct iphdr *nfq_ip_get_hdr(struct pkt_buff *);
struct tcphdr *nfq_tcp_get_hdr(struct pkt_buff *);
int nfq_tcp_mangle_ipv4(struct pkt_buff *, unsigned, unsigned, const char *, unsigned);
void pktb_free(struct pkt_buff *);

static struct mnl_socket *nl;
static char in[8192], out[4096];
static unsigned long count;
static mnl_cb_t control[4];

static int each(const struct nlattr *a, void *arg) // callers: packet
{
	probe(a); // pts>: in !out
	probe(arg); // pts: packet.table
	((const struct nlattr **)arg)[a->nla_type] = a;
	return 1;
}

static int packet(const struct nlmsghdr *h, void *arg) // callers: main
{
	struct nlattr *attr[16], *table[16];
	struct pkt_buff *b;
	struct nlmsghdr *m;
	probe(h); // pts>: in !out
	probe(arg); // pts: count
	nfq_nlmsg_parse(h, attr);
	probe(attr[10]); // pts>: in !out
	mnl_attr_parse(h, 4, each, table);
	probe(table[1]); // pts>: in !out
	probe(mnl_attr_get_payload(attr[10])); // pts>: in !out
	b = pktb_alloc(2, mnl_attr_get_payload(attr[10]), 64, 256); // obj COPY
	probe(b); // pts: COPY
	probe(pktb_data(b)); // pts>: COPY !in
	probe(nfq_ip_get_hdr(b)); // pts>: COPY !in
	probe(nfq_tcp_get_hdr(b)); // pts>: COPY !in
	nfq_tcp_mangle_ipv4(b, 0, 1, "x", 1);
	pktb_free(b);
	m = nfq_nlmsg_put(out, 1, 0);
	probe(m); // pts: out
	nfq_nlmsg_verdict_put(m, 1, 1);
	mnl_socket_sendto(nl, m, m->nlmsg_len);
	return 1;
}

static int error(const struct nlmsghdr *h, void *arg) // callers: main
{
	probe(h); // pts>: in !out
	++*(unsigned long *)arg;
	return 1;
}

int main(void)
{
	nl = mnl_socket_open(12);
	control[2] = error;
	for (;;) {
		ssize_t n = mnl_socket_recvfrom(nl, in, sizeof in);
		mnl_cb_run(in, n, 0, 0, packet, &count); // calls: mnl_cb_run packet
		mnl_cb_run2(in, n, 0, 0, packet, &count, control, 4);
	}
}
