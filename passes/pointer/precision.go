package pointer

import (
	"cmp"
	"fmt"
	"io"
	"slices"

	"saz/frontend/ctype"
	"saz/ir"
)

// Precision says how precise a result is: the sizes of the sets that matter to
// what uses them.
type Precision struct {
	Pointers     int     // registers that may hold a pointer
	Places       float64 // average places of one
	Objects      float64 // average objects of one
	Derefs       int     // loads, stores and copies through registers
	DerefPlaces  float64
	DerefObjects float64
	Largest      int // objects at one
	Anywhere     int // derefs that may be anywhere in some object
	Empty        int // derefs of nothing: dead code, null pointers, or what the analysis lost
	Indirect     int // calls through pointers
	Targets      int // what they call
	Most         int // at one of them
	Unmodelled   int // external functions that have no model

	// As SVF counts (AvgTopLvlPtsSize): places, over the registers that have a pointer's
	// type, those that point nowhere among them, and a block being one object for each call of the library's
	// allocator in the program, whoever called a wrapper; DerefBlocks is DerefObjects so.
	Typed       int
	TopLevel    float64
	DerefBlocks float64
}

func (p Precision) String() string {
	return fmt.Sprintf("%d pointers, %.1f places, %.1f objects; %d dereferences, %.1f places, %.1f objects, at most %d, %d anywhere in an object, %d of nothing; %d targets of %d indirect calls, at most %d; %d functions without a model; as SVF counts: %.1f places over %d pointers, %.1f objects a dereference",
		p.Pointers, p.Places, p.Objects, p.Derefs, p.DerefPlaces, p.DerefObjects, p.Largest, p.Anywhere, p.Empty, p.Targets, p.Indirect, p.Most, p.Unmodelled,
		p.TopLevel, p.Typed, p.DerefBlocks)
}

// objects counts the objects of a set.
func objects(l []Loc) int {
	n := 0
	for i := range l {
		if i == 0 || l[i].Obj != l[i-1].Obj {
			n++
		}
	}
	return n
}

// deref calls f for each operand of in that in accesses memory through.
func deref(in *ir.Instr, f func(v ir.Value)) {
	switch in.Op {
	case ir.Load, ir.Store, ir.LoadBits, ir.StoreBits, ir.Zero:
		f(in.A)
	case ir.Copy:
		f(in.A)
		f(in.B)
	}
}

// Precision measures r.
func (r *Result) Precision() Precision {
	var p Precision
	var places, objs, dp, do, typed, blocks int
	type sizes struct {
		all, objs, places, blocks int
		anywhere                  bool
	}
	known := map[*Loc]sizes{} // by the first of a set: most registers have the same few
	sizesOf := func(l []Loc) sizes {
		if len(l) == 0 {
			return sizes{}
		}
		z, ok := known[&l[0]]
		if !ok {
			first := &l[0]
			l = r.Spread(l) // which is kept nowhere: there may be many, and large ones
			z = sizes{len(l), objects(l), len(r.unsplit(l, true)), len(r.unsplit(l, false)), slices.ContainsFunc(l, func(x Loc) bool { return x.Off == Any })}
			known[first] = z
		}
		return z
	}
	for _, f := range r.solver.prog.Funcs {
		for i := range f.Regs {
			l := r.solver.pointsTo(f.ID, ir.RegVal(ir.Reg(i)))
			if t := f.Regs[i].Type; t != nil && t.Kind == ctype.Pointer {
				p.Typed++
				typed += sizesOf(l).places
			}
			if len(l) > 0 {
				p.Pointers++
				places += sizesOf(l).all
				objs += sizesOf(l).objs
			}
		}
		for i := range f.Instrs {
			deref(&f.Instrs[i], func(v ir.Value) {
				if v.Kind != ir.VReg {
					return
				}
				z := sizesOf(r.solver.pointsTo(f.ID, v))
				p.Derefs++
				dp += z.all
				n := z.objs
				do += n
				blocks += z.blocks
				p.Largest = max(p.Largest, n)
				if n == 0 {
					p.Empty++
				}
				if z.anywhere {
					p.Anywhere++
				}
			})
		}
	}
	for _, ref := range r.IndirectCalls() {
		n := len(r.Callees(ref))
		p.Indirect++
		p.Targets += n
		p.Most = max(p.Most, n)
	}
	p.Unmodelled = len(r.Unmodelled())
	avg := func(n, d int) float64 { return float64(n) / float64(max(d, 1)) }
	p.Places, p.Objects = avg(places, p.Pointers), avg(objs, p.Pointers)
	p.DerefPlaces, p.DerefObjects = avg(dp, p.Derefs), avg(do, p.Derefs)
	p.TopLevel, p.DerefBlocks = avg(typed, p.Typed), avg(blocks, p.Derefs)
	return p
}

