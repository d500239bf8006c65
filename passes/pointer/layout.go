package pointer

import (
	"slices"
	"sort"

	"saz/frontend/ctype"
	"saz/ir"
)

// An object's bytes are named by canonical offsets: all elements of an array
// are its first element, at each level. The map from a byte to its canonical
// offset depends on nothing but the object's layout, so every access to a byte
// whose offset is known exactly ends at the same name whatever the type of the
// access: a wrong guess at a heap object's type costs precision only.
//
// What remains is arithmetic by unknown amounts, and the canonical offset having
// forgotten which element it was in: see shift and index.

// rawCap is the largest offset that is kept apart in an object of unknown
// layout.
const rawCap = 512

type layKind uint8

const (
	layScalar layKind = iota // each byte is itself
	layArray
	layStruct
	layUnion
	layRaw  // unknown: each byte is itself, up to rawCap
	layBlob // all bytes are one
)

type lay struct {
	kind   layKind
	size   int64
	align  int64 // of records
	anon   bool  // a record without a tag or a typedef's name
	rec    *lay  // a record: itself, also of a copy of it with a tail
	elem   *lay
	n      int64 // layArray: elements, -1 unbounded
	fields []layField
	table  []int32 // layUnion with arrays: byte → canonical offset
	class  scalarClass
	to     *lay  // layScalar: the record that a recordPointer points at, nil if that is not known
	each   int64 // layStruct: it is an array of elements of this size, told apart
	one    bool  // every byte is canonical 0
	tail   bool  // the object goes on after size (struct hack, header and payload)
}

type layField struct {
	off int64
	l   *lay
}

var blobLay = &lay{kind: layBlob, size: -1, one: true}

// meltedLay is the layout of an object that turned out to have too many places.
var meltedLay = &lay{kind: layBlob, size: -1, one: true}

var rawLay = &lay{kind: layRaw, size: -1}

// layouts makes and shares layouts.
type layouts struct {
	prog  *ir.Program
	byRec map[*ctype.Record]*lay
	byArr map[arrKey]*lay
	bySca map[scaKey]*lay
	byUse map[useKey]*lay
}

type arrKey struct {
	elem *lay
	n    int64
}

// A scalarClass says what a scalar is, as far as that tells apart what no program
// takes for each other.
type scalarClass uint8

const (
	plainData scalarClass = iota
	voidPointer
	recordPointer
	scalarPointer // to characters, numbers, pointers
	funcPointer
)

func classOf(t *ctype.Type) scalarClass {
	if t.Kind != ctype.Pointer {
		return plainData
	}
	switch e := t.Elem; {
	case e.Kind == ctype.Void:
		return voidPointer
	case e.Kind == ctype.Func:
		return funcPointer
	case recordElem(e):
		return recordPointer
	}
	return scalarPointer
}

type scaKey struct {
	size  int64
	class scalarClass
	to    *lay
}

type useKey struct {
	l    *lay
	arr  bool
	tail bool
}

func newLayouts(p *ir.Program) *layouts {
	return &layouts{prog: p, byRec: map[*ctype.Record]*lay{}, byArr: map[arrKey]*lay{}, bySca: map[scaKey]*lay{}, byUse: map[useKey]*lay{}}
}

func (ls *layouts) scalar(size int64, class scalarClass, to *lay) *lay {
	k := scaKey{size, class, to}
	l := ls.bySca[k]
	if l == nil {
		l = &lay{kind: layScalar, size: size, class: class, to: to, one: size == 1}
		ls.bySca[k] = l
	}
	return l
}

func (ls *layouts) array(elem *lay, n int64) *lay {
	k := arrKey{elem, n}
	l := ls.byArr[k]
	if l == nil {
		l = &lay{kind: layArray, elem: elem, n: n, size: -1, one: elem.one}
		if n >= 0 {
			l.size = n * elem.size
		}
		ls.byArr[k] = l
	}
	return l
}

// heap returns the layout of a block that holds elements of l.
func (ls *layouts) heap(l *lay, arr, tail bool) *lay {
	if l.size <= 0 {
		return rawLay
	}
	k := useKey{l, arr, tail}
	h := ls.byUse[k]
	if h == nil {
		switch {
		case arr:
			h = ls.array(l, -1)
		case tail && l.kind != layScalar:
			c := *l
			c.tail = true
			c.one = false
			h = &c
		default:
			h = l
		}
		ls.byUse[k] = h
	}
	return h
}

