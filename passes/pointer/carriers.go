package pointer

import (
	"slices"

	"saz/frontend/check"
	"saz/frontend/ctype"
	"saz/ir"
	"saz/ir/models"
)

// Which integers hold pointers.
//
// An integer as wide as a pointer may hold one, and programs do that: tagged
// pointers, xor lists, handles, unions. Most such integers never do (times,
// counters, sizes), but sets that are too large bring pointers into them, and
// sums of those point anywhere in everything. So before solving we ask of each
// integer register whether a pointer that was made an integer may arrive in it,
// or whether it may be made a pointer again, along assignments, arithmetic, calls,
// and memory taken by the member, variable or type through which it is accessed
// (field-based: Heintze and Tardieu, "Ultra-fast Aliasing Analysis using CLA",
// PLDI 2001). One of the two is enough. A register of which neither is true
// holds no pointer.
//
// Conversions are one way for a pointer to become an integer. The other is to
// read its bytes as one: a union's members, and addresses that were converted.
// Where only that connects an integer to pointers, plain copies count if they may
// both come from and go to such memory; arithmetic does not. Nor do sums of two unknown
// numbers count if no conversion makes them pointers again.
//
// What it is not sound for: arithmetic on integers that only ever are
// pointers because their memory is accessed as two types, by no conversion in the
// procedure and no union.

// Bits of a node.
const (
	cameFrom     = 1 << iota // from a conversion of a pointer
	goesTo                   // to a conversion to a pointer
	mayComeFrom              // from memory that is read as pointers too
	mayGoTo                  // to such memory
	strongSeeds  = cameFrom | goesTo
	carrierCount = 4
)

type carriers struct {
	s       *solver
	regBase []int32 // by function
	retBase int32   // by function
	n       int32
	class   map[carrierClass]int32
	args    []int32 // by position: arguments of indirect calls
	ret     int32   // results of indirect calls
	taken   []bool  // by function: its address is taken
	from    []int32 // edges
	to      []int32
	arith   []bool // the edge is arithmetic
	bits    []uint8
	overlap map[*ctype.Record]bool
}

// A carrierClass is memory that is accessed in one way.
type carrierClass struct {
	rec    *ctype.Record // member at off
	global int32         // variable, -1: none
	fn     int32
	local  int32
	off    int64
	width  uint8 // through a pointer to an integer of this rank
}

func wideInt(t *ctype.Type) bool {
	if t == nil {
		return false
	}
	switch t.Kind {
	case ctype.Long, ctype.ULong, ctype.LongLong, ctype.ULongLong:
		return true
	}
	return false
}

func rank(t *ctype.Type) uint8 {
	switch t.Kind {
	case ctype.ULong:
		return 2
	case ctype.LongLong:
		return 3
	case ctype.ULongLong:
		return 4
	}
	return 1
}

func (s *solver) findCarriers() {
	c := &carriers{s: s, class: map[carrierClass]int32{}, overlap: map[*ctype.Record]bool{}}
	for _, f := range s.prog.Funcs {
		c.regBase = append(c.regBase, c.n)
		c.n += int32(len(f.Regs))
	}
	c.retBase = c.n
	c.n += int32(len(s.prog.Funcs))
	c.bits = make([]uint8, c.n)
	c.ret = c.node()
	c.takenFuncs()
	for _, f := range s.prog.Funcs {
		for i := range f.Instrs {
			c.instr(f, &f.Instrs[i])
		}
	}
	for _, g := range s.prog.Globals {
		for i := range g.Init {
			it := &g.Init[i]
			if wideInt(it.Type) && (it.Value.Kind == ir.VGlobal || it.Value.Kind == ir.VFunc) {
				c.seed(c.variable(carrierClass{global: int32(g.ID), fn: -1, local: -1}, g.Type, it.Off, it.Type), cameFrom)
			}
		}
	}
	c.close()
	s.carrier = c
}

