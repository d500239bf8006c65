package glue

import (
	"fmt"
	"path/filepath"
	"sort"

	"saz/frontend/ctype"
	"saz/frontend/source"
	"saz/ir"
	"saz/passes"
	"saz/passes/container"
	"saz/passes/flowspace"
	"saz/passes/merge"
	"saz/passes/persist"
	"saz/passes/plan"
	"saz/passes/scratch"
	"saz/passes/toplevel"
	"saz/passes/update"
	"saz/rewrite/hook"
)

// An Input is what the tables are made from.
type Input struct {
	Prog       *ir.Program
	Persist    *persist.Result
	Plan       *plan.Result
	Containers *container.Result
	Spaces     *flowspace.Result
	Merge      *merge.Result
	Update     *update.Result
	Scratch    *scratch.Result
	TopLevel   *toplevel.Result
}

type symbol struct {
	Name, Link string // Link "": by SAZ_STATIC, or not at all
	Size       int64
	Type       int
	global     ir.GlobalID
}

type function struct{ Name, Link string }

type site struct {
	Type  int
	Where string
}

type span struct {
	Symbol   int
	Off, Len int64
	Op, Num  string
	Width    int64
}

type key struct {
	Off, Size int64
	Header    string
	Net       int
}

type box struct {
	Name                  string
	Symbol                int
	Head, Buckets, Stride int64
	Indirect              int
	Prev                  string
	BothWays              int
	Tail, TailSymbol      int
	Entry                 int
	NextOff, PrevOff      int64
	Keys                  []key
}

type tables struct {
	Name       string
	Nvars      int
	Always     int     // variables that are announced with each packet: track/announce.go
	Groups     [][]int // of variables that one mark stands for
	Types      []typ
	Symbols    []symbol
	Functions  []function
	Sites      []site
	Ranges     []span
	Containers []box
	KeepBlocks int

	Verify   bool
	Watches  []watch
	Fields   []field
	Hidden   int
	WholeRun int

	statics []hook.Static
	opt     Options

	in    Input
	types *types
	index map[ir.GlobalID]int
}

func build(in Input, opt Options) *tables {
	t := &tables{Name: filepath.Base(in.Prog.Name), in: in, opt: opt, Verify: opt.Verify, types: newTypes(in.Prog.Records, in.Plan.Opaque), index: map[ir.GlobalID]int{}}
	t.Groups, t.Always = opt.Marks.Groups, opt.Marks.Always
	if in.Prog.Name == "" {
		t.Name = "program"
	}
	// Records come first and in the plan's order, so that their numbers do not depend on what else
	// mentions them.
	for _, r := range in.Plan.Types {
		t.types.ofRecord(t.types.record(r))
	}
	t.symbols()
	t.functions()
	t.sites()
	t.containers()
	t.ranges()
	if opt.Verify {
		t.watches()
	}
	t.types.resolve()
	t.Types = t.types.list
	if opt.Verify {
		t.fields()
	}
	return t
}

// ---- symbols ----

func (t *tables) symbols() {
	seen := map[source.Pos]bool{}
	for _, pv := range t.in.Plan.Vars {
		v := &t.in.Persist.Vars[pv.Var]
		root := pv.Root
		if root == nil {
			root = v.Type
		}
		s := symbol{Name: t.qualified(v.Name, v.Proc), Size: max(v.Size, 0), Type: t.types.element(root), global: -1}
		if v.Global >= 0 {
			t.place(&s, v.Global, seen, true)
		} else {
			t.keep(v.Type)
		}
		t.Symbols = append(t.Symbols, s)
	}
	t.Nvars = len(t.Symbols)
	for _, id := range t.in.Plan.Globals {
		t.global(id, seen)
	}
}

// keep: a local that may hold an entry's address from packet to packet is where the runtime can't
// look, so no block may be freed behind its back.
func (t *tables) keep(ty *ctype.Type) {
	for ty != nil && ty.Kind == ctype.Array {
		ty = ty.Elem
	}
	if ty != nil && (ty.Kind == ctype.Pointer || ty.IsRecord()) {
		t.KeepBlocks = 1
	}
}

