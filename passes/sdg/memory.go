package sdg

import (
	"math/bits"
	"slices"
	"sync"
	"sync/atomic"

	"saz/ir"
	"saz/passes/modref"
)

// Dependence through memory.
//
// Accesses are grouped by part (package modref): all stores through one
// points-to set are looked at together, and which parts overlap is a row of bits
// that is made when first needed. A traversal remembers, for each region of
// control flow that it came from, the parts that it has looked at, so that a
// slice looks at each access once a region and not once for each store.
//
// The locals of a procedure that cannot be active twice are memory of one
// activation: between two accesses to nothing else, both in that procedure, a
// dependence keeps its calling context (Same) and follows the control flow of
// one activation; accesses elsewhere must run before it returns.

// A touch is one access: an instruction's, or that of the caller who copies a
// record into a parameter's memory.
type touch struct {
	node Node
	fn   ir.FuncID
	i    int32 // instruction, -1: a parameter
	arg  int32 // a record argument of a call of the program's own: 1 + its index
	part modref.PartID

	guard *guard // of a load, if it has one
}

func (t *touch) ref() ir.Ref { return ir.Ref{Func: t.fn, I: t.i} }

// A side is all reads, or all writes.
type side struct {
	start  []int32 // by part: its touches, by function
	list   []touch
	byFunc []int32 // by function: indexes into order
	order  []int32 // touches by function
	parts  bitset  // those that have touches
	owned  bitset  // those of one procedure's locals
	ownIn  []bool  // by function: it touches parts of its own locals
}

func (s *side) of(p int32) []touch { return s.list[s.start[p]:s.start[p+1]] }

// in returns those of function f.
func (s *side) in(l []touch, f ir.FuncID) (lo, hi int) {
	lo, _ = slices.BinarySearchFunc(l, f, func(t touch, f ir.FuncID) int { return int(t.fn) - int(f) })
	hi, _ = slices.BinarySearchFunc(l, f+1, func(t touch, f ir.FuncID) int { return int(t.fn) - int(f) })
	return lo, hi
}

// groups calls f for the touches of a part, by function.
func (s *side) groups(p int32, f func(fn ir.FuncID, l []touch)) {
	l := s.of(p)
	for k := 0; k < len(l); {
		lo := k
		for k < len(l) && l[k].fn == l[lo].fn {
			k++
		}
		f(l[lo].fn, l[lo:k])
	}
}

type memory struct {
	reads, writes side
	overlap       []atomic.Pointer[bitset] // by part
	owned         bitset                   // parts that overlap writes of a procedure's locals; nil: not known
	guarded       bitset                   // parts that overlap loads with a guard; likewise
	unions        unions
}

// unions are those of the rows of some of 16 regions that stand together: most parts have the same of them, so that what a part overlaps comes
// to a few unions, and not to a row for each of its regions (the method of the four Russians, with the tables filled in as they are asked for).
type unions struct {
	mu   sync.Mutex
	memo map[uint64]bitset
	room int // bytes that they take
}

const unionBytes = 48 << 20

func (g *Graph) indexMemory() {
	var reads, writes []touch
	for _, f := range g.prog.Funcs {
		if len(f.Blocks) == 0 {
			continue
		}
		for k := range f.Params {
			if p, ok := g.mr.ParamPart(f.ID, k); ok {
				writes = append(writes, touch{node: g.param(f.ID, k), fn: f.ID, i: -1, part: p})
			}
		}
		for i := range f.Instrs {
			ref := ir.Ref{Func: f.ID, I: int32(i)}
			id := g.base[f.ID] + int32(i)
			in, out := g.kinds(id)
			if !in || out {
				for _, p := range g.mr.ReadParts(ref) {
					reads = append(reads, touch{node: Node(id), fn: f.ID, i: int32(i), part: p})
				}
			}
			if in {
				for j := range f.Instrs[i].ArgTypes {
					if p, ok := g.mr.ArgPart(ref, j); ok {
						reads = append(reads, touch{node: Node(id), fn: f.ID, i: int32(i), arg: int32(j + 1), part: p})
					}
				}
			}
			for _, p := range g.mr.WriteParts(ref) {
				if in {
					writes = append(writes, touch{node: g.result(id), fn: f.ID, i: int32(i), part: p})
				}
				if !in || out {
					writes = append(writes, touch{node: Node(id), fn: f.ID, i: int32(i), part: p})
				}
			}
		}
	}
	g.mem.overlap = make([]atomic.Pointer[bitset], g.mr.Parts())
	g.mem.reads, g.mem.writes = g.side(reads), g.side(writes)
}

