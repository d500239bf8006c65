package pointer

import (
	"saz/ir"
)

// Context sensitivity where it is cheap: small procedures (accessors, list and
// tree operations, allocation pools, string helpers) are analysed anew for each
// direct call of them, as if they were inlined. A copy has registers, parameters
// and a result of its own, and what it allocates is named by the whole chain of
// calls that leads to it. Of its locals in memory: see locals.go.
//
// Which procedures are copied does not depend on the order of anything: a
// procedure that is not recursive (by direct calls), passes pointers in or out,
// and costs, together with the copies in it, no more than a bound. The bound
// starts at cloneCost and is lowered until the program's copies are at most
// cloneGrowth times the program.
const (
	cloneCost   = 30
	cloneGrowth = 4
	cloneMany   = 4000 // cost times calls of one procedure
)

// An inst is a procedure as it is called from anywhere, or a copy of it for one
// call.
type inst struct {
	*ir.Func
	regs   int32 // the first register's node
	params int32 // the first parameter's
	ret    int32
	va     int32
	parent *inst // of a copy
	at     int32 // the call in parent
	calls  []int32
	kids   []*inst           // by calls
	fresh  map[int32][]ObjID // what calls of allocators in it make
	locals []ObjID           // of a copy's own
	made   bool              // its constraints exist
}

// kid returns the copy for call i, nil if that call is not copied.
func (f *inst) kid(i int32) *inst {
	for k, c := range f.calls {
		if c == i {
			return f.kids[k]
		}
	}
	return nil
}

// ref names instruction i of f.
func (f *inst) ref(i int32) ir.Ref { return ir.Ref{Func: f.ID, I: i} }

// path lists the calls that lead to instruction i, innermost first, and the
// procedure that they start in.
func (f *inst) path(i int32) ([]ir.Ref, *inst) {
	p := []ir.Ref{f.ref(i)}
	for f.parent != nil {
		p = append(p, f.parent.ref(f.at))
		f = f.parent
	}
	return p, f
}

// cost is how many constraints a procedure makes, about.
func (s *solver) cost(f *ir.Func) int {
	n := len(f.Params)
	for i := range f.Instrs {
		switch in := &f.Instrs[i]; in.Op {
		case ir.Load, ir.Bin, ir.Phi:
			if carries(in.Type) {
				n++
			}
		case ir.Store:
			if carries(in.Type) {
				n++
			}
		case ir.Call:
			n += 1 + len(in.Args)/2
		case ir.Copy, ir.FieldAddr, ir.IndexAddr, ir.Alloca, ir.Builtin, ir.Asm:
			n++
		}
	}
	return n
}

// passes reports whether f takes or returns what may hold a pointer.
func passesPointers(f *ir.Func) bool {
	for _, p := range f.Params {
		if carries(f.Locals[p].Type) {
			return true
		}
	}
	return f.Type != nil && f.Type.Elem != nil && carries(f.Type.Elem)
}

// chooseClones decides which procedures are copied.
func (s *solver) chooseClones() {
	n := len(s.prog.Funcs)
	s.cloned = make([]bool, n)
	own := make([]int, n)
	calls := make([]int, n) // direct calls of
	callees := make([][]int32, n)
	program := 0
	for _, f := range s.prog.Funcs {
		if !f.Defined() {
			continue
		}
		own[f.ID] = s.cost(f)
		program += own[f.ID]
		for i := range f.Instrs {
			if in := &f.Instrs[i]; in.Op == ir.Call && in.A.Kind == ir.VFunc && s.prog.Funcs[in.A.ID].Defined() {
				calls[in.A.ID]++
				callees[f.ID] = append(callees[f.ID], in.A.ID)
			}
		}
	}
	order, rec := bottomUp(callees)
	for bound := cloneCost; bound > 0; bound = bound * 3 / 4 {
		total := make([]int, n) // with the copies in it
		sum := 0
		for _, v := range order {
			f := s.prog.Funcs[v]
			t := own[v]
			for _, c := range callees[v] {
				if s.cloned[c] {
					t += total[c]
				}
			}
			total[v] = t
			s.cloned[v] = f.Defined() && !rec[v] && calls[v] > 0 && passesPointers(f) && t <= bound && t*calls[v] <= cloneMany
			if !s.cloned[v] {
				sum += t
			}
		}
		if sum <= cloneGrowth*program {
			break
		}
	}
}

