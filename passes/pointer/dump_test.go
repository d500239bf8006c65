package pointer_test

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"saz/ir"
	"saz/ir/models"
	"saz/passes/pointer"
	"saz/passes/pointer/ctest"
)

func TestDump(t *testing.T) {
	file := os.Getenv("SAZ_FILE")
	if file == "" {
		t.Skip()
	}
	p := ctest.Files(t, filepath.Dir(file), nil, file)
	r := pointer.Analyze(p, models.Default())
	for _, f := range p.Funcs {
		if f.Name != os.Getenv("SAZ_PROC") {
			continue
		}
		ir.PrintFunc(os.Stdout, p, f)
		for i := range f.Regs {
			fmt.Print("r", i, " local ", f.Regs[i].Local, " def ", f.Regs[i].Def, ":")
			for _, l := range r.PointsTo(f.ID, ir.Value{Kind: ir.VReg, ID: int32(i)}) {
				fmt.Print(" ", r.LocName(l))
			}
			fmt.Println()
		}
	}
}
