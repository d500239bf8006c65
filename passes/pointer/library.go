package pointer

import (
	"slices"

	"saz/frontend/ctype"
	"saz/ir"
	"saz/ir/models"
)

// library makes the effects of a call of a function outside the program.
func (s *solver) library(id int32, g ir.FuncID) {
	fn := s.prog.Funcs[g]
	if m := s.modelOf(g); m != nil {
		s.model(id, g, m, fn.Link)
		return
	}
	s.unmodelled(id, g)
}

// unmodelled is the default for unknown code: it may store into everything
// that it can reach from its arguments, of this call and others, any pointer
// that it can find there or that is its own; return one; and call any function
// that it finds, with any of these.
func (s *solver) unmodelled(id int32, g ir.FuncID) {
	cs := s.sites[id]
	if g >= 0 {
		s.unmod[g] = append(s.unmod[g], cs.ref)
	}
	e := s.escapeNode(g)
	for _, a := range cs.args {
		s.edge(a, e)
	}
	s.edge(e, cs.dst)
	if cs.recDst != none {
		s.constrain(cs.recDst, constraint{kind: conStoreAny, other: e})
	}
	// Callbacks belong to the call: whoever asks wants to know who calls. They are the
	// same for all calls of g: see finish.
	if s.unknownCalls[g] = append(s.unknownCalls[g], cs.ref); len(s.unknownCalls[g]) == 1 {
		s.constrain(e, constraint{kind: conCallback, other: id, a: -1, b: int64(g)})
	}
}

// escapeNode is what unmodelled function g knows; g -1 is code that the
// program reaches through a pointer that a library gave it.
func (s *solver) escapeNode(g ir.FuncID) int32 {
	if e, ok := s.escaped[g]; ok {
		return e
	}
	e := s.node()
	s.escaped[g] = e
	s.addPlace(e, s.place(s.unknown, 0))
	s.constrain(e, constraint{kind: conEscape, other: e, a: int64(g)})
	if g >= 0 && s.prog.Funcs[g].Unknown {
		// Part of the program that could not be read: it can name all that its unit sees.
		unit := s.prog.Funcs[g].Unit
		for _, gl := range s.prog.Globals {
			if !gl.String && (gl.Linkage != ir.Internal || gl.Unit == unit) {
				s.addPlace(e, s.at(ObjID(gl.ID), 0))
			}
		}
		for _, fn := range s.prog.Funcs {
			if fn.Linkage != ir.Internal || fn.Unit == unit {
				s.addPlace(e, s.at(s.funcObj(fn.ID), 0))
			}
		}
	}
	return e
}

