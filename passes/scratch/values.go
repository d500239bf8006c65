package scratch

import (
	"fmt"
	"slices"

	"saz/frontend/check"
	"saz/frontend/ctype"
	"saz/ir"
	"saz/ir/models"
	"saz/passes/members"
	"saz/passes/modref"
	"saz/passes/pointer"
)

// Branches that no run takes
//
// Whether a helper writes a buffer often hangs on a field that is one of two constants
// (an address family). What an integer may be is found from the constants that flow into it, through registers,
// parameters and memory, flow-insensitively, up to maxValues of them. An object that begins as zeros
// may seem to hold a zero that nobody ever sees: for a local, the engine itself says whether a read of the field is exposed
// from where it was zeroed; for a fresh heap block, nothing may happen to its address before the field is stored.

const (
	maxValues = 8    // constants that are told apart
	maxNodes  = 4000 // nodes of one question
	maxPlaces = 64   // places that a load may read
)

// A node is a value: a register of a function, a cell of memory, or what a function returns.
type node struct {
	fn   ir.FuncID
	reg  int32 // register; -1: what fn returns; -2: a cell
	obj  pointer.ObjID
	off  int32
	size int64
}

type valueSet struct {
	list []int64
	any  bool
}

func (s *valueSet) add(v int64) bool {
	if s.any {
		return false
	}
	k, ok := slices.BinarySearch(s.list, v)
	if ok {
		return false
	}
	if len(s.list) == maxValues {
		s.any, s.list = true, nil
		return true
	}
	s.list = slices.Insert(s.list, k, v)
	return true
}

type dep struct {
	to   int32 // whose values flow here
	conv *ctype.Type
}

// values answers what an integer may be.
type values struct {
	e      *engine // for objects that begin as zeros; nil while they are being collected
	c      *engine // for its tables
	ids    map[node]int32
	nodes  []node
	sets   []valueSet
	deps   [][]dep
	stores [][]ir.Ref // by object: instructions that may write it
	// zeroed: where a local begins as zeros; the question is asked of the engine afterwards.
	zeroed map[pointer.ObjID][]start
	seen   map[zeroKey]bool
	runs   map[start]bits
	budget int

	qs       map[ir.FuncID][]question
	steer    map[ir.FuncID][]int32
	specials map[specialty]*summary
}

type zeroKey struct {
	obj pointer.ObjID
	s   start
}

func newValues(c *engine, stores [][]ir.Ref) *values {
	return &values{c: c, ids: map[node]int32{}, stores: stores, zeroed: map[pointer.ObjID][]start{}, seen: map[zeroKey]bool{}, runs: map[start]bits{}}
}

// storesOf lists, by object, the instructions that may write it.
func (e *engine) storesOf() [][]ir.Ref {
	each := func(note func(o pointer.ObjID, ref ir.Ref)) {
		for _, f := range e.c.Prog.Funcs {
			for i := range f.Instrs {
				if f.Instrs[i].Op == ir.LifeStart {
					continue
				}
				ref := ir.Ref{Func: f.ID, I: int32(i)}
				last := pointer.ObjID(-1)
				for _, x := range e.mr.WriteAccesses(ref) {
					if x.Obj != last {
						last = x.Obj
						note(last, ref)
					}
				}
			}
		}
	}
	n := make([]int32, len(e.pt.Objects)+1)
	each(func(o pointer.ObjID, _ ir.Ref) { n[o+1]++ })
	for o := range e.pt.Objects {
		n[o+1] += n[o]
	}
	list := make([]ir.Ref, n[len(e.pt.Objects)])
	out := make([][]ir.Ref, len(e.pt.Objects))
	for o := range out {
		out[o] = list[n[o]:n[o]:n[o+1]]
	}
	each(func(o pointer.ObjID, ref ir.Ref) { out[o] = append(out[o], ref) })
	return out
}

