package container

import (
	"fmt"
	"strings"

	"saz/frontend/ctype"
	"saz/ir"
	"saz/passes/config"
	"saz/passes/persist"
)

// configure lets the project's settings go before what was found: the procedures that
// work on entries, and that a variable is no container.
func (w *finder) configure(vars []*persist.Var, res *Result) {
	for _, v := range vars {
		s := w.c.Config.ContainerOf(v.Named(w.c.Prog))
		k := res.Containers[v.ID]
		switch {
		case s == nil:
			continue
		case k == nil:
			if !s.None {
				w.c.Config.Idle(w.c.Prog.Files, w.c.Sink, s.Variable, "%s leads to no entries: there is nothing that these procedures could work on", v.Name)
			}
			continue
		case s.None:
			delete(res.Containers, v.ID)
			continue
		}
		for _, x := range []struct{ said, found *string }{{&s.Insert.Text, &k.Insert}, {&s.Remove.Text, &k.Remove}, {&s.Lookup.Text, &k.Lookup}} {
			if *x.said != "" {
				*x.found = *x.said
			}
		}
		w.said(v, k, s)
	}
}

// said takes over what the settings say of a container's links and shape.
func (w *finder) said(v *persist.Var, k *Container, s *config.Container) {
	idle := func(x config.Word, format string, args ...any) {
		w.c.Config.Idle(w.c.Prog.Files, w.c.Sink, x, format, args...)
	}
	for _, x := range []struct {
		said config.Word
		name *string
		off  *int64
	}{{s.Next, &k.Next, &k.NextOff}, {s.Prev, &k.Prev, &k.PrevOff}} {
		if x.said.Text == "" {
			continue
		}
		fl, off, near := Member(w.c.Prog, k.Entry, x.said.Text)
		switch {
		case fl == nil:
			idle(x.said, "an entry of %s, %s, has no field %q%s", v.Name, recName(k.Entry), x.said.Text, near)
		case fl.Type.Kind != ctype.Pointer:
			idle(x.said, "%s of an entry of %s is no pointer", x.said.Text, v.Name)
		default:
			*x.name, *x.off = x.said.Text, off
		}
	}
	switch shape := s.Shape.Text; shape {
	case "":
		if s.Next.Text != "" && k.Next == s.Next.Text && k.Shape == Unknown {
			k.Shape, k.unclear = List, ""
			if k.BucketType != nil {
				k.Shape = HashList
			}
		}
	case Unknown:
		w.unknown(k, v, "so it is said in "+s.Shape.From)
	case List, HashList:
		if k.Next == "" {
			idle(s.Shape, "what links the entries of %s is not known: say next", v.Name)
			return
		}
		k.Shape, k.unclear = shape, ""
	default:
		k.Shape, k.unclear = shape, ""
	}
}

// Member finds a field by its path (a.b.c); near is a hint, if there is none of that name.
func Member(p *ir.Program, rec *ctype.Record, path string) (fl *ctype.Field, off int64, near string) {
	for {
		name, rest, more := strings.Cut(path, ".")
		var names []string
		fl = nil
		var find func(r *ctype.Record, at int64)
		find = func(r *ctype.Record, at int64) {
			for i := range r.Fields {
				f := &r.Fields[i]
				if f.Name == "" && f.Type.IsRecord() && f.Type.Rec != nil {
					find(p.Record(f.Type.Rec), at+f.Off) // the members of a record without a name are the outer one's
					continue
				}
				names = append(names, f.Name)
				if f.Name == name && fl == nil {
					fl, off = f, off+at+f.Off
				}
			}
		}
		find(rec, 0)
		if fl == nil {
			if n := config.Nearest(name, names); n != "" {
				near = fmt.Sprintf("; did you mean %q?", n)
			}
			return nil, 0, near
		}
		if !more {
			return fl, off, ""
		}
		if !fl.Type.IsRecord() || fl.Type.Rec == nil {
			return nil, 0, ""
		}
		rec, path = p.Record(fl.Type.Rec), rest
	}
}
