package check

import (
	"strconv"
	"strings"

	"saz/frontend/cpp"
	"saz/frontend/ctype"
	"saz/frontend/source"
	"saz/frontend/syntax"
)

// attrs is what the attributes of one declaration, declarator or type say, as
// far as it changes meaning.
type attrs struct {
	packed, transparent, weak, noreturn bool
	constructor, destructor             bool
	common, nocommon, gnuInline, used   bool
	align                               int64 // 0: none
	vector                              int64 // bytes
	mode, alias, section, label         string
	cleanup                             string
	cleanupTok                          int32
}

// biggestAlignment is what aligned without an argument means.
const biggestAlignment = 16

// readAttrs adds attributes to a.
func (c *checker) readAttrs(a *attrs, list []syntax.Attr) {
	for i := range list {
		at := &list[i]
		switch at.Name {
		case "packed":
			a.packed = true
		case "aligned":
			n := int64(biggestAlignment)
			if len(at.Args) > 0 {
				n = c.attrInt(at, 0)
			}
			a.align = max(a.align, n)
		case "_Alignas":
			if len(at.Args) > 0 {
				a.align = max(a.align, c.alignas(at))
			}
		case "vector_size":
			a.vector = c.attrInt(at, 0)
		case "mode":
			a.mode = strings.Trim(c.attrWord(at, 0), "_")
		case "transparent_union":
			a.transparent = true
		case "weak":
			a.weak = true
		case "weakref":
			a.weak = true
			if len(at.Args) > 0 {
				a.alias = c.plainString(at.Args[0].Lo, at.Args[0].Hi)
			}
		case "alias", "ifunc":
			if len(at.Args) > 0 {
				a.alias = c.plainString(at.Args[0].Lo, at.Args[0].Hi)
			}
		case "section":
			if len(at.Args) > 0 {
				a.section = c.plainString(at.Args[0].Lo, at.Args[0].Hi)
			}
		case "asm":
			if len(at.Args) > 0 {
				a.label = c.plainString(at.Args[0].Lo, at.Args[0].Hi)
			}
		case "constructor":
			a.constructor = true
		case "destructor":
			a.destructor = true
		case "cleanup":
			a.cleanup = c.attrWord(at, 0)
			a.cleanupTok = at.Tok
		case "noreturn", "_Noreturn":
			a.noreturn = true
		case "used", "retain":
			a.used = true
		case "common":
			a.common = true
		case "nocommon":
			a.nocommon = true
		case "gnu_inline":
			a.gnuInline = true
		case "ms_struct":
			c.failAt(at.Tok, "the ms_struct attribute is not supported")
		case "scalar_storage_order":
			if c.plainString(at.Args[0].Lo, at.Args[0].Hi) == "big-endian" {
				c.failAt(at.Tok, "the scalar_storage_order attribute is not supported")
			}
		}
	}
}

func (c *checker) attrWord(at *syntax.Attr, i int) string {
	if i >= len(at.Args) || at.Args[i].Lo >= at.Args[i].Hi {
		c.failAt(at.Tok, "attribute %s needs an argument", at.Name)
	}
	return c.ctoks[at.Args[i].Lo].Text
}

func (c *checker) attrInt(at *syntax.Attr, i int) int64 {
	if i >= len(at.Args) {
		c.failAt(at.Tok, "attribute %s needs an argument", at.Name)
	}
	v := c.tokensInt(at.Args[i].Lo, at.Args[i].Hi)
	if v <= 0 || v&(v-1) != 0 || v > 1<<28 {
		c.failAt(at.Tok, "the argument of attribute %s is %d, a power of two is needed", at.Name, v)
	}
	return v
}

func (c *checker) alignas(at *syntax.Attr) int64 {
	p := tokenParser{c: c, i: at.Args[0].Lo, hi: at.Args[0].Hi}
	if t := p.typeName(); t != nil && p.i == p.hi {
		return ctype.AlignOf(t)
	}
	return c.tokensInt(at.Args[0].Lo, at.Args[0].Hi)
}

