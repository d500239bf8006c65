// Package scratch finds per-packet scratch: updateable variables whose own
// bytes are always written before they are read while one packet is processed.
// They carry nothing from packet to packet, so they need not travel. The paper counts
// them among its false positives (18 % of what it reports for Snort) and leaves
// them to people.
//
// # Algorithm
//
// Bottom up over the call graph each procedure gets a summary: what it may read
// before it has certainly written it (the exposed reads, as byte ranges of
// variables), and what it has certainly written whenever it returns (as byte
// ranges of variables, or from where a pointer parameter points, so that a helper that
// fills a buffer says so for each caller's buffer). Within a procedure this is a forward
// must analysis: "certainly written since the start" meets by intersection. Recursion
// starts from "never returns" and is iterated.
//
// A variable is scratch if no read of it is exposed from any start of a packet:
// from the entry of a callback, from a receive site (or the call that leads to one)
// around its loop back to the site, from the heads of the loops of a thread, from the entry of a signal
// handler: each of these may begin at a quiescent point, between two packets, where no other is
// half-way. The code that runs after the last packet is a start too: what it prints of a
// variable was kept by it.
//
// A local of a procedure that calls itself is several, one a frame: what its own frame writes and reads by name is told apart, and what is read
// through a pointer from elsewhere may be of another. A thread-local variable is as many as there are threads, likewise.
//
// A local that is a register is scratch if none of its versions is live at the
// receive site. One whose scope begins inside the loop is written by LifeStart.
//
// # Whose reads
//
// A read through a parameter is one of what the parameter points at, and becomes the read of a variable at the call that
// hands that variable on: a helper that prints a buffer reads the one that it is given. A pointer of which nothing is known may be of
// any object that the pointer analysis names, unless the object is brief: if no memory and no frame that outlives a
// packet holds a pointer to it, whoever reads it so got the pointer while this packet was processed, from one of the
// places where the address gets away (a static buffer is returned); what was certainly written there is written.
//
// Bytes of a variable that packets never write (settings beside a counter) may be read, as long as nothing that is reached from the
// variable is written either.
//
// # Constants between packets
//
// What is read before it is written carries nothing if it is the same constant whenever a packet comes: see constant.go.
//
// # Branches that no run takes
//
// What an integer may be is found from the constants that flow into it, and edges of the flow graph that
// none of them takes are left out; where a parameter decides, for each caller: see values.go.
//
// # What counts as a certain write
//
// A store, copy or zeroing at a place that is known exactly; a library function whose
// model says that it fills the object, or that copies a constant number of bytes; the buffer of a
// receive call, and what it hands out (assumption: the program reads no further than what was received, and
// nothing where nothing was), and likewise the events that a program waits for; a
// string that a library function writes to a buffer, for later reads of the buffer as a string
// from the same place. A string function that can fail counts only where its result was
// tested.
//
// # Sound for
//
// Everything that the pointer analysis sees. Variables that a library keeps or
// that unknown code may reach are not scratch. Arrays are one place: only a write of the whole array counts, but
// for those of which a procedure looks at what it has just collected (collected.go).
// A jump back by longjmp forgets all writes. An independent check: overwriting all variables that are called so (but for the
// constants) with 0xA5 before each packet must change no output; docs/evaluation.md has the runs.
//
// Where a variable is not scratch, Carries says which read is to blame, by way of which calls; it is worked out when asked for.
package scratch

import (
	"slices"
	"strconv"

	"saz/frontend/ctype"
	"saz/ir"
	"saz/passes"
	"saz/passes/callgraph"
	"saz/passes/modref"
	"saz/passes/persist"
	"saz/passes/pointer"
	"saz/passes/receive"
	"saz/passes/toplevel"
	"saz/passes/update"
)

// Pass is the scratch pass.
var Pass = &passes.Pass{
	Name:     "scratch",
	Doc:      "updateable variables that carry nothing from one packet to the next",
	Requires: []*passes.Pass{pointer.Pass, callgraph.Pass, modref.Pass, receive.Pass, persist.Pass, toplevel.Pass, update.Pass},
	Run:      run,
}

