package pointer_test

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"saz/ir"
	"saz/passes/pointer"
	"saz/passes/pointer/ctest"
)

// Facts about small programs, testdata/facts/*.c, stand in their sources. They come
// from reading the C, not from what the analysis says. At the end of a line:
//
//	obj A              the heap objects allocated on this line are called A
//	pts: x A.next      where the argument of probe on this line may point, and nowhere else
//	pts>: x !y         among others at x, but never at y
//	calls: f g         what the calls on this line other than probe may call, callbacks too
//	callers: f main    the procedures whose calls may reach the procedure defined on this line
//
// joined by semicolons. Before a name stands nothing for soundness (in some run of some
// program like this it points there), ! for what must not be, ~ for what is
// there and need not be, because the analysis does not mean to tell it apart (an object
// holds what was ever stored in it; elements of an array are one), and ? for what is there
// and should not be: when it drops out the mark becomes a !.

type fact struct {
	kind string
	open bool // more than what is listed may be there
	want []string
}

var (
	heapRE = regexp.MustCompile(`^[\w()*']+@test\.c:(\d+)(\[\])?`)
	factRE = regexp.MustCompile(`^(pts|calls|callers)(>?):(.*)$`)
)

func parseFacts(t *testing.T, text string) (facts map[int][]fact, label map[string]string) {
	facts, label = map[int][]fact{}, map[string]string{}
	for i, s := range strings.Split(text, "\n") {
		_, comment, ok := strings.Cut(s, "// ")
		if !ok {
			continue
		}
		for _, clause := range strings.Split(comment, ";") {
			clause = strings.TrimSpace(clause)
			if name, ok := strings.CutPrefix(clause, "obj "); ok {
				label[fmt.Sprint(i+1)] = name
			} else if m := factRE.FindStringSubmatch(clause); m != nil {
				facts[i+1] = append(facts[i+1], fact{m[1], m[2] == ">", strings.Fields(m[3])})
			} else {
				t.Errorf("line %d: %q says nothing", i+1, clause)
			}
		}
	}
	return facts, label
}

// compare returns what is wrong with got, and how many facts were looked at.
func (f *fact) compare(got []string) (n int, wrong []string) {
	has := func(name string) bool { // or anywhere in its object
		found := slices.Contains(got, name)
		for i, c := range name + "." {
			found = found || c == '.' && slices.Contains(got, name[:i]+"+?")
		}
		return found
	}
	var listed []string
	for _, w := range f.want {
		name := strings.TrimLeft(w, "~?!")
		listed = append(listed, name)
		switch {
		case w[0] == '!':
			if slices.Contains(got, name) {
				wrong = append(wrong, name+" must not be there")
			}
		case w[0] == '?' && !slices.Contains(got, name):
			wrong = append(wrong, name+" is not there any more, which is good: make it !"+name)
		case w[0] == '~':
			// better is fine
		case !has(name):
			wrong = append(wrong, "UNSOUND: "+name+" is missing")
		}
		n++
	}
	if !f.open {
		n++
		for _, g := range got {
			if !slices.Contains(listed, g) {
				wrong = append(wrong, g+" is there")
			}
		}
	}
	return n, wrong
}

func TestFacts(t *testing.T) { testFacts(t, false) }

// A crowded is how small sets are crowds, from how many members on, and which objects there are one place.
type crowded struct {
	size   int
	facts  int64
	places int
}

func (c crowded) String() string { return fmt.Sprintf("%d,%d,%d", c.size, c.facts, c.places) }

// At the start there is little that could have to move.
var crowds = []crowded{{1, 0, 16}, {4, 0, 16}, {1, 30, 16}, {1, 100, 16}, {1, 0, 1}, {4, 30, 2}, {1, 100, 1}}

// What is said for soundness holds in crowds, too.
func TestFactsInCrowds(t *testing.T) {
	for _, c := range crowds {
		t.Run(c.String(), func(t *testing.T) {
			defer pointer.Crowd(c.size, c.facts, c.places)()
			testFacts(t, true)
		})
	}
}

