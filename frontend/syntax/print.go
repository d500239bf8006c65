package syntax

import (
	"fmt"
	"io"
	"sort"
	"strings"
)

// Print writes the declaration as an s-expression, one named node a line:
// fields as `name:`, tokens in quotes with what they stand for behind a colon.
// It is for people and tests.
func (d *Decl) Print(w io.Writer) {
	d.print(w, "")
}

func (d *Decl) print(w io.Writer, indent string) {
	if d.Bad {
		fmt.Fprintf(w, "%sBAD %s\n", indent, d.Name)
		return
	}
	if len(d.Nodes) > 0 {
		d.node(w, 0, indent)
		io.WriteString(w, "\n")
	}
	for _, a := range d.Attrs {
		fmt.Fprintf(w, "%s@%d %s/%d\n", indent, a.At, a.Name, len(a.Args))
	}
	for _, k := range keys(d.Typeofs) {
		fmt.Fprintf(w, "%soperand of token %d:\n", indent, k)
		d.Typeofs[k].print(w, indent+"  ")
	}
	for _, k := range keys(d.KR) {
		for _, p := range d.KR[k] {
			fmt.Fprintf(w, "%sparameter of the body at token %d:\n", indent, k)
			p.print(w, indent+"  ")
		}
	}
}

func keys[T any](m map[int32]T) []int32 {
	var out []int32
	for k := range m {
		out = append(out, k)
	}
	sort.Slice(out, func(i, j int) bool { return out[i] < out[j] })
	return out
}

var markNames = [...]string{Plain: "", Synthetic: "+", Typedef: "typedef", Builtin: "builtin", Typeof: "typeof", Range: "range", LabelAddr: "label", GotoStar: "goto*", Alignof: "alignof", AnonField: "anon", Real: "real", Imag: "imag"}

func (d *Decl) node(w io.Writer, i int32, indent string) {
	n := &d.Nodes[i]
	if n.Field != 0 {
		fmt.Fprintf(w, "%s: ", n.Field)
	}
	if n.Next == i+1 {
		var text []string
		for _, t := range d.Toks[n.Tok:n.End] {
			s := fmt.Sprintf("%q", t.Text)
			if t.Mark != Plain {
				s += ":" + markNames[t.Mark]
			}
			text = append(text, s)
		}
		s := strings.Join(text, " ")
		if n.Named {
			s = fmt.Sprintf("(%s %s)", n.Sym, s)
		}
		io.WriteString(w, s)
		return
	}
	fmt.Fprintf(w, "(%s", n.Sym)
	for c := i + 1; c < n.Next; c = d.Nodes[c].Next {
		if d.Nodes[c].Named {
			io.WriteString(w, "\n"+indent+"  ")
		} else {
			io.WriteString(w, " ")
		}
		d.node(w, c, indent+"  ")
	}
	io.WriteString(w, ")")
}
