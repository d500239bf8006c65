package main

import (
	"bufio"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"sort"
	"strings"
	"syscall"

	"github.com/urfave/cli/v2"

	frontbuild "saz/frontend/build"
	"saz/passes/run"
	"saz/rewrite"
	"saz/rewrite/edit"
)

// shimmedNames are the compilers' names that saz build puts in front of PATH, of
// those that are on it.
var shimmedNames = regexp.MustCompile(`^([a-z0-9_]+-linux-[a-z]+-)?(cc|gcc|clang|c99|c89)(-[0-9.]+)?$`)

func buildCommand() *cli.Command {
	return &cli.Command{
		Name:      "build",
		Usage:     "run a build that can't be told its compiler, recorded; with -o, build its programs instrumented",
		ArgsUsage: "[-o DIR] -- COMMAND [ARGUMENT...]",
		Description: "The command runs with saz-cc in front of PATH under the compilers' names.\n" +
			"It exits as the command did. With -o DIR each program that was linked is\n" +
			"instrumented into DIR/NAME and built there; with --instrument each is linked\n" +
			"instrumented where the build puts it.",
		Flags: commonFlags(
			&cli.StringFlag{Name: "output", Aliases: []string{"o"}, Usage: "instrument what was linked, below `DIR`"},
			&cli.BoolFlag{Name: "instrument", Usage: "as CC=\"saz-cc --instrument gcc\" would"},
			&cli.StringSliceFlag{Name: "program", Usage: "with -o: only the program `NAME`"},
		),
		Action: func(c *cli.Context) error {
			argv := c.Args().Slice()
			if len(argv) > 0 && argv[0] == "--" {
				argv = argv[1:]
			}
			if len(argv) == 0 {
				return usage("build needs a command: saz build -- make")
			}
			if c.Bool("instrument") && c.String("output") != "" {
				return usage("--instrument puts programs where the build does, -o elsewhere: choose one")
			}
			log, code, err := shimmed(argv, c.Bool("instrument"))
			if err != nil {
				return cli.Exit(err.Error(), exitUsage)
			}
			defer os.Remove(log)
			programs, compiled := linked(log)
			if code != 0 {
				return cli.Exit(fmt.Sprintf("%s failed", argv[0]), code)
			}
			if !c.Bool("quiet") {
				if compiled == 0 {
					fmt.Fprintf(os.Stderr, "saz: nothing was recorded: there was nothing to compile (build from clean), or the build names its compiler by a full path, as CMake does (configure it with CC=\"saz-cc gcc\")\n")
				} else {
					fmt.Fprintf(os.Stderr, "saz: %s recorded; programs linked: %s\n", count(compiled, "compiler command"), strings.Join(programs, " "))
				}
			}
			if c.String("output") == "" {
				return nil
			}
			return instrumentAll(c, programs)
		},
	}
}

