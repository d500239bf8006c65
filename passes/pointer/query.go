package pointer

import (
	"fmt"
	"math/bits"
	"path/filepath"
	"slices"
	"sort"

	"saz/frontend/ctype"
	"saz/ir"
)

// finish turns the solved graph into the result: sets as sorted slices, equal
// ones shared, and the working memory gone.
func (s *solver) finish() *Result {
	s.final = make([][]Loc, len(s.rep))
	crowded := 0
	for p := range s.places {
		if s.crowd.crowded(s.placed(int32(p))) {
			crowded++
		}
	}
	s.joinLocals()
	s.joinClasses()
	show := newShower(s)
	for n, p := range s.pts {
		if s.rep[n] == int32(n) {
			s.final[n] = show.of(p)
		}
	}
	s.joinRegs(show)
	for i := range s.sites {
		cs := &s.sites[i]
		if !cs.real || len(cs.bound) == 0 {
			continue
		}
		s.calleeOf[cs.ref] = append(s.calleeOf[cs.ref], cs.bound...)
	}
	for ref, l := range s.calleeOf {
		slices.Sort(l)
		s.calleeOf[ref] = slices.Compact(l)
	}
	for ref, l := range s.backs {
		s.backs[ref] = inOrder(l)
	}
	for g, l := range s.unknownBacks {
		l = inOrder(l)
		for _, ref := range s.unknownCalls[g] {
			if own := s.backs[ref]; len(own) == 0 {
				s.backs[ref] = l
			} else if &own[0] != &l[0] {
				s.backs[ref] = inOrder(slices.Concat(own, l))
			}
		}
	}
	s.calleesAt, s.backsAt = byCall(s.prog, s.calleeOf), byCall(s.prog, s.backs)
	s.recursion()
	s.indexCallers()
	st := Stats{Crowded: crowded, Nodes: len(s.rep), Locs: len(s.places), Edges: s.edges, Rounds: s.rounds, Collapsed: s.merged}
	for _, ref := range s.indirectList() {
		st.IndirectCalls++
		if len(s.calleeOf[ref]) == 0 {
			st.UnresolvedIndirect++
		}
	}
	s.images, s.sets, s.pts, s.delta, s.succ, s.cons = nil, nil, nil, nil, nil, nil
	s.crowd = crowd{}
	s.unknownBacks, s.unknownCalls = nil, nil
	s.copySeen, s.backSeen, s.ranSeen, s.queues, s.watchers, s.order = nil, nil, nil, nil, nil, nil
	s.heap, s.sites, s.base = nil, nil, nil
	s.arith, s.steps, s.pages, s.spots, s.carrier, s.uses, s.ranges, s.knownCalls, s.codeAt = nil, nil, nil, nil, nil, nil, nil, nil, nil
	s.doms, s.counters, s.recsIn, s.starts, s.virtAs, s.viewIDs, s.looked = nil, nil, nil, nil, nil, nil, nil
	return &Result{Objects: s.objects, Stats: st, solver: s}
}

// A shower turns sets into places in order. What a place is in the result, and which comes before
// which, is the same for all sets.
type shower struct {
	s      *solver
	rank   []int32           // by place; none: it is not shown
	locs   []Loc             // by rank
	beside map[int32][]int32 // by rank of an end of a section, those of its variables
	ranks  []uint64          // of a set's places
	ids    []int32
	out    []Loc
	shown  [][]Loc // by set: equal ones are shared
}

func newShower(s *solver) *shower {
	sh := &shower{s: s, rank: make([]int32, len(s.places))}
	at := make([]Loc, len(s.places))
	beside := map[int32][]Loc{}
	for p := range s.places {
		if s.virt[p] != 0 {
			continue
		}
		l := s.variable(s.places[p])
		if s.objLay[l.Obj].one {
			l.Off = 0 // it may have become one since, or be split into views
		} else if l.Off >= anyBytes {
			l.Off = Any // views are of nobody's concern but the solver's
		}
		at[p] = l
		sh.locs = append(sh.locs, l)
		if more := s.inSection(l); len(more) > 0 {
			beside[int32(p)] = more
			sh.locs = append(sh.locs, more...)
		}
	}
	sh.locs = sortLocs(sh.locs)
	rank := func(l Loc) int32 {
		r, _ := slices.BinarySearchFunc(sh.locs, l, compareLocs)
		return int32(r)
	}
	for p := range s.places {
		sh.rank[p] = none
		if s.virt[p] == 0 {
			sh.rank[p] = rank(at[p])
		}
		for _, l := range beside[int32(p)] {
			if sh.beside == nil {
				sh.beside = map[int32][]int32{}
			}
			r := sh.rank[p]
			sh.beside[r] = append(sh.beside[r], rank(l))
		}
	}
	for r, l := range sh.beside {
		slices.Sort(l)
		sh.beside[r] = slices.Compact(l)
	}
	sh.ranks = make([]uint64, (len(sh.locs)+63)/64)
	return sh
}

