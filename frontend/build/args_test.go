package build

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

// show prints what was understood, in a form that fits in a table.
func show(o *Options) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s", o.Mode)
	for _, in := range o.Inputs {
		fmt.Fprintf(&b, " %s:%s", in.Name, in.Lang)
	}
	list := func(name string, l []string) {
		if len(l) > 0 {
			fmt.Fprintf(&b, " %s=%s", name, strings.Join(l, ","))
		}
	}
	if o.Output != "" {
		list("out", []string{o.Output})
	}
	for _, d := range o.Pre.Defines {
		fmt.Fprintf(&b, " %s%s", map[bool]string{false: "+", true: "-"}[d.Undef], d.Text)
	}
	list("I", o.Pre.Angle)
	list("iquote", o.Pre.Quote)
	list("isystem", o.Pre.System)
	list("after", o.Pre.After)
	list("include", o.Pre.Includes)
	list("imacros", o.Pre.Imacros)
	list("predef", o.Predef)
	list("link", o.LinkArgs)
	return b.String()
}

func TestParseArgs(t *testing.T) {
	for _, tc := range []struct{ args, want string }{
		{"-c a.c", "-c a.c:c"},
		{"-c a.c -o b.o", "-c a.c:c out=b.o"},
		{"-ob.o -c a.c", "-c a.c:c out=b.o"},
		{"a.c b.o libx.a -lpcap -L lib -o prog", "link a.c:c b.o: libx.a: out=prog link=-lpcap,-L,lib"},
		{"-E a.c -c", "-E a.c:c"},
		{"-M a.c", "-M a.c:c"}, {"-MM -c a.c", "-M a.c:c"},
		{"-MD -MF a.d -MT a.o -MP -MMD -c a.c", "-c a.c:c"},
		{"-MFa.d -MTx.c -c a.c", "-c a.c:c"},
		{"-MMD a.c", "link a.c:c"},
		{"-S a.c", "-S a.c:c"}, {"-fsyntax-only a.c", "-fsyntax-only a.c:c"},
		{"--version", "print only"}, {"-v", "print only"}, {"", "print only"}, {"-### -c a.c", "print only a.c:c"},
		{"-print-prog-name=ld", "print only"}, {"-dumpmachine", "print only"},
		{"-DA -D B -UC -U D -DE=1 -c a.c", "-c a.c:c +A +B -C -D +E=1"},
		{"--define-macro=A --define-macro B=2 --undefine-macro C -c a.c", "-c a.c:c +A +B=2 -C"},
		{"-Ia -I b -iquote c -iquoted -isystem e -isystemf -idirafter g -c a.c", "-c a.c:c I=a,b iquote=c,d isystem=e,f after=g"},
		{"-include x.h -includey.h -imacros z.h --include w.h -c a.c", "-c a.c:c include=x.h,y.h,w.h imacros=z.h"},
		{"-iprefix /p/ -iwithprefix q -iwithprefixbefore r -c a.c", "-c a.c:c I=/p/r after=/p/q"},
		{"-x c a.h -x none b.o -xassembler-with-cpp c.c", "link a.h:c b.o: c.c:assembler-with-cpp"},
		{"-x c - -c", "-c -:c"},
		{"-c a.s b.S c.i d.cc e.h f.m g.F90", "-c a.s:assembler b.S:assembler-with-cpp c.i:cpp-output d.cc:other e.h:c-header f.m:other g.F90:other"},
		{"-Wp,-DX,-MD,dep.d,-Iinc -DY -c a.c", "-c a.c:c +Y +X I=inc"},
		{"-Xpreprocessor -DX -Xpreprocessor -I -Xpreprocessor inc -DY a.c -c", "-c a.c:c +Y +X I=inc"},
		{"-std=gnu99 -O2 -m32 -march=native -fopenmp -pthread -ansi -c a.c",
			"-c a.c:c predef=-std=gnu99,-O2,-m32,-march=native,-fopenmp,-pthread,-ansi link=-m32,-march=native,-fopenmp,-pthread"},
		{"-fdiagnostics-color -fplugin=x.so -fdebug-prefix-map=/a=/b -g3 -Wall -W -w -pipe -pedantic -c a.c", "-c a.c:c"},
		{"-undef -u sym -usym2 -umask.c a.c", "link a.c:c predef=-undef link=-u,sym,-usym2,-umask.c"},
		{"-Xlinker a.c -Wl,b.c -z now -T x.ld -e main -rpath d.c m.c", "link m.c:c link=-Xlinker,a.c,-Wl,b.c,-z,now,-T,x.ld,-e,main,-rpath,d.c"},
		{"-Wl,--start-group a.c b.o -Wl,--end-group", "link a.c:c b.o: link=-Wl,--start-group,-Wl,--end-group"},
		{"--param max-inline=3 -aux-info x.c --param=y=2 -Xassembler z.c -dumpbase w.c -G 8 -A q(a.c) -c a.c", "-c a.c:c"},
		{"--sysroot=/r --sysroot /s -isysroot /t -c a.c", "-c a.c:c predef=--sysroot=/r,--sysroot,/s,-isysroot,/t link=--sysroot=/r,--sysroot,/s,-isysroot,/t"},
		{"-target arm-none-eabi -mllvm x.c -Xclang -fblah -c a.c -- -b.c", "-c a.c:c -b.c:c predef=-target,arm-none-eabi,-Xclang,-fblah link=-target,arm-none-eabi"},
		{"-B dir -Bdir2 -specs=x.specs a.c", "link a.c:c predef=-B,dir,-Bdir2,-specs=x.specs link=-B,dir,-Bdir2,-specs=x.specs"},
		{"-static -shared -r -nostdlib -s a.o", "link a.o: predef=-static,-shared link=-static,-shared,-r,-nostdlib,-s"},
		{"-save-temps -dM -E a.c", "-E a.c:c"},
		{"-l m -l:libx.a -framework Foo a.o", "link a.o: link=-l,m,-l:libx.a,-framework,Foo"},
	} {
		o, err := ParseArgs(append([]string{"gcc"}, strings.Fields(tc.args)...), "/")
		if err != nil {
			t.Errorf("%s: %v", tc.args, err)
			continue
		}
		if got := show(o); got != tc.want {
			t.Errorf("%s\n got %s\nwant %s", tc.args, got, tc.want)
		}
	}
	for _, args := range []string{"-o", "-c a.c -I", "-Xlinker"} {
		if _, err := ParseArgs(append([]string{"gcc"}, strings.Fields(args)...), "/"); err == nil {
			t.Errorf("%s: no error", args)
		}
	}
	o, err := ParseArgs([]string{"ccache", "/usr/bin/distcc", "gcc", "-c", "a.c"}, "/")
	if err != nil || o.Compiler != "gcc" || len(o.Launcher) != 2 || len(o.Inputs) != 1 {
		t.Errorf("%+v %v", o, err)
	}
}

