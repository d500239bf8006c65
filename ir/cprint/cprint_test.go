package cprint_test

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"saz/frontend"
	"saz/frontend/build"
	"saz/frontend/source"
	"saz/ir"
	"saz/ir/cprint"
	"saz/ir/link"
)

// program links C files into IR.
func program(t *testing.T, paths ...string) *ir.Program {
	t.Helper()
	sink := new(source.Sink)
	p, err := build.Load(paths, nil)
	if err != nil {
		t.Fatal(err)
	}
	f, err := frontend.Load(p, sink, 1)
	if err != nil {
		t.Fatal(err)
	}
	prog := link.Link(p.Name, f.Units, f.Files, sink, 1)
	for _, d := range sink.Sorted(f.Files) {
		if d.Severity == source.Error {
			var b strings.Builder
			source.Render(&b, f.Files, d, false)
			t.Error(b.String())
		}
	}
	return prog
}

func gcc(t *testing.T, out string, in ...string) {
	t.Helper()
	cmd := exec.Command("gcc", append(append([]string{"-w", "-o", out}, in...), "-lm", "-pthread")...)
	if msg, err := cmd.CombinedOutput(); err != nil {
		if len(msg) > 2000 {
			msg = msg[:2000]
		}
		t.Fatalf("%v: %v\n%s", cmd.Args, err, msg)
	}
}

func run(t *testing.T, exe string) string {
	t.Helper()
	out, err := exec.Command(exe).CombinedOutput()
	if err != nil {
		out = append(out, err.Error()...)
	}
	return string(out)
}

// TestPrograms is the oracle: each program does the same when it is compiled
// and when its IR, before and after lifting, is printed as C and compiled.
func TestPrograms(t *testing.T) {
	if _, err := exec.LookPath("gcc"); err != nil {
		t.Skip("no gcc")
	}
	text, err := os.ReadFile(filepath.Join("testdata", "programs.txtar"))
	if err != nil {
		t.Fatal(err)
	}
	for _, part := range strings.Split(string(text), "\n-- ")[1:] {
		name, body, _ := strings.Cut(part, " --\n")
		t.Run(strings.TrimSuffix(name, ".c"), func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			src := filepath.Join(dir, name)
			if err := os.WriteFile(src, []byte(body+"\n"), 0o666); err != nil {
				t.Fatal(err)
			}
			orig := filepath.Join(dir, "original")
			gcc(t, orig, src)
			same(t, dir, run(t, orig), src)
		})
	}
}

// same builds the program that paths make by way of the IR and compares its
// output.
func same(t *testing.T, dir, want string, paths ...string) {
	t.Helper()
	prog := program(t, paths...)
	for _, form := range []string{"memory", "lifted"} {
		if form == "lifted" {
			ir.LiftAll(prog, 1)
		}
		if err := ir.Verify(prog); err != nil {
			t.Fatalf("%s: %v", form, err)
		}
		var b bytes.Buffer
		if err := cprint.Program(&b, prog, nil); err != nil {
			t.Fatal(err)
		}
		c := filepath.Join(dir, form+".c")
		if err := os.WriteFile(c, b.Bytes(), 0o666); err != nil {
			t.Fatal(err)
		}
		exe := filepath.Join(dir, form)
		gcc(t, exe, c)
		if got := run(t, exe); got != want {
			t.Errorf("%s: output is\n%s\nwant\n%s", form, got, want)
		}
	}
}
