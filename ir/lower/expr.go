package lower

import (
	"saz/frontend/check"
	"saz/frontend/ctype"
	"saz/ir"
)

// An lval is a place: an address, or a bit-field of the record at an address.
type lval struct {
	addr ir.Value
	t    *ctype.Type   // qualified
	bits *ctype.Field  // bit-field
	rec  *ctype.Record // of bits
}

// inMemory reports whether values of type t are addresses of memory that holds
// them.
func inMemory(t *ctype.Type) bool {
	switch t.Kind {
	case ctype.Struct, ctype.Union, ctype.Array, ctype.VaList:
		return true
	}
	return false
}

func isVolatile(t *ctype.Type) bool { return t.Qual&(ctype.Volatile|ctype.Atomic) != 0 }

// accessType is the type that a Load or Store of a place carries: qualifiers
// go, but that an access is atomic matters to the printer of C.
func accessType(t *ctype.Type) *ctype.Type {
	if t.Qual&ctype.Atomic != 0 {
		return t
	}
	return t.Unqualified()
}

// ---- places

// place evaluates an lvalue (or a record rvalue) to where it is.
func (b *fb) place(e *check.Expr) lval {
	if e.Op == check.Member && e.Field.BitField {
		return lval{addr: b.addr(e.X), t: e.Type, bits: e.Field, rec: e.X.Type.Rec}
	}
	return lval{addr: b.addr(e), t: e.Type}
}

// addr evaluates an lvalue, or anything held in memory, to its address.
func (b *fb) addr(e *check.Expr) ir.Value {
	switch e.Op {
	case check.Ref:
		return b.objAddr(e, e.Obj)
	case check.Deref:
		return b.rv(e.X)
	case check.Member:
		base := b.addr(e.X)
		return b.value(e, b.ptrTo(e.Type), ir.Instr{Op: ir.FieldAddr, A: base, Off: e.Field.Off, Field: e.Field, Rec: e.X.Type.Rec, Type: b.ptrTo(e.Type)})
	case check.StrLit:
		return b.stringLit(e)
	case check.CompoundLit:
		return b.compoundLit(e)
	case check.RealPart:
		return b.addr(e.X)
	case check.ImagPart:
		return b.index(e, b.addr(e.X), ir.Int(1), ctype.TLong, b.ptrTo(e.Type))
	case check.BadExpr:
		panic(unsupported{e.Tok, "an expression that has no type"})
	}
	if inMemory(e.Type) {
		return b.rv(e)
	}
	if e.Op == check.Conv && ctype.SizeOf(e.X.Type) == ctype.SizeOf(e.Type) {
		return b.addr(e.X)
	}
	// A scalar rvalue whose address is wanted: only vectors v[i] get here.
	t := b.temp(e.Type)
	b.do(e, ir.Instr{Op: ir.Store, A: t, B: b.rv(e), Type: e.Type.Unqualified()})
	return t
}

func (b *fb) objAddr(e *check.Expr, o *check.Object) ir.Value {
	if o.Type.Kind == ctype.Func {
		return b.funcRef(o)
	}
	switch o.Storage {
	case check.Auto, check.Param:
		id, ok := b.local(o)
		if !ok {
			return b.outerAddr(e, o)
		}
		v := ir.Value{Kind: ir.VLocal, ID: int32(id)}
		if _, vla := b.vlaOf[o]; vla {
			t := b.locals[id].Type
			return b.value(e, t, ir.Instr{Op: ir.Load, A: v, Type: t})
		}
		return v
	}
	return b.globalRef(o)
}

func (b *fb) load(e *check.Expr, l lval, t *ctype.Type) ir.Value {
	if l.bits != nil {
		t = t.Unqualified()
		return b.value(e, t, ir.Instr{Op: ir.LoadBits, A: l.addr, Type: t, Field: l.bits, Rec: l.rec, Volatile: isVolatile(l.t)})
	}
	return b.value(e, t, ir.Instr{Op: ir.Load, A: l.addr, Type: accessType(l.t), Volatile: isVolatile(l.t)})
}

