// Package torture reads the folder of GCC's execution tests
// (gcc/testsuite/gcc.c-torture/execute) as a list of programs, as GCC's own runner
// sees them: which units, and with which options. It is for the tests of the IR and of
// what is built on it; nothing of GCC's is in the tree.
package torture

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
)

// A Test is a program that returns 0, or calls abort.
type Test struct {
	Name  string   // of its first file
	Files []string // its units
	Flags []string // the options that it asks for
}

// Tests are the tests in dir and in its folders, by name of their first files.
//
// Those of the folder builtins are programs of three units: the test, a library of its
// own in NAME-lib.c, and lib/main.c.
func Tests(dir string) []Test {
	files, _ := filepath.Glob(filepath.Join(dir, "*.c"))
	more, _ := filepath.Glob(filepath.Join(dir, "*", "*.c"))
	var tests []Test
	for _, file := range append(files, more...) {
		if strings.HasSuffix(file, "-lib.c") {
			continue
		}
		root := strings.TrimSuffix(file, ".c")
		t := Test{Name: filepath.Base(file), Files: []string{file}, Flags: flags(root)}
		if _, err := os.Stat(root + "-lib.c"); err == nil {
			t.Files = append(t.Files, root+"-lib.c", filepath.Join(filepath.Dir(root), "lib", "main.c"))
		}
		tests = append(tests, t)
	}
	return tests
}

var (
	options    = regexp.MustCompile(`dg-(?:additional-)?options +"([^"]*)"(.*)`)
	additional = regexp.MustCompile(`(?m)^(?:set|lappend) additional_flags (.*)$`)
)

// flags are the options of a test, from its comments and from the script ROOT.x beside
// it. Those of a `target` clause count where the clause names x86-64 or
// position-independent code, which there is.
func flags(root string) []string {
	var flags []string
	text, _ := os.ReadFile(root + ".c")
	for _, m := range options.FindAllStringSubmatch(string(text), -1) {
		clause := m[2]
		if strings.Contains(clause, "target") && !strings.Contains(clause, "x86_64") && !strings.Contains(clause, "fpic") || strings.Contains(clause, "ia32") {
			continue
		}
		flags = append(flags, strings.Fields(m[1])...)
	}
	script, _ := os.ReadFile(root + ".x")
	for _, m := range additional.FindAllStringSubmatch(string(script), -1) {
		flags = append(flags, strings.Fields(strings.ReplaceAll(m[1], `"`, " "))...)
	}
	return flags
}
