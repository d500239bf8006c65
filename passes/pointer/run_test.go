package pointer_test

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"saz/frontend/ctype"
	"saz/ir"
	"saz/ir/cprint"
	"saz/ir/models"
	"saz/ir/torture"
	"saz/passes/pointer"
	"saz/passes/pointer/ctest"
	"saz/passes/run"
)

// The checked run: the program's IR is printed as C with a note before each
// access of the address that it uses; the run-time side (testdata/run/watch.c)
// knows which object lives there; and afterwards every access that happened
// must be in the static points-to set, object and offset. So every run of any
// program is a test of the analysis.

type watched struct {
	p    *ir.Program
	r    *pointer.Result
	base []int32
}

func (w *watched) id(f *ir.Func, i int32) int32 { return w.base[f.ID] + i }

func (w *watched) ref(id int32) ir.Ref {
	f := 0
	for f+1 < len(w.base) && w.base[f+1] <= id {
		f++
	}
	return ir.Ref{Func: ir.FuncID(f), I: id - w.base[f]}
}

// nested reports whether g is printed inside its function: it holds the address of a label.
func nested(g *ir.Global) bool {
	for i := range g.Init {
		if g.Init[i].Value.Kind == ir.VLabel {
			return true
		}
	}
	return false
}

func (w *watched) print(file string) error {
	voidp := &ctype.Type{Kind: ctype.Pointer, Size: 8, Align: 8, Elem: ctype.TVoid}
	allocates := func(in *ir.Instr) bool {
		if in.Op != ir.Call || in.A.Kind != ir.VFunc || in.Dst < 0 {
			return false
		}
		switch w.p.Funcs[in.A.ID].Link {
		case "malloc", "calloc", "realloc", "strdup", "__strdup", "strndup", "reallocarray", "aligned_alloc", "memalign":
			return !w.p.Funcs[in.A.ID].Defined()
		}
		return false
	}
	h := &cprint.Hooks{
		Prelude: `void w_add(void *, __SIZE_TYPE__, int, int), w_del(void *, __SIZE_TYPE__), w_heap(void *, int), w_heap_by(void *, void *, int), w_again(void *, int), w_taken(void *, int), w_gone(void *, void *), w_push(int), w_at(int, void *), w_call(int, void *);
extern __thread int w_sp;
`,
		Entry: func(n *cprint.Names, f *ir.Func) string {
			var b strings.Builder
			b.WriteString("\tint w_sp0 = w_sp;\n")
			for i := range f.Locals {
				if l := &f.Locals[i]; !l.Lifted {
					fmt.Fprintf(&b, "\tw_add(%s, %d, 'L', %d);\n", n.Local(f, ir.LocalID(i)), ctype.SizeOf(l.Type), w.r.LocalObj(f.ID, ir.LocalID(i)))
				}
			}
			return b.String()
		},
		Before: func(n *cprint.Names, f *ir.Func, i int32, text func(ir.Value, *ctype.Type) string) string {
			in := &f.Instrs[i]
			id := w.id(f, i)
			at := func(v ir.Value, which int32) string {
				return fmt.Sprintf("\tw_at(%d, %s);\n", 2*id+which, text(v, voidp))
			}
			switch in.Op {
			case ir.Load, ir.Store, ir.LoadBits, ir.StoreBits, ir.Zero:
				return at(in.A, 0)
			case ir.Copy:
				return at(in.A, 0) + at(in.B, 1)
			case ir.Call:
				s := fmt.Sprintf("\tw_push(%d);\n", id)
				if in.A.Kind != ir.VFunc {
					s += fmt.Sprintf("\tw_call(%d, %s);\n", 2*id, text(in.A, voidp))
					if len(in.Args) > 0 && in.ArgTypes[0].Kind == ctype.Pointer {
						s += fmt.Sprintf("\tw_gone(%s, %s);\n", text(in.A, voidp), text(in.Args[0], voidp))
					}
				} else if g := w.p.Funcs[in.A.ID]; !g.Defined() && (g.Link == "free" || g.Link == "realloc") {
					s += fmt.Sprintf("\tw_gone(0, %s);\n", text(in.Args[0], voidp))
				}
				return s
			case ir.Ret:
				var b strings.Builder
				for k := range f.Locals {
					if l := &f.Locals[k]; !l.Lifted {
						fmt.Fprintf(&b, "\tw_del(%s, %d);\n", n.Local(f, ir.LocalID(k)), ctype.SizeOf(l.Type))
					}
				}
				return b.String()
			}
			return ""
		},
		After: func(n *cprint.Names, f *ir.Func, i int32, text func(ir.Value, *ctype.Type) string) string {
			in := &f.Instrs[i]
			id := w.id(f, i)
			switch in.Op {
			case ir.Call:
				s := "\tw_sp = w_sp0;\n"
				if pointer.TakesOff(w.r, ir.Ref{Func: f.ID, I: i}) {
					s += fmt.Sprintf("\tw_taken(%s, %d);\n", text(ir.RegVal(in.Dst), voidp), id)
				} else if pointer.Recycles(w.r, ir.Ref{Func: f.ID, I: i}) {
					s += fmt.Sprintf("\tw_again(%s, %d);\n", text(ir.RegVal(in.Dst), voidp), id)
				}
				if allocates(in) {
					s += fmt.Sprintf("\tw_heap(%s, %d);\n", text(ir.RegVal(in.Dst), voidp), id)
				} else if in.A.Kind != ir.VFunc && in.Dst >= 0 && in.Type.Kind == ctype.Pointer {
					s += fmt.Sprintf("\tw_heap_by(%s, %s, %d);\n", text(in.A, voidp), text(ir.RegVal(in.Dst), voidp), id)
				}
				return s
			case ir.Alloca:
				return fmt.Sprintf("\tw_add(%s, %s, 'A', %d);\n", text(ir.RegVal(in.Dst), voidp), text(in.A, ctype.TULong), id)
			}
			return ""
		},
		Trailer: func(n *cprint.Names) string {
			var b strings.Builder
			b.WriteString("__attribute__((constructor(101))) static void w_start(void)\n{\n")
			for _, g := range w.p.Globals {
				if g.Linkage != ir.Undefined && !nested(g) && !g.Thread {
					fmt.Fprintf(&b, "\tw_add(%s, %d, 'G', %d);\n", n.Global(g.ID), g.Size, g.ID)
				}
			}
			b.WriteString("}\nvoid *const w_funcs[] = {")
			for _, f := range w.p.Funcs {
				if f.Defined() {
					fmt.Fprintf(&b, "%s,", n.Func(f.ID))
				} else {
					b.WriteString("0,")
				}
			}
			fmt.Fprintf(&b, "0};\nconst int w_nfuncs = %d;\n", len(w.p.Funcs))
			return b.String()
		},
	}
	var out bytes.Buffer
	if err := cprint.Program(&out, w.p, h); err != nil {
		return err
	}
	return os.WriteFile(file, out.Bytes(), 0o666)
}

