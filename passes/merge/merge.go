// Package merge says how the values that two instances have for one field
// become one when their traffic is joined.
//
// # Algorithm
//
// Each update of a field in packet code has a form, seen in the IR through whatever pointer:
//
//	x += n, x++            add, if n does not come from x itself (a smoothed average does)
//	if (y > x) x = y       max; so x = y > x ? y : x, and fmax
//	if (y < x) x = y       min
//
// A field all of whose updates have one form gets it: sums and extremes of two parts of the traffic
// make that of the whole. Everything else is replaced by the value that arrives. Three
// things forbid a sum:
//
//   - The field does not start at nothing: code outside of packet processing, or an
//     initialiser, stores something else than 0 (the free places of a pool). Then adding counts the start
//     twice.
//   - Packet code resets it.
//   - Its value is used to find a place: an index of an array is a position and no amount.
//
// Pointers are "manual" unless the variable is a container, whose entries travel by
// themselves. Of an array of records that is no flow's, the fields of an element get rules (Entry).
//
// # Soundness
//
// An update of another shape, or at an offset that is not known, makes the field "replace", never
// the other way round.
package merge

import (
	"slices"
	"sort"

	"saz/frontend/check"
	"saz/frontend/ctype"
	"saz/ir"
	"saz/passes"
	"saz/passes/modref"
	"saz/passes/persist"
	"saz/passes/pointer"
	"saz/passes/toplevel"
	"saz/passes/update"
)

// Pass is the merge pass.
var Pass = &passes.Pass{
	Name:     "merge",
	Doc:      "how two instances' values of a field become one",
	Requires: []*passes.Pass{pointer.Pass, modref.Pass, persist.Pass, toplevel.Pass, update.Pass},
	Run:      run,
}

// Of returns the result.
func Of(c *passes.Context) *Result { return c.Result(Pass).(*Result) }

// A form is what an update does to the old value.
type form uint8

const (
	add form = 1 << iota
	maximum
	minimum
	other
)

func (f form) op() string {
	switch f {
	case add:
		return "add"
	case maximum:
		return "max"
	case minimum:
		return "min"
	}
	return "replace"
}

// A field is a place of a variable, by the variable's object.
type field struct {
	obj pointer.ObjID
	off int32
}

type merger struct {
	c      *passes.Context
	forms  map[field]form
	any    map[pointer.ObjID]form // of updates at an offset that is not known
	vars   []persist.VarID        // of an object, one more than the number; 0: none
	begins map[field]bool         // something else than 0 is stored before packets come
	place  map[field]bool         // its value finds a place
}

