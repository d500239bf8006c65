package run

import (
	"bytes"
	"fmt"
	"math"
	"os"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// Guard calls full, once, when the process uses more than limit bytes: then it is better to say so than
// to make the machine swap, or to be killed without a word. It looks four times a second.
func Guard(limit int64, full func()) {
	go func() {
		for used() <= limit {
			time.Sleep(250 * time.Millisecond)
		}
		full()
	}()
}

// used is the memory that the process has in bytes, 0 if the system does not say.
func used() int64 {
	b, _ := os.ReadFile("/proc/self/statm")
	if f := bytes.Fields(b); len(f) > 1 {
		n, _ := strconv.ParseInt(string(f[1]), 10, 64)
		return n * int64(os.Getpagesize())
	}
	return 0
}

// Memory is what there is for the process: the machine's, or what its control group may use; math.MaxInt64
// if that is not known.
func Memory() int64 {
	most := int64(math.MaxInt64)
	var si syscall.Sysinfo_t
	if syscall.Sysinfo(&si) == nil {
		most = int64(si.Totalram) * int64(si.Unit)
	}
	for _, f := range cgroups() {
		b, _ := os.ReadFile(f)
		if n, err := strconv.ParseInt(strings.TrimSpace(string(b)), 10, 64); err == nil && n > 0 { // "max" is no number
			most = min(most, n)
		}
	}
	return most
}

// cgroups lists the files that limit the process's control group and those around it, of either version.
func cgroups() []string {
	b, _ := os.ReadFile("/proc/self/cgroup")
	var out []string
	for _, l := range strings.Split(string(b), "\n") {
		f := strings.SplitN(l, ":", 3)
		if len(f) < 3 {
			continue
		}
		root, name := "/sys/fs/cgroup", "memory.max"
		switch {
		case f[1] == "memory":
			root, name = root+"/memory", "memory.limit_in_bytes"
		case f[1] != "":
			continue
		}
		for at := strings.TrimRight(f[2], "/"); ; at = at[:strings.LastIndexByte(at, '/')] {
			out = append(out, root+at+"/"+name)
			if !strings.Contains(at, "/") {
				break
			}
		}
	}
	return out
}

// ParseSize reads a number of bytes: 3G, 500M, 1.5g.
func ParseSize(s string) (int64, error) {
	unit := 1.0
	n := strings.TrimSuffix(strings.TrimSuffix(strings.ToUpper(s), "B"), "I")
	if n != "" {
		if k := strings.IndexByte("KMGT", n[len(n)-1]); k >= 0 {
			unit = math.Pow(1024, float64(k+1))
			n = n[:len(n)-1]
		}
	}
	x, err := strconv.ParseFloat(n, 64)
	if err != nil || !(x*unit >= 1) || x*unit >= 1<<62 {
		return 0, fmt.Errorf("%q is no amount of memory, such as 3G or 500M", s)
	}
	return int64(x * unit), nil
}

// FormatSize writes a number of bytes as people do.
func FormatSize(n int64) string {
	if n < 1<<30 {
		return fmt.Sprintf("%d MB", n>>20)
	}
	return fmt.Sprintf("%.1f GB", float64(n)/(1<<30))
}
