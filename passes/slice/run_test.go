package slice_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"saz/frontend/ctype"
	"saz/frontend/source"
	"saz/ir"
	"saz/ir/cprint"
	"saz/ir/randc"
	"saz/passes"
	"saz/passes/pointer"
	"saz/passes/pointer/ctest"
	"saz/passes/sdg"
	"saz/passes/slice"
)

// Dependence checked by running: the program's IR is printed as C that writes
// down which blocks run and which bytes each instruction reads and writes
// (testdata/run/trace.c). Replayed here, that gives for each executed instruction
// what it depended on in that run: the instructions that defined its operands,
// the last writer of each byte that it read, the branch or the call because of
// which it ran. Each such dependence must be an edge of the static graph, and
// what an executed instruction depended on by any number of steps, its dynamic
// slice (Agrawal and Horgan, PLDI 1990), must be in its static slices, backward
// and forward, which tests how calls are matched with returns.
//
// The dynamic control parent is found as by Xin and Zhang ("Efficient Online
// Detection of Dynamic Control Dependence", ISSTA 2007), from post-dominators
// that are worked out here, as sets, and not with package ir's.

// A tracer prints programs and knows the numbers in their traces.
type tracer struct {
	p      *ir.Program
	instrs []int32 // by function: its first instruction's number
	blocks []int32 // by function: its first block's
	funcOf []ir.FuncID
	inFunc []ir.FuncID // by block
}

func newTracer(p *ir.Program) *tracer {
	t := &tracer{p: p}
	for _, f := range p.Funcs {
		t.instrs = append(t.instrs, int32(len(t.funcOf)))
		t.blocks = append(t.blocks, int32(len(t.inFunc)))
		for range f.Instrs {
			t.funcOf = append(t.funcOf, f.ID)
		}
		for range f.Blocks {
			t.inFunc = append(t.inFunc, f.ID)
		}
	}
	return t
}

func (t *tracer) ref(id int32) ir.Ref {
	return ir.Ref{Func: t.funcOf[id], I: id - t.instrs[t.funcOf[id]]}
}

// internal reports whether the arguments of a call are given to a procedure of
// the program, and not to the call itself.
func (t *tracer) internal(in *ir.Instr) bool {
	return in.A.Kind != ir.VFunc || t.p.Funcs[in.A.ID].Defined()
}

// touched are the library functions whose reads and writes are written down: the
// argument, and how many bytes as C, $0.. being the arguments and $r the result.
var touched = map[string]struct {
	reads, writes int
	n             string
}{
	"memset":  {-1, 0, "$2"},
	"bzero":   {-1, 0, "$1"},
	"memcpy":  {1, 0, "$2"},
	"memmove": {1, 0, "$2"},
	"strcpy":  {1, 0, "__builtin_strlen($1) + 1"},
	"strlen":  {0, -1, "__builtin_strlen($0) + 1"},
	"memcmp":  {0, -1, "0"},
}

