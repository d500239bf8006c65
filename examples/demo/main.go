// Command demo moves flows between two running monitors and checks that nobody
// can tell.
//
// It makes a capture, lets the plain monitor read all of it, then feeds the
// instrumented one in two instances: A up to a cut, a move, B (or both) for the
// rest. The logs of A and B together must have the lines of the plain run, with the lines of each
// flow in the same order, and the counters must add up.
//
//	demo -saz bin/saz -plain DIR/monitor -inst DIR/monitor -report FILE.json -sigs FILE
//	demo ... -cuts 100        the same at random cuts, on smaller captures
package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
)

type options struct {
	saz, plain, inst, sigs, traffic string
	report, manifest                string
	flows, packets, cuts            int
	seed                            uint64
	work                            string
}

func main() {
	var o options
	flag.StringVar(&o.saz, "saz", "bin/saz", "the saz command")
	flag.StringVar(&o.plain, "plain", "", "the monitor as its own Makefile builds it")
	flag.StringVar(&o.inst, "inst", "", "the instrumented monitor")
	flag.StringVar(&o.sigs, "sigs", "", "the monitor's signature file")
	flag.StringVar(&o.traffic, "traffic", "bin/traffic", "the traffic generator")
	flag.StringVar(&o.report, "report", "", "saz analyze --format json of the monitor")
	flag.StringVar(&o.manifest, "manifest", "", "saz.json of the instrumented tree")
	flag.IntVar(&o.flows, "flows", 3200, "flows in the capture")
	flag.IntVar(&o.packets, "packets", 64000, "packets in the capture")
	flag.IntVar(&o.cuts, "cuts", 0, "try this many random cuts, whole and by halves, instead of the demo")
	flag.Uint64Var(&o.seed, "seed", 1, "of the capture, and of the cuts")
	flag.Parse()
	dir, err := os.MkdirTemp("", "saz-demo-")
	if err == nil {
		o.work = dir
		if o.cuts > 0 {
			err = o.tryCuts()
		} else {
			err = o.demo()
		}
		if err == nil || os.Getenv("KEEP") == "" {
			os.RemoveAll(dir)
		} else {
			fmt.Fprintf(os.Stderr, "demo: the files are kept in %s\n", dir)
		}
	}
	if err != nil {
		fmt.Fprintf(os.Stderr, "demo: %v\n", err)
		os.Exit(1)
	}
}

// capture generates a capture and runs the plain monitor on it.
func (o *options) capture(name string, seed uint64, flows, packets int) (*capture, *outcome, error) {
	path := filepath.Join(o.work, name+".pcap")
	if out, err := exec.Command(o.traffic, "-seed", fmt.Sprint(seed), "-flows", fmt.Sprint(flows), "-packets", fmt.Sprint(packets), "-o", path).CombinedOutput(); err != nil {
		return nil, nil, fmt.Errorf("traffic: %v: %s", err, out)
	}
	c, err := readCapture(path)
	if err != nil {
		return nil, nil, err
	}
	in := o.instance(o.plain, "plain-"+name)
	if out, err := exec.Command(in.binary, in.args(path)...).CombinedOutput(); err != nil {
		return nil, nil, fmt.Errorf("plain monitor: %v: %s", err, out)
	}
	res, err := in.outcome()
	return c, res, err
}

func (o *options) demo() error {
	c, want, err := o.capture("demo", o.seed, o.flows, o.packets)
	if err != nil {
		return err
	}
	cut := len(c.packets) / 2
	rows := [][2]string{
		{"packets", fmt.Sprint(len(c.packets))},
		{"flows", fmt.Sprint(o.flows)},
	}
	rows = append(rows, o.counts()...)
	bad := false
	for _, m := range []struct {
		name string
		half bool
	}{{"everything to B", false}, {"half the addresses to B", true}} {
		got, err := o.move(c, cut, m.half, "demo")
		if err != nil {
			return fmt.Errorf("moving %s: %w", m.name, err)
		}
		verdict := "identical"
		if diff := compare(want, got); diff != "" {
			verdict, bad = "DIFFERENT: "+diff, true
		}
		rows = append(rows,
			[2]string{m.name, fmt.Sprintf("%s at packet %d", got.moved, cut)},
			[2]string{"  logs of A and B", fmt.Sprintf("%s (%d + %d lines against %d)", verdict, got.linesA, got.linesB, len(want.lines))})
	}
	for _, r := range rows {
		fmt.Printf("%-26s %s\n", r[0], r[1])
	}
	if bad {
		return fmt.Errorf("the logs differ")
	}
	return nil
}

// counts are the analysis' figures, from the report and the manifest.
func (o *options) counts() [][2]string {
	var r struct {
		Counts struct {
			Variables, Persistent, Updateable, Scratch int
			TopLevel                                   int `json:"top_level"`
		}
	}
	var m struct{ Marks, Pruned, Tracked int }
	read := func(path string, into any) bool {
		b, err := os.ReadFile(path)
		return err == nil && json.Unmarshal(b, into) == nil
	}
	var rows [][2]string
	if read(o.report, &r) {
		n := r.Counts
		rows = append(rows, [2]string{"variables", fmt.Sprintf("%d → persistent %d → top-level %d → updateable %d (%d per-packet scratch)", n.Variables, n.Persistent, n.TopLevel, n.Updateable, n.Scratch)})
	}
	if read(o.manifest, &m) {
		rows = append(rows, [2]string{"marks", fmt.Sprintf("%d inserted, %d pruned", m.Marks, m.Pruned)})
	}
	return rows
}

// tryCuts moves at random places in captures of several seeds.
func (o *options) tryCuts() error {
	rng := rand.New(rand.NewPCG(o.seed, 42))
	const perCapture = 10
	var c *capture
	var want *outcome
	for i := 0; i < o.cuts; i++ {
		if i%perCapture == 0 {
			var err error
			seed := o.seed + uint64(i/perCapture)
			if c, want, err = o.capture(fmt.Sprintf("cuts%d", seed), seed, 400, 8000); err != nil {
				return err
			}
		}
		cut := 1 + rng.IntN(len(c.packets)-1)
		for _, half := range []bool{false, true} {
			got, err := o.move(c, cut, half, fmt.Sprintf("cut%d", i))
			if err != nil {
				return fmt.Errorf("cut %d at packet %d (half %v): %w", i, cut, half, err)
			}
			if diff := compare(want, got); diff != "" {
				return fmt.Errorf("cut %d at packet %d (half %v): %s", i, cut, half, diff)
			}
		}
	}
	fmt.Printf("%d cuts, each moved whole and by halves: logs identical in all\n", o.cuts)
	return nil
}
