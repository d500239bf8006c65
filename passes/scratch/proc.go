package scratch

import (
	"slices"

	"saz/frontend/check"
	"saz/frontend/ctype"
	"saz/ir"
	"saz/ir/models"
	"saz/passes"
	"saz/passes/pointer"
)

// A proc is one procedure during the analysis: the places that it may have
// certainly written, numbered, so that a set of them is a bit set.
type proc struct {
	a      *analysis
	f      *ir.Func
	places []place
	index  map[place]int
	gen    map[int32][]int         // instruction → places that it writes (calls of the program's own procedures: see call)
	edge   map[ir.BlockID][2][]int // branch → places written if it goes to Succs[0], [1]
	param  map[ir.LocalID]int32    // parameters that may point at a candidate
	worth  map[ir.LocalID]bool     // locals that are candidates
	args   map[int32][]placedRead  // library calls: what they read through arguments
}

// A placedRead is a read through an address of which more may be known than
// where it points.
type placedRead struct {
	at    place // kind noBase if nothing is known
	spans []span
	not   []pointer.ObjID // what the pointer analysis names too, though the address is known
}

// A bits is a set of places; nil is the set of all (no path leads here).
type bits []uint64

func (b bits) has(i int) bool { return i/64 < len(b) && b[i/64]>>(i%64)&1 != 0 }

func (b bits) with(i int) bits {
	for len(b) <= i/64 {
		b = append(b, 0)
	}
	b[i/64] |= 1 << (i % 64)
	return b
}

// meet intersects, and reports whether dst changed. dst nil takes src.
func meet(dst *bits, src bits) bool {
	if *dst == nil {
		*dst = append(make(bits, 0, len(src)+1), src...)
		return true
	}
	changed := false
	for i := range *dst {
		w := uint64(0)
		if i < len(src) {
			w = src[i]
		}
		if (*dst)[i]&^w != 0 {
			(*dst)[i] &= w
			changed = true
		}
	}
	return changed
}

func (a *analysis) proc(id ir.FuncID) *proc {
	if p := a.fns[id]; p != nil {
		return p
	}
	f := a.c.Prog.Funcs[id]
	p := &proc{a: a, f: f, index: map[place]int{}, gen: map[int32][]int{}, edge: map[ir.BlockID][2][]int{},
		param: map[ir.LocalID]int32{}, worth: map[ir.LocalID]bool{}, args: map[int32][]placedRead{}}
	a.fns[id] = p
	for i := range f.Locals {
		if o := a.pt.LocalObj(id, ir.LocalID(i)); o >= 0 {
			if _, ok := a.cand[o]; ok {
				p.worth[ir.LocalID(i)] = true
			}
		}
	}
	entry := map[ir.LocalID]ir.Reg{}
	for r := range f.Regs {
		if f.Regs[r].Def < 0 && f.Regs[r].Local >= 0 {
			entry[f.Regs[r].Local] = ir.Reg(r)
		}
	}
	for k, l := range f.Params {
		r, ok := entry[l]
		if !ok {
			continue
		}
		for _, loc := range a.pt.PointsTo(id, ir.RegVal(r)) {
			if _, ok := a.cand[loc.Obj]; ok {
				p.param[l] = int32(k)
				break
			}
		}
	}
	for i := range f.Instrs {
		p.prepare(int32(i))
	}
	return p
}

func (p *proc) number(x place) int {
	if i, ok := p.index[x]; ok {
		return i
	}
	i := len(p.places)
	p.index[x] = i
	p.places = append(p.places, x)
	return i
}

// relevant reports whether anybody asks about x.
func (p *proc) relevant(x place) bool {
	switch x.kind {
	case ofGlobal:
		_, ok := p.a.cand[pointer.ObjID(x.id)]
		return ok
	case ofLocal:
		return p.worth[ir.LocalID(x.id)]
	case ofParam:
		return true
	}
	return false
}

