package cprint_test

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"sort"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"saz/frontend"
	"saz/frontend/build"
	"saz/frontend/source"
	"saz/ir"
	"saz/ir/cprint"
	"saz/ir/link"
	"saz/ir/randc"
	"saz/ir/torture"
)

// The long runs of the oracle: GCC's execution tests and programs of Csmith, rebuilt
// from their IR. An outcome is a class that is counted; those that begin with
// FAIL fail the test.

// outcome builds the program of files as it is and by way of its IR, and says how the two
// compare. A program that itself needs more than patience is left alone.
// brake, if there is one, is an object that counts processor time for it, so that
// what the verdict is does not depend on how busy the machine is.
func outcome(dir string, files, flags []string, patience time.Duration, brake string) string {
	limit, cpu := time.Minute, time.Duration(0)
	run := func(args ...string) (string, error) {
		ctx, stop := context.WithTimeout(context.Background(), limit)
		defer stop()
		cmd := exec.CommandContext(ctx, args[0], args[1:]...)
		cmd.Dir = dir
		cmd.WaitDelay = time.Second
		if cpu > 0 {
			cmd.Env = append(os.Environ(), fmt.Sprintf("BRAKE_MS=%d", cpu.Milliseconds()))
		}
		var out bytes.Buffer
		cmd.Stdout, cmd.Stderr = &out, &out
		err := cmd.Run()
		if ctx.Err() != nil {
			err = ctx.Err()
		}
		if e, ok := err.(*exec.ExitError); ok {
			if s, ok := e.Sys().(syscall.WaitStatus); ok && s.Signaled() && s.Signal() == syscall.SIGVTALRM {
				err = context.DeadlineExceeded
			}
		}
		return out.String(), err
	}
	cc := func(exe string, files, more []string) error {
		args := append(append(append([]string{"gcc"}, more...), "-o", exe), files...)
		if brake != "" {
			args = append(args, brake)
		}
		_, err := run(append(args, "-lm", "-pthread")...)
		return err
	}
	plain, again := filepath.Join(dir, "plain"), filepath.Join(dir, "again")
	if cc(plain, files, flags) != nil {
		return "gcc refuses it"
	}
	if brake == "" {
		limit = patience
	} else {
		cpu = patience
	}
	want, err := run(plain)
	limit, cpu = time.Minute, 0
	if err == context.DeadlineExceeded {
		return "runs too long as it is"
	}
	if err != nil {
		return "fails as it is"
	}
	c := filepath.Join(dir, "ir.c")
	if msg := rebuild(files, flags, c); msg != "" {
		return msg
	}
	// the frame of a program's own -f options is part of what a few tests look at
	opts := []string{"-w"}
	for _, f := range flags {
		if strings.HasPrefix(f, "-f") || strings.HasPrefix(f, "-m") || strings.HasPrefix(f, "-O") {
			opts = append(opts, f)
		}
	}
	if err := cc(again, []string{c}, opts); err != nil {
		msg, _ := run(append(append([]string{"gcc"}, opts...), "-fsyntax-only", c)...)
		return "FAIL the printed IR does not compile: " + firstLine(msg)
	}
	if brake != "" {
		cpu = 20 * patience
	}
	got, err := run(again)
	if err != nil {
		return "FAIL the rebuilt program fails: " + err.Error()
	}
	if got != want {
		if second, _ := run(plain); second != want {
			return "same" // prints addresses or times: that it succeeds is all that can be compared
		}
		if undefined(files, flags, filepath.Join(dir, "checked")) {
			return "undefined: converts a floating number that the integer type can't hold"
		}
		return "FAIL the rebuilt program prints something else"
	}
	return "same"
}

