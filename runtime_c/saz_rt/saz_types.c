/*
 * saz_types.c - which words of an object hold addresses, and what is at an address.
 *
 * A type is a list of slots, by offset; a slot is one such word, or an array of them, or a value of
 * an earlier type (so recursion ends):
 *
 *	struct conn { struct conn *next; char name[8]; struct { void *p; int n; } aux[2]; }
 *	conn:   PTR conn @0   NEST aux @16 x2 stride 16
 *	aux:    PTR any @0
 */
#include "saz_rt_int.h"

#include <link.h>
#include <stdlib.h>
#include <string.h>

#define P (&saz_program)

/* ---- slots ---- */

struct walk {
	saz_slot_fn *fn;
	void *ctx;
	size_t size, lo, hi;    /* of the object; of what is asked for */
};

static size_t width_of(const struct saz_slot *s)
{
	return s->kind == SAZ_NEST ? P->types[s->type].size : sizeof(void *);
}

/* Whether it reaches to the end of the object that it lies in. */
static int is_open(unsigned type)
{
	const struct saz_type *t = &P->types[type];
	unsigned i;

	for (i = 0; i < t->nslots; i++)
		if (t->slots[i].count == 0 || (t->slots[i].kind == SAZ_NEST && is_open(t->slots[i].type)))
			return 1;
	return 0;
}

/* How many elements of an array at off end before what is asked for; type: of each, 0 for a word. */
static size_t before(const struct walk *w, size_t off, size_t stride, size_t width, unsigned type)
{
	if (w->lo < off + width || stride == 0 || is_open(type))
		return 0;
	return (w->lo - off - width) / stride + 1;
}

static int walk(const struct walk *w, unsigned type, size_t base)
{
	const struct saz_type *t = &P->types[type];
	unsigned i;

	for (i = 0; i < t->nslots; i++) {
		const struct saz_slot *s = &t->slots[i];
		size_t off = base + s->off, width = width_of(s);
		size_t n = before(w, off, s->stride, width, s->kind == SAZ_NEST ? s->type : SAZ_BYTES);

		for (off += n * s->stride; (s->count == 0 || n < s->count) && off < w->hi; n++, off += s->stride) {
			if (off + width > w->size && (s->kind != SAZ_NEST || s->count == 0 || off >= w->size))
				break;
			if (s->kind == SAZ_NEST) {
				if (!walk(w, s->type, off))
					return 0;
			} else if (!w->fn(w->ctx, off, s)) {
				return 0;
			}
		}
	}
	return 1;
}

/* A block whose size is no multiple of its type's holds one element, and who knows what behind. */
static size_t elements(const struct saz_type *t, size_t size)
{
	return t->size == 0 || t->flags & SAZ_T_TAIL || size % t->size != 0 ? 1 : size / t->size;
}

int saz_slots_in(unsigned type, size_t size, size_t lo, size_t hi, saz_slot_fn *fn, void *ctx)
{
	const struct saz_type *t = &P->types[type];
	struct walk w;
	size_t n, i;

	if (t->nslots == 0)
		return 1;
	w.fn = fn;
	w.ctx = ctx;
	w.size = size;
	w.lo = lo;
	w.hi = hi;
	n = elements(t, size);
	for (i = n == 1 ? 0 : before(&w, 0, t->size, t->size, type); i < n && i * t->size < hi; i++)
		if (!walk(&w, type, i * t->size))
			return 0;
	return 1;
}

int saz_slots(unsigned type, size_t size, saz_slot_fn *fn, void *ctx)
{
	return saz_slots_in(type, size, 0, size, fn, ctx);
}

