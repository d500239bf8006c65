package check

import (
	"os"
	"path/filepath"
	"testing"

	"saz/frontend/cpp"
	"saz/frontend/source"
	"saz/frontend/syntax"
)

// BenchmarkCheck types the C files of $SAZ_CHECK_DIR, or the test programs,
// once an iteration; preprocessing and parsing are not counted.
func BenchmarkCheck(b *testing.B) {
	cfg, err := compiler()
	if err != nil {
		b.Skip("no gcc: ", err)
	}
	pattern := "testdata/*.c"
	if dir := os.Getenv("SAZ_CHECK_DIR"); dir != "" {
		pattern = filepath.Join(dir, "*.c")
		cfg.Defines, cfg.Angle = testFlags()
	}
	files, cache := source.NewSet(), new(syntax.Cache)
	cfg.Cache = cpp.NewCache()
	var trees []*syntax.Tree
	paths, _ := filepath.Glob(pattern)
	for _, p := range paths {
		sink := new(source.Sink)
		pre, err := cpp.Preprocess(&cfg, files, p, sink)
		if err != nil {
			b.Fatal(err)
		}
		trees = append(trees, cache.Parse(pre, sink))
	}
	b.ReportAllocs()
	for b.Loop() {
		for _, t := range trees {
			Check(t, files, new(source.Sink))
		}
	}
}
