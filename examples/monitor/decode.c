#include <string.h>
#include <net/ethernet.h>
#include <netinet/icmp6.h>
#include <netinet/in.h>
#include <netinet/ip.h>
#include <netinet/ip6.h>
#include <netinet/ip_icmp.h>
#include <netinet/tcp.h>
#include <netinet/udp.h>

#include "config.h"
#include "conn.h"
#include "decode.h"
#include "host.h"
#include "packet.h"

#define MAX_VLAN_TAGS 3
#define MAX_IP6_HEADERS 8

#ifndef ETHERTYPE_QINQ
#define ETHERTYPE_QINQ 0x88a8
#endif

/* What is left of the frame to look at. */
struct cursor {
	const uint8_t *at;
	size_t left;
};

struct pktinfo pkt;

static void bump(uint64_t *counter)
{
	*counter += 1;
}

/*
 * Headers are copied out rather than pointed at: behind 14 bytes of Ethernet nothing is aligned.
 * Leaves the cursor where it is.
 */
static bool peek(const struct cursor *c, void *header, size_t size)
{
	if (c->left < size)
		return false;
	memcpy(header, c->at, size);
	return true;
}

static bool skip(struct cursor *c, size_t size)
{
	if (c->left < size)
		return false;
	c->at += size;
	c->left -= size;
	return true;
}

/* The length field of the IP header says where padding begins.  0 is a segment that the network
 * card has yet to cut up, or a jumbogram. */
static void limit(struct cursor *c, size_t length)
{
	if (length != 0 && length < c->left)
		c->left = length;
}

static bool decode_tcp(struct cursor *c, struct pktinfo *p)
{
	struct tcphdr tcp;

	if (!peek(c, &tcp, sizeof tcp) || tcp.th_off < 5 || !skip(c, tcp.th_off * 4u))
		return false;
	p->sport = ntohs(tcp.th_sport);
	p->dport = ntohs(tcp.th_dport);
	p->tcp_flags = tcp.th_flags;
	return true;
}

static bool decode_udp(struct cursor *c, struct pktinfo *p)
{
	struct udphdr udp;

	if (!peek(c, &udp, sizeof udp) || !skip(c, sizeof udp))
		return false;
	p->sport = ntohs(udp.uh_sport);
	p->dport = ntohs(udp.uh_dport);
	return true;
}

static bool decode_icmp(struct cursor *c, struct pktinfo *p)
{
	uint8_t head[4];                /* type, code and checksum are the same in both versions */

	if (!peek(c, head, sizeof head) || !skip(c, sizeof head))
		return false;
	p->icmp_type = head[0];
	p->icmp_code = head[1];
	return true;
}

static const struct transport {
	uint8_t proto;
	bool (*decode)(struct cursor *c, struct pktinfo *p);
	uint64_t *counter;
} transports[] = {
	{ IPPROTO_TCP, decode_tcp, &config.stats.tcp },
	{ IPPROTO_UDP, decode_udp, &config.stats.udp },
	{ IPPROTO_ICMP, decode_icmp, &config.stats.icmp },
	{ IPPROTO_ICMPV6, decode_icmp, &config.stats.icmp6 },
};

/* false: there is something wrong with the packet. */
static bool decode_transport(struct cursor *c, struct pktinfo *p, struct stats *stats)
{
	if (p->fragment) {
		bump(&stats->fragments);
		return true;
	}
	for (size_t i = 0; i < sizeof transports / sizeof transports[0]; i++) {
		const struct transport *t = &transports[i];

		if (t->proto != p->proto)
			continue;
		if (!t->decode(c, p))
			return false;
		bump(t->counter);
		p->payload = c->at;
		p->payload_len = c->left;
		p->has_l4 = true;
		return true;
	}
	bump(&stats->other);
	return true;
}

static bool decode_ip4(struct cursor *c, struct pktinfo *p, struct stats *stats)
{
	struct iphdr ip;
	size_t header_len, total_len;

	if (!peek(c, &ip, sizeof ip) || ip.version != 4)
		return false;
	header_len = ip.ihl * 4u;
	total_len = ntohs(ip.tot_len);
	if (header_len < sizeof ip || (total_len != 0 && total_len < header_len))
		return false;
	limit(c, total_len);
	if (!skip(c, header_len))
		return false;
	bump(&stats->ipv4);

	p->af = AF_INET;
	addr_set_v4(&p->src, ip.saddr);
	addr_set_v4(&p->dst, ip.daddr);
	p->ttl = ip.ttl;
	p->proto = ip.protocol;
	p->fragment = (ntohs(ip.frag_off) & IP_OFFMASK) != 0;
	return decode_transport(c, p, stats);
}

