// Package sarif writes a report as SARIF 2.1.0, for code hosts and editors.
//
// Results are the variables that packets may update, by what they are (one rule each), the decisions
// left to people, the library functions without a model, and what could not be read. Rule ids and
// fingerprints are stable: a fingerprint is of the variable's kind, file, procedure and name, not of its
// line. The path behind each verdict is a code flow. URIs are relative to the project's directory
// (SRCROOT), columns count Unicode code points.
package sarif

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/url"
	"path/filepath"
	"sort"
	"strings"
	"unicode/utf8"

	"saz/passes/report"
	"saz/passes/report/text"
)

// The parts of SARIF 2.1.0 that saz writes.
type (
	log struct {
		Schema  string `json:"$schema"`
		Version string `json:"version"`
		Runs    []run  `json:"runs"`
	}
	run struct {
		Tool       tool                `json:"tool"`
		Invocation []invocation        `json:"invocations"`
		Bases      map[string]artifact `json:"originalUriBaseIds"`
		ColumnKind string              `json:"columnKind"`
		Results    []result            `json:"results"`
		Properties map[string]any      `json:"properties,omitempty"`
	}
	tool struct {
		Driver driver `json:"driver"`
	}
	driver struct {
		Name    string `json:"name"`
		Version string `json:"version,omitempty"`
		Rules   []rule `json:"rules"`
	}
	rule struct {
		ID      string        `json:"id"`
		Name    string        `json:"name"`
		Short   message       `json:"shortDescription"`
		Full    message       `json:"fullDescription"`
		Help    message       `json:"help"`
		Default configuration `json:"defaultConfiguration"`
	}
	configuration struct {
		Level string `json:"level"`
	}
	invocation struct {
		Successful bool `json:"executionSuccessful"`
	}
	message struct {
		Text string `json:"text"`
	}
	artifact struct {
		URI         string   `json:"uri,omitempty"`
		Base        string   `json:"uriBaseId,omitempty"`
		Description *message `json:"description,omitempty"`
	}
	result struct {
		RuleID       string            `json:"ruleId"`
		RuleIndex    int               `json:"ruleIndex"`
		Level        string            `json:"level"`
		Kind         string            `json:"kind,omitempty"`
		Message      message           `json:"message"`
		Locations    []location        `json:"locations,omitempty"`
		Flows        []codeFlow        `json:"codeFlows,omitempty"`
		Fingerprints map[string]string `json:"partialFingerprints"`
		Properties   map[string]any    `json:"properties,omitempty"`
	}
	location struct {
		Physical *physical `json:"physicalLocation,omitempty"`
		Logical  []logical `json:"logicalLocations,omitempty"`
		Message  *message  `json:"message,omitempty"`
	}
	physical struct {
		Artifact artifact `json:"artifactLocation"`
		Region   *region  `json:"region,omitempty"`
	}
	region struct {
		Line    int      `json:"startLine"`
		Column  int      `json:"startColumn,omitempty"`
		Snippet *message `json:"snippet,omitempty"`
	}
	logical struct {
		Name string `json:"name"`
		Full string `json:"fullyQualifiedName"`
		Kind string `json:"kind"`
	}
	codeFlow struct {
		Message message      `json:"message"`
		Threads []threadFlow `json:"threadFlows"`
	}
	threadFlow struct {
		Locations []flowLocation `json:"locations"`
	}
	flowLocation struct {
		Location   location `json:"location"`
		Importance string   `json:"importance"`
	}
)

// Schema is what the document says that it follows.
const schema = "https://raw.githubusercontent.com/oasis-tcs/sarif-spec/main/sarif-2.1/schema/sarif-schema-2.1.0.json"

