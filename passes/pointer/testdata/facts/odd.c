void probe(const void *, ...);
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>

int a, b, c, d;

/* Through integers: stored, added to, tagged, masked. */
static uintptr_t number;
static struct { uint64_t cookie; unsigned flags; } reg;
static void integers(long n)
{
	number = (uintptr_t)&a;
	probe((int *)number); // pts: a
	reg.cookie = (uint64_t)(uintptr_t)&b;
	probe((void *)(uintptr_t)reg.cookie); // pts: b
	static int numbers[8];
	uintptr_t at = (uintptr_t)numbers + 4 * sizeof *numbers;
	probe((int *)at); // pts: integers.numbers
	uintptr_t tag = (uintptr_t)&c | 2;
	probe((int *)(tag & ~(uintptr_t)3)); // pts: c
	probe((int *)(tag ^ 2)); // pts: c ~c+?
	uintptr_t page = ((uintptr_t)numbers + 63) & -(uintptr_t)64;
	probe((void *)page); // pts>: integers.numbers !a !b
	long size = (char *)(numbers + 3) - (char *)numbers;
	probe((char *)numbers + size); // pts>: integers.numbers !a
	uintptr_t hash = (uintptr_t)&d >> 4;
	probe(&numbers[hash & 7]); // pts: integers.numbers
	int *chosen = n ? (int *)number : (int *)(uintptr_t)reg.cookie;
	probe(chosen); // pts: a b
}

/* Pointers to pointers, two and three deep. */
static int *pa = &a, *pb = &b;
static int **ppa = &pa;
static void set(int **p, int *v) { *p = v; }
static void swap(int **x, int **y) { int *t = *x; *x = *y; *y = t; }
static void pointers(int n)
{
	int ***ppp = &ppa;
	probe(**ppp); // pts: a ~b ~c
	**ppp = &c;
	probe(pa); // pts: ~a ~b c
	*ppp = &pb;
	probe(*ppa); // pts: ~a b ~c
	int *x = &a, *y = &b;
	swap(&x, &y);
	probe(x); // pts: ~a b
	probe(y); // pts: a ~b
	swap(&pa, &pb);
	int *mine, *yours;
	set(&mine, &c);
	set(&yours, &d);
	probe(mine); // pts: ~a c
	probe(yours); // pts: ~a d
	int **either = n ? &mine : &yours;
	*either = &a;
	probe(mine); // pts: a c
	probe(yours); // pts: ~a d
	char *words[3] = { 0 };
	char **w = words;
	static char text[] = "one two";
	*w++ = text;
	*w++ = text + 4;
	probe(words[1]); // pts: pointers.text
	probe(w); // pts: pointers.words
}

/* Loops that step through arrays, forwards, backwards, by record and by byte. */
struct pair { int *left, *right; };
static struct pair pairs[4] = { { &a, &b }, { &a, &c } };
static void steps(int n)
{
	for (struct pair *p = pairs; p < pairs + 4; p++)
		probe(p->left); // pts: a
	for (struct pair *p = pairs + 4; p-- > pairs;)
		probe(p->right); // pts: b c
	int **flat = &pairs[0].left;
	probe(flat[1]); // pts: b ~c
	char *byte = (char *)pairs;
	byte += sizeof(struct pair);
	probe(((struct pair *)byte)->left); // pts: a
	probe(*(int **)(byte + offsetof(struct pair, right))); // pts: ~b c
	static int grid[3][4];
	int (*row)[4] = grid + 1;
	probe(row); // pts: steps.grid
	probe(&(*row)[2]); // pts: steps.grid
	int *last = &grid[2][3];
	probe(last - 3); // pts: steps.grid
	struct pair *where = &pairs[n & 3];
	probe(&where->right); // pts: pairs[].right
	probe(where - pairs ? &where[-1].left : 0); // pts: pairs
}

/* Opaque handles: an incomplete type, a number in a table, a pointer behind void *. */
typedef struct secret *handle;
struct secret { int *inside; };
static struct secret secrets[4];
static handle open_(int *what) { static int used; secrets[used].inside = what; return &secrets[used++]; }
static int *look(handle h) { return h->inside; }
static void *handles[8];
static int register_(void *p) { static int n; handles[n] = p; return n++; }
static void opaque(void)
{
	handle h = open_(&a);
	probe(h); // pts: secrets
	probe(look(h)); // pts: a
	int k = register_(h);
	register_(&d);
	probe(handles[k]); // pts: secrets ~d
	probe(((struct secret *)handles[k])->inside); // pts>: a !b !c
}

