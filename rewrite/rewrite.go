// Package rewrite turns the verdicts of the passes into a program that a
// framework can use: patched sources, generated glue, and the runtime beside them.
//
//	edit   byte-range edits of the user's files, diffs, writing a tree whole or not at all
//	track  where the update marks go
//	hook   packet boundaries, allocation, addresses
//	glue   generated C: tables and containers
package rewrite

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"sort"
	"strings"

	"saz/frontend/build"
	"saz/frontend/source"
	"saz/passes"
	"saz/passes/plan"
	"saz/passes/receive"
	"saz/passes/run"
	"saz/rewrite/edit"
	"saz/rewrite/glue"
	"saz/rewrite/hook"
	"saz/rewrite/track"
)

// Include is what stands at the top of each patched file, and PatchInclude what stands there in a patch without records of blocks.
const (
	Include      = "#include \"saz_rt.h\"\n"
	PatchInclude = "#include \"saz_marks.h\"\n"
)

// Options of Instrument.
type Options struct {
	NoPrune bool
	Exact   bool // a mark for each update, also of variables that most packets update (track/announce.go)
	Verify  bool // the runtime compares what is claimed with what happens: saz_rt/saz_verify.c
	Version string
}

// A Result is the instrumented program, not yet written.
type Result struct {
	Root    string            // the directory that Files are relative to
	Files   map[string][]byte // patched sources and headers, saz_glue.c, saz_rt/*, Makefile
	Diff    []byte            // of the user's own files, for patch -p1 in Root: all that Files has
	Patch   []byte            // the same without what records blocks, which only images need: marks, braces, packets' boundaries, an include a file
	Omitted [2]int            // from Patch: calls, static variables and functions
	Patched []string          // names in Files of the user's files that changed
	Changes []edit.Change     // the same, with both contents
	Marks   *track.Result
	Plan    *plan.Result

	edits map[string][2]int // of a file: marks, others
}

// Manifest is saz.json in the tree.
type Manifest struct {
	Schema  string       `json:"schema"`
	Program string       `json:"program"`
	Root    string       `json:"root"` // what the tree's names are relative to
	Version string       `json:"saz_version"`
	Sites   int          `json:"receive_sites"`
	Tracked int          `json:"tracked"`
	Always  int          `json:"announced"` // of these: with each packet, without marks
	Marks   int          `json:"marks"`
	Pruned  int          `json:"pruned"`
	Steps   []track.Step `json:"pruning"`       // marks left after each step
	Scratch int          `json:"scratch_marks"` // that per-packet scratch is spared
	Allocs  int          `json:"allocation_sites"`
	Patched []string     `json:"patched"`
}

// unchanged returns an error if a source is not what was compiled.
func unchanged(p *build.Program) error {
	for i := range p.Commands {
		cmd := &p.Commands[i]
		if !cmd.Changed() {
			continue
		}
		path := cmd.Path()
		if _, err := os.Stat(path); err != nil {
			return fmt.Errorf("%w; build again with saz-cc first", err)
		}
		for dir := filepath.Dir(path); dir != filepath.Dir(dir); dir = filepath.Dir(dir) {
			if _, err := os.Stat(filepath.Join(dir, edit.InPlaceDir)); err == nil {
				return fmt.Errorf("%s has changed since it was compiled: its directory is instrumented in place; saz restore %s brings the originals back", path, dir)
			}
		}
		return fmt.Errorf("%s has changed since it was compiled; build again with saz-cc first", path)
	}
	return nil
}

