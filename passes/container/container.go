// Package container finds the collections that top-level variables lead to, and
// their shape, so that generated code can take entries out of them and put
// entries in: lists, hash tables of lists, trees, arrays.
//
// The paper assumes the two designs (hash table, linked list) when it looks for flowspaces
// (section 4.3) and leaves reading and writing the entries to people.
//
// # Algorithm
//
// The type of an updateable variable gives its heads: a pointer to a record, an
// array of them, a pointer to such an array, a struct that holds one of these (BSD's heads among them); or an
// array of records, which holds its entries itself (open addressing is one). For a head of void * the entries come
// from the pointer analysis.
//
// Which of an entry's pointers to its own type links the collection is read from the
// code: the one that is followed in a loop (cur = cur->next, pp = &(*pp)->next),
// that gets the old head at an insertion (e->next = *head), through which the tail gets a
// new entry. The one that leads back is stored through the other (e->next->prev = e->prev,
// old_head->prev = e). An entry may be in several collections: what the code does with pointers that it took from a head
// says which link is that head's (threads.go). Two links of which a loop follows one or the other are a tree's, and so is an array of
// links; a cursor may be in memory (root = root->left in a splay tree).
//
// Links that are members made for it (struct list, container_of) don't know what they are in: the entry is what
// code that takes a pointer from this head turns it into, so many bytes before. A table of pointers whose entries
// never lead to one another is an Array of Pointers, found by place.
//
// Together is empty only if putting an entry in and taking one out by these
// links and the head is all that there is to do, and then generated code does it. Otherwise it says what stands in the way (another
// collection that the entry is in, a queue's pointer to the last link), and the collection moves as a whole. Other pointers among entries
// that the code uses, a table of unknown size make the shape Unknown, with the reason.
//
// # Cost
//
// One pass over the code for all records, one for all heads; what a procedure does with entries is found once (Walks). 0.8 s of
// processor time on HAProxy 1.6.
//
// # Limits
//
// A table behind control blocks (a pointer to a struct that has the pointer to the buckets) moves as a whole, and so does one
// whose entries keep their key behind a pointer; of several tables behind one variable none is found.
//
// HAProxy's ebtree is known as a tree (each node has a root of the same type), but its tagged pointers are not followed to
// its keys. The members of C11's anonymous unions are not links.
//
// # Procedures
//
// Insert stores an entry in a head, Remove has an entry as parameter and frees
// it, Lookup follows the links and compares. Code that runs while packets are
// processed is preferred.
//
// # Nested lists
//
// A pointer from the entry to another linked record is a nested list if nothing but
// entries of this container leads there. Otherwise the two are shared, and Why says so.
package container

import (
	"fmt"
	"slices"
	"sort"
	"strings"

	"saz/frontend/ctype"
	"saz/ir"
	"saz/passes"
	"saz/passes/members"
	"saz/passes/modref"
	"saz/passes/persist"
	"saz/passes/pointer"
	"saz/passes/toplevel"
	"saz/passes/update"
)

// Pass is the container pass.
var Pass = &passes.Pass{
	Name:     "container",
	Doc:      "lists, hash tables and arrays of entries, and how they are linked",
	Requires: []*passes.Pass{pointer.Pass, members.Pass, modref.Pass, persist.Pass, toplevel.Pass, update.Pass},
	Run:      run,
}

// Of returns the result.
func Of(c *passes.Context) *Result { return c.Result(Pass).(*Result) }

type finder struct {
	stored map[pointer.Loc]bool // where packet code stores pointers; made when first asked for
	c      *passes.Context
	pt     *pointer.Result
	ps     *persist.Result
	tl     *toplevel.Result
	up     *update.Result

	scan    *scan
	threads map[*Container]*thread
	direct  map[persist.VarID]bool            // its own bytes are updated
	stray   map[persist.VarID]bool            // its heads may point at something that is no entry
	entries map[persist.VarID][]pointer.ObjID // heap objects that a container's heads point at
	heads   map[persist.VarID][]pointer.Loc   // where they stand
	behind  map[persist.VarID]*candidate      // tables behind control blocks

	narrowed *members.Table
	tables   []bool // by object: a pointer in it leads to a table that packet code takes elements of; made when asked for
}

