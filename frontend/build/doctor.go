package build

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// A Check is one thing that a set-up needs, looked at.
type Check struct {
	Name string `json:"name"`
	OK   bool   `json:"ok"`
	Text string `json:"text"`           // what was found
	Hint string `json:"hint,omitempty"` // what to do about it
}

// Examine tries out a set-up: each step of capturing a program is taken in a
// scratch directory, with wrapper (a saz-cc) and the compiler cc.
func Examine(wrapper, version string, cc []string) []Check {
	d := doctor{wrapper: wrapper}
	d.wrapped(version)
	d.environment()
	d.compilers(cc)
	d.cacheDir()
	d.capture(cc)
	return d.checks
}

type doctor struct {
	wrapper string
	checks  []Check
	dir     string
}

func (d *doctor) ok(name, format string, args ...any) {
	d.checks = append(d.checks, Check{Name: name, OK: true, Text: fmt.Sprintf(format, args...)})
}

func (d *doctor) bad(name, hint, format string, args ...any) {
	d.checks = append(d.checks, Check{Name: name, Text: fmt.Sprintf(format, args...), Hint: hint})
}

func (d *doctor) wrapped(version string) {
	if d.wrapper == "" {
		d.bad("saz-cc", "put saz-cc beside saz, or on PATH", "not found")
		return
	}
	out, err := exec.Command(d.wrapper, "--version").Output()
	switch v := strings.TrimSpace(string(out)); {
	case err != nil:
		d.bad("saz-cc", "build it again: make build", "%s does not run: %v", d.wrapper, err)
	case v != "saz-cc "+version:
		d.bad("saz-cc", "build both from one tree: make build", "%s is %s and saz is %s", d.wrapper, v, version)
	default:
		d.ok("saz-cc", "%s, %s", d.wrapper, v)
	}
	if path, err := exec.LookPath("saz-cc"); err != nil {
		d.bad("PATH", "export PATH="+filepath.Dir(d.wrapper)+":$PATH", `CC="saz-cc gcc" needs saz-cc on PATH`)
	} else if a, err := os.Stat(path); err == nil {
		if b, err := os.Stat(d.wrapper); err == nil && !os.SameFile(a, b) {
			d.bad("PATH", "put "+filepath.Dir(d.wrapper)+" first", "saz-cc on PATH is another one: %s", path)
		}
	}
}

func (d *doctor) environment() {
	if v := os.Getenv("SAZ_DISABLE"); v != "" && v != "0" {
		d.bad("SAZ_DISABLE", "unset SAZ_DISABLE", "set: saz-cc records nothing")
	}
	if name := os.Getenv("SAZ_LOG"); name != "" {
		if f, err := os.OpenFile(name, os.O_WRONLY|os.O_APPEND|os.O_CREATE, 0o666); err != nil {
			d.bad("SAZ_LOG", "name a file that can be written", "%v", err)
		} else {
			f.Close()
			if !filepath.IsAbs(name) {
				d.bad("SAZ_LOG", "give its full path", "%s is relative: each directory of a build gets a log of its own", name)
			} else {
				d.ok("SAZ_LOG", "%s", name)
			}
		}
	}
	if os.Getenv("SAZ_CC_DEPTH") != "" {
		d.bad("environment", "unset SAZ_CC_DEPTH SAZ_CC_VIA", "SAZ_CC_DEPTH is set: it belongs to running saz-ccs only")
	}
}

func (d *doctor) compilers(cc []string) {
	path, err := exec.LookPath(cc[0])
	if err != nil {
		d.bad("compiler", "install one (apt-get install gcc), or set CC", "%s: not found", cc[0])
		return
	}
	if IsLauncher(path) {
		d.ok("compiler cache", "%s stands in front of the compiler; with saz-cc before it, records are always right", path)
	}
	if real, err := filepath.EvalSymlinks(path); err == nil && strings.HasPrefix(filepath.Base(real), "saz-cc") {
		d.ok("shim", "%s is saz-cc: every build with this PATH is captured", path)
	}
	tc, err := Probe(cc[0], append(cc[1:], "-c", "x.c"), "/")
	if err != nil {
		d.bad("compiler", "saz asks the compiler for its macros with -E -dM -v; it must be gcc or clang, or answer as they do", "%v", err)
		return
	}
	if !bytes.Contains(tc.Predef, []byte("__GNUC__")) {
		d.bad("compiler", "use gcc or clang", "%s does not define __GNUC__", path)
		return
	}
	d.ok("compiler", "%s, %s", path, tc.Version)
	if len(tc.System) == 0 {
		d.bad("headers", "install libc6-dev", "%s names no include directory", path)
	}
}

