package cpp

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"saz/frontend/source"
)

// maxDepth is how deep includes may nest, as in GCC.
const maxDepth = 200

// A searchDir is one directory of the include path.
type searchDir struct {
	name   string
	system bool
}

// searchPath lays out the directories in the order of the search: -iquote for
// "name" only, then -I, -isystem with the compiler's own, and -idirafter. As
// in GCC a directory that does not exist or was listed before goes away, and
// a -I that is also a system directory counts as the latter.
func (p *pp) searchPath() {
	type dir struct {
		searchDir
		st os.FileInfo
	}
	stat := func(names []string, system bool) []dir {
		var out []dir
		for _, n := range names {
			st, err := os.Stat(inDir(p.cfg.Dir, n))
			if err == nil && st.IsDir() {
				out = append(out, dir{searchDir{n, system}, st})
			}
		}
		return out
	}
	unique := func(list, before []dir) []dir {
		var out []dir
		for _, d := range list {
			same := func(e dir) bool { return os.SameFile(d.st, e.st) }
			if !slices.ContainsFunc(out, same) && !slices.ContainsFunc(before, same) {
				out = append(out, d)
			}
		}
		return out
	}
	system := unique(stat(p.cfg.System, true), nil)
	angle := unique(stat(p.cfg.Angle, false), system)
	after := unique(stat(p.cfg.After, true), slices.Concat(angle, system))
	quote := unique(stat(p.cfg.Quote, false), nil)
	p.angle = len(quote)
	key := p.cfg.Dir
	for _, d := range slices.Concat(quote, angle, system, after) {
		p.search = append(p.search, d.searchDir)
		key += "\x00" + d.name
		if d.system {
			key += "\x00"
		}
	}
	p.list = p.cache.searchList(key)
}

// A found header.
type found struct {
	file   *source.File
	path   string
	index  int // in pp.search, -1 for beside the includer
	system bool
}

// find searches for a header. next starts behind the directory in which the
// file being read was found.
func (p *pp) find(name string, angled, next bool) (found, bool) {
	k := lookKey{list: p.list, name: name}
	switch {
	case filepath.IsAbs(name):
		k.start = -1
	case next && len(p.bufs) > 0:
		k.start = int32(p.buf.index + 1)
		if angled {
			k.start = max(k.start, int32(p.angle))
		}
	case angled:
		k.start = int32(p.angle)
	default:
		k.dir = p.buf.path[:strings.LastIndexByte(p.buf.path, '/')+1]
		k.beside = true
	}
	l := p.cache.lookup(k, p.lookFor)
	if !p.looked[l] {
		p.looked[l] = true
		p.absent(l)
	}
	h := l.found
	if h.index < 0 {
		h.system = p.buf.system
	}
	return h, h.file != nil
}

// absent notes where a search found nothing, each place once.
func (p *pp) absent(l *lookup) {
	for _, path := range l.absent {
		if !p.missing[path] {
			p.missing[path] = true
			p.unit.Absent = append(p.unit.Absent, path)
		}
	}
}

// A lookKey is a search for a header: in which list of directories, from which
// of them on, or in a directory first. Most units of a program search alike.
type lookKey struct {
	list, start int32
	dir, name   string
	beside      bool
}

// A lookup is what came of it.
type lookup struct {
	found           // file nil if there is none; of index -1, system is not known here
	absent []string // where there was none
}

func (p *pp) lookFor(k lookKey) *lookup {
	l := &lookup{}
	try := func(path string, index int, system bool) bool {
		full := inDir(p.cfg.Dir, path)
		f, err := p.files.Open(full)
		if err != nil {
			l.absent = append(l.absent, filepath.Clean(full))
			return false
		}
		l.found = found{f, path, index, system}
		return true
	}
	if k.start < 0 {
		try(k.name, -1, false)
		return l
	}
	if k.beside && try(k.dir+k.name, -1, false) {
		return l
	}
	for i := int(k.start); i < len(p.search); i++ {
		d := &p.search[i]
		path := d.name + "/" + k.name
		if strings.HasSuffix(d.name, "/") {
			path = d.name + k.name
		}
		if try(path, i, d.system) {
			break
		}
	}
	return l
}

// include carries out #include, #include_next and #import: kind says which,
// ok whether there was a header name.
func (p *pp) include(kind dirKind, at *tok, name string, angled, ok bool) {
	if !ok {
		p.errorf("include-syntax", at.pos(), `#%s expects "FILENAME" or <FILENAME>`, kind)
		return
	}
	if name == "" {
		p.errorf("include-syntax", at.pos(), "empty filename in #%s", kind)
		return
	}
	if len(p.bufs) >= maxDepth {
		p.charge(1 << 23) // a file that includes itself twice comes here again and again
		p.errorf("include-depth", at.pos(), "#include nested depth %d exceeds maximum of %d", len(p.bufs), maxDepth)
		return
	}
	h, ok := p.find(name, angled, kind == dIncludeNext)
	if !ok {
		p.report(source.Error, "include-not-found", at.pos(), name+": no such file in the include path",
			"add its directory with -I, or build the program so that the header is generated")
		return
	}
	p.open(h, kind == dImport)
}

