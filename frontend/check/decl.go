package check

import (
	"saz/frontend/ctype"
	"saz/frontend/syntax"
)

// externalDecl checks the declaration that was entered.
func (c *checker) externalDecl() {
	if len(c.nodes) == 0 {
		return
	}
	if c.d.Body > 0 {
		c.wait()
		return
	}
	if c.sym(0) != syntax.SymTranslationUnit {
		c.topLevel(0)
		return
	}
	end := c.nodes[0].Next
	for i := int32(1); i < end; i = c.nodes[i].Next {
		if c.nodes[i].Named {
			c.topLevel(i)
		}
	}
}

func (c *checker) topLevel(n int32) {
	switch c.sym(n) {
	case syntax.SymFunctionDefinition:
		c.functionDefinition(n, nil)
	case syntax.SymDeclaration, syntax.SymTypeDefinition:
		c.declaration(n, nil)
	case syntax.SymStructSpecifier, syntax.SymUnionSpecifier, syntax.SymEnumSpecifier:
		c.tagSpecifier(n, true)
	case syntax.SymExpressionStatement:
		if x := c.named(n); x >= 0 {
			if c.sym(x) != syntax.SymGnuAsmExpression {
				c.fail(n, "a statement outside of any function")
			}
			a := c.asm(x)
			c.unit.Asms = append(c.unit.Asms, a)
		}
	case syntax.SymPrimitiveType, syntax.SymSizedTypeSpecifier, syntax.SymTypeIdentifier:
		// `int;` declares nothing
	default:
		c.fail(n, "saz does not know what a %s means here", c.sym(n))
	}
}

// ---- declaration specifiers

// A spec is the declaration specifiers of a declaration.
type spec struct {
	typ     *ctype.Type
	storage storageClass
	inline  bool
	thread  bool
	attrs   attrs
	node    int32 // the declaration
}

type storageClass uint8

const (
	noStorage storageClass = iota
	scTypedef
	scExtern
	scStatic
	scAuto
	scRegister
)

// words counts the keywords of an arithmetic type.
type words struct {
	void, boolean, char, short, int, long, float, double int
	signed, unsigned, complex, int128                    int
	f16, f128                                            int
	n                                                    int
}

func (w *words) any() bool { return w.n > 0 }

// add counts one keyword; false if s is none.
func (w *words) add(s string) bool {
	switch s {
	case "void":
		w.void++
	case "_Bool", "bool":
		w.boolean++
	case "char":
		w.char++
	case "short":
		w.short++
	case "int":
		w.int++
	case "long":
		w.long++
	case "float", "_Float32":
		w.float++
	case "double", "_Float64", "_Float32x":
		w.double++
	case "_Float64x", "__float80":
		w.long++
		w.double++
	case "signed", "__signed", "__signed__":
		w.signed++
	case "unsigned":
		w.unsigned++
	case "_Complex", "__complex__", "__complex":
		w.complex++
	case "__int128":
		w.int128++
	case "_Float16":
		w.f16++
	case "_Float128", "__float128":
		w.f128++
	default:
		return false
	}
	w.n++
	return true
}

// typ is the type that the words name.
func (w *words) typ(u *ctype.Universe) (t *ctype.Type, ok bool) {
	un := w.unsigned > 0
	pick := func(s, uns *ctype.Type) *ctype.Type {
		if un {
			return uns
		}
		return s
	}
	switch {
	case w.void > 0:
		t = ctype.TVoid
	case w.boolean > 0:
		t = ctype.TBool
	case w.char > 0 && w.signed > 0:
		t = ctype.TSChar
	case w.char > 0:
		t = pick(ctype.TChar, ctype.TUChar)
	case w.float > 0:
		t = ctype.TFloat
	case w.double > 0 && w.long > 0:
		t = ctype.TLongDouble
	case w.double > 0:
		t = ctype.TDouble
	case w.f16 > 0:
		t = ctype.TFloat16
	case w.f128 > 0:
		t = ctype.TFloat128
	case w.int128 > 0:
		t = pick(ctype.TInt128, ctype.TUInt128)
	case w.short > 0:
		t = pick(ctype.TShort, ctype.TUShort)
	case w.long > 1:
		t = pick(ctype.TLongLong, ctype.TULongLong)
	case w.long > 0:
		t = pick(ctype.TLong, ctype.TULong)
	case w.int > 0 || w.signed > 0 || w.unsigned > 0:
		t = pick(ctype.TInt, ctype.TUInt)
	case w.complex > 0:
		t = ctype.TDouble
	default:
		return nil, false
	}
	if w.complex > 0 {
		t = u.Complex(t)
	}
	return t, true
}

