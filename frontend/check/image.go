package check

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math/big"
	"slices"
	"sort"
	"unsafe"

	"saz/frontend/cpp"
	"saz/frontend/ctype"
	"saz/frontend/internal/wire"
	"saz/frontend/source"
	"saz/frontend/syntax"
)

// The image of a unit is what outlives reading it: in it is all that can be
// reached from the unit's objects, in one run of bytes. Decode lays it out in
// memory anew, each kind of node in one slice of just the size. A translation
// unit is mostly headers, and of a header's declarations few are used: the
// image holds a tenth of what Check made, and of the tokens only those of the
// declarations that it kept, so that their indices are the image's own.
//
//	image  = counts, files, records, name, includes, types (ctype.ImageWriter), body
//	body   = tokens, chains, functions, asm, unknown code; then, until
//	         0, what was mentioned: objects, functions, initialisers, labels;
//	         then the numbers of the objects with linkage
//
// Each node that is mentioned from several places has a number, in order of
// first mention; expressions and statements stand where they are used.

// Image encodes a unit that Check or CheckAll made of tree.
func (u *Unit) Image(tree *syntax.Tree) []byte {
	x := &imager{
		u: u, files: map[source.FileID]uint64{}, objects: map[*Object]uint64{}, funcs: map[*FuncDef]uint64{},
		inits: map[*Init]uint64{}, labels: map[*Label]uint64{}, stmts: map[*Stmt]uint64{},
	}
	x.types = ctype.NewImageWriter(x.pos)
	x.keepDecls(tree.Decls)
	w := &x.w
	for _, f := range u.Cpp.Includes {
		x.file(f.ID) // they come first
	}
	x.tokens()
	for _, o := range x.kept {
		x.object(o)
	}
	w.N(len(u.Funcs))
	for _, f := range u.Funcs {
		w.U(x.fn(f))
	}
	w.U(x.object(u.SetJump))
	w.U(x.object(u.LongJump))
	w.N(len(u.Asms))
	for _, a := range u.Asms {
		x.asm(a)
	}
	w.N(len(u.Bad))
	for i := range u.Bad {
		b := &u.Bad[i]
		w.S(b.Name)
		x.pos(w, b.Pos)
		x.span(b.Lo, b.Hi)
	}
	x.mentioned()
	x.objectList(x.linked())
	types, counts := x.types.Finish()
	recs := slices.Clone(x.types.Records())
	sort.Slice(recs, func(i, j int) bool { return recs[i].ID < recs[j].ID })
	var head wire.Writer
	for _, n := range counts {
		head.N(n)
	}
	for _, n := range []int{len(x.objects), len(x.funcs), len(x.inits), len(x.labels), len(x.stmts), x.exprs, len(types)} {
		head.N(n)
	}
	head.N(len(x.paths))
	for _, p := range x.paths {
		head.S(p)
	}
	head.N(len(recs))
	for _, r := range recs {
		head.U(x.types.Record(r))
	}
	head.S(u.Name)
	for _, n := range []int{u.Stats.Decls, u.Stats.Functions, u.Stats.Errors, u.Stats.Tokens} {
		head.N(n)
	}
	head.N(len(u.Cpp.Includes))
	for _, f := range u.Cpp.Includes {
		head.U(x.file(f.ID)<<1 | flag(u.Cpp.System[f.ID]))
	}
	head.N(len(u.Cpp.Reread))
	for _, f := range u.Cpp.Reread {
		head.U(x.file(f))
	}
	body := w.Bytes()
	head.N(len(body))
	h := head.Bytes()
	out := make([]byte, 0, len(h)+len(types)+len(body)+8)
	out = binary.AppendUvarint(out, uint64(len(h)))
	out = append(append(append(out, h...), types...), body...)
	return out
}

// An imager encodes one unit.
type imager struct {
	u     *Unit
	w     wire.Writer
	types *ctype.ImageWriter

	paths []string
	files map[source.FileID]uint64

	spans []span // of tokens that are kept, ascending
	at    int    // the span that was asked for last
	last  int32  // token that was written last
	kept  []*Object

	objects map[*Object]uint64
	funcs   map[*FuncDef]uint64
	inits   map[*Init]uint64
	labels  map[*Label]uint64
	stmts   map[*Stmt]uint64
	queue   []any // objects, functions, initialisers, labels to be written
	exprs   int
	fields  []*ctype.Record // by the address of their members
}

// linked are the objects for Unit.Objects, in order: what was kept and what else
// was mentioned of them.
func (x *imager) linked() []*Object {
	all := x.u.Objects
	var list []*Object
	for o := range x.objects {
		if int(o.ID) < len(all) && all[o.ID] == o {
			list = append(list, o)
		}
	}
	sort.Slice(list, func(i, j int) bool { return list[i].ID < list[j].ID })
	return list
}

// A span is a run of tokens that is kept.
type span struct{ lo, hi, to int32 }

