package update

import (
	"container/heap"
	"fmt"
	"strings"

	"saz/frontend/ctype"
	"saz/ir"
	"saz/passes/pointer"
)

// Which update is shown of a variable: the one of which the least is guessed. There is guessing on the way to the code (toplevel.Way), in what a pointer
// that is written through may point at, and, where memory is written that the variable leads to, in what each pointer on the way from it may point at:
// one of several is a guess, and the worse the more there are. All objects get theirs at once, by Dijkstra's algorithm from what is written back to what
// leads there, over the graph of objects and shared sets of places that Owners has.

// A reason is an instruction that writes.
type reason struct {
	ref   ir.Ref
	cost  int
	named bool // what it writes is named there
	width int  // how many objects it may be that it writes
}

type reasons struct {
	pt   *pointer.Result
	locs [][]pointer.Loc // sets of places that are written
	best []reason        // by set; the first named, the first other
	some []bool
	of   map[effect]int32
	at   map[ir.Ref]int32

	g    *reachGraph
	dist []int // of objects and sets, by reachGraph's numbers
	next []int32
	own  map[pointer.ObjID]reason
}

func newReasons(pt *pointer.Result) *reasons {
	return &reasons{pt: pt, of: map[effect]int32{}, at: map[ir.Ref]int32{}, own: map[pointer.ObjID]reason{}}
}

// set numbers a set of places.
func (x *reasons) set(locs []pointer.Loc) int32 {
	if len(locs) == 0 {
		return -1
	}
	x.locs = append(x.locs, locs)
	x.best = append(x.best, reason{}, reason{})
	x.some = append(x.some, false, false)
	return int32(len(x.locs) - 1)
}

// note takes in that r writes one of a set of places.
func (x *reasons) note(set int32, r reason) {
	if set < 0 {
		return
	}
	k := 2 * set
	if r.named {
		k++
	}
	if !x.some[k] || r.cost < x.best[k].cost {
		x.some[k], x.best[k] = true, r
	}
}

// spread finds the best for each object that something leads to.
func (x *reasons) spread(w *Owners) {
	x.g = w.graph
	for k := range x.best {
		if !x.some[k] {
			continue
		}
		locs, r := x.locs[k/2], x.best[k]
		n := 0
		for i, l := range locs {
			if i == 0 || l.Obj != locs[i-1].Obj {
				n++
			}
		}
		if r.width = n; n > 1 {
			r.cost += vague(n)
		}
		for i, l := range locs {
			if i > 0 && l.Obj == locs[i-1].Obj {
				continue
			}
			if old, ok := x.own[l.Obj]; !ok || less(r, old) {
				x.own[l.Obj] = r
			}
		}
	}
	n := len(x.g.succ)
	x.dist, x.next = make([]int, n), make([]int32, n)
	from := make([][]int32, n) // reversed
	for v := range x.g.succ {
		x.dist[v], x.next[v] = -1, -1
		for _, s := range x.g.succ[v] {
			from[s] = append(from[s], int32(v))
		}
	}
	var work hops
	for o, r := range x.own {
		work = append(work, hop{r.cost, int32(o), -1})
	}
	heap.Init(&work)
	for len(work) > 0 {
		h := heap.Pop(&work).(hop)
		if x.dist[h.v] >= 0 {
			continue
		}
		x.dist[h.v], x.next[h.v] = h.cost, h.by
		if int(h.v) < x.g.n && x.pt.Objects[h.v].Opaque {
			continue // nobody looks into it
		}
		for _, v := range from[h.v] {
			if x.dist[v] >= 0 {
				continue
			}
			cost := h.cost
			if int(v) >= x.g.n { // a set: which of its places it is is a guess
				cost += vague(len(x.g.succ[v]))
			}
			heap.Push(&work, hop{cost, v, h.v})
		}
	}
}

// vague is what it costs to say that something is one of n objects. A call through a pointer may well reach each of a hundred procedures; a pointer
// that may point at as many objects rarely does: the sets have run together.
func vague(n int) int {
	if n <= 10 {
		return n
	}
	return n * n / 10
}

// path returns the instruction that is shown of a variable's node, how what it writes is reached, and what that is. Of what a pointer to a record may point at
// by the sets, those are shown that are such records, if there are any: the others are there because the sets say too much.
func (x *reasons) path(v int32, t *ctype.Type) (r reason, text string, of int, last pointer.ObjID) {
	var parts []string
	if s := x.next[v]; s >= int32(x.g.n) && t.Kind == ctype.Pointer && t.Elem != nil && t.Elem.Kind == ctype.Struct && t.Elem.Rec != nil {
		best, k := int32(-1), 0
		for _, y := range x.g.succ[s] {
			is := x.pt.TypeOf(pointer.ObjID(y))
			if is == nil || is.Kind != ctype.Struct || is.Rec == nil || x.g.c.Prog.Record(is.Rec) != x.g.c.Prog.Record(t.Elem.Rec) {
				continue
			}
			if k++; x.dist[y] >= 0 && (best < 0 || x.dist[y] < x.dist[best]) {
				best = y
			}
		}
		if best >= 0 && k < len(x.g.succ[s]) {
			part := x.pt.Name(pointer.ObjID(best))
			if k > 1 {
				part += fmt.Sprintf(" (one of %d objects of its type)", k)
				of = k
			}
			parts, v = append(parts, part), best
		}
	}
	for x.next[v] >= 0 {
		v = x.next[v]
		if int(v) < x.g.n {
			continue
		}
		n := len(x.g.succ[v])
		part := x.pt.Name(pointer.ObjID(x.next[v]))
		if n > 1 {
			part += fmt.Sprintf(" (one of %d objects)", n)
			of = max(of, n)
		}
		parts = append(parts, part)
	}
	if parts != nil {
		text = "it leads to " + strings.Join(parts, ", that to ")
	}
	return x.own[pointer.ObjID(v)], text, of, pointer.ObjID(v)
}

// which says that what is written is one of several.
func (r *reason) which() string {
	if r.width > 1 {
		return fmt.Sprintf(" (one of %d objects)", r.width)
	}
	return ""
}

func less(a, b reason) bool {
	switch {
	case a.cost != b.cost:
		return a.cost < b.cost
	case a.ref.Func != b.ref.Func:
		return a.ref.Func < b.ref.Func
	}
	return a.ref.I < b.ref.I
}

// A hop is a node and the one that it leads to.
type hop struct {
	cost int
	v    int32
	by   int32
}

// hops is a heap of them; of equals the first in the graph's order.
type hops []hop

func (w hops) Len() int { return len(w) }
func (w hops) Less(i, j int) bool {
	a, b := &w[i], &w[j]
	switch {
	case a.cost != b.cost:
		return a.cost < b.cost
	case a.v != b.v:
		return a.v < b.v
	}
	return a.by < b.by
}
func (w hops) Swap(i, j int) { w[i], w[j] = w[j], w[i] }
func (w *hops) Push(x any)   { *w = append(*w, x.(hop)) }
func (w *hops) Pop() any {
	l := *w
	x := l[len(l)-1]
	*w = l[:len(l)-1]
	return x
}
