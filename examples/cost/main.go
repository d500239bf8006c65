// Cost says how many instructions a middlebox executes instrumented, for each that it executes as it is.
//
//	cost -saz BIN -traffic BIN -out DIR [-limit 1.01] [EXAMPLE...]    the examples, on made-up traffic
//	cost -saz BIN -out DIR -limit 1.005 -- PROGRAM ARGUMENTS...       a program that saz-cc has built
//
// Counted is everything that the process does, the dynamic linker and libraries included, by callgrind: the same run gives the same number. The
// instrumented program runs as it does by default, with a control socket that nobody asks anything of.
//
// Two programs never do the same twice (vary.go). What the balancer's threads spend on waiting for each other, and in the heap, which goes by
// whose turn it was when, is left out of the difference, though not of what it is divided by; and the proxy is compared at the same number of rounds of its
// loop, by a line through its runs. Both are of several runs, in turn, with how far apart half of them are.
// Without valgrind nothing is measured, and that is said.
package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
)

type settings struct {
	saz, traffic, out string
	packets, runs     int
	limit             float64
}

// A subject is a program with something to do.
type subject struct {
	name   string
	varies variation
	args   func(dir string) []string // dir has what belongs to the program
	during func() error              // what is done to it while it runs, and ends it; nil: it ends by itself
}

func main() {
	var s settings
	flag.StringVar(&s.saz, "saz", "saz", "the command")
	flag.StringVar(&s.traffic, "traffic", "traffic", "the command that makes captures")
	flag.StringVar(&s.out, "out", "out/cost", "a directory to work in")
	flag.IntVar(&s.packets, "packets", 100000, "in a capture")
	flag.IntVar(&s.runs, "runs", 5, "of programs that vary")
	flag.Float64Var(&s.limit, "limit", 1.01, "exit with status 1 if a ratio is above")
	flag.Parse()
	if _, err := exec.LookPath("valgrind"); err != nil {
		fmt.Println("cost: skipped: valgrind is not installed (apt-get install valgrind)")
		return
	}
	above, err := run(&s, flag.Args(), slices.Contains(os.Args, "--"))
	if err != nil {
		fmt.Fprintln(os.Stderr, "cost:", err)
		os.Exit(2)
	}
	if above {
		os.Exit(1)
	}
}

func run(s *settings, args []string, program bool) (above bool, err error) {
	if s.out, err = filepath.Abs(s.out); err != nil {
		return false, err
	}
	if err := os.MkdirAll(s.out, 0o777); err != nil {
		return false, err
	}
	if program {
		if len(args) == 0 {
			return false, errors.New("-- wants a program")
		}
		tree := filepath.Join(s.out, filepath.Base(args[0]))
		if err := instrument(s, "", args[0], tree); err != nil {
			return false, err
		}
		return report(s, []row{measure(s, &subject{name: filepath.Base(args[0])}, args[0], filepath.Join(tree, filepath.Base(args[0])), "", args[1:])})
	}
	if err := captures(s); err != nil {
		return false, err
	}
	var rows []row
	for _, x := range examples(s) {
		if len(args) > 0 && !slices.Contains(args, x.name) {
			continue
		}
		plain, tree := filepath.Join(s.out, x.name, "plain"), filepath.Join(s.out, x.name, "instrumented")
		os.RemoveAll(filepath.Join(s.out, x.name))
		if err := os.MkdirAll(filepath.Dir(plain), 0o777); err != nil {
			return false, err
		}
		cc, err := filepath.Abs(filepath.Join(filepath.Dir(s.saz), "saz-cc"))
		if err != nil {
			return false, err
		}
		for _, c := range [][]string{{"cp", "-r", filepath.Join("examples", x.name), plain}, {"make", "-s", "-C", plain, "clean"}, {"make", "-s", "-C", plain, "CC=" + cc + " gcc"}} {
			if err := command("", c[0], c[1:]...); err != nil {
				return false, err
			}
		}
		if err := instrument(s, plain, "./"+x.name, tree); err != nil {
			return false, err
		}
		rows = append(rows, measure(s, x, filepath.Join(plain, x.name), filepath.Join(tree, x.name), plain, x.args(plain)))
	}
	return report(s, rows)
}

func command(dir, name string, args ...string) error {
	c := exec.Command(name, args...)
	c.Dir = dir
	if msg, err := c.CombinedOutput(); err != nil {
		return fmt.Errorf("%s %s: %v\n%s", name, strings.Join(args, " "), err, msg)
	}
	return nil
}

func instrument(s *settings, dir, program, tree string) error {
	saz, err := filepath.Abs(s.saz)
	if err != nil {
		return err
	}
	if err := command(dir, saz, "instrument", "-q", "-o", tree, program); err != nil {
		return err
	}
	return command("", "make", "-s", "-C", tree)
}

type row struct {
	name         string
	plain, other int64 // instructions
	spread       float64
	err          error
}