// keepDecls chooses the objects that stay, and the declarations whose tokens
// stay: those of these objects, functions, asm, and unknown code. Where a
// declaration came out of a macro, its neighbours out of the same expansion
// stay too: whoever edits text must see that they are one.
func (x *imager) keepDecls(decls []*syntax.Decl) {
	u, toks := x.u, x.u.Cpp.Tokens
	keep := make([]bool, len(decls))
	at := func(tok int32) {
		if tok < 0 {
			return
		}
		if i := sort.Search(len(decls), func(i int) bool { return decls[i].Hi > tok }); i < len(decls) {
			keep[i] = true
		}
	}
	for _, o := range u.Objects {
		if o.Live || o.Alias != "" || o.Type.Kind != ctype.Func && (o.Defined || o.Storage == FuncStatic) {
			x.kept = append(x.kept, o)
			at(o.Tok)
		}
	}
	for _, f := range u.Funcs {
		at(f.Tok)
	}
	for _, a := range u.Asms {
		at(a.Tok)
	}
	for i := range u.Bad {
		at(u.Bad[i].Lo)
	}
	joined := func(i, j int) bool { // j is i's neighbour behind it
		a, b := &toks[decls[i].Hi-1], &toks[decls[j].Lo]
		return a.Chain != 0 && b.Chain != 0 && a.Exp == b.Exp
	}
	for i := 1; i < len(keep); i++ {
		keep[i] = keep[i] || keep[i-1] && joined(i-1, i)
	}
	for i := len(keep) - 2; i >= 0; i-- {
		keep[i] = keep[i] || keep[i+1] && joined(i, i+1)
	}
	to := int32(0)
	for i, k := range keep {
		if !k {
			continue
		}
		d := decls[i]
		if n := len(x.spans); n > 0 && x.spans[n-1].hi == d.Lo {
			x.spans[n-1].hi = d.Hi
		} else {
			x.spans = append(x.spans, span{d.Lo, d.Hi, to})
		}
		to += d.Hi - d.Lo
	}
}

// place is where token t went, -1 if it is not kept.
func (x *imager) place(t int32) int32 {
	if t < 0 {
		return -1
	}
	if len(x.spans) == 0 {
		return -1
	}
	s := &x.spans[x.at]
	if t < s.lo || t >= s.hi {
		i := sort.Search(len(x.spans), func(i int) bool { return x.spans[i].hi > t })
		if i == len(x.spans) || t < x.spans[i].lo {
			return -1
		}
		x.at = i
		s = &x.spans[i]
	}
	return t - s.lo + s.to
}

// tok writes a token's index.
func (x *imager) tok(t int32) {
	t = x.place(t)
	x.w.I(int64(t - x.last))
	x.last = t
}

// span writes the range [lo, hi), which lies in one declaration.
func (x *imager) span(lo, hi int32) {
	if hi > lo && x.place(lo) < 0 && x.place(hi-1) >= 0 {
		lo = hi // it began in what is not kept
	}
	if x.place(lo) < 0 && x.place(lo-1) >= 0 { // empty, at the end of a declaration
		t := x.place(lo-1) + 1
		x.w.I(int64(t - x.last))
		x.last = t
	} else {
		x.tok(lo)
	}
	x.w.I(int64(hi - lo))
}

func (x *imager) file(id source.FileID) uint64 {
	if id == 0 {
		return 0
	}
	n, ok := x.files[id]
	if !ok {
		x.paths = append(x.paths, x.u.Files.File(id).Path)
		n = uint64(len(x.paths))
		x.files[id] = n
	}
	return n
}

func (x *imager) pos(w *wire.Writer, p source.Pos) {
	n := x.file(p.File)
	w.U(n)
	if n > 0 {
		w.I(int64(p.Off))
	}
}

// Flags of an encoded token; the kind is in the bits above.
const (
	tokSpace = 1 << iota
	tokLine
	tokDirect // Exp is Spell, and as long as the text
	tokNear   // Spell is in the same file as that of the token before
	tokSame   // Exp, ExpEnd are as those of the token before
	tokKind   // times the kind
)

