// Package plan puts together what the generators need beyond the stages of the paper:
// which variables are tracked, the types on the way through their memory, the calls that
// allocate and release it, and what a person must still decide.
//
// # What is computed
//
// Tracked are the updateable variables that are not per-packet scratch. Their
// memory is what the pointer analysis reaches from them; objects of libraries
// (FILE, pcap_t), packet buffers, functions and what unknown code owns end the walk.
//
// Types are the records met on the way, by the types of variables and fields and by
// the element types that the pointer analysis found for heap objects: what a void *
// leads to counts too. A record comes after those that it contains.
//
// Sites are the calls of a library's allocator in the program's text (of a
// wrapper: the call inside it) whose blocks are reached. Where the blocks of one call have different
// types (a wrapper such as xmalloc), the type is taken from none of them.
//
// # What is left to people
//
// A walk over memory needs the type of everything that holds pointers. Where
// the program does not tell, there is a Decision: unions of a pointer and
// something else without a tag, a void * to memory of unknown type, blocks of unknown type
// that hold pointers, pointers to variables of procedures, library handles inside
// entries, collections of unknown shape or whose entries can't be taken out one by one, thread-local variables.
//
// What the program does tell is kept: the types behind each void * (a block knows which of them it is, by the call that made it),
// the tags of unions, and, as a hint for cleaning up, the variables that no output depends on.
//
// Sound for what the pointer analysis sees: every object that can be reached
// through pointers from a tracked variable is one of Globals, a block of one of Sites, or
// the subject of a Decision.
package plan

import (
	"fmt"
	"slices"
	"sort"
	"strings"

	"saz/frontend/ctype"
	"saz/ir"
	"saz/passes"
	"saz/passes/container"
	"saz/passes/flowspace"
	"saz/passes/output"
	"saz/passes/persist"
	"saz/passes/pointer"
	"saz/passes/scratch"
	"saz/passes/update"
)

// Pass is the plan pass.
var Pass = &passes.Pass{
	Name:     "plan",
	Doc:      "tracked variables, their types and allocation sites, and what is left to decide",
	Requires: []*passes.Pass{pointer.Pass, persist.Pass, update.Pass, scratch.Pass, container.Pass, flowspace.Pass, output.Pass},
	Run:      run,
}

// Of returns the result.
func Of(c *passes.Context) *Result { return c.Result(Pass).(*Result) }

type planner struct {
	c       *passes.Context
	pt      *pointer.Result
	res     *Result
	objs    []pointer.ObjID        // tracked memory, sorted
	tracked map[pointer.ObjID]bool // the same
	all     map[pointer.ObjID][]pointer.Loc
	roots   map[pointer.ObjID]bool
	opaque  map[*ctype.Record]bool
	seen    map[*ctype.Record]int // 1: being walked, 2: done
	told    map[string]bool

	distinct []*ctype.Type // one of each kind; see kind
	kinds    map[*ctype.Type]int
	texts    map[*ctype.Type]string
}

func run(c *passes.Context) (any, error) {
	ps, up, sc := persist.Of(c), update.Of(c), scratch.Of(c)
	p := &planner{c: c, pt: pointer.Of(c), tracked: map[pointer.ObjID]bool{}, all: map[pointer.ObjID][]pointer.Loc{}, roots: map[pointer.ObjID]bool{},
		opaque: map[*ctype.Record]bool{}, seen: map[*ctype.Record]int{}, told: map[string]bool{}, kinds: map[*ctype.Type]int{}, texts: map[*ctype.Type]string{},
		res: &Result{Index: map[persist.VarID]int{}, Opaque: map[string]bool{}, Elem: map[pointer.ObjID]*ctype.Type{}}}
	moved := owners(p.pt, ps, up)
	for i := range ps.Vars {
		v := &ps.Vars[i]
		if up.Updateable[v.ID] == nil || sc.Scratch[v.ID] != nil || !moved[v.ID] && !c.TrackAll || c.Config.Skips(v.Named(c.Prog)) {
			continue
		}
		p.res.Index[v.ID] = len(p.res.Vars)
		p.res.Vars = append(p.res.Vars, Var{Var: v.ID, Root: v.Type})
		p.reach(v)
	}
	for o := range p.tracked {
		p.objs = append(p.objs, o)
	}
	slices.Sort(p.objs)
	p.handles()
	p.elements()
	p.types(ps)
	p.sites()
	p.releases()
	p.targets()
	p.unions()
	p.decide(ps)
	p.unread(ps)
	return p.res, nil
}