// specs reads the declaration specifiers among the children of n. alone says
// that no declarator follows, which makes `struct s;` a new declaration.
func (c *checker) specs(n int32) spec {
	s := spec{node: n}
	var q ctype.Qual
	var w words
	end := c.nodes[n].Next
	typeNode, declTok := int32(-1), int32(-1)
	for i := n + 1; i < end; i = c.nodes[i].Next {
		nd := &c.nodes[i]
		if nd.Field == syntax.FieldDeclarator {
			declTok = nd.Tok
			break
		}
		switch nd.Sym {
		case syntax.SymStorageClassSpecifier:
			c.storage(&s, c.text(i), i)
		case syntax.SymTypeQualifier:
			q |= qualifier(c.text(i))
		case syntax.SymStructSpecifier, syntax.SymUnionSpecifier, syntax.SymEnumSpecifier:
			typeNode = i
			s.typ = c.tagSpecifier(i, c.alone(n, i))
		case syntax.SymPrimitiveType, syntax.SymSizedTypeSpecifier:
			typeNode = i
			for k := nd.Tok; k < nd.End; k++ {
				t := &c.toks[k]
				switch t.Mark {
				case syntax.Typedef, syntax.Builtin, syntax.Typeof:
					if t.Mark == syntax.Builtin && w.add(t.Text) {
						continue // (a program may have `typedef int bool;`)
					}
					if s.typ = c.namedType(k); s.typ == nil {
						c.fail(i, "%s is not a type that saz knows", t.Text)
					}
				default:
					if !w.add(t.Text) {
						q |= qualifier(t.Text)
					}
				}
			}
		case syntax.SymTypeIdentifier:
			c.fail(i, "unknown type name %s", c.text(i))
		default:
			if !nd.Named {
				switch c.text(i) {
				case "typedef":
					s.storage = scTypedef
				case ";", ",", "(", ")":
				default:
					c.storage(&s, c.text(i), i)
				}
			} else if typeNode < 0 {
				c.fail(i, "saz does not know what a %s means in a declaration", nd.Sym)
			}
		}
		if nd.Sym == syntax.SymBitfieldClause {
			break
		}
	}
	if len(c.d.Attrs) > 0 {
		c.specAttrs(&s, &w, n, typeNode, declTok)
	}
	if w.any() {
		var ok bool
		if s.typ, ok = w.typ(c.ty); !ok {
			c.fail(n, "these type specifiers name no type")
		}
	}
	if s.typ == nil {
		s.typ = ctype.TInt // C89: no specifier is int
	}
	if s.attrs.vector != 0 || s.attrs.mode != "" {
		s.typ = c.applyAttrs(&attrs{vector: s.attrs.vector, mode: s.attrs.mode}, s.typ, false, n)
	}
	if q != 0 {
		s.typ = c.ty.Qualified(s.typ, q)
	}
	return s
}

// specAttrs collects the attributes among the specifiers: up to the first
// declarator, but for those that belong to a struct body.
func (c *checker) specAttrs(s *spec, w *words, n, typeNode, declTok int32) {
	nd := &c.nodes[n]
	hi := declTok
	if hi < 0 {
		hi = nd.End
		if c.sym(n) != syntax.SymParameterDeclaration && c.sym(n) != syntax.SymTypeDescriptor {
			hi--
		}
	}
	take := func(lo, hi int32) {
		list := c.attrsAt(lo, hi)
		c.readAttrs(&s.attrs, list)
		for i := range list {
			if list[i].Name == "_Complex" {
				w.complex++
				w.n++
			}
		}
	}
	if typeNode < 0 {
		take(nd.Tok, hi)
		return
	}
	t := &c.nodes[typeNode]
	take(nd.Tok, t.Tok)
	lo := t.Tok + 1
	switch t.Sym {
	case syntax.SymStructSpecifier, syntax.SymUnionSpecifier, syntax.SymEnumSpecifier:
		lo = t.End
		if c.child(typeNode, syntax.FieldBody) >= 0 {
			lo++ // what follows the brace at once is the type's
		}
	}
	take(lo, hi)
}

// alone reports whether the specifier i is all that declaration n has: then a
// tag is declared anew.
func (c *checker) alone(n, i int32) bool {
	if c.sym(n) != syntax.SymDeclaration {
		return false
	}
	return c.child(n, syntax.FieldDeclarator) < 0
}

func (c *checker) storage(s *spec, text string, n int32) {
	switch text {
	case "extern":
		s.storage = scExtern
	case "static":
		s.storage = scStatic
	case "auto":
		s.storage = scAuto
	case "register":
		s.storage = scRegister
	case "typedef":
		s.storage = scTypedef
	case "inline", "__inline", "__inline__":
		s.inline = true
	case "__thread", "_Thread_local", "thread_local":
		s.thread = true
	}
}

