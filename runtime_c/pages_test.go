package runtime_c

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// What was written is said to be: by stores and system calls, in data and in a heap that grows. Where the kernel can't say, all is.
func TestPages(t *testing.T) {
	for _, flags := range [][]string{{"-O2"}, {"-O1", "-static"}, {"-O1", "-no-pie"}, sanitized} {
		bin := filepath.Join(t.TempDir(), "pages")
		args := append(append([]string{"-Isaz_rt", "-DSAZ_VERIFY=1", "-std=c11", "-D_GNU_SOURCE", "-o", bin, "test/pages.c", "saz_rt/saz_pages.c"}, warnings...), flags...)
		if msg, err := exec.Command("gcc", args...).CombinedOutput(); err != nil {
			t.Fatalf("%v: %v\n%s", flags, err, msg)
		}
		for _, how := range []string{"", "all"} {
			cmd := exec.Command(bin)
			cmd.Env = append(os.Environ(), "SAZ_VERIFY_PAGES="+how)
			out, err := cmd.CombinedOutput()
			if err != nil || how == "all" && string(out) != "all\n" {
				t.Errorf("%v, %q: %v\n%s", flags, how, err, out)
			}
			t.Logf("%v, %q: %s", flags, how, out)
		}
	}
}
