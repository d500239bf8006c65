package cpp

import (
	"strconv"
	"strings"

	"saz/frontend/source"
)

// A rescan is a list of tokens that is being rescanned. sym is the macro that
// stays disabled until the list, and every list directly below that belongs to
// the same macro, is used up; 0 for none.
type rescan struct {
	toks []tok
	pos  int
	sym  int32
}

// slot is what one translation unit knows about one symbol.
type slot struct {
	m        *macro
	disabled bool
}

// A marg is one argument of a macro call.
type marg struct {
	raw      []tok // without the kEOF that stands behind it
	expanded []tok
	str      string
	done     bool // expanded is valid
	strDone  bool // str is valid
	omitted  bool // the variable argument was left out: , ## takes the comma away
}

// What padding remembers of the token it stands for. It decides whether # puts
// a space between two tokens.
const (
	padNone  int32 = iota // no token: padding that only keeps tokens apart
	padPlain              // a token without white space before it
	padWhite              // a token with white space before it
)

var (
	eofTok     = tok{kind: kEOF}
	padNoneTok = tok{kind: kPad, sym: padNone}
	padTok     = tok{kind: kPad, sym: padPlain}
	padWTok    = tok{kind: kPad, sym: padWhite}
)

func padFor(t *tok) *tok {
	if t.flags&fWhite != 0 {
		return &padWTok
	}
	return &padTok
}

// joinPad combines the memory of consecutive paddings.
func joinPad(have, next int32) int32 {
	if have == padNone || have == padPlain && next == padNone {
		return next
	}
	return have
}

// arena hands out slices of tokens that live until the outermost macro
// invocation is done.
type arena struct {
	blocks [][]tok
	block  int
	used   int
}

// Tokens in a block of an arena, and roughly in all of them.
const (
	arenaBlock = 2048
	maxArena   = 1 << 22
)

func (a *arena) alloc(n int) []tok {
	for {
		if a.block == len(a.blocks) {
			if a.block*arenaBlock > maxArena {
				panic(tooMuch{})
			}
			a.blocks = append(a.blocks, make([]tok, max(n, arenaBlock)))
		}
		if b := a.blocks[a.block]; a.used+n <= len(b) {
			s := b[a.used : a.used+n : a.used+n]
			a.used += n
			return s
		}
		a.block++
		a.used = 0
	}
}

func (a *arena) copy(ts []tok) []tok {
	s := a.alloc(len(ts))
	copy(s, ts)
	return s
}

func (a *arena) one(t *tok) *tok {
	s := a.alloc(1)
	s[0] = *t
	return &s[0]
}

func (a *arena) reset() { a.block, a.used = 0, 0 }

func (p *pp) slot(sym int32) *slot {
	if int(sym) >= len(p.slots) {
		n := max(p.cache.size()+1, int(sym)+1)
		s := make([]slot, n+n/4)
		copy(s, p.slots)
		p.slots = s
	}
	return &p.slots[sym]
}

func (p *pp) defined(sym int32) bool {
	return int(sym) < len(p.slots) && p.slots[sym].m != nil
}

// top is the macro whose expansion is being rescanned, 0 for none.
func (p *pp) top() int32 {
	if n := len(p.ctx); n > 0 {
		return p.ctx[n-1].sym
	}
	return 0
}

func (p *pp) push(toks []tok, sym int32) {
	p.ctx = append(p.ctx, rescan{toks: toks, sym: sym})
}

func (p *pp) pop() {
	sym := p.top()
	p.ctx = p.ctx[:len(p.ctx)-1]
	if sym != 0 && p.top() != sym {
		p.slots[sym].disabled = false
	}
}

