package ir

import (
	"strings"

	"saz/frontend/ctype"
)

// A BuiltinAccess is what a builtin does with what one of its arguments points at.
type BuiltinAccess struct {
	Reads, Writes bool
	Size          int64 // bytes, -1 if that is not known
}

// asides are the builtins that take addresses and touch nothing there.
var asides = map[string]bool{
	"__builtin_prefetch": true, "__builtin___clear_cache": true, "__builtin_extract_return_addr": true, "__builtin_frob_return_addr": true,
	"__builtin_extend_pointer": true, "__builtin_stack_restore": true, "__builtin_next_arg": true, "__builtin_classify_type": true,
	"va_end": true, "stack_restore": true, BuiltinVec: true,
}

// BuiltinAccessOf returns what the builtin called name, which is neither of the atomic families (AtomicOf) nor described by a model, does with
// what an argument of type t points at: as much as its type allows, for gcc has hundreds of them.
// Those that say whether a sum overflows store it, and read nothing.
func BuiltinAccessOf(name string, t *ctype.Type) BuiltinAccess {
	if t == nil || t.Kind != ctype.Pointer || t.Elem.Kind == ctype.Func || asides[name] {
		return BuiltinAccess{}
	}
	if strings.HasPrefix(name, "__builtin_") && strings.HasSuffix(name, "_overflow") {
		return BuiltinAccess{Writes: true, Size: ctype.SizeOf(t.Elem)}
	}
	return BuiltinAccess{Reads: true, Writes: t.Elem.Qual&ctype.Const == 0, Size: -1}
}