func (d *doctor) cacheDir() {
	dir, err := CacheDir()
	if err != nil {
		d.bad("cache", "set XDG_CACHE_HOME or HOME", "%v", err)
		return
	}
	if err := os.MkdirAll(dir, 0o777); err == nil {
		var f *os.File
		if f, err = os.CreateTemp(dir, ".doctor-*"); err == nil {
			f.Close()
			os.Remove(f.Name())
		}
	}
	if err != nil {
		d.bad("cache", "make it writable, or set XDG_CACHE_HOME", "%v: nothing is remembered between runs", err)
		return
	}
	d.ok("cache", "%s", dir)
}

// CacheDir is where saz remembers things between runs.
func CacheDir() (string, error) {
	base, err := os.UserCacheDir()
	if err != nil {
		return "", err
	}
	return filepath.Join(base, "saz"), nil
}

// capture compiles, archives, links and strips a program, and looks for its
// record after each step.
func (d *doctor) capture(cc []string) {
	if d.wrapper == "" {
		return
	}
	dir, err := os.MkdirTemp("", "saz-doctor-")
	if err != nil {
		d.bad("scratch directory", "set TMPDIR to a directory that can be written", "%v", err)
		return
	}
	defer os.RemoveAll(dir)
	d.dir = dir
	if err := os.WriteFile(filepath.Join(dir, "t.c"), []byte("int main(void) { return 0; }\n"), 0o666); err != nil {
		d.bad("scratch directory", "set TMPDIR to a directory that can be written", "%v", err)
		return
	}
	wrapped := append([]string{d.wrapper}, cc...)
	steps := []struct {
		name, file, hint string
		command          []string
		optional         bool // its absence is no fault
	}{
		{"record in an object", "t.o", "SAZ_LOG=/tmp/log saz-cc ... says why", append(wrapped[:len(wrapped):len(wrapped)], "-g", "-c", "t.c"), false},
		{"kept by the linker", "t", "use a linker that keeps sections that it does not know", append(wrapped[:len(wrapped):len(wrapped)], "-g", "t.o", "-o", "t"), false},
		{"kept by strip", "t", "strip it later", []string{"strip", "t"}, true},
		{"kept by ar", "t.a", "use GNU or LLVM ar", []string{"ar", "rcs", "t.a", "t.o"}, true},
		{"kept by ld -r", "r.o", "use a linker that keeps sections that it does not know", []string{"ld", "-r", "t.o", "-o", "r.o"}, true},
	}
	for _, s := range steps {
		if _, err := exec.LookPath(s.command[0]); err != nil && s.optional {
			d.ok(s.name, "not tried: there is no %s", s.command[0])
			continue
		}
		cmd := exec.Command(s.command[0], s.command[1:]...)
		cmd.Dir = dir
		for _, kv := range os.Environ() {
			if !strings.HasPrefix(kv, "SAZ_") {
				cmd.Env = append(cmd.Env, kv)
			}
		}
		if out, err := cmd.CombinedOutput(); err != nil {
			d.bad(s.name, "the same without saz-cc: "+strings.Join(s.command, " "), "%v: %s", err, bytes.TrimSpace(out))
			return
		}
		rec, err := ReadRecords(filepath.Join(dir, s.file))
		if err != nil || len(rec.Records) == 0 || rec.Records[0].File != "t.c" {
			d.bad(s.name, s.hint, "no record in %s after %s", s.file, strings.Join(s.command, " "))
			return
		}
		d.ok(s.name, "%s", strings.Join(s.command, " "))
	}
	if lib, err := exec.LookPath("libtool"); err == nil {
		d.ok("libtool", `%s: if it says "unable to infer tagged configuration", run the build as: saz build -- make`, lib)
	}
}
