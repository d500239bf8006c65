package modref

import (
	"slices"
	"strings"
	"sync"

	"saz/frontend/ctype"
	"saz/ir"
	"saz/ir/models"
	"saz/passes"
	"saz/passes/callgraph"
	"saz/passes/pointer"
)

// An accessTable holds the accesses of each instruction, by function and
// index; nil where there are none.
type accessTable [][][]Access

type analysis struct {
	prog   *ir.Program
	models *models.Set
	pts    *pointer.Result
	graph  *callgraph.Result

	writes, reads accessTable
	frees         map[ir.Ref][]pointer.ObjID

	mu   sync.Mutex
	sums map[sumKey][]Access
}

type sumKey struct {
	f   ir.FuncID
	mod bool
}

func run(c *passes.Context) (any, error) {
	return Analyze(c.Prog, c.Models, pointer.Of(c), callgraph.Of(c)), nil
}

// Analyze computes the accesses of all instructions.
func Analyze(p *ir.Program, ms *models.Set, pts *pointer.Result, g *callgraph.Result) *Result {
	if ms == nil {
		ms = models.Default()
	}
	a := &analysis{prog: p, models: ms, pts: pts, graph: g, frees: map[ir.Ref][]pointer.ObjID{}, sums: map[sumKey][]Access{}}
	a.writes, a.reads = make(accessTable, len(p.Funcs)), make(accessTable, len(p.Funcs))
	for _, f := range p.Funcs {
		if len(f.Blocks) == 0 {
			continue
		}
		w, r := make([][]Access, len(f.Instrs)), make([][]Access, len(f.Instrs))
		for i := range f.Instrs {
			e := effect{a: a, f: f, in: &f.Instrs[i], ref: ir.Ref{Func: f.ID, I: int32(i)}}
			e.instr()
			w[i], r[i] = tidy(e.w), tidy(e.r)
			if len(e.freed) > 0 {
				slices.Sort(e.freed)
				a.frees[e.ref] = slices.Compact(e.freed)
			}
		}
		a.writes[f.ID], a.reads[f.ID] = w, r
	}
	return &Result{a}
}

func (a *analysis) at(ref ir.Ref, t *accessTable) []Access {
	if l := (*t)[ref.Func]; l != nil {
		return l[ref.I]
	}
	return nil
}

// expand turns accesses into the places of the scalars that they touch.
func (a *analysis) expand(acc []Access) []pointer.Loc {
	out := make([]pointer.Loc, 0, len(acc))
	for _, x := range acc {
		if x.Size >= 0 && x.Size <= 8 {
			out = append(out, x.Loc)
		} else {
			out = append(out, a.pts.Leaves(x.Loc, x.Size)...)
		}
	}
	sortLocs(out)
	return slices.Compact(out)
}

func sortLocs(l []pointer.Loc) {
	slices.SortFunc(l, func(x, y pointer.Loc) int {
		if x.Obj != y.Obj {
			return int(x.Obj) - int(y.Obj)
		}
		return int(x.Off) - int(y.Off)
	})
}

// tidy sorts accesses and drops those within others.
func tidy(l []Access) []Access {
	if len(l) < 2 {
		return l
	}
	slices.SortFunc(l, func(x, y Access) int {
		if x.Obj != y.Obj {
			return int(x.Obj) - int(y.Obj)
		}
		if x.Off != y.Off {
			return int(x.Off) - int(y.Off)
		}
		return int(end(y) - end(x))
	})
	out := l[:0]
	for _, x := range l {
		if n := len(out); n > 0 && out[n-1].Obj == x.Obj && (out[n-1].Off == pointer.Any || end(x) <= end(out[n-1])) {
			continue
		}
		out = append(out, x)
	}
	return out
}

// end is where an access ends; far away if it has no end.
func end(a Access) int64 {
	if a.Size < 0 || a.Off == pointer.Any {
		return 1 << 40
	}
	return int64(a.Off) + a.Size
}

// Overlap reports whether a and b may have bytes in common.
func Overlap(a, b Access) bool {
	if a.Obj != b.Obj {
		return false
	}
	return a.Off == pointer.Any || b.Off == pointer.Any || int64(a.Off) < end(b) && int64(b.Off) < end(a)
}

// An effect collects what one instruction does.
type effect struct {
	a     *analysis
	f     *ir.Func
	in    *ir.Instr
	ref   ir.Ref
	w, r  []Access
	freed []pointer.ObjID
}

func (e *effect) to(v ir.Value, size int64, list *[]Access) {
	for _, l := range e.a.pts.PointsTo(e.f.ID, v) {
		e.loc(l, size, list)
	}
}

func (e *effect) loc(l pointer.Loc, size int64, list *[]Access) {
	if o := &e.a.pts.Objects[l.Obj]; o.Kind == pointer.Func || list == &e.w && o.Kind == pointer.Global && e.a.prog.Globals[o.Global].String {
		return
	}
	l, size = e.a.pts.Span(l, size)
	*list = append(*list, Access{l, size})
}