// The rules, in the order of their index; diagnostics of the input follow, by id.
var rules = []rule{
	{"state-per-flow", "PerFlowState", message{"State of one flow"}, message{"A collection whose entries are keyed by addresses and ports: an entry must follow its flow."},
		message{"Entries of this variable belong to one flow. When the flow is given to another instance, its entry must be moved or cloned. saz instrument generates the code."}, configuration{"note"}},
	{"state-multi-flow", "MultiFlowState", message{"State of several flows"}, message{"A collection keyed by part of the header (a host, a service): an entry must be wherever one of its flows is."},
		message{"Entries of this variable belong to all flows of a host or service. Move those flows together, or clone the entry and merge it later."}, configuration{"note"}},
	{"state-all-flows", "AllFlowsState", message{"State of all flows"}, message{"A variable that packets update and that no header field selects: each instance has one, to be copied or merged."},
		message{"This variable is shared by all traffic. How two instances' values become one is in the report's merge rules; saz.yaml overrides them."}, configuration{"note"}},
	{"state-scratch", "ScratchState", message{"Per-packet scratch"}, message{"A variable that packets update and that is always written before it is read: it carries nothing from packet to packet."},
		message{"Nothing to do: it need not be moved."}, configuration{"none"}},
	{"decision", "Decision", message{"Left to a person"}, message{"Something that the program does not tell and that must be decided before this state can be moved."},
		message{"saz.yaml has settings for types that belong to libraries (opaque), for the functions of containers and for variables that need not move (skip)."}, configuration{"warning"}},
	{"unmodelled-function", "UnmodelledFunction", message{"Library function without a model"}, message{"A function that is not part of the program and that saz does not know: it is taken to write all that its arguments reach."},
		message{"Add a model of the function to saz.yaml; saz init writes a draft."}, configuration{"warning"}},
}

// Write writes the report.
func Write(w io.Writer, r *report.Report) error {
	b := &builder{r: r, index: map[string]int{}}
	b.rules = append(b.rules, rules...)
	for i := range b.rules {
		b.index[b.rules[i].ID] = i
	}
	b.inputRules()
	for i := range r.Variables {
		b.variable(&r.Variables[i])
	}
	for i := range r.Decisions {
		d := &r.Decisions[i]
		b.add(result{RuleID: "decision", Message: message{sentence(d.Message, d.Hint)}, Locations: b.at(d.File, d.Line, d.Col),
			Fingerprints: fingerprint("sazDecision/v1", b.name(d.File), d.Message)})
	}
	for i := range r.Unmodelled {
		u := &r.Unmodelled[i]
		b.add(result{RuleID: "unmodelled-function", Message: message{fmt.Sprintf("%s has no model: its %s taken to write all that the arguments reach.", u.Function, calls(u.Calls))},
			Locations: b.at(u.File, u.Line, u.Col), Fingerprints: fingerprint("sazFunction/v1", u.Function)})
	}
	for i := range r.Diagnostics {
		d := &r.Diagnostics[i]
		b.add(result{RuleID: "input-" + d.ID, Level: d.Severity, Message: message{sentence(d.Message, d.Hint)}, Locations: b.at(d.File, d.Line, d.Col),
			Fingerprints: fingerprint("sazInput/v1", d.ID, b.name(d.File), d.Message)})
	}
	doc := log{Schema: schema, Version: "2.1.0", Runs: []run{{
		Tool:       tool{driver{Name: "saz", Version: r.Version, Rules: b.rules}},
		Invocation: []invocation{{Successful: true}},
		Bases:      map[string]artifact{"SRCROOT": {Description: &message{"The directory above all of the project's files."}}},
		ColumnKind: "unicodeCodePoints",
		Results:    b.results,
		Properties: map[string]any{"program": r.Program, "counts": r.Counts},
	}}}
	if doc.Runs[0].Results == nil {
		doc.Runs[0].Results = []result{}
	}
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	return e.Encode(&doc)
}

func calls(n int) string {
	if n == 1 {
		return "call is"
	}
	return fmt.Sprintf("%d calls are", n)
}

type builder struct {
	r       *report.Report
	rules   []rule
	index   map[string]int
	results []result
}

// inputRules adds a rule for each kind of diagnostic that there is.
func (b *builder) inputRules() {
	level := map[string]string{}
	for i := range b.r.Diagnostics {
		d := &b.r.Diagnostics[i]
		if level[d.ID] != "error" {
			level[d.ID] = d.Severity
		}
	}
	ids := make([]string, 0, len(level))
	for id := range level {
		ids = append(ids, id)
	}
	sort.Strings(ids)
	for _, id := range ids {
		words := strings.ReplaceAll(id, "-", " ")
		b.index["input-"+id] = len(b.rules)
		b.rules = append(b.rules, rule{"input-" + id, "Input" + strings.ReplaceAll(title(words), " ", ""), message{"Input: " + words},
			message{"Something in the sources that could not be read, or was read with a stated assumption. What it names is treated as unknown code."},
			message{"Mend what the message points at and analyse again."}, configuration{level[id]}})
	}
}

func title(s string) string {
	words := strings.Fields(s)
	for i, w := range words {
		words[i] = strings.ToUpper(w[:1]) + w[1:]
	}
	return strings.Join(words, " ")
}