// where resolves an address to the one place that it certainly is.
func (p *proc) where(v ir.Value, depth int) place {
	switch v.Kind {
	case ir.VGlobal:
		return place{kind: ofGlobal, id: v.ID, off: v.Off}
	case ir.VLocal:
		return place{kind: ofLocal, id: v.ID, off: v.Off}
	case ir.VReg:
	default:
		return place{}
	}
	r := p.f.Regs[v.ID]
	if r.Def < 0 {
		if k, ok := p.param[r.Local]; ok {
			return place{kind: ofParam, id: k}
		}
		return place{}
	}
	if depth < 20 {
		in := &p.f.Instrs[r.Def]
		var x place
		switch in.Op {
		case ir.FieldAddr:
			x = p.where(in.A, depth+1)
			x.off += in.Off
		case ir.IndexAddr:
			if in.B.Kind == ir.VInt && in.Off >= 0 {
				x = p.where(in.A, depth+1)
				x.off += in.B.Off * in.Off
			}
		case ir.Move:
			x = p.where(in.A, depth+1)
		case ir.Conv:
			if in.Opnd == nil || in.Opnd.Kind == ctype.Pointer {
				x = p.where(in.A, depth+1)
			}
		case ir.Call:
			x = p.returned(r.Def, in, depth)
		}
		if x.kind != noBase {
			return x
		}
	}
	// A pointer that can only point at one place of one object.
	locs := p.a.pt.PointsTo(p.f.ID, v)
	if len(locs) != 1 || locs[0].Off == pointer.Any || !p.a.pt.Single(locs[0].Obj) || p.a.pt.Collapsed(locs[0]) {
		return place{}
	}
	o := p.a.pt.Objects[locs[0].Obj]
	switch {
	case o.Kind == pointer.Global:
		return place{kind: ofGlobal, id: int32(o.Global), off: int64(locs[0].Off)}
	case o.Kind == pointer.Local && o.Func == p.f.ID:
		return place{kind: ofLocal, id: int32(o.Local), off: int64(locs[0].Off)}
	}
	return place{}
}

// returned resolves the result of a call that hands back one of its arguments.
func (p *proc) returned(i int32, in *ir.Instr, depth int) place {
	callees := p.a.pt.Callees(ir.Ref{Func: p.f.ID, I: i})
	if len(callees) != 1 {
		return place{}
	}
	g := p.a.c.Prog.Funcs[callees[0]]
	if !g.Defined() {
		if m := p.a.pt.Model(g.ID); m != nil && len(m.Same) == 1 && m.Same[0] < len(in.Args) {
			return p.where(in.Args[m.Same[0]], depth+1)
		}
		return place{}
	}
	q := p.a.fns[g.ID] // made before its callers, but for recursion
	if q == nil || q == p {
		return place{}
	}
	var ret place
	for b := range g.Blocks {
		t := g.Term(ir.BlockID(b))
		if t.Op != ir.Ret || t.A.Kind == ir.VInt && t.A.Off == 0 {
			continue
		}
		x := q.where(t.A, depth+1)
		if x.kind != ofParam && x.kind != ofGlobal || ret.kind != noBase && x != ret {
			return place{}
		}
		ret = x
	}
	if ret.kind == ofGlobal {
		return ret
	}
	if ret.kind == noBase || int(ret.id) >= len(in.Args) {
		return place{}
	}
	x := p.where(in.Args[ret.id], depth+1)
	x.off += ret.off
	return x
}

// writes notes that instruction i certainly writes size bytes at v.
func (p *proc) writes(i int32, v ir.Value, size int64, str bool) {
	if x, ok := p.placeAt(v, size, str); ok {
		p.gen[i] = append(p.gen[i], p.number(x))
	}
}

func (p *proc) placeAt(v ir.Value, size int64, str bool) (place, bool) {
	if size <= 0 && !str {
		return place{}, false
	}
	x := p.where(v, 0)
	x.size, x.str = size, str
	return x, x.kind != noBase && p.relevant(x)
}

// prepare finds what instruction i certainly writes, and for library calls
// what they read through which argument.
func (p *proc) prepare(i int32) {
	in := &p.f.Instrs[i]
	switch in.Op {
	case ir.Store, ir.Copy, ir.Zero:
		p.writes(i, in.A, ctype.SizeOf(in.Type), false)
	case ir.LifeStart:
		if in.A.Kind == ir.VLocal {
			p.writes(i, ir.Value{Kind: ir.VLocal, ID: in.A.ID}, max(ctype.SizeOf(p.f.Locals[in.A.ID].Type), 1), false)
		}
	case ir.Call:
		p.library(i, in)
	}
}

