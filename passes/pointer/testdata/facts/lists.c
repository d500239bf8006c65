void probe(const void *, ...);
#include <stddef.h>
#include <stdlib.h>

int a, b, c, d;

/* A singly linked list, pushed at the front. */
struct node { struct node *next; int *what; };
static struct node *stack, *other_stack;
static void push(struct node **to, struct node *n) { n->next = *to; *to = n; }
static struct node *pop(struct node **from)
{
	struct node *n = *from;
	if (n)
		*from = n->next;
	return n;
}
static void stacks(void)
{
	struct node *one = malloc(sizeof *one); // obj S1
	struct node *two = malloc(sizeof *two); // obj S2
	struct node *far = malloc(sizeof *far); // obj S3
	one->what = &a;
	two->what = &b;
	far->what = &c;
	push(&stack, one);
	push(&stack, two);
	push(&other_stack, far);
	probe(stack); // pts: S1 S2
	probe(stack->next); // pts: S1 ~S2
	probe(other_stack); // pts: S3
	probe(other_stack->what); // pts: c
	for (struct node *n = stack; n; n = n->next)
		probe(n->what); // pts: a b
	struct node *top = pop(&stack);
	probe(top); // pts: ~S1 S2
	probe(top->what); // pts>: b !c
	probe(one->what); // pts: a
}

/* The same with a pointer to the last link. */
struct queue { struct node *head, **tail; } queue = { 0, &queue.head };
static void enqueue(struct queue *q, struct node *n)
{
	n->next = 0;
	*q->tail = n;
	q->tail = &n->next;
}
static void queues(void)
{
	struct node *q1 = malloc(sizeof *q1); // obj Q1
	struct node *q2 = malloc(sizeof *q2); // obj Q2
	q1->what = &a;
	q2->what = &d;
	enqueue(&queue, q1);
	enqueue(&queue, q2);
	probe(queue.head); // pts: Q1 ~Q2
	probe(queue.head->next); // pts: ~Q1 Q2
	probe(queue.tail); // pts: queue Q1 Q2
	probe(queue.head->next->what); // pts: ~a d
}

/* Doubly linked, with a head that is a node's part: the kernel's list. */
struct list { struct list *next, *prev; };
#define container_of(p, t, m) ((t *)((char *)(p) - offsetof(t, m)))
static void list_init(struct list *l) { l->next = l->prev = l; }
static void list_add(struct list *n, struct list *h)
{
	n->next = h->next;
	n->prev = h;
	h->next->prev = n;
	h->next = n;
}
static void list_del(struct list *n)
{
	n->next->prev = n->prev;
	n->prev->next = n->next;
}
struct timer { long when; int *owner; struct list link; };
struct wheel { int now; struct list slots[8]; } wheel;
static void timers(void)
{
	for (int i = 0; i < 8; i++)
		list_init(&wheel.slots[i]);
	struct timer *t1 = calloc(1, sizeof *t1); // obj T1
	struct timer *t2 = calloc(1, sizeof *t2); // obj T2
	t1->owner = &a;
	t2->owner = &b;
	list_add(&t1->link, &wheel.slots[1]);
	list_add(&t2->link, &wheel.slots[2]);
	probe(wheel.slots[1].next); // pts: T1.link ~T2.link wheel.slots
	probe(t1->link.prev); // pts: ~T1.link ~T2.link wheel.slots
	struct timer *first = container_of(wheel.slots[2].next, struct timer, link);
	probe(first); // pts>: ~T1 T2
	probe(first->owner); // pts: ~a b !T1.link !T2.link !wheel.slots
	for (struct list *l = wheel.slots[1].next; l != &wheel.slots[1]; l = l->next) {
		struct timer *t = container_of(l, struct timer, link);
		probe(&t->owner); // pts>: T1.owner ~T2.owner
		probe(t->owner); // pts: a ~b !T1.link !T2.link !wheel.slots
	}
	list_del(&t1->link);
	probe(&wheel); // pts: wheel
}