func run(c *passes.Context) (any, error) {
	w := &finder{c: c, pt: pointer.Of(c), ps: persist.Of(c), tl: toplevel.Of(c), up: update.Of(c),
		direct: map[persist.VarID]bool{}, stray: map[persist.VarID]bool{}, entries: map[persist.VarID][]pointer.ObjID{}, heads: map[persist.VarID][]pointer.Loc{},
		behind: map[persist.VarID]*candidate{}}
	w.scan = &scan{c: c, pt: w.pt, all: map[*ctype.Record]*links{}}
	res := &Result{Containers: map[persist.VarID]*Container{}}
	var vars []*persist.Var
	for i := range w.ps.Vars {
		if v := &w.ps.Vars[i]; v.Obj >= 0 && w.up.Updateable[v.ID] != nil {
			vars = append(vars, v)
		}
	}
	for i := range w.up.Updates {
		if u := &w.up.Updates[i]; u.Direct {
			w.direct[u.Var] = true
		}
	}
	// The records first: one look at the code serves all of them.
	for _, v := range vars {
		if k := w.shape(v); k != nil {
			res.Containers[v.ID] = k
			w.linksOf(k.Entry)
		}
		if b := w.controlled(v); b != nil {
			w.behind[v.ID] = b
			w.linksOf(b.k.Entry)
		}
	}
	for i := 0; i < 3; i++ { // what hangs from entries, a few levels down
		var more []*ctype.Record
		for r := range w.scan.all {
			for j := range r.Fields {
				e := pointee(c.Prog, r.Fields[j].Type)
				if t := r.Fields[j].Type; t.Kind == ctype.Struct && t.Rec != nil {
					e = c.Prog.Record(t.Rec) // embedded
				}
				if e != nil && w.scan.all[e] == nil {
					more = append(more, e)
				}
			}
		}
		for _, r := range more {
			w.linksOf(r)
		}
	}
	w.scan.run()
	w.follow(vars, res)
	for _, v := range vars {
		if k := res.Containers[v.ID]; k != nil && !w.decide(v, k) {
			delete(res.Containers, v.ID)
		}
		if b := w.behind[v.ID]; b != nil {
			w.settleBehind(v, b, res)
		}
	}
	w.tails(vars, res)
	w.shared(vars, res)
	w.procedures(vars, res)
	w.configure(vars, res)
	for _, v := range vars {
		if k := res.Containers[v.ID]; k != nil {
			w.nested(v, k, res)
		}
	}
	return res, nil
}

func (w *finder) linksOf(r *ctype.Record) *links {
	l := w.scan.all[r]
	if l == nil {
		l = selfLinks(w.c.Prog, r)
		w.scan.all[r] = l
	}
	return l
}

// A head is a place of a variable from which entries may hang.
type head struct {
	name     string
	off      int64
	entry    *ctype.Record
	n        int64       // how many in a row
	t        *ctype.Type // of one
	array    bool        // an array of heads, or a pointer to one
	indirect bool
	inPlace  bool          // the entries themselves
	node     *ctype.Record // a link that is a member of its entries
	tail     bool          // with a pointer to the last link
}

// headsOf lists the heads in a type.
func (w *finder) headsOf(t *ctype.Type, off int64, name string, depth int) []head {
	p := w.c.Prog
	switch t.Kind {
	case ctype.Pointer:
		if r := pointee(p, t); r != nil && r.Complete && nodeOf(p, t.Elem) == nil {
			return []head{{name: name, off: off, entry: r, n: 1, t: t}}
		}
		if n := nodeOf(p, t.Elem); n != nil {
			return []head{{name: name, off: off, entry: n, node: n, n: 1, t: t}}
		}
		if t.Elem != nil && t.Elem.Kind == ctype.Pointer {
			if r := pointee(p, t.Elem); r != nil && r.Complete {
				return []head{{name: name, off: off, entry: r, t: t.Elem, indirect: true, array: true}}
			}
		}
		if t.Elem != nil && t.Elem.Kind == ctype.Void {
			return []head{{name: name, off: off, n: 1, t: t}}
		}
	case ctype.Array:
		n, e := int64(1), t
		for e.Kind == ctype.Array && e.Elem != nil {
			n *= max(e.Len, 0)
			e = e.Elem
		}
		if e.IsRecord() && e.Rec != nil {
			r := p.Record(e.Rec)
			if hs := w.headsOf(e, off, name, depth); len(hs) == 1 && (hs[0].node != nil || isHead(p, e)) && !hs[0].indirect {
				hs[0].n, hs[0].array, hs[0].t = n, true, e
				return hs
			}
			if r.Complete && !r.Union {
				return []head{{name: name, off: off, entry: r, n: n, t: e, array: true, inPlace: true}}
			}
			return nil
		}
		for _, h := range w.headsOf(e, off, name, depth) {
			if !h.indirect && !h.array {
				h.n, h.array = n, true
				return []head{h}
			}
		}
	case ctype.Struct:
		if t.Rec == nil || depth > 2 {
			return nil
		}
		if n := nodeOf(p, t); n != nil {
			return []head{{name: name, off: off, entry: n, node: n, n: 1, t: t}}
		}
		if rec, at, tail := headStruct(p, t); rec != nil {
			hs := w.headsOf(at.Type, off+at.Off, name, depth+1)
			for i := range hs {
				hs[i].tail = tail
			}
			return hs
		}
		var out []head
		r := p.Record(t.Rec)
		for i := range r.Fields {
			fl := &r.Fields[i]
			sub := name
			if fl.Name != "" {
				if sub != "" {
					sub += "."
				}
				sub += fl.Name
			}
			out = append(out, w.headsOf(fl.Type, off+fl.Off, sub, depth+1)...)
		}
		return out
	}
	return nil
}

func isHead(p *ir.Program, t *ctype.Type) bool {
	r, _, _ := headStruct(p, t)
	return r != nil
}

