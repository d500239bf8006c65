/* SPDX-License-Identifier: MIT */
/*
 * Connections of one worker: a hash table with open addressing and linear probing.  One that is over
 * leaves a dead slot, since others may have been put behind it; when there are too many of
 * those the table is cleaned up in place.  Only the worker itself touches its table.
 */
#include <arpa/inet.h>
#include <string.h>

#include "lb.h"

#define MASK (CONN_SLOTS - 1)
#define IDLE_USEC 60000000ull
#define CLOSING_USEC 5000000ull

u32 flow_hash(const struct flow_key *key)
{
	const u8 *p = (const u8 *)key;
	u32 h = 2166136261u;

	for (size_t i = 0; i < sizeof(*key); i++)
		h = (h ^ p[i]) * 16777619u;
	return h ^ h >> 13;
}

static bool is_live(const struct conn *c)
{
	return c->state > CONN_DEAD;
}

struct conn *conn_find(struct conn_table *t, const struct flow_key *key)
{
	for (u32 i = flow_hash(key) & MASK;; i = (i + 1) & MASK) {
		struct conn *c = &t->slot[i];

		if (c->state == CONN_FREE)
			return NULL;
		if (is_live(c) && memcmp(&c->key, key, sizeof(*key)) == 0)
			return c;
	}
}

/* Puts the live ones where they would be if there had never been others. */
static void rehash(struct conn_table *t)
{
	static _Thread_local struct conn copy[CONN_SLOTS];
	u32 n = 0;

	for (u32 i = 0; i < CONN_SLOTS; i++)
		if (is_live(&t->slot[i]))
			copy[n++] = t->slot[i];
	memset(t->slot, 0, sizeof(t->slot));
	for (u32 k = 0; k < n; k++) {
		u32 i = flow_hash(&copy[k].key) & MASK;

		while (t->slot[i].state != CONN_FREE)
			i = (i + 1) & MASK;
		t->slot[i] = copy[k];
	}
	t->used = t->live = n;
}

/* NULL: the table is full. */
struct conn *conn_add(struct conn_table *t, const struct flow_key *key)
{
	struct conn *c;
	u32 i;

	if (t->used >= CONN_SLOTS / 4 * 3)
		rehash(t);
	if (t->live >= CONN_SLOTS / 4 * 3)
		return NULL;
	for (i = flow_hash(key) & MASK; is_live(&t->slot[i]); i = (i + 1) & MASK)
		;
	c = &t->slot[i];
	if (c->state == CONN_FREE)
		t->used++;
	t->live++;
	memset(c, 0, sizeof(*c));
	c->key = *key;
	c->state = CONN_SYN;
	return c;
}

void conn_kill(struct conn_table *t, struct conn *c, const char *why)
{
	char client[INET_ADDRSTRLEN];

	inet_ntop(AF_INET, &c->key.client, client, sizeof(client));
	log_line(c->last, "%s %s:%u port %u backend %s packets %u/%u bytes %llu/%llu", why, client,
		 ntohs(c->key.cport), ntohs(c->key.vport), backends[c->backend].name,
		 c->packets[0], c->packets[1], (unsigned long long)c->bytes[0],
		 (unsigned long long)c->bytes[1]);
	backend_closed(c->backend, c->bytes[0] + c->bytes[1]);
	c->state = CONN_DEAD;
	t->live--;
}

void conn_expire(struct conn_table *t, u64 now)
{
	for (u32 i = 0; i < CONN_SLOTS; i++) {
		struct conn *c = &t->slot[i];
		u64 limit = c->state == CONN_CLOSING ? CLOSING_USEC : IDLE_USEC;

		if (is_live(c) && now > c->last + limit)
			conn_kill(t, c, c->state == CONN_CLOSING ? "closed" : "idle");
	}
}

void conn_log_all(struct conn_table *t)
{
	for (u32 i = 0; i < CONN_SLOTS; i++)
		if (is_live(&t->slot[i]))
			conn_kill(t, &t->slot[i], "end");
}
