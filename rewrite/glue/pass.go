package glue

import (
	"saz/passes"
	"saz/passes/container"
	"saz/passes/flowspace"
	"saz/passes/merge"
	"saz/passes/persist"
	"saz/passes/plan"
	"saz/passes/scratch"
	"saz/passes/toplevel"
	"saz/passes/update"
	"saz/rewrite/hook"
	"saz/rewrite/track"
)

// Requires are the passes that the tables are made from.
var Requires = []*passes.Pass{persist.Pass, toplevel.Pass, update.Pass, scratch.Pass, container.Pass, flowspace.Pass, merge.Pass, plan.Pass}

// Options of Build.
type Options struct {
	Version string
	Verify  bool // with what saz_verify.c needs: all variables, what is claimed of them, names of fields
	Marks   *track.Result
}

// Tables are the tables of one program.
type Tables struct{ t *tables }

// Build gathers what the generators need.
func Build(c *passes.Context, opt Options) *Tables {
	t := build(Input{c.Prog, persist.Of(c), opt.Marks.Plan, container.Of(c), flowspace.Of(c), merge.Of(c), update.Of(c), scratch.Of(c), toplevel.Of(c)}, opt)
	if c.TrackAll {
		t.WholeRun = 1
	}
	return &Tables{t}
}

// Statics lists the variables and functions that need SAZ_STATIC and SAZ_STATIC_FN.
func (t *Tables) Statics() []hook.Static { return t.t.statics }

// Files returns saz_glue.c and the runtime's files, by their names in the output directory.
func (t *Tables) Files() (map[string][]byte, error) { return t.t.files() }
