// Package report puts the verdicts of all stages into one document, schema
// saz.report/1, which the commands print and outside tools read.
//
// Fields may be added to the schema and are never renamed. All lists have a
// fixed order (by file path, position, name), and nothing but Cost depends on
// the machine.
package report

import (
	"os"
	"slices"
	"sort"
	"strings"

	"saz/frontend/source"
	"saz/ir"
	"saz/passes"
	"saz/passes/config"
	"saz/passes/container"
	"saz/passes/flowspace"
	"saz/passes/merge"
	"saz/passes/output"
	"saz/passes/persist"
	"saz/passes/plan"
	"saz/passes/pointer"
	"saz/passes/receive"
	"saz/passes/scratch"
	"saz/passes/toplevel"
	"saz/passes/update"
)

// Schema of the report.
const Schema = "saz.report/1"

// A Report is the whole document.
type Report struct {
	Schema           string           `json:"schema"`
	Program          string           `json:"program"`
	Version          string           `json:"saz_version"`
	Counts           Counts           `json:"counts"`
	Variables        []Variable       `json:"variables"`
	PacketProcedures []Procedure      `json:"packet_procedures"`
	ReceiveSites     []Site           `json:"receive_sites"`
	OutputSites      []Site           `json:"output_sites"`
	Unmodelled       []Unmodelled     `json:"unmodelled"`
	Diagnostics      []Diagnostic     `json:"diagnostics"`
	Decisions        []Diagnostic     `json:"decisions"`          // what a person must still decide before state can move
	Settings         []config.Setting `json:"settings,omitempty"` // of the project's, those on which verdicts rest
	Cost             Cost             `json:"cost"`

	// What renderers need beyond the document.
	Updates []UpdateSite `json:"-"` // instructions that update variables, by file and position
	Spans   []Span       `json:"-"` // the procedures that the program defines, by file and line
	Sources *Sources     `json:"-"` // the text of the files that the report names; nil in one read from JSON
}

// Counts are the report's totals.
type Counts struct {
	TUs                     int `json:"tus"`
	Files                   int `json:"files"`
	Lines                   int `json:"lines"`
	Procedures              int `json:"procedures"`
	Variables               int `json:"variables"`
	Persistent              int `json:"persistent"`
	TopLevel                int `json:"top_level"`
	Updateable              int `json:"updateable"`
	Scratch                 int `json:"scratch"`
	PacketOutput            int `json:"packet_output"`
	LogOutput               int `json:"log_output"`
	Serialize               int `json:"serialize"`
	PacketProcedures        int `json:"packet_procedures"`
	IndirectCalls           int `json:"indirect_calls"`
	UnresolvedIndirectCalls int `json:"unresolved_indirect_calls"`
	MergedPlaces            int `json:"merged_places,omitempty"`
	ParseErrors             int `json:"parse_errors"`
}

// A Variable is a persistent variable with its verdicts.
type Variable struct {
	Name          string     `json:"name"`
	Kind          string     `json:"kind"`
	Procedure     string     `json:"procedure,omitempty"`
	File          string     `json:"file"`
	Line          int        `json:"line"`
	Type          string     `json:"type"`
	Size          int64      `json:"size"`
	Persistent    bool       `json:"persistent"`
	TopLevel      bool       `json:"top_level"`
	Updateable    bool       `json:"updateable"`
	Scratch       bool       `json:"scratch"`
	UpdatedFields []string   `json:"updated_fields"`
	UpdatedBytes  int64      `json:"updated_bytes"`
	Impacts       []string   `json:"impacts"`
	Scope         string     `json:"scope"`
	Flowspace     []string   `json:"flowspace"`
	Container     *Container `json:"container,omitempty"`
	Merge         []Merge    `json:"merge"`
	Why           []Step     `json:"why"`
	Guess         int        `json:"guess,omitempty"` // of what calls and pointers may reach, how many the vaguest step of why is one of; not given: nothing is guessed
	Tracked       bool       `json:"tracked"`
	Skipped       string     `json:"skipped,omitempty"` // where the project says that it need not be moved

	Reasons []Reason      `json:"-"` // the paths behind each verdict
	kept    func() []Step // where a packet reads what an earlier one left
	Ranges  [][2]int64    `json:"-"` // its own bytes that are updated, [lo,hi)
	Link    *Link         `json:"-"` // how a container's entries hang together
	Col     int           `json:"-"`
}

