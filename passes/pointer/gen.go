package pointer

import (
	"slices"
	"strings"

	"saz/frontend/check"
	"saz/frontend/ctype"
	"saz/ir"
	"saz/ir/models"
)

// Constraint generation: one walk over each procedure. A register that is a
// plain copy of another shares its node, which is all the offline variable
// substitution that code in SSA form leaves to do.

// carries reports whether a value of type t may hold a pointer: pointers,
// integers of their size, vectors. Smaller pieces of a pointer are lost.
func carries(t *ctype.Type) bool {
	if t == nil {
		return true
	}
	switch t.Kind {
	case ctype.Pointer, ctype.Func, ctype.Array, ctype.Struct, ctype.Union, ctype.VaList:
		return true
	case ctype.Long, ctype.ULong, ctype.LongLong, ctype.ULongLong, ctype.Int128, ctype.UInt128:
		return true
	case ctype.Vector, ctype.Enum:
		return ctype.SizeOf(t) >= ctype.PtrSize
	}
	return false
}

// constPlace returns the place that a constant address names.
func (s *solver) constPlace(f *inst, v ir.Value) (int32, bool) {
	switch v.Kind {
	case ir.VGlobal:
		return s.at(ObjID(v.ID), v.Off), true
	case ir.VFunc:
		return s.at(s.funcObj(ir.FuncID(v.ID)), 0), true
	case ir.VLocal:
		o := s.localOf(f, ir.LocalID(v.ID))
		if o < 0 {
			return 0, false
		}
		return s.at(o, v.Off), true
	}
	return 0, false
}

// value returns the node of an operand, none if it holds no pointer.
func (s *solver) value(f *inst, v ir.Value) int32 {
	if v.Kind == ir.VReg {
		return f.regs + v.ID
	}
	if p, ok := s.constPlace(f, v); ok {
		return s.constNode(p)
	}
	return none
}

// flow makes node to include operand v.
func (s *solver) flow(f *inst, v ir.Value, to int32) {
	if to == none {
		return
	}
	if v.Kind == ir.VReg {
		s.edge(f.regs+v.ID, to)
	} else if p, ok := s.constPlace(f, v); ok {
		s.addPlace(to, p)
	}
}

// load makes node to include what is at the address v.
func (s *solver) load(f *inst, v ir.Value, to int32) {
	if p, ok := s.constPlace(f, v); ok {
		s.edge(s.readNode(p), to)
	} else if n := s.value(f, v); n != none && to != none {
		s.constrain(n, constraint{kind: conLoad, other: to})
	}
}

// store makes what is at the address v include node from.
func (s *solver) store(f *inst, v ir.Value, from int32) {
	if from == none {
		return
	}
	if p, ok := s.constPlace(f, v); ok {
		s.edge(from, s.writeNode(p))
	} else if n := s.value(f, v); n != none {
		s.constrain(n, constraint{kind: conStore, other: from})
	}
}

// maxPieces bounds the pointers that a copy of known size is split into.
const maxPieces = 32

// copyMem makes *dst include *src. A copy of known, small size is as many loads
// and stores as it may hold pointers, which costs the sum of the sizes of the two
// sets; others take each pair.
func (s *solver) copyMem(dst, src int32, size int64, t *ctype.Type) {
	if dst == none || src == none {
		return
	}
	if size >= 0 && size <= maxPieces*ctype.PtrSize {
		rec := int64(-1)
		if t != nil && t.IsRecord() {
			rec = s.recordID(t.Rec) // each piece is a member
		}
		for _, off := range pieces(size, t) {
			from, to := src, dst
			if off > 0 || rec > 0 {
				from, to = s.node(), s.node()
				s.constrain(src, constraint{kind: conShift, other: from, a: off, b: rec})
				s.constrain(dst, constraint{kind: conShift, other: to, a: off, b: rec})
			}
			v := s.node()
			s.constrain(from, constraint{kind: conLoad, other: v})
			s.constrain(to, constraint{kind: conStore, other: v})
		}
		return
	}
	id := int64(len(s.copies))
	s.copies = append(s.copies, blockCopy{})
	s.constrain(dst, constraint{kind: conCopyDst, other: src, a: size, b: id})
	s.constrain(src, constraint{kind: conCopySrc, other: dst, a: size, b: id})
}

