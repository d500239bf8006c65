package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"saz/frontend/build"
)

// pieces writes files into a new directory.
func pieces(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		path := filepath.Join(dir, name)
		os.MkdirAll(filepath.Dir(path), 0o777)
		if err := os.WriteFile(path, []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func sh(t *testing.T, dir, script string) {
	t.Helper()
	if r := runIn(t, dir, "sh", "-ec", script); r.code != 0 {
		t.Fatalf("%s: %+v", script, r)
	}
}

func TestStatus(t *testing.T) {
	dir := pieces(t, map[string]string{"a.c": "int main(void) { return 0; }\n", "b.c": "int b;\n", "d.c": "int d;\n", "u.c": "int u;\n",
		"s.s": ".globl s\ns: nop\n.section .note.GNU-stack\n"})
	sh(t, dir, "saz-cc gcc -c a.c b.c s.s; saz-cc gcc -xc -c - -o in.o </dev/null; gcc -c d.c u.c; ar rcs l.a b.o u.o; saz-cc gcc a.o s.o d.o in.o -Wl,-u,b l.a -lm -o prog")
	r := saz(t, dir, exitPartial, "status", "prog")
	for _, line := range []string{"captured a.c", "captured b.c", "not recorded d.c saz-cc did not compile it, or SAZ_DISABLE was set", "passed through s.s assembler",
		"passed through - standard input", "prog: 2 sources captured, 2 passed through, 1 not recorded; libraries -lm"} {
		if !strings.Contains(strings.Join(strings.Fields(r.out), " "), line) {
			t.Errorf("no %q in\n%s", line, r.out)
		}
	}
	// The member that nothing needed is not in the program; it is in the archive.
	if strings.Contains(r.out, "u.c") {
		t.Errorf("%s", r.out)
	}
	if r := saz(t, dir, exitPartial, "status", "-q", "l.a"); !strings.Contains(r.out, "not recorded  u.c") || strings.Contains(r.out, "captured  b.c") {
		t.Errorf("%s", r.out)
	}

	var s build.Status
	sh(t, dir, "saz-cc gcc a.c -o whole; echo >>b.c; saz-cc gcc -c d.c; rm d.c")
	if err := json.Unmarshal([]byte(saz(t, dir, exitDone, "status", "--format", "json", "whole").out), &s); err != nil || s.Schema != "saz.status/1" || s.Counts["captured"] != 1 {
		t.Errorf("%+v %v", s, err)
	}
	if r := saz(t, dir, exitPartial, "status", "b.o", "d.o"); !strings.Contains(r.out, "b.c  its source has changed since") || !strings.Contains(r.out, "d.c  its source is gone") {
		t.Errorf("%s", r.out)
	}
	os.WriteFile(filepath.Join(dir, "compile_commands.json"), []byte(`[{"directory":"`+dir+`","file":"a.c","command":"gcc -c a.c"},{"directory":"`+dir+`","file":"x.cc","command":"g++ -c x.cc"}]`), 0o666)
	if r := saz(t, dir, exitDone, "status", "compile_commands.json"); !strings.Contains(r.out, "captured  a.c") || !strings.Contains(r.out, "not in C (cc)") {
		t.Errorf("%s", r.out)
	}
	saz(t, dir, exitUsage, "status", "nowhere")
	saz(t, dir, exitUsage, "status")
	saz(t, dir, exitUsage, "status", "--format", "xml", "prog")
}

func TestDoctor(t *testing.T) {
	dir := t.TempDir()
	r := saz(t, dir, exitDone, "doctor", "gcc")
	for _, line := range []string{"ok   compiler: ", "ok   record in an object: ", "ok   kept by the linker: ", "ok   kept by strip: ", "ok   cache: "} {
		if !strings.Contains(r.out, line) {
			t.Errorf("no %q in\n%s", line, r.out)
		}
	}
	if strings.Contains(r.out, "BAD") {
		t.Errorf("%s", r.out)
	}
	t.Setenv("SAZ_DISABLE", "1")
	t.Setenv("SAZ_LOG", "/no/such/dir/log")
	r = saz(t, dir, exitFindings, "doctor", "--format", "json", "no-such-compiler")
	var got struct {
		Schema string
		Checks []build.Check
	}
	if err := json.Unmarshal([]byte(r.out), &got); err != nil {
		t.Fatal(err)
	}
	bad := map[string]bool{}
	for _, k := range got.Checks {
		if !k.OK {
			bad[k.Name] = true
			if k.Hint == "" || k.Text == "" {
				t.Errorf("%+v does not say what to do", k)
			}
		}
	}
	for _, name := range []string{"SAZ_DISABLE", "SAZ_LOG", "compiler", "record in an object"} {
		if !bad[name] {
			t.Errorf("%s is said to be well: %+v", name, got.Checks)
		}
	}
}

func TestCache(t *testing.T) {
	dir := pieces(t, map[string]string{"cache/saz/toolchain/a.json": "12345", "cache/saz/frontend/ab/cd": "1", "cache/other/keep": "1"})
	t.Setenv("XDG_CACHE_HOME", filepath.Join(dir, "cache"))
	if r := saz(t, dir, exitDone, "cache", "show"); !strings.Contains(r.out, "toolchain  1 file") || !strings.Contains(r.out, "frontend   1 file") {
		t.Errorf("%s", r.out)
	}
	if r := saz(t, dir, exitDone, "cache", "clean", "--older", "1h"); !strings.HasPrefix(r.out, "0 files") {
		t.Errorf("%s", r.out)
	}
	saz(t, dir, exitUsage, "cache", "clean", "../other")
	saz(t, dir, exitUsage, "cache", "clean", "nothing")
	if r := saz(t, dir, exitDone, "cache", "clean", "frontend"); r.out != "1 file removed, 1 byte\n" {
		t.Errorf("%s", r.out)
	}
	saz(t, dir, exitDone, "cache", "clean")
	if _, err := os.Stat(filepath.Join(dir, "cache", "other", "keep")); err != nil {
		t.Error("it cleaned more than its own")
	}
	if list, _ := os.ReadDir(filepath.Join(dir, "cache", "saz")); len(list) != 0 {
		t.Errorf("%v", list)
	}
}

// A build that names its compiler itself, and one that has nothing to say.
func TestBuildVerb(t *testing.T) {
	dir := pieces(t, map[string]string{"a.c": "#include <unistd.h>\nstatic int n;\nint main(void) { char c; while (read(0, &c, 1) == 1) n++; return n; }\n", "build.sh": "exec gcc -O1 a.c -o prog\n"})
	t.Setenv("XDG_CACHE_HOME", filepath.Join(dir, "cache"))
	r := saz(t, dir, exitDone, "build", "--", "sh", "build.sh")
	if !strings.Contains(r.err, "1 compiler command recorded; programs linked: "+dir+"/prog") {
		t.Errorf("%s", r.err)
	}
	saz(t, dir, exitDone, "status", "prog")
	if r := saz(t, dir, exitDone, "build", "true"); !strings.Contains(r.err, "nothing was recorded") {
		t.Errorf("%s", r.err)
	}
	saz(t, dir, 3, "build", "--", "sh", "-c", "exit 3")
	saz(t, dir, exitUsage, "build", "--instrument", "-o", "x", "--", "true")
	saz(t, dir, exitDone, "build", "-q", "--instrument", "--", "sh", "build.sh")
	if r := runIn(t, dir, "sh", "-c", "nm prog | grep -c ' saz_updated'; printf abc | ./prog; echo $?"); r.out != "1\n3\n" {
		t.Errorf("%+v", r)
	}
}
