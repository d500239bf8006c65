package check

import (
	"math"
	"sort"

	"saz/frontend/ctype"
	"saz/frontend/syntax"
)

// initObject reads the initialiser at node n for o, and completes o's type if
// it is an array without a length.
func (c *checker) initObject(o *Object, n int32) {
	b := initBuilder{c: c, t: o.Type}
	init := &Init{Tok: c.first(n), End: c.last(n)}
	if c.sym(n) == syntax.SymInitializerList {
		if ctype.IsVLA(o.Type) && c.named(n) >= 0 {
			c.fail(n, "an initialiser for an array of variable size")
		}
		b.list(o.Type, 0, nil, n)
	} else {
		x := c.expr(n)
		if !b.whole(o.Type, 0, nil, x) {
			c.fail(n, "an array initialised by an expression of type %s", x.Type)
		}
	}
	if o.Type.Kind == ctype.Array && o.Type.Len == -1 {
		size := ctype.SizeOf(o.Type.Elem)
		if size > 0 {
			o.Type = c.ty.Array(o.Type.Elem, (b.size+size-1)/size)
		} else {
			o.Type = c.ty.Array(o.Type.Elem, 0)
		}
	}
	init.Items = b.finish()
	init.Size = max(ctype.SizeOf(o.Type), b.size)
	o.Init = init
}

// An initBuilder flattens one initialiser.
type initBuilder struct {
	c      *checker
	t      *ctype.Type
	items  []InitItem
	size   int64            // bytes initialised, for arrays without a length
	end    int64            // bit after the furthest item: below it an item may override
	unsort bool             // items are not in order of offset
	unions map[unionKey]int // which member of a union was initialised last
}

type unionKey struct {
	rec *ctype.Record
	off int64
}

// entries walks the children of an initializer_list.
type entries struct {
	c    *checker
	list int32
	cur  int32 // current entry, -1 at the end
	node int32 // its initialiser: the entry itself or, of a designated one, its value
	x    *Expr // node typed, if that was needed already
}

func (e *entries) next() {
	e.cur = e.c.nextNamed(e.list, e.cur)
	e.node, e.x = e.cur, nil
}

func (e *entries) expr() *Expr {
	if e.x == nil {
		e.x = e.c.expr(e.node)
	}
	return e.x
}

// finish sorts the items.
func (b *initBuilder) finish() []InitItem {
	if b.unsort {
		sort.SliceStable(b.items, func(i, j int) bool {
			x, _ := b.items[i].bits()
			y, _ := b.items[j].bits()
			return x < y
		})
	}
	return b.items
}

// bits is the range of bits that an item writes.
func (it *InitItem) bits() (lo, hi int64) {
	lo = it.Off * 8
	if f := it.Field; f != nil && f.BitField {
		lo += f.BitOff - f.Off*8
		return lo, lo + f.BitWidth
	}
	return lo, lo + ctype.SizeOf(it.Type)*8
}

func (b *initBuilder) add(t *ctype.Type, off int64, f *ctype.Field, x *Expr) {
	it := InitItem{Off: off, Type: t.Unqualified(), X: x}
	if f != nil && f.BitField {
		it.Field = f
	}
	b.put(it)
}

func (b *initBuilder) put(it InitItem) {
	lo, hi := it.bits()
	if lo < b.end {
		b.drop(lo, hi)
		b.unsort = true
	}
	b.end = max(b.end, hi)
	b.size = max(b.size, (hi+7)/8)
	b.items = append(b.items, it)
}

// drop removes earlier items that lie within the bits lo to hi.
func (b *initBuilder) drop(lo, hi int64) {
	k := 0
	for i := range b.items {
		if l, h := b.items[i].bits(); l >= lo && h <= hi {
			continue
		}
		b.items[k] = b.items[i]
		k++
	}
	b.items = b.items[:k]
}

