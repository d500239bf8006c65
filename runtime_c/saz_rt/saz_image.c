/*
 * saz_image.c - export: a graph walk over tracked blocks that copies them and turns addresses into
 * references.
 *
 *	+--------+------------+-----------+---------+----------------+----------+
 *	| header | variables  | blocks    | entries | references     | literals |
 *	+--------+------------+-----------+---------+----------------+----------+
 *	           ranges of    malloc      block b   word at offset o   text of
 *	           bytes of     blocks,     is in     of variable range  string
 *	           symbols,     numbered    bucket k  or block i is the  literals
 *	           numbered     from 0      of c      address of ...
 *	           from 0
 *
 * Everything is in the byte order of the machine and padded to eight bytes.  In the bytes of
 * variables and blocks, words that hold addresses are zero; what they hold is said by a reference
 * (a word without one is NULL).  References are in order, those of variables before those of
 * blocks, so that an import needs no search.
 *
 * There are two kinds of image.  A snapshot starts at all updated ranges of all tracked variables;
 * containers are just pointers then, and the receiver's own state goes.  A set of flows starts at
 * the entries that match a filter; an entry's links are left out, and so are entries that do not
 * match, but for those that a matching one points at: they go along as shared, for a receiver that
 * does not have them, and so do entries of which the filter only says a part (saz_filter.c).
 */
#include "saz_rt_int.h"

#include <stdlib.h>
#include <string.h>

#define P (&saz_program)

struct own {
	const void *value;
	uint32_t symbol;
	size_t off;
};

struct literal {
	const void *at;
	uint32_t index;
};

struct exporter {
	struct saz_export *out;
	struct saz_error *e;
	struct saz_entries entries;
	struct saz_buf vars, blocks, ents, vrefs, brefs, lits;
	uint32_t nvars, nblocks, nentries, nvrefs, nbrefs, nlits;
	unsigned char **queue;          /* blocks by number */
	size_t queued, queue_cap;
	struct literal *literals;       /* open addressing */
	size_t lit_cap;
	struct own *owns;               /* what variables hold that belongs to libraries */
	size_t nowns, own_cap;
	/* of the object at hand */
	int in_var;
	uint32_t from;
	struct saz_buf *bytes;
	size_t at;                      /* where its bytes begin in the buffer */
	size_t shift, len;              /* the object's bytes that are in the image: [shift, shift + len) */
	struct saz_block *block;
};

static int no_memory(struct exporter *x)
{
	return saz_fail(x->e, "memory", "no memory for the image");
}

static void *add(struct exporter *x, struct saz_buf *b, const void *data, size_t len)
{
	void *p = saz_buf_add(b, data, len);

	if (p == NULL && b->failed == 2)
		saz_fail(x->e, "size", "the image is too large");
	else if (p == NULL)
		no_memory(x);
	return p;
}

static int pad(struct exporter *x, struct saz_buf *b)
{
	return add(x, b, NULL, -b->len & 7) != NULL;
}

/* ---- the queue ---- */

static int add_entries(struct exporter *x, const struct saz_block *b)
{
	uint32_t i;

	for (i = b->entry; i != 0; i = x->entries.list[i - 1].also) {
		const struct saz_entry *entry = &x->entries.list[i - 1];
		struct saz_image_entry r;

		r.container = entry->container;
		r.bucket = entry->bucket;
		r.block = b->mark - 1;
		r.shared = entry->match != SAZ_MATCH_MOVE;
		if (add(x, &x->ents, &r, sizeof r) == NULL)
			return 0;
		x->nentries++;
		if (!r.shared)
			x->out->counts.entries++;
		else
			x->out->counts.shared++;
	}
	return 1;
}

static int enqueue(struct exporter *x, struct saz_block *b)
{
	if (b->mark != 0)
		return 1;
	if (x->queued == x->queue_cap) {
		size_t more = x->queue_cap ? x->queue_cap * 2 : 1024;
		void *p = saz_mem_grow(x->queue, x->queue_cap * sizeof *x->queue, more * sizeof *x->queue);

		if (p == NULL)
			return no_memory(x);
		x->queue = p;
		x->queue_cap = more;
	}
	x->queue[x->queued++] = b->base;
	b->mark = (uint32_t)x->queued;
	return 1;
}

