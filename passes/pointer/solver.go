package pointer

import (
	"slices"

	"saz/frontend/ctype"
	"saz/ir"
	"saz/ir/models"
	"saz/passes"
)

// none is "no node": a value that cannot hold a pointer.
const none = -1

// A solver holds the constraint graph. Nodes and places are dense numbers.
//
// A node is a variable of the constraint system: a register, a parameter, a
// result, the contents of a place. Its set holds places: (object, canonical
// offset) pairs.
type solver struct {
	prog    *ir.Program
	models  *models.Set
	lays    *layouts
	arith   arithmetic
	steps   map[stepKey]*stepTable
	pages   *pages // of steps
	spots   *spots
	objects []Object
	objLay  []*lay

	firstFunc, firstLocal, unknown, firstHeap ObjID
	firstString                               ObjID
	localBase                                 []int32 // by function: index into localIDs
	localIDs                                  []ObjID // objects of locals in memory, or -1

	// Places.
	places                      []Loc
	cell                        []int32        // by place: the node of its contents, none if never accessed
	bare                        []bool         // by place: no pointer is stored there
	constant                    []int32        // by place: a node whose set is just the place
	byObj                       [][]located    // by object: its places, by offset
	anyLoad                     []int32        // by object: node that includes all contents
	anyStore                    []int32        // by object: node included in all contents
	watchers                    [][]copyTarget // by object: copies from it
	virt                        []int32        // by place: see virtual.go
	virtAt                      map[virtKey]int32
	odd                         []int32          // by object: places that its layout does not account for
	far                         []int32          // by object: virtual places at a distance from it
	text                        []bool           // by object: holds characters and nothing else (strdup's)
	trust                       []bool           // by object: it is of its type and no other
	among                       map[ObjID][]*lay // by block that is not trusted: the records that are seen in it, if that is known
	viewed                      []bool           // by object: it is split by who looks (views.go)
	views                       []viewKey
	virtAs                      []*lay // by virtual place: the entry's type
	viewIDs                     map[viewKey]int32
	coarse                      kin
	blurred                     map[*lay]bool
	handed                      map[*lay]bool // see findHanded
	recsIn                      map[*lay][]recAt
	starts                      map[*lay][]int32
	fromBytes, toBytes, libRecs map[*lay]bool           // see canBe
	fromKept                    map[*lay]bool           // see findArenaRecs
	mixed                       map[[2]scalarClass]bool // kinds of pointers that the program takes for each other
	void                        *voids
	linkOf                      map[ir.Ref][]ir.Reg // see freelist.go
	noLink, linkStores          map[ir.Ref]bool
	recycled, asFresh           map[ir.Ref]bool
	recyclers                   map[ir.FuncID]bool
	slotsAt                     map[slotKey][]int32
	atMost                      map[ir.Ref]map[ir.FuncID]bool // see layers.go
	inMember                    map[string]map[ir.FuncID]bool // RECORD.FIELD of a model → what is ever stored there
	seenAs                      map[*lay]bool                 // pointers that it takes for something else altogether
	looked                      []*lay                        // of the casts and members of the program
	copySeen                    map[copyTarget]bool

	// Nodes.
	rep      []int32
	sets     *sets
	pts      []setID
	delta    []setID
	succ     []set
	cons     [][]constraint
	builders []*builder // see steps.go
	scratch  []int32    // see others
	buffers  [][]int32
	images   []image // see steps.go
	crowd    crowd   // see crowd.go
	class    classes // see classes.go
	facts    int64   // members that were ever added to sets
	ordered  int     // edges when the order was computed
	melts    int     // objects that have become one place

	private      [][]bool          // by function, by local: see locals.go
	copyOf       map[ObjID]ObjID   // the variable that an object is a copy's of
	family       map[ObjID][]ObjID // those of a variable
	meltedFamily map[ObjID]bool
	calleesAt    callTable[ir.FuncID]
	backsAt      callTable[Callback]
	sections     map[ObjID][]ObjID // by a section's end: its variables

	cloned       []bool // by function: its direct calls are copied
	carrier      *carriers
	recLays      []*lay // by number: records whose members are addressed
	recIDs       map[*lay]int64
	kin          kin
	ranges       map[rangeKey]interval
	counters     map[counterKey]*counter
	doms         map[ir.FuncID]*ir.DomTree
	knownCalls   [][]ir.Ref              // by function: its direct calls
	codeAt       map[paramKey]bool       // see codeParams
	uses         map[ir.FuncID][][]int32 // by function, by register: instructions that use it
	base         []*inst                 // by function: as called from anywhere; nil if not
	insts        [][]*inst
	order        []int32 // of nodes
	seen         []int32 // scratch of the order's search
	stamp        int32
	index        []int32
	copies       []blockCopy
	dirty        bool // edges were added since order was computed
	rounds       int
	edges        int
	merged       int
	sites        []callSite
	slots        map[string]int32
	escaped      map[ir.FuncID]int32 // by unmodelled function: what it knows
	calleeOf     map[ir.Ref][]ir.FuncID
	backs        map[ir.Ref][]Callback
	unknownBacks map[ir.FuncID][]Callback // what code without a model calls; -1: code that a library handed out
	unknownCalls map[ir.FuncID][]ir.Ref   // of it
	backSeen     map[backKey]bool
	queues       map[string]*queue
	ranSeen      map[ranKey]bool
	packetAt     map[packetKey]ObjID
	unmod        map[ir.FuncID][]ir.Ref
	varCalls     map[varCall]bool // calls through variables of libraries
	wild         map[int32]bool   // indirect calls that may call code outside the program
	heap         *heap
	libAlloc     map[int32][]ObjID // by library call
	heapOf       map[ir.Ref][]ObjID
	behind       map[ObjID][]Loc  // what is behind the headers of an allocator
	stack        map[ir.Ref]ObjID // Alloca
	modelTab     []*models.Model  // by function
	libObjs      map[ir.FuncID]ObjID
	libParts     map[partKey]ObjID
	outside      map[string]ObjID // memory behind variables of libraries
	outNames     map[ObjID]string
	noCode       map[ObjID]bool // a library's, and no function, whatever points there
	callerOf     map[ir.FuncID][]ir.Ref

	// The result.
	final  [][]Loc   // by representative node
	joined [][][]Loc // by function with copies, by register
	rec    []bool    // by function: recursive
}

