// Command saz-cc runs a C compiler and leaves, in what it produced, a record of
// how:
//
//	make CC="saz-cc gcc"
//
// The compiler runs first, with the same arguments, environment and files, and
// saz-cc exits as it did. Configure scripts and build systems look at all of
// that, and at every byte on standard output and error, so saz-cc itself prints
// nothing. What it did and why is appended to the file that SAZ_LOG names.
// SAZ_DISABLE=1 makes it step aside.
//
// Where the compiler cannot be replaced by two words (a libtool that was
// configured for gcc), a symbolic link to saz-cc named gcc, cc or clang in a
// directory at the front of PATH does the same: saz-cc then runs the next
// program of that name on PATH.
//
// With --instrument, a link of an executable ends with the instrumented program:
// see instrument.go.
//
// For an invocation that makes no object or program (-E, -M, -S, questions about
// the compiler) and a configure probe (conftest.c), saz-cc becomes the compiler
// by exec. An object that is not made from a C file (assembler, another language,
// standard input) gets a record that says so and no more.
package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"saz/frontend/build"
)

// Version of saz; the Makefile sets it.
var version = "0.1.0-dev"

const usage = `usage: saz-cc [--instrument] COMPILER [ARGUMENT...]

Runs the compiler and records, in the object or program that it makes, how it
was compiled. As in: make CC="saz-cc gcc"

  --instrument       link programs instrumented, as saz instrument would
  saz-cc --version   print the version
  saz-cc --help      print this

environment:
  SAZ_LOG=FILE       append what was done and why to FILE
  SAZ_DISABLE=1      only run the compiler
  SAZ_INSTRUMENT=1   as --instrument, for builds that name the compiler themselves;
                     best-effort: link the plain program where it can't be done; 0: don't
  SAZ_INSTRUMENT_FLAGS  more flags for saz instrument
`

// depthName counts saz-cc processes from the outermost one, to end a search
// for the compiler that always finds saz-cc again (a shell script in between).
//
// viaName lists the compiler caches and scripts that they ran. One that is linked
// to the compiler's name (/usr/lib/ccache/gcc) looks for the next program of that
// name on PATH, and may find saz-cc, whose next one it is in turn: so those that
// were there already are passed over.
const (
	depthName = "SAZ_CC_DEPTH"
	depthMax  = 8
	viaName   = "SAZ_CC_VIA"
)

func main() {
	start := time.Now()
	self := filepath.Base(os.Args[0])
	argv := os.Args
	instrument := false
	if strings.HasPrefix(self, "saz-cc") {
		if len(argv) < 2 {
			fmt.Fprint(os.Stderr, usage)
			os.Exit(2)
		}
		switch argv[1] {
		case "--version":
			fmt.Println("saz-cc", version)
			return
		case "--help", "-h":
			fmt.Print(usage)
			return
		}
		if argv[1] == "--instrument" && len(argv) > 2 {
			instrument = true
			argv = argv[1:]
		}
		if strings.HasPrefix(argv[1], "-") {
			fmt.Fprintf(os.Stderr, "saz-cc: unknown option %s: the compiler comes first\n%s", argv[1], usage)
			os.Exit(2)
		}
		argv = argv[1:]
	} else {
		// By its own name it would find itself.
		argv = append([]string{self}, argv[1:]...)
	}

	depth, _ := strconv.Atoi(os.Getenv(depthName))
	if depth >= depthMax {
		fatal(126, "%s %v", argv[0], errLoop)
	}
	compiler, skipped, err := findCompiler(argv[0])
	if err == errLoop {
		fatal(126, "%s %v", argv[0], err)
	} else if err != nil {
		fatal(127, "%s: %v", argv[0], err)
	}
	given := argv
	if skipped {
		// gcc looks for its own parts beside the first program on PATH that
		// has the name in argv[0].
		argv = append([]string{compiler}, argv[1:]...)
	}
	os.Setenv(depthName, strconv.Itoa(depth+1))

	log := &logger{name: os.Getenv("SAZ_LOG"), start: start, argv: given}
	via := filepath.SplitList(os.Getenv(viaName))
	if launches(compiler) {
		os.Setenv(viaName, strings.Join(append(via, compiler), string(filepath.ListSeparator)))
	}
	if d := os.Getenv("SAZ_DISABLE"); d != "" && d != "0" {
		log.line("passed", "SAZ_DISABLE is set")
		become(compiler, argv)
	}
	dir, err := os.Getwd()
	if err != nil {
		log.line("passed", "no working directory: "+err.Error())
		become(compiler, argv)
	}
	opt, err := build.ParseArgs(given, dir)
	if err != nil {
		log.line("passed", err.Error())
		become(compiler, argv)
	}
	if reason := whyNot(opt, dir); reason != "" {
		log.line("passed", reason)
		become(compiler, argv)
	}

	// The compiler may take its time, and the source may be edited meanwhile:
	// remember what it was given.
	sums := map[string]string{}
	for _, in := range opt.Sources() {
		sums[in.Name] = build.SourceSum(abs(dir, in.Name))
	}
	log.before = time.Since(start)
	state := run(compiler, argv)
	log.compiled()
	if ws := state.Sys().(syscall.WaitStatus); ws.Signaled() {
		log.line("failed", "the compiler died of "+ws.Signal().String())
		die(ws.Signal())
	}
	if code := state.ExitCode(); code != 0 {
		log.line("failed", fmt.Sprintf("the compiler exited with %d", code))
		os.Exit(code)
	}
	r := &recorder{opt: opt, dir: dir, compiler: compiler, cached: build.IsLauncher(compiler), sums: sums, log: log}
	r.record()
	if instrument, bestEffort := wants(instrument); instrument && opt.Mode == build.Link {
		os.Exit(r.instrument(bestEffort))
	}
}