/* ---- references ---- */

static int refer(struct exporter *x, size_t off, enum saz_ref_kind kind, uint32_t target, size_t toff)
{
	struct saz_image_ref r;

	memset(&r, 0, sizeof r);
	r.from = x->from;
	r.kind = kind;
	r.off = off;
	r.target = target;
	r.toff = toff;
	if (x->in_var)
		x->nvrefs++;
	else
		x->nbrefs++;
	return add(x, x->in_var ? &x->vrefs : &x->brefs, &r, sizeof r) != NULL;
}

static size_t literal_home(const struct exporter *x, const void *p)
{
	return (size_t)((uintptr_t)p * UINT64_C(0x9e3779b97f4a7c15) >> 24) & (x->lit_cap - 1);
}

static int grow_literals(struct exporter *x)
{
	struct literal *old = x->literals;
	size_t old_cap = x->lit_cap, i, h;

	x->lit_cap = old_cap ? old_cap * 2 : 256;
	x->literals = SAZ_NEW(struct literal, x->lit_cap);
	if (x->literals == NULL) {
		x->literals = old;
		x->lit_cap = old_cap;
		return no_memory(x);
	}
	for (i = 0; i < old_cap; i++)
		if (old[i].at != NULL) {
			for (h = literal_home(x, old[i].at); x->literals[h].at; h = (h + 1) & (x->lit_cap - 1))
				;
			x->literals[h] = old[i];
		}
	saz_mem_put(old);
	return 1;
}

static int literal(struct exporter *x, size_t off, const void *p, size_t module_off, size_t len)
{
	struct saz_image_literal r;
	size_t h;

	if (x->nlits * 2 >= x->lit_cap && !grow_literals(x))
		return 0;
	for (h = literal_home(x, p); x->literals[h].at != NULL && x->literals[h].at != p;
	     h = (h + 1) & (x->lit_cap - 1))
		;
	if (x->literals[h].at == NULL) {
		r.off = module_off;
		r.len = len;
		if (add(x, &x->lits, &r, sizeof r) == NULL || add(x, &x->lits, p, len) == NULL || !pad(x, &x->lits))
			return 0;
		x->literals[h].at = p;
		x->literals[h].index = x->nlits++;
	}
	return refer(x, off, SAZ_R_LITERAL, x->literals[h].index, 0);
}

#define MAX_LITERAL 65536u

static int rodata(struct exporter *x, size_t off, const struct saz_slot *s, const void *p,
                  const struct saz_target *t, int *done)
{
	const struct saz_type *want = &P->types[s->type];
	size_t len;

	if (s->kind == SAZ_STR) {
		len = saz_literal_len(p, MAX_LITERAL);
		if (len != 0)
			return *done = 1, literal(x, off, p, t->off, len);
	}
	if (s->kind != SAZ_FUN && want->nslots == 0 && saz_rodata(t->off, want->size) != NULL)
		return *done = 1, refer(x, off, SAZ_R_RODATA, 0, t->off);
	return 1;
}

static void check_fit(struct exporter *x, const struct saz_slot *s, unsigned type, size_t size, size_t off)
{
	if (s->kind == SAZ_FUN || (s->kind != SAZ_ANY && !saz_fits(s->type, type, size, off)))
		x->out->flags |= SAZ_I_LOOSE;
}

static int known(struct exporter *x, size_t off, const struct saz_slot *s, const void *p, int *done)
{
	struct saz_target t;

	saz_resolve(p, s->kind == SAZ_PTR || s->kind == SAZ_STR, &t);
	switch (t.what) {
	case SAZ_BLOCK:
		*done = 1;
		check_fit(x, s, saz_site_type(t.block->site), t.block->size, t.off);
		return enqueue(x, t.block) && refer(x, off, SAZ_R_BLOCK, t.block->mark - 1, t.off);
	case SAZ_SYMBOL:
		*done = 1;
		check_fit(x, s, P->symbols[t.index].type, P->symbols[t.index].size, t.off);
		return refer(x, off, SAZ_R_SYMBOL, t.index, t.off);
	case SAZ_FUNCTION:
		if (s->kind == SAZ_PTR && s->type != SAZ_BYTES && s->type != SAZ_WORDS)
			return 1;
		*done = 1;
		return refer(x, off, SAZ_R_FUNCTION, t.index, 0);
	case SAZ_RODATA:
		return rodata(x, off, s, p, &t, done);
	case SAZ_NOTHING:
		break;
	}
	return 1;
}

