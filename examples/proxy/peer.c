#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>

#include "proxy.h"

#define BUCKETS 256

static struct list buckets[BUCKETS];
static unsigned per_peer_limit;

static struct list *bucket_of(struct in_addr a)
{
    return &buckets[(a.s_addr * 2654435761u) >> 24];
}

void peer_setup(unsigned limit)
{
    for (int i = 0; i < BUCKETS; i++)
        list_init(&buckets[i]);
    per_peer_limit = limit;
}

static struct peer *find(struct in_addr addr)
{
    struct list *head = bucket_of(addr), *pos;

    list_for_each(pos, head) {
        struct peer *p = container_of(pos, struct peer, chain);

        if (p->addr.s_addr == addr.s_addr)
            return p;
    }
    return NULL;
}

struct peer *peer_open(struct in_addr addr)
{
    struct peer *p = find(addr);

    if (p == NULL) {
        p = calloc(1, sizeof *p);
        if (p == NULL)
            return NULL;
        p->addr = addr;
        list_add_tail(bucket_of(addr), &p->chain);
    }
    p->last = loop_now();
    if (p->active >= per_peer_limit) {
        p->refused++;
        return NULL;
    }
    p->active++;
    p->total++;
    if (p->active > p->most)
        p->most = p->active;
    return p;
}

void peer_close(struct peer *p)
{
    p->active--;
    p->last = loop_now();
}

void peer_report(void)
{
    for (int i = 0; i < BUCKETS; i++) {
        while (!list_empty(&buckets[i])) {
            struct peer *p = container_of(buckets[i].next, struct peer, chain);
            char addr[INET_ADDRSTRLEN];

            inet_ntop(AF_INET, &p->addr, addr, sizeof addr);
            printf("peer %s total %llu most %u refused %llu\n", addr, (unsigned long long)p->total,
                   p->most, (unsigned long long)p->refused);
            list_del(&p->chain);
            free(p);
        }
    }
}
