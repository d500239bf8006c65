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

// A buffer is a file being read.
type buffer struct {
	lx   *lexed
	file *source.File // nil for the predefined macros and the command line
	pos  int          // next token
	dir  int          // next directive
	line int          // the # of the directive being read
	last int          // end of that directive

	path      string // as gcc would name it, from which quoted includes start
	name      string // __FILE__: path, unless #line said otherwise
	lineDelta int    // what #line added to the line numbers
	index     int    // where in the search path it was found, -1 for beside its includer
	system    bool
	groups    []group
}

// A group is an open #if.
type group struct {
	dir   int  // index of the #if
	taken bool // one of its parts has been read
	other bool // #else seen
}

// An expansion is the outermost invocation being expanded.
type expansion struct {
	pos   source.Pos
	end   int32
	first int // index of the first token it yielded
}

// pp is the state of one translation unit.
type pp struct {
	cfg      *Config
	cache    *Cache
	files    *source.Set
	sink     *source.Sink
	unit     *Unit
	mode     mode
	strict   bool // ISO mode: , ## of an empty only argument stays
	charUns  bool // plain char is unsigned
	clang    bool
	mainName string
	now      time.Time

	slots   []slot
	saved   map[int32][]*macro // #pragma push_macro
	once    []onceFile
	search  []searchDir
	list    int32 // the Cache's number of search
	angle   int   // index in search of the first directory for <>
	entered map[source.FileID]bool
	looked  map[*lookup]bool
	missing map[string]bool // Unit.Absent
	counter int

	buf  *buffer
	bufs []*buffer // the includers of buf
	ctx  []rescan

	arena   arena
	scratch []tok
	bytes   []byte
	margs   [][]marg
	depth   int

	prevent     int // > 0: macros are read, not expanded
	parsing     int // 1: looking for a '(', 2: reading arguments
	noPragma    int // > 0: _Pragma is left for the rescan
	inDirective bool
	steps       int // left of Config.Limit

	exp    expansion
	topFun bool // the outermost macro is function-like

	bol    bool // a line began since the last token
	pad    int32
	padded bool
}

// Preprocess runs translation phases 1 to 4 on the file main. Problems go to
// sink; an error means that main itself could not be read.
func Preprocess(cfg *Config, files *source.Set, main string, sink *source.Sink) (*Unit, error) {
	f, err := files.Open(inDir(cfg.Dir, main))
	if err != nil {
		return nil, err
	}
	cache := cfg.Cache
	if cache == nil {
		cache = NewCache()
	}
	if sink == nil {
		sink = new(source.Sink)
	}
	p := &pp{
		cfg: cfg, cache: cache, files: files, sink: sink,
		mode:     modeOf(cfg.Predef),
		strict:   bytes.Contains(cfg.Predef, []byte("#define __STRICT_ANSI__ ")),
		charUns:  bytes.Contains(cfg.Predef, []byte("#define __CHAR_UNSIGNED__ ")),
		mainName: main,
		saved:    map[int32][]*macro{},
		entered:  map[source.FileID]bool{},
		looked:   map[*lookup]bool{},
		missing:  map[string]bool{},
		unit:     &Unit{Main: f, Chains: make([]Chain, 1), System: map[source.FileID]bool{}},
	}
	if p.steps = cfg.Limit; p.steps == 0 {
		p.steps = DefaultLimit
	}
	p.searchPath()
	p.builtins()
	p.runText(cfg.Predef)
	p.runText(commandLine(cfg.Defines))
	p.entered[f.ID] = true
	p.unit.Includes = append(p.unit.Includes, f)
	list, _ := cache.lists.Get().(*[]Token)
	if list == nil {
		list = new([]Token)
	}
	p.unit.Tokens = (*list)[:0]
	p.all(main, f)
	*list = p.unit.Tokens
	p.unit.list = list
	p.unit.Reread = reread(p.unit.Tokens)
	cache.drop(f, p.mode)
	return p.unit, nil
}

