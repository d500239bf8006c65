package syntax

import "saz/frontend/cpp"

// Declarations and statements, with the scopes of typedef names.

// declare enters the name with number id in the scope at hand. Only names that
// could be taken for a type or a keyword matter.
func (w *walker) declare(id int32, typedef bool) {
	to := stOrdinary
	if typedef {
		to = stTypedef
	} else if w.state[id] == stNone && !w.context[id] {
		return
	}
	if old := w.state[id]; old != to {
		if w.depth == 0 && old == stTypedef {
			return // no program may; bodies that wait were to be read with the type
		}
		w.undo = append(w.undo, undone{id, old})
		w.state[id] = to
	}
}

// enter begins a scope; leave with what it returned ends it.
func (w *walker) enter() int {
	if w.depth++; w.depth == 1 {
		w.base = len(w.undo)
	}
	return len(w.undo)
}

func (w *walker) leave(mark int) {
	w.depth--
	for i := len(w.undo) - 1; i >= mark; i-- {
		w.state[w.undo[i].id] = w.undo[i].state
	}
	w.undo = w.undo[:mark]
}

// typeAt reports whether a type or declaration specifier starts at token i.
func (w *walker) typeAt(i int32) bool {
	c := w.codeAt(i)
	if c == cIdent {
		return w.state[w.id[i]] == stTypedef
	}
	return c >= firstStorage && c <= lastType
}

// A plan says what is unusual in a list of specifiers, found by looking ahead.
type plan struct {
	end     int32 // the token behind the specifiers
	typedef bool
	late    bool // typedef is not the first of them
	apart   bool // the words of the type do not stand together
	typed   bool
	auto    bool
}

func (w *walker) look(i int32) plan {
	var p plan
	i = w.sig(i)
	first, lastWordAt := i, int32(-1)
	for {
		c := w.codeAt(i)
		j := i + 1
		switch {
		case c == cIdent:
			if p.typed || w.state[w.id[i]] != stTypedef {
				p.end = i
				return p
			}
			p.typed = true
		case c == kTypedef:
			p.typedef = true
			p.late = i != first
		case c == kAuto:
			p.auto = true
		case c == kAtomic:
			if w.code[j] == cLParen {
				j = w.close(j) + 1
				p.typed = true
			}
		case c >= firstWord && c <= lastWord:
			if p.typed && w.context[w.id[i]] {
				p.end = i // `typedef int bool;`
				return p
			}
			if lastWordAt >= 0 && lastWordAt != i {
				p.apart = true
			}
			lastWordAt = w.sig(j)
			p.typed = true
		case c == kBitInt || c == kTypeof:
			if w.code[j] == cLParen {
				j = w.close(j) + 1
			}
			p.typed = true
		case c == kComplex:
			if lastWordAt == i {
				lastWordAt = w.sig(j) // it will not be in the text
			}
		case c >= kStruct && c <= kEnum:
			p.typed = true
			j = w.sig(j)
			if j < w.hi && w.toks[j].Kind == cpp.Ident {
				j = w.sig(j + 1)
			}
			if c == kEnum && w.codeAt(j) == cColon && w.typeAt(w.sig(j+1)) {
				j = w.look(j + 1).end
			}
			if w.codeAt(j) == cLBrace {
				j = w.close(j) + 1
			}
		case c >= firstStorage && c <= lastQual:
		default:
			p.end = i
			return p
		}
		i = w.sig(j)
	}
}

