/* What is copied through a void * fills the record that it points at, and not
   only the array of bytes with which that begins. */
#include <string.h>
struct header { unsigned char to[6], from[6]; unsigned short type; };
static unsigned char frame[14] = { 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 8, 0 };
static int peek(int at, void *header, unsigned n)
{
	if (at + n > sizeof frame)
		return 0;
	memcpy(header, frame + at, n);
	return 1;
}
static int bytes(char *p, unsigned n)
{
	memcpy(p, frame, n);
	return p[0];
}
int main(int argc, char **argv)
{
	struct header h, g;
	(void)argv;
	if (!peek(argc - 1, &h, sizeof h))
		return 1;
	int sum = bytes((char *)&g, argc + 13);
	return h.type + h.from[2] + g.type + sum - 8 - 9 - 8 - 1;
}
