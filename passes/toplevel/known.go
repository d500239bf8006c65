package toplevel

import (
	"slices"

	"saz/frontend/check"
	"saz/frontend/ctype"
	"saz/ir"
	"saz/passes"
	"saz/passes/members"
	"saz/passes/pointer"
)

// What a way into a procedure says about its parameters
//
// log_connection(cxt, CX_ENDED) calls what logs connections, but not what that calls if (mode == CX_EXCESSIVE). A way that explains something must not
// go on there. So the ways to procedures are found for each of a few sets of values that calls hand over: constants, also those that the branches
// of ?: or an if have assigned, of parameters that the procedure, or one that it hands them on to, compares with something. Conditional constant propagation
// of these alone, from the procedure's entry, says which of its blocks run.

// known is what is known of each parameter: a few values, sorted; nil: nothing. Nothing of all is nil, too.
type known [][]int64

const (
	maxValues  = 8 // of a parameter
	maxEntries = 8 // ways into a procedure that are told apart
)

type knowledge struct {
	c    *passes.Context
	pt   *pointer.Result
	asks map[ir.FuncID][]bool // of each parameter: whether anything is decided by it
}

// newKnowledge finds the parameters that decide something: compared where they come in, or handed on to one that does.
func newKnowledge(c *passes.Context, pt *pointer.Result, g *region) *knowledge {
	k := &knowledge{c: c, pt: pt, asks: map[ir.FuncID][]bool{}}
	type arg struct {
		f ir.FuncID
		i int
	}
	from := map[arg][]arg{} // to a parameter: those that are handed on as it
	var work []arg
	ask := func(a arg) {
		if k.asks[a.f] == nil {
			k.asks[a.f] = make([]bool, len(c.Prog.Funcs[a.f].Params))
		}
		if !k.asks[a.f][a.i] {
			k.asks[a.f][a.i] = true
			work = append(work, a)
		}
	}
	for f := range g.whole {
		fn := c.Prog.Funcs[f]
		for i := range fn.Instrs {
			in := &fn.Instrs[i]
			switch in.Op {
			case ir.Cmp, ir.Branch, ir.Switch:
				for _, v := range []ir.Value{in.A, in.B} {
					if p := paramOf(fn, v); p >= 0 {
						ask(arg{f, p})
					}
				}
			case ir.Call:
				for j, v := range in.Args {
					p := paramOf(fn, v)
					if p < 0 {
						continue
					}
					for _, t := range pt.Callees(ir.Ref{Func: f, I: int32(i)}) {
						if j < len(c.Prog.Funcs[t].Params) {
							from[arg{t, j}] = append(from[arg{t, j}], arg{f, p})
						}
					}
				}
			}
		}
	}
	for len(work) > 0 {
		a := work[len(work)-1]
		work = work[:len(work)-1]
		for _, b := range from[a] {
			ask(b)
		}
	}
	return k
}

// paramOf returns which parameter's value on entry v is, -1 if none's.
func paramOf(f *ir.Func, v ir.Value) int {
	v = members.Strip(f, v)
	if v.Kind != ir.VReg || f.Regs[v.ID].Def >= 0 || f.Regs[v.ID].Local < 0 {
		return -1
	}
	return slices.Index(f.Params, f.Regs[v.ID].Local)
}

// handed is what the call in of f hands to t, which has been found in n ways, if f has been entered with what is known.
func (k *knowledge) handed(f *ir.Func, in *ir.Instr, with known, t ir.FuncID, n int) known {
	if n >= maxEntries {
		return nil
	}
	asks := k.asks[t]
	var out known
	for i := range asks {
		if !asks[i] || i >= len(in.Args) || !number(k.c.Prog.Funcs[t].Locals[k.c.Prog.Funcs[t].Params[i]].Type) {
			continue
		}
		if set := values(f, in.Args[i], with); set != nil {
			if out == nil {
				out = make(known, len(asks))
			}
			out[i] = set
		}
	}
	return out
}

// number reports whether constants of type t are kept as they are when they are handed on.
func number(t *ctype.Type) bool {
	return t.IsInteger() && ctype.SizeOf(t) >= 4 || t.Kind == ctype.Pointer
}

