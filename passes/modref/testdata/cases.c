#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <semaphore.h>
#include <pcap/pcap.h>

struct stats { long packets, bytes; char name[16]; struct timeval last; };
struct config { int flags; struct stats stats; unsigned lo : 3, hi : 5; char *file; } config;
struct stats *sp = &config.stats;
struct node { struct node *next; int n; } *list;
int x, y, arr[10], *px = &x;
sem_t sem;
union { int i; float f; } u;
struct config copy;

void leaf(int *p) { *p = 1; } // writes: x y
void both(void) { leaf(&x); leaf(&y); x = arr[2]; } // must: x; mod both: x y; ref both: arr

int main(int argc, char **argv)
{
    x = 1; // writes: x; must: x; reads:
    *px = 2; // writes: x; must: x; reads: px
    arr[argc] = 1; // writes: arr; must:
    sp->packets++; // writes: config.stats; reads: config.stats sp; must: config.stats
    config.hi = 3; // writes: config.lo; must:
    config.stats.bytes = config.lo; // writes: config.stats.bytes; reads: config.lo
    strcpy(config.stats.name, "x"); // writes: config.stats.name; must:
    gettimeofday(&config.stats.last, 0); // writes: config.stats.last config.stats.last.tv_usec; must: config.stats.last
    sem_post(&sem); // writes: sem
    memset(&config.stats.last, 0, sizeof config.stats.last); // writes: config.stats.last config.stats.last.tv_usec; must: config.stats.last
    memset(arr, 0, sizeof arr); // writes: arr; must: arr
    copy = config; // writes: copy copy.stats copy.stats.bytes copy.stats.name copy.stats.last copy.stats.last.tv_usec copy.lo copy.file; must: copy
    u.f = x; // writes: u; must: u
    struct node *n = malloc(sizeof *n); // writes:
    n->n = y; // writes: malloc@cases.c.n; must:
    n->next = list; // reads: list; writes: malloc@cases.c
    free(n); // frees: malloc@cases.c; writes: malloc@cases.c+?
    scanf("%d", &x); // writes: x
    printf("%s\n", config.file); // reads: "..." config.file
    char line[80];
    snprintf(line, sizeof line, "%d", x); // writes: main.line
    if (__builtin_add_overflow(x, 1L, &config.stats.bytes)) // writes: config.stats.bytes; reads: x
        __builtin_ia32_movnti(&y, x); // writes: y; reads: x y
    __builtin_prefetch(&config); // writes:; reads:
    both(); // writes:
    leaf(argc ? &x : &y); // writes:
    return 0;
}
