/*
 * saz_heap.c - the blocks that state may live in: where, how large, allocated by which call.
 *
 * The program only writes down what it does.  A new block is entered at the one place among those of the young that its
 * address gives, and is gone from there when it is released: of most blocks, which are there for a packet, no more
 * is ever known.  Where another block has the place already, it is an entry of a log, as are
 * releases and changes of type of those that are not young.  When the log is full, or somebody wants to know, its
 * entries, and then the young, are carried over into a table:
 *
 *	saz_malloc ---> saz_young[], saz_log[] ---> saz_table[]    open addressing by address, linear probing;
 *	saz_free                                                   removal shifts what follows back: no tombstones
 *
 * so that an allocation costs a handful of instructions, and its table entry some more, later.  The log's entries are
 * in order, and what it says of an address is older than what the young say of it, for a young block that changes in any
 * other way than by its release is written into the log first.  The
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

#define SITE(meta) ((uint32_t)((meta) >> 3 & 0x1fffff))
#define CLOSED ((size_t)1 << 62)                /* above all that is claimed, and below an overflow */

struct saz_event saz_young[SAZ_YOUNG];          /* NULL: free; an odd address: somebody is at it */
struct saz_event saz_log[SAZ_LOG];
size_t saz_log_end;                             /* of what is claimed, in bytes; what is over SAZ_LOG waits for the table */
#define SIZE sizeof(struct saz_event)
static uint64_t saz_ncarried;                   /* entries that have left the log */
static int saz_lost;                            /* some were never written */
static struct taken {                           /* by a realloc that has not come back */
	uint64_t ticket;
	size_t size;
	uint32_t site;
} saz_taken[256];

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
#if SAZ_VERIFY
	saz_reach_born(&saz_table[i]);
#endif
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
#if SAZ_VERIFY
	saz_reach_gone(b);
#endif
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

static void write_event(size_t at, void *base, uint64_t meta)
{
	saz_log[at].base = base;
	__atomic_store_n(&saz_log[at].meta, meta, __ATOMIC_RELEASE);
}

/*
 * A realloc writes two entries. TAKEN says where from; its number in the order of all is the realloc's ticket.
 * MOVED says where to (NULL: the block is gone), with KEEPS for its size if nothing has happened; the VOID entry behind
 * it has the ticket, and a site if the block gets another one.
 */
#define KEEPS ((size_t)0xffffffffff)

static void remember(uint64_t ticket, const struct saz_block *b)
{
	size_t i;

	for (i = 0; i < sizeof saz_taken / sizeof *saz_taken; i++)
		if (saz_taken[i].site == 0) {
			saz_taken[i].ticket = ticket;
			saz_taken[i].size = b->size;
			saz_taken[i].site = b->site;
			return;
		}
}

static void moved(const struct saz_event *e)
{
	size_t size = (size_t)(e->meta >> 24), i;
	uint32_t site = SITE(e[1].meta);

	for (i = 0; i < sizeof saz_taken / sizeof *saz_taken; i++)
		if (saz_taken[i].site != 0 && saz_taken[i].ticket == (uint64_t)(uintptr_t)e[1].base)
			break;
	if (i < sizeof saz_taken / sizeof *saz_taken) {
		if (site == 0 || size == KEEPS)
			site = saz_taken[i].site;
		if (size == KEEPS)
			size = saz_taken[i].size;
		saz_taken[i].site = 0;
	} else if (size == KEEPS) {
		return;
	}
	if (e->base != NULL && site != 0)
		put(e->base, size, site);
}

/* Carries the log over, table locked; without memory as much of it as there is room for. It is closed after that, with
 * so many entries left. */
static size_t carry_and_close(void)
{
	size_t n = __atomic_exchange_n(&saz_log_end, CLOSED, __ATOMIC_ACQ_REL) / SIZE, i;
	int ok;

	if (n > SAZ_LOG)
		n = SAZ_LOG;
	for (i = 0; i < n; i++)         /* claimed, and the next thing that its thread does is to write it */
		while (__atomic_load_n(&saz_log[i].meta, __ATOMIC_ACQUIRE) == 0)
			sched_yield();
	ok = reserve(n);
	for (i = 0; i < n; i++) {
		const struct saz_event *e = &saz_log[i];
		unsigned what = e->meta & 7;
		uint32_t site = SITE(e->meta);
		struct saz_block *b;

		if (what == SAZ_E_ADDED || what == SAZ_E_MOVED) {
			if (!ok && saz_nblocks + 2 > saz_table_cap)
				break;
			if (e->base == NULL && what == SAZ_E_ADDED)
				continue;
			if (what == SAZ_E_ADDED)
				put(e->base, (size_t)(e->meta >> 24), site);
			else
				moved(e);
		} else if (what != SAZ_E_VOID && (b = find(e->base)) != NULL) {
			if (what == SAZ_E_TYPED) {
				b->site = site;
				continue;
			}
			if (what == SAZ_E_TAKEN)
				remember(saz_ncarried + i, b);
			take(b);
		}
	}
	__atomic_store_n(&saz_ncarried, saz_ncarried + i, __ATOMIC_RELAXED);
	n -= i;
	memmove(saz_log, saz_log + i, n * sizeof *saz_log);
	memset(saz_log + n, 0, i * sizeof *saz_log);
	return n;
}

