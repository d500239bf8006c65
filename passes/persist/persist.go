// Package persist finds the persistent variables (the paper's Figure 4): those
// whose value outlives the processing of one packet.
//
// They are all variables of static storage, the locals and parameters of the
// loop procedures, and, beyond the paper's figure, those locals of procedures below the
// loop on the stack whose address is taken: the paper leaves all of these out since
// their names are out of scope in packet processing, which does not hold for a pointer to
// one. Entry procedures of threads that may process packets loop over them too, so
// their locals count like a loop procedure's. Which loops those are whose frames are there between packets, and which only set up or are within one
// round of another, package receive says (frames.go).
//
// Heap memory has no variable of its own; it is reached from one.
package persist

import (
	"sort"

	"saz/frontend/ctype"
	"saz/ir"
	"saz/passes"
	"saz/passes/pointer"
	"saz/passes/receive"
)

// Pass is the persist pass.
var Pass = &passes.Pass{
	Name:     "persist",
	Doc:      "variables that outlive one packet",
	Requires: []*passes.Pass{pointer.Pass, receive.Pass},
	Run:      run,
}

// Of returns the result.
func Of(c *passes.Context) *Result { return c.Result(Pass).(*Result) }

// predefined are the variables that the compiler declares in each procedure.
var predefined = map[string]bool{"__func__": true, "__FUNCTION__": true, "__PRETTY_FUNCTION__": true}

func run(c *passes.Context) (any, error) {
	pt, rc := pointer.Of(c), receive.Of(c)
	res := &Result{}
	for _, g := range c.Prog.Globals {
		if g.Linkage == ir.Undefined || g.String || g.Name == "" || g.Obj == nil || predefined[g.Name] { // nil: made by lowering
			continue
		}
		kind := Global
		if g.Linkage == ir.Internal || g.Proc >= 0 {
			kind = Static
		}
		res.Vars = append(res.Vars, Var{Name: g.Name, Kind: kind, Proc: g.Proc, Global: g.ID, Local: -1,
			Type: g.Type, Size: g.Size, Pos: g.Pos, Obj: pointer.ObjID(g.ID)})
		res.Total++
	}
	loop := map[ir.FuncID]bool{}
	for _, f := range rc.Frames {
		loop[f] = true
	}
	for _, f := range rc.Threads {
		if loops(c.Prog.Funcs[f]) {
			loop[f] = true
		}
	}
	stack := map[ir.FuncID]bool{}
	for _, f := range rc.Below {
		stack[f] = true
	}
	for _, f := range c.Prog.Funcs {
		for i := range f.Locals {
			l := &f.Locals[i]
			if l.Name == "" || l.Obj == nil {
				continue
			}
			res.Total++
			if !loop[f.ID] && !(stack[f.ID] && l.AddrTaken) {
				continue
			}
			kind := Local
			if l.Param {
				kind = Param
			}
			res.Vars = append(res.Vars, Var{Name: l.Name, Kind: kind, Proc: f.ID, Global: -1, Local: l.ID,
				Type: l.Type, Size: ctype.SizeOf(l.Type), Pos: l.Pos, Obj: pt.LocalObj(f.ID, l.ID)})
		}
	}
	path := func(v *Var) string {
		if f := c.Prog.Files.File(v.Pos.File); f != nil {
			return f.Path
		}
		return ""
	}
	sort.SliceStable(res.Vars, func(i, j int) bool {
		a, b := &res.Vars[i], &res.Vars[j]
		if pa, pb := path(a), path(b); pa != pb {
			return pa < pb
		}
		if a.Pos.Off != b.Pos.Off {
			return a.Pos.Off < b.Pos.Off
		}
		return a.Name < b.Name
	})
	for i := range res.Vars {
		res.Vars[i].ID = VarID(i)
	}
	return res, nil
}

// loops reports whether f has a loop.
func loops(f *ir.Func) bool {
	for b := range f.Blocks {
		if passes.LoopAround(f, ir.BlockID(b)) != nil {
			return true
		}
	}
	return false
}
