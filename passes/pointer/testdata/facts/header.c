/* Blocks behind a header of their allocator's: OpenVPN's gc_malloc links all that it hands out,
 * and as one object each of them would lead to all others from anywhere in it. */
#include <stdlib.h>
#include <string.h>

static void probe(const void *p) { (void)p; }

struct entry { struct entry *next; };
struct arena { struct entry *list; };
struct box { char *what; int n; };
static int a, b;

static void check(const void *p)
{
	if (!p)
		abort();
}

static void *hold(size_t size, struct arena *in)
{
	void *ret;
	if (in) {
		struct entry *e = (struct entry *)malloc(size + sizeof(struct entry)); // obj HELD
		check(e);
		ret = (char *)e + sizeof(struct entry);
		e->next = in->list;
		in->list = e;
		probe(e); // pts: HELD.head
	} else {
		ret = malloc(size);
		check(ret);
	}
	return ret;
}

static void let_go(struct arena *in)
{
	struct entry *e = in->list;
	while (e) {
		struct entry *next = e->next;
		free(e);
		e = next;
	}
}

static void drop(struct arena *in, void *it)
{
	struct entry **e;
	for (e = &in->list; *e; e = &(*e)->next)
		if ((unsigned char *)(*e + 1) == it) {
			struct entry *gone = *e;
			*e = (*e)->next;
			free(gone);
			return;
		}
}

static void linked(void)
{
	struct arena in = { NULL };
	struct box *one = hold(sizeof *one, &in); // obj ONE
	struct box *two = hold(sizeof *two, &in); // obj TWO
	char *text = hold(100, &in); // obj TEXT
	char *loose = hold(100, NULL); // obj LOOSE
	char *end;
	one->what = (char *)&a;
	two->what = (char *)&b;
	memset(text, 'x', 99);
	text[99] = 0;
	end = text + strlen(text);
	probe(one); // pts: ONE
	probe(two); // pts: TWO
	probe(end); // pts>: TEXT !HELD.head !ONE !TWO
	probe(one->what); // pts: a !b
	probe(two->what); // pts: b !a
	probe(*(char **)end); // pts: !a !b
	probe(loose); // pts: LOOSE
	probe(in.list); // pts: HELD.head
	probe(in.list->next); // pts: HELD.head
	drop(&in, text);
	let_go(&in);
}

/* Its release counts back to the header, which is no object of its own, then. */
struct tag { size_t size; void *owner; };

static void *tagged(size_t n, void *owner)
{
	struct tag *t = malloc(sizeof *t + n); // obj TAGGED
	t->size = n;
	t->owner = owner;
	return t + 1;
}

static void release(void *p)
{
	struct tag *t = (struct tag *)p - 1;
	probe(t->owner); // pts>: a
	probe(t); // pts>: TAGGED
	free(t);
}

/* A header that goes out as something else is none, either. */
struct link { struct link *next, *prev; };
static void *elsewhere;

static void *listed(size_t n)
{
	struct link *l = malloc(sizeof *l + n); // obj LISTED
	l->next = l->prev = l;
	elsewhere = l;
	return (char *)l + sizeof *l;
}

/* A header that ends in an array leads to what is behind it. */
struct counted { struct counted *next; size_t n; char *text[]; };
static struct counted *all;

static void *count(size_t n)
{
	struct counted *c = malloc(sizeof *c + n); // obj COUNTED
	c->next = all;
	all = c;
	return (char *)c + sizeof *c;
}

int main(void)
{
	char **slot;
	linked();
	slot = count(sizeof *slot);
	*slot = (char *)&a;
	probe(all); // pts: COUNTED
	probe(all->text[0]); // pts>: a
	release(tagged(10, &a));
	slot = listed(sizeof *slot);
	*slot = (char *)&b;
	probe(elsewhere); // pts: LISTED
	probe(*(char **)((char *)elsewhere + sizeof(struct link))); // pts>: b
	free(elsewhere);
	return 0;
}
