package pointer

import (
	"slices"

	"saz/frontend/ctype"
	"saz/ir"
)

// Which functions a call through a member of a record may call at most: those that are
// ever stored in that member of such a record, in whatever object (Lu and Hu, "Where Does
// It Go? Refining Indirect-Call Targets with Multi-Layer Type Analysis", CCS 2019; field-
// based as in Heintze and Tardieu, PLDI 2001). That is asked before solving, of all
// function pointers that come from members and variables, by way of registers, direct
// calls, parameters and results; and where one comes from anywhere else (an integer, a
// pointer to void, a pointer to a function pointer, a union's other member by a copy, a
// member whose address is handed on) nothing is excluded.
//
// It rests on what alike.go rests on, that records are seen as what they are, and
// on code that is loaded at run time handing the program its own functions, not the
// program's.

// A funcHolder is what function pointers are kept in.
type funcHolder struct {
	rec    *lay // member at off
	off    int64
	global int32 // variable, -1: none
	fn     int32
	local  int32
	param  int32 // of fn; -2: its result
	arg    int32 // argument of calls through pointers, by position + 1
}

type holderNode struct {
	any   bool
	funcs map[ir.FuncID]bool
	to    []int32
}

type funcLayers struct {
	s      *solver
	ids    map[funcHolder]int32
	nodes  []holderNode
	work   []int32
	unions map[*ctype.Record]bool
}

var noHolder = funcHolder{global: -1, fn: -1, local: -1, param: -1}

func (l *funcLayers) node(h funcHolder) int32 {
	id, ok := l.ids[h]
	if !ok {
		id = int32(len(l.nodes))
		l.ids[h] = id
		l.nodes = append(l.nodes, holderNode{funcs: map[ir.FuncID]bool{}})
	}
	return id
}

func (l *funcLayers) top(n int32) {
	if !l.nodes[n].any {
		l.nodes[n].any = true
		l.work = append(l.work, n)
	}
}

func (l *funcLayers) add(n int32, f ir.FuncID) {
	if !l.nodes[n].any && !l.nodes[n].funcs[f] {
		l.nodes[n].funcs[f] = true
		l.work = append(l.work, n)
	}
}

func isFuncPtr(t *ctype.Type) bool {
	return t != nil && t.Kind == ctype.Pointer && t.Elem.Kind == ctype.Func
}

// holdsFuncs reports whether t is a function pointer or an array of them.
func holdsFuncs(t *ctype.Type) bool {
	for t != nil && t.Kind == ctype.Array {
		t = t.Elem
	}
	return isFuncPtr(t)
}

// mayCall says for each call through a pointer which functions it may call at most; a
// call of which nothing is known is missing.
func (s *solver) mayCall() map[ir.Ref]map[ir.FuncID]bool {
	out := map[ir.Ref]map[ir.FuncID]bool{}
	if s.prog.Entry < 0 {
		return out
	}
	l := &funcLayers{s: s, ids: map[funcHolder]int32{}, unions: map[*ctype.Record]bool{}}
	for _, g := range s.prog.Globals {
		for i := range g.Init {
			it := &g.Init[i]
			switch it.Value.Kind {
			case ir.VFunc:
				n := l.inside(funcHolder{global: int32(g.ID), fn: -1, local: -1, param: -1}, g.Type, it.Off)
				if n != none {
					l.add(n, ir.FuncID(it.Value.ID))
				} else if it.Type == nil || isFuncPtr(it.Type) {
					return out // where it is kept is not known
				}
			case ir.VGlobal:
				l.handedOn(nil, it.Value, it.Type)
			}
		}
		if g.Linkage == ir.Undefined {
			l.libraryHas(g.Type, map[*lay]bool{})
		}
	}
	for _, f := range s.prog.Funcs {
		if !f.Defined() {
			continue
		}
		for i := range f.Instrs {
			l.instr(f, &f.Instrs[i])
		}
		if s.carrier.taken[f.ID] {
			for k := range f.Params {
				if isFuncPtr(f.Locals[f.Params[k]].Type) {
					l.edge(l.node(funcHolder{global: -1, fn: -1, local: -1, param: -1, arg: int32(k) + 1}), l.param(f, k))
				}
			}
		}
		if f.Ctor || f.ID == s.prog.Entry {
			for k := range f.Params {
				l.top(l.param(f, k))
			}
		}
	}
	for len(l.work) > 0 {
		n := l.work[len(l.work)-1]
		l.work = l.work[:len(l.work)-1]
		for _, t := range l.nodes[n].to {
			if l.nodes[n].any {
				l.top(t)
				continue
			}
			for f := range l.nodes[n].funcs {
				l.add(t, f)
			}
		}
	}

	for _, f := range s.prog.Funcs {
		for i := range f.Instrs {
			in := &f.Instrs[i]
			if in.Op != ir.Call || in.A.Kind != ir.VReg {
				continue
			}
			funcs, known := map[ir.FuncID]bool{}, true
			l.sources(f, in.A, map[int32]bool{}, func(n int32, g ir.FuncID) {
				switch {
				case n == none && g < 0 || n != none && l.nodes[n].any:
					known = false
				case n == none:
					funcs[g] = true
				default:
					for g := range l.nodes[n].funcs {
						funcs[g] = true
					}
				}
			})
			if known {
				for g := range l.nodes[l.node(noHolder)].funcs {
					funcs[g] = true
				}
				out[ir.Ref{Func: f.ID, I: int32(i)}] = funcs
			}
		}
	}
	l.inMembers()
	return out
}