// specs emits declaration specifiers. nothing says that they are followed by
// `;` in a place where the grammar wants no modifiers then. Of a typedef it
// wants no other storage class either; gcc only warns of `typedef inline`.
func (w *walker) specs(p plan, nothing bool) {
	if p.late && !nothing {
		// The grammar knows typedef as the first word only.
		for i := w.p; i < p.end; i++ {
			if w.codeAt(i) == kTypedef {
				w.out = append(w.out, Tok{Text: "typedef", Src: i, Kind: cpp.Ident})
				w.em = append(w.em, kTypedef)
				break
			}
		}
	}
	words := false
	complex := false
	for w.p < p.end {
		switch c := w.c; {
		case c == kTypedef && (p.late || nothing), p.typedef && c > kTypedef && c < firstQual, nothing && c >= firstStorage && c <= lastQual && !(c == kAtomic && w.code[w.p+1] == cLParen):
			w.next()
		case c == cIdent:
			w.putAs(cMarker, w.toks[w.p].Text, Typedef)
		case c == kBuiltin && !p.apart:
			w.putAs(cMarker, w.toks[w.p].Text, Builtin)
		case c >= firstWord && c <= lastWord && p.apart:
			if !words {
				words = true
				w.wordsUpTo(p.end)
			}
			w.next()
		case c == kBitInt:
			i := w.p
			if w.code[i+1] != cLParen {
				w.fail("expected ( after _BitInt")
			}
			e := w.close(i + 1)
			w.attr(i, "_BitInt", Arg{i + 2, e})
			w.putAs(cMarker, "_BitInt", Builtin)
			w.p = e
			w.next()
		case c == kComplex:
			complex = true
			w.attr(w.p, "_Complex")
			w.next()
		case c == kTypeof || c == kAtomic && w.code[w.p+1] == cLParen:
			w.typeof()
		case c == kStruct || c == kUnion:
			w.record()
		case c == kEnum:
			w.enum()
		case c == kAuto && !p.typed:
			w.putAs(cMarker, "__auto_type", Builtin) // C23; before it, `auto x = 1;` is an int either way
			p.typed = true
		default:
			w.put()
		}
	}
	if !p.typed && !nothing {
		if complex {
			w.syn(kDouble)
		} else {
			w.syn(kInt)
		}
	}
}

// wordsUpTo emits the words of the type from the cursor to end in one place;
// the cursor does not move.
func (w *walker) wordsUpTo(end int32) {
	for i := w.p; i < end; i++ {
		c := w.codeAt(i)
		switch {
		case c == kBuiltin:
			w.out = append(w.out, Tok{Text: w.toks[i].Text, Src: i, Mark: Builtin, Kind: cpp.Ident})
			w.em = append(w.em, cMarker)
		case c >= firstWord && c <= lastWord:
			w.out = append(w.out, Tok{Text: spelling[c], Src: i, Kind: cpp.Ident})
			w.em = append(w.em, c)
		case c == kAttribute || c == kAlignas || c == kAtomic || c == kTypeof:
			if w.code[i+1] == cLParen {
				i = w.close(i + 1)
			}
		}
	}
}

// typeof emits a marker for typeof(...) or _Atomic(...) and makes the side
// declaration of its operand.
func (w *walker) typeof() {
	text := "typeof"
	if w.c == kAtomic {
		text = "_Atomic"
	}
	i := w.p
	if w.code[i+1] != cLParen {
		w.fail("expected ( after " + text)
	}
	key := int32(len(w.out))
	w.out = append(w.out, Tok{Text: text, Src: i, Mark: Typeof, Kind: cpp.Ident})
	w.em = append(w.em, cMarker)
	w.p++
	f := w.begin()
	w.settle()
	w.operandHead()
	w.sizeofParen()
	w.syn(cSemi)
	w.side(key, w.finish(f, i+1))
}

// operandHead emits what stands before the operand of a side declaration.
func (w *walker) operandHead() {
	w.syn(kInt)
	w.syn(cIdent)
	w.syn(cAssign)
	w.syn(kSizeof)
}

func (w *walker) side(key int32, d *Decl) {
	if w.typeofs == nil {
		w.typeofs = map[int32]*Decl{}
	}
	w.typeofs[key] = d
}