// side sorts touches, which come by function, by part.
func (g *Graph) side(l []touch) side {
	n := g.mr.Parts()
	s := side{start: make([]int32, n+1), list: make([]touch, len(l)), byFunc: make([]int32, len(g.prog.Funcs)+1), order: make([]int32, len(l)),
		parts: modref.NewBits(n), owned: modref.NewBits(n)}
	for i := range l {
		s.start[l[i].part+1]++
		s.byFunc[l[i].fn+1]++
	}
	for p := range n {
		if s.start[p+1] > 0 {
			s.parts.Add(int32(p))
			if g.mr.Regions().PartOwner(modref.PartID(p)) >= 0 {
				s.owned.Add(int32(p))
			}
		}
		s.start[p+1] += s.start[p]
	}
	s.ownIn = make([]bool, len(g.prog.Funcs))
	for i := range l {
		s.ownIn[l[i].fn] = s.ownIn[l[i].fn] || g.mr.Regions().PartOwner(l[i].part) == l[i].fn
	}
	for f := range g.prog.Funcs {
		s.byFunc[f+1] += s.byFunc[f]
	}
	next := slices.Clone(s.start[:n])
	for i := range l {
		p := l[i].part
		s.list[next[p]] = l[i]
		s.order[i] = next[p] // l is by function
		next[p]++
	}
	return s
}

// overlap returns the parts that have a region in common with p.
func (g *Graph) overlap(p modref.PartID) bitset {
	if b := g.mem.overlap[p].Load(); b != nil {
		return *b
	}
	b := g.among(g.mr.Regions().Of[p])
	g.mem.overlap[p].Store(&b)
	return b
}

// among returns the parts that touch one of the regions.
func (g *Graph) among(regions modref.Row) bitset {
	b := modref.NewBits(g.mr.Parts())
	rows := g.mr.Regions().Parts
	u := &g.mem.unions
	u.mu.Lock()
	defer u.mu.Unlock()
	for _, x := range regions {
		k, w := int(x.K), x.Bits
		for c := 0; w != 0; c, w = c+1, w>>16 {
			some := w & 0xffff
			if some == 0 {
				continue
			}
			first := k<<6 + c<<4
			if bits.OnesCount64(some) <= 2 {
				for ; some != 0; some &= some - 1 {
					b.Or(rows[first+bits.TrailingZeros64(some)])
				}
				continue
			}
			key := uint64(first)<<12 | some
			row := u.memo[key]
			if row == nil {
				row = modref.NewBits(g.mr.Parts())
				for ; some != 0; some &= some - 1 {
					row.Or(rows[first+bits.TrailingZeros64(some)])
				}
				if n := 8 * len(row); u.room+n <= unionBytes {
					if u.memo == nil {
						u.memo = map[uint64]bitset{}
					}
					u.room += n
					u.memo[key] = row
				}
			}
			b.Or(row)
		}
	}
	return b
}

// A Walk is one traversal of the graph. It remembers which parts it has looked
// at from where; nil remembers nothing.
type Walk struct {
	g             *Graph
	reads, writes seen

	inner   bool
	entered [2]bitset // blocks of which what controls them was given; [1]: to inner nodes only
}

