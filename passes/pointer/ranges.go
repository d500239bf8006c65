package pointer

import (
	"math"
	"sort"

	"saz/frontend/check"
	"saz/frontend/ctype"
	"saz/ir"
)

// What is known of an integer that is added to a pointer, or says how much is
// copied: the interval of its values. Tags of pointers (tree + EB_LEAF), negative
// offsets of members and sizes are constants more often than they look, once
// procedures that are analysed anew for each call know what they are called with.
//
// A value that depends on itself is anything of its type, but for the counter of a loop
// that is left when it passes a constant.

type interval struct{ lo, hi int64 }

var anyInt = interval{math.MinInt64, math.MaxInt64}

// rangeDepth bounds how far a value is followed.
const rangeDepth = 24

type rangeKey struct {
	f *inst
	r int32
}

func (i interval) join(j interval) interval { return interval{min(i.lo, j.lo), max(i.hi, j.hi)} }

// few returns the values of i if they are at most n.
func (i interval) few(n int64) []int64 {
	if !i.known() || i.hi-i.lo >= n {
		return nil
	}
	var out []int64
	for v := i.lo; v <= i.hi; v++ {
		out = append(out, v)
	}
	return out
}

// known reports whether i says something.
func (i interval) known() bool { return i.lo > math.MinInt32 && i.hi < math.MaxInt32 }

// of restricts i to the values of type t: what does not fit wraps.
func (i interval) of(t *ctype.Type) interval {
	if lo, hi, ok := typeRange(t); ok {
		if i.lo < lo || i.hi > hi {
			return interval{lo, hi}
		}
		return i
	}
	return i
}

// typeRange returns the least and greatest value of integer type t.
func typeRange(t *ctype.Type) (lo, hi int64, ok bool) {
	if t == nil || !t.IsInteger() {
		return 0, 0, false
	}
	n := ctype.SizeOf(t)
	switch {
	case t.Kind == ctype.Bool:
		return 0, 1, true
	case n >= 8:
		if t.IsSigned() {
			return math.MinInt64, math.MaxInt64, true
		}
		return 0, math.MaxInt64, true // as if; nothing that matters is larger
	case t.IsSigned():
		return -1 << (8*n - 1), 1<<(8*n-1) - 1, true
	}
	return 0, 1<<(8*n) - 1, true
}

// values returns the interval of operand v of instruction at of f.
func (s *solver) values(f *inst, v ir.Value, at int32) interval { return s.usedAt(f, v, at, 0) }

// usedAt is valuesAt for a value that instruction at uses: in the body of a loop its
// counter has not passed the limit.
func (s *solver) usedAt(f *inst, v ir.Value, at int32, depth int) interval {
	i := s.valuesAt(f, v, depth)
	for range 4 {
		if v.Kind != ir.VReg {
			return i
		}
		if c := s.counter(f.Func, v.ID); c != nil {
			if s.domOf(f.Func).Dominates(c.body, blockOf(f.Func, at)) {
				i.lo, i.hi = max(i.lo, c.in.lo), min(i.hi, c.in.hi)
			}
			return i
		}
		d := f.Regs[v.ID].Def
		if d < 0 || f.Instrs[d].Op != ir.Move && f.Instrs[d].Op != ir.Conv || !f.Instrs[d].Type.IsInteger() {
			return i
		}
		v = f.Instrs[d].A
	}
	return i
}

// A counter is a register that counts the rounds of a loop.
type counter struct {
	in   interval // its values in the body
	past interval // and anywhere
	body ir.BlockID
}

type counterKey struct {
	f ir.FuncID
	r int32
}

// counter returns what register r of f counts, nil if nothing: it is a constant before
// the loop, one constant more each time, and the loop goes on while it is less than
// a third.
func (s *solver) counter(f *ir.Func, r int32) *counter {
	k := counterKey{f.ID, r}
	c, ok := s.counters[k]
	if !ok {
		c = s.findCounter(f, r)
		s.counters[k] = c
	}
	return c
}

