package track

import (
	"sort"

	"saz/frontend/check"
	"saz/ir"
	"saz/passes/receive"
)

// A Step of pruning, and how many marks there are after it.
type Step struct {
	Name  string `json:"step"`
	Marks int    `json:"marks"`
}

// needs are the bits that must be set when an instruction runs.
type needs map[ir.FuncID]map[int32][]int

// bits is a set of variables; nil is the set of all.
type bits []uint64

func (s bits) has(v int) bool { return s[v>>6]&(1<<(v&63)) != 0 }

// meet intersects s with t, in place where it can, and reports whether s changed.
func (s bits) meet(t bits) (bits, bool) {
	switch {
	case t == nil:
		return s, false
	case s == nil:
		return append(bits(nil), t...), true
	}
	changed := false
	for i := range s {
		if n := s[i] & t[i]; n != s[i] {
			s[i], changed = n, true
		}
	}
	return s, changed
}

// An event is what an instruction does to the bits.
type event struct {
	i      int32
	begins bool // a packet may begin, and all are cleared
	need   []int
	call   bool
	to     []ir.FuncID // procedures of the program's own that the call may come to
	known  bool        // and no others
	late   bool        // in a statement in which a packet begins: marks come behind it
	early  bool        // and before it, too
	inner  bool        // or beside the update: a packet that begins behind it in the statement clears them
	pend   []int       // the needs of all such statements, if this is the one call of its own by which a packet may begin; nil: it is not
}

type proc struct {
	f    *ir.Func
	ev   [][]event     // by block
	head map[int][]int // marks before a loop: set when its header is entered from outside
	tail map[int][]int // marks before a branch: set at the end of its block
	in   []bits
}

// A pruner finds the marks whose bit is certainly set already.
//
// It is the paper's traversal as a data-flow problem: which bits are set on every path from the
// beginning of the packet. The first need of a bit on any path is never found redundant, whatever was
// found elsewhere, so dropping all that are is right. Across procedures the paths are those
// that match calls with returns: must says what a procedure certainly sets until it returns, full what is set then if
// everything was when it was called (not all, if a packet may begin in it before it returns, and it does not set the bit
// again), entry what is set whenever it is called. As bits don't depend on each other, must and full say all: of s,
// must | full & s is left.
type pruner struct {
	p     *placer
	words int
	procs []*proc // by FuncID; nil: without code
	must  []bits
	full  []bits
	entry []bits
}

func (p *placer) newPruner(need needs) *pruner {
	r := &pruner{p: p, words: (len(p.pl.Vars) + 63) / 64, procs: make([]*proc, len(p.c.Prog.Funcs)),
		must: make([]bits, len(p.c.Prog.Funcs)), full: make([]bits, len(p.c.Prog.Funcs)), entry: make([]bits, len(p.c.Prog.Funcs))}
	for _, f := range p.c.Prog.Funcs {
		if len(f.Blocks) > 0 {
			r.procs[f.ID] = r.read(f, need[f.ID])
		}
	}
	return r
}

func (r *pruner) none() bits { return make(bits, r.words) }

func (r *pruner) all() bits {
	s := r.none()
	for i := range s {
		s[i] = ^uint64(0)
	}
	return s
}

