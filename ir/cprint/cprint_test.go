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
	"saz/frontend/ctype"
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
	cmd := exec.Command("gcc", append(append([]string{"-w", "-fcommon", "-o", out}, in...), "-lm", "-pthread")...)
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
	var names []string
	files := map[string][][2]string{} // program → file, text
	for _, part := range strings.Split(string(text), "\n-- ")[1:] {
		file, body, _ := strings.Cut(part, " --\n")
		name, unit, several := strings.Cut(file, "/")
		if !several {
			name, unit = strings.TrimSuffix(file, ".c"), file
		}
		if files[name] == nil {
			names = append(names, name)
		}
		files[name] = append(files[name], [2]string{unit, body + "\n"})
	}
	for _, name := range names {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			var src []string
			for _, f := range files[name] {
				path := filepath.Join(dir, f[0])
				if err := os.WriteFile(path, []byte(f[1]), 0o666); err != nil {
					t.Fatal(err)
				}
				if strings.HasSuffix(path, ".c") {
					src = append(src, path)
				}
			}
			orig := filepath.Join(dir, "original")
			gcc(t, orig, src...)
			same(t, dir, run(t, orig), src...)
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

// TestHooks runs a program with code around its instructions: it counts the
// stores to one global and checks that addresses of locals are their own.
func TestHooks(t *testing.T) {
	if _, err := exec.LookPath("gcc"); err != nil {
		t.Skip("no gcc")
	}
	dir := t.TempDir()
	src := filepath.Join(dir, "p.c")
	const text = `int printf(const char *, ...); int g; static void f(int *p) { g += *p; *p = 0; }
int main(void) { for (int i = 0; i < 5; i++) { int k = i; f(&k); } printf("%d\n", g); return 0; }`
	if err := os.WriteFile(src, []byte(text), 0o666); err != nil {
		t.Fatal(err)
	}
	prog := program(t, src)
	ir.LiftAll(prog, 1)
	void := &ctype.Type{Kind: ctype.Pointer, Size: 8, Align: 8, Elem: ctype.TVoid}
	hooks := &cprint.Hooks{
		Prelude: "static int stores, locals;\nint printf(const char *, ...);\n",
		Entry: func(n *cprint.Names, f *ir.Func) string {
			out := ""
			for i := range f.Locals {
				if !f.Locals[i].Lifted {
					out += "\tlocals += " + n.Local(f, ir.LocalID(i)) + " != 0;\n"
				}
			}
			return out
		},
		Before: func(n *cprint.Names, f *ir.Func, i int32, value func(ir.Value, *ctype.Type) string) string {
			in := &f.Instrs[i]
			if in.Op != ir.Store {
				return ""
			}
			return "\tstores += " + value(in.A, void) + " == " + n.Global(0) + ";\n"
		},
		Trailer: func(n *cprint.Names) string {
			return "__attribute__((destructor)) static void report(void) { printf(\"%d %d\\n\", stores, locals); }\n"
		},
	}
	var b bytes.Buffer
	if err := cprint.Program(&b, prog, hooks); err != nil {
		t.Fatal(err)
	}
	c, exe := filepath.Join(dir, "out.c"), filepath.Join(dir, "out")
	if err := os.WriteFile(c, b.Bytes(), 0o666); err != nil {
		t.Fatal(err)
	}
	gcc(t, exe, c)
	if got, want := run(t, exe), "10\n5 1\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}
