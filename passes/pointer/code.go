package pointer

import (
	"slices"

	"saz/ir"
)

// A paramKey is a parameter of a procedure.
type paramKey struct {
	f ir.FuncID
	i int
}

// codeParams returns the parameters that are not declared as pointers to functions and are handed what is
// made of one, by whatever way of calls: a closure over the arguments of all calls that are parameters of
// who calls. A call through a pointer may be one of each function whose address is taken.
func (s *solver) codeParams() map[paramKey]bool {
	if s.codeAt != nil {
		return s.codeAt
	}
	s.codeAt = map[paramKey]bool{}
	to := map[paramKey][]paramKey{}
	var work []paramKey
	mark := func(p paramKey) {
		if !s.codeAt[p] {
			s.codeAt[p] = true
			work = append(work, p)
		}
	}
	var taken []*ir.Func
	for _, f := range s.prog.Funcs {
		if s.carrier.taken[f.ID] && len(f.Blocks) > 0 {
			taken = append(taken, f)
		}
	}
	through := map[int]bool{}           // places of arguments at which a call through a pointer hands over code
	throughFrom := map[paramKey][]int{} // or a parameter of who calls
	for _, f := range s.prog.Funcs {
		for i := range f.Instrs {
			in := &f.Instrs[i]
			if in.Op != ir.Call {
				continue
			}
			for k, a := range in.Args {
				made, from := s.madeOfCode(f, a)
				switch {
				case in.A.Kind == ir.VFunc:
					p := paramKey{ir.FuncID(in.A.ID), k}
					if made {
						mark(p)
					}
					for _, j := range from {
						to[paramKey{f.ID, j}] = append(to[paramKey{f.ID, j}], p)
					}
				case made:
					through[k] = true
				default:
					for _, j := range from {
						throughFrom[paramKey{f.ID, j}] = append(throughFrom[paramKey{f.ID, j}], k)
					}
				}
			}
		}
	}
	all := func(k int) {
		for _, f := range taken {
			mark(paramKey{f.ID, k})
		}
	}
	for k := range through {
		all(k)
	}
	for len(work) > 0 {
		p := work[len(work)-1]
		work = work[:len(work)-1]
		for _, q := range to[p] {
			mark(q)
		}
		for _, k := range throughFrom[p] {
			if !through[k] {
				through[k] = true
				all(k)
			}
		}
	}
	return s.codeAt
}

// madeOfCode reports whether value v of f is made of a pointer to a function by conversions, and lists the parameters
// of f, by number, that it may be instead.
func (s *solver) madeOfCode(f *ir.Func, v ir.Value) (made bool, params []int) {
	var seen []ir.Reg
	var walk func(v ir.Value) bool
	walk = func(v ir.Value) bool {
		switch v.Kind {
		case ir.VFunc:
			return true
		case ir.VReg:
		default:
			return false
		}
		r := ir.Reg(v.ID)
		t := f.Regs[r].Type
		if isFuncPtr(t) {
			return true
		}
		if slices.Contains(seen, r) {
			return false
		}
		seen = append(seen, r)
		d := f.Regs[r].Def
		if d < 0 {
			if k := slices.Index(f.Params, f.Regs[r].Local); k >= 0 && (t == nil || isVoidPtr(t) || wideInt(t) || isBytes(t)) {
				params = append(params, k)
			}
			return false
		}
		switch in := &f.Instrs[d]; in.Op {
		case ir.Conv:
			return isFuncPtr(in.Opnd) || walk(in.A)
		case ir.Move:
			return walk(in.A)
		case ir.Phi:
			return slices.ContainsFunc(in.Args, walk)
		}
		return false
	}
	made = walk(v) // first: it lists them
	return made, params
}