// Of returns the result.
func Of(c *passes.Context) *Result { return c.Result(Pass).(*Result) }

// An exposure is a span that is exposed from a start.
type exposure struct {
	span int32
	from start
}

type analysis struct {
	*engine
	rc *receive.Result
	ps *persist.Result
	tl *toplevel.Result
	up *update.Result

	cand map[pointer.ObjID]persist.VarID // variables in question, by object
	bad  map[pointer.ObjID][]exposure    // exposed reads, and from which start

	exposed bits // all of them

	out  map[pointer.ObjID]bool // not scratch for another reason
	read map[pointer.ObjID]bool // packet code reads it at all
}

func run(c *passes.Context) (any, error) {
	e := newEngine(c, pointer.Of(c), callgraph.Of(c), modref.Of(c))
	a := &analysis{engine: e, rc: receive.Of(c), ps: persist.Of(c), tl: toplevel.Of(c), up: update.Of(c),
		cand: map[pointer.ObjID]persist.VarID{}, bad: map[pointer.ObjID][]exposure{},
		out: map[pointer.ObjID]bool{}, read: map[pointer.ObjID]bool{}}
	res := &Result{Scratch: map[persist.VarID][]passes.Why{}}
	if len(a.rc.Sites) == 0 || c.TrackAll {
		return res, nil
	}
	for i := range a.ps.Vars {
		v := &a.ps.Vars[i]
		if _, ok := a.up.Updateable[v.ID]; ok && v.Obj >= 0 && a.pt.Size(v.Obj) > 0 && (a.pt.Single(v.Obj) || a.pt.Objects[v.Obj].Kind == pointer.Local || a.threads(v.Obj)) {
			a.cand[v.Obj] = v.ID
			a.asked[v.Obj] = true
		}
	}
	starts := a.starts()
	a.halfway = map[ir.FuncID]bool{}
	for _, s := range starts {
		if s.at >= 0 || s.reset {
			a.halfway[s.f] = true
		}
	}
	a.escaped()
	a.findBrief()
	a.infeasible(starts)
	a.summaries(starts)
	for _, s := range starts {
		if s.at >= 0 && s.packet {
			a.sites[s.f] = append(a.sites[s.f], s)
		}
	}
	after := map[ir.FuncID][]start{}
	for _, s := range starts {
		if s.after {
			after[s.f] = append(after[s.f], s)
		}
	}
	for _, m := range []map[ir.FuncID][]start{a.sites, after} {
		for _, l := range m {
			a.together[l[0]] = l
		}
	}
	for _, s := range starts {
		if s.at < 0 || a.together[s] != nil {
			a.from(s)
		}
	}
	a.reads(starts)
	constant := a.constant(starts)
	beyond := map[persist.VarID]bool{} // packets update memory that is reached from it
	for i := range a.up.Updates {
		u := &a.up.Updates[i]
		if beyond[u.Var] {
			continue
		}
		obj := a.ps.Vars[u.Var].Obj
		if beyond[u.Var] = !u.Direct; !beyond[u.Var] {
			for _, l := range u.Locs {
				beyond[u.Var] = beyond[u.Var] || l.Obj != obj
			}
		}
	}
	for obj, id := range a.cand {
		if a.out[obj] {
			continue
		}
		v := &a.ps.Vars[id]
		held := ""
		ok := true
		for _, x := range a.bad[obj] {
			sp := &a.spans[x.span]
			if !beyond[id] && !sp.esc && !overlaps(a.up.Ranges[id], sp.lo, sp.hi) {
				continue // settings beside it: packets read these bytes and never write them
			}
			if sp.esc && !a.relied(sp) {
				continue
			}
			k, is := constant[*sp]
			if !is || sp.esc {
				ok = false
				break
			}
			held = k
		}
		if !ok {
			continue
		}
		text := "each packet writes it before reading it: it carries nothing to the next"
		switch {
		case held != "":
			text = "what a packet reads before it writes it is " + held + " whenever a packet comes: it carries nothing to the next"
		case !a.read[obj]:
			text = "never read: packets only write it, and nothing that may run later reads what they wrote"
		}
		res.Scratch[id] = []passes.Why{{Pos: v.Pos, Text: text}}
	}
	a.registers(starts, res)
	a.keep(res)
	res.carries = func(id persist.VarID) []passes.Why { return a.carries(id, constant) }
	return res, nil
}

