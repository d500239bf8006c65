// Package track places the update marks (the paper's section 5.2): before each
// statement that may update a tracked variable, the statement that sets the variable's
// updated bit.
//
// A mark is `saz_updated[3] = 1;` on the line of the statement that it
// announces, so that line numbers stay (among the declarations that a block begins with, `SAZ_MARKS(...)`, a declaration, if
// the compiler was told to complain of others there). Where a statement is the bare body of
// an if or a loop it gets braces; a control expression gets a comma
// expression. The place is always one where text can be inserted: a token that was
// written in a file. For a statement that comes out of a macro that is the
// boundary of the macro's invocation if the statement begins there, otherwise that of
// the next enclosing statement that has one. Where a packet may begin in a statement its marks come before it and behind it (of
// a return, in its expression), and a mark moves to an enclosing statement only if no packet may begin on the way. An update in a file that isn't the
// project's (an inline function of a system header) is announced at the calls that lead to it.
//
// Pruning (prune.go) is the paper's traversal as the equivalent data-flow problem: a mark
// is dropped if on every path to it the same bit has been set since the packet
// began. Must-analysis, intersection at joins, bits forgotten at receive sites and at calls that may
// come to one; first in each procedure alone, as the paper does it, then along all paths through the
// program that match calls with returns. What is left moves out of loops that set it in each round,
// and from all branches of an if or a switch to the place before it. In the end variables whose marks would run
// for most packets are announced with each, without marks (announce.go).
//
// The marks say "may update": a mark may stand where nothing is updated in the
// end (the right side of && in the same statement, a loop of no rounds), never the other way round.
package track

import (
	"fmt"
	"sort"
	"strings"

	"saz/frontend/check"
	"saz/frontend/cpp"
	"saz/frontend/ctype"
	"saz/frontend/source"
	"saz/ir"
	"saz/passes"
	"saz/passes/plan"
	"saz/passes/pointer"
	"saz/passes/receive"
	"saz/passes/scratch"
	"saz/passes/update"
	"saz/rewrite/edit"
)

// Order of insertions at one place (edit.Edit.Prio). A closing brace ends what
// began before, so it comes before anything that opens.
const (
	RankClose = -10
	RankOpen  = 10
	RankMark  = 50
)

// A Mark is one mark that was placed.
type Mark struct {
	Var int // number of the variable in saz_updated
	Ref ir.Ref
	Pos source.Pos
}

// Result of placing.
type Result struct {
	Marks   []Mark // placed, by position
	Pruned  []Mark // dropped because the bit is already set there
	Steps   []Step // of pruning
	Hoisted int    // marks that stand before a loop for one in it
	Scratch int    // marks that per-packet scratch would have had, before any pruning
	Placed  int    // marks in the text: one that stands for a group of variables is one
	Groups  [][]int
	Plan    *plan.Result // with the variables' numbers in saz_updated
	Always  int          // so many, the first ones, have no marks: they are announced with each packet
	Threads *Threads
}

type markKey struct {
	pos source.Pos
	v   int
}

// Options of placement.
type Options struct {
	NoPrune bool
	Exact   bool // marks for the variables, too, that most packets update
	// Editable says whether a file may be changed; nil is every file that is not a system header.
	Editable func(source.FileID) bool
	Threads  *Threads // of the program; nil: to be found
	// Strict says that the compiler complains of a declaration behind a statement in the file; nil: nowhere.
	Strict func(source.FileID) bool
}

// site is a statement, or one control expression of it, before which marks go.
type site struct {
	fn   ir.FuncID
	unit ir.UnitID
	stmt *check.Stmt
	expr *check.Expr // the control expression; nil: before the statement
	// depth, if it is not 0, says that expr is one within the statement, and how deep: the mark stands behind it (inner.go).
	depth int32
}

