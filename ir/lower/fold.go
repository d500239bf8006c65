package lower

import (
	"math/big"
	"strconv"

	"saz/frontend/check"
	"saz/frontend/ctype"
	"saz/ir"
)

// Folding is only done where it is trivial: integers of at most 64 bits,
// wrapping as the target does. Division by zero and oversized shifts are left
// for the running program.

func isConst(v ir.Value) bool { return v.Kind == ir.VInt && v.Str == "" }

// foldable reports whether integers of type t can be folded.
func foldable(t *ctype.Type) bool {
	return t.IsInteger() && ctype.SizeOf(t) <= 8
}

// wrap brings v into the range of integer type t.
func wrap(v int64, t *ctype.Type) int64 {
	if t.Kind == ctype.Bool {
		if v != 0 {
			return 1
		}
		return 0
	}
	switch size := ctype.SizeOf(t); {
	case size >= 8 || size <= 0:
		return v
	case t.IsSigned():
		sh := uint(64 - 8*size)
		return v << sh >> sh
	default:
		sh := uint(64 - 8*size)
		return int64(uint64(v) << sh >> sh)
	}
}

func foldBin(op check.Op, x, y int64, t, shift *ctype.Type) (int64, bool) {
	signed := t.IsSigned()
	switch op {
	case check.Add:
		x += y
	case check.Sub:
		x -= y
	case check.Mul:
		x *= y
	case check.Div, check.Rem:
		if y == 0 || signed && y == -1 {
			return 0, false
		}
		switch {
		case op == check.Div && signed:
			x /= y
		case op == check.Div:
			x = int64(uint64(x) / uint64(y))
		case signed:
			x %= y
		default:
			x = int64(uint64(x) % uint64(y))
		}
	case check.And:
		x &= y
	case check.Or:
		x |= y
	case check.Xor:
		x ^= y
	case check.Shl, check.Shr:
		if y < 0 || y >= 8*ctype.SizeOf(t) {
			return 0, false
		}
		switch {
		case op == check.Shl:
			x <<= uint(y)
		case signed:
			x >>= uint(y)
		default:
			x = int64(uint64(x) >> uint(y))
		}
	default:
		return 0, false
	}
	return wrap(x, t), true
}

func foldCmp(op check.Op, x, y int64, signed bool) int64 {
	lt, eq := x < y, x == y
	if !signed {
		lt = uint64(x) < uint64(y)
	}
	ok := false
	switch op {
	case check.Eq:
		ok = eq
	case check.Ne:
		ok = !eq
	case check.Lt:
		ok = lt
	case check.Gt:
		ok = !lt && !eq
	case check.Le:
		ok = lt || eq
	case check.Ge:
		ok = !lt
	}
	if ok {
		return 1
	}
	return 0
}

func isCmp(op check.Op) bool { return op >= check.Eq && op <= check.Ge }

// intLit is the value of an IntLit.
func intLit(e *check.Expr) ir.Value {
	v := ir.Int(e.Val)
	if e.Int != nil && ctype.SizeOf(e.Type) > 8 && !e.Int.IsInt64() {
		v.Str = e.Int.String()
	}
	return v
}

// convConst converts a constant where that needs no instruction.
func (b *unit) convConst(v ir.Value, from, to *ctype.Type) (ir.Value, bool) {
	switch v.Kind {
	case ir.VInt:
		if v.Str != "" {
			return v, false
		}
		switch {
		case foldable(to) && (foldable(from) || from.Kind == ctype.Pointer):
			return ir.Int(wrap(v.Off, to)), true
		case to.Kind == ctype.Pointer && (foldable(from) || from.Kind == ctype.Pointer):
			return v, true
		case to.IsInteger() && foldable(from) && (from.IsSigned() && to.IsSigned() || v.Off >= 0):
			return v, true // 128 bits
		case to.IsFloat() && foldable(from) && v.Off < 1<<20 && (v.Off >= 0 || v.Off > -1<<20 && from.IsSigned()):
			return ir.Value{Kind: ir.VFloat, Str: strconv.FormatInt(v.Off, 10) + ".0"}, true
		}
	case ir.VGlobal, ir.VFunc, ir.VLocal, ir.VLabel:
		if to.Kind == ctype.Pointer && from.Kind == ctype.Pointer {
			return v, true
		}
	case ir.VUndef:
		return v, true
	}
	return v, false
}

// wide is the value of an integer constant of type t in 128 bits.
func wide(v ir.Value, t *ctype.Type) ctype.Num {
	if v.Str != "" {
		if n, ok := new(big.Int).SetString(v.Str, 0); ok {
			return ctype.NumBig(n)
		}
	}
	if !t.IsSigned() && ctype.SizeOf(t) <= 8 {
		return ctype.NumUint(uint64(v.Off))
	}
	return ctype.NumInt(v.Off)
}

// wideValue is n as a constant of the 128-bit type t. Off is sign-extended.
func wideValue(n ctype.Num, t *ctype.Type) ir.Value {
	if v, ok := n.Int64(); ok {
		return ir.Int(v)
	}
	return ir.Value{Kind: ir.VInt, Str: n.Big(t).String()}
}

// foldWide does arithmetic on constants of a 128-bit type.
func foldWide(op check.Op, x, y ir.Value, t, yt *ctype.Type) (ir.Value, bool) {
	a, b := wide(x, t), wide(y, yt)
	switch op {
	case check.Add:
		a = a.Add(b)
	case check.Sub:
		a = a.Sub(b)
	case check.Mul:
		a = a.Mul(b)
	case check.Div, check.Rem:
		if b.IsZero() {
			return ir.Value{}, false
		}
		q, r := a.DivRem(b, t.IsSigned())
		a = q
		if op == check.Rem {
			a = r
		}
	case check.And:
		a = a.And(b)
	case check.Or:
		a = a.Or(b)
	case check.Xor:
		a = a.Xor(b)
	case check.Shl, check.Shr:
		s, ok := b.Int64()
		if !ok || s < 0 || s >= 128 {
			return ir.Value{}, false
		}
		if op == check.Shl {
			a = a.Shl(uint(s))
		} else {
			a = a.Shr(uint(s), t.IsSigned())
		}
	default:
		return ir.Value{}, false
	}
	return wideValue(a, t), true
}
