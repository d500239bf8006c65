/*
 * nat: an on-path network address and port translator.  Reads the frames of a capture, writes those
 * that it lets through, translated, to another.
 */
#ifndef NAT_H
#define NAT_H

#include <sys/types.h>
#include <sys/queue.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <time.h>

/* The ports of the external address that are ours to hand out. */
#define PORT_FIRST	20000
#define PORT_LAST	29999
#define NPORTS		(PORT_LAST - PORT_FIRST + 1)

/* What of a frame the translator looks at, and where it stands in the frame. */
struct frame {
	uint8_t		*ip;		/* the IPv4 header */
	uint8_t		*l4;		/* the transport header behind it */
	size_t		 l4len;
	uint8_t		 proto;
	struct in_addr	 src, dst;	/* network order, as in the frame */
	uint16_t	 sport, dport;	/* likewise; of an echo, its identifier */
	uint8_t		 flags;		/* TCP */
};

/* How long a session lives without a packet. */
enum timer_class { TIMER_SYN, TIMER_OPEN, TIMER_DYING, TIMER_UDP, TIMER_ICMP, NTIMERS };

/* One inside socket and the outside port that stands for it. */
struct session {
	LIST_ENTRY(session)	 chain;	/* in its hash bucket */
	TAILQ_ENTRY(session)	 age;	/* in its timer's queue, the oldest first */
	struct in_addr		 addr;	/* inside, network order */
	uint16_t		 port;	/* inside, network order */
	uint16_t		 outside;	/* host order */
	uint8_t			 proto;
	uint8_t			 timer;
	uint8_t			 fins;	/* bit 0: from inside, bit 1: from outside */
	time_t			 born, used;
	uint64_t		 out_packets, out_bytes;
	uint64_t		 in_packets, in_bytes;
};

/* session.c */
extern uint64_t	sessions_made, sessions_live, sessions_peak;

struct session	*session_from_inside(const struct frame *, time_t);
struct session	*session_from_outside(const struct frame *);
void		 session_touch(struct session *, const struct frame *, bool, size_t, time_t);
void		 sessions_expire(time_t);
void		 sessions_end(void);

/* ports.c */
void	ports_init(void);
int	port_take(uint16_t);
void	port_give(uint16_t);
int	ports_left(void);

/* frame.c */
bool	frame_parse(struct frame *, uint8_t *, size_t);
void	frame_set_source(struct frame *, struct in_addr, uint16_t);
void	frame_set_dest(struct frame *, struct in_addr, uint16_t);

/* main.c */
void	event(const char *, const struct session *, time_t);
void	die(const char *, ...) __attribute__((format(printf, 1, 2), noreturn));

#endif
