package track

import (
	"math"

	"saz/frontend/check"
	"saz/ir"
	"saz/passes/receive"
)

/*
How likely it is that code runs, for one packet: a guess from the program's text.

Within a procedure it is the flow of Wu and Larus (MICRO 1994, "Static branch frequency and program profile
analysis"), one loop after the other, the inner ones first, with few of the heuristics of Ball and Larus (PLDI 1993):
a loop goes on 7 times in 8; a way that never returns is not taken; one that leads straight to a return is taken 28
times in 100 if the other does not; labels of a switch are alike. The parts of a condition share what its whole has.
A loop is one round in the end, and a procedure that is called is called once: loops around calls in loops make numbers that say nothing,
above all where function pointers are taken to lead everywhere. A call through a pointer comes to each of its targets alike. What is done before
the packet loops counts for nothing.

Nothing that is claimed rests on them: what they get wrong costs instructions, or announces too much.
*/

const (
	loopRounds  = 8
	straightOut = 0.28
)

// either is the chance of one of two things that have nothing to do with each other.
func either(a, b float64) float64 { return a + b - a*b }

type frequencies struct {
	p      *placer
	blocks [][]float64 // by procedure, block: for one call of it
	loops  [][]float64 // the same, of procedures with a packet loop: for one round of it
	procs  []float64   // for one packet, that the procedure is called
}

// of is how likely an instruction runs for one packet.
func (q *frequencies) of(ref ir.Ref) float64 {
	b := q.p.c.Prog.Funcs[ref.Func].Instrs[ref.I].Block
	n := 0.0
	if q.blocks[ref.Func] != nil {
		n = q.procs[ref.Func] * q.blocks[ref.Func][b]
	}
	if q.loops[ref.Func] != nil {
		n = either(n, q.loops[ref.Func][b])
	}
	return n
}

func (p *placer) frequencies() *frequencies {
	n := len(p.c.Prog.Funcs)
	q := &frequencies{p: p, blocks: make([][]float64, n), loops: make([][]float64, n), procs: make([]float64, n)}
	for _, f := range p.c.Prog.Funcs {
		if len(f.Blocks) > 0 {
			q.blocks[f.ID] = blockFrequencies(f, 0)
		}
	}
	q.roots()
	q.calls()
	return q
}

// work is how many instructions of the IR run for a packet.
func (q *frequencies) work() float64 {
	n := 0.0
	for _, f := range q.p.c.Prog.Funcs {
		for b := range f.Blocks {
			at := &f.Blocks[b]
			n += float64(at.Hi-at.Lo) * q.of(ir.Ref{Func: f.ID, I: at.Lo})
		}
	}
	return n
}

// roots are where packets begin: the loops around receive sites, the procedures that libraries call with packets, the rounds of threads.
func (q *frequencies) roots() {
	c := q.p.c
	rc := receive.Of(c)
	loop := func(id ir.FuncID, header ir.BlockID) {
		if q.loops[id] == nil {
			q.loops[id] = make([]float64, len(c.Prog.Funcs[id].Blocks))
		}
		for b, n := range blockFrequencies(c.Prog.Funcs[id], header) {
			q.loops[id][b] = max(q.loops[id][b], n)
		}
	}
	for _, id := range rc.LoopProcs {
		f := c.Prog.Funcs[id]
		loops := ir.FindLoops(f)
		for k := range loops.List {
			if loops.List[k].Depth == 1 && q.receives(f, loops.List[k].Blocks) {
				loop(id, loops.List[k].Header)
			}
		}
	}
	for i := range rc.Sites {
		for _, f := range rc.Sites[i].Callbacks {
			q.procs[f] = 1
		}
	}
	for id, rounds := range q.p.res.Threads.Rounds {
		for _, r := range rounds {
			loop(id, r.Head)
		}
	}
}

// receives reports whether a packet may begin in one of the blocks.
func (q *frequencies) receives(f *ir.Func, blocks []ir.BlockID) bool {
	for _, b := range blocks {
		for i := f.Blocks[b].Lo; i < f.Blocks[b].Hi; i++ {
			if q.p.begins(f, i) {
				return true
			}
		}
	}
	return false
}

