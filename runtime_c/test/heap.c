/*
 * heap.c - threads allocate, release, resize and retype blocks, of their own and each other's, while one looks at what is
 * written down; whenever all have stopped, that must be exactly what there is.
 */
#include "saz_rt_int.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define THREADS 3
#define BLOCKS 40
#define ROUNDS 60
#define STEPS 400

static struct owned {
	void *block;
	size_t size;
	unsigned site;          /* 0: not tracked */
} blocks[THREADS][BLOCKS];
static pthread_barrier_t start, end;
static int over;

static unsigned next(unsigned *seed)
{
	*seed = *seed * 1103515245u + 12345u;
	return *seed >> 16;
}

static void step(struct owned *o, unsigned *seed)
{
	unsigned site = 1 + next(seed) % 3, n = 16 + next(seed) % 3 * 40;
	void *p;

	switch (next(seed) % 8) {
	case 0:
		if (o->block != NULL && (p = saz_realloc(site, o->block, n)) != NULL) {
			o->block = p;
			o->size = n;
			o->site = site;
		}
		return;
	case 1:
		if (o->block == NULL) {         /* who asked for a block says what it is */
			o->block = saz_retype_block(site, saz_malloc(1 + next(seed) % 3, n));
			o->size = n;
			o->site = site;
		}
		return;
	case 2:                         /* behind the runtime's back, which may find out later */
		if (o->block == NULL) {
			free(saz_malloc(2, n));
			o->block = saz_malloc(1, n);
			o->size = n;
			o->site = 1;
		}
		return;
	default:
		if (o->block != NULL) {
			saz_free(o->block);
			o->block = NULL;
		} else {
			o->block = next(seed) % 2 ? saz_malloc(site, n) : saz_calloc(site, 1, n);
			o->size = n;
			o->site = site;
		}
	}
}

static void *work(void *arg)
{
	unsigned me = (unsigned)(size_t)arg, seed = me + 1, round, i;

	for (round = 0; round < ROUNDS; round++) {
		pthread_barrier_wait(&start);
		for (i = 0; i < STEPS; i++)     /* each round of another thread's blocks */
			step(&blocks[(me + round) % THREADS][next(&seed) % BLOCKS], &seed);
		pthread_barrier_wait(&end);
	}
	return NULL;
}

static void *look(void *arg)
{
	struct saz_block *b;
	size_t sum = 0;

	(void)arg;
	while (!__atomic_load_n(&over, __ATOMIC_RELAXED)) {
		saz_heap_hold();
		for (b = saz_heap_next(NULL); b != NULL; b = saz_heap_next(b))
			sum += b->size;
		saz_heap_release();
		usleep(100);            /* a mutex is not fair: who waits for it must get it */
	}
	return (void *)sum;
}

static int check(void)
{
	unsigned t, i, bad = 0;

	saz_heap_hold();
	for (t = 0; t < THREADS; t++)
		for (i = 0; i < BLOCKS; i++) {
			const struct owned *o = &blocks[t][i];
			const struct saz_block *b = o->block == NULL ? NULL : saz_heap_find(o->block);

			if (o->block != NULL && (b == NULL || b->size != o->size || b->site != o->site)) {
				bad++;
				printf("%p of %lu bytes, site %u, is written down as %lu bytes, site %u\n", o->block, (unsigned long)o->size, o->site,
				       b == NULL ? 0ul : (unsigned long)b->size, b == NULL ? 0 : (unsigned)b->site);
			}
		}
	saz_heap_release();
	return bad == 0;
}

int main(void)
{
	pthread_t threads[THREADS], looker;
	size_t i;
	int ok = 1, round;

	pthread_barrier_init(&start, NULL, THREADS + 1);
	pthread_barrier_init(&end, NULL, THREADS + 1);
	for (i = 0; i < THREADS; i++)
		if (pthread_create(&threads[i], NULL, work, (void *)i) != 0)
			return 2;
	if (pthread_create(&looker, NULL, look, NULL) != 0)
		return 2;
	for (round = 0; round < ROUNDS; round++) {
		pthread_barrier_wait(&start);
		pthread_barrier_wait(&end);
		ok = check() && ok;
	}
	__atomic_store_n(&over, 1, __ATOMIC_RELAXED);
	for (i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	pthread_join(looker, NULL);
	return !ok;
}
