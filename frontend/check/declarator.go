package check

import (
	"math"

	"saz/frontend/ctype"
	"saz/frontend/syntax"
)

// A declr is a declarator that was read.
type declr struct {
	name string
	tok  int32 // index in toks of the name; -1 for an abstract declarator
	typ  *ctype.Type
}

// src is the token of the name in Cpp.Tokens.
func (d *declr) src(c *checker) int32 {
	if d.tok < 0 {
		return -1
	}
	return c.toks[d.tok].Src
}

// declarator reads the declarator n around the type t. The tree nests from the
// outside in: the outermost node is applied to t first, the name comes last.
func (c *checker) declarator(n int32, t *ctype.Type) declr {
	for n >= 0 {
		switch c.sym(n) {
		case syntax.SymIdentifier, syntax.SymFieldIdentifier, syntax.SymTypeIdentifier, syntax.SymPrimitiveType:
			tok := c.nodes[n].Tok
			return declr{c.toks[tok].Text, tok, t}
		case syntax.SymPointerDeclarator, syntax.SymAbstractPointerDeclarator:
			t = c.ty.Pointer(t)
			end := c.nodes[n].Next
			for i := n + 1; i < end; i = c.nodes[i].Next {
				if c.nodes[i].Sym == syntax.SymTypeQualifier {
					t = c.ty.Qualified(t, qualifier(c.text(i)))
				}
			}
			n = c.child(n, syntax.FieldDeclarator)
		case syntax.SymArrayDeclarator, syntax.SymAbstractArrayDeclarator:
			if t.Kind == ctype.Func || t.Kind == ctype.Void {
				c.fail(n, "an array of elements of type %s", t)
			}
			t = c.arrayOf(n, t)
			n = c.child(n, syntax.FieldDeclarator)
		case syntax.SymFunctionDeclarator, syntax.SymAbstractFunctionDeclarator:
			if t.Kind == ctype.Func || t.Kind == ctype.Array {
				c.fail(n, "a function that returns %s", t)
			}
			t = c.functionOf(n, t)
			n = c.child(n, syntax.FieldDeclarator)
		case syntax.SymParenthesizedDeclarator, syntax.SymAbstractParenthesizedDeclarator:
			n = c.named(n)
		default:
			c.fail(n, "saz does not know what a %s means in a declarator", c.sym(n))
		}
	}
	return declr{"", -1, t}
}

// declaredName finds the name inside a declarator, -1 if it has none.
func (c *checker) declaredName(n int32) int32 {
	for n >= 0 {
		switch c.sym(n) {
		case syntax.SymIdentifier, syntax.SymFieldIdentifier, syntax.SymTypeIdentifier, syntax.SymPrimitiveType:
			return n
		case syntax.SymParenthesizedDeclarator:
			n = c.named(n)
		default:
			n = c.child(n, syntax.FieldDeclarator)
		}
	}
	return -1
}

// definedDeclarator finds the function declarator that is nearest to the name:
// the one whose parameters a definition defines. -1 if there is none.
func (c *checker) definedDeclarator(n int32) int32 {
	f := int32(-1)
	for n >= 0 {
		switch c.sym(n) {
		case syntax.SymIdentifier:
			return f
		case syntax.SymFunctionDeclarator:
			f = n
			n = c.child(n, syntax.FieldDeclarator)
		case syntax.SymParenthesizedDeclarator:
			n = c.named(n)
		default:
			f = -1
			n = c.child(n, syntax.FieldDeclarator)
		}
	}
	return -1
}

// arrayOf reads the size of an array declarator.
func (c *checker) arrayOf(n int32, elem *ctype.Type) *ctype.Type {
	size := c.child(n, syntax.FieldSize)
	if size < 0 {
		return c.ty.Array(elem, -1)
	}
	if c.nodes[size].Sym == syntax.SymNumberLiteral {
		if _, v, ok := parseInt(c.text(size)); ok && v.Hi == 0 {
			return c.ty.Array(elem, c.checkLen(size, elem, int64(v.Lo)))
		}
	}
	if !c.nodes[size].Named {
		return c.ty.VLA(elem, -1) // [*]
	}
	x := c.rvalue(size)
	if !x.Type.IsInteger() {
		c.fail(size, "the size of an array has the type %s", x.Type)
	}
	if v, ok := constInt(x); ok && !ctype.IsVLA(elem) {
		k, fits := v.Int64()
		if !fits {
			k = -1
		}
		return c.ty.Array(elem, c.checkLen(size, elem, k))
	} else if ok {
		x = c.intLit(ctype.TULong, v, size)
	}
	if c.fn == nil {
		if c.prototype > 0 {
			return c.ty.VLA(elem, -1)
		}
		c.fail(size, "the size of an array at file scope is not constant")
	}
	if c.prototype > 0 && !c.fn.inParams {
		return c.ty.VLA(elem, -1)
	}
	idx := int32(len(c.fn.def.VLASizes))
	c.fn.def.VLASizes = append(c.fn.def.VLASizes, c.convert(x, ctype.TULong))
	c.fn.vlas = append(c.fn.vlas, idx)
	return c.ty.VLA(elem, idx)
}

func (c *checker) checkLen(n int32, elem *ctype.Type, k int64) int64 {
	if s := ctype.SizeOf(elem); k < 0 || s > 0 && k > math.MaxInt64/s {
		c.fail(n, "the size of an array is out of range")
	}
	return k
}