// inMembers says of the members that models name which functions are ever stored there; of those of which that is not known, nothing.
func (l *funcLayers) inMembers() {
	l.s.inMember = map[string]map[ir.FuncID]bool{}
	named := map[string]bool{}
	for _, f := range l.s.prog.Funcs {
		if m := l.s.modelOf(f.ID); m != nil {
			for i := range m.Calls {
				for _, x := range m.Calls[i].Member {
					named[x] = true
				}
			}
		}
	}
	if len(named) == 0 {
		return
	}
	unknown, anywhere := map[string]bool{}, l.node(noHolder)
	for r := range l.s.prog.Records {
		r = l.s.prog.Record(r)
		for i := range r.Fields {
			f := &r.Fields[i]
			name := r.Tag + "." + f.Name
			if !named[name] || !holdsFuncs(f.Type) {
				continue
			}
			n := l.member(r, f.Off)
			if l.nodes[n].any {
				unknown[name] = true
			}
			if l.s.inMember[name] == nil {
				l.s.inMember[name] = map[ir.FuncID]bool{}
			}
			for _, set := range []map[ir.FuncID]bool{l.nodes[n].funcs, l.nodes[anywhere].funcs} {
				for g := range set {
					l.s.inMember[name][g] = true
				}
			}
		}
	}
	for name := range unknown {
		delete(l.s.inMember, name)
	}
}

func (l *funcLayers) edge(from, to int32) {
	l.nodes[from].to = append(l.nodes[from].to, to)
	if l.nodes[from].any {
		l.top(to)
	} else if len(l.nodes[from].funcs) > 0 {
		l.work = append(l.work, from)
	}
}

// libraryHas makes unknown what libraries may store in records of type t.
func (l *funcLayers) libraryHas(t *ctype.Type, seen map[*lay]bool) {
	for t != nil && (t.Kind == ctype.Pointer || t.Kind == ctype.Array) {
		t = t.Elem
	}
	switch {
	case t == nil:
	case t.Kind == ctype.Func:
		l.libraryHas(t.Elem, seen)
		for _, p := range t.Func.Params {
			l.libraryHas(p.Type, seen)
		}
	case t.IsRecord():
		r := l.s.prog.Record(t.Rec)
		k := l.s.lays.record(r)
		if seen[k] {
			return
		}
		seen[k] = true
		for i := range r.Fields {
			f := &r.Fields[i]
			if holdsFuncs(f.Type) {
				l.top(l.member(r, f.Off))
			} else {
				l.libraryHas(f.Type, seen)
			}
		}
	}
}

// member is the member at off of r, or of any record that is taken for one.
func (l *funcLayers) member(r *ctype.Record, off int64) int32 {
	return l.node(funcHolder{rec: l.s.kin.root(l.s.lays.record(l.s.prog.Record(r))), off: off, global: -1, fn: -1, local: -1, param: -1})
}

