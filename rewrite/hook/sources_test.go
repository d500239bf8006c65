package hook_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"saz/frontend/source"
	"saz/passes/run"
	"saz/rewrite"
)

// Sources as they come. What is patched is the original with insertions alone, compiles without a complaint,
// and says what the original says, line numbers and file names included.
var odd = []struct{ story, text string }{
	{"1: lines that end in CR LF, tabs, bytes that are no UTF-8", "/* caf\xe9 */\r\n#include \"lib.h\"\r\nstatic long n;\t/* \xff */\r\nint main(void)\r\n{\r\n\tchar b[4];\r\n\r\n\twhile (recv(0, b, 4, 0) > 0)\r\n\t\tn++;\r\n\tsay(\"\xe9\", n, __LINE__, __FILE__);\r\n\treturn 0;\r\n}\r\n"},
	{"2: #line, as generators write it", "#include \"lib.h\"\n#line 100 \"scan.l\"\nstatic long n;\nint main(void)\n{ char b[4];\n#line 7 \"p.y\"\n\twhile (recv(0, b, 4, 0) > 0)\n\t\tn += __LINE__;\n\tsay(\"\", n, __LINE__, __FILE__);\n\treturn 0;\n}\n"},
	{"3: a statement over continued lines, and one that a comment cuts", "#include \"lib.h\"\nstatic long n, m;\nint main(void)\n{ char b[4];\n\twhile (recv(0, b, 4, 0) \\\n\t> 0) if (b[0] == 0) n\\\n++; else /* m\n */ m++;\n\tsay(\"\", n + m, __LINE__, __FILE__);\n\treturn 0;\n}\n"},
	{"4: configurations: the branch that is not compiled stays", "#include \"lib.h\"\nstatic long n;\nint main(void)\n{ char b[4];\n\twhile (recv(0, b, 4, 0) > 0)\n#ifdef NEVER\n\t\tn += 5;\n#else\n\t\tn += 1;\n#endif\n\tsay(\"\", n, __LINE__, __FILE__);\n\treturn 0;\n}\n"},
	{"5: an if whose head is in two configurations", "#include \"lib.h\"\nstatic long n, m;\nint main(void)\n{ char b[4];\n\twhile (recv(0, b, 4, 0) > 0)\n#if 1\n\tif (b[0] == 0)\n#else\n\tif (b[0] == 1)\n#endif\n\t\tn += 1;\n\telse\n\t\tm++;\n\tsay(\"\", n + m, __LINE__, __FILE__);\n\treturn 0;\n}\n"},
	{"6: trigraphs and digraphs, no newline at the end", "%:include \"lib.h\"\nstatic long n;\nint main(void)\n<% char b<:4:>;\n\twhile (recv(0, b, 4, 0) > 0) n++; // ??/ is no trigraph here\n\tsay(\"\", n, __LINE__, __FILE__);\n\treturn 0;\n%>"},
}

const oddLib = `#include <stdio.h>
#include <sys/types.h>
#include <sys/socket.h>
static void say(const char *s, long n, int line, const char *file) { printf("%s %ld %d %s\n", s, n, line, file); }
`

