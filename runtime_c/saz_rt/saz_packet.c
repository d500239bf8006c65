/*
 * saz_packet.c - when a packet begins and ends, and how the program is stopped in between.
 *
 * Each thread that handles packets has a record, saz_here, that says whether it is busy.  It is set
 * when the thread begins to touch state and is SAZ_QUIET at its quiescent points; nobody else writes it.
 * The service thread sets stop, and has the state for itself when it has seen every record quiet:
 *
 *	thread                          service
 *	busy = SAZ_PACKET               stop = 1
 *	---- both are sequentially consistent: one sees the other's store ----
 *	stop? quiet, sleep, again       all are quiet?  paused.  Else look again, for a while
 *
 * So threads do not exclude each other, and a packet costs one exchange and one store, which saz_rt.h
 * has in line; here is what happens when stop is set, in the verify build, and when a thread is not where one
 * usually is: in a callback's scope, in its first packet, between an idle call and a packet.  A thread
 * that is busy while it waits for another (a full queue) cannot deadlock the two: stop is withdrawn
 * now and then until a moment comes at which all are quiet, or the request is refused as "busy".
 */
#include "saz_rt_int.h"

#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <time.h>

__thread struct saz_here saz_here = { SAZ_NEW_THREAD, 0, 0, NULL, 0, NULL };
static struct saz_here *saz_threads;
static pthread_mutex_t saz_threads_lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_key_t saz_thread_key;
static int saz_have_key;
static int saz_unknown_threads;                     /* their end would not be seen: never pause */

int saz_stop;
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
#elif SAZ_THREADS
	memset(saz_own_marks, 0, saz_program.nvars);
#else
	memset(saz_program.updated, 0, saz_program.nvars);
#endif
}

static void publish(void)
{
#if SAZ_THREADS
	size_t i, n = SAZ_MARK_WORDS ? SAZ_MARK_WORDS * 8 : saz_program.nvars;

	for (i = 0; i < n; i++)
		__atomic_store_n(&saz_all_marks[i], saz_own_marks[i], __ATOMIC_RELAXED);
#endif
}

#if SAZ_VERIFY
static void keep_marks(void)
{
}

#define BEGIN() saz_verify_begin(&saz_here, clear_marks)
#define BEGIN_AGAIN() saz_verify_begin(&saz_here, keep_marks)
#define END(kept) (publish(), saz_verify_end(&saz_here, kept))
#define TOUCH() saz_verify_touch()
#else
#define TOUCH() ((void)0)
#define BEGIN() clear_marks()
#define BEGIN_AGAIN() ((void)0)
#define END(kept) publish()
#endif

static void set(unsigned busy)
{
	__atomic_store_n(&saz_here.busy, busy, __ATOMIC_RELEASE);
}

static void forget_thread(void *p)
{
	struct saz_here **at;

	(void)p;
	if (saz_here.busy == SAZ_PACKET || saz_here.busy == SAZ_SCOPE)
		END(0);
	pthread_mutex_lock(&saz_threads_lock);
	saz_old_packets += saz_here.packets;
	saz_here.packets = 0;
	for (at = &saz_threads; *at != NULL && *at != &saz_here; at = &(*at)->next)
		;
	if (*at != NULL)
		*at = saz_here.next;
	set(SAZ_NEW_THREAD);
	pthread_mutex_unlock(&saz_threads_lock);
}

static void new_thread(void)
{
	int saved = errno;

	pthread_mutex_lock(&saz_threads_lock);
	saz_here.next = saz_threads;
	saz_threads = &saz_here;
	if (!saz_have_key || pthread_setspecific(saz_thread_key, &saz_here) != 0)
		saz_unknown_threads = 1;
	pthread_mutex_unlock(&saz_threads_lock);
	errno = saved;
}

static void sleep_while_stopped(void)
{
	int saved = errno;

	pthread_mutex_lock(&saz_stop_lock);
	while (__atomic_load_n(&saz_stop, __ATOMIC_SEQ_CST))
		pthread_cond_wait(&saz_stop_cond, &saz_stop_lock);
	pthread_mutex_unlock(&saz_stop_lock);
	errno = saved;
}

