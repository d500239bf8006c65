// Package ctype is the C type system of the target: x86-64, System V ABI,
// LP64, as gcc implements it.
//
// # Types
//
// A *Type is immutable, apart from records and enumerations, whose *Record or
// *EnumDef is filled in when the body is met and shared by every mention. So
// the size of a type is asked with SizeOf, which follows those, and never read
// from Type.Size. Types are made by a Universe (one a translation unit), which
// returns the same pointer for the same derivation where that is cheap;
// equality is Same (exact, sugar apart) or Compatible (C's relation).
//
// # Layout
//
// Record.Layout follows gcc's stor-layout.c step by step, because the corner
// cases (a zero-width bit-field inside #pragma pack, an aligned typedef inside
// a packed struct, bit-fields that straddle) are defined by that code alone.
// The oracle is the compiler: the tests print sizes and offsets as
// _Static_asserts that gcc must accept.
//
// # va_list
//
// __builtin_va_list is opaque: 24 bytes, aligned to 8. As in the ABI it is an
// array type of one element to the language: it decays to a pointer when it is
// passed, so a parameter declared va_list has the type "pointer to VaList".
//
// # What is not modelled
//
// Decimal floating point is unknown. A bit-field wider than int is promoted to
// its declared type by PromoteBits; package check adds gcc's exact width.
package ctype