// verify reads a trace and reports each access that the analysis excludes.
func (w *watched) verify(trace []byte) (facts int, bad []string) {
	sc := bufio.NewScanner(bytes.NewReader(trace))
	for sc.Scan() {
		var kind rune
		var op, id, off int32
		var chain [4]int32
		line := sc.Text()
		if strings.HasPrefix(line, "F ") {
			fmt.Sscanf(line, "%c %d %d", &kind, &op, &id)
			facts++
			ref := w.ref(op / 2)
			if _, ok := slices.BinarySearch(w.r.Callees(ref), ir.FuncID(id)); !ok {
				bad = append(bad, fmt.Sprintf("%s calls %s", w.at(ref), w.p.Funcs[id].Name))
			}
			continue
		}
		fmt.Sscanf(line, "%c %d %d %d %d %d %d %d", &kind, &op, &id, &off, &chain[0], &chain[1], &chain[2], &chain[3])
		facts++
		ref := w.ref(op / 2)
		in := &w.p.Funcs[ref.Func].Instrs[ref.I]
		v := in.A
		if op%2 == 1 {
			v = in.B
		}
		var cands []pointer.ObjID
		switch kind {
		case 'G', 'L':
			cands = []pointer.ObjID{pointer.ObjID(id)}
			if kind == 'G' && w.p.Globals[id].String {
				// In sets one literal stands for all.
				cands[0] = w.r.PointsTo(ref.Func, ir.Value{Kind: ir.VGlobal, ID: id})[0].Obj
				off = 0
			}
		case 'A':
			cands = w.r.HeapAt(w.ref(id))
		case 'H', 'R':
			if kind == 'R' { // whoever made it first, it is now what a fresh one would be
				for _, c := range chain {
					if c >= 0 {
						for _, o := range w.r.HeapAt(w.ref(c)) {
							if w.r.Objects[o].Site == w.ref(c) {
								cands = append(cands, o)
							}
						}
					}
				}
			}
			inner := w.ref(id)
			for _, o := range w.r.HeapAt(inner) {
				ob := &w.r.Objects[o]
				if ob.Inner != inner {
					continue
				}
				ok := ob.Site == inner
				for _, c := range chain {
					ok = ok || c >= 0 && ob.Site == w.ref(c)
				}
				if ok {
					cands = append(cands, o)
				}
			}
		}
		found, place := false, false
		static := w.r.PointsTo(ref.Func, v)
		for _, l := range static {
			ob := &w.r.Objects[l.Obj]
			at := int64(off) - ob.Front
			if slices.Contains(cands, l.Obj) && at >= 0 && !(ob.Head && at >= w.r.Size(l.Obj)) {
				found = true
				place = place || l.Off == pointer.Any || l.Off == w.r.Canon(l.Obj, at) || w.r.Canon(l.Obj, at) == pointer.Any
			}
		}
		if !place {
			what := "object"
			if found {
				what = "offset"
			}
			name := "?"
			if len(cands) > 0 {
				name = w.r.Name(cands[0])
			} else if kind == 'H' || kind == 'A' || kind == 'R' {
				name = "a block of " + w.at(w.ref(id)) // that no set has, as the calls below made it
				for _, c := range chain {
					if c >= 0 {
						name += " < " + w.at(w.ref(c))
					}
				}
			}
			var have []string
			for _, l := range static {
				have = append(have, w.r.LocName(l))
			}
			bad = append(bad, fmt.Sprintf("%s: %s: byte %d of %s, but statically %v", w.at(ref), what, off, name, have))
		}
	}
	return facts, bad
}