// blockFrequencies is how likely each block of f runs for one call or, if first is the header of a loop, for one of its rounds.
func blockFrequencies(f *ir.Func, first ir.BlockID) []float64 {
	n := len(f.Blocks)
	order := ir.Dominators(f).Order()
	rank := make([]int, n)
	for i := range rank {
		rank[i] = -1
	}
	for i, b := range order {
		rank[b] = i
	}
	loops := ir.FindLoops(f)
	prob := edgeProbabilities(f, loops)
	cyclic := make([]float64, n) // of a loop's header: how likely a round leads to another
	often := make([]float64, n)
	in := make([]bool, n)
	// flow spreads from head over the blocks, in the order's direction only.
	flow := func(head ir.BlockID, blocks []ir.BlockID) {
		for _, b := range blocks {
			often[b], in[b] = 0, true
		}
		often[head] = 1
		for _, b := range order[max(rank[head], 0):] {
			if !in[b] {
				continue
			}
			if b != head && cyclic[b] > 0 {
				often[b] /= 1 - cyclic[b]
			}
			for i, t := range f.Blocks[b].Succs {
				if in[t] && rank[t] > rank[b] {
					often[t] += often[b] * prob[b][i]
				}
			}
		}
		for _, b := range blocks {
			in[b] = false
		}
	}
	// chances takes the loops in outer as one round each.
	chances := func(blocks []ir.BlockID, outer ir.LoopID) []float64 {
		out := make([]float64, n)
		for _, b := range blocks {
			once := often[b]
			for k := loops.LoopOf(b); k >= 0 && k != outer; k = loops.List[k].Parent {
				once *= 1 - cyclic[loops.List[k].Header]
			}
			out[b] = min(once, 1)
		}
		return out
	}
	for k := len(loops.List) - 1; k >= 0; k-- {
		l := &loops.List[k]
		flow(l.Header, l.Blocks)
		if l.Header == first && first != 0 {
			return chances(l.Blocks, ir.LoopID(k))
		}
		again := 0.0
		for _, b := range l.Blocks {
			for i, t := range f.Blocks[b].Succs {
				if t == l.Header {
					again += often[b] * prob[b][i]
				}
			}
		}
		cyclic[l.Header] = min(again, 1-1.0/(4*loopRounds))
	}
	flow(0, order)
	return chances(order, -1)
}

// edgeProbabilities is, for each block, how likely it goes on to each of its successors.
func edgeProbabilities(f *ir.Func, loops *ir.Loops) [][]float64 {
	dead := neverReturns(f, loops)
	type way struct {
		stmt int32
		to   ir.BlockID
	}
	ways := map[way]int{}
	for b := range f.Blocks {
		if t := f.Term(ir.BlockID(b)); t.Op == ir.Branch && t.Stmt >= 0 && f.Stmts[t.Stmt].Kind == check.If {
			for _, to := range f.Blocks[b].Succs {
				ways[way{t.Stmt, to}]++
			}
		}
	}
	// parts is how many parts of the condition that b is of lead to a block.
	parts := func(b int, to ir.BlockID) int {
		return max(ways[way{f.Term(ir.BlockID(b)).Stmt, to}], 1)
	}
	prob := make([][]float64, len(f.Blocks))
	for b := range f.Blocks {
		succs := f.Blocks[b].Succs
		loop := loops.LoopOf(ir.BlockID(b))
		stays := 0
		for _, t := range succs {
			if loop >= 0 && loops.Contains(loop, t) {
				stays++
			}
		}
		w := make([]float64, len(succs))
		total := 0.0
		for i, t := range succs {
			switch {
			case dead[t]:
			case loop >= 0 && stays > 0 && stays < len(succs):
				w[i] = 1
				if !loops.Contains(loop, t) {
					w[i] = float64(stays) / (loopRounds - 1) / float64(len(succs)-stays)
				}
			case len(succs) == 2:
				w[i] = 0.5
				if one, other := straight(f, t), straight(f, succs[1-i]); one && !other {
					w[i] = straightOut
				} else if other && !one {
					w[i] = 1 - straightOut
				}
				// Of a || b both lead to the same, and are the condition together.
				if here, there := parts(b, t), parts(b, succs[1-i]); here > there {
					w[i] = 1 - math.Pow(1-w[i], 1/float64(here))
				} else if here < there {
					w[i] = math.Pow(w[i], 1/float64(there))
				}
			default:
				w[i] = 1
			}
			total += w[i]
		}
		for i := range w {
			if total > 0 {
				w[i] /= total
			} else {
				w[i] = 1 / float64(len(w))
			}
		}
		prob[b] = w
	}
	return prob
}

