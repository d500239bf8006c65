package main

import (
	"bytes"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"saz/frontend/build"
)

// tree is what a build left behind: each file's bytes, those of objects,
// programs and archives without the records.
func tree(t *testing.T, dir string) map[string]string {
	t.Helper()
	out := map[string]string{}
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name, _ := filepath.Rel(dir, path)
		switch {
		case d.IsDir():
			return nil
		case d.Type()&fs.ModeSymlink != 0:
			to, _ := os.Readlink(path)
			out[name] = "-> " + to
			return nil
		case !d.Type().IsRegular():
			out[name] = d.Type().String()
			return nil
		}
		data, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		st, _ := d.Info()
		if bytes.HasPrefix(data, []byte("\x7fELF")) || bytes.HasPrefix(data, []byte("!<arch>\n")) {
			data = bare(t, path)
		}
		if bytes.HasPrefix(data, []byte("!<thin>\n")) {
			data = data[:8] // it says how long its members are
		}
		out[name] = st.Mode().String() + "\n" + string(data)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// bare is an ELF file or an archive of them as objcopy writes it, without records.
func bare(t *testing.T, path string) []byte {
	t.Helper()
	tmp := filepath.Join(t.TempDir(), "bare")
	if o := start(".", nil, "", "objcopy", "-D", "--remove-section="+build.Section, path, tmp); o.code != 0 {
		// LLVM's bitcode in an archive is not for objcopy.
		data, _ := os.ReadFile(path)
		return data
	}
	data, err := os.ReadFile(tmp)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func compareTrees(t *testing.T, plain, saz map[string]string) {
	t.Helper()
	for name, x := range plain {
		y, ok := saz[name]
		switch {
		case !ok:
			t.Errorf("%s is not made with saz-cc", name)
		case x != y:
			i := 0
			for i < len(x) && i < len(y) && x[i] == y[i] {
				i++
			}
			t.Errorf("%s differs at byte %d of %d and %d: %.60q and %.60q", name, i, len(x), len(y), x[i:], y[i:])
		}
	}
	for name := range saz {
		if _, ok := plain[name]; !ok {
			t.Errorf("%s is made only with saz-cc", name)
		}
	}
}

// again empties the directory and writes the case's files: both builds happen at
// one path, because paths land in debug information.
func (b *bench) again(files map[string]string) {
	b.t.Helper()
	list, _ := os.ReadDir(b.dir)
	for _, e := range list {
		os.RemoveAll(filepath.Join(b.dir, e.Name()))
	}
	for name, text := range files {
		path := filepath.Join(b.dir, name)
		os.MkdirAll(filepath.Dir(path), 0o777)
		if err := os.WriteFile(path, []byte(text), 0o666); err != nil {
			b.t.Fatal(err)
		}
		if strings.HasPrefix(text, "#!") {
			os.Chmod(path, 0o777)
		}
	}
}

// temporary are the compiler's names for files of its own.
var temporary = regexp.MustCompile(`/tmp/cc[A-Za-z0-9]+|/tmp/[a-z.]+-[0-9a-f]{6}`)

var dropSource = map[string]string{
	"a.c":     "#include \"h.h\"\nint b(void), c(void);\nint main(void) { return b() + c() - 5 + H; }\n",
	"b.c":     "#ifndef BY\n#define BY 0\n#endif\nint b(void) { return 2 + BY; }\n",
	"c.c":     "int c(void) { return 3; }\n",
	"h.h":     "#define H 0\n",
	"inc/i.h": "#define I 1\nint from_i;\n",
	"i.c":     "int i_(void) { return I; }\n",
	"s.s":     ".globl s\ns: ret\n.section .note.GNU-stack\n",
	"S.S":     "#define RET ret\n.globl S\nS: RET\n.section .note.GNU-stack\n",
	"x y.c":   "int xy(void) { return 1; }\n",
	"noext":   "int noext(void) { return 1; }\n",
	"cc.cc":   "extern \"C\" int cpp(void) { return 1; }\n",
	"warn.c":  "int f(void) { int x; return x; }\n",
	"bad.c":   "int x = ;\n",
	"rsp":     "-c 'b.c' @rsp2\n-o \"r s.o\"",
	"rsp2":    "-DBY=0 @rsp3 -g",
	"rsp3":    "-O1",
	"group":   "-Wl,--start-group a.o libb.a libc.a -Wl,--end-group",
	"ver.map": "V1 { global: b; local: *; };\n",
	"m.c":     "int main(void) { return 0; }\n",
}

// dropCases are command lines as builds write them. $CC is the compiler; records
// says which sources each file then names.
var dropCases = []struct {
	name, script string
	records      map[string]string
	only         string // gcc or clang
	need         string // a tool besides the compiler
}{
	{name: "o joined and apart", script: "$CC -c b.c -ojoined.o; $CC -o apart.o -c c.c; $CC b.c a.c c.c -oprog; ./prog",
		records: map[string]string{"joined.o": "b.c", "apart.o": "c.c", "prog": "b.c a.c c.c"}},
	{name: "several sources", script: "$CC -g -c a.c b.c c.c; $CC *.o; ./a.out; echo $?", records: map[string]string{"a.out": "a.c b.c c.c", "b.o": "b.c"}},
	{name: "several sources and one object is an error", script: "$CC -c a.c b.c -o x.o; echo $?; ls"},
	{name: "compile and link at once", script: "$CC -g -O2 a.c b.c c.c -o prog; ./prog", records: map[string]string{"prog": "a.c b.c c.c"}},
	{name: "mixed", script: "$CC -c b.c; $CC -c s.s; $CC -c S.S; $CC a.c b.o c.c s.o S.o -o prog; ./prog", records: map[string]string{"prog": "a.c b.c c.c"}},
	{name: "response files", script: "$CC @rsp; $CC -c a.c c.c; $CC a.o c.o 'r s.o' -o prog; ./prog; $CC @missing; echo $?", records: map[string]string{"r s.o": "b.c", "prog": "a.c c.c b.c"}},
	{name: "response file at the link", script: "$CC -c a.c b.c c.c; ar rcs libb.a b.o; ar rcs libc.a c.o; $CC @group -o prog; ./prog", records: map[string]string{"prog": "a.c b.c c.c"}},
	{name: "preprocess", script: "$CC -E a.c; $CC -E -dM b.c | sort | tail -3; $CC -E -P -C a.c -o a.i; $CC -c a.i; $CC -E - <b.c; $CC -E -x c b.c -o -", records: map[string]string{"a.o": "a.i"}},
	{name: "assembly out", script: "$CC -S a.c b.c; $CC -S -O2 b.c -o -; $CC -c a.s; $CC -S -fverbose-asm c.c -oc.asm"},
	{name: "rules", script: "$CC -M a.c; $CC -MM a.c b.c; $CC -MM -MG -MT target -MF dep.d a.c; $CC -MM -c a.c -o a.o; ls"},
	{name: "dependency files", script: "$CC -MD -c a.c; $CC -MMD -MP -MF b.dep -MT 'x y' -c b.c; $CC -MD -MQ 'a$b' -c c.c -o q.o; $CC -MMD a.c b.c c.c -o prog; ls",
		records: map[string]string{"a.o": "a.c", "b.o": "b.c", "q.o": "c.c", "prog": "a.c b.c c.c"}},
	{name: "dependency files by Wp", script: "$CC -Wp,-MD,x.d -c a.c; $CC -Wp,-MMD,y.d -c b.c; $CC -Wp,-MMD,z.d,-MT,q -c c.c; ls; cat x.d y.d z.d",
		records: map[string]string{"a.o": "a.c", "b.o": "b.c", "c.o": "c.c"}},
	{name: "dependency file of assembler", script: "$CC -MD -MF s.d -c s.s; $CC -MD -MF S.d -c S.S; ls *.d; cat S.d"},
	{name: "languages", script: "$CC -x c -c noext; $CC -x c noext -x none -c b.c; $CC -xassembler -c s.s -o t.o; $CC -x assembler-with-cpp -c s.s; $CC -x c -c h.h -o h.o; $CC -x c++ -c b.c -o bb.o",
		records: map[string]string{"noext.o": "noext", "b.o": "b.c", "h.o": "h.h"}},
	{name: "include and imacros", script: "$CC -Iinc -include i.h -c i.c; $CC -I inc -imacros i.h -c i.c -o j.o; $CC -isystem inc -include i.h -c i.c -o k.o; $CC -iquote inc -include i.h -c i.c -o l.o; $CC -idirafter inc --include i.h -c i.c -o m.o",
		records: map[string]string{"i.o": "i.c", "j.o": "i.c", "k.o": "i.c", "l.o": "i.c", "m.o": "i.c"}},
	{name: "environment", script: "CPATH=inc $CC -include i.h -c i.c; C_INCLUDE_PATH=inc $CC -include i.h -c i.c -o j.o; DEPENDENCIES_OUTPUT='dep.d t' $CC -c a.c; cat dep.d", records: map[string]string{"i.o": "i.c"}},
	{name: "pipe and temporary files kept", script: "$CC -pipe -c b.c; $CC -save-temps -c c.c; ls; $CC -save-temps a.c b.c c.c -o prog; ls", records: map[string]string{"prog": "a.c b.c c.c"}},
	{name: "standard input", script: "$CC -x c -c - -o in.o <b.c; $CC -xc - c.c a.c -o prog <b.c; ./prog; $CC -c - <b.c; echo $?"},
	{name: "relocatable", script: "$CC -c a.c b.c c.c; $CC -r b.o c.o -o r.o; ld -r b.o c.o -o ld.o; $CC -nostdlib -r -o q.o b.c c.c; $CC a.o r.o -o prog; ./prog; strip --strip-debug r.o",
		records: map[string]string{"r.o": "b.c c.c", "ld.o": "b.c c.c", "q.o": "b.c c.c", "prog": "a.c b.c c.c"}},
	{name: "archives", script: "$CC -g -c a.c b.c c.c; ar rcs lib.a b.o c.o; ranlib lib.a; ar rcsT thin.a b.o c.o; strip --strip-debug -o st.a lib.a; $CC a.o lib.a -o p1; $CC a.o thin.a -o p2; $CC -Wl,--whole-archive st.a -Wl,--no-whole-archive a.o -o p3; ./p1; ./p2; ./p3",
		records: map[string]string{"lib.a": "b.c c.c", "st.a": "b.c c.c", "p1": "a.c b.c c.c", "p2": "a.c b.c c.c", "p3": "b.c c.c a.c"}},
	{name: "archive by -l and inside -Wl", script: "$CC -c a.c b.c c.c; mkdir l; ar rcs l/libbc.a b.o c.o; $CC a.o -Ll -lbc -o p1; $CC a.o -L l -l:libbc.a -o p2; $CC a.o -Wl,--whole-archive,l/libbc.a,--no-whole-archive -o p3",
		records: map[string]string{"p1": "a.c b.c c.c", "p2": "a.c b.c c.c", "p3": "a.c b.c c.c"}},
	{name: "shared objects", script: "$CC -fPIC -shared b.c c.c -o libbc.so -Wl,-soname,libbc.so; $CC -fPIC -shared -Wl,--version-script=ver.map b.c -o libv.so; $CC a.c -L. -lbc -Wl,-rpath,'$ORIGIN' -o prog; ./prog",
		records: map[string]string{"libbc.so": "b.c c.c", "libv.so": "b.c", "prog": "a.c"}},
	{name: "start-group with sources", script: "$CC -Wl,--start-group a.c b.c -Wl,--end-group c.c -o prog; ./prog; $CC -Wl,'-(' a.c c.c b.c -Wl,'-)' -o p2",
		records: map[string]string{"prog": "a.c b.c c.c", "p2": "a.c c.c b.c"}},
	{name: "linker flags", script: "$CC a.c b.c c.c -Wl,--gc-sections -ffunction-sections -Wl,-z,now -Wl,--build-id=md5 -o p1; $CC -s a.c b.c c.c -o p2; $CC -static a.c b.c c.c -o p3; $CC -no-pie a.c b.c c.c -o p4; $CC -Wl,--build-id=none a.c b.c c.c -o p5; $CC -Wl,--build-id=0x1234 a.c b.c c.c -o p6; $CC a.c b.c c.c -Wl,--hash-style=gnu -Wl,-z,noseparate-code -Wl,--emit-relocs -Wl,--build-id=none -o p7; $CC -nostdlib -Wl,-e,b b.c -o p8",
		records: map[string]string{"p1": "a.c b.c c.c", "p2": "a.c b.c c.c", "p3": "a.c b.c c.c", "p8": "b.c"}},
	{name: "sections compressed and flags recorded", script: "$CC -g -gz -c b.c; $CC -g -gz a.c b.o c.c -o prog; $CC -frecord-gcc-switches -g -c c.c; $CC -g -Wl,--compress-debug-sections=zlib a.c b.o c.o -o p2", records: map[string]string{"prog": "a.c b.c c.c"}},
	{name: "split debug information", script: "$CC -g -gsplit-dwarf -c a.c b.c c.c; ls; $CC -gsplit-dwarf a.o b.o c.o -o prog", records: map[string]string{"prog": "a.c b.c c.c"}},
	{name: "coverage", script: "$CC --coverage -frandom-seed=1 a.c b.c c.c -o prog; ./prog; ls", records: map[string]string{"prog": "a.c b.c c.c"}},
	{name: "LTO slim", only: "gcc", script: "$CC -O2 -flto -frandom-seed=1 -c a.c b.c c.c; $CC -O2 -flto -frandom-seed=1 a.o b.o c.o -o prog; ./prog; gcc-ar rcs l.a b.o c.o; $CC -flto a.o l.a -o p2; ./p2",
		records: map[string]string{"a.o": "a.c", "prog": "a.c b.c c.c", "p2": "a.c b.c c.c"}},
	{name: "LTO fat", only: "gcc", script: "$CC -O2 -flto -ffat-lto-objects -frandom-seed=1 -c a.c b.c c.c; $CC -flto -O2 a.o b.o c.o -o prog; ./prog; $CC -fno-lto a.o b.o c.o -o p2; ./p2",
		records: map[string]string{"prog": "a.c b.c c.c", "p2": "a.c b.c c.c"}},
	{name: "LTO at once", only: "gcc", script: "$CC -O2 -flto -frandom-seed=1 a.c b.c c.c -o prog; ./prog", records: map[string]string{"prog": "a.c b.c c.c"}},
	{name: "LTO relinked", only: "gcc", script: "$CC -O2 -flto -frandom-seed=1 -c a.c b.c c.c; $CC -flto -O2 -r -flinker-output=nolto-rel b.o c.o -o r.o; $CC -flto a.o r.o -o prog; ./prog",
		records: map[string]string{"prog": "b.c c.c a.c"}},
	{name: "bitcode", only: "clang", need: "/usr/lib/llvm-14/lib/LLVMgold.so", script: "$CC -flto -c a.c b.c c.c; ls; $CC -c -emit-llvm b.c -o b.bc; $CC -flto a.o b.o c.o -o prog; ./prog; llvm-ar rcs l.a b.o c.o; $CC -flto a.o l.a -o p2; ./p2; " +
		"$CC -flto=thin -c a.c b.c c.c -O2; $CC -O2 -flto=thin a.o b.o c.o -o p3; ./p3; $CC -flto a.c b.c c.c -o p4",
		records: map[string]string{"a.o": "a.c", "b.bc": "b.c", "prog": "a.c b.c c.c", "p2": "a.c b.c c.c", "p3": "a.c b.c c.c", "p4": "a.c b.c c.c"}},
	{name: "names with spaces", script: "$CC -c 'x y.c'; $CC -c 'x y.c' -o 'o p.o'", records: map[string]string{"x y.o": "x y.c", "o p.o": "x y.c"}},
	{name: "no output file", script: "$CC -c a.c -o /dev/null; $CC -fsyntax-only a.c warn.c; $CC -xc /dev/null -c -o null.o; $CC -c -xc /dev/null -o /dev/null; ls", records: map[string]string{"null.o": "/dev/null"}},
	{name: "over what is there", script: "$CC -c b.c; ln b.o hard.o; $CC -c c.c -o b.o; ln -s b.o soft.o; $CC -c b.c -o soft.o; chmod 444 b.o; $CC -c b.c; echo $?; ls",
		records: map[string]string{"soft.o": "b.c"}},
	{name: "errors", script: "$CC -c bad.c; echo $?; $CC -c nowhere.c; echo $?; $CC -c a.c -o no/such/x.o; echo $?; $CC a.c; echo $?; $CC -c; echo $?; $CC; echo $?; $CC -c -o; echo $?; $CC --no-such; echo $?; ls"},
	{name: "warnings", script: "$CC -Wall -Wextra -O2 -c warn.c; $CC -Werror -Wall -O2 -c warn.c -o w.o; echo $?; ls", records: map[string]string{"warn.o": "warn.c"}},
	{name: "colour", script: "$CC -fdiagnostics-color=always -Wall -O2 -c warn.c; $CC -fdiagnostics-color=always -S -Wall -O2 warn.c -o - | grep -c '^\\s*ret'", records: map[string]string{"warn.o": "warn.c"}},
	{name: "precompiled header", script: "$CC h.h -o h.h.gch; $CC -x c-header h.h -o g.gch; rm -f *.gch; ls"},
	{name: "C++ beside C", need: "c++", script: "$CC -c cc.cc b.c; ls; $CC -c cc.cc -o only.o", records: map[string]string{"b.o": "b.c"}},
	{name: "questions", script: "$CC --version; $CC -dumpversion; $CC -dumpmachine; $CC -print-search-dirs; $CC -print-prog-name=ld; $CC -print-file-name=libc.a; $CC -v; $CC -c -### a.c 2>&1 | wc -l; echo $?"},
	{name: "configure probe", script: "echo 'int main(void){return 0;}' >conftest.c; $CC -c conftest.c; $CC -o conftest conftest.c; ./conftest; $CC -E conftest.c >/dev/null; echo 'int x = ;' >conftest.c; $CC -c conftest.c; echo $?; ls"},
	{name: "time stamps in order", script: "$CC -MD -c a.c; $CC -c b.c c.c; $CC a.o b.o c.o -o prog; [ a.o -nt a.c ] || [ a.c -nt a.o ] || echo same; [ a.o -nt prog ] && echo order; [ b.o -nt c.o ] && echo order; true",
		records: map[string]string{"prog": "a.c b.c c.c"}},
	{name: "deleted sources and objects", script: "$CC -c b.c -o t.o; rm t.o b.c; $CC a.c c.c -DX; echo $?; ls"},
	{name: "working directory", script: "mkdir -p d/e; cd d/e; $CC -c ../../b.c; $CC -c ../../a.c -o ../a.o; cd ..; $CC -c ../c.c; $CC a.o e/b.o c.o -o ../prog; cd ..; ./prog; rm -rf d", records: map[string]string{"prog": "../../a.c ../../b.c ../c.c"}},
	{name: "two objects of one source", script: "for i in 1 2 3 4; do $CC -DBY=$i -c b.c -o b$i.o & done; wait; ls", records: map[string]string{"b1.o": "b.c", "b4.o": "b.c"}},
	{name: "double dash", only: "clang", script: "$CC -c -o b.o -- b.c; $CC -o prog -- a.c b.o c.c; ./prog", records: map[string]string{"prog": "a.c b.c c.c"}},
	{name: "clang's own flags", only: "clang", script: "$CC -target x86_64-linux-gnu -Xclang -disable-O0-optnone -mllvm -stats=0 -c b.c 2>/dev/null; $CC --driver-mode=gcc -c b.c -MJ b.json; $CC -c b.c -Weverything --serialize-diagnostics b.dia; ls", records: map[string]string{"b.o": "b.c"}},
	{name: "gcc's own flags", only: "gcc", script: "$CC -c b.c --param=max-inline-insns-auto=3 -fdump-tree-optimized -aux-info b.aux -dumpbase '' -dumpdir d- -dumpbase-ext .c; ls; $CC -c b.c -wrapper env,X=1; $CC -c b.c -specs=/dev/null; $CC -c b.c -fdiagnostics-format=json; $CC -Q -O2 --help=optimizers | wc -l", records: map[string]string{"b.o": "b.c"}},
	{name: "sanitizers and threads", script: "$CC -fsanitize=address,undefined -g a.c b.c c.c -o p1; ./p1; $CC -pthread -fopenmp a.c b.c c.c -o p2; $CC -pg -O2 a.c b.c c.c -o p3", records: map[string]string{"p1": "a.c b.c c.c", "p2": "a.c b.c c.c"}, only: "gcc"},
	{name: "32 bits", only: "gcc", need: "/usr/include/x86_64-linux-gnu/gnu/stubs-32.h", script: "$CC -m32 -c b.c", records: map[string]string{"b.o": "b.c"}},
	{name: "other linkers", only: "gcc", need: "ld.gold", script: "$CC -c a.c b.c c.c; $CC -fuse-ld=gold -Wl,--build-id=none a.o b.o c.o -o prog; ./prog; $CC -fuse-ld=bfd a.o b.o c.o -o p2", records: map[string]string{"prog": "a.c b.c c.c", "p2": "a.c b.c c.c"}},
}

// What a build sees of saz-cc is what it sees of the compiler: each command line is
// run with both, at the same path, and everything that is left behind, printed and
// returned is compared.
func TestDropIn(t *testing.T) {
	for _, cc := range []string{"gcc", "clang"} {
		if _, err := exec.LookPath(cc); err != nil {
			t.Run(cc, func(t *testing.T) { t.Skipf("no %s", cc) })
			continue
		}
		for _, tc := range dropCases {
			if tc.only != "" && tc.only != cc {
				continue
			}
			t.Run(cc+"/"+tc.name, func(t *testing.T) {
				if tc.need != "" {
					if _, err := exec.LookPath(tc.need); err != nil {
						if _, err := os.Stat(tc.need); err != nil {
							t.Skipf("no %s", tc.need)
						}
					}
				}
				b := setup(t, nil)
				t.Setenv("XDG_CACHE_HOME", filepath.Join(filepath.Dir(b.log), "cache"))
				build := func(cc string) (outcome, map[string]string) {
					b.again(dropSource)
					o := start(b.dir, []string{"CC=" + cc, "SOURCE_DATE_EPOCH=1700000000"}, "", "sh", "-c", tc.script)
					// Names of temporary files.
					o.err = temporary.ReplaceAllString(o.err, "/tmp/cc")
					return o, tree(t, b.dir)
				}
				wantO, want := build(cc)
				gotO, got := build(b.saz + " " + cc)
				if gotO != wantO {
					t.Errorf("got %+v\nwant %+v", gotO, wantO)
				}
				compareTrees(t, want, got)
				for target, sources := range tc.records {
					if tc.name == "names with spaces" {
						b.expect(target, sources)
						continue
					}
					b.expect(target, strings.Fields(sources)...)
				}
			})
		}
	}
}
