void probe(const void *, ...);
#include <stdlib.h>
#include <string.h>

static int a, b;

/* A pool: free blocks are linked through their first word, where something else is while
   they are in use. A link is what was first once, and a block that is handed out again
   is as good as a fresh one. */
struct pool { void **free; unsigned size, used; };
static struct pool trees = { 0, 32, 0 }, texts = { 0, 64, 0 };
static void *pool_first(struct pool *p)
{
	void *block;
	if ((block = p->free) != NULL) {
		p->free = *(void **)p->free;
		p->used++;
	}
	return block;
}
static void *pool_fill(struct pool *p)
{
	void *block = malloc(p->size);
	p->used++;
	return block;
}
static void *pool_get(struct pool *p)
{
	void *block;
	if ((block = pool_first(p)) == NULL)
		block = pool_fill(p);
	return block;
}
static void pool_put(struct pool *p, void *block)
{
	*(void **)block = p->free;
	p->free = block;
	p->used--;
}
static void pool_flush(struct pool *p)
{
	void *block, *next = p->free;
	while (next) {
		block = next;
		next = *(void **)block;
		free(block);
	}
	p->free = next;
}
struct leaf { struct leaf *side[2]; int *value; };
static void blocks(void)
{
	struct leaf *x = pool_get(&trees); // obj X
	struct leaf *y = pool_get(&trees); // obj Y
	char *s = pool_get(&texts); // obj S
	x->side[0] = y;
	x->value = &a;
	y->side[0] = y->side[1] = NULL;
	s[0] = 0;
	probe(x->side[0]); // pts: Y
	probe(s); // pts>: S !X !Y
	pool_put(&texts, s);
	pool_put(&trees, y);
	struct leaf *z = pool_get(&trees); // obj Z
	z->side[0] = x;
	z->value = &b;
	probe(z); // pts: Z
	probe(z->side[0]); // pts: X
	probe(z->value); // pts: b
	probe(x->value); // pts: a
	pool_put(&trees, z);
	pool_put(&trees, x);
	pool_flush(&trees);
	pool_flush(&texts);
}

/* A stack looks like one, but what is on it is in use, and who takes it off reads it. */
struct task { struct task *next; int *what; };
static struct task *stack;
static void push(struct task *t)
{
	t->next = stack;
	stack = t;
}
static struct task *pop(void)
{
	struct task *t = stack;
	if (t)
		stack = t->next;
	return t;
}
static struct task *task(void)
{
	struct task *t = pop();
	if (!t)
		t = calloc(1, sizeof *t);
	return t;
}
static void stacks(void)
{
	struct task *t = task(); // obj T
	t->what = &a;
	push(t);
	struct task *u = task(); // obj U
	probe(u); // pts>: T ~U
	probe(u->what); // pts: a
	free(u);
}

/* Functions by the member that they are kept in, whatever the place. */
struct ops { void (*open)(void); void (*close)(void); };
struct hook { long number; void (*fire)(void); };
static void opens(void) { a = 1; }
static void closes(void) { a = 2; }
static void fires(void) { a = 3; }
static union { struct { struct ops ops; struct hook hook; } all; } *table;
static char *base;
static void members(int at)
{
	table = malloc(sizeof *table);
	table->all.ops.open = opens;
	table->all.ops.close = closes;
	table->all.hook.fire = fires;
	base = (char *)table;
	struct ops *o = (struct ops *)(base + at);
	struct hook *h = (struct hook *)(base + sizeof *o + at);
	o->open(); // calls: opens
	o->close(); // calls: closes
	h->fire(); // calls: fires
	free(table);
}

/* Functions in an array that ends a record: such lists of keywords called nothing once. */
struct words { int n; struct word { const char *name; void (*run)(void); } word[]; };
static struct words words = { 2, { { "open", opens }, { "close", closes } } };
static void keywords(struct words *w, int i)
{
	w->word[i].run(); // calls: opens closes
}

/* A pointer to a pointer to one thing does not point at pointers to another. */
struct red { int *n; };
struct blue { int *n; };
static struct red red = { &a }, *reds[2] = { &red, &red };
static struct blue blue = { &b }, *blues[2] = { &blue, &blue };
static void *kept[2];
static void pointers(int i)
{
	kept[0] = reds;
	kept[1] = blues;
	struct red **r = kept[i];
	struct blue **s = kept[i + 1];
	probe(r); // pts: reds
	probe(s); // pts: blues
	probe((*s)->n); // pts: b
}

/* The address of a record's first member is the record's, and stores through it
 * tell only by its type that it is a function that goes there. */
struct first { void (*run)(void); int n; };
struct second { void (*run)(void); long n; };
static struct first first_a;
static struct second first_b;
static void put(void **where, void *what)
{
	*where = what;
}
static void put_word(unsigned long *where, unsigned long what)
{
	*where = what;
}
static void firsts(void)
{
	put((void **)&first_a, (void *)opens);
	put_word((unsigned long *)&first_b, (unsigned long)fires);
	first_a.run(); // calls>: opens
	first_b.run(); // calls>: fires
}

int main(int argc, char **argv)
{
	(void)argv;
	firsts();
	blocks();
	stacks();
	members(argc - 1);
	pointers(argc - 1);
	keywords(&words, argc - 1);
	return 0;
}
