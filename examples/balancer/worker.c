/* SPDX-License-Identifier: MIT */
#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#include "lb.h"

#define EXPIRE_EVERY 64 /* packets of a worker */

/* False: it is none of ours. */
bool packet_parse(struct packet *p)
{
	struct eth_hdr *eth = (struct eth_hdr *)p->bytes;
	u32 ihl;

	if (p->caplen < sizeof(*eth) + sizeof(struct ip_hdr) + sizeof(struct tcp_hdr))
		return false;
	if (eth->proto != htons(0x0800))
		return false;
	p->ip = (struct ip_hdr *)(eth + 1);
	ihl = (p->ip->vhl & 15) * 4;
	if (p->ip->vhl >> 4 != 4 || ihl < sizeof(struct ip_hdr) || p->ip->proto != 6)
		return false;
	if (p->ip->frag & htons(0x3fff))
		return false;
	if (p->caplen < sizeof(*eth) + ihl + sizeof(struct tcp_hdr))
		return false;
	p->tcp = (struct tcp_hdr *)((u8 *)p->ip + ihl);
	if (p->ip->daddr == vip) {
		p->from_client = true;
		return true;
	}
	p->from_client = false;
	return backend_by_addr(p->ip->saddr) >= 0;
}

void queue_init(struct queue *q)
{
	pthread_mutex_init(&q->lock, NULL);
	pthread_cond_init(&q->more, NULL);
	pthread_cond_init(&q->room, NULL);
}

void queue_put(struct queue *q, struct packet *p)
{
	pthread_mutex_lock(&q->lock);
	while (q->tail - q->head == QUEUE_SLOTS)
		pthread_cond_wait(&q->room, &q->lock);
	q->slot[q->tail++ % QUEUE_SLOTS] = p;
	pthread_cond_signal(&q->more);
	pthread_mutex_unlock(&q->lock);
}

void queue_close(struct queue *q)
{
	pthread_mutex_lock(&q->lock);
	q->closed = true;
	pthread_cond_signal(&q->more);
	pthread_mutex_unlock(&q->lock);
}

/* NULL: there will be none any more. */
static struct packet *queue_get(struct queue *q, u64 *waiting)
{
	struct packet *p = NULL;

	pthread_mutex_lock(&q->lock);
	while (q->tail == q->head && !q->closed)
		pthread_cond_wait(&q->more, &q->lock);
	if (q->tail != q->head) {
		if (q->tail - q->head > *waiting)
			*waiting = q->tail - q->head;
		p = q->slot[q->head++ % QUEUE_SLOTS];
		pthread_cond_signal(&q->room);
	}
	pthread_mutex_unlock(&q->lock);
	return p;
}

static be16 csum_replace(be16 csum, const void *from, const void *to, size_t words)
{
	u32 sum = (u16)~csum;
	u16 x;

	for (size_t i = 0; i < words; i++) {
		memcpy(&x, (const u8 *)from + 2 * i, 2);
		sum += (u16)~x;
		memcpy(&x, (const u8 *)to + 2 * i, 2);
		sum += x;
	}
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return (be16)~sum;
}

static void set_daddr(struct packet *p, be32 to)
{
	be32 from = p->ip->daddr;

	p->ip->csum = csum_replace(p->ip->csum, &from, &to, 2);
	p->tcp->csum = csum_replace(p->tcp->csum, &from, &to, 2);
	p->ip->daddr = to;
}

static void set_saddr(struct packet *p, be32 to)
{
	be32 from = p->ip->saddr;

	p->ip->csum = csum_replace(p->ip->csum, &from, &to, 2);
	p->tcp->csum = csum_replace(p->tcp->csum, &from, &to, 2);
	p->ip->saddr = to;
}

static void account(struct conn *c, const struct packet *p, int dir)
{
	c->packets[dir]++;
	c->bytes[dir] += p->len;
	if (p->usec > c->last)
		c->last = p->usec;
	if (p->tcp->flags & TCP_FIN)
		c->fins |= 1 << dir;
	if (c->fins == 3 || (p->tcp->flags & TCP_RST))
		c->state = CONN_CLOSING;
}

static bool from_client(struct worker *w, struct packet *p)
{
	struct flow_key key = {
		.client = p->ip->saddr,
		.cport = p->tcp->sport,
		.vport = p->tcp->dport,
	};
	bool syn = (p->tcp->flags & (TCP_SYN | TCP_ACK | TCP_RST)) == TCP_SYN;
	struct conn *c = conn_find(&w->conns, &key);

	if (c && c->state == CONN_CLOSING && syn) {
		conn_kill(&w->conns, c, "reused");
		c = NULL;
	}
	if (!c) {
		int b = syn ? backend_pick(flow_hash(&key), p->usec) : -1;

		if (b < 0)
			return false;
		c = conn_add(&w->conns, &key);
		if (!c)
			return false;
		c->backend = b;
		c->first = c->last = p->usec;
		backend_opened(b);
	}
	account(c, p, 0);
	set_daddr(p, backends[c->backend].addr);
	w->forwarded++;
	return true;
}

static bool from_backend(struct worker *w, struct packet *p)
{
	struct flow_key key = {
		.client = p->ip->daddr,
		.cport = p->tcp->dport,
		.vport = p->tcp->sport,
	};
	struct conn *c = conn_find(&w->conns, &key);

	if (!c || backends[c->backend].addr != p->ip->saddr)
		return false;
	if (c->state == CONN_SYN) {
		if (p->tcp->flags & TCP_RST) {
			backend_failed(c->backend, p->usec);
		} else {
			c->state = CONN_UP;
			backend_answered(c->backend);
		}
	}
	account(c, p, 1);
	set_saddr(p, vip);
	w->returned++;
	return true;
}

void *worker_run(void *arg)
{
	struct worker *w = arg;
	struct packet *p;
	u32 n = 0;

	while ((p = queue_get(&w->queue, &w->max_wait)) != NULL) {
		if (n++ % EXPIRE_EVERY == 0)
			conn_expire(&w->conns, p->usec);
		if (p->from_client ? from_client(w, p) : from_backend(w, p))
			send_packet(p);
		else
			w->dropped++;
		free(p);
	}
	conn_log_all(&w->conns);
	return NULL;
}
