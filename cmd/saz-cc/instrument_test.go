package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"saz/frontend/build"
)

var sazBin = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "saz-instrument-")
	if err != nil {
		return "", err
	}
	out, err := exec.Command("go", "build", "-o", dir+"/", "saz/cmd/saz", "saz/cmd/saz-cc").CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("%w: %s", err, out)
	}
	return dir, nil
})

// withSaz is setup with a real saz beside saz-cc.
func withSaz(t *testing.T, files map[string]string) *bench {
	t.Helper()
	if testing.Short() {
		t.Skip("runs the whole analysis")
	}
	bin, err := sazBin()
	if err != nil {
		t.Fatal(err)
	}
	b := setup(t, files)
	b.saz = filepath.Join(bin, "saz-cc")
	t.Setenv("XDG_CACHE_HOME", filepath.Join(filepath.Dir(b.log), "cache"))
	t.Setenv("SAZ_LOG", b.log)
	t.Setenv("PATH", bin+":"+os.Getenv("PATH"))
	return b
}

// said returns the decisions of one kind since the log was last forgotten.
func (b *bench) said(decision string) []string {
	data, _ := os.ReadFile(b.log)
	var out []string
	for _, line := range strings.Split(string(data), "\n") {
		if f := strings.Split(line, "\t"); len(f) > 2 && f[1] == decision {
			out = append(out, f[2])
		}
	}
	return out
}

var compiledOf = regexp.MustCompile(`(\d+) objects compiled, (\d+) of them before`)

// compiled returns how many objects the last instrumented link needed, and how
// many of these were there.
func (b *bench) compiled() (need, had int) {
	b.t.Helper()
	list := b.said("instrumented")
	if len(list) == 0 {
		b.t.Fatalf("nothing was instrumented: %q", b.said("not instrumented"))
	}
	m := compiledOf.FindStringSubmatch(list[len(list)-1])
	fmt.Sscan(m[1], &need)
	fmt.Sscan(m[2], &had)
	return need, had
}

// counter is a middlebox in small: four bytes on standard input are a packet. State is
// in a header's inline function, in a library, in a file of a subdirectory.
var counter = map[string]string{
	"main.c": `#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include "state.h"
#include "lib/lib.h"
static int packets;
int unrelated(int);
int main(void)
{
	unsigned char p[4];
	while (read(0, p, sizeof p) == 4) {
		packets++;
		note(p[0]);
		lib_count(p[1]);
		deep(p[2]);
	}
	printf("%d %d %d %d %d %s\n", packets, noted, lib_total(), deep(0), unrelated(2), where());
	return packets & 1;
}
`,
	"state.h": "extern int noted;\nint deep(int), other(void);\nconst char *where(void);\nstatic inline void note(int x)\n{\n\tnoted += x;\n}\n",
	"sub/deep.c": `#include "../state.h"
int noted;
static int sum;
int deep(int x)
{
	if (x)
		sum += x;
	return sum;
}
const char *where(void) { return __FILE__; }
`,
	"lib/lib.h":   "void lib_count(int);\nint lib_total(void);\n",
	"lib/lib.c":   "#include \"lib.h\"\nstatic int total;\nvoid lib_count(int x) { total += x; }\nint lib_total(void) { return total; }\n",
	"unrelated.c": "int unrelated(int x) { return x * 21; }\n",
	"unused.c":    "int unused_state;\nvoid unused(void) { unused_state++; }\n",
	"gen.c":       "#include <stdio.h>\nint main(void) { puts(\"made\"); return 0; }\n",
}

const counterInput = "abcdABCD0123zz"

