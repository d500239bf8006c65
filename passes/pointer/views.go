package pointer

import (
	"math"

	"saz/frontend/ctype"
)

// A block of which neither size nor use says what it is (an entry behind data of a
// length that a table knows, a buffer that is many things in turn) has no offsets:
// arithmetic by amounts that are not known made what points into it. But its users look
// at it as records, and what is written as a member of a record is read as that member,
// or as bytes: C's rule of effective types (C17 6.5p6), which compilers rely on. So the
// block is split by who looks: a view is a member of the innermost record around it,
// apart from the others. All else (bytes, copies, pointers to scalars made by casts)
// is anywhere in the block, and so all views of it.
//
// Records that the program takes for each other by casts or unions, and what is in
// them, are one view.

// viewBase is the first Off of a place that is a view.
const viewBase = math.MaxInt32 - 1<<20

// anyBytes is the Off for anywhere in an object of known type, but where a pointer to
// bytes may point and no pointers are: numbers.
const anyBytes = viewBase - 1

type viewKey struct {
	rec *lay
	off int32
}

// view returns the Off for byte off of a record.
func (s *solver) view(rec *lay, off int64) int32 {
	for {
		if r := s.coarse.root(rec); s.blurred[r] {
			return s.viewID(viewKey{r, Any})
		}
		if rec.kind != layStruct {
			break
		}
		f := rec.field(off)
		if f == nil {
			break
		}
		l, at := f.l, off-f.off
		for l.kind == layArray && l.elem.size > 0 {
			l, at = l.elem, at%l.elem.size
		}
		if l.rec == nil {
			break
		}
		rec, off = l.rec, at
	}
	c := rec.canon(off)
	if c == Any {
		return Any
	}
	return s.viewID(viewKey{rec, c})
}

func (s *solver) viewID(k viewKey) int32 {
	id, ok := s.viewIDs[k]
	if !ok {
		id = viewBase + int32(len(s.views))
		s.views = append(s.views, k)
		s.viewIDs[k] = id
	}
	return id
}

// blur finds the records whose views are not told apart.
func (s *solver) blur() {
	s.coarse, s.blurred = kin{of: map[*lay]*lay{}}, map[*lay]bool{}
	var mixed []*lay
	within := func(l *lay) { // what is in l is one with it
		var walk func(x *lay)
		walk = func(x *lay) {
			switch x.kind {
			case layArray:
				walk(x.elem)
			case layStruct, layUnion:
				if x.rec != nil {
					s.coarse.join(x.rec, l)
				}
				for i := range x.fields {
					walk(x.fields[i].l)
				}
			}
		}
		walk(l)
		mixed = append(mixed, l)
	}
	seen := map[*lay]bool{}
	for _, r := range s.looked {
		if seen[r] {
			continue
		}
		seen[r] = true
		if r.kind == layUnion {
			within(r)
		}
		if root := s.kin.root(r); root != r {
			s.coarse.join(root, r)
			within(r)
			within(root)
		}
	}
	for _, l := range mixed {
		s.blurred[s.coarse.root(l)] = true
	}
}

// inView returns where arithmetic c leads from a place of a block that is split into
// views.
func (s *solver) inView(c *constraint, p int32) int32 {
	l := s.places[p]
	off := s.viewFrom(c, l)
	if s.viewsBytes(l.Off) && off != l.Off {
		s.castBytes(p)
	}
	return off
}

func (s *solver) viewFrom(c *constraint, l Loc) int32 {
	switch c.kind {
	case conShift:
		switch {
		case c.b > 0:
			return s.view(s.recLays[c.b>>recShift], c.a)
		case c.a == 0 && c.b != 0:
			return l.Off
		case c.b == inBytes && s.viewsBytes(l.Off):
			// From one of the bytes to another, if not to a member before them.
			k := s.views[l.Off-viewBase]
			if at, f := int64(k.off)+c.a, k.rec.field(int64(k.off)); c.a > 0 && (f.l.size < 0 || c.a < f.l.size) || c.a < 0 && at >= 0 && !k.rec.starts(at) {
				return l.Off
			}
		case l.Off >= viewBase && c.b > containerBase:
			// A piece of a copy, an element of an array, a tag.
			k := s.views[l.Off-viewBase]
			if k.off == Any {
				return Any // it may go on behind it
			}
			if offs := s.shift(k.rec, k.off, c.a, c.b, nil); len(offs) == 1 && offs[0] != Any {
				return s.view(k.rec, int64(offs[0]))
			}
		}
	case conIndex:
		if l.Off >= viewBase {
			k := s.views[l.Off-viewBase]
			if k.off == Any {
				return Any
			}
			if offs := s.arith.index(k.rec, k.off, c.a, c.b); len(offs) == 1 && offs[0] != Any {
				return l.Off
			}
		}
	case conMask:
		if c.a < 0 && c.a >= -ctype.PtrSize*2 {
			return l.Off
		}
	}
	return Any
}

// bytesOnly reports whether t is bytes, or arrays of them.
func bytesOnly(t *ctype.Type) bool {
	if t == nil {
		return false
	}
	for t.Kind == ctype.Array {
		t = t.Elem
	}
	return t.IsChar()
}

