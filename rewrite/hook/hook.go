// Package hook ties a middlebox to the runtime: it makes the edits, other than
// update marks, that the runtime needs to know where packets begin and end, which heap
// blocks belong to state, and where variables without a linker name live.
//
//   - a procedure that a library calls with a packet gets SAZ_PACKET_SCOPE as
//     its first declaration,
//     as does what a library calls while it receives one, or takes apart what was received by another call (nfq_handle_packet);
//   - the call of the library's loop becomes SAZ_LOOP(call), a call that receives a
//     packet SAZ_RECEIVE(call): between two packets the state may be touched from outside;
//   - a call that blocks before the packet is received (poll, epoll_wait, sleep) in the same loop
//     becomes SAZ_IDLE(call);
//   - the loop of a thread that another thread hands packets to gets saz_round() or SAZ_ROUND in each round, and what
//     it blocks in before it has a packet SAZ_BLOCKED(call); the call by which an event loop waits SAZ_EVENTS(call);
//   - malloc(n) at a site whose blocks state can reach becomes saz_malloc(SITE, n), and every
//     free or realloc that may release such a block its saz_ namesake;
//   - a call of the program's own wrapper of malloc, which serves several types, becomes
//     saz_retype(SITE, call);
//   - a tracked variable with internal linkage gets SAZ_STATIC(ID, name) after its declaration.
//
// A call that stands in a macro's body is edited there if no other expansion of
// the macro can mean another site, or all of them allocate blocks of one type, and otherwise told by line which it is (lines.go). A macro's invocation that is nothing but the
// function's name (#define MALLOC malloc) or the call with the macro's own arguments (#define my_alloc(n) malloc(n)) gives way to the
// runtime's; one that is the call with others becomes saz_adopt(SITE, my_alloc(n)). What is left
// is an error that names the macro.
package hook

import (
	"fmt"
	"slices"
	"strings"

	"saz/frontend/cpp"
	"saz/frontend/ctype"
	"saz/frontend/source"
	"saz/ir"
	"saz/passes"
	"saz/passes/plan"
	"saz/passes/pointer"
	"saz/passes/receive"
	"saz/rewrite/edit"
	"saz/rewrite/track"
)

// Static is a variable or function whose address only its own file can say.
type Static struct {
	ID     int
	Global ir.GlobalID // -1 for a function
	Func   ir.FuncID   // -1 for a variable
	Units  int         // that have a tracked variable of their own from this one declaration
}

// Blocks is who wants the edits that only state images need: what records heap blocks, and the addresses of static variables.
const Blocks = "record of blocks"

// Place enters the edits of a program into set.
//
// Units says which sources read a header of their own in the place of saz_rt.h, by path, and headers their texts, by name.
func Place(c *passes.Context, set *edit.Set, statics []Static, marks *track.Result, opt track.Options) (units map[string]string, headers map[string][]byte, err error) {
	h := &hooks{c: c, set: set, marks: marks, opt: opt, uses: map[source.Pos]map[source.Pos]bool{}, bodies: map[source.Pos][]*plan.Site{}, lines: lines{map[source.Pos]bool{}, map[use]int{}, map[source.Pos]string{}, map[string]*unitHeader{}}, done: map[hooked]bool{}}
	if h.opt.Editable == nil {
		h.opt.Editable = func(f source.FileID) bool { return !track.SystemFile(c.Prog, f) }
	}
	h.by = "runtime hook"
	h.packets()
	h.threads()
	h.by = Blocks
	h.heap()
	h.number()
	h.statics(statics)
	units, headers = map[string]string{}, map[string][]byte{}
	for path, u := range h.lines.Units {
		units[path] = u.Name
		headers[u.Name] = u.Text()
	}
	return units, headers, h.err
}

type hooks struct {
	c      *passes.Context
	set    *edit.Set
	marks  *track.Result
	opt    track.Options
	uses   map[source.Pos]map[source.Pos]bool // spelling in a macro's body → where it is expanded
	bodies map[source.Pos][]*plan.Site        // the same → the sites that it is
	done   map[hooked]bool
	lines  lines
	by     string // who wants the edits that are added
	err    error
}

