package passes_test

import (
	"strings"
	"testing"

	"saz/ir"
	"saz/passes"
	"saz/passes/pointer/ctest"
	"saz/passes/toplevel"
)

// An event loop whose handlers read until there is nothing more: the inner loop is not all that
// runs while a packet is processed. (The proxy example's clock, its servers and its queue
// were thought to be of no concern.)
func TestLoopInLoop(t *testing.T) {
	c := analyse(t, ctest.Text(t, `
#include <stdio.h>
#include <sys/socket.h>
static int turns, bytes, before, never;
struct h { void (*run)(struct h *); int fd; } handlers[4];
static void drain(struct h *h) {
	char buf[100];
	long n;
	int had = bytes;
	while ((n = recv(h->fd, buf, sizeof buf, 0)) > 0)
		bytes += n;
	printf("%d", bytes - had);
	if (bytes != had) before = turns;
}
static void step(void) {
	for (int i = 0; i < 4; i++)
		if (handlers[i].run) handlers[i].run(&handlers[i]);
}
int main(void) {
	never = 1;
	for (int i = 0; i < 4; i++) { handlers[i].run = drain; handlers[i].fd = i; }
	for (;;) {
		turns++;
		step();
		if (before > 100) break;
	}
	return never;
}`))
	got := describe(c)
	for _, want := range []string{"turns: all-flows", "bytes: all-flows", "before: all-flows", "n: scratch"} {
		if !strings.Contains(got, want+"\n") {
			t.Errorf("missing %q in\n%s", want, got)
		}
	}
	if strings.Contains(got, "never:") {
		t.Errorf("set before the loop:\n%s", got)
	}
}

// The loop that waits for events is the packets': what is around it starts the program again.
func TestRestartLoop(t *testing.T) {
	c := analyse(t, ctest.Text(t, `
#include <poll.h>
#include <stdio.h>
#include <sys/socket.h>
static int restarts, rounds, got, timers;
static int (*wait)(struct pollfd *, nfds_t, int) = poll;
static int await(struct pollfd *p) { return wait(p, 1, 100); }
static void take(int fd) {
	char buf[100];
	while (recv(fd, buf, sizeof buf, MSG_DONTWAIT) > 0)
		got++;
}
static int tunnel(void) {
	struct pollfd p = { 3, POLLIN };
	for (;;) {
		rounds++;
		if (await(&p) == 0) timers++;
		take(p.fd);
		if (got == 1000) return 1;
	}
}
int main(void) {
	do {
		restarts++;
	} while (tunnel());
	printf("%d %d %d %d", restarts, rounds, got, timers);
	return 0;
}`))
	got := describe(c)
	for _, want := range []string{"rounds: all-flows", "got: all-flows", "timers: all-flows"} {
		if !strings.Contains(got, want+"\n") {
			t.Errorf("missing %q in\n%s", want, got)
		}
	}
	if strings.Contains(got, "restarts:") {
		t.Errorf("counted by the loop around:\n%s", got)
	}
}

// A few packets at a time, then what is due: the program's own loop around the library's counts, in a wrapper too.
func TestDispatchInLoop(t *testing.T) {
	c := analyse(t, ctest.Text(t, `
#include <pcap/pcap.h>
#include <stdio.h>
static int seen, due, end;
static void handle(u_char *u, const struct pcap_pkthdr *h, const u_char *p) { seen++; }
static int some(pcap_t *p) { return pcap_dispatch(p, 10, handle, NULL); }
static void timers(void) { if (seen > 3) due++; }
int main(int argc, char **argv) {
	char err[PCAP_ERRBUF_SIZE];
	pcap_t *p = pcap_open_offline(argv[1], err);
	while (some(p) > 0)
		timers();
	end = seen;
	return due + end;
}`))
	got := describe(c)
	for _, want := range []string{"seen: all-flows", "due: all-flows"} {
		if !strings.Contains(got, want+"\n") {
			t.Errorf("missing %q in\n%s", want, got)
		}
	}
	if strings.Contains(got, "end:") {
		t.Errorf("set after the loop:\n%s", got)
	}
}

// What is written on the way to exit() no packet sees.
func TestDying(t *testing.T) {
	c := analyse(t, ctest.Text(t, `
#include <pcap/pcap.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
static int seen, freed, closed, bye, tried, loops;
static jmp_buf again;
static void clean_up(void) { freed = 1; printf("%d", freed); }
static void fatal(const char *why) { closed++; clean_up(); puts(why); exit(1); }
static void retry(void) { tried++; longjmp(again, 1); }
static void stop(int sig) { bye = 1; if (bye) { clean_up(); _exit(0); } }
static void spin(void) { for (;;) if (loops++ > 10) fatal("spun"); }
static void handle(u_char *u, const struct pcap_pkthdr *h, const u_char *p) {
	seen++;
	if (setjmp(again)) return;
	if (p[0] == 1) fatal("one");
	if (p[0] == 2) retry();
	if (p[0] == 3) spin();
}
int main(int argc, char **argv) {
	char err[PCAP_ERRBUF_SIZE];
	pcap_t *p = pcap_open_offline(argv[1], err);
	signal(SIGTERM, stop);
	pcap_loop(p, -1, handle, NULL);
	return 0;
}`))
	got := describe(c)
	for _, want := range []string{"seen: all-flows", "tried: all-flows", "bye: scratch"} {
		if !strings.Contains(got, want+"\n") {
			t.Errorf("missing %q in\n%s", want, got)
		}
	}
	for _, not := range []string{"freed:", "closed:"} {
		if strings.Contains(got, not) {
			t.Errorf("%s found in\n%s", not, got)
		}
	}
}

// What a decision is about may have no place in the sources: an object of a library's. (Snort's
// analysis ended in an index of -1.)
func TestNoPlace(t *testing.T) {
	if at := passes.SourcePos(&ir.Program{}, ir.Pos{Unit: -1}); at.IsValid() {
		t.Errorf("%v", at)
	}
}

// 1: a call that may both call a procedure and have it called back led there now by the one and now by the other.
func TestSameWay(t *testing.T) {
	p := ctest.Text(t, source(`
static int seen[8], n, how;
static int order(const void *a, const void *b) { n++; return *(const int *)a - *(const int *)b; }
static void (*sort[2])(void *, size_t, size_t, int (*)(const void *, const void *)) = { qsort, (void (*)(void *, size_t, size_t, int (*)(const void *, const void *)))order };
static void packet(const unsigned char *p, const struct pcap_pkthdr *h) {
	sort[how](seen, 8, sizeof *seen, order);
	printf("%d", n);
}
static void s1(int s) { n = s; } static void s2(int s) { n = s; } static void s3(int s) { n = s; } static void s4(int s) { n = s; }
static void s5(int s) { n = s; } static void s6(int s) { n = s; } static void s7(int s) { n = s; } static void s8(int s) { n = s; }
static void setup(void) __attribute__((constructor));
static void setup(void) {
	signal(1, s1); signal(2, s2); signal(3, s3); signal(4, s4); signal(5, s5); signal(6, s6); signal(7, s7); signal(8, s8);
}
static void done(void) {}`))
	first := ""
	for range 12 {
		c := analyse(t, p)
		for f, why := range toplevel.Of(c).ProcWhy {
			if p.Funcs[f].Name != "order" {
				continue
			}
			got := why[len(why)-1].Text
			if first == "" {
				first = got
			}
			if got != first || got == "" {
				t.Fatalf("now %q, then %q", first, got)
			}
		}
	}
	if !strings.HasPrefix(first, "calls order,") {
		t.Errorf("%q, want the call itself", first)
	}
}
