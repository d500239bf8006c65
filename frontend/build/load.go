package build

import (
	"bytes"
	"debug/elf"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sort"
	"strings"
)

// Problem says why Load could not make a program of what the user named.
type Problem uint8

// The problems.
const (
	NotFound    Problem = iota // the target does not exist
	Unreadable                 // it exists and cannot be read, or is damaged
	NoRecords                  // a binary that saz-cc did not build
	NoC                        // nothing in it is C
	BadDatabase                // a compile_commands.json that is not one
	UnknownKind                // neither a binary, an archive, a database nor C
	Several                    // targets that do not make up one program
	NoSources                  // the recorded sources are not on this machine
	BadUsage                   // flags where none are possible, and the like
)

// A LoadError is a target that cannot be used, and what to do about it.
type LoadError struct {
	Problem Problem
	Target  string
	Msg     string
	Hint    string
	Err     error // the cause, if there is one
}

func (e *LoadError) Error() string {
	if e.Target == "" {
		return e.Msg
	}
	return e.Target + ": " + e.Msg
}

func (e *LoadError) Unwrap() error { return e.Err }

// DatabaseName is the usual name of a compilation database.
const DatabaseName = "compile_commands.json"

func absIn(dir, name string) string {
	if filepath.IsAbs(name) {
		return filepath.Clean(name)
	}
	return filepath.Join(dir, name)
}

// Load finds out how the target was compiled. Target is one of
//
//   - a linked program or shared object, or objects and archives, built by saz-cc
//   - a compilation database, or a directory with one in it
//   - C sources, compiled by $CC (or cc) with flags
//
// flags is only for C sources.
func Load(target []string, flags []string) (*Program, error) {
	if len(target) == 0 {
		return nil, &LoadError{Problem: BadUsage, Msg: "no target",
			Hint: "name a program built with saz-cc, a compile_commands.json, or C files"}
	}
	sources := 0
	for _, t := range target {
		if langOf(t, "").IsC() {
			sources++
		}
	}
	switch {
	case sources == len(target):
		return loadSources(target, flags)
	case sources > 0:
		return nil, &LoadError{Problem: Several, Msg: "C files together with " + firstOther(target) + " do not make up one target",
			Hint: "name either C files or a built program"}
	case len(flags) > 0:
		return nil, &LoadError{Problem: BadUsage, Target: target[0], Msg: "compiler flags are only for C files: a built program and a database bring their own"}
	}

	var parts []*part
	for _, t := range target {
		p, err := loadPart(t)
		if err != nil {
			return nil, err
		}
		parts = append(parts, p)
	}
	prog := &Program{Name: programName(target[0]), Target: strings.Join(target, " ")}
	if len(parts) > 1 {
		for _, p := range parts {
			if p.whole {
				return nil, &LoadError{Problem: Several, Msg: fmt.Sprintf("%s and %s are two programs", target[0], other(target, parts)),
					Hint: "analyse one program at a time; several targets are for the objects and archives of one program"}
			}
		}
	}
	skipped := map[string]int{}
	for _, p := range parts {
		prog.Commands = append(prog.Commands, p.commands...)
		prog.Link = append(prog.Link, p.link...)
		prog.Notes = append(prog.Notes, p.notes...)
		for k, n := range p.skipped {
			skipped[k] += n
		}
	}
	prog.Commands = dedup(prog.Commands)
	prog.Notes = append(prog.Notes, skipNotes(skipped)...)
	if len(prog.Commands) == 0 {
		return nil, &LoadError{Problem: NoC, Target: prog.Target, Msg: "it was not compiled from any C source",
			Hint: strings.Join(prog.Notes, "; ")}
	}
	return prog, present(prog)
}

func firstOther(target []string) string {
	for _, t := range target {
		if !langOf(t, "").IsC() {
			return t
		}
	}
	return ""
}

// other names a target besides the first one, preferring a whole program.
func other(target []string, parts []*part) string {
	for i := 1; i < len(parts); i++ {
		if parts[i].whole {
			return target[i]
		}
	}
	return target[1]
}