// A call in a header's inline procedure is one place, however many units have the procedure: the
// first one's number is used.
type hooked struct {
	what string
	at   source.Pos
}

// again reports whether the same has been done at the same place before.
func (h *hooks) again(what string, at source.Pos) bool {
	k := hooked{what, at}
	was := h.done[k]
	h.done[k] = true
	return was
}

func (h *hooks) toks(u ir.UnitID) []cpp.Token { return h.c.Prog.Units[u].AST.Tokens() }

func (h *hooks) add(file source.FileID, edits ...edit.Edit) {
	f := h.c.Prog.Files.File(file)
	for i := range edits {
		edits[i].By = h.by
	}
	if err := h.set.Add(f.Path, f.Data, edits...); err != nil && h.err == nil {
		h.err = err
	}
}

func insert(off int32, text string, prio int) edit.Edit {
	return edit.Edit{Off: off, End: off, New: text, Prio: prio}
}

func (h *hooks) fail(id string, pos source.Pos, format string, args ...any) {
	h.c.Sink.Add(source.Diagnostic{ID: id, Severity: source.Error, Pos: pos, Msg: fmt.Sprintf(format, args...),
		Hint: "write this call out where it is used, outside the macro"})
}

// threads brackets the rounds of threads that other threads hand packets to.
func (h *hooks) threads() {
	fids := make([]ir.FuncID, 0, len(h.marks.Threads.Rounds))
	for f := range h.marks.Threads.Rounds {
		fids = append(fids, f)
	}
	slices.Sort(fids)
	for _, f := range fids {
		for i := range h.marks.Threads.Rounds[f] {
			at, end, _ := track.RoundAt(h.c, &h.marks.Threads.Rounds[f][i], h.opt)
			if end.IsValid() {
				h.add(at.File, insert(at.Off, "(saz_round(), ", track.RankMark-5), insert(end.Off, ")", track.RankClose+1))
			} else {
				h.add(at.File, insert(at.Off, " SAZ_ROUND;", 0))
			}
		}
	}
	done := map[ir.Ref]bool{}
	for _, r := range h.marks.Threads.Waits {
		if !done[r] {
			done[r] = true
			h.wrap(h.c.Instr(r).Pos, "SAZ_BLOCKED(", ")", h.callee(r))
		}
	}
	for _, r := range h.marks.Threads.Events {
		if !done[r] {
			done[r] = true
			h.wrap(h.c.Instr(r).Pos, "SAZ_EVENTS(", ")", h.callee(r))
		}
	}
}

// packets brackets the processing of each packet.
func (h *hooks) packets() {
	scoped, idle := map[ir.FuncID]bool{}, map[ir.Ref]bool{}
	sites := receive.Of(h.c).Sites
	gives := func(s *receive.Site) bool { return len(s.Buffers) > 0 || s.Result }
	any := false
	for i := range sites {
		any = any || sites[i].Callbacks == nil && gives(&sites[i])
	}
	for i := range sites {
		s := &sites[i]
		back := s.Callbacks
		for _, cb := range pointer.Of(h.c).Callbacks(s.Ref) {
			if s.Callbacks == nil && len(h.c.Prog.Funcs[cb.Func].Blocks) > 0 {
				back = append(back[:len(back):len(back)], cb.Func)
			}
		}
		switch {
		case s.Callbacks != nil || len(back) > 0 && !gives(s) && !any:
			h.wrap(h.c.Instr(s.Ref).Pos, "SAZ_LOOP(", ")", s.Function)
		case len(back) > 0 && !gives(s): // it hands out what has been received elsewhere
		default:
			h.wrap(h.c.Instr(s.Ref).Pos, "SAZ_RECEIVE(", ")", s.Function)
			h.idle(s.Ref, idle)
		}
		for _, f := range back {
			if !scoped[f] {
				scoped[f] = true
				h.scope(h.c.Prog.Funcs[f])
			}
		}
	}
}

// blocking are the functions that wait for something other than a packet's bytes.
var blocking = map[string]bool{"poll": true, "ppoll": true, "select": true, "pselect": true, "epoll_wait": true,
	"epoll_pwait": true, "sleep": true, "usleep": true, "nanosleep": true, "clock_nanosleep": true}

