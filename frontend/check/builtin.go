package check

import (
	_ "embed"
	"strings"
	"sync"

	"saz/frontend/ctype"
	"saz/frontend/syntax"
)

// builtinsText has a prototype a line. A name with __builtin_ before it is an
// operation of the compiler (BuiltinCall); any other is a library function
// that gcc knows: it has this type if the program does not declare it, and
// __builtin_NAME is the same function.
//
//go:embed builtins.txt
var builtinsText string

// signatures maps names to their line in builtinsText.
var signatures = sync.OnceValue(func() map[string]string {
	m := make(map[string]string, 1024)
	for line := range strings.Lines(builtinsText) {
		line = strings.TrimSpace(line)
		if line == "" || line[0] == '#' {
			continue
		}
		i := strings.IndexByte(line, '(')
		j := strings.LastIndexAny(line[:i], " *") + 1
		m[line[j:i]] = line
	}
	return m
})

// x86Text has the vector instructions: a type, then the names of the
// functions that have it. It is what gcc says when asked for each function
// that its own headers use.
//
//go:embed builtins_x86.txt
var x86Text string

const x86Prefix = "__builtin_ia32_"

// x86Signatures maps names without x86Prefix to their type in x86Text.
var x86Signatures = sync.OnceValue(func() map[string]string {
	m := make(map[string]string, 4096)
	for line := range strings.Lines(x86Text) {
		sig, names, ok := strings.Cut(line, ": ")
		if ok && line[0] != '#' {
			for _, name := range strings.Fields(names) {
				m[name] = sig
			}
		}
	}
	return m
})

// signature is the function type that a built-in name has, nil if none.
func (c *checker) signature(name string) *ctype.Type {
	line, ok := signatures()[name]
	if rest, x86 := strings.CutPrefix(name, x86Prefix); !ok && x86 {
		line, ok = x86Signatures()[rest]
	}
	if !ok {
		return nil
	}
	i := strings.IndexByte(line, '(')
	f := &ctype.FuncType{}
	for arg := range strings.SplitSeq(strings.TrimSuffix(line[i+1:], ")"), ",") {
		switch arg = strings.TrimSpace(arg); arg {
		case "...":
			f.Variadic = true
		case "void":
		default:
			f.Params = append(f.Params, ctype.Param{Type: c.sigType(arg)})
		}
	}
	result := strings.TrimSpace(strings.TrimSuffix(line[:i], name))
	if rest, ok := strings.CutPrefix(result, "_Noreturn "); ok {
		result, f.NoReturn = rest, true
	}
	return c.ty.Function(c.sigType(result), f)
}

func (c *checker) sigType(s string) *ctype.Type {
	var w words
	var t *ctype.Type
	var q ctype.Qual
	stars := 0
	for _, f := range strings.Fields(strings.ReplaceAll(s, "*", " * ")) {
		switch f {
		case "*":
			if stars == 0 {
				t = c.sigBase(t, &w, q)
			}
			stars++
			t = c.ty.Pointer(t)
		case "const":
			q |= ctype.Const
		case "volatile":
			q |= ctype.Volatile
		default:
			if !w.add(f) {
				t = c.sigName(f)
			}
		}
	}
	if stars == 0 {
		t = c.sigBase(t, &w, q)
	}
	return t
}

func (c *checker) sigBase(t *ctype.Type, w *words, q ctype.Qual) *ctype.Type {
	if t == nil {
		t, _ = w.typ(c.ty)
	}
	return c.ty.Qualified(t, q)
}

// sigName is a named type of builtins.txt. Types that headers define are
// those of the program where it has them, otherwise void: they stand behind a
// pointer.
func (c *checker) sigName(name string) *ctype.Type {
	switch name {
	case "size_t":
		return ctype.TULong
	case "ssize_t":
		return ctype.TLong
	case "va_list":
		return c.ty.Pointer(ctype.TVaList)
	case "uint16_t":
		return ctype.TUShort
	case "uint32_t":
		return ctype.TUInt
	case "uint64_t":
		return ctype.TULong
	case "intmax_t":
		return ctype.TLong
	case "wint_t":
		return ctype.TUInt
	case "fnptr": // a function of unknown type
		return c.ty.Pointer(c.ty.Function(ctype.TVoid, &ctype.FuncType{OldStyle: true}))
	case "pid_t", "wchar_t":
		return ctype.TInt
	}
	if rest, ok := strings.CutPrefix(name, "v"); ok { // v4si: a vector
		if t := c.sigVector(rest); t != nil {
			return t
		}
	}
	if id := c.idents[name]; id != nil && id.kind == typedefIdent {
		return id.typ
	}
	return ctype.TVoid
}

