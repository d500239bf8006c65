package syntax

import (
	"hash/maphash"
	"sync"
	"unsafe"

	"saz/frontend/cpp"
	"saz/frontend/source"
)

// A Cache keeps the flattened trees of all shapes of declarations that were
// met. A shape is the text with all identifiers alike and all literals of a
// kind alike: on that alone the tree depends. Headers make most of a
// translation unit, and much of the rest repeats, too.
//
// The zero Cache is ready; it may be used by several goroutines.
type Cache struct {
	shards [64]shard
}

type shard struct {
	mu sync.RWMutex
	m  map[string]*shape
}

// A shape is a tree, or the reason why there is none.
type shape struct {
	nodes []Node
	bad   int32 // token at which the text could not be read or was misread; -1
	why   string
}

var seed = maphash.MakeSeed()

// Len is the number of shapes.
func (c *Cache) Len() int {
	n := 0
	for i := range c.shards {
		s := &c.shards[i]
		s.mu.RLock()
		n += len(s.m)
		s.mu.RUnlock()
	}
	return n
}

// shape returns the shape of a text, given as the codes of its tokens.
func (c *Cache) shape(w *walker, em []code) (_ *shape, parsed bool) {
	key := unsafe.Slice((*byte)(unsafe.SliceData(em)), len(em))
	s := &c.shards[maphash.Bytes(seed, key)%uint64(len(c.shards))]
	s.mu.RLock()
	sh := s.m[string(key)]
	s.mu.RUnlock()
	if sh != nil {
		return sh, false
	}
	sh = w.parseShape(em)
	s.mu.Lock()
	defer s.mu.Unlock()
	if old := s.m[string(key)]; old != nil {
		return old, false // another goroutine was quicker; each shape counts once
	}
	if s.m == nil {
		s.m = map[string]*shape{}
	}
	s.m[string(key)] = sh
	return sh, true
}

var walkers = sync.Pool{New: func() any { return new(walker) }}

// parseShape has tree-sitter read the text.
func (w *walker) parseShape(em []code) *shape {
	text, at := w.text[:0], w.tokAt[:0]
	for i, c := range em {
		s := spelling[c]
		text = append(text, s...)
		text = append(text, ' ')
		for range len(s) {
			at = append(at, int32(i))
		}
		at = append(at, int32(i+1))
	}
	at = append(at, int32(len(em)))
	text = append(text, '\n') // the flattener may look at it, tree-sitter does not
	w.text, w.tokAt = text, at
	f := flatteners.Get().(*flattener)
	nodes, bad := f.parse(text[:len(text)-1], at)
	flatteners.Put(f)
	sh := &shape{nodes: nodes, bad: -1}
	if bad >= 0 {
		sh.bad, sh.why = nodes[bad].Tok, "this cannot be parsed"
		sh.nodes = nil
	} else if i := misread(nodes); i >= 0 {
		sh.bad, sh.why = nodes[i].Tok, "this was misread as "+nodes[i].Sym.String()
		sh.nodes = nil
	}
	return sh
}

// misread returns the first node that the text cannot mean, -1 for none. All
// type names were made one primitive-type word, so an identifier that the
// grammar takes for a type without being a tag or what a typedef declares is an
// expression gone wrong.
func misread(nodes []Node) int {
	for i := range nodes {
		n := &nodes[i]
		if neverInSym[n.Sym] && n.Named {
			return i
		}
		if n.Sym != SymTypeIdentifier {
			continue
		}
		up := &nodes[n.Up]
		switch up.Sym {
		case SymStructSpecifier, SymUnionSpecifier, SymEnumSpecifier:
			if n.Field == FieldName {
				continue
			}
		case SymTypeDescriptor:
			if up.Up >= 0 && nodes[up.Up].Sym == SymGenericExpression {
				continue // default
			}
		case SymTypeDefinition, SymPointerDeclarator, SymFunctionDeclarator, SymArrayDeclarator, SymParenthesizedDeclarator:
			if n.Field == FieldDeclarator || up.Sym == SymParenthesizedDeclarator {
				continue
			}
		}
		return i
	}
	return -1
}

// Parse reads a translation unit. What cannot be read is a diagnostic in sink
// and a Bad declaration.
func (c *Cache) Parse(u *cpp.Unit, sink *source.Sink) *Tree {
	t := c.parse(u, sink, false)
	t.Close()
	return t
}