// Place enters the marks of a program into set.
func Place(c *passes.Context, set *edit.Set, opt Options) (*Result, error) {
	c.Prog.Wake() // this package looks at the user's expressions
	p := &placer{c: c, opt: opt, res: &Result{}, set: set,
		pt: pointer.Of(c), pl: plan.Of(c), braced: map[source.Pos]bool{}, packets: map[ir.FuncID][]beginning{}, failed: map[ir.Ref]bool{}, texts: map[markKey]bool{}}
	if p.opt.Editable == nil {
		p.opt.Editable = func(f source.FileID) bool { return !SystemFile(c.Prog, f) }
	}
	p.receives = mayReceive(c, p.pt)
	if p.res.Threads = opt.Threads; p.res.Threads == nil {
		p.res.Threads = FindThreads(c, opt)
	}
	need := p.needs()
	p.need = need
	p.scratch()
	drops, extras := p.prune(need)
	fids := make([]ir.FuncID, 0, len(need))
	for f := range need {
		fids = append(fids, f)
	}
	sort.Slice(fids, func(i, j int) bool { return fids[i] < fids[j] })
	work := make([]*placing, len(fids))
	var sets [][]int
	for i, f := range fids {
		work[i] = p.function(c.Prog.Funcs[f], need[f], drops[f], extras[f])
		for _, s := range work[i].order {
			sets = append(sets, work[i].at[s])
		}
	}
	if !opt.NoPrune {
		p.res.Groups = chooseGroups(sets, len(p.pl.Vars))
	}
	for _, w := range work {
		p.place(w)
	}
	p.finish()
	p.res.Placed = len(p.texts)
	if len(p.res.Groups) > 0 {
		p.res.Steps = append(p.res.Steps, Step{"many variables' marks in one", p.res.Placed})
	}
	return p.res, p.err
}

// ScopeAt is the place for a packet's bracket in a procedure that a library calls with packets.
func ScopeAt(c *passes.Context, id ir.FuncID) (source.Pos, bool) {
	f := c.Prog.Funcs[id]
	if f.Def == nil || f.Def.Body == nil {
		return source.Pos{}, false
	}
	return After(c.Prog.Units[f.Unit].AST.Tokens(), f.Def.Body.Tok+1)
}

type placer struct {
	texts map[markKey]bool // marks in the text

	c        *passes.Context
	opt      Options
	res      *Result
	pt       *pointer.Result
	pl       *plan.Result
	receives map[ir.FuncID]bool
	need     needs
	set      *edit.Set
	packets  map[ir.FuncID][]beginning
	braced   map[source.Pos]bool // bare bodies of this procedure that have braces by now
	failed   map[ir.Ref]bool     // updates of which it was said that nothing announces them
	err      error
}

// SystemFile reports whether f was found in a system include directory.
func SystemFile(p *ir.Program, f source.FileID) bool {
	for _, u := range p.Units {
		if u.AST.Cpp.System[f] {
			return true
		}
	}
	return false
}

// needs collects, for each procedure, which bits each instruction must have
// set. Updates that no mark can stand before (in a file that can't be edited, in a procedure that is
// a macro as a whole) are passed on to the calls that lead there.
func (p *placer) needs() needs {
	need := needs{}
	add := func(ref ir.Ref, v int) bool {
		if need[ref.Func] == nil {
			need[ref.Func] = map[int32][]int{}
		}
		for _, x := range need[ref.Func][ref.I] {
			if x == v {
				return false
			}
		}
		need[ref.Func][ref.I] = append(need[ref.Func][ref.I], v)
		return true
	}
	var place func(ref ir.Ref, v int)
	place = func(ref ir.Ref, v int) {
		if !add(ref, v) || p.placeable(ref) {
			return
		}
		if f := p.c.Prog.Funcs[ref.Func]; p.receives[ref.Func] && !p.behind(f, ref.I) {
			p.fail(ref, "there is no place for a mark before this update, and packets are received beside it")
		}
		for _, call := range p.pt.Callers(ref.Func) {
			place(call, v)
		}
	}
	up := update.Of(p.c)
	for i := range up.Updates {
		if v, ok := p.pl.Index[up.Updates[i].Var]; ok {
			place(up.Updates[i].Ref, v)
		}
	}
	p.handles(place)
	for f, m := range need {
		for i := range m {
			if ref := (ir.Ref{Func: f, I: i}); !p.placeable(ref) {
				if len(p.pt.Callers(f)) == 0 && !p.unused(f) {
					p.fail(ref, "there is no place for a mark before this update")
				}
				delete(m, i)
				continue
			}
			sort.Ints(m[i])
		}
		if len(m) == 0 {
			delete(need, f)
		}
	}
	return need
}

