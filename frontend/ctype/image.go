package ctype

import (
	"saz/frontend/internal/wire"
	"saz/frontend/source"
)

// An ImageWriter encodes types: each is a number where it is mentioned, and is
// written itself, once, by Finish, in an encoding of its own.
type ImageWriter struct {
	w       wire.Writer
	pos     func(*wire.Writer, source.Pos)
	types   map[*Type]uint32
	records map[*Record]uint32
	enums   map[*EnumDef]uint32
	queue   []*Type
	recs    []*Record
	defs    []*EnumDef
}

// NewImageWriter returns a writer of types; pos writes a position.
func NewImageWriter(pos func(*wire.Writer, source.Pos)) *ImageWriter {
	return &ImageWriter{pos: pos, types: map[*Type]uint32{}, records: map[*Record]uint32{}, enums: map[*EnumDef]uint32{}}
}

// firstType is the number of the first type that is not basic; 0 is nil.
const firstType = uint32(Invalid) + 2

// Type returns the number of t.
func (x *ImageWriter) Type(t *Type) uint64 {
	if t == nil {
		return 0
	}
	if t == &basic[t.Kind] {
		return uint64(t.Kind) + 1
	}
	n, ok := x.types[t]
	if !ok {
		n = firstType + uint32(len(x.queue))
		x.types[t] = n
		x.queue = append(x.queue, t)
	}
	return uint64(n)
}

// Record returns the number of r.
func (x *ImageWriter) Record(r *Record) uint64 {
	n := uint32(0)
	if r != nil {
		var ok bool
		if n, ok = x.records[r]; !ok {
			x.recs = append(x.recs, r)
			n = uint32(len(x.recs))
			x.records[r] = n
		}
	}
	return uint64(n)
}

func (x *ImageWriter) enum(e *EnumDef) uint64 {
	n := uint32(0)
	if e != nil {
		var ok bool
		if n, ok = x.enums[e]; !ok {
			x.defs = append(x.defs, e)
			n = uint32(len(x.defs))
			x.enums[e] = n
		}
	}
	return uint64(n)
}

// Records are those that were mentioned, or are part of what was; all of them
// after Finish.
func (x *ImageWriter) Records() []*Record { return x.recs }

// Finish returns the encoding of all that was mentioned, and how many types,
// records and enumerations that is: the reader needs room for them first.
func (x *ImageWriter) Finish() ([]byte, [3]int) {
	w := &x.w
	types, recs, defs := 0, 0, 0
	for types < len(x.queue) || recs < len(x.recs) || defs < len(x.defs) {
		for ; types < len(x.queue); types++ {
			t := x.queue[types]
			w.U(1)
			w.U(uint64(t.Kind))
			w.U(uint64(t.Qual))
			w.I(t.Size)
			w.I(t.Align)
			w.U(x.Type(t.Elem))
			w.I(t.Len)
			w.I(int64(t.VLA))
			w.U(x.Record(t.Rec))
			w.U(x.enum(t.Enum))
			w.S(t.Name)
			w.U(x.Type(t.unqual))
			x.function(t.Func)
		}
		for ; recs < len(x.recs); recs++ {
			w.U(2)
			x.record(x.recs[recs])
		}
		for ; defs < len(x.defs); defs++ {
			w.U(3)
			e := x.defs[defs]
			w.S(e.Tag)
			w.U(flag(e.Complete))
			w.U(x.Type(e.Under))
			x.pos(w, e.Pos)
			w.N(len(e.Consts))
			for i := range e.Consts {
				c := &e.Consts[i]
				w.S(c.Name)
				w.I(c.Value)
				w.U(flag(c.Unsigned))
			}
		}
	}
	w.U(0)
	return w.Bytes(), [3]int{types, recs, defs}
}

func (x *ImageWriter) function(f *FuncType) {
	w := &x.w
	if f == nil {
		w.U(0)
		return
	}
	w.U(1 + flag(f.Variadic)<<1 + flag(f.OldStyle)<<2 + flag(f.NoReturn)<<3)
	w.N(len(f.Params))
	for i := range f.Params {
		p := &f.Params[i]
		w.S(p.Name)
		w.U(x.Type(p.Type))
		x.pos(w, p.Pos)
	}
}

