package ctype

// Same reports whether a and b are the same type, typedef names apart.
func Same(a, b *Type) bool {
	for {
		if a == b {
			return true
		}
		if a.Kind != b.Kind || a.Qual != b.Qual {
			return false
		}
		switch a.Kind {
		case Struct, Union:
			return a.Rec == b.Rec
		case Enum:
			return a.Enum == b.Enum
		case Func:
			return sameFunc(a, b, Same)
		case Array:
			if a.Len != b.Len || a.Len == -2 && a.VLA != b.VLA {
				return false
			}
		case Vector:
			if a.Len != b.Len {
				return false
			}
		case Pointer, Complex:
		default:
			return true
		}
		a, b = a.Elem, b.Elem
	}
}

func sameFunc(a, b *Type, eq func(a, b *Type) bool) bool {
	f, g := a.Func, b.Func
	if f.OldStyle != g.OldStyle || f.Variadic != g.Variadic || len(f.Params) != len(g.Params) || !eq(a.Elem, b.Elem) {
		return false
	}
	for i := range f.Params {
		// Qualifiers of a parameter are the callee's own affair.
		if !eq(f.Params[i].Type.Unqualified(), g.Params[i].Type.Unqualified()) {
			return false
		}
	}
	return true
}

// Compatible reports whether a and b are compatible in the sense of the C
// standard, as __builtin_types_compatible_p decides it below the top level.
func Compatible(a, b *Type) bool {
	if a == b {
		return true
	}
	if a.Qual != b.Qual {
		return false
	}
	if a.Kind != b.Kind {
		if a.Kind == Enum && a.Enum.Under != nil {
			return a.Enum.Under.Kind == b.Kind
		}
		if b.Kind == Enum && b.Enum.Under != nil {
			return b.Enum.Under.Kind == a.Kind
		}
		return false
	}
	switch a.Kind {
	case Struct, Union:
		return a.Rec == b.Rec
	case Enum:
		return a.Enum == b.Enum
	case Func:
		return compatibleFunc(a, b)
	case Array:
		return (a.Len < 0 || b.Len < 0 || a.Len == b.Len) && Compatible(a.Elem, b.Elem)
	case Vector:
		return a.Len == b.Len && Compatible(a.Elem, b.Elem)
	case Pointer, Complex:
		return Compatible(a.Elem, b.Elem)
	}
	return true
}

func compatibleFunc(a, b *Type) bool {
	f, g := a.Func, b.Func
	if !Compatible(a.Elem.Unqualified(), b.Elem.Unqualified()) {
		return false
	}
	if f.OldStyle && g.OldStyle {
		return true
	}
	if f.OldStyle || g.OldStyle {
		// A list without a prototype agrees with parameters that survive the
		// default promotions unchanged.
		if g.OldStyle {
			g = a.Func
		}
		if g.Variadic {
			return false
		}
		for i := range g.Params {
			if t := g.Params[i].Type; t.Kind != Invalid && !Same(DefaultPromote(t), t.Unqualified()) && t.Kind != Enum {
				return false
			}
		}
		return true
	}
	if f.Variadic != g.Variadic || len(f.Params) != len(g.Params) {
		return false
	}
	for i := range f.Params {
		x, y := f.Params[i].Type.Unqualified(), g.Params[i].Type.Unqualified()
		if !Compatible(x, y) && !transparent(x, y) && !transparent(y, x) {
			return false
		}
	}
	return true
}

// transparent reports whether u is a transparent union with a member of type t.
func transparent(u, t *Type) bool {
	if u.Kind != Union || !u.Rec.Transparent {
		return false
	}
	for i := range u.Rec.Fields {
		if Compatible(u.Rec.Fields[i].Type.Unqualified(), t) {
			return true
		}
	}
	return false
}

// DefaultPromote applies the default argument promotions to the type of an
// rvalue.
func DefaultPromote(t *Type) *Type {
	switch {
	case t.IsInteger():
		return Promote(t)
	case t.Kind == Float:
		return TDouble
	}
	return t.Unqualified()
}

// Composite returns the composite of two compatible types: what both
// declarations together say.
func (u *Universe) Composite(a, b *Type) *Type {
	if a == b || a.Kind != b.Kind {
		return b
	}
	switch a.Kind {
	case Pointer:
		if e := u.Composite(a.Elem, b.Elem); e != b.Elem {
			return u.Qualified(u.Pointer(e), b.Qual)
		}
	case Array:
		e := u.Composite(a.Elem, b.Elem)
		switch {
		case b.Len == -1 && a.Len != -1:
			if a.Len == -2 {
				return a
			}
			return u.Array(e, a.Len)
		case e != b.Elem && b.Len != -2:
			return u.Array(e, b.Len)
		}
	case Func:
		f, g := a.Func, b.Func
		if g.OldStyle && !f.OldStyle {
			return a
		}
		if g.NoReturn != f.NoReturn && !g.NoReturn {
			h := *g
			h.NoReturn = true
			return u.Function(b.Elem, &h)
		}
	}
	return b
}