func (b *fb) store(e *check.Expr, l lval, v ir.Value) {
	if l.bits != nil {
		b.do(e, ir.Instr{Op: ir.StoreBits, A: l.addr, B: v, Type: l.t.Unqualified(), Field: l.bits, Rec: l.rec, Volatile: isVolatile(l.t)})
		return
	}
	b.do(e, ir.Instr{Op: ir.Store, A: l.addr, B: v, Type: accessType(l.t), Volatile: isVolatile(l.t)})
}

// stored is the value that reading l again would give, after v was stored.
func (b *fb) stored(e *check.Expr, l lval, v ir.Value) ir.Value {
	if l.bits == nil || l.t.Kind == ctype.Bool {
		return v
	}
	t := l.t.Unqualified()
	n := 8*ctype.SizeOf(t) - l.bits.BitWidth
	if n <= 0 {
		return v
	}
	if isConst(v) && foldable(t) {
		return ir.Int(wrap(truncBits(v.Off, l.bits.BitWidth, t.IsSigned()), t))
	}
	c := ir.Int(n)
	v = b.value(e, t, ir.Instr{Op: ir.Bin, Sub: check.Shl, A: v, B: c, Type: t, Opnd: ctype.TInt})
	return b.value(e, t, ir.Instr{Op: ir.Bin, Sub: check.Shr, A: v, B: c, Type: t, Opnd: ctype.TInt})
}

func truncBits(v, width int64, signed bool) int64 {
	sh := uint(64 - width)
	if signed {
		return v << sh >> sh
	}
	return int64(uint64(v) << sh >> sh)
}

// index emits A + i * size of what the pointer type t points at.
func (b *fb) index(e *check.Expr, a, i ir.Value, it, t *ctype.Type) ir.Value {
	if isConst(i) && i.Off == 0 {
		return a
	}
	in := ir.Instr{Op: ir.IndexAddr, A: a, B: i, Opnd: it, Type: t, Off: ctype.SizeOf(t.Elem)}
	if in.Off < 0 {
		in.Off = -1
		in.Args = []ir.Value{b.sizeOf(e, t.Elem)}
	}
	return b.value(e, t, in)
}

// sizeOf is the size of a type, at run time if it varies.
func (b *fb) sizeOf(e *check.Expr, t *ctype.Type) ir.Value {
	if n := ctype.SizeOf(t); n >= 0 {
		return ir.Int(n)
	}
	if t.Kind != ctype.Array || t.Len != -2 && !ctype.IsVLA(t) {
		return ir.Int(1) // incomplete: only GNU arithmetic on void gets here
	}
	n := ir.Int(t.Len)
	if t.Len == -2 {
		n = ir.Int(0)
		if t.VLA >= 0 && int(t.VLA) < len(b.vlaSizes) {
			n = b.value(e, ctype.TULong, ir.Instr{Op: ir.Load, A: b.vlaSize(t.VLA), Type: ctype.TULong})
		}
	}
	return b.bin(e, check.Mul, n, b.sizeOf(e, t.Elem), ctype.TULong, ctype.TULong)
}

// vlaSize is the local that remembers an element count.
func (b *fb) vlaSize(i int32) ir.Value {
	if b.vlaSizes[i] < 0 {
		b.vlaSizes[i] = b.temp(ctype.TULong).ID
	}
	return ir.Value{Kind: ir.VLocal, ID: b.vlaSizes[i]}
}

// ---- values

// bin emits a binary operation in type t (a shift count has type yt).
func (b *fb) bin(e *check.Expr, op check.Op, x, y ir.Value, t, yt *ctype.Type) ir.Value {
	t = t.Unqualified()
	if isConst(x) && isConst(y) && foldable(t) {
		if v, ok := foldBin(op, x.Off, y.Off, t, yt); ok {
			return ir.Int(v)
		}
	}
	in := ir.Instr{Op: ir.Bin, Sub: op, A: x, B: y, Type: t}
	if op == check.Shl || op == check.Shr {
		in.Opnd = yt.Unqualified()
	}
	return b.value(e, t, in)
}

// vec emits an element-wise operation.
func (b *fb) vec(e *check.Expr, op check.Op, t *ctype.Type, args []ir.Value, types []*ctype.Type) ir.Value {
	return b.value(e, t, ir.Instr{Op: ir.Builtin, Name: ir.BuiltinVec, Sub: op, Type: t.Unqualified(), Args: args, ArgTypes: types})
}

