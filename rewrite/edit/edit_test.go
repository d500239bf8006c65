package edit

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand"
	"os"
	"os/exec"
	"path/filepath"
	"sort"
	"strings"
	"testing"
)

func mustAdd(t *testing.T, s *Set, path, orig string, group ...Edit) {
	t.Helper()
	if err := s.Add(path, []byte(orig), group...); err != nil {
		t.Fatal(err)
	}
}

func result(t *testing.T, s *Set, path string) string {
	t.Helper()
	out, err := s.File(path).Apply()
	if err != nil {
		t.Fatal(err)
	}
	return string(out)
}

func TestOrderAtOneByte(t *testing.T) {
	const orig = "abcdef"
	s := NewSet()
	mustAdd(t, s, "/f", orig, Edit{Off: 3, End: 5, New: "DE"})
	mustAdd(t, s, "/f", orig, Edit{Off: 3, End: 3, New: "2", Prio: 1})
	mustAdd(t, s, "/f", orig, Edit{Off: 3, End: 3, New: "3", Prio: 1})
	mustAdd(t, s, "/f", orig, Edit{Off: 3, End: 3, New: "1", Prio: -1})
	mustAdd(t, s, "/f", orig, Edit{Off: 5, End: 5, New: "4"})
	mustAdd(t, s, "/f", orig, Edit{Off: 0, End: 0, New: "<"}, Edit{Off: 6, End: 6, New: ">"})
	if got := result(t, s, "/f"); got != "<abc123DE4f>" {
		t.Error(got)
	}
}

// Two bodies that end at one byte need two braces; the same body seen from two
// translation units needs one.
func TestGroups(t *testing.T) {
	const orig = "if (a) if (b) x = 1;"
	s := NewSet()
	for range 3 { // translation units
		mustAdd(t, s, "/h", orig, Edit{Off: 7, End: 7, New: "{"}, Edit{Off: 20, End: 20, New: "}"})
		mustAdd(t, s, "/h", orig, Edit{Off: 14, End: 14, New: "{ mark;"}, Edit{Off: 20, End: 20, New: "}"})
	}
	if got := result(t, s, "/h"); got != "if (a) {if (b) { mark;x = 1;}}" {
		t.Error(got)
	}
}

func TestOverlap(t *testing.T) {
	const orig = "one\ntwo three\n"
	for _, tc := range []struct {
		a, b Edit
		ok   bool
	}{
		{Edit{Off: 4, End: 7, New: "A"}, Edit{Off: 6, End: 9, New: "B"}, false},
		{Edit{Off: 4, End: 7, New: "A"}, Edit{Off: 5, End: 5, New: "B"}, false},
		{Edit{Off: 4, End: 7, New: "A"}, Edit{Off: 4, End: 7, New: "B"}, false},
		{Edit{Off: 4, End: 7, New: "A"}, Edit{Off: 4, End: 7, New: "A"}, true},
		{Edit{Off: 4, End: 7, New: "A"}, Edit{Off: 7, End: 9, New: "B"}, true},
	} {
		s := NewSet()
		tc.a.By, tc.b.By = "mark of x", "alloc hook"
		mustAdd(t, s, "/f.c", orig, tc.a)
		mustAdd(t, s, "/f.c", orig, tc.b)
		_, err := s.File("/f.c").Apply()
		var e *Error
		switch {
		case tc.ok && err != nil:
			t.Error(err)
		case !tc.ok && !errors.As(err, &e):
			t.Errorf("%v %v: no overlap reported", tc.a, tc.b)
		case !tc.ok:
			for _, want := range []string{"/f.c", "2:1", "mark of x", "alloc hook"} {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("%q does not name %s", err, want)
				}
			}
		}
	}
	if err := NewSet().Add("/f", []byte("abc"), Edit{Off: 2, End: 4}); err == nil {
		t.Error("an edit beyond the end was taken")
	}
	s := NewSet()
	mustAdd(t, s, "/f", "abc", Edit{New: "x"})
	if err := s.Add("/f", []byte("abd"), Edit{New: "y"}); err == nil {
		t.Error("two contents of one file were taken")
	}
}

// randomFile makes text with the line ends that files have.
func randomFile(r *rand.Rand) []byte {
	var b bytes.Buffer
	eol := []string{"\n", "\r\n", "\n"}[r.Intn(3)]
	for n := r.Intn(30); n > 0; n-- {
		b.WriteString(strings.Repeat(string(rune('a'+r.Intn(3))), r.Intn(4)))
		b.WriteString(eol)
	}
	if r.Intn(3) == 0 {
		b.WriteString("tail\xff")
	}
	return b.Bytes()
}

