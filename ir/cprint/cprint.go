// Package cprint prints the IR of a linked program as one C file that behaves
// as the program does. It is the oracle for lowering, linking and lifting: if
// they are right, the printed file, compiled, gives the original's output. With
// hooks that print code around instructions it is also the carrier of run-time
// checks of analyses.
//
// The C is of a low kind, for gcc or clang at any level: each register and
// phi is a variable, each block a label, each memory local and global an array
// of bytes of the right size and alignment, and each access goes through a
// cast to a type that may alias anything and be unaligned. Only records that
// are passed by value are printed as structures, since the ABI looks inside.
// Symbols of the program keep their names for the linker by asm labels, so
// that nothing clashes with the compiler's built-in declarations.
package cprint

import (
	"bytes"
	"fmt"
	"io"
	"math/big"
	"strconv"
	"strings"

	"saz/frontend/check"
	"saz/frontend/ctype"
	"saz/ir"
)

// Hooks add code to the output. Any may be nil. text turns an operand of the
// instruction into a C expression of the given type.
type Hooks struct {
	Prelude string                                                                              // after the helpers, before everything else
	Entry   func(p *Names, f *ir.Func) string                                                   // at the head of a function, parameters in place
	Before  func(p *Names, f *ir.Func, i int32, text func(ir.Value, *ctype.Type) string) string // before an instruction
	After   func(p *Names, f *ir.Func, i int32, text func(ir.Value, *ctype.Type) string) string // after one that is no terminator
	Trailer func(p *Names) string                                                               // at the end of the file
}

// Names says how the output calls things.
type Names struct{ p *printer }

// Local is a C expression for the address of a local of the function at hand.
func (n *Names) Local(f *ir.Func, l ir.LocalID) string { return "((void*)l" + itoa(l) + ")" }

// Global is a C expression for the address of a global.
func (n *Names) Global(g ir.GlobalID) string { return "((void*)&" + n.p.globalName(g) + ")" }

// Func is a C expression for the address of a function.
func (n *Names) Func(f ir.FuncID) string { return "((void*)" + n.p.funcName(f) + ")" }

// Inner reports whether a global can be named only inside its function: its
// initialiser holds addresses of blocks.
func (n *Names) Inner(g ir.GlobalID) bool { return n.p.inner[g] }

func itoa[T ~int32](v T) string { return strconv.Itoa(int(v)) }

// Program writes p as C.
func Program(w io.Writer, p *ir.Program, hooks *Hooks) error {
	if hooks == nil {
		hooks = &Hooks{}
	}
	pr := &printer{p: p, hooks: hooks, recName: map[*ctype.Record]string{}, access: map[string]string{}, vecs: map[string]string{}}
	pr.names.p = pr
	pr.findInner()
	var decls, defs, funcs bytes.Buffer
	for _, g := range p.Globals {
		if !pr.inner[g.ID] {
			pr.global(&decls, &defs, g)
		}
	}
	for _, f := range p.Funcs {
		if !builtinOnly(f) {
			pr.declare(&decls, f)
		}
	}
	for _, f := range p.Funcs {
		if f.Defined() {
			pr.function(&funcs, f)
		} else if f.Unknown && f.Linkage != ir.Undefined {
			fmt.Fprintf(&funcs, "%s%s\n{ __builtin_abort(); }\n\n", static(f.Linkage), pr.signature(f, true))
		}
	}
	for _, u := range p.Units {
		if u.AST == nil {
			continue
		}
		for _, a := range u.AST.Asms {
			fmt.Fprintf(&funcs, "__asm__(%s);\n", quote(a.Template))
		}
	}
	if hooks.Trailer != nil {
		funcs.WriteString(hooks.Trailer(&pr.names))
	}
	for _, part := range [][]byte{[]byte(header), []byte(hooks.Prelude), pr.types.Bytes(), decls.Bytes(), defs.Bytes(), funcs.Bytes()} {
		if _, err := w.Write(part); err != nil {
			return err
		}
		if _, err := io.WriteString(w, "\n"); err != nil {
			return err
		}
	}
	return nil
}