// model makes the effects that m states of function g (-1: a builtin) for the
// call with number id.
func (s *solver) model(id int32, g ir.FuncID, m *models.Model, name string) {
	cs := s.sites[id]
	arg := func(i int) int32 {
		if i = models.Chk(name, i); i < len(cs.args) {
			return cs.args[i]
		}
		return none
	}
	size := int64(-1)
	if m.Len != nil {
		if i := models.Chk(name, *m.Len); i < len(cs.consts) {
			if n := s.values(cs.in, cs.consts[i], cs.ref.I); n.known() && n.hi > 0 {
				size = n.hi // at most
			}
		}
	}
	give := func(p int32) {
		if cs.dst != none {
			s.addPlace(cs.dst, p)
		}
	}
	if a := m.Alloc; a != nil {
		for _, o := range s.allocated(id, m, name) {
			p := s.at(o, 0)
			if a.Out == nil {
				give(p)
			} else if n := arg(*a.Out); n != none {
				s.constrain(n, constraint{kind: conStore, other: s.constNode(p)})
			}
			if a.Keep {
				s.addPlace(s.slot(m.Slot), p)
			}
			if a.Self {
				any := s.anyStoreOf(o)
				s.addPlace(any, p)
			}
			if a.From != nil {
				s.copyMem(s.constNode(p), arg(*a.From), -1, nil)
			}
		}
	}
	for _, i := range m.Same {
		s.edge(arg(i), cs.dst)
	}
	for _, i := range m.Elem {
		if a := arg(i); a != none && cs.dst != none {
			s.constrain(a, constraint{kind: conIndex, other: cs.dst, a: elemStride})
		}
	}
	for _, i := range m.Returns {
		if a := arg(i); a != none && cs.dst != none {
			s.constrain(a, constraint{kind: conIndex, other: cs.dst, a: 1})
		}
	}
	if cs.recDst != none {
		// A record by value: somewhere in it.
		for _, l := range [][]int{m.Same, m.Returns} {
			for _, i := range l {
				if a := arg(i); a != none {
					s.constrain(cs.recDst, constraint{kind: conStoreAny, other: a})
				}
			}
		}
	}
	if m.Static {
		o := s.libObj(g, m, cs.ref)
		give(s.place(o, 0))
		if m.Slot != "" && !m.Gives && !s.text[o] {
			// What it keeps is in there (tsearch's node begins with the key).
			s.edge(s.slot(m.Slot), s.anyStoreOf(o))
		}
	}
	for _, c := range m.Copies {
		if s.ofNumbers(&cs, models.Chk(name, c[0]), size) || s.ofNumbers(&cs, models.Chk(name, c[1]), size) {
			continue
		}
		s.copyMem(arg(c[0]), arg(c[1]), size, s.copied(&cs, models.Chk(name, c[0]), models.Chk(name, c[1]), size))
	}
	for _, c := range m.Moves {
		if d, a := arg(c[0]), arg(c[1]); d != none && a != none {
			n := s.node()
			s.constrain(a, constraint{kind: conIndex, other: n, a: 1})
			s.constrain(d, constraint{kind: conStore, other: n})
		}
	}
	for _, c := range m.Puts {
		if d, a := arg(c[0]), arg(c[1]); d != none && a != none {
			n := s.node()
			s.constrain(a, constraint{kind: conIndex, other: n, a: 1})
			s.storeIn(g, d, c[0], n)
		}
	}
	for _, i := range m.Points {
		if a := arg(i); a != none {
			s.constrain(a, constraint{kind: conStore, other: s.constNode(s.place(s.handedOut(g, m, cs.ref, i), 0))})
		}
	}
	for _, i := range m.PointsIn {
		if a := arg(i); a != none {
			s.pointsIn(g, m, cs.ref, a, i)
		}
	}
	if m.Slot != "" {
		slot := s.slot(m.Slot)
		for _, i := range m.Keeps {
			s.edge(arg(i), slot)
			if s.isCode(&cs, models.Chk(name, i)) {
				s.edge(arg(i), s.slot(m.Slot+codeSlot))
			}
		}
		for _, i := range m.KeepsIn {
			s.constrain(arg(i), constraint{kind: conLoadAny, other: slot})
			s.constrain(arg(i), constraint{kind: conLoadAny, other: s.slot(m.Slot + codeSlot)})
		}
		if m.Gives {
			s.edge(slot, cs.dst)
		}
		for _, i := range m.GivesIn {
			s.constrain(arg(i), constraint{kind: conStoreAny, other: slot})
		}
	}
	for i := range m.Calls {
		c := &m.Calls[i]
		n := arg(c.Arg)
		if c.From != "" {
			n = s.slot(c.From + codeSlot)
		}
		if n == none {
			continue
		}
		if c.In {
			t := s.node()
			s.constrain(n, constraint{kind: conLoadAny, other: t})
			n = t
		}
		s.constrain(n, constraint{kind: conCallback, other: id, a: int64(i), b: int64(g)})
	}
	for _, name := range m.Runs {
		s.run(id, name)
	}
	if r := m.Receive; r != nil {
		if r.Result {
			give(s.at(s.packet(g, cs.ref, -1, false), 0))
		}
		for _, i := range r.Out {
			if a := arg(i); a != none {
				// Into a variable, or some elements of an array (rte_eth_rx_burst).
				n := s.node()
				s.constrain(a, constraint{kind: conIndex, other: n, a: elemStride})
				s.constrain(n, constraint{kind: conStore, other: s.constNode(s.at(s.packet(g, cs.ref, i, false), 0))})
			}
		}
	}
}

// codeSlot ends the name of the slot for what of another the library may call.
const codeSlot = " code"

// isCode reports whether argument i may be a function: it is declared as a pointer to one, or made of one
// by conversions, also in who calls the function with it. Data that is handed to a library together with what to call
// is not called, whatever its set says.
func (s *solver) isCode(cs *callSite, i int) bool {
	if i >= len(cs.consts) {
		return true
	}
	if i >= len(cs.types) || cs.types[i] == nil || isFuncPtr(cs.types[i]) {
		return true
	}
	made, from := s.madeOfCode(cs.in.Func, cs.consts[i])
	return made || slices.ContainsFunc(from, func(k int) bool { return s.codeParams()[paramKey{cs.in.ID, k}] })
}

