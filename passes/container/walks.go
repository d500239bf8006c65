package container

import (
	"saz/frontend/ctype"
	"saz/ir"
	"saz/passes"
	"saz/passes/members"
	"saz/passes/persist"
)

// Walks answers, for one procedure, whether an address is in the entry that a lookup is at.
type Walks struct {
	prog  *ir.Program
	f     *ir.Func
	loops *ir.Loops
	uses  [][]int32
	links []linkUse
	memo  map[walkKey]bool
	head  func(f *ir.Func, a ir.Value, k *Container) bool
}

// A linkUse takes a field of a record: a load of it, or its address.
type linkUse struct {
	rec     *ctype.Record
	off     int64
	base    map[ir.Reg]bool // the cursors that the record is reached from
	block   ir.BlockID
	becomes map[ir.Reg]bool // the cursors that the field's value goes to
}

type walkKey struct {
	v    ir.Value
	at   ir.BlockID
	rec  *ctype.Record
	next int64
	prev int64
	size int64
	box  persist.VarID
}

// NewWalks looks at f. head reports whether a is the address of a head of k.
func NewWalks(c *passes.Context, f *ir.Func, head func(f *ir.Func, a ir.Value, k *Container) bool) *Walks {
	return &Walks{prog: c.Prog, f: f, memo: map[walkKey]bool{}, head: head}
}

// AtEntry reports whether v, used in block at, is an address in the entry that a lookup is
// at: counted from the variable of a loop that follows the link of k, or from a table
// by a computed index.
func (w *Walks) AtEntry(v ir.Value, at ir.BlockID, k *Container) bool {
	key := walkKey{v: v, at: at, rec: k.Entry, next: k.NextOff, prev: k.NextOff, size: k.Entry.Size, box: k.Var}
	if k.node != nil {
		key.rec, key.next, key.prev = k.node, k.NextOff-k.nodeOff, k.NextOff-k.nodeOff
	}
	switch {
	case k.Shape == Tree:
		key.prev = k.PrevOff
	case k.Pointers:
		key.next, key.prev = -1, -1
	}
	x, ok := w.memo[key]
	if !ok {
		x = w.atEntry(v, &key, k)
		w.memo[key] = x
	}
	return x
}

func (w *Walks) atEntry(v ir.Value, k *walkKey, box *Container) bool {
	f := w.f
	for d := 0; d < 32; d++ { // to the address of the entry
		v = members.Strip(f, v)
		if v.Kind != ir.VReg || f.Regs[v.ID].Def < 0 {
			return false
		}
		in := &f.Instrs[f.Regs[v.ID].Def]
		if in.Op == ir.FieldAddr || in.Op == ir.IndexAddr && (in.B.Kind == ir.VInt || in.Off >= 0 && in.Off < k.size) {
			v = in.A
			continue
		}
		switch in.Op {
		case ir.IndexAddr:
			return true
		case ir.Load:
			if a := members.Def(f, in.A); a != nil && a.Op == ir.IndexAddr && a.B.Kind != ir.VInt && w.head(w.f, in.A, box) {
				return true // the first entry of a bucket
			}
			if box.Shape == Tree && w.head(w.f, in.A, box) {
				return true // the root, which a splay tree changes on its way
			}
		case ir.Phi:
		default:
			return false
		}
		break
	}
	cs := w.cursors(v)
	if len(cs) == 0 {
		return false
	}
	w.index()
	for i := range w.links {
		u := &w.links[i]
		if u.rec != k.rec || u.off != k.next && u.off != k.prev {
			continue
		}
		lp := w.loops.LoopOf(u.block)
		for lp >= 0 && w.loops.List[lp].Parent >= 0 && !w.loops.Contains(lp, k.at) {
			lp = w.loops.List[lp].Parent
		}
		if lp < 0 || !w.loops.Contains(lp, k.at) {
			continue
		}
		for r := range cs {
			if u.base[r] && u.becomes[r] {
				return true
			}
		}
	}
	return false
}

// index collects the fields that are taken in loops.
func (w *Walks) index() {
	if w.loops != nil {
		return
	}
	f := w.f
	w.loops, w.uses = ir.FindLoops(f), members.Uses(f)
	for i := range f.Instrs {
		in := &f.Instrs[i]
		if in.Op != ir.Load && in.Op != ir.FieldAddr && in.Op != ir.IndexAddr || w.loops.LoopOf(in.Block) < 0 {
			continue
		}
		v := in.A
		if in.Op != ir.Load {
			v = ir.RegVal(in.Dst)
		}
		rec, off, base, ok := fieldOf(w.prog, f, v)
		if !ok {
			continue
		}
		to := phis(f, w.uses, in.Dst)
		if len(to) == 0 {
			continue
		}
		w.links = append(w.links, linkUse{rec, off, w.cursors(base), in.Block, to})
	}
}

// cursors returns the phis and locals in memory that v comes from; of a
// pointer to the pointer to the entry too.
func (w *Walks) cursors(v ir.Value) map[ir.Reg]bool {
	out := sources(w.f, v)
	if in := members.Def(w.f, v); in != nil && in.Op == ir.Load {
		for r := range sources(w.f, in.A) {
			out[r] = true
		}
	}
	return out
}
