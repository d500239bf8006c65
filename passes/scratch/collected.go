package scratch

import (
	"saz/frontend/check"
	"saz/frontend/ctype"
	"saz/ir"
)

// Arrays that a procedure fills from the front, counting, and of which it then looks at no more than it has counted:
//
//	for (...) if (...) copy[n++] = x;
//	for (k = 0; k < n; k++) use(copy[k]);
//
// To everything else an array is one place, all of which would have to be written. Here the counter says how much was: each of
// its values is 0, or one more than another after the element at that one was written in the same block, or one of several such. So
// elements [0,n) were written since the procedure was called, whatever runs between; and if no packet comes
// while it runs, this packet wrote them.

// collected reports whether in, the address of element in.B of an array, is of one that the procedure has written since it was called.
func (p *proc) collected(in *ir.Instr) bool {
	if p.e.halfway == nil || p.e.halfway[p.f.ID] || in.Off <= 0 || in.B.Kind != ir.VReg {
		return false
	}
	at := p.where(in.A)
	if at.kind != ofGlobal && at.kind != ofLocal || at.any || at.off != 0 || p.object(at.kind, at.id) < 0 {
		return false
	}
	k := strip(p.f, in.B)
	if p.dom == nil {
		p.dom = ir.Dominators(p.f)
	}
	for b := range p.f.Blocks {
		t := p.f.Term(ir.BlockID(b))
		if t.Op != ir.Branch || t.A.Kind != ir.VReg || p.f.Regs[t.A.ID].Def < 0 || len(p.f.Blocks[b].Succs) != 2 {
			continue
		}
		x := &p.f.Instrs[p.f.Regs[t.A.ID].Def]
		if x.Op != ir.Cmp || !integer(x.Opnd) {
			continue
		}
		to, lo, hi := p.f.Blocks[b].Succs[0], strip(p.f, x.A), strip(p.f, x.B)
		switch x.Sub {
		case check.Lt:
		case check.Gt:
			lo, hi = hi, lo
		case check.Ge:
			to = p.f.Blocks[b].Succs[1]
		case check.Le:
			to, lo, hi = p.f.Blocks[b].Succs[1], hi, lo
		default:
			continue
		}
		if lo != k || len(p.f.Blocks[to].Preds) != 1 || !p.dom.Dominates(to, in.Block) {
			continue
		}
		if (!x.Opnd.IsSigned() || p.rises(k, map[int32]bool{})) && p.counts(hi, at, in.Off, map[int32]bool{}) {
			return true
		}
	}
	return false
}

// rises reports whether v is never negative: it goes up from a constant.
func (p *proc) rises(v ir.Value, seen map[int32]bool) bool {
	v = strip(p.f, v)
	switch in := p.step1(v, seen); {
	case v.Kind == ir.VInt:
		return v.Off >= 0
	case in == nil:
		return v.Kind == ir.VReg && seen[v.ID]
	case in.Op == ir.Phi:
		for _, a := range in.Args {
			if !p.rises(a, seen) {
				return false
			}
		}
		return true
	case in.Op == ir.Bin && in.Sub == check.Add:
		return in.B.Kind == ir.VInt && in.B.Off > 0 && p.rises(in.A, seen)
	}
	return false
}

// counts reports whether v is, whenever it is computed, a number of elements of size bytes at the start of the array that were written by then.
func (p *proc) counts(v ir.Value, array addr, size int64, seen map[int32]bool) bool {
	v = strip(p.f, v)
	switch in := p.step1(v, seen); {
	case v.Kind == ir.VInt:
		return v.Off == 0
	case in == nil:
		return v.Kind == ir.VReg && seen[v.ID]
	case in.Op == ir.Phi:
		for _, a := range in.Args {
			if !p.counts(a, array, size, seen) {
				return false
			}
		}
		return true
	case in.Op == ir.Bin && in.Sub == check.Add && in.B.Kind == ir.VInt && in.B.Off == 1:
		return p.writesElement(in.Block, strip(p.f, in.A), array, size) && p.counts(in.A, array, size, seen)
	case in.Op == ir.Conv && integer(in.Type) && integer(in.Opnd) && !in.Type.IsSigned():
		return p.counts(in.A, array, size, seen) // cut off it is less
	}
	return false
}

// step1 is the instruction that computes v, nil if that was looked at already (or is none).
func (p *proc) step1(v ir.Value, seen map[int32]bool) *ir.Instr {
	if v.Kind != ir.VReg || seen[v.ID] || p.f.Regs[v.ID].Def < 0 {
		return nil
	}
	seen[v.ID] = true
	return &p.f.Instrs[p.f.Regs[v.ID].Def]
}

// writesElement reports whether block b writes the whole element n of the array.
func (p *proc) writesElement(b ir.BlockID, n ir.Value, array addr, size int64) bool {
	for i := p.f.Blocks[b].Lo; i < p.f.Blocks[b].Hi; i++ {
		in := &p.f.Instrs[i]
		if in.Op != ir.Store && in.Op != ir.Copy && in.Op != ir.Zero || ctype.SizeOf(in.Type) != size || in.A.Kind != ir.VReg || p.f.Regs[in.A.ID].Def < 0 {
			continue
		}
		a := &p.f.Instrs[p.f.Regs[in.A.ID].Def]
		if a.Op == ir.IndexAddr && a.Off == size && strip(p.f, a.B) == n {
			if x := p.where(a.A); x.kind == array.kind && x.id == array.id && !x.any && x.off == 0 {
				return true
			}
		}
	}
	return false
}
