package runtime_c

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math/rand"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"sort"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

var (
	warnings  = []string{"-Wall", "-Wextra", "-Wpedantic", "-Werror", "-g"}
	sanitized = []string{"-std=gnu99", "-O1", "-fsanitize=address,undefined", "-fno-sanitize-recover=undefined"}
)

// compile builds a program of the runtime and files of test/.
func compile(t *testing.T, out string, flags []string, sources ...string) string {
	t.Helper()
	out = filepath.Join(t.TempDir(), out)
	args := append([]string{"-Isaz_rt", "-o", out}, warnings...)
	args = append(args, flags...)
	for _, s := range sources {
		args = append(args, filepath.Join("test", s))
	}
	rt, err := filepath.Glob("saz_rt/*.c")
	if err != nil || len(rt) == 0 {
		t.Fatal("no runtime", err)
	}
	if msg, err := exec.Command("gcc", append(args, rt...)...).CombinedOutput(); err != nil {
		t.Fatalf("gcc %v: %v\n%s", args, err, msg)
	}
	return out
}

var box = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "saz-box")
	if err != nil {
		return "", err
	}
	rt, err := filepath.Glob("saz_rt/*.c")
	if err != nil {
		return "", err
	}
	out := filepath.Join(dir, "box")
	args := append([]string{"-Isaz_rt", "-o", out, "test/box.c", "test/box_glue.c", "test/box_main.c", "-DSAZ_MARK_WORDS=1"}, append(warnings, sanitized...)...)
	if msg, err := exec.Command("gcc", append(args, rt...)...).CombinedOutput(); err != nil {
		return "", fmt.Errorf("%w\n%s", err, msg)
	}
	return out, nil
})

func TestMain(m *testing.M) {
	code := m.Run()
	if p, err := box(); err == nil {
		os.RemoveAll(filepath.Dir(p))
	}
	os.Exit(code)
}

// The header stands before any code in any dialect, the runtime is built with any flags.
func TestDialects(t *testing.T) {
	t.Parallel()
	user := filepath.Join(t.TempDir(), "user.c")
	const text = `#include "saz_rt.h"
static int state; SAZ_STATIC(0, state);
static int get(void) { return state; } SAZ_STATIC_FN(0, get);
int callback(void);
int callback(void) { SAZ_PACKET_SCOPE; saz_updated[0] = 1; state++; { static char *s; SAZ_STATIC(1, s); s = saz_strdup(1, ""); saz_free(s); } return 0; }
int user(void);
int user(void) { while (SAZ_RECEIVE(get()) > 0) { if (SAZ_IDLE(get())) break; } SAZ_RECEIVE(get()); SAZ_IDLE_VOID(callback()); return SAZ_LOOP(callback()); }
`
	if err := os.WriteFile(user, []byte(text), 0o666); err != nil {
		t.Fatal(err)
	}
	files, _ := filepath.Glob("saz_rt/*.c")
	for _, std := range []string{"c89", "gnu89", "c99", "c11", "gnu17", "gnu2x"} {
		list := []string{user}
		if std == "c89" || std == "gnu2x" {
			list = append(list, files...)
		}
		for i, file := range append(list, list...) {
			args := append([]string{"-std=" + std, "-O1", fmt.Sprintf("-DSAZ_MARK_WORDS=%d", i/len(list)), "-Isaz_rt", "-Wstrict-prototypes", "-Wmissing-prototypes", "-Wundef", "-Wshadow",
				"-Wdeclaration-after-statement", "-fPIC", "-c", "-o", os.DevNull, file}, warnings...)
			if msg, err := exec.Command("gcc", args...).CombinedOutput(); err != nil {
				t.Errorf("%s %s: %v\n%s", std, file, err, msg)
			}
		}
	}
	if data, err := os.ReadFile("saz_rt/saz_rt.h"); err != nil || bytes.Contains(data, []byte("#include")) {
		t.Errorf("saz_rt.h includes something (%v)", err)
	}
}

