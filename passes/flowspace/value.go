package flowspace

import (
	"math/bits"
	"slices"

	"saz/frontend/check"
	"saz/frontend/ctype"
	"saz/ir"
)

// Where a value comes from: through arithmetic, parameters and results.

// maxDepth bounds how deep a trace goes down into callees.
const maxDepth = 8

// swaps are the functions that change the order of bytes.
var swaps = map[string]bool{"ntohs": true, "ntohl": true, "htons": true, "htonl": true, "__bswap_16": true, "__bswap_32": true,
	"__bswap_64": true, "__builtin_bswap16": true, "__builtin_bswap32": true, "__builtin_bswap64": true, "bswap_16": true, "bswap_32": true,
	"be16toh": true, "be32toh": true, "htobe16": true, "htobe32": true, "be64toh": true, "htobe64": true}

func swapOf(p *ir.Program, in *ir.Instr) bool {
	switch in.Op {
	case ir.Builtin:
		return swaps[in.Name]
	case ir.Call:
		return in.A.Kind == ir.VFunc && swaps[p.Funcs[in.A.ID].Name]
	}
	return false
}

// value traces v in f.
func (q *query) value(ctx *context, f *ir.Func, v ir.Value, m mode) {
	switch v.Kind {
	case ir.VInt:
		q.leaf(leaf{kind: fromConst, value: v.Off, pure: m.pure})
	case ir.VReg:
		q.to(state{ctx: ctx, f: f.ID, v: v, m: m})
	}
}

func (q *query) valueOf(ctx *context, f *ir.Func, v ir.Value, m mode) {
	r := f.Regs[v.ID]
	if r.Def < 0 {
		m = q.e.mix(ctx, f, m)
		q.param(ctx, f, r.Local, func(ctx *context, f *ir.Func, v ir.Value) { q.value(ctx, f, v, m) })
		return
	}
	in := &f.Instrs[r.Def]
	if swapOf(q.e.c.Prog, in) && len(in.Args) > 0 {
		m.swapped = !m.swapped
		q.value(ctx, f, in.Args[0], m)
		return
	}
	mixed := m
	mixed.pure = false
	mixed.shift = 0
	switch in.Op {
	case ir.Move, ir.Conv:
		q.value(ctx, f, in.A, m)
	case ir.Phi:
		if q.index {
			q.choice(ctx, f, in, &m)
		}
		for _, a := range in.Args {
			q.value(ctx, f, a, m)
		}
	case ir.Load:
		q.address(ctx, f, in.A, 0, ctype.SizeOf(in.Type), m)
	case ir.LoadBits:
		q.address(ctx, f, in.A, in.Off, 0, mixed)
	case ir.Bin:
		a, b := in.A, in.B
		switch in.Sub {
		case check.Or, check.Add:
			// Bytes put together keep their places; a swap by hand is one too.
			if w, ok := swapIdiom(f, in); ok {
				m.swapped = !m.swapped
				q.value(ctx, f, w, m)
				return
			}
			if in.Sub == check.Or && m.pure {
				q.value(ctx, f, a, m)
				q.value(ctx, f, b, m)
				return
			}
		case check.Shl:
			if b.Kind == ir.VInt && m.pure {
				m.shift += b.Off
				q.value(ctx, f, a, m)
				return
			}
		case check.And:
			if b.Kind == ir.VInt && wholeMask(b.Off, in.Type) {
				q.value(ctx, f, a, m)
				return
			}
			for _, x := range [][2]ir.Value{{a, b}, {b, a}} {
				if !m.pure || m.masked != whole {
					continue
				}
				switch {
				case q.e.isPrefixMask(ctx, f, x[1], m.swapped, 0):
					m.masked = inHost
				case q.e.isPrefixMask(ctx, f, x[1], !m.swapped, 0):
					m.masked = inNet
				default:
					continue
				}
				q.value(ctx, f, x[0], m)
				return
			}
		}
		q.value(ctx, f, a, mixed)
		if b.Kind != ir.VInt {
			q.value(ctx, f, b, mixed)
		}
	case ir.Un:
		q.value(ctx, f, in.A, mixed)
	case ir.Cmp:
		// What a condition is about is no copy of it.
	case ir.Call:
		q.result(ctx, f, r.Def, in, m, func(ctx *context, g *ir.Func, v ir.Value) { q.value(ctx, g, v, m) })
	default:
		q.other(m)
	}
}

