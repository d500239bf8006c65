package html_test

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"saz/passes/report"
	"saz/passes/report/html"
	"saz/passes/run"
)

func analyse(t *testing.T, name, text string) *report.Report {
	t.Helper()
	file := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	a, err := run.Load(run.Options{Target: []string{file}})
	if err != nil {
		t.Fatal(err)
	}
	r, err := a.Report("test")
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// What a source file says is text, whatever it looks like; the page asks for nothing outside it.
func TestHostileSource(t *testing.T) {
	r := analyse(t, "evil<b>.c", `#include <sys/socket.h>
/* </script><script>alert(1)</script><!-- <script> {{.}} "quoted" & */
static int hits;
int main(void) {
	char buf[64];
	for (;;) {
		if (recv(0, buf, sizeof buf, 0) <= 0) return 0;
		hits += buf[0] == '<';   /* </pre></body> */
		if (hits > 3) send(1, "<img src=x onerror=alert(1)>", 9, 0);
	}
}
`)
	var b bytes.Buffer
	if err := html.Write(&b, r, html.Options{}); err != nil {
		t.Fatal(err)
	}
	page := b.String()
	if n := strings.Count(page, "<script"); n != 2 {
		t.Errorf("the page has %d scripts, want the data and its own", n)
	}
	for _, bad := range []string{"<img", "evil<b>", "<pre></body>"} {
		if strings.Contains(page, bad) {
			t.Errorf("the page has %q from the source as markup", bad)
		}
	}
	if m := regexp.MustCompile(`(src|href|url\()\s*=?\s*["']?(https?:)?//[^"' )]+`).FindString(page); m != "" {
		t.Errorf("the page leads outside: %s", m)
	}
	m := regexp.MustCompile(`(?s)<script type="application/json" id="data">(.*?)</script>`).FindStringSubmatch(page)
	if m == nil {
		t.Fatal("the page has no data")
	}
	var d struct {
		Files []struct{ N, T string }
		Vars  []struct{ N, V string }
	}
	if err := json.Unmarshal([]byte(m[1]), &d); err != nil {
		t.Fatal(err)
	}
	found := false
	for _, f := range d.Files {
		found = found || strings.Contains(f.T, "</script><script>alert(1)")
	}
	if !found {
		t.Error("the source is not in the page as it is written")
	}
}

// A page is the same from run to run, its cost aside.
func TestSamePage(t *testing.T) {
	const src = "#include <sys/socket.h>\nint a, b; int main(void) { char p[9]; while (recv(0, p, 9, 0) > 0) { a++; b = p[0]; send(1, &a, 4, 0); } return b; }\n"
	pages := map[string]bool{}
	dir := t.TempDir()
	file := filepath.Join(dir, "a.c")
	if err := os.WriteFile(file, []byte(src), 0o644); err != nil {
		t.Fatal(err)
	}
	for _, j := range []int{1, 8} {
		a, err := run.Load(run.Options{Target: []string{file}, Jobs: j})
		if err != nil {
			t.Fatal(err)
		}
		r, err := a.Report("test")
		if err != nil {
			t.Fatal(err)
		}
		r.Cost = report.Cost{}
		var b bytes.Buffer
		if err := html.Write(&b, r, html.Options{}); err != nil {
			t.Fatal(err)
		}
		pages[b.String()] = true
	}
	if len(pages) != 1 {
		t.Error("the page depends on the number of jobs")
	}
}

// Drawings name every key and stay within themselves.
func TestDraw(t *testing.T) {
	v := &report.Variable{Name: "flows", Flowspace: []string{"nw_src", "nw_dst", "tp_src", "tp_dst"},
		Container: &report.Container{Shape: "hash-list", EntryType: "struct flow", Keys: []report.Key{{Field: "key.a<b>", Header: "nw_src"}, {Field: "port", Header: "tp_dst"}}},
		Link:      &report.Link{Next: "next", Prev: "prev", Buckets: 4096}}
	s := html.Draw(v)
	for _, want := range []string{"flows", "4,096 buckets", "struct flow", "key.a&lt;b&gt;", "port", "next", "prev", "nw_dst"} {
		if !strings.Contains(s, want) {
			t.Errorf("the drawing lacks %q", want)
		}
	}
	if html.Draw(&report.Variable{Name: "x"}) != "" {
		t.Error("what is no container has a drawing")
	}
	for _, c := range []*report.Container{{Shape: "list"}, {Shape: "tree", EntryType: "struct n"}, {Shape: "array"}, {Shape: "unknown", Keys: []report.Key{{Field: "f", Header: "dl_vlan"}}}} {
		if s := html.Draw(&report.Variable{Name: "x", Container: c}); !strings.HasPrefix(s, "<svg") || strings.Contains(s, "NaN") {
			t.Errorf("%s: %q", c.Shape, s)
		}
	}
}

// 1: a line that announces updates of hundreds of variables, as lines that write through a pointer of which little is known do, was
// written down once for each of them: 13 MB for HAProxy.
func TestManyMarks(t *testing.T) {
	r := analyse(t, "many.c", "#include <stdio.h>\nint a;\nint main(void) { a = getchar(); return a; }\n")
	if len(r.Variables) == 0 {
		t.Fatal("no variable to mark")
	}
	size := func(lines, each int) int {
		var marks []html.Mark
		for l := range lines {
			for v := range each {
				marks = append(marks, html.Mark{File: r.Variables[0].File, Line: 1 + l%3, Var: v % len(r.Variables), Pruned: l&4 != 0})
			}
		}
		var b strings.Builder
		if err := html.Write(&b, r, html.Options{Marks: marks}); err != nil {
			t.Fatal(err)
		}
		return b.Len()
	}
	if one, many := size(6, 1), size(600, 500); many > one+200 {
		t.Errorf("%d bytes with many marks of the same, %d with few", many, one)
	}
}

// A variable's page says, as the table does, that its verdict rests on a guess.
func TestGuess(t *testing.T) {
	r := analyse(t, "a.c", `#include <sys/socket.h>
static int hits;
int main(void) {
	char buf[64];
	while (recv(0, buf, sizeof buf, 0) > 0) hits++;
	return hits;
}
`)
	for i := range r.Variables {
		if r.Variables[i].Name == "hits" {
			for guess, want := range map[int]bool{report.Sure: false, report.Sure + 1: true} {
				r.Variables[i].Guess = guess
				var b bytes.Buffer
				if err := html.Write(&b, r, html.Options{}); err != nil {
					t.Fatal(err)
				}
				if got := strings.Contains(b.String(), `"note":"A guess: a step of the path to its update is one of 11`); got != want {
					t.Errorf("a step of %d is called a guess: %t", guess, got)
				}
			}
			return
		}
	}
	t.Error("no variable hits")
}
