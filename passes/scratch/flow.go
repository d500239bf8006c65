package scratch

import (
	"maps"
	mathbits "math/bits"
	"slices"

	"saz/ir"
)

// step takes one instruction: its reads, then its writes. dead: it never returns.
func (p *proc) step(i int32, w bits, x *collector) (bits, bool) {
	in := &p.f.Instrs[i]
	own := origin{ir.Ref{Func: p.f.ID, I: i}, -1, -1}
	var reads []read
	var escs []addr
	var gen []int
	if p.gen != nil {
		reads, escs, gen = p.reads[i], p.escs[i], p.gen[i]
	}
	for k := range reads {
		r := &reads[k]
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
	for _, a := range escs { // as a string, and as a whole
		p.from(w, a, 0, 1, true, true, x, own)
		p.from(w, a, 0, far, false, true, x, own)
	}
	if in.Op == ir.Call {
		var dead bool
		if w, dead = p.call(i, in, w, x); dead {
			return nil, true
		}
	}
	for _, k := range gen {
		w = w.with(k)
	}
	return w, false
}

// received is what has been written since the packet came when the call at i, which leads to a receive site, returns: nil if it never does.
func (p *proc) received(i int32) bits {
	in := &p.f.Instrs[i]
	var all bits
	found := false
	for _, t := range p.e.pt.Callees(ir.Ref{Func: p.f.ID, I: i}) {
		if len(p.e.sites[t]) == 0 {
			continue
		}
		found = true
		if l := p.e.since(t); l != nil {
			meet(&all, p.translate(in, l))
		}
	}
	if !found || len(p.e.pt.Callbacks(ir.Ref{Func: p.f.ID, I: i})) > 0 {
		return bits{} // by way of a library that calls back
	}
	return all
}

// flow is the forward analysis of a procedure from a start, and those that run together with it. It adds to x what
// is read before it is certainly written, and returns what is certainly written at every
// return (nil if there is none that is reached).
//
// Starts at several calls of a procedure are one analysis: what is written on all ways from any of them is what is written on all ways
// from each, so that what is exposed is the same. Only that nothing ends where one of them comes round to itself again: another may pass there.
func (p *proc) flow(s start, x *collector) bits {
	f := p.f
	in := make([]bits, len(f.Blocks))
	var end bits
	all := p.e.together[s]
	if all == nil {
		all = []start{s}
	}
	var loop map[ir.BlockID]bool
	heads := map[ir.BlockID]bool{}
	if s.reset {
		for _, h := range loopHeads(f) {
			heads[h] = true
		}
	}
	var work queue
	work.init(len(f.Blocks))
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
				work.push(t)
			}
		}
	}
	act := p.act()
	run := func(b ir.BlockID, lo int32, w bits) {
		first, _ := slices.BinarySearch(act, lo)
		for _, i := range act[first:] {
			if i >= f.Blocks[b].Hi {
				break
			}
			if len(all) == 1 && i == s.at && !s.after && (s.caller || lo != i) {
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
		work.push(0)
	} else {
		for _, s := range all {
			if s.after {
				continue
			}
			if in := p.e.c.Loop(f, f.Instrs[s.at].Block); len(all) == 1 {
				loop = in
			} else if in != nil {
				if loop == nil {
					loop = map[ir.BlockID]bool{}
				}
				maps.Copy(loop, in)
			}
		}
		for _, s := range all {
			lo := s.at
			first := bits{}
			if s.after || s.caller {
				lo++
			}
			if s.caller {
				if first = p.received(s.at); first == nil {
					continue
				}
			}
			run(f.Instrs[s.at].Block, lo, first)
		}
	}
	for b, ok := work.pop(); ok; b, ok = work.pop() {
		run(b, f.Blocks[b].Lo, append(bits{}, in[b]...))
	}
	return end
}

// A queue hands out blocks, the first in their order first, which is nearly that in which they run.
type queue struct {
	in    []uint64
	first int
}

func (q *queue) init(n int) { q.in = make([]uint64, (n+63)/64) }

func (q *queue) push(b ir.BlockID) {
	q.in[b/64] |= 1 << (b % 64)
	q.first = min(q.first, int(b/64))
}

func (q *queue) pop() (ir.BlockID, bool) {
	for ; q.first < len(q.in); q.first++ {
		if w := q.in[q.first]; w != 0 {
			q.in[q.first] = w & (w - 1)
			return ir.BlockID(q.first*64 + mathbits.TrailingZeros64(w)), true
		}
	}
	return 0, false
}
