package slice

import (
	"saz/ir"
	"saz/passes"
	"saz/passes/modref"
	"saz/passes/pointer"
	"saz/passes/sdg"
)

// Pass computes a *Result.
var Pass = &passes.Pass{
	Name:     "slice",
	Doc:      "forward and backward slices, on demand",
	Requires: []*passes.Pass{pointer.Pass, modref.Pass, sdg.Pass},
	Run:      func(c *passes.Context) (any, error) { return newResult(c), nil },
}

// Of returns the result of Pass, which the caller must require.
func Of(c *passes.Context) *Result { return c.Result(Pass).(*Result) }

// Forward returns the instructions that may depend on what the instructions in
// from compute or write, from included.
func (r *Result) Forward(from []ir.Ref) *Set { return r.forward(from, nil) }

// Enters tells of the procedures that the forward slice from from has instructions of, until that is enough.
func (r *Result) Enters(from []ir.Ref, enough func(ir.FuncID) bool) { r.forward(from, enough) }

// ForwardLoc returns the instructions that may depend on locs as written by
// the instruction at, and on its result if dst. A call back that the
// instruction causes depends on it too.
func (r *Result) ForwardLoc(at ir.Ref, locs []pointer.Loc, dst bool) *Set {
	return r.forwardLoc(at, locs, dst)
}

// Backward returns the instructions on which those in from may depend (data
// and control), from included.
func (r *Result) Backward(from []ir.Ref) *Set { return r.backward(from) }

// BackwardCall returns the instructions on which depends whether the call at
// runs, its arguments, and what it reads through them; but not what the
// procedures that it calls compute inside.
func (r *Result) BackwardCall(at ir.Ref) *Set { return r.backwardCall(at) }

// Chop returns the instructions by way of which to may depend on from.
func (r *Result) Chop(from, to *Set) *Set { return chop(from, to) }

// A Set is a slice.
type Set struct{ *set }

// Has reports whether ref is in the slice.
func (s *Set) Has(ref ir.Ref) bool { return s.has(ref) }

// Procs returns the procedures that have an instruction in the slice, sorted.
func (s *Set) Procs() []ir.FuncID { return s.procs() }

// Len counts the instructions of the slice.
func (s *Set) Len() int { return s.len() }

// Each calls f for each instruction, by procedure and index.
func (s *Set) Each(f func(ir.Ref)) { s.each(f) }

// Path returns a shortest dependence path from the criterion to ref (Forward)
// or from ref to the criterion (Backward); nil if ref is not in the slice.
func (s *Set) Path(ref ir.Ref) []passes.Why { return s.path(ref) }

// Step returns the instruction from which the search first came to ref: in a
// forward slice one on which ref depends, in a backward slice one that depends
// on ref; and how. ok is false for a criterion and for what is not in the slice.
func (s *Set) Step(ref ir.Ref) (from ir.Ref, how sdg.Kind, ok bool) { return s.step(ref) }

// Edges calls f for each dependence between instructions of the slice, from
// what is depended on, by from and to; those through parameters and entries
// of procedures are between the call and the instruction.
func (s *Set) Edges(f func(from, to ir.Ref, how sdg.Kind)) { s.edges(f) }
