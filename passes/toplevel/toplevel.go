// Package toplevel finds the packet-processing procedures and the top-level
// variables (the paper's Figure 5).
//
// The paper takes the procedures that the forward slice from a receive site
// enters. Two departures, both towards soundness or precision that does not cost it:
//
// More procedures: whatever the loop around a receive site calls runs while a
// packet is processed whether or not it depends on the packet (the paper says so in
// its text, 4.1.2: "any code contained in the packet processing loop"). Signal
// handlers may run at any moment and count too.
//
// Fewer procedures: what the slice enters only after the loop has ended, or
// before it begins, can never run while a packet is processed. A thread's
// procedures are kept if the slice enters any of them.
//
// Inside a loop procedure only the loop itself counts, so that set-up code in
// main() does not make its variables top-level; nor does what a thread does before its loop, if it is started before packets come.
//
// Code from which the program can only end (a fatal error's clean-up, a handler that
// says goodbye) processes packets, but what it writes no later packet can see: package update
// leaves it out (Live), and it makes nothing top-level.
package toplevel

import (
	"container/heap"
	"slices"
	"sort"

	"saz/ir"
	"saz/passes"
	"saz/passes/members"
	"saz/passes/modref"
	"saz/passes/persist"
	"saz/passes/pointer"
	"saz/passes/receive"
	"saz/passes/slice"
)

// Pass is the toplevel pass.
var Pass = &passes.Pass{
	Name:     "toplevel",
	Doc:      "packet-processing procedures and the persistent variables that they use",
	Requires: []*passes.Pass{pointer.Pass, members.Pass, modref.Pass, slice.Pass, receive.Pass, persist.Pass},
	Run:      run,
}

// Of returns the result.
func Of(c *passes.Context) *Result { return c.Result(Pass).(*Result) }

type region struct {
	whole  map[ir.FuncID]bool                // procedures all of whose code may run
	blocks map[ir.FuncID]map[ir.BlockID]bool // parts of the others
	why    map[ir.FuncID][]passes.Why        // of those where packets come in, or around that
	rooted map[ir.FuncID]bool                // entered for a reason of their own
	closed map[ir.FuncID][]bool              // of blocks, the blocks from which all that follows is in
	queue  []ir.FuncID                       // entered, and their calls not yet followed
	last   func(ir.Ref) bool
	cost   map[ir.FuncID]int    // of the way to those where packets come in or around that
	in     func(ir.FuncID) bool // part of what receives packets
	starts func(ir.Ref, ir.FuncID) bool
	guess  *guesses
}

func run(c *passes.Context) (any, error) {
	pt, rc, ps := pointer.Of(c), receive.Of(c), persist.Of(c)
	reg := &region{whole: map[ir.FuncID]bool{}, blocks: map[ir.FuncID]map[ir.BlockID]bool{}, why: map[ir.FuncID][]passes.Why{},
		rooted: map[ir.FuncID]bool{}, closed: map[ir.FuncID][]bool{}, cost: map[ir.FuncID]int{}, last: rc.Last, in: rc.Around, starts: rc.Starts,
		guess: &guesses{c: c, pt: pt, said: map[ir.Ref]map[ir.FuncID]bool{}, alikes: map[ir.Ref]int{}}}

	if c.TrackAll {
		for _, f := range c.Prog.Funcs {
			reg.root(c, f.ID, []passes.Why{{Pos: f.Pos, Text: "all code counts: --track all"}})
		}
	}

	// The loops around the sites, and all that they call.
	for i := range rc.Sites {
		s := &rc.Sites[i]
		for _, f := range s.Callbacks {
			reg.root(c, f, s.Why)
		}
		// Of a library's loop, only a loop around its call is the program's: pcap_dispatch() for a few packets, then the timers.
		if s.Callbacks == nil || c.Loop(c.Prog.Funcs[s.Ref.Func], c.Instr(s.Ref).Block) != nil || rc.Looped(s.Ref.Func) {
			reg.around(c, pt, s.Ref, s.Why)
		}
	}

	if len(rc.Sites) > 0 {
		for _, f := range rc.Asm.Funcs {
			reg.root(c, f, []passes.Why{rc.Asm.Where[f]})
		}
	}

	reg.follow(c, pt)

	// Threads that the packet's data reaches.
	if len(rc.Threads) > 0 {
		var inSlice map[ir.FuncID]bool // threads that the slice enters; made when one asks: a program that only has handlers needs none
		handler := handlers(c, pt)
		for _, t := range rc.Threads {
			why := []passes.Why{{Pos: c.Prog.Funcs[t].Pos, Text: c.Prog.Funcs[t].Name + " runs as a thread of its own"}}
			if len(rc.Sites) == 0 {
				continue
			}
			if handler[t] {
				why[0].Text = c.Prog.Funcs[t].Name + " is a signal handler, which may run between two packets"
				reg.root(c, t, why)
				continue
			}
			if inSlice == nil {
				inSlice = threadsReached(c, pt, rc, handler)
			}
			switch {
			case !inSlice[t]:
			case reg.begunEarly(c, pt, rc, t) && reg.loops(c, pt, t, why):
			default:
				reg.root(c, t, why)
			}
		}
	}

	reg.follow(c, pt)
	alive := reg.live(c, pt, rc)
	res := &Result{ProcWhy: reg.why, ways: reg.reasons(c, pt, alive), TopLevel: map[persist.VarID][]passes.Why{}}
	res.blockOf = func(r ir.Ref) ir.BlockID { return c.Instr(r).Block }
	for f := range reg.whole {
		res.PktProcs = append(res.PktProcs, f)
	}
	for f := range reg.blocks {
		if !reg.whole[f] {
			res.PktProcs = append(res.PktProcs, f)
		}
	}
	sort.Slice(res.PktProcs, func(i, j int) bool { return res.PktProcs[i] < res.PktProcs[j] })
	res.Packet = func(r ir.Ref) bool {
		return reg.whole[r.Func] || reg.blocks[r.Func][c.Instr(r).Block]
	}
	res.Called = func(f ir.FuncID) bool { return reg.whole[f] && !reg.rooted[f] && reg.blocks[f] == nil }
	res.Live = func(r ir.Ref) bool { return res.Packet(r) && alive(r) }
	uses(c, ps, res)
	return res, nil
}

