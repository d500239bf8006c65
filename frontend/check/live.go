package check

import "strings"

// mention notes that the code being checked names o. At file scope that is an
// initialiser: what it names is live.
func (c *checker) mention(o *Object) {
	if c.unevaluated > 0 || o.Storage != Extern && o.Storage != Static {
		return
	}
	if c.fn == nil {
		o.used = true
		return
	}
	f := c.fn
	for f.outer != nil {
		f = f.outer
	}
	if o.lastRef != f.def {
		o.lastRef = f.def
		f.def.refs = append(f.def.refs, o)
	}
}

// live sets Object.Live: what can be reached from outside of the unit.
func (c *checker) live() {
	var work []*Object
	mark := func(o *Object) {
		if !o.Live {
			o.Live = true
			work = append(work, o)
		}
	}
	// Unknown code may name anything; file-scope asm, what is in its text.
	all := len(c.unit.Bad) > 0
	inAsm := map[string]bool{}
	for _, a := range c.unit.Asms {
		for _, w := range strings.FieldsFunc(a.Template, notName) {
			inAsm[w] = true
		}
	}
	for _, o := range c.unit.Objects {
		switch {
		case all, o.used, inAsm[o.Link], o.Constructor, o.Destructor,
			o.Storage == Extern && o.Defined && !o.InlineOnly:
			mark(o)
		}
		if o.Alias != "" {
			mark(o)
			if t := c.externs[o.Alias]; t != nil {
				mark(t)
			}
		}
	}
	for len(work) > 0 {
		o := work[len(work)-1]
		work = work[:len(work)-1]
		if o.Func == nil || o.Func.Obj != o {
			continue
		}
		markFunction(o.Func, mark)
	}
}

func notName(r rune) bool {
	return !(r == '_' || r == '$' || r >= '0' && r <= '9' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z')
}

func markFunction(f *FuncDef, mark func(*Object)) {
	for _, o := range f.refs {
		mark(o)
	}
	for _, l := range [2][]*Object{f.Params, f.Locals} {
		for _, o := range l {
			o.Live = true
		}
	}
	for _, g := range f.Nested {
		g.Obj.Live = true
		markFunction(g, mark)
	}
}