// owned reports whether the program itself owns an object's bytes.
func (p *planner) owned(o pointer.ObjID) bool {
	x := &p.pt.Objects[o]
	switch x.Kind {
	case pointer.Heap:
		return !x.Opaque && !x.Packet
	case pointer.Global:
		g := p.c.Prog.Globals[x.Global]
		return g.Linkage != ir.Undefined && !g.String
	case pointer.Local:
		return true
	}
	return false
}

// reach adds what v leads to.
func (p *planner) reach(v *persist.Var) {
	var work []pointer.ObjID
	if v.Obj >= 0 {
		p.roots[v.Obj] = true
		work = append(work, v.Obj)
	} else {
		f := p.c.Prog.Funcs[v.Proc]
		for r := range f.Regs {
			if f.Regs[r].Local == v.Local {
				for _, l := range p.pt.PointsTo(v.Proc, ir.RegVal(ir.Reg(r))) {
					work = append(work, l.Obj)
				}
			}
		}
	}
	for len(work) > 0 {
		o := work[len(work)-1]
		work = work[:len(work)-1]
		if p.tracked[o] || !p.owned(o) || p.said(p.pt.TypeOf(o)) && !p.roots[o] {
			continue
		}
		p.tracked[o] = true
		for _, l := range p.contents(o) {
			work = append(work, l.Obj)
		}
	}
}

// contents is what all pointers in o point at; it is asked for often.
func (p *planner) contents(o pointer.ObjID) []pointer.Loc {
	x, ok := p.all[o]
	if !ok {
		x = p.pt.Contents(o, pointer.Any)
		p.all[o] = x
	}
	return x
}

// name is how a record is known to the generators.
func name(r *ctype.Record) string {
	if r.Tag != "" {
		return r.Tag
	}
	return r.Typedef
}

// handles finds the records whose objects belong to libraries.
func (p *planner) handles() {
	// By what is pointed at: a field all of whose targets are a library's.
	note := func(t *ctype.Type, locs []pointer.Loc) {
		if t.Kind != ctype.Pointer || t.Elem == nil || !t.Elem.IsRecord() || len(locs) == 0 {
			return
		}
		for _, l := range locs {
			if x := &p.pt.Objects[l.Obj]; !x.Opaque && !(x.Kind == pointer.Global && p.c.Prog.Globals[x.Global].Linkage == ir.Undefined) {
				return
			}
		}
		p.opaque[p.c.Prog.Record(t.Elem.Rec)] = true
	}
	for _, o := range p.objs {
		t := p.pt.TypeOf(o)
		if t == nil {
			continue
		}
		each(p.c.Prog, t, 0, func(f leaf) {
			if f.t.Kind == ctype.Pointer {
				note(f.t, p.pt.Contents(o, p.pt.Canon(o, f.off)))
			}
		})
	}
}

// known are the records of the C library that a program sees into and must not.
var known = map[string]bool{"_IO_FILE": true, "__dirstream": true, "pcap": true}

func (p *planner) isOpaque(r *ctype.Record) bool {
	return !r.Complete || p.opaque[r] || known[r.Tag] || p.c.Config.IsOpaque(r.Tag, r.Typedef)
}

// said reports whether t is a record that the settings give to a library.
func (p *planner) said(t *ctype.Type) bool {
	return t != nil && t.IsRecord() && t.Rec != nil && p.c.Config.IsOpaque(t.Rec.Tag, t.Rec.Typedef)
}

// A leaf is a scalar in a type; of an array the first.
type leaf struct {
	off   int64
	t     *ctype.Type
	field *ctype.Field
	union *ctype.Record // the innermost union around it
	path  string
}

