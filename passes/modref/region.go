package modref

import (
	"slices"

	"saz/ir"
	"saz/passes/pointer"
)

// A RegionID numbers the regions: classes of bytes that exactly the same parts
// touch. Locals of different procedures are in different regions, because a
// dependence through memory of one activation keeps its calling context.
type RegionID int32

// Regions is the partition of memory.
type Regions struct {
	Owner []ir.FuncID // by region: the procedure whose local it is, -1 none
	Of    []Row       // by part: its regions
	Parts []Bits      // by region: the parts that touch it

	pts   *pointer.Result
	start []int32 // by object: its first interval
	lo    []int64 // by interval: where it begins; it ends where the next does
	reg   []RegionID
	owner []ir.FuncID // by part: the one owner of its regions, -1 if not one
}

// N counts the regions.
func (r *Regions) N() int { return len(r.Owner) }

// PartOwner returns the procedure whose locals, and nothing else, the part
// touches; -1 if there is no such.
func (r *Regions) PartOwner(p PartID) ir.FuncID { return r.owner[p] }

// end of objects: beyond every offset.
const far = 1 << 40

// signature is a sum of numbers that stand for parts: equal sums are equal sets
// of parts but for one chance in 2^128.
type signature struct {
	a, b  uint64
	owner ir.FuncID
}

// mix is the finaliser of MurmurHash3, which makes independent bits of a count.
func mix(x uint64) uint64 {
	x ^= x >> 33
	x *= 0xff51afd7ed558ccd
	x ^= x >> 33
	x *= 0xc4ceb9fe1a85ec53
	return x ^ x>>33
}

// partition cuts each object where some access begins or ends, adds up who
// touches the pieces in one sweep, and numbers the different sums.
func (a *analysis) partition() *Regions {
	p := a.parts
	nobj := len(a.pts.Objects)
	// Accesses by object.
	count := make([]int32, nobj+1)
	for _, l := range p.acc {
		for i := range l {
			count[l[i].Obj+1]++
		}
	}
	for o := range nobj {
		count[o+1] += count[o]
	}
	type touch struct {
		lo, hi int64
		part   PartID
	}
	all := make([]touch, count[nobj])
	next := slices.Clone(count[:nobj])
	for id, l := range p.acc {
		for i := range l {
			x := &l[i]
			lo, hi := int64(x.Off), end(*x)
			if x.Off == pointer.Any {
				lo = 0
			}
			all[next[x.Obj]] = touch{lo, max(hi, lo+1), PartID(id)}
			next[x.Obj]++
		}
	}
	r := &Regions{pts: a.pts, start: make([]int32, nobj+1)}
	ids := map[signature]RegionID{}
	var cuts []int64
	var sumA, sumB []uint64
	type piece struct{ from, to int32 } // intervals, by touch
	pieces := make([]piece, len(all))
	for o := range nobj {
		r.start[o] = int32(len(r.lo))
		l := all[count[o]:count[o+1]]
		if len(l) == 0 {
			continue
		}
		cuts = cuts[:0]
		for i := range l {
			cuts = append(cuts, l[i].lo, l[i].hi)
		}
		slices.Sort(cuts)
		cuts = slices.Compact(cuts)
		sumA, sumB = append(sumA[:0], make([]uint64, len(cuts))...), append(sumB[:0], make([]uint64, len(cuts))...)
		first := int32(len(r.lo))
		for i := range l {
			from, _ := slices.BinarySearch(cuts, l[i].lo)
			to, _ := slices.BinarySearch(cuts, l[i].hi)
			x, y := mix(2*uint64(l[i].part)+1), mix(2*uint64(l[i].part)+2+1<<40)
			sumA[from] += x
			sumB[from] += y
			sumA[to] -= x
			sumB[to] -= y
			pieces[int(count[o])+i] = piece{first + int32(from), first + int32(to)}
		}
		owner := ir.FuncID(-1)
		if ob := &a.pts.Objects[o]; ob.Kind == pointer.Local && a.pts.Single(pointer.ObjID(o)) {
			owner = ob.Func
		}
		s := signature{owner: owner}
		for i, at := range cuts {
			s.a += sumA[i]
			s.b += sumB[i]
			r.lo = append(r.lo, at)
			if s.a == 0 && s.b == 0 {
				r.reg = append(r.reg, -1)
				continue
			}
			id, ok := ids[s]
			if !ok {
				id = RegionID(len(r.Owner))
				ids[s] = id
				r.Owner = append(r.Owner, owner)
			}
			r.reg = append(r.reg, id)
		}
	}
	r.start[nobj] = int32(len(r.lo))
	a.shapes(r, count, func(k int32) (from, to int32) { return pieces[k].from, pieces[k].to })
	return r
}