// all reads the unit: the files that the command line names, then main.
func (p *pp) all(main string, f *source.File) {
	defer func() {
		switch r := recover().(type) {
		case nil:
		case tooMuch:
			p.sink.Add(source.Diagnostic{ID: "expansion-limit", Severity: source.Error, Pos: p.exp.pos,
				Msg:  "macros and included files of this unit have no end in sight; the rest of it is not read",
				Hint: "look for a macro that doubles with each level, or a file that includes itself"})
		default:
			panic(r)
		}
	}()
	main0 := &buffer{lx: p.cache.file(f, p.mode), file: f, path: main, name: main, index: -1}
	for _, name := range p.cfg.Imacros {
		p.commandInclude(name)
		n := len(p.unit.Tokens)
		p.prevent++ // its text is dropped, and must not move __COUNTER__
		p.run()
		p.prevent--
		p.unit.Tokens = p.unit.Tokens[:n]
	}
	for _, name := range p.cfg.Includes {
		p.commandInclude(name)
		p.run()
	}
	p.enterBuffer(main0)
	p.run()
}

// tooMuch unwinds the preprocessor when the unit has used up its steps.
type tooMuch struct{}

func (p *pp) step() {
	if p.steps--; p.steps < 0 {
		panic(tooMuch{})
	}
}

// charge counts the making of a token of n bytes: # and ## can double them.
func (p *pp) charge(n int) {
	if p.steps -= n / 8; n > 1<<24 {
		p.steps = -1
	}
}

// Release gives the memory of u's tokens to the next unit that is preprocessed
// with cache. They must not be used after it.
func (u *Unit) Release(cache *Cache) {
	if u.list != nil && cache != nil {
		cache.lists.Put(u.list)
	}
	u.list, u.Tokens = nil, nil
}

// reread finds the files that stand in the unit more than once: lists of
// X(...), templates by macros. The tokens of one reading come in order.
func reread(toks []Token) []source.FileID {
	var out []source.FileID
	last := map[source.FileID]int32{}
	var file source.FileID
	off := int32(-1)
	for i := range toks {
		at := toks[i].Exp
		if at.File != file {
			last[file] = off
			file, off = at.File, -1
			if o, ok := last[file]; ok {
				off = o
			}
		}
		if at.Off < off && !slices.Contains(out, file) {
			out = append(out, file)
		}
		off = at.Off
	}
	return out
}

func inDir(dir, name string) string {
	if dir == "" || filepath.IsAbs(name) {
		return name
	}
	return filepath.Join(dir, name)
}

// commandLine writes -D and -U as directives.
func commandLine(defs []Define) []byte {
	var b []byte
	for _, d := range defs {
		text, _, _ := strings.Cut(d.Text, "\n")
		if d.Undef {
			b = append(append(append(b, "#undef "...), text...), '\n')
			continue
		}
		name, value, ok := strings.Cut(text, "=")
		if !ok {
			value = "1"
		}
		b = append(append(append(append(append(b, "#define "...), name...), ' '), value...), '\n')
	}
	return b
}

// builtins defines the computed macros. Which of the __has family exist tells
// compilers apart, so that follows the compiler that is imitated.
func (p *pp) builtins() {
	def := func(name string, b builtin) {
		p.slot(p.cache.intern(name)).m = &macro{name: name, builtin: b}
	}
	def("__LINE__", bLine)
	def("__FILE__", bFile)
	def("__FILE_NAME__", bFileName)
	def("__BASE_FILE__", bBaseFile)
	def("__DATE__", bDate)
	def("__TIME__", bTime)
	def("__TIMESTAMP__", bTimestamp)
	def("__COUNTER__", bCounter)
	def("__INCLUDE_LEVEL__", bIncludeLevel)
	def("_Pragma", bPragma)
	def("__has_include", bHasInclude)
	def("__has_include_next", bHasIncludeNext)
	gnuc := predefInt(p.cfg.Predef, "__GNUC__")
	clang := predefInt(p.cfg.Predef, "__clang_major__") > 0
	p.clang = clang
	has := func(name string, since int) {
		if clang || gnuc >= since {
			def(name, bHas)
		}
	}
	has("__has_attribute", 5)
	if !clang {
		has("__has_cpp_attribute", 5)
	}
	has("__has_builtin", 10)
	has("__has_c_attribute", 11)
	has("__has_feature", 14)
	has("__has_extension", 14)
	if clang {
		for _, n := range []string{"__has_declspec_attribute", "__has_warning", "__is_identifier", "__has_constexpr_builtin"} {
			def(n, bHas)
		}
	}
	if gnuc > 0 && gnuc < 12 && !clang {
		p.slot(p.cache.intern("__FILE_NAME__")).m = nil
	}
}

