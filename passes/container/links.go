package container

import (
	"slices"
	"sort"

	"saz/frontend/check"
	"saz/frontend/ctype"
	"saz/ir"
	"saz/passes"
	"saz/passes/members"
	"saz/passes/pointer"
)

// links is what the program's code says of the pointers from a record to
// records of the same type.
type links struct {
	rec    *ctype.Record
	fields []*link          // by offset
	backs  []*link          // fields that point at such a pointer (the **prev of BSD's lists)
	queues []*link          // those of fields that stand before one of backs: entries of BSD's lists and queues
	pairs  map[[2]*link]int // loops that follow just these two
}

// A link is one such pointer.
type link struct {
	name     string
	off      int64
	many     bool     // an array of them: a tree
	followed []ir.Ref // loads whose result becomes the base of the next one, in a loop
	forked   bool     // ... in a loop that follows another link too
	back     int      // x->next->f = ..., or old head->f = new head: what a back link is stored with
	pushed   int      // e->f = old head: what a forward link is stored with at an insertion in front
	appended int      // tail->f = e
	tied     int      // of back: x->next->f = x
	stored   int      // stores of anything that is not a null constant
	through  []*link  // x->other->f = ...: the others
}

// fieldOf resolves an address to the outermost record that it is taken in, and
// the offset in that record; base is the address of the record.
func fieldOf(p *ir.Program, f *ir.Func, v ir.Value) (rec *ctype.Record, off int64, base ir.Value, ok bool) {
	for d := 0; v.Kind == ir.VReg && d < 32; d++ {
		def := f.Regs[v.ID].Def
		if def < 0 {
			break
		}
		in := &f.Instrs[def]
		switch {
		case in.Op == ir.FieldAddr && in.Rec != nil:
			rec, off, base, ok = p.Record(in.Rec), off+in.Off, in.A, true
			v = in.A
			continue
		case in.Op == ir.IndexAddr && !ok && inArray(f, in):
			v = in.A // an element of a field that is an array
			continue
		case in.Op == ir.Move || in.Op == ir.Conv:
			if ok && in.Op == ir.Conv {
				return
			}
			v = in.A
			continue
		}
		break
	}
	return
}

// inArray reports whether an index is into a field that is an array of pointers.
func inArray(f *ir.Func, in *ir.Instr) bool {
	if in.A.Kind != ir.VReg || f.Regs[in.A.ID].Def < 0 {
		return false
	}
	x := &f.Instrs[f.Regs[in.A.ID].Def]
	return x.Op == ir.FieldAddr && x.Field != nil && x.Field.Type.Kind == ctype.Array && x.Field.Type.Elem != nil && x.Field.Type.Elem.Kind == ctype.Pointer
}

// FieldOf resolves an address to the outermost record that it is taken in, and the offset in that.
func FieldOf(p *ir.Program, f *ir.Func, v ir.Value) (*ctype.Record, int64, bool) {
	rec, off, _, ok := fieldOf(p, f, v)
	return rec, off, ok
}

// pointee returns the record that t points at.
func pointee(p *ir.Program, t *ctype.Type) *ctype.Record {
	if t == nil || t.Kind != ctype.Pointer || t.Elem == nil || !t.Elem.IsRecord() || t.Elem.Rec == nil {
		return nil
	}
	return p.Record(t.Elem.Rec)
}

// selfLinks lists the pointers from rec to its own type, those in embedded
// records included.
func selfLinks(p *ir.Program, rec *ctype.Record) *links {
	l := &links{rec: rec}
	var walk func(r *ctype.Record, off int64, prefix string)
	walk = func(r *ctype.Record, off int64, prefix string) {
		for i := range r.Fields {
			fl := &r.Fields[i]
			name := prefix + fl.Name
			switch {
			case fl.Type.Kind == ctype.Struct && fl.Type.Rec != nil && !r.Union:
				if fl.Name != "" {
					name += "."
				}
				walk(p.Record(fl.Type.Rec), off+fl.Off, name)
			case fl.Type.Kind == ctype.Array && fl.Type.Len > 1 && fl.Type.Len <= 256 && pointee(p, fl.Type.Elem) == rec:
				l.fields = append(l.fields, &link{name: name + "[]", off: off + fl.Off, many: true})
			case pointee(p, fl.Type) == rec:
				l.fields = append(l.fields, &link{name: name, off: off + fl.Off})
			case fl.Type.Kind == ctype.Pointer && pointee(p, fl.Type.Elem) == rec:
				l.backs = append(l.backs, &link{name: name, off: off + fl.Off})
			}
		}
	}
	if rec.Complete {
		walk(rec, 0, "")
	}
	for _, b := range l.backs {
		l.queues = append(l.queues, l.at(b.off-8))
	}
	return l
}

