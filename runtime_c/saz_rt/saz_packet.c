/*
 * saz_packet.c - when a packet begins and ends, and how the program is stopped in between.
 *
 * Each thread that handles packets has a record, saz_here, whose busy says what it does: SAZ_QUIET at its
 * quiescent points, SAZ_PACKET and others while it touches state.  The service thread sets stop, and
 * has the state for itself when all records are SAZ_STOPPED:
 *
 *	thread                                  service
 *	begins: QUIET -> PACKET, atomically     stop = 1
 *	        anything else: it looks at      QUIET -> STOPPED, atomically
 *	        stop before it goes on          PACKET -> ASKED: the thread looks when its packet has ended
 *	ends:   PACKET -> QUIET
 *
 * A thread's end is a plain store, which may undo the service's ASKED of the same moment; the service
 * looks again until all are stopped.  So threads do not exclude each other, and a packet costs one locked addition and
 * one subtraction, whose flags say whether the record was as it usually is.  That is in line, in saz_rt.h; here is
 * what happens when somebody asks, in the verify build, and when a thread is not where one
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

static int saz_stop;                                /* SAZ_STOP, SAZ_KNOCKED */
enum { SAZ_STOP = 1, SAZ_KNOCKED = 2 };
static pthread_mutex_t saz_stop_lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t saz_stop_cond = PTHREAD_COND_INITIALIZER;

static int saz_is_ready;
static int saz_ended;
static int saz_loops;                               /* library loops that are running */
static uint64_t saz_old_packets;                    /* of threads that are gone */

static __inline__ void clear_marks(void)
{
#if SAZ_MARK_WORDS
	saz_clear_marks();
#elif SAZ_THREADS
	memset(saz_own_marks, 0, saz_program.nvars);
#else
	memset(saz_program.updated, 0, saz_program.nvars);
#endif
}

/* The packet has ended: the marks of its groups become their members'. */
#if SAZ_GROUPS
void saz_resolve_groups(void)
{
	typedef uint64_t word __attribute__((__may_alias__));
	typedef uint64_t words __attribute__((__vector_size__(32), __may_alias__, __aligned__(8)));
	word *marks = (word *)saz_updated;
	unsigned g, i;

	for (g = 0; g < SAZ_GROUPS; g++) {
		const word *group = (const word *)saz_groups[g];

		if (!saz_updated[(SAZ_MARK_WORDS - 1) * 8 + g])
			continue;
		for (i = 0; i + 4 < SAZ_MARK_WORDS; i += 4)
			*(words *)(marks + i) |= *(const words *)(group + i);
		for (; i < SAZ_MARK_WORDS - 1; i++)
			marks[i] |= group[i];
	}
}
#endif