// of returns the places of t; anywhere in an object covers every place in it.
func (sh *shower) of(t setID) []Loc {
	if t == 0 {
		return nil
	}
	for int(t) >= len(sh.shown) {
		sh.shown = append(sh.shown, nil)
	}
	if sh.shown[t] == nil {
		sh.shown[t] = sh.places(t)
	}
	return sh.shown[t]
}

// places is of for a set that was not shown before.
func (sh *shower) places(t setID) []Loc {
	sh.ids = sh.s.sets.members(t, sh.ids[:0])
	lo, hi := len(sh.ranks), 0
	add := func(r int32) {
		w := int(r >> 6)
		sh.ranks[w] |= 1 << (r & 63)
		lo, hi = min(lo, w), max(hi, w+1)
	}
	for _, p := range sh.ids {
		if r := sh.rank[p]; r != none {
			add(r)
			if sh.beside != nil {
				for _, x := range sh.beside[r] {
					add(x)
				}
			}
		}
	}
	out := sh.out[:0]
	for w := lo; w < hi; w++ {
		for b := sh.ranks[w]; b != 0; b &= b - 1 {
			out = append(out, sh.locs[w<<6+bits.TrailingZeros64(b)])
		}
		sh.ranks[w] = 0
	}
	sh.out = cover(out)
	return slices.Clone(sh.out)
}

// inOrder sorts callbacks, and drops what is the same for several copies of the caller.
func inOrder(l []Callback) []Callback {
	sort.SliceStable(l, func(i, j int) bool { return l[i].Func < l[j].Func })
	out := l[:0]
	for _, c := range l {
		same := false
		for k := len(out) - 1; k >= 0 && out[k].Func == c.Func && !same; k-- {
			same = out[k] == c
		}
		if !same {
			out = append(out, c)
		}
	}
	return out
}

// joinRegs makes what the registers of procedures with copies may hold in any
// of them.
func (s *solver) joinRegs(show *shower) {
	s.joined = make([][][]Loc, len(s.insts))
	for f, l := range s.insts {
		if len(l) < 2 {
			continue
		}
		s.joined[f] = make([][]Loc, len(l[0].Regs))
		for r := range s.joined[f] {
			all := setID(0)
			for _, x := range l {
				all, _ = s.sets.union(all, s.pts[s.find(x.regs+int32(r))])
			}
			s.joined[f][r] = show.of(all)
		}
	}
}

// cover drops places that anywhere in their object covers.
func cover(l []Loc) []Loc {
	n := 0
	for _, x := range l {
		if n > 0 && l[n-1].Obj == x.Obj && (l[n-1].Off == Any || l[n-1] == x) {
			continue
		}
		l[n] = x
		n++
	}
	return l[:n]
}

func (s *solver) set(n int32) []Loc {
	if n < 0 {
		return nil
	}
	return s.final[s.find0(n)]
}

// find0 is find without path compression: results are read concurrently.
func (s *solver) find0(n int32) int32 {
	for s.rep[n] != n {
		n = s.rep[n]
	}
	return n
}

func (s *solver) pointsTo(f ir.FuncID, v ir.Value) []Loc {
	switch v.Kind {
	case ir.VReg:
		switch l := s.insts[f]; {
		case len(l) == 1:
			return s.set(l[0].regs + v.ID)
		case len(l) > 1:
			return s.joined[f][v.ID]
		}
	case ir.VGlobal:
		if s.isString(ObjID(v.ID)) {
			return []Loc{{s.firstString, 0}}
		}
		l := Loc{ObjID(v.ID), s.canonOff(ObjID(v.ID), v.Off)}
		return sortLocs(append(s.inSection(l), l))
	case ir.VFunc:
		return []Loc{{s.funcObj(ir.FuncID(v.ID)), 0}}
	case ir.VLocal:
		if o := s.localObj(f, ir.LocalID(v.ID)); o >= 0 {
			return []Loc{{o, s.canonOff(o, v.Off)}}
		}
	}
	return nil
}