// unused reports whether a procedure of a header that can't be edited is one that nothing comes to.
func (p *placer) unused(f ir.FuncID) bool {
	if p.opt.Editable(p.c.Prog.Funcs[f].Pos.File) {
		return false
	}
	taken := false
	note := func(v *ir.Value) { taken = taken || v.Kind == ir.VFunc && ir.FuncID(v.ID) == f }
	for _, g := range p.c.Prog.Funcs {
		for i := range g.Instrs {
			g.Instrs[i].Operands(note)
		}
	}
	for _, g := range p.c.Prog.Globals {
		for i := range g.Init {
			note(&g.Init[i].Value)
		}
	}
	return !taken
}

// scratch counts the marks that variables which carry nothing from packet to packet are spared.
func (p *placer) scratch() {
	up, sc := update.Of(p.c), scratch.Of(p.c)
	seen := map[markKey]bool{}
	for i := range up.Updates {
		u := &up.Updates[i]
		if _, tracked := p.pl.Index[u.Var]; tracked || sc.Scratch[u.Var] == nil {
			continue
		}
		if s, ok := siteOf(p.c.Prog.Funcs[u.Ref.Func], u.Ref.I); ok {
			if at, ok := p.locate(s, nil, false); ok {
				seen[markKey{at.pos, int(u.Var)}] = true
			}
		}
	}
	p.res.Scratch = len(seen)
}

// placeable reports whether there is a spot for a mark of the instruction.
func (p *placer) placeable(ref ir.Ref) bool {
	f := p.c.Prog.Funcs[ref.Func]
	s, ok := siteOf(f, ref.I)
	if !ok {
		return false
	}
	if !p.receives[ref.Func] {
		_, ok = p.locate(s, nil, false)
		return ok
	}
	begin := p.lateSites(f)
	if s, _ = p.placeOf(f, ref.I, begin); s.depth > 0 {
		return true
	}
	sp, ok := p.locate(s, nil, p.isLate(begin, s))
	if w := &sp.around; w.n == 0 && begin[s] > 0 {
		*w = within{n: begin[s], before: true, from: true}
	}
	return ok && p.told(f, ref.I, sp.around)
}

// begins reports whether a packet may begin in the instruction.
func (p *placer) begins(f *ir.Func, i int32) bool {
	if f.Instrs[i].Op != ir.Call {
		return false
	}
	for _, t := range p.pt.Callees(ir.Ref{Func: f.ID, I: i}) {
		if p.receives[t] {
			return true
		}
	}
	return false
}

// lateSites are the sites in which packets may begin, with the number of calls by which they may. What such a site
// updates may be part of the packet before, or of the new one: C says little about which comes first. What certainly comes behind the beginning of the
// packet is announced behind the site, anything else within it (inner.go), or, in a macro, before it and behind it.
func (p *placer) lateSites(f *ir.Func) map[site]int {
	var late map[site]int
	for i := range f.Instrs {
		if p.begins(f, int32(i)) {
			if s, ok := siteOf(f, int32(i)); ok {
				if late == nil {
					late = map[site]int{}
				}
				late[s]++
				for st := s.stmt; st != nil; st = st.Up { // in a statement expression of that
					if st.Up == nil && st.UpExpr != nil {
						st = st.UpExpr
						late[siteAt(f, s.unit, st, f.Instrs[i].Pos.Tok, f.Instrs[i].Pos.End)]++
					}
				}
			}
		}
	}
	return late
}

// isLate reports whether s is one, or stands in a macro in which a packet may begin between s and the next place for a mark.
func (p *placer) isLate(begin map[site]int, s site) bool {
	if len(begin) == 0 || begin[s] > 0 || s.depth > 0 {
		return len(begin) > 0
	}
	_, ok := p.locate(s, nil, false)
	return !ok
}

// behind reports whether an update is made by the calls of its statement in which a packet may begin, or needs the values of all of them.
func (p *placer) behind(f *ir.Func, i int32) bool {
	return p.beside(f, i, func(j int32) bool { return j == i || needsValue(f, i, j) })
}