// took reports whether nothing is left to look at for access a of a procedure that may run again, from vantage v with number id
// and, where that has anything, from vantage proc of the procedure.
func (w *Walk) took(a *access, v vantage, id int32, proc vantage) bool {
	if w == nil || a.part < 0 || w.g.mem.owned == nil {
		return false
	}
	m, some := &w.writes, w.g.mem.owned
	if proc == guardFromProc {
		m, some = &w.reads, w.g.mem.guarded
	}
	if int(id) >= len(m.rows[v]) || m.rows[v][id] == nil || !m.rows[v][id].Has(int32(a.part)) {
		return false
	}
	return !some.Has(int32(a.part)) || m.asked[asked{proc, a.part, int32(a.fn)}]
}

// enters reports whether what controls a block has yet to be given.
func (w *Walk) enters(block int32) bool {
	if w.entered[0] == nil {
		w.entered[0], w.entered[1] = modref.NewBits(int(w.g.blocks)), modref.NewBits(int(w.g.blocks))
	}
	if w.entered[0].Has(block) || w.inner && w.entered[1].Has(block) {
		return false
	}
	if w.inner {
		w.entered[1].Add(block)
	} else {
		w.entered[0].Add(block)
	}
	return true
}

// A vantage is from where accesses are looked at: what is seen from there
// depends on nothing else.
type vantage uint8

const (
	fromClass    vantage = iota // a class of control flow
	ownFromClass                // likewise, by memory of one activation
	fromColumn                  // procedures that no region tells apart
	fromStretch                 // a stretch of a procedure that does not run again
	ownFromProc                 // likewise, but to or from locals of other procedures, or one's own
	ownFromStretch
	guardFromProc // loads with guards, from a procedure
	callsOfGuard  // what is called where a guard's search met calls
	besideProc    // other threads, from a procedure
	besideStretch
	vantages
)

// seen is what a walk has looked at, of reads or of writes.
type seen struct {
	parts [vantages][]bitset // by vantage and its number: none where there is a vantage for each procedure
	rows  [vantages][]bitset // likewise: parts of accesses, all that overlaps which was looked at from there
	asked map[asked]bool     // the same of the others
	all   bitset             // parts all of whose touches were given: there is nothing more to them, from wherever
}

// asked is an access by part, all that overlaps which was looked at from a vantage.
type asked struct {
	v    vantage
	part modref.PartID
	id   int32
}

// Reset makes w as new, for another traversal: what it remembers in is large.
func (w *Walk) Reset() {
	for _, m := range []*seen{&w.reads, &w.writes} {
		for v := range m.parts {
			for id := range m.parts[v] {
				clear(m.parts[v][id])
				clear(m.rows[v][id])
			}
		}
		clear(m.asked)
		clear(m.all)
	}
	clear(w.entered[0])
	clear(w.entered[1])
	w.inner = false
}

// Walk begins a traversal, all of whose steps go one way.
func (g *Graph) Walk() *Walk { return &Walk{g: g} }

// take calls f for the parts in side that overlap access a and were not looked at from there. f reports whether it gave
// all touches of the part.
func (w *Walk) take(m *seen, v vantage, id int32, a *access, side bitset, f func(p int32) bool) {
	if m.all == nil {
		m.all, m.asked = modref.NewBits(w.g.mr.Parts()), map[asked]bool{}
	}
	look := func(p int32) {
		if f(p) {
			m.all.Add(p)
		}
	}
	if v >= ownFromProc {
		if k := (asked{v, a.part, id}); !m.asked[k] {
			m.asked[k] = true
			a.parts.BothBut(side, m.all, look)
		}
		return
	}
	for int(id) >= len(m.parts[v]) {
		m.parts[v] = append(m.parts[v], nil)
		m.rows[v] = append(m.rows[v], nil)
	}
	if m.parts[v][id] == nil {
		n := w.g.mr.Parts()
		m.parts[v][id], m.rows[v][id] = modref.NewBits(n), modref.NewBits(n)
	}
	if rows := m.rows[v][id]; !rows.Has(int32(a.part)) {
		rows.Add(int32(a.part))
		a.parts.Take(side, m.parts[v][id], m.all, look)
	}
}

