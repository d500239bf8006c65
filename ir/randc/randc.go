// Package randc makes random C programs about pointers, for tests, of the kind that
// Csmith does not make: records that hold each other, lists through members, heads of
// lists in arrays, unions with tags, void * with a kind beside it, tables of functions,
// varargs, pointers to pointers, copies of whole records and of parts of them, through
// buffers and the library, integers that are pointers, tags in low bits, wrappers of
// the allocator, vectors that grow.
//
// Each variable always holds an address of its type, so that every program is defined
// whatever is done to it: each statement keeps that so.
package randc

import (
	"fmt"
	"math/rand/v2"
	"strings"
)

// A maker writes one program.
type maker struct {
	*rand.Rand
	b     strings.Builder
	funcs int
	deep  int
	in    bool // in a procedure: locals can be named
}

func (m *maker) pick(l ...string) string { return l[m.IntN(len(l))] }

func (m *maker) p(format string, args ...any) { fmt.Fprintf(&m.b, format+"\n", args...) }

func (m *maker) index() string { return m.pick("0", "1", "i", "i + 1", "(int)(fuel & 7)") }

// simple reports whether an expression has become deep enough.
func (m *maker) simple() bool { return m.deep > 3 || m.IntN(3) == 0 }

func (m *maker) a() string {
	m.deep++
	defer func() { m.deep-- }()
	if m.simple() {
		if m.in && m.IntN(2) == 0 {
			return m.pick("a0", "a1", "a2")
		}
		return m.pick("pa[0]", "pa[1]", "pb0->a", "(&g1)", "(&ga["+m.index()+" & 1])", "(&ga[2])", "g1.next", "gb.in[1].x", "cur")
	}
	switch m.IntN(52) {
	case 0:
		return m.a() + "->next"
	case 1:
		return m.b1() + "->a"
	case 2:
		return m.a() + "->arr[" + m.index() + " & 1]"
	case 3:
		return "(*" + m.pp() + ")"
	case 4:
		return "ENTRY(" + m.lk() + ")"
	case 5:
		return "entry(" + m.lk() + ")"
	case 6:
		return fmt.Sprintf("CALL(%s->f, %s, %s)", m.a(), m.a(), m.b1())
	case 7:
		return "((struct A *)(uintptr_t)" + m.a() + ")"
	case 8:
		return "untag(tag(" + m.a() + ", i & 1))"
	case 9:
		return m.b1() + "->in[" + m.index() + " & 1].x"
	case 10:
		return "from_union(" + m.a() + ")"
	case 11:
		return "from_any(" + m.b1() + ")"
	case 12:
		return m.pick("new_a()", "copy_a("+m.a()+")", "ALLOC(1)", "pool_a()")
	case 13:
		return fmt.Sprintf("nth(i & 1, %s, %s)", m.a(), m.a())
	case 14:
		return fmt.Sprintf("CALL(table[%s & 1].f, %s, %s)", m.index(), m.a(), m.b1())
	case 15:
		return "(i & 2 ? " + m.a() + " : " + m.a() + ")"
	case 16:
		return "((struct A *)((char *)ga + (" + m.index() + " & 1) * sizeof *ga))"
	case 17:
		return "at(" + m.index() + ")"
	case 18:
		return "((struct A *)((char *)&" + m.a() + "->b - offsetof(struct A, b)))"
	case 19:
		return fmt.Sprintf("by_value(*%s).next", m.a())
	case 20:
		return fmt.Sprintf("f%d(%s, %s)", m.IntN(m.funcs), m.a(), m.b1())
	case 21:
		return "(*in_bucket(" + m.a() + "))"
	case 22:
		return fmt.Sprintf("((struct in){ %s, %s }).x", m.a(), m.b1())
	case 23:
		return fmt.Sprintf("pair(%s, %s).x", m.a(), m.b1())
	case 24:
		return "flex->slot[(unsigned)(" + m.index() + ") % flex->n]"
	case 25:
		return "cached(" + m.a() + ")"
	case 26:
		return "counted(" + m.pick("8", "16 + i % 8") + ")"
	case 27:
		return "read_ptr(" + m.pp() + ")"
	case 28:
		return fmt.Sprintf("((fun)(void *)table[%s & 1].f == %s ? %s : %s)", m.index(), m.fn(), m.a(), m.a())
	case 29:
		return fmt.Sprintf("({ struct A *l_[2] = { %s, %s }; l_[i & 1]; })", m.a(), m.a())
	case 30:
		return "(live++, " + m.a() + ")"
	case 31:
		return "over(&" + m.b1() + "->in[" + m.index() + " & 1])"
	case 33:
		return "atomic(" + m.a() + ")"
	case 34:
		return fmt.Sprintf("other(xored(%s, %s), %s)", "cur", "pa[0]", m.pick("cur", "pa[0]"))
	case 35:
		return fmt.Sprintf("nth_pair(%s, pair(%s, %s), pair(%s, %s))", m.index(), m.a(), m.b1(), m.a(), m.b1())
	case 36:
		return "unpack(" + m.a() + ", i)"
	case 37:
		return "in_thread(" + m.a() + ", " + m.b1() + ")"
	case 38:
		return "jumped(" + m.a() + ", " + m.index() + ")"
	case 39:
		return "by_label(" + m.a() + ", " + m.a() + ", " + m.index() + ")"
	case 40:
		return "after(" + m.pp() + ")"
	case 41:
		return "of_key(" + m.index() + ")"
	case 42:
		return "old_style(" + m.a() + ", " + m.b1() + ")"
	case 43:
		return fmt.Sprintf("((struct A *(*)(void *, void *))%s)(%s, %s)", m.fn(), m.a(), m.b1())
	case 44:
		return "by_signal(" + m.a() + ")"
	case 45:
		return "large(" + m.a() + ", " + m.b1() + ").in.x"
	case 46:
		return "(*({ struct A **w_ = " + m.pp() + "; w_; }))"
	case 47:
		return "mine(" + m.a() + ")"
	case 48:
		return "looked_up(" + m.a() + ")"
	case 49:
		return "__builtin_choose_expr(1, " + m.a() + ", 0)"
	case 50:
		return "nested(" + m.a() + ", " + m.b1() + ")"
	case 51:
		return "relative(" + m.index() + ")"
	case 32:
		return "grid[" + m.index() + " & 1][" + m.index() + " & 1]->a"
	}
	return m.b1() + "->in->x"
}

