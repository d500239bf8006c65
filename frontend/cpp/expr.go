package cpp

import (
	"strconv"
	"strings"
	"unicode/utf8"
)

// A number is a value of #if arithmetic: intmax_t or uintmax_t.
type number struct {
	v        uint64
	unsigned bool
}

func (n number) neg() bool { return !n.unsigned && int64(n.v) < 0 }

func truth(b bool) number {
	if b {
		return number{v: 1}
	}
	return number{}
}

// An evaluator computes one #if expression. It reads one token ahead.
type evaluator struct {
	p    *pp
	t    *tok // the next token
	skip int  // > 0: the value is not needed, so 1/0 is no error
	bad  bool
}

// evaluate reads and computes the expression of the #if or #elif at hand.
func (p *pp) evaluate() bool {
	e := &evaluator{p: p}
	e.next()
	if e.t.kind == kEOF {
		e.fail("#if with no expression")
		return false
	}
	n := e.comma()
	if !e.bad && e.t.kind != kEOF {
		e.fail("missing binary operator before token %q", e.t.text)
	}
	return !e.bad && n.v != 0
}

// complain reports a bad operand, for which the evaluation goes on with 0.
func (e *evaluator) complain(format string, args ...any) {
	if !e.bad {
		e.p.errorf("bad-condition", e.p.linePos(), format, args...)
	}
}

// fail reports a syntax error: the condition is false.
func (e *evaluator) fail(format string, args ...any) {
	if !e.bad {
		e.bad = true
		e.p.errorf("bad-condition", e.p.linePos(), format, args...)
	}
}

func (e *evaluator) next() { e.t = e.p.getReal() }

func (e *evaluator) comma() number {
	n := e.conditional()
	for !e.bad && e.t.is(opComma) {
		e.next()
		n = e.conditional()
	}
	return n
}

func (e *evaluator) conditional() number {
	c := e.binary(1)
	if e.bad || !e.t.is(opQuery) {
		return c
	}
	e.next()
	if c.v == 0 {
		e.skip++
	}
	var a number
	if e.t.is(opColon) { // GNU: c ?: b
		a = c
	} else {
		a = e.comma()
	}
	if c.v == 0 {
		e.skip--
	}
	if e.bad {
		return c
	}
	if !e.t.is(opColon) {
		e.fail("'?' without following ':'")
		return c
	}
	e.next()
	if c.v != 0 {
		e.skip++
	}
	b := e.conditional()
	if c.v != 0 {
		e.skip--
	}
	uns := a.unsigned || b.unsigned
	if c.v == 0 {
		a = b
	}
	a.unsigned = uns
	return a
}

// precedence of the binary operators, from 1.
func precedence(t *tok) int {
	if t.kind != Punct {
		return 0
	}
	switch t.sym {
	case opLOr:
		return 1
	case opLAnd:
		return 2
	case opOr:
		return 3
	case opXor:
		return 4
	case opAnd:
		return 5
	case opEq, opNe:
		return 6
	case opLt, opGt, opLe, opGe:
		return 7
	case opShl, opShr:
		return 8
	case opPlus, opMinus:
		return 9
	case opMul, opDiv, opMod:
		return 10
	}
	return 0
}

func (e *evaluator) binary(least int) number {
	a := e.unary()
	for !e.bad {
		pr := precedence(e.t)
		if pr < least || pr == 0 {
			break
		}
		op := e.t.sym
		e.next()
		dead := op == opLAnd && a.v == 0 || op == opLOr && a.v != 0
		if dead {
			e.skip++
		}
		b := e.binary(pr + 1)
		if dead {
			e.skip--
		}
		if e.bad {
			break
		}
		a = e.apply(op, a, b)
	}
	return a
}

func (e *evaluator) apply(op int32, a, b number) number {
	u := a.unsigned || b.unsigned
	less := func(a, b number) bool {
		if u {
			return a.v < b.v
		}
		return int64(a.v) < int64(b.v)
	}
	switch op {
	case opLOr:
		return truth(a.v != 0 || b.v != 0)
	case opLAnd:
		return truth(a.v != 0 && b.v != 0)
	case opEq:
		return truth(a.v == b.v)
	case opNe:
		return truth(a.v != b.v)
	case opLt:
		return truth(less(a, b))
	case opGt:
		return truth(less(b, a))
	case opLe:
		return truth(!less(b, a))
	case opGe:
		return truth(!less(a, b))
	case opOr:
		return number{a.v | b.v, u}
	case opXor:
		return number{a.v ^ b.v, u}
	case opAnd:
		return number{a.v & b.v, u}
	case opPlus:
		return number{a.v + b.v, u}
	case opMinus:
		return number{a.v - b.v, u}
	case opMul:
		return number{a.v * b.v, u}
	case opShl, opShr:
		n, left := b.v, op == opShl
		if b.neg() {
			n, left = -n, !left
		}
		switch {
		case left && n > 63:
			a.v = 0
		case left:
			a.v <<= n
		case a.neg():
			a.v = uint64(int64(a.v) >> min(n, 63))
		case n > 63:
			a.v = 0
		default:
			a.v >>= n
		}
		return a
	}
	if b.v == 0 { // / and %
		if e.skip == 0 {
			e.complain("division by zero in #if")
		}
		return a
	}
	if op == opDiv {
		if u {
			return number{a.v / b.v, true}
		}
		return number{uint64(int64(a.v) / int64(b.v)), false}
	}
	if u {
		return number{a.v % b.v, true}
	}
	return number{uint64(int64(a.v) % int64(b.v)), false}
}