// record emits a struct or union specifier.
func (w *walker) record() {
	w.put()
	tag := false
	if w.p < w.hi && w.toks[w.p].Kind == cpp.Ident {
		w.name()
		tag = true
	}
	if w.c != cLBrace {
		if !tag {
			w.fail("expected a tag or {")
		}
		return
	}
	end := w.close(w.p)
	w.put()
	for w.p < end {
		switch {
		case w.c == cSemi:
			w.next() // an empty member
		case w.c == kStaticAssert:
			w.staticAssert()
		default:
			w.member()
		}
	}
	w.want(cRBrace)
}

// member emits one declaration of members.
func (w *walker) member() {
	p := w.look(w.p)
	if p.end == w.sig(w.p) {
		// An attribute is enough for an implicit int.
		if n := len(w.attrs); w.c != cIdent || n == 0 || int(w.attrs[n-1].At) != len(w.out) {
			w.unknownType()
		}
	}
	w.specs(p, false)
	for w.c != cSemi && w.c != cRBrace {
		if w.c == cColon {
			w.out = append(w.out, Tok{Text: spelling[cIdent], Src: w.p, Mark: AnonField, Kind: cpp.Ident})
			w.em = append(w.em, cIdent)
		} else {
			w.declarator(false, declared{})
		}
		if w.c == cColon {
			w.put()
			w.assignment()
		}
		if w.c != cComma {
			break
		}
		w.put()
	}
	if w.c == cRBrace {
		w.syn(cSemi) // gcc takes `struct { int a }`
		return
	}
	w.want(cSemi)
}

// unknownType fails where a declaration must start and none does.
func (w *walker) unknownType() {
	if w.c == cIdent {
		w.fail("unknown type name")
	}
	w.fail("expected a declaration")
}

// enum emits an enum specifier; the enumerators enter the scope at hand.
func (w *walker) enum() {
	w.put()
	tag := false
	if w.p < w.hi && w.toks[w.p].Kind == cpp.Ident {
		w.name()
		tag = true
	}
	if w.c == cColon && w.typeAt(w.sig(w.p+1)) {
		if !tag {
			w.syn(cIdent)
		}
		tag = true
		w.put()
		key, i := int32(len(w.out)), w.p
		w.out = append(w.out, Tok{Text: "enum", Src: i, Mark: Typeof, Kind: cpp.Ident})
		w.em = append(w.em, cMarker)
		f := w.begin()
		w.operandHead()
		w.syn(cLParen)
		w.specs(w.look(w.p), false)
		w.syn(cRParen)
		w.syn(cSemi)
		w.side(key, w.finish(f, i))
	}
	if w.c != cLBrace {
		if !tag {
			w.fail("expected a tag or {")
		}
		return
	}
	end := w.close(w.p)
	w.put()
	for w.p < end {
		id := w.id[w.p]
		w.name()
		w.declare(id, false)
		if w.c == cAssign {
			w.put()
			w.assignment()
		}
		if w.c == cComma {
			w.put()
		} else if w.p < end {
			w.fail("expected , or } in an enumeration")
		}
	}
	w.want(cRBrace)
}

// A declared says what a declarator declares.
type declared struct {
	id      int32 // of the name, 0 if there is none
	derived bool  // a pointer, array or function part has been applied
	fn      bool  // the name itself is that of a function
	collect bool  // wanted are the names of its parameters:
	lo, hi  int   // they are walker.names[lo:hi]
}

// declarator emits a declarator; abstract says that it may have no name.
func (w *walker) declarator(abstract bool, d declared) declared {
	stars := false
	for w.c == cStar {
		stars = true
		w.put()
		for w.c >= firstQual && w.c <= lastQual {
			w.put()
		}
	}
	switch {
	case w.c == cIdent || w.c > cOther && w.context[w.id[w.p]]:
		d.id = w.id[w.p]
		w.name()
	case w.c == cLParen:
		i := w.sig(w.p + 1)
		if abstract && (w.codeAt(i) == cRParen || w.codeAt(i) == cEllipsis || w.typeAt(i)) {
			break // the parameters of a function without a name
		}
		if w.codeAt(i) == cStar {
			w.put()
			d = w.declarator(abstract, d)
			w.want(cRParen)
			break
		}
		// `int (x)` is read as a function type by the grammar; the
		// parentheses mean nothing where no pointer is inside.
		w.next()
		d = w.declarator(abstract, d)
		if w.c != cRParen {
			w.fail("expected ) in a declarator")
		}
		w.next()
	default:
		if !abstract {
			w.fail("expected a name in a declaration")
		}
	}
	for {
		switch w.c {
		case cLBrack:
			w.arraySuffix()
		case cLParen:
			if !d.derived && d.id != 0 {
				d.fn = true
				d.lo = len(w.names)
				w.params(d.collect)
				d.hi = len(w.names)
			} else {
				w.params(false)
			}
		default:
			d.derived = d.derived || stars
			return d
		}
		d.derived = true
	}
}

