void probe(const void *, ...);
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

int a, b, c, d;

/* A binary tree of keys, built by recursion and searched by a loop. */
struct tree { struct tree *kid[2]; int key; int *value; };
static struct tree *insert(struct tree *t, int key, int *value)
{
	if (!t) {
		t = calloc(1, sizeof *t);
		t->key = key;
		t->value = value;
	} else
		t->kid[key > t->key] = insert(t->kid[key > t->key], key, value); // obj T3
	return t;
}
static struct tree *lookup(struct tree *t, int key)
{
	while (t && t->key != key)
		t = t->kid[key > t->key];
	probe(t); // pts: T1 ~T2 T3
	return t;
}
static void visit(struct tree *t, void (*f)(int *))
{
	if (t) {
		visit(t->kid[0], f);
		f(t->value); // calls: look
		visit(t->kid[1], f);
	}
}
static void look(int *p) { probe(p); } // callers: visit; pts: a b
static void searched(void)
{
	struct tree *root = insert(0, 5, &a); // obj T1
	root = insert(root, 7, &b); // obj T2
	probe(root); // pts: T1 ~T2 ~T3
	probe(root->kid[0]); // pts: ~T1 ~T3
	probe(root->kid[1]); // pts: ~T1 T3
	probe(lookup(root, 7)->value); // pts: ~a b
	visit(root, look);
}

/* The kernel's red-black tree: the parent's pointer has the colour in its low bits, and
   the node is a member of the entry. */
struct rb { uintptr_t parent_color; struct rb *right, *left; };
struct rb_root { struct rb *node; };
#define rb_parent(r) ((struct rb *)((r)->parent_color & ~(uintptr_t)3))
#define rb_entry(p, t, m) ((t *)((char *)(p) - offsetof(t, m)))
struct event { int *owner; struct rb rb; long when; };
static void rb_link(struct rb *n, struct rb *parent, struct rb **link)
{
	n->parent_color = (uintptr_t)parent;
	n->left = n->right = 0;
	*link = n;
}
static void set_black(struct rb *n) { n->parent_color |= 1; }
static void rotate_left(struct rb *x, struct rb_root *root)
{
	struct rb *y = x->right, *up = rb_parent(x);
	if ((x->right = y->left))
		y->left->parent_color = (uintptr_t)x | (y->left->parent_color & 3);
	y->left = x;
	y->parent_color = (uintptr_t)up | (y->parent_color & 3);
	if (up) {
		if (x == up->left)
			up->left = y;
		else
			up->right = y;
	} else
		root->node = y;
	x->parent_color = (uintptr_t)y | (x->parent_color & 3);
}
static struct event e1 = { .owner = &a, .when = 1 }, e2 = { .owner = &b, .when = 2 };
static struct rb_root events;
static void event_add(struct event *e)
{
	struct rb **link = &events.node, *parent = 0;
	while (*link) {
		parent = *link;
		struct event *at = rb_entry(parent, struct event, rb);
		link = e->when < at->when ? &parent->left : &parent->right;
	}
	probe(link); // pts: events ~e1.rb.left e1.rb.right ~e2.rb.left ~e2.rb.right
	rb_link(&e->rb, parent, link);
	set_black(&e->rb);
}
static void red_black(void)
{
	event_add(&e1);
	event_add(&e2);
	rotate_left(&e1.rb, &events);
	probe(events.node); // pts: ~e1.rb e2.rb
	probe(rb_entry(events.node, struct event, rb)); // pts: ~e1 e2
	probe(rb_entry(events.node, struct event, rb)->owner); // pts: ~a b !e1.rb !e2.rb
	probe(rb_parent(&e1.rb)); // pts: ~e1.rb e2.rb !e1+? !e2+?
	probe(rb_entry(rb_parent(&e1.rb), struct event, rb)->owner); // pts: ~a b !e1+? !e2+?
	probe(events.node->left); // pts: e1.rb ~e2.rb
	struct rb *n = events.node;
	while (n->left)
		n = n->left;
	probe(rb_entry(n, struct event, rb)->owner); // pts: a ~b !e1.rb !e2.rb
	probe(e2.owner); // pts: b !e1.rb !e2.rb
}

/* A tree by address prefix, whose leaves are told from nodes by a bit of the pointer
   (the elastic binary trees of HAProxy). */