// union makes unknown what is in a union if more than one of its members has function
// pointers in it: one may be stored and another read.
func (l *funcLayers) union(u *ctype.Record) {
	if l.unions[u] {
		return
	}
	l.unions[u] = true
	var in func(t *ctype.Type, r *ctype.Record, off int64, do func(n int32))
	in = func(t *ctype.Type, r *ctype.Record, off int64, do func(n int32)) {
		switch {
		case t == nil:
		case holdsFuncs(t):
			do(l.member(r, off))
		case t.Kind == ctype.Array:
			in(t.Elem, r, off, do)
		case t.IsRecord():
			x := l.s.prog.Record(t.Rec)
			for i := range x.Fields {
				in(x.Fields[i].Type, x, x.Fields[i].Off, do)
			}
		}
	}
	with := 0
	for i := range u.Fields {
		has := false
		in(u.Fields[i].Type, u, u.Fields[i].Off, func(int32) { has = true })
		if has {
			with++
		}
	}
	if with > 1 {
		for i := range u.Fields {
			in(u.Fields[i].Type, u, u.Fields[i].Off, l.top)
		}
	}
}

func (l *funcLayers) param(f *ir.Func, k int) int32 {
	if lo := f.Params[k]; !f.Locals[lo].Lifted {
		return l.node(funcHolder{global: -1, fn: int32(f.ID), local: int32(lo), param: -1})
	}
	return l.node(funcHolder{global: -1, fn: int32(f.ID), local: -1, param: int32(k)})
}

func (l *funcLayers) result(f ir.FuncID) int32 {
	return l.node(funcHolder{global: -1, fn: int32(f), local: -1, param: -2})
}

// inside is the function pointer at byte off of a variable of type t; none if there is
// none.
func (l *funcLayers) inside(v funcHolder, t *ctype.Type, off int64) int32 {
	for t != nil {
		switch {
		case t.Kind == ctype.Array:
			n := ctype.SizeOf(t.Elem)
			if n <= 0 || off < 0 {
				return none
			}
			off %= n
			t = t.Elem
		case t.IsRecord():
			r := l.s.prog.Record(t.Rec)
			if r.Union {
				l.union(r)
			}
			var in *ctype.Field
			for i := range r.Fields {
				f := &r.Fields[i]
				if f.BitField || f.Type == nil || f.Off > off {
					continue
				}
				size := ctype.SizeOf(f.Type)
				if f.Type.Kind == ctype.Array && f.Type.Len <= 1 && i == len(r.Fields)-1 {
					size = 1 << 40 // it goes on
				}
				if off < f.Off+max(1, size) && (in == nil || !r.Union || holdsFuncs(f.Type)) {
					in = f
				}
			}
			if in == nil {
				return none
			}
			if holdsFuncs(in.Type) {
				return l.member(r, in.Off)
			}
			if r.Union && !in.Type.IsRecord() && in.Type.Kind != ctype.Array {
				return none
			}
			off -= in.Off
			t = in.Type
		case isFuncPtr(t):
			return l.node(v)
		default:
			return none
		}
	}
	return none
}

// at is what the function pointer at address v of f is kept in; none if that is not known.
func (l *funcLayers) at(f *ir.Func, v ir.Value) int32 {
	for range 64 {
		switch v.Kind {
		case ir.VGlobal:
			return l.inside(funcHolder{global: v.ID, fn: -1, local: -1, param: -1}, l.s.prog.Globals[v.ID].Type, v.Off)
		case ir.VLocal:
			return l.inside(funcHolder{global: -1, fn: int32(f.ID), local: v.ID, param: -1}, f.Locals[v.ID].Type, v.Off)
		case ir.VReg:
		default:
			return none
		}
		d := f.Regs[v.ID].Def
		if d < 0 {
			return none
		}
		switch in := &f.Instrs[d]; in.Op {
		case ir.FieldAddr:
			if in.Rec == nil || in.Field != nil && !holdsFuncs(in.Field.Type) {
				return none
			}
			return l.member(in.Rec, in.Off)
		case ir.IndexAddr, ir.Move:
			v = in.A
		default:
			return none
		}
	}
	return none
}