// threadsReached returns the threads that have, with what they call, an instruction in the forward slice from the receive sites.
func threadsReached(c *passes.Context, pt *pointer.Result, rc *receive.Result, handler map[ir.FuncID]bool) map[ir.FuncID]bool {
	runs := map[ir.FuncID][]ir.FuncID{} // the threads that may run a procedure
	n := 0
	for _, t := range rc.Threads {
		if !handler[t] {
			n++
			below(pt, c.Prog, t, func(f ir.FuncID) { runs[f] = append(runs[f], t) })
		}
	}
	out := map[ir.FuncID]bool{}
	var from []ir.Ref
	for i := range rc.Sites {
		from = append(from, rc.Sites[i].Ref)
	}
	slice.Of(c).Enters(from, func(f ir.FuncID) bool {
		for _, t := range runs[f] {
			out[t] = true
		}
		return len(out) == n
	})
	return out
}

// root adds procedure f, for a reason of its own.
func (g *region) root(c *passes.Context, f ir.FuncID, why []passes.Why) {
	if g.why[f] == nil {
		g.why[f] = why
	}
	g.rooted[f] = true
	g.enter(c, f)
}

// enter adds procedure f; follow adds all that it may call.
func (g *region) enter(c *passes.Context, f ir.FuncID) {
	if g.whole[f] || len(c.Prog.Funcs[f].Blocks) == 0 {
		return
	}
	g.whole[f] = true
	g.queue = append(g.queue, f)
}

func (g *region) follow(c *passes.Context, pt *pointer.Result) {
	for len(g.queue) > 0 {
		f := g.queue[0]
		g.queue = g.queue[1:]
		fn := c.Prog.Funcs[f]
		for i := range fn.Instrs {
			if fn.Instrs[i].Op == ir.Call {
				g.call(c, pt, ir.Ref{Func: f, I: int32(i)})
			}
		}
	}
}

// call enters what the call at ref may reach: its callees, and the functions
// that a library function calls back.
func (g *region) call(c *passes.Context, pt *pointer.Result, ref ir.Ref) {
	for _, t := range pt.Callees(ref) {
		g.enter(c, t)
	}
	for _, cb := range pt.Callbacks(ref) {
		if cb.How != nil && cb.How.Thread {
			continue // runs beside the packet, not within it: see run
		}
		g.enter(c, cb.Func)
	}
}

// around adds the loop around the instruction at ref; where there is none, or the procedure is
// itself called in a loop, the code that follows it and the loops around its procedure's callers.
func (g *region) around(c *passes.Context, pt *pointer.Result, ref ir.Ref, why []passes.Why) {
	seen := map[ir.FuncID]bool{}
	reasons := map[step][]passes.Why{{at: ref}: why}
	work := ways{{f: ref.Func, by: step{at: ref}}}
	for len(work) > 0 {
		x := heap.Pop(&work).(way)
		g.level(c, pt, x, reasons[x.by], seen, func(r ir.Ref) {
			to := way{cost: x.cost + g.guess.of(r, x.f), f: r.Func, by: step{at: r}}
			if reasons[to.by] == nil {
				before := reasons[x.by]
				which, n := g.guess.oneOf(r, x.f)
				reasons[to.by] = append(before[:len(before):len(before)], c.Because(r, "%s hands the packet to its caller%s", c.Prog.Funcs[x.f].Name, which).OneOf(n))
				heap.Push(&work, to)
			}
		})
	}
}

