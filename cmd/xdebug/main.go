package main

import (
	"fmt"
"encoding/json"
	"os"
	"time"

	"saz/frontend"
	"saz/frontend/build"
	"saz/frontend/source"
	"saz/ir/link"
	"saz/ir/models"
	"saz/passes"
	"saz/passes/modref"
	"saz/passes/scratch"
	"saz/passes/container"
	"saz/passes/flowspace"
	"saz/passes/output"
	"saz/passes/merge"
	"saz/passes/plan"
	"saz/passes/report"
	"saz/passes/persist"
	"saz/passes/pointer"
	"saz/passes/receive"
	"saz/passes/slice"
	"saz/passes/toplevel"
	"saz/passes/update"
)

func main() {
	sink := &source.Sink{}
	p, err := build.Load(os.Args[1:2], nil)
	if err != nil {
		panic(err)
	}
	t := time.Now()
	f, err := frontend.Load(p, sink, 2)
	if err != nil {
		panic(err)
	}
	fmt.Println("frontend", time.Since(t))
	t = time.Now()
	prog := link.Link(p.Name, f.Units, f.Files, sink, 2)
	fmt.Println("link", time.Since(t), len(prog.Funcs), len(prog.Globals))
	for i, d := range sink.Sorted(f.Files) {
		if i > 20 {
			break
		}
		source.Render(os.Stdout, f.Files, d, false)
	}
	fmt.Println(sink.Errors(), "errors")
	c := &passes.Context{Prog: prog, Models: models.Default(), Sink: sink, Jobs: 2}
	for _, ps := range []*passes.Pass{pointer.Pass, modref.Pass, slice.Pass, receive.Pass, persist.Pass, toplevel.Pass, update.Pass, scratch.Pass, container.Pass, flowspace.Pass, output.Pass, merge.Pass, plan.Pass, report.Pass} {
		if err := c.Need(ps); err != nil {
			panic(err)
		}
	}
	for _, ph := range c.Phases {
		fmt.Println(ph)
	}
	rc := receive.Of(c)
	for _, s := range rc.Sites {
		fmt.Println("site", s.Function, c.Text(s.Ref), s.Callbacks)
	}
	for _, x := range rc.LoopProcs {
		fmt.Println("loop", prog.Funcs[x].Name)
	}
	tl, up, pv := toplevel.Of(c), update.Of(c), persist.Of(c)
	e := json.NewEncoder(os.Stderr)
	e.SetIndent("", " ")
	e.Encode(report.Of(c))
	fmt.Println("pktprocs", len(tl.PktProcs), "toplevel", len(tl.TopLevel), "persist", len(pv.Vars), "of", pv.Total)
	for i := range pv.Vars {
		v := &pv.Vars[i]
		if why, ok := up.Updateable[v.ID]; ok {
			fmt.Println("UPD", v.Kind, v.Name, up.Fields[v.ID], why[len(why)-1].Text, prog.Files.Place(why[len(why)-1].Pos))
		}
	}
}