// each calls f for each scalar of t, arrays taken for their first element.
func each(prog *ir.Program, t *ctype.Type, off int64, f func(leaf)) {
	var walk func(t *ctype.Type, off int64, field *ctype.Field, union *ctype.Record, path string)
	walk = func(t *ctype.Type, off int64, field *ctype.Field, union *ctype.Record, path string) {
		switch t.Kind {
		case ctype.Array:
			if t.Elem != nil {
				walk(t.Elem, off, field, union, path)
			}
		case ctype.Struct, ctype.Union:
			if t.Rec == nil {
				return
			}
			r := prog.Record(t.Rec)
			if r.Union {
				union = r
			}
			for i := range r.Fields {
				fl := &r.Fields[i]
				sub := path
				if fl.Name != "" {
					if sub != "" {
						sub += "."
					}
					sub += fl.Name
				}
				walk(fl.Type, off+fl.Off, fl, union, sub)
			}
		default:
			f(leaf{off, t, field, union, path})
		}
	}
	walk(t, off, nil, nil, "")
}

// pointers reports whether values of t hold pointers.
func pointers(prog *ir.Program, t *ctype.Type) bool {
	found := false
	each(prog, t, 0, func(l leaf) { found = found || l.t.Kind == ctype.Pointer })
	return found
}

// elements collects the types of the blocks.
func (p *planner) elements() {
	for _, o := range p.objs {
		if p.pt.Objects[o].Kind != pointer.Heap {
			continue
		}
		if t := p.pt.TypeOf(o); t != nil {
			p.res.Elem[o] = t
		}
	}
}

// types lists the records, by the variables in their order, then by the
// blocks.
func (p *planner) types(ps *persist.Result) {
	for _, v := range p.res.Vars {
		p.typeOf(v.Root)
	}
	for _, o := range p.objs {
		if t := p.pt.TypeOf(o); t != nil && (p.pt.Objects[o].Kind == pointer.Heap || p.roots[o]) {
			p.typeOf(t)
		}
	}
	for r := range p.opaque {
		p.res.Opaque[name(r)] = true
	}
	for _, r := range p.c.Prog.Records {
		if p.c.Config.IsOpaque(r.Tag, r.Typedef) {
			p.res.Opaque[name(r)] = true
		}
	}
}

// typeOf adds the records in and behind t.
func (p *planner) typeOf(t *ctype.Type) {
	if t == nil {
		return
	}
	switch t.Kind {
	case ctype.Array, ctype.Vector, ctype.Complex:
		p.typeOf(t.Elem)
	case ctype.Pointer:
		e := t.Elem
		for e != nil && e.Kind == ctype.Array {
			e = e.Elem
		}
		if e == nil {
			return
		}
		if e.IsRecord() && e.Rec != nil {
			r := p.c.Prog.Record(e.Rec)
			if p.isOpaque(r) {
				if n := name(r); n != "" {
					p.res.Opaque[n] = true
				}
				return
			}
			if p.seen[r] == 0 {
				p.record(r)
			}
			return
		}
		p.typeOf(e)
	case ctype.Struct, ctype.Union:
		if t.Rec != nil {
			p.record(p.c.Prog.Record(t.Rec))
		}
	}
}

// record adds r: first what it contains, then itself, then what it points at.
func (p *planner) record(r *ctype.Record) {
	if p.seen[r] != 0 || !r.Complete {
		return
	}
	p.seen[r] = 1
	for i := range r.Fields {
		t := r.Fields[i].Type
		for t.Kind == ctype.Array && t.Elem != nil {
			t = t.Elem
		}
		if t.IsRecord() && t.Rec != nil {
			p.record(p.c.Prog.Record(t.Rec))
		}
	}
	p.res.Types = append(p.res.Types, r)
	p.seen[r] = 2
	for i := range r.Fields {
		t := r.Fields[i].Type
		for t.Kind == ctype.Array && t.Elem != nil {
			t = t.Elem
		}
		if t.Kind == ctype.Pointer {
			p.typeOf(t)
		}
	}
}

