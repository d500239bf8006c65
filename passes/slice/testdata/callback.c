// Callbacks, function pointers, records by value, varargs, recursion, unions,
// loops: each way by which a value gets from source to sink.
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <stdio.h>
int source(void);
void sink(const void *);
int cond(void);

struct rec { int a, b; };
static struct rec make(int a) { struct rec r = { a, 1 }; return r; } // +f +b
static int first(struct rec r) { return r.a; } // +f +b

static int pick(int n, ...)
{
    va_list ap; // the list itself
    va_start(ap, n); // +f +b
    int v = va_arg(ap, int); // +f +b
    va_end(ap);
    return v; // +f +b
}

static int fact(int n) { return n < 2 ? 1 : n * fact(n - 1); } // +f +b

static int by_value(const void *a, const void *b)
{
    return *(const int *)a - *(const int *)b; // +f
}

static int inc(int v) { return v + 1; } // +f +b
static int dec(int v) { return v - 1; } // +f +b
static int (*ops[])(int) = { inc, dec };

static volatile sig_atomic_t stop;
static int seen;
static void on_signal(int s) { stop = s; } // -f +b

int main(void)
{
    signal(SIGINT, on_signal); // -f +b
    int unused = cond(); // -f -b
    int which = cond(); // -f +b
    do {
        int x = source(); // +f +b
        struct rec r = make(x); // +f +b
        int y = first(r); // +f +b
        int z = pick(2, y, 3); // +f +b
        int w = fact(z); // +f +b
        int v = ops[which & 1](w); // +f +b
        int list[3] = { v, 2, 1 }; // +f +b
        qsort(list, 3, sizeof list[0], by_value); // +f +b
        char text[20];
        snprintf(text, sizeof text, "%d", list[1]); // +f +b
        sink(text); // +f +b
        seen++; // -f -b
        if (seen > 4) // -f -b
            unused++; // -f -b
        char *dup = strdup(text); // +f -b
        free(dup); // +f -b
    } while (!stop); // -f +b
    return unused; // -f -b
}
