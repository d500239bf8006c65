void probe(const void *, ...);
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int a, b, c, d;

/* Wrappers of the allocator, one inside the other. */
struct box { int *what; struct box *next; };
static void *xmalloc(size_t n)
{
	void *p = malloc(n);
	if (!p)
		exit(1);
	return p;
}
static void *zalloc(size_t n) { return memset(xmalloc(n), 0, n); } // obj ZERO
static struct box *box_new(int *what)
{
	struct box *b = zalloc(sizeof *b);
	b->what = what;
	return b;
}
static void wrappers(void)
{
	struct box *one = box_new(&a);
	struct box *two = box_new(&b);
	probe(one); // pts: ZERO
	probe(two); // pts: ZERO
	probe(one->what); // pts: a
	probe(two->what); // pts: b
	one->next = two;
	probe(one->next->what); // pts: b
	probe(two->next); // pts:
	int *numbers = zalloc(10 * sizeof *numbers);
	probe(numbers + 3); // pts: ZERO+12
	free(one);
}

/* A block that comes back by a parameter. */
static int make(struct box **out, int *what)
{
	*out = malloc(sizeof **out); // obj OUT
	if (!*out)
		return -1;
	(*out)->what = what;
	(*out)->next = 0;
	return 0;
}
static void out_parameters(void)
{
	struct box *p, *q;
	make(&p, &a);
	make(&q, &b);
	probe(p); // pts: OUT
	probe(p->what); // pts: a ~b
	probe(q->what); // pts: ~a b
	int *found = 0, **where = &found;
	*where = &c;
	probe(found); // pts: c
	char *end;
	static char digits[] = "12x";
	strtol(digits, &end, 10);
	probe(end); // pts: out_parameters.digits
}

/* A vector that grows. */
struct vec { struct box **items; int n, cap; };
static void vec_add(struct vec *v, struct box *b)
{
	if (v->n == v->cap) {
		v->cap = v->cap ? 2 * v->cap : 4;
		v->items = realloc(v->items, v->cap * sizeof *v->items); // obj ITEMS
	}
	v->items[v->n++] = b;
}
static struct vec vec;
static void vectors(void)
{
	struct box *x = box_new(&a);
	struct box *y = box_new(&c);
	vec_add(&vec, x);
	vec_add(&vec, y);
	probe(vec.items); // pts: ITEMS
	probe(vec.items[0]); // pts: ZERO
	probe(vec.items[1]->what); // pts: ~a c
	struct box *many = calloc(4, sizeof *many); // obj OLD
	many[1].what = &d;
	many = realloc(many, 8 * sizeof *many); // obj NEW
	probe(many); // pts: NEW
	probe(many[1].what); // pts: d ~a
	probe(many[5].next); // pts:
	many[2].what = &a;
	probe(many[1].what); // pts: ~a d
}

/* A buffer of characters that grows holds none. */
static char *text;
static size_t used;
static void append(const char *s)
{
	size_t n = strlen(s);
	text = realloc(text, used + n + 1); // obj TEXT
	memcpy(text + used, s, n + 1);
	used += n;
}
static char *copy_of(const char *s)
{
	char *p = malloc(strlen(s) + 1); // obj COPY
	return p ? strcpy(p, s) : 0;
}
static void strings(void)
{
	append("a");
	append("b");
	probe(text); // pts: TEXT
	probe(text + used); // pts: TEXT
	char *first = copy_of("first");
	char *second = copy_of(first);
	char *third = strdup(second); // obj C3
	probe(first); // pts: COPY
	probe(second); // pts: COPY
	probe(third); // pts: C3
	probe(strchr(third, 'i')); // pts: C3
	probe(strstr(first, "rs")); // pts: COPY
	char *save, *word = strtok_r(second, "i", &save);
	probe(word); // pts: COPY
	char *line = 0;
	if (asprintf(&line, "%s", first) >= 0) // obj LINE
		probe(line); // pts: LINE
	probe(strncpy(third, first, 3)); // pts: C3
	free(line);
}

