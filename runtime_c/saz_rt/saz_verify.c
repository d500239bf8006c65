/*
 * saz_verify.c - a sanitizer for the update marks (saz instrument --verify).
 *
 * When a packet begins, the bytes of all watched variables and of all tracked blocks are copied;
 * when it has ended they are compared.  The glue says what is claimed of each variable:
 *
 *	SAZ_ANNOUNCED   its own bytes, and what they lead to, change only if its mark was set
 *	SAZ_CONSTANT    neither changes while a packet is processed
 *	SAZ_BORROWED    its own bytes do not change; what they lead to is announced by its owners
 *	SAZ_UNUSED      nor those of what no code that processes packets uses; others lead packets to what it leads to
 *
 * For a change in a block or in another variable the question is which of the first two kinds lead
 * there.  Memory is walked from the variables without a mark, by the types, up to the first change;
 * what lies on the way has not changed, so the way was there when the packet began.  Where such walks take long,
 * each object keeps which variables lead to it (saz_reach.c), and there is a walk only if one of them is silent.
 *
 * Packets of several threads take turns, in the order in which they come.  One of them may be waiting for another
 * thread in the midst of its packet, so nobody waits longer than a millisecond; packets that overlap are compared
 * together, when all have ended, with the marks of all.  Not compared are those that a thread without a packet
 * touched state beside, or that were left by longjmp.  With --track all the program's
 * start counts as a packet, so that a program without any is one packet.
 *
 * A program that SIGTERM or SIGINT ends, since it does not care for them, tells its summary and dies of the signal, or
 * exits with SAZ_VERIFY_STATUS if there are findings.
 *
 *	SAZ_VERIFY_OUT=FILE     messages and a summary go there, not to standard error
 *	SAZ_VERIFY_FIRST=N      compare the first N packets, and then ...
 *	SAZ_VERIFY_EVERY=N      ... each Nth (1)
 *	SAZ_VERIFY_SHARE=P      leave packets out rather than spend more than P % of the time (100)
 *	SAZ_VERIFY_PAGES=all    compare all memory, whatever the kernel says was written (saz_pages.c), and walk through all of it
 *	SAZ_VERIFY_GO_ON=1      exit as the program does, whatever was found
 *	SAZ_VERIFY_STOP=1       raise SIGTRAP at the first finding, for a debugger
 */
#include "saz_rt_int.h"

#if SAZ_VERIFY

#include <errno.h>
#include <malloc.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define P (&saz_program)
#define T (&saz_verify_tables)
#if SAZ_THREADS
static unsigned char *saz_joint;        /* the marks of the packets that are compared together */
#define MARKS saz_joint
#else
#define MARKS (P->updated)
#endif

struct watch {
	const struct saz_symbol *symbol;
	unsigned char *copy;
	unsigned index;         /* of the symbol */
	unsigned char claim;
	unsigned char changed;
	uint32_t seen;          /* by the walk of that number */
	struct saz_reach reach;
};

struct object {                 /* of a walk, yet to be looked into */
	const unsigned char *base;
	size_t size;
	unsigned type;
};

static struct watch *saz_watches;
static unsigned saz_nwatches;
static uint32_t *saz_watch_of;                  /* symbol -> index + 1 */
#define LARGE (4u << 20)                        /* state of which it pays to ask which pages were written */
static size_t saz_own_bytes;
static unsigned char *saz_own;                  /* copies of the variables ... */
static struct saz_buf saz_copies;               /* ... and of the blocks, ... */
static struct saz_buf saz_places;               /* ... each block's size_t, its offset there */
static struct saz_buf saz_stack;                /* struct object */
static uint32_t saz_walk = 1u << 31;            /* above the marks of exports */

static uint64_t *saz_silent;                    /* variables without a mark that have not changed themselves, as bits */
static int saz_reach_known;                     /* all objects' sets are as large as they must be */
static uint64_t saz_walked;                     /* microseconds, since the sets were made */
static uint64_t saz_reach_cost;                 /* of making them; 0: never done */

