#ifndef DECODE_H
#define DECODE_H

#include <pcap/pcap.h>

/* The callback of pcap_loop: takes one Ethernet frame apart and keeps the books.  user is the
 * struct config. */
void decode_packet(u_char *user, const struct pcap_pkthdr *header, const u_char *bytes);

#endif