struct troot { void *branch[2]; };
struct ebnode { struct troot branches; void *node_p, *leaf_p; int bit; };
struct lease { struct ebnode node; int *client; };
static struct troot leases;
static void *tagged(void *p, long tag) { return (char *)p + tag; }
static void *bare(void *p) { return (char *)p - ((uintptr_t)p & 1); }
static struct lease l1 = { .client = &a }, l2 = { .client = &b };
static void prefix_trees(void)
{
	leases.branch[0] = tagged(&l1.node.branches, 0);
	l1.node.leaf_p = tagged(&leases, 0);
	l2.node.leaf_p = tagged(&leases, 1);
	leases.branch[1] = tagged(&l2.node.branches, 1);
	struct lease *first = bare(leases.branch[0]);
	probe(first->client); // pts>: a !c !d
	struct lease *second = bare(leases.branch[1]);
	probe(second->client); // pts>: b !c !d
	struct troot *up = bare(l2.node.leaf_p);
	probe(up); // pts>: leases !a !b
}

/* Siblings, children, and the way up: a configuration's tree of sections. */
struct section { const char *name; struct section *parent, *child, *sibling; int **setting; };
static int *settings[2] = { &a, &b };
static struct section *section_new(struct section *parent, const char *name)
{
	struct section *s = calloc(1, sizeof *s);
	s->name = name;
	s->parent = parent;
	if (parent) {
		s->sibling = parent->child;
		parent->child = s;
	}
	return s;
}
static char top_name[] = "top", sub_name[] = "sub", low_name[] = "low";
static void sections(void)
{
	struct section *top = section_new(0, top_name); // obj TOP
	struct section *sub = section_new(top, sub_name); // obj SUB
	struct section *low = section_new(sub, low_name); // obj LOW
	low->setting = &settings[1];
	probe(top->child->child->setting); // pts: settings
	probe(*low->setting); // pts: ~a b
	probe(sub->parent->name); // pts>: top_name !a
	struct section *s = low;
	while (s->parent)
		s = s->parent;
	probe(s); // pts: TOP ~SUB ~LOW
	probe(s->name); // pts: top_name ~sub_name ~low_name
	probe(top->sibling); // pts: ~TOP ~SUB ~LOW
}

/* A trie of bytes in one array of nodes linked by number: no pointers, but for what is found. */
struct trie { unsigned short next[4]; int *found; };
static struct trie trie[16];
static int trie_used = 1;
static void trie_add(const char *s, int *what)
{
	int at = 0;
	for (; *s; s++) {
		unsigned short *n = &trie[at].next[*s & 3];
		if (!*n)
			*n = trie_used++;
		at = *n;
	}
	trie[at].found = what;
}
static int *trie_get(const char *s)
{
	int at = 0;
	for (; *s; s++)
		at = trie[at].next[*s & 3];
	return trie[at].found;
}
static void tries(void)
{
	trie_add("abc", &c);
	trie_add("ab", &d);
	probe(trie_get("abc")); // pts: c ~d
	probe(trie_get("ab")); // pts: ~c d
	probe(&trie[3].next[1]); // pts: trie
}

/* A graph: nodes with arrays of edges, edges with both ends. */
struct vertex;
struct edge { struct vertex *from, *to; struct edge *next; };
struct vertex { struct edge *out; int *label; };
static struct vertex v1 = { 0, &a }, v2 = { 0, &b };
static struct edge *connect(struct vertex *f, struct vertex *t)
{
	struct edge *e = malloc(sizeof *e);
	e->from = f;
	e->to = t;
	e->next = f->out;
	f->out = e;
	return e;
}
static void graphs(void)
{
	struct edge *there = connect(&v1, &v2); // obj THERE
	struct edge *back = connect(&v2, &v1); // obj BACK
	probe(there); // pts: THERE
	probe(back); // pts: BACK
	probe(v1.out); // pts: THERE
	probe(v1.out->to); // pts: v2
	probe(v1.out->to->label); // pts: b
	probe(v1.out->to->out->to); // pts: v1
	probe(v1.out->to->out->to->label); // pts: a
	probe(back->next); // pts: ~BACK
}

int main(void)
{
	searched();
	red_black();
	prefix_trees();
	sections();
	tries();
	graphs();
	return 0;
}