func (s *solver) contentsOf(o ObjID, off int32) []Loc {
	o = s.standsFor(o)
	if len(s.family[o]) > 0 {
		return s.familyContents(o, off)
	}
	return s.contentsIn(o, off)
}

// contentsIn is contentsOf for an object alone.
func (s *solver) contentsIn(o ObjID, off int32) []Loc {
	if s.objLay[o].one {
		off = 0
	}
	if off == Any || s.viewed[o] {
		if n := s.anyLoad[o]; n != none {
			return s.set(n)
		}
		var out []Loc
		out = append(out, s.set(s.anyStore[o])...)
		for _, x := range s.byObj[o] {
			out = append(out, s.set(s.cell[x.p])...)
		}
		return sortLocs(out)
	}
	l := s.byObj[o]
	if i := locate(l, off); i < len(l) && l[i].off == off && s.cell[l[i].p] != none {
		return s.set(s.cell[l[i].p])
	}
	return s.set(s.anyStore[o])
}

// contentSets returns the sets of all places of o, as they are shared.
func (s *solver) contentSets(o ObjID) [][]Loc {
	o = s.standsFor(o)
	out := s.setsIn(o)
	for _, x := range s.family[o] {
		out = append(out, s.setsIn(x)...)
	}
	if l := s.behind[o]; len(l) > 0 { // who has a header has its block
		out = append(out, l)
	}
	return out
}

// setsIn is contentSets for an object alone.
func (s *solver) setsIn(o ObjID) [][]Loc {
	if n := s.anyLoad[o]; n != none {
		return [][]Loc{s.set(n)}
	}
	out := make([][]Loc, 0, len(s.byObj[o])+1)
	for _, x := range s.byObj[o] {
		if l := s.set(s.cell[x.p]); len(l) > 0 {
			out = append(out, l)
		}
	}
	if l := s.set(s.anyStore[o]); len(l) > 0 {
		out = append(out, l)
	}
	return out
}

func compareLocs(a, b Loc) int {
	if a.Obj != b.Obj {
		return int(a.Obj - b.Obj)
	}
	return int(a.Off - b.Off)
}

func sortLocs(l []Loc) []Loc {
	slices.SortFunc(l, compareLocs)
	return slices.Compact(l)
}

func (s *solver) callees(ref ir.Ref) []ir.FuncID { return s.calleesAt.at(ref) }

func (s *solver) callbacksAt(ref ir.Ref) []Callback { return s.backsAt.at(ref) }

// A callTable is a map by call that is asked very often: by function, by instruction.
type callTable[T any] [][][]T

func byCall[T any](p *ir.Program, m map[ir.Ref][]T) callTable[T] {
	t := make(callTable[T], len(p.Funcs))
	for ref, l := range m {
		if t[ref.Func] == nil {
			t[ref.Func] = make([][]T, len(p.Funcs[ref.Func].Instrs))
		}
		t[ref.Func][ref.I] = l
	}
	return t
}

func (t callTable[T]) at(ref ir.Ref) []T {
	if ref.Func < 0 || ref.I < 0 || t[ref.Func] == nil {
		return nil
	}
	return t[ref.Func][ref.I]
}

func (s *solver) callers(f ir.FuncID) []ir.Ref { return s.callerOf[f] }

func (s *solver) indexCallers() {
	s.callerOf = map[ir.FuncID][]ir.Ref{}
	for ref, l := range s.calleeOf {
		for _, g := range l {
			s.callerOf[g] = append(s.callerOf[g], ref)
		}
	}
	for ref, l := range s.backs {
		for _, c := range l {
			s.callerOf[c.Func] = append(s.callerOf[c.Func], ref)
		}
	}
	for g, l := range s.callerOf {
		sortRefs(l)
		s.callerOf[g] = slices.Compact(l)
	}
}

func sortRefs(l []ir.Ref) {
	slices.SortFunc(l, func(a, b ir.Ref) int {
		if a.Func != b.Func {
			return int(a.Func - b.Func)
		}
		return int(a.I - b.I)
	})
}

