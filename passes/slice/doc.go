// Package slice answers slicing queries on the system dependence graph.
//
// CONTEXT-SENSITIVE where values pass through registers, arguments and results:
// calls are matched with returns by the two phases of Horwitz, Reps and Binkley
// (TOPLAS 1990), done in one search over pairs of a node and a state. A value
// that passes through memory loses its calling context.
// FLOW-SENSITIVE as far as package sdg is: registers exactly; memory by the
// filter that a reader must be able to run after the writer, and by strong
// updates inside procedures.
//
// A forward slice has, besides, only instructions that can run after one of its
// criteria has run, on a path that matches calls with returns (or in another
// thread): code that sets the program up is in no slice from a packet.
//
// A chop is the intersection of a forward and a backward slice: coarser than
// that of Reps and Rosay ("Precise Interprocedural Chopping", FSE 1995), which
// matches calls along the whole way.
//
// A slice takes one depth-first search, which touches memory that is close
// together, and a breadth-first one when Path is first asked for, so that paths
// are shortest. The accesses through one points-to set are looked at together, and
// once from each region of control flow (sdg.Walk), which keeps memory dependence
// from being quadratic. Measured, of CPU, the slowest of a hundred: PRADS
// 0.004 s, HAProxy 1.6.0 0.09 s, OpenVPN 2.7 0.07 s, Snort 2.9.7 0.15 s, the
// current HAProxy (870,000 instructions) 0.6 s.
//
// SOUND as the graph is, and that is tested, not only argued: run_test.go
// prints a program with notes of what runs, reads and writes, runs it, and
// compares what each instruction depended on in that run, directly and by any
// number of steps, with the graph's edges and with slices in both directions.
package slice
