package flowspace

import (
	"saz/frontend/ctype"
	"saz/ir"
	"saz/passes"
	"saz/passes/members"
	"saz/passes/modref"
	"saz/passes/pointer"
	"saz/passes/receive"
	"saz/passes/toplevel"
)

// A context is the calls through which a procedure was entered, innermost
// first; nil: any.
type context struct {
	site ir.Ref
	up   *context
	n    int
	id   uint32 // from 1
}

// A leaf is where a value comes from.
type leaf struct {
	kind    leafKind
	header  string // fromHeader
	swapped bool   // its bytes are reversed: host order, if the packet has it in network order
	pure    bool   // a copy: nothing was added, masked or hashed
	partial bool   // a part of the header field's bytes
	either  bool   // it, or something else: which one, something decides
	masked  bool   // its first bits
	value   int64  // fromConst
	obj     pointer.ObjID
	off     int32 // fromEntry
}

type leafKind uint8

const (
	fromHeader leafKind = iota
	fromConst
	fromEntry
	fromOther
)

// An engine traces values backward. It is demand-driven: queries are few.
type engine struct {
	c  *passes.Context
	pt *pointer.Result
	mr *modref.Result
	tl *toplevel.Result
	rc *receive.Result

	layouts  map[*ctype.Record]*layout
	contexts map[contextKey]*context
	writers  [][]writer             // by object
	entries  map[pointer.ObjID]bool // objects that hold entries: queries stop there
	packet   map[pointer.ObjID]bool // packet bytes
	nodes    []*node
	number   map[stateKey]int32
	ahead    aheads
	at       *node                  // that is being expanded
	trace    int32                  // traces so far
	steps    int                    // nodes that may still be expanded
	visits   int                    // and nodes that may still be visited
	entered  map[entryKey]entryWays // what into found

	headers   *origins  // what header bytes can come to; nil: not known yet
	pointers  [][]uint8 // what about knows, by procedure and register
	uses      map[ir.FuncID]*usesIn
	locals    map[localKey]localPut
	fields    map[fieldKey][]put
	records   map[*ctype.Record]uint64
	entryRecs map[*ctype.Record]bool // of entries
	keyRecs   map[*ctype.Record]bool // what entries keep as their key behind a pointer
	seeds     map[*ctype.Record][]seed
	kept      *members.Table
	targets   map[ir.Ref][]ir.FuncID
	sites     map[ir.FuncID][]ir.Ref // what calledAt found
	handed    map[ir.FuncID][]int    // parameters in which libraries hand over packets
}

type contextKey struct {
	site ir.Ref
	up   *context
}

// A writer is an instruction of packet code that may write bytes of an object.
type writer struct {
	ref  ir.Ref
	off  int32
	size int64
}

func newEngine(c *passes.Context) *engine {
	e := &engine{c: c, pt: pointer.Of(c), mr: modref.Of(c), tl: toplevel.Of(c), rc: receive.Of(c),
		entered: map[entryKey]entryWays{}, number: map[stateKey]int32{}, layouts: map[*ctype.Record]*layout{}, contexts: map[contextKey]*context{},
		entries: map[pointer.ObjID]bool{}, packet: map[pointer.ObjID]bool{}, pointers: make([][]uint8, len(c.Prog.Funcs)), uses: map[ir.FuncID]*usesIn{}, locals: map[localKey]localPut{},
		fields: map[fieldKey][]put{}, records: map[*ctype.Record]uint64{}, entryRecs: map[*ctype.Record]bool{}, targets: map[ir.Ref][]ir.FuncID{}, sites: map[ir.FuncID][]ir.Ref{}, handed: map[ir.FuncID][]int{}, keyRecs: map[*ctype.Record]bool{}}
	for i := range e.pt.Objects {
		if e.pt.Objects[i].Packet {
			e.packet[pointer.ObjID(i)] = true
		}
	}
	for _, s := range e.rc.Sites {
		in := c.Instr(s.Ref)
		for _, k := range s.Buffers {
			if k < len(in.Args) && s.Callbacks == nil {
				for _, l := range e.pt.PointsTo(s.Ref.Func, in.Args[k]) {
					e.packet[l.Obj] = true
				}
			}
		}
		for _, k := range s.Vectors {
			if k < len(in.Args) {
				e.vectors(e.pt.PointsTo(s.Ref.Func, in.Args[k]), s.Depth)
			}
		}
	}
	return e
}

