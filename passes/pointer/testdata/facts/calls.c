void probe(const void *, ...);
#include <dlfcn.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

int a, b, c, d;

/* A table of handlers, searched by name. */
struct command { const char *name; int (*run)(int *arg); };
static int start(int *arg) { probe(arg); return 1; } // callers: dispatch; pts: a b
static int stop(int *arg) { probe(arg); return 2; } // callers: dispatch; pts: a b
static int hidden(int *arg) { return *arg; } // callers:
static const struct command commands[] = { { "start", start }, { "stop", stop } };
static int dispatch(const char *name, int *arg) // callers: tables
{
	for (unsigned i = 0; i < sizeof commands / sizeof *commands; i++)
		if (!strcmp(commands[i].name, name))
			return commands[i].run(arg); // calls: start stop !hidden
	return 0;
}
static void tables(void)
{
	dispatch("start", &a);
	dispatch("stop", &b);
}

/* Virtual tables: each object keeps a pointer to its class's. */
struct shape;
struct shape_ops { int (*area)(struct shape *); void (*drop)(struct shape *); };
struct shape { const struct shape_ops *ops; int *data; };
static int square_area(struct shape *s) { probe(s->data); return 4; } // callers: virtual_calls area_of; pts: a ~b
static void square_drop(struct shape *s) { s->data = 0; } // callers: virtual_calls
static int circle_area(struct shape *s) { probe(s); return 3; } // callers: area_of; pts: ~square circle
static void circle_drop(struct shape *s) { s->data = 0; } // callers: virtual_calls
static const struct shape_ops square_ops = { square_area, square_drop }, circle_ops = { circle_area, circle_drop };
static struct shape square = { &square_ops, &a }, circle = { &circle_ops, &b };
static struct shape *all[2] = { &square, &circle };
static int area_of(struct shape *s) { return s->ops->area(s); } // calls: square_area circle_area
static void virtual_calls(void)
{
	area_of(&square);
	area_of(&circle);
	square.ops->area(&square); // calls: square_area
	for (int i = 0; i < 2; i++)
		all[i]->ops->drop(all[i]); // calls: square_drop circle_drop
}

/* A callback with a context that only it knows the type of. */
struct tree { struct tree *left, *right; int *key; };
struct totals { int *sum; int n; };
static void each(struct tree *t, void (*f)(struct tree *, void *), void *context)
{
	if (!t)
		return;
	each(t->left, f, context);
	f(t, context); // calls: add_up note
	each(t->right, f, context);
}
static void add_up(struct tree *t, void *context) // callers: each
{
	struct totals *s = context;
	probe(s); // pts: contexts.totals ~c
	s->n++;
	*s->sum += *t->key;
}
static void note(struct tree *t, void *context) // callers: each
{
	int *seen = context;
	probe(seen); // pts: ~contexts.totals c
	*seen = *t->key;
}
static struct tree leaf_l = { 0, 0, &a }, leaf_r = { 0, 0, &b }, top = { &leaf_l, &leaf_r, &d };
static void contexts(void)
{
	struct totals totals = { &d, 0 };
	each(&top, add_up, &totals);
	each(&top, note, &c);
}

/* Handlers that are registered at run time, in a list and by number. */
typedef void (*handler)(void *self, int event);
struct listener { struct listener *next; handler call; void *self; };
static struct listener *listeners;
static void listen(handler h, void *self)
{
	struct listener *l = malloc(sizeof *l);
	l->call = h;
	l->self = self;
	l->next = listeners;
	listeners = l;
}
static void on_open(void *self, int event) { probe(self); } // callers: fire; pts: a ~b
static void on_close(void *self, int event) { probe(self); } // callers: fire; pts: ~a b
static void on_nothing(void *self, int event) { probe(self); } // callers:; pts:
static handler unused[] = { on_nothing };
static void fire(int event)
{
	for (struct listener *l = listeners; l; l = l->next)
		l->call(l->self, event); // calls: on_open on_close !on_nothing
}
static void registered(void)
{
	listen(on_open, &a);
	listen(on_close, &b);
	fire(1);
}