func qualifier(text string) ctype.Qual {
	switch text {
	case "const", "__const", "__const__", "constexpr":
		return ctype.Const
	case "volatile", "__volatile", "__volatile__":
		return ctype.Volatile
	case "restrict", "__restrict", "__restrict__":
		return ctype.Restrict
	case "_Atomic":
		return ctype.Atomic
	}
	return 0
}

// namedType is the type of a token that stands for one; nil if it is none.
func (c *checker) namedType(tok int32) *ctype.Type {
	t := &c.toks[tok]
	switch t.Mark {
	case syntax.Typeof:
		return c.typeof(tok)
	case syntax.Builtin:
		switch t.Text {
		case "__auto_type":
			return ctype.TAuto
		case "_BitInt", "__bf16", "_Decimal32", "_Decimal64", "_Decimal128":
			c.failAt(t.Src, "the type %s is not supported", t.Text)
		}
	}
	if id := c.idents[t.Text]; id != nil && id.kind == typedefIdent {
		return id.typ
	}
	return nil
}

// typeof is the type of the operand of typeof, which the syntax keeps aside.
func (c *checker) typeof(tok int32) *ctype.Type {
	sub := c.d.Typeofs[tok]
	if sub == nil || sub.Bad || len(sub.Nodes) == 0 {
		c.failAt(c.toks[tok].Src, "the operand of %s could not be parsed", c.toks[tok].Text)
	}
	word := c.toks[tok].Text
	var t *ctype.Type
	c.within(sub, func() {
		for i := range c.nodes {
			if c.nodes[i].Sym == syntax.SymSizeofExpression {
				t, _ = c.operandType(int32(i))
				return
			}
		}
	})
	if t == nil {
		c.failAt(c.toks[tok].Src, "the operand of %s could not be parsed", word)
	}
	switch word {
	case "_Atomic":
		t = c.ty.Qualified(t, ctype.Atomic)
	case "typeof_unqual", "__typeof_unqual", "__typeof_unqual__":
		t = t.Unqualified()
	}
	return t
}

// within runs f with another declaration's tokens and nodes in place.
func (c *checker) within(d *syntax.Decl, f func()) {
	saveD, saveT, saveN := c.d, c.toks, c.nodes
	c.enter(d)
	f()
	c.d, c.toks, c.nodes = saveD, saveT, saveN
}

// ---- struct, union, enum

// tagSpecifier is the type of a struct, union or enum specifier. alone: it is
// a declaration by itself.
func (c *checker) tagSpecifier(n int32, alone bool) *ctype.Type {
	kind := ctype.Struct
	switch c.sym(n) {
	case syntax.SymUnionSpecifier:
		kind = ctype.Union
	case syntax.SymEnumSpecifier:
		kind = ctype.Enum
	}
	nameNode := c.child(n, syntax.FieldName)
	body := c.child(n, syntax.FieldBody)
	name, posNode := "", n
	if nameNode >= 0 {
		name, posNode = c.text(nameNode), nameNode
	}
	var t *ctype.Type
	if name != "" {
		if tg := c.tags[name]; tg != nil && (tg.depth == c.depth || body < 0 && !(alone && kind != ctype.Enum)) {
			t = tg.typ
			if t.Kind != kind {
				c.fail(n, "%s %s was declared as another kind of tag", kindWord(kind), name)
			}
		}
	}
	if t == nil {
		if kind == ctype.Enum {
			t = c.ty.NewEnum(name)
			t.Enum.Pos = c.pos(posNode)
			c.unit.Enums = append(c.unit.Enums, t.Enum)
		} else {
			t = c.ty.NewRecord(name, kind == ctype.Union)
			t.Rec.Pos = c.pos(posNode)
			c.unit.Records = append(c.unit.Records, t.Rec)
		}
		if name != "" {
			c.bindTag(name, t)
		}
	}
	if body < 0 {
		if kind == ctype.Enum {
			if k := c.child(n, syntax.FieldUnderlyingType); k >= 0 && t.Enum.Under == nil {
				t.Enum.Under = c.enumUnder(k)
			}
		}
		return t
	}
	var a attrs
	if len(c.d.Attrs) > 0 {
		c.readAttrs(&a, c.attrsAt(c.nodes[n].Tok+1, c.nodes[body].Tok))
		c.readAttrs(&a, c.attrsAt(c.nodes[n].End, c.nodes[n].End))
	}
	if kind == ctype.Enum {
		if t.Enum.Complete {
			c.fail(n, "enum %s is defined twice", name)
		}
		c.enumBody(n, body, t, &a)
		return t
	}
	if t.Rec.Complete {
		c.fail(n, "%s %s is defined twice", kindWord(kind), name)
	}
	t.Rec.Pos = c.pos(posNode)
	c.recordBody(n, body, t, &a)
	return t
}

func kindWord(k ctype.Kind) string {
	switch k {
	case ctype.Union:
		return "union"
	case ctype.Enum:
		return "enum"
	}
	return "struct"
}