// Each way to hand the objects of a program to the linker ends with a program that is
// instrumented and prints what the plain one prints.
func TestInstrumentLinks(t *testing.T) {
	b := withSaz(t, counter)
	compile := "$CC -g -O1 -c main.c unrelated.c sub/deep.c lib/lib.c unused.c; "
	for _, tc := range []struct{ name, script string }{
		{"objects", compile + "$CC main.o unrelated.o deep.o lib.o -o prog"},
		{"at once", "$CC -g -O1 -Wall -Werror main.c unrelated.c sub/deep.c lib/lib.c -o prog"},
		{"at once with -x", "$CC -x c main.c unrelated.c sub/deep.c lib/lib.c -o prog"},
		{"mixed", compile + "$CC main.c unrelated.o sub/deep.c lib.o -o prog"},
		{"archive", compile + "ar rcs lib.a unrelated.o lib.o unused.o deep.o; $CC main.o lib.a -o prog"},
		{"archive with long names and two of one name", compile + "mkdir d e; cp lib.o d/a_name_of_more_than_sixteen.o; cp unrelated.o d/same.o; cp deep.o e/same.o; ar qcs lib.a d/same.o d/a_name_of_more_than_sixteen.o e/same.o; $CC main.o lib.a -o prog"},
		{"thin archive", compile + "ar rcsT lib.a unrelated.o lib.o unused.o deep.o; $CC main.o lib.a -o prog"},
		{"-l", compile + "mkdir d; ar rcs d/libbox.a unrelated.o lib.o unused.o deep.o; $CC main.o -L. -Ld -lbox -lm -o prog"},
		{"-l:", compile + "ar rcs box.a unrelated.o lib.o unused.o deep.o; $CC main.o -L . -l:box.a -o prog"},
		{"whole archive", compile + "ar rcs lib.a unrelated.o lib.o deep.o; $CC main.o -Wl,--whole-archive,lib.a,--no-whole-archive -o prog"},
		{"groups", compile + "ar rcs a.a unrelated.o deep.o; ar rcs b.a lib.o; $CC -Wl,--start-group main.o a.a b.a -Wl,--end-group -Xlinker -Map -Xlinker map -o prog"},
		{"-r", compile + "$CC -r main.o deep.o -o r.o; ar rcs lib.a r.o; $CC -Wl,--whole-archive lib.a -Wl,--no-whole-archive unrelated.o lib.o -o prog"},
		{"absolute names", "for f in main unrelated sub/deep lib/lib; do $CC -I$PWD/lib -c $PWD/$f.c -o $f.o; done; $CC $PWD/main.o unrelated.o $PWD/sub/deep.o lib/lib.o -o $PWD/prog"},
		{"from another directory", "mkdir o; cd o; $CC -I.. -c ../main.c ../unrelated.c ../sub/deep.c; $CC -c ../lib/lib.c; $CC main.o unrelated.o deep.o lib.o -o ../prog"},
		{"static, no PIE", compile + "$CC -static main.o unrelated.o deep.o lib.o -o prog"},
		{"response file", compile + "echo main.o unrelated.o deep.o lib.o -o prog >rsp; $CC @rsp"},
		{"LTO", "$CC -flto -O2 -c main.c unrelated.c sub/deep.c lib/lib.c; $CC -flto -O2 main.o unrelated.o deep.o lib.o -o prog"},
		{"LTO archive", "$CC -flto -O2 -c main.c unrelated.c sub/deep.c lib/lib.c; gcc-ar rcs l.a unrelated.o deep.o lib.o; $CC -flto -O2 main.o l.a -o prog"},
		{"sanitizer", "$CC -g -fsanitize=address,undefined -c main.c unrelated.c sub/deep.c lib/lib.c; $CC -fsanitize=address,undefined main.o unrelated.o deep.o lib.o -o prog"},
		{"dependency files and by-products", "$CC -MMD -MF x.d -save-temps=obj -c main.c -o main.o; $CC -Wp,-MD,y.d -c sub/deep.c unrelated.c lib/lib.c; $CC main.o unrelated.o deep.o lib.o -o prog"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			make := func(cc string) outcome {
				b.again(counter)
				if o := start(b.dir, []string{"CC=" + cc}, "", "sh", "-ec", tc.script); o != (outcome{}) {
					t.Fatalf("%s: %+v", cc, o)
				}
				return start(b.dir, nil, counterInput, "./prog")
			}
			want := make("gcc")
			os.Remove(b.log)
			got := make(b.saz + " --instrument gcc")
			if got != want || !strings.HasPrefix(want.out, "3 210 ") {
				t.Errorf("got %+v\nwant %+v", got, want)
			}
			// main, deep, lib; the glue; the runtime. unrelated.c is not compiled again.
			for _, name := range []string{"main.c", "deep.c", "lib.c"} {
				if !strings.Contains(strings.Join(b.sources("prog"), " "), name) {
					t.Errorf("the program does not name %s", name)
				}
			}
			need, _ := b.compiled()
			if need != 3+1+runtimeSources(t) {
				t.Errorf("%d objects compiled", need)
			}
			if o := start(b.dir, nil, "", "nm", "prog"); tc.name != "LTO" && tc.name != "LTO archive" && !strings.Contains(o.out, " saz_updated") {
				t.Errorf("no saz_updated in it: %s", o.out)
			}
		})
	}
}