/* The thread is busy by now, and was quiet or new: does a request say that it must not be? */
static void stay_busy(unsigned busy, unsigned was)
{
	if (was == SAZ_NEW_THREAD)
		new_thread();
	while (__atomic_load_n(&saz_stop, __ATOMIC_SEQ_CST)) {
		set(SAZ_QUIET);
		sleep_while_stopped();
		__atomic_store_n(&saz_here.busy, busy, __ATOMIC_SEQ_CST);
	}
}

static void new_packet(void)
{
	__atomic_store_n(&saz_here.packets, saz_here.packets + 1, __ATOMIC_RELAXED);
	BEGIN();
}

void saz_begin_slowly(unsigned was)
{
	if (was == SAZ_SCOPE) {         /* it belongs to the scope's packet */
		set(SAZ_SCOPE);
		return;
	}
	if (was == SAZ_PACKET)
		END(1);
	if (was == SAZ_QUIET || was == SAZ_NEW_THREAD)
		stay_busy(SAZ_PACKET, was);
	new_packet();
}

void saz_resume_slowly(unsigned was)
{
	if (was == SAZ_QUIET || was == SAZ_NEW_THREAD) {
		stay_busy(SAZ_NO_PACKET, was);
		TOUCH();
	} else {
		set(was);
	}
}

#define FRAME (~(uintptr_t)3)

/*
 * A callback that is left by longjmp never runs its cleanup.  It shows when the next scope opens:
 * that one's frame is not below the outermost scope's, though an inner scope's would be (a procedure that is
 * inlined into another shares its frame, but has a scope variable of its own).
 */
static int enter(void *scope, uintptr_t frame, unsigned was)
{
	if (was == SAZ_SCOPE) {
		int called = (saz_here.frame & SAZ_CALLED) != 0;

		if (frame < (saz_here.frame & FRAME))
			return 0;
		if (frame == (saz_here.frame & FRAME) && scope != (called ? saz_here.scope : NULL))
			return 0;
		was = saz_here.frame & ~FRAME ? saz_here.outer : SAZ_QUIET;
		if (was != SAZ_PACKET)
			END(0);
	}
	if (was == SAZ_QUIET || was == SAZ_NEW_THREAD) {
		stay_busy(SAZ_SCOPE, was);
		was = SAZ_QUIET;
	}
	saz_here.scope = scope;
	saz_here.outer = was;
	if (was != SAZ_PACKET)
		new_packet();
	return 1;
}

void saz_enter_slowly(void *frame, unsigned was)
{
	if (enter(NULL, (uintptr_t)frame, was))
		saz_here.frame = (uintptr_t)frame | SAZ_SLOWLY;
}

void saz_called_enter(void *scope, void *frame)
{
	if (enter(scope, (uintptr_t)frame, __atomic_exchange_n(&saz_here.busy, SAZ_SCOPE, __ATOMIC_SEQ_CST)))
		saz_here.frame = (uintptr_t)frame | SAZ_CALLED;
}

void saz_called_leave(void *scope, void *frame)
{
	if (saz_here.frame == ((uintptr_t)frame | SAZ_CALLED) && saz_here.scope == scope)
		saz_leave_slowly();
}

void saz_leave_slowly(void)
{
	if (saz_here.outer != SAZ_PACKET)
		END(1);
	set(saz_here.outer);
}

/* A round does not go quiet on its way, unless it is asked to. */
void saz_round_slowly(void)
{
	unsigned was = saz_here.busy;

	if (was == SAZ_SCOPE)
		return;
	if (was == SAZ_PACKET)
		END(1);
	if (was == SAZ_QUIET || was == SAZ_NEW_THREAD || __atomic_load_n(&saz_stop, __ATOMIC_SEQ_CST)) {
		__atomic_store_n(&saz_here.busy, SAZ_PACKET, __ATOMIC_SEQ_CST);
		stay_busy(SAZ_PACKET, was);
	}
	set(SAZ_PACKET);
	new_packet();
}

static void first_ready(void)
{
	int saved = errno;

	if (!__atomic_exchange_n(&saz_is_ready, 1, __ATOMIC_SEQ_CST))
		saz_service_start();
	errno = saved;
}

/* A thread waits, and nothing is under way.  It may hold a lock when it comes back. */
unsigned saz_block(void)
{
	unsigned was = saz_here.busy;

	if (was == SAZ_PACKET)
		END(1);
	if (was == SAZ_PACKET || was == SAZ_NO_PACKET)
		set(SAZ_QUIET);
	return was;
}