// libObj returns the object for what a library function keeps and hands out a
// pointer to: errno, the tables of isalpha, the result of localtime. Pointers
// in it point at more of the library's memory.
func (s *solver) libObj(g ir.FuncID, m *models.Model, ref ir.Ref) ObjID {
	if g < 0 {
		return s.unknown
	}
	o, ok := s.libObjs[g]
	if !ok {
		t := s.prog.Funcs[g].Type
		if t != nil && t.Elem != nil && t.Elem.Kind == ctype.Pointer && t.Elem.Elem.Kind != ctype.Void {
			t = t.Elem.Elem
		} else {
			t = nil
		}
		if t != nil && !ctype.IsComplete(t) {
			t = nil
		}
		o = s.newHeapObj(ref, ref, t, true, false)
		s.objects[o].Opaque = true
		s.objects[o].Library = true
		s.noCode[o] = !mayGiveCode(s.prog.Funcs[g].Type)
		s.libObjs[g] = o
		switch s.text[o] = bytesOnly(t); {
		case s.text[o]:
		case t != nil && t.Kind == ctype.Struct:
			s.libFill(g, ref, s.constNode(s.place(o, 0)), t)
		default:
			s.addPlace(s.anyStoreOf(o), s.place(o, Any))
		}
	}
	return o
}

// handedOut returns the object to which library function g sets what its argument i points at: of the type that it is declared with, if
// that says anything, else as libObj has it.
func (s *solver) handedOut(g ir.FuncID, m *models.Model, ref ir.Ref, i int) ObjID {
	if g >= 0 {
		if ft := s.prog.Funcs[g].Type; ft != nil && ft.Func != nil && !ft.Func.OldStyle && i < len(ft.Func.Params) {
			if p := ft.Func.Params[i].Type; p.Kind == ctype.Pointer && p.Elem.Kind == ctype.Pointer && bytesOnly(p.Elem.Elem) {
				return s.libPart(g, ref, p.Elem.Elem)
			}
		}
	}
	return s.libObj(g, m, ref)
}

// A partKey is a kind of memory that a library function hands out: records of one layout, text (rec 0), anything (-1).
type partKey struct {
	g   ir.FuncID
	rec int64
}

// libPart returns the object for the memory of library function g to which pointers to t point: what the type says that
// it is, for a string's bytes are no room for pointers, and what a record holds is of its members' types.
func (s *solver) libPart(g ir.FuncID, ref ir.Ref, t *ctype.Type) ObjID {
	if g < 0 {
		return s.unknown
	}
	k := partKey{g, -1}
	switch {
	case bytesOnly(t) || t.IsArith():
		k.rec = 0
	case t.Kind == ctype.Struct && ctype.IsComplete(t) && t.Rec.Size > 0:
		k.rec = s.recordID(t.Rec)
	default:
		t = nil
	}
	o, ok := s.libParts[k]
	if !ok {
		if k.rec == 0 {
			o = s.newHeapObj(ref, ref, nil, true, false)
		} else {
			o = s.newHeapObj(ref, ref, t, true, false)
		}
		s.objects[o].Opaque, s.objects[o].Library = true, true
		s.noCode[o] = !mayGiveCode(s.prog.Funcs[g].Type)
		s.libParts[k] = o
		switch {
		case k.rec == 0:
			s.text[o] = true
		case t != nil:
			s.libFill(g, ref, s.constNode(s.place(o, 0)), t)
		default:
			s.addPlace(s.anyStoreOf(o), s.place(o, Any))
		}
	}
	return o
}

// libFill stores pointers to the memory of library function g at the members of the record of type t that dst points at.
func (s *solver) libFill(g ir.FuncID, ref ir.Ref, dst int32, t *ctype.Type) {
	rec := s.recordID(t.Rec)
	ctype.Leaves(t, func(l ctype.Leaf) bool {
		if l.Type.Kind == ctype.Pointer && l.Type.Elem.Kind != ctype.Func {
			to := s.node()
			s.constrain(dst, constraint{kind: conShift, other: to, a: l.Off, b: rec})
			s.constrain(to, constraint{kind: conStore, other: s.constNode(s.place(s.libPart(g, ref, l.Type.Elem), 0))})
		}
		return true
	})
}

