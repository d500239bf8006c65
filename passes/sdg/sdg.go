package sdg

import (
	"slices"
	"sort"
	"strings"

	"saz/frontend/ctype"
	"saz/ir"
	"saz/ir/models"
	"saz/passes"
	"saz/passes/callgraph"
	"saz/passes/modref"
	"saz/passes/pointer"
)

// A Node is a vertex of the dependence graph.
type Node int32

// Role is what a Node stands for.
type Role uint8

// Roles of a Node.
const (
	Instr  Role = iota // an instruction; of a call: that it runs
	Result             // a call's result, as it comes back from the procedures of the program
	Arg                // a call that is given a value, whatever becomes of it; nothing depends on it
	Entry              // a procedure's being entered
	Param              // a parameter's value on entry
)

// Kind of a dependence.
type Kind uint8

// Kinds of dependence.
const (
	Data     Kind = iota // through a register
	Memory               // through memory
	Control              // through a branch
	Called               // from a call to the procedure
	Passed               // from an argument to the parameter
	Returned             // from a return to the call's result
	Summary              // from an argument to the result, through the callee
)

// Way says how an edge relates to the call stack.
type Way uint8

// Ways of an edge: in one activation of a procedure, from a caller into a
// callee, from a callee out to a caller, or between activations that have
// nothing to do with each other (memory).
const (
	Same Way = iota
	Down
	Up
	Free
)

// A Graph is the system dependence graph; edges are worked out when asked for.
type Graph struct {
	prog  *ir.Program
	pts   *pointer.Result
	mr    *modref.Result
	graph *callgraph.Result
	flow  *flow

	base   []int32 // by function: its first instruction's node
	funcOf []ir.FuncID
	n      int32   // instructions
	kind   []uint8 // by instruction: see kinds
	params []int32 // by function: first parameter, counted over all
	funcs  []*function

	readers, writers []accesses // by object

	keeps, gives map[string][]ir.Ref // by library slot
	paramFunc    []ir.FuncID
}

type function struct {
	uses     [][]use         // by register
	ctrl     [][]ir.BlockID  // by block: branches that control it
	controls [][]ir.BlockID  // by block: blocks that its branch controls
	root     []bool          // by block: runs whenever the function does
	entry    map[ir.Reg]int  // register of a parameter's value on entry → parameter
	entryReg []ir.Reg        // by parameter, -1 none
	paramObj []pointer.ObjID // by parameter: its memory, -1 none
	rets     []int32
	va       []int32 // va_start
	deps     bitset  // parameters on which the result may depend
}

type use struct {
	i, op int32 // op: 0 A, 1 B, 2+j Args[j]
}

type touch struct {
	id  int32 // instruction
	acc modref.Access
	arg int32 // a record argument of a call of the program's own: 1 + its index
}

func run(c *passes.Context) (any, error) {
	return Build(c.Prog, c.Models, pointer.Of(c), modref.Of(c), callgraph.Of(c)), nil
}

// Build makes the graph of p.
func Build(p *ir.Program, ms *models.Set, pts *pointer.Result, mr *modref.Result, cg *callgraph.Result) *Graph {
	g := &Graph{prog: p, pts: pts, mr: mr, graph: cg, keeps: map[string][]ir.Ref{}, gives: map[string][]ir.Ref{}}
	g.flow = newFlow(p, cg)
	np := int32(0)
	for _, f := range p.Funcs {
		g.base = append(g.base, g.n)
		g.params = append(g.params, np)
		g.n += int32(len(f.Instrs))
		for range f.Instrs {
			g.funcOf = append(g.funcOf, f.ID)
		}
		np += int32(len(f.Params))
		for range f.Params {
			g.paramFunc = append(g.paramFunc, f.ID)
		}
	}
	g.readers, g.writers = make([]accesses, len(pts.Objects)), make([]accesses, len(pts.Objects))
	g.funcs = make([]*function, len(p.Funcs))
	g.kind = make([]uint8, g.n)
	for _, f := range p.Funcs {
		if len(f.Blocks) > 0 {
			g.funcs[f.ID] = g.function(f)
		}
	}
	for i := range g.readers {
		g.readers[i].sort()
		g.writers[i].sort()
	}
	g.summaries()
	return g
}

