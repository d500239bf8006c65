package lower

import (
	"slices"

	"saz/frontend/check"
	"saz/frontend/ctype"
	"saz/ir"
)

// fb builds one function. Blocks are made in any order and each is filled in
// one go, so the instructions of a block are contiguous; blocks nobody reaches
// are dropped at the end.
type fb struct {
	*unit
	def *check.FuncDef
	f   *ir.Func

	instrs []ir.Instr
	regs   []ir.RegInfo
	locals []ir.Local
	blocks []block
	phis   []phiIn
	cur    ir.BlockID

	stmt     int32
	stmtPos  ir.Pos
	stmts    []*check.Stmt
	base     int32   // Object.ID of the function's first own object
	localOf  []int32 // by Object.ID - base
	vlaOf    map[*check.Object]ir.LocalID
	vlaSizes []int32 // by index in VLASizes: the local that remembers it, -1
	labels   []ir.BlockID
	labelUse bool // some label's address is taken
	scopes   []scope
	targets  []target
	fixups   []labelFixup

	outer    ir.Value // a nested function: the frame of the one around it
	oldFrame ir.Value // a function with nested ones: where the frame of its activation before is kept
}

type block struct {
	lo, hi  int32
	succs   []ir.BlockID
	started bool
}

type phiIn struct {
	instr int32
	preds []ir.BlockID
}

// A labelFixup is a static initialiser that names a block.
type labelFixup struct{ global, item int32 }

// A scope is a compound statement being lowered, and what is to be done when
// it is left.
type scope struct {
	stmt  *check.Stmt
	items []leaving
}

type leaving struct {
	tok  int32
	obj  *check.Object // call obj.Cleanup(&obj)
	save int32         // or restore the stack from this local
}

// A target is a loop or switch being lowered.
type target struct {
	stmt      *check.Stmt
	brk, cont ir.BlockID
	depth     int // of scopes
	cases     []ir.CaseRange
	to        []ir.BlockID
	dflt      ir.BlockID
}

func (b *fb) lower(u *unit, def *check.FuncDef, f *ir.Func) {
	b.unit, b.def, b.f = u, def, f
	b.instrs, b.regs, b.blocks, b.phis = b.instrs[:0], b.regs[:0], b.blocks[:0], b.phis[:0]
	b.scopes, b.targets, b.fixups = b.scopes[:0], b.targets[:0], b.fixups[:0]
	b.locals, b.stmts = nil, nil
	b.labelUse = false
	b.stmt = -1
	b.vlaOf = nil
	b.labels = b.labels[:0]
	for range def.Labels {
		b.labels = append(b.labels, -1)
	}
	entry := b.newBlock() // before labels that static initialisers name
	b.declare()
	b.vlaSizes = b.vlaSizes[:0]
	for range def.VLASizes {
		b.vlaSizes = append(b.vlaSizes, -1)
	}
	b.start(entry)
	b.enterStmt(def.Body)
	b.enterFrame()
	b.body()
	b.finish()
}

// declare makes a Local of each parameter and automatic object.
func (b *fb) declare() {
	lo, hi := int32(-1), int32(-1)
	count := func(o *check.Object) {
		if o.Storage != check.Auto && o.Storage != check.Param {
			return
		}
		if lo < 0 || o.ID < lo {
			lo = o.ID
		}
		hi = max(hi, o.ID)
	}
	for _, o := range b.def.Params {
		count(o)
	}
	for _, o := range b.def.Locals {
		count(o)
	}
	b.base, b.localOf = lo, b.localOf[:0]
	for i := lo; i <= hi; i++ {
		b.localOf = append(b.localOf, -1)
	}
	b.locals = make([]ir.Local, 0, len(b.def.Params)+len(b.def.Locals)+4)
	for _, o := range b.def.Params {
		id := b.addLocal(o)
		b.locals[id].Param = true
		b.f.Params = append(b.f.Params, id)
	}
	for _, o := range b.def.Locals {
		switch o.Storage {
		case check.Auto:
			b.addLocal(o)
		case check.FuncStatic:
			if o.Type.Kind != ctype.Func {
				b.globalRef(o)
			}
		}
	}
}

