package scratch

import (
	"slices"

	"saz/frontend/ctype"
	"saz/ir"
	"saz/passes/modref"
	"saz/passes/pointer"
)

// What each instruction of a procedure does is found out once.

// A proc is one procedure during the analysis: the places that it may have
// certainly written, numbered, so that a set of them is a bit set.
type proc struct {
	e        *engine
	f        *ir.Func
	places   []place
	index    map[place]int
	byBase   map[uint64][]int
	gen      [][]int                 // instruction → places that it writes (calls of the program's own procedures: see call)
	edge     map[ir.BlockID][2][]int // branch → places written if it goes to Succs[0], [1]
	dead     map[ir.BlockID][]bool   // edges that no run takes, by Succs
	param    map[ir.LocalID]int32    // parameters that may point at an object in question
	reads    [][]read
	escs     [][]addr // pointers to objects in question that get away
	families []family
	at       []addr // memo of where, by register
	atOK     []bool
	ready    bool        // its instructions are prepared
	acts     []int32     // those that do anything here, in order
	dom      *ir.DomTree // made when asked for
	calls    map[callKey]callMemo
	many     []*many        // by instruction
	mine     map[int32]bool // spans of parameters
	parts    map[int32]int  // how many, by parameter

	objs      []pointer.ObjID // that it has places of
	touched   bits            // their spans
	touchedAt [2]int          // how many spans and places there were then
	left      bits            // of bulk, used again
}

// A read is what an instruction reads: from an address that is known, or else what the pointer analysis says.
type read struct {
	at   addr
	size int64 // 0: to the end
	str  bool
	objs []span
}

func (e *engine) proc(id ir.FuncID) *proc {
	p := e.bare(id)
	if p.ready {
		return p
	}
	p.ready = true
	f := p.f
	if e.sparse == nil || e.touches(f) {
		p.gen, p.reads, p.escs = make([][]int, len(f.Instrs)), make([][]read, len(f.Instrs)), make([][]addr, len(f.Instrs))
		for i := range f.Instrs {
			p.prepare(int32(i))
		}
	}
	return p
}

// act lists the instructions that do anything to what is in question.
func (p *proc) act() []int32 {
	if p.acts == nil {
		p.acts = []int32{}
		for i := range p.f.Instrs {
			if p.f.Instrs[i].Op == ir.Call || p.gen != nil && len(p.gen[i])+len(p.reads[i])+len(p.escs[i]) > 0 {
				p.acts = append(p.acts, int32(i))
			}
		}
	}
	return p.acts
}

// bare returns a procedure of which no more need be known than where its addresses are.
func (e *engine) bare(id ir.FuncID) *proc {
	if p := e.fns[id]; p != nil {
		return p
	}
	f := e.c.Prog.Funcs[id]
	p := &proc{e: e, f: f, index: map[place]int{}, byBase: map[uint64][]int{}, edge: map[ir.BlockID][2][]int{},
		param: map[ir.LocalID]int32{}, calls: map[callKey]callMemo{}, mine: map[int32]bool{}, parts: map[int32]int{}}
	e.fns[id] = p
	for r := range f.Regs {
		if f.Regs[r].Def >= 0 || f.Regs[r].Local < 0 {
			continue
		}
		k := slices.Index(f.Params, f.Regs[r].Local)
		if k < 0 {
			continue
		}
		for _, loc := range e.pt.PointsTo(id, ir.RegVal(ir.Reg(r))) {
			if e.asked[loc.Obj] {
				p.param[f.Regs[r].Local] = int32(k)
				break
			}
		}
	}
	return p
}

// touches reports whether f itself may read or write an object in question, where these are few.
func (e *engine) touches(f *ir.Func) bool {
	if e.touch == nil {
		e.touch = make([]uint8, len(e.fns))
	}
	if e.touch[f.ID] == 0 {
		e.touch[f.ID] = 1
		if e.touchesAny(f) {
			e.touch[f.ID] = 2
		}
	}
	return e.touch[f.ID] == 2
}

