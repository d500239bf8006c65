// Package receive finds where the program is handed its packets, and with that
// the loop procedures (the paper's section 4.1: "middleboxes read packets using
// standard library/system functions").
//
// A receive site is a call that may reach a function whose model says that it
// receives (pcap_next, recv), or that it calls back with a packet (pcap_loop).
// Calls through pointers count: the targets come from the pointer analysis.
// Functions that receive only for lack of anything better (read, which also
// reads files) count when the program has no other site, or what they read from may be a socket or a tunnel (package
// descriptor). What a netlink socket of routes or events answers is no packet, nor is
// what is in a file for certain.
//
// A site's loop procedure is the procedure that contains it in a loop; a
// receive call that stands in no loop of its procedure (a wrapper, get_packet())
// makes its callers the candidates, up to the one that loops. The library's own
// loop makes the procedure that calls the library the loop procedure. A receive
// loop within a loop (an event loop whose handler reads until there is nothing more) makes
// both procedures loop procedures: the innermost, and the outermost, whose rounds are what a packet's processing
// ends with. Frames in between begin and end within one round. Outermost is the loop that waits for events (poll, select,
// epoll_wait): what is around that restarts the program, and sets it up again. A program that doesn't wait has no such mark, and its outermost loop
// is the outermost of all.
//
// A thread's loop is its own: who starts threads when the program is set up loops around no packets.
//
// Where packet_loops in saz.yaml names the procedures whose loop is the packets', these loops are what is looked for, and what is received
// outside of them (a server's greeting when a connection is set up) makes nothing count.
//
// Of the loop procedures and what is below them on the stack, Frames and Below are those whose frames are there between packets: see
// frames.go. All receive sites make packet-processing code.
//
// Sound as long as packets come in through functions that have a model or that
// saz.yaml names; the report lists the calls without one.
package receive

import (
	"cmp"
	"slices"
	"sort"

	"saz/ir"
	"saz/ir/models"
	"saz/passes"
	"saz/passes/descriptor"
	"saz/passes/members"
	"saz/passes/pointer"
)

// Pass is the receive pass.
var Pass = &passes.Pass{
	Name:     "receive",
	Doc:      "where packets come in, and the procedures that loop over them",
	Requires: []*passes.Pass{pointer.Pass, members.Pass},
	Run:      run,
}

// Of returns the result.
func Of(c *passes.Context) *Result { return c.Result(Pass).(*Result) }

func run(c *passes.Context) (any, error) {
	pt := pointer.Of(c)
	res := &Result{}
	threads := map[ir.FuncID]bool{}
	var weak []Site
	fds := descriptor.New(c, pt)
	res.Descriptors = fds
	for _, f := range c.Prog.Funcs {
		for i := range f.Instrs {
			if f.Instrs[i].Op != ir.Call {
				continue
			}
			ref := ir.Ref{Func: f.ID, I: int32(i)}
			for _, callee := range pt.Callees(ref) {
				g := c.Prog.Funcs[callee]
				m := pt.Model(callee)
				if len(g.Blocks) > 0 { // the program's own: only if the settings name it
					m = c.Config.Receives(g.Name)
				}
				if m == nil {
					continue
				}
				site, isWeak, ok := siteOf(c, pt, ref, m, threads)
				if !ok {
					continue
				}
				site.InLoop = site.Callbacks != nil || c.Loop(f, f.Instrs[i].Block) != nil
				if from[m.Name] && len(g.Blocks) == 0 && len(f.Instrs[i].Args) > 0 {
					k := fds.Of(f, f.Instrs[i].Args[0])
					if k == descriptor.Control || k == descriptor.File {
						continue
					}
					isWeak = isWeak && !fds.Any(f, f.Instrs[i].Args[0], descriptor.Socket|descriptor.Tunnel)
				}
				if isWeak {
					weak = append(weak, site)
				} else {
					res.Sites = append(res.Sites, site)
				}
			}
		}
	}
	if len(res.Sites) == 0 {
		res.Sites = weak
	}
	named, below := loopsNamed(c, pt)
	if named != nil {
		// What is received elsewhere sets something up.
		res.Sites = slices.DeleteFunc(res.Sites, func(s Site) bool { return !below[s.Ref.Func] })
	}
	res.Sites = append(res.Sites, libraryLoops(c, pt, res.Sites, below)...)
	o := &outer{c: c, pt: pt, named: named, below: below, known: map[ir.FuncID]bool{}, last: map[ir.Ref]bool{},
		waits: newWaiting(c, pt, pt.Callees, nil)}
	res.Last, res.Looped = o.isLast, o.looped
	res.Starts = o.starts
	res.Around = func(f ir.FuncID) bool { return named == nil || below[f] }
	o.site = map[ir.Ref]bool{}
	for i := range res.Sites {
		o.site[res.Sites[i].Ref] = true
	}
	loops, inner, stack := map[ir.FuncID]bool{}, map[ir.FuncID]bool{}, map[ir.FuncID]bool{}
	for i := range res.Sites {
		loopsOf(c, pt, o, &res.Sites[i], loops, inner)
	}
	for f := range loops {
		callersOf(pt, f, stack)
	}
	for f := range loops {
		delete(stack, f)
	}
	res.Asm = passes.NamedInAsm(c)
	for _, f := range res.Asm.Funcs {
		threads[f] = true
	}
	res.LoopProcs, res.Stack, res.Threads = sorted(loops), sorted(stack), sorted(threads)
	framesOf(c, pt, o, res, inner)
	return res, nil
}

