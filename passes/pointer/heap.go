package pointer

import (
	"slices"

	"saz/frontend/check"
	"saz/frontend/ctype"
	"saz/ir"
	"saz/ir/models"
)

// Heap objects are named by allocation site. A procedure that returns what it
// has just allocated is a wrapper (xmalloc, host_new): what it allocates is a
// separate object for each direct call of it, up to maxDepth wrappers deep.
//
// That is sound because the name is a function of the concrete allocation: the
// block allocated while the wrapper runs for call c is object (c, site). Inside
// the wrapper, which is not cloned, its pointer stands for all of them; at c,
// the result is that one, and whatever else the wrapper may return (a block of
// an earlier call that it kept) comes from its other return values.

const (
	maxDepth  = 3
	maxClones = 2000
)

type wrapper struct {
	origins map[int32]bool // call instructions whose fresh result is returned
	rest    []ir.Value     // other values that may be returned
	via     []int32        // calls of other wrappers, whose rest may be returned too
	level   int
	others  []ObjID // what calls through pointers get
}

type heap struct {
	s         *solver
	wrappers  map[ir.FuncID]*wrapper
	direct    map[ir.FuncID][]ir.Ref // direct calls of wrappers
	addressed map[ir.FuncID]bool
	freshAt   map[ir.Ref][]ObjID
	witnesses map[ir.Ref]*witness
	tails     map[*lay][]*lay // see tailed
	fronts    map[ir.Ref]*front
	skips     map[ir.Ref]int32 // by instruction that steps over a header: the call that allocated it
}

// A witness is what the uses of a fresh pointer say of its type.
type witness struct {
	types  []*ctype.Type // element types by order of appearance
	char   *ctype.Type
	walked bool   // something unknown is added to it, as to bytes
	behind []*lay // what such sums point at; rawLay if that is not known
}

func newHeap(s *solver) *heap {
	h := &heap{s: s, wrappers: map[ir.FuncID]*wrapper{}, direct: map[ir.FuncID][]ir.Ref{}, addressed: map[ir.FuncID]bool{},
		freshAt: map[ir.Ref][]ObjID{}, witnesses: map[ir.Ref]*witness{}, fronts: map[ir.Ref]*front{}, skips: map[ir.Ref]int32{}}
	s.heap = h
	h.findFronts()
	h.findAll()
	s.findFreeLists()
	if len(s.asFresh) > 0 {
		h.findAll() // calls that take blocks off free lists allocate, too
		s.findRecyclers()
	}
	if len(h.wrappers) > 0 {
		h.scan()
	}
	for _, f := range s.base {
		if f != nil {
			h.name(f)
		}
	}
	return h
}

func (h *heap) findAll() {
	clear(h.wrappers)
	busy := map[ir.FuncID]bool{}
	for _, f := range h.s.prog.Funcs {
		h.find(f, busy)
	}
}

// name names the objects of every direct call of an allocator in f and the
// copies in it.
func (h *heap) name(f *inst) {
	for i := range f.Instrs {
		if m, name := h.allocator(f.Func, int32(i)); m != nil {
			path, root := f.path(int32(i))
			inner := allocCall{path[0], m, name}
			last := path[len(path)-1]
			var objs []ObjID
			if w := h.wrappers[root.ID]; h.returned(path) == len(path) && w != nil && w.origins[last.I] && !h.s.cloned[root.ID] {
				if h.count(root.ID, 1) <= maxClones && !h.stored(root.Func, h.handed(last)...) {
					objs = h.expand(root.Func, path, 1, inner)
				} else {
					objs = []ObjID{h.make(inner, path)}
					h.share(root.Func, last, objs[0], map[ir.Ref]bool{})
				}
			} else {
				objs = []ObjID{h.make(inner, path)}
			}
			if f.fresh == nil {
				f.fresh = map[int32][]ObjID{}
			}
			f.fresh[int32(i)] = objs
		}
	}
	for _, k := range f.kids {
		h.name(k)
	}
}

// handed lists the registers that hold what the call at ref gives its function.
func (h *heap) handed(ref ir.Ref) []ir.Reg {
	f := h.s.prog.Funcs[ref.Func]
	fr := h.fronts[ref]
	if fr == nil {
		return []ir.Reg{f.Instrs[ref.I].Dst}
	}
	var out []ir.Reg
	for _, i := range fr.skips {
		out = append(out, f.Instrs[i].Dst)
	}
	return out
}