// sites lists the allocating calls.
// owners are the variables through which something must be moved: their own bytes are
// updated, or memory that has no variable of its own. A pointer to another variable (a
// constant table of pointers to counters) has nothing to move that the other has not.
func owners(pt *pointer.Result, ps *persist.Result, up *update.Result) map[persist.VarID]bool {
	named := make([]bool, len(pt.Objects))
	for i := range ps.Vars {
		if o := ps.Vars[i].Obj; o >= 0 && up.Updateable[ps.Vars[i].ID] != nil {
			named[o] = true
		}
	}
	owns := make([]bool, len(ps.Vars))
	for i := range up.Updates {
		u := &up.Updates[i]
		if owns[u.Var] {
			continue
		}
		owns[u.Var] = u.Direct || len(u.Locs) == 0
		for k := 0; k < len(u.Locs) && !owns[u.Var]; k++ {
			owns[u.Var] = u.Locs[k].Obj < 0 || !named[u.Locs[k].Obj]
		}
	}
	out := map[persist.VarID]bool{}
	for id, x := range owns {
		if x {
			out[persist.VarID(id)] = true
		}
	}
	return out
}

// wrapped reports whether each of the objects was made by a call of a wrapper
// that gives it a type.
func (p *planner) wrapped(objs []pointer.ObjID) bool {
	for _, o := range objs {
		x := &p.pt.Objects[o]
		if x.Site == x.Inner || p.pt.TypeOf(o) == nil {
			return false
		}
	}
	return true
}

func (p *planner) sites() {
	byCall := map[ir.Ref][]pointer.ObjID{}
	var refs []ir.Ref
	for _, o := range p.objs {
		x := &p.pt.Objects[o]
		if x.Kind != pointer.Heap {
			continue
		}
		if byCall[x.Inner] == nil {
			refs = append(refs, x.Inner)
		}
		byCall[x.Inner] = append(byCall[x.Inner], o)
	}
	sort.Slice(refs, func(i, j int) bool {
		return refs[i].Func < refs[j].Func || refs[i].Func == refs[j].Func && refs[i].I < refs[j].I
	})
	for _, ref := range refs {
		if in := p.c.Instr(ref); in.Op != ir.Call {
			p.manual(in.Pos, "tracked state reaches this block on the stack, which can't follow it")
			continue
		}
		s := Site{ID: len(p.res.Sites) + 1, Ref: ref, Func: p.callee(ref)}
		holds, agree := false, true
		headed := slices.ContainsFunc(byCall[ref], func(o pointer.ObjID) bool { x := &p.pt.Objects[o]; return x.Head || x.Front > 0 })
		for k, o := range byCall[ref] {
			t := p.pt.TypeOf(o)
			if headed {
				t = nil // a header and what is behind it, in one block
			}
			if k == 0 {
				s.Elem = t
			} else if !same(p.c.Prog, s.Elem, t) {
				agree = false
			}
			for _, l := range p.contents(o) {
				holds = holds || p.pt.Objects[l.Obj].Kind != pointer.Unknown
			}
			holds = holds || t != nil && pointers(p.c.Prog, t)
		}
		if !agree {
			s.Elem = nil
			if p.wrapped(byCall[ref]) {
				// The allocator's wrapper: its callers know the type.
				p.res.Sites = append(p.res.Sites, s)
				for _, o := range byCall[ref] {
					p.res.Sites = append(p.res.Sites, Site{ID: len(p.res.Sites) + 1, Ref: p.pt.Objects[o].Site, Elem: p.pt.TypeOf(o), Retype: true})
				}
				continue
			}
		}
		s.Manual = s.Elem == nil && holds
		if s.Manual {
			text := s.Func + " allocates blocks that hold pointers, and their type is not known"
			if !agree {
				text = s.Func + " allocates blocks of several types that hold pointers: " + strings.Join(p.names(byCall[ref]), ", ")
			}
			p.manual(p.c.Instr(ref).Pos, "%s", text)
		}
		p.res.Sites = append(p.res.Sites, s)
	}
}

// names lists the types of blocks, each once.
func (p *planner) names(objs []pointer.ObjID) []string {
	var out []string
	for _, o := range objs {
		n := "unknown"
		if t := p.pt.TypeOf(o); t != nil {
			n = t.String()
		}
		if !slices.Contains(out, n) {
			out = append(out, n)
		}
	}
	sort.Strings(out)
	return out
}

