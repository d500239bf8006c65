package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// The half of the addresses that moves, as saz ctl filters; inHalf says the same of a packet.
var halfFilters = []string{"nw_src=10.0.0.0/9", "nw_src=2001:db8::/33"}

func inHalf(p []byte) bool {
	if len(p) >= 30 && p[12] == 8 && p[13] == 0 {
		return p[26] == 10 && p[27] < 128
	}
	if len(p) >= 38 && p[12] == 0x86 && p[13] == 0xdd {
		return p[26] < 128 // 2001:db8:0... against 2001:db8:8000...
	}
	return false
}

// A monitor is one run of the monitor program.
type monitor struct {
	binary, name, log, stats, sigs, dir string
	fifo                                *os.File
	cmd                                 *exec.Cmd
	stderr                              bytes.Buffer
	done                                chan error
	fed                                 int
	queue                               [][]byte
}

func (o *options) instance(binary, name string) *monitor {
	return &monitor{binary: binary, name: name, dir: o.work, sigs: o.sigs,
		log: filepath.Join(o.work, name+".log"), stats: filepath.Join(o.work, name+".stats")}
}

func (m *monitor) args(capture string) []string {
	os.Remove(m.log)
	args := []string{"-r", capture, "-l", m.log, "-S", m.stats}
	if m.sigs != "" {
		args = append(args, "-s", m.sigs)
	}
	return args
}

// start runs the monitor on a FIFO.
func (m *monitor) start(header []byte) error {
	path := filepath.Join(m.dir, m.name+".fifo")
	os.Remove(path)
	if err := syscall.Mkfifo(path, 0o600); err != nil {
		return err
	}
	m.cmd = exec.Command(m.binary, m.args(path)...)
	m.cmd.Env = append(os.Environ(), "SAZ_INSTANCE="+m.name, "SAZ_SOCKET_DIR="+filepath.Join(m.dir, "sock"))
	m.cmd.Stderr = &m.stderr
	if err := m.cmd.Start(); err != nil {
		return err
	}
	m.done = make(chan error, 1)
	go func() { m.done <- m.cmd.Wait() }()
	f, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	m.fifo = f
	_, err = f.Write(header)
	return err
}

func (m *monitor) feed(records ...[]byte) error {
	buf := make([]byte, 0, 1<<16)
	for _, r := range records {
		if len(buf)+len(r) > cap(buf) {
			if _, err := m.fifo.Write(buf); err != nil {
				return fmt.Errorf("%s stopped reading: %w: %s", m.name, err, m.stderr.String())
			}
			buf = buf[:0]
		}
		buf = append(buf, r...)
		m.fed++
	}
	_, err := m.fifo.Write(buf)
	return err
}

// finish ends the capture and waits for the monitor.
func (m *monitor) finish() error {
	m.fifo.Close()
	select {
	case err := <-m.done:
		if err != nil {
			return fmt.Errorf("%s: %v: %s", m.name, err, m.stderr.String())
		}
		return nil
	case <-time.After(60 * time.Second):
		m.cmd.Process.Kill()
		return fmt.Errorf("%s does not end", m.name)
	}
}

func (m *monitor) kill() {
	if m.fifo != nil {
		m.fifo.Close()
	}
	if m.cmd != nil && m.cmd.Process != nil {
		m.cmd.Process.Kill()
	}
}

func (o *options) ctl(args ...string) (string, error) {
	cmd := exec.Command(o.saz, append([]string{"ctl"}, args...)...)
	cmd.Env = append(os.Environ(), "SAZ_SOCKET_DIR="+filepath.Join(o.work, "sock"))
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	if err := cmd.Run(); err != nil {
		return "", fmt.Errorf("saz ctl %s: %v: %s", strings.Join(args, " "), err, errs.String())
	}
	return strings.TrimSpace(out.String()), nil
}

// settled waits until the instance has processed all that it was fed.
func (o *options) settled(m *monitor) error {
	var last string
	for deadline := time.Now().Add(60 * time.Second); time.Now().Before(deadline); time.Sleep(5 * time.Millisecond) {
		out, err := o.ctl("stats", "--json", m.name)
		if err != nil {
			last = err.Error()
			continue
		}
		var s struct {
			Packets int `json:"packets"`
		}
		if err := json.Unmarshal([]byte(out), &s); err != nil {
			return fmt.Errorf("stats of %s: %v in %q", m.name, err, out)
		}
		last = out
		if s.Packets >= m.fed {
			return nil
		}
	}
	return fmt.Errorf("%s has not processed %d packets: %s %s", m.name, m.fed, last, m.stderr.String())
}

// move runs A up to the cut, moves flows to B, and gives the rest to B, or to
// both by their addresses.
func (o *options) move(c *capture, cut int, half bool, tag string) (*outcome, error) {
	if err := os.MkdirAll(filepath.Join(o.work, "sock"), 0o700); err != nil {
		return nil, err
	}
	a, b := o.instance(o.inst, tag+"-a"), o.instance(o.inst, tag+"-b")
	defer a.kill()
	defer b.kill()
	for _, m := range []*monitor{a, b} {
		if err := m.start(c.header); err != nil {
			return nil, err
		}
	}
	if err := a.feed(c.packets[:cut]...); err != nil {
		return nil, err
	}
	for _, m := range []*monitor{a, b} {
		if err := o.settled(m); err != nil {
			return nil, err
		}
	}
	filters := []string{"--all-state", "all"}
	if half {
		filters = halfFilters
	}
	moved, err := o.ctl(append([]string{"move", "--from", a.name, "--to", b.name}, filters...)...)
	if err != nil {
		return nil, err
	}
	for _, p := range c.packets[cut:] {
		to := b
		if half && !inHalf(p[16:]) {
			to = a
		}
		to.pending(p)
	}
	for _, m := range []*monitor{a, b} {
		if err := m.flush(); err != nil {
			return nil, err
		}
		if err := m.finish(); err != nil {
			return nil, err
		}
	}
	ra, err := a.outcome()
	if err != nil {
		return nil, err
	}
	rb, err := b.outcome()
	if err != nil {
		return nil, err
	}
	out := ra.join(rb)
	out.moved = moved
	return out, nil
}
