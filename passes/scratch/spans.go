package scratch

import (
	"saz/passes/pointer"
)

// Spans of bytes that are looked at, and what is known to have been written of them.

// A span is bytes [lo,hi) of an object, or from where a parameter points (param >= 0), that are read: as a
// string or not. With esc nothing is read yet, but a pointer to the object gets away to where it is no longer
// known what it points at: whoever reads through it relies on what was written before.
type span struct {
	param  int32
	obj    pointer.ObjID
	lo, hi int64
	str    bool
	esc    bool
}

const far = int64(1) << 40

// A spanKey is a span in words, which are quick to hash.
type spanKey [3]uint64

func (s *span) key() spanKey {
	k := spanKey{uint64(uint32(s.param))<<32 | uint64(uint32(s.obj)), uint64(s.lo), uint64(s.hi) << 2}
	if s.str {
		k[2] |= 1
	}
	if s.esc {
		k[2] |= 2
	}
	return k
}

func (e *engine) id(s span) int32 {
	key := s.key()
	k, ok := e.number[key]
	if !ok {
		k = int32(len(e.spans))
		e.number[key] = k
		e.spans = append(e.spans, s)
		if s.param < 0 {
			e.spansOf[s.obj] = append(e.spansOf[s.obj], k)
			if e.brief[s.obj] && !s.esc {
				e.briefs = e.briefs.with(int(k))
			}
		} else {
			e.ofParams = e.ofParams.with(int(k))
		}
	}
	return k
}

// span is what a read of size bytes at l reads.
func (e *engine) span(l pointer.Loc, size int64) span {
	total := max(e.pt.Size(l.Obj), 1)
	if l.Off == pointer.Any {
		return span{param: -1, obj: l.Obj, lo: 0, hi: total}
	}
	lo, hi := cell(e.pt.TypeOf(l.Obj), int64(l.Off), size, total)
	return span{param: -1, obj: l.Obj, lo: lo, hi: min(hi, total)}
}

// covered reports whether the places in w certainly wrote [lo,hi) of a base.
func (p *proc) covered(w bits, kind baseKind, id int32, lo, hi int64, str bool) bool {
	list := p.byBase[uint64(kind)<<32|uint64(uint32(id))]
	if list == nil {
		return lo >= hi
	}
	for {
		at := lo
		for _, i := range list {
			if !w.has(i) {
				continue
			}
			x := &p.places[i]
			if str && x.str && x.off == lo {
				return true
			}
			if x.off <= at && x.off+x.size > at {
				at = x.off + x.size
			}
		}
		if at >= hi {
			return true
		}
		if at == lo {
			return false
		}
		lo, str = at, false
	}
}

// known reports whether the bytes of s, of an object, were certainly written.
func (p *proc) known(w bits, s *span) bool {
	switch o := &p.e.pt.Objects[s.obj]; o.Kind {
	case pointer.Global: // of a thread-local one it may be another thread's
		return p.e.pt.Single(s.obj) && p.covered(w, ofGlobal, int32(o.Global), s.lo, s.hi, s.str)
	case pointer.Local:
		// Of a recursive procedure's local the frame that is read need not be this one.
		return o.Func == p.f.ID && p.e.pt.Single(s.obj) && p.covered(w, ofLocal, int32(o.Local), s.lo, s.hi, s.str)
	}
	return false
}

// through reads span k at an address of which nothing else is known: if no pointer to the object is older than this packet, it was
// written before that pointer was made, or an exposure says that it wasn't.
func (p *proc) through(w bits, k int32, x *collector, o origin) {
	s := &p.e.spans[k]
	if p.known(w, s) {
		return
	}
	if !p.e.brief[s.obj] || s.esc {
		x.add(k, o)
		return
	}
	n, ok := p.e.after[s.obj]
	if !ok {
		n.at = o.at
	}
	n.whole, n.str = n.whole || !s.str, n.str || s.str
	p.e.after[s.obj] = n
	p.e.told = p.e.told.with(int(k))
}

// from reads [lo,hi) counted from a known address.
func (p *proc) from(w bits, a addr, lo, hi int64, str, esc bool, x *collector, from origin) {
	if !esc && lo >= 0 && (a.wrote(hi, str) || hi == far && a.member && a.left > 0) {
		return
	}
	if a.kind == ofParam {
		if a.any {
			lo, hi, str = 0, far, false
		} else {
			lo, hi = a.off+lo, a.off+hi
			if p.covered(w, a.kind, a.id, lo, hi, str) {
				return
			}
		}
		x.add(p.paramSpan(span{param: a.id, obj: -1, lo: lo, hi: min(hi, far), str: str, esc: esc}), from)
		return
	}
	o := p.object(a.kind, a.id)
	if o < 0 || esc && !p.e.brief[o] || x.born && a.kind == ofLocal && !p.e.pt.Single(o) && !p.f.Locals[a.id].Param {
		return
	}
	size := max(p.e.pt.Size(o), 1)
	lo, hi = a.off+lo, min(a.off+hi, size)
	if a.any || lo < 0 || esc && !str {
		lo, hi, str = 0, size, false
	}
	if !p.covered(w, a.kind, a.id, lo, hi, str) {
		x.add(p.e.id(span{param: -1, obj: o, lo: lo, hi: hi, str: str, esc: esc}), from)
	}
}

// maxSpans are the parts that are told apart of what one parameter points at: a procedure that calls itself with
// a pointer further on has no end of them.
const maxSpans = 48

// paramSpan numbers a span of a parameter, or all that it points at where there are too many.
func (p *proc) paramSpan(s span) int32 {
	if k, ok := p.e.number[s.key()]; ok && p.mine[k] {
		return k
	}
	if p.parts[s.param] >= maxSpans || s.lo < 0 {
		s.lo, s.hi, s.str = 0, far, false
		return p.e.id(s)
	}
	k := p.e.id(s)
	p.mine[k] = true
	p.parts[s.param]++
	return k
}

// shift is the part of l's object that sp, counted from l, may be.
func (e *engine) shift(l pointer.Loc, sp span) span {
	y := span{param: -1, obj: l.Obj, lo: 0, hi: max(e.pt.Size(l.Obj), 1)}
	if l.Off != pointer.Any && !e.pt.Collapsed(l) && sp.lo >= 0 {
		y.lo, y.hi, y.str = int64(l.Off)+sp.lo, min(int64(l.Off)+sp.hi, y.hi), sp.str
		if y.lo >= y.hi {
			y.lo = 0
		}
	}
	return y
}