// backOf returns the field through which an entry that next leads to is taken out.
func (l *links) backOf(next *link) *link {
	for _, b := range l.backs {
		if b.off == next.off+8 || len(l.backs) == 1 {
			return b
		}
	}
	return nil
}

func (l *links) at(off int64) *link {
	for _, x := range l.fields {
		if x.off == off {
			return x
		}
	}
	return nil
}

// A scan looks at all code once for what it does with the links of the records
// in all.
type scan struct {
	c   *passes.Context
	pt  *pointer.Result
	all map[*ctype.Record]*links

	owner map[*link]*ctype.Record // of those that are followed
}

// load returns the link that the instruction loads, and the entry that it is
// loaded from.
func (s *scan) load(f *ir.Func, in *ir.Instr) (*links, *link, ir.Value) {
	if in == nil || in.Op != ir.Load || in.Type == nil || in.Type.Kind != ctype.Pointer {
		return nil, nil, ir.Value{}
	}
	return s.address(f, in.A, in.Type)
}

// address resolves the address of a link.
func (s *scan) address(f *ir.Func, v ir.Value, t *ctype.Type) (*links, *link, ir.Value) {
	rec, off, base, ok := fieldOf(s.c.Prog, f, v)
	if !ok {
		// The first member: the address of the entry is the address of the link.
		return nil, nil, ir.Value{}
	}
	l := s.all[rec]
	if l == nil {
		return nil, nil, ir.Value{}
	}
	return l, l.at(off), base
}

// phis returns all phis (and locals in memory, as -1-LocalID) into which the
// value of reg goes by way of moves, conversions and phis.
func phis(f *ir.Func, uses [][]int32, reg ir.Reg) map[ir.Reg]bool {
	out := map[ir.Reg]bool{}
	seen := map[ir.Reg]bool{reg: true}
	work := []ir.Reg{reg}
	for len(work) > 0 {
		r := work[len(work)-1]
		work = work[:len(work)-1]
		for _, i := range uses[r] {
			in := &f.Instrs[i]
			switch in.Op {
			case ir.Phi:
				out[in.Dst] = true
			case ir.Move, ir.Conv:
			case ir.Store:
				if in.A.Kind == ir.VLocal && in.A.Off == 0 && in.B.Kind == ir.VReg && ir.Reg(in.B.ID) == r {
					out[ir.Reg(-1-in.A.ID)] = true
				}
				continue
			default:
				continue
			}
			if in.Dst >= 0 && !seen[in.Dst] {
				seen[in.Dst] = true
				work = append(work, in.Dst)
			}
		}
	}
	return out
}

// sources returns the phis (and locals in memory) that v comes from by way of
// moves, conversions and phis, itself included.
func sources(f *ir.Func, v ir.Value) map[ir.Reg]bool {
	out := map[ir.Reg]bool{}
	seen := map[ir.Value]bool{}
	var walk func(v ir.Value)
	walk = func(v ir.Value) {
		v = members.Strip(f, v)
		if v.Kind != ir.VReg || seen[v] {
			return
		}
		seen[v] = true
		d := f.Regs[v.ID].Def
		if d < 0 {
			return
		}
		switch in := &f.Instrs[d]; in.Op {
		case ir.Phi:
			out[in.Dst] = true
			for _, a := range in.Args {
				walk(a)
			}
		case ir.Load:
			if in.A.Kind == ir.VLocal && in.A.Off == 0 {
				out[ir.Reg(-1-in.A.ID)] = true
			}
		}
	}
	walk(v)
	return out
}

// run looks at every function.
func (s *scan) run() {
	for _, f := range s.c.Prog.Funcs {
		if !f.Defined() {
			continue
		}
		s.function(f)
	}
}

