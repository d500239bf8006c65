// Package update finds the updateable variables (the paper's Figure 7): top-level
// variables whose value, or a value that can be reached from it through any
// number of pointers, may be written while a packet is processed.
//
// For each instruction that may run then, the locations that it may write come from
// the pointer analysis (field-sensitive, so that a list of settings and a counter in one
// struct are told apart) and the library models. A variable is updated directly
// where its own bytes are written, and indirectly where the written object is
// in the set of objects reachable from it. Freeing an object is an update of it.
//
// Departures from the paper: writes by library functions and by
// unknown code count as assignments do; objects of a library's own (FILE, pcap_t)
// don't count, since no middlebox can look into them; the bytes of a variable that
// are updated are kept (a configuration struct with a few counters in it is updateable,
// nearly all of its bytes are not).
//
// Sound as far as the pointer analysis is.
package update

import (
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
	owners := map[pointer.ObjID][]persist.VarID{} // object → variables from which it is reached
	own := map[pointer.ObjID]persist.VarID{}
	type slot struct {
		f ir.FuncID
		l ir.LocalID
	}
	regs := map[slot]persist.VarID{}
	for i := range ps.Vars {
		v := &ps.Vars[i]
		if _, ok := tl.TopLevel[v.ID]; !ok {
			continue
		}
		if v.Obj < 0 {
			regs[slot{v.Proc, v.Local}] = v.ID
			continue
		}
		own[v.Obj] = v.ID
		for _, o := range pt.Reach(v.Obj) {
			if o != v.Obj && !pt.Objects[o].Opaque {
				owners[o] = append(owners[o], v.ID)
			}
		}
	}
	leaves := map[persist.VarID][]leaf{}
	hit := map[persist.VarID]map[int]bool{}
	touch := func(id persist.VarID, off int32) {
		v := &ps.Vars[id]
		if leaves[id] == nil {
			leaves[id] = leavesOf(v.Type)
			hit[id] = map[int]bool{}
		}
		for k, l := range leaves[id] {
			if off == pointer.Any || int64(off) >= l.lo && int64(off) < l.lo+l.elem {
				hit[id][k] = true
			}
		}
	}
	for _, fid := range tl.PktProcs {
		f := c.Prog.Funcs[fid]
		for i := range f.Instrs {
			ref := ir.Ref{Func: fid, I: int32(i)}
			if !tl.Packet(ref) {
				continue
			}
			in := &f.Instrs[i]
			if in.Op == ir.LifeStart || in.Op == ir.Phi {
				continue
			}
			byVar := map[persist.VarID]*Update{}
			add := func(id persist.VarID, direct bool, l pointer.Loc) {
				u := byVar[id]
				if u == nil {
					u = &Update{Ref: ref, Var: id, How: how(c, pt, ref, direct)}
					byVar[id] = u
				}
				u.Direct = u.Direct || direct
				if l.Obj >= 0 {
					u.Locs = append(u.Locs, l)
				}
			}
			if in.Dst >= 0 {
				if l := f.Regs[in.Dst].Local; l >= 0 {
					if id, ok := regs[slot{fid, l}]; ok {
						add(id, true, pointer.Loc{Obj: -1})
					}
				}
			}
			for _, l := range mr.Writes(ref) {
				if pt.Objects[l.Obj].Opaque {
					continue
				}
				if id, ok := own[l.Obj]; ok {
					add(id, true, l)
					touch(id, l.Off)
				}
				for _, id := range owners[l.Obj] {
					add(id, false, l)
				}
			}
			ids := make([]persist.VarID, 0, len(byVar))
			for id := range byVar {
				ids = append(ids, id)
			}
			sort.Slice(ids, func(a, b int) bool { return ids[a] < ids[b] })
			for _, id := range ids {
				u := byVar[id]
				res.Updates = append(res.Updates, *u)
				if res.Updateable[id] == nil {
					why := append([]passes.Why(nil), tl.ProcWhy[fid]...)
					res.Updateable[id] = append(why, c.Because(ref, "%s in %s: %s", u.How, f.Name, c.Text(ref)))
				}
			}
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
	if direct && in.A.Kind != ir.VReg {
		return "assignment"
	}
	return "assignment through a pointer"
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
