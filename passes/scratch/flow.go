package scratch

import (
	"saz/ir"
	"saz/passes"
)

// step takes one instruction: its reads, then its writes. dead: it never returns.
func (p *proc) step(i int32, w bits, x *collector) (bits, bool) {
	in := &p.f.Instrs[i]
	own := origin{ir.Ref{Func: p.f.ID, I: i}, -1, -1}
	for k := range p.reads[i] {
		r := &p.reads[i][k]
		if r.at.kind == noBase {
			for j := range r.objs {
				p.through(w, p.e.id(r.objs[j]), x, own)
			}
			continue
		}
		n := r.size
		if n == 0 {
			n = far
		}
		if r.str {
			n = max(r.size, 1)
		}
		p.from(w, r.at, 0, n, r.str, false, x, own)
	}
	for _, a := range p.escs[i] { // as a string, and as a whole
		p.from(w, a, 0, 1, true, true, x, own)
		p.from(w, a, 0, far, false, true, x, own)
	}
	if in.Op == ir.Call {
		var dead bool
		if w, dead = p.call(i, in, w, x); dead {
			return nil, true
		}
	}
	for _, k := range p.gen[i] {
		w = w.with(k)
	}
	return w, false
}

// received is what has been written since the packet came when the call at i, which leads to a receive site, returns.
func (p *proc) received(i int32) bits {
	in := &p.f.Instrs[i]
	var all bits
	for _, t := range p.e.pt.Callees(ir.Ref{Func: p.f.ID, I: i}) {
		if len(p.e.sites[t]) == 0 {
			continue
		}
		meet(&all, p.translate(in, p.e.since(t)))
	}
	if all == nil {
		all = bits{}
	}
	return all
}

// flow is the forward analysis of a procedure from a start. It adds to x what
// is read before it is certainly written, and returns what is certainly written at every
// return (nil if there is none that is reached).
func (p *proc) flow(s start, x *collector) bits {
	f := p.f
	in := make([]bits, len(f.Blocks))
	var end bits
	var loop map[ir.BlockID]bool
	heads := map[ir.BlockID]bool{}
	if s.reset {
		for _, h := range loopHeads(f) {
			heads[h] = true
		}
	}
	var work []ir.BlockID
	queued := make([]bool, len(f.Blocks))
	push := func(b ir.BlockID) {
		if !queued[b] {
			queued[b] = true
			work = append(work, b)
		}
	}
	leave := func(b ir.BlockID, w bits) {
		dead := p.dead[b]
		for k, t := range f.Blocks[b].Succs {
			if dead != nil && dead[k] {
				continue
			}
			out := w
			if e, ok := p.edge[b]; ok && k < 2 && f.Term(b).Op == ir.Branch {
				out = append(bits(nil), w...)
				for _, x := range e[k] {
					out = out.with(x)
				}
			}
			if loop != nil && loop[b] && !loop[t] || heads[t] {
				out = bits{} // the packet's processing is over
			}
			if meet(&in[t], out) {
				push(t)
			}
		}
	}
	run := func(b ir.BlockID, lo int32, w bits) {
		for i := lo; i < f.Blocks[b].Hi; i++ {
			if i == s.at && !s.after && (s.caller || lo != i) {
				if s.caller { // what runs before the next packet comes
					p.step(i, w, x)
				}
				return
			}
			var dead bool
			if w, dead = p.step(i, w, x); dead {
				return
			}
		}
		if f.Term(b).Op == ir.Ret {
			meet(&end, w)
			return
		}
		leave(b, w)
	}
	if s.at < 0 {
		in[0] = bits{}
		push(0)
	} else {
		b := f.Instrs[s.at].Block
		lo := s.at
		first := bits{}
		if s.after || s.caller {
			lo++
		}
		if s.caller {
			first = p.received(s.at)
		}
		if !s.after {
			loop = passes.LoopAround(f, b)
		}
		run(b, lo, first)
	}
	for len(work) > 0 {
		// The first in the order of blocks, which is nearly that in which they run.
		k := 0
		for i, b := range work {
			if b < work[k] {
				k = i
			}
		}
		b := work[k]
		work[k] = work[len(work)-1]
		work = work[:len(work)-1]
		queued[b] = false
		run(b, f.Blocks[b].Lo, append(bits{}, in[b]...))
	}
	return end
}
