/*
 * Sessions: by inside socket in a hash table, by outside port in an array, by age in a queue
 * for each timer.
 */
#include <stdio.h>
#include <stdlib.h>
#include <netinet/tcp.h>

#include "nat.h"

#define NBUCKETS	1024	/* a power of two */

LIST_HEAD(bucket, session);
TAILQ_HEAD(agequeue, session);

static struct bucket	 inside[NBUCKETS];
static struct session	*by_port[3][NPORTS];	/* TCP, UDP, ICMP */
static struct agequeue	 ages[NTIMERS] = {
	TAILQ_HEAD_INITIALIZER(ages[TIMER_SYN]),
	TAILQ_HEAD_INITIALIZER(ages[TIMER_OPEN]),
	TAILQ_HEAD_INITIALIZER(ages[TIMER_DYING]),
	TAILQ_HEAD_INITIALIZER(ages[TIMER_UDP]),
	TAILQ_HEAD_INITIALIZER(ages[TIMER_ICMP]),
};

uint64_t sessions_made;
uint64_t sessions_live;
uint64_t sessions_peak;

/* Seconds; RFC 5382 and RFC 4787 ask for more, a capture is short. */
static const time_t lifetime[NTIMERS] = {
	[TIMER_SYN] = 20,
	[TIMER_OPEN] = 300,
	[TIMER_DYING] = 10,
	[TIMER_UDP] = 60,
	[TIMER_ICMP] = 10,
};

static unsigned
hash(struct in_addr addr, uint16_t port, uint8_t proto)
{
	uint32_t h = addr.s_addr;

	h ^= (uint32_t)port << 16 | proto;
	h *= 0x9e3779b1u;
	return (h ^ h >> 15) & (NBUCKETS - 1);
}

static int
table_of(uint8_t proto)
{
	switch (proto) {
	case IPPROTO_TCP:
		return 0;
	case IPPROTO_UDP:
		return 1;
	default:
		return 2;
	}
}

static enum timer_class
first_timer(uint8_t proto)
{
	switch (proto) {
	case IPPROTO_TCP:
		return TIMER_SYN;
	case IPPROTO_UDP:
		return TIMER_UDP;
	default:
		return TIMER_ICMP;
	}
}

static void
session_free(struct session *s, const char *why, time_t now)
{
	event(why, s, now);
	LIST_REMOVE(s, chain);
	TAILQ_REMOVE(&ages[s->timer], s, age);
	by_port[table_of(s->proto)][s->outside - PORT_FIRST] = NULL;
	port_give(s->outside);
	sessions_live--;
	free(s);
}

static struct session *
session_new(const struct frame *f, time_t now)
{
	struct session *s;
	int port;

	if ((port = port_take(ntohs(f->sport))) < 0)
		return NULL;
	if ((s = calloc(1, sizeof(*s))) == NULL)
		die("out of memory");
	s->addr = f->src;
	s->port = f->sport;
	s->proto = f->proto;
	s->outside = (uint16_t)port;
	s->born = s->used = now;
	s->timer = first_timer(f->proto);
	LIST_INSERT_HEAD(&inside[hash(s->addr, s->port, s->proto)], s, chain);
	TAILQ_INSERT_TAIL(&ages[s->timer], s, age);
	by_port[table_of(s->proto)][port - PORT_FIRST] = s;
	sessions_made++;
	if (++sessions_live > sessions_peak)
		sessions_peak = sessions_live;
	event("open", s, now);
	return s;
}

/* The session of a frame that goes out; made if need be.  NULL: there is no port for it. */
struct session *
session_from_inside(const struct frame *f, time_t now)
{
	struct session *s;

	LIST_FOREACH(s, &inside[hash(f->src, f->sport, f->proto)], chain)
		if (s->addr.s_addr == f->src.s_addr && s->port == f->sport &&
		    s->proto == f->proto)
			return s;
	return session_new(f, now);
}

/* The session that a frame from outside is for, NULL if it is for none. */
struct session *
session_from_outside(const struct frame *f)
{
	unsigned port = ntohs(f->dport);

	if (port < PORT_FIRST || port > PORT_LAST)
		return NULL;
	return by_port[table_of(f->proto)][port - PORT_FIRST];
}

static enum timer_class
next_timer(struct session *s, const struct frame *f, bool outward)
{
	if (s->proto != IPPROTO_TCP)
		return s->timer;
	if (f->flags & TH_RST)
		return TIMER_DYING;
	if (f->flags & TH_FIN)
		s->fins |= outward ? 1 : 2;
	if (s->fins == 3)
		return TIMER_DYING;
	if (s->timer == TIMER_DYING && (f->flags & TH_SYN)) {
		s->fins = 0;	/* the socket is used again */
		return TIMER_SYN;
	}
	if (s->timer == TIMER_SYN && !outward && (f->flags & TH_ACK))
		return TIMER_OPEN;
	return s->timer;
}

/* Accounts a frame to its session and puts off its end. */
void
session_touch(struct session *s, const struct frame *f, bool outward, size_t len, time_t now)
{
	TAILQ_REMOVE(&ages[s->timer], s, age);
	s->timer = next_timer(s, f, outward);
	TAILQ_INSERT_TAIL(&ages[s->timer], s, age);
	if (now > s->used)
		s->used = now;
	if (outward) {
		s->out_packets++;
		s->out_bytes += len;
	} else {
		s->in_packets++;
		s->in_bytes += len;
	}
}

void
sessions_expire(time_t now)
{
	struct session *s;
	int i;

	for (i = 0; i < NTIMERS; i++)
		while ((s = TAILQ_FIRST(&ages[i])) != NULL && now - s->used > lifetime[i])
			session_free(s, i == TIMER_DYING ? "close" : "expire", now);
}

/* The end of the capture. */
void
sessions_end(void)
{
	struct session *s;
	int i;

	for (i = 0; i < NTIMERS; i++)
		while ((s = TAILQ_FIRST(&ages[i])) != NULL)
			session_free(s, "end", s->used);
}
