package update

import (
	"encoding/binary"
	"slices"

	"saz/ir"
	"saz/passes"
	"saz/passes/persist"
	"saz/passes/pointer"
)

// Owners says which variables reach an object through any number of pointers. Objects that the same
// variables reach are of one class: there are few of those, however many objects there are.
//
// The graph of "a pointer in this object points at that one" is condensed to its components (Tarjan, "Depth-first search and
// linear graph algorithms", SIAM J. Comput. 1972), and the sets of variables flow through it once, as rows of
// bits. What an object's places point at are sets that many objects share, so each of these is a node of its own between
// the objects that have it and those in it. An object that is const leads where it was made to lead, and nowhere else.
//
// A variable in registers owns what no variable in memory leads to: all state of a program, perhaps, that main hands to the
// packets' loop. To anything else it is a view, as parameters are: what it leads to is the others' state.
type Owners struct {
	class []int32           // of an object; 0: nobody's
	vars  [][]persist.VarID // of a class, sorted
	seen  []bool            // of a class: variables in registers have a view of it
	graph *reachGraph
	node  map[persist.VarID]int32 // of graph, of a variable that is in registers
}

// Of returns the variables that reach o, sorted. It must not be changed.
func (w *Owners) Of(o pointer.ObjID) []persist.VarID { return w.vars[w.class[o]] }

// Seen reports whether variables in registers have a view of o, which they do not own.
func (w *Owners) Seen(o pointer.ObjID) bool { return w.seen[w.class[o]] }

// NewOwners looks at what roots reach.
func NewOwners(c *passes.Context, pt *pointer.Result, ps *persist.Result, roots []persist.VarID) *Owners {
	n := len(pt.Objects)
	g := &reachGraph{c: c, pt: pt, n: n, sets: map[setID]int32{}, succ: make([][]int32, n), known: make([]bool, n), index: make([]int32, n), low: make([]int32, n), comp: make([]int32, n)}
	w := &Owners{class: make([]int32, n), vars: [][]persist.VarID{nil}, seen: []bool{false}, graph: g, node: map[persist.VarID]int32{}}
	at := make([]int32, len(roots))
	for k, id := range roots {
		v := &ps.Vars[id]
		if at[k] = int32(v.Obj); v.Obj < 0 {
			at[k] = g.node([]int32{g.node(held(c, pt, v))})
			w.node[id] = at[k]
		}
		if g.index[at[k]] == 0 {
			g.visit(at[k])
		}
	}
	words := (len(roots) + 63) / 64
	rows := make([]uint64, len(g.order)*words)
	row := func(c int32) []uint64 { return rows[int(c)*words : (int(c)+1)*words] }
	for k := range roots {
		row(g.comp[at[k]])[k/64] |= 1 << (k % 64)
	}
	number := map[string]int32{}
	var key []byte
	own := map[pointer.ObjID]persist.VarID{} // roots that are opaque are their own only
	for _, id := range roots {
		if o := ps.Vars[id].Obj; o >= 0 && pt.Objects[o].Opaque {
			own[o] = id
		}
	}
	class := func(vars []persist.VarID, key string, seen bool) int32 {
		k, ok := number[key]
		if !ok {
			k = int32(len(w.vars))
			number[key] = k
			w.vars, w.seen = append(w.vars, vars), append(w.seen, seen)
		}
		return k
	}
	// Components come out successors first: from the last to the first each has all that it gets.
	for c := int32(len(g.order)) - 1; c >= 0; c-- {
		r := row(c)
		var vars []persist.VarID
		key = key[:0]
		for i, x := range r {
			key = binary.LittleEndian.AppendUint64(key, x)
			for b := 0; x != 0; b, x = b+1, x>>1 {
				if x&1 != 0 {
					vars = append(vars, roots[i*64+b])
				}
			}
		}
		slices.Sort(vars)
		vars, seen := owning(ps, vars)
		k := int32(-1)
		for _, v := range g.order[c] {
			if int(v) < n {
				o := pointer.ObjID(v)
				switch {
				case !pt.Objects[o].Opaque:
					if k < 0 {
						k = class(vars, string(key), seen)
					}
					w.class[o] = k
				default:
					if id, ok := own[o]; ok {
						w.class[o] = class([]persist.VarID{id}, "opaque"+string(binary.LittleEndian.AppendUint32(nil, uint32(id))), false)
					}
				}
			}
			for _, s := range g.succ[v] {
				if d := g.comp[s]; d != c {
					for i, x := range r {
						row(d)[i] |= x
					}
				}
			}
		}
	}
	return w
}

