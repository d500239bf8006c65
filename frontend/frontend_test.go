package frontend

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"saz/frontend/build"
	"saz/frontend/source"
	"saz/frontend/store"
)

// A tree is a small program in a directory.
type tree struct {
	t   *testing.T
	dir string
}

func newTree(t *testing.T) *tree {
	if _, err := exec.LookPath("gcc"); err != nil {
		t.Skip("no gcc")
	}
	r := &tree{t, t.TempDir()}
	r.write("inc/shared.h", "#ifndef S\n#define S\nstruct s { int a; };\nstatic inline int get(struct s *p) { return p->a; }\nstatic inline int dead(void) { return not_there; }\n#endif\n")
	r.write("a.c", "#include \"shared.h\"\n#include <stdio.h>\nint a(struct s *p) { return get(p) + printf(\"%d\", __LINE__); }\n")
	r.write("b.c", "#include \"shared.h\"\n#if __has_include(\"extra.h\")\n#include \"extra.h\"\n#endif\nint b = sizeof(struct s);\n")
	r.write("c.c", "int c(void) { return undeclared; }\nint d(void) { return 1; }\n")
	return r
}

func (r *tree) write(name, text string) {
	r.t.Helper()
	path := filepath.Join(r.dir, name)
	os.MkdirAll(filepath.Dir(path), 0o777)
	if err := os.WriteFile(path, []byte(text), 0o666); err != nil {
		r.t.Fatal(err)
	}
}

// read loads the program; what it returns says all about it.
func (r *tree) read(opt Options) (p *Program, text string) {
	r.t.Helper()
	prog := &build.Program{Name: "p"}
	for _, f := range []string{"a.c", "b.c", "c.c"} {
		prog.Commands = append(prog.Commands, build.Command{Dir: r.dir, File: f, Args: []string{"gcc", "-Ifirst", "-Iinc", "-c", f}})
	}
	os.MkdirAll(filepath.Join(r.dir, "first"), 0o777)
	sink := &source.Sink{}
	p, err := LoadWith(prog, sink, opt)
	if err != nil {
		r.t.Fatal(err)
	}
	var b bytes.Buffer
	for _, u := range p.Units {
		fmt.Fprintf(&b, "%s %+v\n", u.Name, u.Stats)
		u.Print(&b)
		for i := range u.Cpp.Tokens {
			k := &u.Cpp.Tokens[i]
			fmt.Fprintf(&b, "%s@%v ", k.Text, p.Files.Place(k.Exp))
		}
	}
	for _, d := range sink.Sorted(p.Files) {
		source.Render(&b, p.Files, d, false)
	}
	fmt.Fprintln(&b, p.Failed)
	return p, b.String()
}

// The same program comes out at every number of jobs, with and without a
// store, cold and warm.
func TestSame(t *testing.T) {
	r := newTree(t)
	_, want := r.read(Options{Jobs: 1})
	if !strings.Contains(want, "undeclared is not declared") || strings.Contains(want, "not_there") {
		t.Errorf("wrong diagnostics:\n%s", want)
	}
	s := store.At(t.TempDir())
	for i, o := range []Options{{Jobs: 3}, {Jobs: 3, Store: s}, {Jobs: 1, Store: s}, {Jobs: 7, Store: s}} {
		p, got := r.read(o)
		if got != want {
			t.Errorf("run %d differs:\n%s\nwant\n%s", i, got, want)
		}
		if stored := 3 * min(i/2, 1); p.Stored != stored {
			t.Errorf("run %d took %d units from the store, not %d", i, p.Stored, stored)
		}
	}
	_, all := r.read(Options{Jobs: 1, Store: s, All: true})
	if !strings.Contains(all, "not_there is not declared") {
		t.Error("what nothing leads to was not looked at")
	}
	if _, again := r.read(Options{Jobs: 1, Store: s, All: true}); again != all {
		t.Error("its diagnostics are not kept")
	}
}