// ahead reports whether all these calls need the value of the update's call.
func (p *placer) ahead(f *ir.Func, i int32) bool {
	return p.beside(f, i, func(j int32) bool { return j != i && needsValue(f, j, i) })
}

// beside reports whether i's statement has calls in which a packet may begin, and all are as is says.
func (p *placer) beside(f *ir.Func, i int32, is func(j int32) bool) bool {
	s, _ := siteOf(f, i)
	lo, hi := s.span()
	some := false
	for j := range f.Instrs {
		if p.begins(f, int32(j)) {
			if t := f.Instrs[j].Pos.Tok; lo <= t && t < hi {
				if some = true; !is(int32(j)) {
					return false
				}
			}
		}
	}
	return some
}

// needsValue reports whether instruction i is handed, or computes with, the value of call.
func needsValue(f *ir.Func, i, call int32) bool {
	work := []int32{i}
	for n := 0; len(work) > 0 && n < 64; n++ {
		j := work[len(work)-1]
		work = work[:len(work)-1]
		in := &f.Instrs[j]
		if j != i {
			if j == call {
				return true
			} else if in.Op == ir.Phi || in.Op == ir.Load {
				continue
			}
		}
		in.Operands(func(v *ir.Value) {
			if v.Kind == ir.VReg && f.Regs[v.ID].Def >= 0 {
				work = append(work, f.Regs[v.ID].Def)
			}
		})
	}
	return false
}

// A placing is what is to be placed in one procedure.
type placing struct {
	order []site
	at    map[site][]int
	first map[site]ir.Ref
	late  map[site]bool
	early map[site][]int // of a late site: what has a mark before it as well
}

// function finds the places of the marks of one procedure.
func (p *placer) function(f *ir.Func, need, drop map[int32][]int, extras []extra) *placing {
	at := map[site][]int{}
	first := map[site]ir.Ref{}
	var order []site
	idx := make([]int32, 0, len(need))
	for i := range need {
		idx = append(idx, i)
	}
	sort.Slice(idx, func(a, b int) bool { return idx[a] < idx[b] })
	gone := map[site]map[int]ir.Ref{}
	late, early := map[site]bool{}, map[site][]int{}
	begin := p.lateSites(f)
	for _, i := range idx {
		ref := ir.Ref{Func: f.ID, I: i}
		s, ok := p.placeOf(f, i, begin)
		if !ok {
			p.fail(ref, "no statement to put a mark before")
			continue
		}
		for _, v := range need[i] {
			if has(drop[i], v) {
				if gone[s] == nil {
					gone[s] = map[int]ir.Ref{}
				}
				if _, ok := gone[s][v]; !ok {
					gone[s][v] = ref
				}
				continue
			}
			if _, ok := first[s]; !ok {
				first[s] = ref
				order = append(order, s)
				late[s] = p.isLate(begin, s)
			}
			if !has(at[s], v) {
				at[s] = append(at[s], v)
			}
			if late[s] && s.depth == 0 && !has(early[s], v) && !p.behind(f, i) {
				early[s] = append(early[s], v)
			}
		}
	}
	for _, x := range extras {
		if _, ok := first[x.s]; !ok {
			first[x.s] = ir.Ref{Func: f.ID, I: x.i}
			order = append(order, x.s)
		}
		if !has(at[x.s], x.v) {
			at[x.s] = append(at[x.s], x.v)
		}
	}
	for _, s := range order {
		sort.Ints(at[s])
		sort.Ints(early[s])
	}
	for s, vs := range gone {
		for v, ref := range vs {
			if !has(at[s], v) {
				p.res.Pruned = append(p.res.Pruned, Mark{v, ref, p.c.Pos(ref)})
			}
		}
	}
	return &placing{order, at, first, late, early}
}

// place puts the marks of one procedure.
func (p *placer) place(w *placing) {
	clear(p.braced)
	for _, s := range w.order {
		short := p.grouped(w.at[s])
		early := p.grouped(w.early[s])
		pos, ok := p.insert(s, short, w.late[s], early)
		if !ok {
			p.fail(w.first[s], "there is no place for a mark before this update")
			continue
		}
		for _, v := range w.at[s] {
			p.res.Marks = append(p.res.Marks, Mark{v, w.first[s], pos})
		}
		for _, v := range short {
			p.texts[markKey{pos, v}] = true
		}
	}
}

