// Package store keeps what was computed on disk, from one run to the next.
//
// An entry is a file, named by its key, in the user's cache directory
// ($XDG_CACHE_HOME/saz/units; none where SAZ_CACHE is "off"). It is written
// beside its place and renamed, so that readers see a whole entry or none and several
// runs can share a store; it carries its length and sum, and one that does not
// fit them counts as absent. The store is bounded: what was not used for
// longest goes first. That anything of this fails (read-only home, full disk)
// costs time and nothing else.
package store

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"hash/crc32"
	"io/fs"
	"os"
	"path/filepath"
	"sort"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"saz/frontend/build"
)

// DefaultLimit is the size above which a store forgets, unless SAZ_CACHE_SIZE
// (in megabytes) says otherwise.
const DefaultLimit = 1 << 30

// A Key names an entry: a hash of all that it depends on.
type Key [32]byte

// A Store is a directory of entries. A nil Store keeps nothing. Its methods may
// be called from several goroutines.
type Store struct {
	dir    string
	limit  int64
	wrote  atomic.Int64
	serial atomic.Int64
}

// Open returns the user's store, nil if there is to be none: SAZ_CACHE is "off",
// or the user has no cache directory.
func Open() *Store {
	if os.Getenv("SAZ_CACHE") == "off" {
		return nil
	}
	dir, err := build.CacheDir()
	if err != nil {
		return nil
	}
	s := At(filepath.Join(dir, "units"))
	if n, err := strconv.ParseInt(os.Getenv("SAZ_CACHE_SIZE"), 10, 64); err == nil && n >= 0 {
		s.limit = n << 20
	}
	return s
}

// At returns the store in dir, which need not exist yet.
func At(dir string) *Store { return &Store{dir: dir, limit: DefaultLimit} }

// Dir is where the store is.
func (s *Store) Dir() string { return s.dir }

// Limit is the size above which the store forgets.
func (s *Store) Limit() int64 { return s.limit }

const (
	magic  = "saz\x00unit"
	header = len(magic) + 8 + 4 // and the length and sum of what follows
)

var table = crc32.MakeTable(crc32.Castagnoli)

func (s *Store) path(k Key) string {
	name := hex.EncodeToString(k[:])
	return filepath.Join(s.dir, name[:2], name[2:])
}

// Get returns the entry under a key, nil if there is none that is whole.
func (s *Store) Get(k Key) []byte {
	if s == nil {
		return nil
	}
	path := s.path(k)
	data, err := os.ReadFile(path)
	if err != nil {
		return nil
	}
	if len(data) < header || !bytes.HasPrefix(data, []byte(magic)) {
		return nil
	}
	size := binary.LittleEndian.Uint64(data[len(magic):])
	sum := binary.LittleEndian.Uint32(data[len(magic)+8:])
	data = data[header:]
	if uint64(len(data)) != size || crc32.Checksum(data, table) != sum {
		return nil
	}
	// Used: it goes last. Once an hour is exact enough.
	if st, err := os.Stat(path); err == nil && time.Since(st.ModTime()) > time.Hour {
		now := time.Now()
		os.Chtimes(path, now, now)
	}
	return data
}

// Put keeps an entry.
func (s *Store) Put(k Key, data []byte) {
	if s == nil {
		return
	}
	path := s.path(k)
	if os.MkdirAll(filepath.Dir(path), 0o777) != nil {
		return
	}
	name := path + "." + strconv.Itoa(os.Getpid()) + "." + strconv.FormatInt(s.serial.Add(1), 10) + ".tmp"
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o666)
	if err != nil {
		return
	}
	var h [header]byte
	copy(h[:], magic)
	binary.LittleEndian.PutUint64(h[len(magic):], uint64(len(data)))
	binary.LittleEndian.PutUint32(h[len(magic)+8:], crc32.Checksum(data, table))
	_, err = f.Write(h[:])
	if err == nil {
		_, err = f.Write(data)
	}
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	if err == nil {
		err = os.Rename(name, path)
	}
	if err != nil {
		os.Remove(name)
		return
	}
	s.wrote.Add(int64(len(data)))
}

// An entry is a file of the store.
type entry struct {
	path string
	size int64
	used time.Time
}

func (s *Store) entries() []entry {
	var list []entry
	filepath.WalkDir(s.dir, func(path string, d fs.DirEntry, err error) error {
		if err == nil && d.Type().IsRegular() {
			if st, err := d.Info(); err == nil {
				list = append(list, entry{path, st.Size(), st.ModTime()})
			}
		}
		return nil
	})
	return list
}

// Size is the number of entries and their size.
func (s *Store) Size() (n int, bytes int64) {
	if s == nil {
		return 0, 0
	}
	for _, e := range s.entries() {
		n++
		bytes += e.size
	}
	return n, bytes
}

// Trim forgets what was not used for longest, until the rest is within the
// limit, and what writers that died left behind. A run that wrote nothing need
// not: then it returns at once.
func (s *Store) Trim() {
	if s == nil || s.wrote.Load() == 0 {
		return
	}
	list := s.entries()
	total := int64(0)
	for _, e := range list {
		total += e.size
	}
	sort.Slice(list, func(i, j int) bool {
		if !list[i].used.Equal(list[j].used) {
			return list[i].used.Before(list[j].used)
		}
		return list[i].path < list[j].path
	})
	for _, e := range list {
		dead := strings.HasSuffix(e.path, ".tmp") && time.Since(e.used) > time.Hour
		if total > s.limit || dead {
			if os.Remove(e.path) == nil {
				total -= e.size
			}
		}
	}
}

// Clear forgets everything.
func (s *Store) Clear() error {
	if s == nil {
		return nil
	}
	return os.RemoveAll(s.dir)
}