// from are the functions that receive from the descriptor that is their first argument.
var from = map[string]bool{"read": true, "readv": true, "recv": true, "recvfrom": true, "recvmsg": true, "recvmmsg": true}

// siteOf says what the call at ref of a function with model m has to do with packets.
func siteOf(c *passes.Context, pt *pointer.Result, ref ir.Ref, m *models.Model, threads map[ir.FuncID]bool) (Site, bool, bool) {
	in := c.Instr(ref)
	site := Site{Ref: ref, Function: m.Name}
	found := false
	for _, cb := range m.Calls {
		if cb.Arg >= len(in.Args) || cb.Later != "" {
			continue
		}
		for _, t := range Targets(pt, ref.Func, in.Args[cb.Arg], cb.In) {
			if cb.Thread || cb.Signal {
				threads[t] = true
			}
			if len(cb.Packet) > 0 {
				site.Callbacks = append(site.Callbacks, t)
				site.PacketParams = cb.Packet
				found = true
				site.Why = []passes.Why{c.Because(ref, "%s calls %s with each packet", m.Name, c.Prog.Funcs[t].Name)}
			}
		}
	}
	if r := m.Receive; r != nil && !r.Empty {
		found = true
		site.Buffers = append(append([]int(nil), r.Buffers...), r.Out...)
		site.Vectors, site.Depth = r.Vectors, max(m.Depth, 1)
		site.Result = r.Result
		site.Why = []passes.Why{c.Because(ref, "%s receives a packet", m.Name)}
		return site, r.Weak, true
	}
	return site, false, found
}

// Targets returns the program's own functions that v may be the address of; in: that
// are stored in what v points at (sigaction).
func Targets(pt *pointer.Result, f ir.FuncID, v ir.Value, in bool) []ir.FuncID {
	var out []ir.FuncID
	add := func(l pointer.Loc) {
		if o := pt.Objects[l.Obj]; o.Kind == pointer.Func {
			out = append(out, o.Func)
		}
	}
	for _, l := range pt.PointsTo(f, v) {
		if !in {
			add(l)
			continue
		}
		for _, x := range pt.Contents(l.Obj, pointer.Any) {
			add(x)
		}
	}
	return out
}

// Runs reports whether the call at r is of a library's loop that waits for events and calls f: event_base_dispatch. (Many more call what they are given
// for each of something, at once.)
func Runs(pt *pointer.Result, r ir.Ref, f ir.FuncID) bool {
	return slices.ContainsFunc(pt.Callbacks(r), func(cb pointer.Callback) bool { return cb.Func == f && cb.How != nil && cb.How.Later != "" }) &&
		slices.ContainsFunc(pt.Callees(r), func(t ir.FuncID) bool { m := pt.Model(t); return m != nil && waits[m.Name] })
}

