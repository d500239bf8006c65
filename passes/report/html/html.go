// Package html writes a report as one page that needs nothing else: no network, no
// server, no other file.
//
// The page holds the document as JSON and the text of the project's files that the
// document points into; a script of its own shows the variables with filters, the
// path behind each verdict beside the source that it leads through, and what is left to
// people. The variables' table is there without the script too. A content security policy
// in the page forbids any connection.
//
// Size is bounded: files in which nothing was found are left out, and if the page would be larger than MaxPage
// all the same, the ones with the fewest findings; the page says which.
package html

import (
	"bytes"
	"embed"
	"encoding/json"
	"fmt"
	"html/template"
	"io"
	"path"
	"slices"
	"sort"
	"strings"

	"saz/passes/report"
	"saz/passes/report/text"
)

//go:embed page.html page.css page.js
var files embed.FS

var page = template.Must(template.New("page.html").Funcs(template.FuncMap{
	"num": func(n any) string { return group(fmt.Sprint(n)) }, "join": strings.Join, "plural": text.Plural,
}).ParseFS(files, "page.html"))

// MaxPage bounds a page with source text, in bytes; what is known besides may be larger only for programs of millions of lines.
const MaxPage = 9_500_000

// Options of Write.
type Options struct {
	Marks   []Mark // where the instrumented program announces updates
	NoMarks string // why there are none
}

// A Mark is a place where saz instrument puts an update mark.
type Mark struct {
	File   string // absolute, or as the report names it
	Line   int
	Var    int  // index in the report's Variables
	Pruned bool // not put, because the bit is set already whenever the line is reached
}

// The document as the script sees it. Short names: they come once a step.
type (
	doc struct {
		Program string    `json:"program"`
		Files   []docFile `json:"files"`
		Steps   []docStep `json:"steps"` // of all paths: most begin alike, so a path is its last step, which knows the one before
		Vars    []docVar  `json:"vars"`
		Procs   []docProc `json:"procs"`
		Updates []docUpd  `json:"updates"`
		Sets    [][]int   `json:"sets"` // of variables
		Hows    []string  `json:"hows"`
		Recv    []docSite `json:"recv"`
		Out     []docSite `json:"out"`
		Marks   [][4]int  `json:"marks"` // file, line, set of variables, pruned: one for all of a line of a kind
	}
	docFile struct {
		Name string `json:"n"`
		Text string `json:"t,omitempty"`
		Why  string `json:"w,omitempty"` // why there is no text
	}
	docStep [5]any // the step before (-1: none), file, line, column, text
	docVar  struct {
		Name    string      `json:"n"`
		Kind    string      `json:"k"`
		Type    string      `json:"t"`
		Size    int64       `json:"s"`
		File    int         `json:"f"`
		Line    int         `json:"l"`
		Col     int         `json:"c"`
		Verdict string      `json:"v"`
		Meaning string      `json:"m"`
		Impacts []string    `json:"i,omitempty"`
		Keys    []string    `json:"h,omitempty"`
		Fields  []string    `json:"uf,omitempty"`
		Bytes   int64       `json:"ub,omitempty"`
		Ranges  [][2]int64  `json:"ur,omitempty"`
		Merge   [][2]string `json:"mg,omitempty"`
		Drawing string      `json:"d,omitempty"`
		Facts   [][2]string `json:"x,omitempty"`
		Reasons []docReason `json:"r,omitempty"`
		Note    string      `json:"note,omitempty"`
	}
	docReason struct {
		Verdict string `json:"v"`
		Last    int    `json:"s"`
	}
	docProc struct {
		Name   string `json:"n"`
		File   int    `json:"f"`
		Line   int    `json:"l"`
		End    int    `json:"e"`
		Packet bool   `json:"p,omitempty"`
		Why    int    `json:"y"` // last step, -1: none
	}
	docUpd struct {
		File int    `json:"f"`
		Line int    `json:"l"`
		Col  int    `json:"c"`
		How  int    `json:"h"`
		Text string `json:"t"`
		Set  int    `json:"s"`
	}
	docSite struct {
		Name string `json:"n"`
		Proc string `json:"p"`
		Kind string `json:"k,omitempty"`
		File int    `json:"f"`
		Line int    `json:"l"`
		Col  int    `json:"c"`
		Text string `json:"t"`
	}
)