func run(c *passes.Context) (any, error) {
	ps, up := persist.Of(c), update.Of(c)
	m := &merger{c: c, forms: map[field]form{}, any: map[pointer.ObjID]form{}, vars: make([]persist.VarID, len(pointer.Of(c).Objects)),
		begins: map[field]bool{}, place: map[field]bool{}}
	for id := range up.Ranges {
		if o := ps.Vars[id].Obj; o >= 0 {
			m.vars[o] = id + 1
		}
	}
	ref, f := ir.Ref{Func: -1}, other
	for i := range up.Updates {
		u := &up.Updates[i]
		obj := ps.Vars[u.Var].Obj
		if !u.Direct || obj < 0 || m.vars[obj] != u.Var+1 {
			continue
		}
		if u.Ref != ref {
			ref, f = u.Ref, formOf(c.Prog, c.Prog.Funcs[u.Ref.Func], u.Ref.I)
		}
		from, _ := slices.BinarySearchFunc(u.Locs, obj, func(l pointer.Loc, o pointer.ObjID) int { return int(l.Obj - o) })
		for _, l := range u.Locs[from:] {
			if l.Obj != obj {
				break
			}
			if l.Off == pointer.Any {
				m.any[l.Obj] |= f
			} else {
				m.forms[field{l.Obj, l.Off}] |= f
			}
		}
	}
	m.others()
	res := &Result{Rules: map[persist.VarID][]Rule{}, Entry: map[persist.VarID][]Rule{}}
	for id, ranges := range up.Ranges {
		v := &ps.Vars[id]
		if v.Obj < 0 {
			continue
		}
		for _, f := range scalars(v.Type, "", 0) {
			if !within(ranges, f.off) {
				continue
			}
			op := "replace"
			if !f.array {
				op = m.op(v, f)
			} else if f.t.Kind == ctype.Pointer {
				op = "manual"
			}
			res.Rules[id] = append(res.Rules[id], m.rule(v, f, op))
		}
		if e := element(v.Type); e != nil {
			for _, f := range scalars(e, "", 0) {
				if f.array || m.forms[field{v.Obj, int32(f.off)}] != 0 {
					op := "replace"
					if !f.array {
						op = m.op(v, f)
					}
					if m.touched(v.Obj, f) {
						res.Entry[id] = append(res.Entry[id], m.rule(v, f, op))
					}
				}
			}
		}
		for _, rules := range [][]Rule{res.Rules[id], res.Entry[id]} {
			sort.SliceStable(rules, func(i, j int) bool { return rules[i].Off < rules[j].Off })
		}
	}
	return res, nil
}

// rule is what was found, or what the project's settings say.
func (m *merger) rule(v *persist.Var, f scalar, op string) Rule {
	if said := m.c.Config.MergeOf(v.Named(m.c.Prog), f.name); said != "" {
		op = said
	}
	return Rule{Field: f.name, Off: f.off, Size: f.size, Op: op}
}

// element is the record that t is an array of, nil if it is none.
func element(t *ctype.Type) *ctype.Type {
	if t.Kind != ctype.Array {
		return nil
	}
	for t.Kind == ctype.Array && t.Elem != nil {
		t = t.Elem
	}
	if t.Kind != ctype.Struct {
		return nil
	}
	return t
}

// touched reports whether packet code writes bytes of f.
func (m *merger) touched(o pointer.ObjID, f scalar) bool {
	if m.any[o] != 0 {
		return true
	}
	for k := range m.forms {
		if k.obj == o && int64(k.off) >= f.off && int64(k.off) < f.off+f.size {
			return true
		}
	}
	return false
}

// op is how a scalar of v is merged.
func (m *merger) op(v *persist.Var, f scalar) string {
	k := field{v.Obj, int32(f.off)}
	form := m.forms[k] | m.any[v.Obj]
	switch {
	case f.t.Kind == ctype.Pointer:
		return "manual"
	case !number(f.t):
		return "replace"
	case form == add && (m.begins[k] || m.begins[field{v.Obj, pointer.Any}] || m.place[k] || !zero(m.c.Prog, v, f.off)):
		return "replace"
	}
	return form.op()
}

// zero reports whether the initialiser of a variable leaves the scalar at off nothing.
func zero(p *ir.Program, v *persist.Var, off int64) bool {
	if v.Global < 0 {
		return true // what a procedure stores says
	}
	t := v.Type
	for _, in := range p.Globals[v.Global].Init {
		at := in.Off
		if e := element(t); e != nil && e.Size > 0 {
			at %= e.Size
		}
		if at == off && !(in.Value.Kind == ir.VInt && in.Value.Off == 0) {
			return false
		}
	}
	return true
}