// FullName is the variable's name with its procedure's, as commands take it.
func (v *Variable) FullName() string {
	if v.Procedure != "" {
		return v.Procedure + "." + v.Name
	}
	return v.Name
}

// Sure is up to how many a call or a pointer may reach for a step to say something that happens: see docs/unchanged.md.
const Sure = 10

// Vague reports whether it is a guess that packets update the variable.
func (v *Variable) Vague() bool { return v.Updateable && !v.Scratch && v.Guess > Sure }

// Verdicts in one word, strongest state first.
const (
	PerFlow   = "per-flow"
	MultiFlow = "multi-flow"
	AllFlows  = "all-flows"
	Updated   = "updated"
	Scratch   = "scratch"
	ReadOnly  = "read-only"
	Unused    = "unused"
)

// Verdict is the one word that says most about the variable.
func (v *Variable) Verdict() string {
	switch {
	case v.Scratch:
		return Scratch
	case v.Updateable && v.Scope != "none" && v.Scope != "":
		return v.Scope
	case v.Updateable:
		return Updated
	case v.TopLevel:
		return ReadOnly
	}
	return Unused
}

// A Reason is the path behind one verdict: top-level, updateable, scratch,
// kept, container, flowspace, impacts packet, impacts log.
type Reason struct {
	Verdict string `json:"verdict"`
	Steps   []Step `json:"steps"`
}

// Because returns the path behind a verdict, nil if there is none.
func (v *Variable) Because(verdict string) []Step {
	for i := range v.Reasons {
		if v.Reasons[i].Verdict == verdict {
			return v.Reasons[i].Steps
		}
	}
	return nil
}

// Explained returns all reasons, that too where a packet reads what an earlier one has left: it is worked out when somebody asks.
func (v *Variable) Explained() []Reason {
	out := append([]Reason{}, v.Reasons...)
	if v.kept == nil {
		return out
	}
	if steps := v.kept(); len(steps) > 0 {
		k := slices.IndexFunc(out, func(r Reason) bool { return r.Verdict == "updateable" }) + 1
		out = slices.Insert(out, k, Reason{"kept", steps})
	}
	return out
}

func (v *Variable) because(verdict string, steps []Step) {
	if len(steps) > 0 {
		v.Reasons = append(v.Reasons, Reason{verdict, steps})
	}
}

// A Link says how the entries of a container hang together; what is not known is "".
type Link struct {
	Next, Prev, Tail, Remove, Lookup string
	Buckets                          int64
	Indirect                         bool
	Nested                           []string // "field → entry type"
	Unclear, Together                string
}

// A Span is the lines of a procedure.
type Span struct {
	Name      string
	File      string
	Line, End int
	Packet    int // index in PacketProcedures, -1: it does not run while a packet is processed
}

// An UpdateSite is a place in packet-processing code that updates variables.
type UpdateSite struct {
	File      string
	Line, Col int
	Procedure string
	How, Text string
	Vars      []int // indexes in Variables, sorted
}

// A Container of a Variable.
type Container struct {
	Shape     string `json:"shape"`
	EntryType string `json:"entry_type"`
	Keys      []Key  `json:"keys"`
	Insert    string `json:"insert,omitempty"`
}

// A Key binds an entry's field to a header field.
type Key struct {
	Field  string `json:"field"`
	Header string `json:"header"`
}

// A Merge rule.
type Merge struct {
	Field string `json:"field"`
	Op    string `json:"op"`
}

// A Step of a reason.
type Step struct {
	File string `json:"file"`
	Line int    `json:"line"`
	Col  int    `json:"col,omitempty"` // from 1, in bytes
	Text string `json:"text"`
}

// A Procedure that processes packets.
type Procedure struct {
	Name string `json:"name"`
	File string `json:"file"`
	Line int    `json:"line"`
	Why  []Step `json:"why"`
}

// A Site is a receive or output call.
type Site struct {
	Function  string `json:"function"`
	Procedure string `json:"procedure"`
	File      string `json:"file"`
	Line      int    `json:"line"`
	Col       int    `json:"col,omitempty"`
	Kind      string `json:"kind,omitempty"`
	Text      string `json:"text"`
}