// whole initialises an object of type t by one expression; false if that
// cannot be (an aggregate, of which x then initialises the first part).
func (b *initBuilder) whole(t *ctype.Type, off int64, f *ctype.Field, x *Expr) bool {
	c := b.c
	switch {
	case t.Kind == ctype.Array:
		if x.Op == StrLit && charLike(t.Elem) && ctype.SizeOf(t.Elem) == ctype.SizeOf(x.Type.Elem) {
			it := t
			if t.Len == -1 {
				it = x.Type
			}
			b.add(it, off, nil, x)
			return true
		}
		if x.Op == CompoundLit && x.Type.Kind == ctype.Array && x.Init != nil { // GNU
			for _, it := range x.Init.Items {
				b.add(it.Type, off+it.Off, it.Field, it.X)
			}
			b.size = max(b.size, off+x.Init.Size)
			return true
		}
		return false
	case t.IsRecord():
		v := c.value(x)
		if v.Type.IsRecord() && v.Type.Rec == t.Rec {
			b.add(t, off, f, v)
			return true
		}
		return false
	case t.Kind == ctype.Vector:
		v := c.value(x)
		if v.Type.Kind != ctype.Vector {
			return false
		}
		b.add(t, off, f, c.assignConv(v, t, "an object"))
		return true
	case t.Kind == ctype.VaList:
		return false
	}
	if !t.IsScalar() {
		c.failAt(x.Tok, "an initialiser for the type %s", t)
	}
	b.add(t, off, f, c.assignConv(c.value(x), t, "an object"))
	return true
}

func charLike(t *ctype.Type) bool {
	switch t.Kind {
	case ctype.Char, ctype.SChar, ctype.UChar, ctype.Int, ctype.UInt, ctype.Short, ctype.UShort:
		return true
	}
	return false
}

// list initialises an object of type t by a braced list.
func (b *initBuilder) list(t *ctype.Type, off int64, f *ctype.Field, n int32) {
	c := b.c
	e := entries{c: c, list: n, cur: c.named(n)}
	e.node = e.cur
	size := ctype.SizeOf(t)
	if size > 0 {
		b.size = max(b.size, off+size)
		if off*8 < b.end && (f == nil || !f.BitField) {
			b.drop(off*8, (off+size)*8)
		}
	}
	if e.cur < 0 { // {}: all zero
		return
	}
	switch {
	case t.Kind == ctype.Array, t.Kind == ctype.Vector:
		switch c.sym(e.cur) {
		case syntax.SymStringLiteral, syntax.SymConcatenatedString, syntax.SymParenthesizedExpression:
			if t.Kind == ctype.Array && charLike(t.Elem) {
				if x := e.expr(); x.Op == StrLit && b.whole(t, off, f, x) {
					return
				}
			}
		}
		b.aggregate(t, off, 0, &e, true)
	case t.IsRecord():
		if !t.Rec.Complete {
			c.fail(n, "an initialiser for the incomplete type %s", t)
		}
		b.aggregate(t, off, 0, &e, true)
	default:
		if c.sym(e.cur) == syntax.SymInitializerPair {
			c.fail(n, "a designator in an initialiser of type %s", t)
		}
		b.element(t, off, f, &e)
	}
}

// element initialises the object of type t at off from the current entry, and
// from the following ones if its braces were left out.
func (b *initBuilder) element(t *ctype.Type, off int64, f *ctype.Field, e *entries) {
	if b.c.sym(e.node) == syntax.SymInitializerList {
		n := e.node
		e.next()
		b.list(t, off, f, n)
		return
	}
	x := e.expr()
	if b.whole(t, off, f, x) {
		e.next()
		return
	}
	if !t.IsAggregate() && t.Kind != ctype.Vector {
		b.c.failAt(x.Tok, "an initialiser for the type %s", t)
	}
	if t.IsRecord() && len(t.Rec.Fields) == 0 {
		e.next()
		return
	}
	b.aggregate(t, off, 0, e, false)
}

