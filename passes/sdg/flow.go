package sdg

import (
	"fmt"
	"maps"
	"slices"
	"sync"

	"saz/ir"
	"saz/passes/callgraph"
	"saz/passes/modref"
	"saz/passes/pointer"
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
//
// What may follow an instruction is a region, and there are few: a procedure
// that may be called again after it has returned is followed by the same region
// everywhere in it, and everything under one event loop has the same. Equal
// regions are one, so that "have I looked at this access from this region
// already" is one bit (memory.go).

type bitset = modref.Bits

// A region is a part of the program: whole functions, and of others what
// stands at or after an index in each block.
type region struct {
	full bitset
	part []map[ir.FuncID][]int32
}

func (r *region) has(f *ir.Func, i int32) bool {
	if r.full.Has(int32(f.ID)) {
		return true
	}
	for _, m := range r.part {
		if p := m[f.ID]; p != nil && i >= p[f.Instrs[i].Block] {
			return true
		}
	}
	return false
}

// some reports whether it has anything of f.
func (r *region) some(f ir.FuncID) bool {
	if r.full.Has(int32(f)) {
		return true
	}
	for _, m := range r.part {
		if m[f] != nil {
			return true
		}
	}
	return false
}

// A class numbers the different regions.
type class int32

type flow struct {
	prog  *ir.Program
	graph *callgraph.Result
	pts   *pointer.Result
	all   bool // no entry: anything may follow anything

	down    []bitset // by component: functions that may run when one of it is called
	calls   [][]siteCallees
	after   []*region // by component: what may run after a function of it has returned
	again   bitset    // functions that may run again after they have returned
	classOf []class   // by function, of those
	column  []int32   // by function, of those: equal for two that are in the same regions
	columns int32
	during  []class   // by function: see activation; 0 not yet known
	paral   []*region // by function: what may run beside it; nil: nothing

	mu      sync.Mutex
	reach   [][]bitset // by function: block → blocks that may follow its end
	segs    map[segKey]*segment
	nsegs   int32
	regions []*region // by class; 0 is everything
	byHash  map[[2]uint64]class
	threads [][]int32 // by function: roots (thread 0 is main)
	roots   []root
	groups  [][]ir.Ref         // where roots are started
	backs   map[ir.Ref]bitset  // by call: see calledBack
	byside  map[string]*region // by what besides says that it depends on

	started, startedTwice bitset // what runs in some thread that is not main's, and in two of them
}

type siteCallees struct {
	at    int32
	edges []callgraph.Edge
}

// A segKey is a stretch of a block without calls.
type segKey struct {
	f    ir.FuncID
	b    ir.BlockID
	next int32 // index into calls of f of the first call that counts
}

// A segment is what is known of such a stretch.
type segment struct {
	id    int32
	f     ir.FuncID
	calls bitset // functions that may run when control goes on in the procedure
	whole class  // what may follow at all; -1 not yet known
	own   class  // what may follow before the procedure returns; -1
}

type root struct {
	f     ir.FuncID
	sites []ir.Ref // where it is started; empty for main
	funcs bitset   // what it may run
	group int32    // of sites: many are started at the same
	many  bool     // several instances may run, or it runs again and again
}

func newFlow(p *ir.Program, pts *pointer.Result, g *callgraph.Result) *flow {
	n := len(p.Funcs)
	fl := &flow{prog: p, pts: pts, graph: g, all: p.Entry < 0, reach: make([][]bitset, n), segs: map[segKey]*segment{}, calls: make([][]siteCallees, n),
		byHash: map[[2]uint64]class{}, byside: map[string]*region{}, backs: map[ir.Ref]bitset{}}
	everything := &region{full: modref.NewBits(n)}
	for i := range everything.full {
		everything.full[i] = ^uint64(0)
	}
	fl.regions = []*region{everything}
	comps := 0
	for _, f := range p.Funcs {
		comps = max(comps, g.SCC(f.ID)+1)
		out := g.Out(f.ID)
		for lo := 0; lo < len(out); {
			hi := lo + 1
			for hi < len(out) && out[hi].Site.I == out[lo].Site.I {
				hi++
			}
			fl.calls[f.ID] = append(fl.calls[f.ID], siteCallees{out[lo].Site.I, out[lo:hi]})
			lo = hi
		}
	}
	// Components are numbered callees first.
	fl.down = make([]bitset, comps)
	for _, f := range g.BottomUp() {
		c := g.SCC(f)
		if fl.down[c] == nil {
			fl.down[c] = modref.NewBits(n)
		}
		fl.down[c].Add(int32(f))
		last := c
		for _, e := range g.Out(f) {
			if d := g.SCC(e.Callee); d != c && d != last {
				last = d
				if !fl.down[c].Has(int32(e.Callee)) {
					fl.down[c].Or(fl.down[d])
				}
			}
		}
	}
	fl.again = modref.NewBits(n)
	fl.classOf, fl.during = make([]class, n), make([]class, n)
	fl.column = make([]int32, n)
	fl.paral = make([]*region, n)
	if fl.all {
		fl.again = everything.full
		fl.columns = 1
		return fl
	}
	fl.after = make([]*region, comps)
	order := g.BottomUp()
	for hi := len(order); hi > 0; {
		lo := hi - 1
		c := g.SCC(order[lo])
		for lo > 0 && g.SCC(order[lo-1]) == c {
			lo--
		}
		fl.returned(c, order[lo:hi])
		hi = lo
	}
	fl.findThreads()
	for _, f := range order {
		fl.paral[f] = fl.besides(f)
		r := fl.after[g.SCC(f)]
		if r.full.Has(int32(f)) {
			fl.again.Add(int32(f))
			fl.classOf[f] = fl.class(fl.with(r, nil, fl.paral[f]))
		}
	}
	// The other procedures' stretches, so that all regions are known.
	for _, f := range p.Funcs {
		if fl.again.Has(int32(f.ID)) {
			continue
		}
		next := int32(0)
		for b := range f.Blocks {
			fl.wholeOf(fl.seg(f.ID, ir.BlockID(b), next))
			for int(next) < len(fl.calls[f.ID]) && fl.calls[f.ID][next].at < f.Blocks[b].Hi {
				next++
				fl.wholeOf(fl.seg(f.ID, ir.BlockID(b), next))
			}
		}
	}
	// Procedures that no region tells apart.
	sums := make([][2]uint64, n)
	for c, r := range fl.regions {
		x, y := mix(2*uint64(c)+1), mix(2*uint64(c)+2)
		r.full.Each(func(f int32) {
			if int(f) < n {
				sums[f][0] += x
				sums[f][1] += y
			}
		})
	}
	columns := map[[2]uint64]int32{}
	for f, s := range sums {
		k, ok := columns[s]
		if !ok {
			k = int32(len(columns))
			columns[s] = k
		}
		fl.column[f] = k
	}
	fl.columns = int32(len(columns))
	return fl
}

// returned finds what may run after a procedure of component c has returned:
// the rest of its callers, and what follows them.
func (fl *flow) returned(c int, members []ir.FuncID) {
	n := len(fl.prog.Funcs)
	r := &region{full: modref.NewBits(n)}
	fl.after[c] = r
	var tails []ir.Ref
	var above []int
	last := -1
	again := false
	seen := map[ir.Ref]bool{} // what calls into c, mostly one call many procedures; true: as a library's callback
	for _, f := range members {
		in := fl.graph.In(f)
		for i := range in {
			e := &in[i]
			if e.Callback && !again {
				r.full.Or(fl.down[c]) // it may be called again
				again = true
			}
			if e.Async() {
				continue // it returns to nobody
			}
			back, known := seen[e.Site]
			if known && (back || !e.Callback) {
				continue
			}
			seen[e.Site] = e.Callback
			if e.Callback {
				r.full.Or(fl.calledBack(e.Site)) // and what else the library function calls
			}
			if known {
				continue
			}
			tails = append(tails, e.Site)
			r.full.Or(fl.segOf(e.Site, false).calls)
			if d := fl.graph.SCC(e.Site.Func); d != c && d != last {
				last = d
				above = append(above, d)
				r.full.Or(fl.after[d].full)
			}
		}
	}
	own := map[ir.FuncID][]int32{}
	for _, ref := range tails {
		if !r.full.Has(int32(ref.Func)) {
			fl.tail(ref, own)
		}
	}
	for _, d := range above {
		for _, m := range fl.after[d].part {
			for f, p := range m {
				if r.full.Has(int32(f)) {
					continue
				}
				q := own[f]
				if q == nil {
					own[f] = p // shared until it changes
					continue
				}
				for i, x := range p {
					if x < q[i] {
						q = append([]int32(nil), q...)
						for j := i; j < len(p); j++ {
							q[j] = min(q[j], p[j])
						}
						own[f] = q
						break
					}
				}
			}
		}
	}
	if len(own) > 0 {
		r.part = []map[ir.FuncID][]int32{own}
	}
}

// calledBack returns what may run because the library function that is called at ref calls back.
func (fl *flow) calledBack(ref ir.Ref) bitset {
	out, ok := fl.backs[ref]
	if ok {
		return out
	}
	for _, e := range fl.graph.Out(ref.Func) {
		if e.Site != ref || !e.Callback || e.Async() {
			continue
		}
		if out == nil {
			out = modref.NewBits(len(fl.prog.Funcs))
		}
		out.Or(fl.down[fl.graph.SCC(e.Callee)])
	}
	fl.backs[ref] = out
	return out
}

// tail adds what may run after the call at ref in its procedure.
func (fl *flow) tail(ref ir.Ref, own map[ir.FuncID][]int32) {
	f := fl.prog.Funcs[ref.Func]
	b := f.Instrs[ref.I].Block
	rb := fl.blocksAfter(f.ID, b)
	p := make([]int32, len(f.Blocks))
	for i := range p {
		switch {
		case rb.Has(int32(i)):
			p[i] = 0
		case ir.BlockID(i) == b:
			p[i] = ref.I + 1
		default:
			p[i] = 1 << 30
		}
	}
	if q := own[f.ID]; q != nil {
		for i, x := range q {
			p[i] = min(p[i], x)
		}
	}
	own[f.ID] = p
}

// with unites a region, whole functions, and another region.
func (fl *flow) with(r *region, more bitset, s *region) *region {
	if more == nil && s == nil {
		return r
	}
	out := &region{full: append(bitset(nil), r.full...), part: r.part}
	if more != nil {
		out.full.Or(more)
	}
	if s != nil {
		out.full.Or(s.full)
		out.part = append(append([]map[ir.FuncID][]int32(nil), r.part...), s.part...)
	}
	return out
}

// mix is the finaliser of MurmurHash3.
func mix(x uint64) uint64 {
	x ^= x >> 33
	x *= 0xff51afd7ed558ccd
	x ^= x >> 33
	x *= 0xc4ceb9fe1a85ec53
	return x ^ x>>33
}

// class returns the number of a region; equal ones have the same.
func (fl *flow) class(r *region) class {
	h := [2]uint64{1, 2}
	for i, w := range r.full {
		if w != 0 {
			h[0] += mix(w ^ mix(uint64(i)))
			h[1] += mix(w ^ mix(uint64(i)+1<<32))
		}
	}
	for _, m := range r.part {
		for f, p := range m {
			if r.full.Has(int32(f)) {
				continue
			}
			x := uint64(f) + 1<<40
			for _, at := range p {
				x = mix(x<<7 ^ x>>57 ^ uint64(at))
			}
			h[0] += x
			h[1] += mix(x + 3)
		}
	}
	c, ok := fl.byHash[h]
	if !ok {
		c = class(len(fl.regions))
		fl.regions = append(fl.regions, r)
		fl.byHash[h] = c
	}
	return c
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
	r := modref.NewBits(len(blocks))
	work := append([]ir.BlockID(nil), blocks[b].Succs...)
	again := fl.jumps(f, b)
	for len(work) > 0 || again {
		if again { // a call may come back where setjmp did
			again = false
			work = append(work, fl.setjmps(f)...)
			continue
		}
		x := work[len(work)-1]
		work = work[:len(work)-1]
		if !r.Has(int32(x)) {
			r.Add(int32(x))
			work = append(work, blocks[x].Succs...)
			again = fl.jumps(f, x)
		}
	}
	fl.reach[f][b] = r
	return r
}

// jumps reports whether a call in block b of f may end in a longjmp to f.
func (fl *flow) jumps(f ir.FuncID, b ir.BlockID) bool {
	fn := fl.prog.Funcs[f]
	if !fn.SetJmp {
		return false
	}
	for i := fn.Blocks[b].Lo; i < fn.Blocks[b].Hi; i++ {
		if fn.Instrs[i].Op == ir.Call {
			return true
		}
	}
	return false
}

// setjmps returns the blocks in which a call may return twice.
func (fl *flow) setjmps(f ir.FuncID) []ir.BlockID {
	var out []ir.BlockID
	for _, c := range fl.calls[f] {
		for _, e := range c.edges {
			if m := fl.pts.Model(e.Callee); m != nil && m.Again {
				out = append(out, fl.prog.Funcs[f].Instrs[c.at].Block)
				break
			}
		}
	}
	return out
}

// segOf returns the stretch that follows ref (from ref on, if self).
func (fl *flow) segOf(ref ir.Ref, self bool) *segment {
	calls := fl.calls[ref.Func]
	lo, hi := 0, len(calls)
	for lo < hi {
		m := (lo + hi) / 2
		if at := calls[m].at; at < ref.I || at == ref.I && !self {
			lo = m + 1
		} else {
			hi = m
		}
	}
	return fl.seg(ref.Func, fl.prog.Funcs[ref.Func].Instrs[ref.I].Block, int32(lo))
}

func (fl *flow) seg(fid ir.FuncID, b ir.BlockID, next int32) *segment {
	k := segKey{fid, b, next}
	if s, ok := fl.segs[k]; ok {
		return s
	}
	s := &segment{id: fl.nsegs, f: fid, calls: modref.NewBits(len(fl.prog.Funcs)), whole: -1, own: -1}
	fl.nsegs++
	f := fl.prog.Funcs[fid]
	rb := fl.blocksAfter(fid, b)
	for i, c := range fl.calls[fid] {
		cb := f.Instrs[c.at].Block
		if rb.Has(int32(cb)) || cb == b && int32(i) >= next {
			for j := range c.edges {
				if g := c.edges[j].Callee; !s.calls.Has(int32(g)) {
					s.calls.Or(fl.down[fl.graph.SCC(g)])
				}
			}
		}
	}
	fl.segs[k] = s
	return s
}

// wholeOf returns the class of what may follow a stretch of a procedure that
// does not run again, but for the rest of the procedure itself: see inside.
func (fl *flow) wholeOf(s *segment) class {
	if s.whole < 0 {
		s.whole = fl.class(fl.with(fl.after[fl.graph.SCC(s.f)], s.calls, fl.paral[s.f]))
	}
	return s.whole
}

// ownOf returns the class of what may follow a stretch in other procedures
// before its own one returns.
func (fl *flow) ownOf(s *segment) class {
	if s.own < 0 {
		s.own = fl.class(fl.with(&region{full: s.calls}, nil, fl.paral[s.f]))
	}
	return s.own
}

// follow returns the class of what may run after a, but for inside; with own
// set, before a's procedure returns.
func (fl *flow) follow(a ir.Ref, own bool) class {
	switch {
	case fl.all:
		return 0
	case own:
		fl.mu.Lock()
		defer fl.mu.Unlock()
		return fl.ownOf(fl.segOf(a, true))
	case fl.again.Has(int32(a.Func)):
		return fl.classOf[a.Func]
	}
	fl.mu.Lock()
	defer fl.mu.Unlock()
	return fl.wholeOf(fl.segOf(a, true))
}

// activation returns the class of what may run while an activation of f lasts.
func (fl *flow) activation(f ir.FuncID) class {
	if fl.all {
		return 0
	}
	fl.mu.Lock()
	defer fl.mu.Unlock()
	if c := fl.during[f]; c > 0 {
		return c
	}
	c := fl.class(fl.with(&region{full: fl.down[fl.graph.SCC(f)]}, nil, fl.paral[f]))
	fl.during[f] = c
	return c
}

// stretch numbers the stretch that an instruction is in.
func (fl *flow) stretch(a ir.Ref) int32 {
	fl.mu.Lock()
	defer fl.mu.Unlock()
	return fl.segOf(a, true).id
}

func (fl *flow) region(c class) *region {
	fl.mu.Lock()
	defer fl.mu.Unlock()
	return fl.regions[c]
}

// inside reports whether b may run after a in one activation of the procedure
// that both are in.
func (fl *flow) inside(a, b ir.Ref) bool {
	f := fl.prog.Funcs[a.Func]
	x, y := f.Instrs[a.I].Block, f.Instrs[b.I].Block
	if x == y && b.I > a.I {
		return true
	}
	fl.mu.Lock()
	defer fl.mu.Unlock()
	return fl.blocksAfter(a.Func, x).Has(int32(y))
}

// in reports whether b is in a region.
func (fl *flow) in(c class, b ir.Ref) bool {
	return fl.region(c).has(fl.prog.Funcs[b.Func], b.I)
}

// follows reports whether b may run after a, or goes on after it: b is a call that a was called back from.
func (fl *flow) follows(a, b ir.Ref) bool {
	if fl.in(fl.follow(a, false), b) || a.Func == b.Func && fl.inside(a, b) {
		return true
	}
	if fl.all {
		return true
	}
	fl.mu.Lock()
	defer fl.mu.Unlock()
	back := fl.calledBack(b)
	return back != nil && back.Has(int32(a.Func))
}

// entered reports whether f may be entered after a, or is what a is in.
func (fl *flow) entered(a ir.Ref, f ir.FuncID) bool {
	if a.Func == f {
		return true
	}
	c := fl.follow(a, false)
	if len(fl.prog.Funcs[f].Instrs) == 0 {
		return fl.region(c).full.Has(int32(f))
	}
	return fl.in(c, ir.Ref{Func: f})
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
			r.many = r.many || e.How.Signal || len(r.sites) > 1 || fl.blocksAfter(f.ID, b).Has(int32(b))
		}
	}
	if len(fl.roots) == 1 {
		return
	}
	n := len(fl.prog.Funcs)
	fl.threads, fl.started, fl.startedTwice = make([][]int32, n), modref.NewBits(n), modref.NewBits(n)
	groups := map[string]int32{}
	calls := fl.synchronous()
	var work []ir.FuncID
	for i := range fl.roots {
		r := &fl.roots[i]
		r.funcs = modref.NewBits(n)
		r.funcs.Add(int32(r.f))
		for work = append(work[:0], r.f); len(work) > 0; {
			g := work[len(work)-1]
			work = work[:len(work)-1]
			fl.threads[g] = append(fl.threads[g], int32(i))
			for _, h := range calls[g] {
				if !r.funcs.Has(int32(h)) {
					r.funcs.Add(int32(h))
					work = append(work, h)
				}
			}
		}
		if i == 0 {
			continue
		}
		for k, w := range r.funcs {
			fl.startedTwice[k] |= fl.started[k] & w
			fl.started[k] |= w
		}
		key := fmt.Sprint(r.sites)
		x, ok := groups[key]
		if !ok {
			x = int32(len(fl.groups))
			groups[key] = x
			fl.groups = append(fl.groups, r.sites)
		}
		r.group = x
	}
}

