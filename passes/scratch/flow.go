package scratch

import (
	mathbits "math/bits"
	"slices"

	"saz/frontend/check"
	"saz/frontend/ctype"
	"saz/ir"
	"saz/ir/models"
	"saz/passes"
	"saz/passes/callgraph"
	"saz/passes/modref"
	"saz/passes/pointer"
)

// An engine finds, for some objects, what is read of them before it has certainly been written,
// from any number of starting points.
type engine struct {
	c  *passes.Context
	pt *pointer.Result
	cg *callgraph.Result
	mr *modref.Result

	asked []bool // objects in question, by id
	// brief objects: no memory that outlives a packet holds a pointer to one, so that whoever
	// reads one through a pointer got that pointer while this packet was processed.
	brief []bool
	// after[o]: how a brief object is read through pointers that are not known to point at it alone.
	after map[pointer.ObjID]indirect

	sums []*summary // by function
	fns  []*proc

	spans   []span
	number  map[spanKey]int32
	asks    map[setID][]pointer.Loc // those of a set that are in question
	spread  map[spreadKey]bits
	spansOf map[pointer.ObjID][]int32
	briefs  bits // spans of brief objects
	told    bits // those of which after knows

	values *values // what integers may be; nil: not known

	sites map[ir.FuncID][]start // starts at receive sites and at calls that lead to them
	ends  map[ir.FuncID][]place // memo of since
}

type indirect struct {
	whole, str bool
	at         ir.Ref
}

func newEngine(c *passes.Context, pt *pointer.Result, cg *callgraph.Result, mr *modref.Result) *engine {
	n := len(c.Prog.Funcs)
	return &engine{c: c, pt: pt, cg: cg, mr: mr, asked: make([]bool, len(pt.Objects)), brief: make([]bool, len(pt.Objects)),
		after: map[pointer.ObjID]indirect{}, sums: make([]*summary, n), fns: make([]*proc, n), number: map[spanKey]int32{},
		asks: map[setID][]pointer.Loc{}, spread: map[spreadKey]bits{}, spansOf: map[pointer.ObjID][]int32{},
		sites: map[ir.FuncID][]start{}, ends: map[ir.FuncID][]place{}}
}

type baseKind uint8

const (
	noBase baseKind = iota
	ofGlobal
	ofLocal
	ofParam
)

