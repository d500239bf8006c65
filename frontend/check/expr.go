package check

import (
	"strings"

	"saz/frontend/ctype"
	"saz/frontend/syntax"
)

// rvalue types the expression at node n and converts it to a value.
func (c *checker) rvalue(n int32) *Expr { return c.value(c.expr(n)) }

// isLvalue reports whether e designates an object.
func isLvalue(e *Expr) bool {
	switch e.Op {
	case Ref, Deref, CompoundLit, StrLit:
		return e.Type.Kind != ctype.Func
	case Member, RealPart, ImagPart:
		return isLvalue(e.X)
	}
	return false
}

// value applies the lvalue conversion: Load, Decay or FuncAddr.
func (c *checker) value(e *Expr) *Expr {
	switch e.Type.Kind {
	case ctype.Array:
		x := c.wrap(Decay, c.ty.Pointer(e.Type.Elem), e)
		c.taken(e)
		return x
	case ctype.VaList:
		if isLvalue(e) {
			c.taken(e)
			return c.wrap(Decay, c.ty.Pointer(ctype.TVaList), e)
		}
		return e
	case ctype.Func:
		c.taken(e)
		return c.funcAddr(e)
	}
	if isLvalue(e) {
		if e.Type.Kind == ctype.Void {
			return e
		}
		return c.wrap(Load, e.Type.Unqualified(), e)
	}
	return e
}

func (c *checker) funcAddr(e *Expr) *Expr {
	if e.Op == Deref { // &*p and *f are the pointer itself
		return e.X
	}
	return c.wrap(FuncAddr, c.ty.Pointer(e.Type), e)
}

// taken notes that the address of the object that the lvalue e lies in
// escapes.
func (c *checker) taken(e *Expr) {
	if c.unevaluated > 0 {
		return
	}
	for {
		switch e.Op {
		case Member, RealPart, ImagPart:
			e = e.X
			continue
		case Ref, CompoundLit:
			e.Obj.AddrTaken = true
		}
		return
	}
}

// convert makes e, a value, one of type t.
func (c *checker) convert(e *Expr, t *ctype.Type) *Expr {
	t = t.Unqualified()
	if e.Type == t || ctype.Same(e.Type, t) {
		return e
	}
	if e.Op == IntLit && t.IsInteger() && !e.Paren {
		v := litNum(e)
		x := c.wrap(IntLit, t, e)
		x.X = nil
		setInt(x, v)
		return x
	}
	return c.wrap(Conv, t, e)
}

// assignConv converts e as if by assignment to an object of type t.
func (c *checker) assignConv(e *Expr, t *ctype.Type, what string) *Expr {
	from := e.Type
	t = t.Unqualified()
	if from == t {
		return e
	}
	switch {
	case from.Kind == ctype.Invalid || t.Kind == ctype.Invalid:
	case t.IsArith() && from.IsArith():
	case t.Kind == ctype.Pointer && (from.Kind == ctype.Pointer || from.IsInteger()):
	case t.IsInteger() && from.Kind == ctype.Pointer:
	case t.IsRecord() && from.IsRecord() && t.Rec == from.Rec:
		return e
	case t.Kind == ctype.Vector && from.Kind == ctype.Vector && ctype.SizeOf(t) == ctype.SizeOf(from):
	case t.Kind == ctype.VaList && from.Kind == ctype.Pointer && from.Elem.Kind == ctype.VaList:
		return e
	case t.Kind == ctype.Union && t.Rec.Transparent:
		for i := range t.Rec.Fields {
			ft := t.Rec.Fields[i].Type
			if ctype.Compatible(ft.Unqualified(), from) || ft.Kind == ctype.Pointer && (from.Kind == ctype.Pointer || isNullConst(e)) {
				return c.wrap(Conv, t, c.convert(e, ft))
			}
		}
		fallthrough
	default:
		c.failAt(e.Tok, "%s of type %s cannot be made from a value of type %s", what, t, from)
	}
	return c.convert(e, t)
}

// bitWidth is the width of the bit-field that the value e came from, 0 if it
// did not.
func bitWidth(e *Expr) int64 {
	for {
		switch e.Op {
		case Load, Assign, OpAssign, PreInc, PreDec, PostInc, PostDec:
			e = e.X
		case Comma:
			e = e.Y
		case Member:
			if e.Field.BitField {
				return e.Field.BitWidth
			}
			return 0
		default:
			return 0
		}
	}
}

// promote applies the integer promotions to a value.
//
// To gcc, a bit-field wider than int has a type of just its width, which its
// promotion keeps and arithmetic with narrower operands as well. Such a value
// is given its declared type and, in prec, its width; what could exceed the
// width is cut back to it by explicit operations, so that readers of the AST
// need not know.
func (c *checker) promote(e *Expr) *Expr {
	if !e.Type.IsInteger() {
		return e
	}
	w := bitWidth(e)
	if w == 0 {
		return c.convert(e, ctype.Promote(e.Type))
	}
	t := ctype.PromoteBits(e.Type, w)
	e = c.convert(e, t)
	if w > 32 && w < int64(t.Bits()) && w < 64 {
		e.prec = uint8(w)
	}
	return e
}

// precision is the width of the integer type that gcc gives e.
func precision(e *Expr) int {
	if e.prec != 0 {
		return int(e.prec)
	}
	return e.Type.Bits()
}

