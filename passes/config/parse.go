package config

import (
	"errors"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"

	"saz/frontend/source"
	"saz/ir/models"
)

// A reader walks the file's tree by hand: so each mistake is found, and told in the words of the file
// instead of in those of Go types.
type reader struct {
	cfg  *Config
	set  *source.Set
	file *source.File
	name string // for From
	errs []source.Diagnostic
}

// Parse reads settings; path stands for the text in messages.
func Parse(path string, data []byte) (*Config, error) {
	abs, err := filepath.Abs(path)
	if err != nil {
		return nil, err
	}
	r := &reader{cfg: &Config{Path: path, text: data}, set: source.NewSet(), name: filepath.Base(path)}
	r.file = r.set.Add(abs, data)
	tree, err := parser.ParseBytes(data, 0)
	if err != nil {
		r.yaml(err, nil)
		return nil, &Error{r.errs, r.set}
	}
	for i, doc := range tree.Docs {
		if doc.Body == nil {
			continue
		}
		if i > 0 {
			r.errorf(doc.Body, "", "one document is all that is read: take the --- out")
			break
		}
		r.top(doc.Body)
	}
	if len(r.errs) > 0 {
		return nil, &Error{r.errs, r.set}
	}
	return r.cfg, nil
}

func (r *reader) top(n ast.Node) {
	c := r.cfg
	r.mapping(n, map[string]func(ast.Node){
		"receive": func(n ast.Node) { r.list(n, func(n ast.Node) { r.receive(n) }) },
		"output": func(n ast.Node) {
			kind := func(kind string) func(ast.Node) {
				return func(n ast.Node) { r.list(n, func(n ast.Node) { r.output(n, kind) }) }
			}
			r.mapping(n, map[string]func(ast.Node){"packet": kind("packet"), "log": kind("log")})
		},
		"allocation":   func(n ast.Node) { r.list(n, r.allocation) },
		"models":       r.models,
		"model_files":  func(n ast.Node) { r.words(n, &c.ModelFiles) },
		"packet_loops": func(n ast.Node) { r.words(n, &c.Loops) },
		"opaque":       func(n ast.Node) { r.words(n, &c.Opaque) },
		"skip":         func(n ast.Node) { r.words(n, &c.Skip) },
		"containers":   func(n ast.Node) { r.list(n, r.container) },
		"merge":        func(n ast.Node) { r.list(n, r.merge) },
		"only":         func(n ast.Node) { c.Only = r.joined(n) },
		"sort":         func(n ast.Node) { c.Sort, _ = r.word(n) },
		"fail_on":      func(n ast.Node) { c.FailOn = r.joined(n) },
		"marks":        func(n ast.Node) { c.Marks, _ = r.word(n) },
		"jobs": func(n ast.Node) {
			if _, ok := r.integer(n); ok {
				c.Jobs, _ = r.word(n)
			}
		},
	})
}

func (r *reader) receive(n ast.Node) {
	var f Function
	rec := &models.Receive{}
	if !r.function(n, &f, map[string]func(ast.Node){
		"buffers": func(n ast.Node) { rec.Buffers = r.args(n) },
		"vectors": func(n ast.Node) { rec.Vectors = r.args(n) },
		"out":     func(n ast.Node) { rec.Out = r.args(n) },
		"result":  func(n ast.Node) { rec.Result = r.boolean(n) },
	}) {
		return
	}
	if len(rec.Buffers)+len(rec.Vectors)+len(rec.Out) == 0 && !rec.Result {
		r.errorf(n, "for example {function: "+f.Text+", buffers: [1]} if argument 1 (counted from 0) points at the packet, or {function: "+f.Text+", result: true}",
			"where does %s put the packet? Say buffers, vectors, out or result", f.Text)
		return
	}
	f.Model.Receive = rec
	f.Model.Writes = rec.Buffers
	f.Model.Scatters = rec.Vectors
	f.Model.Points = rec.Out
	f.Model.Static = rec.Result
	r.cfg.Receive = append(r.cfg.Receive, f)
}

