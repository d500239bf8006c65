package lower

import (
	"math/big"
	"strconv"
	"strings"

	"saz/frontend/check"
	"saz/frontend/ctype"
	"saz/ir"
)

// globalInit appends the items of init, at offset base, to g.
func (b *unit) globalInit(g *ir.Global, init *check.Init, base int64) {
	for i := range init.Items {
		it := &init.Items[i]
		off := base + it.Off
		x := it.X
		if it.Type.Kind == ctype.Array && x.Op == check.StrLit {
			n := min(int64(len(x.Str)), max(ctype.SizeOf(it.Type), 0))
			if ctype.SizeOf(it.Type) < 0 {
				n = int64(len(x.Str))
			}
			if n > 0 {
				g.Init = append(g.Init, ir.InitItem{Off: off, Type: it.Type, Data: x.Str[:n]})
			}
			continue
		}
		if lit := literalOf(x); lit != nil && (inMemory(it.Type) || it.Type.Kind == ctype.Vector) {
			in := lit.Init
			if in == nil {
				in = lit.Obj.Init
			}
			if in != nil {
				b.globalInit(g, in, off)
			}
			continue
		}
		v, ok := b.constant(x)
		if !ok {
			b.sink.Warnf("not-constant", b.tokPos(x.Tok), "the initialiser of %s is not a constant that saz can compute; it is taken as unknown", g.Name)
			v = ir.Undef
		}
		item := ir.InitItem{Off: off, Type: it.Type, Value: v}
		if it.Field != nil && it.Field.BitField {
			item.Field = it.Field
			item.Off = off
		}
		if v.Kind == ir.VLabel {
			item.Label = ir.FuncID(b.funcOf[b.fb.def.Obj.ID])
			b.fb.fixups = append(b.fb.fixups, labelFixup{b.globalOf[g.Obj.ID], int32(len(g.Init))})
		}
		g.Init = append(g.Init, item)
	}
}

// literal returns the address of a compound literal of static storage.
func (b *unit) literal(e *check.Expr) ir.Value {
	o := e.Obj
	if int(o.ID) < len(b.u.Objects) && b.u.Objects[o.ID] == o {
		return b.globalRef(o)
	}
	for i, g := range b.globals {
		if g.Obj == o {
			return ir.Value{Kind: ir.VGlobal, ID: int32(i)}
		}
	}
	g := &ir.Global{Linkage: ir.Internal, Type: o.Type, Size: ctype.SizeOf(o.Type), Proc: -1, Unit: b.id, Pos: o.Pos, Obj: o}
	i := int32(len(b.globals))
	b.globals = append(b.globals, g)
	init := e.Init
	if init == nil {
		init = o.Init
	}
	if init != nil {
		g.Size = max(g.Size, init.Size)
		b.globalInit(g, init, 0)
	}
	return ir.Value{Kind: ir.VGlobal, ID: i}
}

