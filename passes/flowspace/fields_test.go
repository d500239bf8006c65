package flowspace

import (
	"testing"

	"saz/ir/models"
	"saz/passes"
	"saz/passes/container"
	"saz/passes/pointer/ctest"
	"saz/passes/scratch"
)

// A local whose address is kept nowhere is written through it and by nothing else, whatever the points-to sets say: Snort's hash tables are asked with a
// key in a local, which by the sets thousands of stores might write.
func TestLocalsOwnWriters(t *testing.T) {
	c := &passes.Context{Models: models.Default(), Jobs: 2, Prog: ctest.Text(t, `#include <pcap/pcap.h>
#include <string.h>
#include <unistd.h>
struct key { unsigned a, b; };
static void *last;
static void (*any)(struct key *);
extern void elsewhere(struct key *);
static unsigned sum(const unsigned char *p, int n) { unsigned x = 0; while (n--) x += *p++; return x; }
static int same(const void *a, const void *b) { return !memcmp(a, b, sizeof(struct key)); }
static void set(struct key *k, unsigned v) { k->a = v; }
static void keep(struct key *k) { last = k; }
static struct key *back(struct key *k) { return k; }
static unsigned lookup(const unsigned char *p) {
	struct key asked = { 0 }, kept, handed, called, unknown, cast, copied, read_into;
	set(&asked, p[0]); asked.b = p[1];
	keep(&kept); kept.a = p[0];
	back(&handed)->a = p[0];
	any(&called); called.a = p[0];
	elsewhere(&unknown); unknown.a = p[0];
	cast.a = p[0];
	*(unsigned *)(((unsigned long)&cast) ^ 4) = 1;
	memcpy(&copied, p, sizeof copied);
	read(0, &read_into, sizeof read_into);
	return sum((unsigned char *)&asked, 8) + same(&copied, &read_into) + kept.a + handed.a + called.a + unknown.a + cast.a;
}
int main(void) {
	pcap_t *in = pcap_open_offline("x", NULL);
	const unsigned char *p;
	struct pcap_pkthdr h;
	while ((p = pcap_next(in, &h)) != NULL) lookup(p);
	return 0;
}`)}
	for _, x := range []*passes.Pass{scratch.Pass, container.Pass} {
		if err := c.Need(x); err != nil {
			t.Fatal(err)
		}
	}
	e := newEngine(c)
	want := map[string]bool{"asked": true, "copied": true, "read_into": true, "kept": false, "handed": false, "called": false, "unknown": false, "cast": false}
	for _, f := range c.Prog.Funcs {
		if f.Name != "lookup" {
			continue
		}
		for i := range f.Locals {
			all, ok := want[f.Locals[i].Name]
			if !ok {
				continue
			}
			delete(want, f.Locals[i].Name)
			if list, got := e.localPuts(f, f.Locals[i].ID, 0, 4); got != all || len(list) == 0 && all {
				t.Errorf("%s: %d writers, all of them: %t, want %t", f.Locals[i].Name, len(list), got, all)
			}
		}
	}
	if len(want) > 0 {
		t.Errorf("not looked at: %v", want)
	}
}
