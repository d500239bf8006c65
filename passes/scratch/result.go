package scratch

import (
	"saz/passes"
	"saz/passes/persist"
)

// Result of the scratch pass: updateable variables that carry nothing from one packet to the next.
type Result struct {
	Scratch map[persist.VarID][]passes.Why
	// Carries says of the other updateable variables where a packet reads what an earlier one may have left.
	// Variables for which no such read is known (memory reached from them is what is updated, a library keeps them) are not in it.
	Carries map[persist.VarID][]passes.Why
}
