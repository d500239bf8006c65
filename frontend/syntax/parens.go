package syntax

import (
	"bytes"
	"fmt"
	"strings"

	"saz/frontend/cpp"
)

// Parenthesise returns a unit's text plainly and with parentheses around every
// expression that its tree has, and their number. If the trees say what C says,
// the two are the same program to the compiler. This is the oracle of the tests
// and of the command frontend/oracle.
func Parenthesise(t *Tree) (plain, with []byte, n int) {
	o := parens{open: make([]int, len(t.Unit.Tokens)+1), shut: make([]int, len(t.Unit.Tokens)+1)}
	for _, d := range t.Decls {
		o.decl(d)
	}
	return o.print(t.Unit, false), o.print(t.Unit, true), o.n
}

type parens struct {
	open, shut []int // parentheses before and behind token i
	n          int
}

func (o *parens) print(u *cpp.Unit, parens bool) []byte {
	var b bytes.Buffer
	pragmas := u.Pragmas
	for i := range u.Tokens {
		for len(pragmas) > 0 && int(pragmas[0].Tok) <= i {
			if strings.HasPrefix(pragmas[0].Text, "#") {
				fmt.Fprintf(&b, "\n%s\n", pragmas[0].Text)
			} else {
				fmt.Fprintf(&b, "\n#pragma %s\n", pragmas[0].Text)
			}
			pragmas = pragmas[1:]
		}
		switch {
		case u.Tokens[i].Line:
			b.WriteByte('\n')
		case u.Tokens[i].Space || i > 0 && u.Tokens[i-1].Kind != cpp.Punct:
			b.WriteByte(' ')
		}
		if parens {
			b.WriteString(strings.Repeat("( ", o.open[i]))
		}
		b.WriteString(u.Tokens[i].Text)
		if parens {
			b.WriteString(strings.Repeat(" )", o.shut[i]))
		}
	}
	return b.Bytes()
}

func (o *parens) decl(d *Decl) {
	for i := range d.Nodes {
		if d.wantsParens(int32(i)) {
			o.around(d, &d.Nodes[i])
		}
	}
	for _, s := range d.Typeofs {
		o.decl(s)
	}
	for _, k := range d.KR {
		for _, s := range k {
			o.decl(s)
		}
	}
}

func (o *parens) around(d *Decl, n *Node) {
	lo, hi := n.Tok, n.End
	if d.Toks[lo].Mark == Synthetic {
		return // its operand has parentheses of its own
	}
	for d.Toks[hi-1].Mark == Synthetic {
		hi--
	}
	o.open[d.Toks[lo].Src]++
	o.shut[d.Toks[hi-1].Src]++
	o.n++
}

// wantsParens says whether node i is an expression that may stand in
// parentheses, and where they say something.
func (d *Decl) wantsParens(i int32) bool {
	n := &d.Nodes[i]
	switch n.Sym {
	case SymAssignmentExpression, SymBinaryExpression, SymCallExpression, SymCastExpression, SymConditionalExpression,
		SymCommaExpression, SymFieldExpression, SymPointerExpression, SymSizeofExpression, SymSubscriptExpression,
		SymUnaryExpression, SymUpdateExpression, SymParenthesizedExpression, SymGenericExpression, SymCompoundLiteralExpression:
	default:
		return false
	}
	up := &d.Nodes[n.Up]
	switch {
	case n.Sym == SymBinaryExpression && d.isRange(i):
		return false
	case n.Sym == SymCompoundLiteralExpression && (up.Sym == SymInitializerList || up.Sym == SymInitDeclarator || up.Sym == SymInitializerPair):
		return false // as a constant initialiser it must be bare
	case n.Sym == SymCommaExpression && up.Sym == SymCommaExpression:
		return false // right-recursive, though C's comma is left-associative: no difference
	}
	// The member of offsetof is no expression.
	for c, u := i, n.Up; u >= 0; c, u = u, d.Nodes[u].Up {
		if d.Nodes[u].Sym == SymArgumentList {
			call := &d.Nodes[d.Nodes[u].Up]
			f := &d.Toks[call.Tok]
			if f.Text == "__builtin_has_attribute" {
				return false
			}
			if f.Text == "__builtin_offsetof" && d.Nodes[c].Sym != SymSizeofExpression {
				// Only what is inside an index is.
				for k := i; k != c; k = d.Nodes[k].Up {
					if d.Nodes[k].Field == FieldIndex {
						return true
					}
				}
				return false
			}
		}
	}
	return true
}

func (d *Decl) isRange(i int32) bool {
	for c := i + 1; c < d.Nodes[i].Next; c = d.Nodes[c].Next {
		if d.Nodes[c].Field == FieldOperator {
			return d.Toks[d.Nodes[c].Tok].Mark == Range
		}
	}
	return false
}
