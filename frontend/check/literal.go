package check

import (
	"encoding/binary"
	"math/big"
	"strconv"
	"strings"
	"unicode/utf8"

	"saz/frontend/cpp"
	"saz/frontend/ctype"
	"saz/frontend/syntax"
)

// intLit makes a literal of integer type t with the value v, which is reduced
// to the type.
func (c *checker) intLit(t *ctype.Type, v ctype.Num, n int32) *Expr {
	e := c.newExpr(IntLit, t, n)
	setInt(e, v)
	return e
}

func setInt(e *Expr, v ctype.Num) {
	v = v.Wrap(e.Type)
	var fits bool
	e.Val, fits = v.Int64()
	if !fits {
		e.Int = v.Big(e.Type)
	} else {
		e.Int = nil
	}
}

// litNum is the value of an IntLit.
func litNum(e *Expr) ctype.Num {
	if e.Int != nil {
		return ctype.NumBig(e.Int)
	}
	return ctype.NumInt(e.Val)
}

// number types a number_literal. The grammar takes a sign into it where one
// touches the digits.
func (c *checker) number(n int32) *Expr {
	nd := &c.nodes[n]
	text := c.text(n)
	if (text == "-" || text == "+") && nd.End > nd.Tok+1 {
		x := c.numberText(c.toks[nd.Tok+1].Text, n)
		x.Tok = c.toks[nd.Tok+1].Src
		if text == "-" {
			return c.unaryArith(Neg, x, n)
		}
		return c.unaryArith(Plus, x, n)
	}
	return c.numberText(text, n)
}

func (c *checker) numberText(text string, n int32) *Expr {
	if len(text) == 1 && text[0] >= '0' && text[0] <= '9' {
		e := c.newExpr(IntLit, ctype.TInt, n)
		e.Val = int64(text[0] - '0')
		return e
	}
	if t, v, ok := parseInt(text); ok {
		return c.intLit(t, v, n)
	}
	text = strings.ReplaceAll(text, "'", "") // C23: digits in groups
	t, imag := floatType(text)
	if t == nil {
		if it, _, ok := parseInt(strings.Trim(text, "iIjJ")); ok { // GNU: 3i
			t, imag = it, true
		} else {
			c.fail(n, "%q is not a number that saz knows", text)
		}
	}
	if imag {
		t = c.ty.Complex(t)
	}
	e := c.newExpr(FloatLit, t, n)
	e.Str = text
	return e
}

// parseInt parses an integer constant; ok is false if text is not one.
func parseInt(text string) (t *ctype.Type, v ctype.Num, ok bool) {
	digits, base := text, uint64(10)
	switch {
	case len(text) > 2 && (text[:2] == "0x" || text[:2] == "0X"):
		digits, base = text[2:], 16
	case len(text) > 2 && (text[:2] == "0b" || text[:2] == "0B"):
		digits, base = text[2:], 2
	case len(text) > 1 && text[0] == '0':
		digits, base = text[1:], 8
	}
	i := 0
	for ; i < len(digits); i++ {
		ch := digits[i]
		var d uint64
		switch {
		case ch >= '0' && ch <= '9':
			d = uint64(ch - '0')
		case base == 16 && ch >= 'a' && ch <= 'f':
			d = uint64(ch-'a') + 10
		case base == 16 && ch >= 'A' && ch <= 'F':
			d = uint64(ch-'A') + 10
		case ch == '\'':
			continue
		default:
			d = 99
		}
		if d == 99 {
			break
		}
		if d >= base {
			return nil, v, false // 08 is an error, 08.5 a number
		}
		v = v.Mul(ctype.NumUint(base)).Add(ctype.NumUint(d))
	}
	unsigned, long := false, 0
	for s := digits[i:]; s != ""; {
		switch {
		case (s[0] == 'u' || s[0] == 'U') && !unsigned:
			unsigned, s = true, s[1:]
		case len(s) > 1 && (s[:2] == "ll" || s[:2] == "LL") && long == 0:
			long, s = 2, s[2:]
		case (s[0] == 'l' || s[0] == 'L') && long == 0:
			long, s = 1, s[1:]
		default:
			return nil, v, false
		}
	}
	// The first of these types that holds the value; a decimal constant
	// without u is never unsigned.
	for _, k := range [...]ctype.Kind{ctype.Int, ctype.UInt, ctype.Long, ctype.ULong, ctype.LongLong, ctype.ULongLong, ctype.Int128, ctype.UInt128} {
		t := ctype.Basic(k)
		if k < ctype.Long && long > 0 || (k == ctype.Long || k == ctype.ULong) && long > 1 {
			continue
		}
		if t.IsSigned() && unsigned || !t.IsSigned() && !unsigned && base == 10 {
			continue
		}
		if v.Wrap(t) == v && !(t.IsSigned() && v.Negative()) {
			return t, v, true
		}
	}
	return ctype.TUInt128, v, true
}

