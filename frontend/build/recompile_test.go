package build

import (
	"bytes"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
)

func TestRecompile(t *testing.T) {
	where := func(name string) string {
		if strings.HasPrefix(name, "/usr") || name == "absent" {
			return ""
		}
		return "C/" + name
	}
	for _, tc := range []struct{ args, want string }{
		{"-O2 -g -c a.c -o a.o", "-O2 -g"},
		{"-Ia -I b -iquote c -isystem /usr/x -idirafterd -Iabsent -c a.c", "-I C/a -Ia -I C/b -I b -iquote C/c -iquote c -isystem /usr/x -idirafter C/d -idirafterd -Iabsent"},
		{"-include x.h -imacros absent -DX=1 -D Y -UZ -c a.c", "-include C/x.h -imacros absent -DX=1 -D Y -UZ"},
		{"-MD -MF a.d -MTx -MQ y -MP -MG -MJ z -MMD -c a.c", ""},
		{"-Wp,-MD,a.d,-DQ,-Ii -Xpreprocessor -DR -c a.c -Wall", "-Wall -DQ -I C/i -Ii -DR"},
		{"a.c b.c -o p -lm -L. -Wl,-z,now -pthread -static -fPIE -m32 -Xlinker x -z y -pg --coverage -s", "-pthread -static -fPIE -m32 -pg --coverage"},
		{"-x c a -std=gnu99 -save-temps -save-temps=obj -aux-info f -dumpbase g -dumpdir h -c", "-std=gnu99"},
		{"--sysroot=/r -I=inc -I$SYSROOT/i -c a.c", "--sysroot=/r -I=inc -I$SYSROOT/i"},
		{"-c -Xclang -foo -target t -- a.c", "-Xclang -foo -target t"},
	} {
		o, err := ParseArgs(append([]string{"ccache", "gcc"}, strings.Fields(tc.args)...), "/")
		if err != nil {
			t.Fatal(err)
		}
		if got := strings.Join(o.Recompile(where), " "); got != tc.want {
			t.Errorf("%s\n got %s\nwant %s", tc.args, got, tc.want)
		}
	}
}

func TestRelinked(t *testing.T) {
	dir := t.TempDir()
	for _, f := range []string{"a.o", "b.o", "x.a", "d/libq.a", "e/libq.a", "e/libs.a", "e/libs.so", "m.o", "--"} {
		path := filepath.Join(dir, f)
		os.MkdirAll(filepath.Dir(path), 0o777)
		if err := os.WriteFile(path, nil, 0o666); err != nil {
			t.Fatal(err)
		}
	}
	e := LinkEdit{
		Source: func(in Input) (string, error) {
			if in.Name == "keep.c" {
				return "", nil
			}
			return "N/" + in.Name, nil
		},
		File: func(path string) (string, error) {
			rel, _ := filepath.Rel(dir, path)
			if rel == "b.o" {
				return "", nil
			}
			return "N/" + rel, nil
		},
	}
	for _, tc := range []struct{ args, want string }{
		{"a.o b.o x.a missing.o -lm -o p", "N/a.o b.o N/x.a missing.o -lm -o p"},
		{"s.c keep.c t.s -o p", "N/s.c keep.c t.s -o p"},
		{"-x c s.c keep.c -x none a.o", "-x c -x none N/s.c -x c keep.c -x none N/a.o"},
		{"-Le -Ld -lq -l q -ls -l:libs.a", "-Le -Ld N/e/libq.a N/e/libq.a -ls N/e/libs.a"},
		{"-L d -L e -lq -static -ls", "-L d -L e N/d/libq.a -static N/e/libs.a"},
		{"-Le -Wl,-Bstatic -ls -Wl,-Bdynamic -ls", "-Le -Wl,-Bstatic N/e/libs.a -Wl,-Bdynamic -ls"},
		{"-Wl,--whole-archive,x.a,--no-whole-archive -Wl,-Map,m.o -Xlinker a.o -Wl,-Ld,-lq", "-Wl,--whole-archive,N/x.a,--no-whole-archive -Wl,-Map,m.o -Xlinker N/a.o -Wl,-Ld,N/d/libq.a"},
		{"-T a.o -u a.o -o a.o b.o", "-T a.o -u a.o -o a.o b.o"},
		{"-o p -- a.o", "-o p -- N/a.o"},
	} {
		o, err := ParseArgs(append([]string{"gcc"}, strings.Fields(tc.args)...), dir)
		if err != nil {
			t.Fatal(err)
		}
		got, err := o.Relinked(dir, e)
		if err != nil || strings.Join(got, " ") != tc.want {
			t.Errorf("%s: %v\n got %s\nwant %s", tc.args, err, strings.Join(got, " "), tc.want)
		}
	}
}