func (e *engine) touchesAny(f *ir.Func) bool {
	for i := range f.Instrs {
		ref := ir.Ref{Func: f.ID, I: int32(i)}
		switch f.Instrs[i].Op {
		case ir.Ret:
			if t := f.Type; t != nil && t.Elem != nil && t.Elem.IsRecord() {
				return true
			}
			continue
		case ir.LifeStart:
			if in := &f.Instrs[i]; in.A.Kind == ir.VLocal {
				if o := e.pt.LocalObj(f.ID, ir.LocalID(in.A.ID)); o >= 0 && e.asked[o] {
					return true
				}
			}
			continue
		}
		for k, x := range [...]int{e.mr.WriteEffect(ref), e.mr.ReadEffect(ref)} {
			if e.sparse[x] == 0 {
				list := e.mr.WriteAccesses(ref)
				if k == 1 {
					list = e.mr.ReadAccesses(ref)
				}
				e.sparse[x] = 1
				if slices.ContainsFunc(list, func(a modref.Access) bool { return e.asked[a.Obj] }) {
					e.sparse[x] = 2
				}
			}
			if e.sparse[x] == 2 {
				return true
			}
		}
	}
	return false
}

// prepare finds what instruction i reads and certainly writes, and which pointers get away.
func (p *proc) prepare(i int32) {
	in := &p.f.Instrs[i]
	switch in.Op {
	case ir.Store:
		p.writes(i, in.A, ctype.SizeOf(in.Type), false)
		p.away(i, in.B)
	case ir.Zero:
		p.writes(i, in.A, ctype.SizeOf(in.Type), false)
	case ir.Copy:
		p.readAt(i, in.B, ctype.SizeOf(in.Type), false)
		p.writes(i, in.A, ctype.SizeOf(in.Type), false)
	case ir.Load:
		p.readAt(i, in.A, ctype.SizeOf(in.Type), false)
	case ir.LifeStart:
		if in.A.Kind == ir.VLocal {
			p.writes(i, ir.Value{Kind: ir.VLocal, ID: in.A.ID}, max(ctype.SizeOf(p.f.Locals[in.A.ID].Type), 1), false)
		}
	case ir.Call:
		p.prepareCall(i, in)
	case ir.Ret:
		if t := p.f.Type; t != nil && t.Elem != nil && t.Elem.IsRecord() && in.A.Kind != ir.NoVal {
			p.readAt(i, in.A, ctype.SizeOf(t.Elem), false)
		} else if p.result().kind == noBase {
			p.away(i, in.A)
		}
	case ir.Phi:
		if in.Dst >= 0 && p.where(ir.RegVal(in.Dst)).kind == noBase {
			for _, v := range in.Args {
				p.away(i, v)
			}
		}
	case ir.FieldAddr, ir.Move, ir.Cmp, ir.PtrDiff, ir.Branch, ir.Switch, ir.StoreBits, ir.LoadBits, ir.IndexAddr:
		if in.Op == ir.LoadBits {
			p.unplaced(i, nil)
		}
		if in.Op == ir.StoreBits {
			p.away(i, in.B)
		}
	case ir.Conv:
		if in.Opnd != nil && in.Opnd.Kind != ctype.Pointer {
			p.away(i, in.A)
		}
	case ir.Builtin:
		p.prepareBuiltin(i, in)
	default:
		p.unplaced(i, nil)
		in.Operands(func(v *ir.Value) { p.away(i, *v) })
	}
}

// away notes that a pointer to a brief object, or a parameter, gets away at i.
func (p *proc) away(i int32, v ir.Value) {
	if v.Kind != ir.VReg && v.Kind != ir.VGlobal && v.Kind != ir.VLocal {
		return
	}
	x := p.where(v)
	switch x.kind {
	case noBase:
		return
	case ofParam:
	default:
		if o := p.object(x.kind, x.id); o < 0 || !p.e.brief[o] {
			return
		}
	}
	p.escs[i] = append(p.escs[i], x)
}

// unplaced takes what the instruction reads of objects in question, but for those that values of it point at, from mod/ref.
func (p *proc) unplaced(i int32, accounted []ir.Value) {
	var r read
	var done map[pointer.ObjID]bool // made when something is in question: mostly nothing is
	for _, x := range p.e.mr.ReadAccesses(ir.Ref{Func: p.f.ID, I: i}) {
		if !p.e.asked[x.Obj] {
			continue
		}
		if done == nil {
			done = map[pointer.ObjID]bool{}
			for _, v := range accounted {
				if x := p.where(v); x.kind == ofGlobal || x.kind == ofLocal {
					if o := p.object(x.kind, x.id); o >= 0 {
						done[o] = true
					}
				}
				for _, l := range p.e.in(p.e.pt.PointsTo(p.f.ID, v)) {
					done[l.Obj] = true
				}
			}
		}
		if !done[x.Obj] {
			r.objs = append(r.objs, p.e.span(x.Loc, x.Size))
		}
	}
	if r.objs != nil {
		p.reads[i] = append(p.reads[i], r)
	}
}

