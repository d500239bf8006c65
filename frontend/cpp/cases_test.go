package cpp

// A testCase is an input on which Preprocess must agree with the compiler.
type testCase struct {
	story string
	src   string
	flags []string          // -DX, -UX, -Idir, -iquotedir, -isystemdir, -includefile, -imacrosfile
	files map[string]string // beside main.c
	std   string            // -std=, "" for the default
	fails bool              // the compiler reports an error, too
}

var cases = []testCase{
	{story: "C17 6.10.3.5 example 3", src: `
#define x 3
#define f(a) f(x * (a))
#undef x
#define x 2
#define g f
#define z z[0]
#define h g(~
#define m(a) a(w)
#define w 0,1
#define t(a) a
#define p() int
#define q(x) x
#define r(x,y) x ## y
#define str(x) # x
f(y+1) + f(f(z)) % t(t(g)(0) + t)(1);
g(x+(3,4)-w) | h 5) & m
(f)^m(m);
p() i[q()] = { q(1), r(2,3), r(4,), r(,5), r(,) };
char c[2][6] = { str(hello), str() };
`},
	{story: "C17 6.10.3.5 example 4", src: `
#define str(s) # s
#define xstr(s) str(s)
#define debug(s, t) printf("x" # s "= %d, x" # t "= %s", \
 x ## s, x ## t)
#define INCFILE(n) vers ## n
#define glue(a, b) a ## b
#define xglue(a, b) glue(a, b)
#define HIGHLOW "hello"
#define LOW LOW ", world"
debug(1, 2);
fputs(str(strncmp("abc\0d", "abc", '\4') // this goes away
 == 0) str(: @\n), s);
xstr(INCFILE(2).h)
glue(HIGH, LOW);
xglue(HIGH, LOW)
`},
	{story: "C17 6.10.3.5 examples 5 and 7", src: `
#define t(x,y,z) x ## y ## z
int j[] = { t(1,2,3), t(,4,5), t(6,,7), t(8,9,), t(10,,), t(,11,), t(,,12), t(,,) };
#define debug(...) fprintf(stderr, __VA_ARGS__)
#define showlist(...) puts(#__VA_ARGS__)
#define report(test, ...) ((test)?puts(#test): printf(__VA_ARGS__))
debug("Flag"); debug("X = %d\n", x);
showlist(The first, second, and third items.);
report(x>y, "x is %d but y is %d", x, y);
`},
	{story: "a name that is disabled stays so, but only that token", src: `
#define g f
#define f g
g f
#define A(x) x B
#define B A
A(1) B(2)(3) A(A)(4)(5)
#define foo foo a
#define bar(x) x
bar(foo) foo bar(bar)(bar(1))
`},
	{story: "a function-like name at the end of an expansion takes its arguments from behind it", src: `
#define f(a) a*g
#define g(a) f(a)
f(2)(9) f(2)(9)(3)(4)
#define k f
k
(1)
(2) 3
#define NIL(xxx) xxx
#define G_0(arg) NIL(G_1)(arg)
#define G_1(arg) NIL(arg)
G_0(42)
`},
	{story: "no parenthesis: not a call, and the white space stays", src: `
#define f(x) [x]
#define s(x) #x
#define xs(x) s(x)
f ; f
+ f
#define q 1
(2) f
xs(a f b) xs(f) xs(f +f- f)
`},
	{story: "directives between arguments", src: `
#define F(a,b) <a|b>
#define X 1
F(X,
#undef X
#define X 2
#ifdef NO
 nothing
#elif X == 2
 X
#else
 never
#endif
) F
#define Y
(1,2)
`},
	{story: "stringising: spaces, quotes, padding of nested expansions", src: `
#define s(...) #__VA_ARGS__
#define x(...) s(__VA_ARGS__)
#define e
#define n -1
#define id(a) a
s( a  +   b ) s("a\n" 'c' "\"") s(\n "\n" '"' L"x\\") s(a,b , c) s() s( )
x(e) x(e a) x(a e b) x(a e) x(-n) x(- n) x(id(a)id(b)) x(id( a )  id(b)) x(a/**/b) x((e)) x(e n e n)
x(id(-)n) x(id(id)(a)) s(@ \ a) s(a
  b)x(a
b) x(id(
a))
s(#a ##b) s(%: <: %:%:)
`},
	{story: "pasting: numbers, operators, prefixes, chains, empty operands", src: `
#define c(a,b) a##b
#define d(a,b,c) a ## b ## c
#define h #a ## b
#define hash_hash # ## #
#define i a ## ## b
c(1,e)c(+,+) c(L,"x") c(L,'x') c(.,5) c(<<,=) c(-,>) c(u8,"a") c(1.,e) c(x,1) c(0x,1) c(,) c(a,) c(,b)
d(a,,c) d(,,) d(,b,) d(a,b,) d(1,.,2) h hash_hash i
c(c,c)(1,2) c(a b,c d) c(%:,%:) c(#,#) c(/,=)
#define y c(x,1) z
#define x1 done
y c(x,1)
`},
	{story: "pasting that makes no token", src: `
#define c(a,b) a##b
c(a,+) c(.,.) c("a","b") c(/,/) c(+,-) c(1,-) c(),()
`, fails: true},
	{story: "variadic macros and the GNU comma", src: `
#define a(...) f(0, ## __VA_ARGS__)
#define b(x, ...) f(x, ## __VA_ARGS__)
#define c(x, y...) f(x, ## y) #y
#define d(x, ...) f(x, __VA_ARGS__) #__VA_ARGS__
#define e(x, ...) x ## __VA_ARGS__ x ## x
#define M m
a() a(1) a(1,2) a(M) b(1) b(1,) b(1,2) b(1,M,M) b() c(1) c(1,) c(1,2,3) c(1,M)
d(1) d(1,) d(1,2) d(1, M , 2) e(1) e(1,2) e(M,M)
`},
	{story: "variadic macros in ISO mode", std: "c17", src: `
#define a(...) f(0, ## __VA_ARGS__)
#define b(x, ...) f(x, ## __VA_ARGS__)
a() a(1) b(1) b(1,) b(1,2)
`},
	{story: "__VA_OPT__", std: "gnu2x", src: `
#define F(a,...) f(a __VA_OPT__(,) __VA_ARGS__)
#define G(X, ...) f(0, X __VA_OPT__(,) __VA_ARGS__)
#define SDEF(sname, ...) S sname __VA_OPT__(= { __VA_ARGS__ })
#define EMP
#define H2(X, Y, ...) __VA_OPT__(X ## Y,) __VA_ARGS__
#define H3(X, ...) #__VA_OPT__(X##X X##X)
#define H4(X, ...) __VA_OPT__(a X ## X) ## b
#define H5A(...) __VA_OPT__()/**/__VA_OPT__()
#define H5B(X) a ## X ## b
#define H5C(X) H5B(X)
#define J(a,...) x ## __VA_OPT__(a) ## y #__VA_OPT__(a __VA_ARGS__)
F(1) F(1,) F(1,2) F(1,EMP) F(EMP,EMP) G(a, b, c) G(a, ) G(a) SDEF(foo); SDEF(bar, 1, 2);
H2(a, b, c, d) H3(, 0) H4(, 1) H5C(H5A()) J(1) J(1,2) J(,3) J(p,q)
#define K(x,...) [__VA_OPT__(x(__VA_ARGS__))] __VA_OPT__(x)__VA_OPT__(x)
K(a) K(a,b) K(F,1,2)
`},
	{story: "#if arithmetic", src: `
#define T(e) e
#if 1 + 2 * 3 == 7 && (1 ? 2 : 3) == 2 && -1 < 0 && -1 > 0u && ~0 == -1 && !0
 a1
#endif
#if -1 >> 1 == -1 && (1 << 63) < 0 && 0xFFFFFFFFFFFFFFFF == -1 && 18446744073709551615u > 1 && 1 << -1 == 0
 a2
#endif
#if 'a' == 97 && '\377' == -1 && 'ab' == 24930 && L'\xff' == 255 && u'a' == 97 && '\0' == 0 && '\x41' == 65 && '\'' == 39
 a3
#endif
#if 0 && 1/0 || 1 || 1/0
 a4
#endif
#if (2 || 3) != 1 || 5 % 3 - 2 || 10 / -3 != -3
 never
#elif 0b101 == 5 && 010 == 8 && 1ULL && 0x1p == 0
 a5
#endif
`, fails: true},
	{story: "defined, also from macros, and unknown names", src: `
#define D defined(X)
#define X
#define E defined Y
#if D && !E && defined X && !defined(Y) && undefined_name == 0 && !func_like(1) + 0
 no
#else
 yes
#endif
#if D && !E
 a
#endif
#define F(x) defined x
#if F(X) && F((X)) && __INCLUDE_LEVEL__ == 0 && __LINE__ == 15
 b
#endif
`, fails: true},
	{story: "__has_include and its family", src: `
#define H <stdio.h>
#define Q "nowhere.h"
#define HI(x) __has_include(x)
#if __has_include(<stdio.h>) && !__has_include("nowhere.h") && __has_include(H) && !__has_include(Q) && HI(<stdlib.h>) && !HI("x") && __has_include ( "main.c" )
 a
#endif
#ifdef __has_include
 b
#endif
#if defined __has_attribute && __has_attribute(noreturn) && __has_attribute(__packed__) && !__has_attribute(nonsense)
 c
#endif
#if defined(__has_builtin) && __has_builtin(__builtin_expect) && !__has_builtin(nonsense)
 d
#endif
#if __has_c_attribute(deprecated) && __has_c_attribute(gnu::packed)
 e
#endif
#ifdef __has_feature
 f
#endif
#if __has_include(<a//b.h>) || __has_include(<it's.h>)
 g
#endif
__has_attribute(unused)
`},
	{story: "groups", src: `
#if 0
 a ' don't "
#elif 1
 b
#elif garbage (((
 c
#else
 d
#endif
#ifndef X
 e
#if 1
 f
#endif
#else
 g
#endif
#if 0
# if 1
 h
# else
 i
# endif
#unknown
#else
 j
#endif
#ifdef A
#elifndef A
 k
#endif
`},
	{story: "#elifdef is unknown to ISO C17", std: "c17", src: `
#ifdef A
 a
#elifdef __LINE__
 b
#else
 c
#endif
`},
	{story: "includes: quoted, angled, computed, next, once, import, guards", flags: []string{"-Iinc", "-iquoteq", "-isystemsys"}, src: `
#include "a.h"
#include "sub/b.h"
#include <c.h>
#define C <c.h>
#define S(x) #x
#define N(x) S(x.h)
#include C
#include N(a)
#include "q.h"
#include <guard.h>
#include <guard.h>
#import "imp.h"
#import "imp.h"
#include "imp.h"
#include <sysh.h>
#include "copy1.h"
#include "copy2.h"
`, files: map[string]string{
		"a.h":         "a __FILE__ __INCLUDE_LEVEL__ __LINE__ __BASE_FILE__\n",
		"sub/b.h":     "#include \"b2.h\"\n__FILE__\n#include \"../a.h\"\n",
		"sub/b2.h":    "#pragma once\nb2 __FILE__\n#include \"b2.h\"\n",
		"inc/c.h":     "c __FILE__\n#include_next <c.h>\n",
		"sys/c.h":     "sysc __FILE__ __INCLUDE_LEVEL__\n#if __has_include_next(<c.h>)\nno\n#endif\n",
		"q/q.h":       "q __FILE__\n#include \"c.h\"\n",
		"inc/guard.h": "/* c */\n#if !defined(G)\n#define G\nguard\n#endif // x\n",
		"imp.h":       "imp\n",
		"sys/sysh.h":  "#include \"sysq.h\"\n",
		"sys/sysq.h":  "sysq\n",
		"copy1.h":     "#pragma once\ncopy\n",
		"copy2.h":     "#pragma once\ncopy\nother",
	}},
	{story: "-include, -imacros, -D and -U", flags: []string{"-DA", "-DB=2", "-DC(x)=x+x", "-DE=", "-UA", "-DS=\"x y\"", "-imacrosm.h", "-includei.h"},
		src: "A B C(1) E S M I __COUNTER__\n", files: map[string]string{"m.h": "not printed __COUNTER__\n#define M m\n", "i.h": "printed __FILE__ M\n#define I i\n"}},
	{story: "computed macros", src: `
__LINE__ __FILE__ __BASE_FILE__ __COUNTER__ __COUNTER__ __INCLUDE_LEVEL__ __FILE_NAME__ __DATE__
#define F(x) x __LINE__ g
#define O __LINE__
#define g(y) y __LINE__ O
F(

__LINE__ O
 )
(
 __LINE__ O)
O
#define K g
K (
 __LINE__,
 O)
K
(__LINE__)
#line 100
__LINE__
#line 200 "x/y.c"
__LINE__ __FILE__ __FILE_NAME__
# 300 "z.c" 1
__LINE__ __FILE__
#define L __LINE__
#line L
__LINE__
F(O
)
`, fails: true},
	{story: "#line inside and after calls", src: `
#define F(x) x __LINE__ g
#define g(y) y __LINE__
#define K g
F(
__LINE__ )
(
 __LINE__)
K (

 __LINE__)
K
(__LINE__)
#line 100
F(
__LINE__)
`},
	{story: "lexical: splices, comments, digraphs, strings, numbers, stray characters", src: "a\\\nb in\\\nt x = 1\\\n2; +\\\n+ /\\\n* comment *\\\n/ /\\\n/ comment \\\n still\n" +
		`<: :> <% %> %: .. ... . .5 1.5e+3 0x1p-2 1e 1e+ 08 1_000 a$b $ @ ` + "`" + ` \ "a\"b" 'a\'' u8"x" u"x" U'x' L"x" u8'x' R"(raw "s" \)" R"ab(x)a" )ab" LR"(
two lines \
three)" 'unterminated
"also
??= ??( ->* :: >>= <<= a+++++b x.y...z
` + "#define S(x) #x\nS(R\"(a\nb)\") S(\"a\\\nb\") a/**/b a/* \n */c\n# define /* \n */ Z /* \n */ zz\nZ\nint \u00e9\\u00e9\\U000000e9 = 1; \u20ac \u00d7 \\u12\nS(\u00e9 \\u00e9)\n#define \u00e9 E\n\\u00e9"},
	{story: "ISO mode: trigraphs, no raw strings", std: "c99", src: `
??=define X ??( "??/"" ??'
X %: x??/
y R"(a)" u"x" ::
`},
	{story: "C90: // is no comment", std: "c90", src: `
a / / b /* c *// d
0x1p+1 u"x" u8"x" U'x'
`},
	{story: "GNU C89", std: "gnu89", src: `
a // b
0x1p+1 u"x" R"(x)" ::
`},
	{story: "C23: digit separators, u8 characters", std: "gnu2x", src: `
1'000'000 0x1'F u8'x' 1'' a'b' :: 1'a'b
#if 1'000 == 1000
 yes
#endif
`},
	{story: "wrong number of arguments leaves the name", src: `
#define two(a,b) a-b
#define none() n
two(1) two(1,2,3) two() none(1) none() none( ) two(,) two((1,2),3)
two(1,
`, fails: true},
	{story: "an argument list does not go on after the end of an included file", src: `
#define f(x) <x>
#include "f.h"
(1)
`, files: map[string]string{"f.h": "f\n"}},
	{story: "pragmas and _Pragma yield no tokens", src: `
#define P _Pragma("pack(1)") x
#define D(x) _Pragma(#x) y
#define id(x) x
P id(P) D(GCC diagnostic push) id(a _Pragma("once") b)
#pragma GCC diagnostic pop
#pragma unknown thing
#define X 1
#pragma push_macro("X")
#undef X
#define X 2
X
#pragma pop_macro("X")
X
#pragma push_macro("Y")
#define Y 1
#pragma pop_macro("Y")
Y
`},
	{story: "odd definitions", src: `
#define a(x)x
#define b (x)
#define c()x
#define d +x
#define e"s"
#define f(x,y)#x#y
#define  g( x , y )y x
a(1) b c() d e f(1,2) g(1,2)
#define a2(x) #x #x x##x x
a2(z) a2(a) a2()
#define self(x) self(x) x
self(self(1)) self
#define if(x) IF
if(1) if
#undef if
#undef never_was
#
# /* null */
#ident "x"
`},
	{story: "__VA_ARGS__ where it has no meaning is only warned about", src: `
#define D __VA_ARGS__)
#define E(p, __VA_ARGS__) p __VA_ARGS__
#define F(p) p __VA_ARGS__
D E(1,2) F(1) __VA_ARGS__
`},
	{story: "errors go on", src: "#error no /* c */ way\na\n#warning w\nb\n#endif\nc\n#else\n#bad\nd\n#if\n#endif\ne\n#if 1\nf\n", fails: true},
	{story: "nested and recursive calls in arguments", src: `
#define EMPTY
#define DEFER(id) id EMPTY
#define OBSTRUCT(...) __VA_ARGS__ DEFER(EMPTY)()
#define EXPAND(...) __VA_ARGS__
#define A() 123
#define CAT(a, ...) a ## __VA_ARGS__
#define IIF(c) CAT(IIF_, c)
#define IIF_0(t, ...) __VA_ARGS__
#define IIF_1(t, ...) t
#define EVAL(...)  EVAL1(EVAL1(EVAL1(__VA_ARGS__)))
#define EVAL1(...) EVAL2(EVAL2(EVAL2(__VA_ARGS__)))
#define EVAL2(...) __VA_ARGS__
#define REPEAT_I() REPEAT
#define REPEAT(n, m) m(n) DEFER(REPEAT_I)()(n, m)
#define f(x) <x>
DEFER(A)() EXPAND(DEFER(A)()) OBSTRUCT(A)() IIF(1)(a,b) IIF(0)(a,b,c) EVAL(REPEAT(8, f)) REPEAT(1,f)
`},
}
