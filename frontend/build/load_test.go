package build

import (
	"bytes"
	"debug/elf"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"strings"
	"syscall"
	"testing"
	"time"
)

// sandbox is a directory with files in it, which is the working directory of
// the test.
func sandbox(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		path := filepath.Join(dir, name)
		os.MkdirAll(filepath.Dir(path), 0o777)
		if err := os.WriteFile(path, []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	t.Chdir(dir)
	return dir
}

func command(t *testing.T, args ...string) string {
	t.Helper()
	out, err := exec.Command(args[0], args[1:]...).CombinedOutput()
	if err != nil {
		t.Fatalf("%q: %v\n%s", args, err, out)
	}
	return string(out)
}

func problem(t *testing.T, err error, want Problem, words ...string) {
	t.Helper()
	var e *LoadError
	if !errors.As(err, &e) {
		t.Errorf("got %v, want a LoadError", err)
		return
	}
	if e.Problem != want {
		t.Errorf("%v: problem %d, want %d", e, e.Problem, want)
	}
	for _, w := range words {
		if !strings.Contains(e.Error()+" | "+e.Hint, w) {
			t.Errorf("%q (hint %q) does not say %q", e, e.Hint, w)
		}
	}
}

func TestRecordsEncode(t *testing.T) {
	recs := []Record{
		{Kind: KindCompile, Dir: "/d", Args: []string{"gcc", "-DA=\"<x>\"", "\n\x00"}, File: "a.c", Output: "a.o"},
		{Kind: KindCompile, Dir: "/caf\xe9", Args: []string{"gcc", "-c", "\xff\xc3\xa9.c"}, File: "\xff\xc3\xa9.c", Output: "x.o"},
		{Kind: KindLink, Dir: "/é", Args: []string{}, Inputs: []string{"a.o"}, Output: "p", What: "exe"},
	}
	data, err := EncodeRecords(recs)
	if err != nil {
		t.Fatal(err)
	}
	padded := bytes.ReplaceAll(data, []byte("\n"), []byte("\n\x00\x00"))
	for _, d := range [][]byte{data, padded, append([]byte{0, '\n', 0}, data...)} {
		got, bad := DecodeRecords(d)
		for i := range got {
			got[i].V = 0
		}
		if bad != 0 || !reflect.DeepEqual(got, recs) {
			t.Errorf("%d bad\n got %+v\nwant %+v", bad, got, recs)
		}
	}
	if got, bad := DecodeRecords(append([]byte("garbage\n{\"v\":99,\"dir\":\"/\"}\n"), data...)); bad != 2 || len(got) != 3 {
		t.Errorf("%d good, %d bad", len(got), bad)
	}
}

func FuzzDecodeRecords(f *testing.F) {
	f.Add([]byte("{\"v\":1,\"dir\":\"/\",\"args\":[\"a\"],\"output\":\"\"}\n\x00"))
	f.Fuzz(func(t *testing.T, data []byte) { DecodeRecords(data) })
}

// FuzzReadRecords gives ReadRecords and AddRecords files that are not what they
// seem.
func FuzzReadRecords(f *testing.F) {
	f.Add([]byte("!<arch>\n//              0           0     0     0       4         `\na/\n\n/0              0           0     0     0       2         `\nxx"))
	f.Add([]byte("!<thin>\n"))
	f.Add([]byte("\x7fELF\x02\x01\x01"))
	if exe, err := os.ReadFile("/proc/self/exe"); err == nil {
		f.Add(exe[:4096])
	}
	dir := f.TempDir()
	f.Fuzz(func(t *testing.T, data []byte) {
		path := filepath.Join(dir, "x")
		os.WriteFile(path, data, 0o666)
		ReadRecords(path)
		if AddRecords(path, []Record{{Dir: "/"}}) != nil {
			if now, _ := os.ReadFile(path); !bytes.Equal(now, data) {
				t.Error("a failed AddRecords changed the file")
			}
		}
	})
}

func TestAddRecords(t *testing.T) {
	needTool(t, "gcc")
	sandbox(t, map[string]string{"a.c": "int a(void) { return 1; }\n", "m.c": "int a(void); int main(void) { return a() - 1; }\n"})
	rec := func(s string) []Record { return []Record{{Kind: KindCompile, Dir: "/", Args: []string{s}, File: s}} }
	names := func(path string) (out []string) {
		t.Helper()
		got, err := ReadRecords(path)
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range got.Records {
			out = append(out, r.File)
		}
		return out
	}
	for _, m := range []string{"-m64", "-m32"} {
		if m == "-m32" && exec.Command("gcc", m, "-c", "a.c").Run() != nil {
			continue
		}
		command(t, "gcc", m, "-c", "-g", "-ffunction-sections", "a.c")
		old := time.Unix(1e9, 5000)
		os.Chtimes("a.o", old, old)
		before, _ := os.ReadFile("a.o")
		for _, s := range []string{"one", "two"} {
			if err := AddRecords("a.o", rec(s)); err != nil {
				t.Fatal(err)
			}
		}
		if got := names("a.o"); !reflect.DeepEqual(got, []string{"one", "two"}) {
			t.Error(got)
		}
		if st, _ := os.Stat("a.o"); !st.ModTime().Equal(old) {
			t.Error("the time stamp changed")
		}
		os.WriteFile("plain.o", before, 0o666)
		command(t, "objcopy", "--remove-section="+Section, "a.o", "x.o")
		command(t, "objcopy", "plain.o", "y.o")
		x, _ := os.ReadFile("x.o")
		if y, _ := os.ReadFile("y.o"); !bytes.Equal(x, y) {
			t.Error("the object differs in more than the section")
		}
		if out := command(t, "readelf", "-WSs", "a.o"); strings.Contains(out, "Warning") || strings.Contains(out, "Error") {
			t.Error(out)
		}
	}

	command(t, "gcc", "-c", "m.c", "a.c")
	for _, s := range []string{"m", "a"} {
		if err := AddRecords(s+".o", rec(s)); err != nil {
			t.Fatal(err)
		}
	}
	check := func(path string, want ...string) {
		t.Helper()
		if got := names(path); !reflect.DeepEqual(got, want) {
			t.Errorf("%s: %q, want %q", path, got, want)
		}
	}
	command(t, "gcc", "m.o", "a.o", "-o", "p")
	check("p", "m", "a")
	command(t, "gcc", "a.o", "m.o", "-o", "p")
	check("p", "a", "m")
	if err := AddRecords("p", rec("link")); err != nil {
		t.Fatal(err)
	}
	command(t, "./p")
	check("p", "a", "m", "link")
	command(t, "strip", "p")
	command(t, "./p")
	check("p", "a", "m", "link")
	command(t, "ld", "-r", "m.o", "a.o", "-o", "r.o")
	check("r.o", "m", "a")
	command(t, "strip", "--strip-debug", "r.o")
	check("r.o", "m", "a")
	os.Mkdir("a_directory_with_a_long_name", 0o777)
	os.Link("a.o", "a_long_member_name_for_the_table.o")
	command(t, "ar", "rcs", "lib.a", "m.o", "a_long_member_name_for_the_table.o", "m.c")
	check("lib.a", "m", "a")
	command(t, "ar", "rcsT", "a_directory_with_a_long_name/thin.a", "m.o", "a.o")
	check("a_directory_with_a_long_name/thin.a", "m", "a")
	command(t, "gcc", "-o", "q", "lib.a")
	check("q", "m", "a")

	// A second name of the object keeps the bytes that it had.
	before, _ := os.ReadFile("a_long_member_name_for_the_table.o")
	if err := AddRecords("a.o", rec("new")); err != nil {
		t.Fatal(err)
	}
	check("a.o", "a", "new")
	if after, _ := os.ReadFile("a_long_member_name_for_the_table.o"); !bytes.Equal(before, after) {
		t.Error("the other link changed")
	}
	for _, path := range []string{"m.c", "lib.a", ".", "/dev/null", "nowhere"} {
		if err := AddRecords(path, rec("x")); err == nil {
			t.Errorf("%s was taken for an ELF file", path)
		}
	}
}

// An object with more sections than 16 bits count.
func TestAddRecordsManySections(t *testing.T) {
	needTool(t, "as")
	sandbox(t, nil)
	for _, n := range []int{0xff00 - 1, 66000} {
		var src strings.Builder
		for i := range n - 4 {
			fmt.Fprintf(&src, ".section s%d\n", i)
		}
		os.WriteFile("a.s", []byte(src.String()), 0o666)
		command(t, "as", "a.s", "-o", "a.o")
		if err := AddRecords("a.o", []Record{{Kind: KindCompile, Dir: "/", File: "f"}}); err != nil {
			t.Fatal(err)
		}
		f, err := elf.Open("a.o")
		if err != nil {
			t.Fatal(err)
		}
		if s := f.Section(Section); len(f.Sections) < n || s == nil || f.Section("s7") == nil || f.Section(fmt.Sprintf("s%d", n-5)) == nil {
			t.Errorf("%d sections: the new one is not there", n)
		}
		f.Close()
	}
}

// A disk that is full leaves the object as it was.
func TestAddRecordsFull(t *testing.T) {
	if os.Getenv("SAZ_TEST_FULL") != "" {
		st, _ := os.Stat("a.o")
		lim := syscall.Rlimit{Cur: uint64(st.Size()) + 600, Max: uint64(st.Size()) + 600}
		if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &lim); err != nil {
			t.Fatal(err)
		}
		if err := AddRecords("a.o", []Record{{Dir: "/", File: "f"}}); !errors.Is(err, syscall.EFBIG) {
			t.Fatalf("%v", err)
		}
		return
	}
	needTool(t, "gcc")
	sandbox(t, map[string]string{"a.c": "int x;\n"})
	command(t, "gcc", "-c", "a.c")
	before, _ := os.ReadFile("a.o")
	for _, hard := range []bool{false, true} {
		if hard {
			os.Link("a.o", "b.o")
		}
		cmd := exec.Command("/proc/self/exe", "-test.run=^TestAddRecordsFull$")
		cmd.Env = append(os.Environ(), "SAZ_TEST_FULL=1")
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		if after, _ := os.ReadFile("a.o"); !bytes.Equal(before, after) {
			t.Error("the object changed")
		}
		if names, _ := filepath.Glob(".saz-*"); len(names) > 0 {
			t.Errorf("left behind: %q", names)
		}
	}
}

