package flowspace

import (
	"slices"

	"saz/frontend/check"
	"saz/frontend/ctype"
	"saz/ir"
	"saz/passes/container"
	"saz/passes/members"
	"saz/passes/pointer"
)

// A general hash table keeps an entry's key behind a void * and has it compared by a function that whoever made
// the table names. What the key is the table does not say, so it is read from the other side: from what a lookup is handed to
// compare with. Four questions:
//
// WHICH BYTES are compared. Those that every function compares that the call may reach: what is hung from the table's own
// control block by the pointer analysis, less what is only ever set through the control block of another table.
//
// WITH WHAT. The other argument, followed out to the callers, through those calls only that hand over a block by way of which this
// variable leads to the entries: one library serves many tables.
//
// OF WHAT TYPE it is: the record that it points at where it last was no void *; all lookups must agree.
//
// FROM WHERE its bytes come: a trace, as for any other comparison, in the context of these calls.
//
// Where the pointer has the key's own type the code may compare the bytes on the spot (c->peer->port == port): spot.

// A box is the key behind a pointer field of the entries.
type box struct {
	field string
	off   int64
	typ   *ctype.Type  // what a lookup compares it with points at
	mixed bool         // ... which is not always the same
	units []*unit      // its fields
	cover [][]span     // by comparison, what is compared
	spots []span       // what is compared on the spot
	done  map[way]bool // the lookups that were looked at
}

// A span is the bytes from off on, size of them; everything if size is 0.
type span struct{ off, size int64 }

// A way is a chain of calls to a comparison.
type way struct {
	ref ir.Ref
	ctx *context
}

// maxOut bounds how far a lookup is followed out to callers.
const maxOut = 8

// boxed looks at a call that gets the key of an entry and something to compare it with.
func (w *finder) boxed(ref ir.Ref, f *ir.Func, in *ir.Instr) {
	for i, a := range in.Args {
		field, rec, off := w.keyField(f, a)
		if rec == nil {
			continue
		}
		for _, t := range w.tables {
			if t.k == nil || t.k.Entry != rec || !w.couldBe(f, field, t) || !w.walksOf(f).AtEntry(field, in.Block, t.k) {
				continue
			}
			ctl := w.control(f, field)
			b := t.box(w.c.Prog, off)
			if b == nil || ctl.Kind == ir.VReg && !w.hands(f, ctl, t) {
				continue
			}
			for j, other := range in.Args {
				if j == i || other.Kind == ir.VInt || j < len(in.ArgTypes) && in.ArgTypes[j] != nil && in.ArgTypes[j].Kind != ctype.Pointer {
					continue
				}
				spans := w.comparedBy(ref, f, in, t, i, j)
				if len(spans) == 0 {
					continue
				}
				w.chains = maxChains
				w.out(t, b, ref, f, other, spans, f, ctl, other, nil, 0)
			}
		}
	}
}

// spot takes v, which is compared in f, for what a pointer of the entry leads to that a lookup is at.
func (w *finder) spot(ref ir.Ref, f *ir.Func, v, other ir.Value) {
	swapped := false
	var in *ir.Instr
	for d := 0; d < 16; d++ {
		if v.Kind != ir.VReg || f.Regs[v.ID].Def < 0 {
			return
		}
		in = &f.Instrs[f.Regs[v.ID].Def]
		if swapOf(w.c.Prog, in) && len(in.Args) > 0 {
			v, swapped = in.Args[0], !swapped
			continue
		}
		if in.Op != ir.Move && in.Op != ir.Conv {
			break
		}
		v = in.A
	}
	if in.Op != ir.Load {
		return
	}
	at, off := members.Base(f, in.A)
	field, rec, boxOff := w.keyField(f, at)
	if rec == nil {
		return
	}
	for _, t := range w.tables {
		if t.k == nil || t.k.Entry != rec || !w.couldBe(f, field, t) || !w.walksOf(f).AtEntry(field, f.Instrs[ref.I].Block, t.k) {
			continue
		}
		b := t.box(w.c.Prog, boxOff)
		typ := pointed(rec, boxOff)
		if b == nil || typ == nil || !typ.IsRecord() {
			continue
		}
		if b.typ == nil {
			b.typ = typ
		} else if !b.typ.IsRecord() || w.c.Prog.Record(b.typ.Rec) != w.c.Prog.Record(typ.Rec) {
			b.mixed = true
			continue
		}
		if b.units == nil {
			b.units = b.fields(w.c.Prog)
		}
		for _, u := range b.units {
			if u.off <= off && off < u.off+u.size {
				w.compared(u, w.traced(nil, f, other, swapped), ref)
				b.spots = append(b.spots, span{u.off, u.size})
			}
		}
	}
}

