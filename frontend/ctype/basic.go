package ctype

// basic holds the types that have nothing but a kind, indexed by it.
var basic [Invalid + 1]Type

func init() {
	set := func(k Kind, size, align int64) { basic[k] = Type{Kind: k, Size: size, Align: align} }
	set(Void, 1, 1) // sizeof(void) is 1 in GNU C; IsComplete still says no
	set(Bool, 1, 1)
	for _, k := range []Kind{Char, SChar, UChar} {
		set(k, 1, 1)
	}
	set(Short, 2, 2)
	set(UShort, 2, 2)
	set(Int, 4, 4)
	set(UInt, 4, 4)
	for _, k := range []Kind{Long, ULong, LongLong, ULongLong} {
		set(k, 8, 8)
	}
	set(Int128, 16, 16)
	set(UInt128, 16, 16)
	set(Float16, 2, 2)
	set(Float, 4, 4)
	set(Double, 8, 8)
	set(LongDouble, 16, 16)
	set(Float128, 16, 16)
	set(VaList, 24, 8)
	set(Auto, -1, 1)
	set(Invalid, -1, 1)
}

// Basic returns the unqualified type of a kind that has no operands: the
// arithmetic types, Void, VaList, Auto and Invalid.
func Basic(k Kind) *Type { return &basic[k] }

// The basic types by name.
var (
	TVoid       = &basic[Void]
	TBool       = &basic[Bool]
	TChar       = &basic[Char]
	TSChar      = &basic[SChar]
	TUChar      = &basic[UChar]
	TShort      = &basic[Short]
	TUShort     = &basic[UShort]
	TInt        = &basic[Int]
	TUInt       = &basic[UInt]
	TLong       = &basic[Long]
	TULong      = &basic[ULong]
	TLongLong   = &basic[LongLong]
	TULongLong  = &basic[ULongLong]
	TInt128     = &basic[Int128]
	TUInt128    = &basic[UInt128]
	TFloat16    = &basic[Float16]
	TFloat      = &basic[Float]
	TDouble     = &basic[Double]
	TLongDouble = &basic[LongDouble]
	TFloat128   = &basic[Float128]
	TVaList     = &basic[VaList]
	TAuto       = &basic[Auto]
	TInvalid    = &basic[Invalid]
)

// PtrSize is the size and alignment of a pointer.
const PtrSize = 8

type qualKey struct {
	t *Type
	q Qual
}

type arrayKey struct {
	t *Type
	n int64
}

// A Universe makes the derived types of one translation unit. It is not safe
// for concurrent use.
type Universe struct {
	ptrs    map[*Type]*Type
	quals   map[qualKey]*Type
	arrays  map[arrayKey]*Type
	slab    []Type
	records int32
	enums   int32
}

// NewUniverse returns an empty Universe.
func NewUniverse() *Universe {
	return &Universe{
		ptrs:   make(map[*Type]*Type, 256),
		quals:  make(map[qualKey]*Type, 128),
		arrays: make(map[arrayKey]*Type, 64),
	}
}

func (u *Universe) alloc() *Type {
	if len(u.slab) == 0 {
		u.slab = make([]Type, 128)
	}
	t := &u.slab[0]
	u.slab = u.slab[1:]
	return t
}

// Pointer returns the type "pointer to t".
func (u *Universe) Pointer(t *Type) *Type {
	if p := u.ptrs[t]; p != nil {
		return p
	}
	p := u.alloc()
	*p = Type{Kind: Pointer, Size: PtrSize, Align: PtrSize, Elem: t}
	u.ptrs[t] = p
	return p
}

// Array returns the type "array of n t"; n is -1 for [].
func (u *Universe) Array(t *Type, n int64) *Type {
	k := arrayKey{t, n}
	if a := u.arrays[k]; a != nil {
		return a
	}
	a := u.alloc()
	*a = Type{Kind: Array, Size: -1, Elem: t, Len: n}
	if n >= 0 {
		if s := SizeOf(t); s >= 0 {
			a.Size = s * n
		}
	}
	u.arrays[k] = a
	return a
}

// VLA returns a variable length array of t whose element count is expression
// number idx of the function; idx -1 is [*].
func (u *Universe) VLA(t *Type, idx int32) *Type {
	a := u.alloc()
	*a = Type{Kind: Array, Size: -2, Elem: t, Len: -2, VLA: idx}
	return a
}

// Vector returns the GNU vector of n t.
func (u *Universe) Vector(t *Type, n int64) *Type {
	v := u.alloc()
	size := SizeOf(t) * n
	*v = Type{Kind: Vector, Size: size, Align: size, Elem: t, Len: n}
	return v
}

