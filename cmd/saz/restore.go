package main

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/urfave/cli/v2"

	"saz/rewrite/edit"
)

func restoreCommand() *cli.Command {
	return &cli.Command{
		Name:      "restore",
		Usage:     "bring back the originals of sources that saz instrument --in-place changed",
		ArgsUsage: "[DIR]",
		Flags: []cli.Flag{
			&cli.BoolFlag{Name: "force", Usage: "also where a file was changed since; the change is lost"},
			&cli.BoolFlag{Name: "quiet", Aliases: []string{"q"}, Usage: "say nothing if all is well"},
		},
		Action: func(c *cli.Context) error {
			dir := "."
			switch c.NArg() {
			case 0:
			case 1:
				dir = c.Args().First()
			default:
				return usage("restore takes one directory")
			}
			r, err := edit.Restore(dir, c.Bool("force"))
			if err != nil {
				return cli.Exit(err.Error(), exitUsage)
			}
			for _, name := range r.Changed {
				fmt.Fprintf(os.Stderr, "saz: %s is neither its original nor what saz made of it: left alone. Its original: %s\n",
					name, filepath.Join(r.Root, edit.InPlaceDir, "originals", name))
			}
			if len(r.Changed) > 0 {
				return cli.Exit("move what you want to keep of these files, then saz restore --force", exitFindings)
			}
			if !c.Bool("quiet") {
				if r.Unbegun {
					fmt.Fprintf(os.Stderr, "saz: no source had been changed yet; what was prepared is removed\n")
				} else {
					fmt.Fprintf(os.Stderr, "saz: %s: %d files restored, %d were the originals already\n", r.Root, len(r.Files), len(r.Kept))
				}
			}
			return nil
		},
	}
}