// pointed returns the heap objects that pointers at l lead to, and whether they
// may lead anywhere else.
func (w *finder) pointed(l pointer.Loc) (heap []pointer.ObjID, other bool) {
	seen := map[pointer.ObjID]bool{}
	for _, x := range w.pt.Contents(l.Obj, l.Off) {
		o := w.pt.Objects[x.Obj]
		if o.Kind != pointer.Heap || o.Opaque || o.Packet {
			other = true
			continue
		}
		if !seen[x.Obj] {
			seen[x.Obj] = true
			heap = append(heap, x.Obj)
		}
	}
	return heap, other
}

// A Kin tells which blocks may be an entry.
type Kin struct {
	prog  *ir.Program
	pt    *pointer.Result
	entry *ctype.Record
	told  map[*ctype.Record]bool
}

// NewKin asks about entries of a type.
func NewKin(c *passes.Context, entry *ctype.Record) *Kin {
	return &Kin{prog: c.Prog, pt: pointer.Of(c), entry: entry, told: map[*ctype.Record]bool{}}
}

// MayBe reports whether a block may be an entry: its type is not known, or is the entry's, or one of the two begins with
// the other. (A helper that passes pointers of all kinds through mixes up what they point at.)
func (x *Kin) MayBe(o pointer.ObjID) bool {
	t := x.pt.TypeOf(o)
	if t == nil || t.Kind != ctype.Struct || t.Rec == nil {
		return true
	}
	is, ok := x.told[t.Rec]
	if !ok {
		r := x.prog.Record(t.Rec)
		is = r == x.entry || begins(x.prog, r, x.entry) || begins(x.prog, x.entry, r)
		x.told[t.Rec] = is
	}
	return is
}

// begins reports whether the first member of a is b, or begins with it.
func begins(p *ir.Program, a, b *ctype.Record) bool {
	for d := 0; d < 8 && len(a.Fields) > 0; d++ {
		t := a.Fields[0].Type
		if t.Kind != ctype.Struct || t.Rec == nil {
			return false
		}
		if a = p.Record(t.Rec); a == b {
			return true
		}
	}
	return false
}

// shape finds the one head of v that entries hang from. Its links are decided
// later.
func (w *finder) shape(v *persist.Var) *Container {
	type found struct {
		head
		heap  []pointer.ObjID
		locs  []pointer.Loc
		other bool
	}
	var all []found
	for _, h := range w.headsOf(v.Type, 0, "", 0) {
		loc := pointer.Loc{Obj: v.Obj, Off: w.pt.Canon(v.Obj, h.off)}
		f := found{head: h, locs: []pointer.Loc{loc}}
		switch {
		case h.inPlace:
			if !w.direct[v.ID] {
				continue // a table of what does not change
			}
		case h.indirect:
			tables, other := w.pointed(loc)
			f.locs, f.other = nil, other
			for _, t := range tables {
				l := pointer.Loc{Obj: t, Off: w.pt.Canon(t, 0)}
				heap, o := w.pointed(l)
				f.heap = append(f.heap, heap...)
				f.locs = append(f.locs, l)
				f.other = f.other || o
			}
			if len(tables) == 1 {
				f.n = w.count(tables[0], ctype.SizeOf(h.t))
			}
		default:
			f.heap, f.other = w.pointed(loc)
		}
		if f.entry == nil {
			for _, o := range f.heap {
				t := w.pt.TypeOf(o)
				if t == nil || t.Kind != ctype.Struct || t.Rec == nil || f.entry != nil && f.entry != w.c.Prog.Record(t.Rec) {
					f.entry = nil
					break
				}
				f.entry = w.c.Prog.Record(t.Rec)
			}
		}
		if f.entry != nil && h.node == nil {
			f.heap = filter(f.heap, NewKin(w.c, f.entry).MayBe)
		}
		if f.entry == nil || len(f.heap) == 0 && !h.inPlace && h.node == nil {
			continue
		}
		all = append(all, f)
	}
	if v.Type.Kind == ctype.Struct {
		// A struct is a container if its heads are what packets update: one
		// list, by its head and perhaps its tail.
		all = filter(all, func(f found) bool { return !f.inPlace && w.packetStores(f.locs) })
		if len(all) == 0 {
			return nil
		}
		for _, f := range all[1:] {
			if f.entry != all[0].entry || f.array || all[0].array {
				k := &Container{Var: v.ID, Entry: all[0].entry}
				w.unknown(k, v, fmt.Sprintf("it holds more than one collection: %s and %s", all[0].name, f.name))
				return k
			}
		}
	}
	if len(all) == 0 {
		return nil
	}
	f := all[0]
	k := &Container{Var: v.ID, Shape: List, Entry: f.entry, HeadOff: f.off, Buckets: f.n, Indirect: f.indirect, node: f.node}
	if f.tail {
		k.Together = "its head keeps where the last link is"
	}
	sort.Slice(f.heap, func(i, j int) bool { return f.heap[i] < f.heap[j] })
	w.entries[v.ID], w.heads[v.ID] = f.heap, f.locs
	switch {
	case f.inPlace:
		k.Shape = Array
		k.Why = append(k.Why, passes.Why{Pos: v.Pos, Text: fmt.Sprintf("an array of %d %s", f.n, f.t)})
		w.entries[v.ID] = []pointer.ObjID{v.Obj}
		return k
	case f.array:
		k.Shape = HashList
		k.BucketType = f.t
		if f.t.Kind == ctype.Pointer {
			k.Why = append(k.Why, w.because(v, "a table of pointers to %s", f.t.Elem))
		} else {
			k.Why = append(k.Why, w.because(v, "a table of heads, %s", f.t))
		}
	case f.t.Kind == ctype.Pointer:
		k.Why = append(k.Why, w.because(v, "a pointer to %s", f.t.Elem))
	default:
		k.Why = append(k.Why, w.because(v, "the head of a list, %s", f.t))
	}
	for _, g := range all[1:] { // head and tail of one struct
		k.Tail = v.Name + "." + g.name
	}
	w.stray[v.ID] = f.other
	if v.Type.Kind == ctype.Struct {
		if off, path, ok := embedded(w.c.Prog, f.entry, w.c.Prog.Record(v.Type.Rec)); ok && f.node == nil {
			// A node is a root of what is below it.
			k.Shape, k.Next, k.NextOff = Tree, path+"."+f.name, off+f.off
			if f.array {
				k.Next += "[]"
			}
			k.Prev, k.PrevOff = k.Next, k.NextOff
			k.BucketType = nil
			k.Buckets = 1
			k.Together = "its nodes are members that lead to other members"
			k.Why = append(k.Why, w.because(v, "each entry has a root of the same type, %s: a tree", path))
		}
	}
	return k
}

