/*
 * The running example of "Paving the Way for NFV: Simplifying Middlebox Modifications using
 * StateAlyzr" (NSDI 2016), Figure 3: a middlebox that blocks external hosts creating too many new
 * connections.  The names and the statements are the paper's; what it took to compile and to end
 * is mended:
 *
 *  - the external side is a capture file, the internal side an interface, or - for none;
 *  - the queue holds copies, because a packet from pcap_next lives only until the next one;
 *  - "ifFull" and "ifEmpty" wait for the slot: one without a packet is NULL, and END is the last;
 *  - loopProcedure looks its host up.  As in the paper it does so while processPacket may be
 *    putting a new one in front of the list, so a packet or two more can pass than the threshold
 *    says.
 */
#include <arpa/inet.h>
#include <linux/if_ether.h>
#include <netinet/ip.h>
#include <netinet/tcp.h>
#include <pcap/pcap.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>

#define HEADERS (sizeof(struct ethhdr) + sizeof(struct iphdr) + sizeof(struct tcphdr))

struct host {
    uint ip;
    int count;
    struct host *next;
};

pcap_t *intPcap, *extPcap;
int threshold;
char *queue[100];
int head = 0, tail = 0;
struct host *hosts = NULL;

/* What is queued after the last packet. */
#define END ((char *)queue)

int loopProcedure(void);
void enqueue(char *pkt);
char *dequeue(void);
void *processPacket(void *unused);
struct host *lookup(uint ip);

static void openPcaps(const char *internal, const char *external) {
    char problem[PCAP_ERRBUF_SIZE] = "";

    if (strcmp(internal, "-") == 0)
        intPcap = pcap_open_dead(DLT_EN10MB, 65535);
    else
        intPcap = pcap_open_live(internal, 65535, 1, 1000, problem);
    if (intPcap != NULL)
        extPcap = pcap_open_offline(external, problem);
    if (intPcap == NULL || extPcap == NULL) {
        fprintf(stderr, "figure3: %s\n", problem);
        exit(EXIT_FAILURE);
    }
}

/* Short packets are filled up with zeroes, so that all the headers can be read. */
static char *copyPacket(const u_char *pkt, const struct pcap_pkthdr *pcapHdr) {
    char *copy;

    copy = calloc(1, pcapHdr->caplen > HEADERS ? pcapHdr->caplen : HEADERS);
    if (copy == NULL) {
        fprintf(stderr, "figure3: out of memory\n");
        exit(EXIT_FAILURE);
    }
    memcpy(copy, pkt, pcapHdr->caplen);
    return copy;
}

static uint sourceOf(const u_char *pkt, const struct pcap_pkthdr *pcapHdr) {
    struct iphdr ipHdr;

    if (pcapHdr->caplen < sizeof(struct ethhdr) + sizeof ipHdr)
        return 0;
    memcpy(&ipHdr, pkt + sizeof(struct ethhdr), sizeof ipHdr);
    return ipHdr.saddr;
}

static void printHosts(void) {
    while (hosts != NULL) {
        struct host *next = hosts->next;
        struct in_addr ip = { hosts->ip };

        printf("%s %d\n", inet_ntoa(ip), hosts->count);
        free(hosts);
        hosts = next;
    }
}

int main(int argc, char **argv) {
    pthread_t thread;

    if (argc != 4) {
        fprintf(stderr, "usage: %s INTERFACE|- CAPTURE THRESHOLD\n", argv[0]);
        return EXIT_FAILURE;
    }
    openPcaps(argv[1], argv[2]);
    threshold = atoi(argv[3]);
    if (pthread_create(&thread, NULL, processPacket, NULL) != 0) {
        fprintf(stderr, "figure3: cannot start a thread\n");
        return EXIT_FAILURE;
    }
    loopProcedure();
    pthread_join(thread, NULL);
    printHosts();
    pcap_close(extPcap);
    pcap_close(intPcap);
    return EXIT_SUCCESS;
}

/* A slot that holds no packet is free: the two threads need no lock. */
static char *slot(int index) {
    return __atomic_load_n(&queue[index % 100], __ATOMIC_ACQUIRE);
}

int loopProcedure(void) {
    while (1) {
        struct pcap_pkthdr pcapHdr;
        const u_char *pkt = pcap_next(extPcap, &pcapHdr);
        while (slot(head + 1) != NULL) /* ifFull.Wait() */
            sched_yield();
        enqueue(pkt == NULL ? END : copyPacket(pkt, &pcapHdr));
        if (pkt == NULL)
            return 0;
        struct host *entry = lookup(sourceOf(pkt, &pcapHdr));
        if (entry == NULL || entry->count < threshold)
            pcap_inject(intPcap, pkt, pcapHdr.caplen);
    }
}

void enqueue(char *pkt) {
    head = (head + 1) % 100;
    queue[head] = pkt;
}

char *dequeue(void) {
    int *index = &tail;
    *index = (*index + 1) % 100;
    return queue[*index];
}

void *processPacket(void *unused) {
    (void)unused;
    while (1) {
        while (slot(tail + 1) == NULL) /* ifEmpty.Wait() */
            sched_yield();
        char *pkt = dequeue();
        queue[tail] = NULL;
        if (pkt == END)
            return NULL;
        struct ethhdr *ethHdr = (struct ethhdr *)pkt;
        struct iphdr *ipHdr = (struct iphdr *)(ethHdr + 1);
        struct tcphdr *tcpHdr = (struct tcphdr *)(ipHdr + 1);
        struct host *entry = lookup(ipHdr->saddr);
        if (NULL == entry) {
            struct host *new = malloc(sizeof(struct host));
            if (new == NULL) {
                fprintf(stderr, "figure3: out of memory\n");
                exit(EXIT_FAILURE);
            }
            new->ip = ipHdr->saddr;
            new->count = 0;
            new->next = hosts;
            hosts = new;
            entry = new;
        }
        if (tcpHdr->syn && !tcpHdr->ack)
            entry->count++;
        free(pkt);
    }
}

struct host *lookup(uint ip) {
    struct host *curr = hosts;
    while (curr != NULL) {
        if (curr->ip == ip)
            return curr;
        curr = curr->next;
    }
    return NULL;
}