func (b *builder) add(x result) {
	x.RuleIndex = b.index[x.RuleID]
	if x.Level == "" {
		x.Level = b.rules[x.RuleIndex].Default.Level
	}
	b.results = append(b.results, x)
}

func (b *builder) variable(v *report.Variable) {
	id := ""
	switch v.Verdict() {
	case report.PerFlow:
		id = "state-per-flow"
	case report.MultiFlow:
		id = "state-multi-flow"
	case report.AllFlows, report.Updated:
		id = "state-all-flows"
	case report.Scratch:
		id = "state-scratch"
	default:
		return
	}
	x := result{RuleID: id, Message: message{describe(v)}, Locations: b.at(v.File, v.Line, v.Col),
		Fingerprints: fingerprint("sazVariable/v1", v.Kind, b.name(v.File), v.Procedure, v.Name),
		Properties:   map[string]any{"verdict": v.Verdict(), "tracked": v.Tracked, "type": v.Type, "size": v.Size}}
	if id == "state-scratch" {
		x.Kind = "informational"
	}
	if len(v.Impacts) > 0 {
		x.Properties["impacts"] = v.Impacts
	}
	if len(v.Flowspace) > 0 {
		x.Properties["flowspace"] = v.Flowspace
	}
	if len(x.Locations) > 0 {
		x.Locations[0].Logical = []logical{{v.Name, v.FullName(), "variable"}}
	}
	for i := range v.Reasons {
		w := &v.Reasons[i]
		f := codeFlow{Message: message{w.Verdict}, Threads: []threadFlow{{}}}
		for k, s := range w.Steps {
			l := flowLocation{Location: location{Physical: b.physical(s.File, s.Line, s.Col), Message: &message{s.Text}}, Importance: "important"}
			if k == 0 || k == len(w.Steps)-1 {
				l.Importance = "essential"
			}
			f.Threads[0].Locations = append(f.Threads[0].Locations, l)
		}
		x.Flows = append(x.Flows, f)
	}
	b.add(x)
}

// describe is a result's message.
func describe(v *report.Variable) string {
	s := fmt.Sprintf("%s (%s) is %s", v.FullName(), v.Type, v.Verdict())
	if v.Verdict() != report.Scratch {
		s += " state"
	}
	s += ": " + text.Meaning(v) + "."
	if len(v.Flowspace) > 0 {
		s += " Keyed by " + strings.Join(v.Flowspace, ", ") + "."
	}
	if n := len(v.UpdatedFields); n > 0 {
		f := v.UpdatedFields
		more := ""
		if n > 8 {
			f, more = f[:8], fmt.Sprintf(" and %d more", n-8)
		}
		s += fmt.Sprintf(" Updated: %d of %d bytes, in %s%s.", v.UpdatedBytes, v.Size, strings.Join(f, ", "), more)
	}
	return s
}

func sentence(msg, hint string) string {
	if hint != "" {
		msg += ". " + strings.ToUpper(hint[:1]) + hint[1:]
	}
	return msg
}

func (b *builder) name(file string) string { return filepath.ToSlash(b.r.Sources.Name(file)) }

func (b *builder) at(file string, line, col int) []location {
	if file == "" || strings.HasPrefix(file, "<") {
		return nil
	}
	return []location{{Physical: b.physical(file, line, col)}}
}

func (b *builder) physical(file string, line, col int) *physical {
	p := &physical{}
	name := b.name(file)
	if filepath.IsAbs(name) {
		p.Artifact.URI = (&url.URL{Scheme: "file", Path: name}).String()
	} else {
		p.Artifact.URI = (&url.URL{Path: name}).EscapedPath()
		p.Artifact.Base = "SRCROOT"
	}
	if line > 0 {
		p.Region = &region{Line: line}
		if text := b.r.Sources.Line(file, line); text != nil {
			if col > 0 && col <= len(text)+1 {
				p.Region.Column = utf8.RuneCount(text[:col-1]) + 1
			}
			if len(text) <= 400 {
				p.Region.Snippet = &message{strings.ToValidUTF8(string(text), "\uFFFD")}
			}
		} else {
			p.Region.Column = col
		}
	}
	return p
}

func fingerprint(kind string, parts ...string) map[string]string {
	h := sha256.Sum256([]byte(strings.Join(parts, "\x00")))
	return map[string]string{kind: hex.EncodeToString(h[:16])}
}