func (ls *layouts) of(t *ctype.Type) *lay {
	switch t.Kind {
	case ctype.Array:
		e := ls.of(t.Elem)
		if t.Len <= 0 { // [0] is what was written for [] before C had it
			return ls.array(e, -1)
		}
		return ls.array(e, t.Len)
	case ctype.Struct, ctype.Union:
		return ls.record(t.Rec)
	case ctype.VaList, ctype.Func, ctype.Void:
		return blobLay
	}
	n := ctype.SizeOf(t)
	if n <= 0 {
		return blobLay
	}
	class := classOf(t)
	var to *lay
	if class == recordPointer {
		for t = t.Elem; t.Kind == ctype.Array; t = t.Elem {
		}
		if to = ls.record(t.Rec); to == rawLay {
			to = nil
		}
	}
	return ls.scalar(n, class, to)
}

func (ls *layouts) record(r *ctype.Record) *lay {
	if l := ls.byRec[r]; l != nil {
		return l
	}
	if c := ls.prog.Records[r]; c != nil && c != r {
		l := ls.record(c)
		ls.byRec[r] = l
		return l
	}
	if !r.Complete {
		ls.byRec[r] = rawLay
		return rawLay
	}
	l := &lay{kind: layStruct, size: r.Size, align: r.Align, anon: r.Tag == "" && r.Typedef == ""}
	l.rec = l
	ls.byRec[r] = l // records do not contain themselves, but errors might
	for i := range r.Fields {
		f := &r.Fields[i]
		if f.BitField && f.Name == "" || f.Type == nil {
			continue
		}
		fl := ls.of(f.Type)
		if n := len(l.fields); f.BitField && n > 0 && l.fields[n-1].off == f.Off && !r.Union {
			if l.fields[n-1].l.size < fl.size && l.fields[n-1].l.kind == layScalar {
				l.fields[n-1].l = fl
			}
			continue
		}
		l.fields = append(l.fields, layField{f.Off, fl})
	}
	if !r.Union {
		sort.SliceStable(l.fields, func(i, j int) bool { return l.fields[i].off < l.fields[j].off })
		return l
	}
	l.kind = layUnion
	arrays := false
	for i := range l.fields {
		l.fields[i].l = l.fields[i].l.apart()
	}
	for _, f := range l.fields {
		arrays = arrays || f.l.hasArray()
	}
	switch {
	case !arrays:
	case l.size > 4096:
		l.one = true
	default:
		l.join()
	}
	return l
}

// maxApart bounds the elements of an array in a union that are told apart.
const maxApart = 8

// apart returns l with the elements of short arrays of pointers told apart: in a union
// they would be one with all that other members have there.
func (l *lay) apart() *lay {
	switch l.kind {
	case layArray:
		if e := l.elem; l.n > 1 && l.n <= maxApart && e.kind == layScalar && e.size == ctype.PtrSize {
			c := &lay{kind: layStruct, size: l.size, each: e.size}
			for i := range l.n {
				c.fields = append(c.fields, layField{i * e.size, e})
			}
			return c
		}
	case layStruct:
		var c *lay
		for i := range l.fields {
			if f := l.fields[i].l.apart(); f != l.fields[i].l {
				if c == nil {
					c = new(lay)
					*c = *l
					c.fields = slices.Clone(l.fields)
				}
				c.fields[i].l = f
			}
		}
		if c != nil {
			return c
		}
	}
	return l
}

func (l *lay) hasArray() bool {
	switch l.kind {
	case layArray:
		return l.n != 1
	case layStruct, layUnion:
		for _, f := range l.fields {
			if f.l.hasArray() {
				return true
			}
		}
	}
	return false
}

// join computes a union's table: the finest partition of its bytes that is
// coarser than that of each member.
func (l *lay) join() {
	l.table = make([]int32, l.size)
	for i := range l.table {
		l.table[i] = int32(i)
	}
	find := func(i int32) int32 {
		for l.table[i] != i {
			i = l.table[i]
		}
		return i
	}
	for _, f := range l.fields {
		for b := int64(0); b < f.l.size && f.off+b < l.size; b++ {
			c := int64(f.l.canon(b))
			if c < 0 {
				c = 0
			}
			x, y := find(int32(f.off+b)), find(int32(f.off+c))
			if x < y {
				l.table[y] = x
			} else {
				l.table[x] = y
			}
		}
	}
	l.one = true
	for i := range l.table {
		l.table[i] = find(int32(i))
		l.one = l.one && l.table[i] == 0
	}
}

