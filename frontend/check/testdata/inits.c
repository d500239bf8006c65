// Initialisers: the compiler checks sizes and, by constant folding, values.
typedef unsigned char u8;
struct pt { int x, y; }; struct in { u8 b[6]; struct pt p; char *s; };
struct un { int tag; union { int i; char c[8]; struct pt p; } u; int after; };
struct bits { int a : 3; int : 2; unsigned b : 9; int c; };
struct an { int k; union { long l; struct { char c1, c2; }; }; int z; };
struct fl { int n; short d[]; };
int a1[] = { 1, 2, 3 }; int a2[5] = { [3] = 4, 5, [0] = 1 }; int a3[] = { [9] = 1, [2 ... 4] = 7, 8 };
char s1[] = "hello"; char s2[3] = "abc"; char s3[10] = "ab" "cd"; char s4[] = { "braced" }; char *s5 = "ptr"; char s6[][4] = { "abc", "de", { 'x' } }; int w1[] = L"wide";
unsigned short h1[] = u"half";
struct pt p1 = { 1, 2 }, p2 = { .y = 3 }, p3 = { y: 4, x: 5 }, pa[] = { 1, 2, 3, 4, { 5 }, 6 }, pb[3] = { [1].y = 9, 10, [0] = { 1, 2 } };
struct in in1 = { { 1, 2 }, { 3, 4 }, "s" }, in2 = { 1, 2, 3, 4, 5, 6, 7, 8, s1 }, in3 = { .p.y = 3, .b[2] = 4, 5, .b = { 9 } }, ia[2] = { [1] = { .p = { 1 } } };
struct un u1 = { 1, { 2 }, 3 }, u2 = { 1, { .c = "abc" }, 3 }, u3 = { 1, 2, 3 }, u4 = { .u.p.y = 5, .after = 6 }, u5 = { .u.i = 1, .u.p = { 3, 4 } }, u6 = { .u.p.x = 1, .u.p.y = 2 };
struct bits b1 = { 1, 2, 3 }, b2 = { .c = 1, .b = 300 }, ba[2] = { { 1 }, { .b = 5 } };
struct an n1 = { 1, { 2 }, 3 }, n2 = { .c2 = 'x', .k = 1 }, n3 = { 1, .c1 = 2, 3, 4 };
struct fl f1 = { 2, { 1, 2, 3 } };
int m1[2][3] = { 1, 2, 3, 4 }, m2[][2] = { { 1 }, { 2, 3 }, 4, 5 }, m3[2][2] = { [1][0] = 5, 6 }, m4[3][3] = { [0 ... 1] = { 1, 2 }, { 3 } };
struct pt *pp = &(struct pt){ 1, 2 }; int *ap = (int[]){ 1, 2, 3 }; int ac[] = (int[]){ 4, 5 };
int sc = { 3 }; double dd = 1; char *const names[] = { [2] = "two", [0] = "zero" }; void (*fp)(void) = 0; int e0[] = {}; struct pt pe = {};
int (*fns[])(int) = { 0, (int (*)(int))0 };
extern struct pt mk(int);
void f(int n, struct pt q) {
	struct pt l1 = q, l2 = mk(1), l3 = { n, n + 1 }, l4[] = { q, { 1 }, q }; struct in l5 = { .p = q, .s = "x" }, l6 = { { 1 }, q }; int l7[] = { n, n * 2, [5] = 1 }; char l8[] = "local"; static int st[] = { 1, 2 };
	struct un l9 = { 1, { .p = q } }; struct { struct pt a; int b; } l10 = { .a = q, .a.x = 1, 5 }; int z = { n }; struct pt *lp = &(struct pt){ n }; f(1, (struct pt){ .x = n }); l4[0].x; l7[0]; st[1]; l8; z; lp;
	sizeof l4; sizeof l7; sizeof l8; sizeof st;
}
int z0[][0] = { 1 }; struct zz { int a[0]; int b; } z1 = { 5 }; struct { int : 3; } z2[] = { {} };