// pieces lists the offsets at which size bytes, of type t if that is known,
// may hold pointers.
func pieces(size int64, t *ctype.Type) []int64 {
	seen := map[int64]bool{}
	var out []int64
	add := func(o int64) {
		if o+ctype.PtrSize <= size && !seen[o] {
			seen[o] = true
			out = append(out, o)
		}
	}
	for o := int64(0); o < size; o += ctype.PtrSize {
		add(o)
	}
	if t != nil {
		ctype.Leaves(t, func(l ctype.Leaf) bool {
			if carries(l.Type) {
				add(l.Off)
			}
			return true
		})
	}
	slices.Sort(out)
	return out
}

func (s *solver) globals() {
	up := s.place(s.unknown, 0)
	s.addPlace(s.cellOf(up), up)
	for _, g := range s.prog.Globals {
		if g.Linkage == ir.Undefined && s.sections[ObjID(g.ID)] == nil {
			// Each library variable has memory of its own behind it (stderr,
			// optarg, environ): they are not a place where pointers meet.
			o := s.outsideObj(g.Name)
			s.noCode[o] = g.Type != nil && g.Type.Kind == ctype.Pointer && g.Type.Elem.Kind != ctype.Void && g.Type.Elem.Kind != ctype.Func
			s.addPlace(s.anyStoreOf(ObjID(g.ID)), s.place(o, 0))
		}
		for i := range g.Init {
			it := &g.Init[i]
			v := it.Value
			if v.Kind != ir.VGlobal && v.Kind != ir.VFunc {
				continue
			}
			target, _ := s.constPlace(nil, v)
			s.addPlace(s.writeNode(s.at(ObjID(g.ID), it.Off)), target)
		}
	}
}

// entries supplies what the world outside passes in.
func (s *solver) entries() {
	up := s.place(s.unknown, 0)
	outside := func(f *ir.Func) {
		if len(f.Blocks) == 0 {
			return
		}
		for i := range f.Params {
			if carries(f.Locals[f.Params[i]].Type) {
				s.addPlace(s.baseOf(f.ID).params+int32(i), up)
			}
		}
	}
	if s.prog.Entry >= 0 {
		s.mainArgs(s.prog.Funcs[s.prog.Entry])
	}
	for _, f := range s.prog.Funcs {
		// Without main anything visible may be called from outside.
		if f.Ctor || s.prog.Entry < 0 && f.Linkage == ir.External {
			outside(f)
		}
	}
}

// mainArgs gives main arrays of pointers to strings.
func (s *solver) mainArgs(f *ir.Func) {
	for i, l := range f.Params {
		if !carries(f.Locals[l].Type) {
			continue
		}
		o := s.newLibObj("argv", nil)
		s.objLay[o] = s.lays.array(s.lays.scalar(ctype.PtrSize, scalarPointer, nil), -1)
		s.addPlace(s.baseOf(f.ID).params+int32(i), s.place(o, 0))
		s.addPlace(s.cellOf(s.place(o, 0)), s.place(s.outsideObj("optarg"), 0))
	}
}

// outsideObj is the memory behind a variable of a library's: what it points
// at, and so on. That of optarg is main's arguments.
func (s *solver) outsideObj(name string) ObjID {
	o, ok := s.outside[name]
	if !ok {
		o = s.newLibObj(name, nil)
		s.objLay[o] = blobLay
		s.outside[name] = o
		if s.text[o] = name == "optarg"; !s.text[o] {
			s.addPlace(s.cellOf(s.place(o, 0)), s.place(o, 0))
		}
	}
	return o
}

func (s *solver) procedure(f *inst) {
	if f.made {
		return
	}
	f.made = true
	for i, l := range f.Params {
		o := s.localOf(f, l)
		if o < 0 {
			continue // registers: makeNodes
		}
		t := f.Locals[l].Type
		switch {
		case isMemType(t):
			s.copyMem(s.constNode(s.at(o, 0)), f.params+int32(i), sizeOf(t), t)
		case carries(t):
			s.edge(f.params+int32(i), s.writeNode(s.at(o, 0)))
		}
	}
	for i := range f.Instrs {
		s.instr(f, int32(i), &f.Instrs[i])
	}
	for _, k := range f.kids {
		s.procedure(k)
	}
}

// isMemType reports whether values of type t are represented by the address of
// memory that holds them.
func isMemType(t *ctype.Type) bool {
	return t != nil && (t.IsAggregate() || t.Kind == ctype.VaList)
}

func sizeOf(t *ctype.Type) int64 {
	if t == nil {
		return -1
	}
	if n := ctype.SizeOf(t); n > 0 {
		return n
	}
	return -1
}