// embedded finds a member of type sub in a record, at any depth.
func embedded(p *ir.Program, rec, sub *ctype.Record) (off int64, path string, ok bool) {
	for i := range rec.Fields {
		fl := &rec.Fields[i]
		if fl.Type.Kind != ctype.Struct || fl.Type.Rec == nil {
			continue
		}
		r := p.Record(fl.Type.Rec)
		if r == sub {
			return fl.Off, fl.Name, true
		}
		if o, path, ok := embedded(p, r, sub); ok {
			return fl.Off + o, fl.Name + "." + path, true
		}
	}
	return 0, "", false
}

func (w *finder) because(v *persist.Var, format string, args ...any) passes.Why {
	return passes.Why{Pos: v.Pos, Text: fmt.Sprintf(format, args...)}
}

func filter[T any](s []T, keep func(T) bool) []T {
	out := s[:0]
	for _, x := range s {
		if keep(x) {
			out = append(out, x)
		}
	}
	return out
}

func (w *finder) unknown(k *Container, v *persist.Var, text string) {
	k.Shape = Unknown
	if k.unclear == "" {
		k.unclear = text
	}
	k.Why = append(k.Why, passes.Why{Pos: v.Pos, Text: text})
}

// count returns how many elements of size bytes the one call that allocates o
// asks for, 0 if that is not a constant.
func (w *finder) count(o pointer.ObjID, size int64) int64 {
	ref := w.pt.Objects[o].Inner
	f := w.c.Prog.Funcs[ref.Func]
	in := &f.Instrs[ref.I]
	callees := w.pt.Callees(ref)
	if len(callees) != 1 {
		return 0
	}
	m := w.pt.Model(callees[0])
	if m == nil || m.Alloc == nil || len(m.Alloc.Size) == 0 {
		return 0
	}
	total := int64(1)
	for _, k := range m.Alloc.Size {
		if k >= len(in.Args) {
			return 0
		}
		a := members.Strip(f, in.Args[k])
		if a.Kind != ir.VInt {
			return 0
		}
		total *= a.Off
	}
	if size <= 0 || total%size != 0 {
		return 0
	}
	return total / size
}

// packetStores reports whether packet code stores pointers to any of locs.
func (w *finder) packetStores(locs []pointer.Loc) bool {
	if w.stored == nil {
		w.stored = map[pointer.Loc]bool{}
		mr := modref.Of(w.c)
		for _, fid := range w.tl.PktProcs {
			f := w.c.Prog.Funcs[fid]
			for i := range f.Instrs {
				ref := ir.Ref{Func: fid, I: int32(i)}
				if in := &f.Instrs[i]; in.Op != ir.Store || in.Type == nil || in.Type.Kind != ctype.Pointer || !w.tl.Packet(ref) {
					continue
				}
				for _, l := range mr.Writes(ref) {
					w.stored[l] = true
				}
			}
		}
	}
	for _, l := range locs {
		if w.stored[l] || w.stored[pointer.Loc{Obj: l.Obj, Off: pointer.Any}] {
			return true
		}
	}
	return false
}

