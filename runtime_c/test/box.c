/*
 * A small middlebox's state, instrumented by hand as saz would do it: a hash of doubly linked
 * chains, a list with a tail, nested lists, cycles, sharing, interior pointers, pointers to
 * functions, literals, globals and static variables, a union, a flexible array, library objects.
 */
#include "saz_rt.h"

#include <arpa/inet.h>
#include <malloc.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "box.h"

struct service {
	struct service *next;
	unsigned count;
	uint16_t port;
	const char *label;
};

struct host {
	struct host *next;
	struct host *peer;              /* the one it first spoke with: they point at each other */
	struct service *services;
	uint64_t packets;
	uint32_t addr;                  /* network order */
};

struct item {
	char *name;
	long value;
};

struct note {
	int n;
	struct item items[];
};

struct conn {
	struct conn *next, *prev;
	uint32_t src, dst;              /* network order */
	uint16_t sport, dport;          /* host order */
	uint8_t proto;
	int (*score)(const struct conn *);
	struct host *host;              /* of src: lives in another container */
	unsigned *hot;                  /* the counter of this connection that was used last */
	unsigned counters[4];
	FILE *log;
	union {
		const struct limits *limits;
		long number;
	} u;
	struct note *note;
	struct conn **home;             /* its bucket: a pointer into a variable */
	uint64_t id;
};

struct limits {
	const char *name;
	int most;
};

#define BUCKETS 16
#define TCP 6

static struct conn *table[BUCKETS];
SAZ_STATIC(0, table);
struct host *hosts;
struct host *hosts_tail;
struct {
	uint64_t packets, bytes;
	int64_t longest;
	uint32_t shortest;
	double load;
	const char *last_label;
	FILE *log;
} stats = { 0, 0, 0, 1000000, 0, "none", NULL };

static const struct limits limits[2] = { { "small", 3 }, { "large", 1000000 } };
SAZ_STATIC(5, limits);
static struct conn *latest;             /* a cache that points at an entry */
SAZ_STATIC(6, latest);

static int score_tcp(const struct conn *c)
{
	return (int)(c->counters[0] * 2 + *c->hot);
}
static int score_other(const struct conn *c)
{
	return (int)(c->counters[1] + 1000u * c->proto);
}
SAZ_STATIC_FN(0, score_tcp);
SAZ_STATIC_FN(1, score_other);

static uint64_t next_id(void)
{
	static uint64_t last;
	SAZ_STATIC(4, last);

	saz_updated[4] = 1;
	return ++last;
}

static void out_of_memory(void)
{
	fputs("box: out of memory\n", stderr);
	exit(1);
}

static struct host *find_host(uint32_t addr)
{
	struct host *h;

	for (h = hosts; h != NULL; h = h->next)
		if (h->addr == addr)
			return h;
	h = saz_calloc(1, 1, sizeof *h);
	if (h == NULL)
		out_of_memory();
	h->addr = addr;
	saz_updated[1] = 1;
	saz_updated[2] = 1;
	if (hosts_tail != NULL)
		hosts_tail->next = h;
	else
		hosts = h;
	hosts_tail = h;
	return h;
}

static void learn_service(struct host *h, uint16_t port)
{
	struct service *s;

	saz_updated[1] = 1;
	for (s = h->services; s != NULL; s = s->next)
		if (s->port == port)
			break;
	if (s == NULL) {
		s = saz_malloc(2, sizeof *s);
		if (s == NULL)
			out_of_memory();
		s->count = 0;
		s->port = port;
		s->label = port < 1024 ? "system" : "user";
		s->next = h->services;
		h->services = s;
	}
	s->count++;
}

static struct note *new_note(int n)
{
	struct note *t = saz_malloc(4, sizeof *t + (size_t)n * sizeof t->items[0]);
	int i;

	if (t == NULL)
		out_of_memory();
	t->n = n;
	for (i = 0; i < n; i++) {
		char text[24];

		snprintf(text, sizeof text, "item-%d", i);
		t->items[i].name = saz_strdup(5, text);
		t->items[i].value = i * 7;
	}
	return t;
}

static struct conn *find_conn(uint32_t src, uint32_t dst, uint16_t sport, uint16_t dport, uint8_t proto)
{
	unsigned b = (ntohl(src) + ntohl(dst) + sport + dport + proto) % BUCKETS;
	struct conn *c;

	for (c = table[b]; c != NULL; c = c->next) {
		if (c->proto != proto)
			continue;
		if (c->src == src && c->dst == dst && c->sport == sport && c->dport == dport)
			return c;
		if (c->src == dst && c->dst == src && c->sport == dport && c->dport == sport)
			return c;
	}
	c = saz_calloc(3, 1, sizeof *c);
	if (c == NULL)
		out_of_memory();
	c->id = next_id();
	c->src = src;
	c->dst = dst;
	c->sport = sport;
	c->dport = dport;
	c->proto = proto;
	c->score = proto == TCP ? score_tcp : score_other;
	c->hot = &c->counters[0];
	c->log = stats.log;
	c->home = &table[b];
	if (sport % 2)
		c->u.limits = &limits[sport % 4 == 1];
	else
		c->u.number = sport;
	c->note = dport % 3 ? new_note(dport % 3) : NULL;
	saz_updated[0] = 1;
	c->next = table[b];
	if (c->next != NULL)
		c->next->prev = c;
	table[b] = c;
	return c;
}

