package sdg

import (
	"sync"

	"saz/ir"
	"saz/passes/callgraph"
)

// Control flow between procedures: which instruction may run after which.
//
// b may follow a if it does so inside a's procedure; or in a procedure called
// after a; or after a's procedure has returned to one of its callers. So paths
// match calls with returns, which alone keeps the set-up code of a program,
// which calls the same helpers, from seeming to run after its packet loop.
//
// Threads and handlers: two procedures that may run in different threads need
// no path; but what the main thread does before it starts a thread comes before
// all that the thread does.

type bitset []uint64

func newBitset(n int) bitset      { return make(bitset, (n+63)/64) }
func (b bitset) has(i int32) bool { return b[i>>6]&(1<<(i&63)) != 0 }
func (b bitset) add(i int32)      { b[i>>6] |= 1 << (i & 63) }
func (b bitset) or(c bitset) {
	for i, w := range c {
		b[i] |= w
	}
}

type flow struct {
	prog  *ir.Program
	graph *callgraph.Result
	all   bool // no entry: anything may follow anything

	down  []bitset // by component: functions that may run when one of it is called
	calls [][]siteCallees
	after []*region // by component: what may run after a function of it has returned

	mu      sync.Mutex
	reach   [][]bitset // by function: block → blocks that may follow its end
	segs    map[segKey]bitset
	threads [][]int32 // by function: roots (thread 0 is main)
	roots   []root
}

type siteCallees struct {
	at    int32
	edges []callgraph.Edge
}

type segKey struct {
	f    ir.FuncID
	b    ir.BlockID
	next int32 // index into calls of f of the first call that counts
}

type root struct {
	f     ir.FuncID
	sites []ir.Ref // where it is started; empty for main
	many  bool     // several instances may run, or it runs again and again
}

// A region is a part of the program: whole functions, and of others what
// stands at or after an index in each block.
type region struct {
	full bitset
	part map[ir.FuncID][]int32
}

func (r *region) has(f *ir.Func, i int32) bool {
	if r.full.has(int32(f.ID)) {
		return true
	}
	p := r.part[f.ID]
	return p != nil && i >= p[f.Instrs[i].Block]
}

func (r *region) add(s *region) {
	r.full.or(s.full)
	for f, p := range s.part {
		r.addPart(f, p)
	}
}

func (r *region) addPart(f ir.FuncID, p []int32) {
	if r.full.has(int32(f)) {
		delete(r.part, f)
		return
	}
	q := r.part[f]
	if q == nil {
		r.part[f] = append([]int32(nil), p...)
		return
	}
	for i, x := range p {
		q[i] = min(q[i], x)
	}
}

func newFlow(p *ir.Program, g *callgraph.Result) *flow {
	n := len(p.Funcs)
	fl := &flow{prog: p, graph: g, all: p.Entry < 0, reach: make([][]bitset, n), segs: map[segKey]bitset{}, calls: make([][]siteCallees, n)}
	comps := 0
	for _, f := range p.Funcs {
		comps = max(comps, g.SCC(f.ID)+1)
		for _, e := range g.Out(f.ID) {
			l := fl.calls[f.ID]
			if k := len(l); k > 0 && l[k-1].at == e.Site.I {
				l[k-1].edges = append(l[k-1].edges, e)
			} else {
				fl.calls[f.ID] = append(l, siteCallees{e.Site.I, []callgraph.Edge{e}})
			}
		}
	}
	// Components are numbered callees first.
	fl.down = make([]bitset, comps)
	for _, f := range g.BottomUp() {
		c := g.SCC(f)
		if fl.down[c] == nil {
			fl.down[c] = newBitset(n)
		}
		fl.down[c].add(int32(f))
		for _, e := range g.Out(f) {
			if d := g.SCC(e.Callee); d != c {
				fl.down[c].or(fl.down[d])
			}
		}
	}
	if fl.all {
		return fl
	}
	fl.after = make([]*region, comps)
	order := g.BottomUp()
	for i := len(order) - 1; i >= 0; i-- {
		f := order[i]
		c := g.SCC(f)
		if fl.after[c] == nil {
			fl.after[c] = &region{full: newBitset(n), part: map[ir.FuncID][]int32{}}
		}
		r := fl.after[c]
		for _, e := range g.In(f) {
			if e.Callback {
				r.full.or(fl.down[c]) // it may be called again
			}
			if e.Async() {
				continue // it returns to nobody
			}
			fl.tail(e.Site, r)
			if d := g.SCC(e.Site.Func); d != c && fl.after[d] != nil {
				r.add(fl.after[d])
			}
		}
	}
	fl.findThreads()
	return fl
}

// tail adds what may run after the call at ref in its procedure.
func (fl *flow) tail(ref ir.Ref, r *region) {
	f := fl.prog.Funcs[ref.Func]
	b := f.Instrs[ref.I].Block
	rb := fl.blocksAfter(f.ID, b)
	p := make([]int32, len(f.Blocks))
	for i := range p {
		switch {
		case rb.has(int32(i)):
			p[i] = 0
		case ir.BlockID(i) == b:
			p[i] = ref.I + 1
		default:
			p[i] = 1 << 30
		}
	}
	r.addPart(f.ID, p)
	r.full.or(fl.segment(ref, false))
}

