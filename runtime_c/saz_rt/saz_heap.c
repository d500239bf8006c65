/*
 * saz_heap.c - the blocks that state may live in: where, how large, allocated by which call.
 *
 * The program only writes down what it does: an allocation, a release, a change of type, each one
 * entry of a log.  When the log is full, or somebody wants to know, the entries are carried
 * over into a table:
 *
 *	saz_malloc ---> saz_log[] ---> saz_table[]    open addressing by address, linear probing;
 *	saz_free                                      removal shifts what follows back: no tombstones
 *
 * so that an allocation costs a handful of instructions, and its table entry some more, later.  The
 * blocks themselves are ordinary malloc blocks: code that saz does not see may free them (then they are
 * found stale only if malloc hands out the same address to a tracked call again, which overwrites
 * the record).
 *
 * An address inside a block is looked up among the blocks' bases in order, which are put in order when
 * that is first wanted.  Blocks that come later wait beside them until they are many; those that are gone
 * stay, as nothing else is found where they were.
 */
#include "saz_rt_int.h"

#include <errno.h>
#include <malloc.h>
#include <pthread.h>
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct event {
	unsigned char *base;
	uint64_t meta;          /* size << 24 | site << 3 | what */
};
/* TAKEN and MOVED are realloc: MOVED has the site of what was taken, and is nothing if that was not tracked. */
enum { ADDED, GONE, TAKEN, MOVED, TYPED };
#define META(size, site, what) ((uint64_t)(size) << 24 | (uint64_t)(site) << 3 | (what))
#define SITE(meta) ((uint32_t)((meta) >> 3 & 0x1fffff))

#ifdef SAZ_TEST
#define LOG 64
#else
#define LOG 131072              /* memory that is never touched costs nothing */
#endif

static struct event saz_log[LOG];
static size_t saz_nlog;
static uint64_t saz_ncarried;   /* entries that have left the log */
static char saz_log_lock;       /* never held while somebody waits, but for the table */

static struct saz_block *saz_table;
static size_t saz_table_cap, saz_nblocks, saz_nbytes;
static unsigned saz_table_shift;                /* 64 - log2 of the capacity */
static unsigned char **saz_sorted;              /* bases; NULL: not made */
static size_t saz_nsorted;
static unsigned char *saz_later[1024];          /* added since */
static size_t saz_nlater;
static pthread_mutex_t saz_table_lock = PTHREAD_MUTEX_INITIALIZER;

/* The top bits of the product: neighbours in memory, of one size, fall far apart. */
static __inline__ size_t home(const void *p)
{
	return (size_t)((uint64_t)(uintptr_t)p * UINT64_C(0x9e3779b97f4a7c15) >> saz_table_shift);
}

static void forget_sorted(void)
{
	saz_mem_put(saz_sorted);
	saz_sorted = NULL;
	saz_nsorted = saz_nlater = 0;
}

static void note_later(void *base)
{
	if (saz_sorted == NULL)
		return;
	if (saz_nlater == sizeof saz_later / sizeof *saz_later)
		forget_sorted();
	else
		saz_later[saz_nlater++] = base;
}

static struct saz_block *find(const void *p)
{
	size_t i;

	if (saz_table_cap == 0 || p == NULL)
		return NULL;
	for (i = home(p); saz_table[i].base != NULL; i = (i + 1) & (saz_table_cap - 1))
		if (saz_table[i].base == p)
			return &saz_table[i];
	return NULL;
}

static __inline__ void put(void *p, size_t size, uint32_t site)
{
	size_t i;

	if (saz_nblocks + 1 >= saz_table_cap)
		return;
	for (i = home(p); saz_table[i].base != NULL && saz_table[i].base != p; i = (i + 1) & (saz_table_cap - 1))
		;
	if (saz_table[i].base == NULL)
		saz_nblocks++;
	else
		saz_nbytes -= saz_table[i].size;
	note_later(p);
	saz_table[i].base = p;
	saz_table[i].size = size;
	saz_table[i].site = site;
	saz_table[i].mark = saz_table[i].entry = saz_table[i].shot = 0;
	saz_nbytes += size;
}

