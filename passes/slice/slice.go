package slice

import (
	"fmt"
	"slices"
	"sync"

	"saz/frontend/source"
	"saz/ir"
	"saz/passes"
	"saz/passes/modref"
	"saz/passes/pointer"
	"saz/passes/sdg"
)

// Result gives slices on demand, one at a time.
type Result struct {
	prog *ir.Program
	pts  *pointer.Result
	mr   *modref.Result
	g    *sdg.Graph

	mu    sync.Mutex
	walk  *sdg.Walk // working memory of a traversal
	queue [2][]item
}

func newResult(c *passes.Context) *Result {
	return New(c.Prog, pointer.Of(c), modref.Of(c), sdg.Of(c))
}

// New returns the slicer of p.
func New(p *ir.Program, pts *pointer.Result, mr *modref.Result, g *sdg.Graph) *Result {
	return &Result{prog: p, pts: pts, mr: mr, g: g}
}

// A set is the visited part of the graph. A node is visited in one or both of
// two states, as in the two phases of Horwitz, Reps and Binkley: free, from where
// the slice may go out of the procedure to any caller, and inner, entered from
// a caller to which only summary edges lead back. Edges through memory are bound
// to no caller, so they lead to the free state.
type set struct {
	r       *Result
	forward bool
	state   []uint8             // by node
	start   []item              // what the walk began with
	keep    func(sdg.Node) bool // which nodes it might enter; nil: all

	traced sync.Once
	parent []sdg.Node // how a node was first reached, -1: it is a criterion; see trace
	kind   []sdg.Kind

	count   int
	only    bool                 // a chop: no paths of its own
	entered func(ir.FuncID) bool // told of procedures that have an instruction in the slice, perhaps more than once; true: that is enough
	from    *set
}

// Bits of a state.
const (
	free    = 1
	inner   = 2
	has     = 4 // the instruction is in the slice
	refused = 8
)

type item struct {
	n     sdg.Node
	state uint8
}

func (r *Result) newSet(forward bool) *set {
	return &set{r: r, forward: forward, state: make([]uint8, r.g.Nodes())}
}

// trace finds out how s came to its nodes. Most slices are never asked, and most of the time that a walk takes goes by waiting for memory.
func (s *set) trace() {
	s.traced.Do(func() {
		n := len(s.state)
		again := &set{r: s.r, forward: s.forward, state: make([]uint8, n), parent: make([]sdg.Node, n), kind: make([]sdg.Kind, n)}
		for i := range again.parent {
			again.parent[i] = -1
		}
		again.walk(s.start, s.keep)
		s.parent, s.kind = again.parent, again.kind
	})
}

// walk goes to all that start leads to. keep says which nodes may be entered; nil: all. If s has room for the ways, it is a
// breadth-first search, so that they are shortest. Otherwise any order will do, and depth first is faster: the next node is
// often close to the last in memory. What is free comes before what is inner then, so that few nodes are visited in both states.
func (s *set) walk(start []item, keep func(sdg.Node) bool) {
	s.r.mu.Lock()
	defer s.r.mu.Unlock()
	s.start, s.keep = start, keep
	deep := s.parent == nil
	queue, later := s.r.queue[0][:0], s.r.queue[1][:0]
	enough := false
	if s.r.walk == nil {
		s.r.walk = s.r.g.Walk()
	}
	wk := s.r.walk
	wk.Reset()
	visit := func(n sdg.Node, state uint8, from sdg.Node, k sdg.Kind) {
		old := s.state[n]
		if old&(free|refused) != 0 || old&state != 0 {
			return
		}
		if old == 0 {
			if keep != nil && !keep(n) {
				s.state[n] = refused
				return
			}
			if !deep {
				s.parent[n], s.kind[n] = from, k
			}
		}
		s.state[n] |= state
		if deep && state != free {
			later = append(later, item{n, state})
		} else {
			queue = append(queue, item{n, state})
		}
		if old == 0 && s.entered != nil && !enough {
			role, ref := s.r.g.What(n)
			enough = role == sdg.Instr && s.entered(ref.Func)
		}
	}
	for _, it := range start {
		visit(it.n, it.state, -1, sdg.Data)
	}
	var it item
	emit := func(to sdg.Node, k sdg.Kind, w sdg.Way) {
		st := it.state
		switch w {
		case sdg.Down:
			st = inner
		case sdg.Up:
			if st != free {
				return
			}
		case sdg.Free:
			st = free
		}
		visit(to, st, it.n, k)
	}
	for i := 0; !enough; i++ {
		switch {
		case !deep && i < len(queue):
			it = queue[i]
		case deep && len(queue) > 0:
			it = queue[len(queue)-1]
			queue = queue[:len(queue)-1]
		case deep && len(later) > 0:
			it = later[len(later)-1]
			later = later[:len(later)-1]
		default:
			enough = true
			continue
		}
		if s.state[it.n]&free != 0 && it.state != free {
			continue // reached freely since
		}
		if s.forward {
			wk.Succs(it.n, emit)
		} else {
			wk.Preds(it.n, it.state == inner, emit)
		}
	}
	s.r.queue = [2][]item{queue, later}
	for i := range s.state {
		s.state[i] &^= refused
	}
}

