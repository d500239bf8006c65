package syntax

import (
	"strings"

	"saz/frontend/cpp"
)

// A walker takes one external declaration after the other through the phases
// between tokens and text. It descends through declarations, statements and
// expressions (mark.go, disamb.go) with the scopes of typedef names at hand, so
// that it knows at each token what the token is, and emits the token, or what
// tree-sitter can read in its stead.
//
// The cursor stands on a token that belongs to the text: settle has taken what
// does not (attributes and the like) to the side tables.
type walker struct {
	lexed
	toks  []cpp.Token
	cache *Cache
	stats Stats

	pragma int // Pragmas[:pragma] stand before the declaration at hand

	p    int32 // cursor
	hi   int32 // end of the declaration
	last int32 // the last token that the cursor left
	c    code  // of the token at p, cEOF at hi

	frame

	undo  []undone // states of identifiers to restore at the ends of scopes
	depth int      // of open scopes
	base  int      // len(undo) at the start of the outermost of them
	names []int32  // of parameters, collected for the bodies of functions

	// Memory that is cut into the parts of Decls; of the first, what is left.
	tokSlab  []Tok
	argSlab  []Arg
	attrSlab []Attr

	// Memory that is used again for each declaration.
	scratch frame
	text    []byte
	tokAt   []int32
}

// A frame is the text that is being written: a declaration's, or within it that
// of a side declaration.
type frame struct {
	out     []Tok
	em      []code // how the tokens are spelt
	attrs   []Attr
	typeofs map[int32]*Decl
	kr      map[int32][]*Decl
	inCase  bool // a case label came before in the block at hand
}

type undone struct {
	id    int32
	state uint8
}

// A syntaxError unwinds the walker to the end of the declaration.
type syntaxError struct {
	tok int32
	msg string
}

func (w *walker) fail(msg string) { panic(syntaxError{w.p, msg}) }

// codeAt is the code of token i, with the program's own names told from
// keywords that they hide.
func (w *walker) codeAt(i int32) code {
	if i >= w.hi {
		return cEOF
	}
	c := w.code[i]
	if c > cOther && w.context[w.id[i]] && w.hides(i, c) {
		return cIdent
	}
	return c
}

// codeAfterHi is the code of the token behind the declaration: the brace, where
// it is the head of a definition.
func (w *walker) codeAfterHi() code { return w.code[w.hi] }

// hides reports whether the name at i, which may be a keyword, is none here.
func (w *walker) hides(i int32, c code) bool {
	if w.state[w.id[i]] != stNone {
		return true
	}
	switch c {
	case kTypeof, kAlignof, kStaticAssert, kAlignas:
		return w.code[i+1] != cLParen
	case kAsm:
		switch w.code[i+1] {
		case cLParen, kVolatile, kGoto, kInline:
			return false
		}
		return true
	case kConstexpr, kThread, kInline, kRestrict, kBuiltin:
		// `int bool;` declares a name. `char *restrict, int` does not.
		if i == 0 {
			return false
		}
		before := w.code[i-1]
		word := before >= firstWord && before <= lastWord
		switch w.code[i+1] {
		case cAssign, cSemi, cLBrack, cDot, cArrow:
			return word || before == cStar || before == cComma
		case cComma, cRParen:
			return word && c != kRestrict
		}
	}
	return false
}

// next moves the cursor to the next token of the text.
func (w *walker) next() {
	w.last = w.p
	w.p++
	w.settle()
}

