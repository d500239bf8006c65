package hook_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"saz/rewrite"
)

// Several packets a receive, several receives a packet. Between two receives, and between two callbacks, the
// runtime has a quiescent point and the marks are cleared: a batch that comes from one call is one packet to it. What
// each prints is the sum over all messages; packets is what the watching build counts, each of which it compares.
var batches = []struct {
	story, lib, text string
	packets          string
}{
	{"1: recvmmsg, up to four datagrams a call", ``, `
static struct mmsghdr m[4]; static struct iovec v[4]; static char bufs[4][16];
int main(void)
{
	int fd[2], i, n;
	socketpair(AF_UNIX, SOCK_DGRAM, 0, fd);
	for (i = 0; i < 10; i++)
		send(fd[1], "abcdefghij" + i, 1, 0);
	for (i = 0; i < 4; i++) {
		v[i].iov_base = bufs[i]; v[i].iov_len = sizeof bufs[i];
		m[i].msg_hdr.msg_iov = &v[i]; m[i].msg_hdr.msg_iovlen = 1;
	}
	while ((n = recvmmsg(fd[0], m, 4, MSG_DONTWAIT, NULL)) > 0) {
		batches++;
		for (i = 0; i < n; i++)
			handle(bufs[i], (int)m[i].msg_len);
	}
	printf("%d batches, %d messages, %ld\n", batches, messages, sum);
	return 0;
}`, "4"}, // the last receives nothing, and is one too
	{"2: a header, then a body: two receives a message", ``, `
int main(void)
{
	int fd[2], i; unsigned char head, body[16];
	socketpair(AF_UNIX, SOCK_STREAM, 0, fd);
	for (i = 0; i < 5; i++) {
		head = (unsigned char)(i + 1);
		send(fd[1], &head, 1, 0);
		send(fd[1], "abcdefgh", head, 0);
	}
	close(fd[1]);
	while (recv(fd[0], &head, 1, 0) == 1) {
		batches++;
		if (recv(fd[0], body, head, 0) != head)
			break;
		handle((char *)body, head);
	}
	printf("%d batches, %d messages, %ld\n", batches, messages, sum);
	return 0;
}`, "11"},
	{"3: a callback for each packet of a batch, batch after batch", `
struct pcap { int n; };
pcap_t *pcap_open_offline(const char *f, char *e) { static struct pcap p; (void)f; (void)e; return &p; }
int pcap_dispatch(pcap_t *p, int n, pcap_handler h, u_char *u)
{
	struct pcap_pkthdr x = { .caplen = 3, .len = 3 };
	int i;
	for (i = 0; i < n && p->n < 10; i++, p->n++)
		h(u, &x, (const u_char *)"abcdefghijklm" + p->n);
	return i;
}`, `
static void got(u_char *u, const struct pcap_pkthdr *h, const u_char *b) { (void)u; handle((const char *)b, (int)h->caplen); }
int main(void)
{
	char e[PCAP_ERRBUF_SIZE];
	pcap_t *p = pcap_open_offline("", e);
	while (pcap_dispatch(p, 4, got, NULL) > 0)
		batches++;
	printf("%d batches, %d messages, %ld\n", batches, messages, sum);
	return 0;
}`, "10"},
	{"4: the acquisition library: one call, all packets, a verdict each", `
int daq_acquire(const void *m, void *h, int n, int (*cb)(void *, const void *, const unsigned char *), void *user)
{
	int i;
	(void)m; (void)h; (void)n;
	for (i = 0; i < 7; i++)
		cb(user, &i, (const unsigned char *)"abcdefghijklm" + i);
	return 0;
}`, `
int daq_acquire(const void *, void *, int, int (*)(void *, const void *, const unsigned char *), void *);
static int verdict(void *u, const void *h, const unsigned char *b) { (void)u; (void)h; handle((const char *)b, 2); return 0; }
int main(void)
{
	while (batches < 2) {
		daq_acquire(NULL, NULL, 0, verdict, NULL);
		batches++;
	}
	printf("%d batches, %d messages, %ld\n", batches, messages, sum);
	return 0;
}`, "14"},
	{"5: a message that holds several: received once, handled by a callback for each", `
int nfq_handle_packet(struct nfq_handle *h, char *b, int n)
{
	int i;
	for (i = 0; i < n; i++)
		h->cb(NULL, NULL, (struct nfq_data *)(b + i), NULL);
	return 0;
}
struct nfq_q_handle *nfq_create_queue(struct nfq_handle *h, uint16_t q, int (*cb)(struct nfq_q_handle *, void *, struct nfq_data *, void *), void *d)
{
	(void)q; (void)d;
	h->cb = cb;
	return NULL;
}`, `
static struct nfq_handle nfq;
static int one(struct nfq_q_handle *q, void *m, struct nfq_data *d, void *u) { (void)q; (void)m; (void)u; handle((const char *)d, 1); return 0; }
int main(void)
{
	int fd[2], i; char b[16]; ssize_t n;
	socketpair(AF_UNIX, SOCK_DGRAM, 0, fd);
	nfq_create_queue(&nfq, 0, one, NULL);
	for (i = 0; i < 3; i++)
		send(fd[1], "abcdefgh", 2 + i, 0);
	while ((n = recv(fd[0], b, sizeof b, MSG_DONTWAIT)) > 0) {
		batches++;
		nfq_handle_packet(&nfq, b, (int)n);
	}
	printf("%d batches, %d messages, %ld\n", batches, messages, sum);
	return 0;
}`, "4"},
}

