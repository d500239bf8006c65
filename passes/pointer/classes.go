package pointer

import (
	"math/bits"
	"slices"
	"sync"

	"saz/ir"
)

// Objects of crowds. What large sets point at is a crowd (crowd.go), and most of it is of few types: tens of thousands
// of blocks, variables and locals of some thousand layouts. Who can't tell what is in them from what is in others
// has no use for telling them apart: those of one layout are one class, and one of them stands for all, in
// all sets. So a set has no more places than layouts have, whatever the size of the program. In the result, what
// stands for others is all of them again, but for who asks for classes (package modref).
//
// Nor is there much use for telling apart what is where in the larger of them: one with many places becomes one place, as does
// what has too many odd ones (melt).
//
// An object that no large set has stays what it is; so do functions, literals, what is a library's, headers of
// blocks, and variables in a section of their own.
//
// Sound as the rest: the places of an object go on as those of another of the same layout, with all that is in both.

// classes are the objects that one stands for.
type classes struct {
	of     map[classKey]ObjID // who stands for a class
	stands []ObjID            // by object: who stands for it, most often itself
	moved  []int32            // by place: the one that stands for it, none if it is its own
	fresh  []int32            // of those that are moved, the ones that sets may have
	seen   map[setID]bool     // large sets that were looked at
	met    []uint64           // by place: such a set has it
	count  int                // objects that others stand for
	lumps  map[ObjID]*lay     // what has become one place, with the layout that it had

	// In the result.
	members map[ObjID][]ObjID // by object that stands for others, with itself
	mu      sync.Mutex
	spread  map[*Loc][]Loc // by the first of a set that the solver has
}

// A classKey is what objects of a class have in common.
type classKey struct {
	kind  Kind
	lay   *lay
	was   *lay // of what has become one place: the layout that it had
	front int64
	flags uint8
}

// standsFor returns the object that stands for o.
func (s *solver) standsFor(o ObjID) ObjID {
	for int(o) < len(s.class.stands) && s.class.stands[o] != o {
		o = s.class.stands[o]
	}
	return o
}

// placed returns the place that stands for p.
func (s *solver) placed(p int32) int32 {
	for int(p) < len(s.class.moved) && s.class.moved[p] != none {
		p = s.class.moved[p]
	}
	return p
}

// classOf returns the class of o, false if it is in none.
func (s *solver) classOf(o ObjID) (classKey, bool) {
	ob := &s.objects[o]
	k := classKey{kind: ob.Kind, lay: s.objLay[o], front: ob.Front}
	switch {
	case ob.Kind == Func, ob.Kind == Unknown, ob.Opaque, ob.Library, ob.Head, ob.Packet, s.isString(o),
		s.among[o] != nil, s.outNames[o] != "", s.noCode[o], len(s.behind[o]) > 0:
		return k, false
	}
	thread := false
	if ob.Kind == Global {
		g := s.prog.Globals[ob.Global]
		if g.Linkage == ir.Undefined || g.Obj != nil && g.Obj.Section != "" {
			return k, false
		}
		thread = g.Thread
	}
	for i, b := range [...]bool{ob.Array, ob.Stack, s.text[o], s.trust[o], s.viewed[o], thread, s.mayStore(o)} {
		if b {
			k.flags |= 1 << i
		}
	}
	if l := s.class.lumps[o]; l != nil {
		k.lay = l
	} else if k.lay == meltedLay && ob.Type != nil {
		k.was = s.lays.of(ob.Type)
	}
	return k, true
}

// classify makes one of the objects of a class that large sets have.
func (s *solver) classify() {
	if !s.crowd.on {
		return
	}
	c := &s.class
	if c.of == nil {
		c.of, c.seen, c.lumps = map[classKey]ObjID{}, map[setID]bool{}, map[ObjID]*lay{}
	}
	copies := map[ObjID][]ObjID{} // a variable's, which go with it
	for x, base := range s.copyOf {
		copies[base] = append(copies[base], x)
	}
	for _, l := range copies {
		slices.Sort(l)
	}
	var from []ObjID // objects that now others stand for
	for n, d := range s.pts {
		if s.rep[n] != int32(n) || s.sets.len(d) <= crowdsFrom.size || c.seen[d] {
			continue
		}
		c.seen[d] = true
		for _, b := range s.sets.all[d].b {
			for int(b.k) >= len(c.met) {
				c.met = append(c.met, 0)
			}
			w := b.w &^ c.met[b.k]
			c.met[b.k] |= w
			for ; w != 0; w &= w - 1 {
				from = s.classed(s.places[b.k<<6+int32(bits.TrailingZeros64(w))].Obj, copies, from)
			}
		}
	}
	if len(from) > 0 {
		s.moveAll(from)
	}
	s.lump()
	if len(c.fresh) > 0 {
		s.rename()
		s.dirty = true
	}
}

