package check

import (
	"math"

	"saz/frontend/ctype"
)

// constInt evaluates e, of integer or pointer type, as a constant expression.
// It accepts what gcc accepts in array sizes and the like: arithmetic on
// literals, enumerators and sizeof, and address arithmetic that starts from an
// integer (the classic offsetof).
func constInt(e *Expr) (ctype.Num, bool) {
	switch e.Op {
	case IntLit:
		return litNum(e), true
	case Conv:
		t := e.Type
		if !t.IsInteger() && t.Kind != ctype.Pointer {
			return ctype.Num{}, false
		}
		if e.X.Type.IsFloat() {
			f, ok := constFloat(e.X)
			if !ok {
				return ctype.Num{}, false
			}
			if t.Kind == ctype.Bool {
				return boolNum(f != 0), true
			}
			n, ok := ctype.NumFloat(f)
			return n.Wrap(t), ok
		}
		v, ok := constInt(e.X)
		return v.Wrap(t), ok
	case Plus:
		return constInt(e.X)
	case Neg, BitNot:
		v, ok := constInt(e.X)
		if e.Op == Neg {
			v = v.Neg()
		} else {
			v = v.Not()
		}
		return v.Wrap(e.Type), ok
	case LogNot:
		b, ok := constBool(e.X)
		return boolNum(!b), ok
	case LogAnd, LogOr:
		a, ok := constBool(e.X)
		if !ok {
			return ctype.Num{}, false
		}
		if a == (e.Op == LogOr) {
			return boolNum(a), true
		}
		b, ok := constBool(e.Y)
		return boolNum(b), ok
	case Cond:
		a, ok := constBool(e.X)
		if !ok {
			return ctype.Num{}, false
		}
		switch {
		case !a:
			return constInt(e.Z)
		case e.Y == nil:
			v, ok := constInt(e.X)
			return v.Wrap(e.Type), ok
		}
		return constInt(e.Y)
	case Eq, Ne, Lt, Gt, Le, Ge:
		return constCompare(e)
	case Add, Sub, Mul, Div, Rem, And, Or, Xor, Shl, Shr:
		return constBinary(e)
	case PtrAdd, PtrSub:
		p, ok1 := constInt(e.X)
		i, ok2 := constInt(e.Y)
		size := ctype.SizeOf(e.Type.Elem)
		if !ok1 || !ok2 || size < 0 {
			return ctype.Num{}, false
		}
		i = i.Mul(ctype.NumInt(size))
		if e.Op == PtrSub {
			i = i.Neg()
		}
		return p.Add(i).Wrap(ctype.TULong), true
	case PtrDiff:
		p, ok1 := constInt(e.X)
		q, ok2 := constInt(e.Y)
		size := ctype.SizeOf(e.X.Type.Elem)
		if !ok1 || !ok2 || size <= 0 {
			return ctype.Num{}, false
		}
		d, _ := p.Sub(q).DivRem(ctype.NumInt(size), true)
		return d.Wrap(ctype.TLong), true
	case Addr, Decay:
		return constAddr(e.X)
	case Comma:
		if _, ok := constInt(e.X); ok {
			return constInt(e.Y)
		}
	case BuiltinCall:
		switch e.Str {
		case "__builtin_constant_p":
			return ctype.Num{}, true
		case "__builtin_expect", "__builtin_expect_with_probability":
			return constInt(e.Args[0])
		}
	}
	return ctype.Num{}, false
}

// constAddr is the address of an lvalue that starts from an integer.
func constAddr(e *Expr) (ctype.Num, bool) {
	switch e.Op {
	case Deref:
		return constInt(e.X)
	case Member:
		v, ok := constAddr(e.X)
		if e.Field.BitField {
			return v, false
		}
		return v.Add(ctype.NumInt(e.Field.Off)), ok
	}
	return ctype.Num{}, false
}

func boolNum(b bool) ctype.Num {
	if b {
		return ctype.NumUint(1)
	}
	return ctype.Num{}
}

func constBool(e *Expr) (val, ok bool) {
	if e.Type.IsFloat() {
		f, ok := constFloat(e)
		return f != 0, ok
	}
	switch x := e; x.Op {
	case FuncAddr:
		return !x.X.Obj.weakRef(), x.X.Op == Ref && !x.X.Obj.weakRef()
	case Decay:
		if x.X.Op == StrLit || x.X.Op == Ref && !x.X.Obj.weakRef() {
			return true, true
		}
	case Addr:
		if x.X.Op == Ref && !x.X.Obj.weakRef() {
			return true, true
		}
	case Conv:
		if x.Type.Kind == ctype.Pointer && x.X.Type.Kind == ctype.Pointer {
			return constBool(x.X)
		}
	}
	v, ok := constInt(e)
	return !v.IsZero(), ok
}

// weakRef reports whether the address of o may be null.
func (o *Object) weakRef() bool { return o == nil || o.Weak }

