package flowspace

import (
	"slices"

	"saz/frontend/check"
	"saz/frontend/ctype"
	"saz/ir"
	"saz/passes/pointer"
)

// What an address is of: a header field, or memory that something was stored in.

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
			if mo := e.pt.Model(t); mo != nil && mo.Receive != nil && mo.Receive.Result && !mo.Receive.Empty {
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
	t := f.Locals[l].Type
	if t.Kind != ctype.Pointer || t.Elem == nil || !t.Elem.IsChar() {
		return false
	}
	k := slices.Index(f.Params, l)
	if k < 0 {
		return false
	}
	list, ok := e.handed[f.ID]
	if !ok {
		for _, site := range e.pt.Callers(f.ID) {
			for _, cb := range e.pt.Callbacks(site) {
				if cb.Func == f.ID && cb.How != nil {
					list = append(list, cb.How.Packet...)
				}
			}
		}
		e.handed[f.ID] = list
	}
	return slices.Contains(list, k)
}

// calledAt returns the calls that may reach f, without those of which it is known that they don't.
func (e *engine) calledAt(f ir.FuncID) []ir.Ref {
	out, ok := e.sites[f]
	if !ok {
		for _, site := range e.pt.Callers(f) {
			if slices.Contains(e.callees(site), f) {
				out = append(out, site)
			}
		}
		e.sites[f] = out
	}
	return out
}

// What is asked about a pointer again and again.
const (
	asked   = 1 << iota
	packets // it may point into packet bytes, or nothing is known
	tooMany // it may point at so much that this says nothing
	unsure  // it may point anywhere in something
)

// about answers that for v of f.
func (e *engine) about(f *ir.Func, v ir.Value) uint8 {
	if v.Kind != ir.VReg {
		return e.look(f, v)
	}
	x := e.pointers[f.ID]
	if x == nil {
		x = make([]uint8, len(f.Regs))
		e.pointers[f.ID] = x
	}
	if x[v.ID] == 0 {
		x[v.ID] = e.look(f, v)
	}
	return x[v.ID]
}

func (e *engine) look(f *ir.Func, v ir.Value) uint8 {
	locs := e.pt.PointsTo(f.ID, v)
	x := uint8(asked)
	if len(locs) == 0 {
		x |= packets
	}
	if len(locs) > maxPlaces {
		x |= tooMany
	}
	for _, l := range locs {
		if e.packet[l.Obj] || e.pt.Objects[l.Obj].Kind == pointer.Unknown {
			x |= packets
		}
		if l.Off == pointer.Any {
			x |= unsure
		}
	}
	return x
}

// mayBePacket reports whether v may point into packet bytes, or nothing is known.
func (e *engine) mayBePacket(f *ir.Func, v ir.Value) bool { return e.about(f, v)&packets != 0 }

// wide reports whether v may point at so much that this says nothing.
func (e *engine) wide(f *ir.Func, v ir.Value) bool { return e.about(f, v)&tooMany != 0 }

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