// Complex returns the complex type over a real type.
func (u *Universe) Complex(t *Type) *Type {
	c := u.alloc()
	*c = Type{Kind: Complex, Size: 2 * SizeOf(t), Align: AlignOf(t), Elem: t}
	return c
}

// Function returns a function type.
func (u *Universe) Function(result *Type, f *FuncType) *Type {
	t := u.alloc()
	*t = Type{Kind: Func, Size: 1, Align: 1, Elem: result, Func: f}
	return t
}

// NewRecord makes an incomplete struct or union.
func (u *Universe) NewRecord(tag string, union bool) *Type {
	r := &Record{Tag: tag, Union: union, ID: u.records}
	u.records++
	k := Struct
	if union {
		k = Union
	}
	t := u.alloc()
	*t = Type{Kind: k, Size: -1, Rec: r}
	return t
}

// NewEnum makes an incomplete enumeration.
func (u *Universe) NewEnum(tag string) *Type {
	e := &EnumDef{Tag: tag, ID: u.enums}
	u.enums++
	t := u.alloc()
	*t = Type{Kind: Enum, Size: -1, Enum: e}
	return t
}

// Qualified returns t with the qualifiers q added. Qualifiers of an array are
// those of its elements.
func (u *Universe) Qualified(t *Type, q Qual) *Type {
	if q&^t.Qual == 0 || t.Kind == Func {
		return t
	}
	k := qualKey{t, q}
	if c := u.quals[k]; c != nil {
		return c
	}
	c := u.alloc()
	*c = *t
	if t.Kind == Array {
		c.Elem = u.Qualified(t.Elem, q)
		if t.Elem == c.Elem {
			c = t
		}
		c.unqual = nil
	} else {
		c.Qual |= q
		if c.unqual == nil {
			c.unqual = t
		}
	}
	u.quals[k] = c
	return c
}

// Named returns t under a typedef name.
func (u *Universe) Named(t *Type, name string) *Type {
	c := u.alloc()
	*c = *t
	c.Name = name
	// The unqualified version of a qualified typedef is what lies below it.
	return c
}

// Aligned returns t with its alignment set to n bytes, as by the aligned
// attribute in a typedef.
func (u *Universe) Aligned(t *Type, n int64) *Type {
	c := u.alloc()
	*c = *t
	c.Align = n
	c.unqual = nil
	if t.Qual != 0 {
		b := u.alloc()
		*b = *c
		b.Qual = 0
		c.unqual = b
	}
	return c
}

// Unqualified returns t without its own qualifiers (those of an array's
// elements stay).
func (t *Type) Unqualified() *Type {
	if t.Qual != 0 && t.unqual != nil {
		return t.unqual
	}
	return t
}

// SizeOf returns the size of t in bytes, -1 if it is incomplete and -2 if it
// varies. As in GNU C, void and functions have size 1.
func SizeOf(t *Type) int64 {
	switch t.Kind {
	case Struct, Union:
		if !t.Rec.Complete {
			return -1
		}
		return t.Rec.Size
	case Enum:
		if t.Enum.Under == nil {
			return -1
		}
		return t.Enum.Under.Size
	case Array:
		if t.Len == -1 {
			return -1
		}
		e := SizeOf(t.Elem)
		if e < 0 {
			return e
		}
		if t.Len < 0 {
			return -2
		}
		return e * t.Len
	}
	return t.Size
}

// AlignOf returns the alignment of t in bytes.
func AlignOf(t *Type) int64 {
	if t.Align > 0 {
		return t.Align
	}
	switch t.Kind {
	case Struct, Union:
		if t.Rec.Align > 0 {
			return t.Rec.Align
		}
	case Enum:
		if t.Enum.Under != nil {
			return t.Enum.Under.Align
		}
	case Array:
		return AlignOf(t.Elem)
	}
	return 1
}

// IsComplete reports whether objects of type t can be made (a VLA can).
func IsComplete(t *Type) bool {
	switch t.Kind {
	case Void, Func, Auto, Invalid:
		return false
	}
	return SizeOf(t) != -1
}

// IsVLA reports whether the size of t varies at run time.
func IsVLA(t *Type) bool {
	for t.Kind == Array {
		if t.Len == -2 {
			return true
		}
		t = t.Elem
	}
	return false
}

// HasVLA reports whether t is derived from a VLA in any way: int (*)[n] too.
func HasVLA(t *Type) bool {
	for t != nil {
		if t.Kind == Array && t.Len == -2 {
			return true
		}
		switch t.Kind {
		case Array, Pointer:
			t = t.Elem
		default:
			return false
		}
	}
	return false
}

