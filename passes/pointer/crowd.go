package pointer

import (
	"cmp"
	"math/bits"
	"slices"
)

// What is done where inclusion can't be afforded. In a very large program sets may melt together until most pointers
// have tens of thousands of places, and then each load through one of them needs an edge from each of its
// places, and each store one to each. So what a large set points at is a crowd: what is there is one for
// all places that are declared to hold the same kind of pointer, which is Steensgaard's unification ("Points-to Analysis
// in Almost Linear Time", POPL 1996) in that part of the program alone. A place that is in a crowd is so for small
// sets, too. And objects of one layout are one (classes.go).
//
// Where there are crowds, besides: nodes that have the same large set are one from then on (unite), arithmetic that feeds itself is
// not looked for, objects have fewer odd places and views, and entries that would contain a list's head anywhere in an object are one
// for each object (virtual.go).
//
// Sound as the rest: it makes sets larger, nothing else; run_test.go and facts_test.go go through all their programs with
// everything in crowds, too, and those of packages modref and slice as well. Cost, on the current HAProxy (270,000 lines, 1.3 million nodes): see docs/evaluation.md; without, its edges outgrow memory.

// There are crowds in a program of more than nodes nodes as soon as more than facts members were added to its
// sets: smaller ones can be afforded whatever their sets do. A crowd is what a set with more than size places points at.
// In one, an object of more than some places becomes one place.
type crowdLimits struct {
	nodes  int
	facts  int64
	size   int
	places int
}

var crowdsFrom = crowdLimits{nodes: 1 << 20, facts: 32_000_000, size: 512, places: 16}

// Crowd makes the solver take any set of more than size places for a crowd as soon as more than facts members were
// added to sets, and an object there of more than so many places for one, until mend is called: for tests, of this package and of those that work
// on its classes.
func Crowd(size int, facts int64, places int) (mend func()) {
	limits := crowdsFrom
	crowdsFrom = crowdLimits{size: size, facts: facts, places: places}
	return func() { crowdsFrom = limits }
}

// In crowds, maxOdd and maxViews are less.
const (
	crowdOdd   = 4
	crowdViews = 6
)

type crowd struct {
	on          bool // there may be crowds
	contents    map[crowdKind]int32
	kind        []int32 // by place: the node of its kind, atAnyPlace, or none if it is in no crowd
	read, write int32   // what is read and written anywhere in the objects of whole
	whole       []bool  // by object
	hubs        map[setID]*hubs
}

// atAnyPlace is crowd.kind of what is anywhere in an object.
const atAnyPlace = -2

// A crowdKind is what places of crowds are told apart by.
type crowdKind struct {
	class scalarClass
	to    *lay
	size  int64
	mixed bool // more than one, or not known
}

// hubs are the nodes from and to which accesses to a set have edges.
type hubs struct {
	read, write []int32
	rest        []int32 // places that are in no crowd
}

// maxLoose is up to how many places hubs are worked out each time.
const maxLoose = 16

// grew begins with crowds where the program, of so many nodes, has had too many members in its sets.
func (c *crowd) grew(facts int64, nodes int) {
	if !c.on && facts > crowdsFrom.facts && nodes > crowdsFrom.nodes {
		c.on = true
		c.contents, c.hubs = map[crowdKind]int32{}, map[setID]*hubs{}
		c.read, c.write = none, none
	}
}

// crowded reports whether place p is in a crowd.
func (c *crowd) crowded(p int32) bool { return int(p) < len(c.kind) && c.kind[p] != none }

// hasWhole reports whether accesses to anywhere in o go by c.read and c.write.
func (c *crowd) hasWhole(o ObjID) bool { return int(o) < len(c.whole) && c.whole[o] }

// hubsOf returns the hubs of set d, whose members are places, which is new in node n; nil where there are no crowds.
func (s *solver) hubsOf(n int32, d setID, places []int32) *hubs {
	c := &s.crowd
	if !c.on {
		return nil
	}
	if s.sets.len(s.pts[s.find(n)]) > crowdsFrom.size {
		for _, p := range places {
			if s.virt[p] == 0 && !c.crowded(p) && s.join(p) {
				clear(c.hubs)
			}
		}
	}
	if h := c.hubs[d]; h != nil {
		return h
	}
	h := &hubs{}
	seen := map[int32]bool{}
	for _, p := range places {
		switch {
		case s.virt[p] != 0:
		case !c.crowded(p):
			h.rest = append(h.rest, p)
		case seen[c.kind[p]]:
		case c.kind[p] == atAnyPlace:
			h.read, h.write = append(h.read, c.read), append(h.write, c.write)
			seen[atAnyPlace] = true
		default:
			h.read, h.write = append(h.read, c.kind[p]), append(h.write, c.kind[p])
			seen[c.kind[p]] = true
		}
	}
	if len(places) > maxLoose {
		c.hubs[d] = h
	}
	return h
}