func fatal(code int, format string, args ...any) {
	fmt.Fprintf(os.Stderr, "saz-cc: "+format+"\n", args...)
	os.Exit(code)
}

func abs(dir, name string) string {
	if filepath.IsAbs(name) {
		return name
	}
	return filepath.Join(dir, name)
}

// probeDirs are where CMake tries what the compiler can do.
var probeDirs = []string{"/CMakeFiles/CMakeScratch/", "/CMakeFiles/CMakeTmp/", "/CompilerIdC/"}

// whyNot returns the reason for which an invocation is not recorded, "" if it
// is. It is asked before the compiler runs.
func whyNot(o *build.Options, dir string) string {
	switch o.Mode {
	case build.Compile, build.Link:
	default:
		return "makes no object: " + o.Mode.String()
	}
	for _, p := range probeDirs {
		if strings.Contains(dir+"/", p) {
			return "a configure probe"
		}
	}
	for _, in := range o.Inputs {
		switch {
		case strings.HasPrefix(filepath.Base(in.Name), "conftest."), strings.Contains(in.Name, "meson-private/"):
			return "a configure probe"
		case in.Lang == build.LangHeader:
			return "precompiles a header"
		}
	}
	return ""
}

// launches reports whether a program is one that looks for the compiler itself.
func launches(path string) bool {
	if build.IsLauncher(path) {
		return true
	}
	f, err := os.Open(path)
	if err != nil {
		return false
	}
	defer f.Close()
	var magic [2]byte
	f.Read(magic[:])
	return string(magic[:]) == "#!"
}

// findCompiler returns the file to run. A name is looked for on PATH, passing
// over every link to this program (skipped says that there was one) and what led
// to it.
func findCompiler(name string) (path string, skipped bool, err error) {
	self, err := os.Executable()
	if err != nil {
		path, err = exec.LookPath(name)
		return path, false, err
	}
	me, err := os.Stat(self)
	if err != nil {
		path, err = exec.LookPath(name)
		return path, false, err
	}
	if strings.Contains(name, "/") {
		if st, err := os.Stat(name); err == nil && os.SameFile(st, me) {
			return "", false, errors.New("is saz-cc itself")
		}
		return name, false, nil
	}
	var via []os.FileInfo
	for _, v := range filepath.SplitList(os.Getenv(viaName)) {
		if st, err := os.Stat(v); err == nil {
			via = append(via, st)
		}
	}
	again := false
search:
	for _, d := range filepath.SplitList(os.Getenv("PATH")) {
		if d == "" {
			d = "."
		}
		path := filepath.Join(d, name)
		if !strings.Contains(path, "/") {
			path = "./" + path
		}
		st, err := os.Stat(path)
		if err != nil || st.IsDir() || st.Mode()&0o111 == 0 {
			continue
		}
		if os.SameFile(st, me) {
			skipped = true
			continue
		}
		for _, v := range via {
			if os.SameFile(st, v) {
				again, skipped = true, true
				continue search
			}
		}
		return path, skipped, nil
	}
	if again {
		return "", false, errLoop
	}
	return "", false, errors.New("command not found")
}

var errLoop = errors.New("leads back to saz-cc again and again: name the compiler by its full path")

// become replaces saz-cc by the compiler. It does not return.
func become(compiler string, argv []string) {
	err := syscall.Exec(compiler, argv, os.Environ())
	fatal(126, "%s: %v", compiler, err)
}

// run runs the compiler to its end. A signal that is meant to end saz-cc ends
// the compiler, which then cleans up behind itself.
func run(compiler string, argv []string) *os.ProcessState {
	forward := make(chan os.Signal, 8)
	for _, s := range []os.Signal{syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP, syscall.SIGQUIT} {
		if !signal.Ignored(s) {
			signal.Notify(forward, s)
		}
	}
	p, err := os.StartProcess(compiler, argv, &os.ProcAttr{Files: []*os.File{os.Stdin, os.Stdout, os.Stderr}})
	if errors.Is(err, os.ErrNotExist) {
		fatal(127, "%v", err)
	} else if err != nil {
		fatal(126, "%v", err)
	}
	go func() {
		for s := range forward {
			p.Signal(s)
		}
	}()
	state, err := p.Wait()
	signal.Stop(forward)
	if err != nil {
		fatal(126, "%v", err)
	}
	return state
}
