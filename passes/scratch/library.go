package scratch

import (
	"slices"
	"strings"

	"saz/frontend/check"
	"saz/frontend/ctype"
	"saz/ir"
	"saz/ir/models"
	"saz/passes/pointer"
)

// cell returns the bytes of t that an access of size bytes at off is about:
// those of the outermost array around it if there is one, since the pointer analysis
// takes all elements for the first.
func cell(t *ctype.Type, off, size, total int64) (int64, int64) {
	if size < 0 {
		return off, total
	}
	lo := int64(0)
	for t != nil {
		switch t.Kind {
		case ctype.Array:
			n := ctype.SizeOf(t)
			if n < 0 {
				n = total - lo
			}
			return lo, lo + n
		case ctype.Struct:
			if t.Rec == nil || !t.Rec.Complete {
				return off, off + size
			}
			var in *ctype.Field
			for i := range t.Rec.Fields {
				fl := &t.Rec.Fields[i]
				if n := ctype.SizeOf(fl.Type); fl.Off <= off-lo && off-lo < fl.Off+max(n, 1) && !fl.BitField {
					in = fl
				}
			}
			if in == nil || off+size > lo+in.Off+max(ctype.SizeOf(in.Type), 0) {
				return off, off + size
			}
			lo += in.Off
			t = in.Type
		case ctype.Union:
			// Some member may be an array whose elements are one.
			return lo, lo + max(ctype.SizeOf(t), size)
		default:
			return off, off + size
		}
	}
	return off, off + size
}

// nofail reports whether a library function that writes a string always does.
func nofail(name string) bool {
	for _, p := range []string{"str", "stp", "mem", "wcs", "bcopy", "sprintf", "snprintf", "vsprintf", "vsnprintf",
		"__builtin_", "__sprintf", "__snprintf", "__str", "__mem", "__vs"} {
		if strings.HasPrefix(name, p) {
			return name != "strerror_r" && name != "strftime"
		}
	}
	return false
}

// contains reports whether list has k.
func contains(list []int, k int) bool {
	for _, x := range list {
		if x == k {
			return true
		}
	}
	return false
}

// readsArg reports whether a library function reads what argument k points at.
func readsArg(m *models.Model, k int) bool {
	if contains(m.Reads, k) || m.Varargs > 0 && k >= m.Varargs {
		return true
	}
	for _, p := range m.Copies {
		if p[1] == k {
			return true
		}
	}
	return false
}

func (p *proc) libraryWrite(i int32, in *ir.Instr, m *models.Model, k int, v ir.Value) {
	copied := false
	for _, c := range m.Copies {
		copied = copied || c[0] == k && c[0] != c[1]
	}
	n, bounded := int64(-1), m.Len != nil && *m.Len < len(in.Args)
	if bounded && in.Args[*m.Len].Kind == ir.VInt {
		n = in.Args[*m.Len].Off
	}
	switch {
	case contains(m.Fills, k):
		if !bounded {
			if t := elem(in, k); t != nil && !t.IsChar() {
				n = ctype.SizeOf(t)
			}
		}
		p.writes(i, v, n, false)
	case (contains(m.Writes, k) || copied) && m.Strlen:
		if bounded && !p.positive(in.Args[*m.Len], map[ir.FuncID]bool{}) {
			return
		}
		x, ok := p.placeAt(v, 0, true)
		if !ok {
			return
		}
		switch {
		case nofail(m.Name):
			p.gen[i] = append(p.gen[i], p.place(x))
		case m.Name == "inet_ntop" && len(in.Args) == 4 && in.Args[3].Kind == ir.VInt:
			p.families = append(p.families, family{i, in.Args[0], in.Args[3].Off, p.place(x)})
			if in.Args[0].Kind == ir.VInt && roomy([]int64{in.Args[0].Off}, in.Args[3].Off) {
				p.gen[i] = append(p.gen[i], p.place(x))
			}
			fallthrough
		default:
			p.tested(i, p.place(x))
		}
	case copied && bounded && n < 0 && p.whole(in, m, k):
		if x := p.where(v); x.kind != noBase && !x.any && p.relevant(x.kind, x.id) {
			lo := x.off
			if x.kind == ofGlobal && p.e.begins(x.id, x.off) {
				lo = 0
			}
			p.gen[i] = append(p.gen[i], p.place(place{x.kind, x.id, lo, far, false}))
		}
	case (copied || contains(m.Writes, k) && exact[m.Name]) && bounded:
		p.writes(i, v, n, false)
	case m.Receive != nil && (contains(m.Receive.Buffers, k) || contains(m.Receive.Out, k)) || counted[m.Name] == k && k > 0:
		if x := p.where(v); x.kind != noBase && !x.any && p.relevant(x.kind, x.id) && x.off == 0 {
			p.gen[i] = append(p.gen[i], p.place(place{x.kind, x.id, 0, far, false}))
		}
	}
}

