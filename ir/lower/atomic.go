package lower

import (
	"saz/frontend/check"
	"saz/frontend/ctype"
	"saz/ir"
)

// Read-modify-write of an _Atomic object is one of the compiler's builtins
// where there is one, otherwise a compare-and-exchange loop.

var fetchOps = map[check.Op]string{
	check.Add: "__atomic_fetch_add", check.Sub: "__atomic_fetch_sub",
	check.And: "__atomic_fetch_and", check.Or: "__atomic_fetch_or", check.Xor: "__atomic_fetch_xor",
}

const seqCst = 5 // __ATOMIC_SEQ_CST

// atomicUpdate replaces the value of l by op of it and y, and returns both.
// compute does the operation on a value; calc is the type it is done in.
func (b *fb) atomicUpdate(e *check.Expr, l lval, op check.Op, y ir.Value, yt, calc *ctype.Type, compute func(ir.Value) ir.Value) (old, v ir.Value) {
	t := l.t.Unqualified()
	pt := b.ptrTo(t)
	order := ir.Int(seqCst)
	if name := fetchOps[op]; name != "" && t.IsInteger() && t.Kind != ctype.Bool && calc.IsInteger() {
		y = b.convert(e, y, yt, t)
		old = b.value(e, t, ir.Instr{Op: ir.Builtin, Name: name, Type: t, Args: []ir.Value{l.addr, y, order}, ArgTypes: []*ctype.Type{pt, t, ctype.TInt}})
		return old, compute(old)
	}
	oldT, newT := b.temp(t), b.temp(t)
	first := b.load(e, l, t)
	b.do(e, ir.Instr{Op: ir.Store, A: oldT, B: first, Type: t})
	loop, done := b.newBlock(), b.newBlock()
	b.enter(loop)
	old = b.value(e, t, ir.Instr{Op: ir.Load, A: oldT, Type: t})
	v = compute(old)
	b.do(e, ir.Instr{Op: ir.Store, A: newT, B: v, Type: t})
	ok := b.value(e, ctype.TBool, ir.Instr{Op: ir.Builtin, Name: "__atomic_compare_exchange", Type: ctype.TBool,
		Args:     []ir.Value{l.addr, oldT, newT, ir.Int(0), order, order},
		ArgTypes: []*ctype.Type{pt, pt, pt, ctype.TBool, ctype.TInt, ctype.TInt}})
	b.end(e, ir.Instr{Op: ir.Branch, A: ok, Opnd: ctype.TBool}, done, loop)
	b.start(done)
	return old, v
}

func isAtomic(l lval) bool { return l.t.Qual&ctype.Atomic != 0 && l.bits == nil && !inMemory(l.t) }
