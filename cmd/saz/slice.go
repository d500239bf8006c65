package main

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sort"
	"strings"

	"github.com/emicklei/dot"
	"github.com/urfave/cli/v2"

	"saz/frontend/source"
	"saz/ir"
	"saz/passes"
	"saz/passes/sdg"
	"saz/passes/slice"
)

var sliceFlags = []cli.Flag{
	&cli.StringFlag{Name: "why", Usage: "only the way between `FILE:LINE` and the criterion, step by step"},
	&cli.BoolFlag{Name: "json", Usage: "as JSON"},
	&cli.BoolFlag{Name: "dot", Usage: fmt.Sprintf("as a graph for Graphviz, if it has at most %d edges", screenful)},
}

func sliceCommand() *cli.Command {
	return &cli.Command{
		Name:      "slice",
		Usage:     "what depends on a line (--forward), or what it depends on (--backward), and why",
		ArgsUsage: "TARGET FILE:LINE | FILE.c... FILE:LINE -- FLAGS",
		Flags: commonFlags(append([]cli.Flag{
			&cli.BoolFlag{Name: "forward", Usage: "what the line affects"},
			&cli.BoolFlag{Name: "backward", Usage: "what affects the line"},
		}, sliceFlags...)...),
		Action: func(c *cli.Context) error {
			if c.Bool("forward") == c.Bool("backward") {
				return usage("slice needs --forward or --backward")
			}
			v, at, code, err := sliceTarget(c, 1, "FILE:LINE")
			if err != nil {
				return err
			}
			refs, err := v.criterion(at[0])
			if err != nil {
				return err
			}
			v.forward = c.Bool("forward")
			if v.forward {
				v.set, v.verb = slice.Of(v.c).Forward(refs), "depend on "+at[0]
			} else {
				v.set, v.verb = slice.Of(v.c).Backward(refs), "affect "+at[0]
			}
			return v.show(c, code)
		},
	}
}

func chopCommand() *cli.Command {
	return &cli.Command{
		Name:      "chop",
		Usage:     "by way of which lines one line affects another",
		ArgsUsage: "TARGET FROM TO | FILE.c... FROM TO -- FLAGS, each a FILE:LINE",
		Flags:     commonFlags(sliceFlags...),
		Action: func(c *cli.Context) error {
			v, at, code, err := sliceTarget(c, 2, "FROM and a TO, each FILE:LINE")
			if err != nil {
				return err
			}
			from, err := v.criterion(at[0])
			if err != nil {
				return err
			}
			to, err := v.criterion(at[1])
			if err != nil {
				return err
			}
			s := slice.Of(v.c)
			v.set, v.verb, v.forward = s.Chop(s.Forward(from), s.Backward(to)), "lead from "+at[0]+" to "+at[1], true
			return v.show(c, code)
		},
	}
}

// sliceTarget reads the program and takes the last n arguments off.
func sliceTarget(c *cli.Context, n int, what string) (v *sliceView, at []string, code int, err error) {
	targets, flags, err := target(c)
	if err != nil {
		return nil, nil, 0, err
	}
	k := len(targets) - n
	if k < 1 {
		return nil, nil, 0, usage("%s needs a TARGET and a %s", c.Command.Name, what)
	}
	a, err := loadTarget(c, targets[:k], flags)
	if err != nil {
		return nil, nil, 0, err
	}
	if err := a.Need(slice.Pass); err != nil {
		return nil, nil, 0, cli.Exit(err.Error(), exitInternal)
	}
	code = complain(c, a)
	v = &sliceView{c: a.Context, text: map[source.FileID][]string{}}
	v.dir, _ = os.Getwd()
	return v, targets[k:], code, nil
}

// A sliceView prints a slice.
type sliceView struct {
	c       *passes.Context
	set     *slice.Set
	verb    string // what its lines do with the criterion
	forward bool
	dir     string
	text    map[source.FileID][]string
}

// A sliceLine is one line of a slice, and the edge by which the search came to it.
type sliceLine struct {
	File      string     `json:"file"`
	Line      int        `json:"line"`
	Procedure string     `json:"procedure"`
	Text      string     `json:"text"`
	Why       *sliceStep `json:"why,omitempty"` // none: the criterion itself
}