func (s *solver) findCounter(f *ir.Func, r int32) *counter {
	d := f.Regs[r].Def
	if d < 0 || f.Instrs[d].Op != ir.Phi || len(f.Instrs[d].Args) != 2 {
		return nil
	}
	b := blockOf(f, d)
	t := f.Term(b)
	if t.Op != ir.Branch || t.A.Kind != ir.VReg || f.Regs[t.A.ID].Def < 0 {
		return nil
	}
	cmp := &f.Instrs[f.Regs[t.A.ID].Def]
	if cmp.Op != ir.Cmp || cmp.A.Kind != ir.VReg || cmp.A.ID != r || cmp.B.Kind != ir.VInt || cmp.B.Str != "" {
		return nil
	}
	limit := cmp.B.Off
	switch cmp.Sub {
	case check.Lt:
		limit--
	case check.Le:
	default:
		return nil
	}
	body := f.Blocks[b].Succs[0]
	if p := f.Blocks[body].Preds; len(p) != 1 || body == f.Blocks[b].Succs[1] {
		return nil
	}
	for i, a := range f.Instrs[d].Args {
		inc := a
		init, ok := fold(f, f.Instrs[d].Args[1-i], 0)
		if !ok || init < 0 {
			continue
		}
		for inc.Kind == ir.VReg && f.Regs[inc.ID].Def >= 0 && (f.Instrs[f.Regs[inc.ID].Def].Op == ir.Move) {
			inc = f.Instrs[f.Regs[inc.ID].Def].A
		}
		if inc.Kind != ir.VReg || f.Regs[inc.ID].Def < 0 {
			continue
		}
		at := f.Regs[inc.ID].Def
		add := &f.Instrs[at]
		if add.Op != ir.Bin || add.Sub != check.Add || add.A.Kind != ir.VReg || add.A.ID != r || add.B.Kind != ir.VInt || add.B.Off <= 0 || add.B.Off > 1<<20 ||
			!s.domOf(f).Dominates(body, blockOf(f, at)) {
			continue
		}
		if limit < init || limit > 1<<30 {
			return nil
		}
		return &counter{interval{init, limit}, interval{init, limit + add.B.Off}, body}
	}
	return nil
}

func (s *solver) domOf(f *ir.Func) *ir.DomTree {
	t := s.doms[f.ID]
	if t == nil {
		t = ir.Dominators(f)
		s.doms[f.ID] = t
	}
	return t
}

// blockOf returns the block of instruction i.
func blockOf(f *ir.Func, i int32) ir.BlockID {
	return ir.BlockID(sort.Search(len(f.Blocks), func(b int) bool { return f.Blocks[b].Hi > i }))
}

func (s *solver) valuesAt(f *inst, v ir.Value, depth int) interval {
	switch v.Kind {
	case ir.VInt:
		if v.Str == "" {
			return interval{v.Off, v.Off}
		}
		return anyInt
	case ir.VReg:
	default:
		return anyInt
	}
	t := f.Regs[v.ID].Type
	top := anyInt.of(t)
	if t == nil || !t.IsInteger() || depth > rangeDepth {
		return top
	}
	k := rangeKey{f, v.ID}
	if i, ok := s.ranges[k]; ok {
		return i
	}
	s.ranges[k] = top // for who comes back here
	i := s.compute(f, v.ID, depth).of(t)
	s.ranges[k] = i
	return i
}

