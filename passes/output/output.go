// Package output finds the updateable variables that affect what the middlebox
// emits (the paper's Figure 13): a backward slice from each call of a packet or log
// output function in packet-processing code, over whether the call runs and over
// the data that it is given; a variable impacts that kind of output if the slice
// has an instruction that reads it or memory reached from it.
//
// What write() and its like emit depends on what the descriptor is open on (descriptors.go): a packet on a socket, a log in a file, and both where that is
// not known.
//
// Data reached through several pointers counts as the variable's, as in the
// update pass. Sound as far as slices are.
package output

import (
	"sort"

	"saz/ir"
	"saz/passes"
	"saz/passes/descriptor"
	"saz/passes/members"
	"saz/passes/modref"
	"saz/passes/persist"
	"saz/passes/pointer"
	"saz/passes/receive"
	"saz/passes/slice"
	"saz/passes/toplevel"
	"saz/passes/update"
)

// Pass is the output pass.
var Pass = &passes.Pass{
	Name:     "output",
	Doc:      "which updateable variables affect packets sent or lines logged",
	Requires: []*passes.Pass{pointer.Pass, members.Pass, modref.Pass, slice.Pass, toplevel.Pass, update.Pass, persist.Pass, receive.Pass},
	Run:      run,
}

// Of returns the result.
func Of(c *passes.Context) *Result { return c.Result(Pass).(*Result) }

func run(c *passes.Context) (any, error) {
	pt, mr, tl, up, ps := pointer.Of(c), modref.Of(c), toplevel.Of(c), update.Of(c), persist.Of(c)
	res := &Result{Impacts: map[persist.VarID]map[string][]passes.Why{}}
	for _, fid := range tl.PktProcs {
		f := c.Prog.Funcs[fid]
		for i := range f.Instrs {
			ref := ir.Ref{Func: fid, I: int32(i)}
			if f.Instrs[i].Op != ir.Call || !tl.Packet(ref) {
				continue
			}
			for _, t := range pt.Callees(ref) {
				g := c.Prog.Funcs[t]
				m := pt.Model(t)
				if len(g.Blocks) > 0 { // the program's own: only if the settings name it
					m = c.Config.Emits(g.Name)
				}
				if m == nil || m.Output == "" {
					continue
				}
				list := []string{m.Output}
				if m.Output == "descriptor" {
					list = []string{"packet", "log"}
					if in := &f.Instrs[i]; m.To < len(in.Args) {
						switch k := receive.Of(c).Descriptors.Of(f, in.Args[m.To]); {
						case k.Packets():
							list = list[:1]
						case k == descriptor.File:
							list = list[1:]
						}
					}
				}
				for _, kind := range list {
					res.Sites = append(res.Sites, Site{Ref: ref, Function: g.Name, Kind: kind})
				}
				break
			}
		}
	}
	sort.SliceStable(res.Sites, func(i, j int) bool {
		a, b := res.Sites[i].Ref, res.Sites[j].Ref
		return a.Func < b.Func || a.Func == b.Func && a.I < b.I
	})

	type slot struct {
		f ir.FuncID
		l ir.LocalID
	}
	locals := map[slot]persist.VarID{}
	holds := make([]bool, len(c.Prog.Funcs)) // it has some of those
	for i := range ps.Vars {
		if v := &ps.Vars[i]; v.Obj < 0 && up.Updateable[v.ID] != nil {
			locals[slot{v.Proc, v.Local}] = v.ID
			holds[v.Proc] = true
		}
	}

	// One slice for each kind: a union of slices is the slice from the union.
	sl := slice.Of(c)
	for _, kind := range []string{"packet", "log"} {
		var from []ir.Ref
		for _, s := range res.Sites {
			if s.Kind == kind {
				from = append(from, s.Ref)
			}
		}
		if len(from) == 0 {
			continue
		}
		set := sl.Backward(from)
		done := make([]bool, len(pt.Objects)) // read somewhere in the slice: all its owners are noted
		same := make([]bool, mr.Effects())    // likewise, what some instruction reads
		set.Each(func(ref ir.Ref) {
			note := func(id persist.VarID) {
				if res.Impacts[id][kind] != nil {
					return
				}
				if res.Impacts[id] == nil {
					res.Impacts[id] = map[string][]passes.Why{}
				}
				res.Impacts[id][kind] = append([]passes.Why{c.Because(ref, "read by %s", c.Text(ref))}, set.Path(ref)...)
			}
			if e := mr.ReadEffect(ref); !same[e] {
				same[e] = true
				for _, l := range mr.ReadAccesses(ref) {
					if done[l.Obj] {
						continue
					}
					done[l.Obj] = true
					for _, id := range up.Owners.Of(l.Obj) {
						if up.Updateable[id] != nil {
							note(id)
						}
					}
				}
			}
			if !holds[ref.Func] {
				return
			}
			f := c.Prog.Funcs[ref.Func]
			f.Instrs[ref.I].Operands(func(v *ir.Value) {
				if v.Kind == ir.VReg {
					if l := f.Regs[v.ID].Local; l >= 0 {
						if id, ok := locals[slot{ref.Func, l}]; ok {
							note(id)
						}
					}
				}
			})
		})
	}
	return res, nil
}