// prepareCall prepares a call: what library functions that it may reach read, and what they write:
// that counts where all of them write it, so with more than one nothing does.
func (p *proc) prepareCall(i int32, in *ir.Instr) {
	ref := ir.Ref{Func: p.f.ID, I: i}
	if in.B.Kind != ir.NoVal { // a record result
		if ft := in.Opnd; ft != nil && ft.Kind == ctype.Func && ft.Elem != nil {
			p.writes(i, in.B, ctype.SizeOf(ft.Elem), false)
		}
	}
	var done []ir.Value // what these point at is told by itself
	for k, t := range in.ArgTypes {
		if k < len(in.Args) && t != nil && t.IsRecord() {
			p.readAt(i, in.Args[k], ctype.SizeOf(t), false)
			done = append(done, in.Args[k])
		}
	}
	p.away(i, in.A)
	callees := p.e.pt.Callees(ref)
	callbacks := len(p.e.pt.Callbacks(ref)) > 0
	gone := make([]bool, len(in.Args))
	for _, t := range callees {
		g := p.e.c.Prog.Funcs[t]
		if g.Defined() {
			for k := range in.Args {
				if k >= len(g.Params) {
					gone[k] = true // one of the variable arguments
				} else if l := g.Locals[g.Params[k]]; !l.Lifted && (l.Type == nil || !l.Type.IsRecord()) {
					gone[k] = true
				}
			}
			continue
		}
		m := p.e.pt.Model(t)
		if m == nil || callbacks || len(m.Moves)+len(m.Puts)+len(m.Keeps)+len(m.Elem)+len(m.Returns)+len(m.Gathers) > 0 || len(m.Same) > 1 {
			for k := range gone {
				gone[k] = true
			}
		}
		if m == nil {
			continue
		}
		for k, v := range in.Args {
			if readsArg(m, k) {
				p.libraryRead(i, in, m, k, v)
				if len(m.Gathers) == 0 {
					done = append(done, v)
				}
			}
			if len(callees) == 1 {
				p.libraryWrite(i, in, m, k, v)
			}
		}
	}
	for k, v := range in.Args {
		if gone[k] {
			p.away(i, v)
		}
	}
	p.unplaced(i, done)
}

// prepareBuiltin prepares a builtin function: __builtin_memcpy and its like are as the library's.
func (p *proc) prepareBuiltin(i int32, in *ir.Instr) {
	m := p.e.c.Models.Lookup(in.Name)
	var done []ir.Value
	for k, v := range in.Args {
		if m == nil || len(m.Same) > 1 || len(m.Moves)+len(m.Puts)+len(m.Elem)+len(m.Returns) > 0 {
			p.away(i, v)
		}
		if m == nil {
			continue
		}
		if readsArg(m, k) {
			p.libraryRead(i, in, m, k, v)
			done = append(done, v)
		}
		p.libraryWrite(i, in, m, k, v)
	}
	if m != nil && len(m.Same) == 1 && in.Dst >= 0 && p.where(ir.RegVal(in.Dst)).kind == noBase && m.Same[0] < len(in.Args) {
		p.away(i, in.Args[m.Same[0]])
	}
	p.unplaced(i, done)
}

// touch finds the spans of objects that the procedure has places of.
func (p *proc) touch() {
	e := p.e
	if p.touchedAt == [2]int{len(e.spans), len(p.places)} {
		return
	}
	from := p.touchedAt[1]
	p.touchedAt = [2]int{len(e.spans), len(p.places)}
	for _, x := range p.places[from:] {
		if o := p.object(x.kind, x.id); o >= 0 && !slices.Contains(p.objs, o) {
			p.objs = append(p.objs, o)
		}
	}
	p.touched = p.touched[:0]
	for _, o := range p.objs {
		for _, k := range e.spansOf[o] {
			p.touched = p.touched.with(int(k))
		}
	}
}