/* A pool that hands out parts of one block. */
struct pool { char *base; size_t used; };
static struct pool pool;
static void *pool_get(struct pool *p, size_t n)
{
	void *r = p->base + p->used;
	p->used += (n + 7) & ~(size_t)7;
	return r;
}
static void pools(void)
{
	pool.base = malloc(4096); // obj POOL
	struct box *x = pool_get(&pool, sizeof *x);
	struct box *y = pool_get(&pool, sizeof *y);
	x->what = &a;
	y->what = &b;
	x->next = y;
	probe(x->what); // pts>: a !c !d
	probe(y->what); // pts>: b !c !d
	probe(x->next->what); // pts>: b !c !d
	probe(pool.base); // pts: POOL
}

/* Free lists: a freed entry is the next one of its kind. */
struct conn { struct conn *next; int *peer; };
static struct conn *free_conns;
static struct conn *conn_get(void)
{
	struct conn *c = free_conns;
	if (c)
		free_conns = c->next;
	else
		c = malloc(sizeof *c);
	return c;
}
static void conn_put(struct conn *c)
{
	c->next = free_conns;
	free_conns = c;
}
static void free_lists(void)
{
	struct conn *x = conn_get(); // obj X
	x->peer = &a;
	conn_put(x);
	struct conn *y = conn_get(); // obj Y
	y->peer = &b;
	probe(x); // pts: X
	probe(y); // pts: X ~Y
	probe(y->peer); // pts: ~a b
	probe(free_conns); // pts: ~X ~Y
	struct conn *apart = malloc(sizeof *apart); // obj APART
	apart->peer = &c;
	probe(apart->peer); // pts: c
	probe(y->peer); // pts>: b !c
}

/* A free list threaded through blocks that hold something else when in use. */
union cell { union cell *next; struct { int *what; int n; } use; };
static union cell cells[8], *free_cells;
static union cell *cell_get(void)
{
	union cell *c = free_cells;
	free_cells = c->next;
	return c;
}
static void cells_of(void)
{
	for (int i = 0; i < 8; i++) {
		cells[i].next = free_cells;
		free_cells = &cells[i];
	}
	union cell *u = cell_get();
	u->use.what = &d;
	probe(u); // pts>: cells !a !b !c
	probe(u->use.what); // pts>: d ~cells !a !b !c
}

/* Objects that one initialises for another, on the stack and in static storage. */
struct ctx { int *count; struct ctx *up; };
static struct ctx *current;
static void enter(struct ctx *c, int *count)
{
	c->count = count;
	c->up = current;
	current = c;
}
static void nested(int depth)
{
	struct ctx mine;
	enter(&mine, &a);
	probe(current); // pts: nested.mine
	probe(mine.up); // pts: nested.mine
	if (depth > 0)
		nested(depth - 1);
	current = mine.up;
}
static struct box *singleton(void)
{
	static struct box only;
	if (!only.what)
		only.what = &d;
	return &only;
}
static void on_stack(void)
{
	nested(2);
	probe(singleton()); // pts: singleton.only
	probe(singleton()->what); // pts: d
	struct box *b = __builtin_alloca(sizeof *b); // obj ALLOCA
	b->what = &c;
	probe(b->what); // pts: c
	int n = 3, vla[n + 1];
	int *p = vla + n;
	probe(p != &vla[1] ? &d : 0); // pts: d
}

/* What the library hands out. */
static void handed_out(void)
{
	FILE *f = tmpfile(); // obj FILE
	probe(f); // pts: FILE
	char line[40];
	probe(fgets(line, sizeof line, f)); // pts: handed_out.line
	char *grown = 0;
	size_t n = 0;
	if (getline(&grown, &n, f) >= 0) // obj GETLINE
		probe(grown); // pts: GETLINE
	fclose(f);
}

int main(void)
{
	wrappers();
	out_parameters();
	vectors();
	strings();
	pools();
	free_lists();
	cells_of();
	on_stack();
	handed_out();
	return 0;
}
