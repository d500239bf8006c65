#ifndef CONFIG_H
#define CONFIG_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <pcap/pcap.h>

struct stats {
	uint64_t packets;
	uint64_t bytes;
	uint64_t vlan;
	uint64_t arp;
	uint64_t ipv4;
	uint64_t ipv6;
	uint64_t tcp;
	uint64_t udp;
	uint64_t icmp;
	uint64_t icmp6;
	uint64_t other;                 /* neither IP nor ARP, or IP with another protocol */
	uint64_t fragments;
	uint64_t truncated;             /* a header ran past what was captured, or made no sense */
};

struct config {
	const char *read_file;
	const char *interface;
	const char *log_file;
	const char *sig_file;
	const char *stats_file;
	long tcp_timeout;               /* seconds without a packet before an open connection ends */
	long udp_timeout;
	long icmp_timeout;
	long closed_timeout;            /* the same after FIN or RST, for stragglers */
	bool verbose;

	FILE *log;
	pcap_t *handle;

	struct stats stats;
};

extern struct config config;

/* Fills config from the command line.  Prints what is wrong and returns false. */
bool config_parse(int argc, char **argv);
void config_usage(FILE *out, const char *program);

/* Writes the counters as "name value" lines, to config.stats_file or to stderr. */
bool config_write_stats(void);

#endif
