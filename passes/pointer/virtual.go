package pointer

import (
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
}

// containerBase marks conShift constraints that go from a member to a record of
// containerBase-b bytes.
const containerBase = -16

func (s *solver) virtual(p, dist int32) int32 {
	if dist == 0 {
		return p
	}
	k := virtKey{p, dist}
	if v, ok := s.virtAt[k]; ok {
		return v
	}
	l := s.places[p]
	if s.far[l.Obj]++; s.far[l.Obj] > maxFar { // a walk that takes the distance again and again
		if len(s.byObj[l.Obj]) > maxNear {
			s.melt(l.Obj)
			return s.place(l.Obj, 0)
		}
		return s.place(l.Obj, Any)
	}
	v := int32(len(s.places))
	s.places = append(s.places, l)
	s.cell = append(s.cell, none)
	s.constant = append(s.constant, none)
	s.virt = append(s.virt, dist)
	s.virtAt[k] = v
	return v
}

// real returns the place that virtual place v is at a distance from.
func (s *solver) real(v int32) int32 { return s.place(s.places[v].Obj, s.places[v].Off) }

// holds reports whether l, a trusted layout, has a record of size bytes at off,
// or may have anything there: bytes.
func (l *lay) holds(off, at, size int64) bool {
	for _, st := range l.path(at, 0, nil) {
		if st.elem == 1 {
			return true // in an array of bytes
		}
	}
	if off < 0 || l.whole() >= 0 && off+size > l.whole() {
		return false
	}
	c := int64(l.canon(off))
	if c < 0 {
		return false
	}
	for _, st := range l.path(c, 0, nil) {
		if st.elem == 1 || st.start == c && st.size == size {
			return true
		}
	}
	return false
}

// container returns the size of the record that the address made by
// subtracting from a pointer in register r of f is used as, 0 if it is none.
func (s *solver) container(f *ir.Func, r ir.Reg) int64 {
	uses := s.heap.usesOf(f)
	for range 4 {
		if t := f.Regs[r].Type; t != nil && t.Kind == ctype.Pointer && t.Elem.IsRecord() {
			return ctype.SizeOf(t.Elem)
		}
		next := ir.NoReg
		for _, i := range uses[r] {
			if in := &f.Instrs[i]; (in.Op == ir.Conv || in.Op == ir.Move) && in.Dst >= 0 {
				if next != ir.NoReg {
					return 0
				}
				next = in.Dst
			} else {
				return 0
			}
		}
		if next == ir.NoReg {
			return 0
		}
		r = next
	}
	return 0
}

// back makes dst the address c bytes before a.
func (s *solver) back(f *inst, a ir.Value, r ir.Reg, dst int32, c int64) {
	if n := s.container(f.Func, r); n > 0 && c > 0 {
		s.shifted(f, a, dst, -c, containerBase-n)
		return
	}
	s.shifted(f, a, dst, -c, inBytes)
}
