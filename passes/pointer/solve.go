package pointer

import (
	"math"
	"math/bits"

	"saz/frontend/ctype"
	"saz/ir"
)

// solve propagates until nothing changes. Each round first collapses the
// cycles of the copy graph and orders it topologically, then visits the nodes
// that have something new in that order (wave propagation, Pereira and Berlin,
// CGO 2009): only what is new travels along an edge, and the constraints of a
// node see each place once, right when it arrives.
func (s *solver) solve() {
	sets := s.sets
	left := false // nodes that are not in the order
	for {
		s.classify()
		s.unite()
		if s.order == nil || s.dirty && (!s.crowd.on || left || s.edges > s.ordered+s.ordered/128) {
			s.collapse()
			s.dirty, s.ordered = false, s.edges
		}
		s.rounds++
		work := false
		left = false
		for i := len(s.order) - 1; i >= 0; i-- {
			n := s.order[i]
			if s.rep[n] != n || s.delta[n] == 0 {
				continue
			}
			if sets.blocks > sets.most {
				sets.sweep(s.pts, s.delta)
				clear(s.images)
				clear(s.crowd.hubs)
				clear(s.class.seen)
			}
			work = true
			d := s.delta[n]
			s.delta[n] = 0
			s.apply(n, s.cons[n], d)
			// apply may have added edges from n: those have seen everything.
			for _, b := range s.succ[n].b {
				for w := b.w; w != 0; w &= w - 1 {
					if t := s.find(b.k<<6 + int32(bits.TrailingZeros64(w))); t != n {
						s.include(t, d)
					}
				}
			}
		}
		if work {
			continue
		}
		// Nodes made since the order was computed are not in it.
		for n := range s.rep {
			if s.rep[n] == int32(n) && s.delta[n] != 0 {
				work = true
				break
			}
		}
		if !work {
			return
		}
		s.dirty, left = true, true
	}
}

