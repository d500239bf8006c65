package cpp

import (
	"fmt"
	"strconv"
	"strings"

	"saz/frontend/source"
)

// dirKind is what a directive line begins with.
type dirKind uint8

const (
	dUnknown dirKind = iota
	dNull
	dDefine
	dUndef
	dInclude
	dIncludeNext
	dImport
	dIf
	dIfdef
	dIfndef
	dElif
	dElifdef
	dElifndef
	dElse
	dEndif
	dLine
	dMarker // # 33 "file"
	dError
	dWarning
	dPragma
	dIgnored // #ident, #sccs, #assert, #unassert
)

var dirNames = map[string]dirKind{
	"define": dDefine, "undef": dUndef, "include": dInclude, "include_next": dIncludeNext, "import": dImport,
	"if": dIf, "ifdef": dIfdef, "ifndef": dIfndef, "elif": dElif, "elifdef": dElifdef, "elifndef": dElifndef,
	"else": dElse, "endif": dEndif, "line": dLine, "error": dError, "warning": dWarning, "pragma": dPragma,
	"ident": dIgnored, "sccs": dIgnored, "assert": dIgnored, "unassert": dIgnored,
}

func (k dirKind) String() string {
	for n, d := range dirNames {
		if d == k && d != dIgnored {
			return n
		}
	}
	return "directive"
}

// dirKindOf classifies the token after #.
func dirKindOf(t *tok, m mode) dirKind {
	switch t.kind {
	case Number:
		return dMarker
	case Ident:
		k := dirNames[t.text]
		if (k == dElifdef || k == dElifndef) && m&mScope == 0 {
			return dUnknown
		}
		return k
	}
	return dUnknown
}

func (p *pp) errorf(id string, pos source.Pos, format string, args ...any) {
	p.report(source.Error, id, pos, fmt.Sprintf(format, args...), "")
}

func (p *pp) warnf(id string, pos source.Pos, format string, args ...any) {
	p.report(source.Warning, id, pos, fmt.Sprintf(format, args...), "")
}

// directive carries out the directive whose # is the next token. It may stand
// between the arguments of a macro call: what was being done there goes on
// afterwards.
func (p *pp) directive() {
	p.step()
	prevent, parsing := p.prevent, p.parsing
	p.prevent, p.parsing = 0, 0
	b := p.buf
	d := &b.lx.dirs[b.dir]
	b.dir++
	b.line, b.last = int(d.first), int(d.last)
	b.pos = b.last
	p.carryOut(b, d)
	p.prevent, p.parsing = prevent, parsing
}

// operands starts reading the operands of d.
func (p *pp) operands(b *buffer, d *dirLine) {
	b.line, b.last = int(d.first), int(d.last)
	b.pos = min(b.line+2, b.last)
	p.inDirective = true
}

// endOperands drops what has not been read of them.
func (p *pp) endOperands(b *buffer) {
	for len(p.ctx) > 0 {
		p.pop()
	}
	b.pos = b.last
	p.inDirective = false
}

