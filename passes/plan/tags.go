package plan

import (
	"sort"

	"saz/frontend/check"
	"saz/frontend/ctype"
	"saz/ir"
	"saz/passes/pointer"
)

// A Union is a tagged union in tracked state: the program looks at a member only where a field beside the
// union has certain values.
type Union struct {
	Rec     *ctype.Record // what the union and its tag are in
	Off     int64         // of the union in Rec
	Field   string        // its name, "" if it has none
	Tag     string        // the field that says which member is meant
	TagOff  int64
	Members []Member // those that are looked at, by name
}

// A Member of a tagged union, and the values of the tag for which it is the one.
type Member struct {
	Name   string
	Values []int64
}

// unions finds the tags of the unions in tracked state. Evidence is an access to a member, in code that runs only if
// the tag of the same record has one of some values (an if or a switch around it, or around the call of the procedure that it is in).
// An access of which that is not known leaves the union without a tag, unless it is a store beside
// which the tag is set.
func (p *planner) unions() {
	type place struct {
		rec *ctype.Record
		off int64
	}
	want := map[*ctype.Record][]place{} // the union → where it is
	var places []place
	for _, r := range p.res.Types {
		for i := range r.Fields {
			f := &r.Fields[i]
			if !r.Union && f.Type.Kind == ctype.Union && f.Type.Rec != nil {
				u := p.c.Prog.Record(f.Type.Rec)
				if u.Complete && mixedUnion(p.c.Prog, u) && len(tagsOf(r)) > 0 {
					want[u] = append(want[u], place{r, f.Off})
					places = append(places, place{r, f.Off})
				}
			}
		}
	}
	if len(want) == 0 {
		return
	}
	t := &tagger{p: p, doms: map[ir.FuncID]*ir.DomTree{}, guards: map[at][]guard{}}
	found := map[place]map[int64]map[string]map[int64]bool{} // tag → member → values
	spoilt := map[place]map[int64]bool{}
	for _, f := range p.c.Prog.Funcs {
		for i := range f.Instrs {
			in := &f.Instrs[i]
			if in.Op != ir.FieldAddr || in.Field == nil || in.Field.Name == "" {
				continue
			}
			ps := want[p.c.Prog.Record(in.Rec)]
			if len(ps) == 0 {
				continue
			}
			base, rec, off, ok := t.outer(f, in.A)
			if !ok {
				continue
			}
			for _, pl := range ps {
				if pl.rec != rec || pl.off != off {
					continue
				}
				for _, tag := range tagsOf(rec) {
					vals := t.values(f, base, rec, tag.Off, in.Block, 0)
					if found[pl] == nil {
						found[pl], spoilt[pl] = map[int64]map[string]map[int64]bool{}, map[int64]bool{}
					}
					if vals == nil {
						spoilt[pl][tag.Off] = true
						continue
					}
					m := found[pl][tag.Off]
					if m == nil {
						m = map[string]map[int64]bool{}
						found[pl][tag.Off] = m
					}
					if m[in.Field.Name] == nil {
						m[in.Field.Name] = map[int64]bool{}
					}
					for v := range vals {
						m[in.Field.Name][v] = true
					}
				}
			}
		}
	}
	for _, pl := range places {
		for _, tag := range tagsOf(pl.rec) {
			m := found[pl][tag.Off]
			if len(m) == 0 || spoilt[pl][tag.Off] || !disjoint(m) {
				continue
			}
			u := Union{Rec: pl.rec, Off: pl.off, Tag: tag.Name, TagOff: tag.Off}
			for i := range pl.rec.Fields {
				if f := &pl.rec.Fields[i]; f.Off == pl.off && f.Type.Kind == ctype.Union {
					u.Field = f.Name
				}
			}
			for name, vals := range m {
				mem := Member{Name: name}
				for v := range vals {
					mem.Values = append(mem.Values, v)
				}
				sort.Slice(mem.Values, func(i, j int) bool { return mem.Values[i] < mem.Values[j] })
				u.Members = append(u.Members, mem)
			}
			sort.Slice(u.Members, func(i, j int) bool { return u.Members[i].Name < u.Members[j].Name })
			p.res.Unions = append(p.res.Unions, u)
			break
		}
	}
}