/* A state machine whose states return the next one. */
struct state { struct state (*next)(int *); };
static struct state idle(int *), busy(int *), done(int *);
static struct state idle(int *p) { return (struct state){ busy }; } // callers: states
static struct state busy(int *p) { return (struct state){ *p ? done : idle }; } // callers: states
static struct state done(int *p) { return (struct state){ 0 }; } // callers: states
static void states(void)
{
	struct state s = { idle };
	for (int i = 0; s.next && i < 9; i++)
		s = s.next(&a); // calls: idle busy done
}

/* Functions that choose functions. */
static int plus(int x, int y) { return x + y; } // callers: call_all chosen
static int minus(int x, int y) { return x - y; } // callers: chosen
static int times(int x, int y) { return x * y; } // callers: call_all chosen
typedef int (*binary)(int, int);
static binary choose(char op) { return op == '+' ? plus : op == '-' ? minus : 0; }
static binary fixed(void) { return times; }
static void chosen(char op)
{
	binary f = choose(op);
	if (f)
		f(1, 2); // calls: plus minus
	fixed()(1, 2); // calls: fixed times
	int (*local)(int, int) = plus;
	local(3, 4); // calls: plus
	local = minus;
	(*local)(3, 4); // calls: minus
}

/* Arguments without names: what is passed, in any position, may come out. */
static int *nth(int n, ...)
{
	va_list ap;
	int *p = 0;
	va_start(ap, n);
	for (int i = 0; i <= n; i++)
		p = va_arg(ap, int *);
	va_end(ap);
	probe(p); // pts: a b c
	return p;
}
static void vlog(const char *format, va_list ap)
{
	for (; *format; format++)
		if (*format == 'p')
			probe(va_arg(ap, int *)); // pts: d
}
static void log_(const char *format, ...)
{
	va_list ap;
	va_start(ap, format);
	vlog(format, ap);
	va_end(ap);
}
static int call_all(int n, ...)
{
	va_list ap, again;
	va_start(ap, n);
	va_copy(again, ap);
	int r = 0;
	while (n-- > 0)
		r += va_arg(again, binary)(1, 2); // calls: plus times
	va_end(again);
	va_end(ap);
	return r;
}
static void variadic(void)
{
	probe(nth(1, &a, &b)); // pts: ~a b ~c
	nth(0, &c);
	log_("p", &d);
	call_all(2, plus, times);
}

/* What libraries call: sorting, searching, threads, signals, exits, keys. */
struct rec { int key; int *owner; };
static struct rec recs[4] = { { 2, &a }, { 1, &b } };
static int by_key(const void *x, const void *y) // callers: libraries
{
	const struct rec *r = x;
	probe(r); // pts: recs libraries.key
	probe(r->owner); // pts: a b d
	return r->key - ((const struct rec *)y)->key;
}
static void *worker(void *arg) // callers: libraries
{
	probe(arg); // pts: c
	return &d;
}
static void on_hangup(int n) {} // callers: libraries
static void on_info(int n, siginfo_t *i, void *u) {} // callers: libraries
static void goodbye(void) {} // callers: cast_back libraries
/* 002: what pthread_setspecific keeps is what a key's destructor is called with. */
static void forget(void *p) { probe(p); } // callers: make_key; pts: b ~forget()
static pthread_key_t key_of;
static pthread_once_t once = PTHREAD_ONCE_INIT;
static void make_key(void) { pthread_key_create(&key_of, forget); } // callers: libraries; calls: forget pthread_key_create
static void libraries(void)
{
	qsort(recs, 2, sizeof *recs, by_key); // calls: qsort by_key
	struct rec key = { 1, &d };
	struct rec *r = bsearch(&key, recs, 2, sizeof key, by_key); // calls: bsearch by_key
	probe(r); // pts: recs
	probe(r->owner); // pts: a b
	pthread_t t;
	void *result = 0;
	pthread_create(&t, 0, worker, &c); // calls: pthread_create worker
	pthread_join(t, &result);
	probe(result); // pts: d
	signal(SIGHUP, on_hangup); // calls: signal on_hangup
	struct sigaction sa = { .sa_sigaction = on_info, .sa_flags = SA_SIGINFO };
	sigaction(SIGUSR1, &sa, 0); // calls: sigaction on_info
	atexit(goodbye); // calls: atexit goodbye
	pthread_once(&once, make_key); // calls: pthread_once make_key
	pthread_setspecific(key_of, &b);
	probe(pthread_getspecific(key_of)); // pts: b ~forget()
}

