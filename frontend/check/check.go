package check

import (
	"fmt"
	"path/filepath"
	"runtime"
	"sort"
	"strings"

	"saz/frontend/cpp"
	"saz/frontend/ctype"
	"saz/frontend/source"
	"saz/frontend/syntax"
)

// Check types a translation unit. It reports to sink and never fails: what it
// cannot type is in Unit.Bad.
//
// Of a tree whose bodies wait to be read (syntax.Cache.ParseHeads), only the
// functions that something leads to are completed, and only their tokens are
// kept; see Close. A tree that was read in full is typed and kept in full.
func Check(tree *syntax.Tree, files *source.Set, sink *source.Sink) *Unit {
	return check(tree, files, sink, false).unit
}

// CheckAll is Check, but looks for errors in what nothing leads to as well. The
// unit is the same.
func CheckAll(tree *syntax.Tree, files *source.Set, sink *source.Sink) *Unit {
	return check(tree, files, sink, true).unit
}

func check(tree *syntax.Tree, files *source.Set, sink *source.Sink, all bool) *checker {
	c := &checker{
		tree:    tree,
		unit:    &Unit{Cpp: tree.Unit, Files: files},
		ctoks:   tree.Unit.Tokens,
		sink:    sink,
		ty:      ctype.NewUniverse(),
		idents:  make(map[string]*ident, 2048),
		tags:    make(map[string]*tag, 256),
		externs: make(map[string]*Object, 1024),
	}
	if m := tree.Unit.Main; m != nil {
		c.unit.Name = m.Path
	}
	c.predeclare()
	for _, d := range tree.Decls {
		c.external(d)
	}
	c.finish(all)
	return c
}

// A checker is the state of one Check.
type checker struct {
	unit  *Unit
	tree  *syntax.Tree
	ctoks []cpp.Token
	sink  *source.Sink
	ty    *ctype.Universe

	d     *syntax.Decl // the declaration being checked
	toks  []syntax.Tok // d.Toks
	nodes []syntax.Node

	// Scopes: each name's innermost meaning, and how to undo.
	idents  map[string]*ident
	tags    map[string]*tag
	undo    []undo
	depth   int32
	externs map[string]*Object // every object with linkage, by name

	fn          *function // the function being checked; nil at file scope
	unevaluated int       // > 0 inside sizeof, typeof and the like
	prototype   int       // > 0 inside a parameter list
	pragma      int       // Pragmas[:pragma] were obeyed
	pack        int64     // #pragma pack in force
	packStack   []packEntry
	weakLater   map[string]string // #pragma weak of names not declared yet
	waiting     []*Object         // functions whose bodies were left for later
	completing  *Object           // the one of them being checked
	completed   int               // how many were
	base, made  int64             // see order

	exprSlab  []Expr
	stmtSlab  []Stmt
	objSlab   []Object
	identSlab []ident
	argStack  []*Expr
}

type packEntry struct {
	name string
	n    int64
}

// bailout is what fail panics with: the declaration is given up.
type bailout struct{}

// external checks one external declaration.
func (c *checker) external(d *syntax.Decl) {
	c.unit.Stats.Decls++
	c.pragmas(d.Lo)
	if d.Bad || d.Nodes == nil {
		if d.Bad {
			c.bad(d, d.Name)
		}
		return
	}
	c.guarded(d)
}

// guarded checks d and makes it a BadDecl if that fails.
func (c *checker) guarded(d *syntax.Decl) (ok bool) {
	c.base = int64(d.Lo) << 32
	objects := len(c.unit.Objects)
	defer func() {
		r := recover()
		if r == nil {
			return
		}
		ok = false
		if _, ok := r.(bailout); !ok {
			c.sink.Add(source.Diagnostic{
				ID: "internal-check", Severity: source.Error, Pos: c.tokPos(d.Lo),
				Msg:  fmt.Sprintf("saz could not type this declaration: %v at %s", r, culprit()),
				Hint: "this is a fault in saz, please report it; the declaration is treated as unknown code",
			})
		}
		c.abandon(objects)
		c.enter(d)
		c.bad(d, c.guessName())
	}()
	c.enter(d)
	c.externalDecl()
	return true
}

// culprit says where a panic that is being recovered from arose, without the
// addresses of a stack trace: the same text in every run.
func culprit() string {
	pcs := make([]uintptr, 64)
	frames := runtime.CallersFrames(pcs[:runtime.Callers(3, pcs)])
	panicked := false
	for {
		f, more := frames.Next()
		if strings.HasPrefix(f.Function, "runtime.") {
			panicked = true
		} else if panicked {
			return fmt.Sprintf("%s:%d", filepath.Base(f.File), f.Line)
		}
		if !more {
			return "?"
		}
	}
}

