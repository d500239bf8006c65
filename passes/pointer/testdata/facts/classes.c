/* Records that one stands for, in crowds: what is stored through a pointer to either of two comes to
 * who has only one of them, also at a member that nobody knew of before they became one. */
#include <stdlib.h>
#include <string.h>

static void probe(const void *p) { (void)p; }

struct rec { long n; int *first, *second; char *third; };
struct pair { int *first, *second; };
static struct pair copy, other;
int x, y, z;
char w;

/* So late that the records have become one: a solver finds out where a call goes when it comes there. */
typedef void step(struct rec *, struct pair *);
static step pass1, pass2, pass3, pass4, touch;
static step *first = pass1, *second = pass2, *third = pass3, *fourth = pass4, *fifth = touch;
static void pass1(struct rec *r, struct pair *p) { second(r, p); }
static void pass2(struct rec *r, struct pair *p) { third(r, p); }
static void pass3(struct rec *r, struct pair *p) { fourth(r, p); }
static void pass4(struct rec *r, struct pair *p) { fifth(r, p); }
static void touch(struct rec *r, struct pair *p) { r->first = &x; r->third = &w; p->first = &x; }

/* A place in the record that is not known. */
static int **in(struct rec *r, int i) { return (int **)((char *)r + 8 * i); }

int main(int argc, char **argv) {
	struct rec *one = calloc(1, sizeof *one), *two = calloc(1, sizeof *two);
	struct pair *left = calloc(1, sizeof *left), *right = calloc(1, sizeof *right);
	memcpy(&copy, left, sizeof copy);
	memcpy(&other, right, sizeof other);
	*in(one, argc) = &y;
	*in(two, argc) = &z;
	left->second = &y;
	right->second = &z;
	first(one, left);
	first(two, right);
	probe(*in(one, argc)); // pts>: x y w
	probe(*in(two, argc)); // pts>: x z w
	probe(one->third);     // pts>: w y
	probe(two->third);     // pts>: w z
	probe(copy.first);     // pts>: x
	probe(copy.second);    // pts>: y
	probe(other.first);    // pts>: x
	probe(other.second);   // pts>: z
	return 0;
}