func TestObjectFor(t *testing.T) {
	for _, tc := range []struct{ args, src, want string }{
		{"-c x/a.c", "x/a.c", "a.o"}, {"-c a.b.c", "a.b.c", "a.b.o"}, {"a.c", "a.c", "a.out"}, {"a.c -o p", "a.c", "p"},
	} {
		o, err := ParseArgs(append([]string{"gcc"}, strings.Fields(tc.args)...), "/")
		if err != nil || o.ObjectFor(tc.src) != tc.want {
			t.Errorf("%s: %s %v", tc.args, o.ObjectFor(tc.src), err)
		}
	}
}

// Each option of the table that takes an argument takes it from gcc's point of
// view, too: gcc must not see the C file behind it as an input.
func TestOptionsAgainstGCC(t *testing.T) {
	gcc := needTool(t, "gcc")
	out, err := exec.Command(gcc, "--help=separate").Output()
	if err != nil {
		t.Skip(err)
	}
	seen := 0
	for _, line := range strings.Split(string(out), "\n") {
		f := strings.Fields(line)
		if len(f) == 0 || !strings.HasPrefix(f[0], "-") || !strings.HasPrefix(line, "  -") {
			continue
		}
		name, _, _ := strings.Cut(f[0], "<")
		if name = strings.TrimSuffix(name, "="); len(name) < 2 {
			continue
		}
		switch name {
		case "-fintrinsic-modules-path", "-gnatO", "-J", "-Hd", "-Hf", "-Xf", "--output-pch", // other languages
			"--dump",                                                           // -d, in which the argument is joined
			"-MD", "-MMD", "--write-dependencies", "--write-user-dependencies": // take one only from -Wp
			continue
		}
		seen++
		o, _, _ := lookup(name)
		if o == nil || o.form == exact || o.form == joined {
			t.Errorf("gcc's %s takes an argument", name)
		}
	}
	if seen < 20 {
		t.Errorf("gcc lists only %d options", seen)
	}
}