func constCompare(e *Expr) (ctype.Num, bool) {
	if e.X.Type.IsFloat() {
		a, ok1 := constFloat(e.X)
		b, ok2 := constFloat(e.Y)
		if !ok1 || !ok2 {
			return ctype.Num{}, false
		}
		switch e.Op {
		case Eq:
			return boolNum(a == b), true
		case Ne:
			return boolNum(a != b), true
		case Lt:
			return boolNum(a < b), true
		case Gt:
			return boolNum(a > b), true
		case Le:
			return boolNum(a <= b), true
		}
		return boolNum(a >= b), true
	}
	a, ok1 := constInt(e.X)
	b, ok2 := constInt(e.Y)
	if !ok1 || !ok2 {
		return ctype.Num{}, false
	}
	r := a.Cmp(b, e.X.Type.IsSigned())
	switch e.Op {
	case Eq:
		return boolNum(r == 0), true
	case Ne:
		return boolNum(r != 0), true
	case Lt:
		return boolNum(r < 0), true
	case Gt:
		return boolNum(r > 0), true
	case Le:
		return boolNum(r <= 0), true
	}
	return boolNum(r >= 0), true
}

func constBinary(e *Expr) (r ctype.Num, ok bool) {
	a, ok1 := constInt(e.X)
	b, ok2 := constInt(e.Y)
	if !ok1 || !ok2 || !e.Type.IsInteger() {
		return r, false
	}
	signed := e.Type.IsSigned()
	switch e.Op {
	case Add:
		r = a.Add(b)
	case Sub:
		r = a.Sub(b)
	case Mul:
		r = a.Mul(b)
	case Div, Rem:
		if b.IsZero() {
			return r, false
		}
		q, m := a.DivRem(b, signed)
		r = q
		if e.Op == Rem {
			r = m
		}
	case And:
		r = a.And(b)
	case Or:
		r = a.Or(b)
	case Xor:
		r = a.Xor(b)
	case Shl, Shr:
		n, fits := b.Int64()
		if !fits || n < 0 || n >= int64(e.Type.Bits()) {
			return r, false
		}
		if e.Op == Shl {
			r = a.Shl(uint(n))
		} else {
			r = a.Shr(uint(n), signed)
		}
	}
	return r.Wrap(e.Type), true
}

// constFloat evaluates e, of real floating type, in float64: good enough for
// the integers that constant expressions make of it.
func constFloat(e *Expr) (float64, bool) {
	round := func(f float64) float64 {
		if e.Type.Kind == ctype.Float {
			return float64(float32(f))
		}
		return f
	}
	switch e.Op {
	case FloatLit:
		return round(floatValue(e.Str)), true
	case Conv:
		if e.X.Type.IsInteger() {
			v, ok := constInt(e.X)
			return round(v.Float(e.X.Type)), ok
		}
		if e.X.Type.IsFloat() {
			f, ok := constFloat(e.X)
			return round(f), ok
		}
	case Plus:
		return constFloat(e.X)
	case Neg:
		f, ok := constFloat(e.X)
		return -f, ok
	case Add, Sub, Mul, Div:
		a, ok1 := constFloat(e.X)
		b, ok2 := constFloat(e.Y)
		if !ok1 || !ok2 {
			return 0, false
		}
		switch e.Op {
		case Add:
			a += b
		case Sub:
			a -= b
		case Mul:
			a *= b
		default:
			a /= b
		}
		return round(a), true
	case Cond:
		b, ok := constBool(e.X)
		switch {
		case !ok:
			return 0, false
		case !b:
			return constFloat(e.Z)
		case e.Y != nil:
			return constFloat(e.Y)
		}
		return constFloat(e.X)
	case BuiltinCall:
		switch e.Str {
		case "__builtin_inf", "__builtin_inff", "__builtin_infl", "__builtin_huge_val", "__builtin_huge_valf", "__builtin_huge_vall":
			return math.Inf(1), true
		}
	}
	return 0, false
}

// needInt evaluates the expression at node n as an integer constant, or fails.
func (c *checker) needInt(n int32, what string) ctype.Num {
	e := c.rvalue(n)
	if !e.Type.IsInteger() {
		c.fail(n, "%s has the type %s, an integer is needed", what, e.Type)
	}
	v, ok := constInt(e)
	if !ok {
		c.fail(n, "%s is not an integer constant", what)
	}
	return v
}

// needInt64 is needInt for values that must fit an int64.
func (c *checker) needInt64(n int32, what string) int64 {
	v, ok := c.needInt(n, what).Int64()
	if !ok {
		c.fail(n, "%s is out of range", what)
	}
	return v
}

// isNullConst reports whether e is a null pointer constant: an integer
// constant expression 0, possibly cast to void *.
func isNullConst(e *Expr) bool {
	for e.Op == Conv && e.Type.Kind == ctype.Pointer && e.Type.Elem.Kind == ctype.Void && e.Type.Elem.Qual == 0 {
		e = e.X
	}
	if !e.Type.IsInteger() || hasPointer(e) {
		return false
	}
	v, ok := constInt(e)
	return ok && v.IsZero()
}

// hasPointer: an integer computed from a pointer is no integer constant
// expression even where its value is known.
func hasPointer(e *Expr) bool {
	if e == nil {
		return false
	}
	switch e.Op {
	case IntLit, FloatLit:
		return false
	}
	return e.Type.Kind == ctype.Pointer || e.Op == Comma || hasPointer(e.X) || hasPointer(e.Y) || hasPointer(e.Z)
}