func typeSize(t *ctype.Type) int64 {
	if t == nil {
		return -1
	}
	if n := ctype.SizeOf(t); n >= 0 {
		return n
	}
	return -1
}

func (e *effect) instr() {
	in := e.in
	switch in.Op {
	case ir.Load:
		e.to(in.A, typeSize(in.Type), &e.r)
	case ir.Store:
		e.to(in.A, typeSize(in.Type), &e.w)
	case ir.LoadBits:
		e.bits(&e.r)
	case ir.StoreBits:
		e.bits(&e.w)
	case ir.Copy:
		e.to(in.A, typeSize(in.Type), &e.w)
		e.to(in.B, typeSize(in.Type), &e.r)
	case ir.Zero:
		e.to(in.A, typeSize(in.Type), &e.w)
	case ir.Ret:
		if t := e.f.Type; t != nil && t.Elem != nil && t.Elem.IsRecord() && in.A.Kind != ir.NoVal {
			e.to(in.A, typeSize(t.Elem), &e.r)
		}
	case ir.Call:
		e.call()
	case ir.Builtin:
		e.builtin()
	case ir.Asm:
		outs, memory := 0, false
		if in.Asm != nil {
			outs = len(in.Asm.Out)
			memory = slices.Contains(in.Asm.Clobbers, "memory")
		}
		for i, v := range in.Args {
			if i < outs {
				e.to(v, 8, &e.w)
				e.to(v, 8, &e.r)
			} else if memory {
				e.to(v, -1, &e.w)
				e.to(v, -1, &e.r)
			}
		}
	}
}

func (e *effect) bits(list *[]Access) {
	lo := e.in.Field.BitOff / 8
	hi := (e.in.Field.BitOff + e.in.Field.BitWidth + 7) / 8
	for _, l := range e.a.pts.PointsTo(e.f.ID, e.in.A) {
		for _, m := range e.a.pts.Shift(l, lo) {
			e.loc(m, hi-lo, list)
		}
	}
}

func (e *effect) builtin() {
	in := e.in
	switch name := in.Name; {
	case name == "va_start", name == "va_end":
		e.to(in.Args[0], -1, &e.w)
	case name == "va_arg":
		e.to(in.Args[0], -1, &e.w)
		e.to(in.Args[0], -1, &e.r)
	case name == "va_copy":
		e.to(in.Args[0], -1, &e.w)
		e.to(in.Args[1], -1, &e.r)
	case strings.HasPrefix(name, "__atomic_"), strings.HasPrefix(name, "__sync_"):
		for i, v := range in.Args {
			size := int64(8)
			if i < len(in.ArgTypes) {
				if t := in.ArgTypes[i]; t == nil || t.Kind != ctype.Pointer {
					continue
				} else if n := typeSize(t.Elem); n > 0 && t.Elem.Kind != ctype.Void {
					size = n
				}
			}
			if i > 0 && (strings.HasSuffix(name, "_n") && !strings.Contains(name, "compare") || strings.HasPrefix(name, "__sync_")) {
				break // the other arguments are values
			}
			if !strings.Contains(name, "load") || i > 0 {
				e.to(v, size, &e.w)
			}
			if !strings.Contains(name, "store") || i > 0 {
				e.to(v, size, &e.r)
			}
		}
	default:
		if m := e.a.models.Lookup(name); m != nil {
			e.model(m, name, nil)
		}
	}
}