func needTool(t *testing.T, name string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		t.Skipf("no %s", name)
	}
	return path
}

func TestResponseFiles(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	write("a.rsp", "-DA='x y' -DB=\"p\\\"q\" \\\n -D'C'=1\n@b.rsp\t-c 'm n.c' \"\"\n")
	write("b.rsp", "-I\\ inc\v-DS='back\\'slash'")
	write("loop.rsp", "@loop.rsp")
	write("empty.rsp", " \n\t")
	got, err := expand([]string{"gcc", "@a.rsp", "@missing", "@empty.rsp", "@"}, dir)
	want := []string{"gcc", "-DA=x y", "-DB=p\"q", "\n", "-DC=1", "-I inc", "-DS=back'slash", "-c", "m n.c", "", "@missing", "@"}
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("%v\n got %q\nwant %q", err, got, want)
	}
	if _, err := expand([]string{"gcc", "@loop.rsp"}, dir); err == nil {
		t.Error("a response file that names itself")
	}

	// The compiler is the judge: -### prints the arguments as it read them.
	gcc := needTool(t, "gcc")
	write("c.rsp", `-DA=a\b -DB='c\d' -DC="e\f" -DD=g'h i'j -DE="k'l" -DF='m"n' -D\G -DH=\\ "-DI=o p" -DJ=\"q\" -D'K=r\'s'`)
	args, err := expand([]string{"gcc", "@c.rsp"}, dir)
	if err != nil {
		t.Fatal(err)
	}
	show := func(args ...string) string {
		cmd := exec.Command(gcc, append(args, "-###", "-E", "-xc", "/dev/null")...)
		cmd.Dir = dir
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		s := string(out)
		return s[strings.Index(s, "/cc1"):]
	}
	if a, b := show(args[1:]...), show("@c.rsp"); a != b {
		t.Errorf("expanded %q\n%s\ngcc's own\n%s", args[1:], a, b)
	}
}

func TestSplitCommand(t *testing.T) {
	for _, tc := range []struct {
		in   string
		want []string
	}{
		{`gcc -DA="x y" 'b c' d\ e`, []string{"gcc", "-DA=x y", "b c", "d e"}},
		{`gcc -DA=\"x\" -DB='\"y\"'`, []string{"gcc", `-DA="x"`, `-DB=\"y\"`}},
		{`gcc "-DP=\"a\\b\"" "c\d" -DF(x)=$x;y`, []string{"gcc", `-DP="a\b"`, `c\d`, `-DF(x)=$x;y`}},
		{"  gcc\t-c  ", []string{"gcc", "-c"}},
		{`gcc "" ''`, []string{"gcc", "", ""}},
		{"", nil},
	} {
		if got := splitCommand(tc.in); !reflect.DeepEqual(got, tc.want) {
			t.Errorf("%s: %q, want %q", tc.in, got, tc.want)
		}
	}
}

// Likewise for clang, whose list has the arguments behind the options.
func TestOptionsAgainstClang(t *testing.T) {
	clang := needTool(t, "clang")
	out, err := exec.Command(clang, "--help-hidden").Output()
	if err != nil {
		t.Skip(err)
	}
	seen := 0
	for _, line := range strings.Split(string(out), "\n") {
		f := strings.Fields(line)
		if len(f) < 2 || !strings.HasPrefix(line, "  -") || !strings.HasPrefix(f[1], "<") {
			continue
		}
		seen++
		if strings.Contains(f[0], "=") {
			continue // -fxray-modes= <value> is -fxray-modes=value
		}
		if o, _, _ := lookup(f[0]); o == nil || o.form == exact || o.form == joined {
			t.Errorf("clang's %s takes an argument", f[0])
		}
	}
	if seen < 30 {
		t.Errorf("clang lists only %d options", seen)
	}
}
