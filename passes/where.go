package passes

import (
	"fmt"
	"path/filepath"
	"strings"

	"saz/frontend/source"
	"saz/ir"
)

// Instr returns the instruction at ref.
func (c *Context) Instr(ref ir.Ref) *ir.Instr { return &c.Prog.Funcs[ref.Func].Instrs[ref.I] }

// Pos returns where in the user's files the instruction stands: for one that
// came out of a macro, where the macro is used.
func (c *Context) Pos(ref ir.Ref) source.Pos { return SourcePos(c.Prog, c.Instr(ref).Pos) }

// SourcePos returns the place in the user's files of a token range.
func SourcePos(p *ir.Program, at ir.Pos) source.Pos {
	if at.Unit < 0 || int(at.Unit) >= len(p.Units) {
		return source.Pos{} // a library's, or made by lowering
	}
	toks := p.Units[at.Unit].AST.Tokens()
	if int(at.Tok) >= len(toks) || at.Tok < 0 {
		return source.Pos{}
	}
	return toks[at.Tok].Exp
}

// Text returns the source text of an instruction's expression, white space
// folded, for people to read.
func (c *Context) Text(ref ir.Ref) string {
	at := c.Instr(ref).Pos
	return TokenText(c.Prog, at)
}

// TokenText returns the text of a token range as the user wrote it: macro
// invocations unexpanded, white space folded, long text cut.
func TokenText(p *ir.Program, at ir.Pos) string {
	toks := p.Units[at.Unit].AST.Tokens()
	var b strings.Builder
	var last source.Pos
	for i := at.Tok; i < at.End && int(i) < len(toks) && i >= 0; i++ {
		t := &toks[i]
		text := t.Text
		if !t.Direct() {
			if t.Exp == last && t.Exp.IsValid() {
				continue // the same invocation
			}
			if f := p.Files.File(t.Exp.File); f != nil && int(t.ExpEnd) <= len(f.Data) {
				text = strings.Join(strings.Fields(string(f.Data[t.Exp.Off:t.ExpEnd])), " ")
			}
		}
		last = t.Exp
		if b.Len() > 0 && t.Space {
			b.WriteByte(' ')
		}
		b.WriteString(text)
		if b.Len() > 160 {
			return strings.TrimSpace(b.String()[:157]) + "..."
		}
	}
	return b.String()
}

// Short writes a path as a person would: relative to dir where it lies below it.
func Short(dir, path string) string {
	if rel, err := filepath.Rel(dir, path); err == nil && !strings.HasPrefix(rel, "..") {
		return rel
	}
	return path
}

// Because makes a one-step reason.
func (c *Context) Because(ref ir.Ref, format string, args ...any) Why {
	return Why{Pos: c.Pos(ref), Text: fmt.Sprintf(format, args...)}
}

// LoopAround returns the blocks of the outermost loop of f that block b is in
// (the strongly connected part of the flow graph), nil if it is in none.
func LoopAround(f *ir.Func, b ir.BlockID) map[ir.BlockID]bool {
	reach := func(next func(ir.BlockID) []ir.BlockID) []bool {
		seen := make([]bool, len(f.Blocks))
		work := append([]ir.BlockID(nil), next(b)...)
		for len(work) > 0 {
			x := work[len(work)-1]
			work = work[:len(work)-1]
			if seen[x] {
				continue
			}
			seen[x] = true
			work = append(work, next(x)...)
		}
		return seen
	}
	after := reach(func(x ir.BlockID) []ir.BlockID { return f.Blocks[x].Succs })
	if !after[b] {
		return nil
	}
	before := reach(func(x ir.BlockID) []ir.BlockID { return f.Blocks[x].Preds })
	loop := map[ir.BlockID]bool{}
	for x := range after {
		if after[x] && before[x] {
			loop[ir.BlockID(x)] = true
		}
	}
	return loop
}

// Loop is LoopAround, found out once for each procedure. The result must not be changed.
func (c *Context) Loop(f *ir.Func, b ir.BlockID) map[ir.BlockID]bool {
	all, ok := c.loops[f.ID]
	if !ok {
		all = make([]map[ir.BlockID]bool, len(f.Blocks))
		seen := make([]bool, len(f.Blocks))
		for b := range ir.BlockID(len(f.Blocks)) {
			if seen[b] {
				continue
			}
			in := LoopAround(f, b)
			for x := range in {
				all[x], seen[x] = in, true
			}
		}
		if c.loops == nil {
			c.loops = map[ir.FuncID][]map[ir.BlockID]bool{}
		}
		c.loops[f.ID] = all
	}
	return all[b]
}