func (t *tracer) print(file string) error {
	ptr := &ctype.Type{Kind: ctype.Pointer, Size: 8, Align: 8, Elem: ctype.TVoid}
	hooks := &cprint.Hooks{
		Prelude: "unsigned long t_usable(void *) __asm__(\"malloc_usable_size\");\nvoid t_b(unsigned), t_e(unsigned), t_r(unsigned), t_c(unsigned), t_k(unsigned), t_f(const void *, unsigned long), t_l(unsigned, const void *, unsigned long), t_s(unsigned, const void *, unsigned long), t_p(unsigned, const void *, unsigned long);\n",
		Entry: func(n *cprint.Names, f *ir.Func) string {
			var b strings.Builder
			fmt.Fprintf(&b, "\tt_e(%d);\n", f.ID)
			for i := range f.Locals {
				if l := &f.Locals[i]; !l.Lifted {
					fmt.Fprintf(&b, "\tt_f(%s, %d);\n", n.Local(f, ir.LocalID(i)), ctype.SizeOf(l.Type))
				}
			}
			for k, p := range f.Params {
				if l := &f.Locals[p]; !l.Lifted {
					fmt.Fprintf(&b, "\tt_p(%d, %s, %d);\n", int32(f.ID)<<8|int32(k), n.Local(f, p), ctype.SizeOf(l.Type))
				}
			}
			return b.String()
		},
	}
	type text = func(ir.Value, *ctype.Type) string
	library := func(f *ir.Func, in *ir.Instr, id int32, text text, write bool) string {
		if in.A.Kind != ir.VFunc || t.p.Funcs[in.A.ID].Defined() {
			return ""
		}
		l, ok := touched[t.p.Funcs[in.A.ID].Link]
		arg, fn := l.reads, "t_l"
		if write {
			arg, fn = l.writes, "t_s"
		}
		if !ok || arg < 0 || arg >= len(in.Args) {
			return ""
		}
		n := l.n
		for k, v := range in.Args {
			n = strings.ReplaceAll(n, "$"+strconv.Itoa(k), text(v, in.ArgTypes[k]))
		}
		return fmt.Sprintf("\t%s(%d, %s, %s);\n", fn, id, text(in.Args[arg], ptr), n)
	}
	field := func(in *ir.Instr) (lo, n int64) {
		lo = in.Field.BitOff / 8
		return lo, (in.Field.BitOff+in.Field.BitWidth+7)/8 - lo
	}
	atomic := func(in *ir.Instr) int64 {
		if in.Op == ir.Builtin && (strings.HasPrefix(in.Name, "__atomic_") || strings.HasPrefix(in.Name, "__sync_")) && len(in.Args) > 1 && len(in.ArgTypes) > 0 && in.ArgTypes[0] != nil && in.ArgTypes[0].Kind == ctype.Pointer {
			return ctype.SizeOf(in.ArgTypes[0].Elem)
		}
		return 0
	}
	hooks.Before = func(n *cprint.Names, f *ir.Func, i int32, text text) string {
		in := &f.Instrs[i]
		id := t.instrs[f.ID] + i
		var b strings.Builder
		if f.Blocks[in.Block].Lo == i {
			fmt.Fprintf(&b, "\tt_b(%d);\n", t.blocks[f.ID]+int32(in.Block))
		}
		at := func(v ir.Value, off, size int64) {
			fmt.Fprintf(&b, "\tt_l(%d, (char *)%s + %d, %d);\n", id, text(v, ptr), off, size)
		}
		switch in.Op {
		case ir.Load:
			at(in.A, 0, ctype.SizeOf(in.Type))
		case ir.LoadBits:
			lo, size := field(in)
			at(in.A, lo, size)
		case ir.Copy:
			at(in.B, 0, ctype.SizeOf(in.Type))
		case ir.Call:
			b.WriteString(library(f, in, id, text, false))
			if in.A.Kind == ir.VFunc && !t.p.Funcs[in.A.ID].Defined() && len(in.Args) > 0 {
				switch t.p.Funcs[in.A.ID].Link {
				case "free", "realloc", "reallocarray": // what libraries put there later has other writers
					fmt.Fprintf(&b, "\tt_f(%[1]s, t_usable(%[1]s));\n", text(in.Args[0], ptr))
				}
			}
			for k, ty := range in.ArgTypes {
				if k < len(in.Args) && ty != nil && ty.IsRecord() {
					at(in.Args[k], 0, ctype.SizeOf(ty))
				}
			}
			fmt.Fprintf(&b, "\tt_c(%d);\n", id)
		case ir.Builtin:
			if size := atomic(in); size > 0 {
				at(in.Args[0], 0, size)
			}
		case ir.LifeStart:
			fmt.Fprintf(&b, "\tt_f(%s, %d);\n", text(in.A, ptr), ctype.SizeOf(f.Locals[in.A.ID].Type))
		case ir.Ret:
			if ty := f.Type.Elem; ty != nil && ty.IsRecord() && in.A.Kind != ir.NoVal {
				at(in.A, 0, ctype.SizeOf(ty))
			}
			fmt.Fprintf(&b, "\tt_r(%d);\n", id)
		}
		return b.String()
	}
	hooks.After = func(n *cprint.Names, f *ir.Func, i int32, text text) string {
		in := &f.Instrs[i]
		id := t.instrs[f.ID] + i
		at := func(v ir.Value, off, size int64) string {
			return fmt.Sprintf("\tt_s(%d, (char *)%s + %d, %d);\n", id, text(v, ptr), off, size)
		}
		switch in.Op {
		case ir.Store, ir.Copy, ir.Zero:
			return at(in.A, 0, ctype.SizeOf(in.Type))
		case ir.StoreBits:
			lo, size := field(in)
			return at(in.A, lo, size)
		case ir.Alloca:
			return fmt.Sprintf("\tt_f(%s, %s);\n", text(ir.RegVal(in.Dst), ptr), text(in.A, ctype.TULong))
		case ir.Builtin:
			if size := atomic(in); size > 0 && !strings.Contains(in.Name, "load") {
				return at(in.Args[0], 0, size)
			}
			if strings.HasSuffix(in.Name, "_overflow") {
				return at(in.Args[2], 0, ctype.SizeOf(in.ArgTypes[2].Elem))
			}
		case ir.Call:
			s := fmt.Sprintf("\tt_k(%d);\n", id) + library(f, in, id, text, true)
			if in.B.Kind != ir.NoVal {
				s += at(in.B, 0, ctype.SizeOf(in.Type))
			}
			if in.A.Kind == ir.VFunc && in.Dst >= 0 {
				switch t.p.Funcs[in.A.ID].Link {
				case "malloc":
					s += fmt.Sprintf("\tt_f(%s, %s);\n", text(ir.RegVal(in.Dst), ptr), text(in.Args[0], ctype.TULong))
				case "calloc":
					s += fmt.Sprintf("\tt_f(%s, %s * %s);\n", text(ir.RegVal(in.Dst), ptr), text(in.Args[0], ctype.TULong), text(in.Args[1], ctype.TULong))
				}
			}
			return s
		}
		return ""
	}
	var out bytes.Buffer
	if err := cprint.Program(&out, t.p, hooks); err != nil {
		return err
	}
	return os.WriteFile(file, out.Bytes(), 0o666)
}