func (c *carriers) node() int32 {
	c.n++
	c.bits = append(c.bits, 0)
	return c.n - 1
}

func (c *carriers) edge(from, to int32, arith bool) {
	if from >= 0 && to >= 0 && from != to {
		c.from, c.to, c.arith = append(c.from, from), append(c.to, to), append(c.arith, arith)
	}
}

func (c *carriers) seed(n int32, b uint8) {
	if n >= 0 {
		c.bits[n] |= b
	}
}

// takenFuncs finds what indirect calls may call, and all direct calls.
func (c *carriers) takenFuncs() {
	c.taken = make([]bool, len(c.s.prog.Funcs))
	c.s.knownCalls = make([][]ir.Ref, len(c.s.prog.Funcs))
	take := func(v ir.Value) {
		if v.Kind == ir.VFunc {
			c.taken[v.ID] = true
		}
	}
	for _, f := range c.s.prog.Funcs {
		for i := range f.Instrs {
			in := &f.Instrs[i]
			if in.Op != ir.Call {
				take(in.A)
			} else if in.A.Kind == ir.VFunc {
				c.s.knownCalls[in.A.ID] = append(c.s.knownCalls[in.A.ID], ir.Ref{Func: f.ID, I: int32(i)})
			}
			take(in.B)
			for _, a := range in.Args {
				take(a)
			}
		}
	}
	for _, g := range c.s.prog.Globals {
		for i := range g.Init {
			take(g.Init[i].Value)
		}
	}
	for _, f := range c.s.prog.Funcs {
		if !c.taken[f.ID] || !f.Defined() {
			continue
		}
		for k := range f.Params {
			c.edge(c.arg(k), c.param(f, k), false)
		}
		c.edge(c.retBase+int32(f.ID), c.ret, false)
	}
}

// arg is argument k of indirect calls.
func (c *carriers) arg(k int) int32 {
	for len(c.args) <= k {
		c.args = append(c.args, c.node())
	}
	return c.args[k]
}

// param is where parameter k of f arrives.
func (c *carriers) param(f *ir.Func, k int) int32 {
	l := f.Params[k]
	if !wideInt(f.Locals[l].Type) {
		return none
	}
	if !f.Locals[l].Lifted {
		return c.classOf(carrierClass{global: -1, fn: int32(f.ID), local: int32(l)})
	}
	for r := range f.Regs {
		if f.Regs[r].Def < 0 && f.Regs[r].Local == l {
			return c.regBase[f.ID] + int32(r)
		}
	}
	return none
}

func (c *carriers) classOf(k carrierClass) int32 {
	n, ok := c.class[k]
	if !ok {
		n = c.node()
		c.class[k] = n
	}
	return n
}

// member is the class of the member at off of r. Members that share their
// bytes with pointers in a union may be read as such.
func (c *carriers) member(r *ctype.Record, off int64) int32 {
	r = c.s.prog.Record(r)
	if !c.overlap[r] {
		c.overlap[r] = true
		if r.Union && r.Complete {
			c.unionOf(r)
		}
	}
	return c.classOf(carrierClass{rec: r, off: off, global: -1, fn: -1, local: -1})
}

type carrierLeaf struct {
	rec *ctype.Record
	off int64 // in rec
	at  int64 // in the union
	t   *ctype.Type
}