func (x *ImageWriter) record(r *Record) {
	w := &x.w
	w.S(r.Tag)
	w.S(r.Typedef)
	w.U(flag(r.Union) + flag(r.Complete)<<1 + flag(r.Packed)<<2 + flag(r.Transparent)<<3)
	w.I(r.Size)
	w.I(r.Align)
	x.pos(w, r.Pos)
	w.N(len(r.Fields))
	for i := range r.Fields {
		f := &r.Fields[i]
		w.S(f.Name)
		w.U(x.Type(f.Type))
		w.I(f.Off)
		w.U(flag(f.BitField))
		if f.BitField {
			w.I(f.BitOff)
			w.I(f.BitWidth)
		}
		w.I(f.Align)
		x.pos(w, f.Pos)
	}
}

func flag(b bool) uint64 {
	if b {
		return 1
	}
	return 0
}

// An ImageReader reads what an ImageWriter wrote.
type ImageReader struct {
	r     *wire.Reader
	pos   func(*wire.Reader) source.Pos
	types []Type
	recs  []Record
	defs  []EnumDef
}

// NewImageReader reads the types that data encodes; pos reads a position.
func NewImageReader(data []byte, counts [3]int, pos func(*wire.Reader) source.Pos) *ImageReader {
	x := &ImageReader{r: wire.NewReader(data), pos: pos, types: make([]Type, counts[0]), recs: make([]Record, counts[1]), defs: make([]EnumDef, counts[2])}
	x.fill()
	return x
}

// Type is the type with number n.
func (x *ImageReader) Type(n uint64) *Type {
	switch {
	case n == 0:
		return nil
	case n < uint64(firstType):
		return &basic[n-1]
	}
	return &x.types[n-uint64(firstType)]
}

// Record is the record with number n.
func (x *ImageReader) Record(n uint64) *Record {
	if n > 0 {
		return &x.recs[n-1]
	}
	return nil
}

func (x *ImageReader) fill() {
	r := x.r
	types, recs, defs := 0, 0, 0
	for {
		switch r.U() {
		case 0:
			return
		case 1:
			t := &x.types[types]
			types++
			t.Kind, t.Qual = Kind(r.U()), Qual(r.U())
			t.Size, t.Align = r.I(), r.I()
			t.Elem = x.Type(r.U())
			t.Len, t.VLA = r.I(), int32(r.I())
			t.Rec = x.Record(r.U())
			if n := r.U(); n > 0 {
				t.Enum = &x.defs[n-1]
			}
			t.Name = r.S()
			t.unqual = x.Type(r.U())
			t.Func = x.function()
		case 2:
			x.record(&x.recs[recs], int32(recs))
			recs++
		case 3:
			e := &x.defs[defs]
			e.ID = int32(defs)
			defs++
			e.Tag, e.Complete, e.Under, e.Pos = r.S(), r.U() != 0, x.Type(r.U()), x.pos(r)
			e.Consts = make([]EnumConst, r.Len())
			for i := range e.Consts {
				e.Consts[i] = EnumConst{r.S(), r.I(), r.U() != 0}
			}
		default:
			panic("ctype: damaged image")
		}
	}
}

func (x *ImageReader) function() *FuncType {
	r := x.r
	bits := r.U()
	if bits == 0 {
		return nil
	}
	f := &FuncType{Variadic: bits&2 != 0, OldStyle: bits&4 != 0, NoReturn: bits&8 != 0}
	if n := r.Len(); n > 0 {
		f.Params = make([]Param, n)
		for i := range f.Params {
			f.Params[i] = Param{r.S(), x.Type(r.U()), x.pos(r)}
		}
	}
	return f
}

func (x *ImageReader) record(d *Record, id int32) {
	r := x.r
	d.Tag, d.Typedef, d.ID = r.S(), r.S(), id
	bits := r.U()
	d.Union, d.Complete, d.Packed, d.Transparent = bits&1 != 0, bits&2 != 0, bits&4 != 0, bits&8 != 0
	d.Size, d.Align, d.Pos = r.I(), r.I(), x.pos(r)
	d.Fields = make([]Field, r.Len())
	for i := range d.Fields {
		f := &d.Fields[i]
		f.Name, f.Type, f.Off = r.S(), x.Type(r.U()), r.I()
		if f.BitField = r.U() != 0; f.BitField {
			f.BitOff, f.BitWidth = r.I(), r.I()
		}
		f.Align, f.Pos = r.I(), x.pos(r)
	}
}