func (w *watched) at(ref ir.Ref) string {
	f := w.p.Funcs[ref.Func]
	in := &f.Instrs[ref.I]
	toks := w.p.Units[in.Pos.Unit].AST.Tokens()
	return fmt.Sprintf("%s: %s: %s", w.p.Files.Place(toks[in.Pos.Tok].Exp), f.Name, ir.FormatInstr(w.p, f, in))
}

// patience is how long a watched program may run.
var patience = time.Minute

// watch compiles p with the notes in it and runs it.
func watch(t testing.TB, p *ir.Program, ms *models.Set, dir string, libs []string, args ...string) (facts int, bad []string, err error) {
	w := &watched{p: p, r: pointer.Analyze(p, ms)}
	n := int32(0)
	for _, f := range p.Funcs {
		w.base = append(w.base, n)
		n += int32(len(f.Instrs))
	}
	tmp := t.TempDir()
	src := filepath.Join(tmp, "watched.c")
	if err := w.print(src); err != nil {
		return 0, nil, err
	}
	rt, err := filepath.Abs("testdata/run/watch.c")
	if err != nil {
		return 0, nil, err
	}
	cc := exec.Command("cc", append([]string{"-O0", "-w", "-D_GNU_SOURCE", "-o", filepath.Join(tmp, "a.out"), src, rt}, libs...)...)
	if out, err := cc.CombinedOutput(); err != nil {
		return 0, nil, fmt.Errorf("%v\n%s", err, first(string(out), 2000))
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	cmd := exec.CommandContext(ctx, filepath.Join(tmp, "a.out"), args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "W_OUT="+filepath.Join(tmp, "trace"))
	out, runErr := cmd.CombinedOutput()
	trace, err := os.ReadFile(filepath.Join(tmp, "trace"))
	if err != nil {
		return 0, nil, fmt.Errorf("no trace: %v\n%s", runErr, first(string(out), 500))
	}
	facts, bad = w.verify(trace)
	return facts, bad, nil
}

func first(s string, n int) string {
	if len(s) > n {
		return s[:n] + "..."
	}
	return s
}

var probeRE = regexp.MustCompile(`(?m)^(void probe\((?:const )?void \*(?:, \.\.\.)?\));$`)

// cannotRun are cases that name a file or functions that there are not, or libraries that need not be installed.
var cannotRun = map[string]bool{"pcap.c": true, "unknown.c": true, "libnl.c": true, "polarssl.c": true,
	"dpdk.c": true, "libnet.c": true, "nfqueue.c": true}

func TestRuns(t *testing.T) { runs(t) }

// The same where all that a set of a few places points at is a crowd.
func TestRunsInCrowds(t *testing.T) {
	for _, c := range crowds {
		t.Run(c.String(), func(t *testing.T) {
			defer pointer.Crowd(c.size, c.facts, c.places)()
			runs(t)
		})
	}
}

func runs(t *testing.T) {
	if _, err := exec.LookPath("cc"); err != nil {
		t.Skip("no compiler")
	}
	files, _ := filepath.Glob("testdata/*.c")
	more, _ := filepath.Glob("testdata/facts/*.c")
	for _, file := range append(files, more...) {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".c"), func(t *testing.T) {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			p := ctest.Text(t, probeRE.ReplaceAllString(string(text), "$1 {}"))
			facts, bad, err := watch(t, p, testModels(t), ".", []string{"-lpcap", "-lpthread"})
			if err != nil && cannotRun[filepath.Base(file)] {
				t.Skip(err)
			} else if err != nil {
				t.Fatal(err)
			}
			t.Logf("%d facts", facts)
			for _, b := range bad {
				t.Error(b)
			}
		})
	}
}

