package glue

import (
	"saz/frontend/ctype"
	"saz/frontend/source"
	"saz/passes/persist"
)

type watch struct {
	Symbol int
	Claim  string
}

type field struct {
	Name      string
	Type, Sub int
	Off, Size int64
}

// watches says what is claimed of each persistent variable, for saz_verify.c to hold
// against what happens. Of per-packet scratch nothing is claimed, nor of a stream's buffer.
func (t *tables) watches() {
	seen := map[source.Pos]bool{}
	for i := range t.statics {
		if g := t.statics[i].Global; g >= 0 {
			seen[t.in.Prog.Globals[g].Pos] = true
		}
	}
	written := map[persist.VarID]bool{}
	if t.in.Update != nil {
		for i := range t.in.Update.Updates {
			written[t.in.Update.Updates[i].Var] = true
		}
	}
	for i := range t.in.Persist.Vars {
		v := &t.in.Persist.Vars[i]
		sym, tracked := t.in.Plan.Index[v.ID]
		claim := "SAZ_ANNOUNCED"
		if !tracked {
			claim = "SAZ_CONSTANT"
			if t.in.TopLevel != nil && t.in.TopLevel.TopLevel[v.ID] == nil {
				claim = "SAZ_UNUSED"
			}
			if t.in.Update != nil && t.in.Update.Updateable[v.ID] != nil {
				if t.in.Scratch != nil && t.in.Scratch.Scratch[v.ID] != nil {
					continue
				}
				if !written[v.ID] {
					continue // lent to a stream of the C library, which fills it when it likes
				}
				claim = "SAZ_BORROWED"
			}
			sym = -1
			if v.Global >= 0 && !constant(v.Type) {
				sym = t.global(v.Global, seen)
			}
		}
		if v.Global < 0 || t.in.Prog.Globals[v.Global].Thread {
			t.Hidden++
		} else if sym >= 0 {
			t.Watches = append(t.Watches, watch{sym, claim})
		}
	}
}

// fields names the members of all records that have a number.
func (t *tables) fields() {
	for id := range t.Types {
		r := t.Types[id].rec
		if r == nil {
			continue
		}
		for i := range r.Fields {
			f := &r.Fields[i]
			size := ctype.SizeOf(f.Type)
			if f.Name == "" || size <= 0 {
				continue
			}
			e := f.Type
			for e.Kind == ctype.Array && e.Elem != nil {
				e = e.Elem
			}
			sub := bytesType
			if e.IsRecord() {
				if n, ok := t.types.recs[t.types.record(e.Rec)]; ok {
					sub = n
				}
			}
			t.Fields = append(t.Fields, field{f.Name, id, sub, f.Off, size})
		}
	}
}
