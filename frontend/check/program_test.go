package check

import (
	"bytes"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"saz/frontend/cpp"
	"saz/frontend/source"
	"saz/frontend/syntax"
)

// TestProgram types all C files below the directory $SAZ_CHECK_DIR, with the
// -D and -I of $SAZ_CHECK_FLAGS and the compiler flags $SAZ_CHECK_GCC. Files
// that gcc itself rejects are left out. With $SAZ_CHECK_ORACLE the compiler
// then checks all that saz thinks.
func TestProgram(t *testing.T) {
	dir := os.Getenv("SAZ_CHECK_DIR")
	if dir == "" {
		t.Skip("SAZ_CHECK_DIR is not set")
	}
	cfg, err := compiler()
	if err != nil {
		t.Skip("no gcc: ", err)
	}
	cfg.Dir = dir
	flags := strings.Fields(os.Getenv("SAZ_CHECK_FLAGS"))
	cfg.Defines, cfg.Angle = testFlags()
	var paths []string
	filepath.WalkDir(dir, func(p string, d fs.DirEntry, err error) error {
		if err == nil && strings.HasSuffix(p, ".c") {
			paths = append(paths, p)
		}
		return nil
	})
	files, cache := source.NewSet(), new(syntax.Cache)
	cfg.Cache = cpp.NewCache()
	var mu sync.Mutex
	var total Stats
	var took time.Duration
	units, asserted, live := 0, 0, 0
	sem := make(chan bool, 4)
	t.Run("units", func(t *testing.T) {
		for _, p := range paths {
			t.Run(strings.TrimPrefix(p, dir), func(t *testing.T) {
				t.Parallel()
				sem <- true
				defer func() { <-sem }()
				args := append(append(strings.Fields(os.Getenv("SAZ_CHECK_GCC")), flags...), "-w", "-fsyntax-only", p)
				cmd := exec.Command("gcc", args...)
				cmd.Dir = dir
				if cmd.Run() != nil {
					t.Skip("gcc rejects it")
				}
				sink := new(source.Sink)
				pre, err := cpp.Preprocess(&cfg, files, p, sink)
				if err != nil {
					t.Fatal(err)
				}
				tree := cache.Parse(pre, sink)
				start := time.Now()
				c := check(tree, files, sink, false)
				d := time.Since(start)
				n := 0
				report(t, files, sink)
				verify(t, c.unit)
				var b bytes.Buffer
				c.unit.Print(&b)
				if os.Getenv("SAZ_CHECK_ORACLE") != "" {
					n = oracle(t, c)
				}
				mu.Lock()
				defer mu.Unlock()
				took += d
				asserted += n
				units++
				for _, f := range c.unit.Funcs {
					if f.Obj.Live {
						live++
					}
				}
				total.Decls += c.unit.Stats.Decls
				total.Functions += c.unit.Stats.Functions
				total.Errors += c.unit.Stats.Errors
			})
		}
	})
	t.Logf("%d units, %d declarations, %d functions (%d live), %d errors, %d assertions, checked in %v", units, total.Decls, total.Functions, live, total.Errors, asserted, took)
}

// testFlags are the -D and -I of $SAZ_CHECK_FLAGS.
func testFlags() (defines []cpp.Define, dirs []string) {
	for _, f := range strings.Fields(os.Getenv("SAZ_CHECK_FLAGS")) {
		switch f[:2] {
		case "-D":
			defines = append(defines, cpp.Define{Text: f[2:]})
		case "-I":
			dirs = append(dirs, f[2:])
		}
	}
	return defines, dirs
}
