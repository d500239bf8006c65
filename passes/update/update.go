// Package update finds the updateable variables (the paper's Figure 7): top-level
// variables whose value, or a value that can be reached from it through any
// number of pointers, may be written while a packet is processed.
//
// For each instruction that may run then, the locations that it may write come from
// the pointer analysis (field-sensitive, so that a list of settings and a counter in one
// struct are told apart) and the library models. A variable is updated directly
// where its own bytes are written, and indirectly where the written object is
// in the set of objects reachable from it; a local in registers, where no variable in memory reaches it (owners.go).
// Freeing an object is an update of it.
//
// Departures from the paper: writes by library functions and by
// unknown code count as assignments do; objects of a library's own (FILE, pcap_t)
// don't count, since no middlebox can look into them; the bytes of a variable that
// are updated are kept; code on the way to the program's end does not count, since no packet sees what it leaves (a configuration struct with a few counters in it is updateable,
// nearly all of its bytes are not).
//
// String literals and objects that are defined const are never written, and hold what they were made with (constant.go).
//
// What a parameter points at is what calls in packet code hand over (params.go): a helper's writes to what only the program's
// beginning gave it don't count.
//
// Sound as far as the pointer analysis is.
package update

import (
	"encoding/binary"
	"fmt"
	"slices"
	"sort"

	"saz/frontend/ctype"
	"saz/ir"
	"saz/passes"
	"saz/passes/modref"
	"saz/passes/persist"
	"saz/passes/pointer"
	"saz/passes/toplevel"
)

// Pass is the update pass.
var Pass = &passes.Pass{
	Name:     "update",
	Doc:      "top-level variables that packets may update, where, and which of their bytes",
	Requires: []*passes.Pass{pointer.Pass, modref.Pass, persist.Pass, toplevel.Pass},
	Run:      run,
}

// Of returns the result.
func Of(c *passes.Context) *Result { return c.Result(Pass).(*Result) }