func (s *scan) function(f *ir.Func) {
	var uses [][]int32
	var loops *ir.Loops
	perLoop := map[ir.LoopID]map[*link]bool{}
	follow := func(l *link, i int32, in *ir.Instr) {
		if s.owner == nil {
			s.owner = map[*link]*ctype.Record{}
		}
		if s.owner[l] == nil {
			for r, ls := range s.all {
				if ls.at(l.off) == l {
					s.owner[l] = r
				}
			}
		}
		l.followed = append(l.followed, ir.Ref{Func: f.ID, I: i})
		lp := loops.LoopOf(in.Block)
		if perLoop[lp] == nil {
			perLoop[lp] = map[*link]bool{}
		}
		perLoop[lp][l] = true
	}
	for i := range f.Instrs {
		in := &f.Instrs[i]
		switch in.Op {
		case ir.Load:
			_, l, base := s.load(f, in)
			if l == nil {
				continue
			}
			if uses == nil {
				uses, loops = members.Uses(f), ir.FindLoops(f)
			}
			if loops.LoopOf(in.Block) < 0 {
				continue
			}
			to := phis(f, uses, in.Dst)
			hit := false
			for r := range sources(f, base) {
				hit = hit || to[r]
			}
			// A cursor that is in memory: root = root->left, as in a splay tree.
			if b := members.Def(f, base); !hit && b != nil && b.Op == ir.Load {
				for r := range carriers(f, uses, in.Dst) {
					for _, j := range uses[r] {
						st := &f.Instrs[j]
						hit = hit || st.Op == ir.Store && loops.LoopOf(st.Block) >= 0 && members.Strip(f, st.B) == members.Strip(f, ir.RegVal(in.Dst)) && alike(f, st.A, b.A, 0)
					}
				}
			}
			if hit {
				follow(l, int32(i), in)
			}
		case ir.FieldAddr, ir.IndexAddr:
			// pp = &(*pp)->next
			rec, off, base, ok := fieldOf(s.c.Prog, f, ir.RegVal(in.Dst))
			ls := s.all[rec]
			if !ok || ls == nil || len(ls.fields) == 0 {
				continue
			}
			l := ls.at(off)
			ld := members.Def(f, base)
			if l == nil || ld == nil || ld.Op != ir.Load {
				continue
			}
			if uses == nil {
				uses, loops = members.Uses(f), ir.FindLoops(f)
			}
			if loops.LoopOf(in.Block) < 0 {
				continue
			}
			to := phis(f, uses, in.Dst)
			for r := range sources(f, ld.A) {
				if to[r] {
					follow(l, int32(i), in)
					break
				}
			}
		case ir.Store:
			s.store(f, in)
		}
	}
	for _, set := range perLoop {
		if len(set) > 1 {
			for l := range set {
				l.forked = true
			}
		}
		if len(set) == 2 {
			for a := range set {
				for b := range set {
					if ls := s.all[s.owner[a]]; a.off < b.off && ls.at(b.off) == b {
						if ls.pairs == nil {
							ls.pairs = map[[2]*link]int{}
						}
						ls.pairs[[2]*link{a, b}]++
					}
				}
			}
		}
	}
}

// store judges a store to a link.
func (s *scan) store(f *ir.Func, in *ir.Instr) {
	if rec, off, _, ok := fieldOf(s.c.Prog, f, in.A); ok {
		if ls := s.all[rec]; ls != nil {
			for _, b := range ls.backs {
				if b.off == off {
					b.stored++
				}
			}
		}
	}
	ls, l, base := s.address(f, in.A, in.Type)
	if l == nil || members.Strip(f, in.B).Kind == ir.VInt {
		return
	}
	l.stored++
	b := members.Def(f, base)
	if _, other, from := s.load(f, b); other != nil {
		// x->other->l = v. With v = x it ties the entry behind to x; with v a
		// load of x->l it takes x out.
		if other != l {
			if !slices.Contains(l.through, other) {
				l.through = append(l.through, other)
			}
			v := members.Def(f, in.B)
			_, vl, vfrom := s.load(f, v)
			if members.Strip(f, in.B) == members.Strip(f, from) {
				l.tied++
			}
			if members.Strip(f, in.B) == members.Strip(f, from) || vl == l && members.Strip(f, vfrom) == members.Strip(f, from) {
				l.back++
				return
			}
		}
	}
	if s.isHead(f, ls, base) {
		// old head->l = new entry: the entry that comes in front.
		if !s.isHead(f, ls, in.B) {
			if s.pushes(f, ls, l, in.B, base) {
				l.back++
			} else {
				l.appended++ // tail->l = e, where the tail is in memory too
			}
			return
		}
	}
	if s.isHead(f, ls, in.B) {
		l.pushed++
	}
}

// isHead reports whether v is loaded from a place that holds entries and is no
// link of an entry: a bucket, a list's head or tail.
func (s *scan) isHead(f *ir.Func, ls *links, v ir.Value) bool {
	in := members.Def(f, v)
	if in == nil {
		return false
	}
	if in.Op == ir.Phi {
		for _, a := range in.Args {
			d := members.Def(f, a)
			if d == nil || d.Op == ir.Phi || !s.isHead(f, ls, a) {
				return false
			}
		}
		return len(in.Args) > 0
	}
	if in.Op != ir.Load || pointee(s.c.Prog, in.Type) != ls.rec {
		return false
	}
	if in.A.Kind == ir.VLocal {
		return false
	}
	rec, _, _, ok := fieldOf(s.c.Prog, f, in.A)
	return !ok || rec != ls.rec
}

