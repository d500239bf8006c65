package flowspace

import (
	"slices"
	"strings"

	"saz/frontend/check"
	"saz/frontend/ctype"
	"saz/ir"
	"saz/passes/container"
	"saz/passes/members"
)

// Comparisons of what may be a field of an entry, and what the other side comes from.

// maxChains bounds the chains of callers in which one comparison is looked at. A helper that
// compares (strcmp, a tree's lookup) has hundreds; what they have in common is that nearly
// none of them is about a header field.
const maxChains = 256

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
						if len(in.Args) > 2 {
							n = atLeast(f, in.Args[2])
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

// atLeast is the least of the constants that v may be: of 4 and 16 bytes of an address 4 are compared in any case. 0: it may be something else.
func atLeast(f *ir.Func, v ir.Value) int64 {
	least := int64(0)
	seen := map[int32]bool{}
	for work := []ir.Value{v}; len(work) > 0; {
		v := members.Strip(f, work[len(work)-1])
		work = work[:len(work)-1]
		switch {
		case v.Kind == ir.VInt && v.Off > 0:
			if least == 0 || v.Off < least {
				least = v.Off
			}
		case v.Kind == ir.VReg && seen[v.ID]:
		case v.Kind == ir.VReg && f.Regs[v.ID].Def >= 0 && f.Instrs[f.Regs[v.ID].Def].Op == ir.Phi:
			seen[v.ID] = true
			work = append(work, f.Instrs[f.Regs[v.ID].Def].Args...)
		default:
			return 0
		}
	}
	return least
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