// tokens writes the tokens that are kept, with their macro invocations.
func (x *imager) tokens() {
	w, c := &x.w, x.u.Cpp
	n := 0
	used := map[int32]bool{}
	for _, s := range x.spans {
		n += int(s.hi - s.lo)
		for i := s.lo; i < s.hi; i++ {
			for ch := c.Tokens[i].Chain; ch > 0 && !used[ch]; ch = c.Chains[ch].Parent {
				used[ch] = true
			}
		}
	}
	list := make([]int32, 0, len(used))
	for ch := range used {
		list = append(list, ch)
	}
	slices.Sort(list)
	number := make(map[int32]uint64, len(list))
	w.N(len(list))
	for i, ch := range list {
		number[ch] = uint64(i + 1)
		k := &c.Chains[ch]
		w.S(k.Macro)
		x.pos(w, k.Def)
		x.pos(w, k.Use)
		w.U(number[k.Parent]) // parents come first
	}
	w.N(n)
	var last cpp.Token
	chain := uint64(0)
	for _, s := range x.spans {
		for i := s.lo; i < s.hi; i++ {
			t := &c.Tokens[i]
			bits := uint64(t.Kind)*tokKind | flag(t.Space)*tokSpace | flag(t.Line)*tokLine
			direct := t.Exp == t.Spell && t.Exp.IsValid() && int(t.ExpEnd) == int(t.Exp.Off)+len(t.Text) && t.Chain == 0
			near := t.Spell.File == last.Spell.File
			same := !direct && t.Exp == last.Exp && t.ExpEnd == last.ExpEnd
			w.U(bits | flag(direct)*tokDirect | flag(near)*tokNear | flag(same)*tokSame)
			w.S(t.Text)
			if !near {
				w.U(x.file(t.Spell.File))
			}
			if t.Spell.File != 0 {
				w.I(int64(t.Spell.Off - last.Spell.Off))
			}
			if !direct {
				if !same {
					x.pos(w, t.Exp)
					w.I(int64(t.ExpEnd - t.Exp.Off))
				}
				n := number[t.Chain]
				w.I(int64(n) - int64(chain))
				chain = n
			}
			last = *t
		}
	}
}

func flag(b bool) uint64 {
	if b {
		return 1
	}
	return 0
}

// number gives k its number and queues it the first time.
func number[T any](x *imager, m map[*T]uint64, k *T) uint64 {
	if k == nil {
		return 0
	}
	n, ok := m[k]
	if !ok {
		n = uint64(len(m) + 1)
		m[k] = n
		x.queue = append(x.queue, k)
	}
	return n
}

func (x *imager) object(o *Object) uint64 { return number(x, x.objects, o) }
func (x *imager) fn(f *FuncDef) uint64    { return number(x, x.funcs, f) }
func (x *imager) init(i *Init) uint64     { return number(x, x.inits, i) }
func (x *imager) label(l *Label) uint64   { return number(x, x.labels, l) }

func (x *imager) stmtRef(s *Stmt) uint64 {
	if s == nil {
		return 0
	}
	n, ok := x.stmts[s]
	if !ok {
		n = uint64(len(x.stmts) + 1)
		x.stmts[s] = n
	}
	return n
}

// Tags of what was mentioned.
const (
	endOfBody = iota
	objectTag
	funcTag
	initTag
	labelTag
)

// mentioned writes the objects, functions, initialisers and labels in order of
// their first mention; of each kind, that is the order of their numbers.
func (x *imager) mentioned() {
	w := &x.w
	for len(x.queue) > 0 {
		q := x.queue
		x.queue = nil
		for _, k := range q {
			switch k := k.(type) {
			case *Object:
				w.U(objectTag)
				x.objectBody(k)
			case *FuncDef:
				w.U(funcTag)
				x.funcBody(k)
			case *Init:
				w.U(initTag)
				x.initBody(k)
			case *Label:
				w.U(labelTag)
				w.S(k.Name)
				w.U(x.stmtRef(k.Stmt)<<3 | flag(k.AddrTaken) | flag(k.Nonlocal)<<1 | flag(k.Lent)<<2)
				w.U(x.fn(k.Func))
				w.N(int(k.ID))
			}
		}
	}
	w.U(endOfBody)
}

// Flags of an object.
const (
	oThread = 1 << iota
	oDefined
	oTentative
	oWeak
	oCommon
	oInlineOnly
	oConstructor
	oDestructor
	oInline
	oNoReturn
	oAddrTaken
	oLive
	oLink // Link is not Name
	oRare // Alias, Section, Align, Cleanup
)

func (x *imager) objectBody(o *Object) {
	w := &x.w
	link := o.Link != o.Name
	rare := o.Alias != "" || o.Section != "" || o.Align != 0 || o.Cleanup != nil
	w.U(flag(o.Thread)*oThread | flag(o.Defined)*oDefined | flag(o.Tentative)*oTentative | flag(o.Weak)*oWeak |
		flag(o.Common)*oCommon | flag(o.InlineOnly)*oInlineOnly | flag(o.Constructor)*oConstructor | flag(o.Destructor)*oDestructor |
		flag(o.Inline)*oInline | flag(o.NoReturn)*oNoReturn | flag(o.AddrTaken)*oAddrTaken | flag(o.Live)*oLive |
		flag(link)*oLink | flag(rare)*oRare)
	w.S(o.Name)
	if link {
		w.S(o.Link)
	}
	if rare {
		w.S(o.Alias)
		w.S(o.Section)
		w.I(o.Align)
		w.U(x.object(o.Cleanup))
	}
	w.U(x.types.Type(o.Type))
	w.U(uint64(o.Storage))
	w.U(x.init(o.Init))
	w.U(x.fn(o.Func))
	w.U(x.stmtRef(o.Scope))
	x.tok(o.Tok)
	x.pos(w, o.Pos)
}

func (x *imager) objectList(list []*Object) {
	x.w.N(len(list))
	for _, o := range list {
		x.w.U(x.object(o))
	}
}

