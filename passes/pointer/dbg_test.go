package pointer

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"saz/ir"
	"saz/ir/models"
	"saz/passes/pointer/ctest"
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
	start := time.Now()
	r := Analyze(p, models.Default())
	fmt.Println("analyze", time.Since(start), fmt.Sprintf("%+v", r.Stats), "objects", len(r.Objects))
	n, regs, total, big := 0, 0, 0, 0
	for _, f := range p.Funcs {
		n += len(f.Instrs)
		for i := range f.Regs {
			if l := r.PointsTo(f.ID, ir.Value{Kind: ir.VReg, ID: int32(i)}); len(l) > 0 {
				regs++
				total += len(l)
				big = max(big, len(l))
			}
		}
	}
	fmt.Println("funcs", len(p.Funcs), "instrs", n, "pointers", regs, "avg", float64(total)/float64(regs), "max", big)
	for _, u := range r.Unmodelled() {
		fmt.Println("unmodelled", u.Name, len(u.Calls))
	}
	for _, ref := range r.IndirectCalls() {
		f := p.Funcs[ref.Func]
		fmt.Print("indirect ", f.Name, " ", r.solver.where(ref), ":")
		for _, g := range r.Callees(ref) {
			fmt.Print(" ", p.Funcs[g].Name)
		}
		fmt.Println()
	}
	if os.Getenv("SAZ_ALL") != "" {
		for _, f := range p.Funcs {
			for i := range f.Regs {
				if l := r.PointsTo(f.ID, ir.Value{Kind: ir.VReg, ID: int32(i)}); len(l) > 20 {
					fmt.Println(f.Name, i, len(l))
				}
			}
		}
	}
}

func BenchmarkPRADS(b *testing.B) {
	dir := "/tmp/src/prads/src"
	files, _ := filepath.Glob(filepath.Join(dir, "*.c"))
	for _, sub := range []string{"ipfp", "servicefp", "output-plugins"} {
		l, _ := filepath.Glob(filepath.Join(dir, sub, "*.c"))
		files = append(files, l...)
	}
	var keep []string
	for _, f := range files {
		if bb := filepath.Base(f); bb == "shm-client.c" || bb == "bstraux.c" || bb == "testdata.c" {
			continue
		}
		keep = append(keep, f)
	}
	p := ctest.Files(b, dir, []string{"-I.", "-I..", "-g", "-O2", "-DCONFDIR=\"/etc/prads/\"", "-DRELEASE=\"x\""}, keep...)
	ms := models.Default()
	b.ResetTimer()
	for b.Loop() {
		Analyze(p, ms)
	}
}
