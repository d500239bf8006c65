package pointsto

import (
	"fmt"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"saz/frontend/ctype"
	"saz/frontend/source"
	"saz/ir"
	"saz/passes"
	"saz/passes/pointer"
)

// An Answer says where an expression may point.
type Answer struct {
	Places []pointer.Loc // sorted
	Holds  []pointer.Loc // where the expression's value is stored, if it is in memory
	seeds  []node        // the values that make it up, for Why
}

// PointsTo answers for expression text at a line of a file, whose path may be
// cut at the front.
func PointsTo(c *passes.Context, text, file string, line int) (*Answer, error) {
	q := &query{c: c, pt: pointer.Of(c), toks: scan(text), line: line}
	q.lookAt(file)
	if !q.known {
		return nil, fmt.Errorf("%s has no file %s", c.Prog.Name, file)
	}
	if a := q.written(text); a != nil {
		return a, nil
	}
	v, err := q.whole()
	if err != nil {
		return nil, fmt.Errorf("%s at %s:%d: %w", text, filepath.Base(file), line, err)
	}
	return q.answer(v)
}

// A query reads one expression.
type query struct {
	c     *passes.Context
	pt    *pointer.Result
	toks  []string
	at    int
	line  int
	known bool // the file is one of the program's
	file  map[source.FileID]bool
	funcs []*ir.Func // that the line lies in: several for an inline function of a header
	units []ir.UnitID
	refs  []ir.Ref // instructions that begin on the line
}

// lookAt finds the procedures and instructions of the line.
func (q *query) lookAt(file string) {
	p := q.c.Prog
	q.file = map[source.FileID]bool{}
	for _, u := range p.Units {
		here := false
		for _, f := range u.AST.Cpp.Includes {
			if samePath(f.Path, file) {
				q.file[f.ID], here, q.known = true, true, true
			}
		}
		if here {
			q.units = append(q.units, u.ID)
		}
	}
	for _, f := range p.Funcs {
		if f.Def == nil || !q.covers(f.Unit, f.Def.Tok, f.Def.End) {
			continue
		}
		q.funcs = append(q.funcs, f)
		for i := range f.Instrs {
			ref := ir.Ref{Func: f.ID, I: int32(i)}
			if pos := q.c.Pos(ref); pos.IsValid() && q.file[pos.File] && p.Files.Place(pos).Line == q.line {
				q.refs = append(q.refs, ref)
			}
		}
	}
}

// covers reports whether the line is among the tokens of a unit.
func (q *query) covers(unit ir.UnitID, tok, end int32) bool {
	toks := q.c.Prog.Units[unit].AST.Tokens()
	if tok < 0 || tok >= end || int(end) > len(toks) {
		return false
	}
	from, to := toks[tok].Exp, toks[end-1].Exp
	if !from.IsValid() || !to.IsValid() || !q.file[from.File] {
		return false
	}
	files := q.c.Prog.Files
	return files.Place(from).Line <= q.line && q.line <= files.Place(to).Line
}

// samePath reports whether path is what a person calls name: a suffix of it in
// whole components.
func samePath(path, name string) bool {
	path, name = filepath.Clean(path), filepath.Clean(name)
	return path == name || strings.HasSuffix(path, "/"+strings.TrimPrefix(name, "./"))
}

// written looks for an expression that this reader cannot take apart (a call, a
// condition) among those that stand on the line and have a value.
func (q *query) written(text string) *Answer {
	want := strings.Join(strings.Fields(text), "")
	if !strings.ContainsAny(want, "(?+-") || strings.ContainsAny(want, "(") && q.castOnly() {
		return nil
	}
	a := &Answer{}
	for _, ref := range q.refs {
		in := q.c.Instr(ref)
		if in.Dst >= 0 && in.Op != ir.FieldAddr && in.Op != ir.Load && strings.Join(strings.Fields(q.c.Text(ref)), "") == want {
			a.seeds = append(a.seeds, node{f: ref.Func, v: ir.RegVal(in.Dst)})
			a.Places = append(a.Places, q.pt.PointsTo(ref.Func, ir.RegVal(in.Dst))...)
		}
	}
	if a.seeds == nil {
		return nil
	}
	a.Places = tidy(a.Places)
	return a
}

// castOnly reports whether every parenthesis opens a cast or a group, and none a call.
func (q *query) castOnly() bool {
	for i, t := range q.toks {
		if t == "(" && i > 0 && (isName(q.toks[i-1]) || q.toks[i-1] == ")" && i > 1 && q.toks[i-2] != "*" || q.toks[i-1] == "]") {
			return false
		}
	}
	return true
}

