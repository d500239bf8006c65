package ctype

import (
	"math/big"
	"math/rand"
	"testing"
)

func TestString(t *testing.T) {
	u := NewUniverse()
	host := u.NewRecord("host", false)
	fn := u.Function(TVoid, &FuncType{Params: []Param{{Type: TInt}}})
	for _, c := range []struct {
		t    *Type
		name string
		want string
	}{
		{u.Pointer(host), "", "struct host *"},
		{u.Array(u.Pointer(TChar), 100), "", "char *[100]"},
		{u.Pointer(fn), "", "void (*)(int)"},
		{u.Pointer(fn), "handler", "void (*handler)(int)"},
		{u.Array(u.Array(TInt, 3), 2), "m", "int m[2][3]"},
		{u.Pointer(u.Array(TInt, 3)), "p", "int (*p)[3]"},
		{u.Pointer(u.Qualified(TChar, Const)), "s", "const char *s"},
		{u.Qualified(u.Pointer(TChar), Const), "s", "char *const s"},
		{u.Qualified(u.Array(TChar, 4), Const), "s", "const char s[4]"},
		{u.Function(u.Pointer(fn), &FuncType{}), "f", "void (*f(void))(int)"},
		{u.Function(TInt, &FuncType{OldStyle: true}), "f", "int f()"},
		{u.Function(TInt, &FuncType{Params: []Param{{Type: TInt}}, Variadic: true}), "f", "int f(int, ...)"},
		{u.Array(TInt, -1), "a", "int a[]"},
		{u.Named(u.Pointer(TVoid), "handle"), "h", "handle h"},
		{u.Pointer(u.Qualified(u.Named(TUInt, "u32"), Volatile)), "r", "volatile u32 *r"},
		{u.Named(u.Qualified(TInt, Const), "cint"), "c", "cint c"},
		{u.Vector(TInt, 4), "v", "__attribute__((vector_size(16))) int v"},
	} {
		if got := c.t.Decl(c.name, nil); got != c.want {
			t.Errorf("got %s, want %s", got, c.want)
		}
	}
	if got := u.Named(TUInt, "u32").Canonical(); got != "unsigned int" {
		t.Errorf("canonical u32 is %s", got)
	}
}

func TestCompatible(t *testing.T) {
	u := NewUniverse()
	e := u.NewEnum("e")
	e.Enum.Finish([]EnumConst{{Name: "a", Value: 1}}, false)
	old := u.Function(TInt, &FuncType{OldStyle: true})
	proto := func(ts ...*Type) *Type {
		f := &FuncType{}
		for _, t := range ts {
			f.Params = append(f.Params, Param{Type: t})
		}
		return u.Function(TInt, f)
	}
	for _, c := range []struct {
		a, b             *Type
		same, compatible bool
	}{
		{TInt, u.Named(TInt, "x"), true, true},
		{TLong, TLongLong, false, false},
		{e, TUInt, false, true},
		{u.Pointer(TInt), u.Pointer(u.Qualified(TInt, Const)), false, false},
		{u.Array(TInt, 3), u.Array(TInt, -1), false, true},
		{u.Array(TInt, 3), u.Array(TInt, 4), false, false},
		{old, proto(TInt), false, true},
		{old, proto(TChar), false, false},
		{proto(TInt), proto(u.Qualified(TInt, Const)), true, true},
		{proto(TInt), proto(TLong), false, false},
	} {
		if got := Same(c.a, c.b); got != c.same {
			t.Errorf("Same(%s, %s) = %v", c.a, c.b, got)
		}
		if got := Compatible(c.a, c.b); got != c.compatible {
			t.Errorf("Compatible(%s, %s) = %v", c.a, c.b, got)
		}
	}
}

func TestLeaves(t *testing.T) {
	u := NewUniverse()
	in := u.NewRecord("in", true)
	if err := in.Rec.Layout([]FieldSpec{{Name: "i", Type: TInt}, {Name: "c", Type: u.Array(TChar, 2)}}, LayoutRules{}); err != nil {
		t.Fatal(err)
	}
	out := u.NewRecord("out", false)
	specs := []FieldSpec{
		{Name: "a", Type: TChar},
		{Type: in}, // anonymous
		{Name: "b", Type: TInt, BitField: true, Width: 3},
		{Type: TInt, BitField: true, Width: 4},
		{Name: "d", Type: u.Array(TDouble, 2)},
	}
	if err := out.Rec.Layout(specs, LayoutRules{}); err != nil {
		t.Fatal(err)
	}
	var got []int64
	Leaves(out, func(l Leaf) bool {
		got = append(got, l.Off)
		if l.Union != (l.Off >= 4 && l.Off < 8) {
			t.Errorf("leaf at %d: Union = %v", l.Off, l.Union)
		}
		return true
	})
	want := []int64{0, 4, 4, 5, 8, 16, 24}
	if len(got) != len(want) {
		t.Fatalf("leaves at %v, want %v", got, want)
	}
	for i := range want {
		if got[i] != want[i] {
			t.Fatalf("leaves at %v, want %v", got, want)
		}
	}
	path := out.Rec.Lookup("c")
	if len(path) != 2 || path[0].Off+path[1].Off != 4 || out.Rec.Lookup("none") != nil {
		t.Errorf("path to c: %v", path)
	}
}

// TestNum compares the 128-bit arithmetic with math/big.
func TestNum(t *testing.T) {
	r := rand.New(rand.NewSource(1))
	types := []*Type{TChar, TUChar, TShort, TUShort, TInt, TUInt, TLong, TULong, TInt128, TUInt128}
	num := func() Num {
		n := Num{r.Uint64(), r.Uint64()}
		switch r.Intn(4) {
		case 0:
			n = NumInt(int64(r.Intn(300) - 150))
		case 1:
			n.Hi = 0
		}
		return n
	}
	wrap := func(b *big.Int, t *Type) *big.Int {
		m := new(big.Int).Lsh(big.NewInt(1), uint(t.Bits()))
		b = new(big.Int).Mod(b, m)
		if t.IsSigned() && b.Bit(t.Bits()-1) != 0 {
			b.Sub(b, m)
		}
		return b
	}
	for range 20000 {
		ty := types[r.Intn(len(types))]
		a, b := num().Wrap(ty), num().Wrap(ty)
		x, y := a.Big(ty), b.Big(ty)
		s := uint(r.Intn(ty.Bits()))
		check := func(op string, n Num, want *big.Int) {
			if got := n.Wrap(ty).Big(ty); got.Cmp(wrap(want, ty)) != 0 {
				t.Fatalf("%s: %s %s %s (shift %d) = %s, want %s", ty, x, op, y, s, got, wrap(want, ty))
			}
		}
		check("+", a.Add(b), new(big.Int).Add(x, y))
		check("-", a.Sub(b), new(big.Int).Sub(x, y))
		check("*", a.Mul(b), new(big.Int).Mul(x, y))
		check("&", a.And(b), new(big.Int).And(x, y))
		check("|", a.Or(b), new(big.Int).Or(x, y))
		check("^", a.Xor(b), new(big.Int).Xor(x, y))
		check("<<", a.Shl(s), new(big.Int).Lsh(x, s))
		check(">>", a.Shr(s, ty.IsSigned()), new(big.Int).Rsh(x, s))
		if !b.IsZero() {
			q, m := a.DivRem(b, ty.IsSigned())
			check("/", q, new(big.Int).Quo(x, y))
			check("%", m, new(big.Int).Rem(x, y))
		}
		if a.Cmp(b, ty.IsSigned()) != x.Cmp(y) {
			t.Fatalf("%s: compare %s and %s", ty, x, y)
		}
	}
}