func (r *reader) output(n ast.Node, kind string) {
	var f Function
	if w, ok := n.(*ast.StringNode); ok { // only the name
		f.Word, _ = r.word(w)
	} else if !r.function(n, &f, map[string]func(ast.Node){"data": func(n ast.Node) { f.Model.Data = r.args(n) }}) {
		return
	}
	f.Model.Name = f.Text
	f.Model.Output = kind
	f.Model.Reads = f.Model.Data
	if f.Model.Data == nil {
		f.Model.Reads = []int{0, 1, 2, 3, 4, 5, 6, 7}
	}
	r.cfg.Output = append(r.cfg.Output, f)
}

func (r *reader) allocation(n ast.Node) {
	var f Function
	a := &models.Alloc{}
	allocates := false
	if !r.function(n, &f, map[string]func(ast.Node){
		"size":  func(n ast.Node) { a.Size, allocates = r.args(n), true },
		"zero":  func(n ast.Node) { a.Zero = r.boolean(n) },
		"frees": func(n ast.Node) { f.Model.Frees = r.args(n) },
	}) {
		return
	}
	switch {
	case allocates:
		f.Model.Alloc = a
	case f.Model.Frees == nil:
		r.errorf(n, "for example {function: "+f.Text+", size: [0]}, or {function: "+f.Text+", frees: [0]}", "does %s allocate or release? Say which arguments are the size, or what it frees", f.Text)
		return
	}
	r.cfg.Allocation = append(r.cfg.Allocation, f)
}

// function reads a mapping with the function's name and more.
func (r *reader) function(n ast.Node, f *Function, more map[string]func(ast.Node)) bool {
	before := len(r.errs)
	more["function"] = func(n ast.Node) { f.Word, _ = r.word(n) }
	r.mapping(n, more)
	if len(r.errs) == before && f.Text == "" {
		r.errorf(n, "", "the function's name is missing: {function: NAME, ...}")
	}
	f.Model.Name = f.Text
	return len(r.errs) == before
}

func (r *reader) container(n ast.Node) {
	var k Container
	before := len(r.errs)
	word := func(w *Word) func(ast.Node) { return func(n ast.Node) { *w, _ = r.word(n) } }
	r.mapping(n, map[string]func(ast.Node){
		"variable": word(&k.Variable), "insert": word(&k.Insert), "remove": word(&k.Remove), "lookup": word(&k.Lookup),
		"shape": func(n ast.Node) {
			w, ok := r.word(n)
			if ok && !slices.Contains(Shapes, w.Text) {
				r.errorf(n, suggest(w.Text, Shapes), "there is no shape %q; there are %s", w.Text, strings.Join(Shapes, ", "))
			}
			k.Shape, k.None = w, w.Text == "none"
		},
		"next": word(&k.Next), "prev": word(&k.Prev),
		"keys":      func(n ast.Node) { r.list(n, func(n ast.Node) { r.key(n, &k) }) },
		"both_ways": func(n ast.Node) { k.BothWays = r.boolean(n) },
	})
	if len(r.errs) == before && k.Variable.Text == "" {
		r.errorf(n, "", "the variable's name is missing: {variable: NAME, ...}")
	}
	r.cfg.Containers = append(r.cfg.Containers, k)
}

func (r *reader) key(n ast.Node, k *Container) {
	var x Key
	before := len(r.errs)
	r.mapping(n, map[string]func(ast.Node){
		"field": func(n ast.Node) { x.Field, _ = r.word(n) },
		"header": func(n ast.Node) {
			w, ok := r.word(n)
			if ok && !slices.Contains(Headers, w.Text) {
				r.errorf(n, suggest(w.Text, Headers), "there is no header field %q; there are %s", w.Text, strings.Join(Headers, ", "))
			}
			x.Header = w
		},
		"host": func(n ast.Node) { x.Host = r.boolean(n) },
	})
	if len(r.errs) == before && (x.Field.Text == "" || x.Header.Text == "") {
		r.errorf(n, "", "a key names a field of the entry and a header field: {field: src, header: nw_src}")
	}
	k.Keys = append(k.Keys, x)
}

