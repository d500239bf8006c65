void probe(const void *, ...);
#include <netinet/in.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

/* Decoding: headers are places in the packet's bytes. */
struct ip { uint8_t vhl, tos; uint16_t len, id, off; uint8_t ttl, proto; uint16_t sum; uint32_t src, dst; };
struct tcp { uint16_t sport, dport; uint32_t seq, ack; uint8_t off, flags; uint16_t win, sum, urg; };
struct packet { const uint8_t *data; size_t len; const struct ip *ip; const struct tcp *tcp; const uint8_t *payload; struct flow *flow; };
static uint8_t wire[2048];
static void decode(struct packet *p, const uint8_t *data, size_t len)
{
	p->data = data;
	p->len = len;
	p->ip = (const struct ip *)(data + 14);
	p->tcp = (const struct tcp *)((const uint8_t *)p->ip + (p->ip->vhl & 15) * 4);
	p->payload = (const uint8_t *)p->tcp + (p->tcp->off >> 4) * 4;
	probe(p->ip); // pts: wire
	probe(p->tcp); // pts: wire
	probe(p->payload); // pts: wire
	probe(&p->tcp->seq); // pts: wire
}

/* The flow table: chains of blocks from a pool that is made once. */
struct key { uint32_t src, dst; uint16_t sport, dport; };
struct flow { struct key key; struct flow *next; struct proto *proto; void *priv; struct segment *segments; struct counters *count; };
struct counters { unsigned long packets, bytes; };
static struct flow *flows[64], *spare, *pool;
static struct counters totals, web_count, mail_count;
static void pool_make(void)
{
	pool = calloc(16, sizeof *pool); // obj POOL
	for (int i = 0; i < 16; i++) {
		pool[i].next = spare;
		spare = &pool[i];
	}
	probe(spare); // pts: POOL
}
static unsigned hash(const struct key *k) { return (k->src ^ k->dst ^ k->sport ^ k->dport) & 63; }
static struct flow *flow_get(const struct key *k)
{
	struct flow **at = &flows[hash(k)], *f;
	for (f = *at; f; f = f->next)
		if (!memcmp(&f->key, k, sizeof *k))
			return f;
	if (!(f = spare))
		return 0;
	spare = f->next;
	memset(f, 0, sizeof *f);
	f->key = *k;
	f->count = &totals;
	f->next = *at;
	*at = f;
	probe(at); // pts: flows
	return f;
}

/* Protocols: each has its functions and its own record behind flow->priv. */
struct proto { const char *name; uint16_t port; void *(*begin)(struct flow *); void (*data)(struct flow *, const uint8_t *, size_t); void (*end)(struct flow *); struct proto *next; };
static struct proto *protos;
static void proto_register(struct proto *p)
{
	p->next = protos;
	protos = p;
}
struct web { const char *method; int state; };
struct mail { char *from; struct mail *last; };
static char method_get[] = "GET", sender[] = "a@b";
static void *web_begin(struct flow *f) // callers: classify
{
	struct web *w = calloc(1, sizeof *w); // obj WEB
	w->method = method_get;
	f->count = &web_count;
	probe(f); // pts: POOL
	return w;
}
static void web_data(struct flow *f, const uint8_t *p, size_t n) // callers: handle
{
	struct web *w = f->priv;
	probe(w); // pts: WEB ~MAIL
	probe(w->method); // pts>: method_get !wire
	probe(p); // pts: wire
}
static void web_end(struct flow *f) // callers: flow_end
{
	free(f->priv);
	f->priv = 0;
}
static void *mail_begin(struct flow *f) // callers: classify
{
	static struct mail *previous;
	struct mail *m = malloc(sizeof *m); // obj MAIL
	m->from = sender;
	m->last = previous;
	previous = m;
	f->count = &mail_count;
	return m;
}
static void mail_data(struct flow *f, const uint8_t *p, size_t n) // callers: handle
{
	struct mail *m = f->priv;
	probe(m->last); // pts>: MAIL !POOL
	probe(m->from); // pts>: sender !wire
}
static void drop_all(struct flow *f) {} // callers:
static struct proto web = { "web", 80, web_begin, web_data, web_end, 0 };
static struct proto mail = { "mail", 25, mail_begin, mail_data, 0, 0 };
static void (*const nobody_calls[])(struct flow *) = { drop_all };
static void classify(struct flow *f)
{
	for (struct proto *p = protos; p; p = p->next)
		if (p->port == f->key.dport) {
			f->proto = p;
			f->priv = p->begin(f); // calls: web_begin mail_begin
		}
	probe(f->proto); // pts: web mail
	probe(f->priv); // pts: WEB MAIL
	probe(f->count); // pts: ~totals web_count mail_count
}
static void flow_end(struct flow *f)
{
	if (f->proto && f->proto->end)
		f->proto->end(f); // calls: web_end !drop_all
}