var vectorModes = map[string]*ctype.Type{
	"qi": ctype.TChar, "hi": ctype.TShort, "si": ctype.TInt, "di": ctype.TLongLong,
	"uqi": ctype.TUChar, "uhi": ctype.TUShort, "usi": ctype.TUInt, "udi": ctype.TULongLong,
	"hf": ctype.TFloat16, "sf": ctype.TFloat, "df": ctype.TDouble,
}

func (c *checker) sigVector(s string) *ctype.Type {
	n := int64(0)
	i := 0
	for ; i < len(s) && s[i] >= '0' && s[i] <= '9'; i++ {
		n = n*10 + int64(s[i]-'0')
	}
	if e := vectorModes[s[i:]]; e != nil && n > 0 {
		return c.ty.Vector(e, n)
	}
	return nil
}

// builtinObject is the object behind a built-in function name that is not
// declared: __builtin_memcpy is memcpy. nil if the name is not built in.
func (c *checker) builtinObject(name string, n int32) *Object {
	lib, prefixed := strings.CutPrefix(name, "__builtin_")
	if prefixed {
		if id := c.idents[lib]; id != nil && id.kind == objectIdent && id.depth == 0 && id.obj.Type.Kind == ctype.Func {
			return id.obj
		}
		if o := c.externs[lib]; o != nil && o.Type.Kind == ctype.Func {
			return o
		}
	} else {
		lib = name
	}
	t := c.signature(lib)
	if t == nil {
		return nil
	}
	if !prefixed {
		if _, isCall := c.parentCall(n); !isCall {
			return nil
		}
		c.warn(n, "implicit-function", "%s is called without a declaration: the compiler's own is taken", name)
	}
	o := c.declareLinked(lib, t, false, c.first(n))
	o.implicit = true
	o.NoReturn = o.NoReturn || t.Func.NoReturn
	if !prefixed {
		c.bindGlobal(name, ident{kind: objectIdent, obj: o})
	}
	return o
}

// parentCall reports whether n is the callee of a call.
func (c *checker) parentCall(n int32) (int32, bool) {
	up := c.nodes[n].Up
	return up, up >= 0 && c.nodes[up].Sym == syntax.SymCallExpression && c.nodes[n].Field == syntax.FieldFunction
}

