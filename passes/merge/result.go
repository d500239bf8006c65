package merge

import "saz/passes/persist"

// A Rule says how two instances' values of a field become one.
type Rule struct {
	Field     string // "" is the whole variable
	Off, Size int64
	Op        string // add max min replace manual
}

// Result of the merge pass.
type Result struct {
	Rules map[persist.VarID][]Rule // one per updated field of each updateable variable; an array is one field
	Entry map[persist.VarID][]Rule // of arrays of records: one per updated field of an element, Off counted in it
}
