package passes

import (
	"slices"

	"saz/frontend/check"
	"saz/ir"
)

// InAsm is what assembly names: the text of asm statements and of asm at file scope, and operands that are addresses of functions. What it
// does with them is not read: it may call a procedure, and read and write a variable.
type InAsm struct {
	Funcs   []ir.FuncID       // sorted
	Where   map[ir.FuncID]Why // of each, the first place
	Globals map[ir.GlobalID]Why
}

// NamedInAsm finds them.
func NamedInAsm(c *Context) *InAsm {
	p := c.Prog
	out := &InAsm{Where: map[ir.FuncID]Why{}, Globals: map[ir.GlobalID]Why{}}
	type place struct {
		unit ir.UnitID
		name string
	}
	var funcs map[place]ir.FuncID
	var globals map[place]ir.GlobalID
	index := func() { // few programs have any
		funcs, globals = map[place]ir.FuncID{}, map[place]ir.GlobalID{}
		for _, f := range p.Funcs {
			if len(f.Blocks) == 0 {
				continue
			}
			if f.Linkage == ir.Internal {
				funcs[place{f.Unit, f.Link}] = f.ID
			} else {
				funcs[place{-1, f.Link}] = f.ID
			}
		}
		for _, g := range p.Globals {
			if g.Linkage == ir.Internal {
				globals[place{g.Unit, g.Link}] = g.ID
			} else {
				globals[place{-1, g.Link}] = g.ID
			}
		}
	}
	function := func(f ir.FuncID, at ir.Pos) {
		if _, ok := out.Where[f]; !ok && len(p.Funcs[f].Blocks) > 0 {
			out.Where[f] = Why{Pos: SourcePos(p, at), Text: "assembly names " + p.Funcs[f].Name + ", and may call it at any time"}
			out.Funcs = append(out.Funcs, f)
		}
	}
	text := func(unit ir.UnitID, a *check.Asm, at ir.Pos) {
		for _, w := range ir.AsmNames(a.Template) {
			if funcs == nil {
				index()
			}
			for _, u := range []ir.UnitID{unit, -1} {
				if f, ok := funcs[place{u, w}]; ok {
					function(f, at)
				}
				if g, ok := globals[place{u, w}]; ok {
					if _, ok := out.Globals[g]; !ok {
						out.Globals[g] = Why{Pos: SourcePos(p, at), Text: "assembly names " + p.Globals[g].Name + ", and may write it at any time"}
					}
				}
			}
		}
	}
	for i, u := range p.Units {
		for _, a := range u.AST.Asms {
			text(ir.UnitID(i), a, ir.Pos{Unit: ir.UnitID(i), Tok: a.Tok, End: a.End})
		}
	}
	for _, f := range p.Funcs {
		for i := range f.Instrs {
			in := &f.Instrs[i]
			if in.Op != ir.Asm || in.Asm == nil {
				continue
			}
			text(in.Pos.Unit, in.Asm, in.Pos)
			in.Operands(func(v *ir.Value) {
				if v.Kind == ir.VFunc {
					function(ir.FuncID(v.ID), in.Pos)
				}
			})
		}
	}
	slices.Sort(out.Funcs)
	return out
}
