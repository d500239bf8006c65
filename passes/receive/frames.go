package receive

import (
	"maps"
	"slices"

	"saz/ir"
	"saz/passes"
	"saz/passes/members"
	"saz/passes/pointer"
)

// Which frames are there between packets: of the loops in which packets are waited for, and of what is below them on the stack. A receive
// call is reached on other ways, too: a server is greeted when a connection is set up, by a loop that waits as well, and a call
// through a pointer only seems to lead there. What is on the stack then begins and ends within a round of the packets' loop, or before it,
// and no state is moved meanwhile, so that its locals are nobody's state.
//
// The packets' loops are those that wait, themselves and not in a loop of a callee that waits and receives (that restarts the program, or does
// one thing after the other), and that are called from within no other. Who calls whom by name, or by a member of a record in which the
// callee is stored, decides here: a call that only seems to be one must not hide a loop in another. A loop on another way
// counts unless each way to it comes from a packets' loop, or passes where one comes later (and what comes after in some mode of
// the program has no such place). An innermost loop keeps its own locals: they do outlive a packet, if not a round.

// A ring is a loop of a procedure: blocks that lead to each other.
type ring struct {
	f  ir.FuncID
	in map[ir.BlockID]bool
}

// few is how many procedures a pointer may reach, by the points-to sets alone, for it to say something that it does.
const few = 8

type frames struct {
	o     *outer
	c     *passes.Context
	pt    *pointer.Result
	table *members.Table

	receives map[ir.FuncID]bool // it or what it surely calls has a receive site
	may      map[ir.FuncID]bool // the same of what it may call
	rings    map[ir.FuncID][]ring
	final    map[ir.FuncID][]ring
	leads    map[ir.FuncID]bool // surely to one of final
	inside   map[ir.FuncID]bool // surely called from one of final
	covered  map[ir.FuncID]bool
	free     map[ir.FuncID]bool
}

// framesOf fills in which procedures' locals outlive a packet. Loops and inner are the loop procedures, and the innermost among them.
func framesOf(c *passes.Context, pt *pointer.Result, o *outer, res *Result, inner map[ir.FuncID]bool) {
	x := &frames{o: o, c: c, pt: pt, table: members.Of(c), receives: map[ir.FuncID]bool{}, may: map[ir.FuncID]bool{},
		rings: map[ir.FuncID][]ring{}, final: map[ir.FuncID][]ring{}, leads: map[ir.FuncID]bool{}, inside: map[ir.FuncID]bool{},
		covered: map[ir.FuncID]bool{}, free: map[ir.FuncID]bool{}}
	if o.named == nil {
		x.find(res)
	}
	keep, below := map[ir.FuncID]bool{}, map[ir.FuncID]bool{}
	loops := res.LoopProcs
	if len(x.final) > 0 {
		loops = x.others()
	}
	for _, f := range loops {
		keep[f] = true
		callersOf(pt, f, below)
	}
	for f := range inner {
		keep[f] = true
	}
	for f := range keep {
		delete(below, f)
	}
	res.Frames, res.Below = sorted(keep), sorted(below)
}

// others returns the procedures of the packets' loops, and of loops on other ways that may be the packets', too.
func (x *frames) others() []ir.FuncID {
	var out []ir.FuncID
	for f := range x.final {
		out = append(out, f)
	}
	for _, f := range x.c.Prog.Funcs {
		if x.may[f.ID] && x.final[f.ID] == nil && !x.inside[f.ID] && x.alone(f.ID) {
			out = append(out, f.ID)
		}
	}
	return out
}

// restarts reports whether a loop has a packets' loop in it: it restarts the program.
func (x *frames) restarts(r ring) bool {
	found := false
	x.calls(r.f, r.in, func(ref ir.Ref) {
		found = found || slices.ContainsFunc(x.likely(ref), func(t ir.FuncID) bool { return x.leads[t] })
	})
	return found
}

