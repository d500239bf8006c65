package build

import (
	"debug/elf"
	"path/filepath"
	"sort"
	"strconv"
	"strings"
)

// States of a unit in a Status.
const (
	Captured    = "captured"       // saz knows how it was compiled
	Passed      = "passed through" // saz-cc saw it and left it to the compiler
	NotRecorded = "not recorded"   // no saz-cc was there when it was compiled
)

// A UnitStatus says what is known of one source, or of one object if that is
// all that is known.
type UnitStatus struct {
	File    string `json:"file"`             // absolute where that is known
	Output  string `json:"output,omitempty"` // the object, archive(member) or program that it is in
	State   string `json:"state"`
	Why     string `json:"why,omitempty"`
	Problem bool   `json:"problem,omitempty"` // the reason is one to act on
}

// A Status tells for each translation unit of a target whether saz sees it.
type Status struct {
	Schema    string         `json:"schema"`
	Target    string         `json:"target"`
	Units     []UnitStatus   `json:"units"`
	Libraries []string       `json:"libraries,omitempty"` // -l and the like, of the link: code that saz has models for or knows nothing of
	Counts    map[string]int `json:"counts"`
	Notes     []string       `json:"notes,omitempty"`
}

// Survey asks a built program, object or archive, or a compilation database,
// for its Status. Unlike Load it does not refuse a target without any record:
// that nothing was captured is an answer.
func Survey(target string) (*Status, error) {
	s := &Status{Schema: "saz.status/1", Target: target}
	if strings.HasSuffix(target, ".json") || !isObject(target) {
		p, err := Load([]string{target}, nil)
		if err != nil {
			return nil, err
		}
		for i := range p.Commands {
			s.add(commandStatus(&p.Commands[i]))
		}
		s.Notes = p.Notes
		s.finish()
		return s, nil
	}
	rec, err := ReadRecords(target)
	if err != nil {
		return nil, &LoadError{Problem: Unreadable, Target: target, Msg: strings.TrimPrefix(err.Error(), target+": "), Err: err}
	}
	var link *Record
	for i := range rec.Records {
		r := &rec.Records[i]
		switch r.Kind {
		case KindCompile:
			s.add(commandStatus(&Command{Dir: r.Dir, Args: r.Args, File: r.File, Output: r.Output, CC: r.CC, Sum: r.Sum, Env: r.Env}))
		case KindOther:
			s.add(UnitStatus{File: absIn(r.Dir, r.File), Output: absIn(r.Dir, r.Output), State: Passed, Why: r.What})
		case KindLink:
			if r.What != "object" || rec.Type == elf.ET_REL {
				link = r
			}
		}
	}
	if rec.Bad > 0 {
		s.Notes = append(s.Notes, "records that cannot be read, of a newer saz-cc perhaps: "+strconv.Itoa(rec.Bad))
	}
	if link != nil {
		s.Libraries = libraries(link)
		if link.Instrumented {
			s.Notes = append(s.Notes, "it is instrumented: saz-cc --instrument linked it")
		}
		s.inputs(link, sourcesIn(target))
	}
	if rec.Type == elf.ET_NONE || rec.Type == elf.ET_REL {
		for _, o := range rec.Objects {
			if len(o.Records) == 0 {
				s.bare(o, target)
			}
		}
	}
	if link == nil && (rec.Type == elf.ET_EXEC || rec.Type == elf.ET_DYN) {
		s.Notes = append(s.Notes, `it was not linked by saz-cc, so objects without a record cannot be named: make clean && make CC="saz-cc gcc"`)
	}
	s.finish()
	return s, nil
}

func isObject(path string) bool {
	magic, err := head(path, 8)
	return err == nil && (strings.HasPrefix(string(magic), elf.ELFMAG) || string(magic) == "!<arch>\n" || string(magic) == "!<thin>\n")
}

func (s *Status) add(u UnitStatus) { s.Units = append(s.Units, u) }

// commandStatus looks whether what was captured is still there to be analysed.
func commandStatus(c *Command) UnitStatus {
	u := UnitStatus{File: c.Path(), State: Captured}
	if c.Output != "" {
		u.Output = absIn(c.Dir, c.Output)
	}
	switch {
	case !exists(c.Path()):
		u.Why, u.Problem = "its source is gone", true
	case c.Changed():
		u.Why, u.Problem = "its source has changed since", true
	}
	return u
}

// inputs finds objects that were linked and brought no record.
func (s *Status) inputs(link *Record, linked map[string]bool) {
	for _, in := range link.Inputs {
		if langOf(in, "") != LangLink {
			continue
		}
		path := absIn(link.Dir, in)
		rec, err := ReadRecords(path)
		switch {
		case !exists(path):
			continue // what it was compiled from is in the program's own records, if anywhere
		case err != nil:
			s.add(UnitStatus{File: path, State: NotRecorded, Why: "neither an ELF object nor an archive (a linker script, LLVM bitcode)"})
			continue
		}
		if rec.Type == elf.ET_DYN {
			s.add(UnitStatus{File: path, State: NotRecorded, Why: "a shared object: a program of its own"})
			continue
		}
		for _, o := range rec.Objects {
			// A member of an archive is linked only where it is needed.
			if len(o.Records) > 0 || rec.Type == elf.ET_NONE && linked != nil && o.Source != "" && !linked[o.Source] {
				continue
			}
			s.bare(o, path)
		}
	}
}

// bare adds an object without a record.
func (s *Status) bare(o Object, path string) {
	u := UnitStatus{File: o.Source, Output: path, State: NotRecorded, Problem: true, Why: "saz-cc did not compile it, or SAZ_DISABLE was set"}
	if o.Name != "" {
		u.Output = path + "(" + filepath.Base(o.Name) + ")"
	}
	if u.File == "" {
		u.File = u.Output
	}
	switch langOf(o.Source, "") {
	case LangC, LangCpp:
	case LangAsm, LangAsmCpp:
		u.Why, u.Problem = "assembler", false
	case LangOther:
		u.Why, u.Problem = "not C", false
	}
	s.add(u)
}

// sourcesIn are the sources that a linked file's symbol table names; nil if it
// is stripped.
func sourcesIn(path string) map[string]bool {
	f, err := elf.Open(path)
	if err != nil {
		return nil
	}
	defer f.Close()
	syms, err := f.Symbols()
	if err != nil || len(syms) == 0 {
		return nil
	}
	out := map[string]bool{}
	for i := range syms {
		if elf.ST_TYPE(syms[i].Info) == elf.STT_FILE {
			out[syms[i].Name] = true
		}
	}
	return out
}

func libraries(link *Record) []string {
	var out []string
	for i, a := range link.Args {
		if v, ok := strings.CutPrefix(a, "-l"); ok {
			if v == "" && i+1 < len(link.Args) {
				v = link.Args[i+1]
			}
			out = append(out, "-l"+v)
		}
	}
	return out
}

// finish drops what is there twice and counts.
func (s *Status) finish() {
	seen := map[UnitStatus]bool{}
	kept := s.Units[:0]
	for _, u := range s.Units {
		if !seen[u] {
			seen[u] = true
			kept = append(kept, u)
		}
	}
	s.Units = kept
	sort.SliceStable(s.Units, func(i, j int) bool { return s.Units[i].File < s.Units[j].File })
	s.Counts = map[string]int{}
	for _, u := range s.Units {
		s.Counts[u.State]++
	}
}