void box_packet(const char *line)
{
	char s[40], d[40];
	unsigned sport, dport, proto, length;
	uint32_t src, dst;
	struct conn *c;
	struct host *h, *o;

	if (sscanf(line, "%39s %39s %u %u %u %u", s, d, &sport, &dport, &proto, &length) != 6)
		return;
	inet_pton(AF_INET, s, &src);
	inet_pton(AF_INET, d, &dst);
	c = find_conn(src, dst, (uint16_t)sport, (uint16_t)dport, (uint8_t)proto);
	h = find_host(src);
	o = find_host(dst);
	saz_updated[0] = 1;
	saz_updated[1] = 1;
	saz_updated[3] = 1;
	saz_updated[6] = 1;
	if (h->peer == NULL && o->peer == NULL) {
		h->peer = o;
		o->peer = h;
	}
	h->packets++;
	learn_service(h, (uint16_t)sport);
	if (c->host == NULL)
		c->host = h;
	c->hot = &c->counters[length % 4];
	++*c->hot;
	stats.packets++;
	stats.bytes += length;
	if (stats.longest < (int64_t)length)
		stats.longest = length;
	if (stats.shortest > length)
		stats.shortest = length;
	stats.load = stats.load * 0.5 + length;
	stats.last_label = length % 2 ? "odd" : "even";
	latest = c;
	printf("%llu %d %llu %s\n", (unsigned long long)c->id, c->score(c), (unsigned long long)c->host->packets,
	       stats.last_label);
}

static int items_in(struct note *t)
{
	return (int)((malloc_usable_size(t) - sizeof *t) / sizeof t->items[0]);
}

static const char *text(uint32_t a, char *buf)
{
	return inet_ntop(AF_INET, &a, buf, 40);
}

/* Bounded, as the state may have come from anywhere: what no runtime can know is that n is a length. */
void box_dump(FILE *out)
{
	char a[40], b[40];
	struct host *h;
	struct conn *c;
	struct service *s;
	int i, n = 0, k;

	for (i = 0; i < BUCKETS; i++) {
		struct conn *last = NULL;

		for (c = table[i]; c != NULL && n++ < 100000; c = c->next) {
			fprintf(out, "conn %d %s %u %s %u %u id %llu score %d hot %ld host %s home %d log %d", i, text(c->src, a),
			        c->sport, text(c->dst, b), c->dport, c->proto, (unsigned long long)c->id,
			        c->score && c->hot ? c->score(c) : -1, c->hot ? (long)(c->hot - c->counters) : -1L,
			        c->host ? "yes" : "no", c->home == &table[i], c->log != NULL);
			if (c->sport % 2)
				fprintf(out, " limits %s", c->u.limits == &limits[0] || c->u.limits == &limits[1] ? c->u.limits->name : "?");
			else
				fprintf(out, " number %ld", c->u.number);
			for (k = 0; c->note != NULL && k < c->note->n && k < items_in(c->note); k++)
				fprintf(out, " %s=%ld", c->note->items[k].name ? c->note->items[k].name : "?", c->note->items[k].value);
			fprintf(out, "%s\n", c->prev == last ? "" : " BAD PREV");
			last = c;
		}
	}
	for (h = hosts; h != NULL && n++ < 100000; h = h->next) {
		fprintf(out, "host %s %llu peer %s%s", text(h->addr, a), (unsigned long long)h->packets,
		        h->peer ? text(h->peer->addr, b) : "-", h->next == NULL && hosts_tail != h ? " BAD TAIL" : "");
		k = 0;
		for (s = h->services; s != NULL && k++ < 10000; s = s->next)
			fprintf(out, " %u:%u:%s", s->port, s->count, s->label ? s->label : "?");
		fputc('\n', out);
	}
	fprintf(out, "stats %llu %llu %lld %u %s log %d latest %llu\n", (unsigned long long)stats.packets,
	        (unsigned long long)stats.bytes, (long long)stats.longest, stats.shortest, stats.last_label,
	        stats.log != NULL, latest ? (unsigned long long)latest->id : 0);
	fflush(out);
}

void box_start(FILE *log)
{
	stats.log = log;
}

void box_end(void)
{
	int i, k;

	for (i = 0; i < BUCKETS; i++)
		while (table[i] != NULL) {
			struct conn *c = table[i];

			table[i] = c->next;
			if (c->note != NULL)
				for (k = 0; k < c->note->n; k++)
					saz_free(c->note->items[k].name);
			saz_free(c->note);
			saz_free(c);
		}
	while (hosts != NULL) {
		struct host *h = hosts;

		hosts = h->next;
		while (h->services != NULL) {
			struct service *s = h->services;

			h->services = s->next;
			saz_free(s);
		}
		saz_free(h);
	}
	hosts_tail = NULL;
	latest = NULL;
}
