package main

import (
	"fmt"
	"os"
	"sort"
	"strings"

	"github.com/urfave/cli/v2"

	"saz/passes/report"
)

func explainCommand() *cli.Command {
	return &cli.Command{
		Name:        "explain",
		Usage:       "why a variable got its verdicts: a path of file:line steps",
		ArgsUsage:   "TARGET VARIABLE | FILE.c... VARIABLE -- FLAGS",
		Description: "VARIABLE is a name, or PROCEDURE.NAME for one of several of that name.",
		Flags:       commonFlags(),
		Action: func(c *cli.Context) error {
			targets, flags, err := target(c)
			if err != nil {
				return err
			}
			if len(targets) < 2 {
				return usage("explain needs a TARGET and a VARIABLE")
			}
			name := targets[len(targets)-1]
			a, err := loadTarget(c, targets[:len(targets)-1], flags)
			if err != nil {
				return err
			}
			r, err := a.Report(version)
			if err != nil {
				return cli.Exit(err.Error(), exitInternal)
			}
			code := complain(c, a)
			found := 0
			for i := range r.Variables {
				v := &r.Variables[i]
				if v.Name == name || v.Procedure+"."+v.Name == name {
					if found++; found > 1 {
						fmt.Println()
					}
					explain(v, colour(c, os.Stdout))
				}
			}
			if found == 0 {
				return usage("%s has no persistent variable %q%s", r.Program, name, nearest(name, r))
			}
			return exit(code)
		},
	}
}

func explain(v *report.Variable, color bool) {
	bold, off := "", ""
	if color {
		bold, off = "\x1b[1m", "\x1b[0m"
	}
	fmt.Printf("%s%s%s  %s, %s, %d bytes, %s:%d\n", bold, v.Name, off, v.Type, v.Kind, v.Size, v.File, v.Line)
	fmt.Printf("  persistent: it outlives the processing of one packet\n")
	if !v.TopLevel {
		fmt.Printf("  not top-level: no code that may run while a packet is processed uses it\n")
		return
	}
	keys := make([]string, 0, len(v.Reasons))
	for k := range v.Reasons {
		keys = append(keys, k)
	}
	rank := map[string]int{"top-level": 0, "updateable": 1, "scratch": 2, "container": 3, "flowspace": 4}
	sort.Slice(keys, func(i, j int) bool {
		a, ok1 := rank[keys[i]]
		b, ok2 := rank[keys[j]]
		if !ok1 {
			a = 9
		}
		if !ok2 {
			b = 9
		}
		return a < b || a == b && keys[i] < keys[j]
	})
	for _, k := range keys {
		fmt.Printf("  %s%s%s", bold, k, off)
		switch k {
		case "updateable":
			if len(v.UpdatedFields) > 0 {
				fmt.Printf(": %d of its %d bytes, in %s", v.UpdatedBytes, v.Size, strings.Join(v.UpdatedFields, ", "))
			}
		case "flowspace":
			fmt.Printf(": %s, %s", v.Scope, strings.Join(v.Flowspace, " "))
			if v.Container != nil {
				for _, key := range v.Container.Keys {
					fmt.Printf("; %s = %s", key.Field, key.Header)
				}
			}
		case "container":
			fmt.Printf(": %s of %s", v.Container.Shape, v.Container.EntryType)
		}
		fmt.Println(", because")
		for _, s := range v.Reasons[k] {
			fmt.Printf("    %s:%d: %s\n", s.File, s.Line, s.Text)
		}
	}
	if !v.Updateable {
		fmt.Printf("  not updateable: nothing that may run while a packet is processed writes it or what it reaches\n")
	}
}

// nearest suggests a name.
func nearest(name string, r *report.Report) string {
	best, bestD := "", 4
	for i := range r.Variables {
		if d := distance(name, r.Variables[i].Name); d < bestD {
			best, bestD = r.Variables[i].Name, d
		}
	}
	if best == "" {
		return "; saz analyze --only persistent lists them"
	}
	return fmt.Sprintf("; did you mean %q?", best)
}

// distance is Levenshtein's.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := 1; i <= len(a); i++ {
		diag := row[0]
		row[0] = i
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			diag, row[j] = row[j], min(row[j]+1, row[j-1]+1, diag+cost)
		}
	}
	return row[len(b)]
}