func (s *solver) instr(f *inst, i int32, in *ir.Instr) {
	dst := int32(none)
	if in.Dst >= 0 {
		dst = f.regs + int32(in.Dst)
	}
	ref := ir.Ref{Func: f.ID, I: i}
	switch in.Op {
	case ir.Load:
		if roots := s.linkOf[ref]; roots != nil {
			for _, r := range roots {
				s.edge(f.regs+int32(r), dst)
			}
			return
		}
		if s.carriesTo(f.Func, in.Dst, in.Type) {
			s.load(f, in.A, s.typed(dst, in.Type))
		}
	case ir.Store:
		if s.noLink[ref] || !s.carriesFrom(f.Func, in.B, in.Type) {
			return
		}
		if p, ok := s.constPlace(f, in.B); ok {
			if a, ok := s.constPlace(f, in.A); ok {
				s.addPlace(s.writeNode(a), p)
				return
			}
		}
		s.store(f, in.A, s.value(f, in.B))
	case ir.Copy:
		if !numbersOnly(in.Type) {
			s.copyMem(s.value(f, in.A), s.value(f, in.B), sizeOf(in.Type), in.Type)
		}
	case ir.FieldAddr:
		rec := int64(0)
		if in.Rec != nil {
			rec = s.recordID(in.Rec)
		}
		s.shifted(f, in.A, dst, in.Off, rec)
	case ir.IndexAddr:
		call, skips := s.heap.skips[f.ref(i)]
		switch {
		case skips:
			for _, o := range f.madeAt(call) {
				s.addPlace(dst, s.at(o, 0))
			}
		case in.B.Kind == ir.VInt && in.Off > 0:
			if in.Off == 1 && in.B.Off <= 0 {
				s.back(f, in.A, in.Dst, dst, -in.B.Off)
			} else if in.B.Off == 0 {
				s.flow(f, in.A, dst)
			} else if s.isWide(f.Func, in.A, 1) && !s.isWide(f.Func, in.A, 0) { // *p++ over a record, in a loop
				s.indexed(f, in.A, dst, max(in.B.Off, -in.B.Off)*in.Off, wide)
			} else {
				s.shifted(f, in.A, dst, in.B.Off*in.Off, unit(in.Off))
			}
		default:
			if in.Off > 0 {
				few := s.values(f, in.B, i).few(fewValues)
				if len(few) == 1 || len(few) > 0 && in.Off == 1 {
					for _, v := range few {
						if in.Off == 1 && v < 0 {
							s.back(f, in.A, in.Dst, dst, -v)
						} else {
							s.shifted(f, in.A, dst, v*in.Off, unit(in.Off))
						}
					}
					return
				}
			}
			s.indexed(f, in.A, dst, in.Off, s.modeOf(f, in.A))
		}
	case ir.Bin:
		if s.carriesTo(f.Func, in.Dst, in.Type) {
			s.bin(f, i, in, dst)
		}
	case ir.PtrDiff:
		// (T *)((void *)p - (void *)&((T *)0)->member) is a pointer.
		if in.Off == 1 && dst != none && s.carriesTo(f.Func, in.Dst, in.Type) {
			if c, ok := fold(f.Func, in.B, 0); ok {
				s.back(f, in.A, in.Dst, dst, c)
			} else if fromInt(f.Func, in.B) {
				s.indexed(f, in.A, dst, 1, wide)
			}
		}
	case ir.Conv, ir.Move:
		switch {
		case !s.carriesTo(f.Func, in.Dst, in.Type) || in.Op == ir.Conv && !carries(in.Opnd):
		case in.A.Kind != ir.VReg:
			s.flow(f, in.A, dst)
		case s.fromUntyped(in) && s.carriesFrom(f.Func, in.A, in.Opnd):
			s.flow(f, in.A, s.typed(dst, in.Type))
		}
	case ir.Phi:
		if s.carriesTo(f.Func, in.Dst, in.Type) {
			for _, v := range in.Args {
				s.flow(f, v, dst)
			}
		}
	case ir.Alloca:
		if o, ok := s.stack[ref]; ok { // a copy of the procedure
			s.addPlace(dst, s.at(o, 0))
			return
		}
		o := s.newHeapObj(ref, ref, nil, true, false)
		t, _, _ := s.heap.witness(f.Func, in.Dst)
		if t != nil {
			s.objects[o].Type = t
			s.objLay[o] = s.lays.heap(s.lays.of(t), true, false)
		}
		s.objects[o].Array = true
		s.objects[o].Stack = true
		s.stack[ref] = o
		s.addPlace(dst, s.at(o, 0))
	case ir.Call:
		s.call(f, ref, in, dst)
	case ir.Builtin:
		s.builtin(f, ref, in, dst)
	case ir.Asm:
		s.asm(f, in)
	case ir.Ret:
		if in.A.Kind != ir.NoVal {
			s.flow(f, in.A, f.ret)
		}
	}
}

