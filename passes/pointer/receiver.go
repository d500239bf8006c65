package pointer

import (
	"slices"

	"saz/frontend/ctype"
	"saz/ir"
)

// A call p->fn(p, ...), or p->ops->fn(p, ...), of a function that is found by way of the record which is handed to it, is how C
// programs write methods; and p->fn(p->arg, ...) how they write tables of what is to be called with what. What g gets by such a
// call is not all that p may point at, or all that any of these has at arg, but that of the records alone which have g at fn: the value
// of fn and the argument are of one record, since both come by one pointer. So a method of one kind of object is not taken
// to work on the objects of the others (Lhoták, "Spark", CC 2003, does so with the receivers of Java's virtual calls), and what registers
// one kind of plugin does not get those of the others.
//
// Two constraints do it. conReceiver, on what p points at, puts a gate on the member of each record as it comes; conGate
// goes on from the member to the next, and at the last hands the record over to the functions that come there, and to all that the call
// may call if unknown code comes there.

// A receiver is what a call hands of a record out of which it takes the function to call.
type receiver struct {
	call  int32                 // its number
	base  int32                 // node of the pointer to the record
	path  []member              // from there to the function
	args  []int                 // which arguments are that pointer
	rows  []row                 // and which are what the record has in a member
	gates int                   // so far
	pairs int                   // in has
	open  bool                  // there are too many: all callees get what all records have
	has   map[ir.FuncID][]int32 // by function: the records that have it
	any   []int32               // those that may have any
	to    []receiving
}

type member struct {
	off int64
	rec int64 // number of the record that it is a member of (recordID)
}

type row struct {
	arg int
	at  member
}

// A receiving is a callee and its parameters.
type receiving struct {
	g      ir.FuncID
	params int32 // the first one's node
	n      int
}

// Bounds: the pointers that are followed from a record to its
// function; and, beyond which a call hands on all that its arguments may point at, the callees of a call that are told apart, and its gates: of one by which
// records themselves are handed over, and of one by which only what is in them is, for tables are longer than a program has kinds of objects.
const (
	maxPath    = 2
	maxMethods = 8
	maxGates   = 64
	maxRows    = 1024
	maxPairs   = 8192 // of a callee and a record that has it
)

// receiverOf recognises such a call, with number id, nil if it is none.
func (s *solver) receiverOf(f *inst, in *ir.Instr, id int32) *receiver {
	def := func(v ir.Value) *ir.Instr {
		if v = bare(f.Func, v); v.Kind == ir.VReg && f.Regs[v.ID].Def >= 0 {
			return &f.Instrs[f.Regs[v.ID].Def]
		}
		return nil
	}
	// A load of a member: its record's address.
	loaded := func(v ir.Value) (base ir.Value, m member, ok bool) {
		ld := def(v)
		if ld == nil || ld.Op != ir.Load {
			return
		}
		at := def(ld.A)
		if at == nil || at.Op != ir.FieldAddr || at.A.Kind != ir.VReg {
			return
		}
		m.off = at.Off
		if at.Rec != nil {
			m.rec = s.recordID(at.Rec)
		}
		return at.A, m, true
	}
	var path []member
	var rows *receiver
	for v := in.A; len(path) < maxPath; {
		base, m, ok := loaded(v)
		if !ok {
			break
		}
		path = append([]member{m}, path...)
		r := &receiver{call: id, path: slices.Clone(path), has: map[ir.FuncID][]int32{}}
		for i, a := range in.Args {
			if a.Kind != ir.VReg {
				continue
			}
			if same(f.Func, a, base, 0) {
				r.args = append(r.args, i)
			} else if b, m, ok := loaded(a); ok && same(f.Func, b, base, 0) {
				r.rows = append(r.rows, row{i, m})
			}
		}
		if len(r.args)+len(r.rows) > 0 {
			r.base = s.value(f, base)
		}
		switch {
		case len(r.args)+len(r.rows) == 0 || r.base == none:
		case len(r.args) > 0:
			return r
		case rows == nil:
			rows = r
		}
		v = base
	}
	return rows
}

// bare returns what v was before conversions that change none of its bits.
func bare(f *ir.Func, v ir.Value) ir.Value {
	for d := 0; v.Kind == ir.VReg && f.Regs[v.ID].Def >= 0 && d < 16; d++ {
		x := &f.Instrs[f.Regs[v.ID].Def]
		if x.Op != ir.Move && (x.Op != ir.Conv || ctype.SizeOf(x.Type) != ctype.SizeOf(x.Opnd)) {
			break
		}
		v = x.A
	}
	return v
}

