/*
 * saz_import.c - an image is looked through from end to end, then staged, then put in place.
 *
 *	check   every record against the tables: counts, bounds, sites, types, the words that
 *	        references stand for, what they point at.  Nothing is allocated by the image's word.
 *	stage   new blocks are filled beside the program's state; for each entry it is decided
 *	        whether it is new, replaces one of the same key, or gives way to one.
 *	commit  blocks become tracked, ranges are written, entries linked, what was replaced is freed.
 *
 * Check and stage may fail, and then nothing has changed; commit cannot fail.
 */
#include "saz_rt_int.h"

#include <stdlib.h>
#include <string.h>

#define P (&saz_program)
#define SAZ_SLACK 16

struct var {
	const struct saz_range *range;
	const unsigned char *data;
	unsigned char *staged;          /* in saz_import.var_bytes */
};
struct block {
	const unsigned char *data;
	unsigned char *base;            /* staged; or the receiver's entry that it gives way to */
	size_t size;
	uint32_t site;
	unsigned char foreign;          /* base is the receiver's */
	unsigned char entry;            /* has an entry record */
	unsigned char shared;
};
struct lit {
	const unsigned char *data;
	size_t len;
	uint64_t off;
	const void *base;
	int own;                        /* base is a new block */
};

struct saz_import {
	struct saz_image_header h;
	struct var *vars;
	struct block *blocks;
	struct lit *lits;
	const struct saz_image_entry *entries;
	const struct saz_image_ref *vrefs, *brefs;
	struct saz_entries old;
	struct saz_release release;
	unsigned char **going;          /* entries of the receiver that are replaced */
	size_t ngoing;
	unsigned char *var_bytes;
	struct saz_error *e;
	int loose, committed;
	struct saz_counts counts;
	/* the walk over references */
	const struct saz_image_ref *ref, *ref_end;
	int in_var, filling;
	uint32_t from;
	size_t shift, len;
	unsigned char *out;
};

static int bad(struct saz_import *x, const char *what)
{
	return saz_fail(x->e, "image", "%s", what);
}

/* ---- check ---- */

struct reader {
	const unsigned char *p;
	size_t left;
};

static const void *take(struct reader *r, uint64_t len)
{
	const unsigned char *p = r->p;

	if (len > r->left)
		return NULL;
	r->p += len;
	r->left -= (size_t)len;
	return p;
}

static const void *take_padded(struct reader *r, uint64_t len)
{
	if (len > r->left || ((len + 7) & ~(uint64_t)7) > r->left)
		return NULL;
	return take(r, (len + 7) & ~(uint64_t)7);
}

static int check_header(struct saz_import *x, const unsigned char *image, size_t len)
{
	struct saz_image_header *h = &x->h;

	if (len < sizeof *h)
		return bad(x, "too short");
	memcpy(h, image, sizeof *h);
	if (memcmp(h->magic, SAZ_MAGIC, sizeof h->magic) != 0)
		return bad(x, "not a state image");
	if (h->version != SAZ_IMAGE_VERSION)
		return saz_fail(x->e, "version", "image version %u, not %u", h->version, SAZ_IMAGE_VERSION);
	if (h->order != SAZ_ORDER || h->word != sizeof(void *))
		return saz_fail(x->e, "machine", "made on another kind of machine");
	if (h->length != len)
		return bad(x, "wrong length");
	if (h->checksum != saz_image_sum(image, len))
		return bad(x, "wrong checksum");
	if (h->fingerprint != P->fingerprint || h->types != saz_types_digest())
		return saz_fail(x->e, "fingerprint", "made by another program or another build of it");
	if (h->flags & ~(SAZ_I_SNAPSHOT | SAZ_I_STATE | SAZ_I_LOOSE))
		return bad(x, "unknown flags");
	if (h->flags & SAZ_I_LOOSE && !x->loose)
		return saz_fail(x->e, "types", "a pointer's target does not fit its type; SAZ_LOOSE=1 accepts that");
	return 1;
}