const struct saz_slot *saz_slot_at(unsigned type, size_t size, size_t off)
{
	const struct saz_type *t = &P->types[type];
	unsigned i;

	if (t->nslots == 0)
		return NULL;
	if (elements(t, size) > 1) {
		off %= t->size;
		size = t->size;
	}
	for (i = 0; i < t->nslots; i++) {
		const struct saz_slot *s = &t->slots[i];
		size_t d, n;

		if (off < s->off)
			return NULL;
		d = off - s->off;
		n = s->stride ? d / s->stride : 0;
		if (s->count != 0 && n >= s->count)
			n = s->count - 1;
		d -= n * s->stride;
		if (s->kind != SAZ_NEST) {
			if (d == 0)
				return s;
		} else if (d < width_of(s)) {
			return saz_slot_at(s->type, width_of(s), d);
		}
	}
	return NULL;
}

struct shape {
	unsigned type;
	size_t size, off;
};

static int same_shape(void *ctx, size_t off, const struct saz_slot *slot)
{
	const struct shape *h = ctx;
	const struct saz_slot *s = saz_slot_at(h->type, h->size, h->off + off);

	if (s == NULL)
		return slot->kind == SAZ_ANY;
	if (s->kind == slot->kind || s->kind == SAZ_ANY || slot->kind == SAZ_ANY)
		return 1;
	return (s->kind == SAZ_PTR || s->kind == SAZ_STR) && (slot->kind == SAZ_PTR || slot->kind == SAZ_STR);
}

/*
 * One type may stand for another when all its address words are such in the other: a base struct
 * for what extends it, a socket address of one kind for another; not where the type has no end.  Only memory without addresses may
 * be pointed at just past its end.
 */
int saz_fits(unsigned want, unsigned type, size_t size, size_t off)
{
	const struct saz_type *t = &P->types[want], *u = &P->types[type];
	struct shape h;

	if (off > size)
		return 0;
	if (want == SAZ_BYTES || want == SAZ_WORDS)
		return 1;
	if (t->size > size - off)
		return t->nslots == 0 && off == size;
	if (t->align > 1 && u->align > 1 && off % t->align != 0)
		return 0;
	if (t->nslots == 0 || type == SAZ_WORDS)
		return 1;
	if (want == type && (off == 0 || (elements(u, size) > 1 && off % u->size == 0)))
		return 1;
	if (t->flags & SAZ_T_TAIL)
		return 0;
	h.type = type;
	h.size = size;
	h.off = off;
	return saz_slots(want, t->size, same_shape, &h);
}

unsigned saz_site_type(uint32_t site)
{
	return site < P->nsites ? P->sites[site].type : SAZ_WORDS;
}

uint64_t saz_types_digest(void)
{
	uint64_t h = P->fingerprint;
	unsigned i, j;

	for (i = 0; i < P->ntypes; i++) {
		const struct saz_type *t = &P->types[i];
		uint64_t v[5];

		h = saz_hash(h, t->name, strlen(t->name));
		for (j = 0; j < t->nslots; j++) {
			v[0] = t->slots[j].off;
			v[1] = t->slots[j].count;
			v[2] = t->slots[j].stride;
			v[3] = t->slots[j].type;
			v[4] = t->slots[j].kind;
			h = saz_hash(h, v, sizeof v);
		}
		v[0] = t->size;
		v[1] = t->flags;
		v[2] = t->align;
		h = saz_hash(h, v, 3 * sizeof v[0]);
	}
	return h;
}

/* ---- the program's own segments ---- */

#define MAX_SEGMENTS 32

static struct segment {
	const unsigned char *lo, *hi;
	int writable;
} saz_segments[MAX_SEGMENTS];
static int saz_nsegments;
static struct segment saz_relro;                    /* read-only since relocation */
static const unsigned char *saz_module;
static uint64_t saz_this_module;

