#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proxy.h"

#define MAX_UPSTREAMS 16

static struct upstream upstreams[MAX_UPSTREAMS];
static unsigned count;
static unsigned turn;

/* name=address:port */
int upstream_add(const char *spec)
{
    struct upstream *u = &upstreams[count];
    char addr[INET_ADDRSTRLEN];
    unsigned port;

    if (count == MAX_UPSTREAMS || sscanf(spec, "%31[^=]=%15[0-9.]:%u", u->name, addr, &port) != 3)
        return -1;
    u->addr.sin_family = AF_INET;
    u->addr.sin_port = htons(port);
    if (inet_pton(AF_INET, addr, &u->addr.sin_addr) != 1)
        return -1;
    count++;
    return 0;
}

/* The one with the fewest connections; of several, whose turn it is. */
struct upstream *upstream_pick(void)
{
    struct upstream *best = NULL;

    for (unsigned i = 0; i < count; i++) {
        struct upstream *u = &upstreams[(turn + i) % count];

        if (best == NULL || u->active < best->active)
            best = u;
    }
    if (best != NULL) {
        turn = (unsigned)(best - upstreams + 1) % count;
        best->active++;
        best->total++;
    }
    return best;
}

void upstream_done(struct upstream *u, uint64_t up, uint64_t down)
{
    u->active--;
    u->bytes_up += up;
    u->bytes_down += down;
}

void upstream_failed(struct upstream *u)
{
    u->failed++;
}

void upstream_report(void)
{
    for (unsigned i = 0; i < count; i++) {
        const struct upstream *u = &upstreams[i];

        printf("upstream %s total %llu failed %llu up %llu down %llu\n", u->name,
               (unsigned long long)u->total, (unsigned long long)u->failed,
               (unsigned long long)u->bytes_up, (unsigned long long)u->bytes_down);
    }
}
