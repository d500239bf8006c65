package build

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"debug/elf"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Section is the ELF section in which saz-cc leaves its records. It is not
// allocated, so it costs nothing at run time; it is not a debug section, so
// strip keeps it; and linkers concatenate sections of one name, so a program
// carries the records of exactly the objects that are linked into it, in link
// order. That is gllvm's idea.
const Section = ".saz.cc"

// RecordVersion is the version of Record that this package writes.
const RecordVersion = 1

// Kinds of Record.
const (
	KindCompile = "cc"    // a C source was compiled
	KindLink    = "link"  // a program, shared object or -r object was linked
	KindOther   = "other" // something that is not C, or has no file, was compiled; What says what
)

// A Record is one line of JSON in Section.
type Record struct {
	V      int      `json:"v"`
	Kind   string   `json:"kind"`
	Dir    string   `json:"dir"`              // working directory
	Args   []string `json:"args"`             // cc: argv, response files expanded; link: linker flags only
	CC     string   `json:"cc,omitempty"`     // the compiler that ran, resolved
	File   string   `json:"file,omitempty"`   // cc: the source, as named in Args
	Output string   `json:"output"`           // as named
	Sum    string   `json:"sum,omitempty"`    // cc: SourceSum of the source as compiled
	Env    []string `json:"env,omitempty"`    // cc: see CompileEnv
	Inputs []string `json:"inputs,omitempty"` // link: sources, objects and archives in order
	What   string   `json:"what,omitempty"`   // link: "exe", "shared" or "object"; other: the language, or why not

	Instrumented bool `json:"instrumented,omitempty"` // link: with objects of saz's in the place of some

	// Latin1 says that the strings were not UTF-8, which JSON cannot hold,
	// and that each rune stands for one byte. Decoding undoes it.
	Latin1 bool `json:"latin1,omitempty"`
}

// envNames are the variables that change what a source is preprocessed to: those
// that act like -I and -isystem, and the one that sets __DATE__.
var envNames = []string{"CPATH", "C_INCLUDE_PATH", "SOURCE_DATE_EPOCH"}

// CompileEnv returns those settings of the environment that change what the
// compiler makes of a source.
func CompileEnv(getenv func(string) string) []string {
	var out []string
	for _, n := range envNames {
		if v := getenv(n); v != "" {
			out = append(out, n+"="+v)
		}
	}
	return out
}

// SourceSum is a short hash of the bytes of a source file, "" if it cannot be
// read. It tells a source that has changed since it was compiled, which the
// time stamp does not (checkouts and copies).
func SourceSum(path string) string {
	data, err := os.ReadFile(path)
	if err != nil {
		return ""
	}
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:8])
}

func (r *Record) each(f func(string) string) {
	list := func(l []string) []string {
		if l == nil {
			return nil
		}
		out := make([]string, len(l))
		for i := range l {
			out[i] = f(l[i])
		}
		return out
	}
	r.Dir, r.CC, r.File, r.Output = f(r.Dir), f(r.CC), f(r.File), f(r.Output)
	r.Args, r.Env, r.Inputs = list(r.Args), list(r.Env), list(r.Inputs)
}

func bytesToRunes(s string) string {
	r := make([]rune, len(s))
	for i := 0; i < len(s); i++ {
		r[i] = rune(s[i])
	}
	return string(r)
}

func runesToBytes(s string) string {
	b := make([]byte, 0, len(s))
	for _, r := range s {
		b = append(b, byte(r))
	}
	return string(b)
}

// EncodeRecords returns records as the bytes of the section.
func EncodeRecords(records []Record) ([]byte, error) {
	var buf bytes.Buffer
	enc := json.NewEncoder(&buf)
	enc.SetEscapeHTML(false)
	for _, r := range records {
		r.V = RecordVersion
		valid := true
		r.each(func(s string) string { valid = valid && utf8.ValidString(s); return s })
		if !valid {
			r.each(bytesToRunes)
			r.Latin1 = true
		}
		if err := enc.Encode(&r); err != nil {
			return nil, err
		}
	}
	return buf.Bytes(), nil
}