func floatSuffix(text string) (digits, suffix string) {
	hex := len(text) > 1 && (text[1] == 'x' || text[1] == 'X')
	i := len(text)
	seenExp := !hex
	for j := 0; j < len(text); j++ {
		ch := text[j]
		switch {
		case hex && j < 2, ch >= '0' && ch <= '9', ch == '.':
			continue
		case hex && !seenExp && (ch >= 'a' && ch <= 'f' || ch >= 'A' && ch <= 'F'):
			continue
		case !hex && (ch == 'e' || ch == 'E'), hex && (ch == 'p' || ch == 'P'):
			seenExp = true
			if j+1 < len(text) && (text[j+1] == '+' || text[j+1] == '-') {
				j++
			}
			continue
		}
		i = j
		break
	}
	return text[:i], text[i:]
}

func floatType(text string) (t *ctype.Type, imaginary bool) {
	digits, s := floatSuffix(text)
	if !strings.ContainsAny(digits, ".eEpP") || digits == "" || !strings.ContainsAny(digits, "0123456789") {
		return nil, false
	}
	s = strings.ToLower(s)
	if i := strings.IndexAny(s, "ij"); i >= 0 {
		imaginary = true
		s = s[:i] + s[i+1:]
	}
	switch s {
	case "", "f64", "f32x", "d":
		return ctype.TDouble, imaginary
	case "f", "f32":
		return ctype.TFloat, imaginary
	case "l", "w", "f64x":
		return ctype.TLongDouble, imaginary
	case "q", "f128":
		return ctype.TFloat128, imaginary
	case "f16":
		return ctype.TFloat16, imaginary
	}
	return nil, false
}

// floatValue is the value of a floating constant as a float64.
func floatValue(text string) float64 {
	digits, _ := floatSuffix(text)
	if f, err := strconv.ParseFloat(digits, 64); err == nil {
		return f
	}
	f, _, err := big.ParseFloat(digits, 0, 64, big.ToNearestEven)
	if err != nil {
		return 0
	}
	v, _ := f.Float64()
	return v
}

// splitLiteral takes prefix and quotes off a string or character token.
func splitLiteral(text string) (prefix, body string) {
	i := strings.IndexAny(text, "\"'")
	if i < 0 || len(text) < i+2 {
		return "", ""
	}
	return text[:i], text[i+1 : len(text)-1]
}

// charType is the element type that a literal's prefix asks for.
func charType(prefix string) *ctype.Type {
	switch prefix {
	case "L":
		return ctype.TInt
	case "u":
		return ctype.TUShort
	case "U":
		return ctype.TUInt
	}
	return ctype.TChar
}

