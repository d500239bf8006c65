package modref

import (
	"slices"
	"strings"
	"sync"

	"saz/frontend/check"
	"saz/frontend/ctype"
	"saz/ir"
	"saz/ir/models"
	"saz/passes"
	"saz/passes/callgraph"
	"saz/passes/pointer"
)

type analysis struct {
	prog   *ir.Program
	models *models.Set
	pts    *pointer.Result
	graph  *callgraph.Result

	parts *parts
	reach *reach
	base  []int32 // by function: its first instruction, counted over all

	writes, reads []int32 // by instruction: its effect
	args          map[argKey]PartID
	params        map[argKey]PartID
	frees         map[ir.Ref][]pointer.ObjID

	mu   sync.Mutex
	sums [2][]Bits // by component of the call graph: regions read, written
}

// An argKey is argument or parameter k of a call or (I -1) a procedure.
type argKey struct {
	ir.Ref
	k int
}

func run(c *passes.Context) (any, error) {
	return Analyze(c.Prog, c.Models, pointer.Of(c), callgraph.Of(c)), nil
}

// Analyze computes the accesses of all instructions.
func Analyze(p *ir.Program, ms *models.Set, pts *pointer.Result, g *callgraph.Result) *Result {
	if ms == nil {
		ms = models.Default()
	}
	a := &analysis{prog: p, models: ms, pts: pts, graph: g, frees: map[ir.Ref][]pointer.ObjID{}, args: map[argKey]PartID{}, params: map[argKey]PartID{}}
	a.parts, a.reach = newParts(a), newReach(pts)
	n := int32(0)
	for _, f := range p.Funcs {
		a.base = append(a.base, n)
		n += int32(len(f.Instrs))
	}
	a.writes, a.reads = make([]int32, n), make([]int32, n)
	var e effect
	for _, f := range p.Funcs {
		for k, l := range f.Params {
			if o := pts.LocalObj(f.ID, l); o >= 0 && len(f.Blocks) > 0 {
				s := a.parts.set([]pointer.Loc{{Obj: pts.Stands(o)}})
				a.params[argKey{ir.Ref{Func: f.ID, I: -1}, k}] = a.parts.part(partKey{set: s, size: -1, write: true})
			}
		}
		for i := range f.Instrs {
			e = effect{a: a, f: f, in: &f.Instrs[i], ref: ir.Ref{Func: f.ID, I: int32(i)}, w: e.w[:0], r: e.r[:0]}
			e.instr()
			a.writes[a.base[f.ID]+int32(i)], a.reads[a.base[f.ID]+int32(i)] = a.parts.effect(e.w), a.parts.effect(e.r)
			if len(e.freed) > 0 {
				slices.Sort(e.freed)
				a.frees[e.ref] = slices.Compact(e.freed)
			}
		}
	}
	a.parts.seal()
	a.reach = nil
	return &Result{a, a.partition()}
}

func (a *analysis) at(ref ir.Ref, t []int32) []Access {
	return a.parts.effAcc[t[a.base[ref.Func]+ref.I]]
}

// An effect collects what one instruction does.
type effect struct {
	a     *analysis
	f     *ir.Func
	in    *ir.Instr
	ref   ir.Ref
	w, r  []PartID
	freed []pointer.ObjID
}

// A dir is the direction of an access.
type dir bool

const (
	rd dir = false
	wr dir = true
)

// add notes an access through the set l.
func (e *effect) add(l []pointer.Loc, k partKey, d dir) {
	if k.set = e.a.parts.set(l); k.set < 0 {
		return
	}
	k.write = bool(d)
	if id := e.a.parts.part(k); len(e.a.parts.acc[id]) > 0 {
		if d == wr {
			e.w = append(e.w, id)
		} else {
			e.r = append(e.r, id)
		}
	}
}

// to notes an access of size bytes (-1: to the end) of what v points at.
func (e *effect) to(v ir.Value, size int64, d dir) {
	e.add(e.a.pts.PointsToClasses(e.f.ID, v), partKey{kind: sized, size: size}, d)
}

