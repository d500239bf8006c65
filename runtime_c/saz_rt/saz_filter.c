/*
 * saz_filter.c - which flows a peer asks for.
 *
 *	filters := filter (blank filter)*               any of them
 *	filter  := "all" | term ("," term)*             all of them
 *	term    := nw_src=ADDR[/LEN] | nw_dst=ADDR[/LEN] | tp_src=PORT | tp_dst=PORT | nw_proto=N
 *
 * A term over a header that a container is not keyed by says nothing about its entries: of the
 * hosts, with tp_dst=80,nw_src=10.0.0.0/8, those in 10.0.0.0/8 are meant.  But such an entry serves
 * flows that stay, too, so it is copied, not moved.
 */
#include "saz_rt_int.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#define BIT(header) (1u << (header))

struct one {                    /* one filter */
	unsigned have;
	int v6[2];
	unsigned char addr[2][16];
	unsigned bits[2];
	unsigned port[2];
	unsigned proto;
	struct one *next;
};

struct saz_filter {
	int all;
	struct one *list;
};

static int number(const char *s, size_t n, unsigned max, unsigned *out)
{
	unsigned v = 0;
	size_t i;

	for (i = 0; i < n; i++) {
		if (s[i] < '0' || s[i] > '9' || v > max)
			return 0;
		v = v * 10 + (unsigned)(s[i] - '0');
	}
	*out = v;
	return n > 0 && v <= max;
}

static int address(const char *s, size_t n, struct one *f, int side)
{
	char text[INET6_ADDRSTRLEN + 1];
	const char *slash = memchr(s, '/', n);
	size_t len = slash ? (size_t)(slash - s) : n;

	if (len >= sizeof text)
		return 0;
	memcpy(text, s, len);
	text[len] = 0;
	memset(f->addr[side], 0, 16);
	f->v6[side] = memchr(text, ':', len) != NULL;
	if (inet_pton(f->v6[side] ? AF_INET6 : AF_INET, text, f->addr[side]) != 1)
		return 0;
	f->bits[side] = f->v6[side] ? 128 : 32;
	return slash == NULL || number(slash + 1, n - len - 1, f->bits[side], &f->bits[side]);
}

static int term(const char *s, size_t n, struct one *f)
{
	static const struct { const char *name; int header; } names[] = {
		{ "nw_src=", SAZ_NW_SRC }, { "nw_dst=", SAZ_NW_DST }, { "tp_src=", SAZ_TP_SRC },
		{ "tp_dst=", SAZ_TP_DST }, { "nw_proto=", SAZ_NW_PROTO }
	};
	size_t i;

	for (i = 0; i < sizeof names / sizeof names[0]; i++) {
		size_t len = strlen(names[i].name);

		if (n <= len || memcmp(s, names[i].name, len) != 0)
			continue;
		if (f->have & BIT(names[i].header))
			return 0;
		f->have |= BIT(names[i].header);
		s += len;
		n -= len;
		switch (names[i].header) {
		case SAZ_NW_SRC:
		case SAZ_NW_DST:
			return address(s, n, f, names[i].header == SAZ_NW_DST);
		case SAZ_TP_SRC:
		case SAZ_TP_DST:
			return number(s, n, 65535, &f->port[names[i].header == SAZ_TP_DST]);
		default:
			return number(s, n, 255, &f->proto);
		}
	}
	return 0;
}

static int filter(const char *s, size_t n, struct saz_filter *out, struct saz_error *e)
{
	struct one *f;

	if (n == 3 && memcmp(s, "all", 3) == 0) {
		out->all = 1;
		return 1;
	}
	f = SAZ_NEW(struct one, 1);
	if (f == NULL)
		return saz_fail(e, "memory", "no memory for the filter");
	f->next = out->list;
	out->list = f;
	for (;;) {
		const char *comma = memchr(s, ',', n);
		size_t len = comma ? (size_t)(comma - s) : n;

		if (!term(s, len, f))
			return saz_fail(e, "filter", "bad term \"%.*s\"", len > 60 ? 60 : (int)len, s);
		if (comma == NULL)
			return 1;
		s += len + 1;
		n -= len + 1;
	}
}

struct saz_filter *saz_filter_parse(const char *text, struct saz_error *e)
{
	struct saz_filter *f = SAZ_NEW(struct saz_filter, 1);
	int any = 0;

	if (f == NULL) {
		saz_fail(e, "memory", "no memory for the filter");
		return NULL;
	}
	for (;;) {
		size_t n;

		text += strspn(text, " \t");
		n = strcspn(text, " \t");
		if (n == 0)
			break;
		if (!filter(text, n, f, e)) {
			saz_filter_free(f);
			return NULL;
		}
		any = 1;
		text += n;
	}
	if (!any) {
		saz_fail(e, "filter", "no filter");
		saz_filter_free(f);
		return NULL;
	}
	return f;
}

void saz_filter_free(struct saz_filter *f)
{
	if (f == NULL)
		return;
	while (f->list != NULL) {
		struct one *next = f->list->next;

		saz_mem_put(f->list);
		f->list = next;
	}
	saz_mem_put(f);
}

int saz_filter_is_all(const struct saz_filter *f)
{
	return f->all;
}

static int is_v4(const unsigned char *a)
{
	static const unsigned char zero[12];

	return memcmp(a + 4, zero, 12) == 0;
}