const header = `/* Printed by saz from its intermediate representation. Compile with -w. */
static inline __attribute__((unused)) void *saz_hide(void *p) { __asm__("" : "+r"(p)); return p; }
static inline __attribute__((unused)) unsigned long saz_ldbits(const volatile unsigned char *p, int o, int w)
{
	unsigned __int128 v = 0;
	for (int i = (o + w + 7) / 8; i-- > 0;)
		v = v << 8 | p[i];
	v >>= o;
	return w < 64 ? (unsigned long)v & ((1UL << w) - 1) : (unsigned long)v;
}
static inline __attribute__((unused)) long saz_ldsbits(const volatile unsigned char *p, int o, int w)
{
	return (long)(saz_ldbits(p, o, w) << (64 - w)) >> (64 - w);
}
static inline __attribute__((unused)) void saz_stbits(volatile unsigned char *p, int o, int w, unsigned long x)
{
	while (w > 0) {
		int n = 8 - o < w ? 8 - o : w;
		unsigned m = ((1u << n) - 1) << o;
		*p = (unsigned char)((*p & ~m) | ((unsigned)(x << o) & m));
		x >>= n; w -= n; o = 0; p++;
	}
}
static inline __attribute__((unused)) unsigned __int128 saz_ldwide(const volatile unsigned char *p, int o, int w, int sign)
{
	unsigned __int128 v = saz_ldbits(p, o, 64), h = saz_ldbits(p + 8, o, w - 64);
	v |= h << 64;
	return sign ? (unsigned __int128)((__int128)(v << (128 - w)) >> (128 - w)) : v;
}
static inline __attribute__((unused)) void saz_stwide(volatile unsigned char *p, int o, int w, unsigned __int128 x)
{
	saz_stbits(p, o, 64, x);
	saz_stbits(p + 8, o, w - 64, x >> 64);
}
struct saz_vla { struct saz_vla *next, *pad; };
static inline __attribute__((unused)) void *saz_vla_new(struct saz_vla **list, unsigned long n)
{
	struct saz_vla *v = __builtin_malloc(n + sizeof *v);
	v->next = *list; *list = v;
	return v + 1;
}
static inline __attribute__((unused)) void saz_vla_free(struct saz_vla **list, struct saz_vla *to)
{
	while (*list != to) { struct saz_vla *v = *list; *list = v->next; __builtin_free(v); }
}
`

type printer struct {
	p     *ir.Program
	hooks *Hooks
	names Names

	types   bytes.Buffer // typedefs and records, in order of need
	recName map[*ctype.Record]string
	access  map[string]string // C type → its may_alias typedef
	vecs    map[string]string
	inner   map[ir.GlobalID]bool // globals that name blocks: printed inside their function

	f       *ir.Func // being printed
	usesVLA bool
}

func static(l ir.Linkage) string {
	if l == ir.Internal {
		return "static "
	}
	return ""
}

// findInner marks the globals whose initialisers name blocks.
func (pr *printer) findInner() {
	pr.inner = map[ir.GlobalID]bool{}
	for _, g := range pr.p.Globals {
		for i := range g.Init {
			if g.Init[i].Value.Kind == ir.VLabel {
				pr.inner[g.ID] = true
			}
		}
	}
}

// word makes part of a C identifier of a name.
func word(s string) string {
	var b strings.Builder
	for _, c := range []byte(s) {
		if c == '_' || c >= '0' && c <= '9' || c >= 'A' && c <= 'Z' || c >= 'a' && c <= 'z' {
			b.WriteByte(c)
		}
	}
	return b.String()
}

func (pr *printer) globalName(id ir.GlobalID) string {
	return "g" + itoa(id) + "_" + word(pr.p.Globals[id].Name)
}

func (pr *printer) funcName(id ir.FuncID) string {
	if f := pr.p.Funcs[id]; builtinOnly(f) || inPlace(f) || id == pr.p.Entry {
		return f.Link
	}
	return "f" + itoa(id) + "_" + word(pr.p.Funcs[id].Name)
}

