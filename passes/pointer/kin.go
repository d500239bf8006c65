package pointer

import (
	"slices"

	"saz/frontend/ctype"
	"saz/ir"
)

// Kin are the record types that the program takes for each other somewhere: by a cast
// from a pointer to the one to a pointer to the other, also by way of void in registers,
// parameters and results of direct calls, or of a function type with such parameters.
type kin struct{ of map[*lay]*lay }

func (k *kin) root(l *lay) *lay {
	for k.of[l] != nil {
		l = k.of[l]
	}
	return l
}

func (k *kin) same(a, b *lay) bool { return a == b || k.root(a) == k.root(b) }

func (k *kin) join(a, b *lay) {
	if a, b = k.root(a), k.root(b); a != b {
		k.of[a] = b
	}
}

// byteLay stands for bytes among the things that pointers are made to.
var byteLay = &lay{kind: layScalar, size: 1, one: true}

// pointedAt returns what a pointer of type t is said to point at: the layout of a
// record or of a pointer, byteLay, or nil for all else.
func (s *solver) pointedAt(t *ctype.Type) *lay {
	if t == nil || t.Kind != ctype.Pointer {
		return nil
	}
	for t = t.Elem; t.Kind == ctype.Array; t = t.Elem {
	}
	switch {
	case t.IsChar():
		return byteLay
	case t.IsRecord():
		if l := s.lays.record(t.Rec); l != rawLay {
			return l
		}
	case t.Kind == ctype.Pointer:
		return s.lays.of(t)
	}
	return nil
}

// pointer reports whether l is a pointer.
func (l *lay) pointer() bool { return l.kind == layScalar && l.class != plainData }

func isBytes(t *ctype.Type) bool {
	return t != nil && t.Kind == ctype.Pointer && t.Elem.IsChar()
}

func isPointerPtr(t *ctype.Type) bool {
	return t != nil && t.Kind == ctype.Pointer && t.Elem.Kind == ctype.Pointer
}

func isVoidPtr(t *ctype.Type) bool {
	return t != nil && t.Kind == ctype.Pointer && t.Elem.Kind == ctype.Void
}