func (r *pruner) read(f *ir.Func, need map[int32][]int) *proc {
	q := &proc{f: f, ev: make([][]event, len(f.Blocks)), head: map[int][]int{}, tail: map[int][]int{}}
	late := r.p.lateSites(f)
	pend := []int{}
	if len(late) > 0 {
		for i, list := range need {
			if s, ok := siteOf(f, i); ok && r.p.isLate(late, s) {
				pend = append(pend, list...)
			}
		}
	}
	for _, x := range r.p.res.Threads.Rounds[f.ID] {
		q.ev[x.Head] = append(q.ev[x.Head], event{i: f.Blocks[x.Head].Lo, begins: true})
	}
	for b := range f.Blocks {
		for i := f.Blocks[b].Lo; i < f.Blocks[b].Hi; i++ {
			e := event{i: i, need: need[i]}
			if f.Instrs[i].Op == ir.Call {
				ref := ir.Ref{Func: f.ID, I: i}
				e.call, e.begins, e.known = true, r.p.begins(f, i), true
				list := r.p.pt.Callees(ref)
				e.known = len(list) > 0
				for _, t := range list {
					if len(r.p.c.Prog.Funcs[t].Blocks) > 0 {
						e.to = append(e.to, t)
					} else {
						e.known = false
						e.begins = e.begins || returnsTwice[r.p.c.Prog.Funcs[t].Name]
					}
				}
			}
			if len(late) > 0 && (e.call || e.need != nil) {
				if s, ok := siteOf(f, i); ok && r.p.isLate(late, s) {
					e.late, e.early = true, e.need != nil && !r.p.behind(f, i)
					at, _ := r.p.placeOf(f, i, late)
					e.inner = at.depth > 0
					if e.begins && late[s] == 1 {
						e.pend = pend
					}
				}
			}
			if e.call || e.need != nil {
				q.ev[b] = append(q.ev[b], e)
			}
		}
	}
	return q
}

// returnsTwice: the second time a packet may have begun since the first.
var returnsTwice = map[string]bool{"setjmp": true, "_setjmp": true, "__sigsetjmp": true, "sigsetjmp": true, "__builtin_setjmp": true,
	"vfork": true, "getcontext": true, "swapcontext": true}

// step does what e does to s; visit is told before.
//
// The calls of a statement come in any order. Where a packet begins in one of them, the others may come before it,
// and what they set counts for nothing; where it may in several, all is cleared.
func (r *pruner) step(e *event, s bits, visit func(e *event, s bits)) {
	if visit != nil {
		visit(e, s)
	}
	own := e.call && e.known && len(e.to) > 0
	if e.begins && (!own || e.pend == nil) {
		clear(s)
		own = false
	}
	if !e.late {
		set(s, e.need)
	}
	if own && (e.begins || !e.late) {
		var must, full bits
		for _, t := range e.to {
			must, _ = must.meet(r.must[t])
			full, _ = full.meet(r.full[t])
		}
		for i := range s {
			if full != nil { // else none has been found to return, yet or ever
				s[i] &= full[i]
			}
			if must != nil {
				s[i] |= must[i]
			} else {
				s[i] = ^uint64(0)
			}
		}
	}
	if e.late && !e.inner {
		set(s, e.need)
	}
}

func set(s bits, list []int) {
	for _, v := range list {
		s[v>>6] |= 1 << (v & 63)
	}
}

// solve computes q.in for a procedure that is entered with entry, and returns what is set at its
// returns (nil: it has none).
func (r *pruner) solve(q *proc, entry bits, back map[[2]int]bool) bits {
	f := q.f
	n := len(f.Blocks)
	q.in = make([]bits, n)
	out := make([]bits, n)
	work := []int{0}
	queued := make([]bool, n)
	q.in[0] = append(bits(nil), entry...)
	var ret bits
	for len(work) > 0 {
		b := work[0]
		work = work[1:]
		queued[b] = false
		s := append(bits(nil), q.in[b]...)
		for i := range q.ev[b] {
			r.step(&q.ev[b][i], s, nil)
		}
		set(s, q.tail[b])
		out[b] = s
		for _, t := range f.Blocks[b].Succs {
			edge := s
			if list := q.head[int(t)]; list != nil && !back[[2]int{b, int(t)}] {
				edge = append(bits(nil), s...)
				set(edge, list)
			}
			var changed bool
			if q.in[t], changed = q.in[t].meet(edge); changed && !queued[t] {
				queued[t] = true
				work = append(work, int(t))
			}
		}
	}
	for b := range f.Blocks {
		if out[b] != nil && len(f.Blocks[b].Succs) == 0 && f.Instrs[f.Blocks[b].Hi-1].Op == ir.Ret {
			ret, _ = ret.meet(out[b])
		}
	}
	return ret
}

