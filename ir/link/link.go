// Package link makes one program of the translation units that are linked
// into one executable: it lowers each and resolves their symbols as the linker
// does (strong, weak and tentative definitions, aliases, statics, what only a
// library can define), so that every function and object has one id.
package link

import (
	"golang.org/x/sync/errgroup"

	"saz/frontend/check"
	"saz/frontend/ctype"
	"saz/frontend/source"
	"saz/ir"
	"saz/ir/lower"
)

// Link lowers units, jobs at a time, and links them. Ids follow the order of
// units and, within one, of declarations, whatever jobs is. The functions are
// not lifted: see ir.LiftAll.
func Link(name string, units []*check.Unit, files *source.Set, sink *source.Sink, jobs int) *ir.Program {
	return LinkWith(name, units, files, sink, jobs, nil)
}

// LinkWith is Link where modelled (nil: nothing is) reports which static functions of a unit are left
// undefined: see lower.UnitWith.
// A unit rests as soon as it is lowered (check.Unit.Rest): its expressions and tokens would be half of what a large program
// occupies, and of what each collection of garbage looks through.
func LinkWith(name string, units []*check.Unit, files *source.Set, sink *source.Sink, jobs int, modelled func(*check.Unit, *check.Object) bool) *ir.Program {
	p := &ir.Program{Name: name, Files: files, Entry: -1}
	res := make([]*lower.Result, len(units))
	var g errgroup.Group
	g.SetLimit(max(jobs, 1))
	for i, u := range units {
		p.Units = append(p.Units, &ir.Unit{ID: ir.UnitID(i), Name: u.Name, AST: u})
		g.Go(func() error {
			res[i] = lower.UnitWith(u, ir.UnitID(i), sink, modelled)
			u.Rest()
			return nil
		})
	}
	canon := make(chan map[*ctype.Record]*ctype.Record)
	go func() { canon <- records(units) }()
	_ = g.Wait() // lowering reports to sink and has no other way to fail

	l := &linker{p: p, res: res, sink: sink}
	l.functions()
	l.globals()
	for i, r := range res {
		g.Go(func() error {
			r.Renumber(l.fnew[i], l.gnew[i])
			return nil
		})
	}
	_ = g.Wait()
	for i, f := range p.Funcs {
		f.ID = ir.FuncID(i)
		if f.Link == "main" && f.Linkage == ir.External {
			p.Entry = f.ID
		}
	}
	for i, v := range p.Globals {
		v.ID = ir.GlobalID(i)
	}
	p.Records = <-canon
	return p
}

type linker struct {
	p    *ir.Program
	res  []*lower.Result
	sink *source.Sink

	fnew, gnew [][]int32 // by unit and index in its Result: the id in the program
}

// A place is a symbol's entry in one unit's Result.
type place struct{ unit, index int32 }

// rank orders the candidates for a symbol; the first of the highest wins.
const (
	undefined = iota
	inlineOnly
	weak
	tentative
	strong
)

func (l *linker) functions() {
	best := map[string]place{}
	rank := map[string]int{}
	for u, r := range l.res {
		for i, f := range r.Funcs {
			if f.Linkage == ir.Internal {
				continue
			}
			o := r.FuncObjs[i]
			k := strong
			switch {
			case f.Linkage == ir.Undefined:
				k = undefined
			case o != nil && o.InlineOnly:
				k = inlineOnly
			case f.Weak:
				k = weak
			}
			old, known := rank[f.Link]
			// A declaration that could not be read may be no definition at all: a header's is met in each unit.
			if b := best[f.Link]; known && k == strong && old == strong && !f.Unknown && !l.res[b.unit].Funcs[b.index].Unknown {
				l.sink.Warnf("multiple-definition", f.Pos, "%s is defined in %s too; the first definition is used", f.Name, l.p.Units[b.unit].Name)
			}
			if !known || k > old {
				best[f.Link], rank[f.Link] = place{int32(u), int32(i)}, k
			}
		}
	}
	l.fnew = make([][]int32, len(l.res))
	for u, r := range l.res {
		l.fnew[u] = make([]int32, len(r.Funcs))
		for i, f := range r.Funcs {
			l.fnew[u][i] = -1
			at := place{int32(u), int32(i)}
			if f.Linkage != ir.Internal && best[f.Link] != at || l.aliasTarget(r, i) >= 0 {
				continue
			}
			l.fnew[u][i] = int32(len(l.p.Funcs))
			l.p.Funcs = append(l.p.Funcs, f)
		}
	}
	// Every other mention of a symbol is the one that was chosen; an alias is
	// what it stands for.
	for u, r := range l.res {
		for i := range r.Funcs {
			at := place{int32(u), int32(i)}
			for hops := 0; hops < 100 && l.fnew[at.unit][at.index] < 0; hops++ {
				r := l.res[at.unit]
				if t := l.aliasTarget(r, int(at.index)); t >= 0 {
					at.index = int32(t)
					continue
				}
				at = best[r.Funcs[at.index].Link]
			}
			if l.fnew[at.unit][at.index] < 0 { // an alias of itself
				l.fnew[at.unit][at.index] = int32(len(l.p.Funcs))
				l.p.Funcs = append(l.p.Funcs, l.res[at.unit].Funcs[at.index])
			}
			l.fnew[u][i] = l.fnew[at.unit][at.index]
		}
	}
}