type backKey struct {
	from, call int32 // which call, and which callback of the library's model
	lib, f     ir.FuncID
}

// A deferred is a callback that a call of a library function handed over for later.
type deferred struct {
	site, call int32 // which call, and which callback of the library's model
	lib, f     ir.FuncID
}

type ranKey struct {
	from int32 // which call runs it
	deferred
}

// A queue is what one name of Later and Runs stands for.
type queue struct {
	in      []deferred
	runners []int32 // sites
}

type packetKey struct {
	site ir.Ref
	arg  int
	cb   bool
}

// A blockCopy is one copy of memory between places that pointers name.
type blockCopy struct{ smashed bool }

type copyTarget struct {
	src, dst int32 // places
	size     int64 // -1: unknown
}

type constraintKind uint8

const (
	conLoad     constraintKind = iota // other ⊇ *this
	conStore                          // *this ⊇ other
	conShift                          // other ⊇ this + a
	conIndex                          // other ⊇ this + i*a; b: narrow, wide or cyclic
	conCopyDst                        // *this ⊇ *other, a bytes
	conCopySrc                        // *other ⊇ *this
	conCall                           // this is called at site other
	conCallback                       // this is called back: other indexes sites, a the callback
	conEscape                         // this is known to unknown code
	conLoadAny                        // other ⊇ all contents of what this points into
	conStoreAny                       // any contents of what this points into ⊇ other
	conReceiver                       // see receiver.go
	conGate                           // likewise
	conMask                           // other ⊇ this & a
	conTyped                          // other ⊇ what of this may be a record a
)