// whole reports whether a copy to argument k is one of a packet, as long as it is: the copy is a buffer of a receive call then, of which no more is
// read than was received.
func (p *proc) whole(in *ir.Instr, m *models.Model, k int) bool {
	packet := func(v ir.Value) bool {
		locs := p.e.pt.PointsTo(p.f.ID, v)
		return len(locs) > 0 && !slices.ContainsFunc(locs, func(l pointer.Loc) bool { return !p.e.pt.Objects[l.Obj].Packet })
	}
	for _, c := range m.Copies {
		if c[0] == k && (c[1] >= len(in.Args) || !packet(in.Args[c[1]])) {
			return false
		}
	}
	v := in.Args[*m.Len]
	for d := 0; v.Kind == ir.VReg && p.f.Regs[v.ID].Def >= 0 && d < 8; d++ {
		switch def := &p.f.Instrs[p.f.Regs[v.ID].Def]; def.Op {
		case ir.Move, ir.Conv:
			v = def.A
		case ir.Load: // the length in the packet's header that the library made
			return packet(def.A)
		default:
			return false
		}
	}
	return false
}

// begins reports whether the program never names what is before off of a global: a buffer that is aligned by two bytes that nobody uses.
func (e *engine) begins(id int32, off int64) bool {
	for _, f := range e.c.Prog.Funcs {
		for i := range f.Instrs {
			in := &f.Instrs[i]
			ok := true
			in.Operands(func(v *ir.Value) {
				if v.Kind != ir.VGlobal || v.ID != id || v.Off >= off {
					return
				}
				step := int64(0)
				switch {
				case in.Op == ir.FieldAddr:
					step = in.Off
				case in.Op == ir.IndexAddr && in.B.Kind == ir.VInt && in.Off >= 0 && v == &in.A:
					step = in.B.Off * in.Off
				}
				ok = ok && v.Off+step >= off
			})
			if !ok {
				return false
			}
		}
	}
	return true
}

// counted are the functions that say how many events they have filled in, and where.
var counted = map[string]int{"epoll_wait": 1, "epoll_pwait": 1, "epoll_pwait2": 1, "kevent": 3}

// A family is a call of inet_ntop: it can't fail if the address family is one that it knows and there is room.
type family struct {
	at    int32
	of    ir.Value
	room  int64
	place int
}

// roomy reports whether room suffices for the longest address of all families (Linux' numbers), and all are known.
func roomy(families []int64, room int64) bool {
	for _, f := range families {
		if !(f == 2 && room >= 16 || f == 10 && room >= 46) {
			return false
		}
	}
	return len(families) > 0
}

// exact are the functions whose model says that they write at most so many
// bytes, and that write exactly as many.
var exact = map[string]bool{"memset": true, "bzero": true, "explicit_bzero": true, "__builtin_memset": true, "strncpy": true,
	"__memset_chk": true}