func (r *reader) merge(n ast.Node) {
	var m Merge
	before := len(r.errs)
	word := func(w *Word) func(ast.Node) { return func(n ast.Node) { *w, _ = r.word(n) } }
	r.mapping(n, map[string]func(ast.Node){"variable": word(&m.Variable), "field": word(&m.Field), "op": func(n ast.Node) {
		w, ok := r.word(n)
		if ok && !slices.Contains(Ops, w.Text) {
			r.errorf(n, suggest(w.Text, Ops), "there is no way %q to merge; there are %s", w.Text, strings.Join(Ops, ", "))
		}
		m.Op = w
	}})
	if len(r.errs) == before && (m.Variable.Text == "" || m.Op.Text == "") {
		r.errorf(n, "", "a merge rule names a variable and an op: {variable: NAME, field: NAME, op: add}")
	}
	r.cfg.Merge = append(r.cfg.Merge, m)
}

// models reads the section that has the format of a model file.
func (r *reader) models(n ast.Node) {
	r.list(n, func(n ast.Node) {
		if !isMapping(n) {
			r.errorf(n, "", "a model is a mapping: {name: FUNCTION, ...}")
			return
		}
		var e models.Entry
		if err := yaml.NodeToValue(n, &e, yaml.Strict()); err != nil {
			r.yaml(err, models.Keys())
			return
		}
		list, err := models.Build(r.name, []models.Entry{e})
		if err != nil {
			r.errorf(n, "", "%s", strings.TrimPrefix(err.Error(), r.name+": "))
			return
		}
		for _, m := range list {
			f := Function{Word: r.at(n.GetToken(), m.Name), Model: *m}
			f.Model.File = "models"
			r.cfg.Models = append(r.cfg.Models, f)
		}
	})
}

// ---- the tree ------------------------------------------------------------------

func isMapping(n ast.Node) bool {
	switch n.(type) {
	case *ast.MappingNode, *ast.MappingValueNode:
		return true
	}
	return false
}

// mapping reads a mapping's keys; one that is not known is an error.
func (r *reader) mapping(n ast.Node, known map[string]func(ast.Node)) {
	var values []*ast.MappingValueNode
	switch n := n.(type) {
	case *ast.MappingNode:
		values = n.Values
	case *ast.MappingValueNode:
		values = []*ast.MappingValueNode{n}
	case *ast.NullNode:
		return
	default:
		r.errorf(n, "", "KEY: VALUE is wanted here; keys are %s", strings.Join(sorted(known), ", "))
		return
	}
	seen := map[string]bool{}
	for _, v := range values {
		key := v.Key.GetToken().Value
		f := known[key]
		switch {
		case f == nil:
			hint := suggest(key, sorted(known))
			if hint == "" {
				hint = "there are " + strings.Join(sorted(known), ", ")
			}
			r.errorf(v.Key, hint, "there is no setting %q", key)
		case seen[key]:
			r.errorf(v.Key, "", "%s is set twice", key)
		default:
			seen[key] = true
			if _, null := v.Value.(*ast.NullNode); !null {
				f(v.Value)
			}
		}
	}
}

func sorted(m map[string]func(ast.Node)) []string { return slices.Sorted(maps.Keys(m)) }

func suggest(word string, known []string) string {
	if n := Nearest(word, known); n != "" {
		return fmt.Sprintf("did you mean %q?", n)
	}
	return ""
}

func (r *reader) list(n ast.Node, f func(ast.Node)) {
	s, ok := n.(*ast.SequenceNode)
	if !ok {
		r.errorf(n, "", "a list is wanted here: [...], or lines that begin with -")
		return
	}
	for _, v := range s.Values {
		f(v)
	}
}

func (r *reader) words(n ast.Node, into *[]Word) {
	r.list(n, func(n ast.Node) {
		if w, ok := r.word(n); ok {
			*into = append(*into, w)
		}
	})
}

// joined reads words that a flag takes with commas between them.
func (r *reader) joined(n ast.Node) Word {
	if _, ok := n.(*ast.SequenceNode); !ok {
		w, _ := r.word(n)
		return w
	}
	var list []Word
	r.words(n, &list)
	var out []string
	for _, w := range list {
		out = append(out, w.Text)
	}
	return r.at(n.GetToken(), strings.Join(out, ","))
}

