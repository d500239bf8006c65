// Package members says what is ever stored in a member of a kind of record.
package members

import (
	"slices"

	"saz/frontend/ctype"
	"saz/ir"
	"saz/passes"
	"saz/passes/pointer"
)

// A Table narrows what a pointer may point at that was loaded from a field of a record: to what is ever stored in that field of such
// a record, if its address goes nowhere but into loads and stores. The pointer analysis goes by bytes, so that one
// store whose place it does not know reaches the fields of many records; C's effective types say that it doesn't. That suffices to tell one
// general table from another, which are the same code; no verdict about updates rests on it.
type Table struct {
	c       *passes.Context
	pt      *pointer.Result
	stores  map[fieldKey][]storeAt
	initial map[fieldKey][]pointer.ObjID // what variables begin with
	escaped map[fieldKey]bool
	memo    map[fieldKey][]pointer.ObjID
	funcs   map[fieldKey]map[ir.FuncID]bool
}

// Pass makes the one table of a program.
var Pass = &passes.Pass{
	Name:     "members",
	Doc:      "what is ever stored in a member of a kind of record",
	Requires: []*passes.Pass{pointer.Pass},
	Run:      func(c *passes.Context) (any, error) { return New(c), nil },
}

// Of returns it.
func Of(c *passes.Context) *Table { return c.Result(Pass).(*Table) }

type fieldKey struct {
	rec *ctype.Record
	off int64
}

type storeAt struct {
	f  *ir.Func
	at ir.Value // the record
	v  ir.Value
}

// New looks at all stores to pointer fields.
func New(c *passes.Context) *Table {
	x := &Table{c: c, pt: pointer.Of(c), stores: map[fieldKey][]storeAt{}, initial: map[fieldKey][]pointer.ObjID{}, escaped: map[fieldKey]bool{},
		memo: map[fieldKey][]pointer.ObjID{}, funcs: map[fieldKey]map[ir.FuncID]bool{}}
	for _, g := range c.Prog.Globals {
		for i := range g.Init {
			o := pointer.ObjID(-1)
			switch v := g.Init[i].Value; v.Kind {
			case ir.VGlobal:
				o = pointer.ObjID(v.ID)
			case ir.VFunc:
				o = x.pt.FuncObj(ir.FuncID(v.ID))
			default:
				continue
			}
			if k, ok := x.at(g.Type, g.Init[i].Off); ok {
				x.initial[k] = append(x.initial[k], o)
			}
		}
	}
	for _, f := range c.Prog.Funcs {
		var uses [][]int32
		for i := range f.Instrs {
			in := &f.Instrs[i]
			if in.Op != ir.FieldAddr || in.Rec == nil || in.Field == nil || in.Field.Type.Kind != ctype.Pointer {
				continue
			}
			if uses == nil {
				uses = Uses(f)
			}
			k := fieldKey{c.Prog.Record(in.Rec), in.Off}
			for _, j := range uses[in.Dst] {
				u := &f.Instrs[j]
				isA := u.A.Kind == ir.VReg && ir.Reg(u.A.ID) == in.Dst
				isB := u.B.Kind == ir.VReg && ir.Reg(u.B.ID) == in.Dst
				switch {
				case u.Op == ir.Load, u.Op == ir.Cmp, u.Op == ir.Branch:
				case u.Op == ir.Store && isA && !isB:
					x.stores[k] = append(x.stores[k], storeAt{f, in.A, u.B})
				default:
					x.escaped[k] = true
				}
			}
		}
	}
	return x
}