// threads reports whether o is thread-local: several, one a thread. By name a procedure means its own thread's; through a pointer it may be
// another's.
func (a *analysis) threads(o pointer.ObjID) bool {
	x := &a.pt.Objects[o]
	return x.Kind == pointer.Global && a.c.Prog.Globals[x.Global].Thread
}

func (a *analysis) carries(id persist.VarID, constant map[span]string) []passes.Why {
	obj := a.ps.Vars[id].Obj
	if obj < 0 {
		return nil
	}
	x, sp := a.telling(id, obj, constant)
	if sp == nil {
		return nil
	}
	way := a.trace(x.from, x.span)
	if way == nil {
		return nil
	}
	var out []passes.Why
	for _, at := range way[:len(way)-1] {
		out = append(out, a.c.Because(at, "by way of %s", a.c.Text(at)))
	}
	at := way[len(way)-1]
	if sp.esc {
		read := a.after[obj].at
		return append(out, a.c.Because(at, "a pointer to it is handed on before it is written: %s", a.c.Text(at)),
			a.c.Because(read, "and what it points at is read: %s", a.c.Text(read)))
	}
	return append(out, a.c.Because(at, "may read what an earlier packet left: %s", a.c.Text(at)))
}

// telling chooses the exposed read that says best why the variable is not scratch: of bytes that packets write.
func (a *analysis) telling(id persist.VarID, obj pointer.ObjID, constant map[span]string) (exposure, *span) {
	for _, esc := range []bool{false, true} {
		for _, x := range a.bad[obj] {
			sp := &a.spans[x.span]
			if _, is := constant[*sp]; sp.esc != esc || is && !esc || esc && !a.relied(sp) {
				continue
			}
			if overlaps(a.up.Ranges[id], sp.lo, sp.hi) {
				return x, sp
			}
		}
	}
	return exposure{}, nil
}

func overlaps(ranges [][2]int64, lo, hi int64) bool {
	for _, r := range ranges {
		if r[0] < hi && lo < r[1] {
			return true
		}
	}
	return false
}

// relied reports whether somebody reads the object of sp through a pointer that got away before it was written so.
func (a *analysis) relied(sp *span) bool {
	n := a.after[sp.obj]
	if sp.str {
		return n.str
	}
	return n.whole
}

// from runs from a start and keeps what is exposed there.
func (a *analysis) from(s start) {
	out := a.run(s)
	out.each(&a.exposed, func(k int) { // where from it was first is enough
		o := a.spans[k].obj
		a.bad[o] = append(a.bad[o], exposure{int32(k), s})
	})
	a.exposed = a.exposed.or(out)
}

// reads finds which objects packet code reads at all.
func (a *analysis) reads(starts []start) {
	var roots []ir.FuncID
	for _, s := range starts {
		if s.packet {
			roots = append(roots, s.f)
		}
	}
	seen := make([]bool, a.mr.Effects())
	for _, f := range a.cg.ReachableSync(roots...) {
		fn := a.c.Prog.Funcs[f]
		for i := range fn.Instrs {
			ref := ir.Ref{Func: f, I: int32(i)}
			e := a.mr.ReadEffect(ref)
			if seen[e] || !a.tl.Packet(ref) {
				continue
			}
			seen[e] = true
			for _, x := range a.mr.ReadAccesses(ref) {
				if a.asked[x.Obj] {
					a.read[x.Obj] = true
				}
			}
		}
	}
}

