package main

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"saz/frontend/build"
)

// What people told the authors of other compiler wrappers and build recorders. Each
// story is a test: it is run with the compiler and with saz-cc, and what the build
// sees must not differ.

// same runs a script with gcc and with saz-cc, compares, and returns the output.
func (b *bench) same(files map[string]string, script string, env ...string) outcome {
	b.t.Helper()
	run := func(cc string) (outcome, map[string]string) {
		b.again(files)
		o := start(b.dir, append(env, "CC="+cc, "SOURCE_DATE_EPOCH=1700000000"), "", "sh", "-c", script)
		o.err = temporary.ReplaceAllString(o.err, "/tmp/cc")
		return o, tree(b.t, b.dir)
	}
	wantO, want := run("gcc")
	gotO, got := run(b.saz + " gcc")
	if wantO != gotO {
		b.t.Errorf("%s\n got %+v\nwant %+v", script, gotO, wantO)
	}
	compareTrees(b.t, want, got)
	return gotO
}

// AFLplusplus/AFLplusplus#1730: the wrapper did not read @files and said something
// misleading.
func TestComplaintResponseFile(t *testing.T) {
	b := setup(t, nil)
	b.same(dropSource, "echo '-c a.c' >x.rsp; $CC @x.rsp -o a.o; echo '@x.rsp -DX' >y.rsp; $CC @y.rsp -g; rm *.rsp")
	b.expect("a.o", "a.c")
}

// SRI-CSL/gllvm#3: the exit status was always 1, and configure believed in flags that do
// not exist.
func TestComplaintExitStatus(t *testing.T) {
	b := setup(t, nil)
	b.same(dropSource, "for f in -fexcess-precision=standard -fno-such-flag -Wno-such -std=c99 -std=c3000 -mno-such; do $CC $f -Werror -c b.c -o x.o; echo $f $?; done")
	for _, cc := range []string{"exit 0", "exit 3", "exit 77", "exit 255"} {
		s := b.script("cc", cc)
		want := start(b.dir, nil, "", s, "-c", "b.c")
		if got := start(b.dir, nil, "", b.saz, s, "-c", "b.c"); got != want {
			t.Errorf("%s: %+v", cc, got)
		}
	}
}

// SRI-CSL/gllvm#9: dependency files were missing, and a probe for a library failed.
func TestComplaintDependencyFiles(t *testing.T) {
	b := setup(t, nil)
	o := b.same(dropSource, "$CC -MT b.o -MD -MP -MF .deps -c -o b.o b.c; $CC -MD a.c b.c c.c -o a; $CC -M a.c >m; ls -A; cat .deps; "+
		"echo '#include <math.h>' >conftest.c; echo 'int main(void){return pow(1,1)<0;}' >>conftest.c; $CC -o conftest conftest.c -lm && ./conftest && echo found")
	if !strings.Contains(o.out, "b.o: b.c") || !strings.HasSuffix(o.out, "found\n") {
		t.Errorf("%+v", o)
	}
}

// SRI-CSL/gllvm#48: sources between --start-group and --end-group were not seen.
func TestComplaintStartGroup(t *testing.T) {
	b := setup(t, nil)
	b.same(dropSource, "$CC -Wl,--start-group a.c b.c c.c -Wl,--end-group -o x && ./x; echo $?")
	b.expect("x", "a.c", "b.c", "c.c")
}

// travitch/whole-program-llvm#10: with several sources and -o the second one was
// compiled over the first.
func TestComplaintSeveralSources(t *testing.T) {
	b := setup(t, nil)
	b.same(dropSource, "$CC a.c b.c c.c -o x && ./x; echo $?; ls")
	b.expect("x", "a.c", "b.c", "c.c")
}

// AFLplusplus/AFLplusplus#768: what the wrapper printed made configure find "no acceptable ld".
func TestComplaintSilence(t *testing.T) {
	b := setup(t, nil)
	o := b.same(dropSource, "$CC -print-prog-name=ld; for f in -Wl,--version -v -Wl,-v; do $CC $f >v 2>&1; head -1 v; done; rm v",
		"SAZ_LOG="+b.log)
	if !strings.HasPrefix(o.out, "ld\ncollect2 ") {
		t.Errorf("%+v", o)
	}
}

