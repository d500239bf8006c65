// Package witness compares verdicts with what a run of the program did.
//
// A witness is anything that watches a running program from outside and counts, for each
// of its global variables, the packets that changed it. It knows nothing of saz, so
// that one of the two is wrong where they disagree: a variable that a packet changed
// must be called updateable. (The other direction proves nothing: a run is one of many.)
//
// The table of a witness has one line a symbol, separated by tabs: the symbol, its
// size, in how many packets its own bytes changed, and in how many something that can be
// reached from it did; further columns and lines that begin with # are ignored. Symbols come in the order of
// their addresses, which is how two statics of one name are told apart: DWARF says which
// declaration lies at which address.
//
// A run must be cut into packets where packets come in, and at nothing else: at a read() or recv*() of a socket (not of the
// kernel's own, netlink) or of a tun device, at a poll() that found one, at a callback of libpcap. A read() of a file cuts nothing: what happens between two
// lines of a file of settings is no packet's doing, and what happens while a file is read between two packets stays with the first of the two.
// Before the first cut nothing is counted, after it nothing is left out.
//
//	SAZ_WITNESS_PROGRAM=./prads SAZ_WITNESS_TABLES='runs/*.tsv' go test -v -run Program ./passes/witness
//
// analyses a program that was built with saz-cc and fails if a table contradicts a verdict;
// SAZ_WITNESS_REPORT names a report to be used instead of an analysis.
package witness

import (
	"bufio"
	"debug/dwarf"
	"debug/elf"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"sort"
	"strconv"
	"strings"

	"saz/passes"
	"saz/passes/persist"
	"saz/passes/scratch"
	"saz/passes/update"
)

// A Verdict is what saz says of a variable of static storage.
type Verdict struct {
	Name       string
	Procedure  string // of function-scope statics
	File       string
	Line       int
	Updateable bool
	Scratch    bool
}

// A Seen is what the witness saw of one.
type Seen struct {
	Symbol     string
	Name       string
	Procedure  string
	File       string
	Line       int
	Size       int64
	Own, Reach int
}

// OfContext returns the verdicts of an analysis.
func OfContext(c *passes.Context) []Verdict {
	up, sc := update.Of(c), scratch.Of(c)
	var out []Verdict
	for i := range persist.Of(c).Vars {
		v := &persist.Of(c).Vars[i]
		if v.Global < 0 {
			continue
		}
		w := Verdict{Name: v.Name, Updateable: up.Updateable[v.ID] != nil, Scratch: sc.Scratch[v.ID] != nil}
		if v.Proc >= 0 {
			w.Procedure = c.Prog.Funcs[v.Proc].Name
		}
		if f := c.Prog.Files.File(v.Pos.File); f != nil {
			w.File = f.Path
			w.Line, _ = f.LineCol(v.Pos.Off)
		}
		out = append(out, w)
	}
	return out
}

// OfReport reads the verdicts from a report (saz analyze --format json).
func OfReport(path string) ([]Verdict, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	var r struct {
		Variables []struct {
			Name, Kind, Procedure, File string
			Line                        int
			Updateable, Scratch         bool
		}
	}
	if err := json.Unmarshal(data, &r); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	var out []Verdict
	for _, v := range r.Variables {
		if v.Kind == persist.Global || v.Kind == persist.Static {
			out = append(out, Verdict{v.Name, v.Procedure, v.File, v.Line, v.Updateable, v.Scratch})
		}
	}
	return out, nil
}

// A declared is a variable with an address, as DWARF has it.
type declared struct {
	name, proc, file string
	line             int
}

// Tables reads the witness' tables of runs of the program and adds them up.
func Tables(program string, paths []string) ([]Seen, error) {
	f, err := elf.Open(program)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	decl, err := variables(f)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", program, err)
	}
	syms, err := f.Symbols()
	if err != nil {
		return nil, fmt.Errorf("%s: %w", program, err)
	}
	at := map[string][]uint64{} // symbol → addresses, ascending
	for _, s := range syms {
		if elf.ST_TYPE(s.Info) == elf.STT_OBJECT && s.Size > 0 && int(s.Section) < len(f.Sections) &&
			f.Sections[s.Section].Flags&elf.SHF_WRITE != 0 {
			at[s.Name] = append(at[s.Name], s.Value)
		}
	}
	for _, a := range at {
		sort.Slice(a, func(i, j int) bool { return a[i] < a[j] })
	}
	byAddr := map[uint64]*Seen{}
	for _, p := range paths {
		if err := table(p, at, decl, byAddr); err != nil {
			return nil, err
		}
	}
	addrs := make([]uint64, 0, len(byAddr))
	for a := range byAddr {
		addrs = append(addrs, a)
	}
	sort.Slice(addrs, func(i, j int) bool { return addrs[i] < addrs[j] })
	out := make([]Seen, len(addrs))
	for i, a := range addrs {
		out[i] = *byAddr[a]
	}
	return out, nil
}

