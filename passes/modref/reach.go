package modref

import (
	"saz/passes/pointer"
)

// A reach answers which objects can be reached through stored pointers. Nodes
// are objects and, because many objects hold the same, points-to sets; Tarjan's
// algorithm (SIAM J. Comput. 1972) gives the components of what is asked for,
// each with one row of bits, which components that add nothing share.
type reach struct {
	pts  *pointer.Result
	n    int
	sets map[setKey]int32
	list [][]pointer.Loc // by set, node n+i

	index, low []int32
	comp       []int32 // by node: 1 + its component
	stack      []int32
	count      int32
	rows       [][]uint64 // by component; nil: just the object in only
	only       []int32
	stamp      []int32
	now        int32
}

func newReach(pts *pointer.Result) *reach {
	n := len(pts.Objects)
	return &reach{pts: pts, n: n, sets: map[setKey]int32{}}
}

// node returns the node of a set.
func (r *reach) node(l []pointer.Loc) int32 {
	k := setKey{&l[0], len(l)}
	n, ok := r.sets[k]
	if !ok {
		n = int32(r.n + len(r.list))
		r.list = append(r.list, l)
		r.sets[k] = n
	}
	return n
}

func (r *reach) grow(n int32) {
	for int(n) >= len(r.index) {
		r.index = append(r.index, 0)
		r.low = append(r.low, 0)
		r.comp = append(r.comp, 0)
	}
}

// succs lists what is directly reached from a node.
func (r *reach) succs(v int32) []int32 {
	var out []int32
	if int(v) < r.n {
		for _, l := range r.pts.ContentClasses(pointer.ObjID(v)) {
			if len(l) > 0 {
				out = append(out, r.node(l))
			}
		}
		return out
	}
	last := pointer.ObjID(-1)
	for _, l := range r.list[int(v)-r.n] {
		if l.Obj != last {
			last = l.Obj
			out = append(out, int32(l.Obj))
		}
	}
	return out
}

func (r *reach) visit(root int32) {
	type frame struct {
		v    int32
		i    int
		succ []int32
	}
	enter := func(v int32) frame {
		r.grow(v)
		r.count++
		r.index[v], r.low[v] = r.count, r.count
		r.stack = append(r.stack, v)
		return frame{v, 0, r.succs(v)}
	}
	work := []frame{enter(root)}
	for len(work) > 0 {
		f := &work[len(work)-1]
		if f.i < len(f.succ) {
			w := f.succ[f.i]
			f.i++
			r.grow(w)
			if r.index[w] == 0 {
				work = append(work, enter(w))
			} else if r.comp[w] == 0 {
				r.low[f.v] = min(r.low[f.v], r.index[w])
			}
			continue
		}
		v := f.v
		work = work[:len(work)-1]
		if len(work) > 0 {
			p := work[len(work)-1].v
			r.low[p] = min(r.low[p], r.low[v])
		}
		if r.low[v] != r.index[v] {
			continue
		}
		c := int32(len(r.rows))
		lo := len(r.stack) - 1
		for r.stack[lo] != v {
			lo--
		}
		members := r.stack[lo:]
		r.stack = r.stack[:lo]
		for _, m := range members {
			r.comp[m] = c + 1
		}
		r.only = append(r.only, v)
		r.rows = append(r.rows, r.row(members))
	}
}

// row unites what the members of a component reach; a row that one successor
// has already is shared.
func (r *reach) row(members []int32) []uint64 {
	r.now++
	var from []int32
	own := false
	for _, m := range members {
		own = own || int(m) < r.n
		for _, w := range r.succs(m) {
			c := r.comp[w] - 1
			for int(c) >= len(r.stamp) {
				r.stamp = append(r.stamp, 0)
			}
			if int(c) < len(r.rows) && r.stamp[c] != r.now {
				r.stamp[c] = r.now
				from = append(from, c)
			}
		}
	}
	switch {
	case len(from) == 0 && len(members) == 1 && own:
		return nil // most objects
	case !own && len(from) == 1 && r.rows[from[0]] != nil:
		return r.rows[from[0]]
	}
	row := make([]uint64, (r.n+63)/64)
	for _, c := range from {
		if r.rows[c] == nil {
			row[r.only[c]>>6] |= 1 << (r.only[c] & 63)
		}
		for i, w := range r.rows[c] {
			row[i] |= w
		}
	}
	for _, m := range members {
		if int(m) < r.n {
			row[m>>6] |= 1 << (m & 63)
		}
	}
	return row
}

// from calls f for each object that can be reached from one in set, in order.
func (r *reach) from(set []pointer.Loc, f func(pointer.ObjID)) {
	if len(set) == 0 {
		return
	}
	v := r.node(set)
	r.grow(v)
	if r.index[v] == 0 {
		r.visit(v)
	}
	c := r.comp[v] - 1
	if r.rows[c] == nil {
		f(pointer.ObjID(r.only[c]))
		return
	}
	each(r.rows[c], func(i int32) { f(pointer.ObjID(i)) })
}
