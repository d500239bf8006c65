package sdg

import (
	"slices"
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
}

func (s *side) of(p int32) []touch { return s.list[s.start[p]:s.start[p+1]] }

// in returns those of function f.
func (s *side) in(l []touch, f ir.FuncID) (lo, hi int) {
	lo, _ = slices.BinarySearchFunc(l, f, func(t touch, f ir.FuncID) int { return int(t.fn) - int(f) })
	hi, _ = slices.BinarySearchFunc(l, f+1, func(t touch, f ir.FuncID) int { return int(t.fn) - int(f) })
	return lo, hi
}

type memory struct {
	reads, writes side
	overlap       []atomic.Pointer[bitset] // by part
}

func (g *Graph) indexMemory() {
	var reads, writes []touch
	for _, f := range g.prog.Funcs {
		if len(f.Blocks) == 0 {
			continue
		}
		for k := range f.Params {
			if p, ok := g.mr.ParamPart(f.ID, k); ok {
				writes = append(writes, touch{g.param(f.ID, k), f.ID, -1, 0, p})
			}
		}
		for i := range f.Instrs {
			ref := ir.Ref{Func: f.ID, I: int32(i)}
			id := g.base[f.ID] + int32(i)
			in, out := g.kinds(id)
			if !in || out {
				for _, p := range g.mr.ReadParts(ref) {
					reads = append(reads, touch{Node(id), f.ID, int32(i), 0, p})
				}
			}
			if in {
				for j := range f.Instrs[i].ArgTypes {
					if p, ok := g.mr.ArgPart(ref, j); ok {
						reads = append(reads, touch{Node(id), f.ID, int32(i), int32(j + 1), p})
					}
				}
			}
			for _, p := range g.mr.WriteParts(ref) {
				if in {
					writes = append(writes, touch{g.result(id), f.ID, int32(i), 0, p})
				}
				if !in || out {
					writes = append(writes, touch{Node(id), f.ID, int32(i), 0, p})
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
func (g *Graph) among(regions bitset) bitset {
	b := modref.NewBits(g.mr.Parts())
	regions.Each(func(r int32) { b.Or(g.mr.Regions().Parts[r]) })
	return b
}

// A Walk is one traversal of the graph. It remembers which parts it has looked
// at from where; nil remembers nothing.
type Walk struct {
	g             *Graph
	reads, writes map[walkKey]bitset
}

// A walkKey says from where: a class of control flow, a column, a procedure or a stretch.
type walkKey struct {
	what byte
	id   int32
}

// Walk begins a traversal, all of whose steps go one way.
func (g *Graph) Walk() *Walk {
	return &Walk{g: g, reads: map[walkKey]bitset{}, writes: map[walkKey]bitset{}}
}

// take calls f for the parts in row and side that were not looked at under key.
func (w *Walk) take(m map[walkKey]bitset, key walkKey, row, side bitset, f func(p int32)) {
	done := m[key]
	if done == nil {
		done = modref.NewBits(w.g.mr.Parts())
		m[key] = done
	}
	row.Take(side, done, f)
}

// owner returns f if all regions in row are locals of f, and not f otherwise.
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
	parts bitset
	own   bool // nothing but locals of the one activation of fn
}

func (a *access) ref() ir.Ref { return ir.Ref{Func: a.fn, I: a.i} }

func (g *Graph) accessOf(f ir.FuncID, i int32, p modref.PartID) access {
	return access{f, i, g.overlap(p), g.mr.Regions().PartOwner(p) == f}
}

// readersOf emits what may read what a writes; with local set, only what is Same.
func (g *Graph) readersOf(wk *Walk, a access, local bool, emit Emit) {
	f := g.prog.Funcs[a.fn]
	regions, fl, side := g.mr.Regions(), g.flow, &g.mem.reads
	if !local {
		var c class
		switch {
		case a.i >= 0:
			c = fl.follow(a.ref(), a.own)
		case a.own:
			c = fl.activation(a.fn)
		}
		region := fl.region(c)
		look := func(q int32) {
			l := side.of(q)
			mine := a.own && regions.PartOwner(modref.PartID(q)) == a.fn
			for k := 0; k < len(l); {
				rf := l[k].fn
				skip := mine && rf == a.fn || !region.some(rf)
				whole := region.full.Has(int32(rf))
				for ; k < len(l) && l[k].fn == rf; k++ {
					if !skip && (whole || region.has(g.prog.Funcs[rf], l[k].i)) {
						g.read(&l[k], Free, emit)
					}
				}
			}
		}
		if wk != nil {
			wk.take(wk.reads, walkKey{'c', int32(c)}, a.parts, side.parts, look)
		} else {
			a.parts.Both(side.parts, look)
		}
	}
	if !a.own && (local || a.i < 0 || fl.again.Has(int32(a.fn))) {
		return
	}
	for _, x := range side.order[side.byFunc[f.ID]:side.byFunc[f.ID+1]] {
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
		if a.i < 0 || fl.inside(a.ref(), t.ref()) {
			g.read(t, w, emit)
		}
	}
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
	for _, x := range side.order[side.byFunc[f.ID]:side.byFunc[f.ID+1]] {
		t := &side.list[x]
		if !a.parts.Has(int32(t.part)) {
			continue
		}
		switch mine := regions.PartOwner(t.part) == a.fn; {
		case mine && a.own:
			if t.i < 0 || fl.inside(t.ref(), a.ref()) {
				emit(t.node, Memory, Same)
			}
		case local:
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
	if local {
		return
	}
	look := func(p int32) {
		l := side.of(p)
		owner := regions.PartOwner(modref.PartID(p))
		for k := 0; k < len(l); {
			wf := l[k].fn
			lo := k
			for k < len(l) && l[k].fn == wf {
				k++
			}
			switch {
			case wf == owner:
			case fl.all || fl.again.Has(int32(wf)):
				if region := fl.region(fl.classOf[wf]); region.has(f, a.i) {
					for _, t := range l[lo:k] {
						emit(t.node, Memory, Free)
					}
					continue
				}
				for _, t := range l[lo:k] {
					if t.i < 0 {
						emit(t.node, Memory, Free)
					}
				}
			default:
				for _, t := range l[lo:k] {
					if t.i < 0 || fl.in(fl.follow(t.ref(), false), a.ref()) {
						emit(t.node, Memory, Free)
					}
				}
			}
		}
	}
	owned := func(p int32) {
		wf := regions.PartOwner(modref.PartID(p))
		if wf == a.fn || !fl.region(fl.activation(wf)).some(a.fn) {
			return
		}
		l := side.of(p)
		lo, hi := side.in(l, wf)
		for _, t := range l[lo:hi] {
			if t.i < 0 && fl.in(fl.activation(wf), a.ref()) || t.i >= 0 && fl.in(fl.follow(t.ref(), true), a.ref()) {
				emit(t.node, Memory, Free)
			}
		}
	}
	if wk == nil {
		a.parts.Both(side.parts, look)
		a.parts.Both(side.owned, owned)
		return
	}
	k, o := walkKey{'k', fl.column[a.fn]}, walkKey{'f', int32(a.fn)}
	if !again {
		s := fl.stretch(a.ref())
		k, o = walkKey{'s', s}, walkKey{'o', s}
	}
	wk.take(wk.writes, k, a.parts, side.parts, look)
	wk.take(wk.writes, o, a.parts, side.owned, owned)
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
	return access{at.Func, at.I, g.among(row), g.owner(row, at.Func)}
}