func (b *fb) addLocal(o *check.Object) ir.LocalID {
	id := ir.LocalID(len(b.locals))
	t := o.Type
	if ctype.IsVLA(t) {
		t = b.ptrTo(t.Elem)
		if b.vlaOf == nil {
			b.vlaOf = map[*check.Object]ir.LocalID{}
		}
		b.vlaOf[o] = id
	}
	b.locals = append(b.locals, ir.Local{ID: id, Name: o.Name, Type: t, AddrTaken: o.AddrTaken, Obj: o, Pos: o.Pos})
	b.localOf[o.ID-b.base] = int32(id)
	return id
}

// temp makes an unnamed local.
func (b *fb) temp(t *ctype.Type) ir.Value {
	id := ir.LocalID(len(b.locals))
	b.locals = append(b.locals, ir.Local{ID: id, Type: t.Unqualified()})
	return ir.Value{Kind: ir.VLocal, ID: int32(id)}
}

func (b *fb) local(o *check.Object) (ir.LocalID, bool) {
	i := o.ID - b.base
	if i < 0 || int(i) >= len(b.localOf) || b.localOf[i] < 0 || b.locals[b.localOf[i]].Obj != o {
		return 0, false
	}
	return ir.LocalID(b.localOf[i]), true
}

// ---- blocks and instructions

func (b *fb) newBlock() ir.BlockID {
	b.blocks = append(b.blocks, block{})
	return ir.BlockID(len(b.blocks) - 1)
}

// start begins to fill a block; the one before must have ended.
func (b *fb) start(id ir.BlockID) {
	if b.blocks[id].started {
		panic("block started twice")
	}
	b.blocks[id].started = true
	b.blocks[id].lo = int32(len(b.instrs))
	b.cur = id
}

// enter jumps to a block and begins to fill it.
func (b *fb) enter(id ir.BlockID) {
	b.jump(id)
	b.start(id)
}

func (b *fb) pos(e *check.Expr) ir.Pos {
	if e == nil {
		return b.stmtPos
	}
	return ir.Pos{Unit: b.id, Tok: e.Tok, End: e.End}
}

// emit appends an instruction and returns it. The pointer is good until the
// next emit.
func (b *fb) emit(e *check.Expr, in ir.Instr) *ir.Instr {
	in.Pos, in.Stmt, in.Block = b.pos(e), b.stmt, b.cur
	b.instrs = append(b.instrs, in)
	return &b.instrs[len(b.instrs)-1]
}

// value emits an instruction whose result has type t.
func (b *fb) value(e *check.Expr, t *ctype.Type, in ir.Instr) ir.Value {
	b.regs = append(b.regs, ir.RegInfo{Type: t.Unqualified(), Local: -1})
	in.Dst = ir.Reg(len(b.regs) - 1)
	b.emit(e, in)
	return ir.RegVal(in.Dst)
}

// do emits an instruction without a result.
func (b *fb) do(e *check.Expr, in ir.Instr) {
	in.Dst = ir.NoReg
	b.emit(e, in)
}

// end emits a terminator. What follows is unreachable until the next start.
func (b *fb) end(e *check.Expr, in ir.Instr, succs ...ir.BlockID) int32 {
	b.do(e, in)
	k := &b.blocks[b.cur]
	k.hi = int32(len(b.instrs))
	k.succs = append([]ir.BlockID(nil), succs...)
	b.cur = -1
	return k.hi - 1
}

func (b *fb) jump(to ir.BlockID) { b.end(nil, ir.Instr{Op: ir.Jump}, to) }

// dead begins a block that nothing leads to.
func (b *fb) dead() { b.start(b.newBlock()) }

// phi joins values at the head of the current block; preds[i] brings vals[i].
func (b *fb) phi(e *check.Expr, t *ctype.Type, preds []ir.BlockID, vals []ir.Value) ir.Value {
	v := b.value(e, t, ir.Instr{Op: ir.Phi, Type: t.Unqualified(), Args: vals})
	b.phis = append(b.phis, phiIn{int32(len(b.instrs) - 1), preds})
	return v
}