// outermost reports whether there is a way to f that leads through no loop but those that restart.
func (x *frames) outermost(f ir.FuncID) bool {
	if ok, known := x.free[f]; known {
		return ok
	}
	x.free[f] = false
	callers := x.pt.Callers(f)
	ok := len(callers) == 0
	for _, r := range callers {
		if ok {
			break
		}
		own := slices.ContainsFunc(x.pt.Callbacks(r), func(cb pointer.Callback) bool {
			return cb.Func == f && cb.How != nil && (cb.How.Thread || cb.How.Signal)
		})
		if !x.reaches(r, f, x.possible) && !own {
			continue
		}
		rings := x.ringsOf(r.Func)
		at := slices.IndexFunc(rings, func(g ring) bool { return g.in[x.c.Instr(r).Block] })
		switch {
		case own:
			ok = true
		case at < 0:
			ok = x.outermost(r.Func)
		default:
			ok = x.final[r.Func] == nil && x.restarts(rings[at])
		}
	}
	x.free[f] = ok
	return ok
}

// find finds the packets' loops.
func (x *frames) find(res *Result) {
	for i := range res.Sites {
		x.up(x.receives, res.Sites[i].Ref.Func, x.likely)
		x.up(x.may, res.Sites[i].Ref.Func, x.possible)
	}
	w := newWaiting(x.c, x.pt, x.possible, func(f ir.FuncID) map[ir.BlockID]bool {
		var own map[ir.BlockID]bool
		for _, r := range x.ringsOf(f) {
			if x.receivesIn(r, x.receives, x.likely) {
				if own == nil {
					own = map[ir.BlockID]bool{}
				}
				maps.Copy(own, r.in)
			}
		}
		return own
	})
	var waiting []ring
	for _, f := range res.LoopProcs {
		for _, r := range x.ringsOf(f) {
			waits := false
			x.calls(r.f, r.in, func(ref ir.Ref) { waits = waits || w.at(ref) })
			if waits && x.receivesIn(r, x.receives, x.likely) {
				waiting = append(waiting, r)
			}
		}
	}
	within := make([]map[ir.FuncID]bool, len(waiting))
	for i, r := range waiting {
		within[i] = x.from(r)
	}
	for i, r := range waiting {
		inside := false
		for j, out := range waiting {
			inside = inside || i != j && within[j][r.f] && !within[i][out.f]
		}
		if !inside {
			x.final[r.f] = append(x.final[r.f], r)
			maps.Copy(x.inside, within[i])
		}
	}
	for f := range x.final {
		x.up(x.leads, f, x.likely)
	}
	x.children(res)
}

// children finds the loops of processes that the program forks: a child's frames are never returned to.
func (x *frames) children(res *Result) {
	loops := map[ir.FuncID]bool{}
	for _, f := range res.LoopProcs {
		loops[f] = true
	}
	for _, fork := range x.c.Prog.Funcs {
		if fork.Defined() || fork.Link != "fork" && fork.Link != "vfork" && fork.Link != "_Fork" {
			continue
		}
		done := map[ir.FuncID]bool{}
		for _, r := range x.pt.Callers(fork.ID) {
			f := x.c.Prog.Funcs[r.Func]
			if done[r.Func] {
				continue
			}
			done[r.Func] = true
			post := returning(f)
			x.calls(r.Func, nil, func(ref ir.Ref) {
				if post[f.Instrs[ref.I].Block] {
					return
				}
				for _, t := range x.likely(ref) {
					x.child(t, loops, map[ir.FuncID]bool{})
				}
			})
		}
	}
}

// child takes the first loops that f comes to, by procedures that nothing else calls, for packets' loops.
func (x *frames) child(f ir.FuncID, loops, seen map[ir.FuncID]bool) {
	if seen[f] || !x.receives[f] || len(x.pt.Callers(f)) != 1 {
		return
	}
	seen[f] = true
	if loops[f] {
		x.final[f] = x.ringsOf(f)
		return
	}
	x.calls(f, nil, func(ref ir.Ref) {
		for _, t := range x.likely(ref) {
			x.child(t, loops, seen)
		}
	})
}