// apply changes a declared type as the attributes vector_size, mode and (for
// typedefs, inTypedef) aligned ask.
func (c *checker) applyAttrs(a *attrs, t *ctype.Type, inTypedef bool, n int32) *ctype.Type {
	if a.mode != "" {
		t = c.innermost(t, func(b *ctype.Type) *ctype.Type { return c.withMode(b, a.mode, n) })
	}
	if a.vector != 0 {
		t = c.innermost(t, func(b *ctype.Type) *ctype.Type {
			size := ctype.SizeOf(b)
			if !b.IsReal() || size <= 0 || a.vector%size != 0 {
				c.fail(n, "vector_size %d does not fit elements of type %s", a.vector, b)
			}
			return c.ty.Qualified(c.ty.Vector(b.Unqualified(), a.vector/size), b.Qual)
		})
	}
	if a.noreturn {
		t = c.noReturn(t)
	}
	if a.transparent && t.Kind == ctype.Union {
		t.Rec.Transparent = true
	}
	if inTypedef && a.align != 0 {
		t = c.ty.Aligned(t, a.align)
	}
	return t
}

// noReturn marks a function type, or the one that a pointer leads to.
func (c *checker) noReturn(t *ctype.Type) *ctype.Type {
	switch t.Kind {
	case ctype.Func:
		if t.Func.NoReturn {
			return t
		}
		f := *t.Func
		f.NoReturn = true
		return c.ty.Function(t.Elem, &f)
	case ctype.Pointer:
		if e := c.noReturn(t.Elem); e != t.Elem {
			return c.ty.Qualified(c.ty.Pointer(e), t.Qual)
		}
	}
	return t
}

// innermost rebuilds t with f applied to what lies below its declarators.
func (c *checker) innermost(t *ctype.Type, f func(*ctype.Type) *ctype.Type) *ctype.Type {
	switch t.Kind {
	case ctype.Pointer:
		return c.ty.Qualified(c.ty.Pointer(c.innermost(t.Elem, f)), t.Qual)
	case ctype.Array:
		if t.Len == -2 {
			return c.ty.VLA(c.innermost(t.Elem, f), t.VLA)
		}
		return c.ty.Array(c.innermost(t.Elem, f), t.Len)
	case ctype.Func:
		return c.ty.Function(c.innermost(t.Elem, f), t.Func)
	}
	return f(t)
}

// withMode is __attribute__((mode(M))).
func (c *checker) withMode(t *ctype.Type, mode string, n int32) *ctype.Type {
	var r *ctype.Type
	signed := t.IsSigned()
	switch mode {
	case "QI", "byte":
		r = ctype.IntOfSize(1, signed)
	case "HI":
		r = ctype.IntOfSize(2, signed)
	case "SI":
		r = ctype.IntOfSize(4, signed)
	case "DI", "word", "pointer":
		r = ctype.IntOfSize(8, signed)
	case "TI":
		r = ctype.IntOfSize(16, signed)
	case "HF":
		r = ctype.TFloat16
	case "SF":
		r = ctype.TFloat
	case "DF":
		r = ctype.TDouble
	case "XF":
		r = ctype.TLongDouble
	case "TF":
		r = ctype.TFloat128
	case "SC", "DC", "XC", "TC":
		r = c.ty.Complex(map[string]*ctype.Type{"SC": ctype.TFloat, "DC": ctype.TDouble, "XC": ctype.TLongDouble, "TC": ctype.TFloat128}[mode])
	default:
		c.fail(n, "machine mode %s is not supported", mode)
	}
	return c.ty.Qualified(r, t.Qual)
}

// applyObject gives an object the attributes of one of its declarations.
func (c *checker) applyObject(a *attrs, o *Object) {
	o.Weak = o.Weak || a.weak
	o.used = o.used || a.used
	o.Common = (o.Common || a.common) && !a.nocommon
	o.Constructor = o.Constructor || a.constructor
	o.Destructor = o.Destructor || a.destructor
	o.NoReturn = o.NoReturn || a.noreturn
	o.Align = max(o.Align, a.align)
	if a.alias != "" {
		o.Alias = a.alias
	}
	if a.section != "" {
		o.Section = a.section
	}
	if a.label != "" {
		o.Link = a.label
	}
	if a.cleanup != "" {
		id := c.idents[a.cleanup]
		if id == nil || id.kind != objectIdent {
			c.failAt(a.cleanupTok, "cleanup function %s is not declared", a.cleanup)
		}
		o.Cleanup = id.obj
		id.obj.AddrTaken = true
		o.AddrTaken = true
		c.mention(id.obj)
	}
}

// ---- constant expressions in attributes
//
// Arguments of attributes were never parsed: they are tokens. What stands there
// in practice is a number, an enumerator, sizeof or alignof a type, and
// arithmetic on these; tokenParser understands that much.

