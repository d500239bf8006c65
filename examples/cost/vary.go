package main

import (
	"bufio"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// A profile is what callgrind writes: instructions of each function itself, and how often each is called.
type profile struct {
	all         int64
	self, calls map[string]int64
}

// A variation compares runs of a program as it is with runs of it instrumented, where no two runs are the same.
type variation func(plain, other []profile) row

var function = regexp.MustCompile(`^c?fn=\((\d+)\)(?: (.*))?$`)

// readProfile reads https://valgrind.org/docs/manual/cl-format.html as far as callgrind uses it: a function's name stands where
// its number is first met, and the line behind calls= is what the callee and all below it cost.
func readProfile(file string) (profile, error) {
	p := profile{self: map[string]int64{}, calls: map[string]int64{}}
	f, err := os.Open(file)
	if err != nil {
		return p, err
	}
	defer f.Close()
	names := map[string]string{}
	var in, callee string
	below := false
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		l := lines.Text()
		if m := function.FindStringSubmatch(l); m != nil {
			if m[2] != "" {
				names[m[1]] = m[2]
			}
			if l[0] == 'c' {
				callee = names[m[1]]
			} else {
				in = names[m[1]]
			}
			continue
		}
		fields := strings.Fields(l)
		switch {
		case len(fields) == 0:
		case strings.HasPrefix(l, "calls="):
			n, err := strconv.ParseInt(fields[0][len("calls="):], 10, 64)
			if err != nil {
				return p, fmt.Errorf("%s: %q", file, l)
			}
			p.calls[callee] += n
			below = true
		case strings.ContainsRune("0123456789+-*", rune(l[0])):
			if !below && len(fields) > 1 {
				n, err := strconv.ParseInt(fields[1], 10, 64)
				if err != nil {
					return p, fmt.Errorf("%s: %q", file, l)
				}
				p.self[in] += n
				p.all += n
			}
			below = false
		}
	}
	if p.all == 0 {
		return p, fmt.Errorf("%s: callgrind has counted nothing", file)
	}
	return p, lines.Err()
}

// The parts of the C library that do more or less by whose turn it was: waiting and waking, and the heap, whose free blocks lie otherwise each time.
var turns = regexp.MustCompile(`^(_int_|unlink_chunk|malloc_consolidate|systrim|sysmalloc|alloc_perturb|arena_get|tcache_|heap_trim|grow_heap|_*pthread_|__lll_|__condvar|__cond|_*futex|__nptl)` +
	`|^(__libc_)?(malloc|free|calloc|realloc)$`)

func withoutTurns(plain, other []profile) row {
	rest := func(runs []profile) (all, less []int64) {
		for _, p := range runs {
			n := p.all
			for name, self := range p.self {
				if turns.MatchString(name) {
					n -= self
				}
			}
			all, less = append(all, p.all), append(less, n)
		}
		return all, less
	}
	all, a := rest(plain)
	_, b := rest(other)
	whole := median(all)
	return row{plain: whole, other: whole + median(b) - median(a), spread: (half(a) + half(b)) / float64(whole)}
}

// atSameRounds puts a line through the instructions of the runs by how often they waited for events.
func atSameRounds(plain, other []profile) row {
	rounds := func(p profile) float64 { return float64(p.calls["epoll_wait"]) }
	mean := func(runs []profile, of func(profile) float64) float64 {
		sum := 0.0
		for _, p := range runs {
			sum += of(p)
		}
		return sum / float64(len(runs))
	}
	all := func(p profile) float64 { return float64(p.all) }
	at := (mean(plain, rounds) + mean(other, rounds)) / 2
	fitted := func(runs []profile) (int64, float64) {
		x, y := mean(runs, rounds), mean(runs, all)
		var xx, xy float64
		for _, p := range runs {
			xx += (rounds(p) - x) * (rounds(p) - x)
			xy += (rounds(p) - x) * (all(p) - y)
		}
		slope := 0.0
		if xx > 0 {
			slope = xy / xx
		}
		var off []int64
		for _, p := range runs {
			off = append(off, int64(all(p)+slope*(at-rounds(p))))
		}
		return median(off), half(off)
	}
	a, apart := fitted(plain)
	b, apart2 := fitted(other)
	return row{plain: a, other: b, spread: (apart + apart2) / float64(a)}
}

func median(n []int64) int64 {
	slices.Sort(n)
	return n[len(n)/2]
}

// half is how far from the middle half of them lie.
func half(n []int64) float64 {
	slices.Sort(n)
	return float64(n[3*len(n)/4]-n[len(n)/4]) / 2
}