func (c *checker) recordBody(n, body int32, t *ctype.Type, a *attrs) {
	var specs []ctype.FieldSpec
	end := c.nodes[body].Next
	for i := body + 1; i < end; i = c.nodes[i].Next {
		if c.nodes[i].Sym == syntax.SymFieldDeclaration {
			specs = c.fieldDecl(i, specs)
		} else if c.nodes[i].Named {
			c.fail(i, "saz does not know what a %s means in a record", c.nodes[i].Sym)
		}
	}
	for i := range specs {
		if specs[i].Name == "" || i > 64 { // a long record is no place for a quadratic check
			continue
		}
		for j := range i {
			if specs[j].Name == specs[i].Name {
				c.fail(n, "duplicate member %s", specs[i].Name)
			}
		}
	}
	c.pragmas(c.last(body) - 1)
	err := t.Rec.Layout(specs, ctype.LayoutRules{Packed: a.packed, Align: a.align, Pack: c.pack})
	if err != nil {
		c.fail(n, "%s: %v", t, err)
	}
	t.Rec.Transparent = a.transparent
}

func (c *checker) fieldDecl(n int32, out []ctype.FieldSpec) []ctype.FieldSpec {
	s := c.specs(n)
	end := c.nodes[n].Next
	any := false
	for i := n + 1; i < end; i = c.nodes[i].Next {
		if c.nodes[i].Field != syntax.FieldDeclarator {
			continue
		}
		first := !any
		any = true
		dr := c.declarator(i, s.typ)
		f := ctype.FieldSpec{Name: dr.name, Type: dr.typ, Pos: c.pos(i), Packed: s.attrs.packed, Align: s.attrs.align}
		if dr.tok >= 0 {
			f.Pos = c.tokPos(c.toks[dr.tok].Src)
			if c.toks[dr.tok].Mark == syntax.AnonField {
				f.Name = ""
			}
		}
		last := c.nodes[i].End
		if k := c.nodes[i].Next; k < end && c.nodes[k].Sym == syntax.SymBitfieldClause {
			last = c.nodes[k].End
			f.BitField = true
			f.Width = c.needInt64(c.named(k), "the width of a bit-field")
			if !f.Type.IsInteger() {
				c.fail(i, "bit-field %s has the type %s", f.Name, f.Type)
			}
			if f.Width < 0 {
				c.fail(i, "bit-field %s has a negative width", f.Name)
			}
			if f.Type.Kind == ctype.Enum && f.Type.Enum.Under == nil {
				c.fail(i, "bit-field %s has an incomplete type", f.Name)
			}
		}
		if len(c.d.Attrs) > 0 {
			var a attrs
			c.declaratorAttrs(&a, i, dr.tok, last, first)
			f.Packed = f.Packed || a.packed
			f.Align = max(f.Align, a.align)
			f.Type = c.applyAttrs(&a, f.Type, false, i)
		}
		if f.Type.Kind == ctype.Func {
			c.fail(i, "member %s is a function", f.Name)
		}
		out = append(out, f)
	}
	if !any && s.typ.IsRecord() {
		// An anonymous member. `struct tag;` inside a record only declares
		// the tag, unless its body stands here (GNU, MS) and it has no tag.
		if s.typ.Rec.Tag == "" {
			out = append(out, ctype.FieldSpec{Type: s.typ, Pos: c.pos(n), Packed: s.attrs.packed, Align: s.attrs.align})
		}
	}
	return out
}

// declaratorAttrs reads the attributes in and behind the declarator n, whose
// name is token tok and behind which (and behind its bit-field width) stands
// token after.
func (c *checker) declaratorAttrs(a *attrs, n, tok, after int32, first bool) {
	lo := c.nodes[n].Tok
	if first {
		lo++ // an attribute just before it is the specifiers'
	}
	if tok >= 0 && lo <= tok {
		c.readAttrs(a, c.attrsAt(lo, tok))
	}
	if after > tok {
		c.readAttrs(a, c.attrsAt(max(after, lo), after))
	}
	// int a __attribute__((aligned(8)))[3] and the like
	if tok >= 0 && tok+1 < after {
		c.readAttrs(a, c.attrsAt(tok+1, tok+1))
	}
}

func (c *checker) enumUnder(k int32) *ctype.Type {
	t := c.namedType(c.nodes[k].Tok)
	if t == nil || !t.IsInteger() {
		c.fail(k, "the underlying type of an enumeration is not an integer type")
	}
	return t.Unqualified()
}

