package pointer

import (
	"slices"

	"saz/frontend/ctype"
	"saz/ir"
)

// Free lists. An allocator of the program's own keeps free blocks in a list that is linked
// through their first word: what it hands out is the first of them, or a fresh block. The
// link is read where something else was while the block was in use, and memory here holds
// what was ever stored in it: so what is linked would be all that users of the blocks
// keep there, and what they keep there would be free blocks.
//
// But what is next on such a list is what was first of it once. So the link is not stored,
// and to load it is to load the list's head. And a block that is handed out again is as
// good as one that malloc returns: it has the name that a fresh block has there. That is
// done if
//
//   - the head is a member or a variable whose address is only loaded from and stored to,
//   - all that is stored to it is null, a link of it, or a block whose link was set, in the
//     same procedure, to the former head,
//   - a procedure that returns nothing else takes a block off, and is called by one
//     that returns that, or what malloc gave it and nobody wrote to: so nobody can rely on
//     what a block held before. Who calls the former alone gets a block with a name of its own.

// A listHead is a member of a record or a variable.
type listHead struct {
	rec    *ctype.Record
	off    int64
	global int32
}

type freeList struct {
	bad    bool
	pushes []ir.Ref // stores of links
	links  map[ir.Ref][]ir.Reg
	pops   []ir.FuncID // what takes the first block off and returns it, and nothing else
}

// findFreeLists fills in linkOf, noLink, recycled and asFresh.
func (s *solver) findFreeLists() {
	s.linkOf, s.noLink, s.recycled, s.recyclers = map[ir.Ref][]ir.Reg{}, map[ir.Ref]bool{}, map[ir.Ref]bool{}, map[ir.FuncID]bool{}
	s.linkStores, s.asFresh = map[ir.Ref]bool{}, map[ir.Ref]bool{}
	takes := map[ir.FuncID]bool{}
	lists := map[listHead]*freeList{}
	var keys []listHead
	list := func(k listHead) *freeList {
		l := lists[k]
		if l == nil {
			l = &freeList{links: map[ir.Ref][]ir.Reg{}}
			lists[k] = l
			keys = append(keys, k)
		}
		return l
	}
	for _, f := range s.prog.Funcs {
		if f.Defined() {
			s.headsIn(f, list)
		}
	}
	for _, g := range s.prog.Globals {
		for i := range g.Init {
			if v := g.Init[i].Value; v.Kind == ir.VGlobal {
				if l := lists[listHead{global: v.ID}]; l != nil {
					l.bad = true
				}
			}
		}
	}
	for _, k := range keys {
		l := lists[k]
		if l.bad || len(l.pushes) == 0 || !s.handOut(l) {
			continue
		}
		for ref, roots := range l.links {
			s.linkOf[ref] = roots
		}
		for _, ref := range l.pushes {
			s.noLink[ref] = true
		}
		for _, f := range l.pops {
			takes[f] = true
		}
	}
	if len(takes) > 0 {
		for _, f := range s.prog.Funcs {
			for i := range f.Instrs {
				ref := ir.Ref{Func: f.ID, I: int32(i)}
				if in := &f.Instrs[i]; in.Op == ir.Call && in.A.Kind == ir.VFunc && in.Dst >= 0 && takes[ir.FuncID(in.A.ID)] && !s.recycled[ref] {
					s.asFresh[ref] = true
				}
			}
		}
	}
	s.findRecyclers()
}

// handOut notes the calls by which allocators take blocks off the list, and reports
// whether there are any.
func (s *solver) handOut(l *freeList) bool {
	found := false
	for _, f := range s.prog.Funcs {
		w := s.heap.wrappers[f.ID]
		if w == nil || !s.uninitialised(f, w) {
			continue
		}
		for _, v := range w.rest {
			if v.Kind != ir.VReg || f.Regs[v.ID].Def < 0 {
				continue
			}
			d := f.Regs[v.ID].Def
			if in := &f.Instrs[d]; in.Op == ir.Call && in.A.Kind == ir.VFunc && slices.Contains(l.pops, ir.FuncID(in.A.ID)) {
				s.recycled[ir.Ref{Func: f.ID, I: d}] = true
				s.recyclers[f.ID] = true
				found = true
			}
		}
	}
	return found
}

