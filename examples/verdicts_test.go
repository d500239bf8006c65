package examples_test

import (
	"bytes"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"

	"saz/passes/container"
	"saz/passes/flowspace"
	"saz/passes/persist"
	"saz/passes/report"
	"saz/passes/run"
)

// verdicts is an expected.yaml: what there is to say about the state of an example, written by hand.
// Variables are named as in the program, locals and statics of a procedure with @procedure behind.
// Each persistent variable stands in exactly one part.
type verdicts struct {
	Idle     map[string]string `yaml:"idle"`      // no code uses it that may run while a packet is processed
	ReadOnly map[string]string `yaml:"read-only"` // top-level, and never updated
	Scratch  map[string]string `yaml:"scratch"`   // updateable, and carries nothing from packet to packet
	State    map[string]state  `yaml:"state"`     // updateable
	Missed   map[string]string `yaml:"missed"`    // VARIABLE FIELD: where saz is known to be less precise, and why
}

type state struct {
	Why       string             `yaml:"why"`
	Scope     string             `yaml:"scope"` // all-flows if not given
	Flowspace []string           `yaml:"flowspace"`
	Container string             `yaml:"container"`
	Entry     string             `yaml:"entry"`
	Keys      map[string]oneMore `yaml:"keys"` // entry field: header field
	BothWays  bool               `yaml:"both-ways"`
	Insert    string             `yaml:"insert"`
	Remove    string             `yaml:"remove"`
	Lookup    string             `yaml:"lookup"`
	Nested    []string           `yaml:"nested"`
	Fields    []string           `yaml:"fields"` // of a compound variable, which are updated
	Impacts   []string           `yaml:"impacts"`
	Merge     map[string]string  `yaml:"merge"`
}

// oneMore is a string or a list of them.
type oneMore []string

func (o *oneMore) UnmarshalYAML(decode func(any) error) error {
	var one string
	if decode(&one) == nil {
		*o = oneMore{one}
		return nil
	}
	return decode((*[]string)(o))
}

func readVerdicts(t *testing.T, file string) *verdicts {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	v := &verdicts{}
	if err := yaml.NewDecoder(bytes.NewReader(text), yaml.Strict()).Decode(v); err != nil {
		t.Fatalf("%s: %v", file, err)
	}
	return v
}

// found is what saz says of a variable, each fact as text.
type found map[string]string

func list(s []string) string { return strings.Join(s, " ") }

func pairs[V any](m map[string]V, show func(V) string) string {
	var out []string
	for _, k := range slices.Sorted(maps.Keys(m)) {
		out = append(out, k+"="+show(m[k]))
	}
	return list(out)
}

// facts brings a hand-written verdict into the form of found.
func (s *state) facts() found {
	f := found{"part": "state", "scope": s.Scope, "flowspace": list(s.Flowspace), "impacts": list(s.Impacts),
		"merge": pairs(s.Merge, func(x string) string { return x }), "container": s.Container}
	if s.Scope == "" {
		f["scope"] = "all-flows"
	}
	if s.Fields != nil {
		f["fields"] = list(s.Fields)
	}
	if s.Container != "" {
		f["entry"], f["insert"], f["remove"], f["lookup"] = s.Entry, s.Insert, s.Remove, s.Lookup
		f["keys"] = pairs(s.Keys, func(x oneMore) string { return strings.Join(x, ",") })
		f["nested"] = list(s.Nested)
		f["both-ways"] = fmt.Sprint(s.BothWays)
	}
	return f
}