func TestInProcess(t *testing.T) {
	t.Parallel()
	check := compile(t, "check", append(sanitized, "-DSAZ_TEST"), "box.c", "box_glue.c", "check.c")
	count := "1500" // of each seed
	if n := os.Getenv("SAZ_FUZZ"); n != "" {
		count = n
	}
	inlined := compile(t, "inlined", append(sanitized, "-DSAZ_TEST", "-DSAZ_MARK_WORDS=1"), "box.c", "box_glue.c", "check.c")
	if msg, err := exec.Command(inlined, "filter").CombinedOutput(); err != nil {
		t.Errorf("brackets in line: %v\n%s", err, msg)
	}
	for _, args := range [][]string{{"filter"}, {"slots"}, {"memory"}, {"fuzz", "1", count}, {"fuzz", "2", count}} {
		t.Run(strings.Join(args, " "), func(t *testing.T) {
			t.Parallel()
			cmd := exec.Command(check, args...)
			cmd.Dir = t.TempDir()
			msg, err := cmd.CombinedOutput()
			if err != nil {
				t.Fatalf("%v\n%s", err, msg)
			}
			t.Logf("%s", msg)
		})
	}
}

// ---- instances ----

type instance struct {
	t      *testing.T
	cmd    *exec.Cmd
	in     io.WriteCloser
	out    *bufio.Reader
	socket string
	errs   *bytes.Buffer
}

func start(t *testing.T, name string) *instance {
	t.Helper()
	prog, err := box()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	x := &instance{t: t, cmd: exec.Command(prog), socket: filepath.Join(dir, name+".sock"), errs: &bytes.Buffer{}}
	x.cmd.Env = append(os.Environ(), "SAZ_SOCKET_DIR="+dir, "SAZ_INSTANCE="+name)
	x.cmd.Stderr = x.errs
	x.in, _ = x.cmd.StdinPipe()
	out, _ := x.cmd.StdoutPipe()
	x.out = bufio.NewReader(out)
	if err := x.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { x.stop() })
	for i := 0; ; i++ {
		if c, err := net.Dial("unix", x.socket); err == nil {
			c.Close()
			return x
		}
		if i > 500 {
			t.Fatalf("no socket: %s", x.errs)
		}
		time.Sleep(10 * time.Millisecond)
	}
}

func (x *instance) stop() {
	if x.in == nil {
		return
	}
	x.in.Close()
	x.in = nil
	if err := x.cmd.Wait(); err != nil {
		x.t.Errorf("%v\n%s", err, x.errs)
	}
	if _, err := os.Stat(x.socket); err == nil {
		x.t.Error("the socket is still there")
	}
	if x.errs.Len() > 0 {
		x.t.Errorf("it wrote %s", x.errs)
	}
}

// send processes packets and returns what they made the program write.
func (x *instance) send(lines []string) []string {
	var out []string
	for _, l := range lines {
		fmt.Fprintln(x.in, l)
		s, err := x.out.ReadString('\n')
		if err != nil {
			x.t.Fatalf("%v\n%s", err, x.errs)
		}
		out = append(out, strings.TrimSpace(s))
	}
	return out
}

func (x *instance) dump() []string {
	fmt.Fprintln(x.in, "dump")
	var out []string
	for {
		s, err := x.out.ReadString('\n')
		if err != nil {
			x.t.Fatalf("%v\n%s", err, x.errs)
		}
		if s == ".\n" {
			return out
		}
		out = append(out, strings.TrimSpace(s))
	}
}

type conn struct {
	net.Conn
	in *bufio.Reader
	t  *testing.T
}

func (x *instance) dial() *conn {
	c, err := net.Dial("unix", x.socket)
	for i := 0; i < 500 && errors.Is(err, syscall.EAGAIN); i++ { // so many wait that there is no place left
		time.Sleep(10 * time.Millisecond)
		c, err = net.Dial("unix", x.socket)
	}
	if err != nil {
		x.t.Fatal(err)
	}
	c.SetDeadline(time.Now().Add(30 * time.Second))
	x.t.Cleanup(func() { c.Close() })
	return &conn{c, bufio.NewReader(c), x.t}
}

// do returns the body, or the code of a refusal.
func (c *conn) do(request string, body []byte) ([]byte, string) {
	c.t.Helper()
	fmt.Fprintf(c, "%s\n", request)
	c.Write(body)
	line, err := c.in.ReadString('\n')
	if err != nil {
		return nil, "closed"
	}
	f := strings.Fields(line)
	if f[0] != "OK" {
		return nil, f[1]
	}
	n, err := strconv.Atoi(f[1])
	if err != nil {
		c.t.Fatal(line)
	}
	reply := make([]byte, n)
	if _, err := io.ReadFull(c.in, reply); err != nil {
		c.t.Fatal(err)
	}
	return reply, ""
}