// findKin reads the casts of the program: which records are taken for each other, which
// are made from pointers to bytes and the other way round, and which libraries know.
func (s *solver) findKin() {
	s.kin = kin{of: map[*lay]*lay{}}
	s.mixed, s.seenAs = map[[2]scalarClass]bool{}, map[*lay]bool{}
	type pair struct{ from, to *lay }
	var bytes []pair
	became := func(a, b *lay) {
		switch {
		case a == nil || b == nil || a == b:
		case a.pointer() && b.pointer():
			if a.to != nil && b.to != nil {
				s.kin.join(a.to, b.to)
			}
			s.mixed[[2]scalarClass{a.class, b.class}] = true
		case a.pointer() || b.pointer():
			s.seenAs[a], s.seenAs[b] = true, true
		case a == byteLay || b == byteLay:
			bytes = append(bytes, pair{a, b})
		case slices.Contains(a.allOf(b, 0, nil), 0) || slices.Contains(b.allOf(a, 0, nil), 0):
			// One begins with the other: a pointer to either is right as it is.
		default:
			s.kin.join(a, b)
		}
	}
	note := func(l *lay) {
		if l != nil && l.rec != nil {
			s.looked = append(s.looked, l)
		}
	}
	v := s.voids()
	s.void = v
	// named is for a constant address where a pointer to to is wanted: no conversion may
	// say so.
	named := func(f *ir.Func, a ir.Value, to *lay) {
		var at *ctype.Type
		switch {
		case a.Kind == ir.VGlobal:
			at = s.prog.Globals[a.ID].Type
		case a.Kind == ir.VLocal && f != nil:
			at = f.Locals[a.ID].Type
		}
		if at == nil || to == nil {
			return
		}
		if bytesOnly(at) {
			became(byteLay, to)
		}
		if !recordElem(at) && !to.pointer() {
			return
		}
		l := s.lays.of(at)
		c := l.canon(a.Off)
		if c == Any {
			return
		}
		var buf [pathBuf]step
		for _, st := range l.path(int64(c), 0, buf[:0]) {
			switch {
			case st.start != int64(c):
			case st.rec != nil && !to.pointer():
				became(st.rec, to)
			case st.class != plainData && to.pointer():
				became(s.lays.scalar(st.size, st.class, st.to), to)
			}
		}
	}
	for _, g := range s.prog.Globals {
		if g.Type == nil || len(g.Init) == 0 {
			continue
		}
		slots := map[int64][]*lay{}
		ctype.Leaves(g.Type, func(l ctype.Leaf) bool {
			if to := s.pointedAt(l.Type); to != nil {
				slots[l.Off] = append(slots[l.Off], to)
			}
			return len(slots) < 1<<16
		})
		for _, it := range g.Init {
			for _, to := range slots[it.Off] {
				named(nil, it.Value, to)
			}
		}
	}
	for _, f := range s.prog.Funcs {
		for i := range f.Instrs {
			in := &f.Instrs[i]
			switch in.Op {
			case ir.Store:
				named(f, in.B, s.pointedAt(in.Type))
			case ir.Move, ir.Phi:
				for _, to := range v.wanted(s, in.Type, v.base[f.ID]+int32(in.Dst)) {
					named(f, in.A, to)
					for _, a := range in.Args {
						named(f, a, to)
					}
				}
			case ir.Ret:
				if f.Type != nil {
					for _, to := range v.wanted(s, f.Type.Elem, v.base[f.ID]+int32(len(f.Regs))) {
						named(f, in.A, to)
					}
				}
			case ir.Call:
				for k, a := range in.Args {
					if k < len(in.ArgTypes) {
						named(f, a, s.pointedAt(in.ArgTypes[k]))
					}
					if in.A.Kind != ir.VFunc || k >= len(v.params[in.A.ID]) || v.params[in.A.ID][k] == none {
						continue
					}
					for _, t := range v.become[v.params[in.A.ID][k]] {
						named(f, a, t)
					}
				}
			case ir.IndexAddr:
				for _, to := range v.wanted(s, in.Type, v.base[f.ID]+int32(in.Dst)) {
					named(f, in.A, to)
				}
			case ir.FieldAddr:
				if in.Rec != nil {
					note(s.lays.record(in.Rec))
				}
			case ir.Conv:
				for _, to := range v.wanted(s, in.Type, v.base[f.ID]+int32(in.Dst)) {
					named(f, in.A, to)
				}
				a, b := s.pointedAt(in.Opnd), s.pointedAt(in.Type)
				note(a)
				note(b)
				switch {
				case a == byteLay && s.stepsBack(f, in.A), b == byteLay && s.onlyBack(f, in.Dst, 8):
				default:
					became(a, b)
				}
				if isVoidPtr(in.Type) && a != nil {
					for _, t := range v.become[v.base[f.ID]+int32(in.Dst)] {
						became(a, t)
					}
				}
				if x, y := function(in.Opnd), function(in.Type); x != nil && y != nil {
					for k := range min(len(x.Params), len(y.Params)) {
						became(s.pointedAt(x.Params[k].Type), s.pointedAt(y.Params[k].Type))
					}
				}
			}
		}
	}
	s.fromBytes, s.toBytes = map[*lay]bool{}, map[*lay]bool{}
	for _, p := range bytes {
		if p.from == byteLay {
			s.fromBytes[s.kin.root(p.to)] = true
		} else {
			s.toBytes[s.kin.root(p.from)] = true
		}
	}
	s.findArenaRecs(v)
	s.findLibRecs()
	s.findHanded()
	s.blur()
}

// stepsBack reports whether v, a pointer to bytes, is some bytes before something of known type: a record
// that is made of it is what contains that (container_of by way of char *), not one that is made from bytes.
func (s *solver) stepsBack(f *ir.Func, v ir.Value) bool {
	for range 8 {
		switch v.Kind {
		case ir.VGlobal:
			return !bytesOnly(s.prog.Globals[v.ID].Type)
		case ir.VLocal:
			return !bytesOnly(f.Locals[v.ID].Type)
		case ir.VReg:
		default:
			return false
		}
		d := f.Regs[v.ID].Def
		if d < 0 {
			return false
		}
		switch in := &f.Instrs[d]; {
		case in.Op == ir.Conv && !isBytes(in.Opnd):
			return in.Opnd != nil && in.Opnd.Kind == ctype.Pointer && in.Opnd.Elem.Kind != ctype.Void
		case in.Op == ir.Conv, in.Op == ir.Move, back(in):
			v = in.A
		default:
			return false
		}
	}
	return false
}

// back reports whether in goes back by a known number of bytes.
func back(in *ir.Instr) bool {
	return in.Op == ir.IndexAddr && in.Off == 1 && in.B.Kind == ir.VInt && in.B.Off <= 0
}

