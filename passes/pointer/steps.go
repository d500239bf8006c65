package pointer

import (
	"math/bits"
	"slices"
)

// Pointer arithmetic that is the same for many registers, such as the address
// of a member, meets the same places again and again, on large programs hundreds
// of millions of times: where each place goes is kept in a table by place.

type stepKey struct {
	kind constraintKind
	a, b int64
}

// A stepTable says where one kind of arithmetic leads.
type stepTable struct {
	id     uint64
	places sparse    // by place: to place entry-1, or what the constants say
	spots  sparse    // by spot: to offset entry-spotBase of the object, or what the constants say
	many   [][]int32 // where it leads to several
}

const (
	stepNew  = 0  // not known yet
	stepNone = -1 // nowhere
	stepMany = -2 // to several places: many[stepMany-entry]

	spotMore = -2 // it depends on more than the spot
	spotBase = 2  // Any is 1
)

// A sparse is a table of numbers, most of them 0: its pages by their numbers.
type sparse []int32

// pages are those of all tables, in chunks without pointers: there are millions.
type pages struct {
	chunks []*[pageChunk]page
	n      int32 // so far; the first one is all 0
}

type page struct {
	self, none uint32 // places that lead to themselves, and nowhere
	d          [pageSize]int32
}

const (
	pageSize  = 32
	pageChunk = 1 << 10
)

func newPages() *pages { return &pages{chunks: []*[pageChunk]page{new([pageChunk]page)}, n: 1} }

// of returns page i of t, for reading.
func (ps *pages) of(t sparse, i int32) *page {
	n := int32(0)
	if int(i) < len(t) {
		n = t[i]
	}
	return &ps.chunks[n/pageChunk][n%pageChunk]
}

func (ps *pages) at(t sparse, x int32) int32 { return ps.of(t, x/pageSize).d[x%pageSize] }

func (ps *pages) set(t *sparse, x, d int32) {
	i := int(x / pageSize)
	if i >= len(*t) {
		*t = append(*t, make([]int32, i+1-len(*t))...)
	}
	if (*t)[i] == 0 {
		if ps.n%pageChunk == 0 {
			ps.chunks = append(ps.chunks, new([pageChunk]page))
		}
		(*t)[i] = ps.n
		ps.n++
	}
	n := (*t)[i]
	pg := &ps.chunks[n/pageChunk][n%pageChunk]
	pg.d[x%pageSize] = d
	bit := uint32(1) << (x % pageSize)
	pg.self, pg.none = pg.self&^bit, pg.none&^bit
	switch d {
	case x + 1:
		pg.self |= bit
	case stepNone:
		pg.none |= bit
	}
}

func (s *solver) stepOf(c *constraint) *stepTable {
	k := stepKey{c.kind, c.a, c.b}
	t := s.steps[k]
	if t == nil {
		t = &stepTable{id: uint64(len(s.steps))}
		s.steps[k] = t
	}
	return t
}

// forget is for a place whose object melts.
func (t *stepTable) forget(ps *pages, p int32) {
	if d := ps.at(t.places, p); d != stepNew {
		if d <= stepMany {
			t.many[stepMany-d] = nil
		}
		ps.set(&t.places, p, stepNew)
	}
}

// An image is where arithmetic leads from a whole set: many nodes have the same. What is
// lost is worked out again.
type image struct {
	by *stepTable
	of setID
	is setID
}

const imageBits = 15

func (s *solver) imageOf(t *stepTable, d setID) *image {
	h := t.id*0x9e3779b97f4a7c15 ^ uint64(d)*0xbf58476d1ce4e5b9
	return &s.images[h>>(64-imageBits)]
}

