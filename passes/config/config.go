// Package config is the project's own settings: saz.yaml beside the sources, and the environment variables
// and flags that go before it.
//
// Flags go before the environment, that before the file, that before the default. Lists (models,
// opaque types, variables to skip) add up; where two say something of the same function or field, the one that
// goes before wins. Every setting knows where it comes from, so that a mistake is shown with its line and saz config
// can say what is in force.
//
// What a setting says is believed: a receive function that receives nothing makes more code count as packet
// processing, an opaque type or a variable to skip takes state out of what is moved. A name that the
// program does not have is a warning, with the nearest one that it has.
package config

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"saz/frontend/source"
	"saz/ir/models"
)

// Name of the file.
const Name = "saz.yaml"

// A Word is a name that somebody wrote.
type Word struct {
	Text string
	From string // "saz.yaml:3", "--opaque", "$SAZ_OPAQUE"
	off  int32  // in the file; -1 if it comes from elsewhere
}

// A Config is the settings in force. The zero Config is the default; a nil one is, too.
type Config struct {
	Path string // of the file; "" if there is none

	Receive    []Function
	Loops      []Word // procedures with the packet loop
	Output     []Function
	Allocation []Function
	Models     []Function
	ModelFiles []Word
	Opaque     []Word
	Skip       []Word
	Containers []Container
	Merge      []Merge

	Only, Sort, FailOn, Jobs Word // of saz analyze and all commands; "" is the default
	Marks                    Word // of saz instrument: few or exact

	text []byte
}

// A Function is one whose model the settings give, or change.
type Function struct {
	Word
	Model models.Model
}

// A Container says which of the program's procedures work on a variable's entries, where saz
// doesn't find them.
type Container struct {
	Variable               Word
	Insert, Remove, Lookup Word // Text "" is not said
	Shape                  Word // of Shapes
	None                   bool // shape: none: no container, whatever it looks like
	Next, Prev             Word // fields of an entry
	Keys                   []Key
	BothWays               bool // entries are looked up from either end
}

// A Key says where an entry keeps a header field.
type Key struct {
	Field, Header Word
	Host          bool // in the machine's byte order
}

// Shapes that a container may be said to have.
var Shapes = []string{"list", "hash-list", "tree", "array", "unknown", "none"}

// Headers are the header fields that may select an entry.
var Headers = []string{"nw_src", "nw_dst", "tp_src", "tp_dst", "nw_proto", "dl_type", "dl_src", "dl_dst", "dl_vlan", "icmp_type", "icmp_code", "icmp_id", "gre_key", "dns_id"}

// A Merge rule.
type Merge struct {
	Variable, Field Word // Field "" is the whole variable
	Op              Word
}

// Ops of a Merge.
var Ops = []string{"add", "max", "min", "replace", "manual"}

// An Error in the file, shown with the line and a caret.
type Error struct {
	List []source.Diagnostic
	set  *source.Set
}

func (e *Error) Error() string {
	var b bytes.Buffer
	e.Render(&b, false)
	return strings.TrimRight(b.String(), "\n")
}

// Render writes the errors, in colour if wanted.
func (e *Error) Render(w io.Writer, color bool) {
	for _, d := range e.List {
		source.Render(w, e.set, d, color)
	}
}

// Load reads a file.
func Load(path string) (*Config, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	return Parse(path, data)
}

// Find returns the saz.yaml of a program: in the working directory, beside the target, or in the
// directory above all of its sources; "" if there is none.
func Find(targets, sources []string) string {
	dirs := []string{"."}
	for _, t := range targets {
		dirs = append(dirs, filepath.Dir(t))
	}
	if root := common(sources); root != "" {
		dirs = append(dirs, root)
	}
	for _, d := range dirs {
		p := filepath.Join(d, Name)
		if st, err := os.Stat(p); err == nil && st.Mode().IsRegular() {
			return p
		}
	}
	return ""
}

// common is the directory above all files.
func common(files []string) string {
	root := ""
	for _, f := range files {
		abs, err := filepath.Abs(f)
		if err != nil {
			continue
		}
		d := filepath.Dir(abs)
		if root == "" {
			root = d
		}
		for root != "/" && d != root && !strings.HasPrefix(d, root+"/") {
			root = filepath.Dir(root)
		}
	}
	return root
}

