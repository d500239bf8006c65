package check

import (
	"saz/frontend/ctype"
	"saz/frontend/syntax"
)

// A function is the state of one function definition being checked.
type function struct {
	def      *FuncDef
	outer    *function
	name     *Object // __func__
	declNode int32   // the function declarator whose parameters are def's
	params   []*Object
	inParams bool

	vlas     []int32 // VLASizes that nothing evaluates yet
	vlaMarks []int

	onObject func(*Object) // called for each object that a declaration statement declares, before its initialiser is read

	stmt   *Stmt   // the statement whose expression is being typed
	block  *Stmt   // the compound (or for) statement that holds new locals
	loops  []*Stmt // what break leaves
	conts  []*Stmt // what continue continues
	cases  []*Stmt // switches
	spill  []int32 // nodes that stand after a case label's own statement
	labels map[string]*Label
	local  []map[string]*Label // __label__, innermost last
}

// functionBody checks the body of the current function. Its outermost block
// has the scope of the parameters.
func (c *checker) functionBody(n int32) *Stmt {
	s := c.newStmt(Compound, n, nil)
	c.fn.block, c.fn.stmt = s, s
	b := blockBuilder{c: c, s: s}
	b.vlas(c.nodes[n].Tok+1, true)
	c.localLabels(n)
	b.items(n)
	c.fn.local = c.fn.local[:0]
	b.finish()
	return s
}

// compound checks a compound statement.
func (c *checker) compound(n int32, up *Stmt) *Stmt {
	s := c.newStmt(Compound, n, up)
	saveBlock := c.fn.block
	c.fn.block = s
	c.push()
	pushed := c.localLabels(n)
	b := blockBuilder{c: c, s: s}
	b.items(n)
	b.finish()
	if pushed {
		c.fn.local = c.fn.local[:len(c.fn.local)-1]
	}
	c.pop()
	c.fn.block = saveBlock
	return s
}

// localLabels declares the __label__s at the head of a block.
func (c *checker) localLabels(n int32) bool {
	if len(c.d.Attrs) == 0 {
		return false
	}
	t := c.nodes[n].Tok + 1
	var m map[string]*Label
	for _, a := range c.attrsAt(t, t) {
		if a.Name != "__label__" {
			continue
		}
		if m == nil {
			m = map[string]*Label{}
		}
		for _, arg := range a.Args {
			name := c.ctoks[arg.Lo].Text
			m[name] = c.newLabel(name)
		}
	}
	if m == nil {
		return false
	}
	c.fn.local = append(c.fn.local, m)
	return true
}

func (c *checker) newLabel(name string) *Label {
	l := &Label{Name: name, Func: c.fn.def, ID: int32(len(c.fn.def.Labels))}
	c.fn.def.Labels = append(c.fn.def.Labels, l)
	return l
}

// label returns the label called name that is in sight. In a nested function the
// __label__s of the functions around it are in sight too.
func (c *checker) label(name string) *Label {
	for f := c.fn; f != nil; f = f.outer {
		for i := len(f.local) - 1; i >= 0; i-- {
			if l := f.local[i][name]; l != nil {
				return l
			}
		}
	}
	return c.ownLabel(name)
}

// jumpTo returns the label called name as the target of a goto.
func (c *checker) jumpTo(name string, n int32) *Label {
	l := c.label(name)
	if l.Func != c.fn.def {
		l.Nonlocal = true
		if c.unit.SetJump == nil {
			c.unit.SetJump = c.libraryFunc("_setjmp", ctype.TInt, n)
			c.unit.LongJump = c.libraryFunc("longjmp", ctype.TVoid, n)
			c.unit.LongJump.NoReturn = true
		}
		c.mention(c.unit.SetJump)
		c.mention(c.unit.LongJump)
	}
	return l
}

// libraryFunc returns a function of the library that lowering needs, declared
// or not.
func (c *checker) libraryFunc(name string, result *ctype.Type, n int32) *Object {
	if o := c.externs[name]; o != nil && o.Type.Kind == ctype.Func {
		return o
	}
	return c.declareLinked(name, c.ty.Function(result, &ctype.FuncType{OldStyle: true}), false, c.first(n))
}