// undefined reports whether a run of the program converts a number that has no value in the type, which each compiler, and gcc at each level, does in its
// own way (C17 6.3.1.4); Csmith makes such programs with --float, rarely.
func undefined(files, flags []string, exe string) bool {
	args := append([]string{"-fsanitize=float-cast-overflow", "-o", exe}, flags...)
	args = append(append(args, files...), "-lm", "-pthread")
	if exec.Command("gcc", args...).Run() != nil {
		return false
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	out, _ := exec.CommandContext(ctx, exe).CombinedOutput()
	return bytes.Contains(out, []byte("is outside the range of representable values"))
}

// rebuild writes the IR of files, linked, as C; it returns why it can't, "" if it can.
func rebuild(files, flags []string, c string) (why string) {
	defer func() {
		if r := recover(); r != nil {
			why = fmt.Sprintf("FAIL panic: %v", r)
		}
	}()
	sink := new(source.Sink)
	p, err := build.Load(files, flags)
	if err != nil {
		return "FAIL " + err.Error()
	}
	f, err := frontend.Load(p, sink, 1)
	if err != nil {
		return "FAIL " + err.Error()
	}
	prog := link.Link(p.Name, f.Units, f.Files, sink, 1)
	for _, d := range sink.Sorted(f.Files) {
		if d.Severity == source.Error {
			return "refused: " + d.ID + ": " + d.Msg
		}
	}
	ir.LiftAll(prog, 1)
	if err := ir.Verify(prog); err != nil {
		return "FAIL " + firstLine(err.Error())
	}
	var b bytes.Buffer
	if err := cprint.Program(&b, prog, nil); err != nil {
		return "FAIL " + err.Error()
	}
	if err := os.WriteFile(c, b.Bytes(), 0o666); err != nil {
		return "FAIL " + err.Error()
	}
	return ""
}

// known are the tests whose rebuilt program can't do the same, and why.
var known = map[string]string{
	"eeprof-1.c":      "looks at return addresses with -finstrument-functions",
	"fp-cmp-7.c":      "calls what is nowhere, where gcc folds a comparison with infinity",
	"nestfunc-5.c":    "calls a nested function of an activation that is not the latest",
	"pr70460.c":       "differences of label addresses in an initialiser",
	"va-arg-pack-1.c": "__builtin_va_arg_pack",
}

func firstLine(s string) string { l, _, _ := strings.Cut(strings.TrimSpace(s), "\n"); return l }

// tally runs one for each of n cases on all processors and reports the classes.
func tally(t *testing.T, n int, one func(i int) (name, class string)) {
	var mu sync.Mutex
	var wg sync.WaitGroup
	next, count := 0, map[string][]string{}
	for range runtime.GOMAXPROCS(0) {
		wg.Add(1)
		go func() {
			defer wg.Done()
			for {
				mu.Lock()
				i := next
				next++
				mu.Unlock()
				if i >= n {
					return
				}
				name, class := one(i)
				mu.Lock()
				count[class] = append(count[class], name)
				mu.Unlock()
			}
		}()
	}
	wg.Wait()
	classes := make([]string, 0, len(count))
	for k := range count {
		classes = append(classes, k)
	}
	sort.Slice(classes, func(i, j int) bool {
		if d := len(count[classes[i]]) - len(count[classes[j]]); d != 0 {
			return d > 0
		}
		return classes[i] < classes[j]
	})
	for _, k := range classes {
		names := count[k]
		sort.Strings(names)
		list := ""
		if k != "same" && len(names) <= 20 {
			list = ": " + strings.Join(names, " ")
		}
		t.Logf("%5d %s%s", len(names), k, list)
		if strings.HasPrefix(k, "FAIL") {
			t.Errorf("%s: %s", k, strings.Join(names, " "))
		}
	}
}

// TestTorture: SAZ_TORTURE is the folder gcc.c-torture/execute; SAZ_EVERY=N takes
// each Nth test.
func TestTorture(t *testing.T) {
	dir := os.Getenv("SAZ_TORTURE")
	if dir == "" {
		t.Skip("SAZ_TORTURE is not set")
	}
	tests := torture.Tests(dir)
	if len(tests) == 0 {
		t.Fatalf("no C files in %s", dir)
	}
	every, err := strconv.Atoi(os.Getenv("SAZ_EVERY"))
	if err != nil || every < 1 {
		every = 1
	}
	tally(t, (len(tests)+every-1)/every, func(i int) (string, string) {
		test := tests[i*every]
		tmp, err := os.MkdirTemp("", "saz-torture")
		if err != nil {
			return test.Name, "FAIL " + err.Error()
		}
		defer os.RemoveAll(tmp)
		flags := append([]string{"-w", "-O0", "-std=gnu17"}, test.Flags...)
		class := outcome(tmp, test.Files, flags, 20*time.Second, "")
		if why := known[test.Name]; why != "" && strings.HasPrefix(class, "FAIL") {
			class = "can't be the same: " + why
		} else if why != "" {
			class = "FAIL is no exception any more"
		}
		return test.Name, class
	})
}

// TestCsmith: SAZ_CSMITH is how many random programs; SAZ_SEED the first seed. The
// option sets are taken in turn, by seed, so that runs over ranges of seeds add up.
// A program takes about a fifth of a second of processor time, most of it gcc's.
func TestCsmith(t *testing.T) {
	n, _ := strconv.Atoi(os.Getenv("SAZ_CSMITH"))
	csmith, err := exec.LookPath("csmith")
	if n == 0 || err != nil {
		t.Skip("SAZ_CSMITH is not set, or there is no csmith")
	}
	seed, _ := strconv.Atoi(os.Getenv("SAZ_SEED"))
	brake := filepath.Join(t.TempDir(), "brake.o")
	if msg, err := exec.Command("gcc", "-O2", "-c", "-o", brake, "testdata/brake.c").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, msg)
	}
	start := time.Now()
	tally(t, n, func(i int) (string, string) {
		name := strconv.Itoa(seed + i)
		tmp, err := os.MkdirTemp("", "saz-csmith")
		if err != nil {
			return name, "FAIL " + err.Error()
		}
		defer os.RemoveAll(tmp)
		set := randc.Csmith[(seed+i)%len(randc.Csmith)]
		gen := exec.Command(csmith, append([]string{"--seed", name, "--concise"}, strings.Fields(set.Options)...)...)
		gen.Dir = tmp // it leaves a file beside itself
		text, err := gen.Output()
		if err != nil {
			return name, "FAIL csmith fails: " + err.Error()
		}
		file := filepath.Join(tmp, "p.c")
		if err := os.WriteFile(file, text, 0o666); err != nil {
			return name, "FAIL " + err.Error()
		}
		flags := append([]string{"-w", "-O0", "-I/usr/include/csmith"}, strings.Fields(set.Flags)...)
		class := outcome(tmp, []string{file}, flags, 250*time.Millisecond, brake)
		if class == "gcc refuses it" || class == "fails as it is" {
			class = "FAIL " + class // a run whose set-up breaks must not pass: Csmith's programs compile and run
		}
		return name, class
	})
	t.Logf("seeds %d to %d: %.2f s a program", seed, seed+n-1, time.Since(start).Seconds()/float64(n))
}

// TestRandom: SAZ_RANDOM is how many of our own random programs, SAZ_SEED the first; 6 if
// it is not set.
func TestRandom(t *testing.T) {
	if _, err := exec.LookPath("gcc"); err != nil {
		t.Skip("no gcc")
	}
	n, err := strconv.Atoi(os.Getenv("SAZ_RANDOM"))
	if err != nil {
		n = 6
	}
	seed, _ := strconv.Atoi(os.Getenv("SAZ_SEED"))
	tally(t, n, func(i int) (string, string) {
		name := strconv.Itoa(seed + i)
		tmp, err := os.MkdirTemp("", "saz-random")
		if err != nil {
			return name, "FAIL " + err.Error()
		}
		defer os.RemoveAll(tmp)
		file := filepath.Join(tmp, "p.c")
		if err := os.WriteFile(file, []byte(randc.Program(seed+i)), 0o666); err != nil {
			return name, "FAIL " + err.Error()
		}
		class := outcome(tmp, []string{file}, []string{"-w", "-O0"}, 20*time.Second, "")
		if class != "same" {
			class = "FAIL " + class
		}
		return name, class
	})
}
