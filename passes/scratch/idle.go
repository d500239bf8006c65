package scratch

import "saz/ir"

// Most procedures have nothing to do with what is asked about, and call none that has: what is left to find out of them is whether they return.

// What a call does.
type doing uint8

const (
	nothingHere doing = iota // to what is asked about
	something
	endless // it never returns
)

// idle reports whether no call of f on a way from its entry, but for edges that are dead, does anything, and whether f returns then.
func idle(f *ir.Func, dead map[ir.BlockID][]bool, does func(call ir.Ref) doing) (idle, returns bool) {
	seen := make([]bool, len(f.Blocks))
	seen[0] = true
	for work := []ir.BlockID{0}; len(work) > 0; {
		b := work[len(work)-1]
		work = work[:len(work)-1]
		ends := false
		for i := f.Blocks[b].Lo; i < f.Blocks[b].Hi && !ends; i++ {
			if f.Instrs[i].Op == ir.Call {
				switch does(ir.Ref{Func: f.ID, I: i}) {
				case something:
					return false, false
				case endless:
					ends = true
				}
			}
		}
		if ends {
			continue
		}
		returns = returns || f.Term(b).Op == ir.Ret
		for j, t := range f.Blocks[b].Succs {
			if d := dead[b]; (d == nil || !d[j]) && !seen[t] {
				seen[t] = true
				work = append(work, t)
			}
		}
	}
	return true, returns
}

// does says what a call does, by the summaries of what it may run.
func (e *engine) does(ref ir.Ref) doing {
	for _, cb := range e.pt.Callbacks(ref) {
		if cb.How != nil && (cb.How.Thread || cb.How.Signal) {
			continue
		}
		if s := e.sums[cb.Func]; s != nil && !s.empty() {
			return something
		}
	}
	callees := e.pt.Callees(ref)
	if len(callees) == 0 {
		return nothingHere
	}
	out := endless
	for _, t := range callees {
		if !e.c.Prog.Funcs[t].Defined() {
			if m := e.pt.Model(t); m == nil || !m.NoReturn {
				out = nothingHere
			}
			continue
		}
		if s := e.sums[t]; s != nil {
			if !s.empty() {
				return something
			}
			if s.returns {
				out = nothingHere
			}
		}
	}
	return out
}

// empty reports whether there is nothing in s but whether it returns.
func (s *summary) empty() bool { return len(s.must)+len(s.params) == 0 && same(s.objs, nil) }
