package edit

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// sources makes two files and the changes that are meant for them.
func sources(t *testing.T) (string, []Change) {
	t.Helper()
	root := t.TempDir()
	os.Mkdir(filepath.Join(root, "sub"), 0o777)
	list := []Change{
		{"a.c", []byte("int a;\r\n\tint b; \xff\xfe"), []byte("int a;\r\n\tmark; int b; \xff\xfe")},
		{"sub/b.h", []byte("int h;\n"), []byte("mark; int h;\n")},
	}
	for _, c := range list {
		if err := os.WriteFile(filepath.Join(root, c.Name), c.Old, 0o640); err != nil {
			t.Fatal(err)
		}
	}
	return root, list
}

// state is what lies below root.
func state(t *testing.T, root string) string {
	t.Helper()
	var b strings.Builder
	filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err == nil && d.Type().IsRegular() {
			text, _ := os.ReadFile(path)
			st, _ := d.Info()
			b.WriteString(path[len(root):] + " " + st.Mode().String() + " " + string(text) + "\n")
		}
		return nil
	})
	return b.String()
}

func TestInPlace(t *testing.T) {
	root, list := sources(t)
	before := state(t, root)
	if err := InPlace(root, list, map[string][]byte{"saz_glue.c": []byte("glue")}); err != nil {
		t.Fatal(err)
	}
	for _, c := range list {
		if now, _ := os.ReadFile(filepath.Join(root, c.Name)); !bytes.Equal(now, c.New) {
			t.Errorf("%s is %q", c.Name, now)
		}
	}
	if err := InPlace(root, list, nil); !errors.Is(err, ErrInPlace) {
		t.Errorf("a second time: %v", err)
	}
	r, err := Restore(filepath.Join(root, "sub"), false)
	if err != nil || !r.Complete || len(r.Files) != 2 {
		t.Fatalf("%+v %v", r, err)
	}
	if now := state(t, root); now != before {
		t.Errorf("restored:\n%s\nbefore:\n%s", now, before)
	}
	if _, err := Restore(root, false); !errors.Is(err, ErrNothing) {
		t.Errorf("a second time: %v", err)
	}
}

// Whatever is wrong with one file, none is changed.
func TestInPlaceRefused(t *testing.T) {
	for name, spoil := range map[string]func(root string){
		"read-only":    func(root string) { os.Chmod(filepath.Join(root, "sub/b.h"), 0o440) },
		"has changed":  func(root string) { os.WriteFile(filepath.Join(root, "sub/b.h"), []byte("int x;\n"), 0o640) },
		"no such file": func(root string) { os.Remove(filepath.Join(root, "sub/b.h")) },
	} {
		root, list := sources(t)
		spoil(root)
		before := state(t, root)
		if err := InPlace(root, list, nil); err == nil || !strings.Contains(err.Error(), name) || !strings.Contains(err.Error(), "b.h") {
			t.Errorf("%s: %v", name, err)
		}
		if now := state(t, root); now != before {
			t.Errorf("%s: changed:\n%s\nbefore:\n%s", name, now, before)
		}
	}
}

// Killed in the middle, at each point that there is.
func TestInPlaceKilled(t *testing.T) {
	for point := 0; point < 4; point++ {
		root, list := sources(t)
		before := state(t, root)
		if err := InPlace(root, list, nil); err != nil {
			t.Fatal(err)
		}
		switch point { // as if it had come no further
		case 0: // only prepared
			os.Rename(filepath.Join(root, InPlaceDir), filepath.Join(root, "."+InPlaceDir+".saz-77-0"))
			fallthrough
		case 1: // no source changed
			os.WriteFile(filepath.Join(root, list[0].Name), list[0].Old, 0o640)
			fallthrough
		case 2: // one of two, the other half-written beside its place
			os.WriteFile(filepath.Join(root, list[1].Name), list[1].Old, 0o640)
			if point > 0 {
				os.WriteFile(next(filepath.Join(root, list[1].Name)), list[1].New[:3], 0o640)
			}
		}
		r, err := Restore(root, false)
		if err != nil || !r.Complete {
			t.Errorf("point %d: %+v %v", point, r, err)
		}
		if now := state(t, root); now != before {
			t.Errorf("point %d: restored:\n%s\nbefore:\n%s", point, now, before)
		}
	}
}

// What the user did since is not lost without being asked for.
func TestRestoreChanged(t *testing.T) {
	root, list := sources(t)
	before := state(t, root)
	if err := InPlace(root, list, nil); err != nil {
		t.Fatal(err)
	}
	mine := filepath.Join(root, "a.c")
	os.WriteFile(mine, []byte("my own\n"), 0o640)
	r, err := Restore(root, false)
	if err != nil || r.Complete || len(r.Changed) != 1 || len(r.Files) != 1 {
		t.Errorf("%+v %v", r, err)
	}
	if now, _ := os.ReadFile(mine); string(now) != "my own\n" {
		t.Errorf("my change is lost: %q", now)
	}
	if r, err = Restore(root, true); err != nil || !r.Complete {
		t.Errorf("%+v %v", r, err)
	}
	if now := state(t, root); now != before {
		t.Errorf("restored:\n%s\nbefore:\n%s", now, before)
	}
}