func run(c *passes.Context) (any, error) {
	pt, mr, ps, tl := pointer.Of(c), modref.Of(c), persist.Of(c), toplevel.Of(c)
	res := &Result{
		Updateable: map[persist.VarID][]passes.Why{},
		Fields:     map[persist.VarID][]string{},
		Ranges:     map[persist.VarID][][2]int64{},
	}
	own := make([]persist.VarID, len(pt.Objects)) // one more than the number, 0: none
	type slot struct {
		f ir.FuncID
		l ir.LocalID
	}
	regs := map[slot]persist.VarID{}
	var roots []persist.VarID
	for i := range ps.Vars {
		v := &ps.Vars[i]
		if _, ok := tl.TopLevel[v.ID]; !ok {
			continue
		}
		if v.Obj < 0 {
			regs[slot{v.Proc, v.Local}] = v.ID
			if v.Local >= 0 && len(held(c, pt, v)) > 0 {
				roots = append(roots, v.ID)
			}
			continue
		}
		own[v.Obj] = v.ID + 1
		roots = append(roots, v.ID)
	}
	cl := NewOwners(c, pt, ps, roots)
	res.Owners = cl
	leaves := map[persist.VarID][]leaf{}
	hit := map[persist.VarID]map[int]bool{}
	touched := map[pointer.Loc]bool{}
	touch := func(id persist.VarID, l pointer.Loc) {
		if touched[l] {
			return
		}
		touched[l] = true
		v := &ps.Vars[id]
		if leaves[id] == nil {
			leaves[id] = leavesOf(v.Type)
			hit[id] = map[int]bool{}
		}
		for k, lf := range leaves[id] {
			if l.Off == pointer.Any || int64(l.Off) >= lf.lo && int64(l.Off) < lf.lo+lf.elem {
				hit[id][k] = true
			}
		}
	}
	// What is updated by an effect is worked out once: the same pointer is written through again and again.
	written := map[effect][]Update{}
	ways := newReasons(pt)
	narrowed, alike := map[ir.Ref][]Update{}, map[string][]Update{} // the second by what is written
	now := newParams(c, pt, tl)
	fixed := &constants{c: c, pt: pt, is: make([]uint8, len(pt.Objects))}
	of := func(ref ir.Ref) []Update {
		key := effectOf(mr, ref)
		if key == (effect{}) {
			return nil
		}
		if u, ok := narrowed[ref]; ok {
			return u
		}
		all := mr.Writes(ref)
		some := fixed.without(now.writes(ref, all))
		if u, ok := written[key]; ok && len(some) == len(all) {
			return u
		}
		var locs []pointer.Loc
		for _, l := range some {
			if !pt.Objects[l.Obj].Opaque {
				locs = append(locs, l)
			}
		}
		for _, l := range locs {
			if id := own[l.Obj]; id > 0 {
				touch(id-1, l)
			}
		}
		var u []Update
		if len(some) == len(all) {
			u = cl.updates(locs, own)
		} else {
			text := make([]byte, 0, 8*len(locs))
			for _, l := range locs {
				text = binary.LittleEndian.AppendUint32(binary.LittleEndian.AppendUint32(text, uint32(l.Obj)), uint32(l.Off))
			}
			var ok bool
			if u, ok = alike[string(text)]; !ok {
				u = cl.updates(locs, own)
				alike[string(text)] = u
			}
		}
		set := ways.set(locs)
		if len(some) == len(all) {
			written[key], ways.of[key] = u, set
		} else {
			narrowed[ref], ways.at[ref] = u, set
		}
		return u
	}
	n := 0
	for _, fid := range tl.PktProcs {
		for i := range c.Prog.Funcs[fid].Instrs {
			if ref := (ir.Ref{Func: fid, I: int32(i)}); tl.Live(ref) {
				n += len(of(ref))
			}
		}
	}
	res.Updates = make([]Update, 0, n+n/16)
	registers := map[persist.VarID]reason{}
	for _, fid := range tl.PktProcs {
		f := c.Prog.Funcs[fid]
		for i := range f.Instrs {
			ref := ir.Ref{Func: fid, I: int32(i)}
			if !tl.Live(ref) {
				continue
			}
			in := &f.Instrs[i]
			if in.Op == ir.LifeStart || in.Op == ir.Phi {
				continue
			}
			from := len(res.Updates)
			if in.Dst >= 0 {
				if l := f.Regs[in.Dst].Local; l >= 0 {
					if id, ok := regs[slot{fid, l}]; ok {
						res.Updates = append(res.Updates, Update{Ref: ref, Var: id, Direct: true, How: how(c, pt, ref, true)})
					}
				}
			}
			var kinds [2]string // how an instruction updates is the same for all variables, but for direct or not
			for _, u := range of(ref) {
				k := 0
				if u.Direct {
					k = 1
				}
				if kinds[k] == "" {
					kinds[k] = how(c, pt, ref, u.Direct)
				}
				u.Ref, u.How = ref, kinds[k]
				res.Updates = append(res.Updates, u)
			}
			here := res.Updates[from:]
			if len(here) > 1 {
				sort.SliceStable(here, func(a, b int) bool { return here[a].Var < here[b].Var })
			}
			for k := range here {
				if v := &ps.Vars[here[k].Var]; v.Obj < 0 && here[k].Direct {
					_, cost := tl.Way(ref)
					if old, ok := registers[v.ID]; !ok || cost < old.cost {
						registers[v.ID] = reason{ref: ref, cost: cost, named: true}
					}
				}
			}
			if key := effectOf(mr, ref); key != (effect{}) {
				set, ok := ways.at[ref]
				if !ok {
					set = ways.of[key]
				}
				_, cost := tl.Way(ref)
				r := reason{ref: ref, cost: cost, named: in.Op != ir.Call && in.Op != ir.Builtin && in.Op != ir.Asm && named(f, in.A)}
				if in.Op == ir.Call {
					r.cost++
				}
				ways.note(set, r)
			}
		}
	}
	ways.spread(cl)
	var handed *handings
	seen := map[persist.VarID]bool{}
	for i := range res.Updates {
		id := res.Updates[i].Var
		if seen[id] {
			continue
		}
		seen[id] = true
		v := &ps.Vars[id]
		start := int32(v.Obj)
		if r, direct := registers[id]; direct {
			f := c.Prog.Funcs[r.ref.Func]
			way, _ := tl.Way(r.ref)
			res.Updateable[id] = append(way[:len(way):len(way)], c.Because(r.ref, "%s in %s: %s", how(c, pt, r.ref, true), f.Name, c.Text(r.ref)))
			res.Fields[id], res.Ranges[id] = []string{""}, [][2]int64{{0, max(v.Size, 0)}}
			continue
		} else if v.Obj < 0 {
			start = cl.node[id]
		}
		r, hops, of, o := ways.path(start, v.Type)
		if r.cost == 0 && r.ref == (ir.Ref{}) {
			r, o = reason{ref: res.Updates[i].Ref}, -1
		}
		way, _ := tl.Way(r.ref)
		if o == v.Obj && !r.named {
			way = wayWith(c, pt, tl, r.ref, o)
		}
		way = way[:len(way):len(way)]
		if hops != "" {
			way = append(way, passes.Why{Pos: v.Pos, Text: hops}.OneOf(of))
		}
		f := c.Prog.Funcs[r.ref.Func]
		res.Updateable[id] = append(way, c.Because(r.ref, "%s in %s%s: %s", how(c, pt, r.ref, o == v.Obj), f.Name, r.which(), c.Text(r.ref)).OneOf(r.width))
		if n := vaguest(res.Updateable[id]); n > 1 && v.Global >= 0 {
			if handed == nil {
				handed = newHandings(c, pt, tl)
			}
			if way := handed.path(v); way != nil && vaguest(way) < n {
				res.Updateable[id] = way
			}
		}
	}
	for o, ref := range toplevel.Lent(c, pt) {
		if id := own[o] - 1; id >= 0 && res.Updateable[id] == nil {
			res.Updateable[id] = []passes.Why{c.Because(ref, "lent to a stream: the library writes it when a packet logs something: %s", c.Text(ref))}
			res.Fields[id], res.Ranges[id] = []string{""}, [][2]int64{{0, max(ps.Vars[id].Size, 0)}}
		}
	}
	for id := range hit {
		v := &ps.Vars[id]
		for k, l := range leaves[id] {
			if !hit[id][k] {
				continue
			}
			res.Fields[id] = append(res.Fields[id], l.name)
			res.Ranges[id] = join(res.Ranges[id], l.lo, l.lo+l.size)
		}
		if len(res.Fields[id]) == 0 { // written at an offset between leaves: all of it
			res.Fields[id], res.Ranges[id] = []string{""}, [][2]int64{{0, max(v.Size, 0)}}
		}
	}
	return res, nil
}

