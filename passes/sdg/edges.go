package sdg

import (
	"slices"

	"saz/ir"
	"saz/passes/modref"
)

// Succs gives the nodes that depend on n.
func (g *Graph) Succs(n Node, emit Emit) { g.succs(n, nil, emit) }

// Succs is Graph.Succs without accesses to memory that the walk has seen.
func (w *Walk) Succs(n Node, emit Emit) { w.g.succs(n, w, emit) }

func (g *Graph) succs(n Node, wk *Walk, emit Emit) {
	if int32(n) < g.n && g.plain.of[n].flags&calls == 0 {
		g.plainSuccs(int32(n), wk, emit)
		return
	}
	role, ref := g.What(n)
	f := g.prog.Funcs[ref.Func]
	fn := &g.funcs[ref.Func]
	switch role {
	case Arg:
		return
	case Entry:
		for b := range f.Blocks {
			if fn.root[b] {
				g.block(f, ir.BlockID(b), emit)
			}
		}
		return
	case Param:
		if !g.defined(ref.Func) {
			return
		}
		if r := fn.entryReg[ref.I]; r >= 0 {
			g.usesOf(f, r, emit)
		}
		if p, ok := g.mr.ParamPart(ref.Func, int(ref.I)); ok {
			g.readersOf(wk, g.accessOf(ref.Func, -1, p, nil), false, emit)
		}
		return
	}
	in := &f.Instrs[ref.I]
	id := int32(g.Of(ref))
	inner, outer := g.kinds(id)
	if role == Result {
		if !inner {
			return
		}
		if in.Dst >= 0 {
			g.usesOf(f, in.Dst, emit)
		}
		g.writtenBy(id, ref, wk, emit)
		return
	}
	if inner {
		emit(g.result(id), Control, Same)
	}
	for _, t := range g.callees(id) {
		if g.defined(t) {
			emit(g.entry(t), Called, Down)
		} else if m := g.pts.Model(t); m != nil {
			for _, slot := range m.In() {
				for _, r := range g.gives[slot] {
					if g.flow.follows(ref, r) {
						emit(g.Of(r), Memory, Free)
					}
				}
			}
		}
	}
	for _, cb := range g.callbacks(id) {
		if !g.defined(cb.Func) {
			continue
		}
		emit(g.entry(cb.Func), Called, Down)
		for k := range g.prog.Funcs[cb.Func].Params {
			emit(g.param(cb.Func, k), Passed, Down)
		}
	}
	if outer {
		if in.Dst >= 0 {
			g.usesOf(f, in.Dst, emit)
		}
		g.writtenBy(id, ref, wk, emit)
	}
}

// block emits the instructions of a block as control dependent.
func (g *Graph) block(f *ir.Func, b ir.BlockID, emit Emit) {
	for i := f.Blocks[b].Lo; i < f.Blocks[b].Hi; i++ {
		emit(Node(g.base[f.ID]+i), Control, Same)
	}
}

// usesOf emits the uses of a register.
func (g *Graph) usesOf(f *ir.Func, r ir.Reg, emit Emit) {
	g.usesOfReg(f.ID, g.regBase[f.ID]+int32(r), emit)
}

// usesOfReg is usesOf for register k, counted over all.
func (g *Graph) usesOfReg(f ir.FuncID, k int32, emit Emit) {
	for _, to := range g.uses[g.useStart[k]:g.useStart[k+1]] {
		if to >= 0 {
			emit(to, Data, Same)
			continue
		}
		u := g.argUses[^to]
		g.passed(g.prog.Funcs[f], u.i, int(u.j), Data, Same, emit)
	}
}