// A value is what an expression denotes: a place in memory (an lvalue), or a value.
type value struct {
	t     *ctype.Type
	mem   bool          // locs is where it is stored
	locs  []pointer.Loc // otherwise: where it points
	nodes []node        // what it came from; of a place: its address
}

func (q *query) answer(v *value) (*Answer, error) {
	if v.mem && v.t != nil && v.t.IsRecord() {
		var names []string
		for i := range v.t.Rec.Fields {
			if f := &v.t.Rec.Fields[i]; f.Name != "" && len(names) < 6 {
				names = append(names, f.Name)
			}
		}
		return nil, fmt.Errorf("that is a whole record; ask for a member (%s)", strings.Join(names, ", "))
	}
	a := &Answer{}
	if v.mem && (v.t == nil || v.t.Kind != ctype.Array) {
		a.Holds = v.locs
	}
	r := q.load(v)
	a.Places, a.seeds = tidy(r.locs), r.nodes
	return a, nil
}

// tidy sorts places; anywhere in an object covers the others in it.
func tidy(l []pointer.Loc) []pointer.Loc {
	l = slices.Clone(l)
	slices.SortFunc(l, func(a, b pointer.Loc) int {
		if a.Obj != b.Obj {
			return int(a.Obj - b.Obj)
		}
		return int(a.Off - b.Off)
	})
	n := 0
	for _, x := range l {
		if n > 0 && l[n-1].Obj == x.Obj && (l[n-1].Off == pointer.Any || l[n-1] == x) {
			continue
		}
		l[n] = x
		n++
	}
	return l[:n]
}

// load is the value of v: what is stored there; of an array or a function its address.
func (q *query) load(v *value) *value {
	if !v.mem {
		return v
	}
	if v.t != nil && v.t.Kind == ctype.Array {
		return &value{t: pointerTo(v.t.Elem), locs: v.locs, nodes: v.nodes}
	}
	r := &value{t: v.t}
	for _, l := range v.locs {
		r.nodes = append(r.nodes, node{f: -1, at: l})
		r.locs = append(r.locs, q.pt.Contents(l.Obj, l.Off)...)
	}
	r.locs = tidy(r.locs)
	return r
}

func pointerTo(t *ctype.Type) *ctype.Type {
	return &ctype.Type{Kind: ctype.Pointer, Size: ctype.PtrSize, Align: ctype.PtrSize, Elem: t}
}

// scan cuts an expression into tokens.
func scan(s string) []string {
	var out []string
	for i := 0; i < len(s); {
		c := rune(s[i])
		j := i + 1
		switch {
		case unicode.IsSpace(c):
			i++
			continue
		case c == '_' || unicode.IsLetter(c) || unicode.IsDigit(c):
			for j < len(s) && (s[j] == '_' || unicode.IsLetter(rune(s[j])) || unicode.IsDigit(rune(s[j]))) {
				j++
			}
		case strings.HasPrefix(s[i:], "->"):
			j = i + 2
		}
		out = append(out, s[i:j])
		i = j
	}
	return out
}

func isName(t string) bool { return t != "" && (t[0] == '_' || unicode.IsLetter(rune(t[0]))) }

func (q *query) peek() string {
	if q.at < len(q.toks) {
		return q.toks[q.at]
	}
	return ""
}

func (q *query) accept(t string) bool {
	if q.peek() == t {
		q.at++
		return true
	}
	return false
}

func (q *query) whole() (*value, error) {
	v, err := q.unary()
	if err != nil {
		return nil, err
	}
	if t := q.peek(); t != "" {
		return nil, fmt.Errorf("cannot read %q there; names, members, subscripts, *, & and casts to pointers to records can be asked for, and calls that stand on the line", t)
	}
	return v, nil
}

func (q *query) unary() (*value, error) {
	switch {
	case q.accept("*"):
		v, err := q.unary()
		if err != nil {
			return nil, err
		}
		return q.deref(v)
	case q.accept("&"):
		v, err := q.unary()
		if err != nil {
			return nil, err
		}
		if !v.mem {
			if v.t != nil && v.t.Kind == ctype.Func {
				return v, nil
			}
			return nil, fmt.Errorf("it is in a register and has no address")
		}
		return &value{t: pointerTo(v.t), locs: v.locs, nodes: v.nodes}, nil
	case q.peek() == "(" && q.castTo() != nil:
		t := q.castTo()
		for !q.accept(")") {
			q.at++
		}
		v, err := q.unary()
		if err != nil {
			return nil, err
		}
		r := *q.load(v)
		r.t = t
		return &r, nil
	}
	return q.postfix()
}