type constraint struct {
	kind  constraintKind
	cyc   bool // conShift: what it makes may come back to it
	other int32
	a     int64
	b     int64
}

// run is the pass.
func run(c *passes.Context) (any, error) {
	ms := c.Models
	if ms == nil {
		ms = models.Default()
	}
	return Analyze(c.Prog, ms), nil
}

// Analyze computes the points-to relation of p.
func Analyze(p *ir.Program, ms *models.Set) *Result {
	s := &solver{
		prog: p, models: ms, sets: newSets(), images: make([]image, 1<<imageBits), private: make([][]bool, len(p.Funcs)), copyOf: map[ObjID]ObjID{}, family: map[ObjID][]ObjID{}, meltedFamily: map[ObjID]bool{}, lays: newLayouts(p), arith: arithmetic{}, steps: map[stepKey]*stepTable{}, pages: newPages(), spots: newSpots(),
		copySeen: map[copyTarget]bool{}, uses: map[ir.FuncID][][]int32{}, ranges: map[rangeKey]interval{}, counters: map[counterKey]*counter{}, doms: map[ir.FuncID]*ir.DomTree{}, recIDs: map[*lay]int64{}, recLays: []*lay{byteLay}, viewIDs: map[viewKey]int32{}, among: map[ObjID][]*lay{}, slotsAt: map[slotKey][]int32{}, recsIn: map[*lay][]recAt{}, starts: map[*lay][]int32{}, virtAt: map[virtKey]int32{},
		slots: map[string]int32{}, escaped: map[ir.FuncID]int32{},
		calleeOf: map[ir.Ref][]ir.FuncID{}, backs: map[ir.Ref][]Callback{}, unknownBacks: map[ir.FuncID][]Callback{}, unknownCalls: map[ir.FuncID][]ir.Ref{}, backSeen: map[backKey]bool{}, queues: map[string]*queue{}, ranSeen: map[ranKey]bool{},
		packetAt: map[packetKey]ObjID{}, unmod: map[ir.FuncID][]ir.Ref{}, wild: map[int32]bool{}, varCalls: map[varCall]bool{},
		libAlloc: map[int32][]ObjID{}, heapOf: map[ir.Ref][]ObjID{}, behind: map[ObjID][]Loc{}, stack: map[ir.Ref]ObjID{}, libObjs: map[ir.FuncID]ObjID{}, libParts: map[partKey]ObjID{}, outside: map[string]ObjID{}, outNames: map[ObjID]string{}, noCode: map[ObjID]bool{},
	}
	s.findModels()
	s.findCarriers()
	s.findKin()
	s.makeObjects()
	s.chooseClones()
	s.makeInsts()
	newHeap(s)
	s.atMost = s.mayCall()
	s.findSections()
	s.globals()
	for _, f := range s.base {
		if f != nil {
			s.procedure(f)
		}
	}
	s.entries()
	s.void = nil
	s.solve()
	return s.finish()
}

// Objects.

func (s *solver) newObject(o Object, l *lay) ObjID {
	id := ObjID(len(s.objects))
	s.objects = append(s.objects, o)
	s.objLay = append(s.objLay, l)
	s.byObj = append(s.byObj, nil)
	s.anyLoad = append(s.anyLoad, none)
	s.anyStore = append(s.anyStore, none)
	s.watchers = append(s.watchers, nil)
	s.odd, s.far = append(s.odd, 0), append(s.far, 0)
	s.text, s.viewed = append(s.text, false), append(s.viewed, false)
	s.trust = append(s.trust, (o.Kind == Global || o.Kind == Local) && o.Type != nil && recordElem(o.Type))
	return id
}

// recordElem reports whether t is a record or an array of them.
func recordElem(t *ctype.Type) bool {
	for t.Kind == ctype.Array {
		t = t.Elem
	}
	return t.IsRecord()
}