// after limits a forward slice to what may run once one of the criteria has.
func (r *Result) after(from []ir.Ref) func(sdg.Node) bool {
	start := map[ir.Ref]bool{}
	for _, f := range from {
		start[f] = true
	}
	scope := r.g.After(from)
	return func(n sdg.Node) bool {
		role, ref := r.g.What(n)
		if role == sdg.Entry || role == sdg.Param {
			return scope.Entered(ref.Func)
		}
		if (role == sdg.Result || role == sdg.Instr && len(r.pts.Callbacks(ref)) > 0) && scope.Has(ir.Ref{Func: ref.Func, I: ref.I + 1}) {
			return true // a call has its result when what it called has run, and a library function goes on after that
		}
		return scope.Has(ref) || start[ref]
	}
}

func (r *Result) forward(from []ir.Ref, entered func(ir.FuncID) bool) *Set {
	s := r.newSet(true)
	s.entered = entered
	var start []item
	for _, f := range from {
		start = append(start, item{r.g.Of(f), free})
		if n := r.g.ResultOf(f); n != r.g.Of(f) {
			start = append(start, item{n, free})
		}
	}
	s.walk(start, r.after(from))
	s.finish(from)
	return &Set{s}
}

func (r *Result) forwardLoc(at ir.Ref, locs []pointer.Loc, dst bool) *Set {
	s := r.newSet(true)
	var start []item
	add := func(to sdg.Node, _ sdg.Kind, _ sdg.Way) { start = append(start, item{to, free}) }
	in := &r.prog.Funcs[at.Func].Instrs[at.I]
	written := make([]modref.Access, len(locs))
	for i, l := range locs {
		written[i] = modref.Access{Loc: l, Size: 1}
		for _, a := range r.mr.WriteAccesses(at) {
			if a.Loc == l {
				written[i].Size = a.Size
			}
		}
	}
	r.g.Readers(at, written, add)
	if dst && in.Dst >= 0 {
		r.g.Succs(r.g.ResultOf(at), func(to sdg.Node, k sdg.Kind, w sdg.Way) {
			if k == sdg.Data || k == sdg.Passed || k == sdg.Summary {
				add(to, k, w)
			}
		})
	}
	if in.Op == ir.Call && len(r.pts.Callbacks(at)) > 0 {
		r.g.Succs(r.g.Of(at), func(to sdg.Node, _ sdg.Kind, w sdg.Way) {
			if role, _ := r.g.What(to); (role == sdg.Entry || role == sdg.Param) && w == sdg.Down {
				start = append(start, item{to, inner})
			}
		})
	}
	s.walk(start, r.after([]ir.Ref{at}))
	s.finish(nil)
	return &Set{s}
}

func (r *Result) backward(from []ir.Ref) *Set {
	s := r.newSet(false)
	var start []item
	for _, f := range from {
		start = append(start, item{r.g.Of(f), free})
		if n := r.g.ResultOf(f); n != r.g.Of(f) {
			start = append(start, item{n, free})
		}
		start = append(start, r.arguments(f)...)
	}
	s.walk(start, nil)
	s.finish(from)
	return &Set{s}
}

// arguments gives what defines the arguments of a call of a procedure of the
// program and what they point at: the criterion is the call, and its own node
// stands only for its being run.
func (r *Result) arguments(at ir.Ref) []item {
	f := r.prog.Funcs[at.Func]
	in := &f.Instrs[at.I]
	if in.Op != ir.Call || r.g.ResultOf(at) == r.g.Of(at) {
		return nil
	}
	var start []item
	add := func(to sdg.Node, _ sdg.Kind, _ sdg.Way) { start = append(start, item{to, free}) }
	var read []modref.Access
	for _, v := range in.Args {
		r.g.Def(at.Func, v, add)
		for _, l := range r.pts.PointsTo(at.Func, v) {
			read = append(read, modref.Access{Loc: l, Size: -1})
		}
	}
	r.g.Writers(at, read, add)
	return start
}

func (r *Result) backwardCall(at ir.Ref) *Set {
	s := r.newSet(false)
	start := append([]item{{r.g.Of(at), free}}, r.arguments(at)...)
	s.walk(start, nil)
	s.finish([]ir.Ref{at})
	return &Set{s}
}

// finish marks the instructions that are in the slice.
func (s *set) finish(from []ir.Ref) {
	for n := range s.state {
		if s.state[n] == 0 {
			continue
		}
		if role, ref := s.r.g.What(sdg.Node(n)); role <= sdg.Arg {
			s.mark(ref)
		}
	}
	for _, f := range from {
		s.mark(f)
	}
}