// synchronous returns, by procedure, what it may call and wait for, each once: there may be many roots, and many
// calls through pointers to the same.
func (fl *flow) synchronous() [][]ir.FuncID {
	calls := make([][]ir.FuncID, len(fl.prog.Funcs))
	var l []ir.FuncID
	for _, f := range fl.prog.Funcs {
		l = l[:0]
		out := fl.graph.Out(f.ID)
		for j := range out {
			if !out[j].Async() {
				l = append(l, out[j].Callee)
			}
		}
		slices.Sort(l)
		calls[f.ID] = slices.Clone(slices.Compact(l))
	}
	return calls
}

// besides returns what may run in another thread after an instruction of f
// has; nil for nothing. It depends on where f's threads are started, and on which it is if that is one.
func (fl *flow) besides(f ir.FuncID) *region {
	if fl.threads == nil || len(fl.threads[f]) == 0 {
		return nil
	}
	own := fl.threads[f]
	var key []byte
	if len(own) == 1 {
		key = append(key, byte(own[0]), byte(own[0]>>8), byte(own[0]>>16), 1)
	}
	sites := map[int32]bool{}
	for _, x := range own {
		if x > 0 {
			sites[fl.roots[x].group] = true
		}
	}
	groups := slices.Sorted(maps.Keys(sites))
	for _, x := range groups {
		key = append(key, byte(x), byte(x>>8), byte(x>>16), 0)
	}
	if r, ok := fl.byside[string(key)]; ok {
		return r
	}
	r := &region{full: slices.Clone(fl.started)}
	if x := own[0]; len(own) == 1 && x > 0 && !fl.roots[x].many {
		// All other threads: what is not only in this one.
		for i, w := range fl.roots[x].funcs {
			r.full[i] &^= w &^ fl.startedTwice[i]
		}
	}
	main := &fl.roots[0]
	part := map[ir.FuncID][]int32{}
	for _, x := range groups {
		// What main does: only after the thread was started.
		for _, s := range fl.groups[x] {
			after := fl.after[fl.graph.SCC(s.Func)]
			calls := fl.segOf(s, true).calls
			for i, w := range main.funcs {
				r.full[i] |= w & (after.full[i] | calls[i])
			}
			for _, m := range after.part {
				for g, p := range m {
					if main.funcs.Has(int32(g)) {
						part[g] = earlier(part[g], p)
					}
				}
			}
			if main.funcs.Has(int32(s.Func)) {
				own := map[ir.FuncID][]int32{}
				fl.tail(s, own)
				part[s.Func] = earlier(part[s.Func], own[s.Func])
			}
		}
	}
	if len(part) > 0 {
		r.part = []map[ir.FuncID][]int32{part}
	}
	fl.byside[string(key)] = r
	return r
}

// beside reports whether b may run in another thread after something of f.
func (fl *flow) beside(f ir.FuncID, b ir.Ref) bool {
	r := fl.paral[f]
	return r != nil && r.has(fl.prog.Funcs[b.Func], b.I)
}

// earlier returns the union of two parts of a procedure.
func earlier(p, q []int32) []int32 {
	if p == nil {
		return q
	}
	out := append([]int32(nil), p...)
	for i, x := range q {
		out[i] = min(out[i], x)
	}
	return out
}
