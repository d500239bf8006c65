#include <stdlib.h>
#include <string.h>
#include <pthread.h>
int source(void);
void sink(const void *);
int cond(void);

int g, h, unrelated, config;
int *p = &g;
struct pair { int a, b; } pair;
char buf[16];

static int add(int a, int b) { return a + b; } // +f
static void put(int *where, int what) { *where = what; } // +f +b
static void init(void)
{
    config = cond(); // -f +b
    h = 3; // -f -b
    int twice = add(config, 1); // -f -b
    unrelated = twice; // -f -b
}

static void log_it(int v) // called from init too
{
    unrelated += v; // +f
}

static void after(void)
{
    int v = g; // +f +b
    sink(&v);
}

static int clamp(int v) { if (v > config) v = config; return v; } // +f +b

int main(void)
{
    log_it(1); // -f
    init();
    int start = unrelated; // -f -b
    h = start; // -f -b
    int x = source(); // +f +b
    int y = add(x, 2); // +f
    int z = add(cond(), 2); // -f -b
    pair.a = x; // +f
    pair.b = z; // -f
    int w = pair.b; // -f
    h = w; // -f
    if (y > 3) // +f
        unrelated = 7; // +f
    put(p, clamp(x)); // +f +b
    log_it(y); // +f
    memcpy(buf, &x, sizeof x); // +f
    h = buf[0]; // +f
    after(); // +b
    return 0;
}