type tokenParser struct {
	c     *checker
	i, hi int32
}

func (c *checker) tokensInt(lo, hi int32) int64 {
	p := tokenParser{c: c, i: lo, hi: hi}
	v := p.cond()
	if p.i != hi {
		p.fail()
	}
	return v
}

func (p *tokenParser) fail() {
	i := p.i
	if i >= p.hi {
		i = p.hi - 1
	}
	p.c.failAt(i, "saz cannot evaluate this constant expression in an attribute")
}

func (p *tokenParser) peek() string {
	if p.i < p.hi {
		return p.c.ctoks[p.i].Text
	}
	return ""
}

func (p *tokenParser) accept(s string) bool {
	if p.peek() == s {
		p.i++
		return true
	}
	return false
}

func (p *tokenParser) need(s string) {
	if !p.accept(s) {
		p.fail()
	}
}

func (p *tokenParser) cond() int64 {
	v := p.binary(0)
	if p.accept("?") {
		a := p.cond()
		p.need(":")
		b := p.cond()
		if v != 0 {
			return a
		}
		return b
	}
	return v
}

var tokenPrec = map[string]int{
	"||": 1, "&&": 2, "|": 3, "^": 4, "&": 5, "==": 6, "!=": 6, "<": 7, ">": 7, "<=": 7, ">=": 7,
	"<<": 8, ">>": 8, "+": 9, "-": 9, "*": 10, "/": 10, "%": 10,
}

func (p *tokenParser) binary(prec int) int64 {
	a := p.unary()
	for {
		op := p.peek()
		k := tokenPrec[op]
		if k == 0 || k <= prec {
			return a
		}
		p.i++
		b := p.binary(k)
		bool64 := func(x bool) int64 {
			if x {
				return 1
			}
			return 0
		}
		switch op {
		case "||":
			a = bool64(a != 0 || b != 0)
		case "&&":
			a = bool64(a != 0 && b != 0)
		case "|":
			a |= b
		case "^":
			a ^= b
		case "&":
			a &= b
		case "==":
			a = bool64(a == b)
		case "!=":
			a = bool64(a != b)
		case "<":
			a = bool64(a < b)
		case ">":
			a = bool64(a > b)
		case "<=":
			a = bool64(a <= b)
		case ">=":
			a = bool64(a >= b)
		case "<<":
			a <<= uint64(b) & 63
		case ">>":
			a >>= uint64(b) & 63
		case "+":
			a += b
		case "-":
			a -= b
		case "*":
			a *= b
		default:
			if b == 0 {
				p.fail()
			}
			if op == "/" {
				a /= b
			} else {
				a %= b
			}
		}
	}
}

func (p *tokenParser) unary() int64 {
	t := p.peek()
	switch t {
	case "-":
		p.i++
		return -p.unary()
	case "+":
		p.i++
		return p.unary()
	case "~":
		p.i++
		return ^p.unary()
	case "!":
		p.i++
		if p.unary() == 0 {
			return 1
		}
		return 0
	case "(":
		p.i++
		save := p.i
		if t := p.typeName(); t != nil && p.accept(")") {
			v, _ := ctype.NumInt(p.unary()).Wrap(t).Int64()
			return v
		}
		p.i = save
		v := p.cond()
		p.need(")")
		return v
	case "sizeof", "_Alignof", "alignof", "__alignof__", "__alignof":
		p.i++
		p.need("(")
		var ty *ctype.Type
		if ty = p.typeName(); ty == nil {
			ty = p.objectType()
		}
		p.need(")")
		v := ctype.AlignOf(ty)
		if t == "sizeof" {
			v = ctype.SizeOf(ty)
		}
		if v < 0 {
			p.fail()
		}
		return v
	}
	if p.i < p.hi {
		tok := &p.c.ctoks[p.i]
		switch tok.Kind {
		case cpp.Number:
			if _, v, ok := parseInt(tok.Text); ok {
				p.i++
				n, _ := v.Int64()
				return n
			}
		case cpp.Char:
			_, body := splitLiteral(tok.Text)
			if b := decode(nil, body, 1); len(b) == 1 {
				p.i++
				return int64(int8(b[0]))
			}
		case cpp.Ident:
			if id := p.c.idents[tok.Text]; id != nil && id.kind == constIdent {
				p.i++
				n, _ := id.val.Int64()
				return n
			}
		}
	}
	p.fail()
	return 0
}