// present is an error if not one of the sources can be found.
func present(p *Program) error {
	missing := ""
	for i := range p.Commands {
		path := p.Commands[i].Path()
		if exists(path) {
			return nil
		}
		missing = path
	}
	return &LoadError{Problem: NoSources, Target: p.Target, Msg: "none of its sources is where it was compiled: " + missing,
		Hint: "it was built in another place or from a directory that is gone: build it again here with saz-cc"}
}

func programName(target string) string {
	abs, err := filepath.Abs(target)
	if err != nil {
		abs = target
	}
	name := filepath.Base(abs)
	if name == DatabaseName {
		name = filepath.Base(filepath.Dir(abs))
	}
	if ext := filepath.Ext(name); ext != "" && strings.Trim(name, ".") != strings.Trim(ext, ".") {
		switch ext {
		case ".c", ".i", ".o", ".a", ".so", ".lo", ".la", ".exe", ".elf", ".json":
			name = strings.TrimSuffix(name, ext)
		}
	}
	return name
}

// part is what one target contributes.
type part struct {
	commands []Command
	link     []string
	notes    []string
	skipped  map[string]int // sources that are not C, by language
	whole    bool           // a program, not a piece of one
}

func skipNotes(skipped map[string]int) []string {
	var langs []string
	for l := range skipped {
		langs = append(langs, l)
	}
	sort.Strings(langs)
	var out []string
	for _, l := range langs {
		out = append(out, fmt.Sprintf("%d source(s) not in C (%s) are not analysed", skipped[l], l))
	}
	return out
}

func loadPart(target string) (*part, error) {
	st, err := os.Stat(target)
	if err != nil {
		return nil, fileError(target, err)
	}
	if st.IsDir() {
		db := filepath.Join(target, DatabaseName)
		if !exists(db) {
			return nil, &LoadError{Problem: NotFound, Target: target, Msg: "there is no " + DatabaseName + " in this directory",
				Hint: `name the program instead, built with: make CC="saz-cc gcc"`}
		}
		return loadDatabase(db)
	}
	if !st.Mode().IsRegular() {
		return nil, &LoadError{Problem: UnknownKind, Target: target, Msg: "not a regular file"}
	}
	if strings.HasSuffix(target, ".json") {
		return loadDatabase(target)
	}
	rec, err := ReadRecords(target)
	if errors.Is(err, errFormat) {
		if looksLikeDatabase(target) {
			return loadDatabase(target)
		}
		e := &LoadError{Problem: UnknownKind, Target: target,
			Msg: "neither a program, an object, an archive, a " + DatabaseName + " nor a C file"}
		if script(target) {
			e.Msg = "a script, not a program"
			e.Hint = "libtool puts the program itself into .libs/"
			if real := filepath.Join(filepath.Dir(target), ".libs", filepath.Base(target)); exists(real) {
				e.Hint = "libtool puts the program itself into .libs/: name " + real
			}
		}
		return nil, e
	}
	if err != nil {
		var pe *fs.PathError
		if errors.As(err, &pe) {
			return nil, fileError(target, err)
		}
		return nil, &LoadError{Problem: Unreadable, Target: target, Msg: "damaged: " + strings.TrimPrefix(err.Error(), target+": "), Err: err}
	}
	return fromRecords(target, rec)
}

func fileError(target string, err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return &LoadError{Problem: NotFound, Target: target, Msg: "no such file or directory", Err: err}
	}
	var pe *fs.PathError
	msg := err.Error()
	if errors.As(err, &pe) {
		msg = pe.Err.Error()
	}
	return &LoadError{Problem: Unreadable, Target: target, Msg: msg, Err: err}
}

func script(path string) bool {
	data, _ := head(path, 2)
	return string(data) == "#!"
}

func looksLikeDatabase(path string) bool {
	data, _ := head(path, 256)
	return bytes.HasPrefix(bytes.TrimSpace(data), []byte("["))
}

