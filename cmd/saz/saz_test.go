package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"sort"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"

	"saz/passes/report"
)

// The commands are run as a user runs them: as programs, from a directory with
// the sources.
var bin string

func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "saz-test-")
	if err != nil {
		panic(err)
	}
	bin = dir
	if out, err := exec.Command("go", "build", "-o", dir+"/", "saz/cmd/saz", "saz/cmd/saz-cc").CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "%s\n", out)
		os.Exit(1)
	}
	os.Setenv("XDG_CACHE_HOME", filepath.Join(dir, "cache")) // not the user's
	code := m.Run()
	os.RemoveAll(dir)
	os.Exit(code)
}

type ran struct {
	out, err string
	code     int
}

func runIn(t *testing.T, dir, name string, args ...string) ran {
	t.Helper()
	cmd := exec.Command(name, args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "PATH="+bin+":"+os.Getenv("PATH"))
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	err := cmd.Run()
	code := 0
	if ee, ok := err.(*exec.ExitError); ok {
		code = ee.ExitCode()
	} else if err != nil {
		t.Fatalf("%s %v: %v", name, args, err)
	}
	return ran{out.String(), errs.String(), code}
}

func saz(t *testing.T, dir string, want int, args ...string) ran {
	t.Helper()
	r := runIn(t, dir, filepath.Join(bin, "saz"), args...)
	if r.code != want {
		t.Fatalf("saz %s: exit status %d, want %d\n%s%s", strings.Join(args, " "), r.code, want, r.out, r.err)
	}
	return r
}

// example copies an example and builds it under saz-cc.
func example(t *testing.T, name string) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), name)
	if out, err := exec.Command("cp", "-r", filepath.Join("..", "..", "examples", name), dir).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	runIn(t, dir, "make", "-s", "clean")
	if r := runIn(t, dir, "make", "-s", "CC="+bin+"/saz-cc gcc"); r.code != 0 || r.err != "" {
		t.Fatalf("make: %d\n%s%s", r.code, r.out, r.err)
	}
	return dir
}

func analyze(t *testing.T, dir string, target ...string) *report.Report {
	t.Helper()
	r := saz(t, dir, 0, append([]string{"analyze", "--format", "json"}, target...)...)
	var rep report.Report
	if err := json.Unmarshal([]byte(r.out), &rep); err != nil {
		t.Fatal(err)
	}
	return &rep
}

func names(r *report.Report, keep func(*report.Variable) bool) []string {
	out := []string{}
	for i := range r.Variables {
		if v := &r.Variables[i]; keep(v) {
			name := v.Name
			if v.Procedure != "" {
				name = v.Procedure + "." + name
			}
			out = append(out, name)
		}
	}
	sort.Strings(out)
	return out
}

func variable(t *testing.T, r *report.Report, name string) *report.Variable {
	t.Helper()
	for i := range r.Variables {
		if r.Variables[i].Name == name {
			return &r.Variables[i]
		}
	}
	t.Fatalf("no variable %s in the report", name)
	return nil
}

func global(v *report.Variable) bool { return v.Kind == "global" || v.Kind == "static" }

