package randc

// Csmith are kinds of programs that Csmith makes, and how gcc and saz are told to read
// them. Tests take them in turn, by seed, so that runs over ranges of seeds add up.
var Csmith = []struct{ Options, Flags string }{
	{"--max-funcs 4 --max-block-depth 3", ""},
	{"--max-funcs 3 --max-block-depth 3 --bitfields --packed-struct --max-struct-fields 8", ""},
	{"--max-funcs 3 --max-block-depth 3 --float", ""},
	{"--max-funcs 4 --max-block-depth 3 --inline-function --builtins --volatile-pointers", "-mavx2 -mlzcnt -mbmi -mbmi2 -mpopcnt"},
	{"--max-funcs 3 --max-block-depth 3 --max-union-fields 6 --max-array-dim 4 --jumps --no-volatiles", ""},
	{"--max-funcs 3 --max-block-depth 3 --max-pointer-depth 4 --const-pointers --max-array-len-per-dim 4", "-DUSE_MATH_MACROS"},
	{"--max-funcs 6 --max-block-depth 2 --max-block-size 3 --no-jumps --max-expr-complexity 6", "-fwrapv"},
	{"--max-funcs 2 --max-block-depth 4 --no-arrays --no-longlong --packed-struct --max-expr-complexity 14", "-funsigned-char"},
}
