/* Each way by which one instruction comes to depend on another, in a program
   that runs. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct point { int x, y; };
struct packed { unsigned a : 3, b : 7, c : 12; } flags;
union word { unsigned u; unsigned char c[4]; };
struct node { struct node *next; struct point at; int n; } *list;
static int counter, table[8], matrix[3][4];
static char text[64];
static volatile sig_atomic_t signalled;
static jmp_buf again;

static struct point make(int x, int y) { struct point p = { x, y }; return p; }
static int dot(struct point a, struct point b) { return a.x * b.x + a.y * b.y; }
static void swap(int *a, int *b) { int t = *a; *a = *b; *b = t; }
static int fact(int n) { return n < 2 ? 1 : n * fact(n - 1); }
static int even(int n);
static int odd(int n) { return n == 0 ? 0 : even(n - 1); }
static int even(int n) { return n == 0 ? 1 : odd(n - 1); }

static int sum(int n, ...)
{
	va_list ap;
	int s = 0;
	va_start(ap, n);
	while (n-- > 0)
		s += va_arg(ap, int);
	va_end(ap);
	return s;
}

static int by_value(const void *a, const void *b)
{
	counter++;
	return *(const int *)a - *(const int *)b;
}

static int add(int a) { return a + counter; }
static int sub(int a) { return a - counter; }
static int (*ops[2])(int) = { add, sub };

static void push(int n)
{
	struct node *e = malloc(sizeof *e);
	memset(e, 0, sizeof *e);
	e->n = n;
	e->at = make(n, n + 1);
	e->next = list;
	list = e;
}

static int walk(void)
{
	int s = 0;
	for (struct node *e = list; e; e = e->next) {
		if (e->n == 3)
			continue;
		if (e->n > 6)
			break;
		s += e->at.x;
	}
	return s;
}

static int kind(int c)
{
	switch (c) {
	case 'a' ... 'f':
		return 1;
	case '0':
		counter += 2;
		/* fall through */
	case '1':
		return 2;
	default:
		return c & 1 ? 3 : 4;
	}
}

static int steps(int n)
{
	int c = 0;
top:
	if (n == 1)
		goto out;
	n = n & 1 ? 3 * n + 1 : n / 2;
	c++;
	goto top;
out:
	return c;
}

static void fill(int *v, int n)
{
	static int last;
	for (int i = 0; i < n; i++)
		v[i] = last = last * 5 + i;
}

static void on_signal(int s) { signalled = s; }
static void thrower(int n) { if (n > 1) longjmp(again, n); counter = n; }

int main(int argc, char **argv)
{
	int v[6], a = argc, b = 7, *p = &a;
	fill(v, 6);
	qsort(v, 6, sizeof v[0], by_value);
	swap(&a, &b);
	*p += v[2];
	for (int i = 0; i < 8; i++)
		push(i * a % 5 + i / 2);
	flags.a = a;
	flags.b = b + flags.a;
	flags.c = flags.b * 3;
	union word w;
	w.u = flags.c;
	w.c[1] ^= 5;
	for (int i = 0; i < 3; i++)
		for (int j = 0; j < 4; j++)
			matrix[i][j] = i * w.c[j & 3] + (j ? matrix[i][j - 1] : 0);
	struct point q = make(walk(), fact(5)), r = q;
	r.y += sum(3, q.x, r.x, matrix[2][3]);
	int d = dot(q, r) + ops[argc & 1](r.x) + ops[!(argc & 1)](r.y);
	memcpy(table, matrix, sizeof table);
	table[d & 7] = even(d & 15);
	snprintf(text, sizeof text, "%d %d", table[0], d);
	for (char *s = text; *s; s++)
		counter += kind(*s);
	signal(SIGUSR1, on_signal);
	raise(SIGUSR1);
	if (signalled)
		counter += steps(27);
	int volatile tries = 0;
	if (setjmp(again) < 3)
		thrower(++tries + 1);
	char *copy = malloc(strlen(text) + 1);
	strcpy(copy, text);
	copy[0]++;
	printf("%d %d %s %s\n", counter, tries, text, copy);
	free(copy);
	return (void)argv, counter & 1;
}