// idle finds the calls by which a loop waits for the next packet: without a
// bracket around them the state could not be touched while nothing happens. Only where
// the call comes before the packet in each round is none in flight.
func (h *hooks) idle(site ir.Ref, done map[ir.Ref]bool) {
	f := h.c.Prog.Funcs[site.Func]
	loop := passes.LoopAround(f, f.Instrs[site.I].Block)
	if loop == nil {
		return
	}
	dom := ir.Dominators(f)
	for i := range f.Instrs {
		in := &f.Instrs[i]
		ref := ir.Ref{Func: f.ID, I: int32(i)}
		if in.Op != ir.Call || in.A.Kind != ir.VFunc || !blocking[h.c.Prog.Funcs[in.A.ID].Name] || !loop[in.Block] || done[ref] {
			continue
		}
		if at := f.Instrs[site.I].Block; in.Block != at && dom.Dominates(in.Block, at) || in.Block == at && ref.I < site.I {
			done[ref] = true
			h.wrap(in.Pos, "SAZ_IDLE(", ")", h.c.Prog.Funcs[in.A.ID].Name)
		}
	}
}

// wrappable reports whether wrap can.
func (h *hooks) wrappable(at ir.Pos) bool {
	toks := h.toks(at.Unit)
	lo, ok1 := track.Before(toks, at.Tok)
	hi, ok2 := track.After(toks, at.End)
	return ok1 && ok2 && lo.File == hi.File && h.opt.Editable(lo.File)
}

// wrap puts text around an expression.
func (h *hooks) wrap(at ir.Pos, open, shut, what string) {
	toks := h.toks(at.Unit)
	lo, ok1 := track.Before(toks, at.Tok)
	hi, ok2 := track.After(toks, at.End)
	if !ok1 || !ok2 || lo.File != hi.File || !h.opt.Editable(lo.File) {
		h.fail("packet-boundary", passes.SourcePos(h.c.Prog, at), "this call of %s stands inside a macro, where the packet's boundary can't be marked", what)
		return
	}
	if macro, _, _ := strings.Cut(open, "("); h.again(macro, lo) {
		return
	}
	h.add(lo.File, insert(lo.Off, open, track.RankMark+10), insert(hi.Off, shut, track.RankClose-10))
}

// scope makes a procedure's body the scope of a packet.
func (h *hooks) scope(f *ir.Func) {
	if f.Def == nil || f.Def.Body == nil {
		return
	}
	pos, ok := track.ScopeAt(h.c, f.ID)
	if !ok {
		h.fail("packet-boundary", f.Pos, "the body of %s begins inside a macro", f.Name)
		return
	}
	macro := "SAZ_PACKET_SCOPE"
	for _, r := range pointer.Of(h.c).Callers(f.ID) {
		if in := h.c.Instr(r); in.A.Kind == ir.VFunc && ir.FuncID(in.A.ID) == f.ID {
			macro = "SAZ_CALLED_SCOPE" // it may be inlined there
		}
	}
	h.add(pos.File, insert(pos.Off, " "+macro+";", 0))
}

// allocators are the functions that the runtime has namesakes of.
var allocators = map[string]bool{"malloc": true, "calloc": true, "realloc": true, "reallocarray": true, "aligned_alloc": true, "memalign": true, "valloc": true,
	"posix_memalign": true, "strdup": true, "strndup": true, "asprintf": true, "vasprintf": true}

// fromMalloc are functions whose result is to be given to free.
var fromMalloc = map[string]bool{"realpath": true, "getcwd": true, "get_current_dir_name": true, "canonicalize_file_name": true, "tempnam": true,
	"wcsdup": true, "readline": true}

