// Expressions whose types are easily got wrong.
typedef unsigned char u8; typedef unsigned short u16; typedef unsigned int u32; typedef unsigned long u64;
typedef int v4si __attribute__((vector_size(16)));
typedef float v4sf __attribute__((vector_size(16)));
typedef long double ld;
enum color { red, green = 5, blue }; enum big { bigone = 1L << 40 }; enum neg { minus = -1 };
struct bits { int a : 3; u32 b : 5; u32 c : 32; int d : 32; long e : 20; u64 f : 40; _Bool g : 1; enum color h : 3; };
struct pt { int x, y; const char *name; int arr[4]; struct pt *next; union { int in; float fl; }; };
typedef const int cint; typedef int *iptr; typedef int (*fptr)(int, char *); typedef int row[4];
extern struct pt mk(int); extern int vf(const char *, ...); extern const struct pt cp; extern void nop(void);
static int one(int a, char *b) { return a + *b; }
extern int eold();
void arith(u8 a, u16 b, u32 c, u64 d, char e, short f, int g, long h, long long i, float j, double k, ld l, _Bool m, __int128 n, unsigned __int128 o, enum color p, enum neg q, unsigned long long r) {
	a + b; a * a; b << c; c + g; c + h; d + i; i + r; d + r; h + i; e + f; m + m; n + d; o + n; p + p; q + q; q + g; p + q;
	j + a; j * d; k + j; l + k; j + n; ~a; -b; !c; +e; ~d; -m; -p; a ? b : c; a ? j : i; m ? a : a; a << h; h >> a; a == b; j < k;
	a && b; (a, d); (u8)a + (u8)1; sizeof a; sizeof(int[3]); _Alignof(ld); 'a'; L'a'; u'a'; U'a'; 1; 1u; 1l; 1ul; 1ll; 1ull; 0x7fffffff; 0x80000000; 0xffffffff;
	2147483648; 4294967296; 0x100000000; 0xffffffffffffffff; 1.0; 1.0f; 1.0L; 1e10; 0x1p3; 0x1.8p-3f; 1.f; .5; 017; 0b101; 'ab'; '\x80'; '\''; "abc"; L"abc"; u"abc"; U"abc"; u8"abc"; "a" "bc" "\x41" "1";
	a += 1; a++; --b; j *= 2; d <<= 3; p = 2; p++; q = minus; red; bigone; green + 1; blue ? red : green;
	d + 1; d - 1; c - 1l; 5 % c; 5 / a; (char)300; (int)3.5; (float)1; (_Bool)5; c > 5 ? 1 : -1; c > 5 ? 1u : -1; c > 5 ? 1l : 2u;
	__builtin_expect(a, 1); __builtin_bswap16(a); __builtin_clz(g); __builtin_popcountll(d); __builtin_constant_p(3); __builtin_object_size(&a, 0);
	__builtin_add_overflow(g, h, &h); __builtin_inff(); __builtin_isnan(k); __builtin_fabs(j); __builtin_huge_val(); __builtin_types_compatible_p(int, enum color);
	__sync_fetch_and_add(&d, 1); __sync_bool_compare_and_swap(&a, 1, 2); __atomic_load_n(&h, 5); __atomic_compare_exchange_n(&h, &h, 1, 0, 5, 5); __sync_lock_test_and_set(&c, 1); __atomic_fetch_add(&b, 1, 0);
	_Generic(a, int: 1, u8: 2l, default: 3u); _Generic(a + 1, int: 1, u8: 2l, default: 3u); _Generic("x", char *: 1.0, default: 0); _Generic(&one, fptr: 1, int (*)(int): 2l);
	__builtin_choose_expr(1, 2l, "x"); __builtin_choose_expr(sizeof(int) == 8, 2l, "x"); __builtin_classify_type(j);
	({ 5l; }); ({ int z = 3; z; }); ({ struct pt s = {1}; s; }).x; ({ nop(); });
	a ?: b; h ?: 3; __extension__ 3; (3); ((a)); -1; - 1; 3 - 1; 3-1; g-1;
}
void pointers(char *a, const char *b, int *c, void *d, struct pt *e, int (*f)[4], fptr g, volatile int *h, const void *i, char **j, int k[10], int l[3][4], void m(int), int *restrict n) {
	*a; *b; b + 1; 1 + b; b - a; c - c; c[2]; 2[c]; &c[2]; &*c; *&c; f[1]; *f; **f; f[1][2]; &f; k; l; l[1]; *l; &l; m; *m; **m; &m; g; *g; g(1, a); (*g)(1, a); one(1, a); one; &one; *one; &*one;
	e->x; e->name; e->arr; e->arr[1]; &e->arr; e->next->next; e->in; e->fl; (*e).x; &e->x; mk(1).x; mk(1).arr[0]; mk(1).name; cp.x; cp.arr; cp.name; cp.next; &cp.x; &cp; cp.in;
	d + 1; d == c; c == 0; 0 == c; a < b; !a; a && b; a ? a : 0; a ? 0 : a; a ? a : b; a ? d : c; a ? c : d; a ? i : a; c ? h : c; a ? (void *)0 : a; a ? (void *)1 : a; i ? b : (const void *)a; 1 ? 0 : (void *)0; 1 ? (int *)0 : (void *)0;
	a = 0; a += 1; a++; *a++; ++*a; j[1]; *j[1]; &a; &"abc"; "abc"[1]; *"abc"; sizeof("abc"); sizeof(b); sizeof *l; sizeof(l); (struct pt){1, 2}; (struct pt){1, 2}.x; &(struct pt){.x = 1}; (int[]){1, 2, 3}; (int[]){1, 2, 3}[1]; (row){1}; (const int){3}; &(int){1};
	(u64)a; (char *)5; (void)a; (const void *)a; (fptr)d; ((fptr)d)(1, a); *(volatile int *)c; (int *const)c; vf("x", 1, 2.0); eold(1, 2); *h; *n; __builtin_memcpy(a, b, 3); __builtin_strlen(a); __builtin_offsetof(struct pt, arr[2]); __builtin_offsetof(struct pt, fl); __builtin_alloca(3); __builtin_frame_address(0);
	(a ? one : 0); (a ? &one : (fptr)0); a ? f : 0; (c ? c : h); __func__; __FUNCTION__; sizeof(__func__);
	undeclared_function(1); strcspn("x", "y"); __builtin_va_list ap; __builtin_va_arg(ap, int); __builtin_va_arg(ap, char *); __builtin_va_arg(ap, struct pt).x; __builtin_va_end(ap);
}
void bitfields(struct bits *s, const struct bits *t) {
	s->a + 1; s->b + 1; s->c + 1; s->d + 1; s->e + 1; s->g + 1; s->h + 1; -s->b; ~s->b; +s->c; s->b << 1; s->a ? 1 : 2; s->b ?: 1; s->a == s->b; t->b + t->b; !s->b; s->b && s->c; 1 ? s->b : s->a; 1 ? s->c : 1; s->b * 2.0f; s->g << 3; (s->b = 3) + 1; s->c++ + 1; (int)s->b;
}
void vectors(v4si a, v4si b, v4sf c, int i, v4si *p) {
	a + b; a * 2; 2 * a; -a; ~a; a << 1; a < b; c < c; c == c; a[1]; (*p)[2]; p[1][2]; (v4sf)a; (v4si)c; a = b; a += 1; c * c; c + 1.0f; (a + b)[1]; __builtin_shuffle(a, b); __builtin_convertvector(c, v4si); (v4si){1, 2, 3, 4}; a & b;
}
void atomics(_Atomic int *a, _Atomic(long) *b, const _Atomic int c) { *a + 1; *b; c + 1; *a = 3; (*a)++; *a += 1; }
void vlas(int n, int m, int a[n][m], char b[static 3], int c[n][m], int d[const n]) {
	int x[n]; int y[n][3]; int (*z)[n] = &x; typedef int vrow[n]; vrow v; char *names[n + 1]; n++; x[0]; *x; y[1]; y[1][1]; (*z)[2]; sizeof x + 1; sizeof(y[1]); sizeof(vrow); a[1][2]; b[1]; d[1]; v[0]; names[0]; sizeof(int[n]); (int (*)[n])a; { int w[m][n]; w[0][1]; }
	for (int i = 0; i < n; i++) { int q[i + 1]; q[0] = i; }
}
void vlas2(int, int n, int a[*][n]);
void typeofs(int n, struct pt *s) {
	__typeof__(n) a; typeof(s->x) b; typeof(*s) c; typeof(int *) d, e; typeof(s->arr) f; typeof(mk) *g; const typeof(n) h = 1; typeof(&n) k; __auto_type l = s->name; __auto_type m = 3ul; typeof(n + 1l) o; typeof("abc") p; typeof(({ int q = 1; q; })) r;
	typeof(typeof(int)[3]) t; struct { typeof(n) u; } w; a; b; c.x; d; e; f[0]; g; *k; l; m; o; p; r; t; w.u; sizeof(t); (typeof(n))3.5; ((typeof(s))0)->x; (__typeof__(s->x) *)0; h + 1;
}
int kr(a, b, c, d) char a; float b; struct pt *c; { return a + b + c->x + d; }
char *kr2(s, f) char s[]; int f(); { f(1); return s; }
kr3(x) register x; { return x; }
int nested(int n) {
	int add(int k) { return n + k; }
	auto int later(int);
	int r = add(3) + later(1);
	int later(int k) { return k * 2; }
	int (*p)(int) = add; p(3); add; return r;
}
int gotos(int n) {
	static void *tab[] = { &&a, &&b, &&c }; void *p = &&b; goto *tab[n]; a: n++; b: n += 2; goto *p; c: ;
	switch (n) { case 1 ... 4: case 7: n--; break; case -3: case 'x': { n = 3; } default: n++; case blue: return 1; }
	{ __label__ out; if (n) goto out; n = 3; out: n++; } { __label__ out; goto out; out: ; }
	do { if (n) continue; break; } while (n++ < 3); for (;;) break; for (int i = 0, j = 1; i < j; i++, j--) ; while (n--) ; if (n) ; else n = 3;
	asm("nop"); asm volatile("mov %1, %0" : "=r"(n) : "r"(n), "m"(*tab) : "memory", "cc"); asm("" : [x] "+m"(n) : [y] "i"(3)); asm goto("" : : : : done); __asm__ __volatile__("" ::: "memory");
	done: return n;
}
int scopes(int color) { enum color c = red; struct pt { char other; } q; q.other; color + 1; { typedef double u8; u8 z; z; int iptr = 3; iptr * 2; } u8 w; w; { extern int shared; shared; extern int fwd_fn(int); fwd_fn(1); } struct lone; struct lone *lp; { struct lone { int z; } l; l.z; } return sizeof(struct pt); }
typedef int bool_; typedef int bool; bool bb(bool x) { return x + 1; } struct bbs { bool b; char c; } __attribute__((aligned(sizeof(bool) * 4)));
/* 001: a declaration in a block completes an array's type there only; outside, sizeof still refuses it. */
extern const char *months[]; const char *month(int i) { extern const char *months[12]; sizeof months; return months[i]; }