// within prunes inside each procedure alone: the paper's step.
func (r *pruner) within(f ir.FuncID) map[int32][]int {
	q := r.procs[f]
	for i := range r.must {
		if r.must[i] = r.none(); r.full[i] == nil {
			if r.full[i] = r.all(); r.p.receives[ir.FuncID(i)] {
				clear(r.full[i])
			}
		}
	}
	r.solve(q, r.none(), nil)
	return r.redundant(q)
}

// redundant lists the needs that find their bit set.
func (r *pruner) redundant(q *proc) map[int32][]int {
	drop := map[int32][]int{}
	for b := range q.ev {
		if q.in[b] == nil {
			continue
		}
		s := append(bits(nil), q.in[b]...)
		for i := range q.ev[b] {
			r.step(&q.ev[b][i], s, func(e *event, s bits) {
				if e.begins || e.early {
					return
				}
				for _, v := range e.need {
					if s.has(v) {
						drop[e.i] = append(drop[e.i], v)
					}
				}
			})
		}
	}
	return drop
}

// across computes must, full and entry.
func (r *pruner) across() {
	r.returns()
	r.enters()
}

// returns computes must and full.
func (r *pruner) returns() {
	callers := make([][]ir.FuncID, len(r.procs))
	for id, q := range r.procs {
		if q == nil {
			continue
		}
		for b := range q.ev {
			for i := range q.ev[b] {
				for _, t := range q.ev[b][i].to {
					if l := callers[t]; len(l) == 0 || l[len(l)-1] != ir.FuncID(id) {
						callers[t] = append(l, ir.FuncID(id))
					}
				}
			}
		}
	}
	clear(r.must)
	clear(r.full)
	r.fixpoint(func(id ir.FuncID, again func(ir.FuncID)) {
		ret := r.solve(r.procs[id], r.none(), nil)
		if ret == nil {
			return // it has none, as far as is known
		}
		var less, fewer bool
		r.must[id], less = r.must[id].meet(ret)
		if !r.p.receives[id] {
			ret = r.all()
		} else {
			ret = r.solve(r.procs[id], r.all(), nil)
		}
		r.full[id], fewer = r.full[id].meet(ret)
		if less || fewer {
			for _, c := range callers[id] {
				again(c)
			}
		}
	})
}

// enters computes entry.
func (r *pruner) enters() {
	clear(r.entry)
	for id := range r.roots() {
		r.entry[id] = r.none()
	}
	r.fixpoint(func(id ir.FuncID, again func(ir.FuncID)) {
		if r.entry[id] == nil {
			return // not called yet
		}
		q := r.procs[id]
		r.solve(q, r.entry[id], nil)
		for b := range q.ev {
			if q.in[b] == nil {
				continue
			}
			s := append(bits(nil), q.in[b]...)
			for i := range q.ev[b] {
				r.step(&q.ev[b][i], s, func(e *event, s bits) {
					at := s
					if e.late && e.pend == nil {
						at = r.none()
					} else if e.late {
						// The marks of its own statement come behind it, and behind what is around it in a statement expression.
						at = append(bits(nil), s...)
						for _, v := range e.pend {
							at[v>>6] &^= 1 << (v & 63)
						}
					} else if len(e.need) > 0 {
						at = append(bits(nil), s...)
						set(at, e.need)
					}
					for _, t := range e.to {
						var changed bool
						if r.entry[t], changed = r.entry[t].meet(at); changed {
							again(t)
						}
					}
				})
			}
		}
	})
}

