package main

import (
	"fmt"
	"os"
	"sort"
	"strings"

	"github.com/urfave/cli/v2"

	"saz/ir"
	"saz/passes"
	"saz/passes/pointer"
	"saz/passes/pointsto"
)

func pointsToCommand() *cli.Command {
	return &cli.Command{
		Name:      "points-to",
		Usage:     "what the pointers stored in each variable, or one expression, may point at",
		ArgsUsage: "TARGET [EXPR@FILE:LINE] | FILE.c... [EXPR@FILE:LINE] -- FLAGS",
		Flags: commonFlags(
			&cli.BoolFlag{Name: "why", Usage: fmt.Sprintf("with EXPR: for each place (of more than %d the first ones) by which assignments it got there", whyPlaces)},
			&cli.BoolFlag{Name: "json", Usage: "as JSON"},
		),
		Action: func(c *cli.Context) error {
			targets, flags, err := target(c)
			if err != nil {
				return err
			}
			expr, file, line := "", "", 0
			if last := targets[len(targets)-1]; len(targets) > 1 {
				if e, at, ok := strings.Cut(last, "@"); ok {
					if file, line, ok = fileLine(at); !ok || e == "" {
						return usage("%q is not EXPR@FILE:LINE", last)
					}
					expr, targets = e, targets[:len(targets)-1]
				}
			}
			a, err := loadTarget(c, targets, flags)
			if err != nil {
				return err
			}
			if err := a.Need(pointer.Pass); err != nil {
				return cli.Exit(err.Error(), exitInternal)
			}
			code := complain(c, a)
			if expr != "" {
				answer, err := pointsto.PointsTo(a.Context, expr, file, line)
				if err != nil {
					return usage("%s", err)
				}
				return printPlaces(c, pointees(a.Context, answer, c.Bool("why")), code)
			}
			if c.Bool("why") {
				return usage("--why needs an EXPR@FILE:LINE")
			}
			return printContents(c, a.Context, code)
		},
	}
}

// whyPlaces is for how many places --why looks.
const whyPlaces = 20

// A pointee is one place at which an expression may point.
type pointee struct {
	Place string     `json:"place"`
	File  string     `json:"file,omitempty"` // where the object is declared or allocated
	Line  int        `json:"line,omitempty"`
	Why   []position `json:"why,omitempty"`
}

func pointees(c *passes.Context, answer *pointsto.Answer, why bool) []pointee {
	pt, w := pointer.Of(c), newCallWriter(c)
	type found struct {
		pointee
		at pointer.Loc
	}
	var list []found
	for _, l := range answer.Places {
		x := found{pointee{Place: pt.LocName(l)}, l}
		x.File, x.Line = w.objectPlace(&pt.Objects[l.Obj])
		list = append(list, x)
	}
	sort.SliceStable(list, func(i, j int) bool {
		a, b := &list[i], &list[j]
		if a.Place != b.Place {
			return a.Place < b.Place
		}
		return a.File < b.File || a.File == b.File && a.Line < b.Line
	})
	var out []pointee
	for i := range list {
		x := &list[i]
		if n := len(out); n > 0 && out[n-1].Place == x.Place && out[n-1].File == x.File && out[n-1].Line == x.Line {
			continue // objects that only their callers tell apart
		}
		if why && len(out) < whyPlaces {
			for _, s := range pointsto.Why(c, answer, x.at) {
				file, line := w.place(s.Pos)
				x.Why = append(x.Why, position{file, line, s.Text})
			}
		}
		out = append(out, x.pointee)
	}
	return out
}

func printPlaces(c *cli.Context, places []pointee, code int) error {
	if c.Bool("json") {
		if places == nil {
			places = []pointee{}
		}
		if err := writeJSON(os.Stdout, places); err != nil {
			return cli.Exit(err.Error(), exitInternal)
		}
		return exit(code)
	}
	if len(places) == 0 {
		fmt.Println("nothing")
	}
	for _, p := range places {
		fmt.Print(p.Place)
		if p.File != "" && p.Line > 0 {
			fmt.Printf("  %s:%d", p.File, p.Line)
		}
		fmt.Println()
		for _, y := range p.Why {
			fmt.Printf("    %s:%d: %s\n", y.File, y.Line, y.Text)
		}
	}
	return exit(code)
}

// printContents lists what is stored in each object.
func printContents(c *cli.Context, ctx *passes.Context, code int) error {
	type entry struct {
		Object   string   `json:"object"`
		PointsTo []string `json:"points_to"`
	}
	pt, list := pointer.Of(ctx), []entry{}
	for o := range pt.Objects {
		e := entry{Object: objectName(ctx.Prog, pt, pointer.ObjID(o)), PointsTo: []string{}}
		for _, l := range pt.Contents(pointer.ObjID(o), pointer.Any) {
			name := objectName(ctx.Prog, pt, l.Obj)
			if l.Off > 0 {
				name += fmt.Sprintf("+%d", l.Off)
			}
			e.PointsTo = append(e.PointsTo, name)
		}
		if len(e.PointsTo) > 0 {
			list = append(list, e)
		}
	}
	if c.Bool("json") {
		if err := writeJSON(os.Stdout, list); err != nil {
			return cli.Exit(err.Error(), exitInternal)
		}
		return exit(code)
	}
	for _, e := range list {
		fmt.Printf("%s\n", e.Object)
		for _, p := range e.PointsTo {
			fmt.Printf("    → %s\n", p)
		}
	}
	return exit(code)
}

// objectName names an abstract object: hosts, main.buf, malloc@host.c:51.
func objectName(p *ir.Program, pt *pointer.Result, id pointer.ObjID) string {
	o := &pt.Objects[id]
	switch o.Kind {
	case pointer.Global:
		g := p.Globals[o.Global]
		if g.String {
			return fmt.Sprintf("%q", g.Data)
		}
		if g.Proc >= 0 {
			return p.Funcs[g.Proc].Name + "." + g.Name
		}
		return g.Name
	case pointer.Func:
		return p.Funcs[o.Func].Name + "()"
	case pointer.Local:
		return p.Funcs[o.Func].Name + "." + p.Funcs[o.Func].Locals[o.Local].Name
	case pointer.Heap:
		f := p.Funcs[o.Site.Func]
		in := &f.Instrs[o.Site.I]
		toks := p.Units[in.Pos.Unit].AST.Tokens()
		return "heap@" + p.Files.Place(toks[in.Pos.Tok].Exp).String()
	}
	return "unknown"
}
