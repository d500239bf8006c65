package container

import (
	"fmt"
	"slices"
	"sort"

	"saz/frontend/ctype"
	"saz/ir"
	"saz/passes/members"
	"saz/passes/persist"
	"saz/passes/pointer"
)

// What a program does with the pointers that it takes from a head tells two things
// that types don't: which of an entry's links this head's collection runs through (an
// entry may be in several), and, where the links are members that know nothing of what they are in
// (struct list, container_of), what the entries are.
type thread struct {
	links   map[int64]int // by offset in the entry
	members map[member]int
	walkers map[ir.FuncID]bool // procedures that reach entries from this head
	loaders map[ir.FuncID]bool // procedures that take a pointer from this head
}

// A member of a record through which a list runs.
type member struct {
	rec *ctype.Record
	off int64
}

// nodeOf returns the record that t is, if it has nothing but pointers to its own kind: a link that is
// made to be a member of something.
func nodeOf(p *ir.Program, t *ctype.Type) *ctype.Record {
	if t == nil || t.Kind != ctype.Struct || t.Rec == nil {
		return nil
	}
	r := p.Record(t.Rec)
	if !r.Complete || len(r.Fields) == 0 {
		return nil
	}
	for i := range r.Fields {
		ft := r.Fields[i].Type
		if pointee(p, ft) != r && !(ft.Kind == ctype.Pointer && pointee(p, ft.Elem) == r) {
			return nil
		}
	}
	return r
}

// headStruct returns the record that a struct made to be a head leads to: it has one pointer to it, and
// perhaps one to a pointer to it (the tail of a BSD queue).
func headStruct(p *ir.Program, t *ctype.Type) (rec *ctype.Record, at *ctype.Field, tail bool) {
	if t == nil || t.Kind != ctype.Struct || t.Rec == nil || nodeOf(p, t) != nil {
		return nil, nil, false
	}
	r := p.Record(t.Rec)
	for i := range r.Fields {
		f := &r.Fields[i]
		switch {
		case at == nil && pointee(p, f.Type) != nil:
			rec, at = pointee(p, f.Type), f
		case rec != nil && !tail && f.Type.Kind == ctype.Pointer && pointee(p, f.Type.Elem) == rec:
			tail = true
		default:
			return nil, nil, false
		}
	}
	if at == nil || !rec.Complete || rec == r {
		return nil, nil, false
	}
	return rec, at, tail
}

// A setID is a points-to set: the pointer analysis shares equal ones.
type setID struct {
	first *pointer.Loc
	n     int
}

// follow looks at all code that loads from or stores to the heads.
func (w *finder) follow(vars []*persist.Var, res *Result) {
	w.threads = map[*Container]*thread{}
	byHead := map[pointer.Loc][]*Container{}
	add := func(k *Container, heads []pointer.Loc) {
		w.threads[k] = &thread{links: map[int64]int{}, members: map[member]int{}, walkers: map[ir.FuncID]bool{}, loaders: map[ir.FuncID]bool{}}
		for _, l := range heads {
			byHead[l] = append(byHead[l], k)
		}
	}
	for _, v := range vars {
		if k := res.Containers[v.ID]; k != nil && k.Shape != Array {
			add(k, w.heads[v.ID])
		}
		if b := w.behind[v.ID]; b != nil {
			add(b.k, b.heads)
		}
	}
	if len(byHead) == 0 {
		return
	}
	known := map[setID][]*Container{}
	at := func(f *ir.Func, a ir.Value) []*Container {
		locs := w.pt.PointsTo(f.ID, a)
		if len(locs) == 0 {
			return nil
		}
		id := setID{&locs[0], len(locs)}
		out, ok := known[id]
		if ok {
			return out
		}
		for _, l := range locs {
			for _, k := range byHead[l] {
				// What may be a link of any list tells nothing of this one.
				if k.node == nil || locs[0].Obj == locs[len(locs)-1].Obj {
					out = append(out, k)
				}
			}
		}
		known[id] = out
		return out
	}
	for _, f := range w.c.Prog.Funcs {
		var uses [][]int32
		var stores []linkStore
		for i := range f.Instrs {
			in := &f.Instrs[i]
			if (in.Op != ir.Load && in.Op != ir.Store) || in.Type == nil || in.Type.Kind != ctype.Pointer {
				continue
			}
			ks := at(f, in.A)
			if len(ks) == 0 {
				continue
			}
			if uses == nil {
				uses = members.Uses(f)
			}
			if in.Op == ir.Load {
				for _, k := range ks {
					w.threads[k].loaders[f.ID] = true
				}
				w.taken(f, uses, in.Dst, ks)
			} else {
				if stores == nil {
					stores = w.linkStores(f)
				}
				w.put(f, in, ks, stores, at)
			}
		}
	}
}