// typed returns a node whose places go to node to as far as they fit its type t.
func (s *solver) typed(to int32, t *ctype.Type) int32 {
	var id int64
	switch as := s.pointedAt(t); {
	case as == nil || as.class == voidPointer || s.seenAs[as] && as.pointer():
		if function(t) == nil || t.Kind != ctype.Pointer {
			return to
		}
		id = s.layID(codeLay)
	case as == byteLay:
	case as.pointer():
		id = s.layID(as)
	default:
		r := s.pointee(t)
		if r == nil {
			return to
		}
		id = s.recordID(r)
	}
	if to == none {
		return none
	}
	n := s.node()
	s.constrain(n, constraint{kind: conTyped, other: to, a: id})
	return n
}

// unit returns inBytes if elements of size n are bytes.
func unit(n int64) int64 {
	if n == 1 {
		return inBytes
	}
	return 0
}

// fewValues bounds the different amounts that a step by one of a few is split
// into.
const fewValues = 4

func (s *solver) shifted(f *inst, a ir.Value, dst int32, delta, rec int64) {
	if dst == none {
		return
	}
	if p, ok := s.constPlace(f, a); ok {
		for _, q := range s.stepsFrom(&constraint{kind: conShift, a: delta, b: rec}, p) {
			s.addPlace(dst, q)
		}
	} else if n := s.value(f, a); n != none {
		s.constrain(n, constraint{kind: conShift, other: dst, a: delta, b: rec})
	}
}

func (s *solver) indexed(f *inst, a ir.Value, dst int32, stride, mode int64) {
	if dst == none {
		return
	}
	if stride < 0 {
		stride = 0
	}
	if p, ok := s.constPlace(f, a); ok {
		l := s.places[p]
		for _, off := range s.arith.index(s.objLay[l.Obj], l.Off, stride, mode) {
			s.addPlace(dst, s.place(l.Obj, off))
		}
	} else if n := s.value(f, a); n != none {
		s.constrain(n, constraint{kind: conIndex, other: dst, a: stride, b: mode})
	}
}

// modeOf says how arithmetic on v in f is meant.
func (s *solver) modeOf(f *inst, v ir.Value) int64 {
	if s.isWide(f.Func, v, 1) {
		return wide
	}
	return narrow
}

// isWide reports whether the pointer v was made in f by casting a pointer to a
// record or an array of them, or to nothing in particular, to a pointer to something
// else; phis is through how many merges to look.
func (s *solver) isWide(f *ir.Func, v ir.Value, phis int) bool {
	for range 8 {
		if v.Kind != ir.VReg {
			return false
		}
		d := f.Regs[v.ID].Def
		if d < 0 {
			return false
		}
		in := &f.Instrs[d]
		switch in.Op {
		case ir.Move, ir.IndexAddr:
			v = in.A
		case ir.Conv:
			if in.Type != nil && in.Opnd != nil && in.Type.Kind == ctype.Pointer && in.Opnd.Kind == ctype.Pointer {
				from, to := in.Opnd.Elem, in.Type.Elem
				for from.Kind == ctype.Array {
					from = from.Elem
				}
				if (from.IsRecord() || from.Kind == ctype.Void) && !to.IsRecord() {
					return true
				}
			}
			v = in.A
		case ir.Phi:
			for _, a := range in.Args {
				if phis > 0 && s.isWide(f, a, phis-1) {
					return true
				}
			}
			return false
		default:
			return false
		}
	}
	return false
}