// owning returns those of vars, which lead to the same, that own it, and whether others have a view of it.
func owning(ps *persist.Result, vars []persist.VarID) (own []persist.VarID, seen bool) {
	inMemory := func(id persist.VarID) bool { return ps.Vars[id].Obj >= 0 }
	if !slices.ContainsFunc(vars, inMemory) {
		return vars, false
	}
	n := len(vars)
	own = slices.DeleteFunc(vars, func(id persist.VarID) bool { return !inMemory(id) })
	return own, len(own) < n
}

// held returns the objects that a variable in registers points at, sorted: what any version of it does.
func held(c *passes.Context, pt *pointer.Result, v *persist.Var) []int32 {
	var out []int32
	regs := c.Prog.Funcs[v.Proc].Regs
	for r := range regs {
		if regs[r].Local == v.Local {
			for _, l := range pt.PointsTo(v.Proc, ir.RegVal(ir.Reg(r))) {
				out = append(out, int32(l.Obj))
			}
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// A reachGraph has a node for each object, and from n on one for each set of places, and one for each variable in
// registers.
type reachGraph struct {
	c     *passes.Context
	pt    *pointer.Result
	n     int
	sets  map[setID]int32 // equal sets are shared
	succ  [][]int32
	known []bool
	index []int32 // 0: not visited
	low   []int32
	comp  []int32 // -1 on the stack
	stack []int32
	order [][]int32 // components, successors first
	count int32
}

type setID struct {
	first *pointer.Loc
	n     int
}

func (g *reachGraph) edges(v int32) []int32 {
	if g.known[v] {
		return g.succ[v]
	}
	g.known[v] = true
	var out []int32
	if init, ok := constant(g.c, g.pt, pointer.ObjID(v)); ok {
		for i := range init {
			if x := init[i].Value; x.Kind == ir.VGlobal {
				out = append(out, g.node([]int32{x.ID}))
			}
		}
		g.succ[v] = out
		return out
	}
	for _, set := range g.pt.ContentSets(pointer.ObjID(v)) {
		if len(set) == 0 {
			continue
		}
		id := setID{&set[0], len(set)}
		k, ok := g.sets[id]
		if !ok {
			var members []int32
			for i, l := range set {
				if i == 0 || l.Obj != set[i-1].Obj {
					members = append(members, int32(l.Obj))
				}
			}
			k = g.node(members)
			g.sets[id] = k
		}
		out = append(out, k)
	}
	g.succ[v] = out
	return out
}

// node makes a node for a set of objects.
func (g *reachGraph) node(members []int32) int32 {
	k := int32(len(g.succ))
	g.succ, g.known = append(g.succ, members), append(g.known, true)
	g.index, g.low, g.comp = append(g.index, 0), append(g.low, 0), append(g.comp, 0)
	return k
}

// visit is Tarjan's algorithm without recursion.
func (g *reachGraph) visit(root int32) {
	type frame struct {
		v    int32
		next int
	}
	enter := func(v int32) frame {
		g.count++
		g.index[v], g.low[v], g.comp[v] = g.count, g.count, -1
		g.stack = append(g.stack, v)
		g.edges(v)
		return frame{v, 0}
	}
	work := []frame{enter(root)}
	for len(work) > 0 {
		f := &work[len(work)-1]
		if f.next < len(g.succ[f.v]) {
			s := g.succ[f.v][f.next]
			f.next++
			switch {
			case g.index[s] == 0:
				work = append(work, enter(s))
			case g.comp[s] < 0:
				g.low[f.v] = min(g.low[f.v], g.index[s])
			}
			continue
		}
		v := f.v
		if g.low[v] == g.index[v] {
			c := int32(len(g.order))
			at := len(g.stack) - 1
			for g.stack[at] != v {
				at--
			}
			members := slices.Clone(g.stack[at:])
			for _, m := range members {
				g.comp[m] = c
			}
			g.order = append(g.order, members)
			g.stack = g.stack[:at]
		}
		work = work[:len(work)-1]
		if len(work) > 0 {
			p := work[len(work)-1].v
			g.low[p] = min(g.low[p], g.low[v])
		}
	}
}
