package scratch

import (
	"saz/frontend/ctype"
	"saz/ir"
	"saz/passes/pointer"
)

// Where an instruction reads and writes, as far as that is certain: a variable or what a parameter points at, and an offset.

type baseKind uint8

const (
	noBase baseKind = iota
	ofGlobal
	ofLocal
	ofParam
)

// An addr is what is known of an address: a base and an offset from it (any: not known). Of the element of an array that was collected
// (collected.go): how many bytes of it follow, all written; member: it is one of its members, which nobody leaves by counting.
type addr struct {
	kind   baseKind
	any    bool
	member bool
	id     int32 // GlobalID, LocalID or parameter index
	off    int64
	left   int64
}

// A place is a byte range counted from a base that was certainly written: size 0 with str is a
// string of unknown length.
type place struct {
	kind baseKind
	id   int32
	off  int64
	size int64
	str  bool
}

func (p *proc) place(x place) int {
	if i, ok := p.index[x]; ok {
		return i
	}
	i := len(p.places)
	p.index[x] = i
	p.places = append(p.places, x)
	b := uint64(x.kind)<<32 | uint64(uint32(x.id))
	p.byBase[b] = append(p.byBase[b], i)
	return i
}

// object returns the object that a base stands for, -1 if it is not one in question.
func (p *proc) object(kind baseKind, id int32) pointer.ObjID {
	o := pointer.ObjID(-1)
	switch kind {
	case ofGlobal:
		o = pointer.ObjID(id)
	case ofLocal:
		o = p.e.pt.LocalObj(p.f.ID, ir.LocalID(id))
	}
	if o < 0 || !p.e.asked[o] {
		return -1
	}
	return o
}

// relevant reports whether anybody asks about x.
func (p *proc) relevant(kind baseKind, id int32) bool {
	return kind == ofParam || p.object(kind, id) >= 0
}

// where resolves an address to the one place that it certainly is.
func (p *proc) where(v ir.Value) addr {
	switch v.Kind {
	case ir.VGlobal:
		return addr{kind: ofGlobal, id: v.ID, off: v.Off}
	case ir.VLocal:
		return addr{kind: ofLocal, id: v.ID, off: v.Off}
	case ir.VReg:
		if p.at == nil {
			p.at, p.atOK = make([]addr, len(p.f.Regs)), make([]bool, len(p.f.Regs))
		}
		if !p.atOK[v.ID] {
			p.atOK[v.ID] = true // a cycle through a phi: not known
			p.at[v.ID] = p.resolve(v)
		}
		return p.at[v.ID]
	}
	return addr{}
}

func (p *proc) resolve(v ir.Value) addr {
	r := p.f.Regs[v.ID]
	if r.Def < 0 {
		if k, ok := p.param[r.Local]; ok {
			return addr{kind: ofParam, id: k}
		}
		return addr{}
	}
	in := &p.f.Instrs[r.Def]
	var x addr
	switch in.Op {
	case ir.FieldAddr:
		x = p.where(in.A)
		x.off += in.Off
		if x.left -= in.Off; x.left > 0 && in.Field != nil {
			x.left, x.member = min(x.left, max(ctype.SizeOf(in.Field.Type), 0)), true
		}
	case ir.IndexAddr:
		x = p.where(in.A)
		if in.B.Kind == ir.VInt && in.Off >= 0 {
			x.off += in.B.Off * in.Off
			x.left -= in.B.Off * in.Off
		} else if x.any, x.left = true, 0; p.collected(in) {
			x.left = in.Off
		}
	case ir.Move:
		x = p.where(in.A)
	case ir.Conv:
		if in.Opnd == nil || in.Opnd.Kind == ctype.Pointer {
			x = p.where(in.A)
		}
	case ir.Phi: // NULL or the one place
		for _, a := range in.Args {
			if a.Kind == ir.VInt && a.Off == 0 {
				continue
			}
			y := p.where(a)
			if y.kind == noBase || x.kind != noBase && x != y {
				x = addr{}
				break
			}
			x = y
		}
	case ir.Call:
		x = p.returned(r.Def, in)
	case ir.Builtin:
		if m := p.e.c.Models.Lookup(in.Name); m != nil && len(m.Same) == 1 && m.Same[0] < len(in.Args) {
			x = p.where(in.Args[m.Same[0]])
		}
	}
	if x.left <= 0 {
		x.left, x.member = 0, false
	}
	if x.kind != noBase {
		return x
	}
	// A pointer that can only point at one place of one object.
	locs := p.e.pt.PointsTo(p.f.ID, v)
	if len(locs) != 1 || !p.e.pt.Single(locs[0].Obj) {
		return addr{}
	}
	any := locs[0].Off == pointer.Any || p.e.pt.Collapsed(locs[0])
	switch o := p.e.pt.Objects[locs[0].Obj]; {
	case o.Kind == pointer.Global:
		return addr{kind: ofGlobal, id: int32(o.Global), off: int64(locs[0].Off), any: any}
	case o.Kind == pointer.Local && o.Func == p.f.ID:
		return addr{kind: ofLocal, id: int32(o.Local), off: int64(locs[0].Off), any: any}
	}
	return addr{}
}