static pthread_mutex_t saz_verify_lock = PTHREAD_MUTEX_INITIALIZER;
#if SAZ_THREADS
static pthread_cond_t saz_alone = PTHREAD_COND_INITIALIZER;
static uint64_t saz_tickets, saz_turn;          /* given to those who wait; the first who may go on */
static unsigned saz_waiting;
#endif
static unsigned saz_in_flight;
static unsigned saz_group;                      /* packets since there was none in flight */
static int saz_spoilt;                          /* they can't be compared */
static int saz_taken;                           /* there are copies to compare with */
static const void *saz_owner;                   /* thread whose packet that is; P: the program's start is one */
static int saz_start_waits;                     /* that has ended, and goes on if no packet comes */
static pid_t saz_first_process;

static uint64_t saz_seen, saz_compared, saz_together, saz_left_out, saz_unclear, saz_findings;
static unsigned saz_largest;                    /* group that was compared */
static uint64_t saz_spent, saz_since;
static unsigned long saz_first, saz_every = 1, saz_share = 100;
static int saz_go_on, saz_trap;
static FILE *saz_out;
static int saz_broken;                          /* out of memory: nothing is compared any more */

#define SHOWN 256               /* findings that are told in full; each place once */
static uint64_t saz_told[SHOWN];
static unsigned saz_ntold;

/* ---- telling ---- */

static void name_place(char *out, size_t room, unsigned type, size_t size, size_t off, size_t *field_off, size_t *field_size)
{
	size_t n = 0, at = 0;
	unsigned i;

	*field_off = 0;
	*field_size = size;
	out[0] = 0;
	while (type < P->ntypes && n + 1 < room) {
		const struct saz_type *t = &P->types[type];
		const struct saz_field *f = NULL;

		if (t->size != 0 && size >= 2 * t->size && t->size < size) {
			if (t->size > 1 || size <= 64)
				n += (size_t)snprintf(out + n, room - n, "[%lu]", (unsigned long)(off / t->size));
			at += off / t->size * t->size;
			off %= t->size;
			*field_off = at;
			*field_size = size = t->size;
			if (n >= room)
				return;
		}
		for (i = 0; i < T->nfields; i++)
			if (T->fields[i].type == type && off >= T->fields[i].off && off - T->fields[i].off < T->fields[i].size)
				f = &T->fields[i];
		if (f == NULL)
			return;
		n += (size_t)snprintf(out + n, room - n, ".%s", f->name);
		off -= f->off;
		at += f->off;
		*field_off = at;
		*field_size = size = f->size;
		type = f->sub;
		if (type == SAZ_BYTES)
			return;
	}
}

static void put_bytes(const unsigned char *p, size_t n)
{
	uint64_t v = 0;
	size_t i;

	if (n == 1 || n == 2 || n == 4 || n == 8) {
		memcpy(&v, p, n);
		fprintf(saz_out, "0x%lx", (unsigned long)v);
		return;
	}
	for (i = 0; i < n && i < 8; i++)
		fprintf(saz_out, "%s%02x", i ? " " : "", p[i]);
	if (n > i)
		fputs(" ...", saz_out);
}

static int already_told(const struct watch *w, const char *what, const char *place)
{
	uint64_t h = saz_hash(w->index, what, strlen(what));
	size_t digits;
	unsigned i;

	for (; *place; place += digits) {       /* one element of an array stands for all */
		digits = strspn(place, "0123456789");
		if (digits == 0)
			h = saz_hash(h, place, digits = 1);
	}
	for (i = 0; i < saz_ntold; i++)
		if (saz_told[i] == h)
			return 1;
	if (saz_ntold == SHOWN)
		return 1;
	saz_told[saz_ntold++] = h;
	return 0;
}