// settle takes what is not part of the text, from the cursor on, to the side
// tables.
func (w *walker) settle() {
	for {
		w.c = w.codeAt(w.p)
		switch {
		case w.c >= firstSkipped:
			i := w.p
			switch w.c {
			case kExtension:
				w.p++
			case kNoreturn:
				w.attr(i, "_Noreturn")
				w.p++
			case kAlignas:
				w.p++
				if w.code[w.p] == cLParen {
					w.attr(i, "_Alignas", Arg{w.p + 1, w.close(w.p)})
					w.p = w.close(w.p) + 1
				}
			case kAttribute:
				w.p++
				if w.code[w.p] == cLParen {
					e := w.close(w.p)
					w.attrList(w.p+2, e-1)
					w.p = e + 1
				}
			}
		case w.c == cLBrack && w.code[w.p+1] == cLBrack:
			// Two brackets in a row can only be a C23 attribute.
			e := w.close(w.p)
			w.attrList(w.p+2, e-1)
			w.p = e + 1
		default:
			return
		}
	}
}

// sig is the first token from i on that settle would not take out.
func (w *walker) sig(i int32) int32 {
	for {
		switch c := w.codeAt(i); {
		case c == kExtension || c == kNoreturn:
			i++
		case c == kAttribute || c == kAlignas:
			i++
			if w.code[i] == cLParen {
				i = w.close(i) + 1
			}
		case c == cLBrack && w.code[i+1] == cLBrack:
			i = w.close(i) + 1
		default:
			return i
		}
	}
}

// close is the partner of the bracket at i; there must be one.
func (w *walker) close(i int32) int32 {
	m := w.match[i]
	if m >= w.hi || m < i {
		panic(syntaxError{i, "this bracket is not closed"})
	}
	return m
}

// attrList records the attributes in [lo, hi).
func (w *walker) attrList(lo, hi int32) {
	for i := lo; i < hi; i++ {
		if w.toks[i].Kind != cpp.Ident {
			continue // a comma: empty attributes are allowed
		}
		name := i
		for i+2 < hi && (w.code[i+1] == cColon2 || w.code[i+1] == cColon) { // gnu::packed, the :: one token or two
			i += 2
			if w.code[i] == cColon {
				i++
			}
			name = i
		}
		var args []Arg
		if i+1 < hi && w.code[i+1] == cLParen {
			e := min(w.match[i+1], hi)
			args = w.args(i+2, e)
			i = e
		}
		w.attr(name, bareName(w.toks[name].Text), args...)
	}
}

// args cuts [lo, hi) at its commas.
func (w *walker) args(lo, hi int32) []Arg {
	if len(w.argSlab)+8 > cap(w.argSlab) {
		w.argSlab = make([]Arg, 0, 512)
	}
	from := len(w.argSlab)
	start := lo
	for i := lo; i < hi; i++ {
		switch w.code[i] {
		case cLParen, cLBrack, cLBrace:
			if m := w.match[i]; m < hi {
				i = m
			}
		case cComma:
			w.argSlab = append(w.argSlab, Arg{start, i})
			start = i + 1
		}
	}
	if start < hi {
		w.argSlab = append(w.argSlab, Arg{start, hi})
	}
	return w.argSlab[from:len(w.argSlab):len(w.argSlab)]
}

func (w *walker) attr(tok int32, name string, args ...Arg) {
	w.attrs = append(w.attrs, Attr{At: int32(len(w.out)), Name: name, Args: args, Tok: tok})
}

// bareName strips the underscores of __packed__.
func bareName(s string) string {
	if len(s) > 4 && strings.HasPrefix(s, "__") && strings.HasSuffix(s, "__") {
		return s[2 : len(s)-2]
	}
	return s
}

// asmLabel takes the assembler name behind a declarator to the side table.
func (w *walker) asmLabel() {
	if w.c != kAsm {
		return
	}
	i := w.p
	if w.code[i+1] != cLParen {
		w.fail("expected the string of an asm label")
	}
	e := w.close(i + 1)
	w.attr(i, "asm", Arg{i + 2, e})
	w.p = e
	w.next()
}

// staticAssert takes a _Static_assert with its semicolon to the side table.
func (w *walker) staticAssert() {
	i := w.p
	w.p++
	if w.code[w.p] != cLParen {
		w.fail("expected ( after _Static_assert")
	}
	e := w.close(w.p)
	w.attr(i, "_Static_assert", w.args(i+2, e)...)
	w.p = e
	w.next()
	if w.c != cSemi {
		w.fail("expected ; after _Static_assert")
	}
	w.next()
}