// recordAt returns the record that library function g takes as what its argument i points at, nil if its type does not say.
func (s *solver) recordAt(g ir.FuncID, i int) *ctype.Type {
	if g < 0 {
		return nil
	}
	ft := s.prog.Funcs[g].Type
	if ft == nil || ft.Func == nil || ft.Func.OldStyle || i >= len(ft.Func.Params) {
		return nil
	}
	p := ft.Func.Params[i].Type
	if p.Kind != ctype.Pointer || p.Elem.Kind != ctype.Struct || !ctype.IsComplete(p.Elem) || p.Elem.Rec.Size <= 0 {
		return nil
	}
	return p.Elem
}

// storeIn stores what is in v anywhere in what a, argument i of library function g, points at: where the record of its type
// has room for a pointer, and so not in what the program keeps beside that.
func (s *solver) storeIn(g ir.FuncID, a int32, i int, v int32) {
	t := s.recordAt(g, i)
	if t == nil {
		s.constrain(a, constraint{kind: conStoreAny, other: v})
		return
	}
	rec := s.recordID(t.Rec)
	ctype.Leaves(t, func(l ctype.Leaf) bool {
		if ctype.SizeOf(l.Type) == ctype.PtrSize && (l.Type.Kind == ctype.Pointer || l.Type.IsInteger()) {
			to := s.node()
			s.constrain(a, constraint{kind: conShift, other: to, a: l.Off, b: rec})
			s.constrain(to, constraint{kind: conStore, other: v})
		}
		return true
	})
}

// pointsIn makes the effect of argument i, whose node is a, being filled with pointers to the library's memory.
func (s *solver) pointsIn(g ir.FuncID, m *models.Model, ref ir.Ref, a int32, i int) {
	t := s.recordAt(g, i)
	if t != nil {
		s.libFill(g, ref, a, t)
	}
	kept := m.Slot != "" && !m.Gives
	if t == nil || kept {
		o := s.libObj(g, m, ref)
		s.storeIn(g, a, i, s.constNode(s.place(o, 0)))
		if kept {
			s.edge(s.slot(m.Slot), s.anyStoreOf(o)) // as for what is static
		}
	}
}

// mayGiveCode reports whether what a library function of type t hands out may be a function (dlsym, signal): all others give
// data, however it is mixed up with functions later on.
func mayGiveCode(t *ctype.Type) bool {
	return t != nil && t.Elem != nil && t.Elem.Kind == ctype.Pointer && (t.Elem.Elem.Kind == ctype.Void || t.Elem.Elem.Kind == ctype.Func)
}

// packet returns the object for packet bytes (or a header) in the library's
// buffer that the call at ref hands out by way of argument (or callback
// parameter) i; -1 is its result. The function, g, that is called (or called back) says as
// what it does: a record that holds pointers (rte_mbuf) points at more of its kind, at the packet's
// bytes, which are behind it in the same object, and at what else is the library's.
func (s *solver) packet(g ir.FuncID, ref ir.Ref, i int, cb bool) ObjID {
	k := packetKey{ref, i, cb}
	o, ok := s.packetAt[k]
	if ok {
		return o
	}
	o = s.newHeapObj(ref, ref, nil, true, false)
	s.objects[o].Packet = true
	s.packetAt[k] = o
	t := s.packetType(g, i, cb)
	if t == nil {
		return o
	}
	rec, at := s.recordID(t.Rec), s.constNode(s.at(o, 0))
	ctype.Leaves(t, func(l ctype.Leaf) bool {
		if l.Type.Kind != ctype.Pointer || l.Type.Elem.Kind == ctype.Func {
			return true
		}
		var p int32
		switch e := l.Type.Elem; {
		case e.Kind == ctype.Void || !e.IsRecord() && e.Kind != ctype.Pointer:
			p = s.place(o, Any)
		case e.IsRecord() && s.recordID(e.Rec) == rec:
			p = s.at(o, 0)
		default:
			p = s.place(s.libPart(g, ref, e), 0)
		}
		to := s.node()
		s.constrain(at, constraint{kind: conShift, other: to, a: l.Off, b: rec})
		s.constrain(to, constraint{kind: conStore, other: s.constNode(p)})
		return true
	})
	return o
}

// packetType returns the record that g takes what it hands out by way of its result or parameter i for, nil if it is
// none that is known.
func (s *solver) packetType(g ir.FuncID, i int, cb bool) *ctype.Type {
	if g < 0 || s.prog.Funcs[g].Type == nil {
		return nil
	}
	t := s.prog.Funcs[g].Type
	switch {
	case i < 0:
		t = t.Elem
	case t.Func == nil || t.Func.OldStyle || i >= len(t.Func.Params):
		return nil
	default:
		t = t.Func.Params[i].Type
		if !cb && t.Kind == ctype.Pointer {
			t = t.Elem
		}
	}
	if t == nil || t.Kind != ctype.Pointer || t.Elem.Kind != ctype.Struct || !ctype.IsComplete(t.Elem) || t.Elem.Rec.Size <= 0 {
		return nil
	}
	return t.Elem
}