// apply makes constraints cs of node n see set d.
func (s *solver) apply(n int32, cs []constraint, d setID) {
	sets := s.sets
	var places []int32
	for ci := range cs {
		c := cs[ci]
		var st *stepTable
		var im *image
		if c.steps() {
			st = s.stepOf(&c)
			if s.crowd.on {
				c.cyc = false // what grows meets oddLimit soon
			}
			if !c.cyc && sets.len(d) > 1 {
				if im = s.imageOf(st, d); im.of == d && im.by == st {
					s.include(s.find(c.other), im.is)
					continue
				}
			}
		}
		if places == nil && (st == nil || c.cyc) { // on first need: other steps need none
			places = sets.members(d, s.buffer())
			defer s.release(places)
		}
		switch c.kind {
		case conLoad:
			rest := places
			if h := s.hubsOf(n, d, places); h != nil {
				rest = h.rest
				for _, k := range h.read {
					s.edge(k, c.other)
				}
			}
			for _, p := range rest {
				if s.virt[p] == 0 {
					s.edge(s.readNode(p), c.other)
				}
			}
		case conStore:
			rest := places
			if h := s.hubsOf(n, d, places); h != nil {
				rest = h.rest
				for _, k := range h.write {
					s.edge(c.other, k)
				}
			}
			for _, p := range rest {
				if s.writable(p) {
					s.edge(c.other, s.writeNode(p))
				}
			}
		case conShift, conIndex, conMask, conTyped:
			to, melts := s.find(c.other), s.melts
			out := s.builder(sets.len(d))
			if c.cyc {
				for _, p := range places {
					if s.virt[p] == 0 && s.growing(n, p, c.a) {
						out.add(s.place(s.places[p].Obj, Any))
						continue
					}
					to := s.pages.at(st.places, p)
					if to == stepNew {
						to = s.step(&c, st, p)
					}
					st.lead(to, out)
				}
			} else {
				s.leads(&c, st, d, out)
			}
			is := s.built(out)
			if im != nil && s.melts == melts {
				*im = image{st, d, is}
			}
			s.include(to, is)
		case conCopyDst:
			if !s.smashed(n, c, len(places)) {
				for _, src := range s.others(c.other) {
					if s.virt[src] != 0 {
						continue
					}
					for _, p := range places {
						if s.writable(p) {
							s.copyBlock(p, src, c.a)
						}
					}
				}
			}
		case conCopySrc:
			if !s.smashed(c.other, constraint{other: n, b: c.b}, len(places)) {
				for _, dst := range s.others(c.other) {
					if s.writable(dst) {
						for _, p := range places {
							if s.virt[p] != 0 {
								continue
							}
							s.copyBlock(dst, p, c.a)
						}
					}
				}
			}
		case conCall:
			s.called(c.other, places)
		case conReceiver:
			s.receivers(&c, places)
		case conGate:
			s.gate(&c, places)
		case conCallback:
			for _, p := range places {
				if o := &s.objects[s.places[p].Obj]; o.Kind == Func {
					s.callBack(c.other, int(c.a), ir.FuncID(c.b), o.Func)
				}
			}
		case conEscape:
			for _, p := range places {
				o := s.places[p].Obj
				k := s.objects[o].Kind
				if k == Func {
					continue
				}
				if k == Unknown {
					// Not a place where unknown functions meet: then each
					// would know what all the others do.
					s.edge(s.anyLoadOf(o), c.other)
					continue
				}
				s.addPlace(c.other, s.place(o, Any))
				s.edge(s.anyLoadOf(o), c.other)
				if s.writable(p) {
					s.edge(c.other, s.anyStoreOf(o))
				}
			}
		case conLoadAny:
			for _, p := range places {
				if o := s.places[p].Obj; s.objects[o].Kind == Func {
					continue
				} else if slots := s.copyExtent(p, &c); slots != nil {
					for _, off := range slots {
						s.edge(s.readNode(s.place(o, off)), c.other)
					}
				} else if s.crowd.hasWhole(o) {
					s.edge(s.crowd.read, c.other)
				} else {
					s.edge(s.anyLoadOf(o), c.other)
				}
			}
		case conStoreAny:
			for _, p := range places {
				if !s.writable(p) {
					continue
				}
				o := s.places[p].Obj
				if slots := s.copyExtent(p, &c); slots != nil {
					for _, off := range slots {
						s.edge(c.other, s.writeNode(s.place(o, off)))
					}
				} else if s.crowd.hasWhole(o) {
					s.edge(c.other, s.crowd.write)
				} else {
					s.edge(c.other, s.anyStoreOf(o))
				}
			}
		}
	}
}

// steps reports whether c is arithmetic.
func (c *constraint) steps() bool {
	return c.kind == conShift || c.kind == conIndex || c.kind == conMask || c.kind == conTyped
}

// buffer returns working memory, which release takes back.
func (s *solver) buffer() []int32 {
	if l := len(s.buffers); l > 0 {
		b := s.buffers[l-1]
		s.buffers = s.buffers[:l-1]
		return b
	}
	return nil
}

func (s *solver) release(b []int32) { s.buffers = append(s.buffers, b[:0]) }

// others lists what node n has, until the next call.
func (s *solver) others(n int32) []int32 {
	s.scratch = s.sets.members(s.pts[s.find(n)], s.scratch[:0])
	return s.scratch
}

// copyExtent lists the places from p on that a copy may touch of which no more is known
// than where it begins; nil if c is no such copy, or that is all of the object.
func (s *solver) copyExtent(p int32, c *constraint) []int32 {
	if c.a != upward || s.virt[p] != 0 {
		return nil
	}
	return s.slotsFrom(s.places[p], s.extent(p))
}

// upward marks the conLoadAny and conStoreAny of copies.
const upward = 1

// crawl is how many steps of the same arithmetic in one object are followed when
// it feeds itself.
const crawl = 3