// numbersOnly reports whether t is a record of integers smaller than pointers: each of its bytes is
// in one of more than a byte, if perhaps not only in that. Such a record is no room for
// pointers, which one of bytes may be (struct in6_addr; not struct sockaddr_storage).
func numbersOnly(t *ctype.Type) bool {
	if t == nil || !t.IsRecord() {
		return false
	}
	const most = 64
	size := ctype.SizeOf(t)
	if size <= 0 || size > most {
		return false
	}
	var wide, bytes [most]bool
	ok := ctype.Leaves(t, func(l ctype.Leaf) bool {
		n := ctype.SizeOf(l.Type)
		if !l.Type.IsInteger() || n >= ctype.PtrSize || n < 1 || l.Off+n > size {
			return false
		}
		for i := l.Off; i < l.Off+n; i++ {
			wide[i] = wide[i] || n > 1
			bytes[i] = true
		}
		return true
	})
	return ok && wide == bytes
}

// copyTo returns the node that takes what a copy brings from canonical offset at of object
// from to place dst, and on. In one that is split into views, it is seen as what
// it was.
func (s *solver) copyTo(from ObjID, at, dst int32) int32 {
	to := s.places[dst]
	if s.viewed[to.Obj] && s.viewsBytes(to.Off) {
		return s.cellOf(dst)
	}
	if !s.viewed[to.Obj] || !s.trust[from] || at == Any || s.objLay[from].one {
		return s.anyStoreOf(to.Obj)
	}
	var rec *lay
	var start int64
	for _, st := range s.path(s.objLay[from], int64(at)) {
		if st.rec != nil {
			if rec != nil && rec.kind == layUnion {
				break // the union is what is seen, whatever is in it
			}
			rec, start = st.rec, st.start
		}
	}
	if rec == nil {
		return s.anyStoreOf(to.Obj)
	}
	off := s.view(rec, int64(at)-start)
	if off == Any {
		return s.anyStoreOf(to.Obj)
	}
	return s.cellOf(s.place(to.Obj, off))
}

// copyView adds node src, the contents of view at of a block, to where the copy w puts it.
func (s *solver) copyView(src, at int32, w copyTarget) {
	to := s.places[w.dst]
	if from := s.places[w.src].Off; at != from && s.viewsBytes(from) {
		return // see viewsBytes
	}
	if s.viewed[to.Obj] && s.viewsBytes(to.Off) {
		s.edge(src, s.cellOf(w.dst))
		return
	}
	if s.viewsBytes(at) {
		s.copyAny(src, w) // they may be anything there
	}
	if at < viewBase || !s.viewed[to.Obj] && !s.trust[to.Obj] {
		s.copyAny(src, w)
		return
	}
	if s.viewed[to.Obj] {
		s.edge(src, s.cellOf(s.place(to.Obj, at)))
		return
	}
	k := s.views[at-viewBase]
	l := s.objLay[to.Obj]
	if k.off == Any || l.one {
		s.copyAny(src, w)
		return
	}
	lo, hi := int64(0), int64(1)<<40
	if to.Off != Any {
		lo = int64(to.Off)
		if w.size >= 0 {
			hi = lo + w.size
		}
	}
	for _, off := range l.allOf(k.rec, 0, nil) {
		if c := int64(l.canon(off + int64(k.off))); c >= lo && c < hi {
			s.edge(src, s.writeNode(s.place(to.Obj, int32(c))))
		}
	}
	// Bytes in it hold anything.
	l.bytes(0, 1, func(off int64) {
		if off >= lo && off < hi {
			s.edge(src, s.writeNode(s.place(to.Obj, l.canon(off))))
		}
	})
}

// viewsBytes reports whether off is a view of bytes with a name, not at the beginning of a record
// (a key of any kind at the end of an entry): a copy from or to there is of those, and stays
// apart from the block's other views, unless somebody makes a pointer to another record of
// their address.
func (s *solver) viewsBytes(off int32) bool {
	if off == Any || off < viewBase {
		return false
	}
	k := s.views[off-viewBase]
	if k.off == Any || k.off == 0 || k.rec.kind != layStruct {
		return false
	}
	f := k.rec.field(int64(k.off))
	return f != nil && f.l.kind == layArray && f.l.one
}

// castBytes is for bytes with a name, at p, that are seen as a record, or walked out of: they may hold all
// that is in the block, and all of that what is stored there.
func (s *solver) castBytes(p int32) {
	o := s.places[p].Obj
	s.edge(s.anyLoadOf(o), s.cellOf(p))
	s.edge(s.cellOf(p), s.anyStoreOf(o))
}

// allOf appends the offsets of the records rec in l.
func (l *lay) allOf(rec *lay, base int64, out []int64) []int64 {
	if l.rec == rec {
		out = append(out, base)
	}
	switch l.kind {
	case layArray:
		return l.elem.allOf(rec, base, out)
	case layStruct, layUnion:
		for i := range l.fields {
			out = l.fields[i].l.allOf(rec, base+l.fields[i].off, out)
		}
	}
	return out
}