func (s *solver) makeObjects() {
	noRef := ir.Ref{Func: -1, I: -1}
	for _, g := range s.prog.Globals {
		l := blobLay
		if g.Type != nil {
			l = s.lays.of(g.Type)
			if g.String {
				l = s.lays.array(s.lays.scalar(max(1, elemSize(g.Type)), plainData, nil), -1)
			}
		}
		o := s.newObject(Object{Kind: Global, Global: g.ID, Func: g.Proc, Local: -1, Site: noRef, Inner: noRef, Type: g.Type}, l)
		s.viewed[o] = !g.String && bytesOnly(g.Type)
	}
	s.firstString = -1
	for _, g := range s.prog.Globals {
		if g.String {
			s.firstString = ObjID(g.ID)
			break
		}
	}
	s.firstFunc = ObjID(len(s.objects))
	for _, f := range s.prog.Funcs {
		s.newObject(Object{Kind: Func, Global: -1, Func: f.ID, Local: -1, Site: noRef, Inner: noRef, Type: f.Type}, blobLay)
	}
	s.firstLocal = ObjID(len(s.objects))
	for _, f := range s.prog.Funcs {
		s.localBase = append(s.localBase, int32(len(s.localIDs)))
		for i := range f.Locals {
			l := &f.Locals[i]
			id := ObjID(-1)
			if !l.Lifted {
				lay := blobLay
				if l.Type != nil {
					lay = s.lays.of(l.Type)
				}
				id = s.newObject(Object{Kind: Local, Global: -1, Func: f.ID, Local: ir.LocalID(i), Site: noRef, Inner: noRef, Type: l.Type}, lay)
				s.viewed[id] = bytesOnly(l.Type)
			}
			s.localIDs = append(s.localIDs, id)
		}
	}
	s.unknown = s.newObject(Object{Kind: Unknown, Global: -1, Func: -1, Local: -1, Site: noRef, Inner: noRef}, blobLay)
	s.firstHeap = ObjID(len(s.objects))
}

func (s *solver) isString(o ObjID) bool {
	return o < s.firstFunc && s.firstString >= 0 && s.prog.Globals[o].String
}

func elemSize(t *ctype.Type) int64 {
	if t.Kind == ctype.Array {
		return ctype.SizeOf(t.Elem)
	}
	return ctype.SizeOf(t)
}

func (s *solver) newHeapObj(site, inner ir.Ref, t *ctype.Type, array, tail bool) ObjID {
	l := rawLay
	if t != nil {
		l = s.lays.heap(s.lays.of(t), array, tail)
	}
	id := s.newObject(Object{Kind: Heap, Global: -1, Func: -1, Local: -1, Site: site, Inner: inner, Type: t, Array: array}, l)
	s.heapOf[site] = append(s.heapOf[site], id)
	if inner != site {
		s.heapOf[inner] = append(s.heapOf[inner], id)
	}
	return id
}

// newLibObj makes an object that no call of the program made.
func (s *solver) newLibObj(name string, t *ctype.Type) ObjID {
	ref := ir.Ref{Func: max(s.prog.Entry, 0)}
	l := rawLay
	if t != nil {
		l = s.lays.of(t)
	}
	id := s.newObject(Object{Kind: Heap, Global: -1, Func: -1, Local: -1, Site: ref, Inner: ref, Type: t, Array: true, Opaque: true, Library: true}, l)
	s.outNames[id] = name
	return id
}

// Places.

// A located is place p at offset off of an object.
type located struct{ off, p int32 }

// locate returns where the place at off is in l, or would be.
func locate(l []located, off int32) int {
	lo, hi := 0, len(l)
	for lo < hi {
		m := int(uint(lo+hi) >> 1)
		if l[m].off < off {
			lo = m + 1
		} else {
			hi = m
		}
	}
	return lo
}

