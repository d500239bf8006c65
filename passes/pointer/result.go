package pointer

import (
	"saz/frontend/ctype"
	"saz/ir"
)

// ObjID numbers the abstract objects: globals first (ObjID == GlobalID), then
// functions, then address-taken or aggregate locals, then heap.
type ObjID int32

// Kind of an Object.
type Kind uint8

// Kinds of Object. Unknown (exactly one) stands for all memory that only
// library or unknown code can name.
const (
	Global Kind = iota
	Func
	Local
	Heap
	Unknown
)

// An Object is an abstract memory object.
type Object struct {
	Kind   Kind
	Global ir.GlobalID
	Func   ir.FuncID // Func: itself; Local: its procedure
	Local  ir.LocalID
	Site   ir.Ref      // Heap: the allocating call in the program (of the wrapper's caller where cloned)
	Inner  ir.Ref      // Heap: the call of the library's allocator itself (== Site where there is no wrapper)
	Type   *ctype.Type // Heap: element type found from sizeof, casts and uses; nil if unknown
	Array  bool        // Heap: may hold several elements
	Opaque bool        // Heap: made by a library (FILE, pcap_t): the program never looks inside
}

// A Loc is a place in an object: Off bytes from its start, where all elements
// of an array are one (offset taken within the element); Any is anywhere.
type Loc struct {
	Obj ObjID
	Off int32
}

// Any is the offset of a pointer whose place in its object is not known.
const Any = -1

// Result of the pointer analysis. All slices returned are sorted and must not
// be changed.
type Result struct {
	Objects []Object
	solver  *solver
}

// PointsTo returns where the value v, used in function f, may point.
//
//	PointsTo(f, v) []Loc
// Contents returns where pointers stored in object o at offset off (Any: at any) may point.
//
//	Contents(o, off) []Loc
// Callees returns the functions that the call at ref may reach, external ones included; sorted by id.
//
//	Callees(ref) []ir.FuncID
// Callers returns the calls that may reach f.
//
//	Callers(f) []ir.Ref
// Reach returns all objects reachable through stored pointers from o, o included, sorted.
//
//	Reach(o) []ObjID
// LocalObj returns the object of a local that lives in memory, or -1.
//
//	LocalObj(f, l) ObjID
// HeapAt returns the heap objects allocated by the call at ref (as Site or Inner).
//
//	HeapAt(ref) []ObjID