// bottomUp orders the nodes of a graph, successors first, and says which are in
// cycles.
func bottomUp(succ [][]int32) (order []int32, rec []bool) {
	n := len(succ)
	rec = make([]bool, n)
	index, low := make([]int32, n), make([]int32, n)
	on := make([]bool, n)
	var stack []int32
	type frame struct {
		v int32
		i int
	}
	count := int32(0)
	for r := range n {
		if index[r] != 0 {
			continue
		}
		work := []frame{{int32(r), 0}}
		for len(work) > 0 {
			fr := &work[len(work)-1]
			v := fr.v
			if fr.i == 0 && index[v] == 0 {
				count++
				index[v], low[v] = count, count
				stack = append(stack, v)
				on[v] = true
			}
			if fr.i < len(succ[v]) {
				w := succ[v][fr.i]
				fr.i++
				if w == v {
					rec[v] = true
				}
				if index[w] == 0 {
					work = append(work, frame{w, 0})
				} else if on[w] {
					low[v] = min(low[v], index[w])
				}
				continue
			}
			if low[v] == index[v] {
				size := 0
				for i := len(stack) - 1; ; i-- {
					size++
					if stack[i] == v {
						break
					}
				}
				for _, w := range stack[len(stack)-size:] {
					on[w] = false
					rec[w] = rec[w] || size > 1
					order = append(order, w)
				}
				stack = stack[:len(stack)-size]
			}
			work = work[:len(work)-1]
			if len(work) > 0 {
				p := work[len(work)-1].v
				low[p] = min(low[p], low[v])
			}
		}
	}
	return order, rec
}

// makeInsts makes the nodes of all procedures and copies. A procedure all of
// whose calls are copied waits until something else calls it.
func (s *solver) makeInsts() {
	s.base = make([]*inst, len(s.prog.Funcs))
	s.insts = make([][]*inst, len(s.prog.Funcs))
	for i, f := range s.prog.Funcs {
		if f.Defined() && !s.cloned[i] {
			s.base[i] = s.newInst(f, nil, -1)
		}
	}
}

// baseOf returns the instance of g that stands for calls from anywhere.
func (s *solver) baseOf(g ir.FuncID) *inst {
	if s.base[g] == nil {
		x := s.newInst(s.prog.Funcs[g], nil, -1)
		s.base[g] = x
		s.heap.name(x)
		s.procedure(x)
	}
	return s.base[g]
}

func (s *solver) newInst(f *ir.Func, parent *inst, at int32) *inst {
	x := &inst{Func: f, parent: parent, at: at}
	s.insts[f.ID] = append(s.insts[f.ID], x)
	x.regs = int32(len(s.rep))
	for range f.Regs {
		s.node()
	}
	x.params = int32(len(s.rep))
	for range f.Params {
		s.node()
	}
	x.ret = s.node()
	x.va = s.node()
	for j := range f.Instrs {
		in := &f.Instrs[j]
		if in.Op == ir.Call && in.A.Kind == ir.VFunc && s.cloned[in.A.ID] {
			x.calls = append(x.calls, int32(j))
			x.kids = append(x.kids, s.newInst(s.prog.Funcs[in.A.ID], x, int32(j)))
		}
		// Plain copies share a node.
		if in.Dst < 0 || in.A.Kind != ir.VReg {
			continue
		}
		if s.carriesTo(f, in.Dst, in.Type) && (in.Op == ir.Move && s.carriesFrom(f, in.A, in.Type) || in.Op == ir.Conv && !s.fromUntyped(in) && s.carriesFrom(f, in.A, in.Opnd)) {
			s.alias(x.regs+int32(in.Dst), x.regs+in.A.ID)
		}
	}
	for r := range f.Regs {
		if in := &f.Regs[r]; in.Def < 0 && in.Local >= 0 {
			for k, p := range f.Params {
				if p == in.Local && s.carriesTo(f, ir.Reg(r), in.Type) {
					s.alias(x.regs+int32(r), x.params+int32(k))
				}
			}
		}
	}
	return x
}

// alias makes nodes a and b, of which neither is used yet, one.
func (s *solver) alias(a, b int32) {
	if a, b = s.find(a), s.find(b); a != b {
		s.rep[a] = b
		s.merged++
	}
}