// place returns the number of a place; off is canonical or Any.
func (s *solver) place(o ObjID, off int32) int32 {
	o = s.standsFor(o)
	if s.isString(o) {
		// String literals hold no pointers and never change: in sets, one
		// stands for all.
		o, off = s.firstString, 0
	}
	if off == Any && s.objLay[o].one && !s.viewed[o] {
		off = 0
	}
	if off != 0 && s.objLay[o] == meltedLay {
		off = 0
	}
	l := s.byObj[o]
	i := locate(l, off)
	if i < len(l) && l[i].off == off {
		return l[i].p
	}
	if off >= viewBase && len(l) >= s.viewLimit() {
		s.viewed[o] = false
		s.melt(o)
		return s.place(o, 0)
	}
	if off != Any && off != 0 && off < anyBytes {
		if !s.startsAt(s.objLay[o], int64(off)) {
			s.odd[o]++
		}
		if (s.trust[o] || s.viewed[o]) && s.odd[o] > s.oddLimit() {
			return s.place(o, Any)
		}
		if s.odd[o] > s.oddLimit() || len(l) >= maxFields {
			s.melt(o)
			return s.place(o, 0)
		}
	}
	id := int32(len(s.places))
	s.places = append(s.places, Loc{o, off})
	s.cell = append(s.cell, none)
	s.virt = append(s.virt, 0)
	s.virtAs = append(s.virtAs, nil)
	s.constant = append(s.constant, none)
	s.bare = append(s.bare, s.text[o] || off == anyBytes || off != Any && off < viewBase && !s.objLay[o].roomFor(int64(off), s.trust[o]))
	s.byObj[o] = slices.Insert(l, i, located{off, id})
	return id
}

// maxOdd bounds the places of an object that its layout does not account for: a
// record with more has met pointers to others, and is one place from then on; so is
// one with more than maxFields of any kind. With more than maxFar virtual places a small
// object's further ones are anywhere in it, and a larger one is one place.
const (
	maxOdd    = 64
	maxFar    = 4  // virtual places of an object
	maxNear   = 64 // places of an object that "anywhere in it" may be taken for again and again
	maxFields = 2048
	maxViews  = 48 // of a block: more have all that there is
)

// melt makes all of object o one place: it has too many.
func (s *solver) melt(o ObjID) {
	s.melts++
	clear(s.images)
	s.objLay[o] = meltedLay
	for _, st := range s.steps {
		for _, x := range s.byObj[o] {
			st.forget(s.pages, x.p)
		}
	}
	one := s.cellOf(s.place(o, 0))
	join := func(n int32) {
		if n != none {
			s.edge(n, one)
			s.edge(one, n)
		}
	}
	for _, x := range s.byObj[o] {
		join(s.cell[x.p])
	}
	join(s.anyLoad[o])
	join(s.anyStore[o])
	// What is copied from some place of it may be stored there as it is stored anywhere in it.
	copies := s.watchers[o]
	s.watchers[o] = nil
	for _, w := range copies {
		s.copyBlock(w.dst, w.src, w.size)
	}
}

// at returns the place of byte off of o.
func (s *solver) at(o ObjID, off int64) int32 {
	c := Any
	if off >= 0 {
		c = int(s.objLay[o].canon(off))
	}
	return s.place(o, int32(c))
}

// constNode returns a node whose set is the place p.
func (s *solver) constNode(p int32) int32 {
	p = s.placed(p)
	if s.constant[p] == none {
		n := s.node()
		s.constant[p] = n
		s.addPlace(n, p)
	}
	return s.constant[p]
}

// readNode returns the node to read the contents of place p from; writeNode,
// the node to add to.
func (s *solver) readNode(p int32) int32 {
	if s.bare[p] {
		return none
	}
	if l := s.places[p]; l.Off == Any || s.viewed[l.Obj] && l.Off < viewBase {
		return s.anyLoadOf(l.Obj)
	} else if l.Off != 0 && s.objLay[l.Obj] == meltedLay {
		p = s.place(l.Obj, 0)
	}
	return s.cellOf(p)
}