// heap renames the calls that allocate and release tracked blocks.
func (h *hooks) heap() {
	pl := plan.Of(h.c)
	done := map[ir.Ref]bool{}
	for i := range pl.Sites {
		if !pl.Sites[i].Retype {
			h.body(&pl.Sites[i])
		}
	}
	for _, s := range pl.Sites {
		if s.Retype {
			if at := h.c.Instr(s.Ref).Pos; !h.wrappable(at) && h.retype(at, s.ID) {
				continue
			}
			h.wrap(h.c.Instr(s.Ref).Pos, fmt.Sprintf("saz_retype(%d, ", s.ID), ")", "an allocator's wrapper")
			continue
		}
		done[s.Ref] = true
		switch name := strings.TrimPrefix(s.Func, "__builtin_"); {
		case allocators[name]:
			h.call(s.Ref, s.Func, fmt.Sprintf("%d, ", s.ID))
		case fromMalloc[name] && h.wrappable(h.c.Instr(s.Ref).Pos):
			h.wrap(h.c.Instr(s.Ref).Pos, fmt.Sprintf("saz_adopt(%d, ", s.ID), ")", name)
		default:
			h.c.Sink.Add(source.Diagnostic{ID: "allocation-foreign", Severity: source.Warning, Pos: h.c.Pos(s.Ref),
				Msg:  fmt.Sprintf("what %s allocates here can be reached from state and is not malloc's: it can't be moved, and a move leaves it to the receiver's own", s.Func),
				Hint: "say so in saz.yaml, under opaque, if its type belongs to a library"})
		}
	}
	for _, r := range pl.Frees {
		if done[r] {
			continue
		}
		done[r] = true
		switch name := h.callee(r); name {
		case "free", "cfree":
			h.call(r, name, "")
		case "realloc", "reallocarray":
			h.call(r, name, "0, ") // the block keeps its own site
		}
		// Others (fclose) release objects of their library's own, which are not tracked. A call through a
		// pointer comes to saz_free, as every mention of free that is not a call becomes one of saz_free.
	}
	h.freeInData(pl)
	for _, r := range pl.FreeRefs {
		named := false // free itself, not one that a library has for its objects
		h.c.Instr(r).Operands(func(v *ir.Value) {
			named = named || v.Kind == ir.VFunc && h.c.Prog.Funcs[v.ID].Name == "free"
		})
		at := h.c.Instr(r).Pos
		toks := h.toks(at.Unit)
		for i := at.Tok; i < at.End && named; i++ {
			if toks[i].Kind == cpp.Ident && toks[i].Text == "free" && !member(toks, i) {
				h.rename(at, &toks[i], "saz_free", source.Pos{}, "")
			}
		}
	}
}

// freeInData renames free where a variable's initialiser has its address.
func (h *hooks) freeInData(pl *plan.Result) {
	if len(pl.Sites) == 0 {
		return
	}
	for _, g := range h.c.Prog.Globals {
		holds := false
		for i := range g.Init {
			v := &g.Init[i].Value
			holds = holds || v.Kind == ir.VFunc && h.c.Prog.Funcs[v.ID].Name == "free"
		}
		if !holds || g.Obj == nil {
			continue
		}
		toks := h.toks(g.Unit)
		depth, found := 0, false
		for i := g.Obj.Tok; int(i) < len(toks) && (depth > 0 || toks[i].Text != ";"); i++ {
			switch t := &toks[i]; {
			case t.Text == "(" || t.Text == "[" || t.Text == "{":
				depth++
			case t.Text == ")" || t.Text == "]" || t.Text == "}":
				depth--
			case t.Kind == cpp.Ident && t.Text == "free" && !member(toks, i):
				found = true
				h.rename(ir.Pos{Unit: g.Unit, Tok: i, End: i + 1}, t, "saz_free", source.Pos{}, "")
			}
		}
		if !found {
			h.fail("allocation-hidden", g.Pos, "the initialiser of %s has the address of free, but not by its name", g.Name)
		}
	}
}

// member reports whether token i is the name of a member.
func member(toks []cpp.Token, i int32) bool {
	return i > 0 && (toks[i-1].Text == "." || toks[i-1].Text == "->")
}

// callee returns the name of the library function that the call at r names.
func (h *hooks) callee(r ir.Ref) string {
	if in := h.c.Instr(r); in.A.Kind == ir.VFunc {
		return h.c.Prog.Funcs[in.A.ID].Name
	}
	return ""
}