// narrow cuts e, computed in a type of prec bits, back to those.
func (c *checker) narrow(e *Expr, prec uint8) *Expr {
	if prec == 0 {
		return e
	}
	e.prec = prec
	lit := func(v ctype.Num, t *ctype.Type) *Expr {
		x := c.wrap(IntLit, t, e)
		x.X, x.prec = nil, prec
		setInt(x, v)
		return x
	}
	if !e.Type.IsSigned() {
		x := c.wrap(And, e.Type, e)
		x.Y = lit(ctype.NumUint(1).Shl(uint(prec)).Sub(ctype.NumUint(1)), e.Type)
		x.prec = prec
		return x
	}
	k := ctype.NumInt(int64(e.Type.Bits()) - int64(prec))
	x := c.wrap(Shl, e.Type, e)
	x.Y = lit(k, ctype.TInt)
	y := c.wrap(Shr, e.Type, x)
	y.Y = lit(k, ctype.TInt)
	x.prec, y.prec = prec, prec
	return y
}

// usual applies the usual arithmetic conversions to both values.
func (c *checker) usual(x, y *Expr) (*Expr, *Expr, *ctype.Type) {
	x, y = c.promote(x), c.promote(y)
	if (x.prec != 0 || y.prec != 0) && x.Type.IsInteger() && y.Type.IsInteger() {
		w := x // whose type wins
		if px, py := precision(x), precision(y); py > px || py == px && !y.Type.IsSigned() {
			w = y
		}
		t, prec := w.Type, w.prec
		return c.toPrec(x, t, prec), c.toPrec(y, t, prec), t
	}
	t := c.ty.UsualArith(x.Type, y.Type)
	return c.convert(x, t), c.convert(y, t), t
}

// toPrec converts x to type t of prec bits.
func (c *checker) toPrec(x *Expr, t *ctype.Type, prec uint8) *Expr {
	if x.prec == prec && ctype.Same(x.Type, t) {
		return x
	}
	fits := precision(x) <= int(prec) && !x.Type.IsSigned() || precision(x) <= int(prec) && t.IsSigned() && x.Type.IsSigned()
	y := c.convert(x, t)
	if prec == 0 {
		return y
	}
	if fits && y != x {
		y.prec = prec
		return y
	}
	return c.narrow(y, prec)
}

// cond makes a value something that can be tested.
func (c *checker) cond(n int32, what string) *Expr {
	x := c.rvalue(n)
	c.needScalar(x, n, what)
	return x
}

func (c *checker) needScalar(x *Expr, n int32, what string) {
	if !x.Type.IsScalar() {
		c.fail(n, "%s has the type %s, a scalar is needed", what, x.Type)
	}
}

// expr types the expression at node n.
func (c *checker) expr(n int32) *Expr {
	switch c.sym(n) {
	case syntax.SymIdentifier:
		return c.identifier(n)
	case syntax.SymNumberLiteral:
		return c.number(n)
	case syntax.SymCharLiteral:
		return c.char(n)
	case syntax.SymStringLiteral, syntax.SymConcatenatedString:
		return c.str(n)
	case syntax.SymTrue, syntax.SymFalse, syntax.SymNull:
		return c.namedConst(n)
	case syntax.SymParenthesizedExpression:
		return c.paren(n)
	case syntax.SymFieldExpression:
		return c.fieldExpr(n)
	case syntax.SymSubscriptExpression:
		return c.subscript(n)
	case syntax.SymCallExpression:
		return c.call(n)
	case syntax.SymPointerExpression:
		return c.pointerExpr(n)
	case syntax.SymUnaryExpression:
		return c.unary(n)
	case syntax.SymUpdateExpression:
		return c.update(n)
	case syntax.SymBinaryExpression:
		return c.binary(n)
	case syntax.SymAssignmentExpression:
		return c.assignment(n)
	case syntax.SymConditionalExpression:
		return c.conditional(n)
	case syntax.SymCommaExpression:
		x := c.rvalue(c.child(n, syntax.FieldLeft))
		y := c.rvalue(c.child(n, syntax.FieldRight))
		e := c.newExpr(Comma, y.Type, n)
		e.X, e.Y = x, y
		return e
	case syntax.SymCastExpression:
		return c.cast(n)
	case syntax.SymSizeofExpression:
		return c.sizeof(n)
	case syntax.SymCompoundLiteralExpression:
		return c.compoundLit(n)
	case syntax.SymGenericExpression:
		return c.generic(n)
	}
	c.fail(n, "saz does not know what a %s means in an expression", c.sym(n))
	return nil
}

// namedConst is true, false and nullptr where the grammar sees keywords.
func (c *checker) namedConst(n int32) *Expr {
	text := c.text(n)
	if c.idents[text] != nil {
		return c.identifier(n)
	}
	switch text {
	case "true":
		return c.intLit(ctype.TBool, ctype.NumUint(1), n)
	case "false":
		return c.intLit(ctype.TBool, ctype.Num{}, n)
	case "nullptr":
		e := c.intLit(ctype.TInt, ctype.Num{}, n)
		return c.wrap(Conv, c.ty.Pointer(ctype.TVoid), e)
	}
	return c.identifier(n)
}

