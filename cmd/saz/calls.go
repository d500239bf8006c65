package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sort"
	"strconv"
	"strings"

	"github.com/emicklei/dot"
	"github.com/urfave/cli/v2"

	"saz/frontend/source"
	"saz/ir"
	"saz/passes"
	"saz/passes/callgraph"
	"saz/passes/config"
	"saz/passes/pointer"
)

// screenful is how many edges of a graph a person can still read.
const screenful = 60

func calleesCommand() *cli.Command {
	return callsCommand("callees", "which procedures a procedure, or the calls on a line, may call, and why", false)
}

func callersCommand() *cli.Command {
	return callsCommand("callers", "which calls may reach a procedure, and why", true)
}

// A call is an edge of the call graph with its reasons.
type call struct {
	Caller string     `json:"caller"`
	Callee string     `json:"callee"`
	Kind   string     `json:"kind"` // direct, indirect, callback, thread, signal
	File   string     `json:"file"`
	Line   int        `json:"line"`
	Text   string     `json:"text"`
	Why    []position `json:"why,omitempty"` // of a call that is not direct: where the procedure's address comes from
}

type position struct {
	File string `json:"file"`
	Line int    `json:"line"`
	Text string `json:"text"`
}

func callsCommand(name, use string, in bool) *cli.Command {
	what := "PROCEDURE|FILE:LINE"
	if in {
		what = "PROCEDURE"
	}
	return &cli.Command{
		Name:      name,
		Usage:     use,
		ArgsUsage: "TARGET " + what + " | FILE.c... " + what + " -- FLAGS",
		Flags: commonFlags(
			&cli.BoolFlag{Name: "json", Usage: "as JSON"},
			&cli.BoolFlag{Name: "dot", Usage: fmt.Sprintf("as a graph for Graphviz, if it has at most %d edges", screenful)},
		),
		Action: func(c *cli.Context) error {
			targets, flags, err := target(c)
			if err != nil {
				return err
			}
			if len(targets) < 2 {
				return usage("%s needs a TARGET and a %s", name, what)
			}
			a, err := loadTarget(c, targets[:len(targets)-1], flags)
			if err != nil {
				return err
			}
			if err := a.Need(callgraph.Pass); err != nil {
				return cli.Exit(err.Error(), exitInternal)
			}
			code := complain(c, a)
			edges, err := findCalls(a.Context, targets[len(targets)-1], in)
			if err != nil {
				return err
			}
			w := newCallWriter(a.Context)
			list := w.describe(edges)
			switch {
			case c.Bool("json"):
				if err := writeJSON(os.Stdout, list); err != nil {
					return cli.Exit(err.Error(), exitInternal)
				}
			case c.Bool("dot"):
				if len(list) > screenful {
					return usage("that graph has %d edges, more than the %d that a person can read; ask for one procedure or line", len(list), screenful)
				}
				callsDOT(os.Stdout, list)
			default:
				printCalls(os.Stdout, list, colour(c, os.Stdout))
			}
			return exit(code)
		},
	}
}

// findCalls returns the edges that at, a procedure or FILE:LINE, stands for.
func findCalls(c *passes.Context, at string, in bool) ([]callgraph.Edge, error) {
	cg := callgraph.Of(c)
	var edges []callgraph.Edge
	if file, line, ok := fileLine(at); ok && !in {
		refs := instrsAt(c, file, line)
		if len(refs) == 0 {
			return nil, usage("no code of %s stands at %s", c.Prog.Name, at)
		}
		for _, ref := range refs {
			for _, e := range cg.Out(ref.Func) {
				if e.Site == ref {
					edges = append(edges, e)
				}
			}
		}
		return edges, nil
	}
	funcs, err := procedures(c.Prog, at)
	if err != nil {
		return nil, err
	}
	for _, f := range funcs {
		if in {
			edges = append(edges, cg.In(f)...)
		} else {
			edges = append(edges, cg.Out(f)...)
		}
	}
	return edges, nil
}

// procedures returns those of the name, or an error with a suggestion.
func procedures(p *ir.Program, name string) ([]ir.FuncID, error) {
	var out []ir.FuncID
	var known []string
	for _, f := range p.Funcs {
		if f.Name == name {
			out = append(out, f.ID)
		}
		known = append(known, f.Name)
	}
	if len(out) == 0 {
		if best := config.Nearest(name, known); best != "" {
			return nil, usage("%s has no procedure %q; did you mean %q?", p.Name, name, best)
		}
		return nil, usage("%s has no procedure %q", p.Name, name)
	}
	return out, nil
}

// fileLine takes FILE:LINE apart.
func fileLine(s string) (file string, line int, ok bool) {
	i := strings.LastIndexByte(s, ':')
	if i <= 0 {
		return "", 0, false
	}
	line, err := strconv.Atoi(s[i+1:])
	return s[:i], line, err == nil && line > 0
}

// sameFile reports whether path is what a person calls name: a suffix of it in whole components.
func sameFile(path, name string) bool {
	path, name = filepath.Clean(path), filepath.Clean(name)
	return path == name || strings.HasSuffix(path, "/"+strings.TrimPrefix(name, "./"))
}

