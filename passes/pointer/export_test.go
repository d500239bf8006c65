package pointer

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
