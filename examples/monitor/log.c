#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <arpa/inet.h>

#include "config.h"
#include "log.h"

/* "[" address "]:65535" */
#define END_MAX (INET6_ADDRSTRLEN + 8)

static char src_text[END_MAX];
static char dst_text[END_MAX];

bool log_open(const char *path)
{
	if (path == NULL || strcmp(path, "-") == 0) {
		config.log = stdout;
	} else {
		config.log = fopen(path, "w");
		if (config.log == NULL) {
			fprintf(stderr, "monitor: %s: %s\n", path, strerror(errno));
			return false;
		}
	}
	/* Somebody may be following the file. */
	setvbuf(config.log, NULL, _IOLBF, 0);
	return true;
}

bool log_close(void)
{
	bool failed = ferror(config.log) != 0;

	if (fclose(config.log) != 0)
		failed = true;
	config.log = NULL;
	if (failed)
		fprintf(stderr, "monitor: writing the log: %s\n", strerror(errno));
	return !failed;
}

static const char *proto_name(uint8_t proto)
{
	switch (proto) {
	case IPPROTO_TCP:
		return "tcp";
	case IPPROTO_UDP:
		return "udp";
	case IPPROTO_ICMP:
		return "icmp";
	case IPPROTO_ICMPV6:
		return "icmp6";
	default:
		return "ip";
	}
}

static void format_addr(char *text, size_t size, int af, const union addr *a)
{
	if (inet_ntop(af, a, text, (socklen_t)size) == NULL)
		snprintf(text, size, "?");
}

/* Address and port the way a URL has them, so that the colons of IPv6 do not confuse. */
static void format_end(char *text, size_t size, int af, const union addr *a, uint16_t port)
{
	char addr[INET6_ADDRSTRLEN];

	format_addr(addr, sizeof addr, af, a);
	snprintf(text, size, af == AF_INET6 ? "[%s]:%u" : "%s:%u", addr, (unsigned)port);
}

static void format_ends(const struct conn *c)
{
	format_end(src_text, sizeof src_text, c->af, &c->src, c->sport);
	format_end(dst_text, sizeof dst_text, c->af, &c->dst, c->dport);
}

static void format_flags(char text[9], uint8_t flags)
{
	static const char letter[8] = { 'F', 'S', 'R', 'P', 'A', 'U', 'E', 'C' };
	int n = 0;

	for (int bit = 0; bit < 8; bit++)
		if (flags & (1u << bit))
			text[n++] = letter[bit];
	if (n == 0)
		text[n++] = '-';
	text[n] = '\0';
}

void log_conn_new(const struct conn *c)
{
	format_ends(c);
	fprintf(config.log, "conn new %s %s -> %s at %lld.%06ld\n", proto_name(c->proto), src_text,
	        dst_text, (long long)c->first.tv_sec, (long)c->first.tv_usec);
	if (config.verbose)
		fprintf(stderr, "conn #%" PRIu64 " new %s -> %s\n", c->id, src_text, dst_text);
}

void log_conn_end(const struct conn *c, const char *reason)
{
	char fwd_flags[9], rev_flags[9];

	format_ends(c);
	format_flags(fwd_flags, c->fwd_flags);
	format_flags(rev_flags, c->rev_flags);
	fprintf(config.log,
	        "conn end %s %s -> %s %s pkts %" PRIu64 "/%" PRIu64 " bytes %" PRIu64 "/%" PRIu64
	        " flags %s/%s from %lld.%06ld to %lld.%06ld\n",
	        proto_name(c->proto), src_text, dst_text, reason, c->fwd_packets, c->rev_packets,
	        c->fwd_bytes, c->rev_bytes, fwd_flags, rev_flags, (long long)c->first.tv_sec,
	        (long)c->first.tv_usec, (long long)c->last.tv_sec, (long)c->last.tv_usec);
	if (config.verbose)
		fprintf(stderr, "conn #%" PRIu64 " end %s -> %s %s\n", c->id, src_text, dst_text, reason);
}

void log_host_new(const struct host *h)
{
	format_addr(src_text, sizeof src_text, h->af, &h->addr);
	fprintf(config.log, "host new %s mac %02x:%02x:%02x:%02x:%02x:%02x ttl %u at %lld.%06ld\n",
	        src_text, h->mac[0], h->mac[1], h->mac[2], h->mac[3], h->mac[4], h->mac[5],
	        (unsigned)h->ttl, (long long)h->first.tv_sec, (long)h->first.tv_usec);
	if (config.verbose)
		fprintf(stderr, "host #%" PRIu64 " new %s\n", h->number, src_text);
}

void log_service(const struct host *h, const struct service *s)
{
	format_addr(src_text, sizeof src_text, h->af, &h->addr);
	fprintf(config.log, "service %s %u/%s %s at %lld.%06ld\n", src_text, (unsigned)s->port,
	        proto_name(s->proto), s->name, (long long)s->named.tv_sec, (long)s->named.tv_usec);
}