struct own_walk {
	struct exporter *x;
	uint32_t symbol;
};

static int note_own(void *ctx, size_t off, const struct saz_slot *s)
{
	struct own_walk *w = ctx;
	struct exporter *x = w->x;
	const void *value;

	if (s->kind != SAZ_OPQ)
		return 1;
	value = saz_load((const char *)P->symbols[w->symbol].address + off);
	if (value == NULL)
		return 1;
	if (x->nowns == x->own_cap) {
		size_t more = x->own_cap ? x->own_cap * 2 : 16;
		void *p = saz_mem_grow(x->owns, x->own_cap * sizeof *x->owns, more * sizeof *x->owns);

		if (p == NULL)
			return no_memory(x);
		x->owns = p;
		x->own_cap = more;
	}
	x->owns[x->nowns].value = value;
	x->owns[x->nowns].symbol = w->symbol;
	x->owns[x->nowns++].off = off;
	return 1;
}

/* A library's object that a variable points at, too, is that variable's at the receiver. */
static int find_owns(struct exporter *x)
{
	struct own_walk w;

	w.x = x;
	for (w.symbol = 0; w.symbol < P->nsymbols; w.symbol++) {
		const struct saz_symbol *s = &P->symbols[w.symbol];

		if (s->address != NULL && !saz_slots(s->type, s->size, note_own, &w))
			return 0;
	}
	return 1;
}

static int opaque(struct exporter *x, size_t off, const void *p)
{
	size_t i;

	for (i = 0; !x->in_var && i < x->nowns; i++)
		if (x->owns[i].value == p)
			return refer(x, off, SAZ_R_OWN, x->owns[i].symbol, x->owns[i].off);
	x->out->counts.opaque++;
	return !x->in_var || refer(x, off, SAZ_R_KEEP, 0, 0);
}

static int is_own_link(const struct exporter *x, size_t off)
{
	uint32_t i;

	if (x->in_var || x->out->flags & SAZ_I_SNAPSHOT)
		return 0;
	for (i = x->block->entry; i != 0; i = x->entries.list[i - 1].also)
		if (saz_is_link(&P->containers[x->entries.list[i - 1].container], off))
			return 1;
	return 0;
}

static int word(void *ctx, size_t off, const struct saz_slot *s)
{
	struct exporter *x = ctx;
	unsigned char *copy;
	void *p;
	int done = 0;

	if (off < x->shift || off + sizeof p > x->shift + x->len)
		return 1;
	copy = x->bytes->data + x->at + (off - x->shift);
	p = saz_load(copy);
	if (p == NULL)
		return 1;
	if (is_own_link(x, off)) {
		saz_store(copy, NULL);
		return 1;
	}
	if (s->kind == SAZ_ANY) {
		if (!known(x, off - x->shift, s, p, &done))
			return 0;
		if (done)
			saz_store(x->bytes->data + x->at + (off - x->shift), NULL);
		return 1;
	}
	saz_store(copy, NULL);
	if (s->kind == SAZ_OPQ)
		return opaque(x, off - x->shift, p);
	if (!known(x, off - x->shift, s, p, &done))
		return 0;
	if (done)
		return 1;
	x->out->counts.lost++;
	return !x->in_var || refer(x, off - x->shift, SAZ_R_KEEP, 0, 0);
}

/* ---- objects ---- */

static int export_block(struct exporter *x, uint32_t number)
{
	struct saz_block *b = saz_heap_find(x->queue[number]);
	struct saz_image_block r;

	r.site = b->site;
	r.flags = 0;
	r.size = b->size;
	if (!add_entries(x, b) || add(x, &x->blocks, &r, sizeof r) == NULL)
		return 0;
	x->in_var = 0;
	x->from = number;
	x->bytes = &x->blocks;
	x->at = x->blocks.len;
	x->shift = 0;
	x->len = b->size;
	x->block = b;
	x->nblocks++;
	x->out->counts.blocks++;
	x->out->counts.bytes += b->size;
	return add(x, &x->blocks, b->base, b->size) != NULL && pad(x, &x->blocks) &&
	       saz_slots(saz_site_type(b->site), b->size, word, x);
}