static int reserve(size_t more)
{
	struct saz_block *old = saz_table;
	size_t old_cap = saz_table_cap, i;
	size_t want = saz_table_cap ? saz_table_cap : 4096;

	while ((saz_nblocks + more) * 3 > want * 2)
		want *= want < 65536 ? 4 : 2;
	if (want == saz_table_cap)
		return 1;
	saz_table = saz_mem_get(want * sizeof *saz_table);
	if (saz_table == NULL) {
		saz_table = old;
		return 0;
	}
	saz_table_cap = want;
	for (saz_table_shift = 64; want > 1; want /= 2)
		saz_table_shift--;
	for (i = 0; i < old_cap; i++)
		if (old[i].base != NULL) {
			size_t j;

			for (j = home(old[i].base); saz_table[j].base != NULL; j = (j + 1) & (saz_table_cap - 1))
				;
			saz_table[j] = old[i];
		}
	saz_mem_put(old);
	return 1;
}

static void take(struct saz_block *b)
{
	size_t hole = (size_t)(b - saz_table), i = hole;

	saz_nbytes -= b->size;
	saz_nblocks--;
	for (;;) {
		size_t h;

		i = (i + 1) & (saz_table_cap - 1);
		if (saz_table[i].base == NULL)
			break;
		h = home(saz_table[i].base);
		if (((i - h) & (saz_table_cap - 1)) >= ((i - hole) & (saz_table_cap - 1))) {
			saz_table[hole] = saz_table[i];
			hole = i;
		}
	}
	memset(&saz_table[hole], 0, sizeof saz_table[hole]);
}

/* ---- the log ---- */

static __inline__ void lock_log(void)
{
	while (__builtin_expect(__atomic_exchange_n(&saz_log_lock, 1, __ATOMIC_ACQUIRE), 0))
		sched_yield();
}

static __inline__ void unlock_log(void)
{
	__atomic_store_n(&saz_log_lock, 0, __ATOMIC_RELEASE);
}

/* Carries the log over, log and table locked; without memory as much of it as there is room for. */
static void carry_over(void)
{
	uint32_t site = 0;
	size_t i;
	int ok = reserve(saz_nlog);

	for (i = 0; i < saz_nlog; i++) {
		const struct event *e = &saz_log[i];
		unsigned what = e->meta & 7;
		struct saz_block *b = what == ADDED || what == MOVED ? NULL : find(e->base);

		if (what == ADDED)
			site = SITE(e->meta);
		else if (what == TAKEN)
			site = b != NULL ? b->site : 0;
		if (what == ADDED || (what == MOVED && site != 0)) {
			if (!ok && saz_nblocks + 2 > saz_table_cap)
				break;
			put(e->base, (size_t)(e->meta >> 24), site);
		} else if (b != NULL && what == TYPED) {
			b->site = SITE(e->meta);
		} else if (b != NULL) {
			take(b);
		}
	}
	saz_ncarried += i;
	saz_nlog -= i;
	if (saz_nlog == 0)
		return;
	memmove(saz_log, saz_log + i, saz_nlog * sizeof *saz_log);
	if ((saz_log[0].meta & 7) == MOVED)     /* what it was taken from is gone by now */
		saz_log[0].meta += META(0, site, ADDED) - META(0, 0, MOVED);
}

static __attribute__((__noinline__)) int make_room(size_t n)
{
	pthread_mutex_lock(&saz_table_lock);
	carry_over();
	pthread_mutex_unlock(&saz_table_lock);
	return saz_nlog + n <= LOG;
}

/* Room for some entries, log locked. */
static __inline__ int room(size_t n)
{
	return __builtin_expect(saz_nlog + n <= LOG, 1) || make_room(n);
}

static __inline__ void note(void *base, uint64_t meta)
{
	struct event *e = &saz_log[saz_nlog++];

	e->base = base;
	e->meta = meta;
}

/* ---- for export and import ---- */

/* What the log says of an allocation that there is no memory to record is kept for later. */
void saz_heap_hold(void)
{
	lock_log();
	pthread_mutex_lock(&saz_table_lock);
	carry_over();
	unlock_log();
}

void saz_heap_release(void)
{
	pthread_mutex_unlock(&saz_table_lock);
}

void saz_heap_lock(void)
{
	saz_heap_hold();
	saz_heap_clear_marks();
}

