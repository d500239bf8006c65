// Package sdg is the system dependence graph of a program (Horwitz, Reps and
// Binkley, "Interprocedural Slicing Using Dependence Graphs", TOPLAS 1990), at
// the grain of instructions.
//
// Nothing but per-procedure tables and summaries is built beforehand; edges are
// worked out when a slice asks for them. That is what keeps the graph small: the
// formal and actual nodes for every global at every call, which make classic
// graphs quadratic, do not exist. Instead a dependence through memory goes
// straight from the store to the load.
//
// # Edges
//
// DATA through registers: exact, by SSA form.
//
// MEMORY: from an instruction that may write a place to one that may read it
// (package modref), if the reader may run after the writer (flow.go). Not
// refined by what overwrites the place in between, so flow-insensitive but for
// that filter. Such an edge ends in no particular calling context, unless both
// ends are in one activation.
//
// CONTROL: Ferrante, Ottenstein and Warren, "The Program Dependence Graph and
// Its Use in Optimization", TOPLAS 1987, from post-dominators; a phi depends on
// the branches that choose its operand. Insensitive to termination: that a loop
// or a call may not end controls nothing after it (a call of a function
// declared not to return does end its block).
//
// CALLS: from the call to the procedure's entry, from arguments to parameters,
// from returns to the call's result; and from an argument to the result by a
// summary edge where the result depends on the parameter inside the callee.
// A library's callbacks are entered from the library's call.
//
// # Soundness
//
// As sound as pointer and modref, and for threads: a store in one thread and a
// load in another need no path. Dependence through the outside world (a file
// written and read back) and through time is not dependence here.
//
// Measured: 0.02 s to build for PRADS, 0.2 s for Lua.
package sdg
