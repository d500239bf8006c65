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
	cached   bool // the compiler is a compiler cache
	sums     map[string]string

	instrumented bool
	log          *logger
}

func (r *recorder) record() {
	if r.opt.Mode == build.Compile {
		for _, in := range r.opt.Inputs {
			if in.Source() {
				r.object(in)
			}
		}
		return
	}
	r.link()
}

// compiled is the record of one source. One that saz can't read, or that is no
// file, is named with the reason, so that nobody has to wonder.
func (r *recorder) compiled(in build.Input) build.Record {
	if why := r.notC(in); why != "" {
		return build.Record{Kind: build.KindOther, Dir: r.dir, File: in.Name, Output: r.opt.ObjectFor(in.Name), What: why}
	}
	return build.Record{
		Kind: build.KindCompile, Dir: r.dir, Args: r.opt.Args[len(r.opt.Launcher):], CC: r.compilerPath(), File: in.Name,
		Output: r.opt.ObjectFor(in.Name), Sum: r.sums[in.Name], Env: build.CompileEnv(os.Getenv),
	}
}

func (r *recorder) notC(in build.Input) string {
	switch {
	case in.Name == "-":
		return "standard input"
	case in.Lang.IsC():
		return ""
	case in.Lang == build.LangAsm || in.Lang == build.LangAsmCpp:
		return "assembler"
	}
	switch ext := filepath.Ext(in.Name); strings.ToLower(ext) {
	case ".cc", ".cp", ".cxx", ".cpp", ".c++", ".c", ".ii":
		return "C++"
	case "":
		return "a language given by -x"
	default:
		return "not C: " + ext
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
	if r.cached && len(got.Records) > 0 {
		// From a saz-cc behind the cache, which may have run in another
		// directory, long ago.
		err = build.SetRecords(path, []build.Record{rec})
		r.said(err, path, in.Name, []build.Record{rec})
		return
	}
	if r.nested(got, path, rec.Kind) {
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
	if err := build.KeepBuildID(path); err != nil {
		r.log.line("build ID", path+" has one of its own: "+err.Error())
	}
	var recs []build.Record
	for _, in := range r.opt.Inputs {
		if in.Source() {
			recs = append(recs, r.compiled(in))
		}
	}
	link := build.Record{
		Kind: build.KindLink, Dir: r.dir, Args: r.opt.LinkArgs, CC: r.compilerPath(), Output: out, What: "exe", Instrumented: r.instrumented,
	}
	switch {
	case r.opt.Relink || got.Type == elf.ET_REL:
		link.What = "object"
	case r.opt.Shared:
		link.What = "shared"
	}
	for _, in := range r.opt.Inputs {
		link.Inputs = append(link.Inputs, in.Name)
	}
	if r.opt.LTO {
		recs = append(recs, r.optimised(got)...)
	}
	r.add(path, strings.Join(link.Inputs, " "), append(recs, link))
}

// optimised returns the records of those inputs that the linker had compiled
// again as a whole: it makes new objects and leaves the sections of the old ones behind.
func (r *recorder) optimised(got *build.Recorded) []build.Record {
	have := map[string]bool{}
	key := func(o *build.Record) string { return o.Kind + "\x00" + o.Dir + "\x00" + o.File + "\x00" + o.Output }
	for i := range got.Records {
		have[key(&got.Records[i])] = true
	}
	var out []build.Record
	for _, in := range r.opt.Inputs {
		if in.Source() {
			continue
		}
		from, err := build.ReadRecords(abs(r.dir, in.Name))
		if err != nil {
			continue
		}
		for _, o := range from.Objects {
			for i := range o.Records {
				if k := key(&o.Records[i]); o.LTO && !have[k] {
					have[k] = true
					out = append(out, o.Records[i])
				}
			}
		}
	}
	return out
}

func (r *recorder) add(path, from string, recs []build.Record) {
	r.said(build.AddRecords(path, recs), path, from, recs)
}

// said logs that records were written, or why not.
func (r *recorder) said(err error, path, from string, recs []build.Record) {
	if err != nil {
		r.log.line("left alone", err.Error())
		return
	}
	rel, err := filepath.Rel(r.dir, path)
	if err != nil {
		rel = path
	}
	decision := "recorded"
	if recs[0].Kind == build.KindOther && len(recs) == 1 {
		decision, from = "noted", from+": "+recs[0].What
	}
	r.log.line(decision, fmt.Sprintf("%s <- %s", rel, from))
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