func (e *effect) instr() {
	in := e.in
	switch in.Op {
	case ir.Load:
		e.to(in.A, typeSize(in.Type), rd)
	case ir.Store:
		e.to(in.A, typeSize(in.Type), wr)
	case ir.LoadBits:
		e.bits(rd)
	case ir.StoreBits:
		e.bits(wr)
	case ir.Copy:
		e.to(in.A, typeSize(in.Type), wr)
		e.to(in.B, typeSize(in.Type), rd)
	case ir.Zero:
		e.to(in.A, typeSize(in.Type), wr)
	case ir.Ret:
		if t := e.f.Type; t != nil && t.Elem != nil && t.Elem.IsRecord() && in.A.Kind != ir.NoVal {
			e.to(in.A, typeSize(t.Elem), rd)
		}
	case ir.Call:
		e.call()
	case ir.Builtin:
		e.builtin()
	case ir.Asm:
		e.asm()
	}
}

// asm touches its operands, which are given by address where they are places;
// one that says that it touches memory, what they point at too, if it names addresses of its own.
func (e *effect) asm() {
	a := e.in.Asm
	if a == nil {
		return
	}
	clobbers := slices.Contains(a.Clobbers, "memory")
	reaches := clobbers && !ir.AsmStays(a.Template)
	size := func(o *check.AsmOperand) int64 {
		if ir.AsmTwoWords(a.Template) && strings.Contains(o.Constraint, "m") {
			return -1 // and the word behind
		}
		return typeSize(o.X.Type)
	}
	for i, v := range e.in.Args {
		switch k := i - len(a.Out); {
		case k < 0:
			o := &a.Out[i]
			e.to(v, size(o), wr)
			if clobbers || strings.ContainsAny(o.Constraint, "+m") {
				e.to(v, size(o), rd)
			}
		case k < len(a.In) && ir.IsLvalue(a.In[k].X):
			e.to(v, size(&a.In[k]), rd)
			if clobbers { // by which it may say that it changes its input
				e.to(v, size(&a.In[k]), wr)
			}
			if reaches {
				l := e.a.pts.PointsToClasses(e.f.ID, v)
				e.add(l, partKey{kind: behind}, wr)
				e.add(l, partKey{kind: behind}, rd)
			}
		case reaches:
			e.to(v, -1, wr)
			e.to(v, -1, rd)
		}
	}
}

func (e *effect) bits(d dir) {
	lo := e.in.Field.BitOff / 8
	hi := (e.in.Field.BitOff + e.in.Field.BitWidth + 7) / 8
	e.add(e.a.pts.PointsToClasses(e.f.ID, e.in.A), partKey{kind: moved, size: hi - lo, shift: lo}, d)
}

func (e *effect) builtin() {
	in := e.in
	switch name := in.Name; {
	case name == "va_start", name == "va_end":
		e.to(in.Args[0], -1, wr)
	case name == "va_arg":
		e.to(in.Args[0], -1, wr)
		e.to(in.Args[0], -1, rd)
		if in.B.Kind != ir.NoVal { // a record
			e.to(in.B, -1, wr)
		}
	case name == "va_copy":
		e.to(in.Args[0], -1, wr)
		e.to(in.Args[1], -1, rd)
	default:
		if at, ok := ir.AtomicOf(name); ok {
			e.atomic(&at)
			return
		}
		if m := e.a.models.Lookup(name); m != nil {
			e.model(m, name, nil)
			return
		}
		for i, v := range in.Args {
			var t *ctype.Type
			if i < len(in.ArgTypes) {
				t = in.ArgTypes[i]
			}
			x := ir.BuiltinAccessOf(name, t)
			if x.Writes {
				e.to(v, x.Size, wr)
			}
			if x.Reads {
				e.to(v, x.Size, rd)
			}
		}
	}
}

// atomic touches its object, and values that are passed by address.
func (e *effect) atomic(at *ir.Atomic) {
	for i, v := range e.in.Args {
		size := int64(-1)
		if t := e.in.ArgTypes[i]; t != nil && t.Kind == ctype.Pointer && t.Elem.Kind != ctype.Void {
			size = typeSize(t.Elem)
		} else if t != nil && t.Kind == ctype.Pointer {
			size = 1 // a flag
		}
		role := at.Role(i)
		if i == 0 && at.Writes || role == ir.AtomicTo || role == ir.AtomicExpected {
			e.to(v, size, wr)
		}
		if i == 0 && at.Reads || role == ir.AtomicFrom || role == ir.AtomicExpected {
			e.to(v, size, rd)
		}
	}
}

