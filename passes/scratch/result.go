package scratch

import (
	"saz/passes"
	"saz/passes/persist"
)

// Result of the scratch pass: updateable variables that carry nothing from one packet to the next.
type Result struct {
	Scratch map[persist.VarID][]passes.Why

	carries func(persist.VarID) []passes.Why
}

// Carries says of an updateable variable that is not scratch where a packet reads what an earlier one may have left, and the calls that lead there.
// It is nil where no such read is known: memory reached from the variable is what is updated, or a library keeps it.
func (r *Result) Carries(id persist.VarID) []passes.Why {
	if r.carries == nil {
		return nil
	}
	return r.carries(id)
}