func has(list []int, v int) bool {
	for _, x := range list {
		if x == v {
			return true
		}
	}
	return false
}

// siteOf returns the place before which the marks of instruction i go.
func siteOf(f *ir.Func, i int32) (site, bool) {
	in := &f.Instrs[i]
	if in.Stmt < 0 || int(in.Stmt) >= len(f.Stmts) {
		return site{}, false
	}
	return siteAt(f, in.Pos.Unit, f.Stmts[in.Stmt], in.Pos.Tok, in.Pos.End), true
}

// siteAt is the site of the tokens from tok to end in st.
func siteAt(f *ir.Func, unit ir.UnitID, st *check.Stmt, tok, end int32) site {
	s := site{fn: f.ID, unit: unit, stmt: st}
	within := func(x *check.Expr) bool { return x != nil && x.Tok <= tok && end <= x.End }
	switch st.Kind {
	case check.If, check.Switch, check.While, check.DoWhile:
		s.expr = st.X
	case check.For:
		switch {
		case within(st.Post):
			s.expr = st.Post
		case within(st.X):
			s.expr = st.X
		case st.Init != nil && st.Init.Kind == check.ExprStmt && within(st.Init.X):
			s.expr = st.Init.X
		}
	}
	if st.Kind == check.ExprStmt && st.Up != nil && st.Up.Kind == check.For && (st.Up.Init == st) {
		s = site{fn: f.ID, unit: unit, stmt: st.Up, expr: st.X}
	}
	if st.Kind == check.DeclStmt && st.Up != nil && st.Up.Kind == check.For && st.Up.Init == st {
		s = site{fn: f.ID, unit: unit, stmt: st.Up}
	}
	return s
}

// Text of the marks of vars, as a statement list or a comma expression.
func Text(vars []int, sep string) string {
	var b strings.Builder
	for _, v := range vars {
		fmt.Fprintf(&b, "saz_updated[%d] = 1%s ", v, sep)
	}
	return b.String()
}

// A spot is where the marks of a site go: the groups of edits that put them
// there, and the place to tell people.
type spot struct {
	pos    source.Pos
	bare   []bare // bodies that need braces
	groups [][]insertion
	around within // of late marks around a macro
}

// A bare body, and its braces.
type bare struct {
	pos    source.Pos
	braces []insertion
}

// A within says which packets may begin in a statement: how many calls there are, and whether they come before the end of
// a site in it, or none before its beginning.
type within struct {
	n            int
	before, from bool
	some         bool // not all come behind it
	apart        bool // none is in the site
}

// told reports whether marks before and behind announce the update at i.
func (p *placer) told(f *ir.Func, i int32, w within) bool {
	return w.n <= 1 || w.before && (w.apart || p.behind(f, i)) || w.from && (w.apart || p.ahead(f, i))
}