func (s *solver) reach(o ObjID) []ObjID {
	seen := map[ObjID]bool{o: true}
	out := []ObjID{o}
	for i := 0; i < len(out); i++ {
		for _, l := range s.contentsOf(out[i], Any) {
			if !seen[l.Obj] {
				seen[l.Obj] = true
				out = append(out, l.Obj)
			}
		}
		for _, l := range s.behind[out[i]] {
			if !seen[l.Obj] {
				seen[l.Obj] = true
				out = append(out, l.Obj)
			}
		}
	}
	slices.Sort(out)
	return out
}

func (s *solver) localObj(f ir.FuncID, l ir.LocalID) ObjID {
	return s.localIDs[s.localBase[f]+int32(l)]
}

func (s *solver) funcObj(f ir.FuncID) ObjID { return s.firstFunc + ObjID(f) }

func (s *solver) heapAt(ref ir.Ref) []ObjID { return s.heapOf[ref] }

func (s *solver) unmodelledList() []Unmodelled {
	var out []Unmodelled
	for g, refs := range s.unmod {
		r := append([]ir.Ref(nil), refs...)
		sortRefs(r)
		out = append(out, Unmodelled{g, s.prog.Funcs[g].Link, slices.Compact(r)})
	}
	sort.Slice(out, func(i, j int) bool { return out[i].Name < out[j].Name })
	return out
}

func (s *solver) indirectList() []ir.Ref {
	var out []ir.Ref
	for _, f := range s.prog.Funcs {
		for i := range f.Instrs {
			if in := &f.Instrs[i]; in.Op == ir.Call && in.A.Kind != ir.VFunc {
				out = append(out, ir.Ref{Func: f.ID, I: int32(i)})
			}
		}
	}
	return out
}

func (s *solver) canonOff(o ObjID, off int64) int32 {
	if off < 0 {
		if s.objLay[o].one {
			return 0
		}
		return Any
	}
	return s.objLay[o].canon(off)
}

// shiftLoc must not touch the solver's spots: results are read concurrently.
func (s *solver) shiftLoc(l Loc, delta int64) []Loc {
	var out []Loc
	lay := s.objLay[l.Obj]
	var around [pathBuf]step
	for _, off := range lay.shift(lay.path(int64(l.Off), 0, around[:0]), l.Off, delta, 0, nil) {
		out = append(out, Loc{l.Obj, off})
	}
	return sortLocs(out)
}

// recursion finds the functions that may call themselves.
func (s *solver) recursion() {
	n := len(s.prog.Funcs)
	out := make([][]int32, n)
	for ref, l := range s.calleeOf {
		for _, g := range l {
			out[ref.Func] = append(out[ref.Func], int32(g))
		}
	}
	for ref, l := range s.backs {
		for _, c := range l {
			out[ref.Func] = append(out[ref.Func], int32(c.Func))
		}
	}
	s.rec = make([]bool, n)
	index, low := make([]int32, n), make([]int32, n)
	on := make([]bool, n)
	var stack []int32
	count := int32(0)
	var visit func(v int32)
	visit = func(v int32) {
		count++
		index[v], low[v] = count, count
		stack = append(stack, v)
		on[v] = true
		for _, w := range out[v] {
			if w == v {
				s.rec[v] = true
			}
			if index[w] == 0 {
				visit(w)
				low[v] = min(low[v], low[w])
			} else if on[w] {
				low[v] = min(low[v], index[w])
			}
		}
		if low[v] == index[v] {
			size := 0
			for i := len(stack) - 1; ; i-- {
				size++
				if stack[i] == v {
					break
				}
			}
			for _, w := range stack[len(stack)-size:] {
				on[w] = false
				s.rec[w] = s.rec[w] || size > 1
			}
			stack = stack[:len(stack)-size]
		}
	}
	for v := range n {
		if index[v] == 0 {
			visit(int32(v))
		}
	}
}

func (s *solver) single(o ObjID) bool {
	if s.inClass(o) {
		return false
	}
	switch ob := &s.objects[o]; ob.Kind {
	case Global:
		return !s.prog.Globals[ob.Global].Thread
	case Local:
		return !s.rec[ob.Func]
	}
	return false
}