// Unmodelled is a library function without a model.
type Unmodelled struct {
	Function string `json:"function"`
	Calls    int    `json:"calls"`
	File     string `json:"file,omitempty"` // of the first call
	Line     int    `json:"line,omitempty"`
	Col      int    `json:"col,omitempty"`
}

// A Diagnostic in the report.
type Diagnostic struct {
	ID       string `json:"id"`
	Severity string `json:"severity"`
	File     string `json:"file"`
	Line     int    `json:"line"`
	Col      int    `json:"col"`
	Message  string `json:"message"`
	Hint     string `json:"hint,omitempty"`
}

// Cost of the analysis.
type Cost struct {
	Wall   float64 `json:"wall_s"`
	CPU    float64 `json:"cpu_s"`
	RSS    int64   `json:"peak_rss_bytes"`
	Phases []Phase `json:"phases"`
}

// A Phase of the analysis.
type Phase struct {
	Name string  `json:"name"`
	Wall float64 `json:"wall_s"`
}

// Pass is the report pass. Its result has no Cost, Version or Diagnostics yet: the
// command that runs it knows them.
var Pass = &passes.Pass{
	Name: "report",
	Doc:  "all verdicts in one document",
	Requires: []*passes.Pass{pointer.Pass, receive.Pass, persist.Pass, toplevel.Pass, update.Pass, scratch.Pass,
		flowspace.Pass, container.Pass, output.Pass, merge.Pass, plan.Pass},
	Run: run,
}

// Of returns the result.
func Of(c *passes.Context) *Report { return c.Result(Pass).(*Report) }

func run(c *passes.Context) (any, error) {
	b := &builder{c: c}
	b.dir, _ = os.Getwd()
	return b.build(), nil
}

type builder struct {
	c   *passes.Context
	dir string
	own map[source.FileID]bool // files of the project
}

func (b *builder) place(p source.Pos) (file string, line, col int) {
	at := b.c.Prog.Files.Place(p)
	return passes.Short(b.dir, at.Path), at.Line, at.Col
}

func (b *builder) steps(why []passes.Why) []Step {
	out := make([]Step, 0, len(why))
	for _, w := range why {
		if !w.Pos.IsValid() || w.Text == "" {
			continue // a step inside a phi or a library: nothing to look at
		}
		f, l, col := b.place(w.Pos)
		out = append(out, Step{f, l, col, w.Text})
	}
	return out
}

