package syntax

import "saz/frontend/cpp"

// split returns the end of the external declaration that starts at token lo,
// and where it looks like a function's definition with a prototype, the brace
// that opens the body; -1 otherwise.
//
// It looks only at brackets and at what stands at depth 0, so that a
// declaration that cannot be parsed does not take its neighbours with it: the
// end is a `;`, or the closing brace of what looks like a function's body.
func (l *lexed) split(lo, n int32) (end, body int32) {
	var (
		init     bool // behind `=`: a brace is an initialiser's
		oldStyle bool // among the parameter declarations of `f(a) int a; {`
		typedef  bool
		closed   bool // the last thing was a declarator's `)`
		tag      int8 // 1 behind struct, union, enum; 2 behind its tag
	)
	for i := lo; i < n; i++ {
		c := l.code[i]
		switch c {
		case cSemi:
			if !oldStyle {
				return i + 1, -1
			}
		case cAssign:
			init = true
		case cLParen, cLBrack:
			attr := c == cLBrack && l.code[i+1] == cLBrack
			i = l.skip(i, n)
			if attr {
				continue
			}
			closed, tag = c == cLParen, 0
			continue
		case cLBrace:
			e := l.skip(i, n)
			if tag == 0 && !init {
				if oldStyle || e == n-1 && l.code[e] != cRBrace {
					i = -1
				}
				return min(e+1, n), i
			}
			i = e
			tag = 0
		case kStruct, kUnion, kEnum:
			if closed && !init && !typedef {
				oldStyle = true
			}
			tag = 1
		case kAttribute, kAlignas, kAsm, kTypeof, kAtomic, kBitInt:
			if closed && !init && !typedef && c != kAttribute && c != kAsm {
				oldStyle = true
			}
			j := i + 1
			for c == kAsm && (l.code[j] == kVolatile || l.code[j] == kInline || l.code[j] == kGoto) {
				j++
			}
			if l.code[j] == cLParen {
				i = l.skip(j, n)
			}
			if c == kAttribute || c == kAsm {
				continue // `f(a) __attribute__((x)) int a; {`
			}
		case kExtension:
			continue
		case kTypedef:
			typedef = true
		case kStaticAssert:
		default:
			word := c == cIdent || c >= kTypedef && c < kIf
			if word && closed && !init && !typedef {
				oldStyle = true
			}
			if tag == 1 && c == cIdent {
				tag = 2
				closed = false
				continue
			}
			if tag > 0 && c == cColon {
				// An enum's underlying type.
				for i+1 < n && (l.code[i+1] == cIdent || l.code[i+1] >= firstType && l.code[i+1] < kStruct || l.code[i+1] >= firstQual && l.code[i+1] <= lastQual) {
					i++
				}
				tag = 2
				continue
			}
			tag = 0
		}
		closed = false
	}
	return n, -1
}

// canWait reports whether the definition [lo, hi) with the body at brace may
// turn out not to be needed: it is static or inline. Pragmas in it would come
// out of turn.
func (w *walker) canWait(u *cpp.Unit, lo, brace, hi int32) bool {
	for w.pragma < len(u.Pragmas) && u.Pragmas[w.pragma].Tok <= lo {
		w.pragma++
	}
	if w.pragma < len(u.Pragmas) && u.Pragmas[w.pragma].Tok < hi {
		return false
	}
	for i := lo; i < brace; i++ {
		switch w.code[i] {
		case kStatic, kInline:
			return true
		case cLParen, cLBrack, cLBrace:
			i = w.skip(i, brace)
		}
	}
	return false
}

// skip returns the partner of the opening bracket at i, or the last token.
func (l *lexed) skip(i, n int32) int32 {
	if m := l.match[i]; m < n && m > i {
		return m
	}
	return n - 1
}