func (v *values) id(n node) int32 {
	if k, ok := v.ids[n]; ok {
		return k
	}
	k := int32(len(v.nodes))
	v.ids[n] = k
	v.nodes = append(v.nodes, n)
	v.sets = append(v.sets, valueSet{})
	v.deps = append(v.deps, nil)
	v.budget--
	if v.budget < 0 {
		v.sets[k].any = true
		return k
	}
	switch {
	case n.reg == -2:
		v.cell(k, n)
	case n.reg == -1:
		v.result(k, n)
	default:
		v.register(k, n)
	}
	return k
}

// flow makes the operand x of fn flow into k.
func (v *values) flow(k int32, fn ir.FuncID, x ir.Value, conv *ctype.Type) {
	switch x.Kind {
	case ir.VInt:
		v.sets[k].add(convert(x.Off, conv))
	case ir.VReg:
		d := v.id(node{fn: fn, reg: x.ID, obj: -1})
		v.deps[k] = append(v.deps[k], dep{d, conv})
	case ir.VUndef:
	default:
		v.sets[k].any = true
	}
}

func (v *values) register(k int32, n node) {
	f := v.c.c.Prog.Funcs[n.fn]
	r := f.Regs[n.reg]
	if r.Def < 0 {
		at := slices.Index(f.Params, r.Local)
		callers := v.c.pt.Callers(n.fn)
		if at < 0 || len(callers) == 0 || len(callers) > 200 {
			v.sets[k].any = true
			return
		}
		for _, c := range callers {
			in := v.c.c.Instr(c)
			g := false
			for _, t := range v.c.pt.Callees(c) {
				g = g || t == n.fn
			}
			if !g || at >= len(in.Args) { // a library calls it
				v.sets[k].any = true
				return
			}
			v.flow(k, c.Func, in.Args[at], r.Type)
		}
		return
	}
	in := &f.Instrs[r.Def]
	switch in.Op {
	case ir.Move:
		v.flow(k, n.fn, in.A, in.Type)
	case ir.Conv:
		if in.Opnd != nil && in.Opnd.IsArith() && in.Type.IsArith() && integer(in.Opnd) && integer(in.Type) {
			v.flow(k, n.fn, in.A, in.Type)
		} else {
			v.sets[k].any = true
		}
	case ir.Phi:
		for _, a := range in.Args {
			v.flow(k, n.fn, a, nil)
		}
	case ir.Cmp:
		v.sets[k].add(0)
		v.sets[k].add(1)
	case ir.Load:
		locs := v.c.pt.PointsTo(n.fn, in.A)
		if in.Volatile || len(locs) == 0 || len(locs) > maxPlaces || !integer(in.Type) {
			v.sets[k].any = true
			return
		}
		for _, l := range locs {
			if l.Off == pointer.Any {
				v.sets[k].any = true
				return
			}
			d := v.id(node{fn: -1, reg: -2, obj: l.Obj, off: l.Off, size: ctype.SizeOf(in.Type)})
			v.deps[k] = append(v.deps[k], dep{d, in.Type})
		}
	case ir.Call:
		for _, t := range v.c.pt.Callees(ir.Ref{Func: n.fn, I: r.Def}) {
			if !v.c.c.Prog.Funcs[t].Defined() {
				v.sets[k].any = true
				return
			}
			d := v.id(node{fn: t, reg: -1, obj: -1})
			v.deps[k] = append(v.deps[k], dep{d, in.Type})
		}
		if len(v.c.pt.Callees(ir.Ref{Func: n.fn, I: r.Def})) == 0 {
			v.sets[k].any = true
		}
	default:
		v.sets[k].any = true
	}
}

func integer(t *ctype.Type) bool {
	if t == nil || !t.IsInteger() {
		return false
	}
	n := ctype.SizeOf(t)
	return n > 0 && n <= 8
}

func (v *values) result(k int32, n node) {
	f := v.c.c.Prog.Funcs[n.fn]
	for b := range f.Blocks {
		if t := f.Term(ir.BlockID(b)); t.Op == ir.Ret {
			v.flow(k, n.fn, t.A, nil)
		}
	}
}