// straight reports whether b leads to a return and nowhere else.
func straight(f *ir.Func, b ir.BlockID) bool {
	for range 4 {
		if len(f.Blocks[b].Succs) == 0 {
			return f.Term(b).Op == ir.Ret
		}
		if len(f.Blocks[b].Succs) > 1 {
			return false
		}
		b = f.Blocks[b].Succs[0]
	}
	return false
}

// neverReturns says from which blocks neither a return can be reached nor a loop without an end, as servers' main loops are.
func neverReturns(f *ir.Func, loops *ir.Loops) []bool {
	dead := make([]bool, len(f.Blocks))
	for b := range dead {
		dead[b] = true
	}
	var work []ir.BlockID
	alive := func(b ir.BlockID) {
		if dead[b] {
			dead[b] = false
			work = append(work, b)
		}
		for len(work) > 0 {
			b := work[len(work)-1]
			work = work[:len(work)-1]
			for _, t := range f.Blocks[b].Preds {
				if dead[t] {
					dead[t] = false
					work = append(work, t)
				}
			}
		}
	}
	for b := range f.Blocks {
		if f.Term(ir.BlockID(b)).Op == ir.Ret {
			alive(ir.BlockID(b))
		}
	}
	for k := range loops.List {
		ends := false
		for _, b := range loops.List[k].Blocks {
			ends = ends || !dead[b]
		}
		if !ends {
			alive(loops.List[k].Header)
		}
	}
	return dead
}

// calls spreads the calls of procedures over the call graph, callers before callees.
func (q *frequencies) calls() {
	prog := q.p.c.Prog
	type edge struct {
		to    ir.FuncID
		i     int32
		share float64
	}
	out := make([][]edge, len(prog.Funcs))
	for _, f := range prog.Funcs {
		if q.blocks[f.ID] == nil {
			continue
		}
		for i := range f.Instrs {
			if f.Instrs[i].Op != ir.Call {
				continue
			}
			ref := ir.Ref{Func: f.ID, I: int32(i)}
			to := q.p.pt.Callees(ref)
			for _, t := range to {
				if len(prog.Funcs[t].Blocks) > 0 {
					out[f.ID] = append(out[f.ID], edge{t, int32(i), 1 / float64(len(to))})
				}
			}
			for _, cb := range q.p.pt.Callbacks(ref) {
				if len(prog.Funcs[cb.Func].Blocks) > 0 && q.procs[cb.Func] == 0 {
					out[f.ID] = append(out[f.ID], edge{cb.Func, int32(i), 1})
				}
			}
		}
	}
	// A depth-first order of the graph; what goes against it is recursion, and adds nothing.
	after := make([]int, len(prog.Funcs)) // 0: not seen, -1: not done with
	var order []ir.FuncID
	type frame struct {
		f    ir.FuncID
		next int
	}
	visit := func(root ir.FuncID) {
		if after[root] != 0 {
			return
		}
		after[root] = -1
		stack := []frame{{root, 0}}
		for len(stack) > 0 {
			t := &stack[len(stack)-1]
			if t.next < len(out[t.f]) {
				n := out[t.f][t.next].to
				t.next++
				if after[n] == 0 {
					after[n] = -1
					stack = append(stack, frame{n, 0})
				}
				continue
			}
			order = append(order, t.f)
			after[t.f] = len(order)
			stack = stack[:len(stack)-1]
		}
	}
	for _, root := range []bool{true, false} {
		for _, f := range prog.Funcs {
			if len(f.Blocks) > 0 && (!root || q.loops[f.ID] != nil || q.procs[f.ID] > 0) {
				visit(f.ID)
			}
		}
	}
	for k := len(order) - 1; k >= 0; k-- {
		f := order[k]
		for _, e := range out[f] {
			if after[e.to] < after[f] {
				q.procs[e.to] = either(q.procs[e.to], q.of(ir.Ref{Func: f, I: e.i})*e.share)
			}
		}
	}
}
