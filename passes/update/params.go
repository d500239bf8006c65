package update

import (
	"slices"

	"saz/frontend/ctype"
	"saz/ir"
	"saz/passes"
	"saz/passes/pointer"
	"saz/passes/toplevel"
)

// While packets are processed a parameter points at what calls in that code hand over, not at what setting the program up once did: a helper
// that fills in a task writes the listener's when the program starts, and a connection's afterwards. The pointer analysis
// has one set for both. Here the sets of parameters are made again from the calls that packets may make, to a fixed point, and
// with them those of what a procedure computes from its parameters; what memory holds stays as it is.
//
// A procedure that is also entered in other ways (the loop's, a handler, one that a library calls back) keeps what it has, and so
// do parameters that may point at more than maxObjects: there is nothing to be told apart.
type params struct {
	c      *passes.Context
	pt     *pointer.Result
	tl     *toplevel.Result
	sets   map[param][]pointer.ObjID // sorted
	fixed  map[ir.FuncID]bool        // that keep what they have
	memo   map[param][]pointer.ObjID // by register, of the procedure in
	in     ir.FuncID
	active map[param]bool
}

type param struct {
	f ir.FuncID
	k int32
}

// maxObjects bounds the sets that are made again.
const maxObjects = 256

func newParams(c *passes.Context, pt *pointer.Result, tl *toplevel.Result) *params {
	p := &params{c: c, pt: pt, tl: tl, sets: map[param][]pointer.ObjID{}, fixed: map[ir.FuncID]bool{}, in: -1}
	queued := map[ir.FuncID]bool{}
	var work []ir.FuncID
	for _, f := range tl.PktProcs {
		if !tl.Called(f) {
			p.fixed[f] = true
		}
		for _, site := range pt.Callers(f) {
			if !slices.Contains(pt.Callees(site), f) {
				p.fixed[f] = true // a library calls it
			}
		}
		work, queued[f] = append(work, f), true
	}
	for len(work) > 0 {
		f := work[0]
		work, queued[f] = work[1:], false
		fn := c.Prog.Funcs[f]
		p.forget()
		for i := range fn.Instrs {
			in := &fn.Instrs[i]
			ref := ir.Ref{Func: f, I: int32(i)}
			if in.Op != ir.Call || !tl.Live(ref) {
				continue
			}
			for _, t := range pt.Callees(ref) {
				g := c.Prog.Funcs[t]
				if !g.Defined() || p.fixed[t] {
					continue
				}
				for k, a := range in.Args {
					if k < len(g.Params) && p.add(g, k, fn, a) && !queued[t] {
						work, queued[t] = append(work, t), true
					}
				}
			}
		}
	}
	return p
}

// add makes parameter k of g point at what a does in f; true if that is new.
func (p *params) add(g *ir.Func, k int, f *ir.Func, a ir.Value) bool {
	at := param{g.ID, int32(g.Params[k])}
	got, ok := p.objects(f, a)
	if !ok {
		got = nil // more than is looked at; what there may be in g bounds it
	}
	may, narrow := p.all(g, paramReg(g, g.Params[k]))
	if !narrow || len(may) == 0 {
		return false
	}
	have := p.sets[at]
	n := len(have)
	for _, o := range may {
		if !ok || contains(got, o) {
			if i, found := slices.BinarySearch(have, o); !found {
				have = slices.Insert(have, i, o)
			}
		}
	}
	p.sets[at] = have
	return len(have) > n
}

// paramReg returns the register in which l comes in, NoVal if it is in memory.
func paramReg(g *ir.Func, l ir.LocalID) ir.Value {
	for r := range g.Regs {
		if g.Regs[r].Def < 0 && g.Regs[r].Local == l {
			return ir.RegVal(ir.Reg(r))
		}
	}
	return ir.Value{}
}

func contains(s []pointer.ObjID, o pointer.ObjID) bool {
	_, ok := slices.BinarySearch(s, o)
	return ok
}

// all returns what v may point at in any case; false: more than maxObjects.
func (p *params) all(f *ir.Func, v ir.Value) ([]pointer.ObjID, bool) {
	if v.Kind == ir.NoVal {
		return nil, false
	}
	var out []pointer.ObjID
	for _, l := range p.pt.PointsTo(f.ID, v) {
		if p.pt.Objects[l.Obj].Kind == pointer.Unknown {
			return nil, false
		}
		if len(out) == 0 || out[len(out)-1] != l.Obj {
			if len(out) == maxObjects {
				return nil, false
			}
			out = append(out, l.Obj)
		}
	}
	return out, true
}

func (p *params) forget() { p.memo, p.active = map[param][]pointer.ObjID{}, map[param]bool{} }

