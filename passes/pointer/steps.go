package pointer

// Pointer arithmetic that is the same for many registers, such as the address
// of a member, meets the same places again and again, on large programs hundreds
// of millions of times: where each place goes is kept in a table by place.

type stepKey struct {
	kind constraintKind
	a, b int64
}

// A stepTable says by place where one kind of arithmetic leads: to place
// entry-1, or what the constants say.
type stepTable struct {
	id    uint64
	pages []*[stepPage]int32
	many  map[int32][]int32 // where it leads to several
}

const (
	stepNew  = 0  // not known yet
	stepNone = -1 // nowhere
	stepMany = -2 // to several places

	stepPage = 32
)

func (s *solver) stepOf(c *constraint) *stepTable {
	k := stepKey{c.kind, c.a, c.b}
	t := s.steps[k]
	if t == nil {
		t = &stepTable{id: uint64(len(s.steps))}
		s.steps[k] = t
	}
	return t
}

func (t *stepTable) at(p int32) int32 {
	if i := int(p / stepPage); i < len(t.pages) && t.pages[i] != nil {
		return t.pages[i][p%stepPage]
	}
	return stepNew
}

func (t *stepTable) set(p, d int32) {
	i := int(p / stepPage)
	for len(t.pages) <= i {
		t.pages = append(t.pages, nil)
	}
	if t.pages[i] == nil {
		t.pages[i] = new([stepPage]int32)
	}
	t.pages[i][p%stepPage] = d
}

// forget is for a place whose object melts.
func (t *stepTable) forget(p int32) {
	if i := int(p / stepPage); i < len(t.pages) && t.pages[i] != nil {
		t.pages[i][p%stepPage] = stepNew
		delete(t.many, p)
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

// step works out and keeps where c, whose table is t, leads from place p.
func (s *solver) step(c *constraint, t *stepTable, p int32) int32 {
	d := int32(stepNone)
	switch to := s.stepsFrom(c, p); len(to) {
	case 0:
	case 1:
		d = to[0] + 1
	default:
		d = stepMany
		if t.many == nil {
			t.many = map[int32][]int32{}
		}
		t.many[p] = to
	}
	t.set(p, d)
	return d
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
	var offs []int32
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
				if e := s.virtAs[p]; e != nil && !s.within(lay, e) || lay.misaligned(int64(l.Off), c.a-int64(d), as) {
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
	switch c.kind {
	case conShift:
		if c.b < containerBase {
			as := s.entry(c)
			if s.trust[l.Obj] && l.Off == Any {
				to := s.anywhere(l.Obj, c.a, as, itsStart)
				if len(s.anywhere(l.Obj, -c.a, as, itsHead)) > 0 {
					to = append(to, s.virtual(p, -int32(c.a), as))
				}
				return to
			}
			if s.trust[l.Obj] && lay.misaligned(int64(l.Off), c.a, as) {
				return nil // a pointer with a tag, or without one that it never had
			}
			offs = s.arith.shift(lay, l.Off, c.a, inBytes)
			if s.trust[l.Obj] && !s.holds(lay, int64(l.Off)+c.a, int64(l.Off), as) {
				// It may start from another element of an array than the first.
				own := offs[:0:0]
				for _, off := range offs {
					if off != Any && (s.own(lay, int64(off), as) || s.punned(lay, int64(off), as)) {
						own = append(own, off)
					}
				}
				if len(own) == 0 && !s.memberOf(lay, int64(l.Off), as, -c.a) {
					return nil
				}
				if len(own) == 0 {
					return []int32{s.virtual(p, -int32(c.a), as)}
				}
				offs = own
			}
		} else {
			rec := c.b
			if rec > 0 {
				as := s.recLays[rec>>recShift]
				rec &= 1<<recShift - 1
				if s.trust[l.Obj] && l.Off == Any {
					return s.anywhere(l.Obj, c.a, as, itsMember)
				}
				if s.among[l.Obj] != nil && !s.canBe(l.Obj, as) && !s.hasHead(l.Obj, as, c.a) {
					return nil
				}
				if s.trust[l.Obj] && !s.own(lay, int64(l.Off), as) && !s.punned(lay, int64(l.Off), as) && !s.alike(lay, int64(l.Off), as, c.a) {
					return nil
				}
			}
			offs = s.arith.shift(lay, l.Off, c.a, rec)
		}
		if len(offs) == 1 && offs[0] == Any && l.Off != Any {
			// Outside the object: nothing is there, but the way back counts.
			exact, end := int64(l.Off)+c.a, lay.whole()
			if exact < 0 || end >= 0 && exact >= end {
				return []int32{s.virtual(p, -int32(c.a), nil)}
			}
		}
	case conIndex:
		offs = s.arith.index(lay, l.Off, c.a, c.b)
	case conMask:
		off := l.Off
		if off > 0 && !lay.one {
			if c.a < 0 && c.a >= -16 {
				off = lay.canon(int64(off) & c.a)
			} else {
				off = Any
			}
		} else if c.a >= 0 || c.a < -16 {
			off = Any
		}
		offs = []int32{off}
	}
	out := make([]int32, 0, len(offs))
	for _, off := range offs {
		out = append(out, s.place(l.Obj, off))
	}
	return out
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
	w := int(p >> 6)
	for w >= len(b.bits) {
		b.bits = append(b.bits, make([]uint64, w-len(b.bits)+1)...)
	}
	b.bits[w] |= 1 << (p & 63)
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
