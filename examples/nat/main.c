#include <arpa/inet.h>
#include <err.h>
#include <pcap/pcap.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "nat.h"

#define SNAPLEN	65535

static struct in_addr	inside_net, inside_mask;	/* network order */
static struct in_addr	outside_addr;
static FILE		*logfile;
static int		verbose;

/* What became of the frames. */
static struct {
	uint64_t	seen;
	uint64_t	out, in;
	uint64_t	local;		/* from inside to inside */
	uint64_t	foreign;	/* none that is translated */
	uint64_t	no_session;	/* from outside, for nobody */
	uint64_t	no_port;
} stats;

static void
usage(void)
{
	fprintf(stderr, "usage: nat [-v] -i network/bits -e address -r capture -w capture [-l log]\n");
	exit(2);
}

void
die(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	verrx(1, fmt, ap);
}

static const char *
protocol(uint8_t p)
{
	return p == IPPROTO_TCP ? "tcp" : p == IPPROTO_UDP ? "udp" : "icmp";
}

/* One line of the log. */
void
event(const char *what, const struct session *s, time_t now)
{
	char addr[INET_ADDRSTRLEN];

	inet_ntop(AF_INET, &s->addr, addr, sizeof(addr));
	fprintf(logfile, "%lld %s %s %s:%u as %u", (long long)now, what, protocol(s->proto), addr,
	    ntohs(s->port), s->outside);
	if (strcmp(what, "open") != 0)
		fprintf(logfile, " lived %lld out %llu/%llu in %llu/%llu",
		    (long long)(s->used - s->born),
		    (unsigned long long)s->out_packets, (unsigned long long)s->out_bytes,
		    (unsigned long long)s->in_packets, (unsigned long long)s->in_bytes);
	fputc('\n', logfile);
}

static bool
is_inside(struct in_addr a)
{
	return (a.s_addr & inside_mask.s_addr) == inside_net.s_addr;
}

/* Translates a frame in place.  False: it is not to be sent on. */
static bool
translate(uint8_t *bytes, size_t len, time_t now)
{
	struct frame f;
	struct session *s;

	stats.seen++;
	if (!frame_parse(&f, bytes, len)) {
		stats.foreign++;
		return false;
	}
	if (is_inside(f.src)) {
		if (is_inside(f.dst)) {
			stats.local++;
			return false;
		}
		if ((s = session_from_inside(&f, now)) == NULL) {
			stats.no_port++;
			return false;
		}
		stats.out++;
		session_touch(s, &f, true, len, now);
		frame_set_source(&f, outside_addr, htons(s->outside));
		return true;
	}
	if (f.dst.s_addr != outside_addr.s_addr || (s = session_from_outside(&f)) == NULL) {
		stats.no_session++;
		return false;
	}
	stats.in++;
	session_touch(s, &f, false, len, now);
	frame_set_dest(&f, s->addr, s->port);
	return true;
}

static void
run(pcap_t *in, pcap_dumper_t *out)
{
	/*
	 * libpcap's own bytes are not to be written to.  In the copy the IP header stands at a
	 * multiple of four.
	 */
	static _Alignas(4) uint8_t room[2 + SNAPLEN];
	uint8_t *const copy = room + 2;
	struct pcap_pkthdr *h;
	const u_char *bytes;
	int r;

	while ((r = pcap_next_ex(in, &h, &bytes)) == 1) {
		if (h->caplen > SNAPLEN)
			continue;
		memcpy(copy, bytes, h->caplen);
		sessions_expire(h->ts.tv_sec);
		if (translate(copy, h->caplen, h->ts.tv_sec))
			pcap_dump((u_char *)out, h, copy);
		if (verbose && stats.seen % 1000 == 0)
			fprintf(stderr, "%llu frames, %llu sessions, %d ports left\n",
			    (unsigned long long)stats.seen,
			    (unsigned long long)sessions_live, ports_left());
	}
	if (r == PCAP_ERROR)
		die("%s", pcap_geterr(in));
}

static void
set_inside(char *arg)
{
	char *slash = strchr(arg, '/');
	int bits = slash == NULL ? 32 : atoi(slash + 1);

	if (slash != NULL)
		*slash = '\0';
	if (inet_aton(arg, &inside_net) == 0 || bits < 1 || bits > 32)
		die("%s: no network", arg);
	inside_mask.s_addr = htonl(0xffffffffu << (32 - bits));
	inside_net.s_addr &= inside_mask.s_addr;
}

int
main(int argc, char **argv)
{
	const char *rfile = NULL, *wfile = NULL;
	char errbuf[PCAP_ERRBUF_SIZE];
	pcap_dumper_t *out;
	pcap_t *in;
	int c;

	logfile = stdout;
	while ((c = getopt(argc, argv, "e:i:l:r:vw:")) != -1) {
		switch (c) {
		case 'e':
			if (inet_aton(optarg, &outside_addr) == 0)
				die("%s: no address", optarg);
			break;
		case 'i':
			set_inside(optarg);
			break;
		case 'l':
			if ((logfile = fopen(optarg, "w")) == NULL)
				err(1, "%s", optarg);
			break;
		case 'r':
			rfile = optarg;
			break;
		case 'v':
			verbose = 1;
			break;
		case 'w':
			wfile = optarg;
			break;
		default:
			usage();
		}
	}
	if (rfile == NULL || wfile == NULL || inside_mask.s_addr == 0 || outside_addr.s_addr == 0)
		usage();
	if ((in = pcap_open_offline(rfile, errbuf)) == NULL)
		die("%s", errbuf);
	if (pcap_datalink(in) != DLT_EN10MB)
		die("%s: not a capture of Ethernet", rfile);
	if ((out = pcap_dump_open(in, wfile)) == NULL)
		die("%s", pcap_geterr(in));

	ports_init();
	run(in, out);
	sessions_end();

	fprintf(logfile, "frames %llu out %llu in %llu local %llu foreign %llu stray %llu no-port %llu\n",
	    (unsigned long long)stats.seen, (unsigned long long)stats.out,
	    (unsigned long long)stats.in, (unsigned long long)stats.local,
	    (unsigned long long)stats.foreign, (unsigned long long)stats.no_session,
	    (unsigned long long)stats.no_port);
	fprintf(logfile, "sessions %llu peak %llu\n", (unsigned long long)sessions_made,
	    (unsigned long long)sessions_peak);
	pcap_dump_close(out);
	pcap_close(in);
	if (fclose(logfile) != 0)
		err(1, "log");
	return 0;
}