// returned resolves the result of a call that hands back one of its arguments, or always the same variable.
func (p *proc) returned(i int32, in *ir.Instr) addr {
	callees := p.e.pt.Callees(ir.Ref{Func: p.f.ID, I: i})
	if len(callees) != 1 {
		return addr{}
	}
	g := p.e.c.Prog.Funcs[callees[0]]
	if !g.Defined() {
		if m := p.e.pt.Model(g.ID); m != nil && len(m.Same) == 1 && m.Same[0] < len(in.Args) {
			return p.where(in.Args[m.Same[0]])
		}
		return addr{}
	}
	if g.ID == p.f.ID || p.e.cg.SCC(g.ID) == p.e.cg.SCC(p.f.ID) {
		return addr{}
	}
	ret := p.e.bare(g.ID).result()
	if ret.kind != ofParam {
		return ret
	}
	if int(ret.id) >= len(in.Args) {
		return addr{}
	}
	x := p.where(in.Args[ret.id])
	x.off += ret.off
	x.any = x.any || ret.any
	return x
}

// result is what the procedure returns, if that is NULL or always one place that its callers can name.
func (p *proc) result() addr {
	var ret addr
	for b := range p.f.Blocks {
		t := p.f.Term(ir.BlockID(b))
		if t.Op != ir.Ret || t.A.Kind == ir.VInt && t.A.Off == 0 || t.A.Kind == ir.NoVal {
			continue
		}
		x := p.where(t.A)
		if x.kind != ofParam && x.kind != ofGlobal || ret.kind != noBase && x != ret {
			return addr{}
		}
		ret = x
	}
	return ret
}

// wrote reports whether size bytes (0: all that follows) from an address are among the bytes of an element that was written.
func (a *addr) wrote(size int64, str bool) bool {
	return a.left > 0 && (size > 0 && !str && size <= a.left || a.member && (size == 0 || str))
}

// writes notes that instruction i certainly writes size bytes at v.
func (p *proc) writes(i int32, v ir.Value, size int64, str bool) {
	if x, ok := p.placeAt(v, size, str); ok {
		p.gen[i] = append(p.gen[i], p.place(x))
	}
}

func (p *proc) placeAt(v ir.Value, size int64, str bool) (place, bool) {
	if size <= 0 && !str {
		return place{}, false
	}
	x := p.where(v)
	return place{x.kind, x.id, x.off, size, str}, x.kind != noBase && !x.any && p.relevant(x.kind, x.id)
}

// readAt notes that instruction i reads size bytes (0: all that follows) at v.
func (p *proc) readAt(i int32, v ir.Value, size int64, str bool) {
	r := read{at: p.where(v), size: size, str: str}
	if r.at.wrote(size, str) {
		return
	}
	if r.at.kind == noBase {
		for _, l := range p.e.pt.PointsTo(p.f.ID, v) {
			if p.e.asked[l.Obj] {
				n := size
				if n == 0 {
					n = -1
				}
				s := p.e.span(l, n)
				s.str = str && l.Off != pointer.Any
				r.objs = append(r.objs, s)
			}
		}
		if r.objs == nil {
			return
		}
	} else if !p.relevant(r.at.kind, r.at.id) {
		return
	}
	p.reads[i] = append(p.reads[i], r)
}