// Longer tests are run with crowds if SAZ_CROWDS is their size, or that and a number of members and one of places, as 2,100,4.
func TestMain(m *testing.M) {
	c := crowded{places: 16}
	if n, _ := fmt.Sscanf(os.Getenv("SAZ_CROWDS"), "%d,%d,%d", &c.size, &c.facts, &c.places); n > 0 {
		pointer.Crowd(c.size, c.facts, c.places)
	}
	os.Exit(m.Run())
}

// The example middleboxes on made-up packets.
func TestExamples(t *testing.T) {
	if _, err := exec.LookPath("go"); err != nil {
		t.Skip("no go to make traffic with")
	}
	tmp := t.TempDir()
	capture := filepath.Join(tmp, "in.pcap")
	if out, err := exec.Command("go", "run", "../../examples/traffic", "-flows", "200", "-packets", "5000", "-o", capture).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	examples, err := filepath.Abs("../../examples")
	if err != nil {
		t.Fatal(err)
	}
	for _, x := range []struct {
		name string
		args []string
	}{
		{"monitor", []string{"-r", capture, "-s", filepath.Join(examples, "monitor/services.sig"), "-l", filepath.Join(tmp, "log")}},
		{"nat", []string{"-i", "10.0.0.0/9", "-e", "192.0.2.1", "-r", capture, "-w", filepath.Join(tmp, "nat.pcap")}},
		{"ids", []string{filepath.Join(examples, "ids/test.rules"), capture, filepath.Join(tmp, "alerts")}},
		{"ratelimit", []string{capture, filepath.Join(tmp, "limited.pcap")}},
		{"balancer", []string{"-v", "203.0.113.1", "-b", "a=10.1.0.1", "-b", "b=10.1.0.2*2", "-j", "2", "-r", capture, "-w", filepath.Join(tmp, "balanced.pcap")}},
	} {
		t.Run(x.name, func(t *testing.T) {
			dir := filepath.Join(examples, x.name)
			files, _ := filepath.Glob(filepath.Join(dir, "*.c"))
			facts, bad, err := watch(t, ctest.Files(t, dir, []string{"-std=gnu11", "-w"}, files...), models.Default(), t.TempDir(), []string{"-lpcap", "-lm", "-lpthread"}, x.args...)
			if err != nil {
				t.Skip(err) // no libpcap
			}
			t.Logf("%d facts", facts)
			for _, b := range bad {
				t.Error(b)
			}
			if facts < 100 {
				t.Error("did it run?")
			}
		})
	}
}

