#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <netinet/tcp.h>

#include "config.h"
#include "conn.h"
#include "log.h"

#define BUCKETS 4096

/* Packets from one sweep to the next. */
#ifndef SWEEP_EVERY
#define SWEEP_EVERY 500
#endif

/*
 * A capture merged from several taps is not in strict order, and a packet that is stamped late
 * must not end its neighbours' connections early.  So a sweep gives everybody this many seconds
 * more; the lookup, which compares a connection with its own packet, is exact.
 */
#define SWEEP_SLACK 15

static struct conn *buckets[BUCKETS];
static unsigned since_sweep;

/* Ids start at 1. */
static uint64_t sequence(unsigned step)
{
	static uint64_t last;

	last += step;
	return last;
}

uint64_t conn_last_id(void)
{
	return sequence(0);
}

static uint32_t end_hash(const union addr *a, uint16_t port)
{
	uint32_t h = addr_hash(a) ^ port * 0x9e3779b1u;

	h ^= h >> 15;
	h *= 0x2c1b3c6du;
	return h ^ h >> 12;
}

/* The same for both directions: a sum does not tell which end came first. */
static unsigned bucket_of(const struct pktinfo *p)
{
	return (end_hash(&p->src, p->sport) + end_hash(&p->dst, p->dport) + p->proto) % BUCKETS;
}

static bool is_forward(const struct conn *c, const struct pktinfo *p)
{
	return c->sport == p->sport && c->dport == p->dport && addr_equal(&c->src, &p->src) &&
	       addr_equal(&c->dst, &p->dst);
}

static bool is_reverse(const struct conn *c, const struct pktinfo *p)
{
	return c->sport == p->dport && c->dport == p->sport && addr_equal(&c->src, &p->dst) &&
	       addr_equal(&c->dst, &p->src);
}

static int64_t usec_between(const struct timeval *from, const struct timeval *to)
{
	return ((int64_t)to->tv_sec - from->tv_sec) * 1000000 + (to->tv_usec - from->tv_usec);
}

static long timeout_of(const struct conn *c)
{
	if (c->state == CONN_CLOSED || c->state == CONN_RESET)
		return config.closed_timeout;
	if (c->proto == IPPROTO_TCP)
		return config.tcp_timeout;
	if (c->proto == IPPROTO_UDP)
		return config.udp_timeout;
	return config.icmp_timeout;
}

static bool is_idle(const struct conn *c, const struct timeval *now, long slack)
{
	return usec_between(&c->last, now) > (int64_t)(timeout_of(c) + slack) * 1000000;
}

static void conn_unlink(struct conn **head, struct conn *c)
{
	if (c->next != NULL)
		c->next->prev = c->prev;
	if (c->prev != NULL)
		c->prev->next = c->next;
	else
		*head = c->next;
}

static void conn_end(struct conn **head, struct conn *c)
{
	const char *reason = "timeout";

	if (c->state == CONN_CLOSED)
		reason = "fin";
	else if (c->state == CONN_RESET)
		reason = "rst";
	log_conn_end(c, reason);
	conn_unlink(head, c);
	free(c);
}

static struct conn *conn_new(struct conn **head, const struct pktinfo *p)
{
	struct conn *c = calloc(1, sizeof *c);

	if (c == NULL) {
		fprintf(stderr, "monitor: out of memory\n");
		exit(EXIT_FAILURE);
	}
	c->id = sequence(1);
	c->af = p->af;
	c->proto = p->proto;
	if ((p->tcp_flags & (TH_SYN | TH_ACK)) == (TH_SYN | TH_ACK)) {
		/* The answer to a SYN that went past before we listened. */
		c->src = p->dst;
		c->dst = p->src;
		c->sport = p->dport;
		c->dport = p->sport;
	} else {
		c->src = p->src;
		c->dst = p->dst;
		c->sport = p->sport;
		c->dport = p->dport;
	}
	c->first = p->ts;
	c->last = p->ts;

	c->next = *head;
	if (c->next != NULL)
		c->next->prev = c;
	*head = c;
	return c;
}

static void touch(struct conn *c, uint64_t *packets, uint64_t *bytes, uint8_t *flags,
                  const struct pktinfo *p)
{
	*packets += 1;
	*bytes += p->wire_len;
	*flags |= p->tcp_flags;
	if (usec_between(&c->last, &p->ts) > 0)
		c->last = p->ts;
}

static void advance(struct conn *c)
{
	uint8_t both = c->fwd_flags & c->rev_flags;
	uint8_t any = c->fwd_flags | c->rev_flags;

	if (c->state == CONN_CLOSED || c->state == CONN_RESET)
		return;
	if (any & TH_RST)
		c->state = CONN_RESET;
	else if (both & TH_FIN)
		c->state = CONN_CLOSED;
	else if (any & TH_FIN)
		c->state = CONN_HALF_CLOSED;
	else if (c->fwd_packets != 0 && c->rev_packets != 0)
		c->state = CONN_OPEN;
}

/* A connection that is over makes room for the next one between the same ports. */
static bool is_over(const struct conn *c, const struct pktinfo *p)
{
	if (is_idle(c, &p->ts, 0))
		return true;
	return (c->state == CONN_CLOSED || c->state == CONN_RESET) &&
	       (p->tcp_flags & (TH_SYN | TH_ACK | TH_RST | TH_FIN)) == TH_SYN;
}

static struct conn *conn_find(struct conn *head, const struct pktinfo *p)
{
	struct conn *c;

	for (c = head; c != NULL; c = c->next) {
		if (c->af != p->af || c->proto != p->proto)
			continue;
		if (is_forward(c, p) || is_reverse(c, p))
			break;
	}
	return c;
}

struct conn *conn_track(const struct pktinfo *p)
{
	struct conn **head = &buckets[bucket_of(p)];
	struct conn *c = conn_find(*head, p);

	if (c != NULL && is_over(c, p)) {
		conn_end(head, c);
		c = NULL;
	}
	if (c == NULL) {
		c = conn_new(head, p);
		log_conn_new(c);
	}
	if (is_forward(c, p))
		touch(c, &c->fwd_packets, &c->fwd_bytes, &c->fwd_flags, p);
	else
		touch(c, &c->rev_packets, &c->rev_bytes, &c->rev_flags, p);
	advance(c);
	return c;
}

static void sweep(const struct timeval *now)
{
	for (unsigned i = 0; i < BUCKETS; i++) {
		struct conn *next;

		for (struct conn *c = buckets[i]; c != NULL; c = next) {
			next = c->next;
			if (is_idle(c, now, SWEEP_SLACK))
				conn_end(&buckets[i], c);
		}
	}
}

void conn_tick(const struct timeval *now)
{
	if (++since_sweep < SWEEP_EVERY)
		return;
	since_sweep = 0;
	sweep(now);
}

void conn_end_all(void)
{
	for (unsigned i = 0; i < BUCKETS; i++)
		while (buckets[i] != NULL)
			conn_end(&buckets[i], buckets[i]);
}