// library prepares a call that only reaches functions of libraries: what they
// write counts where all of them write it, so with more than one nothing does.
func (p *proc) library(i int32, in *ir.Instr) {
	if in.B.Kind != ir.NoVal { // a record result
		if ft := in.Opnd; ft != nil && ft.Kind == ctype.Func && ft.Elem != nil {
			p.writes(i, in.B, ctype.SizeOf(ft.Elem), false)
		}
	}
	callees := p.a.pt.Callees(ir.Ref{Func: p.f.ID, I: i})
	if len(callees) != 1 {
		return
	}
	m := p.a.pt.Model(callees[0])
	if m == nil {
		return
	}
	for k, v := range in.Args {
		p.libraryWrite(i, in, m, k, v)
		if readsArg(m, k) {
			p.libraryRead(i, in, m, k, v)
		}
	}
}

func (p *proc) libraryWrite(i int32, in *ir.Instr, m *models.Model, k int, v ir.Value) {
	copied := false
	for _, c := range m.Copies {
		copied = copied || c[0] == k && c[0] != c[1]
	}
	n, bounded := int64(-1), m.Len != nil && *m.Len < len(in.Args)
	if bounded && in.Args[*m.Len].Kind == ir.VInt {
		n = in.Args[*m.Len].Off
	}
	switch {
	case contains(m.Fills, k):
		if !bounded {
			if t := elem(in, k); t != nil && !t.IsChar() {
				n = ctype.SizeOf(t)
			}
		}
		p.writes(i, v, n, false)
	case (contains(m.Writes, k) || copied) && m.Strlen:
		if bounded && !p.positive(in.Args[*m.Len], map[ir.FuncID]bool{}) {
			return
		}
		x, ok := p.placeAt(v, 0, true)
		if !ok {
			return
		}
		if nofail(m.Name) {
			p.gen[i] = append(p.gen[i], p.number(x))
		} else {
			p.tested(i, p.number(x))
		}
	case (copied || contains(m.Writes, k) && exact[m.Name]) && bounded:
		p.writes(i, v, n, false)
	case m.Receive != nil && contains(m.Receive.Buffers, k):
		if x := p.where(v, 0); x.kind != noBase && p.relevant(x) && x.off == 0 {
			x.size = 1 << 40
			p.gen[i] = append(p.gen[i], p.number(x))
		}
	}
}

// exact are the functions whose model says that they write at most so many
// bytes, and that write exactly as many.
var exact = map[string]bool{"memset": true, "bzero": true, "explicit_bzero": true, "__builtin_memset": true, "strncpy": true,
	"__memset_chk": true}

// elem returns what argument k points at.
func elem(in *ir.Instr, k int) *ctype.Type {
	if k >= len(in.ArgTypes) || in.ArgTypes[k] == nil || in.ArgTypes[k].Kind != ctype.Pointer {
		return nil
	}
	if t := in.ArgTypes[k].Elem; t != nil && t.Kind != ctype.Void {
		return t
	}
	return nil
}

// positive reports whether v is certainly not 0: a constant, or a parameter
// that is one at all calls.
func (p *proc) positive(v ir.Value, seen map[ir.FuncID]bool) bool {
	for {
		switch v.Kind {
		case ir.VInt:
			return v.Off > 0
		case ir.VReg:
		default:
			return false
		}
		r := p.f.Regs[v.ID]
		if r.Def >= 0 {
			if in := &p.f.Instrs[r.Def]; in.Op == ir.Conv || in.Op == ir.Move {
				v = in.A
				continue
			}
			return false
		}
		if seen[p.f.ID] || r.Local < 0 {
			return false
		}
		seen[p.f.ID] = true
		k := slices.Index(p.f.Params, r.Local)
		callers := p.a.pt.Callers(p.f.ID)
		if k < 0 || len(callers) == 0 {
			return false
		}
		for _, at := range callers {
			in := p.a.c.Instr(at)
			if k >= len(in.Args) || !p.a.proc(at.Func).positive(in.Args[k], seen) {
				return false
			}
		}
		return true
	}
}

