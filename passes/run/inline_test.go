package run

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"saz/ir/cprint"
	"saz/passes/output"
	"saz/passes/receive"
	"saz/passes/toplevel"
)

// What DPDK's headers have of it: a table of the library's that drivers fill in.
const header = `
struct rte_mbuf { void *buf_addr; unsigned short data_off; struct rte_mbuf *next; };
struct ops { void **rxq, **txq; unsigned short (*rx)(void *, struct rte_mbuf **, unsigned short), (*tx)(void *, struct rte_mbuf **, unsigned short); };
extern struct ops rte_eth_fp_ops[32];
static inline unsigned short rte_eth_rx_burst(unsigned short port, unsigned short queue, struct rte_mbuf **m, const unsigned short n)
{
	return rte_eth_fp_ops[port].rx(rte_eth_fp_ops[port].rxq[queue], m, n);
}
static inline unsigned short rte_eth_tx_burst(unsigned short port, unsigned short queue, struct rte_mbuf **m, unsigned short n)
{
	return rte_eth_fp_ops[port].tx(rte_eth_fp_ops[port].txq[queue], m, n);
}
static inline char *rte_pktmbuf_adj(struct rte_mbuf *m, unsigned short n)
{
	m->data_off += n;
	return (char *)m->buf_addr + m->data_off;
}
`

const forwarder = `
#include <dev.h>
static unsigned long seen;
void loop(void)
{
	struct rte_mbuf *m[32];
	for (;;) {
		unsigned short n = rte_eth_rx_burst(0, 0, m, 32), i;
		for (i = 0; i < n; i++)
			if (*rte_pktmbuf_adj(m[i], 14) == 0x45)
				*(unsigned long *)((char *)m[i]->buf_addr + m[i]->data_off) = seen++;
		rte_eth_tx_burst(1, 0, m, n);
	}
}
`

// Inline functions of a library's header are what their models say: in each unit the same, and only those that a model names. Where the header is
// beside a source, or the program is to be compiled again, they are code.
func TestInline(t *testing.T) {
	const second = "#include <dev.h>\nvoid loop(void);\nint main(void) { struct rte_mbuf *m[1]; rte_eth_tx_burst(0, 0, m, 0); loop(); }\n"
	for _, c := range []struct {
		name, header string
		code         bool
		want         string
	}{
		{"library", "include/dev.h", false, "undefined: rte_eth_rx_burst rte_eth_tx_burst; received by rte_eth_rx_burst; sent by rte_eth_tx_burst"},
		{"beside", "src/dev.h", false, "undefined: ; received by ; sent by "},
		{"code", "include/dev.h", true, "undefined: ; received by ; sent by "},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := t.TempDir()
			for name, text := range map[string]string{c.header: header, "src/loop.c": forwarder, "src/main.c": second} {
				file := filepath.Join(dir, name)
				if err := os.MkdirAll(filepath.Dir(file), 0o777); err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(file, []byte(text), 0o666); err != nil {
					t.Fatal(err)
				}
			}
			a, err := Load(Options{Target: []string{filepath.Join(dir, "src/loop.c"), filepath.Join(dir, "src/main.c")},
				Flags: []string{"-I" + filepath.Join(dir, "include"), "-I" + filepath.Join(dir, "src")}, Jobs: 2, NoStore: true, Code: c.code})
			if err != nil {
				t.Fatal(err)
			}
			if a.Failed() {
				t.Fatalf("%v", a.Sink.Sorted(a.Frontend.Files))
			}
			if err := a.Need(output.Pass); err != nil {
				t.Fatal(err)
			}
			var undefined, received, sent []string
			for _, f := range a.Context.Prog.Funcs {
				if !f.Defined() {
					undefined = append(undefined, f.Name)
				}
			}
			for _, s := range receive.Of(a.Context).Sites {
				received = append(received, s.Function)
			}
			for _, s := range output.Of(a.Context).Sites {
				sent = append(sent, s.Function)
			}
			got := "undefined: " + strings.Join(undefined, " ") + "; received by " + strings.Join(received, " ") + "; sent by " + strings.Join(sent, " ")
			if got != c.want {
				t.Errorf("got  %s\nwant %s", got, c.want)
			}
			if len(received) > 0 && len(toplevel.Of(a.Context).PktProcs) != 2 { // loop, and rte_pktmbuf_adj, which is code
				t.Errorf("%d procedures process packets", len(toplevel.Of(a.Context).PktProcs))
			}
			if c.code {
				var b strings.Builder
				if err := cprint.Program(&b, a.Context.Prog, nil); err != nil || !strings.Contains(b.String(), "rte_eth_fp_ops") {
					t.Errorf("%v: the code is not there", err)
				}
			}
		})
	}
}