// Kinds of event, as in trace.c.
const (
	evBlock = 1 + iota
	evEnter
	evRet
	evCall
	evBack
	evRead
	evWrite
	evGone
	evParam
)

// An activation is one run of a procedure.
type activation struct {
	f       ir.FuncID
	site    int32 // the call's execution, -1: a library or a signal
	lost    bool  // a longjmp came back: what controls it is not known
	regs    []int32
	block   ir.BlockID
	prev    ir.BlockID
	next    int32 // instruction
	stack   []guard
	parent  int32
	now     int32     // the execution of instruction next-1
	args    []int32   // of the pending call: what defined them
	records [][]int32 // of the pending call: who wrote the bytes of its record arguments, in order
	call    int32     // the pending call's execution, -1
	signals bool      // it may cause a signal, which is no dependence
	ret     int32     // what the last callee returned: its return's execution
}

// A guard is a branch that was taken and the block at which that ends to matter.
type guard struct {
	at   int32
	till ir.BlockID
}

// A dep is a dependence of one instruction on another.
type dep struct {
	from, to int32
	kind     sdg.Kind
}

// A replay turns a trace into executions and what each depended on.
type replay struct {
	t     *tracer
	stack []*activation
	memo  [][]ir.BlockID // by function: see postDominators

	instr []int32 // by execution; below 0: a parameter's value on entry
	start []int32 // by execution: its first dependence
	on    []int32 // executions that it depended on, -2-id: a parameter's memory

	bytes map[uint64]int32 // last writer's execution
	deps  map[dep]bool     // direct ones through memory, control, calls and returns
}

func (r *replay) top() *activation { return r.stack[len(r.stack)-1] }

// new begins the execution of an instruction; its dependences follow.
func (r *replay) new(id int32) int32 {
	r.instr = append(r.instr, id)
	r.start = append(r.start, int32(len(r.on)))
	return int32(len(r.instr) - 1)
}

func (r *replay) need(x int32, k sdg.Kind) {
	if x < 0 {
		return
	}
	r.on = append(r.on, x)
	if k != sdg.Data {
		r.deps[dep{r.instr[x], r.instr[len(r.instr)-1], k}] = true
	}
}

func (a *activation) use(v ir.Value) int32 {
	if v.Kind != ir.VReg {
		return -1
	}
	return a.regs[v.ID]
}

// step runs the next instruction of the activation, but for its memory.
func (r *replay) step(a *activation) {
	f := r.t.p.Funcs[a.f]
	i := a.next
	in := &f.Instrs[i]
	a.next++
	x := r.new(r.t.instrs[a.f] + i)
	a.now = x
	if !a.lost {
		r.need(a.parent, sdg.Control)
	}
	if in.Op == ir.Phi {
		for k, p := range f.Blocks[a.block].Preds {
			if p == a.prev {
				r.need(a.use(in.Args[k]), sdg.Data)
			}
		}
	} else {
		r.need(a.use(in.A), sdg.Data)
		if in.Op == ir.Call {
			a.records = a.records[:0]
		}
		if in.Op != ir.Call || !r.t.internal(in) {
			r.need(a.use(in.B), sdg.Data)
			for _, v := range in.Args {
				r.need(a.use(v), sdg.Data)
			}
		}
	}
	if in.Dst >= 0 {
		a.regs[in.Dst] = x
	}
	if in.Op.IsTerminator() {
		if s := f.Blocks[a.block].Succs; len(s) > 1 {
			different := false
			for _, t := range s {
				different = different || t != s[0]
			}
			if till := r.memo[a.f][a.block]; different && till != unknown {
				if n := len(a.stack); n > 0 && a.stack[n-1].till == till {
					a.stack = a.stack[:n-1]
				}
				a.stack = append(a.stack, guard{x, till})
			}
		}
	}
}

// to runs the activation up to and with instruction i.
func (r *replay) to(a *activation, i int32) {
	for a.next <= i {
		r.step(a)
	}
}

// find makes the activation of an event's function the innermost.
func (r *replay) find(f ir.FuncID) *activation {
	for len(r.stack) > 0 && r.top().f != f {
		r.stack = r.stack[:len(r.stack)-1]
	}
	if len(r.stack) == 0 {
		return nil
	}
	return r.top()
}

