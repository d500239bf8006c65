package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"text/tabwriter"

	"github.com/urfave/cli/v2"

	"saz/frontend/build"
)

func statusCommand() *cli.Command {
	return &cli.Command{
		Name:      "status",
		Usage:     "which sources of a built program saz knows, which not, and why",
		ArgsUsage: "TARGET...",
		Description: "TARGET is a program, shared object, object or archive, or a compile_commands.json.\n" +
			"A source is captured, passed through (saz-cc saw it and it is not C) or not\n" +
			"recorded (saz-cc was not there). Exits with 3 if one is missing that should not be.",
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "format", Value: "text", Usage: "text or json"},
			&cli.BoolFlag{Name: "quiet", Aliases: []string{"q"}, Usage: "only what is not captured, and the counts"},
		},
		Action: func(c *cli.Context) error {
			format := c.String("format")
			if format != "text" && format != "json" {
				return usage("--format %q: known are text and json", format)
			}
			if c.NArg() == 0 {
				return usage("status needs a TARGET: a program built with saz-cc, an object, an archive, a compile_commands.json")
			}
			var all []*build.Status
			code := exitDone
			for _, t := range c.Args().Slice() {
				s, err := build.Survey(t)
				if err != nil {
					return cli.Exit(err.Error(), exitUsage)
				}
				all = append(all, s)
				missing := len(s.Units) == 0
				for _, u := range s.Units {
					missing = missing || u.Problem
				}
				if missing {
					code = exitPartial
				}
			}
			if format == "json" {
				enc := json.NewEncoder(os.Stdout)
				enc.SetIndent("", "  ")
				enc.SetEscapeHTML(false)
				for _, s := range all {
					if err := enc.Encode(s); err != nil {
						return cli.Exit(err.Error(), exitInternal)
					}
				}
				return exit(code)
			}
			for _, s := range all {
				printStatus(s, c.Bool("quiet"))
			}
			return exit(code)
		},
	}
}

func printStatus(s *build.Status, quiet bool) {
	dir, _ := os.Getwd()
	short := func(path string) string {
		if rel, err := filepath.Rel(dir, path); err == nil && !strings.HasPrefix(rel, "..") {
			return rel
		}
		return path
	}
	w := tabwriter.NewWriter(os.Stdout, 0, 8, 2, ' ', 0)
	for _, u := range s.Units {
		if quiet && u.State == build.Captured && u.Why == "" {
			continue
		}
		fmt.Fprintf(w, "%s\t%s\t%s\n", u.State, short(u.File), u.Why)
	}
	w.Flush()
	fmt.Printf("%s: %s captured, %d passed through, %d not recorded", s.Target, count(s.Counts[build.Captured], "source"), s.Counts[build.Passed], s.Counts[build.NotRecorded])
	if len(s.Libraries) > 0 {
		fmt.Printf("; libraries %s", strings.Join(s.Libraries, " "))
	}
	fmt.Println()
	for _, n := range s.Notes {
		fmt.Printf("%s: note: %s\n", s.Target, n)
	}
	if len(s.Units) == 0 && len(s.Notes) == 0 {
		fmt.Printf("%s: note: build it with make CC=\"saz-cc gcc\"\n", s.Target)
	}
}
