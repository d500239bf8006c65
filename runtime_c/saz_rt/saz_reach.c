/*
 * saz_reach.c - which variables lead to an object, kept up to date for saz_verify.c.
 *
 * To walk from all variables without a mark whenever something has changed takes longest of all that a verify build does, where
 * state is many small blocks.  So each object keeps the set of variables that lead to it.  When an object has changed, what it
 * points at now gets the object's set too, and so on, as far as that is new.  Nothing is ever taken out of a set: it may say
 * too much, never too little, and where it makes a change look unannounced, the walk has the last word.  A block that is allocated
 * where another was begins with what led there, for a pointer may have come back to the same value.
 *
 * Sets are few and have numbers; unions are remembered.
 */
#include "saz_rt_int.h"

#if SAZ_VERIFY

#include <string.h>

#define MOST 60000u             /* sets; more: it is given up */
#define SLOTS 131072u           /* of the table of sets; a power of two */
#define UNIONS 4096u
#define GHOSTS 65536u

static struct saz_buf saz_sets; /* words of each */
static uint32_t *saz_set_at;    /* hash table: number + 1 */
static uint32_t saz_nsets;
static size_t saz_set_words;
static uint64_t *saz_scratch;
static struct { uint32_t a, b, is; } saz_unions[UNIONS];
static uint32_t saz_ghosts[GHOSTS];
static struct saz_buf saz_queue;        /* struct task */
static int saz_reach_is_off = 1;

struct task {
	const unsigned char *base, *old;
	size_t size;
	unsigned type;
	struct saz_reach *of;
};

static const uint64_t *words(uint32_t set)
{
	return (const uint64_t *)(const void *)saz_sets.data + set * saz_set_words;
}

static void give_up(void)
{
	saz_reach_is_off = 1;
}

int saz_reach_failed(void)
{
	return saz_reach_is_off;
}

/* The number of the set in saz_scratch. */
static uint32_t number(void)
{
	size_t len = saz_set_words * sizeof *saz_scratch;
	uint32_t i = (uint32_t)saz_hash(1, saz_scratch, len) & (SLOTS - 1);

	for (; saz_set_at[i] != 0; i = (i + 1) & (SLOTS - 1))
		if (memcmp(words(saz_set_at[i] - 1), saz_scratch, len) == 0)
			return saz_set_at[i] - 1;
	if (saz_nsets == MOST || saz_buf_add(&saz_sets, saz_scratch, len) == NULL) {
		give_up();
		return 0;
	}
	saz_set_at[i] = ++saz_nsets;
	return saz_nsets - 1;
}

void saz_reach_start(unsigned roots)
{
	saz_set_words = (roots + 63) / 64 + (roots == 0);
	saz_set_at = saz_mem_get(SLOTS * sizeof *saz_set_at);
	saz_scratch = saz_mem_get(saz_set_words * sizeof *saz_scratch);
	saz_sets.limit = saz_queue.limit = (size_t)-1 / 4;
	saz_reach_is_off = saz_set_at == NULL || saz_scratch == NULL;
	if (!saz_reach_is_off)
		number();               /* the empty one is 0 */
}

uint32_t saz_reach_with(uint32_t set, unsigned root)
{
	if (saz_reach_is_off)
		return 0;
	memcpy(saz_scratch, words(set), saz_set_words * sizeof *saz_scratch);
	saz_scratch[root / 64] |= (uint64_t)1 << root % 64;
	return number();
}

static uint32_t both(uint32_t a, uint32_t b)
{
	uint32_t at;
	size_t i;

	if (a == b || b == 0 || saz_reach_is_off)
		return a;
	if (a == 0)
		return b;
	at = (a * 31u + b) & (UNIONS - 1);
	if (saz_unions[at].a == a && saz_unions[at].b == b)
		return saz_unions[at].is;
	for (i = 0; i < saz_set_words; i++)
		saz_scratch[i] = words(a)[i] | words(b)[i];
	saz_unions[at].is = number();
	saz_unions[at].a = a;
	saz_unions[at].b = b;
	return saz_unions[at].is;
}