// unionOf seeds the integers of union u that share bytes with pointers.
func (c *carriers) unionOf(u *ctype.Record) {
	var leaves []carrierLeaf
	var walk func(t *ctype.Type, rec *ctype.Record, off, at int64)
	walk = func(t *ctype.Type, rec *ctype.Record, off, at int64) {
		if t == nil || len(leaves) > 2000 {
			return
		}
		switch {
		case t.Kind == ctype.Array:
			n := ctype.SizeOf(t.Elem)
			for i := int64(0); i < min(max(t.Len, 1), 64) && n > 0; i++ {
				walk(t.Elem, rec, off, at+i*n)
			}
		case t.IsRecord():
			r := c.s.prog.Record(t.Rec)
			for i := range r.Fields {
				if f := &r.Fields[i]; !f.BitField {
					walk(f.Type, r, f.Off, at+f.Off)
				}
			}
		case carries(t):
			leaves = append(leaves, carrierLeaf{rec, off, at, t})
		}
	}
	for i := range u.Fields {
		if f := &u.Fields[i]; !f.BitField {
			walk(f.Type, u, f.Off, f.Off)
		}
	}
	for _, p := range leaves {
		if wideInt(p.t) {
			continue
		}
		for _, q := range leaves {
			if wideInt(q.t) && q.at < p.at+ctype.PtrSize && p.at < q.at+ctype.PtrSize {
				c.seed(c.classOf(carrierClass{rec: c.s.prog.Record(q.rec), off: q.off, global: -1, fn: -1, local: -1}), mayComeFrom|mayGoTo)
			}
		}
	}
}

// variable is the class of the integer at off of a variable.
func (c *carriers) variable(k carrierClass, t *ctype.Type, off int64, as *ctype.Type) int32 {
	for t != nil {
		switch {
		case t.Kind == ctype.Array:
			n := ctype.SizeOf(t.Elem)
			if n <= 0 || off < 0 {
				return c.through(as)
			}
			off %= n
			t = t.Elem
			continue
		case t.IsRecord():
			r := c.s.prog.Record(t.Rec)
			if r.Union {
				// Which member is not said.
				c.member(r, off)
				n := c.through(as)
				c.seed(n, mayComeFrom|mayGoTo)
				return n
			}
			var in *ctype.Field
			for i := range r.Fields {
				f := &r.Fields[i]
				if !f.BitField && f.Type != nil && f.Off <= off && off < f.Off+max(1, ctype.SizeOf(f.Type)) {
					in = f
				}
			}
			if in == nil {
				return c.through(as)
			}
			if !in.Type.IsRecord() && in.Type.Kind != ctype.Array {
				return c.member(r, in.Off)
			}
			if in.Type.Kind == ctype.Array {
				e := in.Type.Elem
				for e.Kind == ctype.Array {
					e = e.Elem
				}
				if !e.IsRecord() {
					return c.member(r, in.Off)
				}
			}
			off -= in.Off
			t = in.Type
			continue
		}
		break
	}
	if t != nil && t.Kind == ctype.Pointer {
		n := c.classOf(k)
		c.seed(n, strongSeeds)
		return n
	}
	return c.classOf(k)
}

// through is the class of integers accessed through a pointer to such.
func (c *carriers) through(t *ctype.Type) int32 {
	return c.classOf(carrierClass{global: -1, fn: -1, local: -1, width: rank(t)})
}

// punned is the class of memory whose address was converted.
func (c *carriers) punned() int32 {
	n := c.classOf(carrierClass{global: -1, fn: -1, local: -1, width: 99})
	c.seed(n, strongSeeds)
	return n
}

// memory is the class of what is at address v, accessed as t.
func (c *carriers) memory(f *ir.Func, v ir.Value, t *ctype.Type) int32 {
	for range 64 {
		switch v.Kind {
		case ir.VGlobal:
			return c.variable(carrierClass{global: v.ID, fn: -1, local: -1}, c.s.prog.Globals[v.ID].Type, v.Off, t)
		case ir.VLocal:
			return c.variable(carrierClass{global: -1, fn: int32(f.ID), local: v.ID}, f.Locals[v.ID].Type, v.Off, t)
		case ir.VReg:
		default:
			return c.through(t)
		}
		d := f.Regs[v.ID].Def
		if d < 0 {
			return c.through(t)
		}
		in := &f.Instrs[d]
		switch in.Op {
		case ir.FieldAddr:
			if in.Rec == nil {
				return c.through(t)
			}
			return c.member(in.Rec, in.Off)
		case ir.IndexAddr, ir.Move:
			v = in.A
			continue
		case ir.Conv:
			if badAddress(f, in) {
				return c.punned()
			}
			if in.Opnd != nil && in.Opnd.Kind == ctype.Pointer && wideInt(in.Opnd.Elem) {
				v = in.A
				continue
			}
		}
		return c.through(t)
	}
	return c.through(t)
}

