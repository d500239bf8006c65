package flowspace_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"saz/ir/models"
	"saz/passes"
	"saz/passes/flowspace"
	"saz/passes/pointer/ctest"
)

// A comparing helper below many layers of procedures, each of which calls the next from
// many places: HAProxy's trees have this shape, and looking at every chain of calls never ended.
func TestManyCallers(t *testing.T) {
	const layers, calls = 4, 120
	var b strings.Builder
	b.WriteString(`#include <netinet/ip.h>
#include <pcap/pcap.h>
#include <stdlib.h>
struct e { struct e *next; unsigned addr; int n; };
static struct e *list;
static int f0(struct e *x, unsigned a) { return x->addr == a; }
`)
	for i := 1; i < layers; i++ {
		fmt.Fprintf(&b, "static int f%d(struct e *x, unsigned a) { int n = 0;", i)
		for range calls {
			fmt.Fprintf(&b, " n += f%d(x, a);", i-1)
		}
		b.WriteString(" return n; }\n")
	}
	fmt.Fprintf(&b, `
int main(void) {
	pcap_t *in = pcap_open_offline("x", NULL);
	const unsigned char *p;
	struct pcap_pkthdr h;
	while ((p = pcap_next(in, &h)) != NULL) {
		const struct iphdr *ip = (const void *)(p + 14);
		struct e *x;
		for (x = list; x; x = x->next) {
			if (f%d(x, ip->saddr)) { x->n++; break; }
			if (x->addr == ip->saddr) break;
		}
		if (!x) { x = malloc(sizeof *x); x->addr = ip->saddr; x->n = 0; x->next = list; list = x; }
	}
	return 0;
}`, layers-1)
	c := &passes.Context{Prog: ctest.Text(t, b.String()), Models: models.Default(), Jobs: 2}
	start := time.Now()
	if err := c.Need(flowspace.Pass); err != nil {
		t.Fatal(err)
	}
	if d := time.Since(start); d > 20*time.Second {
		t.Errorf("took %v", d)
	}
	for _, s := range flowspace.Of(c).Spaces {
		if len(s.Keys) == 1 && s.Keys[0].Field == "addr" && s.Keys[0].Header == "nw_src" {
			return
		}
	}
	t.Error("the list's key was not found")
}