// leads adds to out where c, whose table is t, leads from set d.
func (s *solver) leads(c *constraint, t *stepTable, d setID, out *builder) {
	for _, b := range s.sets.all[d].b {
		for half := range int32(64 / pageSize) {
			i := b.k*(64/pageSize) + half
			pg := s.pages.of(t.places, i)
			for w := uint32(b.w >> (half * pageSize)); w != 0; {
				first := i * pageSize
				// Most places that are left are so until the next that is not: only a step changes what is known.
				rest := w &^ (pg.self | pg.none)
				easy := w & (rest&-rest - 1)
				if easy &= pg.self; easy != 0 {
					out.addBits(b.k, uint64(easy)<<(half*pageSize))
				}
				if rest == 0 {
					break
				}
				x := int32(bits.TrailingZeros32(rest))
				w &= ^uint32(1) << x
				to := pg.d[x]
				if to == stepNew {
					to = s.step(c, t, first+x)
					pg = s.pages.of(t.places, i) // it may be new
				}
				t.lead(to, out)
			}
		}
	}
}

// lead adds to out what entry d says.
func (t *stepTable) lead(d int32, out *builder) {
	switch {
	case d > stepNew:
		out.add(d - 1)
	case d <= stepMany:
		for _, q := range t.many[stepMany-d] {
			out.add(q)
		}
	}
}

// step works out and keeps where c, whose table is t, leads from place p.
func (s *solver) step(c *constraint, t *stepTable, p int32) int32 {
	d, known := s.bySpot(c, t, p)
	if !known {
		switch to := s.stepsFrom(c, p); len(to) {
		case 0:
			d = stepNone
		case 1:
			d = to[0] + 1
		default:
			d = stepMany - int32(len(t.many))
			t.many = append(t.many, to)
		}
	}
	s.pages.set(&t.places, p, d)
	return d
}

// bySpot does step for a place from which c leads where it leads from all in the same spot, if it is such.
func (s *solver) bySpot(c *constraint, t *stepTable, p int32) (d int32, known bool) {
	spot := s.spotOf(c, p)
	if spot == none {
		return 0, false
	}
	off := s.pages.at(t.spots, spot)
	if off == stepNew {
		off = s.fromSpot(c, p)
		s.pages.set(&t.spots, spot, off)
	}
	switch {
	case off == spotMore:
		return 0, false
	case off == stepNone:
		return stepNone, true
	case c.kind == conTyped:
		return p + 1, true // where it leads at all, to the place itself
	}
	return s.place(s.places[p].Obj, off-spotBase) + 1, true
}

// fromSpot works out an entry of stepTable.spots: where c leads from a place like p.
func (s *solver) fromSpot(c *constraint, p int32) int32 {
	l := s.places[p]
	if c.kind == conTyped {
		if len(s.stepsFrom(c, p)) == 0 {
			return stepNone
		}
		return spotBase + l.Off
	}
	var buf [4]int32
	offs, beyond, _ := s.offsets(c, s.objLay[l.Obj], l.Off, s.trust[l.Obj], buf[:0])
	switch {
	case beyond || len(offs) > 1:
		return spotMore
	case len(offs) == 0:
		return stepNone
	}
	return spotBase + offs[0]
}

// entry is the record to which c goes from its member, nil if it does not.
func (s *solver) entry(c *constraint) *lay {
	if c.b >= containerBase {
		return nil
	}
	return s.recLays[(containerBase-c.b)>>recShift]
}