func (s *solver) bin(f *inst, at int32, in *ir.Instr, dst int32) {
	konst := func(v ir.Value) (int64, bool) {
		if c, ok := fold(f.Func, v, 0); ok {
			return c, true
		}
		i := s.values(f, v, at)
		return i.lo, i.lo == i.hi
	}
	a, b := in.A, in.B
	sum := func(v ir.Value) {
		if s.carrier.returns(f.Func, in.Dst) {
			s.indexed(f, v, dst, 1, wide)
		}
	}
	switch in.Sub {
	case check.Add, check.PtrAdd:
		if c, ok := konst(b); ok {
			s.shifted(f, a, dst, c, inBytes)
			return
		}
		if c, ok := konst(a); ok {
			s.shifted(f, b, dst, c, inBytes)
			return
		}
		for _, v := range [2][2]ir.Value{{a, b}, {b, a}} {
			if few := s.values(f, v[1], at).few(fewValues); len(few) > 0 {
				for _, c := range few {
					s.shifted(f, v[0], dst, c, inBytes)
				}
				return
			}
		}
		sum(a)
		sum(b)
	case check.Sub, check.PtrSub:
		if c, ok := konst(b); ok {
			s.back(f, a, in.Dst, dst, c)
			return
		}
		if few := s.values(f, b, at).few(fewValues); len(few) > 0 {
			for _, v := range few {
				s.shifted(f, a, dst, -v, 0)
			}
			return
		}
		sum(a)
	case check.And:
		if c, ok := konst(b); ok {
			s.masked(f, a, dst, c)
			return
		}
		if c, ok := konst(a); ok {
			s.masked(f, b, dst, c)
			return
		}
		sum(a)
		sum(b)
	case check.Or:
		// A tag in the low bits leaves the place; anything else may be anywhere.
		if c, ok := konst(b); ok && c >= 0 && c < 16 {
			s.flow(f, a, dst)
			return
		}
		if c, ok := konst(a); ok && c >= 0 && c < 16 {
			s.flow(f, b, dst)
			return
		}
		sum(a)
		sum(b)
	case check.Xor:
		sum(a)
		sum(b)
	}
}

// fold evaluates constants that address arithmetic on null pointers makes.
func fold(f *ir.Func, v ir.Value, depth int) (int64, bool) {
	if v.Kind == ir.VInt {
		return v.Off, v.Str == ""
	}
	if v.Kind != ir.VReg || f.Regs[v.ID].Def < 0 || depth > 8 {
		return 0, false
	}
	in := &f.Instrs[f.Regs[v.ID].Def]
	switch in.Op {
	case ir.Move:
		return fold(f, in.A, depth+1)
	case ir.Conv:
		if ctype.SizeOf(in.Type) == ctype.PtrSize && in.Opnd != nil && ctype.SizeOf(in.Opnd) == ctype.PtrSize {
			return fold(f, in.A, depth+1)
		}
	case ir.FieldAddr:
		c, ok := fold(f, in.A, depth+1)
		return c + in.Off, ok
	case ir.IndexAddr:
		if in.B.Kind == ir.VInt && in.Off > 0 {
			c, ok := fold(f, in.A, depth+1)
			return c + in.B.Off*in.Off, ok
		}
	}
	return 0, false
}

// fromInt reports whether v is an integer that was cast to a pointer.
func fromInt(f *ir.Func, v ir.Value) bool {
	for range 8 {
		if v.Kind != ir.VReg || f.Regs[v.ID].Def < 0 {
			return false
		}
		in := &f.Instrs[f.Regs[v.ID].Def]
		switch in.Op {
		case ir.Move:
		case ir.Conv:
			if in.Opnd != nil && in.Opnd.Kind != ctype.Pointer {
				return true
			}
		default:
			return false
		}
		v = in.A
	}
	return false
}

// masked: a & c. A mask that clears few low bits takes off a tag or rounds
// down; one that keeps only few bits leaves no pointer.
func (s *solver) masked(f *inst, a ir.Value, dst int32, c int64) {
	n := s.value(f, a)
	if n == none || dst == none || c >= 0 && c < 1<<32 {
		return
	}
	s.constrain(n, constraint{kind: conMask, other: dst, a: c})
}

// A callSite is one place from which functions are called.
type callSite struct {
	ref    ir.Ref
	name   string // the name under which a direct library call is made
	args   []int32
	types  []*ctype.Type // nil: unknown
	consts []ir.Value    // the arguments themselves
	dst    int32
	recDst int32 // node of the address where a record result goes
	fn     *ctype.FuncType
	direct bool
	real   bool  // a call instruction
	in     *inst // that it is in
	from   int32 // of a callback: one more than the number of the call that causes it
	self   *receiver
	bound  []ir.FuncID
	binds  set // bound again, to look up
}

// bind adds g to what is called at cs.
func (cs *callSite) bind(g ir.FuncID) {
	if cs.binds.add(int32(g)) {
		cs.bound = append(cs.bound, g)
	}
}

