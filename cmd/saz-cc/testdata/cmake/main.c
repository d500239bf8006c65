#include <stdio.h>
#include <unistd.h>
#include "config.h"
#include "tally.h"

extern const int table[];

int main(void)
{
	unsigned char c;
	while (read(0, &c, 1) == 1)
		tally(table[common(c)]);
	printf("%d %s %d\n", tallied(), name_of(tallied()), LONG_BYTES);
	return 0;
}
