package cpp

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"sort"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"saz/frontend/source"
)

// The oracle of these tests is the compiler: what Preprocess yields must be
// what gcc -E prints, token for token.

// compiler returns a Config that imitates gcc with flags.
func compiler(t testing.TB, flags ...string) *Config {
	t.Helper()
	if _, err := exec.LookPath("gcc"); err != nil {
		t.Skip("no gcc")
	}
	run := func(args ...string) (string, string) {
		cmd := exec.Command("gcc", append(append([]string{}, flags...), args...)...)
		var out, errs bytes.Buffer
		cmd.Stdout, cmd.Stderr = &out, &errs
		if err := cmd.Run(); err != nil {
			t.Fatalf("gcc %v: %v\n%s", args, err, errs.String())
		}
		return out.String(), errs.String()
	}
	predef, _ := run("-dM", "-E", "-x", "c", "/dev/null")
	_, v := run("-v", "-E", "-x", "c", "/dev/null")
	cfg := &Config{Predef: []byte(predef), Builtins: func(kind, arg string) int { return asked(t, flags, kind, arg) }}
	in := false
	for _, l := range strings.Split(v, "\n") {
		switch {
		case strings.HasPrefix(l, "#include <...>"):
			in = true
		case strings.HasPrefix(l, "End of search"):
			in = false
		case in:
			cfg.System = append(cfg.System, strings.TrimSpace(l))
		}
	}
	return cfg
}

var answers sync.Map

// asked has gcc answer __has_attribute and the like.
func asked(t testing.TB, flags []string, kind, arg string) int {
	key := fmt.Sprint(flags, kind, arg)
	if n, ok := answers.Load(key); ok {
		return n.(int)
	}
	cmd := exec.Command("gcc", append(append([]string{}, flags...), "-E", "-P", "-x", "c", "-")...)
	cmd.Stdin = strings.NewReader(kind + "(" + arg + ")\n")
	out, err := cmd.Output()
	n := 0
	if _, err2 := fmt.Sscan(string(out), &n); err != nil || err2 != nil {
		t.Logf("%s(%s): %v %v", kind, arg, err, err2)
	}
	answers.Store(key, n)
	return n
}

// maxOutput bounds what is read of the compiler's output: a random macro may
// expand without bounds.
const maxOutput = 8 << 20

var errTooMuch = errors.New("too much output")

// gcc returns the tokens of gcc -E's output.
func gcc(dir string, cfg *Config, args ...string) ([]string, error) {
	ctx, cancel := context.WithTimeout(context.Background(), 4*time.Second)
	defer cancel()
	cmd := exec.CommandContext(ctx, "gcc", append([]string{"-E", "-w"}, args...)...)
	cmd.Dir = dir
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // gcc runs cc1: end both
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	cmd.WaitDelay = time.Second
	var errs bytes.Buffer
	cmd.Stderr = &errs
	pipe, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	out, err := io.ReadAll(io.LimitReader(pipe, maxOutput+1))
	if err != nil || len(out) > maxOutput {
		cancel()
		cmd.Wait()
		return nil, errTooMuch
	}
	err = cmd.Wait()
	if ctx.Err() != nil {
		return nil, errTooMuch
	}
	if err != nil {
		err = fmt.Errorf("%v\n%s", err, errs.String())
	}
	return Spellings(out, cfg), err
}

// compare reports the first difference.
func compare(got []Token, want []string) string {
	for i := 0; i < len(got) || i < len(want); i++ {
		if i < len(got) && i < len(want) && got[i].Text == want[i] {
			continue
		}
		lo, hi := max(0, i-6), i+6
		var g []string
		for _, t := range got[lo:min(hi, len(got))] {
			g = append(g, t.Text)
		}
		return fmt.Sprintf("token %d differs (%d tokens, gcc has %d)\n got %s\nwant %s", i, len(got), len(want),
			strings.Join(g, " "), strings.Join(want[min(lo, len(want)):min(hi, len(want))], " "))
	}
	return ""
}