// ownLabel returns the label called name of the function itself.
func (c *checker) ownLabel(name string) *Label {
	for i := len(c.fn.local) - 1; i >= 0; i-- {
		if l := c.fn.local[i][name]; l != nil {
			return l
		}
	}
	if l := c.fn.labels[name]; l != nil {
		return l
	}
	l := c.newLabel(name)
	if c.fn.labels == nil {
		c.fn.labels = map[string]*Label{}
	}
	c.fn.labels[name] = l
	return l
}

func (c *checker) checkLabels() {
	for _, l := range c.fn.def.Labels {
		if l.Stmt == nil {
			if c.fn.labels[l.Name] == l {
				c.failAt(c.fn.def.Tok, "label %s is used but not defined in %s", l.Name, c.fn.def.Obj.Name)
			}
		}
	}
}

// A blockBuilder makes the list of a compound statement. The grammar hangs all
// statements that follow a case label below the label; the AST does not.
type blockBuilder struct {
	c       *checker
	s       *Stmt
	pending []*Stmt // labels that wait for their statement
}

func (b *blockBuilder) items(n int32) {
	c := b.c
	end := c.nodes[n].Next
	for i := n + 1; i < end; i = c.nodes[i].Next {
		if c.nodes[i].Named {
			b.item(i)
		}
	}
}

// up is the statement that the next one hangs below.
func (b *blockBuilder) up() *Stmt {
	if k := len(b.pending); k > 0 {
		return b.pending[k-1]
	}
	return b.s
}

func (b *blockBuilder) append(s *Stmt) {
	k := len(b.pending)
	if k == 0 {
		b.s.List = append(b.s.List, s)
		return
	}
	b.pending[k-1].Then = s
	for _, p := range b.pending {
		p.End = s.End
	}
	b.s.List = append(b.s.List, b.pending[0])
	b.pending = b.pending[:0]
}

// wait lets a label wait for its statement.
func (b *blockBuilder) wait(s *Stmt) {
	if k := len(b.pending); k > 0 {
		b.pending[k-1].Then = s
	}
	b.pending = append(b.pending, s)
}

// empty adds an empty statement at token tok.
func (b *blockBuilder) empty(tok int32) {
	b.append(b.c.stmtAt(ExprStmt, tok, tok, b.up()))
}

func (c *checker) stmtAt(k StmtKind, tok, end int32, up *Stmt) *Stmt {
	if len(c.stmtSlab) == 0 {
		c.stmtSlab = make([]Stmt, 64)
	}
	s := &c.stmtSlab[0]
	c.stmtSlab = c.stmtSlab[1:]
	s.Kind, s.Tok, s.End, s.Up = k, tok, end, up
	return s
}

func (b *blockBuilder) finish() {
	if len(b.pending) > 0 {
		b.empty(b.s.End - 1)
	}
}

// vlas adds the statements that evaluate the array sizes met since. At a
// function's start they stand just inside the brace, token tok of the
// declaration.
func (b *blockBuilder) vlas(tok int32, atStart bool) {
	c := b.c
	if len(c.fn.vlas) == 0 {
		return
	}
	at := tok
	if atStart {
		at = b.s.Tok + 1
	}
	for _, i := range c.fn.vlas {
		s := c.stmtAt(ExprStmt, at, at, b.up())
		x := c.wrap(VLASize, ctype.TVoid, c.fn.def.VLASizes[i])
		x.X, x.Val = nil, int64(i)
		s.X = x
		b.append(s)
	}
	c.fn.vlas = c.fn.vlas[:0]
}

