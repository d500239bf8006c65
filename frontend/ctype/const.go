package ctype

import (
	"math"
	"math/big"
	"math/bits"
)

// A Num is a 128-bit two's complement integer: wide enough to hold a value of
// any integer type. Which type, and with it the sign, is known elsewhere: a
// Num that was Wrapped to an unsigned type of less than 128 bits is
// non-negative, to a signed one sign-extended.
type Num struct{ Hi, Lo uint64 }

// NumInt returns the Num of a signed value.
func NumInt(v int64) Num { return Num{uint64(v >> 63), uint64(v)} }

// NumUint returns the Num of an unsigned value.
func NumUint(v uint64) Num { return Num{0, v} }

// NumFloat truncates f to a Num; ok is false if it does not fit.
func NumFloat(f float64) (n Num, ok bool) {
	if math.IsNaN(f) || math.Abs(f) >= 1<<127 {
		return Num{}, false
	}
	b, _ := big.NewFloat(math.Trunc(f)).Int(nil)
	return NumBig(b), true
}

// NumBig returns the low 128 bits of b.
func NumBig(b *big.Int) Num {
	var m big.Int
	m.Abs(b)
	lo := new(big.Int).And(&m, new(big.Int).SetUint64(math.MaxUint64)).Uint64()
	m.Rsh(&m, 64)
	hi := new(big.Int).And(&m, new(big.Int).SetUint64(math.MaxUint64)).Uint64()
	n := Num{hi, lo}
	if b.Sign() < 0 {
		n = n.Neg()
	}
	return n
}

// IsZero reports whether n is 0.
func (n Num) IsZero() bool { return n.Hi|n.Lo == 0 }

// Negative reports whether the top bit is set.
func (n Num) Negative() bool { return int64(n.Hi) < 0 }

// Int64 returns the low 64 bits; ok says that n, as a signed number, fits.
func (n Num) Int64() (v int64, ok bool) {
	v = int64(n.Lo)
	return v, n.Hi == uint64(v>>63)
}

// Big returns n as a number of type t.
func (n Num) Big(t *Type) *big.Int {
	neg := n.Negative() && t.IsSigned()
	if neg {
		n = n.Neg()
	}
	b := new(big.Int).SetUint64(n.Hi)
	b.Lsh(b, 64).Or(b, new(big.Int).SetUint64(n.Lo))
	if neg {
		b.Neg(b)
	}
	return b
}

// Float returns n, of integer type t, as a float64.
func (n Num) Float(t *Type) float64 {
	f, _ := new(big.Float).SetInt(n.Big(t)).Float64()
	return f
}

// Wrap reduces n to the integer type t, as a conversion does.
func (n Num) Wrap(t *Type) Num {
	if t.Kind == Bool {
		if n.IsZero() {
			return n
		}
		return Num{0, 1}
	}
	size := int64(PtrSize)
	if t.Kind != Pointer {
		size = SizeOf(t)
	}
	if size >= 16 || size <= 0 {
		return n
	}
	return n.Trunc(int(size)*8, t.IsSigned())
}

// Trunc keeps the low width bits (1 to 128) and extends them.
func (n Num) Trunc(width int, signed bool) Num {
	if width >= 128 {
		return n
	}
	n = n.Shl(uint(128 - width))
	return n.Shr(uint(128-width), signed)
}

// Neg returns -n.
func (n Num) Neg() Num {
	lo, b := bits.Sub64(0, n.Lo, 0)
	hi, _ := bits.Sub64(0, n.Hi, b)
	return Num{hi, lo}
}

// Not returns ^n.
func (n Num) Not() Num { return Num{^n.Hi, ^n.Lo} }

// Add returns n + m.
func (n Num) Add(m Num) Num {
	lo, c := bits.Add64(n.Lo, m.Lo, 0)
	hi, _ := bits.Add64(n.Hi, m.Hi, c)
	return Num{hi, lo}
}

// Sub returns n - m.
func (n Num) Sub(m Num) Num { return n.Add(m.Neg()) }

// Mul returns n * m.
func (n Num) Mul(m Num) Num {
	hi, lo := bits.Mul64(n.Lo, m.Lo)
	return Num{hi + n.Hi*m.Lo + n.Lo*m.Hi, lo}
}

// DivRem returns quotient and remainder, truncated towards zero; m is not 0.
func (n Num) DivRem(m Num, signed bool) (q, r Num) {
	if n.Hi == 0 && m.Hi == 0 {
		return Num{0, n.Lo / m.Lo}, Num{0, n.Lo % m.Lo}
	}
	t := TUInt128
	if signed {
		t = TInt128
	}
	var bq, br big.Int
	bq.QuoRem(n.Big(t), m.Big(t), &br)
	return NumBig(&bq), NumBig(&br)
}

// Shl returns n << s.
func (n Num) Shl(s uint) Num {
	switch {
	case s >= 128:
		return Num{}
	case s >= 64:
		return Num{n.Lo << (s - 64), 0}
	case s == 0:
		return n
	}
	return Num{n.Hi<<s | n.Lo>>(64-s), n.Lo << s}
}

// Shr returns n >> s, arithmetic if signed.
func (n Num) Shr(s uint, signed bool) Num {
	fill := uint64(0)
	if signed && n.Negative() {
		fill = math.MaxUint64
	}
	switch {
	case s >= 128:
		return Num{fill, fill}
	case s == 0:
		return n
	case s == 64:
		return Num{fill, n.Hi}
	case s > 64:
		return Num{fill, n.Hi>>(s-64) | fill<<(128-s)}
	}
	return Num{n.Hi>>s | fill<<(64-s), n.Lo>>s | n.Hi<<(64-s)}
}

// And, Or and Xor are bitwise.
func (n Num) And(m Num) Num { return Num{n.Hi & m.Hi, n.Lo & m.Lo} }

// Or returns n | m.
func (n Num) Or(m Num) Num { return Num{n.Hi | m.Hi, n.Lo | m.Lo} }

// Xor returns n ^ m.
func (n Num) Xor(m Num) Num { return Num{n.Hi ^ m.Hi, n.Lo ^ m.Lo} }

// Cmp compares n and m.
func (n Num) Cmp(m Num, signed bool) int {
	a, b := n.Hi, m.Hi
	if signed {
		a ^= 1 << 63
		b ^= 1 << 63
	}
	switch {
	case a != b:
		if a < b {
			return -1
		}
		return 1
	case n.Lo != m.Lo:
		if n.Lo < m.Lo {
			return -1
		}
		return 1
	}
	return 0
}
