package flowspace

import (
	"saz/frontend/ctype"
	"saz/ir"
	"saz/passes/container"
	"saz/passes/pointer"
)

// Whether an address is one in an entry that a lookup is at.

// maxTargets bounds what a call through a pointer may reach to be one from which a lookup is followed out.
const maxTargets = 32

// couldBeEntry reports whether v may point into an entry.
func (w *finder) couldBeEntry(f *ir.Func, v ir.Value) bool {
	for _, l := range w.pt.PointsTo(f.ID, v) {
		if w.byEntry[l.Obj] != nil {
			return true
		}
	}
	return false
}

// element finds the array in place, or the one inside its entries, of which v is in an element that f itself has found by a computed
// index: whoever hands the array on, the lookup is here.
func (w *finder) element(f *ir.Func, v ir.Value, found func(t *table, off int64)) bool {
	hit := false
	for d := 0; v.Kind == ir.VReg && f.Regs[v.ID].Def >= 0 && d < 16; d++ {
		in := &f.Instrs[f.Regs[v.ID].Def]
		switch {
		case in.Op == ir.IndexAddr && in.B.Kind != ir.VInt:
			for _, l := range w.pt.PointsTo(f.ID, ir.RegVal(in.Dst)) {
				for _, t := range w.byEntry[l.Obj] {
					if l.Off < t.base || !t.k.InPlace() {
						continue
					}
					u := t.unitAt(int64(l.Off-t.base), 1)
					if u != nil && in.Off == u.element || in.Off == t.k.Entry.Size && l.Off == t.base {
						found(t, int64(l.Off-t.base))
						hit = true
					}
				}
			}
			return hit
		case in.Op == ir.FieldAddr || in.Op == ir.IndexAddr || in.Op == ir.Move || in.Op == ir.Conv:
			v = in.A
		default:
			return false
		}
	}
	return false
}

// entry resolves an address in f to a field of the entry that a lookup is at,
// and calls found with it. The lookup may be in f or in its callers.
func (w *finder) entry(f *ir.Func, v ir.Value, at ir.BlockID, octx *context, depth int, found func(t *table, off int64, octx *context)) {
	p, off, isParam := root(f, v)
	if isParam {
		if w.element(f, v, func(t *table, off int64) {
			for _, l := range w.pt.PointsTo(f.ID, v) {
				if l.Obj == t.v.Obj && int64(l.Off-t.base) >= off {
					found(t, int64(l.Off-t.base), octx)
					return
				}
			}
		}) {
			return
		}
		if depth >= 4 {
			return
		}
		w.callers(f, p, func(site ir.Ref, g *ir.Func, arg ir.Value) {
			if !w.couldBeEntry(g, arg) {
				return
			}
			w.entry(g, arg, g.Instrs[site.I].Block, w.chain(octx, site), depth+1, func(t *table, base int64, octx *context) {
				found(t, base+off, octx)
			})
		})
		return
	}
	rec, at0, inField := container.FieldOf(w.c.Prog, f, v)
	whole := rec // what v itself points at, if it is no field
	if !inField && v.Kind == ir.VReg {
		if x := f.Regs[v.ID].Type; x != nil && x.Kind == ctype.Pointer && x.Elem != nil && x.Elem.IsRecord() {
			whole = w.c.Prog.Record(x.Elem.Rec)
		}
	}
	for _, s := range w.spotsOf(w.pt.PointsTo(f.ID, v), rec, whole, at0, inField) {
		if w.walksOf(f).AtEntry(v, at, s.t.k) {
			found(s.t, int64(s.place-s.t.base), octx)
		}
	}
}

// A spot is a place in the entries of a table.
type spot struct {
	t     *table
	place int32
}

// A spotKey is a points-to set (the pointer analysis shares equal ones), and what the code says of the field.
type spotKey struct {
	first      *pointer.Loc
	n          int
	rec, whole *ctype.Record
	at         int64
	inField    bool
}

// spotsOf lists where locs are in entries: in field at of a rec (inField), in code that takes it for a part of a whole.
func (w *finder) spotsOf(locs []pointer.Loc, rec, whole *ctype.Record, at int64, inField bool) []spot {
	if len(locs) == 0 {
		return nil
	}
	key := spotKey{&locs[0], len(locs), rec, whole, at, inField}
	out, ok := w.spots[key]
	if ok {
		return out
	}
	seen := map[spot]bool{}
	for _, l := range locs {
		for _, t := range w.byEntry[l.Obj] {
			if t.k.ByMember() && (!inField || rec != t.k.Entry) {
				continue // all such lists look alike
			}
			place := l.Off
			if place == pointer.Any {
				// The pointer came out of a list of members, or of a helper for pointers of all kinds: the
				// code says which field it is.
				if whole != t.k.Entry {
					continue
				}
				place = int32(at) + t.base
			}
			if s := (spot{t, place}); place >= t.base && !seen[s] {
				seen[s] = true
				out = append(out, s)
			}
		}
	}
	w.spots[key] = out
	return out
}

// isHead reports whether a is in a head of k.
func (w *finder) isHead(f *ir.Func, a ir.Value, k *container.Container) bool {
	for _, l := range w.pt.PointsTo(f.ID, a) {
		for _, t := range w.byHead[l.Obj] {
			if t.k == k {
				return true
			}
		}
	}
	return false
}

func (w *finder) walksOf(f *ir.Func) *container.Walks {
	x := w.walks[f.ID]
	if x == nil {
		x = container.NewWalks(w.c, f, w.isHead)
		w.walks[f.ID] = x
	}
	return x
}