func (c *checker) identifier(n int32) *Expr {
	name := c.text(n)
	id := c.idents[name]
	if id == nil {
		switch name {
		case "__func__", "__FUNCTION__", "__PRETTY_FUNCTION__":
			return c.funcName(name, n)
		case "true", "false", "nullptr":
			if c.sym(n) != syntax.SymIdentifier {
				break
			}
			return c.namedConst(n)
		}
		if o := c.builtinObject(name, n); o != nil {
			e := c.newExpr(Ref, o.Type, n)
			e.Obj = o
			c.mention(o)
			return e
		}
		c.fail(n, "%s is not declared", name)
	}
	switch id.kind {
	case constIdent:
		return c.intLit(id.typ, id.val, n)
	case typedefIdent:
		c.fail(n, "%s is a type, not a value", name)
	}
	e := c.newExpr(Ref, id.obj.Type, n)
	e.Obj = id.obj
	c.mention(id.obj)
	if c.fn != nil && id.obj.Func != nil && id.obj.Func != c.fn.def && (id.obj.Storage == Auto || id.obj.Storage == Param) {
		id.obj.AddrTaken = true // a nested function reaches it through the static chain
	}
	return e
}

// funcName is the object behind __func__ and its like.
func (c *checker) funcName(name string, n int32) *Expr {
	if c.fn == nil {
		c.fail(n, "%s outside of a function", name)
	}
	o := c.fn.name
	if o == nil {
		f := c.declName()
		o = c.newObject()
		o.Name, o.Link, o.Storage, o.Defined = "__func__", "__func__", FuncStatic, true
		o.Func, o.Tok, o.Pos = c.fn.def, c.first(n), c.pos(n)
		o.Type = c.ty.Array(c.ty.Qualified(ctype.TChar, ctype.Const), int64(len(f))+1)
		lit := c.newExpr(StrLit, c.ty.Array(ctype.TChar, int64(len(f))+1), n)
		lit.Str = f + "\x00"
		o.Init = &Init{Items: []InitItem{{Type: o.Type, X: lit}}, Tok: o.Tok, End: o.Tok + 1, Size: int64(len(f)) + 1}
		c.fn.name = o
		c.fn.def.Locals = append(c.fn.def.Locals, o)
		c.unit.Objects = append(c.unit.Objects, o)
	}
	e := c.newExpr(Ref, o.Type, n)
	e.Obj = o
	return e
}

func (c *checker) declName() string {
	if c.fn.def.Obj != nil {
		return c.fn.def.Obj.Name
	}
	return ""
}

func (c *checker) paren(n int32) *Expr {
	k := c.named(n)
	if k < 0 {
		c.fail(n, "empty parentheses")
	}
	if c.sym(k) == syntax.SymCompoundStatement {
		return c.stmtExpr(n, k)
	}
	e := c.expr(k)
	if c.tok(n).Mark != syntax.Synthetic {
		e.Paren = true
	}
	return e
}

// ---- members, elements, pointers

func (c *checker) fieldExpr(n int32) *Expr {
	an := c.child(n, syntax.FieldArgument)
	_, op := c.op(n)
	fn := c.child(n, syntax.FieldField)
	x := c.expr(an)
	if op == "->" {
		x = c.value(x)
		if x.Type.Kind != ctype.Pointer {
			c.fail(n, "-> on a value of type %s", x.Type)
		}
		x = c.deref(x, n)
		x.End = c.last(an)
	}
	return c.member(x, c.text(fn), n)
}

// member is x.name, with a node for each anonymous member on the way.
func (c *checker) member(x *Expr, name string, n int32) *Expr {
	if !x.Type.IsRecord() {
		c.fail(n, "a value of type %s has no members", x.Type)
	}
	if !x.Type.Rec.Complete {
		c.fail(n, "%s is incomplete here", x.Type)
	}
	path := x.Type.Rec.Lookup(name)
	if path == nil {
		c.fail(n, "%s has no member %s", x.Type, name)
	}
	for _, f := range path {
		t := f.Type
		if q := x.Type.Qual &^ ctype.Restrict; q != 0 {
			t = c.ty.Qualified(t, q)
		}
		e := c.newExpr(Member, t, n)
		if !isLvalue(x) && t.Kind != ctype.Array {
			e.Type = t.Unqualified()
		}
		e.X, e.Field = x, f
		x = e
	}
	return x
}

func (c *checker) deref(p *Expr, n int32) *Expr {
	if p.Type.Kind != ctype.Pointer {
		c.fail(n, "* on a value of type %s", p.Type)
	}
	if p.Op == FuncAddr {
		return p.X
	}
	e := c.newExpr(Deref, p.Type.Elem, n)
	e.X = p
	return e
}

func (c *checker) subscript(n int32) *Expr {
	a := c.expr(c.child(n, syntax.FieldArgument))
	i := c.rvalue(c.child(n, syntax.FieldIndex))
	if a.Type.Kind == ctype.Vector {
		return c.vectorElem(a, i, n)
	}
	a = c.value(a)
	if a.Type.IsInteger() && i.Type.Kind == ctype.Pointer {
		a, i = i, a
	}
	if a.Type.Kind != ctype.Pointer || !i.Type.IsInteger() {
		c.fail(n, "[] on values of types %s and %s", a.Type, i.Type)
	}
	p := c.ptrAdd(PtrAdd, a, i, n)
	return c.deref(p, n)
}

