package ctype

import "saz/frontend/source"

// Kind is the shape of a Type.
type Kind uint8

// Kinds, in order of integer rank where they are integers.
const (
	Void Kind = iota
	Bool
	Char // plain char; signed on the targets we know
	SChar
	UChar
	Short
	UShort
	Int
	UInt
	Long
	ULong
	LongLong
	ULongLong
	Int128
	UInt128
	Float16
	Float
	Double
	LongDouble
	Float128
	Complex // Elem is the real type
	Enum
	Pointer // Elem
	Array   // Elem, Len
	Vector  // Elem, Len (GNU vector_size)
	Func    // Elem is the result
	Struct  // Rec
	Union   // Rec
	VaList  // __builtin_va_list: on x86-64 an array of one 24-byte struct; kept opaque
	Auto    // __auto_type before its initialiser was seen; never in a finished AST
	Invalid // type of an expression that could not be typed; a diagnostic says why
)

// Qual is a set of qualifiers.
type Qual uint8

// Qualifiers.
const (
	Const Qual = 1 << iota
	Volatile
	Restrict
	Atomic
)

// A Type is a C type. Types are immutable once complete and compared with
// Same, not with ==. Struct, union and enum types share their *Record or
// *EnumDef among all qualified and sugared copies.
type Type struct {
	Kind  Kind
	Qual  Qual
	Size  int64 // bytes; -1 incomplete; -2 variable (VLA). Of records: see SizeOf
	Align int64 // bytes; of records and arrays 0 unless a typedef raises it: see AlignOf
	Elem  *Type
	Len   int64 // Array, Vector; -1 for [] ; -2 for a VLA
	Func  *FuncType
	Rec   *Record
	Enum  *EnumDef
	Name  string // the typedef name by which it was written, "" for none: sugar only

	// VLA, of an Array with Len -2, is the index of its element count in the
	// VLASizes of the function definition; -1 for [*].
	VLA int32

	unqual *Type // the type without Qual, nil where Qual is 0
}

// FuncType is the rest of a Func type.
type FuncType struct {
	Params   []Param
	Variadic bool
	OldStyle bool // () without a prototype
	NoReturn bool
}

// A Param of a function type; array and function types are adjusted.
type Param struct {
	Name string
	Type *Type
	Pos  source.Pos
}

// A Record is a struct or union definition. Two declarations of one tag in one
// scope share it; it is filled in when the body is met.
type Record struct {
	Tag      string // "" if anonymous
	Typedef  string // the first typedef name given to it, for anonymous ones
	Union    bool
	Complete bool
	Packed   bool
	// Transparent: __attribute__((transparent_union)).
	Transparent bool
	Fields      []Field
	Size        int64
	Align       int64
	Pos         source.Pos // of the tag or of the struct keyword
	ID          int32      // dense in its Universe
}

// A Field of a Record. Anonymous struct/union members are fields with Name "".
// So are unnamed bit-fields (BitField set): they are kept because a generator
// that prints the record needs them, and hold no value.
type Field struct {
	Name     string
	Type     *Type
	Off      int64 // bytes; of a bit-field the byte that holds its first bit, BitOff/8
	BitField bool
	BitOff   int64 // bit offset from the start of the record (bit-fields only)
	BitWidth int64
	Align    int64 // bytes, as laid out: packed lowers it, aligned raises it; of a bit-field 0
	Pos      source.Pos
}

// An EnumDef is an enumeration.
type EnumDef struct {
	Tag      string
	Complete bool
	Under    *Type // the compatible integer type
	Consts   []EnumConst
	Pos      source.Pos
	ID       int32
}

// EnumConst is one enumerator.
type EnumConst struct {
	Name     string
	Value    int64
	Unsigned bool // Value is to be read as a uint64: it is beyond int64
}