func (e *evaluator) unary() number {
	t := e.t
	switch t.kind {
	case Punct:
		switch t.sym {
		case opPlus, opMinus, opCompl, opNot:
			e.next()
			n := e.unary()
			switch t.sym {
			case opMinus:
				n.v = -n.v
			case opCompl:
				n.v = ^n.v
			case opNot:
				n = truth(n.v == 0)
			}
			return n
		case opLParen:
			e.next()
			n := e.comma()
			if !e.bad && !e.t.is(opRParen) {
				e.fail("missing ')' in expression")
			}
			e.next()
			return n
		case opHash:
			return e.assertion()
		}
	case Number:
		n := e.number(t.text)
		e.next()
		return n
	case Char:
		n := e.char(t.text)
		e.next()
		return n
	case Ident:
		if t.sym == symDefined {
			return e.defined()
		}
		n := truth(t.sym == symTrue && e.p.mode&mDigitSep != 0 && predefInt(e.p.cfg.Predef, "__GNUC__") >= 13)
		e.next()
		return n
	case kEOF:
		e.fail("operator has no right operand in #if")
		return number{}
	}
	e.fail("token %q is not valid in preprocessor expressions", t.text)
	return number{}
}

// defined reads the operand of defined, whose name is the next token.
func (e *evaluator) defined() number {
	e.p.prevent++
	e.next()
	paren := e.t.is(opLParen)
	if paren {
		e.next()
	}
	if e.t.kind != Ident {
		e.p.prevent--
		e.fail("operator \"defined\" requires an identifier")
		return number{}
	}
	n := truth(e.p.defined(e.t.sym))
	if paren {
		if e.next(); !e.t.is(opRParen) {
			e.fail("missing ')' after \"defined\"")
		}
	}
	e.p.prevent--
	e.next()
	return n
}

// assertion reads #machine(x86), which is never true.
func (e *evaluator) assertion() number {
	e.p.prevent++
	e.next()
	e.p.prevent--
	e.next()
	if e.t.is(opLParen) {
		for !e.t.is(opRParen) && e.t.kind != kEOF {
			e.next()
		}
		e.next()
	}
	return number{}
}

func (e *evaluator) number(s string) number {
	s = strings.ReplaceAll(s, "'", "")
	end := len(s)
	for end > 0 && strings.IndexByte("uUlLzZ", s[end-1]) >= 0 {
		end--
	}
	suffix := strings.ToLower(s[end:])
	digits, base := s[:end], 10
	switch {
	case len(digits) > 2 && (digits[:2] == "0x" || digits[:2] == "0X"):
		digits, base = digits[2:], 16
	case len(digits) > 2 && (digits[:2] == "0b" || digits[:2] == "0B"):
		digits, base = digits[2:], 2
	case len(digits) > 1 && digits[0] == '0':
		digits, base = digits[1:], 8
	}
	v, err := strconv.ParseUint(digits, base, 64)
	if err != nil {
		if ne, ok := err.(*strconv.NumError); ok && ne.Err == strconv.ErrRange {
			return number{v, true}
		}
		e.complain("%q is no integer constant, as #if needs", s)
		return number{}
	}
	switch strings.Replace(suffix, "u", "", 1) {
	case "", "l", "ll", "z":
	default:
		e.complain("invalid suffix %q on integer constant", suffix)
	}
	return number{v, strings.Contains(suffix, "u") || v>>63 != 0}
}

// char computes a character constant as GCC does: several characters are
// packed, the result of plain ones is sign-extended.
func (e *evaluator) char(s string) number {
	prefix, body, _ := strings.Cut(s, "'")
	body = strings.TrimSuffix(body, "'")
	width := uint(8)
	switch prefix {
	case "L", "U":
		width = 32
	case "u":
		width = 16
	}
	var r uint64
	n := 0
	for i := 0; i < len(body); n++ {
		var c uint64
		switch {
		case body[i] == '\\':
			var k int
			c, k = escape(body[i:])
			i += k
		case width > 8:
			ch, k := utf8.DecodeRuneInString(body[i:])
			c = uint64(ch)
			i += k
		default:
			c = uint64(body[i])
			i++
		}
		c &= 1<<width - 1
		if width == 8 {
			r = (r<<8 | c) & 0xFFFFFFFF
		} else {
			r = c // the last one counts
		}
	}
	if n == 0 {
		e.complain("empty character constant")
		return number{}
	}
	switch {
	case width == 8 && n > 1:
		return number{v: uint64(int64(int32(uint32(r))))}
	case width == 8 && prefix == "" && !e.p.charUns:
		return number{v: uint64(int64(int8(uint8(r))))}
	case prefix == "L":
		return number{v: uint64(int64(int32(uint32(r))))}
	}
	return number{r, prefix != ""}
}

// escape decodes the escape sequence at the start of s.
func escape(s string) (c uint64, n int) {
	if len(s) < 2 {
		return '\\', 1
	}
	if r, n := ucn(s); n > 0 {
		return uint64(r), n
	}
	switch s[1] {
	case 'a':
		return 7, 2
	case 'b':
		return 8, 2
	case 'e', 'E':
		return 27, 2
	case 'f':
		return 12, 2
	case 'n':
		return 10, 2
	case 'r':
		return 13, 2
	case 't':
		return 9, 2
	case 'v':
		return 11, 2
	case 'x':
		n = 2
		for n < len(s) {
			d, err := strconv.ParseUint(s[n:n+1], 16, 8)
			if err != nil {
				break
			}
			c = c<<4 | d
			n++
		}
		return c, n
	}
	for n = 1; n < len(s) && n < 4 && s[n] >= '0' && s[n] <= '7'; n++ {
		c = c<<3 | uint64(s[n]-'0')
	}
	if n > 1 {
		return c, n
	}
	return uint64(s[1]), 2
}