func files(p *Program) (out []string) {
	for _, c := range p.Commands {
		out = append(out, c.File)
	}
	return out
}

func TestLoadSources(t *testing.T) {
	dir := sandbox(t, map[string]string{"z.c": "", "a.c": "", "x.txt": "", "f.rsp": "-DR=1"})
	t.Setenv("CC", "ccache gcc -m64")
	p, err := Load([]string{"z.c", "a.c", "z.c"}, []string{"-DX", "@f.rsp", "-lpcap"})
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(files(p), []string{"z.c", "a.c"}) || p.Name != "z" || p.Commands[0].Dir != dir ||
		!reflect.DeepEqual(p.Commands[1].Args, []string{"ccache", "gcc", "-m64", "-DX", "-DR=1", "-lpcap", "-c", "a.c"}) {
		t.Errorf("%+v", p)
	}
	_, err = Load([]string{"nowhere.c"}, nil)
	problem(t, err, NotFound)
	_, err = Load([]string{"a.c", "x.txt"}, nil)
	problem(t, err, Several, "x.txt")
	_, err = Load([]string{"x.txt"}, nil)
	problem(t, err, UnknownKind)
	_, err = Load([]string{"x.txt"}, []string{"-DX"})
	problem(t, err, BadUsage)
	_, err = Load([]string{"a.c"}, []string{"-I"})
	problem(t, err, BadUsage)
	_, err = Load(nil, nil)
	problem(t, err, BadUsage)
}