// call changes name(args) at r to saz_name(first args).
func (h *hooks) call(r ir.Ref, name, first string) {
	i := h.nameOf(r, name)
	if i == nil {
		h.fail("allocation-hidden", h.c.Pos(r), "%s is called here through a pointer or by a name that saz can't see; its blocks can't be tracked", name)
		return
	}
	at := h.c.Instr(r).Pos
	toks := h.toks(at.Unit)
	paren := source.Pos{}
	if first != "" {
		paren = toks[*i+1].Spell
		paren.Off++
	}
	h.rename(at, &toks[*i], "saz_"+strings.TrimPrefix(name, "__builtin_"), paren, first)
}

// rename replaces an identifier and inserts text at paren. In a macro's body that is
// right only if each expansion means the same.
func (h *hooks) rename(at ir.Pos, t *cpp.Token, name string, paren source.Pos, first string) {
	if !t.Spell.IsValid() || !h.opt.Editable(t.Spell.File) {
		if h.other(at, t, name, paren, first) || t.Chain != 0 && (h.whole(at, name, first) || first != "" && first != "0, " && h.adopt(at, first)) {
			return
		}
		h.fail("allocation-hidden", t.Exp, "%s is made by pasting tokens or comes from a system header's macro", t.Text)
		return
	}
	if t.Chain != 0 && first != "" && first != "0, " && (h.other(at, t, name, paren, first) || h.whole(at, name, first)) {
		return
	}
	if t.Chain != 0 && first != "" && first != "0, " && h.expansions(t.Spell) > 1 {
		if h.adopt(at, first) {
			if strings.HasPrefix(t.Text, "realloc") {
				h.rename(at, t, name, paren, "0, ") // in the macro's body; right for all its users
			}
			return
		}
		if n := len(h.bodies[t.Spell]); n == 0 || n < h.expansions(t.Spell) || !h.alike(h.bodies[t.Spell]) {
			var id int
			fmt.Sscanf(first, "%d", &id)
			h.site(t, id)
			first = "SAZ_SITE, "
		} else {
			// All of them allocate blocks of one type: the first one's number stands for all.
			first = fmt.Sprintf("%d, ", h.bodies[t.Spell][0].ID)
		}
	}
	if first != "" && paren.File != t.Spell.File {
		if h.other(at, t, name, paren, first) {
			return
		}
		h.fail("allocation-in-macro", t.Exp, "the arguments of this call of %s do not stand where its name does", t.Text)
		return
	}
	if h.again(name, t.Spell) {
		return
	}
	edits := []edit.Edit{{Off: t.Spell.Off, End: t.Spell.Off + int32(len(t.Text)), New: name}}
	if first != "" {
		edits = append(edits, insert(paren.Off, first, 0))
	}
	h.add(t.Spell.File, edits...)
}

// other puts the runtime's name in the place of a macro's invocation that stands for nothing but the library's (#define MALLOC malloc).
func (h *hooks) other(at ir.Pos, t *cpp.Token, name string, paren source.Pos, first string) bool {
	if t.Chain == 0 {
		return false
	}
	toks := h.toks(at.Unit)
	for i := at.Tok; i < at.End; i++ {
		if &toks[i] != t {
			continue
		}
		lo, ok1 := track.Before(toks, i)
		hi, ok2 := track.After(toks, i+1)
		if !ok1 || !ok2 || lo.File != hi.File || !h.opt.Editable(lo.File) || first != "" && (paren.File != hi.File || paren.Off <= hi.Off) {
			return false
		}
		if !h.again(name, lo) {
			edits := []edit.Edit{{Off: lo.Off, End: hi.Off, New: name}}
			if first != "" {
				edits = append(edits, insert(paren.Off, first, 0))
			}
			h.add(lo.File, edits...)
		}
		return true
	}
	return false
}

// body notes the sites of calls that are spelled in macros' bodies, by where the name is.
func (h *hooks) body(s *plan.Site) {
	if t := h.nameOf(s.Ref, s.Func); t != nil && h.toks(h.c.Instr(s.Ref).Pos.Unit)[*t].Chain != 0 {
		p := h.toks(h.c.Instr(s.Ref).Pos.Unit)[*t].Spell
		h.bodies[p] = append(h.bodies[p], s)
	}
}

