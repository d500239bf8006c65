//go:build torture

package main

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"sort"
	"strings"
	"sync"
	"testing"
	"time"
)

// What saz says it can't do, by the text of its diagnostic, and the tests that it
// says so of. Anything else that goes wrong is a failure.
var refused = []struct{ text, reason string }{
	{"has a variable size", "a member of variable size in a struct (GNU)"},
	{"a jump out of a nested function", "a jump out of a nested function (GNU)"},
	{"it is too large at member", "a struct of more than 2^60 bytes"},
	{"[mark-impossible]", "updates in a file that includes itself, or in a macro without a place before it"},
	{"scalar_storage_order", "the attribute scalar_storage_order"},
	{"_Decimal", "decimal floating point"},
	{"auto", "auto without a type: C23's meaning, not K&R's"},
}

// TestTorture instruments each program of GCC's execution tests with every write to
// any variable marked, and compares what it does with what it did.
//
//	SAZ_TORTURE=DIR/gcc.c-torture/execute go test -tags torture -run Torture -timeout 4h ./cmd/saz
func TestTorture(t *testing.T) {
	dir := os.Getenv("SAZ_TORTURE")
	files, err := filepath.Glob(filepath.Join(dir, "*.c"))
	if err != nil || len(files) == 0 {
		t.Fatalf("SAZ_TORTURE=%q has no C files", dir)
	}
	options := regexp.MustCompile(`dg-(?:additional-)?options "([^"]*)"`)
	var mu sync.Mutex
	count := map[string]int{}
	var bad []string
	note := func(name, what string) {
		mu.Lock()
		defer mu.Unlock()
		count[what]++
		if strings.HasPrefix(what, "FAIL") {
			bad = append(bad, name+": "+what)
		}
	}
	run := func(d string, args ...string) (string, bool) {
		ctx, stop := context.WithTimeout(context.Background(), time.Minute)
		defer stop()
		cmd := exec.CommandContext(ctx, args[0], args[1:]...)
		cmd.Dir = d
		var out bytes.Buffer
		cmd.Stdout, cmd.Stderr = &out, &out
		err := cmd.Run()
		return out.String(), err == nil
	}
	one := func(file string) {
		name := filepath.Base(file)
		if name == "eeprof-1.c" {
			note(name, "left out: with -finstrument-functions it counts the runtime's functions too")
			return
		}
		d, err := os.MkdirTemp(t.TempDir(), "t")
		if err != nil {
			note(name, "FAIL no directory")
			return
		}
		defer os.RemoveAll(d)
		text, _ := os.ReadFile(file)
		flags := []string{"-w", "-O0", "-std=gnu17"}
		for _, m := range options.FindAllStringSubmatch(string(text), -1) {
			flags = append(flags, strings.Fields(m[1])...)
		}
		gcc := func(out string, more ...string) bool {
			_, ok := run(d, append(append(append([]string{"gcc"}, flags...), "-o", out), append(more, "-lm", "-pthread")...)...)
			return ok
		}
		if !gcc("plain", file) {
			note(name, "gcc refuses it")
			return
		}
		want, ok := run(d, "./plain")
		if !ok {
			note(name, "fails as it is")
			return
		}
		msg, ok := run(d, append([]string{filepath.Join(bin, "saz"), "instrument", "-q", "--track", "all", "-o", "out", file, "--"}, flags...)...)
		if !ok {
			for _, r := range refused {
				if strings.Contains(msg, r.text) {
					note(name, "refused: "+r.reason)
					return
				}
			}
			note(name, "FAIL saz: "+msg)
			return
		}
		parts := []string{"-I" + filepath.Join(d, "out", "saz_rt")}
		filepath.Walk(filepath.Join(d, "out"), func(path string, st os.FileInfo, err error) error {
			if err == nil && filepath.Ext(path) == ".c" && (filepath.Base(path) == name || strings.HasPrefix(filepath.Base(path), "saz_")) {
				parts = append(parts, path)
			}
			return nil
		})
		if !gcc("inst", parts...) {
			note(name, "FAIL the instrumented program does not compile")
			return
		}
		if again, _ := run(d, "./plain"); again != want {
			want = "" // addresses, times: only whether it succeeds can be compared
		}
		if got, ok := run(d, "./inst"); !ok || want != "" && got != want {
			note(name, "FAIL the instrumented program behaves differently")
			return
		}
		note(name, "same")
	}
	work := make(chan string)
	var wg sync.WaitGroup
	for i := 0; i < runtime.GOMAXPROCS(0); i++ {
		wg.Add(1)
		go func() {
			defer wg.Done()
			for f := range work {
				one(f)
			}
		}()
	}
	for _, f := range files {
		work <- f
	}
	close(work)
	wg.Wait()
	keys := make([]string, 0, len(count))
	for k := range count {
		keys = append(keys, k)
	}
	sort.Strings(keys)
	for _, k := range keys {
		t.Logf("%5d %s", count[k], k)
	}
	sort.Strings(bad)
	for _, b := range bad {
		t.Error(b)
	}
}