void saz_heap_unlock(void)
{
	forget_sorted();
	saz_heap_release();
}

void saz_heap_clear_marks(void)
{
	size_t i;

	for (i = 0; i < saz_table_cap; i++)
		saz_table[i].mark = saz_table[i].entry = 0;
}

struct saz_block *saz_heap_find(const void *base)
{
	return find(base);
}

static int by_base(const void *a, const void *b)
{
	const unsigned char *x = *(unsigned char *const *)a, *y = *(unsigned char *const *)b;

	return x < y ? -1 : x > y;
}

static int sort_blocks(void)
{
	size_t i;

	saz_sorted = SAZ_NEW(unsigned char *, saz_nblocks);
	if (saz_sorted == NULL)
		return 0;
	saz_nsorted = saz_nlater = 0;
	for (i = 0; i < saz_table_cap; i++)
		if (saz_table[i].base != NULL)
			saz_sorted[saz_nsorted++] = saz_table[i].base;
	qsort(saz_sorted, saz_nsorted, sizeof *saz_sorted, by_base);
	return 1;
}

/* Puts those that came later among the others, and leaves out those that are gone. */
static int merge_later(void)
{
	unsigned char **all = SAZ_NEW(unsigned char *, saz_nsorted + saz_nlater);
	size_t i = 0, j = 0, n = 0;

	if (all == NULL)
		return 0;
	qsort(saz_later, saz_nlater, sizeof *saz_later, by_base);
	while (i < saz_nsorted || j < saz_nlater) {
		unsigned char *p = j == saz_nlater || (i < saz_nsorted && saz_sorted[i] <= saz_later[j])
		                   ? saz_sorted[i++] : saz_later[j++];

		if ((n == 0 || all[n - 1] != p) && find(p) != NULL)
			all[n++] = p;
	}
	saz_mem_put(saz_sorted);
	saz_sorted = all;
	saz_nsorted = n;
	saz_nlater = 0;
	return 1;
}

static int within(const struct saz_block *b, const unsigned char *p, int past_end)
{
	return b != NULL && p >= b->base && (size_t)(p - b->base) < b->size + (past_end != 0);
}

/* Without memory for the order this is slow, not wrong. */
struct saz_block *saz_heap_at(const void *p, int past_end)
{
	const unsigned char *q = p;
	struct saz_block *b = find(p);
	size_t lo = 0, hi, i;

	if (b != NULL || saz_nblocks == 0)
		return b;
	if (saz_sorted == NULL ? !sort_blocks() : saz_nlater > 64 && !merge_later()) {
		for (i = 0; i < saz_table_cap; i++)
			if (saz_table[i].base != NULL && within(&saz_table[i], q, past_end))
				return &saz_table[i];
		return NULL;
	}
	hi = saz_nsorted;
	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (saz_sorted[mid] <= q)
			lo = mid + 1;
		else
			hi = mid;
	}
	while (lo != 0 && (b = find(saz_sorted[lo - 1])) == NULL)
		lo--;
	if (within(b, q, past_end))
		return b;
	for (i = 0; i < saz_nlater; i++)
		if (within(b = find(saz_later[i]), q, past_end))
			return b;
	return NULL;
}

struct saz_block *saz_heap_next(struct saz_block *b)
{
	size_t i = b == NULL ? 0 : (size_t)(b - saz_table) + 1;

	for (; i < saz_table_cap; i++)
		if (saz_table[i].base != NULL)
			return &saz_table[i];
	return NULL;
}

int saz_heap_reserve(size_t more)
{
	return reserve(more);
}

void saz_heap_add(void *base, size_t size, uint32_t site)
{
	put(base, size, site);
}

void saz_heap_drop(void *base)
{
	struct saz_block *b = find(base);

	if (b == NULL)
		return;
	take(b);
	free(base);
}

void saz_heap_stats(size_t *blocks, size_t *total)
{
	saz_heap_hold();
	*blocks = saz_nblocks;
	*total = saz_nbytes;
	saz_heap_release();
}

void saz_heap_fork(int when)
{
	if (when == 0) {
		lock_log();
		pthread_mutex_lock(&saz_table_lock);
	} else {
		pthread_mutex_unlock(&saz_table_lock);
		unlock_log();
	}
}

/* ---- for the program ---- */