// A unit is read anew when, and only when, something that it was read from is
// another.
func TestStale(t *testing.T) {
	r := newTree(t)
	s := store.At(t.TempDir())
	r.read(Options{Jobs: 2, Store: s})
	check := func(what string, stored int) {
		t.Helper()
		p, got := r.read(Options{Jobs: 2, Store: s})
		if p.Stored != stored {
			t.Errorf("%s: %d units came from the store, not %d", what, p.Stored, stored)
		}
		if _, want := r.read(Options{Jobs: 1}); got != want {
			t.Errorf("%s: what came out is not what is there:\n%s\nwant\n%s", what, got, want)
		}
	}
	check("nothing changed", 3)
	r.write("a.c", "#include \"shared.h\"\nint a(struct s *p) { return 2 * get(p); }\n")
	check("a source changed", 2)
	check("and not again", 3)
	r.write("inc/shared.h", "struct s { int a, b; };\nstatic inline int get(struct s *p) { return p->b; }\n")
	check("a header changed", 1)
	r.write("first/shared.h", "struct s { long a; };\nstatic inline int get(struct s *p) { return 7; }\n")
	check("a header that is found earlier", 1)
	os.Remove(filepath.Join(r.dir, "first/shared.h"))
	check("and is gone again", 1)
	r.write("inc/extra.h", "int extra;\n")
	check("a header that __has_include asks for", 2)
	r.write("c.c", "int c(void) { return 0; }\n")
	check("an error mended", 2)
}

// Damage to the store costs time only.
func TestDamagedStore(t *testing.T) {
	r := newTree(t)
	dir := t.TempDir()
	s := store.At(dir)
	_, want := r.read(Options{Jobs: 2, Store: s})
	for round := range 3 {
		filepath.Walk(dir, func(p string, st os.FileInfo, err error) error {
			if err == nil && st.Mode().IsRegular() {
				switch round {
				case 0:
					os.Truncate(p, st.Size()/2)
				case 1:
					os.WriteFile(p, bytes.Repeat([]byte{0xff}, 100), 0o666)
				default:
					os.Remove(p)
					os.Mkdir(p, 0o777)
				}
			}
			return nil
		})
		if _, got := r.read(Options{Jobs: 2, Store: s}); got != want {
			t.Errorf("round %d: what came out is not what is there", round)
		}
	}
}

// An entry that its sum says is whole, and that another saz wrote, is refused
// or read without a fault.
func TestForeignEntry(t *testing.T) {
	r := newTree(t)
	s := store.At(t.TempDir())
	cmd := &build.Command{Dir: r.dir, File: "a.c", Args: []string{"gcc", "-Iinc", "-c", "a.c"}}
	l := &loader{Options: Options{Store: s}, files: source.NewSet()}
	cfg, tc, err := configuration(cmd)
	if err != nil {
		t.Fatal(err)
	}
	key := l.key(cmd, cfg, tc)
	r.read(Options{Jobs: 1, Store: s})
	prog := &build.Program{Commands: []build.Command{*cmd}}
	if _, err := LoadWith(prog, &source.Sink{}, Options{Jobs: 1, Store: s}); err != nil {
		t.Fatal(err)
	}
	whole := s.Get(key)
	if whole == nil {
		t.Fatal("the entry is not under its key")
	}
	for n := 0; n < len(whole); n += 1 + n/40 {
		b := bytes.Clone(whole)
		b[n] ^= 0x55
		s.Put(key, b)
		(&loader{Options: Options{Store: s}, files: source.NewSet()}).fetch(key, &source.Sink{})
	}
}

// What Options say is part of the key: a unit of one kind is not taken for
// another's.
func TestKey(t *testing.T) {
	cmd := &build.Command{Dir: "/d", File: "a.c", Args: []string{"gcc", "a.c"}}
	cfg, tc, err := configuration(cmd)
	if err != nil {
		t.Skip("no gcc: ", err)
	}
	one := (&loader{}).key(cmd, cfg, tc)
	all := (&loader{Options: Options{All: true}}).key(cmd, cfg, tc)
	other := *cmd
	other.Dir = "/e"
	if one == all || one == (&loader{}).key(&other, cfg, tc) {
		t.Error("two kinds of units have one key")
	}
	if n := reflect.TypeFor[Options]().NumField(); n != 5 {
		t.Errorf("Options has %d fields: does a new one change what a unit is? Then it belongs in the key", n)
	}
}