func (r *replay) run(trace []byte) error {
	for k := 0; k+16 <= len(trace); k += 16 {
		w, p := binary.LittleEndian.Uint64(trace[k:]), binary.LittleEndian.Uint64(trace[k+8:])
		id, n := int32(uint32(w)), uint64(w>>32&0xffffff)
		switch w >> 56 {
		case evEnter:
			r.enter(ir.FuncID(id))
		case evBlock:
			f := r.t.inFunc[id]
			a := r.find(f)
			if a == nil {
				return fmt.Errorf("block of %s outside it", r.t.p.Funcs[f].Name)
			}
			fn := r.t.p.Funcs[f]
			b := ir.BlockID(id - r.t.blocks[f])
			if a.block >= 0 {
				r.to(a, fn.Blocks[a.block].Hi-1)
			}
			a.prev, a.block, a.next = a.block, b, fn.Blocks[b].Lo
			for n := len(a.stack); n > 0 && a.stack[n-1].till == b; n-- {
				a.stack = a.stack[:n-1]
			}
			a.parent = a.site
			if n := len(a.stack); n > 0 {
				a.parent = a.stack[n-1].at
			}
		case evGone:
			for i := range n {
				delete(r.bytes, p+i)
			}
		case evParam:
			// Its value is the caller's: a register's, or bytes.
			a := r.top()
			x := r.new(-1 - id)
			k := int(id & 0xff)
			if len(r.stack) > 1 && a.site >= 0 {
				c := r.stack[len(r.stack)-2]
				if k < len(c.args) {
					r.need(c.args[k], sdg.Passed)
				}
				if k < len(c.records) {
					for _, y := range c.records[k] {
						r.need(y, sdg.Memory)
					}
				}
			}
			for i := range n {
				r.bytes[p+i] = x
			}
		default:
			ref := r.t.ref(id)
			a := r.find(ref.Func)
			if a == nil {
				return fmt.Errorf("instruction %d outside its procedure", id)
			}
			if kind := w >> 56; kind != evBack && kind != evWrite || a.next <= ref.I {
				r.to(a, ref.I)
			}
			r.event(a, int(w>>56), ref, n, p)
		}
	}
	return nil
}

func (r *replay) enter(f ir.FuncID) {
	fn := r.t.p.Funcs[f]
	a := &activation{f: f, site: -1, regs: make([]int32, len(fn.Regs)), block: -1, prev: -1, parent: -1, call: -1, ret: -1}
	for i := range a.regs {
		a.regs[i] = -1
	}
	var args []int32
	if n := len(r.stack); n > 0 && r.stack[n-1].call >= 0 && !r.stack[n-1].signals {
		a.site = r.stack[n-1].call
		args = r.stack[n-1].args
	}
	for reg := range fn.Regs {
		if info := &fn.Regs[reg]; info.Def < 0 && info.Local >= 0 {
			if k := slices.Index(fn.Params, info.Local); k >= 0 && k < len(args) {
				a.regs[reg] = r.new(-1 - int32(f)<<8 - int32(k))
				r.need(args[k], sdg.Passed)
			}
		}
	}
	r.stack = append(r.stack, a)
}

func (r *replay) event(a *activation, kind int, ref ir.Ref, n, p uint64) {
	in := &r.t.p.Funcs[ref.Func].Instrs[ref.I]
	switch kind {
	case evCall:
		a.call, a.ret = a.now, -1
		a.args = a.args[:0]
		a.signals = in.A.Kind == ir.VFunc && slices.Contains([]string{"raise", "kill", "abort", "exit"}, r.t.p.Funcs[in.A.ID].Link)
		if in.A.Kind == ir.VFunc && !r.t.p.Funcs[in.A.ID].Defined() {
			return // what a library passes to what it calls back is its own affair
		}
		for _, v := range in.Args {
			a.args = append(a.args, a.use(v))
		}
	case evRet:
		r.stack = r.stack[:len(r.stack)-1]
		if m := len(r.stack); m > 0 && r.top().call >= 0 && in.A.Kind != ir.NoVal {
			r.top().ret = a.now
		}
	case evBack:
		if b := r.t.p.Funcs[ref.Func].Instrs[ref.I].Block; a.next != ref.I+1 || a.block != b {
			a.block, a.next, a.lost = b, ref.I+1, true
		}
		// The result: an execution of its own, of the call.
		x := r.new(r.t.instrs[ref.Func] + ref.I)
		r.need(a.call, sdg.Data)
		r.need(a.ret, sdg.Returned)
		a.now, a.call = x, -1
		if in.Dst >= 0 {
			a.regs[in.Dst] = x
		}
	case evRead:
		if in.Op == ir.Call && r.t.internal(in) {
			// The bytes of a record argument, which come in order.
			k := len(a.records)
			for !in.ArgTypes[k].IsRecord() {
				k++
				a.records = append(a.records, nil)
			}
			var l []int32
			for i := range n {
				if x, ok := r.bytes[p+i]; ok && !slices.Contains(l, x) {
					l = append(l, x)
				}
			}
			a.records = append(a.records, l)
			return
		}
		if a.now != int32(len(r.instr)-1) {
			return // a handler came between
		}
		last := int32(-1)
		for i := range n {
			if x, ok := r.bytes[p+i]; ok && x != last {
				last = x
				r.need(x, sdg.Memory)
			}
		}
	case evWrite:
		for i := range n {
			r.bytes[p+i] = a.now
		}
	}
}