// A sliceStep is the other end of an edge: what the line depends on or, in a
// backward slice, what depends on the line.
type sliceStep struct {
	Kind string `json:"kind"` // data, memory, control, call, argument, return, through the call
	File string `json:"file"`
	Line int    `json:"line"`
	Text string `json:"text"`
}

// criterion returns the instructions on a line.
func (v *sliceView) criterion(at string) ([]ir.Ref, error) {
	file, line, ok := fileLine(at)
	if !ok {
		return nil, usage("%q is not FILE:LINE", at)
	}
	refs := instrsAt(v.c, file, line)
	if len(refs) == 0 {
		return nil, usage("no code of %s stands at %s", v.c.Prog.Name, at)
	}
	return refs, nil
}

func (v *sliceView) place(ref ir.Ref) (string, int) {
	p := v.c.Prog.Files.Place(v.c.Pos(ref))
	return passes.Short(v.dir, p.Path), p.Line
}

// source returns the source line at pos without its indentation.
func (v *sliceView) source(pos source.Pos) string {
	lines, ok := v.text[pos.File]
	if !ok {
		if data, err := os.ReadFile(v.c.Prog.Files.Place(pos).Path); err == nil {
			lines = strings.Split(string(data), "\n")
		}
		v.text[pos.File] = lines
	}
	if n := v.c.Prog.Files.Place(pos).Line; n > 0 && n <= len(lines) {
		return strings.TrimSpace(lines[n-1])
	}
	return ""
}

// shows reports whether an instruction stands for its line: jumps and what no
// expression stands behind do not.
func (v *sliceView) shows(ref ir.Ref) bool {
	return v.c.Pos(ref).IsValid() && v.c.Instr(ref).Op != ir.Jump
}

// lines returns those of the slice, by file and line, each once.
func (v *sliceView) lines() []sliceLine {
	type key struct {
		file source.FileID
		line int
	}
	at := map[key]int{}
	var out []sliceLine
	var settled []bool // the reason will not change
	v.set.Each(func(ref ir.Ref) {
		if !v.shows(ref) {
			return
		}
		pos := v.c.Pos(ref)
		k := key{pos.File, v.c.Prog.Files.Place(pos).Line}
		i, ok := at[k]
		if !ok {
			i = len(out)
			at[k] = i
			l := sliceLine{Procedure: v.c.Prog.Funcs[ref.Func].Name, Text: v.source(pos)}
			l.File, l.Line = v.place(ref)
			out, settled = append(out, l), append(settled, false)
		}
		l := &out[i]
		from, how, ok := v.set.Step(ref)
		if !ok {
			l.Why, settled[i] = nil, true // a criterion
			return
		}
		if settled[i] {
			return
		}
		s := &sliceStep{Kind: how.String(), Text: v.c.Text(from)}
		s.File, s.Line = v.place(from)
		settled[i] = s.File != l.File || s.Line != l.Line // from outside the line says more
		if l.Why == nil || settled[i] {
			l.Why = s
		}
	})
	sort.SliceStable(out, func(i, j int) bool {
		if out[i].File != out[j].File {
			return out[i].File < out[j].File
		}
		return out[i].Line < out[j].Line
	})
	return out
}

func (v *sliceView) show(c *cli.Context, code int) error {
	if at := c.String("why"); at != "" {
		return v.why(c, at, code)
	}
	lines := v.lines()
	switch {
	case c.Bool("json"):
		total := 0
		for _, f := range v.c.Prog.Funcs {
			total += len(f.Instrs)
		}
		if lines == nil {
			lines = []sliceLine{}
		}
		if err := writeJSON(os.Stdout, struct {
			Instructions int         `json:"instructions"`
			Of           int         `json:"of"`
			Procedures   int         `json:"procedures"`
			Lines        []sliceLine `json:"lines"`
		}{v.set.Len(), total, len(v.set.Procs()), lines}); err != nil {
			return cli.Exit(err.Error(), exitInternal)
		}
	case c.Bool("dot"):
		if len(lines) > screenful {
			return usage("that slice has %s, more than the %d that a person can read as a graph; ask for a chop, or for --why FILE:LINE", count(len(lines), "line"), screenful)
		}
		return v.dot(os.Stdout, code)
	default:
		w := bufio.NewWriter(os.Stdout)
		v.print(w, lines, colour(c, os.Stdout))
		if err := w.Flush(); err != nil {
			return cli.Exit(err.Error(), exitInternal)
		}
	}
	return exit(code)
}