// tested notes that place x is written if the pointer that the call at i
// returns is not null.
func (p *proc) tested(i int32, x int) {
	dst := p.f.Instrs[i].Dst
	if dst < 0 {
		return
	}
	same := func(v ir.Value) bool {
		for d := 0; v.Kind == ir.VReg && d < 10; d++ {
			if ir.Reg(v.ID) == dst {
				return true
			}
			def := p.f.Regs[v.ID].Def
			if def < 0 {
				return false
			}
			in := &p.f.Instrs[def]
			if in.Op != ir.Move && in.Op != ir.Conv {
				return false
			}
			v = in.A
		}
		return false
	}
	for b := range p.f.Blocks {
		t := p.f.Term(ir.BlockID(b))
		if t.Op != ir.Branch {
			continue
		}
		way := -1
		v := t.A
		for d := 0; d < 10; d++ {
			if same(v) {
				way = 0
				break
			}
			if v.Kind != ir.VReg || p.f.Regs[v.ID].Def < 0 {
				break
			}
			in := &p.f.Instrs[p.f.Regs[v.ID].Def]
			if in.Op == ir.Cmp && in.B.Kind == ir.VInt && in.B.Off == 0 && (in.Sub == check.Eq || in.Sub == check.Ne) {
				if same(in.A) {
					way = 0
					if in.Sub == check.Eq {
						way = 1
					}
				}
				break
			}
			if in.Op != ir.Move && in.Op != ir.Conv {
				break
			}
			v = in.A
		}
		if way >= 0 {
			e := p.edge[ir.BlockID(b)]
			e[way] = append(e[way], x)
			p.edge[ir.BlockID(b)] = e
		}
	}
}

// libraryRead notes what a library call reads through argument k.
func (p *proc) libraryRead(i int32, in *ir.Instr, m *models.Model, k int, v ir.Value) {
	r := placedRead{at: p.where(v, 0)}
	t := elem(in, k)
	if t != nil && t.IsChar() && (m.Len == nil || m.Varargs > 0 && k >= m.Varargs) {
		r.at.str = true
	} else if m.Len != nil && *m.Len < len(in.Args) && in.Args[*m.Len].Kind == ir.VInt {
		r.at.size = in.Args[*m.Len].Off
	}
	for _, l := range p.a.pt.PointsTo(p.f.ID, v) {
		if r.at.kind == ofGlobal && l.Obj != pointer.ObjID(r.at.id) {
			if len(m.Gathers) == 0 {
				r.not = append(r.not, l.Obj)
			}
			continue
		}
		if _, ok := p.a.cand[l.Obj]; ok {
			s := p.a.span(l, -1)
			if r.at.size > 0 && !r.at.str {
				s = p.a.span(l, r.at.size)
			}
			s.str = r.at.str && l.Off != pointer.Any
			r.spans = append(r.spans, s)
		}
	}
	if len(r.spans)+len(r.not) > 0 {
		p.args[i] = append(p.args[i], r)
	}
}

// span is what a read of size bytes at l reads.
func (a *analysis) span(l pointer.Loc, size int64) span {
	total := max(a.pt.Size(l.Obj), 1)
	if l.Off == pointer.Any {
		return span{obj: l.Obj, lo: 0, hi: total}
	}
	lo, hi := cell(a.pt.TypeOf(l.Obj), int64(l.Off), size, total)
	return span{obj: l.Obj, lo: lo, hi: min(hi, total)}
}

// covered reports whether the places in w certainly wrote [lo,hi) of a base.
func (p *proc) covered(w bits, kind baseKind, id int32, lo, hi int64, str bool) bool {
	for {
		at := lo
		for i := range p.places {
			x := &p.places[i]
			if x.kind != kind || x.id != id || !w.has(i) {
				continue
			}
			if str && x.str && x.off == lo {
				return true
			}
			if x.off <= at && x.off+x.size > at {
				at = x.off + x.size
			}
		}
		if at >= hi {
			return true
		}
		if at == lo {
			return false
		}
		lo, str = at, false
	}
}

// known reports whether the bytes of s were certainly written.
func (p *proc) known(w bits, s span) bool {
	o := p.a.pt.Objects[s.obj]
	switch o.Kind {
	case pointer.Global:
		return p.covered(w, ofGlobal, int32(o.Global), s.lo, s.hi, s.str)
	case pointer.Local:
		return o.Func == p.f.ID && p.covered(w, ofLocal, int32(o.Local), s.lo, s.hi, s.str)
	}
	return false
}

