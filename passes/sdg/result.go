package sdg

import (
	"saz/ir"
	"saz/passes"
	"saz/passes/callgraph"
	"saz/passes/modref"
	"saz/passes/pointer"
)

// Pass computes a *Graph.
var Pass = &passes.Pass{
	Name:     "sdg",
	Doc:      "which instruction's effect depends on which: data, memory, control, calls",
	Requires: []*passes.Pass{pointer.Pass, callgraph.Pass, modref.Pass},
	Run:      run,
}

// Of returns the result of Pass, which the caller must require.
func Of(c *passes.Context) *Graph { return c.Result(Pass).(*Graph) }

// MayFollow reports whether the instruction b may run after a, in any thread.
func (g *Graph) MayFollow(a, b ir.Ref) bool { return g.follows(a, b) }

// Controls returns the branches on which the instruction at ref is control
// dependent in its own procedure (Ferrante, Ottenstein, Warren 1987); none
// means that it runs whenever its procedure does.
func (g *Graph) Controls(ref ir.Ref) []ir.Ref { return g.controls(ref) }
