// Command bench says what reading a program costs, as a ratio to what the
// program's own compiler takes for the same units at -O2: CPU time, of one run
// after the other. It takes what saz takes.
//
//	cold      nothing is known of the program
//	one new   one unit has changed, the one with the largest entry in the store;
//	          the others come from the store
//	warm      nothing has changed
package main

import (
	"flag"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"

	"saz/frontend/build"
)

func main() {
	saz := flag.String("saz", "bin/saz", "the `program` to measure")
	rounds := flag.Int("n", 3, "how often; the least counts")
	flag.Parse()
	fmt.Printf("%-14s %5s %9s | %7s %6s %6s | %7s %6s | %7s %6s\n", "PROGRAM", "UNITS", "gcc -O2", "cold", "ratio", "MB", "one new", "ratio", "warm", "ratio")
	for _, t := range flag.Args() {
		if err := bench(*saz, t, *rounds); err != nil {
			fmt.Fprintf(os.Stderr, "bench: %s: %v\n", t, err)
			os.Exit(1)
		}
	}
}

func bench(saz, target string, rounds int) error {
	p, err := build.Load([]string{target}, nil)
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "bench")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	gcc := time.Duration(0)
	for i := range p.Commands {
		c := &p.Commands[i]
		t, _, err := spent(c.AtO2(filepath.Join(dir, "x.o")))
		if err != nil {
			return fmt.Errorf("%s: %w", c.File, err)
		}
		gcc += t
	}
	run := func(cache string) func() (time.Duration, int64, error) {
		return func() (time.Duration, int64, error) {
			cmd := exec.Command(saz, "parse", "-q", target)
			cmd.Env = append(os.Environ(), "XDG_CACHE_HOME="+cache)
			return spent(cmd)
		}
	}
	// What the compiler says about itself is asked once and for all.
	cache := filepath.Join(dir, "cache")
	units := filepath.Join(cache, "saz", "units")
	if _, _, err := run(cache)(); err != nil {
		return err
	}
	least := func(before func() error) (time.Duration, int64, error) {
		var cpu time.Duration
		var rss int64
		for i := range rounds {
			if err := before(); err != nil {
				return 0, 0, err
			}
			c, r, err := run(cache)()
			if err != nil {
				return 0, 0, err
			}
			if i == 0 || c < cpu {
				cpu = c
			}
			rss = max(rss, r)
		}
		return cpu, rss, nil
	}
	cold, rss, err := least(func() error { return os.RemoveAll(units) })
	if err != nil {
		return err
	}
	one, _, err := least(func() error {
		var path string
		var size int64
		filepath.WalkDir(units, func(p string, d fs.DirEntry, err error) error {
			if err == nil && d.Type().IsRegular() {
				if st, err := d.Info(); err == nil && st.Size() > size {
					path, size = p, st.Size()
				}
			}
			return nil
		})
		return os.Remove(path)
	})
	if err != nil {
		return err
	}
	warm, _, err := least(func() error { return nil })
	if err != nil {
		return err
	}
	ratio := func(d time.Duration) string { return fmt.Sprintf("%.3f", d.Seconds()/gcc.Seconds()) }
	fmt.Printf("%-14s %5d %7.1f s | %5.2f s %6s %6d | %5.2f s %6s | %5.2f s %6s\n", p.Name, len(p.Commands), gcc.Seconds(),
		cold.Seconds(), ratio(cold), rss>>20, one.Seconds(), ratio(one), warm.Seconds(), ratio(warm))
	return nil
}

// spent runs cmd and returns the CPU time and the most memory that it took.
func spent(cmd *exec.Cmd) (time.Duration, int64, error) {
	out, err := cmd.CombinedOutput()
	if err != nil {
		return 0, 0, fmt.Errorf("%v\n%s", err, out)
	}
	st := cmd.ProcessState
	rss := int64(0)
	if ru, ok := st.SysUsage().(*syscall.Rusage); ok {
		rss = ru.Maxrss << 10
	}
	return st.UserTime() + st.SystemTime(), rss, nil
}
