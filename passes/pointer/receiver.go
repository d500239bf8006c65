package pointer

import (
	"slices"

	"saz/ir"
)

// A call p->fn(p, ...), or p->ops->fn(p, ...), of a function that is found by way of the record which is handed to it, is how C
// programs write methods. What g gets as its record by such a call is not all that p may point at, but of this what has g there: the value
// of fn and the argument are of one record, since both come from one register. So a method of one kind of object is not taken
// to work on the objects of the others (Lhoták, "Spark", CC 2003, does so with the receivers of Java's virtual calls).
//
// Two constraints do it. conReceiver, on what p points at, puts a gate on the member of each object as it comes; conGate
// goes on from the member to the next, and at the last lets the object through to g's parameter once that may be g, or unknown.

// A receiver is what a call hands of a record out of which it takes the function to call.
type receiver struct {
	base int32    // node of the pointer to the record
	path []member // from there to the function
	args []int    // which arguments are that pointer
}

type member struct {
	off int64
	rec int64 // number of the record that it is a member of (recordID)
}

// A binding is of a receiver to a callee.
type binding struct {
	self  *receiver
	g     ir.FuncID
	param int32
	gates int  // so far
	open  bool // there are too many: all records get through
}

// Bounds, beyond which a call hands on all that its argument may point at: the pointers that are followed from a record to its
// function, the callees of a call that are told apart, and the gates of one of them.
const (
	maxPath    = 2
	maxMethods = 8
	maxGates   = 64
)

// receiverOf recognises such a call, nil if it is none.
func (s *solver) receiverOf(f *inst, in *ir.Instr) *receiver {
	def := func(v ir.Value) *ir.Instr {
		for d := 0; v.Kind == ir.VReg && f.Regs[v.ID].Def >= 0 && d < 16; d++ {
			x := &f.Instrs[f.Regs[v.ID].Def]
			if x.Op != ir.Move && x.Op != ir.Conv {
				return x
			}
			v = x.A
		}
		return nil
	}
	bare := func(v ir.Value) ir.Value {
		for d := 0; v.Kind == ir.VReg && f.Regs[v.ID].Def >= 0 && d < 16; d++ {
			x := &f.Instrs[f.Regs[v.ID].Def]
			if x.Op != ir.Move && x.Op != ir.Conv {
				break
			}
			v = x.A
		}
		return v
	}
	r := &receiver{}
	var base ir.Value
	for v := in.A; len(r.path) < maxPath; v = base {
		ld := def(v)
		if ld == nil || ld.Op != ir.Load {
			return nil
		}
		at := def(ld.A)
		if at == nil || at.Op != ir.FieldAddr || at.A.Kind != ir.VReg {
			return nil
		}
		m := member{off: at.Off}
		if at.Rec != nil {
			m.rec = s.recordID(at.Rec)
		}
		r.path = append([]member{m}, r.path...)
		base = at.A
		if slices.ContainsFunc(in.Args, func(a ir.Value) bool { return a.Kind == ir.VReg && bare(a) == bare(base) }) {
			break
		}
	}
	r.base = s.value(f, base)
	for i, a := range in.Args {
		if a.Kind == ir.VReg && bare(a) == bare(base) {
			r.args = append(r.args, i)
		}
	}
	if len(r.args) == 0 || r.base == none {
		return nil
	}
	return r
}

// takes reports whether argument i is the record.
func (r *receiver) takes(i int) bool { return r != nil && slices.Contains(r.args, i) }

// receive hands g, the nth callee, the records among those of r that have it.
func (s *solver) receive(r *receiver, g ir.FuncID, n int, param int32) {
	if n > maxMethods || s.sets.len(s.pts[s.find(r.base)]) > maxGates {
		s.edge(r.base, param)
		return
	}
	k := int64(len(s.bindings))
	s.bindings = append(s.bindings, binding{self: r, g: g, param: param})
	s.constrain(r.base, constraint{kind: conReceiver, a: k})
}

// receivers puts a gate on the member of each record.
func (s *solver) receivers(c *constraint, places []int32) {
	for _, p := range places {
		if s.bindings[c.a].open {
			return
		}
		if s.virt[p] == 0 {
			s.gateAt(p, p, c.a, 0)
		}
	}
}

// gateAt puts a gate on member step of the way from record p, at place at.
func (s *solver) gateAt(at, p int32, k int64, step int) {
	b := &s.bindings[k]
	if b.gates++; b.gates > maxGates {
		b.open = true
		s.edge(b.self.base, b.param)
		return
	}
	m := b.self.path[step]
	for _, q := range s.stepsFrom(&constraint{kind: conShift, a: m.off, b: m.rec}, at) {
		if s.virt[q] == 0 {
			s.constrain(s.readNode(q), constraint{kind: conGate, other: p, a: k, b: int64(step)})
		}
	}
}

// gate goes on from places, which a member on the way from a record may be.
func (s *solver) gate(c *constraint, places []int32) {
	b, p := s.bindings[c.a], c.other
	last := int(c.b) == len(b.self.path)-1
	for _, q := range places {
		if s.bindings[c.a].open {
			return
		}
		o := &s.objects[s.places[q].Obj]
		switch {
		case o.Kind == Unknown || last && o.Kind == Func && o.Func == b.g:
			l := s.places[p]
			s.addPlace(b.param, s.place(l.Obj, l.Off))
			return
		case !last && o.Kind != Func && s.virt[q] == 0:
			s.gateAt(q, p, c.a, int(c.b)+1)
		}
	}
}
