/*
 * saz_container.c - entries: found, unlinked, linked, and freed when nobody needs them.
 *
 *	heads (in a variable, or in a block that it points at)
 *	+---+---+---+---+
 *	| 0 | 1 | 2 | 3 |  buckets, stride apart; a list has one
 *	+-|-+---+-|-+---+
 *	  v       v
 *	 entry   entry -next-> entry -next-> NULL       each entry is a tracked block
 */
#include "saz_rt_int.h"

#include <stdlib.h>
#include <string.h>

#define P (&saz_program)

void *saz_load(const void *slot)
{
	void *p;

	memcpy(&p, slot, sizeof p);
	return p;
}

void saz_store(void *slot, const void *value)
{
	memcpy(slot, &value, sizeof value);
}

unsigned char *saz_heads(const struct saz_container *c, size_t *count)
{
	unsigned char *p = P->symbols[c->symbol].address;
	struct saz_block *b;
	size_t room;

	*count = 0;
	if (p == NULL)
		return NULL;
	p += c->head_off;
	if (!c->indirect) {
		*count = c->buckets;
		return p;
	}
	p = saz_load(p);
	b = p == NULL ? NULL : saz_heap_at(p, 0);
	if (b == NULL)
		return NULL;
	room = (b->size - (size_t)(p - b->base)) / c->stride;
	*count = c->buckets != 0 && c->buckets < room ? c->buckets : room;
	return p;
}

int saz_is_link(const struct saz_container *c, size_t off)
{
	return off == c->next_off || (c->prev != SAZ_NO_PREV && off == c->prev_off);
}

static int add_entry(struct saz_entries *x, size_t *cap, struct saz_block *b, uint32_t container, size_t bucket)
{
	struct saz_entry *at;

	if (x->n == *cap) {
		size_t more = *cap ? *cap * 2 : 1024;
		void *p = saz_mem_grow(x->list, *cap * sizeof *x->list, more * sizeof *x->list);

		if (p == NULL)
			return 0;
		x->list = p;
		*cap = more;
	}
	at = &x->list[x->n++];
	at->base = b->base;
	at->container = container;
	at->bucket = (uint32_t)bucket;
	at->also = b->entry;
	at->match = SAZ_NO_MATCH;
	b->entry = (uint32_t)x->n;
	return 1;
}

static int seen(const struct saz_entries *x, const struct saz_block *b, uint32_t container)
{
	uint32_t i;

	for (i = b->entry; i != 0; i = x->list[i - 1].also)
		if (x->list[i - 1].container == container)
			return 1;
	return 0;
}

static int find_in(struct saz_entries *x, size_t *cap, uint32_t container, struct saz_error *e)
{
	const struct saz_container *c = &P->containers[container];
	size_t n, i;
	unsigned char *heads = saz_heads(c, &n);

	for (i = 0; i < n; i++) {
		unsigned char *p = saz_load(heads + i * c->stride);

		for (; p != NULL; p = saz_load(p + c->next_off)) {
			struct saz_block *b = saz_heap_find(p);

			if (b == NULL)
				return saz_fail(e, "container", "%s: an entry is not a tracked block of its own", c->name);
			if (b->size < P->types[c->entry].size)
				return saz_fail(e, "container", "%s: an entry is too small", c->name);
			if (seen(x, b, container))
				return saz_fail(e, "container", "%s: the links run in a circle", c->name);
			if (!add_entry(x, cap, b, container, i))
				return saz_fail(e, "memory", "no memory for the list of entries");
		}
	}
	return 1;
}

int saz_entries_find(struct saz_entries *out, struct saz_error *e)
{
	size_t cap = 0;
	uint32_t i;

	memset(out, 0, sizeof *out);
	for (i = 0; i < P->ncontainers; i++)
		if (!find_in(out, &cap, i, e)) {
			saz_entries_free(out);
			return 0;
		}
	return 1;
}

void saz_entries_free(struct saz_entries *x)
{
	saz_mem_put(x->list);
	memset(x, 0, sizeof *x);
}