// sources calls do for what function pointer v of f may be: the contents of a
// node, a function, or anything (none, -1).
func (l *funcLayers) sources(f *ir.Func, v ir.Value, seen map[int32]bool, do func(n int32, g ir.FuncID)) {
	switch v.Kind {
	case ir.VFunc:
		do(none, ir.FuncID(v.ID))
		return
	case ir.VInt, ir.NoVal:
		return
	case ir.VReg:
	default:
		do(none, -1)
		return
	}
	if seen[v.ID] {
		return
	}
	seen[v.ID] = true
	d := f.Regs[v.ID].Def
	if d < 0 {
		for k, p := range f.Params {
			if p == f.Regs[v.ID].Local && isFuncPtr(f.Locals[p].Type) {
				do(l.param(f, k), -1)
				return
			}
		}
		do(none, -1)
		return
	}
	switch in := &f.Instrs[d]; in.Op {
	case ir.Move:
		l.sources(f, in.A, seen, do)
		return
	case ir.Conv:
		if isFuncPtr(in.Opnd) || in.A.Kind == ir.VFunc || in.A.Kind == ir.VInt {
			l.sources(f, in.A, seen, do)
			return
		}
	case ir.Phi:
		for _, a := range in.Args {
			l.sources(f, a, seen, do)
		}
		return
	case ir.Load:
		if isFuncPtr(in.Type) {
			if n := l.at(f, in.A); n != none {
				do(n, -1)
				return
			}
		}
	case ir.Call:
		if in.A.Kind == ir.VFunc && l.s.prog.Funcs[in.A.ID].Defined() && isFuncPtr(l.s.prog.Funcs[in.A.ID].Type.Elem) {
			do(l.result(ir.FuncID(in.A.ID)), -1)
			return
		}
	}
	do(none, -1)
}

// into makes node n hold what function pointer v of f may be.
func (l *funcLayers) into(f *ir.Func, v ir.Value, n int32) {
	l.sources(f, v, map[int32]bool{}, func(m int32, g ir.FuncID) {
		switch {
		case m != none:
			l.edge(m, n)
		case g >= 0:
			l.add(n, g)
		default:
			l.top(n)
		}
	})
}

// handedOn is for an address that is used for more than accesses: what function pointer is
// there may become any.
// t is the type of the address there: it tells a record from its first member.
func (l *funcLayers) handedOn(f *ir.Func, v ir.Value, t *ctype.Type) {
	first := t != nil && t.Kind == ctype.Pointer && (t.Elem.Kind == ctype.Pointer || t.Elem.IsInteger())
	switch v.Kind {
	case ir.VGlobal:
		if t := l.s.prog.Globals[v.ID].Type; holdsFuncs(t) {
			l.top(l.node(funcHolder{global: v.ID, fn: -1, local: -1, param: -1}))
		} else if n := l.inside(noHolder, t, v.Off); n != none && (v.Off != 0 || first) {
			l.top(n)
		}
	case ir.VLocal:
		if t := f.Locals[v.ID].Type; holdsFuncs(t) {
			l.top(l.node(funcHolder{global: -1, fn: int32(f.ID), local: v.ID, param: -1}))
		} else if n := l.inside(noHolder, t, v.Off); n != none && (v.Off != 0 || first) {
			l.top(n)
		}
	case ir.VReg:
		if d := f.Regs[v.ID].Def; d >= 0 {
			switch in := &f.Instrs[d]; in.Op {
			case ir.FieldAddr, ir.IndexAddr:
				if n := l.at(f, v); n != none {
					l.top(n)
				}
			case ir.Move:
				l.handedOn(f, in.A, t)
			}
		}
	}
}

// leaves reports whether register r of f is used for more than comparisons and stores in variables and
// members that are known.
func (l *funcLayers) leaves(f *ir.Func, r int32) bool {
	is := func(v ir.Value) bool { return v.Kind == ir.VReg && v.ID == r }
	for i := range f.Instrs {
		in := &f.Instrs[i]
		switch {
		case in.Op == ir.Cmp || in.Op == ir.Branch:
		case in.Op == ir.Store && is(in.B) && !is(in.A):
			if in.A.Kind == ir.VReg {
				d := f.Regs[in.A.ID].Def
				if d < 0 || f.Instrs[d].Op != ir.FieldAddr {
					return true
				}
			}
		default:
			if is(in.A) || is(in.B) || slices.ContainsFunc(in.Args, is) {
				return true
			}
		}
	}
	return false
}

