package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

var (
	aMark     = regexp.MustCompile(`saz_updated\[\d+\] = 1[;,] `)
	aBoundary = regexp.MustCompile(` ?SAZ_(PACKET_SCOPE|CALLED_SCOPE|ROUND);|SAZ_(LOOP|RECEIVE|IDLE|BLOCKED|EVENTS)\(`)
)

// onlyMarks holds a patch against what a maintainer is promised: each changed line is the old one with marks, packets' boundaries,
// braces and parentheses, and each file has one more line, the include. It returns how many marks, boundaries and includes there are.
func onlyMarks(t *testing.T, patch string) (marks, boundaries, includes int) {
	t.Helper()
	old, has, files := "", false, 0
	settle := func() {
		if has {
			t.Errorf("a line is gone: %q", old)
		}
		has = false
	}
	for _, line := range strings.Split(strings.TrimSuffix(patch, "\n"), "\n") {
		switch {
		case strings.HasPrefix(line, "--- "):
			settle()
			files++
		case strings.HasPrefix(line, "+++ "):
		case strings.HasPrefix(line, "-"):
			settle()
			old, has = line[1:], true
		case strings.HasPrefix(line, "+"):
			text := line[1:]
			if text == "\ufeff#include \"saz_marks.h\"" && strings.HasPrefix(old, "\ufeff") { // which stays the first of the file
				includes++
				old = strings.TrimPrefix(old, "\ufeff")
				continue
			}
			if strings.TrimRight(text, "\r") == `#include "saz_marks.h"` {
				includes++
				if has && strings.TrimSpace(old) != "" {
					t.Errorf("the include takes the place of %q", old)
				}
				has = false
				continue
			}
			if !has {
				t.Errorf("a new line: %q", text)
			}
			has = false
			marks += len(aMark.FindAllString(text, -1))
			boundaries += len(aBoundary.FindAllString(text, -1))
			bare := aBoundary.ReplaceAllString(aMark.ReplaceAllString(text, ""), "")
			rest := old
			for _, c := range bare {
				if r, ok := strings.CutPrefix(rest, string(c)); ok {
					rest = r
				} else if !strings.ContainsRune("{}() ", c) {
					t.Errorf("%q becomes %q: %q is no mark", old, text, c)
					break
				}
			}
			if rest != "" {
				t.Errorf("%q becomes %q: %q is lost", old, text, rest)
			}
		default:
			settle()
		}
	}
	settle()
	if includes > files {
		t.Errorf("%d includes in %d files", includes, files)
	}
	return marks, boundaries, includes
}

// applied is a copy of dir with the patch, which applies once and not twice.
func applied(t *testing.T, dir, patch string) string {
	t.Helper()
	copied := filepath.Join(t.TempDir(), "copy")
	if out, err := exec.Command("cp", "-r", dir, copied).CombinedOutput(); err != nil {
		t.Fatal(string(out))
	}
	apply := func(more ...string) error {
		cmd := exec.Command("patch", append([]string{"-p1", "-s", "-f", "-N", "--binary"}, more...)...)
		cmd.Dir, cmd.Stdin = copied, strings.NewReader(patch)
		return cmd.Run()
	}
	if err := apply(); err != nil {
		t.Fatalf("the patch does not apply: %v", err)
	}
	if err := apply("--dry-run"); err == nil {
		t.Error("the patch applies twice")
	}
	return copied
}

// peek tells what the packet has updated.
const peek = `#include <stdio.h>
extern unsigned char saz_updated[];
extern const unsigned saz_nvars;
void look(void);
ATTR void look(void)
{
	unsigned i;
	for (i = 0; i < saz_nvars; i++)
		fputc(saz_updated[i] ? '1' : '0', stderr);
}
`

func shell(t *testing.T, dir, script string) ran {
	t.Helper()
	r := runIn(t, dir, "sh", "-c", script)
	if r.code != 0 {
		t.Fatalf("%s: %d\n%s%s", script, r.code, r.out, r.err)
	}
	return r
}