func (c *checker) enumBody(n, body int32, t *ctype.Type, a *attrs) {
	e := t.Enum
	var under *ctype.Type
	if k := c.child(n, syntax.FieldUnderlyingType); k >= 0 {
		under = c.enumUnder(k)
	}
	var consts []ctype.EnumConst
	var idents []*ident
	next := ctype.Num{}
	nextType := ctype.TInt
	fits := func(v ctype.Num, t, from *ctype.Type) bool {
		return v.Wrap(t) == v && (from.IsSigned() || !t.IsSigned() || !v.Wrap(t).Negative())
	}
	end := c.nodes[body].Next
	for i := body + 1; i < end; i = c.nodes[i].Next {
		if c.nodes[i].Sym != syntax.SymEnumerator {
			continue
		}
		name := c.text(c.child(i, syntax.FieldName))
		v, vt := next, nextType
		if k := c.child(i, syntax.FieldValue); k >= 0 {
			x := c.rvalue(k)
			if !x.Type.IsInteger() {
				c.fail(k, "the value of enumerator %s is not an integer", name)
			}
			var ok bool
			if v, ok = constInt(x); !ok {
				c.fail(k, "the value of enumerator %s is not constant", name)
			}
			vt = ctype.Promote(x.Type)
		}
		if fits(v, ctype.TInt, vt) {
			vt = ctype.TInt
		} else if ctype.SizeOf(vt) < 8 {
			vt = c.wider(v, vt)
		}
		if under != nil {
			vt = under
		}
		val, ok := v.Int64()
		consts = append(consts, ctype.EnumConst{Name: name, Value: val, Unsigned: !ok})
		idents = append(idents, c.bind(name, ident{kind: constIdent, typ: vt, val: v}))
		next = v.Add(ctype.NumInt(1))
		nextType = vt
		if !fits(next, vt, ctype.TInt128) {
			nextType = c.wider(next, vt)
		}
	}
	e.Finish(consts, a.packed)
	if a.mode != "" {
		e.Under = c.withMode(e.Under, a.mode, n)
	}
	if under != nil {
		e.Under = under
		for _, id := range idents {
			id.typ = t
		}
		return
	}
	// gcc: enumerators that fit an int are ints, the others have the type of
	// the enumeration.
	for _, id := range idents {
		if !fits(id.val, ctype.TInt, ctype.TInt128) {
			id.typ = e.Under
		} else {
			id.typ = ctype.TInt
		}
	}
}

// wider is the type that the value after the last one of vt takes.
func (c *checker) wider(v ctype.Num, vt *ctype.Type) *ctype.Type {
	for _, t := range []*ctype.Type{ctype.TInt, ctype.TUInt, ctype.TLong, ctype.TULong, ctype.TInt128} {
		if v.Wrap(t) == v && !(t.IsSigned() && v.Wrap(t).Negative() != v.Negative()) {
			return t
		}
	}
	return vt
}

// ---- declarations

// declaration checks a declaration or typedef. up is the statement list it is
// in, nil at file scope; the objects that need a DeclStmt are returned.
func (c *checker) declaration(n int32, up *Stmt) []*Object {
	s := c.specs(n)
	if c.sym(n) == syntax.SymTypeDefinition {
		s.storage = scTypedef
	}
	var out []*Object
	end := c.nodes[n].Next
	first := true
	for i := n + 1; i < end; i = c.nodes[i].Next {
		if c.nodes[i].Field != syntax.FieldDeclarator {
			continue
		}
		d, value := i, int32(-1)
		if c.nodes[i].Sym == syntax.SymInitDeclarator {
			d = c.child(i, syntax.FieldDeclarator)
			value = c.child(i, syntax.FieldValue)
		}
		dr := c.declarator(d, s.typ)
		a := s.attrs
		if len(c.d.Attrs) > 0 {
			c.declaratorAttrs(&a, d, dr.tok, c.nodes[d].End, first)
			// The specifiers' own vector_size and mode are in the type already.
			da := a
			if da.vector == s.attrs.vector {
				da.vector = 0
			}
			if da.mode == s.attrs.mode {
				da.mode = ""
			}
			dr.typ = c.applyAttrs(&da, dr.typ, s.storage == scTypedef, d)
		}
		first = false
		if dr.tok < 0 {
			c.fail(d, "a declarator without a name")
		}
		if s.storage == scTypedef {
			c.typedefDecl(&dr)
			continue
		}
		if o := c.declareObject(&s, &dr, &a, value, up, n); o != nil {
			out = append(out, o)
		}
	}
	return out
}

func (c *checker) typedefDecl(dr *declr) {
	t := dr.typ
	if t.IsRecord() && t.Rec.Tag == "" && t.Rec.Typedef == "" {
		t.Rec.Typedef = dr.name
	}
	if old := c.idents[dr.name]; old != nil && old.depth == c.depth {
		if old.kind != typedefIdent {
			c.failAt(dr.src(c), "%s was declared as another kind of name", dr.name)
		}
		if ctype.Compatible(old.typ, t) {
			return // C11 allows it, headers do it
		}
		c.failAt(dr.src(c), "typedef %s was %s before, now %s", dr.name, old.typ.Canonical(), t.Canonical())
	}
	t = c.ty.Named(t, dr.name)
	c.bind(dr.name, ident{kind: typedefIdent, typ: t})
	if c.depth == 0 {
		c.unit.Typedefs = append(c.unit.Typedefs, Typedef{dr.name, t, c.tokPos(dr.src(c))})
	}
}