/* w was updated without a mark: in what, an object at base that was copied to old. */
static void tell(const struct watch *w, const char *what, const char *where, const unsigned char *base,
                 const unsigned char *old, size_t size, unsigned type)
{
	static const char *const claims[] = { "no mark announced it", "it was taken for constant", "it was taken for a constant pointer", "it was taken for constant" };
	char place[256];
	size_t off = 0, foff, fsize;

	saz_findings++;
	while (off < size && base[off] == old[off])
		off++;
	name_place(place, sizeof place, type, size, off, &foff, &fsize);
	if (already_told(w, what, place))
		return;
	if (fsize > 8 || foff > off || off - foff >= fsize) {
		foff = off;
		fsize = size - off < 8 ? size - off : 8;
	}
	fprintf(saz_out, "saz: verify: packet %lu updates %s, and %s\n", (unsigned long)saz_seen, w->symbol->name,
	        claims[w->claim]);
	fprintf(saz_out, "saz: verify:   %s%s%s at %p", what, place, where, (const void *)(base + foff));
	fputs(" was ", saz_out);
	put_bytes(old + foff, fsize);
	fputs(" and is ", saz_out);
	put_bytes(base + foff, fsize);
	fputc('\n', saz_out);
	fflush(saz_out);
	if (saz_trap)
		raise(SIGTRAP);
}

static void tell_own(const struct watch *root, const struct watch *w)
{
	tell(root, w->symbol->name, "", w->symbol->address, w->copy, w->symbol->size, w->symbol->type);
}

static unsigned char *copy_of(const struct saz_block *b)
{
	size_t at;

	memcpy(&at, saz_places.data + (b->shot - 1) * sizeof at, sizeof at);
	return saz_copies.data + at;
}

static void tell_block(const struct watch *root, const struct saz_block *b)
{
	char what[96], where[128];
	unsigned type = saz_site_type(b->site);

	snprintf(what, sizeof what, "(%s)", P->types[type].name);
	snprintf(where, sizeof where, ", allocated at %s,", b->site < P->nsites ? P->sites[b->site].where : "?");
	tell(root, what, where, b->base, copy_of(b), b->size, type);
}

/* ---- copies ---- */

static void start_verify(void)
{
	const char *s;
	size_t bytes = 0;
	unsigned i;

	saz_first_process = getpid();
	saz_out = stderr;
	if ((s = getenv("SAZ_VERIFY_OUT")) != NULL && *s && (saz_out = fopen(s, "a")) == NULL)
		saz_out = stderr;
	if ((s = getenv("SAZ_VERIFY_FIRST")) != NULL)
		saz_first = strtoul(s, NULL, 10);
	if ((s = getenv("SAZ_VERIFY_EVERY")) != NULL && strtoul(s, NULL, 10) > 0)
		saz_every = strtoul(s, NULL, 10);
	if ((s = getenv("SAZ_VERIFY_SHARE")) != NULL && strtoul(s, NULL, 10) > 0)
		saz_share = strtoul(s, NULL, 10);
	saz_go_on = (s = getenv("SAZ_VERIFY_GO_ON")) != NULL && *s && *s != '0';
	saz_trap = (s = getenv("SAZ_VERIFY_STOP")) != NULL && *s && *s != '0';
	saz_since = saz_now_us();
	/* A block that is released behind the runtime's back must stay readable. */
	mallopt(M_MMAP_MAX, 0);
	mallopt(M_TRIM_THRESHOLD, -1);
	saz_watches = SAZ_NEW(struct watch, T->nwatches);
	saz_watch_of = SAZ_NEW(uint32_t, P->nsymbols);
	if (saz_watches == NULL || saz_watch_of == NULL) {
		saz_broken = 1;
		return;
	}
	for (i = 0; i < T->nwatches; i++) {
		struct watch *w = &saz_watches[saz_nwatches];
		const struct saz_symbol *y = &P->symbols[T->watches[i].symbol];

		if (y->address == NULL || y->size == 0 || !saz_writable(y))
			continue;
		w->symbol = y;
		w->index = T->watches[i].symbol;
		w->claim = T->watches[i].claim;
		saz_watch_of[w->index] = ++saz_nwatches;
		bytes += y->size;
	}
	saz_own_bytes = bytes;
	saz_own = saz_mem_get(bytes + 1);
	saz_broken = saz_own == NULL;
#if SAZ_THREADS
	saz_joint = saz_mem_get(P->nvars + 1);
	saz_broken |= saz_joint == NULL;
#endif
	bytes = 0;
	for (i = 0; i < saz_nwatches && !saz_broken; i++) {
		saz_watches[i].copy = saz_own + bytes;
		bytes += saz_watches[i].symbol->size;
	}
	saz_copies.limit = saz_places.limit = saz_stack.limit = (size_t)-1 / 4;
	if (!saz_broken) {
		saz_pages_start();
		if ((s = getenv("SAZ_VERIFY_PAGES")) == NULL || strcmp(s, "all") != 0)
			saz_reach_start(saz_nwatches);
		saz_silent = saz_mem_get((saz_nwatches + 64) / 64 * sizeof *saz_silent);
		saz_broken = saz_silent == NULL;
	}
}

