// Package flowspace finds which packet header fields select the entries of a
// container, and where an entry keeps them (the paper's section 4.3 and Figure 8).
//
// # Algorithm
//
// As in the paper, what counts is how an entry is found: by iterating over a list and
// comparing fields of the entry with something, or by an index. The paper
// takes the chop between the packet and the condition and looks in it for the names of
// the system's header structs. Here each comparison is taken by itself: one
// side is a field of the entry that the loop is at (directly, or in a procedure to which the
// loop passes the entry); the other side is traced backward through registers, memory,
// copies, calls and returns, each call matched with its return, until it is a copy of a header
// field. That binds the entry's field to the header field. htons and its like
// are passed through and counted: an odd number of them is host byte order.
//
// A header field is one by the layout of the record that it is in (and by field
// names where the layout is weak), so that a program's own header structs are as good as the
// system's; or by a constant offset from the start of a captured frame, or from where the IP header's length
// says that the transport header is. Who accept and recvfrom say is at the other end is the source of what comes from there. A value of which a mask
// leaves the first bits is a key that names a network (Prefix).
//
// If entries are looked up in both directions, a field is compared with the field of
// either end. Which end it is follows from what is stored when an entry is made,
// or from its name.
//
// A header field that goes into the index of a hash table and is stored in the
// entry, though never compared, is a key too: entries that differ in it are in
// different buckets. An index into an array of entries, or of pointers to them, stands for all fields that
// it is computed from, those included that choose among constants (the protocol); where it is computed from one end or the other
// (which way a packet goes decides), for that end, both ways. So does the way down a trie.
//
// An array whose entries hold tables themselves (each worker has its own connections) has the keys of these, too (Inner): they select what is
// in an entry, the index selects the entry.
//
// # Cost
//
// A backward trace is exact and dear, so first one forward walk marks every value that header bytes
// can come to at all (origins), context-insensitively and in linear time; only what it marked is traced
// with the full budget. What comes of a state of the search is found out once for all traces (node), so that most of a
// trace is to follow numbers; the chains of callers in which one comparison is looked at are bounded, and so are the
// states of all traces together, by the number of tables.
//
// Where pointers may point at half of the program, the points-to sets say nothing of who wrote what: then the writers of a local
// are found by following its address, and those of a record's member by the record's type (fields.go); and what a call through a
// member may reach, by what is ever stored in that member.
//
// # Limits
//
// A key that an entry keeps behind a pointer of its own (the void * of a general hash table) is found where it is handed to something that
// compares it with what is looked for, also by way of a pointer to a function, and where the code compares on the spot what a pointer of the key's own type
// leads to (boxed.go).
//
// # Soundness (the paper's Theorem 4)
//
// To name a header field that does not constrain the entry would be wrong; to miss
// one is only imprecise. So a field is taken only if what is compared is a copy of
// one header field, or of the same field of both ends; a comparison outside of a
// lookup, and a value that is mixed, or masked otherwise, give nothing. Entries that are also found by a number
// kept elsewhere have no key; nor has a field of rules that may say "any". A trace that had to be given up gives nothing; what is read through
// a pointer that may point at half of the program, and whose type says nothing either, is something else, of which nothing follows.
package flowspace

import (
	"fmt"
	"slices"
	"sort"
	"strings"

	"saz/frontend/check"
	"saz/frontend/ctype"
	"saz/ir"
	"saz/passes"
	"saz/passes/container"
	"saz/passes/members"
	"saz/passes/modref"
	"saz/passes/persist"
	"saz/passes/pointer"
	"saz/passes/receive"
	"saz/passes/scratch"
	"saz/passes/toplevel"
	"saz/passes/update"
)

// Pass is the flowspace pass.
var Pass = &passes.Pass{
	Name: "flowspace",
	Doc:  "the packet header fields that select an entry, and where entries keep them",
	Requires: []*passes.Pass{pointer.Pass, members.Pass, modref.Pass, receive.Pass, persist.Pass, toplevel.Pass, update.Pass,
		scratch.Pass, container.Pass},
	Run: run,
}

// Of returns the result.
func Of(c *passes.Context) *Result { return c.Result(Pass).(*Result) }

// A unit is a field of an entry that may be a key.
type unit struct {
	name      string
	off, size int64
	cmp       map[leaf]bool // what it is compared with in lookups
	consts    bool          // it is compared with an address family
	zero      bool          // ... with 0: "any", in a list of rules
	stored    map[leaf]bool
	traced    bool
	boxed     bool  // behind a pointer of the entry
	element   int64 // it is in an element of an array inside the entry: the element's size; 0: in the entry itself
	why       []passes.Why
}

// A table is a container in question.
type table struct {
	v       *persist.Var
	k       *container.Container
	base    int32 // offset of the first entry in its object
	entries []pointer.ObjID
	heads   []pointer.ObjID
	units   []*unit
	index   map[leaf]bool // what indexes into it are computed from
	sites   [][]string    // the header fields of each of them that has some
	direct  bool          // packets store into it
	foreign bool          // entries are found by an index that is kept somewhere, too
	indexAt []passes.Why
	boxes   []*box                 // keys behind pointers
	blocks  map[pointer.ObjID]bool // by way of which the variable leads to its entries
}

type finder struct {
	*engine
	tables    []*table
	byEntry   map[pointer.ObjID][]*table
	byHead    map[pointer.ObjID][]*table
	origins   *origins
	usedAt    map[ir.FuncID][][]int32
	callSites map[ir.FuncID][]ir.Ref
	walks     map[ir.FuncID]*container.Walks
	traces    map[state]*query
	chains    int // of calls that may still be tried for the comparison at hand
}