// An effect is what an instruction writes and releases.
type effect struct {
	write int
	first *pointer.ObjID // of what is released
	freed int
}

func effectOf(mr *modref.Result, ref ir.Ref) effect {
	key := effect{write: mr.WriteEffect(ref)}
	if freed := mr.Frees(ref); len(freed) > 0 {
		key.first, key.freed = &freed[0], len(freed)
	}
	return key
}

// updates makes an update of each variable of which locs (sorted), or memory reached from it, is a part.
func (w *Owners) updates(locs []pointer.Loc, own []persist.VarID) []Update {
	var order []int32 // classes of locs
	direct := map[persist.VarID]bool{}
	last := pointer.ObjID(-1)
	for _, l := range locs {
		if l.Obj == last {
			continue
		}
		last = l.Obj
		if k := w.class[l.Obj]; k != 0 {
			order = append(order, k)
		}
		if id := own[l.Obj]; id > 0 {
			direct[id-1] = true
		}
	}
	slices.Sort(order)
	order = slices.Compact(order)
	in := map[persist.VarID][]int32{}
	var ids []persist.VarID
	for _, k := range order {
		for _, id := range w.vars[k] {
			if in[id] == nil {
				ids = append(ids, id)
			}
			in[id] = append(in[id], k)
		}
	}
	slices.Sort(ids)
	out := make([]Update, 0, len(ids))
	shared := map[string][]pointer.Loc{} // classes → their places
	var key []byte
	for _, id := range ids {
		ks := in[id]
		key = key[:0]
		for _, k := range ks {
			key = binary.LittleEndian.AppendUint32(key, uint32(k))
		}
		part, ok := shared[string(key)]
		if !ok {
			if len(ks) == len(order) && len(order) > 0 && !slices.ContainsFunc(locs, func(l pointer.Loc) bool { return w.class[l.Obj] == 0 }) {
				part = locs
			} else {
				for _, l := range locs {
					if _, ok := slices.BinarySearch(ks, w.class[l.Obj]); ok {
						part = append(part, l)
					}
				}
			}
			shared[string(key)] = part
		}
		out = append(out, Update{Var: id, Direct: direct[id], Locs: part})
	}
	return out
}

