package pointer

import (
	"saz/frontend/ctype"
	"saz/ir"
	"saz/ir/models"
	"saz/passes"
)

// Pass computes a *Result.
var Pass = &passes.Pass{
	Name: "pointer",
	Doc:  "what each pointer may point at, and what each call may call",
	Run:  run,
}

// Of returns the result of Pass, which the caller must require.
func Of(c *passes.Context) *Result { return c.Result(Pass).(*Result) }

// ObjID numbers the abstract objects: globals first (ObjID == GlobalID), then
// functions, then address-taken or aggregate locals, then the one Unknown, then heap.
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
	Kind    Kind
	Global  ir.GlobalID
	Func    ir.FuncID // Func: itself; Local: its procedure
	Local   ir.LocalID
	Site    ir.Ref      // Heap: the allocating call in the program (of the wrapper's caller where cloned)
	Inner   ir.Ref      // Heap: the call of the library's allocator itself (== Site where there is no wrapper)
	Type    *ctype.Type // Heap: element type found from sizeof, casts and uses; nil if unknown
	Array   bool        // Heap: may hold several elements
	Opaque  bool        // Heap: made by a library (FILE, pcap_t): the program never looks inside
	Library bool        // Heap: storage inside a library that a function of it hands out (errno, localtime's result); Site is one of its calls
	Stack   bool        // Heap: made by alloca or a VLA
	Head    bool        // Heap: the header of a block; what is behind it are other objects
	Front   int64       // Heap: bytes of a header, another object, in front of it in its block
	Packet  bool        // Heap: packet bytes or a packet's header in the library's own buffer (pcap_next, a callback's parameter)
}

// A Loc is a place in an object: Off bytes from its start, where all elements
// of an array are one (offset taken within the element); Any is anywhere.
type Loc struct {
	Obj ObjID
	Off int32
}

// Any is the offset of a pointer whose place in its object is not known.
const Any = -1

// A Callback is a function that a library calls because of a call of the
// library: got_packet at pcap_loop(...).
type Callback struct {
	Func ir.FuncID
	How  *models.Callback // nil: the library function has no model
	By   ir.Ref           // the call whose arguments How speaks of: another one if it says Later
}

// An Unmodelled function is external and has no model.
type Unmodelled struct {
	Func  ir.FuncID
	Name  string
	Calls []ir.Ref
}

// Result of the pointer analysis. All slices returned are sorted and must not
// be changed.
type Result struct {
	Objects []Object
	Stats   Stats
	solver  *solver
}

// Stats of a run.
type Stats struct {
	Nodes, Locs, Edges, Rounds, Collapsed int
	IndirectCalls, UnresolvedIndirect     int
	Crowded                               int // places of which what they hold is not told apart from that of others (crowd.go)
}

// PointsTo returns where the value v, used in function f, may point.
func (r *Result) PointsTo(f ir.FuncID, v ir.Value) []Loc {
	l := r.solver.pointsTo(f, v)
	if v.Kind == ir.VReg {
		l = r.solver.spreadSet(l)
	}
	return l
}

// Contents returns where pointers stored in object o at offset off (Any: at any) may point.
func (r *Result) Contents(o ObjID, off int32) []Loc {
	return r.solver.spread(r.solver.contentsOf(o, off))
}

// ContentSets returns the sets that make up Contents(o, Any); equal ones are
// the same slice.
func (r *Result) ContentSets(o ObjID) [][]Loc {
	sets := r.solver.contentSets(o)
	for i, l := range sets {
		sets[i] = r.solver.spreadSet(l)
	}
	return sets
}

// In very large programs, objects of one layout may be one class, in all sets (classes.go). PointsTo and what
// else gives places gives those of all its objects, which may be tens of thousands. The following give those of the
// one object that stands for a class; Members gives the others.

// Classes reports whether there are classes.
func (r *Result) Classes() bool { return r.solver.class.members != nil }

// Stands returns the object that stands for o, most often itself.
func (r *Result) Stands(o ObjID) ObjID { return r.solver.standsFor(o) }

// Members returns the objects that o stands for, with itself, sorted; nil if it is that alone.
func (r *Result) Members(o ObjID) []ObjID { return r.solver.class.members[o] }

// Spread returns places, sorted, with those of the objects that theirs stand for.
func (r *Result) Spread(l []Loc) []Loc { return r.solver.spread(l) }

// PointsToClasses is PointsTo, of objects that stand for others.
func (r *Result) PointsToClasses(f ir.FuncID, v ir.Value) []Loc {
	return r.solver.classesOf(r.solver.pointsTo(f, v))
}