// at returns the field of the innermost record of a variable of type t that begins at off.
func (x *Table) at(t *ctype.Type, off int64) (k fieldKey, ok bool) {
	for {
		switch {
		case t == nil:
			return k, false
		case t.Kind == ctype.Array:
			n := ctype.SizeOf(t.Elem)
			if n <= 0 {
				return k, false
			}
			t, off = t.Elem, off%n
		case t.IsRecord() && t.Rec != nil:
			rec := x.c.Prog.Record(t.Rec)
			var inner *ctype.Type
			for i := range rec.Fields {
				fl := &rec.Fields[i]
				open := fl.Type.Kind == ctype.Array && ctype.SizeOf(fl.Type) <= 0 && i == len(rec.Fields)-1
				if off >= fl.Off && (open || off < fl.Off+max(ctype.SizeOf(fl.Type), 1)) {
					k, ok = fieldKey{rec, fl.Off}, true
					inner = fl.Type
					if !rec.Union || inner.Kind == ctype.Pointer {
						break
					}
				}
			}
			if inner == nil {
				return k, false
			}
			t, off = inner, off-k.off
		default:
			return k, ok && t.Kind == ctype.Pointer && off == 0
		}
	}
}

// Targets narrows what the call in of f may reach, all by the points-to sets: to the functions that are ever stored in the field that
// the pointer to the function was loaded from. Where none is, something else is amiss, and it says nothing.
func (x *Table) Targets(f *ir.Func, in *ir.Instr, all []ir.FuncID) []ir.FuncID {
	if out := x.Possible(f, in, all); len(out) > 0 {
		return out
	}
	return all
}

// Possible is the same where nothing may come out: a field that holds NULL.
func (x *Table) Possible(f *ir.Func, in *ir.Instr, all []ir.FuncID) []ir.FuncID {
	if in.A.Kind != ir.VReg || len(all) == 0 {
		return all
	}
	ld := Def(f, in.A)
	if ld == nil || ld.Op != ir.Load {
		return all
	}
	at := Def(f, ld.A)
	if at == nil || at.Op != ir.FieldAddr || at.Rec == nil || at.Rec.Union {
		return all
	}
	k := fieldKey{x.c.Prog.Record(at.Rec), at.Off}
	set, ok := x.funcs[k]
	if !ok {
		if list := x.stored(k); list != nil {
			set = map[ir.FuncID]bool{}
			for _, o := range list {
				if obj := &x.pt.Objects[o]; obj.Kind == pointer.Func {
					set[obj.Func] = true
				} else if o == x.pt.UnknownObj() {
					set = nil
					break
				}
			}
		}
		x.funcs[k] = set
	}
	if set == nil {
		return all
	}
	var out []ir.FuncID
	for _, t := range all {
		if set[t] {
			out = append(out, t)
		}
	}
	return out
}

// stored returns the objects that pointers in a field may point at; nil: not known.
func (x *Table) stored(k fieldKey) []pointer.ObjID {
	if out, ok := x.memo[k]; ok || x.escaped[k] {
		return out
	}
	out := []pointer.ObjID{}
	for _, s := range x.stores[k] {
		for _, l := range x.pt.PointsTo(s.f.ID, s.v) {
			out = append(out, l.Obj)
		}
	}
	out = append(out, x.initial[k]...)
	slices.Sort(out)
	out = slices.Compact(out)
	x.memo[k] = out
	return out
}

// A Store is one to a field.
type Store struct {
	Func *ir.Func
	Addr ir.Value // where: in a record
	Val  ir.Value
}

// Stores returns all stores to the field that v of f was loaded from; ok: there are no others.
func (x *Table) Stores(f *ir.Func, v ir.Value) (list []Store, ok bool) {
	ld := Def(f, v)
	if ld == nil || ld.Op != ir.Load {
		return nil, false
	}
	at := Def(f, ld.A)
	if at == nil || at.Op != ir.FieldAddr || at.Rec == nil {
		return nil, false
	}
	k := fieldKey{x.c.Prog.Record(at.Rec), at.Off}
	if x.escaped[k] {
		return nil, false
	}
	for _, s := range x.stores[k] {
		list = append(list, Store{s.f, s.at, s.v})
	}
	return list, true
}