static void publish(void)
{
#if SAZ_THREADS
	size_t i, n = SAZ_MARK_WORDS ? SAZ_ALWAYS + SAZ_MARKED : saz_program.nvars;
#endif

#if SAZ_GROUPS
	saz_resolve_groups();
#endif
#if SAZ_THREADS
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
#define WAIT() saz_verify_wait()
#else
#define WAIT() ((void)0)
#define TOUCH() ((void)0)
#define BEGIN() clear_marks()
#define BEGIN_AGAIN() ((void)0)
#define END(kept) publish()
#endif

static int busy(void)
{
	return __atomic_load_n(&saz_here.busy, __ATOMIC_RELAXED);
}

static void set(int b)
{
	__atomic_store_n(&saz_here.busy, b, __ATOMIC_SEQ_CST);
}

static void go_quiet(void)
{
	set(SAZ_QUIET);
	if (__atomic_load_n(&saz_stop, __ATOMIC_SEQ_CST))       /* who asks may have seen it stopped for a moment */
		set(SAZ_STOPPED);
}

static int in_packet(int b)
{
	return b == SAZ_PACKET || b == SAZ_ASKED;
}

static void forget_thread(void *p)
{
	struct saz_here **at;

	(void)p;
	if (in_packet(busy()) || busy() == SAZ_SCOPE)
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

static SAZ_COLD void new_thread(void)
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
	while (__atomic_load_n(&saz_stop, __ATOMIC_SEQ_CST) & SAZ_STOP)
		pthread_cond_wait(&saz_stop_cond, &saz_stop_lock);
	pthread_mutex_unlock(&saz_stop_lock);
	errno = saved;
}

/* What become does where it is not as usual: out of its way, which each round of a loop takes. */
static SAZ_COLD void become_slowly(int b, int was)
{
	int stop, saved = errno;

	if (was == SAZ_NEW_THREAD)
		new_thread();
	for (;;) {
		set(b);
		stop = __atomic_load_n(&saz_stop, __ATOMIC_SEQ_CST);
		if (stop & SAZ_KNOCKED) {
			__atomic_and_fetch(&saz_stop, ~SAZ_KNOCKED, __ATOMIC_SEQ_CST);
			saz_service_thread();
		} else if (stop) {
			set(SAZ_STOPPED);
			sleep_while_stopped();
		} else {
			errno = saved;
			return;
		}
	}
}

/* The thread was quiet, or new, and becomes busy, unless a request says that it must not be. */
static void become(int b, int was)
{
	if (was != SAZ_NEW_THREAD) {
		set(b);
		if (!__atomic_load_n(&saz_stop, __ATOMIC_SEQ_CST))
			return;
	}
	become_slowly(b, was);
}

static int quiet_or_new(int was)
{
	return was < 0 || was == SAZ_NEW_THREAD;
}

static void new_packet(void)
{
	__atomic_store_n(&saz_here.packets, saz_here.packets + 1, __ATOMIC_RELAXED);
	BEGIN();
}

static void begin(int was)
{
	if (was == SAZ_SCOPE)           /* it belongs to the scope's packet */
		return;
	if (in_packet(was))
		END(1);
	if (quiet_or_new(was))
		become(SAZ_PACKET, was);
	else
		set(SAZ_PACKET);
	new_packet();
}

/* What saz_rt.h has added goes; the record may have been stopped in between, which is the same to begin and enter. */
static int undo(int added)
{
	return __atomic_sub_fetch(&saz_here.busy, added, __ATOMIC_SEQ_CST);
}

void saz_begin_slowly(void)
{
	begin(undo(1));
}

void saz_resume_slowly(int was)
{
	if (quiet_or_new(was)) {
		become(SAZ_NO_PACKET, was);
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
static int enter(void *scope, uintptr_t frame, int was)
{
	if (was == SAZ_SCOPE) {
		unsigned how = saz_here.frame & ~FRAME;

		if (frame < (saz_here.frame & FRAME))
			return 0;
		if (frame == (saz_here.frame & FRAME) && scope != (how == SAZ_CALLED ? saz_here.scope : NULL))
			return 0;
		was = how == SAZ_SLOWLY || how == SAZ_CALLED ? saz_here.outer : SAZ_QUIET;
		if (was != SAZ_PACKET)
			END(0);
	}
	if (quiet_or_new(was)) {
		become(SAZ_SCOPE, was);
		was = SAZ_QUIET;
	} else {
		set(SAZ_SCOPE);
	}
	if (was == SAZ_ASKED)
		was = SAZ_PACKET;
	saz_here.scope = scope;
	saz_here.outer = was;
	if (was != SAZ_PACKET)
		new_packet();
	return 1;
}

static void note_frame(uintptr_t frame)
{
	__atomic_store_n(&saz_here.frame, frame, __ATOMIC_RELAXED);
}

void saz_enter_slowly(void *frame)
{
	if (enter(NULL, (uintptr_t)frame, undo(1)))
		note_frame((uintptr_t)frame | SAZ_SLOWLY);
}

void saz_called_enter(void *scope, void *frame)
{
	if (enter(scope, (uintptr_t)frame, busy()))
		note_frame((uintptr_t)frame | SAZ_CALLED);
}

static void leave(int outer)
{
	if (outer != SAZ_PACKET)
		END(1);
	if (outer < 0)
		go_quiet();
	else
		set(outer);
}

void saz_called_leave(void *scope, void *frame)
{
	if (saz_here.frame == ((uintptr_t)frame | SAZ_CALLED) && saz_here.scope == scope)
		leave(saz_here.outer);
}

void saz_leave_slowly(void *frame)
{
	if (saz_here.frame == ((uintptr_t)frame | SAZ_SLOWLY))
		leave(saz_here.outer);
	else if (saz_here.frame == ((uintptr_t)frame | SAZ_LOOKING))    /* entered quickly */
		leave(SAZ_QUIET);
}

/* A round does not go quiet on its way, unless it is asked to. */
void saz_round_slowly(void)
{
	int was = busy();

	if (was == SAZ_SCOPE)
		return;
	if (in_packet(was))
		END(1);
	become(SAZ_PACKET, was);
	new_packet();
}

static SAZ_COLD void first_ready(void)
{
	int saved = errno;

	if (!__atomic_exchange_n(&saz_is_ready, 1, __ATOMIC_SEQ_CST))
		saz_service_start();
	errno = saved;
}

/* A thread waits, and nothing is under way.  It may hold a lock when it comes back. */
int saz_block(void)
{
	int was = busy();

	if (in_packet(was)) {
		END(1);
		was = SAZ_PACKET;
	}
	if (was == SAZ_PACKET || was == SAZ_NO_PACKET)
		go_quiet();
	return was;
}

int saz_events(void)
{
	if (!__atomic_load_n(&saz_is_ready, __ATOMIC_RELAXED))
		first_ready();
	if (busy() == SAZ_NEW_THREAD) {
		new_thread();
		set(SAZ_NO_PACKET);
	}
	return saz_block();
}

void saz_unblock(int was)
{
#if SAZ_VERIFY
	int saved = errno;
#endif

	if (was != SAZ_PACKET && was != SAZ_NO_PACKET)
		return;
	become(was, SAZ_QUIET);
	if (was == SAZ_PACKET)
		BEGIN_AGAIN();
	else
		TOUCH();
#if SAZ_VERIFY
	errno = saved;
#endif
}

static void wait_from(int was)
{
	if (!__atomic_load_n(&saz_is_ready, __ATOMIC_RELAXED))
		first_ready();
	if (was == SAZ_SCOPE)
		return;
	if (was == SAZ_NEW_THREAD)
		new_thread();
	else if (in_packet(was))
		END(1);
	WAIT();
	go_quiet();
}

void saz_wait_slowly(void)
{
	wait_from(undo(-1));
}

void saz_packet_end(void)
{
	int was = busy();

	if (in_packet(was))
		END(1);
	if (in_packet(was) || was == SAZ_NO_PACKET)
		go_quiet();
}

/* What saz_rt.h inlines, for those who call it. */

void saz_round(void)
{
	saz_round_slowly();
}

void saz_wait(void)
{
	wait_from(busy());
}

void saz_packet_begin(void)
{
	begin(busy());
}

void saz_resume(void)
{
	int was = busy();

	if (quiet_or_new(was))
		saz_resume_slowly(was);
}

void saz_packet_enter(void *frame)
{
	if (enter(NULL, (uintptr_t)frame, busy()))
		note_frame((uintptr_t)frame | SAZ_SLOWLY);
}

void saz_packet_leave(void *frame)
{
	saz_leave_slowly(frame);
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

/* Whether thread t is stopped; if not, it is asked to look when its packet ends. */
static int stopped(struct saz_here *t)
{
	int was = __atomic_load_n(&t->busy, __ATOMIC_SEQ_CST);
	uintptr_t frame;

	switch (was) {
	case SAZ_STOPPED:
		return 1;
	case SAZ_QUIET:
		return __atomic_compare_exchange_n(&t->busy, &was, SAZ_STOPPED, 0, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
	case SAZ_PACKET:
		__atomic_compare_exchange_n(&t->busy, &was, SAZ_ASKED, 0, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
		return 0;
	case SAZ_SCOPE:
		frame = __atomic_load_n(&t->frame, __ATOMIC_RELAXED);
		if ((frame & ~FRAME) == SAZ_QUICKLY)
			__atomic_compare_exchange_n(&t->frame, &frame, frame | SAZ_LOOKING, 0, __ATOMIC_RELAXED, __ATOMIC_RELAXED);
		return 0;
	}
	return 0;
}

static int all_stopped(void)
{
	struct saz_here *t;
	int all;

	pthread_mutex_lock(&saz_threads_lock);
	all = !saz_unknown_threads;
	for (t = saz_threads; t != NULL; t = t->next)
		all &= stopped(t);
	pthread_mutex_unlock(&saz_threads_lock);
	return all;
}

/* Of this thread, by a signal's handler. */
int saz_is_quiet(void)
{
	return busy() < 0;
}

/* The thread that the handler interrupted starts the service when its next packet begins. */
void saz_ask(void)
{
	__atomic_or_fetch(&saz_stop, SAZ_KNOCKED, __ATOMIC_SEQ_CST);
	stopped(&saz_here);
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

		__atomic_or_fetch(&saz_stop, SAZ_STOP, __ATOMIC_SEQ_CST);
		now = saz_now_us();
		slice = now + 100000u;
		for (; now < end && now < slice; now = saz_now_us()) {
			if (all_stopped())
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
	__atomic_and_fetch(&saz_stop, ~SAZ_STOP, __ATOMIC_SEQ_CST);
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
	saz_verify_forked(&saz_here, in_packet(busy()) || busy() == SAZ_SCOPE);
#endif
	saz_stop = 0;
	saz_threads = busy() == SAZ_NEW_THREAD ? NULL : &saz_here;
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
	saz_tables_start();
#if SAZ_VERIFY
	saz_verify_start();
#endif
	errno = saved;
}
