/*
 * saz_packet.c - when a packet begins and ends, and how the program is stopped in between.
 *
 * Each thread that handles packets has a record with a flag, busy. The thread sets it when it
 * begins to touch state and clears it at its quiescent points; nobody else writes it.  The service
 * thread sets stop, and has the state for itself when it has seen busy == 0 in every record:
 *
 *	thread                          service
 *	busy = 1                        stop = 1
 *	---- both are sequentially consistent: one sees the other's store ----
 *	stop? busy = 0, sleep, again    all busy == 0?  paused.  Else look again, for a while
 *
 * So threads do not exclude each other, and a packet costs one exchange and one store.  A thread
 * that is busy while it waits for another (a full queue) cannot deadlock the two: stop is withdrawn
 * now and then until a moment comes at which all are quiet, or the request is refused as "busy".
 */
#include "saz_rt_int.h"

#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <time.h>

struct saz_thread {
	int busy;
	int in_packet;          /* begun by saz_packet_begin */
	unsigned depth;         /* scopes */
	int outer_busy;         /* what busy was before the outermost scope */
	void **scope;           /* of the outermost one: where, and the frame it is in */
	char *frame;
	uint64_t packets;
	struct saz_thread *next;
	int taken;
};

#define FEW 16

static __thread struct saz_thread *saz_self;
static struct saz_thread saz_few[FEW];              /* the first threads', so that most programs need no more */
static struct saz_thread *saz_threads;
static pthread_mutex_t saz_threads_lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_key_t saz_thread_key;
static int saz_have_key;
static int saz_unknown_threads;                     /* no memory for their records: never pause */

static int saz_stop;
static pthread_mutex_t saz_stop_lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t saz_stop_cond = PTHREAD_COND_INITIALIZER;

static int saz_is_ready;
static int saz_ended;
static int saz_loops;                               /* library loops that are running */
static uint64_t saz_old_packets;                    /* of threads that are gone */

/* The glue rounds saz_updated up to whole words. */
static __inline__ void clear_marks(void)
{
#if SAZ_MARK_WORDS
	memset(saz_updated, 0, SAZ_MARK_WORDS * 8);
#else
	memset(saz_program.updated, 0, saz_program.nvars);
#endif
}

#if SAZ_VERIFY
#define BEGIN(t) saz_verify_begin(t, clear_marks)
#define END(t, kept) saz_verify_end(t, kept)
#else
#define BEGIN(t) clear_marks()
#define END(t, kept) ((void)0)
#endif

static void forget_thread(void *p)
{
	struct saz_thread *t = p;

	pthread_mutex_lock(&saz_threads_lock);
	saz_old_packets += t->packets;
	t->packets = 0;
	if (t->in_packet || t->depth != 0)
		END(t, 0);
	t->in_packet = 0;
	t->depth = 0;
	t->taken = 0;
	__atomic_store_n(&t->busy, 0, __ATOMIC_RELEASE);
	pthread_mutex_unlock(&saz_threads_lock);
	saz_self = NULL;
}

static __attribute__((__noinline__)) struct saz_thread *new_thread(void)
{
	struct saz_thread *t;
	int saved = errno;
	int i;

	pthread_mutex_lock(&saz_threads_lock);
	for (t = saz_threads; t != NULL && t->taken; t = t->next)
		;
	if (t == NULL) {
		for (i = 0; i < FEW && saz_few[i].taken; i++)
			;
		t = i < FEW ? &saz_few[i] : saz_mem_get(sizeof *t);
		if (t != NULL) {
			t->next = saz_threads;
			saz_threads = t;
		}
	}
	if (t != NULL)
		t->taken = 1;
	else
		saz_unknown_threads = 1;
	pthread_mutex_unlock(&saz_threads_lock);
	saz_self = t;
	if (t != NULL && saz_have_key)
		pthread_setspecific(saz_thread_key, t);
	errno = saved;
	return t;
}

static __inline__ struct saz_thread *current(void)
{
	return __builtin_expect(saz_self != NULL, 1) ? saz_self : new_thread();
}

static __attribute__((__noinline__)) void sleep_while_stopped(void)
{
	int saved = errno;

	pthread_mutex_lock(&saz_stop_lock);
	while (__atomic_load_n(&saz_stop, __ATOMIC_SEQ_CST))
		pthread_cond_wait(&saz_stop_cond, &saz_stop_lock);
	pthread_mutex_unlock(&saz_stop_lock);
	errno = saved;
}

