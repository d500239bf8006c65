// Command oracle asks the real compiler whether the frontend reads a program
// as it does. It takes what saz takes: a binary built with saz-cc, an object, a
// compile_commands.json, or FILE.c... -- FLAGS; with -headers, the names of Debian packages,
// whose headers are then taken one by one, those that the compiler ($CC, or gcc) accepts alone.
//
// For each translation unit:
//
//	tokens  the stream of tokens equals that of the compiler's -E, in spelling and
//	        order, and each token that has a place in a file is spelt there
//	types   the unit's text with _Static_asserts between its tokens compiles:
//	        sizes, alignments, offsets, enumerators, the types of expressions
//	parens  the unit's text with parentheses around every expression of the
//	        trees compiles to the same assembly as without
//
// It prints one line a difference and a summary, and exits with 1 if there was one.
package main

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"saz/frontend/build"
	"saz/frontend/check"
	"saz/frontend/cpp"
	"saz/frontend/source"
	"saz/frontend/syntax"
)

// An oracle is one run.
type oracle struct {
	what   map[string]bool
	every  int
	keep   string
	files  *source.Set
	tokens *cpp.Cache
	trees  syntax.Cache

	mu    sync.Mutex
	count counts
}

// counts are what the summary says.
type counts struct {
	units, refused, tokens, placed, asserts, parens, errors, differences atomic.Int64
}

func main() {
	o := &oracle{what: map[string]bool{}, files: source.NewSet(), tokens: cpp.NewCache()}
	what := flag.String("what", "tokens,types,parens", "which `comparisons` to make")
	headers := flag.Bool("headers", false, "the arguments are names of Debian packages")
	jobs := flag.Int("j", runtime.GOMAXPROCS(0), "how many units at a time")
	nth := flag.Int("nth", 1, "take each `N`th unit only")
	flag.IntVar(&o.every, "every", 10, "assert the type of each `N`th expression")
	flag.StringVar(&o.keep, "keep", "", "keep the texts that the compiler refuses in `DIR`")
	flag.Parse()
	for w := range strings.SplitSeq(*what, ",") {
		o.what[w] = true
	}
	cmds, err := commands(*headers, flag.Args())
	if err != nil {
		fmt.Fprintln(os.Stderr, "oracle:", err)
		os.Exit(2)
	}
	start := time.Now()
	var g errgroup.Group
	g.SetLimit(max(*jobs, 1))
	for i := 0; i < len(cmds); i += *nth {
		g.Go(func() error {
			o.unit(&cmds[i], *headers)
			return nil
		})
	}
	g.Wait()
	c := &o.count
	fmt.Printf("%d units (%d that the compiler refuses left out): %d tokens, %d of them found at their places; %d assertions; %d parentheses; %d errors; %d differences; %.0f s\n",
		c.units.Load(), c.refused.Load(), c.tokens.Load(), c.placed.Load(), c.asserts.Load(), c.parens.Load(), c.errors.Load(), c.differences.Load(), time.Since(start).Seconds())
	if c.differences.Load()+c.errors.Load() > 0 {
		os.Exit(1)
	}
}

// commands are the compilations to look at.
func commands(headers bool, args []string) ([]build.Command, error) {
	if headers {
		return headerCommands(args)
	}
	var flags []string
	if i := slices.Index(args, "--"); i >= 0 {
		args, flags = args[:i], args[i+1:]
	}
	p, err := build.Load(args, flags)
	if err != nil {
		return nil, err
	}
	return p.Commands, nil
}

// headerCommands makes one source for each header of the packages.
func headerCommands(packages []string) ([]build.Command, error) {
	dir, err := os.MkdirTemp("", "headers")
	if err != nil {
		return nil, err
	}
	list, err := exec.Command("dpkg", append([]string{"-L"}, packages...)...).Output()
	if err != nil {
		return nil, fmt.Errorf("dpkg -L: %w", err)
	}
	cc := os.Getenv("CC")
	if cc == "" {
		cc = "gcc"
	}
	var cmds []build.Command
	for h := range strings.Lines(string(list)) {
		h = strings.TrimSpace(h)
		if !strings.HasSuffix(h, ".h") || strings.HasPrefix(h, "/usr/share") {
			continue
		}
		name := strings.ReplaceAll(strings.Trim(h, "/"), "/", "_") + ".c"
		if err := os.WriteFile(filepath.Join(dir, name), []byte("#include \""+h+"\"\n"), 0o666); err != nil {
			return nil, err
		}
		cmds = append(cmds, build.Command{Dir: dir, Args: []string{cc, "-c", name}, File: name})
	}
	return cmds, nil
}

