/* What is called with what: a record's function gets what that record has, and not what others have, though one call serves all. */
#include <stdlib.h>

extern void probe(const void *);
void probe(const void *p) { (void)p; }

struct row {
	void (*const fn)(void *, void *);
	void *arg, *more;
};

static int a, b, c, d, e;

static void first(void *p, void *q)
{
	probe(p); // pts: a !b !c !d !e
	probe(q); // pts: d !a !b !c
}

static void second(void *p, void *q)
{
	probe(p); // pts: b c !a !d !e
	probe(q); // pts: e !a !d
}

static const struct row one = { first, &a, &d }, two = { second, &b, &e }, three = { second, &c, NULL };
static const struct row *const rows[] = { &one, &two, &three };

/* As in tables that a linker collects: the row is loaded anew for each operand. */
static void by_pointers(void)
{
	const struct row *const *p;
	for (p = rows; p < rows + 3; p++)
		(*p)->fn((*p)->arg, (*p)->more); // calls: first second
}

/* A store between may make it another row's: what all have. */
static int x, y;
static void third(void *p, void *q)
{
	(void)q;
	probe(p); // pts: x y
}
static void fourth(void *p, void *q)
{
	(void)q;
	probe(p); // pts: x y
}
static const struct row five = { third, &x, NULL }, six = { fourth, &y, NULL };
static const struct row *now = &five;
static void *next(void)
{
	void *was = now->arg;
	now = &six;
	return was;
}
static void changing(void)
{
	void (*fn)(void *, void *) = now->fn;
	next();
	fn(now->arg, NULL); // calls: third fourth
}

/* Elements of one array are one record. */
static int s, t;
static void fifth(void *p, void *q)
{
	(void)q;
	probe(p); // pts: s ?t
}
static void sixth(void *p, void *q)
{
	(void)q;
	probe(p); // pts: t ?s
}
static const struct row table[] = { { fifth, &s, NULL }, { sixth, &t, NULL } };
static void by_index(int i) { table[i].fn(table[i].arg, NULL); } // calls: fifth sixth

/* A row that is filled in later, on the heap. */
static int u, v;
static void seventh(void *p, void *q)
{
	(void)q;
	probe(p); // pts: u !v
}
static void eighth(void *p, void *q)
{
	(void)q;
	probe(p); // pts: v !u
}
struct job {
	void (*run)(void *, void *);
	void *of;
};
static struct job *queue[2];
static void add(int i, struct job *j, void (*run)(void *, void *), void *of)
{
	j->run = run;
	j->of = of;
	queue[i] = j;
}
static void later(void)
{
	static struct job k, l;
	add(0, &k, seventh, &u);
	add(1, &l, eighth, &v);
	for (int i = 0; i < 2; i++) {
		struct job *j = queue[i];
		j->run(j->of, j); // calls: seventh eighth
	}
}

/* What is defined as const never changes, whatever is stored by way of a pointer that seems to point at it. */
static int w, z;
static int *const fixed = &w;
static const struct { int *to; } kept = { &w };
static void store(int **p, int **q, int yes)
{
	int **at = yes ? p : q;
	*at = &z;
}
static void constants(int argc)
{
	static int *other;
	store((int **)&fixed, &other, argc > 99);
	store((int **)&kept.to, &other, argc > 99);
	probe(*(int *const volatile *)&fixed); // pts: w !z
	probe(*(int *const volatile *)&kept.to); // pts: w !z
	probe(other); // pts: z
}

int main(int argc, char **argv)
{
	(void)argv;
	by_pointers();
	changing();
	for (int i = 0; i < 2; i++)
		by_index(i);
	later();
	constants(argc);
	return 0;
}
