/* What libnet and libdnet keep, hand back and call. */
#include <stdint.h>
#include <stddef.h>
#include <sys/types.h>

extern void probe(const void *);
void probe(const void *p) { (void)p; }

typedef struct libnet_context libnet_t;
struct libnet_context { int fd; char *device; void *blocks; char err_buf[256]; };
libnet_t *libnet_init(int, const char *, char *);
int32_t libnet_build_tcp(uint16_t, uint16_t, uint32_t, uint32_t, uint8_t, uint16_t, uint16_t, uint16_t, uint16_t, const uint8_t *, uint32_t, libnet_t *, int32_t);
uint8_t *libnet_getpbuf(libnet_t *, int32_t);
int libnet_adv_cull_packet(libnet_t *, uint8_t **, uint32_t *);
int libnet_adv_cull_header(libnet_t *, int32_t, uint8_t **, uint32_t *);
int libnet_adv_write_link(libnet_t *, const uint8_t *, uint32_t);
int libnet_write(libnet_t *);
int libnet_cq_add(libnet_t *, char *);
libnet_t *libnet_cq_find_by_label(char *);

struct addr { uint16_t type, bits; uint8_t data[16]; };
struct arp_entry { struct addr pa, ha; };
typedef struct arp_handle arp_t;
typedef struct blob { uint8_t *base; int off, end, size; } blob_t;
arp_t *arp_open(void);
int arp_loop(arp_t *, int (*)(const struct arp_entry *, void *), void *);
char *addr_ntop(const struct addr *, char *, size_t);
blob_t *blob_new(void);
int blob_write(blob_t *, const void *, int);
int blob_read(blob_t *, void *, int);

static int seen;
static char text[32];

static int known(const struct arp_entry *e, void *arg) // callers: main
{
	probe(e); // pts: arp_loop's[]
	probe(arg); // pts: seen
	probe(addr_ntop(&e->pa, text, sizeof text)); // pts: text
	return 0;
}

int main(void)
{
	char err[256];
	uint8_t *bytes, *header;
	uint32_t n;
	int *p = &seen, *q;
	libnet_t *l = libnet_init(1, "eth0", err); // obj NET
	libnet_t *m = libnet_init(1, "eth1", err); // obj OTHER
	libnet_build_tcp(1, 2, 3, 4, 5, 6, 7, 8, 9, (uint8_t *)text, 32, l, 0);
	probe(l); // pts: NET
	probe(libnet_getpbuf(l, 1)); // pts>: NET !OTHER !text
	libnet_adv_cull_packet(l, &bytes, &n); // obj BYTES
	probe(bytes); // pts: BYTES
	libnet_adv_cull_header(l, 1, &header, &n);
	probe(header); // pts>: NET !OTHER
	libnet_adv_write_link(l, bytes, n);
	libnet_cq_add(m, "other");
	probe(libnet_cq_find_by_label("other")); // pts: OTHER
	arp_loop(arp_open(), known, &seen); // calls: arp_loop arp_open known
	blob_t *b = blob_new(); // obj BLOB
	blob_write(b, &p, sizeof p);
	blob_read(b, &q, sizeof q);
	probe(b->base); // pts>: BLOB
	probe(q); // pts>: seen !text
	return libnet_write(l);
}