/* ---- which variables lead where ---- */

static struct saz_reach *reach_of(unsigned symbol, const void **base, size_t *size, unsigned *type)
{
	struct watch *w;

	if (saz_watch_of[symbol] == 0)
		return NULL;
	w = &saz_watches[saz_watch_of[symbol] - 1];
	*base = w->symbol->address;
	*size = w->symbol->size;
	*type = w->symbol->type;
	return &w->reach;
}

static void reach_from_watch(struct watch *w, const void *old)
{
	saz_reach_from(w->symbol->address, old, w->symbol->size, w->symbol->type, &w->reach);
}

static void reach_from_block(struct saz_block *b, const void *old)
{
	if (b->reach.site != b->site)
		old = NULL;
	b->reach.site = b->site;
	saz_reach_from(b->base, old, b->size, saz_site_type(b->site), &b->reach);
}

static void find_reach(void)
{
	uint64_t t = saz_now_us();
	unsigned i;

	saz_reach_clear();
	for (i = 0; i < saz_nwatches; i++) {
		memset(&saz_watches[i].reach, 0, sizeof saz_watches[i].reach);
		if (saz_watches[i].claim == SAZ_ANNOUNCED || saz_watches[i].claim == SAZ_CONSTANT)
			saz_watches[i].reach.set = saz_reach_with(0, i);
	}
	for (i = 0; i < saz_nwatches; i++)
		reach_from_watch(&saz_watches[i], NULL);
	saz_reach_spread(reach_of);
	saz_reach_cost = saz_now_us() - t + 1;
	saz_walked = 0;
	saz_reach_known = !saz_reach_failed();
}

/* Brings a copy up to date, in the pages that have been written; 0: it was. */
static SAZ_UNCHECKED int copy_again(unsigned char *copy, const unsigned char *base, size_t size)
{
	size_t off, n;
	int written, changed = 0;

	for (off = 0; off < size; off += n) {
		n = saz_pages_run(base + off, size - off, &written);
		if (written && memcmp(copy + off, base + off, n) != 0) {
			memcpy(copy + off, base + off, n);
			changed = 1;
		}
	}
	return changed;
}

static SAZ_UNCHECKED int differs(const unsigned char *copy, const unsigned char *base, size_t size)
{
	size_t off, n;
	int written;

	for (off = 0; off < size; off += n) {
		n = saz_pages_run(base + off, size - off, &written);
		if (written && memcmp(copy + off, base + off, n) != 0)
			return 1;
	}
	return 0;
}