func (e *effect) call() {
	in := e.in
	if in.B.Kind != ir.NoVal {
		e.to(in.B, typeSize(in.Type), wr)
	}
	for i, t := range in.ArgTypes {
		if i < len(in.Args) && t != nil && t.IsRecord() {
			n := len(e.r)
			if e.to(in.Args[i], typeSize(t), rd); len(e.r) > n {
				e.a.args[argKey{e.ref, i}] = e.r[n]
			}
		}
	}
	callees := e.a.pts.Callees(e.ref)
	for _, g := range callees {
		fn := e.a.prog.Funcs[g]
		if len(fn.Blocks) > 0 {
			continue
		}
		if m := e.a.pts.Model(g); m != nil {
			var ft *ctype.FuncType
			if fn.Type != nil {
				ft = fn.Type.Func
			}
			e.model(m, fn.Link, ft)
		} else {
			e.unknown()
		}
	}
	if len(callees) == 0 {
		// A pointer that a library gave, or none at all.
		for _, l := range e.a.pts.PointsToClasses(e.f.ID, in.A) {
			if e.a.pts.Objects[l.Obj].Kind == pointer.Unknown {
				e.unknown()
				break
			}
		}
	}
}

// unknown code may read and write all that it can reach from its arguments.
func (e *effect) unknown() {
	for i, v := range e.in.Args {
		if i < len(e.in.ArgTypes) && e.in.ArgTypes[i] != nil && e.in.ArgTypes[i].IsArith() && ctype.SizeOf(e.in.ArgTypes[i]) < 8 {
			continue
		}
		l := e.a.pts.PointsToClasses(e.f.ID, v)
		e.add(l, partKey{kind: reachable}, wr)
		e.add(l, partKey{kind: reachable}, rd)
	}
}

// Frees are not accesses: see Result.Frees.

func (e *effect) model(m *models.Model, name string, ft *ctype.FuncType) {
	arg := func(i int) (ir.Value, bool) {
		if i = models.Chk(name, i); i < len(e.in.Args) {
			return e.in.Args[i], true
		}
		return ir.Value{}, false
	}
	opaque := func(i int) bool { return slices.Contains(m.Opaque, i) }
	length := int64(-1)
	if m.Len != nil {
		if v, ok := arg(*m.Len); ok && v.Kind == ir.VInt && v.Off >= 0 {
			length = v.Off
		}
	}
	each := func(l []int, d dir, fixed int64) {
		for _, i := range l {
			if opaque(i) {
				continue
			}
			if v, ok := arg(i); ok {
				e.region(v, length, fixed, d)
			}
		}
	}
	deep := func(l []int, d dir) {
		for _, i := range l {
			if v, ok := arg(i); ok {
				e.add(e.a.pts.PointsToClasses(e.f.ID, v), partKey{kind: behind, size: int64(m.Depth)}, d)
			}
		}
	}
	each(m.Writes, wr, -1)
	each(m.Fills, wr, -1)
	each(m.Reads, rd, -1)
	each(m.Points, wr, ctype.PtrSize)
	each(m.PointsIn, wr, -1)
	each(m.GivesIn, wr, -1)
	each(m.KeepsIn, rd, -1)
	deep(m.Gathers, rd)
	deep(m.Scatters, wr)
	for _, c := range m.Copies {
		each(c[:1], wr, -1)
		each(c[1:], rd, -1)
	}
	for _, c := range m.Moves {
		each(c[:1], wr, ctype.PtrSize)
	}
	for _, c := range m.Puts {
		each(c[:1], wr, -1)
	}
	if m.Alloc != nil && m.Alloc.Out != nil {
		each([]int{*m.Alloc.Out}, wr, ctype.PtrSize)
	}
	if m.Alloc != nil && m.Alloc.From != nil {
		each([]int{*m.Alloc.From}, rd, -1)
	}
	if m.Varargs > 0 {
		d := rd
		if m.Escapes {
			d = wr
		}
		for i := models.Chk(name, m.Varargs); i < len(e.in.Args); i++ {
			e.region(e.in.Args[i], -1, -1, d)
		}
	}
	for i := range m.Calls {
		if c := &m.Calls[i]; c.In {
			each([]int{c.Arg}, rd, -1)
		}
	}
	if r := m.Receive; r != nil {
		each(r.Out, wr, ctype.PtrSize)
		deep(r.Vectors, wr)
	}
	for _, o := range e.a.pts.HeapAt(e.ref) {
		if e.a.pts.Objects[o].Packet {
			e.add([]pointer.Loc{{Obj: o, Off: pointer.Any}}, partKey{kind: sized, size: -1}, wr)
		}
	}
	for _, i := range m.Frees {
		if v, ok := arg(i); ok && !opaque(i) {
			for _, l := range e.a.pts.PointsToClasses(e.f.ID, v) {
				if o := &e.a.pts.Objects[l.Obj]; o.Kind == pointer.Heap && !o.Stack {
					e.freed = append(append(e.freed, l.Obj), e.a.pts.Members(l.Obj)...)
					for _, x := range e.a.pts.Behind(l.Obj) {
						e.freed = append(e.freed, x.Obj)
					}
				}
			}
		}
	}
}