func (t *tables) qualified(name string, proc ir.FuncID) string {
	if proc >= 0 && int(proc) < len(t.in.Prog.Funcs) {
		return t.in.Prog.Funcs[proc].Name + "." + name
	}
	return name
}

// place says how the address of a global is to be had.
func (t *tables) place(s *symbol, id ir.GlobalID, seen map[source.Pos]bool, tracked bool) {
	g := t.in.Prog.Globals[id]
	s.global = id
	t.index[id] = len(t.Symbols)
	switch {
	case g.Thread:
	case g.Linkage != ir.Internal:
		s.Link = g.Link
		if s.Link == "" {
			s.Link = g.Name
		}
	case g.Name != "" && !seen[g.Pos]: // a static in a header is one declaration, however many units have it
		seen[g.Pos] = true
		t.statics = append(t.statics, hook.Static{ID: len(t.Symbols), Global: id, Func: -1, Units: t.declared(g, tracked)})
	}
}

// declared counts the units that have a tracked variable of their own from g's declaration.
func (t *tables) declared(g *ir.Global, tracked bool) int {
	n := 0
	for _, x := range t.in.Prog.Globals {
		if tracked && x.Pos == g.Pos && x.Name == g.Name && x.Linkage == ir.Internal && x.Proc == g.Proc {
			n++
		}
	}
	return max(n, 1)
}

// global returns the number of a global's symbol, which it adds if need be; -1 if it has no name.
func (t *tables) global(id ir.GlobalID, seen map[source.Pos]bool) int {
	if i, ok := t.index[id]; ok {
		return i
	}
	g := t.in.Prog.Globals[id]
	if g.String || g.Name == "" || g.Thread || g.Size <= 0 {
		return -1
	}
	s := symbol{Name: t.qualified(g.Name, g.Proc), Size: g.Size, Type: t.types.element(g.Type)}
	t.place(&s, id, seen, false)
	t.Symbols = append(t.Symbols, s)
	return len(t.Symbols) - 1
}

func (t *tables) functions() {
	seen := map[source.Pos]bool{}
	for _, id := range t.in.Plan.Funcs {
		f := t.in.Prog.Funcs[id]
		fn := function{Name: f.Name}
		switch {
		case f.Linkage != ir.Internal:
			fn.Link = f.Link
			if fn.Link == "" {
				fn.Link = f.Name
			}
		case f.Def != nil && !seen[f.Pos]:
			seen[f.Pos] = true
			t.statics = append(t.statics, hook.Static{ID: len(t.Functions), Global: -1, Func: id})
		}
		t.Functions = append(t.Functions, fn)
	}
}

func (t *tables) sites() {
	t.Sites = []site{{}}
	for _, s := range t.in.Plan.Sites {
		for len(t.Sites) <= s.ID {
			t.Sites = append(t.Sites, site{})
		}
		out := site{Type: wordsType, Where: t.where(s.Ref)}
		if s.Elem != nil {
			out.Type = t.types.element(s.Elem)
		} else if !s.Manual {
			out.Type = bytesType
		}
		t.Sites[s.ID] = out
	}
}

func (t *tables) where(ref ir.Ref) string {
	if int(ref.Func) >= len(t.in.Prog.Funcs) || t.in.Prog.Files == nil {
		return ""
	}
	at := t.in.Prog.Funcs[ref.Func].Instrs[ref.I].Pos
	if int(at.Unit) >= len(t.in.Prog.Units) {
		return ""
	}
	p := t.in.Prog.Files.Place(passes.SourcePos(t.in.Prog, at))
	return fmt.Sprintf("%s:%d", filepath.Base(p.Path), p.Line)
}

// ---- containers ----

var headers = map[string]string{
	"nw_src": "SAZ_NW_SRC", "nw_dst": "SAZ_NW_DST", "tp_src": "SAZ_TP_SRC", "tp_dst": "SAZ_TP_DST", "nw_proto": "SAZ_NW_PROTO",
	"dl_type": "SAZ_DL_TYPE", "dl_src": "SAZ_DL_SRC", "dl_dst": "SAZ_DL_DST", "dl_vlan": "SAZ_DL_VLAN",
}

