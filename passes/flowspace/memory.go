package flowspace

import (
	"slices"
	"strings"

	"saz/frontend/ctype"
	"saz/ir"
	"saz/passes/pointer"
)

// What was stored in memory: by whom, and what comes of that.

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
		var all bool
		own, all = e.localPuts(e.c.Prog.Funcs[o.Func], o.Local, int64(l.Off), size)
		q.puts(own, int64(l.Off), size, m)
		if all {
			return
		}
	}
	if e.writers == nil {
		e.index()
	}
	for _, w := range e.writers[l.Obj] {
		if e.at.gaveUp {
			return
		}
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
		if e.at.gaveUp {
			return
		}
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
		if k, ok := peer[mo.Name]; ok && k < len(in.Args) && q.peer(f, in.Args[k], k, strings.HasPrefix(mo.Name, "recvm"), w, size, m) {
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
// comes from there has it as its source. recvmsg does so where the first word of its message header points.
var peer = map[string]int{"accept": 1, "accept4": 1, "recvfrom": 4, "getpeername": 1, "recvmsg": 1, "recvmmsg": 1}

// peer notes the part of a socket address, by way of argument k of a library function, that it wrote.
func (q *query) peer(f *ir.Func, arg ir.Value, k int, inHeader bool, w write, size int64, m mode) bool {
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
	at := e.pt.PointsTo(f.ID, arg)
	if inHeader {
		var names []pointer.Loc
		for _, h := range at {
			names = append(names, e.pt.Contents(h.Obj, h.Off)...)
		}
		at = names
	} else if w.by != byAny {
		return w.by == k && said(w.delta)
	}
	for _, b := range at {
		if b.Obj == w.loc.Obj && b.Off != pointer.Any && w.loc.Off != pointer.Any && said(int64(w.loc.Off-b.Off)) {
			return true
		}
	}
	return false
}