static int export_range(struct exporter *x, const struct saz_range *range)
{
	const struct saz_symbol *s = &P->symbols[range->symbol];
	struct saz_image_var r;

	if (!saz_writable(s))
		return 1;
	if (!(x->out->flags & SAZ_I_SNAPSHOT) && (range->op == SAZ_MANUAL || range->op == SAZ_LINKS)) {
		x->out->counts.manual += range->op == SAZ_MANUAL;
		return 1;
	}
	r.symbol = range->symbol;
	r.op = x->out->flags & SAZ_I_SNAPSHOT ? SAZ_REPLACE : range->op;
	r.off = range->off;
	r.len = range->len;
	if (add(x, &x->vars, &r, sizeof r) == NULL)
		return 0;
	x->in_var = 1;
	x->from = x->nvars++;
	x->bytes = &x->vars;
	x->at = x->vars.len;
	x->shift = range->off;
	x->len = range->len;
	x->out->counts.vars++;
	x->out->counts.bytes += range->len;
	return add(x, &x->vars, (const unsigned char *)s->address + range->off, range->len) != NULL &&
	       pad(x, &x->vars) && saz_slots(s->type, s->size, word, x);
}

static int select_entries(struct exporter *x, const struct saz_filter *f)
{
	size_t i, n = 0;

	if (!saz_entries_find(&x->entries, x->e))
		return 0;
	for (i = 0; i < x->entries.n; i++) {
		struct saz_entry *entry = &x->entries.list[i];
		const struct saz_container *c = &P->containers[entry->container];
		struct saz_flow k;

		saz_flow_of(c, entry->base, &k);
		entry->match = saz_filter_match(f, &k, c->both_ways);
		n += entry->match == SAZ_MATCH_MOVE;
	}
	x->out->taken = SAZ_NEW(unsigned char *, n);
	if (x->out->taken == NULL)
		return no_memory(x);
	for (i = 0; i < x->entries.n; i++) {
		struct saz_block *b;
		uint32_t j;

		if (x->entries.list[i].match != SAZ_MATCH_MOVE)
			continue;
		b = saz_heap_find(x->entries.list[i].base);
		if (b->mark != 0)
			continue;
		x->out->taken[x->out->ntaken++] = b->base;
		if (!enqueue(x, b))
			return 0;
		for (j = b->entry; j != 0; j = x->entries.list[j - 1].also)
			x->entries.list[j - 1].match = SAZ_MATCH_MOVE;
	}
	for (i = 0; i < x->entries.n; i++)
		if (x->entries.list[i].match == SAZ_MATCH_COPY && !enqueue(x, saz_heap_find(x->entries.list[i].base)))
			return 0;
	return 1;
}

uint64_t saz_image_sum(const unsigned char *image, size_t len)
{
	size_t at = offsetof(struct saz_image_header, checksum);

	return saz_hash(saz_hash(0, image, at), image + at + 8, len - at - 8);
}

static int assemble(struct exporter *x)
{
	struct saz_buf *parts[6], *image = &x->out->image;
	struct saz_image_header h, *at;
	size_t i;

	parts[0] = &x->vars;
	parts[1] = &x->blocks;
	parts[2] = &x->ents;
	parts[3] = &x->vrefs;
	parts[4] = &x->brefs;
	parts[5] = &x->lits;
	memset(&h, 0, sizeof h);
	memcpy(h.magic, SAZ_MAGIC, sizeof h.magic);
	h.version = SAZ_IMAGE_VERSION;
	h.flags = x->out->flags;
	h.fingerprint = P->fingerprint;
	h.types = saz_types_digest();
	h.module = saz_module_id();
	h.order = SAZ_ORDER;
	h.word = sizeof(void *);
	h.nvars = x->nvars;
	h.nblocks = x->nblocks;
	h.nentries = x->nentries;
	h.nvrefs = x->nvrefs;
	h.nbrefs = x->nbrefs;
	h.nliterals = x->nlits;
	h.packets = saz_packets();
	if (add(x, image, &h, sizeof h) == NULL)
		return 0;
	for (i = 0; i < 6; i++) {
		if (add(x, image, parts[i]->data, parts[i]->len) == NULL)
			return 0;
		saz_buf_free(parts[i]);
	}
	at = (struct saz_image_header *)image->data;
	at->length = image->len;
	at->checksum = saz_image_sum(image->data, image->len);
	return 1;
}