// builtinCall types a call of an operation of the compiler; nil if name is
// none.
func (c *checker) builtinCall(name string, n, an int32) *Expr {
	if !strings.HasPrefix(name, "__") {
		return nil
	}
	switch name {
	case "__builtin_va_start", "__builtin_c23_va_start":
		args := c.args(an)
		if len(args) == 0 || len(args) > 2 {
			c.fail(n, "%s with %d arguments", name, len(args))
		}
		c.needVaList(args[0], n)
		return c.builtin("__builtin_va_start", ctype.TVoid, args[:1], n)
	case "__builtin_va_end", "__builtin_va_copy":
		args := c.args(an)
		if want := map[string]int{"__builtin_va_end": 1, "__builtin_va_copy": 2}[name]; len(args) != want {
			c.fail(n, "%s with %d arguments", name, len(args))
		}
		for _, a := range args {
			c.needVaList(a, n)
		}
		return c.builtin(name, ctype.TVoid, args, n)
	case "__builtin_va_arg":
		return c.vaArg(n, an)
	case "__builtin_constant_p":
		k := c.arg(an, 0)
		c.unevaluated++
		x := c.rvalue(k)
		c.unevaluated--
		if isConstant(x) {
			return c.intLit(ctype.TInt, ctype.NumInt(1), n)
		}
		return c.builtin(name, ctype.TInt, []*Expr{x}, n)
	case "__builtin_choose_expr":
		v := c.needInt(c.arg(an, 0), "the first argument of __builtin_choose_expr")
		pick := c.arg(an, 1)
		if v.IsZero() {
			pick = c.arg(an, 2)
		}
		return c.expr(pick)
	case "__builtin_types_compatible_p":
		a, b := c.typeArg(c.arg(an, 0)), c.typeArg(c.arg(an, 1))
		v := int64(0)
		if typesCompatible(a.Unqualified(), b.Unqualified()) {
			v = 1
		}
		return c.intLit(ctype.TInt, ctype.NumInt(v), n)
	case "__builtin_offsetof":
		return c.offsetof(n, an)
	case "__builtin_expect", "__builtin_expect_with_probability":
		args := c.args(an)
		if len(args) < 2 {
			c.fail(n, "%s with %d arguments", name, len(args))
		}
		for i := range args[:2] {
			args[i] = c.assignConv(args[i], ctype.TLong, "an argument")
		}
		return c.builtin(name, ctype.TLong, args, n)
	case "__builtin_classify_type":
		c.unevaluated++
		x := c.rvalue(c.arg(an, 0))
		c.unevaluated--
		return c.intLit(ctype.TInt, ctype.NumInt(classify(x.Type)), n)
	case "__builtin_choose_type", "__builtin_tgmath", "__builtin_has_attribute", "__builtin_call_with_static_chain":
		c.fail(n, "%s is not supported", name)
	case "__builtin_va_arg_pack":
		return c.builtin(name, ctype.TInt, nil, n)
	case "__builtin_va_arg_pack_len":
		return c.builtin(name, ctype.TInt, nil, n)
	case "__builtin_convertvector":
		x := c.rvalue(c.arg(an, 0))
		t := c.typeArg(c.arg(an, 1))
		if x.Type.Kind != ctype.Vector || t.Kind != ctype.Vector || x.Type.Len != t.Len {
			c.fail(n, "__builtin_convertvector from %s to %s", x.Type, t)
		}
		return c.builtin(name, t.Unqualified(), []*Expr{x}, n)
	case "__builtin_shuffle":
		args := c.args(an)
		if len(args) < 2 || args[0].Type.Kind != ctype.Vector {
			c.fail(n, "__builtin_shuffle of something that is no vector")
		}
		return c.builtin(name, args[0].Type, args, n)
	case "__builtin_shufflevector":
		args := c.args(an)
		if len(args) < 3 || args[0].Type.Kind != ctype.Vector {
			c.fail(n, "__builtin_shufflevector of something that is no vector")
		}
		return c.builtin(name, c.ty.Vector(args[0].Type.Elem, int64(len(args)-2)), args, n)
	case "__builtin_complex":
		args := c.args(an)
		if len(args) != 2 || !args[0].Type.IsFloat() || !ctype.Same(args[0].Type, args[1].Type) {
			c.fail(n, "__builtin_complex of operands that are not two of one floating type")
		}
		return c.builtin(name, c.ty.Complex(args[0].Type), args, n)
	case "__builtin_isnan", "__builtin_isinf", "__builtin_isinf_sign", "__builtin_isfinite", "__builtin_isnormal",
		"__builtin_signbit", "__builtin_issignaling", "__builtin_isgreater", "__builtin_isgreaterequal", "__builtin_isless",
		"__builtin_islessequal", "__builtin_islessgreater", "__builtin_isunordered", "__builtin_fpclassify", "__builtin_iseqsig":
		args := c.args(an)
		for _, a := range args {
			if !a.Type.IsReal() {
				c.fail(n, "%s of a value of type %s", name, a.Type)
			}
		}
		return c.builtin(name, ctype.TInt, args, n)
	case "__builtin_add_overflow", "__builtin_sub_overflow", "__builtin_mul_overflow",
		"__builtin_add_overflow_p", "__builtin_sub_overflow_p", "__builtin_mul_overflow_p":
		args := c.args(an)
		if len(args) != 3 || !args[0].Type.IsInteger() || !args[1].Type.IsInteger() {
			c.fail(n, "%s of operands that are not integers", name)
		}
		return c.builtin(name, ctype.TBool, args, n)
	}
	if strings.HasPrefix(name, "__sync_") || strings.HasPrefix(name, "__atomic_") {
		return c.atomic(name, n, an)
	}
	t := c.signature(name)
	if t == nil {
		return nil
	}
	f := c.newExpr(Ref, t, n)
	call := c.finishCall(c.wrap(FuncAddr, c.ty.Pointer(t), f), c.args(an), n)
	return c.builtin(name, call.Type, call.Args, n)
}