// stored reports whether f stores one of the registers anywhere: then one object for each
// caller of f would only make sets larger.
func (h *heap) stored(f *ir.Func, regs ...ir.Reg) bool {
	uses := h.s.usesOf(f)
	seen := map[ir.Reg]bool{}
	for _, r := range regs {
		seen[r] = true
	}
	work := regs
	for len(work) > 0 {
		r := work[0]
		work = work[1:]
		for _, i := range uses[r] {
			in := &f.Instrs[i]
			switch in.Op {
			case ir.Conv, ir.Move, ir.Phi:
				if !seen[in.Dst] {
					seen[in.Dst] = true
					work = append(work, in.Dst)
				}
			case ir.Store:
				if in.B.Kind == ir.VReg && in.B.ID == int32(r) && in.A.Kind != ir.VLocal {
					return true
				}
			}
		}
	}
	return false
}

// madeAt returns what the call of an allocator at i makes.
func (f *inst) madeAt(i int32) []ObjID {
	if f == nil {
		return nil
	}
	return f.fresh[i]
}

// returned says how many of the calls in path return what path[0] allocates.
func (h *heap) returned(path []ir.Ref) int {
	for k := range path[:len(path)-1] {
		if w := h.wrappers[path[k].Func]; w == nil || !w.origins[path[k].I] {
			return k + 1
		}
	}
	return len(path)
}

type allocCall struct {
	ref  ir.Ref
	m    *models.Model
	name string
}

// takesOff is what a call that takes a block off a free list does.
var takesOff = models.Model{Alloc: &models.Alloc{}}

// allocator returns the model if instruction i of f calls a library function
// that returns fresh memory, or takes a block off a free list.
func (h *heap) allocator(f *ir.Func, i int32) (*models.Model, string) {
	in := &f.Instrs[i]
	if in.Op != ir.Call || in.A.Kind != ir.VFunc || in.Dst < 0 {
		return nil, ""
	}
	if h.s.asFresh[ir.Ref{Func: f.ID, I: i}] {
		return &takesOff, h.s.prog.Funcs[in.A.ID].Link
	}
	m := h.s.modelOf(ir.FuncID(in.A.ID))
	if m == nil || m.Alloc == nil || m.Alloc.Out != nil {
		return nil, ""
	}
	return m, h.s.prog.Funcs[in.A.ID].Link
}

// find decides whether f is a wrapper. A procedure on the way to itself is not.
func (h *heap) find(f *ir.Func, busy map[ir.FuncID]bool) *wrapper {
	if w, ok := h.wrappers[f.ID]; ok {
		return w
	}
	if busy[f.ID] || len(f.Blocks) == 0 {
		return nil
	}
	busy[f.ID] = true // stays: asked once
	w := &wrapper{origins: map[int32]bool{}}
	seen := map[int32]bool{}
	var visit func(v ir.Value)
	visit = func(v ir.Value) {
		switch v.Kind {
		case ir.VReg:
		case ir.VGlobal, ir.VLocal, ir.VFunc:
			w.rest = append(w.rest, v)
			return
		default:
			return
		}
		d := f.Regs[v.ID].Def
		if d < 0 {
			w.rest = append(w.rest, v)
			return
		}
		if seen[d] {
			return
		}
		seen[d] = true
		in := &f.Instrs[d]
		switch in.Op {
		case ir.Move:
			visit(in.A)
			return
		case ir.Conv:
			if carries(in.Type) && carries(in.Opnd) {
				visit(in.A)
				return
			}
		case ir.Phi:
			for _, a := range in.Args {
				visit(a)
			}
			return
		case ir.IndexAddr:
			if call, ok := h.skips[ir.Ref{Func: f.ID, I: d}]; ok { // behind a header
				w.origins[call] = true
				w.level = max(w.level, 1)
				return
			}
		case ir.Call:
			if m, _ := h.allocator(f, d); m != nil {
				w.origins[d] = true
				w.level = max(w.level, 1)
				if len(m.Returns)+len(m.Same) > 0 || m.Gives || m.Static {
					w.rest = append(w.rest, v) // realloc: also what it was given
				}
				return
			}
			if in.A.Kind == ir.VFunc {
				if g := h.find(h.s.prog.Funcs[in.A.ID], busy); g != nil && g.level < maxDepth {
					w.origins[d] = true
					w.level = max(w.level, g.level+1)
					if len(g.rest) > 0 || len(g.via) > 0 {
						w.via = append(w.via, d)
					}
					return
				}
			}
		}
		w.rest = append(w.rest, v)
	}
	for i := range f.Instrs {
		if in := &f.Instrs[i]; in.Op == ir.Ret && in.A.Kind != ir.NoVal && f.Type != nil && !isMemType(f.Type.Elem) {
			visit(in.A)
		}
	}
	if len(w.origins) == 0 {
		return nil
	}
	h.wrappers[f.ID] = w
	return w
}

