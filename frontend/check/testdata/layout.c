// Records whose layout is easily got wrong. The compiler is the oracle.
typedef unsigned char u8; typedef unsigned short u16; typedef unsigned int u32; typedef unsigned long u64;
struct empty {};
struct e1 { struct empty a; int b; struct empty c; };
struct e2 { char c; struct empty a[0]; };
struct bf1 { int a : 3; int b : 5; int c : 25; };
struct bf2 { char a : 4; int b : 30; };
struct bf3 { short a : 9; short b : 9; char c; };
struct bf4 { long a : 33; int b : 31; char c : 1; };
struct bf5 { u8 a : 7; u8 b : 2; u8 c : 7; };
struct z1 { char a; int : 0; char b; };
struct z2 { char a : 3; int : 0; char b : 3; };
struct z3 { char a; long : 0; char b; };
struct z4 { char a : 3; char : 0; char b : 3; };
struct z5 { int : 0; };
struct z6 { int : 5; };
struct z7 { char a; int : 7; char b; };
struct z8 { char a; int : 20; char b; short : 9; };
union zu1 { char a; int : 20; };
union zu2 { int a : 3; char b : 7; };
union zu3 { long a : 33; };
union zu4 { int : 0; char c; };
struct b1 { _Bool a : 1; _Bool b : 1; int c : 1; };
enum color { red, green, blue };
struct en1 { enum color a : 2; enum color b : 3; u8 c; };
struct pk1 { char a; int b; short c; } __attribute__((packed));
struct pk2 { char a; int b __attribute__((packed)); short c; };
struct pk3 { char a; int b : 5; int c : 30; char d; } __attribute__((packed));
struct pk4 { char a; long b __attribute__((aligned(4))); } __attribute__((packed));
struct pk5 { char a; int : 0; int b; } __attribute__((packed));
struct pk6 { int a : 5 __attribute__((packed)); int b : 30 __attribute__((packed)); };
struct pk7 { char c; struct { int x; char y; } in; } __attribute__((packed));
struct pk8 { char c; struct pk1 in; double d; };
struct __attribute__((packed, aligned(4))) pk9 { char c; short s; };
struct __attribute__((packed)) pk10 { char c; short a[3]; };
union __attribute__((packed)) pku1 { char c; int i; short s[3]; };
union pku2 { char c; int i : 20; } __attribute__((packed));
struct al1 { char a; int b __attribute__((aligned(16))); char c; };
struct al2 { char a; char b; } __attribute__((aligned(8)));
struct al3 { char a; } __attribute__((aligned));
struct al4 { char a; struct al2 b; };
struct al5 { _Alignas(16) char a; char b; _Alignas(8) char c; };
struct al6 { _Alignas(long) char a; char b; };
struct al7 { char a; int b : 3 __attribute__((aligned(8))); int c : 4; };
struct al8 { char a; char b : 3 __attribute__((aligned(2))); };
typedef int aint __attribute__((aligned(16)));
typedef int lint __attribute__((aligned(2)));
typedef long ulong1 __attribute__((aligned(1)));
struct at1 { char a; aint b; };
struct at2 { char a; lint b; };
struct at3 { char a; ulong1 b; char c; };
struct at4 { char a; aint b; } __attribute__((packed));
struct at5 { char a; aint b : 5; };
struct at6 { char a; lint b : 20; lint c : 20; };
struct at7 { char a; struct { aint x; } y; } __attribute__((packed));
typedef struct { char a; } __attribute__((aligned(4))) ats;
struct at8 { char a; ats b[2]; };
#pragma pack(push, 1)
struct pp1 { char a; int b; long c; };
struct pp2 { char a; int b : 5; int c : 30; };
struct pp3 { char a; int b __attribute__((aligned(8))); };
struct pp4 { char a; int : 0; char b; };
struct pp5 { char a; aint b; };
#pragma pack(2)
struct pp6 { char a; int b; long c; };
struct pp7 { char a; int b : 5; int c : 30; short d; };
union ppu { char c; long l; };
#pragma pack(push)
#pragma pack(4)
struct pp8 { char a; long b; };
struct pp9 { char a; long b; } __attribute__((aligned(16)));
struct pp10 { char a; long b : 40; long c : 30; };
#pragma pack(pop)
struct pp11 { char a; long b; };
#pragma pack(pop)
struct pp12 { char a; long b; };
#pragma pack(push, foo, 2)
struct pp13 { char a; int b; };
#pragma pack(push, 4)
#pragma pack(pop, foo)
struct pp14 { char a; int b; };
#pragma pack()
#pragma pack(8)
struct pp15 { char a; __int128 b; long double c; };
struct pp16 { int a : 3; long b : 62; };
#pragma pack()
struct i1 { char a; __int128 b; };
struct i2 { char a; long double b; char c; };
struct i3 { char a; _Float128 b; };
struct i4 { char a; _Complex float b; _Complex double c; };
struct i5 { char a; __int128 b : 70; };
struct i6 { char a; __builtin_va_list ap; };
typedef int v4si __attribute__((vector_size(16)));
typedef float v8sf __attribute__((vector_size(32)));
typedef char v2qi __attribute__((vector_size(2)));
struct v1 { char a; v4si b; char c; };
struct v2 { char a; v8sf b; };
struct v3 { char a; v2qi b; };
struct v4 { char a; v4si b; } __attribute__((packed));
struct v5 { int x __attribute__((vector_size(8))); char c; };
struct f1 { int n; char d[]; };
struct f2 { char n; long d[]; };
struct f3 { char n; long d[0]; char e; };
struct f4 { char n; struct f1 f; };
struct f5 { char n; short d[]; } __attribute__((packed));
struct an1 { int a; union { int b; char c; struct { short d; long e; }; }; int f; };
struct an2 { struct { char x; }; struct { int y; } z; union { long w; }; } __attribute__((packed));
struct fwd; struct fwd *pf; struct fwd { struct fwd *next; char c; };
enum __attribute__((packed)) pe1 { pe_a, pe_b = 200 };
enum pe2 { pe_c = -1, pe_d = 127 } __attribute__((packed));
enum pe3 { pe_e = -1, pe_f = 128 } __attribute__((packed));
enum pe4 { pe_g = 70000 } __attribute__((packed));
enum le1 { le_a = 0x80000000 };
enum le2 { le_b = -1, le_c = 0x80000000 };
enum le3 { le_d = 0x100000000 };
enum le4 { le_e = 0xffffffffffffffff };
enum le5 { le_f = 1, le_g = 1L << 40, le_h };
struct pe { char a; enum pe1 b; enum le2 c; enum pe3 d; };
typedef int mode_di __attribute__((mode(DI)));
typedef unsigned int mode_qi __attribute__((__mode__(__QI__)));
typedef unsigned mode_ti __attribute__((mode(TI)));
typedef float mode_xf __attribute__((mode(XF)));
struct mo { mode_qi a; mode_di b; mode_qi c; mode_ti d; mode_xf e; };
struct arr { char a[3]; short b[3][2]; u8 c; char *d[2]; int (*e)[4]; void (*f[3])(int); };
struct bigbf { u64 a : 1; u64 b : 40; u64 c : 24; u32 d : 31; u16 e : 16; u8 f : 8; };
struct mix { u8 a : 3, : 2, b : 4; u16 c : 10; u32 : 3; u32 d : 29; u8 e; };
struct tcpish { u16 s, d; u32 seq, ack; u16 res : 4, off : 4, fin : 1, syn : 1, rst : 1, psh : 1, ackf : 1, urg : 1, e : 1, w : 1; u16 win; };
struct in_pack { char a; struct pk3 b; int c : 3; struct bf2 d; };
typedef __attribute__((aligned(64))) struct { int lock; } line_t;
struct line { char c; line_t l; };
struct nest { struct inner { char c; struct deep { long l; } d; } i; struct inner j[2]; };
typedef struct { u8 b[3]; } rgb; typedef rgb rgbs[5];
struct rg { rgbs r; u16 x; };
struct __attribute__((__packed__)) __attribute__((__aligned__(2))) two { char a; long b; char c; };
struct cst { const char a; volatile int b; const struct al2 c; _Atomic int d; _Atomic(long) e; };
union tr { int *a; const int *b; } __attribute__((transparent_union));
struct afteratt { int a; } x1 __attribute__((aligned(32))), x2;
int x3 __attribute__((vector_size(16))), x4[3];
char *x5 __attribute__((aligned(64)));