// pointed returns what the pointer field at off of a record points at, nil if there is none.
func pointed(rec *ctype.Record, off int64) *ctype.Type {
	for i := range rec.Fields {
		if fl := &rec.Fields[i]; fl.Off == off && fl.Type.Kind == ctype.Pointer {
			return fl.Type.Elem
		}
	}
	return nil
}

// keyField returns the address from which v was loaded, if that is a pointer field of a record.
func (w *finder) keyField(f *ir.Func, v ir.Value) (addr ir.Value, rec *ctype.Record, off int64) {
	v = bare(f, v)
	if v.Kind != ir.VReg || f.Regs[v.ID].Def < 0 {
		return
	}
	in := &f.Instrs[f.Regs[v.ID].Def]
	if in.Op != ir.Load || in.Type == nil || in.Type.Kind != ctype.Pointer {
		return
	}
	r, o, ok := container.FieldOf(w.c.Prog, f, in.A)
	if !ok {
		return
	}
	return in.A, r, o
}

// couldBe reports whether v may be an address in an entry of t.
func (w *finder) couldBe(f *ir.Func, v ir.Value, t *table) bool {
	for _, l := range w.pt.PointsTo(f.ID, v) {
		if slices.Contains(w.byEntry[l.Obj], t) {
			return true
		}
	}
	return false
}

// box returns the key behind the pointer at off of t's entries, nil if that is no key: it may lead to another entry.
func (t *table) box(p *ir.Program, off int64) *box {
	for _, b := range t.boxes {
		if b.off == off {
			return b
		}
	}
	for i := range t.k.Entry.Fields {
		fl := &t.k.Entry.Fields[i]
		if fl.Off != off || fl.Type.Kind != ctype.Pointer || fl.Type.Elem == nil {
			continue
		}
		if e := fl.Type.Elem; e.IsRecord() && p.Record(e.Rec) == t.k.Entry || e.Kind == ctype.Pointer || e.Kind == ctype.Func {
			return nil
		}
		b := &box{field: fl.Name, off: off, done: map[way]bool{}}
		t.boxes = append(t.boxes, b)
		return b
	}
	return nil
}

// control returns what the table is reached from that an entry's field is in: a parameter, or a value that is loaded from a
// variable.
func (w *finder) control(f *ir.Func, v ir.Value) ir.Value {
	seen := map[ir.Value]bool{}
	var back func(v ir.Value) (ir.Value, bool)
	back = func(v ir.Value) (ir.Value, bool) {
		if v.Kind != ir.VReg {
			return v, v.Kind == ir.VGlobal || v.Kind == ir.VLocal
		}
		if seen[v] {
			return ir.Value{}, false
		}
		seen[v] = true
		r := f.Regs[v.ID]
		if r.Def < 0 {
			return v, true
		}
		switch in := &f.Instrs[r.Def]; in.Op {
		case ir.Load, ir.FieldAddr, ir.IndexAddr, ir.Move, ir.Conv:
			return back(in.A)
		case ir.Phi:
			// Of a loop's cursor: where it starts.
			for _, a := range in.Args {
				if x, ok := back(a); ok {
					return x, true
				}
			}
		}
		return ir.Value{}, false
	}
	x, _ := back(v)
	return x
}

// hands reports whether v may be, or lead to, a block of t's: one that the variable leads to on the way to its entries.
func (w *finder) hands(f *ir.Func, v ir.Value, t *table) bool {
	if v.Kind == ir.NoVal {
		return false
	}
	for _, o := range w.keptFields().Objects(f, v) {
		if t.blocks[o] {
			return true
		}
	}
	return false
}

