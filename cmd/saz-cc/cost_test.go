package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"saz/frontend/build"
)

// BenchmarkCompile is what saz-cc adds to one compilation: the same compiler, one that
// only copies an object of 200 KB, is started directly and by saz-cc, in turn. Its own start and the
// second process are counted; medians, wall and CPU.
func BenchmarkCompile(b *testing.B) {
	bin, err := sazBin()
	if err != nil {
		b.Fatal(err)
	}
	dir := b.TempDir()
	b.Chdir(dir)
	os.Unsetenv("SAZ_LOG")
	var src strings.Builder
	for i := range 900 {
		fmt.Fprintf(&src, "int f%d(int a, int b) { for (int i = 0; i < b; i++) a += i * %d; return a; }\n", i, i)
	}
	os.WriteFile("a.c", []byte(src.String()), 0o666)
	os.WriteFile("fake.c", []byte(fake), 0o666)
	for _, args := range [][]string{{"gcc", "-g", "-c", "a.c", "-o", "made.o"}, {"gcc", "-O2", "fake.c", "-o", "fake"}} {
		if out, err := exec.Command(args[0], args[1:]...).CombinedOutput(); err != nil {
			b.Fatalf("%v: %s", err, out)
		}
	}
	st, _ := os.Stat("made.o")
	run := func(args ...string) (wall, cpu time.Duration) {
		start := time.Now()
		cmd := exec.Command(args[0], args[1:]...)
		if out, err := cmd.CombinedOutput(); err != nil || len(out) > 0 {
			b.Fatalf("%v: %s", err, out)
		}
		return time.Since(start), cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()
	}
	fakeCC := filepath.Join(dir, "fake")
	sazcc := filepath.Join(bin, "saz-cc")
	var walls, cpus, plain []time.Duration
	for range max(b.N, 50) {
		w0, c0 := run(fakeCC, "-c", "a.c", "-o", "a.o")
		w1, c1 := run(sazcc, fakeCC, "-c", "a.c", "-o", "a.o")
		walls, cpus, plain = append(walls, w1-w0), append(cpus, c1-c0), append(plain, w0)
	}
	if rec, err := build.ReadRecords("a.o"); err != nil || len(rec.Records) != 1 {
		b.Fatal(rec, err)
	}
	median := func(l []time.Duration) float64 {
		slices.Sort(l)
		return float64(l[len(l)/2].Microseconds()) / 1000
	}
	b.ReportMetric(median(walls), "ms-wall/compile")
	b.ReportMetric(median(cpus), "ms-cpu/compile")
	b.ReportMetric(median(plain), "ms-plain")
	b.ReportMetric(float64(st.Size()>>10), "KB-object")
	b.ReportMetric(0, "ns/op")
}

const fake = `#include <fcntl.h>
#include <unistd.h>
int main(void)
{
	static char buf[1 << 20];
	int in = open("made.o", O_RDONLY), out = open("a.o", O_WRONLY | O_CREAT | O_TRUNC, 0666);
	ssize_t n;
	while ((n = read(in, buf, sizeof buf)) > 0)
		if (write(out, buf, n) != n)
			return 1;
	return n < 0;
}
`