func (g *Graph) function(f *ir.Func) *function {
	fn := &function{uses: make([][]use, len(f.Regs)), entry: map[ir.Reg]int{}}
	for r := range f.Regs {
		if info := &f.Regs[r]; info.Def < 0 && info.Local >= 0 {
			for k, l := range f.Params {
				if l == info.Local {
					fn.entry[ir.Reg(r)] = k
				}
			}
		}
	}
	for k, l := range f.Params {
		fn.entryReg = append(fn.entryReg, -1)
		for r, i := range fn.entry {
			if i == k {
				fn.entryReg[k] = r
			}
		}
		fn.paramObj = append(fn.paramObj, g.pts.LocalObj(f.ID, l))
	}
	for i := range f.Instrs {
		in := &f.Instrs[i]
		add := func(v ir.Value, op int) {
			if v.Kind == ir.VReg {
				fn.uses[v.ID] = append(fn.uses[v.ID], use{int32(i), int32(op)})
			}
		}
		add(in.A, 0)
		add(in.B, 1)
		for j, v := range in.Args {
			add(v, 2+j)
		}
		ref := ir.Ref{Func: f.ID, I: int32(i)}
		id := g.base[f.ID] + int32(i)
		internal, external := g.kinds(ref, in)
		if !(internal && !external) {
			for _, a := range g.mr.ReadAccesses(ref) {
				g.readers[a.Obj].add(touch{id: id, acc: a})
			}
		}
		if internal {
			for j, t := range in.ArgTypes {
				if j < len(in.Args) && t != nil && t.IsRecord() {
					for _, l := range g.pts.PointsTo(f.ID, in.Args[j]) {
						g.readers[l.Obj].add(touch{id, modref.Access{Loc: l, Size: ctype.SizeOf(t)}, int32(j + 1)})
					}
				}
			}
		}
		for _, a := range g.mr.WriteAccesses(ref) {
			g.writers[a.Obj].add(touch{id: id, acc: a})
		}
		switch in.Op {
		case ir.Ret:
			fn.rets = append(fn.rets, int32(i))
		case ir.Builtin:
			if in.Name == "va_start" {
				fn.va = append(fn.va, int32(i))
			}
		case ir.Call:
			for _, t := range g.pts.Callees(ref) {
				if m := g.pts.Model(t); m != nil && m.Slot != "" {
					if len(m.Keeps)+len(m.KeepsIn) > 0 {
						g.keeps[m.Slot] = append(g.keeps[m.Slot], ref)
					}
					if m.Gives || len(m.GivesIn) > 0 {
						g.gives[m.Slot] = append(g.gives[m.Slot], ref)
					}
					for k := range m.Calls {
						if m.Calls[k].Keep {
							g.keeps[m.Slot] = append(g.keeps[m.Slot], ref)
						}
					}
				}
			}
		}
	}
	post := ir.PostDominators(f)
	fn.ctrl = post.Frontier(f)
	for b, l := range fn.ctrl {
		// The made-up way out of an endless loop decides nothing.
		fn.ctrl[b] = slices.DeleteFunc(l, func(c ir.BlockID) bool { return len(f.Blocks[c].Succs) < 2 })
	}
	fn.controls = make([][]ir.BlockID, len(f.Blocks))
	for b, l := range fn.ctrl {
		for _, c := range l {
			fn.controls[c] = append(fn.controls[c], ir.BlockID(b))
		}
	}
	fn.root = make([]bool, len(f.Blocks))
	for b := ir.BlockID(0); b >= 0; b = post.Idom[b] {
		fn.root[b] = true
	}
	for b, l := range fn.ctrl {
		if len(l) == 0 {
			fn.root[b] = true
		}
	}
	return fn
}

