package check

import (
	"bytes"
	"path/filepath"
	"strings"
	"testing"

	"saz/frontend/cpp"
	"saz/frontend/source"
	"saz/frontend/syntax"
)

// TestErrors: what cannot be typed is a diagnostic and a BadDecl, and the
// declarations around it are as if it were not there.
func TestErrors(t *testing.T) {
	cfg, err := compiler()
	if err != nil {
		t.Skip("no gcc: ", err)
	}
	for _, c := range []struct{ name, text, msg string }{
		{"f", "int f(void) { return nothing; }", "nothing is not declared"},
		{"f", "struct s { int a; }; int f(struct s *p) { return p->b; }", "struct s has no member b"},
		{"f", "struct s; int f(struct s *p) { return p->b; }", "struct s is incomplete here"},
		{"f", "struct s { int a; } v; int f(void) { return v; }", "a result of type int cannot be made from a value of type struct s"},
		{"f", "int f(int a) { return *a; }", "* on a value of type int"},
		{"f", "int f(int a) { return a(1); }", "a call of a value of type int"},
		{"f", "int g(int); int f(void) { return g(); }", "0 arguments for 1 parameters"},
		{"f", "void f(int a) { goto out; }", "label out is used but not defined"},
		{"f", "void f(int a) { break; }", "break outside"},
		{"f", "void f(int a) { switch (a) { case a: ; } }", "not an integer constant"},
		{"f", "void f(void) { __builtin_nonsense(1); }", "does not know the built-in function __builtin_nonsense"},
		{"f", "void f(void) { undeclared; }", "undeclared is not declared"},
		{"a", "int n; int a[n];", "not constant"},
		{"s", "struct s { int a[-1]; } s;", "out of range"},
		{"x", "int x = 1; int x = 2;", "x is defined twice"},
		{"x", "int x; char *x;", "x was declared as int before, now as char *"},
		{"x", "int x[2] = { [5] = 1 };", "out of range"},
		{"f", "int f(void) { _Decimal64 d; return 0; }", "_Decimal64 is not supported"},
		{"f", "int f(void) { int f2(void) { goto out; return 1; } out: return f2(); }", "label out"},
	} {
		files, sink := source.NewSet(), new(source.Sink)
		path := filepath.Join(t.TempDir(), "a.c")
		files.Add(path, []byte("int before;\n"+c.text+"\nint after(int k) { return before + k; }\n"))
		pre, err := cpp.Preprocess(&cfg, files, path, sink)
		if err != nil {
			t.Fatal(err)
		}
		u := Check(new(syntax.Cache).Parse(pre, sink), files, sink)
		var msgs []string
		for _, d := range sink.Sorted(files) {
			if d.Severity == source.Error {
				msgs = append(msgs, d.Msg)
				if d.ID != "type-error" || !d.Pos.IsValid() || d.Hint == "" {
					t.Errorf("%s: a poor diagnostic: %+v", c.text, d)
				}
			}
		}
		if len(msgs) != 1 || !strings.Contains(msgs[0], c.msg) {
			t.Errorf("%s: errors %q, want one with %q", c.text, msgs, c.msg)
		}
		if len(u.Bad) != 1 || u.Bad[0].Name != c.name {
			t.Errorf("%s: unknown code %v, want %s", c.text, u.Bad, c.name)
		}
		found := false
		for _, f := range u.Funcs {
			found = found || f.Obj.Name == "after"
			if f.Obj.Name == "f" {
				t.Errorf("%s: f has a definition", c.text)
			}
		}
		if !found {
			t.Errorf("%s: the function after it is lost", c.text)
		}
	}
}

// TestPrint shows what the typed AST of a few statements looks like.
func TestPrint(t *testing.T) {
	u := checkText(t, "a.c", `
struct flow { unsigned char proto : 4; struct flow *next; union { int port; char key[4]; }; } *head;
static unsigned long total;
int update(struct flow *f, char c) {
	if (!f || f->next == 0)
		return -1;
	f->proto += 1;
	total = f->port + c;
	for (int i = 0; i < 4; i++)
		f->key[i] ^= c;
	head[2].next = f;
	return f->proto << 2;
}`).unit
	var b bytes.Buffer
	u.Print(&b)
	want := `struct flow { // size 24 align 8
	unsigned char proto : 4; // bit 0
	struct flow *next; // at 8
	union <anonymous 1>; // at 16
};
union <1> { // size 4 align 4
	int port; // at 0
	char key[4]; // at 0
};
struct flow *head;
static unsigned long total;
int update(struct flow *f, char c)
{
	if (!(load(f)) || (load(*(load(f)).next) == (struct flow *:)0))
		return -(1);
	(*(load(f)).proto +=(int) 1);
	(total = (unsigned long:)(load(*(load(f)).<anonymous>.port) + (int:)load(c)));
	for (
		int i = {[0] 0};
	; (load(i) < 4); (i)++)
		(*((decay(*(load(f)).<anonymous>.key) + (long:)load(i))) ^=(int) (int:)load(c));
	(*((load(head) + 2L)).next = load(f));
	return ((int:)load(*(load(f)).proto) << 2);
}
`
	if b.String() != want {
		t.Errorf("got\n%s\nwant\n%s", b.String(), want)
	}
}
