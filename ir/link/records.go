package link

import (
	"saz/frontend/check"
	"saz/frontend/ctype"
	"saz/frontend/source"
)

// recordKey is what records must share to be candidates for being one: their
// name, or for nameless ones their place.
type recordKey struct {
	union bool
	kind  byte // 's' tag, 't' typedef, 'p' place
	name  string
	pos   source.Pos
}

// records finds, for each record of each unit, the one that stands for it in
// the program: the first of the same name whose members have the same names,
// places and types. Incomplete ones stand for the complete one of their tag if
// there is exactly one.
func records(units []*check.Unit) map[*ctype.Record]*ctype.Record {
	n := 0
	for _, u := range units {
		n += len(u.Records)
	}
	out := make(map[*ctype.Record]*ctype.Record, n)
	seen := make(map[recordKey][]*ctype.Record, n/4+1)
	for _, complete := range [2]bool{true, false} {
		for _, u := range units {
			for _, r := range u.Records {
				if r.Complete != complete {
					continue
				}
				k := recordKey{r.Union, 's', r.Tag, source.Pos{}}
				if r.Tag == "" {
					k.kind, k.name = 't', r.Typedef
					if r.Typedef == "" {
						k.kind, k.pos = 'p', r.Pos
					}
				}
				rep := r
				list := seen[k]
				if !complete && len(list) > 0 && (len(list) == 1 || !list[0].Complete) {
					rep = list[0]
				}
				if complete {
					for _, c := range list {
						if sameRecord(c, r) {
							rep = c
							break
						}
					}
				}
				if rep == r {
					seen[k] = append(list, r)
				}
				out[r] = rep
			}
		}
	}
	return out
}

func sameRecord(a, b *ctype.Record) bool {
	if a == b {
		return true
	}
	if a.Size != b.Size || a.Align != b.Align || a.Union != b.Union || len(a.Fields) != len(b.Fields) {
		return false
	}
	for i := range a.Fields {
		f, g := &a.Fields[i], &b.Fields[i]
		if f.Name != g.Name || f.Off != g.Off || f.BitField != g.BitField || f.BitOff != g.BitOff || f.BitWidth != g.BitWidth ||
			!sameShape(f.Type, g.Type, 0) {
			return false
		}
	}
	return true
}

// sameShape compares member types of different units. Records are compared by
// name and size: their own members are compared when their turn comes.
func sameShape(a, b *ctype.Type, depth int) bool {
	if a == b {
		return true
	}
	if a.Kind != b.Kind {
		return false
	}
	switch a.Kind {
	case ctype.Struct, ctype.Union:
		r, s := a.Rec, b.Rec
		if r.Tag != s.Tag || r.Tag == "" && r.Typedef != s.Typedef {
			return false
		}
		if depth > 0 { // behind a pointer it may be incomplete in one unit
			return true
		}
		if r.Tag == "" && r.Typedef == "" {
			return sameRecord(r, s)
		}
		return r.Size == s.Size
	case ctype.Pointer:
		return depth > 2 || sameShape(a.Elem, b.Elem, depth+1)
	case ctype.Array, ctype.Vector:
		return a.Len == b.Len && sameShape(a.Elem, b.Elem, depth)
	case ctype.Complex:
		return sameShape(a.Elem, b.Elem, depth)
	case ctype.Func:
		return len(a.Func.Params) == len(b.Func.Params)
	}
	return true
}