func table(path string, at map[string][]uint64, decl map[uint64]declared, byAddr map[uint64]*Seen) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	nth := map[string]int{}
	in := bufio.NewScanner(f)
	for n := 1; in.Scan(); n++ {
		if strings.HasPrefix(in.Text(), "#") || in.Text() == "" {
			continue
		}
		col := strings.Split(in.Text(), "\t")
		if len(col) < 4 {
			return fmt.Errorf("%s:%d: fewer than four columns", path, n)
		}
		var num [3]int
		for i := range num {
			if num[i], err = strconv.Atoi(col[i+1]); err != nil {
				return fmt.Errorf("%s:%d: %w", path, n, err)
			}
		}
		sym, k := col[0], nth[col[0]]
		nth[sym]++
		if k >= len(at[sym]) {
			return fmt.Errorf("%s:%d: the program has no such symbol %s (is the table of another build?)", path, n, sym)
		}
		addr := at[sym][k]
		s := byAddr[addr]
		if s == nil {
			s = &Seen{Symbol: sym, Name: sym, Size: int64(num[0])}
			if i := strings.IndexByte(sym, '.'); i > 0 {
				s.Name = sym[:i]
			}
			if d, ok := decl[addr]; ok {
				s.Name, s.Procedure, s.File, s.Line = d.name, d.proc, d.file, d.line
			}
			byAddr[addr] = s
		}
		s.Own += num[1]
		s.Reach += num[2]
	}
	return in.Err()
}

// variables returns the variables of static storage by address.
func variables(f *elf.File) (map[uint64]declared, error) {
	d, err := f.DWARF()
	if err != nil {
		return nil, fmt.Errorf("built without -g? %w", err)
	}
	out := map[uint64]declared{}
	names := map[dwarf.Offset]declared{} // declarations that a definition refers to
	r := d.Reader()
	var files []*dwarf.LineFile
	var procs []string // enclosing entries with children; "" if not a procedure
	for {
		e, err := r.Next()
		if err != nil {
			return nil, err
		}
		if e == nil {
			return out, nil
		}
		if e.Tag == 0 {
			if len(procs) > 0 {
				procs = procs[:len(procs)-1]
			}
			continue
		}
		proc := ""
		for _, p := range procs {
			if p != "" {
				proc = p
			}
		}
		switch e.Tag {
		case dwarf.TagCompileUnit:
			procs, files = procs[:0], nil
			if lr, err := d.LineReader(e); err == nil && lr != nil {
				files = lr.Files()
			}
		case dwarf.TagVariable:
			v := declared{proc: proc}
			if o, ok := e.Val(dwarf.AttrSpecification).(dwarf.Offset); ok {
				v = names[o]
			}
			if o, ok := e.Val(dwarf.AttrAbstractOrigin).(dwarf.Offset); ok {
				v = names[o]
			}
			if n, ok := e.Val(dwarf.AttrName).(string); ok {
				v.name = n
			}
			if n, ok := e.Val(dwarf.AttrDeclFile).(int64); ok && int(n) < len(files) && files[n] != nil {
				v.file = files[n].Name
			}
			if n, ok := e.Val(dwarf.AttrDeclLine).(int64); ok {
				v.line = int(n)
			}
			names[e.Offset] = v
			if loc, ok := e.Val(dwarf.AttrLocation).([]byte); ok && len(loc) == 9 && loc[0] == 0x03 { // DW_OP_addr
				out[binary.LittleEndian.Uint64(loc[1:])] = v
			}
		}
		if e.Children {
			name := ""
			if e.Tag == dwarf.TagSubprogram {
				name, _ = e.Val(dwarf.AttrName).(string)
			}
			procs = append(procs, name)
		}
	}
}

// An Outcome is the comparison.
type Outcome struct {
	Wrong    []string // a run changed it, and it is not called updateable
	Unknown  []string // a run changed it, and there is no such variable in the report
	Reach    []string // only something that it seems to reach changed: to be looked at, see Check
	Changed  int      // variables that a run changed, themselves or what they reach
	Quiet    []Verdict
	Carrying int // updateable and not scratch
}

// Check compares. What a witness says of reachable memory is weaker than what it says of a
// variable's own bytes: it must take any word for a pointer.
func Check(verdicts []Verdict, seen []Seen) Outcome {
	var out Outcome
	changed := map[int]bool{}
	for i := range seen {
		s := &seen[i]
		if s.Own == 0 && s.Reach == 0 {
			continue
		}
		out.Changed++
		k := find(verdicts, s)
		text := fmt.Sprintf("%s (%s:%d), own bytes in %d packets, reachable memory in %d", s.Symbol, filepath.Base(s.File), s.Line, s.Own, s.Reach)
		switch {
		case k < 0 && s.Own > 0:
			out.Unknown = append(out.Unknown, text)
		case k < 0:
		case verdicts[k].Updateable:
			changed[k] = true
		case s.Own > 0:
			out.Wrong = append(out.Wrong, text)
		default:
			out.Reach = append(out.Reach, text)
		}
	}
	for k := range verdicts {
		if v := &verdicts[k]; v.Updateable && !v.Scratch {
			out.Carrying++
			if !changed[k] {
				out.Quiet = append(out.Quiet, *v)
			}
		}
	}
	return out
}

// find returns the verdict on what the witness saw, -1 if there is none.
func find(verdicts []Verdict, s *Seen) int {
	best, score := -1, 0
	for k := range verdicts {
		v := &verdicts[k]
		if v.Name != s.Name {
			continue
		}
		n := 1
		if v.Procedure == s.Procedure {
			n += 2
		}
		if filepath.Base(v.File) == filepath.Base(s.File) {
			n++
			if v.Line == s.Line {
				n += 2
			}
		}
		if n > score {
			best, score = k, n
		}
	}
	return best
}
