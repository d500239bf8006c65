package scratch

import (
	"slices"

	"saz/frontend/ctype"
	"saz/ir"
	"saz/ir/models"
	"saz/passes"
	"saz/passes/modref"
	"saz/passes/pointer"
)

// Variables that hold the same constant between any two packets
//
// A flag that is set while a packet is processed and reset at its end is read before it is written, and
// carries nothing all the same: at every quiescent point it has one value. For that its initial
// value must be the constant, the code that runs before the first packet must leave it so, and each packet. In between
// it is "off" from the first write of anything else until the constant is stored again: a forward analysis over the
// procedures of two sets, the cells that a call may turn off, and those that it may leave off
// (gen and pass). Handlers and threads must not write such a cell at all.

// A cellKey is a scalar of an object by its offset.
type cellKey struct {
	obj  pointer.ObjID
	off  int32
	size int64
}

type constants struct {
	e     *engine
	cells []cellKey
	id    map[cellKey]int
	byObj map[pointer.ObjID][]int
	want  []int64
	bad   []bool
	sums  []*offSummary
	marks []map[int32][]mark // by function: what an instruction does to cells

	every bits    // all cells
	hits  []uint8 // by effect: 0 not known, 1 writes no object of a cell, 2 does
}

type mark struct {
	cell int
	on   bool // certainly stores the constant; otherwise may store anything
}

type offSummary struct {
	returns   bool
	gen, pass bits
	plain     bool // it returns, and leaves everything as it was
}

// newConstants asks about cells.
func newConstants(e *engine, cells []cellKey) *constants {
	k := &constants{e: e, id: map[cellKey]int{}, byObj: map[pointer.ObjID][]int{}}
	for _, c := range cells {
		v, ok := k.initial(c)
		if !ok {
			continue
		}
		k.id[c] = len(k.cells)
		k.byObj[c.obj] = append(k.byObj[c.obj], len(k.cells))
		k.cells = append(k.cells, c)
		k.want = append(k.want, v)
	}
	k.bad = make([]bool, len(k.cells))
	k.every = k.all()
	k.hits = make([]uint8, e.mr.Effects())
	k.sums = make([]*offSummary, len(e.c.Prog.Funcs))
	k.marks = make([]map[int32][]mark, len(e.c.Prog.Funcs))
	return k
}

// initial is the constant that a cell begins with.
func (k *constants) initial(c cellKey) (int64, bool) {
	o := &k.e.pt.Objects[c.obj]
	if o.Kind != pointer.Global || c.size > 8 || k.e.pt.Collapsed(pointer.Loc{Obj: c.obj, Off: c.off}) {
		return 0, false
	}
	g := k.e.c.Prog.Globals[o.Global]
	if g.Linkage == ir.Undefined || g.Thread {
		return 0, false
	}
	for i := range g.Init {
		x := &g.Init[i]
		size := max(ctype.SizeOf(x.Type), 1)
		if x.Off >= int64(c.off)+c.size || x.Off+size <= int64(c.off) {
			continue
		}
		if x.Off != int64(c.off) || size != c.size || x.Value.Kind != ir.VInt || x.Field != nil {
			return 0, false
		}
		return x.Value.Off, true
	}
	return 0, true
}

// of lists what instruction i of f does to the cells.
func (k *constants) of(f *ir.Func) map[int32][]mark {
	if m := k.marks[f.ID]; m != nil {
		return m
	}
	out := map[int32][]mark{}
	k.marks[f.ID] = out
	p := k.e.proc(f.ID)
	for i := range f.Instrs {
		in := &f.Instrs[i]
		if in.Op == ir.LifeStart {
			continue
		}
		ref := ir.Ref{Func: f.ID, I: int32(i)}
		at := int32(i)
		hit := &k.hits[k.e.mr.WriteEffect(ref)]
		if *hit == 0 {
			*hit = 1
			if slices.ContainsFunc(k.e.mr.WriteAccesses(ref), func(w modref.Access) bool { return k.byObj[w.Obj] != nil }) {
				*hit = 2
			}
		}
		if *hit == 1 {
			continue
		}
		for _, w := range k.e.mr.WriteAccesses(ref) {
			for _, c := range k.byObj[w.Obj] {
				cell := k.cells[c]
				if !modref.Overlap(w, modref.Access{Loc: pointer.Loc{Obj: cell.obj, Off: cell.off}, Size: cell.size}) {
					continue
				}
				on := false
				a := p.where(in.A)
				exact := a.kind == ofGlobal && !a.any && pointer.ObjID(a.id) == cell.obj
				switch in.Op {
				case ir.Store:
					on = exact && a.off == int64(cell.off) && ctype.SizeOf(in.Type) == cell.size &&
						in.B.Kind == ir.VInt && convert(in.B.Off, in.Type) == k.want[c]
				case ir.Zero:
					on = exact && k.want[c] == 0 && a.off <= int64(cell.off) && a.off+ctype.SizeOf(in.Type) >= int64(cell.off)+cell.size
				case ir.Call, ir.Builtin:
					on = k.want[c] == 0 && k.clears(p, in, ref, cell)
				}
				m := mark{c, on}
				if !slices.Contains(out[at], m) {
					out[at] = append(out[at], m)
				}
			}
		}
	}
	return out
}

