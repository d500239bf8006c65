// Command bench says what the analyses cost and how precise they are, for programs that
// were built with saz-cc, or whatever else saz takes for a target.
//
// Costs are seconds of processor time, in units of what gcc -O2 -c takes for the same
// units of translation in the same run. Each program is measured in a process of its
// own, which reads it from nothing. With several programs it also says how cost
// grows with the program, as the slope of its logarithm, and draws that (growth.svg).
package main

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"saz/frontend/build"
)

func main() {
	one := flag.Bool("one", false, "measure one program in this process and print it as JSON (what the command calls itself with)")
	out := flag.String("out", "out", "the `folder` for the picture")
	every := flag.Int("every", 1, "let gcc compile each `N`th unit only, and reckon the rest")
	rounds := flag.Int("n", 1, "how often; the least counts")
	flag.Parse()
	if flag.NArg() == 0 {
		fmt.Fprintln(os.Stderr, "usage: bench [-out DIR] [-every N] [-n N] PROGRAM...")
		os.Exit(2)
	}
	if *one {
		m, err := measure(flag.Arg(0))
		if err == nil {
			err = json.NewEncoder(os.Stdout).Encode(m)
		}
		if err != nil {
			fmt.Fprintf(os.Stderr, "bench: %s: %v\n", flag.Arg(0), err)
			os.Exit(1)
		}
		return
	}
	var all []*measured
	for _, t := range flag.Args() {
		m, err := bench(t, *every, *rounds)
		if err != nil {
			fmt.Fprintf(os.Stderr, "bench: %s: %v\n", t, err)
			os.Exit(1)
		}
		all = append(all, m)
	}
	tellApart(all, flag.Args())
	table(os.Stdout, all)
	if len(all) < 2 {
		return
	}
	slices.SortStableFunc(all, func(a, b *measured) int { return a.Lines - b.Lines })
	path := filepath.Join(*out, "growth.svg")
	err := os.MkdirAll(*out, 0o777)
	if err == nil {
		err = os.WriteFile(path, growth(os.Stdout, all), 0o666)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
	fmt.Printf("drawn in %s\n", path)
}

// tellApart gives programs of one name the first part of their paths that differs.
func tellApart(all []*measured, paths []string) {
	names := make([]string, len(all))
	for i, a := range all {
		names[i] = a.Name
		for j, b := range all {
			if i == j || a.Name != b.Name {
				continue
			}
			p, q := strings.Split(paths[i], "/"), strings.Split(paths[j], "/")
			for k := range min(len(p), len(q)) {
				if p[k] != q[k] {
					names[i] = p[k]
					break
				}
			}
		}
	}
	for i, n := range names {
		all[i].Name = n
	}
}

// bench measures one program: saz in a process of its own, gcc on its units.
func bench(target string, every, rounds int) (*measured, error) {
	p, err := build.Load([]string{target}, nil)
	if err != nil {
		return nil, err
	}
	var m *measured
	for range rounds {
		self := exec.Command(os.Args[0], "-one", target)
		self.Stderr = os.Stderr
		text, err := self.Output()
		if err != nil {
			return nil, err
		}
		x := &measured{}
		if err := json.Unmarshal(text, x); err != nil {
			return nil, err
		}
		if m == nil || x.Ready < m.Ready {
			m = x
		}
	}
	dir, err := os.MkdirTemp("", "bench")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	compiled := 0
	var gcc time.Duration
	for i := 0; i < len(p.Commands); i += max(every, 1) {
		cmd := p.Commands[i].AtO2(filepath.Join(dir, "x.o"))
		var msg bytes.Buffer
		cmd.Stderr = &msg
		if err := cmd.Run(); err != nil {
			return nil, fmt.Errorf("%s: %w\n%s", p.Commands[i].File, err, strings.TrimSpace(msg.String()))
		}
		gcc += cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()
		compiled++
	}
	m.Units, m.Compiled = len(p.Commands), compiled
	m.GCC = gcc.Seconds() * float64(m.Units) / float64(max(compiled, 1))
	return m, nil
}

// cpu is the processor time of this process, in seconds.
func cpu() float64 {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return float64(u.Utime.Nano()+u.Stime.Nano()) / 1e9
}

// peak is the most memory that the process has had, in bytes.
func peak() int64 {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return u.Maxrss << 10
}
