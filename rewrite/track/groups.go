package track

import (
	"fmt"
	"slices"
	"sort"
)

/*
Groups of variables that are marked together.

Where points-to sets are large, most marks are of the same hundreds of variables: everything that a generic list may belong to.
In Snort 1,129 of 2,422 places have the same 196 marks, in OpenVPN 1,138 of 1,927 the same 503. Such a set gets a mark of its own,
one byte, which stands for all of its members' and is resolved once, when the packet has ended (saz_groups in the runtime).
The places' meaning stays as it was; pruning has been done before.

Chosen is the set that spares most marks, among those that many places have, up to four times, as long as a fifth of
all marks is spared by it. A place gets the largest that it has whole, and then others.
*/

const (
	maxGroups   = 4
	groupSize   = 16   // members at least
	groupSpares = 1000 // marks at least
	groupTried  = 24
)

// Cleared is how many bytes of saz_updated are cleared when a packet begins, behind those of the variables that are announced
// with each: whole words, as many as their marks need, though not at a word's place.
func Cleared(always, nvars int) int { return (nvars - always + 7) / 8 * 8 }

// GroupByte is the index in saz_updated of the first group's mark: the groups have a word of their own behind the variables.
func GroupByte(always, nvars int) int { return max((always+Cleared(always, nvars)+7)/8*8, 8) }

type placeSet struct {
	vars  []int
	bits  bits
	count int
}

// chooseGroups returns the groups for sets of marks, one a place.
func chooseGroups(places [][]int, nvars int) [][]int {
	byKey := map[string]*placeSet{}
	var sets []*placeSet
	for _, vars := range places {
		key := fmt.Sprint(vars)
		s := byKey[key]
		if s == nil {
			s = &placeSet{vars: vars, bits: make(bits, (nvars+63)/64)}
			set(s.bits, vars)
			byKey[key] = s
			sets = append(sets, s)
		}
		s.count++
	}
	sort.SliceStable(sets, func(i, j int) bool {
		a, b := sets[i], sets[j]
		if a.count*len(a.vars) != b.count*len(b.vars) {
			return a.count*len(a.vars) > b.count*len(b.vars)
		}
		return fmt.Sprint(a.vars) < fmt.Sprint(b.vars)
	})
	var groups [][]int
	var chosen []bits
	cost := func(with []bits) int {
		with = slices.Clone(with)
		sort.SliceStable(with, func(i, j int) bool { return with[i].count() > with[j].count() })
		n := 0
		for _, s := range sets {
			left := append(bits(nil), s.bits...)
			k := 0
			for _, g := range with {
				if left.holds(g) {
					left.drop(g)
					k++
				}
			}
			n += s.count * (k + left.count())
		}
		return n
	}
	now := cost(nil)
	for len(groups) < maxGroups {
		best, which := now, -1
		for i := 0; i < len(sets) && i < groupTried; i++ {
			if len(sets[i].vars) < groupSize {
				continue
			}
			if n := cost(append(chosen[:len(chosen):len(chosen)], sets[i].bits)); n < best {
				best, which = n, i
			}
		}
		if which < 0 || now-best < groupSpares || (now-best)*5 < now {
			break
		}
		groups = append(groups, sets[which].vars)
		chosen = append(chosen, sets[which].bits)
		now = best
	}
	sort.SliceStable(groups, func(i, j int) bool { return len(groups[i]) > len(groups[j]) })
	return groups
}

func (s bits) holds(t bits) bool {
	for i := range t {
		if t[i]&^s[i] != 0 {
			return false
		}
	}
	return true
}

func (s bits) drop(t bits) {
	for i := range t {
		s[i] &^= t[i]
	}
}

func (s bits) count() int {
	n := 0
	for _, w := range s {
		for ; w != 0; w &= w - 1 {
			n++
		}
	}
	return n
}

// grouped replaces the members of groups that vars has whole by the groups' marks.
func (p *placer) grouped(vars []int) []int {
	if len(p.res.Groups) == 0 || len(vars) < groupSize {
		return vars
	}
	left := make(bits, (len(p.pl.Vars)+63)/64)
	set(left, vars)
	var out []int
	for g, members := range p.res.Groups {
		mine := make(bits, len(left))
		set(mine, members)
		if left.holds(mine) {
			left.drop(mine)
			out = append(out, GroupByte(p.res.Always, len(p.pl.Vars))+g)
		}
	}
	for _, v := range vars {
		if left.has(v) {
			out = append(out, v)
		}
	}
	sort.Ints(out)
	return out
}
