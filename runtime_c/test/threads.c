/*
 * threads.c - several packet threads and somebody who stops them.  Built with -fsanitize=thread.
 *
 * One thread receives and hands work to others by way of a queue; they live in rounds.  Meanwhile another
 * looks at, and changes, what belongs to all of them, at quiescent points and without a lock: that
 * is a race, if anybody goes on.
 */
#include "saz_rt_int.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "box.h"

#define WORKERS 3
#define PACKETS 4000

struct queue {
	pthread_mutex_t lock;
	pthread_cond_t more;
	int waiting, closed;
};
struct worker {
	struct queue queue;
	pthread_t thread;
	int number;
	unsigned long done, half;       /* half is done in a second step: never seen in between */
	void *last;
};

static struct worker workers[WORKERS];
static unsigned long dealt, moved, stops, wrong;
static int over;

static int receive_packet(void)
{
	static int n;

	return n++ < PACKETS;
}

static int take(struct worker *w)
{
	int got;

	pthread_mutex_lock(&w->queue.lock);
	while (w->queue.waiting == 0 && !w->queue.closed)
		SAZ_BLOCKED(pthread_cond_wait(&w->queue.more, &w->queue.lock));
	got = w->queue.waiting != 0;
	w->queue.waiting -= got;
	pthread_mutex_unlock(&w->queue.lock);
	return got;
}

static void *work(void *arg)
{
	struct worker *w = arg;

	for (;;) {
		SAZ_ROUND;
		if (saz_updated[w->number] != 0)
			__atomic_add_fetch(&wrong, 1, __ATOMIC_SEQ_CST);        /* not cleared */
		if (!take(w))
			break;
		saz_updated[w->number] = 1;
		saz_free(w->last);
		w->last = saz_malloc(1, 1 + w->done % 100);
		w->done++;
		sched_yield();
		w->half++;
		if (saz_updated[w->number] != 1)
			__atomic_add_fetch(&wrong, 1, __ATOMIC_SEQ_CST);        /* cleared by another thread's packet */
	}
	return NULL;
}

static void put(struct worker *w, int closed)
{
	pthread_mutex_lock(&w->queue.lock);
	w->queue.waiting += !closed;
	w->queue.closed = closed;
	pthread_cond_signal(&w->queue.more);
	pthread_mutex_unlock(&w->queue.lock);
}

static void *stop_them(void *unused)
{
	int i;

	while (!__atomic_load_n(&over, __ATOMIC_SEQ_CST)) {
		if (saz_pause(2000) != SAZ_PAUSED)
			continue;
		stops++;
		for (i = 0; i < WORKERS; i++) {
			if (workers[i].done != workers[i].half)
				wrong++;
			moved += workers[i].done;
			workers[i].done = workers[i].half = 0;
		}
		saz_unpause();
		sched_yield();
	}
	return unused;
}

int main(void)
{
	pthread_t stopper;
	size_t blocks, bytes;
	int i;

	for (i = 0; i < WORKERS; i++) {
		workers[i].number = i;
		pthread_mutex_init(&workers[i].queue.lock, NULL);
		pthread_cond_init(&workers[i].queue.more, NULL);
		pthread_create(&workers[i].thread, NULL, work, &workers[i]);
	}
	pthread_create(&stopper, NULL, stop_them, NULL);
	while (SAZ_RECEIVE(receive_packet())) {
		saz_updated[3] = 1;
		dealt++;
		put(&workers[dealt % WORKERS], 0);
	}
	saz_packet_end();
	for (i = 0; i < WORKERS; i++)
		put(&workers[i], 1);
	for (i = 0; i < WORKERS; i++)
		pthread_join(workers[i].thread, NULL);
	__atomic_store_n(&over, 1, __ATOMIC_SEQ_CST);
	pthread_join(stopper, NULL);
	for (i = 0; i < WORKERS; i++)
		moved += workers[i].done;
	saz_heap_stats(&blocks, &bytes);
	printf("%lu dealt, %lu moved, %lu wrong, %lu blocks, %s\n", dealt, moved, wrong, (unsigned long)blocks, stops > 10 ? "stopped often" : "hardly stopped");
	return 0;
}
