package flowspace

import (
	"math/bits"
	"slices"
	"strings"

	"saz/frontend/check"
	"saz/frontend/ctype"
	"saz/ir"
	"saz/passes"
	"saz/passes/members"
	"saz/passes/modref"
	"saz/passes/pointer"
	"saz/passes/receive"
	"saz/passes/toplevel"
)

// A context is the calls through which a procedure was entered, innermost
// first; nil: any.
type context struct {
	site ir.Ref
	up   *context
	n    int
	id   uint32 // from 1
}

// A leaf is where a value comes from.
type leaf struct {
	kind    leafKind
	header  string // fromHeader
	swapped bool   // its bytes are reversed: host order, if the packet has it in network order
	pure    bool   // a copy: nothing was added, masked or hashed
	partial bool   // a part of the header field's bytes
	either  bool   // it, or something else: which one, something decides
	masked  bool   // its first bits
	value   int64  // fromConst
	obj     pointer.ObjID
	off     int32 // fromEntry
}

type leafKind uint8

const (
	fromHeader leafKind = iota
	fromConst
	fromEntry
	fromOther
)

// An engine traces values backward. It is demand-driven: queries are few.
type engine struct {
	c  *passes.Context
	pt *pointer.Result
	mr *modref.Result
	tl *toplevel.Result
	rc *receive.Result

	layouts  map[*ctype.Record]*layout
	contexts map[contextKey]*context
	writers  map[pointer.ObjID][]writer
	entries  map[pointer.ObjID]bool // objects that hold entries: queries stop there
	packet   map[pointer.ObjID]bool // packet bytes
	nodes    []*node
	number   map[stateKey]int32
	at       *node                  // that is being expanded
	trace    int32                  // traces so far
	steps    int                    // nodes that may still be expanded
	visits   int                    // and nodes that may still be visited
	entered  map[entryKey]entryWays // what into found

	uses      map[ir.FuncID]*usesIn
	locals    map[localKey][]put
	fields    map[fieldKey][]put
	records   map[*ctype.Record]uint64
	entryRecs map[*ctype.Record]bool // of entries
	keyRecs   map[*ctype.Record]bool // what entries keep as their key behind a pointer
	seeds     map[*ctype.Record][]seed
	kept      *members.Table
	targets   map[ir.Ref][]ir.FuncID
}

type contextKey struct {
	site ir.Ref
	up   *context
}

// A writer is an instruction of packet code that may write bytes of an object.
type writer struct {
	ref  ir.Ref
	off  int32
	size int64
}

func newEngine(c *passes.Context) *engine {
	e := &engine{c: c, pt: pointer.Of(c), mr: modref.Of(c), tl: toplevel.Of(c), rc: receive.Of(c),
		entered: map[entryKey]entryWays{}, number: map[stateKey]int32{}, layouts: map[*ctype.Record]*layout{}, contexts: map[contextKey]*context{},
		entries: map[pointer.ObjID]bool{}, packet: map[pointer.ObjID]bool{}, uses: map[ir.FuncID]*usesIn{}, locals: map[localKey][]put{},
		fields: map[fieldKey][]put{}, records: map[*ctype.Record]uint64{}, entryRecs: map[*ctype.Record]bool{}, targets: map[ir.Ref][]ir.FuncID{}, keyRecs: map[*ctype.Record]bool{}}
	for i := range e.pt.Objects {
		if e.pt.Objects[i].Packet {
			e.packet[pointer.ObjID(i)] = true
		}
	}
	for _, s := range e.rc.Sites {
		in := c.Instr(s.Ref)
		for _, k := range s.Buffers {
			if k < len(in.Args) && s.Callbacks == nil {
				for _, l := range e.pt.PointsTo(s.Ref.Func, in.Args[k]) {
					e.packet[l.Obj] = true
				}
			}
		}
	}
	return e
}

// maxWrites bounds what one instruction may write for it to be followed: a
// store through a pointer that may point anywhere says nothing.
const maxWrites = 400

// maxPlaces bounds likewise where a pointer may point through which something is read.
const maxPlaces = 100

func (e *engine) index() {
	e.writers = map[pointer.ObjID][]writer{}
	for _, fid := range e.tl.PktProcs {
		f := e.c.Prog.Funcs[fid]
		for i := range f.Instrs {
			switch f.Instrs[i].Op {
			case ir.Store, ir.Copy, ir.Call, ir.Builtin:
			default:
				continue
			}
			ref := ir.Ref{Func: fid, I: int32(i)}
			if !e.tl.Packet(ref) {
				continue
			}
			w := e.mr.WriteAccesses(ref)
			if len(w) > maxWrites {
				continue
			}
			for _, x := range w {
				e.writers[x.Obj] = append(e.writers[x.Obj], writer{ref, x.Off, x.Size})
			}
		}
	}
}

func (e *engine) push(site ir.Ref, up *context) *context {
	k := contextKey{site, up}
	x := e.contexts[k]
	if x == nil {
		x = &context{site: site, up: up, n: 1, id: uint32(len(e.contexts)) + 1}
		if up != nil {
			x.n += up.n
		}
		e.contexts[k] = x
	}
	return x
}

// A query is one backward trace.
type query struct {
	e      *engine
	leaves map[leaf]bool
	root   *node
	budget int
	gaveUp bool
	index  bool // what is traced finds a place: what chooses among constants counts, and so does what is taken from either of two
}

