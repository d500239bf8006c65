package pointer

import (
	"slices"

	"saz/frontend/ctype"
	"saz/ir"
)

// What a pointer's type says of what it may point at.
//
// A set that says that a pointer to a record may point at a record of another type is
// mostly wrong: a union of pointers with a tag beside it, a list of anything, a cookie
// behind a void pointer brought it there, and from then on what looks like its members
// are others of the object's. So such a pointer is followed only to what fits it. C lets a
// program look at an object through another record type where both begin with the
// same members (C17 6.5.2.3p6), and by the rules for effective types (6.5p7) the scalars
// at the same places have the same types; where a program goes further it has a cast
// (kin.go), and that is taken at its word.
//
// That is asked of objects whose type is known: variables, and blocks of exactly one
// type. It is asked where a member is addressed (stepsFrom), where an entry is found
// from its link (virtual.go), and where a pointer is loaded or made from one to void
// (conTyped).

// recShift is where a conShift constraint's b has the number of the record whose
// member is addressed; below it is the record's size.
const recShift = 40

// recordID returns what a conShift constraint says of record r.
func (s *solver) recordID(r *ctype.Record) int64 {
	if r.Size <= 0 || r.Size >= 1<<recShift {
		return max(r.Size, 0)
	}
	return r.Size | s.layID(s.lays.record(r))
}

// layID returns the number of layout l, in place; 0 stands for bytes.
func (s *solver) layID(l *lay) int64 {
	id, ok := s.recIDs[l]
	if !ok {
		id = int64(len(s.recLays))
		s.recIDs[l] = id
		s.recLays = append(s.recLays, l)
	}
	return id << recShift
}

// own reports whether record as begins at canonical offset off of l, as part of its
// type.
func (s *solver) own(l *lay, off int64, as *lay) bool {
	for _, st := range s.path(l, off) {
		if st.rec == as && st.start == off {
			return true
		}
	}
	return false
}

// punned reports whether the program takes a record that begins at canonical offset
// off of l for an as somewhere.
func (s *solver) punned(l *lay, off int64, as *lay) bool {
	for _, st := range s.path(l, off) {
		if st.rec != nil && st.start == off && s.kin.same(st.rec, as) {
			return true
		}
	}
	return false
}

// alike reports whether what is at off in l has the scalars of record as, up to
// the one at byte member of it.
func (s *solver) alike(l *lay, off int64, as *lay, member int64) bool {
	if l.one {
		return true
	}
	return s.begins(l, off, as, member, member)
}

// path is lay.path, which is kept (spots.go).
func (s *solver) path(l *lay, off int64) []step { return s.spots.path(l, off) }

// startsAt is lay.starts.
func (s *solver) startsAt(l *lay, off int64) bool {
	return slices.ContainsFunc(s.path(l, off), func(st step) bool { return st.start == off })
}

// endAt returns where what begins at canonical offset off of l ends: its neighbours are
// no part of what is looked at. (The head of a list, taken for an entry that begins with
// its link, has such.)
func (s *solver) endAt(l *lay, off int64) int64 {
	end := off
	for _, st := range s.path(l, off) {
		switch {
		case st.start != off && st.elem != 1:
		case st.size < 0:
			end = 1 << 60
		default:
			end = max(end, st.start+st.size)
		}
	}
	return end
}

// scalarsFit reports whether the scalars of record as, up to the one at byte last, are
// those of l at off, by the rules of C's types.
func (s *solver) scalarsFit(l *lay, off int64, as *lay, last int64) bool {
	return as.scalars(0, last, func(at int64, sc *lay) bool {
		if end := l.whole(); end >= 0 && off+at >= end {
			return false
		}
		c := int64(l.canon(off + at))
		if c < 0 {
			return true
		}
		var buf [pathBuf]step
		for _, st := range l.path(c, 0, buf[:0]) {
			if st.mixed || st.elem == 1 && s.inBytes(as) || st.elem == 0 && st.rec == nil && st.start == c && st.size == sc.size && s.scalarFits(sc, st, as, l, off) {
				return true
			}
		}
		return false
	})
}