// provenance checks what token.go promises about every token.
func provenance(set *source.Set, u *Unit) string {
	root := func(c int32) *Chain {
		for u.Chains[c].Parent != 0 {
			if u.Chains[c].Parent >= c {
				return nil
			}
			c = u.Chains[c].Parent
		}
		return &u.Chains[c]
	}
	for i := range u.Tokens {
		t := &u.Tokens[i]
		bad := func(what string) string {
			return fmt.Sprintf("token %d %q (%+v) at %s: %s", i, t.Text, *t, set.Place(t.Exp), what)
		}
		if t.Spell.IsValid() {
			data := set.File(t.Spell.File).Data[t.Spell.Off:]
			data = data[:min(len(data), 2*len(t.Text)+200)]
			// The check does not know the unit's mode: with trigraphs or without.
			s, _ := clean(string(data), true)
			plain, _ := clean(string(data), false)
			if !bytes.HasPrefix(data, []byte(t.Text)) && !strings.HasPrefix(s, t.Text) && !strings.HasPrefix(plain, t.Text) && !strings.Contains(t.Text, `\U`) {
				return bad("its spelling is not at Spell")
			}
		}
		if t.Exp.IsValid() && t.ExpEnd <= t.Exp.Off {
			return bad("empty expansion range")
		}
		if t.Chain == 0 {
			if t.Exp != t.Spell {
				return bad("direct, but Exp is not Spell")
			}
			continue
		}
		r := root(t.Chain)
		if r == nil {
			return bad("chain is not in order")
		}
		if r.Use != t.Exp {
			return bad("Exp is not where the outermost macro's name stands")
		}
		f := set.File(t.Exp.File)
		text, _ := clean(string(f.Data[t.Exp.Off:t.ExpEnd]), false)
		if !strings.HasPrefix(text, r.Macro) && !strings.Contains(r.Macro, `\U`) {
			return bad("Exp does not begin with the macro's name")
		}
		if text != r.Macro && !strings.HasSuffix(text, ")") && !strings.Contains(r.Macro, `\U`) {
			return bad("Exp does not end with the name or a parenthesis")
		}
	}
	for _, p := range u.Pragmas {
		if p.Tok < 0 || int(p.Tok) > len(u.Tokens) {
			return fmt.Sprintf("pragma %q stands before token %d of %d", p.Text, p.Tok, len(u.Tokens))
		}
	}
	return ""
}

// TestCases runs the table of tricky inputs against the compiler.
func TestCases(t *testing.T) {
	cfgs := map[string]*Config{}
	for _, c := range cases {
		if cfgs[c.std] == nil {
			cfgs[c.std] = compiler(t, stdFlags(c.std)...)
		}
	}
	for i, c := range cases {
		t.Run(fmt.Sprintf("%03d", i+1), func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			files := map[string]string{"main.c": c.src}
			for name, text := range c.files {
				files[name] = text
			}
			for name, text := range files {
				path := filepath.Join(dir, name)
				if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(path, []byte(text), 0o666); err != nil {
					t.Fatal(err)
				}
			}
			cfg := *cfgs[c.std]
			cfg.Dir = dir
			args := stdFlags(c.std)
			for _, f := range c.flags {
				args = append(args, f)
				switch {
				case strings.HasPrefix(f, "-D"):
					cfg.Defines = append(cfg.Defines, Define{Text: f[2:]})
				case strings.HasPrefix(f, "-U"):
					cfg.Defines = append(cfg.Defines, Define{Text: f[2:], Undef: true})
				case strings.HasPrefix(f, "-I"):
					cfg.Angle = append(cfg.Angle, f[2:])
				case strings.HasPrefix(f, "-iquote"):
					cfg.Quote = append(cfg.Quote, f[7:])
				case strings.HasPrefix(f, "-isystem"):
					cfg.System = append([]string{f[8:]}, cfg.System...)
				case strings.HasPrefix(f, "-include"):
					cfg.Includes = append(cfg.Includes, f[8:])
				case strings.HasPrefix(f, "-imacros"):
					cfg.Imacros = append(cfg.Imacros, f[8:])
				}
			}
			want, err := gcc(dir, &cfg, append(args, "main.c")...)
			if err != nil && !c.fails {
				t.Fatal(err)
			}
			set, sink := source.NewSet(), new(source.Sink)
			u, err := Preprocess(&cfg, set, "main.c", sink)
			if err != nil {
				t.Fatal(err)
			}
			if sink.Errors() > 0 != c.fails {
				t.Errorf("%s: diagnostics %v, gcc fails: %v", c.story, sink.Sorted(set), c.fails)
			}
			if d := compare(u.Tokens, want); d != "" {
				t.Errorf("%s: %s", c.story, d)
			}
			if d := provenance(set, u); d != "" {
				t.Errorf("%s: %s", c.story, d)
			}
		})
	}
}