// instrsAt returns the instructions whose text begins on a line, by procedure and index.
func instrsAt(c *passes.Context, file string, line int) []ir.Ref {
	var out []ir.Ref
	named := map[source.FileID]bool{} // by file, whether it is the one that is meant
	for _, f := range c.Prog.Funcs {
		for i := range f.Instrs {
			ref := ir.Ref{Func: f.ID, I: int32(i)}
			pos := c.Pos(ref)
			if !pos.IsValid() {
				continue
			}
			is, known := named[pos.File]
			if !known {
				is = sameFile(c.Prog.Files.Place(pos).Path, file)
				named[pos.File] = is
			}
			if is && c.Prog.Files.Place(pos).Line == line {
				out = append(out, ref)
			}
		}
	}
	return out
}

// A callWriter knows where the address of each procedure is taken.
type callWriter struct {
	c     *passes.Context
	taken map[ir.FuncID][]position
	dir   string
}

func newCallWriter(c *passes.Context) *callWriter {
	w := &callWriter{c: c, taken: map[ir.FuncID][]position{}}
	w.dir, _ = os.Getwd()
	for _, f := range c.Prog.Funcs {
		for i := range f.Instrs {
			in, ref := &f.Instrs[i], ir.Ref{Func: f.ID, I: int32(i)}
			in.Operands(func(v *ir.Value) {
				if v.Kind == ir.VFunc && !(in.Op == ir.Call && v == &in.A) {
					w.take(ir.FuncID(v.ID), c.Pos(ref), "its address is taken in "+f.Name+": "+c.Text(ref))
				}
			})
		}
	}
	for _, g := range c.Prog.Globals {
		for i := range g.Init {
			if v := &g.Init[i].Value; v.Kind == ir.VFunc {
				w.take(ir.FuncID(v.ID), g.Pos, "its address initialises "+g.Name)
			}
		}
	}
	return w
}

func (w *callWriter) place(pos source.Pos) (string, int) {
	p := w.c.Prog.Files.Place(pos)
	return passes.Short(w.dir, p.Path), p.Line
}

func (w *callWriter) take(f ir.FuncID, pos source.Pos, text string) {
	file, line := w.place(pos)
	for _, p := range w.taken[f] {
		if p.File == file && p.Line == line {
			return
		}
	}
	w.taken[f] = append(w.taken[f], position{file, line, text})
}

func (w *callWriter) describe(edges []callgraph.Edge) []call {
	out := []call{}
	for _, e := range edges {
		p := w.c.Prog
		x := call{Caller: p.Funcs[e.Site.Func].Name, Callee: p.Funcs[e.Callee].Name, Kind: "direct", Text: w.c.Text(e.Site)}
		x.File, x.Line = w.place(w.c.Pos(e.Site))
		switch in := w.c.Instr(e.Site); {
		case e.Callback && e.How != nil && e.How.Thread:
			x.Kind = "thread"
		case e.Callback && e.How != nil && e.How.Signal:
			x.Kind = "signal"
		case e.Callback:
			x.Kind = "callback"
		case in.Op == ir.Call && in.A.Kind != ir.VFunc:
			x.Kind = "indirect"
		}
		if x.Kind != "direct" {
			x.Why = w.taken[e.Callee]
			for _, y := range x.Why { // the call that hands the address over says it all
				if e.Callback && y.File == x.File && y.Line == x.Line {
					x.Why = []position{y}
					break
				}
			}
		}
		out = append(out, x)
	}
	sort.SliceStable(out, func(i, j int) bool {
		a, b := &out[i], &out[j]
		switch {
		case a.File != b.File:
			return a.File < b.File
		case a.Line != b.Line:
			return a.Line < b.Line
		case a.Callee != b.Callee:
			return a.Callee < b.Callee
		}
		return a.Caller < b.Caller
	})
	return out
}

func printCalls(w io.Writer, list []call, color bool) {
	bold, off := "", ""
	if color {
		bold, off = "\x1b[1m", "\x1b[0m"
	}
	if len(list) == 0 {
		fmt.Fprintln(w, "no calls")
	}
	for _, x := range list {
		fmt.Fprintf(w, "%s:%d: %s%s%s calls %s%s%s (%s): %s\n", x.File, x.Line, bold, x.Caller, off, bold, x.Callee, off, x.Kind, x.Text)
		for i, y := range x.Why {
			if i == 5 {
				fmt.Fprintf(w, "    and %d more\n", len(x.Why)-i)
				break
			}
			fmt.Fprintf(w, "    %s:%d: %s\n", y.File, y.Line, y.Text)
		}
	}
}

func callsDOT(w io.Writer, list []call) {
	g := dot.NewGraph(dot.Directed)
	g.Attr("rankdir", "LR")
	for _, x := range list {
		e := g.Edge(g.Node(x.Caller), g.Node(x.Callee), fmt.Sprintf("%s:%d", filepath.Base(x.File), x.Line))
		if x.Kind != "direct" {
			e.Attr("style", "dashed").Attr("tooltip", x.Kind)
		}
	}
	g.Write(w)
}

func writeJSON(w io.Writer, v any) error {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	return enc.Encode(v)
}

// objectPlace returns where an object comes from.
func (w *callWriter) objectPlace(o *pointer.Object) (string, int) {
	p := w.c.Prog
	switch o.Kind {
	case pointer.Global:
		return w.place(p.Globals[o.Global].Pos)
	case pointer.Func:
		return w.place(p.Funcs[o.Func].Pos)
	case pointer.Local:
		return w.place(p.Funcs[o.Func].Locals[o.Local].Pos)
	case pointer.Heap:
		return w.place(w.c.Pos(o.Site))
	}
	return "", 0
}