func runtimeSources(t *testing.T) int {
	t.Helper()
	list, err := filepath.Glob(filepath.Join(repo, "runtime_c", "saz_rt", "*.c"))
	if err != nil || len(list) == 0 {
		t.Fatal("no runtime", err)
	}
	return len(list)
}

// repo is the root of saz's sources; tests change the directory.
var repo, _ = filepath.Abs("../..")

// A second build compiles nothing that it has, and one file edited is one
// file compiled.
func TestInstrumentAgain(t *testing.T) {
	b := withSaz(t, counter)
	script := "set -e; $CC -g -c main.c unrelated.c sub/deep.c lib/lib.c; $CC main.o unrelated.o deep.o lib.o -o prog"
	run := func() {
		t.Helper()
		if o := start(b.dir, []string{"CC=" + b.saz + " --instrument gcc"}, "", "sh", "-c", script); o != (outcome{}) {
			t.Fatalf("%+v", o)
		}
	}
	run()
	first, _ := os.ReadFile("prog")
	need, had := b.compiled()
	if had != 0 {
		t.Errorf("%d objects from nowhere", had)
	}
	run()
	second, _ := os.ReadFile("prog")
	if n, h := b.compiled(); n != need || h != need || !bytes.Equal(first, second) {
		t.Errorf("again: %d of %d objects were there; the programs are equal: %v", h, n, bytes.Equal(first, second))
	}
	os.WriteFile("lib/lib.c", []byte(strings.Replace(counter["lib/lib.c"], "total += x", "total += 2 * x", 1)), 0o666)
	run()
	if n, h := b.compiled(); n != need || h != need-1 {
		t.Errorf("after an edit of one file %d of %d objects were there", h, n)
	}
	os.WriteFile("state.h", []byte(counter["state.h"]+"#define SOMETHING 1\n"), 0o666)
	run()
	if n, h := b.compiled(); n != need || h != need-2 {
		t.Errorf("after an edit of a header that two read %d of %d objects were there", h, n)
	}
	if got := start(b.dir, nil, counterInput, "./prog"); !strings.HasPrefix(got.out, "3 210 426 ") {
		t.Errorf("%+v", got)
	}
}

// Programs that the build runs, probes and libraries are the compiler's, byte for byte.
func TestInstrumentLeavesAlone(t *testing.T) {
	b := withSaz(t, counter)
	for _, tc := range []struct{ script, out, log string }{
		{"$CC gen.c -o gen", "gen", "gen: it has no receive site"},
		{"echo 'int main(void) { char c; return read(0, &c, 1); }' >conftest.c; $CC -w conftest.c -o conftest", "conftest", ""},
		{"$CC -shared -fPIC lib/lib.c -o lib.so", "lib.so", "lib.so: not an executable"},
		{"$CC -r -nostdlib lib/lib.c -o r.o", "r.o", "r.o: not an executable"},
	} {
		os.Remove(b.log)
		var bytes []string
		for _, cc := range []string{"gcc", b.saz + " --instrument gcc", b.saz + " gcc"} {
			b.again(counter)
			if o := start(b.dir, []string{"CC=" + cc}, "", "sh", "-c", tc.script); o != (outcome{}) {
				t.Fatalf("%s: %+v", tc.script, o)
			}
			bytes = append(bytes, string(bare(t, tc.out)))
		}
		if bytes[0] != bytes[1] || bytes[0] != bytes[2] {
			t.Errorf("%s: differs", tc.script)
		}
		if got := strings.Join(b.said("not instrumented"), "; "); got != tc.log {
			t.Errorf("%s: %q", tc.script, got)
		}
	}
}

