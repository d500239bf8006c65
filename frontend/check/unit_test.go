package check

import (
	"bytes"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"

	"saz/frontend/cpp"
	"saz/frontend/source"
)

// compiler is what gcc says about itself, asked once.
var compiler = sync.OnceValues(func() (cpp.Config, error) {
	return ask(strings.Fields(os.Getenv("SAZ_CHECK_GCC"))...)
})

// ask has gcc say what it is with flags.
func ask(flags ...string) (cfg cpp.Config, err error) {
	cfg.Predef, err = exec.Command("gcc", append(flags, "-dM", "-E", "-x", "c", os.DevNull)...).Output()
	if err != nil {
		return cfg, err
	}
	cmd := exec.Command("gcc", "-v", "-E", "-x", "c", os.DevNull)
	var msg bytes.Buffer
	cmd.Stderr = &msg
	if err := cmd.Run(); err != nil {
		return cfg, err
	}
	_, dirs, _ := strings.Cut(msg.String(), "#include <...> search starts here:\n")
	dirs, _, _ = strings.Cut(dirs, "End of search list.")
	cfg.System = strings.Fields(dirs)
	cfg.Builtins = func(kind, arg string) int { return 0 }
	return cfg, nil
}

// report fails the test with the errors in sink.
func report(t testing.TB, files *source.Set, sink *source.Sink) {
	t.Helper()
	for i, d := range sink.Sorted(files) {
		if d.Severity == source.Error && i < 20 {
			var b strings.Builder
			source.Render(&b, files, d, false)
			t.Error(b.String())
		}
	}
}
