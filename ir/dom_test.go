package ir

import (
	"math/rand"
	"slices"
	"testing"
)

// randomFunc is a graph of n blocks, all reachable from the entry, which
// nothing leads to.
func randomFunc(r *rand.Rand, n int) *Func {
	f := &Func{Blocks: make([]Block, n)}
	edge := func(a, b BlockID) {
		if slices.Contains(f.Blocks[a].Succs, b) {
			return
		}
		f.Blocks[a].Succs = append(f.Blocks[a].Succs, b)
		f.Blocks[b].Preds = append(f.Blocks[b].Preds, a)
	}
	for b := 1; b < n; b++ {
		edge(BlockID(r.Intn(b)), BlockID(b))
	}
	if n > 1 {
		for range r.Intn(2 * n) {
			edge(BlockID(r.Intn(n)), BlockID(1+r.Intn(n-1)))
		}
	}
	return f
}

// reaches reports whether to can be reached from from without entering avoid.
func reaches(f *Func, from, to, avoid BlockID, next func(BlockID) []BlockID) bool {
	seen := make([]bool, len(f.Blocks))
	work := []BlockID{from}
	for len(work) > 0 {
		b := work[len(work)-1]
		work = work[:len(work)-1]
		if b == avoid || seen[b] {
			continue
		}
		if b == to {
			return true
		}
		seen[b] = true
		work = append(work, next(b)...)
	}
	return false
}

func TestDominators(t *testing.T) {
	r := rand.New(rand.NewSource(1))
	for range 300 {
		f := randomFunc(r, 1+r.Intn(14))
		succ := func(b BlockID) []BlockID { return f.Blocks[b].Succs }
		dom := Dominators(f)
		for a := range f.Blocks {
			for b := range f.Blocks {
				want := a == b || !reaches(f, 0, BlockID(b), BlockID(a), succ)
				if got := dom.Dominates(BlockID(a), BlockID(b)); got != want {
					t.Fatalf("%v: b%d dominates b%d: %v, want %v", f.Blocks, a, b, got, want)
				}
			}
		}
		df := dom.Frontier(f)
		for a := range f.Blocks {
			var want []BlockID
			for b := range f.Blocks {
				strict := a != b && dom.Dominates(BlockID(a), BlockID(b))
				if strict {
					continue
				}
				for _, p := range f.Blocks[b].Preds {
					if dom.Dominates(BlockID(a), p) {
						want = append(want, BlockID(b))
						break
					}
				}
			}
			got := slices.Clone(df[a])
			slices.Sort(got)
			if !slices.Equal(got, want) {
				t.Fatalf("%v: frontier of b%d is %v, want %v", f.Blocks, a, got, want)
			}
		}
	}
}

func TestPostDominators(t *testing.T) {
	r := rand.New(rand.NewSource(2))
	for range 300 {
		f := randomFunc(r, 1+r.Intn(14))
		pdom := PostDominators(f)
		exits := func(from, avoid BlockID) bool {
			for b := range f.Blocks {
				if len(f.Blocks[b].Succs) == 0 && reaches(f, from, BlockID(b), avoid, func(b BlockID) []BlockID { return f.Blocks[b].Succs }) {
					return true
				}
			}
			return false
		}
		for a := range f.Blocks {
			for b := range f.Blocks {
				if !exits(BlockID(b), -1) {
					continue // an endless loop: its place is chosen, not given
				}
				want := a == b || !exits(BlockID(b), BlockID(a))
				if pdom.Dominates(BlockID(a), BlockID(b)) && !want {
					t.Fatalf("%v: b%d must not post-dominate b%d", f.Blocks, a, b)
				}
				endless := false
				for c := range f.Blocks {
					endless = endless || !exits(BlockID(c), -1)
				}
				if !endless && want != pdom.Dominates(BlockID(a), BlockID(b)) {
					t.Fatalf("%v: b%d must post-dominate b%d", f.Blocks, a, b)
				}
			}
		}
		if n := len(pdom.Order()); n != len(f.Blocks) {
			t.Fatalf("%v: %d of %d blocks are in the tree", f.Blocks, n, len(f.Blocks))
		}
	}
}

func TestLoops(t *testing.T) {
	r := rand.New(rand.NewSource(3))
	for range 300 {
		f := randomFunc(r, 1+r.Intn(14))
		loops := FindLoops(f)
		succ := func(b BlockID) []BlockID { return f.Blocks[b].Succs }
		for b := range f.Blocks {
			cyclic := false
			for _, s := range f.Blocks[b].Succs {
				cyclic = cyclic || reaches(f, s, BlockID(b), -1, succ)
			}
			if cyclic != (loops.LoopOf(BlockID(b)) >= 0) {
				t.Fatalf("%v: b%d in a loop: %v", f.Blocks, b, cyclic)
			}
		}
		for i := range loops.List {
			l := &loops.List[i]
			if !slices.Contains(l.Blocks, l.Header) {
				t.Fatalf("%v: loop %v does not contain its header", f.Blocks, l)
			}
			for _, b := range l.Blocks {
				if !loops.Contains(LoopID(i), b) || l.Parent >= 0 && !loops.Contains(l.Parent, b) {
					t.Fatalf("%v: b%d is not in loop %v and its parent", f.Blocks, b, l)
				}
			}
			if !l.Irreducible {
				dom := Dominators(f)
				for _, b := range l.Blocks {
					if !dom.Dominates(l.Header, b) {
						t.Fatalf("%v: the header of %v does not dominate b%d", f.Blocks, l, b)
					}
				}
			}
		}
	}
}