// out follows a lookup of t to the callers that tell which table it is of, and what is looked for; there it notes what
// the key is compared with. ctl is what leads to the table in g, key what is looked for.
func (w *finder) out(t *table, b *box, ref ir.Ref, f *ir.Func, sought ir.Value, spans []span, g *ir.Func, ctl, key ir.Value, ctx *context, depth int) {
	cp, cparam := paramOf(g, ctl)
	kp, _, kparam := root(g, key)
	if typ := pointedType(w.c.Prog, g, key); typ != nil {
		kparam = kparam && b.typ == nil // what it is is known here; callers may only tell where it comes from
		b.is(w.c.Prog, typ)
	}
	if depth < maxOut && (cparam || kparam) {
		p := cp
		if !cparam {
			p = kp
		}
		some := false
		w.callers(g, p, func(site ir.Ref, h *ir.Func, _ ir.Value) {
			in := &h.Instrs[site.I]
			nc, nk := ctl, key
			if cparam {
				i := slices.Index(g.Params, cp)
				if i >= len(in.Args) {
					return
				}
				if nc = in.Args[i]; !w.hands(h, nc, t) {
					return
				}
			}
			if _, _, ok := root(g, key); ok {
				i := slices.Index(g.Params, kp)
				if i < 0 || i >= len(in.Args) {
					return
				}
				nk = in.Args[i]
			} else {
				nk = ir.Value{}
			}
			some = true
			if !cparam {
				w.sought(t, b, ref, f, sought, spans, h, nk, w.chain(ctx, site))
				return
			}
			if nk.Kind == ir.NoVal {
				w.table(t, b, ref, f, sought, spans, h, nc, w.chain(ctx, site), depth+1)
				return
			}
			w.out(t, b, ref, f, sought, spans, h, w.control(h, nc), nk, w.chain(ctx, site), depth+1)
		})
		if some || w.chains < 0 {
			return
		}
	}
	w.compareBox(t, b, ref, f, sought, spans, ctx)
}

// table goes on to the callers for what leads to the table only.
func (w *finder) table(t *table, b *box, ref ir.Ref, f *ir.Func, sought ir.Value, spans []span, g *ir.Func, ctl ir.Value, ctx *context, depth int) {
	if !w.hands(g, ctl, t) {
		return
	}
	ctl = w.control(g, ctl)
	if cp, ok := paramOf(g, ctl); ok && depth < maxOut {
		w.callers(g, cp, func(site ir.Ref, h *ir.Func, arg ir.Value) {
			w.table(t, b, ref, f, sought, spans, h, arg, w.chain(ctx, site), depth+1)
		})
		return
	}
	w.compareBox(t, b, ref, f, sought, spans, ctx)
}

// sought notes of what type a key is that a caller hands over.
func (w *finder) sought(t *table, b *box, ref ir.Ref, f *ir.Func, key ir.Value, spans []span, g *ir.Func, v ir.Value, ctx *context) {
	if v.Kind != ir.NoVal {
		if typ := pointedType(w.c.Prog, g, v); typ != nil {
			b.is(w.c.Prog, typ)
		}
	}
	w.compareBox(t, b, ref, f, key, spans, ctx)
}

// paramOf returns the parameter that v is.
func paramOf(f *ir.Func, v ir.Value) (ir.LocalID, bool) {
	if v.Kind == ir.VReg && f.Regs[v.ID].Def < 0 && f.Regs[v.ID].Local >= 0 {
		return f.Regs[v.ID].Local, true
	}
	return -1, false
}

// is notes that the key is looked for by something of type typ.
func (b *box) is(p *ir.Program, typ *ctype.Type) {
	switch {
	case b.typ == nil:
		b.typ = typ
	case b.typ == typ || ctype.Same(b.typ.Unqualified(), typ.Unqualified()):
	case b.typ.IsRecord() && typ.IsRecord() && p.Record(b.typ.Rec) == p.Record(typ.Rec): // in another unit
	default:
		b.mixed = true
	}
}

