package pointer

import "slices"

// Where a place is in the layout of its object is its spot. Objects of one layout are many, blocks above all, and most of what
// is asked of a place depends on nothing else: what is around it, and where arithmetic leads
// from there.

type spot struct {
	spotKey
	path []step
}

type spotKey struct {
	lay   *lay
	off   int64
	trust bool // of the object
}

// spots are those that were looked at, by number: about ten thousand in a large program.
type spots struct {
	all  []spot
	ids  map[spotKey]int32
	last int32   // one question follows another about the same
	at   []int32 // by place: its spot, 0 if that is not known yet
}

func newSpots() *spots { return &spots{all: make([]spot, 1), ids: map[spotKey]int32{}} }

// path returns lay.path of off in l.
func (t *spots) path(l *lay, off int64) []step {
	if x := &t.all[t.last]; x.lay != l || x.off != off {
		t.last = t.id(spotKey{l, off, true})
	}
	return t.all[t.last].path
}

func (t *spots) id(k spotKey) int32 {
	id, ok := t.ids[k]
	if !ok {
		x := spot{spotKey: k}
		if k.trust {
			x.path = slices.Clip(k.lay.path(k.off, 0, nil))
		} else {
			x.path = t.path(k.lay, k.off)
		}
		id = int32(len(t.all))
		t.all = append(t.all, x)
		t.ids[k] = id
	}
	return id
}

// shift is lay.shift.
func (s *solver) shift(l *lay, off int32, delta, rec int64, out []int32) []int32 {
	var path []step
	if off != Any && !l.one {
		path = s.path(l, int64(off))
	}
	return l.shift(path, off, delta, rec, out)
}

// spotOf returns the spot of place p, none if what c makes of it depends on more than that: on what is
// known of its object alone.
func (s *solver) spotOf(c *constraint, p int32) int32 {
	l := s.places[p]
	o := l.Obj
	trust := s.trust[o]
	switch {
	case s.virt[p] != 0 || l.Off == Any || l.Off >= anyBytes || s.viewed[o] || s.objLay[o] == meltedLay,
		c.kind == conTyped && (!trust || s.text[o]),
		c.kind == conShift && c.b > 0 && !trust && s.among[o] != nil:
		return none
	}
	return s.spotAt(p)
}

// spotAt returns the spot of place p, which is at a known offset of an object that has not melted: that is its spot for
// good, for what may stand for the object has the same layout. Its path is found at once next.
func (s *solver) spotAt(p int32) int32 {
	t := s.spots
	if int(p) >= len(t.at) {
		t.at = append(t.at, make([]int32, len(s.places)-len(t.at))...)
	}
	if t.at[p] == 0 {
		l := s.places[p]
		t.at[p] = t.id(spotKey{s.objLay[l.Obj], int64(l.Off), s.trust[l.Obj]})
	}
	t.last = t.at[p]
	return t.last
}