func (l *funcLayers) instr(f *ir.Func, in *ir.Instr) {
	switch in.Op {
	case ir.Load:
	case ir.Store:
		l.handedOn(f, in.B, in.Type)
		n := l.at(f, in.A)
		switch {
		case n != none && (isFuncPtr(in.Type) || in.B.Kind == ir.VFunc):
			l.into(f, in.B, n)
		case n != none && !(in.B.Kind == ir.VInt && in.B.Off == 0):
			l.top(n)
		case n == none && (isFuncPtr(in.Type) || in.B.Kind == ir.VFunc):
			// Wherever that is: these may be called anywhere.
			l.into(f, in.B, l.node(noHolder))
		}
	case ir.IndexAddr, ir.Move:
		// At looks through these; where they lead is looked at there.
	case ir.FieldAddr:
		if in.Rec != nil && l.s.prog.Record(in.Rec).Union {
			l.union(l.s.prog.Record(in.Rec))
		}
	case ir.Cmp, ir.Branch:
	case ir.Conv:
		if in.Type != nil && in.Type.Kind == ctype.Pointer || in.A.Kind != ir.VReg {
			l.handedOn(f, in.A, in.Opnd)
			l.handedOn(f, in.A, in.Type)
		}
		if in.A.Kind == ir.VFunc || isFuncPtr(in.Opnd) && !isFuncPtr(in.Type) && in.Type != nil && in.Type.Kind == ctype.Pointer {
			if l.leaves(f, int32(in.Dst)) {
				// By another name it may be stored wherever that leads.
				l.into(f, in.A, l.node(noHolder))
			}
		}
	case ir.Phi:
		for _, a := range in.Args {
			l.handedOn(f, a, in.Type)
		}
	case ir.Ret:
		if f.Type != nil {
			l.handedOn(f, in.A, f.Type.Elem)
		}
		if f.Type != nil && isFuncPtr(f.Type.Elem) {
			l.into(f, in.A, l.result(f.ID))
		}
	case ir.Copy, ir.Zero:
		if in.Type == nil || !in.Type.IsRecord() {
			l.handedOn(f, in.A, nil)
			l.handedOn(f, in.B, nil)
		}
	case ir.Call:
		for i, a := range in.Args {
			var t *ctype.Type
			if i < len(in.ArgTypes) {
				t = in.ArgTypes[i]
			}
			l.handedOn(f, a, t)
			switch {
			case in.A.Kind != ir.VFunc:
				if i < len(in.ArgTypes) && (isFuncPtr(in.ArgTypes[i]) || a.Kind == ir.VFunc) {
					l.into(f, a, l.node(funcHolder{global: -1, fn: -1, local: -1, param: -1, arg: int32(i) + 1}))
				} else if a.Kind != ir.VInt {
					// It may be one by another name there.
					if i < len(in.ArgTypes) && (isVoidPtr(in.ArgTypes[i]) || wideInt(in.ArgTypes[i])) {
						l.top(l.node(funcHolder{global: -1, fn: -1, local: -1, param: -1, arg: int32(i) + 1}))
					}
				}
			default:
				g := l.s.prog.Funcs[in.A.ID]
				if g.Defined() && i < len(g.Params) && isFuncPtr(g.Locals[g.Params[i]].Type) {
					l.into(f, a, l.param(g, i))
				} else if !g.Defined() && a.Kind == ir.VFunc {
					// What a library calls back gets what nobody knows.
					for k := range l.s.prog.Funcs[a.ID].Params {
						if h := l.s.prog.Funcs[a.ID]; h.Defined() && isFuncPtr(h.Locals[h.Params[k]].Type) {
							l.top(l.param(h, k))
						}
					}
				}
			}
		}
	default:
		l.handedOn(f, in.A, nil)
		l.handedOn(f, in.B, nil)
		for _, a := range in.Args {
			l.handedOn(f, a, nil)
		}
	}
}
