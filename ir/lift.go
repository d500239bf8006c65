package ir

import (
	"golang.org/x/sync/errgroup"

	"saz/frontend/ctype"
)

// Lifting is Cytron et al., "Efficiently Computing Static Single Assignment
// Form" (1991): phis at the iterated dominance frontiers of stores, one walk
// down the dominator tree to rename, and then removal of the phis that nobody
// but phis uses (which is cheaper here than computing liveness first).
//
// A store becomes a Move and keeps its position and statement, because "x = y"
// is a thing that slices and reports name; a load disappears. A LifeStart
// makes the value undefined and disappears too.

// Lift turns the scalar locals of f whose address is not taken into registers.
// Volatile and atomic locals, and all locals of functions that call setjmp,
// stay in memory.
func Lift(f *Func) {
	if f.Lifted || len(f.Blocks) == 0 {
		f.Lifted = true
		return
	}
	f.Lifted = true
	for i := range f.Locals {
		l := &f.Locals[i]
		l.Lifted = !f.SetJmp && liftable(l.Type)
	}
	deny := func(v *Value) {
		if v.Kind == VLocal {
			f.Locals[v.ID].Lifted = false
		}
	}
	for i := range f.Instrs {
		in := &f.Instrs[i]
		switch in.Op {
		case LifeStart:
			continue
		case Load, Store:
			if in.A.Kind == VLocal {
				l := &f.Locals[in.A.ID]
				if in.Volatile || in.A.Off != 0 || !sameScalar(in.Type, l.Type) {
					l.Lifted = false
				}
			}
			deny(&in.B)
			continue
		}
		in.Operands(deny)
	}
	any := false
	for i := range f.Locals {
		any = any || f.Locals[i].Lifted
	}
	if !any {
		return
	}
	(&lifter{f: f, dom: Dominators(f)}).run()
}

func liftable(t *ctype.Type) bool {
	return (t.IsScalar() || t.Kind == ctype.Vector) && t.Qual&(ctype.Volatile|ctype.Atomic) == 0
}

// sameScalar reports whether a value of type a can be held in a register of
// type b without changing its bits or its meaning.
func sameScalar(a, b *ctype.Type) bool {
	if a == b || a.Kind == b.Kind && a.Kind != ctype.Complex && a.Kind != ctype.Vector {
		return true
	}
	return ctype.Same(a.Unqualified(), b.Unqualified())
}

type lifter struct {
	f   *Func
	dom *DomTree

	phis  [][]Instr // new phis, by block
	cur   []Value   // the value of each local now
	repl  []Value   // what a removed load's register stands for
	undo  []undoLift
	first int // registers from here on are new
}

type undoLift struct {
	local LocalID
	old   Value
}

func (l *lifter) run() {
	f := l.f
	nb := len(f.Blocks)
	l.first = len(f.Regs)
	l.cur = make([]Value, len(f.Locals))
	l.repl = make([]Value, len(f.Regs))
	l.phis = make([][]Instr, nb)
	for i := range l.cur {
		l.cur[i] = Undef
	}
	for _, p := range f.Params {
		if f.Locals[p].Lifted {
			l.cur[p] = RegVal(l.newReg(p))
		}
	}
	l.placePhis()
	kept := l.rename()
	l.prune(kept)
	l.rebuild(kept)
}

func (l *lifter) newReg(local LocalID) Reg {
	l.f.Regs = append(l.f.Regs, RegInfo{Type: l.f.Locals[local].Type.Unqualified(), Local: local, Def: -1})
	return Reg(len(l.f.Regs) - 1)
}

