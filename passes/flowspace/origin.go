package flowspace

import (
	"slices"

	"saz/frontend/ctype"
	"saz/ir"
	"saz/passes/members"
	"saz/passes/modref"
	"saz/passes/pointer"
)

// origins says which values may come from a packet's header at all, by any
// way: found once, forward from all reads of header bytes, context-insensitively, in time
// linear in the code of packets and what it reads. The backward traces, which are exact and dear, are made only
// where the answer is yes.
type origins struct {
	e     *engine
	regs  [][]bool   // by function and register
	mem   [][]extent // by object
	read  [][]reader
	heads []uint8 // 1: holds a packet's header, 2: does not, 0: not asked yet
	uses  [][][]int32
	types map[*ctype.Type]bool // holds a packet header
	work  []place

	groups  [][]ir.Ref // instructions that read the same
	arrived []bool     // by group: header bytes come there

	base   []int32  // by function: its first instruction, counted over all
	stored []uint64 // by instruction: store was called
}

type extent struct {
	off  int32
	size int64
}

// A reader is a group of instructions that read bytes of an object.
type reader struct {
	group int32
	extent
}

type place struct {
	f ir.FuncID
	r ir.Reg
}

// maxExtents bounds how finely the bytes of one object are told apart.
const maxExtents = 32

func newOrigins(e *engine) *origins {
	n, objects := len(e.c.Prog.Funcs), len(e.pt.Objects)
	o := &origins{e: e, regs: make([][]bool, n), uses: make([][][]int32, n), mem: make([][]extent, objects),
		read: make([][]reader, objects), heads: make([]uint8, objects), types: map[*ctype.Type]bool{}}
	for _, fid := range e.tl.PktProcs {
		f := e.c.Prog.Funcs[fid]
		o.regs[fid] = make([]bool, len(f.Regs))
	}
	total := int32(0)
	for _, f := range e.c.Prog.Funcs {
		o.base = append(o.base, total)
		total += int32(len(f.Instrs))
	}
	o.stored = make([]uint64, total/64+1)
	var first []ir.Ref
	groupOf := make([]int32, e.mr.Effects()) // 1 + its group
	var header []bool                        // by group: it reads of an object that holds a header
	group := func(acc []modref.Access) int32 {
		g := int32(len(o.groups))
		o.groups = append(o.groups, nil)
		hit := false
		if len(acc) <= maxWrites {
			for _, x := range acc {
				o.read[x.Obj] = append(o.read[x.Obj], reader{g, extent{x.Off, x.Size}})
				hit = hit || o.header(x.Obj)
			}
		}
		header = append(header, hit)
		return g
	}
	for _, fid := range e.tl.PktProcs {
		f := e.c.Prog.Funcs[fid]
		for i := range f.Instrs {
			in := &f.Instrs[i]
			ref := ir.Ref{Func: fid, I: int32(i)}
			switch in.Op {
			case ir.Load, ir.LoadBits, ir.Copy, ir.Call, ir.Builtin:
			default:
				continue
			}
			if !e.tl.Packet(ref) {
				continue
			}
			acc, own := e.mr.ReadAccesses(ref), false
			if in.Op == ir.Call && in.B.Kind != ir.NoVal { // a record that a callee returns
				acc, own = slices.Clone(acc), true
				for _, t := range e.pt.Callees(ref) {
					g := e.c.Prog.Funcs[t]
					for b := range g.Blocks {
						if t := g.Term(ir.BlockID(b)); t.Op == ir.Ret && t.A.Kind != ir.NoVal {
							for _, l := range e.pt.PointsTo(g.ID, t.A) {
								acc = append(acc, modref.Access{Loc: l, Size: -1})
							}
						}
					}
				}
			}
			if in.Op == ir.Call { // records that are handed over by value
				for k, a := range in.Args {
					if k < len(in.ArgTypes) && in.ArgTypes[k] != nil && in.ArgTypes[k].IsRecord() {
						acc, own = slices.Clone(acc), true
						for _, l := range e.pt.PointsTo(fid, a) {
							acc = append(acc, modref.Access{Loc: l, Size: ctype.SizeOf(in.ArgTypes[k])})
						}
					}
				}
			}
			var g int32
			if k := &groupOf[e.mr.ReadEffect(ref)]; own {
				g = group(acc)
			} else {
				if *k == 0 {
					*k = group(acc) + 1
				}
				g = *k - 1
			}
			o.groups[g] = append(o.groups[g], ref)
			hit := header[g]
			switch in.Op {
			case ir.Load, ir.LoadBits:
				hit = hit || o.headerAddress(f, in.A)
			case ir.Copy:
				hit = hit || o.headerAddress(f, in.B)
			case ir.Call:
				for _, a := range in.Args {
					hit = hit || o.headerAddress(f, a)
				}
				for _, t := range e.pt.Callees(ref) {
					if mo := e.pt.Model(t); mo != nil {
						_, says := peer[mo.Name]
						hit = hit || says
					}
				}
			}
			if hit {
				first = append(first, ref)
			}
		}
	}
	o.arrived = make([]bool, len(o.groups))
	for _, ref := range first {
		o.arrives(ref)
	}
	for len(o.work) > 0 {
		p := o.work[len(o.work)-1]
		o.work = o.work[:len(o.work)-1]
		o.flow(p)
	}
	return o
}