// objects returns what v of f may point at while packets are processed, sorted; false: more than is looked at.
func (p *params) objects(f *ir.Func, v ir.Value) ([]pointer.ObjID, bool) {
	may, ok := p.all(f, v)
	if !ok || len(may) == 0 || v.Kind != ir.VReg {
		return may, ok
	}
	k := param{f.ID, v.ID}
	if out, ok := p.memo[k]; ok {
		return out, true
	}
	if p.active[k] {
		return may, true // a pointer that is found by way of itself, as in a walk over a list
	}
	p.active[k] = true
	out := may
	if from, ok := p.from(f, v); ok {
		out = make([]pointer.ObjID, 0, len(may))
		for _, o := range may {
			if contains(from, o) {
				out = append(out, o)
			}
		}
	}
	delete(p.active, k)
	if len(p.active) == 0 {
		p.memo[k] = out
	}
	return out, true
}

// from collects what comes to v in f: from parameters and from memory; false: from elsewhere, too.
func (p *params) from(f *ir.Func, v ir.Value) (out []pointer.ObjID, ok bool) {
	add := func(objs ...pointer.ObjID) {
		for _, o := range objs {
			if i, found := slices.BinarySearch(out, o); !found {
				out = slices.Insert(out, i, o)
			}
		}
	}
	seen := map[int32]bool{}
	work := []ir.Value{v}
	for len(work) > 0 && len(out) <= maxObjects {
		v := work[len(work)-1]
		work = work[:len(work)-1]
		if v.Kind != ir.VReg {
			all, ok := p.all(f, v)
			if !ok {
				return nil, false
			}
			add(all...)
			continue
		}
		if seen[v.ID] {
			continue
		}
		seen[v.ID] = true
		r := f.Regs[v.ID]
		if r.Def < 0 {
			if r.Local < 0 || p.fixed[f.ID] || !slices.Contains(f.Params, r.Local) {
				return nil, false
			}
			if _, ok := p.all(f, v); !ok {
				return nil, false
			}
			add(p.sets[param{f.ID, int32(r.Local)}]...)
			continue
		}
		switch in := &f.Instrs[r.Def]; in.Op {
		case ir.Move, ir.FieldAddr, ir.IndexAddr:
			work = append(work, in.A)
		case ir.Conv:
			if in.Opnd == nil || in.Opnd.Kind != ctype.Pointer {
				return nil, false
			}
			work = append(work, in.A)
		case ir.Phi:
			work = append(work, in.Args...)
		case ir.Load:
			got, ok := p.objects(f, in.A)
			if !ok {
				return nil, false
			}
			for _, l := range p.pt.PointsTo(f.ID, in.A) {
				if contains(got, l.Obj) {
					for _, x := range p.pt.Contents(l.Obj, l.Off) {
						add(x.Obj)
						if len(out) > maxObjects {
							return nil, false
						}
					}
				}
			}
		default:
			return nil, false
		}
	}
	return out, len(out) <= maxObjects
}

// writes returns those of locs, which ref may write, that it may write while packets are processed.
func (p *params) writes(ref ir.Ref, locs []pointer.Loc) []pointer.Loc {
	f := p.c.Prog.Funcs[ref.Func]
	if p.in != ref.Func {
		p.in = ref.Func
		p.forget()
	}
	in := &f.Instrs[ref.I]
	var addrs []ir.Value
	switch in.Op {
	case ir.Store, ir.StoreBits, ir.Copy, ir.Zero:
		addrs = []ir.Value{in.A}
	case ir.Call:
		if in.B.Kind != ir.NoVal {
			return locs
		}
		for _, t := range p.pt.Callees(ref) {
			m := p.pt.Model(t)
			if p.c.Prog.Funcs[t].Defined() || m == nil || len(m.Scatters)+len(m.Calls)+len(m.KeepsIn)+len(m.Keeps) > 0 || m.Escapes {
				return locs
			}
		}
		addrs = in.Args
	default:
		return locs
	}
	// What some operand points at, but none while packets are processed.
	var never, now []pointer.ObjID
	for _, a := range addrs {
		all, ok := p.all(f, a)
		if !ok {
			return locs
		}
		got, ok := p.objects(f, a)
		if !ok {
			return locs
		}
		now = append(now, got...)
		for _, o := range all {
			if !contains(got, o) {
				never = append(never, o)
			}
		}
	}
	if len(never) == 0 {
		return locs
	}
	not := func(o pointer.ObjID) bool { return slices.Contains(never, o) && !slices.Contains(now, o) }
	if slices.ContainsFunc(locs, func(l pointer.Loc) bool { return not(l.Obj) }) {
		return slices.DeleteFunc(slices.Clone(locs), func(l pointer.Loc) bool { return not(l.Obj) })
	}
	return locs
}