// onlyBack reports whether all that is made of the pointer to bytes in register r of f is the record some
// bytes before.
func (s *solver) onlyBack(f *ir.Func, r ir.Reg, depth int) bool {
	if depth == 0 || r < 0 {
		return false
	}
	for _, u := range s.usesOf(f)[r] {
		switch in := &f.Instrs[u]; {
		case in.Op == ir.Conv && s.pointee(in.Type) != nil:
		case in.Op == ir.Conv && isBytes(in.Type), in.Op == ir.Move, back(in):
			if !s.onlyBack(f, in.Dst, depth-1) {
				return false
			}
		default:
			return false
		}
	}
	return true
}

// findArenaRecs fills in fromKept: where a program keeps pointers to bytes as pointers to void in memory (an allocator of its own that cuts up blocks and
// has a table of the pieces), the records that pointers to void become which come from memory, or from calls through pointers. No cast says of these that
// they are made from bytes. What is kept so are the pieces of a block: pointers that
// were moved just before. Who keeps text as void pointers cuts up nothing.
func (s *solver) findArenaRecs(v *voids) {
	s.fromKept = map[*lay]bool{}
	kept := false
	for _, f := range s.prog.Funcs {
		for i := range f.Instrs {
			in := &f.Instrs[i]
			if kept || in.Op != ir.Conv || !isBytes(in.Opnd) || !isVoidPtr(in.Type) || in.A.Kind != ir.VReg {
				continue
			}
			kept = slices.ContainsFunc(s.usesOf(f)[in.Dst], func(u int32) bool {
				x := &f.Instrs[u]
				return x.Op == ir.Store && x.B == ir.RegVal(in.Dst)
			}) && stepped(f, in.A, 8)
		}
	}
	if !kept {
		return
	}
	for _, f := range s.prog.Funcs {
		for r := range f.Regs {
			d := f.Regs[r].Def
			if d < 0 || !isVoidPtr(f.Regs[r].Type) {
				continue
			}
			if in := &f.Instrs[d]; in.Op == ir.Load || in.Op == ir.Call && in.A.Kind != ir.VFunc {
				for _, l := range v.become[v.base[f.ID]+int32(r)] {
					s.fromKept[s.kin.root(l)] = true
				}
			}
		}
	}
}

// stepped reports whether v was made in f by a step, looking through depth copies.
func stepped(f *ir.Func, v ir.Value, depth int) bool {
	for ; depth > 0 && v.Kind == ir.VReg && f.Regs[v.ID].Def >= 0; depth-- {
		in := &f.Instrs[f.Regs[v.ID].Def]
		switch in.Op {
		case ir.Conv, ir.Move:
			v = in.A
		case ir.Phi:
			return slices.ContainsFunc(in.Args, func(a ir.Value) bool { return stepped(f, a, depth-1) })
		case ir.IndexAddr, ir.Bin:
			return true
		default:
			return false
		}
	}
	return false
}

// findHanded fills in handed: the records without a name, as members are, to which there are
// pointers for more than to get at their members. Nothing points at others as at something else.
func (s *solver) findHanded() {
	s.handed = map[*lay]bool{}
	anonymous := func(t *ctype.Type) *lay {
		for t != nil && t.Kind == ctype.Array {
			t = t.Elem
		}
		if t == nil || !t.IsRecord() {
			return nil
		}
		if l := s.lays.record(s.prog.Record(t.Rec)); l.anon {
			return l
		}
		return nil
	}
	take := func(t *ctype.Type) {
		if l := anonymous(t); l != nil {
			s.handed[l] = true
		}
	}
	for _, g := range s.prog.Globals {
		take(g.Type)
	}
	for _, f := range s.prog.Funcs {
		for i := range f.Locals {
			take(f.Locals[i].Type)
		}
		for i := range f.Instrs {
			in := &f.Instrs[i]
			if in.Op != ir.FieldAddr || in.Field == nil || in.Dst < 0 {
				continue
			}
			l := anonymous(in.Field.Type)
			if l == nil {
				continue
			}
			for _, u := range s.usesOf(f)[in.Dst] {
				if op := f.Instrs[u].Op; op != ir.FieldAddr && op != ir.Copy && op != ir.Zero {
					s.handed[l] = true
				}
			}
		}
	}
}

// voids says by register (base of the function + number) what pointers to void become
// on their way through registers, direct calls and results.
type voids struct {
	base   []int32
	params [][]int32 // by function: the registers of its parameters that point to void
	become [][]*lay
}