// scan finds the direct calls of wrappers and the wrappers whose address is
// taken.
func (h *heap) scan() {
	take := func(v ir.Value) {
		if v.Kind == ir.VFunc {
			h.addressed[ir.FuncID(v.ID)] = true
		}
	}
	for _, f := range h.s.prog.Funcs {
		for i := range f.Instrs {
			in := &f.Instrs[i]
			if in.Op == ir.Call && in.A.Kind == ir.VFunc {
				g := ir.FuncID(in.A.ID)
				if h.wrappers[g] != nil && !h.s.cloned[g] {
					h.direct[g] = append(h.direct[g], ir.Ref{Func: f.ID, I: int32(i)})
				}
			} else {
				take(in.A)
			}
			take(in.B)
			for _, a := range in.Args {
				take(a)
			}
		}
	}
	for _, g := range h.s.prog.Globals {
		for i := range g.Init {
			take(g.Init[i].Value)
		}
	}
}

// count bounds the objects that expand would make for one allocation in f.
func (h *heap) count(f ir.FuncID, depth int) int {
	n := 1
	for _, c := range h.direct[f] {
		if w := h.wrappers[c.Func]; w != nil && w.origins[c.I] && depth < maxDepth && !h.s.cloned[c.Func] {
			n += h.count(c.Func, depth+1)
		} else {
			n++
		}
		if n > maxClones {
			break
		}
	}
	return n
}

// expand makes the objects of an allocation that arrives in f, a wrapper, at
// path[len(path)-1], one for each chain of calls of wrappers, and gives them to
// every call on the chain.
func (h *heap) expand(f *ir.Func, path []ir.Ref, depth int, inner allocCall) []ObjID {
	via := path[len(path)-1]
	w := h.wrappers[f.ID]
	var objs []ObjID
	if w != nil && w.origins[via.I] && depth <= maxDepth && !h.s.cloned[f.ID] {
		for _, c := range h.direct[f.ID] {
			p := append(path[:len(path):len(path)], c)
			objs = append(objs, h.expand(h.s.prog.Funcs[c.Func], p, depth+1, inner)...)
		}
		if len(objs) == 0 || h.addressed[f.ID] || f.ID == h.s.prog.Entry || h.s.prog.Entry < 0 {
			o := h.make(inner, path)
			w.others = append(w.others, o)
			objs = append(objs, o)
		}
	} else {
		objs = []ObjID{h.make(inner, path)}
		if w != nil && w.origins[via.I] && !h.s.cloned[f.ID] {
			// Too deep to tell apart who calls f.
			w.others = append(w.others, objs...)
			w.rest = append(w.rest, ir.Value{Kind: ir.VReg, ID: int32(f.Instrs[via.I].Dst)})
		}
	}
	h.freshAt[via] = append(h.freshAt[via], objs...)
	return objs
}

// share gives one object to every call that its allocation arrives at: for a
// wrapper with so many callers that one for each would be too many.
func (h *heap) share(f *ir.Func, via ir.Ref, o ObjID, seen map[ir.Ref]bool) {
	if seen[via] {
		return
	}
	seen[via] = true
	h.freshAt[via] = append(h.freshAt[via], o)
	w := h.wrappers[f.ID]
	if w == nil || !w.origins[via.I] || h.s.cloned[f.ID] {
		return
	}
	w.others = append(w.others, o)
	for _, c := range h.direct[f.ID] {
		h.share(h.s.prog.Funcs[c.Func], c, o, seen)
	}
}

// object names an allocation that is not a direct call of an allocator: an
// allocator reached through a pointer, or one that stores its result.
func (h *heap) object(f *inst, i int32, m *models.Model, name string) ObjID {
	path, _ := f.path(i)
	return h.make(allocCall{path[0], m, name}, path)
}

