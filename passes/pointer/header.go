package pointer

import (
	"slices"

	"saz/frontend/ctype"
	"saz/ir"
)

// Blocks behind a header. An allocator of the program's may keep a record of its own in
// front of what it hands out:
//
//	struct entry *e = malloc(sizeof *e + n);
//	e->next = list;
//	list = e;
//	return (char *)e + sizeof *e;
//
// As one object, such a block links all others that were ever handed out: any step by
// an unknown amount in what a caller got may be at the header. So it is two: the header,
// one object for all blocks of the allocator, and what is behind it, an object of its own
// as if the allocator had returned what malloc gave it, named and typed by the calls that
// it goes through (heap.go).
//
// (e + 1 is a pointer to another such record before it is one to anything, and makes none of this.)
//
// This holds if nothing but the allocator goes from one to the other. It is done only for
// a record to which the program makes pointers from nothing else, and from which it makes
// others only to compare or free them; so who has the one can't have the other by way of
// it. That nobody looks at the header as at something else, counting back from what was
// handed out, is assumed.

// A front is a call that allocates a block with a header.
type front struct {
	rec   *ctype.Type
	size  int64   // of the header
	skips []int32 // the instructions that step over it
	head  ObjID   // the headers; none until the first block is named
}

// findFronts finds the calls that allocate blocks with a header.
func (h *heap) findFronts() {
	s := h.s
	fronts := map[ir.Ref]*front{}
	own := map[ir.Ref]bool{} // conversions to a header's type that an allocator makes, and from it
	for _, f := range s.prog.Funcs {
		for i := range f.Instrs {
			m, _ := h.allocator(f, int32(i))
			if m == nil || m == &takesOff || m.Alloc.Self || m.Alloc.From != nil || m.Alloc.String || m.Alloc.Opaque || len(m.Returns)+len(m.Same) > 0 || m.Gives || m.Static {
				continue
			}
			if fr := h.frontAt(f, f.Instrs[i].Dst, own); fr != nil {
				fronts[ir.Ref{Func: f.ID, I: int32(i)}] = fr
			}
		}
	}
	if len(fronts) == 0 {
		return
	}
	leaky := h.leaky(fronts, own)
	for ref, fr := range fronts {
		if leaky[s.lays.of(fr.rec)] {
			continue
		}
		h.fronts[ref] = fr
		for _, i := range fr.skips {
			h.skips[ir.Ref{Func: ref.Func, I: i}] = ref.I
		}
	}
}

// frontAt reports how f treats register r, which it has just allocated: nil if not as a
// header and what is behind it. Conversions of r are added to own.
func (h *heap) frontAt(f *ir.Func, r ir.Reg, own map[ir.Ref]bool) *front {
	fr := &front{head: none}
	seen := map[ir.Reg]bool{r: true}
	var convs, steps []int32
	for work := []ir.Reg{r}; len(work) > 0; {
		r := work[0]
		work = work[1:]
		for _, i := range h.s.usesOf(f)[r] {
			in := &f.Instrs[i]
			is := func(v ir.Value) bool { return v.Kind == ir.VReg && v.ID == int32(r) }
			switch in.Op {
			case ir.Conv, ir.Move:
				if in.Op == ir.Conv {
					if in.Type.Kind != ctype.Pointer {
						return nil
					}
					if e := in.Type.Elem; e.IsRecord() {
						if !ctype.IsComplete(e) || fr.rec != nil && h.s.lays.of(e) != h.s.lays.of(fr.rec) {
							return nil
						}
						fr.rec = e.Unqualified()
					}
					convs = append(convs, i)
				}
				if in.Dst >= 0 && !seen[in.Dst] {
					seen[in.Dst] = true
					work = append(work, in.Dst)
				}
			case ir.IndexAddr:
				if !is(in.A) || in.B.Kind != ir.VInt {
					return nil
				}
				steps = append(steps, i)
			case ir.FieldAddr, ir.Cmp, ir.Branch:
			case ir.Store:
				if is(in.A) || fr.rec == nil || !h.points(in.Type, h.s.lays.of(fr.rec)) {
					return nil
				}
			case ir.Call:
				for k, a := range in.Args {
					if is(a) && !h.compares(in, k, 2) {
						return nil
					}
				}
			default:
				return nil
			}
		}
	}
	if fr.rec == nil || len(steps) == 0 || endsInArray(fr.rec) {
		return nil
	}
	fr.size = ctype.SizeOf(fr.rec)
	for _, i := range steps {
		if in := &f.Instrs[i]; in.B.Off*in.Off != fr.size {
			return nil
		}
	}
	fr.skips = steps
	for _, i := range convs {
		own[ir.Ref{Func: f.ID, I: i}] = true
	}
	return fr
}

// endsInArray reports whether the last member of record t is an array: who has the record then
// has what is behind it, too.
func endsInArray(t *ctype.Type) bool {
	m := t.Rec.Fields
	for len(m) > 0 {
		last := m[len(m)-1].Type
		if last.Kind == ctype.Array {
			return true
		}
		if !last.IsRecord() {
			return false
		}
		m = last.Rec.Fields
	}
	return true
}