// canon maps a byte offset to its canonical offset; Any if there is none.
func (l *lay) canon(off int64) int32 {
	base := int64(0)
	for {
		switch {
		case l.one:
			return int32(base)
		case off < 0:
			return Any
		}
		switch l.kind {
		case layBlob:
			return int32(base)
		case layRaw:
			if off >= rawCap {
				return Any
			}
			return int32(base + off)
		case layScalar:
			if off >= l.size {
				return Any
			}
			return int32(base + off)
		case layArray:
			if l.elem.size <= 0 {
				return int32(base)
			}
			if l.n >= 0 && off >= l.size {
				return Any
			}
			off %= l.elem.size
			l = l.elem
		case layStruct, layUnion:
			if off >= l.size {
				if c, ok := l.beyond(off); ok {
					return int32(base) + c
				}
				if l.tail {
					return int32(base + l.size)
				}
				return Any
			}
			if l.kind == layUnion {
				if l.table != nil {
					return int32(base) + l.table[off]
				}
				return int32(base + off)
			}
			f := l.field(off)
			if f == nil {
				return int32(base + off) // padding
			}
			base += f.off
			off -= f.off
			l = f.l
		}
	}
}

// field returns the member that contains byte off, which may be a trailing
// array without a length.
func (l *lay) field(off int64) *layField {
	i := sort.Search(len(l.fields), func(i int) bool { return l.fields[i].off > off }) - 1
	if i >= 0 && i == len(l.fields)-1 && l.fields[i].l.open() {
		return &l.fields[i] // padding is no limit
	}
	for ; i >= 0; i-- {
		f := &l.fields[i]
		if f.l.size < 0 || off < f.off+f.l.size {
			return f
		}
		if f.l.size > 0 {
			break
		}
	}
	return nil
}

// beyond maps a byte behind the end of l, if l ends in an array of no, one or
// unknown length: there are more of its elements.
func (l *lay) beyond(off int64) (int32, bool) {
	switch l.kind {
	case layArray:
		switch {
		case l.n > 1:
		case l.elem.size <= 0:
			return 0, true
		default:
			return l.elem.canon(off % l.elem.size), true
		}
	case layStruct:
		if n := len(l.fields); n > 0 {
			f := &l.fields[n-1]
			c, ok := f.l.beyond(off - f.off)
			return int32(f.off) + c, ok
		}
	case layUnion:
		for i := range l.fields {
			f := &l.fields[i]
			if c, ok := f.l.beyond(off - f.off); ok {
				c += int32(f.off)
				if l.one {
					c = 0
				} else if l.table != nil && int(c) < len(l.table) {
					c = l.table[c]
				}
				return c, true
			}
		}
	}
	return 0, false
}

// open reports whether l ends in such an array.
func (l *lay) open() bool {
	_, ok := l.beyond(max(l.size, 0))
	return ok
}

// A step is one subobject that contains a place, outermost first.
type step struct {
	start int64
	size  int64 // -1: unbounded
	elem  int64 // arrays: size of an element; 0: not an array
	each  int64 // arrays whose elements are told apart: size of an element
	rec   *lay  // a record's layout
	class scalarClass
	to    *lay
	mixed bool // anything may be here
}

// pathBuf is how many there are at most places.
const pathBuf = 8