func (b *blockBuilder) item(n int32) {
	c := b.c
	switch c.sym(n) {
	case syntax.SymDeclaration, syntax.SymTypeDefinition:
		b.declaration(n)
	case syntax.SymFunctionDefinition:
		saveBlock, saveStmt := c.fn.block, c.fn.stmt
		c.functionDefinition(n, b.s)
		c.fn.block, c.fn.stmt = saveBlock, saveStmt
	case syntax.SymStructSpecifier, syntax.SymUnionSpecifier, syntax.SymEnumSpecifier:
		c.tagSpecifier(n, true)
	case syntax.SymPrimitiveType, syntax.SymSizedTypeSpecifier:
	case syntax.SymCaseStatement:
		s, rest := c.caseLabel(n, b.up())
		b.wait(s)
		for _, i := range rest {
			b.item(i)
		}
	case syntax.SymLabeledStatement:
		s, rest := c.labeled(n, b.up())
		b.wait(s)
		if rest < 0 {
			b.empty(c.last(n))
		} else {
			b.item(rest)
		}
	default:
		b.append(c.stmt(n, b.up()))
	}
	for len(c.fn.spill) > 0 {
		spill := c.fn.spill
		c.fn.spill = nil
		for _, i := range spill {
			b.item(i)
		}
	}
}

// declaration adds a DeclStmt; more than one where the size of an array
// depends on a declarator before it.
func (b *blockBuilder) declaration(n int32) {
	c := b.c
	if len(b.pending) > 0 {
		b.empty(c.first(n)) // C23: a label before a declaration
	}
	s := c.newStmt(DeclStmt, n, b.s)
	saveStmt := c.fn.stmt
	c.fn.stmt = s
	c.fn.onObject = func(o *Object) {
		if len(c.fn.vlas) > 0 {
			if len(s.Decls) > 0 {
				b.append(s)
				s = c.newStmt(DeclStmt, n, b.s)
				c.fn.stmt = s
			}
			b.vlas(s.Tok, false)
		}
		if o != nil {
			s.Decls = append(s.Decls, o)
		}
	}
	c.declaration(n, b.s)
	c.fn.onObject(nil)
	c.fn.onObject = nil
	if len(s.Decls) > 0 {
		b.append(s)
	}
	c.fn.stmt = saveStmt
}

// stmt checks one statement.
func (c *checker) stmt(n int32, up *Stmt) *Stmt {
	saveStmt := c.fn.stmt
	s := c.stmt1(n, up)
	c.fn.stmt = saveStmt
	return s
}

func (c *checker) stmt1(n int32, up *Stmt) *Stmt {
	switch c.sym(n) {
	case syntax.SymExpressionStatement:
		return c.exprStmt(n, up)
	case syntax.SymCompoundStatement:
		return c.compound(n, up)
	case syntax.SymIfStatement:
		s := c.newStmt(If, n, up)
		c.fn.stmt = s
		s.X = c.condition(n, "the condition of if")
		s.Then = c.body(c.child(n, syntax.FieldConsequence), s)
		if e := c.child(n, syntax.FieldAlternative); e >= 0 {
			s.Else = c.body(c.named(e), s)
		}
		return s
	case syntax.SymWhileStatement:
		s := c.newStmt(While, n, up)
		c.fn.stmt = s
		s.X = c.condition(n, "the condition of while")
		s.Then = c.loopBody(c.child(n, syntax.FieldBody), s)
		return s
	case syntax.SymDoStatement:
		s := c.newStmt(DoWhile, n, up)
		s.Then = c.loopBody(c.child(n, syntax.FieldBody), s)
		c.fn.stmt = s
		s.X = c.condition(n, "the condition of do")
		return s
	case syntax.SymForStatement:
		return c.forStmt(n, up)
	case syntax.SymSwitchStatement:
		return c.switchStmt(n, up)
	case syntax.SymCaseStatement:
		s, rest := c.caseLabel(n, up)
		if len(rest) == 0 {
			s.Then = c.stmtAt(ExprStmt, s.End, s.End, s)
			return s
		}
		s.Then = c.stmt(rest[0], s)
		s.End = s.Then.End
		c.fn.spill = append(c.fn.spill, rest[1:]...)
		return s
	case syntax.SymLabeledStatement:
		s, rest := c.labeled(n, up)
		if rest < 0 {
			s.Then = c.stmtAt(ExprStmt, s.End, s.End, s)
			return s
		}
		s.Then = c.stmt(rest, s)
		s.End = s.Then.End
		return s
	case syntax.SymReturnStatement:
		return c.returnStmt(n, up)
	case syntax.SymBreakStatement:
		s := c.newStmt(Break, n, up)
		if len(c.fn.loops) == 0 {
			c.fail(n, "break outside of a loop or switch")
		}
		s.Target = c.fn.loops[len(c.fn.loops)-1]
		return s
	case syntax.SymContinueStatement:
		s := c.newStmt(Continue, n, up)
		if len(c.fn.conts) == 0 {
			c.fail(n, "continue outside of a loop")
		}
		s.Target = c.fn.conts[len(c.fn.conts)-1]
		return s
	case syntax.SymGotoStatement:
		s := c.newStmt(Goto, n, up)
		s.Label = c.jumpTo(c.text(c.child(n, syntax.FieldLabel)), n)
		return s
	}
	c.fail(n, "saz does not know what a %s means as a statement", c.sym(n))
	return nil
}