// locate finds the spot for marks of vars at s. With late the marks come after
// the statement or expression, because a packet begins within it; those of early come before it.
func (p *placer) locate(s site, vars []int, late bool, early ...int) (spot, bool) {
	toks := p.c.Prog.Units[s.unit].AST.Tokens()
	x := s.expr
	if late && s.stmt.Kind == check.Return {
		x = s.stmt.X // nothing comes behind the statement
	}
	if x != nil {
		lo, ok1 := Before(toks, x.Tok)
		hi, ok2 := After(toks, x.End)
		if ok1 && ok2 && lo.File == hi.File && p.opt.Editable(lo.File) {
			open, shut := "("+Text(vars, ","), ")"
			rank := int(s.depth)
			switch {
			case late && x.Type != nil && x.Type.Kind == ctype.Void:
				open, shut = "("+Text(early, ",")+"__extension__({ ", "; "+Text(vars, ";")+"(void)0; }))"
			case late:
				open, shut = "("+Text(early, ",")+"__extension__({ __auto_type saz_value = (", "); "+Text(vars, ";")+"saz_value; }))"
			}
			return spot{pos: lo, groups: [][]insertion{{ins(lo, open, RankMark+rank), ins(hi, shut, RankClose-rank)}}}, true
		}
		if s.depth > 0 {
			return spot{}, false
		}
		// The expression is in a macro: announce before the statement. A loop's
		// condition is evaluated again in each round, but the bit stays set.
		if late && s.stmt.Kind == check.Return {
			return spot{}, false
		}
	}
	var out spot
	for st := s.stmt; st != nil; st = st.Up {
		if st.Kind == check.Compound && st.Up == nil {
			if st.UpExpr == nil {
				break // the body itself: nothing stands before it
			}
			st = st.UpExpr // in a statement expression
		}
		var around within
		if st != s.stmt || x != nil {
			if around = p.within(s, st); around.n > 0 && !around.announced(s, st, late) {
				if st != s.stmt || !late || !p.round(s, vars, &out) {
					break
				}
				around = within{}
			}
		}
		if !late {
			st = p.sibling(s, st, toks)
		}
		lo, ok := Before(toks, st.Tok)
		hi, okEnd := After(toks, st.End)
		if !ok || !p.opt.Editable(lo.File) || late && (!okEnd || lo.File != hi.File) {
			continue
		}
		outer := st // the statement with the labels that stand before it
		for outer.Up != nil && (outer.Up.Kind == check.Labeled || outer.Up.Kind == check.Case || outer.Up.Kind == check.Default) {
			outer = outer.Up
		}
		if outer.Up != nil && outer.Up.Kind != check.Compound {
			// A bare body: it needs braces, which need two places.
			b, ok := p.bare(toks, outer)
			if !ok {
				continue
			}
			out.bare = append(out.bare, b)
		}
		out.pos, out.around = lo, around
		first := vars
		if late {
			first = early
			out.groups = append(out.groups, []insertion{ins(hi, " "+strings.TrimSpace(Text(vars, ";")), RankClose-1)})
		}
		mark := ins(lo, Text(first, ";"), RankMark)
		if p.opt.Strict != nil && p.opt.Strict(lo.File) && leads(st) {
			mark = ins(lo, fmt.Sprintf("SAZ_MARKS(%d, (%s)); ", lo.Off, strings.TrimSuffix(Text(first, ","), ", ")), RankMark)
		}
		if !late || len(first) > 0 {
			out.groups = append(out.groups, []insertion{mark})
		}
		return out, true
	}
	return spot{}, false
}

// bare finds the places for braces around st.
func (p *placer) bare(toks []cpp.Token, st *check.Stmt) (bare, bool) {
	open, ok1 := Before(toks, st.Tok)
	end, ok2 := After(toks, st.End)
	if !ok1 || !ok2 || open.File != end.File || !p.opt.Editable(open.File) {
		return bare{}, false
	}
	return bare{open, []insertion{ins(open, "{ ", RankOpen), ins(end, " }", RankClose)}}, true
}

// round adds marks for what a loop's own expressions update where packets begin in its body and these expressions are in a macro
// (LIST_FOREACH): at the beginning of the body. With those before the loop and behind it, there is one on each way on from such an expression.
func (p *placer) round(s site, vars []int, out *spot) bool {
	st, toks := s.stmt, p.c.Prog.Units[s.unit].AST.Tokens()
	if st.Kind != check.For && st.Kind != check.While {
		return false
	}
	for _, r := range p.res.Threads.Rounds[s.fn] {
		if r.Loop == st {
			return false
		}
	}
	for _, b := range p.packetsIn(s.fn) {
		if st.Tok <= b.tok && b.tok < st.Then.Tok {
			return false
		}
	}
	at, ok := Before(toks, st.Then.Tok)
	if st.Then.Kind == check.Compound {
		at, ok = After(toks, st.Then.Tok+1)
	}
	if !ok || !p.opt.Editable(at.File) {
		return false
	}
	text := Text(vars, ";")
	if st.Then.Kind != check.Compound {
		b, ok := p.bare(toks, st.Then)
		if !ok {
			return false
		}
		out.bare = append(out.bare, b)
	} else if p.opt.Strict != nil && p.opt.Strict(at.File) {
		text = fmt.Sprintf(" SAZ_MARKS(%d, (%s));", at.Off, strings.TrimSuffix(Text(vars, ","), ", "))
	} else {
		text = " " + strings.TrimSpace(text)
	}
	out.groups = append(out.groups, []insertion{ins(at, text, RankMark)})
	return true
}