/* A block keeps the place of its copy until half of them are of blocks that are gone. */
static SAZ_UNCHECKED void take_copies(void)
{
	struct saz_block *b;
	size_t blocks, bytes;
	unsigned i;
	int fresh;

	saz_heap_stats(&blocks, &bytes);
	saz_pages_use(bytes + saz_own_bytes > LARGE);
	saz_pages_look();
	saz_heap_hold();
	for (i = 0; i < saz_nwatches; i++)
		if (copy_again(saz_watches[i].copy, saz_watches[i].symbol->address, saz_watches[i].symbol->size))
			reach_from_watch(&saz_watches[i], NULL);
	fresh = saz_copies.len > 2 * bytes + 65536 || saz_places.len > (2 * blocks + 1024) * sizeof(size_t);
	if (fresh) {
		saz_copies.len = saz_places.len = 0;
		saz_reach_known = 0;            /* what changed meanwhile can't be seen */
	}
	for (b = saz_heap_next(NULL); b != NULL; b = saz_heap_next(b)) {
		size_t at = saz_copies.len;

		if (b->shot != 0 && !fresh) {
			if (copy_again(copy_of(b), b->base, b->size) || b->reach.site != b->site)
				reach_from_block(b, NULL);
			continue;
		}
		b->shot = 0;
		reach_from_block(b, NULL);
		if (saz_buf_add(&saz_places, &at, sizeof at) == NULL ||
		    (b->size != 0 && saz_buf_add(&saz_copies, b->base, b->size) == NULL))
			break;
		b->shot = (uint32_t)(saz_places.len / sizeof at);
	}
	saz_reach_spread(reach_of);
	if (saz_reach_failed())
		saz_reach_known = 0;
	saz_heap_release();
	saz_pages_forget();
	saz_taken = 1;
	if (saz_copies.failed || saz_places.failed) {
		saz_taken = 0;
		saz_broken = 1;
		fputs("saz: verify: out of memory: nothing more is compared\n", saz_out);
	}
}

/* ---- the comparison ---- */

struct look {
	const unsigned char *base;
	struct watch *other;            /* the change that the walk came to */
	struct saz_block *block;
};

static void push(const void *base, size_t size, unsigned type)
{
	struct object o;

	o.base = base;
	o.size = size;
	o.type = type;
	if (P->types[type].nslots != 0)
		saz_buf_add(&saz_stack, &o, sizeof o);
}

static int look_at(void *ctx, size_t off, const struct saz_slot *slot)
{
	struct look *k = ctx;
	struct saz_target t;
	const void *p;

	if (slot->kind == SAZ_FUN || slot->kind == SAZ_OPQ)
		return 1;
	p = saz_load(k->base + off);
	if (p == NULL)
		return 1;
	saz_resolve(p, 0, &t);
	if (t.what == SAZ_BLOCK && t.block->mark != saz_walk) {
		t.block->mark = saz_walk;
		if (t.block->entry) {
			k->block = t.block;
			return 0;
		}
		push(t.block->base, t.block->size, saz_site_type(t.block->site));
	} else if (t.what == SAZ_SYMBOL && saz_watch_of[t.index] != 0) {
		struct watch *w = &saz_watches[saz_watch_of[t.index] - 1];

		if (w->seen == saz_walk)
			return 1;
		w->seen = saz_walk;
		if (w->changed) {
			k->other = w;
			return 0;
		}
		push(w->symbol->address, w->symbol->size, w->symbol->type);
	}
	return 1;
}

static int silent(const struct watch *w)
{
	return w->claim == SAZ_CONSTANT || (w->claim == SAZ_ANNOUNCED && !MARKS[w->index]);
}

/* Whether the walk from w comes to a change. */
static int leads_to_change(struct watch *w, struct look *k)
{
	memset(k, 0, sizeof *k);
	w->seen = saz_walk;
	saz_stack.len = 0;
	push(w->symbol->address, w->symbol->size, w->symbol->type);
	while (saz_stack.len != 0) {
		struct object o;

		saz_stack.len -= sizeof o;
		memcpy(&o, saz_stack.data + saz_stack.len, sizeof o);
		k->base = o.base;
		if (!saz_slots(o.type, o.size, look_at, k))
			return 1;
	}
	return 0;
}

/* Whether a variable that is silent may lead to a change. Blocks that have got another type count as changed. */
static int may_lead_to_change(void)
{
	struct saz_block *b;
	unsigned i;
	int may = 0;

	memset(saz_silent, 0, (saz_nwatches + 63) / 64 * sizeof *saz_silent);
	for (i = 0; i < saz_nwatches; i++)
		if (silent(&saz_watches[i]) && !saz_watches[i].changed)
			saz_silent[i / 64] |= (uint64_t)1 << i % 64;
	for (i = 0; i < saz_nwatches; i++)
		if (saz_watches[i].changed) {
			may |= saz_reach_meets(saz_watches[i].reach.set, saz_silent);
			reach_from_watch(&saz_watches[i], saz_watches[i].copy);
		}
	for (b = saz_heap_next(NULL); b != NULL; b = saz_heap_next(b)) {
		if (b->entry)
			may |= saz_reach_meets(b->reach.set, saz_silent);
		if (b->entry || b->reach.site != b->site)
			reach_from_block(b, b->entry ? copy_of(b) : NULL);
	}
	saz_reach_spread(reach_of);
	if (saz_reach_failed())
		saz_reach_known = 0;
	return may || !saz_reach_known;
}