func (b *fb) cmp(e *check.Expr, op check.Op, x, y ir.Value, t *ctype.Type) ir.Value {
	t = t.Unqualified()
	if isConst(x) && isConst(y) && (foldable(t) || t.Kind == ctype.Pointer) {
		return ir.Int(foldCmp(op, x.Off, y.Off, t.IsSigned()))
	}
	return b.value(e, ctype.TInt, ir.Instr{Op: ir.Cmp, Sub: op, A: x, B: y, Type: ctype.TInt, Opnd: t})
}

// convert emits a conversion of a scalar.
func (b *fb) convert(e *check.Expr, v ir.Value, from, to *ctype.Type) ir.Value {
	from, to = from.Unqualified(), to.Unqualified()
	if from == to || ctype.Same(from, to) {
		return v
	}
	if from.Kind == ctype.Pointer && to.Kind == ctype.Pointer && ctype.Same(from.Elem.Unqualified(), to.Elem.Unqualified()) {
		return v
	}
	if c, ok := b.convConst(v, from, to); ok {
		return c
	}
	return b.value(e, to, ir.Instr{Op: ir.Conv, A: v, Type: to, Opnd: from})
}

// effect evaluates e for what it does.
func (b *fb) effect(e *check.Expr) {
	switch e.Op {
	case check.Comma:
		b.effect(e.X)
		b.effect(e.Y)
	case check.Conv, check.Plus, check.Load, check.Decay, check.Addr:
		if e.Op == check.Load && isVolatile(e.X.Type) && !inMemory(e.Type) {
			b.rv(e)
			return
		}
		if e.Op == check.Conv && e.Type.IsRecord() {
			b.rv(e)
			return
		}
		b.effect(e.X)
	case check.Ref, check.IntLit, check.FloatLit, check.StrLit, check.LabelAddr, check.FuncAddr:
		if e.Op == check.FuncAddr {
			b.effect(e.X)
		}
	case check.Member, check.Deref, check.RealPart, check.ImagPart:
		b.effect(e.X)
	case check.Assign:
		b.assign(e, false)
	case check.OpAssign:
		b.opAssign(e, false)
	case check.PreInc, check.PreDec, check.PostInc, check.PostDec:
		b.incDec(e, false)
	case check.Cond:
		b.condEffect(e)
	case check.LogAnd, check.LogOr:
		rhs, join := b.newBlock(), b.newBlock()
		if e.Op == check.LogAnd {
			b.cond(e.X, rhs, join)
		} else {
			b.cond(e.X, join, rhs)
		}
		b.start(rhs)
		b.effect(e.Y)
		b.enter(join)
	case check.StmtExpr:
		b.stmtExpr(e, false)
	default:
		b.rv(e)
	}
}

