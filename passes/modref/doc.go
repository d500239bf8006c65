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
// # Layout
//
// A large program has many accesses and few different ones, because most of its
// pointers have one of a few thousand sets. So an instruction does not hold
// what it accesses but the numbers of its PARTS, and a part, one kind of access
// through one points-to set, is expanded once (part.go). What unmodelled code
// can reach is found for all objects together, from the strongly connected
// components of "a pointer in this points at that" (reach.go).
//
// Memory is then cut into REGIONS: bytes that exactly the same parts touch are
// one location (Chow, Chan, Liu, Lo and Streich, "Effective Representation of
// Aliases and Indirect Memory Operations in SSA Form", CC 1996, partition
// memory likewise; SVF calls them memory regions). Two accesses overlap if and
// only if they have a region in common, so that nothing is lost, and everything
// beyond this package works on rows of bits by region (region.go).
//
// In very large programs, where objects of one layout may be one class (package pointer, classes.go), parts and
// regions are of the objects that stand for their class; what is asked for by places has all of them.
//
// Parts that touch the same bytes are one; the regions of a part, few of many, are kept as words that are not 0.
//
// Summaries of procedures are worked out when first asked for, bottom-up over
// the components of the call graph; threads that are started do not count.
package modref
