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
	{"003 a library's loop: what it calls is part of a round, what sets it up and what comes after it is not", events + `
static struct peer { struct peer *next; struct sockaddr from; unsigned long n; } *peers;
static unsigned long total, ticks, before, after;
static struct event_base *base;
static void on_packet(int fd, short what, void *arg) {
	char buf[2000];
	struct sockaddr from;
	socklen_t len = sizeof from;
	long n = recvfrom(fd, buf, sizeof buf, 0, &from, &len);
	struct peer *p = peers;
	while (p && memcmp(&p->from, &from, len)) p = p->next;
	if (!p) { p = malloc(sizeof *p); p->from = from; p->n = 0; p->next = peers; peers = p; }
	p->n += n;
	*(unsigned long *)arg += n;
	sendto(fd, buf, n, 0, &from, len);
}
static void on_tick(int fd, short what, void *arg) { ++*(unsigned long *)arg; }
static void setup(void) { before++; }
static void done(void) { after += before + total + ticks; }
int main(void) {
	base = event_base_new();
	setup();
	event_add(event_new(base, socket(AF_INET, SOCK_DGRAM, 0), 2, on_packet, &total), 0);
	event_add(event_new(base, -1, 16, on_tick, &ticks), 0);
	event_base_dispatch(base);
	done();
	event_base_free(base);
	return after != 0;
}`, "recvfrom in on_packet event_base_dispatch in main; peers ticks total"},
	{"004 a loop of the program's around one round of a library's, which reads from connections itself", events + `
static unsigned long in, rounds, before, after, accepted;
static void on_read(struct bufferevent *be, void *arg) {
	char buf[2000];
	unsigned long n = bufferevent_read(be, buf, sizeof buf);
	*(unsigned long *)arg += n;
	bufferevent_write(be, buf, n);
}
static void on_accept(int fd, short what, void *arg) {
	struct bufferevent *be = bufferevent_socket_new(arg, accept(fd, 0, 0), 1);
	accepted++;
	bufferevent_setcb(be, on_read, 0, 0, &in);
}
static void done(void) { after += before + in + rounds + accepted; }
int main(void) {
	struct event_base *base = event_base_new();
	before++;
	event_add(event_new(base, socket(AF_INET, SOCK_STREAM, 0), 2, on_accept, base), 0);
	while (event_base_loop(base, 1) == 0 && in < 1000) rounds++;
	done();
	return after != 0;
}`, "bufferevent_read in on_read event_base_loop in main; accepted in rounds"},
	{"005 a callback that reads until there is no more: its loop is not the one around the packets", events + `
static unsigned long in, ticks, before, seen;
static void on_packet(int fd, short what, void *arg) {
	char buf[2000];
	long n;
	while ((n = recv(fd, buf, sizeof buf, 0)) > 0) in += n;
	seen = ticks;
}
static void on_tick(int fd, short what, void *arg) { ticks += seen + 1; }
int main(void) {
	struct event_base *base = event_base_new();
	before++;
	event_add(event_new(base, socket(AF_INET, SOCK_DGRAM, 0), 2, on_packet, 0), 0);
	event_add(event_new(base, -1, 16, on_tick, 0), 0);
	event_base_dispatch(base);
	return in + before + seen != 0;
}`, "recv in on_packet event_base_dispatch in main; in seen ticks"},
	{"006 what a library calls while a packet is processed counts: of a variable's own, read before it is written", `
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
	{"007 a message's bytes are behind two pointers, its header's and its vector's", `
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

// Which procedures have the packets' loop, if it is a library's.
func TestLibraryLoops(t *testing.T) {
	const callback = `
static void on_packet(int fd, short what, void *arg) {
	char buf[2000];
	*(unsigned long *)arg += recv(fd, buf, sizeof buf, 0);
}
static unsigned long in;
static struct event_base *make(void) {
	struct event_base *base = event_base_new();
	event_add(event_new(base, socket(AF_INET, SOCK_DGRAM, 0), 2, on_packet, &in), 0);
	return base;
}
`
	for _, tc := range []struct{ name, src, want string }{
		{"the procedure that runs it, not who calls that", events + callback + `
static void serve(void) { event_base_dispatch(make()); }
int main(void) { serve(); return 0; }`, "serve"},
		{"a loop around a round of it, not one that starts all anew", events + callback + `
static int again;
static void serve(void) { struct event_base *base = make(); while (event_base_loop(base, 1) == 0) again++; }
int main(void) { do serve(); while (again); return 0; }`, "serve"},
	} {
		c := &passes.Context{Prog: ctest.Text(t, tc.src), Models: models.Default(), Jobs: 2}
		if err := c.Need(receive.Pass); err != nil {
			t.Fatal(err)
		}
		var loops []string
		for _, f := range receive.Of(c).LoopProcs {
			loops = append(loops, c.Prog.Funcs[f].Name)
		}
		if got := strings.Join(loops, " "); got != tc.want {
			t.Errorf("%s: got %s, want %s", tc.name, got, tc.want)
		}
	}
}

// events is what libevent's headers declare, which may not be here.
const events = `
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
struct event_base; struct event; struct bufferevent; struct timeval;
struct event_base *event_base_new(void);
void event_base_free(struct event_base *);
struct event *event_new(struct event_base *, int, short, void (*)(int, short, void *), void *);
int event_add(struct event *, const struct timeval *);
int event_base_dispatch(struct event_base *), event_base_loop(struct event_base *, int);
struct bufferevent *bufferevent_socket_new(struct event_base *, int, int);
typedef void (*data_cb)(struct bufferevent *, void *);
void bufferevent_setcb(struct bufferevent *, data_cb, data_cb, void (*)(struct bufferevent *, short, void *), void *);
unsigned long bufferevent_read(struct bufferevent *, void *, unsigned long);
int bufferevent_write(struct bufferevent *, const void *, unsigned long);
`

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