// kinds tells whether a call may reach procedures of the program, and whether
// anything else.
func (g *Graph) kinds(ref ir.Ref, in *ir.Instr) (internal, external bool) {
	if in.Op != ir.Call {
		return false, false
	}
	k := &g.kind[g.base[ref.Func]+ref.I]
	if *k == 0 {
		internal, external = g.targets(ref)
		*k = 1
		if internal {
			*k |= 2
		}
		if external {
			*k |= 4
		}
	}
	return *k&2 != 0, *k&4 != 0
}

func (g *Graph) targets(ref ir.Ref) (internal, external bool) {
	l := g.pts.Callees(ref)
	for _, t := range l {
		if len(g.prog.Funcs[t].Blocks) > 0 {
			internal = true
		} else {
			external = true
		}
	}
	return internal, external || len(l) == 0
}

// Nodes.

// Of returns the node of an instruction.
func (g *Graph) Of(ref ir.Ref) Node { return Node(g.base[ref.Func] + ref.I) }

func (g *Graph) result(id int32) Node   { return Node(g.n + id) }
func (g *Graph) arg(id int32) Node      { return Node(2*g.n + id) }
func (g *Graph) entry(f ir.FuncID) Node { return Node(3*g.n + int32(f)) }
func (g *Graph) param(f ir.FuncID, k int) Node {
	return Node(3*g.n + int32(len(g.prog.Funcs)) + g.params[f] + int32(k))
}

// Nodes counts the nodes.
func (g *Graph) Nodes() int { return int(3*g.n) + len(g.prog.Funcs) + len(g.paramFunc) }

// What tells what a node is. Ref.I is the parameter's index for a Param and -1
// for an Entry.
func (g *Graph) What(n Node) (Role, ir.Ref) {
	id := int32(n)
	switch {
	case id < 3*g.n:
		role := Role(id / g.n)
		id %= g.n
		f := g.funcOf[id]
		return role, ir.Ref{Func: f, I: id - g.base[f]}
	case id < 3*g.n+int32(len(g.prog.Funcs)):
		return Entry, ir.Ref{Func: ir.FuncID(id - 3*g.n), I: -1}
	}
	k := id - 3*g.n - int32(len(g.prog.Funcs))
	f := g.paramFunc[k]
	return Param, ir.Ref{Func: f, I: k - g.params[f]}
}

// ResultOf returns the node of a call's result, or of any other instruction's.
func (g *Graph) ResultOf(ref ir.Ref) Node {
	if internal, _ := g.kinds(ref, &g.prog.Funcs[ref.Func].Instrs[ref.I]); internal {
		return g.result(int32(g.Of(ref)))
	}
	return g.Of(ref)
}

// An Emit receives the edges of a node. It reports whether it never needs to
// see an edge to this node again, however it comes.
type Emit func(to Node, k Kind, w Way) bool

// A Walk is one traversal of the graph. It remembers which accesses to each
// object an Emit was done with, so that a search looks at each only as long as
// it has not been visited: without that, memory dependence is quadratic.
type Walk struct {
	g                *Graph
	readers, writers []*live
}

// Walk begins a traversal.
func (g *Graph) Walk() *Walk {
	return &Walk{g, make([]*live, len(g.readers)), make([]*live, len(g.writers))}
}

// accesses are the touches of one object: those of few bytes by offset, and
// the others.
type accesses struct {
	small []touch
	big   []touch
}

const smallAccess = 16

func (a *accesses) add(t touch) {
	if t.acc.Off != pointer.Any && t.acc.Size >= 0 && t.acc.Size <= smallAccess {
		a.small = append(a.small, t)
	} else {
		a.big = append(a.big, t)
	}
}

func (a *accesses) sort() {
	slices.SortStableFunc(a.small, func(x, y touch) int { return int(x.acc.Off) - int(y.acc.Off) })
}

// live says which accesses are still to be looked at: next[i] is i, or leads
// to the next one that is.
type live struct{ small, big []int32 }

func newLive(a *accesses) *live {
	l := &live{make([]int32, len(a.small)+1), make([]int32, len(a.big)+1)}
	for i := range l.small {
		l.small[i] = int32(i)
	}
	for i := range l.big {
		l.big[i] = int32(i)
	}
	return l
}

