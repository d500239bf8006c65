// Package modref says which memory each instruction, and each procedure with
// all that it calls, may write and read.
//
// It is as sensitive as the pointer analysis from which it comes
// (flow-insensitive, field-sensitive by offset, context-insensitive) and sound
// where that is and where library models are right. An access is a range of
// bytes of an object in canonical offsets; one that is longer than the rest of
// an array element touches all of every element.
//
// A library function that is given no length is taken to stay inside what the
// pointer, by its type before it was converted for the call, points at: the
// object of its type, or the array of characters around the place. (Writing
// beyond that would be a bug of the program, which no analysis of its state can
// outlive.) Through a void * without a length it may touch the rest of the
// object.
//
// Summaries of procedures are worked out when asked for, from the procedures
// that can be reached; threads that are started do not count.
//
// Measured on PRADS: 0.02 s.
package modref
