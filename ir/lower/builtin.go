package lower

import (
	"strings"

	"saz/frontend/check"
	"saz/frontend/ctype"
	"saz/ir"
)

// builtin lowers a call of a compiler builtin that is no ordinary function.
func (b *fb) builtin(e *check.Expr) ir.Value {
	name := e.Str
	arg := func(i int) *check.Expr {
		if i >= len(e.Args) {
			panic(unsupported{e.Tok, name + " with too few arguments"})
		}
		return e.Args[i]
	}
	switch name {
	case "__builtin_expect", "__builtin_expect_with_probability", "__builtin_assume_aligned":
		args, _ := b.args(e.Args)
		arg(0)
		return args[0]
	case "__builtin_constant_p":
		if arg(0).Op == check.IntLit {
			return ir.Int(1)
		}
		return ir.Int(0)
	case "__builtin_object_size", "__builtin_dynamic_object_size":
		// What gcc answers when it does not know: the argument is not evaluated.
		if k := arg(1); k.Op == check.IntLit && k.Val >= 2 {
			return ir.Int(0)
		}
		return ir.Int(-1)
	case "__builtin_unreachable":
		b.end(e, ir.Instr{Op: ir.Unreachable})
		b.dead()
		return ir.Value{}
	case "__builtin_alloca", "alloca":
		return b.alloca(e, arg(0))
	case "__builtin_alloca_with_align", "__builtin_alloca_with_align_and_max":
		align := int64(0)
		if k := arg(1); k.Op == check.IntLit {
			align = k.Val / 8
		}
		n := b.convert(e, b.rv(arg(0)), arg(0).Type, ctype.TULong)
		return b.stackBlock(e, n, align, e.Type, 1)
	case "__builtin_setjmp":
		b.f.SetJmp = true
	case "__builtin_va_start", "__builtin_c23_va_start", "__builtin_stdarg_start":
		v := b.rv(arg(0))
		b.do(e, ir.Instr{Op: ir.Builtin, Name: "va_start", Type: ctype.TVoid, Args: []ir.Value{v}, ArgTypes: []*ctype.Type{arg(0).Type}})
		return ir.Value{}
	}
	plain := strings.TrimPrefix(name, "__builtin_")
	switch plain {
	case "va_end", "va_copy":
		name = plain
	}
	args, types := b.args(e.Args)
	v := b.result(e, e.Type, ir.Instr{Op: ir.Builtin, Name: name, Type: e.Type.Unqualified(), Args: args, ArgTypes: types})
	switch name {
	case "__builtin_trap", "__builtin_longjmp", "__builtin_abort", "__builtin_exit", "__builtin__exit", "__builtin_return":
		b.end(e, ir.Instr{Op: ir.Unreachable})
		b.dead()
	}
	return v
}
