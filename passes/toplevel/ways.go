package toplevel

import (
	"container/heap"
	"fmt"
	"slices"

	"saz/frontend/ctype"
	"saz/ir"
	"saz/passes"
	"saz/passes/members"
	"saz/passes/pointer"
)

// Ways to packet-processing procedures, which explain verdicts.

// A step is the call by which a procedure was first found: nearest first, so that the way there is a shortest one.
type step struct {
	at   ir.Ref
	back bool // the library that is called calls it back
}

// ended is what a step costs after which the program can only end.
const ended = 1 << 24

// Steps of a way that explains something. A call through a pointer says the less the more it may reach, so each costs as many calls by
// name; and more than any if what it is said to reach is never stored in the member that the pointer comes from.
type guesses struct {
	c    *passes.Context
	pt   *pointer.Result
	kept *members.Table // made when a call asks
	said map[ir.Ref]map[ir.FuncID]bool

	alikes map[ir.Ref]int // how many it may reach that are of the type that it is called as
}

const unlikely = 1 << 12

// of is what it costs to say that the call at ref reaches f (-1: whatever it reaches).
func (g *guesses) of(ref ir.Ref, f ir.FuncID) int {
	all := g.pt.Callees(ref)
	n := max(len(all)+len(g.pt.Callbacks(ref)), 1)
	if n <= 2 {
		return n
	}
	in, extra := g.c.Instr(ref), 0
	switch {
	case f < 0 && in.A.Kind != ir.VFunc:
		return n + unlikely // called back by a library's function that only the points-to sets say is called
	case f < 0:
		if n > 10 {
			n = n * n / 10 // a library has no tables of functions: what it may call so many of is not known
		}
		return n
	case !alike(in.Opnd, g.c.Prog.Funcs[f].Type):
		extra = unlikely // it would be called as what it is not
	default:
		k, ok := g.alikes[ref]
		if !ok {
			for _, t := range all {
				if alike(in.Opnd, g.c.Prog.Funcs[t].Type) {
					k++
				}
			}
			g.alikes[ref] = k
		}
		n = k
	}
	set, ok := g.said[ref]
	if !ok {
		if g.kept == nil {
			g.kept = members.Of(g.c)
		}
		fn := g.c.Prog.Funcs[ref.Func]
		if some := g.kept.Targets(fn, &fn.Instrs[ref.I], all); len(some) < len(all) {
			set = map[ir.FuncID]bool{}
			for _, t := range some {
				set[t] = true
			}
		}
		g.said[ref] = set
	}
	switch {
	case set == nil:
		return n + extra
	case set[f]:
		return min(n, len(set)) + extra
	}
	return n + unlikely + extra
}

// alike reports whether what is called as a may be what is declared as b: by the types that programs write, which are of several units.
func alike(a, b *ctype.Type) bool {
	if a == nil || b == nil || a.Kind == b.Kind && a == b {
		return true
	}
	switch {
	case a.Kind == ctype.Func && b.Kind == ctype.Func:
		if a.Func == nil || b.Func == nil || a.Func.OldStyle || b.Func.OldStyle {
			return true
		}
		if len(a.Func.Params) != len(b.Func.Params) {
			return false
		}
		for i := range a.Func.Params {
			if !alike(a.Func.Params[i].Type, b.Func.Params[i].Type) {
				return false
			}
		}
		return alike(a.Elem, b.Elem)
	case a.IsRecord() && b.IsRecord():
		return a.Kind == b.Kind && (a.Rec == nil || b.Rec == nil || a.Rec.Tag == b.Rec.Tag)
	case a.Kind == ctype.Pointer && b.Kind == ctype.Pointer, a.Kind == ctype.Array && b.Kind == ctype.Array:
		return alike(a.Elem, b.Elem)
	case a.IsInteger() && b.IsInteger(), a.IsFloat() && b.IsFloat():
		return ctype.SizeOf(a) == ctype.SizeOf(b)
	}
	return a.Kind == b.Kind
}

// oneOf says on a step that it is a guess: of how many, as far as what is stored where the pointer comes from tells.
func (g *guesses) oneOf(ref ir.Ref, f ir.FuncID) (text string, of int) {
	n := len(g.pt.Callees(ref))
	if n > 2 {
		g.of(ref, f)
	}
	if set := g.said[ref]; set[f] {
		n = len(set)
	}
	if n > 1 {
		return fmt.Sprintf(", one of %d procedures that this call may reach", n), n
	}
	return "", 0
}