// make makes one object: allocated at inner.ref = path[0], and handed through
// the calls path[1:].
func (h *heap) make(inner allocCall, path []ir.Ref) ObjID {
	s := h.s
	known := h.returned(path)
	site := path[known-1]
	if inner.m.Alloc.Opaque {
		o := s.newHeapObj(site, inner.ref, nil, false, false)
		s.objects[o].Opaque = true
		s.objLay[o] = blobLay
		return o
	}
	fr := h.fronts[inner.ref]
	sz := h.size(inner, path)
	if fr != nil {
		h.headOf(fr, inner.ref)
		sz.head = 0
		if sz.fixed -= fr.size; sz.fixed < 0 {
			sz = size{unknown: true}
		}
	}
	var w witness
	if inner.m.Alloc.String {
		w.char = ctype.TChar
	}
	for _, r := range path[:known] {
		h.gather(r, &w)
	}
	t, array, tail := w.choose(sz)
	if array && (sz.unknown || sz.unit == 1) && t != nil && s.lays.of(t).open() {
		array, tail = false, true // such records are no elements
	}
	if use := h.witnesses[site]; use != nil && use.char != nil && len(use.types) == 0 && t != nil && !t.IsRecord() {
		// Who asked uses it as bytes; what an allocator keeps in free blocks is its own.
		t, array, tail = use.char, true, false
	}
	if w.walked && t != nil && !t.IsRecord() && !bytesOnly(t) && len(w.behind) > 0 {
		t, array, tail = nil, true, false // a header of a size that is not known
	}
	if inner.m.Alloc.Self {
		t, array, tail = nil, true, false
	}
	o := s.newHeapObj(site, inner.ref, t, array, tail)
	var among []*lay
	for _, x := range w.types {
		if x.IsRecord() {
			among = append(among, s.lays.of(x))
		}
	}
	among = append(among, w.behind...)
	if t != nil && t.IsRecord() {
		s.trust[o] = !sz.unknown || h.tailed()[s.lays.of(t)] == nil
		for _, x := range w.types {
			s.trust[o] = s.trust[o] && (!x.IsRecord() || s.lays.of(x) == s.lays.of(t))
		}
	}
	if !s.trust[o] && len(among) > 0 {
		for i := 0; i < len(among); i++ { // and what is behind those
			for _, l := range h.tailed()[among[i]] {
				if !slices.Contains(among, l) {
					among = append(among, l)
				}
			}
		}
		if !slices.Contains(among, rawLay) {
			s.among[o] = among
		}
	}
	s.viewed[o] = (t == nil && w.walked || bytesOnly(t)) && !inner.m.Alloc.String
	s.text[o] = inner.m.Alloc.String
	if fr != nil {
		s.objects[o].Front = fr.size
		s.behind[fr.head] = append(s.behind[fr.head], Loc{Obj: o})
	}
	return o
}

// A size is what is known of a number of bytes: fixed + k*unit for an unknown k.
type size struct {
	fixed, unit int64
	head        int64 // what fixed has of a header: malloc(sizeof *h + n)
	unknown     bool  // not even that
}

// size works out how much inner allocates, with the parameters of wrappers
// replaced by what the calls in path pass.
func (h *heap) size(inner allocCall, path []ir.Ref) size {
	f := h.s.prog.Funcs[inner.ref.Func]
	in := &f.Instrs[inner.ref.I]
	if len(inner.m.Alloc.Size) == 0 {
		return size{unknown: true}
	}
	r := size{fixed: 1}
	for _, i := range inner.m.Alloc.Size {
		if i = models.Chk(inner.name, i); i >= len(in.Args) {
			return size{unknown: true}
		}
		r = mul(r, h.eval(in.Args[i], path, 0))
	}
	return r
}

func mul(a, b size) size {
	one := size{fixed: 1}
	switch {
	case a == one:
		return b
	case b == one:
		return a
	case a.fixed == 0 && a.unit == 0 && !a.unknown, b.fixed == 0 && b.unit == 0 && !b.unknown:
		return size{}
	case !a.unknown && a.unit == 0 && !b.unknown:
		return size{fixed: a.fixed * b.fixed, unit: a.fixed * b.unit}
	case !b.unknown && b.unit == 0 && !a.unknown:
		return size{fixed: a.fixed * b.fixed, unit: b.fixed * a.unit}
	case !a.unknown && a.unit == 0 && a.fixed > 1:
		return size{unit: a.fixed}
	case !b.unknown && b.unit == 0 && b.fixed > 1:
		return size{unit: b.fixed}
	}
	return size{unknown: true}
}

