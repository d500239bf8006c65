package ir

import (
	"errors"
	"fmt"

	"saz/frontend/ctype"
)

// Verify checks the invariants of the IR of p and returns all violations
// joined, nil if there are none.
func Verify(p *Program) error {
	var errs []error
	for i, f := range p.Funcs {
		if f.ID != FuncID(i) {
			errs = append(errs, fmt.Errorf("func %s: id %d at index %d", f.Name, f.ID, i))
		}
		if err := VerifyFunc(p, f); err != nil {
			errs = append(errs, err)
		}
	}
	for i, g := range p.Globals {
		if g.ID != GlobalID(i) {
			errs = append(errs, fmt.Errorf("global %s: id %d at index %d", g.Name, g.ID, i))
		}
		last := int64(0)
		for k := range g.Init {
			it := &g.Init[k]
			if it.Off < last {
				errs = append(errs, fmt.Errorf("global %s: initialisers out of order at +%d", g.Name, it.Off))
			}
			last = it.Off
			if it.Off < 0 || g.Size >= 0 && it.Off > g.Size {
				errs = append(errs, fmt.Errorf("global %s: initialiser at +%d of %d bytes", g.Name, it.Off, g.Size))
			}
			if err := globalRef(p, it.Value); err != nil {
				errs = append(errs, fmt.Errorf("global %s +%d: %w", g.Name, it.Off, err))
			}
		}
	}
	return errors.Join(errs...)
}

func globalRef(p *Program, v Value) error {
	switch v.Kind {
	case VGlobal:
		if v.ID < 0 || int(v.ID) >= len(p.Globals) {
			return fmt.Errorf("no global %d", v.ID)
		}
	case VFunc:
		if v.ID < 0 || int(v.ID) >= len(p.Funcs) {
			return fmt.Errorf("no function %d", v.ID)
		}
	}
	return nil
}

type verifier struct {
	p    *Program
	f    *Func
	errs []error
}

func (v *verifier) errorf(i int32, format string, args ...any) {
	if len(v.errs) > 20 {
		return
	}
	where := fmt.Sprintf("func %s", v.f.Name)
	if i >= 0 && int(i) < len(v.f.Instrs) {
		where += fmt.Sprintf(" b%d: %s", v.f.Instrs[i].Block, FormatInstr(v.p, v.f, &v.f.Instrs[i]))
	}
	v.errs = append(v.errs, fmt.Errorf("%s: %s", where, fmt.Sprintf(format, args...)))
}

// VerifyFunc checks one function.
func VerifyFunc(p *Program, f *Func) error {
	v := &verifier{p: p, f: f}
	for i := range f.Locals {
		if f.Locals[i].ID != LocalID(i) {
			v.errorf(-1, "local %d has id %d", i, f.Locals[i].ID)
		}
	}
	for _, id := range f.Params {
		if id < 0 || int(id) >= len(f.Locals) || !f.Locals[id].Param {
			v.errorf(-1, "parameter %d is no local, or not marked as one", id)
		}
	}
	if len(f.Blocks) == 0 {
		return errors.Join(v.errs...)
	}
	v.graph()
	if len(v.errs) == 0 {
		v.instrs()
		v.defs()
	}
	return errors.Join(v.errs...)
}