// points reports whether t is a pointer to record l.
func (h *heap) points(t *ctype.Type, l *lay) bool {
	return t != nil && t.Kind == ctype.Pointer && t.Elem.IsRecord() && h.s.lays.of(t.Elem) == l
}

// compares reports whether call in does nothing with argument k but compare or free it,
// looking into depth procedures.
func (h *heap) compares(in *ir.Instr, k, depth int) bool {
	if in.A.Kind != ir.VFunc {
		return false
	}
	g := h.s.prog.Funcs[in.A.ID]
	if m := h.s.modelOf(g.ID); m != nil {
		return slices.Contains(m.Frees, k) && len(m.Same)+len(m.Returns) == 0 && m.Alloc == nil
	}
	return depth > 0 && k < len(g.Params) && len(g.Blocks) > 0 && h.onlyCompared(g, g.Params[k], depth-1)
}

// onlyCompared reports whether g does nothing with its parameter l but compare or free it.
func (h *heap) onlyCompared(g *ir.Func, l ir.LocalID, depth int) bool {
	for r := range g.Regs {
		if g.Regs[r].Local == l && g.Regs[r].Def < 0 && !h.dropped(g, ir.Reg(r), depth) {
			return false
		}
	}
	for i := range g.Instrs {
		in := &g.Instrs[i]
		for _, v := range append([]ir.Value{in.A, in.B}, in.Args...) {
			if v.Kind == ir.VLocal && v.ID == int32(l) {
				return false // it lives in memory
			}
		}
	}
	return true
}

// dropped reports whether f does nothing with register r and its copies but compare or free
// them.
func (h *heap) dropped(f *ir.Func, r ir.Reg, depth int) bool {
	seen := map[ir.Reg]bool{r: true}
	for work := []ir.Reg{r}; len(work) > 0; {
		r := work[0]
		work = work[1:]
		for _, i := range h.s.usesOf(f)[r] {
			in := &f.Instrs[i]
			switch in.Op {
			case ir.Conv, ir.Move:
				if in.Op == ir.Conv && in.Type.Kind != ctype.Pointer {
					return false
				}
				if in.Dst >= 0 && !seen[in.Dst] {
					seen[in.Dst] = true
					work = append(work, in.Dst)
				}
			case ir.Cmp, ir.Branch:
			case ir.Call:
				for k, a := range in.Args {
					if a.Kind == ir.VReg && a.ID == int32(r) && !h.compares(in, k, depth) {
						return false
					}
				}
			default:
				return false
			}
		}
	}
	return true
}

// leaky finds the headers' records to which the program makes pointers from something
// else than what their allocators have just allocated, or from which it makes others that
// it does more with than to compare or free them.
func (h *heap) leaky(fronts map[ir.Ref]*front, own map[ir.Ref]bool) map[*lay]bool {
	is := map[*lay]bool{}
	for _, fr := range fronts {
		is[h.s.lays.of(fr.rec)] = true
	}
	header := func(t *ctype.Type) *lay { // that t leads to by any number of pointers
		for t != nil && t.Kind == ctype.Pointer {
			t = t.Elem
			if t.IsRecord() && is[h.s.lays.of(t)] {
				return h.s.lays.of(t)
			}
		}
		return nil
	}
	leaky := map[*lay]bool{}
	for _, f := range h.s.prog.Funcs {
		for i := range f.Instrs {
			in := &f.Instrs[i]
			switch in.Op {
			case ir.Conv:
				to, from := header(in.Type), header(in.Opnd)
				if to == nil && from == nil || own[ir.Ref{Func: f.ID, I: int32(i)}] {
					continue
				}
				if to != nil && from != to && in.A.Kind != ir.VInt {
					leaky[to] = true
				}
				if from != nil && from != to && !(h.points(in.Opnd, from) && h.dropped(f, in.Dst, 2)) {
					leaky[from] = true
				}
			case ir.IndexAddr:
				if in.A.Kind == ir.VReg {
					if l := header(f.Regs[in.A.ID].Type); l != nil && h.points(f.Regs[in.A.ID].Type, l) && !stepsOver(fronts, f, int32(i)) && !h.dropped(f, in.Dst, 2) {
						leaky[l] = true // to what is behind it
					}
				}
			case ir.Call:
				for k, a := range in.Args {
					if a.Kind != ir.VReg {
						continue
					}
					if l := header(f.Regs[a.ID].Type); l != nil && (in.A.Kind != ir.VFunc || k >= len(h.s.prog.Funcs[in.A.ID].Params)) && !h.compares(in, k, 0) {
						leaky[l] = true // through "...", or to who knows whom
					}
				}
			}
		}
	}
	return leaky
}

// stepsOver reports whether instruction i of f steps over a header.
func stepsOver(fronts map[ir.Ref]*front, f *ir.Func, i int32) bool {
	for ref, fr := range fronts {
		if ref.Func == f.ID && slices.Contains(fr.skips, i) {
			return true
		}
	}
	return false
}

// headOf makes the object of the headers of fr, allocated at ref, if it is not there yet.
func (h *heap) headOf(fr *front, ref ir.Ref) ObjID {
	if fr.head == none {
		fr.head = h.s.newHeapObj(ref, ref, fr.rec, false, false)
		h.s.trust[fr.head] = true
		h.s.objects[fr.head].Head = true
	}
	return fr.head
}