func next(l []int32, i int32) int32 {
	for l[i] != i {
		l[i] = l[l[i]]
		i = l[i]
	}
	return i
}

// each calls f for the live accesses that overlap a; those for which it returns
// true are live no more.
func (a *accesses) each(l *live, acc modref.Access, f func(*touch) bool) {
	lo, hi := 0, len(a.small)
	if acc.Off != pointer.Any {
		lo = sort.Search(len(a.small), func(i int) bool { return int64(a.small[i].acc.Off) > int64(acc.Off)-smallAccess })
		if acc.Size >= 0 {
			hi = sort.Search(len(a.small), func(i int) bool { return int64(a.small[i].acc.Off) >= int64(acc.Off)+acc.Size })
		}
	}
	scan := func(list []touch, alive []int32, lo, hi int) {
		for i := next(alive, int32(lo)); int(i) < hi; i = next(alive, i+1) {
			if t := &list[i]; modref.Overlap(acc, t.acc) && f(t) {
				alive[i] = i + 1
			}
		}
	}
	if l == nil {
		for i := lo; i < hi; i++ {
			if t := &a.small[i]; modref.Overlap(acc, t.acc) {
				f(t)
			}
		}
		for i := range a.big {
			if t := &a.big[i]; modref.Overlap(acc, t.acc) {
				f(t)
			}
		}
		return
	}
	scan(a.small, l.small, lo, hi)
	scan(a.big, l.big, 0, len(a.big))
}

// Succs gives the nodes that depend on n.
func (g *Graph) Succs(n Node, emit Emit) { g.succs(n, nil, emit) }

// Succs is Graph.Succs without what emit is done with.
func (w *Walk) Succs(n Node, emit Emit) { w.g.succs(n, w, emit) }

func (g *Graph) succs(n Node, wk *Walk, emit Emit) {
	role, ref := g.What(n)
	f := g.prog.Funcs[ref.Func]
	fn := g.funcs[ref.Func]
	switch role {
	case Arg:
		return
	case Entry:
		if fn == nil {
			return
		}
		for b := range f.Blocks {
			if fn.root[b] {
				g.block(f, ir.BlockID(b), emit)
			}
		}
		return
	case Param:
		if fn == nil {
			return
		}
		if r := fn.entryReg[ref.I]; r >= 0 {
			g.usesOf(f, r, emit)
		}
		if o := fn.paramObj[ref.I]; o >= 0 {
			g.readersOf(wk, ref.Func, ir.Ref{Func: -1}, modref.Access{Loc: pointer.Loc{Obj: o}, Size: -1}, emit)
		}
		return
	}
	in := &f.Instrs[ref.I]
	id := int32(g.Of(ref))
	internal, external := g.kinds(ref, in)
	if role == Result {
		if !internal {
			return
		}
		if in.Dst >= 0 {
			g.usesOf(f, in.Dst, emit)
		}
		if in.B.Kind != ir.NoVal {
			g.written(wk, ref, emit)
		}
		return
	}
	if in.Op == ir.Call {
		if internal {
			emit(g.result(id), Control, Same)
		}
		for _, t := range g.pts.Callees(ref) {
			if len(g.prog.Funcs[t].Blocks) > 0 {
				emit(g.entry(t), Called, Down)
			} else if m := g.pts.Model(t); m != nil && m.Slot != "" && (len(m.Keeps)+len(m.KeepsIn) > 0 || len(m.Calls) > 0) {
				for _, r := range g.gives[m.Slot] {
					if g.flow.follows(ref, r) {
						emit(g.Of(r), Memory, Free)
					}
				}
			}
		}
		for _, cb := range g.pts.Callbacks(ref) {
			if len(g.prog.Funcs[cb.Func].Blocks) == 0 {
				continue
			}
			emit(g.entry(cb.Func), Called, Down)
			for k := range g.prog.Funcs[cb.Func].Params {
				emit(g.param(cb.Func, k), Passed, Down)
			}
		}
		if external {
			if in.Dst >= 0 {
				g.usesOf(f, in.Dst, emit)
			}
			g.written(wk, ref, emit)
		}
		return
	}
	if in.Dst >= 0 {
		g.usesOf(f, in.Dst, emit)
	}
	g.written(wk, ref, emit)
	switch {
	case in.Op == ir.Ret:
		if in.A.Kind == ir.NoVal {
			return
		}
		for _, e := range g.graph.In(ref.Func) {
			if e.Callback {
				emit(g.Of(e.Site), Returned, Up)
			} else {
				emit(g.result(int32(g.Of(e.Site))), Returned, Up)
			}
		}
	case in.Op.IsTerminator():
		b := in.Block
		if len(f.Blocks[b].Succs) > 1 {
			for _, d := range fn.controls[b] {
				g.block(f, d, emit)
			}
		}
		for _, d := range f.Blocks[b].Succs {
			for i := f.Blocks[d].Lo; i < f.Blocks[d].Hi && f.Instrs[i].Op == ir.Phi; i++ {
				emit(Node(g.base[f.ID]+i), Control, Same)
			}
		}
	}
}