static int read_vars(struct saz_import *x, struct reader *r)
{
	uint32_t i;
	unsigned k = 0;

	if (x->h.nvars > P->nranges)
		return bad(x, "too many ranges of variables");
	if (x->h.nvars != 0 && !(x->h.flags & (SAZ_I_SNAPSHOT | SAZ_I_STATE)))
		return bad(x, "variables among flows");
	x->vars = SAZ_NEW(struct var, x->h.nvars);
	if (x->vars == NULL)
		return saz_fail(x->e, "memory", "no memory");
	for (i = 0; i < x->h.nvars; i++) {
		const struct saz_image_var *v = take(r, sizeof *v);
		const struct saz_range *range;

		if (v == NULL)
			return bad(x, "ends within the variables");
		for (; k < P->nranges; k++)
			if (P->ranges[k].symbol == v->symbol && P->ranges[k].off == v->off && P->ranges[k].len == v->len)
				break;
		if (k == P->nranges || !saz_writable(&P->symbols[v->symbol]))
			return bad(x, "a range of a variable that is not to be had");
		range = &P->ranges[k++];
		if (x->h.flags & SAZ_I_SNAPSHOT ? v->op != SAZ_REPLACE
		                                : v->op != range->op || range->op == SAZ_MANUAL || range->op == SAZ_LINKS)
			return bad(x, "a variable is to be merged in another way");
		x->vars[i].range = range;
		x->vars[i].data = take_padded(r, v->len);
		if (x->vars[i].data == NULL)
			return bad(x, "ends within the variables");
	}
	return 1;
}

static int read_blocks(struct saz_import *x, struct reader *r)
{
	uint32_t i;

	if (x->h.nblocks > r->left / sizeof(struct saz_image_block))
		return bad(x, "too many blocks");
	x->blocks = SAZ_NEW(struct block, x->h.nblocks);
	if (x->blocks == NULL)
		return saz_fail(x->e, "memory", "no memory");
	for (i = 0; i < x->h.nblocks; i++) {
		const struct saz_image_block *b = take(r, sizeof *b);

		if (b == NULL)
			return bad(x, "ends within the blocks");
		if (b->site >= P->nsites || b->flags != 0)
			return bad(x, "a block of an unknown site");
		x->blocks[i].site = b->site;
		x->blocks[i].size = (size_t)b->size;
		x->blocks[i].data = take_padded(r, b->size);
		if (x->blocks[i].data == NULL)
			return bad(x, "ends within the blocks");
	}
	return 1;
}

static int by_block(const void *a, const void *b)
{
	const struct saz_image_entry *x = a, *y = b;

	if (x->block != y->block)
		return x->block < y->block ? -1 : 1;
	return x->container < y->container ? -1 : x->container > y->container;
}

static int read_entries(struct saz_import *x, struct reader *r)
{
	uint32_t n = x->h.nentries, i;
	struct saz_image_entry *copy;
	int twice = 0;

	x->entries = take(r, (uint64_t)n * sizeof *x->entries);
	if (x->entries == NULL)
		return bad(x, "ends within the entries");
	if (n != 0 && x->h.flags & SAZ_I_SNAPSHOT)
		return bad(x, "entries in a snapshot");
	for (i = 0; i < n; i++) {
		const struct saz_image_entry *a = &x->entries[i];
		const struct saz_container *c;
		struct block *b;
		unsigned type;
		size_t buckets;

		if (a->container >= P->ncontainers || a->block >= x->h.nblocks || a->shared > 1)
			return bad(x, "an entry of no container");
		c = &P->containers[a->container];
		b = &x->blocks[a->block];
		saz_heads(c, &buckets);
		if (a->bucket >= buckets)
			return saz_fail(x->e, "buckets", "%s has %lu buckets here, not %lu", c->name, (unsigned long)buckets,
			                (unsigned long)a->bucket + 1);
		type = saz_site_type(b->site);
		if (b->size < P->types[c->entry].size ||
		    !(x->loose || type == SAZ_BYTES || type == SAZ_WORDS || saz_fits(c->entry, type, b->size, 0)))
			return bad(x, "an entry of the wrong type");
		if (b->entry && b->shared != a->shared)
			return bad(x, "an entry both shared and not");
		b->entry = 1;
		b->shared = (unsigned char)a->shared;
	}
	copy = SAZ_NEW(struct saz_image_entry, n);
	if (copy == NULL)
		return saz_fail(x->e, "memory", "no memory");
	if (n != 0)
		memcpy(copy, x->entries, n * sizeof *copy);
	qsort(copy, n, sizeof *copy, by_block);
	for (i = 1; i < n; i++)
		twice |= by_block(&copy[i - 1], &copy[i]) == 0;
	saz_mem_put(copy);
	return twice ? bad(x, "an entry twice in a container") : 1;
}