func (c *checker) enter(d *syntax.Decl) { c.d, c.toks, c.nodes = d, d.Toks, d.Nodes }

// abandon drops what a given-up declaration left behind: scopes, and the
// static objects of its functions.
func (c *checker) abandon(objects int) {
	for c.depth > 0 {
		c.pop()
	}
	c.fn, c.unevaluated, c.argStack = nil, 0, c.argStack[:0]
	keep := c.unit.Objects[:objects]
	for _, o := range c.unit.Objects[objects:] {
		if o.Storage != FuncStatic && o.Name != "" {
			o.Func = nil
			keep = append(keep, o)
		}
	}
	c.unit.Objects = keep
}

func (c *checker) bad(d *syntax.Decl, name string) {
	c.unit.Stats.Errors++
	c.unit.Bad = append(c.unit.Bad, BadDecl{Name: name, Pos: c.tokPos(d.Lo), Lo: d.Lo, Hi: d.Hi})
}

// guessName finds what the current declaration declares, for a report.
func (c *checker) guessName() string {
	if c.d.Name != "" {
		return c.d.Name
	}
	for i := range c.nodes {
		switch c.nodes[i].Sym {
		case syntax.SymFunctionDefinition, syntax.SymDeclaration, syntax.SymTypeDefinition:
			if d := c.child(int32(i), syntax.FieldDeclarator); d >= 0 {
				if id := c.declaredName(d); id >= 0 {
					return c.text(id)
				}
			}
			return ""
		}
	}
	return ""
}

// finish completes what only the end of the unit decides.
func (c *checker) finish(all bool) {
	c.pragmas(int32(len(c.ctoks)))
	waiting := len(c.waiting)
	c.live()
	if all {
		c.rest()
	}
	c.unit.Stats.Functions = len(c.unit.Funcs) + waiting - c.completed
	sort.SliceStable(c.unit.Funcs, func(i, j int) bool { return c.unit.Funcs[i].Tok < c.unit.Funcs[j].Tok })
	objs := c.unit.Objects
	sort.SliceStable(objs, func(i, j int) bool { return objs[i].order < objs[j].order })
	for i, o := range objs {
		o.ID = int32(i)
		if o.Tentative && o.Init == nil && o.Type.Kind == ctype.Array && o.Type.Len == -1 {
			o.Type = c.ty.Array(o.Type.Elem, 1) // C 6.9.2: as if it had one element
		}
	}
	n := int32(len(objs))
	for _, f := range c.unit.Funcs {
		n = numberLocals(f, n)
	}
	c.unit.Stats.Tokens = len(c.ctoks)
}

// numberLocals gives ids to the objects of a function that Unit.Objects does
// not list.
func numberLocals(f *FuncDef, n int32) int32 {
	for _, list := range [2][]*Object{f.Params, f.Locals} {
		for _, o := range list {
			if o.Storage == Auto || o.Storage == Param {
				o.ID = n
				n++
			}
		}
	}
	for _, g := range f.Nested {
		n = numberLocals(g, n)
	}
	return n
}

// ---- positions and diagnostics

// tokPos is where a token of the unit stands for the user: in the file being
// read, even if it came out of a macro.
func (c *checker) tokPos(i int32) source.Pos {
	if i < 0 || int(i) >= len(c.ctoks) {
		if len(c.ctoks) == 0 {
			return source.Pos{}
		}
		i = int32(len(c.ctoks) - 1)
	}
	t := &c.ctoks[i]
	if t.Exp.IsValid() {
		return t.Exp
	}
	return t.Spell
}

func (c *checker) pos(n int32) source.Pos { return c.tokPos(c.first(n)) }

// fail reports an error at node n and gives the declaration up.
func (c *checker) fail(n int32, format string, args ...any) {
	c.failAt(c.first(n), format, args...)
}

func (c *checker) failAt(tok int32, format string, args ...any) {
	c.report(tok, source.Error, "type-error", "the declaration is treated as unknown code; does the compiler accept it?", format, args...)
	panic(bailout{})
}

func (c *checker) warn(n int32, id, format string, args ...any) {
	c.report(c.first(n), source.Warning, id, "", format, args...)
}

func (c *checker) report(tok int32, sev source.Severity, id, hint, format string, args ...any) {
	d := source.Diagnostic{ID: id, Severity: sev, Pos: c.tokPos(tok), Msg: fmt.Sprintf(format, args...), Hint: hint}
	if tok >= 0 && int(tok) < len(c.ctoks) {
		for ch := c.ctoks[tok].Chain; ch != 0; ch = c.unit.Cpp.Chains[ch].Parent {
			k := &c.unit.Cpp.Chains[ch]
			d.Notes = append(d.Notes, source.Note{Pos: k.Def, Msg: "in expansion of macro " + k.Macro})
		}
	}
	c.sink.Add(d)
}