// tagged reports whether the union u in tracked state has a tag wherever it is.
func (p *planner) tagged(u *ctype.Record) bool {
	for i := range p.res.Unions {
		x := &p.res.Unions[i]
		for j := range x.Rec.Fields {
			if f := &x.Rec.Fields[j]; f.Off == x.Off && f.Type.Kind == ctype.Union && p.c.Prog.Record(f.Type.Rec) == u {
				return true
			}
		}
	}
	return false
}

// tagsOf lists the fields of a record that may say which member of a union is meant.
func tagsOf(r *ctype.Record) []*ctype.Field {
	var out []*ctype.Field
	for i := range r.Fields {
		if f := &r.Fields[i]; !f.BitField && f.Name != "" && f.Type.IsInteger() {
			out = append(out, f)
		}
	}
	return out
}

func disjoint(m map[string]map[int64]bool) bool {
	seen := map[int64]bool{}
	for _, vals := range m {
		for v := range vals {
			if seen[v] {
				return false
			}
			seen[v] = true
		}
	}
	return true
}

type tagger struct {
	p    *planner
	doms map[ir.FuncID]*ir.DomTree

	guards map[at][]guard
}

// strip goes back over moves and conversions.
func strip(f *ir.Func, v ir.Value) ir.Value {
	for d := 0; v.Kind == ir.VReg && f.Regs[v.ID].Def >= 0 && d < 32; d++ {
		in := &f.Instrs[f.Regs[v.ID].Def]
		if in.Op != ir.Conv && in.Op != ir.Move {
			break
		}
		v = in.A
	}
	return v
}

// outer returns the record that the union at address v is a field of.
func (t *tagger) outer(f *ir.Func, v ir.Value) (base ir.Value, rec *ctype.Record, off int64, ok bool) {
	v = strip(f, v)
	if v.Kind != ir.VReg || f.Regs[v.ID].Def < 0 {
		return
	}
	in := &f.Instrs[f.Regs[v.ID].Def]
	if in.Op != ir.FieldAddr || in.Rec == nil {
		return
	}
	return strip(f, in.A), t.p.c.Prog.Record(in.Rec), in.Off, true
}

// values returns the values that the tag at off of the record at base may have in block b: nil if that is not known.
func (t *tagger) values(f *ir.Func, base ir.Value, rec *ctype.Record, off int64, b ir.BlockID, depth int) map[int64]bool {
	if vals := t.guarded(f, base, rec, off, b); vals != nil {
		return vals
	}
	if depth > 2 || base.Kind != ir.VReg || f.Regs[base.ID].Def >= 0 {
		return nil
	}
	k := -1
	for i, l := range f.Params {
		if l == f.Regs[base.ID].Local {
			k = i
		}
	}
	out := map[int64]bool{}
	sites := t.p.pt.Callers(f.ID)
	for _, s := range sites {
		g := t.p.c.Prog.Funcs[s.Func]
		in := &g.Instrs[s.I]
		if k < 0 || k >= len(in.Args) {
			return nil
		}
		vals := t.values(g, strip(g, in.Args[k]), rec, off, in.Block, depth+1)
		if vals == nil {
			return nil
		}
		for v := range vals {
			out[v] = true
		}
	}
	if len(out) == 0 {
		return nil
	}
	return out
}

// guarded looks at the branches on the way to block b that decide by the tag.
func (t *tagger) guarded(f *ir.Func, base ir.Value, rec *ctype.Record, off int64, b ir.BlockID) map[int64]bool {
	for _, g := range t.guardsOf(f, b) {
		if g.rec == rec && g.off == off && t.same(f, g.base, base, 0) {
			return g.vals
		}
	}
	return nil
}

// A guard is a field that has one of some values wherever a block runs.
type guard struct {
	base ir.Value
	rec  *ctype.Record
	off  int64
	vals map[int64]bool
}

type at struct {
	f ir.FuncID
	b ir.BlockID
}

// guardsOf lists the guards of a block, outermost first.
func (t *tagger) guardsOf(f *ir.Func, b ir.BlockID) []guard {
	out, ok := t.guards[at{f.ID, b}]
	if ok {
		return out
	}
	dom := t.doms[f.ID]
	if dom == nil {
		dom = ir.Dominators(f)
		t.doms[f.ID] = dom
	}
	d := dom.Idom[b]
	if d >= 0 && d != b {
		out = t.guardsOf(f, d)
		if g, ok := t.branch(f, dom, d, b); ok {
			out = append(out[:len(out):len(out)], g)
		}
	}
	t.guards[at{f.ID, b}] = out
	return out
}