// objectType is the type of the variable named next, the only expression whose
// size attributes ask for in practice.
func (p *tokenParser) objectType() *ctype.Type {
	if id := p.c.idents[p.peek()]; id != nil && id.kind == objectIdent {
		p.i++
		return id.obj.Type
	}
	p.fail()
	return nil
}

// typeName parses a type name without declarators other than *; nil, with the
// position undefined, if there is none.
func (p *tokenParser) typeName() *ctype.Type {
	var w words
	var t *ctype.Type
	var q ctype.Qual
loop:
	for p.i < p.hi {
		s := p.peek()
		switch s {
		case "const", "__const", "volatile", "__volatile__", "__extension__":
		case "struct", "union", "enum":
			p.i++
			tg := p.c.tags[p.peek()]
			if tg == nil || t != nil {
				return nil
			}
			t = tg.typ
		default:
			id := p.c.idents[s]
			if id == nil && w.add(s) {
				break
			}
			if id == nil || id.kind != typedefIdent || t != nil || w.any() {
				break loop
			}
			t = id.typ
		}
		p.i++
	}
	if w.any() {
		if t != nil {
			return nil
		}
		var ok bool
		if t, ok = w.typ(p.c.ty); !ok {
			return nil
		}
	}
	if t == nil {
		return nil
	}
	t = p.c.ty.Qualified(t, q)
	for p.accept("*") {
		t = p.c.ty.Pointer(t)
		for p.accept("const") || p.accept("volatile") || p.accept("restrict") {
		}
	}
	return t
}

// ---- pragmas

// pragmas obeys the pragmas that stand before token tok.
func (c *checker) pragmas(tok int32) {
	list := c.unit.Cpp.Pragmas
	for ; c.pragma < len(list) && list[c.pragma].Tok <= tok; c.pragma++ {
		p := &list[c.pragma]
		f := strings.FieldsFunc(p.Text, func(r rune) bool {
			return r == ' ' || r == '\t' || r == '(' || r == ')' || r == ',' || r == '#'
		})
		if len(f) > 0 && f[0] == "pragma" {
			f = f[1:]
		}
		switch {
		case len(f) == 0:
		case f[0] == "pack":
			c.pragmaPack(f[1:], p.Pos)
		case f[0] == "weak" && len(f) > 1:
			name, alias, found := strings.Cut(strings.Join(f[1:], ""), "=")
			o := c.externs[name]
			if o == nil && c.weakLater == nil {
				c.weakLater = map[string]string{}
			}
			if o == nil {
				c.weakLater[name] = alias
			} else {
				o.Weak = true
				if found {
					o.Alias = alias
				}
			}
		case f[0] == "scalar_storage_order" && len(f) > 1 && f[1] == "big-endian":
			c.sink.Errorf("type-error", p.Pos, "#pragma scalar_storage_order is not supported")
		}
	}
}

func (c *checker) pragmaPack(f []string, pos source.Pos) {
	set := func(s string) bool {
		n, err := strconv.ParseInt(s, 0, 64)
		if err != nil {
			return false
		}
		if n < 0 || n > 16 || n&(n-1) != 0 {
			c.sink.Warnf("pragma-pack", pos, "#pragma pack(%s) is ignored", s)
			return true
		}
		c.pack = n
		return true
	}
	switch {
	case len(f) == 0:
		c.pack = 0
	case f[0] == "push":
		e := packEntry{n: c.pack}
		f = f[1:]
		if len(f) > 0 && !(f[0][0] >= '0' && f[0][0] <= '9') {
			e.name, f = f[0], f[1:]
		}
		c.packStack = append(c.packStack, e)
		if len(f) > 0 {
			set(f[0])
		}
	case f[0] == "pop":
		i := len(c.packStack) - 1
		if len(f) > 1 {
			for i >= 0 && c.packStack[i].name != f[1] {
				i--
			}
		}
		if i < 0 {
			c.sink.Warnf("pragma-pack", pos, "#pragma pack(pop) without a push is ignored")
			return
		}
		c.pack = c.packStack[i].n
		c.packStack = c.packStack[:i]
	default:
		if !set(f[0]) {
			c.sink.Warnf("pragma-pack", pos, "#pragma pack(%s) is ignored", f[0])
		}
	}
}
