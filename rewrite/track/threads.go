package track

import (
	"sort"

	"saz/frontend/check"
	"saz/frontend/source"
	"saz/ir"
	"saz/passes"
	"saz/passes/pointer"
	"saz/passes/receive"
	"saz/passes/update"
)

// Threads says how threads that are handed packets by other threads take part: no library call tells where their
// packets begin. Each round of the loop that such a thread lives in counts as one, so between two rounds the
// thread is at a quiescent point; and so it is where it blocks for work before it has touched
// anything in a round, or after it has, or a thread with nothing to do would hold every request up.
type Threads struct {
	Several bool // the program starts threads: each has marks of its own
	Rounds  map[ir.FuncID][]Round
	Waits   []ir.Ref // calls that block for work, at a quiescent point
	Events  []ir.Ref // calls by which an event loop waits, likewise
}

// A Round is a thread's loop.
type Round struct {
	Head ir.BlockID
	Loop *check.Stmt
	Cond *check.Expr // what a round begins with; nil: the body
	Unit ir.UnitID
}

// blocking are the functions by which a thread waits for another, or for time or input.
var blocking = map[string]bool{"pthread_cond_wait": true, "pthread_cond_timedwait": true, "pthread_cond_clockwait": true, "cnd_wait": true,
	"cnd_timedwait": true, "sem_wait": true, "sem_timedwait": true, "sem_clockwait": true, "pthread_barrier_wait": true, "poll": true, "ppoll": true,
	"select": true, "pselect": true, "epoll_wait": true, "epoll_pwait": true, "sleep": true, "usleep": true, "nanosleep": true, "clock_nanosleep": true,
	"mq_receive": true, "mq_timedreceive": true, "msgrcv": true, "sigwait": true, "sigwaitinfo": true, "read": true, "eventfd_read": true,
	"sched_yield": true, "thrd_yield": true, "thrd_sleep": true}

// locks write into the lock alone, which is nobody's state.
var locks = map[string]bool{"pthread_mutex_lock": true, "pthread_mutex_trylock": true, "pthread_mutex_unlock": true, "pthread_cond_wait": true,
	"pthread_cond_timedwait": true, "pthread_cond_clockwait": true, "pthread_cond_signal": true, "pthread_cond_broadcast": true, "pthread_spin_lock": true,
	"pthread_spin_unlock": true, "pthread_rwlock_rdlock": true, "pthread_rwlock_wrlock": true, "pthread_rwlock_unlock": true, "mtx_lock": true,
	"mtx_unlock": true, "cnd_wait": true, "cnd_timedwait": true, "cnd_signal": true, "cnd_broadcast": true, "sem_wait": true, "sem_timedwait": true,
	"sem_post": true}

type threader struct {
	c        *passes.Context
	pt       *pointer.Result
	opt      Options
	out      *Threads
	updates  map[ir.FuncID]bool // it or what it calls updates something
	direct   map[ir.Ref]bool
	blocks   map[ir.FuncID]bool
	receives map[ir.FuncID]bool
	seen     map[ir.FuncID]bool
}

// FindThreads finds them.
func FindThreads(c *passes.Context, opt Options) *Threads {
	c.Prog.Wake() // this package looks at the user's expressions
	t := &threader{c: c, pt: pointer.Of(c), opt: opt, out: &Threads{Rounds: map[ir.FuncID][]Round{}}, updates: map[ir.FuncID]bool{},
		direct: map[ir.Ref]bool{}, blocks: map[ir.FuncID]bool{}, seen: map[ir.FuncID]bool{}}
	if t.opt.Editable == nil {
		t.opt.Editable = func(f source.FileID) bool { return !SystemFile(c.Prog, f) }
	}
	t.events()
	entries := t.entries()
	t.out.Several = len(entries) > 0
	if !t.out.Several {
		return t.out
	}
	t.receives = mayReceive(c, t.pt)
	for i := range update.Of(c).Updates {
		ref := update.Of(c).Updates[i].Ref
		t.direct[ref] = true
		t.up(t.updates, ref.Func)
	}
	for _, f := range c.Prog.Funcs {
		if blocking[f.Name] && !f.Defined() {
			t.up(t.blocks, f.ID)
		}
	}
	for _, f := range entries {
		t.visit(f)
	}
	sort.Slice(t.out.Waits, func(i, j int) bool {
		a, b := t.out.Waits[i], t.out.Waits[j]
		return a.Func < b.Func || a.Func == b.Func && a.I < b.I
	})
	return t.out
}

// waits are the functions by which an event loop waits.
var waits = map[string]bool{"poll": true, "ppoll": true, "select": true, "pselect": true, "epoll_wait": true, "epoll_pwait": true, "epoll_pwait2": true}

