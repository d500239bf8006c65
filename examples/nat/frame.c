/* Taking frames apart, and changing addresses in them (RFC 1624). */
#include <net/ethernet.h>
#include <netinet/ip.h>
#include <netinet/ip_icmp.h>
#include <netinet/tcp.h>
#include <netinet/udp.h>
#include <stddef.h>
#include <string.h>

#include "nat.h"

/* False: not IPv4 over Ethernet, a fragment, cut short, or of a protocol that has no ports. */
bool
frame_parse(struct frame *f, uint8_t *bytes, size_t len)
{
	const struct ether_header *eth = (const struct ether_header *)bytes;
	const struct ip *ip;
	size_t hlen, total;

	memset(f, 0, sizeof(*f));
	if (len < sizeof(*eth) + sizeof(*ip) || eth->ether_type != htons(ETHERTYPE_IP))
		return false;
	f->ip = bytes + sizeof(*eth);
	len -= sizeof(*eth);
	ip = (const struct ip *)f->ip;
	hlen = ip->ip_hl * 4u;
	total = ntohs(ip->ip_len);
	if (ip->ip_v != 4 || hlen < sizeof(*ip) || total < hlen || total > len)
		return false;
	if ((ntohs(ip->ip_off) & (IP_MF | IP_OFFMASK)) != 0)
		return false;
	f->l4 = f->ip + hlen;
	f->l4len = total - hlen;
	f->proto = ip->ip_p;
	f->src = ip->ip_src;
	f->dst = ip->ip_dst;
	switch (f->proto) {
	case IPPROTO_TCP: {
		const struct tcphdr *th = (const struct tcphdr *)f->l4;

		if (f->l4len < sizeof(*th))
			return false;
		f->sport = th->th_sport;
		f->dport = th->th_dport;
		f->flags = th->th_flags;
		return true;
	}
	case IPPROTO_UDP: {
		const struct udphdr *uh = (const struct udphdr *)f->l4;

		if (f->l4len < sizeof(*uh))
			return false;
		f->sport = uh->uh_sport;
		f->dport = uh->uh_dport;
		return true;
	}
	case IPPROTO_ICMP: {
		const struct icmp *ih = (const struct icmp *)f->l4;

		if (f->l4len < ICMP_MINLEN)
			return false;
		if (ih->icmp_type != ICMP_ECHO && ih->icmp_type != ICMP_ECHOREPLY)
			return false;
		f->sport = f->dport = ih->icmp_id;
		return true;
	}
	}
	return false;
}

/* A checksum when a 16-bit word that it covers changes. */
static uint16_t
fixup(uint16_t sum, uint16_t old, uint16_t new)
{
	uint32_t s = (uint16_t)~sum + (uint32_t)(uint16_t)~old + new;

	s = (s & 0xffff) + (s >> 16);
	s = (s & 0xffff) + (s >> 16);
	return (uint16_t)~s;
}

static void
change16(uint8_t *at, uint16_t to, uint16_t *sum)
{
	uint16_t old;

	memcpy(&old, at, sizeof(old));
	memcpy(at, &to, sizeof(to));
	*sum = fixup(*sum, old, to);
}

/* Where the transport's checksum stands, -1 if it has none. */
static int
sum_at(const struct frame *f)
{
	uint16_t sum;

	switch (f->proto) {
	case IPPROTO_TCP:
		return offsetof(struct tcphdr, th_sum);
	case IPPROTO_UDP:
		memcpy(&sum, f->l4 + offsetof(struct udphdr, uh_sum), sizeof(sum));
		return sum == 0 ? -1 : (int)offsetof(struct udphdr, uh_sum);
	default:
		return offsetof(struct icmp, icmp_cksum);
	}
}

static void
change(struct frame *f, size_t addr_at, size_t port_at, struct in_addr addr, uint16_t port)
{
	uint16_t ipsum, l4sum = 0, words[2];
	int at = sum_at(f);
	int i;

	memcpy(&ipsum, f->ip + offsetof(struct ip, ip_sum), sizeof(ipsum));
	if (at >= 0)
		memcpy(&l4sum, f->l4 + at, sizeof(l4sum));
	memcpy(words, &addr, sizeof(words));
	for (i = 0; i < 2; i++) {
		uint16_t old;

		memcpy(&old, f->ip + addr_at + 2 * i, sizeof(old));
		change16(f->ip + addr_at + 2 * i, words[i], &ipsum);
		if (f->proto != IPPROTO_ICMP)	/* a pseudo header covers the addresses */
			l4sum = fixup(l4sum, old, words[i]);
	}
	change16(f->l4 + port_at, port, &l4sum);
	memcpy(f->ip + offsetof(struct ip, ip_sum), &ipsum, sizeof(ipsum));
	if (at >= 0)
		memcpy(f->l4 + at, &l4sum, sizeof(l4sum));
}

/* addr and port are in network order. */
void
frame_set_source(struct frame *f, struct in_addr addr, uint16_t port)
{
	change(f, offsetof(struct ip, ip_src),
	    f->proto == IPPROTO_ICMP ? offsetof(struct icmp, icmp_id) : 0, addr, port);
}

void
frame_set_dest(struct frame *f, struct in_addr addr, uint16_t port)
{
	change(f, offsetof(struct ip, ip_dst),
	    f->proto == IPPROTO_ICMP ? offsetof(struct icmp, icmp_id) : 2, addr, port);
}
