package passes_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"saz/passes"
	"saz/passes/persist"
	"saz/passes/plan"
	"saz/passes/pointer/ctest"
)

// planned prints what the plan says beyond describe, a fact a line.
func planned(c *passes.Context) []string {
	var out []string
	p := plan.Of(c)
	for _, v := range p.Voids {
		line := "void " + v.Where + ":"
		for _, t := range v.Types {
			line += " " + t.String()
		}
		out = append(out, line)
	}
	for _, u := range p.Unions {
		line := fmt.Sprintf("union %s.%s by %s:", u.Rec.Tag+u.Rec.Typedef, u.Field, u.Tag)
		for _, m := range u.Members {
			line += fmt.Sprintf(" %s=%d", m.Name, m.Values)
		}
		out = append(out, line)
	}
	for _, id := range p.Unread {
		out = append(out, "unread "+persist.Of(c).Vars[id].Name)
	}
	for _, d := range p.Manual {
		out = append(out, "decide "+d.What)
	}
	return out
}

func TestPlan(t *testing.T) {
	for _, x := range []struct {
		name, text string
		want       []string
		not        []string
	}{
		{"a tag before a union, in an if, a switch, the caller, with an early return", `
enum { NONE, TEXT, LIST, NUMBER };
struct item { int x; };
struct v { struct v *next; uint32_t ip; int kind; union { char *text; struct item *list; long number; } u; };
static struct v *all;
static void free_text(struct v *v) { free(v->u.text); v->u.text = NULL; }
static void look(struct v *v, const unsigned char *p) {
	switch (v->kind) {
	case TEXT: free_text(v); break;
	case LIST: v->u.list->x++; break;
	default: break;
	}
	if (v->kind == NONE) { v->kind = p[0]; }
	if (v->kind != NUMBER) return;
	v->u.number += p[1];
}
static void packet(const unsigned char *p, const struct pcap_pkthdr *h) {
	struct v *v;
	for (v = all; v; v = v->next) if (v->ip == IP(p)->saddr) break;
	if (!v) { v = calloc(1, sizeof *v); v->ip = IP(p)->saddr; v->next = all; all = v; }
	look(v, p);
	if (v->kind == TEXT) v->u.text = strdup("x");
	if (v->kind == LIST) v->u.list = calloc(1, sizeof(struct item));
}
static void done(void) {}`,
			[]string{"union v.u by kind: list=[2] number=[3] text=[1]"}, []string{"decide"}},
		{"a union that is looked at without asking", `
struct v { struct v *next; uint32_t ip; int kind; union { char *text; long number; } u; };
static struct v *all;
static void packet(const unsigned char *p, const struct pcap_pkthdr *h) {
	struct v *v;
	for (v = all; v; v = v->next) if (v->ip == IP(p)->saddr) break;
	if (!v) { v = calloc(1, sizeof *v); v->ip = IP(p)->saddr; v->next = all; all = v; }
	if (v->kind == 1) v->u.text = strdup("x");
	v->u.number++;
}
static void done(void) {}`,
			[]string{"decide calloc@test.c:33.u.text is in a union with something else, and nothing tells which is meant"}, []string{"by kind"}},
		{"a void * to several types, each known; one to memory of which nothing is", `
struct a { int n; char *s; };
struct b { double d; struct b *next; };
struct slot { void *data; int kind; } slots[4];
static void *raw;
static uint64_t seen, unused;
static void packet(const unsigned char *p, const struct pcap_pkthdr *h) {
	if (!slots[0].data) { slots[0].data = calloc(1, sizeof(struct a)); slots[1].data = calloc(1, sizeof(struct b)); }
	((struct a *)slots[0].data)->n++;
	unused++;
	if (++seen > 10) printf("%d", ((struct a *)slots[0].data)->n);
	if (!raw) raw = malloc(h->len);
	((void **)raw)[0] = slots[1].data;
	if (slots[0].kind) ((struct b *)slots[1].data)->d = 0;
}
static void done(void) {}`,
			[]string{"void slots.data: struct a struct b", "unread unused"}, []string{"unread seen"}},
	} {
		t.Run(x.name, func(t *testing.T) {
			got := planned(analyse(t, ctest.Text(t, source(x.text))))
			for _, w := range x.want {
				if !slices.Contains(got, w) {
					t.Errorf("no line %q", w)
				}
			}
			for _, n := range x.not {
				if strings.Contains(strings.Join(got, "\n"), n) {
					t.Errorf("%q found", n)
				}
			}
			if t.Failed() {
				t.Logf("got\n%s\n%s", strings.Join(got, "\n"), describe(analyse(t, ctest.Text(t, source(x.text)))))
			}
		})
	}
}