// branch says what the end of block d, the immediate dominator of b, tells of a field where b runs.
func (t *tagger) branch(f *ir.Func, dom *ir.DomTree, d, b ir.BlockID) (guard, bool) {
	term := f.Term(d)
	switch term.Op {
	case ir.Branch:
		c := strip(f, term.A)
		if c.Kind != ir.VReg || f.Regs[c.ID].Def < 0 {
			break
		}
		cmp := &f.Instrs[f.Regs[c.ID].Def]
		if cmp.Op != ir.Cmp || cmp.Sub != check.Eq && cmp.Sub != check.Ne || cmp.B.Kind != ir.VInt {
			break
		}
		to := f.Blocks[d].Succs[0]
		if cmp.Sub == check.Ne {
			to = f.Blocks[d].Succs[1]
		}
		if to != b || len(f.Blocks[b].Preds) != 1 {
			break
		}
		g, ok := t.field(f, cmp.A)
		g.vals = map[int64]bool{cmp.B.Off: true}
		return g, ok
	case ir.Switch:
		succs := f.Blocks[d].Succs
		vals := map[int64]bool{}
		for i, c := range term.Cases {
			if succs[i] == b && b != succs[len(succs)-1] && c.Hi-c.Lo < 64 {
				for v := c.Lo; v <= c.Hi; v++ {
					vals[v] = true
				}
			}
		}
		if len(vals) == 0 {
			break
		}
		for _, p := range f.Blocks[b].Preds {
			if p != d && !dom.Dominates(b, p) { // another case falls through into it
				return guard{}, false
			}
		}
		g, ok := t.field(f, term.A)
		g.vals = vals
		return g, ok
	}
	return guard{}, false
}

// field resolves a value to the field of a record that it is loaded from.
func (t *tagger) field(f *ir.Func, v ir.Value) (guard, bool) {
	v = strip(f, v)
	if v.Kind != ir.VReg || f.Regs[v.ID].Def < 0 {
		return guard{}, false
	}
	ld := &f.Instrs[f.Regs[v.ID].Def]
	if ld.Op != ir.Load {
		return guard{}, false
	}
	a := strip(f, ld.A)
	if a.Kind != ir.VReg || f.Regs[a.ID].Def < 0 {
		return guard{}, false
	}
	x := &f.Instrs[f.Regs[a.ID].Def]
	if x.Op != ir.FieldAddr || x.Rec == nil {
		return guard{}, false
	}
	return guard{base: strip(f, x.A), rec: t.p.c.Prog.Record(x.Rec), off: x.Off}, true
}

// same reports whether two addresses are computed in the same way.
func (t *tagger) same(f *ir.Func, a, b ir.Value, depth int) bool {
	if a == b {
		return true
	}
	if depth > 8 || a.Kind != ir.VReg || b.Kind != ir.VReg || f.Regs[a.ID].Def < 0 || f.Regs[b.ID].Def < 0 {
		return false
	}
	x, y := &f.Instrs[f.Regs[a.ID].Def], &f.Instrs[f.Regs[b.ID].Def]
	if x.Op != y.Op || x.Off != y.Off {
		return false
	}
	switch x.Op {
	case ir.FieldAddr, ir.Load:
		return t.same(f, strip(f, x.A), strip(f, y.A), depth+1)
	case ir.IndexAddr:
		return t.same(f, strip(f, x.A), strip(f, y.A), depth+1) && t.same(f, strip(f, x.B), strip(f, y.B), depth+1)
	}
	return false
}

// A Void says what is behind a void * in tracked state.
type Void struct {
	Where string // "plugins[].self"
	Pos   ir.Pos
	Types []*ctype.Type // in the order of their names; each block says which it is
}

// noteVoid keeps the types behind a void *.
func (p *planner) noteVoid(full string, at ir.Pos, objs []pointer.ObjID) {
	v := Void{Where: full, Pos: at}
	seen := map[int]bool{}
	for _, o := range objs {
		t := p.pt.TypeOf(o)
		if t == nil {
			continue
		}
		if k := p.kind(t); !seen[k] {
			seen[k] = true
			v.Types = append(v.Types, t)
		}
	}
	if len(v.Types) > 0 {
		sort.SliceStable(v.Types, func(i, j int) bool { return p.spelt(v.Types[i]) < p.spelt(v.Types[j]) })
		p.res.Voids = append(p.res.Voids, v)
	}
}