// Instrument rewrites the program of a.
func Instrument(a *run.Analysis, opt Options) (*Result, error) {
	c := a.Context
	if err := unchanged(a.Build); err != nil {
		return nil, err
	}
	if err := a.Need(plan.Pass); err != nil {
		return nil, err
	}
	for _, p := range glue.Requires {
		if err := a.Need(p); err != nil {
			return nil, err
		}
	}
	res := &Result{Files: map[string][]byte{}, edits: map[string][2]int{}}
	own := ownFiles(c)
	res.Root = root(a.Build, own)
	twice := readTwice(c)
	topt := track.Options{NoPrune: opt.NoPrune, Exact: opt.Exact || opt.Verify || c.Config.ExactMarks(), Editable: func(f source.FileID) bool { return own[f] != nil && !twice[f] }, Strict: strict(a)}

	namedVariables(c)
	topt.Threads = track.FindThreads(c, topt)
	set := edit.NewSet()
	var err error
	if res.Marks, err = track.Place(c, set, topt); err != nil {
		return nil, err
	}
	res.Plan = res.Marks.Plan
	tables := glue.Build(c, glue.Options{Version: opt.Version, Verify: opt.Verify, Marks: res.Marks})
	units, headers, err := hook.Place(c, set, tables.Statics(), res.Marks, topt)
	if err != nil {
		return nil, err
	}
	if err = res.patch(a, set); err != nil {
		return nil, err
	}
	if err = includes(a, set, units); err != nil {
		return nil, err
	}

	for _, f := range own {
		res.Files[res.name(f.Path)] = f.Data
	}
	var diff bytes.Buffer
	for _, f := range set.Files() {
		text, err := f.Apply()
		if err != nil {
			return nil, err
		}
		name := res.name(f.Path)
		res.Files[name] = text
		res.Patched = append(res.Patched, name)
		list, _ := f.Edits() // Apply has made them
		marks := bytes.Count(text, []byte("saz_updated[")) - bytes.Count(f.Orig, []byte("saz_updated["))
		others := 0
		for i := range list {
			if list[i].By != "update mark" {
				others++
			}
		}
		res.edits[name] = [2]int{marks, others}
		res.Changes = append(res.Changes, edit.Change{Name: name, Old: f.Orig, New: text})
		if err := f.Diff(&diff, name); err != nil {
			return nil, err
		}
	}
	res.Diff = diff.Bytes()
	gen, err := tables.Files()
	if err != nil {
		return nil, err
	}
	for name, text := range gen {
		res.Files[name] = text
	}
	for name, text := range headers {
		res.Files["saz_rt/"+name] = text
	}
	res.Files["Makefile"] = res.makefile(a.Build)
	manifest, err := json.MarshalIndent(Manifest{Schema: "saz.tree/1", Program: a.Build.Name, Root: res.Root, Version: opt.Version,
		Sites: len(receive.Of(c).Sites), Tracked: len(res.Plan.Vars), Always: res.Marks.Always, Marks: res.Marks.Placed, Pruned: len(res.Marks.Pruned),
		Steps: res.Marks.Steps, Scratch: res.Marks.Scratch, Allocs: len(res.Plan.Sites), Patched: append([]string{}, res.Patched...)}, "", "  ")
	if err != nil {
		return nil, err
	}
	res.Files["saz.json"] = append(manifest, '\n')
	return res, nil
}

// patch makes res.Patch. Who applies it goes on with the patched files as sources, so that their lines are those to be named: no #line.
func (r *Result) patch(a *run.Analysis, set *edit.Set) error {
	lean, left, err := set.Without(hook.Blocks)
	if err != nil {
		return err
	}
	for i := range left {
		switch {
		case strings.HasPrefix(left[i].New, " SAZ_STATIC"):
			r.Omitted[1]++
		case strings.HasPrefix(left[i].New, "saz_"):
			r.Omitted[0]++
		}
	}
	for _, u := range unitsThatSee(a.Context, lean) {
		e := edit.Edit{New: PatchInclude, Prio: -100, By: "header"}
		if at, ok := blankLine(u.Data); ok {
			e.Off, e.End, e.New = int32(at), int32(at), strings.TrimSuffix(PatchInclude, "\n")
		} else if bytes.HasPrefix(u.Data, bom) {
			e.Off, e.End = int32(len(bom)), int32(len(bom))
		}
		if err := lean.Add(u.Path, u.Data, e); err != nil {
			return err
		}
	}
	var out bytes.Buffer
	for _, f := range lean.Files() {
		if err := f.Diff(&out, r.name(f.Path)); err != nil {
			return err
		}
	}
	r.Patch = out.Bytes()
	return nil
}

// bom may stand at the start of a source, and nowhere else.
var bom = []byte("\xef\xbb\xbf")