// A program that can't be instrumented is an error, not a plain program in
// disguise, unless that was asked for.
func TestInstrumentFails(t *testing.T) {
	b := withSaz(t, counter)
	b.run("sh", "-c", b.saz+" gcc -c main.c unrelated.c sub/deep.c lib/lib.c; ld -r deep.o lib.o -o r.o")
	link := []string{b.saz, "--instrument", "gcc", "main.o", "r.o", "unrelated.o", "-o", "prog"}
	o := start(b.dir, nil, "", link...)
	if o.code != 1 || !strings.Contains(o.err, "prog could not be instrumented") || !strings.Contains(o.err, "ld -r") || exists("prog") {
		t.Errorf("%+v", o)
	}
	o = start(b.dir, []string{"SAZ_INSTRUMENT=best-effort"}, "", link...)
	if o.code != 0 || !strings.Contains(o.err, "prog is the plain program") || !exists("prog") {
		t.Errorf("%+v", o)
	}
	o = start(b.dir, []string{"SAZ_INSTRUMENT=0"}, "", link...)
	if o != (outcome{}) || !exists("prog") {
		t.Errorf("%+v", o)
	}
	// No saz to be found.
	lone := filepath.Join(filepath.Dir(b.log), "lone")
	os.Mkdir(lone, 0o777)
	b.run("cp", b.saz, lone)
	b.run("rm", "-f", "prog")
	gcc, _ := exec.LookPath("gcc")
	path := "PATH=/usr/bin:/bin"
	if _, err := exec.LookPath("/usr/bin/saz"); err == nil {
		t.Skip("saz is installed")
	}
	link = []string{filepath.Join(lone, "saz-cc"), "--instrument", gcc, "main.o", "deep.o", "lib.o", "unrelated.o", "-o", "prog"}
	if o := start(b.dir, []string{path}, "", link...); o.code != 1 || !strings.Contains(o.err, "saz is neither beside saz-cc nor on PATH") || exists("prog") {
		t.Errorf("%+v", o)
	}
	// A source that changed between compiling and linking.
	os.WriteFile("lib/lib.c", []byte(counter["lib/lib.c"]+"\n"), 0o666)
	link[0], link[2] = b.saz, "gcc"
	if o := start(b.dir, nil, "", link...); o.code != 1 || !strings.Contains(o.err, "changed since it was compiled") || exists("prog") {
		t.Errorf("%+v", o)
	}
	// The compiler's own errors are the compiler's.
	if o := start(b.dir, nil, "", b.saz, "--instrument", "gcc", "main.o", "-o", "prog"); o.code != 1 || strings.Contains(o.err, "saz-cc") {
		t.Errorf("%+v", o)
	}
}