// returning returns the blocks of f from which it may return.
func returning(f *ir.Func) map[ir.BlockID]bool {
	out := map[ir.BlockID]bool{}
	var work []ir.BlockID
	for b := range f.Blocks {
		if hi := f.Blocks[b].Hi; hi > f.Blocks[b].Lo && f.Instrs[hi-1].Op == ir.Ret {
			out[ir.BlockID(b)] = true
			work = append(work, ir.BlockID(b))
		}
	}
	for len(work) > 0 {
		b := work[len(work)-1]
		work = work[:len(work)-1]
		for _, p := range f.Blocks[b].Preds {
			if !out[p] {
				out[p] = true
				work = append(work, p)
			}
		}
	}
	return out
}

// possible returns what the call at ref may reach, without what is never stored where the pointer to it comes from.
func (x *frames) possible(ref ir.Ref) []ir.FuncID {
	all := x.pt.Callees(ref)
	f := x.c.Prog.Funcs[ref.Func]
	return x.table.Possible(f, &f.Instrs[ref.I], all)
}

// back returns what libraries call back by the call at ref, threads aside: likewise.
func (x *frames) back(ref ir.Ref) []ir.FuncID {
	list := x.pt.Callbacks(ref)
	if len(list) == 0 || !slices.ContainsFunc(x.possible(ref), func(t ir.FuncID) bool { return !x.c.Prog.Funcs[t].Defined() }) {
		return nil
	}
	var out []ir.FuncID
	for _, cb := range list {
		if cb.How == nil || !cb.How.Thread {
			out = append(out, cb.Func)
		}
	}
	return out
}

// likely returns the same if that says something.
func (x *frames) likely(ref ir.Ref) []ir.FuncID {
	some := x.possible(ref)
	if len(some) > few && len(some) == len(x.pt.Callees(ref)) {
		return nil
	}
	return some
}

// up adds f and what calls it.
func (x *frames) up(set map[ir.FuncID]bool, f ir.FuncID, callees func(ir.Ref) []ir.FuncID) {
	work := []ir.FuncID{f}
	for len(work) > 0 {
		f := work[len(work)-1]
		work = work[:len(work)-1]
		if set[f] {
			continue
		}
		set[f] = true
		for _, r := range x.pt.Callers(f) {
			if !set[r.Func] && x.reaches(r, f, callees) {
				work = append(work, r.Func)
			}
		}
	}
}

// reaches reports whether the call at ref calls f, in its own thread.
func (x *frames) reaches(ref ir.Ref, f ir.FuncID, callees func(ir.Ref) []ir.FuncID) bool {
	return slices.Contains(callees(ref), f) || slices.Contains(x.back(ref), f)
}

// from returns the procedures that a loop surely leads to.
func (x *frames) from(r ring) map[ir.FuncID]bool {
	out := map[ir.FuncID]bool{}
	var work []ir.FuncID
	visit := func(ref ir.Ref) {
		next := x.likely(ref)
		next = append(next[:len(next):len(next)], x.back(ref)...)
		for _, t := range next {
			if !out[t] && x.c.Prog.Funcs[t].Defined() {
				out[t] = true
				work = append(work, t)
			}
		}
	}
	x.calls(r.f, r.in, visit)
	for len(work) > 0 {
		f := work[len(work)-1]
		work = work[:len(work)-1]
		x.calls(f, nil, visit)
	}
	return out
}

// calls visits the calls of f in some blocks, or all.
func (x *frames) calls(f ir.FuncID, in map[ir.BlockID]bool, visit func(ir.Ref)) {
	fn := x.c.Prog.Funcs[f]
	for i := range fn.Instrs {
		if fn.Instrs[i].Op == ir.Call && (in == nil || in[fn.Instrs[i].Block]) {
			visit(ir.Ref{Func: f, I: int32(i)})
		}
	}
}

