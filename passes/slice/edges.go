package slice

import (
	"saz/ir"
	"saz/passes/sdg"
)

// step follows the way by which ref was first reached to the next instruction.
func (s *set) step(ref ir.Ref) (from ir.Ref, how sdg.Kind, ok bool) {
	if s.only {
		return s.from.step(ref)
	}
	s.trace()
	for _, n := range s.r.g.All(ref) {
		if s.state[n]&(free|inner) == 0 {
			continue
		}
		how := s.kind[n]
		for m := s.parent[n]; m >= 0; m = s.parent[m] {
			role, at := s.r.g.What(m)
			switch {
			case role == sdg.Entry:
				how = sdg.Called
			case role == sdg.Param && how != sdg.Called:
				how = sdg.Passed
			case role != sdg.Param && at != ref:
				return at, how, true
			case role != sdg.Param:
				how = s.kind[m] // the same instruction's other node
			}
		}
	}
	return ir.Ref{}, 0, false
}

// edges goes on from each instruction through nodes that are none.
func (s *set) edges(f func(from, to ir.Ref, how sdg.Kind)) {
	g := s.r.g
	type edge struct {
		to  ir.Ref
		how sdg.Kind
	}
	s.each(func(from ir.Ref) {
		seen := map[edge]bool{}
		passed := map[sdg.Node]bool{}
		var succs func(n sdg.Node, how sdg.Kind, first bool)
		succs = func(n sdg.Node, how sdg.Kind, first bool) {
			g.Succs(n, func(to sdg.Node, k sdg.Kind, _ sdg.Way) {
				if !first {
					k = how
				}
				role, at := g.What(to)
				if role == sdg.Entry || role == sdg.Param {
					if !passed[to] {
						passed[to] = true
						succs(to, k, false)
					}
					return
				}
				if e := (edge{at, k}); at != from && !seen[e] && s.has(at) {
					seen[e] = true
					f(from, at, k)
				}
			})
		}
		for _, n := range g.All(from) {
			succs(n, 0, true)
		}
	})
}
