package edit

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sort"
)

// InPlaceDir holds, in the root of sources that were changed in place, what they were and what
// they became.
//
//	.saz-inplace/journal.json   each file's name, and the checksums of both its contents
//	            /originals/     the files as they were
//	            /...            what else belongs to the change
//
// The directory is complete before the first source changes, and goes when the last is
// restored. Each file changes by a rename. So whenever the program dies, each source is the one or the other
// as a whole, and the journal says what to do.
const InPlaceDir = ".saz-inplace"

// A Change is one file that is to be changed in place.
type Change struct {
	Name     string // relative to the root, with slashes
	Old, New []byte
}

type journal struct {
	Schema string         `json:"schema"`
	Files  []journalEntry `json:"files"`
}

type journalEntry struct {
	Name string `json:"name"`
	Old  string `json:"original_sha256"`
	New  string `json:"changed_sha256"`
}

// ErrInPlace is the error for sources that are changed already.
var ErrInPlace = errors.New("the sources are instrumented in place already; saz restore brings the originals back")

func sum(b []byte) string {
	h := sha256.Sum256(b)
	return hex.EncodeToString(h[:])
}

// next is the name under which a file's new content is written before it takes its place.
func next(path string) string {
	return filepath.Join(filepath.Dir(path), "."+filepath.Base(path)+".saz-new")
}

// InPlace changes files below root, and puts extra files into InPlaceDir. Nothing is changed if a
// file can't be, or is not what the change was made for.
func InPlace(root string, changes []Change, extra map[string][]byte) error {
	dir := filepath.Join(root, InPlaceDir)
	if _, err := os.Lstat(dir); err == nil {
		return ErrInPlace
	}
	j := journal{Schema: "saz.inplace/1"}
	all := map[string][]byte{}
	paths := make([]string, len(changes))
	for i, c := range changes {
		path, err := changeable(filepath.Join(root, filepath.FromSlash(c.Name)), c.Old)
		if err != nil {
			return err
		}
		paths[i] = path
		j.Files = append(j.Files, journalEntry{c.Name, sum(c.Old), sum(c.New)})
		all["originals/"+c.Name] = c.Old
	}
	for name, text := range extra {
		all[name] = text
	}
	text, err := json.MarshalIndent(j, "", "  ")
	if err != nil {
		return err
	}
	all["journal.json"] = append(text, '\n')
	tmp, err := tempDir(root, InPlaceDir)
	if err != nil {
		return fmt.Errorf("%w: the originals are kept in %s; make it writable, or use -o DIR", err, root)
	}
	defer os.RemoveAll(tmp)
	if err := fill(tmp, all); err != nil {
		return err
	}
	if err := syncTree(tmp); err != nil {
		return err
	}
	if err := os.Rename(tmp, dir); err != nil {
		return err
	}
	for i, c := range changes {
		if err := replace(paths[i], c.New); err != nil {
			if _, back := Restore(root, false); back != nil {
				return fmt.Errorf("%w; and %w", err, back)
			}
			return err
		}
	}
	return nil
}

// changeable returns the path of the file itself, behind symbolic links, if it may be changed and is
// what it should be.
func changeable(path string, old []byte) (string, error) {
	real, err := filepath.EvalSymlinks(path)
	if err != nil {
		return "", err
	}
	st, err := os.Stat(real)
	if err != nil {
		return "", err
	}
	if !st.Mode().IsRegular() {
		return "", fmt.Errorf("%s is not a regular file", path)
	}
	if st.Mode()&0o222 == 0 {
		return "", fmt.Errorf("%s is read-only: make it writable (chmod u+w), or use -o DIR", path)
	}
	f, err := os.OpenFile(real, os.O_RDWR, 0)
	if err != nil {
		return "", err
	}
	f.Close()
	now, err := os.ReadFile(real)
	if err != nil {
		return "", err
	}
	if !bytes.Equal(now, old) {
		return "", fmt.Errorf("%s has changed since it was read", path)
	}
	return real, nil
}

// replace gives a file new content by a rename; its permissions stay.
func replace(path string, text []byte) error {
	st, err := os.Stat(path)
	if err != nil {
		return err
	}
	tmp := next(path)
	if err := writeSynced(tmp, text, st.Mode().Perm()); err != nil {
		os.Remove(tmp)
		return err
	}
	if err := os.Rename(tmp, path); err != nil {
		os.Remove(tmp)
		return err
	}
	return nil
}

