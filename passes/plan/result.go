package plan

import (
	"saz/frontend/ctype"
	"saz/ir"
	"saz/passes/persist"
	"saz/passes/pointer"
)

// A Var is one tracked variable; its index is its number in saz_updated.
// Tracked are the updateable variables that are not per-packet scratch and own
// something: their own bytes are updated, or memory that has no variable of its own.
type Var struct {
	Var  persist.VarID
	Root *ctype.Type // type for the graph walk
}

// A Site is an allocation call whose blocks can be reached from tracked state.
type Site struct {
	ID     int // dense from 1
	Ref    ir.Ref
	Func   string      // malloc, calloc, realloc, strdup, ... as called
	Elem   *ctype.Type // element type; nil: bytes without pointers are assumed only if no pointer is ever stored in it
	Retype bool        // not the allocator's own call but one of a wrapper of it, which knows the type: the block is tracked already
	Manual bool        // holds pointers but its type is not known
}

// A Decision is something a person must still decide.
type Decision struct {
	What string
	Pos  ir.Pos
}

// Result of the plan pass: all that the generators need beyond the stages.
type Result struct {
	Vars     []Var
	Index    map[persist.VarID]int
	Types    []*ctype.Record // canonical records reachable from tracked state, in a stable order, inner before outer
	Sites    []Site
	Frees    []ir.Ref        // calls of free, realloc, ... that may release a tracked block
	FreeRefs []ir.Ref        // instructions where free's own address is taken and may reach tracked blocks
	Opaque   map[string]bool // record tags whose objects belong to libraries (FILE, pcap_t): pointers to them stay the receiver's own
	Funcs    []ir.FuncID     // functions whose address may be stored in tracked state
	Globals  []ir.GlobalID   // globals to which tracked state may point
	Elem     map[pointer.ObjID]*ctype.Type
	Manual   []Decision

	Voids  []Void          // what is behind each void *
	Unions []Union         // those whose member a tag tells
	Unread []persist.VarID // updateable, and no output depends on them: a hint that they may go
}