func head(path string, n int) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	buf := make([]byte, n)
	m, err := f.ReadAt(buf, 0)
	return buf[:m], err
}

func fromRecords(target string, rec *Recorded) (*part, error) {
	p := &part{skipped: map[string]int{}, whole: rec.Type == elf.ET_EXEC || rec.Type == elf.ET_DYN}
	var compiles []Record
	var link *Record
	for i := range rec.Records {
		switch r := &rec.Records[i]; r.Kind {
		case KindCompile:
			compiles = append(compiles, *r)
		case KindLink:
			// That of the file itself comes last; those of the -r objects in
			// it came with their sections.
			if r.What != "object" || rec.Type == elf.ET_REL {
				link = r
			}
		case KindOther:
			p.skipped[r.What]++
		}
	}
	if rec.Bad > 0 {
		p.notes = append(p.notes, fmt.Sprintf("%s: %d record(s) could not be read: written by a newer saz-cc?", target, rec.Bad))
	}
	if len(compiles) == 0 {
		what := map[bool]string{true: "archive", false: "object file"}[rec.Type == elf.ET_NONE]
		if p.whole {
			what = "program"
		}
		e := &LoadError{Problem: NoRecords, Target: target, Msg: "this " + what + " was not built with saz-cc, so it does not say from which sources",
			Hint: `build it again from clean: make clean && make CC="saz-cc gcc"`}
		switch {
		case link != nil:
			e.Msg = "it was linked by saz-cc, but none of its objects was compiled by it"
			e.Hint = `its objects are from an earlier build: make clean && make CC="saz-cc gcc"`
		case rec.Bad > 0:
			e.Msg = "its records cannot be read: they were written by a newer saz-cc"
			e.Hint = "use the saz that belongs to that saz-cc"
		case rec.Type == elf.ET_NONE && rec.Members == 0:
			e.Msg = "there is no object in this archive"
			e.Hint = ""
		}
		return nil, e
	}
	if link != nil {
		compiles = linkOrder(compiles, link)
		p.link = linkNeeds(link)
	}
	for _, r := range compiles {
		p.commands = append(p.commands, Command{
			Dir: r.Dir, Args: r.Args, File: r.File, Output: r.Output, CC: r.CC, Sum: r.Sum, Env: r.Env,
		})
	}
	return p, nil
}

// linkOrder puts sources that the link command compiled itself, whose records
// could only be added after the link, among the objects where they stood.
func linkOrder(records []Record, link *Record) []Record {
	out := absIn(link.Dir, link.Output)
	at := map[string]int{}
	for i := len(link.Inputs) - 1; i >= 0; i-- {
		at[absIn(link.Dir, link.Inputs[i])] = i
	}
	type keyed struct {
		r   Record
		key int
	}
	list := make([]keyed, len(records))
	last := -1
	for i, r := range records {
		obj := absIn(r.Dir, r.Output)
		if obj == out {
			if k, ok := at[absIn(r.Dir, r.File)]; ok {
				list[i] = keyed{r, k}
				continue
			}
		}
		// A member of an archive, or a file that was renamed, stays behind
		// the one before it: the section is in link order.
		if k, ok := at[obj]; ok && k > last {
			last = k
		}
		list[i] = keyed{r, last}
	}
	sort.SliceStable(list, func(i, j int) bool { return list[i].key < list[j].key })
	sorted := make([]Record, len(list))
	for i := range list {
		sorted[i] = list[i].r
	}
	return sorted
}

// linkNeeds returns what a new link of the program needs besides its C sources:
// the libraries and flags, and the objects and archives about which nothing is
// recorded. Names are absolute, for the new link happens elsewhere.
func linkNeeds(link *Record) []string {
	var out []string
	for _, in := range link.Inputs {
		if langOf(in, "") != LangLink {
			continue
		}
		path := absIn(link.Dir, in)
		if rec, err := ReadRecords(path); err == nil && len(rec.Records) == 0 {
			out = append(out, path)
		}
	}
	for i := 0; i < len(link.Args); i++ {
		a := link.Args[i]
		if v, ok := strings.CutPrefix(a, "-L"); ok && v != "" {
			a = "-L" + absIn(link.Dir, v)
		} else if (a == "-L" || a == "-T") && i+1 < len(link.Args) {
			i++
			a += absIn(link.Dir, link.Args[i])
		}
		out = append(out, a)
	}
	return out
}