// unknown is the post-dominator of a block that no return follows.
const unknown = -3

// postDominators gives each block's nearest post-dominator, -1 for the end of
// the procedure, by intersecting sets until nothing changes.
func postDominators(f *ir.Func) []ir.BlockID {
	n := len(f.Blocks)
	out := make([]ir.BlockID, n)
	words := n/64 + 1
	set := make([][]uint64, n)
	has := func(b, x int) bool { return set[b][x/64]&(1<<(x%64)) != 0 }
	for b := range set {
		set[b] = make([]uint64, words)
		for i := range set[b] {
			set[b][i] = ^uint64(0)
		}
	}
	for changed := true; changed; {
		changed = false
		for b := n - 1; b >= 0; b-- {
			next := make([]uint64, words)
			if s := f.Blocks[b].Succs; len(s) > 0 {
				copy(next, set[s[0]])
				for _, x := range s[1:] {
					for i := range next {
						next[i] &= set[x][i]
					}
				}
			}
			next[b/64] |= 1 << (b % 64)
			if !slices.Equal(next, set[b]) {
				set[b] = next
				changed = true
			}
		}
	}
	ends := make([]bool, n) // can reach the end
	for changed := true; changed; {
		changed = false
		for b := n - 1; b >= 0; b-- {
			e := len(f.Blocks[b].Succs) == 0
			for _, s := range f.Blocks[b].Succs {
				e = e || ends[s]
			}
			if e && !ends[b] {
				ends[b] = true
				changed = true
			}
		}
	}
	for b := range n {
		out[b] = -1
		if !ends[b] {
			out[b] = unknown
			continue
		}
		// The nearest is the one that all others post-dominate.
		best := -1
		for x := range n {
			if x != b && has(b, x) && (best < 0 || has(x, best)) {
				best = x
			}
		}
		out[b] = ir.BlockID(best)
	}
	return out
}

// A dependence is a program with its graph and what its run showed.
type dependence struct {
	t *tracer
	c *passes.Context
	r *replay
	g *sdg.Graph
	s *slice.Result
}

// trace compiles p with notes, runs it and replays the run.
func trace(p *ir.Program, tmp, dir string, max int, libs []string, args ...string) (*dependence, error) {
	d := &dependence{t: newTracer(p), c: &passes.Context{Prog: p, Sink: &source.Sink{}, Jobs: 1}}
	src, exe, out := filepath.Join(tmp, "traced.c"), filepath.Join(tmp, "traced"), filepath.Join(tmp, "trace")
	if err := d.t.print(src); err != nil {
		return nil, err
	}
	rt, err := filepath.Abs("testdata/run/trace.c")
	if err != nil {
		return nil, err
	}
	flags := []string{"-O0", "-w", "-D_GNU_SOURCE", "-o", exe, src, rt}
	if runtime.GOARCH == "amd64" {
		flags = append(flags, "-msse4.2") // Csmith's checksum may use it
	}
	cc := exec.Command("cc", append(flags, libs...)...)
	if msg, err := cc.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("%v\n%.1000s", err, msg)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	run := exec.CommandContext(ctx, exe, args...)
	run.Dir = dir
	run.Env = append(os.Environ(), "T_OUT="+out, "T_MAX="+strconv.Itoa(max))
	run.Run() // however it ends, what it did counts
	data, err := os.ReadFile(out)
	if err != nil {
		return nil, err
	}
	if err := d.c.Need(slice.Pass); err != nil {
		return nil, err
	}
	d.g, d.s = sdg.Of(d.c), slice.Of(d.c)
	d.r = &replay{t: d.t, bytes: map[uint64]int32{}, deps: map[dep]bool{}}
	for _, f := range p.Funcs {
		d.r.memo = append(d.r.memo, postDominators(f))
	}
	if err := d.r.run(data); err != nil {
		return nil, err
	}
	d.r.start = append(d.r.start, int32(len(d.r.on)))
	return d, nil
}

func (d *dependence) at(id int32) string {
	if id < 0 {
		f, k := (-1-id)>>8, (-1-id)&0xff
		return fmt.Sprintf("parameter %d of %s", k+1, d.t.p.Funcs[f].Name)
	}
	ref := d.t.ref(id)
	f := d.t.p.Funcs[ref.Func]
	return fmt.Sprintf("%s: %s#%d: %s", d.t.p.Files.Place(d.c.Pos(ref)), f.Name, ref.I, ir.FormatInstr(d.t.p, f, &f.Instrs[ref.I]))
}