static int read_literals(struct saz_import *x, struct reader *r)
{
	uint32_t i;

	if (x->h.nliterals > r->left / sizeof(struct saz_image_literal))
		return bad(x, "too many literals");
	x->lits = SAZ_NEW(struct lit, x->h.nliterals);
	if (x->lits == NULL)
		return saz_fail(x->e, "memory", "no memory");
	for (i = 0; i < x->h.nliterals; i++) {
		const struct saz_image_literal *l = take(r, sizeof *l);

		if (l == NULL)
			return bad(x, "ends within the literals");
		x->lits[i].off = l->off;
		x->lits[i].len = (size_t)l->len;
		x->lits[i].data = take_padded(r, l->len);
		if (x->lits[i].data == NULL || l->len == 0 || x->lits[i].data[l->len - 1] != 0)
			return bad(x, "a literal without an end");
	}
	return 1;
}

static int check_ref(struct saz_import *x, const struct saz_image_ref *r, const struct saz_slot *s)
{
	int data = s->kind == SAZ_PTR || s->kind == SAZ_STR || s->kind == SAZ_ANY;
	int any = s->kind == SAZ_ANY || s->type == SAZ_BYTES || s->type == SAZ_WORDS;
	unsigned type;
	size_t size;

	switch (r->kind) {
	case SAZ_R_BLOCK:
		if (!(data || x->loose) || r->target >= x->h.nblocks)
			return 0;
		type = saz_site_type(x->blocks[r->target].site);
		size = x->blocks[r->target].size;
		break;
	case SAZ_R_SYMBOL:
		if (!(data || x->loose) || r->target >= P->nsymbols || P->symbols[r->target].address == NULL)
			return 0;
		type = P->symbols[r->target].type;
		size = P->symbols[r->target].size;
		break;
	case SAZ_R_FUNCTION:
		return (s->kind == SAZ_FUN || (data && any)) && r->target < P->nfunctions &&
		       P->functions[r->target].address != NULL;
	case SAZ_R_LITERAL:
		return s->kind == SAZ_STR && r->target < x->h.nliterals;
	case SAZ_R_RODATA:
		return data && x->h.module == saz_module_id() && P->types[s->type].nslots == 0 &&
		       saz_rodata((size_t)r->toff, P->types[s->type].size) != NULL;
	case SAZ_R_KEEP:
		return x->in_var;
	case SAZ_R_OWN:
		if (x->in_var || s->kind != SAZ_OPQ || r->target >= P->nsymbols || P->symbols[r->target].address == NULL ||
		    r->toff > P->symbols[r->target].size)
			return 0;
		s = saz_slot_at(P->symbols[r->target].type, P->symbols[r->target].size, (size_t)r->toff);
		return s != NULL && s->kind == SAZ_OPQ;
	default:
		return 0;
	}
	if (s->kind == SAZ_ANY)
		return r->toff <= size;
	return r->toff <= size && (x->loose || saz_fits(s->type, type, size, (size_t)r->toff));
}

static const void *ref_address(const struct saz_import *x, const struct saz_image_ref *r)
{
	switch (r->kind) {
	case SAZ_R_BLOCK:
		return x->blocks[r->target].base + r->toff;
	case SAZ_R_SYMBOL:
		return (const char *)P->symbols[r->target].address + r->toff;
	case SAZ_R_FUNCTION:
		return (const void *)(uintptr_t)P->functions[r->target].address;
	case SAZ_R_LITERAL:
		return x->lits[r->target].base;
	case SAZ_R_OWN:
		return saz_load((const char *)P->symbols[r->target].address + r->toff);
	default:
		return saz_rodata((size_t)r->toff, 1);
	}
}

