package modref

import (
	"slices"

	"saz/frontend/ctype"
	"saz/ir"
	"saz/passes/pointer"
)

// A PartID numbers the different accesses of the program.
type PartID int32

// partKind says how far an access goes from each place of its set.
type partKind uint8

const (
	sized     partKind = iota // size bytes
	moved                     // size bytes, shift bytes further on
	bounded                   // to the end of the array of bytes around the place
	behind                    // all that pointers stored in the object point at, and in what these point at, size pointers deep
	reachable                 // all that can be reached from the object
)

// A partKey is what makes an access what it is. Sets are told apart by
// identity: the pointer analysis shares equal ones.
type partKey struct {
	set         int32
	kind        partKind
	write       bool
	size, shift int64
}

type setKey struct {
	first *pointer.Loc
	n     int
}

// parts interns points-to sets, the accesses through them, and the lists of
// those that instructions make.
type parts struct {
	a      *analysis
	sets   [][]pointer.Loc
	byAddr map[setKey]int32
	byLoc  map[pointer.Loc]int32

	keys  []partKey
	acc   [][]Access // by part: sorted, none within another
	byKey map[partKey]PartID

	room []Access // for expand

	effects  [][]PartID // by effect; 0 is none
	single   []int32    // by part: the effect that is just it, 0 not yet made
	byList   map[string]int32
	effAcc   [][]Access // of objects that stand for others
	spread   [][]Access // of all objects, as far as it was asked for; nil if that is the same
	effLocs  [][]pointer.Loc
	haveLocs []bool
}

func newParts(a *analysis) *parts {
	return &parts{a: a, byAddr: map[setKey]int32{}, byLoc: map[pointer.Loc]int32{}, byKey: map[partKey]PartID{},
		effects: [][]PartID{nil}, byList: map[string]int32{}}
}

// set returns the number of a points-to set, -1 if it is empty.
func (p *parts) set(l []pointer.Loc) int32 {
	switch len(l) {
	case 0:
		return -1
	case 1:
		n, ok := p.byLoc[l[0]]
		if !ok {
			n = int32(len(p.sets))
			p.sets = append(p.sets, l)
			p.byLoc[l[0]] = n
		}
		return n
	}
	k := setKey{&l[0], len(l)}
	n, ok := p.byAddr[k]
	if !ok {
		n = int32(len(p.sets))
		p.sets = append(p.sets, l) // which keeps the address taken
		p.byAddr[k] = n
	}
	return n
}

func (p *parts) part(k partKey) PartID {
	id, ok := p.byKey[k]
	if !ok {
		id = PartID(len(p.keys))
		p.keys = append(p.keys, k)
		p.acc = append(p.acc, p.expand(k))
		p.single = append(p.single, 0)
		p.byKey[k] = id
	}
	return id
}

func (p *parts) expand(k partKey) []Access {
	a, pts := p.a, p.a.pts
	out := p.room[:0]
	add := func(l pointer.Loc, size int64) {
		o := &pts.Objects[l.Obj]
		if o.Kind == pointer.Func || k.write && o.Kind == pointer.Global && a.prog.Globals[o.Global].String {
			return
		}
		l, size = pts.Span(l, size)
		out = append(out, Access{l, size})
	}
	set := p.sets[k.set]
	switch k.kind {
	case sized:
		for _, l := range set {
			add(l, k.size)
		}
	case moved:
		for _, l := range set {
			for _, m := range pts.Shift(l, k.shift) {
				add(m, k.size)
			}
		}
	case bounded:
		for _, l := range set {
			add(l, pts.Bound(l))
		}
	case behind:
		var now []pointer.ObjID
		seen, had := map[pointer.ObjID]bool{}, map[setKey]bool{}
		for _, l := range set {
			if !seen[l.Obj] {
				seen[l.Obj] = true
				now = append(now, l.Obj)
			}
		}
		for d := max(k.size, 1); d > 0 && len(now) > 0; d-- {
			var next []pointer.ObjID
			for _, o := range now {
				for _, in := range pts.ContentClasses(o) {
					if len(in) == 0 || had[setKey{&in[0], len(in)}] {
						continue // sets are shared
					}
					had[setKey{&in[0], len(in)}] = true
					for _, m := range in {
						add(m, -1)
						if !seen[m.Obj] {
							seen[m.Obj] = true
							next = append(next, m.Obj)
						}
					}
				}
			}
			now = next
		}
	case reachable:
		a.reach.from(set, func(o pointer.ObjID) { add(pointer.Loc{Obj: o, Off: pointer.Any}, -1) })
	}
	p.room = out
	return slices.Clip(slices.Clone(tidy(out)))
}

// effect returns the number of a list of parts, which it may reorder.
func (p *parts) effect(l []PartID) int32 {
	if len(l) > 1 {
		slices.Sort(l)
		l = slices.Compact(l)
	}
	switch len(l) {
	case 0:
		return 0
	case 1:
		e := p.single[l[0]]
		if e == 0 {
			e = p.newEffect(l)
			p.single[l[0]] = e
		}
		return e
	}
	key := make([]byte, 0, 4*len(l))
	for _, x := range l {
		key = append(key, byte(x), byte(x>>8), byte(x>>16), byte(x>>24))
	}
	e, ok := p.byList[string(key)]
	if !ok {
		e = p.newEffect(l)
		p.byList[string(key)] = e
	}
	return e
}

func (p *parts) newEffect(l []PartID) int32 {
	p.effects = append(p.effects, slices.Clone(l))
	return int32(len(p.effects) - 1)
}