// cell collects what may be stored in a cell.
func (v *values) cell(k int32, n node) {
	set := &v.sets[k]
	o := &v.c.pt.Objects[n.obj]
	cellAt := modref.Access{Loc: pointer.Loc{Obj: n.obj, Off: n.off}, Size: n.size}
	switch o.Kind {
	case pointer.Global:
		g := v.c.c.Prog.Globals[o.Global]
		if g.Linkage == ir.Undefined {
			set.any = true
			return
		}
		exact := false
		for i := range g.Init {
			x := &g.Init[i]
			size := max(ctype.SizeOf(x.Type), 1)
			at := int64(v.c.pt.Canon(n.obj, x.Off))
			if at >= int64(n.off)+n.size || at+size <= int64(n.off) {
				continue
			}
			if at != int64(n.off) || size != n.size || x.Value.Kind != ir.VInt || x.Field != nil {
				set.any = true
				return
			}
			exact = exact || x.Off == int64(n.off) && !v.c.pt.Collapsed(cellAt.Loc)
			set.add(x.Value.Off)
		}
		if !exact {
			set.add(0)
		}
	case pointer.Heap:
		if o.Library || o.Opaque || o.Packet || !v.settled(n) {
			m := v.allocator(o.Inner)
			if m == nil || m.Alloc == nil || !m.Alloc.Zero || o.Library || o.Opaque || o.Packet {
				set.any = true
				return
			}
			set.add(0)
		}
	case pointer.Local:
		f := v.c.c.Prog.Funcs[o.Func]
		if f.Locals[o.Local].Param {
			set.any = true
			return
		}
		if !v.unseen(n, v.begins(o)) {
			set.any = true
			return
		}
	default:
		set.any = true
		return
	}
	refs := v.stores[n.obj]
	if len(refs) > 3000 {
		set.any = true
		return
	}
	for _, ref := range refs {
		hit := false
		for _, x := range v.c.mr.WriteAccesses(ref) {
			hit = hit || modref.Overlap(x, cellAt)
		}
		if hit {
			v.stored(k, n, ref)
		}
		if set.any {
			return
		}
	}
}

// stored takes what the instruction at ref may put into cell n.
func (v *values) stored(k int32, n node, ref ir.Ref) {
	in := v.c.c.Instr(ref)
	set := &v.sets[k]
	switch in.Op {
	case ir.Store:
		exact := ctype.SizeOf(in.Type) == n.size && integer(in.Type)
		for _, x := range v.c.mr.WriteAccesses(ref) {
			if x.Obj == n.obj && modref.Overlap(x, modref.Access{Loc: pointer.Loc{Obj: n.obj, Off: n.off}, Size: n.size}) {
				exact = exact && x.Off == n.off && x.Size == n.size
			}
		}
		switch {
		case !exact:
			set.any = true
		case in.B.Kind == ir.VInt && in.B.Off == 0: // of an initialiser, perhaps
			v.zero(k, n, ref)
		default:
			v.flow(k, ref.Func, in.B, in.Type)
		}
	case ir.Zero:
		v.zero(k, n, ref)
	case ir.Copy: // the same part of another record
		for _, d := range v.c.pt.PointsTo(ref.Func, in.A) {
			if d.Obj != n.obj {
				continue
			}
			delta := int64(n.off) - int64(d.Off)
			if d.Off == pointer.Any || delta < 0 || delta+n.size > ctype.SizeOf(in.Type) {
				set.any = true
				return
			}
			src := v.c.pt.PointsTo(ref.Func, in.B)
			if len(src) == 0 || len(src) > maxPlaces {
				set.any = true
				return
			}
			for _, s := range src {
				for _, l := range v.c.pt.Shift(s, delta) {
					if l.Off == pointer.Any {
						set.any = true
						return
					}
					to := v.id(node{fn: -1, reg: -2, obj: l.Obj, off: l.Off, size: n.size})
					v.deps[k] = append(v.deps[k], dep{to, nil})
				}
			}
		}
	case ir.Call:
		for _, t := range v.c.pt.Callees(ref) {
			if v.c.c.Prog.Funcs[t].Defined() {
				continue // its own stores count
			}
			m := v.c.pt.Model(t)
			if m == nil || !exact[m.Name] || m.Name == "strncpy" || len(in.Args) < 2 || len(m.Writes) != 1 {
				set.any = true
				return
			}
			if len(in.Args) == 3 && !(in.Args[1].Kind == ir.VInt && in.Args[1].Off == 0) {
				set.any = true
				return
			}
			v.zero(k, n, ref)
		}
	default:
		set.any = true
	}
}

