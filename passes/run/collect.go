package run

import (
	"math"
	"os"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"sync"
)

// quiet is how much memory is used before garbage is collected at all. A small
// program, or one of which most comes from the store, is read in less; collecting a
// heap of a few megabytes again and again was a seventh of what that took.
const quiet = 128 << 20

// collector says when garbage is collected.
var collector settings

type settings struct {
	sync.Mutex
	once    sync.Once
	awake   bool // the process has used more than quiet
	percent int
	limit   int64
}

func (c *settings) set() {
	debug.SetGCPercent(c.percent)
	n := live()
	debug.SetMemoryLimit(max(c.limit, min(n*spare/2, n+most)))
}

// spare halves of what is in use are left to a program that needs more than its limit:
// at the limit itself it would do nothing but collect. But not more than most bytes. Each
// collection costs a large program's analysis a second.
const (
	spare = 5
	most  = 7 << 28
)

// live is how much memory the last collection found in use.
func live() int64 {
	m := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}
	metrics.Read(m)
	if m[0].Value.Kind() != metrics.KindUint64 {
		return 0
	}
	return int64(m[0].Value.Uint64())
}

// watch calls set after each collection from now on.
func (c *settings) watch() {
	runtime.SetFinalizer(new([16]byte), func(*[16]byte) {
		c.Lock()
		defer c.Unlock()
		c.awake = true
		c.set()
		c.watch()
	})
}

// Collect sets when garbage is collected: not before the process uses 128 MB, then
// when the heap has grown by percent, or is limit bytes large (0: no limit). Who needs
// more than limit has two and a half times what is in use, and 1.75 GB more at most. It
// may be called again. GOGC in the environment goes before.
func Collect(percent int, limit int64) {
	if os.Getenv("GOGC") != "" {
		return
	}
	if limit == 0 {
		limit = math.MaxInt64
	}
	c := &collector
	c.Lock()
	defer c.Unlock()
	c.percent, c.limit = percent, limit
	if c.awake {
		c.set()
		return
	}
	c.once.Do(func() {
		debug.SetGCPercent(-1)
		debug.SetMemoryLimit(quiet)
		c.watch()
	})
}
