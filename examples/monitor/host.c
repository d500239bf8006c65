#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <netinet/tcp.h>

#include "host.h"
#include "log.h"

#define HOST_BUCKETS 1024

static struct host *host_tab[HOST_BUCKETS];
static uint64_t host_count;

uint64_t host_last_number(void)
{
	return host_count;
}

static void *allocate(size_t size)
{
	void *memory = calloc(1, size);

	if (memory == NULL) {
		fprintf(stderr, "monitor: out of memory\n");
		exit(EXIT_FAILURE);
	}
	return memory;
}

struct host *host_seen(const struct pktinfo *p)
{
	unsigned bucket = addr_hash(&p->src) % HOST_BUCKETS;
	struct host *h;

	/* A machine that is asking for its address has none yet. */
	if (addr_is_any(&p->src))
		return NULL;

	for (h = host_tab[bucket]; h != NULL; h = h->next)
		if (h->af == p->af && addr_equal(&h->addr, &p->src))
			break;
	if (h == NULL) {
		h = allocate(sizeof *h);
		h->number = ++host_count;
		h->af = p->af;
		h->addr = p->src;
		h->ttl = p->ttl;
		memcpy(h->mac, p->src_mac, sizeof h->mac);
		h->first = p->ts;
		h->next = host_tab[bucket];
		host_tab[bucket] = h;
		log_host_new(h);
	}
	h->packets++;
	h->ttl = p->ttl;
	memcpy(h->mac, p->src_mac, sizeof h->mac);
	h->last = p->ts;
	return h;
}

static struct service *find_service(struct host *h, uint8_t proto, uint16_t port)
{
	struct service *s;

	for (s = h->services; s != NULL; s = s->next)
		if (s->proto == proto && s->port == port)
			break;
	return s;
}

static struct service *add_service(struct host *h, uint8_t proto, uint16_t port)
{
	struct service *s = allocate(sizeof *s);

	s->proto = proto;
	s->port = port;
	s->next = h->services;
	h->services = s;
	return s;
}

static void name_service(const struct host *h, struct service *s, const char *name, bool certain,
                         const struct timeval *ts)
{
	bool changed = strcmp(s->name, name) != 0;

	s->certain = certain;
	if (!changed)
		return;
	snprintf(s->name, sizeof s->name, "%s", name);
	s->named = *ts;
	log_service(h, s);
}

/*
 * TCP services show themselves by accepting a connection, UDP services by answering from a port
 * that has a signature.  What they say then overrules the port, once.
 */
void host_learn_service(struct host *h, const struct pktinfo *p)
{
	struct service *s = find_service(h, p->proto, p->sport);
	const struct sig *by_port = NULL;
	const struct sig *by_payload = NULL;
	bool speaks = false;

	if (p->proto == IPPROTO_TCP)
		speaks = (p->tcp_flags & (TH_SYN | TH_ACK)) == (TH_SYN | TH_ACK);
	if (s == NULL) {
		by_port = sig_by_port(p->proto, p->sport);
		if (p->proto == IPPROTO_UDP)
			speaks = by_port != NULL;
	}
	if (p->payload_len > 0 && (s == NULL || !s->certain))
		by_payload = sig_by_payload(p->proto, p->payload, p->payload_len);

	if (s == NULL) {
		/* A TLS client sends the same first bytes as a server: a stranger needs a port, too. */
		if (!speaks && (by_payload == NULL || by_port == NULL))
			return;
		s = add_service(h, p->proto, p->sport);
		if (by_payload == NULL)
			name_service(h, s, by_port != NULL ? by_port->name : "unknown", false, &p->ts);
	}
	s->count++;
	if (by_payload != NULL)
		name_service(h, s, by_payload->name, true, &p->ts);
}

void host_free_all(void)
{
	for (unsigned i = 0; i < HOST_BUCKETS; i++) {
		struct host *next_host;

		for (struct host *h = host_tab[i]; h != NULL; h = next_host) {
			struct service *next_service;

			for (struct service *s = h->services; s != NULL; s = next_service) {
				next_service = s->next;
				free(s);
			}
			next_host = h->next;
			free(h);
		}
		host_tab[i] = NULL;
	}
}
