/*
 * The pool of outside ports.  What is given back goes to the end of a ring, so that a port rests for as
 * long as possible before somebody else has it: peers may still send to it.
 */
#include "nat.h"

static struct {
	uint16_t	ring[NPORTS];
	unsigned	head;		/* taken from here */
	unsigned	tail;		/* given back to here */
	unsigned	left;
} pool;

void
ports_init(void)
{
	unsigned i;

	for (i = 0; i < NPORTS; i++)
		pool.ring[i] = PORT_FIRST + i;
	pool.head = 0;
	pool.tail = 0;
	pool.left = NPORTS;
}

/*
 * Takes a port; one of the same parity as want, if the next has it, since RTP wants
 * even ports.  -1: none is left.
 */
int
port_take(uint16_t want)
{
	unsigned next;
	uint16_t port;

	if (pool.left == 0)
		return -1;
	port = pool.ring[pool.head];
	next = (pool.head + 1) % NPORTS;
	if (((port ^ want) & 1) != 0 && pool.left > 1) {
		/* swap the two that are next */
		uint16_t other = pool.ring[next];

		pool.ring[next] = port;
		port = other;
	}
	pool.head = next;
	pool.left--;
	return port;
}

void
port_give(uint16_t port)
{
	pool.ring[pool.tail] = port;
	pool.tail = (pool.tail + 1) % NPORTS;
	pool.left++;
}

int
ports_left(void)
{
	return (int)pool.left;
}