// edges reports each direct dependence of the run that is none of the graph's.
// drop, if not nil, leaves an edge out of the graph.
func (d *dependence) edges(drop *dep) (facts int, bad []string) {
	list := make([]dep, 0, len(d.r.deps))
	for x := range d.r.deps {
		list = append(list, x)
	}
	slices.SortFunc(list, func(a, b dep) int {
		if a.to != b.to {
			return int(a.to) - int(b.to)
		}
		if a.from != b.from {
			return int(a.from) - int(b.from)
		}
		return int(a.kind) - int(b.kind)
	})
	for lo := 0; lo < len(list); {
		hi := lo
		for hi < len(list) && list[hi].to == list[lo].to {
			hi++
		}
		// The instructions behind the nodes on which this one's nodes depend.
		on := map[int32]bool{}
		var nodes []sdg.Node
		to := list[lo].to
		if to < 0 {
			f, k := ir.FuncID((-1-to)>>8), int((-1-to)&0xff)
			nodes = []sdg.Node{d.g.ParamOf(f, k)}
		} else {
			ref := d.t.ref(to)
			nodes = d.g.All(ref)
			// A record argument is read for the parameters.
			in := &d.t.p.Funcs[ref.Func].Instrs[ref.I]
			for k, ty := range in.ArgTypes {
				if in.Op == ir.Call && ty != nil && ty.IsRecord() {
					for _, f := range d.callees(ref) {
						if k < len(d.t.p.Funcs[f].Params) {
							nodes = append(nodes, d.g.ParamOf(f, k))
						}
					}
				}
			}
		}
		note := func(n sdg.Node, _ sdg.Kind, _ sdg.Way) {
			if role, ref := d.g.What(n); role == sdg.Instr || role == sdg.Result {
				on[d.t.instrs[ref.Func]+ref.I] = true
			} else if role == sdg.Entry {
				for _, e := range d.entries(ref.Func) {
					on[d.t.instrs[e.Func]+e.I] = true
				}
			} else if role == sdg.Param {
				on[-1-int32(ref.Func)<<8-ref.I] = true
			}
		}
		for _, n := range nodes {
			d.g.Preds(n, note)
		}
		for _, x := range list[lo:hi] {
			facts++
			if !on[x.from] || drop != nil && *drop == x {
				bad = append(bad, fmt.Sprintf("%s: %s does not depend on %s", x.kind, d.at(to), d.at(x.from)))
			}
		}
		lo = hi
	}
	return facts, bad
}

func (d *dependence) callees(ref ir.Ref) []ir.FuncID {
	var out []ir.FuncID
	d.g.Succs(d.g.Of(ref), func(n sdg.Node, k sdg.Kind, _ sdg.Way) {
		if role, r := d.g.What(n); role == sdg.Entry {
			out = append(out, r.Func)
		}
	})
	return out
}

func (d *dependence) entries(f ir.FuncID) []ir.Ref {
	var out []ir.Ref
	d.g.Preds(d.g.EntryOf(f), func(n sdg.Node, _ sdg.Kind, _ sdg.Way) {
		_, r := d.g.What(n)
		out = append(out, r)
	})
	return out
}

// slices compares dynamic slices of some executions with the static ones. lose
// takes an instruction out of each static slice.
func (d *dependence) slices(count int, lose func(ir.Ref) bool) (facts int, bad []string) {
	n := len(d.r.instr)
	if n == 0 {
		return 0, nil
	}
	done := map[int32]bool{}
	in := make([]bool, n)
	for k := range count {
		// Spread over the run, late ones first: they have the longest history.
		x := n - 1 - int(uint64(k)*2654435761%uint64(n))
		if done[d.r.instr[x]] || d.r.instr[x] < 0 {
			continue
		}
		done[d.r.instr[x]] = true
		at := d.t.ref(d.r.instr[x])
		clear(in)
		in[x] = true
		back := map[int32]bool{}
		for y := x; y >= 0; y-- {
			if !in[y] {
				continue
			}
			if d.r.instr[y] >= 0 {
				back[d.r.instr[y]] = true
			}
			for _, z := range d.r.on[d.r.start[y]:d.r.start[y+1]] {
				in[z] = true
			}
		}
		clear(in)
		in[x] = true
		fore := map[int32]bool{}
		for y := x; y < n; y++ {
			for _, z := range d.r.on[d.r.start[y]:d.r.start[y+1]] {
				in[y] = in[y] || in[z]
			}
			if in[y] && d.r.instr[y] >= 0 {
				fore[d.r.instr[y]] = true
			}
		}
		for what, dyn := range map[string]map[int32]bool{"backward": back, "forward": fore} {
			var s *slice.Set
			if what == "backward" {
				s = d.s.Backward([]ir.Ref{at})
			} else {
				s = d.s.Forward([]ir.Ref{at})
			}
			for id := range dyn {
				facts++
				ref := d.t.ref(id)
				if !s.Has(ref) || lose != nil && lose(ref) {
					bad = append(bad, fmt.Sprintf("%s slice from %s has not %s", what, d.at(d.r.instr[x]), d.at(id)))
				}
			}
		}
	}
	slices.Sort(bad)
	return facts, bad
}

