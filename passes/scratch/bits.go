package scratch

import (
	mathbits "math/bits"
)

var nothing bits

// each calls f for the members of b that are not in not.
func (b bits) each(not *bits, f func(i int)) {
	for k, w := range b {
		if k < len(*not) {
			w &^= (*not)[k]
		}
		for ; w != 0; w &= w - 1 {
			f(k*64 + mathbits.TrailingZeros64(w))
		}
	}
}

// A bits is a set of places; nil is the set of all (no path leads here).
type bits []uint64

func (b bits) has(i int) bool { return i/64 < len(b) && b[i/64]>>(i%64)&1 != 0 }

func (b bits) with(i int) bits {
	for len(b) <= i/64 {
		b = append(b, 0)
	}
	b[i/64] |= 1 << (i % 64)
	return b
}

// or adds the members of c.
func (b bits) or(c bits) bits {
	for len(b) < len(c) {
		b = append(b, 0)
	}
	for i, w := range c {
		b[i] |= w
	}
	return b
}

// meet intersects, and reports whether dst changed. dst nil takes src.
func meet(dst *bits, src bits) bool {
	if *dst == nil {
		*dst = append(make(bits, 0, len(src)+1), src...)
		return true
	}
	changed := false
	for i := range *dst {
		w := uint64(0)
		if i < len(src) {
			w = src[i]
		}
		if (*dst)[i]&^w != 0 {
			(*dst)[i] &= w
			changed = true
		}
	}
	return changed
}
