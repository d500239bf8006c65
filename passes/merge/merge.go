// Package merge says how the values that two instances have for one field
// become one when their traffic is joined.
//
// A field all of whose updates add to its old value (x++, x += n, through
// whatever pointer) commutes: the merged value is the sum. Everything else is
// replaced by the value that arrives. What is found is a pattern in the IR,
//
//	r = load p ; s = r + n ; store p, s
//
// with p the same address in both, so an update that is of another shape makes
// the field "replace", never the other way round. Pointers are "manual" unless the
// variable is a container, whose entries travel by themselves.
package merge

import (
	"sort"

	"saz/frontend/check"
	"saz/frontend/ctype"
	"saz/ir"
	"saz/passes"
	"saz/passes/persist"
	"saz/passes/pointer"
	"saz/passes/update"
)

// Pass is the merge pass.
var Pass = &passes.Pass{
	Name:     "merge",
	Doc:      "how two instances' values of a field become one",
	Requires: []*passes.Pass{pointer.Pass, persist.Pass, update.Pass},
	Run:      run,
}

// Of returns the result.
func Of(c *passes.Context) *Result { return c.Result(Pass).(*Result) }

func run(c *passes.Context) (any, error) {
	ps, up := persist.Of(c), update.Of(c)
	res := &Result{Rules: map[persist.VarID][]Rule{}}
	type key struct {
		v   persist.VarID
		off int32
	}
	other := map[key]bool{}         // some update of it is not an addition
	any := map[persist.VarID]bool{} // ... at an offset that is not known
	seen := map[key]bool{}
	for i := range up.Updates {
		u := &up.Updates[i]
		if !u.Direct {
			continue
		}
		add := adds(c.Prog.Funcs[u.Ref.Func], u.Ref.I)
		obj := ps.Vars[u.Var].Obj
		for _, l := range u.Locs {
			if l.Obj != obj {
				continue
			}
			if l.Off == pointer.Any {
				any[u.Var] = any[u.Var] || !add
				continue
			}
			seen[key{u.Var, l.Off}] = true
			if !add {
				other[key{u.Var, l.Off}] = true
			}
		}
	}
	for id, ranges := range up.Ranges {
		v := &ps.Vars[id]
		_ = ranges
		for _, f := range scalars(v.Type, "", 0) {
			if !within(ranges, f.off) {
				continue
			}
			r := Rule{Field: f.name, Off: f.off, Size: f.size, Op: "replace"}
			k := key{id, int32(f.off)}
			switch {
			case f.t.Kind == ctype.Pointer:
				r.Op = "manual"
			case f.array || any[id] || other[k] || !seen[k]:
			case integer(f.t):
				r.Op = "add"
			}
			if op := c.Config.MergeOf(v.Named(c.Prog), f.name); op != "" {
				r.Op = op // the project's settings go before what was found
			}
			res.Rules[id] = append(res.Rules[id], r)
		}
		sort.SliceStable(res.Rules[id], func(i, j int) bool { return res.Rules[id][i].Off < res.Rules[id][j].Off })
	}
	return res, nil
}

// adds reports whether the store at i writes back what it read at the same
// address with something added.
func adds(f *ir.Func, i int32) bool {
	st := &f.Instrs[i]
	if st.Op != ir.Store {
		return false
	}
	def := func(v ir.Value) *ir.Instr {
		for v.Kind == ir.VReg {
			d := f.Regs[v.ID].Def
			if d < 0 {
				return nil
			}
			in := &f.Instrs[d]
			if in.Op != ir.Conv && in.Op != ir.Move {
				return in
			}
			v = in.A
		}
		return nil
	}
	sum := def(st.B)
	if sum == nil || sum.Op != ir.Bin || sum.Sub != check.Add && sum.Sub != check.Sub {
		return false
	}
	old := func(v ir.Value) bool {
		ld := def(v)
		return ld != nil && ld.Op == ir.Load && sameAddr(f, ld.A, st.A)
	}
	return old(sum.A) || sum.Sub == check.Add && old(sum.B)
}

// sameAddr reports whether two address operands are certainly equal: the same
// register, the same constant, or field addresses of the same base.
func sameAddr(f *ir.Func, a, b ir.Value) bool {
	if a.Kind == b.Kind && a.ID == b.ID && a.Off == b.Off {
		return true
	}
	if a.Kind != ir.VReg || b.Kind != ir.VReg || f.Regs[a.ID].Def < 0 || f.Regs[b.ID].Def < 0 {
		return false
	}
	x, y := &f.Instrs[f.Regs[a.ID].Def], &f.Instrs[f.Regs[b.ID].Def]
	return x.Op == ir.FieldAddr && y.Op == ir.FieldAddr && x.Off == y.Off && sameAddr(f, x.A, y.A)
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

func integer(t *ctype.Type) bool {
	return t.Kind >= ctype.Char && t.Kind <= ctype.UInt128
}

func within(r [][2]int64, off int64) bool {
	for _, x := range r {
		if x[0] <= off && off < x[1] {
			return true
		}
	}
	return false
}