func (c *conn) must(request string, body []byte) []byte {
	c.t.Helper()
	reply, code := c.do(request, body)
	if code != "" {
		c.t.Fatalf("%s: %s", request, code)
	}
	return reply
}

func trace(seed int64, n int) []string {
	r := rand.New(rand.NewSource(seed))
	var out []string
	for range n {
		a, b := fmt.Sprintf("10.0.%d.%d", r.Intn(2), r.Intn(6)), fmt.Sprintf("192.168.0.%d", r.Intn(4))
		p, q := 1000+r.Intn(5), 80+r.Intn(3)
		if r.Intn(3) == 0 {
			a, b, p, q = b, a, q, p
		}
		out = append(out, fmt.Sprintf("%s %s %d %d %d %d", a, b, p, q, 6+11*r.Intn(2), 40+r.Intn(1400)))
	}
	return out
}

func equal(t *testing.T, what string, got, want []string) {
	t.Helper()
	for i := range max(len(got), len(want)) {
		g, w := "", ""
		if i < len(got) {
			g = got[i]
		}
		if i < len(want) {
			w = want[i]
		}
		if g != w {
			t.Fatalf("%s: line %d:\n got %s\nwant %s", what, i, g, w)
		}
	}
}

// A snapshot, wherever it is taken, makes another process go on as the first does.
func TestSnapshot(t *testing.T) {
	lines := trace(7, 300)
	for _, cut := range []int{0, 1, 2, 17, 100, 299} {
		a, b := start(t, "a"), start(t, "b")
		a.send(lines[:cut])
		b.send(trace(8, cut/2)) // what it had must go
		image := a.dial().must("EXPORT snapshot", nil)
		b.dial().must(fmt.Sprintf("IMPORT %d", len(image)), image)
		equal(t, "state", b.dump(), a.dump())
		equal(t, "output", b.send(lines[cut:]), a.send(lines[cut:]))
		equal(t, "state at the end", b.dump(), a.dump())
		again := a.dial().must("EXPORT snapshot", nil)
		if other := b.dial().must("EXPORT snapshot", nil); len(again) != len(other) {
			t.Errorf("cut %d: images of %d and %d bytes", cut, len(again), len(other))
		}
		a.stop()
		b.stop()
	}
}

func conns(dump []string) []string {
	var out []string
	for _, l := range dump {
		if strings.HasPrefix(l, "conn ") {
			out = append(out, l)
		}
	}
	sort.Strings(out)
	return out
}

func (a *instance) move(b *instance, filter string) string {
	a.t.Helper()
	ca, cb := a.dial(), b.dial()
	defer ca.Close()
	defer cb.Close()
	image := ca.must("EXPORT hold "+filter, nil)
	cb.must(fmt.Sprintf("IMPORT hold %d", len(image)), image)
	ca.must("RENEW", nil)
	out := cb.must("COMMIT", nil)
	ca.must("COMMIT", nil)
	return string(out)
}

func TestMove(t *testing.T) {
	lines := trace(9, 400)
	ref, a, b := start(t, "ref"), start(t, "a"), start(t, "b")
	ref.send(lines)
	a.send(lines)
	all := conns(ref.dump())
	a.move(b, "nw_src=10.0.0.0/24")
	ga, gb := conns(a.dump()), conns(b.dump())
	if len(ga) == 0 || len(gb) == 0 || len(ga)+len(gb) != len(all) {
		t.Fatalf("%d and %d connections of %d", len(ga), len(gb), len(all))
	}
	for _, l := range gb {
		if !strings.Contains(l, " 10.0.0.") {
			t.Errorf("moved, but does not match: %s", l)
		}
	}
	union := append(append([]string{}, ga...), gb...)
	sort.Strings(union)
	equal(t, "both together", union, all)
	// There and back, several times; nothing leaks (ASan looks at the end), nothing is lost.
	for i := range 6 {
		b.move(a, "nw_proto=6 nw_src=10.0.0.0/8")
		a.move(b, fmt.Sprintf("tp_src=%d", 1000+i%5))
	}
	union = append(conns(a.dump()), conns(b.dump())...)
	sort.Strings(union)
	equal(t, "after many moves", union, all)
	// An entry that comes to where one with its key is takes its place.
	b.send(lines)
	n := len(conns(b.dump()))
	out := a.move(b, "all")
	if m := len(conns(b.dump())); m != n || !strings.Contains(out, "replaced ") {
		t.Errorf("%d connections, then %d\n%s", n, m, out)
	}
	if left := conns(a.dump()); len(left) != 0 {
		t.Errorf("%d connections left behind", len(left))
	}
	a.send(lines[:50])
}