func stdFlags(std string) []string {
	if std == "" {
		return nil
	}
	return []string{"-std=" + std}
}

// TestSystemHeaders compares every header of a sample of the installed ones
// that the compiler accepts by itself. SAZ_HEADERS=all takes all of them.
func TestSystemHeaders(t *testing.T) {
	cfg := compiler(t)
	set := source.NewSet()
	cfg.Cache = NewCache()
	var all []string
	for _, d := range []string{"", "sys", "netinet", "linux", "x86_64-linux-gnu/sys", "x86_64-linux-gnu/bits", "openssl", "event2", "asm-generic"} {
		root := filepath.Join("/usr/include", d)
		entries, err := os.ReadDir(root)
		if err != nil {
			continue
		}
		for _, e := range entries {
			if e.Type()&fs.ModeDir == 0 && strings.HasSuffix(e.Name(), ".h") {
				all = append(all, filepath.Join(d, e.Name()))
			}
		}
	}
	if len(all) == 0 {
		t.Skip("no system headers")
	}
	sort.Strings(all)
	var headers []string
	for i, h := range all {
		if i%8 == 0 || os.Getenv("SAZ_HEADERS") == "all" {
			headers = append(headers, strings.TrimPrefix(h, "x86_64-linux-gnu/"))
		}
	}
	dir := t.TempDir()
	sem := make(chan struct{}, runtime.NumCPU())
	var wg sync.WaitGroup
	var mu sync.Mutex
	done, tokens := 0, 0
	for i, h := range headers {
		wg.Add(1)
		sem <- struct{}{}
		go func() {
			defer func() { <-sem; wg.Done() }()
			name := fmt.Sprintf("t%d.c", i)
			os.WriteFile(filepath.Join(dir, name), []byte("#include <"+h+">\n"), 0o666)
			want, err := gcc(dir, cfg, name)
			if err != nil {
				return
			}
			c := *cfg
			c.Dir = dir
			sink := new(source.Sink)
			u, err := Preprocess(&c, set, name, sink)
			if err != nil {
				t.Error(h, err)
				return
			}
			mu.Lock()
			defer mu.Unlock()
			done++
			tokens += len(u.Tokens)
			if sink.Errors() > 0 {
				t.Errorf("%s: %v", h, sink.Sorted(set))
			}
			if d := compare(u.Tokens, want); d != "" {
				t.Errorf("%s: %s", h, d)
			}
			if d := provenance(set, u); d != "" {
				t.Errorf("%s: %s", h, d)
			}
		}()
	}
	wg.Wait()
	t.Logf("%d headers of %d, %d tokens", done, len(headers), tokens)
}

// TestRandom compares random macro definitions and calls, many to a run of
// the compiler: it keeps going after an error.
func TestRandom(t *testing.T) {
	rounds := 60
	if testing.Short() {
		rounds = 10
	}
	if n, err := strconv.Atoi(os.Getenv("SAZ_ROUNDS")); err == nil {
		rounds = n
	}
	cfgs := []*Config{compiler(t), compiler(t, "-std=gnu2x"), compiler(t, "-std=c11")}
	std := []string{"gnu17", "gnu2x", "c11"}
	dir := t.TempDir()
	sem := make(chan struct{}, runtime.NumCPU())
	var wg sync.WaitGroup
	for i := range rounds {
		wg.Add(1)
		sem <- struct{}{}
		go func() {
			defer func() { <-sem; wg.Done() }()
			src := randomMacros(rand.New(rand.NewPCG(1, uint64(i))))
			name := fmt.Sprintf("r%d.c", i)
			os.WriteFile(filepath.Join(dir, name), []byte(src), 0o666)
			cfg := *cfgs[i%3]
			cfg.Dir = dir
			want, err := gcc(dir, &cfg, "-std="+std[i%3], name)
			if err == errTooMuch || len(want) > 200000 {
				return
			}
			set := source.NewSet()
			u, err := Preprocess(&cfg, set, name, nil)
			if err != nil {
				t.Error(err)
				return
			}
			if d := compare(u.Tokens, want); d != "" {
				t.Errorf("round %d (%s): %s\n%s", i, std[i%3], d, src)
			}
			if d := provenance(set, u); d != "" {
				t.Errorf("round %d (%s): %s\n%s", i, std[i%3], d, src)
			}
		}()
	}
	wg.Wait()
}

