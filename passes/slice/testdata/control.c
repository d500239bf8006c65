// Control dependence: every way by which C decides what runs.
#include <setjmp.h>
#include <stdlib.h>
int source(void);
void sink(const void *);
int cond(void);

int a, b, c, d, e, f, g, h, i, j, k, l, m, n;
static jmp_buf back;

static int early(int v)
{
	if (v) // +f -b
		return 1; // +f -b
	a = 2; // +f -b
	return 0; // +f -b
}

static void thrown(int v)
{
	if (v) // +f -b
		longjmp(back, 1); // +f -b
	b = 1; // +f -b
}

static void leave(int v)
{
	if (v) // +f -b
		exit(1); // +f -b
	c = 1; // +f -b
}

static int choose(int v)
{
	switch (v) { // +f -b
	case 1:
		d = 1; // +f -b
		/* fall through */
	case 2:
		d += 2; // +f -b
		break;
	default:
		e = 1; // +f -b
	}
	f = 1; // -f -b
	return 3; // -f -b
}

static int jumps(int v)
{
	if (v) // +f -b
		goto out; // +f -b
	g = 1; // +f -b
out:
	h = 2; // -f -b
	return 1; // -f -b
}

static int repeat(int v)
{
	int s = 0; // -f -b
	do {
		s++; // +f -b
		if (s == 3) // +f -b
			continue; // +f -b
		i = s; // +f -b
	} while (s < v); // +f -b
	j = 1; // -f -b
	return 2; // -f -b
}

static int shortcut(int v)
{
	int r = v && cond(); // +f -b
	int s = v ? 1 : 2; // +f -b
	k = 1; // -f -b
	return r + s; // +f -b
}

static int gotos(int v)
{
	static void *const to[] = { &&one, &&two };
	goto *to[v & 1]; // +f -b
one:
	l = 1; // +f -b
	return 5; // +f -b
two:
	m = 1; // +f -b
	return 6; // +f -b
}

static void called(void) { n = 1; } // +f +b
static void once(void) { sink(&n); } // +f +b

static void forever(int v)
{
	for (;;) {
		if (v == cond()) // +f -b
			break;
		v--; // +f -b
	}
	called(); // -f +b
}

int main(void)
{
	int v = source(); // +f +b
	int r = early(v); // +f -b
	if (!setjmp(back)) // +f -b
		thrown(v); // +f -b
	leave(v); // +f -b
	r += choose(v); // +f -b
	r += jumps(v); // +f -b
	r += repeat(v); // +f -b
	r += shortcut(v); // +f -b
	r += gotos(v); // +f -b
	forever(v); // +f +b
	if (v) // +f +b
		called(); // +f +b
	once(); // -f +b
	return r; // +f -b
}