// decide settles the links of a container; false if it is none.
func (w *finder) decide(v *persist.Var, k *Container) bool {
	if k.Shape == Array || k.Shape == Unknown || k.Shape == Tree {
		k.Filled = k.Shape == Tree && w.packetStores(w.heads[v.ID])
		return k.Shape != Tree || k.Filled
	}
	if k.node != nil {
		k.Filled = true
		if !w.packetStores(w.heads[v.ID]) || !w.settleNode(v, k) {
			return false
		}
		return true
	}
	l, others := w.chosen(k)
	next, prev, tree, why := l.decide()
	inserted := w.packetStores(w.heads[v.ID])
	k.Filled = inserted
	if k.Shape == HashList && k.BucketType.Kind == ctype.Pointer && inserted && w.placed(k) {
		// Nothing leads from one entry to the next: each is found by its place.
		k.Shape, k.Together = Array, "entries are found by their place"
		k.Pointers = true
		return true
	}
	if len(others) > 0 {
		k.Together = "its entries are in another collection, too, by " + strings.Join(others, ", ")
	}
	if next == nil {
		if why != "" {
			w.unknown(k, v, why)
			return true
		}
		if k.Shape == List && !inserted || k.Shape == List && len(l.fields) == 0 {
			// A pointer to one object. An array on the heap is a container.
			if w.indexed(v) {
				k.Shape = Array
				k.Indirect = true
				k.Buckets = 0
				if len(w.entries[v.ID]) != 1 { // it may point at one of several things
					w.unknown(k, v, "an array on the heap whose length is not a constant")
					return true
				}
				if k.Buckets = w.count(w.entries[v.ID][0], k.Entry.Size); k.Buckets == 0 {
					k.Why = append(k.Why, w.because(v, "an array on the heap, of as many as the program asks for"))
				}
				return true
			}
			return false
		}
		w.unknown(k, v, "entries are not linked")
		return true
	}
	ref := ir.Ref{Func: -1}
	if len(next.followed) > 0 {
		ref = next.followed[0]
	}
	k.Next, k.NextOff = next.name, next.off
	k.branches = tree && next.many
	if tree {
		k.Shape = Tree
		k.Next, k.Prev, k.PrevOff = next.name, prev.name, prev.off
		k.Why = append(k.Why, w.c.Because(ref, "%s and %s are both followed: a tree", next.name, prev.name))
		return true
	}
	if ref.Func >= 0 {
		k.Why = append(k.Why, w.c.Because(ref, "the next entry is %s, followed here", next.name))
	}
	if prev != nil {
		k.Prev, k.PrevOff = prev.name, prev.off
		k.Why = append(k.Why, passes.Why{Pos: v.Pos, Text: fmt.Sprintf("%s leads back: it is stored through %s", prev.name, next.name)})
	}
	if why != "" {
		w.unknown(k, v, why)
	}
	if w.stray[v.ID] {
		w.unknown(k, v, "its heads may point at something other than allocated entries")
	}
	if k.Shape == HashList && k.Buckets <= 0 {
		w.unknown(k, v, "the number of buckets is not a constant")
	}
	if k.Tail == "" && k.Shape == List && next.appended > 0 {
		w.tail(v, k, next)
	}
	return true
}

// placed reports whether the code that reaches entries from a table of pointers never goes on from one
// to another.
func (w *finder) placed(k *Container) bool {
	return w.threads[k] != nil && len(w.threads[k].links) == 0
}

// indexed reports whether packet code takes elements of what v points at.
func (w *finder) indexed(v *persist.Var) bool {
	if w.tables == nil {
		w.tables = make([]bool, len(w.pt.Objects))
		for _, fid := range w.tl.PktProcs {
			f := w.c.Prog.Funcs[fid]
			for i := range f.Instrs {
				in := &f.Instrs[i]
				if in.Op != ir.IndexAddr || in.B.Kind == ir.VInt || !w.tl.Packet(ir.Ref{Func: fid, I: int32(i)}) {
					continue
				}
				if ld := members.Def(f, in.A); ld != nil && ld.Op == ir.Load {
					for _, l := range w.pt.PointsTo(fid, ld.A) {
						w.tables[l.Obj] = true
					}
				}
			}
		}
	}
	return w.tables[v.Obj]
}

// tail finds the variable through which entries are appended: tail->next = e;
// tail = e.
func (w *finder) tail(v *persist.Var, k *Container, next *link) {
	for _, f := range w.c.Prog.Funcs {
		for i := range f.Instrs {
			in := &f.Instrs[i]
			if in.Op != ir.Store {
				continue
			}
			_, l, base := w.scan.address(f, in.A, in.Type)
			if l != next {
				continue
			}
			ld := members.Def(f, base)
			if ld == nil || ld.Op != ir.Load || ld.A.Kind != ir.VGlobal || ld.A.Off != 0 || pointer.ObjID(ld.A.ID) == v.Obj {
				continue
			}
			for j := range f.Instrs {
				st := &f.Instrs[j]
				if st.Op == ir.Store && st.A == ld.A && members.Strip(f, st.B) == members.Strip(f, in.B) {
					k.Tail = w.c.Prog.Globals[ld.A.ID].Name
					k.Why = append(k.Why, w.c.Because(ir.Ref{Func: f.ID, I: int32(i)}, "%s is the last entry", k.Tail))
					return
				}
			}
		}
	}
}

// tails drops the containers that are only the tail of another.
func (w *finder) tails(vars []*persist.Var, res *Result) {
	for _, v := range vars {
		k := res.Containers[v.ID]
		if k == nil || k.Tail == "" {
			continue
		}
		for _, x := range vars {
			if o := res.Containers[x.ID]; o != nil && o != k && x.Name == k.Tail && x.Global >= 0 && o.Entry == k.Entry && o.Shape != HashList {
				delete(res.Containers, x.ID)
			}
		}
	}
}