// placePhis puts a phi for each lifted local into the iterated dominance
// frontier of the blocks that assign it.
func (l *lifter) placePhis() {
	f := l.f
	if len(f.Blocks) == 1 {
		return
	}
	df := l.dom.Frontier(f)
	type site struct {
		local LocalID
		block BlockID
	}
	var sites []site
	for b := range f.Blocks {
		body := f.Body(BlockID(b))
		for i := range body {
			in := &body[i]
			if (in.Op == Store || in.Op == LifeStart) && in.A.Kind == VLocal && f.Locals[in.A.ID].Lifted {
				sites = append(sites, site{LocalID(in.A.ID), BlockID(b)})
			}
		}
	}
	// Bucket the sites by local.
	start := make([]int32, len(f.Locals)+1)
	for _, s := range sites {
		start[s.local+1]++
	}
	for i := 1; i < len(start); i++ {
		start[i] += start[i-1]
	}
	blocks := make([]BlockID, len(sites))
	fill := append([]int32(nil), start...)
	for _, s := range sites {
		blocks[fill[s.local]] = s.block
		fill[s.local]++
	}
	has := make([]LocalID, len(f.Blocks)) // the last local (+1) for which a block got a phi
	queued := make([]LocalID, len(f.Blocks))
	var work []BlockID
	for v := range f.Locals {
		mark := LocalID(v + 1)
		work = work[:0]
		for _, b := range blocks[start[v]:start[v+1]] {
			if queued[b] != mark {
				queued[b] = mark
				work = append(work, b)
			}
		}
		for len(work) > 0 {
			b := work[len(work)-1]
			work = work[:len(work)-1]
			for _, d := range df[b] {
				if has[d] == mark {
					continue
				}
				has[d] = mark
				r := l.newReg(LocalID(v))
				args := make([]Value, len(f.Blocks[d].Preds))
				l.phis[d] = append(l.phis[d], Instr{Op: Phi, Dst: r, Type: f.Regs[r].Type, Args: args, Stmt: -1, Pos: Pos{Unit: f.Unit, Tok: -1, End: -1}})
				if queued[d] != mark {
					queued[d] = mark
					work = append(work, d)
				}
			}
		}
	}
}

// rename walks the dominator tree and returns which instructions stay.
func (l *lifter) rename() []bool {
	f := l.f
	n := len(f.Blocks)
	kept := make([]bool, len(f.Instrs))
	child, sibling := make([]BlockID, n), make([]BlockID, n)
	for i := range child {
		child[i], sibling[i] = -1, -1
	}
	order := l.dom.Order()
	for i := len(order) - 1; i > 0; i-- {
		b := order[i]
		p := l.dom.Idom[b]
		sibling[b], child[p] = child[p], b
	}
	type frame struct {
		b    BlockID
		undo int
	}
	stack := []frame{{0, -1}}
	for len(stack) > 0 {
		fr := &stack[len(stack)-1]
		if fr.undo < 0 {
			fr.undo = len(l.undo)
			l.renameBlock(fr.b, kept)
			if c := child[fr.b]; c >= 0 {
				stack = append(stack, frame{c, -1})
				continue
			}
		}
		for len(l.undo) > fr.undo {
			u := l.undo[len(l.undo)-1]
			l.undo = l.undo[:len(l.undo)-1]
			l.cur[u.local] = u.old
		}
		b := fr.b
		stack = stack[:len(stack)-1]
		if s := sibling[b]; s >= 0 && b != 0 {
			stack = append(stack, frame{s, -1})
		}
	}
	return kept
}

func (l *lifter) set(local LocalID, v Value) {
	l.undo = append(l.undo, undoLift{local, l.cur[local]})
	l.cur[local] = v
}

func (l *lifter) use(v *Value) {
	if v.Kind == VReg && int(v.ID) < len(l.repl) && l.repl[v.ID].Kind != NoVal {
		*v = l.repl[v.ID]
	}
}

func (l *lifter) renameBlock(b BlockID, kept []bool) {
	f := l.f
	for i := range l.phis[b] {
		r := l.phis[b][i].Dst
		l.set(f.Regs[r].Local, RegVal(r))
	}
	blk := &f.Blocks[b]
	for i := blk.Lo; i < blk.Hi; i++ {
		in := &f.Instrs[i]
		if in.Op == Phi { // one that lowering made: its operands belong to the predecessors
			kept[i] = true
			continue
		}
		if in.A.Kind == VLocal && f.Locals[in.A.ID].Lifted {
			local := LocalID(in.A.ID)
			switch in.Op {
			case Load:
				l.repl[in.Dst] = l.cur[local]
				continue
			case LifeStart:
				l.set(local, Undef)
				continue
			case Store:
				v := in.B
				l.use(&v)
				r := l.newReg(local)
				in.Op, in.Dst, in.A, in.B, in.Type = Move, r, v, Value{}, f.Regs[r].Type
				l.set(local, RegVal(r))
				kept[i] = true
				continue
			}
		}
		in.Operands(l.use)
		kept[i] = true
	}
	for k, s := range blk.Succs {
		dup := false
		for _, t := range blk.Succs[:k] {
			dup = dup || t == s
		}
		if dup {
			continue
		}
		for pi, p := range f.Blocks[s].Preds {
			if p != b {
				continue
			}
			for i := range l.phis[s] {
				ph := &l.phis[s][i]
				ph.Args[pi] = l.cur[f.Regs[ph.Dst].Local]
			}
			for i := f.Blocks[s].Lo; i < f.Blocks[s].Hi && f.Instrs[i].Op == Phi; i++ {
				l.use(&f.Instrs[i].Args[pi])
			}
		}
	}
}

