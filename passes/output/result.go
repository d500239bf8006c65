package output

import (
	"saz/ir"
	"saz/passes"
	"saz/passes/persist"
)

// A Site is a call that emits a packet or writes a log.
type Site struct {
	Ref      ir.Ref
	Function string
	Kind     string // "packet" or "log"
}

// Result of the output pass (paper, Figure 13).
type Result struct {
	Sites   []Site
	Impacts map[persist.VarID]map[string][]passes.Why // "packet"/"log" → path
}