func (s *solver) compute(f *inst, r int32, depth int) interval {
	at := func(v ir.Value) interval { return s.valuesAt(f, v, depth+1) }
	d := f.Regs[r].Def
	if d < 0 {
		return s.paramValues(f, f.Regs[r].Local, depth)
	}
	in := &f.Instrs[d]
	switch in.Op {
	case ir.Move:
		return at(in.A)
	case ir.Conv:
		if c, ok := fold(f.Func, ir.RegVal(ir.Reg(r)), 0); ok {
			return interval{c, c} // offsetof, as it is written without a compiler's help
		}
		if in.Opnd == nil || !in.Opnd.IsInteger() {
			return anyInt
		}
		i := at(in.A)
		if i.lo < 0 && !in.Type.IsSigned() {
			return anyInt
		}
		return i
	case ir.Cmp:
		return interval{0, 1}
	case ir.LoadBits:
		if in.Field != nil && in.Field.BitField && in.Field.BitWidth > 0 && in.Field.BitWidth < 31 {
			w := in.Field.BitWidth
			return interval{-1 << (w - 1), 1<<w - 1}
		}
	case ir.Un:
		if in.Sub == check.Neg {
			if i := at(in.A); i.known() {
				return interval{-i.hi, -i.lo}
			}
		}
	case ir.Phi:
		if c := s.counter(f.Func, r); c != nil {
			return c.past
		}
		i := interval{math.MaxInt64, math.MinInt64}
		for _, a := range in.Args {
			if a.Kind == ir.VUndef || a.Kind == ir.VReg && a.ID == r {
				continue
			}
			i = i.join(at(a))
			if !i.known() {
				return anyInt
			}
		}
		if i.lo > i.hi {
			return anyInt
		}
		return i
	case ir.Bin:
		a, b := at(in.A), at(in.B)
		switch in.Sub {
		case check.And:
			switch {
			case b.lo >= 0 && a.lo >= 0:
				return interval{0, min(a.hi, b.hi)}
			case b.lo >= 0:
				return interval{0, b.hi}
			case a.lo >= 0:
				return interval{0, a.hi}
			}
			return anyInt
		}
		if !a.known() || !b.known() {
			return anyInt
		}
		switch in.Sub {
		case check.Add:
			return interval{a.lo + b.lo, a.hi + b.hi}
		case check.Sub:
			return interval{a.lo - b.hi, a.hi - b.lo}
		case check.Mul:
			p, q, r, t := a.lo*b.lo, a.lo*b.hi, a.hi*b.lo, a.hi*b.hi
			return interval{min(p, q, r, t), max(p, q, r, t)}
		case check.Xor, check.Or:
			if a.lo >= 0 && b.lo >= 0 {
				m := int64(1)
				for m <= a.hi || m <= b.hi {
					m <<= 1
				}
				return interval{0, m - 1}
			}
		case check.Shl:
			if b.lo == b.hi && b.lo >= 0 && b.lo < 16 {
				return interval{a.lo << b.lo, a.hi << b.lo}
			}
		case check.Shr:
			if b.lo == b.hi && b.lo >= 0 && b.lo < 31 {
				return interval{a.lo >> b.lo, a.hi >> b.lo}
			}
		case check.Rem:
			if b.lo > 0 && a.lo >= 0 {
				return interval{0, b.hi - 1}
			}
		case check.Div:
			if b.lo > 0 {
				return interval{min(a.lo, a.lo/b.lo), max(a.hi, a.hi/b.lo)}
			}
		}
	case ir.Call:
		if in.A.Kind != ir.VFunc || in.Type == nil || !in.Type.IsInteger() {
			return anyInt
		}
		g := s.prog.Funcs[in.A.ID]
		if !g.Defined() {
			return anyInt
		}
		x := f.kid(d)
		if x == nil {
			x = s.base[g.ID]
		}
		if x == nil {
			return anyInt
		}
		i := interval{math.MaxInt64, math.MinInt64}
		for b := range x.Blocks {
			if t := x.Term(ir.BlockID(b)); t.Op == ir.Ret && t.A.Kind != ir.NoVal {
				i = i.join(s.valuesAt(x, t.A, depth+1))
				if !i.known() {
					return anyInt
				}
			}
		}
		if i.lo <= i.hi {
			return i
		}
	}
	return anyInt
}

// paramValues is what the parameter in local l of f may be: known for a copy of a
// procedure, and where all calls are known.
func (s *solver) paramValues(f *inst, l ir.LocalID, depth int) interval {
	k := -1
	for i, p := range f.Params {
		if p == l {
			k = i
		}
	}
	if k < 0 {
		return anyInt
	}
	if f.parent != nil {
		in := &f.parent.Instrs[f.at]
		if k >= len(in.Args) {
			return anyInt
		}
		return s.usedAt(f.parent, in.Args[k], f.at, depth+1)
	}
	if s.carrier.taken[f.ID] || f.ID == s.prog.Entry || s.prog.Entry < 0 || s.knownCalls == nil {
		return anyInt
	}
	calls := s.knownCalls[f.ID]
	if len(calls) == 0 || len(calls) > 40 {
		return anyInt
	}
	i := interval{math.MaxInt64, math.MinInt64}
	for _, ref := range calls {
		in := &s.prog.Funcs[ref.Func].Instrs[ref.I]
		if k >= len(in.Args) {
			return anyInt
		}
		if s.base[ref.Func] == nil && (s.carrier.taken[ref.Func] || s.prog.Funcs[ref.Func].Ctor) {
			return anyInt // it may yet be called from anywhere
		}
		for _, x := range s.insts[ref.Func] {
			i = i.join(s.usedAt(x, in.Args[k], ref.I, depth+1))
			if !i.known() {
				return anyInt
			}
		}
	}
	return i
}
