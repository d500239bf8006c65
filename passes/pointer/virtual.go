package pointer

import (
	"math"
	"slices"

	"saz/frontend/ctype"
	"saz/ir"
)

// A walk over a circular list computes, when it comes to the list's head, the
// address of an entry that would contain the head, and compares: an entry that
// is not there. If the head is a member of a larger object, then that address
// is in or before that object, and what looks like members of the entry are
// others of the object's: lists get mixed up that have nothing in common.
//
// Such an address is a virtual place: the place of the head and the distance
// to it. Adding the distance gives the head back (some programs use &e->list
// after the loop), and loads and stores through it are of nothing: no program
// that is correct does one. It is made where a constant is subtracted from a
// pointer, the result is used as pointer to a record, and the object is of a type
// that has no record of that size there.
type virtKey struct {
	p    int32
	dist int32
	as   *lay // the entry's type, nil if that is not known
}

// containerBase marks conShift constraints that go from a member to the record with
// number (recordID) containerBase-b.
const containerBase = -16

// atHead is the distance, in solver.virt, of an entry whose link is its first
// member.
const atHead = math.MinInt32

// someHead is the distance of an entry that would contain any of an object's heads, by any of its
// members: in crowds, they are not told apart.
const someHead = math.MinInt32 + 1

func (s *solver) virtual(p, dist int32, as *lay) int32 {
	l := s.places[p]
	switch {
	case !s.crowd.on:
	case s.objLay[l.Obj] == meltedLay:
		return s.place(l.Obj, 0)
	case l.Off == Any:
		dist, as = someHead, nil
	}
	k := virtKey{p, dist, as}
	if v, ok := s.virtAt[k]; ok {
		return v
	}
	entry := as != nil && s.trust[l.Obj] && dist >= 0 && int64(dist) <= as.size // as far as a member is from its record
	if dist == someHead || entry && l.Off == Any {
		// One for each record and member that there are.
	} else if s.far[l.Obj]++; s.far[l.Obj] > maxFar { // a walk that takes the distance again and again
		if len(s.byObj[l.Obj]) > maxNear && !s.trust[l.Obj] {
			s.melt(l.Obj)
			return s.place(l.Obj, 0)
		}
		if entry {
			return s.virtual(s.place(l.Obj, Any), dist, as)
		}
		return s.place(l.Obj, Any)
	}
	v := int32(len(s.places))
	s.places = append(s.places, l)
	s.cell = append(s.cell, none)
	s.constant = append(s.constant, none)
	s.bare = append(s.bare, false)
	if dist == 0 {
		dist = atHead
	}
	s.virt = append(s.virt, dist)
	s.virtAt[k] = v
	s.virtAs = append(s.virtAs, as)
	return v
}

// real returns the place that virtual place v is at a distance from.
func (s *solver) real(v int32) int32 { return s.place(s.places[v].Obj, s.places[v].Off) }

// holds reports whether l, the layout of an object of known type, has a record as at
// off, or may have anything there: bytes. at is the place of its member.
func (s *solver) holds(l *lay, off, at int64, as *lay) bool {
	for _, st := range s.path(l, at) {
		if st.mixed || st.elem == 1 && s.inBytes(as) {
			return true // in an array of bytes
		}
	}
	if off < 0 || l.whole() >= 0 && off+as.size > l.whole() {
		return false
	}
	c := int64(l.canon(off))
	return c >= 0 && s.own(l, c, as)
}

// within reports whether there is a record as, or one that is taken for it, anywhere in l.
func (s *solver) within(l, as *lay) bool {
	if l.rec != nil && s.kin.same(l.rec, as) {
		return true
	}
	switch l.kind {
	case layArray:
		return s.within(l.elem, as)
	case layStruct, layUnion:
		return slices.ContainsFunc(l.fields, func(f layField) bool { return s.within(f.l, as) })
	}
	return l.kind != layScalar
}

// memberOf reports whether what is at off in l may be the member at byte member of
// record as.
func (s *solver) memberOf(l *lay, off int64, as *lay, member int64) bool {
	if c := as.canon(member); c != Any {
		member = int64(c)
	}
	for _, st := range s.path(as, member) {
		switch {
		case st.mixed || st.elem == 1:
			return true
		case st.start != member || st.elem > 0:
		case st.rec != nil:
			if s.own(l, off, st.rec) || s.alike(l, off, st.rec, 0) {
				return true
			}
		default:
			for _, x := range s.path(l, off) {
				if x.mixed || x.elem == 1 && s.inBytes(as) || x.elem == 0 && x.rec == nil && x.start == off && x.size == st.size && x.class == st.class {
					return true
				}
			}
		}
	}
	return false
}

// container returns the record that the address made by subtracting from a pointer in
// register r of f is used as, nil if it is none.
func (s *solver) container(f *ir.Func, r ir.Reg) *ctype.Record {
	uses := s.usesOf(f)
	for range 4 {
		if t := f.Regs[r].Type; t != nil && t.Kind == ctype.Pointer && t.Elem.IsRecord() {
			return t.Elem.Rec
		}
		next := ir.NoReg
		for _, i := range uses[r] {
			if in := &f.Instrs[i]; (in.Op == ir.Conv || in.Op == ir.Move) && in.Dst >= 0 {
				if next != ir.NoReg {
					return nil
				}
				next = in.Dst
			} else {
				return nil
			}
		}
		if next == ir.NoReg {
			return nil
		}
		r = next
	}
	return nil
}

// back makes dst the address c bytes before a.
func (s *solver) back(f *inst, a ir.Value, r ir.Reg, dst int32, c int64) {
	if r := s.container(f.Func, r); r != nil && r.Size > 0 {
		s.shifted(f, a, dst, -c, containerBase-s.recordID(r))
		return
	}
	s.shifted(f, a, dst, -c, inBytes)
}
