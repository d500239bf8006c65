// Package baseline compares a report with an earlier one of the same program.
//
// A variable is the same as one of the earlier report if kind, procedure and name agree; of several such
// (statics of one name in several files) those whose paths have the longest common end are paired, best
// first. So neither lines that moved nor another working directory make a difference. What is compared are verdicts,
// not reasons.
package baseline

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"sort"
	"strings"

	"saz/passes/report"
)

// Kinds of a Change.
const (
	New     = "new"     // a persistent variable that was not there
	Gone    = "gone"    // one that is not there any more
	Changed = "changed" // one with another verdict
)

// Kinds that there are, in the order in which changes are listed.
var Kinds = []string{New, Gone, Changed}

// A Change of one variable.
type Change struct {
	Kind  string           `json:"kind"`
	Name  string           `json:"name"` // with its procedure's
	File  string           `json:"file"`
	Line  int              `json:"line"`
	Was   string           `json:"was,omitempty"` // the verdict in one word
	Is    string           `json:"is,omitempty"`
	Diff  []Field          `json:"differences,omitempty"` // Changed: what differs
	Steps []report.Step    `json:"why,omitempty"`         // of the verdict that it has now
	Var   *report.Variable `json:"-"`
}

// A Field that differs.
type Field struct {
	Name string `json:"name"`
	Was  string `json:"was"`
	Is   string `json:"is"`
}

// A Diff of two reports.
type Diff struct {
	Schema   string   `json:"schema"`
	Program  string   `json:"program"`
	Baseline string   `json:"baseline"`
	Notes    []string `json:"notes"`
	Same     int      `json:"same"`
	Changes  []Change `json:"changes"`
}

// Schema of a Diff.
const Schema = "saz.diff/1"

// Load reads a baseline.
func Load(path string) (*report.Report, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("baseline: %w", err)
	}
	const how = "a baseline is what saz analyze --format json -o FILE writes"
	data = bytes.TrimSpace(data)
	if len(data) == 0 {
		return nil, fmt.Errorf("baseline %s is empty; %s", path, how)
	}
	var head struct {
		Schema string `json:"schema"`
	}
	if err := json.Unmarshal(data, &head); err != nil {
		return nil, fmt.Errorf("baseline %s is not a report (%s); %s", path, at(data, err), how)
	}
	if head.Schema != report.Schema {
		if strings.HasPrefix(head.Schema, "saz.report/") {
			return nil, fmt.Errorf("baseline %s is stale: it has schema %s, this saz writes %s; make a new one from the sources that it stands for", path, head.Schema, report.Schema)
		}
		return nil, fmt.Errorf("baseline %s is not a report of saz (schema %q, want %q); %s", path, head.Schema, report.Schema, how)
	}
	var r report.Report
	if err := json.Unmarshal(data, &r); err != nil {
		return nil, fmt.Errorf("baseline %s: %s", path, at(data, err))
	}
	return &r, nil
}

// at says where in data a JSON error is.
func at(data []byte, err error) string {
	off := int64(-1)
	var syn *json.SyntaxError
	var typ *json.UnmarshalTypeError
	switch {
	case errors.As(err, &syn):
		off = syn.Offset
	case errors.As(err, &typ):
		off = typ.Offset
	}
	if off < 0 || off > int64(len(data)) {
		return err.Error()
	}
	return fmt.Sprintf("line %d: %v", bytes.Count(data[:off], []byte("\n"))+1, err)
}

type key struct{ kind, proc, name string }

// Compare says what differs between the earlier report old, read from path, and now.
func Compare(path string, old, now *report.Report) (*Diff, error) {
	if old.Program != now.Program {
		return nil, fmt.Errorf("baseline %s is of another program: %s, not %s", path, old.Program, now.Program)
	}
	d := &Diff{Schema: Schema, Program: now.Program, Baseline: path, Notes: []string{}, Changes: []Change{}}
	if old.Version != now.Version {
		d.Notes = append(d.Notes, fmt.Sprintf("the baseline was written by saz %s, this is %s: some differences may be saz's", old.Version, now.Version))
	}
	if old.Counts.ParseErrors != now.Counts.ParseErrors {
		d.Notes = append(d.Notes, fmt.Sprintf("the baseline has %d parse errors, this report %d: what could not be read is unknown code", old.Counts.ParseErrors, now.Counts.ParseErrors))
	}
	if a, b := settings(old), settings(now); a != b {
		d.Notes = append(d.Notes, fmt.Sprintf("the baseline was made with other settings (%s), now there are %s", a, b))
	}
	index := func(r *report.Report) map[key][]*report.Variable {
		m := map[key][]*report.Variable{}
		for i := range r.Variables {
			v := &r.Variables[i]
			k := key{v.Kind, v.Procedure, v.Name}
			m[k] = append(m[k], v)
		}
		return m
	}
	before, after := index(old), index(now)
	paired := 0
	var keys []key
	for k := range before {
		keys = append(keys, k)
	}
	for k := range after {
		if before[k] == nil {
			keys = append(keys, k)
		}
	}
	for _, k := range keys {
		gone, added := pair(before[k], after[k], func(a, b *report.Variable) {
			paired++
			if f := differ(a, b); len(f) > 0 {
				d.Changes = append(d.Changes, Change{Changed, b.FullName(), b.File, b.Line, a.Verdict(), b.Verdict(), f, b.Why, b})
			} else {
				d.Same++
			}
		})
		for _, v := range gone {
			d.Changes = append(d.Changes, Change{Kind: Gone, Name: v.FullName(), File: v.File, Line: v.Line, Was: v.Verdict()})
		}
		for _, v := range added {
			d.Changes = append(d.Changes, Change{Kind: New, Name: v.FullName(), File: v.File, Line: v.Line, Is: v.Verdict(), Steps: v.Why, Var: v})
		}
	}
	if paired == 0 && len(old.Variables) > 0 && len(now.Variables) > 0 {
		return nil, fmt.Errorf("baseline %s has no variable in common with %s (%d and %d): it is of other sources, or too old to compare", path, now.Program, len(old.Variables), len(now.Variables))
	}
	sort.Slice(d.Changes, func(i, j int) bool {
		x, y := &d.Changes[i], &d.Changes[j]
		if x.Kind != y.Kind {
			return slices.Index(Kinds, x.Kind) < slices.Index(Kinds, y.Kind)
		}
		if x.File != y.File {
			return x.File < y.File
		}
		return x.Line < y.Line || x.Line == y.Line && x.Name < y.Name
	})
	return d, nil
}