/* Nobody but whoever gets it may touch the place of a young block then, not even its release. */
static int seize(struct saz_event *e, void *base)
{
	return __atomic_compare_exchange_n(&e->base, &base, SAZ_ODD(base), 0, __ATOMIC_ACQ_REL, __ATOMIC_RELAXED);
}

static void leave(struct saz_event *e, void *base)
{
	__atomic_store_n(&e->base, base, __ATOMIC_RELEASE);
}

#if !SAZ_VERIFY
/* The log is empty and closed meanwhile, so a block that is released while this goes on is entered before that is written
 * down. For saz_retype_block it counts as an event. */
static void carry_young(void)
{
	size_t i;

	if (!reserve(SAZ_YOUNG))
		return;
	for (i = 0; i < SAZ_YOUNG; i++) {
		struct saz_event *e = &saz_young[i];
		void *base = __atomic_load_n(&e->base, __ATOMIC_ACQUIRE);
		uint64_t meta;

		if (base == NULL || (uintptr_t)base & 1 || !seize(e, base))
			continue;
		meta = __atomic_load_n(&e->meta, __ATOMIC_RELAXED);
		put(base, (size_t)(meta >> 24), SITE(meta));
		leave(e, NULL);
	}
	__atomic_store_n(&saz_ncarried, saz_ncarried + 1, __ATOMIC_RELAXED);
}
#endif

static void carry_over(void)
{
	size_t left = carry_and_close();

#if !SAZ_VERIFY
	if (left == 0)
		carry_young();
#endif
	__atomic_store_n(&saz_log_end, left * SIZE, __ATOMIC_RELEASE);
}

/* Claims n entries that follow each other: where, or SAZ_LOG if there is no memory. The program goes on then, and its
 * state can't be moved any more. */
static size_t claim(size_t n)
{
	int tries, saved;

	for (tries = 0; ; tries++) {
		size_t at = __atomic_fetch_add(&saz_log_end, n * SIZE, __ATOMIC_ACQ_REL) / SIZE, i;

		if (at + n <= SAZ_LOG)
			return at;
		saved = errno;
		for (i = at; i < SAZ_LOG; i++)          /* the last one, where two were wanted */
			write_event(i, NULL, SAZ_META(0, 0, SAZ_E_VOID));
		pthread_mutex_lock(&saz_table_lock);
		i = __atomic_load_n(&saz_log_end, __ATOMIC_ACQUIRE) / SIZE;
		if (i >= SAZ_LOG)
			carry_over();
		i = __atomic_load_n(&saz_log_end, __ATOMIC_ACQUIRE) / SIZE;
		pthread_mutex_unlock(&saz_table_lock);
		errno = saved;
		if (i + n > SAZ_LOG && tries > 8) {
			__atomic_store_n(&saz_lost, 1, __ATOMIC_RELAXED);
			return SAZ_LOG;
		}
	}
}

static void note(void *base, uint64_t meta)
{
	size_t at = claim(1);

	if (at != SAZ_LOG)
		write_event(at, base, meta);
}

/* The block whose place it is becomes old. */
static void make_old(struct saz_event *e, void *base)
{
	if (seize(e, base)) {
		note(base, __atomic_load_n(&e->meta, __ATOMIC_RELAXED));
		leave(e, NULL);
	}
}

/* What saz_rt.h does not do in line: the log is full, or a young block was released behind the runtime's back and its address
 * is another's now. */
void saz_note_slowly(void *base, uint64_t meta)
{
	struct saz_event *e = SAZ_PLACE(base);

	if (base != NULL && (meta & 7) == SAZ_E_ADDED && seize(e, base)) {
		__atomic_store_n(&e->meta, meta, __ATOMIC_RELAXED);
		leave(e, base);
		return;
	}
	note(base, meta);
}

extern const char __start_saz_marks_only[] __attribute__((__weak__, __visibility__("hidden")));

int saz_heap_complete(struct saz_error *e)
{
	if (__start_saz_marks_only != NULL)
		return saz_fail(e, "blocks", "this program's sources have marks only, so its state can't be moved (saz instrument --diff --blocks)");
	return !__atomic_load_n(&saz_lost, __ATOMIC_RELAXED) ||
	       saz_fail(e, "memory", "there was no memory to write down a block of the program's, so its state can't be moved any more");
}

