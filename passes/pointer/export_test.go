package pointer

import "saz/ir"

// Recycles reports whether the call at ref may hand out a block that was freed, by the
// name that a fresh one would have there.
func Recycles(r *Result, ref ir.Ref) bool {
	in := &r.solver.prog.Funcs[ref.Func].Instrs[ref.I]
	return in.Dst >= 0 && in.A.Kind == ir.VFunc && (r.solver.recycled[ref] || r.solver.recyclers[ir.FuncID(in.A.ID)])
}

// TakesOff reports whether the call at ref takes a block off a free list, as its own allocation.
func TakesOff(r *Result, ref ir.Ref) bool { return r.solver.asFresh[ref] }

// LeaveOut makes the solver ignore constraints of one kind until mend is called.
func LeaveOut(kind string) (mend func()) {
	kinds := map[string][]constraintKind{
		"load":     {conLoad},
		"store":    {conStore},
		"shift":    {conShift},
		"index":    {conIndex},
		"copy":     {conCopyDst, conCopySrc},
		"call":     {conCall},
		"callback": {conCallback},
		"mask":     {conMask},
		"receiver": {conReceiver},
		"gate":     {conGate},
		"escape":   {conEscape},
		"typed":    {conTyped},
	}[kind]
	if kinds == nil {
		panic("no constraints called " + kind)
	}
	for _, k := range kinds {
		leaveOut[k] = true
	}
	return func() { leaveOut = [len(leaveOut)]bool{} }
}
