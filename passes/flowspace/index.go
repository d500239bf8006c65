package flowspace

import (
	"slices"
	"strings"

	"saz/frontend/ctype"
	"saz/ir"
	"saz/passes/container"
	"saz/passes/members"
)

// Indexes into tables, and what they are computed from.

// fromPacket reports whether header bytes can come to an index, or to one of a row around it.
func (w *finder) fromPacket(f *ir.Func, in *ir.Instr) bool {
	for in.Op == ir.IndexAddr {
		if w.origins.value(f, in.B) {
			return true
		}
		if in.A.Kind != ir.VReg || f.Regs[in.A.ID].Def < 0 {
			break
		}
		in = &f.Instrs[f.Regs[in.A.ID].Def]
	}
	return false
}

// indexed takes an index into a table, of those that want it.
func (w *finder) indexed(ref ir.Ref, f *ir.Func, in *ir.Instr, want func(*table) bool) {
	var hit []*table
	for _, l := range w.pt.PointsTo(f.ID, ir.RegVal(in.Dst)) {
		for _, t := range w.byHead[l.Obj] {
			if !slices.Contains(hit, t) {
				hit = append(hit, t)
			}
		}
		for _, t := range w.byEntry[l.Obj] {
			if t.k.Branches() && l.Off == int32(t.k.NextOff) && !slices.Contains(hit, t) {
				hit = append(hit, t)
			}
		}
	}
	if want != nil {
		hit = slices.DeleteFunc(hit, func(t *table) bool { return !want(t) })
	}
	// Of an array that packets don't store into nothing follows from where it is looked at.
	hit = slices.DeleteFunc(hit, func(t *table) bool {
		return !t.direct && (t.k == nil || t.k.Shape == container.Array && !t.k.InPlace())
	})
	if len(hit) == 0 {
		return
	}
	reads, row := w.use(f, in.Dst)
	if row {
		return // of a table of tables: the innermost index takes all
	}
	leaves := map[leaf]bool{}
	plain := true
	for x := in; x != nil && x.Op == ir.IndexAddr; {
		if x.B.Kind == ir.VReg {
			q := w.query(w.budget(f, x.B))
			q.index = true
			q.trace(func(q *query) { q.value(nil, f, x.B, mode{pure: true}) })
			if q.gaveUp {
				return
			}
			for l := range q.leaves {
				leaves[l] = true
			}
			plain = plain && !inMemory(f, x.B)
		}
		if x.A.Kind != ir.VReg || f.Regs[x.A.ID].Def < 0 {
			break
		}
		x = &f.Instrs[f.Regs[x.A.ID].Def]
	}
	hs := indexHeaders(leaves)
	for _, t := range hit {
		// An index into something inside an entry is none into the table.
		if t.k != nil && in.Off >= 0 && t.k.BucketType != nil && in.Off != ctype.SizeOf(t.k.BucketType) {
			continue
		}
		if t.k != nil && t.k.Shape == container.Array && !t.k.Pointers && in.Off >= 0 && in.Off != t.k.Entry.Size {
			continue
		}
		if t.k != nil && t.k.Pointers && !reads {
			continue // where an entry is put: what finds it counts
		}
		if t.k != nil && t.k.InPlace() && !plain && len(headersOf(leaves)) == 0 && w.looks(f, in.Dst, 0) {
			t.foreign = true
		}
		for l := range leaves {
			t.index[l] = true
		}
		if len(hs) > 0 {
			t.sites = append(t.sites, hs)
			t.indexAt = append(t.indexAt, w.c.Because(ref, "the place in %s is computed from %s of the packet", t.v.Name, strings.Join(headersOf(leaves), ", ")))
		}
	}
}

// use reports whether a pointer is loaded from the address in r, and whether another index goes on from it.
func (w *finder) use(f *ir.Func, r ir.Reg) (reads, row bool) {
	if w.usedAt[f.ID] == nil {
		w.usedAt[f.ID] = members.Uses(f)
	}
	for _, i := range w.usedAt[f.ID][r] {
		switch x := &f.Instrs[i]; x.Op {
		case ir.Store:
			if x.B.Kind == ir.VReg && ir.Reg(x.B.ID) == r {
				reads = true
			}
		case ir.IndexAddr:
			row = row || x.A.Kind == ir.VReg && ir.Reg(x.A.ID) == r && x.Off >= 0 && x.Off < f.Instrs[f.Regs[r].Def].Off
			reads = true
		default:
			reads = true
		}
	}
	return reads, row
}

// looks reports whether more is done with the entry at r than to write it.
func (w *finder) looks(f *ir.Func, r ir.Reg, depth int) bool {
	for _, i := range w.usedAt[f.ID][r] {
		switch x := &f.Instrs[i]; x.Op {
		case ir.Store, ir.Copy, ir.Zero, ir.StoreBits:
			if x.B.Kind == ir.VReg && ir.Reg(x.B.ID) == r {
				return true
			}
		case ir.FieldAddr, ir.IndexAddr, ir.Move, ir.Conv:
			if depth > 8 || w.looks(f, x.Dst, depth+1) {
				return true
			}
		default:
			return true
		}
	}
	return false
}

// inMemory reports whether an index is kept in memory rather than counted.
func inMemory(f *ir.Func, v ir.Value) bool {
	for d := 0; v.Kind == ir.VReg && f.Regs[v.ID].Def >= 0 && d < 16; d++ {
		in := &f.Instrs[f.Regs[v.ID].Def]
		switch in.Op {
		case ir.Move, ir.Conv, ir.Bin:
			v = in.A
			continue
		case ir.Load:
			return in.A.Kind != ir.VLocal
		}
		break
	}
	return false
}

// indexHeaders returns the header fields that an index is computed from. A
// plain copy of one field or another tells which only if it is always the same: then
// it is given, otherwise "?".
func indexHeaders(leaves map[leaf]bool) []string {
	whole, set, either := map[string]bool{}, map[string]bool{}, map[string]bool{}
	for l := range leaves {
		if l.kind != fromHeader {
			continue
		}
		set[l.header] = true
		if l.pure {
			whole[l.header] = true
		}
		if l.either {
			either[l.header] = true
		}
	}
	ports(set)
	if len(either) > 0 {
		// One end or the other: a key of that end, both ways.
		ports(either)
		if !pair(either) {
			return []string{"?"}
		}
		for h := range either {
			if h == "nw_dst" || h == "tp_dst" || h == "dl_dst" {
				delete(set, h)
			}
		}
		return append(sorted(set), "<>")
	}
	if len(whole) > 0 && len(set) > 1 {
		return []string{"?"}
	}
	return sorted(set)
}

// byIndex takes what the index is computed from where no field is a key. All
// lookups must agree on it.
func (w *finder) byIndex(t *table, s *Space, set map[string]bool) {
	if !t.direct || len(t.sites) == 0 || t.foreign {
		return
	}
	for l := range t.index {
		if l.kind == fromOther || l.kind == fromEntry && !slices.Contains(t.entries, l.obj) {
			return // a counter, a random seed, another table's entry
		}
	}
	for _, hs := range t.sites {
		if hs[0] == "?" || !slices.Equal(hs, t.sites[0]) {
			return
		}
	}
	for _, h := range t.sites[0] {
		if h == "<>" {
			s.BothWays = true
			continue
		}
		set[h] = true
		s.Keys = append(s.Keys, Key{Header: h, Net: true, Prefix: t.k != nil && t.k.Branches()})
	}
	s.Why = append(s.Why, t.indexAt...)
}