// decode appends the characters of a literal's body to out as code units of
// size bytes.
func decode(out []byte, body string, size int64) []byte {
	unit := func(v uint32) {
		switch size {
		case 1:
			out = append(out, byte(v))
		case 2:
			out = binary.LittleEndian.AppendUint16(out, uint16(v))
		default:
			out = binary.LittleEndian.AppendUint32(out, v)
		}
	}
	char := func(r rune) {
		switch size {
		case 1:
			out = utf8.AppendRune(out, r)
		case 2:
			if r >= 0x10000 {
				r -= 0x10000
				unit(0xd800 + uint32(r)>>10)
				unit(0xdc00 + uint32(r)&0x3ff)
			} else {
				unit(uint32(r))
			}
		default:
			unit(uint32(r))
		}
	}
	for i := 0; i < len(body); {
		ch := body[i]
		if ch != '\\' {
			if size == 1 || ch < utf8.RuneSelf {
				unit(uint32(ch))
				i++
				continue
			}
			r, n := utf8.DecodeRuneInString(body[i:])
			char(r)
			i += n
			continue
		}
		i++
		if i >= len(body) {
			break
		}
		ch = body[i]
		i++
		switch ch {
		case 'n':
			unit('\n')
		case 't':
			unit('\t')
		case 'r':
			unit('\r')
		case 'a':
			unit(7)
		case 'b':
			unit(8)
		case 'f':
			unit(12)
		case 'v':
			unit(11)
		case 'e', 'E':
			unit(27)
		case 'x':
			v := uint32(0)
			for i < len(body) && isHex(body[i]) {
				v = v<<4 | hexVal(body[i])
				i++
			}
			unit(v)
		case 'u', 'U':
			n := 4
			if ch == 'U' {
				n = 8
			}
			v := uint32(0)
			for ; n > 0 && i < len(body) && isHex(body[i]); n-- {
				v = v<<4 | hexVal(body[i])
				i++
			}
			char(rune(v))
		case '0', '1', '2', '3', '4', '5', '6', '7':
			v := uint32(ch - '0')
			for k := 0; k < 2 && i < len(body) && body[i] >= '0' && body[i] <= '7'; k++ {
				v = v<<3 | uint32(body[i]-'0')
				i++
			}
			unit(v)
		default:
			unit(uint32(ch))
		}
	}
	return out
}

func isHex(c byte) bool {
	return c >= '0' && c <= '9' || c >= 'a' && c <= 'f' || c >= 'A' && c <= 'F'
}

func hexVal(c byte) uint32 {
	switch {
	case c <= '9':
		return uint32(c - '0')
	case c >= 'a':
		return uint32(c-'a') + 10
	}
	return uint32(c-'A') + 10
}

// char types a char_literal. In C it is an int; several characters are packed
// big end first, as gcc does.
func (c *checker) char(n int32) *Expr {
	prefix, body := splitLiteral(c.text(n))
	if body == "" {
		c.fail(n, "empty character constant")
	}
	t := charType(prefix)
	size := ctype.SizeOf(t)
	b := decode(nil, body, size)
	if size > 1 {
		var v uint64
		for i := int64(len(b)) - 1; i >= int64(len(b))-size; i-- {
			v = v<<8 | uint64(b[i])
		}
		return c.intLit(t, ctype.NumUint(v), n)
	}
	if prefix == "u8" {
		return c.intLit(ctype.TUChar, ctype.NumUint(uint64(b[len(b)-1])), n)
	}
	if len(b) == 1 {
		return c.intLit(ctype.TInt, ctype.NumInt(int64(int8(b[0]))), n)
	}
	var v uint64
	for _, x := range b {
		v = v<<8 | uint64(x)
	}
	return c.intLit(ctype.TInt, ctype.NumUint(v), n)
}

// str types a string literal or a run of adjacent ones.
func (c *checker) str(n int32) *Expr {
	nd := &c.nodes[n]
	elem := ctype.TChar
	for i := nd.Tok; i < nd.End; i++ {
		if t := &c.toks[i]; t.Kind == cpp.String && t.Mark != syntax.Synthetic {
			if p, _ := splitLiteral(t.Text); p != "" && p != "u8" {
				elem = charType(p)
			}
		} else if t.Kind == cpp.Ident {
			c.fail(n, "%s cannot be part of a string literal", t.Text)
		}
	}
	size := ctype.SizeOf(elem)
	var b []byte
	for i := nd.Tok; i < nd.End; i++ {
		if t := &c.toks[i]; t.Kind == cpp.String && t.Mark != syntax.Synthetic {
			_, body := splitLiteral(t.Text)
			if b == nil {
				b = make([]byte, 0, len(body)+1)
			}
			b = decode(b, body, size)
		}
	}
	b = append(b, make([]byte, size)...)
	e := c.newExpr(StrLit, c.ty.Array(elem, int64(len(b))/size), n)
	e.Str = string(b)
	return e
}

// plainString decodes the string tokens in Cpp.Tokens[lo:hi], without a NUL:
// arguments of attributes, asm templates.
func (c *checker) plainString(lo, hi int32) string {
	var b []byte
	for i := lo; i < hi; i++ {
		if c.ctoks[i].Kind == cpp.String {
			_, body := splitLiteral(c.ctoks[i].Text)
			b = decode(b, body, 1)
		}
	}
	return string(b)
}