// rv evaluates e to a value: of a scalar the value itself, of a record the
// address of memory that holds it, of a void expression nothing.
func (b *fb) rv(e *check.Expr) ir.Value {
	t := e.Type
	switch e.Op {
	case check.IntLit:
		return intLit(e)
	case check.FloatLit:
		return ir.Value{Kind: ir.VFloat, Str: e.Str}
	case check.Load:
		if inMemory(t) {
			return b.addr(e.X)
		}
		return b.load(e, b.place(e.X), t)
	case check.Decay:
		return b.addr(e.X)
	case check.FuncAddr:
		return b.designator(e.X)
	case check.Addr:
		if e.X.Type.Kind == ctype.Func {
			return b.designator(e.X)
		}
		return b.addr(e.X)
	case check.StrLit, check.CompoundLit, check.Ref, check.Member, check.Deref:
		if t.Kind == ctype.Func {
			return b.designator(e)
		}
		if inMemory(t) {
			return b.addr(e)
		}
		return b.load(e, b.place(e), t)
	case check.RealPart, check.ImagPart:
		if e.X.Type.Kind != ctype.Complex { // of a real number
			v := b.rv(e.X)
			if e.Op == check.ImagPart {
				return ir.Int(0)
			}
			return v
		}
		name := "real"
		if e.Op == check.ImagPart {
			name = "imag"
		}
		v := b.rv(e.X)
		return b.value(e, t, ir.Instr{Op: ir.Builtin, Name: name, Type: t.Unqualified(), Args: []ir.Value{v}, ArgTypes: []*ctype.Type{e.X.Type}})
	case check.Plus:
		return b.rv(e.X)
	case check.Neg, check.BitNot:
		v := b.rv(e.X)
		if t.Kind == ctype.Vector {
			return b.vec(e, e.Op, t, []ir.Value{v}, []*ctype.Type{e.X.Type})
		}
		return b.unary(e, e.Op, v, t)
	case check.LogNot:
		return b.cmp(e, check.Eq, b.rv(e.X), ir.Int(0), e.X.Type)
	case check.Add, check.Sub, check.Mul, check.Div, check.Rem, check.And, check.Or, check.Xor, check.Shl, check.Shr:
		x := b.rv(e.X)
		y := b.rv(e.Y)
		if t.Kind == ctype.Vector {
			return b.vec(e, e.Op, t, []ir.Value{x, y}, []*ctype.Type{e.X.Type, e.Y.Type})
		}
		return b.bin(e, e.Op, x, y, t, e.Y.Type)
	case check.VecOp:
		args, types := []ir.Value{b.rv(e.X)}, []*ctype.Type{e.X.Type}
		for _, y := range []*check.Expr{e.Y, e.Z} {
			if y != nil {
				args, types = append(args, b.rv(y)), append(types, y.Type)
			}
		}
		return b.vec(e, e.Sub, t, args, types)
	case check.PtrAdd, check.PtrSub:
		x := b.rv(e.X)
		y := b.rv(e.Y)
		return b.step(e, e.Op, x, y, e.Y.Type, t)
	case check.PtrDiff:
		x := b.rv(e.X)
		y := b.rv(e.Y)
		in := ir.Instr{Op: ir.PtrDiff, A: x, B: y, Type: t, Off: ctype.SizeOf(e.X.Type.Elem)}
		if in.Off < 0 {
			in.Off = -1
			in.Args = []ir.Value{b.sizeOf(e, e.X.Type.Elem)}
		}
		return b.value(e, t, in)
	case check.Eq, check.Ne, check.Lt, check.Gt, check.Le, check.Ge:
		x := b.rv(e.X)
		y := b.rv(e.Y)
		if t.Kind == ctype.Vector {
			return b.vec(e, e.Op, t, []ir.Value{x, y}, []*ctype.Type{e.X.Type, e.Y.Type})
		}
		return b.cmp(e, e.Op, x, y, e.X.Type)
	case check.LogAnd, check.LogOr:
		return b.truth(e)
	case check.Cond:
		return b.condValue(e)
	case check.Comma:
		b.effect(e.X)
		return b.rv(e.Y)
	case check.Assign:
		return b.assign(e, true)
	case check.OpAssign:
		return b.opAssign(e, true)
	case check.PreInc, check.PreDec, check.PostInc, check.PostDec:
		return b.incDec(e, true)
	case check.Conv:
		return b.conv(e)
	case check.Call:
		return b.call(e)
	case check.StmtExpr:
		return b.stmtExpr(e, true)
	case check.VaArg:
		in := ir.Instr{Op: ir.Builtin, Name: "va_arg", Type: t.Unqualified(), Args: []ir.Value{b.addr(e.X)}, ArgTypes: []*ctype.Type{b.ptrTo(e.X.Type)}}
		return b.result(e, t, in)
	case check.BuiltinCall:
		return b.builtin(e)
	case check.LabelAddr:
		if e.Label.Func != b.def {
			return b.outerLabel(e)
		}
		return ir.Value{Kind: ir.VLabel, ID: int32(b.labelAddr(e.Label))}
	case check.SizeofVLA:
		if e.X != nil {
			b.effect(e.X)
		}
		return b.sizeOf(e, e.Calc)
	case check.VLASize:
		x := b.def.VLASizes[e.Val]
		v := b.convert(x, b.rv(x), x.Type, ctype.TULong)
		b.do(e, ir.Instr{Op: ir.Store, A: b.vlaSize(int32(e.Val)), B: v, Type: ctype.TULong})
		return ir.Value{}
	}
	panic(unsupported{e.Tok, "this expression"})
}