// maxChains bounds the chains of callers in which one comparison is looked at. A helper that
// compares (strcmp, a tree's lookup) has hundreds; what they have in common is that nearly
// none of them is about a header field.
const maxChains = 256

// maxTargets bounds what a call through a pointer may reach to be one from which a lookup is followed out.
const maxTargets = 32

func run(c *passes.Context) (any, error) {
	ps, up, sc, ct := persist.Of(c), update.Of(c), scratch.Of(c), container.Of(c)
	res := &Result{Spaces: map[persist.VarID]*Space{}}
	w := &finder{engine: newEngine(c), byEntry: map[pointer.ObjID][]*table{}, byHead: map[pointer.ObjID][]*table{},
		walks: map[ir.FuncID]*container.Walks{}, traces: map[state]*query{}, usedAt: map[ir.FuncID][][]int32{}, callSites: map[ir.FuncID][]ir.Ref{}}
	for i := range ps.Vars {
		v := &ps.Vars[i]
		if up.Updateable[v.ID] == nil {
			continue
		}
		s := &Space{Scope: "all-flows"}
		res.Spaces[v.ID] = s
		if sc.Scratch[v.ID] != nil {
			s.Scope = "none"
			continue
		}
		if v.Obj < 0 {
			continue
		}
		if k := ct.Containers[v.ID]; k != nil && k.Entry != nil {
			w.add(v, k)
		} else if v.Type.Kind == ctype.Array {
			t := &table{v: v, heads: []pointer.ObjID{v.Obj}, index: map[leaf]bool{}}
			w.tables = append(w.tables, t)
			w.byHead[v.Obj] = append(w.byHead[v.Obj], t)
		}
	}
	if len(w.tables) == 0 {
		return res, nil
	}
	direct := map[persist.VarID]bool{}
	for i := range up.Updates {
		if u := &up.Updates[i]; u.Direct {
			direct[u.Var] = true
		}
	}
	for _, t := range w.tables {
		// A table behind a pointer is not in the variable's own bytes.
		t.direct = direct[t.v.ID] || t.k != nil && t.k.Indirect
	}
	w.steps, w.visits = stepsATable*(len(w.tables)+8), allVisits
	w.origins = newOrigins(w.engine)
	w.lookups()
	for _, t := range w.tables {
		if !w.said(t, res.Spaces[t.v.ID]) {
			w.settle(t, res.Spaces[t.v.ID])
		}
	}
	return res, nil
}

// add makes a table of a container.
func (w *finder) add(v *persist.Var, k *container.Container) {
	t := &table{v: v, k: k, index: map[leaf]bool{}}
	head := pointer.Loc{Obj: v.Obj, Off: w.pt.Canon(v.Obj, k.HeadOff)}
	heads := []pointer.Loc{head}
	if k.Indirect {
		heads = w.pt.Contents(head.Obj, head.Off)
	}
	switch {
	case k.InPlace():
		t.base = head.Off
		t.entries = []pointer.ObjID{v.Obj}
		t.heads = []pointer.ObjID{v.Obj}
	case k.Shape == container.Array && !k.Pointers:
		for _, l := range heads {
			t.entries = append(t.entries, l.Obj)
			t.heads = append(t.heads, l.Obj)
		}
	default:
		if k.Blocks() != nil {
			heads = k.Heads()
		}
		for _, h := range heads {
			t.heads = append(t.heads, h.Obj)
			for _, l := range w.pt.Contents(h.Obj, h.Off) {
				if o := w.pt.Objects[l.Obj]; o.Kind == pointer.Heap && !o.Opaque && !o.Packet && container.MayBe(w.c, l.Obj, k.Entry) {
					t.entries = append(t.entries, l.Obj)
				}
			}
		}
	}
	slices.Sort(t.entries)
	t.entries = slices.Compact(t.entries)
	t.blocks = map[pointer.ObjID]bool{v.Obj: true}
	for _, o := range k.Blocks() {
		t.blocks[o] = true
	}
	for _, o := range t.heads {
		t.blocks[o] = true
	}
	t.units = units(w.c.Prog, k.Entry, 0, "", k.InPlace(), 0)
	w.entryRecs[w.c.Prog.Record(k.Entry)] = true
	w.tables = append(w.tables, t)
	for _, o := range t.entries {
		if k.Blocks() == nil || len(t.entries) < 9 {
			w.entries[o] = true
		}
		w.byEntry[o] = append(w.byEntry[o], t)
	}
	for _, o := range t.heads {
		w.byHead[o] = append(w.byHead[o], t)
	}
}

