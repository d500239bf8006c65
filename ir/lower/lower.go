// Package lower turns the typed AST of a translation unit into IR.
//
// It is one syntax-directed walk a function: expr.go, stmt.go, init.go and
// builtin.go hold the cases, func.go the graph under construction, fold.go and
// const.go what is known without running, and this file what belongs to the
// unit. Static functions that nothing reachable names are left out, as the
// compiler does: headers bring thousands of them.
package lower

import (
	"fmt"
	"runtime/debug"
	"sort"
	"strings"

	"saz/frontend/check"
	"saz/frontend/ctype"
	"saz/frontend/source"
	"saz/ir"
)

// A Result is the IR of one unit. Its Funcs and Globals are numbered by their
// place in these slices: package link gives them their numbers in the program.
type Result struct {
	Funcs    []*ir.Func      // referenced or defined, by declaration
	FuncObjs []*check.Object // of Funcs
	Globals  []*ir.Global    // by declaration; string literals last
}

// Unit lowers u. Diagnostics go to sink; a function that cannot be lowered is
// unknown code.
func Unit(u *check.Unit, id ir.UnitID, sink *source.Sink) *Result {
	return UnitWith(u, id, sink, nil)
}

// UnitWith is Unit where modelled (nil: nothing is) reports which static functions of u are a library's that is known
// by name: their bodies are not lowered, and they are undefined symbols like the library's others.
func UnitWith(u *check.Unit, id ir.UnitID, sink *source.Sink, modelled func(*check.Unit, *check.Object) bool) *Result {
	u.Wake()
	b := &unit{
		u: u, id: id, sink: sink, modelled: modelled,
		strings: map[string]int32{},
		ptrs:    map[*ctype.Type]*ctype.Type{},
	}
	b.funcOf = make([]int32, len(u.Objects))
	b.globalOf = make([]int32, len(u.Objects))
	for i := range b.funcOf {
		b.funcOf[i], b.globalOf[i] = -1, -1
	}
	for _, f := range u.Funcs {
		b.parents(f)
	}
	bad := map[string]bool{}
	for i := range u.Bad {
		if u.Bad[i].Name != "" {
			bad[u.Bad[i].Name] = true
		}
	}
	for _, o := range u.Objects {
		if o.Type.Kind == ctype.Func {
			switch {
			case o.Alias != "" && o.Storage != check.FuncStatic,
				bad[o.Name],
				o.Constructor || o.Destructor || o.Section != "" && o.Defined,
				o.Defined && o.Storage == check.Extern && !o.InlineOnly && o.Func != nil:
				b.funcRef(o)
			}
			if bad[o.Name] {
				f := b.funcs[b.funcOf[o.ID]]
				f.Unknown = true
				if f.Linkage == ir.Undefined {
					f.Linkage = ir.External
				}
			}
			delete(bad, o.Name)
			continue
		}
		delete(bad, o.Name)
		if o.Storage == check.FuncStatic || !o.Defined && o.Alias == "" {
			continue
		}
		b.globalRef(o)
	}
	for _, a := range u.Asms {
		b.namedInAsm(a.Template)
	}
	// What could not even be declared may still be called from other units.
	for i := range u.Bad {
		d := &u.Bad[i]
		if !bad[d.Name] {
			continue
		}
		delete(bad, d.Name)
		b.funcs = append(b.funcs, &ir.Func{Name: d.Name, Link: d.Name, Linkage: ir.External, Unit: id, Unknown: true, Pos: d.Pos,
			Type: &ctype.Type{Kind: ctype.Func, Size: 1, Align: 1, Elem: ctype.TInt, Func: &ctype.FuncType{OldStyle: true}}})
		b.fobjs = append(b.fobjs, nil)
	}
	for len(b.queue) > 0 {
		w := b.queue[0]
		b.queue = b.queue[1:]
		b.lowerFunc(w.def, w.f)
	}
	return b.result()
}

// namedInAsm keeps the static functions that only assembly names; the compiler does if they are __attribute__((used)).
func (b *unit) namedInAsm(template string) {
	for _, name := range ir.AsmNames(template) {
		if b.statics == nil {
			b.statics = map[string]*check.Object{}
			for _, o := range b.u.Objects {
				if o.Type.Kind == ctype.Func && o.Live && o.Func != nil && o.Storage == check.Static {
					b.statics[o.Link] = o
				}
			}
		}
		if o := b.statics[name]; o != nil {
			b.funcRef(o)
		}
	}
}