func show(t *testing.T, bad []string) {
	for i, b := range bad {
		if i == 10 {
			t.Errorf("and %d more", len(bad)-i)
			break
		}
		t.Error(b)
	}
}

// TestRuns checks the cases of this and other packages that run by themselves.
func TestRuns(t *testing.T) { runs(t) }

// The same where objects of one type that any set has together are one (package pointer, classes.go).
func TestRunsInCrowds(t *testing.T) {
	defer pointer.Crowd(1, 50, 16)()
	runs(t)
}

// And where the larger ones of these are one place.
func TestRunsInLumps(t *testing.T) {
	defer pointer.Crowd(1, 50, 2)()
	runs(t)
}

// Longer tests are run so if SAZ_CROWDS is the size of a crowd, the number of members from which on there are some, and that of an object's
// places, as 2,100,4.
func TestMain(m *testing.M) {
	size, places := 0, 16
	var facts int64
	if n, _ := fmt.Sscanf(os.Getenv("SAZ_CROWDS"), "%d,%d,%d", &size, &facts, &places); n > 0 {
		pointer.Crowd(size, facts, places)
	}
	os.Exit(m.Run())
}

func runs(t *testing.T) {
	if _, err := exec.LookPath("cc"); err != nil {
		t.Skip("no compiler")
	}
	files, _ := filepath.Glob("testdata/run/*.c")
	for _, file := range files {
		if filepath.Base(file) == "trace.c" {
			continue
		}
		t.Run(strings.TrimSuffix(filepath.Base(file), ".c"), func(t *testing.T) {
			p := ctest.Files(t, ".", []string{"-w"}, file)
			d, err := trace(p, t.TempDir(), ".", 1<<20, []string{"-lpthread", "-lm"})
			if err != nil {
				t.Fatal(err)
			}
			facts, bad := d.edges(nil)
			show(t, bad)
			more, bad := d.slices(50, nil)
			show(t, bad)
			if facts < 5 || more < 20 || strings.HasPrefix(filepath.Base(file), "ways") && (facts < 300 || more < 1000) {
				t.Errorf("%d direct and %d sliced facts: did it run?", facts, more)
			}
			// The check can fail: without an edge, or an instruction, it does.
			for x := range d.r.deps {
				if x.from >= 0 {
					if _, bad := d.edges(&x); len(bad) != 1 {
						t.Fatalf("an edge is left out, and %d are missed", len(bad))
					}
				}
			}
			last := d.t.ref(d.r.instr[len(d.r.instr)-1]) // the return of main
			if _, bad := d.slices(50, func(ref ir.Ref) bool { return ref == last }); len(bad) == 0 {
				t.Error("an instruction is left out of all slices, and none is missed")
			}
		})
	}
}

// csmithSets are taken in turn.
var csmithSets = [][]string{
	{"--max-funcs", "4", "--max-block-depth", "3"},
	{"--max-funcs", "3", "--bitfields", "--packed-struct", "--max-struct-fields", "8"},
	{"--max-funcs", "6", "--max-expr-complexity", "4"},
	{"--max-funcs", "4", "--inline-function", "--builtins", "--volatile-pointers"},
	{"--max-funcs", "3", "--max-union-fields", "6", "--max-array-dim", "4", "--jumps", "--no-volatiles"},
}

// TestCsmith: SAZ_CSMITH is how many random programs, SAZ_SEED the first seed.
func TestCsmith(t *testing.T) {
	csmith, err := exec.LookPath("csmith")
	if err != nil {
		t.Skip("there is no csmith")
	}
	n, seed := 8, 1
	if s := os.Getenv("SAZ_CSMITH"); s != "" {
		n, _ = strconv.Atoi(s)
	}
	if s := os.Getenv("SAZ_SEED"); s != "" {
		seed, _ = strconv.Atoi(s)
	}
	programs(t, n, func(i int, tmp string) (string, []string, []string, error) {
		gen := exec.Command(csmith, append([]string{"--seed", strconv.Itoa(seed + i)}, csmithSets[i%len(csmithSets)]...)...)
		gen.Dir = tmp
		text, err := gen.Output()
		if err != nil {
			return "", nil, nil, err
		}
		file := filepath.Join(tmp, fmt.Sprintf("csmith%d.c", seed+i))
		return file, []string{"-w", "-I/usr/include/csmith"}, nil, os.WriteFile(file, text, 0o666)
	})
}

// TestRandom: SAZ_RANDOM is how many random programs about pointers, SAZ_SEED the first; 8 if it is not set.
func TestRandom(t *testing.T) {
	n, seed := 8, 1
	if s := os.Getenv("SAZ_RANDOM"); s != "" {
		n, _ = strconv.Atoi(s)
	}
	if s := os.Getenv("SAZ_SEED"); s != "" {
		seed, _ = strconv.Atoi(s)
	}
	programs(t, n, func(i int, tmp string) (string, []string, []string, error) {
		file := filepath.Join(tmp, fmt.Sprintf("random%d.c", seed+i))
		return file, []string{"-w"}, nil, os.WriteFile(file, []byte(randc.Program(seed+i)), 0o666)
	})
}

