// Package syntax reads preprocessed C: from a [cpp.Unit] to a [Tree] of
// flattened tree-sitter trees, one for each external declaration.
//
// tree-sitter's C grammar is made for editors. It does not know which names are
// types, it gets some precedences wrong, and it lacks much of GNU C. Of real
// programs it misreads between 0.2 and 28 % of all functions, mostly in
// silence. So it is not given the program's text but one made for it, and every
// token of that text, a [Tok], says which token of the program it stands for.
//
// # Method
//
// The tokens are classified and their brackets paired (tokens.go), then cut at
// the ends of external declarations (split.go). A walker descends through each
// piece with the scopes of typedef names at hand and emits the text; it
// declines what is not C, with a reason. In one walk it does three things:
//
//   - Sanitise (sanitise.go): attributes, asm labels, _Alignas, _Noreturn,
//     _Complex and static assertions go to a side table, [Decl.Attrs].
//     Spellings are made one (`__const` → `const`). An operand of typeof is
//     a declaration of its own, [Decl.Typeofs]; so are the parameter
//     declarations of an old-style definition, [Decl.KR].
//   - Mark (mark.go): each name that is a type where it stands becomes one
//     primitive-type word, charptr_t, which no program uses. Block-scope
//     typedefs and names that hide one are accounted for: by variables,
//     parameters, enumerators, members, labels and tags. What is missing is
//     put in: an implicit int, the name of an unnamed bit-field, a statement
//     behind a label, the block of a switch.
//   - Disambiguate (disamb.go): synthetic parentheses cure the grammar's own
//     precedence errors.
//
// A reader that does not need all bodies can have those of static and inline
// functions wait ([Cache.ParseHeads], [Tree.Complete]).
//
// The text is parsed and the tree flattened in one call to C (flatten.go). All
// identifiers are spelt alike in it, and so are all literals of a kind: the
// tree does not depend on them, and one tree serves all declarations of a shape
// ([Cache]; of the declarations of a program 1 to 5 % are parsed). It also
// means that no identifier of the program can be one of the words that the
// grammar has beyond C.
//
// # Checks
//
// A tree with an ERROR or MISSING node is refused. As all types were marked,
// an identifier that the grammar takes for a type is either a tag, or declared
// by a typedef, or a misreading: that is refused, too. A refused declaration is
// a diagnostic (parse-error), [Decl.Bad], and nothing else: its neighbours are
// not affected.
//
// The tests hold an oracle that needs no second parser: the program's tokens
// with parentheses around every expression that the tree has must compile to
// the same code.
//
// # What a reader of trees must know
//
//   - Values of literals and names are in Tok.Text; operators are the text of
//     the anonymous node's token, except where its Mark says otherwise.
//   - Synthetic parentheses, braces and `sizeof ( T )` around a type that is an
//     argument of a call (va_arg, offsetof, types_compatible_p, ...) have Mark
//     Synthetic.
//   - `(x)` that is a declarator has lost its parentheses; `(*x)` has not.
//   - Storage classes and qualifiers of a declaration without a declarator
//     (`static struct s {...};`) are not in the text. Behind a case label in
//     the same block such a declaration reads `typedef struct s {...} NAME;`
//     with a Synthetic typedef and a NAME whose text is empty.
//   - typedef is the first token of its declaration, other storage classes
//     beside it are gone, and the words of a type stand together (`int const
//     unsigned` is `int unsigned const`): there Src is not ascending.
//   - A case_statement takes all statements up to the next label in the block;
//     declarations and statements that it cannot take follow it as siblings.
//     Labels of one statement (`case 1: case 2:`) are siblings, the first of
//     them without statements. A label of any kind that is not directly in a
//     block is in a synthetic block.
//   - A label before a declaration or a closing brace labels a synthetic `;`.
//   - `default` of a _Generic is a type_identifier.
//   - Adjacent strings that are a constraint of an asm operand are one Tok.
//
// # Not handled
//
// Nested functions directly behind a case label (in a block of their own they
// are), case ranges whose ends hold a bare conditional expression, clang's
// blocks, Microsoft's extensions, OpenMP pragmas (they are not tokens),
// __declspec, gcc's __GIMPLE and __RTL functions. All but the pragmas are
// diagnosed.
package syntax