// unit is the state of lowering one translation unit.
type unit struct {
	u    *check.Unit
	id   ir.UnitID
	sink *source.Sink

	modelled func(*check.Unit, *check.Object) bool

	funcs    []*ir.Func
	fobjs    []*check.Object
	funcOf   []int32 // by Object.ID, -1 for none
	globals  []*ir.Global
	globalOf []int32
	strings  map[string]int32
	statics  map[string]*check.Object // functions that assembly may name; nil: not asked for yet
	queue    []pending
	ptrs     map[*ctype.Type]*ctype.Type

	parentOf map[*check.FuncDef]*check.FuncDef // of nested functions
	chains   map[*check.FuncDef]int32          // the global that points at a function's frame

	fb fb // scratch of the function being lowered
}

type pending struct {
	def *check.FuncDef
	f   *ir.Func
}

// result puts functions and globals into the order of their declarations.
// Values name them by index, so those are rewritten.
func (b *unit) result() *Result {
	fo := make([]int, len(b.funcs))
	for i := range fo {
		fo[i] = i
	}
	fkey := func(i int) int {
		if o := b.fobjs[i]; o != nil {
			return int(o.ID)
		}
		return 1<<30 + i
	}
	sort.SliceStable(fo, func(i, j int) bool { return fkey(fo[i]) < fkey(fo[j]) })
	gof := make([]int, len(b.globals))
	for i := range gof {
		gof[i] = i
	}
	gkey := func(i int) int {
		if g := b.globals[i]; g.Obj != nil && int(g.Obj.ID) < len(b.u.Objects) && b.u.Objects[g.Obj.ID] == g.Obj {
			return int(g.Obj.ID)
		}
		return 1<<30 + i
	}
	sort.SliceStable(gof, func(i, j int) bool { return gkey(gof[i]) < gkey(gof[j]) })
	fnew, gnew := make([]int32, len(fo)), make([]int32, len(gof))
	r := &Result{Funcs: make([]*ir.Func, len(fo)), FuncObjs: make([]*check.Object, len(fo)), Globals: make([]*ir.Global, len(gof))}
	for i, k := range fo {
		fnew[k] = int32(i)
		r.Funcs[i], r.FuncObjs[i] = b.funcs[k], b.fobjs[k]
	}
	for i, k := range gof {
		gnew[k] = int32(i)
		r.Globals[i] = b.globals[k]
	}
	r.Renumber(fnew, gnew)
	return r
}

// Renumber replaces the ids of functions and globals everywhere in r.
func (r *Result) Renumber(fnew, gnew []int32) {
	val := func(v *ir.Value) {
		switch v.Kind {
		case ir.VFunc:
			v.ID = fnew[v.ID]
		case ir.VGlobal:
			v.ID = gnew[v.ID]
		}
	}
	for _, f := range r.Funcs {
		for k := range f.Instrs {
			f.Instrs[k].Operands(val)
		}
	}
	for _, g := range r.Globals {
		if g.Proc >= 0 {
			g.Proc = ir.FuncID(fnew[g.Proc])
		}
		for k := range g.Init {
			it := &g.Init[k]
			val(&it.Value)
			if it.Value.Kind == ir.VLabel {
				it.Label = ir.FuncID(fnew[it.Label])
			}
		}
	}
}

func (b *unit) ptrTo(t *ctype.Type) *ctype.Type {
	p := b.ptrs[t]
	if p == nil {
		p = &ctype.Type{Kind: ctype.Pointer, Size: ctype.PtrSize, Align: ctype.PtrSize, Elem: t}
		b.ptrs[t] = p
	}
	return p
}

// funcRef returns the address of function o, and sees to it that its body is
// lowered if it has one.
func (b *unit) funcRef(o *check.Object) ir.Value {
	if i := b.funcOf[o.ID]; i >= 0 && b.fobjs[i] == o {
		return ir.Value{Kind: ir.VFunc, ID: i}
	}
	f := &ir.Func{
		Name: o.Name, Link: o.Link, Type: o.Type, Unit: b.id, Weak: o.Weak, Pos: o.Pos,
		Ctor: o.Constructor, Dtor: o.Destructor,
	}
	if f.Link == "" {
		f.Link = o.Name
	}
	i := int32(len(b.funcs))
	b.funcOf[o.ID] = i
	b.funcs = append(b.funcs, f)
	b.fobjs = append(b.fobjs, o)
	f.Linkage = ir.Undefined
	switch {
	case o.Alias != "":
		if t := b.byLink(o.Alias); t != nil && t.Type.Kind == ctype.Func {
			b.funcRef(t)
		}
		f.Linkage = ir.External
		if o.Storage == check.Static {
			f.Linkage = ir.Internal
		}
	case o.Func == nil || o.Func.Body == nil:
		if strings.HasPrefix(f.Name, "__builtin_") {
			f.Name = f.Link // __builtin_memcpy is memcpy to every reader
		}
	case o.InlineOnly && b.system(o):
		// glibc's own inline definitions say what the library's function does;
		// the library models know it by name.
	case o.Storage == check.Static && b.modelled != nil && b.modelled(b.u, o):
	default:
		f.Linkage = ir.External
		if o.Storage != check.Extern {
			f.Linkage = ir.Internal
		}
		f.Def = o.Func
		b.queue = append(b.queue, pending{o.Func, f})
	}
	return ir.Value{Kind: ir.VFunc, ID: i}
}