func (b *builder) build() *Report {
	c := b.c
	pt, rc, ps, tl := pointer.Of(c), receive.Of(c), persist.Of(c), toplevel.Of(c)
	up, sc, fs, ct := update.Of(c), scratch.Of(c), flowspace.Of(c), container.Of(c)
	ou, mg, pl := output.Of(c), merge.Of(c), plan.Of(c)
	r := &Report{Schema: Schema, Program: c.Prog.Name, Variables: []Variable{}, PacketProcedures: []Procedure{}, ReceiveSites: []Site{}, OutputSites: []Site{},
		Unmodelled: []Unmodelled{}, Diagnostics: []Diagnostic{}, Decisions: []Diagnostic{}}
	n := &r.Counts

	for i := range ps.Vars {
		v := &ps.Vars[i]
		id := v.ID
		out := Variable{Name: v.Name, Kind: v.Kind, Type: v.Type.String(), Size: v.Size, Persistent: true,
			UpdatedFields: []string{}, Impacts: []string{}, Flowspace: []string{}, Merge: []Merge{}, Scope: "none"}
		out.File, out.Line, out.Col = b.place(v.Pos)
		if v.Proc >= 0 {
			out.Procedure = c.Prog.Funcs[v.Proc].Name
		}
		n.Persistent++
		if why, ok := tl.TopLevel[id]; ok {
			out.TopLevel = true
			out.because("top-level", b.steps(why))
			n.TopLevel++
		}
		if why, ok := up.Updateable[id]; ok {
			out.Updateable = true
			n.Updateable++
			out.because("updateable", b.steps(why))
			for _, w := range why {
				out.Guess = max(out.Guess, w.Of)
			}
			out.Ranges = up.Ranges[id]
			for _, f := range up.Fields[id] {
				if f != "" {
					out.UpdatedFields = append(out.UpdatedFields, f)
				}
			}
			for _, x := range up.Ranges[id] {
				out.UpdatedBytes += x[1] - x[0]
			}
			if why, ok := sc.Scratch[id]; ok {
				out.Scratch = true
				n.Scratch++
				out.because("scratch", b.steps(why))
			} else {
				out.kept = func() []Step { return b.steps(sc.Carries(id)) }
			}
			if ou.Impacts[id]["packet"] != nil {
				n.PacketOutput++
			}
			if ou.Impacts[id]["log"] != nil {
				n.LogOutput++
			}
			if s := fs.Spaces[id]; s != nil {
				out.Scope = s.Scope
				out.Flowspace = append(out.Flowspace, s.Headers...)
			}
			for _, m := range mg.Rules[id] {
				out.Merge = append(out.Merge, Merge{m.Field, m.Op})
			}
			if k := ct.Containers[id]; k != nil {
				oc := &Container{Shape: k.Shape, Insert: k.Insert, Keys: []Key{}}
				if k.Entry != nil {
					oc.EntryType = RecordName(k.Entry.Union, k.Entry.Tag, k.Entry.Typedef)
				}
				if s := fs.Spaces[id]; s != nil {
					for _, key := range s.All() {
						oc.Keys = append(oc.Keys, Key{key.Field, key.Header})
					}
				}
				out.Container = oc
				if k.Shape != container.Unknown {
					out.Merge = []Merge{} // entries travel whole
				}
				if k.InPlace() && out.Scope == "all-flows" {
					out.Merge = []Merge{}
					for _, m := range mg.Entry[id] { // no flow's: there is nothing to travel with
						out.Merge = append(out.Merge, Merge{m.Field, m.Op})
					}
				}
				out.Link = link(k)
				out.because("container", b.steps(k.Why))
			}
			if s := fs.Spaces[id]; s != nil {
				out.because("flowspace", b.steps(s.Why))
			}
			for _, kind := range []string{"packet", "log"} {
				if why := ou.Impacts[id][kind]; why != nil {
					out.Impacts = append(out.Impacts, kind)
					out.because("impacts "+kind, b.steps(why))
				}
			}
		}
		_, out.Tracked = pl.Index[id]
		if out.Updateable {
			out.Skipped = c.Config.SkippedBy(v.Named(c.Prog))
		}
		switch {
		case out.Updateable:
			out.Why = out.Because("updateable")
		case out.TopLevel:
			out.Why = out.Because("top-level")
		default:
			out.Why = []Step{{out.File, out.Line, out.Col, "declared here; no code that may run while a packet is processed uses it"}}
		}
		if out.Why == nil {
			out.Why = []Step{}
		}
		r.Variables = append(r.Variables, out)
	}
	n.Variables = ps.Total
	n.Serialize = len(pl.Types)

	for _, f := range tl.PktProcs {
		fn := c.Prog.Funcs[f]
		p := Procedure{Name: fn.Name, Why: b.steps(tl.ProcWhy[f])}
		p.File, p.Line, _ = b.place(fn.Pos)
		r.PacketProcedures = append(r.PacketProcedures, p)
	}
	sort.SliceStable(r.PacketProcedures, func(i, j int) bool {
		x, y := &r.PacketProcedures[i], &r.PacketProcedures[j]
		return x.File < y.File || x.File == y.File && x.Line < y.Line
	})
	n.PacketProcedures = len(tl.PktProcs)
	for i := range rc.Sites {
		r.ReceiveSites = append(r.ReceiveSites, b.site(rc.Sites[i].Ref, rc.Sites[i].Function, ""))
	}
	for i := range ou.Sites {
		r.OutputSites = append(r.OutputSites, b.site(ou.Sites[i].Ref, ou.Sites[i].Function, ou.Sites[i].Kind))
	}
	b.program(r, pt)
	b.configured(r, ps)
	r.Settings = c.Config.Verdicts()
	r.Updates = b.updates(up)
	r.Spans = b.spans(r.PacketProcedures)
	r.Sources = newSources(c.Prog, b.dir, b.own)
	for _, d := range pl.Manual {
		at := c.Prog.Files.Place(passes.SourcePos(c.Prog, d.Pos))
		r.Decisions = append(r.Decisions, Diagnostic{ID: "decision", Severity: "warning", File: passes.Short(b.dir, at.Path), Line: at.Line, Col: at.Col, Message: d.What})
	}
	return r
}