// ParseHeads reads a translation unit as Parse does, but leaves the bodies of
// static and inline functions for Tree.Complete: most of those in headers are
// never asked for. The tree's declarations, in Complete's hands too, are valid
// until Close.
func (c *Cache) ParseHeads(u *cpp.Unit, sink *source.Sink) *Tree {
	return c.parse(u, sink, true)
}

func (c *Cache) parse(u *cpp.Unit, sink *source.Sink, heads bool) *Tree {
	w := walkers.Get().(*walker)
	t := w.unit(c, u, sink, heads)
	t.w, t.sink = w, sink
	return t
}

// Complete reads a definition whose body was left for later. At the end of the
// unit the names of file scope mean what they meant where it stands.
func (t *Tree) Complete(d *Decl) *Decl {
	w := t.w
	w.stats = Stats{}
	full := &Decl{}
	if err := w.one(full, d.Lo, d.Hi); err != nil {
		w.stats.Bad++
		*full = Decl{Lo: d.Lo, Hi: d.Hi, Bad: true, Name: w.guessName(w.toks, d.Lo, d.Hi)}
		report(t.Unit, t.sink, full, err)
	}
	t.Stats.Decls += w.stats.Decls
	t.Stats.Parsed += w.stats.Parsed
	t.Stats.Bad += w.stats.Bad
	return full
}

// Close gives back what reading needed. Trees of ParseHeads must not be used
// after it.
func (t *Tree) Close() {
	if w := t.w; w != nil {
		t.w = nil
		w.cache, w.toks, w.tokSlab, w.argSlab, w.attrSlab = nil, nil, nil, nil, nil
		walkers.Put(w)
	}
}

func (w *walker) unit(c *Cache, u *cpp.Unit, sink *source.Sink, heads bool) *Tree {
	w.cache, w.toks, w.stats, w.pragma = c, u.Tokens, Stats{}, 0
	w.scan(u.Tokens)
	t := &Tree{Unit: u}
	var slab []Decl
	n := int32(len(u.Tokens))
	for lo := int32(0); lo < n; {
		if w.code[lo] == cSemi {
			lo++
			continue
		}
		hi, body := w.split(lo, n)
		if len(slab) == cap(slab) {
			slab = make([]Decl, 0, 256)
		}
		slab = append(slab, Decl{})
		d := &slab[len(slab)-1]
		var err *syntaxError
		if heads && body >= 0 && w.canWait(u, lo, body, hi) {
			w.stats.Decls-- // what Complete reads counts
			if err = w.one(d, lo, body); err == nil {
				d.Hi, d.Body = hi, body
			}
		} else {
			err = w.one(d, lo, hi)
		}
		if err != nil {
			w.stats.Bad++
			*d = Decl{Lo: lo, Hi: hi, Bad: true, Name: w.guessName(u.Tokens, lo, hi)}
			report(u, sink, d, err)
		}
		t.Decls = append(t.Decls, d)
		lo = hi
	}
	t.Stats = w.stats
	return t
}

// one makes d of the external declaration [lo, hi).
func (w *walker) one(d *Decl, lo, hi int32) (err *syntaxError) {
	defer func() {
		if r := recover(); r != nil {
			e, ok := r.(syntaxError)
			if !ok {
				panic(r)
			}
			err = &e
			if w.depth > 0 {
				w.leave(w.base)
				w.depth = 0
			}
		}
		w.undo = w.undo[:0] // what was declared at file scope stays
	}()
	// The text goes straight to memory that stays: seldom is it half as long
	// again as the program's own.
	if room := int(hi-lo)*3/2 + 16; cap(w.tokSlab) < room {
		w.tokSlab = make([]Tok, 0, max(4096, room))
	}
	w.frame = frame{out: w.tokSlab[:0], em: w.scratch.em[:0], attrs: w.scratch.attrs[:0]}
	w.p, w.hi, w.last = lo, hi, lo-1
	w.names = w.names[:0]
	w.settle()
	w.external()
	d.Lo, d.Hi = lo, hi
	n := len(w.out)
	d.Toks = w.out[:n:n]
	w.tokSlab = w.out[n:n]
	if n := len(w.attrs); n > 0 {
		if len(w.attrSlab)+n > cap(w.attrSlab) {
			w.attrSlab = make([]Attr, 0, max(256, n))
		}
		at := len(w.attrSlab)
		w.attrSlab = append(w.attrSlab, w.attrs...)
		d.Attrs = w.attrSlab[at : at+n : at+n]
	}
	d.Typeofs, d.KR = w.typeofs, w.kr
	w.scratch = w.frame
	d.Nodes = w.tree()
	return nil
}

