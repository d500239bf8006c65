package flowspace

import (
	"slices"

	"saz/frontend/ctype"
	"saz/ir"
	"saz/passes"
	"saz/passes/container"
	"saz/passes/persist"
	"saz/passes/pointer"
)

// Tables and the fields of their entries that may be keys.

// A unit is a field of an entry that may be a key.
type unit struct {
	name      string
	off, size int64
	cmp       map[leaf]bool // what it is compared with in lookups
	consts    bool          // it is compared with an address family
	zero      bool          // ... with 0: "any", in a list of rules
	stored    map[leaf]bool
	traced    bool
	open      bool  // a lookup leaves it open which it is (open.go)
	boxed     bool  // behind a pointer of the entry
	element   int64 // it is in an element of an array inside the entry: the element's size; 0: in the entry itself
	why       []passes.Why
}

// A table is a container in question.
type table struct {
	v       *persist.Var
	k       *container.Container
	base    int32 // offset of the first entry in its object
	entries []pointer.ObjID
	heads   []pointer.ObjID
	units   []*unit
	index   map[leaf]bool // what indexes into it are computed from
	sites   [][]string    // the header fields of each of them that has some
	direct  bool          // packets store into it
	foreign bool          // entries are found by an index that is kept somewhere, too
	indexAt []passes.Why
	boxes   []*box                 // keys behind pointers
	blocks  map[pointer.ObjID]bool // by way of which the variable leads to its entries
}

// add makes a table of a container.
func (w *finder) add(v *persist.Var, k *container.Container) {
	t := &table{v: v, k: k, index: map[leaf]bool{}}
	head := pointer.Loc{Obj: v.Obj, Off: w.pt.Canon(v.Obj, k.HeadOff)}
	heads := []pointer.Loc{head}
	if k.Indirect {
		heads = w.pt.Contents(head.Obj, head.Off)
	}
	switch {
	case k.InPlace():
		t.base = head.Off
		t.entries = []pointer.ObjID{v.Obj}
		t.heads = []pointer.ObjID{v.Obj}
	case k.Shape == container.Array && !k.Pointers:
		for _, l := range heads {
			t.entries = append(t.entries, l.Obj)
			t.heads = append(t.heads, l.Obj)
		}
	default:
		if k.Blocks() != nil {
			heads = k.Heads()
		}
		kin := container.NewKin(w.c, k.Entry)
		for _, h := range heads {
			t.heads = append(t.heads, h.Obj)
			for _, l := range w.pt.Contents(h.Obj, h.Off) {
				if o := w.pt.Objects[l.Obj]; o.Kind == pointer.Heap && !o.Opaque && !o.Packet && kin.MayBe(l.Obj) {
					t.entries = append(t.entries, l.Obj)
				}
			}
		}
	}
	slices.Sort(t.entries)
	t.entries = slices.Compact(t.entries)
	t.blocks = map[pointer.ObjID]bool{v.Obj: true}
	for _, o := range k.Blocks() {
		t.blocks[o] = true
	}
	for _, o := range t.heads {
		t.blocks[o] = true
	}
	t.units = units(w.c.Prog, k.Entry, 0, "", k.InPlace(), 0)
	w.entryRecs[w.c.Prog.Record(k.Entry)] = true
	w.tables = append(w.tables, t)
	for _, o := range t.entries {
		if k.Blocks() == nil || len(t.entries) < 9 {
			w.entries[o] = true
		}
		w.byEntry[o] = append(w.byEntry[o], t)
	}
	for _, o := range t.heads {
		w.byHead[o] = append(w.byHead[o], t)
	}
}

// units lists the fields of an entry, those of embedded records one by one; an
// address, an array or a union is one. Where tables may be inside the entry, an array of records has the fields of its first
// element, for which the others stand, too.
func units(p *ir.Program, rec *ctype.Record, off int64, prefix string, tables bool, element int64) []*unit {
	var out []*unit
	for i := range rec.Fields {
		f := &rec.Fields[i]
		n := ctype.SizeOf(f.Type)
		if f.BitField || f.Type.Kind == ctype.Pointer || n <= 0 {
			continue
		}
		name := prefix + f.Name
		if f.Type.Kind == ctype.Struct && f.Type.Rec != nil && f.Type.Rec.Tag != "in_addr" && f.Type.Rec.Tag != "in6_addr" {
			if f.Name != "" {
				name += "."
			}
			out = append(out, units(p, p.Record(f.Type.Rec), off+f.Off, name, tables, element)...)
			continue
		}
		if f.Name == "" {
			continue
		}
		if e := f.Type.Elem; tables && f.Type.Kind == ctype.Array && e.Kind == ctype.Struct && e.Rec != nil && element == 0 {
			out = append(out, units(p, p.Record(e.Rec), off+f.Off, name+".", false, ctype.SizeOf(e))...)
			continue
		}
		out = append(out, &unit{name: name, off: off + f.Off, size: n, element: element, cmp: map[leaf]bool{}, stored: map[leaf]bool{}})
	}
	return out
}

func (t *table) unitAt(off, size int64) *unit {
	for _, u := range t.units {
		if u.off <= off && off < u.off+u.size {
			return u
		}
	}
	return nil
}