// body checks a statement that another one controls: a scope of its own.
func (c *checker) body(n int32, up *Stmt) *Stmt {
	if n < 0 {
		c.failAt(up.Tok, "a statement without its body")
	}
	c.push()
	s := c.stmt(n, up)
	c.pop()
	return s
}

func (c *checker) loopBody(n int32, s *Stmt) *Stmt {
	c.fn.loops = append(c.fn.loops, s)
	c.fn.conts = append(c.fn.conts, s)
	t := c.body(n, s)
	c.fn.loops = c.fn.loops[:len(c.fn.loops)-1]
	c.fn.conts = c.fn.conts[:len(c.fn.conts)-1]
	return t
}

func (c *checker) condition(n int32, what string) *Expr {
	return c.cond(c.child(n, syntax.FieldCondition), what)
}

func (c *checker) exprStmt(n int32, up *Stmt) *Stmt {
	k := c.named(n)
	if k >= 0 && c.sym(k) == syntax.SymGnuAsmExpression {
		s := c.newStmt(AsmStmt, n, up)
		c.fn.stmt = s
		s.Asm = c.asm(k)
		return s
	}
	s := c.newStmt(ExprStmt, n, up)
	if k >= 0 {
		c.fn.stmt = s
		s.X = c.rvalue(k)
	}
	return s
}

func (c *checker) forStmt(n int32, up *Stmt) *Stmt {
	s := c.newStmt(For, n, up)
	saveBlock := c.fn.block
	c.fn.block = s
	c.push()
	if k := c.child(n, syntax.FieldInitializer); k >= 0 {
		if c.sym(k) == syntax.SymDeclaration {
			d := c.newStmt(DeclStmt, k, s)
			c.fn.stmt = d
			d.Decls = c.declaration(k, s)
			if len(c.fn.vlas) > 0 {
				c.fail(k, "an array of variable size declared in a for is not supported")
			}
			if len(d.Decls) > 0 {
				s.Init = d
			}
		} else {
			x := c.newStmt(ExprStmt, k, s)
			c.fn.stmt = x
			x.X = c.rvalue(k)
			x.End++ // the ;
			s.Init = x
		}
	}
	c.fn.stmt = s
	if k := c.child(n, syntax.FieldCondition); k >= 0 {
		s.X = c.cond(k, "the condition of for")
	}
	if k := c.child(n, syntax.FieldUpdate); k >= 0 {
		s.Post = c.rvalue(k)
	}
	s.Then = c.loopBody(c.child(n, syntax.FieldBody), s)
	c.pop()
	c.fn.block = saveBlock
	return s
}

func (c *checker) switchStmt(n int32, up *Stmt) *Stmt {
	s := c.newStmt(Switch, n, up)
	c.fn.stmt = s
	cn := c.child(n, syntax.FieldCondition)
	x := c.rvalue(cn)
	if !x.Type.IsInteger() {
		c.fail(cn, "switch on a value of type %s", x.Type)
	}
	s.X = c.promote(x)
	c.fn.loops = append(c.fn.loops, s)
	c.fn.cases = append(c.fn.cases, s)
	s.Then = c.body(c.child(n, syntax.FieldBody), s)
	c.fn.loops = c.fn.loops[:len(c.fn.loops)-1]
	c.fn.cases = c.fn.cases[:len(c.fn.cases)-1]
	return s
}