/* Two kinds of entry on two lists of the same kind: neither is the other's. */
struct host { int *counter; struct list hosts; } h1 = { &c, { 0, 0 } };
struct rule { int *counter; long pad[3]; struct list rules; } r1 = { &d, { 0 }, { 0, 0 } };
struct table { struct list hosts, rules; } table;
static void two_kinds(void)
{
	list_init(&table.hosts);
	list_init(&table.rules);
	list_add(&h1.hosts, &table.hosts);
	list_add(&r1.rules, &table.rules);
	probe(table.hosts.next); // pts>: h1.hosts ~table !r1.rules
	probe(table.rules.next); // pts>: r1.rules ~table.rules !h1.hosts
	probe(container_of(table.hosts.next, struct host, hosts)->counter); // pts: c
	probe(container_of(table.rules.next, struct rule, rules)->counter); // pts: d
}

/* A hash table of chains. */
struct entry { struct entry *chain; const char *key; int *value; };
static struct entry *buckets[16];
static struct entry *find(const char *key)
{
	for (struct entry *e = buckets[*key & 15]; e; e = e->chain)
		if (e->key == key)
			return e;
	return 0;
}
static void insert(const char *key, int *value)
{
	struct entry *e = malloc(sizeof *e); // obj E
	e->key = key;
	e->value = value;
	e->chain = buckets[*key & 15];
	buckets[*key & 15] = e;
}
static char ka[] = "a", kb[] = "b";
static void hashes(void)
{
	insert(ka, &a);
	insert(kb, &b);
	struct entry *e = find(ka);
	probe(e); // pts>: !buckets
	probe(e->value); // pts>: a ~b !c !d
	probe(e->key); // pts>: ka ~kb !a
	probe(buckets); // pts: buckets
	probe(&buckets[3]); // pts: buckets
}

/* A list kept in order by walking with a pointer to the link. */
static struct node *sorted;
static void insert_sorted(struct node *n)
{
	struct node **at = &sorted;
	while (*at && *(*at)->what < *n->what)
		at = &(*at)->next;
	probe(at); // pts: sorted O1 O2
	n->next = *at;
	*at = n;
}
static void order(void)
{
	struct node *n = malloc(sizeof *n); // obj O1
	n->what = &a;
	insert_sorted(n);
	n = malloc(sizeof *n); // obj O2
	n->what = &c;
	insert_sorted(n);
	probe(sorted); // pts: O1 O2
	probe(sorted->what); // pts: a c
	struct node *last = sorted;
	while (last->next)
		last = last->next;
	probe(last); // pts: O1 O2
}

/* A ring of static records, linked by an initialiser. */
struct ring { struct ring *next; int *what; };
static struct ring ring_b, ring_a = { &ring_b, &a }, ring_b = { &ring_a, &b };
static void rings(void)
{
	struct ring *r = &ring_a;
	probe(r->next); // pts: ring_b
	probe(r->next->next); // pts: ring_a
	probe(r->next->what); // pts: b
	for (int i = 0; i < 5; i++)
		r = r->next;
	probe(r); // pts: ring_a ring_b
}

/* A list with an index beside it: the same entries under two links. */
struct session { struct session *hash_next, *lru_next; int *user; };
static struct session *by_hash[4], *lru;
static void sessions(void)
{
	struct session *s1 = calloc(1, sizeof *s1); // obj SES1
	struct session *s2 = calloc(1, sizeof *s2); // obj SES2
	s1->user = &a;
	s2->user = &b;
	by_hash[1] = s1;
	s1->hash_next = s2;
	lru = s2;
	s2->lru_next = s1;
	probe(by_hash[1]); // pts: SES1
	probe(by_hash[1]->hash_next); // pts: SES2
	probe(by_hash[1]->lru_next); // pts:
	probe(lru->lru_next); // pts: SES1
	probe(lru->lru_next->hash_next); // pts: SES2
	probe(lru->hash_next); // pts:
	probe(lru->user); // pts: b
}

int main(void)
{
	stacks();
	queues();
	timers();
	two_kinds();
	hashes();
	order();
	rings();
	sessions();
	return 0;
}
