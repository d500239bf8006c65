package lower

import (
	"saz/frontend/check"
	"saz/frontend/ctype"
	"saz/ir"
)

// GNU nested functions reach the variables of the function around them through
// a frame: an array, local to the outer function, of the addresses of its
// address-taken locals, after one slot for the frame of its own outer function.
// While the outer function runs, a thread-local global points at the frame of
// its latest activation, and a nested function picks it up when it is entered.
//
// So a pointer to a nested function works as long as no newer activation of the
// outer function is running when it is called. gcc's trampolines have no such
// limit; they can't be written in three-address form. Jumps from a nested
// function to a label of the outer one are not supported (by the checker).

// parents notes for each nested function the one around it.
func (b *unit) parents(def *check.FuncDef) {
	for _, n := range def.Nested {
		if b.parentOf == nil {
			b.parentOf = map[*check.FuncDef]*check.FuncDef{}
		}
		b.parentOf[n] = def
		b.parents(n)
	}
}

// frameSlot is the slot of o in the frame of def, -1 if it has none.
func frameSlot(def *check.FuncDef, o *check.Object) (slot, n int64) {
	slot, n = -1, 1
	for _, list := range [2][]*check.Object{def.Params, def.Locals} {
		for _, x := range list {
			if (x.Storage != check.Auto && x.Storage != check.Param) || !x.AddrTaken {
				continue
			}
			if x == o {
				slot = n
			}
			n++
		}
	}
	return slot, n
}

// chain is the global that points at the frame of def's latest activation.
func (b *unit) chain(def *check.FuncDef) ir.Value {
	i, ok := b.chains[def]
	if !ok {
		if b.chains == nil {
			b.chains = map[*check.FuncDef]int32{}
		}
		i = int32(len(b.globals))
		b.chains[def] = i
		pt := b.ptrTo(b.ptrTo(ctype.TVoid))
		b.globals = append(b.globals, &ir.Global{Name: def.Obj.Name + ".frame", Link: def.Obj.Name + ".frame", Linkage: ir.Internal,
			Type: pt, Size: ctype.PtrSize, Thread: true, Proc: ir.FuncID(b.funcRef(def.Obj).ID), Unit: b.id, Pos: def.Obj.Pos})
	}
	return ir.Value{Kind: ir.VGlobal, ID: i}
}

// enterFrame makes the frame of a function that has nested functions, and
// finds that of the function around a nested one.
func (b *fb) enterFrame() {
	at := &check.Expr{Tok: b.def.Obj.Tok, End: b.def.Obj.Tok + 1}
	pt := b.ptrTo(b.ptrTo(ctype.TVoid))
	b.outer, b.oldFrame = ir.Value{}, ir.Value{}
	if p := b.parentOf[b.def]; p != nil {
		b.outer = b.value(at, pt, ir.Instr{Op: ir.Load, A: b.chain(p), Type: pt})
	}
	if len(b.def.Nested) == 0 {
		return
	}
	_, n := frameSlot(b.def, nil)
	vp := b.ptrTo(ctype.TVoid)
	frame := b.temp(&ctype.Type{Kind: ctype.Array, Size: n * ctype.PtrSize, Elem: vp, Len: n})
	b.locals[frame.ID].Name = "<frame>"
	b.locals[frame.ID].AddrTaken = true
	put := func(slot int64, v ir.Value) {
		a := frame
		a.Off = slot * ctype.PtrSize
		b.do(at, ir.Instr{Op: ir.Store, A: a, B: v, Type: vp})
	}
	if b.outer.Kind != ir.NoVal {
		put(0, b.outer)
	}
	slot := int64(1)
	for _, list := range [2][]*check.Object{b.def.Params, b.def.Locals} {
		for _, x := range list {
			if (x.Storage != check.Auto && x.Storage != check.Param) || !x.AddrTaken {
				continue
			}
			id, _ := b.local(x)
			put(slot, ir.Value{Kind: ir.VLocal, ID: int32(id)})
			slot++
		}
	}
	old := b.temp(pt)
	v := b.value(at, pt, ir.Instr{Op: ir.Load, A: b.chain(b.def), Type: pt})
	b.do(at, ir.Instr{Op: ir.Store, A: old, B: v, Type: pt})
	b.do(at, ir.Instr{Op: ir.Store, A: b.chain(b.def), B: frame, Type: pt})
	b.oldFrame = old
}

// leaveFrame gives the frame of the activation before back.
func (b *fb) leaveFrame() {
	if b.oldFrame.Kind == ir.NoVal {
		return
	}
	pt := b.ptrTo(b.ptrTo(ctype.TVoid))
	v := b.value(nil, pt, ir.Instr{Op: ir.Load, A: b.oldFrame, Type: pt})
	b.do(nil, ir.Instr{Op: ir.Store, A: b.chain(b.def), B: v, Type: pt})
}

// outerAddr is the address of a variable of a function around this one.
func (b *fb) outerAddr(e *check.Expr, o *check.Object) ir.Value {
	pt := b.ptrTo(b.ptrTo(ctype.TVoid))
	frame := b.outer
	for def := b.parentOf[b.def]; def != nil; def = b.parentOf[def] {
		if def != o.Func {
			frame = b.value(e, pt, ir.Instr{Op: ir.Load, A: frame, Type: pt})
			continue
		}
		slot, _ := frameSlot(def, o)
		if slot < 0 || ctype.IsVLA(o.Type) && ctype.IsVLA(o.Type.Elem) {
			break
		}
		a := b.index(e, frame, ir.Int(slot), ctype.TLong, pt)
		if ctype.IsVLA(o.Type) {
			ppt := b.ptrTo(b.ptrTo(o.Type.Elem))
			v := b.value(e, ppt, ir.Instr{Op: ir.Load, A: a, Type: ppt})
			return b.value(e, ppt.Elem, ir.Instr{Op: ir.Load, A: v, Type: ppt.Elem})
		}
		t := b.ptrTo(o.Type)
		return b.value(e, t, ir.Instr{Op: ir.Load, A: a, Type: t})
	}
	panic(unsupported{e.Tok, "the variable " + o.Name + " of another function"})
}
