package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"debug/elf"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"

	"saz/frontend/build"
)

// With --instrument, linking an executable goes on, as optimisation at link time
// does, where a plain link ends:
//
//  1. the compiler links the plain program, whose records name its sources
//  2. saz instrument writes the patched sources, glue and runtime into a side directory
//  3. the sources that it changed are compiled, each with its own recorded command;
//     of the others the objects stay as they are
//  4. the same link command runs again with the new objects in the places of the old
//     ones, inside archives too, and glue and runtime behind them
//
// The side directory is in the user's cache, one a program; objects are kept there by
// the content of all that went into them, so the next build compiles what has changed.
//
// What is no program of C with a receive site (a configure probe, a generator that
// the build runs, a shared object) stays as the compiler made it. But a program that
// should have been instrumented and was not is worse than none: then the link fails
// and leaves nothing, unless SAZ_INSTRUMENT=best-effort says that the plain one will do.

// wants reads SAZ_INSTRUMENT.
func wants(flag bool) (instrument, bestEffort bool) {
	switch v := os.Getenv("SAZ_INSTRUMENT"); v {
	case "", "0":
		return flag && v != "0", false
	case "best-effort":
		return true, true
	}
	return true, false
}

// children are the processes that are started after the plain link: they end with
// saz-cc.
var children, endChildren = context.WithCancel(context.Background())

// manifest is what is read of saz.json in the tree.
type manifest struct {
	Root    string   `json:"root"`
	Sites   int      `json:"receive_sites"`
	Tracked int      `json:"tracked"`
	Marks   int      `json:"marks"`
	Patched []string `json:"patched"`
}

// instrumenter works on one linked program.
type instrumenter struct {
	*recorder
	out  string // the program
	side string // its side directory
	tree string
	temp string // to be removed
	// touched says that the plain program is no longer in its place.
	touched bool
	man     manifest
	patch   map[string]bool

	dirs     map[string]string // working directory of a command → its alias in side
	objects  map[string]*job   // by key
	jobs     []*job
	archives []func() error
	seen     map[string]string // file → its replacement, "" for none
	replaced map[string]bool   // sources that have a new object
	bare     []string          // the tree's glue and runtime, compiled
}

// instrument does all of the above and returns the exit status.
func (r *recorder) instrument(bestEffort bool) int {
	in := &instrumenter{recorder: r, out: abs(r.dir, r.opt.ObjectFor("")), dirs: map[string]string{}, objects: map[string]*job{},
		seen: map[string]string{}, replaced: map[string]bool{}, patch: map[string]bool{}}
	if why := in.notAProgram(); why != "" {
		r.log.line("not instrumented", why)
		return 0
	}
	// Ended by a signal, it must not leave the plain program behind, or a process.
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP)
	ended := make(chan syscall.Signal, 1)
	go func() {
		ended <- (<-signals).(syscall.Signal)
		endChildren()
	}()
	why, err := in.run()
	signal.Stop(signals)
	defer func() {
		if in.temp != "" {
			os.RemoveAll(in.temp)
		}
	}()
	if len(ended) > 0 {
		os.Remove(in.out)
		if in.temp != "" {
			os.RemoveAll(in.temp)
		}
		die(<-ended)
	}
	if err == nil {
		if why != "" {
			r.log.line("not instrumented", r.opt.ObjectFor("")+": "+why)
		}
		return 0
	}
	r.log.line("failed", "instrumenting "+in.out+": "+err.Error())
	name := r.opt.ObjectFor("")
	if bestEffort {
		if perr := in.restore(); perr == nil {
			fmt.Fprintf(os.Stderr, "saz-cc: %s is the plain program, it could not be instrumented: %v\n", name, err)
			return 0
		}
	}
	os.Remove(in.out)
	fmt.Fprintf(os.Stderr, "saz-cc: %s could not be instrumented: %v\n", name, err)
	fmt.Fprintf(os.Stderr, "saz-cc: SAZ_INSTRUMENT=0 links the plain program, SAZ_INSTRUMENT=best-effort links it where instrumenting fails\n")
	return 1
}

// notAProgram says why there is nothing to instrument, "" if there is.
func (in *instrumenter) notAProgram() string {
	name := in.opt.ObjectFor("")
	if in.opt.Relink || in.opt.Shared {
		return name + ": not an executable"
	}
	rec, err := build.ReadRecords(in.out)
	switch {
	case err != nil:
		return err.Error()
	case rec.Type != elf.ET_EXEC && rec.Type != elf.ET_DYN:
		return name + ": not an executable"
	}
	c := 0
	for i := range rec.Records {
		if rec.Records[i].Instrumented {
			return name + ": a saz-cc further in has done it"
		}
		if rec.Records[i].Kind == build.KindCompile {
			c++
		}
	}
	if c == 0 {
		return name + ": none of it was compiled from C by saz-cc"
	}
	return ""
}