// unitsThatSee are the sources of the units that read a file with an edit.
func unitsThatSee(c *passes.Context, set *edit.Set) []*source.File {
	changed := map[string]bool{}
	for _, f := range set.Files() {
		changed[f.Path] = true
	}
	var out []*source.File
	done := map[string]bool{}
	for _, u := range c.Prog.Units {
		main := u.AST.Cpp.Main
		need := false
		for _, f := range u.AST.Cpp.Includes {
			need = need || changed[f.Path]
		}
		if need && !done[main.Path] {
			done[main.Path] = true
			out = append(out, main)
		}
	}
	return out
}

// namedVariables warns of variables that assembly names.
func namedVariables(c *passes.Context) {
	if len(receive.Of(c).Sites) == 0 && !c.TrackAll {
		return
	}
	named := receive.Of(c).Asm
	for _, g := range c.Prog.Globals {
		if why, ok := named.Globals[g.ID]; ok {
			c.Sink.Add(source.Diagnostic{ID: "asm-variable", Severity: source.Warning, Pos: why.Pos,
				Msg:  fmt.Sprintf("assembly names %s here; if it writes it, no mark says so", g.Name),
				Hint: fmt.Sprintf("hand it over as an operand (\"+m\"(%s)), or write it in C", g.Name)})
		}
	}
}

// installed are the places of headers that no project owns, even where -I names
// one of them.
var installed = []string{"/usr/include/", "/usr/local/include/", "/usr/lib/", "/opt/"}

// ownFiles are the project's files: the sources, and the headers that are not
// the system's and share a directory with them, however far up.
func ownFiles(c *passes.Context) map[source.FileID]*source.File {
	own := map[source.FileID]*source.File{}
	var home string
	for _, u := range c.Prog.Units {
		main := u.AST.Cpp.Main
		own[main.ID] = main
		if home == "" {
			home = filepath.Dir(main.Path)
		}
		home = common(home, main.Path)
	}
	for _, u := range c.Prog.Units {
		for _, f := range u.AST.Cpp.Includes {
			// What calls itself a system header (#pragma GCC system_header) beside the sources is one of them.
			system := u.AST.Cpp.System[f.ID] && !strings.HasPrefix(f.Path, home+"/")
			if system || !filepath.IsAbs(f.Path) || common(home, f.Path) == "/" {
				continue
			}
			foreign := false
			for _, d := range installed {
				foreign = foreign || strings.HasPrefix(f.Path, d) && !strings.HasPrefix(home+"/", d)
			}
			if !foreign {
				own[f.ID] = f
			}
		}
	}
	return own
}

// common is the nearest directory at or above dir that path lies in.
func common(dir, path string) string {
	for dir != path && !strings.HasPrefix(path, strings.TrimSuffix(dir, "/")+"/") {
		dir = filepath.Dir(dir)
	}
	return dir
}

// strict says in which files a declaration behind a statement is complained of, in some unit at least.
func strict(a *run.Analysis) func(source.FileID) bool {
	units := map[string]bool{}
	for i := range a.Build.Commands {
		old, pedantic, asked := false, false, false
		for _, f := range a.Build.Commands[i].Args {
			switch {
			case f == "-Wdeclaration-after-statement" || f == "-Werror=declaration-after-statement":
				asked = true
			case f == "-Wno-declaration-after-statement":
				asked = false
			case f == "-pedantic", f == "-Wpedantic", f == "-pedantic-errors":
				pedantic = true
			case f == "-ansi":
				old = true
			case strings.HasPrefix(f, "-std="):
				old = slices.Contains([]string{"c89", "c90", "iso9899:1990", "iso9899:199409", "gnu89", "gnu90"}, f[len("-std="):])
			}
		}
		if asked || old && pedantic {
			units[a.Build.Commands[i].Path()] = true
		}
	}
	files := map[source.FileID]bool{}
	for _, u := range a.Context.Prog.Units {
		if units[u.AST.Cpp.Main.Path] {
			files[u.AST.Cpp.Main.ID] = true
			for _, f := range u.AST.Cpp.Includes {
				files[f.ID] = true
			}
		}
	}
	return func(f source.FileID) bool { return files[f] }
}

// readTwice are the files that some unit reads more than once (lists of
// X(...), templates by macros): what is inserted there would appear in each of its uses.
func readTwice(c *passes.Context) map[source.FileID]bool {
	out := map[source.FileID]bool{}
	for _, u := range c.Prog.Units {
		for _, f := range u.AST.Cpp.Reread {
			out[f] = true
		}
	}
	return out
}

