package glue

import (
	"fmt"

	"saz/frontend/ctype"
)

// Kinds of slot, as in saz_tables.h.
const (
	kNest = "SAZ_NEST"
	kPtr  = "SAZ_PTR"
	kStr  = "SAZ_STR"
	kFun  = "SAZ_FUN"
	kOpq  = "SAZ_OPQ"
	kAny  = "SAZ_ANY"
)

// Types that each table begins with.
const (
	bytesType = 0
	wordsType = 1
)

const wordSize = 8

type slot struct {
	Off, Count, Stride int64
	Kind               string
	Type               int
	target             *ctype.Type // of kPtr, until all types have numbers
}

type typ struct {
	Name        string
	Size, Align int64
	Slots       []slot
	Tail        bool
	rec         *ctype.Record
}

// types numbers the types that the runtime must know: a nested one before what it is in, the
// targets of pointers whenever they turn up.
type types struct {
	list   []typ
	recs   map[*ctype.Record]int
	others map[string]int // pointers and plain scalars, by name
	canon  map[*ctype.Record]*ctype.Record
	opaque map[string]bool
}

func newTypes(canon map[*ctype.Record]*ctype.Record, opaque map[string]bool) *types {
	return &types{
		list: []typ{
			{Name: "bytes", Size: 1, Align: 1},
			{Name: "words", Size: wordSize, Align: 1, Tail: true, Slots: []slot{{Stride: wordSize, Kind: kAny}}},
		},
		recs:   map[*ctype.Record]int{},
		others: map[string]int{},
		canon:  canon,
		opaque: opaque,
	}
}

func (t *types) record(r *ctype.Record) *ctype.Record {
	if c := t.canon[r]; c != nil {
		return c
	}
	return r
}

// element returns the number of the type of one element of an object of type ty.
func (t *types) element(ty *ctype.Type) int {
	for ty != nil && ty.Kind == ctype.Array {
		ty = ty.Elem
	}
	switch {
	case ty == nil:
		return bytesType
	case ty.IsRecord():
		return t.ofRecord(t.record(ty.Rec))
	case ty.Kind == ctype.Pointer:
		s, ok := t.pointer(ty)
		if !ok {
			return bytesType
		}
		name := "pointer to " + t.name(ty.Elem)
		if s.Kind != kPtr {
			name = "pointer " + s.Kind
		}
		if id, ok := t.others[name]; ok {
			return id
		}
		return t.add(name, typ{Name: name, Size: ty.Size, Align: ty.Size, Slots: []slot{s}})
	case ty.Size > 1 && ty.Kind != ctype.Func:
		name := fmt.Sprintf("%d bytes", ty.Size)
		if id, ok := t.others[name]; ok {
			return id
		}
		return t.add(name, typ{Name: name, Size: ty.Size, Align: max(ty.Align, 1)})
	}
	return bytesType
}

func (t *types) add(key string, ty typ) int {
	id := len(t.list)
	t.list = append(t.list, ty)
	t.others[key] = id
	return id
}

func (t *types) name(ty *ctype.Type) string {
	switch {
	case ty == nil:
		return "nothing"
	case ty.IsRecord():
		r := t.record(ty.Rec)
		return fmt.Sprintf("%s #%d", recordName(r), t.ofRecord(r))
	case ty.Kind == ctype.Pointer:
		return t.name(ty.Elem) + " *"
	case ty.Kind == ctype.Array:
		return t.name(ty.Elem)
	}
	return fmt.Sprintf("%d bytes", ty.Size)
}

func recordName(r *ctype.Record) string {
	kind := "struct "
	if r.Union {
		kind = "union "
	}
	switch {
	case r.Tag != "":
		return kind + r.Tag
	case r.Typedef != "":
		return r.Typedef
	}
	return kind + "without a name"
}

func (t *types) ofRecord(r *ctype.Record) int {
	if id, ok := t.recs[r]; ok {
		return id
	}
	if !r.Complete {
		return bytesType
	}
	ty := typ{Name: recordName(r), Size: r.Size, Align: max(r.Align, 1), rec: r}
	if r.Union {
		ty.Slots = t.union(r)
	} else {
		for i := range r.Fields {
			f := &r.Fields[i]
			if f.BitField {
				continue
			}
			last := i == len(r.Fields)-1
			s, tail := t.slots(f.Type, f.Off, last)
			ty.Slots = append(ty.Slots, s...)
			ty.Tail = ty.Tail || tail
		}
	}
	id := len(t.list)
	t.list = append(t.list, ty)
	t.recs[r] = id
	return id
}

