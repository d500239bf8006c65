package receive

import (
	"saz/ir"
	"saz/passes"
	"saz/passes/members"
	"saz/passes/pointer"
)

// waits are the functions that wait for events.
var waits = map[string]bool{"select": true, "pselect": true, "poll": true, "ppoll": true, "__poll_chk": true, "__ppoll_chk": true,
	"epoll_wait": true, "epoll_pwait": true, "epoll_pwait2": true, "kevent": true, "io_getevents": true, "port_getn": true,
	"event_base_dispatch": true, "event_base_loop": true, "event_dispatch": true, "event_loop": true, "uev_run": true}

// waiting says which procedures wait: they have a call all of whose callees do.
type waiting struct {
	c       *passes.Context
	callees func(ir.Ref) []ir.FuncID
	set     map[ir.FuncID]bool
}

// newWaiting finds them; but says of a procedure in which of its blocks it does not count (nil: in none).
func newWaiting(c *passes.Context, pt *pointer.Result, callees func(ir.Ref) []ir.FuncID, but func(ir.FuncID) map[ir.BlockID]bool) *waiting {
	w := &waiting{c: c, callees: callees, set: map[ir.FuncID]bool{}}
	left := map[ir.FuncID]map[ir.BlockID]bool{}
	var work []ir.FuncID
	for _, f := range c.Prog.Funcs {
		if !f.Defined() && waits[f.Link] {
			w.set[f.ID] = true
			work = append(work, f.ID)
		}
	}
	for len(work) > 0 {
		f := work[len(work)-1]
		work = work[:len(work)-1]
		for _, r := range pt.Callers(f) {
			if w.set[r.Func] || !w.at(r) {
				continue
			}
			if but != nil {
				out, ok := left[r.Func]
				if !ok {
					out = but(r.Func)
					left[r.Func] = out
				}
				if out[c.Instr(r).Block] {
					continue
				}
			}
			w.set[r.Func] = true
			work = append(work, r.Func)
		}
	}
	return w
}

// at reports whether the call at ref waits.
func (w *waiting) at(ref ir.Ref) bool {
	in := w.c.Instr(ref)
	if in.Op != ir.Call {
		return false
	}
	callees := w.callees(ref)
	for _, t := range callees {
		if !w.set[t] || !w.c.Prog.Funcs[t].Defined() && sleeps(w.c.Prog.Funcs[t].Link, w.c.Prog.Funcs[ref.Func], in) {
			return false
		}
	}
	return len(callees) > 0
}

// sleeps reports whether a call names nothing to wait for but time: select(0, NULL, NULL, NULL, &t).
func sleeps(name string, f *ir.Func, in *ir.Instr) bool {
	null := func(k int) bool {
		if k >= len(in.Args) {
			return false
		}
		v := members.Strip(f, in.Args[k])
		return v.Kind == ir.VInt && v.Off == 0
	}
	switch name {
	case "select", "pselect":
		return null(1) && null(2) && null(3)
	case "poll", "ppoll", "__poll_chk", "__ppoll_chk":
		return null(0)
	}
	return false
}