func (m *maker) b1() string {
	m.deep++
	defer func() { m.deep-- }()
	if m.simple() {
		if m.in && m.IntN(2) == 0 {
			return m.pick("b0", "b1")
		}
		return m.pick("pb0", "(&gb)", "(&gbs["+m.index()+" & 1])", "g1.b", "gb.peer")
	}
	switch m.IntN(9) {
	case 0:
		return m.a() + "->b"
	case 1:
		return m.b1() + "->peer"
	case 2:
		return m.b1() + "->in[" + m.index() + " & 1].y"
	case 3:
		return "((struct B *)((char *)&" + m.b1() + "->in[1] - offsetof(struct B, in[1])))"
	case 4:
		return "any_b(" + m.b1() + ")"
	case 5:
		return "((struct B *)&" + m.b1() + "->hdr)"
	case 6:
		return "new_b(" + m.a() + ")"
	case 7:
		return "(" + m.a() + "->x.tag == 1 ? " + "last_b : " + m.b1() + ")"
	}
	return "sel(" + m.b1() + ", " + m.b1() + ", i)"
}

// pp is the address of a struct A * that outlives the procedure.
func (m *maker) pp() string {
	m.deep++
	defer func() { m.deep-- }()
	if m.simple() {
		return m.pick("(&pa[0])", "(&pa["+m.index()+" & 1])", "(&gb.a)", "ppa", "(&g1.next)", "(pa + 1)", "(&cur)")
	}
	switch m.IntN(7) {
	case 0:
		return "&" + m.a() + "->next"
	case 1:
		return "&" + m.b1() + "->a"
	case 2:
		return "&" + m.a() + "->arr[" + m.index() + " & 1]"
	case 3:
		return m.b1() + "->pp"
	case 4:
		return "(" + m.a() + "->arr + (" + m.index() + " & 1))"
	case 5:
		return "&" + m.b1() + "->in[" + m.index() + " & 1].x"
	}
	return "where(" + m.pp() + ")"
}

