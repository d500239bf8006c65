package pointsto

import (
	"slices"

	"saz/frontend/source"
	"saz/ir"
	"saz/passes"
	"saz/passes/pointer"
)

// A node is a value that may point somewhere: an operand of a procedure, or, with f -1,
// what is stored at a place.
type node struct {
	f  ir.FuncID
	v  ir.Value
	at pointer.Loc
}

// A cause is one step back: the node that a value came from and the place in the source
// where it did. With end the address is taken, or the object made, right there.
type cause struct {
	from node
	pos  source.Pos
	text string
	end  bool
}

// Why returns a shortest chain of assignments by which the address of the object of target
// came to be what a says, from where it was taken or allocated on; nil if there is none (a does
// not point there, or the analysis knows it from nowhere in particular).
//
// The search goes backwards from the expression, over what may have written each
// value, and only by values that may point into the object. Which of several ways a run
// takes is not known to the analysis either.
func Why(c *passes.Context, a *Answer, target pointer.Loc) []passes.Why {
	w := &why{c: c, pt: pointer.Of(c), o: target.Obj, stored: map[pointer.Loc]bool{}}
	w.findWriters()
	type step struct {
		node
		back int // index of the step that it was found from, -1 for a seed
		cause
	}
	var steps []step
	seen := map[node]bool{}
	for _, s := range a.seeds {
		if w.holds(s) && !seen[s] {
			seen[s] = true
			steps = append(steps, step{node: s, back: -1})
		}
	}
	for i := 0; i < len(steps); i++ {
		for _, x := range w.causes(steps[i].node) {
			if x.end {
				chain := []passes.Why{{Pos: x.pos, Text: x.text}}
				for k := i; steps[k].back >= 0; k = steps[k].back {
					chain = append(chain, passes.Why{Pos: steps[k].pos, Text: steps[k].text})
				}
				return w.fold(chain)
			}
			if !seen[x.from] {
				seen[x.from] = true
				steps = append(steps, step{node: x.from, back: i, cause: x})
			}
		}
	}
	return nil
}

// why is one search.
type why struct {
	c       *passes.Context
	pt      *pointer.Result
	o       pointer.ObjID
	writers []ir.Ref // instructions that may store a pointer into o
	stored  map[pointer.Loc]bool
}

func (w *why) fold(chain []passes.Why) []passes.Why {
	var out []passes.Why
	place := func(x passes.Why) source.Place { p := w.c.Prog.Files.Place(x.Pos); p.Col = 0; return p }
	for _, x := range chain {
		if !x.Pos.IsValid() {
			continue
		}
		if n := len(out); n > 0 && place(out[n-1]) == place(x) {
			if len(x.Text) > len(out[n-1].Text) { // parts of one statement: the whole says more
				out[n-1] = x
			}
			continue
		}
		out = append(out, x)
	}
	return out
}

func (w *why) in(l []pointer.Loc) bool {
	_, ok := slices.BinarySearchFunc(l, w.o, func(x pointer.Loc, o pointer.ObjID) int { return int(x.Obj - o) })
	return ok
}

// holds reports whether what n is may point into the object.
func (w *why) holds(n node) bool {
	if n.f >= 0 {
		return w.in(w.pt.PointsTo(n.f, n.v))
	}
	is, ok := w.stored[n.at]
	if !ok {
		is = w.in(w.pt.Contents(n.at.Obj, n.at.Off))
		w.stored[n.at] = is
	}
	return is
}

// address reports whether v is the address of the object itself.
func (w *why) address(f ir.FuncID, v ir.Value) bool {
	return v.Kind != ir.VReg && w.in(w.pt.PointsTo(f, v))
}

