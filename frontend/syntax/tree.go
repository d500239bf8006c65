package syntax

import (
	"saz/frontend/cpp"
	"saz/frontend/source"
)

// Mark says what a token of the parsed text really was. The text that
// tree-sitter reads is not the program's: see doc.go.
type Mark uint8

// Marks of a Tok.
const (
	Plain     Mark = iota // stands for itself
	Synthetic             // added by us; not in the program (parentheses, `sizeof(`, `;`, braces, an implicit `int`)
	Typedef               // a typedef name: Unit.Tokens[Src].Text (and Tok.Text) has it
	Builtin               // a type keyword the grammar lacks: _Bool, __int128, _Float128, __builtin_va_list, __auto_type, ...: Unit.Tokens[Src].Text has it (Tok.Text too, but C23's `auto x = 1;` is "__auto_type" there)
	Typeof                // typeof(...), _Atomic(...), the underlying type of an enum (Tok.Text "enum"): Decl.Typeofs has its operand
	Range                 // `||` that stands for the ... of a case range
	LabelAddr             // `&` that stands for the && of &&label
	GotoStar              // `return` that stands for `goto *`
	Alignof               // `sizeof` that stands for _Alignof / __alignof__
	AnonField             // invented name of an unnamed bit-field
	Real                  // unary `+` that stands for __real__
	Imag                  // unary `+` that stands for __imag__
)

// A Tok is one token of the text that was parsed.
//
// Text is the spelling: of an identifier or literal the program's own, of a
// keyword or punctuator the one normal spelling (`const` for `__const`,
// `alignof`'s is `sizeof`, see Mark).
type Tok struct {
	Text string
	Src  int32 // index into Unit.Tokens; for a synthetic token, of the token it was put before
	Mark Mark
	Kind cpp.Kind
}

// Sym is a tree-sitter-c symbol. The constants that the checker switches on
// are in symbols.go, compared with the grammar by name at start.
type Sym uint16

// Field is a tree-sitter-c field name, likewise; 0 is none.
type Field uint16

// A Node is one node of the flattened tree. Nodes are in preorder, so the
// subtree of node i is Nodes[i:Nodes[i].Next] and its first child, if it has
// any, is i+1. Named and anonymous nodes are both there; comments never are,
// nor the parts of a string or character literal. Nodes are shared between
// declarations of one shape: they are read-only.
type Node struct {
	Sym   Sym
	Field Field // the field name under which it hangs in its parent
	Named bool
	Tok   int32 // first token, index into Decl.Toks
	End   int32 // one past the last token
	Up    int32 // parent, -1 for the root
	Next  int32 // one past the subtree
}

// An Attr is one GNU or C23 attribute, asm label, _Alignas or the like, that
// was taken out of the text before parsing.
//
// Besides attributes by their own names these names are used: "asm" (an asm
// label; its string is Args[0]), "_Alignas" (type or expression is Args[0]),
// "_Noreturn", "_Complex" (among the specifiers that it belongs to),
// "_BitInt" (just before the Builtin token; Args[0] is the width),
// "_Static_assert" (Args are the condition and, if any, the message),
// "__label__" (Args are the names, one each).
type Attr struct {
	At   int32  // it stood just before Decl.Toks[At] (== len(Toks) at the end)
	Name string // underscores stripped: "packed" for __packed__; of a C23 attribute without its `gnu::`
	Args []Arg  // token ranges of its arguments in Unit.Tokens
	Tok  int32  // of its first token in Unit.Tokens, for diagnostics
}

// An Arg is a half-open range of Unit.Tokens.
type Arg struct{ Lo, Hi int32 }

// A Decl is one external declaration: declaration, function definition or
// file-scope asm. Stray semicolons are dropped; a static assertion is a Decl
// without Toks and Nodes, whose only content is its Attr.
type Decl struct {
	Lo, Hi  int32 // its tokens in Unit.Tokens, half-open
	Toks    []Tok
	Nodes   []Node          // nil where Bad
	Attrs   []Attr          // by At
	Typeofs map[int32]*Decl // index in Toks of a Typeof mark → the operand, parsed as `int x = sizeof ( OPERAND ) ;`

	// KR has the parameter declarations of old-style function definitions:
	// index in Toks of the body's `{` → the declarations that stood before
	// it, each parsed on its own. In the text itself the parameters of an
	// old-style list are each written `int NAME` with a Synthetic int.
	KR map[int32][]*Decl

	// Body is the brace of a definition whose body was left for
	// Tree.Complete: what was read is its head, as a declaration. 0 for none.
	Body int32

	Bad  bool   // it could not be parsed: the declaration is unknown code, and a diagnostic says so
	Name string // of a Bad declaration, the function or variable that it seems to declare, "" if unknown
}

// Range returns the tokens of the program that node i covers, half-open. It is
// empty, at the place, for a node that is all synthetic.
func (d *Decl) Range(i int32) Arg {
	lo, hi := d.Nodes[i].Tok, d.Nodes[i].End
	for lo < hi && d.Toks[lo].Mark == Synthetic {
		lo++
	}
	for hi > lo && d.Toks[hi-1].Mark == Synthetic {
		hi--
	}
	if lo == hi {
		at := d.Hi
		if int(lo) < len(d.Toks) {
			at = d.Toks[lo].Src
		}
		return Arg{at, at}
	}
	r := Arg{d.Toks[lo].Src, d.Toks[hi-1].Src + 1}
	if d.Toks[hi-1].Mark == Typeof {
		r.Hi = d.Typeofs[hi-1].Hi
	}
	if s := d.Nodes[i].Sym; s == SymTypeDefinition || s == SymSizedTypeSpecifier {
		for _, t := range d.Toks[lo:hi] { // they may have been put in another order
			if t.Mark != Synthetic {
				r.Lo, r.Hi = min(r.Lo, t.Src), max(r.Hi, t.Src+1)
			}
		}
	}
	return r
}

// A Tree is the syntax of a translation unit.
type Tree struct {
	Unit  *cpp.Unit
	Decls []*Decl
	Stats Stats

	w    *walker // until Close
	sink *source.Sink
}

// Stats counts the work of one Parse.
type Stats struct {
	Decls  int // with the side declarations of typeof and old-style parameters
	Parsed int // those whose shape was new to the Cache: over all units the same at every -j, for one unit not
	Bad    int
}