// Counters are merged, once.
func TestMoveState(t *testing.T) {
	lines := trace(10, 200)
	ref, a, b := start(t, "ref"), start(t, "a"), start(t, "b")
	ref.send(lines)
	a.send(lines[:120])
	b.send(lines[120:])
	a.move(b, "state all")
	want, got := ref.dump(), b.dump()
	w, g := strings.Fields(want[len(want)-1]), strings.Fields(got[len(got)-1])
	equal(t, "packets, bytes, longest, shortest", g[1:5], w[1:5])
	left := a.dump()
	if l := strings.Fields(left[len(left)-1]); l[1] != "0" || l[2] != "0" || l[3] != strings.Fields(want[len(want)-1])[3] && l[3] == "0" {
		t.Errorf("left behind: %v", l)
	}
}

func TestTransaction(t *testing.T) {
	a, b := start(t, "a"), start(t, "b")
	a.send(trace(11, 200))
	b.send(trace(12, 100))
	wantA, wantB := a.dump(), b.dump()
	image := a.dial().must("EXPORT all", nil)

	for _, end := range []string{"ABORT", "close", "half a line", "nonsense then ABORT"} {
		ca, cb := a.dial(), b.dial()
		ca.must("EXPORT hold all", nil)
		cb.must(fmt.Sprintf("IMPORT hold %d", len(image)), image)
		switch end {
		case "ABORT":
			ca.must("ABORT", nil)
			cb.must("ABORT", nil)
		case "half a line":
			io.WriteString(ca, "COMM")
			io.WriteString(cb, "COMM")
		case "nonsense then ABORT":
			if _, code := ca.do("EXPORT all", nil); code != "held" {
				t.Error("export under hold:", code)
			}
			if _, code := cb.do("\x01\x02 %n%s", nil); code != "request" {
				t.Error("nonsense:", code)
			}
			ca.must("ABORT", nil)
		}
		ca.Close()
		cb.Close()
		equal(t, end, a.dump(), wantA)
		equal(t, end, b.dump(), wantB)
	}
	c := a.dial()
	for _, r := range []string{"COMMIT", "ABORT", "RENEW"} {
		if _, code := c.do(r, nil); code == "" {
			t.Error(r, "without a hold")
		}
	}
	if _, code := c.do("EXPORT nw_src=1.2.3", nil); code != "filter" {
		t.Error("bad filter:", code)
	}
	if _, code := c.do("EXPORT state tp_src=1", nil); code != "filter" {
		t.Error("state with a filter:", code)
	}
}

func TestHostilePeers(t *testing.T) {
	a := start(t, "a")
	a.send(trace(13, 100))
	want := a.dump()
	image := a.dial().must("EXPORT snapshot", nil)
	bad := func(name string, change func([]byte) []byte, code string) {
		x := change(append([]byte(nil), image...))
		if _, got := a.dial().do(fmt.Sprintf("IMPORT %d", len(x)), x); got != code {
			t.Errorf("%s: %q, not %q", name, got, code)
		}
		equal(t, name, a.dump(), want)
	}
	bad("empty", func([]byte) []byte { return nil }, "image")
	bad("short", func(b []byte) []byte { return b[:100] }, "image")
	bad("flipped", func(b []byte) []byte { b[len(b)/2] ^= 4; return b }, "image")
	bad("magic", func(b []byte) []byte { b[0] = 'X'; return b }, "image")
	bad("version", func(b []byte) []byte { binary.LittleEndian.PutUint32(b[8:], 9); return b }, "version")

	for _, line := range []string{"IMPORT 99999999999999999999", "IMPORT 4000000000", "IMPORT -1", "IMPORT x"} {
		if _, code := a.dial().do(line, nil); code == "" {
			t.Error(line, "was taken")
		}
	}
	c := a.dial()
	io.WriteString(c, "IMPORT 500000000\nabc") // and no more
	c.Close()
	c = a.dial()
	junk := make([]byte, 200000)
	rand.New(rand.NewSource(1)).Read(junk)
	c.Write(bytes.ReplaceAll(junk, []byte("\n"), []byte("x")))
	c.Close()
	for range 20 {
		a.dial() // they say nothing, and wait in line
		a.send(trace(14, 3))
	}
}

