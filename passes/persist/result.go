package persist

import (
	"saz/frontend/ctype"
	"saz/frontend/source"
	"saz/ir"
	"saz/passes/config"
	"saz/passes/pointer"
)

// VarID is a dense number of a variable of the report: persistent ones first,
// in report order (by file path, then position).
type VarID int32

// Kinds of Var, as the report spells them.
const (
	Global = "global"
	Static = "static"
	Local  = "local"
	Param  = "param"
)

// A Var is a variable of the program that outlives one packet.
type Var struct {
	ID     VarID
	Name   string
	Kind   string
	Proc   ir.FuncID   // of function-scope statics, locals, params; else -1
	Global ir.GlobalID // -1 for locals and params
	Local  ir.LocalID  // -1 for globals
	Type   *ctype.Type
	Size   int64
	Pos    source.Pos
	Obj    pointer.ObjID // its memory; -1 for a register local
}

// Named is v as the project's settings name variables.
func (v *Var) Named(p *ir.Program) config.Var {
	n := config.Var{Name: v.Name}
	if f := p.Files.File(v.Pos.File); f != nil {
		line, _ := f.LineCol(v.Pos.Off)
		n.File, n.Line = f.Path, string(f.Line(line))
	}
	if v.Proc >= 0 {
		n.Procedure = p.Funcs[v.Proc].Name
	}
	return n
}

// Result of the persist pass (paper, Figure 4).
type Result struct {
	Vars  []Var // the persistent variables
	Total int   // all variables of the program (the paper's "All")
}
