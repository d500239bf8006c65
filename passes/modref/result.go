package modref

import (
	"saz/ir"
	"saz/passes"
	"saz/passes/callgraph"
	"saz/passes/pointer"
)

// Pass computes a *Result.
var Pass = &passes.Pass{
	Name:     "modref",
	Doc:      "what each instruction and each procedure may write and read",
	Requires: []*passes.Pass{pointer.Pass, callgraph.Pass},
	Run:      run,
}

// Of returns the result of Pass, which the caller must require.
func Of(c *passes.Context) *Result { return c.Result(Pass).(*Result) }

// An Access is a range of bytes of an object: Size bytes from Loc; Size -1
// (and any Loc.Off of Any) is to the end of the object.
type Access struct {
	pointer.Loc
	Size int64
}

// Result of mod/ref. Slices returned are sorted by object and offset and must
// not be changed.
type Result struct {
	*analysis
}

// Writes returns what the instruction itself may write: stores, copies, and
// (for calls of functions outside the program) what the library model says;
// NOT the effects of callees inside the program. A place is named for
// each scalar that is touched.
func (r *Result) Writes(ref ir.Ref) []pointer.Loc { return r.writesOf(ref) }

// Reads returns likewise what it may read from memory.
func (r *Result) Reads(ref ir.Ref) []pointer.Loc { return r.expand(r.ReadAccesses(ref)) }

// WriteAccesses is Writes with sizes.
func (r *Result) WriteAccesses(ref ir.Ref) []Access { return r.at(ref, &r.writes) }

// ReadAccesses is Reads with sizes.
func (r *Result) ReadAccesses(ref ir.Ref) []Access { return r.at(ref, &r.reads) }

// MustWrite returns the one whole place that the instruction certainly
// overwrites (strong update), if any.
func (r *Result) MustWrite(ref ir.Ref) (pointer.Loc, int64, bool) { return r.must(ref) }

// Mod returns all that a call of f may write, callees included.
func (r *Result) Mod(f ir.FuncID) []pointer.Loc { return r.expand(r.ModAccesses(f)) }

// Ref returns all that a call of f may read, callees included.
func (r *Result) Ref(f ir.FuncID) []pointer.Loc { return r.expand(r.RefAccesses(f)) }

// ModAccesses is Mod with sizes.
func (r *Result) ModAccesses(f ir.FuncID) []Access { return r.summary(f, true) }

// RefAccesses is Ref with sizes.
func (r *Result) RefAccesses(f ir.FuncID) []Access { return r.summary(f, false) }

// Frees returns the objects that the instruction may release. Writes says that
// they are written (anywhere in them), WriteAccesses does not: nothing reads
// what free leaves.
func (r *Result) Frees(ref ir.Ref) []pointer.ObjID { return r.frees[ref] }

func (r *Result) writesOf(ref ir.Ref) []pointer.Loc {
	out := r.expand(r.WriteAccesses(ref))
	if fr := r.frees[ref]; len(fr) > 0 {
		for _, o := range fr {
			out = append(out, pointer.Loc{Obj: o, Off: pointer.Any})
		}
		sortLocs(out)
	}
	return out
}