func (w *walker) arraySuffix() {
	w.put()
	for w.c == kStatic || w.c >= firstQual && w.c <= lastQual {
		w.put()
	}
	switch {
	case w.c == cRBrack:
	case w.c == cStar && w.codeAt(w.p+1) == cRBrack:
		w.put()
	default:
		w.expr()
	}
	w.want(cRBrack)
}

// params emits a parameter list and, where asked, collects the parameters'
// names.
func (w *walker) params(collect bool) {
	end := w.close(w.p)
	w.put()
	scope := w.enter()
	for w.p < end {
		switch {
		case w.c == cEllipsis:
			w.put()
		case w.oldStyleParam():
			w.syn(kInt)
			if collect {
				w.names = append(w.names, w.id[w.p])
			}
			w.name()
		default:
			p := w.look(w.p)
			if p.end == w.sig(w.p) {
				w.unknownType()
			}
			at, attrs := len(w.out), len(w.attrs)
			w.specs(p, false)
			d := w.declarator(true, declared{})
			w.asmLabel()
			if d.id != 0 {
				w.declare(d.id, false)
				if collect {
					w.names = append(w.names, d.id)
				}
			}
			if w.c == cSemi {
				// GNU forward declaration of a parameter: it will be
				// declared again.
				w.out, w.em, w.attrs = w.out[:at], w.em[:at], w.attrs[:attrs]
				w.next()
				continue
			}
		}
		if w.c == cComma {
			w.put()
		} else if w.p < end {
			w.fail("expected , or ) in a parameter list")
		}
	}
	w.leave(scope)
	w.want(cRParen)
}

// oldStyleParam reports whether a bare name of an old-style list is here.
func (w *walker) oldStyleParam() bool {
	if w.c != cIdent || w.typeAt(w.p) {
		return false
	}
	switch w.codeAt(w.sig(w.p + 1)) {
	case cComma, cRParen:
		return true
	}
	return false
}

// typeName emits a type name.
func (w *walker) typeName() {
	w.specs(w.look(w.p), false)
	w.declarator(true, declared{})
}

// external emits an external declaration.
func (w *walker) external() {
	switch w.c {
	case cEOF:
	case cSemi: // attributes alone
		w.next()
	case kAsm:
		w.asmStatement()
		w.want(cSemi)
	case kStaticAssert:
		w.staticAssert()
	default:
		w.declaration()
	}
	if w.c != cEOF {
		w.fail("expected the end of the declaration")
	}
}

