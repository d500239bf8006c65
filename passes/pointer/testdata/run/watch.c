/* Run-time side of the checked runs: it knows where each object lives and
   writes down, once each, which instruction touched which byte of which. */
#include <malloc.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct w_node {
	struct w_node *l, *r;
	unsigned prio;
	char *lo, *hi;
	int kind, id, chain[4];
} w_node;

static w_node *w_root, *w_free;
static unsigned w_seed = 1;
static pthread_mutex_t w_lock = PTHREAD_RECURSIVE_MUTEX_INITIALIZER_NP;
static __thread int w_busy;
__thread int w_sp, w_stack[1 << 16];

static w_node *w_new(void)
{
	w_node *n = w_free;
	if (n) {
		w_free = n->l;
		return n;
	}
	static char *arena;
	static size_t left;
	if (left < sizeof *n) {
		left = 1 << 20;
		arena = aligned_alloc(64, left);
	}
	n = (w_node *)arena;
	arena += sizeof *n;
	left -= sizeof *n;
	return n;
}

/* split t into keys below lo and the rest */
static void w_split(w_node *t, char *lo, w_node **a, w_node **b)
{
	if (!t) {
		*a = *b = 0;
	} else if (t->lo < lo) {
		*a = t;
		w_split(t->r, lo, &t->r, b);
	} else {
		*b = t;
		w_split(t->l, lo, a, &t->l);
	}
}

static w_node *w_merge(w_node *a, w_node *b)
{
	if (!a || !b)
		return a ? a : b;
	if (a->prio > b->prio) {
		a->r = w_merge(a->r, b);
		return a;
	}
	b->l = w_merge(a, b->l);
	return b;
}

static void w_drop(w_node *t)
{
	if (t) {
		w_drop(t->l);
		w_drop(t->r);
		t->l = w_free;
		w_free = t;
	}
}

static w_node *w_find(char *p)
{
	w_node *best = 0;
	for (w_node *t = w_root; t;)
		if (t->lo <= p) {
			best = t;
			t = t->r;
		} else
			t = t->l;
	return best && p < best->hi ? best : 0;
}

static void w_remove(char *lo, char *hi)
{
	w_node *a, *b, *c, *d, *last;
	w_split(w_root, lo, &a, &b);
	w_split(b, hi, &c, &d);
	w_drop(c);
	/* one that begins before and reaches into it */
	for (last = a; last && last->r; last = last->r)
		;
	if (last && last->hi > lo) {
		char *l = last->lo;
		w_split(a, l, &a, &c);
		w_drop(c);
	}
	w_root = w_merge(a, d);
}

void w_add(void *p, size_t n, int kind, int id)
{
	if (!p || w_busy)
		return;
	pthread_mutex_lock(&w_lock);
	w_busy++;
	char *lo = p, *hi = lo + (n ? n : 1);
	w_remove(lo, hi);
	w_node *a, *b, *x = w_new();
	w_seed = w_seed * 1103515245 + 12345;
	*x = (w_node){ 0, 0, w_seed, lo, hi, kind, id, { -1, -1, -1, -1 } };
	for (int i = 0; i < 4 && w_sp - 1 - i >= 0; i++)
		x->chain[i] = w_stack[w_sp - 1 - i];
	w_split(w_root, lo, &a, &b);
	w_root = w_merge(w_merge(a, x), b);
	w_busy--;
	pthread_mutex_unlock(&w_lock);
}

void w_del(void *p, size_t n)
{
	if (w_busy)
		return;
	pthread_mutex_lock(&w_lock);
	w_remove(p, (char *)p + (n ? n : 1));
	pthread_mutex_unlock(&w_lock);
}

void w_heap(void *p, int id)
{
	if (p)
		w_add(p, malloc_usable_size(p), 'H', id);
}

static w_node *w_last; /* handed out last, at this depth of calls */
static int w_depth;

/* the block at p was handed out again by the call with number id */
void w_again(void *p, int id)
{
	if (!p || w_busy)
		return;
	pthread_mutex_lock(&w_lock);
	w_node *n = w_find(p);
	if (n && (n->kind == 'H' || n->kind == 'R') && n->lo == (char *)p) {
		if (n == w_last && w_sp == w_depth - 1) /* and by the call just before, within this one */
			memmove(n->chain + 1, n->chain, 3 * sizeof n->chain[0]);
		else
			for (int i = 1; i < 4; i++)
				n->chain[i] = w_sp - i >= 0 ? w_stack[w_sp - i] : -1;
		n->kind = 'R';
		n->chain[0] = id;
		w_last = n;
		w_depth = w_sp;
	}
	pthread_mutex_unlock(&w_lock);
}