// get returns the next token after macro expansion, or padding. What it
// returns stays valid until the outermost invocation is done.
func (p *pp) get() *tok {
	for {
		p.step()
		var t *tok
		if n := len(p.ctx); n == 0 {
			t = p.lex()
		} else if c := &p.ctx[n-1]; c.pos < len(c.toks) {
			t = &c.toks[c.pos]
			c.pos++
			if t.flags&fPaste != 0 {
				p.pasteAll(t)
				if p.inDirective {
					continue
				}
				return padFor(t)
			}
		} else {
			p.pop()
			if p.inDirective {
				continue
			}
			return &padNoneTok
		}
		if t.kind != Ident || t.flags&fNoExpand != 0 || int(t.sym) >= len(p.slots) {
			return t
		}
		s := &p.slots[t.sym]
		if s.m == nil {
			return t
		}
		if s.disabled {
			t = p.arena.one(t)
			t.flags |= fNoExpand
			return t
		}
		if p.prevent > 0 || !p.enter(s.m, t) {
			return t
		}
		if !p.inDirective {
			return padFor(t)
		}
	}
}

// getReal is get without padding.
func (p *pp) getReal() *tok {
	for {
		if t := p.get(); t.kind != kPad {
			return t
		}
	}
}

// unget takes back the token that get returned last.
func (p *pp) unget() {
	if n := len(p.ctx); n > 0 {
		p.ctx[n-1].pos--
	} else {
		p.buf.pos--
	}
}

// enter expands macro m, whose name t has just been read, by pushing its
// replacement. It reports false if this is no invocation after all.
func (p *pp) enter(m *macro, t *tok) bool {
	if m.builtin != notBuiltin {
		return p.enterBuiltin(m, t)
	}
	if !m.fun {
		chain := p.newChain(m, t, t)
		p.pushBody(m, t, chain)
		p.slots[t.sym].disabled = true
		return true
	}
	p.prevent++
	p.parsing = 1
	p.depth++
	args, closing := p.call(m, t)
	p.parsing = 0
	p.prevent--
	if closing == nil {
		p.depth--
		return false
	}
	chain := p.newChain(m, t, closing)
	for i := range args {
		p.relabel(args[i].raw, t.chain, chain)
	}
	if len(m.params) > 0 {
		p.substitute(m, t, args, chain)
	} else {
		p.pushBody(m, t, chain)
	}
	p.depth--
	p.slots[t.sym].disabled = true
	return true
}

// rootOf is where the line is to be looked up of what the name t expands to.
func rootOf(t *tok) int32 {
	if t.flags&fFile != 0 {
		return t.off
	}
	return t.root
}

// pushBody pushes the replacement list of an invocation without parameters.
func (p *pp) pushBody(m *macro, name *tok, chain int32) {
	body, root := p.arena.copy(m.body), rootOf(name)
	for i := range body {
		body[i].chain, body[i].root = chain, root
	}
	p.push(body, name.sym)
}

// newChain records an invocation from its name to its last token.
func (p *pp) newChain(m *macro, name, last *tok) int32 {
	if p.inDirective {
		return -1 // nothing of it reaches the output
	}
	if name.chain == 0 {
		p.exp = expansion{pos: name.pos(), end: last.end, first: len(p.unit.Tokens)}
		p.topFun = m.fun
	} else if last != name && last.chain == 0 {
		// The call's arguments come from after the invocation that yielded
		// its name: that one is longer than thought.
		p.exp.end = last.end
		for i := p.exp.first; i < len(p.unit.Tokens); i++ {
			p.unit.Tokens[i].ExpEnd = last.end
		}
	}
	p.unit.Chains = append(p.unit.Chains, Chain{Macro: m.name, Def: m.def, Use: name.pos(), Parent: max(name.chain, 0)})
	return int32(len(p.unit.Chains) - 1)
}

// relabel makes the argument tokens of an invocation its own. Tokens that came
// out of another expansion inside the argument keep the label of that one.
func (p *pp) relabel(toks []tok, parent, chain int32) {
	known := int32(-2)
	for i := range toks {
		t := &toks[i]
		if t.chain == known {
			t.chain = chain
			continue
		}
		for c := parent; ; c = p.unit.Chains[c].Parent {
			if c == t.chain || c <= 0 {
				if c == t.chain {
					known = c
					t.chain = chain
				}
				break
			}
		}
	}
}