// undefined are programs of the torture tests whose behaviour is undefined in a
// way that the analysis assumes not to happen.
var undefined = map[string]string{
	"strlen-5.c": "reads a string on beyond the member of a record that holds it",
}

// TestPrograms checks programs outside the tree, one a file, in the directory
// that SAZ_PROGRAMS names, as GCC's torture tests are. SAZ_MAX bounds their number.
func TestPrograms(t *testing.T) {
	dir := os.Getenv("SAZ_PROGRAMS")
	if dir == "" {
		t.Skip("SAZ_PROGRAMS is not set")
	}
	files, _ := filepath.Glob(filepath.Join(dir, "*.c"))
	files = slices.DeleteFunc(files, func(f string) bool {
		why := undefined[filepath.Base(f)]
		if why != "" {
			t.Logf("%s is left out: it %s", filepath.Base(f), why)
		}
		return why != ""
	})
	if m, _ := strconv.Atoi(os.Getenv("SAZ_MAX")); m > 0 && m < len(files) {
		for i := range m {
			files[i] = files[i*len(files)/m]
		}
		files = files[:m]
	}
	programs(t, len(files), func(i int, tmp string) (string, []string, []string, error) {
		return files[i], []string{"-w"}, []string{"-lm"}, nil
	})
}

// programs checks n programs, some at a time.
func programs(t *testing.T, n int, program func(i int, tmp string) (file string, flags, libs []string, err error)) {
	var mu sync.Mutex
	var facts, more, skipped, ran int
	one := func(i int) {
		tmp, err := os.MkdirTemp("", "saz-dependence")
		if err != nil {
			t.Error(err)
			return
		}
		defer os.RemoveAll(tmp)
		defer func() {
			if e := recover(); e != nil {
				mu.Lock()
				skipped++
				t.Logf("%d: %v", i, e)
				mu.Unlock()
			}
		}()
		file, flags, libs, err := program(i, tmp)
		if err == nil {
			var d *dependence
			if d, err = trace(ctest.Files(t, tmp, flags, file), tmp, tmp, 200000, libs); err == nil {
				a, bad := d.edges(nil)
				b, worse := d.slices(12, nil)
				mu.Lock()
				defer mu.Unlock()
				ran++
				facts += a
				more += b
				for k, m := range append(bad, worse...) {
					if k < 3 {
						t.Errorf("%s: %s", filepath.Base(file), m)
					}
				}
				return
			}
		}
		mu.Lock()
		defer mu.Unlock()
		skipped++
		t.Logf("%s: %.300v", filepath.Base(file), err)
	}
	var wg sync.WaitGroup
	next := make(chan int)
	for range min(runtime.GOMAXPROCS(0), 4) {
		wg.Go(func() {
			for i := range next {
				one(i)
			}
		})
	}
	for i := range n {
		next <- i
	}
	close(next)
	wg.Wait()
	t.Logf("%d programs run, %d left out; %d direct dependences, %d in slices", ran, skipped, facts, more)
	if ran == 0 && n > 0 {
		t.Error("none was run")
	}
}

// TestExamples checks the example middleboxes on made-up traffic.
func TestExamples(t *testing.T) {
	if _, err := exec.LookPath("go"); err != nil {
		t.Skip("no go to make traffic with")
	}
	tmp := t.TempDir()
	capture := filepath.Join(tmp, "in.pcap")
	if out, err := exec.Command("go", "run", "../../examples/traffic", "-flows", "60", "-packets", "1500", "-o", capture).CombinedOutput(); err != nil {
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
		{"balancer", []string{"-v", "203.0.113.1", "-b", "a=10.1.0.1", "-b", "b=10.1.0.2*2", "-j", "1", "-r", capture, "-w", filepath.Join(tmp, "balanced.pcap")}},
	} {
		t.Run(x.name, func(t *testing.T) {
			dir := filepath.Join(examples, x.name)
			files, _ := filepath.Glob(filepath.Join(dir, "*.c"))
			tmp := t.TempDir()
			d, err := trace(ctest.Files(t, dir, []string{"-std=gnu11", "-w"}, files...), tmp, tmp, 700000, []string{"-lpcap", "-lm", "-lpthread"}, x.args...)
			if err != nil {
				t.Skip(err) // no libpcap
			}
			facts, bad := d.edges(nil)
			show(t, bad)
			more, bad := d.slices(25, nil)
			show(t, bad)
			t.Logf("%d executions, %d direct dependences, %d in slices", len(d.r.instr), facts, more)
			if facts < 200 {
				t.Error("did it run?")
			}
		})
	}
}