// predefInt is the integer that a predefined macro stands for, 0 for none.
func predefInt(predef []byte, name string) int {
	key := []byte("#define " + name + " ")
	i := bytes.Index(predef, key)
	if i < 0 {
		return 0
	}
	n := 0
	for _, c := range predef[i+len(key):] {
		if c < '0' || c > '9' {
			break
		}
		n = n*10 + int(c-'0')
	}
	return n
}

// runText carries out the directives of a text that is in no file.
func (p *pp) runText(b []byte) {
	if len(b) == 0 {
		return
	}
	p.enterBuffer(&buffer{lx: p.cache.text(b, p.mode), path: "<built-in>", name: "<built-in>", index: -1, system: true})
	p.run()
}

func (p *pp) enterBuffer(b *buffer) {
	if p.buf != nil {
		p.bufs = append(p.bufs, p.buf)
	}
	p.buf = b
	if b.file != nil {
		if b.system {
			p.unit.System[b.file.ID] = true
		}
		if !p.entered[b.file.ID] {
			p.entered[b.file.ID] = true
			p.unit.Includes = append(p.unit.Includes, b.file)
		}
		if b.lx.open >= 0 {
			p.errorf("unterminated", source.Pos{File: b.file.ID, Off: b.lx.open}, "unterminated comment or raw string")
		}
	}
}

func (p *pp) leaveBuffer() {
	b := p.buf
	for _, g := range b.groups {
		t := &b.lx.toks[b.lx.dirs[g.dir].first]
		p.errorf("unterminated-if", t.pos(), "unterminated #%s", b.lx.dirs[g.dir].kind)
	}
	p.buf = nil
	if n := len(p.bufs); n > 0 {
		p.buf = p.bufs[n-1]
		p.bufs = p.bufs[:n-1]
	}
}

// lex returns the next token of the file being read, carrying out directives
// on the way. In a directive and while a macro's arguments are being read it
// stops at the end of the line or file.
func (p *pp) lex() *tok {
	for {
		b := p.buf
		if b == nil {
			return &eofTok
		}
		if p.inDirective {
			if b.pos >= b.last {
				return &eofTok
			}
			t := &b.lx.toks[b.pos]
			b.pos++
			return t
		}
		if b.pos == len(b.lx.toks) {
			if p.parsing != 0 {
				return &eofTok
			}
			p.leaveBuffer()
			continue
		}
		t := &b.lx.toks[b.pos]
		if t.flags&fBOL != 0 {
			p.bol = true
			if t.is(opHash) && p.parsing != 1 {
				p.directive()
				continue
			}
			if p.parsing == 2 && t.flags&fWhite == 0 { // the newline counts
				t = p.arena.one(t)
				t.flags |= fWhite
			}
		}
		b.pos++
		return t
	}
}

// run reads tokens into the unit until all files have been read.
func (p *pp) run() {
	for p.buf != nil {
		if len(p.ctx) == 0 {
			p.arena.reset()
		}
		t := p.get()
		switch t.kind {
		case kPad:
			if p.padded {
				p.pad = joinPad(p.pad, t.sym)
			} else {
				p.pad, p.padded = t.sym, true
			}
		case kEOF:
		default:
			p.emit(t)
		}
	}
	p.pad, p.padded = padNone, false
}