// What the template sees.
type view struct {
	R         *report.Report
	CSS       template.CSS
	JS        template.JS
	Data      template.JS
	Cards     []card
	Rows      []row
	Verdicts  []chip
	Todo      int
	Decisions []place
	Missing   []place
	Troubles  []place
	Phases    []phase
	LeftOut   []string
	NoMarks   string
	Headline  string
}

type card struct {
	Label, Only, Title string
	N                  int
	Share              float64 // of all, in percent
}

type chip struct {
	Word string
	N    int
}

type row struct {
	Index                       int
	Name, Type, Where, Dir      string
	Verdict, Impacts, Part, Tip string
	Rank                        int
	Size, Bytes                 int64
	Packet, Log                 bool
	Guess                       int // 0: no guess worth a word
}

type place struct {
	File       int // -1: nothing to show
	Line, Col  int
	Where      string
	Text, Hint string
	ID         string
}

type phase struct {
	Name  string
	Wall  float64
	Share float64
}

var ranks = map[string]int{report.PerFlow: 0, report.MultiFlow: 1, report.AllFlows: 2, report.Updated: 3, report.Scratch: 4, report.ReadOnly: 5, report.Unused: 6}

// Write writes the page.
func Write(w io.Writer, r *report.Report, opt Options) error {
	b := &builder{r: r, index: map[string]int{}, hits: map[int]int{}, known: map[stepKey]int{}, steps: []docStep{}}
	d := b.document(opt)
	css, err := files.ReadFile("page.css")
	if err != nil {
		return err
	}
	js, err := files.ReadFile("page.js")
	if err != nil {
		return err
	}
	v := &view{R: r, CSS: template.CSS(css), JS: template.JS(js), NoMarks: opt.NoMarks}
	n := &r.Counts
	for _, c := range []card{
		{"all", "", "all variables of the program", n.Variables, 0},
		{"persistent", "persistent", "outlive the processing of one packet", n.Persistent, 0},
		{"top-level", "top-level", "used while packets are processed", n.TopLevel, 0},
		{"updateable", "updateable", "may be written while a packet is processed", n.Updateable, 0},
		{"scratch", "scratch", "always written before they are read: carry nothing from packet to packet", n.Scratch, 0},
		{"packet-impacting", "packet", "affect packets that are sent", n.PacketOutput, 0},
		{"log-impacting", "log", "affect what is logged", n.LogOutput, 0},
		{"types to serialise", "", "record types that can be reached from tracked state", n.Serialize, 0},
	} {
		if n.Variables > 0 {
			c.Share = 100 * min(1, float64(c.N)/float64(n.Variables))
		}
		v.Cards = append(v.Cards, c)
	}
	v.Headline = headline(r)
	counts := map[string]int{}
	for i := range r.Variables {
		x := &r.Variables[i]
		word := x.Verdict()
		counts[word]++
		guess := 0
		if x.Vague() {
			guess = x.Guess
		}
		v.Rows = append(v.Rows, row{Guess: guess, Index: i, Name: x.FullName(), Type: x.Type, Where: fmt.Sprintf("%s:%d", path.Base(x.File), x.Line), Dir: dir(r.Sources.Name(x.File)), Verdict: word,
			Impacts: strings.Join(x.Impacts, ", "), Part: part(x), Tip: text.Meaning(x), Rank: ranks[word], Size: x.Size, Bytes: x.UpdatedBytes,
			Packet: has(x.Impacts, "packet"), Log: has(x.Impacts, "log")})
	}
	sort.SliceStable(v.Rows, func(i, j int) bool { return v.Rows[i].Rank < v.Rows[j].Rank }) // what matters most comes first
	for _, word := range []string{report.PerFlow, report.MultiFlow, report.AllFlows, report.Updated, report.Scratch, report.ReadOnly, report.Unused} {
		if counts[word] > 0 {
			v.Verdicts = append(v.Verdicts, chip{word, counts[word]})
		}
	}
	at := func(file string, line, col int) place {
		p := place{File: -1, Line: line, Col: col}
		if file != "" {
			p.Where = fmt.Sprintf("%s:%d", r.Sources.Name(file), line)
			if i, ok := b.index[file]; ok && r.Sources.Own(file) {
				p.File = i
			}
		}
		return p
	}
	for _, x := range r.Decisions {
		p := at(x.File, x.Line, x.Col)
		p.Text, p.Hint, p.ID = x.Message, x.Hint, x.ID
		v.Decisions = append(v.Decisions, p)
	}
	for _, x := range r.Unmodelled {
		p := at(x.File, x.Line, x.Col)
		p.Text, p.Hint = x.Function, text.Plural(x.Calls, "call")
		v.Missing = append(v.Missing, p)
	}
	for _, x := range r.Diagnostics {
		p := at(x.File, x.Line, x.Col)
		p.Text, p.Hint, p.ID = x.Message, x.Hint, x.ID
		v.Troubles = append(v.Troubles, p)
	}
	v.Todo = len(v.Decisions) + len(v.Missing) + len(v.Troubles)
	for _, p := range r.Cost.Phases {
		share := 0.0
		if r.Cost.Wall > 0 {
			share = 100 * min(1, p.Wall/r.Cost.Wall)
		}
		v.Phases = append(v.Phases, phase{p.Name, p.Wall, share})
	}
	// The page without sources, to know how much room there is for them.
	var bare counter
	if v.Data, err = encode(d); err != nil {
		return err
	}
	if err := page.Execute(&bare, v); err != nil {
		return err
	}
	b.texts(MaxPage - int(bare))
	d.Files, v.LeftOut = b.list, b.leftOut
	if v.Data, err = encode(d); err != nil {
		return err
	}
	return page.Execute(w, v)
}

