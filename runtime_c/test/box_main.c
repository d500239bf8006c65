/* Packets are lines of standard input; "dump" writes the state to standard output. */
#include "saz_rt.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "box.h"

static int read_line(char *buf, size_t size)
{
	size_t n = 0;

	while (n + 1 < size && read(0, buf + n, 1) == 1) {
		if (buf[n] == '\n') {
			buf[n] = 0;
			return 1;
		}
		n++;
	}
	return 0;
}

int main(void)
{
	char line[256];

	box_start(stderr);
	while (SAZ_RECEIVE(read_line(line, sizeof line))) {
		if (strcmp(line, "dump") == 0)
			box_dump(stdout), puts(".");
		else
			box_packet(line);
		fflush(stdout);
	}
	box_end();
	return 0;
}