// analyse runs the analysis on an example as it stands.
func analyse(t *testing.T, example string) map[string]found {
	t.Helper()
	sources, err := filepath.Glob(filepath.Join(example, "*.c"))
	if err != nil || len(sources) == 0 {
		t.Fatalf("no sources in %s: %v", example, err)
	}
	a, err := run.Load(run.Options{Target: sources, Flags: []string{"-std=gnu11", "-pthread"}})
	if err != nil {
		t.Fatal(err)
	}
	r, err := a.Report("test")
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range r.Diagnostics {
		t.Logf("%s:%d: %s: %s", d.File, d.Line, d.Severity, d.Message)
	}
	vars, containers, spaces := persist.Of(a.Context).Vars, container.Of(a.Context).Containers, flowspace.Of(a.Context).Spaces
	out := map[string]found{}
	for i := range r.Variables {
		v := &r.Variables[i]
		name := v.Name
		if v.Procedure != "" {
			name += "@" + v.Procedure
		}
		if out[name] != nil {
			t.Errorf("there are two variables %s", name)
		}
		f := found{"part": part(v), "scope": v.Scope, "flowspace": list(v.Flowspace), "impacts": list(v.Impacts), "container": "",
			"fields": list(v.UpdatedFields)}
		merge := map[string]string{}
		for _, m := range v.Merge {
			merge[m.Field] = m.Op
		}
		f["merge"] = pairs(merge, func(x string) string { return x })
		if k := containers[vars[i].ID]; k != nil {
			f["container"], f["entry"] = v.Container.Shape, v.Container.EntryType
			f["insert"], f["remove"], f["lookup"] = k.Insert, k.Remove, k.Lookup
			keys := map[string][]string{}
			for _, key := range v.Container.Keys {
				keys[key.Field] = append(keys[key.Field], key.Header)
			}
			f["keys"] = pairs(keys, func(x []string) string { return strings.Join(x, ",") })
			var nested []string
			for _, n := range k.Nested {
				nested = append(nested, n.Field)
			}
			f["nested"] = list(nested)
			f["both-ways"] = fmt.Sprint(spaces[vars[i].ID].BothWays)
		}
		out[name] = f
	}
	return out
}

// careful reports whether what was found errs on the safe side: too many outputs or updated fields, too few header
// fields. The other facts are for people to choose.
func careful(fact, got, want string) bool {
	more, less := strings.Fields(got), strings.Fields(want)
	switch fact {
	case "flowspace":
		more, less = less, more
	case "impacts", "fields":
	default:
		return true
	}
	for _, x := range less {
		if !slices.Contains(more, x) {
			return false
		}
	}
	return true
}

// caution ranks the parts: a variable may be taken for more than it is, never for less.
var caution = map[string]int{"idle": 0, "read-only": 1, "scratch": 2, "state": 3}

func part(v *report.Variable) string {
	switch {
	case v.Scratch:
		return "scratch"
	case v.Updateable:
		return "state"
	case v.TopLevel:
		return "read-only"
	}
	return "idle"
}

// Every verdict of every persistent variable, in both directions: nothing is missing, and nothing
// is called state that the file does not.
func TestVerdicts(t *testing.T) {
	for _, example := range []string{"figure3", "figure9", "monitor", "nat", "balancer", "ids", "proxy", "ratelimit"} {
		t.Run(example, func(t *testing.T) {
			want := readVerdicts(t, filepath.Join(example, "expected.yaml"))
			got := analyse(t, example)
			expect := map[string]found{}
			for name, m := range map[string]map[string]string{"idle": want.Idle, "read-only": want.ReadOnly, "scratch": want.Scratch} {
				for v := range m {
					expect[v] = found{"part": name}
				}
			}
			for v, s := range want.State {
				expect[v] = s.facts()
			}
			if n := len(want.Idle) + len(want.ReadOnly) + len(want.Scratch) + len(want.State); n != len(expect) {
				t.Errorf("%d variables in %d places", len(expect), n)
			}
			missed := maps.Clone(want.Missed)
			for _, name := range slices.Sorted(maps.Keys(got)) {
				if expect[name] == nil {
					if got[name]["part"] != "idle" {
						t.Errorf("%s: not in the file, and found to be %v", name, got[name])
					} else {
						t.Errorf("%s: not in the file", name)
					}
				}
			}
			for _, name := range slices.Sorted(maps.Keys(expect)) {
				if got[name] == nil {
					t.Errorf("%s: there is no such variable", name)
					continue
				}
				if got[name]["part"] != expect[name]["part"] {
					key := name + " part"
					if missed[key] != "" && caution[got[name]["part"]] > caution[expect[name]["part"]] {
						delete(missed, key)
						continue
					}
					t.Errorf("%s is %s, want %s", name, got[name]["part"], expect[name]["part"])
					continue
				}
				for _, fact := range slices.Sorted(maps.Keys(expect[name])) {
					g, w := got[name][fact], expect[name][fact]
					if g == w {
						continue
					}
					key := name + " " + fact
					if missed[key] != "" && careful(fact, g, w) {
						delete(missed, key)
						continue
					}
					t.Errorf("%s: %s is %q, want %q", name, fact, g, w)
				}
			}
			for key := range missed {
				t.Errorf("no longer missed: %s", key)
			}
		})
	}
}
