package main

import (
	"fmt"
	"os"

	"github.com/urfave/cli/v2"

	"saz/rewrite"
	"saz/rewrite/edit"
)

func instrumentCommand() *cli.Command {
	return &cli.Command{
		Name:      "instrument",
		Usage:     "patched sources, glue and runtime, as a tree that builds",
		ArgsUsage: targetHelp,
		Flags: commonFlags(
			&cli.StringFlag{Name: "output", Aliases: []string{"o"}, Usage: "write the tree to `DIR`"},
			&cli.BoolFlag{Name: "diff", Usage: "print the change of the sources as a unified diff"},
			&cli.StringFlag{Name: "track", Usage: "state, or all: mark every write to any variable of static storage"},
			&cli.BoolFlag{Name: "verify", Usage: "a program that watches its own marks: it names each update without one and exits with status 86 (docs/verify.md)"},
			&cli.BoolFlag{Name: "verbose", Aliases: []string{"v"}, Usage: "say how many marks each step of pruning leaves"},
			&cli.BoolFlag{Name: "no-prune", Usage: "keep the marks that the control flow makes redundant"},
		),
		Action: func(c *cli.Context) error {
			if c.String("output") == "" && !c.Bool("diff") {
				return usage("instrument needs -o DIR or --diff")
			}
			if v := c.String("track"); v != "" && v != "state" && v != "all" {
				return usage("--track %q: known are state and all", v)
			}
			a, err := load(c)
			if err != nil {
				return err
			}
			r, err := rewrite.Instrument(a, rewrite.Options{NoPrune: c.Bool("no-prune"), Verify: c.Bool("verify"), Version: version})
			if err != nil {
				return cli.Exit(err.Error(), exitUsage)
			}
			code := complain(c, a)
			if c.Bool("verbose") {
				tellPruning(r)
			}
			if c.Bool("diff") {
				if _, err := os.Stdout.Write(r.Diff); err != nil {
					return cli.Exit(err.Error(), exitInternal)
				}
			}
			if dir := c.String("output"); dir != "" {
				if err := edit.WriteTree(dir, r.Files); err != nil {
					return cli.Exit(err.Error(), exitUsage)
				}
				if !c.Bool("quiet") {
					fmt.Fprintf(os.Stderr, "saz: %s: %d variables tracked, %d marks (%d pruned) in %d files, %d allocation sites; build it with make -C %s\n",
						dir, len(r.Plan.Vars), len(r.Marks.Marks), len(r.Marks.Pruned), len(r.Patched), len(r.Plan.Sites), dir)
				}
			}
			return exit(code)
		},
	}
}

// tellPruning prints how many marks each step leaves.
func tellPruning(r *rewrite.Result) {
	m := r.Marks
	fmt.Fprintf(os.Stderr, "saz: marks, after each step of pruning:\n")
	for i, s := range m.Steps {
		fmt.Fprintf(os.Stderr, "%8d", s.Marks)
		if first := m.Steps[0].Marks; i > 0 && first > 0 {
			fmt.Fprintf(os.Stderr, " %3d %%", (s.Marks*100+first/2)/first)
		} else {
			fmt.Fprintf(os.Stderr, "      ")
		}
		fmt.Fprintf(os.Stderr, "  %s\n", s.Name)
	}
	fmt.Fprintf(os.Stderr, "     of these, %d stand before a loop for one in it; %d more were not placed, for per-packet scratch\n", m.Hoisted, m.Scratch)
}
