/* A block that has more places than are kept apart becomes one: what was copied from a place of it before that is what is stored anywhere in it. */
#include <stdlib.h>
#include <string.h>
extern void probe(const void *);
void probe(const void *p) { (void)p; }

#define S(i) *(int **)(hold + 8 * (i)) = &x; sum += **(int **)(hold + 8 * (i));
#define S4(i) S(i) S(i + 1) S(i + 2) S(i + 3)
#define S16(i) S4(i) S4(i + 4) S4(i + 8) S4(i + 12)
#define S64(i) S16(i) S16(i + 16) S16(i + 32) S16(i + 48)

static int x = 1, y = 2, z = 3;
struct two { int *a, *b; };
static struct two early;
static char *hold;
static int *apart[2] = { &z, &z };

int main(int argc, char **argv)
{
	int sum = 0;
	void *m = calloc(1, argc * 4096); // obj M
	hold = m;
	for (int i = 0; i < argc + 1; i++) {
		memcpy(&early, (char *)m + 1600, sizeof early);
		S64(0) S64(64)
		*(int **)(hold + 1608) = &y;
	}
	probe(early.b); // pts: ~x y
	probe(early.a); // pts: ~x ~y
	probe(*(int **)((char *)m + 800)); // pts: x ~y
	probe(apart[argc > 1]); // pts: z
	return sum + (early.b == &y) == 0;
}