// constant evaluates a constant expression of a static initialiser. Floating
// arithmetic is not done: it is spelled out, as a VFloat whose Str is a C
// constant expression.
func (b *unit) constant(e *check.Expr) (ir.Value, bool) {
	no := ir.Value{}
	t := e.Type
	switch e.Op {
	case check.IntLit:
		return intLit(e), true
	case check.FloatLit:
		return ir.Value{Kind: ir.VFloat, Str: e.Str}, true
	case check.FuncAddr, check.Decay, check.Addr:
		return b.constAddr(e.X)
	case check.Ref, check.StrLit, check.CompoundLit, check.Deref, check.Member:
		if e.Type.Kind == ctype.Func || inMemory(e.Type) {
			return b.constAddr(e)
		}
		return no, false
	case check.Load:
		// A const object whose initialiser is known: an extension that gcc accepts.
		if x := e.X; x.Op == check.Ref && x.Obj.Init != nil && len(x.Obj.Init.Items) == 1 && !inMemory(t) {
			return b.constant(x.Obj.Init.Items[0].X)
		}
		if lit := literalOf(e); lit != nil && !inMemory(t) && lit.Init != nil && len(lit.Init.Items) == 1 {
			return b.constant(lit.Init.Items[0].X)
		}
		return no, false
	case check.LabelAddr:
		if e.Label.Lent && (b.fb.def == nil || e.Label.Func != b.fb.def) {
			return no, false
		}
		return ir.Value{Kind: ir.VLabel, ID: int32(b.fb.labelAddr(e.Label))}, true
	case check.Plus:
		return b.constant(e.X)
	case check.Conv:
		x, ok := b.constant(e.X)
		if !ok {
			return no, false
		}
		return b.constConv(x, e.X.Type, t)
	case check.Neg, check.BitNot, check.LogNot:
		x, ok := b.constant(e.X)
		if !ok {
			return no, false
		}
		if isConst(x) && (foldable(t) || e.Op == check.LogNot) {
			switch e.Op {
			case check.Neg:
				return ir.Int(wrap(-x.Off, t)), true
			case check.BitNot:
				return ir.Int(wrap(^x.Off, t)), true
			}
			return ir.Int(foldCmp(check.Eq, x.Off, 0, true)), true
		}
		if x.Kind == ir.VInt && t.IsInteger() && e.Op != check.LogNot {
			n := wide(x, t)
			if e.Op == check.Neg {
				n = n.Neg()
			} else {
				n = n.Not()
			}
			return wideValue(n, t), true
		}
		op := map[check.Op]string{check.Neg: "-", check.BitNot: "~", check.LogNot: "!"}[e.Op]
		s, ok := spell(x, e.X.Type)
		return ir.Value{Kind: ir.VFloat, Str: "(" + op + s + ")"}, ok
	case check.PtrAdd, check.PtrSub:
		x, ok := b.constant(e.X)
		y, ok2 := b.constant(e.Y)
		if !ok || !ok2 || !isConst(y) {
			return no, false
		}
		n := y.Off * ctype.SizeOf(t.Elem)
		if e.Op == check.PtrSub {
			n = -n
		}
		x.Off += n
		return x, x.Kind != ir.VFloat
	case check.Cond:
		x, ok := b.constant(e.X)
		if !ok || x.Kind == ir.VFloat {
			return no, false
		}
		if isConst(x) && x.Off == 0 {
			return b.constant(e.Z)
		}
		if e.Y == nil {
			return b.constConv(x, e.X.Type, t)
		}
		return b.constant(e.Y)
	case check.LogAnd, check.LogOr:
		x, ok := b.constant(e.X)
		if !ok || x.Kind == ir.VFloat {
			return no, false
		}
		tx := !isConst(x) || x.Off != 0
		if tx == (e.Op == check.LogOr) {
			return ir.Int(map[bool]int64{true: 1}[tx]), true
		}
		y, ok := b.constant(e.Y)
		if !ok || y.Kind == ir.VFloat {
			return no, false
		}
		return ir.Int(map[bool]int64{true: 1}[!isConst(y) || y.Off != 0]), true
	case check.Comma:
		return b.constant(e.Y)
	case check.BuiltinCall:
		switch e.Str {
		case "__builtin_expect":
			return b.constant(e.Args[0])
		case "__builtin_constant_p":
			_, ok := b.constant(e.Args[0])
			return ir.Int(map[bool]int64{true: 1}[ok]), true
		}
		return b.constCall(e.Str, e.Args)
	case check.Call:
		if f := e.X; f.Op == check.FuncAddr && f.X.Op == check.Ref && f.X.Obj.Func == nil && e.Type.IsFloat() {
			return b.constCall("__builtin_"+strings.TrimPrefix(f.X.Obj.Name, "__builtin_"), e.Args)
		}
		return no, false
	}
	if e.X == nil || e.Y == nil {
		return no, false
	}
	x, ok := b.constant(e.X)
	y, ok2 := b.constant(e.Y)
	if !ok || !ok2 {
		return no, false
	}
	switch {
	case e.Op == check.PtrDiff:
		if x.Kind == y.Kind && x.ID == y.ID && x.Kind != ir.VFloat && x.Kind != ir.VLabel && ctype.SizeOf(e.X.Type.Elem) > 0 {
			return ir.Int((x.Off - y.Off) / ctype.SizeOf(e.X.Type.Elem)), true
		}
		return no, false
	case isConst(x) && isConst(y) && isCmp(e.Op) && (foldable(e.X.Type) || e.X.Type.Kind == ctype.Pointer):
		return ir.Int(foldCmp(e.Op, x.Off, y.Off, e.X.Type.IsSigned())), true
	case x.Kind == ir.VInt && y.Kind == ir.VInt && t.IsInteger() && ctype.SizeOf(t) > 8:
		return foldWide(e.Op, x, y, t, e.Y.Type)
	case x.Kind == ir.VInt && y.Kind == ir.VInt && isCmp(e.Op) && e.X.Type.IsInteger():
		c := wide(x, e.X.Type).Cmp(wide(y, e.X.Type), e.X.Type.IsSigned())
		return ir.Int(foldCmp(e.Op, int64(c), 0, true)), true
	case isConst(x) && isConst(y) && foldable(t) && !isCmp(e.Op):
		v, ok := foldBin(e.Op, x.Off, y.Off, t, e.Y.Type)
		return ir.Int(v), ok
	}
	// An address as an integer, plus or minus a constant.
	if (e.Op == check.Add || e.Op == check.Sub) && isConst(y) && (x.Kind == ir.VGlobal || x.Kind == ir.VFunc) {
		if e.Op == check.Sub {
			y.Off = -y.Off
		}
		x.Off += y.Off
		return x, true
	}
	if e.Op == check.Add && isConst(x) && y.Kind == ir.VGlobal {
		y.Off += x.Off
		return y, true
	}
	ops := map[check.Op]string{check.Add: "+", check.Sub: "-", check.Mul: "*", check.Div: "/", check.Rem: "%",
		check.And: "&", check.Or: "|", check.Xor: "^", check.Shl: "<<", check.Shr: ">>",
		check.Eq: "==", check.Ne: "!=", check.Lt: "<", check.Gt: ">", check.Le: "<=", check.Ge: ">="}
	op := ops[e.Op]
	sx, okx := spell(x, e.X.Type)
	sy, oky := spell(y, e.Y.Type)
	return ir.Value{Kind: ir.VFloat, Str: "(" + sx + op + sy + ")"}, op != "" && okx && oky
}