func (s *solver) collapsed(l Loc) bool {
	lay := s.objLay[l.Obj]
	if l.Off == Any || lay.kind == layBlob || lay.kind == layRaw {
		return true
	}
	for _, st := range lay.path(int64(l.Off), 0, nil) {
		if st.elem > 0 && (st.size < 0 || st.size > st.elem) {
			return true
		}
	}
	return false
}

func (s *solver) objSize(o ObjID) int64 {
	switch ob := &s.objects[o]; ob.Kind {
	case Global:
		if n := s.prog.Globals[ob.Global].Size; n > 0 {
			return n
		}
		if ob.Type != nil {
			return sizeOf(ob.Type)
		}
	case Local:
		if ob.Type != nil {
			return sizeOf(ob.Type)
		}
	case Heap:
		if ob.Type != nil && !ob.Array && !s.objLay[o].tail {
			return sizeOf(ob.Type)
		}
	}
	return -1
}

func (s *solver) typeOf(o ObjID) *ctype.Type { return s.objects[o].Type }

// Names.

func (s *solver) where(ref ir.Ref) string {
	if ref.Func < 0 {
		return "?"
	}
	f := s.prog.Funcs[ref.Func]
	p := f.Instrs[ref.I].Pos
	if s.prog.Files != nil && int(p.Unit) < len(s.prog.Units) && s.prog.Units[p.Unit] != nil {
		if u := s.prog.Units[p.Unit].AST; u != nil && u.Cpp != nil && p.Tok >= 0 && int(p.Tok) < len(u.Tokens()) {
			pl := s.prog.Files.Place(u.Tokens()[p.Tok].Exp)
			if pl.Path != "" {
				return fmt.Sprintf("%s:%d", filepath.Base(pl.Path), pl.Line)
			}
		}
	}
	return fmt.Sprintf("%s#%d", f.Name, ref.I)
}

func (s *solver) name(o ObjID) string {
	switch ob := &s.objects[o]; ob.Kind {
	case Global:
		g := s.prog.Globals[ob.Global]
		switch {
		case g.String:
			return `"..."` // any: see place
		case g.Name == "":
			return fmt.Sprintf("literal#%d", g.ID)
		case g.Proc >= 0:
			return s.prog.Funcs[g.Proc].Name + "." + g.Name
		}
		return g.Name
	case Func:
		return s.prog.Funcs[ob.Func].Name + "()"
	case Local:
		f := s.prog.Funcs[ob.Func]
		n := f.Locals[ob.Local].Name
		if n == "" {
			n = fmt.Sprintf("tmp%d", ob.Local)
		}
		return f.Name + "." + n
	case Heap:
		if n, ok := s.outNames[o]; ok {
			return n + "'s"
		}
		what := "alloca"
		in := &s.prog.Funcs[ob.Site.Func].Instrs[ob.Site.I]
		if in.Op == ir.Call {
			what = "(*)"
			if in.A.Kind == ir.VFunc {
				what = s.prog.Funcs[in.A.ID].Name
			}
		}
		if ob.Library {
			return what + "'s"
		}
		if ob.Packet {
			what += "'s_packet"
		}
		if ob.Head {
			return what + "@" + s.where(ob.Site) + ".head"
		}
		return what + "@" + s.where(ob.Site)
	}
	return "unknown"
}

func (s *solver) locName(l Loc) string {
	name := s.name(l.Obj)
	ob := &s.objects[l.Obj]
	if l.Off == Any {
		return name + "+?"
	}
	if ob.Kind == Heap && ob.Array && ob.Type != nil {
		name += "[]"
	}
	if ob.Type == nil || ob.Kind == Func {
		if l.Off != 0 {
			return fmt.Sprintf("%s+%d", name, l.Off)
		}
		return name
	}
	return name + fieldPath(ob.Type, int64(l.Off))
}

// fieldPath spells the member at byte off of t.
func fieldPath(t *ctype.Type, off int64) string {
	out := ""
	for off != 0 {
		switch {
		case t.Kind == ctype.Array:
			n := ctype.SizeOf(t.Elem)
			if n <= 0 {
				return out
			}
			out += "[]"
			off %= n
			t = t.Elem
			continue
		case t.IsRecord() && !t.Rec.Union:
			var best *ctype.Field
			for i := range t.Rec.Fields {
				f := &t.Rec.Fields[i]
				if f.Off <= off && (off < f.Off+max(1, ctype.SizeOf(f.Type))) && !(f.BitField && f.Name == "") {
					best = f
					break
				}
			}
			if best != nil {
				if best.Name != "" {
					out += "." + best.Name
				}
				off -= best.Off
				t = best.Type
				continue
			}
		}
		return out + fmt.Sprintf("+%d", off)
	}
	return out
}

