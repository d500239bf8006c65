package passes_test

import (
	"strings"
	"testing"

	diag "saz/frontend/source"
	"saz/ir/models"
	"saz/passes"
	"saz/passes/config"
	"saz/passes/container"
	"saz/passes/flowspace"
	"saz/passes/plan"
	"saz/passes/pointer/ctest"
	"saz/passes/scratch"
	"saz/passes/update"
)

// settled analyses a text with a saz.yaml, and returns what it describes and the warnings.
func settled(t *testing.T, text, yaml string) (string, []diag.Diagnostic) {
	t.Helper()
	cfg, err := config.Parse("saz.yaml", []byte(yaml))
	if err != nil {
		t.Fatal(err)
	}
	sink := &diag.Sink{}
	c := &passes.Context{Prog: ctest.Text(t, text), Models: models.Default(), Config: cfg, Sink: sink, Jobs: 2}
	for _, x := range []*passes.Pass{update.Pass, scratch.Pass, container.Pass, flowspace.Pass, plan.Pass} {
		if err := c.Need(x); err != nil {
			t.Fatal(err)
		}
	}
	return describe(c), sink.Sorted(c.Prog.Files)
}

// What is received while a connection is set up makes the loops of the restarts count, unless the settings say which loop is
// the packets'.
func TestPacketLoops(t *testing.T) {
	text := `
#include <stdio.h>
#include <sys/socket.h>
static int restarts, got, greetings, rounds;
static int greet(int fd) {
	char c;
	greetings++;
	return recv(fd, &c, 1, 0) == 1 && c == '+';
}
static int serve(int fd) {
	char buf[100];
	for (;;) {
		rounds++;
		if (recv(fd, buf, sizeof buf, 0) <= 0) return 1;
		got += buf[0];
	}
}
int main(void) {
	do {
		restarts++;
		if (!greet(3)) return 1;
	} while (serve(3));
	printf("%d %d %d %d", restarts, got, greetings, rounds);
	return 0;
}`
	for _, x := range []struct {
		yaml      string
		want, not []string
	}{
		{"", []string{"restarts: all-flows", "greetings: all-flows", "got: all-flows", "rounds: all-flows"}, nil},
		{"packet_loops: [serve]\n", []string{"got: all-flows", "rounds: all-flows"}, []string{"restarts:", "greetings:"}},
		{"packet_loops: [greet, serve]\n", []string{"got: all-flows", "rounds: all-flows"}, []string{"restarts:"}},
	} {
		got, _ := settled(t, text, x.yaml)
		for _, w := range x.want {
			if !strings.Contains(got, w+"\n") {
				t.Errorf("%q: no line %q in\n%s", x.yaml, w, got)
			}
		}
		for _, n := range x.not {
			if strings.Contains(got, n) {
				t.Errorf("%q: %q found in\n%s", x.yaml, n, got)
			}
		}
	}
}

// A shape, the links and the keys may be said; a field that entries don't have is a warning with a suggestion.
func TestContainerHints(t *testing.T) {
	text := source(`
struct at { uint32_t src; uint16_t port; };
struct flow { struct flow *one, *two; struct at at; long n; };
static struct flow *flows;
static unsigned mix(uint32_t a, uint16_t b) { return a ^ b * 31; }
static void packet(const unsigned char *p, const struct pcap_pkthdr *h) {
	struct flow *f;
	unsigned want = mix(IP(p)->saddr, ntohs(TCP(p)->source));
	for (f = flows; f; f = f->one)
		if (mix(f->at.src, f->at.port) == want) { f->n++; return; }
	f = calloc(1, sizeof *f);
	f->at.src = IP(p)->saddr;
	f->at.port = ntohs(TCP(p)->source);
	f->one = flows;
	flows = f;
}
static void done(void) {}`)
	line := func(s string) string {
		for _, l := range strings.Split(s, "\n") {
			if strings.HasPrefix(l, "flows:") {
				return l
			}
		}
		return ""
	}
	for _, x := range []struct{ yaml, want, warning string }{
		{"", "flows: list of flow next one+0 (packet,,packet) all-flows", ""},
		{"containers:\n  - {variable: flows, keys: [{field: at.src, header: nw_src}, {field: at.port, header: tp_src, host: true}], both_ways: true}\n",
			"flows: list of flow next one+0 (packet,,packet) multi-flow nw_src=at.src tp_src=!at.port bothways", ""},
		{"containers:\n  - {variable: flows, next: two}\n", "flows: list of flow next two+8 (packet,,packet) all-flows", ""},
		{"containers:\n  - {variable: flows, shape: unknown}\n", "flows: unknown of flow next one+0 (packet,,packet) all-flows", ""},
		{"containers:\n  - {variable: flows, keys: [{field: at.scr, header: nw_src}]}\n", "flows: list of flow next one+0 (packet,,packet) all-flows", `did you mean "src"?`},
		{"containers:\n  - {variable: flows, next: n}\n", "flows: list of flow next one+0 (packet,,packet) all-flows", "no pointer"},
	} {
		got, warnings := settled(t, text, x.yaml)
		if line(got) != x.want {
			t.Errorf("%q: %q, want %q", x.yaml, line(got), x.want)
		}
		said := ""
		for _, d := range warnings {
			said += d.Msg + "\n"
		}
		if !strings.Contains(said, x.warning) || x.warning == "" && said != "" {
			t.Errorf("%q: warnings %q, want %q", x.yaml, said, x.warning)
		}
	}
}