// result emits an instruction that may yield any type: a record goes to a
// temporary named by operand B.
func (b *fb) result(e *check.Expr, t *ctype.Type, in ir.Instr) ir.Value {
	switch {
	case t.Kind == ctype.Void:
		b.do(e, in)
		return ir.Value{}
	case inMemory(t):
		in.B = b.temp(t)
		b.do(e, in)
		return in.B
	}
	return b.value(e, t, in)
}

// designator evaluates a function designator to the function's address.
func (b *fb) designator(e *check.Expr) ir.Value {
	switch e.Op {
	case check.Ref:
		return b.funcRef(e.Obj)
	case check.Deref:
		return b.rv(e.X)
	case check.Comma, check.Cond, check.StmtExpr, check.Load, check.Conv, check.FuncAddr:
		return b.rv(e)
	}
	return b.rv(e)
}

func (b *fb) unary(e *check.Expr, op check.Op, v ir.Value, t *ctype.Type) ir.Value {
	t = t.Unqualified()
	if isConst(v) && foldable(t) {
		if op == check.Neg {
			return ir.Int(wrap(-v.Off, t))
		}
		return ir.Int(wrap(^v.Off, t))
	}
	return b.value(e, t, ir.Instr{Op: ir.Un, Sub: op, A: v, Type: t})
}

// step emits pointer plus or minus integer.
func (b *fb) step(e *check.Expr, op check.Op, x, y ir.Value, yt, t *ctype.Type) ir.Value {
	if op == check.PtrSub || op == check.Sub {
		y = b.unary(e, check.Neg, b.convert(e, y, yt, ctype.TLong), ctype.TLong)
		yt = ctype.TLong
	}
	return b.index(e, x, y, yt.Unqualified(), t.Unqualified())
}

func (b *fb) conv(e *check.Expr) ir.Value {
	t := e.Type
	switch {
	case t.Kind == ctype.Void:
		b.effect(e.X)
		return ir.Value{}
	case t.IsRecord():
		v := b.rv(e.X)
		if e.X.Type.IsRecord() && e.X.Type.Rec == t.Rec {
			return v
		}
		// To a (transparent) union: its bytes begin with the operand's.
		tmp := b.temp(t)
		if inMemory(e.X.Type) {
			b.do(e, ir.Instr{Op: ir.Copy, A: tmp, B: v, Type: e.X.Type.Unqualified()})
		} else {
			b.do(e, ir.Instr{Op: ir.Store, A: tmp, B: v, Type: e.X.Type.Unqualified()})
		}
		return tmp
	case inMemory(t):
		return b.rv(e.X)
	}
	v := b.rv(e.X)
	if v.Kind == ir.NoVal {
		return ir.Undef
	}
	return b.convert(e, v, e.X.Type, t)
}

// truth is the value of && and ||.
func (b *fb) truth(e *check.Expr) ir.Value {
	t, f, join := b.newBlock(), b.newBlock(), b.newBlock()
	b.cond(e, t, f)
	b.start(t)
	b.jump(join)
	b.start(f)
	b.jump(join)
	b.start(join)
	return b.phi(e, e.Type, []ir.BlockID{t, f}, []ir.Value{ir.Int(1), ir.Int(0)})
}

// condValue is the value of ?:.
func (b *fb) condValue(e *check.Expr) ir.Value {
	if e.Type.Kind == ctype.Void {
		b.condEffect(e)
		return ir.Value{}
	}
	vt := e.Type
	if inMemory(vt) {
		vt = b.ptrTo(vt)
	}
	if e.X.Type.Kind == ctype.Vector {
		x := b.rv(e.X)
		y := b.rv(e.Y)
		z := b.rv(e.Z)
		return b.value(e, e.Type, ir.Instr{Op: ir.Builtin, Name: ir.BuiltinVec, Sub: check.Cond, Type: e.Type.Unqualified(),
			Args: []ir.Value{x, y, z}, ArgTypes: []*ctype.Type{e.X.Type, e.Y.Type, e.Z.Type}})
	}
	yes, no, join := b.newBlock(), b.newBlock(), b.newBlock()
	var y ir.Value
	if e.Y == nil {
		x := b.rv(e.X)
		b.branch(e.X, x, e.X.Type, yes, no)
		b.start(yes)
		y = b.convert(e, x, e.X.Type, e.Type)
	} else {
		b.cond(e.X, yes, no)
		b.start(yes)
		y = b.rv(e.Y)
	}
	if y.Kind == ir.NoVal {
		y = ir.Undef
	}
	yEnd := b.cur
	b.jump(join)
	b.start(no)
	z := b.rv(e.Z)
	if z.Kind == ir.NoVal {
		z = ir.Undef
	}
	zEnd := b.cur
	b.jump(join)
	b.start(join)
	return b.phi(e, vt, []ir.BlockID{yEnd, zEnd}, []ir.Value{y, z})
}