// Add puts what a flag or an environment variable says on top of c.
func (c *Config) Add(key, from string, values ...string) error {
	for _, v := range values {
		w := Word{v, from, -1}
		switch key {
		case "models":
			c.ModelFiles = append(c.ModelFiles, w)
		case "packet_loops":
			c.Loops = append(c.Loops, w)
		case "opaque":
			c.Opaque = append(c.Opaque, w)
		case "skip":
			c.Skip = append(c.Skip, w)
		case "only":
			c.Only = w
		case "sort":
			c.Sort = w
		case "fail_on":
			c.FailOn = w
		case "jobs":
			c.Jobs = w
		case "marks":
			c.Marks = w
		default:
			return fmt.Errorf("config: no setting %s", key)
		}
	}
	return nil
}

// ExactMarks says whether each update has a mark of its own.
func (c *Config) ExactMarks() bool { return c != nil && c.Marks.Text == "exact" }

// Apply puts the models that the settings give into set: those of the file first, so that model files
// named by the environment or by flags replace them.
func (c *Config) Apply(set *models.Set) error {
	if c == nil {
		return nil
	}
	file := func(w Word) error {
		path := w.Text
		if w.off >= 0 && !filepath.IsAbs(path) {
			path = filepath.Join(filepath.Dir(c.Path), path)
		}
		return set.Load(path)
	}
	for _, w := range c.ModelFiles {
		if w.off < 0 {
			continue
		}
		if err := file(w); err != nil {
			return fmt.Errorf("%s: %w", w.From, err)
		}
	}
	for _, list := range [][]Function{c.Models, c.Allocation, c.Receive, c.Output} {
		for i := range list {
			f := &list[i]
			m := f.Model
			if old := set.Lookup(f.Text); old != nil && (m.Receive != nil || m.Output != "") && !f.whole() {
				m = *old // what else it does stays
				m.Name = f.Text
				if f.Model.Receive != nil {
					m.Receive = f.Model.Receive
				}
				if f.Model.Output != "" {
					m.Output, m.Data = f.Model.Output, f.Model.Data
				}
			}
			m.File = Name
			set.ByName[f.Text] = &m
		}
	}
	for _, w := range c.ModelFiles {
		if w.off >= 0 {
			continue
		}
		if err := file(w); err != nil {
			return fmt.Errorf("%s: %w", w.From, err)
		}
	}
	return set.Check()
}

// whole reports whether the function's model comes from the models section, which says all of it.
func (f *Function) whole() bool { return f.Model.File == "models" }

// Receives returns what is said of a receive function that the program itself defines, nil for others.
func (c *Config) Receives(name string) *models.Model {
	return c.defined(name, func(c *Config) []Function { return c.Receive })
}

// Emits returns what is said of an output function that the program itself defines, nil for others.
func (c *Config) Emits(name string) *models.Model {
	return c.defined(name, func(c *Config) []Function { return c.Output })
}

func (c *Config) defined(name string, list func(*Config) []Function) *models.Model {
	if c == nil {
		return nil
	}
	l := list(c)
	for i := range l {
		if l[i].Text == name {
			return &l[i].Model
		}
	}
	return nil
}

// IsOpaque reports whether a record type, known by its tag or typedef name, belongs to a library by the user's word.
func (c *Config) IsOpaque(names ...string) bool {
	if c == nil {
		return false
	}
	for _, w := range c.Opaque {
		t := strings.TrimPrefix(strings.TrimPrefix(w.Text, "struct "), "union ")
		for _, n := range names {
			if n != "" && n == t {
				return true
			}
		}
	}
	return false
}

// A Var is a variable as settings name it: NAME, PROCEDURE.NAME or FILE:NAME. Line is the text of the line
// that declares it, where a comment with SkipNote does what skip does.
type Var struct{ Name, Procedure, File, Line string }

// SkipNote in a comment beside a variable's declaration says that it need not be moved.
const SkipNote = "saz: skip"

// Means reports whether the word names v.
func (w Word) Means(v Var) bool {
	if file, name, ok := strings.Cut(w.Text, ":"); ok {
		return name == v.Name && (v.File == file || strings.HasSuffix(v.File, "/"+strings.TrimPrefix(file, "./")))
	}
	return w.Text == v.Name && w.Text != "" || v.Procedure != "" && w.Text == v.Procedure+"."+v.Name
}

// Skips reports whether v need not be moved, by the user's word.
func (c *Config) Skips(v Var) bool { return c.SkippedBy(v) != "" }

