package pointer

import "math/bits"

// A set is a set of small numbers: sorted blocks of 64 bits. Most sets have a
// few members near each other, because ids are given in order of appearance:
// one or two blocks, scanned in a cache line. Members are never removed.
type set struct{ b []block }

type block struct {
	k int32 // members k*64 .. k*64+63
	w uint64
}

func (s *set) empty() bool { return len(s.b) == 0 }

func (s *set) find(k int32) int {
	lo, hi := 0, len(s.b)
	if hi > 0 && s.b[hi-1].k < k {
		return hi
	}
	for lo < hi {
		m := int(uint(lo+hi) >> 1)
		if s.b[m].k < k {
			lo = m + 1
		} else {
			hi = m
		}
	}
	return lo
}

// add adds x and reports whether it was new.
func (s *set) add(x int32) bool {
	i := s.find(x >> 6)
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

// union adds all of t to s and what was new to news; it reports whether
// anything was.
func (s *set) union(t *set, news *set) bool {
	if len(t.b) == 0 {
		return false
	}
	missing, changed := 0, false
	i := 0
	for _, tb := range t.b {
		for i < len(s.b) && s.b[i].k < tb.k {
			i++
		}
		if i == len(s.b) || s.b[i].k != tb.k {
			missing++
		} else if tb.w&^s.b[i].w != 0 {
			changed = true
		}
	}
	if missing == 0 && !changed {
		return false
	}
	if news != nil {
		var diff [16]block
		d := diff[:0]
		i = 0
		for _, tb := range t.b {
			for i < len(s.b) && s.b[i].k < tb.k {
				i++
			}
			w := tb.w
			if i < len(s.b) && s.b[i].k == tb.k {
				w &^= s.b[i].w
			}
			if w != 0 {
				d = append(d, block{tb.k, w})
			}
		}
		nt := set{d}
		if len(news.b) == 0 {
			news.b = append(news.b, d...)
		} else {
			news.union(&nt, nil)
		}
	}
	if missing == 0 {
		i = 0
		for _, tb := range t.b {
			for s.b[i].k < tb.k {
				i++
			}
			s.b[i].w |= tb.w
		}
		return true
	}
	// Merge from the back into the grown slice.
	n := len(s.b)
	for range missing {
		s.b = append(s.b, block{})
	}
	i, j, o := n-1, len(t.b)-1, len(s.b)-1
	for j >= 0 {
		switch {
		case i >= 0 && s.b[i].k > t.b[j].k:
			s.b[o] = s.b[i]
			i--
		case i >= 0 && s.b[i].k == t.b[j].k:
			s.b[o] = block{t.b[j].k, s.b[i].w | t.b[j].w}
			i--
			j--
		default:
			s.b[o] = t.b[j]
			j--
		}
		o--
	}
	return true
}

func (s *set) equal(t *set) bool {
	if len(s.b) != len(t.b) {
		return false
	}
	for i := range s.b {
		if s.b[i] != t.b[i] {
			return false
		}
	}
	return true
}

func (s *set) len() int {
	n := 0
	for _, b := range s.b {
		n += bits.OnesCount64(b.w)
	}
	return n
}

// appendTo appends the members in order.
func (s *set) appendTo(out []int32) []int32 {
	for _, b := range s.b {
		for w := b.w; w != 0; w &= w - 1 {
			out = append(out, b.k<<6+int32(bits.TrailingZeros64(w)))
		}
	}
	return out
}

func (s *set) hash() uint64 {
	h := uint64(len(s.b))
	for _, b := range s.b {
		h = (h ^ uint64(uint32(b.k))) * 0x9e3779b97f4a7c15
		h = (h ^ b.w ^ h>>29) * 0xbf58476d1ce4e5b9
	}
	return h ^ h>>32
}

func (t *set) has(x int32) bool {
	i := t.find(x >> 6)
	return i < len(t.b) && t.b[i].k == x>>6 && t.b[i].w&(1<<(x&63)) != 0
}
