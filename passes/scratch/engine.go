package scratch

import (
	"slices"

	"saz/ir"
	"saz/passes"
	"saz/passes/callgraph"
	"saz/passes/modref"
	"saz/passes/pointer"
)

// An engine finds, for some objects, what is read of them before it has certainly been written,
// from any number of starting points.
type engine struct {
	c  *passes.Context
	pt *pointer.Result
	cg *callgraph.Result
	mr *modref.Result

	asked []bool // objects in question, by id
	// brief objects: no memory that outlives a packet holds a pointer to one, so that whoever
	// reads one through a pointer got that pointer while this packet was processed.
	brief []bool
	// after[o]: how a brief object is read through pointers that are not known to point at it alone.
	after map[pointer.ObjID]indirect

	sums []*summary // by function
	fns  []*proc

	spans    []span
	ofParams bits // those of parameters
	number   map[spanKey]int32
	asks     map[setID][]pointer.Loc // those of a set that are in question
	spread   map[spreadKey]bits
	spansOf  map[pointer.ObjID][]int32
	briefs   bits // spans of brief objects
	told     bits // those of which after knows

	values *values // what integers may be; nil: not known

	halfway map[ir.FuncID]bool // procedures in which a packet's processing may begin half-way; nil: not known

	sites map[ir.FuncID][]start // starts at receive sites and at calls that lead to them
	// together are the starts of one procedure that are one analysis, by the first of them.
	together map[start][]start
	ends     map[ir.FuncID][]place // memo of since

	sparse []uint8 // by effect: 0 not known, 1 of nothing in question, 2 of something; nil: most procedures have to do with what is in question

	touch []uint8 // by function: memo of touches

	groups map[string]*group // by the procedures in them
	clock  int               // counts changes of summaries
}

type indirect struct {
	whole, str bool
	at         ir.Ref
}

func newEngine(c *passes.Context, pt *pointer.Result, cg *callgraph.Result, mr *modref.Result) *engine {
	n := len(c.Prog.Funcs)
	return &engine{c: c, pt: pt, cg: cg, mr: mr, asked: make([]bool, len(pt.Objects)), brief: make([]bool, len(pt.Objects)),
		after: map[pointer.ObjID]indirect{}, sums: make([]*summary, n), fns: make([]*proc, n), number: map[spanKey]int32{},
		asks: map[setID][]pointer.Loc{}, spread: map[spreadKey]bits{}, spansOf: map[pointer.ObjID][]int32{},
		sites: map[ir.FuncID][]start{}, ends: map[ir.FuncID][]place{}, groups: map[string]*group{}, together: map[start][]start{}}
}

// A setID is a points-to set: the pointer analysis shares equal ones.
type setID struct {
	first *pointer.Loc
	n     int
}

// in returns the places of a set that are in question.
func (e *engine) in(locs []pointer.Loc) []pointer.Loc {
	if len(locs) == 0 {
		return nil
	}
	k := setID{&locs[0], len(locs)}
	out, ok := e.asks[k]
	if !ok {
		for _, l := range locs {
			if e.asked[l.Obj] {
				out = append(out, l)
			}
		}
		e.asks[k] = out
	}
	return out
}

// A spreadKey is what a span of a parameter comes to for a set of places that the argument may point at.
type spreadKey struct {
	set  *pointer.Loc // the first of those in question
	n    int
	span int32
}

// spreads returns the spans that span id of a parameter may be, counted from locs, which are in question.
func (e *engine) spreads(locs []pointer.Loc, id int32) bits {
	k := spreadKey{&locs[0], len(locs), id}
	out, ok := e.spread[k]
	if !ok {
		sp := e.spans[id]
		for _, l := range locs {
			out = out.with(int(e.id(e.shift(l, sp))))
		}
		e.spread[k] = out
	}
	return out
}

// run returns what is exposed from a start: spans of objects.
func (e *engine) run(s start) bits {
	sum := &summary{}
	if s.at < 0 && !s.reset {
		if sum = e.sums[s.f]; sum == nil {
			return nil
		}
	} else {
		var x collector
		e.proc(s.f).flow(s, &x)
		e.split(sum, x.have)
	}
	return e.outside(s.f, sum)
}

// trace finds an instruction that reads span k, which run says is exposed from s, and the calls on the way there.
func (e *engine) trace(s start, k int32) []ir.Ref {
	type state struct {
		s start
		k int32
	}
	type hop struct {
		from state
		at   ir.Ref
	}
	root := state{s, k}
	came := map[state]hop{root: {}}
	way := func(x state, last ir.Ref) []ir.Ref {
		out := []ir.Ref{last}
		for x != root {
			out = append(out, came[x].at)
			x = came[x].from
		}
		slices.Reverse(out)
		return out
	}
	queue := []state{root}
	var first []ir.Ref // if there is nothing better
	for n := 0; len(queue) > 0 && n < 60; n++ {
		x := queue[0]
		queue = queue[1:]
		var here []origin
		c := collector{hook: func(id int32, o origin) {
			if id == x.k && !slices.Contains(here, o) {
				here = append(here, o)
			}
		}}
		e.proc(x.s.f).flow(x.s, &c)
		for _, o := range here {
			if o.callee < 0 {
				return way(x, o.at)
			}
		}
		var near, far []state
		for _, o := range here {
			if o.of < 0 { // through a pointer that the callee was given
				if first == nil {
					first = way(x, o.at)
				}
				continue
			}
			y := state{start{f: o.callee, at: -1}, o.of}
			if _, ok := came[y]; ok {
				continue
			}
			came[y] = hop{x, o.at}
			if sum := e.sums[o.callee]; sum != nil && sum.own.has(int(o.of)) {
				near = append(near, y)
			} else {
				far = append(far, y)
			}
		}
		if near != nil {
			queue = append(near, queue...)
		}
		queue = append(queue, far...)
	}
	return first
}

// since returns what was certainly written when f returns, counted from the receive sites in it or below it: nil
// if it never returns then (a forked child that ends).
func (e *engine) since(f ir.FuncID) []place {
	if l, ok := e.ends[f]; ok {
		return l
	}
	e.ends[f] = []place{} // a recursive way to a site: nothing is known
	var end bits
	p := e.proc(f)
	if l := e.sites[f]; len(l) > 0 {
		var x collector
		end = p.flow(l[0], &x)
	}
	var out []place
	if end != nil {
		out = []place{}
	}
	for i, y := range p.places {
		if end.has(i) && y.kind != ofLocal {
			out = append(out, y)
		}
	}
	e.ends[f] = out
	return out
}
