package main

import (
	"regexp"
	"strings"

	"github.com/urfave/cli/v2"
)

var joined = regexp.MustCompile(`^-j[0-9]+$`)

// arrange puts the flags of a command before its other arguments, as the library
// wants them, so that people may write saz instrument ./prads -o out. What comes after --
// stays as it is, and so does all that belongs to a command that saz build runs.
func arrange(app *cli.App, args []string) []string {
	if len(args) < 3 || args[len(args)-1] == "--generate-bash-completion" {
		return args
	}
	cmds, at := app.Commands, 1
	var cmd *cli.Command
	for at < len(args) {
		var next *cli.Command
		for _, c := range cmds {
			if c.HasName(args[at]) {
				next = c
			}
		}
		if next == nil {
			break
		}
		cmd, cmds = next, next.Subcommands
		at++
	}
	if cmd == nil || cmd.Name == "build" {
		return args
	}
	valued := map[string]bool{}
	for _, f := range cmd.Flags {
		if _, ok := f.(*cli.BoolFlag); ok {
			continue
		}
		for _, n := range f.Names() {
			valued[n] = true
		}
	}
	var flags, rest []string
	for i := at; i < len(args); i++ {
		a := args[i]
		if a == "--" {
			rest = append(rest, args[i:]...)
			break
		}
		if joined.MatchString(a) && valued["j"] { // as make takes it
			flags = append(flags, "-j", a[2:])
			continue
		}
		if len(a) < 2 || a[0] != '-' {
			rest = append(rest, a)
			continue
		}
		flags = append(flags, a)
		if valued[strings.TrimLeft(a, "-")] && i+1 < len(args) {
			i++
			flags = append(flags, args[i])
		}
	}
	out := append(append([]string(nil), args[:at]...), flags...)
	return append(out, rest...)
}
