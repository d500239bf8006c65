package slice

// Result gives slices on demand.
//
//	Forward(from []ir.Ref) *Set        instructions that may depend on what the instructions in from compute or write
//	ForwardLoc(at ir.Ref, locs []pointer.Loc, dst bool) *Set   ... on locs as written by the instruction at, and on its result if dst
//	Backward(from []ir.Ref) *Set       instructions on which those in from may depend (data and control)
//	BackwardCall(at ir.Ref) *Set       whether the call runs, its arguments, and what it reads through them
//	Chop(from, to *...) *Set
//
// A Set answers Has(ref), Procs() []ir.FuncID, Len(), Each(func(ir.Ref)), and
// Path(ref) []passes.Why: a shortest dependence path from the criterion to ref.