// DecodeRecords reads the bytes of a section. Alignment may have put NUL bytes
// between the contributions of two objects. Lines that are no record are
// counted in bad, and so are those of a newer version than is known here.
func DecodeRecords(data []byte) (records []Record, bad int) {
	for len(data) > 0 {
		line := data
		if i := bytes.IndexAny(data, "\n\x00"); i >= 0 {
			line, data = data[:i], data[i+1:]
		} else {
			data = nil
		}
		line = bytes.TrimSpace(line)
		if len(line) == 0 {
			continue
		}
		var r Record
		if json.Unmarshal(line, &r) != nil || r.V < 1 || r.V > RecordVersion || r.Dir == "" {
			bad++
			continue
		}
		if r.Latin1 {
			r.each(runesToBytes)
			r.Latin1 = false
		}
		records = append(records, r)
	}
	return records, bad
}

// errFormat is the error for a file that is neither ELF nor an archive.
var errFormat = errors.New("neither an ELF file nor an archive")

// Recorded is what a file says about how it was built.
type Recorded struct {
	Records []Record
	Type    elf.Type // of the ELF file; ET_NONE for an archive
	Members int      // ELF members of an archive; 1 for an ELF file
	Bad     int      // unreadable records
	Objects []Object // each ELF member; the one of an ELF file has no name
}

// An Object is what one relocatable object or linked file says.
type Object struct {
	Name    string // of the archive's member
	Records []Record
	LTO     bool   // it holds a compiler's intermediate code
	Source  string // without records: the source as its symbol table has it, "" if it does not
	Offset  int64  // of the member's bytes in the archive; in a thin one -1, and Name is a path
	Size    int64
}

// ReadRecords reads all records of an ELF file or of the members of an
// archive. A file without records is not an error.
func ReadRecords(path string) (*Recorded, error) { return readRecords(path, map[string]bool{}) }

