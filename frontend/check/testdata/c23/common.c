/* 002: what compilers take of C23. */
#include <stdbool.h>
#include <assert.h>
[[nodiscard]] int f(int, [[maybe_unused]] int x);
[[gnu::noinline, gnu::cold]] static int g([[maybe_unused]] int a, int) { return 0b1011'0110 + 1'000'000; }
struct [[gnu::packed]] p { char c; [[gnu::aligned(4)]] int i; };
enum [[deprecated]] e { A [[deprecated]], B };
[[deprecated("old")]] typedef int old;
static_assert(sizeof(struct p) >= 5);
_Static_assert(1);
int f(int, int x) {
	bool b = true; typeof(x) y = x; typeof(int *) z = &y; __typeof__(b) c = false;
	switch (x) {
	case 1: y++; [[fallthrough]];
	case 2: [[likely]] y--; break;
	default:
	}
	[[maybe_unused]] int unused; [[]] ;
	for ([[maybe_unused]] int i = 0; i < 3; i++) [[gnu::unused]] y += i;
	if (b) goto end;
	{ inner: }
	{ lab: int decl = 3; y += decl; static_assert(sizeof(int) == 4); }
	unsigned char u = u8'x'; float h = 0x1p+1; unsigned long long k = 0xFFFF'FFFFull; double d = 1'0.5'0e1'0;
	y += (int[]){ [0] = 1, [1] = 2 }[1] + u + k + h + d;
	return y + *z + c;
end:
}
#ifdef NOPE
#elifdef __STDC__
int elifdef_taken;
#elifndef X
#endif
#if __has_c_attribute(nodiscard) && __has_include(<stdio.h>)
int has_attr = __has_c_attribute(fallthrough);
#endif
#define V(x, ...) x __VA_OPT__(,) __VA_ARGS__
int v[] = { V(1), V(2, 3) };
char *s = u8"é" "x"; int old_style_gone(void); void variadic_only(int, ...);
[[noreturn]] void die(void); int g2(void) { return g(1, 2); }
int empty_init[3] = {}; struct p ep = {};
#ifdef __clang__
#endif
