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

// A Scope is what may run after any of some instructions has.
type Scope struct {
	g       *Graph
	from    []ir.Ref
	classes []class
}

// After returns what may run after one of from has run.
func (g *Graph) After(from []ir.Ref) *Scope {
	s := &Scope{g: g}
	seen := map[class]bool{}
	for _, f := range from {
		c := g.flow.follow(f, false)
		if !seen[c] {
			seen[c] = true
			s.classes = append(s.classes, c)
		}
		if !g.flow.again.Has(int32(f.Func)) {
			s.from = append(s.from, f) // the rest of its procedure is in no class
		}
	}
	return s
}

// Has reports whether the instruction may run after.
func (s *Scope) Has(ref ir.Ref) bool {
	for _, c := range s.classes {
		if s.g.flow.in(c, ref) {
			return true
		}
	}
	for _, f := range s.from {
		if f.Func == ref.Func && s.g.flow.inside(f, ref) {
			return true
		}
	}
	return false
}

// Entered reports whether procedure f may be entered after, or is one of theirs.
func (s *Scope) Entered(f ir.FuncID) bool {
	for _, r := range s.from {
		if r.Func == f {
			return true
		}
	}
	for _, c := range s.classes {
		r := s.g.flow.region(c)
		if r.full.Has(int32(f)) || len(s.g.prog.Funcs[f].Instrs) > 0 && r.has(s.g.prog.Funcs[f], 0) {
			return true
		}
	}
	return false
}

// EntryOf returns the node of a procedure's being entered.
func (g *Graph) EntryOf(f ir.FuncID) Node { return g.entry(f) }

// ParamOf returns the node of parameter k of a procedure.
func (g *Graph) ParamOf(f ir.FuncID, k int) Node { return g.param(f, k) }