func measure(s *settings, x *subject, plain, other, dir string, args []string) row {
	runs := 1
	if x.varies != nil {
		runs = s.runs
	}
	var a, b []profile
	for range runs {
		for _, k := range []struct {
			program string
			to      *[]profile
		}{{plain, &a}, {other, &b}} {
			p, err := instructions(s, x, k.program, dir, args)
			if err != nil {
				return row{name: x.name, err: err}
			}
			*k.to = append(*k.to, p)
		}
	}
	if x.varies == nil {
		return row{name: x.name, plain: a[0].all, other: b[0].all}
	}
	r := x.varies(a, b)
	r.name = x.name
	return r
}

// instructions runs a program under callgrind.
func instructions(s *settings, x *subject, program, dir string, args []string) (profile, error) {
	log, counts := filepath.Join(s.out, x.name+".valgrind"), filepath.Join(s.out, x.name+".callgrind")
	os.Remove(counts)
	c := exec.Command("valgrind", append([]string{"--tool=callgrind", "--callgrind-out-file=" + counts, "--log-file=" + log, program}, args...)...)
	c.Dir = dir
	c.Env = append(os.Environ(), "SAZ_SOCKET_DIR="+s.out)
	if err := c.Start(); err != nil {
		return profile{}, err
	}
	var during error
	if x.during != nil {
		if during = x.during(); during == nil {
			during = c.Process.Signal(syscall.SIGTERM)
		} else {
			c.Process.Kill()
		}
	}
	if err := c.Wait(); err != nil && x.during == nil {
		return profile{}, fmt.Errorf("%s: %v", program, err)
	}
	if during != nil {
		return profile{}, during
	}
	return readProfile(counts)
}

func report(s *settings, rows []row) (above bool, err error) {
	fmt.Printf("%-12s %14s %14s %8s\n", "program", "plain", "instrumented", "ratio")
	for _, r := range rows {
		if r.err != nil {
			return false, r.err
		}
		ratio := float64(r.other) / float64(r.plain)
		note := ""
		if r.spread > 0 {
			note = fmt.Sprintf(" ± %.4f", r.spread)
		}
		if ratio-r.spread > s.limit {
			above, note = true, note+fmt.Sprintf("  above %g", s.limit)
		}
		fmt.Printf("%-12s %14d %14d %8.4f%s\n", r.name, r.plain, r.other, ratio, note)
	}
	return above, nil
}

func examples(s *settings) []*subject {
	in := func(name string) string { return filepath.Join(s.out, name) }
	return []*subject{
		{name: "monitor", args: func(dir string) []string {
			return []string{"-r", in("flows.pcap"), "-s", filepath.Join(dir, "services.sig"), "-l", os.DevNull, "-S", os.DevNull}
		}},
		{name: "nat", args: func(string) []string {
			return []string{"-i", "10.0.0.0/8", "-e", "192.0.2.1", "-r", in("nat.pcap"), "-w", os.DevNull, "-l", os.DevNull}
		}},
		{name: "balancer", varies: withoutTurns, args: func(string) []string {
			return []string{"-v", "203.0.113.1", "-b", "a=10.1.0.1", "-b", "b=10.1.0.2", "-b", "c=10.1.0.3", "-j", "1", "-r", in("service.pcap"), "-w", os.DevNull, "-l", os.DevNull}
		}},
		{name: "ids", args: func(dir string) []string { return []string{filepath.Join(dir, "test.rules"), in("flows.pcap")} }},
		{name: "ratelimit", args: func(string) []string { return []string{"-r", "1000", "-b", "3000", in("flows.pcap"), os.DevNull} }},
		proxy(),
	}
}

// proxy relays a thousand requests to two servers, one after the other.
func proxy() *subject {
	servers, port := []string{}, 0
	return &subject{name: "proxy", varies: atSameRounds,
		args: func(string) []string {
			for range 2 {
				l, err := net.Listen("tcp", "127.0.0.1:0")
				if err != nil {
					continue
				}
				servers = append(servers, l.Addr().String())
				go http.Serve(l, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					w.Header()["Date"] = nil
					io.WriteString(w, strings.Repeat("x", 600))
				}))
			}
			if l, err := net.Listen("tcp", "127.0.0.1:0"); err == nil {
				port = l.Addr().(*net.TCPAddr).Port
				l.Close()
			}
			if len(servers) < 2 {
				servers = []string{"", ""}
			}
			return []string{"-p", strconv.Itoa(port), "-m", "100", "-u", "a=" + servers[0], "-u", "b=" + servers[1]}
		},
		during: func() error {
			client := &http.Client{Timeout: 10 * time.Second, Transport: &http.Transport{DisableKeepAlives: true}}
			url := fmt.Sprintf("http://127.0.0.1:%d/", port)
			for i, tries := 0, 0; i < 1000; {
				r, err := client.Get(url)
				if err != nil {
					if tries++; i > 0 || tries > 100 {
						return err
					}
					time.Sleep(100 * time.Millisecond) // it is not there yet
					continue
				}
				io.Copy(io.Discard, r.Body)
				r.Body.Close()
				i++
			}
			return nil
		}}
}