func writeSynced(path string, text []byte, mode fs.FileMode) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, mode)
	if err != nil {
		return err
	}
	_, err = f.Write(text)
	if err == nil {
		err = f.Chmod(mode)
	}
	if err == nil {
		err = f.Sync()
	}
	if e := f.Close(); err == nil {
		err = e
	}
	return err
}

func syncTree(dir string) error {
	return filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		f, err := os.Open(path)
		if err != nil {
			return err
		}
		defer f.Close()
		return f.Sync()
	})
}

// A Restored says what Restore did.
type Restored struct {
	Root     string
	Files    []string // brought back
	Kept     []string // were the originals already
	Changed  []string // have changed since: left alone
	Unbegun  bool     // the change had not begun: nothing but its preparation was there
	Complete bool     // InPlaceDir is gone
}

// ErrNothing is the error for a directory without anything to restore.
var ErrNothing = errors.New("nothing to restore: no " + InPlaceDir + " here or above")

// Restore brings back the originals of the sources in or above dir. A file that is neither its
// original nor what saz made of it is left alone, unless force is set, and so is InPlaceDir then.
func Restore(dir string, force bool) (*Restored, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return nil, err
	}
	root := dir
	var half []string
	for {
		if _, err := os.Stat(filepath.Join(root, InPlaceDir, "journal.json")); err == nil {
			break
		}
		// Preparation that was interrupted.
		list, _ := filepath.Glob(filepath.Join(root, "."+InPlaceDir+".saz-*"))
		half = append(half, list...)
		up := filepath.Dir(root)
		if up == root {
			if len(half) == 0 {
				return nil, ErrNothing
			}
			res := &Restored{Root: filepath.Dir(half[0]), Unbegun: true, Complete: true}
			for _, h := range half {
				if err := os.RemoveAll(h); err != nil {
					return res, err
				}
			}
			return res, nil
		}
		root = up
	}
	text, err := os.ReadFile(filepath.Join(root, InPlaceDir, "journal.json"))
	if err != nil {
		return nil, err
	}
	var j journal
	if err := json.Unmarshal(text, &j); err != nil || j.Schema != "saz.inplace/1" {
		return nil, fmt.Errorf("%s: not a journal that this saz can read (%v)", filepath.Join(root, InPlaceDir, "journal.json"), err)
	}
	res := &Restored{Root: root}
	sort.Slice(j.Files, func(a, b int) bool { return j.Files[a].Name < j.Files[b].Name })
	for _, e := range j.Files {
		if !filepath.IsLocal(filepath.FromSlash(e.Name)) {
			return res, fmt.Errorf("the journal names %q, which is not below %s", e.Name, root)
		}
		old, err := os.ReadFile(filepath.Join(root, InPlaceDir, "originals", filepath.FromSlash(e.Name)))
		if err != nil {
			return res, err
		}
		if sum(old) != e.Old {
			return res, fmt.Errorf("the copy of %s in %s is damaged", e.Name, InPlaceDir)
		}
		path := filepath.Join(root, filepath.FromSlash(e.Name))
		if real, err := filepath.EvalSymlinks(path); err == nil {
			path = real
		}
		os.Remove(next(path))
		now, err := os.ReadFile(path)
		switch {
		case errors.Is(err, fs.ErrNotExist) && force:
			if err := writeSynced(path, old, 0o666); err != nil {
				return res, err
			}
			res.Files = append(res.Files, e.Name)
			continue
		case err != nil:
			res.Changed = append(res.Changed, e.Name)
			continue
		}
		switch s := sum(now); {
		case s == e.Old:
			res.Kept = append(res.Kept, e.Name)
		case s == e.New || force:
			if err := replace(path, old); err != nil {
				return res, err
			}
			res.Files = append(res.Files, e.Name)
		default:
			res.Changed = append(res.Changed, e.Name)
		}
	}
	if len(res.Changed) > 0 {
		return res, nil
	}
	res.Complete = true
	return res, os.RemoveAll(filepath.Join(root, InPlaceDir))
}