// badAddress reports whether in makes the address of an integer of that of
// something else: what is there may be read as pointers elsewhere. (A fresh
// block is nothing yet.)
func badAddress(f *ir.Func, in *ir.Instr) bool {
	if in.Op != ir.Conv || in.Type == nil || in.Type.Kind != ctype.Pointer || !wideInt(in.Type.Elem) {
		return false
	}
	if in.Opnd == nil || in.Opnd.Kind != ctype.Pointer || wideInt(in.Opnd.Elem) {
		return false
	}
	if in.Opnd.Elem.Kind == ctype.Array {
		return false
	}
	if in.A.Kind == ir.VReg {
		if d := f.Regs[in.A.ID].Def; d >= 0 && f.Instrs[d].Op == ir.Call {
			return false
		}
	}
	return true
}

// address links the class of an address that is handed on to that of all
// integers accessed through pointers.
func (c *carriers) address(f *ir.Func, v ir.Value) {
	if v.Kind == ir.VInt || v.Kind == ir.NoVal {
		return
	}
	if t := c.pointed(f, v); t != nil {
		m, g := c.memory(f, v, t), c.through(t)
		c.edge(m, g, false)
		c.edge(g, m, false)
	}
}

// pointed returns the type of the integer that v points at, nil if it is none.
func (c *carriers) pointed(f *ir.Func, v ir.Value) *ctype.Type {
	switch v.Kind {
	case ir.VReg:
		if p := f.Regs[v.ID].Type; intPtr(p) {
			return p.Elem
		}
	case ir.VGlobal:
		return wideAt(c.s.prog.Globals[v.ID].Type, v.Off)
	case ir.VLocal:
		return wideAt(f.Locals[v.ID].Type, v.Off)
	}
	return nil
}

func intPtr(t *ctype.Type) bool {
	return t != nil && t.Kind == ctype.Pointer && wideInt(t.Elem)
}

// link is for pointers to integers of one type that become pointers to those of another.
func (c *carriers) link(a, b *ctype.Type) {
	if x, y := c.through(a), c.through(b); x != y {
		c.edge(x, y, false)
		c.edge(y, x, false)
	}
}

// wideAt returns the type of the integer at byte off of t, nil if there is
// none.
func wideAt(t *ctype.Type, off int64) *ctype.Type {
	for t != nil {
		switch {
		case t.Kind == ctype.Array:
			n := ctype.SizeOf(t.Elem)
			if n <= 0 || off < 0 {
				return nil
			}
			off %= n
			t = t.Elem
		case t.IsRecord():
			var in *ctype.Field
			for i := range t.Rec.Fields {
				f := &t.Rec.Fields[i]
				if !f.BitField && f.Type != nil && f.Off <= off && off < f.Off+max(1, ctype.SizeOf(f.Type)) {
					in = f
				}
			}
			if in == nil {
				return nil
			}
			off -= in.Off
			t = in.Type
		case wideInt(t):
			return t
		default:
			return nil
		}
	}
	return nil
}

// val is the node of an operand.
func (c *carriers) val(f *ir.Func, v ir.Value) int32 {
	if v.Kind == ir.VReg {
		return c.regBase[f.ID] + v.ID
	}
	return none
}

// into makes v, an integer, flow into n.
func (c *carriers) into(f *ir.Func, v ir.Value, n int32, arith bool) {
	switch v.Kind {
	case ir.VReg:
		c.edge(c.regBase[f.ID]+v.ID, n, arith)
	case ir.VGlobal, ir.VLocal, ir.VFunc, ir.VLabel:
		c.seed(n, cameFrom)
	}
}

