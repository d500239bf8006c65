package pointer

import "math/bits"

// The sets of places of all nodes. In a large program nineteen of twenty nodes have the same
// set as another, so a set is kept once and known by a number, and what the union of two
// is, is remembered: each is worked out once for all nodes (Barbar and Sui, "Hash Consed
// Points-To Sets", SAS 2021). Sets that no node has any more are dropped when there are
// as many bytes of them as of others.

// A setID numbers a set in a sets; 0 is the empty one.
type setID int32

type sets struct {
	all    []sharedSet
	table  []setID   // by hash, open addressing
	unions []union   // by the hash of a and b; what is lost is worked out again
	single []setID   // by place: the set of it alone
	blocks int       // in all
	most   int       // of them before sweep is worth while
	chunk  []block   // where the next ones go
	chunks [][]block // all of them
	spare  [][]block // those that sweep has emptied
	a, b   []block   // working memory
}

type sharedSet struct {
	b    []block
	hash uint64
	n    int32 // members
}

// A union says what a and b are together, and what b adds.
type union struct{ a, b, both, news setID }

const (
	unionBits  = 17
	chunkSize  = 1 << 14
	sweepFirst = 1 << 22 // blocks
)

func newSets() *sets {
	return &sets{all: make([]sharedSet, 1), table: make([]setID, 1<<12), unions: make([]union, 1<<unionBits), most: sweepFirst}
}

func (t *sets) len(s setID) int { return int(t.all[s].n) }

func (t *sets) has(s setID, x int32) bool { return has(t.all[s].b, x) }

// members appends the members of s in order.
func (t *sets) members(s setID, out []int32) []int32 { return members(t.all[s].b, out) }

// of returns the set with blocks b, which it copies.
func (t *sets) of(b []block) setID {
	if len(b) == 0 {
		return 0
	}
	h := uint64(len(b))
	for _, x := range b {
		h = (h ^ uint64(uint32(x.k))) * 0x9e3779b97f4a7c15
		h = (h ^ x.w ^ h>>29) * 0xbf58476d1ce4e5b9
	}
	h ^= h >> 32
	mask := uint64(len(t.table) - 1)
	i := h & mask
next:
	for ; t.table[i] != 0; i = (i + 1) & mask {
		if s := &t.all[t.table[i]]; s.hash == h && len(s.b) == len(b) {
			for k := range b {
				if s.b[k] != b[k] {
					continue next
				}
			}
			return t.table[i]
		}
	}
	n := 0
	for _, x := range b {
		n += bits.OnesCount64(x.w)
	}
	id := setID(len(t.all))
	t.all = append(t.all, sharedSet{t.keep(b), h, int32(n)})
	t.table[i] = id
	if len(t.all)*2 > len(t.table) {
		t.rehash(len(t.table) * 2)
	}
	return id
}

// keep copies b to where it stays.
func (t *sets) keep(b []block) []block {
	t.blocks += len(b)
	if len(b) > chunkSize/8 {
		return append([]block(nil), b...)
	}
	if cap(t.chunk)-len(t.chunk) < len(b) {
		if n := len(t.spare); n > 0 {
			t.chunk, t.spare = t.spare[n-1], t.spare[:n-1]
		} else {
			t.chunk = make([]block, 0, chunkSize)
		}
		t.chunks = append(t.chunks, t.chunk)
	}
	at := len(t.chunk)
	t.chunk = append(t.chunk, b...)
	return t.chunk[at:len(t.chunk):len(t.chunk)]
}

func (t *sets) rehash(size int) {
	t.table = make([]setID, size)
	mask := uint64(size - 1)
	for id := range t.all[1:] {
		i := t.all[id+1].hash & mask
		for t.table[i] != 0 {
			i = (i + 1) & mask
		}
		t.table[i] = setID(id + 1)
	}
}

// alone returns the set of x.
func (t *sets) alone(x int32) setID {
	for int(x) >= len(t.single) {
		t.single = append(t.single, 0)
	}
	if t.single[x] == 0 {
		t.single[x] = t.of([]block{{x >> 6, 1 << (x & 63)}})
	}
	return t.single[x]
}

// union returns what a and b are together, and what of b is not in a.
func (t *sets) union(a, b setID) (both, news setID) {
	switch {
	case b == 0 || a == b:
		return a, 0
	case a == 0:
		return b, b
	}
	h := uint64(a)*0x9e3779b97f4a7c15 ^ uint64(b)*0xbf58476d1ce4e5b9
	u := &t.unions[h>>(64-unionBits)]
	if u.a == a && u.b == b {
		return u.both, u.news
	}
	t.a, t.b = merged(t.all[a].b, t.all[b].b, t.a[:0], t.b[:0])
	both = a
	if news = t.of(t.b); news != 0 {
		both = t.of(t.a)
	}
	*u = union{a, b, both, news}
	return both, news
}

// sweep drops all sets but those in the lists, which it numbers anew.
func (t *sets) sweep(lists ...[]setID) {
	to := make([]setID, len(t.all))
	old, emptied := t.all, t.chunks
	t.all, t.blocks, t.chunk, t.chunks = make([]sharedSet, 1, len(old)/2+1), 0, nil, nil
	for _, l := range lists {
		for i, s := range l {
			if s != 0 && to[s] == 0 {
				to[s] = setID(len(t.all))
				o := old[s]
				o.b = t.keep(o.b)
				t.all = append(t.all, o)
			}
			l[i] = to[s]
		}
	}
	t.spare = append(t.spare, emptied...)
	t.rehash(len(t.table))
	clear(t.unions)
	clear(t.single)
	t.most = max(sweepFirst, 2*t.blocks)
}