// taken sees where a pointer from a head goes.
func (w *finder) taken(f *ir.Func, uses [][]int32, reg ir.Reg, ks []*Container) {
	from := carriers(f, uses, reg)
	for r := range from {
		for _, i := range uses[r] {
			in := &f.Instrs[i]
			if in.A.Kind != ir.VReg || ir.Reg(in.A.ID) != r {
				continue
			}
			switch in.Op {
			case ir.FieldAddr:
				w.vote(f, uses, in, ks)
			case ir.IndexAddr:
				if in.B.Kind == ir.VInt && in.B.Off*in.Off < 0 {
					for c := range carriers(f, uses, in.Dst) {
						w.member(f, f.Regs[c].Def, -in.B.Off*in.Off, ks)
					}
				}
			case ir.Conv:
				w.member(f, f.Regs[in.Dst].Def, 0, ks)
			}
		}
	}
}

// member notes that a link of ks is off bytes into what the instruction's result points at.
func (w *finder) member(f *ir.Func, def int32, off int64, ks []*Container) {
	if def < 0 || f.Instrs[def].Op != ir.Conv {
		return
	}
	rec := pointee(w.c.Prog, f.Instrs[def].Type)
	if rec == nil || !rec.Complete || rec.Size <= off {
		return
	}
	for _, k := range ks {
		if k.node != nil && rec != k.node && w.holds(rec, off, k.node) {
			w.threads[k].members[member{rec, off}]++
			w.threads[k].walkers[f.ID] = true
		}
	}
}

// holds reports whether a record has a node as a member at off.
func (w *finder) holds(rec *ctype.Record, off int64, node *ctype.Record) bool {
	for i := range rec.Fields {
		fl := &rec.Fields[i]
		if off < fl.Off || off >= fl.Off+max(ctype.SizeOf(fl.Type), 1) || fl.Type.Kind != ctype.Struct || fl.Type.Rec == nil {
			continue
		}
		r := w.c.Prog.Record(fl.Type.Rec)
		if r == node && off == fl.Off || w.holds(r, off-fl.Off, node) {
			return true
		}
	}
	return false
}

// vote counts a use of a link of an entry that a head led to.
func (w *finder) vote(f *ir.Func, uses [][]int32, in *ir.Instr, ks []*Container) {
	rec, off := w.c.Prog.Record(in.Rec), in.Off
	for r, again := in.Dst, true; again; { // embedded records
		again = false
		for _, j := range uses[r] {
			x := &f.Instrs[j]
			switch {
			case x.Op == ir.FieldAddr && x.A.Kind == ir.VReg && ir.Reg(x.A.ID) == r:
				off += x.Off
				r, again = x.Dst, true
			case (x.Op == ir.Load || x.Op == ir.Store) && x.A.Kind == ir.VReg && ir.Reg(x.A.ID) == r && x.Type != nil && x.Type.Kind == ctype.Pointer:
				for _, k := range ks {
					if k.Entry == rec && k.node == nil {
						w.threads[k].links[off]++
						w.threads[k].walkers[f.ID] = true
					}
				}
			}
			if again {
				break
			}
		}
	}
}

// A linkStore stores a pointer in a field of a record.
type linkStore struct {
	rec       *ctype.Record
	off       int64
	base, val ir.Value
}

func (w *finder) linkStores(f *ir.Func) []linkStore {
	out := []linkStore{}
	for i := range f.Instrs {
		in := &f.Instrs[i]
		if in.Op != ir.Store || in.Type == nil || in.Type.Kind != ctype.Pointer {
			continue
		}
		if rec, off, base, ok := fieldOf(w.c.Prog, f, in.A); ok {
			out = append(out, linkStore{rec, off, members.Strip(f, base), in.B})
		}
	}
	return out
}

// put sees what is stored in a head: what a link of an entry had (a removal), or an entry
// whose link gets what the head had.
func (w *finder) put(f *ir.Func, st *ir.Instr, ks []*Container, stores []linkStore, at func(*ir.Func, ir.Value) []*Container) {
	v := members.Strip(f, st.B)
	if v.Kind != ir.VReg {
		return
	}
	for _, k := range ks {
		th := w.threads[k]
		if ld := members.Def(f, v); ld != nil && ld.Op == ir.Load {
			if rec, off, _, ok := fieldOf(w.c.Prog, f, ld.A); ok && rec == k.Entry && k.node == nil {
				th.links[off]++
				continue
			}
		}
		for _, st := range stores {
			if st.rec != k.Entry || st.base != v {
				continue
			}
			if ld := members.Def(f, st.val); ld != nil && ld.Op == ir.Load {
				for _, x := range at(f, ld.A) {
					if x == k {
						th.links[st.off]++
					}
				}
			}
		}
	}
}