func (x *imager) funcBody(f *FuncDef) {
	w := &x.w
	w.U(x.object(f.Obj))
	x.span(f.Tok, f.End)
	x.objectList(f.Params)
	x.objectList(f.Locals)
	x.stmt(f.Body)
	w.N(len(f.Labels))
	for _, l := range f.Labels {
		w.U(x.label(l))
	}
	w.N(len(f.Nested))
	for _, g := range f.Nested {
		w.U(x.fn(g))
	}
	x.exprList(f.VLASizes)
}

// initBody writes an initialiser. One expression may initialise several
// elements ([0 ... 9] = x): it is written once.
func (x *imager) initBody(in *Init) {
	w := &x.w
	x.span(in.Tok, in.End)
	w.I(in.Size)
	w.N(len(in.Items))
	seen := map[*Expr]int{}
	off := int64(0)
	for i := range in.Items {
		it := &in.Items[i]
		k, again := seen[it.X]
		w.U(flag(it.Field != nil) | flag(again)<<1)
		w.I(it.Off - off)
		off = it.Off
		w.U(x.types.Type(it.Type))
		if it.Field != nil {
			x.field(it.Field, nil)
		}
		if again {
			w.N(i - k)
			continue
		}
		if len(in.Items) > 1 {
			seen[it.X] = i
		}
		x.expr(it.X)
	}
}

const fieldSize = unsafe.Sizeof(ctype.Field{})

// indexIn is the index of f among r's members, -1 if it is none of them.
func indexIn(r *ctype.Record, f *ctype.Field) int {
	if r == nil || len(r.Fields) == 0 {
		return -1
	}
	d := uintptr(unsafe.Pointer(f)) - uintptr(unsafe.Pointer(&r.Fields[0]))
	if i := d / fieldSize; i < uintptr(len(r.Fields)) && &r.Fields[i] == f {
		return int(i)
	}
	return -1
}

// field writes a member as its record and its index there. hint is the record
// that it is likely to be in.
func (x *imager) field(f *ctype.Field, hint *ctype.Record) {
	i := indexIn(hint, f)
	if i < 0 {
		if x.fields == nil {
			for _, r := range x.u.Records {
				if len(r.Fields) > 0 {
					x.fields = append(x.fields, r)
				}
			}
			sort.Slice(x.fields, func(i, j int) bool {
				return uintptr(unsafe.Pointer(&x.fields[i].Fields[0])) < uintptr(unsafe.Pointer(&x.fields[j].Fields[0]))
			})
		}
		k := sort.Search(len(x.fields), func(i int) bool {
			return uintptr(unsafe.Pointer(&x.fields[i].Fields[0])) > uintptr(unsafe.Pointer(f))
		})
		if k > 0 {
			hint = x.fields[k-1]
			i = indexIn(hint, f)
		}
		if i < 0 {
			panic("check: a member that is in no record")
		}
	}
	x.w.U(x.types.Record(hint))
	x.w.N(i)
}

// Flags of an expression, the common ones first.
const (
	eX = 1 << iota
	eY
	eObj
	eVal
	eField
	eParen
	eExplicit
	eArgs
	eZ
	eSub
	eCalc
	eStr
	eInit
	eBody
	eLabel
	eInt
)

func (x *imager) expr(e *Expr) {
	w := &x.w
	x.exprs++
	w.U(uint64(e.Op))
	w.U(flag(e.X != nil)*eX | flag(e.Y != nil)*eY | flag(e.Obj != nil)*eObj | flag(e.Val != 0)*eVal |
		flag(e.Field != nil)*eField | flag(e.Paren)*eParen | flag(e.Explicit)*eExplicit | flag(e.Args != nil)*eArgs |
		flag(e.Z != nil)*eZ | flag(e.Sub != 0)*eSub | flag(e.Calc != nil)*eCalc | flag(e.Str != "")*eStr |
		flag(e.Init != nil)*eInit | flag(e.Body != nil)*eBody | flag(e.Label != nil)*eLabel | flag(e.Int != nil)*eInt)
	w.U(x.types.Type(e.Type))
	x.span(e.Tok, e.End)
	if e.X != nil {
		x.expr(e.X)
	}
	if e.Y != nil {
		x.expr(e.Y)
	}
	if e.Obj != nil {
		w.U(x.object(e.Obj))
	}
	if e.Val != 0 {
		w.I(e.Val)
	}
	if e.Field != nil {
		var in *ctype.Record
		if e.X != nil && e.X.Type != nil {
			in = e.X.Type.Rec
		}
		x.field(e.Field, in)
	}
	if e.Args != nil {
		x.exprList(e.Args)
	}
	if e.Z != nil {
		x.expr(e.Z)
	}
	if e.Sub != 0 {
		w.U(uint64(e.Sub))
	}
	if e.Calc != nil {
		w.U(x.types.Type(e.Calc))
	}
	if e.Str != "" {
		w.S(e.Str)
	}
	if e.Init != nil {
		w.U(x.init(e.Init))
	}
	if e.Body != nil {
		x.stmt(e.Body)
	}
	if e.Label != nil {
		w.U(x.label(e.Label))
	}
	if e.Int != nil {
		w.S(e.Int.String())
	}
}