// libraryLoops returns the calls of libraries' loops (see Runs) that call back what receives packets: all that such a loop calls is part of a round,
// and one that runs is a packet. below: the procedures to look at; nil: all.
func libraryLoops(c *passes.Context, pt *pointer.Result, sites []Site, below map[ir.FuncID]bool) []Site {
	known := map[ir.Ref]bool{}
	for i := range sites {
		known[sites[i].Ref] = true
	}
	var out []Site
	seen := map[ir.FuncID]bool{}
	var up func(f ir.FuncID, why []passes.Why)
	up = func(f ir.FuncID, why []passes.Why) {
		if seen[f] {
			return
		}
		seen[f] = true
		for _, r := range pt.Callers(f) {
			if below != nil && !below[r.Func] {
				continue
			}
			if !Runs(pt, r, f) {
				up(r.Func, why)
				continue
			}
			if known[r] {
				continue
			}
			known[r] = true
			s := Site{Ref: r, InLoop: true}
			for _, t := range pt.Callees(r) {
				if !c.Prog.Funcs[t].Defined() {
					s.Function = c.Prog.Funcs[t].Name
				}
			}
			for _, cb := range pt.Callbacks(r) {
				if c.Prog.Funcs[cb.Func].Defined() && Runs(pt, r, cb.Func) && !slices.Contains(s.Callbacks, cb.Func) {
					s.Callbacks = append(s.Callbacks, cb.Func)
				}
			}
			s.Why = append(why[:len(why):len(why)], c.Because(r, "%s calls %s again and again", s.Function, c.Prog.Funcs[f].Name))
			out = append(out, s)
			up(r.Func, s.Why)
		}
	}
	for i := range sites {
		up(sites[i].Ref.Func, sites[i].Why)
	}
	slices.SortFunc(out, func(x, y Site) int { return cmp.Or(int(x.Ref.Func)-int(y.Ref.Func), int(x.Ref.I)-int(y.Ref.I)) })
	return out
}

// loopsOf adds the procedures that loop around a site, and which of them loop innermost.
func loopsOf(c *passes.Context, pt *pointer.Result, o *outer, s *Site, out, innermost map[ir.FuncID]bool) {
	seen := map[ir.FuncID]bool{}
	var up func(ref ir.Ref, loops, inner bool)
	up = func(ref ir.Ref, loops, inner bool) {
		f := c.Prog.Funcs[ref.Func]
		if o.named != nil {
			// The user knows which one it is; loops within one of its rounds are part of the round.
			if o.named[ref.Func] {
				out[ref.Func] = true
				return
			}
			if !o.below[ref.Func] {
				return
			}
		} else if loops || c.Loop(f, f.Instrs[ref.I].Block) != nil {
			last := o.isLast(ref) || loops && !o.looped(ref.Func)
			if !inner {
				innermost[ref.Func] = true
			}
			if !inner || last {
				out[ref.Func] = true
			}
			inner = true
			if last {
				return
			}
		}
		if seen[ref.Func] {
			return
		}
		seen[ref.Func] = true
		callers := slices.DeleteFunc(slices.Clone(pt.Callers(ref.Func)), func(r ir.Ref) bool { return o.starts(r, ref.Func) })
		if len(callers) == 0 && !inner && o.named == nil {
			out[ref.Func], innermost[ref.Func] = true, true // it receives once: its frame is what there is
		}
		for _, r := range callers {
			up(r, Runs(pt, r, ref.Func), inner)
		}
	}
	up(s.Ref, s.InLoop, false)
}

// outer says of procedures whether they are called, directly or not, in a loop of another one.
type outer struct {
	c     *passes.Context
	pt    *pointer.Result
	known map[ir.FuncID]bool

	waits *waiting
	busy  map[ir.FuncID]bool // waits, receives or accepts, itself or by what it calls; made when asked for
	last  map[ir.Ref]bool
	site  map[ir.Ref]bool

	named map[ir.FuncID]bool // procedures with the packet loop, by the user's word; nil: none are named
	below map[ir.FuncID]bool // and all that they call
}

// loopsNamed returns the procedures that the settings name, and all that they call.
func loopsNamed(c *passes.Context, pt *pointer.Result) (named, below map[ir.FuncID]bool) {
	for _, w := range c.Config.Around() {
		for _, f := range c.Prog.Funcs {
			if f.Name == w.Text && f.Defined() {
				if named == nil {
					named = map[ir.FuncID]bool{}
				}
				named[f.ID] = true
			}
		}
	}
	if named == nil {
		return nil, nil
	}
	below = map[ir.FuncID]bool{}
	var work []ir.FuncID
	for f := range named {
		below[f] = true
		work = append(work, f)
	}
	for len(work) > 0 {
		f := c.Prog.Funcs[work[len(work)-1]]
		work = work[:len(work)-1]
		for i := range f.Instrs {
			if f.Instrs[i].Op != ir.Call {
				continue
			}
			ref := ir.Ref{Func: f.ID, I: int32(i)}
			next := pt.Callees(ref)
			for _, cb := range pt.Callbacks(ref) {
				next = append(next[:len(next):len(next)], cb.Func)
			}
			for _, t := range next {
				if !below[t] {
					below[t] = true
					work = append(work, t)
				}
			}
		}
	}
	return named, below
}