func (r *reader) word(n ast.Node) (Word, bool) {
	switch n.(type) {
	case *ast.StringNode, *ast.LiteralNode, *ast.IntegerNode, *ast.FloatNode, *ast.BoolNode:
		return r.at(n.GetToken(), n.GetToken().Value), true
	}
	r.errorf(n, "", "a word is wanted here")
	return Word{}, false
}

func (r *reader) integer(n ast.Node) (int, bool) {
	if i, ok := n.(*ast.IntegerNode); ok {
		if v, err := strconv.Atoi(i.GetToken().Value); err == nil && v >= 0 {
			return v, true
		}
	}
	r.errorf(n, "", "a number is wanted here")
	return 0, false
}

// args reads a list of arguments' numbers, or one.
func (r *reader) args(n ast.Node) []int {
	out := []int{}
	one := func(n ast.Node) {
		switch v, ok := r.integer(n); {
		case !ok:
		case v > 15:
			r.errorf(n, "", "arguments count from 0 to 15")
		default:
			out = append(out, v)
		}
	}
	if _, ok := n.(*ast.IntegerNode); ok {
		one(n)
	} else {
		r.list(n, one)
	}
	return out
}

func (r *reader) boolean(n ast.Node) bool {
	if b, ok := n.(*ast.BoolNode); ok {
		return b.Value
	}
	r.errorf(n, "", "true or false is wanted here")
	return false
}

// ---- places ----------------------------------------------------------------------

func (r *reader) at(t *token.Token, text string) Word {
	off := r.offset(t)
	line, _ := r.file.LineCol(off)
	return Word{Text: text, From: fmt.Sprintf("%s:%d", r.name, line), off: off}
}

// offset finds a token's byte: the library counts lines and characters.
func (r *reader) offset(t *token.Token) int32 {
	if t == nil || t.Position == nil {
		return 0
	}
	off := r.file.Offset(t.Position.Line)
	line := []rune(string(r.file.Line(t.Position.Line)))
	return off + int32(len(string(line[:min(max(t.Position.Column-1, 0), len(line))])))
}

func (r *reader) errorf(n ast.Node, hint, format string, args ...any) {
	t := n.GetToken()
	if v, ok := n.(*ast.MappingValueNode); ok {
		t = v.Key.GetToken()
	} else if m, ok := n.(*ast.MappingNode); ok && len(m.Values) > 0 && !m.IsFlowStyle {
		t = m.Values[0].Key.GetToken()
	}
	r.token(t, hint, format, args...)
}

func (r *reader) token(t *token.Token, hint, format string, args ...any) {
	r.errs = append(r.errs, source.Diagnostic{ID: "config", Severity: source.Error, Pos: source.Pos{File: r.file.ID, Off: r.offset(t)}, Msg: fmt.Sprintf(format, args...), Hint: hint})
}

// yaml turns the library's error into ours.
func (r *reader) yaml(err error, keys []string) {
	var e yaml.Error
	if !errors.As(err, &e) {
		r.errs = append(r.errs, source.Diagnostic{ID: "config", Severity: source.Error, Msg: err.Error()})
		return
	}
	hint := ""
	msg := e.GetMessage()
	var unknown *yaml.UnknownFieldError
	var kind *yaml.UnexpectedNodeTypeError
	var typ *yaml.TypeError
	switch {
	case errors.As(err, &unknown):
		hint = suggest(e.GetToken().Value, keys)
		msg = fmt.Sprintf("there is no setting %q", e.GetToken().Value)
	case errors.As(err, &kind):
		msg = fmt.Sprintf("a %s is wanted here", map[bool]string{true: "list", false: strings.ToLower(kind.Expected.String())}[kind.Expected == ast.SequenceType])
	case errors.As(err, &typ):
		msg = fmt.Sprintf("%q is not what is wanted here", e.GetToken().Value)
		hint = "the format is that of ir/models/README.md"
	}
	r.token(e.GetToken(), hint, "%s", msg)
}