// growing reports whether place p arrived at node n by stepping again and again
// by w. (A list walk adds and takes off the same offsets again and again, which
// is no growth.)
func (s *solver) growing(n, p int32, w int64) bool {
	l := s.places[p]
	in := s.byObj[l.Obj]
	if w == 0 || len(in) <= crawl || l.Off == Any || l.Off >= anyBytes || s.viewed[l.Obj] {
		return false
	}
	for k := int64(1); k <= crawl; k++ {
		off := int64(l.Off) - k*w
		if off < 0 || off > math.MaxInt32 {
			return false
		}
		i := locate(in, int32(off))
		if i == len(in) || int64(in[i].off) != off || !s.sets.has(s.pts[n], in[i].p) {
			return false
		}
	}
	return true
}

// maxCopy bounds the pairs of places that one copy of memory keeps apart.
const maxCopy = 4096

// smashed reports whether the copy with number c.b, from what c.other points at
// to what dst points at, no longer keeps its places apart because there are too
// many pairs: then everything in the one goes anywhere into the other.
func (s *solver) smashed(dst int32, c constraint, news int) bool {
	cp := &s.copies[c.b]
	if cp.smashed {
		return true
	}
	dst, src := s.find(dst), s.find(c.other)
	if s.sets.len(s.pts[dst])*s.sets.len(s.pts[src]) <= maxCopy {
		return false
	}
	cp.smashed = true
	t := s.node()
	s.constrain(src, constraint{kind: conLoadAny, other: t, a: upward})
	s.constrain(dst, constraint{kind: conStoreAny, other: t, a: upward})
	return true
}

// writable reports whether a store may change the object of place p: code,
// string literals and variables that are defined as const never change. (C17 6.7.3p6 leaves what else happens undefined;
// they are in memory that can't be written.)
func (s *solver) writable(p int32) bool {
	return s.virt[p] == 0 && s.mayStore(s.places[p].Obj)
}

// mayStore is writable for object o.
func (s *solver) mayStore(o ObjID) bool {
	switch ob := &s.objects[o]; ob.Kind {
	case Func:
		return false
	case Global:
		g := s.prog.Globals[ob.Global]
		return !g.String && (g.Linkage == ir.Undefined || !isConst(g.Type))
	}
	return true
}

// isConst reports whether nothing in an object of type t may be stored to.
func isConst(t *ctype.Type) bool {
	for ; t != nil; t = t.Elem {
		if t.Qual&ctype.Const != 0 {
			return t.Qual&ctype.Volatile == 0
		}
		if t.Kind != ctype.Array {
			break
		}
	}
	return false
}

// A varCall is a call through a library's variable.
type varCall struct {
	site int32
	name string
}

// called handles places flowing into the function operand of a call.
func (s *solver) called(id int32, places []int32) {
	most, known := s.atMost[s.sites[id].ref]
	for _, p := range places {
		if o := &s.objects[s.places[p].Obj]; o.Kind != Func {
			s.calledData(id, p)
		} else if !known || most[o.Func] {
			s.connect(id, o.Func)
		}
	}
}

// calledData is called for a place that is no function of the program, but perhaps one of a library.
func (s *solver) calledData(id, p int32) {
	switch o := &s.objects[s.places[p].Obj]; o.Kind {
	case Unknown, Heap:
		if o.Kind == Heap && (!o.Library || o.Type != nil || s.text[s.places[p].Obj]) {
			return // data
		}
		if s.noCode[s.places[p].Obj] {
			s.addPlace(s.sites[id].dst, p) // if it is code all the same: it gives what is the library's
			return
		}
		if name, ok := s.outNames[s.places[p].Obj]; ok {
			// A function that a library's variable points at (pcre_free).
			if m := s.models.Lookup(name); m != nil {
				if k := (varCall{id, name}); !s.varCalls[k] {
					s.varCalls[k] = true
					s.model(id, -1, m, name)
				}
				return
			}
		}
		if !s.wild[id] {
			s.wild[id] = true
			s.unmodelled(id, -1)
		}
	}
}