/* Static storage of a procedure, and addresses of it that are handed out. */
static int **counter(void)
{
	static int *mine;
	return &mine;
}
static char *name_of(int n)
{
	static char buffer[16];
	buffer[0] = '0' + n % 10;
	return buffer;
}
static void storage(int n)
{
	*counter() = &b;
	probe(counter()); // pts: counter.mine
	probe(*counter()); // pts: b
	probe(name_of(n)); // pts: name_of.buffer
	int mine[2], *p = mine;
	p[1] = 0;
	probe(p + 1); // pts: storage.mine
	const char *s = n ? "yes" : "no";
	probe(s); // pts: "..."
	static const char *const names[] = { "a", "b" };
	probe(names[n & 1]); // pts: "..."
	probe(__func__); // pts>: !a
}

/* Computed gotos, switches, conditionals, commas, statement expressions. */
static void expressions(int n)
{
	static void *const labels[] = { &&first, &&second };
	int *p = 0;
	goto *labels[n & 1];
first:
	p = &a;
	goto end;
second:
	p = &b;
end:
	probe(p); // pts: a b
	switch (n) {
	case 1:
		p = &c;
		break;
	case 2:
		p = &d;
	}
	probe(p); // pts: a b c d
	p = &a;
	probe(p); // pts: a
	int *q = ({ int *t = &b; n ? t : p; });
	probe(q); // pts: a b
	probe((q = &c, q)); // pts: c
	probe(p ?: &d); // pts: a ~d
	int *r;
	if (n)
		r = p;
	else
		r = q;
	probe(r); // pts: a c
	while (n-- > 0)
		r = n & 1 ? &b : r;
	probe(r); // pts: a b c
	do {
		int *inner = r;
		r = &d;
		probe(inner); // pts: a b c d
	} while (n > 5);
	probe(r); // pts: d
}

/* Copies by the library, of pointers and of what they point at. */
static void library(int n)
{
	int *from[4] = { &a, &b }, *to[4], *other[4];
	memcpy(to, from, sizeof to);
	probe(to[0]); // pts: a ~b
	memmove(other, to + 1, 3 * sizeof *to);
	probe(other[0]); // pts: ~a b
	struct iovec v[2] = { { &c, sizeof c }, { &d, sizeof d } };
	probe(v[0].iov_base); // pts: ~a c ~d
	struct iovec *w = v + 1;
	w->iov_base = &a;
	probe(v[1].iov_base); // pts: a ~c ~d
	int **copy = malloc(sizeof to); // obj COPY
	memcpy(copy, to, sizeof to);
	probe(copy[n & 1]); // pts: a b
	int *single;
	memcpy(&single, &copy[0], sizeof single);
	probe(single); // pts: a ~b
	char *bytes = (char *)copy;
	memcpy(&single, bytes + n / 100 * sizeof single, sizeof single);
	probe(single); // pts: a ~b
	memset(copy, 0, sizeof to);
	free(copy);
}

/* Volatile, const, restrict, atomic and thread-local say nothing about where. */
static int *volatile vp = &a;
static int *_Atomic ap;
static _Thread_local int *tp;
static int *const cp = &d;
static void qualified(void)
{
	vp = &b;
	probe(vp); // pts: ~a b
	ap = &c;
	probe(ap); // pts: c ~d !ap
	__atomic_store_n(&ap, &d, __ATOMIC_RELEASE);
	probe(__atomic_load_n(&ap, __ATOMIC_ACQUIRE)); // pts: ~c d !ap
	int *old = __atomic_exchange_n((int **)&ap, &c, __ATOMIC_SEQ_CST);
	probe(old); // pts: ~c d !ap
	int *expected = &c;
	if (__sync_bool_compare_and_swap((int **)&ap, expected, &d))
		probe(ap); // pts: ~c d !ap
	tp = &a;
	probe(tp); // pts: a
	probe(cp); // pts: d
}

/* Places that only a cast makes: a record over a longer one, over bytes, over two. */
struct small { int *one; };
struct large { int *one, *two, *three; };
static struct large large = { &a, &b, &c };
static void overlays(void)
{
	struct small *s = (struct small *)&large;
	probe(s->one); // pts: a
	probe(s[1].one); // pts: b
	probe((s + 2)->one); // pts: c ~d
	((struct small *)&large.three)->one = &d;
	probe(large.three); // pts: ~c d
	struct large *l = (struct large *)((char *)&large.two - offsetof(struct large, two));
	probe(l); // pts: large
	probe(l->one); // pts: a
	void *v = &large.two;
	probe(*(int **)v); // pts: b
}

int main(int argc, char **argv)
{
	integers(argc);
	pointers(argc);
	steps(argc);
	opaque();
	storage(argc);
	expressions(argc);
	library(argc);
	qualified();
	overlays();
	return 0;
}