// builtinOnly reports whether only the compiler knows a function.
func builtinOnly(f *ir.Func) bool {
	return f.Linkage == ir.Undefined && strings.HasPrefix(f.Link, "__builtin_")
}

// inPlace reports whether the program defines a function that gcc, which knows it by
// its name, does not call but computes in place, at -O0, too: the definition counts only
// with -fno-builtin.
func inPlace(f *ir.Func) bool {
	t := f.Type.Func
	if f.Linkage == ir.Internal || !f.Defined() || len(t.Params) != 1 {
		return false
	}
	switch f.Link {
	case "abs", "labs", "llabs", "imaxabs":
		return t.Params[0].Type.IsInteger() && f.Type.Elem.IsInteger()
	}
	return false
}

// quote writes bytes as a C string literal.
func quote(s string) string {
	b := make([]byte, 0, len(s)+2)
	b = append(b, '"')
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c == '"' || c == '\\':
			b = append(b, '\\', c)
		case c >= ' ' && c < 127 && c != '?':
			b = append(b, c)
		default:
			b = append(b, '\\', '0'+c>>6, '0'+c>>3&7, '0'+c&7)
		}
	}
	return string(append(b, '"'))
}

// ---- types

// typ is the C type in which values of type t are held. All pointers are void *.
func (pr *printer) typ(t *ctype.Type) string {
	switch t.Kind {
	case ctype.Pointer, ctype.Array, ctype.Func, ctype.VaList:
		return "void *"
	case ctype.Enum:
		if t.Enum.Under == nil {
			return "int"
		}
		return pr.typ(t.Enum.Under)
	case ctype.Complex:
		return "_Complex " + pr.typ(t.Elem)
	case ctype.Vector:
		key := fmt.Sprintf("%s/%d", pr.typ(t.Elem), t.Size)
		n := pr.vecs[key]
		if n == "" {
			n = fmt.Sprintf("V%d", len(pr.vecs))
			fmt.Fprintf(&pr.types, "typedef %s %s __attribute__((vector_size(%d)));\n", pr.typ(t.Elem), n, t.Size)
			pr.vecs[key] = n
		}
		return n
	case ctype.Struct, ctype.Union:
		return pr.record(t.Rec)
	}
	return ctype.Basic(t.Kind).String()
}

// record prints the definition of a record that is passed by value, with its
// members at their exact places: gaps and bit-fields become bytes.
func (pr *printer) record(r *ctype.Record) string {
	r = pr.p.Record(r)
	if n := pr.recName[r]; n != "" {
		return n
	}
	kind := "struct"
	if r.Union {
		kind = "union"
	}
	name := fmt.Sprintf("%s R%d_%s", kind, len(pr.recName), word(r.Tag))
	pr.recName[r] = name
	var b bytes.Buffer
	fmt.Fprintf(&b, "%s {", name)
	at := int64(0)
	npad := 0
	packed := ""
	fill := func(to int64) {
		if to > at {
			fmt.Fprintf(&b, " unsigned char pad%d[%d];", npad, to-at)
			npad++
			at = to
		}
	}
	for i := range r.Fields {
		f := &r.Fields[i]
		if f.BitField {
			if r.Union {
				fmt.Fprintf(&b, " unsigned char m%d[%d];", i, (f.BitWidth+7)/8)
			} else {
				fill((f.BitOff + f.BitWidth + 7) / 8)
			}
			continue
		}
		size := ctype.SizeOf(f.Type)
		if size <= 0 {
			continue
		}
		if !r.Union {
			fill(f.Off)
			if f.Off < at { // shares its bytes with a bit-field before it: cannot happen in gcc's layout
				continue
			}
		}
		fmt.Fprintf(&b, " %s;", pr.member(f.Type, "m"+strconv.Itoa(i)))
		at = f.Off + size
		if a := ctype.AlignOf(f.Type); a > 1 && (f.Off%a != 0 || a > r.Align) {
			packed = "packed, "
		}
	}
	if r.Union {
		if r.Size > 0 {
			fmt.Fprintf(&b, " unsigned char all[%d];", r.Size)
		}
	} else {
		fill(r.Size)
	}
	fmt.Fprintf(&b, " } __attribute__((%saligned(%d), may_alias));\n", packed, max(r.Align, 1))
	pr.types.Write(b.Bytes())
	return name
}