// eval evaluates v in the function of path[at], following parameters out to
// path[at+1].
func (h *heap) eval(v ir.Value, path []ir.Ref, at int) size {
	f := h.s.prog.Funcs[path[at].Func]
	for range 16 {
		switch v.Kind {
		case ir.VInt:
			return size{fixed: v.Off}
		case ir.VReg:
		default:
			return size{unknown: true}
		}
		d := f.Regs[v.ID].Def
		if d < 0 {
			if l := f.Regs[v.ID].Local; at+1 < len(path) && l >= 0 {
				for k, p := range f.Params {
					if p == l {
						c := path[at+1]
						in := &h.s.prog.Funcs[c.Func].Instrs[c.I]
						if k < len(in.Args) {
							return h.eval(in.Args[k], path, at+1)
						}
					}
				}
			}
			return size{unknown: true}
		}
		in := &f.Instrs[d]
		switch in.Op {
		case ir.Conv, ir.Move:
			v = in.A
			continue
		case ir.Bin:
			switch in.Sub {
			case check.Mul:
				return mul(h.eval(in.A, path, at), h.eval(in.B, path, at))
			case check.Shl:
				if in.B.Kind == ir.VInt && in.B.Off >= 0 && in.B.Off < 32 {
					return mul(h.eval(in.A, path, at), size{fixed: 1 << in.B.Off})
				}
			case check.Add:
				a, b := h.eval(in.A, path, at), h.eval(in.B, path, at)
				if b.fixed != 0 && b.unit == 0 && !b.unknown {
					a, b = b, a
				}
				if !a.unknown && a.unit == 0 {
					if b.unknown {
						return size{fixed: a.fixed, unit: 1, head: a.fixed}
					}
					return size{fixed: a.fixed + b.fixed, unit: b.unit, head: a.fixed}
				}
			}
		}
		return size{unknown: true}
	}
	return size{unknown: true}
}

// choose picks the element type of a block of a size that is known so far as
// sz says.
func (w *witness) choose(sz size) (t *ctype.Type, array, tail bool) {
	fits := func(t *ctype.Type) bool {
		n := ctype.SizeOf(t)
		if n <= 0 {
			return false
		}
		switch {
		case sz.unknown:
			return true
		case sz.unit == 0:
			return sz.fixed >= n
		case sz.fixed == 0:
			return sz.unit%n == 0 || sz.unit == 1
		}
		return sz.fixed >= n || sz.unit%n == 0
	}
	exact := func(t *ctype.Type) bool {
		n := ctype.SizeOf(t)
		if n <= 0 || sz.unknown {
			return false
		}
		if sz.unit != 0 && sz.fixed == 0 {
			return sz.unit == n
		}
		return sz.fixed == n
	}
	for pass := 0; pass < 4 && t == nil; pass++ {
		for _, c := range w.types {
			if pass == 0 && c.IsRecord() && exact(c) || pass == 1 && exact(c) || pass == 3 && fits(c) {
				t = c
				break
			}
			if pass == 2 && c.IsRecord() && fits(c) {
				t = c // the outermost caller's: an allocator has its own view of a block
			}
		}
	}
	if t == nil {
		if w.char != nil && len(w.types) == 0 {
			return w.char, true, false
		}
		return nil, true, false
	}
	n := ctype.SizeOf(t)
	if !t.IsRecord() && !sz.unknown && (sz.unit == 1 || sz.unit%n != 0 || sz.unit == 0 && sz.fixed%n != 0) {
		return nil, true, false // a number in front of something else, of which nothing is known
	}
	switch {
	case sz.unknown:
		return t, true, false
	case sz.unit != 0 && sz.head == n && t.IsRecord():
		return t, false, true // a header and what follows it
	case sz.unit == 0:
		switch {
		case sz.head == n && sz.fixed > n && t.IsRecord():
			return nil, false, false // a header, and something else of known size
		case sz.fixed == n:
			return t, false, false
		case sz.fixed%n == 0:
			return t, true, false
		}
		return t, false, true
	case sz.fixed == n && (sz.unit%n != 0 || sz.unit == 1):
		return t, false, true // a header and what follows it
	case sz.fixed > n && sz.fixed%n != 0:
		return t, false, true
	}
	return t, true, false
}

