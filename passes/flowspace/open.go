package flowspace

import (
	"slices"

	"saz/ir"
)

// Keys of which one end is left open
//
// A key in which one port is 0 whatever the packet's is (an FTP data connection that is expected from any port), or one of two addresses (a host that
// scans, whomever), finds an entry for all ports, all hosts. Its field is bound to no header field then, though other lookups fill it in. It shows where the
// key is a local that the procedure fills in: there is a way from the procedure's entry to the lookup on which one end is filled in and the other
// is not, or has been set to a constant again. (That both ports are 0, as ICMP's are, leaves nothing open.)

// ends are the header fields of the two ends, one of each.
var ends = [][2]string{{"nw_src", "nw_dst"}, {"tp_src", "tp_dst"}, {"dl_src", "dl_dst"}}

// openEnds notes which of the fields, for which a lookup brings these leaves, it leaves open.
func (w *finder) openEnds(ref ir.Ref, ctx *context, f *ir.Func, sought ir.Value, units []*unit, found []map[leaf]bool) {
	for _, e := range ends {
		var same []*unit
		for i, u := range units {
			for l := range found[i] {
				if l.kind == fromHeader && (l.header == e[0] || l.header == e[1]) {
					same = append(same, u)
					break
				}
			}
		}
		if len(same) != 2 {
			continue
		}
		g, local, off, at, ok := w.keyLocal(ref, ctx, f, sought)
		if !ok {
			return
		}
		for i, u := range same {
			if !u.open && w.leavesOpen(g, local, off, at, u, same[1-i]) {
				u.open = true
			}
		}
	}
}

// keyLocal follows what is looked for out to the local that it is, and to the instruction that hands that on.
func (w *finder) keyLocal(at ir.Ref, ctx *context, f *ir.Func, v ir.Value) (g *ir.Func, l ir.LocalID, off int64, site ir.Ref, ok bool) {
	for {
		for d := 0; v.Kind == ir.VReg && f.Regs[v.ID].Def >= 0; d++ {
			in := &f.Instrs[f.Regs[v.ID].Def]
			if d == 32 || in.Op != ir.Move && in.Op != ir.Conv && in.Op != ir.FieldAddr {
				return
			}
			if in.Op == ir.FieldAddr {
				off += in.Off
			}
			v = in.A
		}
		if v.Kind == ir.VLocal {
			return f, ir.LocalID(v.ID), off + v.Off, at, true
		}
		if v.Kind != ir.VReg || ctx == nil {
			return
		}
		k := slices.Index(f.Params, f.Regs[v.ID].Local)
		at, f = ctx.site, w.c.Prog.Funcs[ctx.site.Func]
		if args := f.Instrs[at.I].Args; k < 0 || k >= len(args) {
			return
		} else {
			v = args[k]
		}
		ctx = ctx.up
	}
}

// leavesOpen reports whether f may come to at with the field u of the key at off of its local l as it was, or constant, and the field other filled in.
func (w *finder) leavesOpen(f *ir.Func, l ir.LocalID, off int64, at ir.Ref, u, other *unit) bool {
	const filled, emptied = 1, 2
	does := [2]map[int32]int{}
	for i, x := range []*unit{u, other} {
		does[i] = map[int32]int{}
		list, _ := w.localPuts(f, l, off+x.off, x.size)
		for _, p := range list {
			if p.off == anywhere || p.size >= 0 && p.off+p.size <= off+x.off || p.off >= off+x.off+x.size {
				continue
			}
			ref, c := p.ref, p.ctx
			for ; c != nil; c = c.up {
				ref = c.site
			}
			if ref.Func != f.ID || ref == at {
				return false // where it is filled in is not known, or what looks it up does
			}
			if in := &f.Instrs[ref.I]; p.ctx == nil && (in.Op == ir.Store && in.B.Kind == ir.VInt || in.Op == ir.Call && w.clears(in)) {
				does[i][ref.I] |= emptied
			} else {
				does[i][ref.I] |= filled
			}
		}
	}
	type state struct {
		b ir.BlockID
		s [2]bool
	}
	seen := map[state]bool{}
	for work := []state{{}}; len(work) > 0; {
		x := work[len(work)-1]
		work = work[:len(work)-1]
		if seen[x] {
			continue
		}
		seen[x] = true
		b := &f.Blocks[x.b]
		for i := b.Lo; i < b.Hi; i++ {
			if i == at.I && !x.s[0] && x.s[1] {
				return true
			}
			in := &f.Instrs[i]
			whole := (in.Op == ir.Zero || in.Op == ir.LifeStart) && in.A.Kind == ir.VLocal && ir.LocalID(in.A.ID) == l
			for k := range x.s {
				switch d := does[k][i]; {
				case d&filled != 0:
					x.s[k] = true
				case d&emptied != 0 || whole:
					x.s[k] = false
				}
			}
		}
		for _, s := range b.Succs {
			work = append(work, state{s, x.s})
		}
	}
	return false
}

// clears reports whether a call sets memory to a constant.
func (w *finder) clears(in *ir.Instr) bool {
	if in.A.Kind != ir.VFunc {
		return false
	}
	switch w.c.Prog.Funcs[in.A.ID].Name {
	case "memset", "__builtin_memset", "bzero":
		return true
	}
	return false
}
