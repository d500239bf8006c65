package flowspace

import (
	"slices"

	"saz/frontend/ctype"
	"saz/ir"
	"saz/passes/members"
)

// Where the points-to sets say nothing, because a pointer may point at half of the program, two things still do.
//
// A LOCAL is written through its own address: followed from where it is taken, down into the procedures that get it, this finds each
// writer with the calls that lead to it. So a key is found that a helper fills in for its caller, however many other places the
// helper's pointer may point at.
//
// A FIELD of a record is written as a field of such a record (C's effective types): what may be in p->sp, for a p that
// may point anywhere, is what anything stores in the sp of any such record. So what a program decodes from a packet into a record of
// its own is found, although it gets that record back as void *.
//
// If the address of a local is kept nowhere, its writers are all that there are. Otherwise neither is complete: an address that is kept in memory is not
// followed further. That is what the paper's theorem allows here, since what is missed can only hide a header field that a value comes from.

// A put is an instruction that writes through an address which was followed to it.
type put struct {
	ref  ir.Ref
	ctx  *context
	off  int64 // from where the address was taken; anywhere: not known
	size int64 // -1: not known
	by   int   // the argument that is the address, or one of these:
	lost bool  // the call that brought the address is one of several
}

const (
	byStore  = -1
	byResult = -2 // a call that returns a record there
)

// A follower follows one address.
type follower struct {
	e    *engine
	rec  *ctype.Record // a pointer to one of these is followed by itself
	off  int64         // what is asked for of what the address is of
	size int64
	puts []put
	seen map[followed]bool
	phis map[followed]int64 // where they first pointed

	plain bool // calls are not told apart
	kept  bool // the address went where it is not followed: into memory, to the caller, to what may keep it
}

type followed struct {
	f    ir.FuncID
	kind ir.ValKind
	id   int32
	off  int64
	ctx  *context
}

// Bounds of following one address: with more writers, or more places on the way, calls are not told apart, and then it says nothing.
const (
	maxPuts   = 1000
	maxPlaced = 4000
)

func (w *follower) full() bool { return len(w.puts) > maxPuts || len(w.seen) > maxPlaced }

// run calls from, which starts the follower.
func (w *follower) run(from func()) ([]put, bool) {
	for {
		w.kept = false
		w.puts, w.seen, w.phis = nil, map[followed]bool{}, map[followed]int64{}
		from()
		if w.full() && w.plain {
			return nil, false
		} else if !w.full() {
			return w.puts, true
		}
		w.plain = true
	}
}

// localPuts finds what writes size bytes at off of a local through its own address; all: nothing else does.
func (e *engine) localPuts(f *ir.Func, l ir.LocalID, off, size int64) (list []put, all bool) {
	k := localKey{f.ID, l, off, size}
	p, ok := e.locals[k]
	if !ok {
		w := &follower{e: e, off: off, size: max(size, 1)}
		p.list, p.all = w.run(func() { w.follow(f, ir.Value{Kind: ir.VLocal, ID: int32(l)}, 0, nil, false) })
		p.all = p.all && !w.kept
		e.locals[k] = p
	}
	return p.list, p.all
}

type localPut struct {
	list []put
	all  bool
}

type localKey struct {
	f         ir.FuncID
	l         ir.LocalID
	off, size int64
}

type fieldKey struct {
	rec       *ctype.Record
	off, size int64
}

// fieldPuts finds what writes size bytes at off of records of a type through a pointer of that type, or to a variable of it; false: too much.
func (e *engine) fieldPuts(k fieldKey) ([]put, bool) {
	if p, ok := e.fields[k]; ok {
		return p, p != nil
	}
	w := &follower{e: e, rec: k.rec, off: k.off, size: max(k.size, 1)}
	p, ok := w.run(w.all)
	if ok && p == nil {
		p = []put{}
	}
	e.fields[k] = p
	return p, ok
}

// A seed is a pointer to a record, or a variable that is one.
type seed struct {
	f *ir.Func
	v ir.Value
}