func randomMacros(r *rand.Rand) string {
	var b strings.Builder
	pick := func(s ...string) string { return s[r.IntN(len(s))] }
	space := func() string { return pick("", " ", " ", " ", "", "/**/") }
	names := []string{"A", "B", "C", "D", "F", "G"}
	most := 3 // more names in a body, and expansions grow without bound
	var text func(params []string, opt, line bool, depth int)
	text = func(params []string, opt, line bool, depth int) {
		for n := r.IntN(most); n >= 0; n-- {
			b.WriteString(space())
			switch k := r.IntN(14); {
			case k < 3 && len(params) > 0:
				b.WriteString(" " + pick(params...))
			case k == 3 && len(params) > 0:
				b.WriteString(" #" + space() + pick(params...))
			case k == 4 && len(params) > 0 && n > 0:
				b.WriteString(" " + pick(append(params, names...)...) + space() + "##" + space() + pick(append(params, "x", "1", "A")...))
			case k == 5 && opt && depth > 0:
				b.WriteString(pick(" ", " #", " x ## ") + "__VA_OPT__" + space() + "(")
				text(params, false, line, depth-1)
				b.WriteString(")" + pick("", "", " ## y"))
			case k < 8:
				b.WriteString(" " + pick(names...))
			case k < 11 && depth > 0:
				b.WriteString(" " + pick(names...) + space() + "(")
				for i := r.IntN(3); i >= 0; i-- {
					text(params, opt, line, depth-1)
					if i > 0 {
						b.WriteString(",")
					}
				}
				b.WriteString(")")
			case k == 11 && !line:
				b.WriteString("\n")
			case k == 12:
				b.WriteString(pick("\"s\\n\"", " 'c'", ", ", "(x)", "__LINE__", "__COUNTER__", "-1", "_Pragma(\"x\")"))
			default:
				b.WriteString(" " + pick("x", "y", "1", "+", "-", ".", "2e", "(", ")"))
			}
		}
	}
	define := func() {
		b.WriteString("#define " + pick(names...))
		switch r.IntN(5) {
		case 0:
			b.WriteString(" ")
			text(nil, false, true, 2)
		case 1:
			b.WriteString("(...) ")
			text([]string{"__VA_ARGS__"}, true, true, 2)
		case 2:
			b.WriteString("(p, ...) ")
			text([]string{"p", "__VA_ARGS__"}, true, true, 2)
		case 3:
			b.WriteString("(p, q...) ")
			text([]string{"p", "q"}, false, true, 2)
		default:
			b.WriteString("(p) ")
			text([]string{"p"}, false, true, 2)
		}
		b.WriteString("\n")
	}
	b.WriteString("#define S(...) #__VA_ARGS__\n#define X(...) S(__VA_ARGS__)\n")
	for range 9 {
		define()
	}
	most = 6
	for range 25 {
		b.WriteString(pick("", "", "X("))
		text(nil, false, false, 2)
		b.WriteString("\n)\n;;;)))\n")
		if r.IntN(4) == 0 {
			most = 3
			define()
			most = 6
		}
	}
	return b.String()
}

// TestMissingInclude: a header that is not there is one diagnostic, and the
// rest of the unit is still there.
func TestMissingInclude(t *testing.T) {
	set, sink := source.NewSet(), new(source.Sink)
	dir := t.TempDir()
	set.Add(filepath.Join(dir, "m.c"), []byte("int a;\n#include \"gone.h\"\nint b;\n"))
	u, err := Preprocess(&Config{Dir: dir}, set, "m.c", sink)
	if err != nil || len(u.Tokens) != 6 {
		t.Fatal(u, err)
	}
	l := sink.Sorted(set)
	if len(l) != 1 || l[0].ID != "include-not-found" || l[0].Hint == "" || set.Place(l[0].Pos).Line != 2 {
		t.Errorf("%+v", l)
	}
	if _, err := Preprocess(&Config{Dir: dir}, set, "none.c", sink); err == nil {
		t.Error("an unreadable main file is no error")
	}
}