// fixpoint calls do for every procedure with code, and once more for each that it asks for.
func (r *pruner) fixpoint(do func(id ir.FuncID, again func(ir.FuncID))) {
	var work []ir.FuncID
	queued := make([]bool, len(r.procs))
	again := func(id ir.FuncID) {
		if !queued[id] && r.procs[id] != nil {
			queued[id] = true
			work = append(work, id)
		}
	}
	for id := range r.procs {
		again(ir.FuncID(id))
	}
	for len(work) > 0 {
		id := work[0]
		work = work[1:]
		queued[id] = false
		do(id, again)
	}
}

// roots are the procedures that may be called from where the calls can't be seen: by the system, by
// a library, through an address.
func (r *pruner) roots() map[ir.FuncID]bool {
	prog := r.p.c.Prog
	out := map[ir.FuncID]bool{}
	whole := false
	for _, f := range prog.Funcs {
		whole = whole || f.Name == "main" && len(f.Blocks) > 0
	}
	note := func(v *ir.Value) {
		if v.Kind == ir.VFunc {
			out[ir.FuncID(v.ID)] = true
		}
	}
	for _, f := range prog.Funcs {
		if f.Name == "main" || f.Ctor || f.Dtor || !whole && f.Linkage != ir.Internal || len(r.p.pt.Callers(f.ID)) == 0 {
			out[f.ID] = true
		}
		for i := range f.Instrs {
			first := f.Instrs[i].Op == ir.Call
			f.Instrs[i].Operands(func(v *ir.Value) {
				if !first {
					note(v)
				}
				first = false
			})
		}
	}
	for _, g := range prog.Globals {
		for i := range g.Init {
			note(&g.Init[i].Value)
		}
	}
	for _, f := range receive.Of(r.p.c).Threads {
		out[f] = true
	}
	return out
}

// callers prunes with what is known across procedures.
func (r *pruner) callers(f ir.FuncID) map[int32][]int {
	q := r.procs[f]
	if r.entry[f] == nil {
		return map[int32][]int{} // never called, as far as can be seen: leave it alone
	}
	r.solve(q, r.entry[f], nil)
	return r.redundant(q)
}

// An extra mark stands for several that were dropped for it.
type extra struct {
	s site
	v int
	i int32 // of one of those
}

// A loop of the flow graph.
type loop struct {
	head    int
	body    map[int]bool
	latches []int
}

func loopsOf(f *ir.Func, dom *ir.DomTree) []loop {
	byHead := map[int]*loop{}
	var heads []int
	for b := range f.Blocks {
		for _, h := range f.Blocks[b].Succs {
			if !dom.Dominates(h, ir.BlockID(b)) {
				continue
			}
			l := byHead[int(h)]
			if l == nil {
				l = &loop{head: int(h), body: map[int]bool{int(h): true}}
				byHead[int(h)] = l
				heads = append(heads, int(h))
			}
			l.latches = append(l.latches, b)
			work := []int{b}
			for len(work) > 0 {
				x := work[len(work)-1]
				work = work[:len(work)-1]
				if l.body[x] {
					continue
				}
				l.body[x] = true
				for _, q := range f.Blocks[x].Preds {
					work = append(work, int(q))
				}
			}
		}
	}
	sort.Slice(heads, func(i, j int) bool { // outer loops first
		a, b := byHead[heads[i]], byHead[heads[j]]
		if len(a.body) != len(b.body) {
			return len(a.body) > len(b.body)
		}
		return a.head < b.head
	})
	var out []loop
	for _, h := range heads {
		out = append(out, *byHead[h])
	}
	return out
}