// union: which member is meant is not known here, so each word that holds an address in some
// member may hold one.
func (t *types) union(r *ctype.Record) []slot {
	at := map[int64]bool{}
	for i := range r.Fields {
		if f := &r.Fields[i]; !f.BitField {
			s, _ := t.slots(f.Type, f.Off, false)
			t.words(s, 0, at)
		}
	}
	var out []slot
	for off := int64(0); off+wordSize <= r.Size; off++ {
		if at[off] {
			out = append(out, slot{Off: off, Count: 1, Stride: wordSize, Kind: kAny})
		}
	}
	return out
}

func (t *types) words(list []slot, base int64, at map[int64]bool) {
	for _, s := range list {
		for n := int64(0); n < s.Count; n++ {
			off := base + s.Off + n*s.Stride
			if s.Kind == kNest {
				t.words(t.list[s.Type].Slots, off, at)
			} else {
				at[off] = true
			}
		}
	}
}

// slots of a value of type ty at off. tail: it is the last of its record and has no length of its
// own.
func (t *types) slots(ty *ctype.Type, off int64, last bool) (list []slot, tail bool) {
	n := int64(1)
	for ty != nil && ty.Kind == ctype.Array {
		switch {
		case ty.Len > 0:
			n *= ty.Len
		case last:
			n, tail = 0, true
		default:
			return nil, false
		}
		ty = ty.Elem
	}
	if ty == nil {
		return nil, tail
	}
	size := ctype.SizeOf(ty)
	switch {
	case ty.Kind == ctype.Pointer:
		if s, ok := t.pointer(ty); ok {
			s.Off, s.Count = off, n
			return []slot{s}, tail
		}
	case ty.IsRecord():
		id := t.ofRecord(t.record(ty.Rec))
		tail = tail || last && t.list[id].Tail && id != wordsType
		if size > 0 && len(t.list[id].Slots) > 0 {
			return []slot{{Off: off, Count: n, Stride: size, Kind: kNest, Type: id}}, tail
		}
	}
	return nil, tail
}

// pointer returns the slot of a pointer.
func (t *types) pointer(ty *ctype.Type) (slot, bool) {
	s := slot{Count: 1, Stride: wordSize, Kind: kPtr}
	if ty.Size != wordSize {
		return s, false
	}
	e := ty.Elem
	switch {
	case e == nil || e.Kind == ctype.Void:
	case e.Kind == ctype.Func:
		s.Kind = kFun
	case e.IsChar():
		s.Kind = kStr
	case e.IsRecord():
		r := t.record(e.Rec)
		if t.opaque[r.Tag] || t.opaque[r.Typedef] || !r.Complete {
			s.Kind = kOpq
		} else {
			s.target = e
		}
	default:
		s.target = e
	}
	return s, true
}

// resolve gives all pointers' targets their numbers, which may add types.
func (t *types) resolve() {
	for i := 0; i < len(t.list); i++ {
		for j := range t.list[i].Slots {
			if target := t.list[i].Slots[j].target; target != nil {
				id := t.element(target)
				t.list[i].Slots[j].Type = id // element may have moved the list
				t.list[i].Slots[j].target = nil
			}
		}
	}
}

// leafAt returns the scalar of ty that begins at off; nil if none does, or one of several
// members of a union.
func (t *types) leafAt(ty *ctype.Type, off int64) *ctype.Type {
	for {
		switch {
		case ty == nil || off < 0:
			return nil
		case ty.Kind == ctype.Array:
			size := ctype.SizeOf(ty.Elem)
			if size <= 0 {
				return nil
			}
			ty, off = ty.Elem, off%size
		case ty.Kind == ctype.Struct:
			var next *ctype.Type
			for i := range ty.Rec.Fields {
				f := &ty.Rec.Fields[i]
				if !f.BitField && f.Off <= off && off < f.Off+ctype.SizeOf(f.Type) {
					next, off = f.Type, off-f.Off
					break
				}
			}
			ty = next
		case ty.IsScalar() && off == 0:
			return ty
		default:
			return nil
		}
	}
}
