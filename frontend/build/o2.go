package build

import (
	"os"
	"os/exec"
	"slices"
	"strings"
)

// AtO2 is the command again, at -O2 and without its dependency files: the unit in which
// benchmarks say what things cost.
func (c *Command) AtO2(object string) *exec.Cmd {
	others := map[string]bool{}
	if o, err := ParseArgs(c.Args, c.Dir); err == nil {
		for _, in := range o.Inputs {
			others[in.Name] = in.Name != c.File
		}
	}
	var args []string
	for i := 1; i < len(c.Args); i++ {
		switch a := c.Args[i]; {
		case a == "-o" || a == "-MF" || a == "-MT" || a == "-MQ":
			i++
		case a == "-c", a == "-pipe", slices.Contains([]string{"-M", "-MM", "-MD", "-MMD", "-MP"}, a), strings.HasPrefix(a, "-Wp,-M"),
			others[a], strings.HasPrefix(a, "-l"), strings.HasPrefix(a, "-O"):
		default:
			args = append(args, a)
		}
	}
	cmd := exec.Command(c.Args[0], append(args, "-w", "-O2", "-c", "-o", object)...)
	cmd.Dir = c.Dir
	cmd.Env = append(os.Environ(), c.Env...)
	return cmd
}