static int note_segments(struct dl_phdr_info *info, size_t size, void *ctx)
{
	int i;

	(void)size;
	(void)ctx;
	saz_module = (const unsigned char *)info->dlpi_addr;
	for (i = 0; i < info->dlpi_phnum && saz_nsegments < MAX_SEGMENTS; i++) {
		const ElfW(Phdr) *h = &info->dlpi_phdr[i];
		struct segment *s = &saz_segments[saz_nsegments];

		if (h->p_type == PT_GNU_RELRO) {
			saz_relro.lo = saz_module + h->p_vaddr;
			saz_relro.hi = saz_relro.lo + h->p_memsz;
		}
		if (h->p_type != PT_LOAD && h->p_type != PT_NOTE)
			continue;
		s->lo = saz_module + h->p_vaddr;
		s->hi = s->lo + h->p_memsz;
		s->writable = (h->p_flags & PF_W) != 0;
		saz_this_module = saz_hash(saz_this_module, h, sizeof *h);
		if (h->p_type == PT_NOTE && !s->writable)       /* has the build id, if there is one */
			saz_this_module = saz_hash(saz_this_module, s->lo, h->p_filesz);
		if (h->p_type == PT_LOAD)
			saz_nsegments++;
	}
	return 1;                       /* the first is the program itself */
}

uint64_t saz_module_id(void)
{
	return saz_this_module;
}

void saz_module_data(saz_span_fn *fn, void *ctx)
{
	int i;

	for (i = 0; i < saz_nsegments; i++)
		if (saz_segments[i].writable)
			fn(ctx, saz_segments[i].lo, saz_segments[i].hi);
}

/* A constant may be taken for a variable that is updated, by an analysis that must err to one side. */
int saz_writable(const struct saz_symbol *s)
{
	const unsigned char *p = s->address;
	int i;

	if (p == NULL || (p < saz_relro.hi && p + s->size > saz_relro.lo))
		return 0;
	for (i = 0; i < saz_nsegments; i++)
		if (p >= saz_segments[i].lo && p < saz_segments[i].hi)
			return saz_segments[i].writable;
	return 1;                       /* a library's */
}

const char *saz_rodata(size_t off, size_t len)
{
	const unsigned char *p = (const unsigned char *)((uintptr_t)saz_module + off);
	int i;

	for (i = 0; i < saz_nsegments; i++)
		if (!saz_segments[i].writable && p >= saz_segments[i].lo && p < saz_segments[i].hi)
			return len <= (size_t)(saz_segments[i].hi - p) ? (const char *)p : NULL;
	return NULL;
}

SAZ_UNCHECKED size_t saz_literal_len(const char *s, size_t max)
{
	const volatile char *p = s;
	size_t n = 0, left = 0;
	int i;

	for (i = 0; i < saz_nsegments; i++)
		if ((const unsigned char *)s >= saz_segments[i].lo && (const unsigned char *)s < saz_segments[i].hi)
			left = (size_t)(saz_segments[i].hi - (const unsigned char *)s);
	if (left > max)
		left = max;
	while (n < left)
		if (p[n++] == 0)
			return n;
	return 0;
}

SAZ_UNCHECKED int saz_same_bytes(const void *a, const void *b, size_t len)
{
	const volatile char *p = a, *q = b;

	while (len != 0 && *p == *q)
		p++, q++, len--;
	return len == 0;
}

/* ---- what is at an address ---- */

static uint32_t *saz_symbols_by_address, *saz_functions_by_address;
static size_t saz_nsyms, saz_nfuns;

static int by_symbol(const void *a, const void *b)
{
	const char *x = P->symbols[*(const uint32_t *)a].address, *y = P->symbols[*(const uint32_t *)b].address;

	return x < y ? -1 : x > y;
}

static uintptr_t function_address(uint32_t i)
{
	return (uintptr_t)P->functions[i].address;
}

static int by_function(const void *a, const void *b)
{
	uintptr_t x = function_address(*(const uint32_t *)a), y = function_address(*(const uint32_t *)b);

	return x < y ? -1 : x > y;
}

extern const struct saz_addr __start_saz_addrs[] __attribute__((__weak__, __visibility__("hidden")));
extern const struct saz_addr __stop_saz_addrs[] __attribute__((__weak__, __visibility__("hidden")));
extern const struct saz_fn_addr __start_saz_fn_addrs[] __attribute__((__weak__, __visibility__("hidden")));
extern const struct saz_fn_addr __stop_saz_fn_addrs[] __attribute__((__weak__, __visibility__("hidden")));

/* Where an inline function in a header has a static, each unit has its own, under one number: the
 * first counts. */
