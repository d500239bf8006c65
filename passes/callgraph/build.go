package callgraph

import (
	"slices"

	"saz/ir"
	"saz/passes/pointer"
)

func build(p *ir.Program, pts *pointer.Result) *Result {
	n := len(p.Funcs)
	r := &Result{out: make([][]Edge, n), in: make([][]Edge, n)}
	for _, f := range p.Funcs {
		for i := range f.Instrs {
			if f.Instrs[i].Op != ir.Call {
				continue
			}
			site := ir.Ref{Func: f.ID, I: int32(i)}
			for _, g := range pts.Callees(site) {
				r.out[f.ID] = append(r.out[f.ID], Edge{Site: site, Callee: g})
			}
			for _, cb := range pts.Callbacks(site) {
				r.out[f.ID] = append(r.out[f.ID], Edge{Site: site, Callee: cb.Func, Callback: true, How: cb.How})
			}
		}
	}
	for _, out := range r.out {
		for _, e := range out {
			r.in[e.Callee] = append(r.in[e.Callee], e)
		}
	}
	r.components()
	return r
}

// components is Tarjan's algorithm (SIAM J. Comput. 1972) without recursion.
// It emits components callees first.
func (r *Result) components() {
	n := len(r.out)
	r.comp = make([]int32, n)
	r.rec = make([]bool, n)
	index := make([]int32, n)
	low := make([]int32, n)
	on := make([]bool, n)
	var stack []ir.FuncID
	type frame struct {
		f ir.FuncID
		i int
	}
	var next, comps int32
	for s := range r.out {
		if index[s] != 0 {
			continue
		}
		work := []frame{{ir.FuncID(s), 0}}
		for len(work) > 0 {
			fr := &work[len(work)-1]
			f := fr.f
			if fr.i == 0 {
				next++
				index[f], low[f] = next, next
				stack = append(stack, f)
				on[f] = true
			}
			if fr.i < len(r.out[f]) {
				g := r.out[f][fr.i].Callee
				fr.i++
				if g == f {
					r.rec[f] = true
				}
				if index[g] == 0 {
					work = append(work, frame{g, 0})
				} else if on[g] {
					low[f] = min(low[f], index[g])
				}
				continue
			}
			if low[f] == index[f] {
				size := 0
				r.start = append(r.start, int32(len(r.order)))
				for {
					g := stack[len(stack)-1]
					stack = stack[:len(stack)-1]
					on[g] = false
					r.comp[g] = comps
					r.order = append(r.order, g)
					size++
					if g == f {
						break
					}
				}
				if size > 1 {
					for _, g := range r.order[len(r.order)-size:] {
						r.rec[g] = true
					}
				}
				comps++
			}
			work = work[:len(work)-1]
			if len(work) > 0 {
				p := work[len(work)-1].f
				low[p] = min(low[p], low[f])
			}
		}
	}
	r.start = append(r.start, int32(len(r.order)))
}

func (r *Result) walk(from []ir.FuncID, edges [][]Edge, to func(Edge) ir.FuncID, skip func(*Edge) bool) []ir.FuncID {
	seen := make([]bool, len(edges))
	var out []ir.FuncID
	for _, f := range from {
		if !seen[f] {
			seen[f] = true
			out = append(out, f)
		}
	}
	for i := 0; i < len(out); i++ {
		for j := range edges[out[i]] {
			e := &edges[out[i]][j]
			if g := to(*e); !seen[g] && (skip == nil || !skip(e)) {
				seen[g] = true
				out = append(out, g)
			}
		}
	}
	slices.Sort(out)
	return out
}

func uniq(edges []Edge, to func(Edge) ir.FuncID) []ir.FuncID {
	out := make([]ir.FuncID, 0, len(edges))
	for _, e := range edges {
		out = append(out, to(e))
	}
	slices.Sort(out)
	return slices.Compact(out)
}
