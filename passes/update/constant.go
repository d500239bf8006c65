package update

import (
	"saz/frontend/ctype"
	"saz/ir"
	"saz/passes"
	"saz/passes/pointer"
)

// constant reports whether o is a string literal or defined const, and what it was made to hold.
func constant(c *passes.Context, pt *pointer.Result, o pointer.ObjID) ([]ir.InitItem, bool) {
	if pt.Objects[o].Kind != pointer.Global {
		return nil, false
	}
	g := c.Prog.Globals[pt.Objects[o].Global]
	t := g.Type
	for t != nil && t.Kind == ctype.Array {
		t = t.Elem
	}
	if g.String || g.Linkage != ir.Undefined && t != nil && t.Qual&ctype.Const != 0 && t.Qual&ctype.Volatile == 0 {
		return g.Init, true
	}
	return nil, false
}

// A constants drops from what an instruction may write what nothing writes: string literals and objects that are defined const, whatever the
// pointer is said to point at. They are in read-only memory (C17 6.4.5p7, 6.7.3p6).
type constants struct {
	c  *passes.Context
	pt *pointer.Result
	is []uint8 // by object: 0 not known, 1 no, 2 yes
}

func (x *constants) has(o pointer.ObjID) bool {
	if x.is[o] == 0 {
		x.is[o] = 1
		if _, is := constant(x.c, x.pt, o); is {
			x.is[o] = 2
		}
	}
	return x.is[o] == 2
}

// without returns those of locs that are not constant: locs itself, if all are.
func (x *constants) without(locs []pointer.Loc) []pointer.Loc {
	for i, l := range locs {
		if x.has(l.Obj) {
			out := append([]pointer.Loc(nil), locs[:i]...)
			for _, l := range locs[i+1:] {
				if !x.has(l.Obj) {
					out = append(out, l)
				}
			}
			return out
		}
	}
	return locs
}