// how names the kind of update for people.
func how(c *passes.Context, pt *pointer.Result, ref ir.Ref, direct bool) string {
	in := c.Instr(ref)
	switch in.Op {
	case ir.Call:
		for _, t := range pt.Callees(ref) {
			f := c.Prog.Funcs[t]
			if len(f.Blocks) > 0 {
				continue
			}
			m := pt.Model(f.ID)
			switch {
			case m == nil:
				return "call of " + f.Name + ", which has no model"
			case len(m.Frees) > 0:
				return "release by " + f.Name
			default:
				return "library call " + f.Name
			}
		}
		return "call"
	case ir.Asm:
		return "asm"
	case ir.Builtin:
		return "builtin " + in.Name
	}
	switch in.Op {
	case ir.Store, ir.StoreBits, ir.Copy, ir.Zero:
		if direct && named(c.Prog.Funcs[ref.Func], in.A) {
			return "assignment"
		}
	default: // to a local that is in a register
		if direct {
			return "assignment"
		}
	}
	return "assignment through a pointer"
}

// wayWith is the way to the instruction at ref, which writes obj through a pointer: where that is a parameter, by way of
// a caller that hands on obj.
func wayWith(c *passes.Context, pt *pointer.Result, tl *toplevel.Result, ref ir.Ref, obj pointer.ObjID) []passes.Why {
	type state struct {
		f ir.FuncID
		k int
	}
	type hop struct {
		to   state
		call ir.Ref
	}
	points := func(f ir.FuncID, v ir.Value) bool {
		for _, l := range pt.PointsTo(f, v) {
			if l.Obj == obj {
				return true
			}
		}
		return false
	}
	in := c.Instr(ref)
	at := state{ref.Func, -1}
	for _, v := range append([]ir.Value{in.A}, in.Args...) {
		if v.Kind != ir.NoVal && points(ref.Func, v) {
			if _, k := origin(c.Prog.Funcs[ref.Func], v); k >= 0 {
				at.k = k
				break
			}
		}
	}
	plain, _ := tl.Way(ref)
	if at.k < 0 {
		return plain
	}
	with := func(r ir.Ref, f ir.FuncID) passes.Why {
		which, n := "", len(pt.Callees(r))
		if n > 1 {
			which = fmt.Sprintf(" (one of %d procedures that this call may reach)", n)
		}
		return c.Because(r, "calls %s with it%s: %s", c.Prog.Funcs[f].Name, which, c.Text(r)).OneOf(n)
	}
	// First by calls that reach nothing else.
	wayVia := func(most int) []passes.Why {
		from := map[state]hop{at: {}}
		work := []state{at}
		for len(work) > 0 && len(from) < 1000 {
			s := work[0]
			work = work[1:]
			for _, r := range pt.Callers(s.f) {
				call := c.Instr(r)
				if !tl.Live(r) || len(pt.Callees(r)) > most || s.k >= len(call.Args) || !points(r.Func, call.Args[s.k]) {
					continue
				}
				g := c.Prog.Funcs[r.Func]
				base, k := origin(g, call.Args[s.k])
				if base.Kind == ir.VGlobal && pointer.ObjID(base.ID) == obj || base.Kind == ir.VLocal && pt.LocalObj(r.Func, ir.LocalID(base.ID)) == obj {
					way, _ := tl.Way(r)
					way = append(way[:len(way):len(way)], with(r, s.f))
					for s != at {
						h := from[s]
						way = append(way, with(h.call, h.to.f))
						s = h.to
					}
					return way
				}
				if next := (state{r.Func, k}); k >= 0 {
					if _, ok := from[next]; !ok {
						from[next] = hop{s, r}
						work = append(work, next)
					}
				}
			}
		}
		return nil
	}
	for _, most := range []int{1, maxNamed} {
		if way := wayVia(most); way != nil {
			return way
		}
	}
	return plain
}

