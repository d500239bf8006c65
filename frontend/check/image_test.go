package check

import (
	"bytes"
	"fmt"
	"math/big"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"saz/frontend/cpp"
	"saz/frontend/source"
	"saz/frontend/syntax"
)

// checkHeads reads a text as programs are read: with bodies left for later.
func checkHeads(t testing.TB, name, text string) (*Unit, *syntax.Tree) {
	t.Helper()
	cfg, err := compiler()
	if err != nil {
		t.Skip("no gcc: ", err)
	}
	files, sink := source.NewSet(), new(source.Sink)
	path := filepath.Join(t.TempDir(), name)
	files.Add(path, []byte(text))
	pre, err := cpp.Preprocess(&cfg, files, path, sink)
	if err != nil {
		t.Fatal(err)
	}
	tree := new(syntax.Cache).ParseHeads(pre, sink)
	t.Cleanup(tree.Close)
	u := CheckAll(tree, files, sink)
	report(t, files, sink)
	return u, tree
}

// imageText exercises what the other test programs have not: members of all
// kinds of records, shared initialisers, labels, asm, statement expressions.
const imageText = `
#define TWO(f) static int f(int a) { return a; } int f##2(void) { return f(3); }
struct s { int a : 3, b : 5; union { int u; char c[4]; }; struct s *next; } g = { .b = 2, .u = 7 };
static int dead(int x) { static int kept_not; return x + kept_not++; }
static inline int used(struct s *p) { static const char *names[4] = { [0 ... 2] = "many", "one" }; return p->u + names[p->a][0]; }
extern int undefined_one, undefined_two; int never(void);
TWO(twice)
int big[300] = { [5 ... 250] = sizeof(struct s), [3] = 1 };
int top(int n, struct s *p) {
	int vla[n + 1], i = 0; __label__ out; void *l[] = { &&out, &&in };
	for (i = 0; i < n; i++) { if (i == 3) continue; else if (i == 5) break; vla[i] = ({ int k = i; k * 2; }); }
	switch (n) { case 1 ... 3: case 7: i += undefined_one; break; default: goto out; }
in:	asm volatile("# %0 %[y]" : "=r"(i) : [y] "m"(p->next->u) : "memory", "cc");
	do p = &(struct s){ .a = n, .c = "ab" }; while (p->b > sizeof vla && i-- ? n ?: 4 : (int)2.5);
	unsigned __int128 w = (unsigned __int128)1 << 100; __builtin_va_list ap; (void)w; (void)ap; goto *l[0];
out:	return used(p) + n;
}
asm(".globl top_level");
int (*table[])(int) = { twice, 0 }; static int unused_but_defined = 4; int alias_of(int, struct s *) __attribute__((alias("top"), weak));
int aligned __attribute__((aligned(32), section("mine"))); void outer(void) { __label__ far; int v = 1; int inner(void) { if (v) goto far; return v; } inner(); far:; }
`

// rest lets u rest and wakes it again: tokens and expressions are away in
// between, and nothing that others hold is another afterwards.
func rest(t *testing.T, u *Unit) {
	t.Helper()
	tokens, chains := slices.Clone(u.Cpp.Tokens), slices.Clone(u.Cpp.Chains)
	held := func() []any {
		var list []any
		for _, o := range u.Objects {
			list = append(list, o, o.Type, o.Init, o.Func, o.Scope)
		}
		for _, f := range u.Funcs {
			list = append(list, f, f.Obj, f.Body)
		}
		for i := range u.image.stmts {
			s := &u.image.stmts[i]
			list = append(list, s.Kind, s.Then, s.Init, s.Label, s.Asm, s.Up, s.Tok)
		}
		return list
	}
	exprs := func() (n int) {
		for i := range u.image.stmts {
			s := &u.image.stmts[i]
			for _, e := range []*Expr{s.X, s.Post, s.Lo, s.Hi} {
				if e != nil {
					n++
				}
			}
		}
		for i := range u.image.inits {
			n += len(u.image.inits[i].Items)
		}
		return n
	}
	had, n := held(), exprs()
	u.Rest()
	if exprs() > 0 || u.Cpp.Tokens != nil {
		t.Errorf("a unit that rests still has %d expressions, %d tokens", exprs(), len(u.Cpp.Tokens))
	}
	if !slices.Equal(u.Tokens(), tokens) || !slices.Equal(u.Cpp.Chains, chains) {
		t.Error("the tokens of a unit that rests are others")
	}
	u.Wake()
	if !slices.Equal(u.Tokens(), tokens) || !slices.Equal(u.Cpp.Chains, chains) {
		t.Error("the tokens of a unit that rested are others")
	}
	if !slices.Equal(held(), had) || exprs() != n {
		t.Errorf("a unit that rested has other nodes, or %d expressions for %d", exprs(), n)
	}
}