// Whether there are crowds, and how large, is said.
func TestCrowdsAreCounted(t *testing.T) {
	text, err := os.ReadFile("testdata/facts/crowd.c")
	if err != nil {
		t.Fatal(err)
	}
	p := ctest.Text(t, string(text))
	if n := pointer.Analyze(p, testModels(t)).Stats.Crowded; n != 0 {
		t.Errorf("%d places in crowds in a small program", n)
	}
	defer pointer.Crowd(1, 0, 16)()
	if n := pointer.Analyze(p, testModels(t)).Stats.Crowded; n < 3 { // anywhere in left and right, left.second, other.first
		t.Errorf("%d places in crowds", n)
	}
}

// testFacts checks all that the cases say, or what they say for soundness alone.
func testFacts(t *testing.T, sound bool) {
	files, _ := filepath.Glob("testdata/facts/*.c")
	if len(files) == 0 {
		t.Fatal("no cases")
	}
	lines, total := 0, 0
	count := map[byte]int{}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".c"), func(t *testing.T) {
			data, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			text := string(data)
			facts, label := parseFacts(t, text)
			p := ctest.Text(t, text)
			r := pointer.Analyze(p, testModels(t))
			if u := r.Unmodelled(); len(u) > 0 {
				t.Errorf("without a model: %s", u[0].Name)
			}
			got := map[string]map[int][]string{"pts": {}, "calls": {}, "callers": {}}
			at := func(in *ir.Instr) int {
				return p.Files.Place(p.Units[in.Pos.Unit].AST.Tokens()[in.Pos.Tok].Exp).Line
			}
			probed := map[int]bool{}
			for _, f := range p.Funcs {
				if f.Defined() {
					line := p.Files.Place(f.Pos).Line
					for _, ref := range r.Callers(f.ID) {
						got["callers"][line] = append(got["callers"][line], p.Funcs[ref.Func].Name)
					}
				}
				for i := range f.Instrs {
					in := &f.Instrs[i]
					if in.Op != ir.Call {
						continue
					}
					line, ref := at(in), ir.Ref{Func: f.ID, I: int32(i)}
					if in.A.Kind == ir.VFunc && p.Funcs[in.A.ID].Name == "probe" {
						if probed[line] {
							t.Errorf("line %d has two probes", line)
						}
						probed[line] = true
						for _, l := range r.PointsTo(f.ID, in.Args[0]) {
							name := heapRE.ReplaceAllStringFunc(r.LocName(l), func(s string) string {
								if n := label[heapRE.FindStringSubmatch(s)[1]]; n != "" {
									return n
								}
								return s
							})
							if sound && r.Collapsed(l) && !strings.HasSuffix(name, "+?") {
								name += "+?" // one place
							}
							got["pts"][line] = append(got["pts"][line], name)
						}
						continue
					}
					for _, g := range r.Callees(ref) {
						got["calls"][line] = append(got["calls"][line], p.Funcs[g].Name)
					}
					for _, cb := range r.Callbacks(ref) {
						got["calls"][line] = append(got["calls"][line], p.Funcs[cb.Func].Name)
					}
				}
			}
			for i, s := range strings.Split(text, "\n") {
				for _, f := range facts[i+1] {
					if f.kind == "pts" && !probed[i+1] {
						t.Errorf("line %d: nothing is probed there", i+1)
					}
					have := got[f.kind][i+1]
					slices.Sort(have)
					have = slices.Compact(have)
					n, wrong := f.compare(have)
					if sound {
						wrong = slices.DeleteFunc(wrong, func(w string) bool { return !strings.HasPrefix(w, "UNSOUND") })
					}
					lines, total = lines+1, total+n
					for _, w := range f.want {
						if strings.IndexByte("~?!", w[0]) >= 0 {
							count[w[0]]++
						}
					}
					if len(wrong) > 0 {
						t.Errorf("line %d: %s\n\tgot %v: %s", i+1, strings.TrimSpace(s), have, strings.Join(wrong, "; "))
					}
				}
			}
		})
	}
	t.Logf("%d lines with %d facts; %d names must not be there, %d need not, %d should not", lines, total, count['!'], count['~'], count['?'])
}