// SkippedBy says where the user's word stands that v need not be moved, "" if nowhere.
func (c *Config) SkippedBy(v Var) string {
	for _, open := range []string{"/*", "//"} {
		if i := strings.Index(v.Line, open); i >= 0 && strings.Contains(v.Line[i:], SkipNote) {
			return "a comment beside its declaration"
		}
	}
	if c == nil {
		return ""
	}
	for _, w := range c.Skip {
		if w.Means(v) {
			return w.From
		}
	}
	return ""
}

// Around returns the procedures that the settings say have the packet loop.
func (c *Config) Around() []Word {
	if c == nil {
		return nil
	}
	return c.Loops
}

// ContainerOf returns what is said of the container v, nil if nothing is.
func (c *Config) ContainerOf(v Var) *Container {
	if c == nil {
		return nil
	}
	for i := range c.Containers {
		if c.Containers[i].Variable.Means(v) {
			return &c.Containers[i]
		}
	}
	return nil
}

// MergeOf returns how a field of v is merged by the user's word, "" if nothing is said. A rule for the field goes before
// one for a record around it, and that before one for the whole variable.
func (c *Config) MergeOf(v Var, field string) string {
	if c == nil {
		return ""
	}
	best, op := -1, ""
	for i := range c.Merge {
		m := &c.Merge[i]
		f := m.Field.Text
		if m.Variable.Means(v) && (f == "" || f == field || strings.HasPrefix(field, f+".")) && len(f) > best {
			best, op = len(f), m.Op.Text
		}
	}
	return op
}

// Modelled are the functions of which the settings say all that they do: those of libraries.
func (c *Config) Modelled() []Word {
	var out []Word
	for _, list := range [][]Function{c.Models, c.Allocation} {
		for i := range list {
			out = append(out, list[i].Word)
		}
	}
	return out
}

// Idle says of a setting that it has no effect, and why.
func (c *Config) Idle(set *source.Set, sink *source.Sink, w Word, format string, args ...any) {
	d := source.Diagnostic{ID: "config-no-effect", Severity: source.Warning, Msg: fmt.Sprintf(format, args...)}
	if w.off >= 0 {
		d.Pos = source.Pos{File: set.Add(c.abs(), c.text).ID, Off: w.off}
	} else {
		d.Msg += " (" + w.From + ")"
	}
	sink.Add(d)
}

// Warn says which names the program does not have.
func (c *Config) Warn(set *source.Set, sink *source.Sink, words []Word, what string, known []string) {
	have := map[string]bool{}
	for _, k := range known {
		have[k] = true
	}
	for _, w := range words {
		if w.Text == "" || have[w.Text] {
			continue
		}
		d := source.Diagnostic{ID: "config-unknown-name", Severity: source.Warning, Msg: fmt.Sprintf("the program has no %s %q (%s)", what, w.Text, w.From)}
		if w.off >= 0 {
			f := set.Add(c.abs(), c.text)
			d.Pos = source.Pos{File: f.ID, Off: w.off}
			d.Msg = fmt.Sprintf("the program has no %s %q", what, w.Text)
		}
		if n := Nearest(w.Text, known); n != "" {
			d.Hint = fmt.Sprintf("did you mean %q?", n)
		}
		sink.Add(d)
	}
}

func (c *Config) abs() string {
	if p, err := filepath.Abs(c.Path); err == nil {
		return p
	}
	return c.Path
}

// Functions are the functions that the settings name.
func (c *Config) Functions() []Word {
	if c == nil {
		return nil
	}
	var out []Word
	for _, list := range [][]Function{c.Receive, c.Output, c.Allocation} {
		for i := range list {
			out = append(out, list[i].Word)
		}
	}
	out = append(out, c.Loops...)
	for i := range c.Containers {
		k := &c.Containers[i]
		out = append(out, k.Insert, k.Remove, k.Lookup)
	}
	return out
}

// Types are the opaque types, without struct and union.
func (c *Config) Types() []Word {
	var out []Word
	for _, w := range c.Opaque {
		w.Text = strings.TrimPrefix(strings.TrimPrefix(w.Text, "struct "), "union ")
		out = append(out, w)
	}
	return out
}

