package container

import (
	"slices"
	"strings"

	"saz/frontend/ctype"
	"saz/passes/members"
	"saz/passes/persist"
	"saz/passes/pointer"
)

// A general hash table is made by a call and stands behind a pointer: the variable leads to a
// control block (perhaps by way of a block of the program's own), that to the array of buckets, and these to the entries.
// Only such arrays are looked for, not the lists that a control block holds besides (free entries, ages): every
// entry is in a bucket.

// A candidate is a table behind control blocks. Whether its entries are linked at all the code tells.
type candidate struct {
	k       *Container
	heads   []pointer.Loc
	entries []pointer.ObjID
	path    string // from the variable, for people
}

// Bounds of the search: how many control blocks there are on the way, and how many kinds of them are looked into for one variable.
const (
	maxControl = 2
	maxKinds   = 24
)

// controlled finds the one array of buckets that v leads to by way of control blocks, nil if there is none or more than one.
func (w *finder) controlled(v *persist.Var) *candidate {
	type stage struct {
		rec   *ctype.Record
		objs  []pointer.ObjID
		way   []pointer.ObjID
		path  string
		depth int
	}
	var found *candidate
	many := false
	tried := map[*ctype.Record]bool{}
	var work []stage
	enter := func(h head, rec *ctype.Record, locs []pointer.Loc, way []pointer.ObjID, path string, depth int) {
		if h.inPlace || h.indirect || h.node != nil || h.entry == nil || h.entry.Union || tried[h.entry] || len(tried) >= maxKinds {
			return
		}
		var objs []pointer.ObjID
		for _, l := range locs {
			heap, _ := w.pointed(l)
			if rec != nil {
				heap = w.fields().In(rec, h.off, heap)
			}
			objs = append(objs, filter(heap, NewKin(w.c, h.entry).MayBe)...)
		}
		slices.Sort(objs)
		objs = slices.Compact(objs)
		if len(objs) == 0 || len(objs) > 64 {
			return
		}
		tried[h.entry] = true
		work = append(work, stage{h.entry, objs, way, path + "->", depth})
	}
	way := []pointer.ObjID{v.Obj}
	for _, h := range w.headsOf(v.Type, 0, v.Name, 0) {
		enter(h, nil, []pointer.Loc{{Obj: v.Obj, Off: w.pt.Canon(v.Obj, h.off)}}, way, h.name, 1)
	}
	for len(work) > 0 && !many {
		s := work[0]
		work = work[1:]
		way := append(slices.Clone(s.way), s.objs...)
		for _, h := range w.headsOf(&ctype.Type{Kind: ctype.Struct, Rec: s.rec}, 0, "", 0) {
			var locs []pointer.Loc
			for _, o := range s.objs {
				locs = append(locs, pointer.Loc{Obj: o, Off: w.pt.Canon(o, h.off)})
			}
			buckets := h.array && !h.inPlace && h.node == nil && h.entry != nil && (h.indirect || h.t.Kind == ctype.Pointer)
			if !buckets || len(selfLinks(w.c.Prog, h.entry).fields) == 0 {
				if s.depth < maxControl && !h.array {
					enter(h, s.rec, locs, way, s.path+h.name, s.depth+1)
				}
				continue
			}
			c := &candidate{path: s.path + h.name}
			objs := way
			if h.indirect {
				for _, l := range locs {
					tables, _ := w.pointed(l)
					tables = w.fields().In(s.rec, h.off, tables)
					for _, t := range tables {
						c.heads = append(c.heads, pointer.Loc{Obj: t, Off: w.pt.Canon(t, 0)})
						for _, x := range w.pt.Contents(l.Obj, l.Off) { // the block may begin with something else
							if x.Obj == t && x.Off > 0 {
								c.heads = append(c.heads, x)
							}
						}
						objs = append(objs, t)
					}
				}
			} else {
				c.heads = locs
			}
			for _, l := range c.heads {
				heap, _ := w.pointed(l)
				c.entries = append(c.entries, filter(heap, NewKin(w.c, h.entry).MayBe)...)
			}
			slices.Sort(c.entries)
			c.entries = slices.Compact(c.entries)
			if len(c.entries) == 0 || !w.packetStores(c.heads) {
				continue
			}
			if found != nil {
				many = true
				break
			}
			c.k = &Container{Var: v.ID, Shape: HashList, Entry: h.entry, BucketType: h.t, blocks: objs, heads: c.heads, Filled: true}
			found = c
		}
	}
	if many {
		return nil
	}
	return found
}

// fields is made when first asked for.
func (w *finder) fields() *members.Table {
	if w.narrowed == nil {
		w.narrowed = members.Of(w.c)
	}
	return w.narrowed
}

// settleBehind takes a candidate for v's container, if its entries are linked and v has no better one.
func (w *finder) settleBehind(v *persist.Var, b *candidate, res *Result) {
	if k := res.Containers[v.ID]; k != nil && (k.Next != "" || k.InPlace() || k.Shape == Tree || k.Filled && k.Buckets > 16) {
		return
	}
	k := b.k
	l, others := w.chosen(k)
	next, prev, tree, why := l.decide()
	if next == nil || tree || why != "" || len(next.followed) == 0 {
		return
	}
	k.Next, k.NextOff = next.name, next.off
	k.Why = append(k.Why, w.because(v, "the table is %s, behind a control block", b.path),
		w.c.Because(next.followed[0], "the next entry is %s, followed here", next.name))
	if prev != nil {
		k.Prev, k.PrevOff = prev.name, prev.off
	}
	k.Together = "the table is behind a control block, " + b.path
	if len(others) > 0 {
		k.Together += "; its entries are in another collection, too, by " + strings.Join(others, ", ")
	}
	w.heads[v.ID], w.entries[v.ID] = b.heads, b.entries
	res.Containers[v.ID] = k
}