// caseLabel makes a Case or Default without its statement, and returns the
// nodes that hang below it.
func (c *checker) caseLabel(n int32, up *Stmt) (*Stmt, []int32) {
	if len(c.fn.cases) == 0 {
		c.fail(n, "a case label outside of a switch")
	}
	s := c.newStmt(Default, n, up)
	s.Target = c.fn.cases[len(c.fn.cases)-1]
	v := c.child(n, syntax.FieldValue)
	if v >= 0 {
		s.Kind = Case
		t := s.Target.X.Type
		if op := c.child(v, syntax.FieldOperator); c.sym(v) == syntax.SymBinaryExpression && c.tok(op).Mark == syntax.Range {
			s.Lo, s.LoVal = c.caseValue(c.child(v, syntax.FieldLeft), t)
			s.Hi, s.HiVal = c.caseValue(c.child(v, syntax.FieldRight), t)
		} else {
			s.Lo, s.LoVal = c.caseValue(v, t)
			s.HiVal = s.LoVal
		}
	}
	var rest []int32
	end := c.nodes[n].Next
	colon := false
	for i := n + 1; i < end; i = c.nodes[i].Next {
		switch {
		case !c.nodes[i].Named && c.text(i) == ":":
			colon = true
			if len(rest) == 0 {
				s.End = c.first(i) + 1
			}
		case colon && c.nodes[i].Named && i != v:
			rest = append(rest, i)
		}
	}
	return s, rest
}

// caseValue is a case label's value, converted to the type of the switch. An
// unsigned long beyond int64 wraps: compare as the switch's type does.
func (c *checker) caseValue(n int32, t *ctype.Type) (*Expr, int64) {
	x := c.rvalue(n)
	v, ok := constInt(x)
	if !ok || !x.Type.IsInteger() {
		c.fail(n, "a case label that is not an integer constant")
	}
	v = v.Wrap(t)
	return x, int64(v.Lo)
}

// labeled makes a Labeled without its statement; rest is the node of that, -1
// if there is none.
func (c *checker) labeled(n int32, up *Stmt) (*Stmt, int32) {
	s := c.newStmt(Labeled, n, up)
	ln := c.child(n, syntax.FieldLabel)
	s.Label = c.ownLabel(c.text(ln))
	if s.Label.Stmt != nil {
		c.fail(ln, "label %s is defined twice", s.Label.Name)
	}
	s.Label.Stmt = s
	return s, c.nextNamed(n, ln)
}

func (c *checker) returnStmt(n int32, up *Stmt) *Stmt {
	k := c.named(n)
	if c.tok(n).Mark == syntax.GotoStar {
		s := c.newStmt(GotoPtr, n, up)
		c.fn.stmt = s
		if k < 0 {
			c.fail(n, "a computed goto without a target")
		}
		s.X = c.rvalue(k)
		if s.X.Type.Kind != ctype.Pointer {
			if !s.X.Type.IsInteger() {
				c.fail(n, "a computed goto to a value of type %s", s.X.Type)
			}
			s.X = c.convert(s.X, c.ty.Pointer(ctype.TVoid))
		}
		return s
	}
	s := c.newStmt(Return, n, up)
	if k < 0 {
		return s
	}
	c.fn.stmt = s
	x := c.rvalue(k)
	t := c.fn.def.Obj.Type.Elem
	if t.Kind != ctype.Void {
		if x.Type.Kind == ctype.Void {
			c.fail(n, "a value of type void is returned as %s", t)
		}
		x = c.assignConv(x, t, "a result")
	}
	s.X = x
	return s
}

