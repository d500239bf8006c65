package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"strings"
	"syscall"
	"testing"
	"time"

	"saz/frontend/build"
)

// TestMain is saz-cc itself when it is started by a name that is not that of
// the test: the tests link to this binary.
func TestMain(m *testing.M) {
	if base := filepath.Base(os.Args[0]); !strings.HasSuffix(base, ".test") {
		main()
		os.Exit(0)
	}
	os.Unsetenv("SAZ_LOG")
	os.Unsetenv("SAZ_DISABLE")
	os.Exit(m.Run())
}

// bench is a directory with sources in it and saz-cc in bin/.
type bench struct {
	t   *testing.T
	dir string
	saz string
	log string
}

func setup(t *testing.T, files map[string]string) *bench {
	t.Helper()
	if _, err := exec.LookPath("gcc"); err != nil {
		t.Skip("no gcc")
	}
	top := t.TempDir()
	b := &bench{t: t, dir: filepath.Join(top, "src"), saz: filepath.Join(top, "bin", "saz-cc"), log: filepath.Join(top, "log")}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	os.MkdirAll(b.dir, 0o777)
	os.MkdirAll(filepath.Dir(b.saz), 0o777)
	if err := os.Symlink(self, b.saz); err != nil {
		t.Fatal(err)
	}
	for name, text := range files {
		path := filepath.Join(b.dir, name)
		os.MkdirAll(filepath.Dir(path), 0o777)
		if err := os.WriteFile(path, []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	t.Chdir(b.dir)
	return b
}

type outcome struct {
	out, err string
	code     int
	signal   syscall.Signal
}

func start(dir string, env []string, stdin string, args ...string) (o outcome) {
	cmd := exec.Command(args[0], args[1:]...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), env...)
	cmd.Stdin = strings.NewReader(stdin)
	var out, msg bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &msg
	err := cmd.Run()
	if cmd.ProcessState == nil {
		return outcome{err: err.Error(), code: -1}
	}
	ws := cmd.ProcessState.Sys().(syscall.WaitStatus)
	o = outcome{out: out.String(), err: msg.String(), code: cmd.ProcessState.ExitCode()}
	if ws.Signaled() {
		o.signal = ws.Signal()
	}
	return o
}

// cc runs saz-cc gcc with args, which has to work in silence.
func (b *bench) cc(args ...string) {
	b.t.Helper()
	o := start(b.dir, []string{"SAZ_LOG=" + b.log}, "", append([]string{b.saz, "gcc"}, args...)...)
	if o.code != 0 || o.out != "" || o.err != "" {
		b.t.Fatalf("%q: %+v", args, o)
	}
}

func (b *bench) run(args ...string) {
	b.t.Helper()
	if o := start(b.dir, nil, "", args...); o.code != 0 {
		b.t.Fatalf("%q: %+v", args, o)
	}
}

// lastLog returns decision and reason of the last line of the log.
func (b *bench) lastLog() string {
	b.t.Helper()
	data, err := os.ReadFile(b.log)
	if err != nil {
		b.t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(string(data)), "\n")
	f := strings.Split(lines[len(lines)-1], "\t")
	return f[1] + ": " + f[2]
}

func (b *bench) sources(target string) []string {
	b.t.Helper()
	p, err := build.Load([]string{target}, nil)
	if err != nil {
		b.t.Fatal(err)
	}
	var out []string
	for _, c := range p.Commands {
		out = append(out, c.File)
	}
	return out
}

func (b *bench) expect(target string, want ...string) {
	b.t.Helper()
	if got := b.sources(target); !reflect.DeepEqual(got, want) {
		b.t.Errorf("%s: %q, want %q", target, got, want)
	}
}

var three = map[string]string{
	"a.c": "int b(void), c(void);\nint main(void) { return b() + c() - 5; }\n",
	"b.c": "int b(void) { return 2; }\n",
	"c.c": "int c(void) { return 3; }\n",
	"s.s": ".globl s\ns: ret\n.section .note.GNU-stack\n",
}

func TestObject(t *testing.T) {
	b := setup(t, three)
	b.cc("-c", "-O2", "-DX=\"1 2\"", "b.c", "-o", "out.o")
	p, err := build.Load([]string{"out.o"}, nil)
	if err != nil {
		t.Fatal(err)
	}
	c := p.Commands[0]
	if !reflect.DeepEqual(c.Args, []string{"gcc", "-c", "-O2", "-DX=\"1 2\"", "b.c", "-o", "out.o"}) || c.Dir != b.dir || c.Output != "out.o" ||
		!filepath.IsAbs(c.CC) || c.Changed() {
		t.Errorf("%+v", c)
	}
	// But for the section it is what gcc makes.
	b.run("gcc", "-c", "-O2", "-DX=\"1 2\"", "b.c", "-o", "plain.o")
	b.run("objcopy", "--remove-section="+build.Section, "out.o", "x.o")
	b.run("objcopy", "plain.o", "y.o")
	x, _ := os.ReadFile("x.o")
	y, _ := os.ReadFile("y.o")
	if !bytes.Equal(x, y) || len(x) == 0 {
		t.Error("the object differs in more than the section")
	}
	b.run("strip", "--strip-debug", "out.o")
	b.expect("out.o", "b.c")

	// Two sources, two objects.
	b.cc("-c", "b.c", "c.c")
	b.expect("b.o", "b.c")
	b.expect("c.o", "c.c")
	// Dependency files are a by-product.
	for _, f := range [][]string{{"-MD"}, {"-MMD", "-MF", "d.d"}, {"-Wp,-MD,e.d"}} {
		os.Remove("b.o")
		b.cc(append(f, "-c", "b.c")...)
		b.expect("b.o", "b.c")
	}
	for _, d := range []string{"b.d", "d.d", "e.d"} {
		if data, _ := os.ReadFile(d); !strings.HasPrefix(string(data), "b.o: b.c") {
			t.Errorf("%s: %q", d, data)
		}
	}
}

func TestLinks(t *testing.T) {
	b := setup(t, three)
	b.cc("c.c", "a.c", "b.c", "-lm")
	b.run("./a.out")
	b.expect("a.out", "c.c", "a.c", "b.c")

	b.cc("-c", "b.c")
	b.cc("a.c", "b.o", "c.c", "s.s", "-o", "mixed")
	b.run("./mixed")
	b.expect("mixed", "a.c", "b.c", "c.c")

	b.cc("-c", "a.c", "c.c")
	os.Mkdir("lib", 0o777)
	b.run("ar", "rcs", "lib/libx.a", "b.o", "c.o")
	b.run("as", "s.s", "-o", "s.o")
	b.cc("-o", "prog", "-Llib", "-pthread", "a.o", "s.o", "-lx", "-lm")
	b.run("./prog")
	b.expect("lib/libx.a", "b.c", "c.c")
	b.run("strip", "prog")
	b.expect("prog", "a.c", "b.c", "c.c")
	p, err := build.Load([]string{"prog"}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if want := []string{b.dir + "/s.o", "-L" + b.dir + "/lib", "-pthread", "-lx", "-lm"}; !reflect.DeepEqual(p.Link, want) {
		t.Errorf("link %q, want %q", p.Link, want)
	}

	b.run("ld", "-r", "a.o", "c.o", "-o", "r.o")
	b.expect("r.o", "a.c", "c.c")
	b.cc("-r", "c.o", "b.o", "-o", "r2.o")
	b.expect("r2.o", "c.c", "b.c")
	b.cc("a.o", "r2.o", "-o", "viar")
	b.expect("viar", "a.c", "c.c", "b.c")
	b.cc("-shared", "-fPIC", "b.c", "c.c", "-o", "libx.so")
	b.expect("libx.so", "b.c", "c.c")

	// Twice is once.
	b.cc("a.o", "b.o", "c.o", "-o", "prog")
	b.cc("a.o", "b.o", "c.o", "-o", "prog")
	b.expect("prog", "a.c", "b.c", "c.c")

	// Sections that nothing refers to take their records with them only
	// when the whole object goes.
	b.cc("-ffunction-sections", "-Wl,--gc-sections", "a.c", "b.o", "c.o", "-o", "gc")
	b.expect("gc", "a.c", "b.c", "c.c")
	if o := start(b.dir, nil, "", "gcc", "-flto", "-c", "b.c", "-o", "l.o"); o.code == 0 {
		b.cc("-flto", "-c", "a.c", "b.c", "c.c")
		b.cc("-flto", "a.o", "b.o", "c.o", "-o", "lto")
		b.run("./lto")
		b.expect("lto", "a.c", "b.c", "c.c")
	}
}

func TestResponseFile(t *testing.T) {
	b := setup(t, three)
	os.WriteFile("inner", []byte("-DY"), 0o666)
	os.WriteFile("args", []byte("-c 'b.c' @inner\n-o x.o"), 0o666)
	b.cc("@args")
	os.Remove("args")
	os.Remove("inner")
	p, err := build.Load([]string{"x.o"}, nil)
	if err != nil || !reflect.DeepEqual(p.Commands[0].Args, []string{"gcc", "-c", "b.c", "-DY", "-o", "x.o"}) {
		t.Errorf("%+v %v", p, err)
	}
}

// What is no compilation of C to an object is the compiler's alone, and so is
// everything that it says.
func TestPassedThrough(t *testing.T) {
	b := setup(t, map[string]string{
		"a.c": "int main(void) { return 0; }\n", "s.s": "nop\n", "S.S": "nop\n", "bad.c": "int x = ;\n",
		"warn.c": "int f(void) { int x; return x; }\n", "conftest.c": "int main(void) { return 0; }\n", "h.h": "int h;\n",
		"x.cc": "int x;\n",
	})
	for _, tc := range []struct {
		args, stdin, log string
	}{
		{"-E a.c", "", "passed: makes no object: -E"},
		{"-M a.c", "", "passed: makes no object: -M"},
		{"-MM -c a.c", "", "passed: makes no object: -M"},
		{"-S a.c -o -", "", "passed: makes no object: -S"},
		{"-fsyntax-only -Wall warn.c", "", "passed: makes no object: -fsyntax-only"},
		{"--version", "", "passed: makes no object: print only"},
		{"-v", "", "passed: makes no object: print only"},
		{"-dumpmachine", "", "passed: makes no object: print only"},
		{"-x c - -c -o stdin.o", "int x;\n", "noted: stdin.o <- -: standard input"},
		{"-E -", "X\n", "passed: makes no object: -E"},
		{"-c s.s", "", "noted: s.o <- s.s: assembler"},
		{"-c S.S", "", "noted: S.o <- S.S: assembler"},
		{"-c conftest.c", "", "passed: a configure probe"},
		{"conftest.c -o conftest", "", "passed: a configure probe"},
		{"h.h -o h.h.gch", "", "passed: precompiles a header"},
		{"", "", "passed: makes no object: print only"},
		{"-c -o", "", "passed: missing argument to \"-o\""},
		{"-c bad.c", "", "failed: the compiler exited with 1"},
		{"-c nowhere.c", "", "failed: the compiler exited with 1"},
		{"-c -Wall -O2 warn.c", "", "recorded: warn.o <- warn.c"},
		{"-v -c a.c", "", ""},
		{"-no-such-option -c a.c", "", "failed: the compiler exited with 1"},
		{"-c a.c -o /dev/null", "", "left alone: /dev/null: neither an ELF file nor an archive"},
		{"-c a.c -o no/such/dir/a.o", "", "failed: the compiler exited with 1"},
	} {
		args := strings.Fields(tc.args)
		want := start(b.dir, nil, tc.stdin, append([]string{"gcc"}, args...)...)
		for _, env := range [][]string{{"SAZ_LOG=" + b.log}, nil, {"SAZ_DISABLE=1"}} {
			got := start(b.dir, env, tc.stdin, append([]string{b.saz, "gcc"}, args...)...)
			// Names of temporary files differ from run to run.
			if strings.Contains(tc.args, "-v -c") {
				got.err, want.err = "", ""
			}
			if got != want {
				t.Errorf("%s %v\n got %+v\nwant %+v", tc.args, env, got, want)
			}
			if len(env) > 0 && strings.HasPrefix(env[0], "SAZ_LOG") && tc.log != "" && b.lastLog() != tc.log {
				t.Errorf("%s: logged %q, want %q", tc.args, b.lastLog(), tc.log)
			}
		}
	}
	start(b.dir, []string{"SAZ_DISABLE=1", "SAZ_LOG=" + b.log}, "", b.saz, "gcc", "-c", "a.c")
	if got, err := build.ReadRecords("a.o"); err != nil || len(got.Records) != 0 {
		t.Errorf("recorded although disabled: %+v %v", got, err)
	}
	if b.lastLog() != "passed: SAZ_DISABLE is set" {
		t.Error(b.lastLog())
	}
	for _, args := range [][]string{nil, {"--bogus"}} {
		if o := start(b.dir, nil, "", append([]string{b.saz}, args...)...); o.code != 2 || !strings.Contains(o.err, "usage:") {
			t.Errorf("%q: %+v", args, o)
		}
	}
	if o := start(b.dir, nil, "", b.saz, "--version"); o.code != 0 || !strings.HasPrefix(o.out, "saz-cc ") {
		t.Errorf("%+v", o)
	}
	if o := start(b.dir, nil, "", b.saz, "no-such-compiler", "-c", "a.c"); o.code != 127 {
		t.Errorf("%+v", o)
	}
}

// script makes an executable file in the directory of saz-cc.
func (b *bench) script(name, text string) string {
	b.t.Helper()
	path := filepath.Join(filepath.Dir(b.saz), name)
	if err := os.WriteFile(path, []byte("#!/bin/sh\n"+text+"\n"), 0o777); err != nil {
		b.t.Fatal(err)
	}
	return path
}

func TestStatusAndSignals(t *testing.T) {
	b := setup(t, three)
	for _, code := range []int{1, 4, 42, 127, 255} {
		cc := b.script("exit", fmt.Sprintf("exit %d", code))
		if o := start(b.dir, nil, "", b.saz, cc, "-c", "b.c"); o.code != code {
			t.Errorf("%+v, want %d", o, code)
		}
	}
	for _, sig := range []syscall.Signal{syscall.SIGTERM, syscall.SIGINT, syscall.SIGKILL, syscall.SIGSEGV, syscall.SIGABRT, syscall.SIGPIPE, syscall.SIGXCPU} {
		cc := b.script("die", fmt.Sprintf("ulimit -c 0; kill -%d $$", sig))
		if o := start(b.dir, nil, "", b.saz, cc, "-c", "b.c"); o.signal != sig || o.out+o.err != "" {
			t.Errorf("%v: %+v", sig, o)
		}
	}

	// A signal to saz-cc reaches the compiler, which cleans up.
	cc := b.script("wait", "trap 'echo cleaned > cleaned; trap - TERM; kill -TERM $$' TERM\necho ready > ready\nwhile :; do sleep 0.05; done")
	cmd := exec.Command(b.saz, cc, "-c", "b.c")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	for i := 0; i < 200; i++ {
		if _, err := os.Stat("ready"); err == nil {
			break
		}
		time.Sleep(10 * time.Millisecond)
	}
	cmd.Process.Signal(syscall.SIGTERM)
	err := cmd.Wait()
	var ee *exec.ExitError
	if !errors.As(err, &ee) || ee.Sys().(syscall.WaitStatus).Signal() != syscall.SIGTERM {
		t.Errorf("%v", err)
	}
	if _, err := os.Stat("cleaned"); err != nil {
		t.Error("the compiler was not told")
	}
}

func TestShims(t *testing.T) {
	b := setup(t, three)
	bin := filepath.Dir(b.saz)
	path := "PATH=" + bin + ":" + os.Getenv("PATH")
	if err := os.Symlink(b.saz, filepath.Join(bin, "gcc")); err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{{filepath.Join(bin, "gcc")}, {"sh", "-c", `gcc "$@"`, "sh"}, {b.saz, "gcc"}, {"env", "gcc"}} {
		os.Remove("b.o")
		if o := start(b.dir, []string{path}, "", append(args, "-c", "b.c")...); o != (outcome{}) {
			t.Fatalf("%q: %+v", args, o)
		}
		got, err := build.ReadRecords("b.o")
		if err != nil || len(got.Records) != 1 || got.Records[0].Args[0] != "gcc" || strings.HasPrefix(got.Records[0].CC, bin) {
			t.Errorf("%q: %+v %v", args, got, err)
		}
	}

	// A script around saz-cc, found again by saz-cc: what the inner one saw
	// counts; without end it is an error.
	os.Remove(filepath.Join(bin, "gcc"))
	gcc, _ := exec.LookPath("gcc")
	b.script("wrapped", `exec "`+b.saz+`" "`+gcc+`" -DINNER "$@"`)
	os.Remove("b.o")
	if o := start(b.dir, []string{path}, "", b.saz, "wrapped", "-c", "b.c"); o != (outcome{}) {
		t.Fatalf("%+v", o)
	}
	got, err := build.ReadRecords("b.o")
	if err != nil || len(got.Records) != 1 || got.Records[0].Args[1] != "-DINNER" {
		t.Errorf("%+v %v", got, err)
	}
	b.script("loop", `exec "`+b.saz+`" loop "$@"`)
	for _, arg := range []string{"-c", "-E"} {
		if o := start(b.dir, []string{path}, "", b.saz, "loop", arg, "b.c"); o.code != 126 || !strings.Contains(o.err, "again and again") {
			t.Errorf("%+v", o)
		}
	}
	if o := start(b.dir, []string{path}, "", b.saz, b.saz, "gcc"); o.code == 0 {
		t.Errorf("%+v", o)
	}
}

// The compiler sees the arguments, the environment and the open files (make's
// job server is two of those) that saz-cc was given.
func TestTransparent(t *testing.T) {
	b := setup(t, three)
	cc := b.script("show", `printf '<%s>' "$@"; env | grep -v '^SAZ_CC_DEPTH=\|^SAZ_CC_VIA=\|^_=' | sort; cat; ulimit -n; trap; umask; set -- /proc/$$/fd/*; echo $#`)
	args := []string{"-c", "b.c", "", "a b", "*", "-DX=\"\\\"", "@nowhere"}
	want := start(b.dir, nil, "in\n", append([]string{cc}, args...)...)
	got := start(b.dir, nil, "in\n", append([]string{b.saz, cc}, args...)...)
	if got != want || !strings.Contains(want.out, "in\n") {
		t.Errorf("got %+v\nwant %+v", got, want)
	}
}

// A failure to record is no failure.
func TestCannotRecord(t *testing.T) {
	b := setup(t, three)
	cc := b.script("text", `echo not an object > b.o; chmod 444 b.o`)
	o := start(b.dir, []string{"SAZ_LOG=" + b.log}, "", b.saz, cc, "-c", "b.c")
	if o != (outcome{}) || !strings.HasPrefix(b.lastLog(), "left alone: ") {
		t.Errorf("%+v %s", o, b.lastLog())
	}
	o = start(b.dir, []string{"SAZ_LOG=/no/such/dir/log"}, "", b.saz, "gcc", "-c", "c.c")
	if o != (outcome{}) {
		t.Errorf("%+v", o)
	}
	b.expect("c.o", "c.c")
}

const makefile = `OBJS = $(patsubst %.c,%.o,$(sort $(wildcard f*.c))) main.o
prog: $(OBJS)
	$(CC) -o $@ $(OBJS)
%.o: %.c
	$(CC) $(CFLAGS) -MMD -c -o $@ $<
`

func TestParallelMake(t *testing.T) {
	if _, err := exec.LookPath("make"); err != nil {
		t.Skip("no make")
	}
	src := map[string]string{"Makefile": makefile}
	var want []string
	for i := range 24 {
		name := fmt.Sprintf("f%02d.c", i)
		src[name] = fmt.Sprintf("int f%d(void) { return %d; }\n", i, i)
		want = append(want, name)
	}
	src["main.c"] = "int f7(void); int main(void) { return f7() - 7; }\n"
	want = append(want, "main.c")
	b := setup(t, src)
	b.run("make", "-j8", "CC="+b.saz+" gcc")
	b.run("./prog")
	b.expect("prog", want...)
	// Nothing is to be made again: time stamps are the compiler's.
	if o := start(b.dir, nil, "", "make", "-q", "CC="+b.saz+" gcc"); o.code != 0 {
		t.Errorf("%+v", o)
	}
	os.WriteFile("f03.c", []byte("int f3(void) { return 33; }\n"), 0o666)
	b.run("make", "-j8", "CC="+b.saz+" gcc")
	b.expect("prog", want...)
}