// root is the directory that the tree's names are relative to: that of the
// compile commands if all files lie below it, otherwise the nearest above all.
func root(p *build.Program, own map[source.FileID]*source.File) string {
	dir := p.Commands[0].Dir
	for i := range p.Commands {
		dir = common(dir, p.Commands[i].Dir)
	}
	paths := make([]string, 0, len(own))
	for _, f := range own {
		paths = append(paths, f.Path)
	}
	sort.Strings(paths)
	for _, f := range paths {
		dir = common(dir, f)
	}
	return dir
}

func (r *Result) name(path string) string {
	rel, err := filepath.Rel(r.Root, path)
	if err != nil {
		return strings.TrimPrefix(path, "/")
	}
	return filepath.ToSlash(rel)
}

// includes puts the runtime's header at the top of each unit that sees an edit: into an empty
// line, or else on a line of its own with a #line behind it, which keeps the numbers of all lines after it,
// and the name by which the compiler was given the file: __FILE__ and the debug information go by it.
func includes(a *run.Analysis, set *edit.Set, units map[string]string) error {
	named := map[string]string{}
	for i := range a.Build.Commands {
		if cmd := &a.Build.Commands[i]; named[cmd.Path()] == "" {
			named[cmd.Path()] = cmd.File
		}
	}
	for _, main := range unitsThatSee(a.Context, set) {
		include := Include
		if name := units[main.Path]; name != "" { // which includes the other
			include = strings.Replace(Include, "saz_rt.h", name, 1)
		}
		if at, ok := blankLine(main.Data); ok {
			e := edit.Edit{Off: int32(at), End: int32(at), New: strings.TrimSuffix(include, "\n"), Prio: -100, By: "header"}
			if err := set.Add(main.Path, main.Data, e); err != nil {
				return err
			}
			continue
		}
		name := named[main.Path]
		if name == "" {
			name = filepath.Base(main.Path)
		}
		start := int32(0)
		if bytes.HasPrefix(main.Data, bom) {
			start = int32(len(bom))
		}
		if err := set.Add(main.Path, main.Data, edit.Edit{Off: start, End: start, New: include + "#line 1 " + quote(name) + "\n", Prio: -100, By: "header"}); err != nil {
			return err
		}
	}
	return nil
}

func quote(s string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(s) + `"`
}

// makefile builds the instrumented program with the recorded flags.
func (r *Result) makefile(p *build.Program) []byte {
	var b bytes.Buffer
	name := p.Name
	if name == "" {
		name = "a.out"
	}
	fmt.Fprintf(&b, "# Written by saz: builds %s, instrumented, with the flags that were recorded.\n", name)
	cc := "cc"
	if len(p.Commands) > 0 {
		cc = p.Commands[0].Args[0]
	}
	fmt.Fprintf(&b, "CC = %s\nSAZ := $(CURDIR)\nROOT := %s\nLIBS = %s\n\n", cc, makeQuote(r.Root), makeQuote(shellWords(p.Link)))
	var objs []string
	var rules bytes.Buffer
	for i := range p.Commands {
		cmd := &p.Commands[i]
		obj := fmt.Sprintf("saz_obj/%d-%s.o", i, strings.TrimSuffix(filepath.Base(cmd.File), filepath.Ext(cmd.File)))
		objs = append(objs, obj)
		src := r.name(cmd.Path())
		fmt.Fprintf(&rules, "%s: %s | saz_obj\n\tcd %s && $(CC) %s -I'$(SAZ)/saz_rt' -c -o '$(SAZ)/%s' %s\n\n",
			obj, src, r.dirIn(cmd.Dir), makeQuote(shellWords(r.flags(cmd))), obj, makeQuote(shellWord(r.within(cmd.Dir, cmd.Path()))))
	}
	fmt.Fprintf(&b, "RT := $(patsubst saz_rt/%%.c,saz_obj/%%.o,$(wildcard saz_rt/*.c))\n")
	fmt.Fprintf(&b, "OBJS = %s saz_obj/saz_glue.o $(RT)\n\n", strings.Join(objs, " \\\n  "))
	fmt.Fprintf(&b, "%s: $(OBJS)\n\t$(CC) -o $@ $(OBJS) $(LDFLAGS) $(LIBS) -pthread\n\n", name)
	fmt.Fprintf(&b, "saz_obj/saz_glue.o: saz_glue.c | saz_obj\n\t$(CC) -O2 -g -Isaz_rt -c -o $@ $<\n\n")
	fmt.Fprintf(&b, "saz_obj/%%.o: saz_rt/%%.c | saz_obj\n\t$(CC) -O2 -g -Isaz_rt -c -o $@ $<\n\n")
	fmt.Fprintf(&b, "saz_obj:\n\tmkdir -p $@\n\n%sclean:\n\trm -rf saz_obj %s\n\n.PHONY: clean\n", rules.String(), name)
	return b.Bytes()
}

