package main

import (
	"encoding/json"
	"fmt"
	"os"

	"github.com/urfave/cli/v2"

	"saz/ir"
	"saz/passes/pointer"
)

func pointsToCommand() *cli.Command {
	return &cli.Command{
		Name:      "points-to",
		Usage:     "what the pointers stored in each variable may point at",
		ArgsUsage: targetHelp,
		Flags:     commonFlags(&cli.BoolFlag{Name: "json", Usage: "as JSON"}),
		Action: func(c *cli.Context) error {
			a, err := load(c)
			if err != nil {
				return err
			}
			if err := a.Need(pointer.Pass); err != nil {
				return cli.Exit(err.Error(), exitInternal)
			}
			code := complain(c, a)
			type entry struct {
				Object   string   `json:"object"`
				PointsTo []string `json:"points_to"`
			}
			pt, list := pointer.Of(a.Context), []entry{}
			for o := range pt.Objects {
				e := entry{Object: objectName(a.Context.Prog, pt, pointer.ObjID(o)), PointsTo: []string{}}
				for _, l := range pt.Contents(pointer.ObjID(o), pointer.Any) {
					name := objectName(a.Context.Prog, pt, l.Obj)
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
				enc := json.NewEncoder(os.Stdout)
				enc.SetEscapeHTML(false)
				enc.SetIndent("", "  ")
				if err := enc.Encode(list); err != nil {
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
		},
	}
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
		toks := p.Units[in.Pos.Unit].AST.Cpp.Tokens
		return "heap@" + p.Files.Place(toks[in.Pos.Tok].Exp).String()
	}
	return "unknown"
}
