package passes_test

import (
	"strings"
	"testing"

	"saz/passes/pointer/ctest"
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
