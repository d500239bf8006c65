package glue

import (
	"saz/passes"
	"saz/passes/container"
	"saz/passes/flowspace"
	"saz/passes/merge"
	"saz/passes/persist"
	"saz/passes/plan"
	"saz/passes/update"
	"saz/rewrite/hook"
)

// Pass gathers what the generators need.
var Pass = &passes.Pass{
	Name:     "glue",
	Doc:      "tables for the runtime: symbols, types, containers",
	Requires: []*passes.Pass{persist.Pass, update.Pass, container.Pass, flowspace.Pass, merge.Pass, plan.Pass},
	Run: func(c *passes.Context) (any, error) {
		return build(Input{c.Prog, persist.Of(c), plan.Of(c), container.Of(c), flowspace.Of(c), merge.Of(c), update.Of(c)}), nil
	},
}

// Statics lists the variables and functions that need SAZ_STATIC and SAZ_STATIC_FN.
func Statics(c *passes.Context) []hook.Static { return c.Result(Pass).(*tables).statics }

// Generate returns saz_glue.c and the runtime's files, by their names in the output directory.
func Generate(c *passes.Context, version string) (map[string][]byte, error) {
	return c.Result(Pass).(*tables).files(version)
}