// The paper's running example, with the verdicts of its text (4.1 to 4.3).
func TestFigure3(t *testing.T) {
	dir := example(t, "figure3")
	r := analyze(t, dir, "./figure3")
	if diff := cmp.Diff([]string{"extPcap", "head", "hosts", "intPcap", "queue", "tail", "threshold"},
		names(r, func(v *report.Variable) bool { return global(v) && v.Persistent })); diff != "" {
		t.Errorf("persistent globals: %s", diff)
	}
	locals := strings.Join(names(r, func(v *report.Variable) bool { return !global(v) }), " ")
	for _, want := range []string{"loopProcedure.pcapHdr", "loopProcedure.pkt", "loopProcedure.entry", "processPacket.pkt", "processPacket.entry"} {
		if !strings.Contains(locals, want) {
			t.Errorf("%s is a loop procedure's local and not persistent in %s", want, locals)
		}
	}
	if diff := cmp.Diff([]string{"head", "hosts", "queue", "tail"},
		names(r, func(v *report.Variable) bool { return global(v) && v.Updateable })); diff != "" {
		t.Errorf("updateable globals: %s", diff)
	}
	// tail is never on the left of an assignment: only through the alias in dequeue.
	if why := fmt.Sprint(variable(t, r, "tail").Why); !strings.Contains(why, "*index") {
		t.Errorf("tail is updated because %s", why)
	}
	hosts := variable(t, r, "hosts")
	if diff := cmp.Diff([]string{"nw_src"}, hosts.Flowspace); diff != "" {
		t.Errorf("flowspace of hosts: %s", diff)
	}
	if hosts.Container == nil || hosts.Container.Shape != "list" || hosts.Container.EntryType != "struct host" ||
		!cmp.Equal(hosts.Container.Keys, []report.Key{{Field: "ip", Header: "nw_src"}}) {
		t.Errorf("container of hosts: %+v", hosts.Container)
	}
}

// The paper's Figure 9: three marks, and the one on its line 20 pruned.
func TestFigure9(t *testing.T) {
	dir := example(t, "figure9")
	saz(t, dir, 0, "instrument", "-o", "out", "./figure9")
	text, err := os.ReadFile(filepath.Join(dir, "out", "figure9.c"))
	if err != nil {
		t.Fatal(err)
	}
	mark := regexp.MustCompile(`saz_updated\[(\d+)\] = 1; `)
	got := map[string]string{}
	for _, l := range strings.Split(string(text), "\n") {
		if m := mark.FindAllStringSubmatch(l, -1); m != nil {
			var ids []string
			for _, x := range m {
				ids = append(ids, x[1])
			}
			got[strings.TrimSpace(mark.ReplaceAllString(l, ""))] = strings.Join(ids, " ")
		}
	}
	// The ids are the paper's: tbl 0, count 1, tcpcnt 2.
	if diff := cmp.Diff(map[string]string{
		"count = count + 1;":              "1",
		"*c = *c + 1;":                    "2",
		"s->flags = s->flags | t->flags;": "0",
	}, got); diff != "" {
		t.Errorf("marks: %s", diff)
	}
	var m struct{ Marks, Pruned int }
	b, _ := os.ReadFile(filepath.Join(dir, "out", "saz.json"))
	if err := json.Unmarshal(b, &m); err != nil || m.Marks != 3 || m.Pruned != 1 {
		t.Errorf("manifest says %+v (%v), want 3 marks and 1 pruned", m, err)
	}
	if r := runIn(t, dir, "make", "-s", "-C", "out"); r.code != 0 || r.err != "" {
		t.Errorf("the instrumented program does not build: %s%s", r.out, r.err)
	}
}

