package check

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"saz/frontend/cpp"
	"saz/frontend/source"
	"saz/frontend/syntax"
)

// checkText runs the front end on one source text and fails on errors.
func checkText(t testing.TB, name, text string) *checker {
	t.Helper()
	cfg, err := compiler()
	if err != nil {
		t.Skip("no gcc: ", err)
	}
	return checkWith(t, cfg, name, text)
}

func checkWith(t testing.TB, cfg cpp.Config, name, text string) *checker {
	t.Helper()
	files, sink := source.NewSet(), new(source.Sink)
	path := filepath.Join(t.TempDir(), name)
	files.Add(path, []byte(text))
	pre, err := cpp.Preprocess(&cfg, files, path, sink)
	if err != nil {
		t.Fatal(err)
	}
	c := check(new(syntax.Cache).Parse(pre, sink), files, sink, false)
	report(t, files, sink)
	return c
}

// TestOracle has the compiler check every size, offset and type that saz sees
// in testdata.
func TestOracle(t *testing.T) {
	paths, _ := filepath.Glob("testdata/*.c")
	for _, p := range paths {
		t.Run(strings.TrimSuffix(filepath.Base(p), ".c"), func(t *testing.T) {
			t.Parallel()
			text, err := os.ReadFile(p)
			if err != nil {
				t.Fatal(err)
			}
			n := oracle(t, checkText(t, filepath.Base(p), string(text)))
			if n < 100 {
				t.Errorf("only %d assertions", n)
			}
		})
	}
}

// TestC23 does the same for what gcc 12 takes of C23.
func TestC23(t *testing.T) {
	cfg, err := ask("-std=gnu2x")
	if err != nil {
		t.Skip("no gcc that knows -std=gnu2x: ", err)
	}
	text, err := os.ReadFile("testdata/c23/common.c")
	if err != nil {
		t.Fatal(err)
	}
	if n := oracle(t, checkWith(t, cfg, "common.c", string(text)), "-std=gnu2x"); n < 40 {
		t.Errorf("only %d assertions", n)
	}
}
