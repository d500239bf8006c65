package cpp

import (
	"os"
	"path/filepath"
	"testing"

	"saz/frontend/source"
)

// seed adds the C files below $SAZ_GCC_TORTURE, GCC's test suite for one.
func seed(f *testing.F) {
	paths, _ := filepath.Glob(filepath.Join(os.Getenv("SAZ_GCC_TORTURE"), "*", "*.c"))
	for i, p := range paths {
		if b, err := os.ReadFile(p); err == nil && len(b) < 8<<10 && i%4 == 0 {
			f.Add(b)
		}
	}
}

// FuzzPreprocess: any text is preprocessed in bounded time and memory, without
// a fault, and each token is where it is said to be.
func FuzzPreprocess(f *testing.F) {
	seed(f)
	for _, c := range cases {
		f.Add([]byte(c.src))
	}
	for _, s := range []string{
		"\"\\\n??!0", // 008: the check took what looks like a trigraph for one
		"#define A B B\n#define B C C\n#define C A A\nA\n",
		"#define S(x) #x\n#define T(x) S(x)\nT(T(T(T(\"\\\"\"))))\n",
		"#define P(x) x##x\n#define Q(x) P(x)\nQ(Q(Q(Q(a))))\n",
		"#include __FILE__\n#include __FILE__\n",
	} {
		f.Add([]byte(s))
	}
	cfg := compiler(f, "-std=gnu2x")
	cfg.Limit = 1 << 17
	cfg.Builtins = func(_, arg string) int { return len(arg) & 1 }
	f.Fuzz(func(t *testing.T, text []byte) {
		set := source.NewSet()
		set.Add("/fuzz.c", text)
		one := *cfg
		u, err := Preprocess(&one, set, "/fuzz.c", nil)
		if err != nil {
			t.Fatal(err)
		}
		u.Tokens = u.Tokens[:min(len(u.Tokens), 5000)] // looking at one takes longer than making it
		if d := provenance(set, u); d != "" {
			t.Error(d)
		}
	})
}

// 001-004: texts whose expansion has no end stop with a diagnostic.
func TestLimit(t *testing.T) {
	double := "#define A0 x x\n"
	for i := range 40 {
		a, b := string(rune('a'+i%26))+string(rune('A'+i/26)), ""
		b = "A0"
		if i > 0 {
			b = string(rune('a'+(i-1)%26)) + string(rune('A'+(i-1)/26))
		}
		double += "#define " + a + " " + b + " " + b + "\n"
	}
	nest := func(f string, n int, in string) string {
		for range n {
			in = f + "(" + in + ")"
		}
		return in
	}
	for name, text := range map[string]string{
		"001 doubling macros":        double + "nB\n",
		"002 doubled strings":        "#define S(x) #x\n#define T(x) S(x)\n" + nest("T", 60, `"\""`) + "\n",
		"003 doubled identifiers":    "#define P(x) x##x\n#define Q(x) P(x)\n" + nest("Q", 60, "a") + "\n",
		"004 a file twice in itself": "#include __FILE__\n#include __FILE__\n",
	} {
		set, sink := source.NewSet(), new(source.Sink)
		set.Add("/limit.c", []byte(text))
		cfg := &Config{Limit: 1 << 22}
		if _, err := Preprocess(cfg, set, "/limit.c", sink); err != nil {
			t.Fatal(err)
		}
		found := false
		for _, d := range sink.Sorted(set) {
			found = found || d.ID == "expansion-limit"
		}
		if !found {
			t.Errorf("%s: not diagnosed", name)
		}
	}
}

// 007: an operator of the preprocessor as the last token of a file was put back where there was
// nothing any more.
func TestOperatorAtEnd(t *testing.T) {
	cfg := compiler(t, "-std=gnu2x")
	cfg.Builtins = func(_, arg string) int { return len(arg) & 1 }
	for _, text := range []string{"__has_builtin", "__has_attribute", "__has_include", "__has_include_next", "_Pragma",
		"#if __has_builtin", "#define f(x) x\nf", "#define f(x) __has_builtin\nf(1)"} {
		for _, end := range []string{"", "\n"} {
			set := source.NewSet()
			set.Add("/end.c", []byte(text+end))
			one := *cfg
			if _, err := Preprocess(&one, set, "/end.c", new(source.Sink)); err != nil {
				t.Errorf("%q: %v", text+end, err)
			}
		}
	}
}

// 006: looking for the parenthesis of a _Pragma that came out of a macro may enter the
// next macro; the name then had that macro's place.
func TestStrayPragma(t *testing.T) {
	cfg := compiler(t, "-std=gnu2x")
	for _, text := range []string{"#define P _Pragma\n#define id \nP id", "#define P _Pragma\n#define id x\nP id y\n"} {
		set, sink := source.NewSet(), new(source.Sink)
		set.Add("/pragma.c", []byte(text))
		one := *cfg
		u, err := Preprocess(&one, set, "/pragma.c", sink)
		if err != nil {
			t.Fatal(err)
		}
		if sink.Errors() == 0 {
			t.Errorf("%q: no diagnostic", text)
		}
		if d := provenance(set, u); d != "" {
			t.Errorf("%q: %s", text, d)
		}
	}
}
