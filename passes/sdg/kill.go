package sdg

import (
	"slices"

	"saz/ir"
	"saz/passes/modref"
	"saz/passes/pointer"
)

// Strong updates.
//
// A load of one place, of which there is one, does not see what was stored there
// before a store that certainly overwrites all of it: memory in SSA form within
// the procedure, found by going backward from the load to such stores, and
// across calls by what procedures certainly overwrite before they return. The
// load's GUARD says which accesses it sees nevertheless: those of its procedure
// that the search met; those of procedures called where it met a call; if it met
// the procedure's entry, what came before; and other threads'.
//
// Loads without such stores, and those that see what came before in a procedure
// that runs again, have no guard.

// A guard limits what a load sees.
type guard struct {
	entry bool   // what was there when the procedure was entered
	own   bool   // its own activation's memory: what came before is not there
	at    bitset // instructions of its procedure
	calls bitset // procedures, nil: none
	row   int32  // numbers calls
}

// all reports whether other procedures' accesses count that come before.
func (k *guard) all() bool { return k == nil || k.entry && !k.own }

// within reports whether those of f do because the search met a call.
func (k *guard) within(f ir.FuncID) bool { return k.calls != nil && k.calls.Has(int32(f)) }

// A span is bytes of an object of which there is one.
type span struct {
	obj    pointer.ObjID
	lo, hi int64
}

func (s span) covers(t span) bool { return s.obj == t.obj && s.lo <= t.lo && t.hi <= s.hi }

func bySpan(a, b span) int {
	switch {
	case a.obj != b.obj:
		return int(a.obj) - int(b.obj)
	case a.lo != b.lo:
		return int(a.lo - b.lo)
	}
	return int(a.hi - b.hi)
}

// A killer finds guards.
type killer struct {
	g    *Graph
	sure [][]span // by function: what it certainly overwrites before it returns, sorted
	rows map[[2]uint64]int32
	list []bitset
}

type killing struct {
	i int32
	s span
}

// exact returns the one place that a part touches, if it is one and there is one of it.
func (g *Graph) exact(p modref.PartID) (span, bool) {
	acc := g.mr.PartAccesses(p)
	if len(acc) != 1 || acc[0].Size <= 0 || acc[0].Off < 0 || !g.pts.Single(acc[0].Obj) || g.pts.Collapsed(acc[0].Loc) {
		return span{}, false
	}
	lo := int64(acc[0].Off)
	return span{acc[0].Obj, lo, lo + acc[0].Size}, true
}

// guards finds those of all loads.
func (g *Graph) guards() {
	n := len(g.prog.Funcs)
	g.guard = map[int32]*guard{}
	g.guarded = modref.NewBits(g.mr.Parts())
	g.guardIn = make([]bool, n)
	if g.flow.all {
		return // code outside may run any of it beside any other
	}
	k := &killer{g: g, sure: make([][]span, n), rows: map[[2]uint64]int32{}}
	exact := make([]span, g.mr.Parts())
	for p := range exact {
		s, ok := g.exact(modref.PartID(p))
		if !ok {
			s.obj = -1
		}
		exact[p] = s
	}
	for _, f := range g.graph.BottomUp() {
		k.function(g.prog.Funcs[f], exact)
	}
	for i := range g.mem.reads.list {
		t := &g.mem.reads.list[i]
		if t.arg == 0 {
			t.guard = g.guard[int32(t.node)]
		}
	}
}

// function finds the guards of f, whose callees are done.
func (k *killer) function(f *ir.Func, exact []span) {
	g := k.g
	if len(f.Blocks) == 0 || f.SetJmp {
		return
	}
	objs := map[pointer.ObjID]bool{}
	var kills []killing
	add := func(i int, s span) {
		kills = append(kills, killing{int32(i), s})
		objs[s.obj] = true
	}
	for i := range f.Instrs {
		ref := ir.Ref{Func: f.ID, I: int32(i)}
		if l, size, ok := g.mr.MustWrite(ref); ok {
			add(i, span{l.Obj, int64(l.Off), int64(l.Off) + size})
		}
		if f.Instrs[i].Op == ir.Call {
			for _, s := range k.after(ref) {
				add(i, s)
			}
		}
	}
	if len(kills) == 0 {
		return
	}
	first := make([]int32, len(f.Instrs)+1) // by instruction: its first in kills
	for i, c := len(f.Instrs)-1, len(kills); i >= 0; i-- {
		for c > 0 && int(kills[c-1].i) == i {
			c--
		}
		first[i] = int32(c)
		first[len(f.Instrs)] = int32(len(kills))
	}
	again := g.flow.again.Has(int32(f.ID))
	for i := range f.Instrs {
		ref := ir.Ref{Func: f.ID, I: int32(i)}
		l := g.mr.ReadParts(ref)
		if len(l) != 1 || f.Instrs[i].Op == ir.Call || exact[l[0]].obj < 0 || !objs[exact[l[0]].obj] {
			continue
		}
		gd := k.search(f, int32(i), exact[l[0]], kills, first)
		gd.own = g.mr.Regions().PartOwner(l[0]) == f.ID
		if gd.entry && !gd.own && again {
			continue
		}
		if gd.all() {
			gd.calls = nil
		} else {
			gd.calls, gd.row = k.intern(gd.calls)
		}
		id := g.base[f.ID] + int32(i)
		g.guard[id] = gd
		g.plain.of[id].flags |= guarded
		g.guarded.Add(int32(l[0]))
		g.guardIn[f.ID] = true
	}
	k.sure[f.ID] = k.leaves(f, kills, first)
}

