package main

import (
	"debug/elf"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"saz/frontend/build"
)

// recorder adds records to what one successful run of the compiler made. That
// it cannot is logged, and otherwise no reason to trouble the build.
type recorder struct {
	opt      *build.Options
	dir      string
	compiler string
	sums     map[string]string
	log      *logger
}

func (r *recorder) record() {
	if r.opt.Mode == build.Compile {
		for _, in := range r.opt.Sources() {
			r.object(in)
		}
		return
	}
	r.link()
}

func (r *recorder) compiled(in build.Input) build.Record {
	return build.Record{
		Kind: build.KindCompile, Dir: r.dir, Args: r.opt.Args[len(r.opt.Launcher):], CC: r.compilerPath(), File: in.Name,
		Output: r.opt.ObjectFor(in.Name), Sum: r.sums[in.Name], Env: build.CompileEnv(os.Getenv),
	}
}

// compilerPath is the compiler that will be asked about its macros: not the
// launcher in front of it.
func (r *recorder) compilerPath() string {
	path := r.compiler
	if len(r.opt.Launcher) > 0 {
		p, _, err := findCompiler(r.opt.Compiler)
		if err != nil {
			return ""
		}
		path = p
	}
	return abs(r.dir, path)
}

// object records one source that was compiled into an object of its own.
func (r *recorder) object(in build.Input) {
	rec := r.compiled(in)
	path := abs(r.dir, rec.Output)
	got, err := build.ReadRecords(path)
	if err != nil {
		r.log.line("left alone", err.Error())
		return
	}
	if r.nested(got, path, build.KindCompile) {
		return
	}
	r.add(path, in.Name, []build.Record{rec})
}

// nested reports whether the file has a record of this very output already.
// Then the compiler was a script that runs saz-cc in its turn, and that one saw
// the arguments that the compiler really got.
func (r *recorder) nested(got *build.Recorded, path, kind string) bool {
	for i := range got.Records {
		if o := &got.Records[i]; o.Kind == kind && o.Dir == r.dir && abs(o.Dir, o.Output) == path {
			r.log.line("passed", path+" was recorded by a saz-cc further in")
			return true
		}
	}
	return false
}

// link records how a program was linked, and the sources that were compiled
// into it without an object of their own.
func (r *recorder) link() {
	out := r.opt.ObjectFor("")
	path := abs(r.dir, out)
	got, err := build.ReadRecords(path)
	if err != nil {
		r.log.line("left alone", err.Error())
		return
	}
	if r.nested(got, path, build.KindLink) {
		return
	}
	var recs []build.Record
	for _, in := range r.opt.Sources() {
		recs = append(recs, r.compiled(in))
	}
	carried := 0
	for i := range got.Records {
		if got.Records[i].Kind == build.KindCompile {
			carried++
		}
	}
	link := build.Record{
		Kind: build.KindLink, Dir: r.dir, Args: r.opt.LinkArgs, CC: r.compilerPath(), Output: out, What: "exe",
	}
	switch {
	case r.opt.Relink || got.Type == elf.ET_REL:
		link.What = "object"
	case r.opt.Shared:
		link.What = "shared"
	}
	for _, in := range r.opt.Inputs {
		link.Inputs = append(link.Inputs, in.Name)
		// A linker that optimises makes new objects and leaves the sections
		// of the old ones behind.
		if carried == 0 && r.opt.LTO && !in.Source() {
			if from, err := build.ReadRecords(abs(r.dir, in.Name)); err == nil {
				recs = append(recs, from.Records...)
			}
		}
	}
	r.add(path, strings.Join(link.Inputs, " "), append(recs, link))
}

func (r *recorder) add(path, from string, recs []build.Record) {
	if err := build.AddRecords(path, recs); err != nil {
		r.log.line("left alone", err.Error())
		return
	}
	rel, err := filepath.Rel(r.dir, path)
	if err != nil {
		rel = path
	}
	r.log.line("recorded", fmt.Sprintf("%s <- %s", rel, from))
}

// logger appends to the file that SAZ_LOG names. Several compilers run at once:
// each line is one write.
type logger struct {
	name   string
	start  time.Time
	argv   []string
	before time.Duration // what saz-cc took until the compiler started
	after  time.Time     // when the compiler had ended
}

func (l *logger) compiled() { l.after = time.Now() }

// line writes: time, decision, reason, saz-cc's own time, directory, command.
func (l *logger) line(decision, reason string) {
	if l.name == "" {
		return
	}
	f, err := os.OpenFile(l.name, os.O_WRONLY|os.O_APPEND|os.O_CREATE, 0o666)
	if err != nil {
		return
	}
	defer f.Close()
	own := time.Since(l.start)
	if !l.after.IsZero() {
		own = l.before + time.Since(l.after)
	}
	dir, _ := os.Getwd()
	clean := strings.NewReplacer("\t", " ", "\n", " ")
	fmt.Fprintf(f, "%s\t%s\t%s\t%.1fms\t%s\t%s\n", l.start.Format("2006-01-02T15:04:05.000"), decision, clean.Replace(reason),
		float64(own.Microseconds())/1000, clean.Replace(dir), clean.Replace(strings.Join(l.argv, " ")))
}