func (b *fb) condEffect(e *check.Expr) {
	if e.X.Type.Kind == ctype.Vector {
		b.rv(e)
		return
	}
	yes, no, join := b.newBlock(), b.newBlock(), b.newBlock()
	if e.Y == nil {
		yes = join
	}
	b.cond(e.X, yes, no)
	if e.Y != nil {
		b.start(yes)
		b.effect(e.Y)
		b.jump(join)
	}
	b.start(no)
	b.effect(e.Z)
	b.enter(join)
}

// branch ends the block: to yes if v is not zero.
func (b *fb) branch(e *check.Expr, v ir.Value, t *ctype.Type, yes, no ir.BlockID) {
	if isConst(v) {
		if v.Off == 0 {
			yes = no
		}
		b.end(e, ir.Instr{Op: ir.Jump}, yes)
		return
	}
	switch v.Kind {
	case ir.VLocal, ir.VLabel:
		b.end(e, ir.Instr{Op: ir.Jump}, yes) // the address of an object is not null
		return
	}
	b.end(e, ir.Instr{Op: ir.Branch, A: v, Opnd: t.Unqualified()}, yes, no)
}

// cond evaluates e as a condition.
func (b *fb) cond(e *check.Expr, yes, no ir.BlockID) {
	switch e.Op {
	case check.LogNot:
		if e.X.Type.Kind != ctype.Vector {
			b.cond(e.X, no, yes)
			return
		}
	case check.LogAnd:
		mid := b.newBlock()
		b.cond(e.X, mid, no)
		b.start(mid)
		b.cond(e.Y, yes, no)
		return
	case check.LogOr:
		mid := b.newBlock()
		b.cond(e.X, yes, mid)
		b.start(mid)
		b.cond(e.Y, yes, no)
		return
	case check.Comma:
		b.effect(e.X)
		b.cond(e.Y, yes, no)
		return
	case check.Conv:
		// Neither a conversion to _Bool nor a widening changes whether a value is zero.
		x, t := e.X.Type, e.Type
		if t.Kind == ctype.Bool && (x.IsScalar()) ||
			t.IsInteger() && x.IsInteger() && ctype.SizeOf(t) >= ctype.SizeOf(x) {
			b.cond(e.X, yes, no)
			return
		}
	case check.BuiltinCall:
		if e.Str == "__builtin_expect" && len(e.Args) >= 1 {
			for _, a := range e.Args[1:] {
				b.effect(a)
			}
			b.cond(e.Args[0], yes, no)
			return
		}
	}
	b.branch(e, b.rv(e), e.Type, yes, no)
}

// ---- assignment

// assign keeps gcc's order: the right side is evaluated first, but for its
// outermost load or call, which comes after the left side; so does all of a
// record or vector that is spelled out there, or chosen.
func (b *fb) assign(e *check.Expr, want bool) ir.Value {
	var l lval
	var v ir.Value
	y := e.Y
	for ; y.Op == check.Comma; y = y.Y {
		b.effect(y.X)
	}
	switch {
	case (inMemory(y.Type) || y.Type.Kind == ctype.Vector) && literalOf(y) != nil, inMemory(y.Type) && y.Op == check.Cond:
		l = b.place(e.X)
		v = b.rv(y)
	case y.Op == check.Load && !inMemory(y.Type):
		from := b.place(y.X)
		l = b.place(e.X)
		v = b.load(y, from, y.Type)
	case y.Op == check.Call:
		v = b.callThen(y, func() { l = b.place(e.X) })
	default:
		v = b.rv(y)
		l = b.place(e.X)
	}
	if inMemory(e.Type) {
		b.do(e, ir.Instr{Op: ir.Copy, A: l.addr, B: v, Type: e.Type.Unqualified(), Volatile: isVolatile(l.t)})
		return l.addr
	}
	b.store(e, l, v)
	if !want {
		return ir.Value{}
	}
	return b.stored(e, l, v)
}

