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
// A local that is a register is scratch if none of its versions is live at the
// receive site. One whose scope begins inside the loop is written by LifeStart.
//
// # What counts as a certain write
//
// A store, copy or zeroing at a place that is known exactly; a library function whose
// model says that it fills the object, or that copies a constant number of bytes; the buffer of a
// receive call (assumption: the program reads no further than what was received); a
// string that a library function writes to a buffer, for later reads of the buffer as a string
// from the same place. A string function that can fail counts only where its result was
// tested.
//
// # Sound for
//
// Everything that the pointer analysis sees. Variables that a library keeps or
// that unknown code may reach are not scratch. Arrays are one place: only a write of the whole array counts.
// A jump back by longjmp forgets all writes.
package scratch

import (
	"strings"

	"saz/frontend/ctype"
	"saz/ir"
	"saz/ir/models"
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

// A place is a byte range counted from a base: an object of static storage, a
// local of the procedure, or where a parameter points. Size 0 with str is a
// string of unknown length.
type place struct {
	kind baseKind
	id   int32 // GlobalID, LocalID or parameter index
	off  int64
	size int64
	str  bool
}

type baseKind uint8

const (
	noBase baseKind = iota
	ofGlobal
	ofLocal
	ofParam
)

// A span is bytes [lo,hi) of an object that are read, as a string or not.
type span struct {
	obj    pointer.ObjID
	lo, hi int64
	str    bool
}

// A summary is what callers need to know of a procedure.
type summary struct {
	returns bool // some path to a return is known
	must    []place
	exposed map[span]ir.Ref
	order   []span // exposed, in the order in which they were found
}

type analysis struct {
	c  *passes.Context
	pt *pointer.Result
	cg *callgraph.Result
	mr *modref.Result
	rc *receive.Result
	ps *persist.Result
	tl *toplevel.Result
	up *update.Result

	cand map[pointer.ObjID]persist.VarID // variables in question, by object
	sums map[ir.FuncID]*summary
	fns  map[ir.FuncID]*proc
	bad  map[pointer.ObjID]ir.Ref // an exposed read: not scratch
	out  map[pointer.ObjID]bool   // not scratch for another reason
	read map[pointer.ObjID]bool   // packet code reads it at all
}

func run(c *passes.Context) (any, error) {
	a := &analysis{c: c, pt: pointer.Of(c), cg: callgraph.Of(c), mr: modref.Of(c), rc: receive.Of(c),
		ps: persist.Of(c), tl: toplevel.Of(c), up: update.Of(c),
		cand: map[pointer.ObjID]persist.VarID{}, sums: map[ir.FuncID]*summary{}, fns: map[ir.FuncID]*proc{},
		bad: map[pointer.ObjID]ir.Ref{}, out: map[pointer.ObjID]bool{}, read: map[pointer.ObjID]bool{}}
	res := &Result{Scratch: map[persist.VarID][]passes.Why{}}
	if len(a.rc.Sites) == 0 || c.TrackAll {
		return res, nil
	}
	for i := range a.ps.Vars {
		v := &a.ps.Vars[i]
		if _, ok := a.up.Updateable[v.ID]; ok && v.Obj >= 0 && a.pt.Size(v.Obj) > 0 && a.pt.Single(v.Obj) {
			a.cand[v.Obj] = v.ID
		}
	}
	starts := a.starts()
	a.escaped()
	a.summaries(starts)
	for _, s := range starts {
		a.from(s)
	}
	for obj, id := range a.cand {
		if _, exposed := a.bad[obj]; exposed || a.out[obj] {
			continue
		}
		v := &a.ps.Vars[id]
		text := "each packet writes it before reading it: it carries nothing to the next"
		if !a.read[obj] {
			text = "never read: packets only write it, and nothing that may run later reads what they wrote"
		}
		res.Scratch[id] = []passes.Why{{Pos: v.Pos, Text: text}}
	}
	a.registers(starts, res)
	return res, nil
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
			f := a.c.Prog.Funcs[r.Func]
			add(start{f: r.Func, at: r.I, packet: true, caller: r != s.Ref})
			last := passes.LoopAround(f, f.Instrs[r.I].Block) != nil && !a.rc.Looped(r.Func)
			if last || up[r.Func] {
				return
			}
			up[r.Func] = true
			for _, cr := range a.pt.Callers(r.Func) {
				climb(cr)
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
			work = append(work, r.Func)
		}
	}
	for _, f := range a.c.Prog.Funcs {
		if f.Dtor && f.Defined() {
			add(start{f: f.ID, at: -1})
		}
	}
	return out
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

// registers decides for locals that are registers: a version that is live at a
// start of a packet carries a value there.
func (a *analysis) registers(starts []start, res *Result) {
	byProc := map[ir.FuncID][]persist.VarID{}
	for i := range a.ps.Vars {
		v := &a.ps.Vars[i]
		if _, ok := a.up.Updateable[v.ID]; ok && v.Obj < 0 && v.Local >= 0 {
			byProc[v.Proc] = append(byProc[v.Proc], v.ID)
		}
	}
	for fid, ids := range byProc {
		f := a.c.Prog.Funcs[fid]
		var live map[ir.LocalID]bool
		seen := false
		for _, s := range starts {
			if s.f != fid || s.after {
				continue
			}
			var points []liveAt
			switch {
			case s.at >= 0:
				points = []liveAt{{f.Instrs[s.at].Block, s.at}}
				if s.caller {
					points[0].i++
				}
			case s.reset:
				for _, h := range loopHeads(f) {
					points = append(points, liveAt{h, f.Blocks[h].Lo})
				}
			default:
				continue
			}
			seen = true
			if live == nil {
				live = map[ir.LocalID]bool{}
			}
			liveLocals(f, points, live)
		}
		if !seen {
			continue
		}
		for _, id := range ids {
			v := &a.ps.Vars[id]
			if !live[v.Local] {
				res.Scratch[id] = []passes.Why{{Pos: v.Pos, Text: "its value is not used again once the next packet is received"}}
			}
		}
	}
}

type liveAt struct {
	b ir.BlockID
	i int32
}

// loopHeads returns the heads of f's outermost loops.
func loopHeads(f *ir.Func) []ir.BlockID {
	var out []ir.BlockID
	for _, l := range ir.FindLoops(f).List {
		if l.Parent < 0 {
			out = append(out, l.Header)
		}
	}
	return out
}

// liveLocals adds the locals of which a register is live before one of points.
// A phi that only feeds dead phis is no use.
func liveLocals(f *ir.Func, points []liveAt, out map[ir.LocalID]bool) {
	n := len(f.Regs)
	useful := make([]bool, n)
	var work []ir.Reg
	mark := func(v *ir.Value) {
		if v.Kind == ir.VReg && !useful[v.ID] {
			useful[v.ID] = true
			work = append(work, ir.Reg(v.ID))
		}
	}
	for i := range f.Instrs {
		if in := &f.Instrs[i]; in.Op != ir.Phi {
			in.Operands(mark)
		}
	}
	for len(work) > 0 {
		r := work[len(work)-1]
		work = work[:len(work)-1]
		if d := f.Regs[r].Def; d >= 0 && f.Instrs[d].Op == ir.Phi {
			f.Instrs[d].Operands(mark)
		}
	}
	words := (n + 63) / 64
	in := make([][]uint64, len(f.Blocks))
	for b := range in {
		in[b] = make([]uint64, words)
	}
	// before computes what is live before instruction lo of block b.
	before := func(b ir.BlockID, lo int32, live []uint64) {
		for i := range live {
			live[i] = 0
		}
		for _, s := range f.Blocks[b].Succs {
			for i, w := range in[s] {
				live[i] |= w
			}
			at := -1
			for k, p := range f.Blocks[s].Preds {
				if p == b {
					at = k
					break
				}
			}
			for i := f.Blocks[s].Lo; i < f.Blocks[s].Hi && f.Instrs[i].Op == ir.Phi; i++ {
				x := &f.Instrs[i]
				if at >= 0 && at < len(x.Args) && x.Args[at].Kind == ir.VReg && useful[x.Dst] {
					live[x.Args[at].ID/64] |= 1 << (x.Args[at].ID % 64)
				}
			}
		}
		for i := f.Blocks[b].Hi - 1; i >= lo; i-- {
			x := &f.Instrs[i]
			if x.Dst >= 0 {
				live[x.Dst/64] &^= 1 << (x.Dst % 64)
			}
			if x.Op == ir.Phi {
				continue
			}
			x.Operands(func(v *ir.Value) {
				if v.Kind == ir.VReg {
					live[v.ID/64] |= 1 << (v.ID % 64)
				}
			})
		}
	}
	tmp := make([]uint64, words)
	for changed := true; changed; {
		changed = false
		for b := len(f.Blocks) - 1; b >= 0; b-- {
			before(ir.BlockID(b), f.Blocks[b].Lo, tmp)
			for i, w := range tmp {
				if w&^in[b][i] != 0 {
					in[b][i] |= w
					changed = true
				}
			}
		}
	}
	for _, p := range points {
		lo := p.i
		if f.Instrs[lo].Op == ir.Phi {
			// The head of a loop: what its phis carry is live there.
			for i := lo; i < f.Blocks[p.b].Hi && f.Instrs[i].Op == ir.Phi; i++ {
				if x := &f.Instrs[i]; useful[x.Dst] && f.Regs[x.Dst].Local >= 0 {
					out[f.Regs[x.Dst].Local] = true
				}
				lo = i + 1
			}
		}
		before(p.b, lo, tmp)
		for r := 0; r < n; r++ {
			if tmp[r/64]>>(r%64)&1 != 0 && f.Regs[r].Local >= 0 {
				out[f.Regs[r].Local] = true
			}
		}
	}
}

// cell returns the bytes of t that an access of size bytes at off is about:
// those of the outermost array around it if there is one, since the pointer analysis
// takes all elements for the first.
func cell(t *ctype.Type, off, size, total int64) (int64, int64) {
	if size < 0 {
		return off, total
	}
	lo := int64(0)
	for t != nil {
		switch t.Kind {
		case ctype.Array:
			n := ctype.SizeOf(t)
			if n < 0 {
				n = total - lo
			}
			return lo, lo + n
		case ctype.Struct:
			if t.Rec == nil || !t.Rec.Complete {
				return off, off + size
			}
			var in *ctype.Field
			for i := range t.Rec.Fields {
				fl := &t.Rec.Fields[i]
				if n := ctype.SizeOf(fl.Type); fl.Off <= off-lo && off-lo < fl.Off+max(n, 1) && !fl.BitField {
					in = fl
				}
			}
			if in == nil || off+size > lo+in.Off+max(ctype.SizeOf(in.Type), 0) {
				return off, off + size
			}
			lo += in.Off
			t = in.Type
		case ctype.Union:
			// Some member may be an array whose elements are one.
			return lo, lo + max(ctype.SizeOf(t), size)
		default:
			return off, off + size
		}
	}
	return off, off + size
}

// nofail reports whether a library function that writes a string always does.
func nofail(name string) bool {
	for _, p := range []string{"str", "stp", "mem", "wcs", "bcopy", "sprintf", "snprintf", "vsprintf", "vsnprintf",
		"__builtin_", "__sprintf", "__snprintf", "__str", "__mem", "__vs"} {
		if strings.HasPrefix(name, p) {
			return name != "strerror_r" && name != "strftime"
		}
	}
	return false
}

// contains reports whether list has k.
func contains(list []int, k int) bool {
	for _, x := range list {
		if x == k {
			return true
		}
	}
	return false
}

// readsArg reports whether a library function reads what argument k points at.
func readsArg(m *models.Model, k int) bool {
	if contains(m.Reads, k) || m.Varargs > 0 && k >= m.Varargs {
		return true
	}
	for _, p := range m.Copies {
		if p[1] == k {
			return true
		}
	}
	return false
}