/* ---- for export and import ---- */

/* What the log says of an allocation that there is no memory to record is kept for later. */
void saz_heap_hold(void)
{
	pthread_mutex_lock(&saz_table_lock);
	carry_over();
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

/* Nobody is about to write into a log that is closed, so the child has no thread's to wait for. */
void saz_heap_fork(int when)
{
	static size_t left;

	if (when == 0) {
		pthread_mutex_lock(&saz_table_lock);
		left = carry_and_close();
	} else {
		__atomic_store_n(&saz_log_end, left * SIZE, __ATOMIC_RELEASE);
		pthread_mutex_unlock(&saz_table_lock);
	}
}

/* ---- for the program ---- */

static __inline__ __attribute__((__always_inline__)) void *added(void *p, size_t size, unsigned site)
{
	if (site != 0 && p != NULL)
#if SAZ_VERIFY                  /* there are none: all are asked for with each packet */
		note(p, SAZ_META(size, site, SAZ_E_ADDED));
#else
		saz_note_added(p, SAZ_META(size, site, SAZ_E_ADDED));
#endif
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
	int r = posix_memalign(block, align, size);

	if (r == 0)
		added(*block, size, site);
	return r;
}

char *saz_strdup(unsigned site, const char *s)
{
	size_t n = strlen(s) + 1;
	char *p = malloc(n);

	return p == NULL ? NULL : added(memcpy(p, s, n), n, site);
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

	if (n >= 0)
		added(*out, (size_t)n + 1, site);
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

/* As (void *)block, whatever the program calls it: it may be const for those that use it. */
static void *plain(const void *block)
{
	return (void *)(uintptr_t)block;
}

void *saz_adopt_block(unsigned site, const void *owned)
{
	void *block = plain(owned);

	return block == NULL ? NULL : added(block, malloc_usable_size(block), site);
}

/* What is found again by a procedure that allocates only at times has its type: nothing was written
 * down since this thread last asked. */
void *saz_retype_block(unsigned site, const void *typed)
{
	static __thread struct {
		uint64_t events;
		void *block;
		unsigned site;
	} last;
	void *block = plain(typed);
	struct saz_event *e = SAZ_PLACE(block);
	size_t at;

	if (block != NULL && site != 0 && seize(e, block)) {
		at = (size_t)(__atomic_load_n(&e->meta, __ATOMIC_RELAXED) >> 24);
		__atomic_store_n(&e->meta, SAZ_META(at, site, SAZ_E_ADDED), __ATOMIC_RELAXED);
		leave(e, block);
		return block;
	}
	if (block == NULL || site == 0 || (__atomic_load_n(&saz_ncarried, __ATOMIC_RELAXED) + __atomic_load_n(&saz_log_end, __ATOMIC_RELAXED) / SIZE == last.events &&
	                      (block != last.block || site == last.site)))
		return block;
	at = claim(1);
	if (at == SAZ_LOG)
		return block;
	last.events = __atomic_load_n(&saz_ncarried, __ATOMIC_RELAXED) + at + 1;
	write_event(at, block, SAZ_META(0, site, SAZ_E_TYPED));
	last.block = block;
	last.site = site;
	return block;
}

/* The record goes before the block does: another thread may be given the address at once. */
void saz_free(void *block)
{
	if (block != NULL)
#if SAZ_VERIFY
		note(block, SAZ_META(0, 0, SAZ_E_GONE));
#else
		saz_note_gone(block);
#endif
	free(block);
}

/* What is taken is written down before, what comes back after: in between, the addresses belong to others. */
void *saz_realloc(unsigned site, void *block, size_t size)
{
	uint64_t ticket;
	size_t at;
	void *p;

	if (block == NULL)
		return site == 0 ? realloc(NULL, size) : saz_malloc(site, size);
	make_old(SAZ_PLACE(block), block);
	at = claim(1);
	if (at == SAZ_LOG)
		return realloc(block, size);
	/* Before it is written, so that the log stays where it is. */
	ticket = __atomic_load_n(&saz_ncarried, __ATOMIC_RELAXED) + at;
	write_event(at, block, SAZ_META(0, 0, SAZ_E_TAKEN));
	p = realloc(block, size);
	while ((at = claim(2)) == SAZ_LOG)      /* the table has lost an entry, so there is room for this one */
		sched_yield();
	if (p == NULL && size != 0)
		write_event(at, block, SAZ_META(KEEPS, 0, SAZ_E_MOVED));
	else
		write_event(at, p, SAZ_META(size, 0, SAZ_E_MOVED));
	write_event(at + 1, (void *)(uintptr_t)ticket, SAZ_META(0, site, SAZ_E_VOID));
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
