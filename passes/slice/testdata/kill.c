// Strong updates: what was in the one place before a store that certainly
// overwrites it is not seen after, in the procedure and across calls.
#include <signal.h>
#include <string.h>
int source(void);
void sink(const void *);
int cond(void);

struct pair { int a, b; } pair, other;
int one, two, three, four, five, six, seven, shared, array[4];
static int *where = &four;

static void reset(void) { one = 0; } // certainly
static void maybe(void) { if (cond()) two = 0; } // not certainly
static void either(int c) { if (c) three = 1; else three = 2; } // on both ways
static void out(int *p) { *p = 7; } // one place
static void put(int *p) { *p = 7; } // one of two
static void deep(void) { reset(); } // by way of a call

static void tick(int s) { (void)s; shared = source(); } // +f +b

static int scalar(void)
{
	one = source(); // +f -b
	reset();
	int v = one; // -f -b
	two = source(); // +f +b
	maybe();
	int w = two; // +f +b
	three = source(); // +f -b
	either(cond());
	int x = three; // -f -b
	sink(&w); // +f +b
	return v + x; // -f -b
}

static int pointers(void)
{
	four = source(); // +f -b
	*where = 1; // -f -b
	int v = four; // -f -b
	five = source(); // +f -b
	out(&five);
	int w = five; // -f +b
	shared = source(); // +f ?b
	put(&shared);
	put(&seven);
	w += shared; // ?f +b
	sink(&w); // +f +b
	six = source(); // +f -b
	int *p = cond() ? &six : &seven; // -f -b
	*p = 3; // -f -b
	int x = six; // +f -b
	return v + x; // +f -b
}

static int fields(void)
{
	pair.a = source(); // +f -b
	pair.b = source(); // +f +b
	pair.a = 1; // -f -b
	int v = pair.a; // -f -b
	int w = pair.b; // +f +b
	sink(&w); // +f +b
	other.a = source(); // +f -b
	struct pair zero = { 0, 0 }; // -f -b
	other = zero; // -f -b
	v += other.a; // -f -b
	other.b = source(); // +f -b
	memset(&other, 0, sizeof other); // -f -b
	return v + other.b; // -f -b
}

static int arrays(int i)
{
	array[i] = source(); // +f -b
	array[i] = 1; // -f -b
	return array[i]; // +f -b
}

static int loops(void)
{
	int s = 0, last;
	int *p = &last; // -f -b
	for (int i = 0; i < cond(); i++) { // -f -b
		*p = i; // -f -b
		s += last; // -f -b
		last = source(); // +f -b
	}
	return s; // -f -b
}

static int carried(void)
{
	int s = 0, last = 0;
	int *p = &last; // -f -b
	for (int i = 0; i < cond(); i++) { // -f -b
		s += *p; // +f -b
		last = source(); // +f -b
	}
	return s; // +f -b
}

static int handled(void)
{
	shared = 0; // -f +b
	int v = shared; // +f +b
	sink(&v); // +f +b
	return 0;
}

static int caller(void)
{
	one = source(); // +f -b
	deep();
	return one; // -f -b
}

static int branches(void)
{
	seven = source(); // +f -b
	if (cond()) // -f -b
		seven = 1; // -f -b
	int v = seven; // +f -b
	seven = 2; // -f -b
	return v + seven; // +f -b
}

static int local(void)
{
	int x, *p = &x; // -f -b
	x = source(); // +f -b
	*p = 5; // -f -b
	return x; // -f -b
}

static int bits(void)
{
	static struct { unsigned a : 4, b : 4, c : 8; } f;
	f.a = source(); // +f -b
	f.a = 1; // -f -b
	return f.a; // ?f -b
}

int main(void)
{
	signal(SIGUSR1, tick); // -f +b
	int r = scalar();
	r += pointers();
	r += fields();
	r += arrays(cond());
	r += loops();
	r += carried();
	r += handled();
	r += caller();
	r += branches();
	r += local();
	return r + bits();
}