/* One word: the next reference is its, or it has none. */
static int word(void *ctx, size_t off, const struct saz_slot *s)
{
	struct saz_import *x = ctx;
	const struct saz_image_ref *r = NULL;

	if (off < x->shift || off + sizeof(void *) > x->shift + x->len)
		return 1;
	off -= x->shift;
	if (x->ref < x->ref_end && x->ref->from == x->from && x->ref->off == off)
		r = x->ref++;
	if (!x->filling)
		return r == NULL || check_ref(x, r, s) || bad(x, "a reference to what it cannot point at");
	if (r == NULL) {
		if (s->kind == SAZ_ANY || (x->in_var && s->kind == SAZ_OPQ))
			return 1;       /* a number; or the receiver's own, which is there already */
		saz_store(x->out + off, NULL);
	} else if (r->kind != SAZ_R_KEEP) {
		saz_store(x->out + off, ref_address(x, r));
	}
	return 1;
}

static int walk_vars(struct saz_import *x)
{
	uint32_t i;

	x->ref = x->vrefs;
	x->ref_end = x->vrefs + x->h.nvrefs;
	x->in_var = 1;
	for (i = 0; i < x->h.nvars; i++) {
		const struct saz_range *range = x->vars[i].range;
		const struct saz_symbol *s = &P->symbols[range->symbol];

		x->from = i;
		x->shift = range->off;
		x->len = range->len;
		x->out = x->vars[i].staged;
		if (!saz_slots(s->type, s->size, word, x))
			return 0;
	}
	return x->ref == x->ref_end || bad(x, "a reference at no word of a variable that holds one");
}

static int walk_blocks(struct saz_import *x)
{
	uint32_t i;

	x->ref = x->brefs;
	x->ref_end = x->brefs + x->h.nbrefs;
	x->in_var = 0;
	x->shift = 0;
	for (i = 0; i < x->h.nblocks; i++) {
		struct block *b = &x->blocks[i];

		if (x->filling && b->foreign) {
			while (x->ref < x->ref_end && x->ref->from == i)
				x->ref++;
			continue;
		}
		x->from = i;
		x->len = b->size;
		x->out = b->base;
		if (!saz_slots(saz_site_type(b->site), b->size, word, x))
			return 0;
	}
	return x->ref == x->ref_end || bad(x, "a reference at no word of a block that holds one");
}

static int check(struct saz_import *x, const unsigned char *image, size_t len)
{
	struct reader r;

	if (!check_header(x, image, len))
		return 0;
	r.p = image + sizeof x->h;
	r.left = len - sizeof x->h;
	if (!read_vars(x, &r) || !read_blocks(x, &r) || !read_entries(x, &r))
		return 0;
	x->vrefs = take(&r, (uint64_t)x->h.nvrefs * sizeof *x->vrefs);
	x->brefs = x->vrefs ? take(&r, (uint64_t)x->h.nbrefs * sizeof *x->brefs) : NULL;
	if (x->brefs == NULL)
		return bad(x, "ends within the references");
	if (!read_literals(x, &r))
		return 0;
	if (r.left != 0)
		return bad(x, "goes on after its end");
	return walk_vars(x) && walk_blocks(x);
}

/* ---- stage: entries of the same key ---- */

struct same {                   /* open addressing by hash */
	uint64_t hash;
	const void *entry;      /* of the receiver, or bytes of the image */
	unsigned char *mine;    /* the receiver's, if any */
	uint32_t container, nmine, nnew;
};

static struct same *find_same(struct same *table, size_t cap, uint32_t container, const void *entry)
{
	const struct saz_container *c = &P->containers[container];
	struct saz_flow k, other;
	uint64_t hash;
	size_t i;

	saz_flow_of(c, entry, &k);
	saz_flow_canonical(c, &k);
	hash = saz_hash(container, &k, sizeof k);
	for (i = hash & (cap - 1); table[i].entry != NULL; i = (i + 1) & (cap - 1)) {
		if (table[i].hash != hash || table[i].container != container)
			continue;
		saz_flow_of(c, table[i].entry, &other);
		saz_flow_canonical(c, &other);
		if (memcmp(&k, &other, sizeof k) == 0)
			return &table[i];
	}
	table[i].hash = hash;
	table[i].container = container;
	table[i].entry = entry;
	return &table[i];
}

