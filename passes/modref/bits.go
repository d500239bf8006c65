package modref

import "math/bits"

// A Bits is a row of bits.
type Bits []uint64

// NewBits returns a row that can hold n bits.
func NewBits(n int) Bits { return make(Bits, (n+63)/64) }

// Has reports whether bit i is set.
func (b Bits) Has(i int32) bool { return b[i>>6]&(1<<(i&63)) != 0 }

// Add sets bit i.
func (b Bits) Add(i int32) { b[i>>6] |= 1 << (i & 63) }

// Or sets the bits of c.
func (b Bits) Or(c Bits) {
	b = b[:len(c)]
	for len(c) >= 4 && len(b) >= 4 {
		b[0] |= c[0]
		b[1] |= c[1]
		b[2] |= c[2]
		b[3] |= c[3]
		b, c = b[4:], c[4:]
	}
	for i, w := range c {
		b[i] |= w
	}
}

// Meets reports whether a bit is set in both b and c.
func (b Bits) Meets(c Bits) bool {
	for k, w := range b {
		if w&c[k] != 0 {
			return true
		}
	}
	return false
}

// Each calls f for each bit that is set, in order.
func (b Bits) Each(f func(i int32)) { each(b, f) }

// Both calls f for each bit that is set in b and in c, in order.
func (b Bits) Both(c Bits, f func(i int32)) {
	for k, w := range b {
		for w &= c[k]; w != 0; w &= w - 1 {
			f(int32(k<<6 + bits.TrailingZeros64(w)))
		}
	}
}

// BothBut is Both without what is set in all.
func (b Bits) BothBut(c, all Bits, f func(i int32)) {
	for k, w := range b {
		for w &= c[k] &^ all[k]; w != 0; w &= w - 1 {
			f(int32(k<<6 + bits.TrailingZeros64(w)))
		}
	}
}

// Take calls f for each bit that is set in b and c but neither in done nor in all, in order,
// and sets them in done.
func (b Bits) Take(c, done, all Bits, f func(i int32)) {
	for k, w := range b {
		if w &= c[k] &^ (done[k] | all[k]); w == 0 {
			continue
		}
		done[k] |= w
		for ; w != 0; w &= w - 1 {
			f(int32(k<<6 + bits.TrailingZeros64(w)))
		}
	}
}

func each(b []uint64, f func(i int32)) {
	for k, w := range b {
		for ; w != 0; w &= w - 1 {
			f(int32(k<<6 + bits.TrailingZeros64(w)))
		}
	}
}

// A Row is a row of bits most of whose words are 0: the others, in order.
type Row []Word

// A Word is bits 64*K to 64*K+63 of a Row.
type Word struct {
	K    int32
	Bits uint64
}

// RowOf returns the row with the bits of b.
func RowOf(b Bits) Row {
	var r Row
	for k, w := range b {
		if w != 0 {
			r = append(r, Word{int32(k), w})
		}
	}
	return r
}

// Each calls f for each bit that is set, in order.
func (r Row) Each(f func(i int32)) {
	for _, x := range r {
		for w := x.Bits; w != 0; w &= w - 1 {
			f(x.K<<6 + int32(bits.TrailingZeros64(w)))
		}
	}
}

// OrRow sets the bits of r.
func (b Bits) OrRow(r Row) {
	for _, x := range r {
		b[x.K] |= x.Bits
	}
}
