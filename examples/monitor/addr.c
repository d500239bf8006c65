#include <string.h>

#include "addr.h"

void addr_set_v4(union addr *a, uint32_t net_order)
{
	memset(a, 0, sizeof *a);
	a->v4.s_addr = net_order;
}

void addr_set_v6(union addr *a, const struct in6_addr *v6)
{
	a->v6 = *v6;
}

bool addr_equal(const union addr *a, const union addr *b)
{
	return memcmp(a->byte, b->byte, sizeof a->byte) == 0;
}

bool addr_is_any(const union addr *a)
{
	return (a->word[0] | a->word[1] | a->word[2] | a->word[3]) == 0;
}

uint32_t addr_hash(const union addr *a)
{
	uint32_t h = a->word[0] ^ a->word[1] * 3u ^ a->word[2] * 5u ^ a->word[3] * 7u;

	/* Neighbouring hosts differ in the last byte, which is the highest one here: fold it down. */
	h ^= h >> 16;
	h *= 0x85ebca6bu;
	h ^= h >> 13;
	h *= 0xc2b2ae35u;
	h ^= h >> 16;
	return h;
}
