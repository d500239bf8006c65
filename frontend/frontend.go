// Package frontend reads a program: from compile commands to typed ASTs.
//
// The phases live in the packages below it, in the order in which data passes
// through them:
//
//	build    compile commands, what the compiler says about itself
//	cpp      preprocessing; each token knows where it is from
//	syntax   external declarations, parsed by tree-sitter
//	ctype    C types and their layout
//	check    names and types of everything: the typed AST
//
// Translation units are read in parallel; what comes out does not depend on
// how many at a time.
package frontend

import (
	"fmt"
	"path/filepath"

	"golang.org/x/sync/errgroup"

	"saz/frontend/build"
	"saz/frontend/check"
	"saz/frontend/cpp"
	"saz/frontend/source"
	"saz/frontend/syntax"
)

// A Program is all translation units of a program, read.
type Program struct {
	Build  *build.Program
	Files  *source.Set
	Units  []*check.Unit // as Build.Commands; nil for one that could not be read at all
	Failed []string      // sources of units that are nil or have unknown code, in order
}

// Cpp preprocesses one command.
func Cpp(cmd *build.Command, files *source.Set, cache *cpp.Cache, sink *source.Sink) (*cpp.Unit, error) {
	tc, err := cmd.Toolchain()
	if err != nil {
		return nil, err
	}
	cfg, err := cmd.Config(tc)
	if err != nil {
		return nil, err
	}
	cfg.Cache = cache
	return cpp.Preprocess(cfg, files, cmd.File, sink)
}

// Load reads every unit of p with jobs units at a time. The error is for what
// makes the whole program unreadable; a unit that can't be read is a
// diagnostic in sink and an entry in Failed.
func Load(p *build.Program, sink *source.Sink, jobs int) (*Program, error) {
	if len(p.Commands) == 0 {
		return nil, fmt.Errorf("%s: no C sources", p.Target)
	}
	out := &Program{Build: p, Files: source.NewSet(), Units: make([]*check.Unit, len(p.Commands))}
	tokens := cpp.NewCache()
	trees := &syntax.Cache{}
	failed := make([]bool, len(p.Commands))
	var g errgroup.Group
	g.SetLimit(max(jobs, 1))
	for i := range p.Commands {
		g.Go(func() error {
			cmd := &p.Commands[i]
			own := &source.Sink{} // to tell which unit an error belongs to
			u, err := Cpp(cmd, out.Files, tokens, own)
			if err != nil {
				own.Add(source.Diagnostic{ID: "unit-unreadable", Severity: source.Error,
					Msg:  fmt.Sprintf("%s: %v", filepath.Join(cmd.Dir, cmd.File), err),
					Hint: "run the recorded compile command by hand to see what the compiler says"})
			} else {
				tree := trees.ParseHeads(u, own)
				unit := check.Check(tree, out.Files, own)
				tree.Close()
				unit.Name = cmd.File
				out.Units[i] = unit
			}
			failed[i] = own.Errors() > 0
			for _, d := range own.Sorted(out.Files) {
				sink.Add(d)
			}
			return nil
		})
	}
	g.Wait()
	for i, bad := range failed {
		if bad {
			out.Failed = append(out.Failed, p.Commands[i].File)
		}
	}
	return out, nil
}