/* A key that several entries of one side have does not name an entry: those all stay. */
static int settle(struct saz_import *x, struct same *table, size_t cap)
{
	uint32_t i;

	for (i = 0; i < x->old.n; i++) {
		const struct saz_entry *o = &x->old.list[i];
		struct same *s;

		if (P->containers[o->container].nkeys == 0)
			continue;
		s = find_same(table, cap, o->container, o->base);
		s->mine = o->base;
		s->nmine++;
	}
	for (i = 0; i < x->h.nentries; i++)
		if (P->containers[x->entries[i].container].nkeys != 0)
			find_same(table, cap, x->entries[i].container, x->blocks[x->entries[i].block].data)->nnew++;
	for (i = 0; i < x->h.nentries; i++) {
		const struct saz_image_entry *a = &x->entries[i];
		struct block *b = &x->blocks[a->block];
		struct same *s;

		if (P->containers[a->container].nkeys == 0)
			continue;
		s = find_same(table, cap, a->container, b->data);
		if (s->nmine != 1 || s->nnew != 1)
			continue;
		if (a->shared && !b->foreign) {
			b->foreign = 1;
			b->base = s->mine;
		} else if (!a->shared) {
			struct saz_block *mine = saz_heap_find(s->mine);

			if (mine->mark == 0)
				x->going[x->ngoing++] = s->mine;
			if (!saz_release_add(&x->release, mine))
				return saz_fail(x->e, "memory", "no memory");
		}
	}
	return saz_reach(&x->release, &x->old) || saz_fail(x->e, "memory", "no memory");
}

/* Two new entries must not both want to be what the receiver has, nor may an entry that goes be what
 * a shared one gives way to. */
static int stage_entries(struct saz_import *x)
{
	size_t cap = 64;
	struct same *table;
	int ok;

	if (!saz_entries_find(&x->old, x->e))
		return 0;
	while (cap < 2 * (x->old.n + x->h.nentries))
		cap *= 2;
	table = SAZ_NEW(struct same, cap);
	x->going = SAZ_NEW(unsigned char *, x->h.nentries);
	if (table == NULL || x->going == NULL) {
		saz_mem_put(table);
		return saz_fail(x->e, "memory", "no memory");
	}
	ok = settle(x, table, cap);
	saz_mem_put(table);
	return ok;
}

/* ---- stage: blocks, literals, variables ---- */

static int stage_blocks(struct saz_import *x)
{
	uint32_t i;

	for (i = 0; i < x->h.nblocks; i++) {
		struct block *b = &x->blocks[i];

		if (b->foreign) {
			const struct saz_block *mine = saz_heap_find(b->base);

			if (mine->size < b->size || saz_site_type(mine->site) != saz_site_type(b->site))
				return saz_fail(x->e, "types", "an entry with the same key is of another type here");
			continue;
		}
		/* What should have been a string ends behind the block, and an address just past its end can be
		 * looked at. */
		b->base = saz_mem_get(b->size + SAZ_SLACK);
		if (b->base == NULL)
			return saz_fail(x->e, "memory", "no memory for the blocks");
		memcpy(b->base, b->data, b->size);
	}
	for (i = 0; i < x->h.nliterals; i++) {
		struct lit *l = &x->lits[i];

		l->base = x->h.module == saz_module_id() ? saz_rodata((size_t)l->off, l->len) : NULL;
		if (l->base != NULL && saz_same_bytes(l->base, l->data, l->len))
			continue;
		l->base = saz_mem_get(l->len);
		if (l->base == NULL)
			return saz_fail(x->e, "memory", "no memory for the literals");
		memcpy((void *)l->base, l->data, l->len);
		l->own = 1;
	}
	return saz_heap_reserve((size_t)x->h.nblocks + x->h.nliterals) || saz_fail(x->e, "memory", "no memory");
}