// scalarFits reports whether scalar sc of record as may be read where st is, in what
// begins at off in l.
func (s *solver) scalarFits(sc *lay, st step, as, l *lay, off int64) bool {
	switch {
	case sc.class != st.class:
		return false
	case sc.class != recordPointer || sc.to == nil || st.to == nil || s.kin.same(sc.to, st.to):
		return true
	}
	return sc.to == as && s.own(l, off, st.to) // each points at its own kind: lists
}

// fitting returns where a pointer to a record as may point if a set says that it points
// at place p, by the program's types: an as, the beginning of one or the other way
// round, bytes, and what the program itself takes for an as.
func (s *solver) fitting(p int32, as *lay) []int32 {
	switch {
	case as == codeLay:
		return s.asCode(p)
	case as.size == 1:
		return s.asBytes(p)
	case as.pointer():
		return s.asPointer(p, as)
	}
	l := s.places[p]
	lay := s.objLay[l.Obj]
	if s.virt[p] == 0 && !s.canBe(l.Obj, as) {
		return nil
	}
	if s.virt[p] != 0 {
		if e := s.virtAs[p]; e != nil && !s.kin.same(e, as) && !slices.Contains(e.allOf(as, 0, nil), 0) && !slices.Contains(as.allOf(e, 0, nil), 0) {
			return nil
		}
		return []int32{p}
	}
	if !s.trust[l.Obj] || lay.one {
		return []int32{p}
	}
	if l.Off == Any {
		return s.anywhere(l.Obj, 0, as, asItself)
	}
	off := int64(l.Off)
	if !s.startsAt(lay, off) {
		off &^= ctype.PtrSize - 1 // it may have a tag
	}
	if s.looksLike(lay, off, as) {
		return []int32{p}
	}
	return nil
}

// looksLike reports whether what is at canonical offset off of l may be taken for a record as.
func (s *solver) looksLike(l *lay, off int64, as *lay) bool {
	return s.own(l, off, as) || s.punned(l, off, as) || s.begins(l, off, as, 0, as.size-1)
}

// begins reports whether what is at off in l may be taken for a record as: it is a record
// that as begins with (the head of a list for an entry), of more than head bytes, or it is
// no record and has the scalars of as, up to the one at byte last.
func (s *solver) begins(l *lay, off int64, as *lay, head, last int64) bool {
	rec := false
	for _, st := range s.path(l, off) {
		if st.mixed || st.elem == 1 && s.inBytes(as) {
			return true
		}
		if st.rec == nil || st.start != off {
			continue
		}
		rec = true
		if head < st.size && slices.Contains(as.allOf(st.rec, 0, nil), 0) {
			return true
		}
	}
	return !rec && last < s.endAt(l, off)-off && s.scalarsFit(l, off, as, last)
}

// byteFirst reports whether l begins with a byte, or is or begins with a union of which a member does: a pointer to
// that is one to what is declared there.
func (l *lay) byteFirst() bool {
	switch l.kind {
	case layScalar:
		return l.size == 1
	case layArray:
		return l.elem.byteFirst()
	case layStruct:
		return len(l.fields) > 0 && l.fields[0].off == 0 && l.fields[0].l.byteFirst()
	case layUnion:
		return slices.ContainsFunc(l.fields, func(f layField) bool { return f.l.byteFirst() })
	}
	return false
}

// asBytes is fitting for a pointer to bytes: a record with pointers in it is taken for
// such only if the program makes pointers to bytes from pointers to it.
func (s *solver) asBytes(p int32) []int32 {
	l := s.places[p]
	if s.virt[p] != 0 {
		return nil
	}
	lay := s.objLay[l.Obj]
	if l.Off == anyBytes || !s.trust[l.Obj] || lay.one || l.Off == Any && lay.tail {
		return []int32{p}
	}
	if l.Off == Any {
		out := []int32{s.place(l.Obj, anyBytes)}
		add := func(off int64) {
			if c := lay.canon(off); c != Any {
				if q := s.place(l.Obj, c); !slices.Contains(out, q) {
					out = append(out, q)
				}
			}
		}
		lay.bytes(0, 1, add)
		for _, r := range s.recordsIn(lay) {
			if s.toBytes[s.kin.root(r.rec)] {
				add(int64(r.off))
			}
		}
		return out
	}
	ok := true
	off := int64(l.Off)
	if !s.startsAt(lay, off) {
		off &^= ctype.PtrSize - 1
	}
	for _, st := range s.path(lay, off) {
		switch {
		case st.mixed, st.elem == 1:
			return []int32{p}
		case st.start != off:
		case st.rec != nil:
			switch {
			case s.toBytes[s.kin.root(st.rec)], !st.rec.pointers() && (!st.rec.anon || s.handed[st.rec]), st.rec.byteFirst():
				return []int32{p}
			case st.rec.pointers():
				ok = false
			}
		case st.elem == 0 && st.class != plainData:
			ok = false
		}
	}
	if !ok {
		return nil
	}
	return []int32{p}
}