// blocksAfter returns the blocks that may run after the end of b.
func (fl *flow) blocksAfter(f ir.FuncID, b ir.BlockID) bitset {
	if fl.reach[f] == nil {
		fl.reach[f] = make([]bitset, len(fl.prog.Funcs[f].Blocks))
	}
	if r := fl.reach[f][b]; r != nil {
		return r
	}
	blocks := fl.prog.Funcs[f].Blocks
	r := newBitset(len(blocks))
	work := append([]ir.BlockID(nil), blocks[b].Succs...)
	for len(work) > 0 {
		x := work[len(work)-1]
		work = work[:len(work)-1]
		if !r.has(int32(x)) {
			r.add(int32(x))
			work = append(work, blocks[x].Succs...)
		}
	}
	fl.reach[f][b] = r
	return r
}

// segment returns the functions that may run when control goes on in ref's
// procedure after ref (or with it, if self).
func (fl *flow) segment(ref ir.Ref, self bool) bitset {
	f := fl.prog.Funcs[ref.Func]
	b := f.Instrs[ref.I].Block
	calls := fl.calls[ref.Func]
	next := int32(0)
	for int(next) < len(calls) && (calls[next].at < ref.I || calls[next].at == ref.I && !self) {
		next++
	}
	k := segKey{ref.Func, b, next}
	if s, ok := fl.segs[k]; ok {
		return s
	}
	s := newBitset(len(fl.prog.Funcs))
	rb := fl.blocksAfter(ref.Func, b)
	for i, c := range calls {
		cb := f.Instrs[c.at].Block
		if rb.has(int32(cb)) || cb == b && int32(i) >= next {
			for j := range c.edges {
				s.or(fl.down[fl.graph.SCC(c.edges[j].Callee)])
			}
		}
	}
	fl.segs[k] = s
	return s
}

func (fl *flow) findThreads() {
	fl.roots = []root{{f: fl.prog.Entry}}
	at := map[ir.FuncID]int{}
	for _, f := range fl.prog.Funcs {
		for _, e := range fl.graph.Out(f.ID) {
			if !e.Async() {
				continue
			}
			i, ok := at[e.Callee]
			if !ok {
				i = len(fl.roots)
				at[e.Callee] = i
				fl.roots = append(fl.roots, root{f: e.Callee})
			}
			r := &fl.roots[i]
			r.sites = append(r.sites, e.Site)
			b := f.Instrs[e.Site.I].Block
			r.many = r.many || e.How.Signal || len(r.sites) > 1 || fl.blocksAfter(f.ID, b).has(int32(b))
		}
	}
	if len(fl.roots) == 1 {
		return
	}
	fl.threads = make([][]int32, len(fl.prog.Funcs))
	for i := range fl.roots {
		for _, g := range fl.graph.ReachableSync(fl.roots[i].f) {
			fl.threads[g] = append(fl.threads[g], int32(i))
		}
	}
}

// follows reports whether b may run after a.
func (fl *flow) follows(a, b ir.Ref) bool {
	if fl.all {
		return true
	}
	fl.mu.Lock()
	defer fl.mu.Unlock()
	return fl.path(a, b) || fl.parallel(a, b)
}

func (fl *flow) path(a, b ir.Ref) bool {
	fa, fb := fl.prog.Funcs[a.Func], fl.prog.Funcs[b.Func]
	ba := fa.Instrs[a.I].Block
	if a.Func == b.Func {
		bb := fb.Instrs[b.I].Block
		if ba == bb && b.I > a.I || fl.blocksAfter(a.Func, ba).has(int32(bb)) {
			return true
		}
	}
	return fl.segment(a, true).has(int32(b.Func)) || fl.after[fl.graph.SCC(a.Func)].has(fb, b.I)
}

// entered reports whether f may be entered after a, or is what a is in.
func (fl *flow) entered(a ir.Ref, f ir.FuncID) bool {
	if fl.all || a.Func == f {
		return true
	}
	fl.mu.Lock()
	defer fl.mu.Unlock()
	return fl.segment(a, true).has(int32(f)) || fl.after[fl.graph.SCC(a.Func)].full.has(int32(f)) || len(fl.prog.Funcs[f].Instrs) > 0 && fl.parallel(a, ir.Ref{Func: f})
}

func (fl *flow) parallel(a, b ir.Ref) bool {
	if fl.threads == nil {
		return false
	}
	for _, x := range fl.threads[a.Func] {
		for _, y := range fl.threads[b.Func] {
			switch {
			case x == y:
				if fl.roots[x].many {
					return true
				}
			case y != 0:
				return true
			default:
				// b in main: only after the thread of a was started.
				for _, s := range fl.roots[x].sites {
					if fl.path(s, b) {
						return true
					}
				}
			}
		}
	}
	return false
}
