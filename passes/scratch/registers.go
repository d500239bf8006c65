package scratch

import (
	"slices"

	"saz/ir"
	"saz/passes"
	"saz/passes/persist"
	"saz/passes/pointer"
)

// registers decides for locals that are registers: a version that is live at a
// start of a packet carries a value there.
func (a *analysis) registers(starts []start, res *Result) {
	byProc := map[ir.FuncID][]persist.VarID{}
	for i := range a.ps.Vars {
		v := &a.ps.Vars[i]
		if _, ok := a.up.Updateable[v.ID]; ok && v.Obj < 0 && v.Local >= 0 {
			byProc[v.Proc] = append(byProc[v.Proc], v.ID)
		}
	}
	for fid, ids := range byProc {
		f := a.c.Prog.Funcs[fid]
		live := map[ir.LocalID]bool{}
		var points []liveAt
		for _, s := range starts {
			if s.f != fid || s.after {
				continue
			}
			switch {
			case s.at >= 0:
				at := liveAt{f.Instrs[s.at].Block, s.at}
				if s.caller {
					at.i++
				}
				points = append(points, at)
			case s.reset:
				for _, h := range loopHeads(f) {
					points = append(points, liveAt{h, f.Blocks[h].Lo})
				}
			}
		}
		if points == nil {
			continue
		}
		liveLocals(f, points, live)
		for _, id := range ids {
			v := &a.ps.Vars[id]
			if !live[v.Local] {
				res.Scratch[id] = []passes.Why{{Pos: v.Pos, Text: "its value is not used again once the next packet is received"}}
			}
		}
	}
}

// keep takes back that variables are scratch through which alone, but for pointers in registers, the pass update saw
// memory on the heap that packets write: those pointers own nothing because of them (update.Owners).
func (a *analysis) keep(res *Result) {
	own := map[pointer.ObjID]bool{}
	for i := range a.ps.Vars {
		if o := a.ps.Vars[i].Obj; o >= 0 {
			own[o] = true
		}
	}
	asked := map[pointer.ObjID]bool{}
	for i := range a.up.Updates {
		for _, l := range a.up.Updates[i].Locs {
			if asked[l.Obj] || own[l.Obj] || !a.up.Owners.Seen(l.Obj) {
				continue
			}
			asked[l.Obj] = true
			owners := a.up.Owners.Of(l.Obj)
			if !slices.ContainsFunc(owners, func(id persist.VarID) bool { return res.Scratch[id] == nil }) {
				for _, id := range owners {
					delete(res.Scratch, id)
				}
			}
		}
	}
}

type liveAt struct {
	b ir.BlockID
	i int32
}

// loopHeads returns the heads of f's outermost loops.
func loopHeads(f *ir.Func) []ir.BlockID {
	var out []ir.BlockID
	for _, l := range ir.FindLoops(f).List {
		if l.Parent < 0 {
			out = append(out, l.Header)
		}
	}
	return out
}

// liveLocals adds the locals of which a register is live before one of points.
// A phi that only feeds dead phis is no use.
func liveLocals(f *ir.Func, points []liveAt, out map[ir.LocalID]bool) {
	n := len(f.Regs)
	useful := make([]bool, n)
	var work []ir.Reg
	mark := func(v *ir.Value) {
		if v.Kind == ir.VReg && !useful[v.ID] {
			useful[v.ID] = true
			work = append(work, ir.Reg(v.ID))
		}
	}
	for i := range f.Instrs {
		if in := &f.Instrs[i]; in.Op != ir.Phi {
			in.Operands(mark)
		}
	}
	for len(work) > 0 {
		r := work[len(work)-1]
		work = work[:len(work)-1]
		if d := f.Regs[r].Def; d >= 0 && f.Instrs[d].Op == ir.Phi {
			f.Instrs[d].Operands(mark)
		}
	}
	words := (n + 63) / 64
	in := make([][]uint64, len(f.Blocks))
	for b := range in {
		in[b] = make([]uint64, words)
	}
	// before computes what is live before instruction lo of block b.
	before := func(b ir.BlockID, lo int32, live []uint64) {
		for i := range live {
			live[i] = 0
		}
		for _, s := range f.Blocks[b].Succs {
			for i, w := range in[s] {
				live[i] |= w
			}
			at := -1
			for k, p := range f.Blocks[s].Preds {
				if p == b {
					at = k
					break
				}
			}
			for i := f.Blocks[s].Lo; i < f.Blocks[s].Hi && f.Instrs[i].Op == ir.Phi; i++ {
				x := &f.Instrs[i]
				if at >= 0 && at < len(x.Args) && x.Args[at].Kind == ir.VReg && useful[x.Dst] {
					live[x.Args[at].ID/64] |= 1 << (x.Args[at].ID % 64)
				}
			}
		}
		for i := f.Blocks[b].Hi - 1; i >= lo; i-- {
			x := &f.Instrs[i]
			if x.Dst >= 0 {
				live[x.Dst/64] &^= 1 << (x.Dst % 64)
			}
			if x.Op == ir.Phi {
				continue
			}
			x.Operands(func(v *ir.Value) {
				if v.Kind == ir.VReg {
					live[v.ID/64] |= 1 << (v.ID % 64)
				}
			})
		}
	}
	tmp := make([]uint64, words)
	for changed := true; changed; {
		changed = false
		for b := len(f.Blocks) - 1; b >= 0; b-- {
			before(ir.BlockID(b), f.Blocks[b].Lo, tmp)
			for i, w := range tmp {
				if w&^in[b][i] != 0 {
					in[b][i] |= w
					changed = true
				}
			}
		}
	}
	for _, p := range points {
		lo := p.i
		if f.Instrs[lo].Op == ir.Phi {
			// The head of a loop: what its phis carry is live there.
			for i := lo; i < f.Blocks[p.b].Hi && f.Instrs[i].Op == ir.Phi; i++ {
				if x := &f.Instrs[i]; useful[x.Dst] && f.Regs[x.Dst].Local >= 0 {
					out[f.Regs[x.Dst].Local] = true
				}
				lo = i + 1
			}
		}
		before(p.b, lo, tmp)
		for r := 0; r < n; r++ {
			if tmp[r/64]>>(r%64)&1 != 0 && f.Regs[r].Local >= 0 {
				out[f.Regs[r].Local] = true
			}
		}
	}
}