// events finds the calls by which loops around receive sites wait for events, in another procedure than the site's (hook has
// those): in the loop's procedure, or in one that is called there and nowhere else. What the events before
// led to is over then.
func (t *threader) events() {
	rc := receive.Of(t.c)
	sites := map[ir.FuncID]bool{}
	for i := range rc.Sites {
		sites[rc.Sites[i].Ref.Func] = true
	}
	found := map[ir.Ref]bool{}
	note := func(ref ir.Ref) bool {
		in := t.c.Instr(ref)
		if in.Op != ir.Call || in.A.Kind != ir.VFunc || !waits[t.c.Prog.Funcs[in.A.ID].Name] || sites[ref.Func] {
			return false
		}
		if !found[ref] {
			found[ref] = true
			t.out.Events = append(t.out.Events, ref)
		}
		return true
	}
	for _, p := range rc.LoopProcs {
		f := t.c.Prog.Funcs[p]
		for i := range f.Instrs {
			ref := ir.Ref{Func: p, I: int32(i)}
			if f.Instrs[i].Op != ir.Call || !rc.Last(ref) || note(ref) {
				continue
			}
			for _, g := range t.pt.Callees(ref) {
				only := true
				for _, r := range t.pt.Callers(g) {
					only = only && r.Func == p && rc.Last(r)
				}
				for k := range t.c.Prog.Funcs[g].Instrs {
					if only {
						note(ir.Ref{Func: g, I: int32(k)})
					}
				}
			}
		}
	}
}

// up adds f and all that may call it.
func (t *threader) up(set map[ir.FuncID]bool, f ir.FuncID) {
	if set[f] {
		return
	}
	set[f] = true
	for _, r := range t.pt.Callers(f) {
		t.up(set, r.Func)
	}
}

// entries are the procedures that threads begin with.
func (t *threader) entries() []ir.FuncID {
	found := map[ir.FuncID]bool{}
	for _, f := range t.c.Prog.Funcs {
		for i := range f.Instrs {
			in := &f.Instrs[i]
			if in.Op != ir.Call {
				continue
			}
			for _, callee := range t.pt.Callees(ir.Ref{Func: f.ID, I: int32(i)}) {
				m := t.pt.Model(callee)
				if m == nil || t.c.Prog.Funcs[callee].Defined() {
					continue
				}
				for _, cb := range m.Calls {
					if cb.Thread && cb.Arg < len(in.Args) {
						for _, x := range receive.Targets(t.pt, f.ID, in.Args[cb.Arg], cb.In) {
							found[x] = true
						}
					}
				}
			}
		}
	}
	list := make([]ir.FuncID, 0, len(found))
	for f := range found {
		list = append(list, f)
	}
	sort.Slice(list, func(i, j int) bool { return list[i] < list[j] })
	return list
}

// visit looks for the loop that a thread lives in, in f or in what f calls outside of loops.
func (t *threader) visit(id ir.FuncID) {
	if t.seen[id] || t.receives[id] || !t.updates[id] || len(t.c.Prog.Funcs[id].Blocks) == 0 {
		return // it has a packet's boundaries already, or needs none
	}
	t.seen[id] = true
	f := t.c.Prog.Funcs[id]
	var outer []loop
	inLoop := map[int]bool{}
	for _, l := range loopsOf(f, ir.Dominators(f)) {
		if !inLoop[l.head] {
			outer = append(outer, l)
		}
		for b := range l.body {
			inLoop[b] = true
		}
	}
	var living []loop
	for _, l := range outer {
		if t.any(f, &l, t.updates, t.direct) && (t.any(f, &l, t.blocks, nil) || len(outer) == 1) {
			living = append(living, l)
		}
	}
	for i := range living {
		r, ok := t.round(f, &living[i])
		if !ok {
			at := f.Pos
			t.c.Sink.Add(source.Diagnostic{ID: "packet-boundary", Severity: source.Warning, Pos: at,
				Msg:  "there is no place between two rounds of the loop of the thread that begins here: a request will find it busy",
				Hint: "write the loop as while, do or for, outside any macro"})
			continue
		}
		t.out.Rounds[id] = append(t.out.Rounds[id], r)
		t.before(f, living[i].head, living[i].body, map[ir.FuncID]bool{})
		t.after(f, &living[i])
	}
	if len(living) > 0 {
		return
	}
	for i := range f.Instrs {
		if f.Instrs[i].Op == ir.Call && !inLoop[int(f.Instrs[i].Block)] {
			for _, g := range t.pt.Callees(ir.Ref{Func: id, I: int32(i)}) {
				t.visit(g)
			}
		}
	}
}

// any reports whether the loop has an instruction of direct, or a call that may come to a procedure of set.
func (t *threader) any(f *ir.Func, l *loop, set map[ir.FuncID]bool, direct map[ir.Ref]bool) bool {
	for b := range l.body {
		for i := f.Blocks[b].Lo; i < f.Blocks[b].Hi; i++ {
			if t.does(ir.Ref{Func: f.ID, I: i}, set, direct) {
				return true
			}
		}
	}
	return false
}

