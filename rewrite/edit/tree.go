package edit

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sort"
)

// Marker is the file by which a directory is known as one that WriteTree made
// and may replace.
const Marker = ".saz"

// ErrNotOurs is the error for a directory with files in it that WriteTree did
// not make.
var ErrNotOurs = errors.New("exists, is not empty and was not written by saz")

// WriteTree makes dir hold exactly files (content by slash-separated relative
// name) and the marker. It does so whole or not at all: the tree is written
// beside dir and put in its place at the end, so a full disk or a missing
// permission leaves a dir that was there untouched and one that was not absent.
//
// A dir that exists must be empty or carry the marker.
func WriteTree(dir string, files map[string][]byte) (err error) {
	dir, err = filepath.Abs(dir)
	if err != nil {
		return err
	}
	old, err := replaceable(&dir)
	if err != nil {
		return err
	}
	made, err := makeParents(filepath.Dir(dir))
	defer func() {
		if err != nil {
			for _, d := range made {
				os.Remove(d)
			}
		}
	}()
	if err != nil {
		return err
	}
	// Beside dir, so that it is on the same file system.
	tmp, err := tempDir(filepath.Dir(dir), filepath.Base(dir))
	if err != nil {
		return err
	}
	defer os.RemoveAll(tmp) // after the swap it is the old tree, or gone
	if err := fill(tmp, files); err != nil {
		return err
	}
	if !old {
		return os.Rename(tmp, dir)
	}
	return swap(tmp, dir)
}

// replaceable reports whether *dir exists, following a symbolic link to it. It
// is an error if it may not be replaced.
func replaceable(dir *string) (bool, error) {
	st, err := os.Lstat(*dir)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	if st.Mode()&fs.ModeSymlink != 0 {
		// The link stays, what it points to is replaced.
		real, err := filepath.EvalSymlinks(*dir)
		if err != nil {
			return false, err
		}
		*dir = real
		if st, err = os.Stat(real); err != nil {
			return false, err
		}
	}
	if !st.IsDir() {
		return false, &fs.PathError{Op: "write tree", Path: *dir, Err: errors.New("exists and is not a directory")}
	}
	if m, err := os.Lstat(filepath.Join(*dir, Marker)); err == nil && m.Mode().IsRegular() {
		return true, nil
	}
	d, err := os.Open(*dir)
	if err != nil {
		return false, err
	}
	defer d.Close()
	if names, _ := d.Readdirnames(1); len(names) > 0 {
		return false, &fs.PathError{Op: "write tree", Path: *dir, Err: ErrNotOurs}
	}
	return true, nil
}

// makeParents makes dir and what is missing above it, and returns what it made,
// the deepest first.
func makeParents(dir string) (made []string, err error) {
	var missing []string
	for d := dir; ; d = filepath.Dir(d) {
		if _, err := os.Lstat(d); err == nil || !errors.Is(err, fs.ErrNotExist) || d == filepath.Dir(d) {
			break
		}
		missing = append(missing, d)
	}
	for i := len(missing) - 1; i >= 0; i-- {
		if err := os.Mkdir(missing[i], 0o777); err != nil && !errors.Is(err, fs.ErrExist) {
			return made, err
		} else if err == nil {
			made = append([]string{missing[i]}, made...)
		}
	}
	return made, nil
}

// tempDir is os.MkdirTemp with the permissions that the user's umask gives.
func tempDir(parent, base string) (string, error) {
	for i := 0; ; i++ {
		name := filepath.Join(parent, fmt.Sprintf(".%s.saz-%d-%d", base, os.Getpid(), i))
		err := os.Mkdir(name, 0o777)
		if err == nil || !errors.Is(err, fs.ErrExist) || i > 1000 {
			return name, err
		}
	}
}

func fill(root string, files map[string][]byte) error {
	names := make([]string, 0, len(files))
	for n := range files {
		if !filepath.IsLocal(filepath.FromSlash(n)) {
			return fmt.Errorf("write tree: %q leads out of the directory", n)
		}
		names = append(names, n)
	}
	sort.Strings(names)
	last := ""
	for _, n := range names {
		path := filepath.Join(root, filepath.FromSlash(n))
		if d := filepath.Dir(path); d != last {
			if err := os.MkdirAll(d, 0o777); err != nil {
				return err
			}
			last = d
		}
		if err := os.WriteFile(path, files[n], 0o666); err != nil {
			return err
		}
	}
	if _, ok := files[Marker]; ok {
		return nil
	}
	return os.WriteFile(filepath.Join(root, Marker), []byte("written by saz; replaced by it without asking\n"), 0o666)
}

// swapSlowly puts tmp in the place of dir where the system cannot exchange the
// two in one step.
func swapSlowly(tmp, dir string) error {
	aside := tmp + ".old"
	if err := os.Rename(dir, aside); err != nil {
		return err
	}
	if err := os.Rename(tmp, dir); err != nil {
		if back := os.Rename(aside, dir); back != nil {
			return fmt.Errorf("%w; and %s could not be put back: it is now %s", err, dir, aside)
		}
		return err
	}
	return os.RemoveAll(aside)
}