// functionOf reads the parameters of a function declarator.
func (c *checker) functionOf(n int32, result *ctype.Type) *ctype.Type {
	list := c.child(n, syntax.FieldParameters)
	defining := c.fn != nil && c.fn.declNode == n
	if defining {
		c.fn.declNode = -1 // nested declarators are other nodes of other Decls
		c.fn.inParams = true
	}
	c.push()
	c.prototype++
	f := &ctype.FuncType{}
	count := 0
	end := c.nodes[list].Next
	for i := list + 1; i < end; i = c.nodes[i].Next {
		if c.nodes[i].Named {
			count++
		}
	}
	if count == 0 {
		f.OldStyle = true
	}
	if count > 0 {
		f.Params = make([]ctype.Param, 0, count)
	}
	names := defining || c.namesMatter(list)
	for i := list + 1; i < end; i = c.nodes[i].Next {
		switch c.nodes[i].Sym {
		case syntax.SymVariadicParameter:
			f.Variadic = true
		case syntax.SymParameterDeclaration:
			s := c.specs(i)
			d := c.child(i, syntax.FieldDeclarator)
			dr := declr{"", -1, s.typ}
			if d >= 0 {
				dr = c.declarator(d, s.typ)
			}
			if t := c.tok(i); t.Mark == syntax.Synthetic && t.Text == "int" {
				f.OldStyle = true // a list of names
			}
			if dr.typ.Kind == ctype.Void && dr.tok < 0 && count == 1 && dr.typ.Qual == 0 {
				continue
			}
			a := s.attrs
			if len(c.d.Attrs) > 0 && d >= 0 {
				a = attrs{}
				c.declaratorAttrs(&a, d, dr.tok, c.nodes[d].End, true)
				dr.typ = c.applyAttrs(&a, dr.typ, false, i)
			}
			if d >= 0 {
				dr.typ = c.arrayParam(d, dr.typ)
			}
			t := c.adjustParam(dr.typ)
			p := ctype.Param{Name: dr.name, Type: t}
			if dr.tok >= 0 {
				p.Pos = c.tokPos(dr.src(c))
			}
			f.Params = append(f.Params, p)
			if !names {
				continue
			}
			o := c.newObject()
			o.Name, o.Link, o.Type, o.Pos, o.Storage, o.Defined = dr.name, dr.name, t, p.Pos, Param, true
			o.Tok = dr.src(c)
			if dr.tok >= 0 {
				c.bind(dr.name, ident{kind: objectIdent, obj: o})
			}
			if defining {
				c.applyObject(&a, o)
				c.fn.params = append(c.fn.params, o)
			}
		case syntax.SymIdentifier:
			c.fail(i, "unknown type name %s", c.text(i))
		default:
			if c.nodes[i].Named {
				c.fail(i, "saz does not know what a %s means as a parameter", c.nodes[i].Sym)
			}
		}
	}
	c.prototype--
	if defining {
		c.fn.inParams = false
	} else {
		c.pop()
	}
	return c.ty.Function(result.Unqualified(), f)
}

// namesMatter: the parameters of a prototype are only declared where another
// one may mention them, in an array size or a typeof.
func (c *checker) namesMatter(list int32) bool {
	end := c.nodes[list].Next
	for i := list + 1; i < end; i++ {
		switch c.nodes[i].Sym {
		case syntax.SymArrayDeclarator, syntax.SymAbstractArrayDeclarator:
			if s := c.child(i, syntax.FieldSize); s >= 0 && c.nodes[s].Sym != syntax.SymNumberLiteral {
				return true
			}
		case syntax.SymPrimitiveType:
			if c.tok(i).Mark == syntax.Typeof {
				return true
			}
		}
	}
	return false
}

// arrayParam moves the qualifiers inside the [] of a parameter to the pointer
// that it becomes.
func (c *checker) arrayParam(d int32, t *ctype.Type) *ctype.Type {
	if t.Kind != ctype.Array {
		return t
	}
	var q ctype.Qual
	// The array that is the parameter's own type is the one next to the name.
	a := int32(-1)
	for n := d; n >= 0; {
		switch c.sym(n) {
		case syntax.SymArrayDeclarator, syntax.SymAbstractArrayDeclarator:
			a = n
			n = c.child(n, syntax.FieldDeclarator)
		case syntax.SymParenthesizedDeclarator, syntax.SymAbstractParenthesizedDeclarator:
			n = c.named(n)
		default:
			n = c.child(n, syntax.FieldDeclarator)
		}
	}
	if a >= 0 {
		end := c.nodes[a].Next
		for i := a + 1; i < end; i = c.nodes[i].Next {
			if c.nodes[i].Sym == syntax.SymTypeQualifier {
				q |= qualifier(c.text(i))
			}
		}
	}
	return c.ty.Qualified(c.ty.Pointer(t.Elem), q)
}

// adjustParam: arrays and functions become pointers.
func (c *checker) adjustParam(t *ctype.Type) *ctype.Type {
	switch t.Kind {
	case ctype.Array:
		return c.ty.Pointer(t.Elem)
	case ctype.Func:
		return c.ty.Pointer(t)
	case ctype.VaList:
		return c.ty.Pointer(ctype.TVaList)
	}
	return t
}

// typeName reads a type_descriptor.
func (c *checker) typeName(n int32) *ctype.Type {
	s := c.specs(n)
	t := s.typ
	if d := c.child(n, syntax.FieldDeclarator); d >= 0 {
		t = c.declarator(d, t).typ
	}
	return t
}