/* the block at p was taken off a free list by the call with number id, which counts as
 * its allocation */
void w_taken(void *p, int id)
{
	if (!p || w_busy)
		return;
	pthread_mutex_lock(&w_lock);
	w_node *n = w_find(p);
	if (n && (n->kind == 'H' || n->kind == 'R') && n->lo == (char *)p) {
		n->kind = 'H';
		n->id = id;
		for (int i = 0; i < 4; i++)
			n->chain[i] = w_sp - 1 - i >= 0 ? w_stack[w_sp - 1 - i] : -1;
	}
	pthread_mutex_unlock(&w_lock);
}

void w_heap_by(void *f, void *p, int id)
{
	if (f == malloc || f == calloc || f == realloc || f == strdup)
		w_heap(p, id);
}

/* before p is released */
void w_gone(void *f, void *p)
{
	if (p && (!f || f == free || f == realloc))
		w_del(p, malloc_usable_size(p));
}

void w_push(int id)
{
	if (w_sp < (int)(sizeof w_stack / sizeof *w_stack))
		w_stack[w_sp] = id;
	w_sp++;
}

typedef struct {
	int used, op, kind, id, chain[4];
	long off;
} w_fact;
static w_fact *w_facts;
static unsigned w_nfacts, w_cap;

static void w_note(w_fact f)
{
	if (w_nfacts * 2 >= w_cap) {
		w_fact *old = w_facts;
		unsigned n = w_cap;
		w_cap = n ? n * 4 : 1 << 14;
		w_facts = calloc(w_cap, sizeof *w_facts);
		w_nfacts = 0;
		for (unsigned i = 0; i < n; i++)
			if (old[i].used)
				w_note(old[i]);
		free(old);
	}
	f.used = 1;
	unsigned h = 2166136261u;
	for (unsigned i = 0; i < sizeof f; i++)
		h = (h ^ ((unsigned char *)&f)[i]) * 16777619u;
	for (h %= w_cap; w_facts[h].used; h = (h + 1) % w_cap)
		if (!memcmp(&w_facts[h], &f, sizeof f))
			return;
	w_facts[h] = f;
	w_nfacts++;
}

/* operand op (2 * instruction + which) is the address p */
void w_at(int op, void *p)
{
	if (w_busy)
		return;
	pthread_mutex_lock(&w_lock);
	w_busy++;
	w_node *n = w_find(p);
	if (n) {
		w_fact f;
		memset(&f, 0, sizeof f);
		f.op = op;
		f.kind = n->kind;
		f.id = n->id;
		memcpy(f.chain, n->chain, sizeof f.chain);
		if (f.kind != 'H' && f.kind != 'R')
			memset(f.chain, 0, sizeof f.chain);
		f.off = (char *)p - n->lo;
		w_note(f);
	}
	w_busy--;
	pthread_mutex_unlock(&w_lock);
}

/* the call op goes to p */
void w_call(int op, void *p)
{
	w_fact f;
	memset(&f, 0, sizeof f);
	f.op = op;
	f.kind = 'F';
	f.off = (long)p;
	pthread_mutex_lock(&w_lock);
	w_busy++;
	w_note(f);
	w_busy--;
	pthread_mutex_unlock(&w_lock);
}

extern void *const w_funcs[];
extern const int w_nfuncs;

__attribute__((destructor)) static void w_end(void)
{
	const char *name = getenv("W_OUT");
	if (!name)
		return;
	w_busy++;
	FILE *o = fopen(name, "w");
	for (unsigned i = 0; i < w_cap; i++) {
		w_fact *f = &w_facts[i];
		if (!f->used)
			continue;
		if (f->kind == 'F') {
			for (int k = 0; k < w_nfuncs; k++)
				if (w_funcs[k] == (void *)f->off)
					fprintf(o, "F %d %d\n", f->op, k);
		} else
			fprintf(o, "%c %d %d %ld %d %d %d %d\n", f->kind, f->op, f->id, f->off, f->chain[0], f->chain[1], f->chain[2], f->chain[3]);
	}
	fclose(o);
	w_busy--;
}