/* Reassembly: segments in order of their number, each a copy of what came. */
struct segment { struct segment *next; uint32_t seq; size_t len; uint8_t data[]; };
static void reassemble(struct flow *f, uint32_t seq, const uint8_t *p, size_t n)
{
	struct segment *s = malloc(sizeof *s + n); // obj SEG
	s->seq = seq;
	s->len = n;
	memcpy(s->data, p, n);
	struct segment **at = &f->segments;
	while (*at && (*at)->seq < seq)
		at = &(*at)->next;
	probe(at); // pts: POOL.segments SEG
	s->next = *at;
	*at = s;
	probe(f->segments); // pts: SEG
	probe(f->segments->data + n); // pts>: SEG.data !wire
	probe(p); // pts: wire
}
static void handle(const uint8_t *bytes, size_t len)
{
	struct packet p = { 0 };
	decode(&p, bytes, len);
	struct key k = { p.ip->src, p.ip->dst, p.tcp->sport, p.tcp->dport };
	struct flow *f = flow_get(&k);
	if (!f)
		return;
	p.flow = f;
	if (!f->proto)
		classify(f);
	if (f->proto)
		f->proto->data(p.flow, p.payload, 4); // calls: web_data mail_data
	reassemble(f, p.tcp->seq, p.payload, 4);
	f->count->packets++;
	probe(p.flow); // pts: POOL
	probe(p.data); // pts: wire
	probe(&f->count->packets); // pts: totals web_count mail_count
}

/* An event loop: what epoll is given comes back, with a handler and its owner. */
struct source { int fd; void (*ready)(struct source *); void *owner; };
struct listener { struct source source; int accepted; } listener;
struct client { struct client *next; struct source source; char in[64]; };
static struct client *clients;
static int poller;
static void client_ready(struct source *s) // callers: loop
{
	struct client *c = (struct client *)((char *)s - offsetof(struct client, source));
	probe(s); // pts: CLIENT.source !listener
	probe(s->owner); // pts: CLIENT
	ssize_t n = read(c->source.fd, c->in, sizeof c->in);
	probe(n > 0 ? c->in : 0); // pts>: CLIENT.in !wire
}
static void listener_ready(struct source *s) // callers: loop
{
	struct listener *l = (struct listener *)s;
	l->accepted++;
	struct client *c = calloc(1, sizeof *c); // obj CLIENT
	c->source.ready = client_ready;
	c->source.owner = c;
	c->next = clients;
	clients = c;
	struct epoll_event e = { .events = EPOLLIN, .data.ptr = &c->source };
	epoll_ctl(poller, EPOLL_CTL_ADD, c->source.fd, &e);
}
static void loop(void)
{
	struct epoll_event events[8], e = { .events = EPOLLIN, .data.ptr = &listener.source };
	poller = epoll_create1(0);
	listener.source.fd = -1;
	listener.source.ready = listener_ready;
	epoll_ctl(poller, EPOLL_CTL_ADD, listener.source.fd, &e);
	int n = epoll_wait(poller, events, 8, 0);
	for (int i = 0; i < n; i++) {
		struct source *s = events[i].data.ptr;
		probe(s); // pts: listener CLIENT.source
		s->ready(s); // calls: listener_ready client_ready
	}
	listener_ready(&listener.source);
	clients->source.ready(&clients->source); // calls: client_ready
}

