// Package ctest turns C text into a lifted program, for tests of analyses.
package ctest

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"saz/frontend"
	"saz/frontend/build"
	"saz/frontend/check"
	"saz/frontend/source"
	"saz/ir"
	"saz/ir/link"
)

// Text compiles C text as one translation unit called test.c.
func Text(t testing.TB, text string) *ir.Program {
	t.Helper()
	dir := t.TempDir()
	file := filepath.Join(dir, "test.c")
	if err := os.WriteFile(file, []byte(text), 0o666); err != nil {
		t.Fatal(err)
	}
	return Files(t, dir, nil, file)
}

// Files compiles and links files, in dir, with flags.
func Files(t testing.TB, dir string, flags []string, files ...string) *ir.Program {
	t.Helper()
	b := &build.Program{Name: "test"}
	for _, f := range files {
		args := append([]string{"cc"}, flags...)
		b.Commands = append(b.Commands, build.Command{Dir: dir, File: f, Args: append(args, "-c", f)})
	}
	sink := &source.Sink{}
	fp, err := frontend.Load(b, sink, 2)
	if err != nil {
		t.Fatal(err)
	}
	var units []*check.Unit
	for _, u := range fp.Units {
		if u != nil {
			units = append(units, u)
		}
	}
	p := link.Link("test", units, fp.Files, sink, 2)
	if sink.Errors() > 0 {
		var sb strings.Builder
		for _, d := range sink.Sorted(fp.Files) {
			if d.Severity == source.Error {
				source.Render(&sb, fp.Files, d, false)
			}
		}
		t.Logf("diagnostics:\n%s", sb.String())
	}
	ir.LiftAll(p, 2)
	return p
}