// units lists the fields of an entry, those of embedded records one by one; an
// address, an array or a union is one. Where tables may be inside the entry, an array of records has the fields of its first
// element, for which the others stand, too.
func units(p *ir.Program, rec *ctype.Record, off int64, prefix string, tables bool, element int64) []*unit {
	var out []*unit
	for i := range rec.Fields {
		f := &rec.Fields[i]
		n := ctype.SizeOf(f.Type)
		if f.BitField || f.Type.Kind == ctype.Pointer || n <= 0 {
			continue
		}
		name := prefix + f.Name
		if f.Type.Kind == ctype.Struct && f.Type.Rec != nil && f.Type.Rec.Tag != "in_addr" && f.Type.Rec.Tag != "in6_addr" {
			if f.Name != "" {
				name += "."
			}
			out = append(out, units(p, p.Record(f.Type.Rec), off+f.Off, name, tables, element)...)
			continue
		}
		if f.Name == "" {
			continue
		}
		if e := f.Type.Elem; tables && f.Type.Kind == ctype.Array && e.Kind == ctype.Struct && e.Rec != nil && element == 0 {
			out = append(out, units(p, p.Record(e.Rec), off+f.Off, name+".", false, ctype.SizeOf(e))...)
			continue
		}
		out = append(out, &unit{name: name, off: off + f.Off, size: n, element: element, cmp: map[leaf]bool{}, stored: map[leaf]bool{}})
	}
	return out
}

// lookups looks at all packet code for comparisons with fields of entries, and
// for indexes.
func (w *finder) lookups() {
	// An index that no header byte can come to matters only for a table that has a key: it may say that there is none.
	var later []ir.Ref
	for _, fid := range w.tl.PktProcs {
		f := w.c.Prog.Funcs[fid]
		for i := range f.Instrs {
			in := &f.Instrs[i]
			ref := ir.Ref{Func: fid, I: int32(i)}
			switch in.Op {
			case ir.Cmp:
				if in.Opnd != nil && (in.Opnd.Kind == ctype.Pointer || in.Opnd.IsFloat()) || !w.tl.Packet(ref) {
					continue
				}
				w.comparison(ref, f, in.A, in.B, in.Sub)
			case ir.Bin:
				if in.Sub == check.Xor && w.tl.Packet(ref) {
					w.comparison(ref, f, in.A, in.B, check.Eq)
				}
			case ir.Call:
				if len(in.Args) >= 2 && w.tl.Packet(ref) {
					w.boxed(ref, f, in)
				}
				if in.A.Kind == ir.VFunc && len(in.Args) >= 2 && w.tl.Packet(ref) {
					switch w.c.Prog.Funcs[in.A.ID].Name {
					case "memcmp", "bcmp", "__builtin_memcmp", "__builtin_bcmp":
						n := int64(0)
						if len(in.Args) > 2 && in.Args[2].Kind == ir.VInt {
							n = in.Args[2].Off
						}
						w.blocks(ref, f, in.Args[0], in.Args[1], n)
						w.blocks(ref, f, in.Args[1], in.Args[0], n)
					}
				}
			case ir.IndexAddr:
				if in.B.Kind != ir.VReg || !w.tl.Packet(ref) {
					continue
				}
				if w.fromPacket(f, in) {
					w.indexed(ref, f, in, nil)
				} else {
					later = append(later, ref)
				}
			}
		}
	}
	keyed := func(t *table) bool {
		return len(t.sites) > 0 || slices.ContainsFunc(t.units, func(u *unit) bool { return len(u.cmp) > 0 || u.consts }) || len(t.boxes) > 0
	}
	for _, ref := range later {
		f := w.c.Prog.Funcs[ref.Func]
		w.indexed(ref, f, &f.Instrs[ref.I], keyed)
	}
}

// comparison takes a comparison of two values, either of which may be a field
// of an entry.
func (w *finder) comparison(ref ir.Ref, f *ir.Func, a, b ir.Value, op check.Op) {
	if op != check.Eq && op != check.Ne {
		op = check.Lt
	}
	w.chains = maxChains
	for _, s := range [][2]ir.Value{{a, b}, {b, a}} {
		if !w.worth(f, s[0], s[1]) {
			continue
		}
		w.side(ref, f, s[0], f, s[1], nil, f.Instrs[ref.I].Block, op, 0, false)
		if op != check.Lt && s[1].Kind != ir.VInt {
			w.spot(ref, f, s[0], s[1])
		}
	}
}

// worth reports whether it may tell something that v is compared with other: what header bytes can come to, or, for a field
// by whose name it may be one, the number of a family or of a protocol; or nothing, for "any".
func (w *finder) worth(f *ir.Func, v, other ir.Value) bool {
	if other.Kind == ir.VInt {
		return other.Off == 0 || family(other.Off)
	}
	if w.origins.value(f, other) {
		return true
	}
	for d := 0; v.Kind == ir.VReg && f.Regs[v.ID].Def >= 0 && d < 16; d++ {
		in := &f.Instrs[f.Regs[v.ID].Def]
		if in.Op == ir.FieldAddr {
			return in.Field == nil || matches(in.Field.Name, kindNames)
		}
		if in.Op != ir.Load && in.Op != ir.Move && in.Op != ir.Conv {
			return false
		}
		v = in.A
	}
	return v.Kind == ir.VReg // a parameter: its callers know
}

// kindNames are in the names of fields that say of what kind an address or a packet is.
var kindNames = []string{"proto", "fam", "af", "ver", "type", "kind"}

