package container

import (
	"saz/frontend/ctype"
	"saz/passes"
	"saz/passes/persist"
	"saz/passes/pointer"
)

// Shapes.
const (
	List     = "list"
	HashList = "hash-list"
	Tree     = "tree"
	Array    = "array"
	Unknown  = "unknown"
)

// A Container is the collection reached from a top-level variable.
type Container struct {
	Var                    persist.VarID
	Shape                  string
	Entry                  *ctype.Record // an element
	HeadOff                int64         // of the head pointer (List) or of the bucket array (HashList) in the variable
	Buckets                int64         // HashList: number of heads; 1 for a List
	BucketType             *ctype.Type   // HashList: type of one bucket (a pointer to Entry)
	Indirect               bool          // the variable is a pointer to the bucket array (allocated)
	Next                   string        // link field names; "" none
	NextOff                int64
	Prev                   string
	PrevOff                int64
	Tail                   string   // name of a global that points at the last entry, "" none
	Insert, Remove, Lookup string   // procedures of the program, "" not found
	Nested                 []Nested // lists that hang from an entry
	Why                    []passes.Why

	// Together says why an entry can't be taken out and put in by Next, Prev and the head alone, "" if it can:
	// such a collection moves as a whole.
	Together string
	Filled   bool // packets put entries in
	Pointers bool // an Array: of pointers to the entries, not of the entries

	unclear  string
	heads    []pointer.Loc   // of such a table
	blocks   []pointer.ObjID // the blocks by way of which a table is reached, the variable first; nil if it is the variable's own
	branches bool            // a Tree whose links are an array
	node     *ctype.Record   // the links are members of this type
	nodeOff  int64           // where it is in an entry
}

// ByMember reports whether the list runs through members that know nothing of what they are in.
func (c *Container) ByMember() bool { return c.node != nil }

// Blocks returns the objects by way of which a table is reached that hangs from a control block, nil if the variable leads
// to the heads directly.
func (c *Container) Blocks() []pointer.ObjID { return c.blocks }

// Heads returns the places that entries of such a table hang from.
func (c *Container) Heads() []pointer.Loc { return c.heads }

// Branches reports whether an entry's links are an array: what finds the way in it is the key.
func (c *Container) Branches() bool { return c.branches }

// InPlace reports whether the entries are in the variable itself.
func (c *Container) InPlace() bool { return c.Shape == Array && !c.Indirect && !c.Pointers }

// Unclear says why the shape is Unknown, "" if it is not.
func (c *Container) Unclear() string { return c.unclear }

// A Nested list is reached from each entry and goes with it.
type Nested struct {
	Field string
	Entry *ctype.Record
}

// Result of the container pass.
type Result struct {
	Containers map[persist.VarID]*Container
}