// zero: the instruction at ref makes the object zeros, or a part of it.
func (v *values) zero(k int32, n node, ref ir.Ref) {
	if v.c.pt.Objects[n.obj].Kind == pointer.Local && v.c.pt.Objects[n.obj].Func == ref.Func &&
		v.unseen(n, []start{{f: ref.Func, at: ref.I, after: true}}) {
		return
	}
	v.sets[k].add(0)
}

// begins lists where local o's life begins.
func (v *values) begins(o *pointer.Object) []start {
	f := v.c.c.Prog.Funcs[o.Func]
	var out []start
	for i := range f.Instrs {
		if in := &f.Instrs[i]; in.Op == ir.LifeStart && in.A.Kind == ir.VLocal && ir.LocalID(in.A.ID) == o.Local {
			out = append(out, start{f: o.Func, at: int32(i), after: true})
		}
	}
	if out == nil {
		out = []start{{f: o.Func, at: -1}}
	}
	return out
}

// unseen reports whether no read of cell n is exposed from any of the starts. While questions are collected it
// supposes so.
func (v *values) unseen(n node, from []start) bool {
	for _, s := range from {
		if v.e == nil {
			if z := (zeroKey{n.obj, s}); !v.seen[z] {
				v.seen[z] = true
				v.zeroed[n.obj] = append(v.zeroed[n.obj], s)
			}
			continue
		}
		var none bits
		seen := false
		v.exposedFrom(s).each(&none, func(k int) {
			sp := &v.e.spans[k]
			seen = seen || sp.obj == n.obj && sp.lo < int64(n.off)+n.size && int64(n.off) < sp.hi
		})
		if seen {
			return false
		}
	}
	return true
}

// exposedFrom is the engine's answer, remembered.
func (v *values) exposedFrom(s start) bits {
	b, ok := v.runs[s]
	if !ok {
		b = v.e.run(s)
		v.runs[s] = b
	}
	return b
}

func (v *values) allocator(ref ir.Ref) *models.Model {
	callees := v.c.pt.Callees(ref)
	if len(callees) != 1 {
		return nil
	}
	return v.c.pt.Model(callees[0])
}

// settled reports whether cell n of a fresh heap block is stored before anything can read it: on every path from the call that
// made it, nothing but stores and loads of other parts happens to its address before.
func (v *values) settled(n node) bool {
	o := &v.c.pt.Objects[n.obj]
	f := v.c.c.Prog.Funcs[o.Site.Func]
	call := &f.Instrs[o.Site.I]
	if call.Dst < 0 || o.Array {
		return false
	}
	// offset of a register from the block; ok if it is one.
	var offset func(x ir.Value, depth int) (int64, bool)
	offset = func(x ir.Value, depth int) (int64, bool) {
		if x.Kind != ir.VReg || depth > 10 {
			return 0, false
		}
		if ir.Reg(x.ID) == call.Dst {
			return 0, true
		}
		d := f.Regs[x.ID].Def
		if d < 0 {
			return 0, false
		}
		in := &f.Instrs[d]
		switch in.Op {
		case ir.Move, ir.Conv:
			return offset(in.A, depth+1)
		case ir.FieldAddr:
			k, ok := offset(in.A, depth+1)
			return k + in.Off, ok
		}
		return 0, false
	}
	seen := make([]bool, len(f.Blocks))
	var walk func(b ir.BlockID, lo int32) bool
	walk = func(b ir.BlockID, lo int32) bool {
		for i := lo; i < f.Blocks[b].Hi; i++ {
			in := &f.Instrs[i]
			switch in.Op {
			case ir.Store:
				if k, ok := offset(in.A, 0); ok && k == int64(n.off) && ctype.SizeOf(in.Type) == n.size {
					return true
				}
				if _, ok := offset(in.B, 0); ok {
					return false
				}
			case ir.Move, ir.Conv, ir.FieldAddr, ir.Cmp, ir.Branch:
			case ir.Load:
				for _, x := range v.c.mr.ReadAccesses(ir.Ref{Func: f.ID, I: i}) {
					if modref.Overlap(x, modref.Access{Loc: pointer.Loc{Obj: n.obj, Off: n.off}, Size: n.size}) {
						return false
					}
				}
			case ir.Ret, ir.Call, ir.Builtin, ir.Asm, ir.Copy:
				return false
			default:
				bad := false
				in.Operands(func(x *ir.Value) {
					if _, ok := offset(*x, 0); ok {
						bad = true
					}
				})
				if bad {
					return false
				}
			}
		}
		for _, s := range f.Blocks[b].Succs {
			if !seen[s] {
				seen[s] = true
				if !walk(s, f.Blocks[s].Lo) {
					return false
				}
			}
		}
		return true
	}
	return walk(call.Block, o.Site.I+1)
}