// value reports whether v of f may come from a header.
func (o *origins) value(f *ir.Func, v ir.Value) bool {
	return v.Kind == ir.VReg && o.regs[f.ID] != nil && o.regs[f.ID][v.ID]
}

// behind reports whether the memory that v points at may hold what comes from one.
func (o *origins) behind(f *ir.Func, v ir.Value) bool {
	if o.headerAddress(f, v) {
		return true
	}
	locs := o.e.pt.PointsTo(f.ID, v)
	for _, l := range locs {
		if len(o.mem[l.Obj]) > 0 || o.header(l.Obj) {
			return true
		}
	}
	return len(locs) == 0
}

// headerAddress reports whether v is an address inside a record that is a packet header.
func (o *origins) headerAddress(f *ir.Func, v ir.Value) bool {
	for d := 0; v.Kind == ir.VReg && d < 32; d++ {
		def := f.Regs[v.ID].Def
		if def < 0 {
			return false
		}
		in := &f.Instrs[def]
		switch in.Op {
		case ir.FieldAddr:
			if in.Rec != nil && o.e.layoutOf(in.Rec) != nil {
				return true
			}
		case ir.Move, ir.Conv, ir.IndexAddr:
		default:
			return false
		}
		v = in.A
	}
	return false
}

// holdsHeader reports whether a packet header is part of t.
func (o *origins) holdsHeader(t *ctype.Type) bool {
	for t != nil && t.Kind == ctype.Array {
		t = t.Elem
	}
	if t == nil || !t.IsRecord() || t.Rec == nil {
		return false
	}
	if x, ok := o.types[t]; ok {
		return x
	}
	r := o.e.c.Prog.Record(t.Rec)
	x := o.e.layoutOf(r) != nil
	for i := range r.Fields {
		x = x || o.holdsHeader(r.Fields[i].Type)
	}
	o.types[t] = x
	return x
}

// reg marks a register.
func (o *origins) reg(f ir.FuncID, r ir.Reg) {
	if r >= 0 && o.regs[f] != nil && !o.regs[f][r] {
		o.regs[f][r] = true
		o.work = append(o.work, place{f, r})
	}
}

// store marks what an instruction writes.
func (o *origins) store(ref ir.Ref) {
	k := o.base[ref.Func] + ref.I
	if o.stored[k>>6]>>(k&63)&1 != 0 {
		return
	}
	o.stored[k>>6] |= 1 << (k & 63)
	acc := o.e.mr.WriteAccesses(ref)
	if len(acc) > maxWrites {
		return
	}
	for _, x := range acc {
		o.memory(x.Obj, extent{x.Off, x.Size})
	}
}

