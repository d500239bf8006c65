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

// Result of mod/ref. Slices returned are sorted by object and offset, are
// shared by all instructions that do the same, and must not be changed.
type Result struct {
	*analysis
	regions *Regions
}

// Writes returns what the instruction itself may write: stores, copies, and
// (for calls of functions outside the program) what the library model says;
// NOT the effects of callees inside the program. A place is named for
// each scalar that is touched.
func (r *Result) Writes(ref ir.Ref) []pointer.Loc { return r.writesOf(ref) }

// Reads returns likewise what it may read from memory.
func (r *Result) Reads(ref ir.Ref) []pointer.Loc { return r.parts.locs(r.effectOf(ref, rd)) }

// WriteAccesses is Writes with sizes.
func (r *Result) WriteAccesses(ref ir.Ref) []Access { return r.parts.accesses(r.effectOf(ref, wr)) }

// ReadAccesses is Reads with sizes.
func (r *Result) ReadAccesses(ref ir.Ref) []Access { return r.parts.accesses(r.effectOf(ref, rd)) }

// WriteEffect returns a number that is the same for all instructions that
// write the same in the same way: what was found out about Writes or
// WriteAccesses of one of them holds for all. 0 is nothing at all.
func (r *Result) WriteEffect(ref ir.Ref) int { return int(r.effectOf(ref, wr)) }

// ReadEffect is WriteEffect for what is read.
func (r *Result) ReadEffect(ref ir.Ref) int { return int(r.effectOf(ref, rd)) }

// Effects counts the effects.
func (r *Result) Effects() int { return len(r.parts.effects) }

// WriteParts returns the parts of what the instruction writes.
func (r *Result) WriteParts(ref ir.Ref) []PartID { return r.parts.effects[r.effectOf(ref, wr)] }

// ReadParts returns the parts of what the instruction reads.
func (r *Result) ReadParts(ref ir.Ref) []PartID { return r.parts.effects[r.effectOf(ref, rd)] }

// ArgPart returns the part by which a call reads its argument k, a record.
func (r *Result) ArgPart(call ir.Ref, k int) (PartID, bool) {
	p, ok := r.args[argKey{call, k}]
	return p, ok
}

// ParamPart returns the part by which the memory of parameter k of f is
// written when f is entered; none if the parameter is not in memory.
func (r *Result) ParamPart(f ir.FuncID, k int) (PartID, bool) {
	p, ok := r.params[argKey{ir.Ref{Func: f, I: -1}, k}]
	return p, ok
}

// PartAccesses returns what a part touches, of objects that stand for others (pointer.Result.Stands).
func (r *Result) PartAccesses(p PartID) []Access { return r.parts.acc[p] }

// Parts counts the parts.
func (r *Result) Parts() int { return len(r.parts.acc) }

// Regions returns the partition of memory.
func (r *Result) Regions() *Regions { return r.regions }

// MustWrite returns the one whole place that the instruction certainly
// overwrites (strong update), if any.
func (r *Result) MustWrite(ref ir.Ref) (pointer.Loc, int64, bool) { return r.must(ref) }

// Mod returns all that a call of f may write, callees included.
func (r *Result) Mod(f ir.FuncID) []pointer.Loc { return r.expand(r.ModAccesses(f)) }

// Ref returns all that a call of f may read, callees included.
func (r *Result) Ref(f ir.FuncID) []pointer.Loc { return r.expand(r.RefAccesses(f)) }

// ModAccesses is Mod with sizes.
func (r *Result) ModAccesses(f ir.FuncID) []Access { return r.summary(f, wr) }

// RefAccesses is Ref with sizes.
func (r *Result) RefAccesses(f ir.FuncID) []Access { return r.summary(f, rd) }

// ModRegions returns the regions that a call of f may write, callees included.
func (r *Result) ModRegions(f ir.FuncID) Bits { return r.summaries(wr)[r.graph.SCC(f)] }

// RefRegions returns the regions that a call of f may read, callees included.
func (r *Result) RefRegions(f ir.FuncID) Bits { return r.summaries(rd)[r.graph.SCC(f)] }

// Frees returns the objects that the instruction may release. Writes says that
// they are written (anywhere in them), WriteAccesses does not: nothing reads
// what free leaves.
func (r *Result) Frees(ref ir.Ref) []pointer.ObjID { return r.frees[ref] }

func (r *Result) effectOf(ref ir.Ref, d dir) int32 {
	if i := r.base[ref.Func] + ref.I; d == wr {
		return r.writes[i]
	} else {
		return r.reads[i]
	}
}

func (r *Result) writesOf(ref ir.Ref) []pointer.Loc {
	out := r.parts.locs(r.effectOf(ref, wr))
	if fr := r.frees[ref]; len(fr) > 0 {
		out = append([]pointer.Loc(nil), out...)
		for _, o := range fr {
			out = append(out, pointer.Loc{Obj: o, Off: pointer.Any})
		}
		sortLocs(out)
	}
	return out
}
