package syntax

import (
	"strings"
	"testing"
)

// constructs is one entry a construct of real C that the grammar cannot read,
// or reads wrongly, as it stands. Each must be read without a diagnostic and
// must be the same program to the compiler when all expressions are
// parenthesised. want are strings that the printed tree must have.
var constructs = []struct {
	name, text string
	want       []string
	flags      string // for the compiler; "none" if it cannot compile the text
}{
	// Attributes.
	{name: "attribute before =", text: `struct s {int a;}; static struct s x __attribute__((used)) = {1};`, want: []string{"@4 used/0"}},
	{name: "attribute after *", text: `char * __attribute__((noinline)) f(int a) {return 0;}`, want: []string{"@2 noinline/0"}},
	{name: "attribute on a member", text: `struct s { int a __attribute__((packed)), b; char c __attribute__((__aligned__(8), unused)); } __attribute__((packed));`, want: []string{"@5 packed/0", "@10 aligned/1", "@10 unused/0", "@12 packed/0"}},
	{name: "attribute before a tag", text: `struct __attribute__((packed)) s { int a; }; enum __attribute__((packed)) e { A }; union __attribute__((__transparent_union__)) u {int *a; long *b;};`, want: []string{"@1 packed/0", "@1 transparent_union/0"}},
	{name: "attribute on an enumerator", text: `enum { A __attribute__((deprecated)) = 1, B __attribute__((deprecated)) };`},
	{name: "attribute statement", text: `void f(int a) { switch (a) { case 1: a++; __attribute__((fallthrough)); case 2: a--; } }`, want: []string{"fallthrough/0"}},
	{name: "attribute on a label", text: `void f(void) { l: __attribute__((unused)); goto l; m: __attribute__((unused)) f(); }`},
	{name: "attribute on a parameter", text: `int f(int a __attribute__((unused)), __attribute__((unused)) int *b) {return 0;}`},
	{name: "attribute in a declarator", text: `void (__attribute__((noreturn)) *p)(void); int (__attribute__((unused)) x); typedef int t __attribute__((aligned(16))), *u;`},
	{name: "attributes first", text: `__attribute__((noinline)) static int f(void) {return 1;} __attribute__((unused)) static int x;`},
	{name: "attribute of two", text: `extern int f(const char *, ...) __attribute__((format(printf, 1, 2), nonnull(1))) __attribute__((cold));`, want: []string{"format/3", "nonnull/1", "cold/0"}},
	{name: "vector_size, mode", text: `typedef int v4 __attribute__((vector_size(16))); typedef int di __attribute__((mode(DI))); v4 f(v4 a, v4 b) { return (a + b) * (v4){1,2,3,4}; }`},
	{name: "cleanup", text: `void g(int *); void f(void) { __attribute__((cleanup(g))) int x = 1; int y __attribute__((cleanup(g))) = 2; }`},
	{name: "C23 attributes", text: `[[nodiscard]] int f(void); int g(int x [[maybe_unused]]) { switch (x) { case 1: x++; [[fallthrough]]; case 2:; } return x; } [[gnu::noinline]] int h(void) {return 1;} struct [[gnu::packed]] s {char a; [[deprecated("x")]] int b;};`, want: []string{"nodiscard/0", "noinline/0", "packed/0", "deprecated/1"}, flags: "-std=gnu2x"},
	{name: "old enum attribute", text: `enum e { A, B, } __attribute__((packed)) x;`},

	// asm.
	{name: "asm label", text: `int x asm("y"); int f(int) __asm__("g" "h") __attribute__((cold)); register long sp __asm__("rsp"); int a asm("b"), c asm("d");`, want: []string{"@2 asm/1"}},
	{name: "asm statements", text: `void f(int a) { int b; asm("nop"); __asm volatile("" ::: "memory"); __asm__ __volatile__ ("" "nop" : "=r"(b), [x] "=m" (a) : "0"(a + 1), "g" "i" (2) : "cc", "memory"); asm volatile goto ("" : : "r"(a) : : l); l: asm inline (""); if (a) asm(""); else asm(""); }`, want: []string{"gnu_asm_goto_list", "\"\\\"gi\\\"\""}},
	{name: "asm at file scope", text: `asm(".globl foo\nfoo:"); __asm__ ("nop"); int x;`, want: []string{"gnu_asm_expression"}},
	{name: "register with asm", text: `int f(void) { register long r asm("r8") = 3; return r; }`},

	// Types that are words.
	{name: "extension", text: `__extension__ typedef long long ll; __extension__ struct s { __extension__ union { int a; }; }; int f(void) { __extension__ int a = 1; return __extension__ (a) + __extension__ 3; }`},
	{name: "bool and friends", text: `_Bool a; __int128 b; unsigned __int128 c; _Float128 d; __builtin_va_list e; signed __int128 f; __int128 unsigned g; __uint128_t h; long double i; unsigned long long int j; int long unsigned k; _Float64x l;`, want: []string{`(primitive_type "_Bool":builtin)`, `"__int128":builtin`}},
	{name: "complex", text: `_Complex double x; double _Complex y; __complex__ float z; long _Complex double w; double f(double _Complex c) { __real__ c = 3.0; __imag__ c++; return __real__ c + -__imag__ c * 2.0 + __real (y) - 1; } _Complex double i = 3i + 2.0fi; __complex__ v;`, want: []string{`"+":real`, `"+":imag`, "_Complex/0"}},
	{name: "auto type", text: `int f(int a) { __auto_type b = a; return b; }`, want: []string{`"__auto_type":builtin`}},
	{name: "atomic", text: `_Atomic(int) y; _Atomic int z; _Atomic(int *) p; int *_Atomic q; void f(_Atomic(int) *a) { *a = (_Atomic(int))3; }`, want: []string{`"_Atomic":typeof`}},
	{name: "thread", text: `_Thread_local int x; static __thread int y; extern _Thread_local int z;`, want: []string{`(storage_class_specifier "__thread")`}},
	{name: "spellings", text: `__const char *x; __signed__ char y; __volatile__ int z; static __inline__ int f(const char *__restrict__ a, char *__restrict b) {return 1;} __inline int g(int *restrict a) {return 0;} int h(int n, int a[const static 3], int b[restrict], int c[*], int d[n]);`},
	{name: "alignas", text: `_Alignas(64) static int x; _Alignas(int) _Alignas(16) char y[3]; struct s { _Alignas(8) char a; }; int f(void) { _Alignas(32) int a; return _Alignof(int) + _Alignof(struct s); }`, want: []string{"_Alignas/1"}},
	{name: "noreturn", text: `_Noreturn void f(void); void _Noreturn g(void); static _Noreturn inline void h(void) { for(;;); }`, want: []string{"_Noreturn/0"}},
	{name: "static assert", text: `_Static_assert(1, "x"); struct s { int a; _Static_assert(sizeof(int) == 4, "y"); int b; }; void f(void) { _Static_assert(1); int x; l: _Static_assert(1, "z"); goto l; }`, want: []string{"_Static_assert/2", "_Static_assert/1"}},
	{name: "typeof", text: `int a; typeof(a) b; typeof(int *) c; __typeof__(*(&a)) d = 1; int f(void) { return (typeof(a))3 + (typeof(&a))0 - &a; } typeof(a + 1) *e; const __typeof(f) *fp = f; typeof(typeof(a) *) g; typeof(({int z = a; z;})) *h(void) { typeof(({int z = a; z;})) k; return 0; }`, want: []string{`"typeof":typeof`, "operand of token"}, flags: "none"},
	{name: "typeof compiled", text: `int a; typeof(a) b; typeof(int *) c; __typeof__(*(&a)) d = 1; int f(void) { typeof(a) x = a * (typeof(a))-a; return x + (typeof(a))3; } typeof(a + 1) *e; typeof(typeof(a) *) g; typeof(a) __attribute__((unused)) h; int q(typeof(a) *z) { typeof((*z) + 1) w = 1; typeof(z[0]) v; return w; }`},
	{name: "specifiers in odd order", text: `int typedef T; long const int long unsigned a; int const unsigned b; unsigned static c; struct s {int x;} typedef S, *P; const int typedef unsigned V; T d; S e; P f; V g; int static inline h(void) { return 1; } long int typedef unsigned L; L m;`},
	{name: "typedef inline", text: `typedef inline void c(void);`},
	{name: "for without a declaration", text: `struct s {int a;}; void f(void) { for (_Static_assert(1, "x");;) break; for (struct s *p = 0, q = {1}; p; p = 0); for (;;) {} }`},
	{name: "useless specifiers", text: `static struct s {int a;}; const struct s; typedef struct s; typedef enum {A}; struct t; extern union u; int f(void) { struct v; static struct w {int a;}; enum {B}; return B; }`},
	{name: "implicit int", text: `static x = 3; const y; z; f(a) {return a;} main() {return 0;} g(void) {auto b = 1; register i; return b;} *p(void); h(register k) {return k;} extern q();`, want: []string{`(primitive_type "int":+)`, `"__auto_type":builtin`}},
	{name: "old style", text: `typedef int T; int f(a, b) int a; char *b; { return a + *b; } char *g(a, b, c) struct {int x;} *a; T (*b)(T); register T c; { return 0; } int (*h(a))(int) T a; { return 0; } f2(a) {return a;} static int k(T2) int T2; { T x; return T2; } double m(d) float d; { int T = 1; return d * T; } void n() {}`, want: []string{"parameter of the body"}},
	{name: "old style attribute", text: `int f(a) int a __attribute__((unused)); { return a; } int g(a) typeof(int) a; { return a; }`},
	{name: "declaration after )", text: `int f(int) __attribute__((cold)); int g(int (*)(int)); _Alignas(8) static int z; int (x); int (y) = 3; int (*w), (v)[3], ((u)); int ((f2)(int)); int (f3(int (a), int (b[3]), int (c)(int), int (int)));`},
	{name: "parameter parentheses", text: `typedef int T; int f(T (x)) { return x; } int g(T (T)); int h(int (*)(T)); int k(int (T)); int l(int ([3]), T *(q), int(*(*)(void))[3]); int (*m(int (x)))(T) { return 0; }`},
	{name: "nested function", text: `int f(int a) { int g(int b) { return a + b; } auto int h(int); int h(int c) { return g(c); } switch (a) { case 1: a++; { int k(void) { return 3; } return k(); } } return h(a); }`},
	{name: "gnu forward parameter", text: `int f(int n; int a[n], int n) { return a[0]; }`},

	// Records.
	{name: "unnamed bit-fields", text: `typedef unsigned U; struct s { int :0; int a:3, :2, b:1; U :4; unsigned int : 1 + 2; _Bool c : 1; enum e {A} :3; const int :1; };`, want: []string{`"x":anon`}},
	{name: "empty members", text: `struct { int a; ; int b;; } x; struct e {}; union {} y; struct { int z } w; struct { ; } v;`},
	{name: "enum with type", text: `enum e : unsigned long { A, B }; enum : unsigned char { C }; enum e x; struct s { enum e y : 3; enum e : 4; };`, want: []string{`"enum":typeof`}, flags: "none"},
	{name: "anonymous and flexible", text: `struct s { struct { int a; union { int b; float c; }; }; int n; int d[]; }; struct t { int n; int d[0]; }; struct s s = { .a = 1, .b = 2 };`},

	// Initialisers.
	{name: "designators", text: `struct s {int a, b[4]; struct {int c;} d;}; struct s x = {a: 1, b: {2}}; struct s y = {.a = 1, .b[2] = 3, .d.c = 4, .b = {[0 ... 2] = 5, [3] = 6}}; int z[] = {[1] 5, [2] = 6, 7,}; struct s w[2] = {[0].b[1] = 2, [1] = {}}; int v[3] = {};`, want: []string{"subscript_range_designator"}},
	{name: "compound literals", text: `struct s {int a;}; int f(struct s); struct s *p = &(struct s){1}; int g(void) { (struct s){1} = *p; (struct s){2}.a = 3; (int){3}++; -(int){1}--; return f((struct s){.a = 2}) + sizeof (struct s){3} + sizeof((int[]){1,2}) - 1 + (int[]){1,2}[1]; }`},

	// Statements.
	{name: "case ranges", text: `int f(int a) { switch (a) { case 1 ... 3: return 1; case 'a' + 1 ... 'z' - 1: return 2; case 0x100 ... (1 << 10): return 4; case 5: case 6: default: return 3; } }`, want: []string{`"||":range`}},
	{name: "computed goto", text: `int f(int a) { static void *t[] = {&&l, &&m}; goto *t[a]; l: return 1; m: return &&l - &&m; void *p = &&l; goto *(p); }`, want: []string{`"return":goto*`, `"&":label`}},
	{name: "local labels", text: `int f(void) { __label__ a, b; a: goto b; b: ({ __label__ c; c: 1; }); return 1; }`, want: []string{"__label__/2"}},
	{name: "labels at ends", text: `typedef int T; void f(int a) { switch (a) { case 1: } switch (a) { default: } l: int x = 1; m: typedef int U; n: struct s {int a;}; o: T y; goto l; p: }`, flags: "none"},
	{name: "label named as a type", text: `typedef int T; int f(int a) { T: a++; if (a < 3) goto T; T b = a; return b; }`},
	{name: "case without a block", text: `int g(void); int f(int a) { switch (a) case 1: g(); if (a) switch (a) default: case 2: a++; switch (a) if (a) case 3: case 4: g(); else a--; g(); while (a) l: case1: return a; return 1; }`},
	{name: "tags in a switch", text: `int f(int a) { switch (a) { case 1: a++; struct s {int x;}; struct s b = {1}; enum {A, B}; typedef int T; a += b.x + A; struct t; case 2: return a; } return 1; }`},
	{name: "duff", text: `void f(int n, char *a, char *b) { switch (n & 3) { case 0: do { *a++ = *b++; case 3: *a++ = *b++; case 2: if (n) case 1: *a++ = *b++; *b = 1; } while ((n -= 4) > 0); } }`},
	{name: "switch on a loop", text: `void f(int n) { switch (n) while (n) { case 1: n--; case 2: n -= 2; } }`},
	{name: "statement expressions", text: `int f(int a) { return ({ int b = a; b + 1; }) + ({ ; 3; }) * 2; } int g(int *p) { if (({ *p; })) return 1; f(({ int x = 1; x; })); return ({ 1; }) - 1; }`},
	{name: "expression statements that look like declarations", text: `int g(int); int f(int a, int b, int *c) { a; a * b; g(a) * b; g(a); a * g(b); (a); a, b; g(a), g(b); for (a * b; a; b) a; if (a) b; else b * a; while (a) a * b; do b; while (a); c[0]; *c; l: a; goto l; switch (a) { case 1: b; a * b; } return a; }`},

	// Expressions.
	{name: "P1", text: `int f(int x, int *a, struct {int *q;} *p) { return !x-- + -x++ - ~a[1]++ * !*p++->q + - -x++ - !(x)++ + -*a++ + !++x - (int)x++ + ~(*a)--; }`},
	{name: "P2", text: `struct s {int y, z[3];}; typedef int T; long f(struct s *x, int n, int *q) { return sizeof(int)-1 + sizeof(T)+n + sizeof (int) *n + (sizeof(T) & 3) + sizeof (x)->y + sizeof(x)[0] - sizeof (n) - 1 + sizeof (q)[n] * 2 + sizeof n - 1 + sizeof -n + sizeof *q - n + sizeof (n)++ + sizeof(n) * n + sizeof ((n)) - sizeof(T) - sizeof(T); }`},
	{name: "P3", text: `int g(int, ...); int f(int x, int y, int *z, int (*h)(int)) { int b = 1; return (x) + y - (x) - y + (x) * y + ((x) & y) + (int)(x) + (int)-y * 2 + (x)++ + (h)(x) + ((g(b)) && 0 == g(x)) + (*h)(y) + (z[1]) - (x) * (y) + (int)(h)(x) + (x) - -y + ((x) && (y)) + (x ? (x) : (y)) + (*z) * 3 - (h(x)) + +y; }`},
	{name: "casts", text: `typedef unsigned char u8; typedef int T; int f(int x, int *p, u8 *q) { return (T)(x) + (T)*p + (T)-x + (T)+x + (int)(T)&x + (T)~x + (T)!x + (u8)q[1] + ((T *)q)[2] + *(T *)q + (T)sizeof(T) + (T)(u8)(x) - (T)x++ + (T)p[0] * 2 + (T) (x) * (T) -x; }`, flags: "-Wno-error"},
	{name: "sizeof of types", text: `typedef int T; T a[3]; long f(void) { return sizeof(T[3]) + sizeof(T *) + sizeof(T (*)[2]) + sizeof(T (*)(T)) + sizeof(struct {T x;}) + sizeof a / sizeof a[0] + sizeof(a)/sizeof(a[0]) + __alignof__(a) + _Alignof(a[0]) + __alignof__(T) - 1 + __alignof a[1] + sizeof(unsigned); }`, want: []string{`"sizeof":alignof`}},
	{name: "offsetof, va_arg", text: `typedef int T; struct s {int a; struct {int T[3];} b; T c;}; typedef struct s S; int f(int n, ...) { __builtin_va_list ap; __builtin_va_start(ap, n); char *p = __builtin_va_arg(ap, char *); T t = __builtin_va_arg(ap, T); S *q = __builtin_va_arg(ap, S *); __builtin_va_end(ap); return __builtin_offsetof(struct s, a) + __builtin_offsetof(S, b.T[1]) + __builtin_offsetof(S, b.T[n + 1]) + __builtin_types_compatible_p(int, T) + __builtin_types_compatible_p(typeof(n), T *) + __builtin_choose_expr(1, n, p) + *p + t; }`, want: []string{`"sizeof":+`}},
	{name: "generic", text: `typedef int T; int f(long x) { return _Generic(x, T: 1, long: (x) - 1, char *: 2, default: 3) + _Generic((x), default: f)(1); } int y; void g(void) { _Generic(y, int: y) = 3; }`},
	{name: "conditional", text: `int f(int a, int b) { return a ?: b ? a, b : a ? b : (a) - b; } int g(int *p, int a) { int b; a ? *p = a : (b = a); return a ? b = 1, b : 2; }`},
	{name: "literals", text: `double a = 1e+5, b = 0x1.8p3, c = .5, d = 1.f, e = 1.0L, g = 0x.8p1, h = 1.0q; unsigned long i = 0xffULL, j = 0b101, k = 017; int l = 'a', m = '\'', n = '"', o = L'x', p = 'ab'; char *s = "a\"b" "/* c */" "// d", *t = "\x41\u00e9"; int *w = (int *)L"wide" L"r"; int f(int x) { return x -1 - -1 +1; }`},
	{name: "builtins", text: `int f(int *p, int n) { if (__builtin_expect(!!(n), 0)) return __sync_fetch_and_add(p, 1); return __builtin_constant_p(n) ? __atomic_load_n(p, 0) : __builtin_convertvector((int __attribute__((vector_size(8)))){1, 2}, float __attribute__((vector_size(8))))[0]; } typedef float v2 __attribute__((vector_size(8)));`},

	// Names.
	{name: "shadowing", text: `typedef int T, U; int f(int T) { return T * T; } int g(void) { T T = 3; { U x = T * 2; { typedef char T; T y = 1; return (T)-y + sizeof(T) - 1; } } return (T) - 1; } int h(U T, int (*U)(void)) { return (T) - U(); } struct s { T T; U U; }; int k(struct s *p) { enum { T = 5 }; return (T) - p->T + p->U; } T last(T a) { for (int T = 0; T < 3; T++) a += (T) + 1; return (T)+a; } T v = (T)-1; U w;`},
	{name: "block typedefs", text: `typedef char A; int f(void) { typedef int B; B x = 1; A y = 2; { typedef B A; A z = (A)-x; return z * (B)y; } }`},
	{name: "scopes of statements", text: `typedef int T; int f(int a) { switch (sizeof (enum { T })) if (a) a++; T x; if (sizeof(enum {T = 2}) == T) a++; T y = 1; while (sizeof(enum {T = 2}) != T) { T * a; } T z; do { enum {T}; } while (sizeof(T) < 3); return y; }`},
	{name: "typedef again", text: `typedef int T; typedef int T; typedef struct T T2; struct T { T T; }; int f(struct T *T) { return T->T; } T g(T T) { return T; }`},
	{name: "names of the grammar", text: `typedef unsigned long size_t; typedef int uint8_t; typedef struct charptr_t { int bool, NULL; } charptr_t; size_t __try(uint8_t x, charptr_t *y) { int defined = 1, elif = 2, noreturn = 3, __based = 4, __cdecl = 5, _Nonnull = 6, __forceinline = 7, ssize_t = 8, int8_t = 9, TRUE = 0; goto __leave; __leave: __finally: return (size_t)defined + (ssize_t) - elif * noreturn + y->NULL + y->bool + __based + __cdecl + _Nonnull + __forceinline + (int8_t) - TRUE; } int alignof, offsetof(int thread_local), nullptr, static_assert; int f(void) { return alignof + (nullptr) - static_assert; }`},
	{name: "keywords of C23 as names", text: `typedef enum { false, true } bool; bool f(bool b) { return b == true ? (bool)-false : (true) - b; } int constexpr; int g(void) { return constexpr; } int h(int thread_local, int alignas) { return thread_local * alignas; }`, want: []string{`"bool":typedef`}},
	{name: "bool by typedef", text: `typedef unsigned char bool; bool x; bool *f(bool *bool) { return bool + 1; } struct s { bool b : 1; bool bool; };`},
	{name: "asm and typeof as names", text: `int asm = 1; int typeof; int f(void) { return asm + typeof; }`, flags: "-std=c99"},
	{name: "C23 keywords", text: `bool f(bool b) { void *p = nullptr; return b == true || p == nullptr || false; } static_assert(sizeof(bool) == 1); alignas(8) thread_local int x; int y = alignof(int); constexpr int z = 3; void g(void) { auto w = 1.5; typeof_unqual(w) v; }`, want: []string{`"bool":builtin`, "(null", "(true", "(false"}, flags: "none"},

	// The rest.
	{name: "declarators", text: `int *a, **b, *c[3], (*d)[3], (*e)(int), *(*f)(int, ...), (*(*g)(void))[2], (*h[2])(char *, int (*)(int)); void (*signal(int sig, void (*func)(int)))(int); char *const *volatile i; int (*const j)(void) = 0; typedef int (*F)(int), G(int), *H; F k; G l; H m; int n(G *, F, H), o(G);`},
	{name: "local functions and externs", text: `int f(void) { extern int g(int), h; int k(void); static int s = 1; register int r = s; return g(h) + k() + r; }`},
	{name: "vla", text: `int f(int n, int a[n][n + 1], int (*b)[n]) { int c[n], d[n * 2][3]; int (*e)[n] = &c; return sizeof c + sizeof(int[n]) + (*e)[0] + b[0][1]; }`},
	{name: "stray semicolons", text: `; int x;; ; void f(void) {}; int y;`},
	{name: "digraphs", text: `int a<:3:> = <% 1, 2 %>;`},
	{name: "pragma", text: "#pragma pack(1)\nstruct s { char a; int b; };\n#pragma pack()\nint x;"},
}

func TestConstructs(t *testing.T) {
	var cache Cache
	for _, c := range constructs {
		t.Run(c.name, func(t *testing.T) {
			u, set := unitOf(t, "/"+c.name, []byte(c.text))
			sink := newSink()
			tree := cache.Parse(u, sink)
			if s := diagnostics(sink, set); s != "" {
				t.Errorf("%s", s)
			}
			var b strings.Builder
			for _, d := range tree.Decls {
				d.Print(&b)
			}
			for _, w := range c.want {
				if !strings.Contains(b.String(), w) {
					t.Errorf("the tree has no %s", w)
				}
			}
			if t.Failed() {
				t.Logf("%s", b.String())
			}
			if c.flags != "none" {
				checkOracle(t, tree, strings.Fields(c.flags)...)
			}
		})
	}
}
