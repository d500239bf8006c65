package passes_test

import (
	"slices"
	"strings"
	"testing"

	"saz/ir/models"
	"saz/passes"
	"saz/passes/persist"
	"saz/passes/pointer/ctest"
	"saz/passes/receive"
	"saz/passes/scratch"
	"saz/passes/update"
)

// Where packets come in, and the state of programs that receive in ways of their own: "function in procedure; state".
var receiveCases = []struct{ name, src, want string }{
	{"001 a tunnel is read by threads that a loop starts; a netlink socket answers, a file gives random numbers, a pipe hands over signals", `
#include <fcntl.h>
#include <linux/netlink.h>
#include <poll.h>
#include <pthread.h>
#include <time.h>
#include <unistd.h>
#include <sys/socket.h>
static int tun, more[4], ends[2], seed, workers = 4;
static long in;
static time_t now;
static int answer(int fd) { char b[4096]; return recv(fd, b, sizeof b, 0); }
static void packet(int fd, unsigned char *buf) {
	int n = read(fd, buf, 2000); 
	if (n > 0) { in += n; write(fd, buf, n); }
}
static void *work(void *arg) {
	int mine = *(int *)arg;
	unsigned char buf[2000];
	for (;;) packet(more[mine], buf);
}
int main(void) {
	static int ids[4];
	static unsigned char buf[2000];
	pthread_t t;
	int nl = socket(AF_NETLINK, SOCK_RAW, NETLINK_ROUTE), r = open("/dev/urandom", O_RDONLY);
	answer(nl);
	read(r, &seed, sizeof seed);
	pipe(ends);
	tun = open("/dev/net/tun", O_RDWR);
	for (int i = 0; i < workers; i++) {
		more[i] = open("/dev/net/tun", O_RDWR);
		ids[i] = i;
		pthread_create(&t, 0, work, &ids[i]);
	}
	for (;;) {
		struct pollfd p[2] = {{tun, POLLIN, 0}, {ends[0], POLLIN, 0}};
		char sig;
		poll(p, 2, -1);
		time(&now);
		if (p[1].revents) read(ends[0], &sig, 1);
		if (p[0].revents) packet(tun, buf);
	}
}`, "read in packet; in"},
	{"002 a thread for each connection that is accepted: who starts them changes state as connections come", `
#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>
#include <sys/socket.h>
struct conn { struct conn *next; int fd; };
static struct conn *all;
static int accepted;
static void *serve(void *arg) {
	struct conn *c = arg;
	char b[2000];
	int n;
	while ((n = read(c->fd, b, sizeof b)) > 0) write(c->fd, b, n); 
	return 0;
}
int main(void) {
	int s = socket(AF_INET, SOCK_STREAM, 0);
	for (;;) {
		pthread_t t;
		struct conn *c = malloc(sizeof *c);
		c->fd = accept(s, 0, 0);
		c->next = all;
		all = c;
		accepted++;
		pthread_create(&t, 0, serve, c);
	}
}`, "read in serve; accepted all serve.c"},
	{"003 what a library calls while a packet is processed counts: of a variable's own, read before it is written", `
#include <stdlib.h>
#include <sys/socket.h>
static unsigned long asked, other;
static int one(const void *a, const void *b) { asked++; return *(char *)a - *(char *)b; }
static int two(const void *a, const void *b) { return 2; }
static int three(const void *a, const void *b) { return 3; }
static int four(const void *a, const void *b) { return 4; }
static int five(const void *a, const void *b) { return other++; }
static int (*any[])(const void *, const void *) = { two, three, four, five, two };
int main(void) {
	static char in[4096];
	int s = socket(AF_INET, SOCK_DGRAM, 0);
	for (;;) {
		int n = recv(s, in, sizeof in, 0);
		qsort(in, n, 1, one);
		if (n > 2) qsort(in, n, 1, any[n % 5]);
	}
}`, "recv in main; asked other"},
	{"004 a message's bytes are behind two pointers, its header's and its vector's", `
#include <sys/socket.h>
static char in[100], out[100];
static struct iovec iv[1], ov[1];
static struct msghdr im, om;
static int count;
int main(void) {
	int s = socket(AF_INET, SOCK_DGRAM, 0);
	for (;;) {
		iv[0].iov_base = in;
		iv[0].iov_len = sizeof in;
		im.msg_iov = iv;
		im.msg_iovlen = 1;
		recvmsg(s, &im, 0);
		if (in[3] == 2) out[4] = ++count;
		ov[0].iov_base = out;
		ov[0].iov_len = sizeof out;
		om.msg_iov = ov;
		om.msg_iovlen = 1;
		sendmsg(s, &om, 0);
	}
}`, "recvmsg in main; count im in om out"},
}

func TestReceive(t *testing.T) {
	for _, tc := range receiveCases {
		t.Run(tc.name[:3], func(t *testing.T) {
			c := &passes.Context{Prog: ctest.Text(t, tc.src), Models: models.Default(), Jobs: 2}
			for _, p := range []*passes.Pass{receive.Pass, update.Pass, scratch.Pass} {
				if err := c.Need(p); err != nil {
					t.Fatal(err)
				}
			}
			var sites, state []string
			for _, s := range receive.Of(c).Sites {
				sites = append(sites, s.Function+" in "+c.Prog.Funcs[s.Ref.Func].Name)
			}
			for i := range persist.Of(c).Vars {
				v := &persist.Of(c).Vars[i]
				if update.Of(c).Updateable[v.ID] == nil || scratch.Of(c).Scratch[v.ID] != nil {
					continue
				}
				name := v.Name
				if v.Proc >= 0 {
					name = c.Prog.Funcs[v.Proc].Name + "." + name
				}
				state = append(state, name)
			}
			slices.Sort(state)
			if got := strings.Join(sites, " ") + "; " + strings.Join(state, " "); got != tc.want {
				t.Errorf("%s:\ngot  %s\nwant %s", tc.name, got, tc.want)
			}
		})
	}
}
