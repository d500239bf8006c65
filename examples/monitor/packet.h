#ifndef PACKET_H
#define PACKET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/time.h>

#include "addr.h"

#define MAC_LEN 6

/* What the decoders learnt about the packet in hand. */
struct pktinfo {
	struct timeval ts;
	uint32_t wire_len;              /* bytes on the wire, also when fewer were captured */

	uint8_t src_mac[MAC_LEN];
	uint8_t dst_mac[MAC_LEN];
	uint16_t vlan;

	int af;                         /* AF_INET, AF_INET6, or AF_UNSPEC: not IP */
	union addr src, dst;
	uint8_t ttl;
	uint8_t proto;                  /* IPPROTO_*, behind the extension headers */
	bool fragment;                  /* not the first fragment: no ports to be had */

	bool has_l4;                    /* the fields below are valid */
	uint16_t sport, dport;          /* host order; 0 for ICMP */
	uint8_t tcp_flags;
	uint8_t icmp_type, icmp_code;
	const uint8_t *payload;         /* into the capture buffer: gone with the packet */
	size_t payload_len;
};

#endif
