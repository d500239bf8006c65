package merge

import (
	"saz/frontend/check"
	"saz/frontend/ctype"
	"saz/ir"
)

// strip goes back over moves and conversions.
func strip(f *ir.Func, v ir.Value) ir.Value {
	for d := 0; v.Kind == ir.VReg && f.Regs[v.ID].Def >= 0 && d < 32; d++ {
		in := &f.Instrs[f.Regs[v.ID].Def]
		if in.Op != ir.Conv && in.Op != ir.Move {
			break
		}
		v = in.A
	}
	return v
}

// def returns the instruction that computes v, moves and conversions aside.
func def(f *ir.Func, v ir.Value) *ir.Instr {
	v = strip(f, v)
	if v.Kind != ir.VReg || f.Regs[v.ID].Def < 0 {
		return nil
	}
	return &f.Instrs[f.Regs[v.ID].Def]
}

// formOf says what the instruction at i does to the old value of the place that it
// writes.
func formOf(p *ir.Program, f *ir.Func, i int32) form {
	st := &f.Instrs[i]
	if st.Op != ir.Store {
		return other
	}
	d := def(f, st.B)
	if d == nil {
		return guarded(f, st)
	}
	old := func(v ir.Value) bool {
		ld := def(f, v)
		return ld != nil && ld.Op == ir.Load && sameAddr(f, ld.A, st.A)
	}
	switch d.Op {
	case ir.Bin:
		switch {
		case d.Sub == check.Add && old(d.A) && !depends(f, d.B, st.A, 0):
			return add
		case d.Sub == check.Add && old(d.B) && !depends(f, d.A, st.A, 0):
			return add
		case d.Sub == check.Sub && old(d.A) && !depends(f, d.B, st.A, 0):
			return add
		}
		return guarded(f, st)
	case ir.Call:
		if d.A.Kind == ir.VFunc && len(d.Args) == 2 && (old(d.Args[0]) || old(d.Args[1])) {
			switch p.Funcs[d.A.ID].Name {
			case "fmax", "fmaxf", "__builtin_fmax":
				return maximum
			case "fmin", "fminf", "__builtin_fmin":
				return minimum
			}
		}
	case ir.Phi:
		return chosen(f, st, d)
	}
	return guarded(f, st)
}

// depends reports whether v is computed from what is at address a.
func depends(f *ir.Func, v ir.Value, a ir.Value, depth int) bool {
	d := def(f, v)
	if d == nil || depth > 12 {
		return depth > 12
	}
	if d.Op == ir.Load {
		return sameAddr(f, d.A, a)
	}
	if d.Op == ir.Call {
		return false
	}
	found := false
	d.Operands(func(x *ir.Value) {
		if x.Kind == ir.VReg && d.Op != ir.Phi {
			found = found || depends(f, *x, a, depth+1)
		}
	})
	return found
}

// guarded recognises if (y > x) x = y.
func guarded(f *ir.Func, st *ir.Instr) form {
	b := &f.Blocks[st.Block]
	if len(b.Preds) != 1 {
		return other
	}
	pred := b.Preds[0]
	t := f.Term(pred)
	if t.Op != ir.Branch || f.Blocks[pred].Succs[0] == f.Blocks[pred].Succs[1] {
		return other
	}
	return compared(f, t, f.Blocks[pred].Succs[0] == st.Block, st.A, st.B)
}

// chosen recognises x = y > x ? y : x.
func chosen(f *ir.Func, st, phi *ir.Instr) form {
	if len(phi.Args) != 2 {
		return other
	}
	for k := range phi.Args {
		ld := def(f, phi.Args[k])
		if ld == nil || ld.Op != ir.Load || !sameAddr(f, ld.A, st.A) {
			continue
		}
		// The other one comes where the branch goes the other way.
		y := phi.Args[1-k]
		from := f.Blocks[phi.Block].Preds[1-k]
		at := from
		if t := f.Term(at); t.Op != ir.Branch {
			if len(f.Blocks[at].Preds) != 1 {
				return other
			}
			from, at = f.Blocks[at].Preds[0], from
		} else {
			at = phi.Block
		}
		t := f.Term(from)
		if t.Op != ir.Branch {
			return other
		}
		return compared(f, t, f.Blocks[from].Succs[0] == at, st.A, y)
	}
	return other
}

