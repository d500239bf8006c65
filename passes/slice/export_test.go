package slice

import "saz/passes/sdg"

// Traced reports how many nodes s has, and whether those that it came to by the ways that it knows are the same.
func Traced(s *Set) (nodes int, ok bool) {
	s.trace()
	ok = true
	start := map[sdg.Node]bool{}
	for _, it := range s.start {
		start[it.n] = true
	}
	for n, st := range s.state {
		in := st&(free|inner) != 0
		if in {
			nodes++
		}
		if came := start[sdg.Node(n)] && in || s.parent[n] >= 0; came != in {
			ok = false
		}
	}
	return nodes, ok
}
