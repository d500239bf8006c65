#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "proxy.h"

static void on_signal(int number)
{
    (void)number;
    loop_stop();
}

int main(int argc, char **argv)
{
    int port = 0, c;
    unsigned limit = 100;
    bool any = false;

    while ((c = getopt(argc, argv, "m:p:u:")) != -1) {
        switch (c) {
        case 'm':
            limit = atoi(optarg);
            break;
        case 'p':
            port = atoi(optarg);
            break;
        case 'u':
            if (upstream_add(optarg) < 0) {
                fprintf(stderr, "proxy: %s: want name=address:port\n", optarg);
                return 2;
            }
            any = true;
            break;
        default:
            return 2;
        }
    }
    if (!any || optind != argc) {
        fprintf(stderr, "usage: proxy [-p port] [-m connections-per-client] -u name=address:port ...\n");
        return 2;
    }
    signal(SIGTERM, on_signal);
    signal(SIGINT, on_signal);
    peer_setup(limit);
    if (loop_init() < 0 || relay_listen(port) < 0) {
        perror("proxy");
        return 1;
    }
    loop_run();
    relay_end();
    peer_report();
    upstream_report();
    return 0;
}