// same reports whether two types are one in the whole program.
func same(prog *ir.Program, a, b *ctype.Type) bool {
	if a == nil || b == nil {
		return a == b
	}
	for a.Kind == b.Kind && a.Elem != nil && b.Elem != nil && (a.Kind == ctype.Pointer || a.Kind == ctype.Array && a.Len == b.Len) {
		a, b = a.Elem, b.Elem
	}
	if a.IsRecord() && b.IsRecord() {
		return prog.Record(a.Rec) == prog.Record(b.Rec)
	}
	return ctype.Same(a.Unqualified(), b.Unqualified())
}

// kind numbers types, the same one by one number.
func (p *planner) kind(t *ctype.Type) int {
	k, ok := p.kinds[t]
	if !ok {
		if k = slices.IndexFunc(p.distinct, func(x *ctype.Type) bool { return same(p.c.Prog, x, t) }); k < 0 {
			k = len(p.distinct)
			p.distinct = append(p.distinct, t)
		}
		p.kinds[t] = k
	}
	return k
}

// spelt is a type's text.
func (p *planner) spelt(t *ctype.Type) string {
	s, ok := p.texts[t]
	if !ok {
		s = t.String()
		p.texts[t] = s
	}
	return s
}

// callee is the name of the library function called at ref.
func (p *planner) callee(ref ir.Ref) string {
	in := p.c.Instr(ref)
	if in.Op == ir.Call && in.A.Kind == ir.VFunc {
		return p.c.Prog.Funcs[in.A.ID].Name
	}
	if in.Op == ir.Call {
		for _, t := range p.pt.Callees(ref) {
			if m := p.pt.Model(t); m != nil && m.Alloc != nil {
				return m.Name
			}
		}
	}
	return in.Name
}

// releases lists the calls that may release a tracked block, and the places
// where a releasing function's own address is used.
func (p *planner) releases() {
	if len(p.res.Sites) == 0 {
		return
	}
	frees := map[ir.FuncID][]int{}
	for _, f := range p.c.Prog.Funcs {
		m := p.pt.Model(f.ID)
		if m == nil {
			continue
		}
		args := m.Frees
		if m.Alloc != nil && m.Alloc.From != nil {
			switch m.Name {
			case "realloc", "reallocarray", "reallocf", "__libc_realloc":
				args = append(append([]int(nil), args...), *m.Alloc.From)
			}
		}
		if len(args) > 0 {
			frees[f.ID] = args
		}
	}
	for _, f := range p.c.Prog.Funcs {
		for i := range f.Instrs {
			in := &f.Instrs[i]
			ref := ir.Ref{Func: f.ID, I: int32(i)}
			if in.Op == ir.Call && p.mayFree(ref, in, frees) {
				p.res.Frees = append(p.res.Frees, ref)
			}
			taken := false
			first := in.Op == ir.Call
			in.Operands(func(v *ir.Value) {
				if v.Kind == ir.VFunc && !first && frees[ir.FuncID(v.ID)] != nil {
					taken = true
				}
				first = false
			})
			if taken {
				p.res.FreeRefs = append(p.res.FreeRefs, ref)
			}
		}
	}
	for _, g := range p.c.Prog.Globals {
		for i := range g.Init {
			if v := g.Init[i].Value; v.Kind == ir.VFunc && frees[ir.FuncID(v.ID)] != nil {
				p.manual(ir.Pos{Unit: g.Unit, Tok: tok(g), End: tok(g) + 1}, "%s holds the address of %s, which may release state", g.Name, p.c.Prog.Funcs[v.ID].Name)
			}
		}
	}
}

// tok is the token of a global's name.
func tok(g *ir.Global) int32 {
	if g.Obj != nil {
		return g.Obj.Tok
	}
	return -1
}

func (p *planner) mayFree(ref ir.Ref, in *ir.Instr, frees map[ir.FuncID][]int) bool {
	for _, t := range p.pt.Callees(ref) {
		for _, k := range frees[t] {
			if k >= len(in.Args) {
				continue
			}
			for _, l := range p.pt.PointsTo(ref.Func, in.Args[k]) {
				if p.tracked[l.Obj] && p.pt.Objects[l.Obj].Kind == pointer.Heap {
					return true
				}
			}
		}
	}
	return false
}

