#include <stdio.h>
int lines;
void log_line(const char *who, unsigned v)
{
	printf("%d %s %u\n", ++lines, who, v);
}