func TestOddSources(t *testing.T) {
	for _, c := range odd {
		t.Run(strings.SplitN(c.story, ":", 2)[0], func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			write := func(name, text string) {
				if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o666); err != nil {
					t.Fatal(err)
				}
			}
			write("p.c", c.text)
			write("lib.h", oddLib)
			write("recv.c", "#include <sys/types.h>\nssize_t recv(int fd, void *p, size_t n, int f) { static int k; (void)fd; (void)n; (void)f; *(char *)p = (char)(k & 1); return k++ < 20; }\n")
			a, err := run.Load(run.Options{Target: []string{filepath.Join(dir, "p.c")}, Flags: []string{"-I" + dir}, Jobs: 1})
			if err != nil {
				t.Fatal(err)
			}
			r, err := rewrite.Instrument(a, rewrite.Options{})
			if err != nil {
				t.Fatal(err)
			}
			for _, d := range a.Sink.Sorted(a.Frontend.Files) {
				if d.Severity == source.Error {
					t.Fatal(d.Msg)
				}
			}
			if len(r.Patched) != 1 || len(r.Marks.Marks) == 0 {
				t.Fatal(r.Patched, len(r.Marks.Marks))
			}
			patched := string(r.Files[r.Patched[0]])
			// Take the insertions out again.
			back := patched
			for _, x := range []string{`#include "saz_rt.h"\r?\n#line 1 "[^"]*"\n`, `#include "saz_rt.h"`, `saz_updated\[\d+\] = 1; `, ` SAZ_STATIC\(\d+, \w+\);`, `\{ (n\b|n\\\n\+\+;|m\+\+;|n[^;]*;) \}`} {
				back = regexp.MustCompile(x).ReplaceAllString(back, "$1")
			}
			back = regexp.MustCompile(`SAZ_RECEIVE\((recv\([^)]*\))\)`).ReplaceAllString(back, "$1")
			back = strings.NewReplacer("{ n", "n", "{ m", "m", "; }", ";").Replace(back)
			if want := strings.NewReplacer("; }", ";").Replace(c.text); back != want {
				t.Errorf("%s: more than insertions:\n%q\n%q", c.story, back, want)
			}
			write("q.c", patched)
			for name, text := range r.Files {
				if strings.HasPrefix(name, "saz_") {
					os.MkdirAll(filepath.Join(dir, filepath.Dir(name)), 0o777)
					write(name, string(text))
				}
			}
			sh := func(script string) string {
				cmd := exec.Command("sh", "-c", script)
				cmd.Dir = dir
				out, err := cmd.CombinedOutput()
				if err != nil {
					t.Fatalf("%s: %v\n%s\n%s", c.story, err, out, patched)
				}
				return string(out)
			}
			want := sh("gcc -Wall -Wextra -o plain p.c recv.c && ./plain")
			got := sh("mkdir x && mv q.c x/p.c && gcc -Wall -Wextra -I. -Isaz_rt -c -o p.o x/p.c && gcc -Isaz_rt -o inst p.o recv.c saz_glue.c saz_rt/*.c -pthread && SAZ_SERVICE=off ./inst")
			if m := regexp.MustCompile(`\S*p\.c\n`); m.ReplaceAllString(got, "p.c\n") != m.ReplaceAllString(want, "p.c\n") {
				t.Errorf("%s: it says %q, not %q\n%s", c.story, got, want, patched)
			}
		})
	}
}

// One file, compiled twice into one program: each has a variable of its own, which one declaration can't name.
func TestOneFileTwice(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{
		"p.c": "#include <sys/types.h>\n#include <sys/socket.h>\nstatic long n;\nlong get(void), step(void);\n#ifdef A\nint main(void) { char b[4]; while (recv(0, b, 4, 0) > 0) { n += 1; step(); } return n != get(); }\n#else\nlong get(void) { return n; }\nlong step(void) { return n += 2; }\n#endif\n",
		"compile_commands.json": `[{"directory":"DIR","file":"p.c","arguments":["gcc","-DA","-c","p.c","-o","a.o"]},
			{"directory":"DIR","file":"p.c","arguments":["gcc","-c","p.c","-o","b.o"]}]`,
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(strings.ReplaceAll(text, "DIR", dir)), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	a, err := run.Load(run.Options{Target: []string{filepath.Join(dir, "compile_commands.json")}, Jobs: 1})
	if err != nil {
		t.Fatal(err)
	}
	r, err := rewrite.Instrument(a, rewrite.Options{})
	if err != nil {
		t.Fatal(err)
	}
	var said []string
	for _, d := range a.Sink.Sorted(a.Frontend.Files) {
		said = append(said, d.ID)
	}
	text := string(r.Files["p.c"])
	if strings.Join(said, " ") != "static-shared" || strings.Contains(text, "SAZ_STATIC") ||
		!strings.Contains(text, "saz_updated[0] = 1; n += 1;") || !strings.Contains(text, "saz_updated[1] = 1; return n += 2;") {
		t.Errorf("%v\n%s", said, text)
	}
}