// dedup drops commands that say the same. That includes a source that was
// compiled twice for two kinds of object, as libtool does for a static and a
// shared library: a program can hold only one of them.
func dedup(list []Command) []Command {
	seen := map[string]bool{}
	out := list[:0]
	for _, c := range list {
		key := c.Path() + "\x00" + c.Dir + "\x00" + strings.Join(essence(c.Args), "\x00") + "\x00" + strings.Join(c.Env, "\x00")
		if !seen[key] {
			seen[key] = true
			out = append(out, c)
		}
	}
	return out
}

// essence returns args without what differs between two compilations of a
// source to the same code.
func essence(args []string) []string {
	var out []string
	for i := 0; i < len(args); i++ {
		a := args[i]
		switch a {
		case "-fPIC", "-fpic", "-fPIE", "-fpie", "-DPIC", "-MD", "-MMD", "-MP":
			continue
		}
		if strings.HasPrefix(a, "-Wp,-MD,") || strings.HasPrefix(a, "-Wp,-MMD,") {
			continue
		}
		if o, _, has := lookup(a); len(a) > 1 && a[0] == '-' && o != nil {
			switch o.name {
			case "-o", "--output", "-MF", "-MT", "-MQ", "-MJ":
				if !has {
					i++
				}
				continue
			}
		}
		out = append(out, a)
	}
	return out
}

func loadSources(files, flags []string) (*Program, error) {
	dir, err := os.Getwd()
	if err != nil {
		return nil, err
	}
	cc := strings.Fields(os.Getenv("CC"))
	if len(cc) == 0 {
		cc = []string{"cc"}
	}
	// On their own first: an option without its argument would take -c.
	if _, err := ParseArgs(append(append([]string(nil), cc...), flags...), dir); err != nil {
		return nil, &LoadError{Problem: BadUsage, Msg: err.Error(), Err: err}
	}
	p := &Program{Name: programName(files[0]), Target: strings.Join(files, " ")}
	for _, f := range files {
		if st, err := os.Stat(f); err != nil {
			return nil, fileError(f, err)
		} else if st.IsDir() {
			return nil, &LoadError{Problem: UnknownKind, Target: f, Msg: "a directory"}
		}
		args := append(append(append([]string(nil), cc...), flags...), "-c", f)
		o, err := ParseArgs(args, dir)
		if err != nil {
			return nil, &LoadError{Problem: BadUsage, Msg: err.Error(), Err: err}
		}
		if p.Link == nil {
			p.Link = o.LinkArgs
		}
		p.Commands = append(p.Commands, Command{Dir: dir, Args: o.Args, File: f})
	}
	p.Commands = dedup(p.Commands)
	return p, nil
}

// entry is one element of a compilation database.
type entry struct {
	Directory string   `json:"directory"`
	File      string   `json:"file"`
	Arguments []string `json:"arguments,omitempty"`
	Command   string   `json:"command,omitempty"`
	Output    string   `json:"output,omitempty"`
}

