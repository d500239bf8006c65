//go:build torture

package rewrite

import (
	"bytes"
	"context"
	"fmt"
	"math/rand"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"sort"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"saz/frontend/source"
	"saz/ir/randc"
	"saz/passes/run"
)

// What saz says it can't do, by the text of its diagnostic, and the tests that it
// says so of. Anything else that goes wrong is a failure.
var refused = []struct{ text, reason string }{
	{"has a variable size", "a member of variable size in a struct (GNU)"},
	{"a jump out of a nested function", "a jump out of a nested function (GNU)"},
	{"it is too large at member", "a struct of more than 2^60 bytes"},
	{"mark-impossible", "updates in a file that includes itself, or in a macro without a place before it"},
	{"scalar_storage_order", "the attribute scalar_storage_order"},
	{"_Decimal", "decimal floating point"},
	{"auto", "auto without a type: C23's meaning, not K&R's"},
}

// A bench instruments programs with every write to any variable marked and the
// marks watched (--track all --verify), and compares what they do with what they did. The
// analysis runs in this process and the runtime is compiled once.
type bench struct {
	t     *testing.T
	rt    string        // directory of the runtime's headers and its archive
	brake time.Duration // of processor time, for programs as they are; 0: none
	mu    sync.Mutex
	count map[string]int
	bad   []string
	marks int
}

func newBench(t *testing.T) *bench {
	b := &bench{t: t, rt: t.TempDir(), count: map[string]int{}}
	dir := t.TempDir()
	os.WriteFile(filepath.Join(dir, "t.c"), []byte("int x; int main(void) { x = 1; return 0; }\n"), 0o666)
	files, _, err := instrument(filepath.Join(dir, "t.c"), []string{"-w"})
	if err != nil {
		t.Fatal(err)
	}
	var sources []string
	for name, text := range files {
		if base, ok := strings.CutPrefix(name, "saz_rt/"); ok {
			os.WriteFile(filepath.Join(b.rt, base), text, 0o666)
			if filepath.Ext(base) == ".c" {
				sources = append(sources, base)
			}
		}
	}
	if msg, ok := b.run(b.rt, time.Minute, append([]string{"gcc", "-O2", "-g", "-c"}, sources...)...); !ok {
		t.Fatal(msg)
	}
	if msg, ok := b.run(b.rt, time.Minute, "sh", "-c", "ar rc librt.a *.o"); !ok {
		t.Fatal(msg)
	}
	return b
}

func instrument(file string, flags []string) (map[string][]byte, string, error) {
	files, diags, _, err := instrumentCounted(file, flags)
	return files, diags, err
}

func instrumentCounted(file string, flags []string) (files map[string][]byte, diags string, marks int, err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("panic: %v", r)
		}
	}()
	a, err := run.Load(run.Options{Target: []string{file}, Flags: flags, Jobs: 1, TrackAll: true})
	if err != nil {
		return nil, "", 0, err
	}
	r, err := Instrument(a, Options{Verify: true, Version: "test"})
	if err != nil {
		return nil, "", 0, err
	}
	var out strings.Builder
	for _, d := range a.Sink.Sorted(a.Frontend.Files) {
		if d.Severity == source.Error {
			fmt.Fprintf(&out, "%s [%s]\n", d.Msg, d.ID)
		}
	}
	return r.Files, out.String(), len(r.Marks.Marks), nil
}

func (b *bench) note(name, what string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.count[what]++
	if strings.HasPrefix(what, "FAIL") {
		b.bad = append(b.bad, name+": "+what)
		fmt.Fprintln(os.Stderr, name+": "+what)
	}
}

func (b *bench) run(dir string, limit time.Duration, args ...string) (string, bool) {
	ctx, stop := context.WithTimeout(context.Background(), limit)
	defer stop()
	cmd := exec.CommandContext(ctx, args[0], args[1:]...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "SAZ_VERIFY_FIRST=300", "SAZ_VERIFY_EVERY=97", fmt.Sprintf("BRAKE_MS=%d", b.brake.Milliseconds()))
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	err := cmd.Run()
	if ctx.Err() != nil {
		return "timeout", false
	}
	return out.String(), err == nil
}

