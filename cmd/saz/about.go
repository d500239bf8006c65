package main

import (
	"fmt"
	"os"
	"runtime"
	"runtime/debug"
	"strings"

	"github.com/urfave/cli/v2"
)

func versionCommand() *cli.Command {
	return &cli.Command{
		Name:  "version",
		Usage: "print what this saz is",
		Flags: []cli.Flag{&cli.BoolFlag{Name: "json", Usage: "as JSON"}},
		Action: func(c *cli.Context) error {
			v := struct {
				Schema   string `json:"schema"`
				Version  string `json:"version"`
				Commit   string `json:"commit,omitempty"`
				Modified bool   `json:"modified"`
				Time     string `json:"commit_time,omitempty"`
				Go       string `json:"go"`
				Platform string `json:"platform"`
			}{Schema: "saz.version/1", Version: version, Go: runtime.Version(), Platform: runtime.GOOS + "/" + runtime.GOARCH}
			if b, ok := debug.ReadBuildInfo(); ok {
				for _, s := range b.Settings {
					switch s.Key {
					case "vcs.revision":
						v.Commit = s.Value
					case "vcs.modified":
						v.Modified = s.Value == "true"
					case "vcs.time":
						v.Time = s.Value
					}
				}
			}
			if c.Bool("json") {
				return writeJSON(os.Stdout, v)
			}
			line := "saz " + v.Version
			if v.Commit != "" {
				line += " (" + cut(v.Commit, 13)
				if v.Modified {
					line += ", modified"
				}
				line += ")"
			}
			fmt.Printf("%s, %s, %s\n", line, v.Go, v.Platform)
			return nil
		},
	}
}

const bashCompletion = `# saz completion for bash: source <(saz completion bash)
_saz() {
	local cur=${COMP_WORDS[COMP_CWORD]} words=("${COMP_WORDS[@]:0:COMP_CWORD}")
	[[ $cur == -* ]] && words+=("$cur")
	local IFS=$'\n'
	COMPREPLY=($(compgen -W "$("${words[@]}" --generate-bash-completion 2>/dev/null)" -- "$cur"))
}
complete -o bashdefault -o default -F _saz saz
`

const zshCompletion = `#compdef saz
# saz completion for zsh: source <(saz completion zsh), or as _saz in a directory of $fpath
_saz() {
	local -a opts given
	given=(${words[1,CURRENT-1]})
	[[ ${words[CURRENT]} == -* ]] && given+=(${words[CURRENT]})
	opts=("${(@f)$(${given} --generate-bash-completion 2>/dev/null)}")
	if [[ -n ${opts[1]} ]]; then compadd -- ${opts%%:*}; else _files; fi
}
compdef _saz saz
`

func completionCommand() *cli.Command {
	return &cli.Command{
		Name:      "completion",
		Usage:     "print a script that completes saz's commands and flags in a shell",
		ArgsUsage: "bash|zsh|fish",
		Action: func(c *cli.Context) error {
			switch c.Args().First() {
			case "bash":
				fmt.Print(bashCompletion)
			case "zsh":
				fmt.Print(zshCompletion)
			case "fish":
				s, err := c.App.ToFishCompletion()
				if err != nil {
					return cli.Exit(err.Error(), exitInternal)
				}
				fmt.Print(s)
			default:
				return usage("completion for which shell? bash, zsh or fish")
			}
			return nil
		},
	}
}

func manCommand() *cli.Command {
	return &cli.Command{
		Name:  "man",
		Usage: "print the manual page: saz man > saz.1",
		Action: func(c *cli.Context) error {
			s, err := c.App.ToManWithSection(1)
			if err != nil {
				return cli.Exit(err.Error(), exitInternal)
			}
			fmt.Print(strings.TrimLeft(s, "\n"))
			return nil
		},
	}
}