// findBrief finds the objects to which nothing that outlives a packet points.
func (a *analysis) findBrief() {
	for o := range a.cand {
		a.brief[o] = !a.out[o]
	}
	seen := map[setID]bool{}
	lasting := func(set []pointer.Loc) {
		if len(set) == 0 || seen[setID{&set[0], len(set)}] {
			return
		}
		seen[setID{&set[0], len(set)}] = true
		for _, l := range set {
			a.brief[l.Obj] = false
		}
	}
	stays := map[ir.FuncID]bool{}
	for _, l := range [][]ir.FuncID{a.rc.LoopProcs, a.rc.Stack, a.rc.Threads} {
		for _, f := range l {
			stays[f] = true
		}
	}
	for o := range a.pt.Objects {
		switch x := &a.pt.Objects[o]; {
		case x.Kind == pointer.Func || x.Kind == pointer.Local && !stays[x.Func]:
			continue
		case x.Kind == pointer.Heap && x.Stack:
			continue
		}
		for _, set := range a.pt.ContentSets(pointer.ObjID(o)) {
			lasting(set)
		}
	}
	for f := range stays {
		fn := a.c.Prog.Funcs[f]
		if !fn.Defined() {
			continue
		}
		p := a.bare(f)
		for r := range fn.Regs {
			if v := ir.RegVal(ir.Reg(r)); p.where(v).kind == noBase {
				lasting(a.pt.PointsTo(f, v))
			}
		}
	}
	// What was prepared before it was known what is brief.
	clear(a.fns)
	a.briefs = nil
	for k := range a.spans {
		if sp := &a.spans[k]; sp.param < 0 && a.brief[sp.obj] && !sp.esc {
			a.briefs = a.briefs.with(k)
		}
	}
}

// infeasible finds the branches that no run takes, in procedures that write something in question.
func (a *analysis) infeasible(starts []start) {
	var roots []ir.FuncID
	for _, s := range starts {
		roots = append(roots, s.f)
	}
	qs := map[ir.FuncID][]question{}
	var order, ntop []ir.FuncID
	for _, f := range a.cg.Reachable(roots...) {
		fn := a.c.Prog.Funcs[f]
		if !fn.Defined() {
			continue
		}
		p := a.engine.proc(f)
		if len(p.families) > 0 {
			ntop = append(ntop, f)
		}
		if len(p.gen)+len(p.families) == 0 {
			continue
		}
		if l := questions(fn); l != nil {
			qs[f] = l
			order = append(order, f)
		}
	}
	if len(order)+len(ntop) == 0 {
		return
	}
	steer := map[ir.FuncID][]int32{}
	for _, f := range order {
		if l := steers(a.c.Prog.Funcs[f], qs[f]); l != nil {
			steer[f] = l
		}
	}
	stores := a.engine.storesOf()
	ask := func(e *engine) *values {
		v := newValues(a.engine, stores)
		v.e, v.qs, v.steer, v.specials = e, qs, steer, map[specialty]*summary{}
		for _, f := range order {
			fn := a.c.Prog.Funcs[f]
			for _, q := range qs[f] {
				v.budget = maxNodes
				v.id(node{fn: f, reg: q.of.ID, obj: -1})
			}
			for _, r := range steer[f] {
				k := slices.Index(fn.Params, fn.Regs[r].Local)
				v.budget = maxNodes
				v.id(node{fn: f, reg: r, obj: -1})
				for _, c := range a.pt.Callers(f) {
					if in := a.c.Instr(c); k >= 0 && k < len(in.Args) && in.Args[k].Kind == ir.VReg {
						v.budget = maxNodes
						v.id(node{fn: c.Func, reg: in.Args[k].ID, obj: -1})
					}
				}
			}
		}
		for _, f := range ntop {
			for _, x := range a.engine.proc(f).families {
				if x.of.Kind == ir.VReg {
					v.budget = maxNodes
					v.id(node{fn: f, reg: x.of.ID, obj: -1})
				}
			}
		}
		return v
	}
	v := ask(nil)
	z := newEngine(a.c, a.pt, a.cg, a.mr)
	z.sparse = make([]uint8, a.mr.Effects())
	var from []start
	for o, l := range v.zeroed {
		z.asked[o] = true
		from = append(from, l...)
	}
	slices.SortFunc(from, func(x, y start) int {
		if x.f != y.f {
			return int(x.f) - int(y.f)
		}
		return int(x.at) - int(y.at)
	})
	z.summaries(from)
	v = ask(z)
	v.solve()
	for _, f := range order {
		a.engine.proc(f).dead = v.prune(a.c.Prog.Funcs[f], qs[f], nil)
	}
	for _, f := range ntop {
		p := a.engine.proc(f)
		for _, x := range p.families {
			if x.of.Kind != ir.VReg {
				continue
			}
			set := &v.sets[v.ids[node{fn: f, reg: x.of.ID, obj: -1}]]
			if set.any {
				continue
			}
			b := p.f.Instrs[x.at].Block
			if d := strip(p.f, x.of); d.Kind == ir.VReg && p.f.Regs[d.ID].Def >= 0 {
				b = p.f.Instrs[p.f.Regs[d.ID].Def].Block
			}
			if roomy(v.left(p.f, ir.Dominators(p.f), qs[f], set.list, x.of, b), x.room) {
				p.gen[x.at] = append(p.gen[x.at], x.place)
				p.acts = nil
			}
		}
	}
	a.engine.values = v
}

