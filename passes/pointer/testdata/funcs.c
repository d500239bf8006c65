void probe(const void *, ...);
#include <stdlib.h>
#include <stdarg.h>
#include <signal.h>
#include <pthread.h>
typedef int (*op)(int *);
int x, y;
int inc(int *p) { probe(p); return ++*p; } // pts: x
int dec(int *p) { return --*p; }
int two(int *p, int *q) { return *p + *q; }
int never(int *p) { return *p; }

struct plugin { const char *name; op run; void (*end)(void); };
void bye(void) {}
static const struct plugin plugins[] = {
    { "inc", inc, bye },
    { "dec", dec, 0 },
};
static struct plugin *loaded[8];

int cmp(const void *a, const void *b)
{
    probe(a); // pts: main.key people
    return *(int *)a - *(int *)b;
}
struct person { int id; char *name; } people[10];
char bob[4];

void *work(void *arg)
{
    probe(arg); // pts: x
    return &y;
}
void on_signal(int s) { (void)s; }
void at_end(void) {}

int sum(int n, ...)
{
    va_list ap;
    va_start(ap, n);
    int *p = va_arg(ap, int *);
    probe(p); // pts: x y
    va_end(ap);
    return *p;
}
static int vhelp(va_list ap) { int *p = va_arg(ap, int *); probe(p); return *p; } // pts: x
int outer(int n, ...)
{
    va_list ap;
    va_start(ap, n);
    int r = vhelp(ap);
    va_end(ap);
    return r;
}

int main(void)
{
    for (unsigned i = 0; i < 2; i++) {
        plugins[i].run(&x); // calls: inc dec
        if (plugins[i].end)
            plugins[i].end(); // calls: bye
    }
    loaded[0] = (struct plugin *)&plugins[1];
    loaded[0]->run(&x); // calls: inc dec
    int (*q)(int *, int *) = two;
    q(&x, &y); // calls: two
    people[2].name = bob;
    qsort(people, 10, sizeof people[0], cmp); // callbacks: cmp
    probe(people[0].name); // pts: bob
    struct person key = { 1, 0 };
    struct person *found = bsearch(&key, people, 10, sizeof key, cmp);
    probe(found); // pts: people
    pthread_t t;
    pthread_create(&t, 0, work, &x); // callbacks: work
    void *ret;
    pthread_join(t, &ret);
    probe(ret); // pts: y
    signal(SIGINT, on_signal); // callbacks: on_signal
    struct sigaction sa = { 0 };
    sa.sa_handler = on_signal;
    sigaction(SIGTERM, &sa, 0); // callbacks: on_signal
    atexit(at_end); // callbacks: at_end
    sum(2, &x, &y);
    outer(1, &x);
    return 0;
}
