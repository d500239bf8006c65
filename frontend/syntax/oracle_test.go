package syntax

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"

	"saz/frontend/cpp"
)

// compile returns the assembly of text.
func compile(t testing.TB, text []byte, flags ...string) (string, error) {
	t.Helper()
	cmd := exec.Command("gcc", append(append([]string{"-w", "-O1", "-S", "-x", "cpp-output", "-o", "-"}, flags...), "-")...)
	cmd.Stdin = bytes.NewReader(text)
	var errs bytes.Buffer
	cmd.Stderr = &errs
	out, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("%v\n%s", err, errs.String())
	}
	return string(out), nil
}

// checkOracle reports whether the compiler sees the same program.
func checkOracle(t testing.TB, tree *Tree, flags ...string) int {
	t.Helper()
	plain, parens, n := Parenthesise(tree)
	a, err := compile(t, plain, flags...)
	if err != nil {
		t.Errorf("the plain program: %v", err)
		return n
	}
	compareWith(t, a, plain, parens, flags)
	return n
}

// compareWith keeps both texts in the directory SAZ_KEEP if they differ.
func compareWith(t testing.TB, asm string, plain, parens []byte, flags []string) {
	t.Helper()
	b, err := compile(t, parens, flags...)
	if err != nil {
		t.Errorf("the parenthesised program: %v", err)
	} else if asm != b {
		t.Errorf("the parenthesised program is another program: %s", firstDiff(asm, b))
	}
	if t.Failed() && os.Getenv("SAZ_KEEP") != "" {
		os.WriteFile(filepath.Join(os.Getenv("SAZ_KEEP"), "plain.i"), plain, 0o666)
		os.WriteFile(filepath.Join(os.Getenv("SAZ_KEEP"), "parens.i"), parens, 0o666)
	}
}

func firstDiff(a, b string) string {
	fn := ""
	la, lb := strings.Split(a, "\n"), strings.Split(b, "\n")
	for i := range la {
		if i >= len(lb) || la[i] != lb[i] {
			other := ""
			if i < len(lb) {
				other = lb[i]
			}
			return fmt.Sprintf("in %s: %q, %q", fn, la[i], other)
		}
		if s := la[i]; strings.HasSuffix(s, ":") && !strings.HasPrefix(s, ".") {
			fn = s
		}
	}
	return "end"
}

// programArgs are the files and flags of SAZ_PROGRAM='FILE... -- FLAG...'; of
// a file @NAME, the files that it lists.
func programArgs() (files, flags []string) {
	args := strings.Fields(os.Getenv("SAZ_PROGRAM"))
	for i, a := range args {
		if a == "--" {
			return files, args[i+1:]
		}
		if name, ok := strings.CutPrefix(a, "@"); ok {
			list, _ := os.ReadFile(name)
			files = append(files, strings.Fields(string(list))...)
			continue
		}
		files = append(files, a)
	}
	return files, nil
}

// TestProgram runs the oracle on a real program, given by the environment
// (programArgs). Files that the compiler rejects are skipped.
func TestProgram(t *testing.T) {
	files, flags := programArgs()
	if len(files) == 0 {
		t.Skip("SAZ_PROGRAM is not set")
	}
	var (
		cache                        Cache
		decls, parsed, parens, taken atomic.Int64
	)
	t.Run("files", func(t *testing.T) {
		for _, f := range files {
			t.Run(filepath.Base(f), func(t *testing.T) {
				t.Parallel()
				flags := flags
				asm, text, err := tryCompile(t, f, flags)
				if err != nil {
					flags = append(flags[:len(flags):len(flags)], "-std=gnu89")
					if asm, text, err = tryCompile(t, f, flags); err != nil {
						t.Skipf("the compiler rejects it: %v", err)
					}
				}
				taken.Add(1)
				u, set := unitOf(t, f, text)
				sink := newSink()
				tree := cache.Parse(u, sink)
				decls.Add(int64(tree.Stats.Decls))
				parsed.Add(int64(tree.Stats.Parsed))
				if s := diagnostics(sink, set); s != "" {
					t.Errorf("%s", s)
				}
				plain, with, n := Parenthesise(tree)
				parens.Add(int64(n))
				if asm == "" {
					return
				}
				asm, _ = compile(t, plain, flags...) // for line numbers in it
				compareWith(t, asm, plain, with, flags)
			})
		}
	})
	t.Logf("%d files, %d declarations, %d parsed, %d parentheses", taken.Load(), decls.Load(), parsed.Load(), parens.Load())
}

// tryCompile preprocesses and compiles a file. With SAZ_NO_ORACLE the compiler
// only checks it and asm is "".
func tryCompile(t testing.TB, file string, flags []string) (asm string, text []byte, err error) {
	cmd := exec.Command("gcc", append(append([]string{"-E", "-P"}, flags...), file)...)
	cmd.Dir = filepath.Dir(file)
	if text, err = cmd.Output(); err != nil {
		return "", nil, err
	}
	if os.Getenv("SAZ_NO_ORACLE") != "" {
		_, err = compile(t, text, append(flags[:len(flags):len(flags)], "-fsyntax-only")...)
		return "", text, err
	}
	asm, err = compile(t, text, flags...)
	return asm, text, err
}

// BenchmarkProgram parses the program of SAZ_PROGRAM: "cold" with an empty
// cache each time, "warm" with one that has it all.
func BenchmarkProgram(b *testing.B) {
	files, flags := programArgs()
	if len(files) == 0 {
		b.Skip("SAZ_PROGRAM is not set")
	}
	var units []*cpp.Unit
	tokens := 0
	for _, f := range files {
		u, _ := unitOf(b, f, preprocess(b, filepath.Dir(f), f, flags...))
		units = append(units, u)
		tokens += len(u.Tokens)
	}
	cpu := func() float64 {
		var r syscall.Rusage
		syscall.Getrusage(syscall.RUSAGE_SELF, &r)
		return float64(r.Utime.Nano() + r.Stime.Nano())
	}
	start := 0.0
	run := func(c *Cache) {
		for _, u := range units {
			c.Parse(u, newSink())
		}
	}
	report := func(b *testing.B, c *Cache) {
		ns := (cpu() - start) / float64(b.N)
		b.ReportMetric(ns/1e9, "cpu-s/op")
		b.ReportMetric(ns/float64(tokens), "cpu-ns/token")
		b.ReportMetric(float64(c.Len()), "shapes")
	}
	b.Run("cold", func(b *testing.B) {
		b.ReportAllocs()
		start = cpu()
		var c *Cache
		for b.Loop() {
			c = new(Cache)
			run(c)
		}
		report(b, c)
	})
	b.Run("warm", func(b *testing.B) {
		b.ReportAllocs()
		c := new(Cache)
		run(c)
		start = cpu()
		for b.Loop() {
			run(c)
		}
		report(b, c)
	})
}