func (m *maker) lk() string {
	m.deep++
	defer func() { m.deep-- }()
	switch m.IntN(5) {
	case 0:
		return "heads[" + m.index() + " & 1].n"
	case 1:
		return "&" + m.a() + "->lk"
	case 2:
		return m.a() + "->lk.n"
	case 3:
		return m.a() + "->lk.p"
	}
	return "&heads[" + m.index() + " & 1]"
}

func (m *maker) fn() string { return fmt.Sprintf("f%d", m.IntN(m.funcs)) }

func (m *maker) statement(depth int) {
	pad := "\t"
	switch n := m.IntN(44); n {
	case 0, 1, 2:
		m.p("%s%s = %s;", pad, m.pick("a0", "a1", "a2"), m.a())
	case 3:
		m.p("%s%s = %s;", pad, m.pick("b0", "b1"), m.b1())
	case 4, 5:
		m.p("%s%s->next = %s;", pad, m.a(), m.a())
	case 6, 7:
		m.p("%s*%s = %s;", pad, m.pp(), m.a())
	case 8:
		m.p("%s%s->b = %s;", pad, m.a(), m.b1())
	case 9:
		m.p("%s%s->arr[%s & 1] = %s;", pad, m.a(), m.index(), m.a())
	case 10:
		m.p("%s%s->pp = %s;", pad, m.b1(), m.pp())
	case 11:
		m.p("%s%s->f = %s;", pad, m.a(), m.fn())
	case 12:
		m.p("%slk_add(&%s->lk, &heads[%s & 1]);", pad, m.a(), m.index())
	case 13:
		m.p("%slk_del(&%s->lk);", pad, m.a())
	case 14:
		m.p("%s*%s = *%s;", pad, m.a(), m.a())
	case 15:
		m.p("%smemmove(%s, %s, %s);", pad, m.a(), m.a(), m.pick("sizeof(struct A)", "offsetof(struct A, b)", "offsetof(struct A, lk)", "offsetof(struct A, arr[1])", "offsetof(struct A, f)"))
	case 16:
		m.p("%s{ char buf[sizeof(struct A)]; memcpy(buf, %s, sizeof buf); memcpy(%s, buf, sizeof buf); }", pad, m.a(), m.a())
	case 17:
		m.p("%s{ struct A t = *%s; t.next = %s; *%s = t; }", pad, m.a(), m.a(), m.a())
	case 18:
		m.p("%sset_union(%s, %s, i & 1);", pad, m.a(), m.a())
	case 19:
		m.p("%s{ struct B *t = %s; t->kind = %d; t->any = %s; }", pad, m.b1(), m.IntN(2), "0")
		m.p("%sset_any(%s, %s, %s, i & 1);", pad, m.b1(), m.a(), m.b1())
	case 20:
		m.p("%sswap(%s, %s);", pad, m.pp(), m.pp())
	case 21:
		m.p("%sset(&%s, %s);", pad, m.pick("a0", "a1", "a2"), m.a())
	case 22:
		m.p("%sadd(%s);", pad, m.a())
	case 23:
		m.p("%sqsort(vec, nvec, sizeof *vec, by_v);", pad)
	case 24:
		m.p("%s%s->v += %s->v;", pad, m.a(), m.a())
	case 25:
		m.p("%smemcpy(&%s->in[0], &%s->in[1], sizeof(struct in));", pad, m.pick("b0", "gb.peer", "pb0"), m.pick("(&gb)", "(&gbs[1])"))
	case 26:
		m.p("%sppa = %s;", pad, m.pp())
	case 27:
		m.p("%stable[%s & 1].f = %s;", pad, m.index(), m.fn())
	case 28:
		m.p("%spb0 = %s; last_b = pb0->peer;", pad, m.b1())
	case 29:
		m.p("%s%s->in[%s & 1] = (struct in){ %s, %s };", pad, m.b1(), m.index(), m.a(), m.b1())
	case 30:
		m.p("%sbucket[%s & 3] = %s;", pad, m.index(), m.a())
	case 31:
		m.p("%seach(%s, %s);", pad, m.pick("note", "mark"), m.pick("&cur", "&pa[1]", "ppa", "&"+m.a()+"->next"))
	case 32:
		m.p("%sflex_add(%s);", pad, m.a())
	case 33:
		m.p("%sgrid[%s & 1][%s & 1] = %s;", pad, m.index(), m.index(), m.b1())
	case 34:
		m.p("%sgbs[%s & 1] = *%s;", pad, m.index(), m.b1())
	case 35:
		m.p("%s{ struct A *v_[%s & 3 | 4]; for (int k = 0; k < 4; k++) v_[k] = %s; a1 = v_[i & 3]; }", pad, m.index(), m.a())
	case 36:
		m.p("%sfor (struct A **w = pa; w < pa + 2; w++) *w = %s;", pad, m.a())
	case 37:
		m.p("%s{ struct A **w = %s; struct A *t; memcpy(&t, w, sizeof t); memcpy(%s, &t, sizeof t); }", pad, m.pp(), m.pp())
	case 38:
		m.p("%s{ struct in *t = &%s->in[%s & 1]; struct in s_ = *t; s_.x = %s; *t = s_; }", pad, m.b1(), m.index(), m.a())
	case 39:
		m.p("%sout(&%s, %s);", pad, m.pick("a0", "a1"), m.a())
	case 40:
		m.p("%smemcpy(grid[0], grid[1], sizeof grid[0]);", pad)
	default:
		if depth > 1 {
			m.p("%scur = %s;", pad, m.a())
			return
		}
		switch m.IntN(4) {
		case 0:
			m.p("\tfor (struct lk *l = heads[%s & 1].n; l != &heads[0] && l != &heads[1] && fuel-- > 0; l = l->n) {\n\ta1 = (struct A *)((char *)l - offsetof(struct A, lk));", m.index())
		case 1:
			m.p("\tfor (struct A *p = ga; p < ga + 3; p++) {\n\ta2 = p;")
		case 2:
			m.p("\tif ((%s->v ^ i) & 1) {", m.a())
		case 3:
			m.p("\tfor (i = 0; i < 3 && fuel-- > 0; i++) {")
		}
		for range 2 {
			m.statement(depth + 1)
		}
		m.p("\t}")
	}
}