// member declares a member; arrays keep their shape.
func (pr *printer) member(t *ctype.Type, name string) string {
	switch t.Kind {
	case ctype.Array:
		return pr.member(t.Elem, name+"["+strconv.FormatInt(t.Len, 10)+"]")
	case ctype.VaList:
		return "__builtin_va_list " + name
	}
	return pr.typ(t) + " " + name
}

// at is an lvalue of type t at the address expression a.
func (pr *printer) at(t *ctype.Type, a string, volatile bool) string {
	c := pr.typ(t)
	n := pr.access[c]
	if n == "" {
		n = fmt.Sprintf("A%d", len(pr.access))
		pr.access[c] = n
		if t.IsRecord() {
			fmt.Fprintf(&pr.types, "typedef %s %s;\n", c, n)
		} else {
			fmt.Fprintf(&pr.types, "typedef %s %s __attribute__((may_alias, aligned(1)));\n", c, n)
		}
	}
	if volatile {
		n = "volatile " + n
	}
	return "*(" + n + " *)" + a
}

// params writes a parameter list.
func (pr *printer) params(ft *ctype.FuncType) string {
	if ft.OldStyle {
		return "()"
	}
	var b strings.Builder
	b.WriteByte('(')
	for i := range ft.Params {
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteString(pr.typ(ft.Params[i].Type))
	}
	switch {
	case ft.Variadic && len(ft.Params) > 0:
		b.WriteString(", ...")
	case ft.Variadic: // C23: (...)
		return "()"
	case len(ft.Params) == 0:
		b.WriteString("void")
	}
	b.WriteByte(')')
	return b.String()
}

// ---- globals

// global prints the declaration and the definition of a global.
func (pr *printer) global(decls, defs *bytes.Buffer, g *ir.Global) {
	name := pr.globalName(g.ID)
	thread := ""
	if g.Thread {
		thread = "__thread "
	}
	attr := ""
	if g.Linkage != ir.Internal {
		attr = " __asm__(" + quote(g.Link) + ")"
	}
	if g.Weak {
		attr += " __attribute__((weak))"
	}
	if g.Linkage == ir.Undefined {
		fmt.Fprintf(decls, "extern %sunsigned char %s[]%s;\n", thread, name, attr)
		return
	}
	attr += fmt.Sprintf(" __attribute__((aligned(%d)))", alignOf(g.Type, g.Obj))
	if g.Obj != nil && g.Obj.Section != "" {
		attr += " __attribute__((used, section(" + quote(g.Obj.Section) + ")))"
	}
	members, init := pr.image(g)
	typ := "unsigned char"
	dim := ""
	if members != "" {
		typ = "struct G" + itoa(g.ID)
		fmt.Fprintf(decls, "%s {%s } __attribute__((packed));\n", typ, members)
	} else {
		dim = fmt.Sprintf("[%d]", max(g.Size, 1))
	}
	storage := "extern "
	if g.Linkage == ir.Internal {
		storage = "static "
	}
	if pr.inner[g.ID] {
		fmt.Fprintf(defs, "static %s %s%s = %s;\n", typ, name, dim, init)
		return
	}
	fmt.Fprintf(decls, "%s%s%s %s%s%s;\n", storage, thread, typ, name, dim, attr)
	if init == "" && g.Linkage == ir.Internal {
		return
	}
	if init == "" {
		init = "{0}"
	}
	if g.Linkage == ir.External {
		storage = ""
	}
	fmt.Fprintf(defs, "%s%s%s %s%s = %s;\n", storage, thread, typ, name, dim, init)
}