// graph checks blocks and edges.
func (v *verifier) graph() {
	f := v.f
	at := int32(0)
	n := BlockID(len(f.Blocks))
	type edge struct{ a, b BlockID }
	edges := map[edge]int{}
	for i := range f.Blocks {
		b := &f.Blocks[i]
		if b.Lo != at || b.Hi <= b.Lo || int(b.Hi) > len(f.Instrs) {
			v.errorf(-1, "b%d is [%d,%d), expected to start at %d", i, b.Lo, b.Hi, at)
			return
		}
		at = b.Hi
		for k := b.Lo; k < b.Hi; k++ {
			if f.Instrs[k].Op.IsTerminator() != (k == b.Hi-1) {
				v.errorf(k, "a terminator must end its block, and only that")
			}
			if f.Instrs[k].Block != BlockID(i) {
				v.errorf(k, "is in b%d", i)
			}
		}
		want := -1
		t := &f.Instrs[b.Hi-1]
		switch t.Op {
		case Jump:
			want = 1
		case Branch:
			want = 2
		case Switch:
			want = len(t.Cases) + 1
		case Ret, Unreachable:
			want = 0
		}
		if want >= 0 && len(b.Succs) != want {
			v.errorf(b.Hi-1, "%d successors, want %d", len(b.Succs), want)
		}
		for _, s := range b.Succs {
			if s < 0 || s >= n {
				v.errorf(b.Hi-1, "no block b%d", s)
				return
			}
			edges[edge{BlockID(i), s}] = 1
		}
		for _, p := range b.Preds {
			if p < 0 || p >= n {
				v.errorf(b.Lo, "no predecessor b%d", p)
				return
			}
		}
	}
	if len(f.Blocks[0].Preds) > 0 {
		v.errorf(-1, "the entry block has predecessors")
	}
	if int(at) != len(f.Instrs) {
		v.errorf(-1, "%d instructions after the last block", len(f.Instrs)-int(at))
	}
	for i := range f.Blocks {
		seen := map[BlockID]bool{}
		for _, p := range f.Blocks[i].Preds {
			if seen[p] {
				v.errorf(-1, "b%d lists predecessor b%d twice", i, p)
			}
			seen[p] = true
			e := edge{p, BlockID(i)}
			if edges[e] == 0 {
				v.errorf(-1, "b%d lists b%d as predecessor, which does not lead there", i, p)
			}
			delete(edges, e)
		}
	}
	for e := range edges {
		v.errorf(-1, "b%d leads to b%d, which does not list it", e.a, e.b)
	}
}

// instrs checks each instruction by itself.
func (v *verifier) instrs() {
	f := v.f
	ntok := int32(-1)
	if int(f.Unit) < len(v.p.Units) && f.Unit >= 0 && v.p.Units[f.Unit].AST != nil && v.p.Units[f.Unit].AST.Cpp != nil {
		ntok = int32(len(v.p.Units[f.Unit].AST.Tokens()))
	}
	for i := range f.Instrs {
		k := int32(i)
		in := &f.Instrs[i]
		if in.Stmt < -1 || int(in.Stmt) >= len(f.Stmts) {
			v.errorf(k, "statement %d of %d", in.Stmt, len(f.Stmts))
		}
		if in.Pos.Tok >= 0 && ntok >= 0 && (in.Pos.Tok > in.Pos.End || in.Pos.End > ntok) {
			v.errorf(k, "tokens [%d,%d) of %d", in.Pos.Tok, in.Pos.End, ntok)
		}
		in.Operands(func(o *Value) { v.operand(k, o) })
		v.shape(k, in)
	}
}

func (v *verifier) operand(i int32, o *Value) {
	bad := false
	switch o.Kind {
	case VReg:
		bad = o.ID < 0 || int(o.ID) >= len(v.f.Regs)
	case VLocal:
		bad = o.ID < 0 || int(o.ID) >= len(v.f.Locals)
		if !bad && v.f.Locals[o.ID].Lifted {
			v.errorf(i, "address of a lifted local")
		}
	case VLabel:
		bad = o.ID < 0 || int(o.ID) >= len(v.f.Blocks)
	case VGlobal, VFunc:
		bad = globalRef(v.p, *o) != nil
	case VInt, VFloat, VUndef:
	default:
		v.errorf(i, "operand of kind %d", o.Kind)
	}
	if bad {
		v.errorf(i, "operand names %d, which does not exist", o.ID)
	}
}