// Objects returns the objects that v of f may point at.
func (x *Table) Objects(f *ir.Func, v ir.Value) []pointer.ObjID {
	var out []pointer.ObjID
	for _, l := range x.pt.PointsTo(f.ID, v) {
		if len(out) == 0 || out[len(out)-1] != l.Obj {
			out = append(out, l.Obj)
		}
	}
	ld := Def(f, v)
	if ld == nil || ld.Op != ir.Load {
		return out
	}
	at := Def(f, ld.A)
	if at == nil || at.Op != ir.FieldAddr || at.Rec == nil {
		return out
	}
	return x.narrow(fieldKey{x.c.Prog.Record(at.Rec), at.Off}, out)
}

func (x *Table) narrow(k fieldKey, objs []pointer.ObjID) []pointer.ObjID {
	set := x.stored(k)
	if set == nil {
		return objs
	}
	return slices.DeleteFunc(objs, func(o pointer.ObjID) bool { _, ok := slices.BinarySearch(set, o); return !ok })
}

// In narrows what stands at off of a record.
func (x *Table) In(rec *ctype.Record, off int64, objs []pointer.ObjID) []pointer.ObjID {
	for {
		var inner *ctype.Field
		for i := range rec.Fields {
			if fl := &rec.Fields[i]; off >= fl.Off && off < fl.Off+max(ctype.SizeOf(fl.Type), 1) {
				inner = fl
			}
		}
		if inner == nil || rec.Union {
			return objs
		}
		if inner.Type.Kind != ctype.Struct || inner.Type.Rec == nil {
			if inner.Type.Kind == ctype.Pointer && inner.Off == off {
				return x.narrow(fieldKey{rec, off}, objs)
			}
			return objs
		}
		rec, off = x.c.Prog.Record(inner.Type.Rec), off-inner.Off
	}
}

// Strip goes back over moves and conversions.
func Strip(f *ir.Func, v ir.Value) ir.Value {
	for d := 0; v.Kind == ir.VReg && d < 32; d++ {
		def := f.Regs[v.ID].Def
		if def < 0 {
			return v
		}
		if in := &f.Instrs[def]; in.Op == ir.Move || in.Op == ir.Conv {
			v = in.A
			continue
		}
		return v
	}
	return v
}

// Base takes an address apart into a base and an offset: the fields of records on the way.
func Base(f *ir.Func, v ir.Value) (base ir.Value, off int64) {
	for v.Kind == ir.VReg && f.Regs[v.ID].Def >= 0 {
		in := &f.Instrs[f.Regs[v.ID].Def]
		if in.Op != ir.FieldAddr && in.Op != ir.Move {
			break
		}
		if in.Op == ir.FieldAddr {
			off += in.Off
		}
		v = in.A
	}
	return ir.Value{Kind: v.Kind, ID: v.ID, Off: v.Off}, off
}

// Def returns the instruction that computes v, moves and conversions aside.
func Def(f *ir.Func, v ir.Value) *ir.Instr {
	v = Strip(f, v)
	if v.Kind != ir.VReg || f.Regs[v.ID].Def < 0 {
		return nil
	}
	return &f.Instrs[f.Regs[v.ID].Def]
}

// Uses lists the instructions that use each register of f.
func Uses(f *ir.Func) [][]int32 {
	uses := make([][]int32, len(f.Regs))
	each := func(note func(r, i int32)) {
		for i := range f.Instrs {
			f.Instrs[i].Operands(func(v *ir.Value) {
				if v.Kind == ir.VReg {
					note(v.ID, int32(i))
				}
			})
		}
	}
	count, total := make([]int32, len(f.Regs)), int32(0)
	each(func(r, _ int32) { count[r]++; total++ })
	list := make([]int32, total)
	for r, n := range count {
		uses[r], list = list[:0:n], list[n:]
	}
	each(func(r, i int32) { uses[r] = append(uses[r], i) })
	return uses
}
