/*
 * The example of "Paving the Way for NFV: Simplifying Middlebox Modifications using StateAlyzr"
 * (NSDI 2016), Figure 9, without the statements that track updates.  Packets are the payloads of
 * UDP datagrams sent to a port of the loopback interface, and begin with their IP header; an
 * empty datagram is the end.
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/ip.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/types.h>

#define TCP 6
#define ACK 0x10

struct tcpHdr {
    uint16_t sport;
    uint16_t dport;
    uint32_t seqnum;
    uint32_t acknum;
    uint8_t offset;
    uint8_t flags;
    uint16_t window;
    uint16_t checksum;
    uint16_t urgent;
};

struct conn {
    uint8_t flags;
    uint32_t acknum;
};

struct conn tbl[1000];
int count;
int tcpcnt;

void hdl(int *c, struct conn *s, struct tcpHdr *t);

static struct iphdr *getIpHdr(char *pkt) {
    return (struct iphdr *)pkt;
}

static struct tcpHdr *getTcpHdr(char *pkt) {
    return (struct tcpHdr *)(pkt + getIpHdr(pkt)->ihl * 4);
}

static unsigned hash(char *pkt) {
    struct iphdr *i = getIpHdr(pkt);
    struct tcpHdr *t = getTcpHdr(pkt);

    return (i->saddr * 31u + i->daddr * 17u + t->sport * 5u + t->dport) % 1000;
}

/* Prints the port, as 0 lets the system choose one. */
static int open_socket(int port) {
    struct sockaddr_in address = {
        .sin_family = AF_INET,
        .sin_port = htons((uint16_t)port),
        .sin_addr = { htonl(INADDR_LOOPBACK) },
    };
    socklen_t size = sizeof address;
    int fd = socket(AF_INET, SOCK_DGRAM, 0);

    if (fd < 0 || bind(fd, (struct sockaddr *)&address, size) < 0 ||
        getsockname(fd, (struct sockaddr *)&address, &size) < 0) {
        perror("figure9");
        exit(EXIT_FAILURE);
    }
    printf("port %d\n", ntohs(address.sin_port));
    fflush(stdout);
    return fd;
}

static void print_state(void) {
    printf("count %d\ntcpcnt %d\n", count, tcpcnt);
    for (int i = 0; i < 1000; i++)
        if (tbl[i].flags != 0)
            printf("conn %d flags %02x acknum %u\n", i, tbl[i].flags, ntohl(tbl[i].acknum));
}

int main(int argc, char **argv) {
    int fd = open_socket(argc > 1 ? atoi(argv[1]) : 0);

    while (1) {
        char buf[2048] = { 0 }; /* a short packet has zeroes for what it lacks */
        ssize_t n = recv(fd, buf, sizeof buf, 0);
        char *pkt = buf;
        if (n <= 0)
            break;
        count = count + 1;
        struct iphdr *i = getIpHdr(pkt);
        if (i->protocol == TCP) {
            hdl(&tcpcnt, &tbl[hash(pkt)], getTcpHdr(pkt));
        }
    }
    print_state();
    return 0;
}

void hdl(int *c, struct conn *s, struct tcpHdr *t) {
    *c = *c + 1;
    s->flags = s->flags | t->flags;
    if (t->flags & ACK)
        s->acknum = t->acknum;
}