// aliasTarget is the index of the function that function i of r is an alias
// of, -1 if it is none or its target is not in the unit.
func (l *linker) aliasTarget(r *lower.Result, i int) int {
	o := r.FuncObjs[i]
	if o == nil || o.Alias == "" {
		return -1
	}
	for k, f := range r.Funcs {
		if k != i && f.Link == o.Alias {
			return k
		}
	}
	return -1
}

func (l *linker) globals() {
	best := map[string]place{}
	rank := map[string]int{}
	complete := func(g *ir.Global) bool { return g.Size >= 0 }
	for u, r := range l.res {
		for i, g := range r.Globals {
			if g.Linkage == ir.Internal {
				continue
			}
			k := strong
			switch {
			case g.Linkage == ir.Undefined:
				k = undefined
			case g.Weak:
				k = weak
			case g.Obj != nil && (g.Obj.Tentative || g.Obj.Common) && g.Obj.Init == nil:
				k = tentative
			}
			old, known := rank[g.Link]
			if known && k == strong && old == strong {
				l.sink.Warnf("multiple-definition", g.Pos, "%s is defined in %s too; the first definition is used", g.Name, l.p.Units[best[g.Link].unit].Name)
			}
			if known && k == old {
				b := best[g.Link]
				was := l.res[b.unit].Globals[b.index]
				if k == tentative && g.Size > was.Size || !complete(was) && complete(g) {
					best[g.Link] = place{int32(u), int32(i)}
				}
			}
			if !known || k > old {
				best[g.Link], rank[g.Link] = place{int32(u), int32(i)}, k
			}
		}
	}
	l.gnew = make([][]int32, len(l.res))
	for u, r := range l.res {
		l.gnew[u] = make([]int32, len(r.Globals))
		for i, g := range r.Globals {
			l.gnew[u][i] = -1
			at := place{int32(u), int32(i)}
			if g.Linkage != ir.Internal && best[g.Link] != at || l.aliasOf(r, i) >= 0 {
				continue
			}
			l.gnew[u][i] = int32(len(l.p.Globals))
			l.p.Globals = append(l.p.Globals, g)
		}
	}
	for u, r := range l.res {
		for i := range r.Globals {
			at := place{int32(u), int32(i)}
			for hops := 0; hops < 100 && l.gnew[at.unit][at.index] < 0; hops++ {
				r := l.res[at.unit]
				if t := l.aliasOf(r, int(at.index)); t >= 0 {
					at.index = int32(t)
					continue
				}
				at = best[r.Globals[at.index].Link]
			}
			if l.gnew[at.unit][at.index] < 0 {
				l.gnew[at.unit][at.index] = int32(len(l.p.Globals))
				l.p.Globals = append(l.p.Globals, l.res[at.unit].Globals[at.index])
			}
			l.gnew[u][i] = l.gnew[at.unit][at.index]
		}
	}
}

func (l *linker) aliasOf(r *lower.Result, i int) int {
	o := r.Globals[i].Obj
	if o == nil || o.Alias == "" {
		return -1
	}
	for k, g := range r.Globals {
		if k != i && !g.String && g.Link == o.Alias {
			return k
		}
	}
	return -1
}