// side takes v, in a context of f, for the field of an entry and traces other.
// It goes up to callers as long as v comes with a parameter.
func (w *finder) side(ref ir.Ref, f *ir.Func, v ir.Value, of *ir.Func, other ir.Value, octx *context, at ir.BlockID, op check.Op, depth int, swapped bool) {
	for d := 0; v.Kind == ir.VReg && d < 16; d++ {
		r := f.Regs[v.ID]
		if r.Def < 0 {
			if depth >= 4 {
				return
			}
			w.callers(f, r.Local, func(site ir.Ref, g *ir.Func, arg ir.Value) {
				o := w.chain(octx, site)
				w.side(ref, g, arg, of, other, o, g.Instrs[site.I].Block, op, depth+1, swapped)
			})
			return
		}
		in := &f.Instrs[r.Def]
		switch {
		case in.Op == ir.Move || in.Op == ir.Conv:
			v = in.A
			continue
		case swapOf(w.c.Prog, in) && len(in.Args) > 0:
			v = in.Args[0]
			swapped = !swapped
			continue
		case in.Op == ir.Load:
			if !w.couldBeEntry(f, in.A) {
				return
			}
			w.entry(f, in.A, at, octx, depth, func(t *table, off int64, octx *context) {
				u := t.unitAt(off, ctype.SizeOf(in.Type))
				if u == nil || op == check.Lt && t.k.Shape != container.Tree {
					return
				}
				if other.Kind == ir.VInt {
					u.consts = u.consts || family(other.Off)
					u.zero = u.zero || other.Off == 0
					return
				}
				w.compared(u, w.traced(octx, of, other, swapped), ref)
			})
			return
		}
		return
	}
}

// chain appends a call to the end of a context: the outermost one.
func (w *finder) chain(ctx *context, site ir.Ref) *context {
	if ctx == nil {
		return w.push(site, nil)
	}
	return w.push(ctx.site, w.chain(ctx.up, site))
}

// callers calls next for each call of f in packet code that passes something for l.
func (w *finder) callers(f *ir.Func, l ir.LocalID, next func(site ir.Ref, g *ir.Func, arg ir.Value)) {
	k := slices.Index(f.Params, l)
	if k < 0 {
		return
	}
	sites, ok := w.callSites[f.ID]
	if !ok {
		for _, site := range w.calledAt(f.ID) {
			// A call that may reach hundreds of procedures says nothing of who calls this one.
			if len(w.callees(site)) <= maxTargets && w.tl.Packet(site) {
				sites = append(sites, site)
			}
		}
		w.callSites[f.ID] = sites
	}
	for _, site := range sites {
		g := w.c.Prog.Funcs[site.Func]
		if in := &g.Instrs[site.I]; k < len(in.Args) {
			if w.chains--; w.chains < 0 {
				return
			}
			next(site, g, in.Args[k])
		}
	}
}

// couldBeEntry reports whether v may point into an entry.
func (w *finder) couldBeEntry(f *ir.Func, v ir.Value) bool {
	for _, l := range w.pt.PointsTo(f.ID, v) {
		if w.byEntry[l.Obj] != nil {
			return true
		}
	}
	return false
}

// element finds the array in place, or the one inside its entries, of which v is in an element that f itself has found by a computed
// index: whoever hands the array on, the lookup is here.
func (w *finder) element(f *ir.Func, v ir.Value, found func(t *table, off int64)) bool {
	hit := false
	for d := 0; v.Kind == ir.VReg && f.Regs[v.ID].Def >= 0 && d < 16; d++ {
		in := &f.Instrs[f.Regs[v.ID].Def]
		switch {
		case in.Op == ir.IndexAddr && in.B.Kind != ir.VInt:
			for _, l := range w.pt.PointsTo(f.ID, ir.RegVal(in.Dst)) {
				for _, t := range w.byEntry[l.Obj] {
					if l.Off < t.base || !t.k.InPlace() {
						continue
					}
					u := t.unitAt(int64(l.Off-t.base), 1)
					if u != nil && in.Off == u.element || in.Off == t.k.Entry.Size && l.Off == t.base {
						found(t, int64(l.Off-t.base))
						hit = true
					}
				}
			}
			return hit
		case in.Op == ir.FieldAddr || in.Op == ir.IndexAddr || in.Op == ir.Move || in.Op == ir.Conv:
			v = in.A
		default:
			return false
		}
	}
	return false
}

// entry resolves an address in f to a field of the entry that a lookup is at,
// and calls found with it. The lookup may be in f or in its callers.
func (w *finder) entry(f *ir.Func, v ir.Value, at ir.BlockID, octx *context, depth int, found func(t *table, off int64, octx *context)) {
	p, off, isParam := root(f, v)
	if isParam {
		if w.element(f, v, func(t *table, off int64) {
			for _, l := range w.pt.PointsTo(f.ID, v) {
				if l.Obj == t.v.Obj && int64(l.Off-t.base) >= off {
					found(t, int64(l.Off-t.base), octx)
					return
				}
			}
		}) {
			return
		}
		if depth >= 4 {
			return
		}
		w.callers(f, p, func(site ir.Ref, g *ir.Func, arg ir.Value) {
			if !w.couldBeEntry(g, arg) {
				return
			}
			w.entry(g, arg, g.Instrs[site.I].Block, w.chain(octx, site), depth+1, func(t *table, base int64, octx *context) {
				found(t, base+off, octx)
			})
		})
		return
	}
	seen := map[*table]map[int32]bool{}
	rec, at0, inField := container.FieldOf(w.c.Prog, f, v)
	whole := rec // what v itself points at, if it is no field
	if !inField && v.Kind == ir.VReg {
		if x := f.Regs[v.ID].Type; x != nil && x.Kind == ctype.Pointer && x.Elem != nil && x.Elem.IsRecord() {
			whole = w.c.Prog.Record(x.Elem.Rec)
		}
	}
	for _, l := range w.pt.PointsTo(f.ID, v) {
		for _, t := range w.byEntry[l.Obj] {
			if t.k.ByMember() && (!inField || rec != t.k.Entry) {
				continue // all such lists look alike
			}
			place := l.Off
			if place == pointer.Any {
				// The pointer came out of a list of members, or of a helper for pointers of all kinds: the
				// code says which field it is.
				if whole != t.k.Entry {
					continue
				}
				place = int32(at0) + t.base
			}
			if place < t.base || seen[t][place] {
				continue
			}
			if seen[t] == nil {
				seen[t] = map[int32]bool{}
			}
			seen[t][place] = true
			if w.walksOf(f).AtEntry(v, at, t.k) {
				found(t, int64(place-t.base), octx)
			}
		}
	}
}

