package lower

import (
	"slices"

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
// limit; they can't be written in three-address form.
//
// A jump from a nested function to a label of an outer one is a longjmp: the
// outer function calls _setjmp for each such label when it is entered, on a
// buffer of its own whose address has a slot in the frame, behind the variables'.
// Labels whose addresses nested functions take have slots behind those.

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

// nonlocals are the labels of def that functions nested in it jump to, and
// those whose addresses they take.
func nonlocals(def *check.FuncDef) (jumps, lent []*check.Label) {
	for _, l := range def.Labels {
		if l.Nonlocal {
			jumps = append(jumps, l)
		}
		if l.Lent {
			lent = append(lent, l)
		}
	}
	return jumps, lent
}

// jumpBuffer is room for a jmp_buf, of any C library.
var jumpBuffer = &ctype.Type{Kind: ctype.Array, Size: 512, Align: 8, Elem: ctype.TLong, Len: 64}

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
	jumps, lent := nonlocals(b.def)
	n += int64(len(jumps) + len(lent))
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
	for _, l := range jumps {
		b.f.SetJmp = true
		buf := b.temp(jumpBuffer)
		b.locals[buf.ID].Name = "<" + l.Name + ">"
		b.locals[buf.ID].AddrTaken = true
		put(slot, buf)
		slot++
		set := b.u.SetJump
		v := b.value(at, ctype.TInt, ir.Instr{Op: ir.Call, A: b.funcRef(set), Args: []ir.Value{buf}, ArgTypes: []*ctype.Type{vp}, Type: ctype.TInt, Opnd: set.Type})
		landing, next := b.newBlock(), b.newBlock()
		b.branch(at, v, ctype.TInt, landing, next)
		b.start(landing) // activations of this function above this one are gone
		b.do(at, ir.Instr{Op: ir.Store, A: b.chain(b.def), B: frame, Type: pt})
		b.jump(b.labelBlock(l))
		b.start(next)
	}
	for _, l := range lent {
		put(slot, ir.Value{Kind: ir.VLabel, ID: int32(b.labelAddr(l))})
		slot++
	}
}

// outerFrame is the frame of def, a function around this one.
func (b *fb) outerFrame(def *check.FuncDef) ir.Value {
	pt := b.ptrTo(b.ptrTo(ctype.TVoid))
	frame := b.outer
	for d := b.parentOf[b.def]; d != def; d = b.parentOf[d] {
		if d == nil {
			panic(unsupported{b.stmtPos.Tok, "a label of another function"})
		}
		frame = b.value(nil, pt, ir.Instr{Op: ir.Load, A: frame, Type: pt})
	}
	return frame
}

// outerSlot loads what the frame of def keeps in a slot behind its variables.
func (b *fb) outerSlot(e *check.Expr, def *check.FuncDef, i int) ir.Value {
	vp := b.ptrTo(ctype.TVoid)
	_, n := frameSlot(def, nil)
	a := b.index(e, b.outerFrame(def), ir.Int(n+int64(i)), ctype.TLong, b.ptrTo(vp))
	return b.value(e, vp, ir.Instr{Op: ir.Load, A: a, Type: vp})
}

// outerLabel is the address of a label of a function around this one.
func (b *fb) outerLabel(e *check.Expr) ir.Value {
	jumps, lent := nonlocals(e.Label.Func)
	return b.outerSlot(e, e.Label.Func, len(jumps)+slices.Index(lent, e.Label))
}

// jumpOut jumps to a label of a function around this one.
func (b *fb) jumpOut(l *check.Label) {
	vp := b.ptrTo(ctype.TVoid)
	jumps, _ := nonlocals(l.Func)
	at := &check.Expr{Tok: b.stmtPos.Tok, End: b.stmtPos.End}
	buf := b.outerSlot(at, l.Func, slices.Index(jumps, l))
	b.callPlain(b.u.LongJump, []ir.Value{buf, ir.Int(1)}, []*ctype.Type{vp, ctype.TInt})
	b.end(nil, ir.Instr{Op: ir.Unreachable})
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