// one tries the program in file, in the empty directory d.
func (b *bench) one(name, file, d string, flags []string, limit time.Duration) {
	gcc := func(out string, more ...string) (string, bool) {
		return b.run(d, time.Minute, append(append(append([]string{"gcc"}, flags...), "-o", out), append(more, "-lm", "-pthread")...)...)
	}
	parts := []string{file}
	if b.brake > 0 {
		parts = append(parts, filepath.Join(b.rt, "brake.o"))
	}
	if _, ok := gcc("plain", parts...); !ok {
		b.note(name, "gcc refuses it")
		return
	}
	want, ok := b.run(d, limit, "./plain")
	if !ok {
		b.note(name, "fails, or runs too long, as it is")
		return
	}
	files, diags, marks, err := instrumentCounted(file, flags)
	if err != nil {
		b.note(name, "FAIL saz: "+err.Error())
		return
	}
	if diags != "" {
		for _, r := range refused {
			if strings.Contains(diags, r.text) {
				b.note(name, "refused: "+r.reason)
				return
			}
		}
		b.note(name, "FAIL saz: "+diags)
		return
	}
	parts = []string{"-I" + b.rt}
	for fn, text := range files {
		if strings.HasPrefix(fn, "saz_rt/") {
			continue
		}
		path := filepath.Join(d, "out", fn)
		os.MkdirAll(filepath.Dir(path), 0o777)
		os.WriteFile(path, text, 0o666)
		if base := filepath.Base(fn); base == filepath.Base(file) || base == "saz_glue.c" {
			parts = append(parts, path)
		}
	}
	if msg, ok := gcc("inst", append(parts, filepath.Join(b.rt, "librt.a"))...); !ok {
		b.note(name, "FAIL the instrumented program does not compile: "+msg)
		return
	}
	got, ok := b.run(d, 10*limit, "./inst")
	if ok && got != want {
		if again, _ := b.run(d, limit, "./plain"); again != want {
			want = "" // addresses, times: only whether it succeeds can be compared
		}
	}
	switch {
	case strings.Contains(got, "saz: verify:"):
		b.note(name, "FAIL "+got)
	case got == "timeout":
		b.note(name, "too long with marks")
	case !ok || want != "" && got != want:
		b.note(name, "FAIL the instrumented program behaves differently")
	default:
		b.note(name, "same, and no unannounced update")
		b.mu.Lock()
		b.marks += marks
		b.mu.Unlock()
	}
}

// all calls one for each of n programs and reports.
func (b *bench) all(n int, one func(i int, dir string)) {
	work := make(chan int)
	var wg sync.WaitGroup
	for i := 0; i < runtime.GOMAXPROCS(0); i++ {
		wg.Add(1)
		go func() {
			defer wg.Done()
			for i := range work {
				if d, err := os.MkdirTemp("", "saz-torture"); err == nil {
					one(i, d)
					os.RemoveAll(d)
				}
			}
		}()
	}
	start := time.Now()
	limit, _ := time.ParseDuration(os.Getenv("SAZ_LIMIT"))
	done := 0
	for i := 0; i < n && (limit == 0 || time.Since(start) < limit); i++ {
		work <- i
		if done++; done%100 == 0 {
			b.t.Logf("%d programs in %v", done, time.Since(start).Round(time.Second))
		}
	}
	close(work)
	wg.Wait()
	keys := make([]string, 0, len(b.count))
	for k := range b.count {
		if !strings.HasPrefix(k, "FAIL") {
			keys = append(keys, k)
		}
	}
	sort.Strings(keys)
	for _, k := range keys {
		b.t.Logf("%5d %s", b.count[k], k)
	}
	b.t.Logf("%5d programs of %d in %v, %d marks in those that are the same", done, n, time.Since(start).Round(time.Second), b.marks)
	sort.Strings(b.bad)
	for _, x := range b.bad {
		b.t.Error(x)
	}
}