// convert is what the constant x is as a t.
func convert(x int64, t *ctype.Type) int64 {
	if t == nil || !integer(t) {
		return x
	}
	if t.Kind == ctype.Bool {
		if x != 0 {
			return 1
		}
		return 0
	}
	unsigned := !t.IsSigned()
	switch ctype.SizeOf(t) {
	case 1:
		if unsigned {
			return int64(uint8(x))
		}
		return int64(int8(x))
	case 2:
		if unsigned {
			return int64(uint16(x))
		}
		return int64(int16(x))
	case 4:
		if unsigned {
			return int64(uint32(x))
		}
		return int64(int32(x))
	}
	return x
}

// solve lets the constants flow.
func (v *values) solve() {
	users := make([][]dep, len(v.nodes)) // to: who uses it
	for k := range v.deps {
		for _, d := range v.deps[k] {
			users[d.to] = append(users[d.to], dep{int32(k), d.conv})
		}
	}
	var work []int32
	for k := range v.nodes {
		work = append(work, int32(k))
	}
	for len(work) > 0 {
		k := work[len(work)-1]
		work = work[:len(work)-1]
		for _, u := range users[k] {
			changed := false
			if v.sets[k].any {
				changed = !v.sets[u.to].any
				v.sets[u.to].any, v.sets[u.to].list = true, nil
			} else {
				for _, x := range v.sets[k].list {
					changed = v.sets[u.to].add(convert(x, u.conv)) || changed
				}
			}
			if changed {
				work = append(work, u.to)
			}
		}
	}
}

// A question is a branch that compares a register with constants.
type question struct {
	b  ir.BlockID
	of ir.Value    // the register that is compared
	to []int64     // with what
	eq bool        // Succs[0] if it is one of them; otherwise Succs[1]
	sw bool        // a switch
	as *ctype.Type // how it is compared
}

// questions lists the branches of f on an integer register.
func questions(f *ir.Func) []question {
	var out []question
	for b := range f.Blocks {
		t := f.Term(ir.BlockID(b))
		switch t.Op {
		case ir.Switch:
			if t.A.Kind == ir.VReg {
				out = append(out, question{b: ir.BlockID(b), of: t.A, sw: true, as: t.Opnd})
			}
		case ir.Branch:
			x, eq := t.A, false
			var to []int64
			var as *ctype.Type
			for d := 0; d < 6 && x.Kind == ir.VReg && f.Regs[x.ID].Def >= 0; d++ {
				in := &f.Instrs[f.Regs[x.ID].Def]
				if in.Op == ir.Cmp && (in.Sub == check.Eq || in.Sub == check.Ne) && in.B.Kind == ir.VInt && in.A.Kind == ir.VReg && integer(in.Opnd) {
					to, eq, x, as = []int64{convert(in.B.Off, in.Opnd)}, in.Sub == check.Eq, in.A, in.Opnd
					break
				}
				if in.Op != ir.Conv && in.Op != ir.Move {
					break
				}
				x = in.A
			}
			if to != nil {
				out = append(out, question{b: ir.BlockID(b), of: x, to: to, eq: eq, as: as})
			}
		}
	}
	return out
}

