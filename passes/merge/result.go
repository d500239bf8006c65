package merge

import "saz/passes/persist"

// A Rule says how two instances' values of a field become one.
type Rule struct {
	Field     string // "" is the whole variable; "entry.field" for container entries is not needed: entries are replaced whole
	Off, Size int64
	Op        string // add max min replace manual
}

// Result of the merge pass.
type Result struct {
	Rules map[persist.VarID][]Rule // one per updated field of each updateable variable that is not a container
}
