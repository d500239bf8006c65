// Package sdg is the system dependence graph of a program (Horwitz, Reps and
// Binkley, "Interprocedural Slicing Using Dependence Graphs", TOPLAS 1990), at
// the grain of instructions.
//
// Nothing but tables is built beforehand; edges are worked out when a slice asks
// for them. That is what keeps the graph small: the formal and actual nodes for
// every global at every call, which make classic graphs quadratic, do not exist.
// Instead a dependence through memory goes straight from the store to the load.
//
// # Edges
//
// DATA through registers: exact, by SSA form.
//
// MEMORY: from an instruction that may write a place to one that may read it
// (package modref, by rows of bits over its parts: memory.go), if the reader may
// run after the writer (flow.go), and, for loads of a place of which there is
// one, if nothing that certainly overwrites it lies on every way between them
// in the load's procedure (kill.go). Such an edge ends in no particular calling
// context, unless both ends are in one activation and touch its memory only.
//
// CONTROL: Ferrante, Ottenstein and Warren, "The Program Dependence Graph and
// Its Use in Optimization", TOPLAS 1987, from post-dominators; a phi depends on
// the branches that choose its operand. Insensitive to termination: that a loop
// or a call may not end controls nothing after it (a call of a function
// declared not to return does end its block).
//
// CALLS: from the call to the procedure's entry, from arguments to parameters,
// from returns to the call's result; and from an argument to the result by a
// summary edge where the result depends on the parameter inside the callee
// (found bottom-up, when the graph is built).
// A library's callbacks are entered from the library's call.
//
// # Soundness
//
// As sound as pointer and modref, and for threads: a store in one thread and a
// load in another need no path. After setjmp everything that its procedure has
// called may run before what follows it. Dependence through the outside world
// (a file written and read back, a signal that the program sends itself) and
// through time is not dependence here.
//
// Package slice's tests check it by running programs.
//
// # Cost
//
// With package modref, of CPU: PRADS (25,700 instructions) 0.02 s, HAProxy 1.6.0
// (174,900) 0.8 s, OpenVPN 2.7 (127,200) 0.9 s, Snort 2.9.7 (232,700) 1.9 s,
// nearly all of it to expand points-to sets and to cut memory into regions. Since then all that a
// first slice would have to find out belongs to the graph: see docs/evaluation.md.
package sdg
