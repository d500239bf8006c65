package scratch

import (
	"slices"

	"saz/ir"
	"saz/passes/pointer"
)

// What a call does, from the summary of its callee.

// call takes over the summaries of the procedures that the call may run.
func (p *proc) call(i int32, in *ir.Instr, w bits, x *collector) (bits, bool) {
	ref := ir.Ref{Func: p.f.ID, I: i}
	if x.hook == nil {
		if m := p.manyAt(i); m != nil {
			return p.runs(m, i, in, w, x)
		}
	}
	for _, cb := range p.e.pt.Callbacks(ref) {
		if cb.How != nil && (cb.How.Thread || cb.How.Signal) {
			continue
		}
		if s := p.e.sums[cb.Func]; s != nil {
			p.bulk(s.objs, x, false).each(x.seen(), func(k int) {
				if !p.known(w, &p.e.spans[k]) {
					x.add(int32(k), origin{ref, cb.Func, int32(k)})
				}
			})
			p.bulk(p.e.outside(cb.Func, s), x, true).each(x.seen(), func(k int) {
				p.through(w, int32(k), x, origin{ref, cb.Func, int32(k)})
			})
		}
	}
	callees := p.e.pt.Callees(ref)
	if len(callees) == 0 {
		return w, false
	}
	var all bits
	returns := false
	for _, t := range callees {
		if !p.e.c.Prog.Funcs[t].Defined() {
			m := p.e.pt.Model(t)
			if m != nil && m.NoReturn {
				continue
			}
			if m != nil && m.Again {
				w = bits{} // a longjmp may come here with nothing written
			}
			returns = true
			meet(&all, bits{})
			continue
		}
		s := p.e.sums[t]
		if s == nil {
			continue // in the same cycle, not reached yet
		}
		if p.e.values != nil && len(callees)+len(p.e.pt.Callbacks(ref)) <= few {
			if y := p.e.values.special(p, in, t); y != nil {
				s = y
			}
		}
		p.bulk(s.objs, x, false).each(x.seen(), func(k int) {
			sp := &p.e.spans[k]
			if !p.known(w, sp) {
				x.add(int32(k), origin{ref, t, int32(k)})
			}
		})
		p.bulk(p.unknown(i, t, s, in), x, true).each(x.seen(), func(k int) {
			of := int32(-1)
			if x.hook != nil {
				of = p.behind(s, in, int32(k))
			}
			p.through(w, int32(k), x, origin{ref, t, of})
		})
		for _, k := range s.params {
			sp := p.e.spans[k]
			if int(sp.param) < len(in.Args) {
				if a := p.where(in.Args[sp.param]); a.kind != noBase {
					p.from(w, a, sp.lo, sp.hi, sp.str, sp.esc, x, origin{ref, t, k})
				}
			}
		}
		if !s.returns {
			continue
		}
		returns = true
		meet(&all, p.translate(in, s.must))
	}
	if !returns {
		return nil, true
	}
	for k, y := range all {
		for len(w) <= k {
			w = append(w, 0)
		}
		w[k] |= y
	}
	return w, false
}

// bulk takes over at once those spans of a call of which nothing can have been written: of objects that the procedure has no place
// of. through: those of brief objects want a closer look too. What is left is returned.
func (p *proc) bulk(b bits, x *collector, through bool) bits {
	if x.hook != nil {
		return b
	}
	p.touch()
	for len(x.have) < len(b) {
		x.have = append(x.have, 0)
	}
	left := p.left[:0]
	for i, m := range b {
		m &^= x.have[i]
		var look uint64
		if i < len(p.touched) {
			look = p.touched[i]
		}
		if through {
			if i < len(p.e.told) {
				m &^= p.e.told[i] // there is nothing more to say
			}
			if i < len(p.e.briefs) {
				look |= p.e.briefs[i]
			}
		}
		x.have[i] |= m &^ look
		left = append(left, m&look)
	}
	p.left = left
	return left
}

// unknown is what a callee's reads through parameters come to where it is not known what the arguments point at.
func (p *proc) unknown(i int32, t ir.FuncID, s *summary, in *ir.Instr) bits {
	if len(s.params) == 0 {
		return nil
	}
	key := callKey{i, t}
	if m, ok := p.calls[key]; ok && m.of == s {
		return m.spans
	}
	out := p.behindUnknown(in, s.params)
	p.calls[key] = callMemo{s, out}
	return out
}

func (p *proc) behindUnknown(in *ir.Instr, params []int32) bits {
	var out bits
	if len(params) == 0 {
		return nil
	}
	for k, v := range in.Args {
		if p.where(v).kind != noBase {
			continue
		}
		locs := p.e.in(p.e.pt.PointsTo(p.f.ID, v))
		if locs == nil {
			continue
		}
		for _, id := range params {
			if sp := &p.e.spans[id]; int(sp.param) != k || sp.esc {
				continue
			}
			out = out.or(p.e.spreads(locs, id))
		}
	}
	return out
}

// behind is the callee's span that comes to span k of an object, of those that unknown adds.
func (p *proc) behind(s *summary, in *ir.Instr, k int32) int32 {
	for _, id := range s.params {
		sp := p.e.spans[id]
		if sp.esc || int(sp.param) >= len(in.Args) || p.where(in.Args[sp.param]).kind != noBase {
			continue
		}
		for _, l := range p.e.pt.PointsTo(p.f.ID, in.Args[sp.param]) {
			if l.Obj == p.e.spans[k].obj && p.e.id(p.e.shift(l, sp)) == k {
				return id
			}
		}
	}
	return -1
}

type callKey struct {
	at int32
	to ir.FuncID
}

type callMemo struct {
	of    *summary
	spans bits
}

// translate turns what a callee certainly wrote into places of its caller.
func (p *proc) translate(in *ir.Instr, must []place) bits {
	got := bits{}
	for _, m := range must {
		if m.kind == ofParam {
			if int(m.id) >= len(in.Args) {
				continue
			}
			a := p.where(in.Args[m.id])
			if a.kind == noBase || a.any {
				continue
			}
			m.kind, m.id, m.off = a.kind, a.id, a.off+m.off
		}
		if p.relevant(m.kind, m.id) {
			got = got.with(p.place(m))
		}
	}
	return got
}

// outside is what a procedure that a library calls exposes: what its parameters point at is as the pointer
// analysis says.
func (e *engine) outside(id ir.FuncID, s *summary) bits {
	if s.outMade {
		return s.out
	}
	s.outMade = true
	fn := e.c.Prog.Funcs[id]
	out := append(bits(nil), s.objs...)
	given := make([][]pointer.Loc, len(fn.Params)) // what of it is in question
	for r := range fn.Regs {
		if fn.Regs[r].Def < 0 {
			if k := slices.Index(fn.Params, fn.Regs[r].Local); k >= 0 {
				given[k] = e.in(e.pt.PointsTo(id, ir.RegVal(ir.Reg(r))))
			}
		}
	}
	for _, k := range s.params {
		if sp := &e.spans[k]; !sp.esc && int(sp.param) < len(given) && len(given[sp.param]) > 0 {
			out = out.or(e.spreads(given[sp.param], k))
		}
	}
	s.out = out
	return out
}
