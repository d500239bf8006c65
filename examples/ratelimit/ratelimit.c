/*
 * ratelimit: lets each network of sources send so many bytes a second, and drops the rest.
 *
 *	ratelimit [-r rate] [-b burst] [-p bits] [-c classes] in.pcap out.pcap
 *
 * Sources are taken together by the first bits of their address (24, or what the class of a longer
 * prefix says).  Each such network has a bucket of tokens, one a byte, which fills at the
 * rate up to the burst.  Classes are lines of `address/bits rate burst`.
 *
 * One file, no threads, no headers of the system's but the C library's and pcap's: fields are picked out
 * of the frame by where they are.
 */
#include <math.h>
#include <pcap/pcap.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tree.h"

/* In an Ethernet frame, without tags. */
enum { ETH_TYPE = 12, IP = 14, IP_SRC = 26, IP_DST = 30, IP_END = 34 };

/* What a prefix is allowed: a binary trie, a level a bit. */
struct class {
	struct class *child[2];
	bool set;
	uint8_t bits;
	double rate, burst;
};

/* A network that has sent something. */
struct bucket {
	SPLAY_ENTRY(bucket) node;
	uint32_t prefix;		/* host order, the other bits are 0 */
	uint8_t bits;
	const struct class *class;
	double tokens;
	double filled;			/* when, in seconds */
	double peak;			/* bytes a second, smoothed: the most there was */
	double speed;			/* ... now */
	uint64_t passed, dropped;	/* bytes */
	uint32_t burst_drops;		/* in a row, now */
	uint32_t worst;			/* ... the most there were */
	bool limited;
};

SPLAY_HEAD(buckets, bucket);

static struct class classes = { .set = true, .bits = 24, .rate = 20000, .burst = 30000 };
static struct buckets buckets = { NULL };
static unsigned nbuckets;
static double now;			/* of the packet at hand */
static double first = -1;
static double last_sweep;
static uint64_t passed, dropped, ignored;
static double credit;			/* bytes that idle networks left for the others, at most a burst */
static int idle_after = 120;

static int compare(const struct bucket *a, const struct bucket *b)
{
	if (a->prefix != b->prefix)
		return a->prefix < b->prefix ? -1 : 1;
	return (a->bits > b->bits) - (a->bits < b->bits);
}

SPLAY_GENERATE(buckets, bucket, node, compare)

static void *must(void *p)
{
	if (p == NULL) {
		fprintf(stderr, "ratelimit: out of memory\n");
		exit(1);
	}
	return p;
}

static uint32_t mask(int bits)
{
	return bits == 0 ? 0 : 0xffffffffu << (32 - bits);
}

/* The class of the longest prefix of addr that has one. */
static const struct class *classify(uint32_t addr)
{
	const struct class *c = &classes, *best = c;
	int i;

	for (i = 31; i >= 0 && c != NULL; i--) {
		c = c->child[addr >> i & 1];
		if (c != NULL && c->set)
			best = c;
	}
	return best;
}

static void add_class(uint32_t addr, int bits, double rate, double burst)
{
	struct class *c = &classes;
	int i;

	for (i = 0; i < bits; i++) {
		struct class **next = &c->child[addr >> (31 - i) & 1];

		if (*next == NULL)
			*next = must(calloc(1, sizeof **next));
		c = *next;
	}
	c->set = true;
	c->bits = bits > classes.bits ? bits : classes.bits;
	c->rate = rate;
	c->burst = burst;
}

static void load_classes(const char *file)
{
	unsigned a, b, c, d;
	int bits, line = 0, got;
	double rate, burst;
	FILE *in = fopen(file, "r");

	if (in == NULL) {
		perror(file);
		exit(1);
	}
	while ((got = fscanf(in, "%u.%u.%u.%u/%d %lf %lf", &a, &b, &c, &d, &bits, &rate, &burst)) != EOF) {
		line++;
		if (got != 7 || (a | b | c | d) > 255 || bits < 1 || bits > 32) {
			fprintf(stderr, "%s: class %d is none\n", file, line);
			exit(1);
		}
		add_class(a << 24 | b << 16 | c << 8 | d, bits, rate, burst);
	}
	fclose(in);
}

static struct bucket *bucket_of(uint32_t addr)
{
	const struct class *c = classify(addr);
	struct bucket *b, key = { .prefix = addr & mask(c->bits), .bits = c->bits };

	b = SPLAY_FIND(buckets, &buckets, &key);
	if (b == NULL) {
		b = must(calloc(1, sizeof *b));
		b->prefix = key.prefix;
		b->bits = key.bits;
		b->class = c;
		b->tokens = c->burst;
		b->filled = now;
		SPLAY_INSERT(buckets, &buckets, b);
		nbuckets++;
	}
	return b;
}