/* setjmp: what was stored before comes back after. */
static jmp_buf env;
static int *volatile kept;
static void fail(void) { kept = &b; longjmp(env, 1); }
static void jumps(void)
{
	kept = &a;
	if (setjmp(env) == 0)
		fail();
	else
		probe(kept); // pts: ~a b
}

/* Functions stored as something else and cast back before the call. */
static void *stored[2];
static void kick(int *p) { probe(p); } // callers: cast_back; pts: c
static long as_number;
static void cast_back(void)
{
	stored[0] = (void *)kick;
	((void (*)(int *))stored[0])(&c); // calls: kick
	as_number = (long)goodbye;
	((void (*)(void))as_number)(); // calls: goodbye
}

/* Kinds of call that a function's type rules out. */
static int one_arg(int *p) { return *p; } // callers: by_kind
static int three_args(int *p, int *q, int n) { return *p + *q + n; } // callers: by_kind
static void *mixed[2] = { (void *)one_arg, (void *)three_args };
static void by_kind(int i)
{
	((int (*)(int *))mixed[0])(&a); // calls: one_arg
	((int (*)(int *, int *, int))mixed[1])(&a, &b, i); // calls: ~one_arg three_args
}

/* What a library gives is data, though it is kept with functions: to call what is kept there does not call unknown code, which might call back
   whatever it is handed. What dlsym finds may do so. */
static void handed(void) {} // callers: by_library
static void other(void) {} // callers:
static void takes(void (*f)(void)) { (void)f; } // callers: by_library
static void by_library(int i)
{
	static void *kept[3], *found[1];
	time_t now = 0;
	kept[i] = optarg;
	kept[i + 1] = localtime(&now);
	kept[i + 2] = (void *)takes;
	((void (*)(void (*)(void)))kept[i + 2])(other); // calls: takes !other
	found[i] = dlsym(NULL, "plugin");
	if (found[i])
		((void (*)(void (*)(void)))found[i])(handed); // calls: handed
}

/* zlib calls what its stream names, for blocks of its own. */
struct z_stream_s { const void *next_in; void *next_out, *state; void *(*zalloc)(void *, unsigned, unsigned); void (*zfree)(void *, void *); void *opaque; };
__attribute__((weak)) int deflateInit_(struct z_stream_s *, int, const char *, int); /* it need not be there: this runs in no test */
__attribute__((weak)) int deflate(struct z_stream_s *, int);
__attribute__((weak)) int deflateEnd(struct z_stream_s *);
static void *zget(void *opaque, unsigned n, unsigned size) { probe(opaque); return malloc(n * size); } // callers: compressing; pts>: a !b
static void zput(void *opaque, void *block) { probe(opaque); free(block); } // callers: compressing; pts>: a !b
static void stray(void) {} // callers:
static void compressing(void)
{
	static struct z_stream_s z;
	static struct { void (*run)(void); } ops = { stray };
	z.next_out = (void *)ops.run; /* in the stream, and not among what it calls */
	z.zalloc = zget;
	z.zfree = zput;
	z.opaque = &a;
	if (!deflateInit_(&z, 6, "1.2", sizeof z)) { // calls: deflateInit_ zget zput !stray
		deflate(&z, 4); // calls: deflate !zget !zput !stray
		deflateEnd(&z); // calls: deflateEnd zput !zget !stray
	}
}

int main(int argc, char **argv)
{
	if (argc > 99)
		compressing();
	tables();
	by_library(argc - 1);
	virtual_calls();
	contexts();
	registered();
	states();
	chosen('+');
	variadic();
	libraries();
	jumps();
	cast_back();
	by_kind(argc);
	return hidden == 0;
}