// bigBit is bit k of an integer constant.
func bigBit(v ir.Value, k int64) bool {
	if v.Str != "" {
		n, ok := new(big.Int).SetString(v.Str, 0)
		return ok && n.Bit(int(k)) != 0
	}
	return v.Off>>uint(min(k, 63))&1 != 0
}

// alignOf is the alignment of an object, declared or by its type.
func alignOf(t *ctype.Type, o *check.Object) int64 {
	a := max(ctype.AlignOf(t), 1)
	if o != nil {
		a = max(a, o.Align)
	}
	return a
}

// image prints what a global holds: members of a struct and their
// initialisers, or only an initialiser if it is all bytes.
func (pr *printer) image(g *ir.Global) (members, init string) {
	if g.String {
		return "", quote(g.Data)
	}
	if len(g.Init) == 0 {
		return "", ""
	}
	size := max(g.Size, 1)
	data := make([]byte, size)
	special := map[int64]*ir.InitItem{} // typed members, by offset
	clear := func(lo, hi int64) {
		for o, it := range special {
			if o < hi && o+ctype.SizeOf(it.Type) > lo {
				delete(special, o)
			}
		}
	}
	for i := range g.Init {
		it := &g.Init[i]
		n := ctype.SizeOf(it.Type)
		switch {
		case it.Data != "":
			if len(special) > 0 {
				clear(it.Off, it.Off+int64(len(it.Data)))
			}
			copy(data[min(it.Off, size):], it.Data)
			for k := it.Off + int64(len(it.Data)); k < it.Off+n && k < size; k++ {
				data[k] = 0
			}
		case it.Field != nil:
			if it.Value.Kind == ir.VInt {
				bit := it.Field.BitOff - 8*it.Field.Off // within the byte at it.Off
				for k := int64(0); k < it.Field.BitWidth; k++ {
					o := it.Off + (bit+k)/8
					if o >= size {
						break
					}
					m := byte(1) << uint((bit+k)%8)
					data[o] &^= m
					if bigBit(it.Value, k) {
						data[o] |= m
					}
				}
			}
		case it.Value.Kind == ir.VInt && it.Value.Str == "" && !it.Type.IsFloat() && it.Type.Kind != ctype.Complex:
			if len(special) > 0 {
				clear(it.Off, it.Off+n)
			}
			v := it.Value.Off
			if it.Type.Kind == ctype.Bool && v != 0 {
				v = 1
			}
			for k := int64(0); k < n && it.Off+k < size; k++ {
				if k < 8 {
					data[it.Off+k] = byte(v >> uint(8*k))
				} else {
					data[it.Off+k] = byte(v >> 63)
				}
			}
		case it.Value.Kind == ir.VUndef || it.Value.Kind == ir.NoVal:
		default:
			if len(special) > 0 {
				clear(it.Off, it.Off+n)
			}
			special[it.Off] = it
		}
	}
	if len(special) == 0 {
		return "", quote(string(data))
	}
	var m, v strings.Builder
	v.WriteString("{")
	at := int64(0)
	bytesTo := func(to int64) {
		for at < to {
			// Long runs of zeros are not spelled out.
			end, zero := at, true
			for end < to && end-at < 4096 {
				if data[end] != 0 {
					zero = false
				}
				end++
			}
			if zero {
				for end < to && data[end] == 0 {
					end++
				}
			}
			fmt.Fprintf(&m, " unsigned char b%d[%d];", at, end-at)
			if zero {
				v.WriteString(" {0},")
			} else {
				v.WriteString(" " + quote(string(data[at:end])) + ",")
			}
			at = end
		}
	}
	for i := range g.Init {
		it := &g.Init[i]
		if special[it.Off] != it {
			continue
		}
		bytesTo(it.Off)
		n := ctype.SizeOf(it.Type)
		fmt.Fprintf(&m, " %s v%d;", pr.typ(it.Type), it.Off)
		v.WriteString(" " + pr.value(it.Value, it.Type) + ",")
		at = it.Off + n
	}
	bytesTo(size)
	v.WriteString(" }")
	return m.String(), v.String()
}