func (x *imager) exprList(list []*Expr) {
	x.w.N(len(list))
	for _, e := range list {
		x.expr(e)
	}
}

// Flags of a statement.
const (
	sX = 1 << iota
	sThen
	sList
	sDecls
	sElse
	sInit
	sPost
	sLabel
	sTarget
	sAsm
	sCase
	sHi
	sLo
)

func (x *imager) stmt(s *Stmt) {
	w := &x.w
	w.U(x.stmtRef(s))
	w.U(uint64(s.Kind))
	val := s.LoVal != 0 || s.HiVal != 0
	w.U(flag(s.X != nil)*sX | flag(s.Then != nil)*sThen | flag(s.List != nil)*sList | flag(s.Decls != nil)*sDecls |
		flag(s.Else != nil)*sElse | flag(s.Init != nil)*sInit | flag(s.Post != nil)*sPost | flag(s.Label != nil)*sLabel |
		flag(s.Target != nil)*sTarget | flag(s.Asm != nil)*sAsm | flag(val)*sCase | flag(s.Hi != nil)*sHi | flag(s.Lo != nil)*sLo)
	w.U(x.stmtRef(s.Up))
	w.U(x.stmtRef(s.UpExpr))
	x.span(s.Tok, s.End)
	if s.X != nil {
		x.expr(s.X)
	}
	if s.Then != nil {
		x.stmt(s.Then)
	}
	if s.List != nil {
		w.N(len(s.List))
		for _, t := range s.List {
			x.stmt(t)
		}
	}
	if s.Decls != nil {
		x.objectList(s.Decls)
	}
	if s.Else != nil {
		x.stmt(s.Else)
	}
	if s.Init != nil {
		x.stmt(s.Init)
	}
	if s.Post != nil {
		x.expr(s.Post)
	}
	if s.Label != nil {
		w.U(x.label(s.Label))
	}
	if s.Target != nil {
		w.U(x.stmtRef(s.Target))
	}
	if s.Asm != nil {
		x.asm(s.Asm)
	}
	if val {
		w.I(s.LoVal)
		w.I(s.HiVal)
	}
	if s.Hi != nil {
		x.expr(s.Hi)
	}
	if s.Lo != nil {
		x.expr(s.Lo)
	}
}

func (x *imager) asm(a *Asm) {
	w := &x.w
	w.U(flag(a.Volatile) | flag(a.Goto)<<1)
	w.S(a.Template)
	for _, list := range [2][]AsmOperand{a.Out, a.In} {
		w.N(len(list))
		for i := range list {
			w.S(list[i].Constraint)
			w.S(list[i].Name)
			x.expr(list[i].X)
		}
	}
	w.N(len(a.Clobbers))
	for _, s := range a.Clobbers {
		w.S(s)
	}
	w.N(len(a.Labels))
	for _, l := range a.Labels {
		w.U(x.label(l))
	}
	x.span(a.Tok, a.End)
}

// ---- and back

// DecodeUnit makes a unit of an image: its name, files and types; the rest comes
// when somebody wakes it. An error means that a file is missing that the unit
// was read from, or that the image is damaged.
func DecodeUnit(data []byte, files *source.Set) (u *Unit, err error) {
	defer func() {
		if r := recover(); r != nil {
			u, err = nil, fmt.Errorf("image of a unit: %v", r)
		}
	}()
	n, k := binary.Uvarint(data)
	if k <= 0 || n > uint64(len(data)-k) {
		return nil, errors.New("image of a unit: damaged")
	}
	head := wire.NewReader(data[k : k+int(n)])
	data = data[k+int(n):]
	var counts [3]int
	for i := range counts {
		counts[i] = head.N()
	}
	x := &unimager{}
	for i := range x.counts {
		x.counts[i] = head.N()
	}
	types := head.N()
	x.files = make([]*source.File, head.Len()+1)
	for i := range x.files[1:] {
		if x.files[i+1], err = files.Open(head.S()); err != nil {
			return nil, err
		}
	}
	x.types = ctype.NewImageReader(data[:types], counts, x.posFrom)
	records := make([]*ctype.Record, head.N())
	for i := range records {
		records[i] = x.types.Record(head.U())
		records[i].ID = int32(i)
	}
	u = &Unit{Name: head.S(), Files: files, Records: records, image: x}
	u.Stats = Stats{Decls: head.N(), Functions: head.N(), Errors: head.N(), Tokens: head.N()}
	c := &cpp.Unit{System: map[source.FileID]bool{}, Includes: make([]*source.File, head.Len())}
	for i := range c.Includes {
		n := head.U()
		c.Includes[i] = x.files[n>>1]
		if n&1 != 0 {
			c.System[c.Includes[i].ID] = true
		}
	}
	c.Main = c.Includes[0]
	if n := head.Len(); n > 0 {
		c.Reread = make([]source.FileID, n)
		for i := range c.Reread {
			c.Reread[i] = x.files[head.U()].ID
		}
	}
	u.Cpp = c
	if x.data = data[types:]; len(x.data) != head.N() {
		return nil, errors.New("image of a unit: damaged")
	}
	u.state.Store(unread)
	return u, nil
}

