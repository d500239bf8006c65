package track

import "saz/frontend/check"

// Which of two comes first in a statement. C evaluates the arguments of a call and the operands of most operators in any order (gcc the last argument first, as
// a rule), so that the text says it only of statements, declarations, and the operands of `,` `&&` `||` `?:`.

// A beginning is a call by which a packet may begin, or where a round of a thread does: its tokens.
type beginning struct{ tok, end int32 }

// A pair is two stretches of tokens of a statement.
type pair struct{ lo, hi, tok, end int32 }

func (p pair) in(tok, end int32) bool {
	return tok <= p.lo && p.hi <= end && tok <= p.tok && p.end <= end
}

// statement reports whether what comes first in the text of st does so when it is run. Neither contains the other.
func (p pair) statement(st *check.Stmt) bool {
	for _, x := range append([]*check.Stmt{st.Init, st.Then, st.Else}, st.List...) {
		if x != nil && p.in(x.Tok, x.End) {
			return p.statement(x)
		}
	}
	for _, e := range []*check.Expr{st.X, st.Post} {
		if e != nil && p.in(e.Tok, e.End) {
			return p.expr(e)
		}
	}
	for _, o := range st.Decls {
		if o.Init != nil && p.in(o.Init.Tok, o.Init.End) {
			return p.init(o.Init)
		}
	}
	return true
}

func (p pair) init(in *check.Init) bool {
	for k := range in.Items {
		if e := in.Items[k].X; e != nil && p.in(e.Tok, e.End) {
			return p.expr(e)
		}
	}
	return false
}

func (p pair) expr(e *check.Expr) bool {
	if e.Body != nil && p.in(e.Body.Tok, e.Body.End) {
		return p.statement(e.Body)
	}
	for _, x := range append([]*check.Expr{e.X, e.Y, e.Z}, e.Args...) {
		if x != nil && p.in(x.Tok, x.End) {
			return p.expr(x)
		}
	}
	if e.Init != nil {
		return p.init(e.Init)
	}
	switch e.Op {
	case check.Comma, check.LogAnd, check.LogOr, check.Cond:
		return true
	}
	return false
}
