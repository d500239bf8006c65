#ifndef HOST_H
#define HOST_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/time.h>

#include "packet.h"
#include "sig.h"

struct service {
	struct service *next;
	uint16_t port;
	uint8_t proto;
	bool certain;                   /* named by what it said, not by its port */
	char name[SIG_NAME_MAX];
	struct timeval named;           /* when it got the name */
	uint64_t count;                 /* packets that spoke for it */
};

struct host {
	struct host *next;
	uint64_t number;
	int af;
	union addr addr;
	uint8_t mac[MAC_LEN];
	uint8_t ttl;
	uint64_t packets;
	struct timeval first, last;
	struct service *services;
};

/* Notes the sender of a packet and returns it; NULL when the packet has none worth noting. */
struct host *host_seen(const struct pktinfo *p);

/* Looks whether the sender is a service, and which. */
void host_learn_service(struct host *h, const struct pktinfo *p);

void host_free_all(void);

/* How many hosts there have been. */
uint64_t host_last_number(void);

#endif