static SAZ_UNCHECKED int mark_changes(void)
{
	struct saz_block *b;
	unsigned i;
	int any = 0;

	saz_pages_look();
	for (i = 0; i < saz_nwatches; i++) {
		struct watch *w = &saz_watches[i];

		w->changed = differs(w->copy, w->symbol->address, w->symbol->size);
		any |= w->changed;
		if (w->changed && (silent(w) || w->claim == SAZ_BORROWED || w->claim == SAZ_UNUSED))
			tell_own(w, w);
	}
	for (b = saz_heap_next(NULL); b != NULL; b = saz_heap_next(b)) {
		b->entry = b->shot != 0 && b->size != 0 && differs(copy_of(b), b->base, b->size);
		any |= b->entry != 0;
	}
	return any;
}

/* One walk for all silent variables together says whether there is anything to tell, which is rare. */
static void walk(void)
{
	struct look k;
	uint64_t t = saz_now_us();
	unsigned i;
	int found = 0;

	saz_walk++;
	for (i = 0; i < saz_nwatches && !found; i++)
		found = silent(&saz_watches[i]) && !saz_watches[i].changed && leads_to_change(&saz_watches[i], &k);
	for (i = 0; i < saz_nwatches && found; i++) {
		struct watch *w = &saz_watches[i];

		saz_walk++;
		if (!silent(w) || w->changed || !leads_to_change(w, &k))
			continue;
		if (k.block != NULL)
			tell_block(w, k.block);
		else
			tell_own(w, k.other);
	}
	t = saz_now_us() - t;
	saz_walked += t;
	if (saz_walked > (saz_reach_cost ? 2 * saz_reach_cost : (t + 1) * 16) && !saz_reach_failed())
		find_reach();
}

/* The copies become what has been looked into, so that the next packet finds what changed meanwhile. */
static SAZ_UNCHECKED void keep_changes(void)
{
	struct saz_block *b;
	unsigned i;

	for (i = 0; i < saz_nwatches; i++)
		if (saz_watches[i].changed)
			copy_again(saz_watches[i].copy, saz_watches[i].symbol->address, saz_watches[i].symbol->size);
	for (b = saz_heap_next(NULL); b != NULL; b = saz_heap_next(b))
		if (b->entry)
			copy_again(copy_of(b), b->base, b->size);
}

static void compare(void)
{
	saz_heap_hold();
	if (mark_changes()) {
		if (!saz_reach_known || may_lead_to_change())
			walk();
		keep_changes();
	}
	saz_heap_release();
}

/* ---- packets ---- */

static int wanted(void)
{
	if (saz_broken)
		return 0;
#if SAZ_THREADS
	if (saz_phase()[0] == 's')      /* starting: what others do is not in a packet */
		return 0;
#endif
	if (saz_seen > saz_first && (saz_seen - saz_first) % saz_every != 0)
		return 0;
	return saz_share >= 100 || saz_spent * 100 <= (saz_now_us() - saz_since) * saz_share;
}

/* Signal handlers may touch state, and must not while it is being looked at. */
static void enter(sigset_t *old)
{
	sigset_t all;

	sigfillset(&all);
	pthread_sigmask(SIG_BLOCK, &all, old);
	pthread_mutex_lock(&saz_verify_lock);
}

static void leave(const sigset_t *old)
{
	pthread_mutex_unlock(&saz_verify_lock);
	pthread_sigmask(SIG_SETMASK, old, NULL);
}