func (t *tables) containers() {
	if t.in.Containers == nil {
		return
	}
	for i, pv := range t.in.Plan.Vars {
		c := t.in.Containers.Containers[pv.Var]
		if c == nil || c.Shape != container.List && c.Shape != container.HashList || c.Entry == nil || c.Next == "" || c.Together != "" || t.in.Spaces.Spaces[pv.Var].Networks() || t.in.Spaces.Spaces[pv.Var].Boxed() {
			continue
		}
		if b, ok := t.container(i, c, &t.in.Persist.Vars[pv.Var]); ok {
			t.Containers = append(t.Containers, b)
		}
	}
}

func (t *tables) container(sym int, c *container.Container, v *persist.Var) (box, bool) {
	r := t.types.record(c.Entry)
	b := box{Name: t.Symbols[sym].Name, Symbol: sym, Head: c.HeadOff, Buckets: max(c.Buckets, 0), Stride: wordSize, Entry: t.types.ofRecord(r),
		NextOff: c.NextOff, Prev: "SAZ_NO_PREV"}
	if v.Global < 0 || !r.Complete || c.NextOff < 0 || c.NextOff+wordSize > r.Size {
		return b, false
	}
	if c.Shape == container.List {
		b.Buckets = 1
	} else if c.BucketType != nil && ctype.SizeOf(c.BucketType) >= wordSize {
		b.Stride = ctype.SizeOf(c.BucketType)
	}
	if c.Indirect {
		b.Indirect = 1
	}
	if b.Head < 0 || b.Head+t.headBytes(&b) > v.Size || b.headless() {
		return b, false
	}
	if c.Prev != "" && c.PrevOff >= 0 && c.PrevOff+wordSize <= r.Size {
		b.Prev, b.PrevOff = "SAZ_PREV", c.PrevOff
		for i := range r.Fields {
			if f := &r.Fields[i]; f.Off == c.PrevOff && f.Type.Kind == ctype.Pointer && f.Type.Elem != nil && f.Type.Elem.Kind == ctype.Pointer {
				b.Prev = "SAZ_PPREV"
			}
		}
	}
	if c.Tail != "" {
		if i := t.tail(c.Tail, t.in.Prog.Globals[v.Global].Unit); i >= 0 {
			b.Tail, b.TailSymbol = 1, i
		}
	}
	if t.in.Spaces != nil {
		if sp := t.in.Spaces.Spaces[v.ID]; sp != nil {
			b.keys(sp, r.Size)
		}
	}
	return b, true
}

func (b *box) headless() bool { return b.Indirect == 0 && b.Buckets == 0 }

// headBytes is what the heads, or the pointer to them, take in the variable.
func (t *tables) headBytes(b *box) int64 {
	if b.Indirect != 0 {
		return wordSize
	}
	return max(b.Buckets-1, 0)*b.Stride + wordSize
}

func (b *box) keys(sp *flowspace.Space, size int64) {
	for _, k := range sp.Keys {
		h := headers[k.Header]
		if h == "" || k.Field == "" || k.Off < 0 || k.Size <= 0 || k.Size > 16 || k.Off+k.Size > size {
			continue
		}
		net := 0
		if k.Net {
			net = 1
		}
		b.Keys = append(b.Keys, key{k.Off, k.Size, h, net})
	}
	if sp.BothWays {
		b.BothWays = 1
	}
}

// tail finds the global of that name, in the container's own unit if it has one.
func (t *tables) tail(name string, unit ir.UnitID) int {
	best := ir.GlobalID(-1)
	for _, g := range t.in.Prog.Globals {
		if g.Name == name && g.Proc < 0 && g.Size == wordSize && (best < 0 || g.Unit == unit) {
			best = g.ID
		}
	}
	if best < 0 {
		return -1
	}
	return t.global(best, map[source.Pos]bool{})
}

// ---- ranges ----

