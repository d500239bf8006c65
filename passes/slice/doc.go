// Package slice answers slicing queries on the system dependence graph.
//
// CONTEXT-SENSITIVE where values pass through registers, arguments and results:
// calls are matched with returns by the two phases of Horwitz, Reps and Binkley
// (TOPLAS 1990), done in one search over pairs of a node and a state. A value
// that passes through memory loses its calling context.
// FLOW-SENSITIVE as far as package sdg is: registers exactly; memory by the
// filter that a reader must be able to run after the writer.
//
// A forward slice has, besides, only instructions that can run after one of its
// criteria has run, on a path that matches calls with returns (or in another
// thread): code that sets the program up is in no slice from a packet.
//
// A slice takes one breadth-first search, so that Path is shortest. On PRADS:
// forward from the packet 15 ms, backward from all output 40 ms.
package slice