// isHead reports whether a is in a head of k.
func (w *finder) isHead(f *ir.Func, a ir.Value, k *container.Container) bool {
	for _, l := range w.pt.PointsTo(f.ID, a) {
		for _, t := range w.byHead[l.Obj] {
			if t.k == k {
				return true
			}
		}
	}
	return false
}

func (w *finder) walksOf(f *ir.Func) *container.Walks {
	x := w.walks[f.ID]
	if x == nil {
		x = container.NewWalks(w.c, f, w.isHead)
		w.walks[f.ID] = x
	}
	return x
}

func (t *table) unitAt(off, size int64) *unit {
	for _, u := range t.units {
		if u.off <= off && off < u.off+u.size {
			return u
		}
	}
	return nil
}

// traced is where v of f, in a context, comes from; each is traced once.
func (w *finder) traced(ctx *context, f *ir.Func, v ir.Value, swapped bool) *query {
	m := mode{pure: true, swapped: swapped}
	key := state{ctx: ctx, f: f.ID, v: v, m: m}
	q := w.traces[key]
	if q == nil {
		q = w.query(w.budget(f, v)).trace(func(q *query) { q.value(ctx, f, v, m) })
		w.traces[key] = q
	}
	return q
}

// budget is how far a trace of v may go. What no header byte can come to is only asked
// for the constants in it: an address family, a protocol's number.
func (w *finder) budget(f *ir.Func, v ir.Value) int {
	if w.origins.value(f, v) {
		return traceBudget
	}
	return constBudget
}

// compared adds the leaves of q to what u is compared with.
func (w *finder) compared(u *unit, q *query, ref ir.Ref) {
	if q.gaveUp {
		return
	}
	told := false
	for l := range q.leaves {
		u.cmp[l] = true
		told = told || l.kind == fromHeader && l.pure
	}
	if told {
		u.why = append(u.why, w.c.Because(ref, "%s of the entry is compared with %s of the packet", u.name, strings.Join(headersOf(q.leaves), " or ")))
	}
}

// blocks takes a memcmp of n bytes of which a may be in an entry.
func (w *finder) blocks(ref ir.Ref, f *ir.Func, a, b ir.Value, n int64) {
	if !w.couldBeEntry(f, a) {
		return
	}
	if !w.origins.behind(f, b) {
		return
	}
	w.chains = maxChains
	w.entry(f, a, f.Instrs[ref.I].Block, nil, 0, func(t *table, off int64, octx *context) {
		for _, u := range t.units {
			if n > 0 && u.off >= off && u.off+u.size <= off+n || u.off == off && n >= min(u.size, 4) {
				q := w.query(traceBudget).trace(func(q *query) { q.address(octx, f, b, u.off-off, min(u.size, max(n, 1)), mode{pure: true}) })
				w.compared(u, q, ref)
			}
		}
	})
}

// fromPacket reports whether header bytes can come to an index, or to one of a row around it.
func (w *finder) fromPacket(f *ir.Func, in *ir.Instr) bool {
	for in.Op == ir.IndexAddr {
		if w.origins.value(f, in.B) {
			return true
		}
		if in.A.Kind != ir.VReg || f.Regs[in.A.ID].Def < 0 {
			break
		}
		in = &f.Instrs[f.Regs[in.A.ID].Def]
	}
	return false
}

// indexed takes an index into a table, of those that want it.
func (w *finder) indexed(ref ir.Ref, f *ir.Func, in *ir.Instr, want func(*table) bool) {
	var hit []*table
	for _, l := range w.pt.PointsTo(f.ID, ir.RegVal(in.Dst)) {
		for _, t := range w.byHead[l.Obj] {
			if !slices.Contains(hit, t) {
				hit = append(hit, t)
			}
		}
		for _, t := range w.byEntry[l.Obj] {
			if t.k.Branches() && l.Off == int32(t.k.NextOff) && !slices.Contains(hit, t) {
				hit = append(hit, t)
			}
		}
	}
	if want != nil {
		hit = slices.DeleteFunc(hit, func(t *table) bool { return !want(t) })
	}
	// Of an array that packets don't store into nothing follows from where it is looked at.
	hit = slices.DeleteFunc(hit, func(t *table) bool {
		return !t.direct && (t.k == nil || t.k.Shape == container.Array && !t.k.InPlace())
	})
	if len(hit) == 0 {
		return
	}
	reads, row := w.use(f, in.Dst)
	if row {
		return // of a table of tables: the innermost index takes all
	}
	leaves := map[leaf]bool{}
	plain := true
	for x := in; x != nil && x.Op == ir.IndexAddr; {
		if x.B.Kind == ir.VReg {
			q := w.query(w.budget(f, x.B))
			q.index = true
			q.trace(func(q *query) { q.value(nil, f, x.B, mode{pure: true}) })
			if q.gaveUp {
				return
			}
			for l := range q.leaves {
				leaves[l] = true
			}
			plain = plain && !inMemory(f, x.B)
		}
		if x.A.Kind != ir.VReg || f.Regs[x.A.ID].Def < 0 {
			break
		}
		x = &f.Instrs[f.Regs[x.A.ID].Def]
	}
	hs := indexHeaders(leaves)
	for _, t := range hit {
		// An index into something inside an entry is none into the table.
		if t.k != nil && in.Off >= 0 && t.k.BucketType != nil && in.Off != ctype.SizeOf(t.k.BucketType) {
			continue
		}
		if t.k != nil && t.k.Shape == container.Array && !t.k.Pointers && in.Off >= 0 && in.Off != t.k.Entry.Size {
			continue
		}
		if t.k != nil && t.k.Pointers && !reads {
			continue // where an entry is put: what finds it counts
		}
		if t.k != nil && t.k.InPlace() && !plain && len(headersOf(leaves)) == 0 && w.looks(f, in.Dst, 0) {
			t.foreign = true
		}
		for l := range leaves {
			t.index[l] = true
		}
		if len(hs) > 0 {
			t.sites = append(t.sites, hs)
			t.indexAt = append(t.indexAt, w.c.Because(ref, "the place in %s is computed from %s of the packet", t.v.Name, strings.Join(headersOf(leaves), ", ")))
		}
	}
}