// ringsOf returns the loops of f, inner ones being part of the outer.
func (x *frames) ringsOf(f ir.FuncID) []ring {
	if l, ok := x.rings[f]; ok {
		return l
	}
	var out []ring
	fn := x.c.Prog.Funcs[f]
	done := map[ir.BlockID]bool{}
	for b := range ir.BlockID(len(fn.Blocks)) {
		if done[b] {
			continue
		}
		if in := x.c.Loop(fn, b); in != nil {
			out = append(out, ring{f, in})
			for b := range in {
				done[b] = true
			}
		}
	}
	x.rings[f] = out
	return out
}

// receivesIn reports whether packets are received in a loop, or in what it calls.
func (x *frames) receivesIn(r ring, set map[ir.FuncID]bool, callees func(ir.Ref) []ir.FuncID) bool {
	found := false
	x.calls(r.f, r.in, func(ref ir.Ref) {
		found = found || x.o.site[ref] || slices.ContainsFunc(callees(ref), func(t ir.FuncID) bool { return set[t] })
	})
	return found
}

// alone reports whether a loop of f may be the packets', too: packets are received in it, no loop is around it but those that restart,
// and there is a way to it on which no packets' loop comes later.
func (x *frames) alone(f ir.FuncID) bool {
	for _, r := range x.ringsOf(f) {
		if !x.receivesIn(r, x.may, x.possible) || x.restarts(r) || !x.outermost(f) {
			continue
		}
		later := true
		x.calls(f, r.in, func(ref ir.Ref) { later = later && x.later(ref) })
		if !later && !x.before(f) {
			return true
		}
	}
	return false
}

// before reports whether each way to f comes from a packets' loop, or passes where one comes later.
func (x *frames) before(f ir.FuncID) bool {
	if ok, known := x.covered[f]; known {
		return ok
	}
	x.covered[f] = true // of a circle, what leads into it decides
	ok := true
	fn := x.c.Prog.Funcs[f]
	callers := x.pt.Callers(f)
	if len(callers) == 0 {
		// In a program that begins with main nothing else calls it.
		ok = x.c.Prog.Entry >= 0 && f != x.c.Prog.Entry && !fn.Ctor && !fn.Dtor
	}
	for _, r := range callers {
		for _, cb := range x.pt.Callbacks(r) {
			// It begins by itself, whatever there is on the stack.
			ok = ok && !(cb.Func == f && cb.How != nil && (cb.How.Thread || cb.How.Signal))
		}
		if ok = ok && (!x.reaches(r, f, x.possible) || x.later(r) || x.before(r.Func)); !ok {
			break
		}
	}
	x.covered[f] = ok
	return ok
}

// later reports whether the call at ref is in a packets' loop, or one comes after it in its procedure before anything comes again.
func (x *frames) later(ref ir.Ref) bool {
	if !x.leads[ref.Func] {
		return false
	}
	fn := x.c.Prog.Funcs[ref.Func]
	from := fn.Instrs[ref.I].Block
	goal := map[ir.BlockID]bool{}
	for _, r := range x.final[ref.Func] {
		if r.in[from] {
			return true
		}
		maps.Copy(goal, r.in)
	}
	same := false
	x.calls(ref.Func, nil, func(r ir.Ref) {
		if r.I == ref.I || !slices.ContainsFunc(x.likely(r), func(t ir.FuncID) bool { return x.leads[t] }) {
			return
		}
		b := fn.Instrs[r.I].Block
		goal[b] = true
		same = same || b == from && r.I > ref.I
	})
	if same {
		return true
	}
	dom := ir.Dominators(fn)
	seen := map[ir.BlockID]bool{from: true}
	for _, r := range x.ringsOf(ref.Func) {
		if r.in[from] && !x.restarts(r) {
			seen = maps.Clone(r.in) // its own rounds come before
		}
	}
	work := slices.Collect(maps.Keys(seen))
	for len(work) > 0 {
		b := work[len(work)-1]
		work = work[:len(work)-1]
		for _, s := range fn.Blocks[b].Succs {
			if seen[s] || dom.Dominates(s, b) {
				continue
			}
			if goal[s] {
				return true
			}
			seen[s] = true
			work = append(work, s)
		}
	}
	return false
}
