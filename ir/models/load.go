package models

import (
	"bytes"
	"embed"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path"
	"reflect"
	"slices"
	"strings"
	"sync"

	"github.com/goccy/go-yaml"
)

//go:embed *.yaml
var files embed.FS

var builtin = sync.OnceValues(func() (map[string]*Model, error) {
	all := map[string]*Model{}
	names, err := files.ReadDir(".")
	if err != nil {
		return nil, err
	}
	for _, n := range names {
		data, err := files.ReadFile(n.Name())
		if err != nil {
			return nil, err
		}
		list, err := Parse(n.Name(), data)
		if err != nil {
			return nil, err
		}
		for _, m := range list {
			if old := all[m.Name]; old != nil {
				return nil, fmt.Errorf("%s: %s is modelled in %s already", n.Name(), m.Name, old.File)
			}
			all[m.Name] = m
		}
	}
	return all, nil
})

// Default returns the models that come with saz. The Set is the caller's to
// extend; the models in it are shared and must not be changed.
func Default() *Set {
	all, err := builtin()
	if err != nil {
		panic("models: " + err.Error()) // embedded data, which a test has read
	}
	s := &Set{ByName: make(map[string]*Model, len(all))}
	for k, m := range all {
		s.ByName[k] = m
	}
	return s
}

// Load adds the models in a file of the user's to s; they replace those of the
// same name.
func (s *Set) Load(file string) error {
	data, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	return s.Add(file, data)
}

// Add adds models in YAML; name stands for the text in errors.
func (s *Set) Add(name string, data []byte) error {
	list, err := Parse(name, data)
	if err != nil {
		return err
	}
	for _, m := range list {
		s.ByName[m.Name] = m
	}
	return nil
}

// An Entry is a model as it is written: one body may serve several names.
type Entry struct {
	Names []string `yaml:"names,omitempty"`
	Model `yaml:",inline"`
}

// Parse reads models from YAML: a list of entries, each with a name (or names)
// and what it does. Unknown fields are errors.
func Parse(name string, data []byte) ([]*Model, error) {
	var entries []Entry
	err := yaml.NewDecoder(bytes.NewReader(data), yaml.Strict()).Decode(&entries)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("%s: %s", name, yaml.FormatError(err, false, true))
	}
	return Build(name, entries)
}

// Keys are the names of all that an Entry, or a part of one, may say.
func Keys() []string {
	var out []string
	var walk func(t reflect.Type)
	walk = func(t reflect.Type) {
		for t.Kind() == reflect.Pointer || t.Kind() == reflect.Slice {
			t = t.Elem()
		}
		if t.Kind() != reflect.Struct {
			return
		}
		for i := 0; i < t.NumField(); i++ {
			if k, _, _ := strings.Cut(t.Field(i).Tag.Get("yaml"), ","); k != "" && k != "-" {
				out = append(out, k)
			}
			walk(t.Field(i).Type)
		}
	}
	walk(reflect.TypeOf(Entry{}))
	slices.Sort(out)
	return slices.Compact(out)
}

// Build makes models of entries that have been read; name stands for their file in errors.
func Build(name string, entries []Entry) ([]*Model, error) {
	seen := map[string]bool{}
	var out []*Model
	for i := range entries {
		e := &entries[i]
		names := e.Names
		if e.Name != "" {
			names = append([]string{e.Name}, names...)
		}
		if len(names) == 0 {
			return nil, fmt.Errorf("%s: entry %d has neither name nor names", name, i+1)
		}
		for _, n := range names {
			if seen[n] {
				return nil, fmt.Errorf("%s: %s is modelled twice", name, n)
			}
			seen[n] = true
			m := e.Model
			m.Name = n
			m.File = path.Base(name)
			if err := m.check(); err != nil {
				return nil, fmt.Errorf("%s: %s: %w", name, n, err)
			}
			out = append(out, &m)
		}
	}
	return out, nil
}

// check finds what the format allows and the analyses would trip over.
func (m *Model) check() error {
	if !slices.Contains([]string{"", "packet", "log", "descriptor"}, m.Output) {
		return fmt.Errorf("output is %q, want packet, log or descriptor", m.Output)
	}
	if !slices.Contains([]string{"", "socket", "file", "pipe", "open", "same"}, m.Descriptor) {
		return fmt.Errorf("descriptor is %q, want socket, file, pipe, open or same", m.Descriptor)
	}
	if m.To != 0 && m.Output != "descriptor" || m.At != 0 && m.Descriptor != "open" {
		return errors.New("to without output: descriptor, or at without descriptor: open")
	}
	if len(m.Data) > 0 && m.Output == "" {
		return errors.New("data without output")
	}
	if (m.Gives || len(m.GivesIn) > 0) && m.Slot == "" {
		return errors.New("gives without slot")
	}
	if m.Escapes && m.Varargs == 0 {
		return errors.New("escapes without varargs")
	}
	if m.Alloc != nil && m.Alloc.From != nil && m.Alloc.Opaque {
		return errors.New("an opaque allocation has no contents to copy")
	}
	if m.Depth < 0 || m.Depth > 8 || m.Depth > 0 && len(m.Gathers)+len(m.Scatters) == 0 && (m.Receive == nil || len(m.Receive.Vectors) == 0) {
		return errors.New("depth is of gathers, scatters or vectors, 1 to 8")
	}
	for _, l := range [][]int{m.Frees, m.Returns, m.Same, m.Elem, m.Writes, m.Fills, m.Reads, m.Gathers, m.Scatters,
		m.Keeps, m.KeepsIn, m.GivesIn, m.Points, m.PointsIn, m.Data, m.Opaque, m.Locks, m.Unlocks} {
		for _, i := range l {
			if i < 0 || i > 31 {
				return fmt.Errorf("argument %d", i)
			}
		}
	}
	if m.Alloc != nil && m.Alloc.Keep && m.Slot == "" {
		return errors.New("an allocation's keep without slot")
	}
	for _, c := range m.Calls {
		if c.Keep && m.Slot == "" {
			return errors.New("a callback's keep without slot")
		}
		if len(c.Kept) > 0 && c.From == "" && m.Slot == "" {
			return errors.New("a callback's kept without from")
		}
		if c.Later != "" && (c.From != "" || c.Loop || c.Keep) {
			return errors.New("a callback's later with from, loop or keep: who runs it has these")
		}
	}
	return nil
}

