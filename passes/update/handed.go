package update

import (
	"slices"

	"saz/frontend/ctype"
	"saz/ir"
	"saz/passes"
	"saz/passes/members"
	"saz/passes/persist"
	"saz/passes/pointer"
	"saz/passes/toplevel"
)

// Where the sets say only that what a variable leads to is one of many things that a procedure writes through its parameter, a call that hands the
// variable's own value, or its address, to that procedure says it for certain:
//
//	pool_alloc2(pool2_session)   →   pool_alloc_dirty(pool)   →   pool->used++
//	normalise(buffer, &n, raw)   →   *to++ = c

// A handing is such a call.
type handing struct {
	at ir.Ref
	k  int
	to ir.FuncID
}

type handings struct {
	c  *passes.Context
	pt *pointer.Result
	tl *toplevel.Result
	of map[ir.GlobalID][]handing // by the variable that is handed over
	by map[param][]ir.Ref        // by parameter: the calls on the way to what writes through it, and that
	on map[param]bool
}

func newHandings(c *passes.Context, pt *pointer.Result, tl *toplevel.Result) *handings {
	x := &handings{c: c, pt: pt, tl: tl, of: map[ir.GlobalID][]handing{}, by: map[param][]ir.Ref{}, on: map[param]bool{}}
	for _, fid := range tl.PktProcs {
		f := c.Prog.Funcs[fid]
		for i := range f.Instrs {
			in := &f.Instrs[i]
			ref := ir.Ref{Func: fid, I: int32(i)}
			if in.Op != ir.Call || in.A.Kind != ir.VFunc || !tl.Live(ref) {
				continue
			}
			for k, a := range in.Args {
				if base, _ := origin(f, a); base.Kind == ir.VGlobal {
					x.of[ir.GlobalID(base.ID)] = append(x.of[ir.GlobalID(base.ID)], handing{ref, k, ir.FuncID(in.A.ID)})
				} else if ld := members.Def(f, a); ld != nil && ld.Op == ir.Load && ld.A.Kind == ir.VGlobal && ld.A.Off == 0 && ld.Type.Kind == ctype.Pointer {
					x.of[ir.GlobalID(ld.A.ID)] = append(x.of[ir.GlobalID(ld.A.ID)], handing{ref, k, ir.FuncID(in.A.ID)})
				}
			}
		}
	}
	return x
}

// writes returns the calls by which parameter k of f comes to an instruction that writes through it, and that instruction; nil: none is known.
func (x *handings) writes(f ir.FuncID, k int) []ir.Ref {
	fn := x.c.Prog.Funcs[f]
	if !fn.Defined() || k >= len(fn.Params) {
		return nil
	}
	at := param{f, int32(k)}
	if way, ok := x.by[at]; ok || x.on[at] {
		return way
	}
	x.on[at] = true
	defer delete(x.on, at)
	is := func(v ir.Value) bool { return walks(fn, v, fn.Params[k]) }
	var way []ir.Ref
	held := map[int32]bool{} // locals in which it stands: a stream's, an iovec's
	for i := range fn.Instrs {
		in := &fn.Instrs[i]
		ref := ir.Ref{Func: f, I: int32(i)}
		if !x.tl.Live(ref) {
			continue
		}
		switch in.Op {
		case ir.Store, ir.StoreBits, ir.Zero, ir.Copy:
			if is(in.A) {
				x.by[at] = []ir.Ref{ref}
				return x.by[at]
			}
			if base, _ := origin(fn, in.A); in.Op == ir.Store && base.Kind == ir.VLocal && is(in.B) {
				held[base.ID] = true
			}
		case ir.Call:
			for j, a := range in.Args {
				if way != nil || in.A.Kind != ir.VFunc {
					break
				}
				if base, _ := origin(fn, a); base.Kind == ir.VLocal && held[base.ID] {
					if m := x.pt.Model(ir.FuncID(in.A.ID)); m != nil && slices.Contains(m.Scatters, j) {
						way = []ir.Ref{ref}
						break
					}
				}
				if is(a) {
					if x.filled(ir.FuncID(in.A.ID), j) {
						way = []ir.Ref{ref}
					} else if w := x.writes(ir.FuncID(in.A.ID), j); w != nil {
						way = append([]ir.Ref{ref}, w...)
					}
				}
			}
		}
	}
	x.by[at] = way
	return way
}

// filled reports whether f is a library function that writes to what its argument k points at.
func (x *handings) filled(f ir.FuncID, k int) bool {
	if x.c.Prog.Funcs[f].Defined() {
		return false
	}
	m := x.pt.Model(f)
	return m != nil && (slices.Contains(m.Writes, k) || slices.Contains(m.Fills, k) || slices.ContainsFunc(m.Copies, func(c [2]int) bool { return c[0] == k }))
}

// walks reports whether v is an address in what the parameter l points at: l's value on entry, or what steps and loops have made of it.
func walks(f *ir.Func, v ir.Value, l ir.LocalID) bool {
	seen := map[int32]bool{}
	for work := []ir.Value{v}; len(work) > 0; {
		v := work[len(work)-1]
		work = work[:len(work)-1]
		if v.Kind != ir.VReg || seen[v.ID] {
			continue
		}
		seen[v.ID] = true
		r := f.Regs[v.ID]
		if r.Def < 0 {
			if r.Local == l {
				return true
			}
			continue
		}
		switch in := &f.Instrs[r.Def]; in.Op {
		case ir.FieldAddr, ir.IndexAddr, ir.Move, ir.Conv:
			work = append(work, in.A)
		case ir.Phi:
			work = append(work, in.Args...)
		}
	}
	return false
}

// path returns a path to an update of v or of what it points at, by calls that hand on its value; nil if there is none.
func (x *handings) path(v *persist.Var) []passes.Why {
	var best []passes.Why
	cost := 0
	for _, h := range x.of[v.Global] {
		lib := x.filled(h.to, h.k)
		way := x.writes(h.to, h.k)
		before, n := x.tl.Way(h.at)
		if way == nil && !lib || best != nil && n >= cost {
			continue
		}
		cost = n
		if lib {
			best = append(before[:len(before):len(before)], x.c.Because(h.at, "library call %s with it in %s: %s", x.c.Prog.Funcs[h.to].Name, x.c.Prog.Funcs[h.at.Func].Name, x.c.Text(h.at)))
			continue
		}
		best = append(before[:len(before):len(before)], x.c.Because(h.at, "calls %s with it: %s", x.c.Prog.Funcs[h.to].Name, x.c.Text(h.at)))
		for _, r := range way[:len(way)-1] {
			best = append(best, x.c.Because(r, "calls %s with it: %s", x.c.Prog.Funcs[x.c.Instr(r).A.ID].Name, x.c.Text(r)))
		}
		last := way[len(way)-1]
		verb := "assignment through its pointer"
		if in := x.c.Instr(last); in.Op == ir.Call {
			verb = "library call " + x.c.Prog.Funcs[in.A.ID].Name + " through its pointer"
		}
		best = append(best, x.c.Because(last, "%s in %s: %s", verb, x.c.Prog.Funcs[last.Func].Name, x.c.Text(last)))
	}
	return best
}

// vaguest is of how many the vaguest step of a path is one.
func vaguest(why []passes.Why) int {
	n := 0
	for _, w := range why {
		n = max(n, w.Of)
	}
	return n
}
