package pointsto_test

import (
	"fmt"
	"strings"
	"testing"

	"saz/ir/models"
	"saz/passes"
	"saz/passes/pointer"
	"saz/passes/pointer/ctest"
	"saz/passes/pointsto"
)

const program = `#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
int a, b, c;
struct in { int *p; struct in *next; };
struct out { long n; struct in in; union { int *u; char *t; }; int *tab[4]; struct { int *q; } many[2]; } o, *po;
struct copy { struct in one; int *rest; } from, to;
static int **pp = &o.tab[2];
static struct in *made(int *p)
{
	struct in *n = malloc(sizeof *n);
	n->p = p;
	n->next = 0;
	return n;
}
static void fill(struct out *x, int k)
{
	x->in.p = &a;
	x->u = &b;
	x->tab[k] = &c;
	x->many[1].q = &b;
	x->in.next = made(&b);
	po = x;
}
static void (*filler)(struct out *, int) = fill;
static void *kept(int poller)
{
	struct epoll_event e = { .data.ptr = &c }, back[2];
	epoll_ctl(poller, EPOLL_CTL_ADD, 0, &e);
	epoll_wait(poller, back, 2, 0);
	return back[0].data.ptr;
}
int main(int argc, char **argv)
{
	int *p = &a;
	p = &b;
	from.rest = p;
	filler(&o, argc);
	memcpy(&to, &from, sizeof to);
	{
		char *p = argv[0];
		*argv = p + 1;
	}
	void *k = kept(argc);
	struct copy third = to;
	return *third.rest + *p + (k != 0);
}`

// What is asked, where it points, and by which lines it got to the first place.
var cases = []struct{ expr, at, why string }{
	{"x->in.p", "a", "18"},
	{"x->u", "b", "19"},
	{"x->t", "b", "19"},
	{"x->tab[k]", "c", "20"},
	{"x->tab[1]", "c", "20"},
	{"x->tab", "o.tab", "38"},
	{"&x->tab[2]", "o.tab", "38"},
	{"x->many[0].q", "b", "21"},
	{"x->many", "o.many", "38"},
	{"x", "o", "38"},
	{"*x->in.next", "whole record", ""},
	{"x->in.next", "made@test.c", "11 14 22"},
	{"x->in.next->p", "b", "22 12"},
	{"(*x).in.p", "a", "18"},
	{"(*(x->in.next)).p", "b", "22 12"},
	{"o.in.p", "a", "18"},
	{"po", "o", "38 23"},
	{"po->u", "b", "19"},
	{"pp", "o.tab", "8"},
	{"*pp", "c", "20"},
	{"filler", "fill()", "25"},
	{"((struct in *)x->in.next)->p", "b", "22 12"},
	{"((struct nothing *)x)->p", "there is no struct nothing", ""},
	{"made(&b)", "made@test.c", "11 14"},
	{"x->nope", "struct out has no member nope", ""},
	{"x->n.p", "no record", ""},
	{"a->p", "no pointer", ""},
	{"a[0]", "no array", ""},
	{"&k", "register", ""},
	{"nobody", "nothing called nobody", ""},
	{"x->", "has no member", ""},
	{"x[", "] is missing", ""},
	{"(x", ") is missing", ""},
	{"", "ends too early", ""},
	// In main.
	{"p@35", "a", "35"},
	{"p@37", "b", "36"},
	{"p@42", "optarg's", ""}, // the inner one
	{"p@44", "a b", "35"},    // not used there: any of its values
	{"p@46", "b", "36"},
	{"to.rest", "b", "36 37 39"},
	{"third.rest@46", "b", "36 37 39 45"},
	{"third.one.p@46", "", ""},
	{"k@44", "c", "28 29 31 44"},
	{"argv@35", "argv's", ""},
}

func TestPointsTo(t *testing.T) {
	p := ctest.Text(t, program)
	ctx := &passes.Context{Prog: p, Models: models.Default(), Jobs: 1}
	if err := ctx.Need(pointer.Pass); err != nil {
		t.Fatal(err)
	}
	pt := pointer.Of(ctx)
	for _, c := range cases {
		expr, line := c.expr, 22
		if e, at, ok := strings.Cut(c.expr, "@"); ok {
			expr = e
			fmt.Sscan(at, &line)
		}
		a, err := pointsto.PointsTo(ctx, expr, "test.c", line)
		if err != nil {
			if c.at == "" || !strings.Contains(err.Error(), c.at) {
				t.Errorf("%s: %v, want %q", c.expr, err, c.at)
			}
			continue
		}
		var names, lines []string
		for _, l := range a.Places {
			name, _, _ := strings.Cut(pt.LocName(l), ":")
			names = append(names, name)
		}
		if got := strings.Join(names, " "); got != c.at {
			t.Errorf("%s points to %q, want %q", c.expr, got, c.at)
			continue
		}
		if c.why == "" {
			continue
		}
		for _, s := range pointsto.Why(ctx, a, a.Places[0]) {
			lines = append(lines, fmt.Sprint(p.Files.Place(s.Pos).Line))
			if s.Text == "" {
				t.Errorf("%s: line %s says nothing", c.expr, lines[len(lines)-1])
			}
		}
		if got := strings.Join(lines, " "); got != c.why {
			t.Errorf("%s points to %s by lines %s, want %s", c.expr, c.at, got, c.why)
		}
	}
	if _, err := pointsto.PointsTo(ctx, "a", "other.c", 3); err == nil || !strings.Contains(err.Error(), "no file other.c") {
		t.Errorf("in a file that is not there: %v", err)
	}
}