// findWriters lists, once, the instructions that may put a pointer into o anywhere.
func (w *why) findWriters() {
	for _, f := range w.c.Prog.Funcs {
		for i := range f.Instrs {
			in, ref := &f.Instrs[i], ir.Ref{Func: f.ID, I: int32(i)}
			switch in.Op {
			case ir.Store:
				if w.in(w.pt.PointsTo(f.ID, in.B)) {
					w.writers = append(w.writers, ref)
				}
			case ir.Copy:
				if w.inside(f.ID, in.B) {
					w.writers = append(w.writers, ref)
				}
			case ir.Call, ir.Builtin:
				if in.B.Kind != ir.NoVal && in.Op == ir.Call && w.inside(f.ID, in.B) {
					w.writers = append(w.writers, ref)
					continue
				}
				for _, v := range in.Args {
					if w.in(w.pt.PointsTo(f.ID, v)) || w.inside(f.ID, v) {
						w.writers = append(w.writers, ref)
						break
					}
				}
			}
		}
	}
}

// inside reports whether what v points at holds a pointer into the object.
func (w *why) inside(f ir.FuncID, v ir.Value) bool {
	for _, l := range w.pt.PointsTo(f, v) {
		if w.holds(node{f: -1, at: pointer.Loc{Obj: l.Obj, Off: pointer.Any}}) {
			return true
		}
	}
	return false
}

// causes are where what n is may have come from.
func (w *why) causes(n node) []cause {
	if n.f < 0 {
		return w.memory(n.at)
	}
	if n.v.Kind != ir.VReg {
		return nil
	}
	f := w.c.Prog.Funcs[n.f]
	reg := &f.Regs[n.v.ID]
	if reg.Def < 0 {
		if reg.Local >= 0 && f.Locals[reg.Local].Param {
			return w.passed(f, reg.Local, 0)
		}
		return nil
	}
	ref := ir.Ref{Func: f.ID, I: reg.Def}
	in := &f.Instrs[reg.Def]
	text, pos := w.c.Text(ref), w.c.Pos(ref)
	var out []cause
	value := func(v ir.Value) {
		if w.address(f.ID, v) {
			out = append(out, cause{pos: pos, text: text, end: true})
		} else if m := (node{f: f.ID, v: v}); v.Kind == ir.VReg && w.holds(m) {
			out = append(out, cause{from: m, pos: pos, text: text})
		}
	}
	switch in.Op {
	case ir.Load:
		out = w.read(f.ID, in.A, pos, text)
	case ir.Call:
		return w.result(ref)
	case ir.Alloca:
		out = append(out, cause{pos: pos, text: text + " makes it", end: true})
	case ir.Builtin:
		in.Operands(func(v *ir.Value) {
			value(*v)
			out = append(out, w.read(f.ID, *v, pos, text)...)
		})
	case ir.Phi:
		text, pos = "", source.Pos{}
		in.Operands(func(v *ir.Value) { value(*v) })
	default:
		in.Operands(func(v *ir.Value) { value(*v) })
	}
	return out
}

// read are the places that a load through v may take a pointer into the object from.
func (w *why) read(f ir.FuncID, v ir.Value, pos source.Pos, text string) (out []cause) {
	for _, l := range w.pt.PointsTo(f, v) {
		if m := (node{f: -1, at: l}); w.holds(m) {
			out = append(out, cause{from: m, pos: pos, text: text})
		}
	}
	return out
}

// passed are the arguments that a parameter may have been given; off bytes into it, if
// it is a record.
func (w *why) passed(f *ir.Func, param ir.LocalID, off int64) (out []cause) {
	k := slices.Index(f.Params, param)
	for _, ref := range w.pt.Callers(f.ID) {
		in := w.c.Instr(ref)
		text, pos := w.c.Text(ref), w.c.Pos(ref)
		if _, direct := slices.BinarySearch(w.pt.Callees(ref), f.ID); !direct {
			// A library hands it on: some argument, or what it kept.
			in.Operands(func(v *ir.Value) { out = append(out, w.value(ref.Func, *v, pos, text+" has it handed to "+f.Name)...) })
			if len(out) == 0 {
				out = append(out, cause{pos: pos, text: "the library calls " + f.Name + " with it, because of " + text, end: true})
			}
			continue
		}
		if k < 0 || k >= len(in.Args) {
			continue
		}
		text += " passes it as " + f.Locals[param].Name
		if t := f.Locals[param].Type; t != nil && t.IsRecord() {
			for _, l := range w.pt.PointsTo(ref.Func, in.Args[k]) {
				for _, x := range w.pt.Shift(l, off) {
					if m := (node{f: -1, at: x}); w.holds(m) {
						out = append(out, cause{from: m, pos: pos, text: text})
					}
				}
			}
			continue
		}
		out = append(out, w.value(ref.Func, in.Args[k], pos, text)...)
	}
	return out
}