// call looks for the '(' of an invocation of m and reads its arguments. It
// returns the closing parenthesis, nil if this is no call.
func (p *pp) call(m *macro, name *tok) ([]marg, *tok) {
	pad, padded := padNone, false
	var t *tok
	for {
		if t = p.get(); t.kind != kPad {
			break
		}
		if !padded {
			pad, padded = t.sym, true
		} else {
			pad = joinPad(pad, t.sym)
		}
	}
	if t.is(opLParen) {
		p.parsing = 2
		return p.collect(m, name)
	}
	if t != &eofTok {
		p.unget()
		if padded {
			q := [...]*tok{&padNoneTok, &padTok, &padWTok}[pad]
			p.push(p.arena.copy([]tok{*q}), p.top())
		}
	}
	return nil, nil
}

// collect reads the arguments of a call from after its '('.
func (p *pp) collect(m *macro, name *tok) ([]marg, *tok) {
	nparam := len(m.params)
	for len(p.margs) <= p.depth {
		p.margs = append(p.margs, nil)
	}
	args := p.margs[p.depth][:0]
	mark := len(p.scratch)
	argc := 0
	var t *tok
	for {
		argc++
		start := len(p.scratch)
		parens := 0
	arg:
		for {
			t = p.get()
			switch t.kind {
			case kPad:
				if len(p.scratch) == start {
					continue
				}
			case kEOF:
				break arg
			case Punct:
				switch t.sym {
				case opLParen:
					parens++
				case opRParen:
					if parens == 0 {
						break arg
					}
					parens--
				case opComma:
					if parens == 0 && !(m.variadic && argc == nparam) {
						break arg
					}
				}
			}
			if len(p.scratch) >= maxTokens {
				panic(tooMuch{})
			}
			p.scratch = append(p.scratch, *t)
		}
		n := len(p.scratch)
		for n > start && p.scratch[n-1].kind == kPad {
			n--
		}
		if argc <= max(nparam, 1) {
			raw := p.arena.alloc(n - start + 1)
			copy(raw, p.scratch[start:n])
			raw[n-start] = tok{kind: kEOF}
			args = append(args, marg{raw: raw[:n-start]})
		}
		p.scratch = p.scratch[:start]
		if t.kind == kEOF || t.is(opRParen) {
			break
		}
	}
	p.scratch = p.scratch[:mark]
	p.margs[p.depth] = args
	if t.kind == kEOF {
		if t != &eofTok {
			p.unget()
		}
		p.errorf("macro-call", p.where(name), "unterminated argument list invoking macro %q", m.name)
		return nil, nil
	}
	if argc == 1 && nparam == 0 && len(args[0].raw) == 0 {
		argc = 0
	}
	switch {
	case argc == nparam || argc+1 == nparam && m.variadic:
	case argc < nparam:
		p.errorf("macro-call", p.where(name), "macro %q requires %d arguments, but only %d given", m.name, nparam, argc)
		return nil, nil
	default:
		p.errorf("macro-call", p.where(name), "macro %q passed %d arguments, but takes just %d", m.name, argc, nparam)
		return nil, nil
	}
	for len(args) < nparam {
		args = append(args, marg{})
	}
	if m.variadic {
		last := &args[nparam-1]
		last.omitted = argc < nparam || argc == 1 && len(last.raw) == 0 && !p.strict
	}
	p.margs[p.depth] = args
	return args, t
}

// expand fully expands an argument by itself.
func (p *pp) expand(a *marg) {
	if a.done {
		return
	}
	a.done = true
	if len(a.raw) == 0 {
		return
	}
	// The common argument has nothing to expand.
	plain := true
	for i := range a.raw {
		if t := &a.raw[i]; t.kind == Ident && p.defined(t.sym) {
			plain = false
			break
		}
	}
	if plain {
		a.expanded = a.raw
		return
	}
	p.push(a.raw[:len(a.raw)+1], p.top())
	p.noPragma++
	mark := len(p.scratch)
	for {
		t := p.get()
		if t.kind == kEOF {
			break
		}
		if len(p.scratch) >= maxTokens {
			panic(tooMuch{})
		}
		p.scratch = append(p.scratch, *t)
	}
	p.pop()
	p.noPragma--
	a.expanded = p.arena.copy(p.scratch[mark:])
	p.scratch = p.scratch[:mark]
}