// elem returns what argument k points at.
func elem(in *ir.Instr, k int) *ctype.Type {
	if k >= len(in.ArgTypes) || in.ArgTypes[k] == nil || in.ArgTypes[k].Kind != ctype.Pointer {
		return nil
	}
	if t := in.ArgTypes[k].Elem; t != nil && t.Kind != ctype.Void {
		return t
	}
	return nil
}

// positive reports whether v is certainly not 0: a constant, or a parameter
// that is one at all calls.
func (p *proc) positive(v ir.Value, seen map[ir.FuncID]bool) bool {
	for {
		switch v.Kind {
		case ir.VInt:
			return v.Off > 0
		case ir.VReg:
		default:
			return false
		}
		r := p.f.Regs[v.ID]
		if r.Def >= 0 {
			if in := &p.f.Instrs[r.Def]; in.Op == ir.Conv || in.Op == ir.Move {
				v = in.A
				continue
			}
			return false
		}
		if seen[p.f.ID] || r.Local < 0 {
			return false
		}
		seen[p.f.ID] = true
		k := slices.Index(p.f.Params, r.Local)
		callers := p.e.pt.Callers(p.f.ID)
		if k < 0 || len(callers) == 0 {
			return false
		}
		for _, at := range callers {
			in := p.e.c.Instr(at)
			if k >= len(in.Args) || !p.e.proc(at.Func).positive(in.Args[k], seen) {
				return false
			}
		}
		return true
	}
}

// tested notes that place x is written if the pointer that the call at i
// returns is not null.
func (p *proc) tested(i int32, x int) {
	dst := p.f.Instrs[i].Dst
	if dst < 0 {
		return
	}
	same := func(v ir.Value) bool {
		for d := 0; v.Kind == ir.VReg && d < 10; d++ {
			if ir.Reg(v.ID) == dst {
				return true
			}
			def := p.f.Regs[v.ID].Def
			if def < 0 {
				return false
			}
			in := &p.f.Instrs[def]
			if in.Op != ir.Move && in.Op != ir.Conv {
				return false
			}
			v = in.A
		}
		return false
	}
	for b := range p.f.Blocks {
		t := p.f.Term(ir.BlockID(b))
		if t.Op != ir.Branch {
			continue
		}
		way := -1
		v := t.A
		for d := 0; d < 10; d++ {
			if same(v) {
				way = 0
				break
			}
			if v.Kind != ir.VReg || p.f.Regs[v.ID].Def < 0 {
				break
			}
			in := &p.f.Instrs[p.f.Regs[v.ID].Def]
			if in.Op == ir.Cmp && in.B.Kind == ir.VInt && in.B.Off == 0 && (in.Sub == check.Eq || in.Sub == check.Ne) {
				if same(in.A) {
					way = 0
					if in.Sub == check.Eq {
						way = 1
					}
				}
				break
			}
			if in.Op != ir.Move && in.Op != ir.Conv {
				break
			}
			v = in.A
		}
		if way >= 0 {
			e := p.edge[ir.BlockID(b)]
			e[way] = append(e[way], x)
			p.edge[ir.BlockID(b)] = e
		}
	}
}

// libraryRead notes what a library call reads through argument k.
func (p *proc) libraryRead(i int32, in *ir.Instr, m *models.Model, k int, v ir.Value) {
	t := elem(in, k)
	switch {
	case t != nil && t.IsChar() && (m.Len == nil || m.Varargs > 0 && k >= m.Varargs):
		p.readAt(i, v, 0, true)
	case m.Len != nil && *m.Len < len(in.Args) && in.Args[*m.Len].Kind == ir.VInt:
		p.readAt(i, v, max(in.Args[*m.Len].Off, 0), false)
	default:
		n := int64(0)
		if t != nil && !t.IsChar() && m.Len == nil {
			n = max(ctype.SizeOf(t), 0)
		}
		p.readAt(i, v, n, false)
	}
}