func (c *checker) builtin(name string, t *ctype.Type, args []*Expr, n int32) *Expr {
	e := c.newExpr(BuiltinCall, t, n)
	e.Str, e.Args = name, args
	return e
}

// arg is the node of argument i.
func (c *checker) arg(an int32, i int) int32 {
	k := c.named(an)
	for ; i > 0 && k >= 0; i-- {
		k = c.nextNamed(an, k)
	}
	if k < 0 {
		c.fail(an, "too few arguments")
	}
	return k
}

// typeArg is an argument that is a type: the syntax wraps it in sizeof().
func (c *checker) typeArg(k int32) *ctype.Type {
	if c.sym(k) != syntax.SymSizeofExpression {
		c.fail(k, "a type is needed here")
	}
	t, _ := c.operandType(k)
	return t
}

func (c *checker) needVaList(x *Expr, n int32) {
	if x.Type.Kind != ctype.Pointer || x.Type.Elem.Kind != ctype.VaList {
		c.fail(n, "a va_list is needed, this is of type %s", x.Type)
	}
}

func (c *checker) vaArg(n, an int32) *Expr {
	ap := c.expr(c.arg(an, 0))
	t := c.typeArg(c.arg(an, 1))
	if ap.Type.Kind != ctype.VaList {
		p := c.value(ap) // a parameter: a pointer to the va_list
		c.needVaList(p, n)
		ap = c.wrap(Deref, ctype.TVaList, p)
	}
	e := c.newExpr(VaArg, t.Unqualified(), n)
	e.X = ap
	if t.Kind == ctype.Array {
		c.fail(n, "va_arg of an array type")
	}
	return e
}

// typesCompatible is __builtin_types_compatible_p: enumerations are distinct
// from integers.
func typesCompatible(a, b *ctype.Type) bool {
	if (a.Kind == ctype.Enum) != (b.Kind == ctype.Enum) {
		return false
	}
	return ctype.Compatible(a, b)
}

// classify numbers types as typeclass.h does.
func classify(t *ctype.Type) int64 {
	switch {
	case t.Kind == ctype.Void:
		return 0
	case t.IsInteger():
		return 1
	case t.Kind == ctype.Pointer:
		return 5
	case t.IsFloat():
		return 8
	case t.Kind == ctype.Complex:
		return 9
	case t.Kind == ctype.Struct:
		return 12
	case t.Kind == ctype.Union:
		return 13
	}
	return -1
}

// isConstant reports whether gcc is sure to know the value of x at compile
// time.
func isConstant(x *Expr) bool {
	if x.Type.IsFloat() {
		_, ok := constFloat(x)
		return ok
	}
	if x.Op == Decay && x.X.Op == StrLit {
		return true
	}
	_, ok := constInt(x)
	return ok
}

// offsetof types __builtin_offsetof(T, a.b[i]). Without a variable index it is
// a literal.
func (c *checker) offsetof(n, an int32) *Expr {
	t := c.typeArg(c.arg(an, 0))
	x := c.offsetPath(c.arg(an, 1), t)
	if x.Type.Kind == ctype.Invalid {
		c.fail(n, "saz does not understand this member of offsetof")
	}
	if v, ok := constAddr(x); ok {
		return c.intLit(ctype.TULong, v, n)
	}
	if x.Op == Member && x.Field.BitField {
		c.fail(n, "offsetof the bit-field %s", x.Field.Name)
	}
	e := c.newExpr(Conv, ctype.TULong, n)
	e.X = c.wrap(Addr, c.ty.Pointer(x.Type), x)
	return e
}