// pointedType returns what v points at, as far as types say: the last type on the way here that is no void *.
func pointedType(p *ir.Program, f *ir.Func, v ir.Value) *ctype.Type {
	of := func(t *ctype.Type) *ctype.Type {
		if t == nil || t.Kind != ctype.Pointer || t.Elem == nil || t.Elem.Kind == ctype.Void || t.Elem.IsChar() || !ctype.IsComplete(t.Elem) {
			return nil
		}
		if t.Elem.Kind == ctype.Array {
			return t.Elem.Elem.Unqualified()
		}
		return t.Elem.Unqualified()
	}
	for d := 0; d < 16; d++ {
		switch v.Kind {
		case ir.VGlobal:
			if v.Off == 0 {
				return p.Globals[v.ID].Type.Unqualified()
			}
			return nil
		case ir.VLocal:
			if v.Off == 0 {
				return f.Locals[v.ID].Type.Unqualified()
			}
			return nil
		case ir.VReg:
		default:
			return nil
		}
		r := f.Regs[v.ID]
		if r.Def < 0 {
			return of(r.Type)
		}
		in := &f.Instrs[r.Def]
		if in.Op != ir.Conv && in.Op != ir.Move {
			return of(r.Type)
		}
		if x := of(r.Type); x != nil {
			return x
		}
		v = in.A
	}
	return nil
}

// compareBox notes what the key behind b is compared with in one context.
func (w *finder) compareBox(t *table, b *box, ref ir.Ref, f *ir.Func, sought ir.Value, spans []span, ctx *context) {
	k := way{ref, ctx}
	if b.done[k] || b.mixed || b.typ == nil {
		return
	}
	b.done[k] = true
	if b.units == nil {
		b.units = b.fields(w.c.Prog)
	}
	if b.typ.IsRecord() && b.typ.Rec != nil {
		w.keyRecs[w.c.Prog.Record(b.typ.Rec)] = true
	}
	n := max(ctype.SizeOf(b.typ), 1)
	b.cover = append(b.cover, spans)
	var asked []*unit
	var found []map[leaf]bool
	for _, u := range b.units {
		if !covers(spans, u.off, u.size, n) {
			continue
		}
		q := w.query(traceBudget).trace(func(q *query) { q.address(ctx, f, sought, u.off, u.size, mode{pure: true}) })
		w.compared(u, q, ref)
		asked, found = append(asked, u), append(found, q.leaves)
	}
	w.openEnds(ref, ctx, f, sought, asked, found)
}

// fields lists what may be keys in what b points at.
func (b *box) fields(p *ir.Program) []*unit {
	if b.typ.IsRecord() && b.typ.Rec != nil {
		return units(p, p.Record(b.typ.Rec), 0, b.field+"->", false, 0)
	}
	return []*unit{{name: "*" + b.field, size: max(ctype.SizeOf(b.typ), 1), cmp: map[leaf]bool{}, stored: map[leaf]bool{}}}
}

// covers reports whether spans have all of the size bytes at off, of n.
func covers(spans []span, off, size, n int64) bool {
	for at := off; at < off+size; {
		next := at
		for _, s := range spans {
			end := s.off + s.size
			if s.size == 0 {
				end = max(n, off+size)
			}
			if s.off <= at && end > next {
				next = end
			}
		}
		if next == at {
			return false
		}
		at = next
	}
	return true
}

// everywhere returns the spans that are in all of the sets.
func everywhere(a, b []span) []span {
	const all = 1 << 30
	end := func(s span) int64 {
		if s.size == 0 {
			return all
		}
		return s.off + s.size
	}
	var out []span
	for _, x := range a {
		for _, y := range b {
			lo, hi := max(x.off, y.off), min(end(x), end(y))
			switch {
			case lo >= hi:
			case hi == all:
				out = append(out, span{lo, 0})
			default:
				out = append(out, span{lo, hi - lo})
			}
		}
	}
	return out
}

// settleBoxes decides the keys that t's entries keep behind a pointer.
func (w *finder) settleBoxes(t *table) []*unit {
	var out []*unit
	for _, b := range t.boxes {
		if b.mixed || b.typ == nil {
			continue
		}
		n := max(ctype.SizeOf(b.typ), 1)
		if b.spots != nil {
			b.cover = append(b.cover, b.spots)
		}
		for _, u := range b.units {
			if !slices.ContainsFunc(b.cover, func(s []span) bool { return !covers(s, u.off, u.size, n) }) {
				u.boxed = true
				out = append(out, u)
			}
		}
	}
	return out
}

