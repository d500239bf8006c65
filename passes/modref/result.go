package modref

// Result of mod/ref.
//
//	Writes(ref ir.Ref) []pointer.Loc   what the instruction itself may write: stores, copies, and (for calls of
//	                                   functions outside the program) what the library model says; NOT the effects of
//	                                   callees inside the program
//	Reads(ref ir.Ref) []pointer.Loc    likewise what it may read from memory
//	MustWrite(ref) (Loc, size, bool)   the one whole location that it certainly overwrites (strong update), if any
//	Mod(f ir.FuncID) []pointer.Loc     all that a call of f may write, callees included
//	Ref(f ir.FuncID) []pointer.Loc
