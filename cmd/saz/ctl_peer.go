package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"sort"
	"strconv"
	"strings"
	"time"
)

// A peer is a connection to an instance's control socket. The protocol is described at the
// head of runtime_c/saz_rt/saz_service.c.
type peer struct {
	net.Conn
	in   *bufio.Reader
	name string
}

// An instance holds for at most 10 s and waits 5 s for a quiescent point.
const replyTimeout = 30 * time.Second

// socketDir is where instances put their sockets, by the rules of the runtime.
func socketDir() (string, error) {
	if d := os.Getenv("SAZ_SOCKET_DIR"); d != "" {
		return d, nil
	}
	if d := os.Getenv("XDG_RUNTIME_DIR"); d != "" {
		return filepath.Join(d, "saz"), nil
	}
	d := fmt.Sprintf("/tmp/saz-%d", os.Geteuid())
	fi, err := os.Lstat(d)
	if err == nil && (!fi.IsDir() || fi.Mode().Perm()&0o077 != 0) {
		return "", fmt.Errorf("%s is not a private directory", d)
	}
	return d, nil
}

func socketsIn(dir string) ([]string, error) {
	list, err := os.ReadDir(dir)
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	var out []string
	for _, e := range list {
		if strings.HasSuffix(e.Name(), ".sock") {
			out = append(out, filepath.Join(dir, e.Name()))
		}
	}
	sort.Strings(out)
	return out, err
}

// socketPath finds an instance: a name in the socket directory, or a path.
func socketPath(name string) (string, error) {
	if strings.ContainsRune(name, '/') {
		return name, nil
	}
	dir, err := socketDir()
	if err != nil {
		return "", err
	}
	return filepath.Join(dir, name+".sock"), nil
}

func sameSocket(a, b string) (bool, error) {
	pa, err := socketPath(a)
	if err != nil {
		return false, err
	}
	pb, err := socketPath(b)
	if err != nil {
		return false, err
	}
	fa, err := os.Stat(pa)
	if err != nil {
		return false, fmt.Errorf("%s: no such instance", a)
	}
	fb, err := os.Stat(pb)
	if err != nil {
		return false, fmt.Errorf("%s: no such instance", b)
	}
	return os.SameFile(fa, fb), nil
}

func dial(name string) (*peer, error) {
	path, err := socketPath(name)
	if err != nil {
		return nil, err
	}
	conn, err := net.DialTimeout("unix", path, replyTimeout)
	if err != nil {
		if errors.Is(err, os.ErrNotExist) {
			return nil, fmt.Errorf("%s: no such instance", name)
		}
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return &peer{conn, bufio.NewReaderSize(conn, 1<<16), name}, nil
}

// do sends a request and returns the reply's body.
func (p *peer) do(request string, body []byte) ([]byte, error) {
	if err := p.SetDeadline(time.Now().Add(replyTimeout + time.Duration(len(body))*time.Microsecond)); err != nil {
		return nil, err
	}
	_, werr := io.WriteString(p, request+"\n")
	if werr == nil && len(body) > 0 {
		_, werr = p.Write(body) // a refusal may come before all is read
	}
	line, err := p.in.ReadString('\n')
	if err != nil {
		if werr != nil {
			err = werr
		}
		return nil, fmt.Errorf("%s: %w", p.name, err)
	}
	line = strings.TrimSuffix(line, "\n")
	if rest, ok := strings.CutPrefix(line, "ERR "); ok {
		code, text, _ := strings.Cut(rest, " ")
		return nil, fmt.Errorf("%s: %s (%s)", p.name, text, code)
	}
	num, ok := strings.CutPrefix(line, "OK ")
	size, err := strconv.ParseUint(num, 10, 40)
	if !ok || err != nil {
		return nil, fmt.Errorf("%s: not an instance of saz: %.40q", p.name, line)
	}
	reply, err := io.ReadAll(&io.LimitedReader{R: &deadlineReader{p}, N: int64(size)})
	if err == nil && uint64(len(reply)) != size {
		err = io.ErrUnexpectedEOF
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", p.name, err)
	}
	return reply, nil
}

// deadlineReader renews the deadline with each read: a large image may take its time.
type deadlineReader struct{ p *peer }

func (r *deadlineReader) Read(b []byte) (int, error) {
	if err := r.p.SetDeadline(time.Now().Add(replyTimeout)); err != nil {
		return 0, err
	}
	return r.p.in.Read(b)
}

// ask makes one request of an instance.
func ask(name, request string) ([]byte, error) {
	p, err := dial(name)
	if err != nil {
		return nil, err
	}
	defer p.Close()
	return p.do(request, nil)
}

// fields reads lines "name value".
func fields(body []byte) map[string]string {
	out := map[string]string{}
	for line := range strings.Lines(string(body)) {
		k, v, _ := strings.Cut(strings.TrimSpace(line), " ")
		out[k] = v
	}
	return out
}
