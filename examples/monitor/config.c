#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "config.h"
#include "conn.h"
#include "host.h"

struct config config = {
	.tcp_timeout = 60,
	.udp_timeout = 30,
	.icmp_timeout = 10,
	.closed_timeout = 5,
};

void config_usage(FILE *out, const char *program)
{
	fprintf(out,
	        "usage: %s -r FILE|- [options]     read a capture; - is standard input\n"
	        "       %s -i INTERFACE [options]  listen\n"
	        "  -l LOG      where hosts, services and connections are logged (standard output)\n"
	        "  -s SIGS     service signatures (none)\n"
	        "  -t SECONDS  idle timeout of TCP connections (60)\n"
	        "  -u SECONDS  idle timeout of UDP flows (30)\n"
	        "  -S STATS    where the counters are written at the end (standard error)\n"
	        "  -v          tell about connections on standard error\n"
	        "  -h          this text\n",
	        program, program);
}

static bool parse_seconds(const char *text, char option, long *seconds)
{
	char *end;

	errno = 0;
	*seconds = strtol(text, &end, 10);
	if (errno != 0 || end == text || *end != '\0' || *seconds < 1 || *seconds > 86400) {
		fprintf(stderr, "monitor: -%c wants a number of seconds from 1 to 86400, not '%s'\n",
		        option, text);
		return false;
	}
	return true;
}

bool config_parse(int argc, char **argv)
{
	int option;

	while ((option = getopt(argc, argv, "r:i:l:s:t:u:S:vh")) != -1) {
		switch (option) {
		case 'r':
			config.read_file = optarg;
			break;
		case 'i':
			config.interface = optarg;
			break;
		case 'l':
			config.log_file = optarg;
			break;
		case 's':
			config.sig_file = optarg;
			break;
		case 't':
			if (!parse_seconds(optarg, 't', &config.tcp_timeout))
				return false;
			break;
		case 'u':
			if (!parse_seconds(optarg, 'u', &config.udp_timeout))
				return false;
			break;
		case 'S':
			config.stats_file = optarg;
			break;
		case 'v':
			config.verbose = true;
			break;
		case 'h':
			config_usage(stdout, argv[0]);
			exit(EXIT_SUCCESS);
		default:
			config_usage(stderr, argv[0]);
			return false;
		}
	}
	if (optind != argc || (config.read_file == NULL) == (config.interface == NULL)) {
		fprintf(stderr, "monitor: give either -r FILE or -i INTERFACE, and nothing else\n");
		config_usage(stderr, argv[0]);
		return false;
	}
	return true;
}

bool config_write_stats(void)
{
	const struct stats *s = &config.stats;
	const struct {
		const char *name;
		uint64_t value;
	} rows[] = {
		{ "packets", s->packets },
		{ "bytes", s->bytes },
		{ "vlan", s->vlan },
		{ "arp", s->arp },
		{ "ipv4", s->ipv4 },
		{ "ipv6", s->ipv6 },
		{ "tcp", s->tcp },
		{ "udp", s->udp },
		{ "icmp", s->icmp },
		{ "icmp6", s->icmp6 },
		{ "other", s->other },
		{ "fragments", s->fragments },
		{ "truncated", s->truncated },
		{ "connections", conn_last_id() },
		{ "hosts", host_last_number() },
	};
	FILE *out = stderr;
	bool ok = true;

	if (config.stats_file != NULL) {
		out = fopen(config.stats_file, "w");
		if (out == NULL) {
			fprintf(stderr, "monitor: %s: %s\n", config.stats_file, strerror(errno));
			return false;
		}
	}
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
		fprintf(out, "%s %" PRIu64 "\n", rows[i].name, rows[i].value);
	if (out != stderr && fclose(out) != 0) {
		fprintf(stderr, "monitor: %s: %s\n", config.stats_file, strerror(errno));
		ok = false;
	}
	return ok;
}
