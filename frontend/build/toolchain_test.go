package build

import (
	"bytes"
	"math/rand"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

// TestMain keeps the tests out of the user's cache.
func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "saz-cache-")
	if err != nil {
		panic(err)
	}
	os.Setenv("XDG_CACHE_HOME", dir)
	code := m.Run()
	os.RemoveAll(dir)
	os.Exit(code)
}

// forget drops what this process remembers, as a new process would.
func forget() {
	probesMu.Lock()
	probes = map[string]*probe{}
	probesMu.Unlock()
}

func theProbe(t *testing.T, cc string, args []string) *probe {
	t.Helper()
	o, err := ParseArgs(append([]string{cc}, args...), "/")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := probeFor(cc, o, "/"); err != nil {
		t.Fatal(err)
	}
	return probes[cc+"\x00"+strings.Join(o.Predef, "\x00")]
}

func TestProbe(t *testing.T) {
	needTool(t, "gcc")
	tc, err := Probe("gcc", []string{"-O2", "-fopenmp", "-DX=1", "-Iinc", "-c", "a.c"}, "/")
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"#define __OPTIMIZE__ 1\n", "#define _OPENMP ", "#define __STDC__ 1\n"} {
		if !bytes.Contains(tc.Predef, []byte(want)) {
			t.Errorf("no %s", want)
		}
	}
	if bytes.Contains(tc.Predef, []byte("#define X")) {
		t.Error("-D is in Predef")
	}
	if len(tc.System) == 0 || tc.Version == "" {
		t.Errorf("%+v", tc)
	}
	for _, q := range []struct {
		kind, arg string
		want      int
	}{
		{"__has_attribute", "packed", 1}, {"__has_attribute", "__packed__", 1}, {"__has_attribute", "no_such_thing", 0},
		{"__has_builtin", "__builtin_expect", 1}, {"__has_builtin", "__builtin_saz", 0}, {"__has_operator", "x", 0},
		{"__has_c_attribute", "fallthrough", 201910}, {"__has_attribute", "gnu :: packed", 1}, {"__has_attribute", "x)y", 0},
	} {
		if got := tc.Builtins(q.kind, q.arg); got != q.want && !(q.want > 1 && got > 1) {
			t.Errorf("%s(%s) = %d, want %d", q.kind, q.arg, got, q.want)
		}
	}
	if _, err := Probe("gcc", []string{"-mno-such-option"}, "/"); err == nil || !strings.Contains(err.Error(), "no-such-option") {
		t.Errorf("%v", err)
	}
	if _, err := Probe("no-such-compiler", nil, "/"); err == nil {
		t.Error("no error")
	}
}

// The compiler is started once for a set of flags, and not at all in the next
// process.
func TestProbeIsRemembered(t *testing.T) {
	needTool(t, "gcc")
	forget()
	p := theProbe(t, "gcc", []string{"-O3", "-DA", "-c", "a.c"})
	first := p.spawns
	theProbe(t, "gcc", []string{"-DB", "-O3", "-Wall", "-c", "b.c"})
	p.has("__has_attribute", "packed")
	p.has("__has_attribute", "aligned")
	p.has("__has_builtin", "__builtin_clz")
	if first != 2 || p.spawns != 3 {
		t.Errorf("%d starts, then %d", first, p.spawns)
	}
	forget()
	q := theProbe(t, "gcc", []string{"-O3"})
	if q == p || q.spawns != 0 || q.has("__has_attribute", "hot") != 1 || q.spawns != 0 {
		t.Errorf("%d starts in the next process", q.spawns)
	}
	if !bytes.Equal(q.tc.Predef, p.tc.Predef) || !reflect.DeepEqual(q.tc.System, p.tc.System) {
		t.Error("the answers differ")
	}
	// Damaged, or no place to keep it: asked again.
	if err := os.WriteFile(p.file, []byte("{"), 0o666); err != nil {
		t.Fatal(err)
	}
	forget()
	if q := theProbe(t, "gcc", []string{"-O3"}); q.spawns == 0 {
		t.Error("a damaged file was believed")
	}
	t.Setenv("XDG_CACHE_HOME", "/dev/null/no")
	forget()
	if q := theProbe(t, "gcc", []string{"-O3"}); q.err != nil || q.spawns == 0 {
		t.Error(q.err)
	}
	forget()
}