// readRecords is ReadRecords for a file reached through thin archives, which
// may name each other: none is read twice.
func readRecords(path string, archives map[string]bool) (*Recorded, error) {
	// Before it is opened: a pipe would wait for its other end.
	st, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if !st.Mode().IsRegular() {
		return nil, fmt.Errorf("%s: %w", path, errFormat)
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	var magic [8]byte
	n, _ := f.ReadAt(magic[:], 0)
	out := &Recorded{}
	switch head := string(magic[:n]); {
	case strings.HasPrefix(head, elf.ELFMAG):
		err = out.elf(f, Object{Size: st.Size()})
	case head == "!<arch>\n" || head == "!<thin>\n":
		err = out.archive(f, st.Size(), path, head == "!<thin>\n", archives)
	case hasAside(magic[:n]):
		out.Type = elf.ET_REL
		err = out.aside(f, Object{Size: st.Size()})
	default:
		err = errFormat
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return out, nil
}

func (out *Recorded) elf(r io.ReaderAt, o Object) error {
	e, err := elf.NewFile(r)
	if err != nil {
		return err
	}
	out.Type = e.Type
	out.Members++
	for _, s := range e.Sections {
		o.LTO = o.LTO || strings.HasPrefix(s.Name, ".gnu.lto_")
		// ld -r with --unique, and some linker scripts, leave several.
		if s.Name != Section || s.Type == elf.SHT_NOBITS {
			continue
		}
		data, err := s.Data()
		if err != nil {
			return err
		}
		recs, bad := DecodeRecords(data)
		o.Records = append(o.Records, recs...)
		out.Bad += bad
	}
	if len(o.Records) == 0 {
		syms, _ := e.Symbols()
		for i := range syms {
			if elf.ST_TYPE(syms[i].Info) == elf.STT_FILE {
				o.Source = syms[i].Name
				break
			}
		}
	}
	out.Records = append(out.Records, o.Records...)
	out.Objects = append(out.Objects, o)
	return nil
}

// archive walks a System V (GNU) or BSD archive. A thin archive holds only the
// names of its members.
func (out *Recorded) archive(f io.ReaderAt, size int64, path string, thin bool, archives map[string]bool) error {
	if archives[filepath.Clean(path)] {
		return nil
	}
	archives[filepath.Clean(path)] = true
	var names []byte
	for off := int64(8); off+60 <= size; {
		var h [60]byte
		if _, err := f.ReadAt(h[:], off); err != nil {
			return err
		}
		n, err := strconv.ParseInt(strings.TrimRight(string(h[48:58]), " "), 10, 64)
		if err != nil || n < 0 || string(h[58:]) != "`\n" {
			return fmt.Errorf("damaged archive: bad member header at byte %d", off)
		}
		name := strings.TrimRight(string(h[:16]), " ")
		off += 60
		body := io.NewSectionReader(f, off, n)
		inside := true
		bodyAt, bodySize := off, n
		switch {
		case name == "/" || name == "/SYM64/" || strings.HasPrefix(name, "__.SYMDEF"):
		case name == "//":
			names = make([]byte, min(n, size-off))
			if _, err := io.ReadFull(body, names); err != nil {
				return err
			}
		default:
			if at, ok := strings.CutPrefix(name, "/"); ok {
				i, err := strconv.Atoi(at)
				if err != nil || i < 0 || i >= len(names) {
					return fmt.Errorf("damaged archive: bad member name %q", name)
				}
				long := string(names[i:])
				name, _, _ = strings.Cut(long, "\n")
			} else if at, ok := strings.CutPrefix(name, "#1/"); ok {
				i, err := strconv.ParseInt(at, 10, 64)
				if err != nil || i < 0 || i > n {
					return fmt.Errorf("damaged archive: bad member name %q", name)
				}
				bodyAt, bodySize = off+i, n-i
				body = io.NewSectionReader(f, bodyAt, bodySize)
			}
			name = strings.TrimSuffix(name, "/")
			if thin {
				inside = false
				if !filepath.IsAbs(name) {
					name = filepath.Join(filepath.Dir(path), name)
				}
				m, err := readRecords(name, archives)
				if err == nil {
					out.Records = append(out.Records, m.Records...)
					out.Bad += m.Bad
					out.Members += m.Members
					for _, o := range m.Objects {
						if o.Name == "" {
							o.Name, o.Offset = name, -1
						}
						out.Objects = append(out.Objects, o)
					}
				} else if !errors.Is(err, errFormat) {
					return err
				}
				break
			}
			var magic [4]byte
			if _, err := body.ReadAt(magic[:], 0); err == nil && string(magic[:]) == elf.ELFMAG {
				if err := out.elf(body, Object{Name: name, Offset: bodyAt, Size: bodySize}); err != nil {
					return fmt.Errorf("member %s: %w", name, err)
				}
			} else if hasAside(magic[:]) {
				if err := out.aside(body, Object{Name: name, Offset: bodyAt, Size: bodySize}); err != nil {
					return fmt.Errorf("member %s: %w", name, err)
				}
			}
		}
		if inside {
			off += n + n&1
		}
	}
	out.Type = elf.ET_NONE
	return nil
}

// AddRecords puts records into the ELF file at path, behind those that are
// there already. The file keeps its time stamp: to make it is still what the
// compiler wrote. When anything fails the file is as it was before.
func AddRecords(path string, records []Record) error { return writeRecords(path, records, false) }

// SetRecords is AddRecords but for the records that are there already: they go.
func SetRecords(path string, records []Record) error { return writeRecords(path, records, true) }

func writeRecords(path string, records []Record, only bool) error {
	data, err := EncodeRecords(records)
	if err != nil {
		return err
	}
	st, err := os.Stat(path)
	if err != nil {
		return err
	}
	if !st.Mode().IsRegular() {
		return fmt.Errorf("%s is not a regular file", path)
	}
	if done, err := setAside(path, data); done || err != nil {
		return err
	}
	// A second name for the file may be a compiler cache's own copy, which
	// must not change with it.
	if links(st) > 1 {
		return addToCopy(path, st, data, only)
	}
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	err = appendSection(f, st.Size(), data, only)
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	os.Chtimes(path, st.ModTime(), st.ModTime())
	return err
}

func addToCopy(path string, st os.FileInfo, data []byte, only bool) (err error) {
	path, err = filepath.EvalSymlinks(path)
	if err != nil {
		return err
	}
	src, err := os.Open(path)
	if err != nil {
		return err
	}
	defer src.Close()
	tmp, err := os.CreateTemp(filepath.Dir(path), ".saz-*")
	if err != nil {
		return err
	}
	defer func() {
		tmp.Close()
		if err != nil {
			os.Remove(tmp.Name())
		}
	}()
	w := bufio.NewWriterSize(tmp, 1<<16)
	if _, err = w.ReadFrom(src); err != nil {
		return err
	}
	if err = w.Flush(); err != nil {
		return err
	}
	if err = appendSection(tmp, st.Size(), data, only); err != nil {
		return err
	}
	if err = tmp.Chmod(st.Mode().Perm()); err != nil {
		return err
	}
	os.Chtimes(tmp.Name(), st.ModTime(), st.ModTime())
	return os.Rename(tmp.Name(), path)
}