// dirIn is the directory in the tree that stands for a command's, for a shell.
func (r *Result) dirIn(dir string) string {
	rel := r.name(dir)
	if strings.HasPrefix(rel, "..") {
		rel = "."
	}
	return makeQuote(shellWord("$(SAZ)/" + rel))
}

// within names path as seen from the tree's copy of dir.
func (r *Result) within(dir, path string) string {
	from := filepath.Join("/", r.name(dir))
	rel, err := filepath.Rel(from, filepath.Join("/", r.name(path)))
	if err != nil {
		return path
	}
	return rel
}

// flags are a command's, without its source, output and dependency files;
// directories inside the project point into the tree, others stay absolute.
func (r *Result) flags(cmd *build.Command) []string {
	var out []string
	dirFlag := map[string]bool{"-I": true, "-iquote": true, "-isystem": true, "-idirafter": true, "-include": true, "-imacros": true}
	place := func(d string) string {
		abs := d
		if !filepath.IsAbs(abs) {
			abs = filepath.Join(cmd.Dir, d)
		}
		abs = filepath.Clean(abs)
		if abs == r.Root || strings.HasPrefix(abs, strings.TrimSuffix(r.Root, "/")+"/") {
			return "$(SAZ)/" + r.name(abs)
		}
		return abs
	}
	args := cmd.Args[1:]
	for i := 0; i < len(args); i++ {
		a := args[i]
		switch {
		case a == cmd.File, a == "-c", a == "-MD", a == "-MMD", a == "-MP", a == "-MG", strings.HasPrefix(a, "-Wp,-M"):
		case a == "-o" || a == "-MF" || a == "-MT" || a == "-MQ":
			i++
		case strings.HasPrefix(a, "-o") && a != "-o", strings.HasPrefix(a, "-MF"), strings.HasPrefix(a, "-MT"), strings.HasPrefix(a, "-MQ"):
		case strings.HasPrefix(a, "-l"), strings.HasPrefix(a, "-L"), strings.HasPrefix(a, "-Wl,"):
		case !strings.HasPrefix(a, "-") && isInput(a):
		case dirFlag[a] && i+1 < len(args):
			i++
			out = append(out, a, place(args[i]))
		case strings.HasPrefix(a, "-I") && len(a) > 2:
			out = append(out, "-I"+place(a[2:]))
		default:
			out = append(out, a)
		}
	}
	return out
}

func isInput(a string) bool {
	switch filepath.Ext(a) {
	case ".c", ".o", ".a", ".so", ".lo", ".s", ".S", ".i":
		return true
	}
	return false
}

// shellWord quotes for the shell; $(SAZ) stays make's.
func shellWord(s string) string {
	if s != "" && strings.IndexFunc(s, func(c rune) bool {
		return !(c == '_' || c == '-' || c == '.' || c == '/' || c == '=' || c == ',' || c == '+' || c == ':' || c == '@' || c == '%' ||
			c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z')
	}) < 0 {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}

func shellWords(list []string) string {
	out := make([]string, len(list))
	for i, s := range list {
		out[i] = shellWord(s)
	}
	return strings.Join(out, " ")
}

// makeQuote keeps $ and # from make, but for $(SAZ), which is ours.
func makeQuote(s string) string {
	s = strings.ReplaceAll(s, "$", "$$")
	s = strings.ReplaceAll(s, "$$(SAZ)", "$(SAZ)")
	return strings.ReplaceAll(s, "#", `\#`)
}
