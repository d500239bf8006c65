package flowspace

import (
	"slices"

	"saz/ir"
	"saz/passes/pointer"
)

// By which calls an address is a certain place.

// root follows an address in f to the parameter that it is counted from.
func root(f *ir.Func, v ir.Value) (ir.LocalID, int64, bool) {
	off := int64(0)
	for d := 0; v.Kind == ir.VReg && d < 32; d++ {
		r := f.Regs[v.ID]
		if r.Def < 0 {
			return r.Local, off, r.Local >= 0
		}
		in := &f.Instrs[r.Def]
		switch {
		case in.Op == ir.FieldAddr:
			off += in.Off
		case in.Op == ir.IndexAddr && in.B.Kind == ir.VInt && in.Off >= 0:
			off += in.B.Off * in.Off
		case in.Op == ir.IndexAddr:
		case in.Op == ir.Move || in.Op == ir.Conv:
		default:
			return -1, 0, false
		}
		v = in.A
	}
	return -1, 0, false
}

// into lists the contexts in which an address in f may be l. Where the address
// comes with a parameter that has several meanings, those are the calls that
// pass this one. lost: they could not be told.
func (e *engine) into(f *ir.Func, v ir.Value, l pointer.Loc) (ctxs []*context, lost bool) {
	k := entryKey{f.ID, v, l}
	x, ok := e.entered[k]
	if !ok {
		x.ctxs, x.lost = e.intoAt(f, v, 0, l, 0)
		e.entered[k] = x
	}
	return x.ctxs, x.lost
}

// An entryKey is an address in a procedure, and the place that it is wanted to be.
type entryKey struct {
	f ir.FuncID
	v ir.Value
	l pointer.Loc
}

type entryWays struct {
	ctxs []*context
	lost bool
}

// leads reports whether off bytes behind v may be l.
func (e *engine) leads(g *ir.Func, v ir.Value, off int64, l pointer.Loc) bool {
	locs := e.pt.PointsTo(g.ID, v)
	i, _ := slices.BinarySearchFunc(locs, l.Obj, func(x pointer.Loc, o pointer.ObjID) int { return int(x.Obj - o) })
	for ; i < len(locs) && locs[i].Obj == l.Obj; i++ {
		if l.Off == pointer.Any {
			return true
		}
		for _, y := range e.pt.Shift(locs[i], off) {
			if y.Obj == l.Obj && (y.Off == pointer.Any || y.Off == l.Off) {
				return true
			}
		}
	}
	return false
}

// intoAt is into for the address delta bytes behind v.
func (e *engine) intoAt(f *ir.Func, v ir.Value, delta int64, l pointer.Loc, depth int) ([]*context, bool) {
	p, off, ok := root(f, v)
	off += delta
	if !ok || len(e.pt.PointsTo(f.ID, v)) <= 1 {
		return []*context{nil}, !ok && len(e.pt.PointsTo(f.ID, v)) > 1
	}
	k := slices.Index(f.Params, p)
	if k < 0 || depth > 4 {
		return []*context{nil}, true
	}
	var out []*context
	lost := false
	for _, site := range e.calledAt(f.ID) {
		g := e.c.Prog.Funcs[site.Func]
		in := &g.Instrs[site.I]
		if k >= len(in.Args) || !e.tl.Packet(site) {
			continue
		}
		if !e.leads(g, in.Args[k], off, l) {
			continue
		}
		ups, no := e.intoAt(g, in.Args[k], off, l, depth+1)
		lost = lost || no
		for _, up := range ups {
			out = append(out, e.push(site, up))
		}
		if len(out) > 64 {
			return []*context{nil}, true
		}
	}
	return out, lost
}