// encode writes JSON that can stand in a script element: there only < matters.
func encode(v any) (template.JS, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return "", err
	}
	return template.JS(bytes.ReplaceAll(bytes.TrimSpace(b.Bytes()), []byte("<"), []byte(`\u003c`))), nil
}

// A counter counts what is written.
type counter int

func (c *counter) Write(p []byte) (int, error) {
	*c += counter(len(p))
	return len(p), nil
}

// headline says in a sentence what there is to do.
func headline(r *report.Report) string {
	state, flows, vague := 0, 0, 0
	for i := range r.Variables {
		v := &r.Variables[i]
		if v.Tracked && v.Vague() {
			vague++
		}
		if v.Tracked {
			state++
		}
		if s := v.Verdict(); s == report.PerFlow || s == report.MultiFlow {
			flows++
		}
	}
	s := fmt.Sprintf("%s of %s variables must follow the traffic", number(int64(state)), number(int64(r.Counts.Variables)))
	if vague > 0 {
		s += fmt.Sprintf(", %s of them by a guess (?)", number(int64(vague)))
	}
	switch flows {
	case 0:
	case 1:
		s += "; one is keyed by the packet's header"
	default:
		s += fmt.Sprintf("; %d are keyed by the packet's header", flows)
	}
	if k := len(r.Decisions); k > 0 {
		s += fmt.Sprintf(". %s left to you", text.Plural(k, "decision"))
		if k == 1 {
			s = strings.Replace(s, " left", " is left", 1)
		} else {
			s = strings.Replace(s, " left", " are left", 1)
		}
	}
	return s + "."
}

// dir is the directory part of a file's name, "" for none.
func dir(name string) string {
	if d := path.Dir(name); d != "." {
		return d
	}
	return ""
}

type builder struct {
	r       *report.Report
	list    []docFile
	index   map[string]int // file → number
	paths   []string
	hits    map[int]int // findings in it
	leftOut []string
	steps   []docStep
	known   map[stepKey]int
}

// file numbers a file; each call counts as a finding in it.
func (b *builder) file(name string) int {
	i, ok := b.index[name]
	if !ok {
		i = len(b.list)
		b.index[name] = i
		b.list = append(b.list, docFile{Name: b.r.Sources.Name(name)})
		b.paths = append(b.paths, name)
	}
	b.hits[i]++
	return i
}