// Verdicts on the monitor, written down from reading its code.
func TestMonitor(t *testing.T) {
	dir := example(t, "monitor")
	r := analyze(t, dir, "./monitor")
	if diff := cmp.Diff([]string{"buckets", "config", "dst_text", "host_count", "host_tab", "pkt", "sequence.last", "since_sweep", "src_text", "transports"},
		dropFlags(names(r, func(v *report.Variable) bool { return global(v) && v.Updateable }))); diff != "" {
		t.Errorf("updateable: %s", diff)
	}
	if diff := cmp.Diff([]string{"dst_text", "pkt", "src_text"},
		names(r, func(v *report.Variable) bool { return global(v) && v.Scratch })); diff != "" {
		t.Errorf("scratch: %s", diff)
	}
	// transports is constant; what it points at, config's counters, is not.
	if diff := cmp.Diff([]string{"buckets", "config", "host_count", "host_tab", "sequence.last", "since_sweep"},
		dropFlags(names(r, func(v *report.Variable) bool { return v.Tracked }))); diff != "" {
		t.Errorf("tracked: %s", diff)
	}
	for _, f := range variable(t, r, "config").UpdatedFields {
		if !strings.HasPrefix(f, "stats.") {
			t.Errorf("config.%s is called updateable; only its counters are", f)
		}
	}
	for _, m := range variable(t, r, "config").Merge {
		if m.Op != "add" {
			t.Errorf("config.%s merges by %s, want add", m.Field, m.Op)
		}
	}
	conn := variable(t, r, "buckets")
	if conn.Scope != "per-flow" || conn.Container == nil || conn.Container.Shape != "hash-list" {
		t.Errorf("buckets: %s %+v", conn.Scope, conn.Container)
	}
	keys := map[string]string{}
	if conn.Container != nil {
		for _, k := range conn.Container.Keys {
			keys[k.Header] = k.Field
		}
	}
	for header, field := range map[string]string{"nw_src": "src", "nw_dst": "dst", "tp_src": "sport", "tp_dst": "dport", "nw_proto": "proto"} {
		if keys[header] != field {
			t.Errorf("buckets: %s is bound to %q, want %s", header, keys[header], field)
		}
	}
	host := variable(t, r, "host_tab")
	if host.Scope != "multi-flow" || host.Container == nil || host.Container.Shape != "hash-list" || len(host.Flowspace) == 0 || host.Flowspace[0] != "nw_src" {
		t.Errorf("host_tab: %s %v %+v", host.Scope, host.Flowspace, host.Container)
	}
}

// dropFlags leaves out what only a signal handler writes: whether that counts is
// a matter of taste, and docs/assumptions.md says that it does.
func dropFlags(list []string) []string {
	out := list[:0]
	for _, n := range list {
		if n != "stopped" {
			out = append(out, n)
		}
	}
	return out
}

// The report is the same bytes at every -j and on every run, cost aside.
func TestDeterminism(t *testing.T) {
	dir := example(t, "monitor")
	cost := regexp.MustCompile(`(?s)"cost": \{.*`)
	var first string
	for _, j := range []string{"1", "2", "4", "7"} {
		got := cost.ReplaceAllString(saz(t, dir, 0, "analyze", "-f", "json", "-j", j, "./monitor").out, "")
		if first == "" {
			first = got
		} else if got != first {
			t.Fatalf("-j %s: %s", j, cmp.Diff(first, got))
		}
	}
}

func write(t *testing.T, dir, name, text string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

const tiny = `#include <sys/socket.h>
int total;
int main(void) { char b[64]; while (recv(0, b, sizeof b, 0) > 0) total++; return total; }
`

// Bad input: a clear message with a place, the documented status, nothing half-written.
func TestBadInput(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, "ok.c", tiny)
	write(t, dir, "broken.c", "int f(void) { return 1; }\nint g(void) { int x = = 3; return x; }\n"+tiny)
	write(t, dir, "missing.c", "#include \"nowhere.h\"\n"+tiny)
	cases := []struct {
		name string
		code int
		args []string
		want []string // parts of stderr
	}{
		{"broken C", 3, []string{"analyze", "broken.c"}, []string{"broken.c:2:", "^", "[parse-error]"}},
		{"missing header", 3, []string{"analyze", "missing.c"}, []string{"missing.c:1:", "nowhere.h", "[include-not-found]"}},
		{"no such file", 2, []string{"analyze", "absent.c"}, []string{"absent.c"}},
		{"no target", 2, []string{"analyze"}, []string{"TARGET"}},
		{"unknown command", 2, []string{"analyse", "ok.c"}, []string{"analyse"}},
		{"unknown flag", 2, []string{"analyze", "--frobnicate", "ok.c"}, []string{"frobnicate"}},
		{"unknown format", 2, []string{"analyze", "--format", "xml", "ok.c"}, []string{"xml", "json"}},
		{"unknown variable", 2, []string{"explain", "ok.c", "totl"}, []string{"totl", "total"}},
		{"not recorded", 2, []string{"analyze", "/bin/true"}, []string{"saz-cc"}},
		{"bad model file", 2, []string{"analyze", "--models", "ok.c", "ok.c"}, []string{"ok.c"}},
		{"instrument without -o", 2, []string{"instrument", "ok.c"}, []string{"-o"}},
		{"no amount of memory", 2, []string{"analyze", "--memory", "much", "ok.c"}, []string{"--memory", "much", "500M"}},
		{"directory not ours", 2, []string{"instrument", "-o", ".", "ok.c"}, []string{"not written by saz"}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			r := saz(t, dir, c.code, c.args...)
			for _, w := range c.want {
				if !strings.Contains(r.err, w) {
					t.Errorf("stderr lacks %q:\n%s", w, r.err)
				}
			}
		})
	}
	// The report is still written, with the error in it.
	r := saz(t, dir, 3, "analyze", "-f", "json", "broken.c")
	var rep report.Report
	if err := json.Unmarshal([]byte(r.out), &rep); err != nil || rep.Counts.ParseErrors != 1 || len(rep.Diagnostics) != 1 {
		t.Errorf("report of a broken program: %v, %d errors, %v", err, rep.Counts.ParseErrors, rep.Diagnostics)
	}
}