func (t *threader) does(ref ir.Ref, set map[ir.FuncID]bool, direct map[ir.Ref]bool) bool {
	in := t.c.Instr(ref)
	if in.Op == ir.Call && in.A.Kind == ir.VFunc && locks[t.c.Prog.Funcs[in.A.ID].Name] {
		return false
	}
	if direct[ref] {
		return true
	}
	if in.Op == ir.Call {
		for _, g := range t.pt.Callees(ref) {
			if set[g] {
				return true
			}
		}
	}
	return false
}

// round finds the statement that l is, and the place where its rounds begin.
func (t *threader) round(f *ir.Func, l *loop) (Round, bool) {
	var st *check.Stmt
	for i := f.Blocks[l.head].Lo; i < f.Blocks[l.head].Hi && st == nil; i++ {
		if s := f.Instrs[i].Stmt; s >= 0 && int(s) < len(f.Stmts) {
			st = f.Stmts[s]
		}
	}
	for ; st != nil; st = st.Up {
		if st.Kind != check.For && st.Kind != check.While && st.Kind != check.DoWhile {
			continue
		}
		inside := true
		for b := range l.body {
			for i := f.Blocks[b].Lo; i < f.Blocks[b].Hi; i++ {
				if in := &f.Instrs[i]; in.Pos.End > in.Pos.Tok && (in.Pos.Tok < st.Tok || in.Pos.End > st.End) {
					inside = false
				}
			}
		}
		if inside {
			break
		}
	}
	if st == nil || enteredElsewhere(st, st) {
		return Round{}, false
	}
	r := Round{Head: ir.BlockID(l.head), Loop: st, Unit: f.Unit}
	if st.Kind != check.DoWhile {
		r.Cond = st.X
	}
	_, _, ok := RoundAt(t.c, &r, t.opt)
	return r, ok
}

// RoundAt is where a round's boundary goes: around the condition, or (end is not valid) at the beginning of the body.
func RoundAt(c *passes.Context, r *Round, opt Options) (at, end source.Pos, ok bool) {
	toks := c.Prog.Units[r.Unit].AST.Tokens()
	editable := func(f source.FileID) bool { return opt.Editable == nil || opt.Editable(f) }
	if r.Cond != nil {
		lo, ok1 := Before(toks, r.Cond.Tok)
		hi, ok2 := After(toks, r.Cond.End)
		return lo, hi, ok1 && ok2 && lo.File == hi.File && editable(lo.File)
	}
	body := r.Loop.Then
	if body == nil || body.Kind != check.Compound {
		return source.Pos{}, source.Pos{}, false
	}
	at, ok = After(toks, body.Tok+1)
	return at, source.Pos{}, ok && editable(at.File)
}

// after notes the blocking calls of the loop behind which nothing is updated in a round any more.
func (t *threader) after(f *ir.Func, l *loop) {
	visited := map[int]bool{}
	work := append([]int(nil), l.latches...)
	for len(work) > 0 {
		b := work[0]
		work = work[1:]
		if visited[b] || !l.body[b] {
			continue
		}
		visited[b] = true
		stop := false
		for i := f.Blocks[b].Hi - 1; i >= f.Blocks[b].Lo && !stop; i-- {
			ref := ir.Ref{Func: f.ID, I: i}
			in := &f.Instrs[i]
			if in.Op == ir.Call && in.A.Kind == ir.VFunc && blocking[t.c.Prog.Funcs[in.A.ID].Name] && !t.c.Prog.Funcs[in.A.ID].Defined() {
				t.out.Waits = append(t.out.Waits, ref)
			}
			stop = t.does(ref, t.updates, t.direct)
		}
		if !stop && b != l.head {
			for _, p := range f.Blocks[b].Preds {
				work = append(work, int(p))
			}
		}
	}
}

// before walks f from block from, within the blocks of a loop (nil: all), up to the first update on each way, and notes the blocking
// calls on it; those of procedures that only this walk comes to count too.
func (t *threader) before(f *ir.Func, from int, within map[int]bool, seen map[ir.FuncID]bool) {
	if seen[f.ID] {
		return
	}
	seen[f.ID] = true
	visited := map[int]bool{from: true}
	work := []int{from}
	for len(work) > 0 {
		b := work[0]
		work = work[1:]
		stop := false
		for i := f.Blocks[b].Lo; i < f.Blocks[b].Hi && !stop; i++ {
			ref := ir.Ref{Func: f.ID, I: i}
			if f.Instrs[i].Op == ir.Call {
				for _, g := range t.pt.Callees(ref) {
					fn := t.c.Prog.Funcs[g]
					if !fn.Defined() && blocking[fn.Name] {
						t.out.Waits = append(t.out.Waits, ref)
					}
					if len(fn.Blocks) > 0 && t.blocks[g] && len(t.pt.Callers(g)) == 1 {
						t.before(fn, 0, nil, seen)
					}
				}
			}
			stop = t.does(ref, t.updates, t.direct)
		}
		if stop {
			continue
		}
		for _, s := range f.Blocks[b].Succs {
			if !visited[int(s)] && (within == nil || within[int(s)]) {
				visited[int(s)] = true
				work = append(work, int(s))
			}
		}
	}
}