// codeLay stands for functions among the things that pointers are made to.
var codeLay = &lay{kind: layScalar, size: 2, one: true}

// asCode is fitting for a pointer to a function.
func (s *solver) asCode(p int32) []int32 {
	o := &s.objects[s.places[p].Obj]
	if o.Kind == Func || o.Kind == Unknown || o.Library && o.Type == nil {
		return []int32{p}
	}
	return nil
}

// asPointer is fitting for a pointer to a pointer as: what is there is one, of the same
// kind or one that the program takes for it, or may be anything.
func (s *solver) asPointer(p int32, as *lay) []int32 {
	l := s.places[p]
	if s.text[l.Obj] || s.isString(l.Obj) || s.objects[l.Obj].Kind == Func {
		return nil
	}
	lay := s.objLay[l.Obj]
	if s.virt[p] != 0 || !s.trust[l.Obj] && !isPointers(&s.objects[l.Obj]) || lay.one || lay.tail && l.Off == Any {
		return []int32{p}
	}
	if l.Off == Any {
		var out []int32
		lay.places(0, func(off int64) {
			if c := lay.canon(off); c != Any {
				for _, st := range s.path(lay, int64(c)) {
					if st.mixed || st.elem == 1 || st.start == int64(c) && st.elem == 0 && st.rec == nil && s.pointerFits(as, st) {
						out = addOff(out, s.place(l.Obj, c))
					}
				}
			}
		})
		return out
	}
	off := int64(l.Off)
	if !s.startsAt(lay, off) {
		off &^= ctype.PtrSize - 1
	}
	for _, st := range s.path(lay, off) {
		if st.mixed || st.elem == 1 || st.start == off && st.elem == 0 && st.rec == nil && s.pointerFits(as, st) {
			return []int32{p}
		}
	}
	return nil
}

// isPointers reports whether o is a variable that is a pointer, or an array of them.
func isPointers(o *Object) bool {
	if o.Kind != Global && o.Kind != Local || o.Type == nil {
		return false
	}
	t := o.Type
	for t.Kind == ctype.Array {
		t = t.Elem
	}
	return t.Kind == ctype.Pointer
}

// pointerFits reports whether a pointer as may be read where st is.
func (s *solver) pointerFits(as *lay, st step) bool {
	switch {
	case st.class == plainData:
		return st.size >= ctype.PtrSize
	case st.class == voidPointer || s.mixed[[2]scalarClass{st.class, as.class}] || s.mixed[[2]scalarClass{as.class, st.class}] && as.class != recordPointer:
		return true
	case st.class != as.class:
		return false
	case as.class != recordPointer || as.to == nil || st.to == nil || s.kin.same(as.to, st.to):
		return true
	}
	return slices.Contains(as.to.allOf(st.to, 0, nil), 0) || slices.Contains(st.to.allOf(as.to, 0, nil), 0)
}

// canBe reports whether object o may hold a record as, as far as that is a question of
// what o is: text is no record; bytes hold one with pointers in it only if the program
// makes such records from pointers to bytes; what libraries make for themselves is what
// their functions take and return.
func (s *solver) canBe(o ObjID, as *lay) bool {
	ob := &s.objects[o]
	switch {
	case s.text[o] || s.isString(o) || ob.Kind == Func:
		return false
	case ob.Library || ob.Opaque:
		return s.libRecs[s.kin.root(as)]
	case ob.Kind != Unknown && bytesOnly(ob.Type):
		return s.inBytes(as) || ob.Kind == Heap && s.fromKept[s.kin.root(as)]
	}
	among := s.among[o]
	if among == nil || s.inBytes(as) {
		return true
	}
	for _, l := range among {
		for _, r := range s.recordsIn(l) {
			if s.kin.same(r.rec, as) || slices.Contains(as.allOf(r.rec, 0, nil), 0) {
				return true
			}
		}
	}
	return false
}

