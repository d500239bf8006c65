package passes_test

import (
	"slices"
	"strings"
	"testing"

	"saz/ir/models"
	"saz/passes"
	"saz/passes/persist"
	"saz/passes/pointer/ctest"
)

// What is on the stack between packets, in programs that receive in more than one place.
var frameCases = []struct{ name, src, want string }{
	{"001 a greeting, before the packets' loop and in it: only that loop's frame and the innermost's are there between packets", `
#include <poll.h>
#include <string.h>
#include <sys/select.h>
#include <sys/socket.h>
static int line(int fd, char *buf, int size) {
	int n = 0;
	for (;;) {
		fd_set set;
		FD_ZERO(&set);
		FD_SET(fd, &set);
		if (select(fd + 1, &set, 0, 0, 0) < 0 || recv(fd, buf + n, 1, 0) != 1) return -1;
		if (buf[n++] == '\n' || n == size) return n;
	}
}
static int greet(int fd) {
	char reply[80];
	for (int tries = 0; tries < 3; tries++)
		if (line(fd, reply, sizeof reply) > 0 && strncmp(reply, "200", 3) == 0) return 0;
	return -1;
}
static void open_peer(int *fd) {
	int one = 1;
	*fd = socket(AF_INET, SOCK_STREAM, 0);
	setsockopt(*fd, SOL_SOCKET, SO_KEEPALIVE, &one, sizeof one);
	greet(*fd);
}
int main(void) {
	char buf[2000];
	int fd;
	open_peer(&fd);
	for (;;) {
		struct pollfd p = {fd, POLLIN, 0};
		poll(&p, 1, -1);
		int n = recv(fd, buf, sizeof buf, 0);
		if (n <= 0) open_peer(&fd);
		else send(fd, buf, n, 0);
	}
}`, "line.__arr line.__i line.buf line.fd line.n line.set line.size main.buf main.fd main.n main.p"},
	{"002 one mode waits, the other does not: each has its loop", `
#include <poll.h>
#include <sys/socket.h>
static int take(int fd, char *to) { int n; do n = recv(fd, to, 1500, 0); while (n < 0); return n; }
static void waiting(int fd) {
	char a[1500];
	for (;;) { struct pollfd p = {fd, POLLIN, 0}; poll(&p, 1, -1); send(fd, a, take(fd, a), 0); }
}
static void plain(int fd) { char b[1500]; for (;;) send(fd, b, take(fd, b), 0); }
int main(int argc, char **argv) {
	for (;;) { if (argc > 1) waiting(3); else plain(3); }
}`, "plain.b plain.fd take.fd take.n take.to waiting.a waiting.fd waiting.p"},
	{"003 two loops that wait, in turn: neither sets the other up", `
#include <poll.h>
#include <sys/socket.h>
static void gather(int fd, int *sum) {
	struct pollfd p = {fd, POLLIN, 0};
	char a[99];
	while (poll(&p, 1, 10) > 0) *sum += recv(fd, a, sizeof a, 0);
}
static void confirm(int fd, int *sum) {
	struct pollfd q = {fd, POLLIN, 0};
	char b[99];
	while (poll(&q, 1, 10) > 0) *sum -= recv(fd, b, sizeof b, 0);
}
static void round_(int fd, int *sum) { int mine = *sum; gather(fd, &mine); confirm(fd, &mine); *sum = mine; }
int main(void) { int sum = 0; while (sum >= 0) round_(3, &sum); return 0; }`,
		"confirm.b confirm.fd confirm.q confirm.sum gather.a gather.fd gather.p gather.sum main.sum round_.mine"},
	{"004 a forked child has its own packets, on the frames that it was forked from", `
#include <poll.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>
static void child(int *fd) {
	char c[99];
	for (;;) { struct pollfd q = {*fd, POLLIN, 0}; poll(&q, 1, -1); recv(*fd, c, sizeof c, 0); }
}
static void start(void) { int pair[2]; socketpair(AF_UNIX, SOCK_STREAM, 0, pair); if (fork() == 0) { child(&pair[1]); exit(0); } }
int main(void) {
	char m[99];
	for (;;) {
		struct pollfd p = {3, POLLIN, 0};
		poll(&p, 1, -1);
		if (recv(3, m, sizeof m, 0) == 1) start();
	}
}`, "child.c child.fd child.q main.m main.p start.pair"},
	{"005 select as a way to sleep waits for no packet", `
#include <poll.h>
#include <sys/select.h>
#include <sys/socket.h>
static int rest;
static int once(int fd, char *to) { int n; do n = recv(fd, to, 99, 0); while (n < 0); return n; }
static void serve(int fd) { char a[99]; for (;;) { struct pollfd p = {fd, POLLIN, 0}; poll(&p, 1, -1); rest += once(fd, a); } }
static int bind_all(int *fd) { char junk[99]; *fd = 3; return once(*fd, junk); }
int main(void) {
	int fd, tries;
	for (tries = 0; tries < 9; tries++) {
		struct timeval t = {1, 0};
		if (bind_all(&fd)) break;
		select(0, 0, 0, 0, &t);
	}
	serve(fd);
}`, "main.fd main.t once.fd once.n once.to serve.a serve.fd serve.p"},
	{"006 a thread that reads on its own, beside a loop that waits", `
#include <poll.h>
#include <pthread.h>
#include <sys/socket.h>
static int take(int fd, char *to) { int n; do n = recv(fd, to, 1500, 0); while (n < 0); return n; }
static void work(int *count) { char b[1500]; for (;;) *count += take(4, b); }
static void *reader(void *x) { int count = 0; work(&count); return x; }
int main(void) {
	pthread_t t;
	char a[1500];
	pthread_create(&t, 0, reader, 0);
	for (;;) { struct pollfd p = {3, POLLIN, 0}; poll(&p, 1, -1); send(3, a, take(3, a), 0); }
}`, "main.a main.p main.t reader.count take.fd take.n take.to work.b work.count"},
	{"007 a function that is never stored where a pointer comes from is not called by it", `
#include <poll.h>
#include <sys/socket.h>
struct mod { int (*read)(int, char *); void (*end)(int *); };
static int got;
static int take(int fd, char *to) { int n; do n = recv(fd, to, 99, 0); while (n < 0); return n; }
static void stop(int *x) { *x = 0; }
static struct mod mods[2] = {{take, stop}, {take, stop}};
union odd { struct mod m; long words[2]; } odd;
static void finish(void) {
	struct mod *m = got ? &mods[0] : &odd.m;
	for (int i = 0; i < 2; i++) { int left = i; m[i].end(&left); }
}
int main(int argc, char **argv) {
	char a[99];
	odd.words[argc] = (long)take;
	for (int go = 1; go;) {
		struct pollfd p = {3, POLLIN, 0};
		poll(&p, 1, -1);
		go = got += mods[argc & 1].read(3, a);
	}
	finish();
	return 0;
}`, "main.a main.argc main.argv main.go main.p take.fd take.n take.to"},
}

func TestFrames(t *testing.T) {
	for _, tc := range frameCases {
		t.Run(tc.name[:3], func(t *testing.T) {
			c := &passes.Context{Prog: ctest.Text(t, tc.src), Models: models.Default(), Jobs: 2}
			if err := c.Need(persist.Pass); err != nil {
				t.Fatal(err)
			}
			var got []string
			for i := range persist.Of(c).Vars {
				if v := &persist.Of(c).Vars[i]; v.Global < 0 {
					got = append(got, c.Prog.Funcs[v.Proc].Name+"."+v.Name)
				}
			}
			slices.Sort(got)
			if s := strings.Join(got, " "); s != tc.want {
				t.Errorf("%s:\ngot  %s\nwant %s", tc.name, s, tc.want)
			}
		})
	}
}