unsigned saz_events(void)
{
	if (!__atomic_load_n(&saz_is_ready, __ATOMIC_RELAXED))
		first_ready();
	if (saz_here.busy == SAZ_NEW_THREAD) {
		new_thread();
		set(SAZ_NO_PACKET);
	}
	return saz_block();
}

void saz_unblock(unsigned was)
{
	int saved = errno;

	if (was != SAZ_PACKET && was != SAZ_NO_PACKET)
		return;
	__atomic_store_n(&saz_here.busy, was, __ATOMIC_SEQ_CST);
	stay_busy(was, SAZ_QUIET);
	if (was == SAZ_PACKET)
		BEGIN_AGAIN();
	else
		TOUCH();
	errno = saved;
}

void saz_wait_slowly(void)
{
	if (!__atomic_load_n(&saz_is_ready, __ATOMIC_RELAXED))
		first_ready();
	switch (saz_here.busy) {
	case SAZ_SCOPE:
		return;
	case SAZ_NEW_THREAD:
		new_thread();
		break;
	case SAZ_PACKET:
		END(1);
		break;
	}
	set(SAZ_QUIET);
}

void saz_packet_end(void)
{
	if (saz_here.busy == SAZ_PACKET)
		END(1);
	if (saz_here.busy == SAZ_PACKET || saz_here.busy == SAZ_NO_PACKET)
		set(SAZ_QUIET);
}

/* What saz_rt.h inlines, for those who call it. */

void saz_round(void)
{
	saz_round_slowly();
}

void saz_wait(void)
{
	saz_wait_slowly();
}

void saz_packet_begin(void)
{
	saz_begin_slowly(__atomic_exchange_n(&saz_here.busy, SAZ_PACKET, __ATOMIC_SEQ_CST));
}

void saz_resume(void)
{
	saz_resume_slowly(__atomic_exchange_n(&saz_here.busy, SAZ_NO_PACKET, __ATOMIC_SEQ_CST));
}

void saz_packet_enter(void *frame)
{
	saz_enter_slowly(frame, __atomic_exchange_n(&saz_here.busy, SAZ_SCOPE, __ATOMIC_SEQ_CST));
}

void saz_packet_leave(void *frame)
{
	if (saz_here.frame == ((uintptr_t)frame | SAZ_SLOWLY))
		saz_leave_slowly();
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
	struct saz_here *t;
	int busy;

	pthread_mutex_lock(&saz_threads_lock);
	busy = saz_unknown_threads;
	for (t = saz_threads; t != NULL; t = t->next)
		busy |= __atomic_load_n(&t->busy, __ATOMIC_SEQ_CST) != SAZ_QUIET;
	pthread_mutex_unlock(&saz_threads_lock);
	return busy;
}

#if SAZ_VERIFY
/* Whether another thread touches state outside of a packet. */
int saz_others_busy(void)
{
	struct saz_here *t;
	int busy = 0;

	pthread_mutex_lock(&saz_threads_lock);
	for (t = saz_threads; t != NULL; t = t->next)
		busy |= t != &saz_here && __atomic_load_n(&t->busy, __ATOMIC_SEQ_CST) == SAZ_NO_PACKET;
	pthread_mutex_unlock(&saz_threads_lock);
	return busy;
}
#endif

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
	struct saz_here *t;
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
#if SAZ_VERIFY
	saz_verify_fork();
#endif
	pthread_mutex_lock(&saz_threads_lock);
	pthread_mutex_lock(&saz_stop_lock);
	saz_heap_fork(0);
}

static void after_fork_parent(void)
{
	saz_heap_fork(1);
	pthread_mutex_unlock(&saz_stop_lock);
	pthread_mutex_unlock(&saz_threads_lock);
#if SAZ_VERIFY
	saz_verify_fork_parent();
#endif
}

/* Only the thread that forked lives on, and there is no service. */
static void after_fork_child(void)
{
	saz_heap_fork(1);
#if SAZ_VERIFY
	saz_verify_forked(&saz_here, saz_here.busy == SAZ_PACKET || saz_here.busy == SAZ_SCOPE);
#endif
	saz_stop = 0;
	saz_threads = saz_here.busy == SAZ_NEW_THREAD ? NULL : &saz_here;
	saz_here.next = NULL;
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