// prune finds the edges of a procedure that no run takes, of all its calls (given nil) or where what some parameters may be is
// given.
func (v *values) prune(f *ir.Func, qs []question, given map[int32]valueSet) map[ir.BlockID][]bool {
	var dom *ir.DomTree
	var dead map[ir.BlockID][]bool
	for _, q := range qs {
		var set valueSet
		if g, ok := given[strip(f, q.of).ID]; ok {
			set = g
		} else if k, ok := v.ids[node{fn: f.ID, reg: q.of.ID, obj: -1}]; ok {
			set = v.sets[k]
		}
		if set.any || len(set.list) == 0 {
			continue
		}
		if dom == nil {
			dom = ir.Dominators(f)
		}
		left := v.left(f, dom, qs, set.list, q.of, q.b)
		t := f.Term(q.b)
		out := make([]bool, len(f.Blocks[q.b].Succs))
		for i := range out {
			out[i] = true
		}
		for _, x := range left {
			x = convert(x, q.as)
			switch {
			case q.sw:
				way := len(out) - 1
				for i, c := range t.Cases {
					if c.Lo <= x && x <= c.Hi {
						way = i
						break
					}
				}
				out[way] = false
			case slices.Contains(q.to, x) == q.eq:
				out[0] = false
			default:
				out[1] = false
			}
		}
		if slices.Contains(out, true) {
			if dead == nil {
				dead = map[ir.BlockID][]bool{}
			}
			dead[q.b] = out
		}
	}
	return dead
}

// left is what of list the branches before block b on the same value leave for x.
func (v *values) left(f *ir.Func, dom *ir.DomTree, qs []question, list []int64, x ir.Value, b ir.BlockID) []int64 {
	list = slices.Clone(list)
	for _, r := range qs {
		if r.b == b || r.sw || !dom.Dominates(r.b, b) || !v.sameValue(f, r.of, r.b, x, b) {
			continue
		}
		for s := 0; s < 2; s++ {
			to := f.Blocks[r.b].Succs[s]
			if len(f.Blocks[to].Preds) != 1 || !dom.Dominates(to, b) {
				continue
			}
			is := (s == 0) == r.eq
			list = slices.DeleteFunc(list, func(x int64) bool { return slices.Contains(r.to, convert(x, r.as)) != is })
		}
	}
	return list
}

// A specialty is what a procedure does where what some of its parameters may be is known: helpers that a constant steers
// do different things for different callers.
type specialty struct {
	fn  ir.FuncID
	key string
}

// steers lists the parameters of f that its branches depend on, as their registers on entry.
func steers(f *ir.Func, qs []question) []int32 {
	var out []int32
	for _, q := range qs {
		if r := strip(f, q.of); r.Kind == ir.VReg && f.Regs[r.ID].Def < 0 && !slices.Contains(out, r.ID) {
			out = append(out, r.ID)
		}
	}
	return out
}