// findRecyclers adds the wrappers that return what such a call gives another.
func (s *solver) findRecyclers() {
	for again := len(s.recyclers) > 0; again; {
		again = false
		for id, w := range s.heap.wrappers {
			for i := range w.origins {
				if g := ir.FuncID(s.prog.Funcs[id].Instrs[i].A.ID); s.recyclers[g] && !s.recyclers[id] {
					s.recyclers[id] = true
					again = true
				}
			}
		}
	}
}

// uninitialised reports whether wrapper f returns its fresh blocks as malloc made them.
func (s *solver) uninitialised(f *ir.Func, w *wrapper) bool {
	for i := range w.origins {
		in := &f.Instrs[i]
		g := s.prog.Funcs[in.A.ID]
		if v := s.heap.wrappers[g.ID]; v != nil {
			if !s.uninitialised(g, v) {
				return false
			}
		} else if !slices.Contains([]string{"malloc", "aligned_alloc", "memalign"}, g.Link) {
			return false
		}
		seen := map[ir.Reg]bool{in.Dst: true}
		work := []ir.Reg{in.Dst}
		for len(work) > 0 {
			r := work[0]
			work = work[1:]
			for _, u := range s.usesOf(f)[r] {
				switch in := &f.Instrs[u]; in.Op {
				case ir.Move, ir.Conv, ir.Phi:
					if !seen[in.Dst] {
						seen[in.Dst] = true
						work = append(work, in.Dst)
					}
				case ir.Cmp, ir.Branch, ir.Ret:
				case ir.Store:
					if in.A.Kind == ir.VReg && seen[ir.Reg(in.A.ID)] && !s.linkStores[ir.Ref{Func: f.ID, I: u}] {
						return false
					}
				case ir.Call:
					if in.A.Kind != ir.VFunc || s.prog.Funcs[in.A.ID].Link != "memset" {
						return false
					}
				default:
					return false
				}
			}
		}
	}
	return true
}

// headOf returns what address v in f names, if it may be the head of a list.
func (s *solver) headOf(f *ir.Func, v ir.Value) (listHead, bool) {
	switch v.Kind {
	case ir.VGlobal:
		t := s.prog.Globals[v.ID].Type
		return listHead{global: v.ID}, v.Off == 0 && t != nil && t.Kind == ctype.Pointer
	case ir.VReg:
		if d := f.Regs[v.ID].Def; d >= 0 {
			if in := &f.Instrs[d]; in.Op == ir.FieldAddr && in.Rec != nil {
				return listHead{rec: s.prog.Record(in.Rec), off: in.Off, global: -1}, true
			}
		}
	}
	return listHead{}, false
}