// wanted returns what a pointer of type t in register r is to point at.
func (v *voids) wanted(s *solver, t *ctype.Type, r int32) []*lay {
	if isVoidPtr(t) {
		return v.become[r]
	}
	if l := s.pointedAt(t); l != nil {
		return []*lay{l}
	}
	return nil
}

func (s *solver) voids() *voids {
	v := &voids{}
	n := int32(0)
	for _, f := range s.prog.Funcs {
		v.base = append(v.base, n)
		n += int32(len(f.Regs)) + 1 // and its result
	}
	v.become = make([][]*lay, n)
	preds := make([][]int32, n)
	var work []int32
	add := func(r int32, l *lay) {
		for _, x := range v.become[r] {
			if x == l {
				return
			}
		}
		v.become[r] = append(v.become[r], l)
		work = append(work, r)
	}
	params := make([][]int32, len(s.prog.Funcs))
	v.params = params
	for _, f := range s.prog.Funcs {
		if !f.Defined() {
			continue
		}
		params[f.ID] = make([]int32, len(f.Params))
		for k := range f.Params {
			params[f.ID][k] = none
			for r := range f.Regs {
				if f.Regs[r].Def < 0 && f.Regs[r].Local == f.Params[k] && isVoidPtr(f.Regs[r].Type) {
					params[f.ID][k] = v.base[f.ID] + int32(r)
				}
			}
		}
	}
	for _, f := range s.prog.Funcs {
		base := v.base[f.ID]
		edge := func(a ir.Value, to int32) {
			if a.Kind == ir.VReg && isVoidPtr(f.Regs[a.ID].Type) {
				preds[to] = append(preds[to], base+a.ID)
			}
		}
		for i := range f.Instrs {
			switch in := &f.Instrs[i]; in.Op {
			case ir.Conv:
				if in.A.Kind != ir.VReg || !isVoidPtr(in.Opnd) {
					continue
				}
				if l := s.pointedAt(in.Type); l != nil {
					add(base+in.A.ID, l)
				} else if isVoidPtr(in.Type) {
					edge(in.A, base+int32(in.Dst))
				}
			case ir.Move:
				edge(in.A, base+int32(in.Dst))
			case ir.Phi:
				for _, a := range in.Args {
					edge(a, base+int32(in.Dst))
				}
			case ir.Ret:
				edge(in.A, base+int32(len(f.Regs)))
			case ir.Call:
				if in.A.Kind != ir.VFunc || !s.prog.Funcs[in.A.ID].Defined() {
					continue
				}
				for k, p := range params[in.A.ID] {
					if p != none && k < len(in.Args) {
						edge(in.Args[k], p)
					}
				}
				if in.Dst >= 0 && isVoidPtr(f.Regs[in.Dst].Type) {
					g := s.prog.Funcs[in.A.ID]
					preds[base+int32(in.Dst)] = append(preds[base+int32(in.Dst)], v.base[g.ID]+int32(len(g.Regs)))
				}
			}
		}
	}
	for len(work) > 0 {
		r := work[len(work)-1]
		work = work[:len(work)-1]
		for _, p := range preds[r] {
			for _, l := range v.become[r] {
				add(p, l)
			}
		}
	}
	return v
}

// findLibRecs finds the records that library functions and variables speak of.
func (s *solver) findLibRecs() {
	s.libRecs = map[*lay]bool{}
	seen := map[*lay]bool{}
	var known func(t *ctype.Type)
	known = func(t *ctype.Type) {
		for t != nil && (t.Kind == ctype.Pointer || t.Kind == ctype.Array) {
			t = t.Elem
		}
		switch {
		case t == nil:
		case t.IsRecord():
			l := s.lays.record(t.Rec)
			if seen[l] {
				return
			}
			seen[l], s.libRecs[s.kin.root(l)] = true, true
			for _, f := range s.prog.Record(t.Rec).Fields {
				known(f.Type)
			}
		case t.Kind == ctype.Func:
			known(t.Elem)
			for _, p := range t.Func.Params {
				known(p.Type)
			}
		}
	}
	for _, f := range s.prog.Funcs {
		if !f.Defined() {
			known(f.Type)
		}
	}
	for _, g := range s.prog.Globals {
		if g.Linkage == ir.Undefined {
			known(g.Type)
		}
	}
}

// function returns the type of the function that t is or points at.
func function(t *ctype.Type) *ctype.FuncType {
	if t != nil && t.Kind == ctype.Pointer {
		t = t.Elem
	}
	if t == nil || t.Kind != ctype.Func {
		return nil
	}
	return t.Func
}
