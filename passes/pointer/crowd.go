package pointer

import (
	"cmp"
	"math/bits"
	"slices"
)

// What a pointer with very many targets reads and writes. Each load through it needs an edge from each of
// its places, each store one to each, and where such pointers are many the edges outgrow
// memory: a program whose sets melt together costs the product of the two. So what is at the places of such
// sets is one for all places that are declared to hold the same kind of pointer. This is
// Steensgaard's unification ("Points-to Analysis in Almost Linear Time", POPL 1996) where
// inclusion can't be afforded, and there alone.

// There are crowds in a program of more than crowdNodes nodes as soon as more than crowdFacts members were added to its
// sets: smaller ones can be afforded whatever their sets do. A crowd is what a set with more than crowdSize places points at.
const (
	crowdNodes = 1 << 20
	crowdFacts = 128_000_000
	crowdSize  = 512
)

// A crowdKind is what places of crowds are told apart by.
type crowdKind struct {
	class scalarClass
	to    *lay
	size  int64
	any   bool // of no one type
}

type crowd struct {
	contents    map[crowdKind]int32
	kind        []int32 // by place: the node of its kind, none if it is in no crowd
	read, write int32   // what is anywhere in crowded objects
	whole       []bool  // by object: in read and write
	places      set
	hubs        map[setID]*hubs
	known       map[setID]bool
	on          bool // there are crowds
	any         bool // some place is in one
}

// hubs are what accesses to a set have edges from and to.
type hubs struct {
	read, write []int32
	rest        []int32 // places that are in no crowd
}

// isCrowded reports whether place p is in a crowd.
func (s *solver) isCrowded(p int32) bool {
	return int(p) < len(s.crowd.kind) && s.crowd.kind[p] != none
}

// join makes place p one of a crowd.
func (s *solver) join(p int32) bool {
	c := &s.crowd
	if s.readNode(p) == none {
		return false
	}
	for int(p) >= len(c.kind) {
		c.kind = append(c.kind, none)
	}
	if l := s.places[p]; l.Off == Any || s.viewed[l.Obj] && l.Off < viewBase {
		s.joinWhole(l.Obj)
		c.kind[p] = -2
		return true
	}
	k := s.kindAt(p)
	n, ok := c.contents[k]
	if !ok {
		n = s.node()
		c.contents[k] = n
	}
	c.kind[p] = n
	a, b := s.find(n), s.find(s.readNode(p))
	s.edge(a, b)
	s.edge(b, a)
	return true
}

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

func (s *solver) hubsOf(n int32, d setID, places []int32) *hubs {
	c := &s.crowd
	if !c.on {
		return nil
	}
	if s.sets.len(s.pts[s.find(n)]) > crowdSize {
		if c.contents == nil {
			c.contents = map[crowdKind]int32{}
			c.hubs = map[setID]*hubs{}
			c.read, c.write = none, none
		}
		news := false
		for _, p := range places {
			if s.virt[p] == 0 && !s.isCrowded(p) {
				news = s.join(p) || news
			}
		}
		if news {
			clear(c.hubs)
			c.any = true
		}
	}
	if !c.any {
		return nil
	}
	if h := c.hubs[d]; h != nil {
		return h
	}
	h := &hubs{}
	seen := map[int32]bool{}
	for _, p := range places {
		if s.virt[p] != 0 {
			continue
		}
		if !s.isCrowded(p) {
			h.rest = append(h.rest, p)
			continue
		}
		k := c.kind[p]
		if seen[k] {
			continue
		}
		seen[k] = true
		if k == -2 {
			h.read = append(h.read, c.read)
			h.write = append(h.write, c.write)
		} else {
			h.read = append(h.read, k)
			h.write = append(h.write, k)
		}
	}
	if len(places) > 16 {
		c.hubs[d] = h
	}
	return h
}

func (s *solver) crowdWhole(o ObjID) bool { return int(o) < len(s.crowd.whole) && s.crowd.whole[o] }

// kindAt says what the layout has at place p.
func (s *solver) kindAt(p int32) crowdKind {
	l := s.places[p]
	lay, off := s.objLay[l.Obj], l.Off
	if off >= viewBase && off != anyBytes {
		k := s.views[off-viewBase]
		if lay, off = k.rec, k.off; off == Any {
			return crowdKind{any: true}
		}
	}
	var buf [pathBuf]step
	k, found := crowdKind{}, false
	for _, st := range lay.path(int64(off), 0, buf[:0]) {
		switch {
		case st.mixed || found:
			return crowdKind{any: true}
		case st.rec == nil && st.elem == 0:
			k, found = crowdKind{class: st.class, to: st.to, size: st.size}, true
		}
	}
	k.any = !found
	return k
}

// unite makes one node of those that have the same large set.
func (s *solver) unite() {
	first := map[setID]int32{}
	var into []int32
	for n := range s.rep {
		d := s.pts[n]
		if s.rep[n] != int32(n) || s.sets.len(d) <= crowdSize {
			continue
		}
		m, ok := first[d]
		if !ok {
			first[d] = int32(n)
			continue
		}
		if len(into) == 0 || into[len(into)-1] != m {
			into = append(into, m)
		}
		s.rep[n] = m
		s.merged++
		s.delta[m], _ = s.sets.union(s.delta[m], s.delta[n])
		for _, b := range s.succ[n].b {
			for w := b.w; w != 0; w &= w - 1 {
				s.united = append(s.united, [2]int32{m, b.k<<6 + int32(bits.TrailingZeros64(w))})
			}
		}
		s.cons[m] = append(s.cons[m], s.cons[n]...)
		s.pts[n], s.delta[n], s.succ[n], s.cons[n] = 0, 0, set{}, nil
	}
	for i := range s.united {
		e := &s.united[i]
		e[0], e[1] = s.find(e[0]), s.find(e[1])
	}
	slices.SortFunc(s.united, func(a, b [2]int32) int { return cmp.Or(cmp.Compare(a[0], b[0]), cmp.Compare(a[1], b[1])) })
	for _, e := range s.united {
		if e[0] != e[1] {
			s.succ[e[0]].add(e[1])
		}
	}
	s.united = s.united[:0]
	slices.Sort(into)
	seen := map[constraint]bool{}
	for _, m := range slices.Compact(into) {
		clear(seen)
		out := s.cons[m][:0]
		for _, c := range s.cons[m] {
			switch c.kind {
			case conLoad, conStore, conShift, conIndex, conLoadAny, conStoreAny, conMask, conTyped, conEscape:
				c.other = s.find(c.other)
			}
			if !seen[c] {
				seen[c] = true
				out = append(out, c)
			}
		}
		s.cons[m] = out
	}
	if len(into) > 0 {
		s.dirty = true
	}
}

// oddLimit is maxOdd, or less where there are crowds.
func (s *solver) oddLimit() int32 {
	if s.crowd.on {
		return 4
	}
	return maxOdd
}

func (s *solver) viewLimit() int {
	if s.crowd.on {
		return 6
	}
	return maxViews
}