// path enters the steps of a path and returns the last one's number, -1 if there are none.
func (b *builder) path(list []report.Step) int {
	last := -1
	for _, s := range list {
		k := stepKey{last, s}
		i, ok := b.known[k]
		if !ok {
			i = len(b.steps)
			b.known[k] = i
			b.steps = append(b.steps, docStep{last, b.file(s.File), s.Line, s.Col, s.Text})
		}
		last = i
	}
	return last
}

type stepKey struct {
	before int
	step   report.Step
}

func (b *builder) document(opt Options) *doc {
	r := b.r
	d := &doc{Program: r.Program, Vars: []docVar{}, Procs: []docProc{}, Updates: []docUpd{}, Sets: [][]int{}, Hows: []string{}, Recv: []docSite{}, Out: []docSite{}, Marks: [][4]int{}}
	for i := range r.Variables {
		v := &r.Variables[i]
		x := docVar{Name: v.FullName(), Kind: v.Kind, Type: v.Type, Size: v.Size, File: b.file(v.File), Line: v.Line, Col: v.Col, Verdict: v.Verdict(), Meaning: text.Meaning(v),
			Impacts: v.Impacts, Keys: v.Flowspace, Fields: v.UpdatedFields, Bytes: v.UpdatedBytes, Ranges: v.Ranges, Facts: facts(v), Drawing: Draw(v)}
		for _, m := range v.Merge {
			x.Merge = append(x.Merge, [2]string{m.Field, m.Op})
		}
		for _, w := range v.Explained() {
			x.Reasons = append(x.Reasons, docReason{w.Verdict, b.path(w.Steps)})
		}
		if v.Skipped != "" {
			x.Note = "Not tracked: " + v.Skipped + " says that it need not be moved."
		} else if v.Updateable && !v.Scratch && !v.Tracked {
			x.Note = "Not tracked: only memory that has a variable of its own is updated through it, and that variable is tracked."
		}
		if v.Vague() {
			x.Note = strings.TrimSpace(fmt.Sprintf("A guess: a step of the path to its update is one of %d that the call or the pointer may reach. %s", v.Guess, x.Note))
		}
		d.Vars = append(d.Vars, x)
	}
	sets, hows := map[string]int{}, map[string]int{}
	set := func(vars []int) int {
		key := fmt.Sprint(vars)
		k, ok := sets[key]
		if !ok {
			k = len(d.Sets)
			sets[key] = k
			d.Sets = append(d.Sets, vars)
		}
		return k
	}
	for i := range r.Updates {
		u := &r.Updates[i]
		if _, ok := hows[u.How]; !ok {
			hows[u.How] = len(d.Hows)
			d.Hows = append(d.Hows, u.How)
		}
		d.Updates = append(d.Updates, docUpd{b.file(u.File), u.Line, u.Col, hows[u.How], u.Text, set(u.Vars)})
	}
	site := func(s *report.Site) docSite {
		return docSite{s.Function, s.Procedure, s.Kind, b.file(s.File), s.Line, s.Col, s.Text}
	}
	for i := range r.ReceiveSites {
		d.Recv = append(d.Recv, site(&r.ReceiveSites[i]))
	}
	for i := range r.OutputSites {
		d.Out = append(d.Out, site(&r.OutputSites[i]))
	}
	for _, x := range r.Decisions {
		b.file(x.File)
	}
	for _, x := range r.Unmodelled {
		b.file(x.File)
	}
	for _, x := range r.Diagnostics {
		b.file(x.File)
	}
	for i := range r.Spans {
		s := &r.Spans[i]
		if s.Packet < 0 { // worth showing only where its file is
			if _, ok := b.index[s.File]; !ok {
				continue
			}
			d.Procs = append(d.Procs, docProc{Name: s.Name, File: b.index[s.File], Line: s.Line, End: s.End, Why: -1})
			continue
		}
		d.Procs = append(d.Procs, docProc{Name: s.Name, File: b.file(s.File), Line: s.Line, End: s.End, Packet: true, Why: b.path(r.PacketProcedures[s.Packet].Why)})
	}
	byPath := map[string]int{}
	for i, p := range b.paths {
		byPath[p] = i
		byPath[r.Sources.Abs(p)] = i
	}
	// A line may announce updates of hundreds of variables, and so may the next one.
	type spot struct{ file, line, pruned int }
	at := map[spot][]int{}
	var spots []spot
	for _, m := range opt.Marks {
		f, ok := byPath[m.File]
		if !ok {
			continue
		}
		k := spot{file: f, line: m.Line}
		if m.Pruned {
			k.pruned = 1
		}
		if at[k] == nil {
			spots = append(spots, k)
		}
		at[k] = append(at[k], m.Var)
	}
	for _, k := range spots {
		vars := at[k]
		slices.Sort(vars)
		d.Marks = append(d.Marks, [4]int{k.file, k.line, set(slices.Compact(vars)), k.pruned})
	}
	d.Files, d.Steps = b.list, b.steps
	return d
}