// print sets the lines out by procedure, within 100 columns: number, source, and
// the edge that leads there.
func (v *sliceView) print(w io.Writer, lines []sliceLine, color bool) {
	bold, dim, off := "", "", ""
	if color {
		bold, dim, off = "\x1b[1m", "\x1b[2m", "\x1b[0m"
	}
	total := 0
	for _, f := range v.c.Prog.Funcs {
		total += len(f.Instrs)
	}
	fmt.Fprintf(w, "%s%s in %s %s%s: %.1f %% of the program\n", bold, count(len(lines), "line"), count(len(v.set.Procs()), "procedure"), v.verb, off,
		100*float64(v.set.Len())/float64(max(total, 1)))
	for i, l := range lines {
		if i == 0 || l.File != lines[i-1].File || l.Procedure != lines[i-1].Procedure {
			fmt.Fprintf(w, "\n%s%s%s %s\n", bold, l.Procedure, off, l.File)
		}
		why := "the criterion"
		if l.Why != nil {
			place := fmt.Sprint(l.Why.Line)
			if l.Why.File != l.File {
				place = fmt.Sprintf("%s:%d", filepath.Base(l.Why.File), l.Why.Line)
			}
			arrow := "←"
			if !v.forward {
				arrow = "→"
			}
			why = fmt.Sprintf("%s %s %s", arrow, l.Why.Kind, place)
		}
		fmt.Fprintf(w, "%6d  %-60s %s%s%s\n", l.Line, cut(strings.ReplaceAll(l.Text, "\t", " "), 60), dim, why, off)
	}
}

// why prints a shortest way between the criterion and a line.
func (v *sliceView) why(c *cli.Context, at string, code int) error {
	refs, err := v.criterion(at)
	if err != nil {
		return err
	}
	var best []passes.Why
	for _, ref := range refs {
		if p := v.set.Path(ref); p != nil && (best == nil || len(p) < len(best)) {
			best = p
		}
	}
	steps := []position{}
	for _, s := range best {
		p := v.c.Prog.Files.Place(s.Pos)
		steps = append(steps, position{passes.Short(v.dir, p.Path), p.Line, s.Text})
	}
	if c.Bool("json") {
		if err := writeJSON(os.Stdout, steps); err != nil {
			return cli.Exit(err.Error(), exitInternal)
		}
		return exit(code)
	}
	if len(steps) == 0 {
		fmt.Printf("%s does not %s\n", at, strings.Replace(v.verb, "lead", "lie on a way", 1))
	}
	for _, s := range steps {
		fmt.Printf("%s:%d: %s\n", s.File, s.Line, s.Text)
	}
	return exit(code)
}

// dot prints the slice as a graph of lines, with the kinds of the dependences.
func (v *sliceView) dot(w io.Writer, code int) error {
	type edge struct{ from, to, how string }
	g := dot.NewGraph(dot.Directed)
	g.NodeInitializer(func(n dot.Node) { n.Attr("shape", "box").Attr("fontname", "monospace") })
	node := func(ref ir.Ref) string {
		file, line := v.place(ref)
		return fmt.Sprintf("%s:%d  %s", filepath.Base(file), line, cut(v.source(v.c.Pos(ref)), 50))
	}
	var edges []edge
	seen := map[edge]bool{}
	v.set.Edges(func(from, to ir.Ref, how sdg.Kind) {
		if !v.shows(from) || !v.shows(to) {
			return
		}
		e := edge{node(from), node(to), how.String()}
		if e.from != e.to && !seen[e] {
			seen[e] = true
			edges = append(edges, e)
		}
	})
	if len(edges) > screenful {
		return usage("that graph has %d edges, more than the %d that a person can read; ask for a chop, or for --why FILE:LINE", len(edges), screenful)
	}
	v.set.Each(func(ref ir.Ref) {
		if v.shows(ref) {
			g.Node(node(ref))
		}
	})
	for _, e := range edges {
		g.Edge(g.Node(e.from), g.Node(e.to), e.how)
	}
	g.Write(w)
	return exit(code)
}