// A decoded image is the unit that was encoded: what can be reached from it by
// exported fields is equal, but for what an image leaves out by design. New
// fields are found by this test.
func TestImage(t *testing.T) {
	texts := map[string]string{"image.c": imageText}
	paths, _ := filepath.Glob("testdata/*.c")
	for _, p := range paths {
		b, err := os.ReadFile(p)
		if err != nil {
			t.Fatal(err)
		}
		texts[filepath.Base(p)] = string(b)
	}
	for name, text := range texts {
		t.Run(strings.TrimSuffix(name, ".c"), func(t *testing.T) {
			u, tree := checkHeads(t, name, text)
			image := u.Image(tree)
			if again := u.Image(tree); !bytes.Equal(image, again) {
				t.Error("two images of a unit differ")
			}
			got, err := DecodeUnit(image, u.Files)
			if err != nil {
				t.Fatal(err)
			}
			got.Wake()
			rest(t, got)
			same := &sameness{t: t, want: u, got: got, met: map[[2]any]bool{}}
			same.objects()
			a, b := reflect.ValueOf(u).Elem(), reflect.ValueOf(got).Elem()
			for i := range a.NumField() {
				switch f := a.Type().Field(i); f.Name {
				case "Cpp", "Objects", "Records", "Enums", "Typedefs", "Files":
				default:
					if f.IsExported() {
						same.values(f.Name, a.Field(i), b.Field(i))
					}
				}
			}
			var want, back bytes.Buffer
			for i := range u.Funcs {
				printFunc(&want, u, u.Funcs[i])
				printFunc(&back, got, got.Funcs[i])
			}
			if want.String() != back.String() {
				t.Error("the functions print differently")
			}
			if same.n < 300 {
				t.Errorf("only %d values were compared", same.n)
			}
		})
	}
}

func printFunc(b *bytes.Buffer, u *Unit, f *FuncDef) {
	one := &Unit{Name: u.Name, Cpp: u.Cpp, Files: u.Files, Funcs: []*FuncDef{f}, SetJump: u.SetJump, LongJump: u.LongJump, Bad: u.Bad}
	one.Print(b)
}

// sameness walks two graphs side by side.
type sameness struct {
	t         *testing.T
	want, got *Unit
	met       map[[2]any]bool
	n         int
}

// objects: those of the image are some of the unit's, in the same order.
func (s *sameness) objects() {
	k := 0
	for _, o := range s.got.Objects {
		for k < len(s.want.Objects) && s.want.Objects[k].Name != o.Name {
			k++
		}
		if k == len(s.want.Objects) {
			s.t.Fatalf("object %s is none of the unit's, or out of order", o.Name)
		}
		s.values("object "+o.Name, reflect.ValueOf(s.want.Objects[k]), reflect.ValueOf(o))
		k++
	}
	for _, o := range s.want.Objects {
		found := false
		for _, p := range s.got.Objects {
			found = found || p.Name == o.Name
		}
		if o.Live && !found {
			s.t.Errorf("object %s got lost", o.Name)
		}
	}
}

var (
	bigType = reflect.TypeFor[big.Int]()
)