// AFLplusplus/AFLplusplus#1497: escape sequences for colours got into the
// assembler's input.
func TestComplaintColours(t *testing.T) {
	b := setup(t, nil)
	o := b.same(dropSource, "$CC -fdiagnostics-color=always -O2 -Wall -S warn.c -o - | od -c | grep -c 033; $CC -fdiagnostics-color=always -pipe -O2 -Wall -c warn.c; $CC -E -fdiagnostics-color=always a.c | od -c | grep -c 033",
		"GCC_COLORS=error=01;31", "TERM=xterm-256color", "CLICOLOR_FORCE=1")
	if o.out != "0\n0\n" {
		t.Errorf("%+v", o)
	}
}

// ccache/ccache#1189: a dependency file was expected of assembler, for which there is none.
func TestComplaintAssemblerDependencies(t *testing.T) {
	b := setup(t, nil)
	b.same(dropSource, "$CC -MD -MF s.d -c s.s -o s.o; echo $?; $CC -MD -MF S.d -c S.S -o S.o; echo $?; ls")
	// SRI-CSL/gllvm#41 and SRI-CSL/musllvm#3: each object of assembler was warned about.
	s, err := build.Survey("s.o")
	if err != nil || len(s.Units) != 1 || s.Units[0].State != build.Passed || s.Units[0].Why != "assembler" || s.Units[0].Problem {
		t.Errorf("%+v %v", s, err)
	}
}

// LalitMaganti/buildprof#26, ccache/ccache#686: a compiler cache under the compiler's name
// and the wrapper found each other on PATH until the arguments were too long.
func TestComplaintRecursion(t *testing.T) {
	need(t, "ccache")
	b := setup(t, dropSource)
	top := filepath.Dir(b.log)
	ccache, _ := exec.LookPath("ccache")
	masquerade, shims := filepath.Join(top, "masquerade"), filepath.Join(top, "in-front")
	for _, d := range []string{masquerade, shims} {
		os.Mkdir(d, 0o777)
	}
	os.Symlink(ccache, filepath.Join(masquerade, "gcc"))
	os.Symlink(b.saz, filepath.Join(shims, "gcc"))
	os.Symlink(b.saz, filepath.Join(shims, "saz-cc"))
	plain := os.Getenv("PATH")
	want := start(b.dir, nil, "", "gcc", "-g", "-c", "b.c", "-o", "want.o")
	object := string(bare(t, "want.o"))
	for _, path := range []string{plain, masquerade + ":" + plain, shims + ":" + plain, shims + ":" + masquerade + ":" + plain, masquerade + ":" + shims + ":" + plain} {
		for _, cc := range []string{"gcc", b.saz + " gcc", "ccache gcc", "ccache " + b.saz + " gcc", b.saz + " ccache gcc", b.saz + " ccache " + b.saz + " gcc", "ccache ccache gcc"} {
			recorded := strings.Contains(cc, "saz-cc") || strings.Contains(path, "in-front")
			if cc == "ccache "+b.saz+" gcc" && strings.Contains(path, "masquerade") {
				continue // ccache in ccache: its own affair, and an error of it without saz-cc, too
			}
			// The second time it comes out of the cache.
			for range 2 {
				os.Remove("b.o")
				env := []string{"PATH=" + path, "CCACHE_DIR=" + filepath.Join(top, "cache")}
				if o := start(b.dir, env, "", "sh", "-c", cc+" -g -c b.c"); o != want {
					t.Errorf("%s, PATH=%s: %+v", cc, path, o)
					break
				}
				if string(bare(t, "b.o")) != object {
					t.Errorf("%s, PATH=%s: another object", cc, path)
				}
				got, err := build.ReadRecords("b.o")
				if err != nil || recorded && (len(got.Records) != 1 || got.Records[0].Args[0] != "gcc") {
					t.Errorf("%s, PATH=%s: %+v %v", cc, path, got, err)
				}
			}
		}
	}
}

// rizsotto/Bear#372: with a compiler cache nothing was recorded. What comes out of the
// cache has the record, and it is of this directory.
func TestComplaintCacheHit(t *testing.T) {
	need(t, "ccache")
	b := setup(t, dropSource)
	env := []string{"CCACHE_DIR=" + filepath.Join(filepath.Dir(b.log), "cache"), "CCACHE_NOHASHDIR=1"}
	for _, dir := range []string{"one", "two"} {
		os.Mkdir(dir, 0o777)
		b.run("cp", "b.c", dir)
		for range 2 {
			if o := start(filepath.Join(b.dir, dir), env, "", "sh", "-c", b.saz+" ccache "+b.saz+" gcc -c b.c"); o != (outcome{}) {
				t.Fatalf("%+v", o)
			}
			got, err := build.ReadRecords(dir + "/b.o")
			if err != nil || len(got.Records) != 1 || got.Records[0].Dir != filepath.Join(b.dir, dir) {
				t.Errorf("%s: %+v %v", dir, got, err)
			}
		}
	}
}