// alike reports whether blocks of all sites are laid out alike.
func (h *hooks) alike(list []*plan.Site) bool {
	for _, s := range list {
		a, b := s.Elem, list[0].Elem
		if s.Manual || (a == nil) != (b == nil) {
			return false
		}
		if a == nil || a.Unqualified() == b.Unqualified() {
			continue
		}
		if a.IsRecord() && b.IsRecord() && a.Rec != nil && b.Rec != nil && h.c.Prog.Record(a.Rec) == h.c.Prog.Record(b.Rec) {
			continue
		}
		if !ctype.Same(a.Unqualified(), b.Unqualified()) {
			return false
		}
	}
	return true
}

// nameOf is the token by which the call at r names the function.
func (h *hooks) nameOf(r ir.Ref, name string) *int32 {
	at := h.c.Instr(r).Pos
	toks := h.toks(at.Unit)
	base := strings.TrimPrefix(name, "__builtin_")
	for i := at.Tok; i+1 < at.End; i++ {
		t := &toks[i]
		if t.Kind == cpp.Ident && (t.Text == name || t.Text == "__builtin_"+base || t.Text == base) && toks[i+1].Text == "(" && !member(toks, i) {
			return &i
		}
	}
	return nil
}

// whole makes a macro's invocation that is exactly a call with the macro's own arguments (#define my_alloc(n) malloc(n)) into
// one of name, which spares the runtime asking malloc for the size.
func (h *hooks) whole(at ir.Pos, name, first string) bool {
	toks := h.toks(at.Unit)
	inner := at
	at = h.outer(at)
	lo, ok1 := track.Before(toks, at.Tok)
	hi, ok2 := track.After(toks, at.End)
	if !ok1 || !ok2 || lo.File != hi.File || !h.opt.Editable(lo.File) || inner.End-inner.Tok < 4 {
		return false
	}
	text := h.c.Prog.Files.File(lo.File).Data[lo.Off:hi.Off]
	n := 0
	for n < len(text) && (text[n] == '_' || text[n] >= '0' && text[n] <= '9' || text[n]|0x20 >= 'a' && text[n]|0x20 <= 'z') {
		n++
	}
	paren := n
	for paren < len(text) && (text[paren] == ' ' || text[paren] == '\t') {
		paren++
	}
	if n == 0 || paren >= len(text) || text[paren] != '(' {
		return false
	}
	// The arguments stand in the file as they are, in their order, with all that is between the parentheses.
	next := lo.Off + int32(paren) + 1
	for i := inner.Tok + 2; i < inner.End-1; i++ {
		t := &toks[i]
		if t.Text == "," && t.Spell.File != lo.File || t.Text == "," && (t.Spell.Off < lo.Off || t.Spell.Off >= hi.Off) {
			for next < hi.Off && text[next-lo.Off] != ',' {
				if c := text[next-lo.Off]; c != ' ' && c != '\t' {
					return false
				}
				next++
			}
			next++
			continue
		}
		if t.Spell.File != lo.File || t.Spell.Off < next || t.Spell.Off >= hi.Off {
			return false
		}
		for ; next < t.Spell.Off; next++ {
			if c := text[next-lo.Off]; c != ' ' && c != '\t' {
				return false
			}
		}
		next += int32(len(t.Text))
	}
	for ; next < hi.Off-1; next++ {
		if c := text[next-lo.Off]; c != ' ' && c != '\t' {
			return false
		}
	}
	if text[hi.Off-1-lo.Off] != ')' {
		return false
	}
	if !h.again(name, lo) {
		edits := []edit.Edit{{Off: lo.Off, End: lo.Off + int32(n), New: name}}
		if first != "" {
			edits = append(edits, insert(lo.Off+int32(paren)+1, first, 0))
		}
		h.add(lo.File, edits...)
	}
	return true
}

// outer is the expression with the parentheses that a macro has around it.
func (h *hooks) outer(at ir.Pos) ir.Pos {
	toks := h.toks(at.Unit)
	for at.Tok > 0 && int(at.End) < len(toks) && toks[at.Tok-1].Text == "(" && toks[at.End].Text == ")" &&
		toks[at.Tok].Chain != 0 && toks[at.Tok-1].Exp == toks[at.Tok].Exp && toks[at.End].Exp == toks[at.Tok].Exp {
		at.Tok--
		at.End++
	}
	return at
}

