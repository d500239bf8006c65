// Package descriptor says what a file descriptor is open on: a packet comes from a socket or a tunnel, a log goes to a file.
//
// Backward from where it is used to the calls that opened it: by registers, parameters (all
// callers), results, and memory by name: a variable, or a member of a kind of record, holds what is ever stored in it, by name or
// through a pointer to it, which is followed from where its address is taken into the procedures that get it. What can't be followed is
// not known, and whoever asks must suppose the worst.
package descriptor

import (
	"slices"
	"strings"

	"saz/frontend/ctype"
	"saz/ir"
	"saz/passes"
	"saz/passes/members"
	"saz/passes/pointer"
)

// Kinds of descriptors, as a set.
type Kinds uint8

const (
	Socket  Kinds = 1 << iota
	Pair          // one end of a socketpair: what the program's own processes tell each other
	Tunnel        // a device of the kernel's that hands over packets (/dev/net/tun)
	Control       // a netlink socket for interfaces, routes and events: the kernel's answers, no packets
	File
	Pipe
	Unknown
)

// Packets reports whether what is written to the descriptor are packets, for certain.
func (k Kinds) Packets() bool { return k != 0 && k&^(Socket|Pair|Tunnel) == 0 }

// A cell is where a descriptor is kept: a member of a kind of record, or a variable.
type cell struct {
	rec  *ctype.Record
	off  int64
	base ir.ValKind // VGlobal, VLocal
	f    ir.FuncID  // of the local
	id   int32
}

// put is something that is stored, or an address that goes somewhere.
type put struct {
	f *ir.Func
	v ir.Value
	i int32 // of an address: the instruction that uses it
}

// Descriptors answers for one program.
type Descriptors struct {
	c       *passes.Context
	pt      *pointer.Result
	stores  map[cell][]put
	escapes map[cell][]put
	uses    map[ir.FuncID][][]int32

	seenReg  map[regKey]bool
	seenCell map[cell]bool
	out      Kinds
	all      bool
	steps    int
}

type regKey struct {
	f ir.FuncID
	r int32
	p bool // the address that the register holds, not its value
}

// maxSteps bounds one search.
const maxSteps = 20000

// New looks at the stores of a program.
func New(c *passes.Context, pt *pointer.Result) *Descriptors {
	d := &Descriptors{c: c, pt: pt, stores: map[cell][]put{}, escapes: map[cell][]put{}, uses: map[ir.FuncID][][]int32{}}
	for _, f := range c.Prog.Funcs {
		for i := range f.Instrs {
			in := &f.Instrs[i]
			if in.Op == ir.Store && (in.Type == nil || in.Type.IsInteger()) {
				if k, ok := d.cell(f, in.A); ok {
					d.stores[k] = append(d.stores[k], put{f, in.B, int32(i)})
				}
			}
			// An address that is used for more than to load or store there.
			in.Operands(func(v *ir.Value) {
				if in.Op == ir.Load || in.Op == ir.Store && v == &in.A || in.Op == ir.FieldAddr || in.Op == ir.IndexAddr ||
					in.Op == ir.LifeStart || in.Op == ir.Cmp || in.Op == ir.Move || in.Op == ir.Conv || in.Op == ir.Zero || in.Op == ir.Copy {
					return
				}
				if k, ok := d.cell(f, *v); ok {
					d.escapes[k] = append(d.escapes[k], put{f, *v, int32(i)})
				}
			})
		}
	}
	return d
}

// Of says what descriptor v of f may be open on; if that is not known in full, what else it may be is not looked for.
func (d *Descriptors) Of(f *ir.Func, v ir.Value) Kinds {
	d.all = false
	return d.kinds(f, v)
}

// Any reports whether descriptor v of f may be one of kinds as far as that is known.
func (d *Descriptors) Any(f *ir.Func, v ir.Value, kinds Kinds) bool {
	d.all = true
	return d.kinds(f, v)&kinds != 0
}

// enough reports whether there is nothing more to be found out.
func (d *Descriptors) enough() bool { return d.out&Unknown != 0 && (!d.all || d.steps > maxSteps) }

func (d *Descriptors) kinds(f *ir.Func, v ir.Value) Kinds {
	d.seenReg, d.seenCell, d.out, d.steps = map[regKey]bool{}, map[cell]bool{}, 0, 0
	d.value(f, v)
	if d.out == 0 {
		return Unknown
	}
	return d.out
}