// sideEffects reports whether evaluating e may change anything.
func sideEffects(e *check.Expr) bool {
	if e == nil {
		return false
	}
	switch e.Op {
	case check.Assign, check.OpAssign, check.PreInc, check.PreDec, check.PostInc, check.PostDec,
		check.Call, check.StmtExpr, check.VaArg, check.BuiltinCall, check.CompoundLit:
		return true
	case check.Load:
		if isVolatile(e.X.Type) {
			return true
		}
	}
	return sideEffects(e.X) || sideEffects(e.Y) || sideEffects(e.Z)
}

func (b *fb) opAssign(e *check.Expr, want bool) ir.Value {
	// gcc evaluates a right side that has effects before anything else.
	var y ir.Value
	first := sideEffects(e.Y)
	if first {
		y = b.rv(e.Y)
	}
	l := b.place(e.X)
	t := e.X.Type.Unqualified()
	calc := e.Calc
	if calc == nil {
		calc = t
	}
	compute := func(old ir.Value) ir.Value {
		var v ir.Value
		switch {
		case t.Kind == ctype.Pointer:
			return b.step(e, e.Sub, old, y, e.Y.Type, t)
		case calc.Kind == ctype.Vector:
			v = b.vec(e, e.Sub, calc, []ir.Value{b.convert(e, old, t, calc), y}, []*ctype.Type{calc, e.Y.Type})
		default:
			v = b.bin(e, e.Sub, b.convert(e, old, t, calc), y, calc, e.Y.Type)
		}
		return b.convert(e, v, calc, t)
	}
	if isAtomic(l) {
		if !first {
			y = b.rv(e.Y)
		}
		_, v := b.atomicUpdate(e, l, e.Sub, y, e.Y.Type, calc, compute)
		return v
	}
	old := b.load(e.X, l, t)
	if !first {
		y = b.rv(e.Y)
	}
	v := compute(old)
	b.store(e, l, v)
	if !want {
		return ir.Value{}
	}
	return b.stored(e, l, v)
}

func (b *fb) incDec(e *check.Expr, want bool) ir.Value {
	l := b.place(e.X)
	t := e.X.Type.Unqualified()
	one, op := int64(1), check.Add
	if e.Op == check.PreDec || e.Op == check.PostDec {
		one, op = -1, check.Sub
	}
	compute := func(old ir.Value) ir.Value {
		switch t.Kind {
		case ctype.Pointer:
			return b.index(e, old, ir.Int(one), ctype.TLong, t)
		case ctype.Bool:
			v := b.bin(e, op, b.convert(e, old, t, ctype.TInt), ir.Int(1), ctype.TInt, ctype.TInt)
			return b.convert(e, v, ctype.TInt, t)
		case ctype.Vector:
			unit := b.value(e, t, ir.Instr{Op: ir.Conv, A: ir.Int(1), Type: t, Opnd: t.Elem})
			return b.vec(e, op, t, []ir.Value{old, unit}, []*ctype.Type{t, t})
		}
		return b.bin(e, op, old, ir.Int(1), t, t)
	}
	post := e.Op == check.PostInc || e.Op == check.PostDec
	if isAtomic(l) {
		old, v := b.atomicUpdate(e, l, op, ir.Int(1), t, t, compute)
		if post {
			return old
		}
		return v
	}
	old := b.load(e.X, l, t)
	v := compute(old)
	b.store(e, l, v)
	switch {
	case !want:
		return ir.Value{}
	case post:
		return old
	}
	return b.stored(e, l, v)
}

// ---- calls

// returnsTwice are the functions after whose second return locals must still
// be where they were.
var returnsTwice = map[string]bool{
	"setjmp": true, "_setjmp": true, "sigsetjmp": true, "__sigsetjmp": true, "__sigsetjmp_cancel": true, "savectx": true,
	"vfork": true, "getcontext": true, "__builtin_setjmp": true,
}