// stmtExpr types ({ ... }): n is the parentheses, body the braces.
func (c *checker) stmtExpr(n, body int32) *Expr {
	if c.fn == nil {
		// Only sizeof and typeof may have one here.
		if c.unevaluated == 0 {
			c.fail(n, "a statement expression outside of a function")
		}
		c.fn = &function{def: &FuncDef{}, declNode: -1}
		defer func() { c.fn = nil }()
	}
	stmt, spill := c.fn.stmt, c.fn.spill
	onObject := c.fn.onObject
	c.fn.spill, c.fn.onObject = nil, nil
	s := c.compound(body, nil)
	s.UpExpr = stmt
	c.fn.stmt, c.fn.spill, c.fn.onObject = stmt, spill, onObject
	e := c.newExpr(StmtExpr, ctype.TVoid, n)
	e.Body = s
	if k := len(s.List); k > 0 {
		last := s.List[k-1]
		for last.Kind == Labeled || last.Kind == Case || last.Kind == Default {
			last = last.Then
		}
		if last.Kind == ExprStmt && last.X != nil {
			e.Type = last.X.Type
		}
	}
	return e
}

// ---- asm

func (c *checker) asm(n int32) *Asm {
	a := &Asm{Tok: c.first(n), End: c.last(n)}
	end := c.nodes[n].Next
	operands := false
	for i := n + 1; i < end; i = c.nodes[i].Next {
		nd := &c.nodes[i]
		switch nd.Sym {
		case syntax.SymGnuAsmQualifier:
			switch c.text(i) {
			case "volatile", "__volatile__", "__volatile":
				a.Volatile = true
			case "goto":
				a.Goto, a.Volatile = true, true
			}
		case syntax.SymStringLiteral, syntax.SymConcatenatedString:
			if nd.Field == syntax.FieldAssemblyCode {
				a.Template = c.plainString(c.first(i), c.last(i))
			}
		case syntax.SymGnuAsmOutputOperandList:
			operands = true
			a.Out = c.asmOperands(i, true)
		case syntax.SymGnuAsmInputOperandList:
			a.In = c.asmOperands(i, false)
		case syntax.SymGnuAsmClobberList:
			for k := c.named(i); k >= 0; k = c.nextNamed(i, k) {
				a.Clobbers = append(a.Clobbers, c.plainString(c.first(k), c.last(k)))
			}
		case syntax.SymGnuAsmGotoList:
			for k := c.named(i); k >= 0; k = c.nextNamed(i, k) {
				if c.fn == nil {
					c.fail(k, "asm goto outside of a function")
				}
				a.Labels = append(a.Labels, c.ownLabel(c.text(k)))
			}
		}
	}
	if !operands || len(a.Out) == 0 {
		a.Volatile = true
	}
	return a
}

func (c *checker) asmOperands(list int32, out bool) []AsmOperand {
	var ops []AsmOperand
	for k := c.named(list); k >= 0; k = c.nextNamed(list, k) {
		var o AsmOperand
		if s := c.child(k, syntax.FieldSymbol); s >= 0 {
			o.Name = c.text(s)
		}
		cn := c.child(k, syntax.FieldConstraint)
		vn := c.child(k, syntax.FieldValue)
		if cn < 0 || vn < 0 {
			c.fail(k, "an asm operand without constraint or value")
		}
		o.Constraint = c.plainString(c.first(cn), c.last(cn))
		x := c.expr(vn)
		switch mem, reg := constraintKinds(o.Constraint); {
		case out:
			if !isLvalue(x) {
				c.fail(vn, "an asm output that is no lvalue")
			}
			if mem {
				c.taken(x)
			}
			o.X = x
		case mem && !reg && isLvalue(x):
			c.taken(x)
			o.X = x
		default:
			o.X = c.value(x)
		}
		ops = append(ops, o)
	}
	return ops
}

// constraintKinds says whether an asm constraint allows memory and whether it
// allows anything else.
func constraintKinds(s string) (mem, other bool) {
	for _, r := range s {
		switch r {
		case 'm', 'o', 'V', '<', '>':
			mem = true
		case 'g', 'X':
			mem, other = true, true
		case '=', '+', '&', '%', ',', '?', '!', '*', '#', ' ':
		default:
			other = true
		}
	}
	return mem, other
}