// Rest lets go of the expressions and tokens of a unit that DecodeUnit made:
// two thirds of it, which nothing needs between lowering and rewriting. Objects,
// functions, statements and types stay, and so do the operands of asm. Wake
// brings the expressions back, Tokens the tokens. Of a unit that Check made
// there is no image: it keeps what it has. Nobody else may use the unit at the
// same time.
func (u *Unit) Rest() {
	x := u.image
	if x == nil || u.state.Load() == unread {
		return
	}
	for i := range x.stmts {
		s := &x.stmts[i]
		s.X, s.Post, s.Lo, s.Hi = nil, nil, nil, nil
	}
	for i := range x.inits {
		x.inits[i].Items = nil
	}
	for i := range x.funcs {
		x.funcs[i].VLASizes = nil
	}
	u.Cpp.Tokens, u.Cpp.Chains = nil, nil
	u.state.Store(resting)
}

// Wake makes all of a unit available. It brings back what Rest let go of, where
// it was: whoever holds an object, a function or a statement finds its
// expressions in it again, which are new ones. Nobody else may use the unit at
// the same time.
func (u *Unit) Wake() {
	switch u.state.Load() {
	case awake:
		return
	case unread:
		u.image.unit(u)
	default:
		again := &Unit{Cpp: &cpp.Unit{}}
		u.image.unit(again)
		u.Cpp.Tokens, u.Cpp.Chains = again.Cpp.Tokens, again.Cpp.Chains
	}
	u.state.Store(awake)
}

// Tokens returns the unit's tokens, which it reads again if it rests. It may be
// called by many at a time.
func (u *Unit) Tokens() []cpp.Token {
	if u.state.Load() == resting {
		u.reading.Lock()
		defer u.reading.Unlock()
		if u.state.Load() == resting {
			x := unimager{r: wire.NewReader(u.image.data), files: u.image.files}
			x.tokens(u.Cpp)
			u.state.Store(halfAwake)
		}
	}
	return u.Cpp.Tokens
}

// What a unit has.
const (
	awake     int32 = iota // all
	unread                 // no more than DecodeUnit says
	resting                // no expressions, no tokens
	halfAwake              // no expressions
)

// An unimager decodes one unit.
type unimager struct {
	data  []byte // the body
	r     *wire.Reader
	types *ctype.ImageReader
	files []*source.File

	objects []Object
	funcs   []FuncDef
	inits   []Init
	labels  []Label
	stmts   []Stmt
	exprs   []Expr // those that are not used yet
	counts  [6]int // how many of each
	last    int32  // token
	apart   bool   // expressions are those of asm, which stay
}

// unit reads the body into u. Objects, functions, initialisers, labels and
// statements are what they were in the body's last reading, expressions are new.
func (x *unimager) unit(u *Unit) {
	if n := x.counts; x.objects == nil {
		x.objects, x.funcs, x.inits = make([]Object, n[0]), make([]FuncDef, n[1]), make([]Init, n[2])
		x.labels, x.stmts = make([]Label, n[3]), make([]Stmt, n[4])
	}
	x.r, x.exprs, x.last = wire.NewReader(x.data), make([]Expr, x.counts[5]), 0
	defer func() { x.r, x.exprs = nil, nil }() // nodes are all that has to stay
	r := x.r
	x.tokens(u.Cpp)
	u.Funcs = make([]*FuncDef, r.Len())
	for i := range u.Funcs {
		u.Funcs[i] = x.fn()
	}
	u.SetJump, u.LongJump = x.object(), x.object()
	if n := r.Len(); n > 0 {
		u.Asms = make([]*Asm, n)
		for i := range u.Asms {
			u.Asms[i] = x.asm()
		}
	}
	if n := r.Len(); n > 0 {
		u.Bad = make([]BadDecl, n)
		for i := range u.Bad {
			b := &u.Bad[i]
			b.Name, b.Pos = r.S(), x.pos()
			x.span(&b.Lo, &b.Hi)
		}
	}
	x.mentioned()
	u.Objects = x.objectList()
	for i, o := range u.Objects {
		o.ID = int32(i)
	}
	n := int32(len(u.Objects))
	for _, f := range u.Funcs {
		n = numberLocals(f, n)
	}
}

func (x *unimager) posFrom(r *wire.Reader) source.Pos {
	n := r.U()
	if n == 0 {
		return source.Pos{}
	}
	return source.Pos{File: x.files[n].ID, Off: int32(r.I())}
}

func (x *unimager) pos() source.Pos { return x.posFrom(x.r) }

func (x *unimager) tok() int32 {
	x.last += int32(x.r.I())
	return x.last
}

func (x *unimager) span(lo, hi *int32) {
	*lo = x.tok()
	*hi = *lo + int32(x.r.I())
}

func (x *unimager) fileID(n uint64) source.FileID {
	if n == 0 {
		return 0
	}
	return x.files[n].ID
}