// hasHead reports whether a record that is seen in block o has what may be the member at
// byte member of record as without that record.
func (s *solver) hasHead(o ObjID, as *lay, member int64) bool {
	for _, l := range s.among[o] {
		key := arith{l: l, off: Any, delta: member, rec: itsHead, as: as}
		offs, ok := s.arith[key]
		if !ok {
			offs = s.records(l, member, as, itsHead)
			s.arith[key] = offs
		}
		if len(offs) > 0 {
			return true
		}
	}
	return false
}

// inBytes reports whether bytes may hold a record as.
func (s *solver) inBytes(as *lay) bool { return !as.pointers() || s.fromBytes[s.kin.root(as)] }

// pointers reports whether l has pointers in it.
func (l *lay) pointers() bool {
	switch l.kind {
	case layScalar:
		return l.class != plainData
	case layArray:
		return l.elem.pointers()
	case layStruct, layUnion:
		for i := range l.fields {
			if l.fields[i].l.pointers() {
				return true
			}
		}
		return false
	}
	return true
}

// pointee returns the record that t points at, nil if it is none or not known.
func (s *solver) pointee(t *ctype.Type) *ctype.Record {
	if t == nil || t.Kind != ctype.Pointer || !t.Elem.IsRecord() {
		return nil
	}
	if r := s.prog.Record(t.Elem.Rec); r.Complete && r.Size > 0 {
		return r
	}
	return nil
}

// fromUntyped reports whether conversion in makes a pointer to a record or to bytes from
// one to nothing in particular, or from an integer.
func (s *solver) fromUntyped(in *ir.Instr) bool {
	if in.Op != ir.Conv || in.Opnd == nil {
		return false
	}
	t := in.Opnd
	switch {
	case s.pointee(in.Type) != nil, isPointerPtr(in.Type), function(in.Type) != nil:
		return t.Kind != ctype.Pointer || t.Elem.Kind == ctype.Void || t.Elem.IsChar()
	case isBytes(in.Type):
		return t.Kind == ctype.Pointer && t.Elem.Kind == ctype.Void
	}
	return false
}

// scalars calls f for the scalars of l that begin at or before byte last, in
// order, until it returns false. Bytes and unions are passed over: they may be
// anything.
func (l *lay) scalars(base, last int64, f func(at int64, sc *lay) bool) bool {
	if base > last {
		return true
	}
	switch l.kind {
	case layScalar:
		return l.size <= 1 || f(base, l)
	case layArray:
		// The first element stands for all.
		if l.elem.size <= 1 {
			return true
		}
		return l.elem.scalars(base, last, f)
	case layStruct:
		for i := range l.fields {
			if !l.fields[i].l.scalars(base+l.fields[i].off, last, f) {
				return false
			}
		}
	}
	return true
}

// What is wanted of a record that is looked for anywhere in an object.
const (
	asItself  = -2 - iota // where it may begin, for a pointer to it
	itsStart              // where it begins, from one of its members
	itsMember             // its member
	itsHead               // what may be that member without the record, the head of a list
)

// anywhere returns where a step leads from anywhere in object o, whose type is
// known, by which a record is reached, of type as: where that begins or its member
// at byte delta. Only where o has such a record, or what is taken for one.
func (s *solver) anywhere(o ObjID, delta int64, as *lay, want int64) []int32 {
	l := s.objLay[o]
	key := arith{l: l, off: Any, delta: delta, rec: want, as: as}
	offs, ok := s.arith[key]
	if !ok {
		offs = s.records(l, delta, as, want)
		s.arith[key] = offs
	}
	out := make([]int32, 0, len(offs))
	for _, off := range offs {
		out = append(out, s.place(o, off))
	}
	return out
}