// passed emits what depends on argument j of call i of f.
func (g *Graph) passed(f *ir.Func, i int32, j int, k Kind, w Way, emit Emit) {
	id := g.base[f.ID] + i
	emit(g.arg(id), k, w)
	if _, outer := g.kinds(id); outer {
		emit(Node(id), k, w)
	}
	for _, t := range g.callees(id) {
		if !g.defined(t) {
			continue
		}
		if j >= len(g.prog.Funcs[t].Params) {
			for _, v := range g.funcs[t].va {
				emit(Node(g.base[t]+v), Passed, Down)
			}
			emit(g.result(id), Summary, w)
			continue
		}
		emit(g.param(t, j), Passed, Down)
		if g.summary(t).Has(int32(j)) {
			emit(g.result(id), Summary, w)
		}
	}
}

// Preds gives the nodes on which n depends.
func (g *Graph) Preds(n Node, emit Emit) { g.preds(n, nil, false, emit) }

// Preds is Graph.Preds without accesses to memory that the walk has seen, and without what decides whether n runs
// if it gave that for another instruction of n's block. inner: the walk may not leave n's procedure to other callers than those it came from, so that
// what it has seen in this way has to be given again when it may.
func (w *Walk) Preds(n Node, inner bool, emit Emit) {
	w.inner = inner
	w.g.preds(n, w, false, emit)
}

// preds with local set leaves out what is not Same.
func (g *Graph) preds(n Node, wk *Walk, local bool, emit Emit) {
	if int32(n) < g.n && g.plain.of[n].flags&calls == 0 {
		g.plainPreds(int32(n), wk, local, emit)
		return
	}
	role, ref := g.What(n)
	f := g.prog.Funcs[ref.Func]
	switch role {
	case Arg:
		return
	case Entry:
		if !local && g.defined(ref.Func) {
			for _, e := range g.graph.In(ref.Func) {
				emit(g.Of(e.Site), Called, Up)
			}
		}
		return
	case Param:
		if local {
			return
		}
		for _, e := range g.graph.In(ref.Func) {
			if e.Callback {
				emit(g.Of(e.Site), Passed, Up)
				continue
			}
			g.argDefs(wk, e.Site, int(ref.I), Passed, Up, false, emit)
		}
		return
	}
	in := &f.Instrs[ref.I]
	id := int32(g.Of(ref))
	inner, outer := g.kinds(id)
	if role == Result {
		if !inner {
			return
		}
		emit(Node(id), Control, Same)
		g.def(f, in.B, Data, Same, emit)
		for _, t := range g.callees(id) {
			if !g.defined(t) {
				continue
			}
			if !local {
				for _, r := range g.funcs[t].rets {
					emit(Node(g.base[t]+r), Returned, Down)
				}
			}
			for j := range in.Args {
				if j >= len(g.prog.Funcs[t].Params) || g.summary(t).Has(int32(j)) {
					g.argDefs(wk, ref, j, Summary, Same, local, emit)
				}
			}
		}
		return
	}
	if b := g.plain.of[id].block; wk == nil || wk.enters(b) {
		for _, n := range g.plain.ctrl[g.plain.ctrlStart[b]:g.plain.ctrlStart[b+1]] {
			emit(n, Control, Same)
		}
	}
	g.def(f, in.A, Data, Same, emit)
	if inner && !outer {
		return
	}
	g.def(f, in.B, Data, Same, emit)
	for _, v := range in.Args {
		g.def(f, v, Data, Same, emit)
	}
	g.readBy(id, ref, wk, local, emit)
	if local {
		return
	}
	for _, cb := range g.callbacks(id) {
		if g.defined(cb.Func) {
			for _, r := range g.funcs[cb.Func].rets {
				emit(Node(g.base[cb.Func]+r), Returned, Down)
			}
		}
	}
	for _, t := range g.callees(id) {
		if m := g.pts.Model(t); m != nil {
			for _, slot := range m.Out() {
				for _, r := range g.keeps[slot] {
					if g.flow.follows(r, ref) {
						emit(g.Of(r), Memory, Free)
					}
				}
			}
		}
	}
}

