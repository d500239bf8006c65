package main

import (
	"bufio"
	"fmt"
	"os"
	"sort"
	"strings"

	"github.com/urfave/cli/v2"

	"saz/frontend"
	"saz/frontend/build"
	"saz/frontend/cpp"
	"saz/frontend/ctype"
	"saz/frontend/source"
	"saz/ir"
	"saz/ir/cprint"
	"saz/passes/run"
)

func parseCommand() *cli.Command {
	return &cli.Command{
		Name:      "parse",
		Usage:     "read a program and say how much of it there is and what can't be read",
		ArgsUsage: targetHelp,
		Flags:     commonFlags(),
		Action: func(c *cli.Context) error {
			a, err := load(c)
			if err != nil {
				return err
			}
			code := complain(c, a)
			fmt.Printf("%-36s %9s %7s %7s %9s %6s\n", "UNIT", "TOKENS", "DECLS", "UNIQUE", "FUNCTIONS", "ERRORS")
			var sum [5]int
			for i, u := range a.Frontend.Units {
				name := cut(a.Build.Commands[i].File, 36)
				if u == nil {
					fmt.Printf("%-36s could not be read\n", name)
					continue
				}
				row := [5]int{len(u.Cpp.Tokens), u.Stats.Decls, u.Stats.Unique, u.Stats.Functions, len(u.Bad)}
				fmt.Printf("%-36s %9d %7d %7d %9d %6d\n", name, row[0], row[1], row[2], row[3], row[4])
				for k := range sum {
					sum[k] += row[k]
				}
			}
			fmt.Printf("%-36s %9d %7d %7d %9d %6d\n", fmt.Sprintf("%d units", len(a.Frontend.Units)), sum[0], sum[1], sum[2], sum[3], sum[4])
			cost := a.Cost()
			fmt.Printf("%.2f s, %.2f s of CPU, %d MB\n", cost.Wall, cost.CPU, cost.RSS>>20)
			return exit(code)
		},
	}
}

func dumpCommand() *cli.Command {
	return &cli.Command{
		Name:      "dump",
		Usage:     "print what a phase made of the program, for tests and for the curious",
		ArgsUsage: targetHelp,
		Flags: commonFlags(
			&cli.BoolFlag{Name: "tokens", Usage: "preprocessed tokens, one spelling a line"},
			&cli.BoolFlag{Name: "layout", Usage: "type, member, offset in bits, size in bits of each complete struct and union"},
			&cli.BoolFlag{Name: "ir", Usage: "the IR"},
			&cli.BoolFlag{Name: "c", Usage: "the IR as one C file that compiles"},
			&cli.StringFlag{Name: "func", Usage: "--ir: only function `NAME`"},
		),
		Action: func(c *cli.Context) error {
			n := 0
			for _, f := range []string{"tokens", "layout", "ir", "c"} {
				if c.Bool(f) {
					n++
				}
			}
			if n != 1 {
				return usage("dump needs one of --tokens, --layout, --ir, --c")
			}
			w := bufio.NewWriter(os.Stdout)
			defer w.Flush()
			if c.Bool("tokens") {
				return dumpTokens(c, w)
			}
			a, err := load(c)
			if err != nil {
				return err
			}
			code := complain(c, a)
			switch {
			case c.Bool("layout"):
				dumpLayout(w, a)
			case c.Bool("ir"):
				ir.Print(w, a.Context.Prog, c.String("func"))
			default:
				if err := cprint.Program(w, a.Context.Prog, nil); err != nil {
					return cli.Exit(err.Error(), exitInternal)
				}
			}
			return exit(code)
		},
	}
}

// dumpTokens needs no more than the preprocessor.
func dumpTokens(c *cli.Context, w *bufio.Writer) error {
	targets, flags, err := target(c)
	if err != nil {
		return err
	}
	p, err := build.Load(targets, flags)
	if err != nil {
		return cli.Exit(err.Error(), exitUsage)
	}
	files, cache, sink := source.NewSet(), cpp.NewCache(), &source.Sink{}
	for i := range p.Commands {
		u, err := frontend.Cpp(&p.Commands[i], files, cache, sink)
		if err != nil {
			return cli.Exit(err.Error(), exitUsage)
		}
		for k := range u.Tokens {
			w.WriteString(u.Tokens[k].Text)
			w.WriteByte('\n')
		}
	}
	w.Flush()
	for _, d := range sink.Sorted(files) {
		source.Render(os.Stderr, files, d, colour(c, os.Stderr))
	}
	if sink.Errors() > 0 {
		return exit(exitPartial)
	}
	return nil
}

func dumpLayout(w *bufio.Writer, a *run.Analysis) {
	var lines []string
	for _, u := range a.Frontend.Units {
		if u == nil {
			continue
		}
		for _, r := range u.Records {
			if !r.Complete || r.Tag == "" && r.Typedef == "" {
				continue
			}
			name := r.Typedef
			if r.Tag != "" {
				name = map[bool]string{false: "struct ", true: "union "}[r.Union] + r.Tag
			}
			var b strings.Builder
			fmt.Fprintf(&b, "%s\t\t0\t%d\n", name, r.Size*8)
			for i := range r.Fields {
				f := &r.Fields[i]
				if f.BitField {
					fmt.Fprintf(&b, "%s\t%s\t%d\t%d\n", name, f.Name, f.BitOff, f.BitWidth)
				} else {
					fmt.Fprintf(&b, "%s\t%s\t%d\t%d\n", name, f.Name, f.Off*8, max(ctype.SizeOf(f.Type), 0)*8)
				}
			}
			lines = append(lines, b.String())
		}
	}
	sort.Strings(lines)
	for i, l := range lines {
		if i == 0 || l != lines[i-1] {
			w.WriteString(l)
		}
	}
}
