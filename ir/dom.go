package ir

import "slices"

// Dominators by "A Simple, Fast Dominance Algorithm" (Cooper, Harvey and
// Kennedy, 2001): an iteration over reverse postorder that is faster than
// Lengauer-Tarjan on graphs of the size of procedures. Loops are nested SCCs
// (Steensgaard), which also gives irreducible regions a place.

// A DomTree is the dominator tree of a function, or its post-dominator tree.
type DomTree struct {
	Idom []BlockID // immediate dominator; -1 for the root (and, of post-dominators, where only the virtual exit is)
	Post bool

	order    []BlockID // the order in which the tree was built: reverse postorder
	pre, end []int32   // interval numbers in the tree
}

// Dominators computes the dominator tree of f.
func Dominators(f *Func) *DomTree {
	n := len(f.Blocks)
	succ := make([][]BlockID, n)
	pred := make([][]BlockID, n)
	for i := range f.Blocks {
		succ[i], pred[i] = f.Blocks[i].Succs, f.Blocks[i].Preds
	}
	if n == 0 {
		return &DomTree{}
	}
	t := domTree(0, succ, pred)
	return t
}

// PostDominators computes the post-dominator tree of f. A virtual exit follows
// every Ret and Unreachable; a part of the graph that cannot reach it (an
// endless loop) is joined to it from one block of each such loop, so that
// everything has a place in the tree.
func PostDominators(f *Func) *DomTree {
	n := len(f.Blocks)
	if n == 0 {
		return &DomTree{Post: true}
	}
	exit := BlockID(n)
	succ := make([][]BlockID, n+1) // of the reversed graph
	pred := make([][]BlockID, n+1)
	for i := range f.Blocks {
		succ[i] = f.Blocks[i].Preds
		pred[i] = f.Blocks[i].Succs
		if len(pred[i]) == 0 {
			succ[exit] = append(succ[exit], BlockID(i))
			pred[i] = []BlockID{exit}
		}
	}
	seen := make([]bool, n+1)
	var stack []BlockID
	mark := func(b BlockID) {
		stack = append(stack[:0], b)
		for len(stack) > 0 {
			b := stack[len(stack)-1]
			stack = stack[:len(stack)-1]
			if seen[b] {
				continue
			}
			seen[b] = true
			stack = append(stack, succ[b]...)
		}
	}
	mark(exit)
	// Postorder of the forward graph meets the ends of endless loops first.
	for _, b := range postorder(0, n, func(b BlockID) []BlockID { return f.Blocks[b].Succs }) {
		if !seen[b] {
			succ[exit] = append(succ[exit], b)
			pred[b] = append(append([]BlockID(nil), pred[b]...), exit)
			mark(b)
		}
	}
	t := domTree(exit, succ, pred)
	t.Post = true
	t.Idom = t.Idom[:n]
	for i, d := range t.Idom {
		if d == exit {
			t.Idom[i] = -1
		}
	}
	return t
}

// postorder lists the blocks reachable from root, each after its successors.
func postorder(root BlockID, n int, succ func(BlockID) []BlockID) []BlockID {
	type frame struct {
		b    BlockID
		next int32
	}
	out := make([]BlockID, 0, n)
	seen := make([]bool, n)
	stack := []frame{{root, 0}}
	seen[root] = true
	for len(stack) > 0 {
		f := &stack[len(stack)-1]
		if s := succ(f.b); int(f.next) < len(s) {
			d := s[f.next]
			f.next++
			if !seen[d] {
				seen[d] = true
				stack = append(stack, frame{d, 0})
			}
			continue
		}
		out = append(out, f.b)
		stack = stack[:len(stack)-1]
	}
	return out
}