// Variables are the variables that the settings name and that are not among vars, with the names that
// there are.
func (c *Config) Variables(vars []Var) (unknown []Word, known []string) {
	if c == nil {
		return nil, nil
	}
	words := append([]Word(nil), c.Skip...)
	for i := range c.Containers {
		words = append(words, c.Containers[i].Variable)
	}
	for i := range c.Merge {
		words = append(words, c.Merge[i].Variable)
	}
next:
	for _, w := range words {
		for _, v := range vars {
			if w.Means(v) {
				continue next
			}
		}
		unknown = append(unknown, w)
	}
	for _, v := range vars {
		known = append(known, v.Name)
		if v.Procedure != "" {
			known = append(known, v.Procedure+"."+v.Name)
		}
	}
	return unknown, known
}

// A Setting is one line of saz config.
type Setting struct {
	Key   string `json:"key"`
	Value string `json:"value"`
	From  string `json:"from"`
}

// Verdicts lists those of the settings on which verdicts rest.
func (c *Config) Verdicts() []Setting {
	if c == nil {
		return nil
	}
	var out []Setting
	for _, s := range c.Settings() {
		switch s.Key {
		case "only", "sort", "fail_on", "jobs", "marks":
		default:
			out = append(out, s)
		}
	}
	return out
}

// Settings lists what is in force, in the file's order of keys; defaults are not in it.
func (c *Config) Settings() []Setting {
	var out []Setting
	add := func(key, value, from string) { out = append(out, Setting{key, value, from}) }
	for i := range c.Receive {
		f := &c.Receive[i]
		add("receive", f.Text+" ("+describe(&f.Model)+")", f.From)
	}
	for _, w := range c.Loops {
		add("packet_loops", w.Text, w.From)
	}
	for i := range c.Output {
		f := &c.Output[i]
		add("output", f.Text+" ("+describe(&f.Model)+")", f.From)
	}
	for i := range c.Allocation {
		f := &c.Allocation[i]
		add("allocation", f.Text+" ("+describe(&f.Model)+")", f.From)
	}
	for i := range c.Models {
		add("models", c.Models[i].Text, c.Models[i].From)
	}
	for _, w := range c.ModelFiles {
		add("model_files", w.Text, w.From)
	}
	for _, w := range c.Opaque {
		add("opaque", w.Text, w.From)
	}
	for _, w := range c.Skip {
		add("skip", w.Text, w.From)
	}
	for i := range c.Containers {
		k := &c.Containers[i]
		s := k.Variable.Text
		for _, x := range []struct{ k, v string }{{"insert", k.Insert.Text}, {"remove", k.Remove.Text}, {"lookup", k.Lookup.Text}, {"shape", k.Shape.Text}, {"next", k.Next.Text}, {"prev", k.Prev.Text}} {
			if x.v != "" {
				s += " " + x.k + "=" + x.v
			}
		}
		for _, x := range k.Keys {
			s += " " + x.Field.Text + ":" + x.Header.Text
		}
		if k.BothWays {
			s += " both ways"
		}
		add("containers", s, k.Variable.From)
	}
	for i := range c.Merge {
		m := &c.Merge[i]
		s := m.Variable.Text
		if m.Field.Text != "" {
			s += "." + m.Field.Text
		}
		add("merge", s+": "+m.Op.Text, m.Variable.From)
	}
	for _, x := range []struct {
		k string
		w Word
	}{{"only", c.Only}, {"sort", c.Sort}, {"fail_on", c.FailOn}, {"jobs", c.Jobs}, {"marks", c.Marks}} {
		if x.w.Text != "" {
			add(x.k, x.w.Text, x.w.From)
		}
	}
	return out
}

// describe says what a model given here does.
func describe(m *models.Model) string {
	var s []string
	list := func(k string, l []int) {
		if len(l) > 0 {
			s = append(s, k+" "+strings.Trim(fmt.Sprint(l), "[]"))
		}
	}
	if r := m.Receive; r != nil {
		list("buffers", r.Buffers)
		list("vectors", r.Vectors)
		list("out", r.Out)
		if r.Result {
			s = append(s, "result")
		}
	}
	if m.Output != "" {
		s = append(s, m.Output)
		list("data", m.Data)
	}
	if a := m.Alloc; a != nil {
		s = append(s, "allocates")
		list("size", a.Size)
		if a.Zero {
			s = append(s, "zeroed")
		}
	}
	list("frees", m.Frees)
	return strings.Join(s, ", ")
}