static int run(struct exporter *x, const struct saz_filter *f)
{
	unsigned i;
	size_t n;

	if (!find_owns(x) || (!(x->out->flags & SAZ_I_SNAPSHOT) && !select_entries(x, f)))
		return 0;
	if (x->out->flags & (SAZ_I_SNAPSHOT | SAZ_I_STATE))
		for (i = 0; i < P->nranges; i++)
			if (!export_range(x, &P->ranges[i]))
				return 0;
	for (n = 0; n < x->queued; n++)
		if (!export_block(x, (uint32_t)n))
			return 0;
	return assemble(x);
}

/* f is not looked at for a snapshot. */
int saz_export(const struct saz_filter *f, unsigned flags, size_t limit, struct saz_export *out, struct saz_error *e)
{
	struct exporter x;
	int ok;

	saz_tables_init();
	memset(out, 0, sizeof *out);
	memset(&x, 0, sizeof x);
	out->flags = flags;
	x.out = out;
	x.e = e;
	x.vars.limit = x.blocks.limit = x.ents.limit = x.vrefs.limit = x.brefs.limit = x.lits.limit = limit;
	out->image.limit = limit;
	saz_heap_lock();
	ok = saz_heap_complete(e) && run(&x, f);
	saz_heap_unlock();
	saz_entries_free(&x.entries);
	saz_buf_free(&x.vars);
	saz_buf_free(&x.blocks);
	saz_buf_free(&x.ents);
	saz_buf_free(&x.vrefs);
	saz_buf_free(&x.brefs);
	saz_buf_free(&x.lits);
	saz_mem_put(x.queue);
	saz_mem_put(x.literals);
	saz_mem_put(x.owns);
	if (!ok)
		saz_export_free(out);
	return ok;
}

void saz_export_free(struct saz_export *x)
{
	saz_buf_free(&x->image);
	saz_mem_put(x->taken);
	x->taken = NULL;
	x->ntaken = 0;
}

/* ---- after a move ---- */

/* All that only the taken entries may need: they themselves, marked, and what they point at. */
static int collect(const struct saz_export *x, const struct saz_entries *entries, struct saz_release *r,
                   struct saz_counts *counts)
{
	size_t i;

	for (i = 0; i < x->ntaken; i++) {
		struct saz_block *b = saz_heap_find(x->taken[i]);

		if (b == NULL || b->entry == 0)         /* gone meanwhile */
			continue;
		if (!saz_release_add(r, b))
			return 0;
		counts->entries++;
	}
	return saz_reach(r, entries);
}

static void zero_added(void)
{
	unsigned i;

	for (i = 0; i < P->nranges; i++)
		if (P->ranges[i].op == SAZ_ADD && saz_writable(&P->symbols[P->ranges[i].symbol]))
			memset((char *)P->symbols[P->ranges[i].symbol].address + P->ranges[i].off, 0, P->ranges[i].len);
}

int saz_export_commit(struct saz_export *x, struct saz_error *e)
{
	struct saz_entries entries;
	struct saz_release r;
	struct saz_counts counts;
	unsigned i;
	int ok;

	memset(&r, 0, sizeof r);
	memset(&counts, 0, sizeof counts);
	saz_heap_lock();
	ok = saz_entries_find(&entries, e);
	if (ok && !collect(x, &entries, &r, &counts))
		ok = saz_fail(e, "memory", "no memory to delete what was moved");
	if (ok) {
		for (i = 0; i < P->ncontainers; i++)
			saz_unlink_marked(&P->containers[i]);
		if (x->flags & SAZ_I_STATE)
			zero_added();
		saz_release_run(&r);
		counts.freed = r.freed;
		counts.kept = r.kept;
		x->counts = counts;
	}
	saz_heap_unlock();
	saz_release_free(&r);
	saz_entries_free(&entries);
	return ok;
}