func (x *unimager) tokens(c *cpp.Unit) {
	r := x.r
	c.Chains = make([]cpp.Chain, r.Len()+1)
	for i := range c.Chains[1:] {
		c.Chains[i+1] = cpp.Chain{Macro: r.S(), Def: x.pos(), Use: x.pos(), Parent: int32(r.U())}
	}
	c.Tokens = make([]cpp.Token, r.Len())
	var last cpp.Token
	chain := int64(0)
	for i := range c.Tokens {
		t := &c.Tokens[i]
		bits := r.U()
		t.Kind = cpp.Kind(bits / tokKind)
		t.Space, t.Line = bits&tokSpace != 0, bits&tokLine != 0
		t.Text = r.S()
		t.Spell.File = last.Spell.File
		if bits&tokNear == 0 {
			t.Spell.File = x.fileID(r.U())
		}
		if t.Spell.File != 0 {
			t.Spell.Off = last.Spell.Off + int32(r.I())
		}
		switch {
		case bits&tokDirect != 0:
			t.Exp, t.ExpEnd = t.Spell, t.Spell.Off+int32(len(t.Text))
		case bits&tokSame != 0:
			t.Exp, t.ExpEnd = last.Exp, last.ExpEnd
		default:
			t.Exp = x.pos()
			t.ExpEnd = t.Exp.Off + int32(r.I())
		}
		if bits&tokDirect == 0 {
			chain += r.I()
			t.Chain = int32(chain)
		}
		last = *t
	}
}

func (x *unimager) object() *Object {
	if n := x.r.U(); n > 0 {
		return &x.objects[n-1]
	}
	return nil
}

func (x *unimager) fn() *FuncDef {
	if n := x.r.U(); n > 0 {
		return &x.funcs[n-1]
	}
	return nil
}

func (x *unimager) init() *Init {
	if n := x.r.U(); n > 0 {
		return &x.inits[n-1]
	}
	return nil
}

func (x *unimager) label() *Label {
	if n := x.r.U(); n > 0 {
		return &x.labels[n-1]
	}
	return nil
}

func (x *unimager) stmtAt(n uint64) *Stmt {
	if n > 0 {
		return &x.stmts[n-1]
	}
	return nil
}

func (x *unimager) mentioned() {
	r := x.r
	var objects, funcs, inits, labels int
	for {
		switch r.U() {
		case endOfBody:
			return
		case objectTag:
			x.objectBody(&x.objects[objects])
			objects++
		case funcTag:
			x.funcBody(&x.funcs[funcs])
			funcs++
		case initTag:
			x.initBody(&x.inits[inits])
			inits++
		case labelTag:
			l := &x.labels[labels]
			labels++
			l.Name = r.S()
			n := r.U()
			l.Stmt, l.AddrTaken, l.Nonlocal, l.Lent = x.stmtAt(n>>3), n&1 != 0, n&2 != 0, n&4 != 0
			l.Func = x.fn()
			l.ID = int32(r.N())
		default:
			panic("damaged")
		}
	}
}

func (x *unimager) objectBody(o *Object) {
	r := x.r
	b := r.U()
	o.Thread, o.Defined, o.Tentative, o.Weak = b&oThread != 0, b&oDefined != 0, b&oTentative != 0, b&oWeak != 0
	o.Common, o.InlineOnly, o.Constructor, o.Destructor = b&oCommon != 0, b&oInlineOnly != 0, b&oConstructor != 0, b&oDestructor != 0
	o.Inline, o.NoReturn, o.AddrTaken, o.Live = b&oInline != 0, b&oNoReturn != 0, b&oAddrTaken != 0, b&oLive != 0
	o.Name = r.S()
	o.Link = o.Name
	if b&oLink != 0 {
		o.Link = r.S()
	}
	if b&oRare != 0 {
		o.Alias, o.Section, o.Align, o.Cleanup = r.S(), r.S(), r.I(), x.object()
	}
	o.Type = x.types.Type(r.U())
	o.Storage = Storage(r.U())
	o.Init, o.Func, o.Scope = x.init(), x.fn(), x.stmtAt(r.U())
	o.Tok = x.tok()
	o.Pos = x.pos()
}

func (x *unimager) objectList() []*Object {
	n := x.r.Len()
	if n == 0 {
		return nil
	}
	list := make([]*Object, n)
	for i := range list {
		list[i] = x.object()
	}
	return list
}

func (x *unimager) funcBody(f *FuncDef) {
	r := x.r
	f.Obj = x.object()
	x.span(&f.Tok, &f.End)
	f.Params, f.Locals = x.objectList(), x.objectList()
	f.Body = x.stmt()
	if n := r.Len(); n > 0 {
		f.Labels = make([]*Label, n)
		for i := range f.Labels {
			f.Labels[i] = x.label()
		}
	}
	if n := r.Len(); n > 0 {
		f.Nested = make([]*FuncDef, n)
		for i := range f.Nested {
			f.Nested[i] = x.fn()
		}
	}
	f.VLASizes = x.exprList()
}