// shimmed runs the command with the compilers' names leading to saz-cc. It
// returns the log that saz-cc wrote and the command's exit status.
func shimmed(argv []string, instrument bool) (log string, code int, err error) {
	wrapper, err := wrapper()
	if err != nil {
		return "", 0, err
	}
	dir, err := shimDir(wrapper)
	if err != nil {
		return "", 0, err
	}
	f, err := os.CreateTemp("", "saz-build-*.log")
	if err != nil {
		return "", 0, err
	}
	f.Close()
	cmd := exec.Command(argv[0], argv[1:]...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	cmd.Env = append(os.Environ(), "PATH="+dir+":"+os.Getenv("PATH"), "SAZ_LOG="+f.Name())
	if instrument {
		cmd.Env = append(cmd.Env, "SAZ_INSTRUMENT=1")
	}
	err = cmd.Run()
	var ee *exec.ExitError
	if errors.As(err, &ee) {
		code = ee.ExitCode()
		if ws, ok := ee.Sys().(syscall.WaitStatus); ok && ws.Signaled() {
			code = 128 + int(ws.Signal())
		}
		return f.Name(), code, nil
	}
	if err != nil {
		os.Remove(f.Name())
		return "", 0, err
	}
	return f.Name(), 0, nil
}

// shimDir makes the directory of links. It stays: a build system that was configured
// here (CMake) remembers the compiler by its full path.
func shimDir(wrapper string) (string, error) {
	cache, err := frontbuild.CacheDir()
	sum := sha256.Sum256([]byte(wrapper))
	dir := filepath.Join(cache, "shims", hex.EncodeToString(sum[:6]))
	if err == nil {
		err = os.MkdirAll(dir, 0o777)
	}
	if err != nil { // no place that stays: for this once
		if dir, err = os.MkdirTemp("", "saz-build-"); err != nil {
			return "", err
		}
		atExit = append(atExit, func() { os.RemoveAll(dir) })
	}
	for _, d := range filepath.SplitList(os.Getenv("PATH")) {
		list, _ := os.ReadDir(d)
		for _, e := range list {
			if !shimmedNames.MatchString(e.Name()) {
				continue
			}
			if err := os.Symlink(wrapper, filepath.Join(dir, e.Name())); err != nil && !errors.Is(err, fs.ErrExist) {
				return "", err
			}
		}
	}
	return dir, nil
}

// linked reads saz-cc's log: the executables that carry records, and how many
// commands were recorded.
func linked(log string) (programs []string, compiled int) {
	f, err := os.Open(log)
	if err != nil {
		return nil, 0
	}
	defer f.Close()
	seen := map[string]bool{}
	sc := bufio.NewScanner(f)
	sc.Buffer(nil, 1<<24)
	for sc.Scan() {
		w := strings.Split(sc.Text(), "\t")
		if len(w) < 6 || w[1] != "recorded" {
			continue
		}
		compiled++
		opt, err := frontbuild.ParseArgs(strings.Fields(w[5]), w[4])
		if err != nil || opt.Mode != frontbuild.Link || opt.Shared || opt.Relink {
			continue
		}
		path, _, _ := strings.Cut(w[2], " <- ")
		if !filepath.IsAbs(path) {
			path = filepath.Join(w[4], path)
		}
		if _, err := os.Stat(path); err == nil && !seen[path] { // not what configure tried and removed
			seen[path] = true
			programs = append(programs, path)
		}
	}
	sort.Strings(programs)
	return programs, compiled
}

// instrumentAll instruments programs below -o and builds them there.
func instrumentAll(c *cli.Context, programs []string) error {
	want := map[string]bool{}
	for _, p := range c.StringSlice("program") {
		want[p] = true
	}
	worst, n := exitDone, 0
	for _, p := range programs {
		name := filepath.Base(p)
		if len(want) > 0 && !want[name] {
			continue
		}
		n++
		a, err := run.Load(run.Options{Target: []string{p}, Jobs: c.Int("jobs"), Config: effective(c)})
		if err != nil {
			return cli.Exit(err.Error(), exitUsage)
		}
		r, err := rewrite.Instrument(a, rewrite.Options{Version: version})
		if err != nil {
			return cli.Exit(err.Error(), exitUsage)
		}
		worst = max(worst, complain(c, a))
		dir := filepath.Join(c.String("output"), name)
		if err := edit.WriteTree(dir, r.Files); err != nil {
			return cli.Exit(err.Error(), exitUsage)
		}
		mk := exec.Command("make", "-s", "-C", dir)
		mk.Stdout, mk.Stderr = os.Stderr, os.Stderr
		if err := mk.Run(); err != nil {
			return cli.Exit(fmt.Sprintf("the instrumented %s does not build in %s: %v", name, dir, err), exitPartial)
		}
		fmt.Printf("%s\n", filepath.Join(dir, name))
	}
	if n == 0 {
		return usage("nothing was linked from C that could be instrumented")
	}
	return exit(worst)
}