// written is take for writes. A walk that remembers nothing (nil) takes all of them.
func (w *Walk) written(v vantage, id int32, a *access, side bitset, f func(p int32) bool) {
	if w == nil {
		a.parts.Both(side, func(p int32) { f(p) })
		return
	}
	w.take(&w.writes, v, id, a, side, f)
}

// owner reports whether all regions are locals of f.
func (g *Graph) owner(regions bitset, f ir.FuncID) bool {
	own := true
	regions.Each(func(r int32) { own = own && g.mr.Regions().Owner[r] == f })
	return own
}

// An access is what a node reads or writes: at instruction i of fn, or (-1)
// when fn is entered; parts has what overlaps it.
type access struct {
	fn    ir.FuncID
	i     int32
	part  modref.PartID // -1: none of the program's, which no walk has
	parts bitset
	own   bool // nothing but locals of the one activation of fn
	guard *guard
}

func (a *access) ref() ir.Ref { return ir.Ref{Func: a.fn, I: a.i} }

func (g *Graph) accessOf(f ir.FuncID, i int32, p modref.PartID, k *guard) access {
	return access{fn: f, i: i, part: p, parts: g.overlap(p), own: g.mr.Regions().PartOwner(p) == f, guard: k}
}

// readersOf emits what may read what a writes; with local set, only what is Same.
func (g *Graph) readersOf(wk *Walk, a access, local bool, emit Emit) {
	regions, fl, side := g.mr.Regions(), g.flow, &g.mem.reads
	again := fl.again.Has(int32(a.fn))
	var c class
	switch {
	case local:
	case a.i >= 0:
		c = fl.follow(a.ref(), a.own)
	case a.own:
		c = fl.activation(a.fn)
	}
	if !local && !(again && a.i >= 0 && !a.own && wk.took(&a, fromClass, int32(c), guardFromProc)) {
		region := fl.region(c)
		look := func(q int32) bool {
			all := true
			l := side.of(q)
			mine := a.own && regions.PartOwner(modref.PartID(q)) == a.fn
			for k := 0; k < len(l); {
				rf := l[k].fn
				skip := mine && rf == a.fn || !region.some(rf)
				whole := region.full.Has(int32(rf))
				for ; k < len(l) && l[k].fn == rf; k++ {
					if !skip && l[k].guard == nil && (whole || region.has(g.prog.Funcs[rf], l[k].i)) {
						g.read(&l[k], Free, emit)
					} else {
						all = false
					}
				}
			}
			return all
		}
		guarded := func(q int32) bool {
			for i, l := 0, side.of(q); i < len(l); i++ {
				t := &l[i]
				if t.guard == nil || t.fn == a.fn {
					continue
				}
				if t.guard.within(a.fn) || fl.beside(a.fn, t.ref()) || t.guard.all() && region.has(g.prog.Funcs[t.fn], t.i) {
					g.read(t, Free, emit)
				}
			}
			return false
		}
		switch {
		case wk == nil:
			a.parts.Both(side.parts, func(q int32) { look(q) })
			a.parts.Both(g.guarded, func(q int32) { guarded(q) })
		default:
			v := fromClass
			if a.own {
				v = ownFromClass // which leaves out the procedure's own
			}
			wk.take(&wk.reads, v, int32(c), &a, side.parts, look)
			switch {
			case a.part >= 0 && g.mem.guarded != nil && !g.mem.guarded.Has(int32(a.part)):
			case a.i < 0:
				a.parts.Both(g.guarded, func(q int32) { guarded(q) })
			case a.own:
				wk.take(&wk.reads, ownFromStretch, fl.stretch(a.ref()), &a, g.guarded, guarded)
			case !again:
				wk.take(&wk.reads, fromStretch, fl.stretch(a.ref()), &a, g.guarded, guarded)
			default:
				wk.take(&wk.reads, guardFromProc, int32(a.fn), &a, g.guarded, guarded)
			}
		}
	}
	covered := !a.own && (a.i < 0 || again) // what has no guard
	if covered && !g.guardIn[a.fn] {
		return
	}
	for _, x := range side.order[side.byFunc[a.fn]:side.byFunc[a.fn+1]] {
		t := &side.list[x]
		if !a.parts.Has(int32(t.part)) {
			continue
		}
		w := Free
		if a.own && regions.PartOwner(t.part) == a.fn {
			w = Same
		} else if local {
			continue
		}
		ok := false
		switch {
		case t.guard != nil:
			ok = g.sees(t.guard, a.fn, a.i, t.ref())
		case !covered:
			ok = a.i < 0 || fl.inside(a.ref(), t.ref())
		}
		if ok {
			g.read(t, w, emit)
		}
	}
}

