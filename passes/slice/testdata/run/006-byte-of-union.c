/* A byte that begins a union with a pointer in it, or a record, is a byte: pointers to it were taken to point elsewhere. */
#include <stdio.h>
union u { signed char f0; signed char *f1; };
static signed char other = 3;
static signed char *g = &other;
static int sum;
static struct s { signed char c; signed char *p; } s = { 4, 0 };
static int first(void)
{
	union u l[5] = {{6},{6},{6},{6},{6}};
	signed char *p = &l[1].f0;
	g = p;
	for (int i = 0; i < 2; i++)
		sum += *g;
	return sum;
}
int main(void)
{
	int r = first();
	g = &s.c;
	r += *g;
	g = &other;
	r += *g;
	printf("%d\n", r);
	return r != 19;
}