// header reports whether obj is a packet's, or of a type that holds a header.
func (o *origins) header(obj pointer.ObjID) bool {
	if o.heads[obj] == 0 {
		o.heads[obj] = 2
		if o.e.packet[obj] || o.holdsHeader(o.e.pt.TypeOf(obj)) {
			o.heads[obj] = 1
		}
	}
	return o.heads[obj] == 1
}

func (o *origins) memory(obj pointer.ObjID, x extent) {
	have := o.mem[obj]
	if len(have) > maxExtents || slices.Contains(have, x) {
		return
	}
	if len(have) == maxExtents {
		x = extent{pointer.Any, -1}
	}
	o.mem[obj] = append(have, x)
	for _, r := range o.read[obj] {
		if !o.arrived[r.group] && r.meets(x) {
			o.arrived[r.group] = true
			for _, ref := range o.groups[r.group] {
				o.arrives(ref)
			}
		}
	}
}

func (r reader) meets(x extent) bool {
	return r.off == pointer.Any || x.off == pointer.Any || x.size < 0 && int64(r.off)+max(r.size, 1) > int64(x.off) ||
		r.size < 0 && int64(x.off)+max(x.size, 1) > int64(r.off) ||
		int64(r.off) < int64(x.off)+max(x.size, 1) && int64(x.off) < int64(r.off)+max(r.size, 1)
}

// arrives says that an instruction reads header bytes from memory.
func (o *origins) arrives(ref ir.Ref) {
	in := o.e.c.Instr(ref)
	switch in.Op {
	case ir.Load, ir.LoadBits:
		o.reg(ref.Func, in.Dst)
	case ir.Copy:
		o.store(ref)
	case ir.Call, ir.Builtin:
		if in.Dst >= 0 && in.Type != nil && in.Type.Kind != ctype.Pointer {
			o.reg(ref.Func, in.Dst)
		}
		o.store(ref)
		for k := range in.Args {
			if in.Op != ir.Call || k >= len(in.ArgTypes) || in.ArgTypes[k] == nil || !in.ArgTypes[k].IsRecord() {
				continue
			}
			for _, t := range o.e.pt.Callees(ref) {
				if g := o.e.c.Prog.Funcs[t]; g.Defined() && k < len(g.Params) {
					o.param(g, g.Params[k])
				}
			}
		}
	}
}

// flow goes on from a register.
func (o *origins) flow(p place) {
	e := o.e
	f := e.c.Prog.Funcs[p.f]
	if o.uses[p.f] == nil {
		o.uses[p.f] = members.Uses(f)
	}
	for _, i := range o.uses[p.f][p.r] {
		in := &f.Instrs[i]
		ref := ir.Ref{Func: p.f, I: i}
		if !e.tl.Packet(ref) {
			continue
		}
		isB := in.B.Kind == ir.VReg && ir.Reg(in.B.ID) == p.r
		switch in.Op {
		case ir.Move, ir.Conv, ir.Bin, ir.Un, ir.Phi:
			o.reg(p.f, in.Dst)
		case ir.Builtin:
			o.reg(p.f, in.Dst)
			o.store(ref)
		case ir.Store, ir.StoreBits:
			if isB {
				o.store(ref)
			}
		case ir.Call:
			for _, t := range e.pt.Callees(ref) {
				g := e.c.Prog.Funcs[t]
				if !g.Defined() {
					o.reg(p.f, in.Dst)
					continue
				}
				for k, a := range in.Args {
					if a.Kind == ir.VReg && ir.Reg(a.ID) == p.r && k < len(g.Params) {
						o.param(g, g.Params[k])
					}
				}
			}
		case ir.Ret:
			for _, site := range e.pt.Callers(p.f) {
				o.reg(site.Func, e.c.Instr(site).Dst)
			}
		}
	}
}

// param marks a parameter: its value on entry, or its memory.
func (o *origins) param(g *ir.Func, l ir.LocalID) {
	for r := range g.Regs {
		if g.Regs[r].Def < 0 && g.Regs[r].Local == l {
			o.reg(g.ID, ir.Reg(r))
		}
	}
	if obj := o.e.pt.LocalObj(g.ID, l); obj >= 0 {
		o.memory(obj, extent{0, -1})
	}
}