// summaries computes the summary of every procedure that the starts reach.
func (a *analysis) summaries(starts []start) {
	var roots []ir.FuncID
	for _, s := range starts {
		roots = append(roots, s.f)
	}
	need := map[ir.FuncID]bool{}
	for _, f := range a.cg.Reachable(roots...) {
		need[f] = true
	}
	var list []ir.FuncID
	flush := func() {
		for changed := true; changed; {
			changed = false
			for _, f := range list {
				if a.summarise(f) {
					changed = true
				}
			}
			if len(list) == 1 && !a.cg.Recursive(list[0]) {
				break
			}
		}
		list = list[:0]
	}
	for _, f := range a.cg.BottomUp() {
		if !need[f] || !a.c.Prog.Funcs[f].Defined() {
			continue
		}
		if len(list) > 0 && a.cg.SCC(list[0]) != a.cg.SCC(f) {
			flush()
		}
		list = append(list, f)
	}
	flush()
}

// summarise computes a procedure's summary again and reports whether it changed.
func (a *analysis) summarise(id ir.FuncID) bool {
	p := a.proc(id)
	old := a.sums[id]
	s := &summary{exposed: map[span]ir.Ref{}}
	end := p.flow(start{f: id, at: -1}, s)
	if end != nil {
		s.returns = true
		for i, x := range p.places {
			if end.has(i) && x.kind != ofLocal {
				s.must = append(s.must, x)
			}
		}
	}
	a.sums[id] = s
	return old == nil || old.returns != s.returns || len(old.must) != len(s.must) || len(old.exposed) != len(s.exposed)
}

// from runs from a start and keeps what is exposed there.
func (a *analysis) from(s start) {
	sum := &summary{exposed: map[span]ir.Ref{}}
	if s.at < 0 && !s.reset {
		if sum = a.sums[s.f]; sum == nil {
			return
		}
	} else {
		a.proc(s.f).flow(s, sum)
	}
	for _, x := range sum.order {
		if _, ok := a.bad[x.obj]; !ok {
			a.bad[x.obj] = sum.exposed[x]
		}
	}
	if !s.packet {
		return
	}
	for _, f := range a.cg.ReachableSync(s.f) {
		fn := a.c.Prog.Funcs[f]
		for i := range fn.Instrs {
			ref := ir.Ref{Func: f, I: int32(i)}
			if !a.tl.Packet(ref) {
				continue
			}
			for _, x := range a.mr.ReadAccesses(ref) {
				if _, ok := a.cand[x.Obj]; ok {
					a.read[x.Obj] = true
				}
			}
		}
	}
}

// flow is the forward analysis of a procedure from a start. It adds to sum what
// is read before it is certainly written, and returns what is certainly written at every
// return (nil if there is none that is reached).
func (p *proc) flow(s start, sum *summary) bits {
	f := p.f
	in := make([]bits, len(f.Blocks))
	var end bits
	var loop map[ir.BlockID]bool
	heads := map[ir.BlockID]bool{}
	if s.reset {
		for _, h := range loopHeads(f) {
			heads[h] = true
		}
	}
	var work []ir.BlockID
	queued := make([]bool, len(f.Blocks))
	push := func(b ir.BlockID) {
		if !queued[b] {
			queued[b] = true
			work = append(work, b)
		}
	}
	leave := func(b ir.BlockID, w bits) {
		for k, t := range f.Blocks[b].Succs {
			out := w
			if e, ok := p.edge[b]; ok && k < 2 && f.Term(b).Op == ir.Branch {
				out = append(bits(nil), w...)
				for _, x := range e[k] {
					out = out.with(x)
				}
			}
			if loop != nil && loop[b] && !loop[t] || heads[t] {
				out = bits{} // the packet's processing is over
			}
			if meet(&in[t], out) {
				push(t)
			}
		}
	}
	run := func(b ir.BlockID, lo int32, w bits) {
		for i := lo; i < f.Blocks[b].Hi; i++ {
			if i == s.at && !s.after && lo != i {
				return // the next packet
			}
			var dead bool
			if w, dead = p.step(i, w, sum); dead {
				return
			}
		}
		if f.Term(b).Op == ir.Ret {
			meet(&end, w)
			return
		}
		leave(b, w)
	}
	if s.at < 0 {
		in[0] = bits{}
		push(0)
	} else {
		b := f.Instrs[s.at].Block
		lo := s.at
		if s.after {
			lo++
		} else {
			loop = passes.LoopAround(f, b)
		}
		run(b, lo, bits{})
	}
	for len(work) > 0 {
		b := work[0]
		work = work[1:]
		queued[b] = false
		run(b, f.Blocks[b].Lo, append(bits{}, in[b]...))
	}
	return end
}