// ---- nodes and tokens

func (c *checker) sym(n int32) syntax.Sym { return c.nodes[n].Sym }

// child returns the first child of n in field f, -1 if there is none.
func (c *checker) child(n int32, f syntax.Field) int32 {
	end := c.nodes[n].Next
	for i := n + 1; i < end; i = c.nodes[i].Next {
		if c.nodes[i].Field == f {
			return i
		}
	}
	return -1
}

// named returns the first named child of n, -1 if there is none.
func (c *checker) named(n int32) int32 {
	end := c.nodes[n].Next
	for i := n + 1; i < end; i = c.nodes[i].Next {
		if c.nodes[i].Named {
			return i
		}
	}
	return -1
}

// nextNamed returns the next named sibling of i below n, -1 if there is none.
func (c *checker) nextNamed(n, i int32) int32 {
	end := c.nodes[n].Next
	for i = c.nodes[i].Next; i < end; i = c.nodes[i].Next {
		if c.nodes[i].Named {
			return i
		}
	}
	return -1
}

// first is the index in Cpp.Tokens of the first token of n.
func (c *checker) first(n int32) int32 {
	t := c.nodes[n].Tok
	if int(t) >= len(c.toks) {
		return c.d.Hi - 1
	}
	return c.toks[t].Src
}

// last is one past the index in Cpp.Tokens of the last real token of n.
func (c *checker) last(n int32) int32 {
	for i := c.nodes[n].End - 1; i >= c.nodes[n].Tok; i-- {
		if c.toks[i].Mark != syntax.Synthetic {
			return c.toks[i].Src + 1
		}
	}
	return c.first(n)
}

// tok is the first token of n.
func (c *checker) tok(n int32) *syntax.Tok { return &c.toks[c.nodes[n].Tok] }

// text is the spelling of the first token of n.
func (c *checker) text(n int32) string { return c.toks[c.nodes[n].Tok].Text }

// op is the text of the operator child of n, as it was parsed.
func (c *checker) op(n int32) (*syntax.Tok, string) {
	i := c.child(n, syntax.FieldOperator)
	if i < 0 {
		c.fail(n, "operator missing")
	}
	t := c.tok(i)
	return t, t.Text
}

// attrsAt returns the attributes that stood before tokens lo..hi of the
// declaration, both included.
func (c *checker) attrsAt(lo, hi int32) []syntax.Attr {
	a := c.d.Attrs
	if len(a) == 0 {
		return nil
	}
	i := sort.Search(len(a), func(i int) bool { return a[i].At >= lo })
	j := i
	for j < len(a) && a[j].At <= hi {
		j++
	}
	return a[i:j]
}

// ---- slabs: the AST is many small nodes that live and die together

func (c *checker) newExpr(op Op, t *ctype.Type, n int32) *Expr {
	if len(c.exprSlab) == 0 {
		c.exprSlab = make([]Expr, 256)
	}
	e := &c.exprSlab[0]
	c.exprSlab = c.exprSlab[1:]
	e.Op, e.Type, e.Tok, e.End = op, t, c.first(n), c.last(n)
	return e
}

// wrap makes an operation on x that covers the same tokens.
func (c *checker) wrap(op Op, t *ctype.Type, x *Expr) *Expr {
	if len(c.exprSlab) == 0 {
		c.exprSlab = make([]Expr, 256)
	}
	e := &c.exprSlab[0]
	c.exprSlab = c.exprSlab[1:]
	e.Op, e.Type, e.X, e.Tok, e.End = op, t, x, x.Tok, x.End
	return e
}

func (c *checker) newStmt(k StmtKind, n int32, up *Stmt) *Stmt {
	if len(c.stmtSlab) == 0 {
		c.stmtSlab = make([]Stmt, 64)
	}
	s := &c.stmtSlab[0]
	c.stmtSlab = c.stmtSlab[1:]
	s.Kind, s.Up, s.Tok, s.End = k, up, c.first(n), c.last(n)
	return s
}

func (c *checker) newObject() *Object {
	if len(c.objSlab) == 0 {
		c.objSlab = make([]Object, 64)
	}
	o := &c.objSlab[0]
	c.objSlab = c.objSlab[1:]
	o.order = c.order()
	return o
}

// order is the place of what is declared now among all that the unit declares:
// that of the declaration at hand, also where its body had to wait, and in it
// one behind the other.
func (c *checker) order() int64 {
	c.made++
	return c.base | c.made
}
