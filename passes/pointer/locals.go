package pointer

import (
	"slices"

	"saz/frontend/ctype"
	"saz/ir"
)

// Locals in memory of copied procedures. A record that a small procedure returns, or has
// on the way to something else (a string with its length, a buffer's descriptor), would hold
// what all its copies put there. So each copy has objects of its own for such locals, as
// it has registers: an object stands for the variable as the calls that lead to the copy
// have it. In the result they are one again, the variable: see family.
//
// That is for locals whose address goes nowhere but into loads, stores, block copies and calls that are
// copied themselves: in the parameter of another procedure, one for each copy would only make
// sets larger.

// localOf returns the object of a local of f, -1 if it is in no memory.
func (s *solver) localOf(f *inst, l ir.LocalID) ObjID {
	base := s.localObj(f.ID, l)
	if base < 0 || f.parent == nil || !s.privateOf(f.Func)[l] {
		return base
	}
	for _, x := range f.locals {
		if s.objects[x].Local == l {
			return x
		}
	}
	o := s.newObject(s.objects[base], s.lays.of(s.objects[base].Type))
	s.viewed[o] = bytesOnly(s.objects[base].Type)
	f.locals = append(f.locals, o)
	s.copyOf[o] = base
	return o
}

// privateOf says which locals of f are of each copy's own.
func (s *solver) privateOf(f *ir.Func) []bool {
	if p := s.private[f.ID]; p != nil {
		return p
	}
	out := make([]bool, len(f.Locals))
	for i := range f.Locals {
		out[i] = !f.Locals[i].Lifted && f.Locals[i].Type != nil
	}
	// Which local the address in a register is of.
	of := make([]ir.LocalID, len(f.Regs))
	for r := range of {
		of[r] = -1
	}
	local := func(v ir.Value) ir.LocalID {
		switch v.Kind {
		case ir.VLocal:
			return ir.LocalID(v.ID)
		case ir.VReg:
			return of[v.ID]
		}
		return -1
	}
	handed := func(v ir.Value) { // on, to where it is not known whose it is
		if l := local(v); l >= 0 {
			out[l] = false
		}
	}
	for again := true; again; {
		again = false
		for i := range f.Instrs {
			in := &f.Instrs[i]
			switch in.Op {
			case ir.FieldAddr, ir.IndexAddr, ir.Move, ir.Conv:
				if l := local(in.A); l >= 0 && in.Dst >= 0 {
					if carries(in.Type) && (in.Type == nil || in.Type.Kind == ctype.Pointer) {
						if of[in.Dst] != l {
							of[in.Dst] = l
							again = true
						}
					} else {
						out[l] = false
					}
				}
			}
		}
	}
	for i := range f.Instrs {
		in := &f.Instrs[i]
		switch in.Op {
		case ir.FieldAddr, ir.Move, ir.Conv, ir.Load, ir.LoadBits, ir.StoreBits, ir.Zero, ir.Copy, ir.Cmp, ir.Branch, ir.Ret, ir.LifeStart, ir.Asm:
			if in.Op == ir.Ret && in.A.Kind == ir.VReg {
				handed(in.A)
			}
			if in.Op == ir.StoreBits {
				handed(in.B)
			}
		case ir.IndexAddr:
			handed(in.B)
		case ir.Store:
			handed(in.B)
		case ir.Call:
			for _, a := range in.Args {
				if !s.keepsApart(in) {
					handed(a)
				}
			}
			handed(in.A)
		case ir.Builtin:
			at, ok := ir.AtomicOf(in.Name)
			for k, a := range in.Args {
				if !ok || k > 0 && at.Role(k) == ir.AtomicValue {
					handed(a)
				}
			}
		default:
			handed(in.A)
			handed(in.B)
			for _, a := range in.Args {
				handed(a)
			}
		}
	}
	s.private[f.ID] = out
	return out
}

// keepsApart reports whether the call is of something that is analysed for this call alone.
func (s *solver) keepsApart(in *ir.Instr) bool {
	if in.A.Kind != ir.VFunc {
		return false
	}
	if s.cloned[in.A.ID] {
		return true
	}
	m := s.modelOf(ir.FuncID(in.A.ID))
	return m != nil && m.Slot == "" && len(m.Keeps)+len(m.KeepsIn)+len(m.Calls)+len(m.Puts)+len(m.Moves) == 0
}

// joinLocals makes the objects of copies' locals those of the variables again: in sets, and
// in what is stored in them.
func (s *solver) joinLocals() {
	for o := range s.objects {
		base, ok := s.copyOf[ObjID(o)]
		if !ok || s.standsFor(ObjID(o)) != ObjID(o) {
			continue
		}
		s.family[base] = append(s.family[base], ObjID(o))
		if s.objLay[o] == meltedLay {
			s.meltedFamily[base] = true
		}
	}
	for base := range s.family {
		if s.objLay[base] == meltedLay {
			s.meltedFamily[base] = true
		} else if s.meltedFamily[base] {
			s.objLay[base] = meltedLay
		}
	}
}

// variable returns the place of the variable that l is of a copy of.
func (s *solver) variable(l Loc) Loc {
	if base, ok := s.copyOf[l.Obj]; ok {
		l.Obj = base
	}
	return l
}

// familyContents is what is at off of o, or of what a copy has for it.
func (s *solver) familyContents(o ObjID, off int32) []Loc {
	if s.meltedFamily[o] {
		off = Any
	}
	out := slices.Clone(s.contentsIn(o, off))
	for _, x := range s.family[o] {
		out = append(out, s.contentsIn(x, off)...)
	}
	return cover(sortLocs(out))
}