// clears reports whether the call is a memset to zero of bytes that include the cell.
func (k *constants) clears(p *proc, in *ir.Instr, ref ir.Ref, cell cellKey) bool {
	var m *models.Model
	if in.Op == ir.Builtin {
		m = k.e.c.Models.Lookup(in.Name)
	} else if callees := k.e.pt.Callees(ref); len(callees) == 1 && !k.e.c.Prog.Funcs[callees[0]].Defined() {
		m = k.e.pt.Model(callees[0])
	}
	if m == nil || !exact[m.Name] || m.Name == "strncpy" || len(in.Args) < 2 || m.Len == nil || *m.Len >= len(in.Args) {
		return false
	}
	if *m.Len == 2 && !(in.Args[1].Kind == ir.VInt && in.Args[1].Off == 0) || in.Args[*m.Len].Kind != ir.VInt {
		return false
	}
	a := p.where(in.Args[0])
	return a.kind == ofGlobal && !a.any && pointer.ObjID(a.id) == cell.obj && a.off <= int64(cell.off) &&
		a.off+in.Args[*m.Len].Off >= int64(cell.off)+cell.size
}

// An offState is the cells that may hold something else, from what was on and off at the beginning.
type offState struct{ gen, pass bits }

func (s *offState) clone() *offState {
	return &offState{append(bits{}, s.gen...), append(bits{}, s.pass...)}
}

// join unites, and reports whether dst changed; nil takes src.
func (k *constants) join(dst **offState, src *offState) bool {
	if *dst == nil {
		*dst = src.clone()
		return true
	}
	changed := false
	or := func(d *bits, s bits) {
		for len(*d) < len(s) {
			*d = append(*d, 0)
		}
		for i, w := range s {
			if w&^(*d)[i] != 0 {
				(*d)[i] |= w
				changed = true
			}
		}
	}
	or(&(*dst).gen, src.gen)
	or(&(*dst).pass, src.pass)
	return changed
}

func without(b bits, i int) bits {
	if b.has(i) {
		b[i/64] &^= 1 << (i % 64)
	}
	return b
}

func (k *constants) all() bits {
	out := bits{}
	for i := range k.cells {
		out = out.with(i)
	}
	return out
}

// run goes through f from state at its entry, or from instruction at. meet is told the state before each call, and at each return
// (i is the return's index); it may be nil.
func (k *constants) run(f *ir.Func, at int32, first *offState, visit func(i int32, s *offState)) *offState {
	marks := k.of(f)
	in := make([]*offState, len(f.Blocks))
	var end *offState
	var work []ir.BlockID
	p := k.e.proc(f.ID)
	block := func(b ir.BlockID, lo int32, s *offState) {
		for i := lo; i < f.Blocks[b].Hi; i++ {
			if visit != nil {
				visit(i, s)
			}
			if f.Instrs[i].Op == ir.Call && !k.call(ir.Ref{Func: f.ID, I: i}, s) {
				return
			}
			for _, m := range marks[i] {
				if m.on {
					s.gen, s.pass = without(s.gen, m.cell), without(s.pass, m.cell)
				} else {
					s.gen = s.gen.with(m.cell)
				}
			}
		}
		if f.Term(b).Op == ir.Ret {
			k.join(&end, s)
			return
		}
		for j, t := range f.Blocks[b].Succs {
			if d := p.dead[b]; d != nil && d[j] {
				continue
			}
			if k.join(&in[t], s) {
				work = append(work, t)
			}
		}
	}
	if at < 0 {
		in[0] = first.clone()
		work = append(work, 0)
	} else {
		block(f.Instrs[at].Block, at, first.clone())
	}
	for len(work) > 0 {
		b := work[0]
		work = work[1:]
		block(b, f.Blocks[b].Lo, in[b].clone())
	}
	return end
}