// records lists the canonical offsets that anywhere leads to. An offset is one of
// them if the step leads there from that very offset: what is known less well is
// no less.
func (s *solver) records(l *lay, delta int64, as *lay, want int64) []int32 {
	one := l
	for one.kind == layArray {
		one = one.elem
	}
	if l.one || one.kind == layBlob || one.kind == layRaw || one.size <= 0 {
		return []int32{Any}
	}
	var out []int32
	for _, c := range s.startsIn(l) {
		off := int64(c)
		switch want {
		case asItself:
			if s.looksLike(l, off, as) {
				out = addOff(out, c)
			}
		case itsStart:
			if s.own(l, off, as) || s.punned(l, off, as) {
				out = addOff(out, c)
			}
		case itsMember:
			if s.own(l, off, as) || s.punned(l, off, as) || s.alike(l, off, as, delta) {
				out = addOff(out, l.canon(off+delta))
			}
		case itsHead:
			if s.memberOf(l, off, as, delta) {
				out = addOff(out, c)
			}
		}
	}
	if want == itsHead {
		return out
	}
	if s.inBytes(as) {
		one.bytes(0, as.size, func(off int64) { out = addOff(out, l.canon(off)) })
	}
	if open := one.open(); open && s.inBytes(as) || one.tail && !open {
		out = addOff(out, l.canon(one.size))
	}
	return out
}

// parts calls f for l, which begins at base, and all that is in it, of arrays the first element.
func (l *lay) parts(base int64, f func(at int64, x *lay)) {
	f(base, l)
	switch l.kind {
	case layArray:
		l.elem.parts(base, f)
	case layStruct, layUnion:
		for i := range l.fields {
			l.fields[i].l.parts(base+l.fields[i].off, f)
		}
	}
}

// startsIn lists the canonical offsets of l at which something begins.
func (s *solver) startsIn(l *lay) []int32 {
	out, ok := s.starts[l]
	if ok {
		return out
	}
	seen := map[int32]bool{}
	l.parts(0, func(at int64, _ *lay) {
		if c := l.canon(at); c != Any && !seen[c] {
			seen[c] = true
			out = append(out, c)
		}
	})
	s.starts[l] = out
	return out
}

// A recAt is a record that begins at canonical offset off of a layout.
type recAt struct {
	off int32
	rec *lay
}

// recordsIn lists the records in l, the innermost arrays' elements once.
func (s *solver) recordsIn(l *lay) []recAt {
	out, ok := s.recsIn[l]
	if ok {
		return out
	}
	l.parts(0, func(at int64, x *lay) {
		if c := l.canon(at); x.rec != nil && c != Any {
			out = append(out, recAt{c, x.rec})
		}
	})
	s.recsIn[l] = out
	return out
}

// bytes calls f for the arrays of bytes in l in which a record of n bytes may be.
func (l *lay) bytes(base, n int64, f func(off int64)) {
	switch l.kind {
	case layBlob, layRaw:
		f(base)
	case layArray:
		if l.elem.size > 1 {
			l.elem.bytes(base, n, f)
		} else if l.n < 0 || l.n >= n {
			f(base)
		}
	case layStruct, layUnion:
		if l.one {
			f(base)
			return
		}
		for i := range l.fields {
			l.fields[i].l.bytes(base+l.fields[i].off, n, f)
		}
	}
}

// roomFor reports whether a pointer may be at canonical offset off of l: where one
// would be aligned, where a scalar that is large enough begins (packed records), and
// in bytes; if l's type is known. Else wherever there are enough bytes.
func (l *lay) roomFor(off int64, typed bool) bool {
	if end := l.whole(); end >= 0 && off+ctype.PtrSize > end {
		return false
	}
	if l.one || !typed {
		return true
	}
	if off%ctype.PtrSize == 0 {
		return true // a free block may be a link of a list
	}
	var buf [pathBuf]step
	for _, st := range l.path(off, 0, buf[:0]) {
		if st.elem == 1 || st.elem == 0 && st.rec == nil && st.size >= ctype.PtrSize && (st.start == off || st.size > ctype.PtrSize) {
			return true
		}
	}
	return false
}