// IsInteger: bool, characters, integers and enumerations.
func (t *Type) IsInteger() bool { return t.Kind >= Bool && t.Kind <= UInt128 || t.Kind == Enum }

// IsFloat: real floating types.
func (t *Type) IsFloat() bool { return t.Kind >= Float16 && t.Kind <= Float128 }

// IsReal: integers and real floating types.
func (t *Type) IsReal() bool { return t.IsInteger() || t.IsFloat() }

// IsArith: real and complex types.
func (t *Type) IsArith() bool { return t.IsReal() || t.Kind == Complex }

// IsScalar: arithmetic types and pointers.
func (t *Type) IsScalar() bool { return t.IsArith() || t.Kind == Pointer }

// IsRecord: structs and unions.
func (t *Type) IsRecord() bool { return t.Kind == Struct || t.Kind == Union }

// IsAggregate: records and arrays.
func (t *Type) IsAggregate() bool { return t.IsRecord() || t.Kind == Array }

// IsSigned reports whether the integer type t is signed; of a pointer no.
func (t *Type) IsSigned() bool {
	switch t.Kind {
	case Char, SChar, Short, Int, Long, LongLong, Int128:
		return true
	case Enum:
		return t.Enum.Under != nil && t.Enum.Under.IsSigned()
	}
	return false
}

// IsChar: the three character types.
func (t *Type) IsChar() bool { return t.Kind >= Char && t.Kind <= UChar }

// Bits returns the width of the integer type t.
func (t *Type) Bits() int {
	if t.Kind == Bool {
		return 1
	}
	return int(SizeOf(t)) * 8
}

// Unsigned returns the unsigned type of the same width as the integer type t.
func Unsigned(t *Type) *Type {
	if t.Kind == Enum {
		t = t.Enum.Under
	}
	switch t.Kind {
	case Char, SChar:
		return TUChar
	case Short, Int, Long, LongLong, Int128:
		return &basic[t.Kind+1]
	}
	return t
}

// Signed returns the signed type of the same width as the integer type t.
func Signed(t *Type) *Type {
	if t.Kind == Enum {
		t = t.Enum.Under
	}
	switch t.Kind {
	case Char, UChar, Bool:
		return TSChar
	case UShort, UInt, ULong, ULongLong, UInt128:
		return &basic[t.Kind-1]
	}
	return t
}

// IntOfSize returns the integer type of a size in bytes, nil if there is none.
func IntOfSize(size int64, signed bool) *Type {
	var t *Type
	switch size {
	case 1:
		t = TSChar
	case 2:
		t = TShort
	case 4:
		t = TInt
	case 8:
		t = TLong
	case 16:
		t = TInt128
	default:
		return nil
	}
	if !signed {
		return Unsigned(t)
	}
	return t
}

// Promote returns the type that the integer promotions give t.
func Promote(t *Type) *Type {
	switch t.Kind {
	case Bool, Char, SChar, UChar, Short, UShort:
		return TInt
	case Enum:
		if t.Enum.Under == nil {
			return TInt
		}
		return Promote(t.Enum.Under)
	}
	return canonical(t)
}

// PromoteBits returns what the integer promotions give a bit-field of type t
// and the given width.
func PromoteBits(t *Type, width int64) *Type {
	switch {
	case width < 32, width == 32 && t.IsSigned():
		return TInt
	case width == 32:
		return TUInt
	}
	return Promote(t)
}

// canonical strips sugar and qualifiers from an arithmetic type.
func canonical(t *Type) *Type {
	if t.Kind <= Float128 {
		return &basic[t.Kind]
	}
	return t.Unqualified()
}

// UsualArith returns the common type of the usual arithmetic conversions of
// two arithmetic types.
func (u *Universe) UsualArith(a, b *Type) *Type {
	if a.Kind == Complex || b.Kind == Complex {
		x, y := a, b
		if a.Kind == Complex {
			x = a.Elem
		}
		if b.Kind == Complex {
			y = b.Elem
		}
		return u.Complex(u.UsualArith(x, y))
	}
	if a.IsFloat() || b.IsFloat() {
		switch {
		case !b.IsFloat():
			return canonical(a)
		case !a.IsFloat():
			return canonical(b)
		case a.Kind > b.Kind:
			return canonical(a)
		}
		return canonical(b)
	}
	a, b = Promote(a), Promote(b)
	if a.Kind == b.Kind {
		return a
	}
	if a.Kind < b.Kind {
		a, b = b, a
	}
	// a has the higher rank, or the same rank and is the unsigned one. It wins
	// unless b is unsigned and as wide.
	if a.IsSigned() && !b.IsSigned() && b.Size >= a.Size {
		return Unsigned(a)
	}
	return a
}
