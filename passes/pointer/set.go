package pointer

import (
	"math/bits"
	"slices"
)

// A set is a set of small numbers that grows in place: sorted blocks of 64 bits. Most sets
// have a few members near each other, because ids are given in order of appearance: one
// or two blocks, scanned in a cache line. Members are never removed.
type set struct{ b []block }

type block struct {
	k int32 // members k*64 .. k*64+63
	w uint64
}

// search returns where block k is in b, or would be.
func search(b []block, k int32) int {
	lo, hi := 0, len(b)
	if hi > 0 && b[hi-1].k < k {
		return hi
	}
	for lo < hi {
		m := int(uint(lo+hi) >> 1)
		if b[m].k < k {
			lo = m + 1
		} else {
			hi = m
		}
	}
	return lo
}

func (s *set) has(x int32) bool { return has(s.b, x) }

func has(b []block, x int32) bool {
	i := search(b, x>>6)
	return i < len(b) && b[i].k == x>>6 && b[i].w&(1<<(x&63)) != 0
}

// add adds x and reports whether it was new.
func (s *set) add(x int32) bool {
	i := search(s.b, x>>6)
	if i < len(s.b) && s.b[i].k == x>>6 {
		if s.b[i].w&(1<<(x&63)) != 0 {
			return false
		}
		s.b[i].w |= 1 << (x & 63)
		return true
	}
	s.b = append(s.b, block{})
	copy(s.b[i+1:], s.b[i:])
	s.b[i] = block{x >> 6, 1 << (x & 63)}
	return true
}

// union adds all of t to s, in place.
func (s *set) union(t *set) {
	i, news := 0, 0
	for _, x := range t.b {
		if i += search(s.b[i:], x.k); i < len(s.b) && s.b[i].k == x.k {
			s.b[i].w |= x.w
		} else {
			news++
		}
	}
	// Blocks that s has not are put between its own from behind.
	i = len(s.b) - 1
	s.b = slices.Grow(s.b, news)[:len(s.b)+news]
	for j := len(t.b) - 1; news > 0; j-- {
		x := t.b[j]
		for i >= 0 && s.b[i].k > x.k {
			s.b[i+news] = s.b[i]
			i--
		}
		if i < 0 || s.b[i].k < x.k {
			s.b[i+news] = x
			news--
		}
	}
}

// meets reports whether few and many have a member in common.
func meets(few, many []block) bool {
	for _, x := range few {
		if many = many[search(many, x.k):]; len(many) == 0 {
			return false
		}
		if many[0].k == x.k && many[0].w&x.w != 0 {
			return true
		}
	}
	return false
}

// appendTo appends the members in order.
func (s *set) appendTo(out []int32) []int32 { return members(s.b, out) }

func members(bs []block, out []int32) []int32 {
	for _, b := range bs {
		for w := b.w; w != 0; w &= w - 1 {
			out = append(out, b.k<<6+int32(bits.TrailingZeros64(w)))
		}
	}
	return out
}

// merged appends a and b as one to all, and what b has beyond a to news.
func merged(a, b, all, news []block) ([]block, []block) {
	i := 0
	for _, t := range b {
		for i < len(a) && a[i].k < t.k {
			all = append(all, a[i])
			i++
		}
		if i == len(a) || a[i].k != t.k {
			all, news = append(all, t), append(news, t)
			continue
		}
		if w := t.w &^ a[i].w; w != 0 {
			news = append(news, block{t.k, w})
		}
		all = append(all, block{t.k, a[i].w | t.w})
		i++
	}
	return append(all, a[i:]...), news
}