// pushes reports whether f puts entry e in front of old: e->m = old for a link
// m other than l.
func (s *scan) pushes(f *ir.Func, ls *links, l *link, e, old ir.Value) bool {
	for i := range f.Instrs {
		in := &f.Instrs[i]
		if in.Op != ir.Store {
			continue
		}
		if x, m, base := s.address(f, in.A, in.Type); x == ls && m != nil && m != l && members.Strip(f, base) == members.Strip(f, e) && alike(f, in.B, old, 0) {
			return true
		}
	}
	return false
}

// alike reports whether two values are computed in the same way. Loads of one
// place count as the same value.
func alike(f *ir.Func, a, b ir.Value, depth int) bool {
	a, b = members.Strip(f, a), members.Strip(f, b)
	if a == b {
		return true
	}
	if a.Kind != ir.VReg || b.Kind != ir.VReg || depth > 8 {
		return false
	}
	x, y := members.Def(f, a), members.Def(f, b)
	if x == nil || y == nil || x.Op != y.Op || x.Off != y.Off {
		return false
	}
	switch x.Op {
	case ir.Load, ir.FieldAddr:
		return alike(f, x.A, y.A, depth+1)
	case ir.IndexAddr:
		return alike(f, x.A, y.A, depth+1) && alike(f, x.B, y.B, depth+1)
	}
	return false
}

// inUse reports whether the code does anything with a link. That of a BSD queue may only be written through
// the pointer to it.
func (l *links) inUse(x *link) bool {
	for i, q := range l.queues {
		if q == x {
			return x.stored > 0 || len(x.followed) > 0 || l.backs[i].stored > 0
		}
	}
	return x.stored > 0 || len(x.followed) > 0
}

// tree returns the two links of which some loop follows one or the other, and
// which do not lead back to each other: a binary tree's. Where there is a third that leads back from both (the parent), a
// rotation may look as if they did.
func (l *links) tree() (left, right *link) {
	best := 0
	for i, a := range l.fields {
		for _, b := range l.fields[i+1:] {
			if n := l.pairs[[2]*link{a, b}]; n > best && (a.tied == 0 && b.tied == 0 || l.parent(a, b)) {
				left, right, best = a, b, n
			}
		}
	}
	return left, right
}

func (l *links) parent(a, b *link) bool {
	for _, x := range l.fields {
		if x != a && x != b && x.stored > 0 {
			return true
		}
	}
	return false
}

// decide says which link leads on and which leads back. tree: two links are
// followed in one loop. why says what stands in the way.
func (l *links) decide() (next, prev *link, tree bool, why string) {
	var walked, used []*link
	for _, x := range l.fields {
		if len(x.followed) > 0 {
			walked = append(walked, x)
		}
		if l.inUse(x) {
			used = append(used, x)
		}
	}
	if len(used) == 0 {
		return nil, nil, false, ""
	}
	for _, x := range walked {
		if x.many {
			return x, x, true, ""
		}
	}
	if a, b := l.tree(); a != nil {
		return a, b, true, ""
	}
	score := func(x *link) int { return 2*x.pushed + 2*x.appended + len(x.followed) - 2*x.back }
	cand := walked
	if len(cand) == 0 {
		cand = used
	}
	sort.SliceStable(cand, func(i, j int) bool { return score(cand[i]) > score(cand[j]) })
	if len(cand) > 1 && score(cand[0]) == score(cand[1]) {
		return nil, nil, false, "both " + cand[0].name + " and " + cand[1].name + " may lead to the next entry"
	}
	next = cand[0]
	if next.pushed+next.appended+len(next.followed) == 0 && l.backOf(next) == nil {
		return nil, nil, false, "nothing follows " + next.name
	}
	for _, x := range used {
		if x == next {
			continue
		}
		if prev != nil || x.back == 0 {
			return next, nil, false, "entries hold another pointer to an entry, " + x.name + ", which is neither the next nor the previous one"
		}
		prev = x
	}
	if back := l.backOf(next); back != nil && back.stored > 0 {
		if prev != nil {
			return next, prev, false, "entries hold both a pointer to the previous one and the address of the pointer to them, " + back.name
		}
		prev = back // LIST_ENTRY: *prev is what points at the entry
	}
	return next, prev, false, ""
}

// compares reports whether in compares for equality.
func compares(in *ir.Instr) bool {
	return in.Op == ir.Cmp && (in.Sub == check.Eq || in.Sub == check.Ne)
}