// The monitor's patch: marks and nothing else, it applies, the patched sources with the glue of a tree print what the
// original prints, and mark what the tree's own program marks.
func TestPatchOfMonitor(t *testing.T) {
	t.Parallel()
	dir := example(t, "monitor")
	r := saz(t, dir, 0, "instrument", "--diff", "./monitor")
	if marks, boundaries, includes := onlyMarks(t, r.out); marks != 6 || boundaries != 2 || includes != 4 {
		t.Errorf("%d marks, %d boundaries, %d includes in\n%s", marks, boundaries, includes, r.out)
	}
	if !strings.Contains(r.err, "--blocks adds ") || !strings.Contains(r.err, "static variable") {
		t.Errorf("what is left out is not told: %q", r.err)
	}
	saz(t, dir, 0, "instrument", "-q", "-o", "tree", "./monitor")
	copied := applied(t, dir, r.out)
	write(t, copied, "peek.c", strings.Replace(peek, "ATTR", "__attribute__((destructor))", 1))
	capture := filepath.Join(t.TempDir(), "t.pcap")
	if msg, err := exec.Command("go", "run", "../../examples/traffic", "-packets", "3000", "-flows", "300", "-o", capture).CombinedOutput(); err != nil {
		t.Fatalf("%v %s", err, msg)
	}
	const cc = "gcc -std=gnu11 -O2 -g -Wall -Wextra -Werror "
	shell(t, copied, cc+"-Itree/saz_rt -o patched *.c tree/saz_glue.c tree/saz_rt/*.c -lpcap -pthread && "+
		cc+"-Itree/saz_rt -o marked tree/*.c peek.c tree/saz_rt/*.c -lpcap -pthread")
	run := func(prog string) ran {
		return shell(t, copied, "SAZ_SERVICE=off ./"+prog+" -r "+capture+" -s services.sig -l "+prog+".log -S "+prog+".stats && cat "+prog+".log "+prog+".stats")
	}
	plain, patched, marked := run("monitor"), run("patched"), run("marked")
	if len(plain.out) < 1000 || plain.out != patched.out {
		t.Errorf("plain\n%s\npatched\n%s", plain.out, patched.out)
	}
	if !strings.Contains(patched.err, "1") || patched.err != marked.err {
		t.Errorf("updated by the last packet: %s in the patched program, %s in the tree's", patched.err, marked.err)
	}
}