func (p *pp) emit(t *tok) {
	if len(p.unit.Tokens) >= maxTokens {
		panic(tooMuch{})
	}
	toks := append(p.unit.Tokens, Token{})
	p.unit.Tokens = toks
	o := &toks[len(toks)-1]
	o.Text, o.Kind, o.Chain = t.text, t.kind, t.chain
	if t.kind == kHeader {
		o.Kind = Other
	}
	o.Space = t.flags&fWhite != 0
	if t.file != 0 {
		o.Spell = t.pos()
	}
	if t.chain == 0 {
		o.Exp, o.ExpEnd = o.Spell, t.end
		o.Line = t.flags&fBOL != 0
	} else {
		o.Exp, o.ExpEnd = p.exp.pos, p.exp.end
		o.Line = p.bol
	}
	p.bol = false
	if p.padded {
		if p.pad != padNone {
			o.Space = p.pad == padWhite
		}
		if !o.Space && len(toks) > 1 {
			o.Space = mightJoin(toks[len(toks)-2].Text, t.text)
		}
		p.pad, p.padded = padNone, false
	}
	if t.kind == Other && len(t.text) > 1 && t.file != 0 {
		if i := strings.IndexAny(t.text, `'"`); i >= 0 && i <= 2 {
			p.warnf("unterminated", t.pos(), "missing terminating %c character", t.text[i])
		}
	}
}

// mightJoin reports whether two tokens written without a space could be read
// as something else. It errs on the side of a space.
func mightJoin(a, b string) bool {
	if a == "" || b == "" {
		return false
	}
	x, y := a[len(a)-1], b[0]
	const ops = "+-*/%&|^<>=!:.#"
	switch {
	case class[x]&cIdent != 0 || x >= 0x80:
		return class[y]&cIdent != 0 || y >= 0x80 || y == '\\' || y == '"' || y == '\'' ||
			(class[a[0]]&cDigit != 0 || a[0] == '.') && (y == '.' || y == '+' || y == '-')
	case x == '.':
		return y == '.' || class[y]&cDigit != 0
	case x == '\\':
		return true
	}
	return strings.IndexByte(ops, x) >= 0 && strings.IndexByte(ops, y) >= 0
}

func (p *pp) report(sev source.Severity, id string, pos source.Pos, msg, hint string) {
	d := source.Diagnostic{ID: id, Severity: sev, Pos: pos, Msg: msg, Hint: hint}
	for i := len(p.bufs) - 1; i >= 0; i-- {
		b := p.bufs[i]
		if b.file == nil || b.line >= len(b.lx.toks) {
			continue
		}
		d.Notes = append(d.Notes, source.Note{Pos: b.lx.toks[b.line].pos(), Msg: "included from here"})
	}
	p.sink.Add(d)
}

// linePos is where a diagnostic about the directive as a whole goes.
func (p *pp) linePos() source.Pos { return p.buf.lx.toks[p.buf.line].pos() }

func (p *pp) clock() time.Time {
	if p.now.IsZero() {
		p.now = p.cfg.Now
		if p.now.IsZero() {
			p.now = time.Now()
		}
	}
	return p.now
}

func (p *pp) date(clock bool) string {
	if clock {
		return p.clock().Format(`"15:04:05"`)
	}
	return p.clock().Format(`"Jan _2 2006"`)
}

// timestamp is when the file being read was last changed.
func (p *pp) timestamp() string {
	if p.buf.file != nil {
		if st, err := os.Stat(p.buf.file.Path); err == nil {
			return st.ModTime().Format(`"Mon Jan _2 15:04:05 2006"`)
		}
	}
	return `"??? ??? ?? ??:??:?? ????"`
}

// define gives sym the definition m, nil for none.
func (p *pp) define(sym int32, m *macro) {
	*p.slot(sym) = slot{m: m}
}

// pushMacro and popMacro are #pragma push_macro and pop_macro.
func (p *pp) pushMacro(sym int32) {
	p.saved[sym] = append(p.saved[sym], p.slot(sym).m)
}

func (p *pp) popMacro(sym int32) {
	if l := p.saved[sym]; len(l) > 0 {
		p.define(sym, l[len(l)-1])
		p.saved[sym] = slices.Delete(l, len(l)-1, len(l))
	}
}