// choice looks at a phi of an index: of constants, what decides which of them; of
// different header fields, that it is only one of them.
func (q *query) choice(ctx *context, f *ir.Func, phi *ir.Instr, m *mode) {
	consts := true
	for _, a := range phi.Args {
		consts = consts && a.Kind == ir.VInt
	}
	if consts {
		for _, p := range f.Blocks[phi.Block].Preds {
			q.condition(ctx, f, p, *m)
			for _, pp := range f.Blocks[p].Preds {
				q.condition(ctx, f, pp, *m)
			}
		}
		return
	}
	// With less than two of them that header bytes can come to there is nothing to tell.
	n := 0
	for _, a := range phi.Args {
		if e := q.e; e.headers == nil || e.headers.regs[f.ID] == nil || e.headers.value(f, a) {
			n++
		}
	}
	if n < 2 {
		return
	}
	var sets []map[string]bool
	for _, a := range phi.Args {
		sub := q.e.query(constBudget).trace(func(q *query) { q.value(ctx, f, a, *m) })
		set := map[string]bool{}
		for _, h := range headersOf(sub.leaves) {
			set[h] = true
		}
		sets = append(sets, set)
	}
	for i, a := range sets {
		for _, b := range sets[i+1:] {
			m.either = m.either || !subset(a, b) && !subset(b, a)
		}
	}
}

func subset(a, b map[string]bool) bool {
	for h := range a {
		if !b[h] {
			return false
		}
	}
	return true
}

// condition traces what decides at the end of block b where to go.
func (q *query) condition(ctx *context, f *ir.Func, b ir.BlockID, m mode) {
	m.pure, m.shift = false, 0
	t := f.Term(b)
	if t.Op != ir.Branch && t.Op != ir.Switch {
		return
	}
	v := t.A
	if v.Kind == ir.VReg && f.Regs[v.ID].Def >= 0 {
		if cmp := &f.Instrs[f.Regs[v.ID].Def]; cmp.Op == ir.Cmp {
			q.value(ctx, f, cmp.A, m)
			if cmp.B.Kind != ir.VInt {
				q.value(ctx, f, cmp.B, m)
			}
			return
		}
	}
	q.value(ctx, f, v, m)
}

// isPrefixMask reports whether v is ones followed by zeroes, in network order (net) or
// in the machine's.
func (e *engine) isPrefixMask(ctx *context, f *ir.Func, v ir.Value, net bool, depth int) bool {
	if depth > 12 {
		return false
	}
	switch v.Kind {
	case ir.VInt:
		x := uint32(v.Off)
		if net {
			x = bits.ReverseBytes32(x)
		}
		return x == 0 && depth > 0 || x != 0 && bits.OnesCount32(^x+1) == 1
	case ir.VReg:
	default:
		return false
	}
	r := f.Regs[v.ID]
	if r.Def < 0 {
		return false
	}
	in := &f.Instrs[r.Def]
	if swapOf(e.c.Prog, in) && len(in.Args) > 0 {
		return e.isPrefixMask(ctx, f, in.Args[0], !net, depth+1)
	}
	switch in.Op {
	case ir.Move, ir.Conv:
		return e.isPrefixMask(ctx, f, in.A, net, depth+1)
	case ir.Phi:
		for _, a := range in.Args {
			if !e.isPrefixMask(ctx, f, a, net, depth+1) {
				return false
			}
		}
		return true
	case ir.Bin: // 0xffffffff << n
		return !net && in.Sub == check.Shl && in.A.Kind == ir.VInt && uint32(in.A.Off) == 0xffffffff
	case ir.Call:
		ts := e.callees(ir.Ref{Func: f.ID, I: r.Def})
		for _, t := range ts {
			g := e.c.Prog.Funcs[t]
			if !g.Defined() {
				return false
			}
			for b := range g.Blocks {
				if t := g.Term(ir.BlockID(b)); t.Op == ir.Ret && !e.isPrefixMask(nil, g, t.A, net, depth+1) {
					return false
				}
			}
		}
		return len(ts) > 0
	}
	return false
}

// wholeMask reports whether and-ing with c keeps a whole header field.
func wholeMask(c int64, t *ctype.Type) bool {
	return c == 0xff || c == 0xffff || c == 0xffffffff || c == 0x0fff || c == -1
}

