package track

import (
	"slices"

	"saz/ir"
	"saz/ir/models"
	"saz/passes/pointer"
	"saz/passes/toplevel"
	"saz/passes/update"
)

// Objects of a library's own (FILE) are nobody's state: no verdict rests on what a library does to them, and none is moved. But they are reached
// from the variables that hold them, and where such a variable is tracked for what else is updated in it, its mark says of the
// streams that log output is written to, too, whether something was written by way of it: whoever looks at all that a variable
// leads to finds no change that no mark announced. Other handles (SSL, pcap_t) are the same while a program asks them for something, as far
// as the models say.

// handles calls add for the library calls in packet code that are handed such streams, with each tracked variable that leads there.
func (p *placer) handles(add func(ref ir.Ref, v int)) {
	vars := p.holders()
	if len(vars) == 0 {
		return
	}
	tl := toplevel.Of(p.c)
	streams := map[pointer.ObjID]bool{}
	p.handed(tl, func(_ ir.Ref, m *models.Model, o pointer.ObjID) {
		if m.Output == "log" {
			streams[o] = true
		}
	})
	p.handed(tl, func(ref ir.Ref, _ *models.Model, o pointer.ObjID) {
		if streams[o] {
			for _, v := range vars[o] {
				add(ref, v)
			}
		}
	})
}

// handed calls visit for the objects of a library's own that it is handed in packet code.
func (p *placer) handed(tl *toplevel.Result, visit func(ref ir.Ref, m *models.Model, o pointer.ObjID)) {
	for _, id := range tl.PktProcs {
		f := p.c.Prog.Funcs[id]
		for i := range f.Instrs {
			ref := ir.Ref{Func: id, I: int32(i)}
			if f.Instrs[i].Op != ir.Call || !tl.Live(ref) {
				continue
			}
			for _, t := range p.pt.Callees(ref) {
				g := p.c.Prog.Funcs[t]
				m := p.pt.Model(t)
				if m == nil || g.Defined() {
					continue
				}
				for _, k := range m.Opaque {
					if k = models.Chk(g.Name, k); k >= len(f.Instrs[i].Args) {
						continue
					}
					for _, l := range p.pt.PointsTo(id, f.Instrs[i].Args[k]) {
						if p.pt.Objects[l.Obj].Opaque {
							visit(ref, m, l.Obj)
						}
					}
				}
			}
		}
	}
}

// holders returns the tracked variables that lead to each object of a library's own.
func (p *placer) holders() map[pointer.ObjID][]int {
	own := update.Of(p.c).Owners
	type set struct {
		first *pointer.Loc
		n     int
	}
	memo := map[set][]pointer.ObjID{}
	out := map[pointer.ObjID][]int{}
	for o := range p.pt.Objects {
		var tracked []int
		for _, id := range own.Of(pointer.ObjID(o)) {
			if v, ok := p.pl.Index[id]; ok {
				tracked = append(tracked, v)
			}
		}
		if len(tracked) == 0 || p.pt.Objects[o].Opaque {
			continue
		}
		for _, locs := range p.pt.ContentSets(pointer.ObjID(o)) {
			if len(locs) == 0 {
				continue
			}
			key := set{&locs[0], len(locs)}
			held, ok := memo[key]
			if !ok {
				for _, l := range locs {
					if p.pt.Objects[l.Obj].Opaque {
						held = append(held, l.Obj)
					}
				}
				memo[key] = held
			}
			for _, h := range held {
				out[h] = append(out[h], tracked...)
			}
		}
	}
	for h, list := range out {
		slices.Sort(list)
		out[h] = slices.Compact(list)
	}
	return out
}