// block emits the instructions of a block as control dependent.
func (g *Graph) block(f *ir.Func, b ir.BlockID, emit Emit) {
	for i := f.Blocks[b].Lo; i < f.Blocks[b].Hi; i++ {
		emit(Node(g.base[f.ID]+i), Control, Same)
	}
}

// usesOf emits the uses of a register.
func (g *Graph) usesOf(f *ir.Func, r ir.Reg, emit Emit) {
	for _, u := range g.funcs[f.ID].uses[r] {
		in := &f.Instrs[u.i]
		id := g.base[f.ID] + u.i
		if in.Op != ir.Call || u.op == 0 {
			emit(Node(id), Data, Same)
			continue
		}
		if u.op == 1 {
			emit(g.result(id), Data, Same)
			continue
		}
		g.passed(f, u.i, int(u.op-2), Data, Same, emit)
	}
}

// passed emits what depends on argument j of call i of f.
func (g *Graph) passed(f *ir.Func, i int32, j int, k Kind, w Way, emit Emit) {
	ref := ir.Ref{Func: f.ID, I: i}
	id := g.base[f.ID] + i
	emit(g.arg(id), k, w)
	_, external := g.kinds(ref, &f.Instrs[i])
	if external {
		emit(Node(id), k, w)
	}
	for _, t := range g.pts.Callees(ref) {
		tf := g.funcs[t]
		if tf == nil {
			continue
		}
		if j >= len(g.prog.Funcs[t].Params) {
			for _, v := range tf.va {
				emit(Node(g.base[t]+v), Passed, Down)
			}
			emit(g.result(id), Summary, w)
			continue
		}
		emit(g.param(t, j), Passed, Down)
		if tf.deps.has(int32(j)) {
			emit(g.result(id), Summary, w)
		}
	}
}

// written emits what reads what ref writes.
func (g *Graph) written(wk *Walk, ref ir.Ref, emit Emit) {
	for _, a := range g.mr.WriteAccesses(ref) {
		g.readersOf(wk, ref.Func, ref, a, emit)
	}
}

// readersOf emits what may read a, written at ref in f; ref.Func -1: at f's entry.
func (g *Graph) readersOf(wk *Walk, f ir.FuncID, ref ir.Ref, a modref.Access, emit Emit) {
	own := g.own(f, a.Obj)
	var l *live
	if wk != nil {
		if l = wk.readers[a.Obj]; l == nil {
			l = newLive(&g.readers[a.Obj])
			wk.readers[a.Obj] = l
		}
	}
	g.readers[a.Obj].each(l, a, func(t *touch) bool {
		rf := g.funcOf[t.id]
		to := ir.Ref{Func: rf, I: t.id - g.base[rf]}
		if ref.Func >= 0 && !g.flow.follows(ref, to) {
			return false
		}
		w := Free
		if own && rf == f {
			w = Same
		}
		if t.arg > 0 {
			g.passed(g.prog.Funcs[rf], to.I, int(t.arg-1), Memory, w, func(n Node, k Kind, v Way) bool {
				if w == Free {
					v = Free
				}
				return emit(n, k, v)
			})
			return false
		}
		return emit(Node(t.id), Memory, w)
	})
}