// level is around for one procedure; up goes on to a caller.
func (g *region) level(c *passes.Context, pt *pointer.Result, x way, why []passes.Why, seen map[ir.FuncID]bool, up func(ir.Ref)) {
	ref := x.by.at
	f := c.Prog.Funcs[ref.Func]
	blk := f.Instrs[ref.I].Block
	last := g.last(ref)
	if g.blocks[ref.Func] == nil {
		g.blocks[ref.Func] = map[ir.BlockID]bool{}
	}
	if g.why[ref.Func] == nil {
		g.why[ref.Func] = why
		g.cost[ref.Func] = x.cost
	}
	in := g.blocks[ref.Func]
	add := func(b ir.BlockID) {
		if in[b] {
			return
		}
		in[b] = true
		for i := f.Blocks[b].Lo; i < f.Blocks[b].Hi; i++ {
			if f.Instrs[i].Op == ir.Call {
				g.call(c, pt, ir.Ref{Func: ref.Func, I: i})
			}
		}
	}
	if last {
		loop := c.Loop(f, blk)
		for b := range ir.BlockID(len(f.Blocks)) {
			if loop[b] {
				add(b)
			}
		}
	} else {
		// What follows runs before the next packet comes, too.
		on := g.closed[ref.Func]
		if on == nil {
			on = make([]bool, len(f.Blocks))
			g.closed[ref.Func] = on
		}
		for work := []ir.BlockID{blk}; len(work) > 0; {
			b := work[len(work)-1]
			work = work[:len(work)-1]
			if on[b] {
				continue
			}
			on[b] = true
			add(b)
			work = append(work, f.Blocks[b].Succs...)
		}
	}
	if last || seen[ref.Func] {
		return
	}
	seen[ref.Func] = true
	for _, r := range pt.Callers(ref.Func) {
		if !g.in(r.Func) || g.starts(r, ref.Func) {
			continue
		}
		if receive.Runs(pt, r, ref.Func) {
			continue // the loop is the library's, and a site itself
		}
		up(r)
	}
}

// begunEarly reports whether thread t is started by what runs before packets come, and by no other thread.
func (g *region) begunEarly(c *passes.Context, pt *pointer.Result, rc *receive.Result, t ir.FuncID) bool {
	for _, site := range pt.Callers(t) {
		if g.whole[site.Func] || g.blocks[site.Func][c.Instr(site).Block] || slices.Contains(pt.Callees(site), t) {
			return false
		}
		at := map[ir.FuncID]bool{site.Func: true}
		for _, u := range rc.Threads {
			if reaches(pt, c.Prog, u, at) {
				return false
			}
		}
	}
	return true
}

// loops adds the loops of thread f and what follows them: what it does before is setting up, as main's is. false: it has none.
func (g *region) loops(c *passes.Context, pt *pointer.Result, f ir.FuncID, why []passes.Why) bool {
	fn := c.Prog.Funcs[f]
	in := map[ir.BlockID]bool{}
	var work []ir.BlockID
	for b := range ir.BlockID(len(fn.Blocks)) {
		if !in[b] && c.Loop(fn, b) != nil {
			in[b] = true
			work = append(work, b)
		}
	}
	if len(work) == 0 || in[0] {
		return false
	}
	for b := range g.blocks[f] { // it receives packets itself
		in[b] = true
	}
	for len(work) > 0 {
		b := work[len(work)-1]
		work = work[:len(work)-1]
		for _, s := range fn.Blocks[b].Succs {
			if !in[s] {
				in[s] = true
				work = append(work, s)
			}
		}
	}
	g.blocks[f] = in
	if g.why[f] == nil {
		g.why[f], g.cost[f] = why, 3
	}
	for i := range fn.Instrs {
		if in[fn.Instrs[i].Block] && fn.Instrs[i].Op == ir.Call {
			g.call(c, pt, ir.Ref{Func: f, I: int32(i)})
		}
	}
	return true
}