// within says which packets may begin in st, which is around s.
func (p *placer) within(s site, st *check.Stmt) within {
	lo, hi := s.span()
	w := within{before: true, from: true, apart: true}
	for _, b := range p.packetsIn(s.fn) {
		if t := b.tok; st.Tok <= t && t < st.End {
			w.n++
			if t < lo && b.end >= hi {
				t = hi // a call comes behind its arguments
			} else if (t < lo || t >= hi) && !(pair{lo, hi, b.tok, b.end}).statement(st) {
				w.before, w.from, w.some = false, false, true // C does not say which comes first
				continue
			}
			w.before = w.before && t < hi
			w.from = w.from && t >= lo
			w.some = w.some || t < hi
			w.apart = w.apart && (t < lo || t >= hi)
		}
	}
	return w
}

// announced reports whether marks of s may stand at st, which is around it. A mark before st does if no packet may begin between it and the
// update. With late marks stand before it and behind it: they do if control comes from one to the other, and what can't be told apart (told) doesn't matter.
func (w within) announced(s site, st *check.Stmt, late bool) bool {
	if late {
		return (w.n == 1 || w.before || w.from) && through(st, false)
	}
	return !w.some && through(st, true)
}

func (s site) span() (lo, hi int32) {
	if s.expr != nil {
		return s.expr.Tok, s.expr.End
	}
	return s.stmt.Tok, s.stmt.End
}

// through reports whether control goes through st once, and comes out at its end, or, with leave, elsewhere.
func through(st *check.Stmt, leave bool) bool {
	if st == nil {
		return true
	}
	switch st.Kind {
	case check.ExprStmt, check.DeclStmt, check.Compound, check.If:
	case check.DoWhile:
		if st.X == nil || st.X.Op != check.IntLit || st.X.Val != 0 {
			return false
		}
	case check.Return, check.Break, check.Continue:
		return leave
	default:
		return false
	}
	for _, x := range st.List {
		if !through(x, leave) {
			return false
		}
	}
	return through(st.Then, leave) && through(st.Else, leave)
}

// leads reports whether st is one of the declarations that its block begins with.
func leads(st *check.Stmt) bool {
	if st.Kind != check.DeclStmt || st.Up == nil || st.Up.Kind != check.Compound {
		return false
	}
	for _, x := range st.Up.List {
		if x == st {
			return true
		}
		if x.Kind != check.DeclStmt {
			break
		}
	}
	return false
}

// sibling returns st or, where nothing can stand before it (the second
// statement of a macro's several), the nearest statement before it in its block that has
// a place and from which control certainly comes to st within one packet.
func (p *placer) sibling(s site, st *check.Stmt, toks []cpp.Token) *check.Stmt {
	if st.Up == nil || st.Up.Kind != check.Compound {
		return st
	}
	at := -1
	for i, x := range st.Up.List {
		if x == st {
			at = i
		}
	}
	for i := at; i >= 0; i-- {
		x := st.Up.List[i]
		if pos, ok := Before(toks, x.Tok); ok && p.opt.Editable(pos.File) {
			return x
		}
		switch x.Kind {
		case check.Labeled, check.Case, check.Default: // control may come in here
			return st
		}
		for _, b := range p.packetsIn(s.fn) {
			if i > 0 && st.Up.List[i-1].Tok <= b.tok && b.tok < x.Tok {
				return st // a packet begins in between and clears the bits
			}
		}
	}
	return st
}

// packetsIn returns where packets may begin in f.
func (p *placer) packetsIn(f ir.FuncID) []beginning {
	if list, ok := p.packets[f]; ok {
		return list
	}
	var list []beginning
	fn := p.c.Prog.Funcs[f]
	for i := range fn.Instrs {
		if p.begins(fn, int32(i)) {
			list = append(list, beginning{fn.Instrs[i].Pos.Tok, fn.Instrs[i].Pos.End})
		}
	}
	for _, r := range p.res.Threads.Rounds[f] {
		at := r.Loop.Then.Tok
		if r.Cond != nil {
			at = r.Cond.Tok
		}
		list = append(list, beginning{at, at})
	}
	p.packets[f] = list
	return list
}

