package toplevel

import (
	"saz/ir"
	"saz/passes"
	"saz/passes/pointer"
	"saz/passes/receive"
)

// goesOn are the functions of libraries that don't return to their caller, and don't end the program either.
var goesOn = map[string]bool{"longjmp": true, "_longjmp": true, "siglongjmp": true, "__longjmp_chk": true, "pthread_exit": true, "thrd_exit": true}

// An ending finds the code from which the program can only end.
type ending struct {
	c     *passes.Context
	pt    *pointer.Result
	never []bool // procedures of which no call returns: they end the program
	dying []map[ir.BlockID]bool
	known []bool
}

// ends reports whether the call at ref ends the program for certain: all that it may reach does.
func (e *ending) ends(ref ir.Ref) bool {
	callees := e.pt.Callees(ref)
	if len(callees) == 0 {
		return false
	}
	for _, t := range callees {
		g := e.c.Prog.Funcs[t]
		if g.Defined() {
			if !e.never[t] {
				return false
			}
		} else if m := e.pt.Model(t); m == nil || !m.NoReturn || goesOn[m.Name] {
			return false
		}
	}
	return true
}

// doomed returns the blocks of f that end the program, on every path: no return, no endless loop and no computed jump is reached from them. A block with a call
// that ends the program counts whole; nothing before the call in it matters to anybody, either.
func (e *ending) doomed(f *ir.Func) map[ir.BlockID]bool {
	if e.known[f.ID] {
		return e.dying[f.ID]
	}
	e.known[f.ID] = true
	out := map[ir.BlockID]bool{}
	for b := range f.Blocks {
		for i := f.Blocks[b].Lo; i < f.Blocks[b].Hi; i++ {
			if f.Instrs[i].Op == ir.Call && e.ends(ir.Ref{Func: f.ID, I: i}) {
				out[ir.BlockID(b)] = true
				break
			}
		}
	}
	if len(out) > 0 {
		// Backwards: a block all of whose successors are doomed. Loops are not.
		for changed := true; changed; {
			changed = false
			for b := len(f.Blocks) - 1; b >= 0; b-- {
				id := ir.BlockID(b)
				if out[id] || len(f.Blocks[b].Succs) == 0 {
					continue
				}
				all := true
				for _, s := range f.Blocks[b].Succs {
					all = all && out[s]
				}
				if all {
					out[id] = true
					changed = true
				}
			}
		}
	}
	e.dying[f.ID] = out
	return out
}

// find finds the procedures of which no call returns.
func (e *ending) find() {
	n := len(e.c.Prog.Funcs)
	e.never = make([]bool, n)
	e.dying = make([]map[ir.BlockID]bool, n)
	e.known = make([]bool, n)
	for changed := true; changed; {
		changed = false
		clear(e.known)
		for _, f := range e.c.Prog.Funcs {
			if f.Defined() && !e.never[f.ID] && !f.SetJmp && e.doomed(f)[0] {
				e.never[f.ID] = true
				changed = true
			}
		}
	}
	clear(e.known)
}

// live returns a test whether code that a packet may run leaves the program running.
func (g *region) live(c *passes.Context, pt *pointer.Result, rc *receive.Result) func(ir.Ref) bool {
	if c.TrackAll {
		return func(ir.Ref) bool { return true }
	}
	e := &ending{c: c, pt: pt}
	e.find()
	// Receiving itself may be on the way to the end (a program that handles one packet): then all of it counts.
	for i := range rc.Sites {
		s := &rc.Sites[i]
		if e.doomed(c.Prog.Funcs[s.Ref.Func])[c.Instr(s.Ref).Block] {
			return func(ir.Ref) bool { return true }
		}
	}
	reached := make([]bool, len(c.Prog.Funcs))
	var queue []ir.FuncID
	enter := func(f ir.FuncID) {
		if g.whole[f] && !reached[f] {
			reached[f] = true
			queue = append(queue, f)
		}
	}
	calls := func(f *ir.Func, b ir.BlockID) {
		if e.doomed(f)[b] {
			return
		}
		for i := f.Blocks[b].Lo; i < f.Blocks[b].Hi; i++ {
			if f.Instrs[i].Op != ir.Call {
				continue
			}
			ref := ir.Ref{Func: f.ID, I: i}
			for _, t := range pt.Callees(ref) {
				enter(t)
			}
			for _, cb := range pt.Callbacks(ref) {
				if cb.How == nil || !cb.How.Thread {
					enter(cb.Func)
				}
			}
		}
	}
	for _, f := range c.Prog.Funcs {
		if g.rooted[f.ID] {
			enter(f.ID)
		}
		for b := range f.Blocks {
			if g.blocks[f.ID][ir.BlockID(b)] {
				calls(f, ir.BlockID(b))
			}
		}
	}
	for len(queue) > 0 {
		f := c.Prog.Funcs[queue[0]]
		queue = queue[1:]
		for b := range f.Blocks {
			calls(f, ir.BlockID(b))
		}
	}
	return func(r ir.Ref) bool {
		f := c.Prog.Funcs[r.Func]
		b := f.Instrs[r.I].Block
		return (reached[r.Func] || g.blocks[r.Func][b]) && !e.doomed(f)[b]
	}
}