// hoist moves marks that each round of a loop sets before the loop, and marks of
// all branches of an if or a switch before it. drop is what is redundant already; it returns what is
// then, and the marks that make it so. Bits don't depend on each other, so all variables are tried at once.
func (r *pruner) hoist(id ir.FuncID, drop map[int32][]int) (map[int32][]int, []extra, int) {
	q := r.procs[id]
	f := q.f
	if len(f.Blocks) > 4000 || r.entry[id] == nil {
		return drop, nil, 0
	}
	dom := ir.Dominators(f)
	back := map[[2]int]bool{}
	loops := loopsOf(f, dom)
	for _, l := range loops {
		for _, b := range l.latches {
			back[[2]int{b, l.head}] = true
		}
	}
	begins := map[int]bool{}
	for b := range q.ev {
		for i := range q.ev[b] {
			begins[b] = begins[b] || q.ev[b][i].begins
		}
	}
	r.solve(q, r.entry[id], back)
	now := r.leftIn(q)
	var extras []extra
	// try accepts the marks that leave so many fewer, and returns how many.
	try := func(m map[int][]int, at int, xs []extra, gain int) int {
		for _, x := range xs {
			m[at] = append(m[at], x.v)
		}
		r.solve(q, r.entry[id], back)
		after := r.leftIn(q)
		n := 0
		keep := m[at][:len(m[at])-len(xs)]
		for _, x := range xs {
			if now.count(x.v)-after.count(x.v) >= gain {
				keep = append(keep, x.v)
				extras = append(extras, x)
				n++
			}
		}
		m[at] = keep
		if len(keep) == 0 {
			delete(m, at)
		}
		if n < len(xs) {
			r.solve(q, r.entry[id], back)
			after = r.leftIn(q)
		}
		now = after
		return n
	}

	moved := 0
	for _, l := range loops {
		any := false
		for b := range l.body {
			any = any || begins[b]
		}
		if any {
			continue
		}
		tried := r.none()
		var xs []extra
		for b := range f.Blocks {
			if !l.body[b] {
				continue
			}
			each := true
			for _, t := range l.latches {
				each = each && dom.Dominates(ir.BlockID(b), ir.BlockID(t))
			}
			if !each {
				continue
			}
			now.each(q, b, func(e *event, v int) {
				if !tried.has(v) {
					tried[v>>6] |= 1 << (v & 63)
					xs = append(xs, extra{v: v, i: e.i})
				}
			})
		}
		if len(xs) == 0 {
			continue
		}
		s, ok := r.loopSite(f, xs[0].i, &l)
		if !ok {
			continue
		}
		for k := range xs {
			xs[k].s = s
		}
		moved += try(q.head, l.head, xs, 1)
	}
	// Branches, the innermost first.
	ant := r.anticipated(q)
	order := dom.Order()
	for k := len(order) - 1; k >= 0; k-- {
		d := int(order[k])
		if len(f.Blocks[d].Succs) < 2 {
			continue
		}
		all := r.none() // what every way on from the end of d comes to
		for i, t := range f.Blocks[d].Succs {
			for w := range all {
				if i == 0 {
					all[w] = ant[t][w]
				} else {
					all[w] &= ant[t][w]
				}
			}
		}
		if all.empty() {
			continue
		}
		s, ok := r.branchSite(f, d, begins[d])
		if !ok {
			continue
		}
		below := map[int]int{}
		var xs []extra
		for b := range f.Blocks {
			if b == d || !dom.Dominates(ir.BlockID(d), ir.BlockID(b)) {
				continue
			}
			now.each(q, b, func(e *event, v int) {
				if below[v]++; below[v] == 2 && all.has(v) {
					xs = append(xs, extra{s, v, e.i})
				}
			})
		}
		if len(xs) > 0 {
			try(q.tail, d, xs, 2)
		}
	}
	if len(extras) == 0 {
		return drop, nil, 0
	}
	r.solve(q, r.entry[id], back)
	return r.redundant(q), extras, moved
}

// A left says which marks are left in a procedure: of each event with needs, and of each place.
type left struct {
	events map[int32]bits
	sites  []bits
}

func (l *left) count(v int) int {
	n := 0
	for _, s := range l.sites {
		if s.has(v) {
			n++
		}
	}
	return n
}

// each calls f for the marks that are left in a block.
func (l *left) each(q *proc, b int, f func(e *event, v int)) {
	for i := range q.ev[b] {
		e := &q.ev[b][i]
		s := l.events[e.i]
		if s == nil || len(e.need) == 0 {
			continue
		}
		for _, v := range e.need {
			if s.has(v) {
				f(e, v)
			}
		}
	}
}

