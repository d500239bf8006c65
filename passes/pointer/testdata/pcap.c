void probe(const void *, ...);
#include <pcap/pcap.h>
#include <stdlib.h>
#include <string.h>
struct state { int n; const unsigned char *last; } st;
static void got_packet(unsigned char *user, const struct pcap_pkthdr *h, const unsigned char *pkt)
{
    struct state *s = (struct state *)user;
    probe(s); // pts: st
    probe(pkt + 14); // pts: pcap_loop's_packet@test.c:27+14
    s->last = pkt;
    (void)h;
}
int main(void)
{
    char err[PCAP_ERRBUF_SIZE];
    pcap_t *p = pcap_open_offline("x", err);
    probe(p); // pts: pcap_open_offline@-1
    struct pcap_pkthdr h, *hp;
    const unsigned char *k = pcap_next(p, &h);
    probe(k); // pts: pcap_next's_packet@-1 pcap_next_ex's_packet@test.c:22
    pcap_next_ex(p, &hp, &k);
    probe(hp); // pts: pcap_next_ex's_packet@-1
    char *end, num[10];
    strtol(num, &end, 10);
    probe(end); // pts: main.num
    pcap_loop(p, -1, got_packet, (unsigned char *)&st); // callbacks: got_packet
    probe(st.last); // pts: pcap_loop's_packet@-1
    return 0;
}