// An addr is what is known of an address: a base and an offset from it (any: not known).
type addr struct {
	kind baseKind
	id   int32 // GlobalID, LocalID or parameter index
	off  int64
	any  bool
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

// A span is bytes [lo,hi) of an object, or from where a parameter points (param >= 0), that are read: as a
// string or not. With esc nothing is read yet, but a pointer to the object gets away to where it is no longer
// known what it points at: whoever reads through it relies on what was written before.
type span struct {
	param  int32
	obj    pointer.ObjID
	lo, hi int64
	str    bool
	esc    bool
}

const far = int64(1) << 40

// A summary is what callers need to know of a procedure.
type summary struct {
	returns bool // some path to a return is known
	must    []place
	objs    bits    // the spans of objects that are exposed
	own     bits    // those spans that the procedure itself reads
	params  []int32 // and those of parameters, sorted
	out     bits    // what a library that calls the procedure exposes; made when asked for
	outMade bool
}

// A collector gathers exposed spans. With a hook it tells where each comes from: an instruction, and of a call the callee and
// its own span (-1 if it reads by itself).
type collector struct {
	have bits
	own  bits // exposed by the procedure's own reads
	hook func(span int32, o origin)
}

// A spanKey is a span in words, which are quick to hash.
type spanKey [3]uint64

func (s *span) key() spanKey {
	k := spanKey{uint64(uint32(s.param))<<32 | uint64(uint32(s.obj)), uint64(s.lo), uint64(s.hi) << 2}
	if s.str {
		k[2] |= 1
	}
	if s.esc {
		k[2] |= 2
	}
	return k
}

// A setID is a points-to set: the pointer analysis shares equal ones.
type setID struct {
	first *pointer.Loc
	n     int
}

// in returns the places of a set that are in question.
func (e *engine) in(locs []pointer.Loc) []pointer.Loc {
	if len(locs) == 0 {
		return nil
	}
	k := setID{&locs[0], len(locs)}
	out, ok := e.asks[k]
	if !ok {
		for _, l := range locs {
			if e.asked[l.Obj] {
				out = append(out, l)
			}
		}
		e.asks[k] = out
	}
	return out
}

// A spreadKey is what a span of a parameter comes to for a set of places that the argument may point at.
type spreadKey struct {
	set  *pointer.Loc // the first of those in question
	n    int
	span int32
}

// spreads returns the spans that span id of a parameter may be, counted from locs, which are in question.
func (e *engine) spreads(locs []pointer.Loc, id int32) bits {
	k := spreadKey{&locs[0], len(locs), id}
	out, ok := e.spread[k]
	if !ok {
		sp := e.spans[id]
		for _, l := range locs {
			out = out.with(int(e.id(e.shift(l, sp))))
		}
		e.spread[k] = out
	}
	return out
}

func (e *engine) id(s span) int32 {
	key := s.key()
	k, ok := e.number[key]
	if !ok {
		k = int32(len(e.spans))
		e.number[key] = k
		e.spans = append(e.spans, s)
		if s.param < 0 {
			e.spansOf[s.obj] = append(e.spansOf[s.obj], k)
			if e.brief[s.obj] && !s.esc {
				e.briefs = e.briefs.with(int(k))
			}
		}
	}
	return k
}

// An origin is where a span comes from.
type origin struct {
	at     ir.Ref
	callee ir.FuncID
	of     int32
}

func (x *collector) add(k int32, o origin) {
	if o.callee < 0 {
		x.own = x.own.with(int(k))
	}
	x.have = x.have.with(int(k))
	if x.hook != nil {
		x.hook(k, o)
	}
}

// seen are the spans that need no second look: none if somebody wants to know where all come from.
func (x *collector) seen() *bits {
	if x.hook != nil {
		return &nothing
	}
	return &x.have
}

var nothing bits

// each calls f for the members of b that are not in not.
func (b bits) each(not *bits, f func(i int)) {
	for k, w := range b {
		if k < len(*not) {
			w &^= (*not)[k]
		}
		for ; w != 0; w &= w - 1 {
			f(k*64 + mathbits.TrailingZeros64(w))
		}
	}
}

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
	calls    map[callKey]callMemo
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

// or adds the members of c.
func (b bits) or(c bits) bits {
	for len(b) < len(c) {
		b = append(b, 0)
	}
	for i, w := range c {
		b[i] |= w
	}
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

func (e *engine) proc(id ir.FuncID) *proc {
	if p := e.fns[id]; p != nil {
		return p
	}
	f := e.c.Prog.Funcs[id]
	p := &proc{e: e, f: f, index: map[place]int{}, byBase: map[uint64][]int{}, gen: make([][]int, len(f.Instrs)), edge: map[ir.BlockID][2][]int{},
		param: map[ir.LocalID]int32{}, reads: make([][]read, len(f.Instrs)), escs: make([][]addr, len(f.Instrs)), calls: map[callKey]callMemo{}, mine: map[int32]bool{}, parts: map[int32]int{},
		at: make([]addr, len(f.Regs)), atOK: make([]bool, len(f.Regs))}
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
	for i := range f.Instrs {
		p.prepare(int32(i))
	}
	return p
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
	case ir.IndexAddr:
		x = p.where(in.A)
		if in.B.Kind == ir.VInt && in.Off >= 0 {
			x.off += in.B.Off * in.Off
		} else {
			x.any = true
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
	ret := p.e.proc(g.ID).result()
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

// unplaced takes what the instruction reads of objects in question, but for those in done, from mod/ref.
func (p *proc) unplaced(i int32, done map[pointer.ObjID]bool) {
	var r read
	for _, x := range p.e.mr.ReadAccesses(ir.Ref{Func: p.f.ID, I: i}) {
		if p.e.asked[x.Obj] && !done[x.Obj] {
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
	done := map[pointer.ObjID]bool{}
	account := func(v ir.Value) {
		if x := p.where(v); x.kind == ofGlobal || x.kind == ofLocal {
			if o := p.object(x.kind, x.id); o >= 0 {
				done[o] = true
			}
		}
		for _, l := range p.e.pt.PointsTo(p.f.ID, v) {
			done[l.Obj] = true
		}
	}
	for k, t := range in.ArgTypes {
		if k < len(in.Args) && t != nil && t.IsRecord() {
			p.readAt(i, in.Args[k], ctype.SizeOf(t), false)
			account(in.Args[k])
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
					account(v)
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
	done := map[pointer.ObjID]bool{}
	for k, v := range in.Args {
		if m == nil || len(m.Same) > 1 || len(m.Moves)+len(m.Puts)+len(m.Elem)+len(m.Returns) > 0 {
			p.away(i, v)
		}
		if m == nil {
			continue
		}
		if readsArg(m, k) {
			p.libraryRead(i, in, m, k, v)
			for _, l := range p.e.pt.PointsTo(p.f.ID, v) {
				done[l.Obj] = true
			}
		}
		p.libraryWrite(i, in, m, k, v)
	}
	if m != nil && len(m.Same) == 1 && in.Dst >= 0 && p.where(ir.RegVal(in.Dst)).kind == noBase && m.Same[0] < len(in.Args) {
		p.away(i, in.Args[m.Same[0]])
	}
	p.unplaced(i, done)
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
		switch {
		case nofail(m.Name):
			p.gen[i] = append(p.gen[i], p.place(x))
		case m.Name == "inet_ntop" && len(in.Args) == 4 && in.Args[3].Kind == ir.VInt:
			p.families = append(p.families, family{i, in.Args[0], in.Args[3].Off, p.place(x)})
			if in.Args[0].Kind == ir.VInt && roomy([]int64{in.Args[0].Off}, in.Args[3].Off) {
				p.gen[i] = append(p.gen[i], p.place(x))
			}
			fallthrough
		default:
			p.tested(i, p.place(x))
		}
	case (copied || contains(m.Writes, k) && exact[m.Name]) && bounded:
		p.writes(i, v, n, false)
	case m.Receive != nil && (contains(m.Receive.Buffers, k) || contains(m.Receive.Out, k)) || counted[m.Name] == k && k > 0:
		if x := p.where(v); x.kind != noBase && !x.any && p.relevant(x.kind, x.id) && x.off == 0 {
			p.gen[i] = append(p.gen[i], p.place(place{x.kind, x.id, 0, far, false}))
		}
	}
}

// counted are the functions that say how many events they have filled in, and where.
var counted = map[string]int{"epoll_wait": 1, "epoll_pwait": 1, "epoll_pwait2": 1, "kevent": 3}

// A family is a call of inet_ntop: it can't fail if the address family is one that it knows and there is room.
type family struct {
	at    int32
	of    ir.Value
	room  int64
	place int
}

// roomy reports whether room suffices for the longest address of all families (Linux' numbers), and all are known.
func roomy(families []int64, room int64) bool {
	for _, f := range families {
		if !(f == 2 && room >= 16 || f == 10 && room >= 46) {
			return false
		}
	}
	return len(families) > 0
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
		callers := p.e.pt.Callers(p.f.ID)
		if k < 0 || len(callers) == 0 {
			return false
		}
		for _, at := range callers {
			in := p.e.c.Instr(at)
			if k >= len(in.Args) || !p.e.proc(at.Func).positive(in.Args[k], seen) {
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
	t := elem(in, k)
	switch {
	case t != nil && t.IsChar() && (m.Len == nil || m.Varargs > 0 && k >= m.Varargs):
		p.readAt(i, v, 0, true)
	case m.Len != nil && *m.Len < len(in.Args) && in.Args[*m.Len].Kind == ir.VInt:
		p.readAt(i, v, max(in.Args[*m.Len].Off, 0), false)
	default:
		n := int64(0)
		if t != nil && !t.IsChar() && m.Len == nil {
			n = max(ctype.SizeOf(t), 0)
		}
		p.readAt(i, v, n, false)
	}
}

// span is what a read of size bytes at l reads.
func (e *engine) span(l pointer.Loc, size int64) span {
	total := max(e.pt.Size(l.Obj), 1)
	if l.Off == pointer.Any {
		return span{param: -1, obj: l.Obj, lo: 0, hi: total}
	}
	lo, hi := cell(e.pt.TypeOf(l.Obj), int64(l.Off), size, total)
	return span{param: -1, obj: l.Obj, lo: lo, hi: min(hi, total)}
}

// covered reports whether the places in w certainly wrote [lo,hi) of a base.
func (p *proc) covered(w bits, kind baseKind, id int32, lo, hi int64, str bool) bool {
	list := p.byBase[uint64(kind)<<32|uint64(uint32(id))]
	if list == nil {
		return lo >= hi
	}
	for {
		at := lo
		for _, i := range list {
			if !w.has(i) {
				continue
			}
			x := &p.places[i]
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

// known reports whether the bytes of s, of an object, were certainly written.
func (p *proc) known(w bits, s *span) bool {
	switch o := &p.e.pt.Objects[s.obj]; o.Kind {
	case pointer.Global:
		return p.covered(w, ofGlobal, int32(o.Global), s.lo, s.hi, s.str)
	case pointer.Local:
		// Of a recursive procedure's local the frame that is read need not be this one.
		return o.Func == p.f.ID && p.e.pt.Single(s.obj) && p.covered(w, ofLocal, int32(o.Local), s.lo, s.hi, s.str)
	}
	return false
}

// through reads span k at an address of which nothing else is known: if no pointer to the object is older than this packet, it was
// written before that pointer was made, or an exposure says that it wasn't.
func (p *proc) through(w bits, k int32, x *collector, o origin) {
	s := &p.e.spans[k]
	if p.known(w, s) {
		return
	}
	if !p.e.brief[s.obj] || s.esc {
		x.add(k, o)
		return
	}
	n, ok := p.e.after[s.obj]
	if !ok {
		n.at = o.at
	}
	n.whole, n.str = n.whole || !s.str, n.str || s.str
	p.e.after[s.obj] = n
	p.e.told = p.e.told.with(int(k))
}

// from reads [lo,hi) counted from a known address.
func (p *proc) from(w bits, a addr, lo, hi int64, str, esc bool, x *collector, from origin) {
	if a.kind == ofParam {
		if a.any {
			lo, hi, str = 0, far, false
		} else {
			lo, hi = a.off+lo, a.off+hi
			if p.covered(w, a.kind, a.id, lo, hi, str) {
				return
			}
		}
		x.add(p.paramSpan(span{param: a.id, obj: -1, lo: lo, hi: min(hi, far), str: str, esc: esc}), from)
		return
	}
	o := p.object(a.kind, a.id)
	if o < 0 || esc && !p.e.brief[o] {
		return
	}
	size := max(p.e.pt.Size(o), 1)
	lo, hi = a.off+lo, min(a.off+hi, size)
	if a.any || lo < 0 || esc && !str {
		lo, hi, str = 0, size, false
	}
	if !p.covered(w, a.kind, a.id, lo, hi, str) {
		x.add(p.e.id(span{param: -1, obj: o, lo: lo, hi: hi, str: str, esc: esc}), from)
	}
}

// maxSpans are the parts that are told apart of what one parameter points at: a procedure that calls itself with
// a pointer further on has no end of them.
const maxSpans = 48

// paramSpan numbers a span of a parameter, or all that it points at where there are too many.
func (p *proc) paramSpan(s span) int32 {
	if k, ok := p.e.number[s.key()]; ok && p.mine[k] {
		return k
	}
	if p.parts[s.param] >= maxSpans || s.lo < 0 {
		s.lo, s.hi, s.str = 0, far, false
		return p.e.id(s)
	}
	k := p.e.id(s)
	p.mine[k] = true
	p.parts[s.param]++
	return k
}

// step takes one instruction: its reads, then its writes. dead: it never returns.
func (p *proc) step(i int32, w bits, x *collector) (bits, bool) {
	in := &p.f.Instrs[i]
	own := origin{ir.Ref{Func: p.f.ID, I: i}, -1, -1}
	for k := range p.reads[i] {
		r := &p.reads[i][k]
		if r.at.kind == noBase {
			for j := range r.objs {
				p.through(w, p.e.id(r.objs[j]), x, own)
			}
			continue
		}
		n := r.size
		if n == 0 {
			n = far
		}
		if r.str {
			n = max(r.size, 1)
		}
		p.from(w, r.at, 0, n, r.str, false, x, own)
	}
	for _, a := range p.escs[i] { // as a string, and as a whole
		p.from(w, a, 0, 1, true, true, x, own)
		p.from(w, a, 0, far, false, true, x, own)
	}
	if in.Op == ir.Call {
		var dead bool
		if w, dead = p.call(i, in, w, x); dead {
			return nil, true
		}
	}
	for _, k := range p.gen[i] {
		w = w.with(k)
	}
	return w, false
}

// call takes over the summaries of the procedures that the call may run.
func (p *proc) call(i int32, in *ir.Instr, w bits, x *collector) (bits, bool) {
	ref := ir.Ref{Func: p.f.ID, I: i}
	for _, cb := range p.e.pt.Callbacks(ref) {
		if cb.How != nil && (cb.How.Thread || cb.How.Signal) {
			continue
		}
		if s := p.e.sums[cb.Func]; s != nil {
			p.bulk(p.e.outside(cb.Func, s), x, true).each(x.seen(), func(k int) {
				p.through(w, int32(k), x, origin{ref, cb.Func, int32(k)})
			})
		}
	}
	callees := p.e.pt.Callees(ref)
	if len(callees) == 0 {
		return w, false
	}
	var all bits
	returns := false
	for _, t := range callees {
		if !p.e.c.Prog.Funcs[t].Defined() {
			m := p.e.pt.Model(t)
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
		s := p.e.sums[t]
		if s == nil {
			continue // in the same cycle, not reached yet
		}
		if p.e.values != nil {
			if y := p.e.values.special(p, in, t); y != nil {
				s = y
			}
		}
		p.bulk(s.objs, x, false).each(x.seen(), func(k int) {
			sp := &p.e.spans[k]
			if !p.known(w, sp) {
				x.add(int32(k), origin{ref, t, int32(k)})
			}
		})
		p.bulk(p.unknown(i, t, s, in), x, true).each(x.seen(), func(k int) {
			of := int32(-1)
			if x.hook != nil {
				of = p.behind(s, in, int32(k))
			}
			p.through(w, int32(k), x, origin{ref, t, of})
		})
		for _, k := range s.params {
			sp := p.e.spans[k]
			if int(sp.param) < len(in.Args) {
				if a := p.where(in.Args[sp.param]); a.kind != noBase {
					p.from(w, a, sp.lo, sp.hi, sp.str, sp.esc, x, origin{ref, t, k})
				}
			}
		}
		if !s.returns {
			continue
		}
		returns = true
		meet(&all, p.translate(in, s.must))
	}
	if !returns {
		return nil, true
	}
	for k, y := range all {
		for len(w) <= k {
			w = append(w, 0)
		}
		w[k] |= y
	}
	return w, false
}

// bulk takes over at once those spans of a call of which nothing can have been written: of objects that the procedure has no place
// of. through: those of brief objects want a closer look too. What is left is returned.
func (p *proc) bulk(b bits, x *collector, through bool) bits {
	if x.hook != nil {
		return b
	}
	p.touch()
	for len(x.have) < len(b) {
		x.have = append(x.have, 0)
	}
	left := p.left[:0]
	for i, m := range b {
		m &^= x.have[i]
		var look uint64
		if i < len(p.touched) {
			look = p.touched[i]
		}
		if through {
			if i < len(p.e.told) {
				m &^= p.e.told[i] // there is nothing more to say
			}
			if i < len(p.e.briefs) {
				look |= p.e.briefs[i]
			}
		}
		x.have[i] |= m &^ look
		left = append(left, m&look)
	}
	p.left = left
	return left
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

// unknown is what a callee's reads through parameters come to where it is not known what the arguments point at.
func (p *proc) unknown(i int32, t ir.FuncID, s *summary, in *ir.Instr) bits {
	key := callKey{i, t}
	if m, ok := p.calls[key]; ok && m.of == s {
		return m.spans
	}
	var out bits
	for k, v := range in.Args {
		if p.where(v).kind != noBase {
			continue
		}
		locs := p.e.in(p.e.pt.PointsTo(p.f.ID, v))
		if locs == nil {
			continue
		}
		for _, id := range s.params {
			if sp := &p.e.spans[id]; int(sp.param) != k || sp.esc {
				continue
			}
			out = out.or(p.e.spreads(locs, id))
		}
	}
	p.calls[key] = callMemo{s, out}
	return out
}

// behind is the callee's span that comes to span k of an object, of those that unknown adds.
func (p *proc) behind(s *summary, in *ir.Instr, k int32) int32 {
	for _, id := range s.params {
		sp := p.e.spans[id]
		if sp.esc || int(sp.param) >= len(in.Args) || p.where(in.Args[sp.param]).kind != noBase {
			continue
		}
		for _, l := range p.e.pt.PointsTo(p.f.ID, in.Args[sp.param]) {
			if l.Obj == p.e.spans[k].obj && p.e.id(p.e.shift(l, sp)) == k {
				return id
			}
		}
	}
	return -1
}

type callKey struct {
	at int32
	to ir.FuncID
}

type callMemo struct {
	of    *summary
	spans bits
}

// translate turns what a callee certainly wrote into places of its caller.
func (p *proc) translate(in *ir.Instr, must []place) bits {
	got := bits{}
	for _, m := range must {
		if m.kind == ofParam {
			if int(m.id) >= len(in.Args) {
				continue
			}
			a := p.where(in.Args[m.id])
			if a.kind == noBase || a.any {
				continue
			}
			m.kind, m.id, m.off = a.kind, a.id, a.off+m.off
		}
		if p.relevant(m.kind, m.id) {
			got = got.with(p.place(m))
		}
	}
	return got
}

// shift is the part of l's object that sp, counted from l, may be.
func (e *engine) shift(l pointer.Loc, sp span) span {
	y := span{param: -1, obj: l.Obj, lo: 0, hi: max(e.pt.Size(l.Obj), 1)}
	if l.Off != pointer.Any && !e.pt.Collapsed(l) && sp.lo >= 0 {
		y.lo, y.hi, y.str = int64(l.Off)+sp.lo, min(int64(l.Off)+sp.hi, y.hi), sp.str
		if y.lo >= y.hi {
			y.lo = 0
		}
	}
	return y
}

// outside is what a procedure that a library calls exposes: what its parameters point at is as the pointer
// analysis says.
func (e *engine) outside(id ir.FuncID, s *summary) bits {
	if s.outMade {
		return s.out
	}
	s.outMade = true
	fn := e.c.Prog.Funcs[id]
	out := append(bits(nil), s.objs...)
	given := make([][]pointer.Loc, len(fn.Params)) // what of it is in question
	for r := range fn.Regs {
		if fn.Regs[r].Def < 0 {
			if k := slices.Index(fn.Params, fn.Regs[r].Local); k >= 0 {
				given[k] = e.in(e.pt.PointsTo(id, ir.RegVal(ir.Reg(r))))
			}
		}
	}
	for _, k := range s.params {
		if sp := &e.spans[k]; !sp.esc && int(sp.param) < len(given) && len(given[sp.param]) > 0 {
			out = out.or(e.spreads(given[sp.param], k))
		}
	}
	s.out = out
	return out
}

// summaries computes the summary of every procedure that may run from the starts.
func (e *engine) summaries(starts []start) {
	var roots []ir.FuncID
	for _, s := range starts {
		roots = append(roots, s.f)
	}
	need := make([]bool, len(e.c.Prog.Funcs))
	for _, f := range e.cg.Reachable(roots...) {
		need[f] = true
	}
	var list []ir.FuncID
	flush := func() {
		if len(list) == 0 {
			return
		}
		if len(list) == 1 && !e.cg.Recursive(list[0]) {
			e.summarise(list[0])
			return
		}
		again := map[ir.FuncID]bool{}
		for _, f := range list {
			again[f] = true
		}
		for len(again) > 0 {
			for _, f := range list {
				if !again[f] {
					continue
				}
				delete(again, f)
				if e.summarise(f) {
					for _, in := range e.cg.In(f) {
						if g := in.Site.Func; need[g] && e.cg.SCC(g) == e.cg.SCC(f) {
							again[g] = true
						}
					}
				}
			}
		}
	}
	for _, f := range e.cg.BottomUp() {
		if !need[f] || !e.c.Prog.Funcs[f].Defined() {
			continue
		}
		if len(list) > 0 && e.cg.SCC(list[0]) != e.cg.SCC(f) {
			flush()
			list = list[:0]
		}
		list = append(list, f)
	}
	flush()
}

// summarise computes a procedure's summary again and reports whether it changed.
func (e *engine) summarise(id ir.FuncID) bool {
	old, s := e.sums[id], e.summary(id)
	e.sums[id] = s
	return old == nil || old.returns != s.returns || len(old.must) != len(s.must) || !same(old.objs, s.objs) || !slices.Equal(old.params, s.params)
}

func (e *engine) summary(id ir.FuncID) *summary {
	p := e.proc(id)
	s := &summary{}
	var x collector
	if end := p.flow(start{f: id, at: -1}, &x); end != nil {
		s.returns = true
		for i, y := range p.places {
			if end.has(i) && y.kind != ofLocal {
				s.must = append(s.must, y)
			}
		}
	}
	e.split(s, x.have)
	s.own = x.own
	return s
}

// split sorts spans into those of objects and those of parameters.
func (e *engine) split(s *summary, have bits) {
	var none bits
	have.each(&none, func(k int) {
		if e.spans[k].param >= 0 {
			s.params = append(s.params, int32(k))
		} else {
			s.objs = s.objs.with(k)
		}
	})
}

// run returns what is exposed from a start: spans of objects.
func (e *engine) run(s start) bits {
	sum := &summary{}
	if s.at < 0 && !s.reset {
		if sum = e.sums[s.f]; sum == nil {
			return nil
		}
	} else {
		var x collector
		e.proc(s.f).flow(s, &x)
		e.split(sum, x.have)
	}
	return e.outside(s.f, sum)
}

// trace finds an instruction that reads span k, which run says is exposed from s, and the calls on the way there.
func (e *engine) trace(s start, k int32) []ir.Ref {
	type state struct {
		s start
		k int32
	}
	type hop struct {
		from state
		at   ir.Ref
	}
	root := state{s, k}
	came := map[state]hop{root: {}}
	way := func(x state, last ir.Ref) []ir.Ref {
		out := []ir.Ref{last}
		for x != root {
			out = append(out, came[x].at)
			x = came[x].from
		}
		slices.Reverse(out)
		return out
	}
	queue := []state{root}
	var first []ir.Ref // if there is nothing better
	for n := 0; len(queue) > 0 && n < 60; n++ {
		x := queue[0]
		queue = queue[1:]
		var here []origin
		c := collector{hook: func(id int32, o origin) {
			if id == x.k && !slices.Contains(here, o) {
				here = append(here, o)
			}
		}}
		e.proc(x.s.f).flow(x.s, &c)
		for _, o := range here {
			if o.callee < 0 {
				return way(x, o.at)
			}
		}
		var near, far []state
		for _, o := range here {
			if o.of < 0 { // through a pointer that the callee was given
				if first == nil {
					first = way(x, o.at)
				}
				continue
			}
			y := state{start{f: o.callee, at: -1}, o.of}
			if _, ok := came[y]; ok {
				continue
			}
			came[y] = hop{x, o.at}
			if sum := e.sums[o.callee]; sum != nil && sum.own.has(int(o.of)) {
				near = append(near, y)
			} else {
				far = append(far, y)
			}
		}
		if near != nil {
			queue = append(near, queue...)
		}
		queue = append(queue, far...)
	}
	return first
}

// since returns what was certainly written when f returns, counted from the receive sites in it or below it: nil
// if there is none, or it never returns.
func (e *engine) since(f ir.FuncID) []place {
	if l, ok := e.ends[f]; ok {
		return l
	}
	e.ends[f] = []place{} // a recursive way to a site: nothing is known
	var end bits
	p := e.proc(f)
	for _, s := range e.sites[f] {
		var x collector
		if w := p.flow(s, &x); w != nil {
			meet(&end, w)
		}
	}
	out := []place{}
	for i, y := range p.places {
		if end.has(i) && y.kind != ofLocal {
			out = append(out, y)
		}
	}
	e.ends[f] = out
	return out
}

// received is what has been written since the packet came when the call at i, which leads to a receive site, returns.
func (p *proc) received(i int32) bits {
	in := &p.f.Instrs[i]
	var all bits
	for _, t := range p.e.pt.Callees(ir.Ref{Func: p.f.ID, I: i}) {
		if len(p.e.sites[t]) == 0 {
			continue
		}
		meet(&all, p.translate(in, p.e.since(t)))
	}
	if all == nil {
		all = bits{}
	}
	return all
}

// flow is the forward analysis of a procedure from a start. It adds to x what
// is read before it is certainly written, and returns what is certainly written at every
// return (nil if there is none that is reached).
func (p *proc) flow(s start, x *collector) bits {
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
		dead := p.dead[b]
		for k, t := range f.Blocks[b].Succs {
			if dead != nil && dead[k] {
				continue
			}
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
			if i == s.at && !s.after && (s.caller || lo != i) {
				if s.caller { // what runs before the next packet comes
					p.step(i, w, x)
				}
				return
			}
			var dead bool
			if w, dead = p.step(i, w, x); dead {
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
		first := bits{}
		if s.after || s.caller {
			lo++
		}
		if s.caller {
			first = p.received(s.at)
		}
		if !s.after {
			loop = passes.LoopAround(f, b)
		}
		run(b, lo, first)
	}
	for len(work) > 0 {
		// The first in the order of blocks, which is nearly that in which they run.
		k := 0
		for i, b := range work {
			if b < work[k] {
				k = i
			}
		}
		b := work[k]
		work[k] = work[len(work)-1]
		work = work[:len(work)-1]
		queued[b] = false
		run(b, f.Blocks[b].Lo, append(bits{}, in[b]...))
	}
	return end
}
