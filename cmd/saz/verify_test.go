package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"
)

const watched = `#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <sys/socket.h>

struct flow { struct flow *next; unsigned char key; struct { int packets, bytes; } count[2]; };
static struct flow *flows;
static int total;
int limit = 3;

static struct flow *find(unsigned char key)
{
	struct flow *f;
	for (f = flows; f; f = f->next)
		if (f->key == key)
			return f;
	f = calloc(1, sizeof *f);
	f->key = key;
	f->next = flows;
	flows = f;
	return f;
}

static void handle(const unsigned char *p, int n)
{
	struct flow *f = find(p[0]);
	f->count[1].bytes += n;
	total++;
}

int main(void)
{
	unsigned char b[4];
	int fd = dup(0);
	ssize_t n;
	limit = 4;
	while ((n = recv(fd, b, sizeof b, 0)) > 0)
		handle(b, (int)n);
	printf("%d\n", total);
	return 7;
}
`

// watching is a program built with --verify, whose patched text can be changed.
type watching struct {
	t   *testing.T
	dir string
}

func newWatching(t *testing.T, text string, flags ...string) *watching {
	w := &watching{t, t.TempDir()}
	write(t, w.dir, "w.c", text)
	saz(t, w.dir, 0, append(append([]string{"instrument", "-q", "--verify", "-o", "out"}, flags...), "w.c", "--", "-g", "-pthread")...)
	return w
}

// run replaces a line of the patched text (up to which marks it has), and runs the program.
func (w *watching) run(line, by string, packets []string, env ...string) ran {
	w.t.Helper()
	file := filepath.Join(w.dir, "out", "w.c")
	before, err := os.ReadFile(file)
	if err != nil {
		w.t.Fatal(err)
	}
	if line != "" {
		lines := strings.Split(string(before), "\n")
		n := 0
		for i, l := range lines {
			if strings.Contains(l, line) {
				lines[i] = by
				n++
			}
		}
		if n != 1 {
			w.t.Fatalf("%d lines with %q in\n%s", n, line, before)
		}
		write(w.t, w.dir, "out/w.c", strings.Join(lines, "\n"))
		defer os.WriteFile(file, before, 0o644)
	}
	os.Remove(filepath.Join(w.dir, "out", "w"))
	now := time.Now().Add(time.Hour)
	os.Chtimes(file, now, now)
	if r := runIn(w.t, w.dir, "make", "-s", "-C", "out"); r.code != 0 || r.err != "" && !strings.Contains(r.err, "in the future") && !strings.Contains(r.err, "Clock skew") {
		w.t.Fatalf("make: %s%s", r.out, r.err)
	}
	return withDatagrams(w.t, exec.Command(filepath.Join(w.dir, "out", "w")), packets, env)
}

// A mark removed by hand is caught: which variable, field, packet. The exit status is 86.
func TestVerify(t *testing.T) {
	w := newWatching(t, watched)
	packets := []string{"aa", "b", "a"}
	if r := w.run("", "", packets); r.code != 7 || r.err != "" || r.out != "3\n" {
		t.Errorf("as it is: %+v", r)
	}
	if r := w.run("", "", nil); r.code != 7 || r.err != "" {
		t.Errorf("without packets: %+v", r)
	}
	cases := []struct {
		name, line, by string
		want           []string
	}{
		{"variable", "total++;", "total++;", []string{"packet 1 updates total, and no mark announced it", "total at 0x", "was 0x0 and is 0x1", "3 unannounced updates"}},
		{"block", "f->count[1].bytes += n;", "f->count[1].bytes += n;", []string{"packet 3 updates flows", "(struct flow).count[1].bytes, allocated at w.c:19", "1 unannounced updates"}},
		// What the analysis takes for constant is watched too: here someone it has not seen writes.
		{"constant", "total++;", "saz_updated[0] = saz_updated[1] = 1; total++; if (n == 2) limit++;", []string{"packet 1 updates limit, and it was taken for constant"}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			r := w.run(c.line, c.by, packets)
			if r.code != 86 || r.out != "3\n" {
				t.Errorf("exit status %d, output %q", r.code, r.out)
			}
			for _, want := range c.want {
				if !strings.Contains(r.err, want) {
					t.Errorf("%q is not in\n%s", want, r.err)
				}
			}
		})
	}
	if r := w.run("total++;", "total++;", packets, "SAZ_VERIFY_GO_ON=1"); r.code != 7 || r.err == "" {
		t.Errorf("told to go on: %+v", r)
	}
	if r := w.run("total++;", "total++;", packets, "SAZ_VERIFY_EVERY=100"); r.code != 7 || r.err != "" {
		t.Errorf("no packet compared: %+v", r)
	}
}

