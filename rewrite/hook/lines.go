package hook

import (
	"bytes"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"saz/frontend/cpp"
	"saz/frontend/source"
	"saz/ir"
	"saz/rewrite/edit"
)

// A macro that allocates in its body, and is used in several places for blocks of several types, is given
// the number of the site by the line of its use:
//
//	#define NEW(p) do { (p) = saz_malloc(SAZ_SITE, sizeof *(p)); ... } while (0)
//
// Each unit that uses the macro gets a header of its own that says which site a line is, 0 where the block is not tracked. Two uses in one line, or in the same line of two files that a unit reads, can't
// be told apart.
type lines struct {
	bodies map[source.Pos]bool    // names in macros' bodies that take SAZ_SITE
	uses   map[use]int            // their sites
	name   map[source.Pos]string  // for people
	Units  map[string]*unitHeader // of a unit's source
}

type use struct{ spell, exp source.Pos }

// A unitHeader is what a unit reads in saz_rt.h's place.
type unitHeader struct {
	Name  string
	sites map[int]int // by line
}

// Text is the header.
func (u *unitHeader) Text() []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, "/* Written by saz: the allocation sites of one source, by line. */\n#define SAZ_SITE saz_site(__LINE__)\n#include \"saz_rt.h\"\n\n"+
		"static __inline__ __attribute__((__unused__, __always_inline__, __artificial__)) unsigned saz_site(unsigned line)\n{\n\tswitch (line) {\n")
	list := make([]int, 0, len(u.sites))
	for l := range u.sites {
		list = append(list, l)
	}
	slices.Sort(list)
	for _, l := range list {
		if u.sites[l] != 0 {
			fmt.Fprintf(&b, "\tcase %d:\n\t\treturn %d;\n", l, u.sites[l])
		}
	}
	b.WriteString("\tdefault:\n\t\treturn 0;\n\t}\n}\n")
	return b.Bytes()
}

// site notes that the name spelled in a macro's body, expanded at exp, is the site.
func (h *hooks) site(t *cpp.Token, id int) {
	h.lines.bodies[t.Spell] = true
	h.lines.name[t.Spell] = t.Text
	h.lines.uses[use{t.Spell, t.Exp}] = id
}

// directive is a #line, after which lines have other numbers.
var directive = [][]byte{[]byte("#line"), []byte("# line"), []byte("#\tline")}

// number gives each line that a macro with SAZ_SITE is used in its name.
func (h *hooks) number() {
	if len(h.lines.bodies) == 0 {
		return
	}
	for _, u := range h.c.Prog.Units {
		main := u.AST.Cpp.Main
		where := map[int]source.Pos{}
		last := use{}
		toks := u.AST.Tokens()
		for i := range toks {
			t := &toks[i]
			k := use{t.Spell, t.Exp}
			if t.Chain == 0 || k == last || !h.lines.bodies[t.Spell] {
				continue
			}
			last = k
			f := h.c.Prog.Files.File(t.Exp.File)
			for _, d := range directive {
				if bytes.Contains(f.Data, d) {
					h.fail("allocation-in-macro", t.Exp, "%s is called by a macro that is used in several places, and #line hides which this is", h.lines.name[t.Spell])
					return
				}
			}
			head := h.lines.Units[main.Path]
			if head == nil {
				name := fmt.Sprintf("saz_unit%d_%s.h", len(h.lines.Units), strings.TrimSuffix(filepath.Base(main.Path), filepath.Ext(main.Path)))
				head = &unitHeader{Name: name, sites: map[int]int{}}
				h.lines.Units[main.Path] = head
			}
			from, _ := f.LineCol(t.Exp.Off)
			to, _ := f.LineCol(t.ExpEnd - 1)
			id := h.lines.uses[k]
			for l := from; l <= to; l++ {
				was, seen := head.sites[l]
				if seen && was != id && (where[l] != t.Exp || was != 0 && id != 0) {
					h.fail("allocation-in-macro", t.Exp, "%s is called by a macro that is used twice in line %d, here or in a file that is read with this one", h.lines.name[t.Spell], l)
					continue
				}
				head.sites[l] = max(was, id)
				where[l] = t.Exp
			}
		}
	}
}

// retype wraps a call of an allocator's wrapper that stands in a macro's argument or in its body.
func (h *hooks) retype(at ir.Pos, id int) bool {
	toks := h.toks(at.Unit)
	a, z := &toks[at.Tok], &toks[at.End-1]
	if !a.Spell.IsValid() || !z.Spell.IsValid() || a.Spell.File != z.Spell.File || z.Spell.Off < a.Spell.Off || !h.opt.Editable(a.Spell.File) {
		return false
	}
	end := z.Spell.Off + int32(len(z.Text))
	first := fmt.Sprintf("%d", id)
	if a.Spell.File != a.Exp.File || a.Spell.Off < a.Exp.Off || end > a.ExpEnd {
		// The body of a macro: one definition, from the one to the other.
		text := h.c.Prog.Files.File(a.Spell.File).Data[a.Spell.Off:end]
		for i, c := range text {
			if c == '\n' && (i == 0 || text[i-1] != '\\') {
				return false
			}
		}
		h.site(a, id)
		first = "SAZ_SITE"
	} else {
		for i := at.Tok; i > 0 && toks[i].Exp == a.Exp; i-- { // an argument that is printed too must stay as it is
			if toks[i].Kind == cpp.String && !toks[i].Spell.IsValid() && strings.Contains(toks[i].Text, a.Text) {
				return false
			}
		}
		for i := at.End; int(i) < len(toks) && toks[i].Exp == a.Exp; i++ {
			if toks[i].Kind == cpp.String && !toks[i].Spell.IsValid() && strings.Contains(toks[i].Text, a.Text) {
				return false
			}
		}
	}
	if !h.again("saz_retype", a.Spell) {
		h.add(a.Spell.File, edit.Edit{Off: a.Spell.Off, End: a.Spell.Off, New: "saz_retype(" + first + ", ", Prio: 60},
			edit.Edit{Off: end, End: end, New: ")", Prio: -20})
	}
	return true
}