// def emits what defines v.
func (g *Graph) def(f *ir.Func, v ir.Value, k Kind, w Way, emit Emit) {
	if v.Kind != ir.VReg {
		return
	}
	d := f.Regs[v.ID].Def
	if d < 0 {
		if p := slices.Index(g.funcs[f.ID].entryReg, ir.Reg(v.ID)); p >= 0 {
			emit(g.param(f.ID, p), k, w)
		}
		return
	}
	emit(g.ResultOf(ir.Ref{Func: f.ID, I: d}), k, w)
}

// argDefs emits what defines argument j of a call, its bytes if it is a record.
func (g *Graph) argDefs(wk *Walk, site ir.Ref, j int, k Kind, w Way, local bool, emit Emit) {
	f := g.prog.Funcs[site.Func]
	in := &f.Instrs[site.I]
	if j >= len(in.Args) {
		return
	}
	g.def(f, in.Args[j], k, w, emit)
	if g.plain.of[g.Of(site)].flags&records == 0 {
		return
	}
	if p, ok := g.mr.ArgPart(site, j); ok {
		g.writersOf(wk, g.accessOf(f.ID, site.I, p, nil), local, func(n Node, k Kind, v Way) {
			if v == Same {
				v = w
			}
			emit(n, k, v)
		})
	}
}

// Def gives what defines the value v, used in f.
func (g *Graph) Def(f ir.FuncID, v ir.Value, emit Emit) {
	g.def(g.prog.Funcs[f], v, Data, Same, emit)
}

// summary returns the parameters of f on which its result may depend inside
// one activation: through registers, control, its own memory, and the same of its
// callees. (Dependence through other memory needs no summary: such edges are not
// bound to a calling context.) It is found when first asked for, with those of
// all that f calls, bottom-up.
func (g *Graph) summary(f ir.FuncID) bitset {
	if d := g.deps[f]; d != nil {
		return d
	}
	// The components below f that have none yet, callees first.
	var comps []int32
	seen := map[int32]bool{}
	var visit func(f ir.FuncID)
	visit = func(f ir.FuncID) {
		c := int32(g.graph.SCC(f))
		if seen[c] || g.deps[f] != nil {
			return
		}
		seen[c] = true
		for _, m := range g.graph.Members(int(c)) {
			for _, e := range g.graph.Out(m) {
				visit(e.Callee)
			}
		}
		comps = append(comps, c)
	}
	visit(f)
	if g.depsSeen == nil {
		g.depsSeen = make([]int32, g.Nodes())
	}
	for _, c := range comps {
		members := g.graph.Members(int(c))
		for _, m := range members {
			g.deps[m] = modref.NewBits(len(g.prog.Funcs[m].Params) + 1)
		}
		for again := true; again; {
			again = false
			for _, m := range members {
				if g.summarise(m) && g.graph.Recursive(m) {
					again = true
				}
			}
		}
	}
	return g.deps[f]
}

// summarise goes backward from the returns of f; it reports whether that found
// more parameters.
func (g *Graph) summarise(f ir.FuncID) bool {
	if !g.defined(f) || len(g.prog.Funcs[f].Params) == 0 {
		return false
	}
	g.depsNow++
	changed := false
	var work []Node
	push := func(n Node, _ Kind, w Way) {
		if w == Same && g.depsSeen[n] != g.depsNow {
			g.depsSeen[n] = g.depsNow
			work = append(work, n)
		}
	}
	for _, r := range g.funcs[f].rets {
		push(Node(g.base[f]+r), Data, Same)
	}
	for len(work) > 0 {
		n := work[len(work)-1]
		work = work[:len(work)-1]
		if role, ref := g.What(n); role == Param {
			if ref.Func == f && !g.deps[f].Has(ref.I) {
				g.deps[f].Add(ref.I)
				changed = true
			}
			continue
		}
		g.preds(n, nil, true, push)
	}
	return changed
}