// spell writes a numeric constant as C.
func spell(v ir.Value, t *ctype.Type) (string, bool) {
	switch v.Kind {
	case ir.VFloat:
		return "((" + t.Canonical() + ")" + v.Str + ")", true
	case ir.VInt:
		if v.Str != "" {
			return "", false
		}
		if t.IsInteger() && !t.IsSigned() {
			return "((" + t.Canonical() + ")" + strconv.FormatUint(uint64(v.Off), 10) + "ULL)", true
		}
		return "((" + t.Canonical() + ")" + strconv.FormatInt(v.Off, 10) + "LL)", true
	}
	return "", false
}

func (b *unit) constConv(v ir.Value, from, to *ctype.Type) (ir.Value, bool) {
	if c, ok := b.convConst(v, from, to); ok {
		return c, true
	}
	switch v.Kind {
	case ir.VGlobal, ir.VFunc, ir.VLabel:
		// A pointer in an integer: only if it fits.
		return v, ctype.SizeOf(to) == ctype.PtrSize
	case ir.VFloat:
		if to.IsInteger() {
			if f, _, err := big.ParseFloat(trimSuffix(v.Str), 0, 128, big.ToZero); err == nil {
				if n, acc := f.Int64(); acc == big.Exact || n != 0 || f.Sign() != 0 {
					return ir.Int(wrap(n, to)), true
				}
				return ir.Int(0), true
			}
		}
		s, ok := spell(v, from)
		return ir.Value{Kind: ir.VFloat, Str: s}, ok
	case ir.VInt:
		if to.IsInteger() && from.IsInteger() {
			n := wide(v, from).Wrap(to)
			if ctype.SizeOf(to) > 8 {
				return wideValue(n, to), true
			}
			return ir.Int(int64(n.Lo)), true
		}
		if v.Str == "" {
			s, ok := spell(v, from)
			return ir.Value{Kind: ir.VFloat, Str: s}, ok && to.Kind != ctype.Pointer
		}
		return v, to.IsInteger()
	}
	return v, false
}

func trimSuffix(s string) string {
	for len(s) > 0 {
		switch s[len(s)-1] {
		case 'f', 'F':
			if len(s) > 1 && (s[1] == 'x' || s[1] == 'X') {
				return s
			}
		case 'l', 'L':
		default:
			return s
		}
		s = s[:len(s)-1]
	}
	return s
}

// constAddr evaluates a constant lvalue or designator to its address.
func (b *unit) constAddr(e *check.Expr) (ir.Value, bool) {
	switch e.Op {
	case check.Ref:
		if e.Obj.Type.Kind == ctype.Func {
			return b.funcRef(e.Obj), true
		}
		if e.Obj.Storage == check.Auto || e.Obj.Storage == check.Param {
			return ir.Value{}, false
		}
		return b.globalRef(e.Obj), true
	case check.StrLit:
		return b.stringLit(e), true
	case check.CompoundLit:
		return b.literal(e), true
	case check.Deref:
		return b.constant(e.X)
	case check.Member:
		v, ok := b.constAddr(e.X)
		v.Off += e.Field.Off
		return v, ok
	case check.RealPart:
		return b.constAddr(e.X)
	case check.ImagPart:
		v, ok := b.constAddr(e.X)
		v.Off += ctype.SizeOf(e.Type)
		return v, ok
	case check.Conv, check.Load:
		if inMemory(e.Type) {
			return b.constAddr(e.X)
		}
	}
	return ir.Value{}, false
}

// constCall spells a call that the compiler folds: an infinity, a NaN.
func (b *unit) constCall(name string, args []*check.Expr) (ir.Value, bool) {
	s := name + "("
	for i, a := range args {
		var x string
		str := a
		if str.Op == check.Conv {
			str = str.X
		}
		if str.Op == check.Decay && str.X.Op == check.StrLit {
			x = strconv.Quote(str.X.Str[:max(len(str.X.Str)-1, 0)])
		} else {
			v, ok := b.constant(a)
			if !ok {
				return ir.Value{}, false
			}
			if x, ok = spell(v, a.Type); !ok {
				return ir.Value{}, false
			}
		}
		if i > 0 {
			s += ", "
		}
		s += x
	}
	return ir.Value{Kind: ir.VFloat, Str: s + ")"}, true
}