// handlers returns the functions that are installed with signal() or the like.
func handlers(c *passes.Context, pt *pointer.Result) map[ir.FuncID]bool {
	out := map[ir.FuncID]bool{}
	for _, f := range c.Prog.Funcs {
		for i := range f.Instrs {
			in := &f.Instrs[i]
			if in.Op != ir.Call {
				continue
			}
			for _, callee := range pt.Callees(ir.Ref{Func: f.ID, I: int32(i)}) {
				m := pt.Model(callee)
				if m == nil {
					continue
				}
				for _, cb := range m.Calls {
					if cb.Signal && cb.Arg < len(in.Args) {
						for _, t := range receive.Targets(pt, f.ID, in.Args[cb.Arg], cb.In) {
							out[t] = true
						}
					}
				}
			}
		}
	}
	return out
}

// reaches reports whether t or something it calls is in set.
func reaches(pt *pointer.Result, p *ir.Program, t ir.FuncID, set map[ir.FuncID]bool) bool {
	found := false
	below(pt, p, t, func(f ir.FuncID) { found = found || set[f] })
	return found
}

// below calls visit for t and all that it calls.
func below(pt *pointer.Result, p *ir.Program, t ir.FuncID, visit func(ir.FuncID)) {
	seen := map[ir.FuncID]bool{t: true}
	work := []ir.FuncID{t}
	for len(work) > 0 {
		f := work[len(work)-1]
		work = work[:len(work)-1]
		visit(f)
		fn := p.Funcs[f]
		for i := range fn.Instrs {
			if fn.Instrs[i].Op == ir.Call {
				for _, g := range pt.Callees(ir.Ref{Func: f, I: int32(i)}) {
					if !seen[g] {
						seen[g] = true
						work = append(work, g)
					}
				}
			}
		}
	}
}

// uses finds the persistent variables that packet-processing code names, or
// reads or writes through a pointer.
func uses(c *passes.Context, ps *persist.Result, res *Result) {
	mr := modref.Of(c)
	byGlobal := map[ir.GlobalID]persist.VarID{}
	type slot struct {
		f ir.FuncID
		l ir.LocalID
	}
	byLocal := map[slot]persist.VarID{}
	byObj := make([]persist.VarID, len(pointer.Of(c).Objects)) // one more than the number, 0: none
	for i := range ps.Vars {
		v := &ps.Vars[i]
		if v.Global >= 0 {
			byGlobal[v.Global] = v.ID
		} else {
			byLocal[slot{v.Proc, v.Local}] = v.ID
		}
		if v.Obj >= 0 {
			byObj[v.Obj] = v.ID + 1
		}
	}
	note := func(id persist.VarID, ref ir.Ref, how string) {
		if res.TopLevel[id] == nil {
			way, _ := res.Way(ref)
			res.TopLevel[id] = append(way[:len(way):len(way)], c.Because(ref, "%s %s: %s", how, c.Prog.Funcs[ref.Func].Name, c.Text(ref)))
		}
	}
	if len(res.PktProcs) > 0 {
		for o, ref := range Lent(c, pointer.Of(c)) {
			if id := byObj[o]; id > 0 {
				res.TopLevel[id-1] = []passes.Why{c.Because(ref, "lent to a stream, in which packets are logged: %s", c.Text(ref))}
			}
		}
	}
	for _, fid := range res.PktProcs {
		f := c.Prog.Funcs[fid]
		for i := range f.Instrs {
			ref := ir.Ref{Func: fid, I: int32(i)}
			if !res.Live(ref) {
				continue
			}
			in := &f.Instrs[i]
			name := func(v ir.Value) {
				switch v.Kind {
				case ir.VGlobal:
					if id, ok := byGlobal[ir.GlobalID(v.ID)]; ok {
						note(id, ref, "used in")
					}
				case ir.VLocal:
					if id, ok := byLocal[slot{fid, ir.LocalID(v.ID)}]; ok {
						note(id, ref, "used in")
					}
				case ir.VReg:
					if l := f.Regs[v.ID].Local; l >= 0 {
						if id, ok := byLocal[slot{fid, l}]; ok {
							note(id, ref, "used in")
						}
					}
				}
			}
			if in.Op == ir.LifeStart {
				continue
			}
			name(in.A)
			name(in.B)
			for _, a := range in.Args {
				name(a)
			}
			if in.Dst >= 0 {
				name(ir.Value{Kind: ir.VReg, ID: int32(in.Dst)})
			}
			for _, o := range mr.Frees(ref) {
				if id := byObj[o]; id > 0 {
					note(id-1, ref, "reached through a pointer in")
				}
			}
			for _, list := range [][]modref.Access{mr.WriteAccesses(ref), mr.ReadAccesses(ref)} {
				for _, l := range list {
					if id := byObj[l.Obj]; id > 0 {
						note(id-1, ref, "reached through a pointer in")
					}
				}
			}
		}
	}
}