// A tableCall is a call at a lookup of a table.
type tableCall struct {
	ref ir.Ref
	t   *table
}

// comparedBy returns the bytes that a call at a lookup of t compares of its arguments i and j: those that all functions compare
// that it may reach.
func (w *finder) comparedBy(ref ir.Ref, f *ir.Func, in *ir.Instr, t *table, i, j int) []span {
	var out []span
	first := true
	key := tableCall{ref, t}
	all, ok := w.functions[key]
	if !ok {
		all = w.named(f, in, t, w.callees(ref))
		w.functions[key] = all
	}
	for _, g := range all {
		s := w.compares(w.c.Prog.Funcs[g], f, in, t, i, j, 0)
		if first {
			out, first = s, false
		} else {
			out = everywhere(out, s)
		}
		if len(out) == 0 {
			return nil
		}
	}
	return out
}

// compares returns the bytes of what parameters i and j of g point at that g compares; of a library function, as
// the call in says.
func (w *finder) compares(g *ir.Func, f *ir.Func, in *ir.Instr, t *table, i, j, depth int) []span {
	if !g.Defined() {
		switch g.Name {
		case "memcmp", "bcmp", "__builtin_memcmp", "__builtin_bcmp":
			if i > 1 || j > 1 {
				return nil
			}
			if len(in.Args) > 2 && in.Args[2].Kind == ir.VInt {
				return []span{{0, max(in.Args[2].Off, 1)}}
			}
			if len(in.Args) > 2 {
				return []span{{0, w.keySize(f, in.Args[2], t)}}
			}
			return []span{{0, 0}} // as many as the key has
		}
		return nil
	}
	if i >= len(g.Params) || j >= len(g.Params) || depth > 3 {
		return nil
	}
	a, b := g.Params[i], g.Params[j]
	var out []span
	for k := range g.Instrs {
		x := &g.Instrs[k]
		switch {
		case x.Op == ir.Cmp && (x.Opnd == nil || x.Opnd.Kind != ctype.Pointer) || x.Op == ir.Bin && (x.Sub == check.Sub || x.Sub == check.Xor):
			p, o1, n1, ok1 := loadedFrom(g, x.A)
			q, o2, n2, ok2 := loadedFrom(g, x.B)
			if ok1 && ok2 && o1 == o2 && n1 == n2 && (p == a && q == b || p == b && q == a) {
				out = append(out, span{o1, n1})
			}
		case x.Op == ir.Call && x.A.Kind == ir.VFunc:
			for m, u := range x.Args {
				for n, v := range x.Args {
					p, o1, ok1 := root(g, u)
					q, o2, ok2 := root(g, v)
					if !ok1 || !ok2 || p != a || q != b || o1 != o2 || g.Regs[bare(g, u).ID].Type.Kind != ctype.Pointer {
						continue
					}
					for _, s := range w.compares(w.c.Prog.Funcs[x.A.ID], g, x, t, m, n, depth+1) {
						out = append(out, span{s.off + o1, s.size})
					}
				}
			}
		}
	}
	return out
}

// keySize is the constant that whoever made t had stored where v of f was loaded from: how long its keys are. 0: that is not known.
func (w *finder) keySize(f *ir.Func, v ir.Value, t *table) int64 {
	ld := members.Def(f, v)
	if ld == nil || ld.Op != ir.Load {
		return 0
	}
	at := members.Def(f, ld.A)
	if at == nil || at.Op != ir.FieldAddr || at.Rec == nil {
		return 0
	}
	size := int64(0)
	for _, st := range w.numbersIn(w.c.Prog.Record(at.Rec), at.Off) {
		p, isParam := paramOf(st.Func, members.Strip(st.Func, st.Val))
		k := slices.Index(st.Func.Params, p)
		if !isParam || k < 0 {
			return 0
		}
		for _, site := range w.pt.Callers(st.Func.ID) {
			g := w.c.Prog.Funcs[site.Func]
			in := &g.Instrs[site.I]
			if in.Dst < 0 || k >= len(in.Args) || !slices.ContainsFunc(w.pt.PointsTo(g.ID, ir.RegVal(in.Dst)), func(l pointer.Loc) bool { return t.blocks[l.Obj] }) {
				continue // makes another table
			}
			if n := in.Args[k]; n.Kind != ir.VInt || n.Off <= 0 || size != 0 && n.Off != size {
				return 0
			} else {
				size = n.Off
			}
		}
	}
	return size
}