// cell names what is at an address.
func (d *Descriptors) cell(f *ir.Func, v ir.Value) (cell, bool) {
	for n := 0; n < 16; n++ {
		switch v.Kind {
		case ir.VGlobal:
			return cell{base: ir.VGlobal, f: -1, id: v.ID}, true
		case ir.VLocal:
			return cell{base: ir.VLocal, f: f.ID, id: v.ID}, true
		case ir.VReg:
		default:
			return cell{}, false
		}
		def := f.Regs[v.ID].Def
		if def < 0 {
			return cell{}, false
		}
		switch in := &f.Instrs[def]; in.Op {
		case ir.Move, ir.Conv, ir.IndexAddr:
			v = in.A
		case ir.FieldAddr:
			if in.Rec == nil {
				return cell{}, false
			}
			return cell{rec: d.c.Prog.Record(in.Rec), off: in.Off, f: -1}, true
		default:
			return cell{}, false
		}
	}
	return cell{}, false
}

func (d *Descriptors) value(f *ir.Func, v ir.Value) {
	if d.steps++; d.steps > maxSteps {
		d.out |= Unknown
	}
	if d.enough() {
		return
	}
	switch v.Kind {
	case ir.VInt:
		switch {
		case v.Off == 1 || v.Off == 2: // standard output, standard error
			d.out |= File
		case v.Off >= 0:
			d.out |= Unknown // what inetd hands over, or a number that somebody agreed on
		}
		return
	case ir.VReg:
	case ir.VUndef:
		return
	default:
		d.out |= Unknown
		return
	}
	k := regKey{f.ID, v.ID, false}
	if d.seenReg[k] {
		return
	}
	d.seenReg[k] = true
	r := &f.Regs[v.ID]
	if r.Def < 0 {
		if k := slices.Index(f.Params, r.Local); k >= 0 {
			d.given(f, k)
		}
		return // or not initialised
	}
	in := &f.Instrs[r.Def]
	switch in.Op {
	case ir.Move:
		d.value(f, in.A)
	case ir.Conv:
		if in.Opnd != nil && !in.Opnd.IsInteger() {
			d.out |= Unknown
			return
		}
		d.value(f, in.A)
	case ir.Phi:
		for _, a := range in.Args {
			d.value(f, a)
		}
	case ir.Load:
		d.load(f, in.A)
	case ir.Call:
		d.result(f, r.Def, in)
	default:
		d.out |= Unknown
	}
}

// given follows parameter k to what callers pass.
func (d *Descriptors) given(f *ir.Func, k int) {
	if f.ID == d.c.Prog.Entry {
		d.out |= Unknown
	}
	for _, r := range d.pt.Callers(f.ID) {
		g := d.c.Prog.Funcs[r.Func]
		in := &g.Instrs[r.I]
		if !slices.Contains(members.Of(d.c).Targets(g, in, d.pt.Callees(r)), f.ID) {
			if slices.ContainsFunc(d.pt.Callbacks(r), func(cb pointer.Callback) bool { return cb.Func == f.ID }) {
				d.out |= Unknown
			}
			continue
		}
		if k < len(in.Args) {
			d.value(g, in.Args[k])
		} else {
			d.out |= Unknown
		}
	}
}

// result follows what a call returns.
func (d *Descriptors) result(f *ir.Func, i int32, in *ir.Instr) {
	callees := members.Of(d.c).Targets(f, in, d.pt.Callees(ir.Ref{Func: f.ID, I: i}))
	if len(callees) == 0 {
		d.out |= Unknown
	}
	for _, t := range callees {
		g := d.c.Prog.Funcs[t]
		if g.Defined() {
			for b := range g.Blocks {
				if ret := g.Term(ir.BlockID(b)); ret.Op == ir.Ret && ret.A.Kind != ir.NoVal {
					d.value(g, ret.A)
				}
			}
			continue
		}
		m := d.pt.Model(t)
		if m == nil {
			d.out |= Unknown
			continue
		}
		switch {
		case m.Descriptor == "open" && m.At < len(in.Args):
			d.opened(f, in.Args, m.At, 0)
		case m.Name == "socket" && len(in.Args) == 3 && netlink(in.Args):
			d.out |= Control
		case m.Descriptor == "same" && len(in.Args) > 0:
			d.value(f, in.Args[0])
		default:
			d.kind(m.Descriptor)
		}
	}
}