// byLink finds what an alias stands for. Aliases are few.
func (b *unit) byLink(name string) *check.Object {
	for _, o := range b.u.Objects {
		if o.Storage != check.FuncStatic && (o.Link == name || o.Link == "" && o.Name == name) {
			return o
		}
	}
	return nil
}

func (b *unit) system(o *check.Object) bool {
	return b.u.Cpp != nil && b.u.Cpp.System[o.Pos.File]
}

// globalRef returns the address of the object of static storage o.
func (b *unit) globalRef(o *check.Object) ir.Value {
	if i := b.globalOf[o.ID]; i >= 0 && b.globals[i].Obj == o {
		return ir.Value{Kind: ir.VGlobal, ID: i}
	}
	g := &ir.Global{
		Name: o.Name, Link: o.Link, Type: o.Type, Size: ctype.SizeOf(o.Type), Thread: o.Thread, Weak: o.Weak,
		Proc: -1, Unit: b.id, Pos: o.Pos, Obj: o,
	}
	if g.Link == "" {
		g.Link = o.Name
	}
	i := int32(len(b.globals))
	b.globalOf[o.ID] = i
	b.globals = append(b.globals, g)
	switch {
	case o.Storage == check.Static || o.Storage == check.FuncStatic:
		g.Linkage = ir.Internal
	case o.Defined || o.Alias != "":
		g.Linkage = ir.External
	default:
		g.Linkage = ir.Undefined
	}
	if o.Alias != "" {
		if t := b.byLink(o.Alias); t != nil && t.Type.Kind != ctype.Func {
			b.globalRef(t)
		}
	}
	if o.Storage == check.FuncStatic && o.Func != nil && o.Func.Obj != nil {
		g.Proc = ir.FuncID(b.funcRef(o.Func.Obj).ID)
	}
	if o.Init != nil {
		if o.Init.Size > g.Size {
			g.Size = o.Init.Size
		}
		b.globalInit(g, o.Init, 0)
		sort.SliceStable(g.Init, func(x, y int) bool { return g.Init[x].Off < g.Init[y].Off })
	}
	return ir.Value{Kind: ir.VGlobal, ID: i}
}

// stringLit returns the address of a string literal; equal ones are one.
func (b *unit) stringLit(e *check.Expr) ir.Value {
	align := ctype.AlignOf(e.Type)
	key := fmt.Sprintf("%d:%s", align, e.Str)
	if i, ok := b.strings[key]; ok {
		return ir.Value{Kind: ir.VGlobal, ID: i}
	}
	i := int32(len(b.globals))
	b.strings[key] = i
	b.globals = append(b.globals, &ir.Global{
		Linkage: ir.Internal, Type: e.Type, Size: int64(len(e.Str)), String: true, Data: e.Str,
		Proc: -1, Unit: b.id, Pos: b.tokPos(e.Tok),
	})
	return ir.Value{Kind: ir.VGlobal, ID: i}
}

func (b *unit) tokPos(tok int32) source.Pos {
	if b.u.Cpp == nil || tok < 0 || int(tok) >= len(b.u.Cpp.Tokens) {
		return source.Pos{}
	}
	t := &b.u.Cpp.Tokens[tok]
	if t.Exp.IsValid() {
		return t.Exp
	}
	return t.Spell
}

// unsupported is what giving up on a function panics with.
type unsupported struct {
	tok  int32
	what string
}

func (b *unit) lowerFunc(def *check.FuncDef, f *ir.Func) {
	defer func() {
		r := recover()
		if r == nil {
			return
		}
		const hint = "the function is treated as unknown code"
		if u, ok := r.(unsupported); ok {
			b.sink.Add(source.Diagnostic{ID: "lower-unsupported", Severity: source.Error, Pos: b.tokPos(u.tok),
				Msg: "in " + f.Name + ": " + u.what, Hint: hint})
		} else {
			b.sink.Add(source.Diagnostic{ID: "internal-lower", Severity: source.Error, Pos: f.Pos,
				Msg:  fmt.Sprintf("saz could not lower %s: %v", f.Name, r),
				Hint: "this is a fault in saz, please report it; " + hint + "\n" + string(debug.Stack())})
		}
		*f = ir.Func{Name: f.Name, Link: f.Link, Linkage: f.Linkage, Weak: f.Weak, Type: f.Type, Unit: f.Unit,
			Def: f.Def, Unknown: true, Ctor: f.Ctor, Dtor: f.Dtor, Pos: f.Pos}
	}()
	b.fb.lower(b, def, f)
}