static void set_prev(const struct saz_container *c, unsigned char *entry, unsigned char *slot, unsigned char *last)
{
	if (c->prev == SAZ_PREV)
		saz_store(entry + c->prev_off, last);
	else if (c->prev == SAZ_PPREV)
		saz_store(entry + c->prev_off, slot);
}

void saz_fix_tail(const struct saz_container *c)
{
	size_t n;
	unsigned char *heads, *p, *last = NULL;

	if (!c->tail || !saz_writable(&P->symbols[c->tail_symbol]))
		return;
	heads = saz_heads(c, &n);
	if (n == 0)
		return;
	for (p = saz_load(heads); p != NULL; p = saz_load(p + c->next_off))
		last = p;
	saz_store(P->symbols[c->tail_symbol].address, last);
}

/* What is unlinked loses its links, so that one that somebody still points at does not keep the rest. */
void saz_unlink_marked(const struct saz_container *c)
{
	size_t n, i;
	unsigned char *heads = saz_heads(c, &n);

	for (i = 0; i < n; i++) {
		unsigned char *slot = heads + i * c->stride, *last = NULL, *p, *next;
		int changed = 0;

		for (p = saz_load(slot); p != NULL; p = next) {
			const struct saz_block *b = saz_heap_find(p);

			next = saz_load(p + c->next_off);
			if (b != NULL && b->mark == SAZ_GOING) {
				saz_store(p + c->next_off, NULL);
				if (c->prev != SAZ_NO_PREV)
					saz_store(p + c->prev_off, NULL);
				changed = 1;
				continue;
			}
			if (changed) {
				saz_store(slot, p);
				set_prev(c, p, slot, last);
				changed = 0;
			}
			last = p;
			slot = p + c->next_off;
		}
		if (changed)
			saz_store(slot, NULL);
	}
	saz_fix_tail(c);
}

void saz_append(struct saz_cursor *at, const struct saz_container *c, size_t bucket, void *entry)
{
	unsigned char *p = entry;

	if (at->c != c || at->bucket != bucket) {
		size_t n;

		at->c = c;
		at->bucket = bucket;
		at->slot = saz_heads(c, &n) + bucket * c->stride;
		at->last = NULL;
	}
	while (saz_load(at->slot) != NULL) {
		at->last = saz_load(at->slot);
		at->slot = at->last + c->next_off;
	}
	saz_store(p + c->next_off, NULL);
	set_prev(c, p, at->slot, at->last);
	saz_store(at->slot, p);
}

/* ---- release ---- */

static int add_candidate(struct saz_release *r, struct saz_block *b, uint32_t mark)
{
	if (b->mark != 0)
		return 1;
	if (r->n == r->cap) {
		size_t more = r->cap ? r->cap * 2 : 256;
		void *p = saz_mem_grow(r->list, r->cap * sizeof *r->list, more * sizeof *r->list);

		if (p == NULL)
			return 0;
		r->list = p;
		r->cap = more;
	}
	r->list[r->n].base = b->base;
	r->list[r->n].size = b->size;
	r->n++;
	b->mark = mark;
	return 1;
}

int saz_release_add(struct saz_release *r, struct saz_block *b)
{
	return add_candidate(r, b, SAZ_GOING);
}

struct reach {
	struct saz_release *r;
	const struct saz_entries *entries;
	const struct saz_block *block;  /* NULL: a symbol */
	unsigned char *base;
	size_t lo, hi;
};

static int follow(void *ctx, size_t off, const struct saz_slot *s)
{
	struct reach *h = ctx;
	struct saz_block *b;
	uint32_t i;
	void *p;

	if (off < h->lo || off + sizeof p > h->hi || s->kind == SAZ_OPQ || s->kind == SAZ_FUN)
		return 1;
	p = saz_load(h->base + off);
	if (p == NULL)
		return 1;
	for (i = h->block ? h->block->entry : 0; i != 0; i = h->entries->list[i - 1].also)
		if (saz_is_link(&P->containers[h->entries->list[i - 1].container], off))
			return 1;
	b = saz_heap_at(p, s->kind != SAZ_ANY);
	return b == NULL || b->entry != 0 || add_candidate(h->r, b, SAZ_REACHED);
}