// value is the cause that v itself is, if it may point into the object.
func (w *why) value(f ir.FuncID, v ir.Value, pos source.Pos, text string) []cause {
	switch m := (node{f: f, v: v}); {
	case w.address(f, v):
		return []cause{{pos: pos, text: text, end: true}}
	case v.Kind == ir.VReg && w.holds(m):
		return []cause{{from: m, pos: pos, text: text}}
	}
	return nil
}

// result are where the result of a call may come from.
func (w *why) result(ref ir.Ref) (out []cause) {
	in := w.c.Instr(ref)
	text, pos := w.c.Text(ref), w.c.Pos(ref)
	for _, g := range w.pt.Callees(ref) {
		callee := w.c.Prog.Funcs[g]
		if !callee.Defined() {
			if slices.Contains(w.pt.HeapAt(ref), w.o) {
				return []cause{{pos: pos, text: text + " allocates it", end: true}}
			}
			n := len(out)
			for _, v := range in.Args {
				out = append(out, w.value(ref.Func, v, pos, text)...)
			}
			for _, v := range in.Args {
				out = append(out, w.read(ref.Func, v, pos, text)...)
			}
			if m := w.pt.Model(g); m != nil && m.Gives {
				out = append(out, w.kept(m.Slot)...)
			}
			if len(out) == n {
				out = append(out, cause{pos: pos, text: text + " hands it out", end: true})
			}
			continue
		}
		for i := range callee.Instrs {
			if r := &callee.Instrs[i]; r.Op == ir.Ret {
				at := ir.Ref{Func: g, I: int32(i)}
				out = append(out, w.value(g, r.A, w.c.Pos(at), w.c.Text(at))...)
			}
		}
	}
	return out
}