// classed puts object o into its class, and adds to from what others stand for now.
func (s *solver) classed(o ObjID, copies map[ObjID][]ObjID, from []ObjID) []ObjID {
	c := &s.class
	if base, ok := s.copyOf[o]; ok {
		o = base
	}
	if s.standsFor(o) != o {
		return from
	}
	k, ok := s.classOf(o)
	if !ok {
		return from
	}
	for _, x := range copies[o] {
		if kx, ok := s.classOf(x); !ok || kx != k {
			return from
		}
	}
	to, ok := c.of[k]
	if ok {
		if now, _ := s.classOf(to); now != k { // it has become something else meanwhile
			ok = false
		}
	}
	if !ok {
		to = o
		c.of[k] = o
	}
	for len(c.stands) < len(s.objects) {
		c.stands = append(c.stands, ObjID(len(c.stands)))
	}
	for _, x := range append([]ObjID{o}, copies[o]...) {
		if c.stands[x] == x && x != to {
			c.stands[x] = to
			from = append(from, x)
		}
	}
	return from
}

// moveAll makes the places of objects from those of what stands for them.
func (s *solver) moveAll(from []ObjID) {
	c := &s.class
	c.count += len(from)
	gone := map[ObjID]bool{}
	var copies []copyTarget
	for _, o := range from {
		gone[o] = true
		for _, x := range s.byObj[o] {
			s.moves(x.p, s.place(s.standsFor(o), x.off))
		}
	}
	for _, o := range from {
		to := s.standsFor(o)
		in := s.byObj[o]
		s.byObj[o] = nil
		for _, x := range in {
			p, q := x.p, s.placed(x.p)
			s.places[p].Obj = to
			if s.cell[p] != none {
				s.mergeNodes(s.cellOf(q), s.cell[p])
			}
			if s.crowd.crowded(p) && !s.crowd.crowded(q) {
				s.join(q)
			}
		}
		if s.anyLoad[o] != none {
			s.mergeNodes(s.anyLoadOf(to), s.anyLoad[o])
		}
		if s.anyStore[o] != none {
			s.mergeNodes(s.anyStoreOf(to), s.anyStore[o])
		}
		if s.crowd.hasWhole(o) {
			s.joinWhole(to)
		}
		copies = append(copies, s.watchers[o]...)
		s.watchers[o] = nil
	}
	// What is at a distance from one is so from the other.
	for v := range len(s.virt) {
		if o := s.places[v].Obj; s.virt[v] != 0 && gone[o] {
			s.places[v].Obj = s.standsFor(o)
			dist := s.virt[v]
			if dist == atHead {
				dist = 0
			}
			s.moves(int32(v), s.virtual(s.real(int32(v)), dist, s.virtAs[v]))
		}
	}
	for _, w := range copies {
		s.copyBlock(s.placed(w.dst), s.placed(w.src), w.size)
	}
	// Tables of steps stay: arithmetic stays in its object.
}

// lump makes one place of all those of an object that stands for a class, if it has many.
func (s *solver) lump() {
	c := &s.class
	var list []ObjID
	for _, o := range c.of {
		if s.standsFor(o) == o && s.objLay[o] != meltedLay && !s.viewed[o] && len(s.byObj[o]) > crowdsFrom.places {
			list = append(list, o)
		}
	}
	if len(list) == 0 {
		return
	}
	slices.Sort(list)
	for _, o := range list {
		c.lumps[o] = s.objLay[o]
		s.melt(o)
		one := s.place(o, 0)
		for _, x := range s.byObj[o] {
			p := x.p
			if p == one {
				continue
			}
			if s.cell[p] != none {
				s.mergeNodes(s.cellOf(one), s.cell[p])
			}
			if s.crowd.crowded(p) && !s.crowd.crowded(one) {
				s.join(one)
			}
			s.moves(p, one)
		}
		s.byObj[o] = []located{{0, one}}
	}
	for v := range len(s.virt) {
		if o := s.places[v].Obj; s.virt[v] != 0 && c.lumps[o] != nil && s.placed(int32(v)) == int32(v) {
			s.moves(int32(v), s.place(o, 0))
		}
	}
}

