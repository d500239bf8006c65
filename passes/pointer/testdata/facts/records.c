void probe(const void *, ...);
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int a, b, c, d;

/* A union with a tag, and one whose members lie over each other. */
struct value { int tag; union { int *number; char *text; struct { struct value *left, *right; } pair; } u; };
static struct value leaf, text_leaf, pair;
static char hello[6];
static void unions(void)
{
	leaf.u.number = &a;
	text_leaf.u.text = hello;
	pair.u.pair.left = &leaf;
	pair.u.pair.right = &text_leaf;
	probe(leaf.u.number); // pts: a
	probe(text_leaf.u.text); // pts: hello
	probe(pair.u.pair.left->u.number); // pts: a
	probe(pair.u.pair.right->u.text); // pts: hello
	probe(pair.u.number); // pts: leaf
	probe(&pair.u.pair.right); // pts: pair.u+8
	struct value *v = &pair;
	v = v->u.pair.left;
	probe(v); // pts: leaf
}

/* Members keep their own, whole copies take all of them along. */
struct inner { int *p, *q; };
struct outer { long id; struct inner in; struct inner more[2]; int *last; };
static struct outer from, to, third;
static void copies(void)
{
	from.in.p = &a;
	from.in.q = &b;
	from.more[1].p = &c;
	from.last = &d;
	to = from;
	probe(to.in.p); // pts: a
	probe(to.in.q); // pts: b
	probe(to.more[0].p); // pts: ~c
	probe(to.more[1].p); // pts: c
	probe(to.more[1].q); // pts:
	probe(to.last); // pts: d
	memcpy(&third.in, &from.in, sizeof third.in);
	probe(third.in.q); // pts: b
	probe(third.last); // pts:
	struct inner one = from.more[1];
	probe(one.p); // pts: c
	probe(one.q); // pts:
}

/* Records handed over and back by value. */
static struct inner swapped(struct inner x) { return (struct inner){ x.q, x.p }; }
static struct inner made(int *p, int *q)
{
	struct inner r;
	r.p = p;
	r.q = q;
	return r;
}
static void by_value(void)
{
	struct inner s = swapped(made(&a, &b));
	probe(s.p); // pts: b
	probe(s.q); // pts: a !c
	struct inner t = made(&c, 0);
	probe(t.p); // pts: c !a
	probe(t.q); // pts: !b
}

/* One array of records: its elements are one, their members are not. */
struct slot { int *used; int *spare; struct { int *deep[4]; } sub; };
static struct slot slots[8];
static void arrays(int n)
{
	slots[1].used = &a;
	slots[n].spare = &b;
	slots[2].sub.deep[n] = &c;
	probe(slots[1].used); // pts: a
	probe(slots[n].used); // pts: a
	probe(slots[3].used); // pts: ~a
	probe(slots[n].spare); // pts: b
	probe(slots[2].sub.deep[0]); // pts: c
	probe(&slots[n]); // pts: slots
	probe(&slots[n].spare); // pts: slots[].spare
	probe(&slots[2].sub.deep[n]); // pts: slots[].sub
	struct slot *s = slots;
	for (int i = 0; i < 8; i++, s++)
		if (s->used)
			probe(s->used); // pts: a
	struct slot *end = slots + 8;
	probe(end[-1].spare); // pts: ~b
	struct slot two[2] = { { &a, &b, { { 0 } } }, { &c, &d, { { 0 } } } };
	probe(two[0].used); // pts: a ~c
	probe(two[1].spare); // pts: ~b d
	int *flat[2][3] = { { &a }, { 0, &b } };
	probe(flat[0][0]); // pts: a ~b
}

/* Inheritance by prefix: a pointer to the base is one to the whole. */
struct base { int kind; struct base *parent; int *owner; };
struct file { struct base base; int *data; };
struct dir { struct base base; struct base *children[4]; };
static struct file file1;
static struct dir root;
static void adopt(struct dir *d, struct base *b)
{
	b->parent = (struct base *)d;
	d->children[0] = b;
}
static void prefixes(void)
{
	file1.data = &a;
	file1.base.owner = &b;
	root.base.owner = &c;
	adopt(&root, &file1.base);
	probe(root.children[0]); // pts: file1
	probe(((struct file *)root.children[0])->data); // pts: a
	probe(root.children[0]->owner); // pts: b
	probe(file1.base.parent); // pts: root
	probe(file1.base.parent->owner); // pts: c
	probe(((struct dir *)file1.base.parent)->children[1]); // pts: ~file1
}