// A program that needs more memory than it may have is told so, and nothing is written.
func TestTooLittleMemory(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, "ok.c", tiny)
	write(t, dir, "report.json", "before")
	r := saz(t, dir, 2, "analyze", "--memory", "2M", "-f", "json", "-o", "report.json", "ok.c")
	if !strings.Contains(r.err, "more than 2 MB of memory") || !strings.Contains(r.err, "--memory SIZE") {
		t.Errorf("stderr: %s", r.err)
	}
	if b, err := os.ReadFile(filepath.Join(dir, "report.json")); err != nil || string(b) != "before" {
		t.Errorf("the report that was there is now %q, %v", b, err)
	}
}

// A disk that is full: the tree that was there stays, and no part of a new one is left.
func TestFullDisk(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, "ok.c", tiny)
	saz(t, dir, 0, "instrument", "-o", "out", "ok.c")
	before := listing(t, dir)
	cmd := exec.Command("sh", "-c", "ulimit -f 4; exec "+bin+"/saz instrument -o out ok.c")
	cmd.Dir = dir
	out, err := cmd.CombinedOutput()
	ee, ok := err.(*exec.ExitError)
	if !ok || ee.ExitCode() != exitUsage {
		t.Fatalf("exit: %v, want status %d\n%s", err, exitUsage, out)
	}
	if !strings.Contains(string(out), syscall.EFBIG.Error()) {
		t.Errorf("the message does not say what is wrong: %s", out)
	}
	if diff := cmp.Diff(before, listing(t, dir)); diff != "" {
		t.Errorf("the directory changed: %s", diff)
	}
}

func listing(t *testing.T, dir string) map[string]string {
	t.Helper()
	out := map[string]string{}
	filepath.Walk(dir, func(path string, st os.FileInfo, err error) error {
		if err == nil && !st.IsDir() {
			b, _ := os.ReadFile(path)
			out[path] = string(b)
		}
		return err
	})
	return out
}

// Flags may stand after the target, as people write them.
func TestFlagsAnywhere(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, "ok.c", tiny)
	saz(t, dir, 0, "instrument", "ok.c", "-o", "out1", "-q", "--", "-O1")
	saz(t, dir, 0, "instrument", "-j2", "ok.c", "--output=out2", "-q")
	for _, d := range []string{"out1", "out2"} {
		if _, err := os.Stat(filepath.Join(dir, d, "ok.c")); err != nil {
			t.Error(err)
		}
	}
	if mk, _ := os.ReadFile(filepath.Join(dir, "out1", "Makefile")); !strings.Contains(string(mk), "-O1") {
		t.Errorf("the flags after -- are lost:\n%s", mk)
	}
	saz(t, dir, exitUsage, "instrument", "ok.c", "-o")
}

