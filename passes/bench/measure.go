package main

import (
	"runtime"
	"strings"

	"saz/frontend/source"
	"saz/ir"
	"saz/passes"
	"saz/passes/callgraph"
	"saz/passes/modref"
	"saz/passes/pointer"
	"saz/passes/run"
	"saz/passes/sdg"
	"saz/passes/slice"
)

// measured is what one program cost, and what came out.
type measured struct {
	Name            string
	Lines           int // of its own files
	Units, Compiled int // units of translation, and how many of them gcc was given
	GCC             float64
	Read            float64 // seconds: to typed, linked and lifted IR
	Pointer         float64 // pointer analysis and call graph
	Ready           float64 // everything up to the ready graph
	Peak            int64   // bytes, up to there
	Sets            pointer.Precision
	Unresolved      int // indirect calls without a target
	Instrs          int
	Slices          int      // single instructions that were sliced
	One             [2]share // forward and backward from one, on average
	Packet, Output  share    // forward from packets, backward from output
	Chop            share
	Slowest         float64 // seconds, of any slice
}

// share is a part of a program's instructions.
type share float64

// single is how many single instructions are sliced, evenly spread.
const single = 50

func measure(target string) (*measured, error) {
	a, err := run.Load(run.Options{Target: []string{target}, NoStore: true})
	if err != nil {
		return nil, err
	}
	m := &measured{Name: a.Build.Name, Lines: lines(a.Context.Prog), Read: cpu()}
	if err := a.Need(callgraph.Pass); err != nil {
		return nil, err
	}
	m.Pointer = cpu() - m.Read
	for _, p := range []*passes.Pass{modref.Pass, sdg.Pass} {
		if err := a.Need(p); err != nil {
			return nil, err
		}
	}
	m.Ready, m.Peak = cpu(), peak()
	if err := a.Need(slice.Pass); err != nil {
		return nil, err
	}
	c := a.Context
	pt, sl := pointer.Of(c), slice.Of(c)
	m.Sets, m.Instrs = pt.Precision(), sdg.Of(c).Instrs()
	for _, ref := range pt.IndirectCalls() {
		if len(pt.Callees(ref)) == 0 {
			m.Unresolved++
		}
	}
	var from, to []ir.Ref
	for _, f := range c.Prog.Funcs {
		for i := range f.Instrs {
			ref := ir.Ref{Func: f.ID, I: int32(i)}
			for _, g := range pt.Callees(ref) {
				if l := pt.Model(g); l != nil && l.Receive != nil && !l.Receive.Weak && !l.Receive.Empty {
					from = append(from, ref)
				} else if l != nil && l.Output != "" {
					to = append(to, ref)
				}
			}
		}
	}
	runtime.GC() // what measuring the sets has left is not the slices' to collect
	timed := func(make func() *slice.Set) (*slice.Set, share) {
		t := cpu()
		s := make()
		m.Slowest = max(m.Slowest, cpu()-t)
		return s, share(float64(s.Len()) / float64(max(m.Instrs, 1)))
	}
	var forward, backward *slice.Set
	forward, m.Packet = timed(func() *slice.Set { return sl.Forward(from) })
	backward, m.Output = timed(func() *slice.Set { return sl.Backward(to) })
	_, m.Chop = timed(func() *slice.Set { return sl.Chop(forward, backward) })
	k, step := 0, max(m.Instrs/single, 1)
	for _, f := range c.Prog.Funcs {
		for i := range f.Instrs {
			if k++; k%step != 0 {
				continue
			}
			ref := []ir.Ref{{Func: f.ID, I: int32(i)}}
			_, x := timed(func() *slice.Set { return sl.Forward(ref) })
			_, y := timed(func() *slice.Set { return sl.Backward(ref) })
			m.One[0], m.One[1] = m.One[0]+x, m.One[1]+y
			m.Slices++
		}
	}
	for i := range m.One {
		m.One[i] /= share(max(m.Slices, 1))
	}
	return m, nil
}

// lines counts those of the program's own files.
func lines(p *ir.Program) int {
	n, seen := 0, map[source.FileID]bool{}
	for _, u := range p.Units {
		for _, f := range u.AST.Cpp.Includes {
			if !seen[f.ID] && !u.AST.Cpp.System[f.ID] && !strings.HasPrefix(f.Path, "<") {
				seen[f.ID] = true
				n += strings.Count(string(p.Files.File(f.ID).Data), "\n")
			}
		}
	}
	return n
}
