/* What copies of bytes carry, and where blocks that are many things are told apart. */
#include <stdlib.h>
#include <stddef.h>
#include <string.h>

static int a, b, c;
static void probe(const void *p) { (void)p; }

/* Numbers in a union: what copies them does not copy the pointer of another member. */
struct address { union { unsigned char bytes[16]; unsigned words[4]; } u; };
struct text { char *start; size_t size; };
union value { struct text text; struct address address; };
static char letters[8], out[64], bytes[64];
static union value value;
static void numbers(unsigned n)
{
	union value other, whole;
	value.text.start = letters;
	memcpy(out, &value.address, n);
	other.address = value.address;
	probe(*(char **)out); // pts: !letters
	probe(other.text.start); // pts: !letters
	probe(value.text.start); // pts: letters
	memcpy(&whole, &value, sizeof whole);
	probe(whole.text.start); // pts: letters
}

/* A number of bytes is all that is copied of a member of a struct that begins one. */
static struct packet { struct address from; int *owner; } packet, copied;
static void begins(void)
{
	packet.owner = &a;
	memcpy(&copied.from, &packet.from, sizeof packet);
	probe(copied.owner); // pts: a
}

/* A record that ends in bytes is no element of an array, whatever the block's size:
 * to copy its bytes is not to copy the next one's pointers. */
struct area { char *head; int size; char data[]; };
static struct area *area_new(size_t n)
{
	return malloc(n);
}
static void areas(size_t n, size_t len)
{
	struct area *area = area_new(n); // obj area
	area->head = area->data;
	memcpy(bytes, area->data, len);
	probe(*(char **)(bytes + 8)); // pts: !area
	probe(area->head); // pts: area.data
}

/* An entry behind data of a length that a table knows, with a key of any kind at its end:
 * the key is copied, not the links of the trees that the entry is in. */
struct node { struct node *left, *right; };
struct entry { struct node by_time; struct node by_key; unsigned char key[]; };
static size_t room_for = 256;
static char *room;
static struct node *root;
static struct entry *entry_new(size_t data, size_t size, const void *key)
{
	struct entry *e = (struct entry *)((char *)malloc(room_for) + data);
	e->by_time.left = root;
	root = &e->by_time;
	memcpy(e->key, key, size);
	return e;
}
static void keys(size_t data, size_t size)
{
	struct entry *e = entry_new(data, size, letters);
	room = malloc(size);
	memcpy(room, e->key, size);
	probe(e->by_time.left); // pts>: !letters
}

/* Unless somebody sees a record with pointers in the key. */
struct pair { int *first, *second; };
struct named { struct node by_name; unsigned char name[]; };
static struct pair taken;
static void seen(size_t data, size_t size, int **where)
{
	struct named *n = (struct named *)((char *)malloc(room_for) + data);
	n->by_name.left = NULL;
	((struct pair *)n->name)->second = &b;
	memcpy(&taken, n->name, size);
	probe(taken.second); // pts>: b
	*where = taken.second;
}

/* Who takes a block off an allocator's free list itself gets one as good as fresh. */
struct pool { void **free; size_t size; };
static void *pool_get(struct pool *p)
{
	void **block = p->free;
	if (block)
		p->free = *block;
	return block;
}
static void *pool_alloc(struct pool *p)
{
	void *block = pool_get(p);
	return block ? block : malloc(p->size);
}
static void pool_put(struct pool *p, void *block)
{
	*(void **)block = p->free;
	p->free = block;
}
struct one { int *n; };
struct two { int *n; };
static struct pool ones = { NULL, sizeof(struct one) }, twos = { NULL, sizeof(struct two) };
static void pools(void)
{
	struct one *x = pool_alloc(&ones);
	struct two *y = pool_alloc(&twos);
	x->n = &a;
	y->n = &b;
	pool_put(&ones, x);
	struct one *z = pool_get(&ones); // obj again
	if (z) {
		z->n = &c;
		probe(z); // pts: again
		probe(z->n); // pts: c !a !b
	}
	pool_put(&twos, y);
}

/* Elements of a short array in a union are apart, as the other members there are. */
struct list { struct list *next, *prev; };
static union { void *args[4]; struct { char *name; struct list all; } named; int **numbers; } arg;
static int *numbers_of[2];
static void apart(int i)
{
	arg.args[0] = &a;
	arg.args[2] = &b;
	probe(arg.args[0]); // pts: a !b ~c
	probe(arg.args[2]); // pts: b !a ~c
	probe(arg.args[i]); // pts: a b ~c
	arg.args[i] = &c;
	probe(arg.args[3]); // pts: c
	probe(arg.args[0]); // pts: a c
	(void)numbers_of;
}

/* A list in a union is not bytes, though another member there has no pointers. */
struct rule {
	int kind;
	union {
		struct { struct list format; } http;
		struct { char *realm; } auth;
		struct { int counter; } track;
	} act;
};
static struct rule rule;
static void inner(struct rule *r)
{
	r->act.http.format.next = &r->act.http.format;
	r->act.track.counter = 1;
	probe(r->act.auth.realm); // pts: !rule !rule.act
}

/* Unless somebody wants its bytes. */
struct chain { struct chain *next; };
static union {
	struct { struct chain format; } http;
	struct { char *bytes; } auth;
	struct { int counter; } track;
} wanted;
static void outer(void)
{
	wanted.auth.bytes = (char *)&wanted.track;
	probe(wanted.auth.bytes); // pts: wanted
}

/* Tags: a pointer with one is none to a record, but with the tag taken off. */
static struct node tagged;
static void tags(int leaf)
{
	void *p = (char *)&tagged + (leaf ? 1 : 0);
	struct node *n = (struct node *)((char *)p - (leaf ? 1 : 0));
	probe(n); // pts>: tagged
}

/* A pointer into bytes may be at any of them, and a header before it aligned or not. */
struct header { unsigned word; };
static struct { long time; char bytes[64]; int *owner; } frame;
static void unaligned(int payload)
{
	char *p = frame.bytes + payload;
	struct header *h = (struct header *)(p - 6);
	probe(h); // pts>: frame.bytes
	h->word = 1;
}

/* The head of a list is in no entry, and what is counted from such an entry is nowhere. */
struct ring { struct ring *next; };
struct item { long id; struct ring link; int *data; char tail[16]; };
static struct { long before[2]; struct ring head; int *after[4]; } table;
static void heads(size_t at)
{
	struct item *it = malloc(sizeof *it);
	it->data = &a;
	table.after[0] = &b;
	table.head.next = &it->link;
	it->link.next = &table.head;
	it = (struct item *)((char *)table.head.next->next - offsetof(struct item, link));
	int **far = (int **)((char *)it + at);
	if (at > sizeof(void *))
		probe(*far); // pts: ~a !b
}

int main(int argc, char **argv)
{
	size_t n = (size_t)argc;
	int *where;
	(void)argv;
	numbers((unsigned)argc);
	begins();
	areas(n + 64, n);
	keys(16 * n, n);
	seen(16 * n, 2 * sizeof(int *), &where);
	pools();
	apart(argc - 1);
	inner(&rule);
	outer();
	tags(argc - 1);
	unaligned(13 + argc);
	heads(n);
	return 0;
}