// seedsOf lists those of a kind of record in packet code.
func (e *engine) seedsOf(rec *ctype.Record) []seed {
	if e.seeds == nil {
		e.seeds = map[*ctype.Record][]seed{}
		add := func(f *ir.Func, t *ctype.Type, v ir.Value) {
			if t != nil && t.IsRecord() && t.Rec != nil {
				r := e.c.Prog.Record(t.Rec)
				e.seeds[r] = append(e.seeds[r], seed{f, v})
			}
		}
		for _, fid := range e.tl.PktProcs {
			f := e.c.Prog.Funcs[fid]
			for r := range f.Regs {
				if t := f.Regs[r].Type; t != nil && t.Kind == ctype.Pointer && (f.Regs[r].Def >= 0 || f.Regs[r].Local >= 0) {
					add(f, t.Elem, ir.RegVal(ir.Reg(r)))
				}
			}
			for l := range f.Locals {
				add(f, f.Locals[l].Type, ir.Value{Kind: ir.VLocal, ID: int32(l)})
			}
			seen := map[int32]bool{}
			for i := range f.Instrs {
				f.Instrs[i].Operands(func(v *ir.Value) {
					if v.Kind == ir.VGlobal && !seen[v.ID] {
						seen[v.ID] = true
						add(f, e.c.Prog.Globals[v.ID].Type, ir.Value{Kind: ir.VGlobal, ID: v.ID})
					}
				})
			}
		}
	}
	return e.seeds[rec]
}

// all starts from each of them.
func (w *follower) all() {
	e := w.e
	for _, s := range e.seedsOf(w.rec) {
		f := s.f
		if s.v.Kind != ir.VReg || f.Regs[s.v.ID].Def >= 0 {
			w.follow(f, s.v, 0, nil, false)
			continue
		}
		// What a caller hands over with it is told by the call.
		sites := e.pt.Callers(f.ID)
		if len(sites) == 0 || len(sites) > maxTargets {
			w.follow(f, s.v, 0, nil, true)
			continue
		}
		for _, site := range sites {
			if e.tl.Packet(site) && slices.Contains(e.callees(site), f.ID) {
				w.follow(f, s.v, 0, e.push(site, nil), false)
			}
		}
	}
}

// own reports whether t is a pointer to a record of the kind that is looked for.
func (w *follower) own(t *ctype.Type) bool {
	return w.rec != nil && t != nil && t.Kind == ctype.Pointer && t.Elem != nil && t.Elem.IsRecord() && w.e.c.Prog.Record(t.Elem.Rec) == w.rec
}