static int in_prefix(const unsigned char *a, const unsigned char *want, unsigned bits)
{
	unsigned whole = bits / 8, rest = bits % 8;

	if (memcmp(a, want, whole) != 0)
		return 0;
	return rest == 0 || ((a[whole] ^ want[whole]) & (0xff00 >> rest) & 0xff) == 0;
}

/* swap: the entry's source is held against the filter's destination. */
static enum saz_match matches(const struct one *f, const struct saz_flow *k, int swap)
{
	unsigned have = k->have;
	int side;

	if (swap)
		have = (have & ~15u) | (have & 5u) << 1 | (have & 10u) >> 1;
	for (side = 0; side < 2; side++) {
		int from = side ^ swap;

		if (f->have & have & BIT(SAZ_NW_SRC + side)) {
			/* An IPv6 address that looks like IPv4 (::, 2001:db8::) can only be asked for in full. */
			if (f->v6[side] ? is_v4(k->addr[from]) && f->bits[side] != 128 : !is_v4(k->addr[from]))
				return SAZ_NO_MATCH;
			if (!in_prefix(k->addr[from], f->addr[side], f->bits[side]))
				return SAZ_NO_MATCH;
		}
		if (f->have & have & BIT(SAZ_TP_SRC + side) && k->port[from] != f->port[side])
			return SAZ_NO_MATCH;
	}
	if (f->have & have & BIT(SAZ_NW_PROTO) && k->proto != f->proto)
		return SAZ_NO_MATCH;
	if ((f->have & have) == 0)
		return SAZ_NO_MATCH;
	return f->have & ~have ? SAZ_MATCH_COPY : SAZ_MATCH_MOVE;
}

enum saz_match saz_filter_match(const struct saz_filter *f, const struct saz_flow *k, int both_ways)
{
	enum saz_match best = SAZ_NO_MATCH;
	const struct one *o;

	if (f->all)
		return SAZ_MATCH_MOVE;
	for (o = f->list; o != NULL; o = o->next) {
		enum saz_match m = matches(o, k, 0), r = both_ways ? matches(o, k, 1) : SAZ_NO_MATCH;

		best = m > best ? m : best;
		best = r > best ? r : best;
	}
	return best;
}

/* ---- an entry's key ---- */

static uint64_t load(const unsigned char *p, unsigned size, int net)
{
	uint64_t v = 0;
	unsigned i;
	static const int one = 1;
	int big = net || *(const char *)&one == 0;

	for (i = 0; i < size && i < 8; i++)
		v = v << 8 | p[big ? i : size - 1 - i];
	return v;
}

static int load_addr(unsigned char *out, const unsigned char *p, const struct saz_key *key)
{
	static const unsigned char mapped[12] = { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff };

	memset(out, 0, 16);
	if (key->size == 16) {
		if (memcmp(p, mapped, 12) == 0)
			memcpy(out, p + 12, 4);
		else
			memcpy(out, p, 16);
		return 1;
	}
	if (key->size == 4 || key->size == 8) {
		uint32_t v = htonl((uint32_t)load(p, key->size, key->net));

		memcpy(out, &v, 4);
		return 1;
	}
	return 0;
}

void saz_flow_of(const struct saz_container *c, const void *entry, struct saz_flow *k)
{
	unsigned i;

	memset(k, 0, sizeof *k);
	for (i = 0; i < c->nkeys; i++) {
		const struct saz_key *key = &c->keys[i];
		const unsigned char *p = (const unsigned char *)entry + key->off;
		unsigned size = key->size;

		if (k->have & BIT(key->header))
			continue;
		switch (key->header) {
		case SAZ_NW_SRC:
		case SAZ_NW_DST:
			if (!load_addr(k->addr[key->header == SAZ_NW_DST], p, key))
				continue;
			break;
		case SAZ_TP_SRC:
		case SAZ_TP_DST:
			k->port[key->header == SAZ_TP_DST] = (uint16_t)load(p, size, key->net);
			break;
		case SAZ_NW_PROTO:
			k->proto = (unsigned char)load(p, size, key->net);
			break;
		case SAZ_DL_TYPE:
			k->dl_type = (uint16_t)load(p, size, key->net);
			break;
		case SAZ_DL_VLAN:
			k->vlan = (uint16_t)load(p, size, key->net);
			break;
		case SAZ_DL_SRC:
		case SAZ_DL_DST:
			if (size < 6)
				continue;
			memcpy(k->mac[key->header == SAZ_DL_DST], p, 6);
			break;
		default:
			continue;
		}
		k->have |= BIT(key->header);
	}
}

static void swap_bytes(void *a, void *b, size_t n)
{
	unsigned char t[16];

	memcpy(t, a, n);
	memcpy(a, b, n);
	memcpy(b, t, n);
}

/* Makes the two directions of a flow equal where the container looks both up. */
void saz_flow_canonical(const struct saz_container *c, struct saz_flow *k)
{
	int d;

	if (!c->both_ways)
		return;
	d = memcmp(k->addr[0], k->addr[1], 16);
	if (d > 0 || (d == 0 && k->port[0] > k->port[1])) {
		swap_bytes(k->addr[0], k->addr[1], 16);
		swap_bytes(&k->port[0], &k->port[1], 2);
		swap_bytes(k->mac[0], k->mac[1], 6);
	}
}