// program counts what is there before any stage.
func (b *builder) program(r *Report, pt *pointer.Result) {
	n, p := &r.Counts, b.c.Prog
	n.TUs = len(p.Units)
	own := map[source.FileID]bool{}
	for _, u := range p.Units {
		for _, f := range u.AST.Cpp.Includes {
			if !u.AST.Cpp.System[f.ID] && !strings.HasPrefix(f.Path, "<") {
				own[f.ID] = true
			}
		}
		n.ParseErrors += len(u.AST.Bad)
	}
	for id := range own {
		n.Files++
		f := p.Files.File(id)
		n.Lines += strings.Count(string(f.Data), "\n")
	}
	b.own = own
	n.MergedPlaces = pt.Stats.Crowded
	missing := map[string][]ir.Ref{}
	for _, f := range p.Funcs {
		if len(f.Blocks) > 0 {
			n.Procedures++
		}
		for i := range f.Instrs {
			in := &f.Instrs[i]
			if in.Op != ir.Call {
				continue
			}
			ref := ir.Ref{Func: f.ID, I: int32(i)}
			callees := pt.Callees(ref)
			if in.A.Kind != ir.VFunc {
				n.IndirectCalls++
				if len(callees) == 0 {
					n.UnresolvedIndirectCalls++
				}
			}
			for _, t := range callees {
				g := p.Funcs[t]
				if len(g.Blocks) == 0 && pt.Model(t) == nil {
					missing[g.Name] = append(missing[g.Name], ref)
				}
			}
		}
	}
	for name, calls := range missing {
		u := Unmodelled{Function: name, Calls: len(calls)}
		u.File, u.Line, u.Col = b.place(b.c.Pos(calls[0]))
		r.Unmodelled = append(r.Unmodelled, u)
	}
	sort.Slice(r.Unmodelled, func(i, j int) bool { return r.Unmodelled[i].Function < r.Unmodelled[j].Function })
}

// updates lists the updating instructions, those at one place as one.
func (b *builder) updates(up *update.Result) []UpdateSite {
	var out []UpdateSite
	at := map[source.Pos]int{}
	for i := range up.Updates {
		u := &up.Updates[i]
		p := b.c.Pos(u.Ref)
		if !p.IsValid() {
			continue
		}
		k, ok := at[p]
		if !ok {
			k = len(out)
			at[p] = k
			s := UpdateSite{Procedure: b.c.Prog.Funcs[u.Ref.Func].Name, How: u.How, Text: b.c.Text(u.Ref)}
			s.File, s.Line, s.Col = b.place(p)
			out = append(out, s)
		}
		out[k].Vars = append(out[k].Vars, int(u.Var))
	}
	for i := range out {
		slices.Sort(out[i].Vars)
		out[i].Vars = slices.Compact(out[i].Vars)
	}
	sort.Slice(out, func(i, j int) bool {
		x, y := &out[i], &out[j]
		if x.File != y.File {
			return x.File < y.File
		}
		return x.Line < y.Line || x.Line == y.Line && x.Col < y.Col
	})
	return out
}

// spans lists where the procedures stand.
func (b *builder) spans(packet []Procedure) []Span {
	type key struct {
		name, file string
		line       int
	}
	index := map[key]int{}
	for i := range packet {
		index[key{packet[i].Name, packet[i].File, packet[i].Line}] = i
	}
	var out []Span
	for _, f := range b.c.Prog.Funcs {
		if f.Def == nil || !f.Pos.IsValid() {
			continue
		}
		s := Span{Name: f.Name, Packet: -1}
		s.File, s.Line, _ = b.place(f.Pos)
		s.End = s.Line
		if toks := b.c.Prog.Units[f.Unit].AST.Tokens(); f.Def.End > 0 && int(f.Def.End) <= len(toks) {
			if file, line, _ := b.place(toks[f.Def.End-1].Exp); file == s.File {
				s.End = max(s.End, line)
			}
		}
		if i, ok := index[key{s.Name, s.File, s.Line}]; ok {
			s.Packet = i
		}
		out = append(out, s)
	}
	sort.SliceStable(out, func(i, j int) bool {
		x, y := &out[i], &out[j]
		return x.File < y.File || x.File == y.File && x.Line < y.Line
	})
	return out
}

