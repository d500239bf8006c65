package cpp

import (
	"bytes"
	"sort"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"unicode/utf8"

	"saz/frontend/source"
)

// Kinds that only exist before the end of preprocessing. They continue Kind,
// so that an ordinary token's kind needs no translation.
const (
	kEOF    Kind = iota + 32 // end of file, directive line or macro argument
	kPad                     // white space that an expansion leaves behind
	kArg                     // a parameter in a macro body
	kHeader                  // <name> of an #include
)

// Flags of a tok.
const (
	fWhite     uint8 = 1 << iota // white space before it
	fBOL                         // first on its line
	fNoExpand                    // painted blue: never a macro name again
	fPaste                       // left operand of ##
	fStringify                   // parameter (or __VA_OPT__) after #
	fFile                        // read from a file, not yet substituted
)

// A tok is a token while it is being preprocessed. It is a value: contexts and
// arguments hold copies, so that marking one never changes another.
type tok struct {
	text  string
	sym   int32 // identifiers: symbol; punctuators: op*; kPad: pad*
	file  source.FileID
	off   int32 // byte range of the spelling in file, file 0 for none
	end   int32
	chain int32
	root  int32 // not fFile: offset of the macro name whose line counts for __LINE__
	kind  Kind
	flags uint8
	arg   uint16 // kArg: number of the parameter, from 0
}

func (t *tok) is(op int32) bool { return t.kind == Punct && t.sym == op }

func (t *tok) pos() source.Pos { return source.Pos{File: t.file, Off: t.off} }

// Punctuators that the preprocessor must tell apart.
const (
	opOther int32 = iota
	opHash
	opPaste
	opLParen
	opRParen
	opComma
	opEllipsis
	opPlus
	opMinus
	opMul
	opDiv
	opMod
	opShl
	opShr
	opLt
	opGt
	opLe
	opGe
	opEq
	opNe
	opAnd
	opXor
	opOr
	opLAnd
	opLOr
	opNot
	opCompl
	opQuery
	opColon
	opScope
)

// mode is what the language standard changes in the lexer.
type mode uint8

const (
	mTrigraphs  mode = 1 << iota // ISO modes
	mNoLineCom                   // ISO C90: // is no comment
	mNoUniLit                    // before C99: no u"" U"" u8""
	mRaw                         // GNU C99 and later: R"x(...)x"
	mUTF8Char                    // C23: u8'x'
	mDigitSep                    // C23: 1'000
	mNoHexFloat                  // ISO C90: 0x1p+1 is three tokens
	mScope                       // GNU modes and C23: :: is one token, #elifdef
)

// modeOf reads the language standard off the predefined macros.
func modeOf(predef []byte) mode {
	var m mode
	strict := bytes.Contains(predef, []byte("#define __STRICT_ANSI__ "))
	version := 0
	const key = "#define __STDC_VERSION__ "
	if i := bytes.Index(predef, []byte(key)); i >= 0 {
		for _, c := range predef[i+len(key):] {
			if c < '0' || c > '9' {
				break
			}
			version = version*10 + int(c-'0')
		}
	}
	c23 := version > 201710
	if strict && !c23 {
		m |= mTrigraphs
	}
	if strict && version < 199901 && version != 0 || strict && version == 0 {
		m |= mNoLineCom | mNoHexFloat
	}
	if version < 201112 && (strict || version < 199901) {
		m |= mNoUniLit
	}
	if !strict && version >= 199901 {
		m |= mRaw
	}
	if c23 {
		m |= mUTF8Char | mDigitSep
	}
	if !strict || c23 {
		m |= mScope
	}
	return m
}

// A Cache holds what translation units of one source.Set can share: the
// symbol table, the tokens of every file, and the macro definitions read from
// them. Its contents refer to the Set's file numbers, so a Cache belongs to
// one Set. It may be used by several goroutines.
type Cache struct {
	mu     sync.RWMutex
	syms   map[string]int32
	files  sync.Map  // fileKey → *cached
	pseudo sync.Map  // string with mode in front → *cached
	lists  sync.Pool // *[]Token: to collect a unit's tokens before their number is known

	lookMu sync.RWMutex
	search map[string]int32 // lists of directories to their number
	looks  map[lookKey]*lookup
}

