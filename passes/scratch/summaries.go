package scratch

import (
	mathbits "math/bits"
	"slices"

	"saz/ir"
)

// Summaries of procedures: what they read of what they don't write first, and what they certainly write.

// A summary is what callers need to know of a procedure.
type summary struct {
	returns bool // some path to a return is known
	must    []place
	objs    bits    // the spans of objects that are exposed
	own     bits    // those spans that the procedure itself reads
	params  []int32 // and those of parameters, sorted
	out     bits    // what a library that calls the procedure exposes; made when asked for
	outMade bool
}

// A collector gathers exposed spans. With a hook it tells where each comes from: an instruction, and of a call the callee and
// its own span (-1 if it reads by itself).
type collector struct {
	have bits
	own  bits // exposed by the procedure's own reads
	hook func(span int32, o origin)
	born bool // the procedure has just begun, with locals that hold nothing
}

// An origin is where a span comes from.
type origin struct {
	at     ir.Ref
	callee ir.FuncID
	of     int32
}

func (x *collector) add(k int32, o origin) {
	if o.callee < 0 {
		x.own = x.own.with(int(k))
	}
	x.have = x.have.with(int(k))
	if x.hook != nil {
		x.hook(k, o)
	}
}

// seen are the spans that need no second look: none if somebody wants to know where all come from.
func (x *collector) seen() *bits {
	if x.hook != nil {
		return &nothing
	}
	return &x.have
}

// summaries computes the summary of every procedure that may run from the starts.
func (e *engine) summaries(starts []start) {
	var roots []ir.FuncID
	for _, s := range starts {
		roots = append(roots, s.f)
	}
	need := make([]bool, len(e.c.Prog.Funcs))
	for _, f := range e.cg.Reachable(roots...) {
		need[f] = true
	}
	var list []ir.FuncID
	flush := func() {
		if len(list) == 0 {
			return
		}
		if len(list) == 1 && !e.cg.Recursive(list[0]) {
			e.summarise(list[0])
			return
		}
		again := map[ir.FuncID]bool{}
		for _, f := range list {
			again[f] = true
		}
		for len(again) > 0 {
			for _, f := range list {
				if !again[f] {
					continue
				}
				delete(again, f)
				if e.summarise(f) {
					for _, in := range e.cg.In(f) {
						if g := in.Site.Func; need[g] && e.cg.SCC(g) == e.cg.SCC(f) {
							again[g] = true
						}
					}
				}
			}
		}
	}
	for _, f := range e.cg.BottomUp() {
		if !need[f] || !e.c.Prog.Funcs[f].Defined() {
			continue
		}
		if len(list) > 0 && e.cg.SCC(list[0]) != e.cg.SCC(f) {
			flush()
			list = list[:0]
		}
		list = append(list, f)
	}
	flush()
}

// summarise computes a procedure's summary again and reports whether it changed.
func (e *engine) summarise(id ir.FuncID) bool {
	old, s := e.sums[id], e.summary(id)
	e.sums[id] = s
	e.clock++
	return old == nil || old.returns != s.returns || len(old.must) != len(s.must) || !same(old.objs, s.objs) || !slices.Equal(old.params, s.params)
}

func (e *engine) summary(id ir.FuncID) *summary {
	if f := e.c.Prog.Funcs[id]; e.sparse != nil && !e.touches(f) {
		if idle, returns := idle(f, nil, e.does); idle {
			return &summary{returns: returns}
		}
	}
	p := e.proc(id)
	s := &summary{}
	x := collector{born: true}
	if end := p.flow(start{f: id, at: -1}, &x); end != nil {
		s.returns = true
		for i, y := range p.places {
			if end.has(i) && y.kind != ofLocal {
				s.must = append(s.must, y)
			}
		}
	}
	e.split(s, x.have)
	s.own = x.own
	return s
}

// split sorts spans into those of objects and those of parameters.
func (e *engine) split(s *summary, have bits) {
	n := 0
	s.objs = make(bits, len(have))
	for k, w := range have {
		params := uint64(0)
		if k < len(e.ofParams) {
			params = w & e.ofParams[k]
		}
		if s.objs[k] = w &^ params; s.objs[k] != 0 {
			n = k + 1
		}
		for ; params != 0; params &= params - 1 {
			s.params = append(s.params, int32(k*64+mathbits.TrailingZeros64(params)))
		}
	}
	s.objs = s.objs[:n:n]
}