// vectorElem is v[i]: the element seen through a pointer. A vector value is
// kept as a VecOp with the operation Load.
func (c *checker) vectorElem(v, i *Expr, n int32) *Expr {
	if !i.Type.IsInteger() {
		c.fail(n, "[] on a vector with an index of type %s", i.Type)
	}
	elem := c.ty.Qualified(v.Type.Elem, v.Type.Qual)
	if !isLvalue(v) {
		e := c.newExpr(VecOp, v.Type.Elem, n)
		e.Sub, e.X, e.Y = Load, v, c.convert(i, ctype.TLong)
		return e
	}
	c.taken(v)
	p := c.wrap(Addr, c.ty.Pointer(v.Type), v)
	p = c.wrap(Conv, c.ty.Pointer(elem), p)
	return c.deref(c.ptrAdd(PtrAdd, p, i, n), n)
}

// ptrAdd is pointer arithmetic; op is PtrAdd or PtrSub.
func (c *checker) ptrAdd(op Op, p, i *Expr, n int32) *Expr {
	if e := p.Type.Elem; e.Kind != ctype.Void && e.Kind != ctype.Func && ctype.SizeOf(e) == -1 {
		c.fail(n, "arithmetic on a pointer to the incomplete type %s", e)
	}
	e := c.newExpr(op, p.Type, n)
	e.X, e.Y = p, c.convert(i, ctype.TLong)
	return e
}

func (c *checker) pointerExpr(n int32) *Expr {
	tok, op := c.op(n)
	an := c.child(n, syntax.FieldArgument)
	if tok.Mark == syntax.LabelAddr {
		if c.fn == nil {
			c.fail(n, "the address of a label outside of a function")
		}
		e := c.newExpr(LabelAddr, c.ty.Pointer(ctype.TVoid), n)
		e.Label = c.label(c.text(an))
		if e.Label.Func != c.fn.def {
			e.Label.Lent = true
		}
		e.Label.AddrTaken = true
		return e
	}
	if op == "*" {
		x := c.rvalue(an)
		return c.deref(x, n)
	}
	x := c.expr(an)
	if x.Type.Kind == ctype.Func {
		c.taken(x)
		f := c.funcAddr(x)
		if f.Op == FuncAddr {
			f.Tok = c.first(n)
		}
		return f
	}
	if !isLvalue(x) && !(x.Op == Member && x.Type.Kind == ctype.Array) {
		if x.Type.Kind != ctype.Void || x.Op != Deref {
			c.fail(n, "& on something that is no lvalue")
		}
	}
	if x.Op == Member && x.Field.BitField {
		c.fail(n, "& on the bit-field %s", x.Field.Name)
	}
	c.taken(x)
	e := c.newExpr(Addr, c.ty.Pointer(x.Type), n)
	e.X = x
	return e
}

// ---- unary operators

func (c *checker) unary(n int32) *Expr {
	tok, op := c.op(n)
	an := c.child(n, syntax.FieldArgument)
	switch tok.Mark {
	case syntax.Real, syntax.Imag:
		return c.realImag(tok.Mark == syntax.Imag, c.expr(an), n)
	}
	x := c.rvalue(an)
	switch op {
	case "!":
		c.needScalar(x, n, "the operand of !")
		e := c.newExpr(LogNot, ctype.TInt, n)
		e.X = x
		return e
	case "-":
		return c.unaryArith(Neg, x, n)
	case "+":
		return c.unaryArith(Plus, x, n)
	case "~":
		if x.Type.IsFloat() {
			c.fail(n, "~ on a value of type %s", x.Type)
		}
		return c.unaryArith(BitNot, x, n)
	}
	c.fail(n, "saz does not know the operator %s", op)
	return nil
}

func (c *checker) unaryArith(op Op, x *Expr, n int32) *Expr {
	if x.Type.Kind == ctype.Vector {
		e := c.newExpr(VecOp, x.Type, n)
		e.Sub, e.X = op, x
		return e
	}
	if !x.Type.IsArith() {
		c.fail(n, "an arithmetic operator on a value of type %s", x.Type)
	}
	x = c.promote(x)
	e := c.newExpr(op, x.Type, n)
	e.X = x
	return c.narrow(e, x.prec)
}

func (c *checker) realImag(imag bool, x *Expr, n int32) *Expr {
	t := x.Type
	op := RealPart
	if imag {
		op = ImagPart
	}
	if t.Kind != ctype.Complex {
		if !t.IsArith() {
			c.fail(n, "__real__ or __imag__ of a value of type %s", t)
		}
		if x = c.value(x); imag {
			return c.convert(c.intLit(ctype.TInt, ctype.Num{}, n), x.Type)
		}
		return x
	}
	e := c.newExpr(op, c.ty.Qualified(t.Elem, t.Qual), n)
	e.X = x
	return e
}

func (c *checker) update(n int32) *Expr {
	opn := c.child(n, syntax.FieldOperator)
	an := c.child(n, syntax.FieldArgument)
	inc := c.text(opn) == "++"
	prefix := opn < an
	x := c.expr(an)
	c.needModifiable(x, n)
	var op Op
	switch {
	case prefix && inc:
		op = PreInc
	case prefix:
		op = PreDec
	case inc:
		op = PostInc
	default:
		op = PostDec
	}
	if !x.Type.IsReal() && x.Type.Kind != ctype.Pointer && x.Type.Kind != ctype.Vector && x.Type.Kind != ctype.Complex {
		c.fail(n, "%s on a value of type %s", c.text(opn), x.Type)
	}
	if x.Type.Kind == ctype.Pointer && x.Type.Elem.Kind != ctype.Void && ctype.SizeOf(x.Type.Elem) == -1 {
		c.fail(n, "arithmetic on a pointer to the incomplete type %s", x.Type.Elem)
	}
	e := c.newExpr(op, x.Type.Unqualified(), n)
	e.X = x
	return e
}

