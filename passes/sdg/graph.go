package sdg

import (
	"runtime"
	"slices"
	"sort"
	"strconv"
	"strings"
	"sync"

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

// String names a kind for people.
func (k Kind) String() string {
	return [...]string{"data", "memory", "control", "call", "argument", "return", "through the call"}[k]
}

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

// An Emit receives the edges of a node.
type Emit func(to Node, k Kind, w Way)

// A Graph is the system dependence graph; edges are worked out when asked for.
type Graph struct {
	prog  *ir.Program
	pts   *pointer.Result
	mr    *modref.Result
	graph *callgraph.Result
	flow  *flow

	base      []int32              // by function: its first instruction's node
	blocks    int32                // how many there are
	blockBase []int32              // by function: its first block, counted over all
	n         int32                // instructions
	calls     []int32              // the calls' nodes, in order
	callOf    []int32              // by instruction: index into calls, or -1
	kind      []uint8              // by call: internal, external
	reach     [][]ir.FuncID        // by call: callees
	backs     [][]pointer.Callback // by call: what it makes a library call back
	params    []int32              // by function: first parameter, counted over all
	funcs     []function

	paramFunc []ir.FuncID
	regBase   []int32 // by function: first register, counted over all
	useStart  []int32 // by register: its uses
	uses      []Node  // what depends on it; the complement of an index into argUses where that is what a call's argument stands for
	argUses   []argUse

	plain   plain
	mem     memory
	guard   map[int32]*guard // by load
	guarded bitset           // parts of those
	guardIn []bool           // by function: it has some

	keeps, gives map[string][]ir.Ref // by library slot

	deps     []bitset // by function: parameters on which the result may depend; nil not yet known
	depsSeen []int32
	depsNow  int32
}

// A function is what the graph knows of a procedure with a body.
type function struct {
	ctrl     [][]ir.BlockID // by block: branches that control it
	controls [][]ir.BlockID // by block: blocks that its branch controls
	root     []bool         // by block: runs whenever the function does
	entryReg []ir.Reg       // by parameter: its value on entry, -1 none
	rets     []int32        // those that return a value
	va       []int32        // va_start
}

// An argUse is argument j of the call i of its procedure.
type argUse struct{ i, j int32 }

const (
	internal = 1 // a call may reach procedures of the program
	external = 2 // a call may reach anything else
)

func run(c *passes.Context) (any, error) {
	return Build(c.Prog, c.Models, pointer.Of(c), modref.Of(c), callgraph.Of(c), c.Jobs), nil
}

// Build makes the graph of p.
func Build(p *ir.Program, ms *models.Set, pts *pointer.Result, mr *modref.Result, cg *callgraph.Result, jobs int) *Graph {
	g := &Graph{prog: p, pts: pts, mr: mr, graph: cg, keeps: map[string][]ir.Ref{}, gives: map[string][]ir.Ref{}}
	np, nr := int32(0), int32(0)
	for _, f := range p.Funcs {
		g.base = append(g.base, g.n)
		g.params = append(g.params, np)
		g.regBase = append(g.regBase, nr)
		g.n += int32(len(f.Instrs))
		np += int32(len(f.Params))
		nr += int32(len(f.Regs))
		for range f.Params {
			g.paramFunc = append(g.paramFunc, f.ID)
		}
	}
	g.funcs = make([]function, len(p.Funcs))
	var wg sync.WaitGroup
	jobs = max(jobs, 1)
	for j := range jobs {
		wg.Go(func() {
			for i := j; i < len(p.Funcs); i += jobs {
				if len(p.Funcs[i].Blocks) > 0 {
					g.function(p.Funcs[i])
				}
			}
		})
	}
	wg.Go(func() { g.flow = newFlow(p, pts, cg) })
	g.number()
	g.indexUses(nr)
	g.indexMemory()
	wg.Wait()
	g.indexPlain()
	g.guards()
	g.deps = make([]bitset, len(p.Funcs))
	g.prepare()
	return g
}

// prepare works out what every slice would ask for first.
func (g *Graph) prepare() {
	n := g.mr.Parts()
	owned, guarded := modref.NewBits(n), modref.NewBits(n)
	for p := range int32(n) {
		if !g.mem.reads.parts.Has(p) && !g.mem.writes.parts.Has(p) {
			continue
		}
		row := g.overlap(modref.PartID(p))
		if row.Meets(g.mem.writes.owned) {
			owned.Add(p)
		}
		if row.Meets(g.guarded) {
			guarded.Add(p)
		}
	}
	g.mem.owned, g.mem.guarded = owned, guarded
	for _, f := range g.prog.Funcs {
		if g.defined(f.ID) {
			g.summary(f.ID)
		}
	}
	if g.n > large {
		runtime.GC() // now, and not in the midst of a slice
	}
}

// large is of how many instructions a graph leaves so much behind when it is made that it is worth while to collect it.
const large = 1 << 19

// number finds the calls, and what they may reach.
func (g *Graph) number() {
	g.callOf = make([]int32, g.n)
	g.plain.of = make([]plainInstr, g.n+1)
	for _, f := range g.prog.Funcs {
		first := g.blocks
		g.blockBase = append(g.blockBase, first)
		g.blocks += int32(len(f.Blocks))
		for i := range f.Instrs {
			id := g.base[f.ID] + int32(i)
			g.plain.of[id].fn = f.ID
			g.plain.of[id].block = first + int32(f.Instrs[i].Block)
			g.callOf[id] = -1
			if f.Instrs[i].Op != ir.Call {
				continue
			}
			ref := ir.Ref{Func: f.ID, I: int32(i)}
			g.callOf[id] = int32(len(g.calls))
			g.calls = append(g.calls, id)
			g.reach = append(g.reach, g.pts.Callees(ref))
			g.backs = append(g.backs, g.pts.Callbacks(ref))
			g.kind = append(g.kind, g.targets(g.callees(id)))
			for _, t := range g.callees(id) {
				m := g.pts.Model(t)
				if m == nil {
					continue
				}
				for _, slot := range m.In() {
					g.keeps[slot] = append(g.keeps[slot], ref)
				}
				for _, slot := range m.Out() {
					g.gives[slot] = append(g.gives[slot], ref)
				}
			}
		}
	}
}

func (g *Graph) callees(id int32) []ir.FuncID          { return g.reach[g.callOf[id]] }
func (g *Graph) callbacks(id int32) []pointer.Callback { return g.backs[g.callOf[id]] }

func (g *Graph) targets(l []ir.FuncID) uint8 {
	k := uint8(0)
	for _, t := range l {
		if len(g.prog.Funcs[t].Blocks) > 0 {
			k |= internal
		} else {
			k |= external
		}
	}
	if len(l) == 0 {
		k = external
	}
	return k
}

// indexUses lists the uses of all registers, in two passes.
func (g *Graph) indexUses(regs int32) {
	const a, b = -2, -1 // operands; from 0 on: arguments
	g.useStart = make([]int32, regs+1)
	each := func(note func(r, id int32, op int)) {
		for _, f := range g.prog.Funcs {
			base := g.regBase[f.ID]
			for i := range f.Instrs {
				in, id := &f.Instrs[i], g.base[f.ID]+int32(i)
				if in.A.Kind == ir.VReg {
					note(base+in.A.ID, id, a)
				}
				if in.B.Kind == ir.VReg {
					note(base+in.B.ID, id, b)
				}
				for j := range in.Args {
					if in.Args[j].Kind == ir.VReg {
						note(base+in.Args[j].ID, id, j)
					}
				}
			}
		}
	}
	each(func(r, _ int32, _ int) { g.useStart[r+1]++ })
	for r := range regs {
		g.useStart[r+1] += g.useStart[r]
	}
	g.uses = make([]Node, g.useStart[regs])
	next := slices.Clone(g.useStart[:regs])
	each(func(r, id int32, op int) {
		to := Node(id)
		switch {
		case g.callOf[id] < 0 || op == a:
		case op == b:
			to = g.result(id)
		default:
			to = ^Node(len(g.argUses))
			g.argUses = append(g.argUses, argUse{id - g.base[g.plain.of[id].fn], int32(op)})
		}
		g.uses[next[r]] = to
		next[r]++
	})
}

func (g *Graph) function(f *ir.Func) {
	fn := &g.funcs[f.ID]
	fn.entryReg = make([]ir.Reg, len(f.Params))
	for k := range fn.entryReg {
		fn.entryReg[k] = -1
	}
	for r := range f.Regs {
		if info := &f.Regs[r]; info.Def < 0 && info.Local >= 0 {
			if k := slices.Index(f.Params, info.Local); k >= 0 {
				fn.entryReg[k] = ir.Reg(r)
			}
		}
	}
	for i := range f.Instrs {
		switch in := &f.Instrs[i]; {
		case in.Op == ir.Ret && in.A.Kind != ir.NoVal:
			fn.rets = append(fn.rets, int32(i))
		case in.Op == ir.Builtin && in.Name == "va_start":
			fn.va = append(fn.va, int32(i))
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
}

func (g *Graph) defined(f ir.FuncID) bool { return len(g.prog.Funcs[f].Blocks) > 0 }

// Nodes: instructions, then the results and then the arguments of calls,
// entries, parameters.

// Of returns the node of an instruction.
func (g *Graph) Of(ref ir.Ref) Node { return Node(g.base[ref.Func] + ref.I) }

func (g *Graph) result(id int32) Node { return Node(g.n + g.callOf[id]) }
func (g *Graph) arg(id int32) Node    { return Node(g.n + int32(len(g.calls)) + g.callOf[id]) }
func (g *Graph) entry(f ir.FuncID) Node {
	return Node(g.n + 2*int32(len(g.calls)) + int32(f))
}
func (g *Graph) param(f ir.FuncID, k int) Node {
	return Node(g.n + 2*int32(len(g.calls)) + int32(len(g.prog.Funcs)) + g.params[f] + int32(k))
}

// Nodes counts the nodes.
func (g *Graph) Nodes() int {
	return int(g.n) + 2*len(g.calls) + len(g.prog.Funcs) + len(g.paramFunc)
}

// Instrs counts the instructions, whose nodes come first.
func (g *Graph) Instrs() int { return int(g.n) }

// What tells what a node is. Ref.I is the parameter's index for a Param and -1
// for an Entry.
func (g *Graph) What(n Node) (Role, ir.Ref) {
	id, role := int32(n), Instr
	if id >= g.n {
		nc := int32(len(g.calls))
		switch id -= g.n; {
		case id < nc:
			role = Result
		case id < 2*nc:
			role = Arg
			id -= nc
		case id < 2*nc+int32(len(g.prog.Funcs)):
			return Entry, ir.Ref{Func: ir.FuncID(id - 2*nc), I: -1}
		default:
			k := id - 2*nc - int32(len(g.prog.Funcs))
			f := g.paramFunc[k]
			return Param, ir.Ref{Func: f, I: k - g.params[f]}
		}
		id = g.calls[id]
	}
	f := g.plain.of[id].fn
	return role, ir.Ref{Func: f, I: id - g.base[f]}
}

// kinds tells whether a call may reach procedures of the program, and whether
// anything else.
func (g *Graph) kinds(id int32) (in, out bool) {
	c := g.callOf[id]
	if c < 0 {
		return false, false
	}
	return g.kind[c]&internal != 0, g.kind[c]&external != 0
}

// ResultOf returns the node of a call's result, or of any other instruction's.
func (g *Graph) ResultOf(ref ir.Ref) Node {
	n := g.Of(ref)
	if in, _ := g.kinds(int32(n)); in {
		return g.result(int32(n))
	}
	return n
}

// All returns the nodes that stand for the instruction.
func (g *Graph) All(ref ir.Ref) []Node {
	n := g.Of(ref)
	if g.callOf[n] >= 0 {
		return []Node{n, g.result(int32(n)), g.arg(int32(n))}
	}
	return []Node{n}
}

func (g *Graph) follows(a, b ir.Ref) bool { return g.flow.follows(a, b) }

// Entered reports whether procedure f may be entered after a has run.
func (g *Graph) Entered(a ir.Ref, f ir.FuncID) bool { return g.flow.entered(a, f) }

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
		b.WriteString("#" + strconv.Itoa(int(ref.I)))
	}
	return b.String()
}
