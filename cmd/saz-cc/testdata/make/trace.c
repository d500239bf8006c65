#include <math.h>
#include "net/net.h"
void log_line(const char *, unsigned);
int main(void)
{
	const unsigned char *p;
	int n;
	while ((p = net_recv(&n)))
		log_line("trace", (unsigned)sqrt(net_sum(p, n)));
	return 0;
}