func (p *pp) carryOut(b *buffer, d *dirLine) {
	hash := &b.lx.toks[d.first]
	if d.last == d.first+1 {
		return // the null directive
	}
	line := b.lx.toks[d.first+2 : d.last]
	switch d.kind {
	case dDefine:
		m := d.macro.Load()
		if m == nil {
			var bad int
			var msg string
			if m, bad, msg = define(line); m == nil {
				at := hash
				if bad < len(line) {
					at = &line[bad]
				}
				p.errorf("bad-define", at.pos(), "%s", msg)
				return
			}
			d.macro.Store(m)
		}
		p.define(line[0].sym, m)
	case dUndef:
		if len(line) == 0 || line[0].kind != Ident {
			p.errorf("directive-syntax", hash.pos(), "no macro name given in #undef directive")
			return
		}
		p.define(line[0].sym, nil)
	case dInclude, dIncludeNext, dImport:
		p.operands(b, d)
		name, angled, ok := p.headerFrom(p.getReal())
		p.endOperands(b)
		p.include(d.kind, hash, name, angled, ok)
	case dIf, dIfdef, dIfndef:
		b.groups = append(b.groups, group{dir: b.dir - 1})
		if p.condition(b, d) {
			b.groups[len(b.groups)-1].taken = true
		} else {
			p.skip(b, d)
		}
	case dElif, dElifdef, dElifndef, dElse:
		if len(b.groups) == 0 {
			p.errorf("unbalanced-if", hash.pos(), "#%s without #if", d.kind)
			return
		}
		p.skip(b, d) // a part before it has been read
	case dEndif:
		if len(b.groups) == 0 {
			p.errorf("unbalanced-if", hash.pos(), "#endif without #if")
			return
		}
		b.groups = b.groups[:len(b.groups)-1]
	case dLine, dMarker:
		p.lineDirective(b, d)
	case dError:
		p.report(source.Error, "error-directive", hash.pos(), "#error "+spell(line), "")
	case dWarning:
		p.report(source.Warning, "warning-directive", hash.pos(), "#warning "+spell(line), "")
	case dPragma:
		p.pragma(b, line, hash.pos())
	case dIgnored:
	default:
		if b.file != nil {
			p.errorf("directive-unknown", hash.pos(), "invalid preprocessing directive #%s", b.lx.toks[d.first+1].text)
		}
	}
}

// condition evaluates the #if, #elif, #ifdef, ... line d.
func (p *pp) condition(b *buffer, d *dirLine) bool {
	switch d.kind {
	case dIf, dElif:
		p.operands(b, d)
		v := p.evaluate()
		p.endOperands(b)
		return v
	}
	if d.last < d.first+3 || b.lx.toks[d.first+2].kind != Ident {
		p.errorf("directive-syntax", b.lx.toks[d.first].pos(), "no macro name given in #%s directive", d.kind)
		return false
	}
	def := p.defined(b.lx.toks[d.first+2].sym)
	return def == (d.kind == dIfdef || d.kind == dElifdef)
}

// skip leaves out what follows the conditional directive d, up to the part of
// its group that is to be read, or to the end of the group.
func (p *pp) skip(b *buffer, d *dirLine) {
	g := &b.groups[len(b.groups)-1]
	g.other = g.other || d.kind == dElse
	for i := d.link; i >= 0; i = d.link {
		d = &b.lx.dirs[i]
		b.dir = int(i) + 1
		b.pos = int(d.last)
		hash := &b.lx.toks[d.first]
		if g.other && d.kind != dEndif {
			p.errorf("unbalanced-if", hash.pos(), "#%s after #else", d.kind)
		}
		switch d.kind {
		case dEndif:
			b.groups = b.groups[:len(b.groups)-1]
			return
		case dElse:
			g.other = true
			if !g.taken {
				g.taken = true
				return
			}
		default:
			if !g.taken && p.condition(b, d) {
				g.taken = true
				return
			}
		}
	}
	b.pos, b.dir = len(b.lx.toks), len(b.lx.dirs)
}

// lineDirective carries out #line and line markers.
func (p *pp) lineDirective(b *buffer, d *dirLine) {
	p.operands(b, d)
	if d.kind == dMarker {
		b.pos--
	}
	n := p.getReal()
	text := n.text
	kind := n.kind
	name := p.getReal()
	hasName := name.kind == String
	file := name.text
	system := false
	for t := name; t.kind != kEOF; t = p.getReal() {
		system = system || d.kind == dMarker && t.kind == Number && t.text == "3"
	}
	p.endOperands(b)
	v, err := strconv.ParseUint(strings.ReplaceAll(text, "'", ""), 10, 32)
	if kind != Number || err != nil {
		p.errorf("directive-syntax", p.linePos(), "#line needs a line number")
		return
	}
	if hasName {
		if s, err := strconv.Unquote(file); err == nil {
			b.name = s
		}
	}
	if d.kind == dMarker && system && b.file != nil {
		b.system = true
	}
	if b.file != nil {
		last := b.lx.toks[d.last-1]
		line, _ := b.file.LineCol(last.off)
		b.lineDelta = int(v) - (line + 1)
	}
}