func (c *checker) needModifiable(x *Expr, n int32) {
	if !isLvalue(x) {
		c.fail(n, "an assignment to something that is no lvalue")
	}
	if x.Type.Kind == ctype.Array {
		c.fail(n, "an assignment to an array")
	}
}

// ---- binary operators

var binaryOps = map[string]Op{
	"+": Add, "-": Sub, "*": Mul, "/": Div, "%": Rem, "&": And, "|": Or, "^": Xor, "<<": Shl, ">>": Shr,
	"==": Eq, "!=": Ne, "<": Lt, ">": Gt, "<=": Le, ">=": Ge, "&&": LogAnd, "||": LogOr,
}

func (c *checker) binary(n int32) *Expr {
	// Long chains a + b + c + ... lean to the left: walk down, then build up,
	// or the stack grows with the source.
	var chain []int32
	top := n
	for {
		l := c.child(top, syntax.FieldLeft)
		if c.sym(l) != syntax.SymBinaryExpression {
			break
		}
		chain = append(chain, top)
		top = l
	}
	x := c.binary1(c.expr(c.child(top, syntax.FieldLeft)), top)
	for i := len(chain) - 1; i >= 0; i-- {
		x = c.binary1(x, chain[i])
	}
	return x
}

func (c *checker) binary1(x *Expr, n int32) *Expr {
	tok, text := c.op(n)
	op, ok := binaryOps[text]
	if !ok || tok.Mark == syntax.Range {
		c.fail(n, "saz does not know the operator %s here", text)
	}
	x = c.value(x)
	y := c.rvalue(c.child(n, syntax.FieldRight))
	return c.binaryOp(op, x, y, n)
}

func (c *checker) mismatch(op Op, x, y *Expr, n int32) {
	c.fail(n, "%s on values of types %s and %s", op, x.Type, y.Type)
}

// binaryOp types x op y on values.
func (c *checker) binaryOp(op Op, x, y *Expr, n int32) *Expr {
	xt, yt := x.Type, y.Type
	bin := func(t *ctype.Type, x, y *Expr) *Expr {
		e := c.newExpr(op, t, n)
		e.X, e.Y = x, y
		return e
	}
	if xt.Kind == ctype.Vector || yt.Kind == ctype.Vector {
		return c.vectorOp(op, x, y, n)
	}
	switch op {
	case LogAnd, LogOr:
		c.needScalar(x, n, "the left operand")
		c.needScalar(y, n, "the right operand")
		return bin(ctype.TInt, x, y)
	case Add:
		switch {
		case xt.Kind == ctype.Pointer && yt.IsInteger():
			return c.ptrAdd(PtrAdd, x, y, n)
		case yt.Kind == ctype.Pointer && xt.IsInteger():
			return c.ptrAdd(PtrAdd, y, x, n)
		}
	case Sub:
		switch {
		case xt.Kind == ctype.Pointer && yt.IsInteger():
			return c.ptrAdd(PtrSub, x, y, n)
		case xt.Kind == ctype.Pointer && yt.Kind == ctype.Pointer:
			op = PtrDiff
			return bin(ctype.TLong, x, y)
		}
	case Eq, Ne, Lt, Gt, Le, Ge:
		if xt.Kind == ctype.Pointer || yt.Kind == ctype.Pointer {
			if !(xt.Kind == ctype.Pointer || xt.IsInteger()) || !(yt.Kind == ctype.Pointer || yt.IsInteger()) {
				c.mismatch(op, x, y, n)
			}
			// Both become one pointer type: that of the one that is no null
			// pointer constant, void * if they differ and one is that.
			t := xt
			if xt.Kind != ctype.Pointer || yt.Kind == ctype.Pointer && (isNullConst(x) || yt.Elem.Kind == ctype.Void && !isNullConst(y)) {
				t = yt
			}
			return bin(ctype.TInt, c.convert(x, t), c.convert(y, t))
		}
		if !xt.IsArith() || !yt.IsArith() {
			c.mismatch(op, x, y, n)
		}
		x, y, _ = c.usual(x, y)
		return bin(ctype.TInt, x, y)
	case Shl, Shr:
		if !xt.IsInteger() || !yt.IsInteger() {
			c.mismatch(op, x, y, n)
		}
		x, y = c.promote(x), c.promote(y)
		e := bin(x.Type, x, y)
		if op == Shr {
			e.prec = x.prec
			return e
		}
		return c.narrow(e, x.prec)
	case Rem, And, Or, Xor:
		if !xt.IsInteger() || !yt.IsInteger() {
			c.mismatch(op, x, y, n)
		}
	}
	if !xt.IsArith() || !yt.IsArith() {
		c.mismatch(op, x, y, n)
	}
	x, y, t := c.usual(x, y)
	return c.narrow(bin(t, x, y), x.prec)
}

