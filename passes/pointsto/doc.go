// Package pointsto answers what a person asks about the pointer analysis: where
// an expression that could stand at a line may point (expr.go), and by which
// assignments a place got there (why.go).
//
// An expression is read in the scope of its line: names of locals, statics and
// globals, members, subscripts, *, & and casts to pointers to records. What it
// denotes is worked out on points-to sets as the analysis would: a local in a
// register has the versions that the line uses, if it uses any, and otherwise
// all of its procedure's; memory holds what was ever stored in it; elements of an
// array are one. Other expressions (calls, conditions) are looked up by their text
// among the instructions of the line.
package pointsto
