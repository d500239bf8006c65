/* Stores and loads at places that are not known, in several objects: where sets are so large that
 * what they point at is taken together, what was stored still arrives. */
#include <stddef.h>

static void probe(const void *p) { (void)p; }

struct slots { int *first, *second; } left, right, other;
int one, two;
static int *got;

static int **somewhere(int which, long i) {
	char *at = which ? (char *)&left : (char *)&right;
	return (int **)(at + (i & 8));
}

static int **in_it(int which) { return which ? &left.second : &other.first; }

int main(int argc, char **argv) {
	*somewhere(argc > 1, argc * 8) = &one;
	*in_it(argc > 2) = &two;
	got = *somewhere(argc > 3, argc * 8 + 8);
	probe(left.first);   // pts>: one
	probe(left.second);  // pts>: one two
	probe(right.second); // pts>: one
	probe(other.first);  // pts>: two
	probe(got);          // pts>: one two
	return 0;
}