// follow goes on from the address v in f, off bytes behind the one that was taken.
func (w *follower) follow(f *ir.Func, v ir.Value, off int64, ctx *context, lost bool) {
	e := w.e
	if w.plain && ctx != nil {
		ctx, lost = nil, true
	}
	k := followed{f.ID, v.Kind, v.ID, off, ctx}
	if w.seen[k] || w.full() {
		return
	}
	w.seen[k] = true
	is := func(x ir.Value) bool { return x.Kind == v.Kind && x.ID == v.ID }
	plus := func(n int64) int64 {
		if off == anywhere {
			return off
		}
		return off + n
	}
	next := func(r ir.Reg, n int64) {
		if n != 0 && n != anywhere || !w.own(f.Regs[r].Type) {
			w.follow(f, ir.RegVal(r), n, ctx, lost)
		}
	}
	for _, i := range e.usesOf(f, v) {
		in := &f.Instrs[i]
		ref := ir.Ref{Func: f.ID, I: i}
		switch in.Op {
		case ir.FieldAddr:
			if n := plus(in.A.Off + in.Off); n != anywhere && (n >= w.off+w.size || n+max(ctype.SizeOf(in.Field.Type), 1) <= w.off) {
				continue
			}
			next(in.Dst, plus(in.A.Off+in.Off))
		case ir.IndexAddr:
			if !is(in.A) {
				continue
			}
			if in.B.Kind == ir.VInt && in.Off >= 0 {
				next(in.Dst, plus(in.A.Off+in.B.Off*in.Off))
			} else {
				next(in.Dst, anywhere)
			}
		case ir.Move, ir.Conv:
			if t := f.Regs[in.Dst].Type; t != nil && t.Kind == ctype.Pointer {
				next(in.Dst, plus(in.A.Off))
			} else {
				w.kept = true
			}
		case ir.Phi:
			for _, a := range in.Args {
				if !is(a) {
					continue
				}
				// A loop's cursor is somewhere.
				n := plus(a.Off)
				k := followed{f.ID, ir.VReg, int32(in.Dst), 0, ctx}
				if at, ok := w.phis[k]; ok && at != n {
					n = anywhere
				} else {
					w.phis[k] = n
				}
				next(in.Dst, n)
			}
		case ir.Store, ir.Copy:
			if is(in.A) && e.tl.Packet(ref) {
				w.puts = append(w.puts, put{ref, ctx, plus(in.A.Off), ctype.SizeOf(in.Type), byStore, lost})
			}
			w.kept = w.kept || in.Op == ir.Store && is(in.B)
		case ir.Load, ir.LoadBits, ir.StoreBits, ir.Zero, ir.Cmp, ir.PtrDiff, ir.Branch, ir.LifeStart:
		case ir.Call:
			if !e.tl.Packet(ref) {
				w.kept = true
				continue
			}
			w.kept = w.kept || is(in.A)
			if is(in.B) {
				w.puts = append(w.puts, put{ref, ctx, plus(in.B.Off), ctype.SizeOf(in.Type), byResult, lost})
			}
			for a, x := range in.Args {
				if is(x) {
					w.passed(f, ref, in, a, plus(x.Off), ctx, lost)
				}
			}
		default:
			w.kept = true
		}
	}
}

// passed goes on where an address is handed to a call as argument a.
func (w *follower) passed(f *ir.Func, ref ir.Ref, in *ir.Instr, a int, off int64, ctx *context, lost bool) {
	e := w.e
	callees := e.callees(ref)
	if len(callees) > maxTargets || len(callees) == 0 {
		w.kept = true
		return
	}
	for _, t := range callees {
		g := e.c.Prog.Funcs[t]
		if !g.Defined() {
			mo := e.pt.Model(t)
			if mo == nil {
				w.kept = true
				continue
			}
			w.kept = w.kept || mo.Escapes || slices.Contains(mo.Keeps, a) || slices.Contains(mo.KeepsIn, a) || len(mo.Calls) > 0 ||
				slices.ContainsFunc(slices.Concat(mo.Moves, mo.Puts), func(p [2]int) bool { return p[1] == a })
			if in.Dst >= 0 && (slices.Contains(mo.Returns, a) || slices.Contains(mo.Same, a) || slices.Contains(mo.Elem, a)) {
				n := off
				if !slices.Contains(mo.Same, a) {
					n = anywhere
				}
				w.follow(f, ir.RegVal(in.Dst), n, ctx, lost)
			}
			writes := slices.Contains(mo.Writes, a) || slices.Contains(mo.Fills, a)
			for _, c := range mo.Copies {
				writes = writes || c[0] == a
			}
			if !writes {
				continue
			}
			size := int64(-1)
			if mo.Len != nil && *mo.Len < len(in.Args) && in.Args[*mo.Len].Kind == ir.VInt {
				size = in.Args[*mo.Len].Off
			}
			w.puts = append(w.puts, put{ref, ctx, off, size, a, lost})
			continue
		}
		if a >= len(g.Params) || ctx != nil && ctx.n >= maxDepth {
			w.kept = true
			continue
		}
		found := false
		for r := range g.Regs {
			if g.Regs[r].Def < 0 && g.Regs[r].Local == g.Params[a] && (off != 0 || !w.own(g.Regs[r].Type)) {
				found = true
				w.follow(g, ir.RegVal(ir.Reg(r)), off, e.push(ref, ctx), false)
			}
		}
		w.kept = w.kept || !found && (g.Locals[g.Params[a]].AddrTaken || !g.Locals[g.Params[a]].Lifted) // it is kept in a variable of g's
	}
}