// count is how many elements or members t has, -1 for no limit.
func count(t *ctype.Type) int64 {
	switch t.Kind {
	case ctype.Array, ctype.Vector:
		if t.Len < 0 {
			return -1
		}
		return t.Len
	}
	return int64(len(t.Rec.Fields))
}

// part returns element or member i of t; ok is false for what initialisers
// skip.
func part(t *ctype.Type, i int64) (pt *ctype.Type, off int64, f *ctype.Field, ok bool) {
	switch t.Kind {
	case ctype.Array, ctype.Vector:
		return t.Elem, i * ctype.SizeOf(t.Elem), nil, true
	}
	f = &t.Rec.Fields[i]
	return f.Type, f.Off, f, f.Name != "" || !f.BitField
}

// aggregate initialises the parts of t from number i on. Without braces of its
// own it stops when t is full or a designator comes.
func (b *initBuilder) aggregate(t *ctype.Type, off, i int64, e *entries, braced bool) {
	c := b.c
	n := count(t)
	for e.cur >= 0 {
		if c.sym(e.node) == syntax.SymInitializerPair {
			if !braced {
				return
			}
			i = b.designated(t, off, e)
			continue
		}
		if n >= 0 && i >= n || t.Kind == ctype.Union && i > 0 {
			if !braced {
				return
			}
			c.warn(e.cur, "excess-initialiser", "an initialiser too many is ignored")
			e.next()
			continue
		}
		pt, po, f, ok := part(t, i)
		if !ok {
			i++
			if t.Kind == ctype.Union && i < n {
				// the first named member of a union
				pt, po, f, ok = part(t, i)
			}
			if !ok {
				continue
			}
		}
		b.choose(t, off, i)
		before := e.cur
		b.element(pt, off+po, f, e)
		if e.cur == before { // an array of no elements: gcc drops its initialiser
			c.warn(e.cur, "excess-initialiser", "an initialiser too many is ignored")
			e.next()
		}
		i++
		if t.Kind == ctype.Union {
			i = max(i, 1)
		}
	}
}

// choose notes which member of a union is being initialised: another one
// initialised before is lost.
func (b *initBuilder) choose(t *ctype.Type, off, i int64) {
	if t.Kind != ctype.Union {
		return
	}
	k := unionKey{t.Rec, off}
	if last, ok := b.unions[k]; ok && last != int(i) {
		b.drop(off*8, (off+ctype.SizeOf(t))*8)
	}
	if b.unions == nil {
		b.unions = map[unionKey]int{}
	}
	b.unions[k] = int(i)
}

// A level is one aggregate that designators lead through.
type level struct {
	t      *ctype.Type
	off    int64 // of the aggregate, at the first elements of all ranges
	offHi  int64 // at the last ones
	lo, hi int64 // the part that is designated: a range of elements
}

