package build

import (
	"io/fs"
	"os"
	"path/filepath"
	"sort"
	"time"
)

// A CacheKind is one directory of what saz remembers.
type CacheKind struct {
	Name   string    `json:"name"`
	Files  int       `json:"files"`
	Bytes  int64     `json:"bytes"`
	Newest time.Time `json:"newest"`
}

// CacheKinds lists what is in the cache directory, whoever put it there.
func CacheKinds(dir string) ([]CacheKind, error) {
	list, err := os.ReadDir(dir)
	if os.IsNotExist(err) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var out []CacheKind
	for _, e := range list {
		if !e.IsDir() {
			continue
		}
		k := CacheKind{Name: e.Name()}
		eachCached(filepath.Join(dir, e.Name()), func(_ string, st fs.FileInfo) {
			k.Files++
			k.Bytes += st.Size()
			if st.ModTime().After(k.Newest) {
				k.Newest = st.ModTime()
			}
		})
		out = append(out, k)
	}
	sort.Slice(out, func(i, j int) bool { return out[i].Name < out[j].Name })
	return out, nil
}

// CleanCache removes what was not written for the given time, in the named kinds
// or in all. A run that goes on meanwhile finds less than it hoped for and
// nothing half there: files are removed whole.
func CleanCache(dir string, kinds []string, older time.Duration) (files int, bytes int64, err error) {
	if len(kinds) == 0 {
		all, err := CacheKinds(dir)
		if err != nil {
			return 0, 0, err
		}
		for _, k := range all {
			kinds = append(kinds, k.Name)
		}
	}
	limit := time.Now().Add(-older)
	for _, k := range kinds {
		top := filepath.Join(dir, k)
		eachCached(top, func(path string, st fs.FileInfo) {
			if older > 0 && st.ModTime().After(limit) {
				return
			}
			if e := os.Remove(path); e != nil {
				err = e
				return
			}
			files++
			bytes += st.Size()
		})
		removeEmpty(top)
	}
	return files, bytes, err
}

func eachCached(top string, f func(path string, st fs.FileInfo)) {
	filepath.WalkDir(top, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return nil // gone meanwhile
		}
		if st, err := d.Info(); err == nil {
			f(path, st)
		}
		return nil
	})
}

func removeEmpty(dir string) {
	list, _ := os.ReadDir(dir)
	for _, e := range list {
		if e.IsDir() {
			removeEmpty(filepath.Join(dir, e.Name()))
		}
	}
	os.Remove(dir) // fails where something is left
}
