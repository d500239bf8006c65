package pointer

import (
	"saz/frontend/ctype"
	"saz/ir"
)

// named adds to w what the source says of the size that call ref asks for: sizeof(T), sizeof(struct T), sizeof *p, where p is
// a variable of f. It is asked where the result's uses say nothing, as in
// return calloc(1, sizeof(struct state)), whose type is void *.
func (h *heap) named(f *ir.Func, ref ir.Ref, w *witness) {
	at := f.Instrs[ref.I].Pos
	if at.Tok < 0 || int(at.Unit) >= len(h.s.prog.Units) {
		return
	}
	u := h.s.prog.Units[at.Unit].AST
	toks := u.Tokens()
	text := func(i int32) string {
		if i < at.End && int(i) < len(toks) {
			return toks[i].Text
		}
		return ""
	}
	for i := at.Tok; i < at.End && int(i) < len(toks); i++ {
		if toks[i].Text != "sizeof" {
			continue
		}
		j := i + 1
		paren := text(j) == "("
		if paren {
			j++
		}
		stars := 0
		for text(j) == "*" {
			stars++
			j++
		}
		var t *ctype.Type
		switch name := text(j); {
		case stars > 0: // sizeof *p
			for k := range f.Locals {
				if l := &f.Locals[k]; l.Name == name {
					t = l.Type
				}
			}
			for ; stars > 0 && t != nil; stars-- {
				if t.Kind != ctype.Pointer {
					t = nil
					break
				}
				t = t.Elem
			}
		case name == "struct" || name == "union":
			for _, r := range u.Records {
				if r.Tag == text(j+1) && r.Union == (name == "union") && r.Complete {
					t = &ctype.Type{Kind: ctype.Struct, Rec: r, Size: r.Size, Align: r.Align}
					if r.Union {
						t.Kind = ctype.Union
					}
				}
			}
			j++
		default:
			for k := range u.Typedefs {
				if u.Typedefs[k].Name == name {
					t = u.Typedefs[k].Type
				}
			}
		}
		if t != nil && (!paren || text(j+1) == ")") && ctype.IsComplete(t) && t.Kind != ctype.Void && t.Kind != ctype.Func {
			w.types = append(w.types, t.Unqualified())
			return
		}
	}
}
