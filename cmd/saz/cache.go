package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"text/tabwriter"
	"time"

	"github.com/urfave/cli/v2"

	"saz/frontend/build"
)

func cacheCommand() *cli.Command {
	return &cli.Command{
		Name:  "cache",
		Usage: "what saz remembers between runs: show it, clean it",
		Description: "Everything there is made again when it is missing: cleaning costs time and\n" +
			"nothing else, and is safe while other runs go on.",
		Subcommands: []*cli.Command{
			{
				Name: "show", Usage: "how much is kept, of what",
				Flags: []cli.Flag{&cli.StringFlag{Name: "format", Value: "text", Usage: "text or json"}},
				Action: func(c *cli.Context) error {
					dir, err := build.CacheDir()
					if err != nil {
						return cli.Exit(err.Error(), exitUsage)
					}
					kinds, err := build.CacheKinds(dir)
					if err != nil {
						return cli.Exit(err.Error(), exitUsage)
					}
					switch c.String("format") {
					case "json":
						enc := json.NewEncoder(os.Stdout)
						enc.SetIndent("", "  ")
						return enc.Encode(map[string]any{"schema": "saz.cache/1", "directory": dir, "kinds": append([]build.CacheKind{}, kinds...)})
					case "text":
					default:
						return usage("--format %q: known are text and json", c.String("format"))
					}
					fmt.Println(dir)
					w := tabwriter.NewWriter(os.Stdout, 0, 8, 2, ' ', 0)
					for _, k := range kinds {
						fmt.Fprintf(w, "  %s\t%s\t%s\tnewest %s\n", k.Name, count(k.Files, "file"), size(k.Bytes), k.Newest.Format("2006-01-02 15:04"))
					}
					return w.Flush()
				},
			},
			{
				Name: "clean", Usage: "remove it, or what is old", ArgsUsage: "[KIND...]",
				Flags: []cli.Flag{&cli.DurationFlag{Name: "older", Usage: "only what was not written for `TIME` (720h)"}},
				Action: func(c *cli.Context) error {
					dir, err := build.CacheDir()
					if err != nil {
						return cli.Exit(err.Error(), exitUsage)
					}
					for _, k := range c.Args().Slice() {
						if k != filepath.Base(k) || k == ".." || k == "." {
							return usage("%q is not one of the kinds that saz cache show lists", k)
						}
						if _, err := os.Stat(filepath.Join(dir, k)); err != nil {
							return usage("%q is not one of the kinds that saz cache show lists", k)
						}
					}
					files, bytes, err := build.CleanCache(dir, c.Args().Slice(), c.Duration("older").Round(time.Second))
					if err != nil {
						return cli.Exit(err.Error(), exitUsage)
					}
					fmt.Printf("%s removed, %s\n", count(files, "file"), size(bytes))
					return nil
				},
			},
		},
	}
}

func size(n int64) string {
	switch {
	case n >= 10<<20:
		return fmt.Sprintf("%d MB", n>>20)
	case n >= 10<<10:
		return fmt.Sprintf("%d KB", n>>10)
	}
	return count(int(n), "byte")
}