func (s *solver) call(f *inst, ref ir.Ref, in *ir.Instr, dst int32) {
	id := int32(len(s.sites))
	cs := callSite{ref: ref, dst: dst, recDst: none, consts: in.Args, types: in.ArgTypes, in: f, real: true}
	cs.args = make([]int32, len(in.Args))
	for i, a := range in.Args {
		cs.args[i] = none
		if i >= len(in.ArgTypes) || s.carriesFrom(f.Func, a, in.ArgTypes[i]) {
			cs.args[i] = s.value(f, a)
		}
	}
	if in.B.Kind != ir.NoVal {
		cs.recDst = s.value(f, in.B)
	}
	if in.A.Kind == ir.VFunc {
		cs.direct = true
		s.sites = append(s.sites, cs)
		s.connect(id, ir.FuncID(in.A.ID))
		return
	}
	if t := in.Opnd; t != nil {
		if t.Kind == ctype.Pointer {
			t = t.Elem
		}
		if t.Kind == ctype.Func {
			cs.fn = t.Func
		}
	}
	if cs.fn == nil && in.A.Kind == ir.VReg {
		if t := f.Regs[in.A.ID].Type; t != nil && t.Kind == ctype.Pointer && t.Elem.Kind == ctype.Func {
			cs.fn = t.Elem.Func
		}
	}
	cs.self = s.receiverOf(f, in, id)
	s.sites = append(s.sites, cs)
	if cs.self != nil {
		s.constrain(cs.self.base, constraint{kind: conReceiver, a: int64(id)})
	}
	s.constrain(s.value(f, in.A), constraint{kind: conCall, other: id})
}

// fits reports whether a call with these arguments may reach g: a call with
// fewer arguments than g has parameters, or one that expects a record where g
// returns none, may not. (More arguments than g takes are common in real
// programs, and harmless on every machine.)
func (s *solver) fits(cs *callSite, g *ir.Func) bool {
	if g.Type == nil || g.Type.Func == nil {
		return true
	}
	ft := g.Type.Func
	if ft.OldStyle || cs.fn != nil && cs.fn.OldStyle {
		return true
	}
	if len(cs.args) < len(ft.Params) {
		return false
	}
	for i := range ft.Params {
		if p := ft.Params[i].Type; i < len(cs.types) && cs.types[i] != nil && p != nil && !(cs.consts[i].Kind == ir.VInt && p.Kind == ctype.Pointer) && torn(p, cs.types[i]) {
			return false
		}
	}
	rec := g.Type.Elem != nil && g.Type.Elem.IsRecord()
	return rec == (cs.recDst != none)
}

// torn reports whether an argument of type arg can't be what a parameter of type p is used for: half of a pointer, or a number in another
// kind of register.
func torn(p, arg *ctype.Type) bool {
	switch {
	case p.Kind == ctype.Pointer:
		return arg.IsFloat() || !arg.IsRecord() && arg.Kind != ctype.Pointer && arg.Kind != ctype.Array && ctype.SizeOf(arg) < ctype.PtrSize
	case p.IsFloat() != arg.IsFloat():
		return !p.IsRecord() && !arg.IsRecord()
	}
	return p.IsRecord() != arg.IsRecord()
}

// connect binds a call to a callee.
func (s *solver) connect(id int32, g ir.FuncID) {
	cs := &s.sites[id]
	if cs.binds.has(int32(g)) {
		return
	}
	fn := s.prog.Funcs[g]
	if !cs.direct && !s.fits(cs, fn) {
		return
	}
	cs.bind(g)
	s.invoke(id, g)
}