// spell writes tokens as text.
func spell(toks []tok) string {
	var b strings.Builder
	for i := range toks {
		if i > 0 && toks[i].flags&fWhite != 0 {
			b.WriteByte(' ')
		}
		b.WriteString(toks[i].text)
	}
	return b.String()
}

// expandedPragmas are those whose operands the compiler macro-expands.
var expandedPragmas = map[string]bool{"pack": true, "redefine_extname": true, "scalar_storage_order": true}

// pragma carries out #pragma: line is what follows it. What is not for the
// preprocessor is kept in the unit.
func (p *pp) pragma(b *buffer, line []tok, pos source.Pos) {
	if len(line) == 0 {
		return
	}
	word := func(i int) string {
		if i < len(line) {
			return line[i].text
		}
		return ""
	}
	switch word(0) {
	case "once":
		if b.file != nil && len(p.bufs) > 0 {
			p.addOnce(b.file)
		}
		return
	case "push_macro", "pop_macro":
		if len(line) >= 4 && line[2].kind == String {
			sym := p.cache.intern(strings.Trim(line[2].text, `"`))
			if word(0) == "push_macro" {
				p.pushMacro(sym)
			} else {
				p.popMacro(sym)
			}
			return
		}
	case "GCC":
		switch word(1) {
		case "system_header":
			if b.file != nil && len(p.bufs) > 0 {
				b.system = true
				p.unit.System[b.file.ID] = true
			}
			return
		case "poison", "dependency":
			return
		case "error":
			p.report(source.Error, "error-directive", pos, "#pragma "+spell(line), "")
			return
		case "warning":
			p.report(source.Warning, "warning-directive", pos, "#pragma "+spell(line), "")
			return
		}
	}
	if expandedPragmas[word(0)] {
		line = p.expandLine(line)
	}
	p.unit.Pragmas = append(p.unit.Pragmas, Pragma{Tok: int32(len(p.unit.Tokens)), Text: spell(line), Pos: pos})
}

// expandLine macro-expands the tokens of a pragma.
func (p *pp) expandLine(line []tok) []tok {
	was := p.inDirective
	p.inDirective = true
	p.push(append(append([]tok(nil), line...), eofTok), 0)
	depth := len(p.ctx)
	var out []tok
	for {
		var white uint8 // an expansion has the space of the name it replaces
		if c := &p.ctx[len(p.ctx)-1]; len(p.ctx) == depth {
			white = c.toks[c.pos].flags & fWhite
		}
		t := p.getReal()
		if t.kind == kEOF {
			break
		}
		out = append(out, *t)
		out[len(out)-1].flags |= white
	}
	for len(p.ctx) >= depth {
		p.pop()
	}
	p.inDirective = was
	return out
}

// pragmaOperator carries out _Pragma("..."), whose name is t, and takes it away.
func (p *pp) pragmaOperator(t *tok) bool {
	pos := p.where(t)
	if t.chain > 0 {
		pos = p.exp.pos
	}
	open := p.getReal()
	if !open.is(opLParen) {
		if open != &eofTok {
			p.unget()
		}
		p.errorf("directive-syntax", pos, "_Pragma takes a parenthesized string literal")
		return true // gone: looking for the parenthesis may have left the expansion that the name came from
	}
	str := p.getReal()
	if str.kind != String {
		p.errorf("directive-syntax", pos, "_Pragma takes a parenthesized string literal")
		return true
	}
	text := str.text
	if end := p.getReal(); !end.is(opRParen) {
		p.errorf("directive-syntax", pos, "_Pragma takes a parenthesized string literal")
		return true
	}
	text = strings.TrimSuffix(text[strings.IndexByte(text, '"')+1:], `"`)
	text = strings.ReplaceAll(strings.ReplaceAll(text, `\"`, `"`), `\\`, `\`)
	lx := p.cache.lex([]byte(text), 0, p.mode)
	p.pragma(p.buf, lx.toks, pos)
	return true
}