// own reports whether o is memory of the one activation of f that there can be.
func (g *Graph) own(f ir.FuncID, o pointer.ObjID) bool {
	ob := &g.pts.Objects[o]
	return ob.Kind == pointer.Local && ob.Func == f && g.pts.Single(o)
}

// Preds gives the nodes on which n depends.
func (g *Graph) Preds(n Node, emit Emit) { g.preds(n, nil, false, emit) }

// Preds is Graph.Preds without what emit is done with.
func (w *Walk) Preds(n Node, emit Emit) { w.g.preds(n, w, false, emit) }

// preds with local set leaves out what is not Same.
func (g *Graph) preds(n Node, wk *Walk, local bool, emit Emit) {
	role, ref := g.What(n)
	f := g.prog.Funcs[ref.Func]
	fn := g.funcs[ref.Func]
	switch role {
	case Arg:
		return
	case Entry:
		if !local && fn != nil {
			for _, e := range g.graph.In(ref.Func) {
				emit(g.Of(e.Site), Called, Up)
			}
		}
		return
	case Param:
		if local {
			return
		}
		for _, e := range g.graph.In(ref.Func) {
			if e.Callback {
				emit(g.Of(e.Site), Passed, Up)
				continue
			}
			g.argDefs(e.Site, int(ref.I), Passed, Up, emit)
		}
		return
	}
	in := &f.Instrs[ref.I]
	id := int32(g.Of(ref))
	internal, external := g.kinds(ref, in)
	if role == Result {
		if !internal {
			return
		}
		emit(Node(id), Control, Same)
		g.def(f, fn, in.B, Data, Same, emit)
		for _, t := range g.pts.Callees(ref) {
			tf := g.funcs[t]
			if tf == nil {
				continue
			}
			if !local {
				for _, r := range tf.rets {
					if g.prog.Funcs[t].Instrs[r].A.Kind != ir.NoVal {
						emit(Node(g.base[t]+r), Returned, Down)
					}
				}
			}
			for j := range in.Args {
				if j >= len(g.prog.Funcs[t].Params) || tf.deps.has(int32(j)) {
					g.argDefs(ref, j, Summary, Same, emit)
				}
			}
		}
		return
	}
	// Control.
	for _, b := range fn.ctrl[in.Block] {
		emit(Node(g.base[f.ID]+f.Blocks[b].Hi-1), Control, Same)
	}
	if fn.root[in.Block] {
		emit(g.entry(f.ID), Control, Same)
	}
	if in.Op == ir.Call && internal && !external {
		g.def(f, fn, in.A, Data, Same, emit)
		return
	}
	g.def(f, fn, in.A, Data, Same, emit)
	g.def(f, fn, in.B, Data, Same, emit)
	for _, v := range in.Args {
		g.def(f, fn, v, Data, Same, emit)
	}
	if in.Op == ir.Phi {
		for _, p := range f.Blocks[in.Block].Preds {
			emit(Node(g.base[f.ID]+f.Blocks[p].Hi-1), Control, Same)
		}
	}
	for _, a := range g.mr.ReadAccesses(ref) {
		g.writersOf(wk, f.ID, ref, a, local, emit)
	}
	if local {
		return
	}
	switch in.Op {
	case ir.Call:
		for _, cb := range g.pts.Callbacks(ref) {
			if tf := g.funcs[cb.Func]; tf != nil {
				for _, r := range tf.rets {
					if g.prog.Funcs[cb.Func].Instrs[r].A.Kind != ir.NoVal {
						emit(Node(g.base[cb.Func]+r), Returned, Down)
					}
				}
			}
		}
		for _, t := range g.pts.Callees(ref) {
			if m := g.pts.Model(t); m != nil && m.Slot != "" && (m.Gives || len(m.GivesIn) > 0) {
				for _, r := range g.keeps[m.Slot] {
					if g.flow.follows(r, ref) {
						emit(g.Of(r), Memory, Free)
					}
				}
			}
		}
	case ir.Builtin:
		if in.Name == "va_start" {
			for _, e := range g.graph.In(f.ID) {
				c := &g.prog.Funcs[e.Site.Func].Instrs[e.Site.I]
				for j := len(f.Params); j < len(c.Args); j++ {
					g.argDefs(e.Site, j, Passed, Up, emit)
				}
			}
		}
	}
}