// declareObject declares a variable or function. It returns the object if a
// DeclStmt should list it.
func (c *checker) declareObject(s *spec, dr *declr, a *attrs, value int32, up *Stmt, n int32) *Object {
	src := dr.src(c)
	if dr.typ.Kind == ctype.Func {
		c.declareFunction(s, dr, a, src)
		return nil
	}
	if c.fn == nil || s.storage == scExtern {
		c.declareGlobal(s, dr, a, value, src)
		return nil
	}
	o := c.newObject()
	o.Name, o.Link, o.Type, o.Tok, o.Pos = dr.name, dr.name, dr.typ, src, c.tokPos(src)
	o.Storage = Auto
	o.Thread = s.thread
	o.Func = c.fn.def
	o.Scope = up
	o.Defined = true
	if s.storage == scStatic || s.thread {
		o.Storage = FuncStatic
		c.unit.Objects = append(c.unit.Objects, o)
	}
	if id := c.idents[dr.name]; id != nil && id.depth == c.depth && id.kind != objectIdent {
		c.failAt(src, "%s is declared twice in this scope", dr.name)
	}
	if o.Type.Kind == ctype.Auto {
		if value < 0 {
			c.failAt(src, "__auto_type without an initialiser")
		}
		x := c.rvalue(value)
		o.Type = c.ty.Qualified(x.Type, o.Type.Qual)
		o.Init = &Init{Items: []InitItem{{Type: x.Type, X: x}}, Tok: x.Tok, End: x.End, Size: ctype.SizeOf(x.Type)}
		value = -1
	}
	c.bind(dr.name, ident{kind: objectIdent, obj: o})
	c.fn.def.Locals = append(c.fn.def.Locals, o)
	c.applyObject(a, o)
	if c.fn.onObject != nil {
		c.fn.onObject(o)
	}
	if value >= 0 {
		c.initObject(o, value)
	}
	if !ctype.IsComplete(o.Type) {
		c.failAt(src, "%s has the incomplete type %s", dr.name, o.Type)
	}
	return o
}

// declareGlobal declares a variable with linkage.
func (c *checker) declareGlobal(s *spec, dr *declr, a *attrs, value, src int32) {
	if c.fn == nil && ctype.HasVLA(dr.typ) {
		c.failAt(src, "%s has a variable size at file scope", dr.name)
	}
	if dr.typ.Kind == ctype.Auto {
		if value < 0 {
			c.failAt(src, "__auto_type without an initialiser")
		}
		c.unevaluated++
		dr.typ = c.ty.Qualified(c.rvalue(value).Type, dr.typ.Qual)
		c.unevaluated--
	}
	prior := c.externs[dr.name]
	known := prior != nil && prior.Defined
	var before *ctype.Type
	if prior != nil {
		before = prior.Type
	}
	o := c.declareLinked(dr.name, dr.typ, s.storage == scStatic, src)
	if c.fn != nil && prior != nil && !ctype.Same(before, o.Type) {
		o.fileScope = false // outside of this block it is still what it was before
	}
	if id := c.idents[dr.name]; id == nil || id.obj != o {
		if id != nil && id.depth == c.depth {
			if id.kind != objectIdent || c.depth == 0 {
				c.failAt(src, "%s was declared as another kind of name", dr.name)
			}
		}
		c.bind(dr.name, ident{kind: objectIdent, obj: o})
	}
	o.Thread = o.Thread || s.thread
	c.applyObject(a, o)
	if o.Alias != "" {
		o.Defined = true
	}
	define := value >= 0 || s.storage != scExtern
	if !define || c.fn != nil {
		return
	}
	if !known || value >= 0 {
		o.declPos(src, c.tokPos(src))
	}
	o.Defined = true
	if value < 0 {
		if o.Init == nil {
			o.Tentative = true
		}
		return
	}
	if o.Init != nil {
		c.failAt(src, "%s is defined twice", dr.name)
	}
	o.Tentative = false
	c.initObject(o, value)
	if !ctype.IsComplete(o.Type) {
		c.failAt(src, "%s has the incomplete type %s", dr.name, o.Type)
	}
}

