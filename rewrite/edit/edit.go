// Package edit changes the user's files at exact bytes.
//
// The passes that instrument a program do not build text, they say: at this
// byte, insert this. Everything outside the edits stays as the user wrote it,
// to the byte: line ends, tabs, encodings. What the passes want may meet in one
// place, and an edit that is lost or applied twice is a wrong program, so the
// rules are strict:
//
//   - Edits are given in groups that belong together (an opening and a closing
//     brace). A group that is given again, as every translation unit does for
//     a header that they share, counts once. It is the group that is compared,
//     not the single edit: two closing braces at one byte, of two bodies that
//     end there, are both wanted.
//   - Insertions at one byte stand in the order of Prio, then of arrival.
//     They come before a replacement that begins there, and after one that
//     ends there.
//   - Edits that overlap otherwise are an error that names both.
package edit

import (
	"bytes"
	"fmt"
	"sort"
	"strings"
)

// An Edit replaces the bytes [Off, End) of a file by New. With Off == End it is
// an insertion.
type Edit struct {
	Off, End int32
	New      string
	Prio     int    // order of insertions at one byte, smallest first
	By       string // who wants it, for error messages
}

func (e *Edit) insertion() bool { return e.Off == e.End }

// A File is the original bytes of a file and its edits.
type File struct {
	Path string // absolute
	Orig []byte

	edits  []Edit // in order of arrival
	groups map[string]bool
	sorted bool
	err    error // found when sorting
}

// A Set is the files that are to be changed. It is not safe for concurrent
// use: the order of arrival is part of the result.
type Set struct {
	files map[string]*File
}

// NewSet returns an empty Set.
func NewSet() *Set { return &Set{files: map[string]*File{}} }

// An Error is an edit that cannot be made.
type Error struct {
	Path string
	Edit Edit
	With *Edit // the edit that it overlaps, if that is what is wrong
	Msg  string

	orig []byte
}

func (e *Error) Error() string {
	if e.With != nil {
		return fmt.Sprintf("%s: %s overlaps %s", e.Path, describe(e.orig, e.Edit), describe(e.orig, *e.With))
	}
	return fmt.Sprintf("%s: %s: %s", e.Path, describe(e.orig, e.Edit), e.Msg)
}

func describe(orig []byte, e Edit) string {
	place := func(off int32) string {
		if off < 0 || int(off) > len(orig) {
			return fmt.Sprintf("byte %d", off)
		}
		before := orig[:off]
		return fmt.Sprintf("%d:%d", 1+bytes.Count(before, []byte("\n")), int(off)-bytes.LastIndexByte(before, '\n'))
	}
	text := e.New
	if len(text) > 40 {
		text = text[:37] + "..."
	}
	what := fmt.Sprintf("insertion of %q at %s", text, place(e.Off))
	if !e.insertion() {
		what = fmt.Sprintf("replacement of %s to %s by %q", place(e.Off), place(e.End), text)
	}
	if e.By != "" {
		what += " (" + e.By + ")"
	}
	return what
}

// Add enters a group of edits of the file at path, whose bytes are orig. The
// same group given before is not entered again.
func (s *Set) Add(path string, orig []byte, group ...Edit) error {
	f := s.files[path]
	if f == nil {
		f = &File{Path: path, Orig: orig, groups: map[string]bool{}}
		s.files[path] = f
	} else if len(f.Orig) != len(orig) || len(orig) > 0 && &f.Orig[0] != &orig[0] && !bytes.Equal(f.Orig, orig) {
		return fmt.Errorf("%s: edits were made for two different contents of this file", path)
	}
	if len(group) == 0 {
		return nil
	}
	var key strings.Builder
	for _, e := range group {
		if e.Off < 0 || e.End < e.Off || int(e.End) > len(orig) {
			return &Error{Path: path, Edit: e, Msg: fmt.Sprintf("outside the file of %d bytes", len(orig)), orig: orig}
		}
		fmt.Fprintf(&key, "%d,%d,%d,%s;", e.Off, e.End, len(e.New), e.New)
	}
	if f.groups[key.String()] {
		return nil
	}
	f.groups[key.String()] = true
	f.edits = append(f.edits, group...)
	f.sorted = false
	return nil
}

// Files returns the files that have edits, by path.
func (s *Set) Files() []*File {
	var out []*File
	for _, f := range s.files {
		if len(f.edits) > 0 {
			out = append(out, f)
		}
	}
	sort.Slice(out, func(i, j int) bool { return out[i].Path < out[j].Path })
	return out
}

// Without returns the files without the edits that by wants, and those edits, by path and in the order in which they are made.
func (s *Set) Without(by string) (*Set, []Edit, error) {
	out, left := NewSet(), []Edit(nil)
	for _, f := range s.Files() {
		edits, err := f.Edits()
		if err != nil {
			return nil, nil, err
		}
		kept := &File{Path: f.Path, Orig: f.Orig, groups: map[string]bool{}}
		for _, e := range edits {
			if e.By == by {
				left = append(left, e)
			} else {
				kept.edits = append(kept.edits, e)
			}
		}
		out.files[f.Path] = kept
	}
	return out, left, nil
}

// File returns the file at path, nil if nothing was added to it.
func (s *Set) File(path string) *File { return s.files[path] }

// Edits returns the edits in the order in which they are made. The error is the
// first overlap.
func (f *File) Edits() ([]Edit, error) {
	if f.sorted {
		return f.edits, f.err
	}
	sort.SliceStable(f.edits, func(i, j int) bool {
		a, b := &f.edits[i], &f.edits[j]
		if a.Off != b.Off {
			return a.Off < b.Off
		}
		if a.insertion() != b.insertion() {
			return a.insertion()
		}
		return a.Prio < b.Prio
	})
	f.sorted, f.err = true, nil
	for i := 1; i < len(f.edits); i++ {
		if a, b := &f.edits[i-1], &f.edits[i]; a.End > b.Off {
			f.err = &Error{Path: f.Path, Edit: *b, With: a, orig: f.Orig}
			break
		}
	}
	return f.edits, f.err
}

// Apply returns the file with its edits made.
func (f *File) Apply() ([]byte, error) {
	edits, err := f.Edits()
	if err != nil {
		return nil, err
	}
	return apply(f.Orig, 0, len(f.Orig), edits), nil
}

// apply makes edits, which lie in [from, to) of orig.
func apply(orig []byte, from, to int, edits []Edit) []byte {
	n := to - from
	for i := range edits {
		n += len(edits[i].New) - int(edits[i].End-edits[i].Off)
	}
	out := make([]byte, 0, n)
	for i := range edits {
		e := &edits[i]
		out = append(out, orig[from:e.Off]...)
		out = append(out, e.New...)
		from = int(e.End)
	}
	return append(out, orig[from:to]...)
}