static SAZ_UNCHECKED void take_records(void)
{
	const struct saz_addr *a = __start_saz_addrs;
	const struct saz_fn_addr *f = __start_saz_fn_addrs;

	for (; a != __stop_saz_addrs; a++)
		if (a->id < P->nsymbols && P->symbols[a->id].address == NULL)
			P->symbols[a->id].address = (void *)a->address;
	for (; f != __stop_saz_fn_addrs; f++)
		if (f->id < P->nfunctions && P->functions[f->id].address == NULL)
			P->functions[f->id].address = f->address;
}

static SAZ_UNCHECKED void fill_view(void)
{
	uint32_t i;

	take_records();
	for (i = 0; i < P->nvars; i++)
		P->view[i].address = P->symbols[i].address;
}

/* A checker that is preloaded looks at saz_vars_view from a constructor of its own, which runs
 * before all of the program's.  What stands in this section runs before those. */
#if !defined(__PIC__) || defined(__PIE__)
static void (*const saz_early)(void) __attribute__((__used__, __section__(".preinit_array"))) = fill_view;
#endif

void saz_tables_start(void)
{
	fill_view();
}

/* What only those need who ask something: a program starts without. */
void saz_tables_init(void)
{
	static int done;
	uint32_t i;

	if (done)
		return;
	done = 1;
	dl_iterate_phdr(note_segments, NULL);
	saz_symbols_by_address = calloc(P->nsymbols + 1, sizeof *saz_symbols_by_address);
	saz_functions_by_address = calloc(P->nfunctions + 1, sizeof *saz_functions_by_address);
	if (saz_symbols_by_address == NULL || saz_functions_by_address == NULL)
		return;
	for (i = 0; i < P->nsymbols; i++)
		if (P->symbols[i].address != NULL && P->symbols[i].size != 0)
			saz_symbols_by_address[saz_nsyms++] = i;
	for (i = 0; i < P->nfunctions; i++)
		if (P->functions[i].address != NULL)
			saz_functions_by_address[saz_nfuns++] = i;
	qsort(saz_symbols_by_address, saz_nsyms, sizeof *saz_symbols_by_address, by_symbol);
	qsort(saz_functions_by_address, saz_nfuns, sizeof *saz_functions_by_address, by_function);
}

static int find_symbol(const char *p, int past_end, struct saz_target *out)
{
	size_t lo = 0, hi = saz_nsyms;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if ((const char *)P->symbols[saz_symbols_by_address[mid]].address <= p)
			lo = mid + 1;
		else
			hi = mid;
	}
	if (lo == 0)
		return 0;
	out->index = saz_symbols_by_address[lo - 1];
	out->off = (size_t)(p - (const char *)P->symbols[out->index].address);
	out->what = SAZ_SYMBOL;
	return out->off < P->symbols[out->index].size + (past_end != 0);
}

static int find_function(const void *p, struct saz_target *out)
{
	size_t lo = 0, hi = saz_nfuns;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;
		uintptr_t at = function_address(saz_functions_by_address[mid]);

		if (at == (uintptr_t)p) {
			out->what = SAZ_FUNCTION;
			out->index = saz_functions_by_address[mid];
			out->off = 0;
			return 1;
		}
		if (at < (uintptr_t)p)
			lo = mid + 1;
		else
			hi = mid;
	}
	return 0;
}

void saz_resolve(const void *p, int past_end, struct saz_target *out)
{
	memset(out, 0, sizeof *out);
	out->block = saz_heap_find(p);
	if (out->block == NULL && (find_symbol(p, past_end, out) || find_function(p, out)))
		return;
	memset(out, 0, sizeof *out);
	out->off = (size_t)((const unsigned char *)p - saz_module);
	if (saz_rodata(out->off, 1) != NULL) {
		out->what = SAZ_RODATA;
		return;
	}
	out->off = 0;
	out->block = saz_heap_at(p, past_end);
	if (out->block != NULL) {
		out->what = SAZ_BLOCK;
		out->off = (size_t)((const unsigned char *)p - out->block->base);
	}
}