// begin starts the text of a side declaration; finish ends it.
func (w *walker) begin() (outer frame) {
	outer = w.frame
	w.frame = frame{}
	return outer
}

// finish makes a Decl, which began at token lo, of the text and goes on with
// the outer one.
func (w *walker) finish(outer frame, lo int32) *Decl {
	d := &Decl{Lo: lo, Hi: w.last + 1, Toks: w.out, Attrs: w.attrs, Typeofs: w.typeofs, KR: w.kr}
	d.Nodes = w.tree()
	w.frame = outer
	// Attributes behind the last token were met when the cursor left it: they
	// belong to the outer text.
	n := len(d.Attrs)
	for n > 0 && d.Attrs[n-1].Tok > w.last {
		n--
	}
	for _, a := range d.Attrs[n:] {
		a.At = int32(len(w.out))
		w.attrs = append(w.attrs, a)
	}
	d.Attrs = d.Attrs[:n]
	return d
}

// tree has the text of the frame read.
func (w *walker) tree() []Node {
	w.stats.Decls++
	if len(w.em) == 0 {
		return nil
	}
	sh, parsed := w.cache.shape(w, w.em)
	if parsed {
		w.stats.Parsed++
	}
	if sh.bad >= 0 {
		at := w.hi - 1
		if int(sh.bad) < len(w.out) {
			at = w.out[sh.bad].Src
		}
		panic(syntaxError{at, sh.why})
	}
	return sh.nodes
}

// report makes a diagnostic of what is wrong with d.
func report(u *cpp.Unit, sink *source.Sink, d *Decl, e *syntaxError) {
	i := min(e.tok, int32(len(u.Tokens))-1)
	t := &u.Tokens[i]
	pos := t.Exp
	if !pos.IsValid() {
		pos = t.Spell
	}
	diag := source.Diagnostic{ID: "parse-error", Severity: source.Error, Pos: pos}
	near := t.Text
	if i >= d.Hi {
		near = "end of declaration"
	}
	diag.Msg = e.msg + ", at `" + near + "`"
	what := "this declaration"
	if d.Name != "" {
		what = "`" + d.Name + "`"
	}
	diag.Hint = what + " is treated as unknown code; if the real compiler accepts it, it is a construct that saz does not read yet"
	for k := t.Chain; k > 0 && int(k) < len(u.Chains); k = u.Chains[k].Parent {
		ch := &u.Chains[k]
		diag.Notes = append(diag.Notes, source.Note{Pos: ch.Def, Msg: "in the expansion of macro `" + ch.Macro + "`"})
	}
	sink.Add(diag)
}

// guessName says what the tokens seem to declare: the first name before a
// parenthesis at depth 0, otherwise the last one before `=`, `[`, `,` or `;`.
func (l *lexed) guessName(toks []cpp.Token, lo, hi int32) string {
	name := ""
	for i := lo; i < hi; i++ {
		switch c := l.code[i]; c {
		case kAttribute, kAlignas, kTypeof, kAsm, kAtomic, kStaticAssert:
			if i+1 < hi && l.code[i+1] == cLParen {
				i = l.skip(i+1, hi)
			}
		case cIdent:
			if i+1 == hi {
				continue
			}
			switch l.code[i+1] {
			case cLParen:
				return toks[i].Text
			case cAssign, cLBrack, cComma, cSemi:
				if name == "" {
					name = toks[i].Text
				}
			}
		case cLParen, cLBrack, cLBrace:
			if c == cLParen && i+2 < hi && l.code[i+1] == cStar && l.code[i+2] == cIdent && name == "" {
				name = toks[i+2].Text // a pointer to a function
			}
			i = l.skip(i, hi)
		case cAssign:
			return name
		}
	}
	return name
}