func (w *witness) add(t *ctype.Type) {
	if t == nil || t.Kind != ctype.Pointer || t.Elem == nil {
		return
	}
	e := t.Elem
	switch {
	case e.Kind == ctype.Void || e.Kind == ctype.Func || !ctype.IsComplete(e):
		return
	case e.IsChar():
		if w.char == nil {
			w.char = e.Unqualified()
		}
		return
	}
	for _, x := range w.types {
		if ctype.Same(x.Unqualified(), e.Unqualified()) {
			return
		}
	}
	w.types = append(w.types, e.Unqualified())
}

// witness collects what the uses of register r of f say.
func (h *heap) witness(f *ir.Func, r ir.Reg) (t *ctype.Type, array, tail bool) {
	var w witness
	h.follow(f, r, &w)
	return w.choose(size{unknown: true})
}

// gather adds what the function that contains call ref does with its result.
func (h *heap) gather(ref ir.Ref, w *witness) {
	f := h.s.prog.Funcs[ref.Func]
	have := h.witnesses[ref]
	if have == nil {
		have = &witness{}
		for _, r := range h.handed(ref) {
			h.follow(f, r, have)
		}
		if len(have.types) == 0 && have.char == nil {
			h.named(f, ref, have)
		}
		h.witnesses[ref] = have
	}
	if w.char == nil {
		w.char = have.char
	}
	w.walked = w.walked || have.walked
	for _, l := range have.behind {
		if !slices.Contains(w.behind, l) {
			w.behind = append(w.behind, l)
		}
	}
next:
	for _, t := range have.types {
		for _, x := range w.types {
			if ctype.Same(x, t) {
				continue next
			}
		}
		w.types = append(w.types, t)
	}
}

// follow walks over the copies of register r in f.
func (h *heap) follow(f *ir.Func, r ir.Reg, w *witness) {
	if r < 0 {
		return
	}
	uses := h.s.usesOf(f)
	seen := map[ir.Reg]bool{r: true}
	work := []ir.Reg{r}
	for len(work) > 0 {
		r := work[0]
		work = work[1:]
		if t := f.Regs[r].Type; t != nil {
			w.add(t)
		}
		for _, i := range uses[r] {
			in := &f.Instrs[i]
			switch in.Op {
			case ir.Conv:
				if in.Type.Kind != ctype.Pointer {
					continue
				}
				w.add(in.Type)
			case ir.Move, ir.Phi:
			case ir.IndexAddr:
				if in.Off == 1 && in.A.Kind == ir.VReg && in.A.ID == int32(r) && in.B.Kind != ir.VInt {
					w.walked = true
					w.behind = append(w.behind, h.seen(f, in.Dst)...)
				}
				continue
			case ir.Bin:
				if in.A.Kind != ir.VInt && in.B.Kind != ir.VInt {
					w.walked = true
					w.behind = append(w.behind, h.seen(f, in.Dst)...)
				}
				continue
			case ir.Store:
				if in.B.Kind == ir.VReg && in.B.ID == int32(r) {
					w.add(in.Type)
				}
				continue
			default:
				continue
			}
			if in.Dst >= 0 && !seen[in.Dst] {
				seen[in.Dst] = true
				work = append(work, in.Dst)
			}
		}
	}
}

// seen lists what pointer r of f, to nothing in particular, becomes; with rawLay if that is
// not known.
func (h *heap) seen(f *ir.Func, r ir.Reg) []*lay {
	s := h.s
	out := slices.Clone(s.void.become[s.void.base[f.ID]+int32(r)])
	seen := map[ir.Reg]bool{r: true}
	work := []ir.Reg{r}
	for len(work) > 0 {
		r := work[0]
		work = work[1:]
		for _, i := range s.usesOf(f)[r] {
			in := &f.Instrs[i]
			switch in.Op {
			case ir.Conv:
				if l := s.pointedAt(in.Type); l != nil {
					out = append(out, l)
					continue
				}
			case ir.Move, ir.Phi:
			case ir.Store:
				if in.B.Kind == ir.VReg && in.B.ID == int32(r) {
					return []*lay{rawLay}
				}
				continue
			case ir.Call:
				if in.A.Kind != ir.VFunc {
					return []*lay{rawLay}
				}
				continue
			case ir.IndexAddr, ir.Bin, ir.Asm:
				return []*lay{rawLay}
			default:
				continue
			}
			if in.Dst >= 0 && !seen[in.Dst] {
				seen[in.Dst] = true
				work = append(work, in.Dst)
			}
		}
	}
	return out
}