// vectors notes the objects of bytes that pointers in what is at l lead to, depth of them one after the other.
func (e *engine) vectors(l []pointer.Loc, depth int) {
	for ; depth > 0; depth-- {
		var next []pointer.Loc
		for _, x := range l {
			next = append(next, e.pt.Contents(x.Obj, pointer.Any)...)
		}
		l = next
	}
	for _, x := range l {
		if t := e.pt.TypeOf(x.Obj); t == nil || !t.IsRecord() {
			e.packet[x.Obj] = true
		}
	}
}

// maxWrites bounds what one instruction may write for it to be followed: a
// store through a pointer that may point anywhere says nothing.
const maxWrites = 400

// maxPlaces bounds likewise where a pointer may point through which something is read.
const maxPlaces = 100

func (e *engine) index() {
	each := func(note func(w writer, obj pointer.ObjID)) {
		for _, fid := range e.tl.PktProcs {
			f := e.c.Prog.Funcs[fid]
			for i := range f.Instrs {
				switch f.Instrs[i].Op {
				case ir.Store, ir.Copy, ir.Call, ir.Builtin:
				default:
					continue
				}
				ref := ir.Ref{Func: fid, I: int32(i)}
				if !e.tl.Packet(ref) {
					continue
				}
				w := e.mr.WriteAccesses(ref)
				if len(w) > maxWrites {
					continue
				}
				for _, x := range w {
					note(writer{ref, x.Off, x.Size}, x.Obj)
				}
			}
		}
	}
	n := make([]int32, len(e.pt.Objects)+1)
	each(func(_ writer, obj pointer.ObjID) { n[obj+1]++ })
	e.writers = parted[writer](n)
	each(func(w writer, obj pointer.ObjID) { e.writers[obj] = append(e.writers[obj], w) })
}

// parted makes room for n[k+1] of T at each k, in one piece.
func parted[T any](n []int32) [][]T {
	for k := range n[1:] {
		n[k+1] += n[k]
	}
	list := make([]T, n[len(n)-1])
	out := make([][]T, len(n)-1)
	for k := range out {
		out[k] = list[n[k]:n[k]:n[k+1]]
	}
	return out
}

func (e *engine) push(site ir.Ref, up *context) *context {
	k := contextKey{site, up}
	x := e.contexts[k]
	if x == nil {
		x = &context{site: site, up: up, n: 1, id: uint32(len(e.contexts)) + 1}
		if up != nil {
			x.n += up.n
		}
		e.contexts[k] = x
	}
	return x
}

// callees returns what a call may reach: where the points-to sets say hundreds, what is ever stored in the field that
// the pointer comes from.
func (e *engine) callees(ref ir.Ref) []ir.FuncID {
	all := e.pt.Callees(ref)
	if len(all) <= 2 {
		return all
	}
	out, ok := e.targets[ref]
	if !ok {
		f := e.c.Prog.Funcs[ref.Func]
		out = e.keptFields().Targets(f, &f.Instrs[ref.I], all)
		e.targets[ref] = out
	}
	return out
}

func (e *engine) keptFields() *members.Table {
	if e.kept == nil {
		e.kept = members.Of(e.c)
	}
	return e.kept
}

// recordID numbers the records whose fields are asked for, from 1.
func (e *engine) recordID(r *ctype.Record) uint64 {
	k := e.records[r]
	if k == 0 {
		k = uint64(len(e.records)) + 1
		e.records[r] = k
	}
	return k
}

// at is where w begins to write.
func (w writer) at(l pointer.Loc) pointer.Loc { return pointer.Loc{Obj: l.Obj, Off: w.off} }

// meets reports whether w may write bytes of an access at l.
func meets(w writer, l pointer.Loc, size int64) bool {
	if w.off == pointer.Any || l.Off == pointer.Any {
		return true
	}
	a, b := int64(w.off), int64(l.Off)
	return (w.size < 0 || a+w.size > b) && (b+max(size, 1) > a)
}