func (d *Descriptors) kind(s string) {
	switch s {
	case "socket":
		d.out |= Socket
	case "pipe":
		d.out |= Pipe
	case "file":
		d.out |= File
	default:
		d.out |= Unknown
	}
}

// netlink reports whether a socket is one to talk to the kernel of what it is set to: AF_NETLINK, and of its protocols those for routes, events and
// generic messages. (NFQUEUE's packets come by another.)
func netlink(args []ir.Value) bool {
	const family, route, events, generic = 16, 0, 15, 16
	p := args[2]
	return args[0].Kind == ir.VInt && args[0].Off == family && p.Kind == ir.VInt && (p.Off == route || p.Off == events || p.Off == generic)
}

// path returns the text of a string literal, "" if v is none.
func (d *Descriptors) path(v ir.Value) string {
	if v.Kind != ir.VGlobal || v.Off != 0 || !d.c.Prog.Globals[v.ID].String {
		return ""
	}
	return d.c.Prog.Globals[v.ID].Data
}

func begins(s string, with ...string) bool {
	return slices.ContainsFunc(with, func(p string) bool { return strings.HasPrefix(s, p) })
}

// opened goes by the path and the flags of open(), argument at: a file is created, or opened for writing only; a device is there, and is read, too.
func (d *Descriptors) opened(f *ir.Func, args []ir.Value, at int, depth int) {
	const wronly, rdwr, creat, mode = 1, 2, 0o100, 3
	v := members.Strip(f, args[at])
	path := ""
	if at > 0 {
		path = d.path(members.Strip(f, args[at-1]))
	}
	switch {
	case begins(path, "/dev/net/tun", "/dev/tun", "/dev/tap"):
		d.out |= Tunnel
	case begins(path, "/dev/urandom", "/dev/random", "/proc/", "/sys/", "/etc/", "/var/"):
		d.out |= File
	case v.Kind == ir.VReg && f.Regs[v.ID].Def < 0 && slices.Contains(f.Params, f.Regs[v.ID].Local) && depth < 3: // a wrapper's
		k := slices.Index(f.Params, f.Regs[v.ID].Local)
		for _, r := range d.pt.Callers(f.ID) {
			g := d.c.Prog.Funcs[r.Func]
			if in := &g.Instrs[r.I]; k < len(in.Args) && in.A.Kind == ir.VFunc && ir.FuncID(in.A.ID) == f.ID {
				d.opened(g, in.Args, k, depth+1)
			} else {
				d.out |= Unknown
			}
		}
	case v.Kind != ir.VInt:
		d.out |= Unknown
	case v.Off&creat != 0 || v.Off&mode == wronly:
		d.out |= File
	case v.Off&mode == rdwr:
		d.out |= Unknown
	}
}

// load follows what is at an address.
func (d *Descriptors) load(f *ir.Func, at ir.Value) {
	if k, ok := d.cell(f, at); ok {
		d.from(k)
		return
	}
	locs := d.pt.PointsTo(f.ID, at)
	if len(locs) == 0 || len(locs) > 40 {
		d.out |= Unknown
		return
	}
	for _, l := range locs {
		o := &d.pt.Objects[l.Obj]
		if rec, off, ok := d.member(d.pt.TypeOf(l.Obj), l.Off); ok {
			d.from(cell{rec: rec, off: off, f: -1})
			continue
		}
		switch o.Kind {
		case pointer.Global:
			d.from(cell{base: ir.VGlobal, f: -1, id: int32(o.Global)})
		case pointer.Local:
			d.from(cell{base: ir.VLocal, f: o.Func, id: int32(o.Local)})
		default:
			d.out |= Unknown
		}
	}
}

// member finds the innermost record at off of an object of type t.
func (d *Descriptors) member(t *ctype.Type, at int32) (rec *ctype.Record, off int64, ok bool) {
	if at == pointer.Any {
		return nil, 0, false
	}
	x := int64(at)
	for t != nil {
		switch {
		case t.Kind == ctype.Array:
			n := ctype.SizeOf(t.Elem)
			if n <= 0 {
				return rec, off, ok
			}
			t, x = t.Elem, x%n
		case t.IsRecord() && t.Rec != nil:
			r := d.c.Prog.Record(t.Rec)
			var in *ctype.Field
			for i := range r.Fields {
				if fl := &r.Fields[i]; x >= fl.Off && x < fl.Off+max(ctype.SizeOf(fl.Type), 1) {
					in = fl
					break
				}
			}
			if in == nil {
				return nil, 0, false
			}
			rec, off, ok = r, in.Off, true
			t, x = in.Type, x-in.Off
		default:
			return rec, off, ok
		}
	}
	return rec, off, ok
}