// constant says which exposed spans hold one constant whenever a packet comes.
func (a *analysis) constant(starts []start) map[span]string {
	cells := map[span][]cellKey{}
	var all []cellKey
	seen := map[cellKey]bool{}
	for obj, l := range a.bad {
		if a.out[obj] || a.pt.Objects[obj].Kind != pointer.Global {
			continue
		}
		for _, x := range l {
			sp := a.spans[x.span]
			if sp.esc || cells[sp] != nil {
				continue
			}
			if c := scalars(a.pt.TypeOf(obj), obj, sp.lo, sp.hi); c != nil {
				cells[sp] = c
				for _, k := range c {
					if !seen[k] {
						seen[k] = true
						all = append(all, k)
					}
				}
			}
		}
	}
	slices.SortFunc(all, func(x, y cellKey) int {
		if x.obj != y.obj {
			return int(x.obj) - int(y.obj)
		}
		return int(x.off) - int(y.off)
	})
	out := map[span]string{}
	k := newConstants(a.engine, all)
	if len(k.cells) == 0 {
		return out
	}
	stack := append(append([]ir.FuncID(nil), a.rc.Stack...), a.rc.LoopProcs...)
	k.decide(starts, stack, a.rc.Threads)
	for sp, l := range cells {
		ok := true
		text := ""
		for _, c := range l {
			i, is := k.id[c]
			if ok = is && !k.bad[i]; !ok {
				break
			}
			text = strconv.FormatInt(k.want[i], 10)
		}
		if ok && len(l) == 1 {
			out[sp] = text
		} else if ok {
			out[sp] = "the same"
		}
	}
	return out
}

// scalars lists the scalars of t between lo and hi; nil if there are too many, or one is cut.
func scalars(t *ctype.Type, obj pointer.ObjID, lo, hi int64) []cellKey {
	var out []cellKey
	ok := true
	var walk func(t *ctype.Type, at int64)
	walk = func(t *ctype.Type, at int64) {
		n := ctype.SizeOf(t)
		if !ok || at >= hi || at+n <= lo {
			return
		}
		switch {
		case t.Kind == ctype.Struct && t.Rec != nil && t.Rec.Complete:
			for i := range t.Rec.Fields {
				if t.Rec.Fields[i].BitField {
					ok = false
					return
				}
				walk(t.Rec.Fields[i].Type, at+t.Rec.Fields[i].Off)
			}
		case t.IsInteger() || t.Kind == ctype.Pointer:
			if at < lo || at+n > hi || len(out) > 64 {
				ok = false
			}
			out = append(out, cellKey{obj, int32(at), n})
		default:
			ok = false
		}
	}
	if t == nil {
		return nil
	}
	walk(t, 0)
	if !ok {
		return nil
	}
	return out
}

// A start is a point from which a packet's processing runs, or the code after
// the last packet. At < 0: the entry of the procedure.
type start struct {
	f      ir.FuncID
	at     int32
	after  bool // from behind the instruction at; otherwise from before it, and it ends the run too
	reset  bool // forget all writes at the head of each outermost loop (threads)
	packet bool
	caller bool // the call at leads to a receive site: its arguments are the callee's by then
}