/* A flexible array behind a header, and data behind a fixed one. */
struct message { size_t len; struct message *next; char data[]; };
static void flexible(int n)
{
	struct message *m = malloc(sizeof *m + 64); // obj M
	struct message *m2 = malloc(sizeof *m2 + n); // obj M2
	m->next = m2;
	m2->next = 0;
	probe(m->data); // pts: M
	probe(&m->data[n]); // pts: M ?M+?
	probe(&m->next->data[n]); // pts: M2.data
	probe(m->next); // pts: M2
	probe(m->next->data); // pts: M2.data
	probe((struct message *)(m->data - offsetof(struct message, data))); // pts: M
}

/* A record in an array of bytes, as one is read from a packet. */
struct view { int *first; int *second; };
static unsigned char bytes[64];
static void in_bytes(void)
{
	struct view *v = (struct view *)(bytes + 16);
	v->first = &a;
	v->second = &b;
	struct view w;
	memcpy(&w, bytes + 16, sizeof w);
	probe(w.first); // pts: a ~b
	probe(w.second); // pts: ~a b
	probe(v); // pts: bytes
}

/* Copied as raw memory: through char buffers, memmove, and member by member. */
struct packet { char name[16]; int *stats; void *priv; };
static struct packet p1 = { "p1", &a, &b }, p2, ring_of[4];
static void raw(int n)
{
	memmove(&p2, &p1, sizeof p1);
	probe(p2.stats); // pts: a
	probe(p2.priv); // pts: b
	char buffer[sizeof(struct packet)];
	memcpy(buffer, &p1, sizeof p1);
	struct packet back;
	memcpy(&back, buffer, sizeof back);
	probe(back.stats); // pts>: a !c !d
	probe(back.priv); // pts>: b !c !d
	memcpy(&ring_of[n & 3], &p1, sizeof p1);
	probe(ring_of[n & 3].stats); // pts: a ?b
	memcpy(&ring_of[1], &ring_of[0], 3 * sizeof *ring_of);
	probe(ring_of[2].priv); // pts: b ?a
	int *save = p1.stats;
	memset(&p1, 0, sizeof p1);
	probe(save); // pts: a
	memcpy(&p1.stats, &save, sizeof save);
	probe(p1.stats); // pts: a
	probe(p1.priv); // pts: ~b
}

/* Designators, nested literals, and what an initialiser leaves out. */
static const struct slot known[] = { [2] = { .spare = &a, .sub.deep[1] = &b }, [0].used = &c };
static int *const pointers[] = { &a, [3] = &d };
static struct inner *nested = &(struct inner){ .q = &c };
static void initialised(int n)
{
	probe(known[n & 1].used); // pts: c
	probe(known[2].spare); // pts: a
	probe(known[2].sub.deep[n]); // pts: b
	probe(pointers[n]); // pts: a d
	probe(nested->q); // pts: c
	probe(nested->p); // pts:
}

/* A place beside the one that is written stays what it was. */
static struct { int *left; char gap[8]; int *right; } sides;
static int **side(int which) { return which ? &sides.right : &sides.left; }
static void beside(int n)
{
	sides.left = &a;
	*(&sides.left + 2) = &b;
	probe(sides.left); // pts: a
	probe(sides.right); // pts: b ~c
	probe(side(n)); // pts: sides sides.right
	int **r = &sides.right;
	*r = &c;
	probe(sides.right); // pts: ~b c
	probe(sides.left); // pts: a
}

/* 003: the bytes of an array of records, walked from a cast of its address, were taken for those
   of the first member alone (OpenVPN reads its keys so). */
struct key { unsigned char cipher[8], hmac[8]; };
static struct { int n; struct key key[2]; } keys;
static struct { char text[8]; int *p; } name_of_it = { "name", &a };
static void walked(int n)
{
	unsigned char *out = (unsigned char *)&keys.key;
	for (int count = 0; count < (int)sizeof keys.key; count++)
		out[count] = n;
	probe(out + n); // pts: keys+?
	/* 004: the same, stepped. */
	static struct { struct key key; int n; } more;
	unsigned char *at = (unsigned char *)&more.key;
	for (int count = sizeof more.key; count-- > 0;)
		*at++ = n;
	probe(at); // pts: walked.more+?
	for (char *s = name_of_it.text; *s; s++)
		probe(s); // pts: name_of_it
}

int main(int argc, char **argv)
{
	walked(argc);
	unions();
	copies();
	by_value();
	arrays(argc);
	prefixes();
	flexible(argc);
	in_bytes();
	raw(argc);
	initialised(argc);
	beside(argc);
	return 0;
}