func loadDatabase(path string) (*part, error) {
	bad := func(format string, args ...any) error {
		return &LoadError{Problem: BadDatabase, Target: path, Msg: "not a compilation database: " + fmt.Sprintf(format, args...)}
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, fileError(path, err)
	}
	var entries []entry
	if err := json.Unmarshal(data, &entries); err != nil {
		var se *json.SyntaxError
		if errors.As(err, &se) {
			return nil, bad("line %d: %v", 1+bytes.Count(data[:min(int(se.Offset), len(data))], []byte("\n")), err)
		}
		return nil, bad("%v", err)
	}
	base, err := filepath.Abs(filepath.Dir(path))
	if err != nil {
		return nil, err
	}
	p := &part{skipped: map[string]int{}, whole: true}
	outputs := map[string]string{} // source → cmake target
	for i, e := range entries {
		if e.File == "" {
			return nil, bad("entry %d has no \"file\"", i+1)
		}
		dir := absIn(base, e.Directory)
		args := e.Arguments
		if len(args) == 0 {
			args = splitCommand(e.Command)
		}
		if len(args) == 0 {
			return nil, bad("entry %d (%s) has neither \"arguments\" nor \"command\"", i+1, e.File)
		}
		o, err := ParseArgs(args, dir)
		if err != nil {
			return nil, bad("entry %d (%s): %v", i+1, e.File, err)
		}
		// "file" need not be spelled as in the arguments, from which the
		// compiler, and so __FILE__, takes the name.
		file, lang := e.File, langOf(e.File, "")
		for _, in := range o.Inputs {
			if in.Source() && absIn(dir, in.Name) == absIn(dir, e.File) {
				file, lang = in.Name, in.Lang
				break
			}
		}
		if !lang.IsC() {
			name := string(lang)
			if lang == LangOther || name == "" {
				name = strings.TrimPrefix(filepath.Ext(e.File), ".")
			}
			p.skipped[name]++
			continue
		}
		out := e.Output
		if out == "" {
			out = o.Output
		}
		if t := cmakeTarget(out); t != "" {
			abs := absIn(dir, file)
			if was, ok := outputs[abs]; ok && was != t {
				return nil, &LoadError{Problem: Several, Target: path,
					Msg:  fmt.Sprintf("it describes several programs: %s is compiled for %s and for %s", e.File, was, t),
					Hint: "build with saz-cc and name one linked program: it knows its own sources"}
			}
			outputs[abs] = t
		}
		p.commands = append(p.commands, Command{Dir: dir, Args: o.Args, File: file, Output: out})
	}
	sort.SliceStable(p.commands, func(i, j int) bool { return p.commands[i].Path() < p.commands[j].Path() })
	return p, nil
}

// cmakeTarget returns the target for which CMake compiles an object.
func cmakeTarget(output string) string {
	_, rest, ok := strings.Cut("/"+filepath.ToSlash(output), "/CMakeFiles/")
	if !ok {
		return ""
	}
	name, _, ok := strings.Cut(rest, ".dir/")
	if !ok {
		return ""
	}
	return name
}

// WriteCompileCommands writes the program's commands as a compilation database
// that clang's tools read.
func WriteCompileCommands(path string, p *Program) error {
	data, err := CompileCommands(p)
	if err != nil {
		return err
	}
	return writeAtomic(path, data)
}

// CompileCommands returns the text of the compilation database.
func CompileCommands(p *Program) ([]byte, error) {
	entries := make([]entry, 0, len(p.Commands))
	for i := range p.Commands {
		c := &p.Commands[i]
		e := entry{Directory: c.Dir, File: c.File, Output: c.Output, Arguments: c.Args}
		// An entry is one translation unit; a command that compiled several
		// sources is told as if it had compiled this one.
		if o, err := ParseArgs(c.Args, c.Dir); err == nil && len(o.Inputs) > 1 {
			drop := map[string]bool{}
			for _, in := range o.Inputs {
				drop[in.Name] = in.Name != c.File
			}
			e.Arguments = nil
			for j, a := range c.Args {
				if j > 0 && drop[a] && !isArgument(c.Args, j) {
					continue
				}
				e.Arguments = append(e.Arguments, a)
			}
		}
		entries = append(entries, e)
	}
	var buf bytes.Buffer
	enc := json.NewEncoder(&buf)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	if err := enc.Encode(entries); err != nil {
		return nil, err
	}
	return buf.Bytes(), nil
}

// isArgument reports whether args[i] is the argument of the option before it.
func isArgument(args []string, i int) bool {
	o, _, has := lookup(args[i-1])
	return len(args[i-1]) > 1 && args[i-1][0] == '-' && o != nil && !has && o.form != exact && o.form != joined
}