// Check reports a queue that only one side names: what is handed over for later would never be called, and nothing would say so.
func (s *Set) Check() error {
	later, runs := map[string]bool{}, map[string]bool{}
	for _, m := range s.ByName {
		for i := range m.Calls {
			later[m.Calls[i].Later] = true
		}
		for _, q := range m.Runs {
			runs[q] = true
		}
	}
	for _, name := range slices.Sorted(maps.Keys(s.ByName)) {
		m := s.ByName[name]
		for _, q := range m.Runs {
			if !later[q] {
				return fmt.Errorf("%s: %s: runs %q, for which no model hands anything over (later)", m.File, name, q)
			}
		}
		for i := range m.Calls {
			if q := m.Calls[i].Later; q != "" && !runs[q] {
				return fmt.Errorf("%s: %s: hands over for later %q, which no model runs", m.File, name, q)
			}
		}
	}
	return nil
}

// Lookup returns the model of the function that the linker calls name, nil if
// there is none. Variants of one function share its model: __isoc99_sscanf and
// __isoc23_strtol, GNU's _IO_ names, the 64 of large-file names, the fortified
// __memcpy_chk, whose extra arguments Chk drops.
func (s *Set) Lookup(name string) *Model {
	if m := s.ByName[name]; m != nil {
		return m
	}
	for _, alt := range Variants(name) {
		if m := s.ByName[alt]; m != nil {
			return m
		}
	}
	return nil
}

// Variants returns the names under which the function called name may be
// modelled, best first, itself excluded.
func Variants(name string) []string {
	var out []string
	add := func(n string) {
		if n != "" && n != name && !slices.Contains(out, n) {
			out = append(out, n)
		}
	}
	n := name
	for _, p := range []string{"__isoc99_", "__isoc23_", "__builtin___", "__builtin_", "_IO_"} {
		if strings.HasPrefix(n, p) {
			n = n[len(p):]
			add(n)
			if strings.HasSuffix(n, "_chk") {
				add("__" + n)
			}
			break
		}
	}
	if c, ok := strings.CutSuffix(n, "_chk"); ok {
		c = strings.TrimPrefix(c, "__")
		add(c)
		n = c
	}
	if c, ok := strings.CutSuffix(n, "_unlocked"); ok {
		add(c)
		n = c
	}
	if c, ok := strings.CutSuffix(n, "64"); ok {
		add(c)
	}
	if c, ok := strings.CutPrefix(n, "__"); ok {
		add(c)
	}
	return out
}

// Chk maps argument i of the model's function to the argument of the
// fortified variant called name: __snprintf_chk(s, n, flag, size, format, ...)
// has two more than snprintf(s, n, format, ...). For other names it is i.
func Chk(name string, i int) int {
	if !strings.HasSuffix(name, "_chk") {
		return i
	}
	n := strings.TrimPrefix(strings.TrimPrefix(name, "__builtin_"), "__")
	switch strings.TrimSuffix(n, "_chk") {
	case "printf", "vprintf":
		return i + 1 // (flag, format, ...)
	case "fprintf", "vfprintf", "syslog", "vsyslog", "dprintf", "vdprintf", "asprintf", "vasprintf", "obstack_printf":
		if i >= 1 {
			return i + 1 // (stream, flag, format, ...)
		}
	case "sprintf", "vsprintf":
		if i >= 1 {
			return i + 2 // (s, flag, size, format, ...)
		}
	case "snprintf", "vsnprintf":
		if i >= 2 {
			return i + 2 // (s, n, flag, size, format, ...)
		}
	case "fgets", "fread":
		if i >= 1 {
			return i + 1 // (s, size, n, stream); (p, size, n, count, stream)
		}
	case "read", "recv", "pread", "getcwd", "readlink", "recvfrom":
		// The object's size comes after the length.
		at := map[string]int{"read": 3, "recv": 3, "pread": 4, "getcwd": 2, "readlink": 3, "recvfrom": 3}[strings.TrimSuffix(n, "_chk")]
		if i >= at {
			return i + 1
		}
	}
	return i
}
