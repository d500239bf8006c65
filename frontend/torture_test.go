package frontend

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"sync"
	"testing"

	"golang.org/x/sync/errgroup"

	"saz/frontend/build"
	"saz/frontend/source"
)

// refused are the files of GCC's torture tests that the compiler accepts and
// saz does not, and why.
var refused = map[string]string{
	"compile/20010605-1.c":        variableSize,
	"compile/20020210-1.c":        variableSize,
	"compile/20030224-1.c":        variableSize,
	"compile/20050801-2.c":        variableSize,
	"compile/920428-4.c":          variableSize,
	"compile/920501-16.c":         variableSize,
	"compile/bitfield-endian-1.c": storageOrder,
	"compile/nested-1.c":          variableSize,
	"compile/pr39394.c":           variableSize,
	"compile/pr42956.c":           variableSize,
	"compile/pr77754-6.c":         variableSize,
	"compile/pr82564.c":           variableSize,
	"execute/20020412-1.c":        variableSize,
	"execute/20040308-1.c":        variableSize,
	"execute/20040423-1.c":        variableSize,
	"execute/20041218-2.c":        variableSize,
	"execute/20070919-1.c":        variableSize,
	"execute/991014-1.c":          "a struct of more than 2^58 bytes",
	"execute/align-nest.c":        variableSize,
	"execute/pr41935.c":           variableSize,
	"execute/pr80692.c":           "decimal floating point",
	"execute/pr82210.c":           variableSize,
	"execute/pr86659-1.c":         storageOrder,
	"execute/pr87623.c":           storageOrder,
}

const (
	variableSize = "a member of variable size"
	storageOrder = "the attribute scalar_storage_order"
)

// TestTorture reads all files of GCC's torture tests ($SAZ_GCC_TORTURE/compile and
// /execute) that the compiler accepts as GNU C17.
func TestTorture(t *testing.T) {
	root := os.Getenv("SAZ_GCC_TORTURE")
	if root == "" {
		t.Skip("SAZ_GCC_TORTURE is not set")
	}
	var mu sync.Mutex
	accepted, taken := 0, 0
	left := map[string]bool{}
	for name := range refused {
		left[name] = true
	}
	var g errgroup.Group
	g.SetLimit(runtime.GOMAXPROCS(0))
	for _, dir := range []string{"compile", "execute"} {
		paths, err := filepath.Glob(filepath.Join(root, dir, "*.c"))
		if err != nil || len(paths) == 0 {
			t.Fatalf("no files in %s: %v", dir, err)
		}
		for _, p := range paths {
			g.Go(func() error {
				gcc := exec.Command("gcc", "-std=gnu17", "-w", "-fsyntax-only", filepath.Base(p))
				gcc.Dir = filepath.Dir(p)
				if gcc.Run() != nil {
					return nil
				}
				prog := &build.Program{Commands: []build.Command{{
					Dir: filepath.Dir(p), File: filepath.Base(p), Args: []string{"gcc", "-std=gnu17", "-w", "-c", filepath.Base(p)}}}}
				sink := &source.Sink{}
				out, err := LoadWith(prog, sink, Options{Jobs: 1, All: true})
				mu.Lock()
				defer mu.Unlock()
				accepted++
				name := dir + "/" + filepath.Base(p)
				switch {
				case err != nil:
					t.Errorf("%s: %v", name, err)
				case sink.Errors() == 0:
					taken++
				case refused[name] != "":
					delete(left, name)
				default:
					var b bytes.Buffer
					for _, d := range sink.Sorted(out.Files) {
						if d.Severity == source.Error {
							source.Render(&b, out.Files, d, false)
							break
						}
					}
					t.Errorf("%s: %s", name, b.String())
				}
				return nil
			})
		}
	}
	g.Wait()
	for name := range left {
		t.Errorf("%s is read after all: its reason (%s) is void", name, refused[name])
	}
	t.Logf("gcc accepts %d files, saz reads %d of them", accepted, taken)
	if 100*(accepted-taken) > accepted {
		t.Errorf("more than 1 %% are not read")
	}
}
