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
//	store    what was read, kept from one run to the next
//
// Translation units are read in parallel; what comes out does not depend on
// how many at a time, nor on whether a unit was read or came from the store:
// in either case it is decoded from its image (check.Unit.Image), which holds
// what something leads to and no more. Who lowers units has their bodies
// decoded one by one (Options.Later, check.Unit.Wake).
package frontend

import (
	"fmt"
	"path/filepath"

	"golang.org/x/sync/errgroup"

	"saz/frontend/build"
	"saz/frontend/check"
	"saz/frontend/cpp"
	"saz/frontend/source"
	"saz/frontend/store"
	"saz/frontend/syntax"
)

// A Program is all translation units of a program, read.
type Program struct {
	Build  *build.Program
	Files  *source.Set
	Units  []*check.Unit // as Build.Commands; nil for one that could not be read at all
	Failed []string      // sources of units that are nil or have unknown code, in order
	Shapes int           // different declarations that were parsed in this run
	Stored int           // units that came from the store
}

// Options of Load.
type Options struct {
	Jobs  int          // units at a time
	Store *store.Store // nil for none
	All   bool         // look for errors in functions that nothing leads to as well
	Whole bool         // keep everything: all declarations, bodies and tokens
	Later bool         // units are left for others to wake (check.Unit.Wake), as lowering does
}

// Cpp preprocesses one command.
func Cpp(cmd *build.Command, files *source.Set, cache *cpp.Cache, sink *source.Sink) (*cpp.Unit, error) {
	cfg, _, err := configuration(cmd)
	if err != nil {
		return nil, err
	}
	cfg.Cache = cache
	return cpp.Preprocess(cfg, files, cmd.File, sink)
}

func configuration(cmd *build.Command) (*cpp.Config, *build.Toolchain, error) {
	tc, err := cmd.Toolchain()
	if err != nil {
		return nil, nil, err
	}
	cfg, err := cmd.Config(tc)
	return cfg, tc, err
}

// Load reads every unit of p, jobs units at a time.
func Load(p *build.Program, sink *source.Sink, jobs int) (*Program, error) {
	return LoadWith(p, sink, Options{Jobs: jobs})
}

// LoadWith reads every unit of p. The error is for what makes the whole
// program unreadable; a unit that can't be read is a diagnostic in sink and an
// entry in Failed.
func LoadWith(p *build.Program, sink *source.Sink, opt Options) (*Program, error) {
	if len(p.Commands) == 0 {
		return nil, fmt.Errorf("%s: no C sources", p.Target)
	}
	l := &loader{Options: opt, files: source.NewSet(), tokens: cpp.NewCache(), trees: &syntax.Cache{}}
	out := &Program{Build: p, Files: l.files, Units: make([]*check.Unit, len(p.Commands))}
	failed, stored := make([]bool, len(p.Commands)), make([]bool, len(p.Commands))
	var g errgroup.Group
	g.SetLimit(max(opt.Jobs, 1))
	for i := range p.Commands {
		g.Go(func() error {
			cmd := &p.Commands[i]
			own := &source.Sink{} // to tell which unit an error belongs to
			unit, hit, err := l.unit(cmd, own)
			if err != nil {
				own.Add(source.Diagnostic{ID: "unit-unreadable", Severity: source.Error,
					Msg:  fmt.Sprintf("%s: %v", filepath.Join(cmd.Dir, cmd.File), err),
					Hint: "run the recorded compile command by hand to see what the compiler says"})
			} else {
				unit.Name = cmd.File
				if !opt.Later {
					unit.Wake()
				}
				out.Units[i] = unit
			}
			failed[i], stored[i] = own.Errors() > 0, hit
			for _, d := range own.Sorted(l.files) {
				sink.Add(d)
			}
			return nil
		})
	}
	g.Wait()
	for i := range p.Commands {
		if failed[i] {
			out.Failed = append(out.Failed, p.Commands[i].File)
		}
		if stored[i] {
			out.Stored++
		}
	}
	out.Shapes = l.trees.Len()
	opt.Store.Trim()
	return out, nil
}

// A loader is what the units of one Load share.
type loader struct {
	Options
	files  *source.Set
	tokens *cpp.Cache
	trees  *syntax.Cache
}

// unit reads one command, or takes its unit from the store.
func (l *loader) unit(cmd *build.Command, sink *source.Sink) (u *check.Unit, hit bool, err error) {
	cfg, tc, err := configuration(cmd)
	if err != nil {
		return nil, false, err
	}
	cfg.Cache = l.tokens
	if l.Whole {
		pre, err := cpp.Preprocess(cfg, l.files, cmd.File, sink)
		if err != nil {
			return nil, false, err
		}
		return check.Check(l.trees.Parse(pre, sink), l.files, sink), false, nil
	}
	var key store.Key
	if l.Store != nil {
		key = l.key(cmd, cfg, tc)
		if u := l.fetch(key, sink); u != nil {
			return u, true, nil
		}
	}
	pre, err := cpp.Preprocess(cfg, l.files, cmd.File, sink)
	if err != nil {
		return nil, false, err
	}
	tree := l.trees.ParseHeads(pre, sink)
	if l.All {
		u = check.CheckAll(tree, l.files, sink)
	} else {
		u = check.Check(tree, l.files, sink)
	}
	image := u.Image(tree)
	if l.Store != nil {
		l.Store.Put(key, l.entry(pre, sink, image))
	}
	tree.Close()
	pre.Release(l.tokens)
	u, err = check.DecodeUnit(image, l.files)
	return u, false, err
}
