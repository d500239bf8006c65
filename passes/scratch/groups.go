package scratch

import (
	"encoding/binary"
	"slices"

	"saz/ir"
)

// A call through a pointer may run hundreds of procedures, and hundreds of calls may run the same ones. What they do together is kept:
// it only ever grows while summaries of recursive procedures are worked out, so that a call takes over what is new.

// few is how many procedures a call may run for each to be looked at by itself, and as this call sees it (values.special).
const few = 4

// A group is what some procedures do, whichever of them runs.
type group struct {
	funcs   []ir.FuncID
	back    bool       // a library calls them
	seen    []*summary // what has been taken over of each
	at      int        // the engine's clock when it was last looked at
	objs    bits
	out     bits // of those that a library calls: what their parameters point at, too
	params  []int32
	in      bits // params as a set
	returns bool
	must    []place
	some    bool // of one that returns: must says something
	version int
}

// groupOf returns the group of some procedures; back: that a library calls.
func (e *engine) groupOf(funcs []ir.FuncID, back bool) *group {
	key := make([]byte, 0, 4*len(funcs)+1)
	if back {
		key = append(key, 1)
	}
	for _, f := range funcs {
		key = binary.LittleEndian.AppendUint32(key, uint32(f))
	}
	g := e.groups[string(key)]
	if g == nil {
		g = &group{funcs: funcs, back: back, seen: make([]*summary, len(funcs)), at: -1}
		e.groups[string(key)] = g
	}
	return g
}

// update takes over what is new since the group was last looked at.
func (g *group) update(e *engine) {
	if g.at == e.clock {
		return
	}
	g.at = e.clock
	for k, t := range g.funcs {
		s := e.sums[t]
		if s == nil || s == g.seen[k] {
			continue
		}
		g.seen[k] = s
		g.version++
		if g.back {
			g.objs, g.out = g.objs.or(s.objs), g.out.or(e.outside(t, s))
			continue
		}
		g.objs = g.objs.or(s.objs)
		for _, id := range s.params {
			if !g.in.has(int(id)) {
				g.in = g.in.with(int(id))
				g.params = append(g.params, id)
			}
		}
		if !s.returns {
			continue
		}
		if !g.some {
			g.some, g.must = true, slices.Clone(s.must)
		} else {
			g.must = slices.DeleteFunc(g.must, func(p place) bool { return !slices.Contains(s.must, p) })
		}
		g.returns = true
	}
}

// A many is a call that may run more procedures than are looked at one by one.
type many struct {
	own, back *group // the program's; those that a library calls back
	again     bool   // a longjmp may come here
	returns   bool   // a library's function does
	version   int    // of own when spans was made
	spans     bits   // what own's reads through parameters come to where it is not known what the arguments point at
}

// single stands for a call that may run few.
var single many

func (p *proc) manyAt(i int32) *many {
	if p.many == nil {
		p.many = make([]*many, len(p.f.Instrs))
	}
	if m := p.many[i]; m == &single {
		return nil
	} else if m != nil {
		return m
	}
	ref := ir.Ref{Func: p.f.ID, I: i}
	var m *many
	callees, backs := p.e.pt.Callees(ref), p.e.pt.Callbacks(ref)
	if len(callees)+len(backs) > few {
		m = &many{version: -1}
		var own, back []ir.FuncID
		for _, t := range callees {
			if p.e.c.Prog.Funcs[t].Defined() {
				own = append(own, t)
				continue
			}
			if x := p.e.pt.Model(t); x == nil || !x.NoReturn {
				m.returns = true
				m.again = m.again || x != nil && x.Again
			}
		}
		for _, cb := range backs {
			if cb.How == nil || !cb.How.Thread && !cb.How.Signal {
				back = append(back, cb.Func)
			}
		}
		slices.Sort(back)
		m.own, m.back = p.e.groupOf(own, false), p.e.groupOf(slices.Compact(back), true)
	}
	if p.many[i] = m; m == nil {
		p.many[i] = &single
	}
	return m
}

// runs takes over what the procedures of a call do that may run many.
func (p *proc) runs(m *many, i int32, in *ir.Instr, w bits, x *collector) (bits, bool) {
	ref := ir.Ref{Func: p.f.ID, I: i}
	from := origin{ref, m.first(), -1}
	if len(m.back.funcs) > 0 {
		m.back.update(p.e)
		p.bulk(m.back.objs, x, false).each(&x.have, func(k int) {
			if !p.known(w, &p.e.spans[k]) {
				x.add(int32(k), from)
			}
		})
		p.bulk(m.back.out, x, true).each(&x.have, func(k int) { p.through(w, int32(k), x, from) })
	}
	if len(m.own.funcs) == 0 && !m.returns {
		return w, len(p.e.pt.Callees(ref)) > 0
	}
	g := m.own
	g.update(p.e)
	if m.again {
		w = bits{}
	}
	p.bulk(g.objs, x, false).each(&x.have, func(k int) {
		if !p.known(w, &p.e.spans[k]) {
			x.add(int32(k), from)
		}
	})
	if m.version != g.version {
		m.version = g.version
		m.spans = p.behindUnknown(in, g.params)
	}
	p.bulk(m.spans, x, true).each(&x.have, func(k int) { p.through(w, int32(k), x, from) })
	for _, k := range g.params {
		sp := p.e.spans[k]
		if int(sp.param) < len(in.Args) {
			if a := p.where(in.Args[sp.param]); a.kind != noBase {
				p.from(w, a, sp.lo, sp.hi, sp.str, sp.esc, x, from)
			}
		}
	}
	if m.returns {
		return w, false // a library's function writes nothing for certain
	}
	if !g.returns {
		return nil, true
	}
	for k, y := range p.translate(in, g.must) {
		for len(w) <= k {
			w = append(w, 0)
		}
		w[k] |= y
	}
	return w, false
}

// first is one of those that a call may run: where something comes from is asked with a hook, and then all are looked at.
func (m *many) first() ir.FuncID {
	for _, g := range []*group{m.own, m.back} {
		if len(g.funcs) > 0 {
			return g.funcs[0]
		}
	}
	return 0
}
