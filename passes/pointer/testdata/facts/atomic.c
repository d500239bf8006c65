/* The compiler's atomic builtins, and assembly that does what they do. HAProxy's locks, lists and counters
 * are made of these; taken for a store through each argument, they made of all its memory one place. */
#include <stdlib.h>

void probe(void *);

struct node {
	struct node *next;
	long count;
};

static struct node one, two, three, *head, *spare;
static struct node *table[4], **slot = table;
static unsigned long word;

/* What is stored is what was given, and nothing is stored in what that points at. */
static void stored(void)
{
	__atomic_store_n(&head, &one, __ATOMIC_RELEASE);
	probe(head);		// pts: one ~two
	probe(one.next);	// pts:
	struct node *v = &two;
	__atomic_store(&head, &v, __ATOMIC_RELEASE);
	probe(head);		// pts: ~one two
	__atomic_load(&head, &v, __ATOMIC_ACQUIRE);
	probe(v);		// pts: ~one two
	probe(two.next);	// pts: ~one ~two
}

/* Of a comparison, only what is there comes back, and only the new value goes in. */
static void push(struct node *n)
{
	struct node *was = __atomic_load_n(&spare, __ATOMIC_RELAXED);
	do
		n->next = was;
	while (!__atomic_compare_exchange_n(&spare, &was, n, 0, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST));
	probe(was);		// pts: two
	probe(n->next);		// pts: two
}

static void compared(void)
{
	struct node *other = &three;
	if (__sync_bool_compare_and_swap(&spare, other, &two))
		probe(spare);	// pts: two
	probe(__sync_val_compare_and_swap(&spare, &three, &two)); // pts: two
}

static struct node *kept;

static void exchanged(void)
{
	struct node *out = &one, *in = &three;
	__atomic_exchange(&kept, &in, &out, __ATOMIC_SEQ_CST);
	probe(kept);		// pts: three
	probe(out);		// pts: ~one three
	probe(__sync_lock_test_and_set(&kept, NULL)); // pts: three
	probe(in);		// pts: three
}

/* Steps are in bytes. */
static struct node *cursor = &one;
static struct node **at = table;

static void stepped(void)
{
	probe(__atomic_fetch_add(&at, sizeof *at, __ATOMIC_RELAXED)); // pts: table
	long *count = &cursor->count;
	probe(count);		// pts: one.count
	long *of = &one.count;
	static long *moves;
	moves = (long *)&two;
	probe(__atomic_add_fetch(&moves, 8, __ATOMIC_RELAXED)); // pts: two.count ~two+?
	probe(of);		// pts: one.count
}

/* A tagged word. */
static void tagged(void)
{
	__atomic_store_n(&word, (unsigned long)&three, __ATOMIC_RELAXED);
	__atomic_fetch_or(&word, 1, __ATOMIC_SEQ_CST);
	probe((void *)(__atomic_and_fetch(&word, ~1UL, __ATOMIC_SEQ_CST)));	// pts: three
}

/* Counters hold no pointers, wherever their addresses go. */
static unsigned long events;

static void counted(unsigned long *n)
{
	unsigned long seen = *n;
	while (!__atomic_compare_exchange_n(n, &seen, seen + 1, 0, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST))
		;
	probe((void *)n);	// pts: events
}

/* Two words at once; "memory" keeps the compiler's order and says no more. */
struct pair { struct node *item; unsigned long turn; struct node *last; } pair;
struct two { struct node *a, *b; } __attribute__((aligned(16))) both;

static char swap(void *target, void *compare, const void *set)
{
	char ret;

	__asm__ volatile("lock cmpxchg16b %0; setz %3"
		: "+m" (*(void **)target), "=a" (((void **)compare)[0]), "=d" (((void **)compare)[1]), "=q" (ret)
		: "a" (((void **)compare)[0]), "d" (((void **)compare)[1]), "b" (((const void **)set)[0]), "c" (((const void **)set)[1])
		: "memory", "cc");
	return ret;
}

static void swapped(void)
{
	struct two was = { &one, 0 }, now = { &two, &three };
	one.next = 0;
	swap(&both, &was, &now);
	probe(both.a);		// pts: ~one two ~three
	probe(both.b);		// pts: ~one ~two three
	probe(pair.item);	// pts:
	__asm__ volatile("mfence" ::: "memory");
	probe(pair.last);	// pts:
}

/* This one reaches what its operand points at. */
static struct node *hidden, **through = &hidden;

static void fetched(void)
{
	struct node *r;
	hidden = &three;
	__asm__ volatile("mov (%1), %0" : "=r" (r) : "r" (through) : "memory");
	probe(r);		// pts: ~hidden+? three
	struct node *copy;
	__asm__("mov %1, %0" : "=r" (copy) : "m" (hidden));
	probe(copy);		// pts: ~hidden+? three
}

/* A builtin that says whether a sum overflows stores the sum; another may store what it is given. */
static void summed(unsigned long n)
{
	unsigned long at, none;
	if (!__builtin_uaddl_overflow((unsigned long)&three, n, &at))
		probe((struct node *)at);	// pts: ~three+? three
	if (!__builtin_uaddl_overflow(n, n, &none))
		probe((struct node *)none);	// pts:
	struct node *kept = 0;
	__builtin_ia32_movnti64((long long *)&kept, (long long)&two);
	probe(kept);		// pts: two ~two+? ~kept
}

int main(void)
{
	stored();
	summed(0);
	push(&two);
	compared();
	exchanged();
	stepped();
	tagged();
	counted(&events);
	swapped();
	fetched();
	probe(slot);		// pts: table
	return 0;
}