/* Walks over the extension headers to the transport header.  false: they never end. */
static bool skip_ip6_extensions(struct cursor *c, uint8_t *next, bool *fragment)
{
	for (int n = 0; n < MAX_IP6_HEADERS; n++) {
		struct ip6_ext ext;
		struct ip6_frag frag;

		switch (*next) {
		case IPPROTO_HOPOPTS:
		case IPPROTO_ROUTING:
		case IPPROTO_DSTOPTS:
			if (!peek(c, &ext, sizeof ext) || !skip(c, (ext.ip6e_len + 1u) * 8u))
				return false;
			*next = ext.ip6e_nxt;
			break;
		case IPPROTO_AH:
			if (!peek(c, &ext, sizeof ext) || !skip(c, (ext.ip6e_len + 2u) * 4u))
				return false;
			*next = ext.ip6e_nxt;
			break;
		case IPPROTO_FRAGMENT:
			if (!peek(c, &frag, sizeof frag) || !skip(c, sizeof frag))
				return false;
			*next = frag.ip6f_nxt;
			if ((frag.ip6f_offlg & IP6F_OFF_MASK) != 0) {
				*fragment = true;
				return true;
			}
			break;
		default:
			return true;
		}
	}
	return false;
}

static bool decode_ip6(struct cursor *c, struct pktinfo *p, struct stats *stats)
{
	struct ip6_hdr ip6;
	uint8_t next;

	if (!peek(c, &ip6, sizeof ip6) || !skip(c, sizeof ip6) || (ip6.ip6_vfc >> 4) != 6)
		return false;
	limit(c, ntohs(ip6.ip6_plen));
	bump(&stats->ipv6);

	p->af = AF_INET6;
	addr_set_v6(&p->src, &ip6.ip6_src);
	addr_set_v6(&p->dst, &ip6.ip6_dst);
	p->ttl = ip6.ip6_hlim;
	next = ip6.ip6_nxt;
	if (!skip_ip6_extensions(c, &next, &p->fragment))
		return false;
	p->proto = next;
	return decode_transport(c, p, stats);
}

static bool decode_ethernet(struct cursor *c, struct pktinfo *p, struct stats *stats)
{
	struct ether_header eth;
	uint16_t type;

	if (!peek(c, &eth, sizeof eth) || !skip(c, sizeof eth))
		return false;
	memcpy(p->src_mac, eth.ether_shost, MAC_LEN);
	memcpy(p->dst_mac, eth.ether_dhost, MAC_LEN);
	type = ntohs(eth.ether_type);

	for (int tags = 0; tags < MAX_VLAN_TAGS; tags++) {
		uint16_t tag[2];        /* what it is tagged with, what is behind the tag */

		if (type != ETHERTYPE_VLAN && type != ETHERTYPE_QINQ)
			break;
		if (!peek(c, tag, sizeof tag) || !skip(c, sizeof tag))
			return false;
		if (tags == 0)
			bump(&stats->vlan);
		p->vlan = ntohs(tag[0]) & 0x0fff;
		type = ntohs(tag[1]);
	}

	switch (type) {
	case ETHERTYPE_IP:
		return decode_ip4(c, p, stats);
	case ETHERTYPE_IPV6:
		return decode_ip6(c, p, stats);
	case ETHERTYPE_ARP:
		bump(&stats->arp);
		return true;
	default:
		bump(&stats->other);
		return true;
	}
}

static void account(const struct pktinfo *p)
{
	struct host *h;

	if (p->af == AF_UNSPEC)
		return;
	h = host_seen(p);
	if (!p->has_l4)
		return;
	conn_track(p);
	if (h != NULL && (p->proto == IPPROTO_TCP || p->proto == IPPROTO_UDP))
		host_learn_service(h, p);
}

void decode_packet(u_char *user, const struct pcap_pkthdr *header, const u_char *bytes)
{
	struct config *cf = (struct config *)user;
	struct cursor cursor = { bytes, header->caplen };

	memset(&pkt, 0, sizeof pkt);
	pkt.ts = header->ts;
	pkt.wire_len = header->len;
	pkt.af = AF_UNSPEC;

	bump(&cf->stats.packets);
	cf->stats.bytes += header->len;
	if (!decode_ethernet(&cursor, &pkt, &cf->stats))
		bump(&cf->stats.truncated);
	account(&pkt);
	conn_tick(&pkt.ts);
}