func (c *carriers) instr(f *ir.Func, in *ir.Instr) {
	dst := int32(none)
	if in.Dst >= 0 {
		dst = c.regBase[f.ID] + int32(in.Dst)
	}
	wide := wideInt(in.Type)
	switch in.Op {
	case ir.Load:
		if wide {
			c.edge(c.memory(f, in.A, in.Type), dst, false)
		}
	case ir.Store:
		if wide {
			c.into(f, in.B, c.memory(f, in.A, in.Type), false)
		} else {
			c.address(f, in.B)
		}
	case ir.Conv:
		from := in.Opnd
		switch {
		case wide && wideInt(from):
			c.into(f, in.A, dst, false)
		case wide && from != nil && carries(from):
			c.seed(dst, cameFrom)
		case wideInt(from) && carries(in.Type):
			c.seed(c.val(f, in.A), goesTo)
		case intPtr(in.Type) && intPtr(from):
			c.link(from.Elem, in.Type.Elem)
		case badAddress(f, in):
			// Accessed here: see memory. Handed on: any of its kind.
			if c.handedOn(f, in.Dst) {
				c.seed(c.through(in.Type.Elem), strongSeeds)
			}
		case in.Type != nil && in.Type.Kind == ctype.Pointer && in.Type.Elem.Kind == ctype.Pointer && from != nil && from.Kind == ctype.Pointer && wideInt(from.Elem):
			c.seed(c.memory(f, in.A, from.Elem), strongSeeds)
		}
	case ir.Move:
		if wide {
			c.into(f, in.A, dst, false)
		}
	case ir.Phi:
		for _, a := range in.Args {
			if wide {
				c.into(f, a, dst, false)
			} else {
				c.address(f, a)
			}
		}
	case ir.Bin:
		if wide {
			switch in.Sub {
			case check.Add, check.Sub, check.And, check.Or, check.Xor, check.PtrAdd, check.PtrSub:
				c.into(f, in.A, dst, true)
				c.into(f, in.B, dst, true)
			}
		}
	case ir.PtrDiff:
		if wide {
			c.seed(dst, mayComeFrom) // (void *)p - (void *)&((T *)0)->member
		}
	case ir.Ret:
		if in.A.Kind != ir.NoVal && f.Type != nil && wideInt(f.Type.Elem) {
			c.into(f, in.A, c.retBase+int32(f.ID), false)
		} else {
			c.address(f, in.A)
		}
	case ir.Call:
		c.call(f, in, dst)
	case ir.Builtin, ir.Asm:
		if at, ok := ir.AtomicOf(in.Name); ok && in.Op == ir.Builtin {
			c.atomic(f, in, &at, dst)
			return
		}
		if wide {
			c.seed(dst, strongSeeds)
		}
		for i, a := range in.Args {
			c.seed(c.val(f, a), strongSeeds)
			if in.Op == ir.Asm || len(in.Name) > 2 && in.Name[:2] == "__" {
				var t *ctype.Type
				if i < len(in.ArgTypes) && in.ArgTypes[i] != nil && in.ArgTypes[i].Kind == ctype.Pointer {
					t = in.ArgTypes[i].Elem
				} else if a.Kind == ir.VReg {
					if p := f.Regs[a.ID].Type; p != nil && p.Kind == ctype.Pointer {
						t = p.Elem
					}
				}
				if wideInt(t) {
					c.seed(c.memory(f, a, t), strongSeeds)
				}
			}
			c.address(f, a)
		}
	}
}