func (s *sameness) values(path string, a, b reflect.Value) {
	s.n++
	if len(path) > 400 || s.t.Failed() {
		path = "... " + path[max(0, len(path)-100):]
	}
	if a.Kind() == reflect.Pointer {
		if a.IsNil() || b.IsNil() {
			if a.IsNil() != b.IsNil() {
				s.t.Errorf("%s: one is nil", path)
			}
			return
		}
		k := [2]any{a.Interface(), b.Interface()}
		if s.met[k] {
			return
		}
		s.met[k] = true
		if a.Type().Elem() == bigType {
			if a.Interface().(*big.Int).Cmp(b.Interface().(*big.Int)) != 0 {
				s.t.Errorf("%s: %v, want %v", path, b, a)
			}
			return
		}
		s.values(path, a.Elem(), b.Elem())
		return
	}
	switch a.Kind() {
	case reflect.Struct:
		s.tokens(path, a, b)
		for i := range a.NumField() {
			f := a.Type().Field(i)
			switch {
			case !f.IsExported(), f.Name == "Tok" || f.Name == "End":
			case f.Name == "ID":
			case f.Name == "Scope" && !b.Field(i).IsNil() && b.Field(i).Interface().(*Stmt).Kind == BadStmt:
				// of an object in the operand of a typeof: no tree has it
			case a.Type() == reflect.TypeFor[Asm]() && f.Name == "Labels":
			default:
				s.values(path+"."+f.Name, a.Field(i), b.Field(i))
			}
		}
	case reflect.Slice:
		if a.Len() != b.Len() {
			s.t.Errorf("%s: %d elements, want %d", path, b.Len(), a.Len())
			return
		}
		for i := range a.Len() {
			s.values(fmt.Sprintf("%s[%d]", path, i), a.Index(i), b.Index(i))
		}
	default:
		if !a.Equal(b) {
			s.t.Errorf("%s: %v, want %v", path, b, a)
		}
	}
}

// tokens compares what Tok and End of two nodes lead to.
func (s *sameness) tokens(path string, a, b reflect.Value) {
	f := a.FieldByName("Tok")
	if !f.IsValid() {
		return
	}
	i, j := int(f.Int()), int(b.FieldByName("Tok").Int())
	n := 1
	if e := a.FieldByName("End"); e.IsValid() {
		n = int(e.Int()) - i
		if m := int(b.FieldByName("End").Int()) - j; m != n {
			s.t.Errorf("%s: %d tokens, want %d", path, m, n)
			return
		}
	}
	if i < 0 || j < 0 {
		if i != j && n > 0 {
			s.t.Errorf("%s: token %d, want %d", path, j, i)
		}
		return
	}
	for k := range n {
		x, y := s.want.Cpp.Tokens[i+k], s.got.Cpp.Tokens[j+k]
		if (x.Chain == 0) != (y.Chain == 0) || x.Chain != 0 && s.want.Cpp.Chains[x.Chain].Macro != s.got.Cpp.Chains[y.Chain].Macro {
			s.t.Errorf("%s: token %q has another macro", path, x.Text)
		}
		x.Chain, y.Chain = 0, 0
		if x != y {
			s.t.Errorf("%s: token %+v, want %+v", path, y, x)
			return
		}
	}
}

// What is no image, or half of one, is an error and nothing else.
func TestDamagedImage(t *testing.T) {
	u, tree := checkHeads(t, "image.c", imageText)
	image := u.Image(tree)
	for n := 0; n < len(image); n += 1 + n/50 {
		if _, err := DecodeUnit(image[:n], u.Files); err == nil {
			t.Errorf("%d bytes of %d are taken for an image", n, len(image))
		}
	}
}

// Functions that nothing leads to are neither kept nor overlooked.
func TestHeads(t *testing.T) {
	text := "static int dead(void) { return live_not; } static int live(void) { return 1; } int f(void) { return live(); }"
	for _, all := range []bool{false, true} {
		cfg, err := compiler()
		if err != nil {
			t.Skip("no gcc: ", err)
		}
		files, sink := source.NewSet(), new(source.Sink)
		files.Add("/h.c", []byte(text))
		pre, err := cpp.Preprocess(&cfg, files, "/h.c", sink)
		if err != nil {
			t.Fatal(err)
		}
		tree := new(syntax.Cache).ParseHeads(pre, sink)
		u := check(tree, files, sink, all).unit
		want := 0
		if all {
			want = 1
		}
		if sink.Errors() != want || len(u.Bad) != 0 || len(u.Funcs) != 2 || u.Stats.Functions != 3 {
			t.Errorf("all %v: %d errors, %d bad declarations, %d functions of %d", all, sink.Errors(), len(u.Bad), len(u.Funcs), u.Stats.Functions)
		}
		tree.Close()
	}
}