// same reports whether a and b of f, pointers, have the same value where both are computed together: they are one register, or
// the same arithmetic of the same, or loads of one place in one block between which nothing is stored. (Nor does another thread store there
// meanwhile: it is neither volatile nor atomic, C17 5.1.2.4p25.)
func same(f *ir.Func, a, b ir.Value, depth int) bool {
	if a, b = bare(f, a), bare(f, b); a == b {
		return true
	}
	if a.Kind != ir.VReg || b.Kind != ir.VReg || depth > 8 {
		return false
	}
	i, j := f.Regs[a.ID].Def, f.Regs[b.ID].Def
	if i < 0 || j < 0 {
		return false
	}
	x, y := &f.Instrs[i], &f.Instrs[j]
	if x.Op != y.Op || x.Off != y.Off || !same(f, x.A, y.A, depth+1) {
		return false
	}
	switch x.Op {
	case ir.FieldAddr:
		return true
	case ir.IndexAddr:
		return x.Off >= 0 && same(f, x.B, y.B, depth+1)
	case ir.Bin:
		return x.Sub == y.Sub && same(f, x.B, y.B, depth+1)
	case ir.Conv:
		return x.Type == y.Type && x.Opnd == y.Opnd
	case ir.Load:
		if x.Volatile || y.Volatile || x.Block != y.Block {
			return false
		}
		for k := min(i, j) + 1; k < max(i, j); k++ {
			switch f.Instrs[k].Op {
			case ir.Load, ir.LoadBits, ir.FieldAddr, ir.IndexAddr, ir.Bin, ir.Cmp, ir.Un, ir.Conv, ir.PtrDiff, ir.Move:
			default:
				return false
			}
		}
		return true
	}
	return false
}

// takes reports whether argument i is the record, or of it.
func (r *receiver) takes(i int) bool {
	return r != nil && (slices.Contains(r.args, i) || slices.ContainsFunc(r.rows, func(w row) bool { return w.arg == i }))
}

// open makes r hand on all that its arguments may be.
func (s *solver) open(r *receiver) {
	r.open = true
	r.has, r.any = nil, nil
	for _, to := range r.to {
		s.handAll(r, to)
	}
}

// receive hands a callee the records of r that have it, those that are known and those to come.
func (s *solver) receive(r *receiver, to receiving) {
	if r.open || len(r.to) == maxMethods && len(r.args) > 0 {
		s.handAll(r, to)
		return
	}
	r.to = append(r.to, to)
	for _, p := range r.any {
		s.hand(r, to, p)
	}
	for _, p := range r.has[to.g] {
		s.hand(r, to, p)
	}
}

// hand makes parameters of a callee include record p, and what it has.
func (s *solver) hand(r *receiver, to receiving, p int32) {
	for _, i := range r.args {
		if i < to.n {
			l := s.places[p]
			s.addPlace(to.params+int32(i), s.place(l.Obj, l.Off))
		}
	}
	for _, w := range r.rows {
		if i := w.arg; i < to.n && s.sites[r.call].args[i] != none {
			for _, q := range s.stepsFrom(&constraint{kind: conShift, a: w.at.off, b: w.at.rec}, p) {
				if s.virt[q] == 0 {
					s.edge(s.readNode(q), to.params+int32(i))
				}
			}
		}
	}
}

// handAll makes them include all that the arguments may be.
func (s *solver) handAll(r *receiver, to receiving) {
	for i, a := range s.sites[r.call].args {
		if a != none && i < to.n && r.takes(i) {
			s.edge(a, to.params+int32(i))
		}
	}
}

// receivers puts a gate on the member of each record.
func (s *solver) receivers(c *constraint, places []int32) {
	r := s.sites[c.a].self
	for _, p := range places {
		if r.open {
			return
		}
		if s.virt[p] == 0 {
			s.gateAt(r, p, p, 0)
		}
	}
}

// gateAt puts a gate on member step of the way from record p, at place at.
func (s *solver) gateAt(r *receiver, at, p int32, step int) {
	if r.gates++; r.gates > maxRows || r.gates > maxGates && len(r.args) > 0 {
		s.open(r)
		return
	}
	m := r.path[step]
	for _, q := range s.stepsFrom(&constraint{kind: conShift, a: m.off, b: m.rec}, at) {
		if s.virt[q] == 0 {
			s.constrain(s.readNode(q), constraint{kind: conGate, other: p, a: int64(r.call), b: int64(step)})
		}
	}
}

// gate goes on from places, which a member on the way from a record may be.
func (s *solver) gate(c *constraint, places []int32) {
	r, p := s.sites[c.a].self, c.other
	last := int(c.b) == len(r.path)-1
	for _, q := range places {
		if r.open {
			return
		}
		o := &s.objects[s.places[q].Obj]
		switch {
		case o.Kind == Unknown:
			if !slices.Contains(r.any, p) {
				r.any = append(r.any, p)
				for _, to := range r.to {
					s.hand(r, to, p)
				}
			}
		case last && o.Kind == Func:
			if g := o.Func; !slices.Contains(r.has[g], p) {
				if r.pairs++; r.pairs > maxPairs {
					s.open(r)
					return
				}
				r.has[g] = append(r.has[g], p)
				for _, to := range r.to {
					if to.g == g {
						s.hand(r, to, p)
					}
				}
			}
		case !last && o.Kind != Func && s.virt[q] == 0:
			s.gateAt(r, q, p, int(c.b)+1)
		}
	}
}