func (e *effect) call() {
	in := e.in
	if in.B.Kind != ir.NoVal {
		e.to(in.B, typeSize(in.Type), &e.w)
	}
	for i, t := range in.ArgTypes {
		if i < len(in.Args) && t != nil && t.IsRecord() {
			e.to(in.Args[i], typeSize(t), &e.r)
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
		for _, l := range e.a.pts.PointsTo(e.f.ID, in.A) {
			if e.a.pts.Objects[l.Obj].Kind == pointer.Unknown {
				e.unknown()
				break
			}
		}
	}
}

// unknown code may read and write all that it can reach from its arguments.
func (e *effect) unknown() {
	seen := map[pointer.ObjID]bool{}
	for i, v := range e.in.Args {
		if i < len(e.in.ArgTypes) && e.in.ArgTypes[i] != nil && e.in.ArgTypes[i].IsArith() && ctype.SizeOf(e.in.ArgTypes[i]) < 8 {
			continue
		}
		for _, l := range e.a.pts.PointsTo(e.f.ID, v) {
			for _, o := range e.a.pts.Reach(l.Obj) {
				if !seen[o] {
					seen[o] = true
					e.loc(pointer.Loc{Obj: o, Off: pointer.Any}, -1, &e.w)
					e.loc(pointer.Loc{Obj: o, Off: pointer.Any}, -1, &e.r)
				}
			}
		}
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
	each := func(l []int, list *[]Access, fixed int64) {
		for _, i := range l {
			if opaque(i) {
				continue
			}
			if v, ok := arg(i); ok {
				e.region(v, length, fixed, list)
			}
		}
	}
	deep := func(l []int, list *[]Access) {
		for _, i := range l {
			v, ok := arg(i)
			if !ok {
				continue
			}
			for _, p := range e.a.pts.PointsTo(e.f.ID, v) {
				for _, q := range e.a.pts.Contents(p.Obj, pointer.Any) {
					e.loc(q, -1, list)
				}
			}
		}
	}
	each(m.Writes, &e.w, -1)
	each(m.Fills, &e.w, -1)
	each(m.Reads, &e.r, -1)
	each(m.Points, &e.w, ctype.PtrSize)
	each(m.GivesIn, &e.w, -1)
	each(m.KeepsIn, &e.r, -1)
	deep(m.Gathers, &e.r)
	deep(m.Scatters, &e.w)
	for _, c := range m.Copies {
		each(c[:1], &e.w, -1)
		each(c[1:], &e.r, -1)
	}
	for _, c := range m.Moves {
		each(c[:1], &e.w, ctype.PtrSize)
	}
	for _, c := range m.Puts {
		each(c[:1], &e.w, -1)
	}
	if m.Alloc != nil && m.Alloc.Out != nil {
		each([]int{*m.Alloc.Out}, &e.w, ctype.PtrSize)
	}
	if m.Alloc != nil && m.Alloc.From != nil {
		each([]int{*m.Alloc.From}, &e.r, -1)
	}
	if m.Varargs > 0 {
		list := &e.r
		if m.Escapes {
			list = &e.w
		}
		for i := models.Chk(name, m.Varargs); i < len(e.in.Args); i++ {
			e.region(e.in.Args[i], -1, -1, list)
		}
	}
	for i := range m.Calls {
		if c := &m.Calls[i]; c.In {
			each([]int{c.Arg}, &e.r, -1)
		}
	}
	if r := m.Receive; r != nil {
		each(r.Out, &e.w, ctype.PtrSize)
		deep(r.Vectors, &e.w)
	}
	for _, o := range e.a.pts.HeapAt(e.ref) {
		if e.a.pts.Objects[o].Packet {
			e.loc(pointer.Loc{Obj: o, Off: pointer.Any}, -1, &e.w)
		}
	}
	for _, i := range m.Frees {
		if v, ok := arg(i); ok && !opaque(i) {
			for _, l := range e.a.pts.PointsTo(e.f.ID, v) {
				if o := &e.a.pts.Objects[l.Obj]; o.Kind == pointer.Heap && !o.Stack {
					e.freed = append(e.freed, l.Obj)
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
func (e *effect) region(v ir.Value, length, fixed int64, list *[]Access) {
	if length >= 0 {
		if length > 0 {
			e.to(v, length, list)
		}
		return
	}
	size := fixed
	var t *ctype.Type
	if fixed < 0 {
		t = e.pointee(v)
		if t != nil && !t.IsChar() {
			if n := typeSize(t); n > 0 {
				size = n
			}
		}
	}
	for _, l := range e.a.pts.PointsTo(e.f.ID, v) {
		n := size // of an array, one element stands for all
		if fixed < 0 && (t == nil || t.IsChar()) {
			n = e.a.pts.Bound(l)
		}
		e.loc(l, n, list)
	}
}

// pointee returns what v pointed at before it was converted to void *; nil if
// that is not known.
func (e *effect) pointee(v ir.Value) *ctype.Type {
	var t *ctype.Type
	for range 4 {
		switch v.Kind {
		case ir.VGlobal:
			if v.Off == 0 {
				return unarray(e.a.prog.Globals[v.ID].Type)
			}
			return nil
		case ir.VLocal:
			if v.Off == 0 {
				return unarray(e.f.Locals[v.ID].Type)
			}
			return nil
		case ir.VReg:
		default:
			return nil
		}
		t = e.f.Regs[v.ID].Type
		if t != nil && t.Kind == ctype.Pointer && t.Elem.Kind != ctype.Void && ctype.IsComplete(t.Elem) {
			return t.Elem
		}
		d := e.f.Regs[v.ID].Def
		if d < 0 {
			return nil
		}
		if in := &e.f.Instrs[d]; in.Op == ir.Conv || in.Op == ir.Move {
			v = in.A
			continue
		}
		return nil
	}
	return nil
}

// unarray: an array is passed as a pointer to its element, and what is
// touched is as much of it as there is.
func unarray(t *ctype.Type) *ctype.Type {
	if t != nil && t.Kind == ctype.Array && t.Elem.IsChar() {
		return t.Elem
	}
	return t
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
		w := a.at(ref, &a.writes)
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
	l := a.pts.PointsTo(f.ID, in.A)
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

func (a *analysis) summary(f ir.FuncID, mod bool) []Access {
	k := sumKey{f, mod}
	a.mu.Lock()
	defer a.mu.Unlock()
	if l, ok := a.sums[k]; ok {
		return l
	}
	t := &a.reads
	if mod {
		t = &a.writes
	}
	var out []Access
	for _, g := range a.graph.ReachableSync(f) {
		for _, l := range (*t)[g] {
			out = append(out, l...)
		}
		if len(out) > 1<<16 {
			out = tidy(out)
		}
	}
	out = tidy(out)
	a.sums[k] = out
	return out
}