// declaration emits a declaration or function definition.
func (w *walker) declaration() {
	p := w.look(w.p)
	if w.codeAt(p.end) == cSemi {
		// The grammar wants a declarator behind storage classes and
		// qualifiers. `static struct s;` says no more than `struct s;`.
		// Behind a case label it wants one in any case: then what is declared
		// becomes a typedef of a name that no program can use.
		if w.inCase {
			w.syn(kTypedef)
		}
		w.specs(p, true)
		if w.inCase {
			w.syn(cIdent)
			w.out[len(w.out)-1].Text = ""
		}
		w.want(cSemi)
		return
	}
	if !p.typed && p.end == w.sig(w.p) && w.codeAt(p.end) == cIdent {
		// An implicit int is possible here: `main() {}`. A name followed by
		// a name is rather a type that we do not know.
		if n := w.codeAt(w.sig(p.end + 1)); n == cIdent || n == cStar {
			w.fail("unknown type name")
		}
	}
	w.specs(p, false)
	for first := true; ; first = false {
		d := w.declarator(false, declared{collect: true})
		w.asmLabel()
		if first && d.fn && !p.typedef && (w.c == cLBrace || w.typeAt(w.p)) {
			w.declare(d.id, false)
			w.body(d)
			return
		}
		w.declare(d.id, p.typedef)
		if w.c == cEOF && first && d.fn && !p.typedef && w.codeAfterHi() == cLBrace {
			w.syn(cSemi) // the head of a definition
			return
		}
		if w.c == cAssign {
			w.put()
			w.initialiser()
		}
		if w.c != cComma {
			break
		}
		w.put()
	}
	w.want(cSemi)
}

// body emits the body of a function definition, behind its declarator.
func (w *walker) body(d declared) {
	scope := w.enter()
	for _, id := range w.names[d.lo:d.hi] {
		w.declare(id, false)
	}
	var kr []*Decl
	for w.c != cLBrace {
		i := w.p
		if !w.typeAt(i) {
			w.fail("expected the body of a function")
		}
		f := w.begin()
		w.declaration()
		kr = append(kr, w.finish(f, i))
	}
	if kr != nil {
		if w.kr == nil {
			w.kr = map[int32][]*Decl{}
		}
		w.kr[int32(len(w.out))] = kr
	}
	w.compound()
	w.leave(scope)
}

// compound emits a block.
func (w *walker) compound() {
	scope := w.enter()
	if w.c != cLBrace {
		w.fail("expected {")
	}
	end := w.close(w.p)
	w.put()
	in := w.inCase
	w.inCase = false
	for w.p < end {
		w.blockItem()
	}
	w.inCase = in
	w.leave(scope)
	w.want(cRBrace)
}

// startsDeclaration reports whether a declaration starts at token i, where a
// statement could, too.
func (w *walker) startsDeclaration(i int32) bool {
	return w.typeAt(i) && !(w.codeAt(i) == cIdent && w.codeAt(i+1) == cColon)
}

func (w *walker) blockItem() {
	switch {
	case w.startsDeclaration(w.p):
		w.declaration()
	case w.c == kStaticAssert:
		w.staticAssert()
	case w.c == kLabel:
		w.localLabels()
	case w.c == kCase:
		w.caseLabel()
	case w.c == kDefault:
		w.inCase = true
		w.put()
		w.want(cColon)
	default:
		w.statement()
	}
}

// caseLabel emits `case X:`. Of a range each end is parenthesised where it is
// more than one token: nothing binds weaker than a ... does.
func (w *walker) caseLabel() {
	w.inCase = true
	w.put()
	dots := int32(-1)
	for i := w.p; ; i++ {
		switch w.codeAt(i) {
		case cEllipsis:
			dots = i
		case cLParen, cLBrack, cLBrace:
			i = w.close(i)
			continue
		case cColon, cSemi, cEOF, cRBrace:
		default:
			continue
		}
		break
	}
	if dots < 0 {
		w.assignment()
		w.want(cColon)
		return
	}
	w.grouped(dots-w.p > 1)
	w.putAs(cOrOr, "||", Range)
	w.grouped(w.codeAt(w.p+1) != cColon)
	w.want(cColon)
}

// grouped emits an assignment expression, in synthetic parentheses if asked.
func (w *walker) grouped(parens bool) {
	if parens {
		w.syn(cLParen)
	}
	w.assignment()
	if parens {
		w.syn(cRParen)
	}
}

// substatement emits the statement that another one governs. A case label
// there is put in a block: the grammar lets a case take all that follows.
func (w *walker) substatement() {
	scope := w.enter()
	if w.c == kCase || w.c == kDefault {
		w.syn(cLBrace)
		w.cases()
		w.syn(cRBrace)
	} else {
		w.statement()
	}
	w.leave(scope)
}

