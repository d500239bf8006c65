/* A table that the linker makes: each unit puts an entry into a section, and whoever has its ends
 * finds them all. HAProxy registers all its keywords, protocols and pools so. */
#include <stdlib.h>

void probe(const void *);

struct call { void (*fct)(void *); void *arg; };

static int first, second, third;
static void *seen;

static void one(void *arg) { seen = arg; }	// callers: run
static void two(void *arg) { probe(arg); }	// callers: run; pts>: ~first ~second third
static void never(void *arg) { probe(arg); }	// callers:

#define CALL(name, f, a) \
	static const struct call *const name __attribute__((used, section("calls"))) = &(const struct call){ f, a }

CALL(a, one, &first);
CALL(b, one, &second);
CALL(c, two, &third);
static const struct call *const out __attribute__((unused)) = &(const struct call){ never, &third };

extern __attribute__((weak)) const struct call *const __start_calls;
extern __attribute__((weak)) const struct call *const __stop_calls;

static void run(void)
{
	for (const struct call *const *p = &__start_calls; p < &__stop_calls; p++)
		(*p)->fct((*p)->arg);	// calls: one two !never
	probe(seen);	// pts: first second ~third
}

/* Entries that are records, and change. */
struct command { const char *name; int *count; };
static int hits;

#define COMMAND(n) static struct command n __attribute__((used, section("commands"))) = { #n, 0 }
COMMAND(start);
COMMAND(stop);

extern struct command __start_commands[], __stop_commands[];

static void count(void)
{
	for (struct command *c = __start_commands; c < __stop_commands; c++)
		c->count = &hits;
	probe(start.count);	// pts: hits
	probe(stop.count);	// pts: hits
	probe(__start_commands);	// pts: ~__start_commands start stop
}

int main(void)
{
	run();
	count();
	return 0;
}