func TestSocket(t *testing.T) {
	a := start(t, "a")
	fi, err := os.Stat(a.socket)
	if err != nil || fi.Mode().Perm() != 0o600 {
		t.Errorf("%v %v", fi.Mode(), err)
	}
	if hello := string(a.dial().must("HELLO", nil)); !strings.Contains(hello, "name a\n") || !strings.Contains(hello, "phase running\n") {
		t.Error(hello)
	}
	// A second one of the same name does without, and says so.
	prog, _ := box()
	cmd := exec.Command(prog)
	cmd.Env = append(os.Environ(), "SAZ_SOCKET="+a.socket)
	cmd.Stdin = strings.NewReader(strings.Join(trace(1, 3), "\n") + "\n")
	out, err := cmd.CombinedOutput()
	if err != nil || !bytes.Contains(out, []byte("saz: no control socket")) || bytes.Count(out, []byte("\n")) != 4 {
		t.Errorf("%v\n%s", err, out)
	}
	// One that was killed leaves a socket that the next takes over.
	stale := filepath.Join(t.TempDir(), "s.sock")
	l, err := net.Listen("unix", stale)
	if err != nil {
		t.Fatal(err)
	}
	l.(*net.UnixListener).SetUnlinkOnClose(false)
	l.Close()
	cmd = exec.Command(prog)
	cmd.Env = append(os.Environ(), "SAZ_SOCKET="+stale)
	cmd.Stdin = strings.NewReader("")
	if out, err := cmd.CombinedOutput(); err != nil || len(out) != 0 {
		t.Errorf("%v\n%s", err, out)
	}
	if _, err := os.Lstat(stale); err == nil {
		t.Error("not removed at exit")
	}
}

// Packet threads stand still while somebody looks at their state, and each has marks of its own.
func TestThreads(t *testing.T) {
	t.Parallel()
	for _, words := range []string{"0", "1"} { // brackets out of line, and in line
		prog := compile(t, "threads", []string{"-std=gnu99", "-O1", "-fsanitize=thread", "-DSAZ_THREADS=1", "-DSAZ_MARK_WORDS=" + words}, "threads.c", "box.c", "box_glue.c")
		// On a busy machine who stops the others may hardly get a turn: then again.
		for tries := 5; ; tries-- {
			cmd := exec.Command(prog)
			cmd.Env = append(os.Environ(), "SAZ_SERVICE=off", "TSAN_OPTIONS=halt_on_error=1")
			out, err := cmd.CombinedOutput()
			done, right := strings.CutPrefix(string(out), "4000 dealt, 4000 moved, 0 wrong, 3 blocks, ")
			if err != nil || !right || tries == 1 && done != "stopped often\n" {
				t.Errorf("words %s: %v\n%s", words, err, out)
			}
			if err != nil || !right || done == "stopped often\n" || tries == 1 {
				break
			}
		}
	}
}

// Whatever threads do with blocks, and whoever looks meanwhile: what is written down in the end is what there is.
func TestHeap(t *testing.T) {
	t.Parallel()
	for _, flags := range [][]string{{"-O2", "-DSAZ_MARK_WORDS=1"}, {"-O2", "-DSAZ_TEST", "-DSAZ_MARK_WORDS=1"}, {"-O1", "-fsanitize=thread", "-DSAZ_TEST", "-DSAZ_MARK_WORDS=1"}} {
		prog := compile(t, "heap", append([]string{"-std=gnu99"}, flags...), "heap.c", "box.c", "box_glue.c")
		for range 3 {
			cmd := exec.Command(prog)
			cmd.Env = append(os.Environ(), "SAZ_SERVICE=off")
			if out, err := cmd.CombinedOutput(); err != nil {
				t.Errorf("%v: %v\n%s", flags, err, out)
			}
		}
	}
}
