void probe(const void *, ...);
#include <stdlib.h>
/* Small procedures are analysed for each call of them. */
int a, b;
struct box { int *p; struct box *next; };
static inline void put(struct box *b, int *p) { b->p = p; }
static inline int *get(struct box *b) { return b->p; }
static int *both(int *x, int *y, int c) { return c ? x : y; }
static struct box *push(struct box *l, int *p)
{
    struct box *n = malloc(sizeof *n);
    if (!n)
        return l;
    put(n, p);
    n->next = l;
    return n;
}
static int *(*reader)(struct box *) = get;
static struct box *head;
static int *deep(struct box *b) { return get(b); }
int main(int argc, char **argv)
{
    struct box x = { 0, 0 }, y = { 0, 0 };
    put(&x, &a);
    put(&y, &b);
    probe(get(&x)); // pts: a
    probe(get(&y)); // pts: b
    probe(deep(&y)); // pts: b
    probe(reader(&x)); // pts: a
    probe(both(&a, &b, argc)); // pts: a b
    head = push(0, &a);
    struct box *other = push(0, &b);
    probe(head->p); // pts: a
    probe(other->p); // pts: b
    struct box *twice = push(head, &b);
    probe(twice->next->p); // pts: a
    return 0;
}