// declareFunction declares a function, without a body.
func (c *checker) declareFunction(s *spec, dr *declr, a *attrs, src int32) *Object {
	if a.noreturn && !dr.typ.Func.NoReturn {
		dr.typ = c.noReturn(dr.typ)
	}
	if c.fn != nil && s.storage == scAuto {
		return c.nestedPrototype(dr, a, src)
	}
	if id := c.idents[dr.name]; id != nil && id.kind == objectIdent && id.obj.nested && id.depth == c.depth {
		return id.obj
	}
	o := c.declareLinked(dr.name, dr.typ, s.storage == scStatic, src)
	if id := c.idents[dr.name]; id == nil || id.obj != o {
		if id != nil && id.depth == c.depth && (id.kind != objectIdent || c.depth == 0) {
			c.failAt(src, "%s was declared as another kind of name", dr.name)
		}
		c.bind(dr.name, ident{kind: objectIdent, obj: o})
	}
	if s.inline {
		o.Inline = true
	}
	if s.storage != scStatic && o.Storage == Extern {
		// C99: an inline definition is the external one as soon as one
		// declaration lacks inline or has extern; GNU: never if both.
		if o.InlineOnly && !o.gnuInline && (!s.inline || s.storage == scExtern) {
			o.InlineOnly = false
		}
		if !s.inline || s.storage == scExtern {
			o.externDecl = true
		}
	}
	o.gnuInline = o.gnuInline || a.gnuInline
	c.applyObject(a, o)
	o.NoReturn = o.NoReturn || o.Type.Func.NoReturn
	if o.Alias != "" {
		o.Defined = true
	}
	return o
}

// nestedPrototype is `auto int f(int);` in a block: it announces a nested
// function.
func (c *checker) nestedPrototype(dr *declr, a *attrs, src int32) *Object {
	o := c.newObject()
	o.Name, o.Link, o.Type, o.Tok, o.Pos = dr.name, dr.name, dr.typ, src, c.tokPos(src)
	o.Storage, o.nested = Static, true
	c.unit.Objects = append(c.unit.Objects, o)
	c.bind(dr.name, ident{kind: objectIdent, obj: o})
	c.applyObject(a, o)
	return o
}

// ---- function definitions

// wait declares the function of a definition whose body was left for later.
func (c *checker) wait() {
	n := c.named(0)
	if n < 0 || c.sym(n) != syntax.SymDeclaration {
		c.fail(0, "this is no function")
	}
	s := c.specs(n)
	d := c.child(n, syntax.FieldDeclarator)
	if d < 0 {
		c.fail(n, "a function definition without declarator or body")
	}
	dr := c.declarator(d, s.typ)
	if dr.tok < 0 || dr.typ.Kind != ctype.Func {
		c.fail(d, "this is no function")
	}
	a := s.attrs
	if len(c.d.Attrs) > 0 {
		c.declaratorAttrs(&a, d, dr.tok, c.nodes[d].End, true)
	}
	if a.noreturn {
		dr.typ = c.noReturn(dr.typ)
	}
	o := c.functionObject(&s, &dr, &a, dr.src(c), false)
	o.pending = &pending{c.d, c.pack}
	c.waiting = append(c.waiting, o)
}

// A pending body is one that was left for later.
type pending struct {
	decl *syntax.Decl
	pack int64 // #pragma pack in force there
}

// complete checks the definition of o, which waited.
func (c *checker) complete(o *Object) {
	p := o.pending
	o.pending = nil
	c.completed++
	d := c.tree.Complete(p.decl)
	if d.Bad {
		c.bad(d, d.Name)
		return
	}
	pack := c.pack
	c.pack, c.completing = p.pack, o
	c.guarded(d)
	c.pack, c.completing = pack, nil
}

// functionDefinition checks a function definition. In a block (up not nil) it
// is a GNU nested function.
func (c *checker) functionDefinition(n int32, up *Stmt) {
	s := c.specs(n)
	d := c.child(n, syntax.FieldDeclarator)
	body := c.child(n, syntax.FieldBody)
	if d < 0 || body < 0 {
		c.fail(n, "a function definition without declarator or body")
	}
	def := &FuncDef{Tok: c.first(n), End: c.last(n)}
	outer := c.fn
	c.fn = &function{def: def, outer: outer}

	// The parameters' scope is the body's: it stays open when the innermost
	// function declarator has been read.
	c.fn.declNode = c.definedDeclarator(d)
	if c.fn.declNode < 0 {
		c.fail(d, "this is no function")
	}
	depth := c.depth
	dr := c.declarator(d, s.typ)
	if dr.tok < 0 || c.depth != depth+1 || dr.typ.Kind != ctype.Func {
		c.fail(d, "this is no function")
	}
	a := s.attrs
	if len(c.d.Attrs) > 0 {
		c.declaratorAttrs(&a, d, dr.tok, c.nodes[d].End, true)
	}
	if a.noreturn {
		dr.typ = c.noReturn(dr.typ)
	}
	if kr := c.d.KR[c.nodes[body].Tok]; kr != nil {
		dr.typ = c.oldStyleParams(kr, dr.typ)
	}
	src := dr.src(c)
	o := c.functionObject(&s, &dr, &a, src, up != nil)
	def.Obj = o
	def.Params = c.fn.params
	for _, p := range def.Params {
		p.Func = def
		if !ctype.IsComplete(p.Type) {
			c.failAt(max(p.Tok, src), "parameter %s has the incomplete type %s", p.Name, p.Type)
		}
	}

	def.Body = c.functionBody(body)
	c.checkLabels()
	c.pop()
	c.fn = outer
	o.Func = def
	if up != nil {
		outer.def.Nested = append(outer.def.Nested, def)
		return
	}
	c.unit.Funcs = append(c.unit.Funcs, def)
}

