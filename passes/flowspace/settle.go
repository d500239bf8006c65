package flowspace

import (
	"fmt"
	"slices"
	"sort"

	"saz/frontend/ctype"
	"saz/passes"
	"saz/passes/container"
	"saz/passes/pointer"
)

// Which of an entry's fields are keys, of which ends, and how far they reach.

// stores traces what is stored in a field of the entries.
func (w *finder) stores(t *table, u *unit) {
	if u.traced || u.boxed {
		return // what is behind a pointer belongs to all tables of the kind
	}
	u.traced = true
	for _, o := range t.entries {
		q := w.query(traceBudget).trace(func(q *query) {
			q.memory(pointer.Loc{Obj: o, Off: w.pt.Canon(o, u.off) + t.base}, u.size, mode{pure: true}, true)
		})
		if q.gaveUp {
			u.stored = map[leaf]bool{}
			return
		}
		for l := range q.leaves {
			u.stored[l] = true
		}
	}
}

// settle decides the keys of a table.
func (w *finder) settle(t *table, s *Space) {
	set := map[string]bool{}
	type bound struct {
		u       *unit
		headers map[string]bool
	}
	var keys []bound
	add := func(u *unit, h string) {
		set[h] = true
		keys := &s.Keys
		if u.element > 0 {
			keys = &s.Inner
		}
		*keys = append(*keys, Key{Field: u.name, Off: u.off, Size: u.size, Header: h, Net: net(u, h), Prefix: masked(u), Boxed: u.boxed})
		for _, y := range u.why {
			if !slices.Contains(s.Why, y) {
				s.Why = append(s.Why, y)
			}
		}
	}
	for _, u := range append(slices.Clip(t.units), w.settleBoxes(t)...) {
		if len(u.cmp) == 0 && !u.consts || t.foreign || u.open {
			continue
		}
		if u.zero && t.k != nil && !t.k.InPlace() && !t.k.Filled {
			continue // rules, of which some are for all
		}
		w.stores(t, u)
		hs, mixed := pure(u.cmp, u.size)
		switch {
		case mixed:
		case len(hs) == 1:
			keys = append(keys, bound{u, hs})
		case len(hs) == 2 && pair(hs):
			s.BothWays = true
			keys = append(keys, bound{u, hs})
		case len(hs) == 0 && matches(u.name, []string{"proto"}) && protocols(u.cmp) && protocols(u.stored):
			u.why = append(u.why, passes.Why{Pos: t.v.Pos, Text: fmt.Sprintf("%s of the entry is the protocol number of the packet", u.name)})
			keys = append(keys, bound{u, map[string]bool{"nw_proto": true}})
		case len(hs) == 0 && (families(u.cmp) || u.consts && len(u.cmp) == 0) && families(u.stored):
			u.why = append(u.why, passes.Why{Pos: t.v.Pos, Text: fmt.Sprintf("%s of the entry is the address family of the packet", u.name)})
			keys = append(keys, bound{u, map[string]bool{"dl_type": true}})
		}
	}
	// A field that goes into the index and is stored but not compared.
	if t.k != nil && t.k.Shape != container.Array && len(keys) > 0 {
		idx := map[string]bool{}
		for l := range t.index {
			if l.kind == fromHeader {
				idx[l.header] = true
			}
		}
		for _, b := range keys {
			for h := range b.headers {
				delete(idx, h)
			}
		}
		for _, u := range t.units {
			if slices.ContainsFunc(keys, func(b bound) bool { return b.u == u }) {
				continue
			}
			w.stores(t, u)
			hs, mixed := pure(u.stored, u.size)
			if len(hs) == 0 && matches(u.name, []string{"proto"}) && protocols(u.stored) && within(u.stored, t.index) {
				u.why = t.indexAt
				keys = append(keys, bound{u, map[string]bool{"nw_proto": true}})
				continue
			}
			if mixed || len(hs) != 1 || otherwise(u.stored) {
				continue
			}
			h := sorted(hs)[0]
			if idx[h] {
				delete(idx, h)
				u.why = t.indexAt
				keys = append(keys, bound{u, hs})
			}
		}
	}
	// Which end is which: all fields that are compared both ways must agree.
	flip := 0
	for _, b := range keys {
		if len(b.headers) == 2 {
			flip += vote(b.u, sorted(b.headers))
		}
	}
	first := map[string]bool{}
	for _, b := range keys {
		hs := sorted(b.headers) // src before dst
		h := hs[0]
		if len(hs) == 2 {
			switch v := vote(b.u, hs); {
			case v < 0:
				h = hs[1]
			case v == 0 && first[hs[0]]:
				h = hs[1]
			}
			first[h] = true
		}
		add(b.u, h)
	}
	if len(s.Keys) == 0 {
		w.byIndex(t, s, set)
	}
	if len(set) == 1 && set["dl_type"] {
		// The family alone selects nothing: it tells how to read the addresses.
		set, s.Keys, s.Inner = map[string]bool{}, nil, nil
	}
	s.finish(set)
}