// The receiving thread waits in the midst of its packet for the one that it hands it to.
const handed = `#include <pthread.h>
#include <semaphore.h>
#include <stdio.h>
#include <unistd.h>
#include <sys/socket.h>

static sem_t full, done;
static unsigned char job[4];
static int received, bytes;

static void *work(void *arg)
{
	for (;;) {
		sem_wait(&full);
		if (!job[0])
			return arg;
		bytes += job[0];
		sem_post(&done);
	}
}

int main(void)
{
	unsigned char b[4];
	int fd = dup(0);
	pthread_t t;
	sem_init(&full, 0, 0);
	sem_init(&done, 0, 0);
	pthread_create(&t, NULL, work, NULL);
	while (recv(fd, b, sizeof b, 0) > 0) {
		received++;
		job[0] = b[0];
		sem_post(&full);
		sem_wait(&done);
	}
	job[0] = 0;
	sem_post(&full);
	pthread_join(t, NULL);
	printf("%d %d\n", received, bytes);
	return 0;
}
`

// With --track all the program's start is watched, up to the call that waits for the first packet: what that receives is not the start's. It goes
// on behind a call that waits and brings none.
func TestVerifyStart(t *testing.T) {
	w := newWatching(t, `#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>
char buf[8];
long got, slept, n;
int main(void)
{
	usleep(1);
	slept = 1;
	while ((n = recv(0, buf, sizeof buf, 0)) > 0)
		got += n;
	printf("%ld\n", got);
	return 0;
}
`, "--track", "all")
	packets := []string{"aa", "b", "a"}
	if r := w.run("", "", packets); r.code != 0 || r.err != "" || r.out != "4\n" {
		t.Errorf("as it is: %+v", r)
	}
	if r := w.run("slept = 1", "\tslept = 1;", packets); r.code != 86 || !strings.Contains(r.err, "packet 0 updates slept") {
		t.Errorf("without a mark: %+v", r)
	}
}

// Packets that overlap are compared together, with the marks of all of them.
func TestVerifyOverlap(t *testing.T) {
	w := newWatching(t, handed)
	packets := strings.Split(strings.Repeat("a", 40), "")
	out := filepath.Join(w.dir, "summary")
	if r := w.run("", "", packets, "SAZ_VERIFY_OUT="+out); r.code != 0 || r.out != "40 3880\n" {
		t.Errorf("as it is: %+v", r)
	}
	text, _ := os.ReadFile(out)
	if !regexp.MustCompile(`of them together, up to \d+, since threads' packets overlapped.*; 0 unannounced`).Match(text) {
		t.Errorf("%s", text)
	}
	for _, c := range []struct{ line, by, name string }{
		{"bytes +=", "bytes += job[0];", "bytes"},
		{"received++", "received++;", "received"},
	} {
		r := w.run(c.line, c.by, packets)
		if r.code != 86 || !strings.Contains(r.err, "updates "+c.name+", and no mark announced it") {
			t.Errorf("without the mark of %s: %+v", c.name, r)
		}
	}
}

// A signal that the program does not handle ends it as it would have, but for the summary, and for the exit status if a mark is missing. One that it
// handles or that is ignored is its own.
func TestVerifySignal(t *testing.T) {
	const text = `#include <signal.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>
static int total;
static void mine(int s) { (void)s; _exit(9); }
int main(int argc, char **argv)
{
	char b[4];
	if (argv[argc - 1][0] == 'h')
		signal(SIGTERM, mine);
	while (recv(0, b, sizeof b, 0) > 0) {
		total++;
		if (b[0] == 't')
			raise(SIGTERM);
		if (b[0] == 'i')
			raise(SIGINT);
	}
	printf("%d\n", total);
	return 7;
}
`
	for _, flags := range [][]string{nil, {"--track", "all"}} {
		w := newWatching(t, text, flags...)
		out := filepath.Join(w.dir, "summary")
		for _, c := range []struct {
			shell, packet, by string
			code              int
			said              string
		}{
			{"exec out/w", "t", "", 128 + int(syscall.SIGTERM), "saz: verify: 2 packets, "},
			{"exec out/w", "i", "", 128 + int(syscall.SIGINT), "saz: verify: 2 packets, "},
			{"exec out/w", "t", "\t\ttotal++;", 86, "updates total, and no mark announced it"},
			{"exec out/w h", "t", "", 9, ""},
			{"trap '' TERM; exec out/w", "t", "", 7, "saz: verify: 3 packets, "},
		} {
			os.Remove(out)
			line := ""
			if c.by != "" {
				line = "total++;"
			}
			w.run(line, c.by, nil) // builds it
			r := withDatagrams(t, exec.Command("sh", "-c", "cd "+w.dir+"; ("+c.shell+"); exit $?"), []string{"a", c.packet}, []string{"SAZ_VERIFY_OUT=" + out})
			said, _ := os.ReadFile(out)
			if r.code != c.code || !strings.Contains(string(said), c.said) || c.said == "" && len(said) != 0 {
				t.Errorf("%v %s, a packet %s: %+v\n%s", flags, c.shell, c.packet, r, said)
			}
			if c.code > 128 && !strings.Contains(string(said), " 1 left out, ") {
				t.Errorf("the packet in which it ends is not left out: %s", said)
			}
			if n := strings.Count(string(said), "variables watched"); n > 1 || n == 0 && c.said != "" {
				t.Errorf("%s: %d summaries\n%s", c.shell, n, said)
			}
		}
	}
}