func (s *solver) writeNode(p int32) int32 {
	if s.bare[p] {
		return none
	}
	if l := s.places[p]; l.Off == Any || s.viewed[l.Obj] && l.Off < viewBase {
		return s.anyStoreOf(l.Obj)
	} else if l.Off != 0 && s.objLay[l.Obj] == meltedLay {
		p = s.place(l.Obj, 0)
	}
	return s.cellOf(p)
}

func (s *solver) cellOf(p int32) int32 {
	p = s.placed(p)
	if s.cell[p] != none {
		return s.cell[p]
	}
	n := s.node()
	s.cell[p] = n
	o := s.places[p].Obj
	if a := s.anyStore[o]; a != none {
		s.edge(a, n)
	}
	if a := s.anyLoad[o]; a != none {
		s.edge(n, a)
	}
	for _, w := range s.watchers[o] {
		s.copyCell(w, p)
	}
	return n
}

func (s *solver) anyLoadOf(o ObjID) int32 {
	o = s.standsFor(o)
	if s.anyLoad[o] != none {
		return s.anyLoad[o]
	}
	if s.objLay[o] == meltedLay {
		return s.cellOf(s.place(o, 0))
	}
	n := s.node()
	s.anyLoad[o] = n
	if a := s.anyStore[o]; a != none {
		s.edge(a, n)
	}
	for _, x := range s.byObj[o] {
		if p := x.p; s.cell[p] != none {
			s.edge(s.cell[p], n)
		}
	}
	return n
}

func (s *solver) anyStoreOf(o ObjID) int32 {
	o = s.standsFor(o)
	if s.anyStore[o] != none {
		return s.anyStore[o]
	}
	if s.objLay[o] == meltedLay {
		return s.cellOf(s.place(o, 0))
	}
	n := s.node()
	s.anyStore[o] = n
	if a := s.anyLoad[o]; a != none {
		s.edge(n, a)
	}
	for _, x := range s.byObj[o] {
		if p := x.p; s.cell[p] != none {
			s.edge(n, s.cell[p])
		}
	}
	for _, w := range s.watchers[o] {
		s.copyStored(n, w)
	}
	return n
}

// copyBlock makes size bytes (-1: any number) at place dst include what is at
// place src.
func (s *solver) copyBlock(dst, src int32, size int64) {
	src, dst = s.placed(src), s.placed(dst)
	so, do := s.places[src].Obj, s.places[dst].Obj
	if s.objLay[so] == meltedLay {
		src = s.place(so, 0)
	}
	if s.objLay[do] == meltedLay {
		dst = s.place(do, 0)
	}
	for _, p := range [2]int32{src, dst} {
		// As many bytes as nobody knows are not more than there are at either end.
		if n := s.extent(p); size < 0 || n >= 0 && n < size {
			size = n
		}
	}
	w := copyTarget{src, dst, size}
	if s.copySeen[w] || src == dst {
		return
	}
	s.copySeen[w] = true
	if s.text[so] || s.text[do] || s.places[src].Off == anyBytes || s.places[dst].Off == anyBytes {
		return
	}
	if s.objLay[so] == blobLay && so != s.unknown && s.objects[so].Kind != Local {
		return // functions, objects of libraries
	}
	s.watchers[so] = append(s.watchers[so], w)
	if s.viewed[so] && s.viewsBytes(s.places[src].Off) {
		s.cellOf(src)
	}
	if a := s.anyStore[so]; a != none {
		s.copyStored(a, w)
	}
	for i := 0; i < len(s.byObj[so]); i++ {
		if p := s.byObj[so][i].p; s.cell[p] != none {
			s.copyCell(w, p)
		}
	}
}

// extent returns how many bytes the largest thing that begins at place p has, -1 if that
// is not known.
func (s *solver) extent(p int32) int64 {
	l := s.places[p]
	lay := s.objLay[l.Obj]
	if l.Off == Any || l.Off == anyBytes || s.viewed[l.Obj] || lay.one || lay.kind == layRaw || lay.kind == layBlob {
		return -1
	}
	s.spotAt(p)
	if end := s.endAt(lay, int64(l.Off)); end < 1<<60 && s.startsAt(lay, int64(l.Off)) {
		return end - int64(l.Off)
	}
	return -1
}