// collapse merges the cycles of the copy graph and orders the nodes.
//
// A second search, over the copy graph and the edges of pointer arithmetic,
// gives the order, and finds arithmetic that feeds itself (p++ in a loop): a
// positive-weight cycle, which would crawl over an object byte by byte. Such a
// step becomes one by any multiple of itself.
func (s *solver) collapse() {
	var merges [][2]int32
	s.search(func(v int32, kids []int32) []int32 { return s.succ[v].appendTo(kids) },
		func(v int32, comp []int32) {
			for _, w := range comp {
				if w != v {
					merges = append(merges, [2]int32{w, v})
				}
			}
		})
	for _, m := range merges {
		s.merge(m[1], m[0])
	}
	s.order = s.order[:0]
	s.search(func(v int32, kids []int32) []int32 {
		kids = s.succ[v].appendTo(kids)
		for i := range s.cons[v] {
			if c := &s.cons[v][i]; c.steps() {
				kids = append(kids, c.other)
			}
		}
		return kids
	}, func(v int32, comp []int32) {
		s.order = append(s.order, comp...)
		if len(comp) == 1 && len(s.cons[v]) == 0 {
			return
		}
		s.stamp++
		for _, w := range comp {
			s.seen[w] = s.stamp
		}
		for _, w := range comp {
			for i := range s.cons[w] {
				if c := &s.cons[w][i]; c.kind == conShift && s.seen[s.find(c.other)] == s.stamp {
					c.cyc = true
				}
			}
		}
	})
}

// search finds strongly connected components (Nuutila's variant of Tarjan's
// algorithm, iterative), successors first.
func (s *solver) search(succ func(int32, []int32) []int32, emit func(root int32, comp []int32)) {
	n := len(s.rep)
	for len(s.seen) < n {
		s.seen = append(s.seen, 0)
	}
	if cap(s.index) < n {
		s.index = make([]int32, n+n/4)
	}
	index := s.index[:n] // in order of appearance, from 1; done for what is in a component
	clear(index)
	const done = math.MaxInt32
	type frame struct {
		n, low int32
		from   int // of kids
		next   int
	}
	var stack, kids []int32 // kids: those of all frames, of which the last frame's are the last
	var frames []frame
	count := int32(0)
	push := func(v int32) {
		count++
		index[v] = count
		stack = append(stack, v)
		frames = append(frames, frame{v, count, len(kids), len(kids)})
		kids = succ(v, kids)
	}
	for r := range n {
		if s.rep[r] != int32(r) || index[r] != 0 {
			continue
		}
		push(int32(r))
		for len(frames) > 0 {
			f := &frames[len(frames)-1]
			v, low := f.n, f.low
			if f.next < len(kids) {
				k := s.find(kids[f.next])
				f.next++
				if index[k] == 0 {
					push(k)
				} else {
					f.low = min(low, index[k])
				}
				continue
			}
			kids = kids[:f.from]
			frames = frames[:len(frames)-1]
			if len(frames) > 0 {
				p := &frames[len(frames)-1]
				p.low = min(p.low, low)
			}
			if low == index[v] {
				i := len(stack) - 1
				for stack[i] != v {
					i--
				}
				for _, w := range stack[i:] {
					index[w] = done
				}
				emit(v, stack[i:])
				stack = stack[:i]
			}
		}
	}
}

// merge makes node b one with a.
func (s *solver) merge(a, b int32) {
	s.rep[b] = a
	s.merged++
	if s.pts[a] != s.pts[b] {
		// What one side has not seen yet is seen again by both.
		s.pts[a], _ = s.sets.union(s.pts[a], s.pts[b])
		s.delta[a] = s.pts[a]
	} else {
		s.delta[a], _ = s.sets.union(s.delta[a], s.delta[b])
	}
	if len(s.succ[a].b) < len(s.succ[b].b) {
		s.succ[a], s.succ[b] = s.succ[b], s.succ[a]
	}
	s.succ[a].union(&s.succ[b])
	s.cons[a] = append(s.cons[a], s.cons[b]...)
	s.pts[b], s.delta[b], s.succ[b], s.cons[b] = 0, 0, set{}, nil
}