// vectorOp types an operation on at least one vector: element by element, a
// scalar operand repeated.
func (c *checker) vectorOp(op Op, x, y *Expr, n int32) *Expr {
	t := x.Type
	if t.Kind != ctype.Vector {
		t = y.Type
	}
	for _, e := range [2]*Expr{x, y} {
		switch {
		case e.Type.Kind == ctype.Vector && ctype.SizeOf(e.Type) == ctype.SizeOf(t) && e.Type.Len == t.Len:
		case e.Type.IsReal():
		default:
			c.mismatch(op, x, y, n)
		}
	}
	if x.Type.Kind != ctype.Vector {
		x = c.wrap(Conv, t.Unqualified(), c.convert(x, t.Elem))
	}
	if y.Type.Kind != ctype.Vector {
		y = c.wrap(Conv, t.Unqualified(), c.convert(y, t.Elem))
	}
	r := t.Unqualified()
	switch op {
	case Eq, Ne, Lt, Gt, Le, Ge, LogAnd, LogOr:
		r = c.ty.Vector(ctype.IntOfSize(ctype.SizeOf(t.Elem), true), t.Len)
	}
	e := c.newExpr(VecOp, r, n)
	e.Sub, e.X, e.Y = op, x, y
	return e
}

func (c *checker) assignment(n int32) *Expr {
	_, text := c.op(n)
	x := c.expr(c.child(n, syntax.FieldLeft))
	c.needModifiable(x, n)
	y := c.rvalue(c.child(n, syntax.FieldRight))
	t := x.Type.Unqualified()
	if text == "=" {
		e := c.newExpr(Assign, t, n)
		e.X, e.Y = x, c.assignConv(y, t, "an object")
		return e
	}
	op, ok := binaryOps[text[:len(text)-1]]
	if !ok {
		c.fail(n, "saz does not know the operator %s", text)
	}
	e := c.newExpr(OpAssign, t, n)
	e.X, e.Sub = x, op
	switch {
	case t.Kind == ctype.Vector:
		if y.Type.Kind != ctype.Vector {
			if !y.Type.IsReal() {
				c.mismatch(op, x, y, n)
			}
			y = c.wrap(Conv, t, c.convert(y, t.Elem))
		}
		e.Calc, e.Y = t, y
	case t.Kind == ctype.Pointer && (op == Add || op == Sub) && y.Type.IsInteger():
		if op == Add {
			e.Sub = PtrAdd
		} else {
			e.Sub = PtrSub
		}
		if t.Elem.Kind != ctype.Void && ctype.SizeOf(t.Elem) == -1 {
			c.fail(n, "arithmetic on a pointer to the incomplete type %s", t.Elem)
		}
		e.Calc, e.Y = t, c.convert(y, ctype.TLong)
	case t.IsArith() && y.Type.IsArith():
		if (op == Rem || op >= And && op <= Shr) && !(t.IsInteger() && y.Type.IsInteger()) {
			c.mismatch(op, x, y, n)
		}
		xp := ctype.Promote(t)
		if !t.IsInteger() {
			xp = t
		} else if w := bitWidth(x); w > 0 {
			xp = ctype.PromoteBits(t, w)
		}
		y = c.promote(y)
		if op == Shl || op == Shr {
			e.Calc, e.Y = xp, y
			break
		}
		e.Calc = c.ty.UsualArith(xp, y.Type)
		e.Y = c.convert(y, e.Calc)
	default:
		c.mismatch(op, x, y, n)
	}
	return e
}

func (c *checker) conditional(n int32) *Expr {
	cn := c.child(n, syntax.FieldCondition)
	x := c.rvalue(cn)
	yn := c.child(n, syntax.FieldConsequence)
	var y *Expr
	if yn >= 0 {
		y = c.rvalue(yn)
	}
	z := c.rvalue(c.child(n, syntax.FieldAlternative))
	if x.Type.Kind == ctype.Vector {
		e := c.newExpr(VecOp, z.Type, n)
		e.Sub, e.X, e.Y, e.Z = Cond, x, y, z
		return e
	}
	c.needScalar(x, cn, "the condition")
	e := c.newExpr(Cond, nil, n)
	e.X, e.Y, e.Z = x, y, z
	v := y
	switch {
	case v == nil:
		v = x
	case y.Type.IsInteger() && z.Type.IsInteger():
		e.Y, e.Z, e.Type = c.usual(y, z)
		e.prec = e.Y.prec
		return e
	}
	e.Type = c.condType(v, z, n)
	if e.Type.Kind != ctype.Void {
		if y != nil {
			e.Y = c.convert(y, e.Type)
		}
		e.Z = c.convert(z, e.Type)
	}
	return e
}