func domTree(root BlockID, succ, pred [][]BlockID) *DomTree {
	n := len(succ)
	po := postorder(root, n, func(b BlockID) []BlockID { return succ[b] })
	num := make([]int32, n) // postorder number
	for i, b := range po {
		num[b] = int32(i)
	}
	idom := make([]BlockID, n)
	for i := range idom {
		idom[i] = -1
	}
	idom[root] = root
	for changed := true; changed; {
		changed = false
		for i := len(po) - 2; i >= 0; i-- {
			b := po[i]
			best := BlockID(-1)
			for _, p := range pred[b] {
				if idom[p] < 0 {
					continue
				}
				if best < 0 {
					best = p
					continue
				}
				for x := p; x != best; {
					for num[x] < num[best] {
						x = idom[x]
					}
					for num[best] < num[x] {
						best = idom[best]
					}
				}
			}
			if best != idom[b] {
				idom[b] = best
				changed = true
			}
		}
	}
	idom[root] = -1
	t := &DomTree{Idom: idom, order: make([]BlockID, len(po))}
	for i, b := range po {
		t.order[len(po)-1-i] = b
	}
	// Intervals: in reverse postorder a parent comes before its children, so
	// sizes go up the tree in postorder and numbers come down in the reverse.
	size := make([]int32, n)
	for _, b := range po {
		size[b]++
		if p := idom[b]; p >= 0 {
			size[p] += size[b]
		}
	}
	t.pre, t.end = make([]int32, n), make([]int32, n)
	next := make([]int32, n)
	for i := range t.pre {
		t.pre[i] = -1
	}
	for _, b := range t.order {
		if p := idom[b]; p >= 0 {
			t.pre[b] = next[p]
			next[p] += size[b]
		} else {
			t.pre[b] = 0
		}
		t.end[b] = t.pre[b] + size[b]
		next[b] = t.pre[b] + 1
	}
	return t
}

// Dominates reports whether a dominates b (post-dominates, for a post-dominator
// tree); every block dominates itself.
func (t *DomTree) Dominates(a, b BlockID) bool {
	return t.pre[a] >= 0 && t.pre[a] <= t.pre[b] && t.pre[b] < t.end[a]
}

// Order lists the blocks in an order in which each comes after its immediate
// dominator: reverse postorder (of the reversed graph for post-dominators).
func (t *DomTree) Order() []BlockID {
	if !t.Post {
		return t.order
	}
	return t.order[1:]
}

// Frontier computes the dominance frontiers: Frontier[b] are the blocks that b
// does not strictly dominate but of which it dominates a predecessor. Of a
// post-dominator tree it is the control dependence: Frontier[b] are the
// branches on which b depends.
func (t *DomTree) Frontier(f *Func) [][]BlockID {
	n := len(f.Blocks)
	out := make([][]BlockID, n)
	for i := range f.Blocks {
		b := BlockID(i)
		from := f.Blocks[i].Preds
		if t.Post {
			from = f.Blocks[i].Succs
		}
		if len(from) < 2 && !(t.Idom[b] < 0 && len(from) > 0) {
			continue
		}
		for _, p := range from {
			for x := p; x >= 0 && x != t.Idom[b]; x = t.Idom[x] {
				l := out[x]
				if len(l) > 0 && l[len(l)-1] == b {
					break // another predecessor already walked up from here
				}
				out[x] = append(l, b)
			}
		}
	}
	return out
}

// LoopID indexes Loops.List.
type LoopID int32

// A Loop is a strongly connected part of a function's graph.
type Loop struct {
	Header      BlockID // the block through which it is entered; of an irreducible loop, one of them
	Parent      LoopID  // the innermost loop that contains it, -1 for none
	Depth       int32   // 1 for an outermost loop
	Blocks      []BlockID
	Irreducible bool
}

// Loops is the nesting of a function's loops, outer ones first.
type Loops struct {
	List []Loop
	of   []LoopID
}

// LoopOf returns the innermost loop that contains b, -1 for none.
func (l *Loops) LoopOf(b BlockID) LoopID { return l.of[b] }

// Contains reports whether loop outer contains block b.
func (l *Loops) Contains(outer LoopID, b BlockID) bool {
	for i := l.of[b]; i >= 0; i = l.List[i].Parent {
		if i == outer {
			return true
		}
	}
	return false
}