// targets lists the functions and variables that tracked memory points at.
func (p *planner) targets() {
	funcs, globals := map[ir.FuncID]bool{}, map[ir.GlobalID]bool{}
	for _, o := range p.objs {
		for _, l := range p.contents(o) {
			switch x := &p.pt.Objects[l.Obj]; x.Kind {
			case pointer.Func:
				funcs[x.Func] = true
			case pointer.Global:
				if g := p.c.Prog.Globals[x.Global]; !g.String && g.Linkage != ir.Undefined {
					globals[x.Global] = true
				}
			}
		}
	}
	for f := range funcs {
		p.res.Funcs = append(p.res.Funcs, f)
	}
	for g := range globals {
		p.res.Globals = append(p.res.Globals, g)
	}
	slices.Sort(p.res.Funcs)
	slices.Sort(p.res.Globals)
}

func (p *planner) manual(at ir.Pos, format string, args ...any) {
	what := fmt.Sprintf(format, args...)
	key := fmt.Sprintf("%d:%d:%s", at.Unit, at.Tok, what)
	if p.told[key] {
		return
	}
	p.told[key] = true
	p.res.Manual = append(p.res.Manual, Decision{What: what, Pos: at})
}

// posOf is where an object comes from.
func (p *planner) posOf(o pointer.ObjID) ir.Pos {
	x := &p.pt.Objects[o]
	switch x.Kind {
	case pointer.Heap:
		return p.c.Instr(x.Inner).Pos
	case pointer.Global:
		g := p.c.Prog.Globals[x.Global]
		if t := tok(g); t >= 0 {
			return ir.Pos{Unit: g.Unit, Tok: t, End: t + 1}
		}
	case pointer.Local:
		f := p.c.Prog.Funcs[x.Func]
		if l := &f.Locals[x.Local]; l.Obj != nil {
			return ir.Pos{Unit: f.Unit, Tok: l.Obj.Tok, End: l.Obj.Tok + 1}
		}
	}
	return ir.Pos{Unit: -1}
}

// varPos is where a variable is declared.
func (p *planner) varPos(v *persist.Var) ir.Pos {
	if v.Obj >= 0 {
		return p.posOf(v.Obj)
	}
	f := p.c.Prog.Funcs[v.Proc]
	if l := &f.Locals[v.Local]; l.Obj != nil {
		return ir.Pos{Unit: f.Unit, Tok: l.Obj.Tok, End: l.Obj.Tok + 1}
	}
	return ir.Pos{Unit: -1}
}

// decide lists what the program does not tell.
func (p *planner) decide(ps *persist.Result) {
	ct, fs := container.Of(p.c), flowspace.Of(p.c)
	for _, tv := range p.res.Vars {
		v := &ps.Vars[tv.Var]
		if v.Global >= 0 && p.c.Prog.Globals[v.Global].Thread {
			p.manual(p.varPos(v), "%s is thread-local: which thread's is meant must be said", v.Name)
		}
		k, s := ct.Containers[v.ID], fs.Spaces[v.ID]
		if k != nil && s != nil && k.Shape == container.Tree && s.Scope != "all-flows" {
			p.manual(p.varPos(v), "%s holds state of flows in a tree: only its own procedures can put an entry in", v.Name)
		}
		if k != nil && s != nil && k.Shape != container.Unknown && k.Shape != container.Tree && k.Together != "" && (s.Scope == "per-flow" || s.Scope == "multi-flow") {
			p.manual(p.varPos(v), "%s holds state of flows that moves all together: %s", v.Name, k.Together)
		}
		if k != nil && k.Together == "" && (k.Shape == container.List || k.Shape == container.HashList) && s.Networks() {
			p.manual(p.varPos(v), "%s holds state of networks, which moves all together: a filter may be narrower than an entry", v.Name)
		}
		if k != nil && k.Together == "" && (k.Shape == container.List || k.Shape == container.HashList) && s.Boxed() {
			p.manual(p.varPos(v), "%s holds state of flows that moves all together: its entries keep their key behind a pointer", v.Name)
		}
		if k != nil && s != nil && k.Shape == container.Unknown && (s.Scope == "per-flow" || s.Scope == "multi-flow") {
			p.manual(p.varPos(v), "%s holds state of flows in a collection of unknown shape: %s", v.Name, k.Unclear())
		}
	}
	for _, o := range p.objs {
		p.object(o)
	}
}