// substitute builds m's replacement list with its parameters replaced, and
// pushes it.
func (p *pp) substitute(m *macro, name *tok, args []marg, chain int32) {
	root := rootOf(name)
	for i := range m.body {
		t := &m.body[i]
		if t.kind != kArg {
			continue
		}
		a := &args[t.arg]
		switch {
		case t.flags&fStringify != 0:
			if !a.strDone {
				a.str, a.strDone = p.stringify(a.raw), true
			}
		case t.flags&fPaste != 0 || i > 0 && m.body[i-1].flags&fPaste != 0:
		default:
			p.expand(a)
		}
	}
	mark := len(p.scratch)
	out := p.scratch // appended to; expand of __VA_OPT__ leaves what is there
	const none = -1
	optDepth := 0    // parentheses open inside __VA_OPT__( )
	optKeep := false // the variable argument is not empty
	optStart := none // length of out when __VA_OPT__ began, while in it
	optFlags := uint8(0)
	for i := 0; i < len(m.body); i++ {
		t := &m.body[i]
		afterPaste := i > 0 && m.body[i-1].flags&fPaste != 0
		if m.variadic && (optStart != none || t.kind == Ident && t.sym == symVaOpt) {
			if optStart == none {
				optFlags = t.flags
				if i > 0 && !afterPaste {
					out = append(out, *padFor(t))
				}
				optStart, optDepth = len(out), 1
				va := &args[len(args)-1]
				p.scratch = out
				p.expand(va)
				out = p.scratch
				optKeep = false
				for k := range va.expanded {
					if va.expanded[k].kind != kPad {
						optKeep = true
						break
					}
				}
				i++ // its '('
				continue
			}
			if t.is(opLParen) {
				optDepth++
			} else if t.is(opRParen) {
				if optDepth--; optDepth == 0 {
					start := optStart
					optStart = none
					if optFlags&fStringify != 0 {
						s := p.stringifyPasted(out[start:])
						out = append(out[:start], tok{kind: String, text: s, chain: chain, flags: t.flags & fPaste})
						continue
					}
					if len(out) == start && start > mark {
						out[start-1].flags &^= fPaste
					}
					if t.flags&fPaste != 0 {
						for len(out) > start && out[len(out)-1].kind == kPad && out[len(out)-1].sym == padNone {
							out = out[:len(out)-1]
						}
						if n := len(out); n > mark && out[n-1].kind != kPad {
							out[n-1].flags |= fPaste
						}
					} else {
						out = append(out, padNoneTok)
					}
					continue
				}
			}
			if !optKeep {
				continue
			}
		}
		if t.kind != kArg {
			out = append(out, *t)
			o := &out[len(out)-1]
			o.chain, o.root = chain, root
			continue
		}
		a := &args[t.arg]
		var from []tok
		flagAt := none // out[flagAt] takes over t's paste flag
		switch {
		case t.flags&fStringify != 0:
			from = nil
		case t.flags&fPaste != 0:
			from = a.raw
		case afterPaste:
			from = a.raw
			if n := len(out); n > mark {
				switch {
				case out[n-1].is(opComma) && m.variadic && int(t.arg) == len(m.params)-1:
					if a.omitted {
						out = out[:n-1]
					} else {
						flagAt = n - 1
					}
				case len(from) == 0:
					flagAt = n - 1
				}
			}
		default:
			from = a.expanded
			if optStart > mark && optStart == len(out) {
				for len(from) > 0 && from[0].kind == kPad {
					from = from[1:]
				}
			}
		}
		if !p.inDirective && i > 0 && !afterPaste && !(optStart > mark && optStart == len(out)) {
			out = append(out, *padFor(t))
		}
		if t.flags&fStringify != 0 {
			out = append(out, tok{kind: String, text: a.str, chain: chain})
		} else {
			for k := range from {
				out = append(out, from[k])
				o := &out[len(out)-1]
				o.flags &^= fFile
				o.root = root
			}
		}
		if t.flags&fPaste != 0 && (len(from) > 0 || t.flags&fStringify != 0) {
			flagAt = len(out) - 1
		}
		if !p.inDirective && t.flags&fPaste == 0 {
			out = append(out, padNoneTok)
		}
		if flagAt != none {
			out[flagAt].flags = out[flagAt].flags&^fPaste | t.flags&fPaste
		}
	}
	p.scratch = out
	p.push(p.arena.copy(out[mark:]), name.sym)
	p.scratch = p.scratch[:mark]
}