// sees reports whether the load at, which has a guard, may see an access at
// instruction i of its own procedure; -1: a parameter's.
func (g *Graph) sees(k *guard, f ir.FuncID, i int32, at ir.Ref) bool {
	if i < 0 {
		return k.entry
	}
	return k.at.Has(i) || k.within(f) || g.flow.beside(f, at)
}

// read emits a read access.
func (g *Graph) read(t *touch, w Way, emit Emit) {
	if t.arg == 0 {
		emit(t.node, Memory, w)
		return
	}
	g.passed(g.prog.Funcs[t.fn], t.i, int(t.arg-1), Memory, w, func(n Node, k Kind, v Way) {
		if w == Free {
			v = Free
		}
		emit(n, k, v)
	})
}

// writersOf emits what may write what a reads; with local set, only what is Same.
func (g *Graph) writersOf(wk *Walk, a access, local bool, emit Emit) {
	regions, fl, side := g.mr.Regions(), g.flow, &g.mem.writes
	f := g.prog.Funcs[a.fn]
	again := fl.again.Has(int32(a.fn))
	mine := side.order[side.byFunc[f.ID]:side.byFunc[f.ID+1]]
	if again && !a.own && a.guard == nil && !side.ownIn[f.ID] {
		mine = nil // all of them are looked at below
	}
	for _, x := range mine {
		t := &side.list[x]
		if !a.parts.Has(int32(t.part)) {
			continue
		}
		switch mine := regions.PartOwner(t.part) == a.fn; {
		case mine && a.own:
			if a.guard != nil && g.sees(a.guard, a.fn, t.i, a.ref()) || a.guard == nil && (t.i < 0 || fl.inside(t.ref(), a.ref())) {
				emit(t.node, Memory, Same)
			}
		case local:
		case a.guard != nil:
			if g.sees(a.guard, a.fn, t.i, a.ref()) {
				emit(t.node, Memory, Free)
			}
		case mine:
			if t.i < 0 || fl.inside(t.ref(), a.ref()) || fl.in(fl.follow(t.ref(), true), a.ref()) {
				emit(t.node, Memory, Free)
			}
		case !again && t.i >= 0:
			if fl.inside(t.ref(), a.ref()) {
				emit(t.node, Memory, Free)
			}
		}
	}
	if local || again && a.guard == nil && wk.took(&a, fromColumn, fl.column[a.fn], ownFromProc) {
		return
	}
	if !a.guard.all() {
		g.limited(wk, &a, emit)
		return
	}
	look := func(p int32) bool {
		all := true
		owner := regions.PartOwner(modref.PartID(p))
		side.groups(p, func(wf ir.FuncID, l []touch) {
			switch {
			case wf == owner || wf == a.fn && a.guard != nil:
				all = false
			case fl.all || fl.again.Has(int32(wf)):
				in := fl.region(fl.classOf[wf]).has(f, a.i)
				for i := range l {
					if in || l[i].i < 0 {
						emit(l[i].node, Memory, Free)
					} else {
						all = false
					}
				}
			default:
				for i := range l {
					if l[i].i < 0 || fl.in(fl.follow(l[i].ref(), false), a.ref()) {
						emit(l[i].node, Memory, Free)
					} else {
						all = false
					}
				}
			}
		})
		return all
	}
	owned := func(p int32) bool {
		wf := regions.PartOwner(modref.PartID(p))
		if wf == a.fn || !fl.region(fl.activation(wf)).some(a.fn) {
			return false
		}
		l := side.of(p)
		lo, hi := side.in(l, wf)
		all := hi-lo == len(l)
		for _, t := range l[lo:hi] {
			if t.i < 0 && fl.in(fl.activation(wf), a.ref()) || t.i >= 0 && fl.in(fl.follow(t.ref(), true), a.ref()) {
				emit(t.node, Memory, Free)
			} else {
				all = false
			}
		}
		return all
	}
	if a.guard != nil {
		// The stretch is this load's alone.
		if wk == nil || wk.writes.all == nil {
			a.parts.Both(side.parts, func(p int32) { look(p) })
		} else {
			a.parts.BothBut(side.parts, wk.writes.all, func(p int32) { look(p) })
		}
		a.parts.Both(side.owned, func(p int32) { owned(p) })
		return
	}
	own := a.part < 0 || g.mem.owned == nil || g.mem.owned.Has(int32(a.part))
	if again {
		wk.written(fromColumn, fl.column[a.fn], &a, side.parts, look)
		if own {
			wk.written(ownFromProc, int32(a.fn), &a, side.owned, owned)
		}
		return
	}
	s := fl.stretch(a.ref())
	wk.written(fromStretch, s, &a, side.parts, look)
	if own {
		wk.written(ownFromStretch, s, &a, side.owned, owned)
	}
}