// stepsFrom lists where arithmetic constraint c leads from place p.
func (s *solver) stepsFrom(c *constraint, p int32) []int32 {
	l := s.places[p]
	lay := s.objLay[l.Obj]
	if l.Off == anyBytes {
		if c.kind == conTyped && c.a <= 0 || c.kind == conIndex || c.kind == conMask || c.kind == conShift && c.b <= 0 && c.b > containerBase {
			return []int32{p}
		}
		p = s.place(l.Obj, Any)
		l = s.places[p]
	}
	if c.kind == conTyped {
		as := byteLay
		if c.a > 0 {
			as = s.recLays[c.a>>recShift]
		}
		return s.fitting(p, as)
	}
	if lay == meltedLay {
		return []int32{s.place(l.Obj, 0)}
	}
	if s.viewed[l.Obj] && (l.Off >= viewBase || c.kind == conShift && (c.b > 0 || c.b < containerBase)) {
		return []int32{s.place(l.Obj, s.inView(c, p))}
	}
	if d := s.virt[p]; d != 0 {
		if d == someHead {
			return s.fromSomeHead(c, p)
		}
		if d == atHead {
			d = 0
		}
		switch c.kind {
		case conShift:
			if c.b > 0 || c.b == -1 {
				// A member of an entry that is not there, or a piece of it: the
				// list's head again, or nothing.
				if as := s.virtAs[p]; as != nil && l.Off == Any && d == int32(c.a) && s.trust[l.Obj] {
					return s.anywhere(l.Obj, c.a, as, itsHead)
				}
				if d == int32(c.a) && (c.b == -1 || !s.trust[l.Obj] || s.memberOf(lay, int64(l.Off), s.recLays[c.b>>recShift], c.a)) {
					return []int32{s.real(p)}
				}
				return nil
			}
			if d == int32(c.a) && c.a != 0 {
				return []int32{s.real(p)}
			}
			if c.a == 0 {
				return []int32{p}
			}
			if as := s.entry(c); as != nil && s.trust[l.Obj] {
				if e := s.virtAs[p]; e != nil && !s.within(lay, e) || lay.misaligned(s.path(lay, int64(l.Off)), int64(l.Off), c.a-int64(d), as) {
					return nil // an entry around one that is not there
				}
			}
			return []int32{s.virtual(s.real(p), d-int32(c.a), s.entry(c))}
		case conMask:
			if c.a < 0 && c.a >= -16 {
				return []int32{p}
			}
		case conIndex:
			if as := s.virtAs[p]; as != nil && s.trust[l.Obj] && !s.within(lay, as) {
				return nil // no walk from where no entry is comes to one
			}
		}
		return []int32{s.place(l.Obj, Any)}
	}
	if c.kind == conShift && l.Off == Any && s.trust[l.Obj] {
		switch as := s.entry(c); {
		case as != nil:
			to := s.anywhere(l.Obj, c.a, as, itsStart)
			if len(s.anywhere(l.Obj, -c.a, as, itsHead)) > 0 {
				to = append(to, s.virtual(p, -int32(c.a), as))
			}
			return to
		case c.b > 0:
			return s.anywhere(l.Obj, c.a, s.recLays[c.b>>recShift], itsMember)
		}
	}
	if c.kind == conShift && c.b > 0 && s.among[l.Obj] != nil {
		if as := s.recLays[c.b>>recShift]; !s.canBe(l.Obj, as) && !s.hasHead(l.Obj, as, c.a) {
			return nil
		}
	}
	var buf [4]int32
	offs, beyond, as := s.offsets(c, lay, l.Off, s.trust[l.Obj], buf[:0])
	if beyond {
		return []int32{s.virtual(p, -int32(c.a), as)}
	}
	out := make([]int32, 0, len(offs))
	for _, off := range offs {
		out = append(out, s.place(l.Obj, off))
	}
	return out
}