func TestLoadDatabase(t *testing.T) {
	dir := sandbox(t, map[string]string{"src/b.c": "", "src/a.c": "", "build/x": ""})
	db := func(entries ...string) {
		os.WriteFile(filepath.Join("build", DatabaseName), []byte("["+strings.Join(entries, ",\n")+"]"), 0o666)
	}
	db(`{"directory":"`+dir+`/build","file":"../src/b.c","command":"gcc -DA=\\\"x\\ y\\\" -o CMakeFiles/p.dir/b.c.o -c `+dir+`/src/b.c"}`,
		`{"directory":".","file":"../src/a.c","arguments":["gcc","-c","../src/a.c"],"output":"a.o"}`,
		`{"directory":".","file":"../src/a.c","arguments":["gcc","-fPIC","-DPIC","-o",".libs/a.o","-c","../src/a.c"]}`,
		`{"directory":".","file":"x.cc","arguments":["g++","-c","x.cc"]}`)
	for _, target := range []string{"build", "build/" + DatabaseName} {
		p, err := Load([]string{target}, nil)
		if err != nil {
			t.Fatal(err)
		}
		if !reflect.DeepEqual(files(p), []string{"../src/a.c", dir + "/src/b.c"}) || p.Name != "build" || len(p.Notes) != 1 {
			t.Errorf("%+v", p)
		}
		c := p.Commands[1]
		if c.Dir != filepath.Join(dir, "build") || c.Args[1] != `-DA="x y"` || c.Output != "CMakeFiles/p.dir/b.c.o" {
			t.Errorf("%+v", c)
		}
		if err := WriteCompileCommands("out.json", p); err != nil {
			t.Fatal(err)
		}
		q, err := Load([]string{"out.json"}, nil)
		if err != nil || !reflect.DeepEqual(p.Commands, q.Commands) {
			t.Errorf("%v\n%+v\n%+v", err, p.Commands, q.Commands)
		}
	}
	for _, tc := range []struct {
		text  string
		want  Problem
		words string
	}{
		{`{}`, BadDatabase, "not a compilation database"},
		{"[\n{,}]", BadDatabase, "line 2"},
		{`[{"directory":"."}]`, BadDatabase, "file"},
		{`[{"directory":".","file":"a.c"}]`, BadDatabase, "command"},
		{`[{"directory":".","file":"a.cc","command":"g++ -c a.cc"}]`, NoC, "cc"},
		{`[]`, NoC, ""},
		{`[{"directory":".","file":"gone.c","command":"gcc -c gone.c"}]`, NoSources, "gone.c"},
		{`[{"directory":".","file":"a.c","command":"gcc -c a.c -o CMakeFiles/p.dir/a.c.o"},
		   {"directory":".","file":"a.c","command":"gcc -DQ -c a.c -o CMakeFiles/q.dir/a.c.o"}]`, Several, "for p and for q"},
	} {
		os.WriteFile("db.json", []byte(tc.text), 0o666)
		_, err := Load([]string{"db.json"}, nil)
		problem(t, err, tc.want, tc.words)
	}
	_, err := Load([]string{"src"}, nil)
	problem(t, err, NotFound, DatabaseName)
	_, err = Load([]string{"nowhere"}, nil)
	problem(t, err, NotFound)
	os.WriteFile("script", []byte("#!/bin/sh\n"), 0o777)
	_, err = Load([]string{"script"}, nil)
	problem(t, err, UnknownKind, "script", "libtool")
}