// isLast reports whether the loop around ref is the last one to look at: it waits for events, or nothing loops around it.
func (o *outer) isLast(ref ir.Ref) bool {
	if x, ok := o.last[ref]; ok {
		return x
	}
	f := o.c.Prog.Funcs[ref.Func]
	loop := o.c.Loop(f, f.Instrs[ref.I].Block)
	last := loop != nil && !o.looped(ref.Func)
	if o.named != nil {
		last = loop != nil && o.named[ref.Func]
	}
	for b := range f.Blocks {
		if last || !loop[ir.BlockID(b)] || o.named != nil {
			continue
		}
		for i := f.Blocks[b].Lo; i < f.Blocks[b].Hi && !last; i++ {
			last = f.Instrs[i].Op == ir.Call && o.waits.at(ir.Ref{Func: ref.Func, I: i})
		}
	}
	o.last[ref] = last
	return last
}

func (o *outer) looped(f ir.FuncID) bool {
	if x, ok := o.known[f]; ok {
		return x
	}
	o.known[f] = true // whoever asks meanwhile
	seen := map[ir.FuncID]bool{f: true}
	work := []ir.FuncID{f}
	found := false
	for len(work) > 0 && !found {
		x := work[len(work)-1]
		work = work[:len(work)-1]
		for _, r := range o.pt.Callers(x) {
			if o.starts(r, x) {
				continue
			}
			g := o.c.Prog.Funcs[r.Func]
			if r.Func != f && (o.c.Loop(g, g.Instrs[r.I].Block) != nil || Runs(o.pt, r, x)) {
				found = true
				break
			}
			if !seen[r.Func] {
				seen[r.Func] = true
				work = append(work, r.Func)
			}
		}
	}
	o.known[f] = found
	return found
}

// starts reports whether the call at r does no more than start f as a thread when the program is set up, so that no packet of f's comes back to it: no
// loop around it waits, receives or accepts. (A loop that starts a thread for each connection is the packets', too.)
func (o *outer) starts(r ir.Ref, f ir.FuncID) bool {
	thread := false
	for _, cb := range o.pt.Callbacks(r) {
		if cb.Func == f {
			if cb.How == nil || !cb.How.Thread {
				return false
			}
			thread = true
		}
	}
	if !thread || slices.Contains(o.pt.Callees(r), f) {
		return false
	}
	if o.busy == nil {
		o.busy = map[ir.FuncID]bool{}
		for s := range o.site {
			callersOf(o.pt, s.Func, o.busy)
			o.busy[s.Func] = true
		}
		for _, g := range o.c.Prog.Funcs {
			if o.waits.set[g.ID] || !g.Defined() && (g.Link == "accept" || g.Link == "accept4") {
				callersOf(o.pt, g.ID, o.busy)
				o.busy[g.ID] = true
			}
		}
	}
	g := o.c.Prog.Funcs[r.Func]
	loop := o.c.Loop(g, g.Instrs[r.I].Block)
	for b := range g.Blocks {
		if !loop[ir.BlockID(b)] {
			continue
		}
		for i := g.Blocks[b].Lo; i < g.Blocks[b].Hi; i++ {
			at := ir.Ref{Func: g.ID, I: i}
			if g.Instrs[i].Op == ir.Call && (o.site[at] || slices.ContainsFunc(o.pt.Callees(at), func(t ir.FuncID) bool { return o.busy[t] })) {
				return false
			}
		}
	}
	return !o.looped(g.ID)
}

func callersOf(pt *pointer.Result, f ir.FuncID, into map[ir.FuncID]bool) {
	for _, r := range pt.Callers(f) {
		if !into[r.Func] {
			into[r.Func] = true
			callersOf(pt, r.Func, into)
		}
	}
}

func sorted(m map[ir.FuncID]bool) []ir.FuncID {
	out := make([]ir.FuncID, 0, len(m))
	for f := range m {
		out = append(out, f)
	}
	sort.Slice(out, func(i, j int) bool { return out[i] < out[j] })
	return out
}