// allocated returns the objects that a call of an allocator makes.
func (s *solver) allocated(id int32, m *models.Model, name string) []ObjID {
	cs := &s.sites[id]
	if fr := s.heap.fronts[cs.ref]; fr != nil && cs.direct {
		return []ObjID{s.heap.headOf(fr, cs.ref)}
	}
	if objs := cs.in.madeAt(cs.ref.I); len(objs) > 0 && m.Alloc.Out == nil && cs.direct {
		return objs
	}
	if objs := s.libAlloc[id]; len(objs) > 0 {
		return objs
	}
	objs := []ObjID{s.heap.object(cs.in, cs.ref.I, m, name)}
	s.libAlloc[id] = objs
	return objs
}

// mayBeIn reports whether g may be stored in one of the members that a model names.
func (s *solver) mayBeIn(names []string, g ir.FuncID) bool {
	for _, n := range names {
		if set, known := s.inMember[n]; !known || set[g] {
			return true
		}
	}
	return len(names) == 0
}

// callBack makes the effects of library function lib calling g because of the
// call with number id, as callback ci of its model says; ci -1: as unknown code
// does.
func (s *solver) callBack(id int32, ci int, lib, g ir.FuncID) {
	key := backKey{s.outermost(id), int32(ci), lib, g}
	if s.backSeen[key] {
		return
	}
	s.backSeen[key] = true
	d := deferred{id, int32(ci), lib, g}
	how, _, _ := s.howCalled(d)
	switch {
	case how == nil:
		s.calledBack(id, d)
	case !s.mayBeIn(how.Member, g):
	case how.Later == "":
		s.calledBack(id, d)
	default:
		q := s.queue(how.Later)
		q.in = append(q.in, d)
		for _, r := range q.runners {
			s.calledBack(r, d)
		}
	}
}

// outermost tells callbacks apart by the call of the program that they are due to, plus 1: a library function that calls itself back,
// or a loop that is run in itself, stays at one call.
func (s *solver) outermost(id int32) int32 {
	if from := s.sites[id].from; from != 0 {
		return from
	}
	return id + 1
}

// howCalled returns what the model of the library function says of the callback, and under which name it is modelled; nil: it has no model.
func (s *solver) howCalled(d deferred) (*models.Callback, *models.Model, string) {
	name := s.sites[d.site].name
	if d.call < 0 {
		return nil, nil, name
	}
	if d.lib >= 0 {
		name = s.prog.Funcs[d.lib].Link
	}
	m := s.models.Lookup(name)
	return &m.Calls[d.call], m, name
}

// run makes the call with number id one that calls all that is ever in the queue called name.
func (s *solver) run(id int32, name string) {
	q := s.queue(name)
	q.runners = append(q.runners, id)
	for i := 0; i < len(q.in); i++ { // what is called may hand over more
		s.calledBack(id, q.in[i])
	}
}

func (s *solver) queue(name string) *queue {
	q := s.queues[name]
	if q == nil {
		q = &queue{}
		s.queues[name] = q
	}
	return q
}