// quiet reports whether nothing that f does concerns a cell, as far as is known of what it calls, and whether it returns then.
func (k *constants) quiet(f *ir.Func) (quiet, returns bool) {
	if len(k.of(f)) > 0 {
		return false, false
	}
	return idle(f, k.e.proc(f.ID).dead, k.does)
}

// does says what a call does.
func (k *constants) does(ref ir.Ref) doing {
	for _, cb := range k.e.pt.Callbacks(ref) {
		if cb.How != nil && (cb.How.Thread || cb.How.Signal) {
			continue
		}
		if x := k.sums[cb.Func]; x != nil && x.returns && !same(x.gen, nil) {
			return something
		}
	}
	callees := k.e.pt.Callees(ref)
	if len(callees) == 0 {
		return nothingHere
	}
	out := endless
	for _, t := range callees {
		if !k.e.c.Prog.Funcs[t].Defined() {
			if m := k.e.pt.Model(t); m == nil || !m.NoReturn {
				out = nothingHere
			}
			continue
		}
		if x := k.sums[t]; x != nil && x.returns {
			if !x.plain {
				return something
			}
			out = nothingHere
		}
	}
	return out
}

// call applies what a call does; false: it never returns.
func (k *constants) call(ref ir.Ref, s *offState) bool {
	if d := k.does(ref); d != something {
		return d == nothingHere
	}
	for _, cb := range k.e.pt.Callbacks(ref) {
		if cb.How != nil && (cb.How.Thread || cb.How.Signal) {
			continue
		}
		if x := k.sums[cb.Func]; x != nil && x.returns { // once or not at all
			for len(s.gen) < len(x.gen) {
				s.gen = append(s.gen, 0)
			}
			for i, w := range x.gen {
				s.gen[i] |= w
			}
		}
	}
	callees := k.e.pt.Callees(ref)
	if len(callees) == 0 {
		return true
	}
	var out *offState
	for _, t := range callees {
		if !k.e.c.Prog.Funcs[t].Defined() {
			if m := k.e.pt.Model(t); m != nil && m.NoReturn {
				continue
			}
			k.join(&out, s)
			continue
		}
		x := k.sums[t]
		if x == nil || !x.returns {
			continue
		}
		y := &offState{append(bits{}, x.gen...), append(bits{}, s.pass...)}
		for len(y.gen) < len(x.pass) {
			y.gen = append(y.gen, 0)
		}
		for i := range x.pass {
			if i < len(s.gen) {
				y.gen[i] |= s.gen[i] & x.pass[i]
			}
		}
		for i := range y.pass {
			if i < len(x.pass) {
				y.pass[i] &= x.pass[i]
			} else {
				y.pass[i] = 0
			}
		}
		k.join(&out, y)
	}
	if out == nil {
		return false
	}
	*s = *out
	return true
}