// offsetPath is the lvalue (*(T *)0).path.
func (c *checker) offsetPath(n int32, t *ctype.Type) *Expr {
	switch c.sym(n) {
	case syntax.SymIdentifier, syntax.SymFieldIdentifier:
		zero := c.convert(c.intLit(ctype.TLong, ctype.Num{}, n), c.ty.Pointer(t))
		return c.member(c.deref(zero, n), c.text(n), n)
	case syntax.SymFieldExpression:
		x := c.offsetPath(c.child(n, syntax.FieldArgument), t)
		if _, op := c.op(n); op == "->" { // gcc: a->b is a[0].b
			x = c.deref(c.value(x), n)
		}
		return c.member(x, c.text(c.child(n, syntax.FieldField)), n)
	case syntax.SymSubscriptExpression:
		x := c.offsetPath(c.child(n, syntax.FieldArgument), t)
		i := c.rvalue(c.child(n, syntax.FieldIndex))
		if x.Type.Kind != ctype.Array || !i.Type.IsInteger() {
			c.fail(n, "[] on a member of type %s", x.Type)
		}
		p := c.wrap(Decay, c.ty.Pointer(x.Type.Elem), x)
		return c.deref(c.ptrAdd(PtrAdd, p, i, n), n)
	case syntax.SymParenthesizedExpression:
		return c.offsetPath(c.named(n), t)
	}
	c.fail(n, "saz does not understand this member of offsetof")
	return nil
}

// atomic types the __sync_ and __atomic_ families, which work on what their
// first argument points to.
func (c *checker) atomic(name string, n, an int32) *Expr {
	args := c.args(an)
	base := name
	if i := strings.LastIndexByte(base, '_'); i > 0 && strings.HasPrefix(base, "__sync_") {
		switch base[i+1:] {
		case "1", "2", "4", "8", "16":
			base = base[:i]
		}
	}
	need := func(k int) {
		if len(args) < k {
			c.fail(n, "%s with %d arguments", name, len(args))
		}
	}
	ret := func(t *ctype.Type) *Expr { return c.builtin(name, t, args, n) }
	switch base {
	case "__sync_synchronize", "__atomic_thread_fence", "__atomic_signal_fence":
		return ret(ctype.TVoid)
	case "__atomic_always_lock_free", "__atomic_is_lock_free":
		need(2)
		args[0] = c.assignConv(args[0], ctype.TULong, "an argument")
		return ret(ctype.TBool)
	case "__atomic_test_and_set":
		need(2)
		return ret(ctype.TBool)
	}
	need(1)
	if args[0].Type.Kind != ctype.Pointer {
		c.fail(n, "%s on a value of type %s", name, args[0].Type)
	}
	t := args[0].Type.Elem.Unqualified()
	value := func(i int) {
		need(i + 1)
		to := t
		if t.Kind == ctype.Pointer && args[i].Type.IsInteger() && (strings.Contains(base, "add") || strings.Contains(base, "sub")) {
			to = ctype.TLong
		}
		args[i] = c.assignConv(args[i], to, "an argument")
	}
	op := strings.TrimPrefix(strings.TrimPrefix(base, "__sync_"), "__atomic_")
	switch base {
	case "__sync_lock_release":
		return ret(ctype.TVoid)
	case "__sync_bool_compare_and_swap":
		value(1)
		value(2)
		return ret(ctype.TBool)
	case "__sync_val_compare_and_swap":
		value(1)
		value(2)
		return ret(t)
	case "__sync_lock_test_and_set", "__atomic_exchange_n":
		value(1)
		return ret(t)
	case "__atomic_load_n":
		need(2)
		return ret(t)
	case "__atomic_load", "__atomic_store", "__atomic_clear":
		need(2)
		return ret(ctype.TVoid)
	case "__atomic_exchange":
		need(3)
		return ret(ctype.TVoid)
	case "__atomic_store_n":
		value(1)
		return ret(ctype.TVoid)
	case "__atomic_compare_exchange_n":
		need(6)
		value(2)
		return ret(ctype.TBool)
	case "__atomic_compare_exchange":
		need(6)
		return ret(ctype.TBool)
	}
	switch op {
	case "fetch_and_add", "fetch_and_sub", "fetch_and_or", "fetch_and_and", "fetch_and_xor", "fetch_and_nand",
		"add_and_fetch", "sub_and_fetch", "or_and_fetch", "and_and_fetch", "xor_and_fetch", "nand_and_fetch",
		"fetch_add", "fetch_sub", "fetch_or", "fetch_and", "fetch_xor", "fetch_nand",
		"add_fetch", "sub_fetch", "or_fetch", "and_fetch", "xor_fetch", "nand_fetch":
		value(1)
		return ret(t)
	}
	// The sized forms of __atomic_ are library functions.
	return nil
}