/* All that were in flight have ended. */
static void finish(void)
{
	uint64_t t = saz_now_us();

	if (!saz_taken) {
		saz_left_out += saz_group;
	} else if (saz_spoilt) {
		saz_unclear += saz_group;
	} else {
		compare();
		saz_compared += saz_group;
		if (saz_group > 1)
			saz_together += saz_group;
		if (saz_group > saz_largest)
			saz_largest = saz_group;
	}
	saz_taken = 0;
	saz_spent += saz_now_us() - t;
}

static void wait_for_turn(void)
{
#if SAZ_THREADS
	struct timespec end;
	uint64_t ticket;

	if (saz_in_flight == 0 && saz_waiting == 0)
		return;
	clock_gettime(CLOCK_REALTIME, &end);
	end.tv_nsec += 1000000;
	if (end.tv_nsec >= 1000000000) {
		end.tv_nsec -= 1000000000;
		end.tv_sec++;
	}
	ticket = saz_tickets++;
	saz_waiting++;
	while ((saz_in_flight != 0 || saz_turn < ticket) && pthread_cond_timedwait(&saz_alone, &saz_verify_lock, &end) == 0)
		;
	saz_waiting--;
	if (saz_turn <= ticket)
		saz_turn = ticket + 1;
#endif
}

static void add_marks(void)
{
#if SAZ_THREADS
	unsigned i;

	if (saz_broken)
		return;
	if (saz_in_flight == 0)
		memset(saz_joint, 0, P->nvars);
	for (i = 0; i < P->nvars; i++)
		saz_joint[i] |= saz_own_marks[i];
#endif
}

static void begin_start(void)
{
	saz_in_flight = saz_group = 1;
	saz_spoilt = saz_start_waits = 0;
	saz_owner = P;
	take_copies();
}

static void end_start(void)
{
	if (saz_owner == P) {
		add_marks();
		finish();
		saz_in_flight = 0;
		saz_owner = NULL;
		saz_start_waits = 1;
	}
}

/* A thread waits, perhaps for the first packet: what it receives is of that one, and its marks come behind the call. */
void saz_verify_wait(void)
{
	sigset_t old;

	if (T->whole_run) {
		enter(&old);
		end_start();
		leave(&old);
	}
}

/* The packet of thread t begins; its marks are cleared by clear, after what came before was compared. */
void saz_verify_begin(const void *t, void (*clear)(void))
{
	int saved = errno;
	sigset_t old;

	enter(&old);
	end_start();
	saz_start_waits = 0;
	wait_for_turn();
	saz_seen++;
	clear();
	add_marks();
	if (saz_in_flight++ != 0) {
		saz_group++;
	} else {
		uint64_t now = saz_now_us();

		saz_group = 1;
		saz_spoilt = saz_others_busy();
		saz_owner = t;
		if (wanted())
			take_copies();
		saz_spent += saz_now_us() - now;
	}
	leave(&old);
	errno = saved;
}

/* A thread touches state outside of any packet. */
void saz_verify_touch(void)
{
	sigset_t old;

	enter(&old);
	saz_spoilt |= saz_in_flight != 0 && saz_owner != P;
	if (saz_start_waits)
		begin_start();
	leave(&old);
}

/* It ends; kept is 0 if it was left by longjmp, so that nobody knows when. */
void saz_verify_end(const void *t, int kept)
{
	int saved = errno;
	sigset_t old;

	(void)t;
	enter(&old);
	if (saz_in_flight != 0) {
		add_marks();
		saz_spoilt |= !kept;
		if (--saz_in_flight == 0) {
			finish();
			saz_owner = NULL;
#if SAZ_THREADS
			if (saz_waiting != 0)
				pthread_cond_broadcast(&saz_alone);
#endif
		}
	}
	leave(&old);
	errno = saved;
}

/* Only the thread that forked lives on. */
void saz_verify_forked(const void *t, int in_packet)
{
	pthread_mutex_init(&saz_verify_lock, NULL);
	saz_pages_forked();
	if (saz_owner != P) {
		saz_in_flight = in_packet != 0;
		if (!in_packet || saz_owner != t)
			saz_taken = 0;
	}
}

void saz_verify_fork(void)
{
	pthread_mutex_lock(&saz_verify_lock);
}

