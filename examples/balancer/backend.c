/* SPDX-License-Identifier: MIT */
/*
 * Backends, whether they are up, and which of them a connection goes to: consistent hashing, so that
 * one that goes down takes only its own connections along.
 */
#include <stdlib.h>
#include <string.h>

#include "lb.h"

#define FAILURES_TO_DOWN 3
#define DOWN_USEC 30000000ull /* then it is tried again */

struct point {
	u32 at;
	u16 backend;
};

struct backend backends[MAX_BACKENDS];
u32 nr_backends;

static struct point ring[MAX_POINTS];
static u32 nr_points;
static pthread_mutex_t backend_lock = PTHREAD_MUTEX_INITIALIZER;

static u32 mix(u32 h)
{
	h ^= h >> 16;
	h *= 0x7feb352du;
	h ^= h >> 15;
	h *= 0x846ca68bu;
	return h ^ h >> 16;
}

static int by_place(const void *a, const void *b)
{
	const struct point *x = a, *y = b;

	if (x->at != y->at)
		return x->at < y->at ? -1 : 1;
	return (int)x->backend - (int)y->backend;
}

/* The ring of the backends that are up. */
static void ring_build(void)
{
	u32 n = 0;

	for (u32 i = 0; i < nr_backends; i++) {
		const struct backend *b = &backends[i];

		if (!b->up)
			continue;
		for (u32 k = 0; k < b->weight * POINTS_PER_WEIGHT && n < MAX_POINTS; k++) {
			ring[n].at = mix(b->addr + mix(k + 1));
			ring[n].backend = i;
			n++;
		}
	}
	qsort(ring, n, sizeof(ring[0]), by_place);
	nr_points = n;
}

int backend_add(const char *name, be32 addr, u32 weight)
{
	struct backend *b = &backends[nr_backends];

	if (nr_backends == MAX_BACKENDS)
		return -1;
	snprintf(b->name, sizeof(b->name), "%s", name);
	b->addr = addr;
	b->weight = weight;
	b->up = true;
	nr_backends++;
	ring_build();
	return 0;
}

int backend_by_addr(be32 addr)
{
	for (u32 i = 0; i < nr_backends; i++)
		if (backends[i].addr == addr)
			return i;
	return -1;
}

/* Those that have been down for long enough get another chance. */
static void revive(u64 now)
{
	bool changed = false;

	for (u32 i = 0; i < nr_backends; i++) {
		struct backend *b = &backends[i];

		if (b->up || now < b->down_since + DOWN_USEC)
			continue;
		b->up = true;
		b->failures = FAILURES_TO_DOWN - 1;
		changed = true;
		log_line(now, "backend %s up", b->name);
	}
	if (changed)
		ring_build();
}

/* The first point at or after hash, -1 if no backend is up. */
int backend_pick(u32 hash, u64 now)
{
	u32 lo = 0, hi;
	int pick = -1;

	pthread_mutex_lock(&backend_lock);
	revive(now);
	hi = nr_points;
	while (lo < hi) {
		u32 mid = lo + (hi - lo) / 2;

		if (ring[mid].at < hash)
			lo = mid + 1;
		else
			hi = mid;
	}
	if (nr_points > 0)
		pick = ring[lo == nr_points ? 0 : lo].backend;
	pthread_mutex_unlock(&backend_lock);
	return pick;
}

void backend_opened(int i)
{
	struct backend *b = &backends[i];

	pthread_mutex_lock(&backend_lock);
	b->conns++;
	b->total++;
	b->load += (b->conns - b->load) / 8;
	pthread_mutex_unlock(&backend_lock);
}

void backend_closed(int i, u64 bytes)
{
	struct backend *b = &backends[i];

	pthread_mutex_lock(&backend_lock);
	b->conns--;
	b->bytes += bytes;
	b->load += (b->conns - b->load) / 8;
	pthread_mutex_unlock(&backend_lock);
}

void backend_answered(int i)
{
	pthread_mutex_lock(&backend_lock);
	backends[i].failures = 0;
	pthread_mutex_unlock(&backend_lock);
}

void backend_failed(int i, u64 now)
{
	struct backend *b = &backends[i];

	pthread_mutex_lock(&backend_lock);
	if (++b->failures >= FAILURES_TO_DOWN && b->up) {
		b->up = false;
		b->down_since = now;
		ring_build();
		log_line(now, "backend %s down", b->name);
	}
	pthread_mutex_unlock(&backend_lock);
}

void backend_report(FILE *to)
{
	for (u32 i = 0; i < nr_backends; i++) {
		const struct backend *b = &backends[i];

		fprintf(to, "backend %s %s total %llu bytes %llu load %.2f\n", b->name,
			b->up ? "up" : "down", (unsigned long long)b->total,
			(unsigned long long)b->bytes, b->load);
	}
}