// searchList numbers a list of directories.
func (c *Cache) searchList(key string) int32 {
	c.lookMu.Lock()
	defer c.lookMu.Unlock()
	n, ok := c.search[key]
	if !ok {
		n = int32(len(c.search))
		c.search[key] = n
	}
	return n
}

// lookup returns what comes of a search, which f makes the first time.
func (c *Cache) lookup(k lookKey, f func(lookKey) *lookup) *lookup {
	c.lookMu.RLock()
	l := c.looks[k]
	c.lookMu.RUnlock()
	if l != nil {
		return l
	}
	l = f(k)
	c.lookMu.Lock()
	defer c.lookMu.Unlock()
	if old := c.looks[k]; old != nil {
		return old
	}
	c.looks[k] = l
	return l
}

type fileKey struct {
	id source.FileID
	m  mode
}

type cached struct {
	once sync.Once
	lx   *lexed
}

// NewCache returns an empty Cache.
func NewCache() *Cache {
	c := &Cache{syms: make(map[string]int32, 1<<14), search: map[string]int32{}, looks: map[lookKey]*lookup{}}
	for i, s := range wellKnown {
		c.syms[s] = int32(i + 1)
	}
	return c
}

// intern returns the dense number of an identifier, from 1.
func (c *Cache) intern(s string) int32 {
	c.mu.RLock()
	n, ok := c.syms[s]
	c.mu.RUnlock()
	if ok {
		return n
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if n, ok := c.syms[s]; ok {
		return n
	}
	n = int32(len(c.syms) + 1)
	c.syms[s] = n
	return n
}

func (c *Cache) size() int {
	c.mu.RLock()
	defer c.mu.RUnlock()
	return len(c.syms)
}

// file returns the tokens of f.
func (c *Cache) file(f *source.File, m mode) *lexed {
	e, ok := c.files.Load(fileKey{f.ID, m})
	if !ok {
		e, _ = c.files.LoadOrStore(fileKey{f.ID, m}, new(cached))
	}
	d := e.(*cached)
	d.once.Do(func() { d.lx = c.lex(f.Data, f.ID, m) })
	return d.lx
}

// drop forgets the tokens of f: a source is rarely read by another unit.
func (c *Cache) drop(f *source.File, m mode) { c.files.Delete(fileKey{f.ID, m}) }

// text returns the tokens of a text that is in no file: the predefined macros,
// the command line's.
func (c *Cache) text(b []byte, m mode) *lexed {
	key := string(rune(m)) + string(b)
	e, ok := c.pseudo.Load(key)
	if !ok {
		e, _ = c.pseudo.LoadOrStore(key, new(cached))
	}
	d := e.(*cached)
	d.once.Do(func() { d.lx = c.lex(b, 0, m) })
	return d.lx
}

// A lexed file is immutable but for the macro definitions remembered in dirs.
type lexed struct {
	toks  []tok
	dirs  []dirLine
	guard int32 // symbol whose definition makes the file empty, 0 for none
	open  int32 // offset of an unterminated comment or raw string, or -1
}

// A dirLine is one directive: a line whose first token is #.
type dirLine struct {
	first, last int32 // its tokens, from # to before the next line
	link        int32 // conditionals: index of the next #elif/#else/#endif of the group, or -1
	kind        dirKind
	macro       atomic.Pointer[macro] // #define: the definition, once read
}

// clean removes line splices (and replaces trigraphs) and says where it did:
// at byte at of the result, delta bytes had gone.
type splice struct{ at, delta int32 }

func clean(s string, trigraphs bool) (string, []splice) {
	if !strings.Contains(s, "\\") && !(trigraphs && strings.Contains(s, "??")) {
		return s, nil
	}
	var out []byte
	var sp []splice
	from := 0
	var delta int32
	for i := 0; i < len(s); {
		if trigraphs && s[i] == '?' && i+2 < len(s) && s[i+1] == '?' {
			if j := strings.IndexByte("=/'()!<>-", s[i+2]); j >= 0 {
				c := "#\\^[]|{}~"[j]
				if n := spliceLen(s, i+3); c == '\\' && n > 0 {
					out = append(out, s[from:i]...)
					i += 3 + n
					delta += int32(3 + n)
					sp = append(sp, splice{int32(len(out)), delta})
				} else {
					out = append(append(out, s[from:i]...), c)
					i += 3
					delta += 2
					sp = append(sp, splice{int32(len(out)), delta})
				}
				from = i
				continue
			}
		}
		if s[i] == '\\' {
			if n := spliceLen(s, i+1); n > 0 {
				out = append(out, s[from:i]...)
				i += 1 + n
				from = i
				delta += int32(1 + n)
				sp = append(sp, splice{int32(len(out)), delta})
				continue
			}
		}
		if trigraphs {
			i++
		} else if j := strings.IndexByte(s[i+1:], '\\'); j >= 0 {
			i += 1 + j
		} else {
			break
		}
	}
	if sp == nil {
		return s, nil
	}
	return string(append(out, s[from:]...)), sp
}

// spliceLen returns the length of optional white space and a newline at i.
func spliceLen(s string, i int) int {
	j := i
	for j < len(s) && (s[j] == ' ' || s[j] == '\t' || s[j] == '\r' || s[j] == '\f' || s[j] == '\v') {
		j++
	}
	if j < len(s) && s[j] == '\n' {
		return j + 1 - i
	}
	return 0
}

// posMap turns offsets in the cleaned text into offsets in the file. It is
// asked in ascending order, so each answer starts from the last.
type posMap struct {
	sp []splice
	n  int
}

func (m *posMap) orig(p int) int32 {
	for m.n < len(m.sp) && int(m.sp[m.n].at) <= p {
		m.n++
	}
	for m.n > 0 && int(m.sp[m.n-1].at) > p {
		m.n--
	}
	if m.n == 0 {
		return int32(p)
	}
	return int32(p) + m.sp[m.n-1].delta
}

// back turns a file offset into one in the cleaned text.
func (m *posMap) back(o int) int {
	i := sort.Search(len(m.sp), func(i int) bool { return int(m.sp[i].at+m.sp[i].delta) > o })
	if i == 0 {
		return o
	}
	return o - int(m.sp[i-1].delta)
}

// lex turns a file into tokens. It never fails: what is no token in C becomes
// an Other, and only matters where it is not skipped.
func (c *Cache) lex(data []byte, id source.FileID, m mode) *lexed {
	raw := string(data)
	s, sp := clean(raw, m&mTrigraphs != 0)
	pm := posMap{sp: sp}
	lx := &lexed{open: -1, toks: make([]tok, 0, len(s)/5+8)}
	local := make(map[string]int32, 256)
	i := 0
	if strings.HasPrefix(s, "\xef\xbb\xbf") {
		i = 3
	}
	flags := fBOL | fFile
	dir := -1         // index in lx.dirs of the directive being read
	headers := false  // < starts a header name
	condLine := false // in #if or #elif
	for i < len(s) {
		switch ch := s[i]; {
		case ch == '\n':
			i++
			flags = fBOL | fFile
			if dir >= 0 {
				lx.dirs[dir].last = int32(len(lx.toks))
				dir, headers, condLine = -1, false, false
			}
			continue
		case ch == ' ' || ch == '\t' || ch == '\r' || ch == '\f' || ch == '\v' || ch == 0:
			i++
			flags |= fWhite
			continue
		case ch == '/' && i+1 < len(s) && s[i+1] == '*':
			end := strings.Index(s[i+2:], "*/")
			if end < 0 {
				lx.open = pm.orig(i)
				i = len(s)
			} else {
				i += end + 4
			}
			flags |= fWhite
			continue
		case ch == '/' && i+1 < len(s) && s[i+1] == '/' && m&mNoLineCom == 0:
			if end := strings.IndexByte(s[i:], '\n'); end < 0 {
				i = len(s)
			} else {
				i += end
			}
			flags |= fWhite
			continue
		}
		t := tok{file: id, flags: flags, off: pm.orig(i)}
		var end int
		if headers && s[i] == '<' {
			if n := strings.IndexAny(s[i:], ">\n"); n > 0 && s[i+n] == '>' {
				end = i + n + 1
				t.kind = kHeader
			}
		}
		if end == 0 {
			t.kind, t.sym, end = scan(s, i, m)
			if t.kind == String && end < 0 { // a raw string: splices in it don't count
				n := rawEnd(raw[t.off:])
				if n < 0 {
					lx.open = t.off
					n = len(raw) - int(t.off)
				}
				t.text = raw[t.off : int(t.off)+n]
				end = pm.back(int(t.off) + n)
			}
		}
		if t.text == "" {
			t.text = s[i:end]
		}
		if id != 0 {
			t.end = pm.orig(end-1) + 1
		} else {
			t.off = 0
		}
		headers = false
		switch t.kind {
		case Ident:
			t.text = canonical(t.text)
			n, ok := local[t.text]
			if !ok {
				n = c.intern(t.text)
				local[t.text] = n
			}
			t.sym = n
			headers = condLine && (n == symHasInclude || n == symHasIncludeNext)
		case Punct:
			headers = condLine && t.sym == opLParen && len(lx.toks) > 0 &&
				(lx.toks[len(lx.toks)-1].sym == symHasInclude || lx.toks[len(lx.toks)-1].sym == symHasIncludeNext) &&
				lx.toks[len(lx.toks)-1].kind == Ident
			if t.sym == opHash && flags&fBOL != 0 {
				dir = len(lx.dirs)
				lx.dirs = append(lx.dirs, dirLine{first: int32(len(lx.toks)), link: -1})
			}
		}
		if dir >= 0 && len(lx.toks) == int(lx.dirs[dir].first)+1 {
			k := dirKindOf(&t, m)
			lx.dirs[dir].kind = k
			headers = k == dInclude || k == dIncludeNext || k == dImport
			condLine = k == dIf || k == dElif
		}
		lx.toks = append(lx.toks, t)
		i = end
		flags = fFile
	}
	if dir >= 0 {
		lx.dirs[dir].last = int32(len(lx.toks))
	}
	lx.linkConditionals()
	lx.findGuard()
	return lx
}

// linkConditionals joins the directives of each #if group.
func (lx *lexed) linkConditionals() {
	var open []int32
	for i := range lx.dirs {
		switch lx.dirs[i].kind {
		case dIf, dIfdef, dIfndef:
			open = append(open, int32(i))
		case dElif, dElifdef, dElifndef, dElse, dEndif:
			if n := len(open); n > 0 {
				lx.dirs[open[n-1]].link = int32(i)
				if lx.dirs[i].kind == dEndif {
					open = open[:n-1]
				} else {
					open[n-1] = int32(i)
				}
			}
		}
	}
}

// findGuard recognises a file that is one #ifndef X (or #if !defined X) group
// without #else: it need not be entered again while X is defined.
func (lx *lexed) findGuard() {
	if len(lx.dirs) < 2 || lx.dirs[0].first != 0 {
		return
	}
	d := &lx.dirs[0]
	end := int(d.link)
	if end != len(lx.dirs)-1 || lx.dirs[end].kind != dEndif || int(lx.dirs[end].last) != len(lx.toks) {
		return
	}
	line := lx.toks[d.first+2 : d.last]
	switch {
	case d.kind == dIfndef && len(line) == 1 && line[0].kind == Ident:
		lx.guard = line[0].sym
	case d.kind == dIf && len(line) >= 3 && line[0].is(opNot) && line[1].kind == Ident && line[1].sym == symDefined:
		line = line[2:]
		if len(line) == 3 && line[0].is(opLParen) && line[2].is(opRParen) {
			line = line[1:2]
		}
		if len(line) == 1 && line[0].kind == Ident {
			lx.guard = line[0].sym
		}
	}
}

// Character classes.
const (
	cIdent  uint8 = 1 << iota // continues an identifier
	cDigit                    // 0-9
	cLetter                   // starts an identifier
)

var class = func() (t [256]uint8) {
	for c := '0'; c <= '9'; c++ {
		t[c] = cIdent | cDigit
	}
	for _, c := range "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_$" {
		t[c] = cIdent | cLetter
	}
	return
}()

// scan reads the token that starts at s[i], which is neither white space nor a
// comment. A raw string is returned as String with end -1: its end depends on
// the text as it was before splices went.
func scan(s string, i int, m mode) (k Kind, sym int32, end int) {
	c := s[i]
	switch {
	case class[c]&cLetter != 0 || c >= 0x80 || c == '\\':
		j := i
		if class[c]&cLetter == 0 {
			if j = extended(s, i, true); j == i {
				break
			}
		}
		j = identEnd(s, j)
		if j < len(s) && (s[j] == '"' || s[j] == '\'') {
			switch p := s[i:j]; {
			case p == "L", (p == "u" || p == "U") && m&mNoUniLit == 0,
				p == "u8" && m&mNoUniLit == 0 && (s[j] == '"' || m&mUTF8Char != 0):
				return quoted(s, j)
			case s[j] == '"' && m&mRaw != 0 && (p == "R" || p == "LR" || p == "uR" || p == "UR" || p == "u8R"):
				if rawEnd(s[i:]) != 0 {
					return String, 0, -1
				}
			}
		}
		return Ident, 0, j
	case class[c]&cDigit != 0 || c == '.' && i+1 < len(s) && class[s[i+1]]&cDigit != 0:
		return Number, 0, numberEnd(s, i+1, m)
	case c == '"' || c == '\'':
		return quoted(s, i)
	}
	return punct(s, i, m)
}

func identEnd(s string, j int) int {
	for {
		for j < len(s) && class[s[j]]&cIdent != 0 {
			j++
		}
		if j >= len(s) || s[j] < 0x80 && s[j] != '\\' {
			return j
		}
		n := extended(s, j, false)
		if n == j {
			return j
		}
		j = n
	}
}

func numberEnd(s string, j int, m mode) int {
	for j < len(s) {
		c := s[j]
		switch {
		case class[c]&cIdent != 0 || c == '.':
			j++
		case c == '+' || c == '-':
			p := s[j-1] | 0x20
			if p != 'e' && (p != 'p' || m&mNoHexFloat != 0) {
				return j
			}
			j++
		case c == '\'' && m&mDigitSep != 0 && j+1 < len(s) && class[s[j+1]]&cIdent != 0:
			j += 2
		case c >= 0x80 || c == '\\':
			n := extended(s, j, false)
			if n == j {
				return j
			}
			j = n
		default:
			return j
		}
	}
	return j
}

// quoted reads a string literal or character constant whose quote is at q. One
// that does not end on its line is an Other that reaches to the line's end.
func quoted(s string, q int) (Kind, int32, int) {
	k := String
	if s[q] == '\'' {
		k = Char
	}
	for j := q + 1; j < len(s); j++ {
		switch s[j] {
		case s[q]:
			return k, 0, j + 1
		case '\\':
			if j+1 < len(s) && s[j+1] != '\n' {
				j++
			}
		case '\n':
			if s[j-1] == '\r' {
				j--
			}
			return Other, 0, j
		}
	}
	return Other, 0, len(s)
}

// rawEnd returns the length of the raw string at the start of s: 0 if it is
// none, -1 if it has no end.
func rawEnd(s string) int {
	q := strings.IndexByte(s, '"')
	if q < 0 {
		return 0
	}
	p := q + 1
	for p < len(s) && s[p] != '(' {
		if p-q > 16 || strings.IndexByte(" \t\v\f\n)\\\"", s[p]) >= 0 {
			return 0
		}
		p++
	}
	if p >= len(s) {
		return 0
	}
	close := ")" + s[q+1:p] + `"`
	n := strings.Index(s[p:], close)
	if n < 0 {
		return -1
	}
	return p + n + len(close)
}

// extended returns the end of the universal character name or UTF-8 character
// at s[i] if an identifier may hold it (C11 annex D), else i.
func extended(s string, i int, first bool) int {
	r, n := ucn(s[i:])
	if n == 0 {
		if s[i] < 0x80 {
			return i
		}
		r, n = utf8.DecodeRuneInString(s[i:])
		if r == utf8.RuneError && n <= 1 {
			return i
		}
	}
	k := sort.Search(len(identRanges), func(k int) bool { return identRanges[k][1] >= r })
	if k == len(identRanges) || identRanges[k][0] > r {
		return i
	}
	if first && (r >= 0x300 && r <= 0x36F || r >= 0x1DC0 && r <= 0x1DFF || r >= 0x20D0 && r <= 0x20FF || r >= 0xFE20 && r <= 0xFE2F) {
		return i
	}
	return i + n
}

// identRanges is annex D.1 of C11.
var identRanges = [][2]rune{
	{0xA8, 0xA8}, {0xAA, 0xAA}, {0xAD, 0xAD}, {0xAF, 0xAF}, {0xB2, 0xB5}, {0xB7, 0xBA}, {0xBC, 0xBE},
	{0xC0, 0xD6}, {0xD8, 0xF6}, {0xF8, 0x167F}, {0x1681, 0x180D}, {0x180F, 0x1FFF}, {0x200B, 0x200D},
	{0x202A, 0x202E}, {0x203F, 0x2040}, {0x2054, 0x2054}, {0x2060, 0x218F}, {0x2460, 0x24FF},
	{0x2776, 0x2793}, {0x2C00, 0x2DFF}, {0x2E80, 0x2FFF}, {0x3004, 0x3007}, {0x3021, 0x302F},
	{0x3031, 0xD7FF}, {0xF900, 0xFD3D}, {0xFD40, 0xFDCF}, {0xFDF0, 0xFE44}, {0xFE47, 0xFFFD},
	{0x10000, 0x1FFFD}, {0x20000, 0x2FFFD}, {0x30000, 0x3FFFD}, {0x40000, 0x4FFFD}, {0x50000, 0x5FFFD},
	{0x60000, 0x6FFFD}, {0x70000, 0x7FFFD}, {0x80000, 0x8FFFD}, {0x90000, 0x9FFFD}, {0xA0000, 0xAFFFD},
	{0xB0000, 0xBFFFD}, {0xC0000, 0xCFFFD}, {0xD0000, 0xDFFFD}, {0xE0000, 0xEFFFD},
}

// ucn decodes \uXXXX or \UXXXXXXXX at the start of s.
func ucn(s string) (rune, int) {
	if len(s) < 6 || s[0] != '\\' {
		return 0, 0
	}
	n := 6
	switch s[1] {
	case 'u':
	case 'U':
		n = 10
	default:
		return 0, 0
	}
	if len(s) < n {
		return 0, 0
	}
	v, err := strconv.ParseUint(s[2:n], 16, 32)
	if err != nil || v > utf8.MaxRune {
		return 0, 0
	}
	return rune(v), n
}

// canonical spells an identifier as gcc -E does: é, \u00e9 and \U000000e9 are
// one name.
func canonical(s string) string {
	plain := true
	for i := 0; i < len(s); i++ {
		if s[i] >= 0x80 || s[i] == '\\' {
			plain = false
			break
		}
	}
	if plain {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); {
		r, n := ucn(s[i:])
		if n == 0 {
			r, n = utf8.DecodeRuneInString(s[i:])
		}
		i += n
		if r < 0x80 {
			b.WriteRune(r)
			continue
		}
		h := strconv.FormatUint(uint64(r), 16)
		b.WriteString(`\U` + "00000000"[len(h):] + h)
	}
	return b.String()
}

// punct reads a punctuator, or a stray character as Other.
func punct(s string, i int, m mode) (Kind, int32, int) {
	var n1, n2 byte
	if i+1 < len(s) {
		n1 = s[i+1]
	}
	if i+2 < len(s) {
		n2 = s[i+2]
	}
	p := func(op int32, n int) (Kind, int32, int) { return Punct, op, i + n }
	switch s[i] {
	case '(':
		return p(opLParen, 1)
	case ')':
		return p(opRParen, 1)
	case ',':
		return p(opComma, 1)
	case ';', '[', ']', '{', '}':
		return p(opOther, 1)
	case '~':
		return p(opCompl, 1)
	case '?':
		return p(opQuery, 1)
	case '#':
		if n1 == '#' {
			return p(opPaste, 2)
		}
		return p(opHash, 1)
	case '.':
		if n1 == '.' && n2 == '.' {
			return p(opEllipsis, 3)
		}
		return p(opOther, 1)
	case '+':
		if n1 == '+' || n1 == '=' {
			return p(opOther, 2)
		}
		return p(opPlus, 1)
	case '-':
		if n1 == '-' || n1 == '=' || n1 == '>' {
			return p(opOther, 2)
		}
		return p(opMinus, 1)
	case '*':
		if n1 == '=' {
			return p(opOther, 2)
		}
		return p(opMul, 1)
	case '/':
		if n1 == '=' {
			return p(opOther, 2)
		}
		return p(opDiv, 1)
	case '^':
		if n1 == '=' {
			return p(opOther, 2)
		}
		return p(opXor, 1)
	case '%':
		switch {
		case n1 == '=' || n1 == '>':
			return p(opOther, 2)
		case n1 == ':' && n2 == '%' && i+3 < len(s) && s[i+3] == ':':
			return p(opPaste, 4)
		case n1 == ':':
			return p(opHash, 2)
		}
		return p(opMod, 1)
	case '&':
		switch n1 {
		case '&':
			return p(opLAnd, 2)
		case '=':
			return p(opOther, 2)
		}
		return p(opAnd, 1)
	case '|':
		switch n1 {
		case '|':
			return p(opLOr, 2)
		case '=':
			return p(opOther, 2)
		}
		return p(opOr, 1)
	case '!':
		if n1 == '=' {
			return p(opNe, 2)
		}
		return p(opNot, 1)
	case '=':
		if n1 == '=' {
			return p(opEq, 2)
		}
		return p(opOther, 1)
	case ':':
		switch {
		case n1 == '>':
			return p(opOther, 2)
		case n1 == ':' && m&mScope != 0:
			return p(opScope, 2)
		}
		return p(opColon, 1)
	case '<':
		switch {
		case n1 == '<' && n2 == '=':
			return p(opOther, 3)
		case n1 == '<':
			return p(opShl, 2)
		case n1 == '=':
			return p(opLe, 2)
		case n1 == ':' || n1 == '%':
			return p(opOther, 2)
		}
		return p(opLt, 1)
	case '>':
		switch {
		case n1 == '>' && n2 == '=':
			return p(opOther, 3)
		case n1 == '>':
			return p(opShr, 2)
		case n1 == '=':
			return p(opGe, 2)
		}
		return p(opGt, 1)
	}
	if s[i] >= 0x80 {
		if _, n := utf8.DecodeRuneInString(s[i:]); n > 1 {
			return Other, 0, i + n
		}
	}
	return Other, 0, i + 1
}