func TestRuleSources(t *testing.T) {
	got := RuleSources("x: a.c b\\ c.h \\\n  d$$e.h\\\n f\\#g.h /h.h\nother: i.h\n")
	if want := []string{"a.c", "b c.h", "d$e.h", "f#g.h", "/h.h"}; !reflect.DeepEqual(got, want) {
		t.Errorf("%q", got)
	}
	if RuleSources("") != nil {
		t.Error("of nothing")
	}
}

func TestReplaceMembers(t *testing.T) {
	needTool(t, "gcc")
	needTool(t, "ar")
	sandbox(t, map[string]string{"a.c": "int a;", "a_rather_long_name.c": "int b;", "n.c": "int n, o, p;"})
	command(t, "gcc", "-c", "a.c", "a_rather_long_name.c", "n.c")
	command(t, "ar", "rcs", "x.a", "a.o", "a_rather_long_name.o")
	rec, err := ReadRecords("x.a")
	if err != nil || len(rec.Objects) != 2 {
		t.Fatal(rec, err)
	}
	if err := ReplaceMembers("x.a", "y.a", map[int64]string{rec.Objects[1].Offset: "n.o"}); err != nil {
		t.Fatal(err)
	}
	for i, want := range []string{"a.o", "n.o"} {
		got := command(t, "ar", "p", "y.a", []string{"a.o", "a_rather_long_name.o"}[i])
		if data, _ := os.ReadFile(want); !bytes.Equal([]byte(got), data) {
			t.Errorf("member %d is not %s", i, want)
		}
	}
	if err := ReplaceMembers("x.a", "z.a", map[int64]string{3: "n.o"}); err == nil || exists("z.a") {
		t.Error("a member that is not there")
	}
}

// FuzzParseArgs looks for arguments that are understood one way by ParseArgs and
// another way when they are used again, and for crashes. The corpus is the table
// of TestParseArgs' command lines.
func FuzzParseArgs(f *testing.F) {
	for _, s := range []string{
		"-c a.c -o b.o", "a.c b.o libx.a -lpcap -L lib -o prog", "-MD -MF a.d -MT a.o -MP -MMD -c a.c", "-Wp,-DX,-MD,dep.d,-Iinc -DY -c a.c",
		"-x c a.h -x none b.o -xassembler-with-cpp c.c", "-Wl,--start-group a.c b.o -Wl,--end-group", "-Xlinker a.c -Wl,b.c -z now -T x.ld",
		"--sysroot=/r --sysroot /s -isysroot /t -c a.c", "-target arm -mllvm x.c -Xclang -f -c a.c -- -b.c", "-iprefix /p/ -iwithprefix q -c a.c",
		"-c @f -I", "-", "--", "-x", "-Wp,", "-Wl,", "-Xpreprocessor -I -Xpreprocessor", "-Wp,-I", "-l", "-o", "--instrument gcc -c a.c",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, line string) {
		argv := append([]string{"gcc"}, split(line, false)...)
		if len(argv) > 1000 {
			return
		}
		for _, a := range argv {
			if strings.HasPrefix(a, "@") {
				return
			}
		}
		o, err := ParseArgs(argv, "/nowhere")
		if err != nil {
			return
		}
		for _, in := range o.Inputs {
			found := false
			for _, a := range argv {
				found = found || a == in.Name
			}
			if !found {
				t.Fatalf("%q: input %q out of nothing", argv, in.Name)
			}
		}
		same := func(string) string { return "" }
		again := append([]string{o.Compiler}, o.Recompile(same)...)
		p, err := ParseArgs(append(again, "-c", "x.c"), "/nowhere")
		if err != nil {
			t.Fatalf("%q is recompiled by %q: %v", argv, again, err)
		}
		if len(p.Inputs) != 1 || p.Output != "" || !reflect.DeepEqual(p.Pre, o.Pre) {
			t.Fatalf("%q is recompiled by %q:\n%+v\n%+v", argv, again, o.Pre, p.Pre)
		}
		link, err := o.Relinked("/nowhere", LinkEdit{Source: func(Input) (string, error) { return "", nil }, File: func(string) (string, error) { return "", nil }})
		if err != nil || !slices.Equal(link, o.Args[len(o.Launcher)+1:]) {
			t.Fatalf("%q is linked by %q: %v", argv, link, err)
		}
	})
}
