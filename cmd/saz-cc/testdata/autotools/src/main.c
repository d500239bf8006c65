#include "config.h"
#include <stdio.h>
#include "sum.h"

int options(int argc, char **argv);

int main(int argc, char **argv)
{
	static unsigned char packet[1500];
	size_t n;
#ifdef OPTIONS
	if (options(argc, argv))
		return 2;
#endif
	while ((n = fread(packet, 1, sizeof packet, stdin)) > 0)
		printf("%s %04x\n", PACKAGE_STRING, pktsum(packet, n));
	return argc > 9;
}
