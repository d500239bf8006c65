package check

import "strings"

// mention notes that the code being checked names o. At file scope that is an
// initialiser: what it names is live.
func (c *checker) mention(o *Object) {
	if c.unevaluated > 0 || o.Storage != Extern && o.Storage != Static {
		return
	}
	if o.implicit {
		o.order = min(o.order, c.order())
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

// live sets Object.Live: what can be reached from outside of the unit. Bodies
// that were left for later are completed as they are reached, which may reach
// more.
func (c *checker) live() {
	var work []*Object
	mark := func(o *Object) {
		if !o.Live {
			o.Live = true
			work = append(work, o)
		}
	}
	// File-scope asm may name what is in its text.
	inAsm := map[string]bool{}
	for _, a := range c.unit.Asms {
		for _, w := range strings.FieldsFunc(a.Template, notName) {
			inAsm[w] = true
		}
	}
	all := false // unknown code may name anything
	for roots := 0; ; {
		if len(c.unit.Bad) > 0 && !all {
			all, roots = true, 0
		}
		if roots == len(c.unit.Objects) {
			return
		}
		for ; roots < len(c.unit.Objects); roots++ {
			o := c.unit.Objects[roots]
			switch {
			case all, o.used, inAsm[o.Link], o.Constructor, o.Destructor, o.Section != "" && o.Defined,
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
			if o.pending != nil {
				c.complete(o)
			}
			if o.Func == nil || o.Func.Obj != o {
				continue
			}
			markFunction(o.Func, mark)
		}
	}
}

// rest looks for errors in the functions that nothing leads to, and forgets
// them again.
func (c *checker) rest() {
	u := c.unit
	objects, funcs, records, enums, bad := len(u.Objects), len(u.Funcs), len(u.Records), len(u.Enums), len(u.Bad)
	for _, o := range c.waiting {
		if o.pending == nil {
			continue
		}
		c.complete(o)
		o.Func = nil
		u.Objects, u.Funcs, u.Records, u.Enums, u.Bad = u.Objects[:objects], u.Funcs[:funcs], u.Records[:records], u.Enums[:enums], u.Bad[:bad]
		c.completed--
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