// withDatagrams runs cmd with a socket as its standard input on which packets wait, and which
// is shut after them.
func withDatagrams(t *testing.T, cmd *exec.Cmd, packets []string, env []string) ran {
	t.Helper()
	fds, err := syscall.Socketpair(syscall.AF_UNIX, syscall.SOCK_SEQPACKET, 0)
	if err != nil {
		t.Fatal(err)
	}
	in := os.NewFile(uintptr(fds[0]), "packets")
	defer in.Close()
	for _, p := range packets {
		if _, err := syscall.Write(fds[1], []byte(p)); err != nil {
			t.Fatal(err)
		}
	}
	syscall.Close(fds[1])
	cmd.Stdin = in
	cmd.Env = append(os.Environ(), env...)
	var out, errs strings.Builder
	cmd.Stdout, cmd.Stderr = &out, &errs
	if err := cmd.Run(); cmd.ProcessState == nil {
		t.Fatal(err)
	}
	return ran{out.String(), errs.String(), cmd.ProcessState.ExitCode()}
}

// What only assembly calls, in a statement, as an operand of one, or at file scope, updates what it updates; a variable that
// assembly names is a warning that says what to do.
func TestVerifyAssembly(t *testing.T) {
	if runtime.GOARCH != "amd64" {
		t.Skip("the assembly is x86-64's")
	}
	const text = `#include <stdio.h>
#include <sys/types.h>
#include <sys/socket.h>
static long total, steps, files, wide;
static long direct;
static void __attribute__((used)) step(void) { steps++; }
static void __attribute__((used)) filed(void) { files += 2; }
static void __attribute__((used)) incq(void) { direct = 0; } /* an instruction's name is no call */
static void widen(void) { wide += 3; }
asm("entry:\n\tsubq $8, %rsp\n\tcall filed\n\taddq $8, %rsp\n\tINC\n\tret\n");
void entry(void);
#define REGISTERS "memory", "rax", "rcx", "rdx", "rsi", "rdi", "r8", "r9", "r10", "r11"
static void handle(const unsigned char *p)
{
	total += p[0];
	asm volatile("subq $128, %%rsp\n\tcall step\n\taddq $128, %%rsp" : : : REGISTERS);
	asm volatile("subq $128, %%rsp\n\tcall %P0\n\taddq $128, %%rsp" : : "i"(widen) : REGISTERS);
	entry();
}
int main(void)
{
	unsigned char b[8] = "1";
	int fd[2], i;
	socketpair(AF_UNIX, SOCK_DGRAM, 0, fd);
	for (i = 0; i < 3; i++)
		send(fd[1], b, 4, 0);
	while (recv(fd[0], b, 4, MSG_DONTWAIT) == 4)
		handle(b);
	printf("%ld %ld %ld %ld %ld\n", total, steps, files, wide, direct);
	return 0;
}
`
	for _, inc := range []string{"nop", "incq direct(%rip)"} {
		dir := t.TempDir()
		write(t, dir, "w.c", strings.Replace(text, "INC", inc, 1))
		r := saz(t, dir, 0, "instrument", "--verify", "-o", "out", "w.c", "--", "-O2", "-no-pie")
		named := strings.Contains(r.err, "w.c:10:1: warning: assembly names direct here")
		if inc == "nop" && strings.Contains(r.err, "warning") || inc != "nop" && !(named && strings.Contains(r.err, `"+m"(direct)`)) {
			t.Errorf("%s: %s", inc, r.err)
		}
		if r := runIn(t, dir, "make", "-s", "-C", "out"); r.code != 0 {
			t.Fatalf("%s%s", r.out, r.err)
		}
		r = runIn(t, dir, "out/w")
		if want := map[bool]int{true: 0, false: 86}[inc == "nop"]; r.code != want || !strings.HasPrefix(r.out, "147 3 6 9 ") {
			t.Errorf("%s: exit status %d\n%s%s", inc, r.code, r.out, r.err)
		}
	}
}
