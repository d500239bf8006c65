package check

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// gccAccepts compiles the text and reports what gcc objects to.
func gccAccepts(t testing.TB, text []byte, flags ...string) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "oracle.c")
	if err := os.WriteFile(path, text, 0o666); err != nil {
		t.Fatal(err)
	}
	if dir := os.Getenv("SAZ_CHECK_KEEP"); dir != "" {
		os.WriteFile(filepath.Join(dir, strings.ReplaceAll(t.Name(), "/", "_")+".c"), text, 0o666)
	}
	out, err := exec.Command("gcc", append(flags, "-w", "-fsyntax-only", "-fpreprocessed", "-fmax-errors=20", path)...).CombinedOutput()
	if err != nil {
		if len(out) > 6000 {
			out = out[:6000]
		}
		t.Errorf("gcc rejects what saz thinks:\n%s", out)
	}
}

// oracle checks a unit and asks the compiler about it.
func oracle(t testing.TB, c *checker, flags ...string) int {
	t.Helper()
	text, n := Asserts(c.unit, 1)
	gccAccepts(t, text, flags...)
	return n
}
