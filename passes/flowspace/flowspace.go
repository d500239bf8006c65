// Package flowspace finds which packet header fields select the entries of a
// container, and where an entry keeps them (the paper's section 4.3 and Figure 8).
//
// # Algorithm
//
// As in the paper, what counts is how an entry is found: by iterating over a list and
// comparing fields of the entry with something, or by an index. The paper
// takes the chop between the packet and the condition and looks in it for the names of
// the system's header structs. Here each comparison is taken by itself: one
// side is a field of the entry that the loop is at (directly, or in a procedure to which the
// loop passes the entry); the other side is traced backward through registers, memory,
// copies, calls and returns, each call matched with its return, until it is a copy of a header
// field. That binds the entry's field to the header field. htons and its like
// are passed through and counted: an odd number of them is host byte order.
//
// A header field is one by the layout of the record that it is in (and by field
// names where the layout is weak), so that a program's own header structs are as good as the
// system's; or by a constant offset from the start of a captured frame, or from where the IP header's length
// says that the transport header is. Who accept and recvfrom say is at the other end is the source of what comes from there. A value of which a mask
// leaves the first bits is a key that names a network (Prefix).
//
// If entries are looked up in both directions, a field is compared with the field of
// either end. Which end it is follows from what is stored when an entry is made,
// or from its name.
//
// A header field that goes into the index of a hash table and is stored in the
// entry, though never compared, is a key too: entries that differ in it are in
// different buckets. An index into an array of entries, or of pointers to them, stands for all fields that
// it is computed from, those included that choose among constants (the protocol); where it is computed from one end or the other
// (which way a packet goes decides), for that end, both ways. So does the way down a trie.
//
// An array whose entries hold tables themselves (each worker has its own connections) has the keys of these, too (Inner): they select what is
// in an entry, the index selects the entry.
//
// # Cost
//
// A backward trace is exact and dear, so first one forward walk marks every value that header bytes
// can come to at all (origins), context-insensitively and in linear time; only what it marked is traced
// with the full budget. What comes of a state of the search is found out once for all traces (node), so that most of a
// trace is to follow numbers; the chains of callers in which one comparison is looked at are bounded, and so are the
// states of all traces together, by the number of tables.
//
// Where pointers may point at half of the program, the points-to sets say nothing of who wrote what: then the writers of a local
// are found by following its address, and those of a record's member by the record's type (fields.go); and what a call through a
// member may reach, by what is ever stored in that member.
//
// # Limits
//
// A key that an entry keeps behind a pointer of its own (the void * of a general hash table) is found where it is handed to something that
// compares it with what is looked for, also by way of a pointer to a function, and where the code compares on the spot what a pointer of the key's own type
// leads to (boxed.go).
//
// # Soundness (the paper's Theorem 4)
//
// To name a header field that does not constrain the entry would be wrong; to miss
// one is only imprecise. So a field is taken only if what is compared is a copy of
// one header field, or of the same field of both ends; a comparison outside of a
// lookup, and a value that is mixed, or masked otherwise, give nothing. Entries that are also found by a number
// kept elsewhere have no key; nor has a field of rules that may say "any". A trace that had to be given up gives nothing; what is read through
// a pointer that may point at half of the program, and whose type says nothing either, is something else, of which nothing follows.
package flowspace

import (
	"saz/frontend/ctype"
	"saz/ir"
	"saz/passes"
	"saz/passes/container"
	"saz/passes/members"
	"saz/passes/modref"
	"saz/passes/persist"
	"saz/passes/pointer"
	"saz/passes/receive"
	"saz/passes/scratch"
	"saz/passes/toplevel"
	"saz/passes/update"
)

// Pass is the flowspace pass.
var Pass = &passes.Pass{
	Name: "flowspace",
	Doc:  "the packet header fields that select an entry, and where entries keep them",
	Requires: []*passes.Pass{pointer.Pass, members.Pass, modref.Pass, receive.Pass, persist.Pass, toplevel.Pass, update.Pass,
		scratch.Pass, container.Pass},
	Run: run,
}

// Of returns the result.
func Of(c *passes.Context) *Result { return c.Result(Pass).(*Result) }

type finder struct {
	*engine
	tables    []*table
	byEntry   [][]*table // by object
	byHead    [][]*table
	spots     map[spotKey][]spot // what spotsOf found
	origins   *origins
	usedAt    map[ir.FuncID][][]int32
	callSites map[ir.FuncID][]ir.Ref
	walks     map[ir.FuncID]*container.Walks
	traces    map[state]*query
	numbers   map[fieldKey][]members.Store // what numbersIn found
	functions map[tableCall][]ir.FuncID    // what named found
	chains    int                          // of calls that may still be tried for the comparison at hand
}

func run(c *passes.Context) (any, error) {
	ps, up, sc, ct := persist.Of(c), update.Of(c), scratch.Of(c), container.Of(c)
	res := &Result{Spaces: map[persist.VarID]*Space{}}
	w := &finder{engine: newEngine(c), spots: map[spotKey][]spot{},
		walks: map[ir.FuncID]*container.Walks{}, traces: map[state]*query{}, numbers: map[fieldKey][]members.Store{}, functions: map[tableCall][]ir.FuncID{}, usedAt: map[ir.FuncID][][]int32{}, callSites: map[ir.FuncID][]ir.Ref{}}
	w.byEntry, w.byHead = make([][]*table, len(w.pt.Objects)), make([][]*table, len(w.pt.Objects))
	for i := range ps.Vars {
		v := &ps.Vars[i]
		if up.Updateable[v.ID] == nil {
			continue
		}
		s := &Space{Scope: "all-flows"}
		res.Spaces[v.ID] = s
		if sc.Scratch[v.ID] != nil {
			s.Scope = "none"
			continue
		}
		if v.Obj < 0 {
			continue
		}
		if k := ct.Containers[v.ID]; k != nil && k.Entry != nil {
			w.add(v, k)
		} else if v.Type.Kind == ctype.Array {
			t := &table{v: v, heads: []pointer.ObjID{v.Obj}, index: map[leaf]bool{}}
			w.tables = append(w.tables, t)
			w.byHead[v.Obj] = append(w.byHead[v.Obj], t)
		}
	}
	if len(w.tables) == 0 {
		return res, nil
	}
	direct := map[persist.VarID]bool{}
	for i := range up.Updates {
		if u := &up.Updates[i]; u.Direct {
			direct[u.Var] = true
		}
	}
	for _, t := range w.tables {
		// A table behind a pointer is not in the variable's own bytes.
		t.direct = direct[t.v.ID] || t.k != nil && t.k.Indirect
	}
	w.steps, w.visits = stepsATable*(len(w.tables)+8), allVisits
	w.origins = newOrigins(w.engine)
	w.headers = w.origins
	w.lookups()
	for _, t := range w.tables {
		if !w.said(t, res.Spaces[t.v.ID]) {
			w.settle(t, res.Spaces[t.v.ID])
		}
	}
	return res, nil
}