// atomic is as the loads and stores that the builtin stands for.
func (c *carriers) atomic(f *ir.Func, in *ir.Instr, at *ir.Atomic, dst int32) {
	if !at.Reads && !at.Writes {
		return
	}
	t := in.ArgTypes[0].Elem
	obj := int32(none)
	if wideInt(t) {
		obj = c.memory(f, in.Args[0], t)
		if at.Result != ir.AtomicFlag {
			c.edge(obj, dst, at.Result == ir.AtomicNew)
		}
	}
	for i, v := range in.Args {
		if i == 0 {
			continue
		}
		switch role := at.Role(i); role {
		case ir.AtomicAside:
		case ir.AtomicValue:
			switch {
			case obj == none:
				c.seed(c.val(f, v), goesTo) // an amount that is added to a pointer
				c.address(f, v)
			default:
				c.into(f, v, obj, at.Op != "")
			}
		default:
			other := in.ArgTypes[i]
			if other == nil || other.Kind != ctype.Pointer || !wideInt(other.Elem) {
				c.seed(obj, strongSeeds) // another type of its size
				continue
			}
			o := c.memory(f, v, other.Elem)
			switch {
			case obj == none:
				c.seed(o, strongSeeds)
			case role == ir.AtomicFrom:
				c.edge(o, obj, false)
			default:
				c.edge(obj, o, false)
			}
		}
	}
}

// handedOn reports whether the address in r is used for more than accesses in
// f.
func (c *carriers) handedOn(f *ir.Func, r ir.Reg) bool {
	for _, i := range c.s.usesOf(f)[r] {
		switch in := &f.Instrs[i]; in.Op {
		case ir.Load, ir.Cmp, ir.Branch, ir.PtrDiff:
		case ir.IndexAddr, ir.Move:
			if c.handedOn(f, in.Dst) {
				return true
			}
		case ir.Store:
			if in.B.Kind == ir.VReg && in.B.ID == int32(r) {
				return true
			}
		default:
			return true
		}
	}
	return false
}

func (c *carriers) call(f *ir.Func, in *ir.Instr, dst int32) {
	var m *models.Model
	if in.A.Kind == ir.VFunc {
		m = c.s.modelOf(ir.FuncID(in.A.ID))
	}
	if m == nil || handsOn(m) || len(m.Copies) > 0 {
		for i, a := range in.Args {
			c.address(f, a)
			if i < len(in.ArgTypes) && intPtr(in.ArgTypes[i]) {
				// No conversion says so where a variable's address is passed.
				if t := c.pointed(f, a); t != nil {
					c.link(t, in.ArgTypes[i].Elem)
				}
			}
		}
	}
	wideArg := func(i int) bool { return i < len(in.ArgTypes) && wideInt(in.ArgTypes[i]) }
	if in.A.Kind != ir.VFunc {
		for i, a := range in.Args {
			if wideArg(i) {
				c.into(f, a, c.arg(i), false)
			}
		}
		if wideInt(in.Type) {
			c.edge(c.ret, dst, false)
		}
		return
	}
	g := c.s.prog.Funcs[in.A.ID]
	if g.Defined() {
		for i, a := range in.Args {
			switch {
			case i >= len(g.Params):
				c.seed(c.val(f, a), mayGoTo) // va_arg
			case wideArg(i):
				c.into(f, a, c.param(g, i), false)
			case !wideArg(i) && i < len(in.ArgTypes) && in.ArgTypes[i] != nil && carries(in.ArgTypes[i]):
				c.seed(c.param(g, i), cameFrom) // an old-style declaration's
			}
		}
		if wideInt(in.Type) {
			c.edge(c.retBase+int32(g.ID), dst, false)
		}
		return
	}
	if m != nil && !handsOn(m) {
		return
	}
	for i, a := range in.Args {
		if wideArg(i) && (m == nil || handsOnArg(m, i)) {
			c.seed(c.val(f, a), goesTo)
		}
	}
	if wideInt(in.Type) {
		c.seed(dst, cameFrom)
	}
}