// stringifyPasted carries out the ## in toks and makes a string of the rest.
func (p *pp) stringifyPasted(toks []tok) string {
	var done []tok
	for i := 0; i < len(toks); i++ {
		t := &toks[i]
		for t.flags&fPaste != 0 && i+1 < len(toks) {
			r, ok := p.paste(t, &toks[i+1])
			if !ok {
				t = r
				break
			}
			i++
			more := toks[i].flags & fPaste
			r.flags |= more
			t = r
		}
		done = append(done, *t)
	}
	return p.stringify(done)
}

// stringify is the # operator.
func (p *pp) stringify(toks []tok) string {
	b := append(p.bytes[:0], '"')
	pad, padded := padNone, false
	backslashes := 0
	for i := range toks {
		t := &toks[i]
		if t.kind == kPad {
			if padded {
				pad = joinPad(pad, t.sym)
			} else {
				pad, padded = t.sym, true
			}
			continue
		}
		if len(b) > 1 {
			white := t.flags&fWhite != 0
			if padded && pad != padNone {
				white = pad == padWhite
			}
			if white {
				b = append(b, ' ')
			}
		}
		pad, padded = padNone, false
		if t.kind == String || t.kind == Char {
			for k := 0; k < len(t.text); k++ {
				switch c := t.text[k]; c {
				case '\n':
					b = append(b, '\\', 'n')
				case '"', '\\':
					b = append(b, '\\', c)
				default:
					b = append(b, c)
				}
			}
		} else {
			b = append(b, p.spelled(t)...)
		}
		if t.kind == Other && t.text == `\` {
			backslashes++
		} else {
			backslashes = 0
		}
	}
	if backslashes&1 != 0 {
		b = b[:len(b)-1]
	}
	b = append(b, '"')
	p.bytes = b
	p.charge(len(b))
	return string(b)
}

// spelled is a token as it was written: # sees é where gcc -E prints its
// universal character name.
func (p *pp) spelled(t *tok) string {
	if t.kind == Ident && t.file != 0 && strings.Contains(t.text, `\U`) {
		if f := p.files.File(t.file); f != nil && int(t.end) <= len(f.Data) {
			s, _ := clean(string(f.Data[t.off:t.end]), p.mode&mTrigraphs != 0)
			return s
		}
	}
	return t.text
}

// pasteAll carries out the ## operators that begin with t, which has just been
// read from the current context, and pushes the result.
func (p *pp) pasteAll(t *tok) {
	c := &p.ctx[len(p.ctx)-1]
	sym := c.sym
	lhs := t
	for c.pos < len(c.toks) {
		rhs := &c.toks[c.pos]
		c.pos++
		r, ok := p.paste(lhs, rhs)
		lhs = r
		if !ok {
			c.pos--
			break
		}
		if rhs.flags&fPaste == 0 {
			break
		}
	}
	lhs.flags &^= fPaste
	out := p.arena.alloc(1)
	out[0] = *lhs
	p.push(out, sym)
}

// paste is the ## operator. If the two make no token it returns a copy of the
// left one and false.
func (p *pp) paste(l, r *tok) (*tok, bool) {
	n := p.arena.one(l)
	n.flags &^= fPaste
	if r.kind == kPad || r.text == "" {
		return n, true
	}
	p.charge(len(l.text) + len(r.text))
	text := l.text + r.text
	if l.kind == kPad {
		n.kind, n.chain = Other, r.chain
		text = r.text
	}
	if l.is(opDiv) && r.text != "=" {
		text = l.text + " " + r.text
	}
	k, sym, end := scan(text, 0, p.mode)
	if end < 0 {
		end = rawEnd(text)
	}
	if end != len(text) {
		p.errorf("macro-paste", p.where(l), "pasting %q and %q does not give a valid preprocessing token", l.text, r.text)
		return n, false
	}
	n.kind, n.sym, n.text = k, sym, text
	if k == Ident {
		n.text = canonical(text)
		n.sym = p.cache.intern(n.text)
	}
	n.file, n.off, n.end = 0, 0, 0
	n.flags &= fWhite
	return n, true
}

// enterBuiltin pushes the value of a computed macro.
func (p *pp) enterBuiltin(m *macro, t *tok) bool {
	out := tok{kind: Number, flags: 0}
	switch m.builtin {
	case bPragma:
		if p.inDirective || p.noPragma > 0 {
			return false
		}
		return p.pragmaOperator(t)
	case bLine:
		out.text = strconv.Itoa(p.expansionLine(t))
	case bFile:
		out.kind, out.text = String, quote(p.buf.name)
	case bFileName:
		out.kind, out.text = String, quote(p.buf.name[strings.LastIndexByte(p.buf.name, '/')+1:])
	case bBaseFile:
		out.kind, out.text = String, quote(p.mainName)
	case bDate:
		out.kind, out.text = String, p.date(false)
	case bTime:
		out.kind, out.text = String, p.date(true)
	case bTimestamp:
		out.kind, out.text = String, p.timestamp()
	case bCounter:
		out.text = strconv.Itoa(p.counter)
		p.counter++
	case bIncludeLevel:
		out.text = strconv.Itoa(len(p.bufs))
	case bHasInclude, bHasIncludeNext:
		out.text = strconv.Itoa(p.hasInclude(t, m.builtin == bHasIncludeNext))
	case bHas:
		n := p.hasFeature(t)
		out.text = strconv.Itoa(n)
		if p.clang && n > 1 {
			out.text += "L"
		}
	}
	out.chain = p.newChain(m, t, t)
	p.push(p.arena.copy([]tok{out}), p.top())
	return true
}

func quote(s string) string {
	s = strings.ReplaceAll(s, `\`, `\\`)
	return `"` + strings.ReplaceAll(s, `"`, `\"`) + `"`
}

// lineAt is the line of a place in the file being read, as #line has it.
func (p *pp) lineAt(off int32) int {
	if p.buf == nil || p.buf.file == nil {
		return 0
	}
	line, _ := p.buf.file.LineCol(off)
	return line + p.buf.lineDelta
}

// expansionLine is what __LINE__ stands for: its own line where it is written
// in the file (also in an argument), else that of the invocation it came from.
// If the outermost macro is an object-like one, its line counts throughout.
func (p *pp) expansionLine(t *tok) int {
	switch {
	case p.inDirective:
		return p.lineAt(p.buf.lx.toks[p.buf.line].off)
	case t.chain > 0 && !p.topFun:
		return p.lineAt(p.exp.pos.Off)
	case t.chain > 0 && t.flags&fFile == 0:
		return p.lineAt(t.root)
	}
	return p.lineAt(t.off)
}

// where is the place to blame for t: its own, or the invocation's it is from.
func (p *pp) where(t *tok) source.Pos {
	if t.file != 0 {
		return t.pos()
	}
	if t.chain > 0 {
		return p.exp.pos
	}
	return source.Pos{}
}