static void print_bucket(const struct bucket *b)
{
	printf("%u.%u.%u.%u/%u passed %llu dropped %llu peak %.0f worst %u%s\n", b->prefix >> 24, b->prefix >> 16 & 255,
	       b->prefix >> 8 & 255, b->prefix & 255, b->bits, (unsigned long long)b->passed,
	       (unsigned long long)b->dropped, b->peak, b->worst, b->limited ? " limited" : "");
}

/* True: n bytes may pass. */
static bool allow(struct bucket *b, unsigned n)
{
	double passing = now - b->filled;

	if (passing > 0) {
		double more = b->tokens + passing * b->class->rate;

		b->tokens = more > b->class->burst ? b->class->burst : more;
		b->speed *= exp(-passing);
		b->filled = now;
	}
	b->speed += n;
	if (b->speed > b->peak)
		b->peak = b->speed;
	if (b->tokens + credit >= n) {
		if (b->tokens < n) {
			credit -= n - b->tokens;
			b->tokens = 0;
		} else {
			b->tokens -= n;
		}
		b->passed += n;
		b->burst_drops = 0;
		return true;
	}
	b->dropped += n;
	b->limited = true;
	b->burst_drops++;
	b->worst = b->worst > b->burst_drops ? b->worst : b->burst_drops;
	return false;
}

/* Forgets the first bucket in b's subtree that has been idle; NULL: there is none. */
static struct bucket *idle_in(struct bucket *b)
{
	struct bucket *found;

	if (b == NULL)
		return NULL;
	if (now - b->filled > idle_after)
		return b;
	found = idle_in(SPLAY_LEFT(b, node));
	return found != NULL ? found : idle_in(SPLAY_RIGHT(b, node));
}

static void forget(struct bucket *b)
{
	credit = fmin(credit + b->tokens / 10, classes.burst);
	print_bucket(b);
	SPLAY_REMOVE(buckets, &buckets, b);
	nbuckets--;
	free(b);
}

static void sweep(void)
{
	struct bucket *b;

	while ((b = idle_in(SPLAY_ROOT(&buckets))) != NULL)
		forget(b);
}

static uint32_t get32(const u_char *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

/* True: the frame may pass.  What is not IPv4 always does. */
static bool frame(const u_char *pkt, const struct pcap_pkthdr *h)
{
	now = h->ts.tv_sec + h->ts.tv_usec / 1e6;
	if (first < 0)
		first = last_sweep = now;
	if (now - last_sweep > 10) {
		last_sweep = now;
		sweep();
	}
	if (h->caplen < IP_END || pkt[ETH_TYPE] != 8 || pkt[ETH_TYPE + 1] != 0 || pkt[IP] >> 4 != 4) {
		ignored++;
		return true;
	}
	if (allow(bucket_of(get32(pkt + IP_SRC)), h->len)) {
		passed += h->len;
		return true;
	}
	dropped += h->len;
	return false;
}

int main(int argc, char **argv)
{
	char errbuf[PCAP_ERRBUF_SIZE];
	struct pcap_pkthdr h;
	const u_char *pkt;
	pcap_dumper_t *out;
	pcap_t *in;
	int c;

	while ((c = getopt(argc, argv, "b:c:i:p:r:")) != -1) {
		switch (c) {
		case 'b':
			classes.burst = atof(optarg);
			break;
		case 'c':
			load_classes(optarg);
			break;
		case 'i':
			idle_after = atoi(optarg);
			break;
		case 'p':
			classes.bits = atoi(optarg);
			break;
		case 'r':
			classes.rate = atof(optarg);
			break;
		default:
			return 2;
		}
	}
	if (argc - optind != 2 || classes.bits > 32) {
		fprintf(stderr, "usage: ratelimit [-r rate] [-b burst] [-p bits] [-i idle] [-c classes] in.pcap out.pcap\n");
		return 2;
	}
	if ((in = pcap_open_offline(argv[optind], errbuf)) == NULL) {
		fprintf(stderr, "ratelimit: %s\n", errbuf);
		return 1;
	}
	if ((out = pcap_dump_open(in, argv[optind + 1])) == NULL) {
		fprintf(stderr, "ratelimit: %s\n", pcap_geterr(in));
		return 1;
	}
	while ((pkt = pcap_next(in, &h)) != NULL)
		if (frame(pkt, &h))
			pcap_dump((u_char *)out, &h, pkt);
	printf("%u networks left after %.3f s, credit %.0f\n", nbuckets, now - first, credit);
	while (!SPLAY_EMPTY(&buckets))
		forget(SPLAY_ROOT(&buckets));
	printf("passed %llu dropped %llu ignored %llu\n", (unsigned long long)passed, (unsigned long long)dropped,
	       (unsigned long long)ignored);
	pcap_dump_close(out);
	pcap_close(in);
	return 0;
}