// leftIn is what q.in leaves.
func (r *pruner) leftIn(q *proc) *left {
	l := &left{events: map[int32]bits{}}
	places := map[site]int{}
	for b := range q.ev {
		note := func(e *event, s bits) {
			if len(e.need) == 0 || e.late {
				return
			}
			mine := r.none()
			set(mine, e.need)
			if s != nil && !e.begins {
				for w := range mine {
					mine[w] &^= s[w]
				}
			}
			if mine.empty() {
				return
			}
			l.events[e.i] = mine
			at, ok := siteOf(q.f, e.i)
			if !ok {
				return
			}
			k, seen := places[at]
			if !seen {
				k = len(l.sites)
				places[at] = k
				l.sites = append(l.sites, r.none())
			}
			for w := range mine {
				l.sites[k][w] |= mine[w]
			}
		}
		if q.in[b] == nil {
			for i := range q.ev[b] {
				note(&q.ev[b][i], nil)
			}
			continue
		}
		s := append(bits(nil), q.in[b]...)
		for i := range q.ev[b] {
			r.step(&q.ev[b][i], s, note)
		}
	}
	return l
}

func (s bits) empty() bool {
	for _, w := range s {
		if w != 0 {
			return false
		}
	}
	return true
}

// anticipated finds, for the beginning of each block, the bits of which every way on comes to a need before a
// packet begins or the procedure ends; round a loop that comes to none is a way too.
func (r *pruner) anticipated(q *proc) []bits {
	f := q.f
	gen, stops, out := make([]bits, len(f.Blocks)), make([]bool, len(f.Blocks)), make([]bits, len(f.Blocks))
	for b := range f.Blocks {
		gen[b] = r.none()
		for i := range q.ev[b] {
			e := &q.ev[b][i]
			if e.begins || e.late {
				stops[b] = true
				break
			}
			set(gen[b], e.need)
		}
		out[b] = append(bits(nil), gen[b]...)
	}
	for changed := true; changed; {
		changed = false
		for b := len(f.Blocks) - 1; b >= 0; b-- {
			if stops[b] || len(f.Blocks[b].Succs) == 0 {
				continue
			}
			for w := range out[b] {
				x := ^uint64(0)
				for _, t := range f.Blocks[b].Succs {
					x &= out[t][w]
				}
				if n := gen[b][w] | x; n != out[b][w] {
					out[b][w], changed = n, true
				}
			}
		}
	}
	return out
}

// branchSite is the place before the if or switch whose condition is block d as a whole.
func (r *pruner) branchSite(f *ir.Func, d int, begins bool) (site, bool) {
	last := &f.Instrs[f.Blocks[d].Hi-1]
	if begins || last.Stmt < 0 || int(last.Stmt) >= len(f.Stmts) || len(f.Blocks[d].Succs) < 2 {
		return site{}, false
	}
	st := f.Stmts[last.Stmt]
	if st.Kind != check.If && st.Kind != check.Switch || st.X == nil {
		return site{}, false
	}
	for i := range f.Instrs { // the condition begins in d
		if in := &f.Instrs[i]; in.Stmt == last.Stmt && st.X.Tok <= in.Pos.Tok && in.Pos.End <= st.X.End && int(in.Block) != d {
			return site{}, false
		}
	}
	s := site{fn: f.ID, unit: last.Pos.Unit, stmt: st}
	_, ok := r.p.locate(s, nil, false)
	return s, ok
}