// use reports whether a pointer is loaded from the address in r, and whether another index goes on from it.
func (w *finder) use(f *ir.Func, r ir.Reg) (reads, row bool) {
	if w.usedAt[f.ID] == nil {
		w.usedAt[f.ID] = members.Uses(f)
	}
	for _, i := range w.usedAt[f.ID][r] {
		switch x := &f.Instrs[i]; x.Op {
		case ir.Store:
			if x.B.Kind == ir.VReg && ir.Reg(x.B.ID) == r {
				reads = true
			}
		case ir.IndexAddr:
			row = row || x.A.Kind == ir.VReg && ir.Reg(x.A.ID) == r && x.Off >= 0 && x.Off < f.Instrs[f.Regs[r].Def].Off
			reads = true
		default:
			reads = true
		}
	}
	return reads, row
}

// looks reports whether more is done with the entry at r than to write it.
func (w *finder) looks(f *ir.Func, r ir.Reg, depth int) bool {
	for _, i := range w.usedAt[f.ID][r] {
		switch x := &f.Instrs[i]; x.Op {
		case ir.Store, ir.Copy, ir.Zero, ir.StoreBits:
			if x.B.Kind == ir.VReg && ir.Reg(x.B.ID) == r {
				return true
			}
		case ir.FieldAddr, ir.IndexAddr, ir.Move, ir.Conv:
			if depth > 8 || w.looks(f, x.Dst, depth+1) {
				return true
			}
		default:
			return true
		}
	}
	return false
}

// inMemory reports whether an index is kept in memory rather than counted.
func inMemory(f *ir.Func, v ir.Value) bool {
	for d := 0; v.Kind == ir.VReg && f.Regs[v.ID].Def >= 0 && d < 16; d++ {
		in := &f.Instrs[f.Regs[v.ID].Def]
		switch in.Op {
		case ir.Move, ir.Conv, ir.Bin:
			v = in.A
			continue
		case ir.Load:
			return in.A.Kind != ir.VLocal
		}
		break
	}
	return false
}

func headersOf(leaves map[leaf]bool) []string {
	set := map[string]bool{}
	for l := range leaves {
		if l.kind == fromHeader {
			set[l.header] = true
		}
	}
	return sorted(set)
}

func sorted(set map[string]bool) []string {
	out := make([]string, 0, len(set))
	for h := range set {
		out = append(out, h)
	}
	sort.Slice(out, func(i, j int) bool { return rank(out[i]) < rank(out[j]) })
	return out
}

// family reports whether c is an address family.
func family(c int64) bool { return c == 2 || c == 10 }

// stores traces what is stored in a field of the entries.
func (w *finder) stores(t *table, u *unit) {
	if u.traced || u.boxed {
		return // what is behind a pointer belongs to all tables of the kind
	}
	u.traced = true
	for _, o := range t.entries {
		q := w.query(traceBudget).trace(func(q *query) {
			q.memory(pointer.Loc{Obj: o, Off: w.pt.Canon(o, u.off) + t.base}, u.size, mode{pure: true}, true)
		})
		if q.gaveUp {
			u.stored = map[leaf]bool{}
			return
		}
		for l := range q.leaves {
			u.stored[l] = true
		}
	}
}

// pure returns the header fields of which some leaf is a whole copy (of at most size bytes).
func pure(leaves map[leaf]bool, size int64) (headers map[string]bool, mixed bool) {
	headers = map[string]bool{}
	for l := range leaves {
		if l.kind != fromHeader {
			continue
		}
		if !l.pure || l.either || l.partial && size < width(l.header) {
			mixed = true
			continue
		}
		headers[l.header] = true
	}
	ports(headers)
	return headers, mixed
}

// ports forgets an echo's identifier, or what kind of message it is, where a field holds ports as well: it stands for them.
func ports(headers map[string]bool) {
	if headers["tp_src"] || headers["tp_dst"] {
		delete(headers, "icmp_id")
		delete(headers, "icmp_type")
		delete(headers, "icmp_code")
	}
}