// condType is the type of x ? y : z.
func (c *checker) condType(y, z *Expr, n int32) *ctype.Type {
	a, b := y.Type, z.Type
	switch {
	case a.IsArith() && b.IsArith():
		if w := bitWidth(y); w > 0 {
			a = ctype.PromoteBits(a, w)
		}
		if w := bitWidth(z); w > 0 {
			b = ctype.PromoteBits(b, w)
		}
		return c.ty.UsualArith(a, b)
	case a.Kind == ctype.Void || b.Kind == ctype.Void:
		return ctype.TVoid
	case a.IsRecord() && b.IsRecord() && a.Rec == b.Rec:
		return a
	case a.Kind == ctype.Vector && b.Kind == ctype.Vector && ctype.SizeOf(a) == ctype.SizeOf(b):
		return a
	case a.Kind == ctype.Pointer && b.Kind == ctype.Pointer:
		switch {
		case isNullConst(y):
			return b
		case isNullConst(z):
			return a
		}
		q := a.Elem.Qual | b.Elem.Qual
		ae, be := a.Elem.Unqualified(), b.Elem.Unqualified()
		switch {
		case ae.Kind == ctype.Void, be.Kind == ctype.Void:
			return c.ty.Pointer(c.ty.Qualified(ctype.TVoid, q))
		case ctype.Same(ae, be):
			return c.ty.Pointer(c.ty.Qualified(ae, q))
		case ctype.Compatible(ae, be):
			return c.ty.Pointer(c.ty.Qualified(c.ty.Composite(ae, be), q))
		}
		return c.ty.Pointer(c.ty.Qualified(ctype.TVoid, q)) // gcc warns and does this
	case a.Kind == ctype.Pointer && b.IsInteger():
		return a
	case b.Kind == ctype.Pointer && a.IsInteger():
		return b
	}
	c.fail(n, "?: between values of types %s and %s", a, b)
	return nil
}

// ---- casts, sizeof, literals, _Generic

func (c *checker) cast(n int32) *Expr {
	c.vlaBegin()
	t := c.typeName(c.child(n, syntax.FieldType))
	sizes := c.vlaEnd()
	x := c.rvalue(c.child(n, syntax.FieldValue))
	t = t.Unqualified()
	e := c.newExpr(Conv, t, n)
	e.X, e.Explicit = x, true
	from := x.Type
	switch {
	case t.Kind == ctype.Void:
	case t.IsRecord() && from.IsRecord() && t.Rec == from.Rec:
	case t.Kind == ctype.Union:
		ok := false
		for i := range t.Rec.Fields { // GNU: cast to union
			ok = ok || ctype.Compatible(t.Rec.Fields[i].Type.Unqualified(), from)
		}
		if !ok {
			c.fail(n, "a cast from %s to %s", from, t)
		}
	case t.IsArith() && from.IsArith():
	case t.IsScalar() && from.IsScalar() && !t.IsFloat() && !from.IsFloat():
	case (t.Kind == ctype.Vector || from.Kind == ctype.Vector) && ctype.SizeOf(t) == ctype.SizeOf(from):
	default:
		c.fail(n, "a cast from %s to %s", from, t)
	}
	return c.vlaFirst(sizes, e)
}

// operandType is the type of the operand of sizeof, _Alignof or typeof; x is
// the operand if it is an expression.
func (c *checker) operandType(n int32) (t *ctype.Type, x *Expr) {
	if k := c.child(n, syntax.FieldType); k >= 0 {
		return c.typeName(k), nil
	}
	c.unevaluated++
	x = c.expr(c.child(n, syntax.FieldValue))
	c.unevaluated--
	return x.Type, x
}

func (c *checker) sizeof(n int32) *Expr {
	c.vlaBegin()
	t, x := c.operandType(n)
	sizes := c.vlaEnd()
	if c.tok(n).Mark == syntax.Alignof {
		a := ctype.AlignOf(t)
		if x != nil {
			switch {
			case x.Op == Ref && x.Obj.Align > 0:
				a = x.Obj.Align
			case x.Op == Member:
				a = max(x.Field.Align, 1)
			}
		}
		return c.intLit(ctype.TULong, ctype.NumInt(a), n)
	}
	if x != nil && x.Op == Member && x.Field.BitField {
		c.fail(n, "sizeof on the bit-field %s", x.Field.Name)
	}
	switch s := ctype.SizeOf(t); {
	case s >= 0:
		return c.intLit(ctype.TULong, ctype.NumInt(s), n)
	case s == -1:
		c.fail(n, "sizeof on the incomplete type %s", t)
	}
	e := c.newExpr(SizeofVLA, ctype.TULong, n)
	e.Calc = t
	if x != nil && x.Op != Ref {
		e.X = x
	}
	return c.vlaFirst(sizes, e)
}

// vlaBegin and vlaEnd enclose a type name in an expression: the sizes of VLAs
// in it are evaluated with the expression. vlaFirst puts them before it.
func (c *checker) vlaBegin() {
	if c.fn != nil {
		c.fn.vlaMarks = append(c.fn.vlaMarks, len(c.fn.vlas))
	}
}

func (c *checker) vlaEnd() []int32 {
	if c.fn == nil {
		return nil
	}
	k := len(c.fn.vlaMarks) - 1
	m := c.fn.vlaMarks[k]
	c.fn.vlaMarks = c.fn.vlaMarks[:k]
	if m == len(c.fn.vlas) {
		return nil
	}
	out := append([]int32(nil), c.fn.vlas[m:]...)
	c.fn.vlas = c.fn.vlas[:m]
	return out
}

func (c *checker) vlaFirst(sizes []int32, e *Expr) *Expr {
	for i := len(sizes) - 1; i >= 0; i-- {
		s := c.wrap(VLASize, ctype.TVoid, e)
		s.X, s.Val = nil, int64(sizes[i])
		k := c.wrap(Comma, e.Type, s)
		k.Y = e
		e = k
	}
	return e
}