// def emits what defines v.
func (g *Graph) def(f *ir.Func, fn *function, v ir.Value, k Kind, w Way, emit Emit) {
	if v.Kind != ir.VReg {
		return
	}
	d := f.Regs[v.ID].Def
	if d < 0 {
		if p, ok := fn.entry[ir.Reg(v.ID)]; ok {
			emit(g.param(f.ID, p), k, w)
		}
		return
	}
	emit(g.ResultOf(ir.Ref{Func: f.ID, I: d}), k, w)
}

// argDefs emits what defines argument j of a call, its bytes if it is a record.
func (g *Graph) argDefs(site ir.Ref, j int, k Kind, w Way, emit Emit) {
	f := g.prog.Funcs[site.Func]
	in := &f.Instrs[site.I]
	if j >= len(in.Args) {
		return
	}
	g.def(f, g.funcs[f.ID], in.Args[j], k, w, emit)
	if j < len(in.ArgTypes) && in.ArgTypes[j] != nil && in.ArgTypes[j].IsRecord() {
		for _, l := range g.pts.PointsTo(f.ID, in.Args[j]) {
			g.writersOf(nil, f.ID, site, modref.Access{Loc: l, Size: ctype.SizeOf(in.ArgTypes[j])}, false, func(n Node, k Kind, v Way) bool {
				if v == Same {
					v = w
				}
				return emit(n, k, v)
			})
		}
	}
}

// writersOf emits what may write a, read at ref.
func (g *Graph) writersOf(wk *Walk, f ir.FuncID, ref ir.Ref, a modref.Access, local bool, emit Emit) {
	own := g.own(f, a.Obj)
	if ob := &g.pts.Objects[a.Obj]; ob.Kind == pointer.Local {
		of := g.funcs[ob.Func]
		for k, o := range of.paramObj {
			if o == a.Obj {
				if own {
					emit(g.param(f, k), Memory, Same)
				} else if !local {
					emit(g.param(ob.Func, k), Memory, Free)
				}
			}
		}
	}
	if local && !own {
		return
	}
	var l *live
	if wk != nil {
		if l = wk.writers[a.Obj]; l == nil {
			l = newLive(&g.writers[a.Obj])
			wk.writers[a.Obj] = l
		}
	}
	g.writers[a.Obj].each(l, a, func(t *touch) bool {
		wf := g.funcOf[t.id]
		if local && wf != f {
			return false
		}
		from := ir.Ref{Func: wf, I: t.id - g.base[wf]}
		if !g.flow.follows(from, ref) {
			return false
		}
		w := Free
		if own && wf == f {
			w = Same
		}
		in := &g.prog.Funcs[wf].Instrs[from.I]
		internal, external := g.kinds(from, in)
		done := true
		if internal {
			done = emit(g.result(t.id), Memory, w)
		}
		if !internal || external {
			done = emit(Node(t.id), Memory, w) && done
		}
		return done
	})
}

