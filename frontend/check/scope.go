package check

import (
	"saz/frontend/ctype"
	"saz/frontend/source"
)

type identKind uint8

const (
	objectIdent identKind = iota
	typedefIdent
	constIdent // enumerator
)

// An ident is a meaning of a name in the ordinary name space.
type ident struct {
	kind  identKind
	depth int32
	obj   *Object
	typ   *ctype.Type
	val   ctype.Num
}

// A tag is a struct, union or enum tag in scope.
type tag struct {
	depth int32
	typ   *ctype.Type
}

// An undo entry restores a name at the end of a scope; one with neither a name
// nor old meanings marks where the scope began.
type undo struct {
	name  string
	mark  bool
	isTag bool
	ident *ident
	tag   *tag
}

func (c *checker) push() {
	c.depth++
	c.undo = append(c.undo, undo{mark: true})
}

func (c *checker) pop() {
	c.depth--
	for {
		u := &c.undo[len(c.undo)-1]
		c.undo = c.undo[:len(c.undo)-1]
		switch {
		case u.mark:
			return
		case u.isTag:
			if u.tag == nil {
				delete(c.tags, u.name)
			} else {
				c.tags[u.name] = u.tag
			}
		case u.ident == nil:
			delete(c.idents, u.name)
		default:
			c.idents[u.name] = u.ident
		}
	}
}

func (c *checker) bind(name string, id ident) *ident {
	if len(c.identSlab) == 0 {
		c.identSlab = make([]ident, 128)
	}
	p := &c.identSlab[0]
	c.identSlab = c.identSlab[1:]
	*p = id
	p.depth = c.depth
	if c.depth > 0 {
		c.undo = append(c.undo, undo{name: name, ident: c.idents[name]})
	} else if id.obj != nil {
		id.obj.fileScope = true
	}
	c.idents[name] = p
	return p
}

func (c *checker) bindTag(name string, t *ctype.Type) {
	if c.depth > 0 {
		c.undo = append(c.undo, undo{name: name, isTag: true, tag: c.tags[name]})
	} else {
		c.unit.tags = append(c.unit.tags, t)
	}
	c.tags[name] = &tag{c.depth, t}
}

// bindGlobal gives a name a file-scope meaning from inside a block (implicit
// declarations): what hides it keeps hiding it.
func (c *checker) bindGlobal(name string, id ident) {
	for i := range c.undo {
		if u := &c.undo[i]; !u.mark && !u.isTag && u.name == name {
			if u.ident == nil || u.ident.depth == 0 {
				u.ident = &id
			}
			return
		}
	}
	c.idents[name] = &id
	if id.obj != nil {
		id.obj.fileScope = true
	}
}

// predeclare enters the type names that the compiler knows without a header.
func (c *checker) predeclare() {
	c.bind("__builtin_va_list", ident{kind: typedefIdent, typ: c.ty.Named(ctype.TVaList, "__builtin_va_list")})
	c.bind("__int128_t", ident{kind: typedefIdent, typ: c.ty.Named(ctype.TInt128, "__int128_t")})
	c.bind("__uint128_t", ident{kind: typedefIdent, typ: c.ty.Named(ctype.TUInt128, "__uint128_t")})
}

// declareLinked returns the one object of the unit that has linkage under a
// name, making it if this is its first declaration. tok is the name's token,
// -1 for none.
func (c *checker) declareLinked(name string, t *ctype.Type, static bool, tok int32) *Object {
	o := c.externs[name]
	if o == nil {
		o = c.newObject()
		o.Name, o.Link, o.Type, o.Tok = name, name, t, tok
		if tok >= 0 {
			o.Pos = c.tokPos(tok)
		}
		if static {
			o.Storage = Static
		}
		if alias, ok := c.weakLater[name]; ok {
			o.Weak, o.Alias = true, alias
		}
		c.externs[name] = o
		c.unit.Objects = append(c.unit.Objects, o)
		return o
	}
	o.order = min(o.order, c.order())
	if !ctype.Compatible(o.Type.Unqualified(), t.Unqualified()) {
		// glibc and the compiler disagree about a few functions (implicit
		// ones), and K&R definitions about promoted parameters. The later
		// declaration is the one that gcc uses from here on, if it takes it.
		if o.Type.Kind != t.Kind || t.Kind != ctype.Func {
			c.failAt(tok, "%s was declared as %s before, now as %s", name, o.Type, t)
		}
		if o.Defined {
			return o
		}
		o.Type = t
		return o
	}
	o.Type = c.ty.Composite(o.Type, t)
	if static && o.Storage == Extern && !o.Defined {
		o.Storage = Static
	}
	return o
}

// declPos records where the declaration that says most about o stands.
func (o *Object) declPos(tok int32, pos source.Pos) { o.Tok, o.Pos = tok, pos }

// bindOuter binds a name in the scope around the innermost one.
func (c *checker) bindOuter(name string, id ident) {
	id.depth = c.depth - 1
	p := &id
	mark := len(c.undo) - 1
	var hidden *undo
	for ; !c.undo[mark].mark; mark-- {
		if u := &c.undo[mark]; !u.isTag && u.name == name {
			hidden = u // the earliest: it restores the outer meaning
		}
	}
	old := c.idents[name]
	if hidden != nil {
		old, hidden.ident = hidden.ident, p
	} else {
		c.idents[name] = p
	}
	if id.depth == 0 && id.obj != nil {
		id.obj.fileScope = true
	}
	if id.depth > 0 {
		c.undo = append(c.undo, undo{})
		copy(c.undo[mark+1:], c.undo[mark:])
		c.undo[mark] = undo{name: name, ident: old}
	}
}