func (c *checker) compoundLit(n int32) *Expr {
	t := c.typeName(c.child(n, syntax.FieldType))
	o := c.newObject()
	o.Type, o.Tok, o.Pos, o.Defined = t, c.first(n), c.pos(n), true
	if c.fn != nil {
		o.Storage = Auto
		o.Func = c.fn.def
		o.Scope = c.fn.block
		if c.unevaluated == 0 {
			c.fn.def.Locals = append(c.fn.def.Locals, o)
		}
	} else {
		o.Storage = Static
		if c.unevaluated == 0 {
			c.unit.Objects = append(c.unit.Objects, o)
		}
	}
	c.initObject(o, c.child(n, syntax.FieldValue))
	e := c.newExpr(CompoundLit, o.Type, n)
	e.Obj, e.Init = o, o.Init
	return e
}

func (c *checker) generic(n int32) *Expr {
	k := c.named(n)
	c.unevaluated++
	var ct *ctype.Type
	if c.sym(k) == syntax.SymTypeDescriptor {
		ct = c.typeName(k) // C2y
	} else {
		ct = c.rvalue(k).Type
	}
	c.unevaluated--
	pick, deflt := int32(-1), int32(-1)
	for k = c.nextNamed(n, k); k >= 0; k = c.nextNamed(n, k) {
		x := c.nextNamed(n, k)
		if x < 0 {
			break
		}
		if c.text(k) == "default" {
			deflt = x
		} else if t := c.typeName(k); pick < 0 && ctype.Compatible(t, ct) {
			pick = x
		}
		k = x
	}
	if pick < 0 {
		pick = deflt
	}
	if pick < 0 {
		c.fail(n, "no association of _Generic fits the type %s", ct)
	}
	e := c.expr(pick)
	return e
}

// ---- calls

func (c *checker) call(n int32) *Expr {
	fn := c.child(n, syntax.FieldFunction)
	an := c.child(n, syntax.FieldArguments)
	var f *Expr
	if c.sym(fn) == syntax.SymIdentifier {
		name := c.text(fn)
		if c.idents[name] == nil {
			if e := c.builtinCall(name, n, an); e != nil {
				return e
			}
			o := c.builtinObject(name, fn)
			if o == nil {
				for _, p := range [...]string{"__builtin_", "__sync_", "__atomic_"} {
					if strings.HasPrefix(name, p) && !(p == "__atomic_" && name[len(name)-1] >= '0' && name[len(name)-1] <= '9') {
						c.fail(fn, "saz does not know the built-in function %s", name)
					}
				}
				o = c.implicit(name, fn)
			}
			f = c.newExpr(Ref, o.Type, fn)
			f.Obj = o
			c.mention(o)
		}
	}
	if f == nil {
		f = c.expr(fn)
	}
	if f.Type.Kind == ctype.Func {
		f = c.funcAddr(f) // a callee's address is not taken
	} else {
		f = c.value(f)
	}
	if f.Type.Kind != ctype.Pointer || f.Type.Elem.Kind != ctype.Func {
		c.fail(n, "a call of a value of type %s", f.Type)
	}
	return c.finishCall(f, c.args(an), n)
}

// args types the arguments of a call as values.
func (c *checker) args(an int32) []*Expr {
	base := len(c.argStack)
	end := c.nodes[an].Next
	for i := an + 1; i < end; i = c.nodes[i].Next {
		if c.nodes[i].Named {
			c.argStack = append(c.argStack, c.rvalue(i))
		}
	}
	out := append([]*Expr(nil), c.argStack[base:]...)
	c.argStack = c.argStack[:base]
	return out
}

// finishCall converts the arguments to what the function's type asks for.
func (c *checker) finishCall(f *Expr, args []*Expr, n int32) *Expr {
	ft := f.Type.Elem
	p := ft.Func
	params := p.Params
	lax := f.Op == FuncAddr && f.X.Op == Ref && f.X.Obj != nil && f.X.Obj.implicit && len(params) != len(args)
	if p.OldStyle || lax {
		params = nil // the compiler only warns about a call of its own prototype
	} else {
		switch {
		case len(args) < len(params):
			c.fail(n, "%d arguments for %d parameters", len(args), len(params))
		case len(args) > len(params) && !p.Variadic:
			c.fail(n, "%d arguments for %d parameters", len(args), len(params))
		}
	}
	for i, a := range args {
		if i < len(params) {
			args[i] = c.assignConv(a, params[i].Type, "an argument")
			continue
		}
		switch {
		case a.Type.IsInteger():
			args[i] = c.promote(a)
		case a.Type.Kind == ctype.Float:
			args[i] = c.convert(a, ctype.TDouble)
		case a.Type.Kind == ctype.Void:
			c.failAt(a.Tok, "an argument of type void")
		}
	}
	e := c.newExpr(Call, ft.Elem.Unqualified(), n)
	e.X, e.Args = f, args
	return e
}

// implicit declares a function at its first call, as C89 does.
func (c *checker) implicit(name string, n int32) *Object {
	c.warn(n, "implicit-function", "%s is called without a declaration: it is taken to return int", name)
	t := c.ty.Function(ctype.TInt, &ctype.FuncType{OldStyle: true})
	o := c.externs[name]
	if o == nil {
		o = c.declareLinked(name, t, false, c.first(n))
		o.implicit = true
	}
	// gcc gives it the scope of the block; to know it from here on suffices.
	c.bindGlobal(name, ident{kind: objectIdent, obj: o})
	return o
}