// castTo returns the type if a cast to a pointer to a record stands next: (struct x *), (x_t *).
func (q *query) castTo() *ctype.Type {
	i := q.at + 1
	if i < len(q.toks) && (q.toks[i] == "struct" || q.toks[i] == "union") {
		i++
	}
	if i+2 >= len(q.toks) || !isName(q.toks[i]) || q.toks[i+1] != "*" || q.toks[i+2] != ")" {
		return nil
	}
	name := q.toks[i]
	var best *ctype.Record
	for _, u := range q.c.Prog.Units {
		mine := slices.Contains(q.units, u.ID)
		for _, r := range u.AST.Records {
			if (r.Tag == name || r.Typedef == name) && r.Complete && (best == nil || mine) {
				best = r
			}
		}
	}
	if best == nil {
		return nil
	}
	return pointerTo(&ctype.Type{Kind: ctype.Struct, Size: best.Size, Rec: best})
}

func (q *query) deref(v *value) (*value, error) {
	v = q.load(v)
	if v.t == nil || v.t.Kind != ctype.Pointer {
		return nil, fmt.Errorf("what * or -> is used on is no pointer")
	}
	if v.t.Elem != nil && v.t.Elem.Kind == ctype.Func {
		return &value{t: v.t.Elem, locs: v.locs, nodes: v.nodes}, nil
	}
	return &value{t: v.t.Elem, mem: true, locs: v.locs, nodes: v.nodes}, nil
}

func (q *query) postfix() (*value, error) {
	var v *value
	var err error
	if q.accept("(") {
		if v, err = q.unary(); err != nil {
			return nil, err
		}
		if !q.accept(")") {
			return nil, fmt.Errorf("a ) is missing")
		}
	} else if v, err = q.name(); err != nil {
		return nil, err
	}
	for {
		switch {
		case q.accept("->"):
			if v, err = q.deref(v); err != nil {
				return nil, err
			}
			v, err = q.member(v)
		case q.accept("."):
			v, err = q.member(v)
		case q.accept("["):
			v, err = q.element(v)
		default:
			return v, nil
		}
		if err != nil {
			return nil, err
		}
	}
}

// member is v.NAME.
func (q *query) member(v *value) (*value, error) {
	name := q.peek()
	q.at++
	if v.t == nil || !v.t.IsRecord() || !v.mem {
		return nil, fmt.Errorf("what has .%s is no record", name)
	}
	t, off := find(v.t.Rec, name)
	if t == nil {
		return nil, fmt.Errorf("%s has no member %s", recordName(v.t.Rec), name)
	}
	return &value{t: t, mem: true, locs: q.shift(v.locs, off), nodes: v.nodes}, nil
}

// find returns a member's type and offset, through members without names.
func find(r *ctype.Record, name string) (*ctype.Type, int64) {
	for i := range r.Fields {
		f := &r.Fields[i]
		if f.Name == name && name != "" {
			return f.Type, f.Off
		}
		if f.Name == "" && f.Type.IsRecord() {
			if t, off := find(f.Type.Rec, name); t != nil {
				return t, f.Off + off
			}
		}
	}
	return nil, 0
}

func recordName(r *ctype.Record) string {
	switch {
	case r.Tag != "":
		return "struct " + r.Tag
	case r.Typedef != "":
		return r.Typedef
	}
	return "the record"
}

func (q *query) shift(l []pointer.Loc, off int64) []pointer.Loc {
	if off == 0 {
		return l
	}
	var out []pointer.Loc
	for _, x := range l {
		out = append(out, q.pt.Shift(x, off)...)
	}
	return tidy(out)
}

// element is v[...]: a number steps on in an object that is no array; any other subscript
// stays where the analysis says that one stays, in the array.
func (q *query) element(v *value) (*value, error) {
	depth, from := 1, q.at
	for depth > 0 {
		if q.at == len(q.toks) {
			return nil, fmt.Errorf("a ] is missing")
		}
		switch q.toks[q.at] {
		case "[":
			depth++
		case "]":
			depth--
		}
		q.at++
	}
	r := q.load(v)
	if r.t == nil || r.t.Kind != ctype.Pointer || r.t.Elem == nil {
		return nil, fmt.Errorf("what has a subscript is no array and no pointer")
	}
	locs := r.locs
	if k, err := strconv.ParseInt(strings.Join(q.toks[from:q.at-1], ""), 0, 64); err == nil && ctype.SizeOf(r.t.Elem) > 0 {
		locs = q.shift(locs, k*ctype.SizeOf(r.t.Elem))
	}
	return &value{t: r.t.Elem, mem: true, locs: locs, nodes: r.nodes}, nil
}

