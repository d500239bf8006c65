package sdg

import (
	"saz/ir"
	"saz/passes/modref"
)

// Most nodes are instructions that are no calls. A traversal of a large program comes to all of them, in no order, so
// what it needs of one is kept apart from the instruction itself, which is many times as large: which register it sets, what defines
// its operands, what decides whether its block runs.
type plain struct {
	of        []plainInstr // by instruction, and one behind the last
	defs      []Node       // of operands, in order; calls have none here
	ctrlStart []int32      // by block, counted over all
	ctrl      []Node       // branches that decide, and the entry of the procedure if nothing does
}

// A plainInstr is in one line of the processor's cache.
type plainInstr struct {
	dst   int32 // the register that it sets, counted over all, -1 none
	def   int32 // its first in defs
	block int32 // counted over all
	fn    ir.FuncID
	part  modref.PartID // what it reads or writes, if it is alone
	flags uint32
}

// Flags of an instruction: what else there is to it.
const (
	returns  = 1 << iota // it hands a value to callers
	branches             // others depend on it
	merges               // a phi: on how control came
	starts               // va_start
	reads                // memory
	writes
	alone   // just one part of it
	guarded // it is a load with a guard
	calls   // it is a call
	records // with arguments that are records
)

// indexPlain is called when calls, uses and functions are known, and of each instruction its procedure and block.
func (g *Graph) indexPlain() {
	p := &g.plain
	p.ctrlStart = make([]int32, g.blocks+1)
	for _, f := range g.prog.Funcs {
		base := g.base[f.ID]
		add := func(to Node, _ Kind, _ Way) { p.defs = append(p.defs, to) }
		for i := range f.Instrs {
			in, id := &f.Instrs[i], base+int32(i)
			x := &p.of[id]
			x.dst, x.def = -1, int32(len(p.defs))
			if in.Dst >= 0 {
				x.dst = g.regBase[f.ID] + int32(in.Dst)
			}
			if g.callOf[id] >= 0 {
				x.flags |= calls
			} else {
				g.def(f, in.A, Data, Same, add)
				g.def(f, in.B, Data, Same, add)
				for _, v := range in.Args {
					g.def(f, v, Data, Same, add)
				}
			}
			ref := ir.Ref{Func: f.ID, I: int32(i)}
			read, written := g.mr.ReadParts(ref), g.mr.WriteParts(ref)
			if len(read) > 0 {
				x.flags |= reads
				x.part = read[0]
			}
			if len(written) > 0 {
				x.flags |= writes
				x.part = written[0]
			}
			if len(read)+len(written) == 1 {
				x.flags |= alone
			}
			for j := range in.ArgTypes {
				if _, ok := g.mr.ArgPart(ref, j); ok {
					x.flags |= records
				}
			}
			switch {
			case in.Op == ir.Ret:
				if in.A.Kind != ir.NoVal {
					x.flags |= returns
				}
			case in.Op.IsTerminator():
				x.flags |= branches
			case in.Op == ir.Phi:
				x.flags |= merges
			case in.Op == ir.Builtin && in.Name == "va_start":
				x.flags |= starts
			}
		}
		p.of[g.n].def = int32(len(p.defs))
		fn := &g.funcs[f.ID]
		for b := range f.Blocks {
			for _, c := range fn.ctrl[b] {
				p.ctrl = append(p.ctrl, Node(base+f.Blocks[c].Hi-1))
			}
			if fn.root[b] {
				p.ctrl = append(p.ctrl, g.entry(f.ID))
			}
			p.ctrlStart[g.blockBase[f.ID]+int32(b)+1] = int32(len(p.ctrl))
		}
	}
}

// plainSuccs is succs for an instruction that is no call.
func (g *Graph) plainSuccs(id int32, wk *Walk, emit Emit) {
	p := &g.plain
	x := &p.of[id]
	if x.dst >= 0 {
		g.usesOfReg(x.fn, x.dst, emit)
	}
	if x.flags&(writes|returns|branches) == 0 {
		return
	}
	ref := ir.Ref{Func: x.fn, I: id - g.base[x.fn]}
	f := g.prog.Funcs[x.fn]
	g.writtenBy(id, ref, wk, emit)
	switch {
	case x.flags&returns != 0:
		for _, e := range g.graph.In(f.ID) {
			if e.Callback {
				emit(g.Of(e.Site), Returned, Up)
			} else {
				emit(g.result(int32(g.Of(e.Site))), Returned, Up)
			}
		}
	case x.flags&branches != 0:
		fn := &g.funcs[f.ID]
		b := f.Instrs[ref.I].Block
		if len(f.Blocks[b].Succs) > 1 {
			for _, d := range fn.controls[b] {
				g.block(f, d, emit)
			}
		}
		for _, d := range f.Blocks[b].Succs {
			for i := f.Blocks[d].Lo; i < f.Blocks[d].Hi && p.of[g.base[f.ID]+i].flags&merges != 0; i++ {
				emit(Node(g.base[f.ID]+i), Control, Same)
			}
		}
	}
}

// plainPreds is preds for an instruction that is no call.
func (g *Graph) plainPreds(id int32, wk *Walk, local bool, emit Emit) {
	p := &g.plain
	x := &p.of[id]
	if b := x.block; wk == nil || wk.enters(b) {
		for _, n := range p.ctrl[p.ctrlStart[b]:p.ctrlStart[b+1]] {
			emit(n, Control, Same)
		}
	}
	for _, n := range p.defs[x.def:p.of[id+1].def] {
		emit(n, Data, Same)
	}
	if x.flags&(merges|reads|starts) == 0 {
		return
	}
	fid := x.fn
	ref := ir.Ref{Func: fid, I: id - g.base[fid]}
	if x.flags&merges != 0 {
		f := g.prog.Funcs[fid]
		for _, b := range f.Blocks[f.Instrs[ref.I].Block].Preds {
			emit(Node(g.base[fid]+f.Blocks[b].Hi-1), Control, Same)
		}
	}
	g.readBy(id, ref, wk, local, emit)
	if !local && x.flags&starts != 0 {
		for _, e := range g.graph.In(fid) {
			c := &g.prog.Funcs[e.Site.Func].Instrs[e.Site.I]
			for j := len(g.prog.Funcs[fid].Params); j < len(c.Args); j++ {
				g.argDefs(wk, e.Site, j, Passed, Up, false, emit)
			}
		}
	}
}

// readBy emits what may write what instruction id reads.
func (g *Graph) readBy(id int32, ref ir.Ref, wk *Walk, local bool, emit Emit) {
	x := &g.plain.of[id]
	var k *guard
	if x.flags&guarded != 0 {
		k = g.guard[id]
	}
	switch {
	case x.flags&reads == 0:
	case x.flags&alone != 0:
		g.writersOf(wk, g.accessOf(x.fn, ref.I, x.part, k), local, emit)
	default:
		for _, p := range g.mr.ReadParts(ref) {
			g.writersOf(wk, g.accessOf(x.fn, ref.I, p, k), local, emit)
		}
	}
}

// writtenBy emits what may read what instruction id writes.
func (g *Graph) writtenBy(id int32, ref ir.Ref, wk *Walk, emit Emit) {
	x := &g.plain.of[id]
	switch {
	case x.flags&writes == 0:
	case x.flags&alone != 0:
		g.readersOf(wk, g.accessOf(x.fn, ref.I, x.part, nil), false, emit)
	default:
		for _, p := range g.mr.WriteParts(ref) {
			g.readersOf(wk, g.accessOf(x.fn, ref.I, p, nil), false, emit)
		}
	}
}