// from follows what is ever stored in a cell.
func (d *Descriptors) from(k cell) {
	if d.seenCell[k] {
		return
	}
	d.seenCell[k] = true
	for _, s := range d.stores[k] {
		d.value(s.f, s.v)
	}
	for _, e := range d.escapes[k] {
		d.through(e.f, e.v, e.i)
	}
	if k.base == ir.VGlobal {
		for _, it := range d.c.Prog.Globals[k.id].Init {
			if it.Value.Kind != ir.VInt || it.Value.Off != 0 { // none yet
				d.value(nil, it.Value)
			}
		}
	}
}

// through follows an address v that instruction i of f uses.
func (d *Descriptors) through(f *ir.Func, v ir.Value, i int32) {
	if d.enough() {
		return
	}
	in := &f.Instrs[i]
	if in.Op != ir.Call {
		if in.Op != ir.Branch && in.Op != ir.Switch && in.Op != ir.PtrDiff {
			d.out |= Unknown // kept, returned, one of several: somebody may store there
		}
		return
	}
	for a := range in.Args {
		if in.Args[a] != v {
			continue
		}
		for _, t := range members.Of(d.c).Targets(f, in, d.pt.Callees(ir.Ref{Func: f.ID, I: i})) {
			g := d.c.Prog.Funcs[t]
			if g.Defined() {
				if a < len(g.Params) {
					d.param(g, a)
				} else {
					d.out |= Unknown
				}
				continue
			}
			m := d.pt.Model(t)
			switch {
			case m == nil:
				d.out |= Unknown
			case slices.Contains(m.Fills, a) && m.Name == "socketpair":
				d.out |= Pair
			case slices.Contains(m.Fills, a) && m.Descriptor != "":
				d.kind(m.Descriptor)
			case slices.Contains(m.Fills, a) && m.Name == "memset":
			case slices.Contains(m.Writes, a) || slices.Contains(m.Fills, a) || slices.Contains(m.Scatters, a) || slices.Contains(m.Keeps, a) || m.Escapes && a >= m.Varargs && m.Varargs > 0:
				d.out |= Unknown
			case len(m.Copies) > 0 && slices.ContainsFunc(m.Copies, func(p [2]int) bool { return p[0] == a }):
				d.out |= Unknown
			}
		}
	}
}

// param follows parameter k of f, which points at the cell in question.
func (d *Descriptors) param(f *ir.Func, k int) {
	l := f.Params[k]
	for r := range f.Regs {
		if f.Regs[r].Def < 0 && f.Regs[r].Local == l {
			d.pointer(f, ir.Reg(r))
		}
	}
	if !f.Locals[l].Lifted {
		d.out |= Unknown
	}
}

// pointer follows a register that holds the address of the cell.
func (d *Descriptors) pointer(f *ir.Func, r ir.Reg) {
	k := regKey{f.ID, int32(r), true}
	if d.seenReg[k] || d.enough() {
		return
	}
	d.seenReg[k] = true
	if d.uses[f.ID] == nil {
		d.uses[f.ID] = members.Uses(f)
	}
	for _, i := range d.uses[f.ID][r] {
		in := &f.Instrs[i]
		is := func(v ir.Value) bool { return v.Kind == ir.VReg && ir.Reg(v.ID) == r }
		switch in.Op {
		case ir.Load, ir.Cmp, ir.Branch, ir.Zero:
		case ir.Store:
			if is(in.B) {
				d.out |= Unknown
			} else if in.Type == nil || in.Type.IsInteger() {
				d.value(f, in.B)
			}
		case ir.FieldAddr: // a record: its members are cells of their own
		case ir.Move, ir.Conv, ir.IndexAddr, ir.Phi:
			if in.Dst >= 0 && (in.Op != ir.IndexAddr || is(in.A)) {
				d.pointer(f, in.Dst)
			}
		case ir.Copy:
		default:
			d.through(f, ir.RegVal(r), i)
		}
	}
}