// insert puts the marks at s and returns where they went.
func (p *placer) insert(s site, vars []int, late bool, early []int) (source.Pos, bool) {
	at, ok := p.locate(s, vars, late, early...)
	if !ok {
		return source.Pos{}, false
	}
	for _, b := range at.bare {
		if !p.braced[b.pos] {
			p.braced[b.pos] = true
			p.put(b.braces...)
		}
	}
	for _, g := range at.groups {
		p.put(g...)
	}
	return at.pos, true
}

// Before returns the place in a file just before token t, if text can be
// inserted there: the token was written there, or it is the first of a macro
// invocation that was.
func Before(toks []cpp.Token, t int32) (source.Pos, bool) {
	k := &toks[t]
	if !k.Exp.IsValid() {
		return source.Pos{}, false
	}
	if k.Direct() || t == 0 || toks[t-1].Exp != k.Exp {
		return k.Exp, true
	}
	return source.Pos{}, false
}

// After returns the place just after the token before end.
func After(toks []cpp.Token, end int32) (source.Pos, bool) {
	k := &toks[end-1]
	if !k.Exp.IsValid() {
		return source.Pos{}, false
	}
	if k.Direct() || int(end) == len(toks) || toks[end].Exp != k.Exp {
		return source.Pos{File: k.Exp.File, Off: k.ExpEnd}, true
	}
	return source.Pos{}, false
}

type insertion struct {
	at source.Pos
	e  edit.Edit
}

func ins(at source.Pos, text string, prio int) insertion {
	return insertion{at, edit.Edit{Off: at.Off, End: at.Off, New: text, Prio: prio, By: "update mark"}}
}

// put enters insertions that belong together, all in one file.
func (p *placer) put(group ...insertion) {
	f := p.c.Prog.Files.File(group[0].at.File)
	edits := make([]edit.Edit, len(group))
	for i := range group {
		edits[i] = group[i].e
	}
	if err := p.set.Add(f.Path, f.Data, edits...); err != nil && p.err == nil {
		p.err = err
	}
}

func (p *placer) fail(ref ir.Ref, what string) {
	if p.failed[ref] {
		return
	}
	p.failed[ref] = true
	p.c.Sink.Add(source.Diagnostic{ID: "mark-impossible", Severity: source.Error, Pos: p.c.Pos(ref), Msg: what,
		Hint: "write the statement out where it is used: it comes from a macro, or from a file that is included several times"})
}

// mayReceive returns the functions a call of which may come to a receive site.
func mayReceive(c *passes.Context, pt *pointer.Result) map[ir.FuncID]bool {
	out := map[ir.FuncID]bool{}
	var up func(f ir.FuncID)
	up = func(f ir.FuncID) {
		if out[f] {
			return
		}
		out[f] = true
		for _, r := range pt.Callers(f) {
			up(r.Func)
		}
	}
	for _, s := range receive.Of(c).Sites {
		for _, t := range pt.Callees(s.Ref) {
			out[t] = true
		}
		up(s.Ref.Func)
	}
	return out
}

func (p *placer) finish() {
	less := func(m []Mark) func(i, j int) bool {
		return func(i, j int) bool {
			a, b := m[i], m[j]
			fa, fb := p.c.Prog.Files.File(a.Pos.File), p.c.Prog.Files.File(b.Pos.File)
			if fa != fb && fa != nil && fb != nil {
				return fa.Path < fb.Path
			}
			if a.Pos.Off != b.Pos.Off {
				return a.Pos.Off < b.Pos.Off
			}
			return a.Var < b.Var
		}
	}
	sort.SliceStable(p.res.Marks, less(p.res.Marks))
	sort.SliceStable(p.res.Pruned, less(p.res.Pruned))
	p.res.Marks = uniq(p.res.Marks)
	p.res.Pruned = uniq(p.res.Pruned)
}

// uniq drops marks at the same place: code of a header, lowered in several units.
func uniq(m []Mark) []Mark {
	out := m[:0]
	for i, x := range m {
		if i > 0 && x.Pos == m[i-1].Pos && x.Var == m[i-1].Var {
			continue
		}
		out = append(out, x)
	}
	return out
}