// swapIdiom recognises (x >> 8) | (x << 8) of 16 bits.
func swapIdiom(f *ir.Func, in *ir.Instr) (ir.Value, bool) {
	shift := func(v ir.Value) (ir.Value, int64, bool) {
		for d := 0; v.Kind == ir.VReg && f.Regs[v.ID].Def >= 0 && d < 8; d++ {
			x := &f.Instrs[f.Regs[v.ID].Def]
			switch {
			case x.Op == ir.Conv || x.Op == ir.Move || x.Op == ir.Bin && x.Sub == check.And && x.B.Kind == ir.VInt:
				v = x.A
				continue
			case x.Op == ir.Bin && x.B.Kind == ir.VInt && x.Sub == check.Shl:
				return bare(f, x.A), x.B.Off, true
			case x.Op == ir.Bin && x.B.Kind == ir.VInt && x.Sub == check.Shr:
				return bare(f, x.A), -x.B.Off, true
			}
			break
		}
		return v, 0, false
	}
	x, a, ok1 := shift(in.A)
	y, b, ok2 := shift(in.B)
	return x, ok1 && ok2 && x == y && a+b == 0 && (a == 8 || a == -8)
}

// bare goes back over moves, conversions and masks.
func bare(f *ir.Func, v ir.Value) ir.Value {
	for d := 0; v.Kind == ir.VReg && f.Regs[v.ID].Def >= 0 && d < 16; d++ {
		x := &f.Instrs[f.Regs[v.ID].Def]
		if x.Op != ir.Conv && x.Op != ir.Move && !(x.Op == ir.Bin && x.Sub == check.And && x.B.Kind == ir.VInt) {
			break
		}
		v = x.A
	}
	return v
}

// mix says what is known of a parameter of f: which of several calls it came
// with may have been lost, and then it is no copy of anything for certain.
func (e *engine) mix(ctx *context, f *ir.Func, m mode) mode {
	if ctx == nil && m.lost && len(e.pt.Callers(f.ID)) > 1 {
		m.pure = false
	}
	return m
}

// param goes on in the caller of ctx, or in all callers.
func (q *query) param(ctx *context, f *ir.Func, l ir.LocalID, next func(*context, *ir.Func, ir.Value)) {
	k := slices.Index(f.Params, l)
	if k < 0 {
		return
	}
	e := q.e
	if ctx != nil {
		g := e.c.Prog.Funcs[ctx.site.Func]
		if in := &g.Instrs[ctx.site.I]; k < len(in.Args) {
			next(ctx.up, g, in.Args[k])
		}
		return
	}
	for _, site := range e.pt.Callers(f.ID) {
		g := e.c.Prog.Funcs[site.Func]
		in := &g.Instrs[site.I]
		if slices.Contains(e.callees(site), f.ID) {
			if k < len(in.Args) {
				next(nil, g, in.Args[k])
			}
			continue
		}
		for _, cb := range e.pt.Callbacks(site) {
			if cb.Func != f.ID || cb.How == nil {
				continue
			}
			by := e.c.Prog.Funcs[cb.By.Func] // who handed it over, if the library calls it later
			args := by.Instrs[cb.By.I].Args
			if a, ok := cb.How.Pass[k]; ok && a < len(args) {
				next(nil, by, args[a])
			}
		}
	}
}

// result goes on in the callees of a call, to what they return.
func (q *query) result(ctx *context, f *ir.Func, i int32, in *ir.Instr, m mode, next func(*context, *ir.Func, ir.Value)) {
	e := q.e
	ref := ir.Ref{Func: f.ID, I: i}
	for _, t := range e.callees(ref) {
		g := e.c.Prog.Funcs[t]
		if !g.Defined() {
			mo := e.pt.Model(t)
			if mo != nil && (mo.Receive != nil || mo.Alloc != nil) {
				continue
			}
			if mo != nil {
				for _, k := range mo.Same {
					if k < len(in.Args) {
						next(ctx, f, in.Args[k])
					}
				}
			}
			// A library's hash or checksum of its arguments.
			mixed := m
			mixed.pure = false
			for k, a := range in.Args {
				if mo != nil && slices.Contains(mo.Same, k) {
					continue
				}
				if k < len(in.ArgTypes) && in.ArgTypes[k] != nil && in.ArgTypes[k].Kind == ctype.Pointer {
					if mo != nil && slices.Contains(mo.Reads, k) {
						q.address(ctx, f, a, 0, 0, mixed)
					}
					continue
				}
				q.value(ctx, f, a, mixed)
			}
			q.other(m)
			continue
		}
		if ctx != nil && ctx.n >= maxDepth {
			q.giveUp()
			continue
		}
		inner := e.push(ref, ctx)
		for b := range g.Blocks {
			if t := g.Term(ir.BlockID(b)); t.Op == ir.Ret && t.A.Kind != ir.NoVal {
				next(inner, g, t.A)
				if q.index && t.A.Kind == ir.VInt {
					for _, p := range g.Blocks[b].Preds {
						q.condition(inner, g, p, m)
					}
				}
			}
		}
	}
}
