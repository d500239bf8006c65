package toplevel

import (
	"saz/ir"
	"saz/passes"
	"saz/passes/pointer"
)

// Lent finds the objects that the program lends to a stream of the C library as its buffer, and the call that does. The library writes
// them whenever a packet logs something, without the program naming them again.
func Lent(c *passes.Context, pt *pointer.Result) map[pointer.ObjID]ir.Ref {
	out := map[pointer.ObjID]ir.Ref{}
	for _, f := range c.Prog.Funcs {
		for i := range f.Instrs {
			in := &f.Instrs[i]
			if in.Op != ir.Call || len(in.Args) < 2 {
				continue
			}
			ref := ir.Ref{Func: f.ID, I: int32(i)}
			for _, t := range pt.Callees(ref) {
				switch c.Prog.Funcs[t].Link {
				case "setbuf", "setbuffer", "setvbuf":
				default:
					continue
				}
				for _, l := range pt.PointsTo(f.ID, in.Args[1]) {
					if _, ok := out[l.Obj]; !ok {
						out[l.Obj] = ref
					}
				}
			}
		}
	}
	return out
}