func (b *fb) call(e *check.Expr) ir.Value { return b.callThen(e, nil) }

// callThen lowers a call; before, if not nil, runs when its operands are known.
func (b *fb) callThen(e *check.Expr, before func()) ir.Value {
	ft := e.X.Type
	if ft.Kind == ctype.Pointer {
		ft = ft.Elem
	}
	if ft.Kind != ctype.Func {
		panic(unsupported{e.Tok, "a call of something that is no function"})
	}
	noReturn := ft.Func.NoReturn
	if x := e.X; x.Op == check.FuncAddr && x.X.Op == check.Ref {
		o := x.X.Obj
		noReturn = noReturn || o.NoReturn
		name := o.Link
		if name == "" {
			name = o.Name
		}
		if returnsTwice[name] {
			b.f.SetJmp = true
		}
		if o.Func == nil && (name == "alloca" || name == "__builtin_alloca") && len(e.Args) == 1 {
			if before != nil {
				before()
			}
			return b.alloca(e, e.Args[0])
		}
	}
	fn := b.rv(e.X)
	list := e.Args
	if x := e.X; x.Op == check.FuncAddr && x.X.Op == check.Ref && x.X.Obj.Func == nil {
		list = plain(list)
	}
	args, types := b.args(list)
	if before != nil {
		before()
	}
	in := ir.Instr{Op: ir.Call, A: fn, Args: args, ArgTypes: types, Type: e.Type.Unqualified(), Opnd: ft}
	v := b.result(e, e.Type, in)
	if noReturn {
		b.end(e, ir.Instr{Op: ir.Unreachable})
		b.dead()
	}
	return v
}

// args evaluates arguments from the last to the first, as gcc does on x86-64.
// plain takes conversions of pointers to transparent unions off the arguments of a function that is
// defined elsewhere: accept(fd, &addr, ...), where the C library declares a union of pointers, is given
// the pointer, which is how it is passed and what a model of the function speaks of.
func plain(list []*check.Expr) []*check.Expr {
	out := list
	for i, a := range list {
		if a.Op == check.Conv && a.Type.Kind == ctype.Union && a.Type.Rec != nil && a.Type.Rec.Transparent && a.X.Type.Kind == ctype.Pointer {
			if &out[0] == &list[0] {
				out = append([]*check.Expr(nil), list...)
			}
			out[i] = a.X
		}
	}
	return out
}

func (b *fb) args(list []*check.Expr) ([]ir.Value, []*ctype.Type) {
	if len(list) == 0 {
		return nil, nil
	}
	args, types := make([]ir.Value, len(list)), make([]*ctype.Type, len(list))
	for i := len(list) - 1; i >= 0; i-- {
		args[i], types[i] = b.rv(list[i]), list[i].Type.Unqualified()
		if args[i].Kind == ir.NoVal {
			args[i] = ir.Undef
		}
	}
	return args, types
}

func (b *fb) alloca(e *check.Expr, size *check.Expr) ir.Value {
	n := b.convert(size, b.rv(size), size.Type, ctype.TULong)
	return b.stackBlock(e, n, 0, e.Type, 1)
}

// stackBlock allocates n bytes of stack; more than the usual alignment is made
// by going up to the next multiple.
func (b *fb) stackBlock(e *check.Expr, n ir.Value, align int64, t *ctype.Type, untilReturn int64) ir.Value {
	t = t.Unqualified()
	const usual = 16
	if align <= usual {
		return b.value(e, t, ir.Instr{Op: ir.Alloca, A: n, Off: untilReturn, Type: t})
	}
	n = b.bin(e, check.Add, n, ir.Int(align), ctype.TULong, ctype.TULong)
	p := b.value(e, t, ir.Instr{Op: ir.Alloca, A: n, Off: untilReturn, Type: t})
	up := b.unary(e, check.Neg, b.convert(e, p, t, ctype.TULong), ctype.TULong)
	up = b.bin(e, check.And, up, ir.Int(align-1), ctype.TULong, ctype.TULong)
	return b.value(e, t, ir.Instr{Op: ir.IndexAddr, A: p, B: up, Opnd: ctype.TULong, Off: 1, Type: t})
}
