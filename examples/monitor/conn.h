#ifndef CONN_H
#define CONN_H

#include <stdint.h>
#include <sys/time.h>

#include "packet.h"

enum conn_state {
	CONN_NEW,                       /* one side has spoken */
	CONN_OPEN,                      /* both have */
	CONN_HALF_CLOSED,               /* TCP: one FIN */
	CONN_CLOSED,                    /* TCP: FIN from both */
	CONN_RESET,                     /* TCP: RST from either */
};

/* src is the side that opened the connection; the packets of both directions come here. */
struct conn {
	struct conn *next, *prev;
	uint64_t id;

	union addr src, dst;
	uint16_t sport, dport;
	uint8_t proto;
	int af;

	enum conn_state state;
	uint8_t fwd_flags, rev_flags;   /* TCP flags seen, or'ed */
	uint64_t fwd_packets, fwd_bytes;
	uint64_t rev_packets, rev_bytes;
	struct timeval first, last;
};

/* Accounts the packet to its connection, which is made when there is none. */
struct conn *conn_track(const struct pktinfo *p);

/* To be called once a packet: now and then throws out what has been idle for too long. */
void conn_tick(const struct timeval *now);

/* Ends and frees all connections. */
void conn_end_all(void);

/* How many connections there have been. */
uint64_t conn_last_id(void);

#endif
