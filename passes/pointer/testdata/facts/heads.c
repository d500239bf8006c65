/* Heads of lists in one record, each for entries of another type. A walk takes the head for an
 * entry when it comes to it, or at once if the list is empty; what is next of that is
 * what is next of the head. The record holds more heads than the analysis keeps such
 * entries for one by one. */
#include <stddef.h>

static void probe(const void *p) { (void)p; }

struct list { struct list *n, *p; };
struct watcher { struct list link; long *ref; }; /* begins with its link */
struct waiter { long since; struct list link; };
struct timer { long at, every; struct list link; };
struct rule { long a, b, c; struct list link; };
struct check { long a, b, c, d; struct list link; };
struct reply { long a, b, c, d, e; struct list link; };

static struct stream {
	long id;
	struct list watchers, waiters, timers, rules, checks, replies;
	long *owner;
} stream;

#define ENTRY(p, type) ((struct type *)((char *)(p) - offsetof(struct type, link)))

static void init(struct list *l) { l->n = l->p = l; }

static void watchers(void)
{
	struct watcher *first = ENTRY(stream.watchers.n, watcher);
	struct watcher *next = ENTRY(first->link.n, watcher);
	probe(&next->link); // pts>: stream.watchers
}

static void waiters(void)
{
	struct waiter *first = ENTRY(stream.waiters.n, waiter);
	struct waiter *next = ENTRY(first->link.n, waiter);
	probe(&next->link); // pts>: stream.waiters !stream.owner
}

static void timers(void)
{
	struct timer *first = ENTRY(stream.timers.n, timer);
	struct timer *next = ENTRY(first->link.n, timer);
	probe(&next->link); // pts>: stream.timers !stream.owner
}

static void rules(void)
{
	struct rule *first = ENTRY(stream.rules.n, rule);
	struct rule *next = ENTRY(first->link.n, rule);
	probe(&next->link); // pts>: stream.rules !stream.owner
}

static void checks(void)
{
	struct check *first = ENTRY(stream.checks.n, check);
	struct check *next = ENTRY(first->link.n, check);
	probe(&next->link); // pts>: stream.checks !stream.owner
}

static void replies(void)
{
	struct reply *first = ENTRY(stream.replies.n, reply);
	struct reply *next = ENTRY(first->link.n, reply);
	probe(&next->link); // pts>: stream.replies !stream.owner
	probe(&next->e); // pts>: !stream.owner
}

int main(void)
{
	init(&stream.watchers);
	init(&stream.waiters);
	init(&stream.timers);
	init(&stream.rules);
	init(&stream.checks);
	init(&stream.replies);
	watchers();
	waiters();
	timers();
	rules();
	checks();
	replies();
	return 0;
}