// ContentClasses is ContentSets, of objects that stand for others.
func (r *Result) ContentClasses(o ObjID) [][]Loc { return r.solver.contentSets(o) }

// Callees returns the functions that the call at ref may reach, external ones
// included; sorted by id. What an external one calls back is in Callbacks.
func (r *Result) Callees(ref ir.Ref) []ir.FuncID { return r.solver.callees(ref) }

// Callbacks returns what the library functions called at ref may call because
// of this call; sorted by function.
func (r *Result) Callbacks(ref ir.Ref) []Callback { return r.solver.callbacksAt(ref) }

// Callers returns the calls that may reach f, those of libraries that call it
// back included.
func (r *Result) Callers(f ir.FuncID) []ir.Ref { return r.solver.callers(f) }

// Reach returns all objects reachable through stored pointers from o, o included, sorted.
func (r *Result) Reach(o ObjID) []ObjID { return r.solver.reach(o) }

// LocalObj returns the object of a local that lives in memory, or -1.
func (r *Result) LocalObj(f ir.FuncID, l ir.LocalID) ObjID { return r.solver.localObj(f, l) }

// FuncObj returns the object that stands for function f.
func (r *Result) FuncObj(f ir.FuncID) ObjID { return r.solver.funcObj(f) }

// UnknownObj returns the one object of kind Unknown.
func (r *Result) UnknownObj() ObjID { return r.solver.unknown }

// Behind lists what is behind header o, in the blocks that begin with it.
func (r *Result) Behind(o ObjID) []Loc { return r.solver.behind[o] }

// HeapAt returns the heap objects allocated by the call at ref (as Site or Inner).
func (r *Result) HeapAt(ref ir.Ref) []ObjID { return r.solver.heapAt(ref) }

// Model returns what is known of external function f; nil if it is defined in
// the program or has no model.
func (r *Result) Model(f ir.FuncID) *models.Model { return r.solver.modelOf(f) }

// Unmodelled lists the external functions that are called and have no model, by name.
func (r *Result) Unmodelled() []Unmodelled { return r.solver.unmodelledList() }

// IndirectCalls lists the calls through pointers in functions of the program.
func (r *Result) IndirectCalls() []ir.Ref { return r.solver.indirectList() }

// Canon returns the offset by which Loc names byte off of object o: arrays are
// collapsed to their first element.
func (r *Result) Canon(o ObjID, off int64) int32 { return r.solver.canonOff(o, off) }

// Shift returns the places delta bytes after l.
func (r *Result) Shift(l Loc, delta int64) []Loc { return r.solver.shiftLoc(l, delta) }

// Single reports whether o stands for at most one object at a time in which
// each canonical offset is one place: not heap, not a local of a recursive
// procedure. (Places inside arrays are still many: see Collapsed.)
func (r *Result) Single(o ObjID) bool { return r.solver.single(o) }

// Collapsed reports whether the place l stands for several places of its
// object (array elements, or Any).
func (r *Result) Collapsed(l Loc) bool { return r.solver.collapsed(l) }

// Size returns the size of o in bytes, -1 if not known.
func (r *Result) Size(o ObjID) int64 { return r.solver.objSize(o) }

// TypeOf returns the type of o, nil if not known. Heap objects: of an element.
func (r *Result) TypeOf(o ObjID) *ctype.Type { return r.solver.typeOf(o) }

// Name returns a short name of o for people: "hosts", "main.argv", "malloc@assets.c:120".
func (r *Result) Name(o ObjID) string { return r.solver.name(o) }

// LocName returns a name of l for people: "config.cxt", "hosts[].next".
func (r *Result) LocName(l Loc) string { return r.solver.locName(l) }

// Span normalises an access of size bytes (-1: to the end) at l: one that goes
// beyond the array element that l is in may touch all of every element.
func (r *Result) Span(l Loc, size int64) (Loc, int64) { return r.solver.span(l, size) }

// Bound returns how many bytes an access at l can touch if it stays in the
// innermost array of bytes around l, or, where a record begins too, in the
// outermost such record; -1 if l is not in such an array.
func (r *Result) Bound(l Loc) int64 { return r.solver.bound(l) }

// Leaves returns the canonical offsets of the scalars of l's object that a
// (normalised) access of size bytes at l touches; Any where they cannot be told.
func (r *Result) Leaves(l Loc, size int64) []Loc { return r.solver.leaves(l, size) }