// numbersIn lists the stores to a field of records of a kind; nil if its address goes anywhere else.
func (w *finder) numbersIn(rec *ctype.Record, off int64) []members.Store {
	k := fieldKey{rec, off, 0}
	if list, ok := w.numbers[k]; ok {
		return list
	}
	var list []members.Store
	other := false
	for _, f := range w.c.Prog.Funcs {
		for i := range f.Instrs {
			in := &f.Instrs[i]
			if in.Op != ir.FieldAddr || in.Rec == nil || in.Off != off || w.c.Prog.Record(in.Rec) != rec {
				continue
			}
			for _, j := range w.usesOf(f, ir.RegVal(in.Dst)) {
				switch x := &f.Instrs[j]; {
				case x.Op == ir.Load:
				case x.Op == ir.Store && x.A == ir.RegVal(in.Dst):
					list = append(list, members.Store{Func: f, Addr: in.A, Val: x.B})
				default:
					other = true
				}
			}
		}
	}
	if other {
		list = nil
	}
	w.numbers[k] = list
	return list
}

// loadedFrom resolves a value to the place behind a parameter that it was loaded from.
func loadedFrom(f *ir.Func, v ir.Value) (p ir.LocalID, off, size int64, ok bool) {
	for d := 0; v.Kind == ir.VReg && f.Regs[v.ID].Def >= 0 && d < 16; d++ {
		in := &f.Instrs[f.Regs[v.ID].Def]
		switch in.Op {
		case ir.Move, ir.Conv:
			v = in.A
			continue
		case ir.Load:
			p, off, ok = root(f, in.A)
			return p, off, ctype.SizeOf(in.Type), ok
		}
		break
	}
	return
}

// named restricts the targets of a call to those that this table may have. The function comes from the control block or from
// something that hangs from it; the pointer analysis keeps control blocks apart that are made by different calls, but perhaps not what
// hangs from them, so of what is set there that counts which is set through this block or through none.
func (w *finder) named(f *ir.Func, in *ir.Instr, t *table, all []ir.FuncID) []ir.FuncID {
	if in.A.Kind != ir.VReg || len(all) < 2 {
		return all
	}
	// The way from the control block to the function, innermost last.
	var offs []int64
	v := in.A
	off := int64(0)
	for d := 0; d < 32 && v.Kind == ir.VReg; d++ {
		r := f.Regs[v.ID]
		if r.Def < 0 {
			break
		}
		x := &f.Instrs[r.Def]
		switch {
		case x.Op == ir.Move || x.Op == ir.Conv:
		case x.Op == ir.FieldAddr:
			off += x.Off
		case x.Op == ir.Load:
			if len(offs) > 0 {
				offs[len(offs)-1] = off
			}
			offs, off = append(offs, 0), 0
		default:
			return all
		}
		v = x.A
	}
	if len(offs) == 0 || !w.hands(f, v, t) {
		return all
	}
	offs[len(offs)-1] = off
	at := map[pointer.Loc]bool{}
	for _, l := range w.pt.PointsTo(f.ID, v) {
		if t.blocks[l.Obj] {
			for _, x := range w.pt.Shift(l, off) {
				at[x] = true
			}
		}
	}
	for k := len(offs) - 1; k > 0; k-- {
		next := map[pointer.Loc]bool{}
		for l := range at {
			for _, x := range w.pt.Contents(l.Obj, l.Off) {
				for _, y := range w.pt.Shift(x, offs[k-1]) {
					next[y] = true
				}
			}
		}
		at = next
	}
	stores, typed := w.keptFields().Stores(f, in.A)
	set := map[ir.FuncID]bool{}
	looked := map[*pointer.Loc]int{} // equal sets are shared
	for l := range at {
		in := w.pt.Contents(l.Obj, l.Off)
		if len(in) == 0 || looked[&in[0]] == len(in) {
			continue
		}
		looked[&in[0]] = len(in)
		for _, x := range in {
			if o := &w.pt.Objects[x.Obj]; o.Kind == pointer.Func {
				set[o.Func] = true
			} else if o.Kind == pointer.Unknown && !typed {
				return all
			}
		}
	}
	if len(set) > 1 {
		if !typed {
			stores = w.storesAt(at)
		}
		set = w.setHere(t, stores, len(offs) == 1, set)
	}
	out := all[:0:0]
	for _, g := range all {
		if set[g] {
			out = append(out, g)
		}
	}
	if len(out) == 0 {
		return all
	}
	return out
}