// Instrumenting every form of statement keeps a program's meaning and its lines.
func TestMarksKeepMeaning(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, "forms.c", forms)
	write(t, dir, "in", strings.Repeat("x", 40))
	if r := runIn(t, dir, "gcc", "-Wall", "-Wextra", "-Werror", "-o", "plain", "forms.c"); r.code != 0 {
		t.Fatalf("%s", r.err)
	}
	want := runIn(t, dir, "./plain")
	saz(t, dir, 0, "instrument", "-o", "out", "forms.c", "--", "-Wall", "-Wextra", "-Werror")
	if r := runIn(t, dir, "make", "-s", "-C", "out"); r.code != 0 {
		t.Fatalf("the instrumented program does not build without a warning:\n%s%s", r.out, r.err)
	}
	got := runIn(t, dir, "./out/forms")
	if got.out != want.out || got.code != want.code {
		t.Errorf("plain: %d %q; instrumented: %d %q", want.code, want.out, got.code, got.out)
	}
}

const forms = `#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
int a, b, c, d, e, f[4]; struct s { int x, y; char name[8]; } g, *p = &g;
#define BUMP(v) do { (v)++; } while (0)
#define INC(v) ((v) += 1)
#define SWAP(v, w) t = v; v = w; w = t
#define MAKE(n) static void make##n(void) { a += n; if (a > 99) b = n; }
static int t;
static int bump(int *q) { return ++*q; }
MAKE(1) MAKE(2)
static void work(int n) {
	static int calls;
	calls++;
	if (n > 3) a++; else b++;
	if (n == 1)
		for (int i = 0; i < 2; i++) c += i;
	else while (d < n) d++;
	do e++; while (e < n);
	for (a = a + 1; (b = b + 1) < 3; c++) ;
	switch (n) { case 0: a = 7; break; case 1: case 2: b--; /* fall through */ default: f[n & 3] = n; }
	if ((d = n) > 2 && (e = d) > 3) p->x = n;
	BUMP(a); if (n) BUMP(b); else BUMP(c);
	if (INC(c) > 5) INC(d);
	int old = b++; p->y += old;
	if (n & 1) { SWAP(a, c); }
	SWAP(b, d);
	make1(); if (n) make2();
	memset(p->name, 'a' + n % 20, sizeof p->name - 1);
	if (bump(&a) > 2) goto out;
	b = a ? (c = 2) : (d = 3);
out: e = n; (void)calls;
	return;
}
int main(void) {
	int sv[2]; char m = 0;
	if (socketpair(AF_UNIX, SOCK_DGRAM, 0, sv) != 0) return 1;
	for (int i = 0; i < 9; i++) { m = (char)i; if (send(sv[0], &m, 1, 0) != 1) return 1; }
	for (int i = 0; i < 9; i++) {
		if (recv(sv[1], &m, 1, 0) != 1) return 1;
		work(m);
		printf("%d %d %d %d %d %d %d %d %d %s line %d\n", a, b, c, d, e, f[0], f[3], g.x, g.y, g.name, __LINE__);
	}
	return a & 1;
}
`

// A packet that begins within a statement clears the bits, so the mark of what
// the statement updates comes after.
func TestMarkAfterReceive(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, "late.c", `#include <stdio.h>
#include <sys/socket.h>
long got; int rounds;
extern unsigned char saz_updated[];
static void use(int c) { rounds++; printf("%d %ld\n", c, got); }
int main(void) {
	int sv[2]; char m = 1;
	if (socketpair(AF_UNIX, SOCK_DGRAM, 0, sv) != 0) return 1;
	for (int i = 0; i < 4; i++) if (send(sv[0], &m, 1, 0) != 1) return 1;
	while (rounds < 3) {
		if (rounds == 1) got += recv(sv[1], &m, 1, 0);
		else while ((got += recv(sv[1], &m, 1, 0)) > 5) ;
		use(m);
		if (!saz_updated[0]) return 3;
	}
	return 0;
}
`)
	saz(t, dir, 0, "instrument", "-o", "out", "late.c")
	if r := runIn(t, dir, "make", "-s", "-C", "out"); r.code != 0 || r.err != "" {
		t.Fatalf("%s%s", r.out, r.err)
	}
	r := runIn(t, dir, "./out/late")
	if r.code != 0 || r.out != "1 1\n1 2\n1 3\n" {
		t.Errorf("exit status %d (3: the bit of got is not set after the receive), output %q", r.code, r.out)
	}
}