// after returns what the call certainly overwrites by way of the program's procedures.
func (k *killer) after(ref ir.Ref) []span {
	var out []span
	id := int32(k.g.Of(ref))
	if len(k.g.callbacks(id)) > 0 {
		return nil
	}
	for n, t := range k.g.callees(id) {
		l := k.sure[t] // none for those outside the program
		if n == 0 {
			out = l
		} else {
			out = common(out, l)
		}
		if len(out) == 0 {
			return nil
		}
	}
	return out
}

// common returns the spans that are in both.
func common(a, b []span) []span {
	var out []span
	for _, s := range a {
		if _, ok := slices.BinarySearchFunc(b, s, bySpan); ok {
			out = append(out, s)
		}
	}
	return out
}

// search goes backward from instruction i to what certainly overwrites s.
func (k *killer) search(f *ir.Func, i int32, s span, kills []killing, first []int32) *guard {
	gd := &guard{at: modref.NewBits(len(f.Instrs))}
	seen := modref.NewBits(len(f.Blocks))
	var work []ir.BlockID
	back := func(b ir.BlockID, from int32) {
		for j := from - 1; j >= f.Blocks[b].Lo; j-- {
			gd.at.Add(j)
			stop := false
			for _, x := range kills[first[j]:first[j+1]] {
				stop = stop || x.s.covers(s)
			}
			if f.Instrs[j].Op == ir.Call {
				id := k.g.base[f.ID] + j
				down := func(t ir.FuncID) {
					if gd.calls == nil {
						gd.calls = modref.NewBits(len(k.g.prog.Funcs))
					}
					gd.calls.Or(k.g.flow.down[k.g.graph.SCC(t)])
				}
				for _, t := range k.g.callees(id) {
					if k.g.defined(t) {
						down(t)
					}
				}
				for _, cb := range k.g.callbacks(id) {
					down(cb.Func)
				}
			}
			if stop {
				return
			}
		}
		if b == 0 {
			gd.entry = true
		}
		for _, p := range f.Blocks[b].Preds {
			if !seen.Has(int32(p)) {
				seen.Add(int32(p))
				work = append(work, p)
			}
		}
	}
	back(f.Instrs[i].Block, i)
	for len(work) > 0 {
		b := work[len(work)-1]
		work = work[:len(work)-1]
		back(b, f.Blocks[b].Hi)
	}
	return gd
}

// intern numbers equal sets of procedures.
func (k *killer) intern(b bitset) (bitset, int32) {
	if b == nil {
		return nil, 0
	}
	h := [2]uint64{}
	for i, w := range b {
		if w != 0 {
			h[0] += mix(w ^ mix(uint64(i)))
			h[1] += mix(w ^ mix(uint64(i)+1<<32))
		}
	}
	n, ok := k.rows[h]
	if !ok {
		k.list = append(k.list, b)
		n = int32(len(k.list)) // 0 is none
		k.rows[h] = n
	}
	return k.list[n-1], n
}

// leaves returns what f has certainly overwritten whenever it returns: memory
// that is not its own.
func (k *killer) leaves(f *ir.Func, kills []killing, first []int32) []span {
	if k.g.graph.Recursive(f.ID) {
		return nil
	}
	var all []span
	for _, x := range kills {
		if ob := &k.g.pts.Objects[x.s.obj]; ob.Kind == pointer.Global {
			all = append(all, x.s)
		}
	}
	slices.SortFunc(all, bySpan)
	all = slices.Compact(all)
	if len(all) == 0 || len(all) > 1024 {
		return nil
	}
	n := len(f.Blocks)
	gen, out := make([]bitset, n), make([]bitset, n)
	for b := range gen {
		gen[b], out[b] = modref.NewBits(len(all)), modref.NewBits(len(all))
		for i := range out[b] {
			out[b][i] = ^uint64(0)
		}
		for _, x := range kills[first[f.Blocks[b].Lo]:first[f.Blocks[b].Hi]] {
			if i, ok := slices.BinarySearchFunc(all, x.s, bySpan); ok {
				gen[b].Add(int32(i))
			}
		}
	}
	for changed := true; changed; {
		changed = false
		for b := range gen {
			in := modref.NewBits(len(all))
			for i := range in {
				if b > 0 {
					in[i] = ^uint64(0)
				}
				for _, p := range f.Blocks[b].Preds {
					in[i] &= out[p][i]
				}
				in[i] |= gen[b][i]
				if in[i] != out[b][i] {
					changed = true
				}
			}
			out[b] = in
		}
	}
	sure := modref.NewBits(len(all))
	for i := range sure {
		sure[i] = ^uint64(0)
	}
	returns := false
	for b := range f.Blocks {
		if f.Term(ir.BlockID(b)).Op == ir.Ret {
			returns = true
			for i := range sure {
				sure[i] &= out[b][i]
			}
		}
	}
	if !returns {
		return nil
	}
	var l []span
	for i, s := range all {
		if sure.Has(int32(i)) {
			l = append(l, s)
		}
	}
	return l
}