static int own_word(void *ctx, size_t off, const struct saz_slot *s)
{
	struct saz_import *x = ctx;
	int keep = s->kind == SAZ_OPQ;

	if (off < x->shift || off + sizeof(void *) > x->shift + x->len)
		return 1;
	off -= x->shift;
	if (x->ref < x->ref_end && x->ref->from == x->from && x->ref->off == off)
		keep |= x->ref++->kind == SAZ_R_KEEP;
	if (keep)
		memcpy(x->vars[x->from].staged + off, x->out + off, sizeof(void *));
	return 1;
}

/* What is written over a variable: the image's bytes, and the receiver's where those are its own. */
static int stage_vars(struct saz_import *x)
{
	size_t total = 0;
	uint32_t i;

	for (i = 0; i < x->h.nvars; i++)
		total += x->vars[i].range->len;
	x->var_bytes = saz_mem_get(total + 1);
	if (x->var_bytes == NULL)
		return saz_fail(x->e, "memory", "no memory for the variables");
	total = 0;
	x->ref = x->vrefs;
	x->ref_end = x->vrefs + x->h.nvrefs;
	for (i = 0; i < x->h.nvars; i++) {
		const struct saz_range *range = x->vars[i].range;
		const struct saz_symbol *s = &P->symbols[range->symbol];

		x->vars[i].staged = x->var_bytes + total;
		memcpy(x->vars[i].staged, x->vars[i].data, range->len);
		total += range->len;
		x->from = i;
		x->shift = range->off;
		x->len = range->len;
		x->out = (unsigned char *)s->address + range->off;
		saz_slots(s->type, s->size, own_word, x);
		if ((x->h.flags & SAZ_I_SNAPSHOT || range->op == SAZ_REPLACE) &&
		    !saz_reach_symbol(&x->release, &x->old, range->symbol, range->off, range->len))
			return saz_fail(x->e, "memory", "no memory");
	}
	return 1;
}

static int stage(struct saz_import *x)
{
	if (!(x->h.flags & SAZ_I_SNAPSHOT) && !stage_entries(x))
		return 0;
	if (!stage_blocks(x) || !stage_vars(x))
		return 0;
	x->filling = 1;
	return walk_vars(x) && walk_blocks(x);
}

struct saz_import *saz_import_stage(const void *image, size_t len, struct saz_error *e)
{
	struct saz_import *x = SAZ_NEW(struct saz_import, 1);
	const char *loose = getenv("SAZ_LOOSE");
	int ok;

	saz_tables_init();
	if (x == NULL) {
		saz_fail(e, "memory", "no memory");
		return NULL;
	}
	x->e = e;
	x->loose = loose != NULL && strcmp(loose, "1") == 0;
	saz_heap_lock();
	ok = saz_heap_complete(e) && check(x, image, len) && stage(x);
	saz_heap_unlock();
	if (!ok) {
		saz_import_free(x);
		return NULL;
	}
	return x;
}

/* ---- commit ---- */

#define MERGE(type) \
	do { \
		type a, b; \
		memcpy(&a, to, sizeof a); \
		memcpy(&b, from, sizeof b); \
		a = op == SAZ_ADD ? (type)(a + b) : (op == SAZ_MAX) == (a > b) ? a : b; \
		memcpy(to, &a, sizeof a); \
	} while (0)

static void merge_number(unsigned char *to, const unsigned char *from, int op, int num, int width)
{
	switch (num * 16 + width) {
	case SAZ_UNSIGNED * 16 + 1: MERGE(uint8_t); break;
	case SAZ_UNSIGNED * 16 + 2: MERGE(uint16_t); break;
	case SAZ_UNSIGNED * 16 + 4: MERGE(uint32_t); break;
	case SAZ_UNSIGNED * 16 + 8: MERGE(uint64_t); break;
	case SAZ_SIGNED * 16 + 1: if (op == SAZ_ADD) MERGE(uint8_t); else MERGE(int8_t); break;
	case SAZ_SIGNED * 16 + 2: if (op == SAZ_ADD) MERGE(uint16_t); else MERGE(int16_t); break;
	case SAZ_SIGNED * 16 + 4: if (op == SAZ_ADD) MERGE(uint32_t); else MERGE(int32_t); break;
	case SAZ_SIGNED * 16 + 8: if (op == SAZ_ADD) MERGE(uint64_t); else MERGE(int64_t); break;
	case SAZ_FLOAT * 16 + 4: MERGE(float); break;
	case SAZ_FLOAT * 16 + 8: MERGE(double); break;
	default: break;
	}
}