// unit makes the comparisons on one unit. alone: leave it out if the compiler
// refuses it.
func (o *oracle) unit(cmd *build.Command, alone bool) {
	text, err := compiler(cmd, nil, "-E")
	if err == nil && alone {
		_, err = compiler(cmd, nil, "-fsyntax-only")
	}
	if err != nil {
		o.count.refused.Add(1)
		if !alone {
			o.report(cmd, "the compiler refuses it: %v", err)
		}
		return
	}
	o.count.units.Add(1)
	sink := &source.Sink{}
	var cfg *cpp.Config
	tc, err := cmd.Toolchain()
	if err == nil {
		cfg, err = cmd.Config(tc)
	}
	var u *cpp.Unit
	if err == nil {
		cfg.Cache = o.tokens
		u, err = cpp.Preprocess(cfg, o.files, cmd.File, sink)
	}
	if err != nil {
		o.report(cmd, "%v", err)
		return
	}
	if o.what["tokens"] {
		o.stream(cmd, u, cpp.Spellings(text, cfg))
		o.places(cmd, u)
	}
	if !o.what["types"] && !o.what["parens"] {
		o.errors(cmd, sink)
		return
	}
	tree := o.trees.Parse(u, sink)
	if o.what["parens"] {
		o.parens(cmd, tree)
	}
	if o.what["types"] {
		unit := check.Check(tree, o.files, sink)
		asserts, n := check.Asserts(unit, o.every)
		o.count.asserts.Add(int64(n))
		if _, err := compiler(cmd, asserts, "-fsyntax-only"); err != nil {
			o.report(cmd, "types: %v", err)
			o.save(cmd, "types", asserts)
		}
	}
	o.errors(cmd, sink)
}

func (o *oracle) errors(cmd *build.Command, sink *source.Sink) {
	for _, d := range sink.Sorted(o.files) {
		if d.Severity == source.Error {
			o.count.errors.Add(1)
			o.mu.Lock()
			fmt.Printf("%s: ", cmd.File)
			source.Render(os.Stdout, o.files, d, false)
			o.mu.Unlock()
		}
	}
}

func (o *oracle) report(cmd *build.Command, format string, args ...any) {
	o.count.differences.Add(1)
	o.mu.Lock()
	defer o.mu.Unlock()
	fmt.Printf("%s: %s\n", cmd.File, fmt.Sprintf(format, args...))
}

func (o *oracle) save(cmd *build.Command, what string, text []byte) {
	if o.keep != "" {
		name := strings.ReplaceAll(strings.Trim(cmd.Path(), "/"), "/", "_")
		os.WriteFile(filepath.Join(o.keep, name+"."+what+".i"), text, 0o666)
	}
}

// stream compares the tokens with the compiler's -E output.
func (o *oracle) stream(cmd *build.Command, u *cpp.Unit, want []string) {
	o.count.tokens.Add(int64(len(want)))
	for i := 0; i < len(u.Tokens) || i < len(want); i++ {
		if i < len(u.Tokens) && i < len(want) && u.Tokens[i].Text == want[i] {
			continue
		}
		var got []string
		lo, hi := max(0, i-5), i+5
		for k := lo; k < min(hi, len(u.Tokens)); k++ {
			got = append(got, u.Tokens[k].Text)
		}
		place := source.Place{}
		if i < len(u.Tokens) {
			place = o.files.Place(u.Tokens[i].Exp)
		}
		o.report(cmd, "tokens: %d of %d (the compiler has %d) differs, at %v\n\tgot  %s\n\twant %s", i, len(u.Tokens), len(want), place,
			strings.Join(got, " "), strings.Join(want[min(lo, len(want)):min(hi, len(want))], " "))
		return
	}
}

// places looks whether each token is spelt where it is said to be.
func (o *oracle) places(cmd *build.Command, u *cpp.Unit) {
	for i := range u.Tokens {
		t := &u.Tokens[i]
		if !t.Spell.IsValid() {
			continue
		}
		data := o.files.File(t.Spell.File).Data
		if int(t.Spell.Off) >= len(data) || !bytes.HasPrefix(data[t.Spell.Off:], []byte(t.Text)) && !spliced(data[t.Spell.Off:], t.Text) {
			o.report(cmd, "tokens: %d, %q, is not at %v", i, t.Text, o.files.Place(t.Spell))
			return
		}
		o.count.placed.Add(1)
	}
}