func (s *set) mark(ref ir.Ref) {
	n := s.r.g.Of(ref)
	if s.state[n]&has == 0 {
		s.state[n] |= has
		s.count++
	}
}

func chop(from, to *Set) *Set {
	s := &set{r: from.r, forward: true, state: make([]uint8, len(from.state)), only: true, from: from.set}
	for n := range s.state {
		if from.state[n]&to.state[n]&has != 0 {
			s.state[n] = has
			s.count++
		}
	}
	return &Set{s}
}

func (s *set) has(ref ir.Ref) bool { return s.state[s.r.g.Of(ref)]&has != 0 }
func (s *set) len() int            { return s.count }

func (s *set) each(f func(ir.Ref)) {
	for n, st := range s.state[:s.r.g.Instrs()] {
		if st&has != 0 {
			_, ref := s.r.g.What(sdg.Node(n))
			f(ref)
		}
	}
}

func (s *set) procs() []ir.FuncID {
	var out []ir.FuncID
	s.each(func(ref ir.Ref) {
		if n := len(out); n == 0 || out[n-1] != ref.Func {
			out = append(out, ref.Func)
		}
	})
	return out
}

func (s *set) path(ref ir.Ref) []passes.Why {
	if !s.has(ref) {
		return nil
	}
	if s.only {
		return s.from.path(ref)
	}
	s.trace()
	// The best of the instruction's nodes: the one with the shortest way.
	var best []sdg.Node
	for _, n := range s.r.g.All(ref) {
		if s.state[n]&(free|inner) == 0 {
			continue
		}
		var p []sdg.Node
		for ; n >= 0; n = s.parent[n] {
			p = append(p, n)
		}
		if best == nil || len(p) < len(best) {
			best = p
		}
	}
	if best == nil {
		return []passes.Why{s.why(s.r.g.Of(ref), 0, true)}
	}
	var out []passes.Why
	if s.forward {
		slices.Reverse(best)
		for i, n := range best {
			w := s.why(n, s.kind[n], i == 0)
			out = appendWhy(out, w)
		}
		return out
	}
	// From ref to the criterion: a node's edge was found from the one that follows.
	for i, n := range best {
		k := sdg.Data
		if i > 0 {
			k = s.kind[best[i-1]]
		}
		out = appendWhy(out, s.why(n, k, i == 0))
	}
	return out
}

// appendWhy leaves out steps that say the same as the last.
func appendWhy(l []passes.Why, w passes.Why) []passes.Why {
	if n := len(l); n > 0 && l[n-1].Pos == w.Pos && (l[n-1].Text == w.Text || w.Text == "") {
		return l
	}
	if w.Text == "" {
		return l
	}
	return append(l, w)
}

// why describes node n, reached through an edge of kind k.
func (s *set) why(n sdg.Node, k sdg.Kind, first bool) passes.Why {
	role, ref := s.r.g.What(n)
	f := s.r.prog.Funcs[ref.Func]
	switch role {
	case sdg.Entry:
		return passes.Why{Pos: f.Pos, Text: f.Name + " is called"}
	case sdg.Param:
		name := fmt.Sprintf("argument %d", ref.I+1)
		pos := f.Pos
		if int(ref.I) < len(f.Params) {
			l := &f.Locals[f.Params[ref.I]]
			name = l.Name
			if l.Pos != (source.Pos{}) {
				pos = l.Pos
			}
		}
		return passes.Why{Pos: pos, Text: fmt.Sprintf("it is %s of %s", name, f.Name)}
	}
	in := &f.Instrs[ref.I]
	w := passes.Why{Pos: passes.SourcePos(s.r.prog, in.Pos)}
	if in.Op == ir.Jump {
		return w
	}
	text := passes.TokenText(s.r.prog, in.Pos)
	if role == sdg.Arg {
		w.Text = text + " is given it"
		return w
	}
	switch {
	case first:
		w.Text = text
	case k == sdg.Memory && s.forward:
		w.Text = fmt.Sprintf("%s reads it%s", text, s.place(ref, true))
	case k == sdg.Memory:
		w.Text = fmt.Sprintf("%s reads it%s", text, s.place(ref, true))
	case k == sdg.Control && in.Op != ir.Phi:
		w.Text = fmt.Sprintf("it decides whether %s runs", text)
	case k == sdg.Returned:
		w.Text = "it is returned: " + text
	default:
		w.Text = "used in " + text
	}
	return w
}

// place names what an instruction reads, if that is one object.
func (s *set) place(ref ir.Ref, read bool) string {
	acc := s.r.mr.ReadAccesses(ref)
	if len(acc) == 0 || acc[0].Obj != acc[len(acc)-1].Obj {
		return ""
	}
	if len(acc) == 1 {
		return " from " + s.r.pts.LocName(acc[0].Loc)
	}
	return " from " + s.r.pts.Name(acc[0].Obj)
}