// localLabels takes `__label__ a, b;` to the side table.
func (w *walker) localLabels() {
	i := w.p
	at := len(w.attrs)
	var names []Arg
	w.attr(i, "__label__")
	for w.c != cSemi {
		w.next()
		if w.c == cIdent {
			names = append(names, Arg{w.p, w.p + 1})
		}
		if w.c == cEOF {
			w.fail("expected ; after __label__")
		}
	}
	w.attrs[at].Args = names
	w.next()
}

// asmStatement emits an asm statement or file-scope asm, without its `;`.
func (w *walker) asmStatement() {
	w.put()
	for w.c == kVolatile || w.c == kInline || w.c == kGoto {
		w.put()
	}
	if w.c != cLParen {
		w.fail("expected ( after asm")
	}
	end := w.close(w.p)
	w.put()
	// Sections after the template: outputs, inputs, clobbers, labels. The
	// grammar wants each constraint to be one string.
	section := 0
	for w.p < end {
		switch w.c {
		case cColon:
			section++
			w.put()
		case cColon2:
			section += 2
			w.putAs(cColon, ":", Plain)
			w.syn(cColon)
		case cString:
			if section == 1 || section == 2 {
				w.constraint()
			} else {
				w.put()
			}
		case cLBrack:
			w.put()
			w.name()
			w.want(cRBrack)
		case cLParen:
			w.put()
			if section == 0 {
				w.fail("expected the string of an asm statement")
			}
			w.expr()
			w.want(cRParen)
		case cComma:
			w.put()
		case cIdent:
			w.name()
		default:
			w.fail("unexpected in an asm statement")
		}
	}
	w.want(cRParen)
}

// constraint emits adjacent strings as one token.
func (w *walker) constraint() {
	at := len(w.out)
	w.put()
	for w.c == cString {
		w.out[at].Text = strings.TrimSuffix(w.out[at].Text, `"`) + strings.TrimPrefix(w.toks[w.p].Text, `"`)
		w.next()
	}
}

// put emits the token at the cursor as it is and moves on.
func (w *walker) put() {
	c := w.c
	t := &w.toks[w.p]
	text := t.Text
	if c > cOther {
		if text = spelling[c]; text == "" {
			w.fail("unexpected token")
		}
	} else if c == cEOF {
		w.fail("unexpected end of the declaration")
	} else if c == cOther {
		w.fail("stray character in the program")
	}
	w.out = append(w.out, Tok{Text: text, Src: w.p, Kind: t.Kind})
	w.em = append(w.em, c)
	w.next()
}

// putAs emits the token at the cursor in another spelling, with a mark.
func (w *walker) putAs(c code, text string, m Mark) {
	w.out = append(w.out, Tok{Text: text, Src: w.p, Mark: m, Kind: w.toks[w.p].Kind})
	w.em = append(w.em, c)
	w.next()
}

// syn emits a token that is not in the program.
func (w *walker) syn(c code) {
	k := cpp.Punct
	if c == cIdent || c >= kTypedef {
		k = cpp.Ident
	}
	w.out = append(w.out, Tok{Text: spelling[c], Src: w.p, Mark: Synthetic, Kind: k})
	w.em = append(w.em, c)
}

// name emits the token at the cursor as an identifier.
func (w *walker) name() {
	if w.p >= w.hi || w.toks[w.p].Kind != cpp.Ident {
		w.fail("expected an identifier")
	}
	w.putAs(cIdent, w.toks[w.p].Text, Plain)
}

var wanted = [codeCount]string{}

func init() {
	for c, s := range spelling {
		wanted[c] = "expected " + s
	}
	wanted[cEOF] = "expected the end of the declaration"
}

// want emits the token at the cursor, which must have code c.
func (w *walker) want(c code) {
	if w.c != c {
		w.fail(wanted[c])
	}
	w.put()
}
