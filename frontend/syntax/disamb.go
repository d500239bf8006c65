package syntax

import "saz/frontend/cpp"

// Expressions: the parentheses that make the grammar read them as C does.
//
// The grammar errs in precedence (P1, P2) and where it must guess whether a
// name in parentheses is a type (P3, P4; the latter in declarator):
//
//	P1  -x++            is read as (-x)++          → - ( x ++ )
//	P2  sizeof(T) - 1   as sizeof((T) - 1)         → ( sizeof ( T ) ) - 1
//	    sizeof(x)->y    as (sizeof(x))->y          → sizeof ( ( x ) -> y )
//	P3  (x) - y         may be a cast of -y        → ( ( x ) ) - y
//	P4  int (x)         may be a function type     → int x

// expr emits an expression, commas included.
func (w *walker) expr() {
	w.assignment()
	for w.c == cComma {
		w.put()
		w.assignment()
	}
}

// assignment emits an expression without commas. Binary operators need no
// more than their order: the grammar knows their precedence.
func (w *walker) assignment() {
	for {
		w.unary(false)
		switch c := w.c; {
		case c >= cAmp && c <= cMinus, c >= cSlash && c <= cOrOr, c >= cAssign && c <= cOrEq:
			w.put()
		case c == cQuest:
			w.put()
			if w.c != cColon {
				w.expr()
			}
			w.want(cColon)
		default:
			return
		}
	}
}

// unary emits a unary or cast expression. afterSign says that one of ! ~ - +
// stands before it.
func (w *walker) unary(afterSign bool) {
	switch w.c {
	case cNot, cTilde, cMinus, cPlus:
		w.put()
		w.unary(true)
	case cAmp, cStar, cInc, cDec:
		w.put()
		w.unary(false)
	case cAndAnd:
		w.putAs(cAmp, "&", LabelAddr)
		w.name()
	case kReal, kImag:
		// The grammar assigns to no unary expression.
		lvalue := w.assigned(w.unaryEnd(w.p))
		m := Real
		if w.c == kImag {
			m = Imag
		}
		if lvalue {
			w.syn(cLParen)
		}
		w.putAs(cPlus, "+", m)
		w.unary(true)
		if lvalue {
			w.syn(cRParen)
		}
	case kSizeof, kAlignof:
		w.sizeof()
	case cLParen:
		if !w.typeAt(w.sig(w.p + 1)) {
			w.postfix(afterSign)
			return
		}
		if w.codeAt(w.sig(w.close(w.p)+1)) == cLBrace {
			w.postfix(afterSign) // a compound literal
			return
		}
		w.put()
		w.typeName()
		w.want(cRParen)
		w.unary(false)
	default:
		w.postfix(afterSign)
	}
}

// assigned reports whether token i is an assignment operator.
func (w *walker) assigned(i int32) bool {
	c := w.codeAt(i)
	return c >= cAssign && c <= cOrEq
}

// sizeof emits a sizeof or alignof expression.
func (w *walker) sizeof() {
	i := w.sig(w.p + 1)
	mark := Plain
	if w.c == kAlignof {
		mark = Alignof
	}
	if w.codeAt(i) != cLParen {
		w.putAs(kSizeof, "sizeof", mark)
		w.unary(false)
		return
	}
	after := w.sig(w.close(i) + 1)
	isType := w.typeAt(w.sig(i + 1))
	switch c := w.codeAt(after); {
	case isType && c == cLBrace, !isType && (c == cArrow || c == cDot || c == cLBrack || c == cLParen || c == cInc || c == cDec):
		// The operand goes on behind the parentheses.
		w.putAs(kSizeof, "sizeof", mark)
		w.syn(cLParen)
		w.postfix(false)
		w.syn(cRParen)
	case isType && (c == cMinus || c == cPlus || c == cStar || c == cAmp):
		w.syn(cLParen)
		w.putAs(kSizeof, "sizeof", mark)
		w.sizeofParen()
		w.syn(cRParen)
	default:
		w.putAs(kSizeof, "sizeof", mark)
		w.sizeofParen()
	}
}

// sizeofParen emits a type in parentheses or an expression in parentheses that
// cannot be taken for one.
func (w *walker) sizeofParen() {
	if w.typeAt(w.sig(w.p + 1)) {
		w.put()
		w.typeName()
		w.want(cRParen)
		return
	}
	double := w.codeAt(w.sig(w.p+1)) == cIdent
	if double {
		w.syn(cLParen)
	}
	w.group()
	if double {
		w.syn(cRParen)
	}
}

// group emits an expression or a statement expression in its parentheses.
func (w *walker) group() {
	w.want(cLParen)
	if w.c == cLBrace {
		w.compound()
	} else {
		w.expr()
	}
	w.want(cRParen)
}

// typeLike reports whether the group at i, which starts with a name that is no
// type, would be a type if the name were one, and is followed by what could be
// the operand of a cast.
func (w *walker) typeLike(i int32) bool {
	end := w.close(i)
	switch w.codeAt(w.sig(end + 1)) {
	case cPlus, cMinus, cStar, cAmp, cAndAnd, cLParen, cInc, cDec, cLBrace:
	default:
		return false
	}
	j := w.sig(i + 1)
	if w.codeAt(j) != cIdent {
		return false
	}
	for j++; j < end; j++ {
		switch w.codeAt(j) {
		case cStar:
		case cLParen, cLBrack:
			j = w.close(j)
		default:
			return false
		}
	}
	return true
}