// finish numbers the blocks in source order, without those that nobody
// reaches, and moves everything into slices of the exact size.
func (b *fb) finish() {
	f := b.f
	reach := make([]bool, len(b.blocks))
	var work []ir.BlockID
	see := func(k ir.BlockID) {
		if !reach[k] {
			reach[k] = true
			work = append(work, k)
		}
	}
	see(0)
	var labels []ir.BlockID
	for i, l := range b.def.Labels {
		if l.AddrTaken && b.labels[i] >= 0 && b.labelUse {
			labels = append(labels, b.labels[i])
			see(b.labels[i])
		}
	}
	for len(work) > 0 {
		k := work[len(work)-1]
		work = work[:len(work)-1]
		blk := &b.blocks[k]
		if blk.hi > 0 && b.instrs[blk.hi-1].Op == ir.IndirectJump {
			blk.succs = labels
		}
		for _, s := range blk.succs {
			see(s)
		}
	}
	// Blocks were filled one after the other: their instructions are in order.
	order := make([]ir.BlockID, 0, len(b.blocks))
	nin, nedge := 0, 0
	for i := range b.blocks {
		if reach[i] && !b.blocks[i].started {
			panic("a reachable block was never filled")
		}
		if reach[i] {
			order = append(order, ir.BlockID(i))
		}
	}
	slices.SortFunc(order, func(x, y ir.BlockID) int { return int(b.blocks[x].lo - b.blocks[y].lo) })
	renum := make([]ir.BlockID, len(b.blocks))
	for i := range renum {
		renum[i] = -1
	}
	for i, k := range order {
		renum[k] = ir.BlockID(i)
		nin += int(b.blocks[k].hi - b.blocks[k].lo)
		nedge += len(b.blocks[k].succs)
	}
	f.Blocks = make([]ir.Block, len(order))
	f.Instrs = make([]ir.Instr, 0, nin)
	regs := make([]ir.Reg, len(b.regs))
	f.Regs = make([]ir.RegInfo, 0, len(b.regs))
	at := make([]int32, len(b.phis)) // new index of each phi
	np := 0
	edges := make([]ir.BlockID, 0, 2*nedge)
	npred := make([]int32, len(order))
	for i, k := range order {
		blk := &b.blocks[k]
		lo := int32(len(f.Instrs))
		for x := blk.lo; x < blk.hi; x++ {
			in := b.instrs[x]
			in.Block = ir.BlockID(i)
			if in.Dst >= 0 {
				regs[in.Dst] = ir.Reg(len(f.Regs))
				info := b.regs[in.Dst]
				info.Def = int32(len(f.Instrs))
				f.Regs = append(f.Regs, info)
				in.Dst = regs[in.Dst]
			}
			for np < len(b.phis) && b.phis[np].instr < x {
				at[np] = -1
				np++
			}
			if np < len(b.phis) && b.phis[np].instr == x {
				at[np] = int32(len(f.Instrs))
				np++
			}
			f.Instrs = append(f.Instrs, in)
		}
		s := len(edges)
		for j, t := range blk.succs {
			edges = append(edges, renum[t])
			first := true
			for _, o := range blk.succs[:j] {
				first = first && o != t
			}
			if first {
				npred[renum[t]]++
			}
		}
		f.Blocks[i] = ir.Block{Lo: lo, Hi: int32(len(f.Instrs)), Succs: edges[s:len(edges):len(edges)]}
	}
	for ; np < len(b.phis); np++ {
		at[np] = -1
	}
	for i := range f.Blocks {
		s := len(edges)
		for j := int32(0); j < npred[i]; j++ {
			edges = append(edges, 0)
		}
		f.Blocks[i].Preds = edges[s:s:len(edges)]
	}
	for i := range f.Blocks {
		for _, t := range f.Blocks[i].Succs {
			p := f.Blocks[t].Preds
			if len(p) == 0 || p[len(p)-1] != ir.BlockID(i) {
				f.Blocks[t].Preds = append(p, ir.BlockID(i))
			}
		}
	}
	for i, ph := range b.phis {
		if at[i] < 0 {
			continue
		}
		in := &f.Instrs[at[i]]
		preds := f.Blocks[in.Block].Preds
		args := make([]ir.Value, len(preds))
		for j, p := range preds {
			args[j] = ir.Undef
			for q, from := range ph.preds {
				if renum[from] == p {
					args[j] = in.Args[q]
				}
			}
		}
		in.Args = args
	}
	fix := func(v *ir.Value) {
		switch v.Kind {
		case ir.VReg:
			v.ID = int32(regs[v.ID])
		case ir.VLabel:
			v.ID = int32(renum[v.ID])
		}
	}
	for i := range f.Instrs {
		f.Instrs[i].Operands(fix)
	}
	for _, x := range b.fixups {
		fix(&b.globals[x.global].Init[x.item].Value)
	}
	f.Locals, f.Stmts = b.locals, b.stmts
}
