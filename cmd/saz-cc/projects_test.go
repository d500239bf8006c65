package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"sort"
	"strings"
	"testing"
)

// need skips a test for which a tool is missing, by its name. CI installs them all.
func need(t *testing.T, tools ...string) {
	t.Helper()
	for _, tool := range tools {
		if _, err := exec.LookPath(tool); err != nil {
			t.Skipf("no %s", tool)
		}
	}
}

// project builds a project of testdata at one path in several ways; how runs in a
// fresh copy, with the compiler as CC.
func (b *bench) project(name, how string, env ...string) map[string]string {
	b.t.Helper()
	list, _ := os.ReadDir(b.dir)
	for _, e := range list {
		os.RemoveAll(filepath.Join(b.dir, e.Name()))
	}
	b.run("cp", "-r", filepath.Join(repo, "cmd", "saz-cc", "testdata", name)+"/.", b.dir)
	// What is made from what is told by time stamps.
	b.run("find", b.dir, "-exec", "touch", "-d", "2020-01-01", "{}", "+")
	if o := start(b.dir, append(env, "SOURCE_DATE_EPOCH=1700000000"), "", "sh", "-ec", how); o.code != 0 {
		b.t.Fatalf("%s: %+v", how, o)
	}
	return tree(b.t, b.dir)
}

// kinds splits a tree into what the compiler made and what a person or a tool
// wrote, in which the compiler may be named.
func kinds(all map[string]string, unname *strings.Replacer) (made, text map[string]string) {
	made, text = map[string]string{}, map[string]string{}
	for name, data := range all {
		_, body, _ := strings.Cut(data, "\n")
		if strings.HasPrefix(body, "\x7fELF") || strings.HasPrefix(body, "!<") {
			made[name] = data
		} else {
			text[name] = unname.Replace(data)
		}
	}
	return made, text
}

func (b *bench) all(target string) string {
	b.t.Helper()
	list := b.sources(target)
	sort.Strings(list)
	return strings.Join(list, " ")
}

func TestProjectMake(t *testing.T) {
	need(t, "make", "ar", "ld")
	b := setup(t, nil)
	want := b.project("make", "make -s CC=gcc")
	if len(want) < 20 {
		t.Fatalf("%d files", len(want))
	}
	compareTrees(t, want, b.project("make", "make -s -j4 CC='"+b.saz+" gcc'"))
	for target, sources := range map[string]string{"probe": "log.c probe.c recv.c sum.c", "trace": "log.c recv.c sum.c trace.c", "net/libnet.a": "recv.c sum.c"} {
		if got := b.all(target); got != sources {
			t.Errorf("%s: %s", target, got)
		}
	}
	b.run("make", "-s", "-q", "-W", "none", "probe.o", "CC="+b.saz+" gcc")
}

