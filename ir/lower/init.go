package lower

import (
	"saz/frontend/check"
	"saz/frontend/ctype"
	"saz/ir"
)

// initObject runs the initialiser of an automatic object at addr.
func (b *fb) initObject(e *check.Expr, addr ir.Value, t *ctype.Type, init *check.Init) {
	if (inMemory(t) || t.Kind == ctype.Vector || t.Kind == ctype.Complex) && !covers(init, t) {
		b.do(e, ir.Instr{Op: ir.Zero, A: addr, Type: t.Unqualified()})
	}
	for i := range init.Items {
		it := &init.Items[i]
		b.initItem(addr, it, t)
	}
}

// covers reports whether the items of init write every byte of t. Bytes of
// padding and of bit-fields count as not written.
func covers(init *check.Init, t *ctype.Type) bool {
	at := int64(0)
	for i := range init.Items {
		it := &init.Items[i]
		if it.Field != nil && it.Field.BitField || it.X.Op == check.StrLit && int64(len(it.X.Str)) < ctype.SizeOf(it.Type) {
			return false
		}
		if it.Off > at {
			return false
		}
		at = max(at, it.Off+ctype.SizeOf(it.Type))
	}
	return at >= ctype.SizeOf(t)
}

func (b *fb) initItem(base ir.Value, it *check.InitItem, t *ctype.Type) {
	x := it.X
	if it.Field != nil && it.Field.BitField {
		v := b.rv(x)
		f := it.Field
		b.do(x, ir.Instr{Op: ir.StoreBits, A: b.offset(x, base, it.Off-f.Off, it.Type), B: v, Type: it.Type.Unqualified(), Field: f, Rec: bitRec(t, it.Off-f.Off, f)})
		return
	}
	if it.Type.Kind == ctype.Array && x.Op == check.StrLit {
		n := min(int64(len(x.Str)), ctype.SizeOf(it.Type))
		a := b.offset(x, base, it.Off, it.Type)
		if n > 0 {
			b.do(x, ir.Instr{Op: ir.Copy, A: a, B: b.stringLit(x), Type: &ctype.Type{Kind: ctype.Array, Size: n, Elem: ctype.TChar, Len: n}})
		}
		return
	}
	v := b.rv(x)
	a := b.offset(x, base, it.Off, it.Type)
	if inMemory(it.Type) {
		b.do(x, ir.Instr{Op: ir.Copy, A: a, B: v, Type: it.Type.Unqualified()})
		return
	}
	b.do(x, ir.Instr{Op: ir.Store, A: a, B: v, Type: accessType(it.Type), Volatile: isVolatile(it.Type)})
}

// literalOf returns the compound literal of which x is the value, or nil.
func literalOf(x *check.Expr) *check.Expr {
	for x != nil && (x.Op == check.Load || x.Op == check.Conv && inMemory(x.Type)) {
		x = x.X
	}
	if x != nil && x.Op == check.CompoundLit {
		return x
	}
	return nil
}

// offset is base + off. The base of an initialiser is a local, a global or a
// register.
func (b *fb) offset(e *check.Expr, base ir.Value, off int64, t *ctype.Type) ir.Value {
	if off == 0 {
		return base
	}
	switch base.Kind {
	case ir.VLocal, ir.VGlobal:
		base.Off += off
		return base
	}
	return b.value(e, b.ptrTo(t), ir.Instr{Op: ir.IndexAddr, A: base, B: ir.Int(off), Opnd: ctype.TLong, Off: 1, Type: b.ptrTo(t)})
}

// bitRec finds the record at offset off in t that has the bit-field f.
func bitRec(t *ctype.Type, off int64, f *ctype.Field) *ctype.Record {
	for t.Kind == ctype.Array {
		n := ctype.SizeOf(t.Elem)
		if n > 0 {
			off %= n
		}
		t = t.Elem
	}
	if !t.IsRecord() {
		return nil
	}
	r := t.Rec
	for i := range r.Fields {
		if &r.Fields[i] == f {
			return r
		}
	}
	for i := range r.Fields {
		m := &r.Fields[i]
		if !m.BitField && off >= m.Off && off <= m.Off+max(ctype.SizeOf(m.Type), 0) {
			if x := bitRec(m.Type, off-m.Off, f); x != nil {
				return x
			}
		}
	}
	return nil
}

// compoundLit evaluates a compound literal and returns its address.
func (b *fb) compoundLit(e *check.Expr) ir.Value {
	o := e.Obj
	if o.Storage != check.Auto {
		return b.unit.literal(e)
	}
	addr := b.objAddr(e, o)
	init := e.Init
	if init == nil {
		init = o.Init
	}
	b.do(e, ir.Instr{Op: ir.LifeStart, A: addr})
	if init != nil {
		b.initObject(e, addr, o.Type, init)
	}
	return addr
}