func TestLoadBinaryErrors(t *testing.T) {
	needTool(t, "gcc")
	sandbox(t, map[string]string{"m.c": "int main(void) { return 0; }\n"})
	command(t, "gcc", "m.c", "-o", "p")
	command(t, "gcc", "-c", "m.c")
	command(t, "ar", "rc", "l.a", "m.o")
	command(t, "ar", "rc", "empty.a")
	_, err := Load([]string{"p"}, nil)
	problem(t, err, NoRecords, "program was not built with saz-cc", `make CC="saz-cc gcc"`)
	_, err = Load([]string{"m.o"}, nil)
	problem(t, err, NoRecords, "object")
	_, err = Load([]string{"l.a"}, nil)
	problem(t, err, NoRecords, "archive")
	_, err = Load([]string{"empty.a"}, nil)
	problem(t, err, NoRecords, "no object")
	data, _ := os.ReadFile("p")
	os.WriteFile("cut", data[:len(data)/2], 0o666)
	_, err = Load([]string{"cut"}, nil)
	problem(t, err, Unreadable, "damaged")

	dir, _ := os.Getwd()
	if err := AddRecords("p", []Record{{Kind: KindLink, Dir: dir, Output: "p", What: "exe"}}); err != nil {
		t.Fatal(err)
	}
	_, err = Load([]string{"p"}, nil)
	problem(t, err, NoRecords, "linked by saz-cc", "clean")
	if err := AddRecords("p", []Record{{Kind: KindCompile, Dir: "/gone", Args: []string{"gcc", "m.c"}, File: "m.c", Output: "p"}}); err != nil {
		t.Fatal(err)
	}
	_, err = Load([]string{"p"}, nil)
	problem(t, err, NoSources, "/gone/m.c")
	if err := AddRecords("p", []Record{{Kind: KindCompile, Dir: dir, Args: []string{"gcc", "m.c"}, File: "m.c", Output: "p", Sum: SourceSum("m.c")}}); err != nil {
		t.Fatal(err)
	}
	os.Mkdir("q", 0o777)
	command(t, "cp", "p", "q/p")
	_, err = Load([]string{"p", "q/p"}, nil)
	problem(t, err, Several, "q/p")
	p, err := Load([]string{"p"}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if p.Commands[1].Changed() {
		t.Error("an unchanged source changed")
	}
	os.WriteFile("m.c", []byte("int main(void) { return 1; }\n"), 0o666)
	if !p.Commands[1].Changed() {
		t.Error("a change was not seen")
	}
}

func TestCompileCommandsOfSeveralSources(t *testing.T) {
	p := &Program{Commands: []Command{
		{Dir: "/d", Args: []string{"gcc", "-include", "b.c", "a.c", "b.c", "x.o", "-o", "p"}, File: "a.c", Output: "p"},
	}}
	data, err := CompileCommands(p)
	if err != nil {
		t.Fatal(err)
	}
	var got []entry
	if err := json.Unmarshal(data, &got); err != nil || !reflect.DeepEqual(got[0].Arguments, []string{"gcc", "-include", "b.c", "a.c", "-o", "p"}) {
		t.Errorf("%v %q", err, got)
	}
}