// prune drops the new phis that no instruction but such phis uses.
func (l *lifter) prune(kept []bool) {
	f := l.f
	live := make([]bool, len(f.Regs))
	phi := make([]*Instr, len(f.Regs))
	for b := range l.phis {
		for i := range l.phis[b] {
			phi[l.phis[b][i].Dst] = &l.phis[b][i]
		}
	}
	var work []*Instr
	need := func(v *Value) {
		if v.Kind == VReg && !live[v.ID] {
			live[v.ID] = true
			if p := phi[v.ID]; p != nil {
				work = append(work, p)
			}
		}
	}
	for i := range f.Instrs {
		if kept[i] {
			f.Instrs[i].Operands(need)
		}
	}
	for len(work) > 0 {
		p := work[len(work)-1]
		work = work[:len(work)-1]
		p.Operands(need)
	}
	for b := range l.phis {
		out := l.phis[b][:0]
		for _, p := range l.phis[b] {
			if live[p.Dst] {
				out = append(out, p)
			}
		}
		l.phis[b] = out
	}
}

func (l *lifter) rebuild(kept []bool) {
	f := l.f
	n := 0
	for i := range kept {
		if kept[i] {
			n++
		}
	}
	for b := range l.phis {
		n += len(l.phis[b])
	}
	// Registers of removed loads and phis go: number the rest densely, in order
	// of first definition after the parameters.
	renum := make([]Reg, len(f.Regs))
	for i := range renum {
		renum[i] = NoReg
	}
	regs := make([]RegInfo, 0, len(f.Regs))
	for _, p := range f.Params {
		if f.Locals[p].Lifted {
			// Parameters were numbered first in run.
			r := Reg(l.first + len(regs))
			renum[r] = Reg(len(regs))
			regs = append(regs, f.Regs[r])
		}
	}
	out := make([]Instr, 0, n)
	for b := range f.Blocks {
		blk := &f.Blocks[b]
		lo := int32(len(out))
		emit := func(in *Instr) {
			if in.Dst >= 0 {
				renum[in.Dst] = Reg(len(regs))
				info := f.Regs[in.Dst]
				info.Def = int32(len(out))
				regs = append(regs, info)
				in.Dst = renum[in.Dst]
			}
			in.Block = BlockID(b)
			out = append(out, *in)
		}
		for i := range l.phis[b] {
			emit(&l.phis[b][i])
		}
		for i := blk.Lo; i < blk.Hi; i++ {
			if kept[i] {
				emit(&f.Instrs[i])
			}
		}
		blk.Lo, blk.Hi = lo, int32(len(out))
	}
	for i := range out {
		out[i].Operands(func(v *Value) {
			if v.Kind == VReg {
				v.ID = int32(renum[v.ID])
			}
		})
	}
	f.Instrs, f.Regs = out, regs
}

// LiftAll lifts every function of p, jobs at a time.
func LiftAll(p *Program, jobs int) {
	var g errgroup.Group
	g.SetLimit(max(jobs, 1))
	const chunk = 64
	for lo := 0; lo < len(p.Funcs); lo += chunk {
		part := p.Funcs[lo:min(lo+chunk, len(p.Funcs))]
		g.Go(func() error {
			for _, f := range part {
				Lift(f)
			}
			return nil
		})
	}
	_ = g.Wait()
}
