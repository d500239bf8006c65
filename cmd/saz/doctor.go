package main

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/urfave/cli/v2"

	"saz/frontend/build"
)

func doctorCommand() *cli.Command {
	return &cli.Command{
		Name:      "doctor",
		Usage:     "try out the set-up: compiler, saz-cc, that records survive, the cache",
		ArgsUsage: "[COMPILER]",
		Description: "COMPILER is what would stand behind saz-cc (default: $CC, or cc). Exits with 1 if\n" +
			"something is wrong, and says what to do about it.",
		Flags: []cli.Flag{&cli.StringFlag{Name: "format", Value: "text", Usage: "text or json"}},
		Action: func(c *cli.Context) error {
			cc := c.Args().Slice()
			if len(cc) == 0 {
				cc = strings.Fields(os.Getenv("CC"))
			}
			for len(cc) > 0 && (strings.HasPrefix(filepath.Base(cc[0]), "saz-cc") || cc[0] == "--instrument") {
				cc = cc[1:]
			}
			if len(cc) == 0 {
				cc = []string{"cc"}
			}
			wrapper, _ := wrapper()
			checks := build.Examine(wrapper, version, cc)
			code := exitDone
			for _, k := range checks {
				if !k.OK {
					code = exitFindings
				}
			}
			switch c.String("format") {
			case "json":
				enc := json.NewEncoder(os.Stdout)
				enc.SetIndent("", "  ")
				enc.SetEscapeHTML(false)
				if err := enc.Encode(map[string]any{"schema": "saz.doctor/1", "checks": checks}); err != nil {
					return cli.Exit(err.Error(), exitInternal)
				}
			case "text":
				for _, k := range checks {
					mark := "ok  "
					if !k.OK {
						mark = "BAD "
					}
					fmt.Printf("%s %s: %s\n", mark, k.Name, k.Text)
					if !k.OK {
						fmt.Printf("     to do: %s\n", k.Hint)
					}
				}
			default:
				return usage("--format %q: known are text and json", c.String("format"))
			}
			return exit(code)
		},
	}
}

// wrapper finds saz-cc: beside saz, or on PATH.
func wrapper() (string, error) {
	if self, err := os.Executable(); err == nil {
		path := filepath.Join(filepath.Dir(self), "saz-cc")
		if _, err := os.Stat(path); err == nil {
			return path, nil
		}
	}
	path, err := exec.LookPath("saz-cc")
	if err != nil {
		return "", fmt.Errorf("saz-cc is neither beside saz nor on PATH")
	}
	return path, nil
}