func width(h string) int64 {
	switch h {
	case "nw_src", "nw_dst":
		return 4
	case "dl_src", "dl_dst":
		return 6
	case "nw_proto":
		return 1
	}
	return 2
}

// families reports whether leaves are address families and nothing else.
func families(leaves map[leaf]bool) bool {
	some := false
	for l := range leaves {
		switch {
		case l.kind == fromEntry:
		case l.kind == fromConst && family(l.value):
			some = true
		case l.kind == fromConst && l.value == 0:
		default:
			return false
		}
	}
	return some
}

// protocols reports whether leaves are numbers of transport protocols and
// nothing else: set where the program knows which one it is.
func protocols(leaves map[leaf]bool) bool {
	n := 0
	for l := range leaves {
		switch {
		case l.kind == fromEntry || l.kind == fromHeader && l.header == "nw_proto" || l.kind == fromConst && l.value == 0:
		case l.kind == fromConst && slices.Contains([]int64{1, 2, 4, 6, 17, 41, 47, 50, 51, 58, 94, 132}, l.value):
			n++
		default:
			return false
		}
	}
	return n > 1
}

// within reports whether the constants of a are among those of b.
func within(a, b map[leaf]bool) bool {
	for l := range a {
		if l.kind != fromConst || l.value == 0 {
			continue
		}
		x, y := l, l
		x.pure, y.pure = true, false
		if !b[x] && !b[y] {
			return false
		}
	}
	return true
}

// settle decides the keys of a table.
func (w *finder) settle(t *table, s *Space) {
	set := map[string]bool{}
	type bound struct {
		u       *unit
		headers map[string]bool
	}
	var keys []bound
	add := func(u *unit, h string) {
		set[h] = true
		keys := &s.Keys
		if u.element > 0 {
			keys = &s.Inner
		}
		*keys = append(*keys, Key{Field: u.name, Off: u.off, Size: u.size, Header: h, Net: net(u, h), Prefix: masked(u), Boxed: u.boxed})
		for _, y := range u.why {
			if !slices.Contains(s.Why, y) {
				s.Why = append(s.Why, y)
			}
		}
	}
	for _, u := range append(slices.Clip(t.units), w.settleBoxes(t)...) {
		if len(u.cmp) == 0 && !u.consts || t.foreign {
			continue
		}
		if u.zero && t.k != nil && !t.k.InPlace() && !t.k.Filled {
			continue // rules, of which some are for all
		}
		w.stores(t, u)
		hs, mixed := pure(u.cmp, u.size)
		switch {
		case mixed:
		case len(hs) == 1:
			keys = append(keys, bound{u, hs})
		case len(hs) == 2 && pair(hs):
			s.BothWays = true
			keys = append(keys, bound{u, hs})
		case len(hs) == 0 && matches(u.name, []string{"proto"}) && protocols(u.cmp) && protocols(u.stored):
			u.why = append(u.why, passes.Why{Pos: t.v.Pos, Text: fmt.Sprintf("%s of the entry is the protocol number of the packet", u.name)})
			keys = append(keys, bound{u, map[string]bool{"nw_proto": true}})
		case len(hs) == 0 && (families(u.cmp) || u.consts && len(u.cmp) == 0) && families(u.stored):
			u.why = append(u.why, passes.Why{Pos: t.v.Pos, Text: fmt.Sprintf("%s of the entry is the address family of the packet", u.name)})
			keys = append(keys, bound{u, map[string]bool{"dl_type": true}})
		}
	}
	// A field that goes into the index and is stored but not compared.
	if t.k != nil && t.k.Shape != container.Array && len(keys) > 0 {
		idx := map[string]bool{}
		for l := range t.index {
			if l.kind == fromHeader {
				idx[l.header] = true
			}
		}
		for _, b := range keys {
			for h := range b.headers {
				delete(idx, h)
			}
		}
		for _, u := range t.units {
			if slices.ContainsFunc(keys, func(b bound) bool { return b.u == u }) {
				continue
			}
			w.stores(t, u)
			hs, mixed := pure(u.stored, u.size)
			if len(hs) == 0 && matches(u.name, []string{"proto"}) && protocols(u.stored) && within(u.stored, t.index) {
				u.why = t.indexAt
				keys = append(keys, bound{u, map[string]bool{"nw_proto": true}})
				continue
			}
			if mixed || len(hs) != 1 || otherwise(u.stored) {
				continue
			}
			h := sorted(hs)[0]
			if idx[h] {
				delete(idx, h)
				u.why = t.indexAt
				keys = append(keys, bound{u, hs})
			}
		}
	}
	// Which end is which: all fields that are compared both ways must agree.
	flip := 0
	for _, b := range keys {
		if len(b.headers) == 2 {
			flip += vote(b.u, sorted(b.headers))
		}
	}
	first := map[string]bool{}
	for _, b := range keys {
		hs := sorted(b.headers) // src before dst
		h := hs[0]
		if len(hs) == 2 {
			switch v := vote(b.u, hs); {
			case v < 0:
				h = hs[1]
			case v == 0 && first[hs[0]]:
				h = hs[1]
			}
			first[h] = true
		}
		add(b.u, h)
	}
	if len(s.Keys) == 0 {
		w.byIndex(t, s, set)
	}
	if len(set) == 1 && set["dl_type"] {
		// The family alone selects nothing: it tells how to read the addresses.
		set, s.Keys, s.Inner = map[string]bool{}, nil, nil
	}
	s.finish(set)
}

