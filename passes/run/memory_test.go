package run

import (
	"math"
	"testing"
	"time"
)

func TestParseSize(t *testing.T) {
	for s, want := range map[string]int64{"3G": 3 << 30, "500M": 500 << 20, "1.5g": 3 << 29, "64KiB": 64 << 10, "2tb": 2 << 40, "4096": 4096} {
		if n, err := ParseSize(s); err != nil || n != want {
			t.Errorf("%s: %d, %v; want %d", s, n, err, want)
		}
	}
	for _, s := range []string{"", "G", "much", "-1G", "0", "nan", "inf", "9e30", "3X"} {
		if n, err := ParseSize(s); err == nil {
			t.Errorf("%q is read as %d", s, n)
		}
	}
}

func TestMemory(t *testing.T) {
	if n := Memory(); n < 64<<20 || n == math.MaxInt64 {
		t.Errorf("this machine has %d bytes?", n)
	}
	if n := used(); n < 1<<20 || n > Memory() {
		t.Errorf("this process uses %d bytes?", n)
	}
}

func TestGuard(t *testing.T) {
	full := make(chan bool)
	Guard(math.MaxInt64, func() { t.Error("called with all the memory that can be") })
	Guard(1<<20, func() { close(full) })
	select {
	case <-full:
	case <-time.After(10 * time.Second):
		t.Error("more than 1 MB is in use, and nothing was said")
	}
}