// designated handles the current entry, an initializer_pair, in the braced
// list of t: it initialises what the designators name, each element of a range
// alike, and goes on with the following entries in the innermost aggregate
// that they led through, at its last element. It returns the part of t that
// comes next.
func (b *initBuilder) designated(t *ctype.Type, off int64, e *entries) int64 {
	c := b.c
	pair := e.cur
	value := c.child(pair, syntax.FieldValue)
	var levels []level
	ct, offHi := t, off
	var f *ctype.Field
	step := func(i, hi int64) {
		levels = append(levels, level{ct, off, offHi, i, hi})
		b.choose(ct, off, i)
		pt, po, pf, _ := part(ct, i)
		_, poHi, _, _ := part(ct, hi)
		ct, f = pt, pf
		off += po
		offHi += poHi
	}
	end := c.nodes[pair].Next
	for d := pair + 1; d < end; d = c.nodes[d].Next {
		if c.nodes[d].Field != syntax.FieldDesignator || !c.nodes[d].Named {
			continue
		}
		switch c.sym(d) {
		case syntax.SymFieldDesignator, syntax.SymFieldIdentifier:
			id := d
			if c.sym(d) == syntax.SymFieldDesignator {
				id = c.named(d)
			}
			if !ct.IsRecord() {
				c.fail(d, "a member designator in an initialiser of type %s", ct)
			}
			path := ct.Rec.Lookup(c.text(id))
			if path == nil {
				c.fail(d, "%s has no member %s", ct, c.text(id))
			}
			for _, m := range path {
				i := int64(0)
				for &ct.Rec.Fields[i] != m {
					i++
				}
				step(i, i)
			}
		case syntax.SymSubscriptDesignator, syntax.SymSubscriptRangeDesignator:
			step(b.indexRange(d, ct))
		default:
			c.fail(d, "saz does not know what a %s means here", c.sym(d))
		}
	}
	if len(levels) == 0 || value < 0 {
		c.fail(pair, "a designator without a value")
	}

	// The value takes the place of the pair. If it begins a list whose braces
	// were left out, the following entries go on with that.
	e.node, e.x = value, nil
	if off == offHi {
		b.element(ct, off, f, e)
	} else {
		b.repeat(levels, ct, off, f, e)
	}
	for k := len(levels) - 1; k > 0; k-- {
		l := &levels[k]
		b.resume(l.t, l.offHi, l.hi+1, e)
	}
	return levels[0].hi + 1
}

// indexRange reads the designator [lo] or [lo ... hi] of an element of t.
func (b *initBuilder) indexRange(d int32, t *ctype.Type) (lo, hi int64) {
	c := b.c
	if t.Kind != ctype.Array && t.Kind != ctype.Vector {
		c.fail(d, "an element designator in an initialiser of type %s", t)
	}
	if c.sym(d) == syntax.SymSubscriptDesignator {
		lo = c.needInt64(c.named(d), "an array index")
		hi = lo
	} else {
		lo = c.needInt64(c.child(d, syntax.FieldStart), "an array index")
		hi = c.needInt64(c.child(d, syntax.FieldEnd), "an array index")
	}
	n := count(t)
	size := ctype.SizeOf(t.Elem)
	if lo < 0 || hi < lo || n >= 0 && hi >= n || size > 0 && hi > math.MaxInt64/8/size || hi-lo > 1<<24 {
		c.fail(d, "an array index out of range")
	}
	return lo, hi
}

// repeat initialises every object of type t that levels designates by the
// current entry; the first of them is at off.
func (b *initBuilder) repeat(levels []level, t *ctype.Type, off int64, f *ctype.Field, e *entries) {
	braced := b.c.sym(e.node) == syntax.SymInitializerList
	one := initBuilder{c: b.c}
	one.element(t, off, f, e)
	items := one.finish()
	shifts := []int64{0}
	for k := len(levels) - 1; k >= 0; k-- {
		l := &levels[k]
		n := len(shifts)
		for i := int64(1); i <= l.hi-l.lo; i++ {
			for _, s := range shifts[:n] {
				shifts = append(shifts, s+i*ctype.SizeOf(l.t.Elem))
			}
		}
	}
	size := max(ctype.SizeOf(t), 0)
	for _, s := range shifts {
		if braced && (off+s)*8 < b.end {
			b.drop((off+s)*8, (off+s+size)*8)
		}
		for _, it := range items {
			it.Off += s
			b.put(it)
		}
		b.size = max(b.size, off+s+size)
	}
}

// resume goes on in t, at part k, with the entries that follow a designated
// one without designators of their own.
func (b *initBuilder) resume(t *ctype.Type, off, k int64, e *entries) {
	n := count(t)
	if e.cur < 0 || b.c.sym(e.node) == syntax.SymInitializerPair || n >= 0 && k >= n || t.Kind == ctype.Union {
		return
	}
	b.aggregate(t, off, k, e, false)
}