// GCC's execution tests.
//
//	SAZ_TORTURE=DIR/gcc.c-torture/execute go test -tags torture -run Torture -timeout 4h ./rewrite
//
// SAZ_LIMIT=30m ends it early, SAZ_MATCH=pr2 takes some.
func TestTorture(t *testing.T) {
	files, err := filepath.Glob(filepath.Join(os.Getenv("SAZ_TORTURE"), os.Getenv("SAZ_MATCH")+"*.c"))
	if err != nil || len(files) == 0 {
		t.Skipf("SAZ_TORTURE=%q has no C files", os.Getenv("SAZ_TORTURE"))
	}
	options := regexp.MustCompile(`dg-(?:additional-)?options "([^"]*)"`)
	b := newBench(t)
	b.all(len(files), func(i int, d string) {
		name := filepath.Base(files[i])
		if name == "eeprof-1.c" {
			b.note(name, "left out: with -finstrument-functions it counts the runtime's functions too")
			return
		}
		text, _ := os.ReadFile(files[i])
		flags := []string{"-w", "-O0", "-std=gnu17"}
		for _, m := range options.FindAllStringSubmatch(string(text), -1) {
			flags = append(flags, strings.Fields(m[1])...)
		}
		b.one(name, files[i], d, flags, 10*time.Second)
	})
}

// Programs that Csmith makes, SAZ_CSMITH of them from seed SAZ_SEED on (1), of eight kinds; one
// that needs more than a quarter of a second of processor time as it is, is left. In two of
// three some statements are followed by a call that receives a packet: each is a point at
// which bits are cleared and memory is compared.
//
//	SAZ_CSMITH=200 go test -tags torture -run Csmith -timeout 4h ./rewrite
func TestCsmith(t *testing.T) {
	n, _ := strconv.Atoi(os.Getenv("SAZ_CSMITH"))
	if n == 0 {
		t.Skip("SAZ_CSMITH is not set")
	}
	seed, _ := strconv.Atoi(os.Getenv("SAZ_SEED"))
	if seed == 0 {
		seed = 1
	}
	b := newBench(t)
	b.brake = 250 * time.Millisecond
	if msg, ok := b.run(".", time.Minute, "gcc", "-O2", "-c", "-o", filepath.Join(b.rt, "brake.o"), "../ir/cprint/testdata/brake.c"); !ok {
		t.Fatal(msg)
	}
	b.all(n, func(i int, d string) {
		name := fmt.Sprintf("seed %d", seed+i)
		set := randc.Csmith[(seed+i)%len(randc.Csmith)]
		text, ok := b.run(d, time.Minute, append([]string{"csmith", "--concise", "--seed", strconv.Itoa(seed + i)}, strings.Fields(set.Options)...)...)
		if !ok {
			b.note(name, "csmith fails")
			return
		}
		if (seed+i)%3 != 0 {
			text = receives(text, rand.New(rand.NewSource(int64(seed+i))))
		}
		file := filepath.Join(d, "p.c")
		os.WriteFile(file, []byte(text), 0o666)
		b.one(name, file, d, append(strings.Fields(set.Flags), "-w", "-O0", "-I/usr/include/csmith"), 2*time.Second)
		for _, x := range b.failed(name) {
			_ = x
			if keep := os.Getenv("SAZ_KEEP"); keep != "" {
				os.MkdirAll(keep, 0o777)
				os.WriteFile(filepath.Join(keep, fmt.Sprintf("csmith-%d.c", seed+i)), []byte(text), 0o666)
			}
		}
	})
}

func (b *bench) failed(name string) []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	var out []string
	for _, x := range b.bad {
		if strings.HasPrefix(x, name+": ") {
			out = append(out, x)
		}
	}
	return out
}

// receives puts receive calls after some statements of functions, and into what some of them return.
func receives(text string, r *rand.Rand) string {
	one := 3 + r.Intn(20)
	var out strings.Builder
	out.WriteString("#include <sys/socket.h>\n#line 1\n")
	statement := regexp.MustCompile(`^ {4,}[^/{}]*;( *$|  */\*)`)
	returned := regexp.MustCompile(`^( {4,}return )([^;{}]+);`)
	in := false
	for _, l := range strings.SplitAfter(text, "\n") {
		if in && returned.MatchString(l) && r.Intn(one) < 2 {
			l = returned.ReplaceAllString(l, "${1}(recv(-1, 0, 0, 0), $2);")
		}
		out.WriteString(l)
		if strings.HasPrefix(l, "{") {
			in = true
		} else if strings.HasPrefix(l, "}") {
			in = false
		}
		if in && statement.MatchString(l) && !strings.Contains(l, "return") && r.Intn(one) == 0 {
			out.WriteString("    recv(-1, 0, 0, 0);\n")
		}
	}
	return out.String()
}