// headsIn adds what f does with heads of lists.
func (s *solver) headsIn(f *ir.Func, list func(listHead) *freeList) {
	// Loads of heads, by register, and what comes of them.
	from := make([][]ir.Reg, len(f.Regs)) // by register: loads of a head
	head := map[ir.Reg]listHead{}
	link := map[int32]bool{}
	for i := range f.Instrs {
		in := &f.Instrs[i]
		if in.Op != ir.Load || in.Dst < 0 || in.Type == nil || in.Type.Kind != ctype.Pointer {
			continue
		}
		if k, ok := s.headOf(f, in.A); ok {
			head[in.Dst] = k
			from[in.Dst] = []ir.Reg{in.Dst}
		}
	}
	if len(head) == 0 {
		return
	}
	merge := func(dst ir.Reg, v ir.Value) bool {
		grew := false
		if v.Kind == ir.VReg && dst >= 0 {
			for _, r := range from[v.ID] {
				known := false
				for _, x := range from[dst] {
					known = known || x == r
				}
				if !known {
					from[dst] = append(from[dst], r)
					grew = true
				}
			}
		}
		return grew
	}
	for again := true; again; {
		again = false
		for i := range f.Instrs {
			in := &f.Instrs[i]
			switch in.Op {
			case ir.Move:
				again = merge(in.Dst, in.A) || again
			case ir.Conv:
				if in.Type.Kind == ctype.Pointer {
					again = merge(in.Dst, in.A) || again
				}
			case ir.Phi:
				for _, a := range in.Args {
					again = merge(in.Dst, a) || again
				}
			case ir.Load:
				if in.Dst >= 0 && in.Type != nil && in.Type.Kind == ctype.Pointer && in.A.Kind == ir.VReg && len(from[in.A.ID]) > 0 {
					link[int32(i)] = true
					again = merge(in.Dst, in.A) || again
				}
			}
		}
	}
	// same reports whether all that v comes from is loads of k.
	same := func(v ir.Value, k listHead) bool {
		if v.Kind != ir.VReg || len(from[v.ID]) == 0 {
			return false
		}
		for _, r := range from[v.ID] {
			if head[r] != k {
				return false
			}
		}
		return true
	}
	linked := map[ir.Reg]int32{} // by pushed block: where its link is set
	for i := range f.Instrs {
		in := &f.Instrs[i]
		if in.Op == ir.Store && in.A.Kind == ir.VReg && in.B.Kind == ir.VReg && len(from[in.B.ID]) > 0 {
			linked[plain(f, in.A)] = int32(i)
			s.linkStores[ir.Ref{Func: f.ID, I: int32(i)}] = true
		}
	}
	pop := map[listHead]bool{}
	uses := s.usesOf(f)
	for i := range f.Instrs {
		in := &f.Instrs[i]
		ref := ir.Ref{Func: f.ID, I: int32(i)}
		if in.Op == ir.FieldAddr && in.Rec != nil && in.Dst >= 0 {
			if k := (listHead{rec: s.prog.Record(in.Rec), off: in.Off, global: -1}); !s.onlyAccessed(f, uses, in.Dst) {
				list(k).bad = true
			}
		}
		switch in.Op {
		case ir.Store:
			s.taken(list, in.B)
			k, ok := s.headOf(f, in.A)
			if !ok {
				continue
			}
			v := in.B
			switch {
			case v.Kind == ir.VInt && v.Off == 0:
			case same(v, k):
				pop[k] = true
			case v.Kind == ir.VReg:
				at, ok := linked[plain(f, v)]
				if !ok || !same(f.Instrs[at].B, k) {
					list(k).bad = true
					continue
				}
				list(k).pushes = append(list(k).pushes, ir.Ref{Func: f.ID, I: at})
			default:
				list(k).bad = true
			}
		case ir.Load:
			if link[int32(i)] {
				k := head[from[in.A.ID][0]]
				if !same(in.A, k) {
					for _, r := range from[in.A.ID] {
						list(head[r]).bad = true
					}
					continue
				}
				list(k).links[ref] = from[in.A.ID]
			}
		default:
			s.taken(list, in.A)
			s.taken(list, in.B)
			for _, a := range in.Args {
				s.taken(list, a)
			}
		}
	}
	for k := range pop {
		all, any := true, false
		for i := range f.Instrs {
			if in := &f.Instrs[i]; in.Op == ir.Ret && !(in.A.Kind == ir.VInt && in.A.Off == 0) {
				all, any = all && same(in.A, k), true
			}
		}
		if all && any {
			list(k).pops = append(list(k).pops, f.ID)
		}
	}
}

// taken is for an operand that may be the address of a variable.
func (s *solver) taken(list func(listHead) *freeList, v ir.Value) {
	if v.Kind == ir.VGlobal {
		if t := s.prog.Globals[v.ID].Type; t != nil && t.Kind == ctype.Pointer {
			list(listHead{global: v.ID}).bad = true
		}
	}
}

// onlyAccessed reports whether address r is used for loads and stores alone.
func (s *solver) onlyAccessed(f *ir.Func, uses [][]int32, r ir.Reg) bool {
	for _, i := range uses[r] {
		switch in := &f.Instrs[i]; {
		case in.Op == ir.Load:
		case in.Op == ir.Store && !(in.B.Kind == ir.VReg && in.B.ID == int32(r)):
		default:
			return false
		}
	}
	return true
}

// plain returns the register that v is, but for conversions.
func plain(f *ir.Func, v ir.Value) ir.Reg {
	for v.Kind == ir.VReg {
		d := f.Regs[v.ID].Def
		if d < 0 {
			break
		}
		in := &f.Instrs[d]
		if in.Op != ir.Move && in.Op != ir.Conv {
			break
		}
		v = in.A
	}
	if v.Kind != ir.VReg {
		return -1
	}
	return ir.Reg(v.ID)
}
