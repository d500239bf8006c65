void probe(const void *, ...);
#include <stdlib.h>
int x, y, z;
int *g;

void set(int **where, int *what) { *where = what; }

int *pick(int c, int *a, int *b) { return c ? a : b; }

struct in { int *p, *q; };
struct out { int n; struct in a, b; int *tail; };
struct out o;

int tail;
int queue[10];
int dequeue(void)
{
    int *index = &tail;
    probe(index); // pts: tail
    *index = (*index + 1) % 10;
    return queue[*index];
}

int main(int argc, char **argv)
{
    int *p = &x;
    probe(p); // pts: x
    p = &y;
    probe(p); // pts: y
    set(&g, &z);
    probe(g); // pts: z
    probe(pick(argc, &x, &y)); // pts: x y
    o.a.p = &x;
    o.a.q = &y;
    o.b = o.a;
    probe(o.b.p); // pts: x
    probe(o.b.q); // pts: y
    probe(o.tail); // pts: z
    struct out copy = o;
    probe(copy.b.q); // pts: y
    struct out *ind = &o;
    ind->tail = &z;
    probe(&ind->b.q); // pts: o.b.q
    probe(ind->tail); // pts: z
    int **pp = &ind->a.p;
    probe(*pp); // pts: x
    probe(argv); // pts: argv's
    probe(argv[1]); // pts: optarg's
    int local = 0, *lp = &local;
    set(&lp, &local);
    probe(lp); // pts: main.local
    return dequeue();
}
