/* What contains a member is found by way of char *: no word that such records are made from
 * bytes. A name that is kept as a pointer to nothing in particular, beside entries, is none;
 * where a record is really made from bytes, they may be one. */
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

static void probe(const void *p) { (void)p; }

struct list { struct list *n, *p; };
struct entry { long weight; struct list link; long *counter; };
struct frame { long *buffer; long len; };

#define ENTRY(l) ((struct entry *)((char *)(l) - offsetof(struct entry, link)))

static char name[64];
static char packet[64];
static long hits, bytes;
static struct entry first;
static void *kept[4]; /* entries and names */

static void count(struct list *l)
{
	struct entry *e = ENTRY(l);
	probe(e->counter); // pts>: hits
	++*e->counter;
}

static struct entry *look(int i)
{
	struct entry *e = kept[i];
	probe(e); // pts: first ; pts>: first !name !packet
	return e;
}

static struct frame *framed(void)
{
	struct frame *f = (struct frame *)packet;
	probe(f); // pts: packet
	return f;
}

int main(int argc, char **argv)
{
	first.counter = &hits;
	first.link.n = first.link.p = &first.link;
	count(&first.link);
	kept[0] = &first;
	kept[1] = name;
	strncpy(name, argv[0], sizeof name - 1);
	if (look(0)->counter)
		look(0)->link.n = &first.link;
	framed()->buffer = &bytes;
	kept[2] = packet;
	struct frame *g = kept[2];
	probe(g); // pts>: packet
	*g->buffer += argc;
	return (int)(hits + bytes - 1 - argc);
}