// usesOf lists the instructions of f that have v as an operand.
func (e *engine) usesOf(f *ir.Func, v ir.Value) []int32 {
	u := e.uses[f.ID]
	if u == nil {
		u = &usesIn{regs: members.Uses(f), locals: map[int32][]int32{}, globals: map[int32][]int32{}}
		for i := range f.Instrs {
			f.Instrs[i].Operands(func(v *ir.Value) {
				switch v.Kind {
				case ir.VLocal:
					u.locals[v.ID] = append(u.locals[v.ID], int32(i))
				case ir.VGlobal:
					u.globals[v.ID] = append(u.globals[v.ID], int32(i))
				}
			})
		}
		for r := range u.regs {
			u.regs[r] = slices.Compact(u.regs[r])
		}
		for _, m := range []map[int32][]int32{u.locals, u.globals} {
			for k, l := range m {
				m[k] = slices.Compact(l)
			}
		}
		e.uses[f.ID] = u
	}
	switch v.Kind {
	case ir.VReg:
		return u.regs[v.ID]
	case ir.VLocal:
		return u.locals[v.ID]
	default:
		return u.globals[v.ID]
	}
}

// usesIn are the instructions of a procedure by operand.
type usesIn struct {
	regs            [][]int32
	locals, globals map[int32][]int32
}

// vague returns the record that v of f points at by its type, if by the points-to sets it may point at too much, or anywhere in something: a pointer that
// was loaded, or that whoever called handed over. nil: it is known better.
func (e *engine) vague(ctx *context, f *ir.Func, v ir.Value) *ctype.Record {
	t := f.Regs[v.ID].Type
	if t == nil || t.Kind != ctype.Pointer || t.Elem == nil || !t.Elem.IsRecord() || !ctype.IsComplete(t.Elem) {
		return nil
	}
	rec := e.c.Prog.Record(t.Elem.Rec)
	if e.entryRecs[rec] || rec.Union || e.layoutOf(rec) != nil {
		return nil
	}
	v = unconverted(f, v)
	if v.Kind != ir.VReg {
		return nil
	}
	if d := f.Regs[v.ID].Def; d >= 0 && f.Instrs[d].Op != ir.Load || d < 0 && ctx != nil {
		return nil
	}
	if e.about(f, v)&(tooMany|unsure) != 0 {
		return rec
	}
	return nil
}

// unconverted goes back over moves and conversions.
func unconverted(f *ir.Func, v ir.Value) ir.Value {
	for d := 0; v.Kind == ir.VReg && f.Regs[v.ID].Def >= 0 && d < 16; d++ {
		x := &f.Instrs[f.Regs[v.ID].Def]
		if x.Op != ir.Move && x.Op != ir.Conv {
			break
		}
		v = x.A
	}
	return v
}

// field traces what is stored in size bytes at off of any record of a type.
func (q *query) field(rec *ctype.Record, off, size int64, m mode) {
	q.to(state{rec: q.e.c.Prog.Record(rec), off: off, size: size, m: m})
}

// puts goes on from what is written to size bytes at off, by writers that were followed from an address.
func (q *query) puts(list []put, off, size int64, m mode) {
	for _, p := range list {
		if p.off != anywhere && off != anywhere && (p.size >= 0 && p.off+p.size <= off || off+max(size, 1) <= p.off) {
			continue
		}
		w := write{ref: p.ref, size: p.size, by: p.by, ways: func(*ir.Func, ir.Value) ([]*context, bool) { return []*context{p.ctx}, p.lost }}
		if p.off != anywhere && off != anywhere {
			w.delta = off - p.off
		}
		q.wrote(w, size, m)
	}
}