func shuffled(m *maker, fields []string) string {
	m.Shuffle(len(fields), func(i, j int) { fields[i], fields[j] = fields[j], fields[i] })
	return strings.Join(fields, " ")
}

// Program returns the program with that number.
func Program(seed int) string {
	m := &maker{Rand: rand.New(rand.NewPCG(uint64(seed), 7))}
	m.funcs = 3 + m.IntN(3)
	m.p(`#define _GNU_SOURCE
#include <pthread.h>
#include <search.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
struct A; struct B;
typedef struct A *(*fun)(struct A *, struct B *);
struct lk { struct lk *n, *p; };
struct in { struct A *x; struct B *y; };`)
	m.p("struct A { %s };", shuffled(m, []string{"unsigned long v;", "struct A *next;", "struct B *b;", "struct lk lk;", "struct A *arr[2];", "fun f;",
		"struct { union { struct A *ua; struct B *ub; uintptr_t raw; } u; int tag; } x;", m.pick("char pad[3];", "char name[13];", "short s[5];")}))
	m.p("struct B { struct { long id; } hdr; %s };", shuffled(m, []string{"struct A *a;", "struct B *peer;", "struct in in[2];", "struct A **pp;", "void *any;", "int kind;"}))
	m.p(`static struct A g1, ga[3], *pa[2], *cur, **ppa, **vec, *pool;
static struct B gb, gbs[2], *pb0, *last_b;
static struct lk heads[2];
static struct A *bucket[4];
static struct B *grid[2][2];
static struct flex { int n; struct A *slot[]; } *flex;
static int nvec, cap, used, fuel;
static struct { int n; fun f; } table[2];
static int live;
#define CALL(f, a, b) (fuel-- > 0 ? (f)((a), (b)) : (a))
#define ALLOC(n) init_a(calloc((n), sizeof(struct A)))`)
	for i := range m.funcs {
		m.p("static struct A *f%d(struct A *, struct B *);", i)
	}
	m.p(`static struct A *init_a(struct A *a)
{
	if (!a || live++ > 400000) exit(0);
	a->v = live; a->next = &g1; a->b = &gb; a->lk.n = a->lk.p = &a->lk; a->arr[0] = &ga[0]; a->arr[1] = a; a->f = f0; a->x.u.ua = a; a->x.tag = 0;
	return a;
}
static struct B *init_b(struct B *b)
{
	if (!b || live++ > 400000) exit(0);
	b->a = &g1; b->peer = &gb; b->in[0].x = &ga[1]; b->in[0].y = b; b->in[1].x = &g1; b->in[1].y = &gb; b->pp = &pa[0]; b->any = &g1; b->kind = 0;
	return b;
}
static void *xmalloc(size_t n) { void *p = malloc(n); if (!p) abort(); return p; }
static struct A *new_a(void) { return init_a(xmalloc(sizeof(struct A))); }
static struct B *new_b(struct A *a) { struct B *b = init_b(xmalloc(sizeof *b)); b->a = a; return b; }
static struct A *copy_a(const struct A *from) { struct A *a = xmalloc(sizeof *a); live++; return memcpy(a, from, sizeof *a); }
static struct A *pool_a(void)
{
	if (!pool || used == 8) { pool = xmalloc(8 * sizeof *pool); used = 0; }
	return init_a(&pool[used++]);
}
static struct A *_Atomic shared;
static struct A *atomic(struct A *a)
{
	struct A *was = __atomic_exchange_n((struct A **)&shared, a, __ATOMIC_SEQ_CST);
	if (a->v & 1) __sync_bool_compare_and_swap(&cur, cur, a);
	return was ? was : shared;
}
static uintptr_t xored(struct A *x, struct A *y) { return (uintptr_t)x ^ (uintptr_t)y; }
static struct A *other(uintptr_t both, struct A *one) { return (struct A *)(both ^ (uintptr_t)one); }
static struct A *nth_pair(int n, ...)
{
	va_list ap, again;
	va_start(ap, n);
	va_copy(again, ap);
	struct in x = va_arg(ap, struct in), y = va_arg(ap, struct in);
	if (n & 1) x = va_arg(again, struct in);
	va_end(ap);
	va_end(again);
	return n & 2 ? x.x : y.x;
}
static struct __attribute__((packed)) { char c; struct A *a[2]; short s; struct B *b; } tight;
static struct A *unpack(struct A *a, int i)
{
	if (!tight.a[0]) { tight.a[0] = a; tight.a[1] = &g1; tight.b = &gb; }
	memcpy(&tight.a[i & 1], &a, sizeof a);
	struct A *r;
	memcpy(&r, (char *)&tight + offsetof(__typeof__(tight), a) + 8 * (i >> 1 & 1), sizeof r);
	return r;
}
struct job { struct A *a; struct B *b; struct A *done; };
static void *worker(void *p) { struct job *j = p; j->done = j->b->a; return j->a; }
static struct A *in_thread(struct A *a, struct B *b)
{
	struct job j = { a, b, 0 };
	pthread_t t;
	void *r = a;
	static int threads;
	if (threads++ > 20 || pthread_create(&t, 0, worker, &j)) return a;
	pthread_join(t, &r);
	return r ? r : j.done;
}
static jmp_buf env;
static void leap(struct A *a) { cur = a; longjmp(env, 1); }
static struct A *jumped(struct A *a, int n)
{
	struct A *volatile kept = a->next;
	if (!setjmp(env)) { kept = a; if (n & 1) leap(kept); return kept->arr[1]; }
	return n & 2 ? cur : kept;
}
static struct A *by_label(struct A *x, struct A *y, int n)
{
	static void *const to[] = { &&first, &&second };
	struct A *r = x;
	goto *to[n & 1];
first:
	return r->next;
second:
	return y;
}
static struct A *after(struct A **from)
{
	struct A *l[3], **end;
	end = mempcpy(l, from, sizeof *l);
	*end = &ga[1];
	end = mempcpy(end + 1, &l[1], sizeof *l);
	return end[-1]->v & 1 ? end[-2] : l[0];
}
static struct pair_of { int key; struct A *a; } sorted[4] = { { 1, &g1 }, { 2, &ga[0] }, { 3, &ga[2] }, { 4, &g1 } };
static int by_key(const void *x, const void *y) { return ((const struct pair_of *)x)->key - ((const struct pair_of *)y)->key; }
static struct A *of_key(int i)
{
	struct pair_of k = { 1 + (i & 3) }, *found = bsearch(&k, sorted, 4, sizeof k, by_key);
	if (i & 1) found->a = pa[0];
	return found->a;
}
static struct A *old_style(a, b) struct A *a; struct B *b; { return b->kind ? a : b->a; }
static struct A *volatile caught;
static void on_signal(int n) { caught = cur; }
static struct A *by_signal(struct A *a)
{
	struct A *was = cur;
	signal(SIGUSR1, on_signal);
	cur = a;
	raise(SIGUSR1);
	cur = was;
	return caught;
}
struct large { long pad[5]; struct in in; struct A *more[3]; };
static struct large large(struct A *a, struct B *b)
{
	struct large l = { .in = { a, b }, .more = { [1] = a } };
	if (a->v & 1) { struct large m = l; m.in.x = m.more[1]; return m; }
	return l;
}
static __thread struct A *own;
static struct A *mine(struct A *a) { struct A *r = own ? own : a; own = a; return r; }
static void *root;
static int by_address(const void *x, const void *y) { return ((struct A *)x)->v < ((struct A *)y)->v ? -1 : x != y && ((struct A *)x)->v > ((struct A *)y)->v; }
static struct A *looked_up(struct A *a)
{
	static int n;
	if (n > 40) return a;
	struct A *k = calloc(1, sizeof *k);
	*k = *a;
	k->v = n++ %% 7;
	struct A **at = tsearch(k, &root, by_address);
	return (*at)->next;
}
static struct A *nested(struct A *a, struct B *b)
{
	struct A *l = a;
	void step(struct B *x) { l = x->a->next; }
	step(b);
	return l;
}
static char arena[512] __attribute__((aligned(16)));
static struct A *relative(int i)
{
	long off = (i & 3) * sizeof(struct A *);
	struct A **at = (struct A **)(arena + off);
	if (!*at) *at = pa[i & 1];
	return *(struct A **)((char *)at + 0);
}
static struct in pair(struct A *a, struct B *b) { struct in r; r.x = a; r.y = b; return r; }
static void flex_add(struct A *a)
{
	if (flex->n > 30) { flex->slot[a->v & 15] = a; return; }
	flex = realloc(flex, sizeof *flex + (flex->n + 1) * sizeof(struct A *));
	flex->slot[flex->n++] = a;
}
static struct A *cached(struct A *a)
{
	static struct A *last, *before;
	if (!last) last = &g1;
	before = last;
	last = a;
	return before;
}
static struct A *counted(size_t n)
{
	long *block = xmalloc(sizeof(long) + sizeof(struct A) + n);
	*block = n;
	return init_a((struct A *)(block + 1));
}
static struct A *read_ptr(const void *at) { struct A *t; memcpy(&t, at, sizeof t); return t; }
static struct A *over(struct in *at) { union { struct in s; void *v[2]; } t; t.s = *at; return t.v[0]; }
static struct A **in_bucket(struct A *a) { return &bucket[(((uintptr_t)a >> 60) + a->v) & 3]; }
static void each(void (*f)(struct A **, void *), void *context) { for (int i = 0; i < 4; i++) f(&bucket[i], context); }
static void note(struct A **at, void *context) { *(struct A **)context = *at; }
static void mark(struct A **at, void *context) { struct A **to = context, *t = *to; *at = t; }
static int out(struct A **to, struct A *a) { if (a->v & 1) return -1; *to = a->next; return 0; }
static int is_head(struct lk *l) { return l == &heads[0] || l == &heads[1]; }
#define ENTRY(l) ({ struct lk *l_ = (l); is_head(l_) ? &g1 : (struct A *)((char *)l_ - offsetof(struct A, lk)); })
static struct A *entry(struct lk *l) { return is_head(l) ? ga : (struct A *)((uintptr_t)l - offsetof(struct A, lk)); }
static void lk_add(struct lk *n, struct lk *h) { n->n = h->n; n->p = h; h->n->p = n; h->n = n; }
static void lk_del(struct lk *n) { n->n->p = n->p; n->p->n = n->n; n->n = n->p = n; }
static uintptr_t tag(struct A *a, int t) { return (uintptr_t)a | t; }
static struct A *untag(uintptr_t x) { return (struct A *)(x & ~(uintptr_t)1); }
static void set_union(struct A *a, struct A *v, int k)
{
	if (k) { a->x.u.raw = (uintptr_t)v | 1; a->x.tag = 2; }
	else if (v->v & 1) { a->x.u.ub = v->b; a->x.tag = 1; }
	else { a->x.u.ua = v; a->x.tag = 0; }
}
static struct A *from_union(struct A *a) { return a->x.tag == 0 ? a->x.u.ua : a->x.tag == 2 ? (struct A *)(a->x.u.raw & ~(uintptr_t)1) : a->x.u.ub->a; }
static void set_any(struct B *b, struct A *x, struct B *y, int k) { if (k) b->any = x; else b->any = y; b->kind = !k; }
static struct A *from_any(struct B *b) { return b->any && b->kind == 0 ? b->any : &ga[2]; }
static struct B *any_b(struct B *b) { return b->any && b->kind == 1 ? b->any : &gb; }
static void swap(struct A **x, struct A **y) { struct A *t = *x; *x = *y; *y = t; }
static void set(struct A **x, struct A *v) { *x = v; }
static struct A **where(struct A **x) { return x; }
static struct B *sel(struct B *x, struct B *y, int i) { return i & 1 ? x : y; }
static struct A by_value(struct A x) { x.next = x.arr[0]; return x; }
static int by_v(const void *x, const void *y)
{
	const struct A *a = *(struct A *const *)x, *b = *(struct A *const *)y;
	return (a->v > b->v) - (a->v < b->v);
}
static void add(struct A *a)
{
	if (nvec == cap) vec = realloc(vec, (cap = cap * 2 + 2) * sizeof *vec);
	if (nvec < 64) vec[nvec++] = a; else vec[a->v & 63] = a;
}
static struct A *at(unsigned i) { return vec[i %% nvec]; }
static struct A *nth(int n, ...)
{
	va_list ap;
	va_start(ap, n);
	struct A *a = va_arg(ap, struct A *);
	while (n-- > 0) a = va_arg(ap, struct A *);
	va_end(ap);
	return a;
}`)
	m.in = true
	for i := range m.funcs {
		m.p("static struct A *f%d(struct A *a0, struct B *b0)\n{\n\tstruct A *a1 = a0, *a2 = &g1;\n\tstruct B *b1 = b0;\n\tint i = fuel;\n\tif (fuel-- <= 0)\n\t\treturn a0;", i)
		for range 5 + m.IntN(6) {
			m.statement(0)
		}
		m.p("\treturn %s;\n}", m.pick("a0", "a1", "a2", "a1->next", "b1->a", "*b0->pp"))
	}
	m.p(`int main(void)
{
	init_a(&g1); init_b(&gb); init_b(&gbs[0]); init_b(&gbs[1]);
	for (int i = 0; i < 3; i++) init_a(&ga[i]);
	for (int i = 0; i < 2; i++) { heads[i].n = heads[i].p = &heads[i]; table[i].f = f%d; }
	for (int i = 0; i < 4; i++) { bucket[i] = &ga[i %% 3]; grid[i & 1][i / 2] = &gbs[i & 1]; }
	flex = xmalloc(sizeof *flex + sizeof(struct A *)); flex->n = 1; flex->slot[0] = &ga[2];
	pa[0] = &g1; pa[1] = ga; cur = &ga[1]; ppa = &pa[1]; pb0 = &gb; last_b = &gbs[1];
	add(&g1);`, m.funcs-1)
	for i := range m.funcs {
		m.p("\tfor (int i = 0; i < 4; i++) { fuel = 60; cur = f%d(pa[i & 1], i & 1 ? pb0 : &gbs[0]); }", i)
	}
	m.p("\tprintf(\"%%ld\\n\", cur->v);\n\treturn 0;\n}")
	return m.b.String()
}