// special returns the summary of t as the call in sees it; nil if that is the one for all.
func (v *values) special(p *proc, in *ir.Instr, t ir.FuncID) *summary {
	f := v.c.c.Prog.Funcs[t]
	regs := v.steer[t]
	if regs == nil || p.e.cg.Recursive(t) {
		return nil
	}
	given := map[int32]valueSet{}
	key := ""
	for _, r := range regs {
		k := slices.Index(f.Params, f.Regs[r].Local)
		if k < 0 || k >= len(in.Args) {
			continue
		}
		var set valueSet
		switch a := in.Args[k]; a.Kind {
		case ir.VInt:
			set.add(convert(a.Off, f.Regs[r].Type))
		case ir.VReg:
			n, ok := v.ids[node{fn: p.f.ID, reg: a.ID, obj: -1}]
			if !ok || v.sets[n].any {
				continue
			}
			for _, x := range v.sets[n].list {
				set.add(convert(x, f.Regs[r].Type))
			}
		default:
			continue
		}
		if all, ok := v.ids[node{fn: t, reg: r, obj: -1}]; ok && !v.sets[all].any && len(v.sets[all].list) <= len(set.list) {
			continue
		}
		given[r] = set
		key += fmt.Sprint(r, set.list)
	}
	if len(given) == 0 {
		return nil
	}
	sp := specialty{t, key}
	if s, ok := v.specials[sp]; ok {
		return s
	}
	q := p.e.proc(t)
	was := q.dead
	q.dead = v.prune(f, v.qs[t], given)
	s := p.e.summary(t)
	q.dead = was
	v.specials[sp] = s
	return s
}

// sameValue reports whether the registers x, read at the end of block bx, and y, read at the end of by, which bx dominates, are the
// same value: one register, or loads of the same place between which nothing writes it.
func (v *values) sameValue(f *ir.Func, x ir.Value, bx ir.BlockID, y ir.Value, by ir.BlockID) bool {
	x, y = strip(f, x), strip(f, y)
	if x.Kind != ir.VReg || y.Kind != ir.VReg {
		return false
	}
	if x.ID == y.ID {
		return true
	}
	dx, dy := f.Regs[x.ID].Def, f.Regs[y.ID].Def
	if dx < 0 || dy < 0 {
		return false
	}
	lx, ly := &f.Instrs[dx], &f.Instrs[dy]
	if lx.Op != ir.Load || ly.Op != ir.Load || lx.Volatile || ly.Volatile || lx.Block != bx || ly.Block != by ||
		ctype.SizeOf(lx.Type) != ctype.SizeOf(ly.Type) {
		return false
	}
	ax, ox := members.Base(f, lx.A)
	ay, oy := members.Base(f, ly.A)
	if ax != ay || ox != oy {
		return false
	}
	read := v.c.mr.ReadAccesses(ir.Ref{Func: f.ID, I: dy})
	quiet := func(lo, hi int32) bool {
		for i := lo; i < hi; i++ {
			ref := ir.Ref{Func: f.ID, I: i}
			if f.Instrs[i].Op == ir.Call {
				if len(v.c.pt.Callbacks(ref)) > 0 {
					return false
				}
				for _, t := range v.c.pt.Callees(ref) {
					if v.c.c.Prog.Funcs[t].Defined() {
						return false
					}
				}
			}
			for _, w := range v.c.mr.WriteAccesses(ref) {
				for _, r := range read {
					if modref.Overlap(w, r) {
						return false
					}
				}
			}
		}
		return true
	}
	// Blocks between the two: those from which by is reached without passing bx again.
	if !quiet(dx+1, f.Blocks[bx].Hi) || !quiet(f.Blocks[by].Lo, dy) {
		return false
	}
	seen := map[ir.BlockID]bool{bx: true, by: true}
	work := append([]ir.BlockID(nil), f.Blocks[by].Preds...)
	for len(work) > 0 {
		b := work[len(work)-1]
		work = work[:len(work)-1]
		if b == by { // round a loop
			return false
		}
		if seen[b] {
			continue
		}
		seen[b] = true
		if !quiet(f.Blocks[b].Lo, f.Blocks[b].Hi) {
			return false
		}
		work = append(work, f.Blocks[b].Preds...)
	}
	return true
}

// strip looks through conversions that keep the value.
func strip(f *ir.Func, x ir.Value) ir.Value {
	for d := 0; d < 6 && x.Kind == ir.VReg && f.Regs[x.ID].Def >= 0; d++ {
		in := &f.Instrs[f.Regs[x.ID].Def]
		if in.Op != ir.Move && !(in.Op == ir.Conv && integer(in.Type) && integer(in.Opnd) && ctype.SizeOf(in.Type) >= ctype.SizeOf(in.Opnd)) {
			break
		}
		x = in.A
	}
	return x
}