// reasons finds the ways to all procedures: those on which the least is guessed (Dijkstra's), one for each way in which what the call hands over
// decides what runs (known.go). Handlers come second, since they run without a packet. It fills in why with the first.
func (g *region) reasons(c *passes.Context, pt *pointer.Result, alive func(ir.Ref) bool) map[ir.FuncID][]entry {
	kn := newKnowledge(c, pt, g)
	found := map[ir.FuncID][]entry{}
	var work ways
	for f := range g.why {
		n := g.cost[f]
		if g.rooted[f] {
			n += 3
		}
		work = append(work, way{cost: n, f: f, known: true})
	}
	heap.Init(&work)
	// Of the ways to a procedure of which nothing is known of what they hand over, the cheapest so far: it covers all that are dearer.
	plain := map[ir.FuncID]int{}
	push := func(x way) {
		if least, ok := plain[x.f]; ok && least < x.cost {
			return
		}
		if x.with == nil {
			plain[x.f] = x.cost
		}
		heap.Push(&work, x)
	}
	for len(work) > 0 {
		x := heap.Pop(&work).(way)
		if covered(found[x.f], x.with) {
			continue
		}
		e := entry{cost: x.cost, with: x.with, why: g.why[x.f]}
		if !x.known {
			which, n := g.guess.oneOf(x.by.at, x.f)
			text := "calls %s" + which
			if x.by.back {
				if n, text = len(pt.Callbacks(x.by.at)), "the library calls %s back"; n > 1 {
					text += fmt.Sprintf(", one of %d that it may call", n)
				}
			}
			e.why = append(x.before[:len(x.before):len(x.before)], c.Because(x.by.at, text, c.Prog.Funcs[x.f].Name).OneOf(n))
			if found[x.f] == nil {
				g.why[x.f] = e.why
			}
		}
		fn := c.Prog.Funcs[x.f]
		e.runs = runs(fn, x.with)
		found[x.f] = append(found[x.f], e)
		for i := range fn.Instrs {
			in := &fn.Instrs[i]
			if in.Op != ir.Call || !g.whole[x.f] && !g.blocks[x.f][in.Block] || e.runs != nil && !e.runs[in.Block] {
				continue
			}
			ref := ir.Ref{Func: x.f, I: int32(i)}
			n := x.cost
			if !alive(ref) {
				n += ended // a way that goes on tells more than one that ends
			}
			for _, t := range pt.Callees(ref) {
				if !g.whole[t] {
					continue
				}
				if with := kn.handed(fn, in, x.with, t, len(found[t])); !covered(found[t], with) {
					push(way{cost: n + g.guess.of(ref, t), f: t, by: step{ref, false}, with: with, before: e.why, nth: len(found[x.f])})
				}
			}
			for _, cb := range pt.Callbacks(ref) {
				if g.whole[cb.Func] && !(cb.How != nil && cb.How.Thread) && !covered(found[cb.Func], nil) {
					push(way{cost: n + g.guess.of(ref, -1), f: cb.Func, by: step{ref, true}, before: e.why, nth: len(found[x.f])})
				}
			}
		}
	}
	return found
}

// An entry is a way to a procedure, and which of its blocks run when it is entered so (nil: all).
type entry struct {
	cost int
	why  []passes.Why
	with known
	runs []bool
}

// Way returns the way to the instruction at ref on which the least is guessed, and how much that is.
func (r *Result) Way(ref ir.Ref) ([]passes.Why, int) {
	all := r.ways[ref.Func]
	b := r.blockOf(ref)
	for i := range all {
		if all[i].runs == nil || all[i].runs[b] {
			return all[i].why, all[i].cost
		}
	}
	if len(all) > 0 { // what the calls hand over says that nothing comes here
		return all[0].why, all[0].cost + unlikely
	}
	return r.ProcWhy[ref.Func], 0
}

// A way leads to procedure f by a step.
type way struct {
	cost  int
	f     ir.FuncID
	by    step
	known bool // there is a reason already: the procedure is around a receive site, a callback, a thread

	with   known        // what is handed over
	before []passes.Why // the way to the call
	nth    int          // which of its procedure's entries that is
}

// ways is a heap of them, the cheapest first; of equals the first in the program's order.
type ways []way

func (w ways) Len() int      { return len(w) }
func (w ways) Swap(i, j int) { w[i], w[j] = w[j], w[i] }
func (w *ways) Push(x any)   { *w = append(*w, x.(way)) }
func (w *ways) Pop() any {
	l := *w
	x := l[len(l)-1]
	*w = l[:len(l)-1]
	return x
}

func (w ways) Less(i, j int) bool {
	a, b := &w[i], &w[j]
	switch {
	case a.cost != b.cost:
		return a.cost < b.cost
	case a.f != b.f:
		return a.f < b.f
	case a.known != b.known:
		return a.known
	case a.by.at.Func != b.by.at.Func:
		return a.by.at.Func < b.by.at.Func
	case a.by.at.I != b.by.at.I:
		return a.by.at.I < b.by.at.I
	case a.by.back != b.by.back: // one call may do both
		return b.by.back
	case a.nth != b.nth:
		return a.nth < b.nth
	}
	return slices.CompareFunc(a.with, b.with, slices.Compare) < 0
}