// maxSlots bounds the places that a copy of something unknown is kept to.
const maxSlots = 64

// copyStored does copyAny for what is stored anywhere in the source: a view of bytes has a cell,
// which has that, too.
func (s *solver) copyStored(src int32, w copyTarget) {
	if from := s.places[w.src]; !s.viewed[from.Obj] || !s.viewsBytes(from.Off) {
		s.copyAny(src, w)
	}
}

// copyAny adds node src to all places that the copy w writes: what its source has at no
// place in particular may come to any of them, but to none before.
func (s *solver) copyAny(src int32, w copyTarget) {
	to := s.places[w.dst]
	if s.viewed[to.Obj] && s.viewsBytes(to.Off) {
		s.edge(src, s.cellOf(w.dst))
		return
	}
	slots := s.slotsFrom(to, w.size)
	if slots == nil {
		s.edge(src, s.anyStoreOf(to.Obj))
	}
	for _, off := range slots {
		s.edge(src, s.writeNode(s.place(to.Obj, off)))
	}
}

// slotsFrom lists the canonical offsets from that of l on, size bytes (-1: any number), at
// which pointers may be; nil if that is anywhere in the object.
func (s *solver) slotsFrom(l Loc, size int64) []int32 {
	lay := s.objLay[l.Obj]
	if !s.trust[l.Obj] || l.Off == Any || lay.one || s.viewed[l.Obj] {
		return nil
	}
	if l.Off == anyBytes {
		return []int32{}
	}
	key := slotKey{lay, l.Off, size}
	out, ok := s.slotsAt[key]
	if !ok {
		out = lay.slots(int64(l.Off), size)
		s.slotsAt[key] = out
	}
	return out
}

type slotKey struct {
	l    *lay
	off  int32
	size int64
}

// slots is slotsFrom for an object of layout l.
func (l *lay) slots(lo, size int64) []int32 {
	hi := int64(1) << 40
	if size >= 0 {
		hi = lo + size
	}
	var buf [pathBuf]step
	for _, st := range l.path(lo, 0, buf[:0]) {
		if st.mixed || st.elem > 1 && (st.size < 0 || st.size > st.elem) && hi > st.start+st.elem {
			return nil // the next element's too
		}
	}
	end := hi
	if whole := l.whole(); whole >= 0 {
		end = min(end, whole)
	} else {
		end = min(end, l.size+1)
	}
	if l.kind == layArray && l.elem.size > 0 {
		end = min(end, l.elem.size)
	}
	if end-lo > maxSlots*ctype.PtrSize {
		return nil
	}
	out := []int32{}
	ok := true
	add := func(off int64) {
		if c := l.canon(off); c == Any || len(out) > maxSlots {
			ok = false
		} else if int64(c) >= lo && int64(c) < hi {
			out = addOff(out, c)
		}
	}
	for off := lo; off < end && ok; off++ {
		if off%ctype.PtrSize == 0 || off == lo {
			add(off)
		}
	}
	l.places(0, func(off int64) {
		if off < hi {
			add(off)
		}
	})
	if !ok {
		return nil
	}
	return out
}