// Interrupted, it leaves no program and no process behind.
func TestInstrumentInterrupted(t *testing.T) {
	b := withSaz(t, counter)
	// A saz that takes its time.
	slow := filepath.Join(filepath.Dir(b.log), "slow")
	os.Mkdir(slow, 0o777)
	b.run("cp", b.saz, slow)
	script := "#!/bin/sh\necho $$ >" + b.dir + "/pid\nexec sleep 60\n"
	if err := os.WriteFile(filepath.Join(slow, "saz"), []byte(script), 0o777); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(filepath.Join(slow, "saz-cc"), "--instrument", "gcc", "main.c", "unrelated.c", "sub/deep.c", "lib/lib.c", "-o", "prog")
	cmd.Dir = b.dir
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	var pid int
	for range 1000 {
		data, _ := os.ReadFile("pid")
		if n, _ := fmt.Sscan(string(data), &pid); n == 1 {
			break
		}
		time.Sleep(20 * time.Millisecond)
	}
	if pid == 0 || !exists("prog") {
		t.Fatal("it did not come to the analysis")
	}
	cmd.Process.Signal(syscall.SIGTERM)
	err := cmd.Wait()
	var ee *exec.ExitError
	if !errors.As(err, &ee) || ee.Sys().(syscall.WaitStatus).Signal() != syscall.SIGTERM {
		t.Errorf("%v", err)
	}
	if exists("prog") {
		t.Error("the plain program stays")
	}
	for range 100 {
		if err = syscall.Kill(pid, 0); err != nil {
			break
		}
		time.Sleep(20 * time.Millisecond)
	}
	if err == nil {
		t.Error("the analysis goes on")
	}
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// Without a place that can be written for long (Debian's builders have no home), it
// is done in a temporary directory, which goes.
func TestInstrumentWithoutCache(t *testing.T) {
	b := withSaz(t, counter)
	tmp := filepath.Join(filepath.Dir(b.log), "tmp")
	os.Mkdir(tmp, 0o777)
	env := []string{"HOME=/dev/null", "XDG_CACHE_HOME=/dev/null/x", "TMPDIR=" + tmp}
	if o := start(b.dir, env, "", b.saz, "--instrument", "gcc", "main.c", "unrelated.c", "sub/deep.c", "lib/lib.c", "-o", "prog"); o != (outcome{}) {
		t.Fatalf("%+v", o)
	}
	if got := start(b.dir, nil, counterInput, "./prog"); !strings.HasPrefix(got.out, "3 210 ") {
		t.Errorf("%+v", got)
	}
	if list, _ := os.ReadDir(tmp); len(list) != 0 {
		t.Errorf("left behind: %v", list)
	}
}

// SAZ_INSTRUMENT is for builds that name the compiler themselves, --instrument for the others;
// both say in the program that they were there.
func TestInstrumentByEnvironment(t *testing.T) {
	b := withSaz(t, counter)
	bin := filepath.Join(filepath.Dir(b.log), "shims")
	os.Mkdir(bin, 0o777)
	os.Symlink(b.saz, filepath.Join(bin, "gcc"))
	env := []string{"SAZ_INSTRUMENT=1", "PATH=" + bin + ":" + os.Getenv("PATH")}
	if o := start(b.dir, env, "", "sh", "-c", "gcc main.c unrelated.c sub/deep.c lib/lib.c -o prog"); o != (outcome{}) {
		t.Fatalf("%+v", o)
	}
	rec, err := build.ReadRecords("prog")
	if err != nil {
		t.Fatal(err)
	}
	last := rec.Records[len(rec.Records)-1]
	if last.Kind != build.KindLink || !last.Instrumented {
		t.Errorf("%+v", last)
	}
	// gdb stops on the user's own lines.
	if _, err := exec.LookPath("gdb"); err == nil {
		b.run("sh", "-c", b.saz+" --instrument gcc -g main.c unrelated.c sub/deep.c lib/lib.c -o prog")
		o := start(b.dir, nil, "", "gdb", "-q", "-batch", "-ex", "break deep.c:7", "-ex", "run <main.c", "-ex", "bt 1", "./prog")
		if !strings.Contains(o.out, "sub/deep.c:7\n7\t\t\tsum += x;") {
			t.Errorf("%s%s", o.out, o.err)
		}
	}
}

// The example middlebox: one pass gives the program that saz instrument and make
// give, and both do on a capture what the plain one does.
func TestInstrumentMonitor(t *testing.T) {
	b := withSaz(t, nil)
	if o := start(b.dir, nil, "", "sh", "-c", "echo '#include <pcap.h>' | gcc -E - >/dev/null"); o.code != 0 {
		t.Skip("no libpcap-dev")
	}
	b.run("cp", "-r", filepath.Join(repo, "examples", "monitor"), "m")
	cmd := exec.Command("go", "run", "./examples/traffic", "-flows", "300", "-packets", "6000", "-o", filepath.Join(b.dir, "t.pcap"))
	cmd.Dir = repo
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	play := func(program, name string) string {
		t.Helper()
		o := start(b.dir, []string{"SAZ_SOCKET_DIR=" + b.dir, "SAZ_INSTANCE=" + name}, "", program, "-r", "t.pcap", "-l", name+".log", "-S", name+".stats", "-s", "m/services.sig")
		if o.code != 0 {
			t.Fatalf("%s: %+v", name, o)
		}
		log, _ := os.ReadFile(name + ".log")
		stats, _ := os.ReadFile(name + ".stats")
		return o.out + o.err + string(log) + string(stats)
	}
	b.run("sh", "-ec", "cd m; make -s clean; make -s CC=gcc; mv monitor ../plain; make -s clean; make -s CC='"+b.saz+" gcc'; saz instrument -q -o ../out monitor; make -s -C ../out; make -s clean; make -s -j4 CC='"+b.saz+" --instrument gcc'")
	want := play("./plain", "plain")
	if len(want) < 10000 {
		t.Fatalf("the capture says nothing: %d bytes", len(want))
	}
	if got := play("out/monitor", "tree"); got != want {
		t.Error("the tree's program says other things than the plain one")
	}
	if got := play("m/monitor", "pass"); got != want {
		t.Error("the program of one pass says other things than the plain one")
	}
	// The same functions and variables, whichever way.
	symbols := func(program string) string {
		return start(b.dir, nil, "", "sh", "-c", "nm "+program+" | sed 's/^[0-9a-f ]*//' | grep -v 'saz_addr_' | sort -u").out
	}
	if a, b := symbols("out/monitor"), symbols("m/monitor"); a != b || !strings.Contains(a, "saz_updated") {
		t.Errorf("%s\n%s", a, b)
	}
	if _, had := b.compiled(); had != 0 {
		t.Errorf("%d objects from nowhere", had)
	}
}
