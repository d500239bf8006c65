// 041, found by random programs: what left an array by bytes was worked out from its first element; a record
// that was passed by "..." lost what it holds; a node of tsearch's held no key.
#include <search.h>
#include <stdarg.h>
#include <stddef.h>

void probe(void *, ...);

int a, b, c;

struct in { int *x, *y; };
struct around { long id; int *first; struct in in[2]; int *last; } gb = { .first = &a, .last = &b };

// From the second element back to the record that it is in.
static struct around *second(struct in *p) { return (struct around *)((char *)p - offsetof(struct around, in[1])); }
static struct around *(*volatile up)(struct in *) = second;

// From the last element to the member behind the array.
static int **behind(struct in *p) { return (int **)((char *)p + sizeof *p); }
static int **(*volatile on)(struct in *) = behind;

static void leave(int n)
{
    struct around *g = up(&gb.in[1]);
    probe(g->first); // pts: a
    probe(*on(&gb.in[n & 1])); // pts: b
    struct in *p = &gb.in[n];
    probe(p + 1); // pts: gb.in
}

// A record passed by "...".
static int *pick(int n, ...)
{
    va_list ap;
    va_start(ap, n);
    struct in s = va_arg(ap, struct in);
    va_end(ap);
    return s.y;
}

static int order(const void *p, const void *q)
{
    probe((void *)p); // pts: c gb
    probe((void *)q); // pts: c gb
    return p < q ? -1 : p > q;
}

int main(int argc, char **argv)
{
    leave(argc);
    struct in i = { &a, &b };
    probe(pick(1, i)); // pts: b
    static void *root;
    tsearch(&gb, &root, order);
    int **node = tsearch(&c, &root, order);
    probe(*node); // pts: c gb tsearch's+?
    return 0;
}