// postfix emits a primary expression with what follows it.
func (w *walker) postfix(afterSign bool) {
	wrap := false
	if afterSign {
		e := w.postfixEnd(w.p)
		wrap = e > w.p && (w.code[e-1] == cInc || w.code[e-1] == cDec)
	} else if (w.c == kGeneric || w.c == cLParen && w.typeAt(w.sig(w.p+1))) && w.assigned(w.postfixEnd(w.p)) {
		wrap = true // an lvalue that the grammar knows not to be one
	}
	if wrap {
		w.syn(cLParen)
	}
	switch c := w.c; c {
	case cIdent:
		if w.id[w.p] == idOffsetof && w.codeAt(w.p+1) == cLParen {
			w.offsetof()
			break
		}
		if w.typeAt(w.p) {
			w.fail("a type name where an expression is expected")
		}
		w.put()
	case cNumber, cChar, kTrue, kFalse, kNullptr:
		w.put()
	case cString:
		for w.c == cString {
			w.put()
		}
	case kGeneric:
		w.generic()
	case cLParen:
		if w.typeAt(w.sig(w.p + 1)) {
			w.put()
			w.typeName()
			w.want(cRParen)
			w.braces()
			break
		}
		double := w.typeLike(w.p)
		if double {
			w.syn(cLParen)
		}
		w.group()
		if double {
			w.syn(cRParen)
		}
	default:
		w.fail("expected an expression")
	}
	for {
		switch w.c {
		case cLBrack:
			w.put()
			w.expr()
			w.want(cRBrack)
			continue
		case cLParen:
			w.arguments()
			continue
		case cDot, cArrow:
			w.put()
			w.name()
			continue
		case cInc, cDec:
			w.put()
			continue
		}
		break
	}
	if wrap {
		w.syn(cRParen)
	}
}

// arguments emits the arguments of a call. A type among them, as some
// built-ins want it, is wrapped: sizeof ( T ).
func (w *walker) arguments() {
	w.put()
	for w.c != cRParen {
		w.argument()
		if w.c != cComma {
			break
		}
		w.put()
	}
	w.want(cRParen)
}

func (w *walker) argument() {
	if !w.typeAt(w.p) {
		w.assignment()
		return
	}
	w.syn(kSizeof)
	w.syn(cLParen)
	w.typeName()
	w.syn(cRParen)
}

// offsetof emits __builtin_offsetof, whose member may be named as a type is.
func (w *walker) offsetof() {
	w.put()
	w.want(cLParen)
	w.argument()
	w.want(cComma)
	w.name()
	for {
		switch w.c {
		case cDot, cArrow:
			w.put()
			w.name()
			continue
		case cLBrack:
			w.put()
			w.expr()
			w.want(cRBrack)
			continue
		}
		break
	}
	w.want(cRParen)
}

// generic emits a _Generic selection. Its default is, to the grammar, a type.
func (w *walker) generic() {
	w.put()
	w.want(cLParen)
	w.assignment()
	for w.c == cComma {
		w.put()
		if w.c == kDefault {
			w.putAs(cIdent, "default", Plain)
		} else {
			w.typeName()
		}
		w.want(cColon)
		w.assignment()
	}
	w.want(cRParen)
}

// initialiser emits an initialiser.
func (w *walker) initialiser() {
	if w.c == cLBrace {
		w.braces()
		return
	}
	w.assignment()
}

// braces emits a braced initialiser.
func (w *walker) braces() {
	if w.c != cLBrace {
		w.fail("expected {")
	}
	end := w.close(w.p)
	w.put()
	for w.p < end {
		switch {
		case w.c == cDot || w.c == cLBrack:
			w.designators()
		case w.toks[w.p].Kind == cpp.Ident && w.codeAt(w.p+1) == cColon:
			w.name()
			w.put()
		}
		w.initialiser()
		if w.c == cComma {
			w.put()
		} else if w.p < end {
			w.fail("expected , or } in an initialiser")
		}
	}
	w.want(cRBrace)
}

func (w *walker) designators() {
	for {
		switch w.c {
		case cDot:
			w.put()
			w.name()
			continue
		case cLBrack:
			w.put()
			w.assignment()
			if w.c == cEllipsis {
				w.put()
				w.assignment()
			}
			w.want(cRBrack)
			continue
		case cAssign:
			w.put()
		default:
			w.syn(cAssign) // the old `[1] 5`
		}
		return
	}
}

// unaryEnd is the token behind the unary or cast expression at i.
func (w *walker) unaryEnd(i int32) int32 {
	for {
		i = w.sig(i)
		switch w.codeAt(i) {
		case cNot, cTilde, cMinus, cPlus, cAmp, cStar, cInc, cDec, kReal, kImag, kSizeof, kAlignof:
			i++
			continue
		case cAndAnd:
			return w.sig(i + 2)
		case cLParen:
			if j := w.sig(w.close(i) + 1); w.typeAt(w.sig(i+1)) && w.codeAt(j) != cLBrace {
				i = j
				continue
			}
		}
		return w.postfixEnd(i)
	}
}

// postfixEnd is the token behind the postfix expression at i.
func (w *walker) postfixEnd(i int32) int32 {
	switch w.codeAt(i) {
	case cLParen:
		t := w.typeAt(w.sig(i + 1))
		i = w.sig(w.close(i) + 1)
		if t && w.codeAt(i) == cLBrace {
			i = w.sig(w.close(i) + 1)
		}
	case cString:
		for w.codeAt(i) == cString {
			i++
		}
	default:
		i = w.sig(i + 1)
	}
	for {
		switch w.codeAt(i) {
		case cLParen, cLBrack:
			i = w.sig(w.close(i) + 1)
		case cDot, cArrow:
			i = w.sig(i + 2)
		case cInc, cDec:
			i = w.sig(i + 1)
		default:
			return i
		}
	}
}