// finish sorts the keys and says how far they reach.
func (s *Space) finish(set map[string]bool) {
	s.Headers = sorted(set)
	for _, l := range [][]Key{s.Keys, s.Inner} {
		sort.SliceStable(l, func(i, j int) bool { return rank(l[i].Header) < rank(l[j].Header) })
	}
	switch {
	case set["nw_src"] && set["nw_dst"] && set["tp_src"] && set["tp_dst"]:
		s.Scope = "per-flow"
	case len(set) > 0:
		s.Scope = "multi-flow"
	}
}

// said takes the keys from the settings, if these have some.
func (w *finder) said(t *table, s *Space) bool {
	x := w.c.Config.ContainerOf(t.v.Named(w.c.Prog))
	if x == nil || len(x.Keys) == 0 || t.k == nil {
		return false
	}
	set := map[string]bool{}
	for _, k := range x.Keys {
		fl, off, near := container.Member(w.c.Prog, t.k.Entry, k.Field.Text)
		if fl == nil {
			w.c.Config.Idle(w.c.Prog.Files, w.c.Sink, k.Field, "an entry of %s has no field %q%s", t.v.Name, k.Field.Text, near)
			continue
		}
		set[k.Header.Text] = true
		s.Keys = append(s.Keys, Key{Field: k.Field.Text, Off: off, Size: ctype.SizeOf(fl.Type), Header: k.Header.Text, Net: !k.Host})
		s.Why = append(s.Why, passes.Why{Pos: t.v.Pos, Text: fmt.Sprintf("%s of the entry is %s of the packet: so it is said in %s", k.Field.Text, k.Header.Text, k.Field.From)})
	}
	s.BothWays = x.BothWays
	s.finish(set)
	return true
}

// masked reports whether a field keeps only the first bits of a header field.
func masked(u *unit) bool {
	for _, from := range []map[leaf]bool{u.stored, u.cmp} {
		for l := range from {
			if l.kind == fromHeader && l.masked {
				return true
			}
		}
	}
	return false
}

// vote says which of the two ends a field is: above 0 hs[0], below 0 hs[1].
func vote(u *unit, hs []string) int {
	st, _ := pure(u.stored, u.size)
	switch {
	case st[hs[0]] && !st[hs[1]]:
		return 1
	case st[hs[1]] && !st[hs[0]]:
		return -1
	}
	src, dst := matches(u.name, sourceNames), matches(u.name, destNames)
	switch {
	case src && !dst:
		return 1
	case dst && !src:
		return -1
	}
	return 0
}

// net says whether a field is kept in network byte order.
func net(u *unit, h string) bool {
	if u.size == 1 || h == "nw_proto" {
		return true
	}
	for _, from := range []map[leaf]bool{u.stored, u.cmp} {
		in, host, assembled := 0, 0, false
		for l := range from {
			assembled = assembled || l.kind == fromHeader && l.pure && l.partial && l.swapped
		}
		for l := range from {
			if l.kind == fromHeader && l.pure && (l.header == h || l.header == opposite[h]) {
				if l.swapped || l.partial && assembled {
					host++
				} else {
					in++
				}
			}
		}
		if in+host > 0 {
			return in >= host
		}
	}
	return h != "dl_type"
}