int saz_reach_meets(uint32_t set, const uint64_t *roots)
{
	size_t i;

	for (i = 0; i < saz_set_words; i++)
		if (words(set)[i] & roots[i])
			return 1;
	return 0;
}

void saz_reach_from(const void *base, const void *old, size_t size, unsigned type, struct saz_reach *of)
{
	struct task t;

	if (of->set == 0 || saz_reach_is_off)
		return;
	t.base = base;
	t.old = old;
	t.size = size;
	t.type = type;
	t.of = of;
	if (old == NULL)
		of->spread = 0;
	if (saz_buf_add(&saz_queue, &t, sizeof t) == NULL)
		give_up();
}

struct spreading {
	const unsigned char *base, *old;
	uint32_t set;
	struct saz_reach *(*of_symbol)(unsigned symbol, const void **base, size_t *size, unsigned *type);
};

static int to(void *ctx, size_t off, const struct saz_slot *slot)
{
	struct spreading *x = ctx;
	struct saz_reach *of = NULL;
	struct saz_target t;
	const void *p, *base = NULL;
	size_t size = 0;
	unsigned type = 0;
	uint32_t set;

	if (slot->kind == SAZ_FUN || slot->kind == SAZ_OPQ || (p = saz_load(x->base + off)) == NULL)
		return 1;
	if (x->old != NULL && p == saz_load(x->old + off))
		return 1;
	saz_resolve(p, 0, &t);
	if (t.what == SAZ_BLOCK) {
		of = &t.block->reach;
		base = t.block->base;
		size = t.block->size;
		type = saz_site_type(t.block->site);
	} else if (t.what == SAZ_SYMBOL) {
		of = x->of_symbol((unsigned)t.index, &base, &size, &type);
	}
	if (of == NULL)
		return 1;
	set = both(of->set, x->set);
	if (set != of->set) {
		of->set = set;
		saz_reach_from(base, NULL, size, type, of);
	}
	return !saz_reach_is_off;
}

/* Of an array of 200 MB, a page may have been written. */
static void to_written(const struct task *t, struct spreading *x)
{
	size_t off, n;
	int written;

	for (off = 0; off < t->size; off += n) {
		n = saz_pages_run(t->base + off, t->size - off, &written);
		if (written)
			saz_slots_in(t->type, t->size, off, off + n, to, x);
	}
}

void saz_reach_spread(struct saz_reach *(*of_symbol)(unsigned symbol, const void **base, size_t *size, unsigned *type))
{
	struct spreading x;
	size_t at;

	x.of_symbol = of_symbol;
	for (at = 0; at < saz_queue.len && !saz_reach_is_off; at += sizeof(struct task)) {
		struct task t;

		memcpy(&t, saz_queue.data + at, sizeof t);
		if (t.of->set == 0 || (t.old == NULL && t.of->spread == t.of->set) || saz_program.types[t.type].nslots == 0)
			continue;
		if (t.old == NULL)
			t.of->spread = t.of->set;
		x.base = t.base;
		x.old = t.of->spread == t.of->set ? t.old : NULL;
		x.set = t.of->set;
		if (x.old == NULL)
			saz_slots(t.type, t.size, to, &x);
		else
			to_written(&t, &x);
	}
	saz_queue.len = 0;
}

void saz_reach_clear(void)
{
	struct saz_block *b;

	for (b = saz_heap_next(NULL); b != NULL; b = saz_heap_next(b))
		memset(&b->reach, 0, sizeof b->reach);
}

static uint32_t *ghost(const void *base)
{
	return &saz_ghosts[(uintptr_t)base / 16 * 0x9e3779b1u % GHOSTS];
}

void saz_reach_born(struct saz_block *b)
{
	b->reach.set = both(*ghost(b->base), b->reach.set);
	b->reach.spread = 0;
	b->reach.site = 0;
}

void saz_reach_gone(const struct saz_block *b)
{
	*ghost(b->base) = both(*ghost(b->base), b->reach.set);
}

#else
typedef int saz_reach_unused;
#endif
