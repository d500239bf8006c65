package report

import (
	"path/filepath"
	"slices"
	"strings"

	"saz/frontend/source"
	"saz/ir"
	"saz/passes"
)

// Sources gives renderers the text of the files that a report names.
type Sources struct {
	// Root is the directory above all of the project's files: what relative paths of
	// documents that travel (SARIF, HTML) are relative to.
	Root string

	dir string // what names in the report are relative to
	set *source.Set
	own map[string]bool
}

func newSources(p *ir.Program, dir string, own map[source.FileID]bool) *Sources {
	s := &Sources{dir: dir, set: p.Files, own: map[string]bool{}}
	below := true
	for id := range own {
		path := p.Files.File(id).Path
		s.own[path] = true
		below = below && strings.HasPrefix(path, dir+"/")
		d := filepath.Dir(path)
		if s.Root == "" {
			s.Root = d
		}
		for s.Root != "/" && d != s.Root && !strings.HasPrefix(d, s.Root+"/") {
			s.Root = filepath.Dir(s.Root)
		}
	}
	if below && dir != "" {
		s.Root = dir
	}
	return s
}

// Abs is where a file that the report names stands.
func (s *Sources) Abs(file string) string {
	if filepath.IsAbs(file) || s.dir == "" {
		return file
	}
	return filepath.Join(s.dir, file)
}

// Line returns line n (from 1) of a file that the report names, nil if it is not there.
func (s *Sources) Line(file string, n int) []byte {
	f := s.file(file)
	if f == nil {
		return nil
	}
	return f.Line(n)
}

// Text returns the bytes of a file that the report names, nil if it is not there.
func (s *Sources) Text(file string) []byte {
	f := s.file(file)
	if f == nil {
		return nil
	}
	return f.Data
}

func (s *Sources) file(file string) *source.File {
	if s == nil || file == "" {
		return nil
	}
	f, err := s.set.Open(s.Abs(file))
	if err != nil {
		return nil
	}
	return f
}

// Own reports whether a file belongs to the project (the others are the system's).
func (s *Sources) Own(file string) bool { return s != nil && s.own[s.Abs(file)] }

// Name is file relative to Root where it lies below it.
func (s *Sources) Name(file string) string {
	if s == nil {
		return file
	}
	return passes.Short(s.Root, s.Abs(file))
}

// Files are the project's files, as the report names them, sorted.
func (s *Sources) Files() []string {
	if s == nil {
		return nil
	}
	out := make([]string, 0, len(s.own))
	for f := range s.own {
		out = append(out, passes.Short(s.dir, f))
	}
	slices.Sort(out)
	return out
}