// values lists what v of f may be; nil: anything.
func values(f *ir.Func, v ir.Value, with known) []int64 {
	var out []int64
	seen := map[int32]bool{}
	work := []ir.Value{v}
	for len(work) > 0 {
		v := work[len(work)-1]
		work = work[:len(work)-1]
		var some []int64
		switch v.Kind {
		case ir.VInt:
			if v.Str != "" {
				return nil
			}
			some = []int64{v.Off}
		case ir.VReg:
			if seen[v.ID] {
				continue
			}
			seen[v.ID] = true
			r := f.Regs[v.ID]
			if r.Def < 0 {
				p := slices.Index(f.Params, r.Local)
				if p < 0 || p >= len(with) || with[p] == nil {
					return nil
				}
				some = with[p]
				break
			}
			switch in := &f.Instrs[r.Def]; {
			case in.Op == ir.Move:
				work = append(work, in.A)
			case in.Op == ir.Conv && number(in.Type) && in.Opnd != nil && number(in.Opnd):
				work = append(work, in.A)
			case in.Op == ir.Phi:
				work = append(work, in.Args...)
			default:
				return nil
			}
		default:
			return nil
		}
		for _, x := range some {
			if i, ok := slices.BinarySearch(out, x); !ok {
				out = slices.Insert(out, i, x)
			}
		}
		if len(out) > maxValues {
			return nil
		}
	}
	return out
}

// runs says which blocks of f run when it is entered so; nil: all.
func runs(f *ir.Func, with known) []bool {
	if with == nil {
		return nil
	}
	out := make([]bool, len(f.Blocks))
	all := true
	for work := []ir.BlockID{0}; len(work) > 0; {
		b := work[len(work)-1]
		work = work[:len(work)-1]
		if out[b] {
			continue
		}
		out[b] = true
		on := next(f, f.Term(b), with)
		all = all && len(on) == len(f.Blocks[b].Succs)
		work = append(work, on...)
	}
	if all {
		return nil
	}
	return out
}

// next lists where the terminator in may go.
func next(f *ir.Func, in *ir.Instr, with known) []ir.BlockID {
	succs := f.Blocks[in.Block].Succs
	switch in.Op {
	case ir.Branch:
		if yes, no := truth(f, in.A, with); yes != no {
			if yes {
				return succs[:1]
			}
			return succs[1:2]
		}
	case ir.Switch:
		set := values(f, in.A, with)
		if set == nil {
			break
		}
		var out []ir.BlockID
		for _, x := range set {
			i := slices.IndexFunc(in.Cases, func(r ir.CaseRange) bool { return r.Lo <= x && x <= r.Hi })
			if i < 0 {
				i = len(succs) - 1
			}
			if !slices.Contains(out, succs[i]) {
				out = append(out, succs[i])
			}
		}
		return out
	}
	return succs
}

// truth says whether v may be other than 0, and whether it may be 0.
func truth(f *ir.Func, v ir.Value, with known) (yes, no bool) {
	if in := members.Def(f, v); in != nil && in.Op == ir.Cmp && (in.Sub == check.Eq || in.Sub == check.Ne) {
		a, b := values(f, in.A, with), values(f, in.B, with)
		if a == nil || b == nil {
			return true, true
		}
		for _, x := range a {
			for _, y := range b {
				if (x == y) == (in.Sub == check.Eq) {
					yes = true
				} else {
					no = true
				}
			}
		}
		return yes, no
	}
	set := values(f, v, with)
	if set == nil {
		return true, true
	}
	for _, x := range set {
		yes, no = yes || x != 0, no || x == 0
	}
	return yes, no
}

// covered reports whether a procedure was entered in some way in which all runs that does with what is known.
func covered(all []entry, with known) bool {
	for i := range all {
		if all[i].with.holds(with) {
			return true
		}
	}
	return false
}

// holds reports whether all that with may be, k may be.
func (k known) holds(with known) bool {
	for i := range k {
		if k[i] == nil {
			continue
		}
		if i >= len(with) || with[i] == nil {
			return false
		}
		for _, x := range with[i] {
			if _, ok := slices.BinarySearch(k[i], x); !ok {
				return false
			}
		}
	}
	return true
}