// searched asks gcc for the directories that it searches.
func searched(t *testing.T, dir string, args []string) (quote, angle []string) {
	t.Helper()
	cmd := exec.Command("gcc", append(args, "-v", "-E", "-xc", "/dev/null")...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "LC_ALL=C")
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	part := 0
	for _, l := range strings.Split(string(out), "\n") {
		switch {
		case strings.HasPrefix(l, `#include "..." search`):
			part = 1
		case strings.HasPrefix(l, `#include <...> search`):
			part = 2
		case strings.HasPrefix(l, "End of search"):
			part = 0
		case part == 1:
			quote = append(quote, strings.TrimPrefix(l, " "))
		case part == 2:
			angle = append(angle, strings.TrimPrefix(l, " "))
		}
	}
	return quote, angle
}

func TestConfigSearchesAsGCC(t *testing.T) {
	needTool(t, "gcc")
	dir := t.TempDir()
	for _, d := range []string{"a", "b", "c"} {
		os.Mkdir(filepath.Join(dir, d), 0o777)
	}
	os.Symlink("a", filepath.Join(dir, "alias"))
	os.WriteFile(filepath.Join(dir, "x.c"), nil, 0o666)
	pool := []string{"a", "b", "c", "alias", "./a", "nowhere", "x.c", "/usr/include", "/usr/local/include", ".", filepath.Join(dir, "b")}
	flags := []string{"-I", "-isystem", "-iquote", "-idirafter", "-I", "-I"}
	r := rand.New(rand.NewSource(7))
	for range 150 {
		var args []string
		for n := r.Intn(7); n > 0; n-- {
			args = append(args, flags[r.Intn(len(flags))], pool[r.Intn(len(pool))])
		}
		if r.Intn(8) == 0 {
			args = append(args, "-nostdinc")
		}
		c := &Command{Dir: dir, Args: append(append([]string{"gcc"}, args...), "-c", "x.c"), File: "x.c"}
		tc, err := c.Toolchain()
		if err != nil {
			t.Fatal(err)
		}
		cfg, err := c.Config(tc)
		if err != nil {
			t.Fatal(err)
		}
		quote, angle := searched(t, dir, args)
		got := append(append(append([]string(nil), cfg.Angle...), cfg.System...), cfg.After...)
		if strings.Join(got, "\n") != strings.Join(angle, "\n") {
			t.Fatalf("%q\n got %q\nwant %q", args, got, angle)
		}
		// gcc drops the last quote directory if it is the first of the others.
		all := strings.Join(append(append([]string(nil), cfg.Quote...), got...), "\n")
		if want := strings.Join(append(append([]string(nil), quote...), angle...), "\n"); all != want && strings.Join(cfg.Quote[:len(cfg.Quote)-1], "\n") != strings.Join(quote, "\n") {
			t.Fatalf("%q\n got %q\nwant %q", args, cfg.Quote, quote)
		}
	}
}

func TestConfigEnv(t *testing.T) {
	needTool(t, "gcc")
	dir := t.TempDir()
	for _, d := range []string{"a", "b", "c"} {
		os.Mkdir(filepath.Join(dir, d), 0o777)
	}
	c := &Command{Dir: dir, Args: []string{"gcc", "-Ia", "-c", "x.c"}, File: "x.c", Env: []string{"CPATH=b:", "C_INCLUDE_PATH=c"}}
	tc, err := c.Toolchain()
	if err != nil {
		t.Fatal(err)
	}
	cfg, err := c.Config(tc)
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(cfg.Angle, []string{"a", "b", "."}) || cfg.System[0] != "c" {
		t.Errorf("%q %q", cfg.Angle, cfg.System)
	}
	c = &Command{Dir: dir, Args: []string{"gcc", "-DX", "-include", "y.h", "-c", "x.i"}, File: "x.i"}
	if cfg, err = c.Config(tc); err != nil || cfg.Predef != nil || cfg.Defines != nil || cfg.Includes != nil {
		t.Errorf("%+v %v", cfg, err)
	}
}