// functionObject declares the function being defined, outside of the scope of
// its parameters, which is open.
func (c *checker) functionObject(s *spec, dr *declr, a *attrs, src int32, nested bool) *Object {
	var o *Object
	if nested {
		if id := c.idents[dr.name]; id != nil && id.kind == objectIdent && id.obj.nested && id.depth == c.depth-1 && !id.obj.Defined {
			o = id.obj
		} else {
			o = c.newObject()
			o.Name, o.Link = dr.name, dr.name
			o.Storage, o.nested = Static, true
			c.unit.Objects = append(c.unit.Objects, o)
			c.bindOuter(dr.name, ident{kind: objectIdent, obj: o})
		}
		o.Type = dr.typ
	} else {
		o = c.declareLinked(dr.name, dr.typ, s.storage == scStatic, src)
		if o.Defined && o.Alias == "" && o != c.completing {
			if !o.InlineOnly {
				c.failAt(src, "%s is defined twice", dr.name)
			}
			c.dropDefinition(o)
		}
		if !ctype.Same(o.Type, dr.typ) && dr.typ.Func.OldStyle == o.Type.Func.OldStyle {
			o.Type = dr.typ // the definition's parameter names
		}
		if c.depth > 0 {
			c.bindOuter(dr.name, ident{kind: objectIdent, obj: o})
		} else { // its body waits
			c.bind(dr.name, ident{kind: objectIdent, obj: o})
		}
	}
	o.declPos(src, c.tokPos(src))
	o.Inline = o.Inline || s.inline
	o.gnuInline = o.gnuInline || a.gnuInline
	o.Defined = true
	if s.storage != scStatic && o.Storage == Extern && o.Inline {
		switch {
		case o.gnuInline:
			o.InlineOnly = s.storage == scExtern
		default:
			o.InlineOnly = s.inline && s.storage != scExtern && !o.externDecl
		}
	}
	c.applyObject(a, o)
	o.NoReturn = o.NoReturn || o.Type.Func.NoReturn
	return o
}

// dropDefinition forgets an inline-only definition that a real one replaces.
func (c *checker) dropDefinition(o *Object) {
	for i, f := range c.unit.Funcs {
		if f.Obj == o {
			c.unit.Funcs = append(c.unit.Funcs[:i], c.unit.Funcs[i+1:]...)
			break
		}
	}
	o.Func, o.InlineOnly, o.gnuInline, o.pending = nil, false, false, nil
}

// oldStyleParams gives the parameters of an old-style definition the types
// that the declarations before the body say; the others are int.
func (c *checker) oldStyleParams(decls []*syntax.Decl, t *ctype.Type) *ctype.Type {
	byName := make(map[string]*Object, len(c.fn.params))
	for _, p := range c.fn.params {
		byName[p.Name] = p
	}
	for _, d := range decls {
		if d.Bad {
			c.failAt(d.Lo, "a parameter declaration could not be parsed")
		}
		c.within(d, func() {
			for i := int32(0); i < int32(len(c.nodes)); i++ {
				if c.nodes[i].Sym != syntax.SymDeclaration {
					continue
				}
				s := c.specs(i)
				end := c.nodes[i].Next
				first := true
				for k := i + 1; k < end; k = c.nodes[k].Next {
					if c.nodes[k].Field != syntax.FieldDeclarator {
						continue
					}
					dr := c.declarator(k, s.typ)
					p := byName[dr.name]
					if p == nil {
						c.fail(k, "%s is not a parameter", dr.name)
					}
					a := s.attrs
					c.declaratorAttrs(&a, k, dr.tok, c.nodes[k].End, first)
					first = false
					p.Type = c.adjustParam(c.applyAttrs(&a, dr.typ, false, k))
					p.Tok = dr.src(c)
					p.Pos = c.tokPos(p.Tok)
				}
				return
			}
		})
	}
	f := *t.Func
	f.Params = make([]ctype.Param, len(c.fn.params))
	for i, p := range c.fn.params {
		f.Params[i] = ctype.Param{Name: p.Name, Type: p.Type, Pos: p.Pos}
	}
	return c.ty.Function(t.Elem, &f)
}