// An instance that is sent a damaged image says so and goes on as if nothing had been sent.
func TestDamagedImage(t *testing.T) {
	dir := example(t, "monitor")
	saz(t, dir, 0, "instrument", "-q", "-o", "out", "./monitor")
	if r := runIn(t, dir, "make", "-s", "-C", "out"); r.code != 0 {
		t.Fatalf("%s%s", r.out, r.err)
	}
	pcap := filepath.Join(dir, "in.pcap")
	if out, err := exec.Command("go", "run", "saz/examples/traffic", "-flows", "60", "-packets", "900", "-o", pcap).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	whole, err := os.ReadFile(pcap)
	if err != nil {
		t.Fatal(err)
	}
	if r := runIn(t, dir, "./monitor", "-r", pcap, "-l", "want.log"); r.code != 0 {
		t.Fatal(r.err)
	}
	t.Setenv("SAZ_SOCKET_DIR", filepath.Join(dir, "s"))
	t.Setenv("SAZ_INSTANCE", "a")
	fifo := filepath.Join(dir, "fifo")
	if err := syscall.Mkfifo(fifo, 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(filepath.Join(dir, "out", "monitor"), "-r", fifo, "-l", filepath.Join(dir, "got.log"))
	var errs bytes.Buffer
	cmd.Stderr = &errs
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer cmd.Process.Kill()
	f, err := os.OpenFile(fifo, os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	half := len(whole) / 2
	f.Write(whole[:half])
	packets := regexp.MustCompile(`"packets": (\d+)`)
	for last := ""; ; { // until it has read what there is
		now := packets.FindString(saz(t, dir, 0, "ctl", "stats", "--json", "a").out)
		if now == last && !strings.HasSuffix(now, ": 0") {
			break
		}
		last = now
	}
	image := saz(t, dir, 0, "ctl", "export", "--from", "a", "all").out
	if len(image) < 1000 {
		t.Fatalf("the image has %d bytes", len(image))
	}
	damaged := map[string]string{
		"empty":     "",
		"text":      strings.Repeat("hello ", 500),
		"cut":       image[:len(image)/2],
		"bit":       image[:600] + string([]byte{image[600] ^ 0x40}) + image[601:],
		"longer":    image + "more",
		"bad magic": "x" + image[1:],
	}
	for name, text := range damaged {
		write(t, dir, "bad.img", text)
		r := runIn(t, dir, filepath.Join(bin, "saz"), "ctl", "import", "--to", "a", "bad.img")
		if r.code != exitFindings || r.err == "" {
			t.Errorf("%s: exit status %d, message %q; want a refusal with status 1", name, r.code, r.err)
		}
	}
	if got := saz(t, dir, 0, "ctl", "export", "--from", "a", "all").out; got != image {
		t.Errorf("the state changed: an image of %d bytes before, %d after", len(image), len(got))
	}
	f.Write(whole[half:])
	f.Close()
	if err := cmd.Wait(); err != nil {
		t.Fatalf("the monitor ended with %v: %s", err, errs.String())
	}
	want, _ := os.ReadFile(filepath.Join(dir, "want.log"))
	got, _ := os.ReadFile(filepath.Join(dir, "got.log"))
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		t.Errorf("the log changed: %s", diff)
	}
}
