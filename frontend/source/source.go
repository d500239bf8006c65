// Package source holds the bytes of the program under analysis and says where
// in them things are: files, byte positions, and diagnostics that point there.
//
// Everything that saz reports or rewrites goes back to a Pos. A Pos is a file
// and a byte offset; line and column are worked out only when a person looks.
package source

import (
	"crypto/sha256"
	"fmt"
	"os"
	"path/filepath"
	"sort"
	"sync"
)

// FileID numbers the files of a Set from 1; 0 is "no file".
//
// Ids are given in order of arrival, which depends on scheduling: nothing that
// a user sees may be ordered by FileID. Order by Path.
type FileID int32

// A File is one source file, read once.
type File struct {
	ID   FileID
	Path string // absolute and clean
	Data []byte // exactly as on disk

	once  sync.Once
	lines []int32 // byte offset of the start of each line

	sumOnce sync.Once
	sum     [16]byte
}

// Sum is a hash of the file's contents.
func (f *File) Sum() [16]byte {
	f.sumOnce.Do(func() {
		s := sha256.Sum256(f.Data)
		copy(f.sum[:], s[:])
	})
	return f.sum
}

// A Pos is a byte offset in a file. The zero Pos is nowhere.
type Pos struct {
	File FileID
	Off  int32
}

// IsValid reports whether p points into a file.
func (p Pos) IsValid() bool { return p.File != 0 }

// A Place is a Pos made readable: Line and Col count from 1, Col in bytes.
type Place struct {
	Path      string
	Line, Col int
}

func (p Place) String() string {
	if p.Path == "" {
		return "<built-in>"
	}
	return fmt.Sprintf("%s:%d:%d", p.Path, p.Line, p.Col)
}

// A Set is the files of one run, shared by all translation units. Its methods
// may be called from several goroutines.
type Set struct {
	mu     sync.RWMutex
	byPath map[string]*File
	files  []*File // by ID-1
	absent map[string]bool
}

// NewSet returns an empty Set.
func NewSet() *Set {
	return &Set{byPath: map[string]*File{}, absent: map[string]bool{}}
}

// Open returns the file at path, reading it the first time. A path that could
// not be read is remembered as absent: include search asks for many of those.
func (s *Set) Open(path string) (*File, error) {
	abs, err := filepath.Abs(path)
	if err != nil {
		return nil, err
	}
	s.mu.RLock()
	f, gone := s.byPath[abs], s.absent[abs]
	s.mu.RUnlock()
	if f != nil {
		return f, nil
	}
	if gone {
		return nil, &os.PathError{Op: "open", Path: abs, Err: os.ErrNotExist}
	}
	data, err := os.ReadFile(abs)
	if err != nil {
		if os.IsNotExist(err) {
			s.mu.Lock()
			s.absent[abs] = true
			s.mu.Unlock()
		}
		return nil, err
	}
	return s.Add(abs, data), nil
}

// Absent reports whether there is no file at path, an absolute one.
func (s *Set) Absent(path string) bool {
	s.mu.RLock()
	f, gone := s.byPath[path], s.absent[path]
	s.mu.RUnlock()
	if f != nil || gone {
		return gone
	}
	if st, err := os.Stat(path); err == nil {
		return st.IsDir() // a directory is no header
	}
	s.mu.Lock()
	s.absent[path] = true
	s.mu.Unlock()
	return true
}

// Add enters a file whose bytes are already known (the predefined macros, a
// test's input). If path is known already that file is returned.
func (s *Set) Add(path string, data []byte) *File {
	s.mu.Lock()
	defer s.mu.Unlock()
	if f := s.byPath[path]; f != nil {
		return f
	}
	f := &File{ID: FileID(len(s.files) + 1), Path: path, Data: data}
	s.files = append(s.files, f)
	s.byPath[path] = f
	return f
}

// File returns the file with the given id, nil for 0.
func (s *Set) File(id FileID) *File {
	if id == 0 {
		return nil
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.files[id-1]
}

// Files returns all files, ordered by path.
func (s *Set) Files() []*File {
	s.mu.RLock()
	out := append([]*File(nil), s.files...)
	s.mu.RUnlock()
	sort.Slice(out, func(i, j int) bool { return out[i].Path < out[j].Path })
	return out
}

// Place makes p readable.
func (s *Set) Place(p Pos) Place {
	f := s.File(p.File)
	if f == nil {
		return Place{}
	}
	line, col := f.LineCol(p.Off)
	return Place{f.Path, line, col}
}

func (f *File) index() []int32 {
	f.once.Do(func() {
		f.lines = append(f.lines, 0)
		for i, c := range f.Data {
			if c == '\n' {
				f.lines = append(f.lines, int32(i+1))
			}
		}
	})
	return f.lines
}

// LineCol returns the line and column, both from 1, of a byte offset.
func (f *File) LineCol(off int32) (line, col int) {
	l := f.index()
	n := sort.Search(len(l), func(i int) bool { return l[i] > off })
	return n, int(off-l[n-1]) + 1
}

// Line returns the bytes of line n (from 1) without its newline.
func (f *File) Line(n int) []byte {
	l := f.index()
	if n < 1 || n > len(l) {
		return nil
	}
	end := int32(len(f.Data))
	if n < len(l) {
		end = l[n] - 1
	}
	b := f.Data[l[n-1]:end]
	if len(b) > 0 && b[len(b)-1] == '\r' {
		b = b[:len(b)-1]
	}
	return b
}

// Offset returns the byte offset at which line n (from 1) starts.
func (f *File) Offset(n int) int32 {
	l := f.index()
	if n < 1 {
		return 0
	}
	if n > len(l) {
		return int32(len(f.Data))
	}
	return l[n-1]
}