/* Timers: a callback with an argument in a heap that is an array of pointers. */
struct timer { long when; void (*expire)(void *); void *arg; };
static struct timer *timers[8];
static int ntimers;
static void timer_add(struct timer *t)
{
	int i = ntimers++;
	while (i > 0 && timers[(i - 1) / 2]->when > t->when) {
		timers[i] = timers[(i - 1) / 2];
		i = (i - 1) / 2;
	}
	timers[i] = t;
}
static void flow_expire(void *arg) // callers: tick
{
	struct flow *f = arg;
	probe(f); // pts: POOL ~totals
	flow_end(f);
}
static void report(void *arg) // callers: tick
{
	struct counters *c = arg;
	probe(c); // pts: totals ~POOL
	c->bytes++;
}
static void tick(void)
{
	for (int i = 0; i < ntimers; i++)
		timers[i]->expire(timers[i]->arg); // calls: flow_expire report
	probe(timers[0]); // pts: times.t1 times.t2
}
static void times(void)
{
	static struct timer t1 = { 5, report, &totals }, t2 = { 3, flow_expire };
	t2.arg = pool;
	timer_add(&t1);
	timer_add(&t2);
	tick();
}

/* Configuration: names to places where values go. */
static struct { char *device; char *log; int *level; int verbose; } config;
struct option { const char *name; void *where; void (*parse)(void *where, char *text); };
static void parse_text(void *where, char *text) // callers: configure
{
	probe(where); // pts: config config.log ~config.verbose
	*(char **)where = text;
}
static void parse_number(void *where, char *text) // callers: configure
{
	probe(where); // pts: ~config ~config.log config.verbose
	*(int *)where = atoi(text);
}
static const struct option options[] = {
	{ "device", &config.device, parse_text }, { "log", &config.log, parse_text }, { "verbose", &config.verbose, parse_number },
};
static void configure(char *line)
{
	char *value = strchr(line, '=');
	if (!value)
		return;
	*value++ = 0;
	for (unsigned i = 0; i < sizeof options / sizeof *options; i++)
		if (!strcmp(options[i].name, line))
			options[i].parse(options[i].where, value); // calls: parse_text parse_number
	config.level = &config.verbose;
	probe(config.device); // pts: configs.line ~configs.other
	probe(config.level); // pts: config.verbose
}
static void configs(void)
{
	char line[] = "device=eth0", other[] = "log=x";
	configure(line);
	configure(other);
	probe(config.log); // pts: ~configs.line configs.other
}

/* Addresses: a sockaddr of one kind seen as another. */
static struct sockaddr_storage peers[4];
static void addresses(int n)
{
	struct sockaddr *sa = (struct sockaddr *)&peers[n & 3];
	struct sockaddr_in *in = (struct sockaddr_in *)sa;
	in->sin_port = 1;
	probe(in); // pts: peers
	probe(&in->sin_addr); // pts: peers[].__ss_padding
	probe(((struct sockaddr_in6 *)sa)->sin6_addr.s6_addr); // pts: peers[].__ss_padding
	struct { struct sockaddr_in to; struct sockaddr *as; } route;
	route.as = (struct sockaddr *)&route.to;
	probe(route.as); // pts: addresses.route
	probe(&((struct sockaddr_in *)route.as)->sin_port); // pts: addresses.route.to.sin_port
}

int main(int argc, char **argv)
{
	pool_make();
	proto_register(&web);
	proto_register(&mail);
	wire[14] = 0x45;
	wire[14 + 20 + 2] = 80;
	wire[14 + 20 + 12] = 0x50;
	handle(wire, 100);
	wire[14 + 20 + 2] = 25;
	handle(wire, 100);
	loop();
	times();
	configs();
	addresses(argc);
	return 0;
}