func (x *unimager) initBody(in *Init) {
	r := x.r
	x.span(&in.Tok, &in.End)
	in.Size = r.I()
	in.Items = make([]InitItem, r.Len())
	off := int64(0)
	for i := range in.Items {
		it := &in.Items[i]
		b := r.U()
		off += r.I()
		it.Off = off
		it.Type = x.types.Type(r.U())
		if b&1 != 0 {
			it.Field = x.field()
		}
		if b&2 != 0 {
			it.X = in.Items[i-r.N()].X
		} else {
			it.X = x.expr()
		}
	}
}

func (x *unimager) field() *ctype.Field {
	d := x.types.Record(x.r.U())
	return &d.Fields[x.r.N()]
}

func (x *unimager) expr() *Expr {
	r := x.r
	var e *Expr
	if x.apart {
		e = &Expr{}
	} else {
		e, x.exprs = &x.exprs[0], x.exprs[1:]
	}
	e.Op = Op(r.U())
	b := r.U()
	e.Type = x.types.Type(r.U())
	x.span(&e.Tok, &e.End)
	e.Paren, e.Explicit = b&eParen != 0, b&eExplicit != 0
	if b&eX != 0 {
		e.X = x.expr()
	}
	if b&eY != 0 {
		e.Y = x.expr()
	}
	if b&eObj != 0 {
		e.Obj = x.object()
	}
	if b&eVal != 0 {
		e.Val = r.I()
	}
	if b&eField != 0 {
		e.Field = x.field()
	}
	if b&eArgs != 0 {
		if e.Args = x.exprList(); e.Args == nil {
			e.Args = []*Expr{}
		}
	}
	if b&eZ != 0 {
		e.Z = x.expr()
	}
	if b&eSub != 0 {
		e.Sub = Op(r.U())
	}
	if b&eCalc != 0 {
		e.Calc = x.types.Type(r.U())
	}
	if b&eStr != 0 {
		e.Str = r.S()
	}
	if b&eInit != 0 {
		e.Init = x.init()
	}
	if b&eBody != 0 {
		e.Body = x.stmt()
	}
	if b&eLabel != 0 {
		e.Label = x.label()
	}
	if b&eInt != 0 {
		e.Int, _ = new(big.Int).SetString(r.S(), 10)
	}
	return e
}

func (x *unimager) exprList() []*Expr {
	n := x.r.Len()
	if n == 0 {
		return nil
	}
	list := make([]*Expr, n)
	for i := range list {
		list[i] = x.expr()
	}
	return list
}

func (x *unimager) stmt() *Stmt {
	r := x.r
	s := x.stmtAt(r.U())
	s.Kind = StmtKind(r.U())
	b := r.U()
	s.Up, s.UpExpr = x.stmtAt(r.U()), x.stmtAt(r.U())
	x.span(&s.Tok, &s.End)
	if b&sX != 0 {
		s.X = x.expr()
	}
	if b&sThen != 0 {
		s.Then = x.stmt()
	}
	if b&sList != 0 {
		s.List = make([]*Stmt, r.Len())
		for i := range s.List {
			s.List[i] = x.stmt()
		}
	}
	if b&sDecls != 0 {
		s.Decls = x.objectList()
	}
	if b&sElse != 0 {
		s.Else = x.stmt()
	}
	if b&sInit != 0 {
		s.Init = x.stmt()
	}
	if b&sPost != 0 {
		s.Post = x.expr()
	}
	if b&sLabel != 0 {
		s.Label = x.label()
	}
	if b&sTarget != 0 {
		s.Target = x.stmtAt(r.U())
	}
	if b&sAsm != 0 {
		if a := x.asm(); s.Asm == nil {
			s.Asm = a
		}
	}
	if b&sCase != 0 {
		s.LoVal, s.HiVal = r.I(), r.I()
	}
	if b&sHi != 0 {
		s.Hi = x.expr()
	}
	if b&sLo != 0 {
		s.Lo = x.expr()
	}
	return s
}

func (x *unimager) asm() *Asm {
	r := x.r
	a := &Asm{}
	defer func(apart bool) { x.apart = apart }(x.apart)
	x.apart = true
	b := r.U()
	a.Volatile, a.Goto = b&1 != 0, b&2 != 0
	a.Template = r.S()
	for _, list := range [2]*[]AsmOperand{&a.Out, &a.In} {
		if n := r.Len(); n > 0 {
			*list = make([]AsmOperand, n)
			for i := range *list {
				(*list)[i] = AsmOperand{r.S(), r.S(), x.expr()}
			}
		}
	}
	if n := r.Len(); n > 0 {
		a.Clobbers = make([]string, n)
		for i := range a.Clobbers {
			a.Clobbers[i] = r.S()
		}
	}
	if n := r.Len(); n > 0 {
		a.Labels = make([]*Label, n)
		for i := range a.Labels {
			a.Labels[i] = x.label()
		}
	}
	x.span(&a.Tok, &a.End)
	return a
}
