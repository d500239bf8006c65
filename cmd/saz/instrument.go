package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/urfave/cli/v2"

	"saz/passes/report/text"
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
			&cli.BoolFlag{Name: "diff", Usage: "print the change of the sources as a unified diff, for patch -p1 in the sources' root: marks, packets' boundaries, an include a file"},
			&cli.BoolFlag{Name: "blocks", Usage: "in the diff, also the calls that allocate and the static variables of files, which state images need (-o and --in-place always have them)"},
			&cli.BoolFlag{Name: "in-place", Usage: "change the sources themselves; saz restore brings the originals back"},
			&cli.BoolFlag{Name: "dry-run", Aliases: []string{"n"}, Usage: "say what would be changed, and write nothing"},
			&cli.StringFlag{Name: "track", Usage: "state, or all: mark every write to any variable of static storage"},
			&cli.StringFlag{Name: "marks", Usage: "few: the variables that most packets update are announced with each, without marks; exact: all have marks, as with --verify"},
			&cli.BoolFlag{Name: "verify", Usage: "a program that watches its own marks: it names each update without one and exits with status 86 (docs/verify.md)"},
			&cli.BoolFlag{Name: "verbose", Aliases: []string{"v"}, Usage: "say how many marks each step of pruning leaves"},
			&cli.BoolFlag{Name: "no-prune", Usage: "keep the marks that the control flow makes redundant"},
		),
		Action: func(c *cli.Context) error {
			if c.String("output") == "" && !c.Bool("diff") && !c.Bool("in-place") && !c.Bool("dry-run") {
				return usage("instrument needs -o DIR, --in-place, --diff or --dry-run")
			}
			if c.String("output") != "" && c.Bool("in-place") {
				return usage("-o writes a tree, --in-place changes the sources: one of the two")
			}
			if c.IsSet("blocks") && !c.Bool("diff") {
				return usage("--blocks says what is in the diff of --diff; a tree and changed sources always have them")
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
			code := complainOf(c, a, "no mark says what is updated there, so that state may be left behind; see the hints")
			if code != exitDone && c.Bool("diff") {
				fmt.Fprintln(os.Stderr, "saz: the diff lacks these marks: to be looked at, not applied")
			}
			if c.Bool("verbose") {
				tellPruning(r)
			}
			if c.Bool("diff") {
				patch := r.Patch
				if c.Bool("blocks") || c.Bool("verify") { // which looks into the blocks
					patch = r.Diff
				} else if n := r.Omitted; n != [2]int{} && !c.Bool("quiet") {
					fmt.Fprintf(os.Stderr, "saz: a patch of marks and packets' boundaries only: --blocks adds %s that allocate or release and %s, for state images\n",
						text.Plural(n[0], "call"), text.Plural(n[1], "static variable"))
				}
				if _, err := os.Stdout.Write(patch); err != nil {
					return cli.Exit(err.Error(), exitInternal)
				}
			}
			if c.Bool("dry-run") {
				for _, ch := range r.Changes {
					fmt.Printf("%s: %d marks, %d other changes\n", ch.Name, r.MarksIn(ch.Name), r.OtherEdits(ch.Name))
				}
				return exit(code)
			}
			how := ""
			switch dir := c.String("output"); {
			case dir != "":
				if err := edit.WriteTree(dir, r.Files); err != nil {
					return cli.Exit(err.Error(), exitUsage)
				}
				how = fmt.Sprintf("%s: %s; build it with make -C %s", dir, r.Summary(), dir)
			case c.Bool("in-place"):
				if code != exitDone {
					return cli.Exit("nothing was changed", code)
				}
				extra := map[string][]byte{}
				for name, text := range r.Files {
					if name == "saz_glue.c" || strings.HasPrefix(name, "saz_rt/") || name == "saz.json" {
						extra[name] = text
					}
				}
				if err := edit.InPlace(r.Root, r.Changes, extra); err != nil {
					return cli.Exit(err.Error(), exitUsage)
				}
				at := filepath.Join(r.Root, edit.InPlaceDir)
				how = fmt.Sprintf("%s: %s\nsaz: compile with -I%s/saz_rt, link %s/saz_glue.c and %s/saz_rt/*.c (-pthread); saz restore %s brings the originals back",
					r.Root, r.Summary(), at, at, at, r.Root)
			}
			if how != "" && !c.Bool("quiet") {
				if code != exitDone {
					how += "; it lacks the marks that the errors above are about: to be looked at, not used"
				}
				fmt.Fprintf(os.Stderr, "saz: %s\n", how)
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