static __inline__ void set_busy(struct saz_thread *t)
{
	if (t->busy)
		return;
	for (;;) {
		__atomic_store_n(&t->busy, 1, __ATOMIC_SEQ_CST);
		if (__builtin_expect(!__atomic_load_n(&saz_stop, __ATOMIC_SEQ_CST), 1))
			return;
		__atomic_store_n(&t->busy, 0, __ATOMIC_SEQ_CST);
		sleep_while_stopped();
	}
}

static __inline__ void set_idle(struct saz_thread *t)
{
	__atomic_store_n(&t->busy, 0, __ATOMIC_RELEASE);
}

static __inline__ void new_packet(struct saz_thread *t)
{
	set_busy(t);
	t->packets++;
	BEGIN(t);
}

static __inline__ void end_packet(struct saz_thread *t)
{
	if (t->in_packet)
		END(t, 1);
	t->in_packet = 0;
}

/*
 * A callback that is left by longjmp never runs its cleanup.  It shows when the next scope opens:
 * that one's frame is not below the outermost scope's, though an inner scope's would be (a callback
 * inlined into another shares its frame, but has a scope variable of its own).
 */
static __attribute__((__noinline__)) void *enter_slowly(void **scope, void *frame)
{
	struct saz_thread *t = current();

	if (t == NULL)
		return NULL;
	if (t->depth != 0 && ((char *)frame > t->frame || ((char *)frame == t->frame && scope == t->scope))) {
		t->depth = 0;
		if (!t->in_packet)
			END(t, 0);
	}
	if (t->depth++ != 0)
		return t;
	t->scope = scope;
	t->frame = frame;
	t->outer_busy = t->busy;
	if (!t->in_packet)
		new_packet(t);
	return t;
}

/* What happens for nearly each packet; the rest is enter_slowly's. */
void *saz_packet_enter(void **scope, void *frame)
{
	struct saz_thread *t = saz_self;

#if !SAZ_VERIFY
	if (__builtin_expect(t != NULL && (t->busy | t->in_packet) == 0 && t->depth == 0, 1)) {
		__atomic_exchange_n(&t->busy, 1, __ATOMIC_SEQ_CST);
		if (__builtin_expect(!__atomic_load_n(&saz_stop, __ATOMIC_RELAXED), 1)) {
			t->depth = 1;
			t->outer_busy = 0;
			t->scope = scope;
			t->frame = frame;
			t->packets++;
			clear_marks();
			return t;
		}
		set_idle(t);
	}
#else
	(void)t;
#endif
	return enter_slowly(scope, frame);
}

void saz_packet_leave(void **scope)
{
	struct saz_thread *t = *scope;

	if (t == NULL || t->depth == 0 || --t->depth != 0)
		return;
	if (!t->in_packet)
		END(t, 1);
	if (!t->outer_busy)
		set_idle(t);
}

void saz_packet_begin(void)
{
	struct saz_thread *t = current();

	if (t == NULL || t->depth != 0)
		return;
	end_packet(t);
	new_packet(t);
	t->in_packet = 1;
}

void saz_packet_end(void)
{
	struct saz_thread *t = saz_self;

	if (t == NULL || t->depth != 0)
		return;
	end_packet(t);
	set_idle(t);
}

static __attribute__((__noinline__)) void first_ready(void)
{
	int saved = errno;

	if (!__atomic_exchange_n(&saz_is_ready, 1, __ATOMIC_SEQ_CST))
		saz_service_start();
	errno = saved;
}

void saz_wait(void)
{
	struct saz_thread *t = current();

	if (__builtin_expect(!__atomic_load_n(&saz_is_ready, __ATOMIC_RELAXED), 0))
		first_ready();
	if (t == NULL || t->depth != 0)
		return;
	end_packet(t);
	set_idle(t);
}

void saz_resume(void)
{
	struct saz_thread *t = current();

	if (t != NULL)
		set_busy(t);
}

void saz_ready(void)
{
	__atomic_add_fetch(&saz_loops, 1, __ATOMIC_SEQ_CST);
	__atomic_store_n(&saz_ended, 0, __ATOMIC_SEQ_CST);
	saz_wait();
}

void saz_done(void)
{
	saz_resume();
	if (__atomic_sub_fetch(&saz_loops, 1, __ATOMIC_SEQ_CST) == 0)
		__atomic_store_n(&saz_ended, 1, __ATOMIC_SEQ_CST);
}