/* A block that can't be recorded is not handed out: the program is out of memory. */
static __attribute__((__noinline__)) void *refuse(void *p)
{
	unlock_log();
	free(p);
	errno = ENOMEM;
	return NULL;
}

static __inline__ __attribute__((__always_inline__)) void *added(void *p, size_t size, unsigned site)
{
	if (__builtin_expect(p == NULL, 0))
		return NULL;
	lock_log();
	if (!room(1))
		return refuse(p);
	note(p, META(size, site, ADDED));
	unlock_log();
	return p;
}

void *saz_malloc(unsigned site, size_t size)
{
	return added(malloc(size), size, site);
}

void *saz_calloc(unsigned site, size_t count, size_t size)
{
	return added(calloc(count, size), count * size, site);
}

void *saz_aligned_alloc(unsigned site, size_t align, size_t size)
{
	return added(aligned_alloc(align, size), size, site);
}

void *saz_memalign(unsigned site, size_t align, size_t size)
{
	return added(memalign(align, size), size, site);
}

void *saz_valloc(unsigned site, size_t size)
{
	return added(valloc(size), size, site);
}

int saz_posix_memalign(unsigned site, void **block, size_t align, size_t size)
{
	int saved = errno;
	void *p = NULL;
	int r = posix_memalign(&p, align, size);

	if (r != 0)
		return r;
	if (added(p, size, site) == NULL) {
		errno = saved;
		return ENOMEM;
	}
	*block = p;
	return 0;
}

char *saz_strdup(unsigned site, const char *s)
{
	size_t n = strlen(s) + 1;
	char *p = saz_malloc(site, n);

	return p == NULL ? NULL : memcpy(p, s, n);
}

char *saz_strndup(unsigned site, const char *s, size_t max)
{
	size_t n = strnlen(s, max);
	char *p = saz_malloc(site, n + 1);

	if (p != NULL) {
		memcpy(p, s, n);
		p[n] = 0;
	}
	return p;
}

int saz_vasprintf(unsigned site, char **out, const char *format, va_list args)
{
	int n = vasprintf(out, format, args);

	if (n >= 0 && added(*out, (size_t)n + 1, site) == NULL)
		n = -1;
	return n;
}

int saz_asprintf(unsigned site, char **out, const char *format, ...)
{
	va_list args;
	int n;

	va_start(args, format);
	n = saz_vasprintf(site, out, format, args);
	va_end(args);
	return n;
}

void *saz_adopt(unsigned site, void *block)
{
	return block == NULL ? NULL : added(block, malloc_usable_size(block), site);
}

/* What is found again by a procedure that allocates only at times has its type: nothing was written
 * down since this thread last asked. */
void *saz_retype(unsigned site, void *block)
{
	static __thread struct {
		uint64_t events;
		void *block;
		unsigned site;
	} last;

	if (block == NULL ||
	    (saz_ncarried + saz_nlog == last.events && (block != last.block || site == last.site)))
		return block;
	lock_log();
	if (room(1))
		note(block, META(0, site, TYPED));
	last.events = saz_ncarried + saz_nlog;
	last.block = block;
	last.site = site;
	unlock_log();
	return block;
}

/* The record goes before the block does: another thread may be given the address at once. */
void saz_free(void *block)
{
	if (block != NULL) {
		lock_log();
		if (room(1))
			note(block, META(0, 0, GONE));
		unlock_log();
	}
	free(block);
}

void *saz_realloc(unsigned site, void *block, size_t size)
{
	void *p;

	if (block == NULL)
		return site == 0 ? realloc(NULL, size) : saz_malloc(site, size);
	lock_log();
	if (!room(2)) {
		unlock_log();
		errno = ENOMEM;
		return NULL;
	}
	note(block, META(0, 0, TAKEN));
	p = realloc(block, size);
	if (p != NULL)
		note(p, META(size, site, site == 0 ? MOVED : ADDED));
	else if (size != 0)
		saz_nlog--;             /* nothing has happened */
	unlock_log();
	return p;
}

void *saz_reallocarray(unsigned site, void *block, size_t count, size_t size)
{
	if (size != 0 && count > (size_t)-1 / size) {
		errno = ENOMEM;
		return NULL;
	}
	return saz_realloc(site, block, count * size);
}