// unread lists the updateable variables that no output depends on.
func (p *planner) unread(ps *persist.Result) {
	up, sc, ou := update.Of(p.c), scratch.Of(p.c), output.Of(p.c)
	for i := range ps.Vars {
		id := ps.Vars[i].ID
		if up.Updateable[id] != nil && sc.Scratch[id] == nil && len(ou.Impacts[id]) == 0 {
			p.res.Unread = append(p.res.Unread, id)
		}
	}
}

// object judges one object of tracked memory.
func (p *planner) object(o pointer.ObjID) {
	x := &p.pt.Objects[o]
	at := p.posOf(o)
	what := p.pt.Name(o)
	if x.Kind == pointer.Local && !p.roots[o] {
		p.manual(at, "state points at %s, a variable of a procedure: it is left to the receiver's own", what)
		return
	}
	for _, l := range p.contents(o) {
		if y := &p.pt.Objects[l.Obj]; y.Kind == pointer.Global && p.c.Prog.Globals[y.Global].Name == "" && !p.c.Prog.Globals[y.Global].String {
			p.manual(at, "%s points at an object without a name (a compound literal)", what)
		}
	}
	t := p.pt.TypeOf(o)
	if t == nil {
		return // a site says so
	}
	if x.Kind != pointer.Heap && !p.roots[o] {
		return // only its address matters: it is the receiver's own
	}
	unions := map[*ctype.Record]bool{}
	each(p.c.Prog, t, 0, func(l leaf) {
		full := what
		if l.path != "" {
			full += "." + l.path
		}
		switch {
		case l.t.Kind != ctype.Pointer:
		case l.union != nil:
			if !unions[l.union] && mixedUnion(p.c.Prog, l.union) && !p.tagged(l.union) {
				unions[l.union] = true
				p.manual(at, "%s is in a union with something else, and nothing tells which is meant", full)
			}
		case l.t.Elem != nil && l.t.Elem.Kind == ctype.Void:
			p.void(o, l, at, full)
		case l.t.Elem != nil && l.t.Elem.IsRecord() && x.Kind == pointer.Heap:
			r := p.c.Prog.Record(l.t.Elem.Rec)
			if p.isOpaque(r) && !p.said(l.t.Elem) && len(p.pt.Contents(o, p.pt.Canon(o, l.off))) > 0 {
				p.manual(at, "%s is a handle of a library's (%s) inside an entry", full, name(r))
			}
		}
	})
}

// mixedUnion reports whether members of a union other than one pointer overlap
// a pointer.
func mixedUnion(prog *ir.Program, u *ctype.Record) bool {
	n := 0
	for i := range u.Fields {
		if u.Fields[i].Name != "" || u.Fields[i].Type.IsRecord() {
			n++
		}
	}
	return n > 1
}

// void judges a void *: one type behind it, or a decision.
func (p *planner) void(o pointer.ObjID, l leaf, at ir.Pos, full string) {
	unknown := false
	var typed []pointer.ObjID
	for _, x := range p.pt.Contents(o, p.pt.Canon(o, l.off)) {
		y := &p.pt.Objects[x.Obj]
		switch {
		case y.Kind == pointer.Func || y.Opaque || y.Kind == pointer.Global:
			continue
		case y.Kind == pointer.Unknown || y.Packet:
			unknown = true
			continue
		}
		if p.pt.TypeOf(x.Obj) != nil {
			typed = append(typed, x.Obj)
		} else {
			unknown = unknown || len(p.contents(x.Obj)) > 0
		}
	}
	p.noteVoid(full, at, typed)
	if unknown {
		p.manual(at, "%s (void *) leads to memory whose type is not known", full)
	}
}