// open starts reading a header, unless that is known to yield nothing.
func (p *pp) open(h found, import_ bool) {
	lx := p.cache.file(h.file, p.mode)
	if lx.guard != 0 && p.defined(lx.guard) && p.entered[h.file.ID] {
		return
	}
	if import_ || len(p.once) > 0 {
		if p.seenOnce(h.file, import_) {
			return
		}
	}
	if import_ {
		p.addOnce(h.file)
	}
	p.enterBuffer(&buffer{lx: lx, file: h.file, path: h.path, name: h.path, index: h.index, system: h.system})
}

// A onceFile is a file that is not to be read again (#pragma once, #import).
type onceFile struct {
	file *source.File
	mod  time.Time
}

func (p *pp) addOnce(f *source.File) {
	o := onceFile{file: f}
	if st, err := os.Stat(f.Path); err == nil {
		o.mod = st.ModTime()
	}
	p.once = append(p.once, o)
}

// seenOnce reports whether f is, or by time and contents seems to be, a file
// that is not to be read again. #import also minds files read in any way.
func (p *pp) seenOnce(f *source.File, import_ bool) bool {
	if import_ && p.entered[f.ID] {
		return true
	}
	for _, o := range p.once {
		if o.file == f {
			return true
		}
		if len(o.file.Data) == len(f.Data) && bytes.Equal(o.file.Data, f.Data) {
			if st, err := os.Stat(f.Path); err == nil && st.ModTime().Equal(o.mod) {
				return true
			}
		}
	}
	return false
}

// commandInclude enters a -include or -imacros file: it is looked for in the
// working directory, then as #include "name" is.
func (p *pp) commandInclude(name string) {
	p.buf = &buffer{lx: &lexed{}, path: "./", name: "<command-line>", index: -1}
	h, ok := p.find(name, false, false)
	if !ok {
		p.buf = nil
		p.report(source.Error, "include-not-found", source.Pos{}, name+": no such file (named by -include or -imacros)", "")
		return
	}
	p.open(h, false)
}

// headerFrom makes a header name of t and, if that is <, of what follows.
func (p *pp) headerFrom(t *tok) (name string, angled, ok bool) {
	switch {
	case t.kind == kHeader:
		return t.text[1 : len(t.text)-1], true, true
	case t.kind == String && t.text[0] == '"':
		return t.text[1 : len(t.text)-1], false, true
	case t.is(opLt):
		var b strings.Builder
		for {
			t := p.getReal()
			if t.kind == kEOF {
				return "", true, false
			}
			if t.is(opGt) {
				return b.String(), true, true
			}
			if t.flags&fWhite != 0 && b.Len() > 0 {
				b.WriteByte(' ')
			}
			b.WriteString(t.text)
		}
	}
	return "", false, false
}

// hasInclude answers __has_include and __has_include_next, whose name is t.
func (p *pp) hasInclude(t *tok, next bool) int {
	if !p.inDirective {
		p.errorf("directive-syntax", p.where(t), "%q used outside of preprocessing directive", t.text)
		return 0
	}
	u := p.getReal()
	paren := u.is(opLParen)
	if paren {
		u = p.getReal()
	}
	name, angled, ok := p.headerFrom(u)
	if !ok {
		p.errorf("directive-syntax", p.where(t), "operator %q requires a header-name", t.text)
		return 0
	}
	if paren {
		if u := p.getReal(); !u.is(opRParen) {
			p.errorf("directive-syntax", p.where(t), "missing ')' after %q operand", t.text)
		}
	}
	if _, ok := p.find(name, angled, next); ok {
		return 1
	}
	return 0
}

// hasFeature answers __has_attribute and its like, whose name is t.
func (p *pp) hasFeature(t *tok) int {
	kind, where := t.text, p.where(t)
	if u := p.getReal(); !u.is(opLParen) {
		if u != &eofTok {
			p.unget()
		}
		p.errorf("directive-syntax", where, "missing '(' after %q", kind)
		return 0
	}
	var arg strings.Builder
	for depth := 1; ; {
		u := p.getReal()
		if u.kind == kEOF {
			p.errorf("directive-syntax", where, "missing ')' after %q", kind)
			return 0
		}
		if u.is(opLParen) {
			depth++
		} else if u.is(opRParen) {
			if depth--; depth == 0 {
				break
			}
		}
		arg.WriteString(u.text)
	}
	if p.cfg.Builtins == nil {
		return 0
	}
	return p.cfg.Builtins(kind, arg.String())
}
