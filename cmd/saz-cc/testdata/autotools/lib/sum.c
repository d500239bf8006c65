#include "config.h"
#include "sum.h"

/* The Internet checksum of a packet, and how many there were. */
unsigned long pktsum_count;

unsigned pktsum(const unsigned char *p, unsigned long n)
{
	unsigned long sum = 0;
	for (; n > 1; n -= 2, p += 2)
		sum += p[0] << 8 | p[1];
	if (n)
		sum += *p << 8;
	pktsum_count++;
	return inner_fold(sum);
}