// handsOn reports whether a function of model m may return or keep what it is
// given as an integer.
func handsOn(m *models.Model) bool {
	return len(m.Same)+len(m.Elem)+len(m.Returns)+len(m.Moves)+len(m.Puts)+len(m.Calls) > 0 || m.Slot != "" || m.Static || m.Alloc != nil && m.Alloc.Out == nil
}

// handsOnArg reports whether it may do so with argument i.
func handsOnArg(m *models.Model, i int) bool {
	if slices.Contains(m.Same, i) || slices.Contains(m.Returns, i) || slices.Contains(m.Elem, i) || slices.Contains(m.Keeps, i) {
		return true
	}
	for _, l := range [][][2]int{m.Moves, m.Puts} {
		for _, p := range l {
			if p[1] == i {
				return true
			}
		}
	}
	for k := range m.Calls {
		for _, a := range m.Calls[k].Pass {
			if a == i {
				return true
			}
		}
	}
	return false
}

// close spreads the bits along the edges.
func (c *carriers) close() {
	spread := func(from, to []int32, bit, strong uint8) {
		first := make([]int32, c.n+1)
		for _, v := range from {
			first[v+1]++
		}
		for i := range c.n {
			first[i+1] += first[i]
		}
		list := make([]int32, len(from))
		next := append([]int32(nil), first[:c.n]...)
		for e, v := range from {
			list[next[v]] = int32(e)
			next[v]++
		}
		var work []int32
		for v := range c.n {
			if c.bits[v]&(bit|strong) != 0 {
				work = append(work, v)
			}
		}
		for len(work) > 0 {
			v := work[len(work)-1]
			work = work[:len(work)-1]
			for _, e := range list[first[v]:first[v+1]] {
				add := c.bits[v] & (bit | strong)
				if c.arith[e] {
					add &= strong
				}
				if w := to[e]; add&^c.bits[w] != 0 {
					c.bits[w] |= add
					work = append(work, w)
				}
			}
		}
	}
	spread(c.from, c.to, mayComeFrom, cameFrom)
	spread(c.to, c.from, mayGoTo, goesTo)
	c.from, c.to, c.arith = nil, nil, nil
}

// holds reports whether register r of f may hold a pointer.
func (c *carriers) holds(f *ir.Func, r ir.Reg) bool {
	t := f.Regs[r].Type
	if !wideInt(t) {
		return carries(t)
	}
	b := c.bits[c.regBase[f.ID]+int32(r)]
	return b&strongSeeds != 0 || b&mayComeFrom != 0 && b&mayGoTo != 0
}

// at reports whether the integer of type t at address v may be a pointer.
func (c *carriers) at(f *ir.Func, v ir.Value, t *ctype.Type) bool {
	b := c.bits[c.memory(f, v, t)]
	return b&strongSeeds != 0 || b&mayComeFrom != 0 && b&mayGoTo != 0
}

// sumsAt reports whether a sum that is stored there may become a pointer again by a conversion.
func (c *carriers) sumsAt(f *ir.Func, v ir.Value, t *ctype.Type) bool {
	return c.bits[c.memory(f, v, t)]&goesTo != 0
}

// returns reports whether the sum in register r of f may become a pointer again by a
// conversion.
func (c *carriers) returns(f *ir.Func, r ir.Reg) bool {
	return !wideInt(f.Regs[r].Type) || c.bits[c.regBase[f.ID]+int32(r)]&goesTo != 0
}

// carriesTo reports whether what is made in register r of f, of type t, may be
// a pointer.
func (s *solver) carriesTo(f *ir.Func, r ir.Reg, t *ctype.Type) bool {
	return carries(t) && (r < 0 || !wideInt(t) || s.carrier.holds(f, r))
}

// carriesFrom reports whether operand v of type t may be a pointer.
func (s *solver) carriesFrom(f *ir.Func, v ir.Value, t *ctype.Type) bool {
	if !carries(t) {
		return false
	}
	return v.Kind != ir.VReg || !wideInt(t) || s.carrier.holds(f, ir.Reg(v.ID))
}
