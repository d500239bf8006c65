package track

import (
	"saz/frontend/check"
	"saz/ir"
)

// Marks within an expression. Where several calls of one statement may begin packets, an update between two of them is part of a packet
// that has begun in the statement and ends in it: neither a mark before the statement nor one behind it is set in it. So the
// mark stands behind the assignment, or the library's call, in the expression: `({ __auto_type saz_value = (a = b); saz_updated[3] = 1; saz_value; })`. What is
// in its operands has come before.

// placeOf returns the site of a need, which is that of its statement if marks before and behind that will do.
func (p *placer) placeOf(f *ir.Func, i int32, begin map[site]int) (site, bool) {
	s, ok := siteOf(f, i)
	if !ok || begin[s] == 0 || p.behind(f, i) {
		return s, ok
	}
	in := &f.Instrs[i]
	var found *check.Expr
	depth := int32(0)
	walk(s.stmt, func(e *check.Expr, d int32) {
		switch e.Op {
		case check.Assign, check.OpAssign, check.PreInc, check.PreDec, check.PostInc, check.PostDec, check.Call:
			if e.Tok <= in.Pos.Tok && in.Pos.End <= e.End {
				found, depth = e, d
			}
		}
	})
	if found == nil {
		return s, true
	}
	inner := site{fn: s.fn, unit: s.unit, stmt: s.stmt, expr: found, depth: depth}
	if _, ok := p.locate(inner, nil, true); !ok {
		return s, true
	}
	return inner, true
}

// walk visits the expressions of a statement, not those of statements in it, outer ones first.
func walk(st *check.Stmt, visit func(e *check.Expr, depth int32)) {
	var expr func(e *check.Expr, d int32)
	expr = func(e *check.Expr, d int32) {
		if e == nil {
			return
		}
		visit(e, d)
		expr(e.X, d+1)
		expr(e.Y, d+1)
		expr(e.Z, d+1)
		for _, a := range e.Args {
			expr(a, d+1)
		}
		if e.Init != nil {
			for k := range e.Init.Items {
				expr(e.Init.Items[k].X, d+1)
			}
		}
	}
	expr(st.X, 1)
	expr(st.Post, 1)
	if st.Init != nil && st.Kind == check.For {
		expr(st.Init.X, 1)
	}
	for _, o := range st.Decls {
		if o.Init != nil {
			for k := range o.Init.Items {
				expr(o.Init.Items[k].X, 1)
			}
		}
	}
}