// net-snmp/net-snmp#647, qpdf/qpdf#528: make CC=... after configure, and libtool is "unable
// to infer tagged configuration". With the compiler's name in front of PATH it is not.
func TestComplaintLibtool(t *testing.T) {
	need(t, "libtool")
	b := setup(t, dropSource)
	o := start(b.dir, nil, "", "sh", "-c", "libtool --mode=compile "+b.saz+" gcc -c b.c")
	if o.code == 0 {
		t.Log("this libtool takes any compiler")
	} else if !strings.Contains(o.err+o.out, "tag") {
		t.Errorf("%+v", o)
	}
	shims := filepath.Join(filepath.Dir(b.log), "shims")
	os.Mkdir(shims, 0o777)
	os.Symlink(b.saz, filepath.Join(shims, "gcc"))
	env := []string{"PATH=" + shims + ":" + os.Getenv("PATH")}
	if o := start(b.dir, env, "", "sh", "-c", "libtool --mode=compile gcc -c b.c && libtool --mode=compile --tag=CC gcc -c c.c && libtool --mode=link gcc -o lib.la b.lo c.lo"); o.code != 0 {
		t.Fatalf("%+v", o)
	}
	b.expect(".libs/lib.a", "b.c", "c.c")
}

// stephenrkell/liballocs#150: intermediate files were named after the source, and two
// compilations of one source at a time spoiled each other (libjpeg-turbo).
func TestComplaintOneSourceTwoObjects(t *testing.T) {
	b := setup(t, nil)
	b.same(dropSource, "for i in 1 2 3 4 5 6 7 8; do $CC -O2 -DBY=$i -c b.c -o b$i.o & done; wait")
	for _, o := range []string{"b1.o", "b8.o"} {
		p, err := build.Load([]string{o}, nil)
		if err != nil || p.Commands[0].Output != o || p.Commands[0].Args[2] != "-DBY="+o[1:2] {
			t.Errorf("%s: %+v %v", o, p, err)
		}
	}
}

// Ericsson/codechecker#1687: nothing was recorded if the name of the build script had "cc" in it.
func TestComplaintNames(t *testing.T) {
	b := setup(t, nil)
	files := map[string]string{"my-cc.sh": "#!/bin/sh\nexec $CC \"$@\"\n", "gcc-dir/x.c": "int x;\n", "saz-cc.c": "int y;\n", "cc": "#!/bin/sh\nexec gcc -DVIA \"$@\"\n"}
	b.same(files, "./my-cc.sh -c gcc-dir/x.c -o gcc-dir/cc.o; ./my-cc.sh -c saz-cc.c")
	b.expect("gcc-dir/cc.o", "gcc-dir/x.c")
	b.expect("saz-cc.o", "saz-cc.c")
	b.run(b.saz, "./cc", "-c", "saz-cc.c", "-o", "z.o")
	b.expect("z.o", "saz-cc.c")
}

// icecc/icecream#644: -Wp,-MD,file, as DPDK and Linux write it, was taken for something else.
func TestComplaintWp(t *testing.T) {
	b := setup(t, nil)
	b.same(dropSource, "$CC -Wp,-MD,./.b.o.d -c b.c; $CC -Wp,-MMD,./.c.o.d -MF x.d -c c.c; cat .b.o.d .c.o.d; ls -A")
	b.expect("b.o", "b.c")
}

// wazuh/wazuh#4239: the wrapper did not run at all, and the tool on top of it said that it
// had found no bugs. Nothing captured is not silence.
func TestComplaintNothingCaptured(t *testing.T) {
	b := withSaz(t, dropSource)
	b.run("gcc", "a.c", "b.c", "c.c", "-o", "prog")
	saz := filepath.Join(filepath.Dir(b.saz), "saz")
	if o := start(b.dir, nil, "", saz, "analyze", "prog"); o.code != 2 || !strings.Contains(o.err, "not built with saz-cc") {
		t.Errorf("%+v", o)
	}
	o := start(b.dir, nil, "", saz, "status", "--format", "json", "prog")
	var s build.Status
	if err := json.Unmarshal([]byte(o.out), &s); err != nil || o.code != 3 || s.Counts[build.Captured] != 0 || len(s.Notes) == 0 {
		t.Errorf("%+v %v", o, err)
	}
	if o := start(b.dir, nil, "", b.saz, "i686-w64-mingw32-no-such-gcc", "-c", "a.c"); o.code != 127 || !strings.Contains(o.err, "command not found") {
		t.Errorf("%+v", o)
	}
}