// limited emits the writers in other procedures that a load with a guard sees:
// those that were called since, and other threads'.
func (g *Graph) limited(wk *Walk, a *access, emit Emit) {
	side := &g.mem.writes
	if a.guard.calls != nil {
		wk.written(callsOfGuard, a.guard.row, a, side.parts, func(p int32) bool { return g.some(p, a, true, emit) })
	}
	if g.flow.threads == nil {
		return
	}
	beside := func(p int32) bool { return g.some(p, a, false, emit) }
	if g.flow.again.Has(int32(a.fn)) {
		wk.written(besideProc, int32(a.fn), a, side.parts, beside)
	} else {
		wk.written(besideStretch, g.flow.stretch(a.ref()), a, side.parts, beside)
	}
}

// some emits the writes of a part by what was called since, or by what other threads run. It reports whether that is all of them.
func (g *Graph) some(p int32, a *access, called bool, emit Emit) bool {
	all := true
	g.mem.writes.groups(p, func(wf ir.FuncID, l []touch) {
		if called && !a.guard.within(wf) || !called && !g.flow.beside(wf, a.ref()) {
			all = false
			return
		}
		for i := range l {
			emit(l[i].node, Memory, Free)
		}
	})
	return all
}

// Readers gives what may read locs (size bytes each, -1: to the end of the
// object) after the instruction at has written them.
func (g *Graph) Readers(at ir.Ref, locs []modref.Access, emit Emit) {
	g.readersOf(nil, g.adHoc(at, locs), false, emit)
}

// Writers gives what may write locs before the instruction at reads them.
func (g *Graph) Writers(at ir.Ref, locs []modref.Access, emit Emit) {
	g.writersOf(nil, g.adHoc(at, locs), false, emit)
}

// adHoc makes an access that is none of the program's.
func (g *Graph) adHoc(at ir.Ref, locs []modref.Access) access {
	regions := g.mr.Regions()
	row := modref.NewBits(regions.N())
	for _, l := range locs {
		l.Loc, l.Size = g.pts.Span(l.Loc, l.Size)
		regions.Find(l, row)
	}
	return access{fn: at.Func, i: at.I, part: -1, parts: g.among(modref.RowOf(row)), own: g.owner(row, at.Func)}
}