// randomEdits adds edits that do not overlap, and says what they make by
// another way: byte by byte.
func randomEdits(r *rand.Rand, s *Set, path string, orig []byte) []byte {
	type slot struct {
		ins  []Edit
		skip bool
		repl string
	}
	slots := make([]slot, len(orig)+1)
	texts := []string{"x", "mark();", "\n", "a\nb", "{\n", "line\n", "", "\r\n", "#if 1\n"}
	var all []Edit
	for n := r.Intn(6); n > 0; n-- {
		off := r.Intn(len(orig) + 1)
		e := Edit{Off: int32(off), End: int32(off), New: texts[r.Intn(len(texts))] + fmt.Sprint(r.Intn(1000)), Prio: r.Intn(3)}
		slots[off].ins = append(slots[off].ins, e)
		all = append(all, e)
	}
	for n := r.Intn(3); n > 0 && len(orig) > 0; n-- {
		off := r.Intn(len(orig))
		end := min(len(orig), off+1+r.Intn(6))
		free := true
		for i := off; i < end; i++ {
			free = free && !slots[i].skip && (i == off || len(slots[i].ins) == 0)
		}
		if !free {
			continue
		}
		e := Edit{Off: int32(off), End: int32(end), New: texts[r.Intn(len(texts))]}
		for i := off; i < end; i++ {
			slots[i].skip = true
		}
		slots[off].repl = e.New
		all = append(all, e)
	}
	seen := map[string]bool{}
	for _, e := range all {
		s.Add(path, orig, e)
		s.Add(path, orig, e)
	}
	var want bytes.Buffer
	for i := range slots {
		sort.SliceStable(slots[i].ins, func(a, b int) bool { return slots[i].ins[a].Prio < slots[i].ins[b].Prio })
		for _, e := range slots[i].ins {
			if k := fmt.Sprint(e.Off, e.New); !seen[k] {
				seen[k] = true
				want.WriteString(e.New)
			}
		}
		want.WriteString(slots[i].repl)
		if i < len(orig) && !slots[i].skip {
			want.WriteByte(orig[i])
		}
	}
	return want.Bytes()
}

// The edits agree with a naive application, and patch(1), given the diff, makes
// the same of the original.
func TestRandomEditsAndPatch(t *testing.T) {
	patch, err := exec.LookPath("patch")
	if err != nil {
		t.Log("no patch(1): the diffs are not tried")
	}
	dir := t.TempDir()
	r := rand.New(rand.NewSource(1))
	var diff bytes.Buffer
	want := map[string][]byte{}
	for i := range 1500 {
		name := fmt.Sprintf("d/f%d.c", i)
		if i%7 == 0 {
			name = fmt.Sprintf("d/with space %d.c", i)
		} else if i%31 == 0 {
			name = fmt.Sprintf("d/q\"uo\tte%d.c", i)
		}
		orig := randomFile(r)
		s := NewSet()
		out := randomEdits(r, s, "/f", orig)
		f := s.File("/f")
		if f == nil {
			continue
		}
		got, err := f.Apply()
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(got, out) {
			t.Fatalf("case %d: %q with %+v\n got %q\nwant %q", i, orig, f.edits, got, out)
		}
		if err := f.Diff(&diff, name); err != nil {
			t.Fatal(err)
		}
		want[name] = out
		path := filepath.Join(dir, filepath.FromSlash(name))
		os.MkdirAll(filepath.Dir(path), 0o777)
		if err := os.WriteFile(path, orig, 0o666); err != nil {
			t.Fatal(err)
		}
	}
	if err := DiffNew(&diff, "d/new.c", []byte("int x;\nint y;")); err != nil {
		t.Fatal(err)
	}
	want["d/new.c"] = []byte("int x;\nint y;")
	if patch == "" {
		return
	}
	cmd := exec.Command(patch, "-p1", "--fuzz=0", "--no-backup-if-mismatch", "-s")
	cmd.Dir, cmd.Stdin = dir, &diff
	text := diff.String()
	if out, err := cmd.CombinedOutput(); err != nil || len(out) > 0 {
		os.WriteFile(filepath.Join(os.TempDir(), "edit_test.diff"), []byte(text), 0o666)
		t.Fatalf("patch: %v\n%s", err, out)
	}
	for name, w := range want {
		got, err := os.ReadFile(filepath.Join(dir, filepath.FromSlash(name)))
		if os.IsNotExist(err) && len(w) == 0 {
			continue // patch removes what becomes empty
		}
		if err != nil || !bytes.Equal(got, w) {
			t.Fatalf("%s: %v\n got %q\nwant %q", name, err, got, w)
		}
	}
}

func TestDiffText(t *testing.T) {
	orig := "1\n2\n3\n4\n5\n6\n7\n8\n9"
	s := NewSet()
	mustAdd(t, s, "/f", orig, Edit{Off: 4, End: 4, New: "new\n"}, Edit{Off: 17, End: 17, New: "!"})
	var b strings.Builder
	if err := s.File("/f").Diff(&b, "f"); err != nil {
		t.Fatal(err)
	}
	want := "--- a/f\n+++ b/f\n@@ -1,9 +1,10 @@\n 1\n 2\n+new\n 3\n 4\n 5\n 6\n 7\n 8\n-9\n\\ No newline at end of file\n+9!\n\\ No newline at end of file\n"
	if b.String() != want {
		t.Errorf("got\n%s\nwant\n%s", b.String(), want)
	}
}

// Half a million lines with a mark on every third must not take a noticeable
// time: an amalgamated source is that large.
func BenchmarkDiff(b *testing.B) {
	orig := []byte(strings.Repeat("\tx->count += n;\n", 500000))
	s := NewSet()
	for off := 0; off < len(orig); off += 48 {
		s.Add("/f", orig, Edit{Off: int32(off + 1), End: int32(off + 1), New: "saz_updated[3] = 1; "})
	}
	b.SetBytes(int64(len(orig)))
	for b.Loop() {
		if _, err := s.File("/f").Apply(); err != nil {
			b.Fatal(err)
		}
		s.File("/f").Diff(discard{}, "f")
	}
}

type discard struct{}

func (discard) Write(p []byte) (int, error) { return len(p), nil }