func (t *tables) ranges() {
	links := map[int][][2]int64{}
	for i := range t.Containers {
		b := &t.Containers[i]
		links[b.Symbol] = append(links[b.Symbol], [2]int64{b.Head, b.Head + t.headBytes(b)})
		if b.Tail != 0 {
			links[b.TailSymbol] = append(links[b.TailSymbol], [2]int64{0, wordSize})
		}
	}
	for i, pv := range t.in.Plan.Vars {
		v := &t.in.Persist.Vars[pv.Var]
		if v.Global < 0 || t.in.Prog.Globals[v.Global].Thread || constant(v.Type) {
			continue
		}
		var updated [][2]int64
		if t.in.Update != nil {
			updated = t.in.Update.Ranges[pv.Var]
		}
		if len(updated) == 0 {
			updated = [][2]int64{{0, v.Size}}
		}
		var rules []merge.Rule
		if t.in.Merge != nil {
			rules = t.in.Merge.Rules[pv.Var]
		}
		t.variable(i, v, updated, rules, links[i])
	}
}

// constant: whatever the pointers of the program seem to allow, nobody writes there.
func constant(ty *ctype.Type) bool {
	for ty != nil && ty.Kind == ctype.Array {
		if ty.Qual&ctype.Const != 0 {
			return true
		}
		ty = ty.Elem
	}
	return ty != nil && ty.Qual&ctype.Const != 0
}

// variable cuts the updated bytes of a variable where the way of merging changes.
func (t *tables) variable(sym int, v *persist.Var, updated [][2]int64, rules []merge.Rule, links [][2]int64) {
	cuts := map[int64]bool{}
	for _, r := range rules {
		cuts[r.Off], cuts[r.Off+r.Size] = true, true
	}
	for _, l := range links {
		cuts[l[0]], cuts[l[1]] = true, true
	}
	var at []int64
	for off := range cuts {
		at = append(at, off)
	}
	sort.Slice(at, func(i, j int) bool { return at[i] < at[j] })
	first := len(t.Ranges)
	for _, u := range updated {
		lo, hi := max(u[0], 0), min(u[1], v.Size)
		for lo < hi {
			end := hi
			for _, c := range at {
				if c > lo && c < end {
					end = c
					break
				}
			}
			s := span{Symbol: sym, Off: lo, Len: end - lo, Op: "SAZ_MANUAL", Num: "SAZ_RAW"}
			t.rule(&s, v.Type, rules, links)
			if n := len(t.Ranges); n > first && s.joins(&t.Ranges[n-1]) {
				t.Ranges[n-1].Len += s.Len
			} else {
				t.Ranges = append(t.Ranges, s)
			}
			lo = end
		}
	}
}

func (s *span) joins(prev *span) bool {
	return prev.Off+prev.Len == s.Off && prev.Op == s.Op && prev.Num == s.Num && prev.Width == s.Width
}

func (t *tables) rule(s *span, ty *ctype.Type, rules []merge.Rule, links [][2]int64) {
	for _, l := range links {
		if l[0] <= s.Off && s.Off+s.Len <= l[1] {
			s.Op = "SAZ_LINKS"
			return
		}
	}
	for _, r := range rules {
		if r.Off > s.Off || s.Off+s.Len > r.Off+r.Size {
			continue
		}
		switch r.Op {
		case "replace":
			s.Op = "SAZ_REPLACE"
			return
		case "add", "max", "min":
			leaf := t.types.leafAt(ty, s.Off)
			num, width := number(leaf)
			if num == "" || s.Len%width != 0 {
				return
			}
			s.Op, s.Num, s.Width = map[string]string{"add": "SAZ_ADD", "max": "SAZ_MAX", "min": "SAZ_MIN"}[r.Op], num, width
			return
		default:
			return
		}
	}
}

func number(ty *ctype.Type) (string, int64) {
	switch {
	case ty == nil || ty.Size != 1 && ty.Size != 2 && ty.Size != 4 && ty.Size != 8:
		return "", 0
	case ty.Kind == ctype.Float || ty.Kind == ctype.Double:
		return "SAZ_FLOAT", ty.Size
	case !ty.IsInteger() || ty.Kind == ctype.Bool:
		return "", 0
	case ty.IsSigned():
		return "SAZ_SIGNED", ty.Size
	}
	return "SAZ_UNSIGNED", ty.Size
}
