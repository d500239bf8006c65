package track

import (
	"fmt"
	"path/filepath"
	"slices"
	"sort"
	"testing"

	"saz/frontend/check"
	"saz/frontend/source"
	"saz/ir"
	"saz/passes/persist"
	"saz/passes/plan"
	"saz/passes/pointer"
	"saz/passes/run"
	"saz/rewrite/edit"
)

// A mark whose removal nothing can show: in each packet that comes to it another mark of its variable has been
// passed already, or follows before the packet ends. Which of the monitor's are such is shown here
// for all traffic, on the IR: what a procedure certainly sets, what is set when it is called, and what every way on
// from a place comes to, in its procedure and in all of its callers, with the one mark left out.
// cmd/saz has the other half: taking out any of the others is noticed (TestMarksTakenOut).
func TestMarksThatOthersCover(t *testing.T) {
	files, err := filepath.Glob("../../examples/monitor/*.c")
	if err != nil || len(files) == 0 {
		t.Fatal("no monitor")
	}
	a, err := run.Load(run.Options{Target: files, Flags: []string{"-D_DEFAULT_SOURCE", "-std=gnu11"}, Jobs: 1, NoStore: true})
	if err != nil {
		t.Fatal(err)
	}
	if err := a.Need(plan.Pass); err != nil {
		t.Fatal(err)
	}
	c := newCover(t, a)
	var got []string
	for _, m := range c.places {
		why := c.covered(m)
		file := c.r.p.c.Prog.Files.File(m.pos.File)
		line, _ := file.LineCol(m.pos.Off)
		at := fmt.Sprintf("%s:%d %s", filepath.Base(file.Path), line, persist.Of(a.Context).Vars[c.r.p.pl.Vars[m.v].Var].Named(c.r.p.c.Prog).Name)
		t.Logf("%-24s %s", at, why)
		if why != "" {
			got = append(got, at+": "+why)
		}
	}
	t.Logf("%d places of marks, of which %d can be missed by nobody", len(c.places), len(got))
	sort.Strings(got)
	want := []string{
		"conn.c:121 buckets: another follows in the same packet",
		"conn.c:93 buckets: another follows in the same packet",
		"host.c:124 host_tab: only called with what is not NULL, and then another has been passed",
		"host.c:75 host_tab: another follows in the same packet",
	}
	if !slices.Equal(got, want) || len(c.places) != 13 {
		t.Errorf("%d places; covered by others are\n%q\nwant\n%q", len(c.places), got, want)
	}
}

// A keptMark is a place of one variable's mark.
type keptMark struct {
	pos    source.Pos
	v      int
	fn     ir.FuncID
	events map[int32]bool // instructions that it is for
	block  int            // at whose end it stands for several; -1: none
}

type cover struct {
	r      *pruner
	places []*keptMark
	kept   map[ir.FuncID]map[int32][]int
	tails  map[ir.FuncID]map[int][]int
	roots  map[ir.FuncID]bool
	after  map[ir.FuncID]bool // every way on from each call comes to the mark
}

