package flowspace

import (
	"slices"

	"saz/frontend/ctype"
	"saz/ir"
	"saz/passes/pointer"
)

// How a trace searches: from state to state, what comes of each found out once for all traces.

// A query is one backward trace.
type query struct {
	e      *engine
	leaves map[leaf]bool
	budget int
	gaveUp bool
	index  bool // what is traced finds a place: what chooses among constants counts, and so does what is taken from either of two
}

type mode struct {
	shift         int64
	swapped, pure bool
	loose         bool // the pointer may have been moved on: its distance from the packet's start is not known
	either        bool // one of several
	masked        mask // only the first bits are left
	lost          bool // which call it was is not known any more: parameters may be mixed up
}

// A mask is the order of bytes in which a value has lost all but its first bits.
type mask uint8

const (
	whole mask = iota
	inHost
	inNet
)

type state struct {
	ctx  *context
	v    ir.Value
	m    mode
	off  int64
	size int64
	loc  pointer.Loc
	rec  *ctype.Record // the field of any such record
	f    ir.FuncID
	addr bool
	mem  bool

	first bool // mem: an entry whose own stores are asked for
	index bool // of a query for a place
}

// A stateKey is a state in words, which are quick to hash.
type stateKey [8]uint64

func (e *engine) key(s *state) stateKey {
	k := stateKey{uint64(uint32(s.f)), uint64(s.v.Kind)<<32 | uint64(uint32(s.v.ID)), uint64(s.v.Off), uint64(s.m.shift)<<32 | uint64(s.m.masked)<<16,
		uint64(s.off), uint64(s.size), uint64(uint32(s.loc.Obj))<<32 | uint64(uint32(s.loc.Off)), 0}
	if s.rec != nil {
		k[7] = e.recordID(s.rec)
	}
	if s.ctx != nil {
		k[0] |= uint64(s.ctx.id) << 32
	}
	for i, b := range [...]bool{s.m.swapped, s.m.pure, s.m.loose, s.m.either, s.m.lost, s.addr, s.mem, s.first, s.index} {
		if b {
			k[3] |= 1 << i
		}
	}
	return k
}

// Budgets of a trace, in steps. In all programs that were measured no trace found a header beyond 2,048; what goes on further gets lost among what
// any pointer may point at, and ate the steps of those that come later.
const (
	traceBudget = 4000
	constBudget = 500
	stepsATable = 5000 // of all traces together, for each table there is
	allVisits   = 1 << 25
)

// A node is a state of the search, and what comes of it: found out once, however many traces come by.
type node struct {
	state  state
	succ   []int32 // places in engine.ahead
	leaves []leaf
	known  bool
	gaveUp bool  // it has more than is looked at
	dead   bool  // what comes of it is more than a trace may visit
	seen   int32 // the last trace that came by
}

func (e *engine) query(budget int) *query {
	return &query{e: e, leaves: map[leaf]bool{}, budget: budget}
}

// trace starts a query where from says.
func (q *query) trace(from func(q *query)) *query {
	e := q.e
	root, outer := node{known: true}, e.at
	e.at = &root
	from(q)
	e.at = outer
	e.trace++
	stamp := e.trace
	q.gaveUp = root.gaveUp
	for _, l := range root.leaves {
		q.leaves[l] = true
	}
	work, first := slices.Clone(root.succ), root.succ
	full := q.budget >= traceBudget
	for len(work) > 0 && !q.gaveUp {
		k := e.node(work[len(work)-1])
		work = work[:len(work)-1]
		if e.nodes[k].seen == stamp {
			continue
		}
		e.nodes[k].seen = stamp
		if e.nodes[k].dead {
			q.gaveUp = true
			break
		}
		if q.budget--; q.budget < 0 || e.visits < 0 {
			q.gaveUp = true
			if full && len(first) == 1 {
				e.bury(e.node(first[0]))
			}
			break
		}
		e.visits--
		if !e.nodes[k].known {
			if e.steps--; e.steps < 0 {
				q.gaveUp = true
				break
			}
			e.expand(k)
		}
		n := e.nodes[k]
		q.gaveUp = q.gaveUp || n.gaveUp
		for _, l := range n.leaves {
			q.leaves[l] = true
		}
		work = append(work, n.succ...)
	}
	return q
}

// bury notes that a trace from k visits too much: so does any that comes by there, or further down where there is one way only.
func (e *engine) bury(k int32) {
	for n := e.nodes[k]; !n.dead; n = e.nodes[e.node(n.succ[0])] {
		n.dead = true
		if len(n.succ) != 1 {
			break
		}
	}
}

// expand finds out what comes of a node.
func (e *engine) expand(k int32) {
	n, outer := e.nodes[k], e.at
	n.known = true
	e.at = n
	s := &n.state
	q := &query{e: e, index: s.index}
	switch {
	case s.rec != nil:
		if list, ok := e.fieldPuts(fieldKey{s.rec, s.off, s.size}); ok {
			q.puts(list, s.off, s.size, s.m)
		} else {
			q.giveUp()
		}
	case s.mem && s.addr:
		q.pointersAt(s.loc, s.off, s.size, s.m)
	case s.mem:
		q.memoryAt(s.loc, s.size, s.m, s.first)
	case s.addr:
		q.addressOf(s.ctx, e.c.Prog.Funcs[s.f], s.v, s.off, s.size, s.m)
	default:
		q.valueOf(s.ctx, e.c.Prog.Funcs[s.f], s.v, s.m)
	}
	e.at = outer
}

// An ahead is a state that follows another. Most are never come to, since the trace gives up before, so that its node is sought only then.
type ahead struct {
	state
	node int32 // -1: not sought yet
}

// to goes on to s from the state that is being expanded. One that leads to more states than a trace may visit is given up at once.
func (q *query) to(s state) {
	e := q.e
	if e.at.gaveUp {
		return
	}
	if len(e.at.succ) > traceBudget {
		e.at.gaveUp = true
		return
	}
	s.index = q.index
	e.at.succ = append(e.at.succ, e.ahead.add(ahead{s, -1}))
}

// node returns the node of what is at place i of e.ahead.
func (e *engine) node(i int32) int32 {
	a := e.ahead.at(i)
	if a.node >= 0 {
		return a.node
	}
	key := e.key(&a.state)
	k, ok := e.number[key]
	if !ok {
		k = int32(len(e.nodes))
		e.number[key] = k
		e.nodes = append(e.nodes, &node{state: a.state})
	}
	a.node = k
	return k
}

// aheads is a list that grows without moving what it has.
type aheads struct {
	blocks [][]ahead
	n      int32
}

const blockBits = 10

func (l *aheads) add(a ahead) int32 {
	b := int(l.n >> blockBits)
	if b == len(l.blocks) {
		l.blocks = append(l.blocks, make([]ahead, 1<<blockBits))
	}
	l.blocks[b][l.n&(1<<blockBits-1)] = a
	l.n++
	return l.n - 1
}

func (l *aheads) at(i int32) *ahead { return &l.blocks[i>>blockBits][i&(1<<blockBits-1)] }

func (q *query) leaf(l leaf) { q.e.at.leaves = append(q.e.at.leaves, l) }

// giveUp says that there is more than can be looked at.
func (q *query) giveUp() { q.e.at.gaveUp = true }

func (q *query) other(m mode) { q.leaf(leaf{kind: fromOther}) }