static void write_var(const struct saz_import *x, const struct var *v)
{
	const struct saz_range *r = v->range;
	unsigned char *to = (unsigned char *)P->symbols[r->symbol].address + r->off;
	size_t i;

	if (x->h.flags & SAZ_I_SNAPSHOT || r->op == SAZ_REPLACE)
		memcpy(to, v->staged, r->len);
	else
		for (i = 0; r->width != 0 && i + r->width <= r->len; i += r->width)
			merge_number(to + i, v->staged + i, r->op, r->num, r->width);
}

static void link_entries(struct saz_import *x)
{
	struct saz_cursor at;
	uint32_t i;
	unsigned k;

	for (i = 0; i < x->ngoing; i++) {
		struct saz_block *b = saz_heap_find(x->going[i]);

		if (b != NULL)
			b->mark = SAZ_GOING;
	}
	for (k = 0; x->ngoing != 0 && k < P->ncontainers; k++)
		saz_unlink_marked(&P->containers[k]);
	memset(&at, 0, sizeof at);
	for (i = 0; i < x->h.nentries; i++) {
		const struct saz_image_entry *a = &x->entries[i];
		const struct block *b = &x->blocks[a->block];

		if (b->foreign)
			continue;
		saz_append(&at, &P->containers[a->container], a->bucket, b->base);
		if (a->shared)
			x->counts.shared++;
		else
			x->counts.entries++;
	}
	for (k = 0; x->h.nentries != 0 && k < P->ncontainers; k++)
		saz_fix_tail(&P->containers[k]);
}

/* The image's own memory (entries) must still be there. */
void saz_import_commit(struct saz_import *x, struct saz_counts *counts)
{
	uint32_t i;
	int foreign = 0;

	saz_heap_lock();
	for (i = 0; i < x->h.nblocks; i++) {
		const struct block *b = &x->blocks[i];

		foreign |= b->foreign;
		if (b->foreign)
			continue;
		saz_heap_add(b->base, b->size, b->site);
		x->counts.blocks++;
		x->counts.bytes += b->size;
	}
	for (i = 0; i < x->h.nliterals; i++)
		if (x->lits[i].own)
			saz_heap_add((void *)x->lits[i].base, x->lits[i].len, 0);
	for (i = 0; i < x->h.nvars; i++) {
		write_var(x, &x->vars[i]);
		x->counts.vars++;
		x->counts.bytes += x->vars[i].range->len;
	}
	link_entries(x);
	x->counts.replaced = x->ngoing;
	/* Where a shared entry gave way, what only it had is not needed. */
	for (i = 0; foreign && i < x->h.nblocks; i++)
		if (!x->blocks[i].foreign)
			foreign = saz_release_add(&x->release, saz_heap_find(x->blocks[i].base));
	saz_release_run(&x->release);
	x->counts.freed = x->release.freed;
	x->counts.kept = x->release.kept;
	x->committed = 1;
	saz_heap_unlock();
	*counts = x->counts;
}

void saz_import_free(struct saz_import *x)
{
	uint32_t i;

	if (x == NULL)
		return;
	if (!x->committed) {
		for (i = 0; x->blocks != NULL && i < x->h.nblocks; i++)
			if (!x->blocks[i].foreign)
				saz_mem_put(x->blocks[i].base);
		for (i = 0; x->lits != NULL && i < x->h.nliterals; i++)
			if (x->lits[i].own)
				saz_mem_put((void *)x->lits[i].base);
	}
	saz_entries_free(&x->old);
	saz_release_free(&x->release);
	saz_mem_put(x->going);
	saz_mem_put(x->vars);
	saz_mem_put(x->blocks);
	saz_mem_put(x->lits);
	saz_mem_put(x->var_bytes);
	saz_mem_put(x);
}