int saz_reach(struct saz_release *r, const struct saz_entries *x)
{
	struct reach h;

	h.r = r;
	h.entries = x;
	h.lo = 0;
	for (; r->reached < r->n; r->reached++) {
		h.base = r->list[r->reached].base;
		h.block = saz_heap_find(h.base);
		h.hi = h.block->size;
		if (!saz_slots(saz_site_type(h.block->site), h.block->size, follow, &h))
			return 0;
	}
	return 1;
}

int saz_reach_symbol(struct saz_release *r, const struct saz_entries *x, uint32_t symbol, size_t off, size_t len)
{
	const struct saz_symbol *s = &P->symbols[symbol];
	struct reach h;

	h.r = r;
	h.entries = x;
	h.block = NULL;
	h.base = s->address;
	h.lo = off;
	h.hi = off + len;
	return saz_slots(s->type, s->size, follow, &h) && saz_reach(r, x);
}

void saz_release_free(struct saz_release *r)
{
	saz_mem_put(r->list);
	memset(r, 0, sizeof *r);
}

static int by_base(const void *a, const void *b)
{
	const struct saz_candidate *x = a, *y = b;

	return x->base < y->base ? -1 : x->base > y->base;
}

static struct saz_candidate *candidate_at(struct saz_release *r, const unsigned char *p)
{
	size_t lo = 0, hi = r->n;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (r->list[mid].base <= p)
			lo = mid + 1;
		else
			hi = mid;
	}
	if (lo == 0 || (size_t)(p - r->list[lo - 1].base) > r->list[lo - 1].size)
		return NULL;
	return &r->list[lo - 1];
}

/* Each word, whatever its type: a number that looks like an address keeps a block, which is safe. */
typedef const unsigned char *loose __attribute__((__aligned__(4)));

static SAZ_UNCHECKED void scan(void *ctx, const unsigned char *lo, const unsigned char *hi)
{
	struct saz_release *r = ctx;
	const unsigned char *min = r->list[0].base;
	size_t span = (size_t)(r->list[r->n - 1].base - min) + r->list[r->n - 1].size;
	const unsigned char *p = (const unsigned char *)(((uintptr_t)lo + 3) & ~(uintptr_t)3);

	for (; p + sizeof(void *) <= hi; p += 4) {
		const unsigned char *v;
		struct saz_candidate *c;

		v = *(const volatile loose *)p;
		if ((size_t)(v - min) > span)
			continue;
		c = candidate_at(r, v);
		if (c != NULL && !c->needed) {
			c->needed = 1;
			c->next = r->todo;
			r->todo = (size_t)(c - r->list) + 1;
		}
	}
}

/*
 * Whether anything still needs a candidate is decided by what the memory holds, not by types: all
 * writable data of the program, all other tracked blocks, and then what needed candidates hold.
 * Not looked at are stacks, registers and the memory of libraries; where the analysis found locals
 * that keep entries from packet to packet, the glue sets keep_blocks.
 */
void saz_release_run(struct saz_release *r)
{
	struct saz_block *b;
	size_t i, n = 0;

	if (r->n == 0)
		return;
	qsort(r->list, r->n, sizeof *r->list, by_base);
	for (i = 0; i < r->n; i++) {
		b = saz_heap_find(r->list[i].base);
		if (b != NULL && b->size == r->list[i].size && (n == 0 || r->list[n - 1].base != b->base))
			r->list[n++] = r->list[i];
	}
	r->n = n;
	if (n == 0 || P->keep_blocks) {
		r->kept += n;
		return;
	}
	saz_module_data(scan, r);
	for (b = saz_heap_next(NULL); b != NULL; b = saz_heap_next(b)) {
		struct saz_candidate *c = candidate_at(r, b->base);

		if (c == NULL || c->base != b->base)
			scan(r, b->base, b->base + b->size);
	}
	while (r->todo != 0) {          /* a list through the candidates, of those not yet scanned */
		struct saz_candidate *c = &r->list[r->todo - 1];

		r->todo = c->next;
		scan(r, c->base, c->base + c->size);
	}
	for (i = 0; i < r->n; i++) {
		if (r->list[i].needed) {
			r->kept++;
		} else {
			saz_heap_drop(r->list[i].base);
			r->freed++;
		}
	}
}