// newCover prunes as Place does, and notes what is left.
func newCover(t *testing.T, a *run.Analysis) *cover {
	x := a.Context
	p := &placer{c: x, res: &Result{}, set: edit.NewSet(), pt: pointer.Of(x), pl: plan.Of(x), braced: map[source.Pos]bool{}, packets: map[ir.FuncID][]beginning{}, failed: map[ir.Ref]bool{}}
	p.opt.Editable = func(f source.FileID) bool { return !SystemFile(x.Prog, f) }
	p.receives = mayReceive(x, p.pt)
	p.res.Threads = FindThreads(x, p.opt)
	p.need = p.needs()
	p.scratch()
	r := p.newPruner(p.need)
	var fids []ir.FuncID
	for f := range p.need {
		fids = append(fids, f)
	}
	slices.Sort(fids)
	for _, f := range fids {
		r.within(f)
	}
	r.across()
	c := &cover{r: r, kept: map[ir.FuncID]map[int32][]int{}, tails: map[ir.FuncID]map[int][]int{}, roots: r.roots()}
	byPlace := map[markKey]*keptMark{}
	at := func(f ir.FuncID, pos source.Pos, v int) *keptMark {
		m := byPlace[markKey{pos, v}]
		if m == nil {
			m = &keptMark{pos: pos, v: v, fn: f, events: map[int32]bool{}, block: -1}
			byPlace[markKey{pos, v}] = m
			c.places = append(c.places, m)
		}
		return m
	}
	locate := func(s site) source.Pos {
		sp, ok := p.locate(s, nil, false)
		if !ok {
			t.Fatal("a mark without a place")
		}
		return sp.pos
	}
	for _, f := range fids {
		drops, extras, _ := r.hoist(f, r.callers(f))
		c.kept[f], c.tails[f] = map[int32][]int{}, map[int][]int{}
		for i, list := range p.need[f] {
			for _, v := range list {
				if has(drops[i], v) {
					continue
				}
				s, ok := siteOf(x.Prog.Funcs[f], i)
				if !ok {
					t.Fatal("a mark without a site")
				}
				at(f, locate(s), v).events[i] = true
				c.kept[f][i] = append(c.kept[f][i], v)
			}
		}
		if len(r.procs[f].head) > 0 {
			t.Fatal("a mark before a loop: this test knows of none")
		}
		for b, list := range r.procs[f].tail {
			s, ok := r.branchSite(x.Prog.Funcs[f], b, false)
			if !ok {
				t.Fatal("a branch without a site")
			}
			for _, v := range list {
				at(f, locate(s), v).block = b
			}
			c.tails[f][b] = list
		}
		if n := len(extras); n > 0 && len(r.procs[f].tail) == 0 {
			t.Fatal("a mark that stands for several, nowhere")
		}
	}
	sort.Slice(c.places, func(i, j int) bool {
		a, b := c.places[i], c.places[j]
		if a.pos != b.pos {
			return a.pos.File < b.pos.File || a.pos.File == b.pos.File && a.pos.Off < b.pos.Off
		}
		return a.v < b.v
	})
	return c
}

// without leaves the marks that were kept, but one.
func (c *cover) without(m *keptMark) {
	minus := func(list []int, gone bool) []int {
		return slices.DeleteFunc(slices.Clone(list), func(v int) bool { return gone && v == m.v })
	}
	for id, q := range c.r.procs {
		if q == nil {
			continue
		}
		f := ir.FuncID(id)
		for b := range q.ev {
			for i := range q.ev[b] {
				e := &q.ev[b][i]
				e.need = minus(c.kept[f][e.i], f == m.fn && m.events[e.i])
			}
		}
		q.tail = map[int][]int{}
		for b, list := range c.tails[f] {
			q.tail[b] = minus(list, f == m.fn && b == m.block)
		}
	}
	c.r.across()
	for f, q := range c.r.procs {
		if q != nil && c.r.entry[f] != nil {
			c.r.solve(q, c.r.entry[f], nil)
		}
	}
}

// covered says why the mark can be taken out and nobody can tell; "" if that is not shown.
func (c *cover) covered(m *keptMark) string {
	c.without(m)
	q := c.r.procs[m.fn]
	c.follow(m.v)
	in := c.ways(m.fn, m.v)
	follows, passed := true, true
	for b := range q.ev {
		if q.in[b] == nil {
			continue
		}
		s := append(bits(nil), q.in[b]...)
		for i := range q.ev[b] {
			if m.events[q.ev[b][i].i] {
				follows = follows && c.rest(m.fn, b, i, m.v, in)
				passed = passed && s.has(m.v)
			}
			c.r.step(&q.ev[b][i], s, nil)
		}
		if b == m.block {
			follows = follows && c.rest(m.fn, b, len(q.ev[b]), m.v, in)
			passed = passed && s.has(m.v)
		}
	}
	switch {
	case follows:
		return "another follows in the same packet"
	case passed:
		return "another has been passed"
	case c.whenNotNull(m):
		return "only called with what is not NULL, and then another has been passed"
	}
	return ""
}