// spliced reports whether text begins data when lines that end in a backslash
// are joined.
func spliced(data []byte, text string) bool {
	for text != "" {
		switch {
		case len(data) == 0:
			return false
		case data[0] == text[0]:
			data, text = data[1:], text[1:]
		case bytes.HasPrefix(data, []byte("\\\n")):
			data = data[2:]
		case bytes.HasPrefix(data, []byte("\\\r\n")):
			data = data[3:]
		default:
			return false
		}
	}
	return true
}

// parens compares the assembly with and without parentheses.
func (o *oracle) parens(cmd *build.Command, t *syntax.Tree) {
	plain, with, n := syntax.Parenthesise(t)
	o.count.parens.Add(int64(n))
	a, err := compiler(cmd, plain, "-S", "-O1")
	if err != nil {
		o.report(cmd, "parens: the plain text: %v", err)
		o.save(cmd, "plain", plain)
		return
	}
	b, err := compiler(cmd, with, "-S", "-O1")
	if err != nil {
		o.report(cmd, "parens: the text with parentheses: %v", err)
	} else if !bytes.Equal(a, b) {
		o.report(cmd, "parens: the text with parentheses is another program: %s", firstDifference(a, b))
	} else {
		return
	}
	o.save(cmd, "plain", plain)
	o.save(cmd, "parens", with)
}

func firstDifference(a, b []byte) string {
	in := ""
	la, lb := strings.Split(string(a), "\n"), strings.Split(string(b), "\n")
	for i := range la {
		if i >= len(lb) || la[i] != lb[i] {
			return fmt.Sprintf("in %s: %q", in, la[i])
		}
		if s := la[i]; strings.HasSuffix(s, ":") && !strings.HasPrefix(s, ".") {
			in = s
		}
	}
	return "at the end"
}

// compiler runs the unit's own compiler with its own flags, but for what it is
// to produce: that is in mode, and comes back. text is preprocessed C that it
// reads instead of the file; nil for the file.
func compiler(cmd *build.Command, text []byte, mode ...string) ([]byte, error) {
	opt, err := build.ParseArgs(cmd.Args, cmd.Dir)
	if err != nil {
		return nil, err
	}
	args := append(flagsOf(opt, text != nil), mode...)
	args = append(args, "-w", "-o", "-")
	if text != nil {
		args = append(args, "-x", "cpp-output", "-")
	} else {
		args = append(args, cmd.File)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Minute)
	defer cancel()
	run := exec.CommandContext(ctx, opt.Compiler, args...)
	run.Dir = cmd.Dir
	run.Env = append(os.Environ(), cmd.Env...)
	if text != nil {
		run.Stdin = bytes.NewReader(text)
	}
	var errs bytes.Buffer
	run.Stderr = &errs
	out, err := run.Output()
	if err != nil {
		msg := errs.String()
		if len(msg) > 1500 {
			msg = msg[:1500] + " ..."
		}
		return nil, fmt.Errorf("%v\n%s", err, msg)
	}
	return out, nil
}

// dropped are the flags that say what to produce, and with an argument, that
// have one; preprocessing is the flags that preprocessed text has done with.
var (
	dropped       = map[string]bool{"-c": true, "-S": true, "-E": true, "-M": true, "-MM": true, "-MD": true, "-MMD": true, "-MP": true, "-MG": true, "-pipe": true, "-save-temps": true}
	droppedArg    = map[string]bool{"-o": true, "-MF": true, "-MT": true, "-MQ": true, "-MJ": true, "-x": true, "-l": true, "-L": true}
	preprocessing = map[string]bool{"-I": true, "-D": true, "-U": true, "-include": true, "-imacros": true, "-iquote": true, "-isystem": true, "-idirafter": true}
)

// flagsOf are the flags of a command that matter here.
func flagsOf(opt *build.Options, preprocessed bool) []string {
	args := opt.Args[len(opt.Launcher)+1:]
	inputs := map[string]bool{}
	for _, in := range opt.Inputs {
		inputs[in.Name] = true
	}
	var out []string
	for i := 0; i < len(args); i++ {
		a := args[i]
		prefix := func(list ...string) bool {
			return slices.ContainsFunc(list, func(p string) bool { return strings.HasPrefix(a, p) })
		}
		switch {
		case droppedArg[a], preprocessed && preprocessing[a]:
			i++
		case inputs[a], dropped[a], a == "--",
			prefix("-Wp,-M", "-o", "-g", "-flto", "-l", "-L", "-Wl,", "-save-temps", "-fdiagnostics", "-Werror", "-pedantic-errors"),
			preprocessed && prefix("-I", "-D", "-U", "-iquote", "-isystem", "-Wp,-D", "-Wp,-U"):
		default:
			out = append(out, a)
		}
	}
	return out
}
