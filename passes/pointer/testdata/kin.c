/* 045: what a pointer's type says of what it may point at, and what casts take back. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
void probe(void *);

int x, y;
struct a { int *p; long n; } a1 = { &x, 1 };
struct b { long n; struct b *next; int *q; } b1 = { 2, 0, &y };

/* One of a union's pointers is not the other. */
struct arg { int kind; union { struct a *a; struct b *b; char *text; } u; };
static struct arg *arg_new(int kind)
{
    struct arg *g = malloc(sizeof *g);
    switch (g->kind = kind) {
    case 0: g->u.a = &a1; break;
    case 1: g->u.b = &b1; break;
    default: g->u.text = strdup("text");
    }
    return g;
}

static void unions(int n)
{
    struct arg *g = arg_new(n);
    probe(g->u.a); // pts: a1
    probe(g->u.b); // pts: b1
    probe(g->u.text); // pts: strdup@test.c:19[]
}

/* But what a cast takes for another is that: two heads that are alike, and one that is not. */
struct head { long n; struct b *next; };
struct raw { uintptr_t word; };
static struct b *behind(void *p) { struct head *h = p; return h->next; }
static uintptr_t word(struct a *a) { return ((struct raw *)a)->word; }
static void puns(void)
{
    b1.next = &b1;
    probe(behind(&b1)); // pts: b1
    probe((int *)word(&a1)); // pts: x
}

/* An entry that would be at a list's head is no record of another kind. */
struct link { struct link *next; };
struct one { struct link link; int *p; } one1 = { { 0 }, &x };
struct two { struct link link; long n; int *q; } two1 = { { 0 }, 3, &y };
struct link ones = { &one1.link }, twos = { &two1.link };
static void *stack[4];
static void lists(void)
{
    one1.link.next = &ones;
    two1.link.next = &twos;
    struct one *o = (struct one *)ones.next;
    struct two *t = (struct two *)twos.next;
    stack[0] = o;
    stack[1] = t;
    struct one *again = stack[0];
    probe(again->p); // pts: x
}

/* A block with a header in front of what is handed out is another one for each call, and holds each where it is. */
struct entry { struct entry *next; };
struct arena { struct entry *list; } ar;
static void *grab(size_t n)
{
    struct entry *e = malloc(n + sizeof *e);
    if (!e)
        abort();
    e->next = ar.list;
    ar.list = e;
    return (char *)e + sizeof *e;
}
static void blocks(void)
{
    struct a *p = grab(sizeof *p);
    struct b *q = grab(sizeof *q);
    p->p = &x;
    q->q = &y;
    probe(p->p); // pts: x
    probe(q->q); // pts: y
}

/* Bytes hold records that are made from them. */
static char pool[256];
static size_t used;
static void *carve(size_t n) { void *p = pool + used; used += n; return p; }
static void arenas(void)
{
    struct a *p = carve(sizeof *p);
    p->p = &x;
    struct a *q = (struct a *)(pool + 16);
    q->p = &y;
    probe(p->p); // pts: x y
}

/* Walking bytes one by one and adding one are two things. */
static void steps(char *s, int n)
{
    static struct { char *at; char text[8]; int *p; } rec = { 0, "", &x };
    rec.at = (char *)&rec.at;
    char *w = (char *)&rec.p;
    probe(w + n); // pts: steps.rec+?
    probe(w + 1); // pts: steps.rec.p+1
    (void)s;
}

int main(int argc, char **argv)
{
    unions(argc);
    puns();
    lists();
    blocks();
    arenas();
    steps(argv[0], argc);
    return 0;
}