void saz_verify_fork_parent(void)
{
	pthread_mutex_unlock(&saz_verify_lock);
}

/* ---- the end ---- */

static int saz_summed;

static char *put_text(char *to, const char *s)
{
	while (*s)
		*to++ = *s++;
	return to;
}

static char *put_count(char *to, uint64_t n)
{
	char digits[20];
	int i = 0;

	do
		digits[i++] = (char)('0' + n % 10);
	while ((n /= 10) != 0);
	while (i != 0)
		*to++ = digits[--i];
	return to;
}

/* By write alone, for signal handlers: what is told by way of saz_out has been flushed. */
static void summarize(uint64_t left_out)
{
	char text[512], *to = text;
	const char *at;

	if (saz_out == NULL || (saz_findings == 0 && (saz_out == stderr || getpid() != saz_first_process)) ||
	    __atomic_exchange_n(&saz_summed, 1, __ATOMIC_RELAXED))
		return;
	to = put_count(put_text(to, "saz: verify: "), saz_seen);
	to = put_text(put_count(put_text(to, " packets, "), saz_compared), " compared");
	if (saz_together != 0) {
		to = put_count(put_text(to, " ("), saz_together);
		to = put_count(put_text(to, " of them together, up to "), saz_largest);
		to = put_text(to, ", since threads' packets overlapped)");
	}
	to = put_text(put_count(put_text(to, ", "), left_out), " left out, ");
	to = put_text(put_count(to, saz_unclear), " left by longjmp or beside a thread without a packet; ");
	to = put_text(put_count(to, saz_nwatches), " variables watched, ");
	to = put_text(put_count(to, T->hidden), " that can't be; ");
	to = put_text(put_count(to, saz_findings), " unannounced updates\n");
	for (at = text; at != to;) {
		ssize_t n = write(fileno(saz_out), at, (size_t)(to - at));

		if (n <= 0 && errno != EINTR)
			return;
		at += n > 0 ? n : 0;
	}
}

/* A signal ends the program. What it interrupts may hold any lock, so nothing is compared any more and no lock is taken. */
static void ended_by(int sig)
{
	sigset_t this_one;

	summarize(saz_left_out + (saz_in_flight != 0 ? saz_group : 0));
	if (saz_findings != 0 && !saz_go_on)
		_exit(SAZ_VERIFY_STATUS);
	signal(sig, SIG_DFL);
	sigemptyset(&this_one);
	sigaddset(&this_one, sig);
	pthread_sigmask(SIG_UNBLOCK, &this_one, NULL);
	raise(sig);
}

/* A program that handles them itself, or ignores them, comes after this one, or was told to by who started it. */
static void expect_signals(void)
{
	static const int ends[] = { SIGTERM, SIGINT };
	struct sigaction was, ours;
	unsigned i;

	for (i = 0; i < sizeof ends / sizeof *ends; i++) {
		if (sigaction(ends[i], NULL, &was) != 0 || (was.sa_flags & SA_SIGINFO) || was.sa_handler != SIG_DFL)
			continue;
		memset(&ours, 0, sizeof ours);
		ours.sa_handler = ended_by;
		sigemptyset(&ours.sa_mask);
		sigaction(ends[i], &ours, NULL);
	}
}

void saz_verify_start(void)
{
	saz_tables_init();
	start_verify();
	expect_signals();
	if (T->whole_run && !saz_broken)
		begin_start();
}

/* The last of the program's destructors. */
static __attribute__((__destructor__(101))) void end_verify(void)
{
	sigset_t old;

	enter(&old);
	/* What a program does on its way out is no packet's, and nothing is claimed of it. */
	if (saz_in_flight == 1 && T->whole_run) {
		add_marks();
		finish();
	} else if (saz_in_flight != 0) {
		saz_left_out += saz_group;
	}
	saz_in_flight = 0;
	saz_owner = NULL;
	if (saz_out != NULL)
		fflush(saz_out);
	summarize(saz_left_out);
	leave(&old);
	if (saz_findings != 0 && !saz_go_on) {
		fflush(NULL);
		_exit(SAZ_VERIFY_STATUS);
	}
}

#endif