// summaries finds for each procedure the parameters on which its result may
// depend inside one activation: through registers, control, its own memory, and
// the same of its callees. (Dependence through other memory needs no summary:
// such edges are not bound to a calling context.)
func (g *Graph) summaries() {
	order := g.graph.BottomUp()
	seen := make([]int32, g.Nodes())
	stamp := int32(0)
	for _, f := range order {
		if fn := g.funcs[f]; fn != nil {
			fn.deps = newBitset(len(g.prog.Funcs[f].Params) + 1)
		}
	}
	one := func(f ir.FuncID) bool {
		fn := g.funcs[f]
		if fn == nil || len(g.prog.Funcs[f].Params) == 0 {
			return false
		}
		stamp++
		changed := false
		var work []Node
		push := func(n Node, _ Kind, w Way) bool {
			if w == Same && seen[n] != stamp {
				seen[n] = stamp
				work = append(work, n)
			}
			return false
		}
		for _, r := range fn.rets {
			if g.prog.Funcs[f].Instrs[r].A.Kind != ir.NoVal {
				push(Node(g.base[f]+r), Data, Same)
			}
		}
		for len(work) > 0 {
			n := work[len(work)-1]
			work = work[:len(work)-1]
			if role, ref := g.What(n); role == Param {
				if ref.Func == f && !fn.deps.has(ref.I) {
					fn.deps.add(ref.I)
					changed = true
				}
				continue
			}
			g.preds(n, nil, true, push)
		}
		return changed
	}
	for lo := 0; lo < len(order); {
		hi := lo + 1
		for hi < len(order) && g.graph.SCC(order[hi]) == g.graph.SCC(order[lo]) {
			hi++
		}
		for again := true; again; {
			again = false
			for _, f := range order[lo:hi] {
				if one(f) && g.graph.Recursive(f) {
					again = true
				}
			}
		}
		lo = hi
	}
}

func (g *Graph) follows(a, b ir.Ref) bool { return g.flow.follows(a, b) }

// Entered reports whether procedure f may be entered after a has run.
func (g *Graph) Entered(a ir.Ref, f ir.FuncID) bool { return g.flow.entered(a, f) }

// Readers gives the instructions that may read loc (size bytes, -1: to the end
// of the object) after the instruction at has written it.
func (g *Graph) Readers(at ir.Ref, loc pointer.Loc, size int64, emit Emit) {
	l, n := g.pts.Span(loc, size)
	g.readersOf(nil, at.Func, at, modref.Access{Loc: l, Size: n}, emit)
}

// Writers gives the instructions that may write loc before the instruction at reads it.
func (g *Graph) Writers(at ir.Ref, loc pointer.Loc, size int64, emit Emit) {
	l, n := g.pts.Span(loc, size)
	g.writersOf(nil, at.Func, at, modref.Access{Loc: l, Size: n}, false, emit)
}

// All returns the nodes that stand for the instruction.
func (g *Graph) All(ref ir.Ref) []Node {
	n := g.Of(ref)
	if g.prog.Funcs[ref.Func].Instrs[ref.I].Op == ir.Call {
		return []Node{n, g.result(int32(n)), g.arg(int32(n))}
	}
	return []Node{n}
}

// Def gives what defines the value v, used in f.
func (g *Graph) Def(f ir.FuncID, v ir.Value, emit Emit) {
	g.def(g.prog.Funcs[f], g.funcs[f], v, Data, Same, emit)
}

func (g *Graph) controls(ref ir.Ref) []ir.Ref {
	f := g.prog.Funcs[ref.Func]
	var out []ir.Ref
	for _, b := range g.funcs[ref.Func].ctrl[f.Instrs[ref.I].Block] {
		out = append(out, ir.Ref{Func: ref.Func, I: f.Blocks[b].Hi - 1})
	}
	sort.Slice(out, func(i, j int) bool { return out[i].I < out[j].I })
	return slices.Compact(out)
}

// String names a node for debugging.
func (g *Graph) String(n Node) string {
	role, ref := g.What(n)
	var b strings.Builder
	b.WriteString([]string{"", "result ", "argument ", "entry ", "parameter "}[role])
	b.WriteString(g.prog.Funcs[ref.Func].Name)
	if ref.I >= 0 {
		b.WriteString("#")
		b.WriteString(itoa(ref.I))
	}
	return b.String()
}

func itoa(n int32) string {
	if n < 10 {
		return string(rune('0' + n))
	}
	return itoa(n/10) + string(rune('0'+n%10))
}
