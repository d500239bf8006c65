package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/mattn/go-isatty"
	"github.com/urfave/cli/v2"

	frontbuild "saz/frontend/build"
	"saz/passes/config"
	"saz/passes/report/text"
)

// The settings that a flag or an environment variable may give: flags go before the environment, that before
// saz.yaml, that before the default.
var settings = []struct {
	key, flag, env, def, sep string
	check                    func(string) error
}{
	{"models", "models", "SAZ_MODELS", "", ":", nil},
	{"opaque", "opaque", "SAZ_OPAQUE", "", ",", nil},
	{"skip", "skip", "SAZ_SKIP", "", ",", nil},
	{"packet_loops", "packet-loop", "SAZ_PACKET_LOOPS", "", ",", nil},
	{"only", "only", "SAZ_ONLY", "updateable", "", func(s string) error {
		if _, bad := text.Only(words(s)); bad != "" {
			return unknown(bad, text.Filters())
		}
		return nil
	}},
	{"sort", "sort", "SAZ_SORT", "file", "", func(s string) error {
		if !text.Sort(nil, s) {
			return unknown(s, text.Orders())
		}
		return nil
	}},
	{"fail_on", "fail-on", "SAZ_FAIL_ON", "", "", func(s string) error {
		for _, w := range words(s) {
			if !slices.Contains(failures, w) {
				return unknown(w, failures)
			}
		}
		return nil
	}},
	{"jobs", "jobs", "SAZ_JOBS", "", "", nil},
	{"marks", "marks", "SAZ_MARKS", "few", "", func(s string) error {
		if s != "few" && s != "exact" {
			return unknown(s, []string{"few", "exact"})
		}
		return nil
	}},
}

func unknown(word string, known []string) error {
	hint := ""
	if n := config.Nearest(word, known); n != "" {
		hint = fmt.Sprintf("; did you mean %q?", n)
	}
	return fmt.Errorf("%q is not one of %s%s", word, strings.Join(known, ", "), hint)
}

// effective gives the settings in force for a program.
func effective(c *cli.Context) func(targets, sources []string) (*config.Config, error) {
	return func(targets, sources []string) (*config.Config, error) {
		cfg := &config.Config{}
		path := c.String("config")
		from := "--config"
		if path == "" {
			path, from = os.Getenv("SAZ_CONFIG"), "$SAZ_CONFIG"
		}
		switch {
		case path == "none":
			path = ""
		case path == "":
			path = config.Find(targets, sources)
		default:
			if _, err := os.Stat(path); err != nil {
				return nil, fmt.Errorf("%s: %w", from, err)
			}
		}
		if path != "" {
			var err error
			if cfg, err = config.Load(path); err != nil {
				var bad *config.Error
				if errors.As(err, &bad) {
					fmt.Fprint(os.Stderr, clear(c))
					bad.Render(os.Stderr, colour(c, os.Stderr))
					return nil, fmt.Errorf("%s has %s", path, count(len(bad.List), "mistake"))
				}
				return nil, err
			}
		}
		for _, s := range settings {
			if v, ok := os.LookupEnv(s.env); ok && v != "" {
				values := []string{v}
				if s.sep != "" {
					values = strings.FieldsFunc(v, func(r rune) bool { return strings.ContainsRune(s.sep, r) })
				}
				if err := cfg.Add(s.key, "$"+s.env, values...); err != nil {
					return nil, err
				}
			}
			if c.IsSet(s.flag) {
				values := []string{fmt.Sprint(c.Value(s.flag))}
				if s.sep != "" {
					values = c.StringSlice(s.flag)
				}
				if err := cfg.Add(s.key, "--"+s.flag, values...); err != nil {
					return nil, err
				}
			}
		}
		for _, x := range []struct {
			key string
			w   config.Word
		}{{"only", cfg.Only}, {"sort", cfg.Sort}, {"fail_on", cfg.FailOn}, {"marks", cfg.Marks}} {
			for _, s := range settings {
				if s.key == x.key && x.w.Text != "" {
					if err := s.check(x.w.Text); err != nil {
						return nil, fmt.Errorf("%s (%s): %w", x.key, x.w.From, err)
					}
				}
			}
		}
		return cfg, nil
	}
}

// clear takes a progress line away before something is said.
func clear(c *cli.Context) string {
	if !c.Bool("quiet") && isatty.IsTerminal(os.Stderr.Fd()) {
		return "\r\x1b[K"
	}
	return ""
}

// configFlags are those of all commands that read a program, for the settings.
func configFlags() []cli.Flag {
	return []cli.Flag{
		&cli.StringFlag{Name: "config", Usage: "settings in `FILE`, or none (default: saz.yaml here, beside the target, or above the sources)"},
		&cli.StringSliceFlag{Name: "models", Usage: "`FILE` with models of library functions, added to the built-in ones"},
		&cli.StringSliceFlag{Name: "opaque", Usage: "record `TYPE` whose objects belong to a library"},
		&cli.StringSliceFlag{Name: "packet-loop", Usage: "`PROCEDURE` whose loop is the packets'"},
		&cli.StringSliceFlag{Name: "skip", Usage: "`VARIABLE` that need not be moved: NAME, PROCEDURE.NAME or FILE:NAME"},
	}
}

func configCommand() *cli.Command {
	return &cli.Command{
		Name:      "config",
		Usage:     "print the settings in force, and where each comes from",
		ArgsUsage: "[TARGET]",
		Flags: append(configFlags(),
			&cli.StringFlag{Name: "format", Aliases: []string{"f"}, Value: "text", Usage: "text or json"},
			&cli.StringFlag{Name: "color", Value: "auto", Usage: "auto, always or never; NO_COLOR is honoured"},
		),
		Action: func(c *cli.Context) error {
			if f := c.String("format"); f != "text" && f != "json" {
				return usage("--format %q: known are text, json", f)
			}
			var targets, sources []string
			if c.NArg() > 0 {
				targets = c.Args().Slice()
				p, err := frontbuild.Load(targets, nil)
				if err != nil {
					return usage("%v", err)
				}
				for i := range p.Commands {
					sources = append(sources, p.Commands[i].Path())
				}
			}
			cfg, err := effective(c)(targets, sources)
			if err != nil {
				return usage("%v", err)
			}
			list := cfg.Settings()
			for _, s := range settings {
				if s.def != "" && !slices.ContainsFunc(list, func(x config.Setting) bool { return x.Key == s.key }) {
					list = append(list, config.Setting{Key: s.key, Value: s.def, From: "default"})
				}
			}
			return emit(c, func(w io.Writer) error {
				if c.String("format") == "json" {
					return writeJSON(w, struct {
						Schema   string           `json:"schema"`
						File     string           `json:"file"`
						Settings []config.Setting `json:"settings"`
					}{"saz.config/1", cfg.Path, list})
				}
				if cfg.Path == "" {
					fmt.Fprintf(w, "no saz.yaml here%s; saz init TARGET writes one\n", map[bool]string{true: ", beside the target or above its sources"}[len(targets) > 0])
				} else {
					path := cfg.Path
					if abs, err := filepath.Abs(path); err == nil {
						path = abs
					}
					fmt.Fprintf(w, "settings of %s\n", path)
				}
				key, value := 0, 0
				for _, s := range list {
					key, value = max(key, len(s.Key)), max(value, min(len(s.Value), 60))
				}
				for _, s := range list {
					fmt.Fprintf(w, "  %-*s  %-*s  %s\n", key, s.Key, value, s.Value, s.From)
				}
				return nil
			})
		},
	}
}