// offsets appends to out the offsets to which c, which is no conTyped, leads from off in an object of layout l, trusted
// or not. If it leads beyond, then instead to where nothing of the object is, as from a member of an entry as
// if that is known (virtual.go).
func (s *solver) offsets(c *constraint, l *lay, off int32, trust bool, out []int32) (offs []int32, beyond bool, as *lay) {
	at := int64(off)
	switch c.kind {
	case conShift:
		if as = s.entry(c); as != nil {
			if trust && l.misaligned(s.path(l, at), at, c.a, as) {
				return nil, false, nil // a pointer with a tag, or without one that it never had
			}
			out = s.shift(l, off, c.a, inBytes, out)
			if trust && !s.holds(l, at+c.a, at, as) {
				// It may start from another element of an array than the first.
				own := slices.DeleteFunc(out, func(off int32) bool {
					return off == Any || !s.own(l, int64(off), as) && !s.punned(l, int64(off), as)
				})
				if len(own) == 0 {
					return nil, s.memberOf(l, at, as, -c.a), as
				}
				out = own
			}
		} else {
			rec := c.b
			if rec > 0 {
				as := s.recLays[rec>>recShift]
				rec &= 1<<recShift - 1
				if trust && !s.own(l, at, as) && !s.punned(l, at, as) && !s.alike(l, at, as, c.a) {
					return nil, false, nil
				}
			}
			out = s.shift(l, off, c.a, rec, out)
		}
		if len(out) == 1 && out[0] == Any && off != Any {
			// Outside the object: nothing is there, but the way back counts.
			exact, end := at+c.a, l.whole()
			if exact < 0 || end >= 0 && exact >= end {
				return nil, true, nil
			}
		}
	case conIndex:
		out = append(out, s.arith.index(l, off, c.a, c.b)...)
	case conMask:
		if off > 0 && !l.one {
			if c.a < 0 && c.a >= -16 {
				off = l.canon(at & c.a)
			} else {
				off = Any
			}
		} else if c.a >= 0 || c.a < -16 {
			off = Any
		}
		out = append(out, off)
	}
	return out, false, nil
}

// fromSomeHead is stepsFrom for an entry that would contain one of the heads of an object.
func (s *solver) fromSomeHead(c *constraint, p int32) []int32 {
	o := s.places[p].Obj
	switch {
	case c.kind == conShift && c.b > 0 && s.trust[o]:
		return s.anywhere(o, c.a, s.recLays[c.b>>recShift], itsHead)
	case c.kind == conShift && (c.a == 0 || c.b < containerBase), c.kind == conMask && c.a < 0 && c.a >= -16:
		return []int32{p}
	}
	return []int32{s.place(o, Any)}
}

// A builder collects the places that arithmetic leads to from a set: as blocks if they are few, else as bits by
// place, for they come in no order.
type builder struct {
	few    set
	bits   []uint64
	lo, hi int // words of bits that are not 0
}

// fewSteps is up to how many places are few.
const fewSteps = 64

// builder returns an empty one for what n places lead to; built gives it back.
func (s *solver) builder(n int) *builder {
	var b *builder
	if l := len(s.builders); l > 0 {
		b, s.builders = s.builders[l-1], s.builders[:l-1]
	} else {
		b = &builder{}
	}
	b.few.b = b.few.b[:0]
	b.lo, b.hi = -1, 0
	if n > fewSteps {
		b.lo = len(s.places) / 64
	}
	return b
}

func (b *builder) add(p int32) {
	if b.lo < 0 {
		b.few.add(p)
		return
	}
	b.grow(int(p >> 6))
	b.bits[p>>6] |= 1 << (p & 63)
}

// addBits adds the members of w in block k.
func (b *builder) addBits(k int32, w uint64) {
	if b.lo < 0 {
		b.few.union(&set{[]block{{k, w}}})
		return
	}
	b.grow(int(k))
	b.bits[k] |= w
}

// grow makes room for word w of the bits.
func (b *builder) grow(w int) {
	if w >= len(b.bits) {
		b.bits = append(b.bits, make([]uint64, w-len(b.bits)+1)...)
	}
	b.lo, b.hi = min(b.lo, w), max(b.hi, w+1)
}

// built returns the set of what was added to b.
func (s *solver) built(b *builder) setID {
	for w := max(b.lo, 0); w < b.hi; w++ {
		if b.bits[w] != 0 {
			b.few.b = append(b.few.b, block{int32(w), b.bits[w]})
			b.bits[w] = 0
		}
	}
	s.builders = append(s.builders, b)
	return s.sets.of(b.few.b)
}