// A named is an object named without regard to who called the procedure that made it.
type named struct {
	ref   ir.Ref // Heap: the library's allocator's call
	local ir.Ref // Local: the procedure and the variable
	obj   ObjID  // others
	off   int32
}

// unsplit returns the places of set l, of which copies of procedures and of wrappers of
// allocators make one; just the objects without offs.
func (r *Result) unsplit(l []Loc, offs bool) map[named]bool {
	out := map[named]bool{}
	for _, x := range l {
		o := &r.Objects[x.Obj]
		b := named{obj: -1}
		switch {
		case o.Kind == Heap && !o.Library && !o.Packet:
			b.ref = o.Inner
		case o.Kind == Local:
			b.local = ir.Ref{Func: o.Func, I: int32(o.Local)}
		default:
			b.obj = x.Obj
		}
		if offs {
			b.off = x.Off
		}
		out[b] = true
	}
	return out
}

// Explain writes what makes the sets of r large: the objects that most
// dereferences may reach, the dereferences that reach most, and the indirect
// calls with most targets.
func (r *Result) Explain(w io.Writer, top int) {
	type count struct {
		o   ObjID
		n   int
		any int
	}
	counts := make([]count, len(r.Objects))
	for o := range counts {
		counts[o].o = ObjID(o)
	}
	type site struct {
		ref ir.Ref
		n   int
		f   ir.FuncID
		l   []Loc
	}
	var sites []site
	byFunc := map[ir.FuncID]*site{}
	for _, f := range r.solver.prog.Funcs {
		for i := range f.Instrs {
			deref(&f.Instrs[i], func(v ir.Value) {
				if v.Kind != ir.VReg {
					return
				}
				l := r.PointsTo(f.ID, v)
				n := objects(l)
				for k := range l {
					c := &counts[l[k].Obj]
					if k == 0 || l[k-1].Obj != l[k].Obj {
						c.n++
					}
					if l[k].Off == Any {
						c.any++
					}
				}
				if s := byFunc[f.ID]; s == nil || s.n < n {
					byFunc[f.ID] = &site{ir.Ref{Func: f.ID, I: int32(i)}, n, f.ID, l}
				}
			})
		}
		if s := byFunc[f.ID]; s != nil {
			sites = append(sites, *s)
		}
	}
	slices.SortStableFunc(counts, func(a, b count) int { return cmp.Compare(b.n, a.n) })
	slices.SortStableFunc(sites, func(a, b site) int { return cmp.Compare(b.n, a.n) })
	fmt.Fprintf(w, "objects at most dereferences\n")
	for _, c := range counts[:min(top, len(counts))] {
		if c.n > 0 {
			fmt.Fprintf(w, "%8d (anywhere in it: %d) %s\n", c.n, c.any, r.Name(c.o))
		}
	}
	fmt.Fprintf(w, "dereferences of most objects, one a procedure\n")
	for _, s := range sites[:min(top, len(sites))] {
		f := r.solver.prog.Funcs[s.f]
		fmt.Fprintf(w, "%8d %s %s: %s\n", s.n, r.solver.where(s.ref), f.Name, ir.FormatInstr(r.solver.prog, f, &f.Instrs[s.ref.I]))
	}
	calls := r.IndirectCalls()
	slices.SortStableFunc(calls, func(a, b ir.Ref) int { return cmp.Compare(len(r.Callees(b)), len(r.Callees(a))) })
	fmt.Fprintf(w, "indirect calls of most functions\n")
	for _, ref := range calls[:min(top, len(calls))] {
		f := r.solver.prog.Funcs[ref.Func]
		fmt.Fprintf(w, "%8d %s %s: %s\n", len(r.Callees(ref)), r.solver.where(ref), f.Name, ir.FormatInstr(r.solver.prog, f, &f.Instrs[ref.I]))
	}
}
