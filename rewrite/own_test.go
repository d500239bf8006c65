package rewrite_test

import (
	"maps"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"saz/passes/run"
	"saz/rewrite"
)

// A header of the program's own that calls itself a system header, to have no warnings, belongs to the tree
// all the same (tinyproxy's log.h was missing there).
func TestOwnSystemHeader(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{
		"log.h": "#include <stdio.h>\n#pragma GCC system_header\nstatic int lines;\n",
		"p.c":   "#include <sys/types.h>\n#include <sys/socket.h>\n#include \"log.h\"\nint main(void) { char b[9]; while (recv(0, b, sizeof b, 0) > 0) lines++; return lines; }\n",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	a, err := run.Load(run.Options{Target: []string{filepath.Join(dir, "p.c")}, Jobs: 1})
	if err != nil {
		t.Fatal(err)
	}
	r, err := rewrite.Instrument(a, rewrite.Options{})
	if err != nil {
		t.Fatal(err)
	}
	names := slices.Sorted(maps.Keys(r.Files)) // below the root that the test's own folder has in common with them
	for name, there := range map[string]bool{"log.h": true, "p.c": true, "stdio.h": false, "socket.h": false} {
		if slices.ContainsFunc(names, func(n string) bool { return filepath.Base(n) == name }) != there {
			t.Errorf("%s: want it there %v; the tree has %q", name, there, names)
		}
	}
}