func TestProjectAutotools(t *testing.T) {
	need(t, "autoreconf", "automake", "libtool", "make")
	if testing.Short() {
		t.Skip("runs configure three times")
	}
	b := setup(t, nil)
	prepared := filepath.Join(filepath.Dir(b.log), "prepared")
	b.project("autotools", "autoreconf -fi 2>&1; rm -rf autom4te.cache; find . -exec touch -d 2020-01-01 {} +")
	b.run("cp", "-rp", b.dir, prepared)
	make := func(how string, env ...string) map[string]string {
		return b.project("make", "rm -rf ./*; cp -rp "+prepared+"/. .; "+how, env...)
	}
	// Configured for gcc and built by saz-cc, and the other way round, and by shims.
	unname := strings.NewReplacer("''\\''CC="+b.saz+" gcc'\\'' ", "'CC=gcc ", b.saz+" gcc", "gcc")
	want, wantText := kinds(make("./configure CC=gcc CFLAGS='-g -O1'; make"), unname)
	if len(want) < 10 {
		t.Fatalf("%d files", len(want))
	}
	bin := filepath.Dir(b.saz)
	os.Symlink(b.saz, filepath.Join(bin, "gcc"))
	for _, how := range []string{
		"./configure CC='" + b.saz + " gcc' CFLAGS='-g -O1'; make",
		"./configure CC=gcc CFLAGS='-g -O1'; make -j4 CC='" + b.saz + " gcc'",
		"PATH=" + bin + ":$PATH; ./configure CC=gcc CFLAGS='-g -O1'; make -j2",
	} {
		got, gotText := kinds(make(how), unname)
		if strings.Contains(how, "CC=gcc") && !strings.Contains(how, "PATH") {
			// This libtool links libraries by the compiler that it was configured for.
			compareTrees(t, withoutIDs(want), withoutIDs(got))
		} else {
			compareTrees(t, want, got)
		}
		for _, name := range []string{"config.h", "config.status", "Makefile", "lib/Makefile", "src/Makefile", "libtool", "lib/libpktsum.la", "stamp-h1"} {
			if wantText[name] == "" || gotText[name] != wantText[name] {
				t.Errorf("%s: %s differs", how, name)
			}
		}
		for target, sources := range map[string]string{"lib/.libs/libpktsum.so": "inner.c sum.c", "src/.libs/pktsum": "main.c", "src/pktsum-static": "inner.c main.c opt.c sum.c"} {
			if !exists(target) && target == "src/pktsum-static" {
				target = "src/.libs/pktsum-static"
			}
			if got := b.all(target); got != sources {
				t.Errorf("%s: %s: %s", how, target, got)
			}
		}
	}
}

// results are the lines of CMakeCache.txt that say what was found.
var results = regexp.MustCompile(`(?m)^(HAVE|TAKES|LONG|CMAKE_HAVE|FIND)\w*:.*$`)

// A build ID is the plain one only where saz-cc links, too.
const buildID = "\x04\x00\x00\x00\x14\x00\x00\x00\x03\x00\x00\x00GNU\x00"

func withoutIDs(all map[string]string) map[string]string {
	out := map[string]string{}
	for name, data := range all {
		if i := strings.Index(data, buildID); i >= 0 {
			i += len(buildID)
			data = data[:i] + data[i+20:]
		}
		out[name] = data
	}
	return out
}

func TestProjectCMake(t *testing.T) {
	need(t, "cmake", "make")
	if testing.Short() {
		t.Skip("runs cmake three times")
	}
	b := setup(t, nil)
	build := func(configure string) (made map[string]string, config, cache string) {
		all := b.project("cmake", "mkdir b; cd b; "+configure+" -Wno-dev -DCMAKE_BUILD_TYPE=RelWithDebInfo .. >log 2>&1 || { cat log; exit 1; }; make -j2")
		for name := range all {
			// Of cmake's own trials.
			if strings.HasPrefix(name, "b/CMakeFiles/") && !strings.Contains(name, ".dir/") || strings.HasSuffix(name, "/compiler_depend.ts") {
				delete(all, name)
			}
		}
		made, text := kinds(all, strings.NewReplacer())
		return made, text["b/config.h"], strings.Join(results.FindAllString(text["b/CMakeCache.txt"], -1), "\n")
	}
	want, config, cache := build("CC=gcc cmake")
	if len(want) < 8 || config == "" || cache == "" {
		t.Fatalf("%d files", len(want))
	}
	for _, how := range []string{"CC='" + b.saz + " gcc' cmake", "CC=gcc cmake -DCMAKE_C_COMPILER_LAUNCHER=" + b.saz} {
		got, gotConfig, gotCache := build(how)
		if strings.Contains(how, "LAUNCHER") { // for compiling only
			compareTrees(t, withoutIDs(want), withoutIDs(got))
		} else {
			compareTrees(t, want, got)
		}
		if gotConfig != config {
			t.Errorf("%s: config.h differs: %s", how, gotConfig)
		}
		if gotCache != cache {
			t.Errorf("%s: found other things:\n%s\n%s", how, gotCache, cache)
		}
		// CMake names sources by their full paths, which are the same in a directory of the same name.
		got3 := b.all("b/watch")
		if got3 = strings.ReplaceAll(got3, b.dir+"/", ""); got3 != "b/table.c lib/common.c lib/tally.c main.c" {
			t.Errorf("%s: %s", how, got3)
		}
	}
}
