void probe(const void *, ...);
#include <string.h>
#include <stdlib.h>
#include <stdint.h>
int x, y, z;
struct rec { int tag; union { int *i; struct { int *a, *b; } two; long bits; } u; char pad[8]; int *last; };
struct rec r1, r2, arr[4];
struct addr { union { uint8_t b[16]; uint16_t h[8]; uint32_t w[4]; } u; } addr;
struct wrap { int head; struct rec inner[3]; int *after; } w;
struct hdr { struct hdr *next; int len; char data[]; };
struct holder { long key; struct rec rec; } hold;
#define container_of(p, t, m) ((t *)((char *)(p) - __builtin_offsetof(t, m)))

struct rec byval(struct rec r) { probe(r.last); r.u.i = &y; return r; } // pts: z
uint64_t cookie;
int *tagged;

int main(int n, char **v)
{
    r1.u.i = &x;
    probe(r1.u.two.a); // pts: x
    probe(r1.u.two.b); // pts:
    probe((int *)r1.u.bits); // pts: x
    r1.last = &z;
    memcpy(&r2, &r1, sizeof r2);
    probe(r2.u.i); // pts: x y
    probe(r2.last); // pts: z
    r2 = byval(r1);
    memcpy(&arr[n], &r1, sizeof r1);
    probe(arr[0].last); // pts: z
    probe(&arr[n]); // pts: arr
    probe(&arr[n].last); // pts: arr[].last
    memcpy(w.inner, arr, sizeof arr);
    probe(w.inner[1].last); // pts: z
    probe(w.after); // pts:
    probe(&addr.u.h[n]); // pts: addr
    uint8_t *bytes = (uint8_t *)&r1;
    probe(bytes + n); // pts: r1+?
    probe(&bytes[8]); // pts: r1.u
    struct rec *p = &hold.rec;
    probe(container_of(p, struct holder, rec)); // pts: hold
    cookie = (uint64_t)(uintptr_t)&y;
    probe((void *)(uintptr_t)cookie); // pts: y
    tagged = (int *)((uintptr_t)&y | 1);
    probe((int *)((uintptr_t)tagged & ~(uintptr_t)1)); // pts: y
    struct hdr *h = malloc(sizeof *h + n);
    h->next = h;
    probe(&h->data[n]); // pts: malloc@-2.data
    probe(h + 1); // pts: malloc@-3.data
    char buf[100];
    struct rec *over = (struct rec *)(buf + 14);
    over->last = &x;
    probe(over->last); // pts: x
    probe(over); // pts: main.buf
    struct wrap *wp = &w;
    for (struct rec *q = wp->inner; q < wp->inner + 3; q++)
        probe(q); // pts: w.inner
    int *np = (int *)&n;
    probe(np + 1); // pts:
    np += 1;
    probe(np - 1); // pts: main.n
    return 0;
}
