package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// In place and back, byte for byte; a dry run and a refusal write nothing; killed at any
// time, restore brings everything back. The diff applies, and applies once.
func TestInPlaceCommand(t *testing.T) {
	dir := example(t, "monitor")
	before := listing(t, dir)
	r := saz(t, dir, 0, "instrument", "--dry-run", "./monitor")
	if !strings.Contains(r.out, "conn.c: ") || !strings.Contains(r.out, " marks") {
		t.Errorf("dry run: %s", r.out)
	}
	if diff := cmp.Diff(before, listing(t, dir)); diff != "" {
		t.Error("a dry run wrote something")
	}
	diff := saz(t, dir, 0, "instrument", "-q", "--diff", "--blocks", "./monitor").out
	copied := filepath.Join(t.TempDir(), "copy")
	if out, err := exec.Command("cp", "-r", dir, copied).CombinedOutput(); err != nil {
		t.Fatal(string(out))
	}
	patch := func() error {
		cmd := exec.Command("patch", "-p1", "-s", "-f", "-N", "--dry-run")
		cmd.Dir, cmd.Stdin = copied, strings.NewReader(diff)
		if err := cmd.Run(); err != nil {
			return err
		}
		cmd = exec.Command("patch", "-p1", "-s", "-f", "-N")
		cmd.Dir, cmd.Stdin = copied, strings.NewReader(diff)
		return cmd.Run()
	}
	if err := patch(); err != nil {
		t.Errorf("the diff does not apply: %v", err)
	}
	if err := patch(); err == nil {
		t.Error("the diff applies twice")
	}

	saz(t, dir, 0, "instrument", "-q", "--in-place", "./monitor")
	for _, f := range []string{"conn.c", "main.c"} {
		a, _ := os.ReadFile(filepath.Join(dir, f))
		b, _ := os.ReadFile(filepath.Join(copied, f))
		if string(a) != string(b) {
			t.Errorf("%s: --in-place and --diff differ", f)
		}
	}
	again := saz(t, dir, 2, "instrument", "-q", "--in-place", "./monitor")
	if !strings.Contains(again.err, "saz restore "+dir) {
		t.Errorf("twice in place: %s", again.err)
	}
	saz(t, dir, 0, "restore", "-q")
	if diff := cmp.Diff(before, listing(t, dir)); diff != "" {
		t.Errorf("restored: %s", diff)
	}
	if r := saz(t, dir, 2, "restore"); !strings.Contains(r.err, "nothing to restore") {
		t.Errorf("restore of nothing: %s", r.err)
	}

	os.Chmod(filepath.Join(dir, "conn.c"), 0o444)
	if r := saz(t, dir, 2, "instrument", "-q", "--in-place", "./monitor"); !strings.Contains(r.err, "conn.c is read-only") {
		t.Errorf("read-only: %s", r.err)
	}
	os.Chmod(filepath.Join(dir, "conn.c"), 0o644)
	if diff := cmp.Diff(before, listing(t, dir)); diff != "" {
		t.Error("a refusal wrote something")
	}

	for i := 0; i < 6; i++ {
		cmd := exec.Command(filepath.Join(bin, "saz"), "instrument", "-q", "--in-place", "./monitor")
		cmd.Dir = dir
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Duration(i*60) * time.Millisecond)
		cmd.Process.Kill()
		cmd.Wait()
		r := runIn(t, dir, filepath.Join(bin, "saz"), "restore", "-q")
		if r.code != 0 && !strings.Contains(r.err, "nothing to restore") {
			t.Errorf("restore after a kill: %+v", r)
		}
		if diff := cmp.Diff(before, listing(t, dir)); diff != "" {
			t.Fatalf("killed after %d ms, then restored: %s", i*60, diff)
		}
	}
}

// A source that is gone since it was compiled: nothing is changed, and an analysis says what it leaves out.
func TestSourceGone(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, "a.c", "#include <sys/socket.h>\nlong got; int add(int);\nint main(void) { char b[4]; int n; while ((n = (int)recv(0, b, 4, 0)) > 0) got += add(n); return 0; }\n")
	write(t, dir, "b.c", "long all; int add(int n) { all += n; return n; }\n")
	if r := runIn(t, dir, filepath.Join(bin, "saz-cc"), "gcc", "-o", "p", "a.c", "b.c"); r.code != 0 {
		t.Fatal(r.err)
	}
	os.Remove(filepath.Join(dir, "b.c"))
	if r := saz(t, dir, exitPartial, "analyze", "./p"); !strings.Contains(r.err, "b.c: no such file") || !strings.Contains(r.out, "got") {
		t.Errorf("analyze: %+v", r)
	}
	if r := saz(t, dir, exitUsage, "instrument", "-o", "out", "./p"); !strings.Contains(r.err, "b.c: no such file or directory; build again with saz-cc first") {
		t.Errorf("instrument: %+v", r)
	}
	if _, err := os.Stat(filepath.Join(dir, "out")); err == nil {
		t.Error("out was written")
	}
}

// 1: an inline procedure of a header that allocates, in two units: two sites for the analysis, one
// place in the text.
func TestAllocationInHeader(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, "h.h", "#include <stdlib.h>\nstruct e { struct e *next; int n; }; extern struct e *list;\n"+
		"static inline void add(int n) { struct e *e = calloc(1, sizeof *e); e->n = n; e->next = list; list = e; }\n")
	write(t, dir, "b.c", "#include \"h.h\"\nvoid other(int n) { add(n); }\n")
	write(t, dir, "a.c", "#include <sys/socket.h>\n#include \"h.h\"\nstruct e *list; void other(int);\n"+
		"int main(void) { char b[4]; while (recv(0, b, 4, 0) > 0) { add(1); other(list->n); } return 0; }\n")
	saz(t, dir, 0, "instrument", "-q", "-o", "out", "a.c", "b.c")
	text, _ := os.ReadFile(filepath.Join(dir, "out", "h.h"))
	if n := strings.Count(string(text), "saz_calloc("); n != 1 {
		t.Errorf("%d calls of saz_calloc in\n%s", n, text)
	}
}