// seal makes the accesses of effects of several parts.
func (p *parts) seal() {
	p.effAcc = make([][]Access, len(p.effects))
	p.effLocs = make([][]pointer.Loc, len(p.effects))
	p.haveLocs = make([]bool, len(p.effects))
	for e, l := range p.effects {
		switch len(l) {
		case 0:
		case 1:
			p.effAcc[e] = p.acc[l[0]]
		default:
			var out []Access
			for _, x := range l {
				out = append(out, p.acc[x]...)
			}
			p.effAcc[e] = slices.Clip(tidy(out))
		}
	}
	p.byAddr, p.byList, p.byKey = nil, nil, nil
}

// accesses returns what effect e touches, of all objects.
func (p *parts) accesses(e int32) []Access {
	if !p.a.pts.Classes() {
		return p.effAcc[e]
	}
	p.a.mu.Lock()
	defer p.a.mu.Unlock()
	if p.spread == nil {
		p.spread = make([][]Access, len(p.effects))
	}
	if p.spread[e] == nil {
		p.spread[e] = p.a.spread(p.effAcc[e])
	}
	return p.spread[e]
}

// spread adds to accesses those of the objects that theirs stand for.
func (a *analysis) spread(l []Access) []Access {
	var out []Access
	for _, x := range l {
		m := a.pts.Members(x.Obj)
		if m == nil {
			out = append(out, x)
		}
		for _, o := range m {
			out = append(out, Access{pointer.Loc{Obj: o, Off: x.Off}, x.Size})
		}
	}
	return tidy(out)
}

// locs returns the places of the scalars that an effect touches.
func (p *parts) locs(e int32) []pointer.Loc {
	p.a.mu.Lock()
	defer p.a.mu.Unlock()
	if !p.haveLocs[e] {
		p.effLocs[e] = p.a.pts.Spread(p.a.expand(p.effAcc[e]))
		p.haveLocs[e] = true
	}
	return p.effLocs[e]
}

// expand turns accesses into the places of the scalars that they touch.
func (a *analysis) expand(acc []Access) []pointer.Loc {
	if len(acc) == 0 {
		return nil
	}
	out := make([]pointer.Loc, 0, len(acc))
	for _, x := range acc {
		if x.Size >= 0 && x.Size <= 8 {
			out = append(out, x.Loc)
		} else {
			out = append(out, a.pts.Leaves(x.Loc, x.Size)...)
		}
	}
	sortLocs(out)
	return slices.Compact(out)
}

func sortLocs(l []pointer.Loc) {
	slices.SortFunc(l, func(x, y pointer.Loc) int {
		if x.Obj != y.Obj {
			return int(x.Obj) - int(y.Obj)
		}
		return int(x.Off) - int(y.Off)
	})
}

// tidy sorts accesses and drops those within others.
func tidy(l []Access) []Access {
	if len(l) < 2 {
		return l
	}
	order := func(x, y Access) int {
		if x.Obj != y.Obj {
			return int(x.Obj) - int(y.Obj)
		}
		if x.Off != y.Off {
			return int(x.Off) - int(y.Off)
		}
		switch ex, ey := end(x), end(y); {
		case ex > ey:
			return -1
		case ex < ey:
			return 1
		}
		return 0
	}
	if !slices.IsSortedFunc(l, order) {
		slices.SortFunc(l, order)
	}
	out := l[:0]
	for _, x := range l {
		if n := len(out); n > 0 && out[n-1].Obj == x.Obj && (out[n-1].Off == pointer.Any || end(x) <= end(out[n-1])) {
			continue
		}
		out = append(out, x)
	}
	return out
}

// end is where an access ends; far away if it has no end.
func end(a Access) int64 {
	if a.Size < 0 || a.Off == pointer.Any {
		return 1 << 40
	}
	return int64(a.Off) + a.Size
}

// Overlap reports whether a and b may have bytes in common.
func Overlap(a, b Access) bool {
	if a.Obj != b.Obj {
		return false
	}
	return a.Off == pointer.Any || b.Off == pointer.Any || int64(a.Off) < end(b) && int64(b.Off) < end(a)
}

func typeSize(t *ctype.Type) int64 {
	if t == nil {
		return -1
	}
	if n := ctype.SizeOf(t); n >= 0 {
		return n
	}
	return -1
}

// pointee returns what v pointed at before it was converted to void *; nil if
// that is not known.
func (e *effect) pointee(v ir.Value) *ctype.Type {
	var t *ctype.Type
	for range 4 {
		switch v.Kind {
		case ir.VGlobal:
			if v.Off == 0 {
				return unarray(e.a.prog.Globals[v.ID].Type)
			}
			return nil
		case ir.VLocal:
			if v.Off == 0 {
				return unarray(e.f.Locals[v.ID].Type)
			}
			return nil
		case ir.VReg:
		default:
			return nil
		}
		t = e.f.Regs[v.ID].Type
		if t != nil && t.Kind == ctype.Pointer && t.Elem.Kind != ctype.Void && ctype.IsComplete(t.Elem) {
			return t.Elem
		}
		d := e.f.Regs[v.ID].Def
		if d < 0 {
			return nil
		}
		if in := &e.f.Instrs[d]; in.Op == ir.Conv || in.Op == ir.Move {
			v = in.A
			continue
		}
		return nil
	}
	return nil
}

// unarray: an array is passed as a pointer to its element, and what is
// touched is as much of it as there is.
func unarray(t *ctype.Type) *ctype.Type {
	if t != nil && t.Kind == ctype.Array && t.Elem.IsChar() {
		return t.Elem
	}
	return t
}
