// Package callgraph gives the call graph that the pointer analysis found in a
// form that is easy to walk.
//
// It is as sensitive as the pointer analysis (flow-insensitive,
// context-insensitive) and sound where that is. Edges that a library makes
// (pcap_loop calls got_packet) are edges of the graph: they say which library
// call causes them and how (a thread, a signal handler).
package callgraph

import (
	"saz/ir"
	"saz/ir/models"
	"saz/passes"
	"saz/passes/pointer"
)

// Pass computes a *Result.
var Pass = &passes.Pass{
	Name:     "callgraph",
	Doc:      "which procedure calls which",
	Requires: []*passes.Pass{pointer.Pass},
	Run:      func(c *passes.Context) (any, error) { return build(c.Prog, pointer.Of(c)), nil },
}

// Of returns the result of Pass, which the caller must require.
func Of(c *passes.Context) *Result { return c.Result(Pass).(*Result) }

// An Edge is one caller-callee pair at one call.
type Edge struct {
	Site     ir.Ref
	Callee   ir.FuncID
	Callback bool             // the library that is called at Site calls Callee
	How      *models.Callback // of a Callback; nil for an unmodelled library function
}

// Async reports whether the callee runs beside or interrupts the caller: a
// thread, a signal handler, a timer, an exit handler.
func (e *Edge) Async() bool { return e.Callback && e.How != nil && (e.How.Thread || e.How.Signal) }

// Result is the call graph.
type Result struct {
	out   [][]Edge // by caller
	in    [][]Edge // by callee
	order []ir.FuncID
	comp  []int32
	start []int32 // by component: its first place in order
	rec   []bool
}

// Out returns the edges from f, by site then callee.
func (r *Result) Out(f ir.FuncID) []Edge { return r.out[f] }

// In returns the edges to f, by site.
func (r *Result) In(f ir.FuncID) []Edge { return r.in[f] }

// Callees returns the functions that f may call, callbacks included, sorted.
func (r *Result) Callees(f ir.FuncID) []ir.FuncID {
	return uniq(r.out[f], func(e Edge) ir.FuncID { return e.Callee })
}

// Callers returns the functions that may call f, sorted.
func (r *Result) Callers(f ir.FuncID) []ir.FuncID {
	return uniq(r.in[f], func(e Edge) ir.FuncID { return e.Site.Func })
}

// Reachable returns what from may call in any number of steps, from itself
// included, sorted.
func (r *Result) Reachable(from ...ir.FuncID) []ir.FuncID {
	return r.walk(from, r.out, func(e Edge) ir.FuncID { return e.Callee }, nil)
}

// ReachableSync is Reachable without threads and handlers: what runs before
// the calls return.
func (r *Result) ReachableSync(from ...ir.FuncID) []ir.FuncID {
	return r.walk(from, r.out, func(e Edge) ir.FuncID { return e.Callee }, (*Edge).Async)
}

// Reaching returns what may call to in any number of steps, to itself
// included, sorted.
func (r *Result) Reaching(to ...ir.FuncID) []ir.FuncID {
	return r.walk(to, r.in, func(e Edge) ir.FuncID { return e.Site.Func }, nil)
}

// ReachingSync is Reaching without threads and handlers: what may be on the
// stack while to runs.
func (r *Result) ReachingSync(to ...ir.FuncID) []ir.FuncID {
	return r.walk(to, r.in, func(e Edge) ir.FuncID { return e.Site.Func }, (*Edge).Async)
}

// BottomUp returns all functions, callees before callers but for recursion.
func (r *Result) BottomUp() []ir.FuncID { return r.order }

// SCC returns the number of f's strongly connected component; components are
// numbered bottom up.
func (r *Result) SCC(f ir.FuncID) int { return int(r.comp[f]) }

// Members returns the functions of component c.
func (r *Result) Members(c int) []ir.FuncID { return r.order[r.start[c]:r.start[c+1]] }

// Recursive reports whether f may call itself, directly or not.
func (r *Result) Recursive(f ir.FuncID) bool { return r.rec[f] }