// loopSite is the place before the loop statement that l is, around instruction i.
func (r *pruner) loopSite(f *ir.Func, i int32, l *loop) (site, bool) {
	s, ok := siteOf(f, i)
	if !ok {
		return s, false
	}
	for st := s.stmt; st != nil; st = st.Up {
		if st.Kind != check.For && st.Kind != check.While && st.Kind != check.DoWhile {
			continue
		}
		inside := true
		for k := range f.Instrs {
			if in := &f.Instrs[k]; l.body[int(in.Block)] && in.Pos.End > in.Pos.Tok && (in.Pos.Tok < st.Tok || in.Pos.End > st.End) {
				inside = false
				break
			}
		}
		if !inside {
			continue
		}
		if enteredElsewhere(st, st) {
			return s, false
		}
		out := site{fn: f.ID, unit: s.unit, stmt: st}
		_, ok := r.p.locate(out, nil, false)
		return out, ok
	}
	return s, false
}

// enteredElsewhere reports whether there are labels in st by which control may come into loop from outside.
func enteredElsewhere(st, loop *check.Stmt) bool {
	if st == nil {
		return false
	}
	switch st.Kind {
	case check.Labeled:
		return true
	case check.Case, check.Default:
		if st.Target == nil || st.Target.Tok < loop.Tok || st.Target.End > loop.End {
			return true
		}
	}
	for _, x := range st.List {
		if enteredElsewhere(x, loop) {
			return true
		}
	}
	return enteredElsewhere(st.Init, loop) || enteredElsewhere(st.Then, loop) || enteredElsewhere(st.Else, loop)
}

// prune drops marks and returns, for each procedure, which needs have none of their own
// and which marks stand for several.
func (p *placer) prune(need needs) (drops map[ir.FuncID]map[int32][]int, extras map[ir.FuncID][]extra) {
	drops, extras = map[ir.FuncID]map[int32][]int{}, map[ir.FuncID][]extra{}
	note := func(name string) {
		p.res.Steps = append(p.res.Steps, Step{name, p.countMarks(need, drops, extras)})
	}
	note("one before each updating statement")
	r := p.newPruner(need)
	fids := make([]ir.FuncID, 0, len(need))
	for f := range need {
		fids = append(fids, f)
	}
	sort.Slice(fids, func(i, j int) bool { return fids[i] < fids[j] })
	for _, f := range fids {
		drops[f] = r.within(f)
	}
	note("set before, in the procedure")
	r.across()
	for _, f := range fids {
		drops[f] = r.callers(f)
	}
	note("set before, by callers and callees")
	for _, f := range fids {
		var n int
		drops[f], extras[f], n = r.hoist(f, drops[f])
		p.res.Hoisted += n
	}
	note("once before a loop, or before all branches")
	first := p.announced(need, drops, extras)
	p.renumber(first, need, drops, extras)
	if p.opt.NoPrune {
		p.res.Steps = p.res.Steps[:1]
		return map[ir.FuncID]map[int32][]int{}, map[ir.FuncID][]extra{}
	}
	if !p.opt.Exact && len(first) > 0 {
		p.res.Always = len(first)
		without(p.res.Always, need, drops, extras)
		note("with each packet, if it is likely")
	}
	return drops, extras
}

// countMarks counts the marks that would be placed: places and variables, a header's once.
func (p *placer) countMarks(need needs, drops map[ir.FuncID]map[int32][]int, extras map[ir.FuncID][]extra) int {
	seen := map[markKey]bool{}
	note := func(s site, v int) {
		at, ok := p.locate(s, nil, false)
		if !ok {
			at, ok = p.locate(s, nil, true)
		}
		if ok {
			seen[markKey{at.pos, v}] = true
		}
	}
	for f, m := range need {
		begin := map[site]int(nil)
		if p.receives[f] {
			begin = p.lateSites(p.c.Prog.Funcs[f])
		}
		for i, list := range m {
			s, ok := p.placeOf(p.c.Prog.Funcs[f], i, begin)
			if !ok {
				continue
			}
			for _, v := range list {
				if !has(drops[f][i], v) {
					note(s, v)
				}
			}
		}
		for _, x := range extras[f] {
			note(x.s, x.v)
		}
	}
	return len(seen)
}