// TestCsmith: SAZ_CSMITH is how many of Csmith's random programs; SAZ_SEED the first seed.
func TestCsmith(t *testing.T) {
	n, _ := strconv.Atoi(os.Getenv("SAZ_CSMITH"))
	csmith, err := exec.LookPath("csmith")
	if n == 0 || err != nil {
		t.Skip("SAZ_CSMITH is not set, or there is no csmith")
	}
	sets := []string{
		"--max-funcs 4 --max-block-depth 3 --max-pointer-depth 4",
		"--max-funcs 4 --max-block-depth 3 --packed-struct --bitfields --max-struct-fields 8",
		"--max-funcs 5 --max-block-depth 2 --max-union-fields 6 --max-array-dim 4 --no-volatiles",
		"--max-funcs 3 --max-block-depth 3 --max-pointer-depth 3 --const-pointers --no-jumps",
	}
	seed, _ := strconv.Atoi(os.Getenv("SAZ_SEED"))
	defer func(d time.Duration) { patience = d }(patience)
	patience = 5 * time.Second
	total, long := 0, 0
	for i := seed; i < seed+n; i++ {
		dir := t.TempDir()
		gen := exec.Command(csmith, append([]string{"--seed", strconv.Itoa(i), "--concise"}, strings.Fields(sets[i%len(sets)])...)...)
		gen.Dir = dir // it leaves a file beside itself
		text, err := gen.Output()
		if err != nil {
			t.Errorf("seed %d: %v", i, err)
			continue
		}
		file := filepath.Join(dir, "p.c")
		if err := os.WriteFile(file, text, 0o666); err != nil {
			t.Fatal(err)
		}
		facts, bad, err := watch(t, ctest.Files(t, dir, []string{"-w", "-I/usr/include/csmith"}, file), models.Default(), dir, []string{"-lm"})
		if err != nil {
			if long++; !strings.HasPrefix(err.Error(), "no trace: signal: killed") {
				t.Errorf("seed %d: %v", i, err)
			}
			continue
		}
		total += facts
		for _, b := range bad {
			t.Errorf("seed %d: %s", i, b)
		}
		os.RemoveAll(dir)
	}
	t.Logf("%d programs, %d run too long, %d facts", n, long, total)
}

// TestPrograms checks programs outside the tree: SAZ_WATCH is a directory of C
// programs, as that of GCC's execution tests is (package torture).
func TestPrograms(t *testing.T) {
	dir := os.Getenv("SAZ_WATCH")
	if dir == "" {
		t.Skip("SAZ_WATCH is not set")
	}
	tests := torture.Tests(dir)
	total, skipped := 0, 0
	for _, test := range tests {
		t.Run(strings.TrimSuffix(test.Name, ".c"), func(t *testing.T) {
			defer func() {
				if e := recover(); e != nil {
					skipped++
					t.Skip(e)
				}
			}()
			p := ctest.Files(t, dir, append([]string{"-w"}, test.Flags...), test.Files...)
			facts, bad, err := watch(t, p, models.Default(), t.TempDir(), []string{"-lm", "-lpthread"})
			if err != nil {
				skipped++
				t.Skip(first(err.Error(), 300))
			}
			total += facts
			for _, b := range bad {
				t.Error(b)
			}
		})
	}
	t.Logf("%d programs, %d skipped, %d facts", len(tests), skipped, total)
}

// TestProgram watches one whole program: SAZ_PROGRAM is a binary that saz-cc built (or
// what else saz takes for a target), SAZ_ARGS, SAZ_LIBS and SAZ_DIR are its arguments,
// the libraries to link it with, in words, and where it runs.
func TestProgram(t *testing.T) {
	target := os.Getenv("SAZ_PROGRAM")
	if target == "" {
		t.Skip("SAZ_PROGRAM is not set")
	}
	a, err := run.Load(run.Options{Target: []string{target}})
	if err != nil {
		t.Fatal(err)
	}
	dir := os.Getenv("SAZ_DIR")
	if dir == "" {
		dir = t.TempDir()
	}
	defer func(d time.Duration) { patience = d }(patience)
	patience = 10 * time.Minute
	facts, bad, err := watch(t, a.Context.Prog, a.Context.Models, dir, strings.Fields(os.Getenv("SAZ_LIBS")), strings.Fields(os.Getenv("SAZ_ARGS"))...)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%d facts", facts)
	for _, b := range bad {
		t.Error(b)
	}
}
