package main

import (
	"encoding/binary"
	"fmt"
	"os"
	"sort"
	"strconv"
	"strings"
)

// A capture is a classic pcap file, cut into records.
type capture struct {
	header  []byte
	packets [][]byte // each with its 16-byte record header
}

func readCapture(path string) (*capture, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	if len(b) < 24 || binary.LittleEndian.Uint32(b) != 0xa1b2c3d4 {
		return nil, fmt.Errorf("%s is not a little-endian pcap file", path)
	}
	c := &capture{header: b[:24]}
	for b = b[24:]; len(b) > 0; {
		if len(b) < 16 {
			return nil, fmt.Errorf("%s ends within a record", path)
		}
		n := 16 + int(binary.LittleEndian.Uint32(b[8:]))
		if len(b) < n {
			return nil, fmt.Errorf("%s ends within a packet", path)
		}
		c.packets = append(c.packets, b[:n])
		b = b[n:]
	}
	return c, nil
}

// pending keeps a record to be fed by flush.
func (m *monitor) pending(p []byte) { m.queue = append(m.queue, p) }

func (m *monitor) flush() error {
	q := m.queue
	m.queue = nil
	return m.feed(q...)
}

// An outcome is what monitors wrote.
type outcome struct {
	lines          []string
	counters       map[string]int64
	moved          string
	linesA, linesB int
}

func (m *monitor) outcome() (*outcome, error) {
	b, err := os.ReadFile(m.log)
	if err != nil {
		return nil, err
	}
	out := &outcome{counters: map[string]int64{}}
	for _, l := range strings.Split(strings.TrimSuffix(string(b), "\n"), "\n") {
		if l != "" {
			out.lines = append(out.lines, l)
		}
	}
	if b, err = os.ReadFile(m.stats); err != nil {
		return nil, err
	}
	for _, l := range strings.Split(string(b), "\n") {
		name, value, ok := strings.Cut(strings.TrimSpace(l), " ")
		if !ok {
			continue
		}
		n, err := strconv.ParseInt(strings.TrimSpace(value), 10, 64)
		if err != nil {
			return nil, fmt.Errorf("%s: %q", m.stats, l)
		}
		out.counters[name] += n
	}
	return out, nil
}

// join puts B's lines after A's: what B says of a flow it says after the move.
func (a *outcome) join(b *outcome) *outcome {
	out := &outcome{lines: append(append([]string(nil), a.lines...), b.lines...), counters: map[string]int64{}, linesA: len(a.lines), linesB: len(b.lines)}
	for _, o := range []*outcome{a, b} {
		for k, v := range o.counters {
			out.counters[k] += v
		}
	}
	return out
}

// flow returns what a log line is about: the connection or the host.
func flow(line string) string {
	w := strings.Fields(line)
	switch {
	case len(w) >= 6 && w[0] == "conn":
		return strings.Join(w[2:6], " ")
	case len(w) >= 3 && w[0] == "host":
		return w[2]
	case len(w) >= 2 && w[0] == "service":
		return "service " + w[1]
	}
	return line
}

// compare returns "" if got has want's lines, those of each flow in want's
// order, and its counters add up to want's.
func compare(want, got *outcome) string {
	a, b := byFlow(want.lines), byFlow(got.lines)
	keys := make([]string, 0, len(a)+len(b))
	for k := range a {
		keys = append(keys, k)
	}
	for k := range b {
		if _, ok := a[k]; !ok {
			keys = append(keys, k)
		}
	}
	sort.Strings(keys)
	bad, first := 0, ""
	for _, k := range keys {
		if x, y := strings.Join(a[k], "\n"), strings.Join(b[k], "\n"); x != y {
			bad++
			if first == "" {
				first = fmt.Sprintf("flow %s:\n  alone:    %s\n  together: %s", k, strings.ReplaceAll(x, "\n", "\n            "), strings.ReplaceAll(y, "\n", "\n            "))
			}
		}
	}
	if bad > 0 {
		return fmt.Sprintf("%d of %d flows, the first: %s", bad, len(keys), first)
	}
	for k, v := range want.counters {
		if got.counters[k] != v {
			return fmt.Sprintf("counter %s is %d alone and %d together", k, v, got.counters[k])
		}
	}
	return ""
}

func byFlow(lines []string) map[string][]string {
	m := map[string][]string{}
	for _, l := range lines {
		k := flow(l)
		m[k] = append(m[k], l)
	}
	return m
}
