/* An off-path asset monitor: who is on the network, which services run there, and who talks to
 * whom. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config.h"
#include "conn.h"
#include "decode.h"
#include "host.h"
#include "log.h"
#include "sig.h"

#define SNAPLEN 65535
#define READ_TIMEOUT_MS 200

static volatile sig_atomic_t stopped;

static void on_signal(int number)
{
	(void)number;
	stopped = 1;
	if (config.handle != NULL)
		pcap_breakloop(config.handle);
}

static void catch_signals(void)
{
	struct sigaction action;

	memset(&action, 0, sizeof action);
	action.sa_handler = on_signal;
	sigemptyset(&action.sa_mask);
	/* No SA_RESTART: a read that waits on a pipe has to come back. */
	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
}

static bool open_capture(void)
{
	char problem[PCAP_ERRBUF_SIZE] = "";
	int link_type;

	if (config.read_file != NULL)
		config.handle = pcap_open_offline(config.read_file, problem);
	else
		config.handle = pcap_open_live(config.interface, SNAPLEN, 1, READ_TIMEOUT_MS, problem);
	if (config.handle == NULL) {
		if (config.read_file != NULL)
			fprintf(stderr, "monitor: cannot read %s: %s\n", config.read_file, problem);
		else
			fprintf(stderr, "monitor: cannot listen on %s: %s\n", config.interface, problem);
		return false;
	}
	link_type = pcap_datalink(config.handle);
	if (link_type != DLT_EN10MB) {
		const char *name = pcap_datalink_val_to_name(link_type);

		fprintf(stderr, "monitor: link type %d (%s) is not supported, only Ethernet is\n",
		        link_type, name != NULL ? name : "unknown");
		pcap_close(config.handle);
		config.handle = NULL;
		return false;
	}
	return true;
}

/* true: the capture ended, or somebody stopped us. */
static bool run(void)
{
	if (pcap_loop(config.handle, -1, decode_packet, (u_char *)&config) != PCAP_ERROR)
		return true;
	/* A signal that interrupts a read shows as an error of the read. */
	if (stopped)
		return true;
	fprintf(stderr, "monitor: %s: %s\n",
	        config.read_file != NULL ? config.read_file : config.interface,
	        pcap_geterr(config.handle));
	return false;
}

int main(int argc, char **argv)
{
	pcap_t *handle;
	bool ok;

	if (!config_parse(argc, argv))
		return EXIT_FAILURE;
	if (config.sig_file != NULL && !sig_load(config.sig_file)) {
		sig_free();
		return EXIT_FAILURE;
	}
	if (!open_capture()) {
		sig_free();
		return EXIT_FAILURE;
	}
	if (!log_open(config.log_file)) {
		pcap_close(config.handle);
		sig_free();
		return EXIT_FAILURE;
	}
	catch_signals();

	ok = run();

	conn_end_all();
	if (!config_write_stats())
		ok = false;
	if (!log_close())
		ok = false;
	handle = config.handle;
	config.handle = NULL;           /* from here on a signal finds nothing to break */
	pcap_close(handle);
	host_free_all();
	sig_free();
	return ok ? EXIT_SUCCESS : EXIT_FAILURE;
}