/* ---- the other side ---- */

uint64_t saz_now_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000u + (uint64_t)now.tv_nsec / 1000u;
}

static void nap(long us)
{
	struct timespec t;

	t.tv_sec = 0;
	t.tv_nsec = us * 1000;
	nanosleep(&t, NULL);
}

static int any_busy(void)
{
	struct saz_thread *t;
	int busy = saz_unknown_threads;

	pthread_mutex_lock(&saz_threads_lock);
	for (t = saz_threads; t != NULL; t = t->next)
		busy |= __atomic_load_n(&t->busy, __ATOMIC_SEQ_CST);
	pthread_mutex_unlock(&saz_threads_lock);
	return busy;
}

enum saz_pause saz_pause(int ms)
{
	uint64_t end = saz_now_us() + (uint64_t)ms * 1000u;
	uint64_t now = 0;

	if (!__atomic_load_n(&saz_is_ready, __ATOMIC_SEQ_CST))
		return SAZ_NOT_READY;
	while (now < end) {
		uint64_t slice;
		long us = 5;

		__atomic_store_n(&saz_stop, 1, __ATOMIC_SEQ_CST);
		now = saz_now_us();
		slice = now + 100000u;
		for (; now < end && now < slice; now = saz_now_us()) {
			if (!any_busy())
				return SAZ_PAUSED;
			nap(us);
			us = us < 500 ? us * 2 : 1000;
		}
		saz_unpause();
		if (__atomic_load_n(&saz_ended, __ATOMIC_SEQ_CST) && now + 1000000u > end)
			return SAZ_ENDED;
		nap(1000);
	}
	return __atomic_load_n(&saz_ended, __ATOMIC_SEQ_CST) ? SAZ_ENDED : SAZ_BUSY;
}

void saz_unpause(void)
{
	pthread_mutex_lock(&saz_stop_lock);
	__atomic_store_n(&saz_stop, 0, __ATOMIC_SEQ_CST);
	pthread_cond_broadcast(&saz_stop_cond);
	pthread_mutex_unlock(&saz_stop_lock);
}

uint64_t saz_packets(void)
{
	struct saz_thread *t;
	uint64_t n;

	pthread_mutex_lock(&saz_threads_lock);
	n = saz_old_packets;
	for (t = saz_threads; t != NULL; t = t->next)
		n += __atomic_load_n(&t->packets, __ATOMIC_RELAXED);
	pthread_mutex_unlock(&saz_threads_lock);
	return n;
}

const char *saz_phase(void)
{
	if (!__atomic_load_n(&saz_is_ready, __ATOMIC_SEQ_CST))
		return "starting";
	return __atomic_load_n(&saz_ended, __ATOMIC_SEQ_CST) ? "ended" : "running";
}

/* ---- start, fork ---- */

static void before_fork(void)
{
	pthread_mutex_lock(&saz_threads_lock);
	pthread_mutex_lock(&saz_stop_lock);
	saz_heap_fork(0);
#if SAZ_VERIFY
	saz_verify_fork();
#endif
}

static void after_fork_parent(void)
{
#if SAZ_VERIFY
	saz_verify_fork_parent();
#endif
	saz_heap_fork(1);
	pthread_mutex_unlock(&saz_stop_lock);
	pthread_mutex_unlock(&saz_threads_lock);
}

/* Only the thread that forked lives on, and there is no service. */
static void after_fork_child(void)
{
	saz_heap_fork(1);
#if SAZ_VERIFY
	saz_verify_forked(saz_self, saz_self != NULL && (saz_self->in_packet || saz_self->depth != 0));
#endif
	saz_stop = 0;
	saz_threads = saz_self;
	if (saz_self != NULL)
		saz_self->next = NULL;
	saz_unknown_threads = 0;
	pthread_cond_init(&saz_stop_cond, NULL);
	pthread_mutex_unlock(&saz_stop_lock);
	pthread_mutex_unlock(&saz_threads_lock);
	saz_service_forked();
}

static __attribute__((__constructor__(101))) void start(void)
{
	int saved = errno;

	saz_have_key = pthread_key_create(&saz_thread_key, forget_thread) == 0;
	pthread_atfork(before_fork, after_fork_parent, after_fork_child);
	saz_tables_init();
#if SAZ_VERIFY
	saz_verify_start();
#endif
	errno = saved;
}