// run instruments the program. It returns why the plain program is what should
// be there, or an error.
func (in *instrumenter) run() (why string, err error) {
	saz, err := findSaz()
	if err != nil {
		return "", err
	}
	if err := in.place(); err != nil {
		return "", err
	}
	lock, err := os.OpenFile(filepath.Join(in.side, "lock"), os.O_RDWR|os.O_CREATE, 0o666)
	if err != nil {
		return "", err
	}
	defer lock.Close()
	if err := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX); err != nil {
		return "", err
	}
	if err := copyFile(in.out, filepath.Join(in.side, "plain")); err != nil {
		return "", err
	}

	said, err := in.analyse(saz)
	if err != nil {
		return "", err
	}
	if in.man.Sites == 0 {
		return "it has no receive site", nil
	}
	if len(in.man.Patched) == 0 {
		return "no statement of it updates state", nil
	}
	for _, p := range in.man.Patched {
		in.patch[filepath.Join(in.man.Root, filepath.FromSlash(p))] = true
	}
	if err := in.aliases(); err != nil {
		return "", err
	}
	argv, err := in.relink()
	if err != nil {
		return "", err
	}
	if err := in.compileAll(); err != nil {
		return "", err
	}
	for _, f := range in.archives {
		if err := f(); err != nil {
			return "", err
		}
	}
	if err := in.link(argv); err != nil {
		return "", err
	}
	hits := 0
	for _, j := range in.jobs {
		if j.hit {
			hits++
		}
	}
	in.log.line("instrumented", fmt.Sprintf("%s: %d variables, %d marks in %d files; %d objects compiled, %d of them before; %s%s",
		in.opt.ObjectFor(""), in.man.Tracked, in.man.Marks, len(in.man.Patched), len(in.jobs), hits, in.tree, said))
	return "", nil
}

// place makes the side directory: in the cache, or, where none can be written (a
// build in a sandbox), in a temporary directory, for this once.
func (in *instrumenter) place() error {
	sum := sha256.Sum256([]byte(in.out))
	name := filepath.Base(in.out) + "-" + hex.EncodeToString(sum[:6])
	make := func(dir string) error {
		in.side = filepath.Join(dir, "instrument", name)
		in.tree = filepath.Join(in.side, "tree")
		return os.MkdirAll(filepath.Join(in.side, "obj"), 0o777)
	}
	if cache, err := build.CacheDir(); err == nil && make(cache) == nil {
		return nil
	}
	var err error
	if in.temp, err = os.MkdirTemp("", "saz-cc-"); err != nil {
		return err
	}
	return make(in.temp)
}

func findSaz() (string, error) {
	if self, err := os.Executable(); err == nil {
		if real, err := filepath.EvalSymlinks(self); err == nil {
			self = real
		}
		path := filepath.Join(filepath.Dir(self), "saz")
		if st, err := os.Stat(path); err == nil && !st.IsDir() {
			return path, nil
		}
	}
	path, err := exec.LookPath("saz")
	if err != nil {
		return "", errors.New("saz is neither beside saz-cc nor on PATH")
	}
	return path, nil
}

// analyse has saz write the tree. What it says besides is for the log.
func (in *instrumenter) analyse(saz string) (said string, err error) {
	args := append([]string{"instrument", "-q", "-o", in.tree}, strings.Fields(os.Getenv("SAZ_INSTRUMENT_FLAGS"))...)
	cmd := exec.CommandContext(children, saz, append(args, in.out)...)
	cmd.Dir = in.dir
	var msg bytes.Buffer
	cmd.Stdout, cmd.Stderr = &msg, &msg
	err = cmd.Run()
	text := strings.TrimSpace(msg.String())
	var ee *exec.ExitError
	if errors.As(err, &ee) && ee.ExitCode() == 3 {
		// Something of it is beyond saz: the analysis is careful there, and what
		// it writes is right as far as it goes. The user shall know.
		lines := strings.Split(text, "\n")
		fmt.Fprintf(os.Stderr, "saz-cc: instrumenting %s:\n%s\n", in.opt.ObjectFor(""), text)
		said = "; " + lines[len(lines)-1]
	} else if err != nil {
		if text == "" {
			text = err.Error()
		}
		return "", errors.New(strings.TrimPrefix(text, "saz: "))
	}
	data, err := os.ReadFile(filepath.Join(in.tree, "saz.json"))
	if err != nil {
		return "", err
	}
	if err := json.Unmarshal(data, &in.man); err != nil {
		return "", fmt.Errorf("saz.json: %w", err)
	}
	if in.man.Root == "" {
		return "", fmt.Errorf("%s is older than saz-cc", saz)
	}
	return said, nil
}

// restore puts the plain program back.
func (in *instrumenter) restore() error {
	if !in.touched {
		return nil
	}
	return copyFile(filepath.Join(in.side, "plain"), in.out)
}

// copyFile copies a file with its permissions, in one step.
func copyFile(from, to string) error {
	data, err := os.ReadFile(from)
	if err != nil {
		return err
	}
	st, err := os.Stat(from)
	if err != nil {
		return err
	}
	tmp := fmt.Sprintf("%s.%d.tmp", to, os.Getpid())
	if err := os.WriteFile(tmp, data, st.Mode().Perm()); err != nil {
		os.Remove(tmp)
		return err
	}
	if err := os.Rename(tmp, to); err != nil {
		os.Remove(tmp)
		return err
	}
	return nil
}