// memory are the instructions and initialisers that may have stored a pointer into the object at l.
func (w *why) memory(l pointer.Loc) (out []cause) {
	meets := func(x pointer.Loc) bool {
		return x.Obj == l.Obj && (x.Off == l.Off || x.Off == pointer.Any || l.Off == pointer.Any)
	}
	ob := &w.pt.Objects[l.Obj]
	switch ob.Kind {
	case pointer.Global:
		g := w.c.Prog.Globals[ob.Global]
		for i := range g.Init {
			v := g.Init[i].Value
			if w.address(-1, v) && meets(pointer.Loc{Obj: l.Obj, Off: w.pt.Canon(l.Obj, g.Init[i].Off)}) {
				return []cause{{pos: g.Pos, text: g.Name + " is initialised with it", end: true}}
			}
		}
	case pointer.Local:
		f := w.c.Prog.Funcs[ob.Func]
		if f.Locals[ob.Local].Param {
			out = append(out, w.passed(f, ob.Local, int64(max(l.Off, 0)))...)
		}
	}
	for _, ref := range w.writers {
		in := w.c.Instr(ref)
		text, pos := w.c.Text(ref), w.c.Pos(ref)
		at := func(v ir.Value) bool { return slices.ContainsFunc(w.pt.PointsTo(ref.Func, v), meets) }
		touches := func(v ir.Value) bool {
			return slices.ContainsFunc(w.pt.PointsTo(ref.Func, v), func(x pointer.Loc) bool { return x.Obj == l.Obj })
		}
		switch in.Op {
		case ir.Store:
			if at(in.A) {
				out = append(out, w.value(ref.Func, in.B, pos, text)...)
			}
		case ir.Copy:
			if touches(in.A) {
				out = append(out, w.copied(l, ref.Func, in.A, in.B, pos, text)...)
			}
		case ir.Builtin, ir.Call:
			if in.Op == ir.Call && in.B.Kind != ir.NoVal && touches(in.B) {
				for _, g := range w.pt.Callees(ref) {
					callee := w.c.Prog.Funcs[g]
					for i := range callee.Instrs {
						if r := &callee.Instrs[i]; r.Op == ir.Ret && r.A.Kind != ir.NoVal && callee.Type.Elem.IsRecord() {
							x := ir.Ref{Func: g, I: int32(i)}
							for _, s := range w.pt.PointsTo(g, r.A) {
								if m := (node{f: -1, at: pointer.Loc{Obj: s.Obj, Off: pointer.Any}}); w.holds(m) {
									out = append(out, cause{from: m, pos: w.c.Pos(x), text: w.c.Text(x)})
								}
							}
						}
					}
				}
			}
			library := in.Op == ir.Builtin
			for _, g := range w.pt.Callees(ref) {
				library = library || !w.c.Prog.Funcs[g].Defined()
				if m := w.pt.Model(g); m != nil {
					for _, k := range m.GivesIn {
						if k < len(in.Args) && touches(in.Args[k]) {
							out = append(out, w.kept(m.Slot)...)
						}
					}
				}
			}
			if !library || !slices.Contains(w.pt.HeapAt(ref), l.Obj) && !slices.ContainsFunc(in.Args, touches) {
				continue
			}
			for _, v := range in.Args {
				out = append(out, w.value(ref.Func, v, pos, text)...)
			}
			for _, v := range in.Args {
				for _, x := range w.pt.PointsTo(ref.Func, v) {
					if x.Obj == l.Obj {
						continue
					}
					if m := (node{f: -1, at: pointer.Loc{Obj: x.Obj, Off: pointer.Any}}); w.holds(m) {
						out = append(out, cause{from: m, pos: pos, text: text})
					}
				}
			}
		}
	}
	return out
}

// kept are the calls that gave a library a pointer into the object to keep in a slot.
func (w *why) kept(slot string) (out []cause) {
	for _, ref := range w.writers {
		in := w.c.Instr(ref)
		if in.Op != ir.Call {
			continue
		}
		for _, g := range w.pt.Callees(ref) {
			m := w.pt.Model(g)
			if m == nil || m.Slot != slot {
				continue
			}
			for _, k := range m.Keeps {
				if k < len(in.Args) {
					out = append(out, w.value(ref.Func, in.Args[k], w.c.Pos(ref), w.c.Text(ref))...)
				}
			}
			for _, k := range m.KeepsIn {
				if k < len(in.Args) {
					for _, l := range w.pt.PointsTo(ref.Func, in.Args[k]) {
						if x := (node{f: -1, at: pointer.Loc{Obj: l.Obj, Off: pointer.Any}}); w.holds(x) {
							out = append(out, cause{from: x, pos: w.c.Pos(ref), text: w.c.Text(ref)})
						}
					}
				}
			}
		}
	}
	return out
}

// copied are the places that a copy of memory may have brought to l.
func (w *why) copied(l pointer.Loc, f ir.FuncID, to, from ir.Value, pos source.Pos, text string) (out []cause) {
	for _, d := range w.pt.PointsTo(f, to) {
		if d.Obj != l.Obj {
			continue
		}
		for _, s := range w.pt.PointsTo(f, from) {
			places := []pointer.Loc{{Obj: s.Obj, Off: pointer.Any}}
			if l.Off != pointer.Any && d.Off != pointer.Any && s.Off != pointer.Any {
				places = w.pt.Shift(s, int64(l.Off)-int64(d.Off))
			}
			for _, x := range places {
				if m := (node{f: -1, at: x}); w.holds(m) {
					out = append(out, cause{from: m, pos: pos, text: text})
				}
			}
		}
	}
	return out
}