// texts puts in the files' text, the ones with most findings first, as long as there is room.
func (b *builder) texts(room int) {
	order := make([]int, len(b.list))
	for i := range order {
		order[i] = i
	}
	sort.SliceStable(order, func(i, j int) bool { return b.hits[order[i]] > b.hits[order[j]] })
	for _, i := range order {
		f := &b.list[i]
		switch {
		case b.paths[i] == "" || strings.HasPrefix(b.paths[i], "<"):
			f.Why = "It is not in a file."
		case !b.r.Sources.Own(b.paths[i]):
			f.Why = "It is not one of the project's files."
		default:
			data := b.r.Sources.Text(b.paths[i])
			if data == nil {
				f.Why = "It could not be read."
				continue
			}
			text := strings.ToValidUTF8(string(data), "\uFFFD")
			js, err := encode(text)
			if err != nil || len(js) > room {
				f.Why = "It was left out to keep this page small."
				b.leftOut = append(b.leftOut, f.Name)
				continue
			}
			room -= len(js)
			f.Text = text
		}
	}
	sort.Strings(b.leftOut)
}

// part says what a variable is keyed by, or which part of it is updated.
func part(v *report.Variable) string {
	var s []string
	if v.Container != nil && v.Container.Shape != "unknown" {
		s = append(s, v.Container.Shape)
	}
	if len(v.Flowspace) > 0 {
		s = append(s, "by "+strings.Join(v.Flowspace, " "))
	}
	if len(s) == 0 && len(v.UpdatedFields) > 0 {
		f := v.UpdatedFields
		more := ""
		if len(f) > 4 {
			f, more = f[:4], fmt.Sprintf(" and %d more", len(v.UpdatedFields)-4)
		}
		count := ""
		if v.UpdatedBytes != v.Size {
			count = fmt.Sprintf("%s of %s bytes: ", number(v.UpdatedBytes), number(v.Size))
		}
		s = append(s, count+strings.Join(f, ", ")+more)
	}
	return strings.Join(s, " ")
}

// facts are the lines of a variable's description that have no drawing.
func facts(v *report.Variable) [][2]string {
	var out [][2]string
	add := func(k, s string) {
		if s != "" {
			out = append(out, [2]string{k, s})
		}
	}
	if c := v.Container; c != nil {
		shape := c.Shape
		if c.EntryType != "" {
			shape += " of " + c.EntryType
		}
		add("Container", shape)
		if l := v.Link; l != nil {
			add("Not understood", l.Unclear)
			add("Moves as a whole", l.Together)
			if c.Shape == "tree" {
				children := l.Next
				if l.Prev != "" && l.Prev != l.Next {
					children += ", " + l.Prev
				}
				add("Children", children)
			} else {
				add("Next entry", l.Next)
				add("Previous entry", l.Prev)
			}
			add("Last entry", l.Tail)
			add("Inserted by", c.Insert)
			add("Removed by", l.Remove)
			add("Looked up by", l.Lookup)
			add("Goes with each entry", strings.Join(l.Nested, ", "))
		}
	}
	return out
}

func has(list []string, s string) bool {
	for _, x := range list {
		if x == s {
			return true
		}
	}
	return false
}

// number writes 12,345.
func number(n int64) string { return group(fmt.Sprint(n)) }

func group(s string) string {
	s, neg := strings.CutPrefix(s, "-")
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	if neg {
		return "-" + s
	}
	return s
}
