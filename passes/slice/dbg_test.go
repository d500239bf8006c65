package slice_test

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"saz/frontend/source"
	"saz/ir"
	"saz/passes"
	"saz/passes/pointer/ctest"
	"saz/passes/pointer"
	"saz/passes/slice"
)

func TestDbg(t *testing.T) {
	dir := os.Getenv("SAZ_DIR")
	if dir == "" {
		t.Skip()
	}
	files, _ := filepath.Glob(filepath.Join(dir, "*.c"))
	for _, sub := range []string{"ipfp", "servicefp", "output-plugins"} {
		l, _ := filepath.Glob(filepath.Join(dir, sub, "*.c"))
		files = append(files, l...)
	}
	var keep []string
	for _, f := range files {
		if b := filepath.Base(f); b == "shm-client.c" || b == "bstraux.c" || b == "testdata.c" {
			continue
		}
		keep = append(keep, f)
	}
	p := ctest.Files(t, dir, []string{"-I.", "-I..", "-g", "-O2", "-DCONFDIR=\"/etc/prads/\"", "-DRELEASE=\"x\""}, keep...)
	c := &passes.Context{Prog: p, Sink: &source.Sink{}, Jobs: 1}
	start := time.Now()
	if err := c.Need(slice.Pass); err != nil {
		t.Fatal(err)
	}
	fmt.Println(time.Since(start), c.Phases)
	r := slice.Of(c)
	var from, to []ir.Ref
	pt := pointer.Of(c)
	for _, f := range p.Funcs {
		for i := range f.Instrs {
			ref := ir.Ref{Func: f.ID, I: int32(i)}
			for _, g := range pt.Callees(ref) {
				if m := pt.Model(g); m != nil {
					if m.Receive != nil && !m.Receive.Weak {
						from = append(from, ref)
					}
					if m.Output != "" {
						to = append(to, ref)
					}
				}
			}
		}
	}
	start = time.Now()
	fw := r.Forward(from)
	fmt.Println("forward", time.Since(start), len(from), fw.Len(), len(fw.Procs()))
	start = time.Now()
	bw := r.Backward(to)
	fmt.Println("backward", time.Since(start), len(to), bw.Len(), len(bw.Procs()))
	if name := os.Getenv("SAZ_PROC"); name != "" {
		for _, f := range p.Funcs {
			if f.Name == name {
				for i := range f.Instrs {
					if ref := (ir.Ref{Func: f.ID, I: int32(i)}); fw.Has(ref) {
						for _, w := range fw.Path(ref) {
							fmt.Println(p.Files.Place(w.Pos), w.Text)
						}
						break
					}
				}
			}
		}
	}
	for _, f := range fw.Procs() {
		fmt.Print(p.Funcs[f].Name, " ")
	}
	fmt.Println()
	one := ""
	for _, ref := range to {
		if p.Funcs[ref.Func].Name == "stdout_os" && one == "" {
			start = time.Now()
			b := r.Backward([]ir.Ref{ref})
			fmt.Println("one backward", time.Since(start), b.Len(), len(b.Procs()))
			one = "x"
		}
	}
}