// invoke makes the effects of one call of g.
func (s *solver) invoke(id int32, g ir.FuncID) {
	cs := s.sites[id]
	fn := s.prog.Funcs[g]
	if len(fn.Blocks) == 0 {
		s.library(id, g)
		return
	}
	var nodes *inst
	if cs.direct {
		nodes = cs.in.kid(cs.ref.I)
	}
	copied := nodes != nil
	if !copied {
		nodes = s.baseOf(g)
	}
	for i, a := range cs.args {
		if a == none {
			continue
		}
		if i < len(fn.Params) && cs.self.takes(i) {
			continue // see below
		} else if i < len(fn.Params) {
			s.edge(a, nodes.params+int32(i))
		} else {
			s.edge(a, nodes.va)
		}
	}
	if cs.self != nil {
		s.receive(cs.self, receiving{g, nodes.params, len(fn.Params)})
	}
	if cs.recDst != none {
		size, t := int64(-1), (*ctype.Type)(nil)
		if fn.Type != nil && fn.Type.Elem != nil {
			t = fn.Type.Elem
			size = sizeOf(t)
		}
		s.copyMem(cs.recDst, nodes.ret, size, t)
	}
	if cs.dst == none || cs.direct && s.recycled[cs.ref] {
		return
	}
	if cs.direct && s.asFresh[cs.ref] {
		for _, o := range cs.in.madeAt(cs.ref.I) {
			s.addPlace(cs.dst, s.at(o, 0))
		}
		return
	}
	w := s.heap.wrappers[g]
	if w == nil || copied || s.cloned[g] {
		s.edge(nodes.ret, cs.dst)
		return
	}
	// What a wrapper allocates is a separate object for each call.
	s.rest(w, nodes, cs.dst)
	fresh := w.others
	if cs.direct {
		fresh = s.heap.freshAt[cs.ref]
	}
	for _, o := range fresh {
		s.addPlace(cs.dst, s.at(o, 0))
	}
}

// rest makes node to include what wrapper f returns apart from what it has just
// allocated.
func (s *solver) rest(w *wrapper, f *inst, to int32) {
	for _, v := range w.rest {
		s.flow(f, v, to)
	}
	for _, i := range w.via {
		g := ir.FuncID(f.Instrs[i].A.ID)
		k := f.kid(i)
		if k == nil {
			k = s.base[g]
		}
		s.rest(s.heap.wrappers[g], k, to)
	}
}

func (s *solver) builtin(f *inst, ref ir.Ref, in *ir.Instr, dst int32) {
	name := in.Name
	switch {
	case name == "va_start":
		s.store(f, in.Args[0], f.va)
	case name == "va_arg":
		if in.B.Kind != ir.NoVal { // a record: what is passed is its address
			n := s.node()
			s.load(f, in.Args[0], n)
			s.copyMem(s.value(f, in.B), n, sizeOf(in.Type), in.Type)
		} else if carries(in.Type) {
			s.load(f, in.Args[0], dst)
		}
	case name == "va_copy":
		s.copyMem(s.value(f, in.Args[0]), s.value(f, in.Args[1]), -1, nil)
	case name == "va_end", name == "real", name == "imag", name == "stack_save", name == "stack_restore":
	case strings.HasSuffix(name, "return_address"), strings.HasSuffix(name, "frame_address"):
		if dst != none {
			s.addPlace(dst, s.place(s.unknown, 0))
		}
	default:
		if at, ok := ir.AtomicOf(name); ok {
			s.atomic(f, in, &at, dst)
			return
		}
		if m := s.models.Lookup(name); m != nil {
			id := int32(len(s.sites))
			cs := callSite{ref: ref, name: name, dst: dst, recDst: none, consts: in.Args, types: in.ArgTypes, direct: true, in: f}
			for _, a := range in.Args {
				cs.args = append(cs.args, s.value(f, a))
			}
			s.sites = append(s.sites, cs)
			s.model(id, -1, m, name)
			return
		}
		for _, a := range in.Args {
			s.flow(f, a, dst)
		}
		s.touched(f, in, dst)
	}
}

// touched makes the effects of a builtin on what its arguments point at: any of its arguments, and what is computed of it, may be stored
// there, and what is there may be its result.
func (s *solver) touched(f *inst, in *ir.Instr, dst int32) {
	for i, a := range in.Args {
		if i >= len(in.ArgTypes) {
			break
		}
		x := ir.BuiltinAccessOf(in.Name, in.ArgTypes[i])
		p := s.value(f, a)
		if p == none {
			continue
		}
		if x.Writes && (x.Size < 0 || x.Size >= ctype.PtrSize) {
			n := s.node()
			for j, b := range in.Args {
				if v := s.value(f, b); j != i && v != none {
					s.edge(v, n)
					s.constrain(v, constraint{kind: conIndex, other: n, a: 1})
				}
			}
			if x.Size >= 0 {
				s.constrain(p, constraint{kind: conStore, other: n})
			} else {
				s.constrain(p, constraint{kind: conStoreAny, other: n})
			}
		}
		if x.Reads && dst != none {
			s.constrain(p, constraint{kind: conLoadAny, other: dst})
		}
	}
}