// TestChains checks the example of the package comment, and what Unit says
// about pragmas and system headers.
func TestChains(t *testing.T) {
	set, sink := source.NewSet(), new(source.Sink)
	dir := t.TempDir()
	os.Mkdir(filepath.Join(dir, "sys"), 0o777)
	src := "#include <s.h>\n#include \"u.h\"\n#define INC(x) ((x) + ONE)\n#define ONE 1\n#define N 4\n" +
		"INC(n) INC(ONE) z\n#define P INC\n#pragma pack(push, N)\nP (k) _Pragma(\"weak f\") q"
	set.Add(filepath.Join(dir, "m.c"), []byte(src))
	set.Add(filepath.Join(dir, "sys/s.h"), []byte("#include \"q.h\"\n"))
	set.Add(filepath.Join(dir, "sys/q.h"), []byte("\n"))
	set.Add(filepath.Join(dir, "u.h"), []byte("#pragma once\n"))
	u, err := Preprocess(&Config{Dir: dir, System: []string{"sys"}}, set, "m.c", sink)
	if err != nil || sink.Errors() > 0 {
		t.Fatal(err, sink.Sorted(set))
	}
	if d := provenance(set, u); d != "" {
		t.Error(d)
	}
	var b strings.Builder
	at := func(p source.Pos, end int32) string {
		if !p.IsValid() {
			return "-"
		}
		return string(set.File(p.File).Data[p.Off:end])
	}
	for _, tk := range u.Tokens {
		fmt.Fprintf(&b, "%s\t%d\t%s", tk.Text, max(0, tk.Spell.Off-int32(strings.Index(src, "INC(n)"))), at(tk.Exp, tk.ExpEnd))
		for c := tk.Chain; c != 0; c = u.Chains[c].Parent {
			b.WriteString("\t" + u.Chains[c].Macro)
		}
		b.WriteByte('\n')
	}
	want := `(	0	INC(n)	INC
(	0	INC(n)	INC
n	4	INC(n)	INC
)	0	INC(n)	INC
+	0	INC(n)	INC
1	0	INC(n)	ONE	INC
)	0	INC(n)	INC
(	0	INC(ONE)	INC
(	0	INC(ONE)	INC
1	0	INC(ONE)	ONE	INC
)	0	INC(ONE)	INC
+	0	INC(ONE)	INC
1	0	INC(ONE)	ONE	INC
)	0	INC(ONE)	INC
z	16	z
(	0	P (k)	INC	P
(	0	P (k)	INC	P
k	57	P (k)	INC	P
)	0	P (k)	INC	P
+	0	P (k)	INC	P
1	0	P (k)	ONE	INC	P
)	0	P (k)	INC	P
q	78	q
`
	if b.String() != want {
		t.Errorf("got\n%swant\n%s", b.String(), want)
	}
	var pr []string
	for _, p := range u.Pragmas {
		pr = append(pr, fmt.Sprintf("%s before %s", p.Text, u.Tokens[p.Tok].Text))
	}
	if got := strings.Join(pr, "; "); got != "pack(push, 4) before (; weak f before q" {
		t.Error(got)
	}
	var sys []string
	for _, f := range u.Includes {
		sys = append(sys, fmt.Sprintf("%s:%v", filepath.Base(f.Path), u.System[f.ID]))
	}
	if got := strings.Join(sys, " "); got != "m.c:false s.h:true q.h:true u.h:false" {
		t.Error(got)
	}
}

// TestGarbage: mutilated input never brings Preprocess down, and what it
// yields still says where it is from.
func TestGarbage(t *testing.T) {
	r := rand.New(rand.NewPCG(2, 3))
	dir := t.TempDir()
	for i := range 1000 {
		c := cases[r.IntN(len(cases))]
		src := []byte(c.src)
		for n := r.IntN(8); n >= 0 && len(src) > 2; n-- {
			a, b := r.IntN(len(src)), r.IntN(len(src))
			switch r.IntN(4) {
			case 0:
				src[a] = src[b]
			case 1:
				src[a] = "#()\n\\\"',\x00\xff/*"[r.IntN(12)]
			case 2:
				src = append(src[:min(a, b)], src[max(a, b):]...)
			case 3:
				src = append(src[:a:a], src[b:]...)
			}
			if len(src) > 4000 {
				src = src[:4000]
			}
		}
		set := source.NewSet()
		set.Add(filepath.Join(dir, "m.c"), src)
		for _, predef := range []string{"#define __STDC_VERSION__ 202000L\n#define __GNUC__ 12\n", "#define __STRICT_ANSI__ 1\n"} {
			u, err := Preprocess(&Config{Dir: dir, Predef: []byte(predef)}, set, "m.c", nil)
			if err != nil {
				t.Fatal(err)
			}
			if d := provenance(set, u); d != "" && !strings.Contains(d, "Exp does not end") {
				t.Errorf("round %d: %s\n%s", i, d, src)
			}
		}
	}
}