// path lists the subobjects around canonical offset off. Of a union it follows
// all members. It appends them to out, which is to save an allocation.
func (l *lay) path(off int64, base int64, out []step) []step {
	switch l.kind {
	case layBlob:
		return append(out, step{start: base, size: -1, elem: 1, mixed: true})
	case layScalar:
		out = append(out, step{start: base, size: l.size, class: l.class, to: l.to})
	case layArray:
		e := l.elem.size
		if e <= 0 {
			e = 1
		}
		out = append(out, step{start: base, size: l.size, elem: e})
		if l.elem.size > 0 {
			out = l.elem.path(off%l.elem.size, base, out)
		}
	case layStruct:
		out = append(out, step{start: base, size: l.size, rec: l.rec, each: l.each})
		if off >= l.size {
			// Only the last member's, or the tail's.
			if l.tail && !l.open() {
				return append(out, step{start: base + l.size, size: -1, elem: 1, mixed: true})
			}
			if n := len(l.fields); n > 0 {
				f := &l.fields[n-1]
				return f.l.path(off-f.off, base+f.off, out)
			}
			return out
		}
		if f := l.field(off); f != nil {
			out = f.l.path(off-f.off, base+f.off, out)
		}
	case layUnion:
		out = append(out, step{start: base, size: l.size, rec: l.rec})
		if l.one {
			return append(out, step{start: base, size: l.size, elem: 1, mixed: true})
		}
		for i := range l.fields {
			f := &l.fields[i]
			if off >= f.off && (f.l.size < 0 || off < f.off+f.l.size) {
				out = f.l.path(off-f.off, base+f.off, out)
			}
		}
	}
	return out
}

// misaligned reports whether no record as can be where a pointer comes that is moved by delta bytes from
// canonical offset off, around which path is: not from any element of the arrays there, either.
func (l *lay) misaligned(path []step, off, delta int64, as *lay) bool {
	for _, st := range path {
		if st.mixed || st.elem%max(as.align, 1) != 0 {
			return false
		}
	}
	for l.kind == layArray {
		l = l.elem
	}
	return as.align > 1 && l.align >= as.align && (off+delta)%as.align != 0
}

// starts reports whether a member, an element or a scalar begins at canonical
// offset off.
func (l *lay) starts(off int64) bool {
	var buf [pathBuf]step
	for _, s := range l.path(off, 0, buf[:0]) {
		if s.start == off {
			return true
		}
	}
	return false
}

// places calls f for where members of l begin that may hold a pointer, elements of arrays
// once.
func (l *lay) places(base int64, f func(off int64)) {
	switch l.kind {
	case layScalar:
		if l.size >= ctype.PtrSize {
			f(base)
		}
	case layArray:
		if l.elem.size <= 1 {
			f(base)
		} else {
			l.elem.places(base, f)
		}
	case layStruct, layUnion:
		for i := range l.fields {
			l.fields[i].l.places(base+l.fields[i].off, f)
		}
	default:
		f(base)
	}
}

func (l *lay) whole() int64 {
	if l.tail || l.kind == layRaw || l.kind == layBlob {
		return -1
	}
	if l.kind == layStruct && l.open() {
		return -1
	}
	return l.size
}

// elemStride stands for "some elements, whatever their size".
const elemStride = 1 << 40

type arith struct {
	l     *lay
	off   int32
	delta int64
	as    *lay  // of records
	rec   int64 // records: what is wanted; index: indexed - mode
}

// An arithmetic caches index and records.
type arithmetic map[arith][]int32

func addOff(out []int32, o int32) []int32 {
	for _, x := range out {
		if x == o {
			return out
		}
	}
	return append(out, o)
}

// shift puts into out, which is empty, where a pointer at canonical offset off, around which path is, goes when
// delta bytes are added. rec is the size of the record if this is the address of one of
// its members, 0 if it is plain arithmetic, -1 if it is where a piece of a copy goes, or inBytes.
//
// The exact answer supposes that the pointer is in the first element of every
// array around it. If the step leaves the element, then from another element
// it may have gone to a neighbour: that place is an answer too. The address of
// a member of a record that begins here, as part of the object's own type,
// stays inside, so exactly one answer is right.
func (l *lay) shift(path []step, off int32, delta, rec int64, out []int32) []int32 {
	if off == Any || delta == 0 && rec <= 0 {
		return append(out, off)
	}
	if l.one {
		return append(out, 0)
	}
	exact := int64(off) + delta
	if end := l.whole(); exact >= 0 && (end < 0 || exact < end) {
		out = append(out, l.canon(exact))
	}
	own := false
	if rec > 0 {
		for _, st := range path {
			own = own || st.rec != nil && st.start == int64(off) && st.size == rec
		}
	}
	if !own {
		for _, st := range path {
			if st.elem == 0 || st.size >= 0 && st.size <= st.elem {
				continue
			}
			r := int64(off) - st.start + delta
			if r < 0 || r >= st.elem {
				r %= st.elem
				if r < 0 {
					r += st.elem
				}
				out = addOff(out, l.canon(st.start+r))
			}
		}
		if rec == inBytes {
			out = l.leave(path, int64(off), delta, out)
		}
	}
	if len(out) == 0 && (rec == 0 || rec == inBytes) {
		// Beyond the object: one past its end, or not what it seems to be.
		// (A member or a piece there cannot be accessed: no such object is meant.)
		out = append(out, Any)
	}
	return out
}