// loadedBase returns the record from a field of which v was loaded.
func (w *finder) loadedBase(f *ir.Func, v ir.Value) ir.Value {
	v = bare(f, v)
	if v.Kind != ir.VReg || f.Regs[v.ID].Def < 0 {
		return ir.Value{}
	}
	ld := &f.Instrs[f.Regs[v.ID].Def]
	if ld.Op != ir.Load {
		return ir.Value{}
	}
	a := bare(f, ld.A)
	if a.Kind != ir.VReg || f.Regs[a.ID].Def < 0 || f.Instrs[f.Regs[a.ID].Def].Op != ir.FieldAddr {
		return ir.Value{}
	}
	return f.Instrs[f.Regs[a.ID].Def].A
}

// storesAt lists the stores of pointers to functions at some places.
func (w *finder) storesAt(at map[pointer.Loc]bool) []members.Store {
	var out []members.Store
	for _, g := range w.c.Prog.Funcs {
		for i := range g.Instrs {
			in := &g.Instrs[i]
			if in.Op != ir.Store || in.Type == nil || in.Type.Kind != ctype.Pointer || in.Type.Elem == nil || in.Type.Elem.Kind != ctype.Func {
				continue
			}
			for _, l := range w.pt.PointsTo(g.ID, in.A) {
				if at[l] {
					out = append(out, members.Store{Func: g, Addr: in.A, Val: in.B})
					break
				}
			}
		}
	}
	return out
}

// setHere leaves out the functions that are stored at these places only through control blocks of other tables. own: the places are in
// the control block itself.
func (w *finder) setHere(t *table, stores []members.Store, own bool, set map[ir.FuncID]bool) map[ir.FuncID]bool {
	out := map[ir.FuncID]bool{}
	var up func(g *ir.Func, ctl, v ir.Value, owned bool, depth int)
	up = func(g *ir.Func, ctl, v ir.Value, owned bool, depth int) {
		if ctl.Kind != ir.NoVal {
			// What the function is set in may hang from a control block: then it is that one's and no other's.
			if base := w.loadedBase(g, ctl); !owned && base.Kind != ir.NoVal {
				ctl, owned = base, true
			}
			if owned && len(w.pt.PointsTo(g.ID, ctl)) > 0 && !w.hands(g, ctl, t) {
				return
			}
			ctl = w.control(g, ctl)
		}
		v = bare(g, v)
		if v.Kind == ir.VFunc {
			out[ir.FuncID(v.ID)] = true
			return
		}
		vp, _, isParam := root(g, v)
		i := slices.Index(g.Params, vp)
		if !isParam || i < 0 || depth > 6 {
			for _, l := range w.pt.PointsTo(g.ID, v) {
				if o := &w.pt.Objects[l.Obj]; o.Kind == pointer.Func {
					out[o.Func] = true
				}
			}
			return
		}
		cp, hasCtl := paramOf(g, ctl)
		c := slices.Index(g.Params, cp)
		for _, site := range w.pt.Callers(g.ID) {
			h := w.c.Prog.Funcs[site.Func]
			args := h.Instrs[site.I].Args
			if i >= len(args) {
				continue
			}
			nc := ir.Value{}
			if hasCtl && c >= 0 && c < len(args) {
				nc = args[c]
			}
			up(h, nc, args[i], owned, depth+1)
		}
	}
	for _, st := range stores {
		up(st.Func, st.Addr, st.Val, own, 0)
	}
	// Whole records that are copied there may bring any of them.
	for f := range set {
		if !out[f] && len(out) == 0 {
			return set
		}
	}
	for f := range out {
		if !set[f] {
			delete(out, f)
		}
	}
	return out
}
