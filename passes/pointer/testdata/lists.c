void probe(const void *, ...);
#include <stdlib.h>
#include <stddef.h>
/* Circular lists whose heads are members of larger records, with the ways that
   real programs write container_of. */
struct list { struct list *n, *p; };
#define INIT(l) ((l)->n = (l)->p = (l))
#define ADD(h, e) ((e)->p = (h)->p, (e)->n = (h), (h)->p->n = (e), (h)->p = (e))
#define BY_DIFF(l, t, m) ((t)(((void *)(l)) - ((void *)&((t)NULL)->m)))
#define BY_OFFSET(l, t, m) ((t)((char *)(l) - offsetof(struct rule, m)))
struct rule { int *what; long pad[4]; struct list list; };
struct user { char *name; struct list list; };
struct proxy { int *id; struct list rules; struct list users; int *last; } px;
int a, b, c;
static struct rule r1;
static void rule_add(struct proxy *p, int *what)
{
    struct rule *r = calloc(1, sizeof *r);
    r->what = what;
    ADD(&p->rules, &r->list);
}
int main(void)
{
    px.id = &c;
    px.last = &c;
    INIT(&px.rules);
    INIT(&px.users);
    rule_add(&px, &a);
    rule_add(&px, &b);
    struct user *u = calloc(1, sizeof *u);
    u->name = "";
    ADD(&px.users, &u->list);
    struct rule *r;
    /* 001: the difference of two pointers, one of them constant, is a pointer. */
    for (r = BY_DIFF(px.rules.n, struct rule *, list); &r->list != &px.rules; r = BY_DIFF(r->list.n, struct rule *, list))
        probe(r->what); // pts: a b
    for (r = BY_OFFSET(px.rules.n, struct rule *, list); &r->list != &px.rules; r = BY_OFFSET(r->list.n, struct rule *, list))
        probe(r->what); // pts: a b
    /* The address that stands for the head leads back to the head. */
    ADD(&r->list, &r1.list);
    probe(px.rules.p); // pts!: r1.list
    for (u = BY_DIFF(px.users.n, struct user *, list); &u->list != &px.users; u = BY_DIFF(u->list.n, struct user *, list))
        probe(u->name); // pts: "..."
    return 0;
}