// cases emits case labels and the one statement that they label.
func (w *walker) cases() {
	for w.c == kCase || w.c == kDefault {
		w.blockItem()
	}
	if w.c != cRBrace {
		w.statement()
	}
}

func (w *walker) statement() {
	switch w.c {
	case cLBrace:
		w.compound()
	case cSemi:
		w.put()
	case kIf, kWhile, kDo, kFor, kSwitch:
		// Each is a scope: `if (sizeof(enum {T})) ...`.
		scope := w.enter()
		w.governing()
		w.leave(scope)
	case kCase, kDefault:
		w.substatement()
	case kBreak, kContinue:
		w.put()
		w.want(cSemi)
	case kGoto:
		if w.codeAt(w.p+1) == cStar {
			w.putAs(kReturn, "return", GotoStar)
			w.next() // the *
			w.expr()
		} else {
			w.put()
			w.name()
		}
		w.want(cSemi)
	case kReturn:
		w.put()
		if w.c != cSemi {
			w.expr()
		}
		w.want(cSemi)
	case kAsm:
		w.asmStatement()
		w.want(cSemi)
	case cIdent:
		if w.codeAt(w.p+1) == cColon {
			w.label()
			break
		}
		w.expressionStatement()
	default:
		w.expressionStatement()
	}
}

// governing emits a statement that governs another.
func (w *walker) governing() {
	c := w.c
	w.put()
	switch c {
	case kIf:
		w.condition()
		w.substatement()
		if w.c == kElse {
			w.put()
			w.substatement()
		}
	case kWhile:
		w.condition()
		w.substatement()
	case kDo:
		w.substatement()
		w.want(kWhile)
		w.condition()
		w.want(cSemi)
	case kFor:
		w.forHead()
		w.substatement()
	case kSwitch:
		w.condition()
		if w.c == cLBrace {
			w.compound()
			break
		}
		// The grammar wants a block.
		w.syn(cLBrace)
		w.cases()
		w.syn(cRBrace)
	}
}

// label emits a label and what it labels.
func (w *walker) label() {
	w.name()
	w.put()
	switch {
	case w.c == cRBrace, w.c == kStaticAssert, w.c == kLabel:
		w.syn(cSemi)
	case w.c == kCase || w.c == kDefault:
		w.substatement()
	case w.startsDeclaration(w.p):
		// A typedef, a tag alone or a nested function cannot have a label in
		// the grammar; a declaration of variables can, but one rule for all
		// is simpler for who reads the tree.
		w.syn(cSemi)
		w.declaration()
	default:
		w.statement()
	}
}

// condition emits the parenthesised expression of an if or a loop.
func (w *walker) condition() {
	w.want(cLParen)
	w.expr()
	w.want(cRParen)
}

func (w *walker) forHead() {
	w.want(cLParen)
	switch {
	case w.c == cSemi:
		w.put()
	case w.typeAt(w.p):
		w.declaration()
	case w.c == kStaticAssert:
		w.staticAssert()
		w.syn(cSemi)
	default:
		w.expressionStatement()
	}
	if w.c != cSemi {
		w.expr()
	}
	w.want(cSemi)
	if w.c != cRParen {
		w.expr()
	}
	w.want(cRParen)
}

// expressionStatement emits an expression and its `;`. In parentheses, where
// the grammar would prefer to read a declaration: `x;` `x * y;` `f(x) * y;`.
func (w *walker) expressionStatement() {
	parens := false
	if w.c == cIdent {
		i := w.sig(w.p + 1)
		for w.codeAt(i) == cLParen {
			i = w.sig(w.close(i) + 1)
			if w.codeAt(i) == cSemi {
				i = -1 // a plain call is read rightly
				break
			}
		}
		if i >= 0 {
			c := w.codeAt(i)
			parens = c == cStar || c == cSemi
		}
	}
	if parens {
		w.syn(cLParen)
	}
	w.expr()
	if parens {
		w.syn(cRParen)
	}
	w.want(cSemi)
}