// step takes one instruction: its reads, then its writes. dead: it never returns.
func (p *proc) step(i int32, w bits, sum *summary) (bits, bool) {
	in := &p.f.Instrs[i]
	if in.Op == ir.Phi || in.Op == ir.Jump {
		return w, false
	}
	ref := ir.Ref{Func: p.f.ID, I: i}
	expose := func(x span, at ir.Ref) {
		if _, ok := sum.exposed[x]; !ok {
			sum.exposed[x] = at
			sum.order = append(sum.order, x)
		}
	}
	// Reads. Where the address is known to be one place, whether that was written decides.
	sure := map[pointer.ObjID]bool{}
	unsure := map[pointer.ObjID]bool{}
	note := func(at place, size int64, spans []span) {
		ok := at.kind != noBase && (size > 0 || at.str) && p.covered(w, at.kind, at.id, at.off, at.off+max(size, 1), at.str)
		for _, x := range spans {
			switch {
			case ok:
				sure[x.obj] = true
			case !p.known(w, x):
				unsure[x.obj] = true
				expose(x, ref)
			default:
				sure[x.obj] = true
			}
		}
	}
	accesses := p.a.mr.ReadAccesses(ref)
	if len(accesses) > 0 || in.Op == ir.Call {
		for _, r := range p.args[i] {
			note(r.at, r.at.size, r.spans)
			for _, o := range r.not {
				sure[o] = true
			}
		}
		var at place
		switch in.Op {
		case ir.Load:
			at = p.where(in.A, 0)
			at.size = ctype.SizeOf(in.Type)
		case ir.Copy:
			at = p.where(in.B, 0)
			at.size = ctype.SizeOf(in.Type)
		}
		for _, x := range accesses {
			if _, ok := p.a.cand[x.Obj]; !ok {
				continue
			}
			if in.Op == ir.Call && sure[x.Obj] && !unsure[x.Obj] {
				continue // accounted for, argument by argument
			}
			note(at, at.size, []span{p.a.span(x.Loc, x.Size)})
		}
	}
	if in.Op == ir.Call {
		var dead bool
		if w, dead = p.call(i, in, w, expose); dead {
			return nil, true
		}
	}
	for _, x := range p.gen[i] {
		w = w.with(x)
	}
	return w, false
}

// call takes over the summaries of the procedures that the call may run.
func (p *proc) call(i int32, in *ir.Instr, w bits, expose func(span, ir.Ref)) (bits, bool) {
	ref := ir.Ref{Func: p.f.ID, I: i}
	for _, cb := range p.a.pt.Callbacks(ref) {
		if cb.How != nil && (cb.How.Thread || cb.How.Signal) {
			continue
		}
		if s := p.a.sums[cb.Func]; s != nil {
			for _, x := range s.order {
				if !p.known(w, x) {
					expose(x, s.exposed[x])
				}
			}
		}
	}
	callees := p.a.pt.Callees(ref)
	if len(callees) == 0 {
		return w, false
	}
	var all bits
	returns := false
	for _, t := range callees {
		if !p.a.c.Prog.Funcs[t].Defined() {
			m := p.a.pt.Model(t)
			if m != nil && m.NoReturn {
				continue
			}
			if m != nil && m.Again {
				w = bits{} // a longjmp may come here with nothing written
			}
			returns = true
			meet(&all, bits{})
			continue
		}
		s := p.a.sums[t]
		if s == nil {
			continue // in the same cycle, not reached yet
		}
		for _, x := range s.order {
			if p.known(w, x) {
				continue
			}
			expose(x, s.exposed[x])
		}
		if !s.returns {
			continue
		}
		returns = true
		got := bits{}
		for _, x := range s.must {
			if x.kind == ofParam {
				if int(x.id) >= len(in.Args) {
					continue
				}
				y := p.where(in.Args[x.id], 0)
				if y.kind == noBase {
					continue
				}
				y.off += x.off
				y.size, y.str = x.size, x.str
				x = y
			}
			if p.relevant(x) {
				got = got.with(p.number(x))
			}
		}
		meet(&all, got)
	}
	if !returns {
		return nil, true
	}
	for k, x := range all {
		for len(w) <= k {
			w = append(w, 0)
		}
		w[k] |= x
	}
	return w, false
}
