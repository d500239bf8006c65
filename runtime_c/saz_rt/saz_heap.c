/*
 * saz_heap.c - the blocks that state may live in: where, how large, allocated by which call.
 *
 * A table beside the heap, open addressing by address with linear probing; removal shifts what
 * follows back, so there are no tombstones.  The blocks themselves are ordinary malloc blocks: code
 * that saz does not see may free them (then they are found stale only if malloc hands out the same
 * address to a tracked call again, which overwrites the record).
 *
 * An address inside a block is looked up among the blocks' bases in order, which are put in order when
 * that is first wanted.  Blocks that come later wait beside them until they are many; those that are gone
 * stay, as nothing else is found where they were.
 */
#include "saz_rt_int.h"

#include <errno.h>
#include <malloc.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct saz_block *saz_table;
static size_t saz_table_cap, saz_nblocks, saz_nbytes;
static unsigned char **saz_sorted;              /* bases; NULL: not made */
static size_t saz_nsorted;
static unsigned char *saz_later[1024];          /* added since */
static size_t saz_nlater;
static pthread_mutex_t saz_table_lock = PTHREAD_MUTEX_INITIALIZER;

static size_t home(const void *p)
{
	return (size_t)(((uintptr_t)p >> 4) * UINT64_C(0x9e3779b97f4a7c15) >> 20) & (saz_table_cap - 1);
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

static void put(void *p, size_t size, uint32_t site)
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
	size_t want = saz_table_cap ? saz_table_cap : 1024;

	while ((saz_nblocks + more) * 3 > want * 2)
		want *= 2;
	if (want == saz_table_cap)
		return 1;
	saz_table = saz_mem_get(want * sizeof *saz_table);
	if (saz_table == NULL) {
		saz_table = old;
		return 0;
	}
	saz_table_cap = want;
	saz_nblocks = saz_nbytes = 0;
	forget_sorted();
	for (i = 0; i < old_cap; i++)
		if (old[i].base != NULL) {
			put(old[i].base, old[i].size, old[i].site);
			*find(old[i].base) = old[i];
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

/* ---- for export and import ---- */

void saz_heap_lock(void)
{
	pthread_mutex_lock(&saz_table_lock);
	saz_heap_clear_marks();
}

void saz_heap_unlock(void)
{
	forget_sorted();
	pthread_mutex_unlock(&saz_table_lock);
}

void saz_heap_hold(void)
{
	pthread_mutex_lock(&saz_table_lock);
}

void saz_heap_release(void)
{
	pthread_mutex_unlock(&saz_table_lock);
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
	pthread_mutex_lock(&saz_table_lock);
	*blocks = saz_nblocks;
	*total = saz_nbytes;
	pthread_mutex_unlock(&saz_table_lock);
}

void saz_heap_fork(int when)
{
	if (when == 0)
		pthread_mutex_lock(&saz_table_lock);
	else
		pthread_mutex_unlock(&saz_table_lock);
}

/* ---- for the program ---- */

/* Room for one more is made first, so that what was allocated can always be recorded. */
static int begin(void)
{
	int ok;

	pthread_mutex_lock(&saz_table_lock);
	ok = reserve(1);
	if (!ok) {
		pthread_mutex_unlock(&saz_table_lock);
		errno = ENOMEM;
	}
	return ok;
}

static void *end(void *p, size_t size, unsigned site)
{
	if (p != NULL)
		put(p, size, site);
	pthread_mutex_unlock(&saz_table_lock);
	return p;
}

void *saz_malloc(unsigned site, size_t size)
{
	return begin() ? end(malloc(size), size, site) : NULL;
}

void *saz_calloc(unsigned site, size_t count, size_t size)
{
	return begin() ? end(calloc(count, size), count * size, site) : NULL;
}

void *saz_aligned_alloc(unsigned site, size_t align, size_t size)
{
	return begin() ? end(aligned_alloc(align, size), size, site) : NULL;
}

void *saz_memalign(unsigned site, size_t align, size_t size)
{
	return begin() ? end(memalign(align, size), size, site) : NULL;
}

void *saz_valloc(unsigned site, size_t size)
{
	return begin() ? end(valloc(size), size, site) : NULL;
}

int saz_posix_memalign(unsigned site, void **block, size_t align, size_t size)
{
	int saved = errno;
	int r;

	if (!begin()) {
		errno = saved;
		return ENOMEM;
	}
	r = posix_memalign(block, align, size);
	end(r == 0 ? *block : NULL, size, site);
	return r;
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

	if (n >= 0 && begin())
		end(*out, (size_t)n + 1, site);
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
	if (block != NULL && begin())
		end(block, malloc_usable_size(block), site);
	return block;
}

void *saz_retype(unsigned site, void *block)
{
	struct saz_block *b;

	if (block != NULL) {
		pthread_mutex_lock(&saz_table_lock);
		b = find(block);
		if (b != NULL)
			b->site = site;
		pthread_mutex_unlock(&saz_table_lock);
	}
	return block;
}

/* The record goes before the block does: another thread may be given the address at once. */
void saz_free(void *block)
{
	struct saz_block *b;

	if (block != NULL) {
		pthread_mutex_lock(&saz_table_lock);
		b = find(block);
		if (b != NULL)
			take(b);
		pthread_mutex_unlock(&saz_table_lock);
	}
	free(block);
}

void *saz_realloc(unsigned site, void *block, size_t size)
{
	struct saz_block *b, old;
	void *p;

	if (!begin())
		return NULL;
	memset(&old, 0, sizeof old);
	b = find(block);
	if (b != NULL) {
		old = *b;
		take(b);
	}
	p = realloc(block, size);
	if (p == NULL && old.base != NULL && size != 0)
		return end(block, old.size, old.site), (void *)NULL;
	if (site == 0 && old.base == NULL) {
		pthread_mutex_unlock(&saz_table_lock);
		return p;               /* not tracked before, nor now */
	}
	return end(p, size, site ? site : old.site);
}

void *saz_reallocarray(unsigned site, void *block, size_t count, size_t size)
{
	if (size != 0 && count > (size_t)-1 / size) {
		errno = ENOMEM;
		return NULL;
	}
	return saz_realloc(site, block, count * size);
}