type mode struct {
	swapped, pure bool
	shift         int64
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
	f    ir.FuncID
	v    ir.Value
	m    mode
	addr bool
	off  int64
	size int64
	loc  pointer.Loc
	mem  bool

	rec   *ctype.Record // the field of any such record
	first bool          // mem: an entry whose own stores are asked for
	index bool          // of a query for a place
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

// Budgets of a trace, in steps.
const (
	traceBudget = 30000
	constBudget = 500
	stepsATable = 5000 // of all traces together, for each table there is
	allVisits   = 1 << 25
)

// A node is a state of the search, and what comes of it: found out once, however many traces come by.
type node struct {
	state  state
	succ   []int32
	leaves []leaf
	known  bool
	gaveUp bool  // it has more than is looked at
	dead   bool  // what comes of it is more than a trace may visit
	seen   int32 // the last trace that came by
}

// callees returns what a call may reach: where the points-to sets say hundreds, what is ever stored in the field that
// the pointer comes from.
func (e *engine) callees(ref ir.Ref) []ir.FuncID {
	all := e.pt.Callees(ref)
	if len(all) <= 2 {
		return all
	}
	out, ok := e.targets[ref]
	if !ok {
		f := e.c.Prog.Funcs[ref.Func]
		out = e.keptFields().Targets(f, &f.Instrs[ref.I], all)
		e.targets[ref] = out
	}
	return out
}

func (e *engine) keptFields() *members.Table {
	if e.kept == nil {
		e.kept = members.New(e.c)
	}
	return e.kept
}

// recordID numbers the records whose fields are asked for, from 1.
func (e *engine) recordID(r *ctype.Record) uint64 {
	k := e.records[r]
	if k == 0 {
		k = uint64(len(e.records)) + 1
		e.records[r] = k
	}
	return k
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
		k := work[len(work)-1]
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
				e.bury(first[0])
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
	for n := e.nodes[k]; !n.dead; n = e.nodes[n.succ[0]] {
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

// to goes on to s from the state that is being expanded.
func (q *query) to(s state) {
	e := q.e
	s.index = q.index
	key := e.key(&s)
	k, ok := e.number[key]
	if !ok {
		k = int32(len(e.nodes))
		e.number[key] = k
		e.nodes = append(e.nodes, &node{state: s})
	}
	e.at.succ = append(e.at.succ, k)
}

func (q *query) leaf(l leaf) { q.e.at.leaves = append(q.e.at.leaves, l) }

// giveUp says that there is more than can be looked at.
func (q *query) giveUp() { q.e.at.gaveUp = true }

func (q *query) other(m mode) { q.leaf(leaf{kind: fromOther}) }

// maxDepth bounds how deep a trace goes down into callees.
const maxDepth = 8

// swaps are the functions that change the order of bytes.
var swaps = map[string]bool{"ntohs": true, "ntohl": true, "htons": true, "htonl": true, "__bswap_16": true, "__bswap_32": true,
	"__bswap_64": true, "__builtin_bswap16": true, "__builtin_bswap32": true, "__builtin_bswap64": true, "bswap_16": true, "bswap_32": true,
	"be16toh": true, "be32toh": true, "htobe16": true, "htobe32": true, "be64toh": true, "htobe64": true}

func swapOf(p *ir.Program, in *ir.Instr) bool {
	switch in.Op {
	case ir.Builtin:
		return swaps[in.Name]
	case ir.Call:
		return in.A.Kind == ir.VFunc && swaps[p.Funcs[in.A.ID].Name]
	}
	return false
}

// value traces v in f.
func (q *query) value(ctx *context, f *ir.Func, v ir.Value, m mode) {
	switch v.Kind {
	case ir.VInt:
		q.leaf(leaf{kind: fromConst, value: v.Off, pure: m.pure})
	case ir.VReg:
		q.to(state{ctx: ctx, f: f.ID, v: v, m: m})
	}
}

func (q *query) valueOf(ctx *context, f *ir.Func, v ir.Value, m mode) {
	r := f.Regs[v.ID]
	if r.Def < 0 {
		m = q.e.mix(ctx, f, m)
		q.param(ctx, f, r.Local, func(ctx *context, f *ir.Func, v ir.Value) { q.value(ctx, f, v, m) })
		return
	}
	in := &f.Instrs[r.Def]
	if swapOf(q.e.c.Prog, in) && len(in.Args) > 0 {
		m.swapped = !m.swapped
		q.value(ctx, f, in.Args[0], m)
		return
	}
	mixed := m
	mixed.pure = false
	mixed.shift = 0
	switch in.Op {
	case ir.Move, ir.Conv:
		q.value(ctx, f, in.A, m)
	case ir.Phi:
		if q.index {
			q.choice(ctx, f, in, &m)
		}
		for _, a := range in.Args {
			q.value(ctx, f, a, m)
		}
	case ir.Load:
		q.address(ctx, f, in.A, 0, ctype.SizeOf(in.Type), m)
	case ir.LoadBits:
		q.address(ctx, f, in.A, in.Off, 0, mixed)
	case ir.Bin:
		a, b := in.A, in.B
		switch in.Sub {
		case check.Or, check.Add:
			// Bytes put together keep their places; a swap by hand is one too.
			if w, ok := swapIdiom(f, in); ok {
				m.swapped = !m.swapped
				q.value(ctx, f, w, m)
				return
			}
			if in.Sub == check.Or && m.pure {
				q.value(ctx, f, a, m)
				q.value(ctx, f, b, m)
				return
			}
		case check.Shl:
			if b.Kind == ir.VInt && m.pure {
				m.shift += b.Off
				q.value(ctx, f, a, m)
				return
			}
		case check.And:
			if b.Kind == ir.VInt && wholeMask(b.Off, in.Type) {
				q.value(ctx, f, a, m)
				return
			}
			for _, x := range [][2]ir.Value{{a, b}, {b, a}} {
				if !m.pure || m.masked != whole {
					continue
				}
				switch {
				case q.e.isPrefixMask(ctx, f, x[1], m.swapped, 0):
					m.masked = inHost
				case q.e.isPrefixMask(ctx, f, x[1], !m.swapped, 0):
					m.masked = inNet
				default:
					continue
				}
				q.value(ctx, f, x[0], m)
				return
			}
		}
		q.value(ctx, f, a, mixed)
		if b.Kind != ir.VInt {
			q.value(ctx, f, b, mixed)
		}
	case ir.Un:
		q.value(ctx, f, in.A, mixed)
	case ir.Cmp:
		// What a condition is about is no copy of it.
	case ir.Call:
		q.result(ctx, f, r.Def, in, m, func(ctx *context, g *ir.Func, v ir.Value) { q.value(ctx, g, v, m) })
	default:
		q.other(m)
	}
}

// choice looks at a phi of an index: of constants, what decides which of them; of
// different header fields, that it is only one of them.
func (q *query) choice(ctx *context, f *ir.Func, phi *ir.Instr, m *mode) {
	consts := true
	for _, a := range phi.Args {
		consts = consts && a.Kind == ir.VInt
	}
	if consts {
		for _, p := range f.Blocks[phi.Block].Preds {
			q.condition(ctx, f, p, *m)
			for _, pp := range f.Blocks[p].Preds {
				q.condition(ctx, f, pp, *m)
			}
		}
		return
	}
	var sets []map[string]bool
	for _, a := range phi.Args {
		sub := q.e.query(constBudget).trace(func(q *query) { q.value(ctx, f, a, *m) })
		set := map[string]bool{}
		for _, h := range headersOf(sub.leaves) {
			set[h] = true
		}
		sets = append(sets, set)
	}
	for i, a := range sets {
		for _, b := range sets[i+1:] {
			m.either = m.either || !subset(a, b) && !subset(b, a)
		}
	}
}

func subset(a, b map[string]bool) bool {
	for h := range a {
		if !b[h] {
			return false
		}
	}
	return true
}

// condition traces what decides at the end of block b where to go.
func (q *query) condition(ctx *context, f *ir.Func, b ir.BlockID, m mode) {
	m.pure, m.shift = false, 0
	t := f.Term(b)
	if t.Op != ir.Branch && t.Op != ir.Switch {
		return
	}
	v := t.A
	if v.Kind == ir.VReg && f.Regs[v.ID].Def >= 0 {
		if cmp := &f.Instrs[f.Regs[v.ID].Def]; cmp.Op == ir.Cmp {
			q.value(ctx, f, cmp.A, m)
			if cmp.B.Kind != ir.VInt {
				q.value(ctx, f, cmp.B, m)
			}
			return
		}
	}
	q.value(ctx, f, v, m)
}

// isPrefixMask reports whether v is ones followed by zeroes, in network order (net) or
// in the machine's.
func (e *engine) isPrefixMask(ctx *context, f *ir.Func, v ir.Value, net bool, depth int) bool {
	if depth > 12 {
		return false
	}
	switch v.Kind {
	case ir.VInt:
		x := uint32(v.Off)
		if net {
			x = bits.ReverseBytes32(x)
		}
		return x == 0 && depth > 0 || x != 0 && bits.OnesCount32(^x+1) == 1
	case ir.VReg:
	default:
		return false
	}
	r := f.Regs[v.ID]
	if r.Def < 0 {
		return false
	}
	in := &f.Instrs[r.Def]
	if swapOf(e.c.Prog, in) && len(in.Args) > 0 {
		return e.isPrefixMask(ctx, f, in.Args[0], !net, depth+1)
	}
	switch in.Op {
	case ir.Move, ir.Conv:
		return e.isPrefixMask(ctx, f, in.A, net, depth+1)
	case ir.Phi:
		for _, a := range in.Args {
			if !e.isPrefixMask(ctx, f, a, net, depth+1) {
				return false
			}
		}
		return true
	case ir.Bin: // 0xffffffff << n
		return !net && in.Sub == check.Shl && in.A.Kind == ir.VInt && uint32(in.A.Off) == 0xffffffff
	case ir.Call:
		ts := e.callees(ir.Ref{Func: f.ID, I: r.Def})
		for _, t := range ts {
			g := e.c.Prog.Funcs[t]
			if !g.Defined() {
				return false
			}
			for b := range g.Blocks {
				if t := g.Term(ir.BlockID(b)); t.Op == ir.Ret && !e.isPrefixMask(nil, g, t.A, net, depth+1) {
					return false
				}
			}
		}
		return len(ts) > 0
	}
	return false
}

// wholeMask reports whether and-ing with c keeps a whole header field.
func wholeMask(c int64, t *ctype.Type) bool {
	return c == 0xff || c == 0xffff || c == 0xffffffff || c == 0x0fff || c == -1
}

// swapIdiom recognises (x >> 8) | (x << 8) of 16 bits.
func swapIdiom(f *ir.Func, in *ir.Instr) (ir.Value, bool) {
	shift := func(v ir.Value) (ir.Value, int64, bool) {
		for d := 0; v.Kind == ir.VReg && f.Regs[v.ID].Def >= 0 && d < 8; d++ {
			x := &f.Instrs[f.Regs[v.ID].Def]
			switch {
			case x.Op == ir.Conv || x.Op == ir.Move || x.Op == ir.Bin && x.Sub == check.And && x.B.Kind == ir.VInt:
				v = x.A
				continue
			case x.Op == ir.Bin && x.B.Kind == ir.VInt && x.Sub == check.Shl:
				return bare(f, x.A), x.B.Off, true
			case x.Op == ir.Bin && x.B.Kind == ir.VInt && x.Sub == check.Shr:
				return bare(f, x.A), -x.B.Off, true
			}
			break
		}
		return v, 0, false
	}
	x, a, ok1 := shift(in.A)
	y, b, ok2 := shift(in.B)
	return x, ok1 && ok2 && x == y && a+b == 0 && (a == 8 || a == -8)
}

// bare goes back over moves, conversions and masks.
func bare(f *ir.Func, v ir.Value) ir.Value {
	for d := 0; v.Kind == ir.VReg && f.Regs[v.ID].Def >= 0 && d < 16; d++ {
		x := &f.Instrs[f.Regs[v.ID].Def]
		if x.Op != ir.Conv && x.Op != ir.Move && !(x.Op == ir.Bin && x.Sub == check.And && x.B.Kind == ir.VInt) {
			break
		}
		v = x.A
	}
	return v
}

// mix says what is known of a parameter of f: which of several calls it came
// with may have been lost, and then it is no copy of anything for certain.
func (e *engine) mix(ctx *context, f *ir.Func, m mode) mode {
	if ctx == nil && m.lost && len(e.pt.Callers(f.ID)) > 1 {
		m.pure = false
	}
	return m
}

// param goes on in the caller of ctx, or in all callers.
func (q *query) param(ctx *context, f *ir.Func, l ir.LocalID, next func(*context, *ir.Func, ir.Value)) {
	k := slices.Index(f.Params, l)
	if k < 0 {
		return
	}
	e := q.e
	if ctx != nil {
		g := e.c.Prog.Funcs[ctx.site.Func]
		if in := &g.Instrs[ctx.site.I]; k < len(in.Args) {
			next(ctx.up, g, in.Args[k])
		}
		return
	}
	for _, site := range e.pt.Callers(f.ID) {
		g := e.c.Prog.Funcs[site.Func]
		in := &g.Instrs[site.I]
		if slices.Contains(e.callees(site), f.ID) {
			if k < len(in.Args) {
				next(nil, g, in.Args[k])
			}
			continue
		}
		for _, cb := range e.pt.Callbacks(site) {
			if cb.Func == f.ID && cb.How != nil {
				if a, ok := cb.How.Pass[k]; ok && a < len(in.Args) {
					next(nil, g, in.Args[a])
				}
			}
		}
	}
}

// result goes on in the callees of a call, to what they return.
func (q *query) result(ctx *context, f *ir.Func, i int32, in *ir.Instr, m mode, next func(*context, *ir.Func, ir.Value)) {
	e := q.e
	ref := ir.Ref{Func: f.ID, I: i}
	for _, t := range e.callees(ref) {
		g := e.c.Prog.Funcs[t]
		if !g.Defined() {
			mo := e.pt.Model(t)
			if mo != nil && (mo.Receive != nil || mo.Alloc != nil) {
				continue
			}
			if mo != nil {
				for _, k := range mo.Same {
					if k < len(in.Args) {
						next(ctx, f, in.Args[k])
					}
				}
			}
			// A library's hash or checksum of its arguments.
			mixed := m
			mixed.pure = false
			for k, a := range in.Args {
				if mo != nil && slices.Contains(mo.Same, k) {
					continue
				}
				if k < len(in.ArgTypes) && in.ArgTypes[k] != nil && in.ArgTypes[k].Kind == ctype.Pointer {
					if mo != nil && slices.Contains(mo.Reads, k) {
						q.address(ctx, f, a, 0, 0, mixed)
					}
					continue
				}
				q.value(ctx, f, a, mixed)
			}
			q.other(m)
			continue
		}
		if ctx != nil && ctx.n >= maxDepth {
			q.giveUp()
			continue
		}
		inner := e.push(ref, ctx)
		for b := range g.Blocks {
			if t := g.Term(ir.BlockID(b)); t.Op == ir.Ret && t.A.Kind != ir.NoVal {
				next(inner, g, t.A)
				if q.index && t.A.Kind == ir.VInt {
					for _, p := range g.Blocks[b].Preds {
						q.condition(inner, g, p, m)
					}
				}
			}
		}
	}
}

// header notes a header field as a leaf. at is where in it the access begins.
func (q *query) header(x part, at, size int64, m mode) {
	l := leaf{kind: fromHeader, header: x.header, swapped: m.swapped, pure: m.pure, either: m.either, masked: m.masked != whole}
	if size > 0 && size < x.size && x.header != "dl_vlan" {
		l.partial = true
		// Bytes put together: by place they give host order (most significant first).
		if byteAt := at - x.off; size == 1 && m.shift != 0 {
			switch m.shift {
			case 8 * (x.size - 1 - byteAt):
				l.swapped = !l.swapped
			case 8 * byteAt:
			default:
				l.pure = false
			}
		}
		if x.size == 16 && size == 4 || size == 8 && x.size == 16 {
			l.partial = false // words of an IPv6 address
		}
	} else if m.shift != 0 {
		l.pure = false
	}
	if l.partial && m.shift == 0 {
		// The lowest byte of a word that is put together: the others tell the order.
	} else if m.masked == inHost && !l.swapped || m.masked == inNet && l.swapped {
		l.pure = false // not the first bits, but others
	}
	q.leaf(l)
}

// address traces what is in memory, size bytes at v plus off. The way to the
// address matters: it may lead through a packet header.
func (q *query) address(ctx *context, f *ir.Func, v ir.Value, off, size int64, m mode) {
	q.to(state{ctx: ctx, f: f.ID, v: v, m: m, addr: true, off: off, size: size})
}

func (q *query) addressOf(ctx *context, f *ir.Func, v ir.Value, off, size int64, m mode) {
	e := q.e
	switch v.Kind {
	case ir.VGlobal:
		g := e.c.Prog.Globals[v.ID]
		q.object(pointer.ObjID(v.ID), g.Type, v.Off+off, size, m)
		return
	case ir.VLocal:
		if o := e.pt.LocalObj(f.ID, ir.LocalID(v.ID)); o >= 0 {
			q.object(o, f.Locals[v.ID].Type, v.Off+off, size, m)
		}
		return
	case ir.VReg:
	default:
		return
	}
	r := f.Regs[v.ID]
	if r.Def < 0 && e.packetParam(f, r.Local) {
		q.frame(off, size, m)
		return
	}
	if size > 0 && off >= 0 {
		// A pointer to a header, whatever it was cast from.
		if t := r.Type; t != nil && t.Kind == ctype.Pointer && t.Elem != nil && t.Elem.IsRecord() && t.Elem.Rec != nil {
			if x, ok := e.inRecord(t.Elem.Rec, off, size); ok {
				q.header(x, off, size, m)
				return
			}
		}
		if rec := e.vague(ctx, f, v); rec != nil {
			if e.keyRecs[rec] {
				q.other(m) // a key that was kept: an entry's own
				return
			}
			q.field(rec, off, size, m)
			return
		}
	}
	if r.Def < 0 {
		if ctx == nil && e.wide(f, v) {
			q.other(m)
			return
		}
		if ctx != nil || e.mayBePacket(f, v) {
			m = e.mix(ctx, f, m)
			q.param(ctx, f, r.Local, func(ctx *context, f *ir.Func, v ir.Value) { q.address(ctx, f, v, off, size, m) })
			return
		}
		q.places(f, v, off, size, m)
		return
	}
	in := &f.Instrs[r.Def]
	switch in.Op {
	case ir.FieldAddr:
		if in.Rec != nil && size > 0 {
			if x, ok := e.inRecord(in.Rec, in.Off+off, size); ok {
				q.header(x, in.Off+off, size, m)
				return
			}
		}
		q.address(ctx, f, in.A, off+in.Off, size, m)
	case ir.IndexAddr:
		if in.B.Kind == ir.VInt && in.Off >= 0 {
			off += in.B.Off * in.Off
			q.address(ctx, f, in.A, off, size, m)
			return
		}
		if base, at, ok := e.behindIP(f, in); ok && off+at >= 0 && e.mayBePacket(f, v) && e.mayBePacket(f, base) {
			if x, ok := inParts(transport, off+at, size); ok {
				q.header(x, off+at, size, m)
				return
			}
		}
		if e.mayBePacket(f, v) {
			// A computed place in a packet: the header that it is part of, if any, was
			// named on the way.
			q.address(ctx, f, in.A, anywhere, size, m)
			return
		}
		q.address(ctx, f, in.A, off, size, m)
	case ir.Move, ir.Conv:
		q.address(ctx, f, in.A, off, size, m)
	case ir.Phi:
		m.loose = true
		for _, a := range in.Args {
			q.address(ctx, f, a, off, size, m)
		}
	case ir.Call:
		for _, t := range e.callees(ir.Ref{Func: f.ID, I: r.Def}) {
			if mo := e.pt.Model(t); mo != nil && mo.Receive != nil && mo.Receive.Result {
				q.frame(off, size, m)
				return
			}
		}
		if !e.mayBePacket(f, v) && ctx == nil {
			q.places(f, v, off, size, m)
			return
		}
		q.result(ctx, f, r.Def, in, m, func(ctx *context, g *ir.Func, v ir.Value) { q.address(ctx, g, v, off, size, m) })
	case ir.Load:
		if e.mayBePacket(f, v) {
			// A pointer kept in memory: what was stored there.
			if e.wide(f, in.A) || e.wide(f, v) {
				q.other(m)
				return
			}
			for _, l := range e.pt.PointsTo(f.ID, in.A) {
				q.pointers(l, off, size, m)
			}
			return
		}
		q.places(f, v, off, size, m)
	default:
		q.places(f, v, off, size, m)
	}
}

// behindIP recognises the start of the transport header: the address of the IP header plus what its
// first byte says (or the bit-field ihl) times four. at is how far behind that in points.
func (e *engine) behindIP(f *ir.Func, in *ir.Instr) (base ir.Value, at int64, ok bool) {
	if in.Off != 1 || !e.headerLength(f, in.B, 0) {
		return ir.Value{}, 0, false
	}
	return in.A, 0, true
}

// headerLength reports whether v is (x & 15) * 4, or a bit-field of four bits times four.
func (e *engine) headerLength(f *ir.Func, v ir.Value, depth int) bool {
	four := false
	for d := 0; v.Kind == ir.VReg && f.Regs[v.ID].Def >= 0 && d < 16; d++ {
		in := &f.Instrs[f.Regs[v.ID].Def]
		switch {
		case in.Op == ir.Move || in.Op == ir.Conv:
			v = in.A
		case in.Op == ir.Bin && in.Sub == check.Mul && in.B.Kind == ir.VInt && in.B.Off == 4 && !four:
			v, four = in.A, true
		case in.Op == ir.Bin && in.Sub == check.Mul && in.A.Kind == ir.VInt && in.A.Off == 4 && !four:
			v, four = in.B, true
		case in.Op == ir.Bin && in.Sub == check.Shl && in.B.Kind == ir.VInt && in.B.Off == 2 && !four:
			v, four = in.A, true
		case in.Op == ir.Bin && in.Sub == check.And && in.B.Kind == ir.VInt && in.B.Off == 15:
			return four
		case in.Op == ir.LoadBits:
			return four && in.Field != nil && in.Field.BitWidth == 4
		default:
			return false
		}
	}
	return false
}

// anywhere is an offset that is not known.
const anywhere = -1 << 40

// frame notes an access at a constant offset from the start of a packet.
func (q *query) frame(off, size int64, m mode) {
	if off >= 0 && !m.loose {
		if x, ok := inParts(frame, off, size); ok {
			q.header(x, off, size, m)
			return
		}
	}
	q.other(m)
}

// packetParam reports whether a library passes packet bytes as that parameter.
func (e *engine) packetParam(f *ir.Func, l ir.LocalID) bool {
	k := slices.Index(f.Params, l)
	if k < 0 {
		return false
	}
	for _, site := range e.pt.Callers(f.ID) {
		for _, cb := range e.pt.Callbacks(site) {
			if cb.Func == f.ID && cb.How != nil && slices.Contains(cb.How.Packet, k) && f.Locals[l].Type.Kind == ctype.Pointer &&
				f.Locals[l].Type.Elem != nil && f.Locals[l].Type.Elem.IsChar() {
				return true
			}
		}
	}
	return false
}

// mayBePacket reports whether v may point into packet bytes, or nothing is known.
func (e *engine) mayBePacket(f *ir.Func, v ir.Value) bool {
	locs := e.pt.PointsTo(f.ID, v)
	for _, l := range locs {
		if e.packet[l.Obj] || e.pt.Objects[l.Obj].Kind == pointer.Unknown {
			return true
		}
	}
	return len(locs) == 0
}

// wide reports whether v may point at so much that this says nothing.
func (e *engine) wide(f *ir.Func, v ir.Value) bool { return len(e.pt.PointsTo(f.ID, v)) > maxPlaces }

// places goes on at the objects that v may point at.
func (q *query) places(f *ir.Func, v ir.Value, off, size int64, m mode) {
	e := q.e
	if e.wide(f, v) {
		q.other(m)
		return
	}
	for _, l := range e.pt.PointsTo(f.ID, v) {
		if off == anywhere {
			q.memory(pointer.Loc{Obj: l.Obj, Off: pointer.Any}, size, m, false)
			continue
		}
		if e.whole(f, v, l) {
			// Not the array that such a record may begin with.
			q.memory(pointer.Loc{Obj: l.Obj, Off: e.pt.Canon(l.Obj, off)}, size, m, false)
			continue
		}
		for _, s := range e.pt.Shift(l, off) {
			q.memory(s, size, m, false)
		}
	}
}

// whole reports whether v points at l by type: at a variable that is one record, from its start.
func (e *engine) whole(f *ir.Func, v ir.Value, l pointer.Loc) bool {
	if l.Off != 0 || v.Kind != ir.VReg {
		return false
	}
	t, o := f.Regs[v.ID].Type, e.pt.TypeOf(l.Obj)
	return t != nil && t.Kind == ctype.Pointer && t.Elem != nil && t.Elem.IsRecord() && o != nil && o.IsRecord() && o.Rec != nil &&
		e.c.Prog.Record(t.Elem.Rec) == e.c.Prog.Record(o.Rec)
}

// object goes on at off of one object whose type is known.
func (q *query) object(o pointer.ObjID, t *ctype.Type, off, size int64, m mode) {
	if off >= 0 {
		if x, at, ok := q.e.inType(t, off, size); ok {
			q.header(x, at, size, m)
			return
		}
		q.memory(pointer.Loc{Obj: o, Off: q.e.pt.Canon(o, off)}, size, m, false)
		return
	}
	q.memory(pointer.Loc{Obj: o, Off: pointer.Any}, size, m, false)
}

// memory traces what was stored at l. first: l is an entry whose own stores
// are asked for.
func (q *query) memory(l pointer.Loc, size int64, m mode, first bool) {
	e := q.e
	if e.entries[l.Obj] && !first {
		q.leaf(leaf{kind: fromEntry, obj: l.Obj, off: l.Off, pure: m.pure, swapped: m.swapped})
		return
	}
	if l.Off == pointer.Any {
		m.pure = false // which of its bytes they are is not known
	}
	o := e.pt.Objects[l.Obj]
	if o.Kind == pointer.Func || o.Kind == pointer.Unknown || o.Opaque {
		q.other(m)
		return
	}
	q.to(state{m: m, loc: l, size: size, mem: true, first: first})
}

func (q *query) memoryAt(l pointer.Loc, size int64, m mode, first bool) {
	e := q.e
	o := e.pt.Objects[l.Obj]
	if !first && l.Off != pointer.Any {
		// Packet bytes that were copied to the heap, or received into a global.
		if t := e.pt.TypeOf(l.Obj); t != nil {
			if x, at, ok := e.inType(t, int64(l.Off), size); ok {
				q.header(x, at, size, m)
				return
			}
		}
	}
	if o.Kind == pointer.Local {
		if f := e.c.Prog.Funcs[o.Func]; f.Locals[o.Local].Param {
			m := m
			m.lost = true
			m = e.mix(nil, f, m)
			q.param(nil, f, o.Local, func(ctx *context, g *ir.Func, v ir.Value) {
				if f.Locals[o.Local].Type.IsRecord() {
					q.address(ctx, g, v, int64(max(l.Off, 0)), size, m)
				} else {
					q.value(ctx, g, v, m)
				}
			})
		}
	}
	// What writes to a local through its own address is told with its calls, whatever else it may write.
	var own []put
	if o.Kind == pointer.Local && o.Func >= 0 && l.Off != pointer.Any {
		own = e.localPuts(e.c.Prog.Funcs[o.Func], o.Local, int64(l.Off), size)
		q.puts(own, int64(l.Off), size, m)
	}
	if e.writers == nil {
		e.index()
	}
	for _, w := range e.writers[l.Obj] {
		if !meets(w, l, size) || slices.ContainsFunc(own, func(p put) bool { return p.ref == w.ref }) {
			continue
		}
		x := write{ref: w.ref, size: w.size, by: byAny, loc: l, ways: func(f *ir.Func, v ir.Value) ([]*context, bool) { return e.into(f, v, w.at(l)) }}
		if w.off != pointer.Any && l.Off != pointer.Any {
			x.delta = int64(l.Off) - int64(w.off)
		}
		q.wrote(x, size, m)
	}
}

// A write is an instruction that wrote what is asked for.
type write struct {
	ref   ir.Ref
	size  int64 // of what it writes; -1: not known
	delta int64 // where in that the bytes begin that are asked for
	by    int   // the operand through which it did (put.by), or byAny
	loc   pointer.Loc
	ways  func(f *ir.Func, addr ir.Value) (ctxs []*context, lost bool) // in which addr is where they are
}

const byAny = -3

// wrote goes on at what w wrote.
func (q *query) wrote(w write, size int64, m mode) {
	f := q.e.c.Prog.Funcs[w.ref.Func]
	in := &f.Instrs[w.ref.I]
	switch in.Op {
	case ir.Store:
		ctxs, lost := w.ways(f, in.A)
		m.lost = m.lost || lost
		for _, ctx := range ctxs {
			q.value(ctx, f, in.B, m)
		}
	case ir.Copy:
		ctxs, lost := w.ways(f, in.A)
		m.lost = m.lost || lost
		for _, ctx := range ctxs {
			q.copied(ctx, f, in.B, w, size, m)
		}
	case ir.Call:
		q.called(w, f, in, size, m)
	}
}

// pointers traces the pointers that were stored at l, to what they point at.
func (q *query) pointers(l pointer.Loc, off, size int64, m mode) {
	q.to(state{m: m, loc: l, off: off, size: size, mem: true, addr: true})
}

func (q *query) pointersAt(l pointer.Loc, off, size int64, m mode) {
	e := q.e
	if e.writers == nil {
		e.index()
	}
	n := 0
	for _, w := range e.writers[l.Obj] {
		if meets(w, l, 8) {
			n++
		}
	}
	m.loose = m.loose || n > 1
	for _, w := range e.writers[l.Obj] {
		if !meets(w, l, 8) {
			continue
		}
		f := e.c.Prog.Funcs[w.ref.Func]
		in := &f.Instrs[w.ref.I]
		switch in.Op {
		case ir.Store:
			ctxs, lost := e.into(f, in.A, w.at(l))
			m := m
			m.lost = m.lost || lost
			for _, ctx := range ctxs {
				q.address(ctx, f, in.B, off, size, m)
			}
		case ir.Copy:
			if w.off == pointer.Any || l.Off == pointer.Any {
				continue
			}
			for _, s := range e.pt.PointsTo(f.ID, in.B) {
				for _, t := range e.pt.Shift(s, int64(l.Off-w.off)) {
					q.pointers(t, off, size, m)
				}
			}
		}
	}
	// A pointer parameter that lives in memory.
	if o := e.pt.Objects[l.Obj]; o.Kind == pointer.Local && o.Func >= 0 {
		f := e.c.Prog.Funcs[o.Func]
		if lc := &f.Locals[o.Local]; lc.Param && lc.Type.Kind == ctype.Pointer {
			if e.packetParam(f, o.Local) {
				q.frame(off, size, m)
				return
			}
			q.param(nil, f, o.Local, func(ctx *context, g *ir.Func, v ir.Value) { q.address(ctx, g, v, off, size, m) })
		}
	}
}

// at is where w begins to write.
func (w writer) at(l pointer.Loc) pointer.Loc { return pointer.Loc{Obj: l.Obj, Off: w.off} }

// meets reports whether w may write bytes of an access at l.
func meets(w writer, l pointer.Loc, size int64) bool {
	if w.off == pointer.Any || l.Off == pointer.Any {
		return true
	}
	a, b := int64(w.off), int64(l.Off)
	return (w.size < 0 || a+w.size > b) && (b+max(size, 1) > a)
}

// copied goes on at the source of a copy by w, at the bytes that became those that are asked for.
func (q *query) copied(ctx *context, f *ir.Func, src ir.Value, w write, size int64, m mode) {
	delta := w.delta
	if w.size >= 0 && size > w.size-delta && delta >= 0 {
		size = w.size - delta // only part of what is asked for
	}
	if delta < 0 {
		size += delta
		delta = 0
	}
	if size <= 0 {
		size = 1
	}
	q.address(ctx, f, src, delta, size, m)
}

// called goes on at a call that wrote what is asked for: a copying library function, or a
// procedure that returns a record.
func (q *query) called(w write, f *ir.Func, in *ir.Instr, size int64, m mode) {
	e := q.e
	for _, t := range e.callees(w.ref) {
		g := e.c.Prog.Funcs[t]
		if g.Defined() {
			if in.B.Kind == ir.NoVal || w.by != byAny && w.by != byResult {
				continue
			}
			ctxs, lost := w.ways(f, in.B)
			m := m
			m.lost = m.lost || lost
			for _, ctx := range ctxs {
				if ctx != nil && ctx.n >= maxDepth {
					continue
				}
				inner := e.push(w.ref, ctx)
				for b := range g.Blocks {
					if t := g.Term(ir.BlockID(b)); t.Op == ir.Ret && t.A.Kind != ir.NoVal {
						q.copied(inner, g, t.A, w, size, m)
					}
				}
			}
			continue
		}
		mo := e.pt.Model(t)
		if mo == nil {
			q.other(m)
			continue
		}
		if k, ok := peer[mo.Name]; ok && k < len(in.Args) && q.peer(f, in.Args[k], k, w, size, m) {
			continue
		}
		hit := false
		for _, c := range mo.Copies {
			if c[0] >= len(in.Args) || c[1] >= len(in.Args) || c[0] == c[1] || w.by != byAny && w.by != c[0] || strings.HasPrefix(mo.Name, "str") {
				continue
			}
			hit = true
			ctxs, lost := w.ways(f, in.Args[c[0]])
			m := m
			m.lost = m.lost || lost
			for _, ctx := range ctxs {
				q.copied(ctx, f, in.Args[c[1]], w, size, m)
			}
		}
		if !hit {
			if mo.Name == "memset" || mo.Name == "bzero" || mo.Alloc != nil {
				q.leaf(leaf{kind: fromConst, pure: m.pure})
			} else {
				q.other(m)
			}
		}
	}
}

// peer are the functions that say who is at the other end, and the argument through which they do: what
// comes from there has it as its source.
var peer = map[string]int{"accept": 1, "accept4": 1, "recvfrom": 4, "getpeername": 1}

// peer notes the part of a socket address, argument k of a library function, that it wrote.
func (q *query) peer(f *ir.Func, arg ir.Value, k int, w write, size int64, m mode) bool {
	e := q.e
	said := func(off int64) bool {
		for _, x := range [...]part{{2, 2, "tp_src"}, {4, 4, "nw_src"}, {8, 16, "nw_src"}} {
			if x.off <= off && off+max(size, 1) <= x.off+x.size {
				q.header(x, off, size, m)
				return true
			}
		}
		return false
	}
	if w.by != byAny {
		return w.by == k && said(w.delta)
	}
	for _, b := range e.pt.PointsTo(f.ID, arg) {
		if b.Obj == w.loc.Obj && b.Off != pointer.Any && w.loc.Off != pointer.Any && said(int64(w.loc.Off-b.Off)) {
			return true
		}
	}
	return false
}

// root follows an address in f to the parameter that it is counted from.
func root(f *ir.Func, v ir.Value) (ir.LocalID, int64, bool) {
	off := int64(0)
	for d := 0; v.Kind == ir.VReg && d < 32; d++ {
		r := f.Regs[v.ID]
		if r.Def < 0 {
			return r.Local, off, r.Local >= 0
		}
		in := &f.Instrs[r.Def]
		switch {
		case in.Op == ir.FieldAddr:
			off += in.Off
		case in.Op == ir.IndexAddr && in.B.Kind == ir.VInt && in.Off >= 0:
			off += in.B.Off * in.Off
		case in.Op == ir.IndexAddr:
		case in.Op == ir.Move || in.Op == ir.Conv:
		default:
			return -1, 0, false
		}
		v = in.A
	}
	return -1, 0, false
}

// into lists the contexts in which an address in f may be l. Where the address
// comes with a parameter that has several meanings, those are the calls that
// pass this one. lost: they could not be told.
func (e *engine) into(f *ir.Func, v ir.Value, l pointer.Loc) (ctxs []*context, lost bool) {
	k := entryKey{f.ID, v, l}
	x, ok := e.entered[k]
	if !ok {
		x.ctxs, x.lost = e.intoAt(f, v, 0, l, 0)
		e.entered[k] = x
	}
	return x.ctxs, x.lost
}

// An entryKey is an address in a procedure, and the place that it is wanted to be.
type entryKey struct {
	f ir.FuncID
	v ir.Value
	l pointer.Loc
}

type entryWays struct {
	ctxs []*context
	lost bool
}

// leads reports whether off bytes behind v may be l.
func (e *engine) leads(g *ir.Func, v ir.Value, off int64, l pointer.Loc) bool {
	locs := e.pt.PointsTo(g.ID, v)
	i, _ := slices.BinarySearchFunc(locs, l.Obj, func(x pointer.Loc, o pointer.ObjID) int { return int(x.Obj - o) })
	for ; i < len(locs) && locs[i].Obj == l.Obj; i++ {
		if l.Off == pointer.Any {
			return true
		}
		for _, y := range e.pt.Shift(locs[i], off) {
			if y.Obj == l.Obj && (y.Off == pointer.Any || y.Off == l.Off) {
				return true
			}
		}
	}
	return false
}

// intoAt is into for the address delta bytes behind v.
func (e *engine) intoAt(f *ir.Func, v ir.Value, delta int64, l pointer.Loc, depth int) ([]*context, bool) {
	p, off, ok := root(f, v)
	off += delta
	if !ok || len(e.pt.PointsTo(f.ID, v)) <= 1 {
		return []*context{nil}, !ok && len(e.pt.PointsTo(f.ID, v)) > 1
	}
	k := slices.Index(f.Params, p)
	if k < 0 || depth > 4 {
		return []*context{nil}, true
	}
	var out []*context
	lost := false
	for _, site := range e.pt.Callers(f.ID) {
		g := e.c.Prog.Funcs[site.Func]
		in := &g.Instrs[site.I]
		if k >= len(in.Args) || !slices.Contains(e.callees(site), f.ID) || !e.tl.Packet(site) {
			continue
		}
		if !e.leads(g, in.Args[k], off, l) {
			continue
		}
		ups, no := e.intoAt(g, in.Args[k], off, l, depth+1)
		lost = lost || no
		for _, up := range ups {
			out = append(out, e.push(site, up))
		}
		if len(out) > 64 {
			return []*context{nil}, true
		}
	}
	return out, lost
}