// join makes place p one of a crowd, and reports whether there is anything to be one of: places that hold no pointers are in none.
func (s *solver) join(p int32) bool {
	at := s.readNode(p)
	if at == none {
		return false
	}
	c := &s.crowd
	for int(p) >= len(c.kind) {
		c.kind = append(c.kind, none)
	}
	if l := s.places[p]; l.Off == Any || s.viewed[l.Obj] && l.Off < viewBase {
		s.joinWhole(l.Obj)
		c.kind[p] = atAnyPlace
		return true
	}
	k := s.kindAt(p)
	n, ok := c.contents[k]
	if !ok {
		n = s.node()
		c.contents[k] = n
	}
	c.kind[p] = n
	s.edge(at, n) // and back: the next search for cycles makes them one
	s.edge(n, at)
	return true
}

// joinWhole makes accesses to anywhere in o go by those of crowds.
func (s *solver) joinWhole(o ObjID) {
	c := &s.crowd
	for int(o) >= len(c.whole) {
		c.whole = append(c.whole, false)
	}
	if c.whole[o] {
		return
	}
	c.whole[o] = true
	if c.read == none {
		c.read, c.write = s.node(), s.node()
	}
	s.edge(s.anyLoadOf(o), c.read)
	if s.writable(s.place(o, 0)) {
		s.edge(c.write, s.anyStoreOf(o))
	}
}

// kindAt says what the layout has at place p.
func (s *solver) kindAt(p int32) crowdKind {
	l := s.places[p]
	lay, off := s.objLay[l.Obj], l.Off
	if off >= viewBase {
		k := s.views[off-viewBase]
		if lay, off = k.rec, k.off; off == Any {
			return crowdKind{mixed: true}
		}
	}
	k, found := crowdKind{}, false
	for _, st := range s.path(lay, int64(off)) {
		switch {
		case st.mixed || found:
			return crowdKind{mixed: true}
		case st.rec == nil && st.elem == 0:
			k, found = crowdKind{class: st.class, to: st.to, size: st.size}, true
		}
	}
	k.mixed = !found
	return k
}

// unite makes one node of those that have the same large set: what comes to one of them later comes to
// all.
func (s *solver) unite() {
	if !s.crowd.on {
		return
	}
	first := map[setID]int32{}
	var into []int32
	var edges [][2]int32
	for n, d := range s.pts {
		if s.rep[n] != int32(n) || s.sets.len(d) <= crowdsFrom.size {
			continue
		}
		m, ok := first[d]
		if !ok {
			first[d] = int32(n)
			continue
		}
		into = append(into, m)
		s.rep[n] = m
		s.merged++
		s.delta[m], _ = s.sets.union(s.delta[m], s.delta[n])
		for _, b := range s.succ[n].b {
			for w := b.w; w != 0; w &= w - 1 {
				edges = append(edges, [2]int32{m, b.k<<6 + int32(bits.TrailingZeros64(w))})
			}
		}
		s.cons[m] = append(s.cons[m], s.cons[n]...)
		s.pts[n], s.delta[n], s.succ[n], s.cons[n] = 0, 0, set{}, nil
	}
	if len(into) == 0 {
		return
	}
	s.dirty = true
	for i, e := range edges {
		edges[i] = [2]int32{s.find(e[0]), s.find(e[1])}
	}
	slices.SortFunc(edges, func(a, b [2]int32) int { return cmp.Or(cmp.Compare(a[0], b[0]), cmp.Compare(a[1], b[1])) })
	for _, e := range edges {
		if e[0] != e[1] {
			s.succ[e[0]].add(e[1])
		}
	}
	slices.Sort(into)
	seen := map[constraint]bool{}
	for _, m := range slices.Compact(into) {
		clear(seen)
		out := s.cons[m][:0]
		for _, c := range s.cons[m] {
			switch c.kind {
			case conLoad, conStore, conShift, conIndex, conMask, conTyped, conEscape, conLoadAny, conStoreAny:
				c.other = s.find(c.other)
			}
			if !seen[c] {
				seen[c] = true
				out = append(out, c)
			}
		}
		s.cons[m] = out
	}
}

// oddLimit is how many odd places an object may have.
func (s *solver) oddLimit() int32 {
	if s.crowd.on {
		return crowdOdd
	}
	return maxOdd
}

// viewLimit is how many places a block may have as views are made of it.
func (s *solver) viewLimit() int {
	if s.crowd.on {
		return crowdViews
	}
	return maxViews
}