// moves makes place q stand for p.
func (s *solver) moves(p, q int32) {
	c := &s.class
	for len(c.moved) < len(s.places) {
		c.moved = append(c.moved, none)
	}
	c.moved[p] = q
	c.fresh = append(c.fresh, p)
}

// mergeNodes makes nodes a and b one.
func (s *solver) mergeNodes(a, b int32) {
	if a, b = s.find(a), s.find(b); a != b {
		s.merge(a, b)
	}
}

// rename puts into all sets the places that stand for theirs. What nodes have seen they need not see again: the nodes that
// a place led to are one with those of what stands for it.
func (s *solver) rename() {
	c := &s.class
	var moved set
	for _, p := range c.fresh {
		moved.add(p)
	}
	c.fresh = c.fresh[:0]
	to := map[setID]setID{}
	renamed := func(d setID) setID {
		if r, ok := to[d]; ok {
			return r
		}
		r := d
		if meets(moved.b, s.sets.all[d].b) {
			out := s.builder(s.sets.len(d))
			gone := moved.b
			for _, b := range s.sets.all[d].b {
				stays := b.w
				if gone = gone[search(gone, b.k):]; len(gone) > 0 && gone[0].k == b.k {
					stays &^= gone[0].w
				}
				if stays != 0 {
					out.addBits(b.k, stays)
				}
				for w := b.w &^ stays; w != 0; w &= w - 1 {
					out.add(s.placed(b.k<<6 + int32(bits.TrailingZeros64(w))))
				}
			}
			r = s.built(out)
		}
		to[d] = r
		return r
	}
	for n, d := range s.pts {
		if s.rep[n] != int32(n) || d == 0 {
			continue
		}
		s.pts[n], s.delta[n] = renamed(d), renamed(s.delta[n])
	}
}

// joinClasses is for the result: who is in a class, and what is behind headers as classes.
func (s *solver) joinClasses() {
	c := &s.class
	c.of, c.moved, c.fresh, c.seen, c.met, c.lumps = nil, nil, nil, nil, nil, nil
	if c.count == 0 {
		return
	}
	c.members = map[ObjID][]ObjID{}
	for o := range c.stands {
		to := s.standsFor(ObjID(o))
		if to == ObjID(o) {
			continue
		}
		s.objLay[o], s.viewed[o] = s.objLay[to], s.viewed[to]
		if _, copied := s.copyOf[ObjID(o)]; copied {
			continue // it is the variable, which is in the class
		}
		if c.members[to] == nil {
			c.members[to] = []ObjID{to}
		}
		c.members[to] = append(c.members[to], ObjID(o))
	}
	for _, l := range c.members {
		slices.Sort(l)
	}
	c.spread = map[*Loc][]Loc{}
}

// inClass reports whether o stands for others, or another for it.
func (s *solver) inClass(o ObjID) bool { return s.class.members[s.standsFor(o)] != nil }

// spread adds to places those of the objects that theirs stand for.
func (s *solver) spread(l []Loc) []Loc {
	c := &s.class
	if c.members == nil || !slices.ContainsFunc(l, func(x Loc) bool { return c.members[x.Obj] != nil }) {
		return l
	}
	var out []Loc
	for _, x := range l {
		if c.members[x.Obj] == nil {
			out = append(out, x)
		}
		for _, o := range c.members[x.Obj] {
			out = append(out, Loc{o, x.Off})
		}
	}
	return sortLocs(out)
}

// spreadSet is spread for a set of the solver's: equal ones are the same slice. Results are read concurrently.
func (s *solver) spreadSet(l []Loc) []Loc {
	c := &s.class
	if c.members == nil || len(l) == 0 {
		return l
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	out, ok := c.spread[&l[0]]
	if !ok {
		out = s.spread(l)
		c.spread[&l[0]] = out
	}
	return out
}

// classesOf is l with what stands for its objects.
func (s *solver) classesOf(l []Loc) []Loc {
	if s.class.members == nil || !slices.ContainsFunc(l, func(x Loc) bool { return s.standsFor(x.Obj) != x.Obj }) {
		return l
	}
	out := slices.Clone(l)
	for i := range out {
		out[i].Obj = s.standsFor(out[i].Obj)
	}
	return sortLocs(out)
}