const batchHead = `#define _GNU_SOURCE
#include <pcap/pcap.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
struct nfq_data; struct nfq_q_handle;
struct nfq_handle { int (*cb)(struct nfq_q_handle *, void *, struct nfq_data *, void *); };
int nfq_handle_packet(struct nfq_handle *, char *, int);
struct nfq_q_handle *nfq_create_queue(struct nfq_handle *, uint16_t, int (*)(struct nfq_q_handle *, void *, struct nfq_data *, void *), void *);
`

const batchState = `
static int batches, messages;
static long sum;
struct seen { struct seen *next; char c; };
static struct seen *list;
static void handle(const char *b, int n)
{
	struct seen *s = malloc(sizeof *s);
	if (!s) abort();
	s->c = b[0]; s->next = list; list = s;
	messages++;
	for (; n > 0; n--)
		sum += b[n - 1];
}
`

func TestBatches(t *testing.T) {
	if _, err := os.Stat("/usr/include/pcap/pcap.h"); err != nil {
		t.Skip("libpcap-dev is not installed")
	}
	for _, c := range batches {
		t.Run(strings.SplitN(c.story, ":", 2)[0], func(t *testing.T) {
			t.Parallel()
			for _, verify := range []bool{false, true} {
				r, tree, said := instrument(t, batchHead+batchState+c.text, rewrite.Options{Verify: verify})
				if len(said) != 0 || len(r.Patched) != 1 {
					t.Fatal(said, r.Patched)
				}
				lib := filepath.Join(tree, "lib.c")
				if err := os.WriteFile(lib, []byte(batchHead+c.lib), 0o666); err != nil {
					t.Fatal(err)
				}
				plain := filepath.Join(tree, "plain.c")
				if err := os.WriteFile(plain, []byte(batchHead+batchState+c.text), 0o666); err != nil {
					t.Fatal(err)
				}
				cmd := exec.Command("sh", "-c", "gcc -w -O1 plain.c lib.c -o plain && gcc -w -O1 -Isaz_rt -o p \"$0\" lib.c saz_glue.c saz_rt/*.c -pthread && ./plain && SAZ_SERVICE=off SAZ_VERIFY_OUT=$PWD/seen ./p", r.Patched[0])
				cmd.Dir = tree
				out, err := cmd.CombinedOutput()
				lines := strings.Split(strings.TrimSpace(string(out)), "\n")
				if err != nil || len(lines) != 2 || lines[0] != lines[1] {
					t.Fatalf("%v\n%s\n%s", err, out, r.Files[r.Patched[0]])
				}
				if !verify {
					continue
				}
				seen, _ := os.ReadFile(filepath.Join(tree, "seen"))
				m := regexp.MustCompile(`verify: (\d+) packets, (\d+) compared, .*; (\d+) unannounced`).FindStringSubmatch(string(seen))
				if m == nil || m[1] != c.packets || m[3] != "0" || m[2] == "0" {
					t.Errorf("want %s packets: %s\n%s", c.packets, seen, r.Files[r.Patched[0]])
				}
			}
		})
	}
}
