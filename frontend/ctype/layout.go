package ctype

import (
	"fmt"

	"saz/frontend/source"
)

// A FieldSpec is a member as it was declared, before layout.
type FieldSpec struct {
	Name     string
	Type     *Type
	BitField bool
	Width    int64 // of a bit-field
	Packed   bool  // the member's own packed attribute
	Align    int64 // the member's own aligned attribute or _Alignas, in bytes; 0 for none
	Pos      source.Pos
}

// LayoutRules are what surrounds a record's members.
type LayoutRules struct {
	Packed bool  // the record's packed attribute
	Align  int64 // the record's aligned attribute, in bytes; 0 for none
	Pack   int64 // #pragma pack in force, in bytes; 0 for none
}

// Layout gives r its members and completes it. The variable names and the
// order of the steps are those of gcc's stor-layout.c (layout_decl,
// update_alignment_for_field, place_field, finalize_record_size), in bits.
func (r *Record) Layout(specs []FieldSpec, rules LayoutRules) error {
	mfa := rules.Pack * 8
	recordAlign := max(int64(8), rules.Align*8)
	pos := int64(0) // of the end of what was placed, in bits
	r.Fields = make([]Field, 0, len(specs))
	r.Packed = rules.Packed
	for i := range specs {
		s := &specs[i]
		typeAlign := AlignOf(s.Type) * 8
		size := SizeOf(s.Type)
		if size < 1<<58 {
			size *= 8
		}
		switch {
		case size == -8 && s.Type.Kind == Array && s.Type.Len == -1 && SizeOf(s.Type.Elem) >= 0:
			size = 0 // flexible array member
		case size == -8:
			return fmt.Errorf("member %q has the incomplete type %s", s.Name, s.Type)
		case size > 1<<60 || pos > 1<<60:
			return fmt.Errorf("it is too large at member %q", s.Name)
		case size < 0:
			return fmt.Errorf("member %q has a variable size", s.Name)
		}
		width := size
		if s.BitField {
			width = s.Width
			if width > size && !(s.Type.Kind == Bool && width <= 8) || s.Type.Kind == Bool && width > 1 {
				return fmt.Errorf("bit-field %q is wider than its type", s.Name)
			}
		}

		// layout_decl: the alignment that the member asks for.
		packed := s.Packed && (s.BitField || typeAlign > 8) ||
			rules.Packed && (s.BitField || typeAlign > 8)
		declAlign := s.Align * 8
		zero := s.BitField && s.Width == 0
		switch {
		case zero:
			// Zero-width bit-fields heed neither packed nor #pragma pack.
			packed = false
			declAlign = max(declAlign, typeAlign)
		case s.BitField:
			declAlign = max(declAlign, 1)
		case packed && s.Align != 0:
		default:
			declAlign = max(declAlign, typeAlign)
		}
		if packed && s.Align == 0 {
			declAlign = min(declAlign, 8)
		}
		if !zero && mfa != 0 {
			declAlign = min(declAlign, mfa)
		}

		// update_alignment_for_field: what it asks of the record.
		if s.BitField {
			if s.Name != "" {
				a := typeAlign
				if mfa != 0 {
					a = min(a, mfa)
				} else if packed {
					a = min(a, 8)
				}
				recordAlign = max(recordAlign, declAlign, a)
			}
		} else {
			recordAlign = max(recordAlign, declAlign)
		}

		if r.Union {
			r.Fields = append(r.Fields, s.place(0, declAlign))
			pos = max(pos, (width+7)/8*8)
			continue
		}

		// place_field.
		pos = roundUp(pos, declAlign)
		if s.BitField && !packed && mfa == 0 && !zero && excessSpan(pos, width, typeAlign, size) {
			pos = roundUp(pos, typeAlign)
		}
		r.Fields = append(r.Fields, s.place(pos, declAlign))
		pos += width
	}
	r.Align = recordAlign / 8
	r.Size = roundUp((pos+7)/8, r.Align)
	r.Complete = true
	return nil
}

func (s *FieldSpec) place(bit, align int64) Field {
	f := Field{Name: s.Name, Type: s.Type, Off: bit / 8, Align: align / 8, Pos: s.Pos}
	if s.BitField {
		f.BitField, f.BitOff, f.BitWidth, f.Align = true, bit, s.Width, 0
	}
	return f
}

// excessSpan: a bit-field may not span more units of its type's alignment than
// the type itself does.
func excessSpan(off, width, align, size int64) bool {
	off %= align
	return (off+width+align-1)/align > size/align
}

func roundUp(n, to int64) int64 {
	if to <= 1 {
		return n
	}
	return (n + to - 1) / to * to
}

// Finish fills in an enumeration. The compatible type is chosen as gcc does:
// unsigned int unless a value needs more or is negative, the smallest type
// that holds all values if packed.
func (e *EnumDef) Finish(consts []EnumConst, packed bool) {
	e.Consts = consts
	e.Complete = true
	var neg bool
	var bits int
	for i := range consts {
		v := consts[i].Value
		n := 0
		if v < 0 && !consts[i].Unsigned {
			neg = true
			v = ^v
		}
		for u := uint64(v); u != 0; u >>= 1 {
			n++
		}
		bits = max(bits, n)
	}
	if neg {
		bits++
		// A signed type needs the sign bit for the largest positive value too.
		for i := range consts {
			if v := consts[i].Value; v >= 0 || consts[i].Unsigned {
				n := 1
				for u := uint64(v); u != 0; u >>= 1 {
					n++
				}
				bits = max(bits, n)
			}
		}
	}
	size := int64(4)
	switch {
	case packed && bits <= 8:
		size = 1
	case packed && bits <= 16:
		size = 2
	case bits > 64:
		size = 16
	case bits > 32:
		size = 8
	}
	e.Under = IntOfSize(size, neg)
}