// calledBack makes the effects of the call with number id calling back what d says, with the arguments of the call that d is from.
func (s *solver) calledBack(id int32, d deferred) {
	key := ranKey{s.outermost(id), d}
	if s.ranSeen[key] {
		return
	}
	s.ranSeen[key] = true
	how, m, name := s.howCalled(d)
	lib, g := d.lib, d.f
	cs, at := s.sites[d.site], s.sites[id]
	if how == nil {
		s.unknownBacks[lib] = append(s.unknownBacks[lib], Callback{Func: g})
	} else {
		s.backs[at.ref] = append(s.backs[at.ref], Callback{g, how, cs.ref})
	}

	fn := s.prog.Funcs[g]
	params := 16
	if fn.Type != nil && fn.Type.Func != nil && !fn.Type.Func.OldStyle {
		params = len(fn.Type.Func.Params)
	}
	bs := callSite{from: s.outermost(id), ref: at.ref, in: at.in, dst: none, recDst: none, direct: false, args: make([]int32, params)}
	for i := range bs.args {
		bs.args[i] = none
	}
	if how == nil {
		e := s.escapeNode(lib)
		for i := range bs.args {
			bs.args[i] = e
		}
		bs.dst = e
	} else {
		arg := func(i int) int32 {
			if i = models.Chk(name, i); i < len(cs.args) {
				return cs.args[i]
			}
			return none
		}
		set := func(i int, n int32) {
			if i >= len(bs.args) || n == none {
				return
			}
			if bs.args[i] == none {
				bs.args[i] = s.node()
			}
			s.edge(n, bs.args[i])
		}
		for p := range params {
			if a, ok := how.Pass[p]; ok {
				set(p, arg(a))
			}
		}
		for _, p := range how.Kept {
			slot := how.From
			if slot == "" {
				slot = m.Slot
			}
			set(p, s.slot(slot))
		}
		for p := range params {
			if slot, ok := how.Slots[p]; ok {
				set(p, s.slot(slot))
			}
		}
		for _, p := range how.Packet {
			set(p, s.constNode(s.at(s.packet(g, cs.ref, p, true), 0)))
		}
		for _, p := range how.Elems {
			if a := arg(how.Of); a != none {
				// An element's address: in an object of unknown layout anywhere.
				n := s.node()
				s.constrain(a, constraint{kind: conIndex, other: n, a: elemStride})
				set(p, n)
			}
		}
		for _, p := range how.Into {
			if a := arg(how.Of); a != none {
				n := s.node()
				s.constrain(a, constraint{kind: conIndex, other: n, a: 1})
				set(p, n)
			}
		}
		for _, p := range how.Held {
			if a := arg(how.Of); a != none {
				n := s.node()
				s.constrain(a, constraint{kind: conLoadAny, other: n})
				set(p, n)
			}
		}
		for _, p := range how.Lib {
			o := s.libObj(lib, m, cs.ref)
			if fn.Type != nil && fn.Type.Func != nil && !fn.Type.Func.OldStyle && p < len(fn.Type.Func.Params) {
				if t := fn.Type.Func.Params[p].Type; t.Kind == ctype.Pointer && (bytesOnly(t.Elem) || t.Elem.Kind == ctype.Struct && ctype.IsComplete(t.Elem)) {
					o = s.libPart(lib, cs.ref, t.Elem)
				}
			}
			set(p, s.constNode(s.place(o, 0)))
		}
		if how.Keep {
			bs.dst = s.slot(m.Slot)
		}
	}
	bid := int32(len(s.sites))
	bs.bind(g)
	s.sites = append(s.sites, bs)
	s.invoke(bid, g)
}

// ofNumbers reports whether argument i is the address of a record of numbers, and no more
// than that is copied. How much is copied need not be known for a member of a union:
// such a copy is of that member, while one that begins at a member of a struct may go on.
func (s *solver) ofNumbers(cs *callSite, i int, size int64) bool {
	if i >= len(cs.consts) {
		return false
	}
	v := cs.consts[i]
	for v.Kind == ir.VReg && cs.in.Regs[v.ID].Def >= 0 {
		in := &cs.in.Instrs[cs.in.Regs[v.ID].Def]
		switch {
		case in.Op == ir.FieldAddr && in.Rec != nil && s.prog.Record(in.Rec).Union && in.Field != nil && numbersOnly(in.Field.Type):
			return size <= ctype.SizeOf(in.Field.Type)
		case in.Op == ir.Conv && in.Opnd.Kind == ctype.Pointer && size >= 0 && size <= ctype.SizeOf(in.Opnd.Elem) && numbersOnly(in.Opnd.Elem):
			return true
		case in.Op != ir.Conv && in.Op != ir.Move:
			return false
		}
		v = in.A
	}
	return false
}

// copied returns the record type of which a library function copies size bytes, nil if
// neither of the pointers that it is given, as they were before they became void *, says.
func (s *solver) copied(cs *callSite, dst, src int, size int64) *ctype.Type {
	for _, i := range [2]int{src, dst} {
		if i >= len(cs.consts) {
			continue
		}
		v := cs.consts[i]
		for v.Kind == ir.VReg && cs.in.Regs[v.ID].Def >= 0 {
			in := &cs.in.Instrs[cs.in.Regs[v.ID].Def]
			if in.Op == ir.Conv && s.pointee(in.Opnd) != nil && s.pointee(in.Opnd).Size == size {
				return in.Opnd.Elem
			}
			if in.Op != ir.Conv && in.Op != ir.Move {
				break
			}
			v = in.A
		}
	}
	return nil
}
