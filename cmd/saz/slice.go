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
			a, at, err := sliceTarget(c, 1, "FILE:LINE")
			if err != nil {
				return err
			}
			code := complain(c, a)
			refs, err := criterion(a, at[0])
			if err != nil {
				return err
			}
			v := newSliceView(a)
			if c.Bool("forward") {
				v.set, v.verb = slice.Of(a).Forward(refs), "depend on "+at[0]
			} else {
				v.set, v.verb = slice.Of(a).Backward(refs), "affect "+at[0]
			}
			v.forward = c.Bool("forward")
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
			a, at, err := sliceTarget(c, 2, "FROM and a TO, each FILE:LINE")
			if err != nil {
				return err
			}
			code := complain(c, a)
			from, err := criterion(a, at[0])
			if err != nil {
				return err
			}
			to, err := criterion(a, at[1])
			if err != nil {
				return err
			}
			v := newSliceView(a)
			s := slice.Of(a)
			v.set, v.verb, v.forward = s.Chop(s.Forward(from), s.Backward(to)), "lead from "+at[0]+" to "+at[1], true
			return v.show(c, code)
		},
	}
}

// sliceTarget reads the program and takes the last n arguments off.
func sliceTarget(c *cli.Context, n int, what string) (*passes.Context, []string, error) {
	targets, flags, err := target(c)
	if err != nil {
		return nil, nil, err
	}
	if len(targets) <= n {
		return nil, nil, usage("%s needs a TARGET and a %s", c.Command.Name, what)
	}
	k := len(targets) - n
	a, err := loadTarget(c, targets[:k], flags)
	if err != nil {
		return nil, nil, err
	}
	if err := a.Need(slice.Pass); err != nil {
		return nil, nil, cli.Exit(err.Error(), exitInternal)
	}
	loaded = a
	return a.Context, targets[k:], nil
}

// criterion returns the instructions on a line.
func criterion(c *passes.Context, at string) ([]ir.Ref, error) {
	file, line, ok := fileLine(at)
	if !ok {
		return nil, usage("%q is not FILE:LINE", at)
	}
	refs := instrsAt(c, file, line)
	if len(refs) == 0 {
		return nil, usage("no code of %s stands at %s", c.Prog.Name, at)
	}
	return refs, nil
}

// A sliceLine is one line of a slice, and by which edge the search came to it.
type sliceLine struct {
	File      string     `json:"file"`
	Line      int        `json:"line"`
	Procedure string     `json:"procedure"`
	Text      string     `json:"text"`
	Why       *sliceStep `json:"why,omitempty"` // none: the criterion itself

	pos source.Pos
}

// A sliceStep is an edge, from what is depended on to what depends (of a
// backward slice: to the line that this one affects).
type sliceStep struct {
	Kind string `json:"kind"` // data, memory, control, call, argument, return, through the call
	File string `json:"file"`
	Line int    `json:"line"`
	Text string `json:"text"`
}

type sliceView struct {
	c       *passes.Context
	set     *slice.Set
	verb    string
	forward bool
	dir     string
	text    map[source.FileID][]string
}

func newSliceView(c *passes.Context) *sliceView {
	v := &sliceView{c: c, text: map[source.FileID][]string{}}
	v.dir, _ = os.Getwd()
	return v
}

func (v *sliceView) place(pos source.Pos) (string, int) {
	p := v.c.Prog.Files.Place(pos)
	return passes.Short(v.dir, p.Path), p.Line
}

// line returns the source line at pos, trimmed.
func (v *sliceView) line(pos source.Pos) string {
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

// lines returns those of the slice, by file and line, each once.
func (v *sliceView) lines() []sliceLine {
	type key struct {
		file source.FileID
		line int
	}
	at := map[key]int{}
	var out []sliceLine
	v.set.Each(func(ref ir.Ref) {
		pos := v.c.Pos(ref)
		if !pos.IsValid() || v.c.Instr(ref).Op == ir.Jump {
			return
		}
		k := key{pos.File, v.c.Prog.Files.Place(pos).Line}
		i, ok := at[k]
		if !ok {
			i = len(out)
			at[k] = i
			l := sliceLine{Procedure: v.c.Prog.Funcs[ref.Func].Name, Text: v.line(pos), pos: pos}
			l.File, l.Line = v.place(pos)
			out = append(out, l)
		} else if out[i].Why == nil {
			return
		}
		from, how, ok := v.set.Step(ref)
		if !ok {
			out[i].Why = nil // a criterion
			return
		}
		if out[i].Why == nil {
			s := &sliceStep{Kind: how.String(), Text: v.c.Text(from)}
			s.File, s.Line = v.place(v.c.Pos(from))
			if s.Line != out[i].Line || s.File != out[i].File {
				out[i].Why = s
			} else if !at2(out[i].Why) {
				out[i].Why = s
			}
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
