package update

import (
	"saz/ir"
	"saz/passes"
	"saz/passes/persist"
	"saz/passes/pointer"
)

// An Update is one instruction that may update a top-level variable, or memory reachable from it.
type Update struct {
	Ref    ir.Ref
	Var    persist.VarID
	Direct bool          // the variable's own bytes; otherwise memory reached from it
	Locs   []pointer.Loc // what of it is written
	How    string        // "assignment", "alias", "library call strcpy", "free", "asm", "unknown code"
}

// Result of the update pass (paper, Figure 7).
type Result struct {
	Updateable map[persist.VarID][]passes.Why
	Updates    []Update                   // by Ref, then Var
	Fields     map[persist.VarID][]string // dotted names of the updated fields of a compound variable's own bytes, in order of offset; [""] is the whole variable
	Owners     *Owners
	Ranges     map[persist.VarID][][2]int64 // the same as sorted, disjoint byte ranges [lo,hi)
}
