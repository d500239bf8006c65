package ir

import "strings"

// An AtomicRole is what an argument of a builtin of the families __atomic_ and
// __sync_ is.
type AtomicRole uint8

const (
	AtomicAside    AtomicRole = iota // an order, a flag, or what is only compared
	AtomicValue                      // what is stored, or the operation's second operand
	AtomicFrom                       // the address of what is stored
	AtomicTo                         // the address that gets what was there before
	AtomicExpected                   // the address of what is compared, which gets what was there if it differs
)

// An Atomic says what such a builtin does. Its first argument is the address of
// the object that it works on.
type Atomic struct {
	Rest          []AtomicRole // of the arguments behind the first
	Reads, Writes bool         // the object
	Op            string       // what it computes of the object and its operand (add, sub, and, or, xor, nand); "": nothing
	Result        AtomicResult
}

// An AtomicResult is what such a builtin returns.
type AtomicResult uint8

const (
	AtomicFlag AtomicResult = iota // nothing, or whether it succeeded
	AtomicOld                      // what was there
	AtomicNew                      // what is there now
)

var atomics = map[string]Atomic{
	"__atomic_load_n":              {Reads: true, Result: AtomicOld},
	"__atomic_load":                {Rest: []AtomicRole{AtomicTo}, Reads: true},
	"__atomic_store_n":             {Rest: []AtomicRole{AtomicValue}, Writes: true},
	"__atomic_store":               {Rest: []AtomicRole{AtomicFrom}, Writes: true},
	"__atomic_clear":               {Writes: true},
	"__atomic_test_and_set":        {Reads: true, Writes: true},
	"__atomic_exchange_n":          {Rest: []AtomicRole{AtomicValue}, Reads: true, Writes: true, Result: AtomicOld},
	"__atomic_exchange":            {Rest: []AtomicRole{AtomicFrom, AtomicTo}, Reads: true, Writes: true},
	"__atomic_compare_exchange_n":  {Rest: []AtomicRole{AtomicExpected, AtomicValue}, Reads: true, Writes: true},
	"__atomic_compare_exchange":    {Rest: []AtomicRole{AtomicExpected, AtomicFrom}, Reads: true, Writes: true},
	"__sync_lock_test_and_set":     {Rest: []AtomicRole{AtomicValue}, Reads: true, Writes: true, Result: AtomicOld},
	"__sync_lock_release":          {Writes: true},
	"__sync_bool_compare_and_swap": {Rest: []AtomicRole{AtomicAside, AtomicValue}, Reads: true, Writes: true},
	"__sync_val_compare_and_swap":  {Rest: []AtomicRole{AtomicAside, AtomicValue}, Reads: true, Writes: true, Result: AtomicOld},
	"__atomic_thread_fence":        {},
	"__atomic_signal_fence":        {},
	"__atomic_always_lock_free":    {},
	"__atomic_is_lock_free":        {},
	"__sync_synchronize":           {},
}

func init() {
	for _, op := range []string{"add", "sub", "and", "or", "xor", "nand"} {
		old := Atomic{Rest: []AtomicRole{AtomicValue}, Reads: true, Writes: true, Op: op, Result: AtomicOld}
		after := old
		after.Result = AtomicNew
		atomics["__atomic_fetch_"+op], atomics["__sync_fetch_and_"+op] = old, old
		atomics["__atomic_"+op+"_fetch"], atomics["__sync_"+op+"_and_fetch"] = after, after
	}
}

// AtomicOf returns what the builtin called name does; false if it is none of
// these families, as the library's __atomic_load_8 is not.
func AtomicOf(name string) (Atomic, bool) {
	if strings.HasPrefix(name, "__sync_") {
		if i := strings.LastIndexByte(name, '_'); sizes[name[i:]] {
			name = name[:i]
		}
	}
	a, ok := atomics[name]
	return a, ok
}

// sizes that the names of __sync_ may end with.
var sizes = map[string]bool{"_1": true, "_2": true, "_4": true, "_8": true, "_16": true}

// Role returns what argument i is, which is not the first.
func (a *Atomic) Role(i int) AtomicRole {
	if i < 1 || i > len(a.Rest) {
		return AtomicAside
	}
	return a.Rest[i-1]
}
