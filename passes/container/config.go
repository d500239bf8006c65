package container

import "saz/passes/persist"

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
	}
}
