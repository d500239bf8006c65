package edit

import (
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// snapshot is the names and contents below dir.
func snapshot(t *testing.T, dir string) map[string]string {
	t.Helper()
	out := map[string]string{}
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || path == dir {
			return err
		}
		rel, _ := filepath.Rel(dir, path)
		if d.Type().IsRegular() {
			data, err := os.ReadFile(path)
			out[rel] = string(data)
			return err
		}
		out[rel] = d.Type().String()
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func same(a, b map[string]string) bool {
	if len(a) != len(b) {
		return false
	}
	for k, v := range a {
		if w, ok := b[k]; !ok || v != w {
			return false
		}
	}
	return true
}

var sample = map[string][]byte{"a.c": []byte("int a;\n"), "sub/deep/b.h": []byte("int b;\r\n"), "empty.c": nil}

func TestWriteTree(t *testing.T) {
	root := t.TempDir()
	dir := filepath.Join(root, "new", "out")
	if err := WriteTree(dir, sample); err != nil {
		t.Fatal(err)
	}
	got := snapshot(t, dir)
	if got["sub/deep/b.h"] != "int b;\r\n" || got["a.c"] != "int a;\n" || got[Marker] == "" {
		t.Errorf("%v", got)
	}

	// Ours: replaced as a whole, through a symbolic link, too.
	os.WriteFile(filepath.Join(dir, "a.o"), []byte("built"), 0o666)
	link := filepath.Join(root, "link")
	if err := os.Symlink(dir, link); err != nil {
		t.Fatal(err)
	}
	if err := WriteTree(link, map[string][]byte{"c.c": []byte("int c;\n")}); err != nil {
		t.Fatal(err)
	}
	if got := snapshot(t, dir); len(got) != 2 || got["c.c"] != "int c;\n" {
		t.Errorf("%v", got)
	}
	if st, err := os.Lstat(link); err != nil || st.Mode()&fs.ModeSymlink == 0 {
		t.Error("the link was replaced")
	}

	// Empty: taken. Not ours, or not a directory: left.
	empty := filepath.Join(root, "empty")
	os.Mkdir(empty, 0o777)
	if err := WriteTree(empty, sample); err != nil {
		t.Error(err)
	}
	theirs := filepath.Join(root, "theirs")
	os.Mkdir(theirs, 0o777)
	os.WriteFile(filepath.Join(theirs, "thesis.tex"), []byte("years"), 0o666)
	if err := WriteTree(theirs, sample); !errors.Is(err, ErrNotOurs) {
		t.Errorf("%v", err)
	}
	if err := WriteTree(filepath.Join(theirs, "thesis.tex"), sample); err == nil {
		t.Error("a file was replaced by a directory")
	}
	if got := snapshot(t, theirs); len(got) != 1 {
		t.Errorf("%v", got)
	}
	for _, bad := range []string{"../x.c", "/x.c", "a/../../x.c"} {
		if err := WriteTree(dir, map[string][]byte{bad: nil}); err == nil {
			t.Errorf("%s was written", bad)
		}
	}
	// Nothing is left beside the results.
	names, _ := os.ReadDir(root)
	for _, n := range names {
		if strings.HasPrefix(n.Name(), ".") {
			t.Errorf("left behind: %s", n.Name())
		}
	}
}

func TestSwapSlowly(t *testing.T) {
	root := t.TempDir()
	dir, tmp := filepath.Join(root, "d"), filepath.Join(root, "t")
	os.Mkdir(dir, 0o777)
	os.WriteFile(filepath.Join(dir, "old"), nil, 0o666)
	if err := swapSlowly(tmp, dir); err == nil {
		t.Error("swapped with nothing")
	}
	if got := snapshot(t, root); len(got) != 2 {
		t.Errorf("a failed swap changed something: %v", got)
	}
	os.Mkdir(tmp, 0o777)
	os.WriteFile(filepath.Join(tmp, "new"), nil, 0o666)
	if err := swapSlowly(tmp, dir); err != nil {
		t.Error(err)
	}
	if got := snapshot(t, root); len(got) != 2 || got["d/new"] != "" {
		t.Errorf("%v", got)
	}
}

// TestFull writes in a process that may not make files larger than 4 KB, which
// fails in the middle of a tree as a full disk does.
func TestFull(t *testing.T) {
	if dir := os.Getenv("SAZ_TEST_FULL"); dir != "" {
		lim := syscall.Rlimit{Cur: 4096, Max: 4096}
		if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &lim); err != nil {
			t.Fatal(err)
		}
		err := WriteTree(dir, map[string][]byte{"a.c": make([]byte, 100), "b.c": make([]byte, 10000), "c.c": make([]byte, 100)})
		if !errors.Is(err, syscall.EFBIG) {
			t.Fatalf("WriteTree: %v", err)
		}
		return
	}
	root := t.TempDir()
	if err := WriteTree(filepath.Join(root, "old"), sample); err != nil {
		t.Fatal(err)
	}
	before := snapshot(t, root)
	for _, d := range []string{"old", "new", "deep/er/new"} {
		cmd := exec.Command(os.Args[0], "-test.run=^TestFull$")
		cmd.Env = append(os.Environ(), "SAZ_TEST_FULL="+filepath.Join(root, d))
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%s: %v\n%s", d, err, out)
		}
		if after := snapshot(t, root); !same(before, after) {
			t.Errorf("%s: a failed write left\n%v\nwhere there was\n%v", d, after, before)
		}
	}
}

func TestNoPermission(t *testing.T) {
	if os.Geteuid() == 0 {
		t.Skip("root may write everywhere")
	}
	root := t.TempDir()
	os.Chmod(root, 0o555)
	defer os.Chmod(root, 0o755)
	if err := WriteTree(filepath.Join(root, "d"), sample); !errors.Is(err, fs.ErrPermission) {
		t.Errorf("%v", err)
	}
}
