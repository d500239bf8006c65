package passes_test

import (
	"fmt"
	"strings"
	"testing"

	"saz/ir/models"
	"saz/passes"
	"saz/passes/output"
	"saz/passes/pointer/ctest"
)

// What write() and its like emit depends on what the descriptor is open on. "packet log": it is not known.
var descriptorCases = []struct{ name, src, want string }{
	{"001 forwarding between two sockets sends packets", `
#include <sys/select.h>
static void copy(int in, int out) {
	char buf[4096];
	for (;;) {
		fd_set set;
		FD_ZERO(&set); FD_SET(in, &set); FD_SET(out, &set);
		select(99, &set, 0, 0, 0);
		if (FD_ISSET(in, &set)) write(out, buf, read(in, buf, sizeof buf));
		else write(in, buf, read(out, buf, sizeof buf));
	}
}
int main(void) {
	int s = socket(AF_INET, SOCK_STREAM, 0), c = accept(s, 0, 0), o = socket(AF_INET, SOCK_STREAM, 0);
	connect(o, 0, 0);
	copy(c, o);
}`, "write:packet write:packet"},
	{"002 a log file, standard error, a socket in a member, one of two", `
struct conn { int fd; int log; };
static struct conn *make(int s) {
	struct conn *c = malloc(sizeof *c);
	c->fd = accept(s, 0, 0);
	c->log = open("/var/log/x", O_WRONLY | O_APPEND | O_CREAT, 0644);
	return c;
}
int main(int argc, char **argv) {
	int s = socket(AF_INET, SOCK_STREAM, 0);
	struct conn *c = make(s);
	char b[99];
	while (recv(c->fd, b, sizeof b, 0) > 0) {
		write(c->fd, b, 1);
		write(c->log, b, 2);
		write(2, b, 3);
		write(argc > 1 ? c->fd : c->log, b, 4);
		write(atoi(argv[1]), b, 5);
	}
}`, "write:packet write:log write:log write:packet write:log write:packet write:log"},
	{"003 a descriptor that a helper fills in, and one of a pair", `
static int open_it(int *fd) { *fd = socket(AF_INET, SOCK_DGRAM, 0); return *fd < 0 ? -1 : 0; }
int main(void) {
	int a, pair[2], ends[2];
	char b[99];
	if (open_it(&a)) return 1;
	socketpair(AF_UNIX, SOCK_STREAM, 0, pair);
	pipe(ends);
	while (recv(a, b, sizeof b, 0) > 0) {
		struct iovec v = {b, 9};
		writev(a, &v, 1);
		write(pair[1], b, 2);
		write(ends[1], b, 3);
		sendfile(a, open("x", O_RDONLY), 0, 9);
		splice(ends[0], 0, a, 0, 9, 0);
	}
}`, "writev:packet write:packet write:packet write:log sendfile:packet splice:packet"},
	{"004 a tunnel is opened for reading and writing, and is no log", `
int main(void) {
	int t = open("/dev/net/tun", O_RDWR);
	char b[99];
	for (;;) write(t, b, read(t, b, sizeof b));
}`, "write:packet"},
	{"005 a copy of a descriptor, a global, and what inetd hands over", `
static int out = -1, peer;
static void serve(int fd) {
	char b[99];
	while (recv(fd, b, sizeof b, 0) > 0) { write(out, b, 1); write(peer, b, 2); write(fd, b, 3); }
}
int main(int argc, char **argv) {
	out = dup(open("l", O_WRONLY));
	peer = fcntl(socket(AF_INET, SOCK_STREAM, 0), F_DUPFD, 9);
	serve(argc > 1 ? 0 : accept(peer, 0, 0));
}`, "write:log write:packet write:packet write:log"},
	{"006 an address that goes where nobody can follow", `
extern void fill(int *);
int main(void) {
	int fd, s = socket(AF_INET, SOCK_STREAM, 0);
	char b[99];
	fd = s;
	fill(&fd);
	while (recv(s, b, sizeof b, 0) > 0) write(fd, b, 1);
}`, "write:packet write:log"},
	{"007 open by a wrapper that is given the flags", `
static int my_open(const char *name, int flags) { return open(name, flags, 0600); }
int main(void) {
	int s = socket(AF_INET, SOCK_STREAM, 0), log = my_open("log", O_CREAT | O_RDWR);
	char b[99];
	while (recv(s, b, sizeof b, 0) > 0) write(log, b, 1);
}`, "write:log"},
}

func TestDescriptors(t *testing.T) {
	for _, tc := range descriptorCases {
		t.Run(tc.name[:3], func(t *testing.T) {
			src := "#define _GNU_SOURCE\n#include <fcntl.h>\n#include <stdlib.h>\n#include <unistd.h>\n#include <sys/sendfile.h>\n#include <sys/socket.h>\n#include <sys/uio.h>\n" + tc.src
			c := &passes.Context{Prog: ctest.Text(t, src), Models: models.Default(), Jobs: 2}
			if err := c.Need(output.Pass); err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, s := range output.Of(c).Sites {
				got = append(got, fmt.Sprint(s.Function, ":", s.Kind))
			}
			if s := strings.Join(got, " "); s != tc.want {
				t.Errorf("%s:\ngot  %s\nwant %s", tc.name, s, tc.want)
			}
		})
	}
}