// SpanAt returns the procedure that has the line, nil if none has.
func (r *Report) SpanAt(file string, line int) *Span {
	for i := range r.Spans {
		if s := &r.Spans[i]; s.File == file && s.Line <= line && line <= s.End {
			return s
		}
	}
	return nil
}

// configured warns of variables that the project's settings name and the program does not have.
func (b *builder) configured(r *Report, ps *persist.Result) {
	cfg := b.c.Config
	if cfg == nil {
		return
	}
	vars := make([]config.Var, len(ps.Vars))
	for i := range ps.Vars {
		vars[i] = ps.Vars[i].Named(b.c.Prog)
	}
	unknown, known := cfg.Variables(vars)
	cfg.Warn(b.c.Prog.Files, b.c.Sink, unknown, "persistent variable", known)
	for i := range cfg.Merge {
		rule := &cfg.Merge[i]
		idle, why := false, ""
		for k := range vars {
			v := &r.Variables[k]
			if !rule.Variable.Means(vars[k]) {
				continue
			}
			if why = b.idle(rule, v); why == "" {
				idle = false
				break
			}
			idle = true
		}
		if idle {
			cfg.Idle(b.c.Prog.Files, b.c.Sink, rule.Variable, "%s", why)
		}
	}
}

// idle says why a merge rule has no effect on v, "" if it has one.
func (b *builder) idle(rule *config.Merge, v *Variable) string {
	f := rule.Field.Text
	switch {
	case !v.Updateable:
		return v.Name + " is not updated: there is nothing to merge"
	case v.Container != nil && v.Container.Shape != container.Unknown && len(v.Merge) == 0:
		return "the entries of " + v.Name + " are replaced whole: it has no fields to merge"
	}
	if len(v.UpdatedFields) == 0 {
		return "only what " + v.Name + " leads to is updated: there is nothing to merge"
	}
	var known []string
	for _, m := range v.Merge {
		if f == "" || m.Field == f || strings.HasPrefix(m.Field, f+".") {
			return ""
		}
		known = append(known, m.Field)
	}
	why := v.Name + " has no updated field " + f
	if n := config.Nearest(f, known); n != "" {
		why += "; did you mean " + n + "?"
	}
	return why
}

// link says how a container's entries hang together.
func link(k *container.Container) *Link {
	l := &Link{Next: k.Next, Prev: k.Prev, Tail: k.Tail, Remove: k.Remove, Lookup: k.Lookup, Buckets: k.Buckets, Indirect: k.Indirect, Unclear: k.Unclear(), Together: k.Together}
	for _, n := range k.Nested {
		name := n.Field
		if n.Entry != nil {
			name += " → " + RecordName(n.Entry.Union, n.Entry.Tag, n.Entry.Typedef)
		}
		l.Nested = append(l.Nested, name)
	}
	return l
}

func (b *builder) site(ref ir.Ref, fn, kind string) Site {
	s := Site{Function: fn, Procedure: b.c.Prog.Funcs[ref.Func].Name, Kind: kind, Text: b.c.Text(ref)}
	s.File, s.Line, s.Col = b.place(b.c.Pos(ref))
	return s
}

// RecordName writes a record type as C does.
func RecordName(union bool, tag, typedef string) string {
	switch {
	case tag != "" && union:
		return "union " + tag
	case tag != "":
		return "struct " + tag
	case typedef != "":
		return typedef
	}
	return "(anonymous)"
}

// Diagnostics converts what the frontend and the passes collected.
func Diagnostics(set *source.Set, list []source.Diagnostic, dir string) []Diagnostic {
	out := []Diagnostic{}
	for _, d := range list {
		at := set.Place(d.Pos)
		out = append(out, Diagnostic{ID: d.ID, Severity: d.Severity.String(), File: passes.Short(dir, at.Path), Line: at.Line, Col: at.Col, Message: d.Msg, Hint: d.Hint})
	}
	return out
}