// shared says which containers have entries in common.
func (w *finder) shared(vars []*persist.Var, res *Result) {
	// Objects that are entries of the same variables are of one class: there are few of those.
	class := make([]int32, len(w.pt.Objects))
	owners := [][]*persist.Var{nil}
	for _, v := range vars {
		if k := res.Containers[v.ID]; k == nil || k.InPlace() {
			continue
		}
		next := map[int32]int32{} // a class → the one with v in it too
		for _, o := range w.entries[v.ID] {
			k, ok := next[class[o]]
			if !ok {
				k = int32(len(owners))
				next[class[o]] = k
				owners = append(owners, append(slices.Clip(owners[class[o]]), v))
			}
			class[o] = k
		}
	}
	for _, v := range vars {
		k := res.Containers[v.ID]
		if k == nil {
			continue
		}
		told, seen := map[persist.VarID]bool{v.ID: true}, map[int32]bool{}
		for _, o := range w.entries[v.ID] {
			if seen[class[o]] {
				continue
			}
			seen[class[o]] = true
			for _, x := range owners[class[o]] {
				if told[x.ID] || x.Name == k.Tail {
					continue
				}
				told[x.ID] = true
				k.Why = append(k.Why, passes.Why{Pos: x.Pos, Text: fmt.Sprintf("its entries may also hang from %s", x.Name)})
			}
		}
	}
}

// procedures finds what inserts, removes and looks up.
func (w *finder) procedures(vars []*persist.Var, res *Result) {
	packet := map[ir.FuncID]bool{}
	for _, f := range w.tl.PktProcs {
		packet[f] = true
	}
	type at struct {
		obj pointer.ObjID
		off int32
	}
	type put struct {
		f ir.FuncID
		k *Container
	}
	byHead := map[at][]*Container{}
	nodes := map[pointer.ObjID][]*Container{} // those whose links are members, by where the head is
	tried := map[put]bool{}
	byEntry := map[pointer.ObjID][]*Container{}
	byRec := map[*ctype.Record][]*Container{}
	for _, v := range vars {
		k := res.Containers[v.ID]
		if k == nil || k.InPlace() {
			continue
		}
		for _, l := range w.heads[v.ID] {
			if k.node != nil {
				nodes[l.Obj] = append(nodes[l.Obj], k)
			}
			byHead[at{l.Obj, l.Off}] = append(byHead[at{l.Obj, l.Off}], k)
		}
		for _, o := range w.entries[v.ID] {
			byEntry[o] = append(byEntry[o], k)
		}
		byRec[k.Entry] = append(byRec[k.Entry], k)
	}
	if len(byHead) == 0 {
		return
	}
	walkers := map[ir.FuncID][]*Container{}
	for _, v := range vars {
		k := res.Containers[v.ID]
		if k == nil || k.InPlace() {
			continue
		}
		for _, f := range w.walkersOf(k) {
			walkers[f] = append(walkers[f], k)
		}
	}
	type rank struct{ insert, remove, lookup int }
	best := map[*Container]*rank{}
	for _, k := range res.Containers {
		best[k] = &rank{}
	}
	// What a set of places has to do with containers is found out once: many pointers share one.
	type hits struct{ nodes, heads, entries []*Container }
	sets := map[setID]*hits{}
	nothing := &hits{}
	hitsOf := func(locs []pointer.Loc) *hits {
		if len(locs) == 0 {
			return nothing
		}
		id := setID{&locs[0], len(locs)}
		h := sets[id]
		if h != nil {
			return h
		}
		h = &hits{}
		seen := map[*Container][3]bool{}
		add := func(to *[]*Container, i int, ks []*Container) {
			for _, k := range ks {
				if s := seen[k]; !s[i] {
					s[i] = true
					seen[k] = s
					*to = append(*to, k)
				}
			}
		}
		for i, l := range locs {
			if i == 0 || l.Obj != locs[i-1].Obj {
				add(&h.nodes, 0, nodes[l.Obj])
				add(&h.entries, 2, byEntry[l.Obj])
			}
			for _, k := range byHead[at{l.Obj, l.Off}] {
				if k.node == nil {
					add(&h.heads, 1, []*Container{k})
				}
			}
		}
		sets[id] = h
		return h
	}
	bonusOf := func(f *ir.Func) int {
		if packet[f.ID] {
			return 10
		}
		return 1
	}
	for _, f := range w.c.Prog.Funcs {
		if !f.Defined() {
			continue
		}
		bonus := bonusOf(f)
		hasParam := func(r *ctype.Record) bool {
			for _, l := range f.Params {
				if pointee(w.c.Prog, f.Locals[l].Type) == r {
					return true
				}
			}
			return false
		}
		seen := map[*Container]*rank{}
		note := func(k *Container) *rank {
			if seen[k] == nil {
				seen[k] = &rank{}
			}
			return seen[k]
		}
		cmps := map[*Container]bool{}
		follows := map[*Container]bool{}
		for i := range f.Instrs {
			in := &f.Instrs[i]
			ref := ir.Ref{Func: f.ID, I: int32(i)}
			switch in.Op {
			case ir.Store:
				if in.Type == nil || in.Type.Kind != ctype.Pointer || in.B.Kind == ir.VInt || in.A.Kind == ir.VLocal {
					continue
				}
				if rec, _, _, ok := fieldOf(w.c.Prog, f, in.A); ok && byRec[rec] != nil {
					continue
				}
				h := hitsOf(w.pt.PointsTo(f.ID, in.A))
				for _, k := range h.nodes {
					if !tried[put{f.ID, k}] {
						tried[put{f.ID, k}] = true
						w.putters(f, k, func(g *ir.Func, named bool) {
							n := 2 * bonusOf(g)
							if named {
								n++
							}
							if b := best[k]; n > b.insert {
								b.insert, k.Insert = n, g.Name
							}
						})
					}
				}
				for _, k := range h.heads {
					v := members.Def(f, in.B)
					_, ln, _ := w.scan.load(f, v)
					if ln != nil && k.Shape == Tree {
						continue // another root: a rotation
					} else if ln != nil && ln.off == k.NextOff {
						note(k).remove = max(note(k).remove, bonus)
					} else if v != nil && v.Op == ir.Load && v.A.Kind == in.A.Kind && v.A == in.A {
						continue
					} else {
						note(k).insert = bonus
					}
				}
			case ir.Call:
				for _, t := range w.pt.Callees(ref) {
					m := w.pt.Model(t)
					if m == nil {
						continue
					}
					for _, a := range m.Frees {
						if a >= len(in.Args) {
							continue
						}
						for _, k := range hitsOf(w.pt.PointsTo(f.ID, in.Args[a])).entries {
							note(k).remove = max(note(k).remove, 3*bonus)
						}
					}
				}
			case ir.Load:
				if rec, _, base, ok := fieldOf(w.c.Prog, f, in.A); ok && byRec[rec] != nil && in.Type.Kind != ctype.Pointer {
					for _, k := range hitsOf(w.pt.PointsTo(f.ID, base)).entries {
						cmps[k] = true
					}
				}
			}
		}
		for k, s := range seen {
			b := best[k]
			if s.insert > b.insert {
				b.insert = s.insert
				k.Insert = f.Name
			}
			if s.remove > 0 && hasParam(k.Entry) && s.remove > b.remove {
				b.remove = s.remove
				k.Remove = f.Name
			}
		}
		for _, k := range walkers[f.ID] {
			if k.node != nil || k.Pointers || w.walks(f, k, byEntry) {
				follows[k] = true
			}
		}
		for k := range follows {
			score := bonus
			if ft := f.Type; ft != nil && pointee(w.c.Prog, ft.Elem) == k.Entry {
				score += 5
			}
			if cmps[k] {
				score += 2
			}
			if w.comparesIn(f) {
				score++
			}
			if b := best[k]; score > b.lookup {
				b.lookup = score
				k.Lookup = f.Name
			}
		}
	}
}