// region adds what a library function may touch of what v points at: length
// bytes if that is known, otherwise fixed if positive, otherwise as far as the
// type of the pointer, before it was converted for the call, lets one guess:
// an object of the type that it points at, or the array of bytes that it
// points into. Writing beyond an array is undefined; a pointer without a type
// may mean all the rest of the object.
func (e *effect) region(v ir.Value, length, fixed int64, d dir) {
	if length >= 0 {
		if length > 0 {
			e.to(v, length, d)
		}
		return
	}
	k := partKey{kind: sized, size: fixed} // of an array, one element stands for all
	if fixed < 0 {
		switch t := e.pointee(v); {
		case t != nil && t.IsChar(), t == nil && v.Kind != ir.VReg:
			k.kind = bounded
		case t != nil:
			if n := typeSize(t); n > 0 {
				k.size = n
			}
		}
	}
	e.add(e.a.pts.PointsToClasses(e.f.ID, v), k, d)
}

// must says whether the instruction overwrites one whole place for certain.
func (a *analysis) must(ref ir.Ref) (pointer.Loc, int64, bool) {
	f := a.prog.Funcs[ref.Func]
	in := &f.Instrs[ref.I]
	var size int64
	switch in.Op {
	case ir.Store, ir.Copy, ir.Zero:
		size = typeSize(in.Type)
	case ir.Call:
		l := a.pts.Callees(ref)
		if len(l) != 1 {
			return pointer.Loc{}, 0, false
		}
		m := a.pts.Model(l[0])
		if m == nil || len(m.Fills)+len(m.Writes) == 0 {
			return pointer.Loc{}, 0, false
		}
		w := a.at(ref, a.writes)
		fill := m.Fills
		if len(fill) == 0 && m.Len != nil && !m.Strlen && len(m.Writes) == 1 && m.Receive == nil {
			fill = m.Writes // memset
		}
		if len(fill) != 1 || len(w) != 1 || fill[0] >= len(in.Args) {
			return pointer.Loc{}, 0, false
		}
		size = w[0].Size
		if m.Len != nil && in.Args[min(*m.Len, len(in.Args)-1)].Kind != ir.VInt {
			return pointer.Loc{}, 0, false
		}
		return a.mustAt(w[0].Loc, size)
	default:
		return pointer.Loc{}, 0, false
	}
	l := a.pts.PointsToClasses(f.ID, in.A)
	if len(l) != 1 {
		return pointer.Loc{}, 0, false
	}
	return a.mustAt(l[0], size)
}

func (a *analysis) mustAt(l pointer.Loc, size int64) (pointer.Loc, int64, bool) {
	if size <= 0 || l.Off == pointer.Any || !a.pts.Single(l.Obj) {
		return pointer.Loc{}, 0, false
	}
	if a.pts.Collapsed(l) {
		// Whole objects that are arrays, or begin with one.
		if n := a.pts.Size(l.Obj); l.Off != 0 || n < 0 || size < n {
			return pointer.Loc{}, 0, false
		}
	}
	return l, size, true
}