// others looks at all code for what forbids a sum.
func (m *merger) others() {
	pt, mr, tl := pointer.Of(m.c), modref.Of(m.c), toplevel.Of(m.c)
	places := map[*pointer.Loc]int{}   // sets of places are shared, too
	seen := make([]bool, mr.Effects()) // what writes the same need be looked at once
	for _, f := range m.c.Prog.Funcs {
		for i := range f.Instrs {
			in := &f.Instrs[i]
			ref := ir.Ref{Func: f.ID, I: int32(i)}
			switch in.Op {
			case ir.IndexAddr:
				for _, v := range m.loaded(f, in.B) {
					locs := pt.PointsTo(f.ID, v)
					if len(locs) == 0 || places[&locs[0]] == len(locs) {
						continue
					}
					places[&locs[0]] = len(locs)
					for _, l := range locs {
						if m.vars[l.Obj] != 0 {
							m.place[field{l.Obj, l.Off}] = true
						}
					}
				}
			case ir.Store, ir.StoreBits, ir.Copy, ir.Call, ir.Builtin:
				e, freed := mr.WriteEffect(ref), mr.Frees(ref)
				if (e == 0 || seen[e]) && len(freed) == 0 || tl.Packet(ref) || m.nothing(f, in) || formOf(m.c.Prog, f, ref.I) == add {
					continue
				}
				seen[e] = true
				for _, l := range mr.Writes(ref) {
					if m.vars[l.Obj] != 0 {
						m.begins[field{l.Obj, l.Off}] = true
					}
				}
			}
		}
	}
}

// nothing reports whether in stores zeroes.
func (m *merger) nothing(f *ir.Func, in *ir.Instr) bool {
	switch in.Op {
	case ir.Store, ir.StoreBits:
		v := strip(f, in.B)
		return v.Kind == ir.VInt && v.Off == 0
	case ir.Call:
		if in.A.Kind == ir.VFunc && len(in.Args) > 1 {
			switch m.c.Prog.Funcs[in.A.ID].Name {
			case "memset", "__builtin_memset":
				return in.Args[1].Kind == ir.VInt && in.Args[1].Off == 0
			}
		}
	}
	return false
}

// loaded returns the addresses that the value of v is loaded from, as it is or
// reduced to a range (head % n).
func (m *merger) loaded(f *ir.Func, v ir.Value) []ir.Value {
	var out []ir.Value
	seen := map[ir.Value]bool{}
	var walk func(v ir.Value, depth int)
	walk = func(v ir.Value, depth int) {
		v = strip(f, v)
		if depth > 8 || seen[v] {
			return
		}
		seen[v] = true
		in := def(f, v)
		if in == nil {
			return
		}
		switch in.Op {
		case ir.Load:
			out = append(out, in.A)
		case ir.Phi:
			for _, a := range in.Args {
				walk(a, depth+1)
			}
		case ir.Bin:
			walk(in.A, depth+1)
			if in.Sub == check.Add || in.Sub == check.Sub {
				walk(in.B, depth+1)
			}
		}
	}
	walk(v, 0)
	return out
}

type scalar struct {
	name      string
	off, size int64
	t         *ctype.Type
	array     bool
}

// scalars lists the scalar fields of t; an array is one, whole.
func scalars(t *ctype.Type, name string, off int64) []scalar {
	if t.Kind == ctype.Struct && t.Rec != nil && t.Rec.Complete {
		var out []scalar
		for i := range t.Rec.Fields {
			fl := &t.Rec.Fields[i]
			sub := name
			if fl.Name != "" {
				if sub != "" {
					sub += "."
				}
				sub += fl.Name
			}
			out = append(out, scalars(fl.Type, sub, off+fl.Off)...)
		}
		return out
	}
	e := t
	for e.Kind == ctype.Array && e.Elem != nil {
		e = e.Elem
	}
	return []scalar{{name, off, max(ctype.SizeOf(t), 0), e, e != t || t.Kind == ctype.Union || e.Kind == ctype.Struct}}
}

func number(t *ctype.Type) bool {
	return t.Kind >= ctype.Char && t.Kind <= ctype.UInt128 || t.Kind == ctype.Float || t.Kind == ctype.Double
}

func within(r [][2]int64, off int64) bool {
	for _, x := range r {
		if x[0] <= off && off < x[1] {
			return true
		}
	}
	return false
}