// 1: what allocates in macros and inline procedures, statics of files and procedures, and a BOM, CRLF line ends and no empty line at
// the top of a source are no reason for another line. A program of such a patch makes no image.
func TestPatch(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write(t, dir, "h.h", "#include <stdlib.h>\nstruct e { struct e *next; int key, n; };\nextern struct e *list;\n"+
		"#define NEW(p) do { (p) = calloc(1, sizeof *(p)); } while (0)\n"+
		"static inline int bump(struct e *e) { static int bumps; bumps += 2; return ++e->n + bumps; }\n")
	write(t, dir, "a.c", "\ufeff#include <stdio.h>\n#include <string.h>\n#include <sys/socket.h>\n#include \"h.h\"\nint other(int);\nvoid look(void) __attribute__((weak));\n"+
		"struct e *list;\nstatic int seen, odd;\n"+
		"static struct e *find(int key)\n{\n\tstruct e *e;\n\tfor (e = list; e; e = e->next)\n\t\tif (e->key == key)\n\t\t\treturn e;\n"+
		"\tNEW(e);\n\te->key = key;\n\te->next = list;\n\tlist = e;\n\treturn e;\n}\n"+
		"int main(void)\n{\n\tchar b[8];\n\tint sum = 0;\n\twhile (recv(0, b, 8, 0) > 0) {\n\t\tif (b[0] == 'x')\n\t\t\tcontinue;\n"+
		"\t\telse if (++seen & 1)\n\t\t\todd++;\n\t\tsum += bump(find(b[0])) + other(b[0]);\n\t\tfprintf(stderr, \" %d \", __LINE__);\n\t\tif (look)\n\t\t\tlook();\n\t}\n"+
		"\tprintf(\"%d %d %d\\n\", sum, odd, seen);\n\treturn 0;\n}\n")
	write(t, dir, "b.c", "#include \"h.h\"\r\nstatic int *last;\r\nint other(int n)\r\n{\r\n\tif (n == 'z')\r\n\t\tfree(last), last = 0;\r\n"+
		"\telse if (!last)\r\n\t\tlast = malloc(sizeof *last), *last = 3;\r\n\treturn last ? (*last)++ : 0;\r\n}\r\n")
	const cc = "gcc -g -Wall -Wextra -Werror "
	shell(t, dir, cc+"-o plain a.c b.c")
	patch := saz(t, dir, 0, "instrument", "-q", "--diff", "a.c", "b.c").out
	if marks, boundaries, _ := onlyMarks(t, patch); marks != 4 || boundaries != 1 {
		t.Errorf("%d marks, %d boundaries in\n%s", marks, boundaries, patch)
	}
	if r := saz(t, dir, 0, "instrument", "--diff", "--blocks", "a.c", "b.c"); !strings.Contains(r.out, "+#define NEW(p) do { (p) = saz_calloc(") || !strings.Contains(r.out, "SAZ_STATIC(") || strings.Contains(r.err, "--blocks") {
		t.Errorf("--blocks: %s\n%s", r.err, r.out)
	}
	if r := saz(t, dir, 0, "instrument", "-q", "--diff", "--verify", "a.c", "b.c"); !strings.Contains(r.out, "saz_calloc(") {
		t.Errorf("--verify: %s", r.out)
	}
	saz(t, dir, 2, "instrument", "--blocks", "-o", "out", "a.c", "b.c")
	saz(t, dir, 0, "instrument", "-q", "-o", "tree", "a.c", "b.c")
	copied := applied(t, dir, patch)
	write(t, copied, "peek.c", strings.Replace(peek, "ATTR", "", 1))
	shell(t, copied, cc+"-Itree/saz_rt -o patched a.c b.c peek.c tree/saz_glue.c tree/saz_rt/*.c -pthread")
	packets := []string{"a", "b", "a", "x", "z", "c"}
	plain := withDatagrams(t, exec.Command(filepath.Join(dir, "plain")), packets, nil)
	got := withDatagrams(t, exec.Command(filepath.Join(copied, "patched")), packets, []string{"SAZ_SERVICE=off"})
	if plain.out != got.out || plain.out == "" {
		t.Errorf("plain %+v, patched %+v", plain, got)
	}
	// odd is updated by each second packet. The patched source has a line more, as it does with any patch.
	if got.err != " 32 111111 32 111011 32 111111 32 111011 32 111111" || plain.err != strings.Repeat(" 31 ", 5) {
		t.Errorf("lines and marks: %q (plain %q)", got.err, plain.err)
	}

	fds, err := syscall.Socketpair(syscall.AF_UNIX, syscall.SOCK_SEQPACKET|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	in := os.NewFile(uintptr(fds[0]), "packets")
	defer in.Close()
	cmd := exec.Command(filepath.Join(copied, "patched"))
	cmd.Stdin, cmd.Env = in, append(os.Environ(), "SAZ_SOCKET_DIR="+dir+"/s", "SAZ_INSTANCE=p")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() {
		syscall.Close(fds[1])
		cmd.Process.Kill()
		cmd.Wait()
	}()
	for i := 0; ; i++ {
		if _, err := os.Stat(dir + "/s/p.sock"); err == nil {
			break
		} else if i > 500 {
			t.Fatal(err)
		}
		time.Sleep(10 * time.Millisecond)
	}
	for _, args := range [][]string{{"export", "--from"}, {"import", "--to"}} {
		last := []string{dir + "/s/p.sock"}
		if args[0] == "import" {
			last = append(last, filepath.Join(dir, "plain"))
		}
		if r := runIn(t, dir, filepath.Join(bin, "saz"), append(append([]string{"ctl"}, args...), last...)...); r.code != 1 || !strings.Contains(r.err, "have marks only") {
			t.Errorf("%s: %+v", args[0], r)
		}
	}
}

// 2: with an error a tree and a diff are written all the same, the exit status says so, and standard error what they lack; sources are not changed in place.
func TestPatchWithErrors(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, "a.c", "#include <sys/socket.h>\nint n; void other(void);\nint main(void) { char b[4]; while (recv(0, b, 4, 0) > 0) n++, other(); return 0; }\n")
	write(t, dir, "b.c", "int k; void other(void) { k++; }\nint broken( { return k; }\n")
	if r := saz(t, dir, exitPartial, "instrument", "-o", "out", "a.c", "b.c"); !strings.Contains(r.err, "b.c:2:11: error") || !strings.Contains(r.err, "lacks the marks that the errors above are about") {
		t.Errorf("-o: %s", r.err)
	}
	if _, err := os.Stat(filepath.Join(dir, "out", "saz_glue.c")); err != nil {
		t.Error(err)
	}
	if r := saz(t, dir, exitPartial, "instrument", "-q", "--diff", "a.c", "b.c"); !strings.Contains(r.err, "b.c:2:11: error") || !strings.Contains(r.err, "to be looked at, not applied") || !strings.Contains(r.out, "+#include") {
		t.Errorf("--diff: %s\n%s", r.err, r.out)
	}
	before := listing(t, dir)
	if r := saz(t, dir, exitPartial, "instrument", "--in-place", "a.c", "b.c"); !strings.Contains(r.err, "nothing was changed") {
		t.Errorf("--in-place: %s", r.err)
	}
	if diff := cmp.Diff(before, listing(t, dir)); diff != "" {
		t.Error(diff)
	}
}
