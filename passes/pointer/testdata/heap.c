void probe(const void *, ...);
#include <stdlib.h>
#include <string.h>
struct node { struct node *next; char *name; int n; };
struct node *table[16];
struct node *list;

static void *xmalloc(size_t n)
{
    void *p = malloc(n);
    if (!p)
        abort();
    return p;
}

static struct node *node_new(const char *name)
{
    struct node *n = xmalloc(sizeof *n);
    n->name = strdup(name);
    n->next = 0;
    return n;
}

static char *kept;
static char *cached(void)
{
    char *c = kept;
    if (!c) {
        c = malloc(10);
        kept = c;
    }
    return c;
}

void *(*allocate)(size_t) = xmalloc;

int main(void)
{
    struct node *a = node_new("a");
    probe(a); // pts: node_new@-1
    struct node *b = node_new("b");
    probe(b); // pts: node_new@-1
    a->next = b;
    probe(a->next); // pts: node_new@-3
    probe(b->next); // pts: node_new@-4
    probe(a->name); // pts: strdup@test.c:19[]
    list = a;
    for (struct node *i = list; i; i = i->next)
        probe(i); // pts: node_new@test.c:39 node_new@test.c:41
    unsigned h = b->n % 16;
    b->next = table[h];
    table[h] = b;
    for (struct node *i = table[h]; i; i = i->next)
        probe(&i->n); // pts: node_new@test.c:41.n
    int *v = xmalloc(10 * sizeof *v);
    probe(v + 3); // pts: xmalloc@-1[]
    char *s = xmalloc(80);
    probe(s); // pts: xmalloc@-1[]
    probe(allocate(4)); // pts: malloc@test.c:10
    probe(cached()); // pts!: cached@-0[]
    char *again = cached();
    probe(again); // pts: cached@-1[] cached@-2[]
    struct node *grown = realloc(a, 2 * sizeof *a);
    probe(grown->next); // pts: node_new@test.c:41
    struct node *vec = calloc(10, sizeof *vec);
    vec[3].name = "x";
    probe(vec[5].name); // pts: "..."
    probe(vec[5].next); // pts:
    return 0;
}
