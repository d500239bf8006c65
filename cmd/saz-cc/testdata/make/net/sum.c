#include "net.h"
unsigned net_sum(const unsigned char *p, int n)
{
	unsigned s = 0;
	while (n--)
		s = net_fast(s) + *p++;
	return s;
}
