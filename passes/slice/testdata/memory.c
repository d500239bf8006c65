// Dependence through memory: which bytes, of which object.
#include <stdlib.h>
#include <string.h>
#include <stdio.h>
int source(void);
void sink(const void *);
int cond(void);

struct inner { int x, y; };
struct outer { int head; struct inner in[3]; struct inner *link; unsigned lo : 4, hi : 12; char name[8]; } o, o2, *heap;
union both { int i; unsigned char c[4]; } u;
struct packed { char tag; int v; } __attribute__((packed)) pk;
int table[10], flag;
char from[16], to[16], line[64];

static void members(void)
{
	o.in[1].x = source(); // +f -b
	int v = o.in[2].x; // +f -b
	int w = o.in[1].y; // -f -b
	flag = v; // +f -b
	o.head = w; // -f -b
	o2 = o; // +f -b
	flag = o2.in[0].x; // +f -b
	flag = o2.in[0].y; // ?f -b
	flag = o2.head; // ?f -b
}

static void bitfields(void)
{
	o2.lo = source(); // +f -b
	int v = o2.hi; // ~f -b
	int w = o2.name[1]; // ?f -b
	flag = v + w; // +f -b
}

static void overlay(void)
{
	u.i = source(); // +f +b
	int v = u.c[2]; // +f +b
	sink(&v); // +f +b
	pk.v = source(); // +f -b
	flag = pk.tag; // -f -b
	flag = *((char *)&pk + 2); // +f -b
}

static void lists(void)
{
	struct outer *a = malloc(sizeof *a); // -f +b
	struct outer *b = malloc(sizeof *b); // -f -b
	a->head = source(); // +f +b
	b->head = 1; // -f -b
	flag = b->head; // -f -b
	int v = a->head; // +f +b
	sink(&v); // +f +b
	a->link = &b->in[0]; // -f -b
	a->link->y = source(); // +f -b
	flag = b->in[0].y; // +f -b
	flag = b->in[2].x; // -f -b
	free(b); // -f -b
	heap = a; // -f -b
	heap->name[0] = source(); // +f -b
	flag = a->name[3]; // +f -b
}

static void strings(void)
{
	from[0] = source(); // +f +b
	memcpy(to, from, sizeof to); // +f +b
	sink(to); // +f +b
	memset(from, 0, sizeof from); // -f -b
	snprintf(line, sizeof line, "%d", source()); // +f -b
	flag = atoi(line); // +f -b
	char *p = strchr(line, 'x'); // +f -b
	if (p) // +f -b
		flag = 2; // +f -b
}

static void through(int *p, int v) { *p = v; } // +f -b
static int get(const int *p) { return *p; } // +f -b

static void pointers(void)
{
	int x, y; // two locals
	through(&x, source()); // +f -b
	y = cond(); // -f -b
	flag = get(&x); // +f -b
	flag = y; // -f -b
	table[3] = source(); // +f -b
	flag = table[4]; // ~f -b
	void *raw = &o2; // -f -b
	flag = *(int *)((char *)raw + 4); // ~f -b
}

static void assembly(void)
{
	int in = source(), out; // +f -b
	__asm__("movl %1, %0" : "=r"(out) : "m"(in)); // +f -b
	flag = out; // +f -b
	int same = 1; // -f -b
	__asm__("" : "+r"(same)); // -f -b
	flag = same; // -f -b
}

int main(void)
{
	members();
	bitfields();
	overlay();
	lists();
	strings();
	pointers();
	assembly();
	return 0;
}