// rest reports whether every way on from event i of block b comes to a mark of v before the packet ends.
func (c *cover) rest(id ir.FuncID, b, i, v int, in []bool) bool {
	q := c.r.procs[id]
	for ; i < len(q.ev[b]); i++ {
		e := &q.ev[b][i]
		switch {
		case e.begins:
			return false
		case slices.Contains(e.need, v):
			return true
		case e.call && e.known && len(e.to) > 0:
			all := true
			for _, t := range e.to {
				all = all && (c.r.must[t] == nil || c.r.must[t].has(v))
			}
			if all {
				return true
			}
		}
	}
	if slices.Contains(q.tail[b], v) {
		return true
	}
	succs := q.f.Blocks[b].Succs
	if len(succs) == 0 {
		return q.f.Instrs[q.f.Blocks[b].Hi-1].Op != ir.Ret || c.after[id] // else the program has ended
	}
	for _, t := range succs {
		if !in[t] {
			return false
		}
	}
	return true
}

// ways is rest of the beginning of each block.
func (c *cover) ways(id ir.FuncID, v int) []bool {
	q := c.r.procs[id]
	in := make([]bool, len(q.ev))
	for b := range in {
		in[b] = true
	}
	for changed := true; changed; {
		changed = false
		for b := len(in) - 1; b >= 0; b-- {
			if in[b] && !c.rest(id, b, 0, v, in) {
				in[b], changed = false, true
			}
		}
	}
	return in
}

// follow computes after.
func (c *cover) follow(v int) {
	c.after = map[ir.FuncID]bool{}
	for id, q := range c.r.procs {
		c.after[ir.FuncID(id)] = q != nil && !c.roots[ir.FuncID(id)]
	}
	for changed := true; changed; {
		changed = false
		for id, q := range c.r.procs {
			if q == nil {
				continue
			}
			in := c.ways(ir.FuncID(id), v)
			for b := range q.ev {
				for i := range q.ev[b] {
					for _, t := range q.ev[b][i].to {
						if c.after[t] && !c.rest(ir.FuncID(id), b, i+1, v, in) {
							c.after[t], changed = false, true
						}
					}
				}
			}
		}
	}
}

// whenNotNull: each call of the mark's procedure is reached only if what another procedure returned is not NULL, and
// that one sets the bit unless it returns NULL.
func (c *cover) whenNotNull(m *keptMark) bool {
	calls := 0
	for id, q := range c.r.procs {
		if q == nil {
			continue
		}
		for b := range q.ev {
			for i := range q.ev[b] {
				if e := &q.ev[b][i]; slices.Contains(e.to, m.fn) {
					calls++
					if !c.guarded(ir.FuncID(id), b, m.v) {
						return false
					}
				}
			}
		}
	}
	return calls > 0 && !c.roots[m.fn]
}

func (c *cover) guarded(id ir.FuncID, b, v int) bool {
	f := c.r.procs[id].f
	dom := ir.Dominators(f)
	def := map[ir.Reg]*ir.Instr{}
	for i := range f.Instrs {
		if r := f.Instrs[i].Dst; r >= 0 {
			def[r] = &f.Instrs[i]
		}
	}
	for d := range f.Blocks {
		last := &f.Instrs[f.Blocks[d].Hi-1]
		if last.Op != ir.Branch || last.A.Kind != ir.VReg || len(f.Blocks[f.Blocks[d].Succs[0]].Preds) != 1 ||
			!dom.Dominates(f.Blocks[d].Succs[0], ir.BlockID(b)) {
			continue
		}
		cond := def[ir.Reg(last.A.ID)]
		if cond == nil || cond.Op != ir.Cmp || cond.Sub != check.Ne || cond.A.Kind != ir.VReg || cond.B.Kind != ir.VInt || cond.B.Off != 0 {
			continue
		}
		call := def[ir.Reg(cond.A.ID)]
		for call != nil && call.Op == ir.Move && call.A.Kind == ir.VReg {
			call = def[ir.Reg(call.A.ID)]
		}
		if call == nil || call.Op != ir.Call || call.A.Kind != ir.VFunc {
			continue
		}
		q := c.r.procs[call.A.ID]
		all := q != nil
		for k := 0; all && k < len(q.f.Blocks); k++ {
			ret := &q.f.Instrs[q.f.Blocks[k].Hi-1]
			if ret.Op != ir.Ret || ret.A.Kind == ir.VInt && ret.A.Off == 0 || q.in[k] == nil {
				continue
			}
			s := append(bits(nil), q.in[k]...)
			for i := range q.ev[k] {
				c.r.step(&q.ev[k][i], s, nil)
			}
			all = s.has(v)
		}
		if all {
			return true
		}
	}
	return false
}