// shape checks that an instruction has the operands and types of its op.
func (v *verifier) shape(i int32, in *Instr) {
	need := func(ok bool, what string) {
		if !ok {
			v.errorf(i, "needs %s", what)
		}
	}
	dst := func() { need(in.Dst >= 0 && int(in.Dst) < len(v.f.Regs), "a result") }
	a := func() { need(in.A.Kind != NoVal, "operand A") }
	ab := func() { a(); need(in.B.Kind != NoVal, "operand B") }
	typ := func() { need(in.Type != nil, "a type") }
	scalar := func() {
		typ()
		if in.Type != nil && !(in.Type.IsScalar() || in.Type.Kind == ctype.Vector) {
			v.errorf(i, "type %s is not held in registers", in.Type)
		}
	}
	switch in.Op {
	case Load:
		dst()
		a()
		scalar()
	case LoadBits:
		dst()
		a()
		scalar()
		need(in.Field != nil && in.Field.BitField, "a bit-field")
	case Store:
		ab()
		scalar()
	case StoreBits:
		ab()
		scalar()
		need(in.Field != nil && in.Field.BitField, "a bit-field")
	case Copy:
		ab()
		typ()
	case Zero:
		a()
		typ()
	case FieldAddr:
		dst()
		a()
		need(in.Rec != nil, "a record")
	case IndexAddr:
		dst()
		ab()
		need(in.Opnd != nil && in.Opnd.IsInteger(), "the type of its index")
		need(in.Off >= 0 || in.Off == -1 && len(in.Args) == 1, "an element size")
	case Bin:
		dst()
		ab()
		scalar()
	case Cmp:
		dst()
		ab()
		need(in.Opnd != nil, "an operand type")
	case Un:
		dst()
		a()
		scalar()
	case Conv:
		dst()
		a()
		scalar()
		need(in.Opnd != nil, "an operand type")
	case PtrDiff:
		dst()
		ab()
		need(in.Off >= 0 || in.Off == -1 && len(in.Args) == 1, "an element size")
	case Move:
		dst()
		a()
		scalar()
	case Phi:
		dst()
		scalar()
		b := &v.f.Blocks[in.Block]
		if len(in.Args) != len(b.Preds) {
			v.errorf(i, "%d operands, %d predecessors", len(in.Args), len(b.Preds))
		}
		if i > b.Lo && v.f.Instrs[i-1].Op != Phi {
			v.errorf(i, "phis must come first")
		}
	case Alloca:
		dst()
		a()
	case Call:
		a()
		need(in.Opnd != nil && in.Opnd.Kind == ctype.Func, "the function type")
		need(len(in.Args) == len(in.ArgTypes), "a type for each argument")
		if in.Type != nil && in.Type.IsRecord() {
			need(in.B.Kind != NoVal, "a place for its result")
		}
	case Builtin:
		need(in.Name != "", "a name")
		need(len(in.Args) == len(in.ArgTypes), "a type for each argument")
	case Asm:
		need(in.Asm != nil, "its asm")
	case LifeStart:
		need(in.A.Kind == VLocal, "a local")
	case Branch, Switch:
		a()
		need(in.Opnd != nil, "an operand type")
	case IndirectJump:
		a()
	case Jump, Ret, Unreachable:
	default:
		v.errorf(i, "unknown op %d", in.Op)
	}
	switch in.Op {
	case Store, StoreBits, Copy, Zero, LifeStart, Jump, Branch, Switch, IndirectJump, Ret, Unreachable, Asm:
		need(in.Dst == NoReg, "no result")
	}
}

// defs checks that each register has one definition, which dominates its uses.
func (v *verifier) defs() {
	f := v.f
	def := make([]int32, len(f.Regs))
	for i := range def {
		def[i] = -1
	}
	for i := range f.Instrs {
		d := f.Instrs[i].Dst
		if d < 0 {
			continue
		}
		if int(d) >= len(def) {
			v.errorf(int32(i), "no register r%d", d)
			return
		}
		if def[d] >= 0 {
			v.errorf(int32(i), "r%d is defined twice", d)
		}
		def[d] = int32(i)
	}
	param := map[LocalID]bool{}
	for r := range f.Regs {
		if f.Regs[r].Def != def[r] {
			v.errorf(def[r], "r%d: Def is %d, defined at %d", r, f.Regs[r].Def, def[r])
		}
		if def[r] >= 0 {
			continue
		}
		l := f.Regs[r].Local
		if l < 0 || !f.Locals[l].Param || param[l] {
			v.errorf(-1, "r%d has no definition and is no parameter's value", r)
			continue
		}
		param[l] = true
	}
	dom := Dominators(f)
	use := func(o *Value, i int32, b BlockID, at int32) {
		if o.Kind != VReg {
			return
		}
		d := def[o.ID]
		if d < 0 {
			return
		}
		db := f.Instrs[d].Block
		if db == b && d < at || db != b && dom.Dominates(db, b) {
			return
		}
		v.errorf(i, "r%d is used where its definition in b%d does not reach", o.ID, db)
	}
	for i := range f.Instrs {
		in := &f.Instrs[i]
		if in.Op == Phi {
			for k, p := range f.Blocks[in.Block].Preds {
				if k < len(in.Args) {
					use(&in.Args[k], int32(i), p, f.Blocks[p].Hi)
				}
			}
			continue
		}
		in.Operands(func(o *Value) { use(o, int32(i), in.Block, int32(i)) })
	}
}
