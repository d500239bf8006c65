/*
 * saz_heap.c - the blocks that state may live in: where, how large, allocated by which call.
 *
 * A table beside the heap, open addressing by address with linear probing; removal shifts what
 * follows back, so there are no tombstones.  The blocks themselves are ordinary malloc blocks: code
 * that saz does not see may free them (then they are found stale only if malloc hands out the same
 * address to a tracked call again, which overwrites the record).
 *
 * An address inside a block is looked up in a sorted copy of the table, made when it is first
 * wanted and good until the table changes.
 */
#include "saz_rt_int.h"

#include <errno.h>
#include <malloc.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct saz_block *table;
static size_t cap, used, bytes;
static struct saz_block **sorted;               /* NULL: stale */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static size_t home(const void *p)
{
	return (size_t)(((uintptr_t)p >> 4) * UINT64_C(0x9e3779b97f4a7c15) >> 20) & (cap - 1);
}

static void forget_sorted(void)
{
	saz_mem_put(sorted);
	sorted = NULL;
}

static struct saz_block *find(const void *p)
{
	size_t i;

	if (cap == 0 || p == NULL)
		return NULL;
	for (i = home(p); table[i].base != NULL; i = (i + 1) & (cap - 1))
		if (table[i].base == p)
			return &table[i];
	return NULL;
}

static void put(void *p, size_t size, uint32_t site)
{
	size_t i;

	if (used + 1 >= cap)
		return;
	for (i = home(p); table[i].base != NULL && table[i].base != p; i = (i + 1) & (cap - 1))
		;
	if (table[i].base == NULL)
		used++;
	else
		bytes -= table[i].size;
	table[i].base = p;
	table[i].size = size;
	table[i].site = site;
	table[i].mark = table[i].entry = 0;
	bytes += size;
}

static int reserve(size_t more)
{
	struct saz_block *old = table;
	size_t old_cap = cap, i;
	size_t want = cap ? cap : 1024;

	while ((used + more) * 3 > want * 2)
		want *= 2;
	if (want == cap)
		return 1;
	table = saz_mem_get(want * sizeof *table);
	if (table == NULL) {
		table = old;
		return 0;
	}
	cap = want;
	used = bytes = 0;
	for (i = 0; i < old_cap; i++)
		if (old[i].base != NULL) {
			uint32_t mark = old[i].mark, entry = old[i].entry;

			put(old[i].base, old[i].size, old[i].site);
			find(old[i].base)->mark = mark;
			find(old[i].base)->entry = entry;
		}
	saz_mem_put(old);
	forget_sorted();
	return 1;
}

static void take(struct saz_block *b)
{
	size_t hole = (size_t)(b - table), i = hole;

	bytes -= b->size;
	used--;
	for (;;) {
		size_t h;

		i = (i + 1) & (cap - 1);
		if (table[i].base == NULL)
			break;
		h = home(table[i].base);
		if (((i - h) & (cap - 1)) >= ((i - hole) & (cap - 1))) {
			table[hole] = table[i];
			hole = i;
		}
	}
	memset(&table[hole], 0, sizeof table[hole]);
	if (sorted != NULL)
		forget_sorted();
}

/* ---- for export and import ---- */

void saz_heap_lock(void)
{
	pthread_mutex_lock(&lock);
	saz_heap_clear_marks();
}

void saz_heap_unlock(void)
{
	forget_sorted();
	pthread_mutex_unlock(&lock);
}

void saz_heap_clear_marks(void)
{
	size_t i;

	for (i = 0; i < cap; i++)
		table[i].mark = table[i].entry = 0;
}

struct saz_block *saz_heap_find(const void *base)
{
	return find(base);
}

static int by_base(const void *a, const void *b)
{
	const struct saz_block *x = *(struct saz_block *const *)a, *y = *(struct saz_block *const *)b;

	return x->base < y->base ? -1 : x->base > y->base;
}

static int sort_blocks(void)
{
	size_t i, n = 0;

	sorted = SAZ_NEW(struct saz_block *, used);
	if (sorted == NULL)
		return 0;
	for (i = 0; i < cap; i++)
		if (table[i].base != NULL)
			sorted[n++] = &table[i];
	qsort(sorted, n, sizeof *sorted, by_base);
	return 1;
}

/* Without memory for the sorted copy this is slow, not wrong. */
struct saz_block *saz_heap_at(const void *p, int past_end)
{
	const unsigned char *q = p;
	struct saz_block *b = find(p);
	size_t lo = 0, hi = used, i;

	if (b != NULL || used == 0)
		return b;
	if (sorted == NULL && !sort_blocks()) {
		for (i = 0; i < cap; i++)
			if (table[i].base != NULL && q >= table[i].base &&
			    (size_t)(q - table[i].base) < table[i].size + (past_end != 0))
				return &table[i];
		return NULL;
	}
	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (sorted[mid]->base <= q)
			lo = mid + 1;
		else
			hi = mid;
	}
	if (lo == 0)
		return NULL;
	b = sorted[lo - 1];
	return (size_t)(q - b->base) < b->size + (past_end != 0) ? b : NULL;
}

struct saz_block *saz_heap_next(struct saz_block *b)
{
	size_t i = b == NULL ? 0 : (size_t)(b - table) + 1;

	for (; i < cap; i++)
		if (table[i].base != NULL)
			return &table[i];
	return NULL;
}

int saz_heap_reserve(size_t more)
{
	return reserve(more);
}

void saz_heap_add(void *base, size_t size, uint32_t site)
{
	forget_sorted();
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
	pthread_mutex_lock(&lock);
	*blocks = used;
	*total = bytes;
	pthread_mutex_unlock(&lock);
}

void saz_heap_fork(int when)
{
	if (when == 0)
		pthread_mutex_lock(&lock);
	else
		pthread_mutex_unlock(&lock);
}

/* ---- for the program ---- */

/* Room for one more is made first, so that what was allocated can always be recorded. */
static int begin(void)
{
	int ok;

	pthread_mutex_lock(&lock);
	ok = reserve(1);
	if (!ok) {
		pthread_mutex_unlock(&lock);
		errno = ENOMEM;
	}
	return ok;
}

static void *end(void *p, size_t size, unsigned site)
{
	if (p != NULL) {
		if (sorted != NULL)
			forget_sorted();
		put(p, size, site);
	}
	pthread_mutex_unlock(&lock);
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
		pthread_mutex_lock(&lock);
		b = find(block);
		if (b != NULL)
			b->site = site;
		pthread_mutex_unlock(&lock);
	}
	return block;
}

/* The record goes before the block does: another thread may be given the address at once. */
void saz_free(void *block)
{
	struct saz_block *b;

	if (block != NULL) {
		pthread_mutex_lock(&lock);
		b = find(block);
		if (b != NULL)
			take(b);
		pthread_mutex_unlock(&lock);
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
		pthread_mutex_unlock(&lock);
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
