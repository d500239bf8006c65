/* An event library: who registers a function says what it is called with, and the library's loop calls it. libevent, as its headers declare it;
 * it need not be there: then nothing runs. */
#include <sys/time.h>
typedef void (*event_fn)(int, short, void *);
struct event_base;
struct event { void *links[4]; int fd; struct event_base *base; event_fn fn; void *arg; struct timeval timeout; };
struct bufferevent;
struct evbuffer;
#define LIB __attribute__((weak))
LIB struct event_base *event_base_new(void);
LIB struct event *event_new(struct event_base *, int, short, event_fn, void *);
LIB int event_assign(struct event *, struct event_base *, int, short, event_fn, void *);
LIB void event_set(struct event *, int, short, event_fn, void *);
LIB int event_add(struct event *, const struct timeval *);
LIB int event_del(struct event *);
LIB void event_free(struct event *);
LIB void *event_self_cbarg(void);
LIB int event_base_once(struct event_base *, int, short, event_fn, void *, const struct timeval *);
LIB void *event_get_callback_arg(const struct event *);
LIB int event_base_dispatch(struct event_base *);
LIB int event_base_loop(struct event_base *, int);
LIB struct bufferevent *bufferevent_socket_new(struct event_base *, int, int);
LIB void bufferevent_setcb(struct bufferevent *, void (*)(struct bufferevent *, void *), void (*)(struct bufferevent *, void *), void (*)(struct bufferevent *, short, void *), void *);
LIB struct evbuffer *bufferevent_get_input(struct bufferevent *);
LIB unsigned long bufferevent_read(struct bufferevent *, void *, unsigned long);
LIB int bufferevent_write(struct bufferevent *, const void *, unsigned long);
LIB struct evbuffer *evbuffer_new(void);
LIB int evbuffer_add_reference(struct evbuffer *, const void *, unsigned long, void (*)(const void *, unsigned long, void *), void *);
LIB unsigned char *evbuffer_pullup(struct evbuffer *, long);
LIB int evbuffer_drain(struct evbuffer *, unsigned long);

extern void probe(const void *);
void probe(const void *p) { (void)p; }

struct listener { int fd; struct event ev; unsigned accepted; };
struct client { struct client *next; struct bufferevent *be; unsigned long bytes; };
static struct listener here, there;
static struct client first, second, *clients;
static struct event_base *base;
static struct event *made;
static int ticks, late, freed, user;
static const char banner[] = "hello";

static void on_accept(int fd, short what, void *arg) // callers: main
{
	struct listener *l = arg;
	probe(l); // pts: here there
	l->accepted++;
}

static void on_tick(int fd, short what, void *arg) // callers: main
{
	probe(arg); // pts: ticks
	probe(event_get_callback_arg(made)); // pts>: ticks !first !second !user
}

static void on_self(int fd, short what, void *arg) // callers: main
{
	probe(arg); // pts>: there.ev !first ?ticks
}

static void on_late(int fd, short what, void *arg) // callers: main
{
	probe(arg); // pts: late
}

/* One that the loop's own functions hand over while it runs. */
static void on_next(int fd, short what, void *arg) // callers: main
{
	probe(arg); // pts: ~first second
	event_del(&here.ev);
}

static void on_read(struct bufferevent *be, void *arg) // callers: main
{
	struct client *c = arg;
	char text[100];
	probe(c); // pts: first second
	c->bytes += bufferevent_read(be, text, sizeof text); // calls: bufferevent_read cleanup
	event_base_once(base, -1, 1, on_next, c == &first ? c->next : &second, 0); // calls: event_base_once
}

static void on_write(struct bufferevent *be, void *arg) // callers: main
{
	probe(arg); // pts: first second
}

static void never(int fd, short what, void *arg) { (void)arg; } // callers:

/* Of a buffer's own: at once, by whatever changes one. */
static void cleanup(const void *data, unsigned long n, void *arg) // callers: on_read main
{
	probe(data); // pts: banner
	probe(arg); // pts: freed
}

static void accepted(struct client *c)
{
	c->be = bufferevent_socket_new(base, 3, 0);
	c->next = clients;
	clients = c;
	bufferevent_setcb(c->be, on_read, on_write, 0, c); // calls: bufferevent_setcb
}

int main(void)
{
	event_fn unused = never;
	if (!event_base_new)
		return 0;
	struct evbuffer *buf = evbuffer_new();
	base = event_base_new();
	event_assign(&here.ev, base, 1, 2, on_accept, &here); // calls: event_assign
	event_set(&there.ev, 2, 2, on_accept, &there);
	event_assign(&there.ev, base, 2, 2, on_self, event_self_cbarg());
	made = event_new(base, -1, 1, on_tick, &ticks); // calls: event_new
	event_base_once(base, -1, 1, on_late, &late, 0);
	event_add(made, 0);
	probe(here.ev.arg); // pts>: ~here+? !there
	probe(&made->fd); // pts>: !here !there
	accepted(&first);
	accepted(&second);
	probe(first.next); // pts: ~first second
	evbuffer_add_reference(buf, banner, sizeof banner, cleanup, &freed);
	probe(evbuffer_pullup(buf, -1)); // pts>: banner !freed
	event_base_dispatch(base); // calls: event_base_dispatch on_accept on_tick on_self on_late on_next on_read on_write cleanup
	event_base_loop(base, 1); // calls: event_base_loop on_accept on_tick on_self on_late on_next on_read on_write cleanup
	return unused != never || user;
}