// carriers returns the registers that hold the value of reg too, by moves, conversions and phis.
func carriers(f *ir.Func, uses [][]int32, reg ir.Reg) map[ir.Reg]bool {
	out := map[ir.Reg]bool{reg: true}
	work := []ir.Reg{reg}
	for len(work) > 0 {
		r := work[len(work)-1]
		work = work[:len(work)-1]
		for _, i := range uses[r] {
			in := &f.Instrs[i]
			if (in.Op == ir.Phi || in.Op == ir.Move || in.Op == ir.Conv) && in.Dst >= 0 && !out[in.Dst] {
				out[in.Dst] = true
				work = append(work, in.Dst)
			}
		}
	}
	return out
}

// settleNode decides what the entries of a list are that runs through members; false: nothing tells.
func (w *finder) settleNode(v *persist.Var, k *Container) bool {
	th := w.threads[k]
	var best member
	for m, n := range th.members {
		if b := th.members[best]; n > b || n == b && (best.rec == nil || m.off < best.off || m.off == best.off && m.rec.Tag < best.rec.Tag) {
			best = m
		}
	}
	if best.rec == nil {
		return false
	}
	k.Entry, k.nodeOff = best.rec, best.off
	for m := range th.members {
		if m != best {
			w.unknown(k, v, fmt.Sprintf("its entries are taken for more than one kind, %s and %s", recName(best.rec), recName(m.rec)))
			break
		}
	}
	l := w.linksOf(k.node)
	next := l.fields[0]
	for _, x := range l.fields[1:] {
		if len(x.followed) > len(next.followed) {
			next = x
		}
	}
	path := memberName(w.c.Prog, best.rec, best.off, k.node)
	k.Next, k.NextOff = path+"."+next.name, best.off+next.off
	for _, x := range append(l.backs, l.fields...) {
		if x != next {
			k.Prev, k.PrevOff = path+"."+x.name, best.off+x.off
		}
	}
	w.entries[v.ID] = nil
	for o := range w.pt.Objects {
		if t := w.pt.TypeOf(pointer.ObjID(o)); w.pt.Objects[o].Kind == pointer.Heap && t != nil && t.Kind == ctype.Struct && t.Rec != nil && w.c.Prog.Record(t.Rec) == best.rec {
			w.entries[v.ID] = append(w.entries[v.ID], pointer.ObjID(o))
		}
	}
	k.Together = "its links are members that lead to the next member, not to the entry"
	k.Why = append(k.Why, w.because(v, "entries are %s: the list runs through %s of them", recName(best.rec), path))
	return true
}

func recName(r *ctype.Record) string {
	if r.Tag != "" {
		return "struct " + r.Tag
	}
	return r.Typedef
}

// memberName is the path of the node at off in a record.
func memberName(p *ir.Program, rec *ctype.Record, off int64, node *ctype.Record) string {
	for i := range rec.Fields {
		fl := &rec.Fields[i]
		if off < fl.Off || off >= fl.Off+max(ctype.SizeOf(fl.Type), 1) || fl.Type.Kind != ctype.Struct || fl.Type.Rec == nil {
			continue
		}
		r := p.Record(fl.Type.Rec)
		if r == node {
			return fl.Name
		}
		if fl.Name == "" {
			return memberName(p, r, off-fl.Off, node)
		}
		return fl.Name + "." + memberName(p, r, off-fl.Off, node)
	}
	return ""
}

// chosen restricts the links of an entry to those that this head's collection runs through, if the code
// tells; others are the names of the rest that is in use.
func (w *finder) chosen(k *Container) (l *links, others []string) {
	all := w.linksOf(k.Entry)
	th := w.threads[k]
	if th == nil {
		return all, nil
	}
	out := &links{rec: all.rec, backs: all.backs, queues: all.queues, pairs: all.pairs}
	for _, x := range all.fields {
		if th.links[x.off] > 0 {
			out.fields = append(out.fields, x)
		}
	}
	if len(out.fields) == 0 {
		return all, nil
	}
	// What leads back comes with what leads on, as a link that is stored through it does.
	chain := slices.Clone(out.fields)
	for _, x := range all.fields {
		if th.links[x.off] == 0 && all.inUse(x) {
			if len(all.backs) == 0 && (k.blocks == nil || slices.ContainsFunc(x.through, func(y *link) bool { return slices.Contains(chain, y) })) {
				out.fields = append(out.fields, x)
			} else {
				others = append(others, x.name)
			}
		}
	}
	sort.Slice(out.fields, func(i, j int) bool { return out.fields[i].off < out.fields[j].off })
	return out, others
}
