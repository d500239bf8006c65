/* SPDX-License-Identifier: MIT */
/*
 * Frames of a capture that are sent to the service's address are sent on to one of the backends,
 * their answers come back with the service's address.  One thread reads and deals out, some
 * threads work; all frames of a connection go to the same one.
 */
#include <arpa/inet.h>
#include <pcap/pcap.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lb.h"

be32 vip;
struct worker workers[MAX_WORKERS];
u32 nr_workers = 4;

static pcap_dumper_t *output;
static pthread_mutex_t output_lock = PTHREAD_MUTEX_INITIALIZER;
static FILE *log_file;
static u64 nr_frames, nr_ignored;

void log_line(u64 usec, const char *fmt, ...)
{
	char text[256];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	fprintf(log_file, "%llu.%06llu %s\n", (unsigned long long)(usec / 1000000),
		(unsigned long long)(usec % 1000000), text);
}

void send_packet(const struct packet *p)
{
	struct pcap_pkthdr h = {
		.ts = { .tv_sec = p->usec / 1000000, .tv_usec = p->usec % 1000000 },
		.caplen = p->caplen,
		.len = p->len,
	};

	pthread_mutex_lock(&output_lock);
	pcap_dump((u_char *)output, &h, p->bytes);
	pthread_mutex_unlock(&output_lock);
}

/* By the client's end alone, which both directions have. */
static struct worker *worker_of(const struct packet *p)
{
	be32 addr = p->from_client ? p->ip->saddr : p->ip->daddr;
	be16 port = p->from_client ? p->tcp->sport : p->tcp->dport;

	return &workers[(ntohl(addr) * 31 + ntohs(port)) % nr_workers];
}

static void deal_out(pcap_t *in)
{
	struct pcap_pkthdr *h;
	const u_char *bytes;

	while (pcap_next_ex(in, &h, &bytes) == 1) {
		struct packet *p;

		nr_frames++;
		if (h->caplen > FRAME_MAX) {
			nr_ignored++;
			continue;
		}
		p = malloc(sizeof(*p));
		if (!p) {
			nr_ignored++;
			continue;
		}
		p->usec = (u64)h->ts.tv_sec * 1000000 + h->ts.tv_usec;
		p->caplen = h->caplen;
		p->len = h->len;
		memcpy(p->bytes, bytes, h->caplen);
		if (packet_parse(p)) {
			queue_put(&worker_of(p)->queue, p);
		} else {
			nr_ignored++;
			free(p);
		}
	}
}

static void usage(void)
{
	fputs("usage: balancer -v address -b name=address[*weight] [-b ...] [-j workers] -r capture -w capture [-l log]\n",
	      stderr);
	exit(2);
}

static void add_backend(char *arg)
{
	char *addr = strchr(arg, '='), *weight = strchr(arg, '*');
	struct in_addr in;

	if (!addr)
		usage();
	*addr++ = '\0';
	if (weight)
		*weight++ = '\0';
	if (!inet_aton(addr, &in) || backend_add(arg, in.s_addr, weight ? atoi(weight) : 1))
		usage();
}

int main(int argc, char **argv)
{
	char errbuf[PCAP_ERRBUF_SIZE], *rfile = NULL, *wfile = NULL;
	struct in_addr in;
	pcap_t *input;
	u64 forwarded = 0, returned = 0, dropped = 0;
	int c;

	log_file = stdout;
	while ((c = getopt(argc, argv, "b:j:l:r:v:w:")) != -1) {
		switch (c) {
		case 'b':
			add_backend(optarg);
			break;
		case 'j':
			nr_workers = atoi(optarg);
			break;
		case 'l':
			log_file = fopen(optarg, "w");
			break;
		case 'r':
			rfile = optarg;
			break;
		case 'v':
			vip = inet_aton(optarg, &in) ? in.s_addr : 0;
			break;
		case 'w':
			wfile = optarg;
			break;
		default:
			usage();
		}
	}
	if (!rfile || !wfile || !vip || !log_file || !nr_backends || nr_workers < 1 || nr_workers > MAX_WORKERS)
		usage();
	input = pcap_open_offline(rfile, errbuf);
	if (!input) {
		fprintf(stderr, "balancer: %s\n", errbuf);
		return 1;
	}
	output = pcap_dump_open(input, wfile);
	if (!output) {
		fprintf(stderr, "balancer: %s\n", pcap_geterr(input));
		return 1;
	}

	for (u32 i = 0; i < nr_workers; i++) {
		workers[i].id = i;
		queue_init(&workers[i].queue);
		if (pthread_create(&workers[i].thread, NULL, worker_run, &workers[i]) != 0) {
			perror("balancer: thread");
			return 1;
		}
	}
	deal_out(input);
	for (u32 i = 0; i < nr_workers; i++)
		queue_close(&workers[i].queue);
	for (u32 i = 0; i < nr_workers; i++) {
		pthread_join(workers[i].thread, NULL);
		forwarded += workers[i].forwarded;
		returned += workers[i].returned;
		dropped += workers[i].dropped;
	}

	backend_report(log_file);
	fprintf(log_file, "frames %llu ignored %llu forwarded %llu returned %llu dropped %llu\n",
		(unsigned long long)nr_frames, (unsigned long long)nr_ignored,
		(unsigned long long)forwarded, (unsigned long long)returned, (unsigned long long)dropped);
	pcap_dump_close(output);
	pcap_close(input);
	return fclose(log_file) ? 1 : 0;
}