// walkersOf lists the procedures that may look an entry of k up.
func (w *finder) walkersOf(k *Container) []ir.FuncID {
	set := map[ir.FuncID]bool{}
	th := w.threads[k]
	switch {
	case k.node != nil && th != nil:
		l := w.linksOf(k.node)
		for f := range th.walkers {
			for _, x := range l.fields {
				for _, r := range x.followed {
					set[f] = set[f] || r.Func == f
				}
			}
		}
	case k.Pointers && th != nil:
		for f := range th.loaders {
			set[f] = true
		}
	default:
		if l := w.scan.all[k.Entry].at(k.NextOff); l != nil {
			for _, r := range l.followed {
				set[r.Func] = true
			}
		}
	}
	var out []ir.FuncID
	for f, ok := range set {
		if ok {
			out = append(out, f)
		}
	}
	slices.Sort(out)
	return out
}

// putters calls found for the procedures that put an entry of k behind its head, in
// f or by f's help: those that know what the entry is. named is of one that hands over
// the head and nothing else: what may be the head or an entry is mostly an entry.
func (w *finder) putters(f *ir.Func, k *Container, found func(f *ir.Func, named bool)) {
	seen := map[ir.FuncID]bool{}
	var up func(f *ir.Func, depth int, named bool)
	up = func(f *ir.Func, depth int, named bool) {
		if seen[f.ID] || depth > 3 {
			return
		}
		seen[f.ID] = true
		if w.knows(f, k) {
			found(f, named)
			return
		}
		for _, site := range w.pt.Callers(f.ID) {
			g := w.c.Prog.Funcs[site.Func]
			for _, arg := range g.Instrs[site.I].Args {
				locs := w.pt.PointsTo(g.ID, arg)
				isHead := func(x pointer.Loc) bool { return slices.Contains(w.heads[k.Var], x) }
				if slices.ContainsFunc(locs, isHead) {
					up(g, depth+1, !slices.ContainsFunc(locs, func(x pointer.Loc) bool { return !isHead(x) }) || w.round(g, arg, k))
				}
			}
		}
	}
	up(f, 0, false)
}