// FindLoops computes the loop nesting of f.
func FindLoops(f *Func) *Loops {
	n := len(f.Blocks)
	l := &Loops{of: make([]LoopID, n)}
	region := make([]int32, n) // which sub-problem a block is in; -1: taken out (a header)
	for i := range l.of {
		l.of[i] = -1
	}
	type work struct {
		blocks []BlockID
		parent LoopID
		id     int32
	}
	all := make([]BlockID, n)
	for i := range all {
		all[i] = BlockID(i)
	}
	next := int32(1)
	todo := []work{{all, -1, 0}}
	sc := &sccState{f: f, region: region, index: make([]int32, n), low: make([]int32, n), on: make([]bool, n)}
	for len(todo) > 0 {
		w := todo[0]
		todo = todo[1:]
		for _, comp := range sc.run(w.blocks, w.id) {
			if len(comp) == 1 && !hasEdge(f, comp[0], comp[0]) {
				continue
			}
			id := LoopID(len(l.List))
			in := next
			next++
			for _, b := range comp {
				region[b] = in
				l.of[b] = id
			}
			header, entries := BlockID(-1), 0
			for _, b := range comp {
				entry := b == 0
				for _, p := range f.Blocks[b].Preds {
					if region[p] != in {
						entry = true
					}
				}
				if entry {
					entries++
					if header < 0 || b < header {
						header = b
					}
				}
			}
			if header < 0 {
				header = comp[0]
			}
			depth := int32(1)
			if w.parent >= 0 {
				depth = l.List[w.parent].Depth + 1
			}
			slices.Sort(comp)
			l.List = append(l.List, Loop{Header: header, Parent: w.parent, Depth: depth, Blocks: comp, Irreducible: entries > 1})
			region[header] = -1
			inner := make([]BlockID, 0, len(comp)-1)
			for _, b := range comp {
				if b != header {
					inner = append(inner, b)
				}
			}
			if len(inner) > 0 {
				todo = append(todo, work{inner, id, in})
			}
		}
	}
	return l
}

func hasEdge(f *Func, a, b BlockID) bool {
	for _, s := range f.Blocks[a].Succs {
		if s == b {
			return true
		}
	}
	return false
}

// sccState is Tarjan's algorithm on the blocks of one region, iterative.
type sccState struct {
	f          *Func
	region     []int32
	index, low []int32 // index 0: not visited in this run
	on         []bool
}

func (s *sccState) run(blocks []BlockID, region int32) [][]BlockID {
	type frame struct {
		b    BlockID
		next int32
	}
	for _, b := range blocks {
		s.index[b] = 0
	}
	var out [][]BlockID
	var stack []BlockID
	var frames []frame
	count := int32(0)
	for _, root := range blocks {
		if s.index[root] != 0 || s.region[root] != region {
			continue
		}
		frames = append(frames[:0], frame{root, 0})
		for len(frames) > 0 {
			fr := &frames[len(frames)-1]
			b := fr.b
			if fr.next == 0 && s.index[b] == 0 {
				count++
				s.index[b], s.low[b] = count, count
				stack = append(stack, b)
				s.on[b] = true
			}
			if succ := s.f.Blocks[b].Succs; int(fr.next) < len(succ) {
				d := succ[fr.next]
				fr.next++
				if s.region[d] != region {
					continue
				}
				if s.index[d] == 0 {
					frames = append(frames, frame{d, 0})
				} else if s.on[d] && s.index[d] < s.low[b] {
					s.low[b] = s.index[d]
				}
				continue
			}
			frames = frames[:len(frames)-1]
			if len(frames) > 0 {
				if p := frames[len(frames)-1].b; s.low[b] < s.low[p] {
					s.low[p] = s.low[b]
				}
			}
			if s.low[b] == s.index[b] {
				var comp []BlockID
				for {
					x := stack[len(stack)-1]
					stack = stack[:len(stack)-1]
					s.on[x] = false
					comp = append(comp, x)
					if x == b {
						break
					}
				}
				out = append(out, comp)
			}
		}
	}
	return out
}