// atomic: what is loaded from the object, computed and stored in it, as with loads and stores.
func (s *solver) atomic(f *inst, in *ir.Instr, at *ir.Atomic, dst int32) {
	if !at.Reads && !at.Writes {
		return
	}
	obj := in.Args[0]
	t := in.ArgTypes[0].Elem.Unqualified()
	if !carries(t) || wideInt(t) && !s.carrier.at(f.Func, obj, t) {
		return
	}
	for i, v := range in.Args {
		from, to := v, obj
		switch at.Role(i) {
		case ir.AtomicFrom:
		case ir.AtomicTo, ir.AtomicExpected:
			from, to = obj, v
		default:
			continue
		}
		s.copyMem(s.value(f, to), s.value(f, from), sizeOf(t), t)
	}
	if at.Reads && at.Result == ir.AtomicOld && dst != none && s.carriesTo(f.Func, in.Dst, t) {
		s.load(f, obj, s.typed(dst, t))
	}
	if !at.Writes || len(at.Rest) == 0 {
		return
	}
	i := slices.Index(at.Rest, ir.AtomicValue) + 1
	if i == 0 {
		return
	}
	v := in.Args[i]
	if at.Op == "" {
		if s.carriesFrom(f.Func, v, in.ArgTypes[i]) {
			s.store(f, obj, s.value(f, v))
		}
		return
	}
	old, sum := s.node(), s.node()
	s.load(f, obj, old)
	unknown := !wideInt(t) || s.carrier.sumsAt(f.Func, obj, t) // what it is then
	c, known := fold(f.Func, v, 0)
	switch {
	case known && at.Op == "add":
		s.constrain(old, constraint{kind: conShift, other: sum, a: c, b: inBytes})
	case known && at.Op == "sub":
		s.constrain(old, constraint{kind: conShift, other: sum, a: -c, b: inBytes})
	case known && at.Op == "and":
		if c < 0 || c >= 1<<32 {
			s.constrain(old, constraint{kind: conMask, other: sum, a: c})
		}
	case known && (at.Op == "or" || at.Op == "xor") && c >= 0 && c < 16: // a tag
		s.edge(old, sum)
	case unknown:
		s.constrain(old, constraint{kind: conIndex, other: sum, a: 1, b: wide})
	}
	if unknown && s.carriesFrom(f.Func, v, in.ArgTypes[i]) {
		s.indexed(f, v, sum, 1, wide)
	}
	s.store(f, obj, sum)
	if at.Result == ir.AtomicNew && dst != none && s.carriesTo(f.Func, in.Dst, t) {
		s.edge(sum, s.typed(dst, t))
	}
}

// asm: the outputs may receive any input, and what a memory operand held.
func (s *solver) asm(f *inst, in *ir.Instr) {
	if in.Asm == nil {
		return
	}
	n := s.node()
	clobbers := slices.Contains(in.Asm.Clobbers, "memory")
	for i, a := range in.Args {
		var o *check.AsmOperand
		k := i - len(in.Asm.Out)
		if k < 0 {
			o = &in.Asm.Out[i]
		} else {
			o = &in.Asm.In[k]
		}
		if !carries(o.X.Type) {
			continue
		}
		if k >= 0 {
			s.flow(f, a, n)
		}
		if k >= 0 && !ir.IsLvalue(o.X) {
			continue
		}
		s.load(f, a, n)
		if k < 0 || clobbers {
			s.store(f, a, n)
		}
		if ir.AsmTwoWords(in.Asm.Template) && strings.Contains(o.Constraint, "m") {
			next := s.node()
			s.shifted(f, a, next, ctype.PtrSize, 0)
			s.constrain(next, constraint{kind: conLoad, other: n})
			s.constrain(next, constraint{kind: conStore, other: n})
		}
	}
	if clobbers && !ir.AsmStays(in.Asm.Template) {
		s.constrain(n, constraint{kind: conEscape, other: n, a: -1})
	}
}

// model-related helpers

func (s *solver) slot(name string) int32 {
	n, ok := s.slots[name]
	if !ok {
		n = s.node()
		s.slots[name] = n
	}
	return n
}

func (s *solver) modelOf(f ir.FuncID) *models.Model { return s.modelTab[f] }

func (s *solver) findModels() {
	s.modelTab = make([]*models.Model, len(s.prog.Funcs))
	for i, f := range s.prog.Funcs {
		if len(f.Blocks) == 0 && !f.Unknown {
			s.modelTab[i] = s.models.Lookup(f.Link)
		}
	}
}