// round reports whether v is what one comes to by links from the head of k, and from nowhere else: for (at = timers.prev; ...; at = at->prev).
func (w *finder) round(f *ir.Func, v ir.Value, k *Container) bool {
	seen := map[int32]bool{}
	begins := false
	var from func(v ir.Value) bool
	from = func(v ir.Value) bool {
		switch v.Kind {
		case ir.VGlobal:
			begins = true
			return slices.ContainsFunc(w.heads[k.Var], func(l pointer.Loc) bool { return l.Obj == pointer.ObjID(v.ID) && int64(l.Off) == v.Off })
		case ir.VReg:
		default:
			return false
		}
		if seen[v.ID] {
			return true
		}
		seen[v.ID] = true
		def := f.Regs[v.ID].Def
		if def < 0 {
			return false
		}
		switch in := &f.Instrs[def]; in.Op {
		case ir.Move, ir.Conv:
			return from(in.A)
		case ir.Phi:
			return !slices.ContainsFunc(in.Args, func(a ir.Value) bool { return !from(a) })
		case ir.Load:
			if at := members.Def(f, in.A); at != nil && at.Op == ir.FieldAddr && w.c.Prog.Record(at.Rec) == k.node {
				return from(at.A)
			}
		}
		return false
	}
	return from(v) && begins
}

// knows reports whether f takes the link of k out of an entry.
func (w *finder) knows(f *ir.Func, k *Container) bool {
	for i := range f.Instrs {
		if in := &f.Instrs[i]; in.Op == ir.FieldAddr && w.c.Prog.Record(in.Rec) == k.Entry && in.Off <= k.nodeOff && k.nodeOff < in.Off+max(ctype.SizeOf(in.Field.Type), 1) {
			return true
		}
	}
	return false
}

// walks reports whether the entries that f follows in a loop may be k's.
func (w *finder) walks(f *ir.Func, k *Container, byEntry map[pointer.ObjID][]*Container) bool {
	l := w.scan.all[k.Entry].at(k.NextOff)
	if l == nil {
		return false
	}
	for _, r := range l.followed {
		if r.Func != f.ID {
			continue
		}
		for _, x := range w.pt.PointsTo(f.ID, f.Instrs[r.I].A) {
			for _, o := range byEntry[x.Obj] {
				if o == k {
					return true
				}
			}
		}
	}
	return false
}

func (w *finder) comparesIn(f *ir.Func) bool {
	for i := range f.Instrs {
		if in := &f.Instrs[i]; compares(in) && in.A.Kind == ir.VReg && in.B.Kind == ir.VReg {
			return true
		}
	}
	return false
}

// nested finds the lists that hang from a container's entries.
func (w *finder) nested(v *persist.Var, k *Container, res *Result) {
	own := map[pointer.ObjID]bool{}
	for _, o := range w.entries[v.ID] {
		if t := w.pt.TypeOf(o); t == nil || t.Kind != ctype.Struct || t.Rec == nil || w.c.Prog.Record(t.Rec) == k.Entry || v.Obj == o {
			own[o] = true
		}
	}
	// What is reached otherwise: from all other variables, and never through
	// an entry.
	other := make([]bool, len(w.pt.Objects))
	sets := map[*pointer.Loc]int{} // sets of places that were looked at: equal ones are shared
	var work []pointer.ObjID
	for i := range w.ps.Vars {
		if x := &w.ps.Vars[i]; x.Obj >= 0 && x.ID != v.ID {
			work = append(work, x.Obj)
		}
	}
	for len(work) > 0 {
		o := work[len(work)-1]
		work = work[:len(work)-1]
		if other[o] || own[o] || w.pt.Objects[o].Kind == pointer.Unknown {
			continue
		}
		other[o] = true
		for _, set := range w.pt.ContentSets(o) {
			if len(set) == 0 || sets[&set[0]] == len(set) {
				continue
			}
			sets[&set[0]] = len(set)
			for _, l := range set {
				if !other[l.Obj] {
					work = append(work, l.Obj)
				}
			}
		}
	}
	entries := w.entries[v.ID]
	if k.InPlace() {
		delete(own, v.Obj)
	}
	l := w.linksOf(k.Entry)
	var walk func(r *ctype.Record, off int64, prefix string)
	walk = func(r *ctype.Record, off int64, prefix string) {
		for i := range r.Fields {
			fl := &r.Fields[i]
			if fl.Type.Kind == ctype.Struct && fl.Type.Rec != nil && !r.Union {
				name := prefix
				if fl.Name != "" {
					name += fl.Name + "."
				}
				walk(w.c.Prog.Record(fl.Type.Rec), off+fl.Off, name)
				continue
			}
			e := pointee(w.c.Prog, fl.Type)
			if e == nil || e == k.Entry && l.at(off+fl.Off) != nil || e == k.node || !e.Complete {
				continue
			}
			heap, outside := 0, false
			for _, o := range entries {
				if !own[o] && o != v.Obj {
					continue
				}
				for _, x := range w.pt.Contents(o, w.pt.Canon(o, off+fl.Off)) {
					if w.pt.Objects[x.Obj].Kind == pointer.Heap {
						heap++
						outside = outside || other[x.Obj]
					}
				}
			}
			if heap == 0 {
				continue
			}
			name := prefix + fl.Name
			if outside {
				k.Why = append(k.Why, passes.Why{Pos: fl.Pos, Text: fmt.Sprintf("what %s points at is reached from elsewhere too", name)})
				continue
			}
			if n, _, _, _ := w.linksOf(e).decide(); n != nil {
				k.Nested = append(k.Nested, Nested{Field: name, Entry: e})
			}
		}
	}
	walk(k.Entry, 0, "")
}
