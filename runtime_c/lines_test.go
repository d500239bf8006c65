package runtime_c

import (
	"debug/dwarf"
	"debug/elf"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// A debugger stops at a line that allocates or releases. When these calls were inline functions alone, all instructions of such a line belonged to the header's
// lines, and gdb put the breakpoint at some line behind it. When what is noted of a release was one, the ends of a procedure that release and return became one for
// gcc, and none of the lines had its first instruction.
func TestLinesHaveCode(t *testing.T) {
	const text = `#include "saz_rt.h"
#include <string.h>
struct s { char *name; };
struct s *make(const char *name); void drop(struct s *s); int next(void);
struct s *make(const char *name)
{
	struct s *s;
	s = (struct s *)saz_calloc(3, 1, sizeof(*s));
	if (s == NULL)
		return NULL;
	s->name = saz_malloc(4, strlen(name) + 1);
	if (s->name == NULL)
		goto out;
	strcpy(s->name, name);
	return s;
out:
	saz_free(s);
	return NULL;
}
void drop(struct s *s)
{
	if (next())
		return;
	saz_free(s->name);
	saz_free(s);
}
int fail(char **err, const char *what, const char *word);
int parse(char **words, char **err)
{
	struct s *s = saz_calloc(5, 1, sizeof *s);
	if (!words[0]) {
		fail(err, "%s: no word", "first");
		saz_free(s);
		return -1;
	}
	if (!words[1]) {
		fail(err, "%s: too few", words[0]);
		saz_free(s);
		return -1;
	}
	if (words[2]) {
		fail(err, "%s: too many", words[2]);
		saz_free(s);
		return -1;
	}
	s->name = words[1];
	return fail(err, 0, s->name);
}
`
	dir := t.TempDir()
	file := filepath.Join(dir, "c.c")
	if err := os.WriteFile(file, []byte(text), 0o666); err != nil {
		t.Fatal(err)
	}
	for _, std := range []string{"gnu89", "gnu11"} {
		for _, o := range []string{"-O0", "-O1", "-O2", "-O3"} {
			object := filepath.Join(dir, "c.o")
			if msg, err := exec.Command("gcc", "-std="+std, o, "-g", "-DSAZ_MARK_WORDS=1", "-Wall", "-Wextra", "-Wpedantic", "-Wshadow", "-Werror", "-Isaz_rt", "-c", "-o", object, file).CombinedOutput(); err != nil {
				t.Fatalf("%s", msg)
			}
			code := linesWithCode(t, object, file)
			for i, l := range strings.Split(text, "\n") {
				if strings.Contains(l, "saz_calloc") || strings.Contains(l, "saz_malloc") || strings.Contains(l, "saz_free") {
					if !code[i+1] {
						t.Errorf("%s %s: no breakpoint at line %d: %s", std, o, i+1, l)
					}
				}
			}
		}
	}
}

// linesWithCode are the lines of file at which a statement begins, with instructions.
func linesWithCode(t *testing.T, object, file string) map[int]bool {
	t.Helper()
	f, err := elf.Open(object)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	d, err := f.DWARF()
	if err != nil {
		t.Fatal(err)
	}
	out := map[int]bool{}
	units := d.Reader()
	for {
		unit, err := units.Next()
		if err != nil {
			t.Fatal(err)
		}
		if unit == nil {
			return out
		}
		units.SkipChildren()
		if unit.Tag != dwarf.TagCompileUnit {
			continue
		}
		lines, err := d.LineReader(unit)
		if err != nil || lines == nil {
			t.Fatal(err)
		}
		// As gdb does: what no instruction has followed when the file changes is not there.
		var here []int
		var was, e dwarf.LineEntry
		for ; lines.Next(&e) == nil; was = e {
			if e.Address > was.Address {
				for _, l := range here {
					out[l] = true
				}
				here = here[:0]
			} else if was.File != nil && (e.EndSequence || e.File != was.File) {
				here = here[:0]
			}
			if e.IsStmt && !e.EndSequence && e.File.Name == file {
				here = append(here, e.Line)
			}
		}
	}
}
