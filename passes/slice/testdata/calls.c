// Calls matched with returns; order of calls; what runs in other threads.
#include <pthread.h>
#include <stdlib.h>
int source(void);
void sink(const void *);
int cond(void);

int g1, g2, g3, g4, g5, g6;
struct box { int v; };

static int id(int v) { return v; } // +f +b
static int twice(int v) { return id(v) + id(v); } // +f -b
static int second(int a, int b) { (void)a; return b; } // +f -b
static int ignore(int v) { (void)v; return 1; } // -f -b
static struct box wrap(int v) { struct box b = { v }; return b; } // +f -b
static int unwrap(struct box b) { return b.v; } // +f -b
static void set(int *p, int v) { *p = v; } // +f -b
static int count(int n) { return n ? 1 + count(n - 1) : 0; } // +f -b
static int apply(int (*f)(int), int v) { return f(v); } // +f -b
static int neg(int v) { return -v; } // +f -b
static int one(int v) { (void)v; return 1; } // -f -b

static void before(void) { g1 = g2; } // -f -b
static void after(void) { g3 = g2; } // +f -b
static void *worker(void *p) { g4 = g5; return p; } // +f -b
static void stage(void) { g6 = g5; } // -f -b

static int helper(void) { return g2; } // +f -b

int main(void)
{
	before(); // -f -b
	stage(); // -f -b
	int early = helper(); // -f -b
	g1 = early; // -f -b
	pthread_t t;
	pthread_create(&t, 0, worker, 0); // -f -b
	int s = source(); // +f +b
	int clean = id(cond()); // -f -b
	int dirty = id(s); // +f +b
	sink(&dirty); // +f +b
	g1 = clean; // -f -b
	g1 = twice(s); // +f -b
	g1 = second(s, cond()); // +f -b
	g1 = second(cond(), s); // +f -b
	g1 = ignore(s); // ~f -b a call that is given it
	struct box b = wrap(s), c = wrap(cond()); // +f -b
	g1 = unwrap(b); // +f -b
	g1 = unwrap(c); // -f -b
	int x = 0, y = 0;
	set(&x, s); // +f -b
	set(&y, cond()); // -f -b
	g1 = x; // +f -b
	g1 = y; // ?f -b
	g1 = count(s); // +f -b
	g1 = apply(neg, s); // +f -b
	g1 = apply(one, cond()); // -f -b
	g2 = s; // +f -b
	g5 = s; // +f -b
	after(); // -f -b
	int late = helper(); // +f -b
	g1 = late; // +f -b
	return 0;
}