// maxElems bounds the elements from which a step out of an array is worked out one by
// one; from more it may go anywhere.
const maxElems = 64

// inBytes stands for a record's size where a pointer is moved as an address: of
// bytes, or as an integer. Then it may leave the array that it is in (container_of);
// arithmetic in units of a type does not, but to point behind the last element.
const inBytes = -2

// indexed tells the two users of an arithmetic apart.
const indexed = -16

// leave adds to out where delta bytes from the place at off lead if that is out of
// the arrays around it, from other elements than the first: the first few of an
// array, or the last.
func (l *lay) leave(path []step, off, delta int64, out []int32) []int32 {
	end := l.whole()
	at := []int64{off} // where the place may be, as far as it matters
	for _, s := range path {
		if s.elem <= 1 || s.size >= 0 && s.size <= s.elem {
			continue
		}
		if r := off - s.start + delta; r >= 0 && r < s.elem {
			continue // it stays in the element
		}
		few := max(delta, -delta)/s.elem + 2
		n := int64(1) << 40
		if s.size >= 0 {
			n = s.size / s.elem
		}
		if few*int64(len(at)) > maxElems {
			return addOff(out, Any)
		}
		base := at
		add := func(k int64) {
			for _, b := range base {
				at = append(at, b+k*s.elem)
			}
		}
		for k := int64(1); k < min(few, n); k++ {
			if off-s.start+k*s.elem+delta < 0 {
				add(k)
			}
		}
		if s.size >= 0 {
			for k := max(n-few, 1); k < n; k++ {
				if off-s.start+k*s.elem+delta >= s.size {
					add(k)
				}
			}
		}
	}
	for _, b := range at[1:] {
		if b += delta; b >= 0 && (end < 0 || b < end) {
			out = addOff(out, l.canon(b))
		}
	}
	return out
}

// Modes of index.
const (
	narrow = iota // the pointer has the type of what it points at
	wide          // it was made by a cast in this procedure
	cyclic        // the step feeds itself
)

// index returns where a pointer at canonical offset off goes when an unknown
// multiple of stride is added. Inside an array of such elements it stays where
// it is; a subobject of just that size counts as an array of one, as in C. But
// a pointer to a record's first byte that was made by a cast in this procedure
// may be walking over the whole record: then it can be anywhere. So can a
// pointer that is stepped again and again, except in an array.
func (c arithmetic) index(l *lay, off int32, stride, mode int64) []int32 {
	if off == Any {
		return []int32{Any}
	}
	if l.one {
		return []int32{0}
	}
	key := arith{l: l, off: off, delta: stride, rec: indexed - mode}
	if r, ok := c[key]; ok {
		return r
	}
	if stride < 0 {
		stride = -stride
	}
	out := []int32{Any}
	var buf [pathBuf]step
	path := l.path(int64(off), 0, buf[:0])
	var big int64 // the largest record that starts here
	for _, s := range path {
		if stride == 0 {
			break
		}
		here := s.start == int64(off)
		if s.rec != nil && here && s.size > big {
			big = s.size
		}
		if s.elem > 0 && (stride%s.elem == 0 || stride == elemStride) && !(mode != narrow && here && s.size >= 0 && s.size < big) {
			out = []int32{off}
			break
		}
		if s.each > 0 && (stride%s.each == 0 || stride == elemStride) && !(mode != narrow && here && s.size < big) {
			out = out[:0]
			for k := (int64(off) - s.start) % s.each; k < s.size; k += s.each {
				out = addOff(out, l.canon(s.start+k))
			}
			break
		}
		if s.elem == 0 && here && (s.size == stride || stride == elemStride) && (mode == narrow || mode == wide && big <= s.size) {
			out = []int32{off}
			break
		}
	}
	c[key] = out
	return out
}