// usesOf lists by register of f the instructions that use it.
func (s *solver) usesOf(f *ir.Func) [][]int32 {
	if u := s.uses[f.ID]; u != nil {
		return u
	}
	u := make([][]int32, len(f.Regs))
	add := func(v ir.Value, i int) {
		if v.Kind == ir.VReg {
			u[v.ID] = append(u[v.ID], int32(i))
		}
	}
	for i := range f.Instrs {
		in := &f.Instrs[i]
		add(in.A, i)
		add(in.B, i)
		for _, a := range in.Args {
			add(a, i)
		}
	}
	s.uses[f.ID] = u
	return u
}

// tailed finds the record types behind which something else may be, in the same
// block: those with a pointer to which arithmetic is done as bytes, or which one
// steps over to what follows. A block of unknown size that is used as any other
// record is taken for an array of it. It says by record what that is, byteLay for bytes,
// rawLay if it is not known.
func (h *heap) tailed() map[*lay][]*lay {
	if h.tails != nil {
		return h.tails
	}
	h.tails = map[*lay][]*lay{}
	s := h.s
	add := func(r, what *lay) {
		if !slices.Contains(h.tails[r], what) {
			h.tails[r] = append(h.tails[r], what)
		}
	}
	bytes := func(f *ir.Func, r *lay, in *ir.Instr) {
		if isBytes(in.Type) {
			add(r, byteLay)
			return
		}
		l := h.seen(f, in.Dst)
		if len(l) == 0 {
			add(r, byteLay)
		}
		for _, x := range l {
			add(r, x)
		}
	}
	record := func(t *ctype.Type) *lay {
		if t != nil && t.Kind == ctype.Pointer && t.Elem.IsRecord() {
			return s.lays.of(t.Elem)
		}
		return nil
	}
	for _, f := range s.prog.Funcs {
		// by register: the record that it pointed at before it was converted
		from := make([]*lay, len(f.Regs))
		for range 2 { // twice for what comes back
			for i := range f.Instrs {
				in := &f.Instrs[i]
				if in.Dst < 0 || in.A.Kind != ir.VReg && in.Op != ir.Phi {
					continue
				}
				switch in.Op {
				case ir.Conv:
					if r := record(in.Opnd); r != nil && record(in.Type) == nil {
						from[in.Dst] = r
					} else if record(in.Type) == nil {
						from[in.Dst] = from[in.A.ID]
					} else if st := f.Regs[in.A.ID].Def; r != nil && record(in.Type) != r && st >= 0 && f.Instrs[st].Op == ir.IndexAddr {
						what := record(in.Type)
						if what == nil {
							what = rawLay
						}
						add(r, what) // (T *)(s + 1)
					}
				case ir.Move:
					from[in.Dst] = from[in.A.ID]
				case ir.Phi:
					for _, a := range in.Args {
						if a.Kind == ir.VReg && from[in.Dst] == nil {
							from[in.Dst] = from[a.ID]
						}
					}
				case ir.IndexAddr:
					if r := from[in.A.ID]; r != nil && !(in.B.Kind == ir.VInt && in.B.Off <= 0) {
						bytes(f, r, in)
					}
				case ir.Bin:
					switch in.Sub {
					case check.Add, check.PtrAdd, check.Or, check.Xor:
						if r := from[in.A.ID]; r != nil && !(in.B.Kind == ir.VInt && in.B.Off <= 0) {
							bytes(f, r, in)
						}
					}
				}
			}
		}
		for i := range f.Instrs {
			if in := &f.Instrs[i]; in.Op == ir.Conv && in.A.Kind == ir.VReg {
				if d := f.Regs[in.A.ID].Def; d >= 0 && f.Instrs[d].Op == ir.IndexAddr {
					if r := record(in.Opnd); r != nil && record(in.Type) != r {
						bytes(f, r, in) // (char *)(s + 1)
					}
				}
			}
		}
	}
	return h.tails
}