// settings writes those on which verdicts rest.
func settings(r *report.Report) string {
	var s []string
	for _, x := range r.Settings {
		s = append(s, x.Key+" "+x.Value)
	}
	if s == nil {
		return "none"
	}
	return strings.Join(s, ", ")
}

// pair joins the variables of two lists by how much of their paths' ends agree.
func pair(a, b []*report.Variable, f func(a, b *report.Variable)) (restA, restB []*report.Variable) {
	type match struct{ i, j, common int }
	var all []match
	for i := range a {
		for j := range b {
			all = append(all, match{i, j, common(a[i].File, b[j].File)})
		}
	}
	sort.SliceStable(all, func(i, j int) bool {
		if all[i].common != all[j].common {
			return all[i].common > all[j].common
		}
		return abs(a[all[i].i].Line-b[all[i].j].Line) < abs(a[all[j].i].Line-b[all[j].j].Line)
	})
	usedA, usedB := map[int]bool{}, map[int]bool{}
	for _, m := range all {
		if usedA[m.i] || usedB[m.j] || m.common == 0 && (len(a) > 1 || len(b) > 1) {
			continue
		}
		usedA[m.i], usedB[m.j] = true, true
		f(a[m.i], b[m.j])
	}
	for i := range a {
		if !usedA[i] {
			restA = append(restA, a[i])
		}
	}
	for j := range b {
		if !usedB[j] {
			restB = append(restB, b[j])
		}
	}
	return restA, restB
}

// common counts the last path elements that agree.
func common(a, b string) int {
	x, y := strings.Split(a, "/"), strings.Split(b, "/")
	n := 0
	for n < len(x) && n < len(y) && x[len(x)-1-n] == y[len(y)-1-n] {
		n++
	}
	return n
}

func abs(n int) int {
	if n < 0 {
		return -n
	}
	return n
}

// differ lists the verdicts in which two reports' variable differ.
func differ(a, b *report.Variable) []Field {
	var out []Field
	add := func(name, was, is string) {
		if was != is {
			out = append(out, Field{name, was, is})
		}
	}
	yes := func(b bool) string {
		if b {
			return "yes"
		}
		return "no"
	}
	keys := func(v *report.Variable) string {
		if v.Container == nil {
			return "none"
		}
		s := v.Container.Shape + " of " + v.Container.EntryType
		for _, k := range v.Container.Keys {
			s += " " + k.Field + "=" + k.Header
		}
		return s
	}
	rules := func(v *report.Variable) string {
		var s []string
		for _, m := range v.Merge {
			s = append(s, strings.TrimSpace(m.Field+" "+m.Op))
		}
		return list(s)
	}
	add("type", a.Type, b.Type)
	add("top-level", yes(a.TopLevel), yes(b.TopLevel))
	add("updateable", yes(a.Updateable), yes(b.Updateable))
	add("scratch", yes(a.Scratch), yes(b.Scratch))
	add("tracked", yes(a.Tracked), yes(b.Tracked))
	add("scope", a.Scope, b.Scope)
	add("keyed by", list(a.Flowspace), list(b.Flowspace))
	add("updated fields", list(a.UpdatedFields), list(b.UpdatedFields))
	add("impacts", list(a.Impacts), list(b.Impacts))
	add("container", keys(a), keys(b))
	add("merge", rules(a), rules(b))
	return out
}

func list(s []string) string {
	if len(s) == 0 {
		return "none"
	}
	return strings.Join(s, " ")
}

// Fails reports whether d has a change of one of the kinds.
func (d *Diff) Fails(kinds []string) bool {
	for i := range d.Changes {
		if slices.Contains(kinds, d.Changes[i].Kind) {
			return true
		}
	}
	return false
}

// Count counts the changes of a kind.
func (d *Diff) Count(kind string) int {
	n := 0
	for i := range d.Changes {
		if d.Changes[i].Kind == kind {
			n++
		}
	}
	return n
}

// JSON writes d.
func (d *Diff) JSON(w io.Writer) error {
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	return e.Encode(d)
}
