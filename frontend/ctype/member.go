package ctype

// Lookup finds the member called name, looking into anonymous members. The
// path leads from r outside in; its last element is the member itself. The
// offset of each is relative to the record that holds it. nil if there is none.
func (r *Record) Lookup(name string) []*Field {
	for i := range r.Fields {
		if f := &r.Fields[i]; f.Name == name {
			return []*Field{f}
		}
	}
	for i := range r.Fields {
		f := &r.Fields[i]
		if f.Name == "" && !f.BitField && f.Type.IsRecord() {
			if p := f.Type.Rec.Lookup(name); p != nil {
				return append([]*Field{f}, p...)
			}
		}
	}
	return nil
}

// A Leaf is a scalar (or vector, or va_list) inside a type.
type Leaf struct {
	Off   int64  // bytes from the start
	Type  *Type  // of the leaf
	Field *Field // the member it is, or is an element of; nil at the top
	Union bool   // it lies in a union: other leaves may overlap it
}

// Leaves calls f for each leaf of t, in order of offset in structs and arrays
// and in order of declaration in unions, until f returns false. Flexible
// array members have no leaves. It reports whether all were visited.
func Leaves(t *Type, f func(Leaf) bool) bool { return leaves(Leaf{Type: t}, f) }

func leaves(l Leaf, f func(Leaf) bool) bool {
	switch l.Type.Kind {
	case Struct, Union:
		r := l.Type.Rec
		for i := range r.Fields {
			m := &r.Fields[i]
			if m.BitField && m.Name == "" {
				continue
			}
			if !leaves(Leaf{l.Off + m.Off, m.Type, m, l.Union || r.Union}, f) {
				return false
			}
		}
		return true
	case Array:
		step := SizeOf(l.Type.Elem)
		for i := int64(0); i < l.Type.Len; i++ {
			if !leaves(Leaf{l.Off + i*step, l.Type.Elem, l.Field, l.Union}, f) {
				return false
			}
		}
		return true
	case Void, Func:
		return true
	}
	return f(l)
}
