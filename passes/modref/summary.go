package modref

import "saz/ir"

// summaries unites what the procedures of each component of the call graph, and
// all that they call, touch.
func (r *Result) summaries(d dir) []Bits {
	r.mu.Lock()
	defer r.mu.Unlock()
	k := 0
	if d == wr {
		k = 1
	}
	if r.sums[k] != nil {
		return r.sums[k]
	}
	table := r.reads
	if d == wr {
		table = r.writes
	}
	var rows []Bits
	parts := NewBits(len(r.parts.acc))
	for _, f := range r.graph.BottomUp() {
		c := r.graph.SCC(f)
		for c >= len(rows) {
			rows = append(rows, NewBits(r.regions.N()))
		}
		clear(parts)
		for i := range r.prog.Funcs[f].Instrs {
			for _, p := range r.parts.effects[table[r.base[f]+int32(i)]] {
				parts.Add(int32(p))
			}
		}
		parts.Each(func(p int32) { rows[c].OrRow(r.regions.Of[p]) })
		last := -1
		for _, e := range r.graph.Out(f) {
			if d := r.graph.SCC(e.Callee); d != c && d != last && !e.Async() {
				rows[c].Or(rows[d])
				last = d
			}
		}
	}
	r.sums[k] = rows
	return rows
}

func (r *Result) summary(f ir.FuncID, d dir) []Access {
	l := r.regions.accesses(r.summaries(d)[r.graph.SCC(f)])
	if r.pts.Classes() {
		l = r.spread(l)
	}
	return l
}
