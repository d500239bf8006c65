package scratch

import (
	"saz/passes"
	"saz/passes/persist"
)

// Result of the scratch pass: updateable variables that carry nothing from one packet to the next.
type Result struct {
	Scratch map[persist.VarID][]passes.Why
}
