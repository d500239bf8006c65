// Package passes is the frame in which analyses run: each is a value that names what it
// requires, so that a driver can run exactly what a command needs, once, in order.
//
// A new pass is a folder with a package that exports
//
//	var Pass = &passes.Pass{Name: "scratch", Doc: "...", Requires: []*passes.Pass{update.Pass}, Run: run}
//	func Of(c *passes.Context) *Result { return c.Result(Pass).(*Result) }
package passes

import (
	"fmt"
	"time"

	"saz/frontend/source"
	"saz/ir"
	"saz/ir/models"
	"saz/passes/config"
)

// A Pass computes one result of a program.
type Pass struct {
	Name     string
	Doc      string
	Requires []*Pass
	Run      func(*Context) (any, error)
}

// A Context is one analysis run: the program, what is known of libraries, and
// the results so far.
type Context struct {
	Prog   *ir.Program
	Models *models.Set
	Sink   *source.Sink
	Jobs   int // parallelism; results do not depend on it

	// TrackAll takes all code for packet processing and all variables for
	// state, so that any C program tests the marks.
	TrackAll bool

	// Config is the project's own settings; nil: none.
	Config *config.Config

	// Step is told the name of each pass that begins; may be nil.
	Step func(string)

	loops   map[ir.FuncID][]map[ir.BlockID]bool // by block; see Loop
	results map[*Pass]any
	Phases  []Phase // what ran, in order
}

// A Phase is the cost of one pass.
type Phase struct {
	Name string
	Wall time.Duration
}

// Need runs p and what it requires, unless they have run.
func (c *Context) Need(p *Pass) error { return c.need(p, nil) }

func (c *Context) need(p *Pass, path []string) error {
	if _, ok := c.results[p]; ok {
		return nil
	}
	for _, n := range path {
		if n == p.Name {
			return fmt.Errorf("passes: %s requires itself by way of %v", p.Name, path)
		}
	}
	for _, r := range p.Requires {
		if err := c.need(r, append(path, p.Name)); err != nil {
			return err
		}
	}
	if c.Step != nil {
		c.Step(p.Name)
	}
	start := time.Now()
	res, err := p.Run(c)
	if err != nil {
		return fmt.Errorf("%s: %w", p.Name, err)
	}
	if c.results == nil {
		c.results = map[*Pass]any{}
	}
	c.results[p] = res
	c.Phases = append(c.Phases, Phase{p.Name, time.Since(start)})
	return nil
}

// Result returns what p computed. Asking for a pass that the caller does not
// require is a programming error.
func (c *Context) Result(p *Pass) any {
	r, ok := c.results[p]
	if !ok {
		panic("passes: result of " + p.Name + " used without requiring it")
	}
	return r
}

// A Why is one step of the reason for a fact.
type Why struct {
	Pos  source.Pos
	Text string
	Of   int // of how many, as far as is known, the step is one: the more, the less it says; 0: it is certain
}

// OneOf says of how many the step is one.
func (w Why) OneOf(n int) Why {
	if n > 1 {
		w.Of = n
	}
	return w
}
