package pointer_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"testing"
	"time"

	"saz/ir"
	"saz/ir/models"
	"saz/ir/randc"
	"saz/passes/pointer/ctest"
)

// TestRandom: SAZ_RANDOM is how many programs, SAZ_SEED the first; 6 if it is not set.
// SAZ_KEEP is a folder to put the programs in that fail.
func TestRandom(t *testing.T) {
	if _, err := exec.LookPath("cc"); err != nil {
		t.Skip("no compiler")
	}
	n, err := strconv.Atoi(os.Getenv("SAZ_RANDOM"))
	if err != nil {
		n = 6
	}
	seed, _ := strconv.Atoi(os.Getenv("SAZ_SEED"))
	defer func(d time.Duration) { patience = d }(patience)
	patience = 20 * time.Second
	total := 0
	for i := seed; i < seed+n; i++ {
		text := randc.Program(i)
		p := ctest.Text(t, text)
		if slices.ContainsFunc(p.Funcs, func(f *ir.Func) bool { return f.Unknown }) {
			t.Errorf("seed %d is not read as a whole", i)
		}
		facts, bad, err := watch(t, p, models.Default(), t.TempDir(), []string{"-lpthread"})
		if err != nil {
			t.Errorf("seed %d: %v", i, err)
		}
		total += facts
		for k, b := range bad {
			if k == 5 {
				t.Errorf("and %d more", len(bad)-k)
				break
			}
			t.Errorf("seed %d: %s", i, b)
		}
		if dir := os.Getenv("SAZ_KEEP"); dir != "" && (err != nil || len(bad) > 0) {
			os.WriteFile(filepath.Join(dir, fmt.Sprintf("r%d.c", i)), []byte(text), 0o666)
		}
	}
	t.Logf("%d programs, %d facts", n, total)
}