// finish sorts the keys and says how far they reach.
func (s *Space) finish(set map[string]bool) {
	s.Headers = sorted(set)
	for _, l := range [][]Key{s.Keys, s.Inner} {
		sort.SliceStable(l, func(i, j int) bool { return rank(l[i].Header) < rank(l[j].Header) })
	}
	switch {
	case set["nw_src"] && set["nw_dst"] && set["tp_src"] && set["tp_dst"]:
		s.Scope = "per-flow"
	case len(set) > 0:
		s.Scope = "multi-flow"
	}
}

// said takes the keys from the settings, if these have some.
func (w *finder) said(t *table, s *Space) bool {
	x := w.c.Config.ContainerOf(t.v.Named(w.c.Prog))
	if x == nil || len(x.Keys) == 0 || t.k == nil {
		return false
	}
	set := map[string]bool{}
	for _, k := range x.Keys {
		fl, off, near := container.Member(w.c.Prog, t.k.Entry, k.Field.Text)
		if fl == nil {
			w.c.Config.Idle(w.c.Prog.Files, w.c.Sink, k.Field, "an entry of %s has no field %q%s", t.v.Name, k.Field.Text, near)
			continue
		}
		set[k.Header.Text] = true
		s.Keys = append(s.Keys, Key{Field: k.Field.Text, Off: off, Size: ctype.SizeOf(fl.Type), Header: k.Header.Text, Net: !k.Host})
		s.Why = append(s.Why, passes.Why{Pos: t.v.Pos, Text: fmt.Sprintf("%s of the entry is %s of the packet: so it is said in %s", k.Field.Text, k.Header.Text, k.Field.From)})
	}
	s.BothWays = x.BothWays
	s.finish(set)
	return true
}

// masked reports whether a field keeps only the first bits of a header field.
func masked(u *unit) bool {
	for _, from := range []map[leaf]bool{u.stored, u.cmp} {
		for l := range from {
			if l.kind == fromHeader && l.masked {
				return true
			}
		}
	}
	return false
}

// indexHeaders returns the header fields that an index is computed from. A
// plain copy of one field or another tells which only if it is always the same: then
// it is given, otherwise "?".
func indexHeaders(leaves map[leaf]bool) []string {
	whole, set, either := map[string]bool{}, map[string]bool{}, map[string]bool{}
	for l := range leaves {
		if l.kind != fromHeader {
			continue
		}
		set[l.header] = true
		if l.pure {
			whole[l.header] = true
		}
		if l.either {
			either[l.header] = true
		}
	}
	ports(set)
	if len(either) > 0 {
		// One end or the other: a key of that end, both ways.
		ports(either)
		if !pair(either) {
			return []string{"?"}
		}
		for h := range either {
			if h == "nw_dst" || h == "tp_dst" || h == "dl_dst" {
				delete(set, h)
			}
		}
		return append(sorted(set), "<>")
	}
	if len(whole) > 0 && len(set) > 1 {
		return []string{"?"}
	}
	return sorted(set)
}

// byIndex takes what the index is computed from where no field is a key. All
// lookups must agree on it.
func (w *finder) byIndex(t *table, s *Space, set map[string]bool) {
	if !t.direct || len(t.sites) == 0 || t.foreign {
		return
	}
	for l := range t.index {
		if l.kind == fromOther || l.kind == fromEntry && !slices.Contains(t.entries, l.obj) {
			return // a counter, a random seed, another table's entry
		}
	}
	for _, hs := range t.sites {
		if hs[0] == "?" || !slices.Equal(hs, t.sites[0]) {
			return
		}
	}
	for _, h := range t.sites[0] {
		if h == "<>" {
			s.BothWays = true
			continue
		}
		set[h] = true
		s.Keys = append(s.Keys, Key{Header: h, Net: true, Prefix: t.k != nil && t.k.Branches()})
	}
	s.Why = append(s.Why, t.indexAt...)
}

// otherwise reports whether something is stored that is neither a header field
// nor a constant.
func otherwise(leaves map[leaf]bool) bool {
	for l := range leaves {
		if l.kind == fromOther {
			return true
		}
	}
	return false
}

func pair(hs map[string]bool) bool {
	for h := range hs {
		if !hs[opposite[h]] {
			return false
		}
	}
	return true
}

// vote says which of the two ends a field is: above 0 hs[0], below 0 hs[1].
func vote(u *unit, hs []string) int {
	st, _ := pure(u.stored, u.size)
	switch {
	case st[hs[0]] && !st[hs[1]]:
		return 1
	case st[hs[1]] && !st[hs[0]]:
		return -1
	}
	src, dst := matches(u.name, sourceNames), matches(u.name, destNames)
	switch {
	case src && !dst:
		return 1
	case dst && !src:
		return -1
	}
	return 0
}

// net says whether a field is kept in network byte order.
func net(u *unit, h string) bool {
	if u.size == 1 || h == "nw_proto" {
		return true
	}
	for _, from := range []map[leaf]bool{u.stored, u.cmp} {
		in, host, assembled := 0, 0, false
		for l := range from {
			assembled = assembled || l.kind == fromHeader && l.pure && l.partial && l.swapped
		}
		for l := range from {
			if l.kind == fromHeader && l.pure && (l.header == h || l.header == opposite[h]) {
				if l.swapped || l.partial && assembled {
					host++
				} else {
					in++
				}
			}
		}
		if in+host > 0 {
			return in >= host
		}
	}
	return h != "dl_type"
}
