#ifndef ADDR_H
#define ADDR_H

#include <stdbool.h>
#include <stdint.h>
#include <netinet/in.h>

/*
 * One address of either family.  An IPv4 address takes the first four bytes and the rest is
 * zero, so that two addresses of the same family can be compared and hashed without asking which
 * family it is.
 */
union addr {
	uint8_t byte[16];
	uint32_t word[4];
	struct in_addr v4;
	struct in6_addr v6;
};

void addr_set_v4(union addr *a, uint32_t net_order);
void addr_set_v6(union addr *a, const struct in6_addr *v6);
bool addr_equal(const union addr *a, const union addr *b);
bool addr_is_any(const union addr *a);
uint32_t addr_hash(const union addr *a);

#endif