// starts lists the starts.
func (a *analysis) starts() []start {
	var out []start
	seen := map[start]bool{}
	add := func(s start) {
		if !seen[s] {
			seen[s] = true
			out = append(out, s)
		}
	}
	for i := range a.rc.Sites {
		s := &a.rc.Sites[i]
		for _, f := range s.Callbacks {
			if a.c.Prog.Funcs[f].Defined() {
				add(start{f: f, at: -1, packet: true})
			}
		}
		if s.Callbacks != nil {
			add(start{f: s.Ref.Func, at: s.Ref.I, after: true})
			continue
		}
		up := map[ir.FuncID]bool{}
		var climb func(r ir.Ref)
		climb = func(r ir.Ref) {
			add(start{f: r.Func, at: r.I, packet: true, caller: r != s.Ref})
			last := a.rc.Last(r)
			if last || up[r.Func] {
				return
			}
			up[r.Func] = true
			for _, cr := range a.pt.Callers(r.Func) {
				if a.rc.Around(cr.Func) && !a.rc.Starts(cr, r.Func) && !receive.Runs(a.pt, cr, r.Func) {
					climb(cr)
				}
			}
		}
		climb(s.Ref)
	}
	for _, t := range a.rc.Threads {
		if !a.c.Prog.Funcs[t].Defined() {
			continue
		}
		thread := false
		for _, e := range a.cg.In(t) {
			thread = thread || e.How == nil || e.How.Thread
		}
		add(start{f: t, at: -1, reset: thread, packet: true})
	}
	// What the procedures below on the stack do when the loop has ended.
	below := map[ir.FuncID]bool{}
	work := append([]ir.FuncID(nil), a.rc.LoopProcs...)
	for len(work) > 0 {
		f := work[0]
		work = work[1:]
		if below[f] {
			continue
		}
		below[f] = true
		for _, r := range a.pt.Callers(f) {
			add(start{f: r.Func, at: r.I, after: true})
			if mayReturn(a.c.Prog.Funcs[r.Func], a.c.Instr(r).Block) {
				work = append(work, r.Func)
			}
		}
	}
	for _, f := range a.c.Prog.Funcs {
		if f.Dtor && f.Defined() {
			add(start{f: f.ID, at: -1})
		}
	}
	return out
}

// mayReturn reports whether f may return from block b: a forked child's frames never do.
func mayReturn(f *ir.Func, b ir.BlockID) bool {
	seen := make([]bool, len(f.Blocks))
	seen[b] = true
	for work := []ir.BlockID{b}; len(work) > 0; {
		b := work[len(work)-1]
		work = work[:len(work)-1]
		if f.Term(b).Op == ir.Ret {
			return true
		}
		for _, s := range f.Blocks[b].Succs {
			if !seen[s] {
				seen[s] = true
				work = append(work, s)
			}
		}
	}
	return false
}

// escaped takes out what libraries keep or unknown code may reach.
func (a *analysis) escaped() {
	for _, l := range a.pt.Contents(a.pt.UnknownObj(), pointer.Any) {
		if _, ok := a.cand[l.Obj]; ok {
			a.out[l.Obj] = true
		}
	}
	for _, f := range a.c.Prog.Funcs {
		for i := range f.Instrs {
			in := &f.Instrs[i]
			if in.Op != ir.Call || len(in.Args) == 0 {
				continue
			}
			for _, t := range a.pt.Callees(ir.Ref{Func: f.ID, I: int32(i)}) {
				m := a.pt.Model(t)
				if m == nil {
					continue
				}
				for _, k := range m.Keeps {
					if k >= len(in.Args) {
						continue
					}
					for _, l := range a.pt.PointsTo(f.ID, in.Args[k]) {
						// A library object that keeps it, or a slot from which a
						// callback's argument comes: the latter is seen as a pointer.
						if _, ok := a.cand[l.Obj]; ok && m.Slot == "" && len(m.Calls) == 0 {
							a.out[l.Obj] = true
						}
					}
				}
			}
		}
	}
}
