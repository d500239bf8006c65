/* SPDX-License-Identifier: MIT */
#ifndef LB_H
#define LB_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

typedef uint8_t u8;
typedef uint16_t u16;
typedef uint32_t u32;
typedef uint64_t u64;
typedef u16 be16; /* in network order */
typedef u32 be32;

#define MAX_BACKENDS 64
#define MAX_WORKERS 16
#define POINTS_PER_WEIGHT 40
#define MAX_POINTS (MAX_BACKENDS * POINTS_PER_WEIGHT)
#define QUEUE_SLOTS 256 /* a power of two */
#define CONN_SLOTS 8192 /* of each worker; a power of two */
#define FRAME_MAX 2048

struct eth_hdr {
	u8 dst[6];
	u8 src[6];
	be16 proto;
} __attribute__((packed));

struct ip_hdr {
	u8 vhl;
	u8 tos;
	be16 len;
	be16 id;
	be16 frag;
	u8 ttl;
	u8 proto;
	be16 csum;
	be32 saddr;
	be32 daddr;
} __attribute__((packed));

struct tcp_hdr {
	be16 sport;
	be16 dport;
	be32 seq;
	be32 ack;
	u8 off;
	u8 flags;
	be16 window;
	be16 csum;
	be16 urg;
} __attribute__((packed));

#define TCP_FIN 0x01
#define TCP_SYN 0x02
#define TCP_RST 0x04
#define TCP_ACK 0x10

/* A frame on its way through a worker. */
struct packet {
	u64 usec; /* when it was captured */
	u32 caplen, len;
	struct ip_hdr *ip;
	struct tcp_hdr *tcp;
	bool from_client;
	u8 bytes[FRAME_MAX];
};

/* Who talks: the client's end, and the port of the service. */
struct flow_key {
	be32 client;
	be16 cport;
	be16 vport;
};

enum conn_state { CONN_FREE, CONN_DEAD, CONN_SYN, CONN_UP, CONN_CLOSING };

struct conn {
	struct flow_key key;
	u8 state;
	u8 fins;
	u16 backend;
	u64 first, last; /* usec */
	u32 packets[2];  /* from the client, to it */
	u64 bytes[2];
};

struct conn_table {
	u32 used; /* not free: live and dead ones */
	u32 live;
	struct conn slot[CONN_SLOTS];
};

struct queue {
	pthread_mutex_t lock;
	pthread_cond_t more, room;
	u32 head, tail; /* of slot, not reduced */
	bool closed;
	struct packet *slot[QUEUE_SLOTS];
};

struct worker {
	pthread_t thread;
	u32 id;
	struct queue queue;
	struct conn_table conns;
	u64 forwarded, returned, dropped;
	u64 max_wait; /* longest queue that it found */
};

struct backend {
	char name[32];
	be32 addr;
	u32 weight;
	/* what follows changes, under backend_lock */
	bool up;
	u32 failures;  /* in a row */
	u64 down_since;
	u32 conns;     /* now */
	u64 total;     /* ever */
	u64 bytes;
	float load;    /* smoothed number of connections */
};

/* main.c */
extern be32 vip;
extern struct worker workers[MAX_WORKERS];
extern u32 nr_workers;
void log_line(u64 usec, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void send_packet(const struct packet *p);

/* worker.c */
bool packet_parse(struct packet *p);
void queue_init(struct queue *q);
void queue_put(struct queue *q, struct packet *p);
void queue_close(struct queue *q);
void *worker_run(void *arg);

/* conn.c */
u32 flow_hash(const struct flow_key *key);
struct conn *conn_find(struct conn_table *t, const struct flow_key *key);
struct conn *conn_add(struct conn_table *t, const struct flow_key *key);
void conn_kill(struct conn_table *t, struct conn *c, const char *why);
void conn_expire(struct conn_table *t, u64 now);
void conn_log_all(struct conn_table *t);

/* backend.c */
extern struct backend backends[MAX_BACKENDS];
extern u32 nr_backends;
int backend_add(const char *name, be32 addr, u32 weight);
int backend_by_addr(be32 addr);
int backend_pick(u32 hash, u64 now);
void backend_opened(int i);
void backend_closed(int i, u64 bytes);
void backend_answered(int i);
void backend_failed(int i, u64 now);
void backend_report(FILE *to);

#endif