// name is a local, a static, a global or a function, in this order of scopes.
func (q *query) name() (*value, error) {
	name := q.peek()
	if !isName(name) {
		if name == "" {
			return nil, fmt.Errorf("it ends too early")
		}
		return nil, fmt.Errorf("cannot read %q there", name)
	}
	q.at++
	if (name == "struct" || name == "union") && isName(q.peek()) {
		return nil, fmt.Errorf("there is no %s %s", name, q.peek())
	}
	var out *value
	add := func(v *value) {
		if out == nil {
			out = v
			return
		}
		out.locs, out.nodes = tidy(append(slices.Clip(out.locs), v.locs...)), append(out.nodes, v.nodes...)
	}
	for _, f := range q.funcs {
		if v := q.local(f, name); v != nil {
			add(v)
		}
	}
	if out != nil {
		return out, nil
	}
	// Of this unit first, then what has linkage.
	for _, own := range []bool{true, false} {
		for _, g := range q.c.Prog.Globals {
			if g.Name != name || own != slices.Contains(q.units, g.Unit) || !own && g.Linkage == ir.Internal {
				continue
			}
			if g.Proc >= 0 && !slices.ContainsFunc(q.funcs, func(f *ir.Func) bool { return f.ID == g.Proc }) {
				continue
			}
			add(&value{t: g.Type, mem: true, locs: []pointer.Loc{{Obj: pointer.ObjID(g.ID)}}})
		}
		for _, f := range q.c.Prog.Funcs {
			if f.Name == name && (own == slices.Contains(q.units, f.Unit)) && (own || f.Linkage != ir.Internal) {
				add(&value{t: f.Type, locs: []pointer.Loc{{Obj: q.pt.FuncObj(f.ID)}}})
			}
		}
		if out != nil {
			return out, nil
		}
	}
	return nil, fmt.Errorf("nothing called %s is in scope there", name)
}

// local finds the variable of a procedure that name means at the line: that of the innermost block around it.
func (q *query) local(f *ir.Func, name string) *value {
	best, start := -1, int32(-2)
	for i := range f.Locals {
		l := &f.Locals[i]
		if l.Name != name || l.Obj == nil {
			continue
		}
		at := int32(-1) // parameters: around everything
		if s := l.Obj.Scope; s != nil {
			if at = s.Tok; !q.covers(f.Unit, s.Tok, s.End) {
				continue
			}
		}
		if at >= start {
			best, start = i, at
		}
	}
	for _, g := range q.c.Prog.Globals { // a static of a block further in
		if g.Proc == f.ID && g.Name == name && g.Obj != nil && g.Obj.Scope != nil && g.Obj.Scope.Tok >= start && q.covers(f.Unit, g.Obj.Scope.Tok, g.Obj.Scope.End) {
			return &value{t: g.Type, mem: true, locs: []pointer.Loc{{Obj: pointer.ObjID(g.ID)}}}
		}
	}
	if best < 0 {
		return nil
	}
	l := &f.Locals[best]
	if o := q.pt.LocalObj(f.ID, l.ID); o >= 0 && !l.Lifted {
		return &value{t: l.Type, mem: true, locs: []pointer.Loc{{Obj: o}}}
	}
	// In registers: the versions that the line uses or makes, else any.
	used := map[int32]bool{}
	mine := func(r int32) {
		if r >= 0 && f.Regs[r].Local == l.ID {
			used[r] = true
		}
	}
	for _, ref := range q.refs {
		if ref.Func != f.ID {
			continue
		}
		in := &f.Instrs[ref.I]
		in.Operands(func(v *ir.Value) {
			if v.Kind == ir.VReg {
				mine(v.ID)
			}
		})
		mine(int32(in.Dst))
	}
	all := len(used) == 0
	v := &value{t: l.Type}
	for r := range f.Regs {
		if used[int32(r)] || all && f.Regs[r].Local == l.ID {
			v.nodes = append(v.nodes, node{f: f.ID, v: ir.RegVal(ir.Reg(r))})
			v.locs = append(v.locs, q.pt.PointsTo(f.ID, ir.RegVal(ir.Reg(r)))...)
		}
	}
	v.locs = tidy(v.locs)
	return v
}
