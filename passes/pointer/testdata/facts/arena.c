/* A free list that is a table: a block of many is cut up as bytes, the pieces wait in a table
 * of void pointers, and who takes one makes a record of it. No cast says that bytes are
 * made into that record (softflowd's freelist.c). */
#include <stdlib.h>

static void probe(const void *p) { (void)p; }

struct pieces { size_t size, all, left; void **free; };
struct flow { struct flow *next; int n; };
struct note { char *text; int n; };
static struct table { struct flow *root; struct pieces pieces; } table;
static char name[64];
static void *elsewhere;

static int grow(struct pieces *l)
{
	size_t i, old = l->all;
	void *p;
	l->all = old ? old << 1 : 16;
	if (!(p = realloc(l->free, l->all * sizeof(*l->free)))) // obj L
		return -1;
	l->free = p;
	if (!(p = malloc((l->all - old) * l->size))) // obj P
		return -1;
	for (i = 0; i < l->all - old; i++)
		l->free[l->left++] = (unsigned char *)p + i * l->size;
	return 0;
}

static void *take(struct pieces *l)
{
	if (!l->left && grow(l) < 0)
		return NULL;
	return l->free[--l->left];
}

static struct flow *flow_new(struct table *t) { return take(&t->pieces); }

int main(int argc, char **argv)
{
	struct flow *f = flow_new(&table);
	char *line = malloc(argc * 100), *copy = malloc(argc * 100); // obj C
	struct note *note;
	(void)argv;
	f->next = table.root;
	table.root = f;
	probe(f); // pts: P
	probe(table.root); // pts: P
	probe(table.root->next); // pts: P
	elsewhere = name + argc;
	elsewhere = line + argc;
	note = elsewhere;
	note->text = copy;
	probe(note); // pts>: C ~P !name
	probe(note->text); // pts>: C
	return 0;
}