// maxNamed is how many procedures a call may reach for it to be said that it hands on a variable.
const maxNamed = 8

// origin follows an address to the variable that it is of, or to a parameter (its index, otherwise -1).
func origin(f *ir.Func, v ir.Value) (ir.Value, int) {
	for v.Kind == ir.VReg {
		r := f.Regs[v.ID]
		if r.Def < 0 {
			return v, slices.Index(f.Params, r.Local)
		}
		in := &f.Instrs[r.Def]
		switch in.Op {
		case ir.FieldAddr, ir.IndexAddr, ir.Move, ir.Conv:
			v = in.A
		default:
			return v, -1
		}
	}
	return v, -1
}

// A leaf is one scalar (or array of scalars) of a compound type. elem is the
// extent in which the pointer analysis reports a write: it folds an array into its first element.
type leaf struct {
	name           string
	lo, size, elem int64
}

// leavesOf lists the leaves of t. Arrays are one leaf, or, of records, one
// leaf for each field of the element.
func leavesOf(t *ctype.Type) []leaf {
	var out []leaf
	var walk func(t *ctype.Type, name string, lo, size int64, inArray bool)
	walk = func(t *ctype.Type, name string, lo, size int64, inArray bool) {
		switch t.Kind {
		case ctype.Array:
			total := max(ctype.SizeOf(t), 0)
			if inArray {
				total = size
			}
			walk(t.Elem, name, lo, total, true)
			return
		case ctype.Struct, ctype.Union:
			if t.Rec == nil || !t.Rec.Complete {
				break
			}
			if t.Rec.Union { // members share their bytes
				out = append(out, leaf{name, lo, pick(inArray, size, t.Rec.Size), t.Rec.Size})
				return
			}
			for i := range t.Rec.Fields {
				f := &t.Rec.Fields[i]
				sub := name
				if f.Name != "" {
					if sub != "" {
						sub += "."
					}
					sub += f.Name
				}
				fs := max(ctype.SizeOf(f.Type), 0)
				walk(f.Type, sub, lo+f.Off, pick(inArray, size-f.Off, fs), inArray)
			}
			return
		}
		n := max(ctype.SizeOf(t), 1)
		out = append(out, leaf{name, lo, pick(inArray, size, n), n})
	}
	walk(t, "", 0, ctype.SizeOf(t), false)
	return out
}

func pick(c bool, a, b int64) int64 {
	if c {
		return max(a, b)
	}
	return b
}

// join adds [lo,hi) to sorted disjoint ranges.
func join(r [][2]int64, lo, hi int64) [][2]int64 {
	r = append(r, [2]int64{lo, hi})
	sort.Slice(r, func(i, j int) bool { return r[i][0] < r[j][0] })
	out := r[:1]
	for _, x := range r[1:] {
		if last := &out[len(out)-1]; x[0] <= last[1] {
			last[1] = max(last[1], x[1])
		} else {
			out = append(out, x)
		}
	}
	return out
}

// named reports whether the address v is that of a variable or of a part of one that the code names.
func named(f *ir.Func, v ir.Value) bool {
	for v.Kind == ir.VReg {
		d := f.Regs[v.ID].Def
		if d < 0 {
			return false
		}
		in := &f.Instrs[d]
		if in.Op != ir.FieldAddr && in.Op != ir.IndexAddr {
			return false
		}
		v = in.A
	}
	return true
}