// compared says which form it is if y is stored at a where the branch t is (not) taken.
func compared(f *ir.Func, t *ir.Instr, taken bool, a, y ir.Value) form {
	cmp := def(f, t.A)
	if cmp == nil || cmp.Op != ir.Cmp {
		return other
	}
	greater := false
	switch cmp.Sub {
	case check.Gt, check.Ge:
		greater = true
	case check.Lt, check.Le:
	default:
		// A condition as a value: (y > x) != 0.
		if in := def(f, cmp.A); in != nil && in.Op == ir.Cmp && cmp.B.Kind == ir.VInt && cmp.B.Off == 0 && (cmp.Sub == check.Ne || cmp.Sub == check.Eq) {
			inner := *t
			inner.A = cmp.A
			return compared(f, &inner, taken == (cmp.Sub == check.Ne), a, y)
		}
		return other
	}
	if !taken {
		greater = !greater
	}
	isOld := func(v ir.Value) bool {
		ld := def(f, v)
		return ld != nil && ld.Op == ir.Load && sameAddr(f, ld.A, a)
	}
	l, r := cmp.A, cmp.B
	switch {
	case isOld(r) && alike(f, l, y, 0):
	case isOld(l) && alike(f, r, y, 0):
		greater = !greater
	default:
		return other
	}
	if greater {
		return maximum
	}
	return minimum
}

// alike reports whether two values are the same: computed in the same way, where loads of one place count as
// the same, or one is loaded from where the other was just stored (if (++n > most) most = n).
func alike(f *ir.Func, a, b ir.Value, depth int) bool {
	a, b = strip(f, a), strip(f, b)
	if a == b {
		return true
	}
	if depth > 8 {
		return false
	}
	x, y := def(f, a), def(f, b)
	for _, p := range [][2]*ir.Instr{{x, y}, {y, x}} {
		if ld, v := p[0], a; ld != nil && ld.Op == ir.Load {
			if p[0] == x {
				v = b
			}
			if stored(f, ld.A, v) {
				return true
			}
		}
	}
	if x == nil || y == nil || x.Op != y.Op || x.Off != y.Off || x.Sub != y.Sub {
		return false
	}
	switch x.Op {
	case ir.Load:
		return sameAddr(f, x.A, y.A)
	case ir.FieldAddr:
		return alike(f, x.A, y.A, depth+1)
	case ir.Bin, ir.IndexAddr:
		return alike(f, x.A, y.A, depth+1) && alike(f, x.B, y.B, depth+1)
	}
	return false
}

// stored reports whether f stores v at a.
func stored(f *ir.Func, a, v ir.Value) bool {
	for i := range f.Instrs {
		if st := &f.Instrs[i]; st.Op == ir.Store && sameAddr(f, st.A, a) && strip(f, st.B) == v {
			return true
		}
	}
	return false
}

// sameAddr reports whether two address operands are certainly equal: the same
// register, the same constant, or addresses of the same field or element of the same base.
func sameAddr(f *ir.Func, a, b ir.Value) bool {
	a, b = strip(f, a), strip(f, b)
	if a.Kind == b.Kind && a.ID == b.ID && a.Off == b.Off {
		return true
	}
	x, y := def(f, a), def(f, b)
	if x == nil || y == nil || x.Op != y.Op || x.Off != y.Off {
		return false
	}
	switch x.Op {
	case ir.FieldAddr:
		return sameAddr(f, x.A, y.A)
	case ir.IndexAddr:
		return sameAddr(f, x.A, y.A) && strip(f, x.B) == strip(f, y.B)
	case ir.Load: // a pointer variable, read twice
		return x.Type.Kind == ctype.Pointer && sameAddr(f, x.A, y.A)
	}
	return false
}