// shapes makes one of the parts that touch the same regions, which are the same bytes, and fills in what is known by part.
// piece gives the intervals of a touch: those of an object are in order of parts, from count[object] on.
func (a *analysis) shapes(r *Regions, count []int32, piece func(touch int32) (from, to int32)) {
	p := a.parts
	row := NewBits(len(r.Owner))
	next := slices.Clone(count)
	to := make([]PartID, len(p.acc))
	known := map[uint64][]PartID{}
	var acc [][]Access
	for id, l := range p.acc {
		lo, hi := len(row), 0
		for i := range l {
			from, end := piece(next[l[i].Obj])
			next[l[i].Obj]++
			for k := from; k < end; k++ {
				if x := r.reg[k]; x >= 0 {
					row.Add(int32(x))
					lo, hi = min(lo, int(x>>6)), max(hi, int(x>>6)+1)
				}
			}
		}
		var of Row
		sum := uint64(0)
		for k := lo; k < hi; k++ {
			if row[k] != 0 {
				of = append(of, Word{int32(k), row[k]})
				sum = mix(sum ^ row[k] ^ mix(uint64(k)))
				row[k] = 0
			}
		}
		same := slices.IndexFunc(known[sum], func(x PartID) bool { return slices.Equal(r.Of[x], of) })
		if same >= 0 {
			to[id] = known[sum][same]
			continue
		}
		to[id] = PartID(len(r.Of))
		known[sum] = append(known[sum], to[id])
		r.Of = append(r.Of, slices.Clip(of))
		acc = append(acc, l)
	}
	p.acc = acc
	for _, l := range p.effects {
		for i := range l {
			l[i] = to[l[i]]
		}
		slices.Sort(l)
	}
	for e, l := range p.effects {
		p.effects[e] = slices.Compact(l)
	}
	for k, id := range a.args {
		a.args[k] = to[id]
	}
	for k, id := range a.params {
		a.params[k] = to[id]
	}
	r.Parts = make([]Bits, len(r.Owner))
	w := (len(acc) + 63) / 64
	flat := make(Bits, len(r.Owner)*w)
	for id := range r.Parts {
		r.Parts[id] = flat[id*w : (id+1)*w : (id+1)*w]
	}
	r.owner = make([]ir.FuncID, len(acc))
	for id, row := range r.Of {
		owner, some := ir.FuncID(-1), false
		row.Each(func(k int32) {
			r.Parts[k].Add(int32(id))
			if o := r.Owner[k]; !some {
				owner, some = o, true
			} else if o != owner {
				owner = -1
			}
		})
		r.owner[id] = owner
	}
}

// Find sets in row the regions that an access touches.
func (r *Regions) Find(x Access, row Bits) {
	lo, hi := int64(x.Off), end(x)
	if x.Off == pointer.Any {
		lo = 0
	}
	o := r.pts.Stands(x.Obj)
	a, b := r.start[o], r.start[o+1]
	i, found := slices.BinarySearch(r.lo[a:b], lo)
	if !found && i > 0 {
		i--
	}
	for k := a + int32(i); k < b && r.lo[k] < hi; k++ {
		if r.reg[k] >= 0 {
			row.Add(int32(r.reg[k]))
		}
	}
}

// accesses turns rows of regions back into ranges of bytes.
func (r *Regions) accesses(row Bits) []Access {
	var out []Access
	for o := range len(r.start) - 1 {
		for k := r.start[o]; k < r.start[o+1]; k++ {
			if r.reg[k] < 0 || !row.Has(int32(r.reg[k])) {
				continue
			}
			x := Access{pointer.Loc{Obj: pointer.ObjID(o), Off: int32(r.lo[k])}, -1}
			if hi := r.lo[k+1]; hi < far {
				x.Size = hi - r.lo[k]
			}
			if n := len(out); n > 0 && out[n-1].Obj == x.Obj && end(out[n-1]) == int64(x.Off) {
				if out[n-1].Size += x.Size; x.Size < 0 {
					out[n-1].Size = -1
				}
				continue
			}
			out = append(out, x)
		}
	}
	return out
}