// copyCell adds what place p of the source holds to where the copy w puts it.
func (s *solver) copyCell(w copyTarget, p int32) {
	from, to := s.places[w.src], s.places[w.dst]
	at := s.places[p].Off
	src := s.cell[p]
	if s.viewed[from.Obj] {
		s.copyView(src, at, w)
		return
	}
	if from.Off == Any {
		s.edge(src, s.copyTo(from.Obj, at, w.dst))
		return
	}
	sl, dl := s.objLay[from.Obj], s.objLay[to.Obj]
	// The source is whole elements of an array, or a range in one element.
	rel := int64(at) - int64(from.Off)
	stride := int64(0)
	for _, st := range s.path(sl, int64(from.Off)) {
		if st.elem > 0 && (st.size < 0 || st.size > st.elem) {
			if end := int64(from.Off) - st.start + w.size; w.size < 0 || end > st.elem {
				// It may go on into the next element.
				if int64(at) >= st.start && int64(at) < st.start+st.elem {
					if rel < 0 {
						rel += st.elem
					}
					stride = st.elem
				}
			}
		}
	}
	if rel < 0 || w.size >= 0 && rel >= w.size {
		return
	}
	if s.viewed[to.Obj] || to.Off == Any {
		s.edge(src, s.copyTo(from.Obj, at, w.dst))
		return
	}
	if dl.one {
		s.edge(src, s.writeNode(s.place(to.Obj, 0)))
		return
	}
	var buf [4]int32
	for _, off := range s.shift(dl, to.Off, rel, -1, buf[:0]) {
		if off == Any || !s.trust[to.Obj] || dl.roomFor(int64(off), true) {
			s.edge(src, s.writeNode(s.place(to.Obj, off)))
		}
	}
	if stride == 0 || s.sameStride(dl, to.Off, stride) {
		return
	}
	// Elements of the source go to different places of the destination.
	for i := 1; i < 64; i++ {
		rel += stride
		if w.size >= 0 && rel >= w.size {
			return
		}
		if end := dl.whole(); end >= 0 && int64(to.Off)+rel >= end {
			return
		}
		for _, off := range s.shift(dl, to.Off, rel, -1, buf[:0]) {
			if off == Any || !s.trust[to.Obj] || dl.roomFor(int64(off), true) {
				s.edge(src, s.writeNode(s.place(to.Obj, off)))
			}
		}
	}
	s.edge(src, s.anyStoreOf(to.Obj))
}

// sameStride reports whether around off is an array in which adding stride
// changes nothing.
func (s *solver) sameStride(l *lay, off int32, stride int64) bool {
	for _, st := range s.path(l, int64(off)) {
		if st.elem > 0 && stride%st.elem == 0 {
			return true
		}
	}
	return false
}

// Nodes.

func (s *solver) node() int32 {
	n := int32(len(s.rep))
	s.rep = append(s.rep, n)
	s.pts = append(s.pts, 0)
	s.delta = append(s.delta, 0)
	s.succ = append(s.succ, set{})
	s.cons = append(s.cons, nil)
	return n
}

func (s *solver) find(n int32) int32 {
	for s.rep[n] != n {
		s.rep[n] = s.rep[s.rep[n]]
		n = s.rep[n]
	}
	return n
}

// edge makes the set of to include that of from.
func (s *solver) edge(from, to int32) {
	if from == none || to == none {
		return
	}
	from, to = s.find(from), s.find(to)
	if from == to || !s.succ[from].add(to) {
		return
	}
	s.edges++
	s.dirty = true
	s.include(to, s.pts[from])
}

// include adds set d to node n.
func (s *solver) include(n int32, d setID) {
	if all, news := s.sets.union(s.pts[n], d); news != 0 {
		s.pts[n] = all
		s.facts += int64(s.sets.len(news))
		s.crowd.grew(s.facts, len(s.rep))
		s.delta[n], _ = s.sets.union(s.delta[n], news)
	}
}

// addPlace adds place p to node n.
func (s *solver) addPlace(n, p int32) {
	if n == none {
		return
	}
	n, p = s.find(n), s.placed(p)
	if !s.sets.has(s.pts[n], p) {
		s.include(n, s.sets.alone(p))
	}
}

// leaveOut breaks the solver: tests show with it that runs are really checked.
var leaveOut [conTyped + 1]bool // by kind

// constrain adds a constraint to node n; what n has already is seen again.
func (s *solver) constrain(n int32, c constraint) {
	if n == none || leaveOut[c.kind] {
		return
	}
	n = s.find(n)
	s.cons[n] = append(s.cons[n], c)
	if s.pts[n] != 0 {
		one := [1]constraint{c}
		s.apply(n, one[:], s.pts[n])
	}
}