// decide fills bad: the cells that may hold something else when a packet comes. loops are the procedures on the stack then, entry
// first; handlers what runs at any time.
func (k *constants) decide(starts []start, stack []ir.FuncID, handlers []ir.FuncID) {
	prog := k.e.c.Prog
	roots := append([]ir.FuncID(nil), stack...)
	for _, s := range starts {
		roots = append(roots, s.f)
	}
	if prog.Entry >= 0 {
		roots = append(roots, prog.Entry)
	}
	need := map[ir.FuncID]bool{}
	for _, f := range k.e.cg.Reachable(roots...) {
		need[f] = true
	}
	spoil := func(f ir.FuncID) { // whatever f and all it calls write
		for _, g := range k.e.cg.Reachable(f) {
			for _, l := range k.of(prog.Funcs[g]) {
				for _, m := range l {
					k.bad[m.cell] = true
				}
			}
		}
	}
	for _, h := range handlers {
		spoil(h)
	}
	for _, f := range prog.Funcs {
		if f.Ctor && f.Defined() {
			spoil(f.ID)
		}
		if f.SetJmp {
			for i := range k.bad { // a longjmp leaves no matter what is off
				k.bad[i] = true
			}
		}
	}
	// Summaries, bottom up.
	var list []ir.FuncID
	flush := func() {
		for changed := len(list) > 0; changed; {
			changed = false
			for _, f := range list {
				s := &offSummary{}
				if quiet, returns := k.quiet(prog.Funcs[f]); quiet {
					if returns {
						s.returns, s.plain, s.pass = true, true, k.every
					}
				} else if end := k.run(prog.Funcs[f], -1, &offState{bits{}, k.every}, nil); end != nil {
					s.returns, s.gen, s.pass = true, end.gen, end.pass
					s.plain = same(s.gen, nil) && same(s.pass, k.every)
				}
				if old := k.sums[f]; old == nil || old.returns != s.returns || !same(old.gen, s.gen) || !same(old.pass, s.pass) {
					k.sums[f] = s
					changed = true
				}
			}
			if len(list) == 1 && !k.e.cg.Recursive(list[0]) {
				break
			}
		}
	}
	for _, f := range k.e.cg.BottomUp() {
		if !need[f] || !prog.Funcs[f].Defined() {
			continue
		}
		if len(list) > 0 && k.e.cg.SCC(list[0]) != k.e.cg.SCC(f) {
			flush()
			list = list[:0]
		}
		list = append(list, f)
	}
	flush()

	off := func(s *offState) {
		for i := range k.cells {
			if s.gen.has(i) {
				k.bad[i] = true
			}
		}
	}
	// From one packet to the next.
	looped := false
	for _, s := range starts {
		f := prog.Funcs[s.f]
		switch {
		case s.after || !s.packet:
		case s.at < 0 && s.reset: // a thread's loop: any of its iterations may be a packet
			spoil(s.f)
		case s.at < 0:
			looped = true
			if x := k.sums[s.f]; x != nil && x.returns {
				off(&offState{gen: x.gen})
			}
		case passes.LoopAround(f, f.Instrs[s.at].Block) != nil:
			looped = true
			began := false
			k.run(f, s.at, &offState{bits{}, bits{}}, func(i int32, st *offState) {
				if i == s.at {
					if began {
						off(st)
					}
					began = true
				}
			})
		}
	}
	if !looped {
		for i := range k.bad {
			k.bad[i] = true
		}
		return
	}
	// From the program's beginning to the first packet: what is off at the calls on the way.
	entry := map[ir.FuncID]*offState{}
	way := map[ir.FuncID]bool{}
	for _, f := range stack {
		way[f] = true
	}
	at := map[ir.Ref]bool{}
	for _, s := range starts {
		if s.at >= 0 && s.packet {
			at[ir.Ref{Func: s.f, I: s.at}] = true
			way[s.f] = true
		}
		if s.at < 0 && s.packet { // called back: by whom
			for _, c := range k.e.pt.Callers(s.f) {
				at[c] = true
			}
		}
	}
	if prog.Entry < 0 {
		return
	}
	work := []ir.FuncID{prog.Entry}
	entry[prog.Entry] = &offState{bits{}, bits{}}
	for len(work) > 0 {
		f := work[0]
		work = work[1:]
		if !prog.Funcs[f].Defined() {
			continue
		}
		k.run(prog.Funcs[f], -1, entry[f], func(i int32, st *offState) {
			ref := ir.Ref{Func: f, I: i}
			if prog.Funcs[f].Instrs[i].Op != ir.Call {
				return
			}
			if at[ref] {
				off(st)
			}
			for _, t := range k.e.pt.Callees(ref) {
				if !way[t] {
					continue
				}
				e := entry[t]
				if k.join(&e, &offState{gen: st.gen}) {
					entry[t] = e
					work = append(work, t)
				}
			}
		})
	}
}

func same(a, b bits) bool {
	for i := 0; i < max(len(a), len(b)); i++ {
		x, y := uint64(0), uint64(0)
		if i < len(a) {
			x = a[i]
		}
		if i < len(b) {
			y = b[i]
		}
		if x != y {
			return false
		}
	}
	return true
}