// adopt makes a macro's invocation that is exactly the call at at into
// saz_adopt(SITE, invocation).
func (h *hooks) adopt(at ir.Pos, first string) bool {
	toks := h.toks(at.Unit)
	at = h.outer(at)
	lo, ok1 := track.Before(toks, at.Tok)
	hi, ok2 := track.After(toks, at.End)
	if !ok1 || !ok2 || lo.File != hi.File || !h.opt.Editable(lo.File) {
		return false
	}
	if h.again("saz_adopt", lo) {
		return true
	}
	h.add(lo.File, insert(lo.Off, "saz_adopt("+first, track.RankMark+10), insert(hi.Off, ")", track.RankClose-10))
	return true
}

// expansions counts the places at which the token spelled at p is expanded.
func (h *hooks) expansions(p source.Pos) int {
	if len(h.uses) == 0 {
		for _, u := range h.c.Prog.Units {
			toks := u.AST.Tokens()
			for i := range toks {
				t := &toks[i]
				if t.Chain == 0 || !t.Spell.IsValid() || t.Kind != cpp.Ident {
					continue
				}
				if h.uses[t.Spell] == nil {
					h.uses[t.Spell] = map[source.Pos]bool{}
				}
				h.uses[t.Spell][t.Exp] = true
			}
		}
	}
	return len(h.uses[p])
}

// statics makes the addresses of variables with internal linkage known.
func (h *hooks) statics(list []Static) {
	for _, s := range list {
		if s.Units > 1 {
			g := h.c.Prog.Globals[s.Global]
			h.c.Sink.Add(source.Diagnostic{ID: "static-shared", Severity: source.Warning, Pos: g.Pos,
				Msg:  fmt.Sprintf("%s is a variable of its own in each of %d units that read this line: its updates are tracked, but it can't be moved", g.Name, s.Units),
				Hint: "define it in one unit, and declare it extern"})
			continue
		}
		var unit ir.UnitID
		var name string
		var tok int32 = -1
		var pos source.Pos
		macro := "SAZ_STATIC"
		if s.Global >= 0 {
			g := h.c.Prog.Globals[s.Global]
			unit, name, pos = g.Unit, g.Name, g.Pos
			if g.Obj != nil {
				tok = g.Obj.Tok
			}
		} else {
			f := h.c.Prog.Funcs[s.Func]
			unit, name, pos, macro = f.Unit, f.Name, f.Pos, "SAZ_STATIC_FN"
			if f.Def != nil {
				tok = f.Def.End - 1 // its closing brace
			}
		}
		end, ok := h.after(unit, tok, s.Global >= 0)
		if !ok && (name == "__func__" || name == "__FUNCTION__" || name == "__PRETTY_FUNCTION__") {
			continue // what it holds is the same everywhere
		}
		if !ok {
			h.c.Sink.Add(source.Diagnostic{ID: "static-hidden", Severity: source.Warning, Pos: pos,
				Msg:  fmt.Sprintf("%s is declared in a macro or in a file that is not the project's: its updates are tracked, but it can't be moved", name),
				Hint: "declare it in a file of the project's, outside any macro"})
			continue
		}
		h.add(end.File, insert(end.Off, fmt.Sprintf(" %s(%d, %s);", macro, s.ID, name), 0))
	}
}

// after returns the place after the declaration that the token at tok is in: behind its
// semicolon, or behind a function's closing brace.
func (h *hooks) after(unit ir.UnitID, tok int32, semicolon bool) (source.Pos, bool) {
	if tok < 0 {
		return source.Pos{}, false
	}
	toks := h.toks(unit)
	if !semicolon {
		return track.After(toks, tok+1)
	}
	depth := 0
	for i := tok; int(i) < len(toks); i++ {
		switch toks[i].Text {
		case "(", "[", "{":
			depth++
		case ")", "]", "}":
			depth--
		case ";":
			if depth <= 0 {
				pos, ok := track.After(toks, i+1)
				return pos, ok && h.opt.Editable(pos.File)
			}
		}
	}
	return source.Pos{}, false
}