// Ranges.

func (s *solver) span(l Loc, size int64) (Loc, int64) {
	if l.Off == Any {
		return l, -1
	}
	lay := s.objLay[l.Obj]
	if lay == meltedLay {
		return Loc{l.Obj, 0}, -1 // any byte of it has this name
	}
	if lay.one {
		return Loc{l.Obj, 0}, max(size, -1)
	}
	for _, st := range lay.path(int64(l.Off), 0, nil) {
		if st.elem > 0 && (st.size < 0 || st.size > st.elem) && (size < 0 || int64(l.Off)-st.start+size > st.elem) {
			if size >= 0 {
				size += int64(l.Off) - st.start
			}
			l.Off = int32(st.start)
			break
		}
	}
	return l, size
}

func (s *solver) bound(l Loc) int64 {
	if l.Off == Any {
		return -1
	}
	lay := s.objLay[l.Obj]
	best, record := int64(-1), int64(-1)
	for _, st := range lay.path(int64(l.Off), 0, nil) {
		switch {
		case st.rec != nil && st.start == int64(l.Off) && record < 0:
			if record = st.size; record < 0 {
				return -1
			}
		case st.elem == 1 && st.size >= 0:
			best = st.start + st.size - int64(l.Off)
		}
	}
	if best >= 0 && record > best {
		return record // the pointer may be the record's, converted
	}
	return best
}

// maxLeaves bounds the scalars that one access is said to touch; beyond it is
// anywhere in the object.
const maxLeaves = 512

func (s *solver) leaves(l Loc, size int64) []Loc {
	lay := s.objLay[l.Obj]
	if lay == meltedLay {
		return []Loc{{l.Obj, Any}}
	}
	if l.Off == Any || lay.one || lay.kind == layBlob {
		return []Loc{l}
	}
	lo, hi := int64(l.Off), int64(l.Off)+size
	if size < 0 {
		hi = 1 << 60
	}
	if lay.kind == layRaw {
		if size >= 0 && size <= 8 {
			return []Loc{l}
		}
		return []Loc{{l.Obj, Any}}
	}
	out := lay.leafOffs(0, lo, hi, nil)
	if out == nil || len(out) > maxLeaves {
		if len(out) > maxLeaves {
			return []Loc{{l.Obj, Any}}
		}
		return []Loc{l}
	}
	slices.Sort(out)
	out = slices.Compact(out)
	locs := make([]Loc, len(out))
	for i, o := range out {
		locs[i] = Loc{l.Obj, max(o, l.Off)}
	}
	return locs
}

// leafOffs lists the canonical offsets of the scalars at base that overlap [lo,hi).
func (l *lay) leafOffs(base, lo, hi int64, out []int32) []int32 {
	if len(out) > maxLeaves || l.size >= 0 && (base >= hi || base+l.size <= lo) {
		return out
	}
	switch l.kind {
	case layArray:
		if l.elem.size <= 0 {
			return append(out, int32(base))
		}
		// All elements are the first: any that overlaps gives all of its scalars.
		if base+l.elem.size > lo {
			return l.elem.leafOffs(base, lo, hi, out)
		}
		return l.elem.leafOffs(base, base, base+l.elem.size, out)
	case layStruct:
		for _, f := range l.fields {
			out = f.l.leafOffs(base+f.off, lo, hi, out)
		}
		if l.tail && hi > base+l.size {
			out = append(out, int32(base+l.size))
		}
		return out
	case layUnion:
		if l.one {
			return append(out, int32(base))
		}
		if l.table != nil {
			for b := max(lo, base); b < min(hi, base+l.size); b++ {
				out = append(out, int32(base)+l.table[b-base])
			}
			return out
		}
		for _, f := range l.fields {
			out = f.l.leafOffs(base+f.off, lo, hi, out)
		}
		return out
	}
	return append(out, int32(base))
}
