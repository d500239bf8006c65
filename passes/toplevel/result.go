package toplevel

import (
	"saz/ir"
	"saz/passes"
	"saz/passes/persist"
)

// Result of the toplevel pass (paper, Figure 5).
type Result struct {
	PktProcs []ir.FuncID                // sorted
	ProcWhy  map[ir.FuncID][]passes.Why // a way there from a receive site; see Way
	TopLevel map[persist.VarID][]passes.Why

	ways    map[ir.FuncID][]entry // the cheapest first
	blockOf func(ir.Ref) ir.BlockID

	// Packet reports whether the instruction may run while a packet is processed.
	Packet func(ir.Ref) bool
	// Called reports whether a procedure is packet code as a whole that only calls from packet code enter: not the loop's, no
	// handler, no thread.
	Called func(ir.FuncID) bool
	// Live reports whether, besides, the program may go on after it: it is not on the way to exit() alone.
	Live func(ir.Ref) bool
}
